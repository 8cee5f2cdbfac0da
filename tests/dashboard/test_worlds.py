"""Worlds: made empty and from fixtures, forked, kept and brought back, made anew, deleted; the key on request."""

from __future__ import annotations

import pytest

from tests.client import Client
from tests.dashboard.visitors import Visitor
from tests.issuing.holders import a_cardholder

WORLDS = "/dashboard/worlds"


@pytest.fixture
def name(platform):
    """What the world of the test is called."""
    return platform.key.removeprefix("sk_test_")


@pytest.fixture
def handle(app, name):
    """How forms name it."""
    return app.emulator.tenants.open(name).handle


def holders(client):
    """How many cardholders there are."""
    return len(client.read("/v1/issuing/cardholders")["data"])


def test_a_world_is_made_from_a_fixture_and_looked_at(app, visitor, name):
    visitor.get(WORLDS)

    visitor.post(WORLDS, name=f"{name}_new", fixture="demo")

    assert f"The world {name}_new is made. Its key is sk_test_{name}_new." in visitor.text
    assert "made from demo" in visitor.text
    made = Client(app, f"sk_test_{name}_new")
    assert len(made.read("/v1/accounts")["data"]) == 1
    visitor.get("/dashboard")
    assert "Rocket Bakery" in visitor.text


def test_a_world_is_made_empty(app, visitor, name):
    visitor.get(WORLDS)

    visitor.post(WORLDS, name=f"{name}_new", fixture="")

    assert Client(app, f"sk_test_{name}_new").events() == []


@pytest.mark.parametrize("wrong", ["", "two words", "sk-test", "<b>", "x" * 65])
def test_a_name_that_cannot_be_a_part_of_a_key_is_refused(visitor, wrong):
    visitor.get(WORLDS)

    visitor.post(WORLDS, name=wrong, back=WORLDS)

    assert "A name is made of letters, digits and underscores" in visitor.text


def test_a_name_that_has_a_world_and_a_fixture_that_is_none_are_refused(app, visitor, name):
    visitor.get(WORLDS)

    visitor.post(WORLDS, name=name, back=WORLDS)
    assert f"There is a world of the name {name} already." in visitor.text
    visitor.post(WORLDS, name=f"{name}_new", fixture="../demo", back=WORLDS)
    assert "There is no fixture called ../demo." in visitor.text
    assert not app.emulator.tenants.has(f"{name}_new")


def test_a_world_is_kept_and_brought_back(platform, visitor, handle):
    a_cardholder(platform)
    visitor.get(WORLDS)
    assert "No snapshot yet. One is the way back" in visitor.text

    visitor.post("/dashboard/worlds/snapshot", world=handle, name="before")
    assert "Snapshot “before” taken." in visitor.text
    a_cardholder(platform)

    visitor.post("/dashboard/worlds/restore", world=handle, snapshot="before")
    assert "Restored “before”." in visitor.text
    assert holders(platform) == 1

    visitor.post("/dashboard/worlds/forget", world=handle, snapshot="before")
    assert "Snapshot “before” deleted." in visitor.text
    assert platform.read("/_emulator/snapshots")["data"] == []


def test_a_snapshot_without_a_name_has_the_time_of_its_clock(platform, visitor, handle):
    platform.clock(frozen=True, set=2_051_254_800)
    visitor.get(WORLDS)

    visitor.post("/dashboard/worlds/snapshot", world=handle)

    assert [one["name"] for one in platform.read("/_emulator/snapshots")["data"]] == ["Mon 1 Jan 2035, 09:00:00"]


def test_a_snapshot_of_a_name_that_there_is_is_refused_and_stays(platform, visitor, handle):
    visitor.get(WORLDS)
    visitor.post("/dashboard/worlds/snapshot", world=handle, name="before")
    a_cardholder(platform)

    visitor.post("/dashboard/worlds/snapshot", world=handle, name="before", back=WORLDS)

    assert "There is a snapshot 'before' already." in visitor.text
    platform.made("/_emulator/snapshots/before/restore")
    assert holders(platform) == 0


def test_a_fork_is_as_the_world_was_and_goes_its_own_way(app, platform, visitor, name, handle):
    a_cardholder(platform)
    visitor.get(WORLDS)

    visitor.post("/dashboard/worlds/fork", world=handle, name=f"{name}_2")

    other = Client(app, f"sk_test_{name}_2")
    a_cardholder(other)
    assert (holders(platform), holders(other)) == (1, 2)
    assert f"Its key is sk_test_{name}_2." in visitor.text


def test_a_world_is_made_anew_as_it_started(app, visitor, name):
    visitor.get(WORLDS)
    visitor.post(WORLDS, name=f"{name}_new", fixture="funded_platform")
    made = Client(app, f"sk_test_{name}_new")
    before = len(made.events())
    a_cardholder(made)
    world = app.emulator.tenants.open(f"{name}_new").handle

    visitor.post("/dashboard/worlds/anew", world=world)

    assert "It is as it was when it was made." in visitor.text
    assert len(made.events()) == before


def test_a_world_that_nothing_was_kept_of_is_made_anew_empty(platform, visitor, handle):
    a_cardholder(platform)
    visitor.get(WORLDS)

    visitor.post("/dashboard/worlds/anew", world=handle)

    assert "It is empty, and its settings are the first ones." in visitor.text
    assert platform.events() == []


def test_a_world_is_deleted_and_can_be_kept_first(app, platform, visitor, name, handle):
    a_cardholder(platform)
    visitor.get(WORLDS)

    visitor.post("/dashboard/worlds/delete", world=handle, keep="snapshot")

    assert f"{name} is deleted." in visitor.text
    assert not app.emulator.tenants.has(name)
    platform.made("/_emulator/snapshots/before it was deleted/restore")
    assert holders(platform) == 1


def test_nobody_changes_a_world_whose_key_they_have_not_given(app, platform, visitor, handle):
    a_cardholder(platform)
    stranger = Visitor(app, f"{platform.key}_other")
    stranger.get(WORLDS)

    for action in ("snapshot", "anew", "delete", "fork", "open", "restore", "forget"):
        stranger.post(f"/dashboard/worlds/{action}", world=handle, name="x", snapshot="x", back=WORLDS)
        assert "There is no such world any more." in stranger.text

    assert holders(platform) == 1


def test_the_key_is_shown_on_request_with_the_lines_that_use_it(platform, visitor, handle):
    visitor.get(WORLDS)
    assert platform.key not in visitor.html

    visitor.get(f"{WORLDS}?key={handle}")

    assert f'"{platform.key}"' in visitor.text
    assert 'U = "http://127.0.0.1:12111"' in visitor.text
    assert f"curl http://127.0.0.1:12111/v1/balance \\ -u {platform.key}:" in visitor.text


def test_the_key_of_another_world_is_not_shown(app, platform, visitor):
    other = Client(app, f"{platform.key}_other")
    other.read("/v1/balance")
    handle = app.emulator.tenants.open(f"{platform.key}_other".removeprefix("sk_test_")).handle

    visitor.get(f"{WORLDS}?key={handle}")

    assert "sk_test_" not in visitor.text.replace("sk_test_ and this name", "").replace("with sk_test_", "")
