"""Received credits: money that someone outside sent to a financial account.

Whether one succeeds is decided when it arrives and never changes. One that fails moves nothing.
Source: https://docs.stripe.com/api/treasury/received_credits
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from emulator import chart_of_accounts as chart
from emulator.kernel.ledger import Movement
from emulator.kernel.lists import lists
from emulator.kernel.params import Amount, Currency, Enum, Hash, ListParams, Params, String
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.store import Condition
from emulator.kernel.world import World
from emulator.treasury import banking_days, features, financial_accounts, initiating, receipts, transactions
from emulator.treasury.access import onboarded
from emulator.treasury.activation import INBOUND
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.initiating import InitiatingParams

DEFAULT_DESCRIPTION = "Stripe Test"
NO_FLOWS = dict.fromkeys(
    ("credit_reversal", "issuing_authorization", "issuing_transaction", "source_flow", "source_flow_type")
)
DAYS_TO_REVERSE = 2
# Transfers between financial accounts can be sent back; what came from a payout or a card cannot.
REVERSIBLE_SOURCES = frozenset({"outbound_payment", "outbound_transfer"})


def include_source_flow(world: World, record: ReceivedCredit, rendered: dict[str, Any]) -> None:
    """Put the flow that the money came from beside its id; once is enough for several paths through it."""
    flows = rendered["linked_flows"]
    kind = flows["source_flow_type"]
    if "source_flow_details" not in flows:
        details = None if kind is None else {"type": kind, kind: world.resolved(flows["source_flow"])}
        flows["source_flow_details"] = details


@dataclass(frozen=True)
class ReceivedCredit:
    """Money that arrived, or failed to. Amount in cents."""

    object: ClassVar[str] = "treasury.received_credit"
    prefix: ClassVar[str] = "rc"
    noun: ClassVar[str] = "received credit"
    filters: ClassVar[tuple[str, ...]] = ("financial_account", "status", "source_flow_type")
    hidden: ClassVar[tuple[str, ...]] = ()
    expands: ClassVar[tuple[str, ...]] = ("transaction",)
    embeds: ClassVar[tuple[str, ...]] = ()
    includes: ClassVar[dict[str, Include]] = {"linked_flows.source_flow_details": Include(include_source_flow)}

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
    def source_flow_type(self) -> str | None:
        """What kind of flow the money came from, or None."""
        return self.linked_flows["source_flow_type"]

    @property
    def has_receipt(self) -> bool:
        """Whether money moved, so that there is something to show for it."""
        return self.status == "succeeded"

    def render(self, world: World) -> dict[str, Any]:
        """The credit, with what stands against sending it back."""
        return shown(
            self,
            hosted_regulatory_receipt_url=receipts.url(world, self.id) if self.has_receipt else None,
            reversal_details=reversal_details(self, world.now),
        )


def reversal_details(credit: ReceivedCredit, now: int) -> dict[str, Any] | None:
    """Until when a credit can be sent back, and why it cannot (or None). Pure. None for one that failed.

    Source: https://docs.stripe.com/treasury/moving-money/financial-accounts/into/credit-reversals
    """
    if credit.status == "failed":
        return None
    deadline = banking_days.midnight_after(credit.created, DAYS_TO_REVERSE) if credit.network == "ach" else None
    reason = None
    if credit.linked_flows["credit_reversal"] is not None:
        reason = "already_reversed"
    elif credit.network in ("us_domestic_wire", "rtp"):
        reason = "network_restricted"
    elif credit.network != "ach" and credit.source_flow_type not in REVERSIBLE_SOURCES:
        reason = "source_flow_restricted"
    elif deadline is not None and now >= deadline:
        reason = "deadline_passed"
    return {"deadline": deadline, "restricted_reason": reason}


def failure(world: World, account: FinancialAccount, network: str) -> str | None:
    """Why money from a bank cannot be credited, or None. Wires arrive even where inbound flows are restricted."""
    if financial_accounts.is_owner_rejected(world):
        return "account_frozen"
    if account.status == "closed":
        return "account_closed"
    flow = INBOUND if network == "ach" else None
    return None if features.allows(world, account, financial_accounts.ABA, flow) else "account_frozen"


def receive(
    world: World,
    movement: Movement,
    *,
    financial_account: str,
    amount: int,
    network: str,
    description: str,
    details: dict[str, Any],
    linked_flows: dict[str, str | None],
) -> ReceivedCredit:
    """Credit an account by a movement, with a posted transaction. Announces nothing: the caller does."""
    id = world.new_id(ReceivedCredit.prefix)
    transaction = transactions.begin(
        world,
        financial_account=financial_account,
        flow=id,
        flow_type="received_credit",
        amount=amount,
        description=initiating.statement_line(details, "Received credit", description),
    )
    transactions.carry(world, transaction.id, movement, status="posted")
    return world.put(
        ReceivedCredit(
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


def from_card_refund(
    world: World,
    *,
    financial_account: str,
    amount: int,
    card: str,
    authorization: str | None,
    transaction: str,
    description: str | None,
) -> ReceivedCredit:
    """A merchant refunds a card of the account, restricted or not. `transaction` is the Issuing transaction.

    A closed account forwards it, or the credit has failed. The caller announces `treasury.received_credit.created` and
    the event of its status.
    """
    account = financial_accounts.forwarded(world, world.get(FinancialAccount, financial_account))
    given = {
        "amount": amount,
        "network": "card",
        "description": description or "",
        "details": initiating.issuing_card(card),
        "linked_flows": {"issuing_authorization": authorization, "issuing_transaction": transaction},
    }
    if account.status == "closed":
        return refused(world, account, "account_closed", **given)
    return receive(world, chart.refund_to_cash(account.id, amount), financial_account=account.id, **given)


def refused(
    world: World,
    account: FinancialAccount,
    why: str,
    *,
    amount: int,
    network: str,
    description: str,
    details: dict[str, Any],
    linked_flows: dict[str, str | None],
) -> ReceivedCredit:
    """A credit that could not be made, kept as such. Nothing moves."""
    return world.put(
        ReceivedCredit(
            id=world.new_id(ReceivedCredit.prefix),
            created=world.now,
            amount=amount,
            currency="usd",
            description=description,
            failure_code=why,
            financial_account=account.id,
            initiating_payment_method_details=details,
            linked_flows={**NO_FLOWS, **linked_flows},
            network=network,
            status="failed",
            transaction=None,
        )
    )


class CreateParams(Params):
    """Money that a bank sends."""

    amount = Amount(required=True)
    currency = Currency(required=True)
    description = String()
    financial_account = String(required=True)
    initiating_payment_method_details = Hash(InitiatingParams)
    network = Enum(("ach", "rtp", "us_domestic_wire"), required=True)


class SourceFlow(Params):
    """The inner filter of the list."""

    source_flow_type = Enum(
        ("credit_reversal", "other", "outbound_payment", "outbound_transfer", "payout"), required=True
    )


class ReceivedCreditListParams(ListParams):
    """Filters of the list."""

    financial_account = String(required=True)
    linked_flows = Hash(SourceFlow)
    status = Enum(("failed", "succeeded"))


def narrow(world: World, params: dict[str, Any]) -> Sequence[Condition]:
    """The filter that stands inside a hash."""
    kind = params.pop("linked_flows", {}).get("source_flow_type")
    return [] if kind is None else [Condition("source_flow_type", "eq", kind)]


def simulate(world: World, params: dict[str, Any]) -> ReceivedCredit:
    """Let a bank send money to an account that has an address; to a closed one that forwards, its target gets it.

    The reply is a credit that failed where the account does not take it. 400 if there is no address to send to.
    """
    account = financial_accounts.usable(world, params["financial_account"], currency=params["currency"])
    account = financial_accounts.forwarded(world, account)
    features.require_address(account)
    details = initiating.bank_account(params.get("initiating_payment_method_details", {}).get("us_bank_account"))
    description = params.get("description", DEFAULT_DESCRIPTION)

    return from_bank(world, account, params["amount"], params["network"], description=description, details=details)


def from_bank(
    world: World, account: FinancialAccount, amount: int, network: str, *, description: str, details: dict[str, Any]
) -> ReceivedCredit:
    """A bank sends money to the address of an account, which takes it or does not. Announced either way."""
    why = failure(world, account, network)
    given = {
        "amount": amount,
        "network": network,
        "description": description,
        "details": details,
        "linked_flows": NO_FLOWS,
    }
    if why is not None:
        credit = refused(world, account, why, **given)
    else:
        credit = receive(world, chart.receive_credit(account.id, amount), financial_account=account.id, **given)
    return announced(world, credit)


def from_transfer(
    world: World, financial_account: str, amount: int, *, transfer: str, description: str, details: dict[str, Any]
) -> ReceivedCredit:
    """An outbound transfer of the same owner arrives over the stripe network. Announced."""
    credit = receive(
        world,
        chart.receive_transfer(financial_account, amount),
        financial_account=financial_account,
        amount=amount,
        network="stripe",
        description=description,
        details=details,
        linked_flows={"source_flow": transfer, "source_flow_type": "outbound_transfer"},
    )
    return announced(world, credit)


def announced(world: World, credit: ReceivedCredit) -> ReceivedCredit:
    """The same credit, told: that it is there, and how it ended."""
    world.emit("treasury.received_credit.created", credit)
    world.emit(f"treasury.received_credit.{credit.status}", credit)
    return credit


def audit(world: World) -> Iterator[str]:
    """Credits that their transaction does not agree with."""
    for account, credit in world.store.every(ReceivedCredit):
        status = "posted" if credit.status == "succeeded" else None
        yield from transactions.differing(world, account, credit, status=status, amount=credit.amount)


RECORDS = (ReceivedCredit,)
AUDIT = audit
ROUTES = onboarded(
    [
        GET(
            "/v1/treasury/received_credits",
            lists(ReceivedCredit, require=FinancialAccount, narrow=narrow),
            ReceivedCreditListParams,
        ),
        GET("/v1/treasury/received_credits/{id}", retrieves(ReceivedCredit)),
        POST("/v1/test_helpers/treasury/received_credits", simulate, CreateParams),
    ]
)
