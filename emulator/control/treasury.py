"""Money that comes to a financial account, or is taken from it, in ways and for reasons that no public call leads to.

The test helpers know banks only, and fail a credit or a debit only for what the account itself is the reason of. Here
the other side can be Stripe or a payments balance, and any published reason can be the one.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import invalid
from emulator.kernel.params import Enum, Hash, Params
from emulator.kernel.routes import POST
from emulator.kernel.world import World
from emulator.treasury import financial_accounts, initiating, received_credits, received_debits
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.flows import DEFAULT_DESCRIPTION, FromBankParams, Notice
from emulator.treasury.initiating import BankAccountParams
from emulator.treasury.received_credits import ReceivedCredit
from emulator.treasury.received_debits import ReceivedDebit

# Who can be at the other end of a network. Cards and other financial accounts come by purchases and transfers.
INITIATING = {
    "ach": ("us_bank_account", "balance"),
    "rtp": ("us_bank_account",),
    "us_domestic_wire": ("us_bank_account",),
    "stripe": ("balance", "stripe"),
}
CREDIT_FAILURES = ("account_closed", "account_frozen", "international_transaction", "other")
DEBIT_FAILURES = ("account_closed", "account_frozen", "insufficient_funds", "international_transaction", "other")


class OtherSideParams(Params):
    """Who is at the other end: a bank account, a payments balance or Stripe."""

    type = Enum(("balance", "stripe", "us_bank_account"), required=True)
    us_bank_account = Hash(BankAccountParams)


class CreditParams(FromBankParams):
    """Money that arrives, or fails to for a reason."""

    failure_code = Enum(CREDIT_FAILURES)
    initiating_payment_method_details = Hash(OtherSideParams)
    network = Enum(tuple(INITIATING), required=True)


class DebitParams(FromBankParams):
    """Money that is taken, or cannot be for a reason."""

    failure_code = Enum(DEBIT_FAILURES)
    initiating_payment_method_details = Hash(OtherSideParams)
    network = Enum(("ach", "stripe"), required=True)


def receive(world: World, params: dict[str, Any]) -> ReceivedCredit:
    """Let money arrive over any network, from a bank, a payments balance or Stripe, or fail to for any reason.

    Without `failure_code` the account decides, as for the test helper. 400 for an other side that a network has not.
    """
    account = financial_accounts.forwarded(world, addressed(world, params))
    notice = noticed(world, params)
    if notice.network == "stripe":
        notice = notice._replace(linked_flows={"source_flow_type": "other"})
    return received_credits.from_bank(world, account, notice, params.get("failure_code"))


def take(world: World, params: dict[str, Any]) -> ReceivedDebit:
    """Let money be taken by a bank, a payments balance or Stripe, or not for any reason.

    Without `failure_code` the account decides, as for the test helper. 400 for an other side that a network has not.
    """
    account = addressed(world, params)
    return received_debits.from_bank(world, account, noticed(world, params), params.get("failure_code"))


def addressed(world: World, params: dict[str, Any]) -> FinancialAccount:
    """The account that money is sent to or taken from. 400 for one that banks cannot address."""
    account = financial_accounts.usable(world, params["financial_account"], currency=params["currency"])
    if params["network"] != "stripe":
        financial_accounts.require_address(account)
    return account


def noticed(world: World, params: dict[str, Any]) -> Notice:
    """What the other side says. 400 for one that is not at that network."""
    network = params["network"]
    sent = params.get("initiating_payment_method_details", {"type": INITIATING[network][0]})
    if sent["type"] not in INITIATING[network]:
        raise invalid(
            f"Over the network {network} money comes from {' or '.join(INITIATING[network])}.",
            param="initiating_payment_method_details[type]",
        )
    details = {
        "us_bank_account": lambda: initiating.bank_account(sent.get("us_bank_account")),
        "balance": lambda: initiating.payments_balance(financial_accounts.holder_name(world)),
        "stripe": initiating.stripe,
    }[sent["type"]]()
    return Notice(params["amount"], network, params.get("description", DEFAULT_DESCRIPTION), details)


ROUTES = [
    POST("/_emulator/treasury/received_credits", receive, CreditParams),
    POST("/_emulator/treasury/received_debits", take, DebitParams),
]
