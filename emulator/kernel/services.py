"""Work that goes on beside requests, in whichever server process holds the services lock."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import traceback
from collections.abc import Callable

from emulator.kernel.tenants import Tenants

TICK_SECONDS = 0.5
log = logging.getLogger("emulator")


class Background:
    """A thread that ticks while this process holds `services.lock`; other processes wait for their turn."""

    def __init__(self, tenants: Tenants) -> None:
        self.tenants = tenants
        self.jobs: list[Callable[[], None]] = [tenants.tick]
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
            while not self.stopping.wait(TICK_SECONDS):
                for job in self.jobs:
                    try:
                        job()
                    except Exception:
                        log.error("background job failed\n%s", traceback.format_exc())
        finally:
            os.close(lock)
