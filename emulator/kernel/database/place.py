"""Where worlds are kept, as people say it: a folder, or a database by its URL."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.kernel.database.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from emulator.kernel.database.face import Database

SCHEMES = ("postgresql://", "postgres://")
EXTRA = "pip install 'stripe-issuing-emulator[postgres]'"


class NoDatabase(Exception):
    """Why a database cannot be served, in a sentence that says what to do."""


def is_url(place: Path | str) -> bool:
    """Whether a place is a database's address, and no folder."""
    return isinstance(place, str) and place.startswith(SCHEMES)


def database_at(
    place: Path | str, records: Iterable[type], *, durable: bool = False, is_locked: bool = False
) -> Database:
    """The worlds that are kept there. NoDatabase, DirectoryInUse, OSError."""
    if not is_url(place):
        return SqliteDatabase(Path(place), records, durable=durable, is_locked=is_locked)
    try:
        from emulator.kernel.database.postgres.database import PostgresDatabase
    except ModuleNotFoundError as missing:
        if missing.name not in ("psycopg", "psycopg_pool"):
            raise
        raise NoDatabase(f"PostgreSQL needs its driver: {EXTRA}") from None
    return PostgresDatabase(str(place), records)
