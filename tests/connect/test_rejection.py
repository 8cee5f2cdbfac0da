"""Rejected accounts: what they may still do, what becomes of their cards and financial accounts, and the way back."""

import pytest

from tests.connect.shapes import ALL, BANK, STREET, account_of


@pytest.mark.parametrize(
    "reason, disabled",
    [
        ("fraud_other", "rejected.platform_fraud"),
        ("terms_of_service", "rejected.platform_terms_of_service"),
        ("credit", "rejected.platform_other"),
        ("other", "rejected.platform_other"),
    ],
)
def test_a_rejected_account_may_do_nothing_any_more(platform, reason, disabled):
    account = account_of(platform, external_account=BANK)["id"]

    rejected = platform.made(f"/v1/accounts/{account}/reject", reason=reason)

    assert rejected["requirements"]["disabled_reason"] == disabled
    assert rejected["capabilities"] == dict.fromkeys(ALL, "inactive")
    assert not rejected["charges_enabled"] and not rejected["payouts_enabled"]
    capability = platform.read(f"/v1/accounts/{account}/capabilities/treasury")
    assert capability["requirements"]["disabled_reason"] == "rejected.other"


def test_fraud_alone_is_no_reason_any_more(platform):
    account = account_of(platform, external_account=BANK)["id"]

    refusal = platform.post(f"/v1/accounts/{account}/reject", reason="fraud")

    assert (refusal.status, refusal.error["param"]) == (400, "reason")
    assert refusal.error["message"] == (
        "Invalid reason: must be one of credit, fraud_no_intent_to_fulfill, fraud_other, fraud_payment_method_casher, "
        "fraud_payment_method_tester, other, or terms_of_service"
    )
    assert platform.read(f"/v1/accounts/{account}")["requirements"]["disabled_reason"] is None


def test_a_rejection_may_leave_payouts_on(platform):
    account = account_of(platform, external_account=BANK)["id"]

    rejected = platform.made(f"/v1/accounts/{account}/reject", reason="other", payouts_action="none")

    assert rejected["payouts_enabled"] and not rejected["charges_enabled"]


def test_a_rejection_closes_financial_accounts_in_a_documented_order_of_events(platform):
    account = account_of(platform)["id"]
    inside = platform.acting_as(account)
    inside.made("/v1/treasury/financial_accounts", supported_currencies=["usd"])
    before = len(inside.events())

    platform.made(f"/v1/accounts/{account}/reject", reason="other")

    told = inside.event_types(since=before)
    assert told[:5] == ["capability.updated"] * 4 + ["account.updated"]
    assert told[5] == "treasury.financial_account.closed"
    assert inside.read("/v1/treasury/financial_accounts")["data"][0]["status"] == "closed"


def test_a_rejection_is_taken_back_once(platform):
    path = f"/v1/accounts/{account_of(platform, external_account=BANK)['id']}"
    early = platform.post(f"{path}/unreject")
    platform.made(f"{path}/reject", reason="other")
    twice = platform.post(f"{path}/reject", reason="other")

    restored = platform.made(f"{path}/unreject")

    assert early.status == twice.status == 400
    assert restored["capabilities"] == dict.fromkeys(ALL, "active")
    assert restored["charges_enabled"] and restored["payouts_enabled"]
    assert restored["requirements"]["disabled_reason"] is None


def test_a_rejection_cancels_the_cards(platform):
    account = account_of(platform)["id"]
    inside = platform.acting_as(account)
    holder = inside.made(
        "/v1/issuing/cardholders",
        name="Jenny Rosen",
        type="individual",
        billing={"address": STREET},
        individual={"first_name": "Jenny", "last_name": "Rosen"},
    )
    card = inside.made("/v1/issuing/cards", cardholder=holder["id"], currency="usd", type="virtual", status="inactive")

    platform.made(f"/v1/accounts/{account}/reject", reason="other")

    assert inside.read(f"/v1/issuing/cards/{card['id']}")["status"] == "canceled"
    assert inside.event_types()[-1] == "issuing_card.updated"
