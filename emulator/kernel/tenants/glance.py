"""A look at a world from outside: how old it is, how large, how much is in it. Opens no tenant and writes nothing."""

from __future__ import annotations

from typing import NamedTuple

from emulator.kernel.catalog import Catalog
from emulator.kernel.database.face import Database, Kept, StorageFails, WorldDamaged, WorldGone
from emulator.kernel.database.store import Store
from emulator.kernel.database.tenant_row import read_tenant_row


class Glance(NamedTuple):
    """One world. Times are real ones, whatever its clock shows; `objects` are those that lists show."""

    id: str  # its handle
    name: str | None
    created: int | None
    changed: int
    size: int  # bytes where it is kept
    objects: int | None
    generation: int | None
    damage: str | None = None


def glance(database: Database, kept: Kept, catalog: Catalog) -> Glance | None:
    """What is stored of a world says of it, or what is wrong with it; None where it is gone since it was listed."""
    seen = int(kept.changed), kept.bytes
    try:
        with database.looking(kept.handle) as session:
            row, store = read_tenant_row(session), Store(session)
            objects = sum(store.count(kind, ()) for kind in catalog.stored if kind.has_list)
    except (WorldDamaged, StorageFails) as damage:
        return Glance(kept.handle, None, None, *seen, None, None, str(damage))
    except WorldGone:
        return None
    return Glance(kept.handle, row.name, row.created, *seen, objects, row.generation)
