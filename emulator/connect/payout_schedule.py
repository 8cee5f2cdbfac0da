"""When an account is paid out by itself: what may be said of its schedule, and the next day by it.

Days are those of UTC. A day on which banks do not settle stands for the next one on which they do, and the 29th to 31st
for the last day of a shorter month.
Source: https://docs.stripe.com/connect/manage-payout-schedule, https://docs.stripe.com/payouts
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from emulator import banking_days
from emulator.connect.records.accounts import ANCHORS, USUAL_DELAY_DAYS
from emulator.kernel.errors import invalid, missing

USUAL = {"delay_days": USUAL_DELAY_DAYS, "interval": "daily"}  # what is shown where nobody has chosen
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def refuse(known: dict[str, Any], sent: dict[str, Any], path: str, *, asks_for: int = 0) -> None:
    """400 for a schedule without the days its interval needs, or with those of another.

    `asks_for` is which of the two names of those days a refusal says is missing.
    """
    interval = {**known, **sent}.get("interval", "daily")
    for other, names in ANCHORS.items():
        for name in names:
            if name in sent and other != interval:
                raise invalid(f"{name} only applies when the interval is {other}.", param=f"{path}[{name}]")
    if interval in ANCHORS and not any(name in {**known, **sent} for name in ANCHORS[interval]):
        raise missing(f"{path}[{ANCHORS[interval][asks_for]}]")


def agreed(schedule: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """A schedule after what was sent of it: of the two names of its days the one that was sent last stands."""
    outdated = {
        name for names in ANCHORS.values() for name in names if name not in sent and not sent.keys().isdisjoint(names)
    }
    return {name: value for name, value in {**schedule, **sent}.items() if name not in outdated}


def days(schedule: dict[str, Any]) -> list[Any]:
    """The days of the week, by name, or of the month, by number, on which a schedule pays out."""
    anchor, several = ANCHORS[schedule["interval"]]
    return list(schedule[several]) if several in schedule else [schedule[anchor]]


def next_day(schedule: dict[str, Any], after: date) -> date | None:
    """The first day behind `after` on which a schedule pays out; None where nobody has said that it does."""
    if schedule.get("interval", "manual") == "manual":
        return None
    nominal = next(day for day in following(after) if is_meant(schedule, day))
    return nominal if banking_days.is_banking_day(nominal) else banking_days.days_after(nominal, 1)


def following(day: date) -> Iterator[date]:
    """The days behind a day."""
    while True:
        day += timedelta(days=1)
        yield day


def is_meant(schedule: dict[str, Any], day: date) -> bool:
    """Whether a schedule names a day, be it one on which banks settle or not."""
    if schedule["interval"] == "daily":
        return banking_days.is_banking_day(day)
    if schedule["interval"] == "weekly":
        return WEEK[day.weekday()] in days(schedule)
    is_last = (day + timedelta(days=1)).day == 1
    return any(day.day == number or (is_last and number > day.day) for number in days(schedule))
