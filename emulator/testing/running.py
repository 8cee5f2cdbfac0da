"""A server for as long as somebody needs it: a process of its own, which no mocked clock or socket reaches."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

READY = re.compile(r"Ready: (?P<url>\S+) ")
STOPPING_SECONDS = 15


class CannotStart(Exception):
    """What the server said when it did not start."""


@contextmanager
def running(*options: str) -> Iterator[str]:
    """The address of a server on a free port, which stops at the end, and when this process ends.

    `options` are those of `stripe-emulator serve`, such as `"--country", "GB"`. Worlds are kept in memory unless they
    say `--data` or `--database`, whatever STRIPE_EMULATOR_DATABASE says. CannotStart, with what it said.
    """
    command = [sys.executable, "-P", "-m", "emulator.cli", "serve", "--port", "0", "--quiet", "--stop-with-stdin"]
    if not {"--data", "--database"} & {option.partition("=")[0] for option in options}:
        command.append("--memory")
    with tempfile.TemporaryFile("w+") as said:
        server = subprocess.Popen(
            [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
        )
        assert server.stdin is not None and server.stdout is not None
        try:
            ready = READY.match(server.stdout.readline())
            if ready is None:
                server.wait(STOPPING_SECONDS)
                said.seek(0)
                raise CannotStart(said.read().strip() or "The server ended without a word.")
            yield ready["url"]
        finally:
            server.stdin.close()
            try:
                server.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            server.stdout.close()
