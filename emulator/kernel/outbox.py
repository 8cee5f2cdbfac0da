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

import time
from typing import Any, NamedTuple

import orjson

from emulator.data.api_versions import DEFAULT
from emulator.kernel import clinic, ids, versions
from emulator.kernel.events import Event, told
from emulator.kernel.render import ordered
from emulator.kernel.webhooks import signing
from emulator.kernel.webhooks.call import Answer, Letter

IN_ORDER, ANY_ORDER = 0, 1
ASKED_NOTHING, ASKED_ALL, ASKED_FOR_CONNECTED = 0, 1, 2
# Source: three retries over a few hours in test mode, https://docs.stripe.com/webhooks; the spacing is our ruling.
RETRY_AFTER_SECONDS = (5 * 60, 60 * 60, 3 * 60 * 60)
EVERYTHING = "*"
ACCEPT = "*/*; q=0.5, application/xml"
ACCEPT_AN_ANSWER = "application/json"
USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
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


class Sent(NamedTuple):
    """One attempt that has ended. `began_ms` is real time; `calls` are the API calls that were made meanwhile."""

    parcel: Parcel
    answer: Answer
    began_ms: int
    calls: list[dict[str, Any]]


def letter(subscriber: Subscriber, parcel: Parcel, now: int, *, is_question: bool = False) -> Letter:
    """What is posted: the event as this subscriber reads it, signed anew for every attempt.

    `now` is the tenant's clock and tells which secrets have expired. Who is no endpoint may choose the newest version
    when it arrives. Troubles spoil the first attempt only, so that a retry can succeed.
    """
    troubles = {} if parcel.attempts else parcel.troubles
    version = troubles.get("older_api_version") or subscriber.api_version or parcel.event.api_version
    usual = written(subscriber, parcel, now, version, troubles, is_question)
    if subscriber.kind == "endpoint" or versions.pin_of(version) is None:
        return usual
    return usual._replace(newest=written(subscriber, parcel, now, DEFAULT, troubles, is_question))


def written(
    subscriber: Subscriber, parcel: Parcel, now: int, version: str, troubles: dict[str, Any], is_question: bool
) -> Letter:
    """The letter in one version. The signature's time is real time, since consumers compare it with theirs."""
    body = payload(subscriber, parcel, version)
    secrets = [one["secret"] for one in subscriber.secrets if one["expires_at"] is None or one["expires_at"] > now]
    signed_at = int(time.time()) - (clinic.STALE_SECONDS if troubles.get("stale_signature") else 0)
    if troubles.get("wrong_signature"):
        secrets = ["whsec_" + ids.base62(int.from_bytes(secret.encode(), "big") + 1, 32) for secret in secrets]
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": USER_AGENT,
        "Accept": ACCEPT,
        "Accept-Encoding": "gzip",
        "Cache-Control": "no-cache",
        "Stripe-Signature": signing.header(secrets, signed_at, body),
    }
    if is_question:
        headers = versions.headers(version, parcel.event.type, {**headers, "Accept": ACCEPT_AN_ANSWER})
    sent = body[: len(body) // 2] if troubles.get("truncated_body") else body
    return Letter(subscriber.url, headers, sent, is_question)


def payload(subscriber: Subscriber, parcel: Parcel, version: str) -> bytes:
    """The event's bytes in one version. Subscribers to several accounts read which account it happened on."""
    members: dict[str, Any] = {**parcel.event.__dict__, "object": "event", "livemode": False}
    members["pending_webhooks"] = parcel.pending
    members["api_version"] = version
    members["data"] = told(parcel.event.data, version)
    if parcel.account != subscriber.account:
        members["account"] = members["context"] = parcel.account
    return orjson.dumps(versions.shown(version, ordered(members)), option=orjson.OPT_INDENT_2)
