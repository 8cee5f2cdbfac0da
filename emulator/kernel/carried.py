"""Keys and client ids that say by themselves whose they are: they come alone, and their world is found by them.

    ek_test_ base64("acct_1…," + the handle of the world in 22 base-62 digits + 9 of chance) _00 8 of chance
    ca_      the handle of the world in 22 base-62 digits + 10 that go with it

The first form is that of recorded ephemeral keys, in which 31 characters follow the comma; what Stripe keeps there is
not known. Access tokens of OAuth (`sk_test_…`, with a publishable key `pk_test_…` each) have it here too: no key that
somebody chose has it by accident. A client id is 32 characters, as Stripe's are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from functools import reduce
from typing import NamedTuple

from emulator.kernel.ids import ALPHABET, base62

HANDLE_DIGITS = 22  # of 128 bits
FIRST_CHANCE, SECOND_CHANCE = 9, 8
CHECK_DIGITS = 10
TEXT = re.compile(rf"(ek|pk|sk)_test_([0-9A-Za-z]+)_00[0-9A-Za-z]{{{SECOND_CHANCE}}}\Z")
WITHIN = re.compile(rf"(acct_[0-9A-Za-z]+),([0-9A-Za-z]{{{HANDLE_DIGITS}}})[0-9A-Za-z]{{{FIRST_CHANCE}}}\Z")
CLIENT_ID = re.compile(rf"ca_([0-9A-Za-z]{{{HANDLE_DIGITS}}})[0-9A-Za-z]{{{CHECK_DIGITS}}}\Z")


class Carried(NamedTuple):
    """What a key says of itself: its kind, the account it acts for, and the handle of the world that has it."""

    kind: str
    account: str
    handle: str


def text_of(kind: str, account: str, handle: str, draw: int) -> str:
    """The text of a key of an account. `handle` is 32 hexadecimal digits, `draw` 256 bits of chance."""
    rest, first = divmod(draw, 62**FIRST_CHANCE)
    within = f"{account},{base62(int(handle, 16), HANDLE_DIGITS)}{base62(first, FIRST_CHANCE)}"
    code = base64.b64encode(within.encode()).decode().rstrip("=")
    return f"{kind}_test_{code}_00{base62(rest, SECOND_CHANCE)}"


def carried(text: str) -> Carried | None:
    """What the text of a key says; None for what has another form."""
    match = TEXT.match(text)
    if match is None:
        return None
    try:
        within = WITHIN.match(base64.b64decode(match[2] + "=" * (-len(match[2]) % 4), validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        return None
    handle = handle_in(within[2]) if within is not None else None
    return Carried(match[1], within[1], handle) if within is not None and handle is not None else None


def client_id_of(handle: str) -> str:
    """The client id of the application whose world has that handle; the same for ever."""
    check = int.from_bytes(hashlib.sha256(f"client {handle}".encode()).digest())
    return f"ca_{base62(int(handle, 16), HANDLE_DIGITS)}{base62(check, CHECK_DIGITS)}"


def handle_of_client(client_id: str) -> str | None:
    """The handle of the world that a client id is of; None for what is no client id of ours."""
    match = CLIENT_ID.match(client_id)
    handle = handle_in(match[1]) if match is not None else None
    return handle if handle is not None and client_id_of(handle) == client_id else None


def handle_in(digits: str) -> str | None:
    """The handle that base-62 digits stand for; None for more than a handle can be."""
    number = reduce(lambda so_far, digit: so_far * 62 + ALPHABET.index(digit), digits, 0)
    return f"{number:032x}" if number < 2**128 else None
