"""Three processes serve one world: any answers for what any other did, and the world cannot tell how many there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from bench.http_bench import HOLDER
from tests import test_money_is_conserved as money
from tests.issuing.purchases import a_spender, authorize
from tests.issuing.test_real_time import says
from tests.receivers import receiving


def made(http: httpx.Client, url: str, /, **form: object) -> dict:
    reply = http.post(url, data=form)
    assert reply.status_code == 200, reply.text
    return reply.json()


def read(http: httpx.Client, url: str, /, **params: object) -> dict:
    reply = http.get(url, params=params)
    assert reply.status_code == 200, reply.text
    return reply.json()


# What one did the others know


def test_what_one_process_made_changed_and_deleted_the_others_show_at_once(each):
    one, two, three = each

    customer = made(one, "/v1/customers", name="Ada")
    seen_by_two = read(two, f"/v1/customers/{customer['id']}")
    made(three, f"/v1/customers/{customer['id']}", name="Grace")
    names = [read(http, f"/v1/customers/{customer['id']}")["name"] for http in each]
    two.delete(f"/v1/customers/{customer['id']}").raise_for_status()
    gone = [read(http, f"/v1/customers/{customer['id']}").get("deleted") for http in each]

    assert seen_by_two == customer
    assert names == ["Grace"] * 3
    assert gone == [True] * 3


def test_a_keyed_request_is_carried_out_once_whoever_it_is_sent_to(each):
    sent = {"data": HOLDER, "headers": {"Idempotency-Key": "once"}}

    replies = [http.post("/v1/issuing/cardholders", **sent) for http in each]

    assert len({reply.content for reply in replies}) == 1
    assert [reply.headers.get("Idempotent-Replayed") for reply in replies] == [None, "true", "true"]
    assert len(read(each[0], "/v1/issuing/cardholders")["data"]) == 1


def test_a_keyed_request_that_is_sent_to_all_at_the_same_time_is_carried_out_once(each):
    def send(number: int) -> httpx.Response:
        return each[number % 3].post(
            "/v1/issuing/cardholders", data=HOLDER, headers={"Idempotency-Key": f"key{number // 6}"}
        )

    with ThreadPoolExecutor(6) as senders:
        replies = list(senders.map(send, range(60)))

    assert {reply.status_code for reply in replies} <= {200, 409}
    made_of = [
        {reply.json()["id"] for reply in replies[first : first + 6] if reply.status_code == 200}
        for first in range(0, 60, 6)
    ]
    assert [len(ids) for ids in made_of] == [1] * 10
    assert len(read(each[0], "/v1/issuing/cardholders", limit=100)["data"]) == 10


def test_the_clock_settings_and_faults_of_a_world_are_the_same_everywhere(each):
    one, two, three = each

    made(one, "/_emulator/clock", set=2_000_000_000, frozen="true")
    created = made(two, "/v1/customers", name="Ada")["created"]
    made(two, "/_emulator/clock", advance=60)
    now = read(three, "/_emulator/clock")["now"]
    made(three, "/_emulator/settings", real_time_timeout_ms=1_234)
    limits = [read(http, "/_emulator/settings")["real_time_timeout_ms"] for http in each]
    made(one, "/_emulator/faults", kind="lock_timeout", path="/v1/customers")
    struck = two.post("/v1/customers", data={"name": "Grace"}).status_code
    passed = three.post("/v1/customers", data={"name": "Grace"}).status_code

    assert (created, now) == (2_000_000_000, 2_000_000_060)
    assert limits == [1_234] * 3
    assert (struck, passed) == (429, 200)


def test_a_world_that_one_process_resets_restores_or_deletes_is_so_for_the_others(each):
    one, two, three = each

    customer = made(one, "/v1/customers", name="Ada")
    made(two, "/_emulator/snapshots", name="before")
    made(three, f"/v1/customers/{customer['id']}", name="Grace")
    made(one, "/_emulator/snapshots/before/restore")
    restored = [read(http, f"/v1/customers/{customer['id']}")["name"] for http in each]
    made(two, "/_emulator/reset")
    statuses = [http.get(f"/v1/customers/{customer['id']}").status_code for http in each]
    made(one, "/v1/customers", name="another")
    listed = [len(read(http, "/v1/customers")["data"]) for http in each]

    assert restored == ["Ada"] * 3
    assert statuses == [404] * 3
    assert listed == [1] * 3


def test_requests_that_one_process_answered_are_in_the_log_of_all(each):
    ids = [http.get("/v1/balance").headers["Request-Id"] for http in each]

    for http in each:
        found = [request["id"] for request in read(http, "/_emulator/requests", limit=10)["data"]]
        assert set(ids) <= set(found)


def test_writers_on_three_processes_lose_nothing_and_number_every_event_once(each):
    def write(number: int) -> str:
        return made(each[number % 3], "/v1/customers", name=f"{number}")["id"]

    with ThreadPoolExecutor(6) as writers:
        ids = list(writers.map(write, range(90)))

    customers = read(each[0], "/v1/customers", limit=100)["data"]
    events = read(each[1], "/v1/events", type="customer.created", limit=100)["data"]
    assert {customer["id"] for customer in customers} == set(ids) and len(customers) == 90
    assert [event["data"]["object"]["id"] for event in events] == [customer["id"] for customer in customers]


# Webhooks and questions


def test_events_of_all_processes_arrive_once_each_and_in_order(each):
    with receiving() as receiver:
        made(each[0], "/v1/webhook_endpoints", url=receiver.url, **{"enabled_events[]": "customer.created"})
        ids = [made(each[number % 3], "/v1/customers", name=f"{number}")["id"] for number in range(30)]
        drained = made(each[1], "/_emulator/webhooks/drain")

        assert drained["drained"] is True
        assert [event["data"]["object"]["id"] for event in receiver.events] == ids


def test_a_purchase_asks_its_client_whichever_process_decides_it(platform):
    def answer(arrived):
        return says({"approved": arrived.event["data"]["object"]["pending_request"]["amount"] < 10_00})

    with receiving(answer) as receiver:
        wanted = "issuing_authorization.request"
        platform.settings(real_time_timeout_ms=20_000)
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=[wanted])
        card = a_spender(platform)
        reasons = [
            authorize(platform, card, amount)["request_history"][0]["reason"] for amount in (5_00, 15_00, 6_00, 7_00)
        ]

        assert reasons == ["webhook_approved", "webhook_declined", "webhook_approved", "webhook_approved"]
        assert receiver.types == [wanted] * 4


def test_no_cent_is_lost_whatever_happens(app, monkeypatch):
    monkeypatch.setattr(money.Money, "app", app)
    chosen = settings(
        max_examples=2, stateful_step_count=30, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )

    run_state_machine_as_test(seeded(14)(money.Money), settings=chosen)
