"""What one currency is worth in another, from a table that never changes, so that the same purchase costs the same.

Real rates move by the minute; tests want numbers they can write down. A pair the table does not know is worth one to
one. This table is ours, in the order of magnitude of 2026.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from emulator.data.currencies import THREE_DECIMAL, ZERO_DECIMAL

UNITS_PER_USD: dict[str, Decimal] = {
    currency: Decimal(units)
    for currency, units in {
        "usd": "1",
        "aud": "1.5",
        "brl": "5",
        "cad": "1.4",
        "chf": "0.8",
        "cny": "7",
        "czk": "20",
        "dkk": "6.4",
        "eur": "0.8",
        "gbp": "0.75",
        "hkd": "7.8",
        "huf": "320",
        "inr": "90",
        "jpy": "150",
        "krw": "1400",
        "mxn": "18",
        "nok": "10",
        "nzd": "1.7",
        "pln": "3.6",
        "ron": "4.4",
        "sek": "9.5",
        "sgd": "1.3",
        "thb": "32",
        "zar": "17",
    }.items()
}


def converted(amount: int, source: str, target: str) -> int:
    """An amount of minor units in another currency's minor units, rounded half up, away from zero."""
    if source == target or amount == 0:
        return amount
    rate = Decimal(1)
    if source in UNITS_PER_USD and target in UNITS_PER_USD:
        rate = UNITS_PER_USD[target] / UNITS_PER_USD[source]
    units = Decimal(amount).scaleb(-decimals(source)) * rate
    return int(units.scaleb(decimals(target)).quantize(Decimal(1), ROUND_HALF_UP))


SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}


def written(amount: int, currency: str) -> str:
    """An amount of minor units for a person: `$1,234.50`, `-€5.00`, `1,234 JPY`."""
    digits = decimals(currency)
    number = f"{abs(Decimal(amount).scaleb(-digits)):,.{digits}f}"
    minus, sign = "-" if amount < 0 else "", SIGNS.get(currency)
    return f"{minus}{sign}{number}" if sign else f"{minus}{number} {currency.upper()}"


def decimals(currency: str) -> int:
    """How many digits a currency has behind the point."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def scaled(amount: int, part: int, whole: int) -> int:
    """The share of an amount that `part` is of `whole`, rounded half up; `part` itself where there is no whole."""
    if part == whole:
        return amount
    if amount == whole or whole == 0:
        return part
    return int((Decimal(amount) * part / whole).quantize(Decimal(1), ROUND_HALF_UP))
