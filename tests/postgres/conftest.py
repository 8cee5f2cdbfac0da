"""Three processes that serve one database, behind a load balancer, and clients of all of them at once."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from flask import Flask

from bench.fleet import Fleet
from bench.postgres import PostgresServer
from emulator.app import create_app
from tests.elsewhere import asked_elsewhere


@pytest.fixture(scope="package")
def shared(postgres: PostgresServer) -> Iterator[str]:
    """The address of the database that they serve."""
    url = postgres.database()
    yield url
    postgres.drop(url)


@pytest.fixture(scope="package")
def fleet(shared: str) -> Iterator[Fleet]:
    """Three processes, until they have been stopped as a server is."""
    with Fleet(shared) as running:
        yield running


@pytest.fixture(scope="package")
def app(shared: str, fleet: Fleet) -> Iterator[Flask]:
    """An application that looks at the same worlds; what it is asked goes to one process after the other."""
    application = create_app(shared)
    with asked_elsewhere(application, fleet.url):
        yield application
    application.emulator.close()  # type: ignore[attr-defined]


@pytest.fixture
def each(fleet: Fleet, key: str) -> Iterator[list[httpx.Client]]:
    """A client of each process alone, all with the same key."""
    clients = [httpx.Client(base_url=one.url, auth=(key, ""), timeout=60, trust_env=False) for one in fleet.processes]
    yield clients
    for client in clients:
        client.close()
