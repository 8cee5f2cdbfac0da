"""From record to JSON: member order, embedded objects, expansion, and fields shown only on request.

What a record says of its rendering stands with all that it says of itself, in `records.Record`.

Source: https://docs.stripe.com/api/expanding_objects
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress
from operator import is_, is_not
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.records import Kind

if TYPE_CHECKING:
    from emulator.kernel.world import World

DEEPEST = 4
FIRST_MEMBERS = ("id", "object")
NOTHING: Mapping[str, Any] = MappingProxyType({})
NESTED = frozenset({dict, list})
_orders: dict[tuple[str, ...], dict[str, None] | None] = {}


class Include(NamedTuple):
    """A member that is there only when asked for: `fill(world, record, rendered)` puts it into the rendering."""

    fill: Callable[[World, Any, dict[str, Any]], None]
    where: Literal["anywhere", "retrieve", "not lists"] = "anywhere"
    before: str | None = None  # the change of version before which it was always there
    is_gone: bool = False  # and whether it can no longer be asked for since then


class Rendered(dict[str, Any]):
    """A hash that is in order already, and not to be changed: many may share it."""


class Deleted(NamedTuple):
    """The reply to a deletion: `{id, object, deleted: true}`."""

    record: Any


class Content(NamedTuple):
    """A reply that is no JSON: bytes of some media type, headers that go with them, and what came of it."""

    body: bytes
    media_type: str
    headers: Mapping[str, str] = MappingProxyType({})
    status: int = 200


def shown(record: Any, **more: Any) -> dict[str, Any]:
    """A record's public members as they are, `object` and `livemode`, and whatever is given besides."""
    members = record.__dict__.copy()
    for name in record.hidden:
        del members[name]
    members["object"] = record.object
    members["livemode"] = False
    members.update(more)
    return members


def ordered(value: dict[str, Any], kept: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """With `id` and `object` first and the other members in alphabetical order, at every depth; metadata keeps its own.

    What is in order already is given back as it is, so nothing of it may be changed: see `apart`. `kept` has members
    that are known to be: those of a stored record are, since they were stored so.
    """
    names = tuple(value)
    try:
        order = _orders[names]
    except KeyError:
        in_order = member_order(names)
        order = None if in_order == names else dict.fromkeys(in_order)
        if len(_orders) < 4096:
            _orders[names] = order
    arranged = value if order is None else order | value
    for name, member in nested(value) if kept is NOTHING else nested(dict(added(value, kept))):
        if name == "metadata":
            continue
        inside = ordered_inside(member)
        if inside is not member:
            if arranged is value:
                arranged = value.copy()
            arranged[name] = inside
    return arranged


def nested(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The members that have members of their own, found without looking at each in Python."""
    return compress(value.items(), map(NESTED.__contains__, map(type, value.values())))


def added(value: dict[str, Any], kept: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The members that are not those of `kept`, found in the same way."""
    return compress(value.items(), map(is_not, map(kept.get, value), value.values()))


def ordered_inside(member: Any) -> Any:
    """A hash, or a list of whatever, in order; itself if it is."""
    if type(member) is dict:
        return ordered(member)
    if dict not in map(type, member):
        return member
    items = [ordered(item) if type(item) is dict else item for item in member]
    return member if all(map(is_, items, member)) else items


def member_order(names: tuple[str, ...]) -> tuple[str, ...]:
    """`id`, `object`, then the rest sorted."""
    first = [name for name in FIRST_MEMBERS if name in names]
    return (*first, *sorted(name for name in names if name not in FIRST_MEMBERS))


def apart(value: Any) -> Any:
    """A copy at every depth, which may be changed."""
    if isinstance(value, dict):
        return {name: apart(member) for name, member in value.items()}
    if isinstance(value, list):
        return [apart(item) for item in value]
    return value


def encoded(body: Any) -> bytes:
    """A reply's bytes: two spaces of indentation and a newline at the end."""
    return orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def refused(path: str, why: str | None = None) -> ApiError:
    """400 for a path that cannot be expanded."""
    return invalid(why or f"This property cannot be expanded ({path}).", param="expand")


def check_expand(paths: Sequence[str], record: Kind | None, *, is_list: bool, is_retrieve: bool) -> None:
    """Refuse a depth above four and a first segment that names nothing expandable; deeper segments may be unknown."""
    for path in paths:
        segments = path.split(".")
        if len(segments) > DEEPEST:
            error = refused(path, f"You cannot expand more than 4 levels of a property. Property: {path}")
            error.code = "property_expansion_max_depth"
            raise error
        start = ""
        if is_list:
            if segments[0] == "total_count":
                raise refused(path, "This property cannot be included (total_count)")
            if segments[0] != "data" or len(segments) == 1:
                raise refused(segments[0])
            segments, start = segments[1:], "data."
        if record is None:
            raise refused(start + segments[0])
        for dotted, include in record.includes.items():
            names = dotted.split(".")
            barred = (include.where == "retrieve" and not is_retrieve) or (include.where == "not lists" and is_list)
            if barred and segments[: len(names)] == names:
                raise refused(start + dotted)
        known = (*record.expands, *record.embeds, *record.includes)
        if segments[0] not in {dotted.partition(".")[0] for dotted in known}:
            raise refused(start + segments[0])


def expanded(world: World, body: dict[str, Any], paths: Sequence[str], *, is_row: bool = False) -> dict[str, Any]:
    """A rendered reply, or its row, with objects for ids and with what is shown on request, along each path."""
    whole = apart(body)
    descent = Descent(world, whole, is_row, {})
    for path in paths:
        descend(descent, whole, path.split("."))
    return ordered(whole)


def unasked(world: World, kind: Kind) -> list[str]:
    """What the client's version always shows of a kind of record, and newer ones only when asked for."""
    return [path for path, include in kind.includes.items() if include.before and world.predates(include.before)]


class Descent(NamedTuple):
    """Paths being followed: from which reply or row of one, and which members of whom are filled already."""

    world: World
    reply: dict[str, Any]
    is_row: bool
    filled: dict[tuple[int, str], dict[str, Any]]  # by identity, so the owners are kept alive

    def may_fill(self, include: Include, owner: dict[str, Any]) -> bool:
        """Whether a member may be shown here: one for retrieves only at the top, one not for lists in no list.

        What is left of a deleted object has none of them.
        """
        if "deleted" in owner:
            return False
        if include.is_gone and not self.world.predates(str(include.before)):
            return False
        if include.where == "retrieve":
            return owner is self.reply and not self.is_row
        return include.where == "anywhere" or not self.is_row


def descend(descent: Descent, node: Any, segments: Sequence[str]) -> None:
    """Follow one path into an object, a list object, or an array."""
    if isinstance(node, list):
        for item in node:
            descend(descent, item, segments)
    elif isinstance(node, dict) and segments:
        if node.get("object") == "list":
            descend(descent, node.get("data"), segments[1:] if segments[0] == "data" else segments)
            return
        kind = descent.world.catalog.records.get(node.get("object", ""))
        if kind is not None:
            follow(descent, kind, node, segments)
        else:
            descend(descent, node.get(segments[0]), segments[1:])


def follow(descent: Descent, kind: Kind, owner: dict[str, Any], segments: Sequence[str]) -> None:
    """Follow a path from an object of a known kind, filling what it names on the way."""
    for dotted, include in kind.includes.items():
        names = dotted.split(".")
        key = (id(owner), dotted)
        if list(segments[: len(names)]) == names and key not in descent.filled and descent.may_fill(include, owner):
            descent.filled[key] = owner
            record = descent.world.find(kind, owner["id"])
            if record is not None:
                include.fill(descent.world, record, owner)
                if names[0] in owner:
                    owner[names[0]] = apart(owner[names[0]])
    node: Any = owner
    for position, name in enumerate(segments):
        if not isinstance(node, dict):
            descend(descent, node, segments[position:])
            return
        child = node.get(name)
        path = ".".join(segments[: position + 1])
        if path in kind.expands_beyond:
            named = child["id"] if isinstance(child, dict) else child
            descent = descent._replace(world=descent.world.owner_of(named))
        if isinstance(child, str) and path in kind.expands:
            child = node[name] = apart(descent.world.resolved(child))
        if isinstance(child, dict) and "object" in child:
            descend(descent, child, segments[position + 1 :])
            return
        node = child
