"""What is said over the WebSocket of the Stripe CLI, as plain values.

    to the CLI      webhook_event, request_log_event
    from the CLI    event_ack at once for every frame, webhook_response when a forward was answered

Source: https://github.com/stripe/stripe-cli (pkg/websocket)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from emulator.developer.cli_sessions import Session
from emulator.kernel.answers import Answer
from emulator.kernel.requests import LoggedRequest
from emulator.kernel.webhooks.letter import Letter

GOODBYE = "Connection Done"  # what the CLI says on ^C, and only then
UNKNOWN_ID = {"error": {"message": "Unknown WebSocket ID."}}
SUCCEEDED = (200, 201, 202)


def webhook_event(session: Session, letter: Letter, conversation: str, api_version: str | None) -> dict[str, Any]:
    """One copy of an event as a frame: the exact text to forward, and the headers that sign it."""
    return {
        "type": "webhook_event",
        "endpoint": {"api_version": api_version},
        "event_payload": letter.body.decode("utf-8", "replace"),
        "http_headers": letter.headers,
        "webhook_conversation_id": conversation,
        "webhook_id": f"wh_{session.id[-14:]}",
    }


def forwarded_answer(frame: dict[str, Any], duration_ms: int) -> Answer:
    """What the user's server answered, from a `webhook_response`; names of headers in lower case."""
    status, headers, body = frame.get("status"), frame.get("http_headers"), frame.get("body")
    return Answer(
        status if isinstance(status, int) else None,
        {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {},
        str(body or "").encode(),
        None if isinstance(status, int) else "The listener told no status.",
        False,
        duration_ms,
    )


def is_wanted(request: LoggedRequest, filters: dict[str, list[str]]) -> bool:
    """Whether `logs tail` with these filters shows a request: every filter must have one value that fits.

    The emulator's own operations are not Stripe's and never shown. All requests come through the API, so the source
    DASHBOARD shows none; those that act for a connected account are outgoing Connect requests.
    """
    if request.path.startswith("/_emulator/"):
        return False
    facts: dict[str, Callable[[str], bool]] = {
        "filter_account": lambda value: value == ("self" if request.account is None else "connect_out"),
        "filter_http_method": lambda value: value.upper() == request.method,
        "filter_ip_address": lambda value: value == request.ip_address,
        "filter_request_path": lambda value: value == request.path,
        "filter_request_status": lambda value: (
            value.upper() == ("SUCCEEDED" if request.status in SUCCEEDED else "FAILED")
        ),
        "filter_source": lambda value: value.upper() == "API",
        "filter_status_code": lambda value: value == str(request.status),
        "filter_status_code_type": lambda value: value[:1] == str(request.status)[:1],
    }
    return all(any(fact(value) for value in filters[name]) for name, fact in facts.items() if name in filters)


def request_log_event(request: LoggedRequest) -> dict[str, Any]:
    """An answered request as the frame that `logs tail` prints. The CLI reads every member of the error as text."""
    error: dict[str, str] = {}
    if request.error is not None:
        names = ("type", "code", "message", "param", "charge", "decline_code", "error_insight")
        error = {name: request.error.get(name) or "" for name in names}
    payload = {
        "created_at": request.created,
        "error": error,
        "livemode": False,
        "method": request.method,
        "request_id": request.id,
        "status": request.status,
        "url": request.path,
    }
    return {
        "type": "request_log_event",
        "request_log_id": request.id.replace("req_", "resp_", 1),
        "event_payload": orjson.dumps(payload).decode(),
    }
