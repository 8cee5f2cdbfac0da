"""The stream: what happens in the world that a session looks at, told within moments, on the loop and over WSGI."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from flask import Flask
from werkzeug.serving import make_server

from emulator.app import create_app
from emulator.dashboard import live
from emulator.kernel.database.face import StorageFails
from tests.serving import Quiet, Served

PATIENCE_SECONDS = 20
KEY = "sk_test_streamed"


@contextmanager
def over_wsgi(app: Flask) -> Iterator[str]:
    """The application behind a server of threads, which hands on what is told as it comes."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def on_the_loop(app: Flask) -> Iterator[str]:
    """The application behind the server that is shipped."""
    with Served(app) as server:
        yield server.url


@pytest.fixture(params=[on_the_loop, over_wsgi])
def http(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[httpx.Client]:
    """A browser that has signed in, at either server."""
    app = create_app(tmp_path)
    with request.param(app) as url, httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
        client.get("/v1/balance", auth=(KEY, ""))
        client.get(app.emulator.dashboard.link())
        yield client
    app.emulator.close()


def lines(reply: httpx.Response) -> Iterator[str]:
    """What the stream says, line by line."""
    return reply.iter_lines()


def next_words(said: Iterator[str]) -> list[str]:
    """The words of the next message."""
    return next(line for line in said if line.startswith("data: ")).removeprefix("data: ").split()


def test_what_happens_is_told_to_whoever_listens(http):
    with http.stream("GET", live.PATH) as reply:
        said = lines(reply)
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        assert next(said) == "retry: 2000"
        assert next(line for line in said if line) == ":"  # it has looked, and nothing is new
        made = http.post("/v1/customers", auth=(KEY, ""), data={"name": "Jenny"}).json()

        words = next_words(said)

    assert words[:3] == ["any", "event", "customer"]
    assert made["id"] in words


def test_a_move_of_the_clock_is_told(http):
    with http.stream("GET", live.PATH) as reply:
        said = lines(reply)
        assert next(line for line in said if line.startswith(":"))
        http.post("/_emulator/clock", auth=(KEY, ""), data={"advance": 60})

        assert "clock" in next_words(said)


def test_a_page_that_comes_back_hears_what_it_missed(http):
    with http.stream("GET", live.PATH) as reply:
        said = lines(reply)
        assert next(line for line in said if line.startswith(":"))
        http.post("/v1/customers", auth=(KEY, ""), data={"name": "Jenny"})
        place = next(line for line in said if line.startswith("id: ")).removeprefix("id: ")
    missed = http.post("/v1/customers", auth=(KEY, ""), data={"name": "Omar"}).json()

    with http.stream("GET", live.PATH, headers={"Last-Event-ID": place}) as reply:
        assert missed["id"] in next_words(lines(reply))

    http.post("/_emulator/reset", auth=(KEY, ""))
    with http.stream("GET", f"{live.PATH}?after={place}") as reply:
        assert next_words(lines(reply)) == ["any", "reset"]


def test_a_page_hears_of_what_happened_after_its_world_could_not_be_looked_at(http, monkeypatch):
    words, refused = live.Seen.words, threading.Event()

    def away_once(seen, step):
        if not refused.is_set():
            refused.set()
            raise StorageFails("The database is away.")
        return words(seen, step)

    with http.stream("GET", live.PATH) as reply:
        said = lines(reply)
        assert next(line for line in said if line.startswith(":"))
        monkeypatch.setattr(live.Seen, "words", away_once)
        made = http.post("/v1/customers", auth=(KEY, ""), data={"name": "Jenny"}).json()
        assert refused.wait(PATIENCE_SECONDS)
        http.post("/v1/customers", auth=(KEY, ""), data={"name": "Omar"})

        assert made["id"] in next_words(said)


def test_nobody_else_hears_it(http):
    assert httpx.get(http.base_url.join(live.PATH)).status_code == 401


def test_a_server_stops_although_somebody_listens(tmp_path):
    app = create_app(tmp_path)
    server = Served(app)
    client = httpx.Client(base_url=server.url, timeout=PATIENCE_SECONDS)
    client.get("/v1/balance", auth=(KEY, ""))
    client.get(app.emulator.dashboard.link())
    with client.stream("GET", live.PATH) as reply:
        said = lines(reply)
        next(said)
        stopping = threading.Thread(target=server.stop)
        stopping.start()

        assert [line for line in said if line.startswith("data")] == []  # it ends as a whole reply does
        client.close()
        stopping.join(PATIENCE_SECONDS)

    assert not stopping.is_alive()
    app.emulator.close()
