"""A question to the client's endpoint: what is known of it. `asker.py` puts it; nothing is locked while we wait.

    step 1: the operation returns an `Question`       → commit: the question, its event, its deadline
    then:   ask, hold nothing, wait                   (real time; every other time is the tenant's clock)
    step 2: `ANSWERS[type](world, about, answer)`     → commit: the decision, and the reply of the first request

    asking ── an answer, or the deadline ──▶ decided ── the reply is stored ──▶ finished
       └── decided through the API meanwhile ▲

Step 2 compares and sets, so that exactly one decision is made, whoever comes first. Whoever finds a question past its
deadline concludes it: the background tick, or the next start after a crash.
"""

from __future__ import annotations

import time
from typing import NamedTuple

GRACE_MS = 1_500  # for the thread that asked, before others conclude in its place


class Question(NamedTuple):
    """What an operation returns when the client has to be asked first. `event` is the question's event."""

    event: str


class StoredQuestion(NamedTuple):
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

    @property
    def overdue_at(self) -> float:
        """From when on, in unix seconds of real time, others conclude it."""
        return (self.asked_at_ms + self.timeout_ms + GRACE_MS) / 1000


def real_ms() -> int:
    """Milliseconds of real time, comparable with those of an earlier server."""
    return time.time_ns() // 1_000_000
