"""Sessions on PostgreSQL: what is written is gathered, and leaves with the next question or with the commit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from emulator.kernel.database.postgres.failures import told
from emulator.kernel.database.postgres.line import Answer, Line
from emulator.kernel.database.postgres.statements import insert_sql, statement, sum_sql, upsert_sql
from emulator.kernel.database.schema import Schema

AT_ONCE = 1


class PostgresSession:
    """A session on one connection; `wakes_at` is what it says of the next look, None where none is needed."""

    line: Line
    schema: Schema
    place: str
    wakes_at: int | None = None
    has_written = False
    revision: object = None
    foreseen: dict[tuple[str, tuple[Any, ...]], Answer]  # what was asked ahead, by the query and its values

    def one(self, sql: str, **values: Any) -> tuple[Any, ...] | None:
        """The first row that a query gives, or None."""
        rows = self.all(sql, **values)
        return rows[0] if rows else None

    def all(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Every row that a query gives."""
        stated = statement(sql)
        given = tuple([values[name] for name in stated.names])
        answer = self.foreseen.pop((sql, given), None) if self.foreseen else None
        return self.line.rows(answer or self.line.ask(stated.sql, given))

    def ahead(self, sql: str, **values: Any) -> None:
        """Have a query answered together with the next one, for who may come to ask it; a change makes it void."""
        stated = statement(sql)
        given = tuple([values[name] for name in stated.names])
        if (sql, given) not in self.foreseen:
            self.foreseen[sql, given] = self.line.ask(stated.sql, given)

    def run(self, sql: str, **values: Any) -> None:
        """Change rows; nobody waits until that is done."""
        stated = statement(sql)
        self.write(stated.sql, [values[name] for name in stated.names])

    def changed(self, sql: str, **values: Any) -> int:
        """Change rows; how many were."""
        self.run(sql, **values)
        return self.line.changed()

    def add(self, table: str, **row: Any) -> None:
        """A new row."""
        self.write(insert_sql(table, tuple(row), table in self.schema.numbered), row.values())

    def many(
        self, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], *, sums: tuple[str, ...] = ()
    ) -> None:
        """New rows of these columns, or more in the sums of those that have the keys already."""
        is_numbered = table in self.schema.numbered
        sql = sum_sql(table, columns, sums, is_numbered) if sums else insert_sql(table, columns, is_numbered)
        for row in rows:
            self.write(sql, row)

    def put(self, table: str, keys: tuple[str, ...], *, keep: tuple[str, ...] = (), **row: Any) -> None:
        """A new row, or the values of the one that has these keys already, but for those it keeps."""
        self.write(upsert_sql(table, keys, keep, tuple(row), table in self.schema.numbered), row.values())

    def write(self, sql: bytes, values: Iterable[Any]) -> None:
        """Send a statement that changes rows: what was foreseen may be otherwise afterwards."""
        self.has_written = True
        if self.foreseen:
            self.foreseen.clear()
        self.line.send(sql, values)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What may fail without ending the session. At its end all that was written in it is known to hold."""
        wakes_at = self.wakes_at
        self.line.send(b"SAVEPOINT attempt")
        try:
            yield
            self.line.arrived()
        except BaseException as failure:
            self.line.recover()
            self.line.send(b"ROLLBACK TO SAVEPOINT attempt")
            self.line.send(b"RELEASE SAVEPOINT attempt")
            self.wakes_at = wakes_at
            self.foreseen.clear()
            raise_told(failure, self.place)
            raise
        self.line.send(b"RELEASE SAVEPOINT attempt")

    def clear(self) -> None:
        """Forget everything."""
        self.write(b"SELECT empty_world()", ())
        self.rest_until(math.inf)
        self.note_versions()

    def note_versions(self) -> None:
        """Have a world without a record say in which versions its records will be."""
        for name, kind in self.schema.records.items():
            if kind.version > 1:
                self.put("record_version", ("name",), name=name, version=kind.version)

    def wake_by(self, at: float) -> None:
        """This world needs a look at that moment, if not before."""
        if at != math.inf and (self.wakes_at is None or at < self.wakes_at):
            self.wakes_at = max(AT_ONCE, math.floor(at))

    def rest_until(self, at: float) -> None:
        """This world needs no look before that moment."""
        self.wakes_at = None if at == math.inf else max(AT_ONCE, math.floor(at))

    def check(self) -> None:
        """PostgreSQL looks after its own files; what it finds wrong with them it says to whoever reads there."""


def raise_told(failure: BaseException | None, place: str) -> None:
    """Raise what a failure says of what is stored, if it says anything of it."""
    if failure is not None:
        meaning = told(failure, place)
        if meaning is not failure:
            raise meaning from failure
