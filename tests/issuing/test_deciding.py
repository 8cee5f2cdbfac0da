"""Deciding: what is held where fuel is asked for, and how a request ends that somebody else was asked about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emulator.issuing import deciding
from emulator.issuing.authorization_helpers import pending_request
from emulator.issuing.authorizations import Authorization
from emulator.issuing.deciding import Verdict
from emulator.kernel.questions import Question
from tests.client import Client
from tests.issuing.holders import CARDS, told
from tests.issuing.purchases import (
    AUTHORIZATIONS,
    DAY,
    NEEDED,
    a_spender,
    authorize,
    available,
    balance_rows,
    done,
    helper,
    in_a_step,
    reasons,
    why,
)

LIST = "/v1/issuing/authorizations"


# Fuel


FUEL = {"category": "automated_fuel_dispensers"}


def test_a_fuel_pump_asks_for_one_dollar_and_a_hundred_are_held(platform: Client) -> None:
    card = a_spender(platform, 100_00)

    made = authorize(platform, card, 1_00, merchant_data=FUEL)
    assert (made["amount"], available(platform)) == (100_00, 0)
    assert made["request_history"][0]["amount"] == 100_00
    already = len(platform.events())
    sent = {"type": "diesel", "quantity_decimal": "9.50"}
    made = done(platform, made, "finalize_amount", final_amount=42_00, fuel=sent)
    made = done(platform, made, "capture")

    assert (made["status"], made["amount"], available(platform)) == ("closed", 42_00, 58_00)
    assert made["fuel"] == {**sent, "industry_product_code": None, "unit": None, "unit_cost_decimal": None}
    assert told(platform, already)[0] == (
        "issuing_authorization.updated",
        {"amount": 100_00, "fuel": None, "merchant_amount": 100_00},
    )
    assert [row for row in balance_rows(platform) if row[0] != "topup"] == [
        ("issuing_authorization_hold", -100_00),
        ("issuing_authorization_release", 58_00),
        ("issuing_authorization_release", 42_00),
        ("issuing_transaction", -42_00),
    ]


def test_the_hold_for_fuel_is_a_setting_and_must_be_there(platform: Client) -> None:
    platform.settings(fuel_hold_amount=75_00)

    assert reasons(authorize(platform, a_spender(platform, 74_99), 1_00, merchant_data=FUEL)) == ["insufficient_funds"]
    assert authorize(platform, a_spender(platform, 1), 1_00, merchant_data=FUEL)["amount"] == 75_00


@pytest.mark.parametrize("amount, category", [(99, FUEL["category"]), (1_01, FUEL["category"]), (1_00, "bakeries")])
def test_other_requests_are_held_as_asked(platform: Client, amount: int, category: str) -> None:
    made = authorize(platform, a_spender(platform), amount, merchant_data={"category": category})

    assert made["amount"] == amount


def test_limits_look_at_what_the_pump_asked_for(platform: Client) -> None:
    limits = {"spending_limits": [{"amount": 5_00, "interval": "per_authorization"}]}

    made = authorize(platform, a_spender(platform, spending_controls=limits), 1_00, merchant_data=FUEL)

    assert made["amount"] == 100_00


def test_a_hold_for_fuel_that_can_be_chosen_need_not_be_there_before_somebody_was_asked(platform: Client) -> None:
    card = a_spender(platform, 50_00)
    sent = {"merchant_data": FUEL, "is_amount_controllable": True}

    assert reasons(authorize(platform, card, 1_00, **sent)) == ["insufficient_funds"]
    id = undecided(platform, 1_00, is_amount_controllable=True, card=card, merchant_data=FUEL)
    with in_a_step(platform) as world:
        assert deciding.decide(world, world.get(Authorization, id), lambda *_: Question("evt_1")) == Question("evt_1")

    assert reasons(platform.made(f"{LIST}/{id}/approve", amount=50_01)) == ["insufficient_funds"]
    id = undecided(platform, 1_00, is_amount_controllable=True, card=card, merchant_data=FUEL)
    assert platform.made(f"{LIST}/{id}/approve", amount=50_00)["amount"] == 50_00


# Asked elsewhere


def undecided(
    client: Client,
    amount: int = 10_00,
    *,
    is_amount_controllable: bool = False,
    card: dict[str, Any] | None = None,
    **more: Any,
) -> str:
    """The id of an authorization that waits for somebody's answer, as it is stored meanwhile."""
    client.made("/_emulator/issuing/next_authorization", reason="network_fallback", approved=True)
    made = authorize(client, card or a_spender(client, 100_00), amount, **more)
    done(client, made, "reverse")
    with in_a_step(client) as world:
        world.put(waiting(world.get(Authorization, made["id"]), amount, is_amount_controllable))
    return made["id"]


def waiting(decided: Authorization, amount: int, is_amount_controllable: bool) -> Authorization:
    """A decided authorization as it was while somebody was asked about it."""
    request = pending_request(
        amount=amount,
        details=decided.requested_details,
        currency=decided.currency,
        is_amount_controllable=is_amount_controllable,
        merchant_amount=amount,
        merchant_currency=decided.merchant_currency,
    )
    return replace(
        decided, pending_request=request, approved=False, status="pending", request_history=[], amount=0, held=0
    )


def test_an_undecided_authorization_is_listed_and_shows_what_is_asked(platform: Client) -> None:
    id = undecided(platform)

    (shown,) = platform.read(LIST, status="pending")["data"]

    assert (shown["id"], shown["approved"], shown["amount"], shown["merchant_amount"]) == (id, False, 0, 0)
    assert (shown["request_history"], shown["balance_transactions"]) == ([], [])
    assert shown["pending_request"] == {
        "amount": 10_00,
        "amount_details": {"atm_fee": None, "cashback_amount": None},
        "currency": "usd",
        "is_amount_controllable": False,
        "merchant_amount": 10_00,
        "merchant_currency": "usd",
        "network_risk_score": 10,
    }
    assert platform.made(f"{LIST}/{id}", metadata={"order": "7"})["metadata"] == {"order": "7"}


@pytest.mark.parametrize("verb", ["capture", "reverse", "increment", "finalize_amount", "expire"])
def test_helpers_wait_for_the_decision(platform: Client, verb: str) -> None:
    id = undecided(platform)

    refusal = helper(platform, {"id": id}, verb, **NEEDED.get(verb, {}))

    assert (refusal.status, refusal.error["message"]) == (400, "This authorization is awaiting a decision.")


def test_approving_holds_the_amount_and_merges_metadata(platform: Client) -> None:
    id = undecided(platform)
    platform.made(f"{LIST}/{id}", metadata={"order": "7", "who": "me"})
    already = len(platform.events())

    approved = platform.made(f"{LIST}/{id}/approve", metadata={"who": "you"})

    assert (approved["approved"], approved["status"], approved["amount"]) == (True, "pending", 10_00)
    assert (reasons(approved), approved["pending_request"]) == (["webhook_approved"], None)
    assert approved["metadata"] == {"order": "7", "who": "you"}
    assert available(platform) == 90_00
    assert platform.event_types(already) == ["issuing_authorization.created"]
    again = platform.post(f"{LIST}/{id}/approve")
    assert (again.status, again.error["message"]) == (400, "This authorization is no longer pending a decision.")
    assert "code" not in again.error


def test_declining_closes_it(platform: Client) -> None:
    id = undecided(platform)

    declined = platform.made(f"{LIST}/{id}/decline", metadata={"why": "no"})

    assert (declined["approved"], declined["status"], declined["amount"]) == (False, "closed", 10_00)
    assert (reasons(declined), declined["metadata"]) == (["webhook_declined"], {"why": "no"})
    assert available(platform) == 100_00
    last = why(platform, declined)["requests"][0]["rules"][-1]
    assert (last["says"], last["verdict"]) == ("whoever answers for the account agrees", "objects")


def test_a_no_stands_beside_rules_that_would_object_too(platform: Client) -> None:
    id = undecided(platform)
    platform.made(f"{CARDS}/{platform.read(f'{LIST}/{id}')['card']['id']}", status="inactive")

    declined = platform.made(f"{LIST}/{id}/decline")

    assert reasons(declined) == ["webhook_declined"]
    rules = why(platform, declined)["requests"][0]["rules"]
    assert {rule["says"]: rule["verdict"] for rule in rules if rule["verdict"] != "allows"} == {
        "the card is active": "would object",
        "whoever answers for the account agrees": "objects",
    }


@pytest.mark.parametrize("path", ["approve", "decline"])
def test_a_decided_authorization_cannot_be_decided(platform: Client, path: str) -> None:
    made = authorize(platform, a_spender(platform), 10_00)

    refusal = platform.post(f"{LIST}/{made['id']}/{path}")

    assert (refusal.status, refusal.error["message"]) == (400, "This authorization is no longer pending a decision.")


def test_part_of_the_amount_can_be_approved_where_it_may_be_chosen(platform: Client) -> None:
    fixed, open_one = undecided(platform), undecided(platform, is_amount_controllable=True)

    refusal = platform.post(f"{LIST}/{fixed}/approve", amount=4_00)
    too_much = platform.post(f"{LIST}/{open_one}/approve", amount=10_01)
    approved = platform.made(f"{LIST}/{open_one}/approve", amount=4_00)

    assert (refusal.status, refusal.error["param"]) == (400, "amount")
    assert (too_much.status, too_much.error["message"]) == (400, "amount exceeds the requested amount.")
    assert (approved["amount"], approved["merchant_amount"]) == (4_00, 4_00)
    assert approved["request_history"][0]["amount"] == 4_00


@pytest.mark.parametrize(
    "amount, message",
    [
        (5_99, "amount is less than the cashback amount."),
        (6_00, None),
        (10_00, None),
        (10_01, "amount exceeds the requested amount."),
    ],
)
def test_the_amount_approved_lies_between_the_cash_paid_out_and_the_amount_requested(
    platform: Client, amount: int, message: str | None
) -> None:
    id = undecided(platform, is_amount_controllable=True, amount_details={"cashback_amount": 6_00})

    answer = platform.post(f"{LIST}/{id}/approve", amount=amount)

    assert answer.error.get("message") == message
    assert platform.read(f"{LIST}/{id}")["amount"] == (amount if message is None else 0)


@pytest.mark.parametrize("part, is_taken", [(9_99, True), (10_00, True), (10_01, False)])
@pytest.mark.parametrize("name", ["atm_fee", "cashback_amount"])
def test_no_part_of_an_amount_is_more_than_all_of_it(platform: Client, name: str, part: int, is_taken: bool) -> None:
    answer = platform.post(AUTHORIZATIONS, card=a_spender(platform)["id"], amount=10_00, amount_details={name: part})

    assert answer.status == (200 if is_taken else 400)
    assert answer.error.get("param") == (None if is_taken else f"amount_details[{name}]")


@pytest.mark.parametrize("merchant_amount, amount", [(79_999_999, 99_999_999), (80_000_000, None)])
def test_what_a_merchants_amount_is_converted_to_has_eight_digits_at_most(
    platform: Client, merchant_amount: int, amount: int | None
) -> None:
    asked = {"merchant_amount": merchant_amount, "merchant_currency": "eur"}

    answer = platform.post(AUTHORIZATIONS, card=a_spender(platform)["id"], **asked)

    assert answer.json.get("amount") == amount
    assert answer.error.get("param") == (None if amount else "merchant_amount")


def test_a_rule_that_objects_by_now_declines_what_was_approved(platform: Client) -> None:
    id = undecided(platform)
    card = platform.read(f"{LIST}/{id}")["card"]
    platform.made(f"{CARDS}/{card['id']}", status="inactive")

    decided = platform.made(f"{LIST}/{id}/approve")

    assert (decided["approved"], reasons(decided)) == (False, ["card_inactive"])
    assert why(platform, decided)["outcome"] == "declined by: the card is inactive"


def test_a_verdict_comes_once(platform: Client) -> None:
    id = undecided(platform)

    with in_a_step(platform) as world:
        verdict = Verdict(False, "webhook_error", reason_message="Response body is not valid JSON.")
        first = deciding.conclude(world, id, verdict)
        second = deciding.conclude(world, id, Verdict(True, "webhook_approved"))

    assert first == second
    shown = platform.read(f"{LIST}/{id}")
    assert shown["request_history"][0]["reason_message"] == "Response body is not valid JSON."
    assert why(platform, shown)["outcome"] == (
        "declined by: the answer of whoever answers for the account cannot be used: Response body is not valid JSON."
    )


def test_a_declined_increment_that_was_asked_about_leaves_the_rest(platform: Client) -> None:
    made = authorize(platform, a_spender(platform), 10_00)
    with in_a_step(platform) as world:
        stored = world.get(Authorization, made["id"])
        request = waiting(stored, 5_00, False).pending_request
        world.put(replace(stored, pending_request=request))
    already = len(platform.events())

    assert platform.read(f"{LIST}/{made['id']}")["amount"] == 10_00
    decided = platform.made(f"{LIST}/{made['id']}/decline")

    assert (decided["approved"], decided["status"], decided["amount"]) == (True, "pending", 10_00)
    assert reasons(decided) == ["card_active", "webhook_declined"]
    assert told(platform, already) == [("issuing_authorization.updated", {"request_history": made["request_history"]})]


def test_an_increment_being_asked_about_does_not_expire_meanwhile(platform: Client) -> None:
    platform.clock(frozen=True)
    made = authorize(platform, a_spender(platform), 10_00)
    with in_a_step(platform) as world:
        stored = world.get(Authorization, made["id"])
        world.put(replace(stored, pending_request=waiting(stored, 5_00, False).pending_request))

    platform.clock(advance=7 * DAY)
    assert platform.read(f"{LIST}/{made['id']}")["status"] == "pending"
    platform.made(f"{LIST}/{made['id']}/decline")
    platform.clock(advance=DAY)

    assert platform.read(f"{LIST}/{made['id']}")["status"] == "expired"
