"""Funding the Issuing balance: bank coordinates to send money to, and test money that arrives at once.

Top-ups with `destination_balance=issuing` are the third way; they are top-ups.
Source: https://docs.stripe.com/issuing/funding/balance
"""

from __future__ import annotations

from typing import Any

from stdnum import iban

from emulator import chart_of_accounts as chart
from emulator.connect import issuing_access
from emulator.connect.issuing_countries import EURO_AREA
from emulator.connect.records import accounts
from emulator.connect.records.external_accounts import TEST_BANK, TEST_ROUTING_NUMBER
from emulator.kernel.errors import invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import Amount, Currency, Enum, Hash, Params
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST
from emulator.kernel.world import World

TRANSFER_OF_CURRENCY = {"eur": "eu_bank_transfer", "gbp": "gb_bank_transfer"}
# A BIC whose eighth character is 0 is one for tests (ISO 9362): no bank can have it.
TEST_BIC = "EMULDEF0XXX"
TEST_SORT_CODE = "108800"


@record(
    "funding_instructions",
    prefix="fundinst",
    noun="funding instructions",
    filters=("currency",),
    hidden=("id", "created"),
)
class FundingInstructions:
    """Where to send money for an account's Issuing balance. One per currency; the object has no id in the API."""

    id: str
    created: int
    currency: str
    bank_transfer: dict[str, Any]
    funding_type: str = "bank_transfer"

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API."""
        return shown(self)


class BankTransferParams(Params):
    """How the money will come."""

    type = Enum(("eu_bank_transfer", "gb_bank_transfer"), required=True)


class CreateParams(Params):
    """What to ask coordinates for."""

    bank_transfer = Hash(BankTransferParams, required=True)
    currency = Currency(required=True)
    funding_type = Enum(("bank_transfer",), required=True)


class FundBalanceParams(Params):
    """Test money: minor units of a currency."""

    amount = Amount(required=True)
    currency = Currency(required=True)


def create(world: World, params: dict[str, Any]) -> FundingInstructions:
    """The account's bank coordinates for a currency, made when there are none yet.

    400 on accounts outside Europe, and for a kind of transfer or a currency that the account's country does not have.
    """
    country = accounts.of(world).country
    kind = transfer_of_country(country)
    if kind is None:
        raise invalid(f"A Funding Instruction is not currently supported for {country}")
    if params["bank_transfer"]["type"] != kind:
        raise invalid(f"An account in {country} is funded by {kind}.", param="bank_transfer[type]")
    if TRANSFER_OF_CURRENCY.get(params["currency"]) != kind:
        raise invalid(f"A {kind} does not carry {params['currency']}.", param="currency")
    issuing_access.check_to_create(world)
    return for_currency(world, params["currency"])


def fund_balance(world: World, params: dict[str, Any]) -> FundingInstructions:
    """Credit the Issuing balance at once, in any currency. Answers with the funding instructions of that currency.

    Stripe serves it for European accounts only; here every account that has Issuing may use it (our ruling).
    """
    issuing_access.check_to_create(world)
    movement = chart.fund_issuing(world.account, params["currency"], params["amount"], "Funds added to Issuing balance")
    world.move(movement, because=None)
    return for_currency(world, params["currency"])


def for_currency(world: World, currency: str) -> FundingInstructions:
    """The one set of coordinates of a currency."""
    known = world.all(FundingInstructions, currency=currency)
    if known:
        return known[0]
    kind = TRANSFER_OF_CURRENCY.get(currency, "us_bank_transfer")
    holder = accounts.legal_name(accounts.of(world))
    bank_transfer = BANK_TRANSFERS[kind](holder, world.draw("bank account") % 10**12)
    id = world.new_id(FundingInstructions.prefix)
    return world.put(FundingInstructions(id, world.now, currency, bank_transfer))


def transfer_of_country(country: str) -> str | None:
    """How accounts in a country fund their Issuing balance by bank transfer, or None where they cannot."""
    if country == "GB":
        return "gb_bank_transfer"
    return "eu_bank_transfer" if country in EURO_AREA else None


def eu_bank_transfer(holder: str, number: int) -> dict[str, Any]:
    """A valid IBAN of a German bank code that is not given to any bank."""
    domestic = f"00000000{number % 10**10:010}"
    address = {
        "account_holder_name": holder,
        "bic": TEST_BIC,
        "country": "DE",
        "iban": f"DE{iban.calc_check_digits(f'DE00{domestic}')}{domestic}",
    }
    return instructions("eu_bank_transfer", "DE", "iban", address, ["sepa"])


def gb_bank_transfer(holder: str, number: int) -> dict[str, Any]:
    """An account number behind the sort code of Stripe's test bank."""
    address = {"account_holder_name": holder, "account_number": f"{number % 10**8:08}", "sort_code": TEST_SORT_CODE}
    return instructions("gb_bank_transfer", "GB", "sort_code", address, ["bacs", "fps"])


def us_bank_transfer(holder: str, number: int) -> dict[str, Any]:
    """An account number behind the routing number of Stripe's test bank."""
    address = {
        "account_holder_name": holder,
        "account_number": f"{number:012}",
        "bank_name": TEST_BANK,
        "routing_number": TEST_ROUTING_NUMBER,
    }
    return instructions("us_bank_transfer", "US", "aba", address, ["ach"])


def instructions(
    kind: str, country: str, address_kind: str, address: dict[str, Any], networks: list[str]
) -> dict[str, Any]:
    """The `bank_transfer` hash around one address."""
    addresses = [{"type": address_kind, address_kind: address, "supported_networks": networks}]
    return {"country": country, "financial_addresses": addresses, "type": kind}


BANK_TRANSFERS = {
    "eu_bank_transfer": eu_bank_transfer,
    "gb_bank_transfer": gb_bank_transfer,
    "us_bank_transfer": us_bank_transfer,
}
RECORDS = (FundingInstructions,)
ROUTES = [
    POST("/v1/issuing/funding_instructions", create, CreateParams),
    GET("/v1/issuing/funding_instructions", issuing_access.gated(lists(FundingInstructions))),
    POST("/v1/test_helpers/issuing/fund_balance", fund_balance, FundBalanceParams),
]
