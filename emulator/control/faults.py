"""Faults on demand: the next so many requests of an operation are refused, or have to wait.

    conflict      409: another request with the same idempotency key is still running; strikes keyed requests only
    drop          no reply: the connection is closed, before the request is carried out or after it
    lock_timeout  429: another request is using the object
    rate_limit    429: too many requests
    server_error  500: an unknown error, remembered under the idempotency key of a v1 request
    wait          the request is carried out after some milliseconds of real time, and by chance some more

POST /_emulator/faults kind=lock_timeout method=POST path=/v1/issuing/cards/{card} count=2

A path means itself, with `{…}` for any segment, and with a final `*` everything that begins like it. Without method and
path every operation of the API is meant, but for the Stripe CLI's own sessions.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel import faults
from emulator.kernel.errors import invalid, missing
from emulator.kernel.faults import Fault
from emulator.kernel.lists import listed
from emulator.kernel.params import Boolean, Enum, Integer, Params, String
from emulator.kernel.routes import DELETE, GET, POST, STRIPES
from emulator.kernel.world import World

# Longer than the 80 seconds after which the official SDKs give up.
LONGEST_WAIT_MS = 90_000


class FaultParams(Params):
    """What befalls which requests, and how many of them: one unless `count` says more.

    With a `probability`, in percent, only some of those that it meets are struck; the same ones every time.
    """

    kind = Enum(faults.KINDS, required=True)
    carried_out = Boolean()
    count = Integer(minimum=1, maximum=1_000_000)
    jitter_milliseconds = Integer(minimum=1, maximum=LONGEST_WAIT_MS)
    method = Enum(("DELETE", "GET", "POST"))
    milliseconds = Integer(minimum=1, maximum=LONGEST_WAIT_MS)
    path = String()
    probability = Integer(minimum=1, maximum=100)
    rate_limited_reason = Enum(faults.RATE_LIMITED_REASONS)
    should_retry = Boolean()


def create(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Have a fault wait. 400 for a path that no operation has, and for what its kind has no use for."""
    kind, method, path = params["kind"], params.get("method"), params.get("path")
    check_kind(kind, params)
    if path is not None and not is_served(world, method, path):
        raise invalid(
            f"No operation is meant by {method or 'any method'} {path}. Use a path of the v1 API, with {{…}} for any "
            "segment, or the beginning of one followed by *.",
            param="path",
        )

    world.step.faults.arm(
        Fault(
            sequence=None,
            kind=kind,
            method=method,
            path=path,
            remaining=params.get("count", 1),
            should_retry=params.get("should_retry"),
            rate_limited_reason=params.get("rate_limited_reason"),
            milliseconds=params.get("milliseconds"),
            jitter_milliseconds=params.get("jitter_milliseconds"),
            probability=params.get("probability"),
            carried_out=params.get("carried_out", False) if kind == "drop" else None,
        )
    )
    return waiting(world, {})


def check_kind(kind: str, params: dict[str, Any]) -> None:
    """400 for a wait without a duration, or too long, and for parameters that mean nothing to the kind."""
    if kind == "wait" and "milliseconds" not in params:
        raise missing("milliseconds")
    if params.get("milliseconds", 0) + params.get("jitter_milliseconds", 0) > LONGEST_WAIT_MS:
        raise invalid(f"A request waits {LONGEST_WAIT_MS:,} milliseconds at most.", param="jitter_milliseconds")
    useless = {
        "carried_out": kind != "drop",
        "jitter_milliseconds": kind != "wait",
        "milliseconds": kind != "wait",
        "rate_limited_reason": kind != "rate_limit",
        "should_retry": kind in ("drop", "wait"),
    }
    for name, is_useless in useless.items():
        if is_useless and name in params:
            raise invalid(f"{name} means nothing to a fault of kind {kind}.", param=name)
    if kind == "conflict" and params.get("method", "POST") != "POST":
        raise invalid("Idempotency keys, and so conflicts, are for POST requests only.", param="method")


def is_served(world: World, method: str | None, path: str) -> bool:
    """Whether any operation that a fault can strike has such a path."""
    return any(
        route.path.startswith(STRIPES)
        and route.scope == "world"
        and method in (None, route.verb)
        and faults.covers(path, route.path)
        for route in world.catalog.routes
    )


def waiting(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """The faults that wait, oldest first, with how many requests each has still to strike."""
    data = [shown(fault) for fault in world.step.faults.waiting()]
    return listed(data, "/_emulator/faults")


def shown(fault: Fault) -> dict[str, Any]:
    """One fault."""
    members = fault._asdict()
    del members["sequence"]
    return {"object": "emulator.fault", **members}


def discard(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Take every fault away."""
    world.step.faults.disarm()
    return waiting(world, {})


ROUTES = [
    GET("/_emulator/faults", waiting),
    POST("/_emulator/faults", create, FaultParams),
    DELETE("/_emulator/faults", discard),
]
