"""Bank accounts as somebody describes them, by numbers that must be test numbers where those of the country are known.

Source: https://docs.stripe.com/connect/testing#account-numbers
"""

from __future__ import annotations

import re
from typing import Any

from stdnum.us import rtn

from emulator.connect import bank_test_numbers
from emulator.connect.home_currencies import currency_of
from emulator.connect.records.external_accounts import OF_FINANCIAL_ACCOUNTS, BankAccount, fingerprint
from emulator.kernel.errors import ApiError, invalid, missing
from emulator.kernel.params import merged_metadata
from emulator.kernel.world import World

SORT_CODE = re.compile(r"\d{6}|\d{2}-\d{2}-\d{2}")


def described(world: World, sent: dict[str, Any], param: str) -> BankAccount:
    """The bank account that a hash describes, not yet stored. 400 for numbers no bank has."""
    for name in ("country", "account_number"):
        if name not in sent:
            raise missing(f"{param}[{name}]")
    country, routing = sent["country"], sent.get("routing_number")
    number = sent["account_number"].replace(" ", "").upper()
    refuse_numbers(country, number, routing, param)
    return BankAccount(
        id=world.new_id("ba"),
        created=world.now,
        account=world.account,
        country=country,
        currency=sent.get("currency") or currency_of(country),
        last4=number[-4:],
        fingerprint=fingerprint(country, routing, number),
        routing_number=routing,
        number=number if number in bank_test_numbers.of(country) or routing == OF_FINANCIAL_ACCOUNTS else None,
        account_holder_name=sent.get("account_holder_name"),
        account_holder_type=sent.get("account_holder_type"),
        metadata=merged_metadata({}, sent),
    )


def refuse_numbers(country: str, number: str, routing: str | None, param: str) -> None:
    """400 `routing_number_invalid` or `account_number_invalid`. How a routing number is checked is our ruling."""
    if country == "US":
        if routing is None:
            raise missing(f"{param}[routing_number]")
        if routing != OF_FINANCIAL_ACCOUNTS and not rtn.is_valid(routing):
            raise bad_routing_number("The routing number must have 9 digits and a valid checksum.", param)
    elif country == "GB" and routing is not None and not SORT_CODE.fullmatch(routing):
        raise bad_routing_number("The sort code must have 6 digits.", param)
    allowed = bank_test_numbers.of(country) if routing != OF_FINANCIAL_ACCOUNTS else ()
    if allowed and number not in allowed:
        raise bad_account_number(
            f"You must use a test bank account number in test mode. Try {allowed[0]} or see more options at "
            "https://stripe.com/docs/connect/testing#account-numbers.",
            param,
        )
    if not number.isalnum() or not 4 <= len(number) <= 34:
        raise bad_account_number(
            "Invalid account number. Account numbers are digits only; those of IBAN countries begin with two letters.",
            param,
        )


def bad_routing_number(says: str, param: str) -> ApiError:
    """400 `routing_number_invalid`."""
    return invalid(says, param=f"{param}[routing_number]", code="routing_number_invalid")


def bad_account_number(says: str, param: str) -> ApiError:
    """400 `account_number_invalid`."""
    return invalid(says, param=f"{param}[account_number]", code="account_number_invalid")
