"""Closing a financial account: what hinders it, and where its cash goes.

Cash leaves by an outbound transfer that is posted at once: over the stripe network to another financial account, over
ACH to a bank account. Then the account closes, for good.
Source: https://docs.stripe.com/treasury/account-management/financial-accounts
"""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator import chart_of_accounts as chart
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.params import Hash, Params
from emulator.kernel.records import replace
from emulator.kernel.routes import POST
from emulator.kernel.world import World
from emulator.treasury import bank_accounts, destinations, financial_accounts, outbound_transfers
from emulator.treasury.access import onboarded
from emulator.treasury.destinations import Destination
from emulator.treasury.financial_accounts import FinancialAccount, ForwardingSettings


class Hindrance(NamedTuple):
    """Something that keeps an account from closing while it has one of these statuses."""

    kind: str
    statuses: tuple[str, ...]
    says: str


HINDRANCES = (
    Hindrance("treasury.inbound_transfer", ("processing",), "it has an InboundTransfer that is still processing"),
    Hindrance("issuing.card", ("active", "inactive"), "a card attached to it is not canceled"),
    Hindrance("treasury.debit_reversal", ("processing",), "it has a DebitReversal that is still processing"),
    Hindrance("treasury.transaction", ("open",), "it has a Transaction that is still open"),
)


class CloseParams(Params):
    """How to close a financial account."""

    forwarding_settings = Hash(ForwardingSettings)


def close(world: World, params: dict[str, Any], id: str) -> FinancialAccount:
    """Close an account for good, sending away what is in it.

    400 naming what hinders it: a pending transfer, a card that is not canceled, a pending debit reversal, an open
    transaction, cash below zero, cash with no forwarding settings to send it to or that these cannot take.
    """
    account = world.get(FinancialAccount, id)
    if account.status == "closed":
        raise invalid(f"The financial account {id} is already closed.", code="status_transition_invalid")
    forwarding = params.get("forwarding_settings", account.forwarding_settings)
    if "forwarding_settings" in params:
        financial_accounts.check_forwarding(world, account, params["forwarding_settings"])
    for hindrance in HINDRANCES:
        if financial_accounts.still_there(world, account, hindrance.kind, hindrance.statuses):
            raise cannot_close(id, hindrance.says)
    cash = world.balance(chart.cash(id))
    if cash < 0:
        raise cannot_close(id, "its cash balance is negative")
    if cash > 0 and forwarding is None:
        raise cannot_close(id, "its balance is not zero and there are no forwarding settings")

    if cash > 0:
        forward(world, account, cash, forwarding)
    return financial_accounts.shut(world, replace(account, forwarding_settings=forwarding), "closed_by_platform")


def forward(world: World, account: FinancialAccount, cash: int, forwarding: dict[str, str]) -> None:
    """Send all cash to where the settings say. 400, and nothing has changed, where it cannot be taken."""
    financial_accounts.check_forwarding(world, account, forwarding)
    destination = target(world, forwarding)
    try:
        outbound_transfers.sweep(world, account, cash, destination)
    except ApiError as refusal:
        blamed = destination.param if refusal.param == destination.param else None
        raise cannot_close(account.id, f"its cash cannot be forwarded. {refusal.message}", blamed) from None


def target(world: World, forwarding: dict[str, str]) -> Destination:
    """Where the settings send money to."""
    name = forwarding["type"]
    param = f"forwarding_settings[{name}]"
    if name == "financial_account":
        return destinations.to_own_account(world, forwarding[name], param=param)
    return destinations.to_bank(bank_accounts.named(world, forwarding[name], param=param), "ach", param=param)


def cannot_close(id: str, why: str, param: str | None = None) -> ApiError:
    """400 for an account that something keeps open."""
    return invalid(f"The financial account {id} cannot be closed: {why.rstrip('.')}.", param=param)


ROUTES = onboarded([POST("/v1/treasury/financial_accounts/{financial_account}/close", close, CloseParams)])
