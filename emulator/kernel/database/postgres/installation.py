"""The schema in a PostgreSQL database: made once, brought up to date by new versions, checked by whoever serves it.

Everything is in a schema of its own. The tables belong to whoever made them; servers act as a role that owns nothing
and may only do what `GRANTS` says.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from emulator.kernel.database.place import NoDatabase
from emulator.kernel.database.postgres.address import place_of
from emulator.kernel.database.postgres.failures import said
from emulator.kernel.database.postgres.tables import (
    DIRECTORY,
    OF_ALL,
    ROLE,
    SCHEMA,
    declared,
    functions,
    index_sql,
    made,
)
from emulator.kernel.database.schema import SCHEMA_VERSION, Schema, quoted

TURN = 7_349_124_061  # the advisory lock of whoever makes or changes the schema
CONNECT_SECONDS = 10
GRANTS_APART = 160_000
SERVING = (
    f"SET ROLE {ROLE}",
    f"SET search_path = {SCHEMA}, pg_temp",
    "SET jit = off",
    "SET idle_in_transaction_session_timeout = '60s'",
)
GRANTS = (
    f"GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {ROLE}",
    f"REVOKE INSERT, UPDATE, DELETE ON {SCHEMA}.installation FROM {ROLE}",
    f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMA} FROM PUBLIC",
    f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO {ROLE}",
)
INIT, UPGRADE = "stripe-emulator database init", "stripe-emulator database upgrade"


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection to see what is there. NoDatabase."""
    place = place_of(url)
    try:
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="stripe-emulator"
        )
    except psycopg.Error as failure:
        raise NoDatabase(f"The database {place} cannot be used: {said(failure)}.") from None
    with connection:
        yield connection


def step_down(connection: psycopg.Connection[Any]) -> None:
    """Have a connection act as the role of servers, whoever it was made by."""
    connection.execute("; ".join(SERVING))


def check_that_served(url: str, schema: Schema) -> None:
    """NoDatabase for a database that this program cannot serve, with the command that helps."""
    place = place_of(url)
    with connected(url) as connection:
        check_that_kept(connection, url, place)
        if connection.execute("SELECT to_regnamespace(%s)", [SCHEMA]).fetchone() == (None,):
            raise NoDatabase(
                f"The database {place} has no worlds of the emulator yet: make it ready with `{INIT} --database URL`, "
                "as its owner."
            )
        try:
            step_down(connection)
        except psycopg.Error as failure:
            raise NoDatabase(
                f"The database {place} cannot be served by this user, who may not act as {ROLE} ({said(failure)}): "
                f"its owner says `GRANT {ROLE} TO` that user."
            ) from None
        version = version_of(connection)
        check_that_known(version or 0, place)
        if version != SCHEMA_VERSION or differences(connection, schema):
            raise NoDatabase(
                f"The database {place} was made ready by an older version of the emulator: bring it up to date with "
                f"`{UPGRADE} --database URL`, as its owner."
            )


def check_that_kept(connection: psycopg.Connection[Any], url: str, place: str) -> None:
    """NoDatabase where a pooler in between lets others have a connection that we are not done with."""
    mark, marked = (secrets.token_hex(8),), "SELECT current_setting('emulator.connection', true)"
    try:
        with connected(url) as other:
            connection.execute("SELECT set_config('emulator.connection', %s, false)", mark)
            with other.transaction():
                is_kept = other.execute(marked).fetchone() != mark and connection.execute(marked).fetchone() == mark
    except psycopg.Error as failure:
        is_kept = "pooling mode" not in str(failure)  # pgbouncer's word where it has each statement go its own way
        if is_kept:
            raise NoDatabase(f"The database {place} cannot be used: {said(failure)}.") from None
    if not is_kept:
        raise NoDatabase(
            f"Something in front of the database {place} gives one connection to several clients, as pgbouncer does in "
            "transaction and statement mode. The emulator needs connections of its own: pool_mode = session, or none "
            "in between."
        )


def version_of(connection: psycopg.Connection[Any]) -> int | None:
    """The version of the schema; None where there is none."""
    there = "SELECT 1 FROM pg_class WHERE relname = 'installation' AND relnamespace = to_regnamespace(%s)"
    if connection.execute(there, [SCHEMA]).fetchone() is None:
        return None
    row = connection.execute(f"SELECT version FROM {SCHEMA}.installation").fetchone()
    return row[0] if row else None


def check_that_known(version: int, place: str) -> None:
    """NoDatabase for the schema of a newer program."""
    if version > SCHEMA_VERSION:
        raise NoDatabase(
            f"The database {place} was made ready by a newer version of the emulator (schema {version}, this one knows "
            f"{SCHEMA_VERSION}), which can serve it."
        )


def install(url: str, schema: Schema, *, is_there: bool = False) -> list[str]:
    """Make everything that is not there yet; what that was, in words. NoDatabase.

    `is_there`: it was made ready before, or the database is not the one that is meant.
    """
    place = place_of(url)
    with connected(url) as connection:
        try:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])
                version = version_of(connection)
                if version is not None:
                    check_that_known(version, place)
                elif is_there:
                    raise NoDatabase(
                        f"The database {place} has no worlds of the emulator yet: `{INIT}` makes it ready."
                    )
                return list(brought_up_to_date(connection, schema, version))
        except psycopg.Error as failure:
            raise NoDatabase(f"The database {place} could not be made ready: {said(failure)}.") from None


def brought_up_to_date(connection: psycopg.Connection[Any], schema: Schema, version: int | None) -> Iterator[str]:
    """Make what is missing, and say what it was."""
    if connection.execute("SHOW server_encoding").fetchone() != ("UTF8",):
        raise NoDatabase("The database has to be encoded in UTF8.")
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
        connection.execute(f"CREATE ROLE {ROLE} NOLOGIN")
        yield f"the role {ROLE}"
    # From 16 on whoever makes a role may grant it, and act as it only once it is granted to them.
    may_act = "SET" if connection.info.server_version >= GRANTS_APART else "MEMBER"
    if connection.execute("SELECT pg_has_role(%s, %s)", [ROLE, may_act]).fetchone() != (True,):
        connection.execute(f"GRANT {ROLE} TO CURRENT_USER")
    if version is None:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connection.execute(f"SET LOCAL search_path = {SCHEMA}, pg_temp")
        connection.execute("CREATE TABLE installation (version bigint NOT NULL)")
        connection.execute("INSERT INTO installation VALUES (%s)", [SCHEMA_VERSION])
        for statement in DIRECTORY:
            connection.execute(statement)
        yield f"the schema {SCHEMA}"
    connection.execute(f"SET LOCAL search_path = {SCHEMA}, pg_temp")
    missing = differences(connection, schema)
    for what, statements in missing.items():
        for statement in statements:
            connection.execute(statement)
        yield what
    if missing or version != SCHEMA_VERSION:
        connection.execute("UPDATE installation SET version = %s", [SCHEMA_VERSION])
        for statement in (*functions(schema), *GRANTS):
            connection.execute(statement)


def differences(connection: psycopg.Connection[Any], schema: Schema) -> dict[str, list[str]]:
    """What this program needs and is not there, in words, and the statements that make it."""
    columns = set(
        connection.execute(
            "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
            "WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r' AND attnum > 0 AND NOT attisdropped",
            [SCHEMA],
        ).fetchall()
    )
    indexes = {
        name
        for (name,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'i'", [SCHEMA]
        )
    }
    tables = {table for table, _ in columns}
    found = {f"the table {name}": list(statements) for name, statements in OF_ALL.items() if name not in tables}
    for table in schema.tables.values():
        if table.name not in tables:
            found[f"the table {table.name}"] = made(table)
            continue
        for name, type in table.columns.items():
            if (table.name, name) not in columns:
                added = f"ALTER TABLE {table.name} ADD COLUMN {quoted(name)} {declared(type)}"
                found[f"the column {name} of {table.name}"] = [added]
        for index in table.indexes:
            if index.name not in indexes:
                found[f"the index {index.name}"] = [index_sql(table, index)]
    return found
