"""How many requests a second a sandbox lets through: what is published, and a gate that keeps to it.

Limits of single endpoints (25 a second) and of creating accounts (30) are reached after that of all requests, so they
have no row. What a request costs is one, whatever it is; a window is the second before it.
Source: https://docs.stripe.com/rate-limits
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from emulator.kernel.errors import ApiError, rate_limited
from emulator.kernel.faults import TOO_MANY, covers

SETTING = "rate_limits"
SECOND = 1.0


class Limit(NamedTuple):
    """So many requests of a method and path; None stands for any. `reason` is what a refusal says."""

    name: str
    per_second: int
    reason: str
    method: str | None = None
    path: str | None = None

    def counts(self, method: str, path: str) -> bool:
        """Whether a request is one of those."""
        return (self.method is None or self.method == method) and (self.path is None or covers(self.path, path))


LIMITS = (
    Limit("all requests", 25, "global-rate"),
    Limit("files read", 20, "endpoint-rate", "GET", "/v1/files*"),
    Limit("files written", 20, "endpoint-rate", "POST", "/v1/files*"),
    Limit("searches", 20, "endpoint-rate", "GET", "/v1/{resource}/search"),
    Limit("payouts created", 15, "endpoint-rate", "POST", "/v1/payouts"),
)


def limits_of(method: str, path: str) -> Iterator[Limit]:
    """Those that a request counts towards."""
    return (limit for limit in LIMITS if limit.counts(method, path))


class Gate:
    """Lets through as many requests as a sandbox would, in real time; what is refused counts for nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.guard = threading.Lock()
        self.passed: defaultdict[str, deque[float]] = defaultdict(deque)

    def check(self, method: str, path: str) -> None:
        """Let a request through. 429 where a limit has been reached within the last second."""
        limits = list(limits_of(method, path))
        with self.guard:
            now = self.clock()
            for limit in limits:
                times = self.passed[limit.name]
                while times and times[0] <= now - SECOND:
                    times.popleft()
                if len(times) >= limit.per_second:
                    raise too_many(limit)
            for limit in limits:
                self.passed[limit.name].append(now)


def too_many(limit: Limit) -> ApiError:
    """429: a limit has been reached."""
    return rate_limited(TOO_MANY, headers={"Stripe-Rate-Limited-Reason": limit.reason})
