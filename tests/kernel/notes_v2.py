"""A guest that speaks v2: notes with a day they are due, and a place shown only when it is included."""

from __future__ import annotations

from typing import Any

from emulator.control import clock, faults, requests
from emulator.developer import events
from emulator.kernel import rfc3339
from emulator.kernel.catalog import Catalog
from emulator.kernel.errors import invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Boolean,
    Decimal,
    Enum,
    Hash,
    List,
    Metadata,
    PageParams,
    Params,
    Range,
    String,
    Timestamp,
    merged_metadata,
)
from emulator.kernel.records import record, replace
from emulator.kernel.render import Deleted, Include, shown
from emulator.kernel.routes import DELETE, GET, POST, retrieves
from emulator.kernel.world import World
from tests.kernel.notes import Notes, PlaceParams, TagParams


def fill_place(world: World, note: NoteV2, rendered: dict[str, Any]) -> None:
    """Where it hangs, shown on request."""
    rendered["place"] = note.place


@record("v2.note", prefix="ntv", noun="note", filters=("done",), includes={"place": Include(fill_place)})
class NoteV2:
    """A text that is to be done by some time."""

    id: str
    created: int
    text: str
    due: int | None = None
    done: bool = False
    coins: int | None = None
    price: str | None = None
    tags: list[str] | None = None
    place: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The note as v2 shows it, the place not included."""
        due = None if self.due is None else rfc3339.text_of(self.due)
        return shown(self, created=rfc3339.text_of(self.created), due=due, place=None, metadata=self.metadata or {})


class NoteParams(Params):
    """A note, new or changed."""

    text = String()
    due = Timestamp(unset=True)
    done = Boolean()
    coins = Amount()
    price = Decimal()
    mood = Enum(("good", "bad"))
    tags = List(Hash(TagParams), most=3)
    place = Hash(PlaceParams, unset=True)
    metadata = Metadata()


class CreateParams(NoteParams):
    """A new note."""

    text = String(required=True)


class NoteListParams(PageParams):
    """Filters."""

    created = Range()
    done = Boolean()


def create(world: World, params: dict[str, Any]) -> NoteV2:
    """Write a note. 400 for the word `forbidden` while there are fewer than three notes, it included."""
    text = params["text"]
    if text == "crash":
        raise RuntimeError("a bug of ours")
    note = NoteV2(world.new_id("ntv"), world.now, text)
    note = world.put(changed(note, params))
    if text == "forbidden" and world.count(NoteV2) < 3:
        raise invalid("That word is forbidden.", param="text")
    return note


def update(world: World, params: dict[str, Any], id: str) -> NoteV2:
    """Change a note."""
    return world.put(changed(world.get(NoteV2, id), params))


def changed(note: NoteV2, params: dict[str, Any]) -> NoteV2:
    """The note with what was sent. Pure."""
    given = {name: params[name] for name in ("text", "due", "done", "coins", "price", "place") if name in params}
    tags = [tag["name"] for tag in params["tags"]] if "tags" in params else note.tags
    return replace(note, **given, tags=tags, metadata=merged_metadata(note.metadata or {}, params))


def delete(world: World, params: dict[str, Any], id: str) -> Deleted:
    """Tear a note up."""
    note = world.get(NoteV2, id)
    world.forget(note)
    return Deleted(note)


class NotesV2:
    """The module as the catalog takes it."""

    RECORDS = (NoteV2,)
    ROUTES = [
        GET("/v2/notes", lists(NoteV2), NoteListParams),
        GET("/v2/notes/{note}", retrieves(NoteV2)),
        POST("/v2/notes", create, CreateParams),
        POST("/v2/notes/{note}", update, NoteParams),
        DELETE("/v2/notes/{note}", delete),
    ]


CATALOG = Catalog((Notes, NotesV2, events, clock, faults, requests))  # type: ignore[arg-type]
