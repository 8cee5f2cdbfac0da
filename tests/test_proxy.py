"""The small load balancer that stands before several servers in tests: bench/proxy.py."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from bench.proxy import Proxy


@contextmanager
def answering(name: str) -> Iterator[ThreadingHTTPServer]:
    """A server that says its name, and what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if body == b"die":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            said = name.encode() + b" " + body
            self.send_response(200)
            if body == b"drip":
                self.end_headers()
                self.wfile.write(said)
                self.close_connection = True
                return
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with ExitStack() as stack:
        servers = [stack.enter_context(answering(name)) for name in ("one", "two", "three")]
        yield stack.enter_context(Proxy([server.server_address for server in servers]))


def test_requests_of_one_connection_go_to_one_server_after_the_other(proxy):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port)
    said = []
    for number in range(4):
        connection.request("POST", "/", body=f"{number}" * 100_000)
        said.append(connection.getresponse().read())

    assert said == [name + b" " + b"%d" % n * 100_000 for n, name in enumerate((b"one", b"two", b"three", b"one"))]


def test_a_server_that_cannot_be_reached_is_passed_over(proxy):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        proxy.servers[1] = closed.getsockname()

    said = [httpx.post(proxy.url, content=b"hello").text for _ in range(4)]

    assert said == ["one hello", "three hello", "one hello", "three hello"]


def test_a_server_that_dies_on_the_way_takes_the_connection_with_it(proxy):
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(proxy.url, content=b"die")

    assert httpx.post(proxy.url, content=b"hello").text == "two hello"


def test_a_reply_that_does_not_say_how_long_it_is_ends_with_the_connection(proxy):
    assert httpx.post(proxy.url, content=b"drip").text == "one drip"
