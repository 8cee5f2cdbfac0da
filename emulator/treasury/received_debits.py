"""Received debits: money that someone outside took from a financial account.

Whether one succeeds is decided when it arrives and never changes. One that fails moves nothing. Card captures come as
debits too: these always succeed, and cash may go below zero.
Source: https://docs.stripe.com/api/treasury/received_debits
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from emulator import chart_of_accounts as chart
from emulator.kernel.ledger import Movement
from emulator.kernel.lists import lists
from emulator.kernel.params import Amount, Currency, Enum, Hash, ListParams, Params, String
from emulator.kernel.records import replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import banking_days, features, financial_accounts, initiating, receipts, transactions
from emulator.treasury.access import onboarded
from emulator.treasury.activation import OUTBOUND
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.initiating import InitiatingParams

DEFAULT_DESCRIPTION = "Stripe Test"
NO_FLOWS = dict.fromkeys(
    ("debit_reversal", "inbound_transfer", "issuing_authorization", "issuing_transaction", "payout", "topup")
)
DAYS_TO_REVERSE = 2


@dataclass(frozen=True)
class ReceivedDebit:
    """Money that was taken, or could not be. Amount in cents, positive."""

    object: ClassVar[str] = "treasury.received_debit"
    prefix: ClassVar[str] = "rd"
    noun: ClassVar[str] = "received debit"
    filters: ClassVar[tuple[str, ...]] = ("financial_account", "status")
    hidden: ClassVar[tuple[str, ...]] = ()
    expands: ClassVar[tuple[str, ...]] = ("transaction",)
    embeds: ClassVar[tuple[str, ...]] = ()
    includes: ClassVar[dict[str, Include]] = {}

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
    deadline = banking_days.midnight_after(debit.created, DAYS_TO_REVERSE) if debit.network == "ach" else None
    reason = None
    if debit.linked_flows["debit_reversal"] is not None:
        reason = "already_reversed"
    elif deadline is None:
        reason = "source_flow_restricted"
    elif now >= deadline:
        reason = "deadline_passed"
    return {"deadline": deadline, "restricted_reason": reason}


def failure(world: World, account: FinancialAccount, amount: int) -> str | None:
    """Why a bank cannot take money, or None."""
    if financial_accounts.is_owner_rejected(world):
        return "account_frozen"
    if account.status == "closed":
        return "account_closed"
    if not features.allows(world, account, financial_accounts.ABA, OUTBOUND):
        return "account_frozen"
    if amount > world.balance(chart.cash(account.id)):
        return "insufficient_funds"
    return None


def take(
    world: World,
    movement: Movement,
    *,
    financial_account: str,
    amount: int,
    network: str,
    description: str,
    details: dict[str, Any],
    linked_flows: dict[str, str | None],
) -> ReceivedDebit:
    """Debit an account by a movement, with a posted transaction. Announces nothing: the caller does."""
    id = world.new_id(ReceivedDebit.prefix)
    transaction = transactions.begin(
        world,
        financial_account=financial_account,
        flow=id,
        flow_type="received_debit",
        amount=-amount,
        description=initiating.statement_line(details, "Received debit", description),
    )
    transactions.carry(world, transaction.id, movement, status="posted")
    return world.put(
        ReceivedDebit(
            id=id,
            created=world.now,
            amount=amount,
            currency="usd",
            description=description,
            failure_code=None,
            financial_account=financial_account,
            initiating_payment_method_details=details,
            linked_flows={**NO_FLOWS, **linked_flows},
            network=network,
            status="succeeded",
            transaction=transaction.id,
        )
    )


def from_card_capture(
    world: World,
    *,
    financial_account: str,
    amount: int,
    card: str,
    authorization: str | None,
    transaction: str,
    description: str | None,
) -> ReceivedDebit:
    """A merchant collects a card payment from the account. `transaction` is the Issuing transaction.

    The caller announces `treasury.received_debit.created`.
    """
    return take(
        world,
        chart.capture_from_cash(financial_account, amount),
        financial_account=financial_account,
        amount=amount,
        network="card",
        description=description or "",
        details=initiating.issuing_card(card),
        linked_flows={"issuing_authorization": authorization, "issuing_transaction": transaction},
    )


def link_reversal(world: World, debit: ReceivedDebit, reversal: str) -> ReceivedDebit:
    """Remember which reversal undoes a debit."""
    return world.put(replace(debit, linked_flows={**debit.linked_flows, "debit_reversal": reversal}))


def refused(
    world: World, account: FinancialAccount, why: str, *, amount: int, network: str, description: str, details: Any
) -> ReceivedDebit:
    """A debit that could not be made, kept as such. Nothing moves."""
    return world.put(
        ReceivedDebit(
            id=world.new_id(ReceivedDebit.prefix),
            created=world.now,
            amount=amount,
            currency="usd",
            description=description,
            failure_code=why,
            financial_account=account.id,
            initiating_payment_method_details=details,
            linked_flows=NO_FLOWS,
            network=network,
            status="failed",
            transaction=None,
        )
    )


class CreateParams(Params):
    """Money that a bank takes."""

    amount = Amount(required=True)
    currency = Currency(required=True)
    description = String()
    financial_account = String(required=True)
    initiating_payment_method_details = Hash(InitiatingParams)
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
    features.require_address(account)
    network, amount = params["network"], params["amount"]
    description = params.get("description", DEFAULT_DESCRIPTION)
    details = initiating.bank_account(params.get("initiating_payment_method_details", {}).get("us_bank_account"))
    why = failure(world, account, amount)

    given = {"amount": amount, "network": network, "description": description, "details": details}
    if why is not None:
        debit = refused(world, account, why, **given)
    else:
        movement = chart.receive_debit(account.id, amount)
        debit = take(world, movement, financial_account=account.id, linked_flows={}, **given)
    world.emit("treasury.received_debit.created", debit)
    return debit


def audit(world: World) -> Iterator[str]:
    """Debits that their transaction does not agree with."""
    for account, debit in world.store.every(ReceivedDebit):
        status = "posted" if debit.status == "succeeded" else None
        yield from transactions.differing(world, account, debit, status=status, amount=-debit.amount)


RECORDS = (ReceivedDebit,)
AUDIT = audit
ROUTES = onboarded(
    [
        GET("/v1/treasury/received_debits", lists(ReceivedDebit, require=FinancialAccount), ReceivedDebitListParams),
        GET("/v1/treasury/received_debits/{id}", retrieves(ReceivedDebit)),
        POST("/v1/test_helpers/treasury/received_debits", simulate, CreateParams),
    ]
)
