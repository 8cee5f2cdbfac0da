"""What falls due: deadlines give way to nobody, what an object does by itself to the request that would change it."""

from __future__ import annotations

import pytest

from emulator.kernel.database.tenant_row import read_tenant_row, write_tenant_row
from emulator.kernel.deliveries import ASKED_NOTHING, Subscriber
from emulator.kernel.tenants import Attendant
from emulator.kernel.tenants import tenant as module
from tests.kernel.notes import NotesClient


def time_passes(notes: NotesClient, seconds: int) -> None:
    """The frozen clock shows a later time, and nobody has looked at what falls due meanwhile."""
    tenant = notes.app.tenants.open("notes")
    with tenant.stored.writing() as session:
        frozen_at = read_tenant_row(session).frozen_at
        assert frozen_at is not None
        write_tenant_row(session, frozen_at=frozen_at + seconds)
        session.wake_by(0)


def somebody_listens(notes: NotesClient) -> None:
    """Events of the tenant are told to somebody from now on."""
    with notes.app.tenants.open("notes").writing() as step:
        step.deliveries.subscribe(
            Subscriber("we_1", "endpoint", step.row.platform, "own", True, ASKED_NOTHING, True, "http://x", None, []),
            "*",
        )


def told(notes: NotesClient) -> list[str]:
    """The types of what has been announced, without asking for what is due."""
    tenant = notes.app.tenants.open("notes")
    with tenant.stored.reading() as session:
        return [row[0] for row in session.all("SELECT type FROM event ORDER BY sequence")]


def statuses(notes: NotesClient) -> list[str]:
    """Those of all notes, the newest first."""
    return [note["status"] for note in notes.get("/v1/notes").json["data"]]


def test_what_an_object_does_by_itself_is_done_before_the_next_request(notes):
    told = notes.post("/v1/notes", "text=fading").json

    assert told["status"] == "open"
    assert notes.get(f"/v1/notes/{told['id']}").json["status"] == "done"


def test_it_is_done_before_a_request_that_would_change_another(notes):
    other, fading = (notes.post("/v1/notes", f"text={text}").json["id"] for text in ("other", "fading"))

    changed = notes.post(f"/v1/notes/{other}", "text=changed")

    assert changed.status_code == 200
    types = [event["type"] for event in reversed(notes.get("/v1/events").json["data"])]
    assert types == ["note.created", "note.created", "note.faded", "note.updated"]
    assert notes.get(f"/v1/notes/{fading}").json["status"] == "done"


def test_a_request_that_changes_the_object_comes_first_and_may_take_its_place(notes):
    id = notes.post("/v1/notes", "text=fading").json["id"]

    rescued = notes.post(f"/v1/notes/{id}", "text=rescued")

    assert rescued.json["status"] == "open"
    assert statuses(notes) == ["open"]


def test_a_deletion_comes_first_too(notes):
    id = notes.post("/v1/notes", "text=fading").json["id"]

    assert notes.send("DELETE", f"/v1/notes/{id}").status_code == 200
    assert "note.faded" not in [event["type"] for event in notes.get("/v1/events").json["data"]]


@pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "k1"}])
def test_a_request_that_would_be_refused_as_things_stand_finds_it_done(notes, key):
    id = notes.post("/v1/notes", "text=fading").json["id"]

    first = notes.post(f"/v1/notes/{id}", "text=epilogue", **key)
    again = notes.post(f"/v1/notes/{id}", "text=epilogue", **key)

    assert (first.status_code, first.json["status"]) == (200, "done")
    assert again.data == first.data


@pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "k1"}])
def test_a_request_with_a_bad_parameter_leaves_the_next_one_its_turn(notes, key):
    id = notes.post("/v1/notes", "text=fading").json["id"]

    bad = notes.post(f"/v1/notes/{id}", "status=bad", **key)
    rescued = notes.post(f"/v1/notes/{id}", "text=rescued")

    assert bad.status_code == 400
    assert rescued.json["status"] == "open"


def test_what_gave_way_is_not_done_at_a_time_before_the_request(notes):
    start = notes.post("/_emulator/clock", "frozen=true").json["now"]
    note = notes.post("/v1/notes", "text=fading").json
    time_passes(notes, 5)

    with notes.app.tenants.open("notes").writing(named=[note["id"]]) as step:
        assert step.is_early
    faded = notes.get("/v1/events?type=note.faded").json["data"][0]

    assert faded["created"] == start + 5


def test_deadlines_give_way_to_nobody(notes):
    notes.post("/_emulator/clock", "frozen=true")
    note = notes.post("/v1/notes", "text=first").json
    time_passes(notes, 3600)

    notes.post(f"/v1/notes/{note['id']}", "text=second")
    reminder, _ = notes.get("/v1/notes").json["data"]

    assert (reminder["text"], reminder["created"]) == ("hello", note["created"] + 60)


# The background


def test_nobody_listens_so_the_background_leaves_objects_to_the_next_request(notes, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0)
    notes.post("/v1/notes", "text=fading")

    notes.app.tenants.tick()

    assert told(notes) == ["note.created"]
    assert statuses(notes) == ["done"]


def test_where_somebody_listens_the_background_has_patience_and_then_goes_ahead(notes, monkeypatch):
    somebody_listens(notes)
    notes.post("/v1/notes", "text=fading")
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 3_600)

    notes.app.tenants.tick()
    notes.app.tenants.tick()
    at_first = told(notes)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0)
    notes.app.tenants.tick()

    assert at_first == ["note.created"]
    assert told(notes) == ["note.created", "note.faded"]


def test_its_patience_begins_anew_for_each_object(notes):
    somebody_listens(notes)
    tenant = notes.app.tenants.open("notes")
    notes.post("/v1/notes", "text=fading")
    notes.app.tenants.tick()
    assert tenant.giving_way is not None
    tenant.giving_way = tenant.giving_way[0], tenant.giving_way[1] - 3600  # long ago

    assert statuses(notes) == ["done"]
    notes.post("/v1/notes", "text=fading")
    notes.app.tenants.tick()

    assert told(notes) == ["note.created", "note.faded", "note.created"]


def test_a_deadline_has_the_background_do_all_that_is_due_in_order(notes):
    notes.post("/_emulator/clock", "frozen=true")
    notes.post("/v1/notes", "text=fading")
    time_passes(notes, 3600)

    notes.app.tenants.tick()

    with notes.app.tenants.open("notes").stored.reading() as session:
        assert session.all("SELECT status FROM note ORDER BY sequence") == [("done",), ("open",)]


def test_a_tenant_rests_while_nobody_is_there_to_be_told(notes):
    looked: list[str] = []
    notes.app.tenants.attendants.append(Attendant(looks=lambda tenant: looked.append(tenant.name)))
    notes.post("/v1/notes", "text=fading")

    for _ in range(3):
        notes.app.tenants.tick()
    resting = len(looked)
    somebody_listens(notes)
    notes.post("/v1/notes", "text=fading")
    for _ in range(3):
        notes.app.tenants.tick()

    assert (resting, len(looked)) == (1, 1 + 3)


def test_what_waited_for_somebody_to_be_told_goes_ahead_once_somebody_listens(notes, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0)
    notes.post("/v1/notes", "text=fading")
    notes.app.tenants.tick()

    somebody_listens(notes)
    notes.app.tenants.tick()

    assert told(notes) == ["note.created", "note.faded"]


def test_the_clock_shows_nothing_due_in_the_past(notes):
    now = notes.post("/_emulator/clock", "frozen=true").json["now"]
    notes.post("/v1/notes", "text=fading")

    assert notes.get("/_emulator/clock").json["next_due_at"] == now + 60
    assert statuses(notes) == ["done"]
