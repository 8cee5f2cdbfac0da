"""Where worlds are kept, as people say it: a folder, or a database by its URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
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
    with its_driver():
        from emulator.kernel.database.postgres.database import PostgresDatabase
    return PostgresDatabase(str(place), records)


def installation() -> ModuleType:
    """What makes a database ready for worlds. NoDatabase."""
    with its_driver():
        from emulator.kernel.database.postgres import installation
    return installation


@contextmanager
def its_driver() -> Iterator[None]:
    """What needs PostgreSQL's driver, which is no part of a plain installation. NoDatabase without it."""
    try:
        yield
    except ImportError as missing:  # psycopg says so itself where it finds no libpq
        if (missing.name or "psycopg").partition(".")[0] not in ("psycopg", "psycopg_pool"):
            raise
        raise NoDatabase(f"PostgreSQL needs its driver: {EXTRA}") from None
