"""Destinations: who gets money that leaves a financial account, what names them, and whether it may go there.

A bank account is reached over a bank's network, another financial account of the same owner over the stripe network. A
bank account can turn out to be a financial account of this tenant as well: then its numbers are those of our own bank.
Source: https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/outbound-transfers
"""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.kernel.errors import exclusive, invalid, missing, no_such
from emulator.kernel.params import Enum, Hash, Params, String
from emulator.kernel.world import World
from emulator.treasury import bank_accounts, features, financial_accounts, initiating, received_credits
from emulator.treasury.activation import INBOUND, OUTBOUND
from emulator.treasury.bank_accounts import Bank
from emulator.treasury.financial_accounts import FinancialAccount


class Destination(NamedTuple):
    """Who gets the money: a bank account, or another financial account of the owner's. `param` is what named it."""

    details: dict[str, Any]
    param: str
    bank: Bank | None = None
    account: FinancialAccount | None = None

    @property
    def network(self) -> str:
        """Over which network the money goes."""
        return receiver(self.details)["network"]

    @property
    def feature(self) -> str:
        """What the financial account that sends the money must be able to do."""
        return "intra_stripe_flows" if self.account else f"outbound_transfers.{self.network}"


def receiver(details: dict[str, Any]) -> dict[str, Any]:
    """Who gets the money: the hash that the type of the details names."""
    return details[details["type"]]


# What may be sent


class DestinationDataParams(Params):
    """A destination that is no payment method."""

    financial_account = String()
    type = Enum(("financial_account",), required=True)


class UsBankAccountOptionsParams(Params):
    """How a bank account is paid."""

    network = Enum(("ach", "us_domestic_wire"))


class DestinationOptionsParams(Params):
    """Options of the payment method's type."""

    us_bank_account = Hash(UsBankAccountOptionsParams, unset=True)


# Who it is, and whether it may be


def to_bank(world: World, id: str, network: str, *, param: str) -> Destination:
    """A bank account by its id. 400 for one that is unknown or no US bank account."""
    bank = bank_accounts.named(world, id, param=param)
    return Destination(bank.details(network), param, bank=bank)


def to_financial_account(world: World, id: str, *, param: str) -> Destination:
    """A financial account by its id. 400 for one that is unknown, and for one that somebody else owns."""
    found = world.anywhere(FinancialAccount, id)
    if found is None or not world.may_act(found[0]):
        raise no_such(FinancialAccount.noun, id, param=param, status=400)
    owner, account = found
    if owner != world.account:
        raise invalid(
            f"The FinancialAccount {id} belongs to another account. Use an OutboundPayment to send money to it.",
            param=param,
        )
    details = initiating.financial_account(id, financial_accounts.holder_name(world))
    return Destination(details, param, account=account)


def named(world: World, params: dict[str, Any]) -> Destination:
    """What the parameters name. 400 unless that is exactly one thing which exists."""
    method, data = params.get("destination_payment_method"), params.get("destination_payment_method_data")
    if method is not None and data is not None:
        names = ("destination_payment_method", "destination_payment_method_data")
        raise exclusive(*names, blame="destination_payment_method")
    if data is not None:
        param = "destination_payment_method_data[financial_account]"
        if "financial_account" not in data:
            raise missing(param)
        return to_financial_account(world, data["financial_account"], param=param)
    if method is None:
        raise missing("destination_payment_method")
    options = params.get("destination_payment_method_options", {}).get("us_bank_account") or {}
    return to_bank(world, method, options.get("network", "ach"), param="destination_payment_method")


def check_route(world: World, source: FinancialAccount, destination: Destination) -> None:
    """400 unless money may go from the one to the other: both open, able to, and not the same."""
    financial_accounts.require_open(source, param="financial_account")
    features.require_flow(world, source, destination.feature, OUTBOUND)
    target, param = destination.account, destination.param
    if source.id == (target.id if target else account_at(world, destination)):
        raise invalid("Money cannot be transferred to the account that it comes from.", param=param)
    if target is not None:
        financial_accounts.require_open(target, param=param)
        features.require_flow(world, target, destination.feature, INBOUND, param=param)


def account_at(world: World, destination: Destination) -> str | None:
    """Which financial account has the numbers of a bank account, or None."""
    found = at_own_bank(world, destination.bank.number if destination.bank else None)
    return found[1].id if found else None


def at_own_bank(world: World, number: str | None) -> tuple[str, FinancialAccount] | None:
    """The financial account of that number and its owner, or None where nobody has it (any more)."""
    found = FinancialAccount.at_address(world, number) if number else None
    return found if found and world.may_act(found[0]) else None


def taking(world: World, account: FinancialAccount) -> FinancialAccount:
    """Who takes what banks send to an account: itself, or one with an address that it forwards to when closed."""
    target = financial_accounts.forwarded(world, account)
    return target if target.has_address else account


def bounce(world: World, bank: Bank) -> str | None:
    """Why money that is sent to a bank account at once would not stay there, or None."""
    ending = bank_accounts.ending("outbound", bank.fingerprint)
    if ending.verb != "post" or ending.returned is not None:
        return f"{bank.id} does not take money"
    if bank.number is None:
        return None
    found = at_own_bank(world, bank.number)
    if found is None:
        return f"{bank.id} does not exist any more"
    inside = world.as_account(found[0])
    if received_credits.failure(inside, taking(inside, found[1]), "ach") is not None:
        return f"{bank.id} does not take money"
    return None
