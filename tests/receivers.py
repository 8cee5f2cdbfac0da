"""Real receivers of webhooks on real sockets: what arrived, and an answer as the test wants it."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from emulator.data.api_versions import DEFAULT
from tests.contract import complaints
from tests.contract.annotations import object_classes
from tests.contract.older import OLDEST, as_today

PATIENCE_SECONDS = 20


class Arrived(NamedTuple):
    """One request that came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body, read as an event; one about an object of the package must be as its version publishes it."""
        event = json.loads(self.body)
        kind, version = event.get("data", {}).get("object", {}).get("object"), event.get("api_version") or DEFAULT
        if kind in object_classes() and version >= OLDEST:
            retold, unknown = as_today(event, version)
            assert [*unknown, *complaints(retold)] == []
        return event


class Reply(NamedTuple):
    """What goes back. `hang` waits until the receiver closes instead, and `drip` sends a byte at a time for ever."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = {}  # noqa: RUF012
    hang: bool = False
    drip: bool = False


class Receiver:
    """A server on a free port. `answer` may be replaced at any time; it runs in a thread per request."""

    def __init__(self, answer: Callable[[Arrived], Reply] | None = None, port: int = 0) -> None:
        self.answer = answer or (lambda arrived: Reply())
        self.arrived: list[Arrived] = []
        self.changed = threading.Condition()
        self.closing = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                if len(body) < length:  # the sender died on the way: nothing has arrived
                    self.close_connection = True
                    return
                one = Arrived({name.lower(): value for name, value in self.headers.items()}, body)
                with receiver.changed:
                    receiver.arrived.append(one)
                    receiver.changed.notify_all()
                reply = receiver.answer(one)
                if reply.hang:
                    receiver.closing.wait(PATIENCE_SECONDS)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "1000000" if reply.drip else str(len(reply.body)))
                self.end_headers()
                if reply.drip:
                    while not receiver.closing.wait(0.02):
                        self.wfile.write(b".")
                    return
                self.wfile.write(reply.body)

            def log_message(self, *args: Any) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A caller that hung up is no news."""

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What arrived, as events, in order."""
        return [one.event for one in self.arrived]

    @property
    def types(self) -> list[str]:
        """The types of what arrived, in order."""
        return [event["type"] for event in self.events]

    def wait_for(self, count: int) -> list[Arrived]:
        """Return once so many have arrived. AssertionError when they do not."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.arrived) >= count, PATIENCE_SECONDS), (
                f"{len(self.arrived)} of {count} arrived"
            )
            return list(self.arrived)

    def close(self) -> None:
        """Refuse connections from now on."""
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


class Stream:
    """A server on a free port that reads a request and sends pieces of bytes for as long as they are taken."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = pieces
        self.sent = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/hook"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        """Answer one connection after the other, until closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(PATIENCE_SECONDS)
                with connection.makefile("rb") as sent:
                    head = http.client.parse_headers(sent) if sent.readline() else {}
                    sent.read(int(head.get("Content-Length", 0)))
                for piece in self.pieces:
                    connection.sendall(piece)
                    self.sent += len(piece)

    def close(self) -> None:
        """Accept no more."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive(), "somebody still reads what is sent"


@contextmanager
def streaming(pieces: Iterable[bytes]) -> Iterator[Stream]:
    """Such a server for the length of a block. `pieces` are begun anew for each connection."""
    stream = Stream(pieces)
    try:
        yield stream
    finally:
        stream.close()


@contextmanager
def receiving(answer: Callable[[Arrived], Reply] | None = None) -> Iterator[Receiver]:
    """A receiver for the length of a block."""
    receiver = Receiver(answer)
    try:
        yield receiver
    finally:
        receiver.close()
