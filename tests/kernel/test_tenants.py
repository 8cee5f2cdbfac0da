"""Tenants: isolation, one process, migrations, newer data."""

import math
import multiprocessing
import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator.kernel import tenants as module
from emulator.kernel.migrations import SCHEMA_VERSION, NewerData, version_of
from emulator.kernel.tenants import DirectoryInUse, Tenants
from tests.kernel.notes import CATALOG, NotesClient, notes_app


def test_file_names_do_not_tell_the_tenants_name(notes):
    notes.post("/v1/notes", "text=x")

    names = [file.name for file in notes.app.tenants.files()]

    assert len(names) == 1
    assert "notes" not in names[0]


def test_data_of_a_newer_version_is_refused_in_one_sentence(tmp_path):
    client = NotesClient(notes_app(tmp_path))
    client.post("/v1/notes", "text=x")
    client.app.tenants.close()
    file = next(tmp_path.glob("*.sqlite"))
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")

    with pytest.raises(NewerData, match="written by a newer version"):
        Tenants(tmp_path, CATALOG)


def test_a_table_made_by_an_older_version_gains_the_columns_it_lacks(tmp_path):
    client = NotesClient(notes_app(tmp_path))
    client.post("/v1/notes", "text=old")
    client.app.tenants.close()
    file = next(tmp_path.glob("*.sqlite"))
    with sqlite3.connect(file) as connection:
        connection.execute("DROP INDEX note_by_status")
        connection.execute("ALTER TABLE note DROP COLUMN status")
        connection.execute("PRAGMA application_id = 1")

    again = NotesClient(notes_app(tmp_path))

    again.post("/v1/notes", "text=new&status=done")
    assert [note["text"] for note in again.get("/v1/notes?status=done").json["data"]] == ["new"]
    assert len(again.get("/v1/notes").json["data"]) == 2


def test_data_of_an_older_version_is_brought_up_to_date(tmp_path):
    client = NotesClient(notes_app(tmp_path))
    client.post("/v1/notes", "text=old")
    client.app.tenants.close()
    file = next(tmp_path.glob("*.sqlite"))
    with sqlite3.connect(file) as connection:
        connection.executescript(
            "DROP TABLE record_version; ALTER TABLE ask DROP COLUMN version; DROP TABLE fault; "
            "ALTER TABLE tenant DROP COLUMN faults; PRAGMA user_version = 1"
        )

    again = NotesClient(notes_app(tmp_path))

    assert [note["text"] for note in again.get("/v1/notes").json["data"]] == ["old"]
    with sqlite3.connect(file) as connection:
        assert version_of(connection) == SCHEMA_VERSION


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
        Tenants(tmp_path, CATALOG)

    notes.app.tenants.close()
    Tenants(tmp_path, CATALOG).close()


def open_it(folder: str) -> str:
    """Another process tries to serve the folder; what it is told."""
    try:
        Tenants(Path(folder), CATALOG)
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
    Tenants(tmp_path, CATALOG).close()


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
        before = step.connection.execute("SELECT count(*) FROM note").fetchone()

    notes.post("/_emulator/reset")

    assert before == (1,)
    assert notes.get("/v1/notes").json["data"] == []


def looks_of(notes: NotesClient) -> list[str]:
    """The tenants that ticks look at from now on, in order."""
    looked: list[str] = []
    notes.app.tenants.at_each_tick.append(lambda tenant: looked.append(tenant.name))
    return looked


def test_a_tick_passes_over_tenants_that_have_nothing_to_do(notes):
    looked = looks_of(notes)
    notes.post("/_emulator/clock", "frozen=true")
    notes.app.tenants.tick()
    notes.app.tenants.tick()
    before = list(looked)

    notes.post("/v1/notes", "text=x")
    notes.app.tenants.tick()

    assert before.count("notes") == 1
    assert looked.count("notes") == 2


def test_a_tick_does_what_has_fallen_due_without_a_request(notes):
    notes.post("/v1/notes", "text=x")
    notes.app.tenants.tick()
    tenant = notes.app.tenants.open("notes")
    with tenant.connection() as connection:
        connection.execute("UPDATE tenant SET clock_offset = clock_offset + 3600")

    notes.app.tenants.tick()

    with tenant.connection() as connection:
        assert connection.execute("SELECT count(*) FROM note").fetchone() == (2,)


def test_tenants_that_are_closed_again_leave_no_file_open(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_OPEN_TENANTS", 2)
    app = notes_app(tmp_path)

    used = []
    for number in range(5):
        NotesClient(app, f"sk_test_tenant{number}").post("/v1/notes", "text=x")
        used.append(app.tenants.open(f"tenant{number}"))

    assert [tenant.closed for tenant in used] == [True, True, True, False, False]
    assert [tenant.idle == [] for tenant in used] == [tenant.closed for tenant in used]


def test_a_tenant_may_be_used_by_those_who_have_it_still_when_it_is_closed(tmp_path):
    tenants = Tenants(tmp_path, CATALOG)
    tenant = tenants.open("somebody")

    tenant.close()
    with tenant.locked(), tenant.connection() as connection:
        (name,) = connection.execute("SELECT name FROM tenant").fetchone()

    assert name == "somebody"
    assert tenant.idle == []


@pytest.mark.parametrize("most_files, tenants", [(256, 13), (1024, 123), (8192, 200), (math.inf, 200), (64, 2)])
def test_as_many_tenants_stay_open_as_the_process_has_files_for(most_files, tenants):
    assert module.places(most_files) == tenants
