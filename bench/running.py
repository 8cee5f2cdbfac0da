"""A server in a process of its own, for whoever measures it, kills it or reads its console."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path


def kept(worlds: Path | str | None) -> list[str]:
    """How `serve` is told where worlds are kept."""
    if worlds is None:
        return ["--memory"]
    return ["--database", worlds] if isinstance(worlds, str) else ["--data", str(worlds)]


def assert_whole(worlds: Path | str) -> None:
    """AssertionError where the doctor finds anything wrong with worlds that nobody writes to."""
    doctor = [sys.executable, "-m", "emulator.cli", "doctor", *kept(worlds)]
    told = subprocess.run(doctor, capture_output=True, text=True, timeout=600)
    assert told.returncode == 0, f"{told.stdout[-3000:]}{told.stderr[-3000:]}"


class Running:
    """`stripe-emulator serve` on a free port; `port` and `url` are known once it is ready."""

    def __init__(
        self, worlds: Path | str | None, *options: str, seconds: float = 30, within: tuple[str, ...] = ()
    ) -> None:
        """Start, and wait for the ready line. RuntimeError with the console where none comes.

        The worlds are kept in a folder, in a database of that address, or in memory. `within` are the words of a
        command that runs the server.
        """
        command = [*within, sys.executable, "-m", "emulator.cli", "serve", *kept(worlds), "--port", "0", *options]
        # A session of its own, so that `kill` reaches every process of the server and nothing else.
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self.console: list[str] = []
        self.has_spoken = threading.Event()
        self.url = ""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        if not self.has_spoken.wait(seconds) or not self.url:
            self.kill()
            raise RuntimeError("The server did not start:\n" + "".join(self.console))
        self.port = int(self.url.rpartition(":")[2])

    def read(self) -> None:
        """Keep what it prints; the ready line gives the address."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.console.append(line)
            ready = re.match(r"Ready: (\S+)", line)
            if ready:
                self.url = ready[1]
                self.has_spoken.set()
        self.has_spoken.set()

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 20) -> int:
        """Ask it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(seconds)
        self.reader.join(seconds)
        return code

    def kill(self) -> None:
        """`kill -9` for all of its processes at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
