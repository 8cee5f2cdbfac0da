"""Worlds share tables and see nothing of each other, whatever a query forgets: the database itself sees to it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bench.postgres import OWNER, PostgresServer
from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.kernel.database.postgres.tables import ROLE, SCHEMA
from emulator.kernel.database.schema import Schema
from tests.client import Client

# What every server has to see: which worlds there are, the log of their requests, and who has signed in.
OF_NO_WORLD = {"installation", "shape", "world", "drawer", "request", "request_count"}
TABLES = sorted(Schema(CATALOG.records.values()).tables)


@pytest.fixture(scope="module")
def two_worlds(postgres: PostgresServer) -> Iterator[str]:
    """The address of a database with a customer in each of two worlds."""
    url = postgres.database()
    app = create_app(url)
    for name in ("one", "two"):
        Client(app, f"sk_test_{name}").made("/v1/customers", name=name)
    app.emulator.close()
    yield url
    postgres.drop(url)


@pytest.fixture
def session(two_worlds: str) -> Iterator[psycopg.Connection]:
    """A connection that acts as a server does, before it has said which world it means."""
    with psycopg.connect(two_worlds) as connection:
        connection.execute(f"SET ROLE {ROLE}")
        connection.execute(f"SET search_path = {SCHEMA}")
        connection.commit()
        yield connection


def test_who_has_not_said_which_world_sees_no_row_of_any_table(session):
    seen = {table: session.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}

    assert len(seen) > 40
    assert set(seen.values()) == {0}


def test_who_has_not_said_which_world_changes_and_removes_nothing(session, postgres, two_worlds):
    customers = f"SELECT tenant, id, data FROM {SCHEMA}.customer ORDER BY tenant"
    name = two_worlds.rpartition("/")[2]
    before = postgres.administer(customers, name)

    changed = session.execute("UPDATE customer SET data = 'gone'").rowcount
    removed = session.execute("DELETE FROM customer").rowcount
    session.commit()

    assert (changed, removed) == (0, 0)
    assert postgres.administer(customers, name) == before
    assert len(before) == 2


@pytest.mark.parametrize("table", TABLES)
def test_who_has_not_said_which_world_writes_no_row(session, table):
    with pytest.raises(psycopg.Error) as refused:
        session.execute(f"INSERT INTO {table} DEFAULT VALUES")

    assert refused.value.sqlstate in ("42501", "23502")  # the policy, or a tenant that is nobody


def test_a_session_within_a_world_sees_that_world_alone_and_writes_to_no_other(session, postgres, two_worlds):
    numbers = [number for (number,) in session.execute("SELECT number FROM world ORDER BY number")]
    within = "SELECT set_config('emulator.tenant', %s, true)"

    seen = []
    for number in numbers:
        session.execute(within, [str(number)])
        seen.append(
            [found["name"] for (found,) in session.execute("SELECT convert_from(data, 'UTF8')::jsonb FROM customer")]
        )
        session.rollback()
    session.execute(within, [str(numbers[0])])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("UPDATE customer SET tenant = %s", [numbers[1]])

    assert seen == [["one"], ["two"]]


def test_the_owner_of_the_tables_is_held_to_the_same(two_worlds):
    with psycopg.connect(two_worlds) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (OWNER,)
        seen = [connection.execute(f"SELECT count(*) FROM {SCHEMA}.{table}").fetchone()[0] for table in TABLES]

    assert set(seen) == {0}


def test_what_a_session_said_is_forgotten_with_its_transaction(session):
    session.execute("SELECT set_config('emulator.tenant', (SELECT min(number)::text FROM world), true)")
    within = session.execute("SELECT count(*) FROM customer").fetchone()[0]
    session.commit()
    after = session.execute("SELECT count(*) FROM customer").fetchone()[0]

    assert (within, after) == (1, 0)


def test_servers_own_nothing_and_may_not_get_around_the_policies(session):
    owned = session.execute(
        "SELECT count(*) FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner WHERE rolname = %s", [ROLE]
    ).fetchone()
    rights = session.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles WHERE rolname = %s",
        [ROLE],
    ).fetchone()
    unforced = session.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r' AND NOT "
        "(relrowsecurity AND relforcerowsecurity) ORDER BY relname",
        [SCHEMA],
    ).fetchall()

    assert owned == (0,)
    assert rights == (False, False, False, False, False)
    assert {name for (name,) in unforced} <= OF_NO_WORLD
