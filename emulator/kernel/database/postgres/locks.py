"""Locks among the threads of one process."""

from __future__ import annotations

import threading


class Locks:
    """Those that are held."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.held: set[str] = set()

    def lock(self, name: str) -> Lock:
        """A lock of that name."""
        return Lock(self, name)


class Lock:
    """Held by one at a time."""

    def __init__(self, locks: Locks, name: str) -> None:
        self.locks = locks
        self.name = name

    def take(self) -> bool:
        """Take it unless somebody has it; whether it is ours now."""
        with self.locks.guard:
            is_free = self.name not in self.locks.held
            self.locks.held.add(self.name)
            return is_free

    def release(self) -> None:
        """Let another have it."""
        with self.locks.guard:
            self.locks.held.discard(self.name)
