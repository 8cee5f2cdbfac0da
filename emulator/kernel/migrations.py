"""The tables of a tenant's database: the kernel's own as ordered migrations, a resource's from its record.

The database's `user_version` is the number of kernel migrations it has had. A database with more than this program
knows belongs to a newer one and is left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlite_utils import Database

from emulator.kernel.store import create_table

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE tenant (
        name TEXT NOT NULL, generator BLOB NOT NULL, draws INTEGER NOT NULL, platform TEXT NOT NULL,
        clock_offset INTEGER NOT NULL, frozen_at INTEGER, last_now INTEGER NOT NULL,
        generation INTEGER NOT NULL, settings BLOB NOT NULL
    );
    CREATE TABLE acting_account (id TEXT PRIMARY KEY, is_open INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE movement (
        sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, owner TEXT NOT NULL,
        kind TEXT NOT NULL, flow TEXT, flow_type TEXT, transaction_id TEXT, created INTEGER NOT NULL,
        effective_at INTEGER NOT NULL, details BLOB NOT NULL
    );
    CREATE INDEX movement_by_owner ON movement (owner, created DESC, sequence DESC);
    CREATE INDEX movement_by_effect ON movement (owner, effective_at DESC, sequence DESC);
    CREATE INDEX movement_by_flow ON movement (flow, sequence DESC);
    CREATE INDEX movement_by_transaction ON movement (transaction_id, created DESC, sequence DESC);
    CREATE TABLE line (movement INTEGER NOT NULL, book TEXT NOT NULL, amount INTEGER NOT NULL);
    CREATE INDEX line_by_movement ON line (movement);
    CREATE TABLE total (book TEXT PRIMARY KEY, amount INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE tally (
        scope TEXT NOT NULL, period TEXT NOT NULL, part TEXT NOT NULL, amount INTEGER NOT NULL,
        PRIMARY KEY (scope, period, part)
    ) WITHOUT ROWID;
    CREATE TABLE due (
        sequence INTEGER PRIMARY KEY, due_at INTEGER NOT NULL, account TEXT NOT NULL, action TEXT NOT NULL,
        about TEXT NOT NULL, details BLOB NOT NULL, failure TEXT
    );
    CREATE INDEX due_next ON due (due_at, sequence) WHERE failure IS NULL;
    CREATE INDEX due_about ON due (about);
    CREATE TABLE idempotent_reply (
        account TEXT NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, fingerprint BLOB NOT NULL,
        request_id TEXT NOT NULL, created INTEGER NOT NULL, status INTEGER, body BLOB,
        PRIMARY KEY (account, key)
    ) WITHOUT ROWID;
    CREATE INDEX idempotent_reply_age ON idempotent_reply (created);
    """,
)
SCHEMA_VERSION = len(MIGRATIONS)


class NewerData(Exception):
    """A data directory that a newer version of this program has written."""


def migrate(connection: sqlite3.Connection, records: Sequence[type]) -> None:
    """Bring a tenant's database to this program's schema. NewerData when it is already beyond it."""
    had = version_of(connection)
    if had > SCHEMA_VERSION:
        raise NewerData(
            f"The data was written by a newer version of the emulator (schema {had}, this one knows {SCHEMA_VERSION})."
        )
    for script in MIGRATIONS[had:]:
        connection.executescript(script)
    database = Database(connection)
    for record in records:
        create_table(database, record)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.commit()


def version_of(connection: sqlite3.Connection) -> int:
    """How many kernel migrations a database has had."""
    return connection.execute("PRAGMA user_version").fetchone()[0]
