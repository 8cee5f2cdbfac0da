"""`stripe listen` and `stripe logs tail` connected to one of several processes: they hear what the others do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from flask import Flask

from bench.fleet import Fleet
from bench.http_bench import HOLDER
from bench.postgres import PostgresServer
from bench.running import Running, assert_whole
from emulator.kernel.database.postgres.database import PostgresDatabase
from tests.issuing.purchases import AUTHORIZATIONS
from tests.patience import wait_until
from tests.postgres.test_three_processes import made, read
from tests.receivers import Arrived, Reply, receiving
from tests.stripe_cli.conftest import Cli, stripe_binary  # noqa: F401  # a fixture
from tests.stripe_cli.test_web_socket import SESSIONS, Listener

YES = {"Stripe_Version": "2026-10-28.endive"}
Clients = list[httpx.Client]
Listen = Callable[..., Listener]


def moved(listener: Listener, http: httpx.Client) -> Listener:
    """The same session, to be connected to another process."""
    path = httpx.URL(listener.session["websocket_url"]).path
    listener.session["websocket_url"] = f"ws://{http.base_url.host}:{http.base_url.port}{path}"
    return listener


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Begin a session at one process and connect it there."""
    listeners: list[Listener] = []

    def start(http: httpx.Client, feature: str = "webhooks", **more: str) -> Listener:
        asked = {"device_name": "laptop", "websocket_features[]": feature, **more}
        listeners.append(moved(Listener(made(http, SESSIONS, **asked)), http).connect())
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def topup(http: httpx.Client) -> str:
    """The id of a new top-up."""
    return made(http, "/v1/topups", amount=100, currency="usd")["id"]


def heard(listener: Listener, ids: list[str]) -> list[str]:
    """The top-ups of which a listener is told that they were created, up to the last of these."""
    told: list[str] = []
    while ids[-1] not in told:
        event = json.loads(listener.event()["event_payload"])
        if event["type"] == "topup.created":
            told.append(event["data"]["object"]["id"])
    return told


def hear_up_to(listener: Listener, id: str) -> None:
    """Acknowledge what is told of others; what is told of this one stays open."""
    while json.loads((told := listener.event(acknowledged=False))["event_payload"])["data"]["object"]["id"] != id:
        listener.acknowledge(told)


def a_spender(http: httpx.Client) -> str:
    """A card that may pay, where there is time for an answer."""
    made(http, "/_emulator/settings", real_time_timeout_ms=20_000)
    made(http, "/v1/test_helpers/issuing/fund_balance", amount=100_00, currency="usd")
    holder = made(http, "/v1/issuing/cardholders", **HOLDER)["id"]
    return made(http, "/v1/issuing/cards", cardholder=holder, currency="usd", type="virtual", status="active")["id"]


# Events


def test_a_listener_of_one_process_hears_what_all_of_them_do_in_order(each: Clients, listen: Listen) -> None:
    listener = listen(each[0])

    ids = [topup(each[number % 3]) for number in range(12)]

    assert heard(listener, ids) == ids


def test_a_listener_that_comes_back_to_another_process_is_told_what_waited(each: Clients, listen: Listen) -> None:
    one, two, three = each
    listener = listen(one)
    first = topup(two)
    assert heard(listener, [first]) == [first]
    lost = topup(three)
    hear_up_to(listener, lost)
    listener.close()
    meanwhile = [topup(http) for http in each]

    moved(listener, two).connect()
    since = [topup(http) for http in each]

    assert list(dict.fromkeys(heard(listener, [lost, *meanwhile, *since]))) == [lost, *meanwhile, *since]


def test_a_listener_that_comes_to_another_process_while_the_first_just_notes_that_it_went_is_told_there(
    each: Clients, listen: Listen, app: Flask, key: str
) -> None:
    one, two, _ = each
    database, handle = app.emulator.tenants.database, app.emulator.tenants.open(key[8:]).handle
    listener = listen(one)
    first = topup(two)
    assert heard(listener, [first]) == [first]
    lost = topup(two)
    hear_up_to(listener, lost)

    with ThreadPoolExecutor(1) as pool, database.connect() as held:
        held.execute("BEGIN")
        held.execute("UPDATE world SET changed = changed + 1 WHERE handle = %s", [handle])
        listener.close()
        wait_until(lambda: waiting_for_a_row(database) >= 1)
        connecting = pool.submit(moved(listener, two).connect)
        wait_until(lambda: waiting_for_a_row(database) >= 2)
        held.execute("COMMIT")
        connecting.result(30)
    since = [topup(http) for http in each]

    assert list(dict.fromkeys(heard(listener, [lost, *since]))) == [lost, *since]


def waiting_for_a_row(database: PostgresDatabase) -> int:
    """How many wait for a row that another has changed."""
    return len(
        database.asked(
            "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE NOT granted AND datname = current_database()"
        )
    )


def test_a_listener_whose_process_dies_goes_on_at_another(postgres: PostgresServer, listen: Listen) -> None:
    url = postgres.database()
    key = ("sk_test_dies", "")
    with (
        Fleet(url, 2) as fleet,
        httpx.Client(base_url=fleet.processes[0].url, auth=key, timeout=60, trust_env=False) as dying,
        httpx.Client(base_url=fleet.processes[1].url, auth=key, timeout=60, trust_env=False) as staying,
    ):
        listener = listen(dying)
        before = topup(staying)
        assert heard(listener, [before]) == [before]
        assert made(dying, "/_emulator/webhooks/drain")["drained"] is True  # that it was heard is kept

        fleet.kill(0)
        meanwhile = [topup(staying) for _ in range(3)]
        listener.close()
        moved(listener, staying).connect()
        since = topup(staying)

        assert heard(listener, [*meanwhile, since]) == [*meanwhile, since]
        assert made(staying, "/_emulator/webhooks/drain")["drained"] is True
    assert_whole(url)
    postgres.drop(url)


# Questions


@pytest.mark.parametrize("approved", [True, False])
def test_a_listener_of_one_process_decides_a_purchase_that_another_has(
    each: Clients, listen: Listen, approved: bool
) -> None:
    one, two, _ = each
    card = a_spender(two)
    listener = listen(one, forward_to_url="http://localhost:4242/hook")

    with ThreadPoolExecutor(1) as pool:
        deciding = pool.submit(made, two, AUTHORIZATIONS, amount=10_00, card=card)
        asked = a_question(listener)
        listener.respond(asked, 200, json.dumps({"approved": approved}), **YES)
        authorization = deciding.result(30)

    assert authorization["approved"] is approved
    assert authorization["request_history"][0]["reason"] == ("webhook_approved" if approved else "webhook_declined")


@pytest.mark.parametrize("approved", [True, False])
def test_what_is_decided_by_the_api_at_another_process_counts_as_answered(
    each: Clients, listen: Listen, approved: bool
) -> None:
    one, two, three = each
    card = a_spender(two)
    listener = listen(one, forward_to_url="http://localhost:4242/hook")

    with ThreadPoolExecutor(1) as pool:
        deciding = pool.submit(made, two, AUTHORIZATIONS, amount=10_00, card=card)
        asked = a_question(listener)
        about = json.loads(asked["event_payload"])["data"]["object"]["id"]
        made(three, f"/v1/issuing/authorizations/{about}/{'approve' if approved else 'decline'}")
        listener.respond(asked, 200)
        authorization = deciding.result(30)

    assert authorization["approved"] is approved
    (ask,) = read(three, "/_emulator/asks")["data"]
    assert ask["duration_ms"] is not None
    (attempt,) = read(two, "/_emulator/webhooks/attempts", event=json.loads(asked["event_payload"])["id"])["data"]
    assert attempt["status"] == 200


@pytest.mark.parametrize("where", [0, 1])
def test_a_question_goes_with_the_listener_that_comes_to_another_process(
    each: Clients, listen: Listen, where: int
) -> None:
    card = a_spender(each[2])
    listener = listen(each[0], forward_to_url="http://localhost:4242/hook")

    with ThreadPoolExecutor(1) as pool:
        deciding = pool.submit(made, each[where], AUTHORIZATIONS, amount=10_00, card=card)
        first = a_question(listener)
        moved(listener, each[1]).connect()  # the line that it had is still open
        again = a_question(listener)
        listener.respond(again, 200, json.dumps({"approved": True}), **YES)
        authorization = deciding.result(30)

    assert first["event_payload"] == again["event_payload"]
    assert authorization["request_history"][0]["reason"] == "webhook_approved"


def a_question(listener: Listener) -> dict[str, Any]:
    """The next question that a listener is asked."""
    asked = listener.event()
    while json.loads(asked["event_payload"])["type"] != "issuing_authorization.request":
        asked = listener.event()
    return asked


def test_a_listener_goes_on_after_all_processes_were_cut_off_from_the_database(
    each: Clients, listen: Listen, postgres: PostgresServer, shared: str
) -> None:
    one, two, _ = each
    card = a_spender(two)
    listener = listen(one, forward_to_url="http://localhost:4242/hook")

    for _ in range(3):
        postgres.administer(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()",
            str(psycopg.conninfo.conninfo_to_dict(shared)["dbname"]),
        )
        for http in each:  # each looks who has which line
            wait_until(lambda http=http: http.post("/_emulator/webhooks/drain").status_code == 200)

    with ThreadPoolExecutor(1) as pool:
        deciding = pool.submit(made, two, AUTHORIZATIONS, amount=10_00, card=card)
        listener.respond(a_question(listener), 200, json.dumps({"approved": True}), **YES)
        assert deciding.result(30)["request_history"][0]["reason"] == "webhook_approved"


def test_the_verdict_names_what_other_processes_answered_meanwhile(each: Clients) -> None:
    one, two, three = each
    card = a_spender(one)

    def answer(arrived: Arrived) -> Reply:
        read(two, "/v1/balance")
        read(three, f"/v1/issuing/cards/{card}")
        return Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})

    with receiving(answer) as receiver:
        wanted = {"enabled_events[]": "issuing_authorization.request"}
        made(one, "/v1/webhook_endpoints", url=receiver.url, **wanted)
        made(one, AUTHORIZATIONS, amount=10_00, card=card)

        (attempt,) = read(three, "/_emulator/webhooks/attempts")["data"]
        assert [call["path"] for call in attempt["api_calls"]] == ["/v1/balance", f"/v1/issuing/cards/{card}"]


# Waiting


def test_requests_that_others_answer_are_told_to_a_tail_of_one(each: Clients, listen: Listen) -> None:
    listener = listen(each[0], "request_logs")

    asked = [http.get(f"/v1/events/evt_{number}").headers["Request-Id"] for number, http in enumerate(each)]

    told = [json.loads(listener.frame()["event_payload"])["request_id"] for _ in asked]
    assert sorted(told) == sorted(asked)


def test_who_drains_at_one_is_woken_by_what_another_delivers(each: Clients) -> None:
    one, two, _ = each
    with receiving() as receiver:
        made(one, "/v1/webhook_endpoints", url=receiver.url, **{"enabled_events[]": "topup.created"})
        ids = [topup(two) for _ in range(5)]

        assert made(one, "/_emulator/webhooks/drain")["drained"] is True
        assert [event["data"]["object"]["id"] for event in receiver.events] == ids


# The CLI itself


def test_the_cli_goes_on_when_another_process_answers_at_the_address_of_one_that_died(
    stripe_binary: Path,  # noqa: F811
    postgres: PostgresServer,
    tmp_path: Path,
) -> None:
    url, key = postgres.database(), "sk_test_listening"
    with Fleet(url, 2) as fleet, receiving() as receiver:
        dying, staying = fleet.processes
        watched = Cli(stripe_binary, dying, tmp_path, key).watch(
            "listen", "-s", "--all-snapshot", "--forward-to", receiver.url
        )
        with httpx.Client(base_url=staying.url, auth=(key, ""), timeout=60, trust_env=False) as http:
            ids = [topup(http) for _ in range(3)]
            wait_until(lambda: told_of(receiver.events) >= set(ids))
            fleet.kill(0)
            ids += [topup(http) for _ in range(3)]
            with Running(url, "--quiet", "--port", str(dying.port)):
                ids += [topup(http) for _ in range(3)]
                wait_until(lambda: told_of(receiver.events) >= set(ids))
                watched.stop()
    assert_whole(url)
    postgres.drop(url)


def told_of(events: list[dict[str, Any]]) -> set[str]:
    """The objects that events are of."""
    return {event["data"]["object"]["id"] for event in events}
