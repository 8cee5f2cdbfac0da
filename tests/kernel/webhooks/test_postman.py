"""Deliveries: in order, on the tenant's clock, once, and in nobody's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from emulator.app import create_app
from emulator.kernel.deliveries import RETRY_AFTER_SECONDS
from emulator.kernel.tenants import Tenant
from emulator.kernel.webhooks import postman
from tests.client import Client
from tests.examining import examine_tenant
from tests.receivers import PATIENCE_SECONDS, Receiver, Reply, receiving

ENDPOINTS = "/v1/webhook_endpoints"
HOUR = 60 * 60


def tenant_of(client: Client) -> Tenant:
    """The tenant behind a client."""
    return client.app.emulator.tenants.open(client.key.split("_", 2)[2])  # type: ignore[attr-defined]


def endpoint(client: Client, url: str, *types: str, **more: Any) -> dict[str, Any]:
    """An endpoint for these types, or for all."""
    return client.made(ENDPOINTS, url=url, enabled_events=list(types) or ["*"], **more)


def happen(client: Client, times: int = 1) -> list[str]:
    """Cause so many events; what they are about, in order."""
    return [client.made("/v1/topups", amount=100, currency="usd", description=f"n{n}")["id"] for n in range(times)]


def created(client: Client) -> dict[str, Any]:
    """The first event that a top-up was created."""
    return client.events(type="topup.created")[0]


def abouts(receiver: Receiver) -> list[str]:
    """What the events that arrived are about, in order."""
    return [event["data"]["object"]["id"] for event in receiver.events if event["type"] == "topup.created"]


def drained(client: Client, **more: Any) -> dict[str, Any]:
    """Drain, and how it went."""
    return client.made("/_emulator/webhooks/drain", **more)


def attempts(client: Client, **filters: Any) -> list[dict[str, Any]]:
    """Every attempt, in order."""
    return client.read("/_emulator/webhooks/attempts", **filters)["data"]


def rows(client: Client, table: str) -> int:
    """How many rows a table has."""
    with tenant_of(client).stored.reading() as session:
        return session.one(f"SELECT count(*) FROM {table}")[0]


@contextmanager
def running(directory: Path, *, on_duty: bool = False) -> Iterator[Flask]:
    """An application over a folder, with its background work going on or not."""
    app = create_app(directory)
    if on_duty:
        app.emulator.background.start()  # type: ignore[attr-defined]
    try:
        yield app
    finally:
        app.emulator.close()  # type: ignore[attr-defined]


# What is written


def test_without_endpoints_an_event_costs_no_further_row(platform):
    happen(platform, 3)

    assert (rows(platform, "delivery"), rows(platform, "attempt")) == (0, 0)


def test_a_delivery_is_written_in_the_step_of_its_event_or_not_at_all(platform):
    endpoint(platform, "http://127.0.0.1:9/hook")

    refusal = platform.post("/v1/topups", amount=1, currency="usd", headers={"Idempotency-Key": "k"}, source="src_none")
    happen(platform)

    assert refusal.status == 400
    assert rows(platform, "delivery") == rows(platform, "event")


def test_nothing_leaves_before_somebody_carries_it(platform):
    with receiving() as receiver:
        endpoint(platform, receiver.url)

        happen(platform)

        assert receiver.arrived == []
        assert created(platform)["pending_webhooks"] == 1


# Order


def test_first_attempts_arrive_in_the_order_of_events(platform):
    with receiving() as receiver:
        endpoint(platform, receiver.url, "topup.created")

        expected = happen(platform, 60)
        drained(platform)

        assert abouts(receiver) == expected


def test_a_failed_event_does_not_hold_later_ones_back(platform):
    with receiving() as receiver:
        endpoint(platform, receiver.url, "topup.created")
        first, *rest = happen(platform, 4)
        receiver.answer = lambda arrived: Reply(500 if first in arrived.body.decode() else 200)

        drained(platform)
        platform.clock(advance=RETRY_AFTER_SECONDS[0])
        drained(platform)

        assert abouts(receiver) == [first, *rest, first]


def test_a_slow_receiver_is_not_waited_for_longer_than_patience_lasts(platform, monkeypatch):
    monkeypatch.setattr(postman, "PATIENCE_SECONDS", 0.2)

    def answer(arrived: object) -> Reply:
        receiver.wait_for(3)
        return Reply()

    with receiving(answer) as receiver:
        endpoint(platform, receiver.url, "topup.created")

        expected = happen(platform, 3)
        drained(platform)
        told = attempts(platform)

        assert abouts(receiver) == expected
        assert [one["status"] for one in told] == [200] * 3
        assert told[2]["began_at_ms"] < told[0]["began_at_ms"] + told[0]["duration_ms"]


# Retries


def test_what_fails_is_tried_again_on_the_tenants_clock_and_then_given_up(platform):
    platform.clock(frozen=True)
    with receiving(lambda arrived: Reply(503)) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)
        began = platform.read("/_emulator/clock")["now"]

        arrived = []
        for wait in (0, *RETRY_AFTER_SECONDS, 24 * HOUR):
            drained(platform)
            platform.clock(set=began + wait - 1) if wait else None
            drained(platform)
            before_its_time = len(receiver.arrived)
            platform.clock(set=began + wait)
            drained(platform)
            arrived.append((before_its_time, len(receiver.arrived)))

        assert arrived == [(1, 1), (1, 2), (2, 3), (3, 4), (4, 4)]
        event = created(platform)
        assert event["pending_webhooks"] == 1
        state = platform.read("/_emulator/webhooks/deliveries", event=event["id"])["data"]
        assert [(one["state"], one["attempts"]) for one in state] == [("given_up", 4)]
        assert [one["number"] for one in attempts(platform)] == [1, 2, 3, 4]


def test_a_clock_that_jumps_far_fires_every_attempt_that_fell_due(platform):
    with receiving(lambda arrived: Reply(500)) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)

        platform.clock(advance=48 * HOUR)
        result = drained(platform)

        assert (len(receiver.arrived), result["waiting"]) == (4, 0)
        assert [one["status"] for one in attempts(platform)] == [500] * 4


def test_a_retry_that_succeeds_ends_it(platform):
    with receiving(lambda arrived: Reply(500)) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)
        failed = drained(platform)

        receiver.answer = lambda arrived: Reply(204, b"")
        platform.clock(advance=48 * HOUR)
        result = drained(platform)

        assert (failed["failed"], failed["waiting"], result["succeeded"], result["waiting"]) == (1, 1, 1, 0)
        assert failed["next_attempt_at"] == created(platform)["created"] + RETRY_AFTER_SECONDS[0]
        assert created(platform)["pending_webhooks"] == 0


def test_every_attempt_is_signed_anew_and_counts_who_is_still_pending(platform):
    with receiving(lambda arrived: Reply(500)) as failing, receiving() as willing:
        endpoint(platform, failing.url, "topup.created")
        endpoint(platform, willing.url, "topup.created")
        happen(platform)

        drained(platform)
        platform.clock(advance=RETRY_AFTER_SECONDS[0])
        drained(platform)

        first, second = failing.events
        assert (first["pending_webhooks"] in (1, 2), second["pending_webhooks"]) == (True, 1)
        assert {**first, "pending_webhooks": 1} == second


def test_with_retries_switched_off_there_is_one_attempt(platform):
    platform.settings(webhook_retries=False)
    with receiving(lambda arrived: Reply(500)) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)

        result = drained(platform)

        assert (len(receiver.arrived), result["waiting"]) == (1, 0)


def test_no_retry_goes_to_an_endpoint_that_is_disabled_when_it_falls_due(platform):
    with receiving(lambda arrived: Reply(500)) as receiver:
        made = endpoint(platform, receiver.url, "topup.created")
        happen(platform)
        drained(platform)

        platform.made(f"{ENDPOINTS}/{made['id']}", disabled=True)
        platform.clock(advance=RETRY_AFTER_SECONDS[0])
        result = drained(platform)
        platform.made(f"{ENDPOINTS}/{made['id']}", disabled=False)
        platform.clock(advance=48 * HOUR)
        drained(platform)

        assert (len(receiver.arrived), result["waiting"]) == (1, 0)


def test_an_endpoint_that_is_enabled_again_before_the_retry_gets_it(platform):
    with receiving(lambda arrived: Reply(500)) as receiver:
        made = endpoint(platform, receiver.url, "topup.created")
        happen(platform)
        drained(platform)

        platform.made(f"{ENDPOINTS}/{made['id']}", disabled=True)
        platform.made(f"{ENDPOINTS}/{made['id']}", disabled=False)
        platform.clock(advance=RETRY_AFTER_SECONDS[0])
        drained(platform)

        assert len(receiver.arrived) == 2


def test_a_deleted_endpoint_gets_nothing_more_and_is_no_longer_counted(platform):
    with receiving(lambda arrived: Reply(500)) as receiver:
        made = endpoint(platform, receiver.url, "topup.created")
        happen(platform)
        drained(platform)

        platform.delete(f"{ENDPOINTS}/{made['id']}")
        platform.clock(advance=48 * HOUR)
        drained(platform)

        assert len(receiver.arrived) == 1
        assert created(platform)["pending_webhooks"] == 0
        assert list(examine_tenant(tenant_of(platform))) == []


# Bad receivers


@pytest.mark.parametrize("reply", [Reply(302, headers={"Location": "http://127.0.0.1:9/"}), Reply(404), Reply(500)])
def test_anything_but_2xx_is_a_failure_and_redirects_are_not_followed(platform, reply):
    with receiving(lambda arrived: reply) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)

        result = drained(platform)

        assert (result["failed"], len(receiver.arrived)) == (1, 1)
        assert attempts(platform)[0]["status"] == reply.status


@pytest.mark.parametrize("sent, kept", [(0, 0), (1_999, 1_999), (2_000, 2_000), (2_001, 2_000)])
def test_of_an_answer_the_first_2000_bytes_are_kept(platform, sent, kept):
    body = bytes(97 + n % 26 for n in range(sent))
    with receiving(lambda arrived: Reply(body=body)) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)

        drained(platform)

        assert attempts(platform)[0]["response_body"] == body[:kept].decode()


@pytest.mark.parametrize("sent, kept", [(39, 39), (40, 40), (41, 40)])
def test_of_an_answer_the_first_40_headers_are_kept(platform, sent, kept):
    usual = {"Server", "Date", "Content-Length"}  # what every answer of the receiver has besides
    headers = {f"X-{n}": "1" for n in range(sent - len(usual))}
    with receiving(lambda arrived: Reply(headers=headers)) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)

        drained(platform)

        assert len(attempts(platform)[0]["response_headers"]) == kept


def test_a_cookie_that_a_receiver_sets_is_sent_to_nobody(app, platform):
    def baking(arrived: object) -> Reply:
        return Reply(headers={"Set-Cookie": "session=1; Path=/"})

    neighbour = Client(app, f"{platform.key}neighbour")
    with receiving(baking) as receiver, receiving() as other:
        endpoint(platform, receiver.url, "topup.created")
        endpoint(neighbour, other.url, "topup.created")
        for client in (platform, neighbour):
            happen(client, 2)
            drained(client)

        assert [len(one.arrived) for one in (receiver, other)] == [2, 2]
        assert not any("cookie" in arrived.headers for arrived in [*receiver.arrived, *other.arrived])


def test_a_refused_connection_is_a_failure_that_says_why(platform):
    receiver = Receiver()
    receiver.close()
    endpoint(platform, receiver.url, "topup.created")
    happen(platform)

    drained(platform)

    (attempt,) = attempts(platform)
    assert attempt["status"] is None and "refused" in attempt["error"].lower()


def test_a_receiver_that_drips_its_answer_is_given_up_in_time(platform):
    with receiving(lambda arrived: Reply(drip=True)) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        platform.settings(webhook_timeout_ms=200)
        happen(platform)

        result = drained(platform)

        (attempt,) = attempts(platform)
        assert (result["drained"], attempt["error"]) == (True, "No answer within 200 ms.")


def test_a_hanging_receiver_slows_neither_the_api_nor_other_endpoints(tmp_path):
    with running(tmp_path, on_duty=True) as app, receiving(lambda arrived: Reply(hang=True)) as hanging:
        client = Client(app, "sk_test_hang")
        with receiving() as willing:
            endpoint(client, hanging.url)
            endpoint(client, willing.url, "topup.created")
            happen(client, 5)
            hanging.wait_for(1)

            expected = happen(client, 50)
            willing.wait_for(55)

            assert abouts(willing)[5:] == expected


# The background, and the next start


def test_in_the_background_events_are_delivered_unasked(tmp_path):
    with running(tmp_path, on_duty=True) as app, receiving() as receiver:
        client = Client(app, "sk_test_background")
        endpoint(client, receiver.url, "topup.created")

        expected = happen(client, 3)
        receiver.wait_for(3)

        assert abouts(receiver) == expected


def test_a_lane_ends_when_nothing_is_left_to_carry(tmp_path):
    with running(tmp_path, on_duty=True) as app, receiving() as receiver:
        client = Client(app, "sk_test_lanes")
        endpoint(client, receiver.url, "topup.created")

        expected = happen(client, 3)
        receiver.wait_for(3)

        assert drained(client)["drained"] is True
        assert abouts(receiver) == expected
        lanes = app.emulator.postman.lanes  # type: ignore[attr-defined]
        for lane in list(lanes.values()):  # a lane ends after it has recorded, so after the drain
            lane.thread.join(PATIENCE_SECONDS)
        assert lanes == {}


def test_who_drains_at_once_never_sends_twice(platform):
    with receiving() as receiver:
        endpoint(platform, receiver.url, "topup.created")
        expected = happen(platform, 40)

        threads = [threading.Thread(target=drained, args=(Client(platform.app, platform.key),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)

        assert abouts(receiver) == expected


def test_what_was_sent_but_not_recorded_is_sent_again_after_the_next_start(tmp_path, monkeypatch):
    with receiving() as receiver:
        with running(tmp_path) as dying:
            client = Client(dying, "sk_test_dying")
            endpoint(client, receiver.url, "topup.created")
            expected = happen(client, 3)
            killed = threading.Event()
            monkeypatch.setattr(dying.emulator.postman, "record", lambda lane, sent: killed.set())  # type: ignore[attr-defined]
            drained(client, timeout_ms=100)
            assert killed.wait(PATIENCE_SECONDS)

        with running(tmp_path) as living:
            drained(Client(living, "sk_test_dying"))
            assert list(examine_tenant(living.emulator.tenants.open("dying"))) == []  # type: ignore[attr-defined]

        seen = abouts(receiver)
        assert set(seen) == set(expected)
        assert list(dict.fromkeys(seen)) == expected


def test_what_nobody_heard_comes_before_newer_events_although_the_server_dies(tmp_path, monkeypatch, caplog):
    has_died = threading.Event()

    def dies(*_: object) -> None:
        has_died.set()
        raise RuntimeError("killed")

    with receiving() as receiver:
        with running(tmp_path) as dying:
            client = Client(dying, "sk_test_unheard")
            carrier = dying.emulator.postman  # type: ignore[attr-defined]
            endpoint(client, receiver.url, "topup.created")
            expected = happen(client, 3)
            addresses = iter(["http://127.0.0.1:9/refused"])
            monkeypatch.setitem(
                carrier.transports,
                "endpoint",
                lambda to, letter, *more: carrier.by_http(
                    to, letter._replace(url=next(addresses, receiver.url)), *more
                ),
            )
            monkeypatch.setattr(carrier, "record", dies)
            drained(client, timeout_ms=100)
            assert has_died.wait(PATIENCE_SECONDS)

        with running(tmp_path) as living:
            drained(Client(living, "sk_test_unheard"))

        assert list(dict.fromkeys(abouts(receiver))) == expected
        assert "RuntimeError: killed" in caplog.text


def test_what_is_due_waits_for_the_next_start(tmp_path):
    with receiving() as receiver:
        with running(tmp_path) as app:
            endpoint(Client(app, "sk_test_later"), receiver.url, "topup.created")
            expected = happen(Client(app, "sk_test_later"), 2)

        with running(tmp_path, on_duty=True):
            receiver.wait_for(2)

        assert abouts(receiver) == expected


def test_attempts_of_a_world_that_was_reset_meanwhile_are_forgotten(platform):
    release = threading.Event()

    def answer(arrived: object) -> Reply:
        release.wait(PATIENCE_SECONDS)
        return Reply()

    with receiving(answer) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)
        draining = threading.Thread(target=drained, args=(Client(platform.app, platform.key),))
        draining.start()
        receiver.wait_for(1)

        platform.made("/_emulator/reset")
        release.set()
        draining.join(PATIENCE_SECONDS)

        assert (rows(platform, "delivery"), rows(platform, "attempt")) == (0, 0)


def test_what_was_on_its_way_at_a_reset_is_forgotten_although_its_lane_has_seen_the_new_world(platform):
    release = threading.Event()

    def answer(arrived: object) -> Reply:
        release.wait(PATIENCE_SECONDS)
        return Reply()

    with receiving(answer) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)
        draining = threading.Thread(target=drained, args=(Client(platform.app, platform.key),))
        draining.start()
        receiver.wait_for(1)
        carrier = platform.app.emulator.postman
        with carrier.guard:  # a lane may have sent before it stands among the others
            (lane,) = [one for one in carrier.lanes.values() if one.tenant is tenant_of(platform)]

        platform.made("/_emulator/reset")
        lane.ring(has_news=True)
        until = time.monotonic() + PATIENCE_SECONDS
        while lane.generation == 1 and time.monotonic() < until:
            time.sleep(0.01)
        release.set()
        draining.join(PATIENCE_SECONDS)
        lane.thread.join(PATIENCE_SECONDS)

        assert lane.generation == 2
        assert (rows(platform, "delivery"), rows(platform, "attempt")) == (0, 0)


def test_a_lane_that_is_rung_while_it_ends_makes_room_for_the_next(platform, monkeypatch):
    let_go = postman.Lane.let_go

    def rung(lane: postman.Lane) -> None:
        let_go(lane)
        lane.ring(has_news=True)

    with receiving(lambda arrived: Reply(hang=len(receiver.arrived) == 1)) as receiver:
        to = endpoint(platform, receiver.url, "topup.created")
        happen(platform)
        draining = threading.Thread(target=drained, args=(Client(platform.app, platform.key),))
        draining.start()
        receiver.wait_for(1)
        monkeypatch.setattr(postman.Lane, "let_go", rung)

        platform.app.emulator.postman.part_with(tenant_of(platform).handle, to["id"])
        receiver.wait_for(2)
        draining.join(PATIENCE_SECONDS)

    assert [attempt["status"] for attempt in attempts(platform)] == [200]


def test_a_drain_waits_for_what_handlers_cause(platform):
    other = Client(platform.app, platform.key)

    def answer(arrived: Any) -> Reply:
        if len(receiver.arrived) < 4:
            happen(other)
        return Reply()

    with receiving(answer) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)

        result = drained(platform)

        assert (result["drained"], [one["status"] for one in attempts(platform)]) == (True, [200] * 4)


def test_a_drain_that_runs_out_of_time_says_so(platform):
    with receiving(lambda arrived: Reply(hang=True)) as receiver:
        endpoint(platform, receiver.url, "topup.created")
        happen(platform)

        result = drained(platform, timeout_ms=50)

        assert (result["drained"], result["waiting"]) == (False, 1)


# The doctor


@pytest.mark.parametrize(
    "damage, says",
    [
        ("UPDATE delivery SET event = 'evt_gone'", "is of an event that is not there"),
        ("DELETE FROM subscriber", "waits for a subscriber that is not there"),
        ("UPDATE delivery SET attempts = 7", "counts other attempts than there are"),
        (
            "INSERT INTO attempt (sequence, delivery, number, created, began_ms, duration_ms, headers, body) "
            "VALUES (999, 99, 1, 0, 0, 0, '{}', '')",
            "belongs to no delivery",
        ),
    ],
)
def test_the_doctor_names_deliveries_that_contradict_the_rest(platform, damage, says):
    endpoint(platform, "http://127.0.0.1:9/hook")
    happen(platform)
    with tenant_of(platform).stored.writing() as session:
        session.run(damage)

    findings = [finding.detail for finding in examine_tenant(tenant_of(platform))]

    assert any(says in detail for detail in findings), findings
