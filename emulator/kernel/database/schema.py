"""Every table, as data: the kernel's own on this page, and one for each class of records.

Columns are declared in words that SQLite takes as they are and PostgreSQL has its own for (`INTEGER` is a `bigint`
there, `BLOB` a `bytea`). A table whose key is `sequence` is in the order of creation: movements, deliveries and events
are counted in the world's row (`tenant_row.Counters`); elsewhere the database numbers the rows, and nobody asks how. A
table is made with its first row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import NamedTuple

from emulator.kernel.records import Kind

SCHEMA_VERSION = 6
NUMBERED = ("sequence",)  # the key of what is in the order of creation
TYPES = {"bool": "INTEGER", "float": "REAL", "int": "INTEGER", "str": "TEXT"}


class Index(NamedTuple):
    """An index; `where` leaves rows out of it."""

    name: str
    columns: str
    where: str = ""


class Table(NamedTuple):
    """A table: each column with its type, the primary key (empty where there is one row), what else is unique."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()


KERNEL_TABLES = (
    Table(
        "tenant",
        {
            "name": "TEXT NOT NULL",
            "generator": "BLOB NOT NULL",
            "draws": "INTEGER NOT NULL",
            "platform": "TEXT NOT NULL",
            "clock_offset": "INTEGER NOT NULL",
            "frozen_at": "INTEGER",
            "last_now": "INTEGER NOT NULL",
            "generation": "INTEGER NOT NULL",
            "faults": "INTEGER NOT NULL",
            "subscribers": "INTEGER NOT NULL",
            "movements": "INTEGER NOT NULL",
            "deliveries": "INTEGER NOT NULL",
            "events": "INTEGER NOT NULL",
            "next_due_at": "INTEGER",
            "created": "INTEGER",
            "settings": "BLOB NOT NULL",
        },
    ),
    Table("acting_account", {"id": "TEXT NOT NULL", "is_open": "INTEGER NOT NULL"}, ("id",)),
    Table("record_version", {"name": "TEXT NOT NULL", "version": "INTEGER NOT NULL"}, ("name",)),
    Table(
        "movement",
        {
            "sequence": "INTEGER NOT NULL",
            "id": "TEXT NOT NULL",
            "account": "TEXT NOT NULL",
            "owner": "TEXT NOT NULL",
            "kind": "TEXT NOT NULL",
            "flow": "TEXT",
            "flow_type": "TEXT",
            "transaction_id": "TEXT",
            "created": "INTEGER NOT NULL",
            "currency": "TEXT",
            "available_on": "INTEGER NOT NULL",
            "details": "BLOB NOT NULL",
        },
        ("sequence",),
        ("id",),
        (
            Index("movement_by_owner", "owner, created, sequence"),
            Index("movement_by_flow", "flow, owner, created, sequence"),
            Index("movement_by_transaction", "transaction_id, created, sequence", "transaction_id IS NOT NULL"),
        ),
    ),
    Table(
        "line",
        {"movement": "INTEGER NOT NULL", "book": "TEXT NOT NULL", "amount": "INTEGER NOT NULL"},
        ("movement", "book"),
    ),
    Table("total", {"book": "TEXT NOT NULL", "amount": "INTEGER NOT NULL"}, ("book",)),
    Table(
        "tally",
        {"scope": "TEXT NOT NULL", "period": "TEXT NOT NULL", "part": "TEXT NOT NULL", "amount": "INTEGER NOT NULL"},
        ("scope", "period", "part"),
    ),
    Table(
        "due",
        {
            "sequence": "INTEGER NOT NULL",
            "due_at": "INTEGER NOT NULL",
            "account": "TEXT NOT NULL",
            "action": "TEXT NOT NULL",
            "about": "TEXT NOT NULL",
            "details": "BLOB NOT NULL",
            "failure": "TEXT",
        },
        ("sequence",),
        (),
        (Index("due_next", "due_at, sequence", "failure IS NULL"), Index("due_about", "about")),
    ),
    Table(
        "clock_move",
        {
            "sequence": "INTEGER NOT NULL",
            "kind": "TEXT NOT NULL",
            "moved_at": "INTEGER NOT NULL",
            "before": "INTEGER NOT NULL",
            "after": "INTEGER NOT NULL",
            "frozen": "INTEGER NOT NULL",
            "deliveries": "INTEGER NOT NULL",
            "done": "BLOB NOT NULL",
            "failed": "INTEGER NOT NULL",
        },
        ("sequence",),
    ),
    Table(
        "copied",
        {
            "name": "TEXT NOT NULL",
            "about": "TEXT NOT NULL",
            "copied_at": "INTEGER NOT NULL",
            "now": "INTEGER NOT NULL",
        },
    ),
    Table(
        "idempotent_reply",
        {
            "account": "TEXT NOT NULL",
            "key": "TEXT NOT NULL",
            "path": "TEXT NOT NULL",
            "fingerprint": "BLOB NOT NULL",
            "request_id": "TEXT NOT NULL",
            "created": "INTEGER NOT NULL",
            "status": "INTEGER",
            "body": "BLOB",
        },
        ("account", "key"),
        (),
        (Index("idempotent_reply_age", "created"),),
    ),
    Table(
        "subscriber",
        {
            "sequence": "INTEGER NOT NULL",
            "id": "TEXT NOT NULL",
            "kind": "TEXT NOT NULL",
            "account": "TEXT NOT NULL",
            "hears": "TEXT NOT NULL",
            "enabled": "INTEGER NOT NULL",
            "answers": "INTEGER NOT NULL",
            "retries": "INTEGER NOT NULL",
            "url": "TEXT NOT NULL",
            "api_version": "TEXT",
            "secrets": "BLOB NOT NULL",
        },
        ("sequence",),
        ("id",),
    ),
    Table("wanted", {"type": "TEXT NOT NULL", "subscriber": "TEXT NOT NULL"}, ("type", "subscriber")),
    Table("clinic", {"scope": "TEXT NOT NULL", "data": "BLOB NOT NULL"}, ("scope",)),
    Table(
        "delivery",
        {
            "sequence": "INTEGER NOT NULL",
            "event": "TEXT NOT NULL",
            "account": "TEXT NOT NULL",
            "type": "TEXT NOT NULL",
            "subscriber": "TEXT NOT NULL",
            "reason": "TEXT NOT NULL",
            "state": "TEXT NOT NULL",
            "lane": "INTEGER NOT NULL",
            "created": "INTEGER NOT NULL",
            "due_at": "INTEGER NOT NULL",
            "attempts": "INTEGER NOT NULL",
            "acknowledged": "INTEGER NOT NULL",
            "held": "INTEGER NOT NULL",
            "troubles": "BLOB",
        },
        ("sequence",),
        (),
        (
            Index("delivery_by_event", "event"),
            Index("delivery_waiting", "subscriber, lane, due_at, sequence", "state = 'waiting'"),
            Index("delivery_unacknowledged", "event", "acknowledged = 0"),
        ),
    ),
    Table(
        "attempt",
        {
            "sequence": "INTEGER NOT NULL",
            "delivery": "INTEGER NOT NULL",
            "number": "INTEGER NOT NULL",
            "created": "INTEGER NOT NULL",
            "began_ms": "INTEGER NOT NULL",
            "duration_ms": "INTEGER NOT NULL",
            "status": "INTEGER",
            "headers": "BLOB NOT NULL",
            "body": "BLOB NOT NULL",
            "error": "TEXT",
            "troubles": "BLOB",
            "calls": "BLOB",
            "signature": "TEXT",
        },
        ("sequence",),
        (),
        (Index("attempt_by_delivery", "delivery"),),
    ),
    Table(
        "ask",
        {
            "event": "TEXT NOT NULL",
            "delivery": "INTEGER NOT NULL",
            "account": "TEXT NOT NULL",
            "type": "TEXT NOT NULL",
            "about": "TEXT NOT NULL",
            "subscriber": "TEXT NOT NULL",
            "created": "INTEGER NOT NULL",
            "asked_at_ms": "INTEGER NOT NULL",
            "timeout_ms": "INTEGER NOT NULL",
            "decided": "INTEGER NOT NULL",
            "finished": "INTEGER NOT NULL",
            "outcome": "TEXT",
            "duration_ms": "INTEGER",
            "request_id": "TEXT",
            "idempotency_key": "TEXT",
            "path": "TEXT",
            "fingerprint": "BLOB",
            "expand": "BLOB",
            "version": "TEXT",
        },
        ("event",),
        (),
        (
            Index("ask_open", "about", "decided = 0"),
            Index("ask_unfinished", "asked_at_ms", "finished = 0"),
            Index("ask_newest", "delivery"),
        ),
    ),
    Table(
        "fault",
        {
            "sequence": "INTEGER NOT NULL",
            "kind": "TEXT NOT NULL",
            "method": "TEXT",
            "path": "TEXT",
            "remaining": "INTEGER NOT NULL",
            "should_retry": "INTEGER",
            "rate_limited_reason": "TEXT",
            "milliseconds": "INTEGER",
            "jitter_milliseconds": "INTEGER",
            "probability": "INTEGER",
            "met": "INTEGER NOT NULL DEFAULT 0",
            "carried_out": "INTEGER",
        },
        ("sequence",),
    ),
)


class Schema:
    """The tables of one program: the kernel's, and those of the records that it stores."""

    def __init__(self, records: Iterable[Kind]) -> None:
        self.records = {kind.table: kind for kind in records if kind.has_table}
        own = {table.name: table for table in KERNEL_TABLES}
        assert not own.keys() & self.records.keys(), f"a record is called {own.keys() & self.records.keys()}"
        self.tables: dict[str, Table] = {**own, **{name: table_for(kind) for name, kind in self.records.items()}}
        self.numbered = frozenset(name for name, table in self.tables.items() if table.key == NUMBERED)


def table_for(record: Kind) -> Table:
    """The table that a kind of record needs. What is filtered by has an index, unless it is one of two values."""
    name = record.table
    types = {filter: type_of(record, filter) for filter in record.filters}
    columns = {
        "sequence": "INTEGER NOT NULL",
        "id": "TEXT NOT NULL",
        "account": "TEXT NOT NULL",
        "created": "INTEGER NOT NULL",
        **{filter: TYPES[type] for filter, type in types.items()},
        "data": "BLOB NOT NULL",
    }
    indexes = [Index(f"{name}_newest", "account, created, sequence")] if record.has_list else []
    for filter, type in types.items():
        if type != "bool" and filter not in record.unindexed:
            columns_of = f"account, {quoted(filter)}, created, sequence"
            indexes.append(Index(f"{name}_by_{filter}", columns_of, f"{quoted(filter)} IS NOT NULL"))
    return Table(name, columns, ("sequence",), ("id",), tuple(indexes))


def type_of(record: Kind, filter: str) -> str:
    """The type of what a list filters by, as the class declares it: `str`, `int`, `bool` or `float`."""
    declared = {one.name: one.type for one in fields(record)}.get(filter)
    if declared is None:
        declared = getattr(record, filter).fget.__annotations__["return"]
    type = str(declared).removesuffix(" | None")
    assert type in TYPES, f"{record.__name__} cannot be filtered by {filter}, which is {declared}"
    return type


def quoted(name: str) -> str:
    """A column's name in SQL, where `transaction` alone would be a keyword."""
    return f'"{name}"'
