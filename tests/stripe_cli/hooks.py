"""A server of a user's: it keeps what was forwarded to it and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
import stripe

PATIENCE_SECONDS = 30


class Delivery(NamedTuple):
    """One forwarded event."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    def verified(self, secret: str) -> Any:
        """The event, once the official SDK has verified its signature."""
        return stripe.Webhook.construct_event(self.body, self.headers["Stripe-Signature"], secret)


class Hook:
    """Where events are forwarded to."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.news = threading.Condition()
        self.status = 200
        self.answer: dict[str, Any] = {}
        self.address = ""

    def receive(self, delivery: Delivery) -> None:
        with self.news:
            self.deliveries.append(delivery)
            self.news.notify_all()

    def wait(self, type: str, count: int = 1) -> list[Delivery]:
        """The first deliveries of a type, waited for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.news:
            while True:
                found = [one for one in self.deliveries if one.event["type"] == type]
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    pytest.fail(f"{type} was not forwarded; {[one.event['type'] for one in self.deliveries]} were")
                self.news.wait(left)

    @property
    def types(self) -> list[str]:
        return [one.event["type"] for one in self.deliveries]


@contextmanager
def hooked() -> Iterator[Hook]:
    """A hook on a free port."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.receive(Delivery(self.path, dict(self.headers.items()), body))
            reply = json.dumps(hook.answer).encode()
            self.send_response(hook.status)
            self.send_header("Stripe-Version", "2026-10-28.endive")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: Any) -> None:
            """Nothing on the console."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.address = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield hook
        server.shutdown()
