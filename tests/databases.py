"""Databases for tests: the suite's own PostgreSQL server, and a database in place of every folder with worlds in it.

With `--database postgres` whatever a test would keep in a folder is kept in a database that stands for the folder, in
this process and in those that it starts; tests that are about files are skipped, by the lists in tests/about_files.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bench import running
from bench.postgres import NoPostgres, PostgresServer, prepare
from emulator.catalog import CATALOG
from emulator.kernel.database import place
from emulator.kernel.database.face import Database
from emulator.kernel.database.postgres.address import place_of
from emulator.kernel.database.postgres.installation import install
from emulator.kernel.database.schema import Schema


@contextmanager
def postgres_server(prepared: Callable[[str], None] | None = prepare, **settings: str) -> Iterator[PostgresServer]:
    """A server for the length of a block, whose databases can hold worlds. Skips where no PostgreSQL can be had."""
    try:
        server = PostgresServer(prepared, settings=settings)
    except NoPostgres as reason:
        pytest.skip(str(reason))
    with server:
        yield server


class InPlaceOfFolders:
    """A database for each folder, made when somebody first keeps worlds there, or one that another folder has had."""

    def __init__(self, server: PostgresServer, processes: int = 0) -> None:
        """A server that tests start is so many processes, where that is said."""
        self.server = server
        self.several = ("--workers", str(processes)) if processes else ()
        self.urls: dict[Path, str] = {}
        self.kinds: dict[Path, tuple[type, ...] | None] = {}  # of records, where they are not those of the catalog
        self.free: dict[tuple[type, ...] | None, list[str]] = {}

    def url_of(self, folder: Path, kinds: tuple[type, ...] | None = None) -> str:
        """The database that stands for a folder. Guests of the kernel's tests make their own tables in it."""
        key = folder.absolute()
        if key not in self.urls:
            free = self.free.get(kinds)
            self.urls[key] = free.pop() if free else self.server.database(is_prepared=kinds is None)
            self.kinds[key] = kinds
        return self.urls[key]

    def called(self, folder: Path) -> str:
        """How a server tells where the worlds are that would be in a folder."""
        return place_of(self.url_of(folder))

    def database_at(self, where: Path | str, records: Iterable[type], **options: Any) -> Database:
        """The worlds that are kept there, in a database in any case."""
        kinds = tuple(records)
        if not place.is_url(where):
            guests = None if kinds == tuple(CATALOG.records.values()) else kinds
            folder = Path(where)
            where = self.url_of(folder, guests)
            if guests is not None and install(where, Schema(kinds)) and self.kinds[folder.absolute()] != guests:
                self.kinds[folder.absolute()] = ()  # nobody else has these tables
        return DATABASE_AT(where, kinds)

    def kept(self, worlds: Path | str | None) -> list[str]:
        """How `serve` is told."""
        return KEPT(self.url_of(worlds) if isinstance(worlds, Path) else worlds)

    def start(self, one: running.Running, worlds: Path | str | None, *options: str, **how: Any) -> None:
        """Start a server; one of worlds in a folder is several processes where that is said."""
        several = self.several if isinstance(worlds, Path) and "--workers" not in options else ()
        START(one, worlds, *options, *several, **how)

    def forget_within(self, folder: Path) -> None:
        """Nothing stands any more for folders within that one."""
        for key in [key for key in self.urls if key.is_relative_to(folder)]:
            url, kinds = self.urls.pop(key), self.kinds.pop(key)
            if kinds == ():
                self.server.drop(url)
            else:
                self.free.setdefault(kinds, []).append(self.server.emptied(url))


KEPT, START, DATABASE_AT = running.kept, running.Running.__init__, place.database_at


@contextmanager
def kept_in_files() -> Iterator[None]:
    """Keep in folders what is kept in folders, for the length of a block, in any case."""
    with mock.patch("emulator.app.database_at", DATABASE_AT):
        yield


@contextmanager
def in_place_of_folders(server: PostgresServer, processes: int = 0) -> Iterator[InPlaceOfFolders]:
    """Keep in databases what would be kept in folders, for the length of a block."""
    places = InPlaceOfFolders(server, processes)
    with ExitStack() as stack:
        for user in ("emulator.app", "tests.kernel.notes"):
            stack.enter_context(mock.patch(f"{user}.database_at", places.database_at))
        stack.enter_context(mock.patch("bench.running.kept", places.kept))
        stack.enter_context(
            mock.patch.object(running.Running, "__init__", lambda *all, **how: places.start(*all, **how))
        )
        yield places
