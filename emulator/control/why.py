"""Why an authorization was approved or declined: in one line, then every rule in order and which one objected."""

from __future__ import annotations

from typing import Any

from emulator.control import answers
from emulator.control.answers import Seen
from emulator.issuing import decline
from emulator.issuing.decline import Attempt, Judged
from emulator.issuing.traces import AuthorizationTrace, trace_id
from emulator.issuing.transactions import Transaction
from emulator.kernel.errors import ApiError
from emulator.kernel.routes import GET
from emulator.kernel.world import World

WHOEVER_ANSWERS = "whoever answers for the account agrees"


def why(world: World, params: dict[str, Any], id: str) -> dict[str, Any]:
    """Tell how the requests of an authorization were decided, whichever account of the tenant it belongs to.

    The outcome is that of the last request. The id may be that of one of its transactions. 404 for anything that no
    rules were asked about.
    """
    transaction = world.anywhere(Transaction, id)
    authorization = transaction[1].authorization if transaction is not None else id
    found = world.anywhere(AuthorizationTrace, trace_id(authorization)) if authorization is not None else None
    if found is None:
        raise ApiError(
            404,
            f"No rules were asked about '{id}': only authorizations (iauth_…) that have been decided and their "
            "transactions (ipi_…) can be explained.",
            code="resource_missing",
            param="id",
        )
    requests = [told(world, request) for request in found[1].requests]
    return {"object": "emulator.why", "id": authorization, "outcome": requests[-1]["outcome"], "requests": requests}


def told(world: World, request: dict[str, Any]) -> dict[str, Any]:
    """One request: its outcome in a line, hints on who was asked, the rules asked again, and what they saw, once."""
    reason, message = request["reason"], request["reason_message"]
    attempt = Attempt(**request["attempt"])
    rules = decline.explained(attempt, reason)
    seen = question_of(world, request)
    lines = [
        {
            "looks_at": list(one.rule.looks_at),
            "numbers": one.rule.numbers(attempt),
            "reason": one.rule.reason or None,
            "says": one.rule.says,
            "sentence": one.rule.sentence(attempt),
            "verdict": one.verdict,
        }
        for one in rules
    ]
    if reason.startswith("webhook_") and attempt.forced_reason is None:
        verdict = "allows" if request["approved"] else "objects"
        told = answerer(request, seen)
        lines.append(
            {
                "looks_at": [],
                "numbers": None,
                "reason": reason,
                "says": WHOEVER_ANSWERS,
                "sentence": f"{told[0].upper()}{told[1:]}.",
                "verdict": verdict,
            }
        )
    return {
        "approved": request["approved"],
        "created": request["created"],
        "hints": [hint.says for hint in answers.hints(seen)] if seen is not None else [],
        "outcome": outcome(request, attempt, rules, seen),
        "reason": reason,
        "reason_message": message,
        "rules": lines,
        "saw": {fact: getattr(attempt, fact) for one in rules for fact in one.rule.looks_at},
    }


def question_of(world: World, request: dict[str, Any]) -> Seen | None:
    """What is known of the question that the request led to; None where nobody was asked, or nothing is known."""
    event = request.get("question")
    attempts = world.step.deliveries.attempts(event=event) if event is not None else []
    return answers.seen_of(world, attempts[0]) if attempts else None


def outcome(request: dict[str, Any], attempt: Attempt, rules: list[Judged], seen: Seen | None) -> str:
    """How a request ended, and by what, in a line: `declined by: the card is inactive`."""
    ended = "approved" if request["approved"] else "declined"
    for one in rules:
        if one.verdict in ("objects", "decides"):
            return f"{ended} by: {one.rule.objection(attempt)}"
    if not request["reason"].startswith("webhook_"):
        return "approved: no rule objects"
    by_setting = "on_webhook_failure=approve, since " if request["approved"] and is_failure(request) else ""
    return f"{ended} by: {by_setting}{answerer(request, seen)}"


def is_failure(request: dict[str, Any]) -> bool:
    """Whether no usable answer came."""
    return request["reason"] in ("webhook_error", "webhook_timeout")


def answerer(request: dict[str, Any], seen: Seen | None) -> str:
    """What whoever was asked did."""
    reason, message = request["reason"], request["reason_message"]
    who = seen.asked.subscriber if seen is not None else "whoever answers for the account"
    if reason == "webhook_error":
        has_no_version = seen is not None and any(hint.kind == "no_version" for hint in answers.hints(seen))
        what = "it has no Stripe-Version header" if has_no_version else message
        return f"the answer of {who} cannot be used: {what}"
    if reason == "webhook_timeout":
        return silence(who, seen)
    verb = "approve" if request["approved"] else "decline"
    if seen is None or "through the API" in (seen.asked.outcome or ""):
        return f"{who}" if seen is None else f"a call of /{verb}"
    return f"{who}, which answered approved={str(request['approved']).lower()} in {seen.took_ms:,} ms"


def silence(who: str, seen: Seen | None) -> str:
    """Why nothing came."""
    if seen is None:
        return f"{who} gave no answer in time"
    if seen.leaves_it_to_the_api:
        return f"{who} left it to a call of /approve or /decline, and none came within {seen.asked.timeout_ms:,} ms"
    if seen.asked.outcome == "no answer":
        return f"{who} could not be reached ({seen.attempt['error']})"
    return f"{who} gave no answer within {seen.asked.timeout_ms:,} ms"


ROUTES = [GET("/_emulator/why/{id}", why)]
