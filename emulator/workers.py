"""Several processes behind one port: started by one that serves nothing itself, and replaced when they die.

The first says that it serves, or why it cannot, before the others are started. They share the sockets that their parent
listens on and nothing else; whatever they have to agree on is in the database. uvicorn's own supervisor would make its
servers itself, of an application alone, and start one again that can never serve.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

CANNOT_SERVE = 3  # the exit code of a worker that has told why
PAUSE_SECONDS = 1.0  # before one that could not serve is replaced: the database may be starting again

# What a worker does: it sends `(True, …)` once it serves, or `(False, why)`.
Work = Callable[[Connection], None]


class Workers:
    """Processes that do the same work until SIGINT or SIGTERM."""

    def __init__(self, number: int, work: Work) -> None:
        self.number = number
        self.work = work
        self.context = get_context("spawn")
        self.processes: list[BaseProcess] = []
        self.ending = threading.Event()

    def run(self, begin: Callable[[tuple[object, ...]], None]) -> None:
        """Start them, and keep as many until told to stop; `begin` is given what the first one says."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: self.end())
        try:
            begin(self.first())
            while not self.ending.is_set():
                self.fill_up()
                wait([one.sentinel for one in self.processes])
        finally:
            self.end()
            for one in self.processes:
                one.join()

    def first(self) -> tuple[object, ...]:
        """Start the first, and what it says: `(False, why)` where it cannot serve, or has died of something else."""
        process, told = self.started()
        wait([process.sentinel, told])
        try:
            return told.recv() if told.poll() else (False, "The server ended while it started.")
        except EOFError:
            return (False, "The server ended while it started.")

    def fill_up(self) -> None:
        """Replace those that have died."""
        dead = [one for one in self.processes if not one.is_alive()]
        if any(one.exitcode == CANNOT_SERVE for one in dead):
            self.ending.wait(PAUSE_SECONDS)
        self.processes = [one for one in self.processes if one not in dead]
        while len(self.processes) < self.number and not self.ending.is_set():
            self.started()

    def started(self) -> tuple[BaseProcess, Connection]:
        """One more, and where it is heard."""
        told, telling = self.context.Pipe(duplex=False)
        process = self.context.Process(target=work_as_child, args=(self.work, telling))
        process.start()
        telling.close()
        self.processes.append(process)
        if self.ending.is_set():
            process.terminate()
        return process, told

    def end(self) -> None:
        """Tell all to stop."""
        self.ending.set()
        for one in self.processes:
            if one.is_alive():
                one.terminate()


def work_as_child(work: Work, telling: Connection) -> None:
    """Do the work, and stop with the parent."""
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: sys.exit(0))  # until the server has its own
    threading.Thread(target=stop_with_parent, daemon=True).start()
    work(telling)


def stop_with_parent() -> None:
    """Stop as SIGTERM does once the parent is gone, however it went."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
