"""When banks settle."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from emulator.treasury.banking_days import is_banking_day, midnight_after


@pytest.mark.parametrize(
    "day, settles",
    [
        (date(2026, 7, 3), True),  # Independence Day falls on the Saturday after it
        (date(2026, 7, 4), False),
        (date(2027, 7, 5), False),  # here it falls on a Sunday and is kept on Monday
        (date(2026, 11, 26), False),
        (date(2026, 11, 27), True),
        (date(2026, 11, 28), False),
    ],
)
def test_banks_rest_on_weekends_and_on_the_holidays_of_the_federal_reserve(day, settles):
    assert is_banking_day(day) is settles


@pytest.mark.parametrize(
    "start, days, expected",
    [
        ("2024-07-26T00:34", 2, "2024-07-30"),  # Stripe's published sample
        ("2024-07-26T23:59", 2, "2024-07-30"),
        ("2026-11-25T12:00", 2, "2026-11-30"),  # over Thanksgiving and a weekend
        ("2026-12-31T12:00", 1, "2027-01-04"),
    ],
)
def test_days_are_counted_from_the_date_in_utc(start, days, expected):
    begun = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp())

    found = datetime.fromtimestamp(midnight_after(begun, days), UTC)

    assert found.isoformat() == f"{expected}T00:00:00+00:00"
