"""Questions as they are stored."""

from __future__ import annotations

from typing import Any

import orjson

from emulator.kernel.database.face import Session
from emulator.kernel.deliveries import Subscriber
from emulator.kernel.events import Event
from emulator.kernel.questions import GRACE_MS, Question, StoredQuestion, real_ms
from emulator.kernel.requests import Request

COLUMNS = ", ".join(StoredQuestion._fields)


class Questions:
    """The questions of a session. `earliest` is when others conclude the first of what the session has added."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.earliest: float | None = None

    def add(self, event: Event, account: str, about: str, to: Subscriber, delivery: int, timeout_ms: int) -> Question:
        """A new question, asked as soon as its step is committed."""
        asked_at_ms = real_ms()
        self.earliest = (asked_at_ms + timeout_ms + GRACE_MS) / 1000
        self.session.add(
            "ask",
            event=event.id,
            delivery=delivery,
            account=account,
            type=event.type,
            about=about,
            subscriber=to.id,
            created=event.created,
            asked_at_ms=asked_at_ms,
            timeout_ms=timeout_ms,
            decided=0,
            finished=0,
        )
        return Question(event.id)

    def attach(self, question: Question, request: Request, fingerprint: bytes, expand: list[str]) -> None:
        """Keep what is needed to answer the request that waits, even when the next server must."""
        self.session.run(
            "UPDATE ask SET request_id = :request_id, idempotency_key = :key, path = :path, "
            "fingerprint = :fingerprint, expand = :expand, version = :version WHERE event = :event",
            request_id=request.id,
            key=request.idempotency_key,
            path=request.path,
            fingerprint=fingerprint,
            expand=orjson.dumps(expand),
            version=request.version,
            event=question.event,
        )

    def get(self, event: str) -> StoredQuestion | None:
        """A question by its event."""
        row = self.session.one(f"SELECT {COLUMNS} FROM ask WHERE event = :event", event=event)
        return question_of(row) if row else None

    def open_about(self, about: str) -> StoredQuestion | None:
        """The undecided question about an object, or None."""
        row = self.session.one(f"SELECT {COLUMNS} FROM ask WHERE about = :about AND decided = 0", about=about)
        return question_of(row) if row else None

    def last_about(self, about: str) -> str | None:
        """The event of the newest question about an object, or None."""
        row = self.session.one("SELECT event FROM ask WHERE about = :about ORDER BY delivery DESC LIMIT 1", about=about)
        return row[0] if row else None

    def decide(self, event: str, outcome: str) -> bool:
        """Make this the decision, unless one has been made; whether it is."""
        sql = "UPDATE ask SET decided = 1, outcome = :outcome WHERE event = :event AND decided = 0"
        return self.session.changed(sql, event=event, outcome=outcome) == 1

    def finish(self, event: str, duration_ms: int | None) -> None:
        """Nothing is left to do; how long the handler took, if it answered."""
        self.session.run(
            "UPDATE ask SET finished = 1, duration_ms = :duration_ms WHERE event = :event",
            duration_ms=duration_ms,
            event=event,
        )

    def unfinished(self) -> list[StoredQuestion]:
        """Questions whose reply is still to be given, the oldest first."""
        sql = f"SELECT {COLUMNS} FROM ask WHERE finished = 0 ORDER BY asked_at_ms, delivery"
        return [question_of(row) for row in self.session.all(sql)]

    def is_awaited(self, account: str, key: str) -> bool:
        """Whether the reply to a keyed request hangs on a question that is not finished."""
        sql = "SELECT 1 FROM ask WHERE finished = 0 AND account = :account AND idempotency_key = :key"
        return self.session.one(sql, account=account, key=key) is not None

    def newest(self, limit: int) -> list[StoredQuestion]:
        """The last questions, newest first."""
        sql = f"SELECT {COLUMNS} FROM ask ORDER BY delivery DESC LIMIT :limit"
        return [question_of(row) for row in self.session.all(sql, limit=limit)]

    def tallied(self, limit_ms: int) -> dict[str, int]:
        """How many were asked and answered, and how many would have missed a limit of so many milliseconds."""
        row = self.session.one(
            "SELECT count(*), count(duration_ms), "
            "count(*) FILTER (WHERE finished = 1 AND (duration_ms IS NULL OR duration_ms > :limit_ms)) FROM ask",
            limit_ms=limit_ms,
        )
        assert row is not None
        return {"answered": row[1], "asked": row[0], "missed_the_limit": row[2]}

    def faults(self) -> list[str]:
        """Stored facts that contradict each other, as sentences for the doctor."""
        checks = (
            (
                # What calls others is not among them: its key is free once its process has died.
                "SELECT key FROM idempotent_reply WHERE status IS NULL AND path NOT LIKE '/_emulator/%' AND NOT EXISTS "
                "(SELECT 1 FROM ask WHERE finished = 0 AND idempotency_key = key "
                "AND ask.account = idempotent_reply.account)",
                "the idempotency key {} waits for a reply that nobody will give",
            ),
            (
                "SELECT event FROM ask WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.id = ask.event "
                "AND event.account = ask.account AND event.type = ask.type AND event.about = ask.about "
                "AND event.created = ask.created)",
                "the question {} has no event that says the same",
            ),
            (
                "SELECT event FROM ask WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.sequence = ask.delivery "
                "AND delivery.event = ask.event AND delivery.subscriber = ask.subscriber)",
                "the question {} has no delivery",
            ),
            (
                "SELECT event FROM ask WHERE decided NOT IN (0, 1) OR finished NOT IN (0, 1) OR finished > decided "
                "OR (decided = 1 AND outcome IS NULL)",
                "the question {} is in a state that there is not",
            ),
        )
        return [says.format(row[0]) for sql, says in checks for row in self.session.all(sql)]


def question_of(row: tuple[Any, ...]) -> StoredQuestion:
    """A stored question."""
    expand = orjson.loads(row[17]) if row[17] else []
    return StoredQuestion(*row[:9], bool(row[9]), bool(row[10]), *row[11:17], expand, row[18])
