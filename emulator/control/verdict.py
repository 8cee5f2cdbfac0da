"""The verdict on a consumer of webhooks, from what its attempts show. Pure: attempts in, findings out.

An attempt that put a question comes with the `hints` that its answer gives.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from emulator.control.answers import SUMMARIES, Hint

SLOW_MS = 1_000
# A delivery that a careful consumer refuses.
FORGED = ("stale_signature", "truncated_body", "wrong_signature")


def of_all(attempts: list[dict[str, Any]], *, slow_ms: int) -> list[dict[str, Any]]:
    """One verdict per endpoint, in the order they were first heard from."""
    by_endpoint: dict[str, list[dict[str, Any]]] = {}
    for attempt in attempts:
        by_endpoint.setdefault(attempt["webhook_endpoint"], []).append(attempt)
    return [verdict(endpoint, some, slow_ms) for endpoint, some in by_endpoint.items()]


def verdict(endpoint: str, attempts: list[dict[str, Any]], slow_ms: int) -> dict[str, Any]:
    """What one endpoint did with all that it was sent."""
    arrived = [one for one in attempts if "drop" not in one["troubles"]]
    failed = [one for one in arrived if not is_success(one)]
    slow = [one for one in arrived if one["duration_ms"] > slow_ms]
    trusting = [one for one in arrived if is_success(one) and any(name in one["troubles"] for name in FORGED)]
    calling = [one for one in arrived if one["api_calls"]]
    repeated = repeated_effects(arrived)
    acknowledged = {one["event"] for one in arrived if is_success(one)}
    missing = sorted({one["event"] for one in attempts} - acknowledged)
    found = {
        f"{len(failed)} of {len(arrived)} attempts failed": failed,
        f"{len(slow)} answers took more than {slow_ms} ms": slow,
        f"{len(missing)} events were never acknowledged": missing,
        f"{len(trusting)} deliveries that should have been refused were acknowledged": trusting,
        f"{len(repeated)} effects were repeated when an event came again": repeated,
    }
    hinting = [(one, hints) for one in attempts if (hints := summarized(one))]
    kinds = Counter(hint.kind for _, hints in hinting for hint in hints)
    return {
        "object": "emulator.webhook_verdict",
        "acknowledged_forgeries": [pointer(one) for one in trusting],
        "api_calls_while_handling": [{**pointer(one), "api_calls": one["api_calls"]} for one in calling],
        "attempts": len(attempts),
        "failures": [{**pointer(one), "error": one["error"], "status": one["status"]} for one in failed],
        "findings": [
            *(says for says, what in found.items() if what),
            *(says.format(kinds[kind]) for kind, says in SUMMARIES.items() if kind in kinds),
        ],
        "hints": [{**pointer(one), "hints": [hint.says for hint in hints]} for one, hints in hinting],
        "repeated_effects": repeated,
        "slow": [{**pointer(one), "duration_ms": one["duration_ms"]} for one in slow],
        "slowest_ms": max((one["duration_ms"] for one in arrived), default=0),
        "unacknowledged_events": missing,
        "webhook_endpoint": endpoint,
    }


def repeated_effects(attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same change asked for by the handling of more than one attempt of an event.

    Replays of an idempotency key change nothing, so they do not count.
    """
    by_event: dict[str, Counter[tuple[str, str]]] = {}
    for attempt in attempts:
        changes = {
            (call["method"], call["path"])
            for call in attempt["api_calls"]
            if call["method"] != "GET" and call["status"] < 400 and not call["replayed"]
        }
        by_event.setdefault(attempt["event"], Counter()).update(changes)
    return [
        {"event": event, "method": method, "path": path, "times": times}
        for event, changes in by_event.items()
        for (method, path), times in changes.items()
        if times > 1
    ]


def summarized(attempt: dict[str, Any]) -> list[Hint]:
    """What the answer to a question has in common with other answers."""
    return [hint for hint in attempt.get("hints", ()) if hint.kind in SUMMARIES]


def is_success(attempt: dict[str, Any]) -> bool:
    """Whether the answer acknowledged the event."""
    return attempt["status"] is not None and 200 <= attempt["status"] < 300


def pointer(attempt: dict[str, Any]) -> dict[str, Any]:
    """Which attempt is meant."""
    return {"delivery": attempt["delivery"], "event": attempt["event"], "number": attempt["number"]}
