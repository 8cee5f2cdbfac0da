"""docs/architecture.md and the kernel's README say what is so: files, names, layers, and the road of a request."""

from __future__ import annotations

import importlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import emulator
from tests.client import Client
from tests.issuing.purchases import a_spender, authorize
from tests.receivers import receiving
from tools import layers

TOP = Path(emulator.__file__).parent.parent
PAGE = TOP / "docs" / "architecture.md"
KERNEL = TOP / "emulator" / "kernel"
NAMED = re.compile(r"`(emulator/[\w/]+\.py)`")
# Named on the way and not passed here: before the application, and where a client is asked who is not asked here.
NOT_PASSED = {
    "emulator/app.py",
    "emulator/catalog.py",
    "emulator/kernel/webhooks/asker.py",
    "emulator/kernel/wire/connection.py",
    "emulator/kernel/wire/front.py",
    "emulator/server.py",
}

LOCKS = {
    "lane": "a subscriber's lane",
    "line": "the line of `stripe listen`",
    "look": "the look that does what is due",
    "question": "a question",
    "replacing": "a world that takes another's place",
    "request": "a keyed request that is running",
}


@contextmanager
def entered(set_profile: Callable[[Any], None]) -> Iterator[set[str]]:
    """Which files of ours are entered meanwhile: by this thread, or by those that begin, as the profile is set."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(str(TOP / "emulator")):
            files.add(str(Path(file).relative_to(TOP)))

    set_profile(note)
    try:
        yield files
    finally:
        set_profile(None)


def test_the_page_names_every_file_that_one_authorization_passes(platform: Client) -> None:
    with receiving() as receiver:
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_authorization.created"])
        card = a_spender(platform)
        authorize(platform, card, 1_00)  # the tables of a world appear with the first of their kind
        platform.made("/_emulator/webhooks/drain")

        with entered(sys.setprofile) as until_the_reply:
            authorize(platform, card, 5_00)
        with entered(threading.setprofile) as afterwards:  # what is delivered is carried by threads that begin now
            platform.made("/_emulator/webhooks/drain")

    named = set(NAMED.findall(PAGE.read_text()))
    assert until_the_reply | afterwards == named - NOT_PASSED
    assert "some sixty files" in PAGE.read_text() and 55 <= len(until_the_reply) < 65
    assert "fewer than ten more" in PAGE.read_text() and len(afterwards - until_the_reply) < 10


def test_every_file_that_is_named_is_there() -> None:
    assert [file for file in NAMED.findall(PAGE.read_text()) if not (TOP / file).is_file()] == []
    rooms = re.findall(r"`(\w+/\w+\.py|\w+\.py)`", (KERNEL / "README.md").read_text())
    assert len(rooms) > 10
    assert [file for file in rooms if not (KERNEL / file).is_file() and not (TOP / file).is_file()] == []


def test_the_page_names_every_file_of_the_package_on_postgresql_and_every_kind_of_lock_that_is_taken() -> None:
    page = PAGE.read_text()
    there = {file.name for file in (KERNEL / "database" / "postgres").glob("*.py")} - {"__init__.py"}
    taken = re.compile(r"database\.lock\(f?\"([a-z]+) ")
    kinds = {kind for file in (TOP / "emulator").rglob("*.py") for kind in taken.findall(file.read_text())}

    assert set(re.findall(r"`postgres/(\w+\.py)`", page)) == there
    assert set(LOCKS) == kinds
    assert [words for words in LOCKS.values() if words not in " ".join(page.split())] == []


def test_the_layers_on_the_page_are_those_of_the_code() -> None:
    assert PAGE.read_text() == layers.with_layers(PAGE.read_text())


def test_the_kernels_readme_lists_all_that_stands_directly_in_it_and_names_of_it_that_are_there() -> None:
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|", (KERNEL / "README.md").read_text(), re.MULTILINE)
    listed = {module: words(names) for modules, names in rows for module in words(modules) if module.isidentifier()}
    modules = {file.stem for file in KERNEL.glob("*.py")} - {"__init__"}

    assert set(listed) == modules
    for modules_of_row, names in rows:
        there = [importlib.import_module(f"emulator.kernel.{one}") for one in words(modules_of_row) if one in modules]
        assert [name for name in words(names) if not any(hasattr(one, name) for one in there)] == [] or not there


def words(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)
