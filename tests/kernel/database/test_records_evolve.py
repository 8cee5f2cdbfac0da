"""Records stored before their class gained a member, a filter or another meaning are read, listed and changed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import MISSING, field, fields
from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator.catalog import CATALOG
from emulator.developer import events
from emulator.developer.cli_sessions import Session
from emulator.kernel.catalog import Catalog
from emulator.kernel.database.doctor import examine
from emulator.kernel.database.face import WorldDamaged
from emulator.kernel.database.place import is_url
from emulator.kernel.database.postgres.installation import install
from emulator.kernel.database.schema import SCHEMA_VERSION, Schema
from emulator.kernel.records import filled, record, replace
from emulator.kernel.render import ordered, shown
from emulator.kernel.step import Step
from emulator.kernel.tenants import Tenants
from emulator.kernel.tenants.copies import imported
from emulator.kernel.world import World
from tests.kernel.database.older_worlds import brought_up
from tests.kernel.notes import CATALOG as GUESTS
from tests.kernel.notes import Note, Notes, NotesClient, notes_app, served

OPTIONAL = [
    (kind, one.name)
    for kind in CATALOG.stored
    for one in fields(kind)
    if one.default is not MISSING or one.default_factory is not MISSING
]


# Every record there is, as if one of its members were new


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with every kind of record, brought up to date."""
    return brought_up(tmp_path_factory.mktemp("evolving"))


def forgotten(file: Path, kind: Any, member: str) -> tuple[dict[str, Any], bool]:
    """Take a member out of every stored record of a kind, and the columns of filters that are it or may follow from it.

    What each record of the kind says that had the default; and whether that was all of them.
    """
    default = next(one for one in fields(kind) if one.name == member)
    value = default.default_factory() if default.default is MISSING else default.default  # type: ignore[misc]
    as_they_were, others = {}, 0
    with closing(sqlite3.connect(file)) as connection:
        for id, data in connection.execute(f"SELECT id, data FROM {kind.table}").fetchall():
            stored = orjson.loads(data)
            if stored.pop(member) == value:
                as_they_were[id] = filled(kind, orjson.loads(data)).__dict__
            else:
                others += 1
            connection.execute(f"UPDATE {kind.table} SET data = ? WHERE id = ?", (orjson.dumps(stored), id))
        for name in kind.filters:
            if name == member or isinstance(getattr(kind, name, None), property):
                connection.execute(f"DROP INDEX IF EXISTS {kind.table}_by_{name}")
                connection.execute(f"ALTER TABLE {kind.table} DROP COLUMN {name}")
        connection.commit()
    return as_they_were, not others


def everything(step: Step, kind: Any) -> list[tuple[World, Any]]:
    """Every record of a kind, and its account's view of the step."""
    return [(World(step, account), record) for account, record in step.store.every(kind)]


def test_the_world_has_every_kind_of_record(world: Path) -> None:
    with closing(sqlite3.connect(world)) as connection:
        empty = [kind for kind in CATALOG.stored if not connection.execute(f"SELECT 1 FROM {kind.table}").fetchone()]

    assert empty == []


@pytest.mark.parametrize("kind, member", OPTIONAL, ids=lambda it: it if isinstance(it, str) else it.table)
def test_a_record_without_an_optional_member_is_read_listed_and_changed(
    world: Path, tmp_path: Path, kind: Any, member: str
) -> None:
    file = Path(shutil.copy(world, tmp_path))
    as_they_were, had_all_the_default = forgotten(file, kind, member)

    tenants = served(tmp_path, CATALOG)
    tenant = tenants.open("old")
    with tenant.reading() as step:
        for inside, record in everything(step, kind):
            assert record.__dict__ == as_they_were.get(record.id, record.__dict__)
            assert hasattr(record, member)
            inside.render(record)
            for name in kind.filters:
                value = getattr(record, name)
                assert value is None or record in inside.all(kind, **{name: value})
    with tenant.writing() as step:
        for inside, record in everything(step, kind):
            inside.put(replace(record))
    tenants.close()

    findings = examine(tmp_path, CATALOG)
    assert not [finding for finding in findings if "cannot be checked" in finding.detail]
    assert not had_all_the_default or findings == []


def test_a_world_in_a_database_without_any_optional_member_is_read_listed_and_changed(
    world: Path, database: str
) -> None:
    tenants = served(database, CATALOG)
    imported(tenants.open("old"), world.read_bytes())
    with tenants.open("old").stored.writing() as session:  # as a version has left it that knew none of them
        kinds = {kind.table: [1, {}] for kind in CATALOG.stored}
        content = orjson.dumps({"schema": SCHEMA_VERSION, "kinds": kinds})
        session.run("INSERT INTO shape VALUES ('older', :content)", content=content)
        session.run("UPDATE world SET shape = 'older'")
        for kind in CATALOG.stored:
            optional = [member for of, member in OPTIONAL if of is kind]
            nothing = "".join(f', "{name}" = NULL' for name in kind.filters)
            for id, data in session.all(f"SELECT id, data FROM {kind.table}"):
                stored = {name: value for name, value in orjson.loads(data).items() if name not in optional}
                session.run(f"UPDATE {kind.table} SET data = :data{nothing} WHERE id = :id", id=id,
                            data=orjson.dumps(stored))  # fmt: skip
    tenants.close()

    tenants = served(database, CATALOG)
    with tenants.open("old").reading() as step:
        for kind in CATALOG.stored:
            found = everything(step, kind)
            assert found or kind is Session, kind  # which does not travel with its world
            for inside, one in found:
                inside.render(one)
                for name in kind.filters:
                    value = getattr(one, name)
                    assert value is None or one in inside.all(kind, **{name: value})
    with tenants.open("old").writing() as step:
        for kind in CATALOG.stored:
            for inside, one in everything(step, kind):
                inside.put(replace(one))
    tenants.close()

    assert not [finding for finding in examine(database, CATALOG) if "cannot be checked" in finding.detail]


# A record of our own that changes in every way


@record("note", prefix="nt", noun="note", filters=("status", "colour"), hidden=("private",), version=3)
class NoteOfToday(Note):
    """The guest's note after some years: a text has become lines, `about` is gone, and colour, pages, parts are new."""

    lines: tuple[str, ...] = ()
    colour: str = "white"
    pages: int = 1
    parts: list[str] = field(default_factory=lambda: ["front"])

    @staticmethod
    def upgrade(members: dict[str, Any], version: int) -> dict[str, Any]:
        """Version 2 had lines in place of a text, version 3 has no empty ones."""
        if version < 2:
            members["lines"] = members["text"].split("|")
        members["lines"] = [line for line in members["lines"] if line]
        return members

    def render(self, world: World) -> dict[str, Any]:
        """The note as it is."""
        return shown(self)


class Today:
    """The module as the catalog takes it."""

    RECORDS = (NoteOfToday,)


def made_ready(place: Path | str, catalog: Catalog) -> Path | str:
    """A place at which the program of that catalog can keep worlds: a database is made ready, or brought up to date."""
    if is_url(place):
        install(str(place), Schema(catalog.records.values()))
    return place


def upgraded(place: Path | str) -> Tenants:
    """The tenants of a place with notes, opened by the program of today."""
    today = Catalog((Today,))  # type: ignore[arg-type]
    return served(made_ready(place, today), today)


@pytest.fixture(params=["files", "postgres"])
def notes_of_then(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """A folder, or a database, with two notes, written by the guest as it was."""
    place = tmp_path if request.param == "files" else request.getfixturevalue("empty_database")
    notes = NotesClient(notes_app(made_ready(place, GUESTS)))
    notes.post("/v1/notes", "text=one||two&status=done&tags[0][name]=a")
    notes.post("/v1/notes", "text=three")
    notes.app.tenants.close()  # type: ignore[attr-defined]
    return place


def test_new_members_have_their_defaults_and_are_shown(notes_of_then: Path | str) -> None:
    with upgraded(notes_of_then).open("notes").reading() as step:
        newest, oldest = World(step, step.row.platform).all(NoteOfToday)
        rendered = World(step, step.row.platform).render(newest)

    assert (newest.colour, newest.pages, newest.parts, oldest.tags) == ("white", 1, ["front"], ["a"])
    assert (rendered["colour"], rendered["pages"], rendered["parts"]) == ("white", 1, ["front"])
    assert newest.parts is not oldest.parts


def test_a_record_with_new_members_is_changed_and_stored(notes_of_then: Path | str) -> None:
    tenant = upgraded(notes_of_then).open("notes")
    with tenant.writing() as step:
        world = World(step, step.row.platform)
        changed = world.put(replace(world.all(NoteOfToday)[0], parts=["back"]))

    with tenant.reading() as step:
        assert World(step, step.row.platform).get(NoteOfToday, changed.id) == changed
        assert ordered(changed.__dict__)["parts"] == ["back"]


def test_a_new_filter_finds_older_rows(notes_of_then: Path | str) -> None:
    with upgraded(notes_of_then).open("notes").reading() as step:
        world = World(step, step.row.platform)

        assert len(world.all(NoteOfToday, colour="white")) == 2
        assert world.all(NoteOfToday, colour="red") == []


def test_a_filter_of_another_type_finds_older_rows_and_so_does_the_version_before(notes_of_then: Path | str) -> None:
    def filed_by(kind: type) -> Catalog:
        return Catalog((type("Filed", (), {"RECORDS": (kind,)}),))  # type: ignore[arg-type]

    @record("note", prefix="nt", noun="note", filters=("size",))
    class FiledByText(Note):
        @property
        def size(self) -> str:
            return str(len(self.text))

    @record("note", prefix="nt", noun="note", filters=("size",))
    class FiledByNumber(Note):
        @property
        def size(self) -> int:
            return len(self.text)

    for kind, size in ((FiledByText, "5"), (FiledByNumber, 5), (FiledByText, "5")):
        catalog = filed_by(kind)
        tenants = served(made_ready(notes_of_then, catalog), catalog)
        with tenants.open("notes").reading() as step:
            assert [note.text for note in World(step, step.row.platform).all(kind, size=size)] == ["three"]
        tenants.close()


def test_what_has_another_meaning_is_upgraded_once(notes_of_then: Path | str) -> None:
    for _ in range(2):
        tenants = upgraded(notes_of_then)
        with tenants.open("notes").reading() as step:
            found = [note.lines for note in World(step, step.row.platform).all(NoteOfToday)]
        tenants.close()

        assert found == [["three"], ["one", "two"]]


def test_what_has_another_meaning_now_is_not_held_against_what_was_told_then(notes_of_then: Path | str) -> None:
    @record("note", prefix="nt", noun="note", filters=("status", "about"), hidden=("private",), version=2)
    class Shouted(Note):
        @staticmethod
        def upgrade(members: dict[str, Any], version: int) -> dict[str, Any]:
            return {**members, "text": members["text"].upper()}

    catalog = Catalog((type("Now", (Notes,), {"RECORDS": (Shouted,), "ROUTES": ()}), events))  # type: ignore[arg-type]
    looked_at = examine(made_ready(notes_of_then, catalog), catalog)
    tenants = served(notes_of_then, catalog)
    assert tenants.open("notes").stored
    tenants.close()

    assert looked_at == examine(notes_of_then, catalog) == []


def test_who_looks_at_an_older_world_sees_it_as_it_would_be_and_leaves_it_as_it_is(notes_of_then: Path | str) -> None:
    def looked_at(catalog: Catalog) -> list[bytes]:
        database = served(made_ready(notes_of_then, catalog), catalog).database
        (kept,) = database.worlds()
        with database.looking(kept.handle) as session:
            found = [data for (data,) in session.all("SELECT data FROM note ORDER BY sequence")]
        database.close()
        return found

    before = looked_at(GUESTS)
    as_it_would_be = [orjson.loads(data) for data in looked_at(Catalog((Today,)))]  # type: ignore[arg-type]

    assert [(note["lines"], note["colour"]) for note in as_it_would_be] == [
        (["one", "two"], "white"),
        (["three"], "white"),
    ]
    assert looked_at(GUESTS) == before


def test_records_of_a_newer_version_are_left_alone(notes_of_then: Path | str) -> None:
    today = upgraded(notes_of_then)
    assert today.open("notes").stored
    today.close()
    then = Catalog((type("Then", (), {"RECORDS": (Note,)}),))  # type: ignore[arg-type]
    older = served(made_ready(notes_of_then, then), then)

    for handle in [older.open("notes").handle] * 2:
        with pytest.raises(WorldDamaged, match="newer version of the emulator"):
            older.open("notes").stored  # noqa: B018  (opened when first asked for)
        with pytest.raises(WorldDamaged, match="newer version of the emulator"), older.database.looking(handle):
            pass
    older.close()


def test_a_member_that_is_gone_is_not_shown(notes_of_then: Path | str) -> None:
    tenants = served(notes_of_then, GUESTS)
    with tenants.open("notes").stored.writing() as session:
        for id, data in session.all("SELECT id, data FROM note"):
            session.run("UPDATE note SET data = :data WHERE id = :id", id=id, data=orjson.dumps(
                {**orjson.loads(data), "mood": "good"}))  # fmt: skip
    tenants.close()

    with upgraded(notes_of_then).open("notes").reading() as step:
        note, _ = World(step, step.row.platform).all(NoteOfToday)

    assert "mood" not in note.__dict__


def test_a_new_member_needs_a_default() -> None:
    with pytest.raises(AssertionError, match=r"a stored Note has no text, which has no default"):
        filled(Note, {"id": "nt_1", "created": 1})
