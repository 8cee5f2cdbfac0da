"""Phone numbers in E.164, the form `+14155550123`.

A number written without its country is read as one of the country the cardholder lives in, for the countries where
cards are issued. Source: https://docs.stripe.com/api/issuing/cardholders/create, https://www.itu.int/rec/T-REC-E.164
"""

from __future__ import annotations

import re

from emulator.kernel.errors import ApiError, invalid

E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
WRITTEN = re.compile(r"[0-9 ().\-/\u00a0]+\Z")
# Calling code, and the digit dialled before a number inside the country.
COUNTRY_CODES: dict[str, tuple[str, str]] = {
    "AT": ("43", "0"),
    "BE": ("32", "0"),
    "BG": ("359", "0"),
    "CA": ("1", "1"),
    "CH": ("41", "0"),
    "CY": ("357", ""),
    "CZ": ("420", ""),
    "DE": ("49", "0"),
    "DK": ("45", ""),
    "EE": ("372", ""),
    "ES": ("34", ""),
    "FI": ("358", "0"),
    "FR": ("33", "0"),
    "GB": ("44", "0"),
    "GR": ("30", ""),
    "HR": ("385", "0"),
    "IE": ("353", "0"),
    "IT": ("39", ""),
    "LT": ("370", "0"),
    "LU": ("352", ""),
    "LV": ("371", ""),
    "MT": ("356", ""),
    "NL": ("31", "0"),
    "NO": ("47", ""),
    "PL": ("48", ""),
    "PT": ("351", ""),
    "RO": ("40", "0"),
    "SE": ("46", "0"),
    "SI": ("386", "0"),
    "SK": ("421", "0"),
    "US": ("1", "1"),
}


def e164(written: str, country: str, *, param: str = "phone_number") -> str:
    """The number in E.164; `country` is where a number without `+` belongs. 400 for what is no phone number."""
    text = written.strip()
    is_international = text.startswith(("+", "00"))
    digits = re.sub(r"[^0-9]", "", text)
    if not WRITTEN.match(text.removeprefix("+")):
        raise no_phone_number(written, param)
    if is_international:
        number = "+" + (digits if text.startswith("+") else digits[2:])
    elif country in COUNTRY_CODES:
        code, trunk = COUNTRY_CODES[country]
        number = f"+{code}{digits.removeprefix(trunk)}"
    else:
        raise no_phone_number(written, param)
    is_american = number.startswith("+1")
    if not E164.match(number) or (is_american and len(number) != 12):
        raise no_phone_number(written, param)
    return number


def no_phone_number(written: str, param: str) -> ApiError:
    """The 400 for text that cannot be read as a phone number."""
    return invalid(f"Invalid phone number: {written}", param=param)
