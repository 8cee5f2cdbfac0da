"""The server process: what is checked before it starts, how it says that it is ready, how it stops.

    port free? ─▶ folder writable? ─▶ nobody else's? ─▶ data readable? ─▶ uvicorn ─▶ Ready ─▶ SIGINT/SIGTERM ─▶ 0

Every refusal here is one sentence for a person (`CannotServe`). One process serves the port and, where one is asked
for, the Unix socket.
"""

from __future__ import annotations

import gc
import logging
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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from emulator.kernel.database.directory_lock import TEMPORARY, DirectoryInUse, DirectoryLock, sweep
from emulator.kernel.tenants.tenants import room_for_clients
from emulator.kernel.wire.connection import MOST_OPEN, Connection
from emulator.kernel.wire.doors import Doors, is_loopback, name_of
from emulator.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection as Telephone

    from flask import Flask

    from emulator.dashboard.house import House
    from emulator.kernel.requests import RequestLine
    from emulator.kernel.wire.front import Front, Telling
    from emulator.kernel.wire.incoming import Incoming
    from emulator.kernel.wire.pipeline import Answer

WAITING_CONNECTIONS = 2048  # that the system keeps until we accept them
# The standard library's loop: the other one serves a busy connection again and again while others wait.
SETTINGS: dict[str, Any] = {
    "loop": "asyncio",
    "http": Connection,
    "ws": "websockets-sansio",
    "ws_max_size": 8 * 1024 * 1024,
    "ws_per_message_deflate": False,
    "lifespan": "off",
    "log_config": None,
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "timeout_keep_alive": 300,
    "timeout_graceful_shutdown": 10,
}

WhenReady = Callable[[str, str], None]
Announce = Callable[[str, str], None]  # where the worlds are kept, and the way into the dashboard
OURSELVES = "stripe-emulator (this server)"  # the User-Agent of requests that no console line is about


class CannotServe(Exception):
    """Why the server cannot start, as one sentence."""


@dataclass(frozen=True)
class ServerOptions:
    """What `stripe-emulator serve` was asked for. Without `data` and `database` worlds are forgotten at exit.

    `allow_host` are names by which the server may be called besides localhost; `*` stands for any.
    """

    host: str = "127.0.0.1"
    port: int = 12111
    data: Path | None = Path(".stripe-emulator")
    database: str | None = None  # the URL of a PostgreSQL database, in place of `data`
    seed: int = 0
    durable: bool = False
    quiet: bool = False
    unix_socket: Path | None = None
    country: str | None = None
    allow_host: tuple[str, ...] = ()
    workers: int = 1  # more than one with a database alone

    @property
    def settings(self) -> dict[str, Any]:
        """What new worlds begin with in place of the defaults."""
        return {"platform_country": self.country} if self.country else {}

    @property
    def is_open(self) -> bool:
        """Whether others than this machine can reach the server."""
        return not is_loopback(self.host)

    @property
    def local_host(self) -> str:
        """The address of this machine that a client on it uses."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def address(self) -> str:
        """Host and port as URLs have them."""
        return f"[{self.local_host}]:{self.port}" if ":" in self.local_host else f"{self.local_host}:{self.port}"

    @property
    def url(self) -> str:
        """Where a client on this machine finds the server."""
        return f"http://{self.address}"

    @property
    def doors(self) -> Doors:
        """Who is let in."""
        return Doors(frozenset({self.host, *map(name_of, self.allow_host)}))


class Server(uvicorn.Server):
    """uvicorn, which says when it accepts requests."""

    def __init__(self, front: Front, when_started: Callable[[], None]) -> None:
        super().__init__(uvicorn.Config(front, **SETTINGS))
        self.config.most_open = min(MOST_OPEN, room_for_clients())  # type: ignore[attr-defined]  # read by Connection
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what goes wrong in us is told by us
        self.front = front
        self.when_started = when_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept requests from now on."""
        await super().startup(sockets)
        self.when_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, and wait for what can end."""
        self.front.fall_silent()
        await super().shutdown(sockets)


def serve(options: ServerOptions, when_ready: WhenReady | None = None) -> None:
    """Serve until SIGINT or SIGTERM. Raises CannotServe before anything is answered.

    `when_ready` is called with the server's address and the way into its dashboard, in a thread, once requests are
    accepted.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the server has its own
    allow_many_files()
    with ExitStack() as stack:
        listener = stack.enter_context(listening_socket(options.host, options.port))
        address, port = listener.getsockname()[:2]
        options = replace(options, host=address, port=port)
        if options.is_open and not options.allow_host:
            raise CannotServe(
                f"On {address} others can reach the server: say by which names, with --allow-host (* for any)."
            )
        sockets = [listener]
        if options.unix_socket is not None:
            sockets.append(stack.enter_context(listening_file(options.unix_socket)))
        announce = partial(announce_ready, options, when_ready)
        if options.workers > 1:
            serve_by_workers(options, sockets, announce)
            return
        place = stack.enter_context(kept(options))
        run(options, stack.enter_context(application(options, place)), sockets, announce)


def serve_by_workers(options: ServerOptions, sockets: list[socket.socket], announce: Announce) -> None:
    """Have several processes serve until SIGINT or SIGTERM. CannotServe."""

    def begin(told: tuple[Any, ...]) -> None:
        serves, *what = told
        if not serves:
            raise CannotServe(*what)
        announce(*what)

    Workers(options.workers, partial(work, options, sockets)).run(begin)


def work(options: ServerOptions, sockets: list[socket.socket], telling: Telephone) -> None:
    """Serve as one of several processes."""

    def say(*what: object) -> None:
        with suppress(OSError):  # only the first is listened to
            telling.send(what)

    allow_many_files()
    try:
        with kept(options) as place, application(options, place) as app:
            run(options, app, sockets, partial(say, True))
    except CannotServe as error:
        say(False, str(error))
        sys.exit(1)


def run(options: ServerOptions, app: Flask, sockets: list[socket.socket], announce: Announce) -> None:
    """Run uvicorn until it is told to stop."""
    front = front_of(app, options)
    where = f"in {app.emulator.tenants.database.place}" if options.database or options.data else "in memory"
    say = partial(announce, where, f"{options.url}{app.emulator.dashboard.link()}")
    server = Server(front, lambda: threading.Thread(target=say, daemon=True).start())
    # uvicorn passes on what it was stopped by, once it has stopped: that ends nothing more.
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: setattr(server, "should_exit", True))
    app.emulator.background.start()
    # What is here now stays, and is a hundred thousand objects, which would be looked through for some 50 ms each time.
    gc.collect()
    gc.freeze()
    try:
        server.run(sockets)
    finally:
        front.close()


def front_of(app: Flask, options: ServerOptions) -> Front:
    """The ASGI application in front of an application, with the Stripe CLI's WebSocket."""
    from emulator.dashboard import live
    from emulator.developer.cli_sessions import TRANSPORT
    from emulator.kernel.wire.front import Front
    from emulator.stripe_cli.web_socket import CliSocket

    emulator = app.emulator
    emulator.tenants.origin = options.url
    emulator.tenants.websocket_url = f"ws://{options.address}"
    cli_socket = CliSocket(emulator.tenants)
    emulator.postman.transports[TRANSPORT] = cli_socket.deliver
    emulator.postman.reaches[TRANSPORT] = cli_socket.is_here
    cli_socket.parts_with = emulator.postman.part_with
    emulator.background.services.append(cli_socket)
    emulator.background.jobs += [cli_socket.sweep, cli_socket.keep_late_answers]
    return Front(
        emulator.pipeline,
        app.wsgi_app,
        origin=options.url,
        doors=options.doors,
        websocket=cli_socket.serve,
        streams={live.PATH: partial(told_of, emulator.dashboard)},
    )


def told_of(house: House, sent: Incoming) -> Answer | Telling:
    """The stream of what happens in the world that a session looks at. 401 for whoever has not signed in."""
    from emulator.dashboard import live
    from emulator.kernel.wire.front import Telling
    from emulator.kernel.wire.pipeline import Answer

    pieces = live.told(house, sent.headers, sent.origin.partition("://")[2], sent.query.decode("latin-1"))
    return Answer(401, live.HEADERS, b"") if pieces is None else Telling(live.HEADERS, pieces)


@contextmanager
def application(options: ServerOptions, place: Path | str) -> Iterator[Flask]:
    """The application over its data, closed at the end with nothing left unwritten."""
    from emulator.app import create_app
    from emulator.kernel.database.place import NoDatabase

    console = None if options.quiet else Console()
    try:
        app = create_app(
            place,
            seed=options.seed,
            durable=options.durable,
            is_locked=True,
            settings=options.settings,
            on_request=console,
            hosts=options.doors.names,
        )
    except NoDatabase as error:
        raise CannotServe(str(error)) from None
    except OSError as error:
        raise CannotServe(f"Cannot use the data directory {place}: {lowered(error)}.") from None
    try:
        yield app
    finally:
        app.emulator.close()
        if console is not None:
            console.close()


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens, so that whoever else wants the port is told; port 0 is a free one.

    The protocol is named, or the loop would let the system gather small replies for 40 ms each.
    """
    family, address = resolved(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there it would share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(WAITING_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise CannotServe(f"Cannot listen on {host}:{port}: {lowered(error)}.") from None
    return listener


def resolved(host: str, port: int) -> tuple[int, tuple[Any, ...]]:
    """The family and address of a name or number, IPv4 first."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CannotServe(f"Cannot listen on {host}:{port}: {lowered(error)}.") from None
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address


@contextmanager
def listening_file(path: Path) -> Iterator[socket.socket]:
    """A listening Unix socket, in place of one that nobody serves any more; removed at the end."""
    from emulator.stripe_cli import unix_socket

    try:
        listener = unix_socket.listening_socket(path)
    except OSError as error:
        raise CannotServe(f"Cannot listen on {path}: {lowered(error)}.") from None
    try:
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


def allow_many_files() -> None:
    """Have as many files, connections among them, as this process may: many systems begin with a thousand."""
    try:
        import resource
    except ImportError:  # Windows, which counts none
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in (65_536, 10_240):
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):  # macOS has a limit besides the one that it tells
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                return


@contextmanager
def kept(options: ServerOptions) -> Iterator[Path | str]:
    """Where worlds are kept, held for as long as the server runs where that is a folder."""
    if options.database is not None:
        yield options.database
    else:
        with temporary_data(options) if options.data is None else locked_data(options) as data:
            yield data


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


def announce_ready(options: ServerOptions, when_ready: WhenReady | None, where: str, dashboard: str) -> None:
    """Print the ready line, the way into the dashboard, and a loud line where others than this machine can come.

    The link signs in once, and into every world: it is for whoever started the server.
    """
    workers = f", {options.workers} workers" if options.workers > 1 else ""
    print(f"Ready: {options.url} (data {where}, pid {os.getpid()}{workers})", flush=True)
    if options.is_open:
        names = "any name" if "*" in options.allow_host else ", ".join(options.allow_host)
        print(
            f"ATTENTION: on {options.host} everybody who can reach this machine can use every world, as {names}.",
            flush=True,
        )
    if when_ready is not None:
        when_ready(options.url, dashboard)
    elif not options.quiet:
        print(f"Dashboard: {dashboard}", flush=True)


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
                logging.getLogger("emulator").debug("stdout is closed")
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
