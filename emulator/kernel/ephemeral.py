"""The text of an ephemeral key, which says by itself whose it is: it is sent alone, and its world is found by it.

    ek_test_ base64("acct_1…," + the handle of the world in 22 base-62 digits + 9 of chance) _00 8 of chance

The form is that of recorded keys, in which 31 characters follow the comma; what Stripe keeps there is not known.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import reduce
from typing import NamedTuple

from emulator.kernel.ids import ALPHABET, base62

PREFIX = "ek_test_"
HANDLE_DIGITS = 22  # of 128 bits
FIRST_CHANCE, SECOND_CHANCE = 9, 8
TEXT = re.compile(rf"{PREFIX}([0-9A-Za-z]+)_00[0-9A-Za-z]{{{SECOND_CHANCE}}}\Z")
WITHIN = re.compile(rf"(acct_[0-9A-Za-z]+),([0-9A-Za-z]{{{HANDLE_DIGITS}}})[0-9A-Za-z]{{{FIRST_CHANCE}}}\Z")


class Carried(NamedTuple):
    """What a key says of itself: the account it acts for, and the handle of the world that has it."""

    account: str
    handle: str


def text_of(account: str, handle: str, draw: int) -> str:
    """The text of a key of an account. `handle` is 32 hexadecimal digits, `draw` 256 bits of chance."""
    rest, first = divmod(draw, 62**FIRST_CHANCE)
    within = f"{account},{base62(int(handle, 16), HANDLE_DIGITS)}{base62(first, FIRST_CHANCE)}"
    return f"{PREFIX}{base64.b64encode(within.encode()).decode().rstrip('=')}_00{base62(rest, SECOND_CHANCE)}"


def carried(text: str) -> Carried | None:
    """What the text of a key says; None for what has another form."""
    match = TEXT.match(text)
    if match is None:
        return None
    try:
        within = WITHIN.match(base64.b64decode(match[1] + "=" * (-len(match[1]) % 4), validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        return None
    if within is None:
        return None
    number = reduce(lambda so_far, digit: so_far * 62 + ALPHABET.index(digit), within[2], 0)
    return Carried(within[1], f"{number:032x}") if number < 2**128 else None
