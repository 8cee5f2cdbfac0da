"""Three processes that serve one database, behind a load balancer, and clients of all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from flask import Flask

from bench.fleet import Fleet
from bench.postgres import PostgresServer
from emulator.app import create_app
from tests.client import Client


class Reply:
    """A reply over the network, as the tests' client reads those of an application in its own process."""

    def __init__(self, reply: httpx.Response) -> None:
        self.status_code = reply.status_code
        self.headers = reply.headers
        self.content = reply.content
        self.mimetype = reply.headers.get("Content-Type", "").partition(";")[0]

    def get_data(self) -> bytes:
        """The body."""
        return self.content

    def get_json(self, silent: bool = False) -> Any:
        """The body, parsed."""
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            assert silent
            return None


class Network:
    """Requests over the network, in the words of an application's own test client."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def open(
        self,
        path: str,
        method: str,
        headers: dict[str, str],
        data: Any = None,
        query_string: Any = None,
        json: Any = None,
    ) -> Reply:
        """One request."""
        return Reply(self.http.request(method, path, headers=headers, data=data, params=query_string, json=json))


class EachInTurn(Client):
    """A client whose requests go to one process after the other. `app` looks at the same worlds, and serves nobody."""

    network: httpx.Client

    def __init__(self, app: Flask, key: str, account: str | None = None, version: str | None = None) -> None:
        super().__init__(app, key, account, version)
        self.http = Network(self.network)  # type: ignore[assignment]


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
    """An application that looks at the same worlds."""
    application = create_app(shared)
    yield application
    application.emulator.close()  # type: ignore[attr-defined]


@pytest.fixture(scope="package")
def in_turn(fleet: Fleet) -> Iterator[type[Client]]:
    """What makes clients of all three."""
    with httpx.Client(base_url=fleet.url, timeout=60, trust_env=False) as http:
        yield type("EachInTurn", (EachInTurn,), {"network": http})


@pytest.fixture
def platform(app: Flask, in_turn: type[Client], key: str) -> Client:
    """The platform of a fresh tenant, whose requests go to one process after the other."""
    return in_turn(app, key)


@pytest.fixture
def each(fleet: Fleet, key: str) -> Iterator[list[httpx.Client]]:
    """A client of each process alone, all with the same key."""
    clients = [httpx.Client(base_url=one.url, auth=(key, ""), timeout=60, trust_env=False) for one in fleet.processes]
    yield clients
    for client in clients:
        client.close()
