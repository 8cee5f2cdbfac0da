"""The tenant's time, and what falls due as it moves.

Time is real time plus an offset, or frozen. It runs forward only. What falls due is one queue of named actions,
each run in a step of its own with `world.now` at its due time, before the tenant's next request.

Deadlines come before everything. What an object does by itself (*progress*) gives way to one request: that which names
the object in order to change it, since its client was told how the object stood before.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from typing import Any, NamedTuple

import orjson

# When the first waiting item falls due; null when nothing waits.
NEXT_DUE_AT = "SELECT due_at FROM due WHERE failure IS NULL ORDER BY due_at, sequence LIMIT 1"


class Due(NamedTuple):
    """A named action that waits for its time. `about` is the id of the object it concerns."""

    sequence: int
    due_at: int
    account: str
    action: str
    about: str
    details: dict[str, Any]


class Spared(NamedTuple):
    """What is left alone although it is due: these actions, for these objects."""

    actions: Collection[str] = ()
    objects: Collection[str] = ()


NOBODY = Spared()


def marks(values: Collection[str]) -> str:
    """As many question marks as there are values."""
    return ", ".join("?" * len(values))


def tenant_time(offset: int, frozen_at: int | None, last_now: int) -> int:
    """Unix seconds on a tenant's clock; never earlier than what it has already shown."""
    now = frozen_at if frozen_at is not None else int(time.time()) + offset
    return max(now, last_now)


class Agenda:
    """The queue of due work behind one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def add(self, at: int, account: str, action: str, about: str, details: dict[str, Any]) -> None:
        """Have an action run once the tenant's clock reaches `at`."""
        self.connection.execute(
            "INSERT INTO due (due_at, account, action, about, details) VALUES (?, ?, ?, ?, ?)",
            (at, account, action, about, orjson.dumps(details)),
        )

    def cancel(self, about: str, action: str | None = None) -> int:
        """Take back what waits for an object; how many items that were."""
        sql, values = "DELETE FROM due WHERE about = ? AND failure IS NULL", [about]
        if action is not None:
            sql, values = sql + " AND action = ?", [about, action]
        return self.connection.execute(sql, values).rowcount

    def first_until(self, now: int, spared: Spared = NOBODY) -> Due | None:
        """The first waiting item that is due by `now`, but for what is spared."""
        sql, values = "due_at <= ?", [now]
        if spared.objects:
            sql += f" AND NOT (action IN ({marks(spared.actions)}) AND about IN ({marks(spared.objects)}))"
            values += [*spared.actions, *spared.objects]
        row = self.connection.execute(
            f"SELECT sequence, due_at, account, action, about, details FROM due WHERE failure IS NULL AND {sql} "
            "ORDER BY due_at, sequence LIMIT 1",
            values,
        ).fetchone()
        return Due(*row[:5], orjson.loads(row[5])) if row else None

    def next_but(self, actions: Collection[str]) -> int | None:
        """When the first item of any other action falls due."""
        return self.connection.execute(
            f"SELECT min(due_at) FROM due WHERE failure IS NULL AND action NOT IN ({marks(actions)})", [*actions]
        ).fetchone()[0]

    def waiting(self) -> list[Due]:
        """Everything that waits, in the order it falls due."""
        rows = self.connection.execute(
            "SELECT sequence, due_at, account, action, about, details FROM due WHERE failure IS NULL "
            "ORDER BY due_at, sequence"
        )
        return [Due(*row[:5], orjson.loads(row[5])) for row in rows]

    def done(self, item: Due) -> None:
        """Remove an item that has run."""
        self.connection.execute("DELETE FROM due WHERE sequence = ?", (item.sequence,))

    def set_aside(self, item: Due, failure: str) -> None:
        """Keep an item that failed, with the reason, out of everyone's way."""
        self.connection.execute("UPDATE due SET failure = ? WHERE sequence = ?", (failure, item.sequence))

    def failures(self) -> list[dict[str, Any]]:
        """What was set aside, for the health report."""
        rows = self.connection.execute(
            "SELECT due_at, account, action, about, failure FROM due WHERE failure IS NOT NULL ORDER BY sequence"
        )
        names = ("due_at", "account", "action", "about", "failure")
        return [dict(zip(names, row, strict=True)) for row in rows]
