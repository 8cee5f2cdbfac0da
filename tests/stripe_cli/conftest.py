"""The real Stripe CLI, installed from npm once into the user's cache, and a real server for it to call.

Everything is skipped where npm cannot be reached. A proxy that is not there keeps the CLI itself from the internet.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from bench.running import Running
from tests import packages

VERSION = "1.52.0"
PATIENCE_SECONDS = 30
LOOK_SECONDS = 0.05
NOWHERE = "http://127.0.0.1:9"


class Outcome(NamedTuple):
    """How a command of the CLI ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Watched:
    """A command of the CLI that runs on; its lines can be waited for."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self.news = threading.Condition()
        self.has_ended = False
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.has_ended = True
            self.news.notify_all()

    def line(self, pattern: str, after: int = 0) -> re.Match[str]:
        """The first line that contains a pattern, waited for if it is not there yet."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.news:
            while True:
                found = next((match for line in self.lines[after:] if (match := re.search(pattern, line))), None)
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or self.has_ended:
                    pytest.fail(f"no line with {pattern!r} came; these did:\n" + "\n".join(self.lines))
                self.news.wait(left)

    def objects(self) -> list[dict[str, Any]]:
        """The lines that are JSON objects, parsed."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def stop(self) -> None:
        """^C, as its user would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.reader.join(PATIENCE_SECONDS)


class Cli:
    """The CLI of one tenant."""

    def __init__(self, binary: Path, server: Running, home: Path, key: str, unix_socket: Path | None = None) -> None:
        self.binary = binary
        self.server = server
        self.key = key
        self.unix_socket = unix_socket
        self.watched: list[Watched] = []
        self.environment = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "PATH": os.environ["PATH"],
            "STRIPE_API_KEY": key,
            "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
            "STRIPE_DEVICE_NAME": "laptop",
        }
        if unix_socket is None:
            self.environment |= {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE}
        else:  # a proxy would come before the socket, even for a WebSocket on this machine
            self.environment["STRIPE_CLI_UNIX_SOCKET"] = str(unix_socket)

    def command(self, *arguments: str) -> list[str]:
        where = [] if self.unix_socket else ["--api-base", self.server.url]
        return [str(self.binary), *arguments, *where]

    def __call__(self, *arguments: str, code: int = 0, cwd: Path | None = None) -> Outcome:
        """Run a command to its end."""
        ended = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS * 2,
        )
        assert ended.returncode == code, f"{ended.stdout}\n{ended.stderr}"
        return Outcome(ended.returncode, ended.stdout, ended.stderr)

    def watch(self, *arguments: str) -> Watched:
        """Start a command that runs on, and wait until it is ready."""
        watched = Watched(self.command(*arguments), self.environment)
        self.watched.append(watched)
        watched.line("Ready!")
        return watched

    def api(self, method: str, path: str, **form: Any) -> dict[str, Any]:
        """What the server says without the CLI."""
        place: dict[str, Any] = {"params": form} if method == "GET" else {"data": form}
        reply = httpx.request(method, self.server.url + path, auth=(self.key, ""), timeout=60, trust_env=False, **place)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def attempt_answered(self, event: str, status: int) -> dict[str, Any]:
        """The attempt to deliver an event that was answered so, once the CLI has told of the answer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.api("GET", "/_emulator/webhooks/attempts", event=event)["data"]
            if found and found[0]["status"] == status:
                return found[0]
            threading.Event().wait(LOOK_SECONDS)
        pytest.fail(f"no attempt of {event} was answered {status}; these were made: {found}")

    def event_types(self) -> list[str]:
        """The types of the platform's events, oldest first."""
        return [event["type"] for event in reversed(self.api("GET", "/v1/events", limit=100)["data"])]


@pytest.fixture(scope="session")
def stripe_binary() -> Path:
    """The CLI's own binary."""
    try:
        return packages.stripe_cli(VERSION)
    except packages.Unreachable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def unix_socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server listens beside its port."""
    return tmp_path_factory.mktemp("cli") / "stripe.sock"


@pytest.fixture(scope="session")
def server(stripe_binary: Path, unix_socket: Path) -> Iterator[Running]:
    """A server for all of these tests, on a port and on a Unix socket."""
    with Running(unix_socket.parent / "data", "--quiet", "--unix-socket", str(unix_socket)) as running:
        yield running


@pytest.fixture
def start_cli(
    stripe_binary: Path, server: Running, unix_socket: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Cli]]:
    """The CLI with a key of this test's own; `dials_socket=True` for one that dials the socket."""
    name = re.sub(r"\W", "", request.node.name)[-40:]
    started: list[Cli] = []

    def start(dials_socket: bool = False, key: str = f"sk_test_{name}") -> Cli:
        one = Cli(stripe_binary, server, tmp_path, key, unix_socket if dials_socket else None)
        started.append(one)
        return one

    yield start
    for one in started:
        for watched in one.watched:
            watched.stop()


@pytest.fixture
def cli(start_cli: Callable[..., Cli]) -> Cli:
    """The CLI, by `--api-base`."""
    return start_cli()
