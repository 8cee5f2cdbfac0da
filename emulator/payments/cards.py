"""Cards as somebody gives them: a number that must be a test card's, and a month in which it still works.

Source: https://docs.stripe.com/testing
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from stdnum import luhn

from emulator.kernel.errors import ApiError
from emulator.kernel.ids import base62
from emulator.kernel.world import World
from emulator.payments.card_test_numbers import BY_NUMBER, Card, Decline
from emulator.payments.declines import NOT_A_TEST_CARD, WRONG_NUMBER, declined


def of_number(sent: str) -> Card:
    """The test card of a number, however it is spaced. 402 for a number that is no test card's."""
    number = sent.replace(" ", "").replace("-", "")
    card = BY_NUMBER.get(number)
    if card is None:
        raise declined(NOT_A_TEST_CARD if number.isdigit() and luhn.is_valid(number) else WRONG_NUMBER)
    return card


def refuse_expired(world: World, month: int, year: int) -> None:
    """402 for a month that is none, and for one that is over."""
    today = datetime.fromtimestamp(world.now, UTC)
    if not 1 <= month <= 12:
        raise invalid_expiry("month")
    if not today.year <= year < today.year + 100:
        raise invalid_expiry("year")
    if (year, month) < (today.year, today.month):
        raise invalid_expiry("month")


def invalid_expiry(what: str) -> ApiError:
    """402 `invalid_expiry_month` or `invalid_expiry_year`."""
    return declined(
        Decline(f"invalid_expiry_{what}", None, f"Your card's expiration {what} is invalid.", f"exp_{what}")
    )


def fingerprint(number: str) -> str:
    """Sixteen characters that are the same for the same card."""
    return base62(int.from_bytes(hashlib.sha256(f"card:{number}".encode()).digest()[:16]), 16)


def usual_expiry(world: World) -> tuple[int, int]:
    """Month and year in which a card of a test token expires: in twelve months."""
    today = datetime.fromtimestamp(world.now, UTC)
    return today.month, today.year + 1
