"""The emulator inside a test's own process: the official SDK and httpx reach it without a socket.

    with InProcess() as emulator:
        client = emulator.client("sk_test_mine")                  # a stripe.StripeClient
        http = httpx.Client(transport=emulator.transport(), base_url=emulator.base_url)

Webhooks are delivered over real sockets. Where a test mocks the clock, sockets or httpx, have a server instead
(`emulator.testing.running`): those reach into this process.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from emulator.testing.world import World

if TYPE_CHECKING:
    import stripe


class InProcess:
    """An emulator that is there until it is closed. `settings` are what new worlds begin with.

    Worlds are forgotten at the end, but for those in a `database`, the address of one that `stripe-emulator database
    init` has made ready: they stay, and servers may serve them meanwhile. ValueError for what is no such address.
    """

    base_url = "http://stripe.localhost"

    def __init__(
        self, *, seed: int = 0, settings: Mapping[str, Any] | None = None, database: str | None = None
    ) -> None:
        from emulator.app import create_app
        from emulator.kernel.database.place import is_url

        if database is not None and not is_url(database):
            raise ValueError("A database is named by its address, postgresql://user:password@host:port/name.")
        self.folder = tempfile.TemporaryDirectory(prefix="stripe-emulator-in-process-")
        self.app = create_app(database or Path(self.folder.name), seed=seed, settings=settings)
        self.emulator = self.app.emulator  # type: ignore[attr-defined]
        self.emulator.tenants.origin = self.base_url
        self.emulator.background.start()

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what runs in the background, and forget every world that is in no database."""
        self.emulator.close()
        self.folder.cleanup()

    def transport(self) -> httpx.BaseTransport:
        """What an `httpx.Client` sends its requests through."""
        return Direct(httpx.WSGITransport(app=self.app))  # type: ignore[arg-type]

    def async_transport(self) -> httpx.AsyncBaseTransport:
        """What an `httpx.AsyncClient` sends its requests through."""
        return InAThread(self.transport())

    def http_client(self) -> stripe.HTTPClient:
        """What a `stripe.StripeClient` sends its requests through: its `http_client`."""
        return stripe_http_client(self.transport())

    def client(self, api_key: str = "sk_test_in_process", **options: Any) -> stripe.StripeClient:
        """The official SDK's client for one world. `options` are its own, such as `stripe_account`."""
        return self.world(api_key).client(**options)

    def world(self, api_key: str = "sk_test_in_process") -> World:
        """The world of a key, with all that `stripe_world` of pytest has."""
        return World(self.base_url, api_key, transport=self.transport(), http_client=self.http_client)


class Direct(httpx.BaseTransport):
    """A transport on which a connection that a fault closes is lost as it would be between machines."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self.transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request. httpx.RemoteProtocolError where a fault strikes that drops its connection."""
        response = self.transport.handle_request(request)
        if response.headers.get("Emulator-Fault") == "drop":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return response


class InAThread(httpx.AsyncBaseTransport):
    """A transport whose requests are answered in a thread, so that the loop goes on meanwhile."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self.transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, its body read before and its reply read whole."""
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=await request.aread())
        return await asyncio.to_thread(self.answer, sent)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The reply with its body."""
        response = self.transport.handle_request(request)
        return httpx.Response(response.status_code, headers=response.headers, content=response.read())


def stripe_http_client(transport: httpx.BaseTransport) -> stripe.HTTPClient:
    """An HTTP client of the official SDK over a transport of httpx."""
    import stripe

    class Transported(stripe.HTTPClient):
        """Sends what the SDK has made ready, and gives back what came."""

        name = "stripe-issuing-emulator"

        def __init__(self) -> None:
            super().__init__()
            self.http = httpx.Client(transport=transport, timeout=None)

        def request(self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None) -> tuple[Any, ...]:
            """Body, status and headers of the reply."""
            try:
                response = self.http.request(method, url, headers=dict(headers), content=post_data)
            except httpx.TransportError as failure:
                raise stripe.APIConnectionError(str(failure), should_retry=True) from failure
            return response.content, response.status_code, response.headers

        def request_stream(self, *sent: Any) -> tuple[Any, ...]:
            """The same with the body as a file."""
            body, status, headers = self.request(*sent)
            return io.BytesIO(body), status, headers

        async def request_async(self, *sent: Any) -> tuple[Any, ...]:
            """The same for the SDK's `…_async` methods."""
            return await asyncio.to_thread(self.request, *sent)

        async def sleep_async(self, secs: float) -> None:
            """Between the SDK's retries."""
            await asyncio.sleep(secs)

        def close(self) -> None:
            """Nothing is kept open."""
            self.http.close()

        async def close_async(self) -> None:
            """The same."""
            self.close()

    return Transported()
