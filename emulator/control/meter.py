"""How long the requests of a world would have taken in a sandbox, by its published rate limits alone.

GET /_emulator/meter?since=req_…
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.conditions import Condition
from emulator.kernel.errors import no_such
from emulator.kernel.params import Params, String
from emulator.kernel.rates import LIMITS
from emulator.kernel.requests import LoggedRequest
from emulator.kernel.routes import GET, STRIPES
from emulator.kernel.tenants import Tenant

MOST = 10_000
SOURCE = "https://docs.stripe.com/rate-limits"


class MeterParams(Params):
    """From which request on, by its id; without it from the first that the log still has."""

    since = String()


def meter(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """What the requests that were let through took here, and what a sandbox would have let them take at least.

    That is the most that any limit makes of them; no latency of a network is in it. `complete` says whether the log
    has all of them: it keeps 10,000. 400 for a request that it does not know.
    """
    log = tenant.tenants.request_log
    log.flush()
    conditions = []
    if "since" in params:
        first = log.find(tenant.handle, params["since"])
        if first is None:
            raise no_such("request", params["since"], param="since", status=400)
        conditions.append(Condition("sequence", "gte", first.sequence))
    lines = log.select(tenant.handle, conditions, limit=MOST)
    counted = [one for one in lines if one.path.startswith(STRIPES) and one.status != 429]
    limits = [reached(limit, counted) for limit in LIMITS]
    return {
        "object": "emulator.meter",
        "complete": bool(conditions) or not lines or min(one.sequence for one in lines) == 1,
        "limits": limits,
        "requests": len(counted),
        "seconds_here": round(sum(one.duration_ms for one in counted) / 1000, 3),
        "seconds_in_a_sandbox": max(limit["seconds"] for limit in limits),
        "source": SOURCE,
    }


def reached(limit: Any, lines: list[LoggedRequest]) -> dict[str, Any]:
    """How many requests count towards a limit, and how long it makes them take."""
    count = sum(limit.counts(one.method, one.path) for one in lines)
    return {
        "name": limit.name,
        "per_second": limit.per_second,
        "requests": count,
        "seconds": round(count / limit.per_second, 3),
    }


ROUTES = [GET("/_emulator/meter", meter, MeterParams, scope="tenant")]
