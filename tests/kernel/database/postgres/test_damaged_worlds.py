"""Rows that are not as they were written: the world that they are of says so, and all others go on."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask

from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.cli.doctor import doctor
from emulator.kernel.database.doctor import examine
from emulator.kernel.database.postgres.tables import SCHEMA
from emulator.kernel.tenants.tenants import handle_of
from tests.client import Client

TOPUPS, WORLD, WORLDS, SNAPSHOTS = "/v1/topups", "/_emulator/world", "/_emulator/worlds", "/_emulator/snapshots"
NO_JSON = "UPDATE topup SET data = '\\xff7b'::bytea"
WITHOUT_ITS_ROW = "DELETE FROM tenant"


@pytest.fixture
def app(database: str) -> Iterator[Flask]:
    """Two worlds, one of which is going to be damaged."""
    app = create_app(database)
    for name in ("damaged", "well"):
        client = Client(app, f"sk_test_{name}")
        client.made(TOPUPS, amount=100, currency="usd")
        client.made(SNAPSHOTS, name="before")
    yield app
    app.emulator.close()  # type: ignore[attr-defined]


def changed(url: str, name: str, *statements: str) -> None:
    """Change rows of a world behind everybody's back."""
    with psycopg.connect(url) as connection:
        connection.execute(f"SET search_path = {SCHEMA}")
        number = "SELECT set_config('emulator.tenant', number::text, false) FROM world WHERE handle = %s"
        assert connection.execute(number, [handle_of(name)]).rowcount == 1
        assert all(connection.execute(statement).rowcount for statement in statements), "nothing was changed"  # type: ignore[call-overload]


def test_a_record_that_cannot_be_read_is_named_once_and_all_other_worlds_go_on(
    app: Flask, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    changed(database, "damaged", NO_JSON)

    refused = [Client(app, "sk_test_damaged").get(TOPUPS) for _ in range(3)]
    for _ in range(3):
        app.emulator.tenants.tick()  # type: ignore[attr-defined]

    assert Client(app, "sk_test_well").read(TOPUPS)["data"] != []
    assert Client(app, "sk_test_new").read(TOPUPS)["data"] == []
    assert {answer.status for answer in refused} == {500}
    (message,) = {answer.error["message"] for answer in refused}
    assert "a row in it is not as it was written" in message and "Reset this world" in message
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "The world d… is left alone" in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize("damage", [NO_JSON, WITHOUT_ITS_ROW])
@pytest.mark.parametrize("verb, path", [("POST", "/_emulator/reset"), ("DELETE", WORLD)])
def test_a_damaged_world_can_be_reset_and_deleted(
    app: Flask, database: str, damage: str, verb: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    changed(database, "damaged", damage)
    client = Client(app, "sk_test_damaged")
    assert client.get(TOPUPS).status == 500

    assert client.send(verb, path, {}, None).status == 200

    assert client.read(TOPUPS)["data"] == []
    assert client.made(TOPUPS, amount=100, currency="usd")["object"] == "topup"
    assert examine(database, CATALOG) == []


@pytest.mark.parametrize("damage", [NO_JSON, WITHOUT_ITS_ROW])
def test_a_damaged_world_is_brought_back_by_its_snapshot(
    app: Flask, database: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    changed(database, "damaged", damage)
    client = Client(app, "sk_test_damaged")
    assert client.get(TOPUPS).status == 500

    client.made(f"{SNAPSHOTS}/before/restore")

    assert len(client.read(TOPUPS)["data"]) == 1
    assert examine(database, CATALOG) == []


def test_a_world_without_its_own_row_is_refused_and_told_of_among_the_others(
    app: Flask, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    changed(database, "damaged", WITHOUT_ITS_ROW)

    refused = Client(app, "sk_test_damaged").get(TOPUPS)
    listed = {world["id"]: world["damage"] for world in app.test_client().get(WORLDS).json["data"]}

    assert refused.status == 500 and "there is no world in it" in refused.error["message"]
    assert listed.pop(handle_of("well")) is None
    assert "there is no world in it" in listed[handle_of("damaged")]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "damage, says",
    [
        (NO_JSON, "damaged: record: emulator.balances.topups cannot be checked"),
        (WITHOUT_ITS_ROW, f"{handle_of('damaged')}: database: "),
        ("UPDATE total SET amount = amount + 1 WHERE book = 'outside:banks:usd'", "damaged: total: outside:banks:usd"),
        ("UPDATE line SET amount = amount * 2 WHERE movement = 1", "its lines say"),
        ("UPDATE event SET created = created + 5 WHERE sequence = 1", "is filed under created"),
        ("DELETE FROM movement", "have no movement"),
    ],
)
def test_the_doctor_names_what_was_changed_in_a_database_that_is_served(
    app: Flask, database: str, damage: str, says: str
) -> None:
    healthy = CliRunner().invoke(doctor, ["--database", database], standalone_mode=False)
    changed(database, "damaged", damage)

    examined = CliRunner().invoke(doctor, ["--database", database], standalone_mode=False)

    assert (healthy.return_value, healthy.output) == (0, "The books of 2 worlds are whole.\n")
    assert examined.return_value == 1 and examined.exception is None
    assert says in examined.output and " found in 2 worlds." in examined.output
    assert "well: " not in examined.output and "Traceback" not in examined.output


def test_the_doctor_leaves_all_rows_as_they_are(app: Flask, database: str) -> None:
    changed(database, "damaged", "UPDATE tenant SET clock_offset = clock_offset + 90 * 86400")
    before = everything(database)

    assert examine(database, CATALOG) == []

    assert everything(database) == before


def everything(url: str) -> dict[str, list[str]]:
    """Every row of every world; what is told of their sizes aside."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(url) as connection:
        connection.execute(f"SET search_path = {SCHEMA}")
        worlds = connection.execute("SELECT number, wakes_at, changed FROM world ORDER BY number").fetchall()
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relrowsecurity", [SCHEMA]
        ).fetchall()
        for number, *_ in worlds:
            connection.execute("SELECT set_config('emulator.tenant', %s, false)", [str(number)])
            for (table,) in tables:
                rows = connection.execute(f"SELECT {table}::text FROM {table}").fetchall()
                found[f"{number} {table}"] = sorted(row for (row,) in rows)
    assert sum(map(len, found.values())) > 50
    return {**found, "worlds": list(map(str, worlds))}
