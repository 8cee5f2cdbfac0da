"""Times as API v2 writes them: RFC 3339, such as `2026-06-05T07:24:09.000Z`. Here they are unix seconds as everywhere.

Source: https://docs.stripe.com/api-v2-overview, https://www.rfc-editor.org/rfc/rfc3339#section-5.6
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z")


def text_of(seconds: int) -> str:
    """Unix seconds as a time of day in UTC, with the three zeros that recorded replies have."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def seconds_of(text: str) -> int | None:
    """The unix second that a time of any offset is in; None for a text of another form and a day that there is not."""
    if not FORM.match(text):
        return None
    try:
        return int(datetime.fromisoformat(text.upper()).timestamp() // 1)
    except (ValueError, OverflowError):
        return None
