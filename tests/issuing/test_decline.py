"""Every reason an authorization can be declined for, through the API; the order of the rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from emulator.connect.records import capabilities
from emulator.issuing import decline
from emulator.issuing.decline import REASONS, RULES, Attempt
from tests.client import Client
from tests.issuing.holders import a_card, a_connected_account
from tests.issuing.purchases import (
    a_spender,
    a_treasury_spender,
    authorize,
    available,
    fund,
    in_a_step,
    reasons,
    why,
)

FINE = Attempt(
    amount=10_00,
    total=10_00,
    hold=10_00,
    spendable=500_00,
    currency="usd",
    forced_reason=None,
    forced_approved=False,
    issuing_capability="active",
    card_status="active",
    card_valid_through="2029-05",
    month="2026-11",
    pin_blocked=False,
    cardholder_status="active",
    cardholder_disabled_reason=None,
    cvc_check="not_provided",
    expiry_check="match",
    three_d_secure=None,
    fraud_risk=None,
    verified_by_fraud_challenge=False,
    financial_account=None,
    financial_account_status=None,
    card_issuing_feature=None,
    outbound_flows=None,
    merchant_category="bakeries",
    merchant_country="US",
    merchant_is_prohibited=False,
    card_presence="not_present",
    card_controls={"limits": []},
    cardholder_controls={"limits": []},
)
ON_ACCOUNT = {
    "financial_account": "fa_1",
    "financial_account_status": "open",
    "card_issuing_feature": "active",
    "outbound_flows": "unrestricted",
}

# Each rule broken by itself: what is different, the reason, and the objection in words.
BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"issuing_capability": "pending"}, "account_disabled", "the account's capability card_issuing is pending"),
    ({"card_status": "canceled"}, "card_canceled", "the card is canceled"),
    ({"month": "2029-06"}, "card_expired", "the card was valid through 2029-05, and this is 2029-06"),
    ({"pin_blocked": True}, "pin_blocked", "the card's PIN is blocked"),
    ({"card_status": "inactive"}, "card_inactive", "the card is inactive"),
    ({"cardholder_status": "inactive"}, "cardholder_inactive", "the cardholder is inactive"),
    ({"cardholder_status": "blocked"}, "cardholder_blocked", "the cardholder is blocked"),
    (
        {"cardholder_disabled_reason": "under_review"},
        "cardholder_verification_required",
        "the cardholder's requirements are not met (under_review)",
    ),
    ({"cvc_check": "mismatch"}, "verification_failed", "the CVC does not match"),
    ({"expiry_check": "mismatch"}, "verification_failed", "the expiry date does not match"),
    ({"three_d_secure": "failed"}, "verification_failed", "3-D Secure failed"),
    (
        {"cvc_check": "mismatch", "three_d_secure": "failed"},
        "verification_failed",
        "the CVC does not match and 3-D Secure failed",
    ),
    (
        {"three_d_secure": "required"},
        "insecure_authorization_method",
        "3-D Secure is required, and was not tried",
    ),
    ({"fraud_risk": "highest"}, "suspected_fraud", "the risk of fraud is the highest"),
    (
        {**ON_ACCOUNT, "financial_account_status": "closed"},
        "account_disabled",
        "the financial account fa_1 is closed",
    ),
    ({**ON_ACCOUNT, "financial_account_status": None}, "account_disabled", "the financial account fa_1 is gone"),
    (
        {**ON_ACCOUNT, "card_issuing_feature": "restricted"},
        "account_disabled",
        "the feature card_issuing of the financial account fa_1 is restricted",
    ),
    (
        {**ON_ACCOUNT, "card_issuing_feature": None},
        "account_disabled",
        "the feature card_issuing of the financial account fa_1 is not requested",
    ),
    (
        {**ON_ACCOUNT, "outbound_flows": "restricted"},
        "account_disabled",
        "the outbound flows of the financial account fa_1 are restricted",
    ),
    ({"merchant_is_prohibited": True}, "not_allowed", "merchants of bakeries are prohibited"),
    (
        {"card_controls": {"limits": [], "allowed_card_presences": ["present"]}},
        "spending_controls",
        "the card does not allow purchases with the card not_present",
    ),
    (
        {"card_controls": {"limits": [], "blocked_merchant_countries": ["US"]}},
        "spending_controls",
        "the card blocks merchants in US",
    ),
    (
        {"cardholder_controls": {"limits": [], "blocked_categories": ["bakeries"]}},
        "spending_controls",
        "the cardholder blocks merchants of bakeries",
    ),
    (
        {"cardholder_controls": {"limits": [], "allowed_categories": ["florists"]}},
        "spending_controls",
        "the cardholder does not allow merchants of bakeries",
    ),
    (
        {
            "card_controls": {
                "limits": [
                    {"amount": 20_00, "interval": "per_authorization", "spent": 0},
                    {"amount": 9_99, "interval": "per_authorization", "spent": 0},
                ]
            }
        },
        "spending_controls",
        "a total of $10.00 is above the card's limit of $9.99 per authorization",
    ),
    (
        {
            "cardholder_controls": {
                "limits": [
                    {"amount": 99_00, "interval": "weekly", "spent": 10_01},
                    {"amount": 20_00, "interval": "daily", "since": "2026-11-30", "spent": 10_01},
                ]
            }
        },
        "spending_controls",
        "$10.00 does not fit beside the $10.01 spent on 30 November: the cardholder's daily limit is $20.00",
    ),
    (
        {"total": 10_000_01},
        "spending_controls",
        "a total of $10,000.01 is above the $10,000.00 that no authorization exceeds",
    ),
    ({"spendable": 9_99}, "insufficient_funds", "$10.00 would be held, and $9.99 can be spent"),
]


@pytest.mark.parametrize("different, reason, says", BROKEN)
def test_each_rule_objects_by_itself_and_says_to_what(different: dict[str, Any], reason: str, says: str) -> None:
    attempt = FINE._replace(**different)

    objecting = decline.objections(attempt)

    # A canceled card is no active card either.
    also = ["card_inactive"] if reason == "card_canceled" else []
    assert [rule.reason for rule in objecting] == [reason, *also]
    assert objecting[0].objection(attempt) == says


ALLOWED: list[dict[str, Any]] = [
    {},
    ON_ACCOUNT,
    {"month": "2029-05"},
    {"three_d_secure": "authenticated"},
    {"three_d_secure": "attempt_acknowledged"},
    {"fraud_risk": "elevated"},
    {"fraud_risk": "highest", "verified_by_fraud_challenge": True},
    {"total": 10_000_00},
    {"spendable": 10_00},
    {"hold": 0, "amount": 0, "total": 0, "spendable": -50_00},
    {"card_controls": {"limits": [{"amount": 10_00, "interval": "per_authorization", "spent": 0}]}},
    {"card_controls": {"limits": [{"amount": 20_00, "interval": "daily", "spent": 10_00}]}},
    {"amount": 0, "total": 0, "hold": 0, "card_controls": {"limits": [{"amount": 0, "interval": "daily", "spent": 5}]}},
    {"forced_reason": "network_fallback", "forced_approved": True, "card_status": "canceled", "spendable": 0},
]


@pytest.mark.parametrize("different", ALLOWED)
def test_no_rule_objects_to_what_just_fits(different: dict[str, Any]) -> None:
    assert decline.objection(FINE._replace(**different)) is None


def test_the_first_objection_in_the_order_of_the_rules_gives_the_reason() -> None:
    """Everything is wrong at once; putting right one thing after the other walks through the rules."""
    attempt = FINE._replace(
        issuing_capability="inactive",
        card_status="canceled",
        month="2030-01",
        pin_blocked=True,
        cardholder_status="inactive",
        cardholder_disabled_reason="listed",
        cvc_check="mismatch",
        three_d_secure="required",
        fraud_risk="highest",
        financial_account="fa_1",
        financial_account_status="closed",
        merchant_is_prohibited=True,
        total=10_000_01,
        spendable=0,
    )
    cures: list[dict[str, Any]] = [
        {"issuing_capability": "active"},
        {"card_status": "inactive"},
        {"month": "2026-11"},
        {"pin_blocked": False},
        {"card_status": "active"},
        {"cardholder_status": "blocked"},
        {"cardholder_status": "active"},
        {"cardholder_disabled_reason": None},
        {"cvc_check": "match"},
        {"three_d_secure": None},
        {"fraud_risk": "normal"},
        ON_ACCOUNT,
        {"merchant_is_prohibited": False},
        {"total": 10_00},
    ]

    met = []
    for cure in cures:
        objecting = decline.objection(attempt)
        met.append(objecting.reason if objecting else None)
        attempt = attempt._replace(**cure)
    last = decline.objection(attempt)

    assert [*met, last.reason if last else None] == [
        "account_disabled",
        "card_canceled",
        "card_expired",
        "pin_blocked",
        "card_inactive",
        "cardholder_inactive",
        "cardholder_blocked",
        "cardholder_verification_required",
        "verification_failed",
        "insecure_authorization_method",
        "suspected_fraud",
        "account_disabled",
        "not_allowed",
        "spending_controls",
        "insufficient_funds",
    ]


def test_rules_are_told_apart_by_what_they_say_and_look_only_at_facts() -> None:
    assert len({rule.says for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule.looks_at) <= set(Attempt._fields)
        assert rule.reason in REASONS


# Through the API


def canceled_card(platform: Client) -> dict[str, Any]:
    card = a_spender(platform)
    platform.made(f"/v1/issuing/cards/{card['id']}", status="canceled")
    return authorize(platform, card, 10_00)


def expired_card(platform: Client) -> dict[str, Any]:
    card = a_spender(platform)
    platform.clock(advance=4 * 365 * 24 * 60 * 60)
    return authorize(platform, card, 10_00)


def blocked_pin(platform: Client) -> dict[str, Any]:
    card = a_spender(platform)
    platform.made(f"/_emulator/issuing/cards/{card['id']}", pin_blocked=True)
    return authorize(platform, card, 10_00)


def inactive_card(platform: Client) -> dict[str, Any]:
    fund(platform, 500_00)
    return authorize(platform, a_card(platform), 10_00)


def holder_made(status: str) -> Callable[[Client], dict[str, Any]]:
    def story(platform: Client) -> dict[str, Any]:
        card = a_spender(platform)
        prefix = "/_emulator" if status == "blocked" else "/v1"
        platform.made(f"{prefix}/issuing/cardholders/{card['cardholder']['id']}", status=status)
        return authorize(platform, card, 10_00)

    return story


def holder_with_requirements(platform: Client) -> dict[str, Any]:
    card = a_spender(platform)
    holder = card["cardholder"]["id"]
    platform.made(f"/_emulator/issuing/cardholders/{holder}", requirements={"disabled_reason": "listed"})
    return authorize(platform, card, 10_00)


def sending(**more: Any) -> Callable[[Client], dict[str, Any]]:
    def story(platform: Client) -> dict[str, Any]:
        return authorize(platform, a_spender(platform), 10_00, **more)

    return story


def without_capability(platform: Client) -> dict[str, Any]:
    client = a_connected_account(platform, "card_issuing", "transfers")
    card = a_spender(client)
    with in_a_step(client) as world:
        capability = capabilities.of(world, "card_issuing")
        world.put(replace(capability, status="inactive"))
    return authorize(client, card, 10_00)


def restricted_outbound_flows(platform: Client) -> dict[str, Any]:
    client, account, card = a_treasury_spender(platform)
    client.made(f"/v1/treasury/financial_accounts/{account}", platform_restrictions={"outbound_flows": "restricted"})
    return authorize(client, card, 10_00)


def prohibited_merchant(platform: Client) -> dict[str, Any]:
    platform.settings(prohibited_merchant_categories=["betting_casino_gambling"])
    card = a_spender(platform)
    return authorize(platform, card, 10_00, merchant_data={"category": "betting_casino_gambling"})


def over_a_limit(platform: Client) -> dict[str, Any]:
    limits = [{"amount": 9_99, "interval": "per_authorization"}]
    return authorize(platform, a_spender(platform, spending_controls={"spending_limits": limits}), 10_00)


def over_the_hidden_cap(platform: Client) -> dict[str, Any]:
    return authorize(platform, a_spender(platform, 20_000_00), 10_000_01)


def too_little_money(platform: Client) -> dict[str, Any]:
    return authorize(platform, a_spender(platform, 9_99), 10_00)


STORIES: list[tuple[Callable[[Client], dict[str, Any]], str]] = [
    (without_capability, "account_disabled"),
    (canceled_card, "card_canceled"),
    (expired_card, "card_expired"),
    (blocked_pin, "pin_blocked"),
    (inactive_card, "card_inactive"),
    (holder_made("inactive"), "cardholder_inactive"),
    (holder_made("blocked"), "cardholder_blocked"),
    (holder_with_requirements, "cardholder_verification_required"),
    (sending(verification_data={"cvc_check": "mismatch"}), "verification_failed"),
    (sending(verification_data={"expiry_check": "mismatch"}), "verification_failed"),
    (sending(verification_data={"three_d_secure": {"result": "failed"}}), "verification_failed"),
    (sending(verification_data={"three_d_secure": {"result": "required"}}), "insecure_authorization_method"),
    (sending(risk_assessment={"fraud_risk": {"level": "highest", "score": "95"}}), "suspected_fraud"),
    (restricted_outbound_flows, "account_disabled"),
    (prohibited_merchant, "not_allowed"),
    (over_a_limit, "spending_controls"),
    (over_the_hidden_cap, "spending_controls"),
    (too_little_money, "insufficient_funds"),
]


@pytest.mark.parametrize("story, reason", STORIES)
def test_each_reason_can_be_met_through_the_api(
    platform: Client, story: Callable[[Client], dict[str, Any]], reason: str
) -> None:
    declined = story(platform)

    (entry,) = declined["request_history"]
    assert (entry["approved"], entry["reason"], entry["authorization_code"]) == (False, reason, None)
    assert (declined["status"], declined["approved"]) == ("closed", False)
    assert declined["amount"] == declined["merchant_amount"] == entry["amount"]
    assert declined["balance_transactions"] == declined["transactions"] == []
    assert declined["pending_request"] is None


def test_a_decline_holds_nothing_is_listed_and_announced_once(platform: Client) -> None:
    declined = too_little_money(platform)

    assert available(platform) == 9_99
    assert platform.event_types()[-2:] == ["issuing_card.created", "issuing_authorization.created"]
    listed = platform.read("/v1/issuing/authorizations", status="closed")["data"]
    assert [one["id"] for one in listed] == [declined["id"]]


def test_addresses_that_do_not_match_do_not_decline(platform: Client) -> None:
    checks = {"address_line1_check": "mismatch", "address_postal_code_check": "mismatch"}

    assert sending(verification_data=checks)(platform)["approved"] is True


@pytest.mark.parametrize("reason", [reason for reason in REASONS if REASONS[reason] is not True])
def test_the_next_authorization_ends_as_the_emulator_was_told(platform: Client, reason: str) -> None:
    card = a_spender(platform)
    platform.made("/_emulator/issuing/next_authorization", reason=reason)

    forced, free = authorize(platform, card, 10_00), authorize(platform, card, 10_00)

    assert (forced["approved"], reasons(forced)) == (False, [reason])
    assert reasons(free) == ["card_active"]
    story = why(platform, forced)
    assert story["requests"][0]["rules"][0]["verdict"] == "decides"
    assert story["outcome"] == f"declined by: the emulator was told to end it with {reason}"


@pytest.mark.parametrize("reason", ["network_fallback", "webhook_timeout", "webhook_error", "webhook_approved"])
def test_a_forced_approval_asks_no_rule(platform: Client, reason: str) -> None:
    card = a_spender(platform, 0)
    platform.made("/_emulator/issuing/next_authorization", reason=reason, approved=True, card=card["id"])

    forced = authorize(platform, card, 10_00)

    assert (forced["approved"], reasons(forced), available(platform)) == (True, [reason], -10_00)


def test_a_forced_outcome_waits_for_its_card(platform: Client) -> None:
    mine, other = a_spender(platform), a_spender(platform)
    platform.made("/_emulator/issuing/next_authorization", reason="pin_blocked", card=mine["id"])
    platform.made("/_emulator/issuing/next_authorization", reason="stripe_internal_error", card=mine["id"])

    assert reasons(authorize(platform, other, 1)) == ["card_active"]
    assert reasons(authorize(platform, mine, 1)) == ["pin_blocked"]
    assert reasons(authorize(platform, mine, 1)) == ["stripe_internal_error"]


@pytest.mark.parametrize("reason, approved", [("insufficient_funds", True), ("card_active", False)])
def test_a_reason_that_never_goes_with_that_outcome_is_refused(platform: Client, reason: str, approved: bool) -> None:
    refusal = platform.post("/_emulator/issuing/next_authorization", reason=reason, approved=approved)

    assert (refusal.status, refusal.error["param"]) == (400, "approved")


NUMBERS: list[tuple[dict[str, Any], str, str, dict[str, Any] | None]] = [
    (
        {
            "amount": 240_00,
            "card_controls": {
                "limits": [{"amount": 800_00, "interval": "monthly", "since": "2026-11-01", "spent": 609_90}]
            },
        },
        "the amount fits beside what was spent in the card's windows",
        "$240.00 does not fit beside the $609.90 spent in November: the card's monthly limit is $800.00.",
        {
            "amount": 240_00,
            "spent": 609_90,
            "limit": 800_00,
            "left": 190_10,
            "over": 49_90,
            "currency": "usd",
            "interval": "monthly",
            "since": "2026-11-01",
        },
    ),
    (
        {
            "currency": "eur",
            "card_controls": {
                "limits": [
                    {"amount": 900_00, "interval": "yearly", "since": "2026-01-01", "spent": 0},
                    {"amount": 40_00, "interval": "weekly", "since": "2026-11-29", "spent": 10_00},
                ]
            },
        },
        "the amount fits beside what was spent in the card's windows",
        "€10.00 fits beside the €10.00 spent in the week from 29 November: the card's weekly limit is €40.00.",
        {
            "amount": 10_00,
            "spent": 10_00,
            "limit": 40_00,
            "left": 30_00,
            "over": 0,
            "currency": "eur",
            "interval": "weekly",
            "since": "2026-11-29",
        },
    ),
    (
        {"cardholder_controls": {"limits": [{"amount": 5_00, "interval": "all_time", "since": None, "spent": 0}]}},
        "the amount fits beside what was spent in the cardholder's windows",
        "$10.00 is above the cardholder's limit of $5.00, and nothing was spent before.",
        {
            "amount": 10_00,
            "spent": 0,
            "limit": 5_00,
            "left": 5_00,
            "over": 5_00,
            "currency": "usd",
            "interval": "all_time",
            "since": None,
        },
    ),
    (
        {"cardholder_controls": {"limits": [{"amount": 5_00, "interval": "all_time", "since": None, "spent": 1}]}},
        "the amount fits beside what was spent in the cardholder's windows",
        "$10.00 does not fit beside the $0.01 spent before: the cardholder's limit is $5.00.",
        {
            "amount": 10_00,
            "spent": 1,
            "limit": 5_00,
            "left": 4_99,
            "over": 5_01,
            "currency": "usd",
            "interval": "all_time",
            "since": None,
        },
    ),
    (
        {"card_controls": {"limits": [{"amount": 25_00, "interval": "per_authorization", "spent": 0}]}},
        "the total is within the card's limits per authorization",
        "The total of $10.00 is within the card's limit of $25.00 per authorization.",
        {"total": 10_00, "limit": 25_00, "left": 25_00, "over": 0, "currency": "usd"},
    ),
    (
        {"spendable": -5_00},
        "the money to be held is there",
        "$10.00 would be held, and -$5.00 can be spent.",
        {"hold": 10_00, "spendable": -5_00, "left": 0, "over": 10_00, "currency": "usd"},
    ),
    (
        {},
        "the amount fits beside what was spent in the card's windows",
        "The amount fits beside what was spent in the card's windows.",
        None,
    ),
    ({"card_status": "inactive"}, "the card is active", "The card is inactive.", None),
]


@pytest.mark.parametrize("different, says, sentence, numbers", NUMBERS)
def test_each_rule_tells_what_it_found_in_a_sentence_with_its_numbers(
    different: dict[str, Any], says: str, sentence: str, numbers: dict[str, Any] | None
) -> None:
    attempt = FINE._replace(**different)

    (rule,) = (rule for rule in decline.RULES if rule.says == says)

    assert rule.sentence(attempt) == sentence
    assert rule.numbers(attempt) == numbers


def test_of_a_trace_without_the_first_day_of_its_window_only_the_kind_of_window_is_told() -> None:
    limits = {"limits": [{"amount": 5_00, "interval": "daily", "spent": 1}]}

    rule = decline.objection(FINE._replace(card_controls=limits))

    assert rule is not None
    assert rule.objection(FINE._replace(card_controls=limits)) == (
        "$10.00 does not fit beside the $0.01 spent in its daily window: the card's daily limit is $5.00"
    )
