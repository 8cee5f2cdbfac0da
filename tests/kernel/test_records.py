"""What a class says of itself when it is made a kind of record, and the other face that one may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.catalog import CATALOG
from emulator.developer import events
from emulator.developer.events import Event
from emulator.kernel.catalog import Catalog
from emulator.kernel.database.doctor import examine
from emulator.kernel.database.schema import Schema
from emulator.kernel.lists import lists
from emulator.kernel.records import SAID, face, record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, retrieves
from emulator.kernel.world import World
from tests.kernel.notes import Note, NoteListParams, Notes, NotesClient, notes_app


def plain(*members: str) -> type:
    """A class with an id and these texts, before it is a record."""
    return type("Plain", (), {"__annotations__": dict.fromkeys(("id", *members), "str")})


def test_every_kind_of_record_says_all_that_is_listed():
    for kind in CATALOG.records.values():
        assert all(hasattr(kind, name) for name in SAID), kind
        assert callable(kind.render) and "id" in kind.__dataclass_fields__


def test_what_is_not_said_has_its_default():
    kind = record("a.plain", prefix="pl", noun="plain thing")(plain("text"))

    assert (kind.table, kind.cursor_noun, kind.has_table, kind.has_list) == ("a_plain", "plain thing", True, True)
    assert (kind.filters, kind.hidden, kind.includes, kind.look_up) == ((), (), {}, None)
    assert kind("pl_1", "a") == kind("pl_1", text="a")


@pytest.mark.parametrize(
    "member, said, says",
    [
        ("text", {"hidden": ("colour",)}, "Plain says something of ['colour'], which it has not"),
        ("text", {"silent": ("colour",)}, "Plain says something of ['colour'], which it has not"),
        ("text", {"unindexed": ("text",)}, "Plain says something of ['text'], which it has not"),
        ("text", {"is_stored": False}, "Plain is not stored and does not say where it is found"),
        ("text", {"version": 2}, "Plain says nothing of its earlier versions"),
        ("version", {}, "Plain has ['version'] of its own, which a record says of itself"),
    ],
)
def test_what_cannot_be_is_refused_when_the_class_is_made(member: str, said: dict[str, Any], says: str):
    with pytest.raises(AssertionError) as refusal:
        record("a.plain", prefix="pl", noun="plain thing", **said)(plain(member))

    first_line, _, _ = str(refusal.value).partition(
        "\n"
    )  # pytest adds to what the modules of an installed plugin assert
    assert first_line == says


# Another face of the guest's note: its text is its title, and who asks for it sees it in capitals


def fill_shout(world: World, note: Any, rendered: dict[str, Any]) -> None:
    """The text in capitals."""
    rendered["shout"] = note.text.upper()


@face("v2.title", noun="title", includes={"shout": Include(fill_shout)})
class Title(Note):
    """A note as its title."""

    def render(self, world: World) -> dict[str, Any]:
        """Little of it."""
        return {"id": self.id, "object": self.object, "title": self.text}


class Titles:
    """The module as the catalog takes it."""

    RECORDS = (Title,)
    ROUTES = [GET("/v1/titles", lists(Title), NoteListParams), GET("/v1/titles/{title}", retrieves(Title))]


FACED = Catalog((Notes, Titles, events))  # type: ignore[arg-type]


@pytest.fixture
def titles(tmp_path: Path) -> Any:
    """A client of notes that are titles too."""
    app = notes_app(tmp_path, catalog=FACED)
    yield NotesClient(app)
    app.tenants.close()  # type: ignore[attr-defined]


def test_a_record_is_read_under_either_name(titles: NotesClient):
    note = titles.post("/v1/notes", "text=first&status=done").json
    titles.post("/v1/notes", "text=second")

    assert titles.get(f"/v1/titles/{note['id']}").json == {"id": note["id"], "object": "v2.title", "title": "first"}
    assert titles.get(f"/v1/titles/{note['id']}?expand[]=shout").json["shout"] == "FIRST"
    assert [title["title"] for title in titles.get("/v1/titles?status=done").json["data"]] == ["first"]
    assert titles.get("/v1/titles/nt_x").json["error"]["message"] == "No such title: 'nt_x'"
    assert titles.get("/v1/notes?expand[]=data.shout").status_code == 400


def test_a_change_under_either_name_changes_both_and_an_id_stands_for_the_record(titles: NotesClient):
    id = titles.post("/v1/notes", "text=first").json["id"]

    with titles.app.tenants.open("notes").writing() as step:  # type: ignore[attr-defined]
        world = World(step, step.row.platform)
        assert world.get(Note, id).text == "first"
        world.put(replace(world.get(Title, id), text="last"))
        both = world.get(Note, id), world.get(Title, id), world.resolved(id)["object"]

    assert (type(both[0]), both[0].text, type(both[1]), both[1].text) == (Note, "last", Title, "last")
    assert both[2] == "note"


def test_a_face_has_no_table_of_its_own_and_is_examined_once(titles: NotesClient, tmp_path: Path):
    titles.post("/v1/notes", "text=first")

    assert [name for name in Schema(FACED.records.values()).records] == ["note", "event"]
    assert FACED.stored == (Note, Event) and FACED.prefixes["nt"] is Note
    titles.app.tenants.close()  # type: ignore[attr-defined]
    assert examine(tmp_path, FACED) == []


def test_a_face_of_what_is_not_stored_here_is_refused():
    with pytest.raises(AssertionError, match="v2.title is a face of what no module offers"):
        Catalog((Titles,))  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="Plain is a face of nothing that is stored"):
        face("v2.plain", noun="plain thing")(type("Plain", (), {}))


def test_a_face_has_no_members_of_its_own():
    class Longer(Note):
        colour: str = "white"

        def render(self, world: World) -> dict[str, Any]:
            return shown(self)

    with pytest.raises(AssertionError, match="Longer has members that its record has not"):
        face("v2.longer", noun="longer note")(Longer)
