"""The pytest plugin: a server for the session, a fresh world for each test, and its story where a test fails.

    stripe_emulator    the address of a server: one of the session's own, or that of STRIPE_EMULATOR_URL
    stripe_world       a world that no other test uses, deleted afterwards (emulator.testing.World)

With pytest-xdist each worker has a server of its own. Keys are the same in every run, unless others may be there: on a
server that was given, and in a database.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator.testing.world import World

FIXTURE_OPTION = "stripe_emulator_fixture"
SERVER_OPTION = "stripe_emulator_options"
WORLD = pytest.StashKey[Any]()
SHOWN = 15


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of an ini file."""
    parser.addini(FIXTURE_OPTION, "the world that each test starts from: a name or a file of fixtures", default="")
    parser.addini(SERVER_OPTION, "options of `stripe-emulator serve` for the session's server", type="args", default=[])


@pytest.fixture(scope="session")
def stripe_emulator(pytestconfig: pytest.Config) -> Iterator[str]:
    """The address of an emulator: that of STRIPE_EMULATOR_URL, or one that runs as long as the session."""
    from emulator.testing.running import running

    given = os.environ.get("STRIPE_EMULATOR_URL")
    if given:
        yield given.rstrip("/")
        return
    with running(*pytestconfig.getini(SERVER_OPTION)) as url:
        yield url


def pytest_configure(config: pytest.Config) -> None:
    """The mark of tests that start from a world of their own choice."""
    config.addinivalue_line("markers", f"{FIXTURE_OPTION}(name): the world that the test starts from")


@pytest.fixture(scope="session")
def stripe_emulator_worlds(stripe_emulator: str) -> Iterator[dict[str, World]]:
    """The worlds that tests start from, by their names, each built when the first test asks for it."""
    worlds: dict[str, World] = {}
    yield worlds
    for world in worlds.values():
        world.delete()
        world.close()


@pytest.fixture
def stripe_world(
    stripe_emulator: str, stripe_emulator_worlds: dict[str, World], request: pytest.FixtureRequest
) -> Iterator[World]:
    """A fresh world, deleted after the test: an empty one, or a fork of the one that the project or a mark names."""
    from emulator.testing.world import World

    mark = request.node.get_closest_marker(FIXTURE_OPTION)
    start = mark.args[0] if mark is not None else request.config.getini(FIXTURE_OPTION)
    is_shared = is_shared_by(request.config)
    world = World(stripe_emulator, key_of(request.node.nodeid, is_shared=is_shared))
    if start:
        if start not in stripe_emulator_worlds:
            stripe_emulator_worlds[start] = World(stripe_emulator, key_of(start, is_shared=is_shared))
            stripe_emulator_worlds[start].seed(start)
        stripe_emulator_worlds[start].fork(world.api_key)
    request.node.stash[WORLD] = world
    try:
        yield world
    finally:
        world.delete()
        world.close()


def is_shared_by(config: pytest.Config) -> bool:
    """Whether others may use the worlds of the session's server: it was there before, or keeps them in a database."""
    options = {option.partition("=")[0] for option in config.getini(SERVER_OPTION)}
    return bool(os.environ.get("STRIPE_EMULATOR_URL")) or "--database" in options


def key_of(test: str, *, is_shared: bool) -> str:
    """A key for a test: the same in every run, so that ids are; where others may be, of this run alone."""
    digest = hashlib.sha256(test.encode()).hexdigest()[:8]
    name = re.sub(r"[^A-Za-z0-9]+", "_", test.rpartition("::")[2])[:40].strip("_")
    run = uuid.uuid4().hex[:8] if is_shared else ""
    return f"sk_test_{name}_{digest}{run}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show what the world of a failing test was asked last, and why purchases were refused."""
    report = yield
    world = item.stash.get(WORLD, None)
    if report.when == "call" and report.failed and world is not None:
        report.sections.append(("stripe-emulator", "\n".join(story(world))))
    return report


def story(world: World) -> Iterator[str]:
    """The last requests, oldest first, with what was said to those that were refused; then the purchases declined."""
    import httpx

    from emulator.testing.control import Refused

    try:
        for one in world.requests(limit=SHOWN):
            if not one["path"].startswith("/_emulator/"):
                error = one["error"] or {}
                yield f"{one['method']} {one['path']} {one['status']}" + (f": {error['message']}" if error else "")
        for event in world.events("issuing_authorization.created"):
            if not event.data.object["approved"]:
                yield f"{event.data.object['id']} {world.why(event.data.object['id'])}"
    except (httpx.HTTPError, Refused) as failure:
        yield f"The world cannot be asked any more: {failure}"
