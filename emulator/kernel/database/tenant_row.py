"""The world's own row: its name, its clock, its generator, its settings, and how far it has counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

import orjson

from emulator.kernel import ids
from emulator.kernel.database.face import Session, WorldDamaged


class TenantRow(NamedTuple):
    """A world's own row.

    `movements`, `deliveries` and `events` are how many there have been; `next_due_at` is when the first item of the
    agenda falls due; `created` is real time, and unknown of a world that an early version has made.
    """

    name: str
    generator: bytes
    draws: int
    platform: str
    clock_offset: int
    frozen_at: int | None
    last_now: int
    generation: int
    faults: int  # how many wait for a request
    subscribers: int  # how many there are at all
    movements: int
    deliveries: int
    events: int
    next_due_at: int | None
    created: int | None
    settings: dict[str, Any]


READ = f"SELECT {', '.join(TenantRow._fields)} FROM tenant"


def read_tenant_row(session: Session) -> TenantRow:
    """The world's row as it stands. WorldDamaged where it is gone: a world has it from its first moment on."""
    row = session.one(READ)
    if row is None:
        raise WorldDamaged("What is kept of this world cannot be read: there is no world in it, its own row is gone.")
    return TenantRow(*row[:-1], settings_in(row[-1]))


@lru_cache(maxsize=256)
def settings_in(data: bytes) -> dict[str, Any]:
    """Settings as they are stored; not to be changed, since many steps share them."""
    return orjson.loads(data)


def add_tenant_row(session: Session, row: TenantRow) -> None:
    """A new world's row."""
    session.add("tenant", **{**row._asdict(), "settings": orjson.dumps(row.settings)})


def write_tenant_row(session: Session, **members: Any) -> None:
    """Set some of its members."""
    if "settings" in members:
        members["settings"] = orjson.dumps(members["settings"])
    session.run(update_sql(tuple(members)), **members)


@cache
def update_sql(names: tuple[str, ...]) -> str:
    """Other values for some members of the row."""
    return f"UPDATE tenant SET {', '.join(f'{name} = :{name}' for name in names)}"


class Counters:
    """Numbers of movements, deliveries and events: the next is known at once, and nobody waits for the database."""

    def __init__(self, row: TenantRow) -> None:
        self.movements, self.deliveries, self.events = row.movements, row.deliveries, row.events

    def next_movement(self) -> int:
        """The number of the next movement."""
        self.movements += 1
        return self.movements

    def next_delivery(self) -> int:
        """The number of the next delivery."""
        self.deliveries += 1
        return self.deliveries

    def next_event(self) -> int:
        """The number of the next event."""
        self.events += 1
        return self.events


def contradictions(session: Session, row: TenantRow, tables: Iterable[str]) -> Iterator[str]:
    """What the row says otherwise than the rest, as sentences for the doctor; `tables` have rows of accounts."""
    if ids.object_id("acct", 0, "", ids.chance(row.generator, 0)) != row.platform:
        yield f"{row.platform} is not the platform that the generator of the world begins with"
    for name, table in (("movements", "movement"), ("deliveries", "delivery"), ("events", "event")):
        last = session.one(f"SELECT coalesce(max(sequence), 0) FROM {table}")
        if last != (getattr(row, name),):
            yield f"the world's row counts {getattr(row, name)} {name}, the last is number {last and last[0]}"
    for table in tables:
        strangers = session.all(
            f"SELECT DISTINCT account FROM {table} WHERE account NOT IN (SELECT id FROM acting_account)"
        )
        for (account,) in strangers:
            yield f"{table} has rows of {account}, which is no account"


def gaps(session: Session, table: str, last: int) -> list[int]:
    """Numbers that have been given to rows of a table which are not there; each stands for those that follow it too."""
    rows = session.all(
        f"SELECT sequence + 1 FROM {table} WHERE sequence < :last "
        f"AND sequence + 1 NOT IN (SELECT sequence FROM {table}) "
        f"UNION SELECT 1 WHERE :last > 0 AND 1 NOT IN (SELECT sequence FROM {table}) ORDER BY 1",
        last=last,
    )
    return [row[0] for row in rows]
