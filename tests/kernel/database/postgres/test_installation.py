"""A database made ready, brought up to date by later versions, and left alone by earlier ones."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from bench.postgres import PostgresServer
from emulator.app import create_app
from emulator.cli.database import schema
from emulator.kernel.database.place import NoDatabase
from emulator.kernel.database.postgres import installation, shapes
from emulator.kernel.database.postgres.installation import install
from emulator.kernel.database.postgres.tables import SCHEMA
from emulator.kernel.database.schema import SCHEMA_VERSION, Schema
from tests.client import Client
from tests.databases import postgres_server
from tests.kernel.notes import CATALOG as GUESTS
from tests.kernel.notes import NotesClient, notes_app, served

NOTES = Schema(GUESTS.records.values())


def connected(url: str) -> psycopg.Connection[Any]:
    """The owner, who sees no world without naming it."""
    return psycopg.connect(url, autocommit=True, options=f"-c search_path={SCHEMA}")


def found(url: str, query: str, world: int | None = None) -> list[tuple[Any, ...]]:
    """What a query finds in one world, or in none."""
    with connected(url) as connection:
        if world is not None:
            connection.execute("SELECT set_config('emulator.tenant', %s, false)", [str(world)])
        return connection.execute(query).fetchall()


@pytest.fixture
def two_worlds(empty_database: str) -> str:
    """A database of notes with a note in each of two worlds."""
    install(empty_database, NOTES)
    app = notes_app(empty_database)
    for name in ("one", "two"):
        NotesClient(app, f"sk_test_{name}").post("/v1/notes", f"text={name}")
    app.tenants.close()
    return empty_database


@pytest.fixture
def the_next_version(two_worlds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this program is of the next schema, in which due actions name their product."""
    for module in (installation, shapes):
        monkeypatch.setattr(module, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    scripts = {
        SCHEMA_VERSION: (
            "ALTER TABLE due ADD COLUMN product text",
            "UPDATE due SET product = split_part(action, '.', 1)",
            "ALTER TABLE due ALTER COLUMN product SET NOT NULL",
        )
    }
    monkeypatch.setattr(installation, "SCRIPTS", scripts)


def test_a_database_is_made_ready_once_and_a_newer_one_is_left_alone(empty_database: str) -> None:
    with pytest.raises(NoDatabase, match="stripe-emulator database init"):
        create_app(empty_database)
    first, second = install(empty_database, schema()), install(empty_database, schema())
    with psycopg.connect(empty_database) as connection:
        connection.execute(f"ALTER TABLE {SCHEMA}.customer DROP COLUMN email")
    with pytest.raises(NoDatabase, match="database upgrade"):
        create_app(empty_database)
    third = install(empty_database, schema(), is_there=True)
    with psycopg.connect(empty_database) as connection:
        connection.execute(f"UPDATE {SCHEMA}.installation SET version = version + 1")

    assert len(first) > 80 and second == []
    assert "the column email of customer" in third
    for refused in (lambda: create_app(empty_database), lambda: install(empty_database, schema())):
        with pytest.raises(NoDatabase, match="newer version of the emulator"):
            refused()


def test_records_are_filed_anew_when_a_world_of_another_shape_is_opened(database: str) -> None:
    app = create_app(database)
    Client(app, "sk_test_older").made("/v1/customers", name="one", email="one@example.com")
    app.emulator.close()
    with psycopg.connect(database) as connection:  # as a version would have left it that did not file by it
        connection.execute(f"SET search_path = {SCHEMA}")
        connection.execute("SELECT set_config('emulator.tenant', (SELECT min(number)::text FROM world), false)")
        connection.execute("UPDATE customer SET email = NULL")
        connection.execute("INSERT INTO shape VALUES ('older', convert_to('{\"customer\": [1, []]}', 'UTF8'))")
        connection.execute("UPDATE world SET shape = 'older'")

    app = create_app(database)
    found = Client(app, "sk_test_older").read("/v1/customers", email="one@example.com")
    app.emulator.close()

    assert [one["name"] for one in found["data"]] == ["one"]


def test_every_version_since_the_first_has_its_script() -> None:
    assert sorted(installation.SCRIPTS) == list(range(6, SCHEMA_VERSION))


@pytest.mark.usefixtures("the_next_version")
def test_the_rows_of_every_world_are_brought_to_the_next_version(two_worlds: str) -> None:
    with pytest.raises(NoDatabase, match="stripe-emulator database upgrade"):
        served(two_worlds, GUESTS)
    made = install(two_worlds, NOTES, is_there=True)

    worlds = [number for (number,) in found(two_worlds, "SELECT number FROM world")]
    assert made == ["schema 7 of schema 6", "the function copy_world"]
    assert [found(two_worlds, "SELECT product FROM due", world) for world in worlds] == [[("notes",)]] * 2
    assert found(two_worlds, "SELECT product FROM due") == []  # nobody sees another's world afterwards either


@pytest.mark.usefixtures("the_next_version")
def test_of_several_who_bring_a_database_up_to_date_one_does(two_worlds: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: install(two_worlds, NOTES), range(4)))

    assert sorted(map(bool, made)) == [False, False, False, True]


@pytest.mark.usefixtures("the_next_version")
def test_a_script_that_fails_changes_nothing(two_worlds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = ("UPDATE due SET action = 'lost'", "UPDATE due SET account = NULL")
    monkeypatch.setattr(installation, "SCRIPTS", {SCHEMA_VERSION: script})
    before = [found(two_worlds, "SELECT action FROM due", world) for world in (1, 2)]

    with pytest.raises(NoDatabase, match="could not be made ready: null value in column"):
        install(two_worlds, NOTES)

    assert [found(two_worlds, "SELECT action FROM due", world) for world in (1, 2)] == before
    assert found(two_worlds, "SELECT version FROM installation") == [(SCHEMA_VERSION,)]
    assert found(two_worlds, "SELECT action FROM due") == []


def test_the_version_before_refuses_what_the_next_one_has_changed(
    two_worlds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as next_one:
        next_one.setattr(installation, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
        next_one.setattr(installation, "SCRIPTS", {SCHEMA_VERSION: ()})
        install(two_worlds, NOTES)

    for refused in (lambda: served(two_worlds, GUESTS), lambda: install(two_worlds, NOTES)):
        with pytest.raises(NoDatabase, match=r"newer version of the emulator \(schema 7, this one knows 6\)"):
            refused()


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        ("DROP INDEX note_by_status", "the index note_by_status"),
        ("COMMENT ON INDEX note_by_status IS 'another'", "the index note_by_status"),
        ("DROP TABLE drawer", "the table drawer"),
        ("DROP FUNCTION empty_world", "the function empty_world"),
        (
            "CREATE OR REPLACE FUNCTION measure_world() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",
            "the function measure_world",
        ),
    ],
)
def test_what_is_not_as_it_has_to_be_is_made_anew(two_worlds: str, difference: str, told: str) -> None:
    with connected(two_worlds) as owner:
        owner.execute(difference)

    with pytest.raises(NoDatabase, match="stripe-emulator database upgrade"):
        served(two_worlds, GUESTS)

    assert install(two_worlds, NOTES) == [told]
    assert install(two_worlds, NOTES) == []
    served(two_worlds, GUESTS).close()


def test_what_a_later_version_has_added_stays_and_goes_with_its_world(two_worlds: str) -> None:
    with connected(two_worlds) as owner:
        owner.execute("ALTER TABLE note ADD COLUMN mood text")
    install(two_worlds, NOTES)
    with connected(two_worlds) as owner:
        owner.execute("SELECT set_config('emulator.tenant', '1', false)")
        owner.execute("UPDATE note SET mood = 'good'")

    tenants = served(two_worlds, GUESTS)
    handle = tenants.open("one").handle
    tenants.database.copy(handle, "0" * 32, lambda session: None)
    tenants.close()

    (copied,) = found(two_worlds, f"SELECT number FROM world WHERE handle = '{'0' * 32}'")
    assert found(two_worlds, "SELECT mood FROM note", *copied) == [("good",)]


@pytest.mark.parametrize("password", ["s3cr/et", "s3cr@et", "12/s3cr", "s3cr/e@t"])
def test_a_password_with_a_character_that_would_end_it_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(NoDatabase, match="cannot be understood") as refusal:
        install(f"postgresql://owner:{password}@127.0.0.1:1/worlds", NOTES)

    assert "s3cr" not in str(refusal.value)


def test_a_schema_of_that_name_with_something_else_in_it_is_left_alone(empty_database: str) -> None:
    with connected(empty_database) as connection:
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        connection.execute(f"CREATE TABLE {SCHEMA}.theirs (name text)")

    with pytest.raises(NoDatabase, match="not the emulator's"):
        install(empty_database, NOTES)


def test_a_schema_of_that_name_that_is_somebody_elses_is_said(empty_database: str, postgres: PostgresServer) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(empty_database)["dbname"])
    postgres.administer(f"CREATE SCHEMA {SCHEMA}", name)

    with pytest.raises(NoDatabase, match="may make nothing"):
        install(empty_database, NOTES)


@pytest.mark.parametrize("is_there", [False, True], ids=["no role yet", "the role of another database"])
def test_an_owner_who_may_make_no_roles_is_told_what_an_administrator_can_do(is_there: bool) -> None:
    with postgres_server(None) as server:
        server.administer("CREATE ROLE somebody LOGIN")
        server.administer("CREATE DATABASE theirs OWNER somebody")
        theirs = server.url("theirs", "somebody")
        if is_there:
            install(server.database(), NOTES)

        with pytest.raises(NoDatabase, match="may not make roles") as refusal:
            install(theirs, NOTES)
        said = re.findall("`([^`]+)`", str(refusal.value))
        for statement in said:
            server.administer(statement)

        assert len(said) == (1 if is_there else 2)
        assert "the schema stripe_emulator" in install(theirs, NOTES)
        served(theirs, GUESTS).close()


def test_a_database_that_can_only_be_read_is_not_served(two_worlds: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(two_worlds)["dbname"]
    with connected(two_worlds) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    with pytest.raises(NoDatabase, match="can only be read"):
        notes_app(two_worlds)


@pytest.mark.parametrize(
    "setting",
    [
        "client_encoding = 'LATIN1'",
        "client_encoding = 'SQL_ASCII'",
        "row_security = off",
        "quote_all_identifiers = on",
        "idle_session_timeout = '5s'",
    ],
)
def test_what_an_administrator_has_set_changes_nothing_for_a_server(two_worlds: str, setting: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(two_worlds)["dbname"]
    with connected(two_worlds) as connection:
        connection.execute(f"ALTER DATABASE {name} SET {setting}")

    app = notes_app(two_worlds)
    reply = NotesClient(app, "sk_test_one").post("/v1/notes", "text=Zo\u00eb")
    app.tenants.close()  # type: ignore[attr-defined]

    assert reply.status_code == 200, reply.text
    with psycopg.connect(two_worlds, autocommit=True) as connection:
        installation.step_down(connection)
        assert connection.execute("SHOW client_encoding").fetchone() == ("UTF8",)
        assert connection.execute("SHOW row_security").fetchone() == ("on",)
        assert connection.execute("SHOW idle_session_timeout").fetchone() == ("0",)
