"""Worlds that are kept, brought back, forked, exported and imported, and what is carried along."""

from __future__ import annotations

import io
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from emulator.app import create_app
from emulator.kernel.database.schema import SCHEMA_VERSION
from emulator.kernel.tenants.tenants import handle_of
from tests.client import Client
from tests.issuing.holders import a_cardholder
from tests.issuing.purchases import AUTHORIZATIONS, a_spender, authorize, findings
from tests.receivers import PATIENCE_SECONDS, Reply, receiving

SNAPSHOTS, FORK, WORLD = "/_emulator/snapshots", "/_emulator/fork", "/_emulator/world"
EXPORT, IMPORT = "/_emulator/world/export", "/_emulator/world/import"
HOLDERS = "/v1/issuing/cardholders"
START = 1_927_000_000


def snapshot(client: Client, name: str = "before") -> dict[str, Any]:
    """The world as it is, kept."""
    return client.made(SNAPSHOTS, name=name)


def restore(client: Client, name: str = "before") -> dict[str, Any]:
    """The world as it was."""
    return client.made(f"{SNAPSHOTS}/{quote(name)}/restore")


def holders(client: Client) -> list[str]:
    """The ids of the cardholders."""
    return [holder["id"] for holder in client.read(HOLDERS)["data"]]


def told(client: Client) -> list[tuple[Any, ...]]:
    """The events, but for the ids of the requests that caused them, which are random."""
    return [(event["id"], event["created"], event["type"], event["data"]) for event in client.events()]


def other(client: Client, name: str = "other") -> Client:
    """A client with another key of this test's own."""
    return Client(client.app, f"{client.key}_{name}")


# Keeping and bringing back


def test_a_restored_world_is_what_it_was_to_the_next_id(platform: Client) -> None:
    platform.clock(set=START, frozen=True)
    a_cardholder(platform)
    kept = snapshot(platform)
    after = a_cardholder(platform)
    events = told(platform)

    back = restore(platform)

    assert (kept["name"], kept["objects"] > 0, kept["now"], kept["frozen"]) == ("before", True, START, True)
    assert (back["generation"], back["now"]) == (2, START)
    assert len(holders(platform)) == 1
    assert a_cardholder(platform) == after
    assert told(platform) == events
    assert findings(platform) == []


def test_a_snapshot_can_be_restored_again_and_again(platform: Client) -> None:
    snapshot(platform)

    for _ in range(3):
        a_cardholder(platform)
        restore(platform)

    assert holders(platform) == [] and platform.read(SNAPSHOTS)["data"][0]["name"] == "before"


def test_snapshots_are_listed_replaced_and_deleted(platform: Client) -> None:
    snapshot(platform, "the first")
    a_cardholder(platform)
    platform.made(SNAPSHOTS, name="second", about="with a cardholder")

    refused = platform.post(SNAPSHOTS, name="second")
    replaced = platform.made(SNAPSHOTS, name="the first", replace=True)

    assert (refused.status, refused.error["param"]) == (400, "name")
    assert {one["name"]: one["about"] for one in platform.read(SNAPSHOTS)["data"]} == {
        "second": "with a cardholder",
        "the first": None,
    }
    assert replaced["objects"] > 0 and replaced["size"] > 0
    assert platform.delete(f"{SNAPSHOTS}/the%20first").json == {
        "object": "emulator.snapshot",
        "deleted": True,
        "name": "the first",
    }
    assert [one["name"] for one in platform.read(SNAPSHOTS)["data"]] == ["second"]
    assert platform.delete(f"{SNAPSHOTS}/none").status == platform.post(f"{SNAPSHOTS}/none/restore").status == 404


@pytest.mark.parametrize("name", ["", "a/b", "x" * 101, "line\nbreak"])
def test_a_name_is_one_that_can_stand_in_a_path(platform: Client, name: str) -> None:
    assert platform.post(SNAPSHOTS, name=name).status == 400


def test_a_snapshot_is_no_world_and_of_its_own_key_alone(platform: Client) -> None:
    before = len(platform.read("/_emulator/worlds")["data"])
    a_cardholder(platform)
    snapshot(platform)

    assert len(platform.read("/_emulator/worlds")["data"]) in (before, before + 1)
    assert other(platform).read(SNAPSHOTS)["data"] == []


def test_a_deleted_world_is_brought_back_by_its_snapshot(platform: Client) -> None:
    holder = a_cardholder(platform)
    snapshot(platform)
    platform.delete(WORLD)

    assert [one["name"] for one in platform.read(SNAPSHOTS)["data"]] == ["before"]
    back = restore(platform)

    assert holders(platform) == [holder["id"]] and back["generation"] > 1
    platform.delete(WORLD, snapshots=True)
    assert platform.read(SNAPSHOTS)["data"] == []


# Time


def test_a_snapshot_is_the_way_back_in_time(platform: Client) -> None:
    now = platform.read("/_emulator/clock")["now"]
    snapshot(platform)
    platform.clock(advance=40 * 86_400)

    restore(platform)

    clock = platform.read("/_emulator/clock")
    assert now <= clock["now"] < now + 60 and clock["frozen"] is False


def test_what_would_have_fallen_due_falls_due_again(platform: Client) -> None:
    platform.clock(frozen=True)
    authorization = authorize(platform, a_spender(platform), 10_00)
    snapshot(platform)
    platform.clock(advance=8 * 86_400)
    restore(platform)

    assert platform.read(f"/v1/issuing/authorizations/{authorization['id']}")["status"] == "pending"
    assert len(platform.read("/_emulator/clock/due")["data"]) == 1


# What waits


def test_idempotency_keys_stand_for_what_they_stood_for(platform: Client) -> None:
    def holder(key: str) -> str:
        person = {"name": "Ada Example", "type": "individual", "individual": {"first_name": "A", "last_name": "B"}}
        billing = {
            "address": {
                "line1": "1 Main Street",
                "city": "Oakland",
                "state": "CA",
                "postal_code": "94601",
                "country": "US",
            }
        }
        return platform.post(HOLDERS, headers={"Idempotency-Key": key}, **person, billing=billing).json["id"]

    platform.clock(frozen=True)
    known = holder("known")
    snapshot(platform)
    later = holder("later")
    restore(platform)

    assert holder("known") == known
    assert holders(platform) == [known]  # that of the later key is not there, and its key is free again
    assert holder("later") == later and len(holders(platform)) == 2


def test_a_delivery_that_waited_waits_again_and_one_of_the_replaced_world_does_not(platform: Client) -> None:
    answers = iter([500, 500, 200, 200, 200, 200])
    with receiving(lambda arrived: Reply(next(answers))) as receiver:
        types = ["issuing_cardholder.created"]
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=types)
        platform.clock(frozen=True)
        first = a_cardholder(platform)
        platform.made("/_emulator/webhooks/drain")
        snapshot(platform)
        a_cardholder(platform)
        platform.made("/_emulator/webhooks/drain")

        restore(platform)
        platform.clock(advance=300)
        platform.made("/_emulator/webhooks/drain")

        assert len(receiver.arrived) == 3
        (delivery,) = platform.read("/_emulator/webhooks/deliveries")["data"]
        assert (delivery["about"], delivery["state"], delivery["attempts"]) == (first["id"], "delivered", 2)


def test_a_question_of_the_replaced_world_is_answered_with_a_refusal(platform: Client) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hold(arrived: Any) -> Reply:
        asked.set()
        go_on.wait(PATIENCE_SECONDS)
        return Reply(200)

    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    card = a_spender(platform)
    with receiving(hold) as receiver:
        types = ["issuing_authorization.request"]
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=types)
        snapshot(platform)
        came: list[Any] = []
        buyer = Client(platform.app, platform.key)
        thread = threading.Thread(
            target=lambda: came.append(buyer.post(AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd"))
        )
        thread.start()
        asked.wait(PATIENCE_SECONDS)

        restore(platform)
        go_on.set()
        thread.join(PATIENCE_SECONDS)

    assert came[0].status == 400 and "was reset while this request waited" in came[0].error["message"]
    assert platform.read("/v1/issuing/authorizations")["data"] == []


def test_a_question_that_was_open_is_concluded_as_one_without_an_answer(platform: Client) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hold(arrived: Any) -> Reply:
        asked.set()
        go_on.wait(PATIENCE_SECONDS)
        return Reply(500)

    card = a_spender(platform)
    with receiving(hold) as receiver:
        types = ["issuing_authorization.request"]
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=types)
        buyer = Client(platform.app, platform.key)
        thread = threading.Thread(
            target=lambda: buyer.post(
                AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd", headers={"Idempotency-Key": "open"}
            )
        )
        thread.start()
        asked.wait(PATIENCE_SECONDS)
        snapshot(platform)
        go_on.set()
        thread.join(PATIENCE_SECONDS)

    fork = other(platform)
    platform.made(FORK, key=fork.key)  # of the world as it is now, where it has been concluded
    restore(platform)
    limit = time.monotonic() + PATIENCE_SECONDS
    while platform.read("/v1/issuing/authorizations")["data"][0]["status"] == "pending" and time.monotonic() < limit:
        platform.app.emulator.tenants.tick()  # type: ignore[attr-defined]

    (authorization,) = platform.read("/v1/issuing/authorizations")["data"]
    assert authorization["request_history"][0]["reason"] in ("webhook_timeout", "webhook_error")
    again = platform.post(
        AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd", headers={"Idempotency-Key": "open"}
    )
    assert again.json["id"] == authorization["id"]
    assert len(fork.read("/v1/issuing/authorizations")["data"]) == 1


# Forks


def test_a_fork_is_another_world_from_then_on(platform: Client) -> None:
    holder = a_cardholder(platform)
    fork = other(platform)

    made = platform.made(FORK, key=fork.key)

    assert (made["name"], made["generation"]) == (fork.key.removeprefix("sk_test_"), 1)
    assert holders(fork) == [holder["id"]]
    for _ in range(2):
        a_cardholder(fork)
    assert (len(holders(platform)), len(holders(fork))) == (1, 3)
    assert findings(platform) == findings(fork) == []


def test_two_forks_go_on_alike(platform: Client) -> None:
    platform.clock(set=START, frozen=True)
    one, two = other(platform, "one"), other(platform, "two")
    for fork in (one, two):
        platform.made(FORK, key=fork.key)

    assert a_cardholder(one) == a_cardholder(two)
    assert told(one) == told(two)


def test_a_fork_takes_no_place_unless_it_is_told_to(platform: Client) -> None:
    fork = other(platform)
    a_cardholder(fork)

    refused = platform.post(FORK, key=fork.key)
    into_itself = platform.post(FORK, key=platform.key)
    replaced = platform.made(FORK, key=fork.key, replace=True)

    assert (refused.status, refused.error["param"]) == (into_itself.status, "key") == (400, "key")
    assert holders(fork) == [] and replaced["generation"] == 2
    assert platform.post(FORK, key="sk_live_123").status == 400


# Files


def test_a_world_goes_into_a_file_and_comes_out_of_it_under_another_key(platform: Client) -> None:
    platform.clock(set=START, frozen=True)
    holder = a_cardholder(platform)
    content = platform.get(EXPORT)
    platform.clock(advance=86_400)

    there = other(platform)
    taken = there.made(IMPORT, file=(content.body, "world.sqlite"))

    assert content.headers["Content-Type"] == "application/vnd.sqlite3"
    assert (taken["now"], taken["frozen"]) == (START, True)
    assert holders(there) == [holder["id"]] and findings(there) == []
    assert there.read(WORLD)["name"] == there.key.removeprefix("sk_test_")


def test_the_file_names_its_format_and_an_older_one_is_brought_up_to_date(platform: Client, tmp_path: Path) -> None:
    holder = a_cardholder(platform)
    file = tmp_path / "world.sqlite"
    file.write_bytes(platform.get(EXPORT).body)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")

    there = other(platform)
    there.made(IMPORT, file=(file.read_bytes(), "world.sqlite"))

    assert holders(there) == [holder["id"]]


def spoiled(content: bytes, tmp_path: Path, *statements: str) -> bytes:
    """A file after some statements."""
    file = tmp_path / "spoiled.sqlite"
    file.write_bytes(content)
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return file.read_bytes()


@pytest.mark.parametrize(
    "statements, says",
    [
        (("PRAGMA user_version = 9999",), "newer version"),
        (("DROP TABLE tenant",), "no world in it"),
        (("CREATE TABLE other (x)",), "a table other"),
        (("CREATE VIEW v AS SELECT 1",), "a view v"),
        (("CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END",), "a trigger t"),
    ],
)
def test_a_file_that_holds_no_world_of_ours_is_refused_and_changes_nothing(
    platform: Client, tmp_path: Path, statements: tuple[str, ...], says: str
) -> None:
    holder = a_cardholder(platform)
    content = spoiled(platform.get(EXPORT).body, tmp_path, *statements)

    refused = platform.post(IMPORT, file=(content, "world.sqlite"))

    assert (refused.status, refused.error["param"]) == (400, "file")
    assert says in refused.error["message"]
    assert holders(platform) == [holder["id"]]


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\0" * 200])
def test_what_is_no_database_is_refused(platform: Client, content: bytes) -> None:
    refused = platform.post(IMPORT, file=(content, "x"))

    assert refused.status == 400 and refused.error["param"] == "file"


def test_a_file_is_sent_as_a_part(platform: Client) -> None:
    assert platform.post(IMPORT, file="text").error["param"] == "file"


# Starting anew


def test_a_reset_leads_to_nothing_or_to_the_start(platform: Client) -> None:
    holder = a_cardholder(platform)
    nothing_kept = platform.post("/_emulator/reset", to="start")
    platform.made(SNAPSHOTS, name="start", about="one cardholder")
    a_cardholder(platform)

    first = platform.made("/_emulator/reset", to="start")
    at_start = holders(platform)
    about = platform.read(WORLD)["started_from"]
    second = platform.made("/_emulator/reset", to="empty")

    assert (nothing_kept.status, nothing_kept.error["param"]) == (400, "to")
    assert (at_start, about) == ([holder["id"]], "one cardholder")
    assert holders(platform) == [] and second["generation"] == first["generation"] + 1


def test_a_world_tells_how_much_is_in_it(platform: Client) -> None:
    a_cardholder(platform)

    told = platform.read(WORLD)

    assert told["counts"]["issuing.cardholder"] == 1 and told["started_from"] is None
    assert told["objects"] == sum(told["counts"].values())


# While others are served


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Flask]:
    """An application over a folder of its own."""
    application = create_app(tmp_path)
    application.emulator.tenants.origin = "http://localhost"  # type: ignore[attr-defined]
    yield application
    application.emulator.close()  # type: ignore[attr-defined]


def test_a_world_is_copied_and_replaced_while_it_is_written_to(alone: Flask) -> None:
    client = Client(alone, "sk_test_busy")
    a_cardholder(client)
    snapshot(client)
    statuses: list[int] = []
    stop = threading.Event()

    def write() -> None:
        writer = Client(alone, "sk_test_busy")
        while not stop.is_set():
            statuses.append(writer.post("/v1/topups", amount=1_00, currency="usd", description="x").status)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(10):
        snapshot(client, f"n{number}")
        restore(client, f"n{number}" if number % 2 else "before")
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert set(statuses) <= {200, 400} and 200 in statuses
    restore(client)
    assert len(holders(client)) == 1 and findings(client) == []


def test_a_world_that_nobody_can_read_is_brought_back_by_its_snapshot(alone: Flask, caplog: Any) -> None:
    client = Client(alone, "sk_test_hurt")
    holder = a_cardholder(client)
    snapshot(client)
    alone.emulator.tenants.open("hurt").close()  # type: ignore[attr-defined]
    alone.emulator.tenants.open_ones.clear()  # type: ignore[attr-defined]
    alone.emulator.tenants.database.opened.clear()  # type: ignore[attr-defined]
    database = alone.emulator.tenants.database  # type: ignore[attr-defined]
    file = database.file_of(handle_of("hurt"))
    for rest in (file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        rest.unlink(missing_ok=True)
    file.write_bytes(b"scrambled" * 1000)

    assert client.get(HOLDERS).status == 500
    restore(client)

    assert holders(client) == [holder["id"]]


def test_a_restart_keeps_snapshots(tmp_path: Path) -> None:
    first = create_app(tmp_path)
    a_cardholder(Client(first, "sk_test_kept"))
    snapshot(Client(first, "sk_test_kept"))
    first.emulator.close()  # type: ignore[attr-defined]

    second = create_app(tmp_path)
    client = Client(second, "sk_test_kept")
    a_cardholder(client)
    restore(client)

    assert len(holders(client)) == 1
    second.emulator.close()  # type: ignore[attr-defined]


def test_an_export_is_read_as_it_is_sent(platform: Client) -> None:
    assert sqlite3.connect(":memory:").deserialize(io.BytesIO(platform.get(EXPORT).body).read()) is None
