"""Worlds can be listed and deleted, whatever waits in them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.control import worlds
from emulator.kernel.database.doctor import examine
from emulator.kernel.tenants.tenants import handle_of
from tests.client import Client
from tests.issuing.purchases import AUTHORIZATIONS, a_spender
from tests.kernel.database.older_worlds import laid_out
from tests.receivers import PATIENCE_SECONDS, Reply, receiving

WORLD, WORLDS = "/_emulator/world", "/_emulator/worlds"
ENDPOINTS = "/v1/webhook_endpoints"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """An application over a folder of its own."""
    application = create_app(tmp_path)
    application.emulator.tenants.origin = "http://localhost"  # type: ignore[attr-defined]
    yield application
    application.emulator.close()  # type: ignore[attr-defined]


@pytest.fixture
def client(app: Flask) -> Client:
    """The platform of a world."""
    return Client(app, "sk_test_short")


def names(client: Client) -> set[str | None]:
    """What the worlds of the server are called, as far as they tell."""
    return {world["name"] for world in client.read(WORLDS)["data"]}


def tick(client: Client) -> None:
    """What the background does twice a second."""
    client.app.emulator.tenants.tick()  # type: ignore[attr-defined]


# Listing


def test_worlds_are_listed_with_their_size_and_age(client: Client) -> None:
    client.read("/v1/balance")
    began = int(time.time())
    Client(client.app, "sk_test_other").made("/_emulator/reset")

    listed = {world["name"]: world for world in client.read(WORLDS)["data"]}

    assert set(listed) == {"s…", "o…"}
    assert (listed["s…"]["generation"], listed["o…"]["generation"]) == (1, 2)
    assert all(100_000 < world["size"] < 1_000_000 for world in listed.values())
    assert all(abs(world[when] - began) < 60 for world in listed.values() for when in ("created", "changed"))


def test_asking_for_the_worlds_makes_none_and_opens_none(client: Client) -> None:
    assert names(client) == set()
    assert names(client) == set()

    client.read("/v1/balance")
    client.app.emulator.tenants.open("short").close()  # type: ignore[attr-defined]
    client.app.emulator.tenants.open_ones.clear()  # type: ignore[attr-defined]
    assert names(client) == {"s…"}
    assert list(client.app.emulator.tenants.open_ones) == []  # type: ignore[attr-defined]


def test_a_world_that_an_early_version_has_made_is_listed_as_it_is(client: Client, tmp_path: Path) -> None:
    file = laid_out(tmp_path)
    before = file.read_bytes()

    (world,) = client.read(WORLDS)["data"]

    assert (world["name"], world["created"], world["generation"]) == ("…", None, 1)
    assert file.read_bytes() == before


def asked(app: Flask, key: str, method: str, path: str, **form: object) -> None:
    reply = app.test_client().open(path, method=method, headers={"Authorization": f"Bearer {key}"}, data=form)
    assert reply.status_code == 200, reply.json


def test_a_world_is_told_with_its_size_age_and_objects(app, tmp_path):
    asked(app, "sk_test_first", "GET", "/v1/balance")
    empty = app.test_client().get(WORLDS).json["data"][0]
    for _ in range(3):
        asked(app, "sk_test_first", "POST", "/v1/topups", amount=1000, currency="usd")

    told = app.test_client().get(WORLDS).json

    (world,) = told["data"]
    (file,) = tmp_path.glob("*.sqlite")
    assert (told["object"], told["url"], told["has_more"]) == ("list", WORLDS, False)
    assert (world["object"], world["name"]) == ("emulator.world", "f…")
    assert world["objects"] > empty["objects"] + 3  # the top-ups, their balance transactions, their events
    assert world["created"] == empty["created"] <= world["changed"]
    assert world["size"] >= file.stat().st_size


def test_ages_are_real_ones_whatever_a_clock_shows(app):
    asked(app, "sk_test_later", "GET", "/v1/balance")
    before = app.test_client().get(WORLDS).json["data"][0]
    asked(app, "sk_test_later", "POST", "/_emulator/clock", advance=86_400 * 365)

    after = app.test_client().get(WORLDS).json["data"][0]

    assert after["created"] == before["created"]
    assert after["changed"] - before["changed"] < 3600


def test_those_changed_last_come_first_and_fifty_are_enough(app, tmp_path, monkeypatch):
    monkeypatch.setattr(worlds, "MOST_SHOWN", 2)
    for number, name in enumerate(("aaaa", "bbbb", "cccc")):
        asked(app, f"sk_test_{name}", "GET", "/v1/balance")
        for file in tmp_path.glob(f"{handle_of(name)}*"):
            os.utime(file, (number, number))

    told = app.test_client().get(WORLDS).json

    assert [world["name"] for world in told["data"]] == ["c…", "b…"]
    assert told["has_more"] is True


# Deleting


def test_a_deleted_world_is_gone_with_its_files_and_the_key_finds_a_new_one(client: Client, tmp_path: Path) -> None:
    made = client.made("/v1/topups", amount=100, currency="usd")["id"]
    other = Client(client.app, "sk_test_other").made("/v1/topups", amount=100, currency="usd")["id"]

    reply = client.delete(WORLD)

    assert (reply.status, reply.json) == (200, {"object": "emulator.world", "deleted": True, "name": "short"})
    assert names(client) == {"o…"}
    client.app.emulator.tenants.request_log.flush()  # type: ignore[attr-defined]
    assert len({file.name.partition(".")[0] for file in tmp_path.iterdir()} - {"server", "no-tenant"}) == 1
    assert client.get(f"/v1/topups/{made}").status == 404
    assert Client(client.app, "sk_test_other").read(f"/v1/topups/{other}")["id"] == other
    assert {world["name"]: world["generation"] for world in client.read(WORLDS)["data"]} == {"s…": 2, "o…": 1}


def test_a_world_that_nobody_has_made_can_be_deleted_and_is_not_made_for_it(client: Client) -> None:
    assert client.delete(WORLD).status == 200
    assert names(client) == set()


def test_what_was_on_its_way_when_the_world_was_deleted_is_forgotten(client: Client) -> None:
    release = threading.Event()

    def answer(arrived: Any) -> Reply:
        release.wait(PATIENCE_SECONDS)
        return Reply()

    with receiving(answer) as receiver:
        client.made(ENDPOINTS, url=receiver.url, enabled_events=["topup.created"])
        client.made("/v1/topups", amount=100, currency="usd")
        drained: list[Any] = []
        draining = threading.Thread(
            target=lambda: drained.append(Client(client.app, client.key).post("/_emulator/webhooks/drain"))
        )
        draining.start()
        receiver.wait_for(1)

        client.delete(WORLD)
        lanes = client.app.emulator.postman.lanes  # type: ignore[attr-defined]
        for lane in list(lanes.values()):
            lane.thread.join(PATIENCE_SECONDS)
        release.set()
        draining.join(PATIENCE_SECONDS)

        assert lanes == {}
        assert (drained[0].status, "deleted" in drained[0].error["message"]) == (400, True)
        assert client.read("/_emulator/webhooks/attempts")["data"] == []
        assert client.read(ENDPOINTS)["data"] == []


def test_nothing_is_carried_for_a_world_that_is_deleted_while_it_is_looked_at(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.made(ENDPOINTS, url="http://127.0.0.1:9/hook", enabled_events=["topup.created"])
    client.made("/v1/topups", amount=100, currency="usd")
    postman = client.app.emulator.postman  # type: ignore[attr-defined]
    tenant = client.app.emulator.tenants.open("short")  # type: ignore[attr-defined]
    guard, lanes = postman.guard, []

    class Late:
        def __enter__(self) -> None:
            monkeypatch.setattr(postman, "guard", guard)
            client.delete(WORLD)
            guard.acquire()

        def __exit__(self, *failure: object) -> None:
            guard.release()

    monkeypatch.setattr(postman, "guard", Late())
    monkeypatch.setattr("emulator.kernel.webhooks.postman.Lane", lambda *about: lanes.append(about))
    postman.visit(tenant)

    assert (postman.guard, lanes) == (guard, [])


def test_a_request_that_waits_for_an_answer_is_told_that_its_world_was_deleted(client: Client) -> None:
    other = Client(client.app, client.key)

    def answer(arrived: Any) -> Reply:
        other.delete(WORLD)
        return Reply(200, b'{"approved": true}')

    with receiving(answer) as receiver:
        client.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
        client.made(ENDPOINTS, url=receiver.url, enabled_events=["issuing_authorization.request"])
        card = a_spender(client)["id"]

        refusal = client.post(AUTHORIZATIONS, card=card, amount=10_00)

        assert (refusal.status, refusal.error["message"]) == (
            400,
            "The world was deleted while this request was on its way.",
        )
        assert client.read("/v1/issuing/authorizations")["data"] == []


def test_who_waits_for_an_event_of_a_deleted_world_waits_no_longer(client: Client) -> None:
    client.read("/v1/balance")
    told: list[Any] = []
    waiting = threading.Thread(
        target=lambda: told.append(Client(client.app, client.key).get("/_emulator/events/wait", timeout_ms=20_000))
    )
    waiting.start()
    bell = client.app.emulator.tenants.news  # type: ignore[attr-defined]
    until = time.monotonic() + PATIENCE_SECONDS
    while not bell.ears and time.monotonic() < until:
        time.sleep(0.01)

    client.delete(WORLD)
    waiting.join(PATIENCE_SECONDS)

    assert [(one.status, "deleted" in one.error["message"]) for one in told] == [(400, True)]


def test_who_still_has_a_deleted_world_cannot_write_into_the_next_one(client: Client) -> None:
    client.read("/v1/balance")
    tenant = client.app.emulator.tenants.open("short")  # type: ignore[attr-defined]
    client.delete(WORLD)
    client.read("/v1/balance")

    with pytest.raises(Exception, match=tenant.handle), tenant.writing() as step:
        step.session.run("DELETE FROM account")

    assert client.read("/v1/account")["object"] == "account"


def test_other_files_in_the_folder_are_nobodys_worlds(tmp_path: Path) -> None:
    (tmp_path / "notes.sqlite").write_bytes(b"of somebody else")
    (tmp_path / f"{'a' * 32}.txt").write_text("too")

    app = create_app(tmp_path)
    client = Client(app, "sk_test_short")
    tick(client)
    client.read("/v1/balance")

    assert names(client) == {"s…"}
    assert examine(tmp_path, CATALOG) == []
    app.emulator.close()  # type: ignore[attr-defined]
