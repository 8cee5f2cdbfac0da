"""Purchases from a financial account, call by call: cash, what is promised, and the Treasury objects of each call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client
from tests.issuing.holders import told
from tests.issuing.purchases import (
    FINANCIAL_ACCOUNTS,
    a_treasury_spender,
    authorize,
    cash_and_pending,
    done,
    findings,
    force_capture,
    reasons,
    receive,
    refund,
)

TREASURY = "/v1/treasury"
NOTHING = {"cash": 0, "inbound_pending": 0, "outbound_pending": 0}


class World:
    """A connected account with an empty financial account and an active card on it."""

    def __init__(self, platform: Client) -> None:
        self.client, self.account, self.card = a_treasury_spender(platform, funds=0)
        self.seen = len(self.client.events())

    @property
    def money(self) -> tuple[int, int]:
        """Cash and outbound_pending."""
        return cash_and_pending(self.client, self.account)

    def transaction(self, id: str) -> dict[str, Any]:
        """A Treasury transaction with its entries."""
        return self.client.read(f"{TREASURY}/transactions/{id}", expand=["entries"])

    def entries(self, id: str) -> list[tuple[str, int, int]]:
        """Type, cash and outbound_pending of a transaction's entries, newest first."""
        listed = self.transaction(id)["entries"]["data"]
        return [
            (one["type"], one["balance_impact"]["cash"], one["balance_impact"]["outbound_pending"]) for one in listed
        ]

    def new_events(self) -> list[tuple[str, dict[str, Any] | None]]:
        """What was told since the last look."""
        events = told(self.client, self.seen)
        self.seen += len(events)
        return events

    def entries_sum_to_the_balance(self) -> bool:
        """Whether the impacts of all entries add up to what the financial account shows."""
        listed = self.client.read(
            f"{TREASURY}/transaction_entries", financial_account=self.account, limit=100, order_by="created"
        )["data"]
        impacts = [one["balance_impact"] for one in listed]
        assert sum(impact["inbound_pending"] for impact in impacts) == 0
        return self.money == (
            sum(impact["cash"] for impact in impacts),
            sum(impact["outbound_pending"] for impact in impacts),
        )


@pytest.fixture
def world(platform: Client) -> World:
    return World(platform)


def test_the_sequence_of_a_disputed_purchase(world: World) -> None:
    client, account, card = world.client, world.account, world.card

    # received credit 20000
    receive(client, account, 20000)
    assert world.money == (20000, 0)
    world.new_events()

    # authorize 1000
    authorization = authorize(client, card, 1000)
    hold = world.transaction(authorization["treasury"]["transaction"])
    assert world.money == (19000, 1000)
    assert (hold["status"], hold["amount"], hold["flow_type"], hold["flow"]) == (
        "open",
        -1000,
        "issuing_authorization",
        authorization["id"],
    )
    assert world.new_events() == [("issuing_authorization.created", None)]

    # capture
    captured = done(client, authorization, "capture")
    (purchase,) = captured["transactions"]
    debit = client.read(f"{TREASURY}/received_debits/{purchase['treasury']['received_debit']}")
    paid, hold = world.transaction(debit["transaction"]), world.transaction(hold["id"])
    assert world.money == (19000, 0)
    assert (debit["amount"], debit["network"], debit["status"]) == (1000, "card", "succeeded")
    assert (paid["status"], paid["amount"], paid["flow_type"]) == ("posted", -1000, "received_debit")
    assert paid["id"] != hold["id"]
    assert (hold["status"], hold["amount"], hold["balance_impact"]) == ("void", 0, NOTHING)
    assert world.new_events() == [
        ("issuing_transaction.created", None),
        ("issuing_authorization.updated", {"status": "pending"}),
        ("treasury.received_debit.created", None),
    ]

    # refund 300
    back = refund(client, purchase, refund_amount=300).json
    credit = client.read(f"{TREASURY}/received_credits/{back['treasury']['received_credit']}")
    assert world.money == (19300, 0)
    assert (credit["amount"], credit["network"], credit["status"]) == (300, "card", "succeeded")
    assert world.new_events() == [
        ("issuing_transaction.created", None),
        ("treasury.received_credit.created", None),
        ("treasury.received_credit.succeeded", None),
    ]

    # authorize 30000
    assert reasons(authorize(client, card, 30000)) == ["insufficient_funds"]
    assert world.money == (19300, 0)
    assert world.new_events() == [("issuing_authorization.created", None)]

    # dispute 700 of it, winning
    dispute = client.made(
        "/v1/issuing/disputes",
        treasury={"received_debit": debit["id"]},
        amount=700,
        evidence={"reason": "fraudulent", "fraudulent": {"explanation": "winning_evidence"}},
    )
    submitted = client.made(f"/v1/issuing/disputes/{dispute['id']}/submit")
    assert submitted["status"] == "submitted"
    assert world.money == (20000, 0)
    won = client.read(f"/v1/issuing/disputes/{dispute['id']}")
    reversal = client.read(f"{TREASURY}/debit_reversals/{won['treasury']['debit_reversal']}")
    assert (won["status"], reversal["status"], reversal["amount"]) == ("won", "succeeded", 700)
    assert (reversal["network"], reversal["linked_flows"]["issuing_dispute"]) == ("card", dispute["id"])
    assert world.new_events() == [
        ("issuing_dispute.created", None),
        ("issuing_transaction.updated", {"dispute": None}),
        ("issuing_dispute.submitted", None),
        ("treasury.debit_reversal.created", None),
        ("issuing_dispute.funds_reinstated", None),
        ("issuing_dispute.closed", None),
        ("treasury.debit_reversal.completed", None),
    ]

    # force capture 25000
    forced = force_capture(client, card, 25000)
    debit = client.read(f"{TREASURY}/received_debits/{forced['treasury']['received_debit']}")
    assert world.money == (-5000, 0)
    assert (debit["amount"], debit["linked_flows"]["issuing_authorization"]) == (25000, None)
    assert debit["linked_flows"]["issuing_transaction"] == forced["id"]

    # authorize 1
    assert reasons(authorize(client, card, 1)) == ["insufficient_funds"]
    assert world.money == (-5000, 0)
    assert world.entries_sum_to_the_balance()
    assert client.read("/v1/balance_transactions")["data"] == []
    assert findings(client) == []


def test_the_ledger_of_a_card_purchase(world: World) -> None:
    client, account, card = world.client, world.account, world.card
    assert world.money == (0, 0)

    # 1. received credit 50000
    sent = client.made(
        "/v1/test_helpers/treasury/received_credits",
        amount=50000,
        currency="usd",
        financial_account=account,
        network="ach",
    )
    posted = world.transaction(sent["transaction"])
    assert world.money == (50000, 0)
    assert (sent["status"], posted["status"], posted["amount"]) == ("succeeded", "posted", 50000)
    assert world.entries(posted["id"]) == [("received_credit", 50000, 0)]

    # 6. authorize 300
    authorization = authorize(client, card, 300)
    held = world.transaction(authorization["treasury"]["transaction"])
    assert world.money == (49700, 300)
    assert (held["status"], held["flow_type"]) == ("open", "issuing_authorization")
    assert held["balance_impact"] == {"cash": -300, "inbound_pending": 0, "outbound_pending": 300}
    assert world.entries(held["id"]) == [("issuing_authorization_hold", -300, 300)]

    # 7. capture 300
    captured = done(client, authorization, "capture", capture_amount=300)
    (purchase,) = captured["transactions"]
    debit = client.read(f"{TREASURY}/received_debits/{purchase['treasury']['received_debit']}", expand=["transaction"])
    held = world.transaction(held["id"])
    assert world.money == (49700, 0)
    assert (held["status"], held["balance_impact"]) == ("void", NOTHING)
    assert held["status_transitions"]["void_at"] == purchase["created"]
    assert world.entries(held["id"]) == [
        ("issuing_authorization_release", 300, -300),
        ("issuing_authorization_hold", -300, 300),
    ]
    assert (debit["network"], debit["status"]) == ("card", "succeeded")
    assert (debit["transaction"]["status"], debit["transaction"]["amount"]) == ("posted", -300)
    assert world.entries(debit["transaction"]["id"]) == [("received_debit", -300, 0)]

    # 8. refund 300
    back = refund(client, purchase).json
    credit = client.read(f"{TREASURY}/received_credits/{back['treasury']['received_credit']}", expand=["transaction"])
    assert world.money == (50000, 0)
    assert (credit["network"], credit["amount"]) == ("card", 300)
    assert credit["linked_flows"]["issuing_transaction"] == back["id"]
    assert credit["linked_flows"]["issuing_authorization"] == authorization["id"]
    assert (credit["transaction"]["status"], credit["transaction"]["amount"]) == ("posted", 300)

    # 9. received debit 60000
    refused = client.made(
        "/v1/test_helpers/treasury/received_debits",
        amount=60000,
        currency="usd",
        financial_account=account,
        network="ach",
    )
    assert world.money == (50000, 0)
    assert (refused["status"], refused["failure_code"], refused["transaction"]) == (
        "failed",
        "insufficient_funds",
        None,
    )

    # 15. close without forwarding; no card must stand in the way
    client.made(f"/v1/issuing/cards/{card['id']}", status="canceled")
    before = len(client.events())
    refusal = client.post(f"{FINANCIAL_ACCOUNTS}/{account}/close")
    assert refusal.status == 400
    assert "balance" in refusal.error["message"]
    assert client.read(f"{FINANCIAL_ACCOUNTS}/{account}")["status"] == "open"
    assert (world.money, len(client.events())) == ((50000, 0), before)
    assert world.entries_sum_to_the_balance()
    assert findings(client) == []
