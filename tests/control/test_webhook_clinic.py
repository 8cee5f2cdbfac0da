"""The clinic: every trouble as it is announced, the same way every time, and the verdict on the consumer."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest
import stripe

from bench.http_bench import HOLDER
from bench.running import Running
from emulator.control.verdict import of_all
from emulator.kernel.clinic import TROUBLES, draw
from emulator.kernel.webhooks import postman
from tests.client import Client
from tests.examining import examine_tenant
from tests.issuing.holders import a_cardholder
from tests.receivers import PATIENCE_SECONDS, Arrived, Receiver, Reply, receiving

CLINIC = "/_emulator/webhooks/clinic"
VERDICT = "/_emulator/webhooks/verdict"
UNHURRIED_MS = PATIENCE_SECONDS * 1000


def endpoint(client: Client, receiver: Receiver) -> dict[str, Any]:
    """The receiver hears of new cardholders."""
    return client.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_cardholder.created"])


def happen(client: Client, times: int = 1) -> list[str]:
    """Cause so many events; their ids in order."""
    known = len(client.events())
    for _ in range(times):
        a_cardholder(client)
    return [event["id"] for event in client.events()][known:]


def drained(client: Client) -> dict[str, Any]:
    """Deliver everything that is due."""
    return client.made("/_emulator/webhooks/drain")


def ids(receiver: Receiver) -> list[str]:
    """The ids of what arrived whole."""
    return [one.event["id"] for one in receiver.arrived]


def verified(one: Arrived, secret: str) -> bool:
    """Whether the official verifier accepts it."""
    try:
        stripe.Webhook.construct_event(one.body, one.headers["stripe-signature"], secret)
    except (stripe.SignatureVerificationError, ValueError):
        return False
    return True


# Troubles


def test_a_duplicate_arrives_twice_and_is_counted_once(platform):
    with receiving() as receiver:
        endpoint(platform, receiver)
        platform.made(CLINIC, duplicate=100)

        (event,) = happen(platform)
        pending = platform.read(f"/v1/events/{event}")["pending_webhooks"]
        drained(platform)

        assert (ids(receiver), pending) == ([event, event], 1)
        assert platform.read(f"/v1/events/{event}")["pending_webhooks"] == 0


def test_a_delayed_event_comes_later_on_the_tenants_clock_and_holds_nothing_back(platform):
    platform.clock(frozen=True)
    with receiving() as receiver:
        made = endpoint(platform, receiver)
        platform.made(CLINIC, delay=100, delay_seconds=90, webhook_endpoint=made["id"])
        (late,) = happen(platform)
        platform.delete(CLINIC, webhook_endpoint=made["id"])
        (early,) = happen(platform)

        drained(platform)
        platform.clock(advance=89)
        drained(platform)
        before = ids(receiver)
        platform.clock(advance=1)
        drained(platform)

        assert (before, ids(receiver)) == ([early], [early, late])


def test_a_reordered_event_comes_after_the_next_one(platform):
    with receiving() as receiver:
        endpoint(platform, receiver)
        platform.made(CLINIC, reorder=100)
        first, second, third, fourth = happen(platform, 4)

        drained(platform)

        assert ids(receiver) == [second, first, fourth, third]


def test_a_reordered_event_that_none_follows_comes_a_minute_later(platform):
    platform.clock(frozen=True)
    with receiving() as receiver:
        endpoint(platform, receiver)
        platform.made(CLINIC, reorder=100)
        (event,) = happen(platform)

        platform.clock(advance=59)
        drained(platform)
        held = ids(receiver)
        platform.clock(advance=1)
        drained(platform)

        assert (held, ids(receiver)) == ([], [event])


def test_a_reordered_event_that_is_on_its_way_after_a_minute_is_not_sent_behind_the_next_one_too(platform):
    platform.clock(frozen=True)
    next_has_happened = threading.Event()

    def answer(arrived: Arrived) -> Reply:
        next_has_happened.wait(PATIENCE_SECONDS)
        return Reply()

    with receiving(answer) as receiver:
        endpoint(platform, receiver)
        platform.made(CLINIC, reorder=100)
        (first,) = happen(platform)
        platform.clock(advance=60)
        draining = threading.Thread(target=drained, args=(Client(platform.app, platform.key),))
        draining.start()
        receiver.wait_for(1)

        (second,) = happen(platform)
        next_has_happened.set()
        draining.join(PATIENCE_SECONDS)
        platform.clock(advance=60)
        drained(platform)

        assert ids(receiver) == [first, second]
        tenant = platform.app.emulator.tenants.open(platform.key.removeprefix("sk_test_"))  # type: ignore[attr-defined]
        assert list(examine_tenant(tenant)) == []


def test_a_reordered_event_that_failed_after_its_minute_waits_for_its_retry_not_for_the_next_event(platform):
    platform.clock(frozen=True)
    with receiving(lambda arrived: Reply(500)) as receiver:
        endpoint(platform, receiver)
        platform.made(CLINIC, reorder=100)
        (first,) = happen(platform)
        platform.clock(advance=60)
        drained(platform)
        receiver.answer = lambda arrived: Reply()

        (second,) = happen(platform)
        drained(platform)
        at_once = ids(receiver)
        platform.clock(advance=60)
        drained(platform)
        after_a_minute = ids(receiver)
        platform.clock(advance=180)
        drained(platform)

        assert (at_once, after_a_minute, ids(receiver)) == ([first], [first, second], [first, second, first])
        attempts = platform.read("/_emulator/webhooks/attempts")["data"]
        assert [(one["event"], one["number"], one["status"]) for one in attempts] == [
            (first, 1, 500),
            (second, 1, 200),
            (first, 2, 200),
        ]


def test_a_dropped_event_never_arrives_but_its_retry_does(platform):
    with receiving() as receiver:
        endpoint(platform, receiver)
        platform.made(CLINIC, drop=100)
        (event,) = happen(platform)

        drained(platform)
        dropped = ids(receiver)
        platform.clock(advance=300)
        drained(platform)

        assert (dropped, ids(receiver)) == ([], [event])
        attempts = platform.read("/_emulator/webhooks/attempts")["data"]
        assert [one["error"] for one in attempts] == ["Dropped by the clinic.", None]


@pytest.mark.parametrize("trouble", ["wrong_signature", "stale_signature", "truncated_body"])
def test_a_forged_delivery_is_refused_by_the_verifier_and_its_retry_is_not(platform, trouble):
    with receiving() as receiver:
        secret = endpoint(platform, receiver)["secret"]
        receiver.answer = lambda arrived: Reply(200 if verified(arrived, secret) else 400)
        platform.made(CLINIC, **{trouble: 100})
        happen(platform)

        drained(platform)
        platform.clock(advance=300)
        drained(platform)

        assert [verified(one, secret) for one in receiver.arrived] == [False, True]
        attempts = platform.read("/_emulator/webhooks/attempts")["data"]
        assert [(one["status"], one["troubles"]) for one in attempts] == [(400, {trouble: True}), (200, {})]


def test_an_event_can_come_in_an_older_version(platform):
    with receiving() as receiver:
        secret = endpoint(platform, receiver)["secret"]
        platform.made(CLINIC, older_api_version=100, api_version="2022-11-15")
        happen(platform)

        drained(platform)

        assert receiver.events[0]["api_version"] == "2022-11-15"
        assert verified(receiver.arrived[0], secret)


def test_an_endpoints_own_dose_stands_instead_of_the_tenants(platform):
    with receiving() as one, receiving() as other:
        first = endpoint(platform, one)
        endpoint(platform, other)
        platform.made(CLINIC, duplicate=100)
        doses = platform.made(CLINIC, older_api_version=100, webhook_endpoint=first["id"])
        happen(platform)

        drained(platform)

        assert [len(receiver.arrived) for receiver in (one, other)] == [1, 2]
        assert {dose["webhook_endpoint"] for dose in doses["data"]} == {None, first["id"]}
        assert platform.delete(CLINIC).json["data"] == platform.read(CLINIC)["data"] == []


def test_a_deleted_endpoint_takes_its_dose_with_it(platform):
    with receiving() as one, receiving() as other:
        leaving, staying = endpoint(platform, one), endpoint(platform, other)
        for made in (leaving, staying):
            platform.made(CLINIC, duplicate=100, webhook_endpoint=made["id"])

        platform.delete(f"/v1/webhook_endpoints/{leaving['id']}")

        assert [dose["webhook_endpoint"] for dose in platform.read(CLINIC)["data"]] == [staying["id"]]


def test_rates_and_endpoints_that_are_none_are_refused(platform):
    assert platform.post(CLINIC, drop=101).error["param"] == "drop"
    assert platform.post(CLINIC, webhook_endpoint="we_none", drop=1).error["param"] == "webhook_endpoint"


def test_the_same_world_has_the_same_troubles_and_rates_hold():
    dose = dict.fromkeys(TROUBLES, 30)
    events = [f"evt_{n}" for n in range(2000)]

    once = [draw(dose, b"seed", "we_1", event) for event in events]
    again = [draw(dose, b"seed", "we_1", event) for event in events]
    otherwise = [draw({**dose, "seed": 1}, b"seed", "we_1", event) for event in events]

    assert once == again != otherwise
    for trouble in TROUBLES:
        assert 500 < sum(trouble in hit for hit in once) < 700
    assert draw({}, b"seed", "we_1", "evt_1") == {}
    assert all(draw({"drop": 100}, b"seed", "we_1", event) == {"drop": True} for event in events[:50])


# The verdict


def test_a_consumer_that_repeats_effects_on_a_duplicate_is_told(platform, monkeypatch):
    monkeypatch.setattr(postman, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    other = Client(platform.app, platform.key)

    def answer(arrived: Arrived) -> Reply:
        id = arrived.event["data"]["object"]["id"]
        other.read(f"/v1/issuing/cardholders/{id}")
        other.made(f"/v1/issuing/cardholders/{id}", metadata={"seen": arrived.event["id"]})
        keyed = {"Idempotency-Key": arrived.event["id"]}
        assert other.post("/v1/topups", amount=100, currency="usd", headers=keyed).status == 200
        return Reply()

    with receiving(answer) as receiver:
        made = endpoint(platform, receiver)
        platform.made(CLINIC, duplicate=100)
        (event,) = happen(platform)

        drained(platform)

        (verdict,) = platform.read(VERDICT, slow_ms=UNHURRIED_MS)["data"]
        path = f"/v1/issuing/cardholders/{receiver.events[0]['data']['object']['id']}"
        assert verdict["webhook_endpoint"] == made["id"]
        assert verdict["repeated_effects"] == [{"event": event, "method": "POST", "path": path, "times": 2}]
        assert verdict["findings"] == ["1 effects were repeated when an event came again"]
        calls = verdict["api_calls_while_handling"][0]["api_calls"]
        assert [(call["method"], call["path"]) for call in calls] == [
            ("GET", path),
            ("POST", path),
            ("POST", "/v1/topups"),
        ]
        assert all(call["request"].startswith("req_") for call in calls)


def test_the_verdict_names_every_call_and_every_repeated_effect(tmp_path):

    def client() -> httpx.Client:
        return httpx.Client(base_url=server.url, auth=("sk_test_several", ""), timeout=60, trust_env=False)

    def answer(arrived: Arrived) -> Reply:
        about = f"/v1/issuing/cardholders/{arrived.event['data']['object']['id']}"
        for n in range(3):  # few enough that nobody loses patience and sends the next
            assert handler.get(about).status_code == 200
            assert handler.post(about, data={f"metadata[n{n}]": "seen"}).status_code == 200
        keyed = {"Idempotency-Key": arrived.event["id"]}
        topup = {"amount": 100, "currency": "usd"}
        assert handler.post("/v1/topups", headers=keyed, data=topup).status_code == 200
        return Reply()

    with (
        Running(tmp_path / "data", "--quiet") as server,
        receiving(answer) as receiver,
        client() as http,
        client() as handler,
    ):
        assert http.post(CLINIC, data={"duplicate": 100}).status_code == 200
        hook = {"url": receiver.url, "enabled_events[]": "issuing_cardholder.created"}
        assert http.post("/v1/webhook_endpoints", data=hook).status_code == 200
        holder = http.post("/v1/issuing/cardholders", data=HOLDER).json()

        assert http.post("/_emulator/webhooks/drain").json()["drained"] is True
        (verdict,) = http.get(VERDICT, params={"slow_ms": UNHURRIED_MS}).json()["data"]

    about = f"/v1/issuing/cardholders/{holder['id']}"
    expected = [("GET", about), ("POST", about)] * 3 + [("POST", "/v1/topups")]
    handled = [
        [(call["method"], call["path"]) for call in one["api_calls"]] for one in verdict["api_calls_while_handling"]
    ]
    assert handled == [expected, expected]
    assert [one["api_calls"][-1]["replayed"] for one in verdict["api_calls_while_handling"]] == [False, True]
    event = receiver.events[0]["id"]
    assert verdict["repeated_effects"] == [{"event": event, "method": "POST", "path": about, "times": 2}]
    assert verdict["findings"] == ["1 effects were repeated when an event came again"]


def test_a_consumer_that_believes_anything_is_told(platform):
    with receiving() as receiver:
        endpoint(platform, receiver)
        platform.made(CLINIC, wrong_signature=100)
        happen(platform)

        drained(platform)

        (verdict,) = platform.read(VERDICT, slow_ms=UNHURRIED_MS)["data"]
        assert verdict["findings"] == ["1 deliveries that should have been refused were acknowledged"]


def attempt(**more: Any) -> dict[str, Any]:
    """An attempt that went well."""
    usual = {"event": "evt_1", "delivery": 1, "number": 1, "status": 200, "error": None, "duration_ms": 5}
    return {**usual, "webhook_endpoint": "we_1", "troubles": {}, "api_calls": [], **more}


@pytest.mark.parametrize(
    "call, is_effect",
    [
        ({}, True),
        ({"status": 399}, True),
        ({"status": 400}, False),
        ({"method": "GET"}, False),
        ({"replayed": True}, False),
    ],
)
def test_only_what_changes_something_is_an_effect_that_can_be_repeated(call, is_effect):
    made = {"method": "POST", "path": "/v1/topups", "status": 200, "replayed": False, "request": "req_1", **call}

    (verdict,) = of_all([attempt(api_calls=[made]), attempt(delivery=2, api_calls=[made])], slow_ms=1_000)

    assert bool(verdict["repeated_effects"]) is is_effect


def test_slow_and_failed_answers_are_counted_and_what_was_dropped_is_not_held_against_anyone():
    attempts = [
        attempt(),
        attempt(event="evt_2", duration_ms=3_000),
        attempt(event="evt_6", duration_ms=1_000),
        attempt(event="evt_7", duration_ms=1_001),
        attempt(event="evt_3", status=500),
        attempt(event="evt_4", status=None, error="ConnectError: refused"),
        attempt(event="evt_5", status=None, error="Dropped by the clinic.", troubles={"drop": True}),
        attempt(event="evt_5", number=2),
        attempt(webhook_endpoint="we_2"),
    ]

    one, other = of_all(attempts, slow_ms=1_000)

    assert one["findings"] == [
        "2 of 7 attempts failed",
        "2 answers took more than 1000 ms",
        "2 events were never acknowledged",
    ]
    assert [failure["status"] for failure in one["failures"]] == [500, None]
    assert (one["slowest_ms"], one["unacknowledged_events"]) == (3_000, ["evt_3", "evt_4"])
    assert (other["webhook_endpoint"], other["findings"]) == ("we_2", [])
    assert json.dumps(one)


def test_a_verdict_can_be_of_the_newest_attempts_alone(platform):
    answers = iter([Reply(500), Reply(200)])
    with receiving(lambda arrived: next(answers)) as receiver:
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_cardholder.created"])
        for _ in range(2):
            a_cardholder(platform)
            platform.made("/_emulator/webhooks/drain")

        whole, newest = (platform.read(VERDICT, slow_ms=UNHURRIED_MS, **how)["data"][0] for how in ({}, {"limit": 1}))

    assert (whole["attempts"], whole["findings"][0]) == (2, "1 of 2 attempts failed")
    assert (newest["attempts"], newest["findings"]) == (1, [])
