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


def log_of(database: SqliteDatabase) -> Path:
    """What has been written ahead of a world."""
    (log,) = Path(database.place).glob("*.sqlite-wal")
    return log


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


@pytest.mark.parametrize("too_many_pages, begins_anew", [(0, True), (10_000, False)])
def test_where_much_has_gathered_the_log_begins_anew_whoever_writes_meanwhile(
    notes, database, monkeypatch, too_many_pages, begins_anew
):
    monkeypatch.setattr(folding, "TOO_MANY_PAGES", too_many_pages)
    (world,) = database.opened.values()
    looking = world.reading()

    class First:
        """Folds back while others are busy: not all of it, though of what SQLite found there it says that it did."""

        def __init__(self, cursor: sqlite3.Cursor) -> None:
            self.cursor, self.connection = cursor, cursor.connection

        def execute(self, sql: str) -> First | sqlite3.Cursor:
            if world.lock.locked():
                return self.cursor.execute(sql)
            self.written = self.cursor.execute(sql).fetchone()[1]
            looking.__exit__(None, None, None)
            return self

        def fetchone(self) -> tuple[int, int, int]:
            return 0, self.written, self.written

    for number in range(50):
        if number == 25:
            looking.__enter__().one("SELECT data FROM note")
        notes.post("/v1/notes", "text=" + "x" * 4_000)
    take, give_back = SqliteWorld.take, SqliteWorld.give_back
    monkeypatch.setattr(SqliteWorld, "take", lambda self: First(take(self)))
    monkeypatch.setattr(SqliteWorld, "give_back", lambda self, taken: give_back(self, getattr(taken, "cursor", taken)))

    world.fold()
    monkeypatch.setattr(SqliteWorld, "take", take)
    folded, written = in_the_file(database), log_of(database).stat().st_size
    for _ in range(10):
        notes.post("/v1/notes", "text=afterwards")

    assert (folded == 51) is begins_anew
    assert (log_of(database).stat().st_size == written) is begins_anew


def test_a_world_that_is_gone_or_closed_is_left_alone(notes, database):
    (world,) = database.opened.values()
    world.end()

    world.fold()

    assert in_the_file(database) == 1, "the last to close it folds it back"
