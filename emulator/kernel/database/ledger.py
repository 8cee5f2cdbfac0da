"""Movements of money and a running total for every book, written in one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from emulator.kernel.conditions import Condition, Place
from emulator.kernel.database.face import Session
from emulator.kernel.database.queries import among, clause, paged
from emulator.kernel.database.tenant_row import Counters, gaps
from emulator.kernel.ledger import Entry, Line, Movement
from emulator.kernel.records import Kind

COLUMNS = "sequence, id, account, owner, kind, flow, flow_type, transaction_id, created, details"
WRITTEN = (*COLUMNS.split(", "), "currency", "available_on")
FILTERS = frozenset(
    ("sequence", "id", "account", "owner", "kind", "flow", "transaction_id", "created", "currency", "available_on")
)
TOTALS = "SELECT book, amount FROM total WHERE "
ANOTHER_NAME = {"effective_at": "created", "transaction": "transaction_id"}
MOST_AT_ONCE = 500
LAST = "\uffff"  # sorts behind every name of a book


class Ledger:
    """Movements and totals of a session."""

    def __init__(self, session: Session, counters: Counters) -> None:
        self.session = session
        self.counters = counters
        self.written: dict[str | None, list[Entry]] = {}  # what this session has added, by flow

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
        sequence = self.counters.next_movement()
        row = (sequence, id, account, movement.owner, movement.kind, flow, flow_type, transaction, now)
        details = movement.details
        filed = (orjson.dumps(details), details.get("currency"), details.get("available_on", now))
        self.session.many("movement", WRITTEN, [(*row, *filed)])
        lines = [(sequence, line.book, line.amount) for line in movement.lines]
        self.session.many("line", ("movement", "book", "amount"), lines)
        self.session.many("total", ("book", "amount"), movement.lines, sums=("amount",))
        as_read = orjson.loads(filed[0]), tuple(sorted(movement.lines))
        entry = Entry(sequence, id, account, movement.owner, movement.kind, flow, flow_type, transaction, now, *as_read)
        self.written.setdefault(flow, []).append(entry)
        return entry

    def written_of(self, owner: str, flow: str) -> list[Entry]:
        """The movements on one owner's statement that this session has written for a flow, newest first."""
        return [entry for entry in reversed(self.written.get(flow, ())) if entry.owner == owner]

    def totals(self, books: Sequence[str]) -> dict[str, int]:
        """What each of these books holds now, in minor units; 0 for one never used."""
        those, values = among("book", books)
        rows = self.session.all(TOTALS + those, **values)
        return {**dict.fromkeys(books, 0), **dict(rows)}

    def ahead(self, book: str) -> None:
        """What this book holds is likely to be asked for."""
        those, values = among("book", [book])
        self.session.ahead(TOTALS + those, **values)

    def books(self, beginning: str) -> dict[str, int]:
        """The totals of all books whose names begin so."""
        rows = self.session.all(
            "SELECT book, amount FROM total WHERE book >= :beginning AND book < :end ORDER BY book",
            beginning=beginning,
            end=beginning + LAST,
        )
        return dict(rows)

    def entries_by_id(self, ids: Sequence[str]) -> dict[str, Entry | None]:
        """The movement of each id, or None."""
        found = self.entries([Condition("id", "in", ids)])
        return {**dict.fromkeys(ids), **{entry.id: entry for entry in found}}

    def entries_by_flow(self, owner: str, flows: Sequence[str]) -> dict[str, list[Entry]]:
        """For each flow the movements on one owner's statement that it caused, newest first."""
        caused: dict[str, list[Entry]] = {flow: [] for flow in flows}
        mine = [Condition("flow", "in", flows), Condition("owner", "eq", owner)]
        for entry in self.entries(mine, grouped="flow"):
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
        grouped: str | None = None,
    ) -> list[Entry]:
        """Movements that meet all conditions, newest first; with `newer_than` the nearest newer ones, oldest first.

        Where a column has several values, `grouped` by it they are found by its index and not by walking through all
        movements.
        """
        where, values = clause(map(named, conditions), FILTERS)
        page, places = paged(column_of(key), older_than, newer_than, limit, grouped)
        rows = self.session.all(f"SELECT {COLUMNS} FROM movement WHERE {where} {page}", **values, **places)
        if len(rows) == 1:
            return [Entry(*rows[0][:9], orjson.loads(rows[0][9]), self.lines_of(rows[0][0]))]
        lines = self.lines([row[0] for row in rows])
        return [Entry(*row[:9], orjson.loads(row[9]), tuple(lines.get(row[0], ()))) for row in rows]

    def statement(
        self, book: str, owner: str, *, since: int | None, until: int | None, after: int | None, limit: int
    ) -> tuple[int, list[Entry]]:
        """What an owner's movements had left in a book before, and those that moved it since, oldest first.

        They are asked for by their times, `until` not included, and `after` one by its number.
        """
        bounds = {"since": ("created >= :since", since), "until": ("created < :until", until)}
        bounds["place"] = ("sequence > :place", after)
        given = {name: value for name, (_, value) in bounds.items() if value is not None}
        mine = "owner = :owner AND book = :book"
        where = " AND ".join([mine, *(bounds[name][0] for name in given)])
        begun = " OR ".join(f"NOT ({bounds[name][0]})" for name in given if name != "until") or "1 = 0"
        row = self.session.one(
            "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM movement JOIN line ON line.movement = "
            f"movement.sequence WHERE {mine} AND ({begun})",
            owner=owner,
            book=book,
            **{name: value for name, value in given.items() if name != "until"},
        )
        assert row is not None
        rows = self.session.all(
            f"SELECT {COLUMNS} FROM movement JOIN line ON line.movement = movement.sequence WHERE {where} "
            "ORDER BY sequence LIMIT :most",
            owner=owner,
            book=book,
            most=limit,
            **given,
        )
        lines = self.lines([one[0] for one in rows])
        return row[0], [Entry(*one[:9], orjson.loads(one[9]), tuple(lines.get(one[0], ()))) for one in rows]

    def lines_of(self, movement: int) -> tuple[Line, ...]:
        """The lines of one movement."""
        sql = "SELECT book, amount FROM line WHERE movement = :movement ORDER BY book"
        return tuple(Line(*row) for row in self.session.all(sql, movement=movement))

    def lines(self, movements: Sequence[int]) -> dict[int, list[Line]]:
        """The lines of some movements by their numbers."""
        found: dict[int, list[Line]] = {}
        for start in range(0, len(movements), MOST_AT_ONCE):
            numbers = {f"n{n}": number for n, number in enumerate(movements[start : start + MOST_AT_ONCE])}
            sql = f"SELECT movement, book, amount FROM line WHERE movement IN ({', '.join(f':{n}' for n in numbers)})"
            for movement, book, amount in self.session.all(f"{sql} ORDER BY movement, book", **numbers):
                found.setdefault(movement, []).append(Line(book, amount))
        return found

    def moved(self, *books: str, those: Sequence[Condition] = (), **by: str) -> int:
        """What movements did to some books, added up: those of a `flow`, on the statement of an `owner`, or both.

        `those` are conditions besides, such as a time since when.
        """
        conditions = [Condition("book", "in", books), *(Condition(name, "eq", by[name]) for name in by), *those]
        where, values = clause(conditions, FILTERS | {"book"})
        row = self.session.one(
            "SELECT CAST(sum(amount) AS BIGINT) FROM line JOIN movement ON movement.sequence = line.movement "
            f"WHERE {where}",
            **values,
        )
        return (row[0] if row else None) or 0

    def causes(self) -> dict[str, tuple[str, str | None, str | None, str | None]]:
        """Of every movement, by its id: whose statement it is on, its flow, transaction, and type of flow."""
        rows = self.session.all("SELECT id, owner, flow, transaction_id, flow_type FROM movement")
        return {id: (owner, flow, transaction, type) for id, owner, flow, transaction, type in rows}

    def orphans(self, record: Kind, column: str = "flow") -> Iterator[str]:
        """Movements that name a record of this kind which is gone, as sentences for the doctor."""
        for prefix in (record.prefix, *record.other_prefixes):
            ours = Condition(column, "like", f"{prefix}\\_%")
            where, values = clause([ours, Condition(column, "outside", record)], FILTERS)
            sql = f'SELECT id, "{column}" FROM movement WHERE {where} ORDER BY sequence'
            for id, named in self.session.all(sql, **values):
                yield f"{id} is of {named}, which is not there"

    def differing_totals(self) -> Iterator[tuple[str, int, int]]:
        """Books whose running total is not the sum of their lines: (book, total, sum)."""
        yield from self.session.all(  # type: ignore[misc]
            "SELECT book, CAST(sum(kept) AS BIGINT), CAST(sum(summed) AS BIGINT) FROM ("
            "SELECT book, amount AS kept, 0 AS summed FROM total "
            "UNION ALL SELECT book, 0, amount FROM line) AS together GROUP BY book HAVING sum(kept) <> sum(summed)"
        )

    def unbalanced_movements(self) -> Iterator[tuple[str, int]]:
        """Movements whose lines do not sum to zero: (id, sum)."""
        yield from self.session.all(  # type: ignore[misc]
            "SELECT movement.id, CAST(sum(line.amount) AS BIGINT) FROM movement "
            "JOIN line ON line.movement = movement.sequence "
            "GROUP BY movement.sequence, movement.id HAVING sum(line.amount) <> 0"
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
                "SELECT movement.id FROM movement JOIN movement AS before ON before.sequence = movement.sequence - 1 "
                "WHERE movement.created < before.created",
                "{} is of an earlier time than the movement before it",
            ),
        )
        filed = self.session.all("SELECT id, currency, details FROM movement")
        strange = [
            f"{id} is filed under the currency {currency}"
            for id, currency, details in filed
            if orjson.loads(details).get("currency") != currency
        ]
        numbers = gaps(self.session, "movement", self.counters.movements)
        gone = [f"movement number {number} is gone" for number in numbers]
        return [says.format(row[0]) for sql, says in checks for row in self.session.all(sql)] + strange + gone


def column_of(name: str) -> str:
    """A condition's column, which records that are read from movements may call otherwise."""
    return ANOTHER_NAME.get(name, name)


def named(condition: Condition) -> Condition:
    """A condition on the column of its name."""
    other = ANOTHER_NAME.get(condition.column)
    return condition if other is None else condition._replace(column=other)
