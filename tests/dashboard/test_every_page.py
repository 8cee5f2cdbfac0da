"""Every page of the demo world: it is there, small, and can be read by whoever cannot see it as others do."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from emulator.first_steps import DEMO_KEY
from tests import packages
from tests.browsers import Tab
from tests.dashboard.addresses import ADDRESSES, address
from tests.dashboard.conftest import Demo
from tests.dashboard.people import Person
from tests.dashboard.visitors import Visitor

MOST_BYTES = 30_000
AXE = "4.14.1"
# An impact that keeps somebody from using a page.
SERIOUS = ("critical", "serious")
SEEN_AS = [("wide", "light"), ("narrow", "dark")]  # colours are the same at any width
NOT_FOUND = "Failed to load resource: the server responded with a status of 404"


@pytest.fixture(scope="module")
def visitor(told: Demo) -> Visitor:
    return Visitor(told.app, DEMO_KEY)


@pytest.fixture
def ids(told: Demo) -> dict[str, str]:
    return {name: made["id"] for name, made in told.made.items()}


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_is_there_small_and_complete(visitor: Visitor, ids: dict[str, str], name: str) -> None:
    reply = visitor.get(address(name, ids))

    assert reply.status_code == (404 if name == "not found" else 200), visitor.text
    assert len(reply.get_data()) <= MOST_BYTES
    html = visitor.html
    assert html.count("<h1>") == 1 and "</html>" in html
    assert [id for id, count in Counter(re.findall(r'\sid="([^"]+)"', html)).items() if count > 1] == []
    named = re.findall(r'aria-labelledby="([^"]+)"', html)
    assert [id for id in named if f'id="{id}"' not in html] == []
    assert not re.search(r"<script(?! src=\"/dashboard/static/)|<style|\sstyle=|\son\w+=|javascript:", html)
    assert "None" not in visitor.text.replace("None of", "") and "Undefined" not in html


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, which knows what hinders people on a page."""
    try:
        folder = packages.from_npm("axe-core", AXE)
    except packages.Unreachable as why:
        pytest.skip(str(why))
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.npm
@pytest.mark.parametrize("width, theme", SEEN_AS)
def test_nothing_serious_hinders_anybody_on_any_page(
    tab: Tab, told: Demo, ids: dict[str, str], axe: str, width: str, theme: str, tmp_path: Path
) -> None:
    """Pictures of the pages are kept in the folder that DASHBOARD_PICTURES names, else with the test."""
    pictures = Path(os.environ.get("DASHBOARD_PICTURES") or tmp_path / "pictures")
    person = Person(tab, width, theme)
    person.open(told.link)
    found = []
    for name in sorted(ADDRESSES, key=lambda name: name == "sign in"):
        person.open(told.url + address(name, ids))
        tab.run(axe)
        result = tab.run("axe.run(document, {resultTypes: ['violations']})")
        found += [
            f"{name}: {one['id']}: {one['help']}: {node['html'][:160]}"
            for one in result["violations"]
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]
        wider = tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found += [f"{name} is {wider} px wider than the screen"] if wider > 0 else []
        person.sees(pictures, f"{name.replace(', ', '-').replace(' ', '-')}-{width}-{theme}")

    assert found == []
    assert [one for one in person.complaints(told.host) if not one.startswith(NOT_FOUND)] == []
