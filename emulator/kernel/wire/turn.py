"""Requests are answered one after the other, which is faster than at once."""

from __future__ import annotations

import threading

LONGEST_TURN = 0.05


class Turn:
    """One request at a time.

    SQLite lets the interpreter go at every statement, and each time a thread that waits for it is switched to. A
    courtesy, not a lock: who has waited for `LONGEST_TURN` seconds goes anyway, so that nobody can wait in a circle,
    and who is about to wait for somebody else leaves first.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.holder: int | None = None

    def take(self) -> None:
        """Wait for one's turn, but not long."""
        if self.lock.acquire(timeout=LONGEST_TURN):
            self.holder = threading.get_ident()

    def leave(self) -> None:
        """Let the next one go, if it is this thread's turn."""
        if self.holder == threading.get_ident():
            self.holder = None
            self.lock.release()
