"""Credit reversals: sending a received credit back to whoever it came from.

    processing ── post ──▶ posted

The money is held at once, and has left right after the reply. What another financial account of this tenant had sent
comes back to it as the return of that flow.
Source: https://docs.stripe.com/api/treasury/credit_reversals and
https://docs.stripe.com/treasury/moving-money/financial-accounts/into/credit-reversals
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator import chart_of_accounts as chart
from emulator import progress
from emulator.kernel.errors import invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, ListParams, Metadata, Params, String, merged_metadata
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import (
    financial_accounts,
    flows,
    initiating,
    outbound_flows,
    receipts,
    received_credits,
    transactions,
)
from emulator.treasury.access import onboarded
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.outbound_flows import check_cash
from emulator.treasury.received_credits import ReceivedCredit

LIFECYCLE = Lifecycle("processing", {"processing": {"post": "posted"}, "posted": {}})
# Why a flow has come back whose money was sent back.
SENT_BACK = "declined"


@record(
    "treasury.credit_reversal",
    prefix="credrev",
    noun="credit reversal",
    filters=("financial_account", "received_credit", "status"),
    expands=("transaction",),
)
class CreditReversal:
    """A credit on its way back. Amount in cents."""

    id: str
    created: int
    amount: int
    currency: str
    financial_account: str
    metadata: dict[str, str]
    network: str
    received_credit: str
    status_transitions: dict[str, int | None]
    transaction: str
    status: str = LIFECYCLE.start

    def render(self, world: World) -> dict[str, Any]:
        """The reversal as the API shows it."""
        return shown(self, hosted_regulatory_receipt_url=receipts.url(world, self.id))


class CreateParams(Params):
    """Which credit to send back."""

    metadata = Metadata()
    received_credit = String(required=True)


class CreditReversalListParams(ListParams):
    """Filters of the list."""

    financial_account = String(required=True)
    received_credit = String()
    status = Enum(("canceled", "posted", "processing"))


def create(world: World, params: dict[str, Any]) -> CreditReversal:
    """Send a credit back, the whole of it.

    400 for one that failed, was sent back, or cannot be (any more); where its financial account, or the one that it
    came from, has closed; and for more than the cash that is there.
    """
    param = "received_credit"
    credit = world.get(ReceivedCredit, params[param], param=param)
    details = received_credits.reversal_details(credit, world.now)
    reason = "it failed" if details is None else details["restricted_reason"]
    if reason is not None:
        raise invalid(f"This ReceivedCredit cannot be reversed: {reason}.", param=param)
    account = world.get(FinancialAccount, credit.financial_account, param=param)
    financial_accounts.require_open(account, param=param)
    require_sender_open(world, credit, param=param)
    check_cash(world, account, credit.amount)

    id = world.new_id(CreditReversal.prefix)
    transaction = transactions.begin(
        world,
        financial_account=account.id,
        flow=id,
        flow_type="credit_reversal",
        amount=-credit.amount,
        description=initiating.statement_line(
            credit.initiating_payment_method_details, "Credit reversal", credit.description
        ),
    )
    transactions.carry(world, transaction.id, chart.hold_for_reversal(account.id, credit.amount))
    flows.link(world, credit, credit_reversal=id)
    reversal = world.put(
        CreditReversal(
            id=id,
            created=world.now,
            amount=credit.amount,
            currency="usd",
            financial_account=account.id,
            metadata=merged_metadata({}, params),
            network=credit.network,
            received_credit=credit.id,
            status_transitions={"posted_at": None},
            transaction=transaction.id,
        )
    )
    world.emit("treasury.credit_reversal.created", reversal)
    progress.at_once(world, "treasury.credit_reversals.post", id)
    return reversal


def require_sender_open(world: World, credit: ReceivedCredit, *, param: str) -> None:
    """400 `account_closed` for a credit from a financial account of this tenant that can take nothing any more."""
    sender = flows.at_the_other_side(world, credit)
    if sender is None:
        return
    owner, flow = sender
    account = world.as_account(owner).get(FinancialAccount, flow.financial_account)
    if account.status == "closed" or not world.may_act(owner):
        raise financial_accounts.is_closed(account, param=param)


def post(world: World, id: str) -> None:
    """The money has left; where it came from another financial account of this tenant, it is back there."""
    reversal = world.get(CreditReversal, id)
    movement = chart.post_reversal(reversal.financial_account, reversal.amount, network=reversal.network)
    transactions.carry(world, reversal.transaction, movement, status="posted")
    posted = world.put(LIFECYCLE.follow(reversal, "post", status_transitions={"posted_at": world.now}))
    world.emit("treasury.credit_reversal.posted", posted)
    sender = flows.at_the_other_side(world, world.get(ReceivedCredit, reversal.received_credit))
    if sender is not None:
        owner, flow = sender
        outbound_flows.come_back(world.as_account(owner), flow.id, SENT_BACK)


def audit(world: World) -> Iterator[str]:
    """Reversals that their transaction or their credit does not agree with."""
    for account, reversal in world.store.every(CreditReversal):
        status = "posted" if reversal.status == "posted" else "open"
        yield from transactions.differing(world, account, reversal, status=status, amount=-reversal.amount)
        credit = world.as_account(account).find(ReceivedCredit, reversal.received_credit)
        says = credit and (credit.linked_flows["credit_reversal"], credit.amount, credit.financial_account)
        if says != (reversal.id, reversal.amount, reversal.financial_account):
            yield f"{reversal.id} sends {reversal.amount} back, its credit says {says}"


RECORDS = (CreditReversal,)
DUE = {"treasury.credit_reversals.post": post}
AUDIT = audit
ROUTES = onboarded(
    [
        GET(
            "/v1/treasury/credit_reversals",
            lists(CreditReversal, require=FinancialAccount),
            CreditReversalListParams,
        ),
        GET("/v1/treasury/credit_reversals/{credit_reversal}", retrieves(CreditReversal)),
        POST("/v1/treasury/credit_reversals", create, CreateParams),
    ]
)
