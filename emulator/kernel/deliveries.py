"""Events → deliveries → attempts: who is told, and what is sent.

    waiting ── 2xx ──────────▶ delivered
       ├── last attempt failed, or the endpoint is disabled ─▶ given_up
       └── the endpoint was deleted ─▶ canceled
    asked ── any answer ─────▶ delivered or given_up          (the one who was asked a question; never sent again)

A *subscriber* is told of events: a webhook endpoint, or anything else for which a transport is registered with the
postman. A delivery is one event on its way to one subscriber, written in the step that caused the event; so either
both are there after a crash or neither. An attempt is one time it was sent.

First attempts leave in the order of events, per subscriber. Whatever else is due (retries, resends, what the clinic
delayed) leaves in any order and holds nothing back.
Source: https://docs.stripe.com/webhooks
"""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.kernel.answers import Answer
from emulator.kernel.events import Event

IN_ORDER, ANY_ORDER = 0, 1
ASKED_NOTHING, ASKED_ALL, ASKED_FOR_CONNECTED = 0, 1, 2
# Source: three retries over a few hours in test mode, https://docs.stripe.com/webhooks; the spacing is our ruling.
RETRY_AFTER_SECONDS = (5 * 60, 60 * 60, 3 * 60 * 60)
EVERYTHING = "*"
UNACKNOWLEDGED = "unacknowledged events"  # the query of that name


class Subscriber(NamedTuple):
    """Someone who is told of events.

    `hears` is `own` (events of `account`), `connected` (those of the accounts connected to the platform `account`)
    or `all` (both). `answers` is what it can be asked: `ASKED_NOTHING`, `ASKED_ALL` or, of what it hears, only what is
    about connected accounts, `ASKED_FOR_CONNECTED`. `retries` says whether a failed delivery is tried again. `kind`
    names the transport. `secrets` are `{"secret", "expires_at"}`, the newest first.
    """

    id: str
    kind: str
    account: str
    hears: str
    enabled: bool
    answers: int
    retries: bool
    url: str
    api_version: str | None
    secrets: list[dict[str, Any]]


class Parcel(NamedTuple):
    """A delivery that is due, with what is needed to send it."""

    sequence: int
    account: str
    event: Event
    reason: str
    attempts: int
    created: int
    pending: int
    troubles: dict[str, Any]


class LinkedCall(NamedTuple):
    """An API call as it is kept with what its client was handling meanwhile; `ended_ms` is real time."""

    ended_ms: int
    told: dict[str, Any]


class Sent(NamedTuple):
    """One attempt that has ended. `began_ms` and `ended_ms` are real time; `calls` were made meanwhile.

    `signature` is the Stripe-Signature header that was sent; None for what never left.
    """

    parcel: Parcel
    answer: Answer
    began_ms: int
    ended_ms: int
    calls: list[LinkedCall]
    signature: str | None = None
