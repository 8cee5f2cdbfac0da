"""Worlds in a PostgreSQL database, served by one process."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from psycopg import errors

from emulator.app import create_app
from emulator.kernel.catalog import Catalog
from emulator.kernel.database.face import WorldDamaged, WorldGone
from emulator.kernel.database.place import NoDatabase
from emulator.kernel.database.postgres import database as databases
from emulator.kernel.database.postgres.address import place_of
from emulator.kernel.database.postgres.database import PostgresDatabase
from emulator.kernel.database.postgres.files import in_memory
from emulator.kernel.database.postgres.installation import install
from emulator.kernel.database.postgres.line import Line
from emulator.kernel.database.postgres.world import PostgresWorld, Writing
from emulator.kernel.database.schema import Schema
from emulator.kernel.records import record
from emulator.kernel.tenants.copies import exported, imported
from emulator.kernel.webhooks import asker
from tests.client import Client
from tests.issuing.holders import a_card
from tests.issuing.purchases import authorize
from tests.kernel import notes
from tests.patience import wait_until
from tests.receivers import PATIENCE_SECONDS

PATHS = ("/v1/customers", "/v1/events", "/v1/balance", "/v1/issuing/cardholders", "/v1/accounts")
HOLDER = {
    "name": "Jenny Rosen",
    "type": "individual",
    "billing": {
        "address": {"line1": "1 Main St", "city": "Austin", "state": "TX", "postal_code": "78701", "country": "US"}
    },
}


@pytest.fixture
def served(database: str) -> Iterator[Flask]:
    """An application over a database of the test's own."""
    app = create_app(database)
    yield app
    app.emulator.close()


def bytes_of(client: Client, path: str) -> bytes:
    """A reply as it comes."""
    reply = client.http.get(path, headers={"Authorization": f"Bearer {client.key}"})
    assert reply.status_code == 200
    return reply.data


def tables_of(content: bytes) -> dict[str, list[tuple]]:
    """Every row in the file of a world, but for the label that says when it was written."""
    with closing(sqlite3.connect(":memory:")) as file:
        file.deserialize(in_memory(content))
        names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(file.execute(f"SELECT * FROM {name}"), key=repr) for name in names if name != "copied"}


def test_a_world_of_files_goes_into_a_database_and_back_with_the_same_replies(served: Flask, tmp_path: Path) -> None:
    files = create_app(tmp_path)
    before = Client(files, "sk_test_traveller")
    before.made("/_emulator/clock", frozen=True)
    before.made("/v1/issuing/cardholders", **HOLDER)
    for name in ("Zoë", "ångström", "a", "B"):
        before.made("/v1/customers", name=name, email=f"{name[0].lower()}@example.com")
    replies = [bytes_of(before, path) for path in PATHS]
    content = exported(files.emulator.tenants.open("traveller"), "")

    within = Client(served, "sk_test_traveller")
    imported(served.emulator.tenants.open("traveller"), content)
    in_the_database = [bytes_of(within, path) for path in PATHS]
    returned = exported(served.emulator.tenants.open("traveller"), "")
    imported(files.emulator.tenants.open("traveller"), returned)
    again = [bytes_of(before, path) for path in PATHS]
    files.emulator.close()

    assert in_the_database == replies == again
    had, has = tables_of(content), tables_of(returned)
    assert {name: rows for name, rows in had.items() if name != "tenant"} == {
        name: rows for name, rows in has.items() if name != "tenant"
    }


def test_a_step_is_taken_again_where_somebody_else_changed_the_same(
    served: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(served, "sk_test_contested")
    client.read("/v1/balance")
    start, end, writing = Writing.start, Line.end, set()
    conflicts = [errors.SerializationFailure("could not serialize"), errors.DeadlockDetected("deadlock")]

    def started(session: Writing) -> None:
        start(session)
        writing.add(session.line)

    def contested(line: Line, sql: bytes) -> None:
        if line in writing and sql == b"COMMIT" and conflicts:
            writing.discard(line)
            raise conflicts.pop()
        end(line, sql)

    monkeypatch.setattr(Writing, "start", started)
    monkeypatch.setattr(Line, "end", contested)
    made = client.made("/v1/customers", name="once")

    assert conflicts == []
    assert [one["id"] for one in client.read("/v1/customers")["data"]] == [made["id"]]


def test_what_is_written_while_a_world_is_about_to_be_replaced_is_not_in_the_one_that_takes_its_place(
    served: Flask,
) -> None:
    client = Client(served, "sk_test_replaced")
    client.made("/_emulator/snapshots", name="before")
    world = served.emulator.tenants.open("replaced").stored
    reply = {"path": "/", "fingerprint": b"", "request_id": "req_1", "created": 0, "status": 200, "body": b""}
    with world.writing() as session:  # the second has begun in which it was last written to
        session.add("idempotent_reply", account="a", key="before", **reply)
    with ThreadPoolExecutor(1) as pool:
        with world.writing() as session:
            session.add("idempotent_reply", account="a", key="meanwhile", **reply)
            assert len(session.all("SELECT key FROM idempotent_reply")) == 2
            restored = pool.submit(client.made, "/_emulator/snapshots/before/restore")
            wait_until(lambda: waits_for_a_row(served.emulator.tenants.database))
        assert restored.result(PATIENCE_SECONDS)["generation"] == 2
    with served.emulator.tenants.open("replaced").stored.reading() as session:
        assert session.all("SELECT key FROM idempotent_reply") == []


def test_a_world_that_others_never_stop_writing_to_is_replaced_at_the_second_attempt(
    served: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "ATTEMPTS", 2)
    client = Client(served, "sk_test_busy")
    client.made("/_emulator/snapshots", name="before")
    database = served.emulator.tenants.database
    write = "UPDATE world SET changed = changed + 1 WHERE handle = %s"
    handle = [served.emulator.tenants.open("busy").handle]

    with ThreadPoolExecutor(2) as pool, database.connect() as first, database.connect() as second:
        for connection in (first, second):
            connection.execute("BEGIN")
        first.execute(write, handle)
        restored = pool.submit(client.made, "/_emulator/snapshots/before/restore")
        wait_until(lambda: waits_for_a_row(database) == 1)
        written = pool.submit(second.execute, write, handle)
        wait_until(lambda: waits_for_a_row(database) == 2)
        first.execute("COMMIT")
        written.result(PATIENCE_SECONDS)
        wait_until(lambda: waits_for_a_row(database) == 1 or restored.done())  # the first attempt has been in vain
        second.execute("COMMIT")

        assert restored.result(PATIENCE_SECONDS)["generation"] == 2


def waits_for_a_row(database: PostgresDatabase) -> int:
    """How many wait for what another has locked."""
    return len(
        database.asked(
            "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE NOT granted AND datname = current_database()"
        )
    )


def test_what_fails_in_an_attempt_leaves_the_rest_of_the_session(served: Flask) -> None:
    Client(served, "sk_test_attempts").read("/v1/balance")
    world = served.emulator.tenants.open("attempts").stored

    with world.writing() as session:
        session.add("total", book="kept", amount=1)
        with pytest.raises(errors.UniqueViolation), session.attempt():
            session.add("total", book="undone", amount=1)
            session.add("total", book="kept", amount=2)
        session.many("total", ("book", "amount"), [("kept", 5), ("added", 7)], sums=("amount",))
    with world.reading() as session:
        found = session.all("SELECT book, amount FROM total ORDER BY book")

    assert found == [("added", 7), ("kept", 6)]


def test_what_is_read_again_and_again_is_one_round_trip_until_another_process_has_changed_something(
    served: Flask, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asker, "LOOK_FOR_OTHERS_SECONDS", math.inf)
    client, other = Client(served, "sk_test_again"), create_app(database)
    path = f"/v1/customers/{client.made('/v1/customers', name='one')['id']}"
    for _ in range(3):
        client.read(path)
    waits, arrived = [], Line.read

    def counted(line: Line, **how: Any) -> Any:
        waits.append(line)
        return arrived(line, **how)

    monkeypatch.setattr(Line, "read", counted)
    names = [client.read(path)["name"] for _ in range(3)]
    of_three = len(waits)
    Client(other, "sk_test_again").made(path, name="two")
    names += [client.read(path)["name"] for _ in range(4)]
    other.emulator.close()

    assert (of_three, names) == (3, ["one"] * 3 + ["two"] * 4)


def test_what_a_request_names_and_what_its_rules_look_at_is_waited_for_together(
    served: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asker, "LOOK_FOR_OTHERS_SECONDS", math.inf)
    client = Client(served, "sk_test_together")
    client.made("/v1/test_helpers/issuing/fund_balance", amount=100_00, currency="usd")
    card = a_card(client, status="active")
    authorize(client, card, 1_00)
    waits, arrived = [], Line.read

    def counted(line: Line, **how: Any) -> Any:
        waits.append(line)
        return arrived(line, **how)

    monkeypatch.setattr(Line, "read", counted)
    authorize(client, card, 1_00)
    of_a_purchase = len(waits)
    client.read(f"/v1/issuing/cards/{card['id']}")

    assert of_a_purchase <= 4  # the world and the card; the rules; what was spent; the commit
    assert len(waits) - of_a_purchase <= 3  # the world and the card; its holder; the end


@record("note", prefix="nt", noun="note", filters=("status", "about"), hidden=("private",), version=2)
class Louder(notes.Note):
    """The guest's note, every text of which was made louder once."""

    @staticmethod
    def upgrade(members: dict[str, Any], version: int) -> dict[str, Any]:
        """With a mark."""
        return {**members, "text": f"{members['text']}!"}


LATER = Catalog((type("Later", (), {"RECORDS": (Louder,)}),))  # type: ignore[arg-type]


@pytest.fixture
def quiet(empty_database: str) -> str:
    """A database with a note, which is not loud yet."""
    for catalog in (LATER, notes.CATALOG):
        install(empty_database, Schema(catalog.records.values()))
    app = notes.notes_app(empty_database)
    notes.NotesClient(app).post("/v1/notes", "text=hello")
    app.tenants.close()
    return empty_database


def test_of_several_who_open_an_older_world_at_once_one_brings_it_up_to_date(quiet: str) -> None:
    first, second = (notes.served(quiet, LATER) for _ in range(2))
    with ThreadPoolExecutor(2) as pool:
        with PostgresWorld(first.database, first.open("notes").handle).writing() as session:
            assert session.all("SELECT 1 FROM note")
            opening = [pool.submit(lambda tenants: tenants.open("notes").stored, one) for one in (first, second)]
            wait_until(lambda: waits_for_a_row(first.database) == 2)
        worlds = [one.result(PATIENCE_SECONDS) for one in opening]

    with worlds[1].reading() as session:
        ((data,),) = session.all("SELECT data FROM note")
    assert orjson.loads(data)["text"] == "hello!"
    first.close()
    second.close()


def test_a_server_of_an_earlier_version_does_not_read_what_a_later_one_has_written_anew(quiet: str) -> None:
    earlier, later = notes.served(quiet, notes.CATALOG), notes.served(quiet, LATER)
    world = earlier.open("notes").stored
    assert later.open("notes").stored

    with pytest.raises(WorldDamaged, match="servers of two versions cannot share it"), world.reading() as session:
        session.all("SELECT data FROM note")
    with pytest.raises(WorldDamaged, match="written by a newer version of the emulator"):
        earlier.open("notes").stored  # noqa: B018  (opened when first asked for)
    with later.open("notes").stored.writing() as session:
        assert session.changed("UPDATE note SET status = 'done'") == 1
    earlier.close()
    later.close()


def test_a_world_that_was_deleted_and_made_anew_by_another_process_is_opened_again(database: str) -> None:
    one, other = (create_app(database) for _ in range(2))
    held = one.emulator.tenants.open("again").stored
    other.emulator.tenants.delete(other.emulator.tenants.open("again"))
    with pytest.raises(WorldGone), held.reading() as session:
        session.all("SELECT 1 FROM tenant")
    assert other.emulator.tenants.open("again").stored

    opened = one.emulator.tenants.database.open(held.handle)

    assert not opened.is_gone
    one.emulator.close()
    other.emulator.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://owner:secret@one/worlds", "postgresql://owner@one/worlds"),
        ("postgresql://owner@one:1/worlds", "postgresql://owner@one:1/worlds"),
        ("postgresql://one:1,two:2/worlds?target_session_attrs=read-write", "postgresql://one:1,two:2/worlds"),
        ("postgresql://owner@one,two/worlds?port=7", "postgresql://owner@one:7,two:7/worlds"),
    ],
)
def test_a_database_is_named_by_its_hosts_and_without_the_password(url: str, shown: str) -> None:
    assert place_of(url) == shown


def test_nobody_hears_the_password(database: str) -> None:
    secret = database.replace("owner@", "owner:wonderful@")

    app = create_app(secret)
    health = Client(app, "sk_test_health").read("/_emulator/health")
    app.emulator.close()
    with pytest.raises(NoDatabase) as unreachable:
        create_app("postgresql://owner:wonderful@127.0.0.1:1/worlds")
    with pytest.raises(NoDatabase) as unreadable:
        create_app("postgresql://owner:won%zzderful@127.0.0.1:1/worlds")

    assert "wonderful" not in str((health, unreachable.value)) and "derful" not in str(unreadable.value)
    assert health["data"].startswith("postgresql://owner@")
