"""A webhook endpoint in a test: what it is sent is verified, handed to a function, and answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import stripe

QUESTION = "issuing_authorization.request"
Handler = Callable[["stripe.Event"], Mapping[str, Any] | None]


class Receiver:
    """Listens on a free port of this machine. Each path has a secret of its own, that of one endpoint.

    The handler's `{"approved": False}` answers a question; where it says nothing, the purchase is approved, unless a
    call of approve or decline has decided by then. What it raises is answered with 500, and raised again on `close`.
    """

    def __init__(self, handler: Handler | None = None) -> None:
        self.handler = handler
        self.events: list[stripe.Event] = []
        self.failures: list[Exception] = []
        self.secrets: dict[str, str] = {}
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handling(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def types(self) -> list[str]:
        """The types of the events that came, in the order in which they came."""
        return [event.type for event in self.events]

    def answered(self, path: str, body: bytes, signature: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for what was posted."""
        import stripe

        try:
            # How old the signature may be is not asked, since tests mock the clock.
            event = stripe.Webhook.construct_event(body, signature, self.secrets[path], tolerance=None)  # type: ignore[arg-type]
            with self.lock:
                self.events.append(event)
            said = self.handler(event) if self.handler is not None else None
        except Exception as failure:
            with self.lock:
                self.failures.append(failure)
            return 500, {}, str(failure).encode()
        if event.type != QUESTION:
            return 200, {}, b""
        headers = {"Content-Type": "application/json", "Stripe-Version": event.api_version or ""}
        return 200, headers, json.dumps(said if said is not None else {"approved": True}).encode()

    def close(self) -> None:
        """Stop listening, and raise the first of what went wrong in the handler."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        if self.failures:
            raise self.failures[0]


def handling(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    """The standard library's handler over a receiver."""

    class Posted(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, answer = receiver.answered(self.path, body, self.headers["Stripe-Signature"])
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return Posted
