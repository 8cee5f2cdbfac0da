"""How much the database is asked, counted below everything that asks it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


class Asked:
    """What the database was asked since the last `clear`: the statements in order, and the steps it took for them."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.steps = 0
        self.thread = threading.get_ident()

    def clear(self) -> None:
        """Begin anew."""
        self.statements, self.steps = [], 0

    def follow(self, connection: sqlite3.Connection) -> None:
        """Count what this connection is asked by the thread that counts."""
        connection.set_trace_callback(self.hear)
        connection.set_progress_handler(self.step, 1)

    def hear(self, statement: str) -> None:
        if threading.get_ident() == self.thread:
            self.statements.append(statement)

    def step(self) -> None:
        if threading.get_ident() == self.thread:
            self.steps += 1


@contextmanager
def asking() -> Iterator[Asked]:
    """Count what connections that are opened within the block are asked."""
    asked = Asked()
    connect = sqlite3.connect

    def followed(*where: Any, **how: Any) -> sqlite3.Connection:
        connection = connect(*where, **how)
        asked.follow(connection)
        return connection

    with mock.patch("sqlite3.connect", followed):
        yield asked
