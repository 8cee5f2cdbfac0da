"""What the records of a world look like: of which schema they are, how each kind is filed, in which version it is kept.

A program of a later schema, one that files by something more or by what has become of another type, and one that has
given a kind another meaning writes the records of each world anew when it opens it, as it does with files.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from emulator.kernel.database.face import WorldDamaged
from emulator.kernel.database.schema import SCHEMA_VERSION, Schema, type_of
from emulator.kernel.database.store import refile

if TYPE_CHECKING:
    from emulator.kernel.database.postgres.session import PostgresSession

UNFILED = "unfiled:"  # before the name of the shape of a world whose columns were made anew
HAVE_ALL_FILED = f"UPDATE world SET shape = '{UNFILED}' || shape WHERE NOT starts_with(shape, '{UNFILED}')"
KEEP = "INSERT INTO shape (name, kinds) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING"


class Shape:
    """The shape that worlds have in this program. It has a name, by which what it says is kept once for all worlds."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.kinds = {
            name: [kind.version, {filter: type_of(kind, filter) for filter in sorted(kind.filters)}]
            for name, kind in sorted(schema.records.items())
        }
        self.content = orjson.dumps({"schema": SCHEMA_VERSION, "kinds": self.kinds})
        self.name = hashlib.sha256(self.content).hexdigest()[:32]

    def refile(self, session: PostgresSession, shape: str) -> None:
        """Bring the records of a world of another shape into this one. WorldDamaged where that is a later one."""
        if shape == self.name:
            return
        row = session.one("SELECT kinds FROM shape WHERE name = :shape", shape=shape.removeprefix(UNFILED))
        had = orjson.loads(row[0]) if row is not None else {}
        is_anew = shape.startswith(UNFILED) or had.get("schema", 0) < SCHEMA_VERSION
        for name, (version, filters) in self.kinds.items():
            before, filed_by = had.get("kinds", {}).get(name, (version, filters))
            if before > version:
                raise WorldDamaged(
                    f"What the database {session.place} keeps of this world was written by a newer version of the "
                    f"emulator ({name} is at {before}), which can read it."
                )
            if is_anew or before < version or not filters.items() <= filed_by.items():
                refile(session, self.schema.records[name], before)
        session.note_versions()


def shape_of(session: PostgresSession, handle: str) -> str:
    """The name of the shape of the world that a session changes, which no other changes meanwhile."""
    ((shape,),) = session.all("SELECT shape FROM world WHERE handle = :handle", handle=handle)
    return shape
