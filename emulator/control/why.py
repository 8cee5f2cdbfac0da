"""Why an authorization was approved or declined: every rule in order, what it saw, and which one objected."""

from __future__ import annotations

from typing import Any

from emulator.issuing import decline
from emulator.issuing.authorizations import AuthorizationTrace, trace_id
from emulator.issuing.decline import Attempt
from emulator.issuing.transactions import Transaction
from emulator.kernel.errors import ApiError
from emulator.kernel.routes import GET
from emulator.kernel.world import World


def why(world: World, params: dict[str, Any], id: str) -> dict[str, Any]:
    """Tell how the requests of an authorization were decided, whichever account of the tenant it belongs to.

    The id may be that of one of its transactions. 404 for anything that no rules were asked about.
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
    requests = [told(request) for request in found[1].requests]
    return {"object": "emulator.why", "id": authorization, "outcome": requests[-1]["outcome"], "requests": requests}


def told(request: dict[str, Any]) -> dict[str, Any]:
    """One request: its outcome in words, and the rules asked again about what they saw."""
    reason, message = request["reason"], request["reason_message"]
    outcome = f"{'approved' if request['approved'] else 'declined'}: {reason}" + (f" ({message})" if message else "")
    attempt = Attempt(**request["attempt"])
    rules = decline.explained(attempt, reason)
    if reason.startswith("webhook_") and attempt.forced_reason is None:
        verdict = "allows" if request["approved"] else "objects"
        saw = {"reason_message": message}
        rules.append(
            {"reason": reason, "saw": saw, "says": "whoever answers for the account agrees", "verdict": verdict}
        )
    return {
        "approved": request["approved"],
        "created": request["created"],
        "outcome": outcome,
        "reason": reason,
        "rules": rules,
    }


ROUTES = [GET("/_emulator/why/{id}", why)]
