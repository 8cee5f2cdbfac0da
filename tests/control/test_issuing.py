"""What only Stripe decides about cardholders and cards, set by hand."""

from __future__ import annotations

import pytest

from tests.issuing.holders import (
    CARDHOLDERS,
    CARDS,
    PERSON,
    a_card,
    a_cardholder,
    a_connected_account,
    a_physical_card,
    told,
)
from tests.issuing.purchases import a_spender, force_capture


def set_on(client, thing, **params):
    """The reply to a control call on a cardholder or card."""
    kind = thing["object"].partition(".")[2] + "s"
    return client.post(f"/_emulator/issuing/{kind}/{thing['id']}", **params)


@pytest.mark.parametrize("reason", ["listed", "rejected.listed", "under_review"])
def test_a_screening_has_an_outcome_until_it_is_unset(platform, reason):
    holder = a_cardholder(platform)

    set_on(platform, holder, requirements={"disabled_reason": reason})
    updated = platform.made(f"{CARDHOLDERS}/{holder['id']}", email="ada@example.com")
    cleared = set_on(platform, holder, requirements={"disabled_reason": None}).json

    assert updated["requirements"] == {"disabled_reason": reason, "past_due": []}
    assert cleared["requirements"]["disabled_reason"] is None
    assert told(platform, 1) == [
        ("issuing_cardholder.updated", {"requirements": {"disabled_reason": None}}),
        ("issuing_cardholder.updated", {"email": None}),
        ("issuing_cardholder.updated", {"requirements": {"disabled_reason": reason}}),
    ]


def test_what_is_demanded_is_past_due_until_it_is_there(platform):
    holder = a_cardholder(platform)
    demands = ["individual.dob.day", "individual.dob.month", "individual.dob.year", "company.tax_id"]

    demanded = set_on(platform, holder, requirements={"past_due": demands}).json
    refusal = platform.post(CARDS, cardholder=holder["id"], currency="usd", type="virtual", status="active")
    half = platform.made(f"{CARDHOLDERS}/{holder['id']}", individual={"dob": {"day": 1, "month": 2, "year": 1990}})
    cured = platform.made(f"{CARDHOLDERS}/{holder['id']}", company={"tax_id": "000000000"})

    assert demanded["requirements"] == {"disabled_reason": "requirements.past_due", "past_due": demands}
    assert refusal.status == 400
    assert half["requirements"]["past_due"] == ["company.tax_id"]
    assert cured["requirements"] == {"disabled_reason": None, "past_due": []}


def test_a_demanded_document_is_met_by_its_front(platform):
    holder = a_cardholder(platform)
    set_on(platform, holder, requirements={"past_due": ["individual.verification.document"]})
    document = {"front": "file_identity_document_success"}

    cured = platform.made(
        f"{CARDHOLDERS}/{holder['id']}", individual={**PERSON, "verification": {"document": document}}
    )

    assert cured["requirements"]["past_due"] == []


def test_a_blocked_cardholder_stays_blocked_whatever_its_account_wants(platform):
    holder = a_cardholder(platform)

    blocked = set_on(platform, holder, status="blocked").json
    refusal = platform.post(f"{CARDHOLDERS}/{holder['id']}", status="active")
    other = platform.made(f"{CARDHOLDERS}/{holder['id']}", email="ada@example.com")
    unblocked = set_on(platform, holder, status="active").json

    assert blocked["status"] == other["status"] == "blocked" and unblocked["status"] == "active"
    assert (refusal.status, refusal.error["param"]) == (400, "status")
    assert told(platform, 1)[0] == ("issuing_cardholder.updated", {"status": "active"})


@pytest.mark.parametrize("reason", ["design_rejected", "fulfillment_error"])
def test_stripe_cancels_a_card(platform, reason):
    card = a_physical_card(platform)

    canceled = set_on(platform, card, cancellation_reason=reason).json

    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", reason)
    assert canceled["shipping"]["status"] == "canceled"
    assert told(platform)[-1] == (
        "issuing_card.updated",
        {"cancellation_reason": None, "shipping": {"status": "pending"}, "status": "inactive"},
    )


def test_a_blocked_pin_deactivates_a_card_until_it_is_activated(platform):
    card = a_card(platform, status="active")

    blocked = set_on(platform, card, pin_blocked=True).json
    activated = platform.made(f"{CARDS}/{card['id']}", status="active")
    again = set_on(platform, card, pin_blocked=False).json

    assert blocked["status"] == "inactive" and "pin_blocked" not in blocked
    assert activated["status"] == again["status"] == "active"
    assert [before for kind, before in told(platform, 2)] == [{"status": "active"}, {"status": "inactive"}]


@pytest.mark.parametrize(
    "type",
    ["card_testing_exposure", "fraud_dispute_filed", "third_party_reported", "user_indicated_fraud"],
)
def test_a_fraud_warning_is_of_now(platform, type):
    platform.clock(set=2_000_000_000, frozen=True)
    card = a_card(platform)

    warned = set_on(platform, card, latest_fraud_warning={"type": type}).json
    cleared = set_on(platform, card, latest_fraud_warning=None).json

    assert warned["latest_fraud_warning"] == {"started_at": 2_000_000_000, "type": type}
    assert cleared["latest_fraud_warning"] is None
    assert told(platform)[-2] == ("issuing_card.updated", {"latest_fraud_warning": None})


def test_a_replacement_reason_of_stripes_own(platform):
    card = a_card(platform, status="active")
    params = {"cardholder": card["cardholder"]["id"], "replacement_for": card["id"]}
    new = a_card(platform, **params, replacement_reason="damaged")

    changed = set_on(platform, new, replacement_reason="fulfillment_error")
    refusal = set_on(platform, card, replacement_reason="fulfillment_error")

    assert changed.json["replacement_reason"] == "fulfillment_error"
    assert (refusal.status, refusal.error["param"]) == (400, "replacement_reason")


@pytest.mark.parametrize("carrier", ["correos", "dhl", "fedex", "royal_mail", "usps"])
def test_any_carrier_can_have_a_shipment(platform, carrier):
    card = a_physical_card(platform)

    changed = set_on(platform, card, shipping={"carrier": carrier}).json

    assert changed["shipping"] == {**card["shipping"], "carrier": carrier}
    assert told(platform)[-1] == ("issuing_card.updated", {"shipping": {"carrier": None}})


@pytest.mark.parametrize("result", ["indeterminate", "likely_undeliverable"])
def test_an_address_check_has_another_outcome(platform, result):
    card = a_physical_card(platform)

    changed = set_on(platform, card, shipping={"address_validation": {"result": result}}).json

    assert changed["shipping"]["address_validation"]["result"] == result
    assert told(platform)[-1] == (
        "issuing_card.updated",
        {"shipping": {"address_validation": {"result": "likely_deliverable"}}},
    )


@pytest.mark.parametrize("reason", ["missing_agreement", "unsupported_region"])
def test_a_wallet_refuses_a_card_until_it_is_unset(platform, reason):
    contact = {"email": "ada@example.com", "phone_number": "+14155550123"}
    card = a_card(platform, cardholder=a_cardholder(platform, **contact)["id"])

    refused = set_on(platform, card, wallets={"ineligible_reason": reason}).json
    cleared = set_on(platform, card, wallets={"ineligible_reason": None}).json

    assert refused["wallets"]["apple_pay"] == {"eligible": False, "ineligible_reason": reason}
    assert cleared["wallets"] == card["wallets"]
    was = {"eligible": True, "ineligible_reason": None}
    assert told(platform)[-2] == ("issuing_card.updated", {"wallets": {"apple_pay": was, "google_pay": was}})


def test_a_virtual_card_has_no_shipment_to_change(platform):
    answer = set_on(platform, a_card(platform), shipping={"carrier": "dhl"})

    assert (answer.status, answer.error["param"]) == (400, "shipping")


def test_it_works_on_connected_accounts_and_only_on_their_own_objects(platform):
    client = a_connected_account(platform, "card_issuing", "transfers")
    holder = a_cardholder(client)

    assert set_on(client, holder, status="blocked").json["status"] == "blocked"
    assert set_on(platform, holder, status="active").status == 404
    assert client.event_types()[-1] == "issuing_cardholder.updated"


def test_a_merchant_tells_of_a_purchase_afterwards_part_by_part(platform):
    flight = {"departure_at": 1_900_000_000, "passenger_name": "Ada"}
    receipt = [{"description": "Flight", "quantity": "2", "unit_cost": 5_00}]
    purchase = force_capture(platform, a_spender(platform), 10_00, purchase_details={"flight": flight})

    set_on(platform, purchase, purchase_details={"receipt": receipt})
    set_on(platform, purchase, purchase_details={"reference": "R1"})

    shown = platform.read(f"/v1/issuing/transactions/{purchase['id']}", expand=["purchase_details"])["purchase_details"]
    assert shown["flight"]["passenger_name"] == "Ada"
    assert shown["receipt"] == [{"description": "Flight", "quantity": 2, "total": 10_00, "unit_cost": 5_00}]
    assert (shown["reference"], shown["lodging"]) == ("R1", None)


def test_what_a_merchant_tells_is_not_nothing(platform):
    purchase = force_capture(platform, a_spender(platform), 10_00)

    refusal = set_on(platform, purchase)

    assert (refusal.status, refusal.error["param"]) == (400, "purchase_details")
