"""The suite's own PostgreSQL: one server for a process of the tests, started with the first database they ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.postgres import NoPostgres, PostgresServer, prepare


@contextmanager
def postgres_server(prepared: Callable[[str], None] | None = prepare) -> Iterator[PostgresServer]:
    """A server for the length of a block, whose databases can hold worlds. Skips where no PostgreSQL can be had."""
    try:
        server = PostgresServer(prepared)
    except NoPostgres as reason:
        pytest.skip(str(reason))
    with server:
        yield server
