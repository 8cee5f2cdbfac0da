"""Faults: refusals, delays and lost connections on demand, for clients that must cope with them.

A fault waits in the tenant's database for requests whose verb and path match, and strikes so many of them in place of
the operation. Each request meets one fault at most, the oldest that matches. The tenant's row tells how many wait:
while there are none, no request looks further.
Source: https://docs.stripe.com/rate-limits, https://docs.stripe.com/error-low-level
"""

from __future__ import annotations

from typing import NamedTuple

from emulator.kernel import ids
from emulator.kernel.errors import ApiError, key_in_use, rate_limited, unknown_failure

KINDS = ("conflict", "drop", "lock_timeout", "rate_limit", "server_error", "wait")
RATE_LIMITED_REASONS = (
    "endpoint-concurrency",
    "endpoint-rate",
    "global-concurrency",
    "global-rate",
    "resource-specific",
)
LOST = 502  # what stands for no reply at all
LOCKED = (
    "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. "
    "If you see this error intermittently, retry the request. If you see this error frequently and are making multiple "
    "concurrent requests to a single object, make your requests serially or at a lower rate."
)
TOO_MANY = "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."


class Fault(NamedTuple):
    """What happens to the next `remaining` requests of a method and path; None stands for any of them.

    `should_retry` is what `Stripe-Should-Retry` says, None for no such header; `milliseconds` of real time pass
    before a request that a `wait` strikes is carried out, and up to `jitter_milliseconds` more. What a `drop` strikes
    is `carried_out` before the connection is closed, or it is not. With a `probability`, in percent, it strikes only so
    many of those that it `met`. What chance there is, is the tenant's own: the same seed, the same requests, the same
    strikes.
    """

    sequence: int | None
    kind: str
    method: str | None
    path: str | None
    remaining: int
    should_retry: bool | None
    rate_limited_reason: str | None
    milliseconds: int | None
    jitter_milliseconds: int | None = None
    probability: int | None = None
    met: int = 0
    carried_out: bool | None = None

    def strikes(self, method: str, path: str, *, keyed: bool) -> bool:
        """Whether a request is meant. A conflict is one of idempotency keys, so it strikes keyed requests only."""
        return (
            (self.method is None or self.method == method)
            and (self.path is None or covers(self.path, path))
            and (keyed or self.kind != "conflict")
        )

    def chance(self, generator: bytes, purpose: str) -> int:
        """Chance for the request that it meets now, which takes nothing from the generator of ids."""
        return ids.chance(generator, self.met, f"fault:{self.sequence}:{purpose}")

    def is_drawn(self, generator: bytes) -> bool:
        """Whether it strikes this time."""
        return self.probability is None or self.chance(generator, "strikes") % 100 < self.probability

    def wait_seconds(self, generator: bytes) -> float:
        """How long a request has to wait that a `wait` strikes."""
        more = self.chance(generator, "jitter") % (1 + (self.jitter_milliseconds or 0))
        return ((self.milliseconds or 0) + more) / 1000

    def refusal(self, key: str | None) -> ApiError:
        """What a struck request is answered; `key` is its idempotency key."""
        refused = self.in_words(key)
        refused.headers["Emulator-Fault"] = self.kind
        if self.should_retry is not None:
            refused.headers["Stripe-Should-Retry"] = "true" if self.should_retry else "false"
        return refused

    def in_words(self, key: str | None) -> ApiError:
        """The refusal of this kind."""
        if self.kind == "lock_timeout":
            return rate_limited(LOCKED, code="lock_timeout")
        if self.kind == "rate_limit":
            reason = {"Stripe-Rate-Limited-Reason": self.rate_limited_reason or "global-rate"}
            return rate_limited(TOO_MANY, headers=reason)
        if self.kind == "conflict":
            assert key is not None, "conflicts strike keyed requests only"
            return key_in_use(key)
        if self.kind == "drop":
            return dropped()
        assert self.kind == "server_error", f"a {self.kind} answers nothing"
        return unknown_failure()


def dropped() -> ApiError:
    """502: what is said where a connection cannot be closed in place of a reply."""
    says = "The connection is closed here without a reply."
    return ApiError(LOST, says, type="api_error", headers={"Emulator-Fault": "drop"})


def covers(pattern: str, path: str) -> bool:
    """Whether a path is meant by a pattern: `{…}` stands for any segment, a final `*` for whatever follows. Pure."""
    wanted, given = pattern.split("/"), path.split("/")
    if not pattern.endswith("*"):
        return len(wanted) == len(given) and all(map(is_same, wanted, given))
    *whole, begun = wanted
    if len(given) < len(wanted) or not all(map(is_same, whole, given)):
        return False
    last = given[len(whole)]
    return last.startswith(begun[:-1]) or last.startswith("{")


def is_same(wanted: str, given: str) -> bool:
    """Whether two segments may be the same, either of which may be a variable."""
    return wanted == given or wanted.startswith("{") or given.startswith("{")
