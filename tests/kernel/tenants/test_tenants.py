"""Tenants: isolation, one process, migrations, newer data."""

import math
import multiprocessing
import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator.app import create_app
from emulator.kernel.database.directory_lock import DirectoryInUse
from emulator.kernel.database.face import WorldGone
from emulator.kernel.database.tenant_row import write_tenant_row
from emulator.kernel.tenants import Attendant
from emulator.kernel.tenants import tenants as module
from tests.kernel.notes import CATALOG, NotesClient, notes_app, served


def test_file_names_do_not_tell_the_tenants_name(notes):
    notes.post("/v1/notes", "text=x")

    names = [kept.handle for kept in notes.app.tenants.database.worlds()]

    assert len(names) == 1
    assert "notes" not in names[0]


def test_a_table_made_by_an_older_version_gains_the_columns_it_lacks(tmp_path):
    client = NotesClient(notes_app(tmp_path))
    client.post("/v1/notes", "text=old")
    client.app.tenants.close()
    file = next(tmp_path.glob("*.sqlite"))
    with sqlite3.connect(file) as connection:
        connection.execute("DROP INDEX note_by_status")
        connection.execute("ALTER TABLE note DROP COLUMN status")

    again = NotesClient(notes_app(tmp_path))

    again.post("/v1/notes", "text=new&status=done")
    assert [note["text"] for note in again.get("/v1/notes?status=done").json["data"]] == ["new"]
    assert len(again.get("/v1/notes").json["data"]) == 2


def test_what_the_clock_brings_about_has_the_servers_address(notes):
    notes.app.tenants.origin = "http://127.0.0.1:4242"

    notes.post("/v1/notes", "text=x")
    notes.post("/_emulator/clock", "advance=60")

    reminder, _ = notes.get("/v1/notes").json["data"]
    assert reminder["place"]["city"] == "http://127.0.0.1:4242/"


def test_tenants_long_unused_are_closed_and_open_again(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_OPEN_TENANTS", 2)
    app = notes_app(tmp_path)
    clients = [NotesClient(app, f"sk_test_t{number}") for number in range(5)]
    made = [client.post("/v1/notes", "text=x").json["id"] for client in clients]

    assert len(app.tenants.open_ones) == 2
    assert [client.get(f"/v1/notes/{id}").status_code for client, id in zip(clients, made, strict=True)] == [200] * 5


def test_a_directory_that_is_served_is_refused_to_others(notes, tmp_path):
    with pytest.raises(DirectoryInUse, match=f"The data directory {tmp_path} belongs to the process {os.getpid()}"):
        served(tmp_path, CATALOG)

    notes.app.tenants.close()
    served(tmp_path, CATALOG).close()


def open_it(folder: str) -> str:
    """Another process tries to serve the folder; what it is told."""
    try:
        served(Path(folder), CATALOG)
    except DirectoryInUse as told:
        return str(told)
    return ""


def test_another_process_is_refused_too_and_the_lock_ends_with_its_process(notes, tmp_path):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        refused = pool.submit(open_it, str(tmp_path)).result()
        notes.app.tenants.close()
        allowed = pool.submit(open_it, str(tmp_path)).result()

    assert f"process {os.getpid()}" in refused
    assert allowed == ""
    served(tmp_path, CATALOG).close()


def test_many_threads_write_and_read_one_tenant_at_once(notes):
    def one(number: int) -> int:
        made = notes.post("/v1/notes", "text=x&coins=2").json["id"]
        return notes.get(f"/v1/notes/{made}").json["jar"]

    with ThreadPoolExecutor(16) as pool:
        jars = list(pool.map(one, range(160)))

    assert jars == [2] * 160


def test_the_same_key_sent_at_once_runs_once(notes):
    def one(number: int) -> bytes:
        return notes.post("/v1/notes", "text=x&coins=2", Idempotency_Key="same").data

    with ThreadPoolExecutor(8) as pool:
        bodies = set(pool.map(one, range(16)))

    assert len(bodies) == 1
    assert len(notes.get("/v1/notes").json["data"]) == 1


def test_a_reset_under_way_does_not_disturb_readers(notes):
    notes.post("/v1/notes", "text=x")
    with notes.app.tenants.open("notes").reading() as step:
        before = step.session.one("SELECT count(*) FROM note")

    notes.post("/_emulator/reset")

    assert before == (1,)
    assert notes.get("/v1/notes").json["data"] == []


def looks_of(notes: NotesClient) -> list[str]:
    """The tenants that ticks look at from now on, in order."""
    looked: list[str] = []
    notes.app.tenants.attendants.append(Attendant(looks=lambda tenant: looked.append(tenant.name)))
    return looked


def test_a_tick_passes_over_tenants_that_have_nothing_to_do(notes):
    looked = looks_of(notes)
    notes.post("/_emulator/clock", "frozen=true")
    for _ in range(3):
        notes.app.tenants.tick()
    before = list(looked)

    notes.post("/v1/notes", "text=x")  # what it brings about waits for a clock that stands still
    notes.app.tenants.tick()
    notes.post("/_emulator/clock", "frozen=false")
    notes.app.tenants.tick()

    assert (before, looked) == ([], [])


def test_a_tick_does_what_has_fallen_due_without_a_request(notes):
    notes.post("/v1/notes", "text=x")
    notes.app.tenants.tick()
    with notes.app.tenants.open("notes").stored.writing() as session:
        session.run("UPDATE tenant SET clock_offset = clock_offset + 3600")
        session.wake_by(0)

    notes.app.tenants.tick()

    with notes.app.tenants.open("notes").stored.reading() as session:
        assert session.one("SELECT count(*) FROM note") == (2,)


def test_worlds_for_which_nothing_is_due_are_not_opened_at_the_next_start(tmp_path):
    app = notes_app(tmp_path)
    NotesClient(app, "sk_test_quiet").post("/_emulator/clock", "frozen=true")
    NotesClient(app, "sk_test_due").post("/v1/notes", "text=x")
    NotesClient(app, "sk_test_due").post("/_emulator/clock", "advance=59&frozen=true")
    NotesClient(app, "sk_test_late").post("/v1/notes", "text=x")
    with app.tenants.open("late").stored.writing() as session:
        session.run("UPDATE tenant SET clock_offset = clock_offset + 3600")
        session.wake_by(0)
    app.tenants.close()

    again = notes_app(tmp_path)
    again.tenants.tick()

    assert [tenant.name for tenant in again.tenants.open_ones.values()] == ["late"]
    with again.tenants.open("late").stored.reading() as session:
        assert session.one("SELECT count(*) FROM note") == (2,)


def test_tenants_that_are_closed_again_leave_no_file_open(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_OPEN_TENANTS", 2)
    app = notes_app(tmp_path)

    used = []
    for number in range(5):
        NotesClient(app, f"sk_test_tenant{number}").post("/v1/notes", "text=x")
        used.append(app.tenants.open(f"tenant{number}").stored)

    assert [stored.is_closed for stored in used] == [True, True, True, False, False]
    assert [stored.idle == [] for stored in used] == [stored.is_closed for stored in used]


def test_a_tenant_may_be_used_by_those_who_have_it_still_when_it_is_closed(notes):
    tenant = notes.app.tenants.open("somebody")
    stored = tenant.stored

    tenant.close()
    with tenant.writing() as step:
        name = step.row.name

    assert name == "somebody"
    assert stored.idle == []


def test_who_opens_a_world_that_somebody_still_has_shares_it(notes):
    database = notes.app.tenants.database
    held = notes.app.tenants.open("shared").stored
    held.close()
    with held.reading() as session:
        before = session.one("SELECT count(*) FROM note")  # there is no such table yet

    with database.open(held.handle).writing() as session:
        session.add("note", id="nt_1", account="acct_1", created=0, status="open", about=None, data=b"{}")

    with held.reading() as session:
        assert (before, session.one("SELECT count(*) FROM note")) == ((0,), (1,))


@pytest.mark.parametrize("most_files, tenants", [(256, 4), (1024, 58), (8192, 200), (math.inf, 200), (64, 2)])
def test_as_many_tenants_stay_open_as_half_of_the_process_files_are_enough_for(most_files, tenants):
    assert module.places(most_files) == tenants


@pytest.mark.parametrize("most_files, clients", [(64, 16), (1024, 518), (8192, 6692), (math.inf, math.inf)])
def test_clients_have_room_in_the_files_that_tenants_leave(monkeypatch, most_files, clients):
    monkeypatch.setattr(module, "most_files", lambda: most_files)

    assert module.room_for_clients() == clients


def test_a_world_costs_little_before_its_first_object(tmp_path):
    app = create_app(tmp_path)
    assert app.emulator.tenants.open("cheap").stored
    app.emulator.close()

    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 150_000


def test_a_world_with_nothing_due_is_not_looked_at(tmp_path):
    app = create_app(tmp_path)
    for number in range(3):
        assert app.emulator.tenants.open(f"idle{number}").stored
    looked = []
    app.emulator.tenants.attendants.append(Attendant(looks=lambda tenant: looked.append(tenant.name)))

    for _ in range(3):
        app.emulator.tenants.tick()
    app.emulator.close()

    assert looked == []


def test_looking_for_what_was_never_written_makes_no_table(tmp_path):
    app = create_app(tmp_path)
    client = app.test_client()
    for path in ("disputes", "transactions", "authorizations", "cards"):
        asked = client.get(f"/v1/issuing/{path}", headers={"Authorization": "Bearer sk_test_curious"})
        assert (asked.status_code, asked.json["data"]) == (200, [])
    with app.emulator.tenants.open("curious").stored.reading() as session:
        tables = {name for (name,) in session.all("SELECT name FROM sqlite_master WHERE type = 'table'")}
    app.emulator.close()

    assert {name for name in tables if name.startswith("issuing_")} == {
        "issuing_personalization_design",
        "issuing_physical_bundle",
    }


def test_a_table_that_was_made_in_an_attempt_that_failed_is_made_again(notes):
    with notes.app.tenants.open("notes").writing() as step:
        with pytest.raises(ZeroDivisionError), step.attempt():
            step.session.add("fault", kind="wait", remaining=1)
            assert len(step.faults.waiting()) == 1
            1 / 0  # noqa: B018
        before = step.faults.waiting()
        step.session.add("fault", kind="wait", remaining=2)

    with notes.app.tenants.open("notes").reading() as step:
        assert (before, [fault.remaining for fault in step.faults.waiting()]) == ([], [2])


def test_a_world_is_copied_as_it_is_while_others_write_to_it(notes):
    database = notes.app.tenants.database
    made = notes.post("/v1/notes", "text=x&coins=5").json["id"]
    notes.post("/_emulator/clock", "frozen=true")
    handles = [module.handle_of(name) for name in ("notes", "twin")]
    with notes.app.tenants.open("notes").stored.writing() as session:
        session.run("UPDATE note SET status = 'done'")

        database.copy(*handles, lambda copy: write_tenant_row(copy, name="twin", generation=7))
    notes.post("/v1/notes", "text=y")

    twin = NotesClient(notes.app, "sk_test_twin")
    assert [note["id"] for note in twin.get("/v1/notes").json["data"]] == [made]
    assert twin.get("/v1/notes?status=open").json["data"] != []
    assert twin.get(f"/v1/notes/{made}").json["jar"] == 5
    assert twin.get("/_emulator/clock").json["frozen"] is True
    assert notes.app.tenants.open("twin").last_generation() == 7
    assert len(notes.get("/v1/notes").json["data"]) == 2


def test_a_copy_takes_the_place_of_a_world_that_somebody_has(notes):
    notes.post("/v1/notes", "text=x")
    twin = NotesClient(notes.app, "sk_test_twin")
    twin.post("/v1/notes", "text=old")
    held = notes.app.tenants.open("twin").stored

    notes.app.tenants.database.copy(
        module.handle_of("notes"), module.handle_of("twin"), lambda copy: write_tenant_row(copy, name="twin")
    )

    with pytest.raises(WorldGone), held.reading():
        pass
    assert [note["text"] for note in twin.get("/v1/notes").json["data"]] == ["x"]


@pytest.mark.parametrize("kind", ["reading", "writing"])
def test_a_step_for_whose_world_another_comes_while_it_is_waited_for_is_taken_in_that_one(notes, monkeypatch, kind):
    notes.post("/v1/notes", "text=x")
    twin = NotesClient(notes.app, "sk_test_twin")
    twin.post("/v1/notes", "text=old")
    held = notes.app.tenants.open("twin").stored
    begin = getattr(held, kind)

    def late():
        monkeypatch.undo()
        notes.app.tenants.database.copy(
            module.handle_of("notes"), module.handle_of("twin"), lambda copy: write_tenant_row(copy, name="twin")
        )
        return begin()

    monkeypatch.setattr(held, kind, late)
    reply = twin.get("/v1/notes") if kind == "reading" else twin.post("/v1/notes", "text=y")

    assert (reply.status, held.is_gone) == ("200 OK", True)
    assert [note["text"] for note in twin.get("/v1/notes").json["data"]][-1:] == ["x"]
    assert len(twin.get("/v1/notes").json["data"]) == (1 if kind == "reading" else 2)
