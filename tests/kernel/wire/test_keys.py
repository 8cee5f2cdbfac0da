"""How much of a key is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.kernel.wire import keys


@given(st.text(max_size=40))
def test_no_more_than_four_characters_of_an_unusual_key_are_shown(text):
    shown = keys.masked(text)

    assert len(shown) == len(text)
    assert sum(mark != "*" for mark in shown[: -4 or None]) <= len(text)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("abc", "***"),
        ("abcd", "****"),
        ("abcde", "*bcde"),
        ("sk_live_1234", "sk_live_1234"),
        ("sk_live_12345", "sk_live_*2345"),
        ("sk_live_123", "*******_123"),
    ],
)
def test_class_and_last_four_characters_of_a_key_stay(text, shown):
    assert keys.masked(text) == shown
