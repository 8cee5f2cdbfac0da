"""What is said of a request: in the step that it causes, on the console, and in the request log."""

from __future__ import annotations

from typing import Any, NamedTuple


class Request(NamedTuple):
    """What caused a step: both null when nothing a client sent did."""

    id: str | None = None
    idempotency_key: str | None = None


class RequestLine(NamedTuple):
    """What the console and the request log say of one request.

    `reason` is there for refusals, `hint` for what passed here and may surprise at Stripe.
    """

    request_id: str
    method: str
    path: str
    status: int
    operation: str
    reason: str | None
    account: str | None
    duration_ms: float
    tenant: str | None
    user_agent: str
    error: dict[str, Any] | None
    created: int
    world: str | None = None  # its handle
    api_version: str | None = None
    idempotency_key: str | None = None
    ip_address: str = ""
    hint: str | None = None


class LoggedRequest(NamedTuple):
    """One answered request. `created` is real time in unix seconds; `error` is the reply's error without its URL.

    `hint` is there for what passed here and may surprise at Stripe.
    """

    sequence: int
    id: str
    created: int
    method: str
    path: str
    status: int
    operation: str
    account: str | None
    api_version: str | None
    idempotency_key: str | None
    ip_address: str
    user_agent: str
    duration_ms: float
    reason: str | None
    hint: str | None
    error: dict[str, Any] | None

    def render(self) -> dict[str, Any]:
        """The request as the control API shows it."""
        members = self._asdict()
        del members["sequence"]
        return {"id": self.id, "object": "emulator.request", **dict(sorted(members.items()))}
