"""API calls are linked to the handlers that are waited for, whichever process of the server answers them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.running import Running
from emulator.app import create_app
from emulator.kernel.doctor import examine
from emulator.kernel.hearsay import FOLDER, Hearsay, Told
from emulator.kernel.outgoing import Answer, Call, Client, Flight, Letter
from tests.client import Client as ApiClient
from tests.issuing.purchases import AUTHORIZATIONS, a_spender
from tests.receivers import PATIENCE_SECONDS, Arrived, Reply, receiving

YES = Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})


@contextmanager
def processes(directory: Path, count: int) -> Iterator[list[ApiClient]]:
    """Applications over one folder, as the processes of one server have them; a client of each."""
    with ExitStack() as stack:
        apps = [create_app(directory, workers=count) for _ in range(count)]
        for app in apps:
            stack.callback(app.emulator.close)  # type: ignore[attr-defined]
        yield [ApiClient(app, "sk_test_heard") for app in apps]


def linked(client: ApiClient) -> list[list[tuple[str, str, bool]]]:
    """The API calls that were linked to each attempt."""
    return [
        [(call["method"], call["path"], call["replayed"]) for call in attempt["api_calls"]]
        for attempt in client.read("/_emulator/webhooks/attempts")["data"]
    ]


def listeners(directory: Path) -> list[Path]:
    """The files of those who wait for a handler."""
    return list((directory / FOLDER).glob("*/*"))


def test_calls_are_linked_in_order_whichever_process_answers_them(tmp_path):
    with processes(tmp_path, 3) as clients:
        keyed = {"Idempotency-Key": "once"}

        def answer(arrived: Arrived) -> Reply:
            for client in clients:
                client.read("/v1/balance")
                assert client.post("/v1/topups", amount=100, currency="usd", headers=keyed).status == 200
                client.read("/_emulator/clock")
            assert len(listeners(tmp_path)) == 1
            return Reply()

        with receiving(answer) as receiver:
            clients[0].made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_cardholder.created"])
            a_spender(clients[1])

            clients[2].made("/_emulator/webhooks/drain")

        assert linked(clients[0]) == [
            [
                ("GET", "/v1/balance", False),
                ("POST", "/v1/topups", False),
                ("GET", "/v1/balance", False),
                ("POST", "/v1/topups", True),
                ("GET", "/v1/balance", False),
                ("POST", "/v1/topups", True),
            ]
        ]
        assert listeners(tmp_path) == []
        assert examine(tmp_path, clients[0].app.emulator.tenants.catalog) == []  # type: ignore[attr-defined]


def test_the_calls_of_a_questions_handler_are_linked_whichever_process_answers_them(tmp_path):
    with processes(tmp_path, 2) as (asked, other):

        def answer(arrived: Arrived) -> Reply:
            other.read("/v1/balance")
            asked.read("/v1/events")
            other.made(f"/v1/issuing/authorizations/{arrived.event['data']['object']['id']}", metadata={"seen": "yes"})
            return YES

        with receiving(answer) as receiver:
            asked.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
            asked.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_authorization.request"])
            card = a_spender(other)["id"]

            authorization = asked.made(AUTHORIZATIONS, card=card, amount=10_00)

        assert linked(other) == [
            [
                ("GET", "/v1/balance", False),
                ("GET", "/v1/events", False),
                ("POST", f"/v1/issuing/authorizations/{authorization['id']}", False),
            ]
        ]
        assert listeners(tmp_path) == []


def test_another_tenants_calls_are_not_linked(tmp_path):
    with processes(tmp_path, 2) as (one, two):
        stranger = ApiClient(two.app, "sk_test_stranger")

        with receiving(lambda arrived: Reply(200 if stranger.read("/v1/balance") else 500)) as receiver:
            one.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_cardholder.created"])
            a_spender(two)
            one.made("/_emulator/webhooks/drain")

        assert linked(one) == [[]]


def test_a_server_with_one_process_tells_nobody(tmp_path):
    with processes(tmp_path, 1) as (alone,):
        there = []

        def answer(arrived: Arrived) -> Reply:
            alone.read("/v1/balance")
            there.append((tmp_path / FOLDER).exists())
            return Reply()

        with receiving(answer) as receiver:
            alone.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_cardholder.created"])
            a_spender(alone)
            alone.made("/_emulator/webhooks/drain")

        assert (linked(alone), there) == ([[("GET", "/v1/balance", False)]], [False])


@pytest.mark.parametrize(
    "began, ended, is_kept", [(-1.0, 1.0, False), (0.0, 1.0, True), (1.0, 2.0, True), (1.0, 2.5, False)]
)
def test_a_call_counts_if_it_began_after_the_question_left_and_ended_before_its_answer(began, ended, is_kept):
    flight = Flight()
    flight.call = Call(Client(), Letter("", {}, b""), 1_000, lambda: None)
    flight.call.end(Answer(200, {}, b"", None, False, 2_000))
    flight.call.ended = flight.began + 2

    flight.note({}, flight.began + began, flight.began + ended)

    assert bool(flight.calls) == is_kept


def test_what_is_told_is_heard_once_and_only_by_others_who_wait(tmp_path):
    one, two, three = (Hearsay(tmp_path / "tenant") for _ in range(3))
    told = [Told({"path": f"/v1/\n{n}"}, n + 0.1, n + 0.2) for n in range(3)]

    one.tell(told[0])
    one.start()
    two.start()
    one.tell(told[1])
    three.tell(told[2])
    heard = one.news(), two.news(), three.news(), two.news()
    one.tell(told[0])
    again = one.news(), two.news()
    two.stop()
    two.start()

    assert heard == ([told[2]], [told[1], told[2]], [], [])
    assert again == ([], [told[0]])
    assert two.news() == []


def test_what_many_tell_at_once_is_heard_whole_and_takes_no_room_afterwards(tmp_path):
    listener = Hearsay(tmp_path)
    listener.start()
    heard: list[Told] = []

    def talk(who: int) -> None:
        for n in range(200):
            Hearsay(tmp_path).tell(Told({"path": "/v1/" + "x" * 300 * (n % 3)}, float(who), float(n)))

    talkers = [threading.Thread(target=talk, args=(who,)) for who in range(4)]
    for talker in talkers:
        talker.start()
    while any(talker.is_alive() for talker in talkers):
        heard += listener.news()
    heard += listener.news()

    for who in range(4):
        assert [told.ended for told in heard if told.began == who] == [float(n) for n in range(200)]
    assert (tmp_path / listener.name).stat().st_size == 0


def test_nobodys_work_fails_where_nothing_can_be_written(tmp_path, caplog):
    (tmp_path / FOLDER).write_text("a file where the folder should be")
    with processes(tmp_path, 2) as (one, two):

        def answer(arrived: Arrived) -> Reply:
            two.read("/v1/balance")
            one.read("/v1/events")
            return Reply()

        with receiving(answer) as receiver:
            one.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_cardholder.created"])
            a_spender(two)
            result = one.made("/_emulator/webhooks/drain")

        assert (result["succeeded"], linked(one)) == (1, [[("GET", "/v1/events", False)]])
        assert "API calls that other processes answer are not linked to webhooks" in caplog.text


def test_who_waited_in_a_server_that_was_killed_is_forgotten_at_the_next_start(tmp_path):
    def event(http: httpx.Client) -> None:
        assert http.post("/v1/topups", data={"amount": 100, "currency": "usd"}).status_code == 200

    def client(server: Running) -> httpx.Client:
        return httpx.Client(base_url=server.url, auth=("sk_test_killed", ""), timeout=60, trust_env=False)

    killed = threading.Event()
    with receiving(lambda arrived: Reply(hang=not killed.is_set())) as receiver:
        with Running(tmp_path, "--quiet", "--workers", "2") as server, client(server) as http:
            endpoint: dict[str, Any] = {"url": receiver.url, "enabled_events[]": "topup.created"}
            assert http.post("/v1/webhook_endpoints", data=endpoint).status_code == 200
            event(http)
            receiver.wait_for(1)
            server.kill()
        killed.set()
        left = listeners(tmp_path)

        with Running(tmp_path, "--quiet", "--workers", "2") as server, client(server) as http:
            receiver.wait_for(2)
            assert http.post("/_emulator/webhooks/drain").json()["drained"] is True
            (attempt,) = http.get("/_emulator/webhooks/attempts").json()["data"]

    assert (len(left), listeners(tmp_path)) == (1, [])
    assert (attempt["status"], attempt["api_calls"]) == (200, [])
