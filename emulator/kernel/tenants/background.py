"""Work that goes on beside requests."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from typing import Protocol

from emulator.kernel.tenants.tenants import Tenants

TICK_SECONDS = 0.5
log = logging.getLogger("emulator")


class Service(Protocol):
    """Something with threads of its own."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self) -> None:
        """End, and return when nothing of it runs any more."""


class Background:
    """A thread that ticks, and the services that run while it does."""

    def __init__(self, tenants: Tenants) -> None:
        self.tenants = tenants
        self.jobs: list[Callable[[], None]] = [tenants.tick]
        self.services: list[Service] = []
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin ticking."""
        self.stopping.clear()
        self.thread = threading.Thread(target=self.run, name="background", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """End the thread and the services."""
        self.stopping.set()
        if self.thread is not None:
            self.thread.join(timeout=10)
            self.thread = None

    def run(self) -> None:
        """Do every job at each tick, while the services run."""
        self.each([service.start for service in self.services])
        with self.tenants.watching():
            while not self.stopping.is_set():
                self.each(self.jobs)
                self.stopping.wait(TICK_SECONDS)
        self.each([service.stop for service in reversed(self.services)])

    def each(self, actions: list[Callable[[], None]]) -> None:
        """Do all of these, whatever becomes of one."""
        for action in actions:
            try:
                action()
            except Exception:
                log.error("background work failed\n%s", traceback.format_exc())
