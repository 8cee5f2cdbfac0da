"""The database server is stopped and started again: requests are refused meanwhile, and nothing is half done."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask
from psycopg import OperationalError

from bench.postgres import PostgresServer
from emulator.app import create_app
from emulator.kernel.database.postgres.database import PostgresDatabase
from emulator.kernel.database.postgres.line import Line
from tests.client import Answer, Client
from tests.databases import postgres_server
from tests.examining import examine_tenant
from tests.patience import wait_until
from tests.receivers import receiving

KEY = "sk_test_outage"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def app(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    app = create_app(server.database())
    app.emulator.background.start()  # type: ignore[attr-defined]
    yield app
    app.emulator.close()  # type: ignore[attr-defined]


def topup(client: Client, **more: Any) -> Answer:
    return client.post("/v1/topups", amount=100, currency="usd", **more)


def sayings(caplog: pytest.LogCaptureFixture) -> list[bool]:
    """What was said of the database: of each sentence, whether it says that something is over."""
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("The database")]
    return [line.endswith("That is over.") for line in told]


def committed_and_lost(line: Line, sql: bytes) -> None:
    """The last statement is carried out, and then the connection is gone."""
    Line.end(line, sql)
    line.close()
    raise OperationalError("the connection is lost")


def test_requests_are_refused_while_it_is_away_and_go_on_without_a_restart(
    app: Flask, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "emulator")
    client = Client(app, KEY)
    with receiving() as receiver:
        client.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["topup.created"])
        assert topup(client).status == 200

        server.stop()
        refused = topup(client)
        server.start()
        made = wait_until(lambda: (answer := topup(client)).status == 200 and answer)

        assert (refused.status, refused.error["type"]) == (503, "api_error")
        assert int(refused.headers["Retry-After"]) > 0
        assert len(client.read("/v1/topups")["data"]) == 2
        wait_until(lambda: made.json["id"] in str(receiver.events))
    examine_tenant(app.emulator.tenants.open("outage"))  # type: ignore[attr-defined]
    assert sayings(caplog) == [False, True]


def test_a_server_that_was_restarted_meanwhile_is_not_noticed(
    app: Flask, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(app, KEY)
    assert topup(client).status == 200

    server.restart()

    assert topup(client).status == 200


def test_a_server_that_only_reads_is_left_for_one_that_can_be_written_to(
    app: Flask, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "emulator")
    client = Client(app, KEY)
    assert topup(client).status == 200

    server.administer("ALTER SYSTEM SET default_transaction_read_only = on")
    server.administer("SELECT pg_reload_conf()")
    try:
        refused = wait_until(lambda: (answer := topup(client)).status != 200 and answer)
        again = topup(client)
    finally:
        server.administer("ALTER SYSTEM RESET default_transaction_read_only")
        server.administer("SELECT pg_reload_conf()")
    made = wait_until(lambda: (answer := topup(client)).status == 200 and answer)

    assert (refused.status, refused.error["type"]) == (503, "api_error") and int(refused.headers["Retry-After"]) > 0
    assert (again.status, made.json["object"]) == (503, "topup")
    assert sayings(caplog) == [False, True]


def test_a_commit_that_nobody_can_say_happened_is_no_success_and_its_key_tells(
    app: Flask, server: PostgresServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(app, KEY)
    keyed = {"Idempotency-Key": "once"}
    client.read("/v1/balance")
    leave, lost = PostgresDatabase.leave, []

    def lose(database: PostgresDatabase, line: Line, last: bytes | None, *, is_change: bool = False) -> None:
        """What is committed is, and the connection ends before that is heard of."""
        if is_change and not lost:
            lost.append(line)
            monkeypatch.setattr(line, "end", partial(committed_and_lost, line))
        leave(database, line, last, is_change=is_change)

    with monkeypatch.context() as patched:
        patched.setattr(PostgresDatabase, "leave", lose)
        unsure = client.post("/v1/topups", amount=200, currency="usd", headers=keyed)
    again = client.post("/v1/topups", amount=200, currency="usd", headers=keyed)

    assert unsure.status == 503 and "is not known" in unsure.error["message"]
    assert again.status == 200 and again.headers["Idempotent-Replayed"] == "true"
    assert len(client.read("/v1/topups")["data"]) == 1
