"""Disputes of charges: what they take, evidence, and how they end."""

from __future__ import annotations

import pytest

from tests.payments.paying import (
    CHARGES,
    DAY,
    DISPUTES,
    INTENTS,
    REFUNDS,
    TRANSACTIONS,
    balance,
    debited,
    intent,
    paid,
    said_by_doctor,
)


def disputed(client, name="createDispute", **params):
    """A charge by a card that is disputed, and the dispute."""
    made = paid(client, method=f"pm_card_{name}", **params)
    (dispute,) = client.read(DISPUTES, payment_intent=made["id"])["data"]
    return made["latest_charge"], dispute


def answered(client, dispute, text, **more):
    """A dispute that evidence was given for, as the next request finds it."""
    client.made(f"{DISPUTES}/{dispute['id']}", evidence={"uncategorized_text": text}, **more)
    return client.read(f"{DISPUTES}/{dispute['id']}")


@pytest.mark.parametrize(
    "name, reason", [("createDispute", "fraudulent"), ("createDisputeProductNotReceived", "product_not_received")]
)
def test_a_dispute_takes_its_money_and_a_fee(platform, name, reason):
    charge, dispute = disputed(platform, name)
    (money,) = dispute["balance_transactions"]

    assert dispute["id"].startswith("du_3")
    assert (dispute["status"], dispute["reason"], dispute["amount"]) == ("needs_response", reason, 20_00)
    assert (dispute["is_charge_refundable"], dispute["charge"]) == (False, charge)
    assert dispute["payment_method_details"]["card"]["case_type"] == "chargeback"
    details = dispute["evidence_details"]
    assert (details["has_evidence"], details["submission_count"]) == (False, 0)
    assert 9 * DAY <= details["due_by"] - dispute["created"] < 10 * DAY
    assert (money["type"], money["amount"], money["fee"], money["net"]) == ("adjustment", -20_00, 15_00, -35_00)
    assert platform.read(f"{CHARGES}/{charge}")["disputed"] is True
    assert balance(platform) == (-35_00, 19_12)
    assert platform.event_types()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert platform.read(TRANSACTIONS, source=dispute["id"])["data"] == [money]
    assert said_by_doctor(platform) == []


def test_a_dispute_is_won_and_brings_its_money_and_the_fee_back(platform):
    charge, dispute = disputed(platform)

    after = answered(platform, dispute, "winning_evidence")

    assert after["status"] == "won"
    assert [one["net"] for one in after["balance_transactions"]] == [35_00, -35_00]
    details = after["evidence_details"]
    assert (details["submission_count"], details["submission_method"], details["past_due"]) == (1, "manual", False)
    assert balance(platform) == (0, 19_12)
    assert platform.event_types()[-3:] == [
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]
    assert said_by_doctor(platform) == []


def test_a_dispute_is_lost_and_the_money_stays_away(platform):
    charge, dispute = disputed(platform)

    after = answered(platform, dispute, "losing_evidence")

    assert (after["status"], balance(platform)) == ("lost", (-35_00, 19_12))
    assert platform.event_types()[-1] == "charge.dispute.closed"
    assert platform.post(f"{DISPUTES}/{dispute['id']}/close").status == 400


def test_other_evidence_is_under_review(platform):
    charge, dispute = disputed(platform)

    after = answered(platform, dispute, "They were here.")

    assert after["status"] == "under_review"
    refusal = platform.post(f"{DISPUTES}/{dispute['id']}", evidence={"customer_name": "Ada"})
    assert refusal.status == 400
    assert platform.made(f"{DISPUTES}/{dispute['id']}", metadata={"a": "1"})["metadata"] == {"a": "1"}
    platform.clock(advance=20 * DAY)
    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "under_review"


def test_evidence_can_be_staged_and_changed_before_it_is_submitted(platform):
    charge, dispute = disputed(platform)
    path = f"{DISPUTES}/{dispute['id']}"

    staged = platform.made(path, evidence={"customer_name": "Ada", "receipt": "file_x"}, submit=False)
    changed = platform.made(path, evidence={"receipt": None}, submit=False)
    submitted = platform.made(path, submit=True)

    assert (staged["status"], staged["evidence_details"]["has_evidence"]) == ("needs_response", True)
    assert (changed["evidence"]["customer_name"], changed["evidence"]["receipt"]) == ("Ada", None)
    assert (submitted["status"], submitted["evidence"]["customer_name"]) == ("under_review", "Ada")


def test_a_dispute_that_nobody_answers_is_lost(platform):
    charge, dispute = disputed(platform)

    platform.clock(set=dispute["evidence_details"]["due_by"], frozen=True)
    before = platform.read(f"{DISPUTES}/{dispute['id']}")["status"]
    platform.clock(advance=1)

    assert (before, platform.read(f"{DISPUTES}/{dispute['id']}")["status"]) == ("needs_response", "lost")


def test_a_dispute_can_be_accepted(platform):
    charge, dispute = disputed(platform)

    closed = platform.made(f"{DISPUTES}/{dispute['id']}/close")

    assert (closed["status"], platform.event_types()[-1]) == ("lost", "charge.dispute.closed")


def test_an_inquiry_takes_nothing_and_its_charge_can_be_refunded(platform):
    charge, dispute = disputed(platform, "createDisputeInquiry")

    assert (dispute["status"], dispute["is_charge_refundable"]) == ("warning_needs_response", True)
    assert dispute["balance_transactions"] == []
    assert dispute["payment_method_details"]["card"]["case_type"] == "inquiry"
    assert platform.read(f"{CHARGES}/{charge}")["disputed"] is False
    assert balance(platform) == (0, 19_12)
    assert platform.made(REFUNDS, charge=charge)["status"] == "succeeded"


@pytest.mark.parametrize("evidence", [{}, {"evidence": {"uncategorized_text": "x"}}])
def test_an_inquiry_is_over_once_its_charge_is_refunded_as_a_whole(platform, evidence):
    charge, dispute = disputed(platform, "createDisputeInquiry")
    platform.made(f"{DISPUTES}/{dispute['id']}", metadata={"a": "1"}, **evidence)
    platform.made(REFUNDS, charge=charge, amount=5_00)
    before = platform.read(f"{DISPUTES}/{dispute['id']}")["status"]

    platform.made(REFUNDS, charge=charge)

    after = platform.read(f"{DISPUTES}/{dispute['id']}")
    assert (before.startswith("warning_"), after["status"], after["balance_transactions"]) == (
        True,
        "warning_closed",
        [],
    )
    assert platform.event_types()[-3:] == ["refund.created", "charge.refunded", "charge.dispute.closed"]
    late = platform.post(f"{DISPUTES}/{dispute['id']}", evidence={"uncategorized_text": "escalate_inquiry_evidence"})
    assert late.status == 400
    assert balance(platform) == (0, -88)
    assert said_by_doctor(platform) == []


@pytest.mark.parametrize(
    "text, status", [("winning_evidence", "warning_closed"), ("losing_evidence", "warning_closed"), ("x", None)]
)
def test_an_inquiry_ends_by_its_evidence(platform, text, status):
    charge, dispute = disputed(platform, "createDisputeInquiry")

    after = answered(platform, dispute, text)

    assert after["status"] == (status or "warning_under_review")
    assert balance(platform) == (0, 19_12)
    platform.clock(advance=120 * DAY)
    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "warning_closed"


def test_an_inquiry_becomes_a_dispute(platform):
    charge, dispute = disputed(platform, "createDisputeInquiry")

    after = answered(platform, dispute, "escalate_inquiry_evidence")

    assert (after["status"], after["evidence_details"]["submission_count"]) == ("needs_response", 0)
    assert after["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert balance(platform) == (-35_00, 19_12)
    assert platform.event_types()[-2:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert answered(platform, dispute, "winning_evidence")["status"] == "won"
    assert said_by_doctor(platform) == []


def test_an_inquiry_can_be_closed(platform):
    charge, dispute = disputed(platform, "createDisputeInquiry")

    assert platform.made(f"{DISPUTES}/{dispute['id']}/close")["status"] == "warning_closed"


def test_what_a_bank_takes_back_is_lost_at_once(platform):
    waiting = debited(platform, "pm_usBankAccount_dispute")
    platform.read("/v1/balance")

    (dispute,) = platform.read(DISPUTES, charge=waiting["latest_charge"])["data"]

    assert (dispute["status"], dispute["reason"]) == ("lost", "debit_not_authorized")
    assert "payment_method_details" not in dispute
    assert platform.event_types()[-3:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
    ]
    assert said_by_doctor(platform) == []


def test_what_was_refunded_or_held_first_is_disputed_only_once_there_is_money(platform):
    held = intent(platform, payment_method="pm_card_createDispute", confirm=True, capture_method="manual")
    before = platform.read(DISPUTES)["data"]
    platform.made(f"{INTENTS}/{held['id']}/capture", amount_to_capture=7_00)

    assert before == []
    assert [one["amount"] for one in platform.read(DISPUTES)["data"]] == [7_00]


@pytest.mark.parametrize("name", ["appeal", "enhanced_evidence"])
def test_what_is_not_built_of_evidence_is_refused(platform, name):
    charge, dispute = disputed(platform)
    evidence = {"appeal": {"card": {"reason_for_filing": "x"}}, "enhanced_evidence": {"visa_compliance": {}}}
    evidence["enhanced_evidence"]["visa_compliance"] = {"fee_acknowledged": True}

    refusal = platform.post(f"{DISPUTES}/{dispute['id']}", evidence={name: evidence[name]})

    assert (refusal.status, refusal.error["param"]) == (501, f"evidence[{name}]")
