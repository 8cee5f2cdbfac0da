"""Two writers and the agenda at one object of one world, at the same moment: one of them wins, and all are told so.

The agenda is the third writer: a request that moves the clock lets what has fallen due act between the two others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.client import Answer, Client
from tests.issuing.purchases import (
    DAY,
    a_spender,
    a_treasury_spender,
    authorize,
    available,
    cash_and_pending,
    findings,
    helper,
)

ROUNDS = 25
OBT, HELPERS = "/v1/treasury/outbound_transfers", "/v1/test_helpers/treasury/outbound_transfers"
WAIT = 10  # seconds until a transfer posts by itself
PATIENCE_SECONDS = 60


def at_once(client: Client, *doings: Callable[[Client], Answer]) -> list[Answer]:
    """What each of several requests was answered, all sent at the same moment by a client of its own."""
    start = threading.Barrier(len(doings))
    answers: dict[int, Answer] = {}

    def do(number: int, doing: Callable[[Client], Answer]) -> None:
        mine = type(client)(client.app, client.key, client.account)
        start.wait(PATIENCE_SECONDS)
        answers[number] = doing(mine)

    threads = [threading.Thread(target=do, args=numbered) for numbered in enumerate(doings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    return [answers[number] for number in range(len(doings))]


def later(seconds: int) -> Callable[[Client], Answer]:
    """The request that moves the clock."""
    return lambda client: client.post("/_emulator/clock", advance=seconds)


def posting(path: str, **params: Any) -> Callable[[Client], Answer]:
    """A request."""
    return lambda client: client.post(path, **params)


def whole(client: Client) -> bool:
    """Whether nothing was tried in vain and the books are whole."""
    return client.read("/_emulator/due")["data"] == [] and findings(client) == []


def test_of_who_cancels_fails_and_posts_a_transfer_exactly_one_does(platform: Client) -> None:
    platform.clock(frozen=True)
    client, account, _ = a_treasury_spender(platform, 1_000_00)
    given = {"amount": 1_00, "currency": "usd", "financial_account": account}
    features = {"outbound_transfers": {"ach": {"requested": True}}}
    client.made(f"/v1/treasury/financial_accounts/{account}/features", **features)
    ended = []

    for _ in range(ROUNDS):
        id = client.made(OBT, destination_payment_method="pm_usBankAccount", **given)["id"]
        canceled, failed, _ = at_once(
            client, posting(f"{OBT}/{id}/cancel"), posting(f"{HELPERS}/{id}/fail"), later(WAIT)
        )
        transfer = client.read(f"{OBT}/{id}")
        winners = [answer.json["status"] for answer in (canceled, failed) if answer.status == 200] or ["posted"]
        assert winners == [transfer["status"]]
        ended.append(transfer["status"])

    told = [type for type in client.event_types() if type.startswith("treasury.outbound_transfer.")]
    assert told == [f"treasury.outbound_transfer.{status}" for end in ended for status in ("created", end)]
    assert cash_and_pending(client, account) == (1_000_00 - 1_00 * ended.count("posted"), 0)
    assert whole(client)


def test_what_is_captured_is_not_reversed_too_whenever_it_expires(platform: Client) -> None:
    platform.clock(frozen=True)
    card = a_spender(platform, 1_000_00)
    captured_times = 0

    for _ in range(ROUNDS):
        made = authorize(platform, card, 1_00)
        captured, reversed_, _ = at_once(
            platform,
            lambda client, made=made: helper(client, made, "capture"),
            lambda client, made=made: helper(client, made, "reverse"),
            later(7 * DAY),
        )
        now = platform.read(f"/v1/issuing/authorizations/{made['id']}")
        assert (captured.status, reversed_.status) in [(200, 400), (400, 200)]
        assert now["status"] == ("closed" if captured.status == 200 else "reversed")
        assert len(now["transactions"]) == (1 if captured.status == 200 else 0)
        captured_times += len(now["transactions"])

    assert available(platform) == 1_000_00 - 1_00 * captured_times
    assert whole(platform)


def test_the_last_money_is_spent_once_and_again_when_it_has_come_back(platform: Client) -> None:
    platform.clock(frozen=True)
    card = a_spender(platform, 100_00)

    for _ in range(ROUNDS):
        asked = [posting("/v1/test_helpers/issuing/authorizations", card=card["id"], amount=60_00)] * 2
        answers = at_once(platform, *asked)
        assert sorted(answer.json["approved"] for answer in answers) == [False, True]
        assert available(platform) == 40_00
        at_once(platform, later(7 * DAY), lambda client: client.get("/v1/balance"))
        assert available(platform) == 100_00

    assert whole(platform)
