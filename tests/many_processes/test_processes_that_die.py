"""A process that is killed leaves nothing undone: others that serve the same database go on with it within seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bench.http_bench import HOLDER
from bench.running import Running, assert_whole
from tests.issuing.purchases import AUTHORIZATIONS
from tests.patience import wait_until
from tests.receivers import PATIENCE_SECONDS, Arrived, Reply, receiving

KEY = ("sk_test_among", "")
SCRIPT = "/_emulator/issuing/scripts/restaurant"
YES = Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})
ASKED = {"enabled_events[]": "issuing_authorization.request"}


@pytest.fixture
def processes(database: str) -> Iterator[tuple[Running, Running]]:
    """Two servers of one database."""
    with Running(database, "--quiet") as one, Running(database, "--quiet") as other:
        yield one, other
        one.kill()


def post(server: Running, path: str, key: str | None = None, **form: Any) -> dict[str, Any]:
    """What a request comes to, which must succeed."""
    reply = sent(server, path, key, **form)
    assert reply.status_code == 200, reply.text
    return reply.json()


def sent(server: Running, path: str, key: str | None = None, **form: Any) -> httpx.Response:
    """What a request is answered."""
    headers = {"Idempotency-Key": key} if key else {}
    return httpx.post(f"{server.url}{path}", data=form, auth=KEY, timeout=30, headers=headers)


def read(server: Running, path: str) -> dict[str, Any]:
    """What a request shows."""
    reply = httpx.get(f"{server.url}{path}", auth=KEY, timeout=30)
    assert reply.status_code == 200, reply.text
    return reply.json()


def a_spender(server: Running) -> str:
    """A card that may pay."""
    post(server, "/v1/test_helpers/issuing/fund_balance", amount=100_00, currency="usd")
    holder = post(server, "/v1/issuing/cardholders", **HOLDER)
    return post(server, "/v1/issuing/cards", cardholder=holder["id"], currency="usd", type="virtual", status="active")[
        "id"
    ]


def test_what_one_had_to_deliver_the_other_delivers_in_order(processes: tuple[Running, Running]) -> None:
    dying, staying = processes
    may_die, is_dead = threading.Event(), threading.Event()

    def answer(arrived: Arrived) -> Reply:
        if not is_dead.is_set():
            may_die.wait(PATIENCE_SECONDS)
            dying.kill()  # while it waits for the answer
            is_dead.set()
        return Reply()

    with receiving(answer) as receiver:
        post(dying, "/v1/webhook_endpoints", url=receiver.url, **{"enabled_events[]": "topup.created"})
        ids = [post(dying, "/v1/topups", amount=100 + number, currency="usd")["id"] for number in range(1)]
        may_die.set()
        assert is_dead.wait(PATIENCE_SECONDS)
        ids += [post(staying, "/v1/topups", amount=200 + number, currency="usd")["id"] for number in range(3)]

        assert post(staying, "/_emulator/webhooks/drain")["drained"]
        told = [event["data"]["object"]["id"] for event in receiver.events]
        assert list(dict.fromkeys(told)) == ids  # the first, of which nobody recorded an answer, perhaps twice


def test_a_question_of_one_that_died_is_concluded_by_the_other(processes: tuple[Running, Running]) -> None:
    dying, staying = processes
    card = a_spender(staying)
    post(staying, "/_emulator/settings", real_time_timeout_ms=8_000)

    def answer(arrived: Arrived) -> Reply:
        dying.kill()
        return Reply()

    with receiving(answer) as receiver:
        post(staying, "/v1/webhook_endpoints", url=receiver.url, **ASKED)
        with pytest.raises(httpx.HTTPError):
            sent(dying, AUTHORIZATIONS, "purchase", amount=10_00, card=card)
        running = sent(staying, AUTHORIZATIONS, "purchase", amount=10_00, card=card)

        def concluded() -> httpx.Response | None:
            reply = sent(staying, AUTHORIZATIONS, "purchase", amount=10_00, card=card)
            return reply if reply.status_code != 409 else None

        repeated = wait_until(concluded)
        (found,) = read(staying, "/v1/issuing/authorizations")["data"]

        assert (running.status_code, repeated.status_code) == (409, 200)
        assert repeated.headers["Idempotent-Replayed"] == "true" and repeated.json() == found
        assert (found["approved"], found["request_history"][0]["reason"]) == (False, "webhook_timeout")


def test_a_key_that_was_in_use_in_one_that_died_can_be_used_at_the_other(
    processes: tuple[Running, Running], database: str
) -> None:
    dying, staying = processes
    card = a_spender(staying)

    def answer(arrived: Arrived) -> Reply:
        dying.kill()
        return YES

    with receiving(answer) as receiver:
        post(staying, "/v1/webhook_endpoints", url=receiver.url, **ASKED)
        with pytest.raises(httpx.HTTPError):
            sent(dying, SCRIPT, "dinner", card=card)
        played = wait_until(lambda: (reply := sent(staying, SCRIPT, "dinner", card=card)).status_code != 409 and reply)
        again = sent(staying, SCRIPT, "dinner", card=card)

        assert played.status_code == 200 and "Idempotent-Replayed" not in played.headers
        assert (again.content, again.headers["Idempotent-Replayed"]) == (played.content, "true")
    assert_whole(database)
