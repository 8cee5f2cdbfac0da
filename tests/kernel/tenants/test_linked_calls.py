"""API calls are linked to the handlers that are waited for while they are made."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.running import Running
from emulator.kernel.answers import Answer
from emulator.kernel.tenants.linked_calls import Flight
from emulator.kernel.webhooks.call import Call, Client
from emulator.kernel.webhooks.letter import Letter
from tests.client import Client as ApiClient
from tests.issuing.purchases import AUTHORIZATIONS, a_spender
from tests.receivers import PATIENCE_SECONDS, Arrived, Reply, receiving

YES = Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})


def linked(client: ApiClient) -> list[list[tuple[str, str, bool]]]:
    """The API calls that were linked to each attempt."""
    return [
        [(call["method"], call["path"], call["replayed"]) for call in attempt["api_calls"]]
        for attempt in client.read("/_emulator/webhooks/attempts")["data"]
    ]


def test_calls_are_linked_in_order(platform: ApiClient) -> None:
    keyed = {"Idempotency-Key": "once"}

    def answer(arrived: Arrived) -> Reply:
        for _ in range(2):
            platform.read("/v1/balance")
            assert platform.post("/v1/topups", amount=100, currency="usd", headers=keyed).status == 200
            platform.read("/_emulator/clock")
        return Reply()

    with receiving(answer) as receiver:
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_card.created"])
        a_spender(platform)

        platform.made("/_emulator/webhooks/drain")

    assert linked(platform) == [
        [
            ("GET", "/v1/balance", False),
            ("POST", "/v1/topups", False),
            ("GET", "/v1/balance", False),
            ("POST", "/v1/topups", True),
        ]
    ]


def test_the_calls_of_a_questions_handler_are_linked(platform: ApiClient) -> None:
    def answer(arrived: Arrived) -> Reply:
        platform.read("/v1/balance")
        platform.made(f"/v1/issuing/authorizations/{arrived.event['data']['object']['id']}", metadata={"seen": "yes"})
        return YES

    with receiving(answer) as receiver:
        platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_authorization.request"])
        card = a_spender(platform)["id"]

        authorization = platform.made(AUTHORIZATIONS, card=card, amount=10_00)

    assert linked(platform) == [
        [("GET", "/v1/balance", False), ("POST", f"/v1/issuing/authorizations/{authorization['id']}", False)]
    ]


def test_another_tenants_calls_are_not_linked(platform: ApiClient) -> None:
    stranger = ApiClient(platform.app, f"{platform.key}stranger")

    with receiving(lambda arrived: Reply(200 if stranger.read("/v1/balance") else 500)) as receiver:
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_card.created"])
        a_spender(platform)
        platform.made("/_emulator/webhooks/drain")

    assert linked(platform) == [[]]


@pytest.mark.parametrize(
    "began, ended, is_kept", [(-1.0, 1.0, False), (0.0, 1.0, True), (1.0, 2.0, True), (1.0, 2.5, False)]
)
def test_a_call_counts_if_it_began_after_the_question_left_and_ended_before_its_answer(
    began: float, ended: float, is_kept: bool
) -> None:
    flight = Flight()
    flight.call = Call(Client(), Letter("", {}, b""), 1_000, lambda: None)
    flight.call.end(Answer(200, {}, b"", None, False, 2_000))
    flight.call.ended = flight.began + 2

    flight.note({}, flight.began + began, flight.began + ended)

    assert bool(flight.calls) == is_kept


@pytest.mark.parametrize("later, at_ms", [(0.0, 1), (0.000_2, 2), (0.000_6, 2), (0.001_2, 3)])
def test_real_time_goes_on_to_the_next_millisecond_when_it_is_there(later: float, at_ms: int) -> None:
    flight = Flight()
    flight.began_ns = 1_900_000

    assert flight.real_ms(flight.began + later) == at_ms


def test_a_call_that_was_one_of_hundreds_at_once_keeps_the_first_hundred() -> None:
    flight = Flight()

    for number in range(150):
        flight.note({"number": number}, flight.began + number, flight.began + number + 1)

    assert [one.told["number"] for one in flight.calls] == list(range(100))


def test_who_waited_in_a_server_that_was_killed_is_forgotten_at_the_next_start(tmp_path: Path) -> None:
    def event(http: httpx.Client) -> None:
        assert http.post("/v1/topups", data={"amount": 100, "currency": "usd"}).status_code == 200

    def client(server: Running) -> httpx.Client:
        return httpx.Client(base_url=server.url, auth=("sk_test_killed", ""), timeout=60, trust_env=False)

    killed = threading.Event()
    with receiving(lambda arrived: Reply(hang=not killed.is_set())) as receiver:
        with Running(tmp_path, "--quiet") as server, client(server) as http:
            endpoint: dict[str, Any] = {"url": receiver.url, "enabled_events[]": "topup.created"}
            assert http.post("/v1/webhook_endpoints", data=endpoint).status_code == 200
            event(http)
            receiver.wait_for(1)
            server.kill()
        killed.set()

        with Running(tmp_path, "--quiet") as server, client(server) as http:
            receiver.wait_for(2)
            assert http.post("/_emulator/webhooks/drain").json()["drained"] is True
            (attempt,) = http.get("/_emulator/webhooks/attempts").json()["data"]

    assert (attempt["status"], attempt["api_calls"]) == (200, [])
