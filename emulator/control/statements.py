"""The statement of a financial account: what it held before, every entry with what it held after, oldest first.

    GET /_emulator/treasury/financial_accounts/{financial_account}/statement

What it held before is what it holds now less everything that has moved since, so that a statement adds up or shows that
it does not.
"""

from __future__ import annotations

from typing import Any

from emulator import chart_of_accounts as chart
from emulator.kernel.conditions import Condition, Place
from emulator.kernel.dates import DAY
from emulator.kernel.errors import no_such
from emulator.kernel.lists import LARGEST_PAGE
from emulator.kernel.params import Integer, Params, String, Timestamp
from emulator.kernel.routes import GET
from emulator.kernel.world import World
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.transaction_entries import TransactionEntry
from emulator.treasury.transactions import Transaction

BOOKS = {"cash": chart.cash, "outbound_pending": chart.outbound_pending}


class StatementParams(Params):
    """Of which time, the world's day until now unless it is said; so many entries, those behind `starting_after`."""

    limit = Integer(minimum=1, maximum=LARGEST_PAGE)
    since = Timestamp()
    starting_after = String()
    until = Timestamp()


def statement(world: World, params: dict[str, Any], financial_account: str) -> dict[str, Any]:
    """Entries of some time with the balance before and after each, in cents. 400 for an entry that is not its own."""
    account = world.get(FinancialAccount, financial_account)
    since = params.get("since", world.now - world.now % DAY)
    until, limit = params.get("until", since + DAY), params.get("limit", LARGEST_PAGE)
    place = place_of(world, account.id, params, since)
    conditions = [Condition("owner", "eq", account.id), Condition("created", "lt", until)]
    found = world.ledger.entries(conditions, newer_than=place, limit=limit + 1)
    entries = [TransactionEntry.of(entry) for entry in found[:limit]]
    behind = [Condition("created", "gte", since), Condition("sequence", "gt", place.sequence)]
    if "starting_after" not in params:
        behind = behind[:1]
    held = {}
    for name, book in BOOKS.items():
        moved = world.ledger.moved(book(account.id), those=behind, owner=account.id)
        held[name] = world.balance(book(account.id)) - moved
    opening = dict(held)
    data = []
    for entry in entries:
        for name in held:
            held[name] += entry.balance_impact[name]
        row = world.find(Transaction, entry.transaction)
        description = row.description if row is not None else None
        data.append({**world.render(entry), "balance": dict(held), "description": description})
    return {
        "object": "emulator.statement",
        "closing": held,
        "currency": "usd",
        "data": data,
        "financial_account": account.id,
        "has_more": len(found) > limit,
        "opening": opening,
        "since": since,
        "until": until,
    }


def place_of(world: World, account: str, params: dict[str, Any], since: int) -> Place:
    """Behind which entry the statement begins: the last before its time, or the one that is named."""
    id = params.get("starting_after")
    if id is None:
        return Place(since - 1, 2**62)
    entry = world.entry(id) if id.startswith("trxne_") else None
    if entry is None or entry.owner != account:
        raise no_such(TransactionEntry.noun, id, param="starting_after", status=400)
    return Place(entry.created, entry.sequence)


ROUTES = [GET("/_emulator/treasury/financial_accounts/{financial_account}/statement", statement, StatementParams)]
