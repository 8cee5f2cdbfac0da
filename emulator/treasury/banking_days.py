"""Days on which banks settle: weekdays that are no holidays of the Federal Reserve.

A holiday on a Saturday leaves the Friday before a banking day, unlike the calendar of the federal government.
Source: https://www.frbservices.org/about/holiday-schedules
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


def is_banking_day(day: date) -> bool:
    """Whether banks settle on that day."""
    from holidays import financial_holidays  # 20 ms that only those pay who ask for a date

    return day.weekday() < 5 and day not in financial_holidays("FED", years=day.year)


def midnight_after(time: int, banking_days: int) -> int:
    """Midnight UTC at the start of the day that many banking days after the UTC date of `time`; unix seconds."""
    day = datetime.fromtimestamp(time, UTC).date()
    while banking_days:
        day += timedelta(days=1)
        banking_days -= is_banking_day(day)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
