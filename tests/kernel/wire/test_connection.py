"""How replies leave a server: those of one turn of its loop together, soon, and every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from emulator.kernel.wire.connection import LONGEST_WAIT_SECONDS, Connection, Outbox


class Loop:
    """A loop whose time stands still."""

    def __init__(self) -> None:
        self.now = 100.0
        self.next_turn: list[Callable[[], None]] = []
        self.call_soon = self.next_turn.append

    def time(self) -> float:
        return self.now


class Line(asyncio.Transport):
    """What is written, and the end."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes] = []
        self.write = self.said.append  # type: ignore[method-assign,assignment]

    def is_closing(self) -> bool:
        return b"the end" in self.said

    def close(self) -> None:
        self.said.append(b"the end")


class Application:
    """Answers every request at once."""

    def begin(self, scope: Any, content: bytes) -> None:
        connection = scope["extensions"]["emulator.connection"]
        connection.write(scope, 200, [], b"yes")


def test_replies_of_one_turn_are_written_in_their_order_when_it_ends():
    loop, line, outbox = Loop(), Line(), Outbox()

    outbox.put(loop, line, b"first")
    outbox.put(loop, line, b"second")
    assert line.said == []

    (end,) = loop.next_turn
    end()
    assert line.said == [b"first", b"second"]
    end()
    assert line.said == [b"first", b"second"]


def test_none_waits_for_many_others():
    loop, line, outbox = Loop(), Line(), Outbox()

    outbox.put(loop, line, b"first")
    loop.now += LONGEST_WAIT_SECONDS * 2
    outbox.put(loop, line, b"after a long computation")
    assert line.said == [b"first", b"after a long computation"]

    outbox.put(loop, line, b"third")
    loop.next_turn[-1]()
    assert line.said[2:] == [b"third"]


def test_a_server_that_stops_writes_what_it_has_answered_before_it_closes_the_connection():
    async def stopped() -> list[bytes]:
        line = Line()
        config = uvicorn.Config(Application(), http=Connection, lifespan="off", interface="asgi3")
        config.load()
        config.loaded_app = Application()
        connection = Connection(config, ServerState(), {}, asyncio.get_running_loop())
        connection.connection_made(line)
        connection.data_received(b"GET /v1/balance HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.shutdown()
        return line.said

    reply, end = asyncio.run(stopped())

    assert reply.startswith(b"HTTP/1.1 200 ") and reply.endswith(b"\r\n\r\nyes")
    assert end == b"the end"
