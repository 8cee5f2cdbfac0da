"""Authorizations: what they show, every arrow that may be taken and every one that may not, and what is announced."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from emulator.data.merchant_categories import CODES
from emulator.issuing.authorizations import LIFECYCLE, Authorization
from emulator.issuing.merchants import SLOW_CATEGORIES
from emulator.kernel.errors import ApiError
from tests.client import Client
from tests.issuing.holders import CARDS, a_card, a_connected_account, previous, told
from tests.issuing.purchases import (
    AUTHORIZATIONS,
    DAY,
    NEEDED,
    NO_LIMITS,
    a_spender,
    a_treasury_spender,
    authorize,
    available,
    balance_rows,
    cash_and_pending,
    done,
    findings,
    fund,
    helper,
    in_a_step,
    reasons,
)

LIST = "/v1/issuing/authorizations"


# What they show


def test_a_plain_authorization_looks_like_those_of_test_mode(platform: Client) -> None:
    card = a_spender(platform)

    made = authorize(platform, card, 12_34)

    now = made["created"]
    network = made["network_data"].pop("transaction_id")
    assert (network[:5], len(network), network[5:].isdigit()) == ("test_", 20, True)
    (entry,) = made["request_history"]
    code = entry.pop("authorization_code")
    assert (code[0], len(code), code[1:].isdigit()) == ("S", 6, True)
    (hold,) = made.pop("balance_transactions")
    assert (hold["amount"], hold["type"], hold["description"]) == (
        -12_34,
        "issuing_authorization_hold",
        "Hold for authorization",
    )
    assert hold["source"] == made["id"]
    assert made.pop("card") == platform.read(f"{CARDS}/{card['id']}")
    assert made == {
        "id": made["id"],
        "object": "issuing.authorization",
        "amount": 12_34,
        "amount_details": {"atm_fee": None, "cashback_amount": 0},
        "approved": True,
        "authorization_method": "online",
        "card_presence": "not_present",
        "cardholder": card["cardholder"]["id"],
        "created": now,
        "currency": "usd",
        "fleet": None,
        "fuel": None,
        "livemode": False,
        "merchant_amount": 12_34,
        "merchant_currency": "usd",
        "merchant_data": {
            "category": "taxicabs_limousines",
            "category_code": "4121",
            "city": "San Francisco",
            "country": "US",
            "name": "Rocket Rides",
            "network_id": "1234567890",
            "postal_code": "94103",
            "state": "CA",
            "tax_id": None,
            "terminal_id": "99999999",
            "url": "https://rocketrides.io/",
        },
        "metadata": {},
        "network_data": {"acquiring_institution_id": "123456", "system_trace_audit_number": "1234567890"},
        "pending_request": None,
        "request_history": [
            {
                "amount": 12_34,
                "amount_details": {"atm_fee": None, "cashback_amount": None},
                "approved": True,
                "created": now,
                "currency": "usd",
                "merchant_amount": 12_34,
                "merchant_currency": "usd",
                "network_risk_score": 10,
                "reason": "card_active",
                "reason_message": None,
                "requested_at": now,
            }
        ],
        "status": "pending",
        "token": None,
        "transactions": [],
        "verification_data": {
            "address_line1_check": "not_provided",
            "address_postal_code_check": "not_provided",
            "authentication_exemption": None,
            "cvc_check": "not_provided",
            "expiry_check": "match",
            "postal_code": "94103",
            "three_d_secure": None,
        },
        "verified_by_fraud_challenge": False,
        "wallet": None,
    }


def test_everything_a_test_may_say_is_shown(platform: Client) -> None:
    fuel = {"industry_product_code": "001", "quantity_decimal": "5.0", "type": "diesel", "unit": "us_gallon"}
    made = authorize(
        platform,
        a_spender(platform),
        80_00,
        amount_details={"atm_fee": 2_50, "cashback_amount": 20_00},
        authorization_method="chip",
        currency="usd",
        fleet={
            "cardholder_prompt_data": {"driver_id": "d1", "odometer": 120},
            "purchase_type": "fuel_purchase",
            "reported_breakdown": {"fuel": {"gross_amount_decimal": "80.0"}},
            "service_type": "self_service",
        },
        fraud_disputability_likelihood="neutral",
        fuel=fuel,
        is_amount_controllable=True,
        merchant_data={"category": "bakeries", "name": "Bread", "city": "Bath", "country": "GB", "network_id": "77"},
        network_data={"acquiring_institution_id": "42"},
        risk_assessment={
            "card_testing_risk": {"level": "low", "invalid_credentials_decline_rate_past_hour": 3},
            "fraud_risk": {"level": "elevated", "score": "12.5"},
            "merchant_dispute_risk": {"level": "normal", "dispute_rate": 1},
        },
        verification_data={
            "address_line1_check": "match",
            "authentication_exemption": {"claimed_by": "acquirer", "type": "low_value_transaction"},
            "cvc_check": "match",
            "three_d_secure": {"result": "authenticated"},
        },
        wallet="apple_pay",
    )

    assert made["amount_details"] == {"atm_fee": 2_50, "cashback_amount": 20_00}
    assert made["request_history"][0]["amount_details"] == made["amount_details"]
    assert (made["authorization_method"], made["card_presence"]) == ("chip", "present")
    assert made["fleet"]["cardholder_prompt_data"] == {
        "alphanumeric_id": None,
        "driver_id": "d1",
        "odometer": 120,
        "unspecified_id": None,
        "user_id": None,
        "vehicle_number": None,
    }
    assert made["fleet"]["reported_breakdown"] == {
        "fuel": {"gross_amount_decimal": "80.0"},
        "non_fuel": None,
        "tax": None,
    }
    assert made["fuel"] == {**fuel, "unit_cost_decimal": None}
    assert made["merchant_data"]["category_code"] == CODES["bakeries"] == "5462"
    assert (made["merchant_data"]["name"], made["merchant_data"]["country"]) == ("Bread", "GB")
    assert made["network_data"]["acquiring_institution_id"] == "42"
    assert made["verification_data"]["three_d_secure"] == {"result": "authenticated"}
    assert made["verification_data"]["authentication_exemption"]["claimed_by"] == "acquirer"
    assert (made["verification_data"]["cvc_check"], made["verification_data"]["expiry_check"]) == ("match", "match")
    assert (made["token"][:6], made["wallet"]) == ("intok_", "apple_pay")
    assert made["risk_assessment"] == {
        "card_testing_risk": {
            "invalid_account_number_decline_rate_past_hour": None,
            "invalid_credentials_decline_rate_past_hour": 3,
            "level": "low",
        },
        "fraud_risk": {"level": "elevated", "score": 12.5},
        "merchant_dispute_risk": {"dispute_rate": 1, "level": "normal"},
    }
    assert made["approved"] is True


def test_a_risk_assessment_is_shown_where_one_was_given(platform: Client) -> None:
    card = a_spender(platform)

    without = authorize(platform, card, 1_00)
    partly = authorize(platform, card, 1_00, risk_assessment={"fraud_risk": {"level": "normal"}})

    assert "risk_assessment" not in without
    assert partly["risk_assessment"] == {
        "card_testing_risk": None,
        "fraud_risk": {"level": "normal", "score": None},
        "merchant_dispute_risk": None,
    }
    assert platform.read(f"/v1/issuing/authorizations/{partly['id']}") == partly


@pytest.mark.parametrize(
    "method, presence",
    [
        ("chip", "present"),
        ("contactless", "present"),
        ("swipe", "present"),
        ("online", "not_present"),
        ("keyed_in", "not_present"),
    ],
)
def test_whether_the_card_was_there_follows_from_the_method(platform: Client, method: str, presence: str) -> None:
    assert authorize(platform, a_spender(platform), 1_00, authorization_method=method)["card_presence"] == presence


def test_the_card_is_shown_as_it_is_now(platform: Client) -> None:
    card = a_spender(platform)
    made = authorize(platform, card, 1_00)

    platform.made(f"{CARDS}/{card['id']}", status="inactive")

    assert platform.read(f"{LIST}/{made['id']}")["card"]["status"] == "inactive"


def test_expanding(platform: Client) -> None:
    card = a_spender(platform)
    made = done(platform, authorize(platform, card, 1_00), "capture")

    shown = platform.read(f"{LIST}/{made['id']}", expand=["cardholder", "card.cardholder", "token", "fraud_challenges"])
    listed = platform.read(LIST, expand=["data.cardholder"])["data"][0]
    helped = platform.made(f"{AUTHORIZATIONS}/{made['id']}/capture", expand=["cardholder"])

    assert shown["cardholder"]["object"] == "issuing.cardholder"
    assert (shown["token"], shown["fraud_challenges"]) == (None, None)
    assert listed["cardholder"]["id"] == helped["cardholder"]["id"] == card["cardholder"]["id"]
    refusal = platform.get(f"{LIST}/{made['id']}", expand=["merchant_data"])
    assert refusal.error["message"] == "This property cannot be expanded (merchant_data)."


def test_lists_filter_by_card_holder_status_and_time(platform: Client) -> None:
    one, other = a_spender(platform), a_spender(platform)
    first = done(platform, authorize(platform, one, 1_00), "reverse")
    platform.clock(advance=DAY)
    second = authorize(platform, one, 2_00)
    third = authorize(platform, other, 3_00)

    def listed(**filters: Any) -> list[str]:
        return [made["id"] for made in platform.read(LIST, **filters)["data"]]

    assert listed() == [third["id"], second["id"], first["id"]]
    assert listed(card=one["id"]) == [second["id"], first["id"]]
    assert listed(cardholder=other["cardholder"]["id"]) == [third["id"]]
    assert listed(status="reversed") == [first["id"]]
    assert listed(created={"lt": second["created"]}) == [first["id"]]
    assert listed(card="ic_unknown") == []
    assert listed(limit=1, starting_after=third["id"]) == [second["id"]]


# Amounts


def test_a_status_check_holds_nothing_and_waits(platform: Client) -> None:
    made = authorize(platform, a_spender(platform, 0), 0)

    assert (made["approved"], made["amount"], made["status"]) == (True, 0, "pending")
    assert made["balance_transactions"] == []
    assert done(platform, made, "expire")["status"] == "expired"


def test_a_status_check_is_refused_by_rules_that_are_not_about_amounts(platform: Client) -> None:
    assert reasons(authorize(platform, a_card(platform), 0)) == ["card_inactive"]


def test_a_foreign_purchase_is_converted_by_the_table(platform: Client) -> None:
    card = a_spender(platform)

    converted = authorize(platform, card, merchant_amount=40_00, merchant_currency="eur")
    yen = authorize(platform, card, merchant_amount=1500, merchant_currency="jpy")
    both = authorize(platform, card, 45_00, merchant_amount=40_00, merchant_currency="eur")
    only_amount = authorize(platform, card, 50_00, merchant_currency="gbp")
    own = authorize(platform, card, merchant_amount=7_00)
    check = authorize(platform, card, 0, merchant_amount=40_00, merchant_currency="eur")

    assert (converted["amount"], converted["merchant_amount"], converted["merchant_currency"]) == (50_00, 40_00, "eur")
    assert (yen["amount"], yen["merchant_amount"]) == (10_00, 1500)
    assert (both["amount"], both["merchant_amount"]) == (45_00, 40_00)
    assert (only_amount["amount"], only_amount["merchant_amount"]) == (50_00, 37_50)
    assert (own["amount"], own["merchant_amount"], own["merchant_currency"]) == (7_00, 7_00, "usd")
    assert (check["amount"], check["merchant_amount"]) == (0, 40_00)
    assert check["request_history"][0]["merchant_amount"] == 40_00


def test_the_merchants_amount_keeps_its_proportion(platform: Client) -> None:
    made = authorize(platform, a_spender(platform), 50_00, merchant_amount=40_00, merchant_currency="eur")

    made = done(platform, made, "increment", increment_amount=10_00)
    assert (made["amount"], made["merchant_amount"]) == (60_00, 48_00)
    assert made["request_history"][1]["merchant_amount"] == 8_00
    made = done(platform, made, "reverse", reverse_amount=30_00)
    assert (made["amount"], made["merchant_amount"]) == (30_00, 24_00)
    made = done(platform, made, "finalize_amount", final_amount=20_00)
    assert (made["amount"], made["merchant_amount"]) == (20_00, 16_00)
    (capture,) = done(platform, made, "capture", capture_amount=10_00)["transactions"]
    assert (capture["amount"], capture["merchant_amount"], capture["merchant_currency"]) == (-10_00, -8_00, "eur")


def test_a_card_in_euros_spends_euros(platform: Client) -> None:
    fund(platform, 100_00, "eur")
    card = a_card(platform, currency="eur", status="active", spending_controls=NO_LIMITS)

    made = authorize(platform, card, 30_00)

    assert (made["approved"], made["currency"], available(platform, "eur")) == (True, "eur", 70_00)
    assert reasons(authorize(platform, card, 70_01)) == ["insufficient_funds"]


# Increments


def test_an_increment_adds_an_entry_and_tells_the_old_history(platform: Client) -> None:
    card = a_spender(platform, 20_00)
    made = authorize(platform, card, 10_00)
    already = len(platform.events())

    more = done(platform, made, "increment", increment_amount=5_00)
    refused = done(platform, made, "increment", increment_amount=5_01)

    assert (more["amount"], more["merchant_amount"]) == (15_00, 15_00)
    assert [entry["amount"] for entry in more["request_history"]] == [10_00, 5_00]
    assert (refused["amount"], refused["approved"], refused["status"]) == (15_00, True, "pending")
    assert refused["request_history"][:2] == more["request_history"]
    assert (refused["request_history"][2]["approved"], refused["request_history"][2]["amount"]) == (False, 5_01)
    assert reasons(refused) == ["card_active", "card_active", "insufficient_funds"]
    assert told(platform, already) == [
        (
            "issuing_authorization.updated",
            {"amount": 10_00, "merchant_amount": 10_00, "request_history": made["request_history"]},
        ),
        ("issuing_authorization.updated", {"request_history": more["request_history"]}),
    ]


def test_an_increment_meets_the_rules_as_they_are_now(platform: Client) -> None:
    card = a_spender(platform)
    made = authorize(platform, card, 10_00)

    platform.made(f"{CARDS}/{card['id']}", status="canceled")

    assert reasons(done(platform, made, "increment", increment_amount=1_00)) == ["card_active", "card_canceled"]
    assert done(platform, made, "capture")["status"] == "closed"


# Captures


def test_captures_ask_for_nothing_about_the_card(platform: Client) -> None:
    card = a_spender(platform, 10_00)
    made = authorize(platform, card, 10_00)
    platform.made(f"/v1/issuing/cardholders/{card['cardholder']['id']}", status="inactive")
    platform.made(f"{CARDS}/{card['id']}", status="canceled")

    captured = done(platform, made, "capture", capture_amount=25_00)

    assert (captured["status"], available(platform)) == ("closed", -15_00)


def test_captures_in_part_release_what_they_take_until_the_last(platform: Client) -> None:
    made = authorize(platform, a_spender(platform, 100_00), 10_00)

    for amount in (3_00, 4_00):
        made = done(platform, made, "capture", capture_amount=amount, close_authorization=False)
        assert made["status"] == "pending"
    made = done(platform, made, "capture")

    assert [one["amount"] for one in made["transactions"]] == [-3_00, -4_00, -3_00]
    assert [row for row in balance_rows(platform) if row[0] != "topup"] == [
        ("issuing_authorization_hold", -10_00),
        ("issuing_authorization_release", 3_00),
        ("issuing_transaction", -3_00),
        ("issuing_authorization_release", 4_00),
        ("issuing_transaction", -4_00),
        ("issuing_authorization_release", 3_00),
        ("issuing_transaction", -3_00),
    ]
    assert made["balance_transactions"][0]["description"] == "Released hold for authorization due to capture"
    assert findings(platform) == []


def test_the_default_of_a_capture_after_everything_held_was_taken_is_the_full_amount(platform: Client) -> None:
    made = authorize(platform, a_spender(platform, 100_00), 10_00)
    done(platform, made, "capture", capture_amount=10_00, close_authorization=False)

    made = done(platform, made, "capture")

    assert [one["amount"] for one in made["transactions"]] == [-10_00, -10_00]


def test_a_capture_of_a_closed_authorization_is_only_a_transaction(platform: Client) -> None:
    made = authorize(platform, a_spender(platform, 100_00), 10_00)
    already = len(platform.events())

    done(platform, made, "capture")
    done(platform, made, "capture", capture_amount=1_00)

    assert told(platform, already) == [
        ("issuing_transaction.created", None),
        ("issuing_authorization.updated", {"status": "pending"}),
        ("issuing_transaction.created", None),
    ]


def test_a_late_capture_closes_what_has_expired(platform: Client) -> None:
    made = done(platform, authorize(platform, a_spender(platform, 100_00), 10_00), "expire")
    already = len(platform.events())

    made = done(platform, made, "capture")

    assert made["status"] == "closed"
    assert told(platform, already)[1] == ("issuing_authorization.updated", {"status": "expired"})
    assert balance_rows(platform)[-1] == ("issuing_transaction", -10_00)


# Giving back


def test_reversing_tells_what_was_there(platform: Client) -> None:
    made = authorize(platform, a_spender(platform), 5_00)
    already = len(platform.events())

    part = done(platform, made, "reverse", reverse_amount=2_00)
    whole = done(platform, made, "reverse")

    assert (part["status"], part["amount"], part["approved"]) == ("pending", 3_00, True)
    assert (whole["status"], whole["amount"], whole["merchant_amount"], whole["approved"]) == ("reversed", 0, 0, True)
    assert told(platform, already) == [
        ("issuing_authorization.updated", {"amount": 5_00, "merchant_amount": 5_00}),
        ("issuing_authorization.updated", {"amount": 3_00, "merchant_amount": 3_00, "status": "pending"}),
    ]
    assert whole["balance_transactions"][0]["description"] == "Released hold for authorization due to reversal"


@pytest.mark.parametrize("category", ["bakeries", *sorted(SLOW_CATEGORIES)])
def test_what_nobody_captures_expires_by_the_clock(platform: Client, category: str) -> None:
    platform.clock(frozen=True)
    days = 31 if category in SLOW_CATEGORIES else 7
    made = authorize(platform, a_spender(platform), 10_00, merchant_data={"category": category})

    platform.clock(advance=days * DAY - 1)
    assert platform.read(f"{LIST}/{made['id']}")["status"] == "pending"
    platform.clock(advance=1)

    expired = platform.read(f"{LIST}/{made['id']}")
    assert (expired["status"], expired["amount"], available(platform)) == ("expired", 10_00, 500_00)
    assert expired["balance_transactions"][0]["description"] == "Released hold for authorization due to expiration"
    (event,) = platform.events(created={"gt": made["created"]})
    assert (event["type"], previous(event)) == ("issuing_authorization.updated", {"status": "pending"})
    assert event["request"] == {"id": None, "idempotency_key": None}
    assert event["created"] == made["created"] + days * DAY


def test_an_increment_renews_the_wait(platform: Client) -> None:
    platform.clock(frozen=True)
    made = authorize(platform, a_spender(platform), 10_00)

    platform.clock(advance=6 * DAY)
    done(platform, made, "increment", increment_amount=1_00)
    platform.clock(advance=6 * DAY)
    assert platform.read(f"{LIST}/{made['id']}")["status"] == "pending"
    platform.clock(advance=DAY)

    assert platform.read(f"{LIST}/{made['id']}")["status"] == "expired"


@pytest.mark.parametrize("verb", ["capture", "reverse", "expire"])
def test_what_has_ended_does_not_expire(platform: Client, verb: str) -> None:
    made = done(platform, authorize(platform, a_spender(platform), 10_00), verb)
    already = len(platform.events())

    platform.clock(advance=40 * DAY)

    assert platform.read(f"{LIST}/{made['id']}")["status"] == made["status"]
    assert platform.events()[already:] == []


def test_a_capture_in_part_does_not_stop_the_clock(platform: Client) -> None:
    made = authorize(platform, a_spender(platform), 10_00)
    done(platform, made, "capture", capture_amount=4_00, close_authorization=False)

    platform.clock(advance=8 * DAY)

    ended = platform.read(f"{LIST}/{made['id']}")
    assert (ended["status"], ended["amount"], available(platform)) == ("closed", 10_00, 496_00)


# Arrows


VERBS = sorted({verb for moves in LIFECYCLE.moves.values() for verb in moves})


@pytest.mark.parametrize("status, verb", list(product(LIFECYCLE.moves, VERBS)))
def test_only_drawn_arrows_can_be_followed(status: str, verb: str) -> None:
    if verb in LIFECYCLE.moves[status]:
        assert LIFECYCLE.after(status, verb) == LIFECYCLE.moves[status][verb]
    else:
        with pytest.raises(ApiError):
            LIFECYCLE.after(status, verb)


def one_that_is(client: Client, state: str) -> dict[str, Any]:
    """An authorization in a state, `declined` being a closed one that was not approved."""
    if state == "declined":
        return authorize(client, a_card(client), 10_00)
    made = authorize(client, a_spender(client), 10_00)
    verb = {"closed": "capture", "reversed": "reverse", "expired": "expire"}.get(state)
    return done(client, made, verb) if verb else made


WORDS = {"finalize_amount": "finalize"}


@pytest.mark.parametrize("state", ["declined", "closed", "reversed", "expired"])
@pytest.mark.parametrize("verb", ["reverse", "increment", "finalize_amount", "expire"])
def test_helpers_for_open_authorizations_are_refused_otherwise(platform: Client, state: str, verb: str) -> None:
    made = one_that_is(platform, state)
    before = available(platform), len(platform.events())

    refusal = helper(platform, made, verb, **NEEDED.get(verb, {}))

    assert refusal.status == 400
    assert refusal.error["type"] == "invalid_request_error"
    assert "code" not in refusal.error
    assert refusal.error["message"] == (
        f"You cannot {WORDS.get(verb, verb)} an authorization with status '{made['status']}'."
    )
    assert (available(platform), len(platform.events())) == before
    assert platform.read(f"{LIST}/{made['id']}") == made


@pytest.mark.parametrize(
    "state, message",
    [
        ("declined", "You cannot capture an authorization that was declined."),
        ("reversed", "You cannot capture an authorization with status 'reversed'."),
    ],
)
def test_what_was_declined_or_given_back_cannot_be_captured(platform: Client, state: str, message: str) -> None:
    refusal = helper(platform, one_that_is(platform, state), "capture")

    assert (refusal.status, refusal.error["message"]) == (400, message)
    assert "code" not in refusal.error


# Refusals of parameters


BAD: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"amount": 1_00}, "card", "parameter_missing", "Missing required param: card."),
    ({"card": "ic_nope", "amount": 1}, "card", "resource_missing", "No such issuing card: 'ic_nope'"),
    ({"card": "CARD"}, "amount", "parameter_missing", "Missing required param: amount."),
    (
        {"card": "CARD", "amount": -1},
        "amount",
        "parameter_invalid_integer",
        "This value must be greater than or equal to 0.",
    ),
    ({"card": "CARD", "amount": "abc"}, "amount", "parameter_invalid_integer", "Invalid integer: abc"),
    (
        {"card": "CARD", "amount": 100_000_000},
        "amount",
        None,
        "This value must be less than or equal to 99999999 (it currently is '100000000').",
    ),
    (
        {"card": "CARD", "amount": 1, "currency": "eur"},
        "currency",
        None,
        "The currency must be the card's: 'usd', but you passed in 'eur'.",
    ),
    (
        {"card": "CARD", "amount": 1_00, "amount_details": {"atm_fee": 1_01}},
        "amount_details[atm_fee]",
        None,
        "The atm_fee must not be greater than the amount.",
    ),
    (
        {"card": "CARD", "amount": 1_00, "amount_details": {"cashback_amount": 1_01}},
        "amount_details[cashback_amount]",
        None,
        "The cashback_amount must not be greater than the amount.",
    ),
    (
        {"card": "CARD", "amount": 1, "authorization_method": "phone"},
        "authorization_method",
        None,
        "Invalid authorization_method: must be one of chip, contactless, keyed_in, online, or swipe",
    ),
    (
        {"card": "CARD", "amount": 1, "risk_assessment": {"fraud_risk": {"score": "3"}}},
        "risk_assessment[fraud_risk][level]",
        "parameter_missing",
        "Missing required param: risk_assessment[fraud_risk][level].",
    ),
    (
        {"card": "CARD", "merchant_amount": 99_999_999, "merchant_currency": "gbp"},
        "merchant_amount",
        None,
        "This value must be less than or equal to 99999999 usd (it currently is '133333332').",
    ),
    ({"card": "CARD", "amount": 1, "held_amount": 1}, "held_amount", "parameter_unknown", "Received unknown parameter"),
]


@pytest.mark.parametrize("params, param, code, message", BAD)
def test_requests_that_make_no_sense_are_refused(
    platform: Client, params: dict[str, Any], param: str, code: str | None, message: str
) -> None:
    card = a_spender(platform)
    sent = {name: card["id"] if value == "CARD" else value for name, value in params.items()}

    refusal = platform.post(AUTHORIZATIONS, **sent)

    assert refusal.status == 400
    assert (refusal.error["param"], refusal.error.get("code")) == (param, code)
    assert refusal.error["message"].startswith(message)
    assert platform.read(LIST)["data"] == []


def test_a_wrong_category_is_refused_with_a_shortened_list(platform: Client) -> None:
    card = a_spender(platform)

    refusal = platform.post(AUTHORIZATIONS, card=card["id"], amount=1, merchant_data={"category": "sweets"})

    assert refusal.error["param"] == "merchant_data[category]"
    assert refusal.error["message"].startswith(
        "Invalid merchant_data[category]: must be one of ac_refrigeration_repair"
    )
    assert refusal.error["message"].endswith(", ..., or wrecking_and_salvage_yards")


@pytest.mark.parametrize(
    "verb, params, param, code",
    [
        ("capture", {"capture_amount": 0}, "capture_amount", "parameter_invalid_integer"),
        ("capture", {"capture_amount": -5}, "capture_amount", "parameter_invalid_integer"),
        ("capture", {"close_authorization": "yes"}, "close_authorization", None),
        ("capture", {"purchase_details": {"receipt": [{"description": "x" * 27}]}}, None, None),
        ("finalize_amount", {}, "final_amount", "parameter_missing"),
        ("finalize_amount", {"final_amount": -1}, "final_amount", "parameter_invalid_integer"),
        ("increment", {}, "increment_amount", "parameter_missing"),
        ("increment", {"increment_amount": 0}, "increment_amount", "parameter_invalid_integer"),
        ("reverse", {"reverse_amount": 0}, "reverse_amount", "parameter_invalid_integer"),
        ("reverse", {"reverse_amount": 10_01}, "reverse_amount", None),
        ("expire", {"reason": "old"}, "reason", "parameter_unknown"),
        ("fraud_challenges/respond", {}, "confirmed", "parameter_missing"),
        ("fraud_challenges/respond", {"confirmed": True}, None, None),
    ],
)
def test_helpers_refuse_what_makes_no_sense(
    platform: Client, verb: str, params: dict[str, Any], param: str | None, code: str | None
) -> None:
    made = authorize(platform, a_spender(platform), 10_00)
    events = len(platform.events())

    refusal = helper(platform, made, verb, **params)

    assert (refusal.status, refusal.error.get("code")) == (400, code)
    assert param is None or refusal.error["param"] == param
    assert platform.read(f"{LIST}/{made['id']}") == made
    assert len(platform.events()) == events


@pytest.mark.parametrize(
    "verb", ["capture", "expire", "finalize_amount", "increment", "reverse", "fraud_challenges/respond"]
)
def test_an_unknown_authorization_is_missing_by_its_own_name(platform: Client, verb: str) -> None:
    params = {**NEEDED.get(verb, {}), **({"confirmed": True} if "respond" in verb else {})}

    refusal = helper(platform, {"id": "iauth_x"}, verb, **params)

    assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (404, "resource_missing", "authorization")
    assert refusal.error["message"] == "No such issuing authorization: 'iauth_x'"


@pytest.mark.parametrize("path", ["", "/approve", "/decline"])
def test_an_unknown_authorization_is_missing_on_its_own_paths(platform: Client, path: str) -> None:
    refusal = platform.post(f"{LIST}/iauth_x{path}")

    assert (refusal.status, refusal.error["param"]) == (404, "authorization")
    assert platform.get(f"{LIST}/iauth_x").error["code"] == "resource_missing"


def test_another_account_has_no_such_authorization(platform: Client) -> None:
    made = authorize(platform, a_spender(platform), 10_00)
    other = a_connected_account(platform, "card_issuing", "transfers")

    assert other.get(f"{LIST}/{made['id']}").status == 404
    assert helper(other, made, "capture").status == 404
    assert other.post(AUTHORIZATIONS, card=made["card"]["id"], amount=1).error["code"] == "resource_missing"


# Metadata


@pytest.mark.parametrize("state", ["declined", "pending", "closed", "reversed", "expired"])
def test_metadata_can_change_in_every_state(platform: Client, state: str) -> None:
    made = one_that_is(platform, state)
    already = len(platform.events())

    changed = platform.made(f"{LIST}/{made['id']}", metadata={"order": "7"})
    platform.made(f"{LIST}/{made['id']}", metadata={"order": "7"})
    cleared = platform.made(f"{LIST}/{made['id']}", metadata=None)

    assert changed == {**made, "metadata": {"order": "7"}}
    assert cleared["metadata"] == {}
    assert told(platform, already) == [
        ("issuing_authorization.updated", {"metadata": {"order": None}}),
        ("issuing_authorization.updated", {"metadata": {"order": "7"}}),
    ]


def test_only_metadata_can_change(platform: Client) -> None:
    made = authorize(platform, a_spender(platform), 10_00)

    refusal = platform.post(f"{LIST}/{made['id']}", amount=5_00)

    assert (refusal.status, refusal.error["code"]) == (400, "parameter_unknown")


# Lifecycle controls


def test_payments_cancel_a_card_after_the_event_of_the_one_that_was_enough(platform: Client) -> None:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 2}})
    already = len(platform.events())

    first = authorize(platform, card, 1_01)
    authorize(platform, card, 0)
    done(platform, first, "increment", increment_amount=5_00)
    done(platform, first, "capture")
    second = authorize(platform, card, 2_00)

    assert (second["approved"], second["card"]["status"]) == (True, "canceled")
    assert told(platform, already)[-2:] == [
        ("issuing_authorization.created", None),
        ("issuing_card.updated", {"status": "active"}),
    ]
    assert reasons(authorize(platform, card, 2_00)) == ["card_canceled"]
    assert done(platform, second, "capture")["status"] == "closed"


@pytest.mark.parametrize("amount, status", [(1_00, "active"), (1_01, "canceled")])
def test_a_payment_of_more_than_a_dollar_counts_at_once(platform: Client, amount: int, status: str) -> None:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 1}})

    made = authorize(platform, card, amount)

    assert platform.read(f"{CARDS}/{made['card']['id']}")["status"] == status


def test_a_payment_of_a_dollar_counts_once_it_is_captured(platform: Client) -> None:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 1}})
    made = authorize(platform, card, 1_00)
    assert made["card"]["status"] == "active"
    already = len(platform.events())

    captured = done(platform, made, "capture")

    assert captured["card"]["status"] == "canceled"
    assert [type for type, _ in told(platform, already)] == [
        "issuing_transaction.created",
        "issuing_authorization.updated",
        "issuing_card.updated",
    ]


def test_captures_of_one_authorization_count_once(platform: Client) -> None:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 2}})
    made = authorize(platform, card, 50)

    for _ in range(3):
        made = done(platform, made, "capture", capture_amount=10, close_authorization=False)

    assert made["card"]["status"] == "active"


def test_an_increment_of_a_small_authorization_counts_with_its_capture(platform: Client) -> None:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 1}})
    made = done(platform, authorize(platform, card, 50), "increment", increment_amount=5_00)
    assert made["card"]["status"] == "active"

    assert done(platform, made, "capture")["card"]["status"] == "canceled"


# The legacy path


def test_the_legacy_path_asks_for_a_dollar(platform: Client) -> None:
    card = a_spender(platform)
    path = f"{CARDS}/{card['id']}/test/authorizations"

    usual = platform.made(path)
    held = platform.made(path, held_amount=2_50, held_currency="usd", authorization_method="online")
    modern = platform.made(path, amount=3_00, merchant_data={"name": "Bread"})
    foreign = platform.made(path, held_amount=5_50, merchant_amount=4_00, merchant_currency="eur")
    converted = platform.made(path, merchant_amount=4_00, merchant_currency="eur")
    both = platform.made(path, held_amount=2_50, amount=3_00)

    assert [one["amount"] for one in (usual, held, modern)] == [1_00, 2_50, 3_00]
    assert (foreign["amount"], foreign["merchant_amount"]) == (5_50, 4_00)
    assert (converted["amount"], both["amount"]) == (5_00, 3_00)
    assert modern["merchant_data"]["name"] == "Bread"
    assert platform.post(path, held_amount=1, held_currency="eur").error["param"] == "currency"
    refusal = platform.post(f"{CARDS}/ic_nope/test/authorizations")
    assert (refusal.status, refusal.error["param"]) == (404, "card")


# On a financial account


def test_on_a_financial_account_it_names_its_treasury_objects(platform: Client) -> None:
    client, _, card = a_treasury_spender(platform)

    held = authorize(client, card, 10_00)
    free = authorize(client, card, 0)
    declined = authorize(client, card, 500_00)

    assert held["treasury"]["transaction"].startswith("trxn_")
    for made in (free, declined):
        assert made["treasury"] == {"received_credits": [], "received_debits": [], "transaction": None}
    transaction = client.read(f"/v1/treasury/transactions/{held['treasury']['transaction']}", expand=["flow_details"])
    assert transaction["flow_details"]["issuing_authorization"]["id"] == held["id"]
    assert transaction["description"] == "Rocket Rides"


@pytest.mark.parametrize("verb", ["capture", "reverse", "expire"])
def test_its_treasury_transaction_tells_when_the_hold_ended(platform: Client, verb: str) -> None:
    platform.clock(frozen=True)
    client, _, card = a_treasury_spender(platform)
    held = authorize(client, card, 10_00)
    platform.clock(advance=90)

    done(client, held, verb)

    transaction = client.read(f"/v1/treasury/transactions/{held['treasury']['transaction']}")
    assert transaction["status_transitions"] == {"posted_at": None, "void_at": held["created"] + 90}


@pytest.mark.parametrize(
    "verb, params",
    [
        ("finalize_amount", {"final_amount": 0}),
        ("capture", {"close_authorization": False}),
    ],
)
def test_once_nothing_is_held_an_increment_begins_another_treasury_transaction(
    platform: Client, verb: str, params: dict[str, Any]
) -> None:
    client, account, card = a_treasury_spender(platform)
    held = authorize(client, card, 10_00)
    emptied = done(client, held, verb, **params)
    spent = emptied["amount"]

    raised = done(client, held, "increment", increment_amount=3_00)

    first, second = (one["treasury"]["transaction"] for one in (held, raised))
    assert (raised["approved"], emptied["treasury"]["transaction"], second == first) == (True, first, False)
    shown = [client.read(f"/v1/treasury/transactions/{id}") for id in (first, second)]
    assert [(one["status"], one["amount"], one["flow"]) for one in shown] == [
        ("void", 0, held["id"]),
        ("open", -3_00, held["id"]),
    ]
    assert cash_and_pending(client, account) == (197_00 - spent, 3_00)
    assert findings(platform) == []


# The doctor


def test_the_doctor_names_holds_and_captures_that_do_not_add_up(platform: Client) -> None:
    made = done(platform, authorize(platform, a_spender(platform), 10_00), "capture")
    assert findings(platform) == []

    with in_a_step(platform) as world:
        stored = world.get(Authorization, made["id"])
        world.put(replace(stored, captured=stored.captured + 1, held=2))

    found = " ".join(findings(platform))
    assert f"{made['id']} says 1001 was captured, its transactions say 1000" in found
    assert ":issuing_held:usd says 0, the authorizations hold 2" in found
    assert "the spending tally" in found
