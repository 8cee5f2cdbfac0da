"""Real-time authorizations: no rule objects, so the client's endpoint is asked, and has two seconds.

    rules allow ─▶ an endpoint lists `issuing_authorization.request`?
                     ├── no ──▶ approved
                     └── yes ─▶ undecided ── asked ──▶ answered ──▶ approved or declined as it says
                                   │            └────▶ unusable ──▶ webhook_error, by `on_webhook_failure`
                                   ├── silence ──────────────────▶ webhook_timeout, by `on_webhook_failure`
                                   └── approve, decline (API) ───▶ the answer no longer counts

Exactly one endpoint is asked, and nobody else gets the event. A yes is checked against the rules again.
Source: https://docs.stripe.com/issuing/controls/real-time-authorizations
"""

from __future__ import annotations

from typing import Any

import orjson

from emulator.issuing import deciding
from emulator.issuing.authorizations import Authorization
from emulator.issuing.deciding import Verdict
from emulator.kernel.answers import Answer
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.params import Amount, Metadata, Params, merged_metadata
from emulator.kernel.questions import Question
from emulator.kernel.routes import POST
from emulator.kernel.settings import choice, number
from emulator.kernel.versions import is_version
from emulator.kernel.world import World

EVENT = "issuing_authorization.request"
SETTINGS = (
    number(
        "real_time_timeout_ms",
        2_000,
        "How long an endpoint may take to answer issuing_authorization.request, in real time.",
        minimum=1,
    ),
    choice(
        "on_webhook_failure",
        "decline",
        ("decline", "approve"),
        "What becomes of an authorization whose endpoint gives no answer, or one that cannot be used.",
    ),
)


class Unusable(Exception):
    """Why an answer cannot be used, as `request_history[].reason_message` tells it."""


def decide(world: World, authorization: Authorization) -> Authorization | Question:
    """Decide the pending request of an authorization: by the rules, and then by whoever answers for the account."""
    return deciding.decide(world, authorization, ask)


def ask(world: World, authorization: Authorization) -> Question | None:
    """Store the undecided authorization and put the question; None where nobody wants to be asked."""
    endpoint = world.who_answers(EVENT)
    if endpoint is None:
        return None
    world.put(authorization)
    return world.ask(EVENT, authorization, to=endpoint, timeout_ms=world.setting("real_time_timeout_ms"))


def conclude(world: World, id: str, answer: Answer) -> Authorization:
    """Decide by the answer that came, or by the setting when none did."""
    authorization = world.get(Authorization, id)
    if not authorization.is_undecided:
        return authorization
    return deciding.conclude(world, id, judged(world, authorization, answer))


def judged(world: World, authorization: Authorization, answer: Answer) -> Verdict:
    """What an answer says. A server that cannot be reached is as silent as one that takes too long."""
    says_yes = world.setting("on_webhook_failure") == "approve"
    if answer.status is None:
        return Verdict(says_yes, "webhook_timeout")
    try:
        return read(authorization, answer)
    except Unusable as why:
        return Verdict(says_yes, "webhook_error", reason_message=str(why))


def read(authorization: Authorization, answer: Answer) -> Verdict:
    """The verdict in an answer. Unusable for a wrong status, version or body."""
    if answer.status != 200:
        raise Unusable(f"Unexpected response status: {answer.status}.")
    version = answer.headers.get("stripe-version", "")
    if not is_version(version):
        raise Unusable(f"Invalid Stripe API version: {version}")
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise Unusable("Response body is not valid JSON.") from None
    if not isinstance(said, dict) or said.get("approved") is None:
        raise Unusable("Missing required parameter: approved.")
    approved = said["approved"]
    if not isinstance(approved, bool):
        raise Unusable("Invalid boolean: approved.")
    return Verdict(
        approved,
        "webhook_approved" if approved else "webhook_declined",
        amount=chosen_amount(authorization, said) if approved else None,
        metadata=metadata(authorization, said),
        send_fraud_challenges=not approved and said.get("send_fraud_challenges") == ["sms"],
    )


def chosen_amount(authorization: Authorization, said: dict[str, Any]) -> int | None:
    """The amount to hold, where it can be chosen; elsewhere what is said of it does not count."""
    amount = said.get("amount")
    if amount is None or not authorization.pending_request["is_amount_controllable"]:
        return None
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise Unusable("Invalid integer: amount.")
    complaint = deciding.unusable_amount(authorization, amount)
    if complaint:
        raise Unusable(complaint)
    return amount


def metadata(authorization: Authorization, said: dict[str, Any]) -> dict[str, str | None] | None:
    """The metadata of an answer, which wins over what is there; an empty or null value takes a key away."""
    given = said.get("metadata")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise Unusable("Invalid object: metadata.")
    texts = {key: None if value in (None, "") else as_text(value) for key, value in given.items()}
    if any(len(key) > 40 for key in texts) or any(len(text) > 500 for text in texts.values() if text):
        raise Unusable("Invalid metadata: keys have up to 40 characters, values up to 500.")
    try:
        merged_metadata(authorization.metadata, {"metadata": texts})
    except ApiError as refusal:
        raise Unusable(refusal.message) from None
    return texts


def as_text(value: Any) -> str:
    """A metadata value, which JSON may give as a number or a boolean."""
    if isinstance(value, (dict, list)):
        raise Unusable("Invalid object: metadata.")
    return value if isinstance(value, str) else orjson.dumps(value).decode()


# The same through the API


class ApproveParams(Params):
    """A yes within the window. `amount`, in minor units, only where the request lets it be chosen."""

    amount = Amount()
    metadata = Metadata()


class DeclineParams(Params):
    """A no within the window."""

    metadata = Metadata()


def approve(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Approve an undecided request (deprecated at Stripe). 400 outside the window, and for an amount not to choose."""
    pending = being_asked(world, authorization)
    amount = params.get("amount")
    if amount is not None:
        if not pending.pending_request["is_amount_controllable"]:
            raise invalid("The amount of this authorization cannot be controlled.", param="amount")
        complaint = deciding.unusable_amount(pending, amount)
        if complaint:
            raise invalid(complaint, param="amount")
    world.decided(authorization, "approved through the API")
    return deciding.conclude(
        world, authorization, Verdict(True, "webhook_approved", amount, metadata_of(pending, params))
    )


def decline_request(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Decline an undecided request (deprecated at Stripe). 400 outside the window."""
    pending = being_asked(world, authorization)
    world.decided(authorization, "declined through the API")
    return deciding.conclude(
        world, authorization, Verdict(False, "webhook_declined", metadata=metadata_of(pending, params))
    )


def metadata_of(authorization: Authorization, params: dict[str, Any]) -> dict[str, str | None] | None:
    """The metadata changes of a request; an emptied `metadata` takes every key away."""
    if params.get("metadata", {}) is None:
        return dict.fromkeys(authorization.metadata)
    return params.get("metadata")


def being_asked(world: World, id: str) -> Authorization:
    """An authorization within the window for its decision. 400 outside of it."""
    authorization = world.get(Authorization, id)
    if not authorization.is_undecided:
        raise invalid("This authorization is no longer pending a decision.")
    return authorization


ANSWERS = {EVENT: conclude}
ROUTES = [
    POST("/v1/issuing/authorizations/{authorization}/approve", approve, ApproveParams),
    POST("/v1/issuing/authorizations/{authorization}/decline", decline_request, DeclineParams),
]
