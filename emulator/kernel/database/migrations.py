"""Files of earlier versions, brought up to date when they are opened.

`user_version` is the version of a file's schema; one with more than this program knows belongs to a newer one and is
left alone. Whatever a file's tables lack is seen by comparing them with the schema, and changed in one transaction.
"""

from __future__ import annotations

import sqlite3
from functools import cache

from sqlite_utils import Database

from emulator.kernel.database.schema import SCHEMA_VERSION, Schema, Table
from emulator.kernel.database.store import refile
from emulator.kernel.database.tables import made

FEW_PAGES = 64
# What made each version of the one before, from the first on. Since the fifth, tables are made from the schema.
SCRIPTS = {
    1: """
        ALTER TABLE tenant ADD COLUMN faults INTEGER NOT NULL DEFAULT 0;
    """,
    2: "",
    # Due actions name their product.
    3: """
        UPDATE due SET action = CASE substr(action, 1, instr(action, '.'))
            WHEN 'onboarding.' THEN 'connect.' WHEN 'topups.' THEN 'balances.'
            WHEN 'authorizations.' THEN 'issuing.' WHEN 'cardholders.' THEN 'issuing.' WHEN 'disputes.' THEN 'issuing.'
            WHEN 'debit_reversals.' THEN 'treasury.' WHEN 'financial_accounts.' THEN 'treasury.'
            WHEN 'outbound_transfers.' THEN 'treasury.' ELSE '' END || action;
    """,
    # The world counts its movements, deliveries and events; movements have a currency and a day on which they are
    # available, events an object. Accounts are verified by the module that reviews them.
    4: """
        ALTER TABLE tenant ADD COLUMN movements INTEGER;
        ALTER TABLE tenant ADD COLUMN deliveries INTEGER;
        ALTER TABLE tenant ADD COLUMN events INTEGER;
        UPDATE tenant SET movements = (SELECT coalesce(max(sequence), 0) FROM movement),
            deliveries = (SELECT coalesce(max(sequence), 0) FROM delivery),
            events = (SELECT coalesce(max(sequence), 0) FROM event);
        ALTER TABLE tenant ADD COLUMN subscribers INTEGER;
        UPDATE tenant SET subscribers = (SELECT count(*) FROM subscriber);
        ALTER TABLE tenant ADD COLUMN next_due_at INTEGER;
        UPDATE tenant SET next_due_at = (SELECT min(due_at) FROM due WHERE failure IS NULL);
        ALTER TABLE movement ADD COLUMN currency TEXT;
        UPDATE movement SET currency = json_extract(CAST(details AS TEXT), '$.currency');
        ALTER TABLE movement ADD COLUMN available_on INTEGER;
        UPDATE movement SET available_on = coalesce(json_extract(CAST(details AS TEXT), '$.available_on'), created);
        UPDATE due SET action = 'connect.reviewing.verify' WHERE action = 'connect.onboarding.verify';
    """,
    # What is inside of a record's members is in the order of replies: every record is written anew.
    5: "",
}


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a file's schema; 0 where there is none yet."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def check_that_known(connection: sqlite3.Connection) -> int:
    """The version of a world's schema. DatabaseError where that is a later one, or where there is no world."""
    had = version_of(connection)
    if had > SCHEMA_VERSION:
        raise newer(f"schema {had}, this one knows {SCHEMA_VERSION}")
    is_there = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tenant'").fetchone()
    if had == 0 or is_there is None or connection.execute("SELECT 1 FROM tenant").fetchone() is None:
        raise sqlite3.DatabaseError("there is no world in it")
    return had


def newer(how: str) -> sqlite3.DatabaseError:
    """What is said of data that a later version has written."""
    return sqlite3.DatabaseError(f"it was written by a newer version of the emulator ({how}), which can read it")


def is_current(connection: sqlite3.Connection, schema: Schema) -> bool:
    """Whether a file has the tables and records of this program, as far as it has them. DatabaseError as above."""
    return (
        check_that_known(connection) == SCHEMA_VERSION
        and not differing(connection, schema)
        and not older(connection, schema)
    )


def migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    """Bring a world up to date, as a whole or not at all. DatabaseError where it is none, or beyond this program."""
    had = check_that_known(connection)
    if is_current(connection, schema):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for version in range(had, SCHEMA_VERSION):
            for statement in SCRIPTS[version].split(";"):
                connection.execute(statement)
        if had < SCHEMA_VERSION:
            connection.execute("PRAGMA application_id = 1")  # nobody has said when it needs a look
        upgrade(connection, schema, is_anew=had < SCHEMA_VERSION)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    shrink(connection)


def shrink(connection: sqlite3.Connection) -> None:
    """Give back the room of what is gone, where that is most of a file."""
    (pages,), (free,) = (connection.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "freelist_count"))
    if free > FEW_PAGES and free * 2 > pages:
        connection.execute("VACUUM")


def upgrade(connection: sqlite3.Connection, schema: Schema, *, is_anew: bool) -> None:
    """Give every table the shape it has in this program, and every record the meaning; `is_anew` writes all records."""
    from emulator.kernel.database.sqlite import SqliteSession

    session = SqliteSession(connection.cursor(), schema, {}, 0)
    gained = {table.name for table in differing(connection, schema) if reshape(connection, table)}
    versions = older(connection, schema)
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for name, kind in schema.records.items():
        if name in gained or name in versions or (is_anew and name in there):
            refile(session, kind, versions.get(name, kind.version))
    for name in versions:
        session.put("record_version", ("name",), name=name, version=schema.records[name].version)


def differing(connection: sqlite3.Connection, schema: Schema) -> list[Table]:
    """The tables that are there in another shape than the schema's."""
    there: dict[str, set[str]] = {}
    for table, sql in connection.execute("SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
        there.setdefault(table, set()).add(sql)
    shapes = shapes_of(schema)
    return [schema.tables[name] for name in there if name in shapes and there[name] != shapes[name]]


@cache
def shapes_of(schema: Schema) -> dict[str, set[str]]:
    """The statements that each table of a schema is made with."""
    return {name: set(made(table)) for name, table in schema.tables.items()}


def older(connection: sqlite3.Connection, schema: Schema) -> dict[str, int]:
    """The kinds of records that were stored with another meaning, and in which version; DatabaseError for a later."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    stored = dict(connection.execute("SELECT name, version FROM record_version")) if "record_version" in names else {}
    found = {}
    for name, kind in schema.records.items():
        had, has = stored.get(name, 1), kind.version
        if had > has:
            raise newer(f"{name} is at {had}")
        if name in names and had < has:
            found[name] = had
    return found


def reshape(connection: sqlite3.Connection, table: Table) -> bool:
    """Make a table anew with what it holds, or let it go if it holds nothing. Whether it has columns it had not."""
    before = Database(connection)[table.name].columns_dict  # type: ignore[union-attr]
    kept = [name for name in table.columns if name in before]
    connection.execute(f"ALTER TABLE {table.name} RENAME TO before_{table.name}")
    for (index,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?",
        (f"before_{table.name}",),
    ).fetchall():
        connection.execute(f'DROP INDEX "{index}"')
    if connection.execute(f"SELECT 1 FROM before_{table.name} LIMIT 1").fetchone() is not None:
        for statement in made(table):
            connection.execute(statement)
        columns = ", ".join(f'"{name}"' for name in kept)
        connection.execute(f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM before_{table.name}")
    connection.execute(f"DROP TABLE before_{table.name}")
    return len(kept) < len(table.columns)
