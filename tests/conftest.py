"""Fixtures of all tests: an application over a fresh folder, and clients whose replies are checked.

With `--whole-suite` a run fails for every built operation that it never saw succeed with a populated reply.
"""

from __future__ import annotations

import inspect
import itertools
import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask

from bench.postgres import PostgresServer
from emulator.app import create_app
from emulator.catalog import CATALOG
from tests.client import RECORDER, Client
from tests.contract.exceptions import UNSEEN
from tests.contract.operations import unnamed
from tests.postgres import postgres_server

NUMBERS = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole-suite", action="store_true", help="every built operation must have been seen to succeed")


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application for the session; tests keep apart by their keys."""
    application = create_app(tmp_path_factory.mktemp("data"))
    application.emulator.tenants.origin = "http://localhost"  # type: ignore[attr-defined]  # where clients reach it
    yield application
    application.emulator.close()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def unseen(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing goes wrong inside the emulator, such as work set aside, unless the test asks `caplog` about it."""
    yield
    said = [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.levelno >= logging.ERROR and record.name != "websockets.client"  # the listener of a test
    ]
    if said and "caplog" not in inspect.signature(request.function).parameters:
        pytest.fail("the emulator reported an error that this test does not expect:\n" + "\n".join(said))


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A key that no other test uses, so a tenant of the test's own."""
    return f"sk_test_{request.node.name[:40]}{next(NUMBERS)}"


@pytest.fixture
def platform(app: Flask, key: str) -> Client:
    """The platform of a fresh tenant."""
    return Client(app, key)


@pytest.fixture
def api(platform: Client) -> Client:
    """Another name for it, where nothing is said about platforms."""
    return platform


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the suite's own. Tests that stop or kill one make another, with `postgres_server`."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def empty_database(postgres: PostgresServer) -> Iterator[str]:
    """The address of a new database with nothing in it."""
    url = postgres.database(is_prepared=False)
    yield url
    postgres.drop(url)


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The address of a new database that can hold worlds."""
    url = postgres.database()
    yield url
    postgres.drop(url)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With `--whole-suite`: tell the controller what this worker saw, and fail for operations nobody saw succeed."""
    if not session.config.getoption("--whole-suite"):
        return
    seen = sorted(RECORDER.populated)
    workers = getattr(session.config, "workeroutput", None)
    if workers is not None:
        workers["seen"] = json.dumps(seen)
        return
    together = {tuple(pair) for pair in seen} | session.config.stash.get(SEEN, set())
    built = [(route.verb, route.path) for route in CATALOG.routes if route.path.startswith(("/v1/", "/v2/"))]
    unseen = [
        f"{verb} {path}" for verb, path in built if (verb, unnamed(path)) not in together and (verb, path) not in UNSEEN
    ]
    if unseen and exitstatus in (0, pytest.ExitCode.OK):
        print("\nBuilt operations that no test saw succeed with a populated reply:\n  " + "\n  ".join(unseen))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


SEEN = pytest.StashKey[set[tuple[str, ...]]]()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """Gather what an xdist worker saw."""
    output = getattr(node, "workeroutput", {})
    stash = node.config.stash  # type: ignore[attr-defined]
    seen = stash.setdefault(SEEN, set())
    seen.update(tuple(pair) for pair in json.loads(output.get("seen", "[]")))
