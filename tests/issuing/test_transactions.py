"""Transactions: captures, refunds whole and in part, money nobody authorized, and what merchants tell of a purchase."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client
from tests.issuing.holders import CARDS, a_card, told
from tests.issuing.purchases import (
    DAY,
    TRANSACTIONS,
    a_spender,
    a_treasury_spender,
    authorize,
    available,
    cash_and_pending,
    done,
    findings,
    force_capture,
    refund,
)

LIST = "/v1/issuing/transactions"


def captured(client: Client, amount: int = 10_00, **more: Any) -> dict[str, Any]:
    """The transaction of a captured authorization."""
    made = authorize(client, a_spender(client), amount, **more)
    return done(client, made, "capture")["transactions"][0]


def unlinked_refund(client: Client, card: dict[str, Any], amount: int, **more: Any) -> dict[str, Any]:
    """A refund that belongs to no purchase."""
    return client.made(f"{TRANSACTIONS}/create_unlinked_refund", card=card["id"], amount=amount, **more)


# What they show


def test_a_capture_looks_like_those_of_test_mode(platform: Client) -> None:
    platform.clock(set=2_151_014_400, frozen=True)  # 2038-03-01
    authorization = authorize(platform, a_spender(platform), 12_34, wallet="apple_pay")

    (shown,) = done(platform, authorization, "capture")["transactions"]

    assert shown == {
        "id": shown["id"],
        "object": "issuing.transaction",
        "amount": -12_34,
        "amount_details": {"atm_fee": None, "cashback_amount": 0},
        "authorization": authorization["id"],
        "balance_transaction": shown["balance_transaction"],
        "card": authorization["card"]["id"],
        "cardholder": authorization["cardholder"],
        "created": 2_151_014_400,
        "currency": "usd",
        "dispute": None,
        "livemode": False,
        "merchant_amount": -12_34,
        "merchant_currency": "usd",
        "merchant_data": authorization["merchant_data"],
        "metadata": {},
        "network_data": {
            "authorization_code": authorization["request_history"][0]["authorization_code"],
            "processing_date": "2038-03-01",
            "transaction_id": authorization["network_data"]["transaction_id"],
        },
        "token": authorization["token"],
        "type": "capture",
        "wallet": "apple_pay",
    }
    assert platform.read(f"{LIST}/{shown['id']}") == shown


def test_its_balance_transaction_tells_of_the_same_money(platform: Client) -> None:
    shown = captured(platform)

    expanded = platform.read(
        f"{LIST}/{shown['id']}",
        expand=["balance_transaction", "authorization", "card", "cardholder", "dispute", "token"],
    )

    row = expanded["balance_transaction"]
    assert (row["type"], row["amount"], row["source"]) == ("issuing_transaction", -10_00, shown["id"])
    assert expanded["authorization"]["transactions"][0]["id"] == shown["id"]
    assert expanded["card"]["cardholder"]["id"] == expanded["cardholder"]["id"]
    assert (expanded["dispute"], expanded["token"]) == (None, None)


def test_the_withdrawn_filter_by_settlement_is_unknown(platform: Client) -> None:
    answer = platform.get(LIST, settlement="ise_1")

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "parameter_unknown", "settlement")


def test_lists_filter_by_card_holder_type_and_time(platform: Client) -> None:
    one, other = a_spender(platform), a_spender(platform)
    first = force_capture(platform, one, 1_00)
    platform.clock(advance=DAY)
    second = unlinked_refund(platform, one, 2_00)
    third = force_capture(platform, other, 3_00)

    def listed(**filters: Any) -> list[str]:
        return [made["id"] for made in platform.read(LIST, **filters)["data"]]

    assert listed() == [third["id"], second["id"], first["id"]]
    assert listed(card=one["id"]) == [second["id"], first["id"]]
    assert listed(cardholder=other["cardholder"]["id"]) == [third["id"]]
    assert listed(type="refund") == [second["id"]]
    assert listed(created={"lt": second["created"]}) == [first["id"]]
    assert listed(cardholder="ich_unknown") == []
    assert listed(limit=1, ending_before=first["id"]) == [second["id"]]


def test_metadata_changes_are_announced(platform: Client) -> None:
    shown = captured(platform)
    already = len(platform.events())

    changed = platform.made(f"{LIST}/{shown['id']}", metadata={"order": "7"})
    platform.made(f"{LIST}/{shown['id']}", metadata={"order": "7"})

    assert changed == {**shown, "metadata": {"order": "7"}}
    assert told(platform, already) == [("issuing_transaction.updated", {"metadata": {"order": None}})]


# Refunds


def test_a_refund_belongs_to_the_authorization_of_its_capture(platform: Client) -> None:
    capture = captured(platform)
    already = len(platform.events())

    made = refund(platform, capture, refund_amount=3_00).json

    assert (made["type"], made["amount"], made["merchant_amount"]) == ("refund", 3_00, 3_00)
    assert made["id"] != capture["id"]
    assert (made["authorization"], made["network_data"]) == (capture["authorization"], capture["network_data"])
    authorization = platform.read(f"/v1/issuing/authorizations/{capture['authorization']}")
    assert [one["id"] for one in authorization["transactions"]] == [made["id"], capture["id"]]
    assert authorization["status"] == "closed"
    assert told(platform, already) == [("issuing_transaction.created", None)]
    assert available(platform) == 493_00


def test_refunds_give_back_at_most_the_capture(platform: Client) -> None:
    capture = captured(platform)

    refund(platform, capture, refund_amount=4_00)
    too_much = refund(platform, capture, refund_amount=6_01)
    rest = refund(platform, capture)
    nothing_left = refund(platform, capture)

    assert (too_much.status, too_much.error["param"]) == (400, "refund_amount")
    assert rest.json["amount"] == 6_00
    assert nothing_left.error["message"] == "This transaction has already been refunded: all of its 1000."
    assert available(platform) == 500_00
    assert findings(platform) == []


@pytest.mark.parametrize("amount", [0, -1, "abc"])
def test_a_refund_needs_a_positive_amount(platform: Client, amount: Any) -> None:
    refusal = refund(platform, captured(platform), refund_amount=amount)

    assert (refusal.status, refusal.error["code"]) == (400, "parameter_invalid_integer")


def test_a_refund_cannot_be_refunded(platform: Client) -> None:
    made = refund(platform, captured(platform)).json

    refusal = refund(platform, made)

    assert (refusal.status, refusal.error["message"]) == (400, "You cannot refund a transaction of type 'refund'.")


def test_refunds_reach_canceled_cards(platform: Client) -> None:
    capture = captured(platform)
    platform.made(f"{CARDS}/{capture['card']}", status="canceled")

    assert refund(platform, capture).status == 200


def test_a_foreign_refund_keeps_the_rate_of_its_capture(platform: Client) -> None:
    capture = captured(platform, 50_00, merchant_amount=40_00, merchant_currency="eur")

    made = refund(platform, capture, refund_amount=25_00).json

    assert (made["amount"], made["merchant_amount"], made["merchant_currency"]) == (25_00, 20_00, "eur")


def test_refunds_and_captures_in_part_show_in_the_treasury_hash(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform)
    made = authorize(client, card, 10_00)

    for _ in range(2):
        made = done(client, made, "capture", capture_amount=4_00, close_authorization=False)
    newest, oldest = made["transactions"]
    back = refund(client, oldest).json

    shown = client.read(f"/v1/issuing/authorizations/{made['id']}")
    assert shown["treasury"]["received_debits"] == [
        oldest["treasury"]["received_debit"],
        newest["treasury"]["received_debit"],
    ]
    assert shown["treasury"]["received_credits"] == [back["treasury"]["received_credit"]]
    assert back["treasury"]["received_debit"] is None
    assert cash_and_pending(client, account) == (194_00, 2_00)
    assert findings(platform) == []


def test_refunds_reach_financial_accounts_that_take_nothing_else(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform)
    capture = done(client, authorize(client, card, 10_00), "capture")["transactions"][0]
    restrictions = {"inbound_flows": "restricted", "outbound_flows": "restricted"}
    client.made(f"/v1/treasury/financial_accounts/{account}", platform_restrictions=restrictions)

    refund(client, capture)

    assert cash_and_pending(client, account) == (200_00, 0)


def test_captures_go_through_restrictions(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform)
    made = authorize(client, card, 10_00)
    client.made(f"/v1/treasury/financial_accounts/{account}", platform_restrictions={"outbound_flows": "restricted"})

    assert done(client, made, "capture")["status"] == "closed"
    assert cash_and_pending(client, account) == (190_00, 0)


# Without authorization


@pytest.mark.parametrize("status", ["inactive", "active", "canceled"])
def test_a_force_capture_takes_money_from_a_card_in_whatever_state(platform: Client, status: str) -> None:
    card = a_card(platform)
    if status != "inactive":
        platform.made(f"{CARDS}/{card['id']}", status=status)
    already = len(platform.events())

    made = force_capture(platform, card, 25_00, currency="usd")

    assert (made["type"], made["amount"], made["authorization"]) == ("capture", -25_00, None)
    assert made["network_data"]["authorization_code"] is None
    assert made["network_data"]["transaction_id"].startswith("test_")
    assert made["merchant_data"]["name"] == "Rocket Rides"
    assert available(platform) == -25_00
    assert told(platform, already) == [("issuing_transaction.created", None)]
    assert refund(platform, made).json["amount"] == 25_00


def test_an_unlinked_refund_adds_money(platform: Client) -> None:
    card = a_spender(platform, 0)
    already = len(platform.events())

    made = unlinked_refund(platform, card, 5_00, merchant_data={"category": "bakeries"})

    assert (made["type"], made["amount"], made["authorization"]) == ("refund", 5_00, None)
    assert made["merchant_data"]["category_code"] == "5462"
    assert available(platform) == 5_00
    assert told(platform, already) == [("issuing_transaction.created", None)]


def test_on_a_financial_account_they_come_as_treasury_flows(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform)
    already = len(client.events())

    taken = force_capture(client, card, 5_00)
    given = unlinked_refund(client, card, 2_00)

    assert cash_and_pending(client, account) == (197_00, 0)
    debit = client.read(f"/v1/treasury/received_debits/{taken['treasury']['received_debit']}")
    assert debit["linked_flows"]["issuing_authorization"] is None
    assert debit["linked_flows"]["issuing_transaction"] == taken["id"]
    assert given["treasury"]["received_credit"].startswith("rc_")
    assert client.event_types(already) == [
        "issuing_transaction.created",
        "treasury.received_debit.created",
        "issuing_transaction.created",
        "treasury.received_credit.created",
        "treasury.received_credit.succeeded",
    ]


def test_a_force_capture_counts_as_a_payment(platform: Client) -> None:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 1}})
    already = len(platform.events())

    force_capture(platform, card, 50)

    assert told(platform, already) == [
        ("issuing_transaction.created", None),
        ("issuing_card.updated", {"status": "active"}),
    ]


@pytest.mark.parametrize("path", ["create_force_capture", "create_unlinked_refund"])
@pytest.mark.parametrize(
    "change, param, code",
    [
        ({"amount": None}, "amount", "parameter_missing"),
        ({"card": None}, "card", "parameter_missing"),
        ({"amount": 0}, "amount", "parameter_invalid_integer"),
        ({"amount": "12.5"}, "amount", "parameter_invalid_integer"),
        ({"card": "ic_nope"}, "card", "resource_missing"),
        ({"currency": "eur"}, "currency", None),
        ({"currency": "xyz"}, "currency", None),
        ({"merchant_data": {"category": "sweets"}}, "merchant_data[category]", None),
        ({"authorization": "iauth_1"}, "authorization", "parameter_unknown"),
    ],
)
def test_they_refuse_what_makes_no_sense(
    platform: Client, path: str, change: dict[str, Any], param: str, code: str | None
) -> None:
    sent = {"amount": 1_00, "card": a_card(platform)["id"], **change}

    refusal = platform.post(
        f"{TRANSACTIONS}/{path}", **{name: value for name, value in sent.items() if value is not None}
    )

    assert (refusal.status, refusal.error["param"], refusal.error.get("code")) == (400, param, code)
    assert platform.read(LIST)["data"] == []


@pytest.mark.parametrize(
    "verb, path", [("GET", f"{LIST}/ipi_x"), ("POST", f"{LIST}/ipi_x"), ("POST", f"{TRANSACTIONS}/ipi_x/refund")]
)
def test_an_unknown_transaction_is_missing_by_its_own_name(platform: Client, verb: str, path: str) -> None:
    refusal = platform.send(verb, path, {}, None)

    assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (404, "resource_missing", "transaction")
    assert refusal.error["message"] == "No such issuing transaction: 'ipi_x'"


# What was bought


EVERYTHING: dict[str, Any] = {
    "fleet": {"cardholder_prompt_data": {"vehicle_number": "7"}, "service_type": "full_service"},
    "flight": {
        "departure_at": 1_800_000_000,
        "passenger_name": "Ada",
        "refundable": True,
        "segments": [{"arrival_airport_code": "SFO", "carrier": "XX", "stopover_allowed": False}],
        "travel_agency": "Away",
    },
    "fuel": {"quantity_decimal": "5.0"},
    "lodging": {"check_in_at": 1_800_000_000, "nights": 2},
    "receipt": [
        {"description": "Bread", "quantity": "2", "unit_cost": 3_50},
        {"description": "Butter", "quantity": "0.5", "total": 2_00, "unit_cost": 3_99},
        {"quantity": "2.5", "unit_cost": 1_01},
    ],
    "reference": "order 7",
}


def test_purchase_details_are_shown_on_request_with_every_key(platform: Client) -> None:
    made = authorize(platform, a_spender(platform), 10_00)
    already = len(platform.events())

    (shown,) = done(platform, made, "capture", purchase_details=EVERYTHING)["transactions"]

    assert "purchase_details" not in shown
    details = platform.read(f"{LIST}/{shown['id']}", expand=["purchase_details"])["purchase_details"]
    assert details["fleet"]["cardholder_prompt_data"] == {
        "driver_id": None,
        "odometer": None,
        "unspecified_id": None,
        "user_id": None,
        "vehicle_number": "7",
    }
    assert (details["fleet"]["reported_breakdown"], details["fleet"]["purchase_type"]) == (None, None)
    assert details["flight"]["segments"] == [
        {
            "arrival_airport_code": "SFO",
            "carrier": "XX",
            "departure_airport_code": None,
            "flight_number": None,
            "service_class": None,
            "stopover_allowed": False,
        }
    ]
    assert details["fuel"] == {
        "industry_product_code": None,
        "quantity_decimal": "5.0",
        "type": "other",
        "unit": "other",
        "unit_cost_decimal": "0",
    }
    assert details["lodging"] == EVERYTHING["lodging"]
    assert details["receipt"] == [
        {"description": "Bread", "quantity": 2, "total": 7_00, "unit_cost": 3_50},
        {"description": "Butter", "quantity": 0.5, "total": 2_00, "unit_cost": 3_99},
        {"description": None, "quantity": 2.5, "total": 2_53, "unit_cost": 1_01},
    ]
    assert details["reference"] == "order 7"
    assert platform.event_types(already) == [
        "issuing_transaction.created",
        "issuing_transaction.purchase_details_receipt_updated",
        "issuing_authorization.updated",
    ]
    listed = platform.read(LIST, expand=["data.purchase_details"])["data"][0]
    assert listed["purchase_details"] == details


def test_the_largest_line_of_a_receipt_is_summed_exactly(platform: Client) -> None:
    line = {"description": "Gold", "quantity": "9999999", "unit_cost": 99_999_999}

    made = force_capture(
        platform, a_card(platform), 1, purchase_details={"receipt": [line]}, expand=["purchase_details"]
    )

    assert made["purchase_details"]["receipt"][0]["total"] == 9_999_999 * 99_999_999


def test_without_purchase_details_there_are_none(platform: Client) -> None:
    shown = captured(platform)

    assert platform.read(f"{LIST}/{shown['id']}", expand=["purchase_details"])["purchase_details"] is None


@pytest.mark.parametrize("path", ["create_force_capture", "create_unlinked_refund"])
def test_a_receipt_is_announced_after_its_transaction(platform: Client, path: str) -> None:
    card = a_card(platform)
    already = len(platform.events())

    platform.made(
        f"{TRANSACTIONS}/{path}",
        card=card["id"],
        amount=7_00,
        purchase_details={"receipt": EVERYTHING["receipt"][:1]},
    )

    assert platform.event_types(already) == [
        "issuing_transaction.created",
        "issuing_transaction.purchase_details_receipt_updated",
    ]


@pytest.mark.parametrize(
    "details, param",
    [
        ({"receipt": [{"description": "x" * 27}]}, "[receipt][0][description]"),
        ({"receipt": [{"quantity": "many"}]}, "[receipt][0][quantity]"),
        ({"receipt": [{"quantity": "12345678"}]}, "[receipt][0][quantity]"),
        ({"receipt": [{"quantity": "-12345678.5"}]}, "[receipt][0][quantity]"),
        ({"receipt": [{"quantity": "9" * 5000, "unit_cost": 5}]}, "[receipt][0][quantity]"),
        ({"receipt": [{"unit_cost": 100_000_000}]}, "[receipt][0][unit_cost]"),
        ({"receipt": [{"total": -100_000_000}]}, "[receipt][0][total]"),
        ({"flight": {"segments": [{"arrival_airport_code": "LONG"}]}}, "[flight][segments][0][arrival_airport_code]"),
        ({"fuel": {"unit": "barrel"}}, "[fuel][unit]"),
        ({"weather": "fine"}, "[weather]"),
    ],
)
def test_purchase_details_that_make_no_sense_are_refused(platform: Client, details: dict[str, Any], param: str) -> None:
    card = a_card(platform)

    refusal = platform.post(f"{TRANSACTIONS}/create_force_capture", card=card["id"], amount=1, purchase_details=details)

    assert (refusal.status, refusal.error["param"]) == (400, f"purchase_details{param}")
