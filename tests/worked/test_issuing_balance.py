"""Purchases from the Issuing balance, call by call: status, amount, what is left, balance transactions, events."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.client import Client
from tests.issuing.holders import a_cardholder, told
from tests.issuing.purchases import TRANSACTIONS, a_spender, authorize, available, done, findings, fund

HOLD = "Hold for authorization"
RELEASED = "Released hold for authorization due to "


class Row(NamedTuple):
    """A balance transaction: its type, amount, description, and the object that caused it."""

    type: str
    amount: int
    description: str | None
    source: str | None


def rows(client: Client) -> list[Row]:
    """Every balance transaction, oldest first; all of them belong to the Issuing balance, without fees, at once."""
    listed = client.read("/v1/balance_transactions", limit=100)["data"][::-1]
    for one in listed:
        assert one["type"] == one["reporting_category"]
        assert (one["balance_type"], one["currency"], one["status"]) == ("issuing", "usd", "available")
        assert (one["net"], one["fee"], one["fee_details"], one["exchange_rate"]) == (one["amount"], 0, [], None)
        assert one["available_on"] == one["created"]
    return [Row(one["type"], one["amount"], one["description"], one["source"]) for one in listed]


@pytest.mark.parametrize("way", ["a top-up", "the test helper"])
def test_a_plain_purchase(platform: Client, way: str) -> None:
    holder = a_cardholder(platform)["id"]
    since = len(platform.events())

    def new_events() -> list[Any]:
        nonlocal since
        events = told(platform, since)
        since += len(events)
        return events

    # 1. fund 50000
    if way == "a top-up":
        topup = platform.made("/v1/topups", amount=50000, currency="usd", destination_balance="issuing")
        assert topup["status"] == "pending"
        arrived = platform.read(f"/v1/topups/{topup['id']}")
        assert arrived["status"] == "succeeded"
        source, funding = topup["id"], [("topup.created", None), ("topup.succeeded", None)]
    else:
        fund(platform, 50000)
        source, funding = None, []
    assert available(platform) == 50000
    assert [row[:2] + row[3:] for row in rows(platform)] == [("topup", 50000, source)]
    assert new_events() == funding

    # 2. create card
    card = platform.made("/v1/issuing/cards", cardholder=holder, currency="usd", type="virtual", status="active")
    assert (card["status"], available(platform), len(rows(platform))) == ("active", 50000, 1)
    assert new_events() == [("issuing_card.created", None)]

    # 3. authorize 1234
    authorization = authorize(platform, card, 1234)
    assert (authorization["status"], authorization["amount"]) == ("pending", 1234)
    assert authorization["approved"] is True
    assert available(platform) == 48766
    assert rows(platform)[1:] == [("issuing_authorization_hold", -1234, HOLD, authorization["id"])]
    assert new_events() == [("issuing_authorization.created", None)]

    # 4. capture
    captured = done(platform, authorization, "capture")
    (transaction,) = captured["transactions"]
    assert (captured["status"], captured["amount"]) == ("closed", 1234)
    assert (transaction["type"], transaction["amount"], transaction["merchant_amount"]) == ("capture", -1234, -1234)
    assert available(platform) == 48766
    assert rows(platform)[2:] == [
        ("issuing_authorization_release", 1234, RELEASED + "capture", authorization["id"]),
        ("issuing_transaction", -1234, None, transaction["id"]),
    ]
    assert new_events() == [
        ("issuing_transaction.created", None),
        ("issuing_authorization.updated", {"status": "pending"}),
    ]

    # 5. refund 234
    refund = platform.made(f"{TRANSACTIONS}/{transaction['id']}/refund", refund_amount=234)
    after = platform.read(f"/v1/issuing/authorizations/{authorization['id']}")
    assert (refund["type"], refund["amount"], refund["authorization"]) == ("refund", 234, authorization["id"])
    assert after["status"] == "closed"
    assert {one["id"] for one in after["transactions"]} == {transaction["id"], refund["id"]}
    assert available(platform) == 49000
    assert rows(platform)[4:] == [("issuing_transaction", 234, None, refund["id"])]
    assert new_events() == [("issuing_transaction.created", None)]

    # What the authorization and the transactions say of the balance transactions is the same.
    assert [(one["type"], one["amount"]) for one in after["balance_transactions"]] == [
        ("issuing_authorization_release", 1234),
        ("issuing_authorization_hold", -1234),
    ]
    moved = platform.read(f"/v1/balance_transactions/{refund['balance_transaction']}")
    assert (moved["amount"], moved["source"]) == (234, refund["id"])
    assert findings(platform) == []


class Case(NamedTuple):
    """Calls on a hold of 1000 out of 50000, and how each of them leaves status, amount and balance."""

    calls: list[tuple[str, dict[str, Any]]]
    after: list[tuple[str, int, int]]  # status, amount, available: one per call
    rows: list[tuple[str, int, str | None]]  # balance transactions after the hold
    events: list[tuple[str, dict[str, Any] | None]]


RELEASE, PAID = "issuing_authorization_release", "issuing_transaction"
CREATED = ("issuing_transaction.created", None)
CLOSED = ("issuing_authorization.updated", {"status": "pending"})
CASES: dict[str, Case] = {
    "reverse 400": Case(
        [("reverse", {"reverse_amount": 400})],
        [("pending", 600, 49400)],
        [(RELEASE, 400, RELEASED + "reversal")],
        [("issuing_authorization.updated", {"amount": 1000, "merchant_amount": 1000})],
    ),
    "reverse": Case(
        [("reverse", {})],
        [("reversed", 0, 50000)],
        [(RELEASE, 1000, RELEASED + "reversal")],
        [("issuing_authorization.updated", {"amount": 1000, "merchant_amount": 1000, "status": "pending"})],
    ),
    "expire": Case(
        [("expire", {})],
        [("expired", 1000, 50000)],
        [(RELEASE, 1000, RELEASED + "expiration")],
        [CLOSED],
    ),
    "capture 1500": Case(
        [("capture", {"capture_amount": 1500})],
        [("closed", 1000, 48500)],
        [(RELEASE, 1000, RELEASED + "capture"), (PAID, -1500, None)],
        [CREATED, CLOSED],
    ),
    "capture 600": Case(
        [("capture", {"capture_amount": 600})],
        [("closed", 1000, 49400)],
        [(RELEASE, 1000, RELEASED + "capture"), (PAID, -600, None)],
        [CREATED, CLOSED],
    ),
    "capture 600 close_authorization=false, then capture": Case(
        [("capture", {"capture_amount": 600, "close_authorization": False}), ("capture", {})],
        [("pending", 1000, 49000), ("closed", 1000, 49000)],
        [
            (RELEASE, 600, RELEASED + "capture"),
            (PAID, -600, None),
            (RELEASE, 400, RELEASED + "capture"),
            (PAID, -400, None),
        ],
        [CREATED, CREATED, CLOSED],
    ),
    "expire, then capture 1000": Case(
        [("expire", {}), ("capture", {"capture_amount": 1000})],
        [("expired", 1000, 50000), ("closed", 1000, 49000)],
        [(RELEASE, 1000, RELEASED + "expiration"), (PAID, -1000, None)],
        [CLOSED, CREATED, ("issuing_authorization.updated", {"status": "expired"})],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_hold_of_1000(platform: Client, name: str) -> None:
    case = CASES[name]
    authorization = authorize(platform, a_spender(platform, 50000), 1000)
    before, since = len(rows(platform)), len(platform.events())
    assert available(platform) == 49000

    after = []
    for verb, params in case.calls:
        authorization = done(platform, authorization, verb, **params)
        after.append((authorization["status"], authorization["amount"], available(platform)))

    assert after == case.after
    assert [row[:3] for row in rows(platform)[before:]] == case.rows
    assert told(platform, since) == case.events
    assert (authorization["merchant_amount"], authorization["approved"]) == (case.after[-1][1], True)
    paid = [amount for type, amount, _ in case.rows if type == PAID]
    assert [one["amount"] for one in reversed(authorization["transactions"])] == paid
    assert findings(platform) == []
