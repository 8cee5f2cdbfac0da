"""SQLite's files: what belongs to one, which failures mean that it is damaged, and which that it cannot be used now.

A damaged file stays as it is until somebody decides what becomes of it. A full disk, a folder that has become
read-only, a process with too many files: that passes, and is said once when it begins and once when it is over.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import orjson

from emulator.kernel.database.face import StorageFails, WorldDamaged

UNREADABLE = sqlite3.DatabaseError  # itself: its subclasses say what a statement got wrong
NOT_TEXT = "Could not decode to UTF-8"
FULL = "the disk is full"
LITTLE = 16_384  # bytes; with less than that no page and no index of pages can be added
SOME = 262_144
PROBE = f"{'0' * 32}.new"
# What SQLite says by its primary codes, where the system says no more. Source: https://www.sqlite.org/rescode.html
CAUSES = {
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_BUSY: "another program has locked a file in it",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_IOERR: "the disk fails",
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_CANTOPEN: "a file in it cannot be opened",
}
log = logging.getLogger("emulator")


def parts_of(file: Path) -> tuple[Path, Path, Path]:
    """A database's file, what has been written ahead of it, and the index of that."""
    return file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")


def remove(file: Path) -> None:
    """Remove a database with everything beside it. OSError."""
    for part in (*parts_of(file), file.with_name(f"{file.name}-journal")):
        part.unlink(missing_ok=True)


def check_that_filled(file: Path) -> None:
    """DatabaseError for a file without a byte, of which SQLite would make a database. OSError."""
    if not file.stat().st_size:
        raise sqlite3.DatabaseError("it is empty")


def told(failure: BaseException, file: Path) -> BaseException:
    """A failure as what it says of a world's file: damage, or a folder that cannot be used; any other as it is."""
    if is_damage(failure):
        return WorldDamaged(f"The file {file} cannot be read: {said(failure)}.")
    cause = cause_of(failure, file)
    return failure if cause is None else StorageFails(f"The data directory {file.parent} cannot be used: {cause}.")


def is_damage(failure: BaseException) -> bool:
    """Whether what is stored cannot be read: SQLite cannot, or what it reads is not what we have written."""
    if isinstance(failure, sqlite3.OperationalError):
        return str(failure).startswith(NOT_TEXT)
    return type(failure) is UNREADABLE or isinstance(failure, orjson.JSONDecodeError)


def said(failure: BaseException) -> str:
    """What a failure says of a damaged file, without what is stored in it."""
    is_about_a_row = isinstance(failure, sqlite3.OperationalError | orjson.JSONDecodeError)
    return "a row in it is not as it was written" if is_about_a_row else str(failure)


def cause_of(failure: BaseException, file: Path) -> str | None:
    """Why a file cannot be used although nothing is wrong with it, or None where that is not what failed."""
    if isinstance(failure, OSError):
        return lowered(failure)
    code = getattr(failure, "sqlite_errorcode", 0) & 0xFF  # the rest tells the primary codes' finer ones
    if code not in CAUSES:
        return None
    if code == sqlite3.SQLITE_IOERR and shutil.disk_usage(file.parent).free < LITTLE:
        return FULL
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return refusal_of(file) or CAUSES[code]
    return CAUSES[code]


def refusal_of(file: Path) -> str | None:
    """What the system says to whoever would open a file to write to it, or make it, which SQLite does not pass on."""
    try:
        if file.exists():
            os.close(os.open(file, os.O_RDWR))
        else:
            probe = file.with_name(PROBE)
            os.close(os.open(probe, os.O_RDWR | os.O_CREAT))
            probe.unlink()
    except OSError as refusal:
        return lowered(refusal)
    return None


def lowered(failure: OSError) -> str:
    """What the system says, fit for the end of a sentence."""
    text = failure.strerror or str(failure)
    return FULL if failure.errno == errno.ENOSPC else text[:1].lower() + text[1:]


class Troubles:
    """What keeps us from a folder or a file in it at this moment: each is said when it begins and when it is over."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.guard = threading.Lock()
        self.met: dict[str, set[Path]] = {}

    def told(self, failure: BaseException, file: Path) -> BaseException:
        """A failure as what it says of a file, and what passes noted."""
        meaning = told(failure, file)
        if isinstance(meaning, StorageFails):
            self.begin(str(meaning), file)
        return meaning

    def begin(self, trouble: str, file: Path) -> None:
        """Somebody has met it with that file."""
        with self.guard:
            is_new = trouble not in self.met
            self.met.setdefault(trouble, set()).add(file)
        if is_new:
            log.error("%s What needs it is refused until that is over.", trouble)

    def look(self) -> None:
        """See which are over. To be called now and then while there are any."""
        if not self.met:
            return
        has_room = self.has_room()
        with self.guard:
            for trouble, files in list(self.met.items()):
                if has_room and all(is_usable(file) for file in files):
                    del self.met[trouble]
                    log.warning("%s That is over.", trouble)

    def has_room(self) -> bool:
        """Whether a file can be made in the folder, and has some room."""
        probe = self.directory / PROBE
        try:
            probe.write_bytes(bytes(SOME))
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)
        return True


def is_usable(file: Path) -> bool:
    """Whether a file can be opened to be written to, or is not there any more."""
    return not file.exists() or refusal_of(file) is None
