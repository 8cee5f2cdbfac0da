"""The worked sequences of a purchase, number for number: on the Issuing balance and on a financial account."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client
from tests.issuing.purchases import (
    a_spender,
    a_treasury_spender,
    authorize,
    available,
    balance_rows,
    cash_and_pending,
    done,
    force_capture,
    reasons,
    refund,
)

TREASURY_TRANSACTIONS = "/v1/treasury/transactions"


def test_a_plain_purchase_on_the_issuing_balance(platform: Client) -> None:
    card = a_spender(platform, 500_00)
    already = len(platform.events())

    authorization = authorize(platform, card, 12_34)
    assert (authorization["status"], authorization["amount"], available(platform)) == ("pending", 12_34, 487_66)
    captured = done(platform, authorization, "capture")
    assert (captured["status"], captured["amount"], available(platform)) == ("closed", 12_34, 487_66)
    (transaction,) = captured["transactions"]
    refunded = refund(platform, transaction, refund_amount=2_34)

    assert refunded.status == 200
    assert available(platform) == 490_00
    assert platform.read(f"/v1/issuing/authorizations/{authorization['id']}")["status"] == "closed"
    assert balance_rows(platform) == [
        ("topup", 500_00),
        ("issuing_authorization_hold", -12_34),
        ("issuing_authorization_release", 12_34),
        ("issuing_transaction", -12_34),
        ("issuing_transaction", 2_34),
    ]
    assert platform.event_types(already) == [
        "issuing_authorization.created",
        "issuing_transaction.created",
        "issuing_authorization.updated",
        "issuing_transaction.created",
    ]


SEQUENCES: list[tuple[str, list[tuple[str, dict[str, Any]]], str, int, int]] = [
    ("reverse in part", [("reverse", {"reverse_amount": 4_00})], "pending", 6_00, 494_00),
    ("reverse", [("reverse", {})], "reversed", 0, 500_00),
    ("expire", [("expire", {})], "expired", 10_00, 500_00),
    ("capture more", [("capture", {"capture_amount": 15_00})], "closed", 10_00, 485_00),
    ("capture less", [("capture", {"capture_amount": 6_00})], "closed", 10_00, 494_00),
    (
        "capture in part",
        [("capture", {"capture_amount": 6_00, "close_authorization": False})],
        "pending",
        10_00,
        490_00,
    ),
    (
        "capture in part, then the rest",
        [("capture", {"capture_amount": 6_00, "close_authorization": False}), ("capture", {})],
        "closed",
        10_00,
        490_00,
    ),
    ("capture late", [("expire", {}), ("capture", {"capture_amount": 10_00})], "closed", 10_00, 490_00),
    # Ours: what is left after captures in part runs out.
    (
        "reverse after a capture in part",
        [("capture", {"capture_amount": 6_00, "close_authorization": False}), ("reverse", {})],
        "closed",
        6_00,
        494_00,
    ),
    (
        "expire after a capture in part",
        [("capture", {"capture_amount": 6_00, "close_authorization": False}), ("expire", {})],
        "closed",
        10_00,
        494_00,
    ),
    ("increment", [("increment", {"increment_amount": 5_00})], "pending", 15_00, 485_00),
    ("finalize at more", [("finalize_amount", {"final_amount": 25_00})], "pending", 25_00, 475_00),
    ("finalize at less", [("finalize_amount", {"final_amount": 2_50})], "pending", 2_50, 497_50),
    ("finalize at nothing", [("finalize_amount", {"final_amount": 0})], "pending", 0, 500_00),
    ("capture twice", [("capture", {}), ("capture", {"capture_amount": 3_00})], "closed", 10_00, 487_00),
    (
        "capture more than is held, and more to come",
        [("capture", {"capture_amount": 12_00, "close_authorization": False})],
        "pending",
        10_00,
        488_00,
    ),
    (
        "capture late and in part",
        [("expire", {}), ("capture", {"capture_amount": 4_00, "close_authorization": False})],
        "expired",
        10_00,
        496_00,
    ),
]


@pytest.mark.parametrize("name, steps, status, amount, left", SEQUENCES, ids=[row[0] for row in SEQUENCES])
def test_what_becomes_of_ten_dollars_held(
    platform: Client, name: str, steps: list[tuple[str, dict[str, Any]]], status: str, amount: int, left: int
) -> None:
    authorization = authorize(platform, a_spender(platform, 500_00), 10_00)

    for verb, params in steps:
        authorization = done(platform, authorization, verb, **params)

    assert (authorization["status"], authorization["amount"], available(platform)) == (status, amount, left)
    assert authorization["merchant_amount"] == amount
    assert authorization["approved"] is True


def test_a_purchase_on_a_financial_account(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform, 200_00)
    assert cash_and_pending(client, account) == (200_00, 0)

    authorization = authorize(client, card, 10_00)
    assert cash_and_pending(client, account) == (190_00, 10_00)
    hold = client.read(f"{TREASURY_TRANSACTIONS}/{authorization['treasury']['transaction']}", expand=["entries"])
    assert (hold["status"], hold["amount"], hold["flow_type"]) == ("open", -10_00, "issuing_authorization")
    assert hold["flow"] == authorization["id"]
    assert hold["balance_impact"] == {"cash": -10_00, "inbound_pending": 0, "outbound_pending": 10_00}
    assert authorization["balance_transactions"] == []

    captured = done(client, authorization, "capture")
    assert cash_and_pending(client, account) == (190_00, 0)
    (capture,) = captured["transactions"]
    debit = client.read(f"/v1/treasury/received_debits/{capture['treasury']['received_debit']}", expand=["transaction"])
    assert captured["treasury"] == {
        "received_credits": [],
        "received_debits": [debit["id"]],
        "transaction": hold["id"],
    }
    assert capture["balance_transaction"] is None
    assert (debit["amount"], debit["network"], debit["status"]) == (10_00, "card", "succeeded")
    assert debit["linked_flows"]["issuing_authorization"] == authorization["id"]
    assert debit["linked_flows"]["issuing_transaction"] == capture["id"]
    assert debit["initiating_payment_method_details"]["issuing_card"] == card["id"]
    assert (debit["transaction"]["status"], debit["transaction"]["amount"]) == ("posted", -10_00)
    hold = client.read(f"{TREASURY_TRANSACTIONS}/{hold['id']}", expand=["entries"])
    assert (hold["status"], hold["amount"]) == ("void", 0)
    assert [entry["type"] for entry in hold["entries"]["data"]] == [
        "issuing_authorization_release",
        "issuing_authorization_hold",
    ]

    back = refund(client, capture, refund_amount=3_00).json
    assert cash_and_pending(client, account) == (193_00, 0)
    credit = client.read(f"/v1/treasury/received_credits/{back['treasury']['received_credit']}")
    assert (credit["amount"], credit["network"], credit["status"]) == (3_00, "card", "succeeded")
    assert credit["linked_flows"]["issuing_transaction"] == back["id"]

    assert reasons(authorize(client, card, 300_00)) == ["insufficient_funds"]
    assert cash_and_pending(client, account) == (193_00, 0)

    dispute = client.made(
        "/v1/issuing/disputes",
        treasury={"received_debit": debit["id"]},
        amount=7_00,
        evidence={"reason": "fraudulent", "fraudulent": {"explanation": "winning_evidence"}},
    )
    client.made(f"/v1/issuing/disputes/{dispute['id']}/submit")
    assert cash_and_pending(client, account) == (200_00, 0)

    force_capture(client, card, 250_00)
    assert cash_and_pending(client, account) == (-50_00, 0)
    assert reasons(authorize(client, card, 1)) == ["insufficient_funds"]
    assert cash_and_pending(client, account) == (-50_00, 0)


def test_events_of_a_purchase_on_a_financial_account_come_in_order(platform: Client) -> None:
    client, _, card = a_treasury_spender(platform)
    already = len(client.events())

    authorization = authorize(client, card, 10_00)
    captured = done(client, authorization, "capture")
    refund(client, captured["transactions"][0])
    force_capture(client, card, 5_00)

    events = client.events()[already:]
    assert [event["type"] for event in events] == [
        "issuing_authorization.created",
        "issuing_transaction.created",
        "issuing_authorization.updated",
        "treasury.received_debit.created",
        "issuing_transaction.created",
        "treasury.received_credit.created",
        "treasury.received_credit.succeeded",
        "issuing_transaction.created",
        "treasury.received_debit.created",
    ]
    assert events[2]["data"]["previous_attributes"] == {"status": "pending"}


def test_what_an_authorization_holds_can_open_a_second_treasury_transaction(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform)
    authorization = authorize(client, card, 10_00)
    first = authorization["treasury"]["transaction"]

    done(client, authorization, "finalize_amount", final_amount=0)
    again = done(client, authorization, "increment", increment_amount=5_00)

    assert client.read(f"{TREASURY_TRANSACTIONS}/{first}")["status"] == "void"
    second = client.read(f"{TREASURY_TRANSACTIONS}/{again['treasury']['transaction']}")
    assert (second["status"], second["amount"]) == ("open", -5_00)
    assert second["id"] != first
    assert cash_and_pending(client, account) == (195_00, 5_00)


def test_parts_of_a_hold_are_released_within_one_treasury_transaction(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform)
    authorization = authorize(client, card, 10_00)
    transaction = f"{TREASURY_TRANSACTIONS}/{authorization['treasury']['transaction']}"

    done(client, authorization, "reverse", reverse_amount=4_00)
    assert (client.read(transaction)["amount"], client.read(transaction)["status"]) == (-6_00, "open")
    done(client, authorization, "increment", increment_amount=1_00)
    assert client.read(transaction)["amount"] == -7_00
    done(client, authorization, "expire")

    assert (client.read(transaction)["amount"], client.read(transaction)["status"]) == (0, "void")
    assert cash_and_pending(client, account) == (200_00, 0)


def test_an_authorization_keeps_the_account_it_was_made_on(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform)
    authorization = authorize(client, card, 10_00)
    other = client.made(
        "/v1/treasury/financial_accounts",
        supported_currencies=["usd"],
        features={"card_issuing": {"requested": True}},
    )["id"]

    client.made(f"/v1/issuing/cards/{card['id']}", financial_account=other)
    done(client, authorization, "capture")

    assert cash_and_pending(client, account) == (190_00, 0)
    assert cash_and_pending(client, other) == (0, 0)
    assert reasons(authorize(client, card, 1)) == ["insufficient_funds"]
