"""The platform's own account: where it is, and what it starts with.

A company with everything active that its country offers, and a bank account there to be paid out to and to top up from.
The country is the setting `platform_country`. Treasury is for the US alone.
"""

from __future__ import annotations

from typing import Any

from emulator.connect import bank_test_numbers, external_accounts
from emulator.connect.bank_accounts import described
from emulator.connect.home_currencies import currency_of
from emulator.connect.issuing_countries import COUNTRIES
from emulator.connect.records.accounts import Account
from emulator.connect.records.capabilities import Capability, key_of
from emulator.connect.records.external_accounts import TEST_ROUTING_NUMBER
from emulator.kernel.settings import choice, switch
from emulator.kernel.world import World

NAME = "Emulated Platform"
CAPABILITIES = ("card_issuing", "card_payments", "transfers")
# Its bank account has a test number of the country, or the sample IBAN where no test numbers are published.
# Source: https://docs.stripe.com/connect/testing
ROUTING_NUMBERS = {"GB": "108800", "US": TEST_ROUTING_NUMBER}
IBANS = {
    "CY": "CY17002001280000001200527600",
    "GR": "GR1601101250000000012300695",
    "IT": "IT40S0542811101000000123456",
    "LV": "LV80BANK0000435195001",
    "MT": "MT84MALT011000012345MTLCAST001S",
    "SI": "SI56191000000123438",
    "SK": "SK3112000000198742637541",
}

SETTINGS = (
    choice(
        "platform_country",
        "US",
        COUNTRIES,
        "The country of the platform's own account; to be set before anything is made in the world.",
        founds=True,
    ),
    switch("issuing_enabled", True, "Whether the platform has been onboarded on Stripe Issuing."),
)


def open_account(world: World) -> None:
    """The platform itself. Connected accounts have their record already."""
    if not world.is_platform:
        return
    country = world.setting("platform_country")
    world.put(
        Account(
            id=world.platform,
            created=world.now,
            country=country,
            default_currency=currency_of(country),
            type="standard",
            controller={"type": "account"},
            email="platform@example.com",
            business_type="company",
            business_profile={"name": NAME, "mcc": "5734", "url": "https://example.com"},
            company={"name": NAME},
            settings={"dashboard": {"display_name": NAME}},
            details_submitted=True,
            is_platform=True,
            is_ready=True,
        )
    )
    for name in (*CAPABILITIES, "treasury") if country == "US" else CAPABILITIES:
        key = key_of(world.platform, name)
        world.put(Capability(key, world.platform, name, True, world.now, "active"))
    external_accounts.add(world, described(world, bank_in(country, NAME), "external_account"), default=True)


def bank_in(country: str, holder: str) -> dict[str, Any]:
    """What would be sent of a bank account of a company there."""
    return {
        "object": "bank_account",
        "account_holder_name": holder,
        "account_holder_type": "company",
        "account_number": account_number(country),
        "country": country,
        "currency": currency_of(country),
        "routing_number": ROUTING_NUMBERS.get(country),
    }


def account_number(country: str) -> str:
    """The number of its bank account, an IBAN in the euro area."""
    return IBANS.get(country) or bank_test_numbers.of(country)[0]


WHEN = {"account.opened": open_account}
