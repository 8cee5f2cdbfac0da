"""What the processes of one server tell each other: the API was called while you wait for a handler.

    <data>/handling/<tenant>/<who waits>    there while a process waits; every other process adds a line per API call

A line is written before its call is replied to, and read once the handler has answered; so nothing is missed that a
handler saw the reply of. These are files and no rows, since a row would take the tenant's lock for every delivery and
every call made meanwhile, and would outlive whoever waited for it. A killed server's files mean nothing to the next,
which empties the folder when it starts.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import orjson

FOLDER = "handling"
log = logging.getLogger("emulator")


class Told(NamedTuple):
    """An API call that another process answered. Times in monotonic seconds, which processes have in common."""

    api_call: dict[str, Any]
    began: float
    ended: float


class Hearsay:
    """One tenant's, for one process. What cannot be written or read is logged, and nobody is kept from their work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = secrets.token_hex(8)

    def tell(self, told: Told) -> None:
        """Tell every other process that waits for a handler; where none does, it costs a look into the folder."""
        try:
            for name in os.listdir(self.folder):
                if name != self.name:
                    add(self.folder / name, orjson.dumps(tuple(told)) + b"\n")
        except FileNotFoundError:
            return  # nobody has waited yet
        except OSError as failure:
            log.error("an API call is not linked to the webhooks on their way: %s", failure)

    def start(self) -> None:
        """Be told from now on."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.folder / self.name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        except OSError as failure:
            log.error("API calls that other processes answer are not linked to webhooks: %s", failure)

    def news(self) -> list[Told]:
        """What has been told since the last look. The file is emptied, since a busy process never stops waiting."""
        try:
            if os.stat(self.folder / self.name).st_size == 0:
                return []
            with (self.folder / self.name).open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                lines = file.readlines()
                file.truncate(0)
        except (FileNotFoundError, NotADirectoryError):  # start has said why
            return []
        except OSError as failure:
            log.error("API calls that other processes answered are not linked to webhooks: %s", failure)
            return []
        return [Told(*orjson.loads(line)) for line in lines]

    def stop(self) -> None:
        """Be told no more."""
        with contextlib.suppress(OSError):
            (self.folder / self.name).unlink()


def add(file: Path, line: bytes) -> None:
    """Add a line to a file, unless its reader has just stopped waiting. Many may add at once, while nobody reads."""
    with contextlib.suppress(FileNotFoundError):
        end = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(end, fcntl.LOCK_SH)
            os.write(end, line)
        finally:
            os.close(end)


def clear(directory: Path) -> None:
    """Forget who waited in a data directory that no server uses."""
    shutil.rmtree(directory / FOLDER, ignore_errors=True)
