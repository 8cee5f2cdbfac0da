"""Fraud challenges: who gets one, what an answer changes, and how long it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emulator.issuing.authorization_helpers import pending_request
from emulator.issuing.authorizations import Authorization
from emulator.issuing.deciding import Verdict, conclude
from tests.client import Client
from tests.issuing.holders import CARDS, told
from tests.issuing.purchases import (
    DAY,
    a_spender,
    another_cardholder,
    authorize,
    done,
    helper,
    in_a_step,
    reasons,
)

LIST = "/v1/issuing/authorizations"
RISKY: dict[str, Any] = {"risk_assessment": {"fraud_risk": {"level": "highest"}}}
BAKERY = {"merchant_data": {"name": "Bread", "network_id": "77"}}


def a_reachable_spender(client: Client, phone_number: str | None = "+12025550123") -> dict[str, Any]:
    """A card whose holder can be sent a text message."""
    holder = another_cardholder(client, **({"phone_number": phone_number} if phone_number else {}))
    return a_spender(client, cardholder=holder)


def challenged(client: Client, card: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An authorization declined as suspected fraud while challenges are switched on."""
    client.settings(fraud_challenges=True)
    return authorize(client, card or a_reachable_spender(client), 10_00, **RISKY, **more)


def test_without_the_setting_nobody_is_asked(platform: Client) -> None:
    made = authorize(platform, a_reachable_spender(platform), 10_00, **RISKY)

    assert reasons(made) == ["suspected_fraud"]
    assert "fraud_challenges" not in made
    assert platform.read(f"{LIST}/{made['id']}", expand=["fraud_challenges"])["fraud_challenges"] is None


@pytest.mark.parametrize(
    "phone_number, status, reason",
    [
        ("+12025550123", "pending", None),
        ("+447911123456", "pending", None),
        ("+4915112345678", "undeliverable", "unsupported_phone_number"),
        (None, "undeliverable", "no_phone_number"),
    ],
)
def test_a_challenge_reaches_some_numbers_only(
    platform: Client, phone_number: str | None, status: str, reason: str | None
) -> None:
    made = challenged(platform, a_reachable_spender(platform, phone_number))

    assert made["fraud_challenges"] == [{"channel": "sms", "status": status, "undeliverable_reason": reason}]
    assert helper(platform, made, "fraud_challenges/respond", confirmed=True).status == (200 if reason is None else 400)


def test_other_declines_send_none(platform: Client) -> None:
    platform.settings(fraud_challenges=True)

    assert "fraud_challenges" not in authorize(platform, a_reachable_spender(platform), 5_000_00)


def test_a_yes_lets_the_card_pay_there_whatever_the_risk(platform: Client) -> None:
    card = a_reachable_spender(platform)
    made = challenged(platform, card, **BAKERY)
    already = len(platform.events())

    answered = done(platform, made, "fraud_challenges/respond", confirmed=True)
    again = authorize(platform, card, 10_00, **RISKY, **BAKERY)
    calm = authorize(platform, card, 10_00, **BAKERY)
    elsewhere = authorize(platform, card, 10_00, **RISKY)

    assert (answered["status"], answered["approved"]) == ("closed", False)
    assert answered["fraud_challenges"][0]["status"] == "verified"
    assert told(platform, already)[0] == (
        "issuing_authorization.updated",
        {"fraud_challenges": made["fraud_challenges"]},
    )
    assert (again["approved"], again["verified_by_fraud_challenge"]) == (True, True)
    assert (calm["approved"], calm["verified_by_fraud_challenge"]) == (True, True)
    assert (reasons(elsewhere), elsewhere["verified_by_fraud_challenge"]) == (["suspected_fraud"], False)


def test_a_yes_counts_for_a_day(platform: Client) -> None:
    platform.clock(frozen=True)
    card = a_reachable_spender(platform)
    done(platform, challenged(platform, card), "fraud_challenges/respond", confirmed=True)

    platform.clock(advance=DAY - 1)
    assert authorize(platform, card, 10_00, **RISKY)["approved"] is True
    platform.clock(advance=1)

    assert reasons(authorize(platform, card, 10_00, **RISKY)) == ["suspected_fraud"]


def test_what_a_yes_let_through_may_be_incremented_after_the_day(platform: Client) -> None:
    card = a_reachable_spender(platform)
    done(platform, challenged(platform, card), "fraud_challenges/respond", confirmed=True)
    made = authorize(platform, card, 10_00, **RISKY)

    platform.clock(advance=2 * DAY)
    more = done(platform, made, "increment", increment_amount=5_00)

    assert (more["amount"], reasons(more), more["verified_by_fraud_challenge"]) == (15_00, ["card_active"] * 2, True)


def test_a_no_marks_the_card(platform: Client) -> None:
    card = a_reachable_spender(platform)
    made = challenged(platform, card)
    already = len(platform.events())

    answered = done(platform, made, "fraud_challenges/respond", confirmed=False)

    assert answered["fraud_challenges"][0]["status"] == "rejected"
    marked = platform.read(f"{CARDS}/{card['id']}")
    assert marked["latest_fraud_warning"]["type"] == "user_indicated_fraud"
    assert marked["status"] == "active"
    assert told(platform, already) == [
        ("issuing_authorization.updated", {"fraud_challenges": made["fraud_challenges"]}),
        ("issuing_card.updated", {"latest_fraud_warning": None}),
    ]
    assert reasons(authorize(platform, card, 10_00, **RISKY)) == ["suspected_fraud"]


def test_a_challenge_is_answered_once(platform: Client) -> None:
    made = challenged(platform)
    done(platform, made, "fraud_challenges/respond", confirmed=True)

    refusal = helper(platform, made, "fraud_challenges/respond", confirmed=True)

    assert (refusal.status, refusal.error["message"]) == (400, "This authorization has no pending fraud challenge.")


def test_an_unanswered_challenge_expires_after_a_day(platform: Client) -> None:
    platform.clock(frozen=True)
    made = challenged(platform)

    platform.clock(advance=DAY)

    shown = platform.read(f"{LIST}/{made['id']}")
    assert shown["fraud_challenges"][0]["status"] == "expired"
    assert helper(platform, made, "fraud_challenges/respond", confirmed=True).status == 400
    (event,) = platform.events(created={"gt": made["created"]})
    assert event["data"]["previous_attributes"] == {"fraud_challenges": made["fraud_challenges"]}


def concluded(client: Client, verdict: Verdict) -> dict[str, Any]:
    """An increment of a dollar that somebody was asked about, after the answer."""
    made = authorize(client, a_reachable_spender(client), 10_00)
    with in_a_step(client) as world:
        stored = world.get(Authorization, made["id"])
        request = pending_request(
            amount=1_00,
            details=stored.requested_details,
            currency="usd",
            is_amount_controllable=False,
            merchant_amount=1_00,
            merchant_currency="usd",
        )
        world.put(replace(stored, pending_request=request))
        conclude(world, made["id"], verdict)
    return client.read(f"{LIST}/{made['id']}")


def test_whoever_declines_can_ask_for_a_challenge_without_the_setting(platform: Client) -> None:
    made = concluded(platform, Verdict(False, "webhook_declined", send_fraud_challenges=True))

    assert made["fraud_challenges"][0]["status"] == "pending"


def test_a_challenge_asked_for_with_an_approval_is_not_sent(platform: Client) -> None:
    made = concluded(platform, Verdict(True, "webhook_approved", send_fraud_challenges=True))

    assert (made["amount"], "fraud_challenges" in made) == (11_00, False)
