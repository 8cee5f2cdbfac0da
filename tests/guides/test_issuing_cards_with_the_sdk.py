"""The guide "Working with Stripe Issuing cards" with the official SDK over a real port, and what it does not print:
other amounts, evidence with files, the financial account's statement.

Source: https://docs.stripe.com/treasury/connect/account-management/issuing-cards
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
import stripe
from flask import Flask

from tests.serving import served

CUSTOM = {
    "fees": {"payer": "application"},
    "losses": {"payments": "application"},
    "requirement_collection": "application",
    "stripe_dashboard": {"type": "none"},
}
ADDRESS = {
    "line1": "354 Oyster Point Blvd",
    "city": "South San Francisco",
    "state": "CA",
    "postal_code": "94080",
    "country": "US",
}


@pytest.fixture
def sdk(app: Flask, key: str) -> Iterator[stripe.StripeClient]:
    """The official client, pointed at the emulator."""
    with served(app) as address:
        bases = {"api": address, "files": address, "connect": address, "meter_events": address}
        yield stripe.StripeClient(key, base_addresses=bases, max_network_retries=0)


class Program:
    """A platform with one connected account, a funded financial account, a cardholder and an active card."""

    def __init__(self, sdk: stripe.StripeClient) -> None:
        self.v1 = sdk.v1
        self.account = self.v1.accounts.create(
            {
                "country": "US",
                "controller": CUSTOM,
                "business_type": "company",
                "capabilities": {name: {"requested": True} for name in ("treasury", "card_issuing", "transfers")},
            }
        ).id
        self.acting: Any = {"stripe_account": self.account}
        self.financial_account = self.v1.treasury.financial_accounts.create(
            {"supported_currencies": ["usd"], "features": {"financial_addresses": {"aba": {"requested": True}}}},
            self.acting,
        ).id
        self.v1.treasury.financial_accounts.update(
            self.financial_account, {"features": {"card_issuing": {"requested": True}}}, self.acting
        )
        self.v1.test_helpers.treasury.received_credits.create(
            {"financial_account": self.financial_account, "amount": 200_00, "currency": "usd", "network": "ach"},
            self.acting,
        )
        self.cardholder = self.v1.issuing.cardholders.create(
            {
                "name": "Jenny Rosen",
                "type": "individual",
                "individual": {"first_name": "Jenny", "last_name": "Rosen"},
                "billing": {"address": ADDRESS},  # type: ignore[typeddict-item]
            },
            self.acting,
        ).id
        self.card = self.v1.issuing.cards.create(
            {
                "cardholder": self.cardholder,
                "financial_account": self.financial_account,
                "currency": "usd",
                "type": "virtual",
                "status": "active",
            },
            self.acting,
        ).id

    def authorize(self, amount: int, **more: Any) -> Any:
        """A purchase attempt on the card."""
        params: Any = {"card": self.card, "amount": amount, **more}
        return self.v1.test_helpers.issuing.authorizations.create(params, self.acting)

    def capture(self, authorization: str, **how: Any) -> Any:
        """The merchant collects."""
        params: Any = how
        return self.v1.test_helpers.issuing.authorizations.capture(authorization, params, self.acting)

    @property
    def balance(self) -> tuple[int, int]:
        """Cash and outbound pending of the financial account."""
        balance = self.v1.treasury.financial_accounts.retrieve(self.financial_account, None, self.acting).balance
        return balance.cash["usd"], balance.outbound_pending["usd"]

    def dispute(self, received_debit: str, explanation: str, amount: int) -> Any:
        """A submitted dispute of a purchase."""
        created = self.v1.issuing.disputes.create(
            {
                "treasury": {"received_debit": received_debit},
                "amount": amount,
                "evidence": {"reason": "not_received", "not_received": {"explanation": explanation}},
            },
            self.acting,
        )
        self.v1.issuing.disputes.submit(created.id, None, self.acting)
        return self.v1.issuing.disputes.retrieve(created.id, None, self.acting)


@pytest.fixture
def program(sdk: stripe.StripeClient) -> Program:
    """The guide's first half, done."""
    return Program(sdk)


def test_a_purchase_holds_cash_and_a_capture_takes_it(program):
    authorization = program.authorize(10_00)
    held = program.balance
    captured = program.capture(authorization.id)

    assert (authorization.approved, authorization.status) == (True, "pending")
    assert held == (190_00, 10_00)
    assert captured.status == "closed"
    assert program.balance == (190_00, 0)
    debit = captured.transactions[0].treasury.received_debit
    assert program.v1.treasury.received_debits.retrieve(debit, None, program.acting).network == "card"


def test_a_capture_may_exceed_the_balance_and_later_purchases_are_declined(program):
    authorization = program.authorize(150_00)
    program.capture(authorization.id, capture_amount=215_00)

    declined = program.authorize(1_00)

    assert program.balance == (-15_00, 0)
    assert (declined.approved, declined.request_history[0].reason) == (False, "insufficient_funds")


def test_a_refund_gives_cash_back_as_a_received_credit(program):
    transaction = program.capture(program.authorize(30_00).id).transactions[0]

    refund = program.v1.test_helpers.issuing.transactions.refund(
        transaction.id, {"refund_amount": 12_00}, program.acting
    )

    assert refund.type == "refund"
    assert refund.treasury.received_credit.startswith("rc_")
    assert program.balance == (182_00, 0)


def test_lifted_restrictions_let_purchases_through_again(program):
    for flows in ("restricted", "unrestricted"):
        program.v1.treasury.financial_accounts.update(
            program.financial_account, {"platform_restrictions": {"outbound_flows": flows}}, program.acting
        )

    assert program.authorize(10_00).approved is True


def test_a_dispute_is_won_with_winning_evidence_and_its_money_returns(program):
    debit = program.capture(program.authorize(10_00).id).transactions[0].treasury.received_debit

    dispute = program.dispute(debit, "winning_evidence", 7_00)

    assert dispute.status == "won"
    assert dispute.treasury.debit_reversal.startswith("debrev_")
    assert program.balance == (197_00, 0)


def test_evidence_is_uploaded_to_the_files_host_shown_and_taken_back(program, tmp_path):
    scan = tmp_path / 'my "receipt" é.pdf'
    scan.write_bytes(b"%PDF-1.7 a receipt")
    debit = program.capture(program.authorize(10_00).id).transactions[0].treasury.received_debit

    with scan.open("rb") as content:
        named = program.v1.files.create({"purpose": "dispute_evidence", "file": content}, program.acting)
    unnamed = program.v1.files.create({"purpose": "dispute_evidence", "file": BytesIO(b"%PDF")}, program.acting)
    filed = program.v1.issuing.disputes.create(
        {
            "treasury": {"received_debit": debit},
            "evidence": {
                "reason": "duplicate",
                "duplicate": {"explanation": "Paid twice.", "card_statement": named.id, "cash_receipt": unnamed.id},
            },
            "expand": ["evidence.duplicate.card_statement"],
        },
        program.acting,
    )
    without = program.v1.issuing.disputes.update(
        filed.id, {"evidence": {"duplicate": {"cash_receipt": ""}}}, program.acting
    )

    assert (named.filename, named.type, named.size) == (scan.name, "pdf", 18)
    assert unnamed.filename == "blob"
    assert filed.evidence.duplicate.card_statement == named
    assert without.evidence.duplicate.card_statement == named.id
    assert without.evidence.duplicate.cash_receipt is None


def test_the_statement_of_the_financial_account_tells_the_same_story(program):
    program.capture(program.authorize(10_00).id)

    transactions = program.v1.treasury.transactions.list(
        {"financial_account": program.financial_account, "expand": ["data.flow_details"]}, program.acting
    )
    entries = program.v1.treasury.transaction_entries.list(
        {"financial_account": program.financial_account}, program.acting
    )

    told = [(item.flow_type, item.status, item.amount) for item in transactions.data]
    assert told == [
        ("received_debit", "posted", -10_00),
        ("issuing_authorization", "void", 0),
        ("received_credit", "posted", 200_00),
    ]
    assert sum(entry.balance_impact.cash for entry in entries.data) == program.balance[0]


def test_every_object_belongs_to_the_connected_account_alone(program):
    assert program.v1.issuing.cards.list().data == []
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        program.v1.issuing.cards.retrieve(program.card)
    assert refusal.value.http_status == 404
    with pytest.raises(stripe.PermissionError):
        program.v1.issuing.cards.list(None, {"stripe_account": "acct_nobody"})
