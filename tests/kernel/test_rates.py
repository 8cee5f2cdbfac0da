"""The gate of a sandbox: as many requests in any second as are published, and no more."""

from __future__ import annotations

import pytest

from emulator.kernel.errors import ApiError
from emulator.kernel.rates import LIMITS, Gate, limits_of


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("method", "path", "most", "reason"),
    [
        ("GET", "/v1/issuing/cards", 25, "global-rate"),
        ("POST", "/v2/core/accounts", 25, "global-rate"),
        ("POST", "/v1/payouts", 15, "endpoint-rate"),
        ("GET", "/v1/payouts", 25, "global-rate"),
        ("POST", "/v1/payouts/po_1/cancel", 25, "global-rate"),
        ("GET", "/v1/files/file_1", 20, "endpoint-rate"),
        ("POST", "/v1/files", 20, "endpoint-rate"),
        ("POST", "/v1/file_links", 25, "global-rate"),
        ("GET", "/v1/customers/search", 20, "endpoint-rate"),
    ],
)
def test_so_many_pass_within_a_second_and_again_in_the_next(method, path, most, reason):
    clock = Clock()
    gate = Gate(clock)

    for _ in range(2):
        for _ in range(most):
            gate.check(method, path)
        with pytest.raises(ApiError) as refused:
            gate.check(method, path)
        assert refused.value.status == 429 and refused.value.code == "rate_limit"
        assert refused.value.headers == {"Stripe-Rate-Limited-Reason": reason}
        clock.now += 1


def test_a_second_is_any_second_and_not_one_of_the_clocks():
    clock = Clock()
    gate = Gate(clock)
    for _ in range(25):
        gate.check("GET", "/v1/events")
        clock.now += 0.03

    with pytest.raises(ApiError):
        gate.check("GET", "/v1/events")
    clock.now = 101.0
    gate.check("GET", "/v1/events")
    with pytest.raises(ApiError):
        gate.check("GET", "/v1/events")


def test_what_one_limit_refuses_counts_towards_none():
    gate = Gate(Clock())
    for _ in range(15):
        gate.check("POST", "/v1/payouts")
    for _ in range(50):
        with pytest.raises(ApiError):
            gate.check("POST", "/v1/payouts")

    for _ in range(10):
        gate.check("GET", "/v1/payouts")


def test_the_limit_of_all_counts_every_request():
    assert [limit.name for limit in limits_of("POST", "/v1/payouts")] == ["all requests", "payouts created"]
    assert max(limit.per_second for limit in LIMITS) == LIMITS[0].per_second
