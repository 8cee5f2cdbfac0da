"""A look at a world from outside: how old it is, how large, how much is in it. Opens no tenant and writes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from emulator.kernel.catalog import Catalog
from emulator.kernel.store import table_of
from emulator.kernel.tenants import opened_to_read
from emulator.kernel.world import read_tenant_row


class Glance(NamedTuple):
    """One world. Times are real ones, whatever its clock shows; `objects` are those that lists show."""

    name: str
    created: int
    changed: int
    size: int  # bytes on disk
    objects: int


def glance(file: Path, catalog: Catalog) -> Glance | None:
    """What a world's files say of it; None where they are gone, only being made, or cannot be read."""
    written = [file, file.with_name(file.name + "-wal")]
    try:
        with closing(opened_to_read(file)) as connection:
            name = read_tenant_row(connection).name
            counts = [counted(connection, kind) for kind in catalog.records.values() if is_shown(kind)]
        states = [one.stat() for one in written if one.exists()]
    except (OSError, sqlite3.Error):
        return None
    return Glance(
        name=name,
        created=min((first for _, first in counts if first), default=0),
        changed=int(max(state.st_mtime for state in states)),
        size=sum(state.st_size for state in states),
        objects=sum(count for count, _ in counts),
    )


def is_shown(kind: type) -> bool:
    """Whether records of a kind lie in a table of their own, and some list shows them."""
    return getattr(kind, "is_stored", True) and getattr(kind, "is_listed", True)


def counted(connection: sqlite3.Connection, kind: type) -> tuple[int, int | None]:
    """How many records of a kind there are, and when the first was created."""
    table = table_of(kind)
    return connection.execute(
        f"SELECT (SELECT count(*) FROM {table}), (SELECT created FROM {table} ORDER BY sequence LIMIT 1)"
    ).fetchone()
