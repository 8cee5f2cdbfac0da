"""Balance transactions: every movement of an account's payments balance and Issuing balance, as Stripe lists them.

None is stored. A movement of the ledger whose id begins with `txn_` is one, read with the rendering below: its kind is
the `type`, the flow that caused it the `source`, and what it did to the balance its `net`.
Source: https://docs.stripe.com/api/balance_transactions and https://docs.stripe.com/reports/reporting-categories
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator import chart_of_accounts as chart
from emulator.balances.payouts import Payout
from emulator.kernel.conditions import Condition, Place
from emulator.kernel.errors import invalid
from emulator.kernel.ledger import Entry
from emulator.kernel.lists import lists
from emulator.kernel.params import Currency, ListParams, Range, String
from emulator.kernel.records import built, record
from emulator.kernel.routes import GET, retrieves
from emulator.kernel.world import World

# Types that accountants find under another name; every other type is its own category.
REPORTING_CATEGORIES = {
    "payment": "charge",
    "payment_refund": "refund",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
    "transfer_cancel": "transfer_reversal",
    "transfer_failure": "transfer_reversal",
    "transfer_refund": "transfer_reversal",
    "stripe_fee": "fee",
    "application_fee": "platform_earning",
    "application_fee_refund": "platform_earning_refund",
    "adjustment": "other_adjustment",
    "reserve_transaction": "connect_reserved_funds",
}
# The filters of the list, and where a movement keeps what they ask for.
COLUMNS = {"source": "flow", "type": "kind"}


@record("balance_transaction", prefix="txn", noun="balance transaction", is_stored=False, expands=("source",))
class BalanceTransaction:
    """One movement of an account's balance. Amounts in minor units of `currency`, signed; `net` is amount minus fee."""

    id: str
    created: int
    amount: int
    available_on: int
    balance_type: str
    currency: str
    description: str | None
    exchange_rate: float | None
    fee: int
    fee_details: list[dict[str, Any]]
    net: int
    source: str | None
    type: str

    @classmethod
    def of(cls, entry: Entry) -> BalanceTransaction:
        """A movement of the ledger as a balance transaction.

        The movement's details say which balance it belongs to (`balance_type`), its `currency` and `description`;
        `fee`, `fee_details`, `exchange_rate` and `available_on` are there when they are not nothing.
        """
        details = entry.details
        currency, fee = details["currency"], details.get("fee", 0)
        books = chart.balance_books(entry.account, details["balance_type"], currency)
        net = sum(entry.impact(book) for book in books)
        return built(
            cls,
            id=entry.id,
            created=entry.created,
            amount=net + fee,
            available_on=details.get("available_on", entry.created),
            balance_type=details["balance_type"],
            currency=currency,
            description=details["description"],
            exchange_rate=details.get("exchange_rate"),
            fee=fee,
            fee_details=details.get("fee_details", []),
            net=net,
            source=entry.flow,
            type=entry.kind,
        )

    @classmethod
    def look_up(cls, world: World, id: str) -> tuple[str, BalanceTransaction] | None:
        """The owning account and the balance transaction of that id, or None."""
        entry = world.entry(id) if id.startswith("txn_") else None
        return None if entry is None else (entry.account, cls.of(entry))

    @classmethod
    def look_through(cls, world: World, conditions: Sequence[Condition], **paging: Any) -> list[BalanceTransaction]:
        """The acting account's balance transactions that meet the list's conditions, in the order lists want."""
        translated = [
            condition._replace(column=COLUMNS.get(condition.column, condition.column)) for condition in conditions
        ]
        mine = Condition("owner", "eq", world.account)
        return [cls.of(entry) for entry in world.ledger.entries([mine, *translated], **paging)]

    @classmethod
    def place_of(cls, world: World, id: str, key: str) -> Place | None:
        """Where a balance transaction of the acting account stands, or None."""
        entry = world.entry(id) if id.startswith("txn_") else None
        return Place(entry.created, entry.sequence) if entry is not None and entry.account == world.account else None

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API, which has no `livemode`. It is pending until the clock reaches `available_on`; what is
        paid out has gone at once, as recorded replies show."""
        return {
            **self.__dict__,
            "object": self.object,
            "reporting_category": REPORTING_CATEGORIES.get(self.type, self.type),
            "status": "available" if self.type == "payout" or world.has_come(self.available_on) else "pending",
        }


def drawn(world: World, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Movements as balance transactions, for objects that embed those they caused."""
    return [world.render(BalanceTransaction.of(entry)) for entry in entries]


class BalanceTransactionListParams(ListParams):
    """Filters of the list. `available_on` is one of older contracts that clients still send, whatever their version."""

    available_on = Range()
    created = Range()
    currency = Currency()
    payout = String()
    source = String()
    type = String()


def narrow(world: World, params: dict[str, Any], *path: str) -> list[Condition]:
    """`payout` names an automatic payout and means what that one paid out, and itself. 400 for a manual one, which has
    no such list, and for one that is not there."""
    id = params.pop("payout", None)
    if id is None:
        return []
    payout = world.get(Payout, id, param="payout")
    if not payout.automatic:
        raise invalid("Balance transaction history can only be filtered on automatic transfers, not manual.")
    return [Condition("id", "in", [*payout.contains, payout.balance_transaction])]


RECORDS = (BalanceTransaction,)
ROUTES = [
    GET("/v1/balance_transactions", lists(BalanceTransaction, narrow=narrow), BalanceTransactionListParams),
    GET("/v1/balance_transactions/{id}", retrieves(BalanceTransaction)),
    # What the two were called before 2018; old clients still ask there.
    GET("/v1/balance/history", lists(BalanceTransaction, narrow=narrow), BalanceTransactionListParams),
    GET("/v1/balance/history/{id}", retrieves(BalanceTransaction)),
]
