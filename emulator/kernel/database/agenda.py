"""What falls due as a world's time moves: one queue of named actions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from emulator.kernel.clock import NOBODY, Due, Spared
from emulator.kernel.database.face import Session
from emulator.kernel.database.queries import among

FIRST = "SELECT due_at FROM due WHERE failure IS NULL ORDER BY due_at, sequence LIMIT 1"
COLUMNS = "sequence, due_at, account, action, about, details"


class Agenda:
    """The queue of a session. `next_due_at` is when the first waiting item falls due, as the world's row has it."""

    def __init__(self, session: Session, next_due_at: int | None) -> None:
        self.session = session
        self.next_due_at = next_due_at

    def add(self, at: int, account: str, action: str, about: str, details: dict[str, Any]) -> None:
        """Have an action run once the tenant's clock reaches `at`."""
        self.next_due_at = at if self.next_due_at is None else min(self.next_due_at, at)
        self.session.add("due", due_at=at, account=account, action=action, about=about, details=orjson.dumps(details))

    def cancel(self, about: str, action: str | None = None) -> int:
        """Take back what waits for an object; how many items that were."""
        sql, values = "DELETE FROM due WHERE about = :about AND failure IS NULL", {"about": about}
        if action is not None:
            sql, values = f"{sql} AND action = :action", {"about": about, "action": action}
        canceled = self.session.changed(sql, **values)
        if canceled:
            self.look()
        return canceled

    def look(self) -> None:
        """Something waits no more: see what is the first now."""
        row = self.session.one(FIRST)
        self.next_due_at = row[0] if row else None

    def first_until(self, now: int, spared: Spared = NOBODY) -> Due | None:
        """The first waiting item that is due by `now`, but for what is spared."""
        sql, values = "due_at <= :now", dict[str, Any](now=now)
        if spared.objects:
            actions, named = among("action", spared.actions)
            objects, more = among("about", spared.objects)
            sql, values = f"{sql} AND NOT ({actions} AND {objects})", values | named | more
        row = self.session.one(
            f"SELECT {COLUMNS} FROM due WHERE failure IS NULL AND {sql} ORDER BY due_at, sequence LIMIT 1", **values
        )
        return due_of(row) if row else None

    def next_but(self, actions: Collection[str]) -> int | None:
        """When the first item of any other action falls due."""
        some, values = among("action", actions)
        row = self.session.one(f"SELECT min(due_at) FROM due WHERE failure IS NULL AND NOT ({some})", **values)
        return row[0] if row else None

    def waiting(self, *, until: int | None = None, limit: int | None = None, **of: str) -> list[Due]:
        """What waits, in the order it falls due: everything, or so much of it, or what is due by then.

        `of` an object (`about`) or an `account` only.
        """
        sql, values = f"SELECT {COLUMNS} FROM due WHERE failure IS NULL", dict[str, Any](of)
        sql += "".join(f" AND {column} = :{column}" for column in of)
        if until is not None:
            sql, values = f"{sql} AND due_at <= :until", {**values, "until": until}
        sql = f"{sql} ORDER BY due_at, sequence"
        if limit is not None:
            sql, values = f"{sql} LIMIT :most", {**values, "most": limit}
        return [due_of(row) for row in self.session.all(sql, **values)]

    def is_waiting(self, about: str, action: str) -> bool:
        """Whether an action waits for an object."""
        sql = "SELECT 1 FROM due WHERE about = :about AND action = :action AND failure IS NULL"
        return self.session.one(sql, about=about, action=action) is not None

    def try_again(self, sequence: int) -> bool:
        """Have an item that was set aside wait again, at its old time; False where there is none of that number."""
        changed = self.session.changed(
            "UPDATE due SET failure = NULL WHERE sequence = :sequence AND failure IS NOT NULL", sequence=sequence
        )
        self.look()
        return changed == 1

    def done(self, item: Due) -> None:
        """Remove an item that has run."""
        self.session.run("DELETE FROM due WHERE sequence = :sequence", sequence=item.sequence)
        self.look()

    def set_aside(self, item: Due, failure: str) -> None:
        """Keep an item that failed, with the reason, out of everyone's way."""
        self.session.run(
            "UPDATE due SET failure = :failure WHERE sequence = :sequence", failure=failure, sequence=item.sequence
        )
        self.look()

    def faults(self) -> list[str]:
        """Stored facts that contradict each other, as sentences for the doctor."""
        row = self.session.one(FIRST)
        first = row[0] if row else None
        return (
            []
            if first == self.next_due_at
            else [f"the agenda begins at {first}, the world's row says {self.next_due_at}"]
        )

    def failures(self) -> list[dict[str, Any]]:
        """What was set aside, for the health report."""
        names = ("sequence", "due_at", "account", "action", "about", "failure")
        rows = self.session.all(f"SELECT {', '.join(names)} FROM due WHERE failure IS NOT NULL ORDER BY sequence")
        return [dict(zip(names, row, strict=True)) for row in rows]


def due_of(row: tuple[Any, ...]) -> Due:
    """A stored item."""
    return Due(*row[:5], orjson.loads(row[5]))
