"""One process serves a data directory: whoever opens it holds its lock, and the lock's file tells who that is."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE = "server.lock"
TEMPORARY = "stripe-emulator-"  # what the folder of a server that forgets everything is called, to begin with
OURS = re.compile(
    r"server\.lock|([0-9a-f]{32}\.(sqlite|new|requests\.db)|no-tenant\.requests\.db)(-journal|-shm|-wal)?"
)
LOCKED_BYTE = 1 << 30  # on Windows a locked byte cannot be read, so it is one far behind the text


class DirectoryInUse(Exception):
    """Another process, or another part of this one, serves the directory; in a sentence."""


class DirectoryLock:
    """A data directory's lock, held until it is released or its process ends, however it ends."""

    def __init__(self, directory: Path, **told: Any) -> None:
        """Take the lock and write into its file who has it. DirectoryInUse where somebody else does; OSError."""
        self.file = (directory / FILE).open("a+")
        try:
            lock(self.file.fileno())
        except OSError:
            told_by_holder = self.read()
            self.file.close()
            raise DirectoryInUse(sentence(directory, told_by_holder)) from None
        self.file.truncate(0)
        json.dump({"pid": os.getpid(), **told}, self.file)
        self.file.flush()

    def read(self) -> dict[str, Any]:
        """What the holder wrote; nothing while it is just starting."""
        try:
            self.file.seek(0)
            told = json.load(self.file)
        except (ValueError, OSError):
            return {}
        return told if isinstance(told, dict) else {}

    def release(self) -> None:
        """Let others have the directory."""
        self.file.close()


def sweep(parent: Path) -> list[Path]:
    """Remove what servers that were to forget everything have left behind when they were killed; which that was.

    Only folders that are surely ours and dead: called like ours, of this user, with nothing in them but what we write,
    and with a lock that says so and that nobody holds.
    """
    swept = []
    for folder in sorted(parent.glob(f"{TEMPORARY}*")):
        with suppress(OSError, DirectoryInUse):
            if is_surely_ours(folder):
                lock = DirectoryLock(folder, temporary=True)
                lock.release()
                shutil.rmtree(folder)
                swept.append(folder)
    return swept


def is_surely_ours(folder: Path) -> bool:
    """Whether a folder is one that a server of this user made to forget."""
    state = folder.lstat()
    is_mine = not hasattr(os, "getuid") or state.st_uid == os.getuid()
    if not stat.S_ISDIR(state.st_mode) or not is_mine:
        return False
    if not all(OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False) for entry in os.scandir(folder)):
        return False
    try:
        told = json.loads((folder / FILE).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("temporary") is True


def sentence(directory: Path, told: dict[str, Any]) -> str:
    """Who has a directory, and what to do about it."""
    if "url" in told:
        holder, way_out = f"the server at {told['url']} (pid {told['pid']})", "stop that one, use it,"
    elif "pid" in told:
        holder, way_out = f"the process {told['pid']}", "end its use"
    else:
        holder, way_out = "a server that is just starting", "stop that one, use it,"
    return f"The data directory {directory} belongs to {holder}; {way_out} or name another folder with --data."


def lock(descriptor: int) -> None:
    """Lock an open file against everybody else. OSError where it is locked already."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
