"""A Unix socket before the server, for `STRIPE_CLI_UNIX_SOCKET`: the CLI then dials everything here, without a flag.

It sends an `Upgrade` to the WebSocket port and all else to the HTTP port. The CLI says `Host: api.stripe.com`; the
server is told its own address instead, so that the addresses in its replies lead somewhere. Each connection carries
one request: only then is its first head the only one that needs to be read.
Source: https://github.com/stripe/stripe-cli (pkg/stripe/client.go)
"""

from __future__ import annotations

import contextlib
import re
import socket
import stat
import threading
from pathlib import Path
from typing import NamedTuple

LONGEST_HEAD = 64 * 1024
CHUNK = 64 * 1024
UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket", re.IGNORECASE)
HOST_OR_CONNECTION = re.compile(rb"\r\n(?:host|connection):[^\r]*", re.IGNORECASE)
CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
HOST = re.compile(rb"\r\nhost:[^\r]*", re.IGNORECASE)
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Address(NamedTuple):
    """Where the server listens."""

    host: str
    port: int

    @property
    def header(self) -> bytes:
        """The address as a `Host` header has it."""
        return (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}").encode()


def listening_socket(path: Path) -> socket.socket:
    """A listening Unix socket at a path, in place of one that nobody serves any more. OSError when it cannot be."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode) and not is_served(path):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


def is_served(path: Path) -> bool:
    """Whether somebody accepts connections at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


class UnixProxy:
    """Hands the connections of a Unix socket on to the server's two ports."""

    def __init__(self, listener: socket.socket, http: Address, websocket: Address) -> None:
        self.listener = listener
        self.http = http
        self.websocket = websocket
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Accept connections in a thread."""
        self.listener.settimeout(0.2)
        self.thread = threading.Thread(target=self.accept, name="unix socket", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Accept no more; open connections end with the server behind them."""
        self.stopping.set()
        if self.thread is not None:
            self.thread.join(timeout=5)

    def accept(self) -> None:
        """A thread for each connection."""
        while not self.stopping.is_set():
            try:
                client, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            client.settimeout(None)
            threading.Thread(target=self.carry, args=(client,), name="unix connection", daemon=True).start()

    def carry(self, client: socket.socket) -> None:
        """Pass one connection on, both ways, until either side is done."""
        with client, contextlib.suppress(OSError):
            head, rest = read_head(client)
            if not head:
                return
            upgrades = UPGRADE.search(head) is not None
            address = self.websocket if upgrades else self.http
            try:
                server = socket.create_connection(address, timeout=10)
            except OSError:
                client.sendall(BAD_GATEWAY)
                return
            with server:
                server.settimeout(None)
                server.sendall(addressed(head, address, upgrades) + rest)
                reply = pump if upgrades else pass_reply
                back = threading.Thread(target=reply, args=(server, client), name="unix reply", daemon=True)
                back.start()
                pump(client, server)
                back.join()


def read_head(source: socket.socket, received: bytes = b"") -> tuple[bytes, bytes]:
    """The next message's head with its empty line, and what came after it; both empty when there is none in sight."""
    while b"\r\n\r\n" not in received:
        chunk = source.recv(CHUNK)
        received += chunk
        if not chunk or len(received) > LONGEST_HEAD:
            return b"", b""
    head, _, rest = received.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def addressed(head: bytes, address: Address, upgrades: bool) -> bytes:
    """A head for the server at an address. All but an upgrade asks for the connection to end with the reply."""
    headers = b"\r\nHost: " + address.header + (b"" if upgrades else b"\r\nConnection: close")
    line, _, others = head.partition(b"\r\n")
    others = (HOST if upgrades else HOST_OR_CONNECTION).sub(b"", b"\r\n" + others)
    return line + headers + others


def pass_reply(server: socket.socket, client: socket.socket) -> None:
    """Pass a reply on, and let the client know that the connection ends with it."""
    with contextlib.suppress(OSError):
        head, rest = read_head(server)
        while head.startswith(b"HTTP/1.1 1"):  # only tells that the real reply is to come
            client.sendall(head)
            head, rest = read_head(server, rest)
        line, _, others = head.partition(b"\r\n")
        others = CONNECTION.sub(b"", b"\r\n" + others)
        client.sendall(line + b"\r\nConnection: close" + others + rest if head else rest)
    pump(server, client)


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until the source ends, then say so to the target."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
