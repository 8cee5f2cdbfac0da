"""A process that is killed leaves nothing undone: others that serve the same database go on with it within seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bench.running import Running
from tests.issuing.purchases import AUTHORIZATIONS
from tests.patience import wait_until
from tests.receivers import Arrived, Reply, receiving

KEY = ("sk_test_among", "")


@pytest.fixture
def processes(database: str) -> Iterator[tuple[Running, Running]]:
    """Two servers of one database."""
    with Running(database, "--quiet") as one, Running(database, "--quiet") as other:
        yield one, other
        one.kill()


def post(server: Running, path: str, **form: Any) -> dict[str, Any]:
    """What a request comes to, which must succeed."""
    reply = httpx.post(f"{server.url}{path}", data=form, auth=KEY, timeout=30)
    assert reply.status_code == 200, reply.text
    return reply.json()


def read(server: Running, path: str) -> dict[str, Any]:
    """What a request shows."""
    reply = httpx.get(f"{server.url}{path}", auth=KEY, timeout=30)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_what_one_had_to_deliver_the_other_delivers_in_order(processes: tuple[Running, Running]) -> None:
    dying, staying = processes
    hangs = True

    def answer(arrived: Arrived) -> Reply:
        if hangs:
            dying.kill()  # while it waits for the answer
        return Reply()

    with receiving(answer) as receiver:
        post(dying, "/v1/webhook_endpoints", url=receiver.url, **{"enabled_events[]": "topup.created"})
        ids = [post(dying, "/v1/topups", amount=100 + number, currency="usd")["id"] for number in range(1)]
        receiver.wait_for(1)
        hangs = False
        ids += [post(staying, "/v1/topups", amount=200 + number, currency="usd")["id"] for number in range(3)]

        assert post(staying, "/_emulator/webhooks/drain")["drained"]
        told = [event["data"]["object"]["id"] for event in receiver.events]
        assert list(dict.fromkeys(told)) == ids  # the first, of which nobody recorded an answer, perhaps twice


def test_a_question_of_one_that_died_is_concluded_by_the_other(processes: tuple[Running, Running]) -> None:
    dying, staying = processes
    post(staying, "/v1/test_helpers/issuing/fund_balance", amount=100_00, currency="usd")
    holder = post(
        staying,
        "/v1/issuing/cardholders",
        type="individual",
        name="Jenny Rosen",
        **{
            "individual[first_name]": "Jenny",
            "individual[last_name]": "Rosen",
            "billing[address][line1]": "1 Main",
            "billing[address][city]": "SF",
            "billing[address][state]": "CA",
            "billing[address][postal_code]": "94111",
            "billing[address][country]": "US",
            "individual[card_issuing][user_terms_acceptance][date]": 1700000000,
            "individual[card_issuing][user_terms_acceptance][ip]": "8.8.8.8",
        },
    )
    card = post(staying, "/v1/issuing/cards", cardholder=holder["id"], currency="usd", type="virtual", status="active")

    def answer(arrived: Arrived) -> Reply:
        dying.kill()
        return Reply()

    with receiving(answer) as receiver:
        wanted = {"enabled_events[]": "issuing_authorization.request"}
        post(staying, "/v1/webhook_endpoints", url=receiver.url, **wanted)
        with pytest.raises(httpx.HTTPError):
            post(dying, AUTHORIZATIONS, amount=10_00, card=card["id"], currency="usd")

        def decided() -> dict[str, Any] | None:
            (found,) = read(staying, "/v1/issuing/authorizations")["data"]
            return found if found["request_history"] else None

        found = wait_until(decided)
        assert (found["approved"], found["request_history"][0]["reason"]) == (False, "webhook_timeout")
