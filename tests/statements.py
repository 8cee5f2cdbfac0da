"""How much the database is asked, counted below everything that asks it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from emulator.kernel.database.postgres.line import Line


class Asked:
    """What the database was asked since the last `clear`: the statements in order, and the steps that SQLite took."""

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
    """Count what worlds are asked that are opened within the block, wherever they are kept."""
    asked = Asked()
    connect, send = sqlite3.connect, Line.send

    def followed(*where: Any, **how: Any) -> sqlite3.Connection:
        connection = connect(*where, **how)
        asked.follow(connection)
        return connection

    def heard(line: Line, sql: bytes, values: Iterable[Any] = ()) -> None:
        asked.hear(sql.decode())
        send(line, sql, values)

    with mock.patch("sqlite3.connect", followed), mock.patch.object(Line, "send", heard):
        yield asked
