"""One world's damage stays its own: it is named once, it can be made anew or deleted, and all others go on."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.cli.doctor import doctor
from emulator.kernel.database import request_log
from emulator.kernel.database.doctor import examine
from emulator.kernel.database.schema import SCHEMA_VERSION
from emulator.kernel.database.sqlite import BYTES_OF_A_PAGE
from emulator.kernel.tenants.attendant import Attendant
from emulator.kernel.tenants.tenants import handle_of
from tests.client import Client
from tests.treasury import worlds

TOPUPS, WORLD, WORLDS, REQUESTS = "/v1/topups", "/_emulator/world", "/_emulator/worlds", "/_emulator/requests"
TOPUP = "emulator.balances.topups cannot be checked"
PAGE, HEADER = BYTES_OF_A_PAGE, 100


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: 5 * PAGE])


def cut_in_its_header(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: HEADER // 2])


def written_over(file: Path) -> None:
    file.write_bytes(b"no database at all" * 1000)


def foreign(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE recipe (name TEXT); INSERT INTO recipe VALUES ('soup');")


def foreign_but_of_our_version(file: Path) -> None:
    foreign(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def without_its_own_row(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DELETE FROM tenant")


def of_a_newer_schema(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def with_a_newer_record(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS record_version (name TEXT PRIMARY KEY, version INTEGER NOT NULL)"
        )
        connection.execute("INSERT OR REPLACE INTO record_version VALUES ('topup', 99)")


def with_zeros_in_the_middle(file: Path) -> None:
    content = bytearray(file.read_bytes())
    with closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'topup'").fetchone()
    content[(page - 1) * PAGE : page * PAGE] = bytes(PAGE)
    file.write_bytes(content)


def with_letters_turned(file: Path) -> None:
    """What SQLite cannot notice, since the page is still one: the record in it is no JSON any more."""
    content = file.read_bytes()
    assert b'{"id":"tu_' in content
    file.write_bytes(content.replace(b'{"id":"tu_', b'\xff"id":"tu_'))


DAMAGES = {
    emptied: "it is empty",
    cut: "malformed",
    cut_in_its_header: "malformed",
    written_over: "file is not a database",
    foreign: "there is no world in it",
    foreign_but_of_our_version: "there is no world in it",
    without_its_own_row: "there is no world in it",
    of_a_newer_schema: f"written by a newer version of the emulator (schema {SCHEMA_VERSION + 1}",
    with_a_newer_record: "written by a newer version of the emulator (topup is at 99)",
    with_zeros_in_the_middle: "malformed",
    with_letters_turned: "a row in it is not as it was written",
}


@contextmanager
def serving(folder: Path) -> Iterator[Flask]:
    app = create_app(folder)
    app.emulator.tenants.origin = "http://localhost"  # type: ignore[attr-defined]
    try:
        yield app
    finally:
        app.emulator.close()  # type: ignore[attr-defined]


def spoiled(folder: Path, damage: Callable[[Path], None]) -> Path:
    """Two worlds, one of them damaged; its file."""
    with serving(folder) as app:
        for name in ("damaged-one", "well"):
            client = Client(app, f"sk_test_{name}")
            client.made(TOPUPS, amount=100, currency="usd")
            client.read(TOPUPS)  # what is due is done
        handle = app.emulator.tenants.open("damaged-one").handle  # type: ignore[attr-defined]
    file = folder / f"{handle}.sqlite"
    assert not file.with_name(f"{file.name}-wal").exists()
    damage(file)
    return file


def ticks(app: Flask, count: int = 3) -> None:
    """What the background does twice a second."""
    for _ in range(count):
        app.emulator.tenants.tick()  # type: ignore[attr-defined]


def refusal(client: Client) -> dict[str, Any]:
    answer = client.get(TOPUPS)
    assert answer.status == 500, answer.json
    return answer.error


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_world_says_so_and_all_others_go_on(tmp_path, damage, caplog):
    file = spoiled(tmp_path, damage)

    with serving(tmp_path) as app:
        ticks(app)
        said = [refusal(Client(app, "sk_test_damaged-one")) for _ in range(3)]
        ticks(app)

        assert Client(app, "sk_test_well").read(TOPUPS)["data"] != []
        assert Client(app, "sk_test_new").read(TOPUPS)["data"] == []
    assert {error["type"] for error in said} == {"api_error"}
    (message,) = {error["message"] for error in said}
    assert str(file) in message and DAMAGES[damage] in message
    assert "Reset this world (`stripe-emulator reset`" in message and "DELETE /_emulator/world" in message
    assert [record.levelname for record in caplog.records] == ["ERROR"]  # once, whoever met it how often
    assert str(file) in caplog.text and DAMAGES[damage] in caplog.text
    assert "damaged-one" not in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("verb, path", [("POST", "/_emulator/reset"), ("DELETE", WORLD)])
def test_a_damaged_world_can_be_reset_and_deleted(tmp_path, damage, verb, path, caplog):
    spoiled(tmp_path, damage)

    with serving(tmp_path) as app:
        client = Client(app, "sk_test_damaged-one")
        refusal(client)
        assert client.send(verb, path, {}, None).status == 200

        assert client.read(TOPUPS)["data"] == []
        assert client.made(TOPUPS, amount=100, currency="usd")["object"] == "topup"
        ticks(app)
        assert [world["damage"] for world in client.read(WORLDS)["data"]] == [None, None]
    assert len(caplog.records) == 1
    assert examine(tmp_path, CATALOG) == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_list_of_worlds_and_the_doctor_name_it_without_a_traceback(tmp_path, damage, caplog):
    file = spoiled(tmp_path, damage)

    with serving(tmp_path) as app:
        refusal(Client(app, "sk_test_damaged-one"))
        listed = app.test_client().get(WORLDS).json["data"]
        page = app.test_client().get("/", headers={"Accept": "application/json"})
    examined = CliRunner().invoke(doctor, ["--data", str(tmp_path)], standalone_mode=False)

    told = {world["id"]: world["damage"] for world in listed}
    assert told.pop(handle_of("well")) is None
    (text,) = told.values()
    assert str(file) in text and DAMAGES[damage] in text
    assert page.status_code == 200 and DAMAGES[damage] in str(page.json["worlds"])
    assert examined.return_value == 1 and examined.exception is None
    # What SQLite cannot notice is found where the record is read; the world is then called by its name.
    assert (f"damaged-one: record: {TOPUP}" if damage is with_letters_turned else f"{file.name}: ") in examined.output
    assert " found in 2 worlds." in examined.output and "Traceback" not in examined.output


def test_who_met_the_damage_first_does_not_matter(tmp_path, caplog):
    """A page that nobody needs is not missed; once it is, the whole world is refused, since more may be wrong."""
    spoiled(tmp_path, with_zeros_in_the_middle)

    with serving(tmp_path) as app:
        client = Client(app, "sk_test_damaged-one")
        before = client.get("/v1/webhook_endpoints").status
        refusal(client)

        assert (before, client.get("/v1/webhook_endpoints").status) == (200, 500)
        assert client.post(TOPUPS, amount=100, currency="usd").status == 500
    assert "The world dam" not in caplog.text and "The world da…" in caplog.text


def test_an_address_that_opens_without_a_key_says_so_too(tmp_path, caplog):
    with serving(tmp_path) as app:
        business = worlds.connected(Client(app, "sk_test_damaged-one"))
        url = worlds.send(business, worlds.opened(business), 1_00)["hosted_regulatory_receipt_url"]
    (file,) = tmp_path.glob("*.sqlite")
    written_over(file)

    with serving(tmp_path) as app:
        answer = app.test_client().get(url)

    assert (answer.status_code, str(file) in answer.json["error"]["message"]) == (500, True)


def test_what_fails_without_a_reason_is_looked_into(tmp_path, caplog):
    """A record that has lost a member fails as a bug of ours would; whether the file is damaged the database knows."""

    def spoil(file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection:
            (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name LIKE 'topup_by_%'").fetchone()
        content = bytearray(file.read_bytes().replace(b'"amount":', b'"amOunt":'))
        index = content[(page - 1) * PAGE : page * PAGE].replace(b"acct_", b"acct-")
        content[(page - 1) * PAGE : page * PAGE] = index
        file.write_bytes(content)

    file = spoiled(tmp_path, spoil)
    made = re.search(rb'{"id":"(tu_[0-9A-Za-z]+)"', file.read_bytes())

    with serving(tmp_path) as app:
        error = Client(app, "sk_test_damaged-one").get(f"{TOPUPS}/{made[1].decode()}").error

    assert "cannot be read" in error.get("message", ""), error
    assert caplog.text.count(" failed\n") == 1 and caplog.text.count("The world da… is left alone") == 1


# Background work


def test_what_is_due_elsewhere_is_done_beside_a_damaged_world(tmp_path, caplog):
    spoiled(tmp_path, with_zeros_in_the_middle)

    with serving(tmp_path) as app:
        well = Client(app, "sk_test_well")
        tenants = app.emulator.tenants  # type: ignore[attr-defined]
        refusal(Client(app, "sk_test_damaged-one"))
        looked: list[str] = []
        tenants.attendants.insert(0, Attendant(looks=lambda tenant: looked.append(tenant.name)))
        for name in ("damaged-one", "well"):
            tenants.database.wake(handle_of(name), 1)
        ticks(app)

        assert looked == ["well"]
        assert well.read(TOPUPS)["data"] != []
    assert len(caplog.records) == 1


def test_a_bug_in_the_background_of_one_world_is_said_once_and_stays_there(tmp_path, caplog):
    with serving(tmp_path) as app:
        tenants = app.emulator.tenants  # type: ignore[attr-defined]
        looked: list[str] = []

        def look(tenant: Any) -> None:
            looked.append(tenant.name)
            assert tenant.name == "well", "a bug of ours"

        tenants.attendants.insert(0, Attendant(looks=look))
        for name in ("buggy", "well"):
            Client(app, f"sk_test_{name}").read("/v1/account")
            tenants.database.wake(handle_of(name), 1)
        ticks(app)

    assert (looked.count("buggy"), looked.count("well")) == (3, 3)
    assert caplog.text.count("background work of The world b… failed") == 1


# Request logs


def logged(app: Flask, key: str) -> list[str]:
    return [one["path"] for one in Client(app, key).read(REQUESTS, limit=100)["data"]]


def of_another_shape(file: Path) -> None:
    foreign(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            f"ALTER TABLE recipe RENAME TO request; PRAGMA user_version = {request_log.SCHEMA_VERSION}"
        )


@pytest.mark.parametrize("damage", [emptied, cut_in_its_header, written_over, of_another_shape, foreign])
def test_a_request_log_that_cannot_be_read_is_begun_anew(tmp_path, damage, caplog):
    spoiled(tmp_path, lambda file: damage(file.with_name(f"{handle_of('damaged-one')}.requests.db")))

    found = [finding.what for finding in examine(tmp_path, CATALOG)]
    with serving(tmp_path) as app:
        client = Client(app, "sk_test_damaged-one")
        before = client.get(REQUESTS)
        client.read(TOPUPS)
        after = logged(app, client.key)

        assert logged(app, "sk_test_well")[-1] == TOPUPS
    assert (before.status, before.json["data"]) == (200, [])
    assert after[0] == TOPUPS
    is_read = damage in (emptied, foreign)  # as one of another shape, which is emptied without a word
    assert found == ([] if damage in (emptied, foreign, of_another_shape) else ["request log"])
    assert len(caplog.records) == (0 if is_read else 1)
    assert caplog.text.count("has been begun anew") == (0 if is_read else 1)
    assert examine(tmp_path, CATALOG) == []


def test_a_damaged_page_of_a_request_log_costs_the_log_alone(tmp_path, caplog):
    def zeroed(file: Path) -> None:
        log = file.with_name(f"{handle_of('damaged-one')}.requests.db")
        content = bytearray(log.read_bytes())
        content[PAGE : 2 * PAGE] = bytes(PAGE)
        log.write_bytes(content)

    spoiled(tmp_path, zeroed)

    with serving(tmp_path) as app:
        assert Client(app, "sk_test_damaged-one").read(TOPUPS)["data"] != []
        assert logged(app, "sk_test_damaged-one") == [TOPUPS]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
