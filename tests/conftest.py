"""Fixtures of all tests: an application over a fresh folder, and clients whose replies are checked.

With `--whole-suite` a run fails for every built operation that it never saw succeed with a populated reply. With
`--database postgres` worlds are kept in databases of a PostgreSQL server instead of in folders, and with `--processes
3` three servers behind a small proxy answer, in turn, what the application of the session is asked; every server that a
test starts is three processes too. With `--seconds 5` so much time passes before each request that the client of a test
makes, as on a machine that has much else to do: no test may depend on two requests being made within one second.
"""

from __future__ import annotations

import inspect
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import settings

from bench.postgres import PostgresServer
from emulator.app import create_app
from emulator.catalog import CATALOG
from tests.about_files import ABOUT_FILES
from tests.about_one_process import ABOUT_ONE_PROCESS
from tests.client import RECORDER, Client
from tests.contract.exceptions import UNSEEN
from tests.contract.operations import unnamed
from tests.databases import InPlaceOfFolders, in_place_of_folders, postgres_server
from tests.elsewhere import answered_by
from tests.slow_machine import seconds_before_each_request

NUMBERS = itertools.count(1)
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole-suite", action="store_true", help="every built operation must have been seen to succeed")
    parser.addoption("--database", choices=("sqlite", "postgres"), default="sqlite", help="where worlds are kept")
    parser.addoption("--seconds", type=int, default=0, help="how much time passes before each request of a test")
    parser.addoption("--processes", type=int, default=0, help="how many servers answer, with --database postgres")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes begins first; what has nothing to show as it is run is skipped, each with its reason."""
    items.sort(key=lambda item: item.get_closest_marker("minutes") is None)
    reasons = ABOUT_FILES if config.getoption("--database") == "postgres" else {}
    if config.getoption("--processes"):
        reasons = {**reasons, **ABOUT_ONE_PROCESS}
    for item in items:
        for beginning, reason in reasons.items():
            if item.nodeid.startswith(beginning):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def slow_machine(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `--seconds`: a clock that goes on with each request of a test."""
    seconds = request.config.getoption("--seconds")
    with seconds_before_each_request(seconds) if seconds else nullcontext():
        yield


@pytest.fixture(scope="session", autouse=True)
def stand_ins(request: pytest.FixtureRequest) -> Iterator[InPlaceOfFolders | None]:
    """With `--database postgres`: databases in place of folders."""
    if request.config.getoption("--database") == "sqlite":
        yield None
        return
    processes = request.config.getoption("--processes")
    with in_place_of_folders(request.getfixturevalue("postgres"), processes) as places:
        yield places


@pytest.fixture(scope="session")
def place_of_worlds(stand_ins: InPlaceOfFolders | None) -> Callable[[Path], Path | str]:
    """Where the worlds are that a test keeps in a folder: the folder itself, or the database in its place."""
    return stand_ins.url_of if stand_ins is not None else lambda folder: folder


@pytest.fixture(autouse=True)
def forgotten(request: pytest.FixtureRequest, stand_ins: InPlaceOfFolders | None) -> Iterator[None]:
    """What a test kept in databases in place of its own folders is gone after it."""
    folder = request.getfixturevalue("tmp_path") if stand_ins and "tmp_path" in request.fixturenames else None
    yield
    if stand_ins is not None and folder is not None:
        stand_ins.forget_within(folder)


@pytest.fixture(scope="session")
def app(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    place_of_worlds: Callable[[Path], Path | str],
) -> Iterator[Flask]:
    """One application for the session; tests keep apart by their keys."""
    folder = tmp_path_factory.mktemp("data")
    application = create_app(folder)
    application.emulator.tenants.origin = "http://localhost"  # type: ignore[attr-defined]  # where clients reach it
    processes = request.config.getoption("--processes")
    with answered_by(application, place_of_worlds(folder), processes) if processes else nullcontext():
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
    with postgres_server(max_connections="300") as server:
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
