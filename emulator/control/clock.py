"""The tenant's clock: read it, move it forward, freeze it."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import exclusive
from emulator.kernel.params import Boolean, Integer, Params, Timestamp
from emulator.kernel.routes import GET, POST
from emulator.kernel.tenants import Tenant


class ClockParams(Params):
    """How to move the clock: by some seconds, or to a time. `frozen` stops it or lets it run."""

    advance = Integer(minimum=0)
    set = Timestamp()
    frozen = Boolean()


def read(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """What the clock shows, and when something next falls due; what is due has been done."""
    tenant.settle()
    return tenant.clock()


def move(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Move the clock and do what falls due on the way. 400 for a time that has passed."""
    if "advance" in params and "set" in params:
        raise exclusive("advance", "set")
    return tenant.move_clock(advance=params.get("advance"), to=params.get("set"), frozen=params.get("frozen"))


ROUTES = [
    GET("/_emulator/clock", read, scope="tenant"),
    POST("/_emulator/clock", move, ClockParams, scope="tenant"),
]
