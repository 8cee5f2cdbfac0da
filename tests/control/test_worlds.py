"""The list of a server's worlds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask import Flask

from emulator.app import create_app
from emulator.control import worlds
from emulator.kernel.tenants.tenants import handle_of

WORLDS = "/_emulator/worlds"


@pytest.fixture
def fresh(tmp_path: Path) -> Flask:
    return create_app(tmp_path)


def asked(app: Flask, key: str, method: str, path: str, **form: object) -> None:
    reply = app.test_client().open(path, method=method, headers={"Authorization": f"Bearer {key}"}, data=form)
    assert reply.status_code == 200, reply.json


def test_a_world_is_told_with_its_size_age_and_objects(fresh, tmp_path):
    asked(fresh, "sk_test_first", "GET", "/v1/balance")
    empty = fresh.test_client().get(WORLDS).json["data"][0]
    for _ in range(3):
        asked(fresh, "sk_test_first", "POST", "/v1/topups", amount=1000, currency="usd")

    told = fresh.test_client().get(WORLDS).json

    (world,) = told["data"]
    (file,) = tmp_path.glob("*.sqlite")
    assert (told["object"], told["url"], told["has_more"]) == ("list", WORLDS, False)
    assert (world["object"], world["name"]) == ("emulator.world", "f…")
    assert world["objects"] > empty["objects"] + 3  # the top-ups, their balance transactions, their events
    assert world["created"] == empty["created"] <= world["changed"]
    assert world["size"] >= file.stat().st_size


def test_ages_are_real_ones_whatever_a_clock_shows(fresh):
    asked(fresh, "sk_test_later", "GET", "/v1/balance")
    before = fresh.test_client().get(WORLDS).json["data"][0]
    asked(fresh, "sk_test_later", "POST", "/_emulator/clock", advance=86_400 * 365)

    after = fresh.test_client().get(WORLDS).json["data"][0]

    assert after["created"] == before["created"]
    assert after["changed"] - before["changed"] < 3600


def test_those_changed_last_come_first_and_fifty_are_enough(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(worlds, "MOST_SHOWN", 2)
    for number, name in enumerate(("aaaa", "bbbb", "cccc")):
        asked(fresh, f"sk_test_{name}", "GET", "/v1/balance")
        for file in tmp_path.glob(f"{handle_of(name)}*"):
            os.utime(file, (number, number))

    told = fresh.test_client().get(WORLDS).json

    assert [world["name"] for world in told["data"]] == ["c…", "b…"]
    assert told["has_more"] is True


def test_a_file_that_cannot_be_read_hides_no_other_world(fresh, tmp_path):
    asked(fresh, "sk_test_whole", "GET", "/v1/balance")
    (tmp_path / "0123.sqlite").write_bytes(b"this is no database, and long enough to look like one" * 100)
    (tmp_path / "4567.sqlite").touch()

    assert [world["name"] for world in fresh.test_client().get(WORLDS).json["data"]] == ["w…"]


@pytest.mark.parametrize(
    "name, shown", [("d", "…"), ("abc", "…"), ("demo", "d…"), ("ci_1234_5678", "ci_…"), ("x" * 300, "xxxx…")]
)
def test_of_a_name_a_quarter_is_shown_at_most(name, shown):
    assert worlds.masked_name(name) == shown
