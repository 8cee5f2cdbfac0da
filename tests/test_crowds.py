"""Who holds a connection open, and says nothing or half of something, keeps nobody waiting."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask

from bench import crowd_bench
from bench.crowd_bench import KEY, Crowd, status_on
from emulator.app import create_app
from emulator.server import Server, ServerOptions, allow_many_files, run
from tests.client import Client
from tests.issuing.purchases import AUTHORIZATIONS, a_spender
from tests.serving import Served

IDLE, STALLED = 300, 220


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Flask]:
    allow_many_files()
    app = create_app(tmp_path)
    yield app
    app.emulator.close()  # type: ignore[attr-defined]


def test_a_crowd_that_is_idle_or_stalls_keeps_nobody_waiting(application: Flask) -> None:
    client = Client(application, KEY)
    card = a_spender(client)["id"]
    for _ in range(10):
        client.made(AUTHORIZATIONS, card=card, amount=1_00, currency="usd")

    with (
        Served(application) as served,
        Crowd(served.options.port, idle=IDLE, stalled=STALLED) as crowd,
        httpx.Client(base_url=served.url, auth=(KEY, ""), trust_env=False, timeout=30) as others,
    ):
        read = [others.get("/v1/balance").status_code for _ in range(10)]
        form = {"card": card, "amount": 1_00, "currency": "usd"}
        bought = [others.post(AUTHORIZATIONS, data=form).status_code for _ in range(10)]
        rest_of_a_head = status_on(crowd.heads[0], f"rer {KEY}\r\n\r\n".encode())
        rest_of_a_body = status_on(crowd.bodies[0], b"Rosen")

        assert (len(crowd.heads), len(crowd.bodies), len(crowd.readers)) == (88, 88, 44)
        assert read + bought == [200] * 20
        assert (rest_of_a_head, rest_of_a_body) == (200, 200)
        assert crowd.answered() == IDLE


def test_who_comes_where_there_is_no_room_is_told_so_and_those_who_are_there_stay(
    application: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Served(application) as served, Crowd(served.options.port, idle=50, stalled=0) as crowd:
        monkeypatch.setattr(served.server.config, "most_open", 50)
        beyond = status_on(crowd.opened(), b"")

        assert beyond == 503
        assert crowd.answered() == 50


def test_the_bench_tells_of_those_who_work_with_and_without_a_crowd(capsys: pytest.CaptureFixture[str]) -> None:
    told = crowd_bench.measure(idle=20, stalled=10, rounds=1, seconds=0.2)

    text = crowd_bench.report(told, 20, 10, 0.2)

    assert told.answered == 20
    assert "beside 20 that are idle and 10 that stall" in text


def test_what_a_server_begins_with_is_not_looked_through_again_for_what_can_go(
    application: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(Server, "run", lambda server, sockets: kept.append(gc.get_freeze_count()))
    before = gc.get_freeze_count()

    run(ServerOptions(), application, [], lambda *_: None)
    gc.unfreeze()

    assert kept[0] > before + 10_000
