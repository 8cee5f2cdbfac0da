"""Locks among processes: PostgreSQL's advisory ones, which hang on the connection that stands.

One is held until it is let go, or until its connection ends: because its process has died, or because it has been cut
off from the database. Who holds one looks at `is_held` before he does what only one may do.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading

from emulator.kernel.database.face import StorageFails
from emulator.kernel.database.postgres.standing import Standing

TAKE, LET_GO = "SELECT pg_try_advisory_lock($1)", "SELECT pg_advisory_unlock($1)"


class Locks:
    """The locks of a database, as this process holds them."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.guard = threading.Lock()
        self.held: dict[str, int] = {}  # by name, and on which connection; a session may take one as often as it likes

    def lock(self, name: str) -> SharedLock:
        """A lock of that name."""
        return SharedLock(self, name)


class SharedLock:
    """One of them, as whoever made this object holds it."""

    def __init__(self, locks: Locks, name: str) -> None:
        self.locks = locks
        self.name = name
        self.number: int | None = None  # of the connection that it was taken over

    @property
    def is_held(self) -> bool:
        """Whether it is still ours."""
        return self.number is not None and self.number == self.locks.standing.number

    def take(self) -> bool:
        """Take it unless somebody has it, here or elsewhere. StorageFails."""
        locks, standing = self.locks, self.locks.standing
        number = standing.connected()
        with locks.guard:
            if locks.held.get(self.name) == number:
                return False
            locks.held[self.name] = number
        is_ours = False
        try:
            is_ours = standing.ask(TAKE, key_of(self.name))
            if is_ours and standing.number != number:  # it hangs on a connection that came meanwhile
                standing.begin(LET_GO, key_of(self.name))
                is_ours = False
        finally:
            with locks.guard:
                if is_ours:
                    self.number = number
                elif locks.held.get(self.name) == number:
                    del locks.held[self.name]
        return is_ours

    def release(self) -> None:
        """Let another have it; at once, though nobody waits for the database to hear of it."""
        if not self.is_held:
            return
        number, self.number = self.number, None
        with self.locks.guard:
            if self.locks.held.get(self.name) == number:
                del self.locks.held[self.name]
        with contextlib.suppress(StorageFails):  # then it is let go already
            self.locks.standing.begin(LET_GO, key_of(self.name))


def key_of(name: str) -> int:
    """What stands for a name where locks have numbers."""
    return int.from_bytes(hashlib.sha256(f"stripe-emulator {name}".encode()).digest()[:8], "big", signed=True)
