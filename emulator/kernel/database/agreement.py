"""What the doctor can tell of any record: whether it is as it was last told of, and whether what it names is there.

Every change that an object shows is told, so its last event shows it as it is, but for what is `silent` (see
`records.Record`). What is compared is what is stored and shown as it is stored: how the rest is computed may have
changed since an earlier version of the program wrote the event, and so may which members there are. A kind of record
whose members have another meaning than they had (`version`) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from emulator.kernel.events import ABSENT, Event
from emulator.kernel.records import Kind
from emulator.kernel.world import World

ID = re.compile(r"[a-z]+_[0-9A-Za-z]{14,}")  # what is shorter is a client's own word
IS_GONE = (".deleted", ".detached")
# What clients say in their own words, and may name objects of elsewhere with.
WORDS = frozenset(
    {"account_token", "address", "address_kana", "address_kanji", "business_profile", "cardholder_address",
     "description", "documents", "full_name_aliases", "lookup_key", "merchant_data", "metadata", "name", "nickname",
     "person_token", "purchase_details", "registered_address", "settings", "transfer_group", "verification",
     "wallet_provider"}
)  # fmt: skip


def differing_from_events(world: World) -> Iterator[str]:
    """Records that are not as their last event says, as sentences."""
    for account, event in world.step.happened.last_of_each():
        told = event.data["object"]
        kind = world.catalog.records.get(told["object"])
        is_comparable = kind is not None and kind.version == 1 and not event.type.endswith(IS_GONE)
        if not is_comparable or not ID.fullmatch(str(event.about)):
            continue
        found = world.anywhere(kind, event.about)
        if found is None:
            others = (other for other in world.catalog.records.values() if other.is_stored and not other.has_table)
            if any(world.anywhere(other, str(event.about)) for other in others):
                continue  # what another kind of record shows under this name too
            if kind.look_up is None:
                yield f"{event.about} was last told of by {event.id}, and is not there"
            continue
        stored = found[1].__dict__
        names = (told.keys() & stored.keys()) - {*kind.hidden, *kind.silent}
        changed = {name: where(stored[name], ids_only(told[name], name in kind.embeds)) for name in sorted(names)}
        if not any(changed.values()):
            continue
        try:
            shown = world.as_account(account).render(found[1])
        except Exception as failure:
            yield f"{event.about} cannot be shown: {type(failure).__name__}: {failure}"
            continue
        for name in sorted(changed.keys() & shown.keys()):  # of what is deleted nearly nothing is shown
            paths, seen = changed[name], ids_only(shown[name], name in kind.embeds)
            if any(at(seen, path) == at(stored[name], path) for path in paths):
                yield f"{event.about} has the {name} {stored[name]!r}, its last event says {told[name]!r}"


def ids_only(value: Any, is_embedded: bool) -> Any:
    """A member as it is stored: of an embedded object its id."""
    return value.get("id") if is_embedded and isinstance(value, dict) else value


def where(stored: Any, told: Any) -> list[tuple[Any, ...]]:
    """The paths at which something stored is not as it was told. What is told besides is no matter: it is computed."""
    if isinstance(stored, dict) and isinstance(told, dict) and stored:
        return [(name, *path) for name in stored for path in where(stored[name], told.get(name, ABSENT))]
    if isinstance(stored, list) and isinstance(told, list) and len(stored) == len(told):
        return [(place, *path) for place, one in enumerate(stored) for path in where(one, told[place])]
    return [] if stored == told else [()]


def at(value: Any, path: Iterable[Any]) -> Any:
    """What stands at a path."""
    for step in path:
        if isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            value = value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
    return value


def lost(world: World) -> Iterator[str]:
    """What waits for, or names, an object that is not there, as sentences. What events tell of may be gone."""
    known: dict[Kind, set[str]] = {kind: world.store.ids(kind) for kind in world.catalog.stored}
    movements = world.ledger.causes()

    def is_there(id: str) -> bool:
        kind = world.catalog.prefixes.get(id.partition("_")[0])
        if kind is None or not kind.is_stored:
            return id in movements
        return (
            kind.look_up is not None or kind.can_go or id in known[kind]
        )  # not every file that a client names was ever uploaded

    for due in world.step.agenda.waiting():
        if not is_there(due.about):
            yield f"{due.action} waits for {due.about}, which is not there"
    for movement, (owner, flow, transaction, flow_type) in movements.items():
        for id in (owner, flow, transaction):
            if id is not None and not is_there(id):
                yield f"{movement} names {id}, which is not there"
        kind = world.catalog.prefixes.get(str(flow).partition("_")[0])
        if flow_type is not None and (kind is None or not kind.object.replace(".", "_").endswith(flow_type)):
            yield f"{movement} is of {flow}, and its flow type is {flow_type}"
    for kind in known:
        if kind is Event:
            continue
        paths = [path.split(".") for path in (*kind.expands, *kind.embeds)]
        paths = [path for path in paths if not WORDS.intersection(path)]
        for account, record in world.store.every(kind):
            members = record.__dict__
            if members.get("account", account) != account:
                yield f"{record.id} is of {members['account']}, and lies with {account}"
            named = {id for id in ids_in(members) if id.partition("_")[0] in world.catalog.prefixes}
            named |= {id for path in paths if isinstance(id := at(members, path), str)}
            for id in sorted(named):
                if not is_there(id):
                    yield f"{record.id} names {id}, which is not there"


def ids_in(value: Any) -> Iterator[str]:
    """Whatever in a value is an id, as this program makes them, but for what clients say in their own words."""
    if isinstance(value, str):
        if ID.fullmatch(value):
            yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            if name not in WORDS:
                yield from ids_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from ids_in(member)
