"""Records: put, get, find, pages. The only place that knows how a record lies in its table.

Every row belongs to one account of the tenant. `sequence` is the order of creation and breaks ties of `created`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import orjson

from emulator.kernel.conditions import Condition, Place
from emulator.kernel.database.face import Session
from emulator.kernel.database.queries import among, clause, paged
from emulator.kernel.database.schema import quoted
from emulator.kernel.records import AnyRecord, Kind, filled, revive
from emulator.kernel.render import nested, ordered_inside

ID, FOREVER = ("id",), ("account", "created")
OF_EVERY_RECORD = ("sequence", "id", "account", "created")


@cache
def columns_of(record: Kind) -> frozenset[str]:
    """What a list of such records can be narrowed and sorted by."""
    return frozenset((*OF_EVERY_RECORD, *record.filters))


@cache
def get_sql(record: Kind) -> str:
    """One row by its id."""
    return f"SELECT account, data FROM {record.table} WHERE id = :id"


@cache
def get_many_sql(record: Kind, count: int) -> str:
    """So many rows by their ids."""
    those, _ = among("id", range(count))
    return f"SELECT id, account, data FROM {record.table} WHERE {those}"


class Store:
    """The records of a session. Rows of other accounts are invisible unless asked for without an account."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def put(self, account: str, record: Any) -> None:
        """Insert, or replace without moving it in the order of creation. `created` must not change afterwards."""
        kind = type(record)
        row = {"id": record.id, "account": account, "created": record.__dict__.get("created", 0)}
        for name in kind.filters:
            row[name] = column_value(getattr(record, name))
        arrange(record.__dict__)
        row["data"] = orjson.dumps(record)
        self.session.put(kind.table, ID, keep=FOREVER, **row)

    def get(self, record: type[AnyRecord], id: str) -> tuple[str, AnyRecord] | None:
        """The owning account and the record, or None."""
        row = self.session.one(get_sql(record), id=id)
        return None if row is None else (row[0], revive(record, row[1]))

    def ahead(self, record: Kind, id: str) -> None:
        """The record of that id is likely to be asked for."""
        self.session.ahead(get_sql(record), id=id)

    def get_many(self, record: type[AnyRecord], ids: Sequence[str]) -> dict[str, tuple[str, AnyRecord] | None]:
        """The owning account and the record of each id, or None."""
        found: dict[str, tuple[str, AnyRecord] | None] = dict.fromkeys(ids)
        values = {f"id_{place}": id for place, id in enumerate(ids)}
        for id, account, data in self.session.all(get_many_sql(record, len(ids)), **values):
            found[id] = account, revive(record, data)
        return found

    def delete(self, record: Kind, id: str) -> None:
        """Remove a row for good."""
        self.session.run(f"DELETE FROM {record.table} WHERE id = :id", id=id)

    def place(self, record: Kind, id: str, account: str, key: str = "created") -> Place | None:
        """Where a record stands in lists sorted by `key`, or None where the account has no such record."""
        row = self.session.one(
            f"SELECT {quoted(key)}, sequence FROM {record.table} WHERE id = :id AND account = :account",
            id=id,
            account=account,
        )
        return None if row is None else Place(*row)

    def select(
        self,
        record: type[AnyRecord],
        conditions: Sequence[Condition],
        *,
        key: str = "created",
        older_than: Place | None = None,
        newer_than: Place | None = None,
        limit: int | None = None,
    ) -> list[AnyRecord]:
        """Records that meet all conditions, newest first; with `newer_than` the nearest newer ones, oldest first."""
        where, values = clause(conditions, columns_of(record))
        page, places = paged(quoted(key), older_than, newer_than, limit)
        sql = f"SELECT data FROM {record.table} WHERE {where} {page}"
        return [revive(record, row[0]) for row in self.session.all(sql, **values, **places)]

    def select_each(
        self, record: type[AnyRecord], conditions: Sequence[Condition], column: str, values: Sequence[Any]
    ) -> dict[Any, list[AnyRecord]]:
        """For each value of a column the records that have it and meet all conditions, newest first."""
        found: dict[Any, list[AnyRecord]] = {column_value(value): [] for value in values}
        where, given = clause([*conditions, Condition(column, "in", list(found))], columns_of(record))
        # In the order of the index that finds them: by time alone every row of the account would be walked through.
        order = f"{quoted(column)} DESC, created DESC, sequence DESC"
        sql = f"SELECT {quoted(column)}, data FROM {record.table} WHERE {where} ORDER BY {order}"
        for value, data in self.session.all(sql, **given):
            found[value].append(revive(record, data))
        return found

    def count(self, record: Kind, conditions: Sequence[Condition]) -> int:
        """How many records meet all conditions."""
        where, values = clause(conditions, columns_of(record))
        row = self.session.one(f"SELECT count(*) FROM {record.table} WHERE {where}", **values)
        assert row is not None
        return row[0]

    def every(self, record: type[AnyRecord]) -> Iterator[tuple[str, AnyRecord]]:
        """All records of a kind with their accounts, in the order of creation."""
        for account, data in self.session.all(f"SELECT account, data FROM {record.table} ORDER BY sequence"):
            yield account, revive(record, data)

    def ids(self, record: Kind) -> set[str]:
        """The ids of all records of a kind."""
        return {id for (id,) in self.session.all(f"SELECT id FROM {record.table}")}

    def misfiled(self, record: Kind) -> Iterator[str]:
        """Rows that lists and look-ups find by something else than the record says of itself, as sentences."""
        names = ("id", "created", *record.filters)
        columns = ", ".join(quoted(name) for name in names)
        for data, *filed in self.session.all(f"SELECT data, {columns} FROM {record.table} ORDER BY sequence"):
            revived = revive(record, data)
            for name, value in zip(names, filed, strict=True):
                says = column_value(getattr(revived, name, 0))  # what has no time of creation is filed under 0
                if value != says:
                    yield f"{revived.id} is filed under {name} {value!r}, it says {says!r}"


def refile(session: Session, record: Kind, version: int) -> None:
    """Write every record of a kind anew: upgraded from that version, with its filters in their columns."""
    store = Store(session)
    for id, account, data in session.all(f"SELECT id, account, data FROM {record.table}"):
        members = orjson.loads(data)
        if version < record.version:
            members = record.upgrade(members, version)
        upgraded = filled(record, members)
        assert upgraded.id == id, f"an upgrade of {id} has changed its id"
        store.put(account, upgraded)


def arrange(members: dict[str, Any]) -> None:
    """Put what is inside of a record's members into the order of replies, which changes nothing that they say."""
    for name, member in nested(members):
        if name != "metadata":
            members[name] = ordered_inside(member)


def column_value(value: Any) -> Any:
    """What a filter column holds: booleans as 0 and 1."""
    return int(value) if isinstance(value, bool) else value
