"""A disk on which a database has no room any more: said once, nothing changes, and it passes without a restart."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from flask import Flask

from bench.postgres import PostgresServer
from emulator.app import create_app
from emulator.kernel.database.postgres import database as databases
from tests.client import Answer, Client
from tests.databases import postgres_server
from tests.examining import examine_tenant
from tests.small_disks import Disk, small_disk

LARGE = "x" * 400


@pytest.fixture
def disk() -> Iterator[Disk]:
    with small_disk(64) as mounted:
        yield mounted


@pytest.fixture
def server(disk: Disk) -> Iterator[PostgresServer]:
    """A server whose databases are on a small disk of their own; what it writes ahead is elsewhere."""
    with postgres_server() as server:
        place = disk.folder / "databases"
        place.mkdir()
        os.chown(place, server.user["user"], server.user["group"])
        disk.folder.chmod(0o755)
        server.administer(f"CREATE TABLESPACE small LOCATION '{place}'")
        yield server


@pytest.fixture
def app(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(databases, "PATIENCE_SECONDS", 1.0)
    url = server.database()
    server.administer(f"ALTER DATABASE {url.rpartition('/')[2]} SET TABLESPACE small")
    app = create_app(url)
    yield app
    app.emulator.close()  # type: ignore[attr-defined]


def customer(client: Client) -> Answer:
    """Something that takes room."""
    return client.post("/v1/customers", name="Jenny", description=LARGE)


def test_a_full_disk_is_said_once_with_its_place_and_cause_changes_nothing_and_passes(
    app: Flask, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "emulator")
    client, other = Client(app, "sk_test_full"), Client(app, "sk_test_other")
    made = [customer(client).json["id"] for _ in range(3)]
    customer(other)
    disk.fill()

    answers = []
    while len([answer for answer in answers if answer.status != 200]) < 3:  # what is half full is filled up first
        assert len(answers) < 500
        answers.append(customer(client))
    made += [answer.json["id"] for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status != 200]
    read = client.get("/v1/customers", limit=1)
    disk.free()
    again = customer(client)
    made.append(again.json["id"])
    listed = listed_of(client)

    assert {answer.status for answer in refused} == {503}
    message = refused[0].error["message"]
    assert message.startswith(f"The database {app.emulator.tenants.database.place} cannot be used: ")  # type: ignore
    assert "No space left on device" in message and "was not carried out" in message
    assert int(refused[0].headers["Retry-After"]) > 0
    assert (read.status, again.status) == (200, 200)
    assert listed == made[::-1]
    for name in ("full", "other"):
        examine_tenant(app.emulator.tenants.open(name))  # type: ignore[attr-defined]
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith("The database")]
    assert [line.endswith("That is over.") for line in said] == [False, True]


def listed_of(client: Client) -> list[str]:
    """The ids of all customers, the newest first."""
    ids: list[str] = []
    while True:
        after = {"starting_after": ids[-1]} if ids else {}
        page = client.read("/v1/customers", limit=100, **after)
        ids += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            return ids
