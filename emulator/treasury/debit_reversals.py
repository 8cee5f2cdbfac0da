"""Debit reversals: undoing a received debit.

    processing ── succeed ──▶ succeeded
        └─────── fail ──────▶ failed

A debit that came over ACH is undone on request and right afterwards. One that a card caused is undone by winning an
Issuing dispute: its reversal waits for the decision, and may give the money in advance meanwhile.
Source: https://docs.stripe.com/api/treasury/debit_reversals
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from emulator import chart_of_accounts as chart
from emulator import progress
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, ListParams, Metadata, Params, String, merged_metadata
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import financial_accounts, flows, initiating, receipts, received_debits, transactions
from emulator.treasury.access import onboarded
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.received_debits import ReceivedDebit
from emulator.treasury.transactions import Transaction

LIFECYCLE = Lifecycle(
    "processing", {"processing": {"succeed": "succeeded", "fail": "failed"}, "succeeded": {}, "failed": {}}
)
# The list's filters speak of older statuses than the object's: which of today's each of them means.
STATUSES_MEANT = {"processing": ["processing"], "completed": ["succeeded", "failed"], "canceled": []}
RESOLUTIONS_MEANT = {"won": ["succeeded"], "lost": ["failed"]}


@record(
    "treasury.debit_reversal",
    prefix="debrev",
    noun="debit reversal",
    filters=("financial_account", "received_debit", "status"),
    expands=("transaction",),
)
class DebitReversal:
    """A debit on its way back. Amount in cents."""

    id: str
    created: int
    amount: int
    currency: str
    financial_account: str
    linked_flows: dict[str, str | None]
    metadata: dict[str, str]
    network: str
    received_debit: str
    status: str
    status_transitions: dict[str, int | None]
    transaction: str

    def render(self, world: World) -> dict[str, Any]:
        """The reversal as the API shows it."""
        return shown(self, hosted_regulatory_receipt_url=receipts.url(world, self.id))


def start(
    world: World, debit: ReceivedDebit, *, amount: int, dispute: str | None, metadata: dict[str, str]
) -> DebitReversal:
    """Begin to undo a debit: an open transaction that has moved nothing yet."""
    id = world.new_id(DebitReversal.prefix)
    transaction = transactions.begin(
        world,
        financial_account=debit.financial_account,
        flow=id,
        flow_type="debit_reversal",
        amount=amount,
        description=initiating.statement_line(
            debit.initiating_payment_method_details, "Debit reversal", debit.description
        ),
    )
    flows.link(world, debit, debit_reversal=id)
    return world.put(
        DebitReversal(
            id=id,
            created=world.now,
            amount=amount,
            currency="usd",
            financial_account=debit.financial_account,
            linked_flows={"issuing_dispute": dispute},
            metadata=metadata,
            network=debit.network,
            received_debit=debit.id,
            status=LIFECYCLE.start,
            status_transitions={"completed_at": None},
            transaction=transaction.id,
        )
    )


def check_open(world: World, debit: ReceivedDebit, *, param: str | None) -> None:
    """400 for a debit whose financial account is closed: the money could not come back to it."""
    account = world.get(FinancialAccount, debit.financial_account, param=param)
    financial_accounts.require_open(account, param=param)


def give(world: World, reversal: DebitReversal, status: str | None) -> None:
    """Bring the money back; `status` ends the transaction."""
    movement = chart.reverse_debit(reversal.financial_account, reversal.amount, network=reversal.network)
    transactions.carry(world, reversal.transaction, movement, status=status)


def complete(world: World, reversal: DebitReversal, verb: str) -> DebitReversal:
    """Take the arrow to one of the ends."""
    return world.put(LIFECYCLE.follow(reversal, verb, status_transitions={"completed_at": world.now}))


def has_advance(transaction: Transaction) -> bool:
    """Whether the money was given before the decision."""
    return transaction.balance_impact["cash"] != 0


# Card disputes


def open_for_dispute(world: World, debit: ReceivedDebit, dispute_id: str, amount: int) -> DebitReversal:
    """A dispute over a card's debit was submitted: its reversal waits for the decision.

    The caller announces `treasury.debit_reversal.created`.
    """
    return start(world, debit, amount=amount, dispute=dispute_id, metadata={})


def advance_credit(world: World, id: str) -> DebitReversal:
    """Give the disputed money before the decision.

    The caller announces `treasury.debit_reversal.initial_credit_granted`.
    """
    reversal = world.get(DebitReversal, id)
    give(world, reversal, status=None)
    return reversal


def win(world: World, id: str) -> DebitReversal:
    """The dispute is won: the money comes back, unless it was given in advance. The caller announces `.completed`."""
    reversal = world.get(DebitReversal, id)
    transaction = world.get(Transaction, reversal.transaction)
    if has_advance(transaction):
        transactions.end(world, transaction, status="posted")
    else:
        give(world, reversal, status="posted")
    return complete(world, reversal, "succeed")


def lose(world: World, id: str) -> DebitReversal:
    """The dispute is lost: what was given in advance is taken back. The caller announces `.completed`."""
    reversal = world.get(DebitReversal, id)
    transaction = world.get(Transaction, reversal.transaction)
    if has_advance(transaction):
        movement = chart.take_back_advance(reversal.financial_account, reversal.amount)
        transactions.carry(world, transaction.id, movement, amount=0, status="void")
    else:
        transactions.end(world, transaction, amount=0, status="void")
    return complete(world, reversal, "fail")


# Debits over ACH


class CreateParams(Params):
    """Which debit to undo."""

    metadata = Metadata()
    received_debit = String(required=True)


class DebitReversalListParams(ListParams):
    """Filters of the list, in the words that Stripe still uses there."""

    financial_account = String(required=True)
    received_debit = String()
    resolution = Enum(("lost", "won"))
    status = Enum(("canceled", "completed", "processing"))


def narrow(world: World, params: dict[str, Any]) -> Sequence[Condition]:
    """The filters whose words are not the object's."""
    conditions = []
    for name, meaning in (("status", STATUSES_MEANT), ("resolution", RESOLUTIONS_MEANT)):
        if name in params:
            conditions.append(Condition("status", "in", meaning[params.pop(name)]))
    return conditions


def create(world: World, params: dict[str, Any]) -> DebitReversal:
    """Undo a debit that came over ACH. 400 for one that failed, was undone, or cannot be (any more)."""
    debit = world.get(ReceivedDebit, params["received_debit"], param="received_debit")
    details = received_debits.reversal_details(debit, world.now)
    reason = "it failed" if details is None else details["restricted_reason"]
    if reason is not None:
        raise invalid(f"This ReceivedDebit cannot be reversed: {reason}.", param="received_debit")
    check_open(world, debit, param="received_debit")

    reversal = start(world, debit, amount=debit.amount, dispute=None, metadata=merged_metadata({}, params))
    progress.at_once(world, "treasury.debit_reversals.succeed", reversal.id)
    world.emit("treasury.debit_reversal.created", reversal)
    return reversal


def succeed(world: World, id: str) -> None:
    """The bank has given the money back, and takes it from whoever had it."""
    reversal = given_back(world, world.get(DebitReversal, id))
    debit = world.get(ReceivedDebit, reversal.received_debit)
    if debit.other_side is not None:
        world.tell("treasury.received_debit.reversed", debit.other_side)


def by_bank(world: World, debit: ReceivedDebit) -> DebitReversal:
    """The bank gives back unasked what it took, because whoever had it has lost it again."""
    reversal = start(world, debit, amount=debit.amount, dispute=None, metadata={})
    world.emit("treasury.debit_reversal.created", reversal)
    return given_back(world, reversal)


def given_back(world: World, reversal: DebitReversal) -> DebitReversal:
    """The money comes back, and the reversal is complete."""
    give(world, reversal, status="posted")
    reversal = complete(world, reversal, "succeed")
    world.emit("treasury.debit_reversal.completed", reversal)
    return reversal


def audit(world: World) -> Iterator[str]:
    """Reversals that their transaction does not agree with."""
    for account, reversal in world.store.every(DebitReversal):
        status = {"processing": "open", "succeeded": "posted", "failed": "void"}.get(reversal.status)
        amount = 0 if status == "void" else reversal.amount
        yield from transactions.differing(world, account, reversal, status=status, amount=amount)


RECORDS = (DebitReversal,)
AUDIT = audit
DUE = {"treasury.debit_reversals.succeed": succeed}
TELLS = ("treasury.received_debit.reversed",)
ROUTES = onboarded(
    [
        GET(
            "/v1/treasury/debit_reversals",
            lists(DebitReversal, require=FinancialAccount, narrow=narrow),
            DebitReversalListParams,
        ),
        GET("/v1/treasury/debit_reversals/{debit_reversal}", retrieves(DebitReversal)),
        POST("/v1/treasury/debit_reversals", create, CreateParams),
    ]
)
