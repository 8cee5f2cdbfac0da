"""A small load balancer: every request goes to the next server in turn, also those of one connection.

So whatever a client does is done by all of them. A server that cannot be reached is passed over; one that dies on the
way takes the client's connection with it, as with any proxy that does not know whether a request may be repeated.
WebSockets, and replies that do not say how long they are, keep the server and the connection to their end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Coroutine
from typing import Any

MOST_OF_A_HEAD = 256 * 1024
PIECE = 64 * 1024


class Proxy:
    """A proxy in a thread of this process, from its making until `close`; `servers` may change meanwhile."""

    def __init__(self, servers: list[tuple[str, int]]) -> None:
        self.servers = servers
        self.turns = itertools.count()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.connections: set[asyncio.Task[Any]] = set()
        self.listener = self.run(asyncio.start_server(self.serve, "127.0.0.1", 0, limit=MOST_OF_A_HEAD))
        self.port = self.listener.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Have the thread do something, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """One client's connection: request after request, each to the next server."""
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        try:
            while await self.pass_on(client, to_client):
                continue
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # somebody hung up, and whoever is at the other end is told by the end of the connection
        finally:
            self.connections.discard(task)
            to_client.close()

    async def pass_on(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> bool:
        """One request and its reply; whether the connection can take another."""
        head = await client.readuntil(b"\r\n\r\n")
        server, to_server = await self.next_server()
        with contextlib.closing(to_server):
            to_server.write(head)
            if stays_open(head):
                return await both_ways(client, to_client, server, to_server)
            sending = asyncio.ensure_future(copy(client, to_server, length_of(head) or 0))
            try:
                reply = await server.readuntil(b"\r\n\r\n")
                to_client.write(reply)
                await copy(server, to_client, 0 if has_no_body(head, reply) else length_of(reply))
                return length_of(reply) is not None and sending.done() and not says_close(head + reply)
            finally:
                sending.cancel()

    async def next_server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the next server that can be reached. ConnectionRefusedError where none can."""
        for turn in itertools.islice(self.turns, len(self.servers)):
            host, port = self.servers[turn % len(self.servers)]
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(host, port, limit=MOST_OF_A_HEAD)
        raise ConnectionRefusedError("no server can be reached")

    def close(self) -> None:
        """Hang up on everybody and end the thread."""

        async def end() -> None:
            self.listener.close()
            for task in self.connections:
                task.cancel()
            await asyncio.gather(*self.connections, return_exceptions=True)

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()


def header(head: bytes, name: str) -> bytes | None:
    """What a head says under a name."""
    for line in head.split(b"\r\n")[1:]:
        said, _, value = line.partition(b":")
        if said.strip().lower() == name.encode():
            return value.strip()
    return None


def length_of(head: bytes) -> int | None:
    """How many bytes follow a head, where it says so."""
    said = header(head, "content-length")
    return None if said is None else int(said)


def has_no_body(request: bytes, reply: bytes) -> bool:
    """Whether nothing follows a reply, whatever it says."""
    return request.startswith(b"HEAD ") or reply.split(b" ", 2)[1] in (b"204", b"304")


def stays_open(head: bytes) -> bool:
    """Whether a request begins a WebSocket, or does not say how long it is."""
    return header(head, "upgrade") is not None or header(head, "transfer-encoding") is not None


def says_close(heads: bytes) -> bool:
    """Whether somebody has said that no other request follows."""
    return b"\r\nconnection: close\r\n" in heads.lower()


async def copy(source: asyncio.StreamReader, to: asyncio.StreamWriter, length: int | None) -> None:
    """Pass so many bytes on, or all until the end. EOFError where there are fewer."""
    while length is None or length > 0:
        piece = await source.read(PIECE if length is None else min(length, PIECE))
        if not piece:
            if length is None:
                return
            raise EOFError
        to.write(piece)
        await to.drain()
        length = None if length is None else length - len(piece)


async def both_ways(
    client: asyncio.StreamReader,
    to_client: asyncio.StreamWriter,
    server: asyncio.StreamReader,
    to_server: asyncio.StreamWriter,
) -> bool:
    """Pass on whatever either says, until one of them ends."""
    ways = [asyncio.ensure_future(copy(client, to_server, None)), asyncio.ensure_future(copy(server, to_client, None))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
    return False
