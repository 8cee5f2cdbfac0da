"""The mechanics of money: movements of signed lines that sum to zero, and a running total for every book.

A movement is only ever added; undoing is moving back. Which books and movements there are is the chart of accounts'
affair. `owner` is whose statement the movement appears on: a financial account, or an account's balance.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from emulator.kernel.store import Condition, Place, clause, marks, table_of

AT_ONCE = 500  # movements whose lines are read with one statement
MOVEMENT_COLUMNS = "sequence, id, account, owner, kind, flow, flow_type, transaction_id, created, details"


class Line(NamedTuple):
    """A signed amount of one book, in minor units of the book's currency."""

    book: str
    amount: int


class Movement(NamedTuple):
    """A named way money moves. `owner` is the financial account or balance on whose statement it appears."""

    kind: str
    owner: str
    lines: tuple[Line, ...]
    prefix: str = "trxne"
    details: dict[str, Any] = {}  # noqa: RUF012  (never changed)


class Entry(NamedTuple):
    """A movement as it was written. `details` are what its statement shows besides the money."""

    sequence: int
    id: str
    account: str
    owner: str
    kind: str
    flow: str | None
    flow_type: str | None
    transaction: str | None
    created: int
    details: dict[str, Any]
    lines: tuple[Line, ...]

    @property
    def effective_at(self) -> int:
        """When it reaches the balance: at once, by our ruling."""
        return self.created

    def impact(self, book: str) -> int:
        """What this movement did to one book."""
        return sum(line.amount for line in self.lines if line.book == book)


def moving(kind: str, owner: str, source: str, target: str, amount: int, **details: Any) -> Movement:
    """The common movement: one amount from one book to another. A negative amount goes the other way."""
    return Movement(kind, owner, (Line(source, -amount), Line(target, amount)), details=details)


def column_of(name: str) -> str:
    """A condition's column as SQL: a member of the details when the name says so."""
    if name == "effective_at":
        return "created"
    if name == "available_on":
        return f"coalesce({column_of('details.available_on')}, created)"
    table, dot, member = name.partition(".")
    return f"json_extract(CAST(details AS TEXT), '$.{member}')" if dot and table == "details" else name


class Ledger:
    """Movements and totals behind one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def write(
        self,
        movement: Movement,
        *,
        id: str,
        account: str,
        flow: str | None,
        flow_type: str | None,
        transaction: str | None,
        now: int,
    ) -> Entry:
        """Add a movement and carry its lines into the totals."""
        assert sum(line.amount for line in movement.lines) == 0, f"{movement.kind} does not balance"
        cursor = self.connection.execute(
            "INSERT INTO movement (id, account, owner, kind, flow, flow_type, transaction_id, created, details) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                id,
                account,
                movement.owner,
                movement.kind,
                flow,
                flow_type,
                transaction,
                now,
                orjson.dumps(movement.details),
            ),
        )
        sequence = cursor.lastrowid
        assert sequence is not None
        self.connection.executemany(
            "INSERT INTO line (movement, book, amount) VALUES (?, ?, ?)",
            [(sequence, line.book, line.amount) for line in movement.lines],
        )
        self.connection.executemany(
            "INSERT INTO total (book, amount) VALUES (?, ?) "
            "ON CONFLICT (book) DO UPDATE SET amount = amount + excluded.amount",
            movement.lines,
        )
        return Entry(
            sequence,
            id,
            account,
            movement.owner,
            movement.kind,
            flow,
            flow_type,
            transaction,
            now,
            movement.details,
            movement.lines,
        )

    def totals(self, books: Sequence[str]) -> dict[str, int]:
        """What each of these books holds now, in minor units; 0 for one never used."""
        sql = f"SELECT book, amount FROM total WHERE book IN ({marks(books)})"
        return {**dict.fromkeys(books, 0), **dict(self.connection.execute(sql, books))}

    def books(self, beginning: str) -> dict[str, int]:
        """The totals of all books whose names begin so."""
        return dict(
            self.connection.execute(
                "SELECT book, amount FROM total WHERE book >= ? AND book < ? ORDER BY book",
                (beginning, beginning + "\uffff"),
            )
        )

    def entries_by_id(self, ids: Sequence[str]) -> dict[str, Entry | None]:
        """The movement of each id, or None."""
        found = self.entries([Condition("id", "in", ids)])
        return {**dict.fromkeys(ids), **{entry.id: entry for entry in found}}

    def entries_by_flow(self, owner: str, flows: Sequence[str]) -> dict[str, list[Entry]]:
        """For each flow the movements on one owner's statement that it caused, newest first."""
        caused: dict[str, list[Entry]] = {flow: [] for flow in flows}
        for entry in self.entries([Condition("flow", "in", flows), Condition("owner", "eq", owner)]):
            caused[str(entry.flow)].append(entry)
        return caused

    def entries(
        self,
        conditions: Sequence[Condition],
        *,
        key: str = "created",
        older_than: Place | None = None,
        newer_than: Place | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """Movements that meet all conditions, newest first; with `newer_than` the nearest newer ones, oldest first.

        A condition may also look into the details: its column is then `details.currency`, say.
        """
        where, values = clause([condition._replace(column=column_of(condition.column)) for condition in conditions])
        key, order = column_of(key), "DESC"
        if older_than is not None:
            where, values = f"{where} AND ({key}, sequence) < (?, ?)", [*values, *older_than]
        if newer_than is not None:
            where, values, order = f"{where} AND ({key}, sequence) > (?, ?)", [*values, *newer_than], "ASC"
        sql = f"SELECT {MOVEMENT_COLUMNS} FROM movement WHERE {where} ORDER BY {key} {order}, sequence {order}"
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        rows = self.connection.execute(sql, values).fetchall()
        lines: dict[int, list[Line]] = {row[0]: [] for row in rows}
        for first in range(0, len(rows), AT_ONCE):
            some = [row[0] for row in rows[first : first + AT_ONCE]]
            found = self.connection.execute(
                f"SELECT movement, book, amount FROM line WHERE movement IN ({marks(some)}) ORDER BY movement, book",
                some,
            )
            for movement, book, amount in found:
                lines[movement].append(Line(book, amount))
        return [Entry(*row[:9], orjson.loads(row[9]), tuple(lines[row[0]])) for row in rows]

    def moved(self, *books: str, **by: str) -> int:
        """What movements did to some books, added up: those of a `flow`, on the statement of an `owner`, or both."""
        conditions = [Condition("book", "in", books), *(Condition(name, "eq", by[name]) for name in by)]
        where, values = clause(conditions)
        sql = f"SELECT sum(amount) FROM line JOIN movement ON movement.sequence = line.movement WHERE {where}"
        return self.connection.execute(sql, values).fetchone()[0] or 0

    def orphans(self, record: type, column: str = "flow") -> Iterator[str]:
        """Movements that name a record of this kind which is gone, as sentences for the doctor."""
        gone = f"{column} LIKE ? ESCAPE '\\' AND {column} NOT IN (SELECT id FROM {table_of(record)})"
        sql = f"SELECT id, {column} FROM movement WHERE {gone} ORDER BY sequence"
        for id, named in self.connection.execute(sql, [f"{record.prefix}\\_%"]):  # type: ignore[attr-defined]
            yield f"{id} is of {named}, which is not there"

    def differing_totals(self) -> Iterator[tuple[str, int, int]]:
        """Books whose running total is not the sum of their lines: (book, total, sum)."""
        yield from self.connection.execute(
            "SELECT book, sum(kept), sum(summed) FROM ("
            "SELECT book, amount AS kept, 0 AS summed FROM total "
            "UNION ALL SELECT book, 0, amount FROM line) GROUP BY book HAVING sum(kept) != sum(summed)"
        )

    def unbalanced_movements(self) -> Iterator[tuple[str, int]]:
        """Movements whose lines do not sum to zero: (id, sum)."""
        yield from self.connection.execute(
            "SELECT movement.id, sum(line.amount) FROM movement JOIN line ON line.movement = movement.sequence "
            "GROUP BY movement.sequence HAVING sum(line.amount) != 0"
        )

    def faults(self) -> list[str]:
        """Movements of which something is gone, as sentences for the doctor. They are numbered without a gap."""
        checks = (
            (
                "SELECT DISTINCT movement FROM line WHERE movement NOT IN (SELECT sequence FROM movement)",
                "the lines of movement number {} have no movement",
            ),
            (
                "SELECT id FROM movement WHERE sequence NOT IN (SELECT movement FROM line)",
                "{} has no lines",
            ),
            (
                "SELECT sequence - 1 FROM movement WHERE sequence > 1 "
                "AND sequence - 1 NOT IN (SELECT sequence FROM movement)",
                "movement number {} is gone",
            ),
        )
        return [says.format(row[0]) for sql, says in checks for row in self.connection.execute(sql)]
