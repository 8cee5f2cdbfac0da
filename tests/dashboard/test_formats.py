"""How values read: amounts in their currency, times beside the world's clock, ids, JSON."""

from __future__ import annotations

import pytest
from markupsafe import escape

from emulator.dashboard import formats

NOW = 1_796_074_112  # Mon 30 Nov 2026, 21:28:32 UTC


@pytest.mark.parametrize(
    "value, currency, sign, shown",
    [
        (1_234_50, "usd", False, "$1,234.50"),
        (-12_00, "usd", False, "−$12.00"),
        (3_00, "eur", True, "+€3.00"),
        (0, "gbp", True, "£0.00"),
        (1_200, "jpy", False, "1,200 JPY"),
        (1_234, "kwd", False, "1.234 KWD"),
        (12_00, "chf", False, "12.00 CHF"),
        (None, "usd", False, "–"),
    ],
)
def test_amounts_are_written_in_their_currency(value, currency, sign, shown):
    assert formats.amount(value, currency, sign=sign) == shown


@pytest.mark.parametrize(
    "text, currency, value",
    [
        ("240.00", "usd", 240_00),
        (" $1,000 ", "usd", 1_000_00),
        ("-3", "usd", -3_00),
        ("12", "jpy", 12),
        ("1.005", "usd", None),
        ("1.234", "kwd", 1_234),
        ("ten", "usd", None),
        ("", "usd", None),
        ("nan", "usd", None),
        ("1e30", "usd", None),
    ],
)
def test_what_somebody_types_becomes_minor_units_or_is_no_amount(text, currency, value):
    assert formats.minor(text, currency) == value
    if value is not None and value >= 0:
        assert formats.minor(formats.typed(value, currency), currency) == value


@pytest.mark.parametrize(
    "seconds, shown",
    [
        (0, "just now"),
        (-4, "just now"),
        (3, "now"),
        (-14, "14 s ago"),
        (-200, "3 min ago"),
        (83_000, "in 23 h"),
        (86_400, "in 1 day"),
        (-200_000, "2 days ago"),
    ],
)
def test_times_are_told_beside_the_clock(seconds, shown):
    assert formats.relative(NOW + seconds, NOW) == shown


def test_a_time_has_the_exact_one_on_hover():
    assert formats.time_tag(NOW, NOW, "dated") == (
        '<time datetime="2026-11-30T21:28:32Z" title="Mon 30 Nov 2026, 21:28:32 UTC · 1796074112">'
        "Mon 30 Nov, 21:28:32</time>"
    )
    assert [formats.clock(at, NOW) for at in (NOW, NOW - 86_400)] == ["21:28", "Sun 29 Nov"]
    assert formats.dated(NOW - 365 * 86_400, NOW) == "Sun 30 Nov 2025, 21:28:32"


def test_ids_keep_what_tells_them_apart():
    assert formats.short("iauth_1xY8vIiMUW73AhOAElshErqA") == "iauth_…shErqA"
    assert formats.short("cus_1") == "cus_1"


def test_json_is_marked_and_escaped():
    shown = str(formats.pretty({"a<b": ['<script>"x"</script>', 1, None, True]}))

    assert "<script" not in shown
    assert f"<b>{escape(chr(34) + 'a<b' + chr(34))}</b>:" in shown
    assert "<i>1</i>" in shown and "<i>null</i>" in shown and "<i>true</i>" in shown


def test_nested_parameters_become_bracketed_pairs():
    sent = {"a": {"b": [1, 2]}, "c": True, "d": None, "e": [{"f": "x"}]}

    assert formats.flat(sent) == [("a[b][]", "1"), ("a[b][]", "2"), ("c", "true"), ("e[0][f]", "x")]


def test_counts_and_lists_read_as_sentences():
    assert [formats.plural(count, "card") for count in (0, 1, 1_200)] == ["0 cards", "1 card", "1,200 cards"]
    assert [formats.listing(list(parts)) for parts in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
