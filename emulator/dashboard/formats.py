"""How values read on a page: amounts in their currency, times beside the world's clock, ids, JSON. All is escaped."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from markupsafe import Markup, escape

from emulator.data.currencies import THREE_DECIMAL, ZERO_DECIMAL

SYMBOLS = {"eur": "€", "gbp": "£", "usd": "$"}
MINUS = "−"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
# The largest unit that fits, and how it is written after a number.
SPANS = ((DAY, " day"), (HOUR, " h"), (MINUTE, " min"), (1, " s"))
TOKENS = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)')


def decimals(currency: str) -> int:
    """How many digits follow the point."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def amount(value: int | None, currency: str, *, sign: bool = False) -> str:
    """Minor units as a person writes them: `$1,234.50`, `−12.00 CHF`, with a `sign` also `+$3.00`; a dash for None."""
    if value is None:
        return "–"
    digits = decimals(currency)
    number = f"{Decimal(abs(value)).scaleb(-digits):,.{digits}f}"
    before = MINUS if value < 0 else "+" if sign and value > 0 else ""
    symbol = SYMBOLS.get(currency)
    return f"{before}{symbol}{number}" if symbol else f"{before}{number} {currency.upper()}"


def typed(value: int, currency: str) -> str:
    """Minor units as a field for amounts has them: `1234.50`."""
    digits = decimals(currency)
    return f"{Decimal(value).scaleb(-digits):.{digits}f}"


def minor(text: str, currency: str) -> int | None:
    """What somebody typed, in minor units; None for what is no amount of that currency."""
    try:
        value = Decimal(text.strip().lstrip("$€£").replace(",", "")).scaleb(decimals(currency))
    except InvalidOperation:
        return None
    return int(value) if value.is_finite() and value == value.to_integral_value() and abs(value) < 10**15 else None


def moment(at: int) -> datetime:
    """A time in UTC."""
    return datetime.fromtimestamp(at, UTC)


def day_of(at: int) -> int:
    """When the day of a time began, in UTC."""
    return at - at % DAY


def exact(at: int) -> str:
    """`Mon 30 Nov 2026, 21:28:32 UTC`."""
    return f"{moment(at):%a} {moment(at).day} {moment(at):%b %Y, %H:%M:%S} UTC"


def dated(at: int, now: int) -> str:
    """`Mon 30 Nov, 21:28:32`, with the year where it is another."""
    year = "" if moment(at).year == moment(now).year else f" {moment(at).year}"
    return f"{weekday(at)}{year}, {moment(at):%H:%M:%S}"


def weekday(at: int) -> str:
    """`Mon 30 Nov`."""
    return f"{moment(at):%a} {moment(at).day} {moment(at):%b}"


def clock(at: int, now: int) -> str:
    """The time of a day that is today, else the day: `21:28`, `Sun 29 Nov`."""
    return f"{moment(at):%H:%M}" if day_of(at) == day_of(now) else weekday(at)


def span(seconds: int) -> str:
    """A duration in its largest unit: `3 min`, `2 days`."""
    length, unit = next((one for one in SPANS if seconds >= one[0]), SPANS[-1])
    number = seconds // length
    return f"{number}{unit}{'s' if length == DAY and number != 1 else ''}"


def relative(at: int, now: int) -> str:
    """`3 min ago`, `in 23 h`, `just now`."""
    if abs(at - now) < 5:
        return "just now" if at <= now else "now"
    return f"{span(now - at)} ago" if at < now else f"in {span(at - now)}"


def time_tag(at: int | None, now: int, how: str = "relative") -> Markup:
    """A time to read, with the exact one on hover; `how` is `relative`, `clock`, `dated`, `day` or `exact`."""
    if at is None:
        return Markup("–")
    shown = {
        "clock": lambda: clock(at, now),
        "dated": lambda: dated(at, now),
        "day": lambda: weekday(at),
        "exact": lambda: exact(at),
        "relative": lambda: relative(at, now),
    }[how]()
    return Markup('<time datetime="{:%Y-%m-%dT%H:%M:%SZ}" title="{} · {}">{}</time>').format(
        moment(at), exact(at), at, shown
    )


def short(id: str) -> str:
    """Prefix and last six characters: `iauth_…shErqA`."""
    prefix, _, rest = id.partition("_")
    return f"{prefix}_…{id[-6:]}" if len(rest) > 8 else id


def real_now() -> int:
    """What a clock on the wall shows: worlds were made and changed by it, whatever their own show."""
    return int(time.time())


def size(count: int) -> str:
    """Bytes as people read them: `740 kB`."""
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count // 1_000} kB"


def words(value: str | None) -> str:
    """A word of the API as people say it: `hotels_motels_and_resorts` is `Hotels motels and resorts`."""
    text = (value or "").replace("_", " ").replace(".", " ").strip()
    return text[:1].upper() + text[1:]


def plural(count: int, noun: str, several: str | None = None) -> str:
    """`1 card`, `3 cards`."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def percent(part: float, whole: float) -> str:
    """A share for a length in SVG: `57.54%`."""
    return f"{max(0.0, min(100.0, 100 * part / whole)) if whole else 0:.2f}%"


def listing(parts: list[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f" {word} ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def pretty(value: Any) -> Markup:
    """JSON, indented, its names and values told apart by marks that the stylesheet knows."""
    text = json.dumps(value, indent=2, ensure_ascii=False)

    parts, place = [], 0
    for found in TOKENS.finditer(text):
        parts.append(escape(text[place : found.start()]))
        string, colon, other = found.groups()
        if colon:
            parts.append(Markup("<b>{}</b>{}").format(string, colon))
        else:
            parts.append(Markup("<i>{}</i>").format(string or other))
        place = found.end()
    return Markup("").join([*parts, escape(text[place:])])


def flat(params: Mapping[str, Any], name: str = "") -> list[tuple[str, str]]:
    """Nested parameters as bracketed pairs, the way a form has them."""
    pairs: list[tuple[str, str]] = []
    for key, value in params.items():
        whole = f"{name}[{key}]" if name else key
        if isinstance(value, Mapping):
            pairs += flat(value, whole)
        elif isinstance(value, list):
            for place, one in enumerate(value):
                pairs += flat(one, f"{whole}[{place}]") if isinstance(one, Mapping) else [(f"{whole}[]", str(one))]
        elif isinstance(value, bool):
            pairs.append((whole, str(value).lower()))
        elif value is not None:
            pairs.append((whole, str(value)))
    return pairs
