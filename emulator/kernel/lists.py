"""Lists: newest first, cursors, filters, `has_more`.

Source: https://docs.stripe.com/api/pagination
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from emulator.kernel import versions
from emulator.kernel.conditions import Condition, Place
from emulator.kernel.errors import invalid, no_such
from emulator.kernel.records import Kind
from emulator.kernel.world import World

LARGEST_PAGE = 100
DEFAULT_PAGE = 10
FIRST, LAST = -1, 2**62  # of the records of one second


@dataclass(frozen=True)
class Page:
    """Some records of one kind, newest first, and whether more follow in the direction of travel."""

    records: Sequence[Any]
    has_more: bool
    url: str


def listed(data: list[dict[str, Any]], url: str, *, has_more: bool = False) -> dict[str, Any]:
    """Some objects as JSON, as a list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def lists(
    record: Kind, *, require: Kind | None = None, narrow: Callable[..., Sequence[Condition]] | None = None
) -> Callable[..., Page]:
    """An operation that lists one kind of record by the filters its parameter schema declares.

    A hash parameter is a range over the column of its name, and `order_by` names the time that sorts. `require` names
    the record that the filter `financial_account` or `card` must exist as (400 otherwise). `narrow(world, params,
    *path)` adds conditions of the resource's own and may take parameters out of `params`.
    """

    def operation(world: World, params: dict[str, Any], *path: str) -> Page:
        filters = versions.filters(world.version, record.object, dict(params))
        if require is not None:
            name = require.object.rpartition(".")[2]
            world.get(require, filters[name], param=name)
        conditions = list(narrow(world, filters, *path)) if narrow else []
        key = filters.pop("order_by", "created")
        return page(world, record, filters, conditions, key=key)

    operation.__doc__ = f"List {record.__name__} objects, newest first."
    operation.returns = record  # type: ignore[attr-defined]
    operation.is_list = True  # type: ignore[attr-defined]
    return operation


def page(
    world: World, record: Kind, params: dict[str, Any], conditions: Sequence[Condition] = (), *, key: str = "created"
) -> Page:
    """One page by `limit`, the cursors, and every other parameter as a filter of its name."""
    limit = min(max(params.get("limit", DEFAULT_PAGE), 1), LARGEST_PAGE)
    after = place_of(world, record, params, "starting_after", key)
    before = place_of(world, record, params, "ending_before", key)
    if after and before:
        raise invalid("Received both starting_after and ending_before parameters. Please pass in only one.")

    wanted = [Condition("account", "eq", world.account), *conditions, *filters_of(params)]
    found = world.select(record, wanted, key=key, older_than=after, newer_than=before, limit=limit + 1)
    records = found[:limit]
    if before:
        records.reverse()
    return Page(records, len(found) > limit, world.path)


class Part(NamedTuple):
    """One kind of record in a list of several, as far as it meets some conditions."""

    kind: Kind
    conditions: Sequence[Condition] = ()


def page_of(parts: Sequence[Part], world: World, params: dict[str, Any]) -> Page:
    """The same for records of several kinds, those of one second in the order of their kinds. No filters."""
    limit = min(max(params.get("limit", DEFAULT_PAGE), 1), LARGEST_PAGE)
    after, before = (among(parts, world, params, name) for name in ("starting_after", "ending_before"))
    if after and before:
        raise invalid("Received both starting_after and ending_before parameters. Please pass in only one.")

    found: list[tuple[int, int, Any]] = []
    for rank, part in enumerate(parts):
        wanted = [Condition("account", "eq", world.account), *part.conditions]
        places = {"older_than": after and beside(after, rank), "newer_than": before and beside(before, rank)}
        some = world.select(part.kind, wanted, **places, limit=limit + 1)
        found += [(one.created, -rank, one) for one in some]
    found.sort(key=itemgetter(0, 1), reverse=not before)  # each kind stays in its own order
    records = [one for _, _, one in found[:limit]]
    if before:
        records.reverse()
    return Page(records, len(found) > limit, world.path)


def among(parts: Sequence[Part], world: World, params: dict[str, Any], name: str) -> tuple[int, Place] | None:
    """Of which kind the cursor object is, and where it stands. 400 `resource_missing` for an unknown one."""
    if name not in params:
        return None
    for rank, part in enumerate(parts):
        place = world.place(part.kind, params[name])
        if place is not None:
            return rank, place
    raise no_such(parts[0].kind.cursor_noun, params[name], param=name, status=400)


def beside(cursor: tuple[int, Place], rank: int) -> Place:
    """Where records of a kind go on from a cursor: past all of its second, or before all of it, in another kind."""
    own, place = cursor
    if rank == own:
        return place
    return Place(place.key, LAST if rank > own else FIRST)


def filters_of(params: dict[str, Any]) -> list[Condition]:
    """Equalities and ranges from the parameters that are not about paging."""
    conditions = []
    for name, value in params.items():
        if name in ("limit", "starting_after", "ending_before"):
            continue
        if isinstance(value, dict):
            conditions += [Condition(name, bound, limit) for bound, limit in value.items()]
        elif isinstance(value, list):  # of words that an older version tells as one
            conditions.append(Condition(name, "in", value))
        else:
            conditions.append(Condition(name, "eq", value))
    return conditions


def place_of(world: World, record: Kind, params: dict[str, Any], name: str, key: str) -> Any:
    """Where the cursor object stands. 400 `resource_missing` for an unknown one."""
    id = params.get(name)
    if id is None:
        return None
    place = world.place(record, id, key)
    if place is None:
        raise no_such(record.cursor_noun, id, param=name, status=400)
    return place
