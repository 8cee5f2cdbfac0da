"""The platform's own account: where it is, and what it starts with.

A company with everything active that its country offers, and a bank account there to be paid out to and to top up from.
The country is the setting `platform_country`. Treasury is for the US alone.
"""

from __future__ import annotations

from emulator.connect import capabilities, external_accounts
from emulator.connect.accounts import Account
from emulator.connect.capabilities import Capability
from emulator.connect.home_currencies import currency_of
from emulator.connect.issuing_countries import COUNTRIES
from emulator.kernel.settings import choice
from emulator.kernel.world import World

NAME = "Emulated Platform"
CAPABILITIES = ("card_issuing", "card_payments", "transfers")
# A bank account of each country that takes payouts: its number, or its routing or sort code and number.
# Source: https://docs.stripe.com/connect/testing
BANKS: dict[str, tuple[str, ...]] = {
    "AT": ("AT611904300234573201",),
    "BE": ("BE62510007547061",),
    "CY": ("CY17002001280000001200527600",),
    "DE": ("DE89370400440532013000",),
    "EE": ("EE382200221020145685",),
    "ES": ("ES0700120345030000067890",),
    "FI": ("FI2112345600000785",),
    "FR": ("FR1420041010050500013M02606",),
    "GB": ("108800", "00012345"),
    "GR": ("GR1601101250000000012300695",),
    "HR": ("HR7624020064583467589",),
    "IE": ("IE29AIBK93115212345678",),
    "IT": ("IT40S0542811101000000123456",),
    "LT": ("LT121000011101001000",),
    "LU": ("LU280019400644750000",),
    "LV": ("LV80BANK0000435195001",),
    "MT": ("MT84MALT011000012345MTLCAST001S",),
    "NL": ("NL39RABO0300065264",),
    "PT": ("PT50000201231234567890154",),
    "SI": ("SI56191000000123438",),
    "SK": ("SK3112000000198742637541",),
    "US": ("110000000", "000123456789"),
}

SETTINGS = (
    choice(
        "platform_country",
        "US",
        COUNTRIES,
        "The country of the platform's own account; to be set before anything is made in the world.",
        founds=True,
    ),
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
        key = capabilities.key_of(world.platform, name)
        world.put(Capability(key, world.platform, name, True, world.now, "active"))
    *routing, number = BANKS[country]
    bank = {
        "object": "bank_account",
        "account_holder_name": NAME,
        "account_holder_type": "company",
        "account_number": number,
        "country": country,
        "currency": currency_of(country),
        **({"routing_number": routing[0]} if routing else {}),
    }
    external_accounts.add(world, external_accounts.described(world, bank), default=True)


OPEN_ACCOUNT = open_account
