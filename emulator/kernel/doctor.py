"""The doctor: recomputes every total from the movements and names whatever differs from its source.

It looks and never touches: files are opened to read only, and what has fallen due is left undone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from emulator.kernel.catalog import Catalog
from emulator.kernel.migrations import migrate
from emulator.kernel.tenants import Tenant, is_current, opened_to_read, refuse_newer, time_of
from emulator.kernel.world import Request, Step, World, read_tenant_row


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    tenant: str
    what: str
    detail: str


def examine(directory: Path, catalog: Catalog) -> list[Finding]:
    """Everything wrong in a data directory; an empty list when the books are whole."""
    files = sorted(directory.glob("*.sqlite"))
    for file in files:
        refuse_newer(file)
    return [finding for file in files for finding in examine_file(file, catalog)]


def examine_tenant(tenant: Tenant) -> Iterator[Finding]:
    """Everything wrong with one tenant."""
    return examine_file(tenant.file, tenant.catalog)


def examine_file(file: Path, catalog: Catalog) -> Iterator[Finding]:
    """Everything wrong in one tenant's database, read in one consistent look."""
    with closing(opened_to_read(file)) as stored:
        if is_current(stored, catalog):
            yield from examine_database(stored, catalog)
            return
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
            stored.backup(copy)
            migrate(copy, tuple(catalog.records.values()))
            yield from examine_database(copy, catalog)


def examine_database(connection: sqlite3.Connection, catalog: Catalog) -> Iterator[Finding]:
    """Everything wrong in a database that has this program's tables."""
    connection.execute("BEGIN")
    row = read_tenant_row(connection)
    step = Step(connection, catalog, row, time_of(row), Request(), origin="")
    verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        yield Finding(row.name, "database", verdict)
    for book, kept, summed in step.ledger.differing_totals():
        yield Finding(row.name, "total", f"{book} says {kept}, its lines say {summed}")
    for movement, imbalance in step.ledger.unbalanced_movements():
        yield Finding(row.name, "movement", f"{movement} is out of balance by {imbalance}")
    for sentence in step.ledger.faults():
        yield Finding(row.name, "movement", sentence)
    for item in step.agenda.failures():
        yield Finding(row.name, "due work", f"{item['action']} for {item['about']}: {item['failure']}")
    for sentence in (*step.outbox.faults(), *step.asks.faults()):
        yield Finding(row.name, "delivery", sentence)
    for sentence in catalog.audit(World(step, row.platform)):
        yield Finding(row.name, "record", sentence)
