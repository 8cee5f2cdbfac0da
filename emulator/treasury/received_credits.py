"""Received credits: money that someone outside sent to a financial account.

Whether one succeeds is decided when it arrives and never changes. One that fails moves nothing.
Source: https://docs.stripe.com/api/treasury/received_credits
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from emulator import chart_of_accounts as chart
from emulator.kernel.conditions import Condition
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, Hash, ListParams, Params, String
from emulator.kernel.records import record
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import financial_accounts, flows, receipts
from emulator.treasury.access import onboarded
from emulator.treasury.activation import INBOUND
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.flows import FromBankParams, Notice

# Of what comes over the stripe network only payments can be sent back.
REVERSIBLE_SOURCE = "outbound_payment"


def include_source_flow(world: World, record: ReceivedCredit, rendered: dict[str, Any]) -> None:
    """Put the flow that the money came from beside its id, as its own owner sees it, whoever of the tenant that is.

    Once is enough for several paths through it.
    """
    linked = rendered["linked_flows"]
    kind = linked["source_flow_type"]
    if "source_flow_details" not in linked:
        sender = flows.at_the_other_side(world, record) if kind else None
        shown = {kind: world.as_account(sender[0]).render(sender[1])} if sender else {}
        linked["source_flow_details"] = {"type": kind, **shown} if kind else None


@record(
    "treasury.received_credit",
    prefix="rc",
    noun="received credit",
    filters=("financial_account", "status", "source_flow_type"),
    hidden=("other_side",),
    expands=("transaction",),
    silent=("linked_flows",),
    includes={"linked_flows.source_flow_details": Include(include_source_flow)},
)
class ReceivedCredit:
    """Money that arrived, or failed to. Amount in cents."""

    sign: ClassVar[int] = 1
    flows: ClassVar[tuple[str, ...]] = (
        "credit_reversal",
        "issuing_authorization",
        "issuing_transaction",
        "source_flow",
        "source_flow_type",
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
    deadline, reason = flows.deadline(credit), None
    if credit.linked_flows["credit_reversal"] is not None:
        reason = "already_reversed"
    elif credit.network in ("us_domestic_wire", "rtp"):
        reason = "network_restricted"
    elif credit.network != "ach" and credit.source_flow_type != REVERSIBLE_SOURCE:
        reason = "source_flow_restricted"
    elif deadline is not None and now >= deadline:
        reason = "deadline_passed"
    return {"deadline": deadline, "restricted_reason": reason}


def failure(world: World, account: FinancialAccount, network: str) -> str | None:
    """Why money cannot be credited, or None. Wires arrive even where inbound flows are restricted."""
    return flows.failure(world, account, network, INBOUND if network in ("ach", "stripe") else None)


def from_card_refund(world: World, financial_account: str, notice: Notice) -> ReceivedCredit:
    """A merchant refunds a card of the account, restricted or not.

    A closed account forwards it, or the credit has failed. The caller announces `treasury.received_credit.created` and
    the event of its status.
    """
    account = financial_accounts.forwarded(world, world.get(FinancialAccount, financial_account))
    if account.status == "closed":
        return flows.failed(world, ReceivedCredit, account, notice, "account_closed")
    return flows.succeeded(world, ReceivedCredit, chart.refund_to_cash(account.id, notice.amount), notice)


class CreateParams(FromBankParams):
    """Money that a bank sends."""

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
    financial_accounts.require_address(account)

    return from_bank(world, account, flows.by_bank(params))


def from_bank(world: World, account: FinancialAccount, notice: Notice, why: str | None = None) -> ReceivedCredit:
    """A bank sends money to the address of an account, which takes it or does not. Announced either way.

    `why` is a reason of the bank's own not to bring it.
    """
    why = why or failure(world, account, notice.network)
    if why is not None:
        return announced(world, flows.failed(world, ReceivedCredit, account, notice, why))
    movement = chart.receive_credit(account.id, notice.amount)
    return announced(world, flows.succeeded(world, ReceivedCredit, movement, notice))


def within_stripe(world: World, financial_account: str, notice: Notice) -> ReceivedCredit:
    """Money of another financial account arrives over the stripe network. Announced."""
    movement = chart.receive_within_stripe(financial_account, notice.amount)
    return announced(world, flows.succeeded(world, ReceivedCredit, movement, notice))


def by_payout(world: World, financial_account: str, notice: Notice) -> ReceivedCredit:
    """A payout of the owner's balance arrives over the stripe network. Announced."""
    return announced(
        world, flows.succeeded(world, ReceivedCredit, chart.receive_payout(financial_account, notice.amount), notice)
    )


def announced(world: World, credit: ReceivedCredit) -> ReceivedCredit:
    """The same credit, told: that it is there, and how it ended."""
    world.emit("treasury.received_credit.created", credit)
    world.emit(f"treasury.received_credit.{credit.status}", credit)
    return credit


RECORDS = (ReceivedCredit,)
AUDIT = flows.audits(ReceivedCredit)
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
