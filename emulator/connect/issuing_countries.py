"""Where cards are issued, and what follows from an account's country: the currency of its cards, its holders' homes.

Source: https://docs.stripe.com/issuing/global
"""

from __future__ import annotations

EURO_AREA = (
    "AT",
    "BE",
    "CY",
    "DE",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PT",
    "SI",
    "SK",
)
COUNTRIES = ("US", "GB", *EURO_AREA)
# The European Economic Area: cards are not issued in all of it, yet holders may live anywhere in it.
EEA = frozenset({*EURO_AREA, "BG", "CZ", "DK", "HU", "IS", "LI", "NO", "PL", "RO", "SE"})


def card_currency(country: str) -> str:
    """What the cards of an account are denominated in."""
    return {"US": "usd", "GB": "gbp"}.get(country, "eur")


def homes(country: str) -> frozenset[str]:
    """Where the cardholders of an account may live: in its own country, or anywhere in Europe for one in the EEA."""
    return EEA if country in EURO_AREA else frozenset({country})
