"""The control API's client: what falls due, what happened, worlds as files, and requests as tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from emulator.testing import InProcess, Refused, World


@pytest.fixture(scope="module")
def emulator() -> Iterator[InProcess]:
    with InProcess() as emulator:
        yield emulator


@pytest.fixture
def world(emulator: InProcess, key: str) -> Iterator[World]:
    world = emulator.world(key)
    yield world
    world.close()


def test_the_clock_steps_to_what_falls_due_next(world):
    world.clock.freeze()
    held = world.purchase(world.card(), 20_00)
    (first, *_) = world.due(about=held.id)

    story = world.clock.step()

    assert story["now"] == first["due_at"] and first["why"]
    assert world.clock.now.timestamp() == first["due_at"]
    assert world.client().v1.issuing.authorizations.retrieve(held.id).status == "expired"


def test_a_step_is_refused_where_nothing_falls_due(world):
    with pytest.raises(Refused, match="Nothing falls due"):
        world.clock.step()


def test_the_clock_runs_until_a_time_or_until_nothing_falls_due(world):
    world.clock.freeze()
    card = world.card()
    world.purchase(card, 20_00)
    before = world.clock.now

    early = world.clock.run(until=int(before.timestamp()) + 60)
    passed = world.clock.now
    late = world.clock.run()

    assert (early, (passed - before).total_seconds()) == ([], 60)
    assert [(one["action"], one["count"]) for one in late] == [("issuing.authorizations.expire", 1)]
    assert world.due() == []


def test_what_falls_due_is_asked_for_by_a_time_and_an_object(world):
    held = world.purchase(world.card(), 20_00)
    (one,) = world.due(about=held.id)

    assert world.due(until=one["due_at"] - 1) == []
    assert world.due(until=datetime.fromtimestamp(one["due_at"], UTC), about=held.id) == [one]
    assert world.due(about="iauth_nope") == []


def test_the_clock_understands_spans(world):
    world.clock.freeze()
    before = world.clock.now

    assert (world.clock.advance("1d12h") - before).total_seconds() == 36 * 3600
    with pytest.raises(Refused, match="Invalid integer: soon"):
        world.clock.advance("soon")


def test_an_object_is_explained(world):
    world.settings(real_time_timeout_ms=20_000)
    received = world.webhook(lambda event: None)
    held = world.purchase(world.card(), 20_00)
    world.drain()

    story = world.explain(held.id)

    assert story["id"] == held.id and story["now"]["status"] == "pending"
    told = [event["type"] for chapter in story["story"] for event in chapter["events"]]
    assert told == ["issuing_authorization.request", "issuing_authorization.created"]
    assert "issuing_authorization.created" in received.types


def test_changes_are_told_since_a_snapshot_between_two_and_since_a_request(world):
    client = world.client()
    kept = client.v1.customers.create({"name": "Ada"})
    before = world.snapshot("before")
    renamed = client.v1.customers.update(kept.id, {"name": "Grace"})
    after = world.snapshot("after")
    more = client.v1.customers.create({"name": "Alan"})

    until_now, between = world.changes(before), world.changes("before", after)
    since_request = world.changes(since_request=renamed.last_response.request_id)

    assert [one["id"] for one in until_now["created"]] == [more.id] and between["created"] == []
    (changed,) = between["changed"]
    assert changed["id"] == kept.id
    assert {"member": "name", "from": "Ada", "to": "Grace"} in changed["changed"]
    assert [one["id"] for one in since_request["created"]] == [more.id]
    with pytest.raises(Refused):
        world.changes("never")


def test_a_world_is_carried_about_as_a_file(world, emulator, tmp_path):
    made = world.client().v1.customers.create({"name": "Ada"})
    file = tmp_path / "world.sqlite"
    content = world.export(file)

    others = [emulator.world(f"{world.api_key}{name}") for name in ("bytes", "file")]
    for other, what in zip(others, (content, str(file)), strict=True):
        other.import_(what)

    assert file.read_bytes() == content
    assert [other.client().v1.customers.retrieve(made.id).name for other in others] == ["Ada", "Ada"]
    with pytest.raises(Refused):
        world.import_(b"no world")
    for other in others:
        other.close()


def test_deliveries_are_listed(world):
    world.webhook(lambda event: None, events=["customer.created"])
    made = [world.client().v1.customers.create({"name": name}) for name in ("Ada", "Grace")]
    world.drain()

    assert [one["about"] for one in world.deliveries(type="customer.*")] == [made[1].id, made[0].id]
    assert [one["state"] for one in world.deliveries(about=made[0].id)] == ["delivered"]
    assert world.deliveries(state="given_up") == []


def test_requests_are_recorded_and_metered(world):
    world.settings(record_requests=True)
    first = world.client().v1.customers.create({"name": "Ada"}).last_response.request_id
    last = world.client().v1.customers.create({"name": "Grace"}).last_response.request_id

    assert 'name="Ada"' in world.recording() and 'name="Grace"' in world.recording()
    assert "name=Grace" not in world.recording("curl", until=first)
    assert "Ada" not in world.recording("fixtures", since=last)
    assert world.meter()["requests"] == 2 and world.meter(since=last)["seconds_in_a_sandbox"] == 0.04
    with pytest.raises(Refused):
        world.recording(since="req_nope")
