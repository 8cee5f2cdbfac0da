"""Statements that lists become: which way the database goes to find their rows."""

from __future__ import annotations

import sqlite3

from emulator.kernel.conditions import Condition
from emulator.kernel.database.queries import clause, paged
from emulator.kernel.database.schema import KERNEL_TABLES, table_for
from emulator.kernel.database.tables import made
from emulator.kernel.deliveries import UNACKNOWLEDGED
from emulator.kernel.events import Event


def way(*conditions: Condition) -> str:
    """How events that meet conditions are found, as SQLite tells it."""
    connection = sqlite3.connect(":memory:")
    for table in (table_for(Event), next(one for one in KERNEL_TABLES if one.name == "delivery")):
        for statement in made(table):
            connection.execute(statement)
    where, values = clause(conditions, frozenset(table_for(Event).columns))
    page, _ = paged("created", None, None, 20)
    sql = f"EXPLAIN QUERY PLAN SELECT data FROM event WHERE {where} {page}"
    return "\n".join(row[3] for row in connection.execute(sql, values))


MINE = (Condition("account", "eq", "acct_1"), Condition("created", "gt", 0))


def test_the_newest_of_an_account_are_found_in_their_order():
    assert "event_newest" in way(*MINE) and "TEMP B-TREE" not in way(*MINE)


def test_the_few_that_another_query_names_are_looked_up_and_no_others():
    told = way(*MINE, Condition("id", "within", UNACKNOWLEDGED))

    assert "delivery_unacknowledged" in told and "event_newest" not in told
    assert "(id=?)" in told
