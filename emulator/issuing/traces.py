"""Traces: what the rules were told at each request of an authorization, so that anybody can ask why it ended so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emulator.issuing.decline import Attempt, Rule
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.world import World

if TYPE_CHECKING:
    from emulator.issuing.authorizations import Authorization


@record("emulator.authorization_trace", prefix="why", noun="authorization trace", has_list=False)
class AuthorizationTrace:
    """What the rules were told at each request of one authorization, and which of them objected."""

    id: str
    created: int
    requests: list[dict[str, Any]]

    def render(self, world: World) -> dict[str, Any]:
        """As stored; `GET /_emulator/why/{id}` tells it."""
        return shown(self)


def trace_id(authorization: str) -> str:
    """Where the trace of an authorization is kept."""
    return f"why_{authorization}"


def keep_trace(
    world: World,
    authorization: Authorization,
    attempt: Attempt,
    objections: Sequence[Rule],
    entry: dict[str, Any],
    question: str | None,
) -> None:
    """Add a decision to what is known of an authorization's decisions."""
    outcome = {name: entry[name] for name in ("approved", "created", "reason", "reason_message")}
    objecting = [rule.says for rule in objections]
    request = {**outcome, "attempt": attempt._asdict(), "objections": objecting, "question": question}
    known = (
        world.find(AuthorizationTrace, trace_id(authorization.id)) if len(authorization.request_history) > 1 else None
    )
    earlier = known.requests if known is not None else []
    world.put(AuthorizationTrace(trace_id(authorization.id), authorization.created, [*earlier, request]))


RECORDS = (AuthorizationTrace,)
