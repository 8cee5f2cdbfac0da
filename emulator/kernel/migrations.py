"""The tables of a tenant's database: the kernel's own as ordered migrations, a resource's from its record.

The database's `user_version` is the number of kernel migrations it has had. A database with more than this program
knows belongs to a newer one and is left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlite_utils import Database

from emulator.kernel.store import create_table, refile, table_of
from emulator.kernel.store import version_of as version_of_record

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
        details BLOB NOT NULL
    );
    CREATE INDEX movement_by_owner ON movement (owner, created DESC, sequence DESC);
    CREATE INDEX movement_by_flow ON movement (flow, owner, created DESC, sequence DESC);
    CREATE INDEX movement_by_transaction ON movement (transaction_id, created DESC, sequence DESC)
        WHERE transaction_id IS NOT NULL;
    CREATE TABLE line (
        movement INTEGER NOT NULL, book TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (movement, book)
    ) WITHOUT ROWID;
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
    CREATE TABLE subscriber (
        sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, account TEXT NOT NULL,
        hears TEXT NOT NULL, enabled INTEGER NOT NULL, answers INTEGER NOT NULL, retries INTEGER NOT NULL,
        url TEXT NOT NULL, api_version TEXT, secrets BLOB NOT NULL
    );
    CREATE TABLE wanted (type TEXT NOT NULL, subscriber TEXT NOT NULL, PRIMARY KEY (type, subscriber));
    CREATE INDEX wanted_by_subscriber ON wanted (subscriber);
    CREATE TABLE clinic (scope TEXT PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE delivery (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, account TEXT NOT NULL, type TEXT NOT NULL,
        subscriber TEXT NOT NULL, reason TEXT NOT NULL, state TEXT NOT NULL, lane INTEGER NOT NULL,
        created INTEGER NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL, acknowledged INTEGER NOT NULL,
        held INTEGER NOT NULL, troubles BLOB
    );
    CREATE INDEX delivery_by_event ON delivery (event);
    CREATE INDEX delivery_waiting ON delivery (subscriber, lane, due_at, sequence) WHERE state = 'waiting';
    CREATE INDEX delivery_unacknowledged ON delivery (event) WHERE acknowledged = 0;
    CREATE TABLE attempt (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, delivery INTEGER NOT NULL, number INTEGER NOT NULL,
        created INTEGER NOT NULL, began_ms INTEGER NOT NULL, duration_ms INTEGER NOT NULL, status INTEGER,
        headers BLOB NOT NULL, body BLOB NOT NULL, error TEXT, troubles BLOB, calls BLOB
    );
    CREATE INDEX attempt_by_delivery ON attempt (delivery);
    CREATE TABLE ask (
        event TEXT PRIMARY KEY, delivery INTEGER NOT NULL, account TEXT NOT NULL, type TEXT NOT NULL,
        about TEXT NOT NULL, subscriber TEXT NOT NULL, created INTEGER NOT NULL, asked_at_ms INTEGER NOT NULL,
        timeout_ms INTEGER NOT NULL, decided INTEGER NOT NULL, finished INTEGER NOT NULL, outcome TEXT,
        duration_ms INTEGER, request_id TEXT, idempotency_key TEXT, path TEXT, fingerprint BLOB, expand BLOB
    );
    CREATE INDEX ask_open ON ask (about) WHERE decided = 0;
    CREATE INDEX ask_unfinished ON ask (asked_at_ms) WHERE finished = 0;
    """,
    """
    ALTER TABLE tenant ADD COLUMN faults INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE fault (
        sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, method TEXT, path TEXT, remaining INTEGER NOT NULL,
        should_retry INTEGER, rate_limited_reason TEXT, milliseconds INTEGER
    );
    """,
    "CREATE TABLE record_version (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;",
    # Due actions name their product.
    """
    UPDATE due SET action = CASE substr(action, 1, instr(action, '.'))
        WHEN 'onboarding.' THEN 'connect.' WHEN 'topups.' THEN 'balances.'
        WHEN 'authorizations.' THEN 'issuing.' WHEN 'cardholders.' THEN 'issuing.' WHEN 'disputes.' THEN 'issuing.'
        WHEN 'debit_reversals.' THEN 'treasury.' WHEN 'financial_accounts.' THEN 'treasury.'
        WHEN 'outbound_transfers.' THEN 'treasury.' ELSE '' END || action;
    """,
    """
    ALTER TABLE ask ADD COLUMN version TEXT;
    """,
    # Accounts are verified by the module that reviews them.
    "UPDATE due SET action = 'connect.reviewing.verify' WHERE action = 'connect.onboarding.verify';",
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
    connection.execute("BEGIN IMMEDIATE")
    database = Database(connection)
    versions = dict(connection.execute("SELECT name, version FROM record_version"))
    for record in records:
        if getattr(record, "is_stored", True):
            name, version = table_of(record), version_of_record(record)
            had = versions.get(name, 1)
            if had > version:
                raise NewerData(f"The data was written by a newer version of the emulator ({name} is at {had}).")
            if create_table(database, record) or had < version:
                refile(connection, record, had)
            if had < version:
                connection.execute("INSERT OR REPLACE INTO record_version VALUES (?, ?)", (name, version))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.commit()


def version_of(connection: sqlite3.Connection) -> int:
    """How many kernel migrations a database has had."""
    return connection.execute("PRAGMA user_version").fetchone()[0]
