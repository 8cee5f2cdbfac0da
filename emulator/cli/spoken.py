"""Times, spans and values as people write and read them on a line."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from emulator.cli.complaints import WrongUse
from emulator.kernel.dates import HOW_SPANS_READ, UNITS, seconds_of_span


def span(text: str) -> int:
    """Seconds in `90`, `30s`, `3d` or `1d12h`."""
    if text.isdecimal():
        return int(text)
    seconds = seconds_of_span(text)
    if seconds is None:
        raise WrongUse(f"A span reads {HOW_SPANS_READ}, not {text}.")
    return seconds


def moment(text: str) -> int:
    """Unix seconds in `1767225599` or an ISO 8601 time, which is UTC unless it says otherwise."""
    if text.isdecimal():
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"A time reads 1798761599 or 2026-12-31T23:59:59Z, not {text}.") from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def ago(seconds: float) -> str:
    """A span that has passed, in its largest unit: `3d ago`."""
    for unit, length in reversed(UNITS.items()):
        if seconds >= length:
            return f"{int(seconds // length)}{unit} ago"
    return "just now"


def at(seconds: int) -> str:
    """Unix seconds for a person."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def shown(value: Any) -> str:
    """A JSON value on a line; text without quotes."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def assigned(changes: Sequence[str]) -> dict[str, list[str]]:
    """A form from `name=value` and `name[inner]=value`; a name that comes twice has both values."""
    form: dict[str, list[str]] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or not name:
            raise WrongUse(f"A change reads name=value, not {change}.")
        form.setdefault(name, []).append(value)
    return form
