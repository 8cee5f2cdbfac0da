"""The doctor: recomputes every total from the movements and names whatever differs from its source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from emulator.kernel.catalog import Catalog
from emulator.kernel.tenants import Tenant, Tenants
from emulator.kernel.world import World


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    tenant: str
    what: str
    detail: str


def examine(directory: Path, catalog: Catalog) -> list[Finding]:
    """Everything wrong in a data directory; an empty list when the books are whole."""
    tenants = Tenants(directory, catalog)
    try:
        return [finding for tenant in tenants.all() for finding in examine_tenant(tenant)]
    finally:
        tenants.close()


def examine_tenant(tenant: Tenant) -> Iterator[Finding]:
    """Everything wrong with one tenant, read in one consistent look."""
    with tenant.connection() as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            yield Finding(tenant.name, "database", verdict)
    with tenant.reading() as step:
        for book, kept, summed in step.ledger.differing_totals():
            yield Finding(tenant.name, "total", f"{book} says {kept}, its lines say {summed}")
        for movement, imbalance in step.ledger.unbalanced_movements():
            yield Finding(tenant.name, "movement", f"{movement} is out of balance by {imbalance}")
        for item in step.agenda.failures():
            yield Finding(tenant.name, "due work", f"{item['action']} for {item['about']}: {item['failure']}")
        for sentence in (*step.outbox.faults(), *step.asks.faults()):
            yield Finding(tenant.name, "delivery", sentence)
        for sentence in tenant.catalog.audit(World(step, step.row.platform)):
            yield Finding(tenant.name, "record", sentence)
