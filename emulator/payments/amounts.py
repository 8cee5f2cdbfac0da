"""Amounts that can be charged: the least and the most per currency, and how they are written.

Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts and recorded replies
"""

from __future__ import annotations

from decimal import Decimal

from emulator.data.currencies import THREE_DECIMAL, ZERO_DECIMAL
from emulator.kernel.errors import invalid

# In minor units. A currency that has no minimum of its own has none here, as no table of rates is published.
LEAST = {
    "usd": 50,
    "aed": 2_00,
    "aud": 50,
    "bgn": 1_00,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 15_00,
    "dkk": 2_50,
    "eur": 50,
    "gbp": 30,
    "hkd": 4_00,
    "huf": 175_00,
    "inr": 50,
    "jpy": 50,
    "mxn": 10_00,
    "myr": 2_00,
    "nok": 3_00,
    "nzd": 50,
    "pln": 2_00,
    "ron": 2_00,
    "sek": 3_00,
    "sgd": 50,
    "thb": 10_00,
}
MOST = 99_999_999
LARGEST_SENT = 999_999_999_999  # of parameters: what is more than can be charged is refused by its currency
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def check(amount: int, currency: str) -> None:
    """400 `amount_too_small` or `amount_too_large` for what cannot be charged in a currency."""
    least = LEAST.get(currency, 1)
    if amount < least:
        raise invalid(f"Amount must be at least {written(least, currency)}", code="amount_too_small", param="amount")
    if amount > MOST:
        raise invalid(f"Amount must be no more than {plain(MOST, currency)}", code="amount_too_large")


def share(whole: int, of: int, before: int, amount: int) -> int:
    """How much of a whole goes with an amount of something else, after what went before: in proportion, rounded down.

    The parts add up to what one for all of it would have been, so with the last one nothing is left over.
    """
    return whole * (before + amount) // of - whole * before // of


def decimals(currency: str) -> int:
    """How many decimals a currency has."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def plain(amount: int, currency: str) -> str:
    """An amount of minor units with its sign: `$6.00`; without one, with the name behind it."""
    digits = decimals(currency)
    number = f"{Decimal(amount).scaleb(-digits):,.{digits}f}"
    return f"{SIGNS[currency]}{number}" if currency in SIGNS else f"{number} {currency}"


def written(amount: int, currency: str) -> str:
    """The same with the name of the currency in any case: `$0.50 usd`."""
    text = plain(amount, currency)
    return f"{text} {currency}" if currency in SIGNS else text
