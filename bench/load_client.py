"""A load client cheap enough not to be what is measured: raw sockets, one thread, a selector.

A *script* is a generator that yields whole requests as bytes and is sent each reply's body; when it returns, one
unit of work is done. A unit may be one request (a retrieve) or several that need each other (authorize, capture).
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple
from urllib.parse import quote_plus

Script = Generator[bytes, bytes, None]


class Result(NamedTuple):
    """What one run saw: units per second, and how long a unit took."""

    per_second: float
    p50_ms: float
    p99_ms: float
    units: int


class Refused(Exception):
    """A reply that was not a success: numbers of refusals are not numbers of work."""


def request(method: str, path: str, key: str, form: dict[str, object] | None = None, **headers: str) -> bytes:
    """One HTTP/1.1 request with keep-alive. `headers` use underscores for hyphens; one may be `host`."""
    body = "&".join(f"{quote_plus(name)}={quote_plus(str(value))}" for name, value in (form or {}).items()).encode()
    host = headers.pop("host", "127.0.0.1")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if form is not None:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Connection:
    """One keep-alive connection, walking through one script after another."""

    def __init__(self, port: int, scripts: Callable[[], Script]):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scripts = scripts
        self.buffer = b""

    def begin(self) -> None:
        """Start the next unit of work."""
        self.script = self.scripts()
        self.since = time.perf_counter()
        self.socket.sendall(next(self.script))

    def read(self) -> float | None:
        """Take what has arrived; the seconds the unit took when this ended it, else None."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise Refused("the server closed the connection")
        self.buffer += chunk
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return None
        head = self.buffer[:head_end].lower()
        length_at = head.index(b"content-length:") + 15
        length = int(head[length_at:].split(b"\r\n", 1)[0])
        if len(self.buffer) < head_end + 4 + length:
            return None
        body, self.buffer = self.buffer[head_end + 4 : head_end + 4 + length], b""
        if head[9:10] != b"2":
            raise Refused(f"{head[9:12].decode()}: {body[:600].decode(errors='replace')}")
        try:
            self.socket.sendall(self.script.send(body))
        except StopIteration:
            return time.perf_counter() - self.since
        return None


def run(
    port: int | Sequence[int],
    scripts: Callable[[], Script],
    *,
    seconds: float = 0,
    units: int = 0,
    connections: int = 8,
) -> Result:
    """Keep every connection busy for some seconds, or until so many units are done. Raises Refused on any non-2xx.

    Of several ports each has its share of the connections.
    """
    ports = [port] if isinstance(port, int) else port
    took: list[float] = []
    with selectors.DefaultSelector() as selector:
        for number in range(connections):
            connection = Connection(ports[number % len(ports)], scripts)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.begin()
        start = time.perf_counter()
        begun = busy = connections
        while busy:
            for key, _ in selector.select(timeout=30):
                unit = key.data.read()
                if unit is None:
                    continue
                took.append(unit)
                if begun < units or time.perf_counter() < start + seconds:
                    key.data.begin()
                    begun += 1
                else:
                    busy -= 1
        elapsed = time.perf_counter() - start
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    took.sort()
    return Result(len(took) / elapsed, took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3, len(took))
