"""The days on which a schedule pays out."""

from __future__ import annotations

from datetime import date

import pytest

from emulator.connect.payout_schedule import agreed, next_day

DAILY = {"interval": "daily"}
MONDAYS = {"interval": "weekly", "weekly_anchor": "monday"}
TWICE = {"interval": "weekly", "weekly_payout_days": ["tuesday", "friday"]}
SATURDAYS = {"interval": "weekly", "weekly_anchor": "saturday"}
FIRST = {"interval": "monthly", "monthly_anchor": 1}
LAST = {"interval": "monthly", "monthly_payout_days": [31]}
BOTH = {"interval": "monthly", "monthly_payout_days": [15, 30]}


@pytest.mark.parametrize(
    "schedule, after, next",
    [
        ({}, "2026-03-04", None),
        ({"delay_days": 7}, "2026-03-04", None),
        ({"interval": "manual"}, "2026-03-04", None),
        (DAILY, "2026-03-04", "2026-03-05"),
        (DAILY, "2026-03-06", "2026-03-09"),  # over a weekend
        (DAILY, "2026-12-24", "2026-12-28"),  # over Christmas
        (MONDAYS, "2026-03-04", "2026-03-09"),
        (MONDAYS, "2026-03-09", "2026-03-16"),
        (MONDAYS, "2026-01-13", "2026-01-20"),  # the Monday is a holiday
        (TWICE, "2026-03-02", "2026-03-03"),
        (TWICE, "2026-03-03", "2026-03-06"),
        (SATURDAYS, "2026-03-04", "2026-03-09"),
        (FIRST, "2026-03-04", "2026-04-01"),
        (FIRST, "2026-07-15", "2026-08-03"),  # a Saturday
        (LAST, "2026-02-02", "2026-03-02"),  # the last of February is a Saturday
        (LAST, "2026-04-01", "2026-04-30"),
        (BOTH, "2026-04-01", "2026-04-15"),
        (BOTH, "2026-04-15", "2026-04-30"),
        (BOTH, "2026-02-14", "2026-02-17"),  # a Sunday, and Washington's birthday behind it
    ],
)
def test_the_next_day_of_a_schedule_is_one_on_which_banks_settle(schedule, after, next):
    assert next_day(schedule, date.fromisoformat(after)) == (next and date.fromisoformat(next))


def test_of_two_names_for_the_days_the_one_sent_last_stands():
    assert agreed(MONDAYS, {"weekly_payout_days": ["friday"]}) == {
        "interval": "weekly",
        "weekly_payout_days": ["friday"],
    }
    assert agreed(TWICE, {"weekly_anchor": "monday"}) == MONDAYS
    assert agreed(TWICE, {"delay_days": 5}) == {**TWICE, "delay_days": 5}
