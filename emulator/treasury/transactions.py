"""Treasury transactions: one row per flow that touches a financial account's money, and what it has done to it so far.

    open ── post ──▶ posted      money has really entered or left
      └──── void ──▶ void        it never did

A transaction is a running total of its entries, kept in the step that adds an entry; the doctor adds them up again.
Which movement ends one is the flow's affair: a transaction may rest at zero before it ends.
Source: https://docs.stripe.com/api/treasury/transactions
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid
from emulator.kernel.ledger import Movement
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, Hash, ListParams, Params, Range, String
from emulator.kernel.records import record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, retrieves
from emulator.kernel.world import World
from emulator.treasury import transaction_entries
from emulator.treasury.access import onboarded
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.transaction_entries import include_flow

NOTHING = {"cash": 0, "inbound_pending": 0, "outbound_pending": 0}
ENDINGS = {"posted": "posted_at", "void": "void_at"}


def include_entries(world: World, record: Transaction, rendered: dict[str, Any]) -> None:
    """Put the newest entries into a transaction; once is enough where several paths go through them."""
    if "entries" not in rendered:
        rendered["entries"] = transaction_entries.of_transaction(world, record.id, record.financial_account)


@record(
    "treasury.transaction",
    prefix="trxn",
    noun="treasury transaction",
    filters=("financial_account", "status", "flow", "posted_at"),
    includes={
        "entries": Include(include_entries, "not lists"),
        "flow_details": Include(include_flow),
    },
)
class Transaction:
    """What one flow does to a financial account. Amounts in cents, signed: money that leaves is negative."""

    id: str
    created: int
    amount: int
    balance_impact: dict[str, int]
    currency: str
    description: str
    financial_account: str
    flow: str | None
    flow_type: str
    status: str
    status_transitions: dict[str, int | None]

    @property
    def posted_at(self) -> int | None:
        """When it was posted, or None."""
        return self.status_transitions["posted_at"]

    def render(self, world: World) -> dict[str, Any]:
        """The transaction as the API shows it."""
        return shown(self)


def begin(
    world: World, *, financial_account: str, flow: str, flow_type: str, amount: int, description: str
) -> Transaction:
    """Open the transaction of a flow. `amount` is how much it is expected to change the account, in cents, signed."""
    return world.put(
        Transaction(
            id=world.new_id("trxn"),
            created=world.now,
            amount=amount,
            balance_impact=NOTHING,
            currency="usd",
            description=description,
            financial_account=financial_account,
            flow=flow,
            flow_type=flow_type,
            status="open",
            status_transitions={"posted_at": None, "void_at": None},
        )
    )


def carry(
    world: World, transaction_id: str, movement: Movement, *, amount: int | None = None, status: str | None = None
) -> Transaction:
    """Move money as an entry of an open transaction and add it to what the transaction shows.

    `amount` replaces its amount; `status` (`posted` or `void`) ends it.
    """
    transaction = world.get(Transaction, transaction_id)
    assert transaction.status == "open", f"{transaction_id} is {transaction.status}: it takes no more entries"
    assert movement.owner == transaction.financial_account, f"{movement.kind} is not about {transaction_id}'s account"
    entry = world.move(movement, because=transaction.flow, flow_type=transaction.flow_type, transaction=transaction_id)
    added = transaction_entries.impact(entry)
    total = {name: transaction.balance_impact[name] + added[name] for name in NOTHING}
    return end(world, replace(transaction, balance_impact=total), amount=amount, status=status)


def end(world: World, transaction: Transaction, *, amount: int | None = None, status: str | None = None) -> Transaction:
    """Save a transaction with another amount or its final status, no money moving."""
    if amount is not None:
        transaction = replace(transaction, amount=amount)
    if status is not None:
        times = {**transaction.status_transitions, ENDINGS[status]: world.now}
        transaction = replace(transaction, status=status, status_transitions=times)
    return world.put(transaction)


class PostedAt(Params):
    """The inner filter of the list."""

    posted_at = Range()


class TransactionListParams(ListParams):
    """Filters of the list. `flow` is documented in the guides though not in the API reference."""

    created = Range()
    financial_account = String(required=True)
    order_by = Enum(("created", "posted_at"))
    status = Enum(("open", "posted", "void"))
    status_transitions = Hash(PostedAt)
    flow = String()


def narrow(world: World, filters: dict[str, Any]) -> Sequence[Condition]:
    """The range that stands inside a hash.

    400 for it, and for `order_by=posted_at`, without the other and `status=posted`: only posted ones have that time.
    """
    key = filters.get("order_by")
    posted_at = filters.pop("status_transitions", {}).get("posted_at")
    if posted_at is not None and key != "posted_at":
        raise invalid(
            "You can only filter by `status_transitions[posted_at]` when `order_by` is `posted_at`.",
            param="status_transitions[posted_at]",
        )
    if key == "posted_at" and filters.get("status") != "posted":
        raise invalid("You can only order by `posted_at` when `status` is `posted`.", param="order_by")
    return [Condition("posted_at", bound, limit) for bound, limit in (posted_at or {}).items()]


def audit(world: World) -> Iterator[str]:
    """Transactions that do not show the sum of their entries, or an amount their status does not allow; flows,
    accounts and transactions that are gone.
    """
    for account, transaction in world.store.every(Transaction):
        total = dict(NOTHING)
        whose = (account, transaction.financial_account, transaction.flow, transaction.flow_type)
        for entry in world.ledger.entries([Condition("transaction_id", "eq", transaction.id)]):
            total = {name: total[name] + amount for name, amount in transaction_entries.impact(entry).items()}
            if (entry.account, entry.owner, entry.flow, entry.flow_type) != whose:
                yield f"{transaction.id} has the entry {entry.id}, which is of another flow or account"
        kind = world.catalog.prefixes.get(str(transaction.flow).partition("_")[0])
        for needed, id in ((FinancialAccount, transaction.financial_account), (kind, transaction.flow)):
            if needed is None or world.as_account(account).find(needed, id) is None:
                yield f"{transaction.id} is of {id}, which is not there"
        if total != transaction.balance_impact:
            yield f"{transaction.id} shows {transaction.balance_impact}, its entries sum to {total}"
        if transaction.status == "void" and (transaction.amount or total != NOTHING):
            yield f"{transaction.id} is void, but its amount is {transaction.amount} and its entries sum to {total}"
        if transaction.status == "posted" and total != {**NOTHING, "cash": transaction.amount}:
            yield f"{transaction.id} is posted over {transaction.amount}, its entries sum to {total}"
        expects = transaction.flow_type == "debit_reversal" and total == NOTHING  # the one that opens before its money
        if transaction.status == "open" and transaction.amount != total["cash"] and not expects:
            yield f"{transaction.id} is open over {transaction.amount}, its entries sum to {total}"
    yield from world.ledger.orphans(Transaction, "transaction_id")


def differing(world: World, account: str, flow: Any, *, status: str | None, amount: int) -> Iterator[str]:
    """For the doctor: a flow whose transaction is not in the status, or over the amount, that follows from the flow.

    Without a status the flow should have none.
    """
    transaction = world.as_account(account).find(Transaction, flow.transaction)
    says = transaction and (transaction.flow, transaction.financial_account, transaction.status, transaction.amount)
    due = None if status is None else (flow.id, flow.financial_account, status, amount)
    if says != due or (due is None and flow.transaction is not None):
        yield f"{flow.id} is {flow.status} over {flow.amount}, which its transaction {flow.transaction} contradicts"


RECORDS = (Transaction,)
AUDIT = audit
ROUTES = onboarded(
    [
        GET(
            "/v1/treasury/transactions",
            lists(Transaction, require=FinancialAccount, narrow=narrow),
            TransactionListParams,
        ),
        GET("/v1/treasury/transactions/{id}", retrieves(Transaction)),
    ]
)
