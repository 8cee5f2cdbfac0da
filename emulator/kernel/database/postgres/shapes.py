"""What the records of a world look like: how each kind is filed, and in which version it is kept.

A program that files by something more, or that has given a kind another meaning, writes the records of each world anew
when it opens it, as it does with files.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from emulator.kernel.database.face import WorldDamaged
from emulator.kernel.database.schema import Schema
from emulator.kernel.database.store import refile

if TYPE_CHECKING:
    from emulator.kernel.database.postgres.session import PostgresSession

KEEP = "INSERT INTO shape (name, kinds) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING"


class Shape:
    """The shape that worlds have in this program. It has a name, by which what it says is kept once for all worlds."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.kinds = {name: [kind.version, sorted(kind.filters)] for name, kind in sorted(schema.records.items())}
        self.content = orjson.dumps(self.kinds)
        self.name = hashlib.sha256(self.content).hexdigest()[:32]

    def refile(self, session: PostgresSession, shape: str) -> None:
        """Bring the records of a world of another shape into this one. WorldDamaged where that is a later one."""
        if shape == self.name:
            return
        row = session.one("SELECT kinds FROM shape WHERE name = :shape", shape=shape)
        had = orjson.loads(row[0]) if row is not None else {}
        for name, (version, filters) in self.kinds.items():
            before, filed_by = had.get(name, (version, filters))
            if before > version:
                raise WorldDamaged(
                    f"What the database {session.place} keeps of this world was written by a newer version of the "
                    f"emulator ({name} is at {before}), which can read it."
                )
            if before < version or not set(filters) <= set(filed_by):
                refile(session, self.schema.records[name], before)
        session.note_versions()
