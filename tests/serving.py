"""An application on a real port, in this process: checked, so that replies to the official SDK are; or as shipped."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from emulator.kernel.wire.front import Front
from emulator.server import Server, ServerOptions, front_of, listening_socket
from tests.client import RECORDER

PATIENCE_SECONDS = 20


class Quiet(WSGIRequestHandler):
    """Says nothing of each request, and keeps connections open as the real server does."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""


class Checked:
    """A WSGI application whose replies are held against the contract; what differs is kept in `complaints`."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.complaints: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """One request."""
        kept: dict[str, Any] = {}

        def keep(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
            kept["status"], kept["headers"] = int(status[:3]), dict(headers)
            return start_response(status, headers, error)

        body = b"".join(self.app(environ, keep))
        path, verb = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path.startswith(("/v1/", "/v2/")) and kept["headers"].get("Content-Type") == "application/json":
            found = self.app.emulator.tenants.catalog.table.find(verb, path)  # type: ignore[attr-defined]
            template = found[0].path if found is not None else path
            version = kept["headers"].get("Stripe-Version")
            said = RECORDER.record(verb, template, kept["status"], body, version)
            self.complaints += [f"{verb} {template}: {complaint}" for complaint in said]
        return io.BytesIO(body)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application's address on a free port. Fails at the end if any reply differed from the contract."""
    checked = Checked(app)
    server = make_server("127.0.0.1", 0, checked, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert checked.complaints == []


class Served:
    """An application behind the server that is shipped, in this process, until it is stopped."""

    def __init__(self, app: Flask, *more: socket.socket, **options: Any) -> None:
        """`more` are sockets besides that of the port; `options` those of `stripe-emulator serve`."""
        listener = listening_socket("127.0.0.1", 0)
        self.options = ServerOptions(port=listener.getsockname()[1], **options)
        self.url = self.options.url
        self.tenants = app.emulator.tenants  # type: ignore[attr-defined]
        self.before = self.tenants.origin, self.tenants.websocket_url  # an application may be others' too
        self.front: Front = front_of(app, self.options)
        started = threading.Event()
        self.server = Server(self.front, started.set)
        self.thread = threading.Thread(target=self.server.run, args=([listener, *more],), daemon=True)
        self.thread.start()
        assert started.wait(PATIENCE_SECONDS), "it did not start"

    def stop(self) -> None:
        """Stop as the server does when it is told to."""
        self.server.should_exit = True
        self.thread.join()
        self.front.close()
        self.tenants.origin, self.tenants.websocket_url = self.before

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
