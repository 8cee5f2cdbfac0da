"""Worlds of a PostgreSQL database as files, and back: an exported world is the same file wherever it comes from."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import orjson

from emulator.kernel.database.face import NoWorld, Session
from emulator.kernel.database.migrations import migrate
from emulator.kernel.database.schema import SCHEMA_VERSION, Schema, Table, quoted
from emulator.kernel.database.sqlite import (
    BYTES_OF_A_PAGE,
    FORMATS,
    NEVER,
    WRITE_AHEAD,
    SqliteSession,
    check_that_ours,
)

if TYPE_CHECKING:
    from emulator.kernel.database.postgres.session import PostgresSession

AS_IT_IS = b"\1\1"  # in place of WRITE_AHEAD
VERSIONS = "record_version"  # each side says it itself


def every_row(table: Table) -> str:
    """The query for all rows of a table, in the order of its key."""
    columns = ", ".join(map(quoted, table.columns))
    order = f" ORDER BY {', '.join(map(quoted, table.key))}" if table.key else ""
    return f"SELECT {columns} FROM {table.name}{order}"


def written(session: PostgresSession, schema: Schema, change: Callable[[Session], None]) -> bytes:
    """The content of the file of a world."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        file.execute(f"PRAGMA page_size = {BYTES_OF_A_PAGE}")
        file.execute("BEGIN")
        copy = SqliteSession(file.cursor(), schema, {}, NEVER)
        for table in schema.tables.values():
            rows = session.all(every_row(table)) if table.name != VERSIONS else []
            if rows:
                copy.many(table.name, tuple(table.columns), rows)
        change(copy)
        file.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        file.execute("COMMIT")
        return file.serialize()


@contextmanager
def opened(content: bytes, schema: Schema) -> Iterator[sqlite3.Connection]:
    """A world in a file, brought up to date. Nothing of it is believed before SQLite has looked through it. NoWorld."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        try:
            file.deserialize(in_memory(content))
            file.executescript("PRAGMA trusted_schema = OFF;")
            check_that_ours(file, schema)
            migrate(file, schema)
        except (sqlite3.Error, MemoryError, orjson.JSONDecodeError) as failure:  # the second for nothing at all
            raise NoWorld(" ".join(str(failure).split())) from failure
        yield file


def in_memory(content: bytes) -> bytes:
    """The same with nothing written ahead of it, as what is only in memory cannot have."""
    is_ahead = content[FORMATS : FORMATS + len(WRITE_AHEAD)] == WRITE_AHEAD
    return content[:FORMATS] + AS_IT_IS + content[FORMATS + len(AS_IT_IS) :] if is_ahead else content


def copied(file: sqlite3.Connection, session: PostgresSession, schema: Schema) -> None:
    """Write what a file has into a world that is empty."""
    there = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in schema.tables.values():
        if table.name in there and table.name != VERSIONS:
            session.many(table.name, tuple(table.columns), file.execute(every_row(table)).fetchall())
