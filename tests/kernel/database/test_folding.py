"""What is written ahead of a world goes back into its file beside requests, and never at the end of a commit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from emulator.kernel.database import folding
from emulator.kernel.database.sqlite import SqliteDatabase, SqliteWorld
from tests.kernel.notes import NotesClient


@pytest.fixture
def database(notes: NotesClient) -> SqliteDatabase:
    """The database of a world with a note, whose file is as it was made."""
    assert notes.post("/v1/notes", "text=first").status_code == 200
    return notes.app.tenants.database  # type: ignore[attr-defined]


def in_the_file(database: SqliteDatabase) -> int:
    """How many notes a world's file has, whatever has been written ahead of it."""
    (file,) = Path(database.place).glob("*.sqlite")
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'note'").fetchone()[0]
        return connection.execute("SELECT count(*) FROM note").fetchone()[0] if tables else 0


def test_no_commit_folds_back_however_much_is_written_ahead(notes, database):
    for _ in range(50):
        notes.post("/v1/notes", "text=" + "x" * 4_000)

    assert in_the_file(database) == 0


def test_after_many_commits_it_is_done_beside_them(notes, database, monkeypatch):
    monkeypatch.setattr(folding, "MANY_COMMITS", 3)
    for _ in range(9):
        notes.post("/v1/notes", "text=more")

    database.folding.close()

    assert in_the_file(database) >= 7
    assert len(notes.get("/v1/notes?limit=100").json["data"]) == 10


def test_writers_wait_for_it_only_where_too_much_has_gathered(notes, database, monkeypatch):
    (world,) = database.opened.values()
    alone: list[bool] = []
    monkeypatch.setattr(folding, "TOO_MANY_PAGES", 0)

    class Busy:
        """Says that not all could be folded back."""

        def __init__(self, cursor: sqlite3.Cursor) -> None:
            self.cursor, self.connection = cursor, cursor.connection

        def execute(self, sql: str) -> Busy:
            alone.append(world.lock.locked())
            self.cursor.execute(sql)
            return self

        def fetchone(self) -> tuple[int, int, int]:
            return 0, 2, 1

    take = SqliteWorld.take
    monkeypatch.setattr(SqliteWorld, "take", lambda self: Busy(take(self)))
    monkeypatch.setattr(SqliteWorld, "give_back", lambda self, cursor: cursor.connection.close())

    world.fold()

    assert alone == [False, True]


def test_a_world_that_is_gone_or_closed_is_left_alone(notes, database):
    (world,) = database.opened.values()
    world.end()

    world.fold()

    assert in_the_file(database) == 1, "the last to close it folds it back"
