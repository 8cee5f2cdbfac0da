"""How often the database is asked, counted below everything that asks it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def statements() -> Iterator[list[str]]:
    """What this thread asks connections that are opened within the block, in order. Clear the list to begin anew."""
    heard: list[str] = []
    connect = sqlite3.connect
    here = threading.get_ident()

    def hear(statement: str) -> None:
        if threading.get_ident() == here:
            heard.append(statement)

    def followed(*where: Any, **how: Any) -> sqlite3.Connection:
        connection = connect(*where, **how)
        connection.set_trace_callback(hear)
        return connection

    with mock.patch("sqlite3.connect", followed):
        yield heard
