"""Records in SQLite: put, get, find, pages. The only place that knows how a record lies in its table.

A record is a frozen dataclass that says of itself, as class variables:

    object   Stripe's name of it ("issuing.card"); its table is that with underscores
    prefix   of its ids ("ic")
    noun     in "No such issuing card: 'ic_x'"
    filters  the attributes that lists can filter by; each becomes a column with an index

and `is_listed = False` if no list ever shows it.

Records evolve. A member that is added needs a default, which is what older rows have; one that is taken away is
forgotten; a filter that is added is filled in for older rows. Where that is not enough, because a member has another
name or meaning now, the class counts its `version` up from 1 and says how the members of older ones become its own:
`upgrade(members, version)`, a static function that gives the new members back. Older rows are upgraded when their
database is opened.

Every row belongs to one account of the tenant. `sequence` is the order of creation and breaks ties of `created`.

A record that is read from somewhere else says `is_stored = False` and how it is found: `look_up(world, id)` gives
its account and itself, or None; `select(world, conditions, *, key, older_than, newer_than, limit)` and
`place(world, id, key)` do for lists what the methods of `Store` with these names do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, NamedTuple, TypeVar

import orjson
from sqlite_utils import Database

Record = TypeVar("Record")
COMPARISONS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Condition(NamedTuple):
    """One comparison of a column: `Condition("created", "gte", 1700000000)`.

    `in` takes a list, `like` a pattern, `within` and `outside` a query of the kernel's own.
    """

    column: str
    operator: str
    value: Any


class Place(NamedTuple):
    """Where a record stands in a list: its sort key and its order of creation."""

    key: int
    sequence: int


def table_of(record: type) -> str:
    """The table of a kind of record."""
    return record.object.replace(".", "_")  # type: ignore[attr-defined]


def version_of(record: type) -> int:
    """How often the meaning of a record's members has changed, from 1 on."""
    return getattr(record, "version", 1)


def create_table(database: Database, record: type) -> bool:
    """Make a record's table, or add the columns and indexes it has gained since; whether there are new columns."""
    table = database.table(table_of(record))
    columns = dict.fromkeys(record.filters, bytes)  # a column without affinity keeps integers and texts as they are
    if not table.exists():
        typed = {"sequence": int, "id": str, "account": str, "created": int, "data": bytes}
        table.create({**typed, **columns}, pk="sequence", not_null=("id", "account", "created", "data"))
        table.create_index(["id"], unique=True)
        if getattr(record, "is_listed", True):
            database.execute(f"CREATE INDEX {table.name}_newest ON {table.name} (account, created DESC, sequence DESC)")
    gained = [name for name in columns if name not in table.columns_dict]
    for name in gained:
        table.add_column(name, bytes)
    for name in columns:
        database.execute(
            f"CREATE INDEX IF NOT EXISTS {table.name}_by_{name} "
            f"ON {table.name} (account, {quoted(name)}, created DESC, sequence DESC) WHERE {quoted(name)} IS NOT NULL"
        )
    return bool(gained)


def refile(connection: sqlite3.Connection, record: type, version: int) -> None:
    """Write every record of a kind anew: upgraded from that version, with its filters in their columns."""
    store = Store(connection)
    for id, account, data in connection.execute(f"SELECT id, account, data FROM {table_of(record)}").fetchall():
        members = orjson.loads(data)
        if version < version_of(record):
            members = record.upgrade(members, version)  # type: ignore[attr-defined]
        upgraded = filled(record, members)
        assert upgraded.id == id, f"an upgrade of {id} has changed its id"  # type: ignore[attr-defined]
        store.put(account, upgraded)


@cache
def upsert_sql(record: type) -> str:
    """Insert a record, or replace what is stored of it without moving it in the order of creation."""
    filters = [quoted(name) for name in record.filters]  # type: ignore[attr-defined]
    names = ("id", "account", "created", *filters, "data")
    changes = ", ".join(f"{name} = excluded.{name}" for name in (*filters, "data"))
    return (
        f"INSERT INTO {table_of(record)} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT (id) DO UPDATE SET {changes}"
    )


@cache
def members_of(record: type) -> frozenset[str]:
    """The names of a record's members."""
    return frozenset(one.name for one in fields(record))


def revive(record: type[Record], data: bytes) -> Record:
    """A record from its stored form: the defaults of its class, then what was stored."""
    return filled(record, orjson.loads(data))


def filled(record: type[Record], stored: dict[str, Any]) -> Record:
    """A record of these members; what its class has gained has its default, what it has lost is left out."""
    revived = object.__new__(record)
    revived.__dict__.update(stored if stored.keys() == members_of(record) else completed(record, stored))
    return revived


def completed(record: type, stored: dict[str, Any]) -> dict[str, Any]:
    """The members of a record that was stored when its class had others."""
    members = {}
    for one in fields(record):
        if one.name in stored:
            members[one.name] = stored[one.name]
        elif one.default_factory is not MISSING:
            members[one.name] = one.default_factory()
        else:
            assert one.default is not MISSING, f"a stored {record.__name__} has no {one.name}, which has no default"
            members[one.name] = one.default
    return members


class Store:
    """The records behind one connection. Rows of other accounts are invisible unless asked for without an account."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def put(self, account: str, record: Any) -> None:
        """Insert or replace. `created` must not change afterwards."""
        kind = type(record)
        created = record.__dict__.get("created", 0)
        filters = [column_value(getattr(record, name)) for name in kind.filters]
        self.connection.execute(upsert_sql(kind), (record.id, account, created, *filters, orjson.dumps(record)))

    def get(self, record: type[Record], id: str) -> tuple[str, Record] | None:
        """The owning account and the record, or None."""
        return self.get_many(record, [id])[id]

    def get_many(self, record: type[Record], ids: Sequence[str]) -> dict[str, tuple[str, Record] | None]:
        """The owning account and the record of each id, or None."""
        found: dict[str, tuple[str, Record] | None] = dict.fromkeys(ids)
        sql = f"SELECT id, account, data FROM {table_of(record)} WHERE id IN ({marks(ids)})"
        for id, account, data in self.connection.execute(sql, ids):
            found[id] = account, revive(record, data)
        return found

    def delete(self, record: type, id: str) -> None:
        """Remove a row for good."""
        self.connection.execute(f"DELETE FROM {table_of(record)} WHERE id = ?", (id,))

    def place(self, record: type, id: str, account: str, key: str = "created") -> Place | None:
        """Where a record stands in lists sorted by `key`, or None where the account has no such record."""
        row = self.connection.execute(
            f"SELECT {key}, sequence FROM {table_of(record)} WHERE id = ? AND account = ?", (id, account)
        ).fetchone()
        return None if row is None else Place(*row)

    def select(
        self,
        record: type[Record],
        conditions: Sequence[Condition],
        *,
        key: str = "created",
        older_than: Place | None = None,
        newer_than: Place | None = None,
        limit: int | None = None,
    ) -> list[Record]:
        """Records that meet all conditions, newest first; with `newer_than` the nearest newer ones, oldest first."""
        where, values = clause(conditions)
        order = "DESC"
        if older_than is not None:
            where, values = f"{where} AND ({key}, sequence) < (?, ?)", [*values, *older_than]
        if newer_than is not None:
            where, values, order = f"{where} AND ({key}, sequence) > (?, ?)", [*values, *newer_than], "ASC"
        sql = f"SELECT data FROM {table_of(record)} WHERE {where} ORDER BY {key} {order}, sequence {order}"
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        return [revive(record, row[0]) for row in self.connection.execute(sql, values)]

    def select_each(
        self, record: type[Record], conditions: Sequence[Condition], column: str, values: Sequence[Any]
    ) -> dict[Any, list[Record]]:
        """For each value of a column the records that have it and meet all conditions, newest first."""
        found: dict[Any, list[Record]] = {column_value(value): [] for value in values}
        where, given = clause([*conditions, Condition(column, "in", list(found))])
        sql = (
            f"SELECT {quoted(column)}, data FROM {table_of(record)} WHERE {where} ORDER BY created DESC, sequence DESC"
        )
        for value, data in self.connection.execute(sql, given):
            found[value].append(revive(record, data))
        return found

    def count(self, record: type, conditions: Sequence[Condition]) -> int:
        """How many records meet all conditions."""
        where, values = clause(conditions)
        sql = f"SELECT count(*) FROM {table_of(record)} WHERE {where}"
        return self.connection.execute(sql, values).fetchone()[0]

    def every(self, record: type[Record]) -> Iterator[tuple[str, Record]]:
        """All records of a kind with their accounts, in the order of creation."""
        for account, data in self.connection.execute(f"SELECT account, data FROM {table_of(record)} ORDER BY sequence"):
            yield account, revive(record, data)

    def misfiled(self, record: type) -> Iterator[str]:
        """Rows that lists and look-ups find by something else than the record says of itself, as sentences."""
        names = ("id", "created", *record.filters)  # type: ignore[attr-defined]
        columns = ", ".join(quoted(name) for name in names)
        sql = f"SELECT data, {columns} FROM {table_of(record)} ORDER BY sequence"
        for data, *filed in self.connection.execute(sql):
            revived = revive(record, data)
            for name, value in zip(names, filed, strict=True):
                says = column_value(getattr(revived, name, 0))  # what has no time of creation is filed under 0
                if value != says:
                    yield f"{revived.id} is filed under {name} {value!r}, it says {says!r}"  # type: ignore[attr-defined]


def clause(conditions: Iterable[Condition]) -> tuple[str, list[Any]]:
    """A WHERE clause and its values."""
    parts, values = ["1"], []
    for name, operator, value in conditions:
        column = quoted(name)
        if operator == "in":
            parts.append(f"{column} IN ({marks(value)})")
            values.extend(value)
        elif operator in ("within", "outside"):
            parts.append(f"{column} {'IN' if operator == 'within' else 'NOT IN'} ({value})")
        elif operator == "like":
            parts.append(f"{column} LIKE ? ESCAPE '\\'")
            values.append(value)
        else:
            parts.append(f"{column} {COMPARISONS[operator]} ?")
            values.append(column_value(value))
    return " AND ".join(parts), values


def marks(values: Sequence[Any]) -> str:
    """A place in SQL for each of some values."""
    return ", ".join("?" * len(values))


def quoted(name: str) -> str:
    """A column's name in SQL, where `transaction` alone would be a keyword; an expression as it is.

    In brackets, because SQLite takes an unknown name in double quotes for a text.
    """
    return f"[{name}]" if name.isidentifier() else name


def column_value(value: Any) -> Any:
    """What a filter column holds: booleans as 0 and 1."""
    return int(value) if isinstance(value, bool) else value
