"""A question to the client's endpoint: what is stored of it. `asking.py` puts it; nothing is locked while we wait.

    step 1: the operation returns an `Ask`            → commit: the question, its event, its deadline
    then:   ask, hold nothing, wait                   (real time; every other time is the tenant's clock)
    step 2: `ANSWERS[type](world, about, answer)`     → commit: the decision, and the reply of the first request

    asking ── an answer, or the deadline ──▶ decided ── the reply is stored ──▶ finished
       └── decided through the API meanwhile ▲

Step 2 compares and sets, so that exactly one decision is made, whoever comes first. Whoever finds a question past its
deadline concludes it: the background tick, or the next start after a crash.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from emulator.kernel.events import Event
from emulator.kernel.outbox import Subscriber

if TYPE_CHECKING:
    from emulator.kernel.world import Request

GRACE_MS = 1_500  # for the thread that asked, before others conclude in its place


class Ask(NamedTuple):
    """What an operation returns when the client has to be asked first. `event` is the question's event."""

    event: str


class Asked(NamedTuple):
    """A stored question. Times in milliseconds are real time."""

    event: str
    delivery: int
    account: str
    type: str
    about: str
    subscriber: str
    created: int
    asked_at_ms: int
    timeout_ms: int
    decided: bool
    finished: bool
    outcome: str | None
    duration_ms: int | None
    request_id: str | None
    idempotency_key: str | None
    path: str | None
    fingerprint: bytes | None
    expand: list[str]
    version: str | None  # of the request that waits, where it named one


class Asks:
    """Questions behind one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def add(self, event: Event, account: str, about: str, to: Subscriber, delivery: int, timeout_ms: int) -> Ask:
        """A new question, asked as soon as its step is committed."""
        self.connection.execute(
            "INSERT INTO ask (event, delivery, account, type, about, subscriber, created, asked_at_ms, timeout_ms, "
            "decided, finished) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
            (event.id, delivery, account, event.type, about, to.id, event.created, real_ms(), timeout_ms),
        )
        return Ask(event.id)

    def attach(
        self, ask: Ask, request: Request, path: str, fingerprint: bytes, expand: list[str], version: str | None
    ) -> None:
        """Keep what is needed to answer the request that waits, even when the next server must."""
        self.connection.execute(
            "UPDATE ask SET request_id = ?, idempotency_key = ?, path = ?, fingerprint = ?, expand = ?, version = ? "
            "WHERE event = ?",
            (request.id, request.idempotency_key, path, fingerprint, orjson.dumps(expand), version, ask.event),
        )

    def get(self, event: str) -> Asked | None:
        """A question by its event."""
        row = self.connection.execute(f"SELECT {COLUMNS} FROM ask WHERE event = ?", (event,)).fetchone()
        return asked_of(row) if row else None

    def open_about(self, about: str) -> Asked | None:
        """The undecided question about an object, or None."""
        row = self.connection.execute(f"SELECT {COLUMNS} FROM ask WHERE about = ? AND decided = 0", (about,)).fetchone()
        return asked_of(row) if row else None

    def last_about(self, about: str) -> str | None:
        """The event of the newest question about an object, or None."""
        row = self.connection.execute(
            "SELECT event FROM ask WHERE about = ? ORDER BY rowid DESC LIMIT 1", (about,)
        ).fetchone()
        return row[0] if row else None

    def decide(self, event: str, outcome: str) -> bool:
        """Make this the decision, unless one has been made; whether it is."""
        return (
            self.connection.execute(
                "UPDATE ask SET decided = 1, outcome = ? WHERE event = ? AND decided = 0", (outcome, event)
            ).rowcount
            == 1
        )

    def finish(self, event: str, duration_ms: int | None) -> None:
        """Nothing is left to do; how long the handler took, if it answered."""
        self.connection.execute("UPDATE ask SET finished = 1, duration_ms = ? WHERE event = ?", (duration_ms, event))

    def overdue(self, now_ms: int) -> list[str]:
        """Questions whose time is up and whose asker has not concluded them."""
        rows = self.connection.execute(
            "SELECT event FROM ask WHERE finished = 0 AND asked_at_ms + timeout_ms + ? <= ? ORDER BY asked_at_ms",
            (GRACE_MS, now_ms),
        )
        return [row[0] for row in rows]

    def unfinished(self) -> int:
        """How many questions are still open."""
        return self.connection.execute("SELECT count(*) FROM ask WHERE finished = 0").fetchone()[0]

    def newest(self, limit: int) -> list[Asked]:
        """The last questions, newest first."""
        rows = self.connection.execute(f"SELECT {COLUMNS} FROM ask ORDER BY rowid DESC LIMIT ?", (limit,))
        return [asked_of(row) for row in rows]

    def tallied(self, limit_ms: int) -> dict[str, int]:
        """How many were asked and answered, and how many would have missed a limit of so many milliseconds."""
        asked, answered, late = self.connection.execute(
            "SELECT count(*), count(duration_ms), "
            "count(*) FILTER (WHERE finished = 1 AND (duration_ms IS NULL OR duration_ms > ?)) FROM ask",
            (limit_ms,),
        ).fetchone()
        return {"answered": answered, "asked": asked, "missed_the_limit": late}

    def faults(self) -> list[str]:
        """Stored facts that contradict each other, as sentences for the doctor."""
        checks = (
            (
                "SELECT key FROM idempotent_reply WHERE status IS NULL AND NOT EXISTS (SELECT 1 FROM ask WHERE "
                "finished = 0 AND idempotency_key = key AND ask.account = idempotent_reply.account)",
                "the idempotency key {} waits for a reply that nobody will give",
            ),
            (
                "SELECT event FROM ask WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.id = ask.event)",
                "the question {} has no event",
            ),
        )
        return [says.format(row[0]) for sql, says in checks for row in self.connection.execute(sql)]


COLUMNS = ", ".join(Asked._fields)


def asked_of(row: tuple[Any, ...]) -> Asked:
    """A stored question."""
    expand = orjson.loads(row[17]) if row[17] else []
    return Asked(*row[:9], bool(row[9]), bool(row[10]), *row[11:17], expand, row[18])


def real_ms() -> int:
    """Milliseconds of real time, comparable with those of an earlier server."""
    return time.time_ns() // 1_000_000
