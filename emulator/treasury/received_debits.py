"""Received debits: money that someone outside took from a financial account.

Whether one succeeds is decided when it arrives and never changes. One that fails moves nothing. Card captures come as
debits too: these always succeed, and cash may go below zero.
Source: https://docs.stripe.com/api/treasury/received_debits
"""

from __future__ import annotations

from typing import Any, ClassVar

from emulator import chart_of_accounts as chart
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, ListParams, String
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import financial_accounts, flows, receipts
from emulator.treasury.access import onboarded
from emulator.treasury.activation import OUTBOUND
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.flows import FromBankParams, Notice


@record(
    "treasury.received_debit",
    prefix="rd",
    noun="received debit",
    filters=("financial_account", "status"),
    hidden=("other_side",),
    expands=("transaction",),
    silent=("linked_flows",),
)
class ReceivedDebit:
    """Money that was taken, or could not be. Amount in cents, positive."""

    sign: ClassVar[int] = -1
    flows: ClassVar[tuple[str, ...]] = (
        "debit_reversal",
        "inbound_transfer",
        "issuing_authorization",
        "issuing_transaction",
        "payout",
        "topup",
    )

    id: str
    created: int
    amount: int
    currency: str
    description: str
    failure_code: str | None
    financial_account: str
    initiating_payment_method_details: dict[str, Any]
    linked_flows: dict[str, str | None]
    network: str
    status: str
    transaction: str | None
    other_side: str | None = None

    @property
    def has_receipt(self) -> bool:
        """Whether money moved, so that there is something to show for it."""
        return self.status == "succeeded"

    def render(self, world: World) -> dict[str, Any]:
        """The debit, with what stands against undoing it."""
        return shown(
            self,
            hosted_regulatory_receipt_url=receipts.url(world, self.id) if self.has_receipt else None,
            reversal_details=reversal_details(self, world.now),
        )


def reversal_details(debit: ReceivedDebit, now: int) -> dict[str, Any] | None:
    """Until when a debit can be undone, and why it cannot (or None). Pure. None for one that failed.

    Source: https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/debit-reversals
    """
    if debit.status == "failed":
        return None
    is_return = debit.linked_flows["inbound_transfer"] is not None
    deadline, reason = None if is_return else flows.deadline(debit), None
    if debit.linked_flows["debit_reversal"] is not None:
        reason = "already_reversed"
    elif deadline is None:
        reason = "source_flow_restricted"
    elif now >= deadline:
        reason = "deadline_passed"
    return {"deadline": deadline, "restricted_reason": reason}


def failure(world: World, account: FinancialAccount, amount: int, network: str = "ach") -> str | None:
    """Why money cannot be taken, or None."""
    why = flows.failure(world, account, network, OUTBOUND)
    if why is None and amount > world.balance(chart.cash(account.id)):
        return "insufficient_funds"
    return why


def from_card_capture(world: World, financial_account: str, notice: Notice) -> ReceivedDebit:
    """A merchant collects a card payment from the account. The caller announces `treasury.received_debit.created`."""
    return flows.succeeded(world, ReceivedDebit, chart.capture_from_cash(financial_account, notice.amount), notice)


def from_bank(world: World, account: FinancialAccount, notice: Notice, why: str | None = None) -> ReceivedDebit:
    """A bank takes money from the address of an account, which lets it or does not. Announced either way.

    `why` is a reason of the bank's own not to take it.
    """
    why = why or failure(world, account, notice.amount, notice.network)
    if why is not None:
        return announced(world, flows.failed(world, ReceivedDebit, account, notice, why))
    movement = chart.receive_debit(account.id, notice.amount)
    return announced(world, flows.succeeded(world, ReceivedDebit, movement, notice))


def by_payout_reversal(world: World, account: FinancialAccount, notice: Notice) -> ReceivedDebit:
    """A payout to the account is reversed over the stripe network, or cannot be. Announced either way."""
    why = failure(world, account, notice.amount, notice.network)
    if why is not None:
        return announced(world, flows.failed(world, ReceivedDebit, account, notice, why))
    movement = chart.give_payout_back(account.id, notice.amount)
    return announced(world, flows.succeeded(world, ReceivedDebit, movement, notice))


def from_return(world: World, account: FinancialAccount, notice: Notice) -> ReceivedDebit:
    """A bank takes back what an inbound transfer had brought, whatever is left and restricted. Announced.

    From a closed account there is nothing to be had: the debit has failed.
    """
    if account.status == "closed":
        return announced(world, flows.failed(world, ReceivedDebit, account, notice, "account_closed"))
    movement = chart.return_collected(account.id, notice.amount)
    return announced(world, flows.succeeded(world, ReceivedDebit, movement, notice))


def announced(world: World, debit: ReceivedDebit) -> ReceivedDebit:
    """The same debit, told."""
    world.emit("treasury.received_debit.created", debit)
    return debit


class CreateParams(FromBankParams):
    """Money that a bank takes."""

    network = Enum(("ach",), required=True)


class ReceivedDebitListParams(ListParams):
    """Filters of the list."""

    financial_account = String(required=True)
    status = Enum(("failed", "succeeded"))


def simulate(world: World, params: dict[str, Any]) -> ReceivedDebit:
    """Let a bank take money from an account that has an address.

    The reply is a debit that failed where the cash is not there or the account does not let it out. 400 if there is
    no address to take it from.
    """
    account = financial_accounts.usable(world, params["financial_account"], currency=params["currency"])
    financial_accounts.require_address(account)
    return from_bank(world, account, flows.by_bank(params))


RECORDS = (ReceivedDebit,)
AUDIT = flows.audits(ReceivedDebit)
ROUTES = onboarded(
    [
        GET("/v1/treasury/received_debits", lists(ReceivedDebit, require=FinancialAccount), ReceivedDebitListParams),
        GET("/v1/treasury/received_debits/{id}", retrieves(ReceivedDebit)),
        POST("/v1/test_helpers/treasury/received_debits", simulate, CreateParams),
    ]
)
