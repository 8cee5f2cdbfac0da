"""Tables, indexes and policies in PostgreSQL's words. All worlds share them: each row says whose it is.

Whoever has not said which world is meant finds nothing in any of them and can write nothing, the owner included: a
superuser alone is not asked, and a server steps down before it does anything.
Source: https://www.postgresql.org/docs/current/ddl-rowsecurity.html
"""

from __future__ import annotations

from emulator.kernel.database.schema import Index, Table, quoted

SCHEMA = "stripe_emulator"  # the schema of everything
ROLE = "stripe_emulator"  # what a server steps down to
TENANT = "tenant"  # the column that says whose a row is
TYPES = {"INTEGER": "bigint", "REAL": "double precision", "TEXT": 'text COLLATE "C"', "BLOB": "bytea"}
# The world of a session, and the one that is copied from. A setting that is over is an empty text.
MINE = "nullif(current_setting('emulator.tenant', true), '')::bigint"
COPIED = "nullif(current_setting('emulator.copied', true), '')::bigint"
# Every world by its handle, its number, when it needs a look, when it was last written to, what its records look like.
DIRECTORY = (
    'CREATE TABLE world (handle text COLLATE "C" PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY UNIQUE, '
    'copy_of text COLLATE "C", wakes_at bigint, changed bigint NOT NULL, shape text COLLATE "C" NOT NULL, '
    "bytes bigint, measured bigint)",
    "CREATE INDEX world_waking ON world (wakes_at) WHERE wakes_at IS NOT NULL AND copy_of IS NULL",
    "CREATE INDEX world_copies ON world (copy_of) WHERE copy_of IS NOT NULL",
    'CREATE TABLE shape (name text COLLATE "C" PRIMARY KEY, kinds bytea NOT NULL)',
)
# What is not of one world: the request logs, which stay with their keys, and what belongs to a server.
OF_ALL = {
    "request_count": ('CREATE TABLE request_count (world text COLLATE "C" PRIMARY KEY, last bigint NOT NULL)',),
    "request": (
        'CREATE TABLE request (world text COLLATE "C" NOT NULL, sequence bigint NOT NULL, '
        'process text COLLATE "C" NOT NULL, began_ms bigint NOT NULL, ended_ms bigint NOT NULL, '
        'replayed boolean NOT NULL, id text COLLATE "C" NOT NULL, created bigint NOT NULL, '
        'method text COLLATE "C" NOT NULL, path text COLLATE "C" NOT NULL, status bigint NOT NULL, '
        'operation text COLLATE "C" NOT NULL, account text COLLATE "C", api_version text COLLATE "C", '
        'idempotency_key text COLLATE "C", ip_address text COLLATE "C" NOT NULL, '
        'user_agent text COLLATE "C" NOT NULL, duration_ms double precision NOT NULL, reason text COLLATE "C", '
        'hint text COLLATE "C", error bytea, recorded bytea, PRIMARY KEY (world, sequence))',
        "CREATE INDEX request_by_id ON request (world, id)",
        "CREATE INDEX request_by_end ON request (world, ended_ms)",
    ),
    "drawer": (
        'CREATE TABLE drawer (name text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, '
        "content bytea NOT NULL, used bigint NOT NULL, PRIMARY KEY (name, key))",
        "CREATE INDEX drawer_by_use ON drawer (name, used)",
    ),
}


def made(table: Table) -> list[str]:
    """The statements that make a table, its indexes and its policies."""
    indexes = [statement for index in table.indexes for statement in index_made(table, index)]
    return [table_sql(table), *indexes, *secured(table)]


def table_sql(table: Table) -> str:
    """The statement that makes a table."""
    parts = [f"tenant bigint NOT NULL DEFAULT {MINE}"]
    parts += [f"{quoted(name)} {declared(type)}" for name, type in table.columns.items()]
    parts += [f"UNIQUE (tenant, {quoted(name)})" for name in table.unique]
    parts.append(f"PRIMARY KEY (tenant{''.join(f', {quoted(name)}' for name in table.key)})")
    return f"CREATE TABLE {table.name} ({', '.join(parts)})"


def declared(type: str) -> str:
    """A column's type."""
    word, *rest = type.split(" ")
    return " ".join((TYPES[word], *rest))


def type_of(type: str) -> str:
    """The same as PostgreSQL tells it of a column that is there."""
    return TYPES[type.partition(" ")[0]].partition(" COLLATE")[0]


def index_made(table: Table, index: Index) -> tuple[str, str]:
    """The statement that makes an index, and the one that has the index remember it."""
    where = f" WHERE {index.where}" if index.where else ""
    sql = f"CREATE INDEX {index.name} ON {table.name} (tenant, {index.columns}){where}"
    remembered = sql.replace("'", "''")
    return sql, f"COMMENT ON INDEX {index.name} IS '{remembered}'"


def secured(table: Table) -> list[str]:
    """The statements that show each session the rows of its own world alone; the owner also what it copies."""
    return [
        f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY mine ON {table.name} USING (tenant = {MINE}) WITH CHECK (tenant = {MINE})",
        f"CREATE POLICY copied ON {table.name} FOR SELECT TO CURRENT_USER USING (tenant = {COPIED})",
    ]


def functions(tables: dict[str, list[str]]) -> dict[str, str]:
    """What is done to a world as a whole, by the database itself: the statement that makes each function.

    `tables` are those that worlds share, with their columns: all that are there, whichever version has made them.
    """
    emptied = " ".join(f"DELETE FROM {table};" for table in tables)
    copied = " ".join(copied_sql(table, columns) for table, columns in tables.items())
    measured = " + ".join(f"(SELECT coalesce(sum(pg_column_size({table}.*)), 0) FROM {table})" for table in tables)
    return {
        "empty_world": "CREATE OR REPLACE FUNCTION empty_world() RETURNS void LANGUAGE plpgsql AS "
        f"$$ BEGIN {emptied} END $$",
        "copy_world": "CREATE OR REPLACE FUNCTION copy_world(source bigint) RETURNS void LANGUAGE plpgsql "
        f"SECURITY DEFINER SET search_path = {SCHEMA}, pg_temp AS $$ BEGIN "
        f"PERFORM set_config('emulator.copied', source::text, true); {copied} "
        "PERFORM set_config('emulator.copied', '', true); END $$",
        "measure_world": "CREATE OR REPLACE FUNCTION measure_world() RETURNS bigint LANGUAGE sql STABLE AS "
        f"$$ SELECT ({measured})::bigint $$",
    }


def copied_sql(table: str, columns: list[str]) -> str:
    """The statement that gives a world the rows that another has in a table."""
    names = ", ".join(map(quoted, columns))
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE tenant = source;"
