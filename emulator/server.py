"""The server process: what is checked before it starts, how it says that it is ready, how it stops.

    ports free? ─▶ folder writable? ─▶ nobody else's? ─▶ data readable? ─▶ granian ─▶ Ready ─▶ SIGINT/SIGTERM ─▶ 0

Every refusal here is one sentence for a person (`CannotServe`). granian runs the application in one worker process
under this one, which holds the folder's lock; a worker whose parent is gone stops by itself.
"""

from __future__ import annotations

import http.client
import logging
import multiprocessing
import multiprocessing.util
import os
import queue
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from emulator.kernel.database.directory_lock import TEMPORARY, DirectoryInUse, DirectoryLock, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from emulator.kernel.requests import RequestLine

# Measured with bench/: HTTP/1 alone is a tenth faster than guessing the version per connection, and the loop and
# runtime make no difference. Threads are many because an authorization that asks its client holds one while the
# client calls back; `backpressure` counts open connections, kept alive or not, so it stays at granian's 1,024.
GRANIAN_SETTINGS: dict[str, Any] = {
    "interface": Interfaces.WSGI,
    "http": HTTPModes.http1,
    "blocking_threads": 64,
    "workers_kill_timeout": 10,
    "log_level": LogLevels.error,
    "log_dictconfig": {
        "handlers": {
            "console": {"formatter": "generic", "class": "logging.StreamHandler", "stream": "ext://sys.stderr"},
            "access": {"formatter": "access", "class": "logging.StreamHandler", "stream": "ext://sys.stderr"},
        }
    },
}

WhenReady = Callable[[str], None]
OURSELVES = "stripe-emulator (this server)"  # the User-Agent of requests that no console line is about


class CannotServe(Exception):
    """Why the server cannot start, as one sentence."""


@dataclass(frozen=True)
class ServerOptions:
    """What `stripe-emulator serve` was asked for. Without `data` the world is forgotten at exit."""

    host: str = "127.0.0.1"
    port: int = 12111
    data: Path | None = Path(".stripe-emulator")
    seed: int = 0
    durable: bool = False
    quiet: bool = False
    websocket_port: int | None = None
    unix_socket: Path | None = None
    country: str | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What new worlds begin with in place of the defaults."""
        return {"platform_country": self.country} if self.country else {}

    @property
    def local_host(self) -> str:
        """The address of this machine that a client on it uses."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def url(self) -> str:
        """Where a client on this machine finds the server."""
        return f"http://{bracketed(self.local_host)}:{self.port}"


class Sockets(NamedTuple):
    """What the Stripe CLI connects to. They listen before a worker runs, so that no connection is refused."""

    websocket: socket.socket
    unix: socket.socket | None


def bracketed(host: str) -> str:
    """A host as URLs have it."""
    return f"[{host}]" if ":" in host else host


def serve(options: ServerOptions, when_ready: WhenReady | None = None) -> None:
    """Serve until SIGINT or SIGTERM. Raises CannotServe before anything is answered.

    `when_ready` is called with the server's address, in a thread of a worker process, once requests are accepted;
    it is a module's function, since it may have to travel to that process.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until granian has its own
    with ExitStack() as stack:
        address, port = stack.enter_context(reserved_port(options.host, options.port))
        options = replace(options, host=address, port=port)
        data = stack.enter_context(temporary_data(options) if options.data is None else locked_data(options))
        check_data(data, options)
        run_workers(options, data, stack.enter_context(cli_sockets(options)), when_ready)


@contextmanager
def reserved_port(host: str, port: int) -> Iterator[tuple[str, int]]:
    """Address and port, ours until the block ends. A name becomes its address, port 0 a free one.

    granian binds with SO_REUSEPORT, so a second server on a taken port would start in silence and get every other
    request. A socket without the option tells; given it afterwards, it keeps the port ours and takes no connection.
    """
    family, address = resolved(host, port)
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(address)
        except OSError as error:
            raise CannotServe(f"Cannot listen on {host}:{port}: {lowered(error)}.") from None
        if hasattr(socket, "SO_REUSEPORT"):  # not on Windows
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield holder.getsockname()[:2]


def resolved(host: str, port: int) -> tuple[int, tuple[Any, ...]]:
    """The family and address of a name or number, IPv4 first."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CannotServe(f"Cannot listen on {host}:{port}: {lowered(error)}.") from None
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address


@contextmanager
def cli_sockets(options: ServerOptions) -> Iterator[Sockets]:
    """The listening sockets for the Stripe CLI, until the block ends.

    The WebSocket's port is the one asked for, else ten above the HTTP port or, where that is taken, any free one:
    clients are told where it is.
    """
    from emulator.stripe_cli import unix_socket, web_socket

    wanted = options.websocket_port
    with ExitStack() as stack:
        try:
            websocket = web_socket.listening_socket(options.host, options.port + 10 if wanted is None else wanted)
        except (OSError, OverflowError) as error:
            if wanted is not None:
                where = f"{options.host}:{wanted}"
                raise CannotServe(f"Cannot listen on {where} for WebSockets: {lowered(error)}.") from None
            websocket = web_socket.listening_socket(options.host, 0)
        stack.callback(websocket.close)
        unix = None
        if options.unix_socket is not None:
            try:
                unix = unix_socket.listening_socket(options.unix_socket)
            except OSError as error:
                raise CannotServe(f"Cannot listen on {options.unix_socket}: {lowered(error)}.") from None
            stack.callback(options.unix_socket.unlink, missing_ok=True)
            stack.callback(unix.close)
        yield Sockets(websocket, unix)


@contextmanager
def temporary_data(options: ServerOptions) -> Iterator[Path]:
    """A folder that lives as long as the server. One that was killed could not remove its own, so we do."""
    sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
    lock = DirectoryLock(folder, url=options.url, temporary=True)
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked_data(options: ServerOptions) -> Iterator[Path]:
    """The data directory, made if needed, kept out of git, and held against a second server."""
    data = options.data
    assert data is not None
    told = {"url": options.url, "seed": options.seed, "durable": options.durable}
    try:
        data.mkdir(parents=True, exist_ok=True)
        if not any(data.iterdir()):  # a folder with something else in it is not ours to hide from git
            (data / ".gitignore").write_text("*\n")
        lock = DirectoryLock(data, **told)
    except DirectoryInUse as error:
        raise CannotServe(str(error)) from None
    except OSError as error:
        raise CannotServe(f"Cannot write to the data directory {data}: {lowered(error)}.") from None
    try:
        yield data
    finally:
        lock.release()


def check_data(data: Path, options: ServerOptions) -> None:
    """Open the data once, so that what is wrong with it is said before the worker starts."""
    from emulator.app import create_app

    try:
        create_app(data, seed=options.seed, durable=options.durable, is_locked=True).emulator.close()
    except OSError as error:
        raise CannotServe(f"Cannot use the data directory {data}: {lowered(error)}.") from None


def run_workers(options: ServerOptions, data: Path, sockets: Sockets, when_ready: WhenReady | None) -> None:
    """Run granian until it is told to stop. SystemExit 1 when the worker dies unasked."""
    announce = partial(announce_ready, options, os.getpid(), when_ready)
    server = Granian(
        "emulator",
        address=options.host,
        port=options.port,
        workers=1,
        **GRANIAN_SETTINGS,
    )
    sys.stdout.flush()  # what is still buffered would be printed by the worker too
    server.serve(target_loader=partial(load_worker, options, data, sockets, announce), wrap_loader=False)


def load_worker(options: ServerOptions, data: Path, sockets: Sockets, announce: Callable[[], None]) -> Flask:
    """The application inside the worker process, with its background parts running."""
    from emulator.app import create_app

    # A terminal's ^C reaches every process; only the parent may act on it, or a worker seems to die unasked.
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=stop_with_parent, daemon=True).start()
    console = None if options.quiet else Console()
    app = create_app(
        data,
        seed=options.seed,
        durable=options.durable,
        is_locked=True,
        settings=options.settings,
        on_request=console,
    )
    app.emulator.tenants.origin = options.url
    serve_cli(app, options, sockets)
    app.emulator.background.start()
    multiprocessing.util.Finalize(app, partial(close_worker, app, console), exitpriority=10)
    threading.Thread(target=announce, daemon=True).start()
    return app


def serve_cli(app: Flask, options: ServerOptions, sockets: Sockets) -> None:
    """Have the WebSocket and the Unix socket served."""
    from emulator.developer.cli_sessions import TRANSPORT
    from emulator.stripe_cli.unix_socket import Address, UnixProxy
    from emulator.stripe_cli.web_socket import CliSocket

    background = app.emulator.background
    websocket = Address(options.local_host, sockets.websocket.getsockname()[1])
    app.emulator.tenants.websocket_url = f"ws://{bracketed(websocket.host)}:{websocket.port}"
    cli_socket = CliSocket(app.emulator.tenants, sockets.websocket)
    app.emulator.postman.transports[TRANSPORT] = cli_socket.deliver
    background.services.insert(0, cli_socket)  # before the postman, who hands events to it
    background.jobs += [cli_socket.sweep, cli_socket.keep_late_answers]
    if sockets.unix is not None:
        background.services.append(UnixProxy(sockets.unix, Address(options.local_host, options.port), websocket))


def close_worker(app: Flask, console: Console | None) -> None:
    """Leave nothing unwritten when a worker ends."""
    app.emulator.background.stop()
    app.emulator.close()
    if console is not None:
        console.close()


def stop_with_parent() -> None:
    """Stop this worker when its parent is gone, for instance by `kill -9`."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def announce_ready(options: ServerOptions, pid: int, when_ready: WhenReady | None) -> None:
    """Print the ready line once a request has really been answered."""
    while not answers(options.url):
        time.sleep(0.02)
    where = "in memory" if options.data is None else f"in {options.data}"
    print(f"Ready: {options.url} (data {where}, pid {pid})", flush=True)
    if when_ready is not None:
        when_ready(options.url)


def answers(url: str) -> bool:
    """Whether the server at this address says that it is well."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/_emulator/health", headers={"User-Agent": OURSELVES})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Console:
    """One line per request on stdout, written by a thread of its own so that no reply waits for a terminal."""

    def __init__(self) -> None:
        self.lines: queue.SimpleQueue[RequestLine | None] = queue.SimpleQueue()
        self.writer = threading.Thread(target=self.write, daemon=True)
        self.writer.start()

    def __call__(self, line: RequestLine) -> None:
        if line.user_agent != OURSELVES:
            self.lines.put(line)

    def write(self) -> None:
        """Print what has gathered, a batch at a time, until told to stop."""
        more = True
        while more:
            batch = [self.lines.get()]
            while not self.lines.empty():
                batch.append(self.lines.get())
            more = None not in batch
            try:
                sys.stdout.write("".join(one_line(line) for line in batch if line is not None))
                sys.stdout.flush()
            except (OSError, ValueError):  # whoever read our output has gone; the server stays
                logging.getLogger("_granian").debug("stdout is closed")
            time.sleep(0.02 if more else 0)

    def close(self) -> None:
        """Write what is left."""
        self.lines.put(None)
        self.writer.join(timeout=2)


def one_line(line: RequestLine) -> str:
    """`POST /v1/issuing/cards 400 issuing.cards.create: Missing required param: currency.`, and a line for a hint."""
    from emulator.kernel.database.request_log import masked

    reason = f": {line.reason}" if line.reason else ""
    hint = f"    hint: {line.hint}\n" if line.hint else ""
    return masked(f"{line.method} {line.path} {line.status} {line.operation or '-'}{reason}\n{hint}")


def lowered(error: Exception) -> str:
    """What the system says, fit for the end of a sentence."""
    text = getattr(error, "strerror", None) or str(error)
    is_a_word = text[:2].istitle()  # but `AF_UNIX path too long` begins with a name
    return (text[:1].lower() + text[1:] if is_a_word else text).rstrip(".")
