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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

PAUSE_SECONDS = 1.0  # before one that could not serve is replaced: the database may be starting again

SILENT = "The server ended while it started."

# What a worker does: it sends `(True, …)` once it serves, or `(False, why)`.
Work = Callable[[Connection], None]


class Worker:
    """One of the processes, and where it is heard."""

    def __init__(self, process: BaseProcess, told: Connection) -> None:
        self.process = process
        self.told = told

    @cached_property
    def said(self) -> tuple[Any, ...]:
        """What it sends once it has started, waited for; `(False, why)` too where it has died of something else."""
        wait([self.process.sentinel, self.told])
        with self.told:
            try:
                return self.told.recv() if self.told.poll() else (False, SILENT)
            except EOFError:
                return (False, SILENT)


class Workers:
    """Processes that do the same work until SIGINT or SIGTERM."""

    def __init__(self, number: int, work: Work) -> None:
        self.number = number
        self.work = work
        self.context = get_context("spawn")
        self.workers: list[Worker] = []
        self.is_ending = False  # no event: a signal comes while its lock is held
        self.complaint = ""

    def run(self, begin: Callable[[tuple[Any, ...]], None]) -> None:
        """Start them, and keep as many until told to stop; `begin` is given what the first one says."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: self.end())
        try:
            said = self.started().said
            if not self.is_ending:
                begin(said)
            while not self.is_ending:
                self.fill_up()
                wait([one.process.sentinel for one in self.workers])
        finally:
            self.end()
            for one in self.workers:
                one.process.join()

    def fill_up(self) -> None:
        """Replace those that have died: those that had not begun to serve after a pause, and with the reason."""
        dead = [one for one in self.workers if not one.process.is_alive()]
        self.workers = [one for one in self.workers if one not in dead]
        reasons = [why for serves, why, *_ in (one.said for one in dead) if not serves]
        if reasons:
            self.complain(reasons[-1])
            time.sleep(PAUSE_SECONDS)
        while len(self.workers) < self.number and not self.is_ending:
            self.started()

    def complain(self, why: str) -> None:
        """Say why one cannot serve, once for as long as it is the same."""
        if why != self.complaint and not self.is_ending:
            print(f"stripe-emulator: A worker cannot be replaced: {why}", file=sys.stderr, flush=True)
        self.complaint = why

    def started(self) -> Worker:
        """One more."""
        told, telling = self.context.Pipe(duplex=False)
        process = self.context.Process(target=work_as_child, args=(self.work, telling))
        with held_back():
            process.start()
        telling.close()
        self.workers.append(Worker(process, told))
        if self.is_ending:
            process.terminate()
        return self.workers[-1]

    def end(self) -> None:
        """Tell all to stop."""
        self.is_ending = True
        for one in self.workers:
            if one.process.is_alive():
                one.process.terminate()


@contextmanager
def held_back() -> Iterator[None]:
    """SIGINT waits meanwhile, and in a process that is started meanwhile until that can be stopped in order."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # when it is started, it lets SIGINT through
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        let_through()


def let_through() -> None:
    """Hold SIGINT back no more."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def work_as_child(work: Work, telling: Connection) -> None:
    """Do the work, and stop with the parent."""
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: sys.exit(0))  # until the server has its own
    let_through()
    threading.Thread(target=stop_with_parent, daemon=True).start()
    try:
        work(telling)
    finally:
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, signal.SIG_DFL)  # there is nothing left to be ended in order, and nobody to catch it


def stop_with_parent() -> None:
    """Stop as SIGTERM does once the parent is gone, however it went."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
