"""The ASGI application: doors, then the body, then the pipeline, and what has to be waited for.

    connection.py ─▶ doors.py ─▶ body ─▶ pipeline.begin ─┬─ Answer ───────────────▶ reply
    431 408 503 400  421 403 400  408 413                └─ Waiting ─▶ the loop waits

Most requests come whole and are answered at once (`Front.begin`), without a task of the loop; a task costs as much as
reading a record.

What is told bit by bit, as long as somebody listens, is a `Telling`, whose pieces leave as they come.

One thread answers. What may take long, and pages, go to a pool; a client that leaves ends nothing, since what it asked
for may have been done already. Whatever serves ASGI can serve this, with fewer limits than `connection.py` has.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
import traceback
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from werkzeug.test import run_wsgi_app

from emulator.kernel.errors import ApiError
from emulator.kernel.uploads import LARGEST_UPLOAD
from emulator.kernel.waiting import Waiting, awaited
from emulator.kernel.wire.connection import EXTENSION, Connection
from emulator.kernel.wire.doors import ONLY_ONCE, Doors, twice
from emulator.kernel.wire.incoming import BROKEN_CHUNKS, Incoming, too_short
from emulator.kernel.wire.pipeline import API, Answer, Pipeline

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
WebSockets = Callable[[Executor, Scope, Receive, Send], Awaitable[None]]
log = logging.getLogger("emulator")
MB = 1024 * 1024
MOST_THREADS = 32
HELPERS = "/v1/test_helpers/"  # what happens in the world, not what a client of the API would ask for
CLOSE = ("Connection", "close")


class Limits(NamedTuple):
    """How much of a body is read: what one may have, what is read of a larger one so that its sender hears why it is
    refused, and how long each megabyte may take.
    """

    body: int = 2 * MB
    upload: int = LARGEST_UPLOAD + MB
    read_away: int = 128 * MB
    seconds: float = 20.0


class Telling(NamedTuple):
    """A reply that is told bit by bit."""

    headers: list[tuple[str, str]]
    pieces: Waiting[None]


class Gone(Exception):
    """The client has left, and hears nothing any more."""


class Front:
    """Answers every request of a server, and hands WebSockets on."""

    def __init__(
        self,
        pipeline: Pipeline,
        pages: Callable[..., Iterable[bytes]],
        *,
        origin: str,
        doors: Doors = Doors(),  # noqa: B008
        limits: Limits = Limits(),  # noqa: B008
        websocket: WebSockets | None = None,
        streams: Mapping[str, Callable[[Incoming], Answer | Telling]] | None = None,
    ) -> None:
        """`pages` is the WSGI application for what is not the API's; `origin` where those find us who name no host.

        `streams` are paths at which something is told for as long as somebody listens.
        """
        self.pipeline = pipeline
        self.pages = pages
        self.origin = origin
        self.doors = doors
        self.limits = limits
        self.websocket = websocket
        self.streams = streams or {}
        self.telling: set[asyncio.Task[None]] = set()
        self.helpers = asyncio.Lock()
        self.pool = ThreadPoolExecutor(MOST_THREADS, "work")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] == "http":
                await self.answer(scope, receive, send)
            elif scope["type"] == "websocket":
                await self.connect(scope, receive, send)
        except Exception:
            log.error("%s %s failed\n%s", scope["type"], scope.get("path"), traceback.format_exc())
            raise

    def begin(self, scope: Scope, content: bytes) -> Application | None:
        """Answer a request that came whole on a connection of ours; what is to be run where that takes a task."""
        try:
            return self.at_once(scope, content)
        except Exception as failure:
            return partial(self.fail, failure)

    async def fail(self, failure: Exception, *_: Any) -> None:
        """Tell of a failure of ours as of any other."""
        log.error("a request failed\n%s", "".join(traceback.format_exception(failure)))
        raise failure

    def at_once(self, scope: Scope, content: bytes) -> Application | None:
        """The same, where we are not at fault."""
        sent = self.incoming(scope)
        is_ours = sent.path.startswith(API) and len(content) <= self.limits.body
        if not is_ours or self.gives_way(sent):
            return self
        try:
            self.check(scope, sent)
        except ApiError:  # which the task will meet too
            return self
        if content:
            sent = sent._replace(content=content)
        begun = self.pipeline.begin(sent)
        if not isinstance(begun, Answer):
            return partial(self.conclude, sent, begun)
        answer = self.shown_to(sent, begun)
        connection = connection_of(scope)
        assert connection is not None
        if answer.drops:
            connection.drop(scope)
        else:
            connection.write(scope, answer.status, answer.headers, answer.body)
        return None

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        sent = self.incoming(scope)
        try:
            self.check(scope, sent)
            content, broken = await self.body(scope, sent, receive)
        except ApiError as refusal:
            answer = self.pipeline.turn_away(sent, refusal)
            await respond(scope, send, answer._replace(headers=[*answer.headers, CLOSE]))
            return
        except Gone:
            return
        if content or broken:
            sent = sent._replace(content=content, broken=broken)
        await self.conclude(sent, self.answered(sent), scope, receive, send)

    async def conclude(
        self,
        sent: Incoming,
        begun: Waiting[Answer] | Awaitable[Answer | Telling],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Reply to a request with what comes of it."""
        try:
            answer = await (awaited(begun, self.pool) if isinstance(begun, Generator) else begun)
        except asyncio.CancelledError:  # we stop, and what waits without end would have us wait as well
            answer = self.pipeline.turn_away(sent, ApiError(503, "The server is stopping."))
        if isinstance(answer, Telling):
            await self.tell(answer, receive, send)
            return
        if sent.broken:
            answer = answer._replace(headers=[*answer.headers, CLOSE])
        await respond(scope, send, self.shown_to(sent, answer))

    def shown_to(self, sent: Incoming, answer: Answer) -> Answer:
        """A reply as whoever asked may see it."""
        headers = self.doors.shown_to(sent.headers, answer.headers)
        return answer if headers is answer.headers else answer._replace(headers=headers)

    def gives_way(self, sent: Incoming) -> bool:
        """Whether a request has something happen in the world while somebody is asked about what happened before."""
        return sent.path.startswith(HELPERS) and self.pipeline.asks

    async def answered(self, sent: Incoming) -> Answer | Telling:
        """What the pipeline makes of a request of the API, and the pages' application of any other."""
        if not sent.path.startswith(API):
            if sent.path in self.streams and sent.method == "GET":
                begin = self.streams[sent.path]
                return await asyncio.get_running_loop().run_in_executor(self.pool, begin, sent)
            return await asyncio.get_running_loop().run_in_executor(self.pool, self.page, sent)
        if self.gives_way(sent):
            await self.give_way()
        begun = self.pipeline.begin(sent)
        return begun if isinstance(begun, Answer) else await awaited(begun, self.pool)

    async def give_way(self) -> None:
        """Have the loop look for what else has come, before one more thing that a test makes happen.

        Otherwise hundreds of purchases at once would all be begun before the first handler's calls are answered, and
        its own answer would be late because of us.
        """
        async with self.helpers:
            await asyncio.sleep(0)

    async def connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One WebSocket."""
        sent = self.incoming(scope)
        try:
            self.check(scope, sent)
        except ApiError as refusal:
            await receive()
            await refuse_websocket(send, self.pipeline.turn_away(sent, refusal))
            return
        if self.websocket is None:
            await receive()
            await refuse_websocket(send, self.pipeline.turn_away(sent, ApiError(404, "No WebSocket is served here.")))
            return
        with contextlib.suppress(OSError):  # the client went while something was said to it
            await self.websocket(self.pool, scope, receive, send)

    async def tell(self, told: Telling, receive: Receive, send: Send) -> None:
        """Hand on what is told, until it ends, whoever listens has gone, or we stop."""
        await send({"type": "http.response.start", "status": 200, "headers": encoded(told.headers)})

        async def hand_on(content: bytes) -> None:
            await send({"type": "http.response.body", "body": content, "more_body": True})

        telling = asyncio.create_task(awaited(told.pieces, self.pool, hand_on))
        leaving = asyncio.create_task(left(receive))
        self.telling.add(telling)
        try:
            await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.telling.discard(telling)
            for task in (telling, leaving):
                task.cancel()
            said = await asyncio.gather(telling, leaving, return_exceptions=True)
            told.pieces.close()
        failures = [one for one in said if isinstance(one, Exception)]
        if failures:
            raise failures[0]
        await send({"type": "http.response.body", "body": b""})

    def fall_silent(self) -> None:
        """End what is being told: it has no end of its own, and a server that stops would wait for it."""
        for task in self.telling:
            task.cancel()

    def close(self) -> None:
        """Let go of the pool."""
        self.pool.shutdown(cancel_futures=True)

    # Before the pipeline

    def incoming(self, scope: Scope) -> Incoming:
        """A request without its body. Of what was sent twice the values are joined, as HTTP has it."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        client, host = scope["client"], headers.get("host")
        # Who comes through a file calls us by a name that leads elsewhere: the Stripe CLI says api.stripe.com.
        origin = self.origin if host is None or is_local(scope) else f"{scope['scheme']}://{host}"
        return Incoming(
            scope.get("method", "GET"),
            scope["path"],
            scope["query_string"],
            headers,
            origin,
            client[0] if client else "",
        )

    def check(self, scope: Scope, sent: Incoming) -> None:
        """Refuse who may not come in, and what may be read in two ways."""
        if len(sent.headers) < len(scope["headers"]):
            names = [name.decode("latin-1") for name, _ in scope["headers"]]
            for name in sorted(ONLY_ONCE):
                if names.count(name) > 1:
                    raise twice(name)
        if not is_local(scope):
            self.doors.check(sent.method, sent.headers)

    async def body(self, scope: Scope, sent: Incoming, receive: Receive) -> tuple[bytes, str | None]:
        """The body, and why it is not whole, if it is not. 413 for one that is too large, 408 for one that is late."""
        announced = sent.headers.get("content-length")
        is_chunked = "transfer-encoding" in sent.headers
        if not is_chunked and (announced is None or announced == "0"):
            return b"", None
        length = int(announced) if announced is not None and not is_chunked else None
        most = self.limits.upload if sent.content_type == "multipart/form-data" else self.limits.body
        if (
            length is not None and length > most and ("expect" in sent.headers or length > self.limits.read_away)
        ):  # who asks first has sent nothing yet, and so much is not worth a reply
            raise too_large(most)
        try:
            return await self.read(scope, receive, length, most)
        except TimeoutError:
            raise too_slow(self.limits.seconds) from None

    async def read(self, scope: Scope, receive: Receive, length: int | None, most: int) -> tuple[bytes, str | None]:
        """The same, read to its end."""
        connection = connection_of(scope)
        if connection is not None and connection.has_all_of(scope):  # as most bodies, which come with their heads
            content = (await receive()).get("body", b"")
            if len(content) > most:
                raise too_large(most)
            return content, None
        broken = BROKEN_CHUNKS if length is None else too_short(length)
        parts: list[bytes] = []
        size, megabytes = 0, 0
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self.limits.seconds) as deadline:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message.get("body", b"")
                size += len(part)
                if size <= most:
                    parts.append(part)
                elif parts:
                    parts = []
                if not message.get("more_body", False):
                    break
                if connection is not None and connection.has_ended:
                    return b"", broken
                if size > self.limits.read_away:
                    break
                if size // MB > megabytes:
                    megabytes = size // MB
                    deadline.reschedule(loop.time() + self.limits.seconds)
        if size > most:
            raise too_large(most)
        return (parts[0] if len(parts) == 1 else b"".join(parts)), None

    # Pages

    def page(self, sent: Incoming) -> Answer:
        """What the WSGI application answers."""
        host = sent.origin.partition("://")[2]
        environ = {
            "REQUEST_METHOD": sent.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": sent.path.encode().decode("latin-1"),
            "QUERY_STRING": sent.query.decode("latin-1"),
            "SERVER_NAME": host.rpartition(":")[0] or host,
            "SERVER_PORT": host.rpartition(":")[2] if ":" in host else "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": sent.ip_address,
            "CONTENT_LENGTH": str(len(sent.content)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": sent.origin.partition("://")[0],
            "wsgi.input": io.BytesIO(sent.content),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in sent.headers.items():
            if name not in ("content-length", "transfer-encoding"):
                key = name.upper().replace("-", "_")
                environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        environ["HTTP_HOST"] = host
        body, status, headers = run_wsgi_app(self.pages, environ, buffered=True)
        return Answer(int(status[:3]), list(headers), b"".join(body))


def connection_of(scope: Scope) -> Connection | None:
    """The connection that a request came in on, where it is one of ours; any server may serve this application."""
    return (scope.get("extensions") or {}).get(EXTENSION)


def is_local(scope: Scope) -> bool:
    """Whether a request came through a file, where only programs of this machine can be."""
    server = scope.get("server")
    return server is not None and server[1] is None


def too_large(most: int) -> ApiError:
    """413: more than a request of its kind may have."""
    return ApiError(413, f"The body of this request is larger than the {most:,} bytes that it may have.")


def too_slow(seconds: float) -> ApiError:
    """408: it does not come on."""
    return ApiError(408, f"The body of this request did not arrive: {seconds:g} seconds are given to a megabyte.")


async def respond(scope: Scope, send: Send, answer: Answer) -> None:
    """Send a whole reply. A page says itself how long it is, also where it was only asked for its head."""
    connection = connection_of(scope)
    if connection is not None:
        if answer.drops:
            connection.drop(scope)
        else:
            await connection.reply(scope, answer.status, answer.headers, answer.body)
        return
    headers = encoded(answer.headers)
    if not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def left(receive: Receive) -> None:
    """Return once the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def refuse_websocket(send: Send, answer: Answer) -> None:
    """Send a reply in place of a WebSocket's opening."""
    headers = encoded(answer.headers)
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})
