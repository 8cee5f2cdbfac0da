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
from emulator.kernel.database.postgres.shapes import HAVE_ALL_FILED
from emulator.kernel.database.postgres.tables import (
    DIRECTORY,
    OF_ALL,
    ROLE,
    SCHEMA,
    TENANT,
    declared,
    functions,
    index_made,
    made,
    type_of,
)
from emulator.kernel.database.schema import SCHEMA_VERSION, Schema, quoted

TURN = 7_349_124_061  # the advisory lock of whoever makes or changes the schema
CONNECT_SECONDS = 10
GRANTS_APART = 160_000
# What an administrator has set for a user or a database is not to change what is stored, or seen.
SERVING = (
    f"SET ROLE {ROLE}",
    "SET client_encoding = 'UTF8'",
    "SET row_security = on",
    f"SET search_path = {SCHEMA}, pg_temp",
    "SET jit = off",
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET idle_session_timeout = 0",  # or locks and bells would go with the connection that has them
)
GRANTS = (
    f"GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {ROLE}",
    f"REVOKE INSERT, UPDATE, DELETE ON {SCHEMA}.installation FROM {ROLE}",
    f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMA} FROM PUBLIC",
    f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO {ROLE}",
)
# What makes each version of the one before, by the number of that; the first here is the sixth. It sees the rows of all
# worlds. What is only missing it need not say: that is made afterwards.
SCRIPTS: dict[int, tuple[str, ...]] = {}
INIT, UPGRADE = "stripe-emulator database init", "stripe-emulator database upgrade"


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection to see what is there. NoDatabase."""
    place = place_of(url)
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="stripe-emulator",
            client_encoding="UTF8",
        )
        connection.execute("SET quote_all_identifiers = off")  # or types are told otherwise than they are declared
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
        if connection.execute("SHOW transaction_read_only").fetchone() == ("on",):
            raise NoDatabase(
                f"The database {place} can only be read: it is the standby of another, or somebody has set "
                "default_transaction_read_only. A server writes."
            )
        version = version_of(connection)
        check_that_known(version or 0, place)
        if version != SCHEMA_VERSION or differences(connection, schema):
            raise NoDatabase(
                f"The database {place} was made ready by another version of the emulator: bring it up to date with "
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
                else:
                    check_that_empty(connection, place)
                return list(brought_up_to_date(connection, schema, version, place))
        except psycopg.Error as failure:
            raise NoDatabase(f"The database {place} could not be made ready: {said(failure)}.") from None


def check_that_empty(connection: psycopg.Connection[Any], place: str) -> None:
    """NoDatabase where our schema's name is taken, by what is not ours or by somebody who lets us make nothing in it.

    A path leads past a schema that may not be used: what is made would be made elsewhere.
    """
    taken = "SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace(%s)"
    if connection.execute(taken, [SCHEMA]).fetchone() is not None:
        raise NoDatabase(
            f"The database {place} has a schema {SCHEMA} with something in it that is not the emulator's: it needs a "
            "database without one."
        )
    may = "has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE')"
    for (may_make,) in connection.execute(f"SELECT {may} FROM pg_namespace WHERE nspname = %s", [SCHEMA]):
        if not may_make:
            raise NoDatabase(
                f"The database {place} has a schema {SCHEMA} in which this user may make nothing: its owner says "
                f"`DROP SCHEMA {SCHEMA}`."
            )


def brought_up_to_date(
    connection: psycopg.Connection[Any], schema: Schema, version: int | None, place: str
) -> Iterator[str]:
    """Make what is missing, and say what it was."""
    if connection.execute("SHOW server_encoding").fetchone() != ("UTF8",):
        raise NoDatabase(f"The database {place} has to be encoded in UTF8.")
    has_role = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is not None
    try:
        if not has_role:
            connection.execute(f"CREATE ROLE {ROLE} NOLOGIN")
            yield f"the role {ROLE}"
        # From 16 on whoever makes a role may grant it, and act as it only once it is granted to them.
        may_act = "SET" if connection.info.server_version >= GRANTS_APART else "MEMBER"
        if connection.execute("SELECT pg_has_role(%s, %s)", [ROLE, may_act]).fetchone() != (True,):
            connection.execute(f"GRANT {ROLE} TO CURRENT_USER")
    except psycopg.errors.InsufficientPrivilege:
        made = "" if has_role else f"`CREATE ROLE {ROLE} NOLOGIN` and "
        raise NoDatabase(
            f"The database {place} could not be made ready by this user, who may not make roles: an administrator of "
            f"the server says {made}`GRANT {ROLE} TO {quoted(connection.info.user)}`."
        ) from None
    if version is None:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connection.execute(f"SET LOCAL search_path = {SCHEMA}, pg_temp")
        connection.execute("CREATE TABLE installation (version bigint NOT NULL)")
        connection.execute("INSERT INTO installation VALUES (%s)", [SCHEMA_VERSION])
        for statement in DIRECTORY:
            connection.execute(statement)
        yield f"the schema {SCHEMA}"
    elif has_role and version == SCHEMA_VERSION and not differences(connection, schema):
        return
    else:
        connection.execute(f"SET LOCAL search_path = {SCHEMA}, pg_temp")
        connection.execute("LOCK TABLE world IN ACCESS EXCLUSIVE MODE")  # with which every session on a world begins
        if version < SCHEMA_VERSION:
            follow_scripts(connection, version)
            yield f"schema {SCHEMA_VERSION} of schema {version}"
    for differing in DIFFERENCES:
        for what, statements in differing(connection, schema).items():
            for statement in statements:
                connection.execute(statement)
            yield what
    for statement in GRANTS:
        connection.execute(statement)


def follow_scripts(connection: psycopg.Connection[Any], version: int) -> None:
    """Bring what is there from that version to this one. Nobody else sees that worlds are open to their owner."""
    for table in shared(columns_of(connection)):
        connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for had in range(version, SCHEMA_VERSION):
        for statement in SCRIPTS[had]:
            connection.execute(statement)
    for table in shared(columns_of(connection)):
        connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    connection.execute("UPDATE installation SET version = %s", [SCHEMA_VERSION])


def differences(connection: psycopg.Connection[Any], schema: Schema) -> dict[str, list[str]]:
    """What is not as this program needs it, in words, and the statements that make it so."""
    return {what: made for differing in DIFFERENCES for what, made in differing(connection, schema).items()}


def differing_tables(connection: psycopg.Connection[Any], schema: Schema) -> dict[str, list[str]]:
    """Tables, and their columns. What a later version has added stays: the one before may be needed again.

    What records are filed by is made anew where it has another type, and filled when a world is opened.
    """
    columns = columns_of(connection)
    found = {f"the table {name}": list(statements) for name, statements in OF_ALL.items() if name not in columns}
    for table in schema.tables.values():
        there = columns.get(table.name)
        if there is None:
            found[f"the table {table.name}"] = made(table)
            continue
        for name, type in table.columns.items():
            added = f"ALTER TABLE {table.name} ADD COLUMN {quoted(name)} {declared(type)}"
            if name not in there:
                found[f"the column {name} of {table.name}"] = [added]
            elif there[name] != type_of(type) and table.name in schema.records:
                removed = f"ALTER TABLE {table.name} DROP COLUMN {quoted(name)}"
                found[f"the column {name} of {table.name}"] = [removed, added, HAVE_ALL_FILED]
    return found


def columns_of(connection: psycopg.Connection[Any]) -> dict[str, dict[str, str]]:
    """The tables that are there, and the types of their columns."""
    found: dict[str, dict[str, str]] = {}
    for table, name, type in connection.execute(
        "SELECT relname, attname, format_type(atttypid, NULL) FROM pg_attribute "
        "JOIN pg_class ON pg_class.oid = attrelid "
        "WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r' AND attnum > 0 AND NOT attisdropped "
        "ORDER BY relname, attnum",
        [SCHEMA],
    ):
        found.setdefault(table, {})[name] = type
    return found


def shared(columns: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    """Of those the tables that worlds share, with the columns in which a world says something."""
    return {table: [name for name in names if name != TENANT] for table, names in columns.items() if TENANT in names}


def differing_indexes(connection: psycopg.Connection[Any], schema: Schema) -> dict[str, list[str]]:
    """Indexes, each of which says in its comment how it was made."""
    there = dict(
        connection.execute(
            "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class "
            "WHERE relnamespace = to_regnamespace(%s) AND relkind = 'i'",
            [SCHEMA],
        ).fetchall()
    )
    found = {}
    for table in schema.tables.values():
        for index in table.indexes:
            sql, comment = index_made(table, index)
            if there.get(index.name) != sql:
                found[f"the index {index.name}"] = [f"DROP INDEX IF EXISTS {index.name}", sql, comment]
    return found


def differing_functions(connection: psycopg.Connection[Any], schema: Schema) -> dict[str, list[str]]:
    """What is done to a world as a whole."""
    there = dict(
        connection.execute(
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = to_regnamespace(%s)", [SCHEMA]
        ).fetchall()
    )
    needed = functions(shared(columns_of(connection)))
    return {f"the function {name}": [sql] for name, sql in needed.items() if f"$${there.get(name)}$$" not in sql}


DIFFERENCES = (differing_tables, differing_indexes, differing_functions)
