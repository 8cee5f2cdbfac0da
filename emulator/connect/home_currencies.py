"""The currency an account has by default: that of its country, where Stripe serves the country.

Source: https://stripe.com/global, https://docs.stripe.com/currencies
"""

from __future__ import annotations

EURO = "AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK"
OWN = {
    "AE": "aed",
    "AU": "aud",
    "BR": "brl",
    "CA": "cad",
    "CH": "chf",
    "CZ": "czk",
    "DK": "dkk",
    "GB": "gbp",
    "GI": "gbp",
    "HK": "hkd",
    "HU": "huf",
    "IN": "inr",
    "JP": "jpy",
    "LI": "chf",
    "MX": "mxn",
    "MY": "myr",
    "NO": "nok",
    "NZ": "nzd",
    "PL": "pln",
    "RO": "ron",
    "SE": "sek",
    "SG": "sgd",
    "TH": "thb",
}


def currency_of(country: str) -> str:
    """The three-letter currency of a country; US dollars where Stripe has no local one."""
    return "eur" if country in EURO.split() else OWN.get(country, "usd")
