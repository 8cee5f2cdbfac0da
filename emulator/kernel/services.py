"""Work that goes on beside requests, in whichever server process holds the services lock."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import traceback
from collections.abc import Callable
from typing import Protocol

from emulator.kernel.tenants import Tenants

TICK_SECONDS = 0.5
log = logging.getLogger("emulator")


class Service(Protocol):
    """Something with threads of its own that runs in one process of the server."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self) -> None:
        """End, and return when nothing of it runs any more."""


class Background:
    """A thread that ticks while this process holds `services.lock`; other processes wait for their turn."""

    def __init__(self, tenants: Tenants) -> None:
        self.tenants = tenants
        self.jobs: list[Callable[[], None]] = [tenants.tick]
        self.services: list[Service] = []
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin ticking as soon as the lock is ours."""
        self.stopping.clear()
        self.thread = threading.Thread(target=self.run, name="background", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """End the thread and let another process take over."""
        self.stopping.set()
        if self.thread is not None:
            self.thread.join(timeout=10)
            self.thread = None

    def run(self) -> None:
        """Wait for the lock, then do every job at each tick."""
        lock = os.open(self.tenants.directory / "services.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not self.stopping.is_set():
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    self.stopping.wait(TICK_SECONDS)
            if not self.stopping.is_set():
                self.each([service.start for service in self.services])
            while not self.stopping.wait(TICK_SECONDS):
                self.each(self.jobs)
            self.each([service.stop for service in reversed(self.services)])
        finally:
            os.close(lock)

    def each(self, actions: list[Callable[[], None]]) -> None:
        """Do all of these, whatever becomes of one."""
        for action in actions:
            try:
                action()
            except Exception:
                log.error("background work failed\n%s", traceback.format_exc())
