"""Conversion between currencies: minor units of differing decimals, rounding, and pairs nobody knows."""

from __future__ import annotations

import pytest

from emulator.issuing.exchange_rates import converted, scaled


@pytest.mark.parametrize(
    "amount, source, target, result",
    [
        (12_34, "usd", "usd", 12_34),
        (10_00, "usd", "eur", 8_00),
        (8_00, "eur", "usd", 10_00),
        (1, "eur", "usd", 1),  # 1.25 cents
        (2, "eur", "usd", 3),  # 2.5 cents, half up
        (10_00, "usd", "jpy", 1500),
        (1500, "jpy", "usd", 10_00),
        (7_50, "gbp", "eur", 8_00),
        (5_00, "usd", "bhd", 5_000),  # unknown: one to one, three decimals
        (500, "clp", "isk", 500_00),
        (0, "usd", "eur", 0),
    ],
)
def test_amounts_are_converted_by_the_table(amount: int, source: str, target: str, result: int) -> None:
    assert converted(amount, source, target) == result


@pytest.mark.parametrize(
    "amount, part, whole, result",
    [
        (40_00, 25_00, 50_00, 20_00),
        (50_00, 3, 50_00, 3),
        (1, 1, 2, 1),
        (10, 1, 3, 3),
        (0, 5, 0, 5),
        (40_00, 0, 0, 40_00),
    ],
)
def test_a_share_keeps_the_proportion(amount: int, part: int, whole: int, result: int) -> None:
    assert scaled(amount, part, whole) == result
