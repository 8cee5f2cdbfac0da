"""A guest for kernel tests: notes with a pinned note, money in a jar, and a reminder that falls due."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask

from emulator.control import clock, due, health, tenant
from emulator.developer import events
from emulator.kernel.catalog import Catalog
from emulator.kernel.database.place import database_at
from emulator.kernel.errors import invalid
from emulator.kernel.ledger import moving
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Enum,
    Hash,
    List,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    merged_metadata,
)
from emulator.kernel.records import record
from emulator.kernel.render import Deleted, Include, shown
from emulator.kernel.routes import DELETE, GET, POST, retrieves
from emulator.kernel.settings import switch
from emulator.kernel.tenants import Tenants
from emulator.kernel.wire.pipeline import Pipeline
from emulator.kernel.world import World


def fill_secret(world: World, note: Note, rendered: dict[str, Any]) -> None:
    """The word shown on request."""
    rendered["secret"] = f"secret of {note.id}"


def fill_replies(world: World, note: Note, rendered: dict[str, Any]) -> None:
    """The notes about this one, shown on request."""
    data = [world.render(reply) for reply in world.all(Note, about=note.id)]
    rendered["replies"] = {"object": "list", "data": data, "has_more": False, "url": "/v1/notes"}


@record(
    "note",
    prefix="nt",
    noun="note",
    filters=("status", "about"),
    hidden=("private",),
    expands=("about",),
    includes={
        "replies": Include(fill_replies),
        "secret": Include(fill_secret, "retrieve"),
    },
)
class Note:
    """A text, perhaps about another note."""

    id: str
    created: int
    text: str
    status: str = "open"
    about: str | None = None
    tags: list[str] | None = None
    place: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None
    private: str = "never shown"

    def render(self, world: World) -> dict[str, Any]:
        """The note as it is."""
        return shown(self, metadata=self.metadata or {}, jar=world.balance(f"{self.id}:jar"))


class PlaceParams(Params):
    """Where a note hangs."""

    city = String(required=True)
    street = String(unset=True)


class TagParams(Params):
    """One tag."""

    name = String(required=True, max_length=10)
    weight = Amount()


class CreateParams(Params):
    """A new note."""

    text = String(required=True)
    about = String()
    status = Enum(("open", "done"))
    place = Hash(PlaceParams, unset=True)
    tags = List(Hash(TagParams), most=3)
    coins = Amount()
    metadata = Metadata()


class UpdateParams(Params):
    """What may change."""

    text = String()
    status = Enum(("open", "done"))
    place = Hash(PlaceParams, unset=True)
    metadata = Metadata()


class NoteListParams(ListParams):
    """Filters."""

    created = Range()
    status = Enum(("open", "done"))
    about = String()


def create(world: World, params: dict[str, Any]) -> Note:
    """Write a note. 400 for the word `forbidden`."""
    if params["text"] == "crash":
        raise RuntimeError("a bug of ours")
    about = params.get("about")
    if about is not None:
        world.get(Note, about, param="about")
    tags = [tag["name"] for tag in params.get("tags", [])]
    note = world.put(
        Note(
            world.new_id("nt"),
            world.now,
            params["text"],
            params.get("status", "open"),
            about,
            tags,
            params.get("place"),
            merged_metadata({}, params),
        )
    )
    if "coins" in params:
        world.move(moving("coins", note.id, "outside:pocket", f"{note.id}:jar", params["coins"]), because=note.id)
    world.emit("note.created", note)
    if params["text"] == "forbidden":
        raise invalid("That word is forbidden.", param="text")
    world.later(world.now + 60, "notes.remind", note.id, word="hello")
    if params["text"] == "fading":
        world.later(world.now, "notes.fade", note.id)
    return note


def update(world: World, params: dict[str, Any], id: str) -> Note:
    """Change a note and tell what it was; it fades no more. 400 for an epilogue while it is open."""
    old = world.get(Note, id)
    if params.get("text") == "epilogue" and old.status == "open":
        raise invalid("An open note has no epilogue.", param="text")
    world.cancel_due(id, "notes.fade")
    changes = {name: params[name] for name in ("text", "status", "place") if name in params}
    note = world.put(replace(old, **changes, metadata=merged_metadata(old.metadata or {}, params)))
    world.emit("note.updated", note, before=old)
    return note


class CoinParams(Params):
    """What goes into a jar."""

    coins = Amount(required=True)


def fill(world: World, params: dict[str, Any], id: str) -> Note:
    """Put coins into a note's jar, telling of the note before and after. The note itself stays the same."""
    note = world.get(Note, id)
    world.emit("note.held_out", note)
    world.move(moving("coins", id, "outside:pocket", f"{id}:jar", params["coins"]), because=id)
    world.emit("note.thanked", note)
    return note


def delete(world: World, params: dict[str, Any], id: str) -> Deleted:
    """Tear a note up."""
    note = world.get(Note, id)
    world.cancel_due(id)
    world.forget(note)
    return Deleted(note)


def remind(world: World, id: str, word: str) -> None:
    """Fall due: a note about the note that hangs where the server is."""
    note = world.get(Note, id)
    if note.text == "stumble":
        raise RuntimeError("stumbled")
    world.put(Note(world.new_id("nt"), world.now, word, about=id, place={"city": world.url("/")}))
    if note.text == "again and again":
        world.cancel_due(id)
        world.later(world.now + 60, "notes.remind", id, word=word)


def fade(world: World, id: str) -> None:
    """By itself, and right after its reply: the note is done."""
    note = world.put(replace(world.get(Note, id), status="done"))
    world.emit("note.faded", note)


RECORDS = (Note,)
DUE = {"notes.remind": remind}
PROGRESS = {"notes.fade": fade}
SETTINGS = (switch("loud", False, "Whether notes shout."),)
ROUTES = [
    GET("/v1/notes", lists(Note), NoteListParams),
    GET("/v1/notes/{note}", retrieves(Note)),
    POST("/v1/notes", create, CreateParams),
    POST("/v1/notes/{note}", update, UpdateParams),
    POST("/v1/notes/{note}/coins", fill, CoinParams),
    DELETE("/v1/notes/{note}", delete),
]


class Notes:
    """The module as the catalog takes it."""

    RECORDS, DUE, PROGRESS, SETTINGS, ROUTES = RECORDS, DUE, PROGRESS, SETTINGS, ROUTES


CATALOG = Catalog((Notes, events, clock, due, health, tenant))  # type: ignore[arg-type]


def served(folder: Path, catalog: Catalog, seed: int = 0) -> Tenants:
    """The tenants of a folder, as a program with this catalog has them."""
    return Tenants(database_at(folder, catalog.records.values()), catalog, seed=seed)


def notes_app(folder: Path, seed: int = 0, catalog: Catalog = CATALOG) -> Flask:
    """An application that serves notes."""
    app = Flask("notes", static_folder=None)
    tenants = served(folder, catalog, seed=seed)
    app.tenants = tenants  # type: ignore[attr-defined]
    Pipeline(tenants).mount(app)
    return app


class NotesClient:
    """Raw requests with one key; replies are not Stripe's, so no contract is checked."""

    def __init__(self, app: Flask, key: str = "sk_test_notes") -> None:
        self.app = app
        self.key = key

    def send(self, verb: str, path: str, body: str = "", **headers: str) -> Any:
        """One request; header names with underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().open(
            path,
            method=verb,
            data=body,
            content_type="application/x-www-form-urlencoded",
            headers={"Authorization": f"Bearer {self.key}", **named},
        )

    def post(self, path: str, body: str = "", **headers: str) -> Any:
        """A POST of form text."""
        return self.send("POST", path, body, **headers)

    def get(self, path: str, **headers: str) -> Any:
        """A GET."""
        return self.send("GET", path, **headers)
