"""One world of two processes: each answers for what the other did. Here they are two applications over one database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from emulator.app import create_app
from emulator.kernel.tenants import Tenant
from tests.client import Client
from tests.examining import examine_tenant
from tests.issuing.purchases import AUTHORIZATIONS, a_spender
from tests.receivers import PATIENCE_SECONDS, Arrived, Reply, receiving

YES = Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})
ENDPOINTS = "/v1/webhook_endpoints"


def begun(database: str) -> Flask:
    """A process that serves the database."""
    app = create_app(database)
    app.emulator.tenants.origin = "http://localhost"  # type: ignore[attr-defined]
    app.emulator.background.start()  # type: ignore[attr-defined]
    return app


@pytest.fixture
def apps(database: str) -> Iterator[tuple[Flask, Flask]]:
    """Two of them."""
    both = begun(database), begun(database)
    yield both
    for app in both:
        app.emulator.close()  # type: ignore[attr-defined]


@pytest.fixture
def both(apps: tuple[Flask, Flask], key: str) -> tuple[Client, Client]:
    """The platform of one world at each of them."""
    return Client(apps[0], key), Client(apps[1], key)


def topup(client: Client, amount: int = 100) -> dict[str, Any]:
    return client.made("/v1/topups", amount=amount, currency="usd")


def drain(client: Client) -> dict[str, Any]:
    return client.made("/_emulator/webhooks/drain")


def topups(arrived: list[dict[str, Any]]) -> list[int]:
    """The amounts of the top-ups of which events tell that they were created."""
    return [event["data"]["object"]["amount"] for event in arrived if event["type"] == "topup.created"]


def test_what_one_does_the_other_shows(both: tuple[Client, Client]) -> None:
    one, other = both

    made = topup(one)

    assert other.read(f"/v1/topups/{made['id']}")["id"] == made["id"]
    assert [request["path"] for request in other.read("/_emulator/requests")["data"]][-1] == "/v1/topups"


def test_an_idempotency_key_stands_for_the_same_at_both(both: tuple[Client, Client]) -> None:
    one, other = both
    keyed = {"Idempotency-Key": "once"}

    first = one.post("/v1/topups", amount=100, currency="usd", headers=keyed)
    second = other.post("/v1/topups", amount=100, currency="usd", headers=keyed)

    assert second.json == first.json and second.headers["Idempotent-Replayed"] == "true"


def test_settings_faults_and_the_clock_of_one_are_the_others(both: tuple[Client, Client]) -> None:
    one, other = both
    topup(other)

    one.settings(webhook_retries=False)
    one.made("/_emulator/faults", kind="server_error")
    now = one.clock(advance=86_400)["now"]

    assert other.post("/v1/topups", amount=100, currency="usd").status == 500
    assert other.post("/v1/topups", amount=100, currency="usd").status == 200
    assert other.read("/_emulator/settings")["webhook_retries"] is False
    assert other.read("/_emulator/clock")["now"] >= now


def test_a_world_that_one_resets_is_new_at_the_other_too(both: tuple[Client, Client]) -> None:
    one, other = both
    topup(one)
    assert len(other.read("/v1/topups")["data"]) == 1

    one.made("/_emulator/reset")

    assert other.read("/v1/topups")["data"] == []


def test_a_world_that_one_deletes_is_another_at_the_other(both: tuple[Client, Client]) -> None:
    one, other = both
    topup(one)
    assert len(other.read("/v1/topups")["data"]) == 1

    assert one.delete("/_emulator/world").status == 200

    assert other.read("/v1/topups")["data"] == []
    assert topup(other)["id"] in str(one.read("/v1/topups"))


def test_a_world_after_one_that_another_deleted_is_the_next_generation_at_once(both: tuple[Client, Client]) -> None:
    one, other = both
    topup(other)

    assert one.delete("/_emulator/world").status == 200
    topup(other)

    assert one.made("/_emulator/reset")["generation"] == 3
    assert one.delete("/_emulator/world").status == 200
    assert other.made("/_emulator/reset")["generation"] == 5


def test_a_request_for_whose_world_others_put_a_new_one_as_it_comes_to_it_is_carried_out_there(
    both: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = both
    topup(one)
    assert other.delete("/_emulator/world").status == 200
    is_lost = Tenant.is_lost

    def late(tenant: Tenant) -> bool:
        monkeypatch.undo()
        topup(other)
        return is_lost(tenant)

    monkeypatch.setattr(Tenant, "is_lost", late)
    topup(one)

    assert Tenant.is_lost is is_lost
    assert len(other.read("/v1/topups")["data"]) == 2


def test_a_snapshot_that_one_restores_is_what_the_other_shows(both: tuple[Client, Client]) -> None:
    one, other = both
    kept = topup(one)
    one.made("/_emulator/snapshots", name="before")
    topup(other)

    other.made("/_emulator/snapshots/before/restore")

    assert [found["id"] for found in one.read("/v1/topups")["data"]] == [kept["id"]]


def test_worlds_that_two_put_in_place_at_once_are_generations_of_their_own_and_nothing_of_one_is_in_another(
    both: tuple[Client, Client],
) -> None:
    one, other = both
    kept = topup(one)["id"]
    one.made("/_emulator/snapshots", name="before")
    later = topup(other)["id"]
    told: list[tuple[int, int]] = []

    def replace(number: int) -> None:
        client = Client(both[number % 2].app, one.key)
        for turn in range(6):
            if (number + turn) % 3:
                generation = client.made("/_emulator/snapshots/before/restore")["generation"]
            else:
                generation = client.made("/_emulator/reset")["generation"]
            told.append((generation, (number + turn) % 3))
            topup(client)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(replace, range(4)))

    assert sorted(generation for generation, _ in told) == list(range(2, 26))
    one.made("/_emulator/snapshots/before/restore")
    for client in both:
        assert [found["id"] for found in client.read("/v1/topups")["data"]] == [kept]
        assert client.get("/v1/topups", starting_after=later).error["code"] == "resource_missing"
        examine_tenant(client.app.emulator.tenants.open(one.key.removeprefix("sk_test_")))  # type: ignore[attr-defined]


def test_deliveries_arrive_once_and_in_order_whoever_caused_them(both: tuple[Client, Client]) -> None:
    one, other = both
    with receiving() as receiver:
        one.made(ENDPOINTS, url=receiver.url, enabled_events=["topup.created"])

        for amount in range(100, 160):
            topup(both[amount % 2], amount)
        assert drain(other)["drained"] and drain(one)["drained"]

        assert topups(receiver.events) == list(range(100, 160))
    for client in both:
        tenant = client.app.emulator.tenants.open(client.key.removeprefix("sk_test_"))  # type: ignore[attr-defined]
        examine_tenant(tenant)


def test_api_calls_that_another_process_answered_are_linked_to_the_question(both: tuple[Client, Client]) -> None:
    one, other = both
    card = a_spender(one)
    one.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)

    def answer(arrived: Arrived) -> Reply:
        if arrived.event["type"] == "issuing_authorization.request":
            other.read("/v1/balance")
        return YES

    with receiving(answer) as receiver:
        one.made(ENDPOINTS, url=receiver.url, enabled_events=["issuing_authorization.request"])
        made = one.made(AUTHORIZATIONS, amount=10_00, card=card["id"], currency="usd")

        assert made["approved"] is True
        attempts = other.read("/_emulator/webhooks/attempts")["data"]
        assert [call["path"] for call in attempts[-1]["api_calls"]] == ["/v1/balance"]


def test_a_question_may_be_decided_by_a_call_that_another_process_answers(both: tuple[Client, Client]) -> None:
    one, other = both
    card = a_spender(one)
    one.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)

    def answer(arrived: Arrived) -> Reply:
        id = arrived.event["data"]["object"]["id"]
        other.made(f"/v1/issuing/authorizations/{id}/decline")
        return Reply(200, b"")

    with receiving(answer) as receiver:
        one.made(ENDPOINTS, url=receiver.url, enabled_events=["issuing_authorization.request"])
        made = one.made(AUTHORIZATIONS, amount=10_00, card=card["id"], currency="usd")

        assert (made["approved"], made["request_history"][0]["reason"]) == (False, "webhook_declined")


def test_who_waits_at_one_is_woken_by_what_happens_at_the_other(both: tuple[Client, Client]) -> None:
    one, other = both
    waiter = one.app.emulator.tenants.news  # type: ignore[attr-defined]
    tenant = one.app.emulator.tenants.open(one.key.removeprefix("sk_test_"))  # type: ignore[attr-defined]
    with waiter.ear(tenant.handle) as ear:
        topup(other)

        assert ear.listen(PATIENCE_SECONDS) == {tenant.handle}


def test_a_link_into_the_dashboard_that_one_made_opens_it_at_the_other_once(apps: tuple[Flask, Flask]) -> None:
    one, other = apps
    link = one.emulator.dashboard.link()  # type: ignore[attr-defined]

    entered = other.test_client().get(link)
    again = one.test_client().get(link)
    cookie = entered.headers["Set-Cookie"].partition(";")[0]
    page = one.test_client(use_cookies=False).get("/dashboard/worlds", headers={"Cookie": cookie})

    assert (entered.status_code, again.location) == (303, "/dashboard/sign_in?used=1")
    assert page.status_code == 200


def test_due_work_is_done_once_whoever_looks(both: tuple[Client, Client]) -> None:
    one, other = both
    card = a_spender(one)
    one.made(AUTHORIZATIONS, amount=10_00, card=card["id"], currency="usd")

    one.clock(advance=10 * 86_400)

    other.read("/v1/balance")
    told = [event["type"] for event in one.events()]
    assert told.count("issuing_authorization.updated") == 1
    assert other.read("/_emulator/due")["data"] == []


def test_the_log_has_requests_in_the_order_of_their_answers_whoever_answered_and_wrote_them(
    both: tuple[Client, Client],
) -> None:
    answers = [both[number % 2].post("/v1/customers", name=f"{number}") for number in range(9)]
    ids = [answer.headers["Request-Id"] for answer in answers]

    whole = [line["id"] for line in both[1].read("/_emulator/requests", limit=9)["data"]]
    newer = both[0].read("/_emulator/requests", limit=3, ending_before=ids[3])
    older = both[0].read("/_emulator/requests", limit=3, starting_after=ids[3])
    counted = both[0].read("/_emulator/meter", since=ids[5])["requests"]

    assert whole == ids[::-1]
    assert [line["id"] for line in newer["data"]] == ids[6:3:-1]
    assert [line["id"] for line in older["data"]] == ids[2::-1]
    assert counted == 4
