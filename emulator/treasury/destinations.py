"""Destinations: who gets money that leaves a financial account, what names them, and whether it may go there.

A bank account is reached over a bank's network, a financial account over the stripe network. Transfers go to what the
owner has, payments to what others have. A bank account can turn out to be a financial account of this tenant as well:
then its numbers are those of our own bank.
Source: https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of
"""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.kernel.errors import ApiError, exclusive, invalid, missing, no_such
from emulator.kernel.params import Enum, Hash, Params
from emulator.kernel.world import World
from emulator.payments import customer as customers
from emulator.treasury import bank_accounts, features, financial_accounts, initiating, received_credits
from emulator.treasury.activation import INBOUND, OUTBOUND
from emulator.treasury.bank_accounts import Bank
from emulator.treasury.financial_accounts import FinancialAccount

METHOD, DATA = "destination_payment_method", "destination_payment_method_data"
WIRES_NEED = ("line1", "city", "state", "postal_code", "country")


class Destination(NamedTuple):
    """Who gets the money: a bank account, or a financial account and its `owner`. `param` is what named it."""

    details: dict[str, Any]
    param: str
    bank: Bank | None = None
    account: FinancialAccount | None = None
    owner: str | None = None

    @property
    def network(self) -> str:
        """Over which network the money goes."""
        return receiver(self.details)["network"]


def receiver(details: dict[str, Any]) -> dict[str, Any]:
    """Who gets the money: the hash that the type of the details names."""
    return details[details["type"]]


# What may be sent


class UsBankAccountOptionsParams(Params):
    """How a bank account is paid."""

    network = Enum(("ach", "us_domestic_wire"))


class DestinationOptionsParams(Params):
    """Options of the payment method's type."""

    us_bank_account = Hash(UsBankAccountOptionsParams, unset=True)


# Who it is, and whether it may be


def to_bank(bank: Bank, network: str, *, param: str) -> Destination:
    """A bank account, reached over a bank's network."""
    return Destination(bank.details(network), param, bank=bank)


def to_financial_account(world: World, id: str, *, param: str) -> Destination:
    """A financial account by its id, whoever owns it. 400 for one that is unknown."""
    found = world.anywhere(FinancialAccount, id)
    if found is None or not world.may_act(found[0]):
        raise no_such(FinancialAccount.noun, id, param=param, status=400)
    owner, account = found
    details = initiating.financial_account(id, financial_accounts.holder_name(world.as_account(owner)))
    return Destination(details, param, account=account, owner=owner)


def to_own_account(world: World, id: str, *, param: str) -> Destination:
    """Another financial account of the same owner by its id. 400 for one that is unknown or somebody else's."""
    destination = to_financial_account(world, id, param=param)
    if destination.owner != world.account:
        raise invalid(
            f"The FinancialAccount {id} belongs to another account. Use an OutboundPayment to send money to it.",
            param=param,
        )
    return destination


def to_account_of_others(world: World, id: str, *, param: str) -> Destination:
    """A financial account of another owner by its id. 400 for one that is unknown or the sender's own."""
    destination = to_financial_account(world, id, param=param)
    if destination.owner == world.account:
        raise invalid(
            f"The FinancialAccount {id} belongs to the same account. Use an OutboundTransfer to send money to it.",
            param=param,
        )
    return destination


def own(world: World, params: dict[str, Any]) -> Destination:
    """What the parameters of an outbound transfer name. 400 unless that is exactly one thing the owner has."""
    require_one(params)
    if DATA in params:
        return to_own_account(world, within(params, "financial_account"), param=f"{DATA}[financial_account]")
    return to_bank(bank_accounts.named(world, params[METHOD], param=METHOD), network_of(params), param=METHOD)


def of_others(world: World, params: dict[str, Any]) -> Destination:
    """What the parameters of an outbound payment name. 400 unless that is exactly one thing that can be paid.

    A payment method is the customer's, who has to be named. What is described in place is kept nowhere else.
    """
    require_one(params)
    if METHOD in params and "customer" not in params:
        raise missing("customer")
    customer = customers.known(world, params["customer"], param="customer") if "customer" in params else None
    if METHOD in params:
        bank = bank_accounts.of_customer(world, params[METHOD], customer.id, param=METHOD)  # type: ignore[union-attr]
        return to_bank(bank, network_of(params), param=METHOD)
    if params[DATA]["type"] == "financial_account":
        id = within(params, "financial_account")
        return to_account_of_others(world, id, param=f"{DATA}[financial_account]")
    within(params, "us_bank_account")
    return to_bank(bank_accounts.described(world, params[DATA], param=DATA), network_of(params), param=DATA)


def require_one(params: dict[str, Any]) -> None:
    """400 for a destination that is named twice, or not at all."""
    if METHOD in params and DATA in params:
        raise exclusive(METHOD, DATA, blame=METHOD)
    if METHOD not in params and DATA not in params:
        raise missing(METHOD)


def within(params: dict[str, Any], name: str) -> Any:
    """What a destination without payment method says under the name of its type. 400 where it says nothing."""
    if name not in params[DATA]:
        raise missing(f"{DATA}[{name}]")
    return params[DATA][name]


def network_of(params: dict[str, Any]) -> str:
    """Over which network a bank account is to be paid."""
    options = params.get("destination_payment_method_options", {}).get("us_bank_account") or {}
    return options.get("network", "ach")


def check_route(world: World, source: FinancialAccount, destination: Destination, flow_type: str) -> None:
    """400 unless money may go from the one to the other: both open, able to, and not the same."""
    financial_accounts.require_open(source, param="financial_account")
    target, param = destination.account, destination.param
    feature = "intra_stripe_flows" if target else f"{flow_type}s.{destination.network}"
    features.require_flow(world, source, feature, OUTBOUND)
    if source.id == (target.id if target else account_at(world, destination)):
        raise invalid("Money cannot be transferred to the account that it comes from.", param=param)
    if target is not None:
        assert destination.owner is not None
        financial_accounts.require_open(target, param=param)
        features.require_flow(world.as_account(destination.owner), target, feature, INBOUND, param=param)


def lacks(address: dict[str, Any]) -> bool:
    """Whether something of an address is missing that a wire needs."""
    return not all(address.get(name) for name in WIRES_NEED)


def incomplete_for_wire() -> ApiError:
    """400 for a wire to somebody whose name or address is not wholly known."""
    return invalid(
        "A wire needs the name and the complete address of its recipient: line1, city, state, postal_code and country.",
        code="payment_method_billing_details_address_missing",
    )


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
