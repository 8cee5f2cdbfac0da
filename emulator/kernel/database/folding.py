"""What is written ahead of a world is folded back into its file beside requests, so that no commit waits for the disk.

SQLite would do it at the end of the commit that finds too much written ahead, and that one request would be 20 times
slower than the others: folding back is copying thousands of pages, and waiting twice until the disk has them.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.kernel.database.sqlite import SqliteWorld

MANY_COMMITS = 200  # each writes 1 to 30 pages ahead
TOO_MANY_PAGES = 16_000  # from which on those who write wait for the end of it, so that the log begins anew


class Folding:
    """A thread that folds worlds back as they ask for it; it begins with the first."""

    def __init__(self) -> None:
        self.asked: queue.SimpleQueue[SqliteWorld | None] = queue.SimpleQueue()
        self.guard = threading.Lock()
        self.thread: threading.Thread | None = None

    def ask(self, world: SqliteWorld) -> None:
        """Have a world folded back soon."""
        self.asked.put(world)
        if self.thread is None:
            with self.guard:
                if self.thread is None:
                    self.thread = threading.Thread(target=self.run, name="folding", daemon=True)
                    self.thread.start()

    def run(self) -> None:
        """Fold back what is asked for, until told to stop."""
        while (world := self.asked.get()) is not None:
            world.fold()

    def close(self) -> None:
        """Return when all that was asked for is done."""
        with self.guard:
            thread, self.thread = self.thread, None
        if thread is not None:
            self.asked.put(None)
            thread.join(timeout=10)
