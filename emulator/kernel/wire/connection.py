"""One connection of a client: uvicorn's, with limits that have a clear reply each.

    too many connections                  503    a head that is too long          431
    what is no HTTP                       400    a head that does not come whole  408
    a reply that nobody reads             the connection is cut

A client that closes its side once it has sent everything still gets its reply; one that closes it halfway through a
body, or breaks the rules of chunks there, is answered by the application, which is told by `has_ended`.

A request that is here whole is shown to the application at once (`Front.begin`), which answers most there and then.
The others get a task of the loop, as ASGI has it; so does what a client has sent behind an unanswered request.
Replies leave at the end of the loop's turn, or after a millisecond, whichever comes first (`Outbox`).
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Iterable, Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.render import encoded

EXTENSION, CYCLE = "emulator.connection", "emulator.cycle"  # uvicorn's cycle is one request and its reply
CLOSE = "connection: close\r\n"
LONGEST_HEAD = 64 * 1024
HEAD_SECONDS = 20.0
READING_SECONDS = 30.0  # in which a client must have read something of its reply
LINGER_SECONDS, LINGER_BYTES = 2.0, 1024 * 1024
MOST_OPEN = 10_000
LONGEST_WAIT_SECONDS = 0.001  # of a reply, for others


class Outbox:
    """The replies that one turn of the loop has made, written one after the other at its end.

    Who has been awakened by the first of them is awake for the others, and each is written in less time.
    """

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, bytes]] = []
        self.since = 0.0

    def put(self, loop: AbstractEventLoop, transport: Any, reply: bytes) -> None:
        """Have a reply written before anything else happens on its connection."""
        if not self.waiting:
            self.since = loop.time()
            loop.call_soon(self.flush)
        self.waiting.append((transport, reply))
        if loop.time() - self.since > LONGEST_WAIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write all of them."""
        for transport, reply in self.waiting:
            transport.write(reply)
        self.waiting.clear()


class Connection(HttpToolsProtocol):
    """A client's connection. `has_ended`: it sends no more of the body that it began."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.outbox: Outbox = vars(self.config).setdefault("outbox", Outbox())  # one for all connections of a server
        self.is_in_head = True
        self.head_bytes = 0
        self.has_ended = False
        self.refusal: ApiError | None = None
        self.is_over = False
        self.read_away = 0
        self.is_parsing = False
        self.begun: RequestResponseCycle | None = None  # the request that the bytes which just came begin
        self.head_timer: TimerHandle | None = None
        self.reading_timer: TimerHandle | None = None

    # Coming and going

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > getattr(self.config, "most_open", MOST_OPEN):
            self.turn_away(ApiError(503, "Too many connections are open already. Close some, or try again later."))
        else:  # one that says nothing is as idle as one that says nothing more
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self.head_timer, self.reading_timer):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        self.outbox.flush()
        super().shutdown()

    def eof_received(self) -> bool:
        """The client sends no more; what it has asked for whole is still answered."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        cycle.keep_alive = False
        if cycle.more_body:
            self.end_body()
        return True

    def has_all_of(self, scope: Mapping[str, Any]) -> bool:
        """Whether the body of a request is here; that of an earlier one is, once the next has begun."""
        return self.cycle.scope is not scope or not self.cycle.more_body

    async def reply(
        self, scope: Mapping[str, Any], status: int, headers: Iterable[tuple[str, str]], body: bytes
    ) -> None:
        """Write a whole reply to a request once the client has read of the earlier ones."""
        cycle: RequestResponseCycle = scope["extensions"][CYCLE]
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if not cycle.disconnected:
            self.write(scope, status, headers, body)

    def write(self, scope: Mapping[str, Any], status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Write a whole reply to a request, head and body together; ValueError for a header of several lines.

        uvicorn writes the two apart, which is one call of the system and one awakening of the client more for each
        reply, and it looks at every header three times.
        """
        cycle: RequestResponseCycle = scope["extensions"][CYCLE]
        lines = [f"{name.lower()}: {value}\r\n" for name, value in headers]
        if CLOSE in lines:
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            lines.append(CLOSE)
        head = "".join(lines)
        if not head.count("\r") == head.count("\n") == len(lines):
            raise ValueError("a header of this reply has more than one line")
        if "content-length: " not in head:
            head += f"content-length: {len(body)}\r\n"
        is_head = scope["method"] == "HEAD"
        begin = [STATUS_LINE[status], *(b"%s: %s\r\n" % header for header in cycle.default_headers)]
        reply = b"".join((*begin, head.encode("latin-1"), b"\r\n", b"" if is_head else body))
        if cycle.keep_alive:
            self.outbox.put(self.loop, self.transport, reply)
        else:
            self.transport.write(reply)
        self.end(cycle)

    def end(self, cycle: RequestResponseCycle) -> None:
        """A request is answered."""
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def drop(self, scope: Mapping[str, Any]) -> None:
        """Close in place of a reply to a request."""
        cycle: RequestResponseCycle = scope["extensions"][CYCLE]
        cycle.keep_alive = False
        self.end(cycle)

    def end_body(self) -> None:
        """Have the application see that the body ends here."""
        self.has_ended = True
        self.cycle.message_event.set()

    # Heads

    def data_received(self, data: bytes) -> None:
        if self.is_over:
            self.read_away += len(data)
            if self.read_away > LINGER_BYTES:
                self.transport.close()
            return
        if self.is_in_head:
            self.head_bytes += len(data)
        self.is_parsing = True
        super().data_received(data)
        self.is_parsing = False
        if self.begun is not None:
            begun, self.begun = self.begun, None
            self.begin(begun)
        if not self.is_in_head or not self.head_bytes or self.is_over:
            return
        if self.head_bytes > LONGEST_HEAD:
            self.turn_away(too_long())
        elif self.head_timer is None:
            self.head_timer = self.loop.call_later(HEAD_SECONDS, self.give_up_head)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """A request has its turn. One that the bytes have which are just read is begun when they are."""
        if self.is_parsing:
            self.begun = cycle
        else:
            super()._start_asgi_task(cycle, app)

    def begin(self, cycle: RequestResponseCycle) -> None:
        """Have a request answered at once if it is here whole and that is possible, else in a task."""
        app: Any = self.app
        if not (cycle.more_body or self.flow.write_paused or self.is_over):
            app = app.begin(cycle.scope, bytes(cycle.body))
        if app is not None:
            super()._start_asgi_task(cycle, app)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None
        # What came with it in one piece may be its body.
        if self.head_bytes > LONGEST_HEAD and len(self.url) + sum(map(sum, map(lengths, self.headers))) > LONGEST_HEAD:
            self.refusal = too_long()
            raise ValueError("the head is too long")
        self.is_in_head, self.head_bytes = False, 0
        super().on_headers_complete()
        self.scope["extensions"][CYCLE] = self.cycle  # type: ignore[typeddict-item]

    def on_message_complete(self) -> None:
        self.is_in_head = True
        super().on_message_complete()

    def give_up_head(self) -> None:
        """What began does not go on."""
        self.turn_away(ApiError(408, f"The headers of this request did not arrive within {HEAD_SECONDS:g} seconds."))

    # Turning away

    def send_400_response(self, msg: str) -> None:
        """What cannot be parsed, which uvicorn answers in plain text."""
        if not self.is_in_head and self.cycle is not None and not self.cycle.response_complete:
            self.end_body()
        else:
            self.turn_away(self.refusal or invalid("This is not a request in HTTP/1.1 that could be understood."))

    def turn_away(self, refusal: ApiError) -> None:
        """Answer without the application, and end: what the client still sends is read, or it would lose the reply.

        Behind a request that is not answered yet this is not told: its reply would be taken for that one's.
        """
        if self.is_over or self.transport.is_closing():
            return
        self.is_over = True
        self._unset_keepalive_if_required()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            return
        body = encoded(refusal.body())
        self.transport.write(
            STATUS_LINE[refusal.status] + b"content-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (len(body), body)
        )
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    # Replies that nobody reads

    def pause_writing(self) -> None:
        super().pause_writing()
        self.reading_timer = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.reading_timer is not None:
            self.reading_timer.cancel()
            self.reading_timer = None

    def on_response_complete(self) -> None:
        """A reply has been written."""
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self.reading_timer = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Nothing has come for a long time; also where the last reply was never read."""
        self.transport.abort()


def lengths(header: tuple[bytes, bytes]) -> tuple[int, int, int]:
    """How many bytes a line of a head takes."""
    return len(header[0]), len(header[1]), 4


def too_long() -> ApiError:
    """431: more than anybody means to send."""
    return ApiError(431, f"The headers of this request have more than {LONGEST_HEAD:,} bytes.")
