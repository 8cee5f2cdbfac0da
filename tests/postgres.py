"""The suite's own PostgreSQL: one server for a process of the tests, started with the first database they ask for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.postgres import NoPostgres, PostgresServer
from emulator import cli


def run_command(*arguments: str) -> None:
    """Run `stripe-emulator …` in this process. AssertionError when it fails."""
    before, sys.argv = sys.argv, ["stripe-emulator", *arguments]
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        sys.argv = before
    assert ended.value.code in (0, None), arguments


def prepare(url: str) -> None:
    """Make a database one that holds worlds, as its owner does."""
    run_command("database", "init", "--database", url)


@contextmanager
def postgres_server(prepared: Callable[[str], None] | None = prepare) -> Iterator[PostgresServer]:
    """A server for the length of a block, whose databases can hold worlds. Skips where no PostgreSQL can be had."""
    try:
        server = PostgresServer(prepared)
    except NoPostgres as reason:
        pytest.skip(str(reason))
    with server:
        yield server
