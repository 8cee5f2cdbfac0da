"""One POST to somebody else's server, with a limit on the whole of it that holds.

A client's read timeout starts anew with every byte, so a receiver that drips bytes could hold us for ever. Here the
one who waits decides: `give_up` shuts the socket, whatever it was doing. How much is read is in `bounds`, and where
nothing may go in `off_limits`.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from emulator.kernel.answers import Answer
from emulator.kernel.off_limits import OffLimits, addresses_of, check_addresses
from emulator.kernel.webhooks.bounds import KEPT_HEADERS, gathered, unpacked
from emulator.kernel.webhooks.letter import Letter


def is_readable(sock: socket.socket) -> bool:
    """Whether a read gives something at once. A socket that has a timeout waits for it, whatever the flags."""
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def came_ms_ago(connection: socket.socket | None) -> int:
    """How long ago something last came on a connection, as the system has noted it; 0 where it does not tell."""
    if connection is None or sys.platform != "linux":
        return 0
    try:
        return struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 52)[0]
    except OSError:
        return 0


class PoolsOfOne(httpx.BaseTransport):
    """Has each request in a pool of its own: a pool looks through all of its connections whenever one comes or goes."""

    def __init__(self) -> None:
        self.trusted = httpx.create_ssl_context(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request over a connection of its own, which is closed with its answer."""
        nothing_kept = httpx.Limits(max_connections=1, max_keepalive_connections=0)
        return httpx.HTTPTransport(verify=self.trusted, limits=nothing_kept).handle_request(request)


class Client:
    """The HTTP client that all calls of a process share; made when the first one leaves."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.http: httpx.Client | None = None

    def get(self) -> httpx.Client:
        """The client. It keeps no connection: an idle one that the receiver closes would look like a failure.

        Nor any cookie: one receiver's would be sent to the others on its host, those of other tenants too.
        """
        with self.guard:
            if self.http is None:
                no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
                transport = PoolsOfOne()
                self.http = httpx.Client(
                    transport=transport, trust_env=False, follow_redirects=False, cookies=no_cookies
                )
                self.http.headers.clear()
            return self.http

    def close(self) -> None:
        """Let go of the client; a later call makes another."""
        with self.guard:
            if self.http is not None:
                self.http.close()
                self.http = None


class Call:
    """A POST in a thread of its own. `on_change` is called, from that thread, when it was sent and when it ended."""

    def __init__(self, client: Client, letter: Letter, timeout_ms: int, on_change: Callable[[], None]) -> None:
        self.client = client
        self.letter = letter
        self.timeout_ms = timeout_ms
        self.on_change = on_change
        self.began = time.monotonic()
        self.was_sent = False
        self.answer: Answer | None = None
        self.ended = 0.0
        self.guard = threading.Lock()
        self.socket: socket.socket | None = None

    def start(self) -> Call:
        """Send it."""
        threading.Thread(target=self.run, name="call", daemon=True).start()
        return self

    def run(self) -> None:
        """Send the letter and read the answer, or what went wrong."""
        try:
            self.end(self.exchange())
        except httpx.TimeoutException:
            self.end(self.failed(f"No answer within {self.timeout_ms} ms.", timed_out=True))
        except OffLimits as refusal:
            self.end(self.failed(str(refusal)))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as failure:
            self.end(self.failed(f"{type(failure).__name__}: {failure}"))

    def exchange(self) -> Answer:
        """Request and answer. Raises what httpx raises."""
        sending = self.client.get().stream(
            "POST",
            self.letter.url,
            headers=self.letter.headers,
            content=self.letter.body,
            timeout=self.timeout_ms / 1000,
            extensions={"trace": self.follow},
        )
        with sending as response:
            body = unpacked(gathered(response.iter_raw()), response.headers.get("Content-Encoding", ""))
            headers = dict(list(response.headers.items())[:KEPT_HEADERS])
            took_ms = max(0, self.elapsed_ms - came_ms_ago(self.socket))  # we may have been too busy to read it
            return Answer(response.status_code, headers, body, None, False, took_ms)

    def follow(self, what: str, details: dict[str, Any]) -> None:
        """What httpx tells of its progress: whom it connects to, the socket, and that everything has left.

        OffLimits before anything is sent: for what the host's name stands for, and for whom it has led to after all.
        """
        if what == "connection.connect_tcp.started" and not self.letter.may_go_anywhere:
            check_addresses(details["host"], addresses_of(details["host"]))
        elif what in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            stream = details["return_value"]
            self.socket = stream.get_extra_info("socket")
            stream.read = self.while_awaited(stream.read)
            try:
                self.check_connection(stream.get_extra_info("server_addr")[0])
            except BaseException:
                stream.close()
                raise
        elif what == "http11.send_request_body.complete":
            self.was_sent = True
            self.on_change()

    def check_connection(self, address: str) -> None:
        """OffLimits where we are connected to an address that is; TimeoutError where nobody waits any more."""
        if not self.letter.may_go_anywhere:
            check_addresses(httpx.URL(self.letter.url).host, [address])
        self.check_awaited()

    def check_awaited(self) -> None:
        """TimeoutError where nobody waits any more."""
        if self.answer is not None:
            raise TimeoutError("Nobody waits for it any more.")

    def while_awaited(self, read: Callable[..., bytes]) -> Callable[..., bytes]:
        """A way to read that ends when nobody waits: a socket that was shut still hands over what goes on coming."""

        def read_if_awaited(*args: Any, **kwargs: Any) -> bytes:
            self.check_awaited()
            return read(*args, **kwargs)

        return read_if_awaited

    @property
    def elapsed_ms(self) -> int:
        """Milliseconds since it began."""
        return round((time.monotonic() - self.began) * 1000)

    @property
    def is_overdue(self) -> bool:
        """Whether its time is up, and nothing has come in time."""
        return self.elapsed_ms >= self.timeout_ms and not self.has_come_within(self.timeout_ms)

    def has_come_within(self, milliseconds: int) -> bool:
        """Whether there is something of an answer that came in so much time and that we are too busy to have read."""
        if self.socket is None or self.answer is not None:
            return False
        try:
            unread = self.socket.recv(1, socket.MSG_PEEK) if is_readable(self.socket) else b""
        except (OSError, ValueError):  # nothing is there, the socket is closed, or it is one that cannot tell
            return False
        return len(unread) > 0 and self.elapsed_ms - came_ms_ago(self.socket) < milliseconds

    def failed(self, why: str, *, timed_out: bool = False) -> Answer:
        """An end without an answer."""
        return Answer(None, {}, b"", why, timed_out, self.elapsed_ms)

    def give_up(self) -> None:
        """End it now as timed out, unless an answer is there already."""
        self.end(self.failed(f"No answer within {self.timeout_ms} ms.", timed_out=True))
        if self.socket is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                self.socket.shutdown(socket.SHUT_RDWR)

    def end(self, answer: Answer) -> None:
        """Keep the first end that comes."""
        with self.guard:
            if self.answer is not None:
                return
            self.ended = time.monotonic()
            self.answer = answer
        self.on_change()
