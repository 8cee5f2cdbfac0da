"""Days: how long one is, and which one a moment lies in. Moments are unix seconds, and days are those of UTC.

And spans as people write them: `90` seconds, `30s`, `15m`, `6h`, `3d`, `2w` or `1d12h`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

DAY = 24 * 60 * 60
UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}
SPAN = re.compile(r"(\d+[smhdw])+", re.ASCII)
HOW_SPANS_READ = "90, 30s, 15m, 6h, 3d, 2w or 1d12h"


def date_of(moment: int) -> date:
    """The day that a moment lies in."""
    return datetime.fromtimestamp(moment, UTC).date()


def seconds_of_span(text: str) -> int | None:
    """How long a span is that is written with units; None for what is none."""
    if SPAN.fullmatch(text) is None:
        return None
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text))


def midnight(day: date) -> int:
    """The moment at which a day starts."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
