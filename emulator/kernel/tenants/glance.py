"""A look at a world from outside: how old it is, how large, how much is in it. Writes nothing and does no due work."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from emulator.kernel.catalog import Catalog
from emulator.kernel.database.face import Database, Kept, WorldDamaged, WorldGone
from emulator.kernel.database.store import Store
from emulator.kernel.database.tenant_row import read_tenant_row


class Glance(NamedTuple):
    """One world. Times are real ones, whatever its clock shows; `objects` are those that lists show."""

    name: str
    created: int
    changed: int
    size: int  # bytes where it is kept
    objects: int


def glance(database: Database, kept: Kept, catalog: Catalog) -> Glance | None:
    """What is stored of a world says of it; None where it is gone, or cannot be read."""
    try:
        with closing(database.open(kept.handle)) as world, world.reading() as session:
            row, store = read_tenant_row(session), Store(session)
            objects = sum(store.count(kind, ()) for kind in catalog.records.values() if is_shown(kind))
    except (WorldDamaged, WorldGone):
        return None
    return Glance(row.name, row.created or 0, int(kept.changed), kept.bytes, objects)


def is_shown(kind: type) -> bool:
    """Whether records of a kind lie in a table of their own, and some list shows them."""
    return getattr(kind, "is_stored", True) and getattr(kind, "is_listed", True)
