"""Transaction entries: every movement of a financial account's money, as its statement shows them.

None is stored. A movement of the ledger whose id begins with `trxne_` is one, read with the rendering below: its kind
is the `type`, the flow that caused it the `flow`, and what it did to the account's books its `balance_impact`.
Source: https://docs.stripe.com/api/treasury/transaction_entries
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator import chart_of_accounts as chart
from emulator.kernel.conditions import Condition, Place
from emulator.kernel.errors import invalid
from emulator.kernel.ledger import Entry
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, ListParams, Range, String
from emulator.kernel.records import record
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, retrieves
from emulator.kernel.world import World
from emulator.treasury.access import onboarded
from emulator.treasury.financial_accounts import FinancialAccount

URL = "/v1/treasury/transaction_entries"
EMBEDDED_ENTRIES = 10
# The filters of the list, and what a movement calls them.
COLUMNS = {"financial_account": "owner", "transaction": "transaction_id"}


def include_flow(world: World, record: Any, rendered: dict[str, Any]) -> None:
    """Put the flow itself beside its id, under the name of its type; once is enough for several paths through it."""
    if "flow_details" not in rendered:
        rendered["flow_details"] = {"type": record.flow_type, record.flow_type: world.resolved(record.flow)}


@record(
    "treasury.transaction_entry",
    prefix="trxne",
    noun="transaction entry",
    is_stored=False,
    expands=("transaction",),
    includes={"flow_details": Include(include_flow)},
)
class TransactionEntry:
    """One movement on a financial account. Amounts in cents, signed."""

    id: str
    created: int
    balance_impact: dict[str, int]
    currency: str
    effective_at: int
    financial_account: str
    flow: str | None
    flow_type: str
    transaction: str | None
    type: str

    @classmethod
    def of(cls, entry: Entry) -> TransactionEntry:
        """A movement of the ledger as an entry."""
        return cls(
            id=entry.id,
            created=entry.created,
            balance_impact=impact(entry),
            currency="usd",
            effective_at=entry.effective_at,
            financial_account=entry.owner,
            flow=entry.flow,
            flow_type=entry.flow_type or "other",
            transaction=entry.transaction,
            type=entry.kind,
        )

    @classmethod
    def look_up(cls, world: World, id: str) -> tuple[str, TransactionEntry] | None:
        """The owning account and the entry of that id, or None."""
        entry = entry_of(world, id)
        return None if entry is None else (entry.account, cls.of(entry))

    @classmethod
    def look_through(cls, world: World, conditions: Sequence[Condition], **paging: Any) -> list[TransactionEntry]:
        """The entries that meet a list's conditions, in the order lists want."""
        translated = [one._replace(column=COLUMNS.get(one.column, one.column)) for one in conditions]
        return [cls.of(entry) for entry in world.ledger.entries(translated, **paging)]

    @classmethod
    def place_of(cls, world: World, id: str, key: str) -> Place | None:
        """Where an entry of the acting account stands, or None."""
        entry = entry_of(world, id)
        return Place(getattr(entry, key), entry.sequence) if entry and entry.account == world.account else None

    def render(self, world: World) -> dict[str, Any]:
        """The entry as the API shows it."""
        return shown(self)


def entry_of(world: World, id: str) -> Entry | None:
    """The movement behind an entry's id, whoever owns it, or None."""
    return world.entry(id) if id.startswith("trxne_") else None


def impact(entry: Entry) -> dict[str, int]:
    """What a movement did to the books of the financial account on whose statement it appears."""
    return {
        "cash": entry.impact(chart.cash(entry.owner)),
        "inbound_pending": 0,
        "outbound_pending": entry.impact(chart.outbound_pending(entry.owner)),
    }


def of_transaction(world: World, transaction: str, financial_account: str) -> dict[str, Any]:
    """The newest entries of a transaction as a list object that can be paged on at its `url`."""
    mine = [Condition("account", "eq", world.account), Condition("transaction", "eq", transaction)]
    found = world.select(TransactionEntry, mine, limit=EMBEDDED_ENTRIES + 1)
    return {
        "object": "list",
        "data": [world.render(entry) for entry in found[:EMBEDDED_ENTRIES]],
        "has_more": len(found) > EMBEDDED_ENTRIES,
        "url": f"{URL}?financial_account={financial_account}&transaction={transaction}",
    }


class TransactionEntryListParams(ListParams):
    """Filters of the list. A time range needs the order of the same name."""

    created = Range()
    effective_at = Range()
    financial_account = String(required=True)
    order_by = Enum(("created", "effective_at"))
    transaction = String()


def narrow(world: World, filters: dict[str, Any]) -> Sequence[Condition]:
    """Nothing more; 400 for a range of another time than the one that sorts."""
    for other in ("created", "effective_at"):
        if other in filters and other != filters.get("order_by", "created"):
            raise invalid(f"You can only filter by `{other}` when `order_by` is `{other}`.", param=other)
    return []


RECORDS = (TransactionEntry,)
ROUTES = onboarded(
    [
        GET(URL, lists(TransactionEntry, require=FinancialAccount, narrow=narrow), TransactionEntryListParams),
        GET(f"{URL}/{{id}}", retrieves(TransactionEntry)),
    ]
)
