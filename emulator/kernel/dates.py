"""Days: how long one is, and which one a moment lies in. Moments are unix seconds, and days are those of UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

DAY = 24 * 60 * 60


def date_of(moment: int) -> date:
    """The day that a moment lies in."""
    return datetime.fromtimestamp(moment, UTC).date()


def midnight(day: date) -> int:
    """The moment at which a day starts."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
