"""What is posted to a subscriber: an event in its version, signed, with whatever trouble the clinic has for it."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import orjson

from emulator.data.api_versions import DEFAULT
from emulator.kernel import clinic, ids, versions
from emulator.kernel.deliveries import Parcel, Subscriber
from emulator.kernel.events import told
from emulator.kernel.render import ordered
from emulator.kernel.webhooks import signing

ACCEPT = "*/*; q=0.5, application/xml"
ACCEPT_AN_ANSWER = "application/json"
USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


class Letter(NamedTuple):
    """What is sent: the address, the headers and the exact bytes that are signed.

    `newest` is the same in the newest version, for those who choose between the two; None where both are one. It may
    not go where webhooks may not (`off_limits`), unless it `may_go_anywhere`.
    """

    url: str
    headers: dict[str, str]
    body: bytes
    is_question: bool = False
    newest: Letter | None = None
    may_go_anywhere: bool = False


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
