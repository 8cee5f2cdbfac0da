"""The PostgreSQL server that tests and measurements have of their own: bench/postgres.py."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from bench import postgres as servers
from bench.postgres import ADMINISTRATOR, NoPostgres, PostgresServer, children_of
from emulator.app import create_app
from tests.client import Client
from tests.databases import postgres_server
from tests.patience import wait_until


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about yet does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state) and not state.startswith("Z")


def test_what_was_committed_is_there_after_the_server_was_stopped_and_after_it_was_killed():
    with postgres_server(prepared=None) as server:
        url = server.database()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

        server.restart()
        after_a_restart = count(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("INSERT INTO kept VALUES (2)")
            processes = [server.process.pid, *children_of(server.process.pid)]
            server.kill()
        server.start()
        after_a_kill = count(url)

    assert (after_a_restart, after_a_kill) == (1, 2)
    assert len(processes) > 3
    assert [pid for pid in processes if is_running(pid)] == []
    assert not server.folder.exists()


def test_it_ends_with_whoever_made_it_even_where_he_was_killed(postgres: PostgresServer):
    making = (
        "from bench.postgres import PostgresServer; server = PostgresServer(); "
        "print(server.process.pid, server.folder, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", making], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        pid, folder = maker.stdout.readline().split()
        was_running = is_running(int(pid))
        maker.kill()

    assert was_running
    wait_until(lambda: not is_running(int(pid)) and not Path(folder).exists())


def test_a_database_is_a_copy_of_the_one_that_was_prepared_and_shares_nothing_with_others():
    def prepare(url: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

    with postgres_server(prepare) as server:
        first, second, empty = server.database(), server.database(), server.database(is_prepared=False)
        with psycopg.connect(first) as connection:
            connection.execute("DELETE FROM kept")
        counts = count(first), count(second)
        with pytest.raises(psycopg.errors.UndefinedTable):
            count(empty)
        server.drop(first)
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            count(first)

    assert counts == (0, 1)


def test_a_database_that_was_emptied_has_no_world_and_nobody_stays_in_it(postgres: PostgresServer):
    was = postgres.database()
    app = create_app(was)
    Client(app, "sk_test_kept").made("/v1/customers", name="Ada")
    app.emulator.close()
    with psycopg.connect(was) as guest:
        now = postgres.emptied(was)
        with pytest.raises(psycopg.OperationalError):
            guest.execute("SELECT 1")

    again = create_app(now)
    worlds, customers = again.emulator.tenants.database.worlds(), Client(again, "sk_test_kept").read("/v1/customers")
    again.emulator.close()
    postgres.drop(now)

    assert (worlds, customers["data"]) == ([], [])
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(was)


def test_its_owner_may_make_roles_and_is_otherwise_nobody(postgres: PostgresServer):
    rights = postgres.administer(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = 'owner'"
    )

    assert rights == [(False, True, False, False)]
    assert postgres.administer("SELECT current_user") == [(ADMINISTRATOR,)]


def test_where_no_postgresql_is_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(servers, "DEBIANS", Path("/nowhere"))
    monkeypatch.setattr(shutil, "which", lambda program: None)

    with pytest.raises(NoPostgres, match="PostgreSQL is not installed"):
        PostgresServer()
    with pytest.raises(pytest.skip.Exception, match="PostgreSQL is not installed"):
        postgres_server().__enter__()
