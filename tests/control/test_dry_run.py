"""A purchase that is only tried: the same verdict as a real one, and every table as it was."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.catalog import CATALOG
from emulator.cli.why import why_lines
from emulator.control import dry_run as module
from emulator.issuing.decline import RULES
from tests.client import Client
from tests.issuing.purchases import a_spender, a_treasury_spender, authorize, in_a_step, why
from tests.issuing.test_real_time import asking, says
from tests.receivers import receiving
from tests.test_bad_requests import bad_requests, state

DRY_RUN = "/_emulator/issuing/authorizations/dry_run"
(ROUTE,) = module.ROUTES


def tried(client: Client, card: dict[str, Any] | str, amount: int | None = None, **more: Any) -> dict[str, Any]:
    """How a purchase would end; nothing in any table is another afterwards."""
    id = card if isinstance(card, str) else card["id"]
    if amount is not None:
        more["amount"] = amount
    client.read("/v1/balance")  # everything due has happened
    before = state(client)
    told = client.made(DRY_RUN, card=id, **more)
    assert state(client) == before
    return told


def test_it_tells_what_why_tells_of_the_purchase_itself(platform: Client) -> None:
    platform.clock(frozen=True)
    card = a_spender(platform, 50_00)

    approved, declined = tried(platform, card, 10_00), tried(platform, card, 60_00)

    for told, amount in ((approved, 10_00), (declined, 60_00)):
        (real,) = why(platform, authorize(platform, card, amount))["requests"]
        if amount == 60_00:  # the first purchase holds money now
            real["saw"]["spendable"], real["outcome"] = 50_00, real["outcome"].replace("40.00", "50.00")
            continue
        assert {name: told[name] for name in real} == real
    assert (approved["approved"], approved["hold"], approved["asks"]) == (True, 10_00, None)
    assert declined["outcome"] == "declined by: $60.00 would be held, and $50.00 can be spent"
    assert (declined["approved"], declined["reason"]) == (False, "insufficient_funds")


def test_the_next_purchase_is_the_one_it_would_have_been(platform: Client) -> None:
    platform.clock(frozen=True)
    card = a_spender(platform)
    purchase = {"card": card["id"], "amount": 10_00, "wallet": "apple_pay"}

    with in_a_step(platform) as world:
        drawn = world.step.draws
    for _ in range(3):
        tried(platform, **purchase)
    with in_a_step(platform) as world:
        assert world.step.draws == drawn


def test_what_an_approval_holds_is_told_a_fuel_pumps_too(platform: Client) -> None:
    card = a_spender(platform)

    told = tried(platform, card, 1_00, merchant_data={"category": "automated_fuel_dispensers"})

    assert (told["hold"], told["saw"]["amount"], told["approved"]) == (100_00, 1_00, True)


def test_nobody_is_asked_and_who_would_be_is_told(platform: Client) -> None:
    card = a_spender(platform)
    with receiving(lambda arrived: says({"approved": False})) as receiver:
        endpoint = asking(platform, receiver)

        asked = tried(platform, card, 10_00)
        declined = tried(platform, card, 10_000_00)

        assert receiver.arrived == []
    assert (asked["asks"], asked["approved"], asked["reason"]) == (endpoint["id"], None, None)
    assert asked["outcome"] == f"no rule objects: {endpoint['id']} would be asked"
    assert [rule["verdict"] for rule in asked["rules"]] == ["allows"] * (len(RULES) + 1) + ["would be asked"]
    assert (declined["asks"], declined["approved"]) == (None, False)


def test_an_end_that_was_chosen_beforehand_still_waits_afterwards(platform: Client) -> None:
    card = a_spender(platform)
    platform.made("/_emulator/issuing/next_authorization", card=card["id"], reason="suspected_fraud")

    told = tried(platform, card, 10_00)

    assert told["outcome"] == "declined by: the emulator was told to end it with suspected_fraud"
    assert authorize(platform, card, 10_00)["request_history"][0]["reason"] == "suspected_fraud"
    assert authorize(platform, card, 10_00)["approved"] is True


def test_spending_limits_and_counts_stand_where_they_stood(platform: Client) -> None:
    controls = {"spending_limits": [{"amount": 15_00, "interval": "daily"}]}
    limits = {"cancel_after": {"payment_count": 1}}
    card = a_spender(platform, spending_controls=controls, lifecycle_controls=limits)

    assert [tried(platform, card, 10_00)["approved"] for _ in range(3)] == [True] * 3

    assert platform.read(f"/v1/issuing/cards/{card['id']}")["status"] == "active"
    assert authorize(platform, card, 10_00)["approved"] is True


def test_the_card_may_be_a_connected_accounts_unless_another_one_is_named(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform)
    own = a_spender(platform)

    by_platform, by_account = tried(platform, card, 10_00), tried(client, card, 10_00)
    foreign = client.post(DRY_RUN, card=own["id"], amount=10_00)

    assert by_platform["saw"] == by_account["saw"]
    assert by_platform["saw"]["financial_account"] == account
    assert (foreign.status, foreign.error["code"], foreign.error["param"]) == (400, "resource_missing", "card")


@pytest.mark.parametrize(
    "sent, param",
    [
        ({"amount": 10_00, "currency": "eur"}, "currency"),
        ({}, "amount"),
        ({"amount": 10_00, "amount_details": {"atm_fee": 20_00}}, "amount_details[atm_fee]"),
        ({"amount": 10_00, "card": "ic_nope"}, "card"),
    ],
)
def test_what_a_purchase_refuses_it_refuses(platform: Client, sent: dict[str, Any], param: str) -> None:
    card = a_spender(platform)
    before = state(platform)

    tried_out = platform.post(DRY_RUN, **{"card": card["id"], **sent})
    real = platform.post("/v1/test_helpers/issuing/authorizations", **{"card": card["id"], **sent})

    assert tried_out.status == 400
    assert {**tried_out.error, "request_log_url": None} == {**real.error, "request_log_url": None}
    assert tried_out.error["param"] == param and state(platform) == before


def test_every_bad_parameter_is_named_and_nothing_changes(platform: Client) -> None:
    (route,) = (route for route in CATALOG.routes if route.path == ROUTE.path)
    before = state(platform)

    for params, param, code, says_what in bad_requests(route):
        answer = platform.post(DRY_RUN, **params)

        assert (answer.status, answer.error.get("param"), answer.error.get("code")) == (400, param, code), params
        assert answer.error["message"].startswith(says_what)
    assert state(platform) == before


def test_a_key_that_an_sdk_sends_along_remembers_what_was_told_and_nothing_else(platform: Client) -> None:
    card = a_spender(platform)
    platform.read("/v1/balance")
    before = state(platform)
    sent = {"card": card["id"], "amount": 10_00, "headers": {"Idempotency-Key": "try"}}

    first, again = platform.post(DRY_RUN, **sent), platform.post(DRY_RUN, **sent)

    assert (first.status, again.body) == (200, first.body)
    assert again.headers["Idempotent-Replayed"] == "true" and state(platform) == before


def test_it_is_printed_as_why_is(platform: Client) -> None:
    card = a_spender(platform, 5_00)

    lines = list(why_lines({"id": "dry run", "requests": [tried(platform, card, 10_00)]}))

    assert lines[0] == "declined by: $10.00 would be held, and $5.00 can be spent"
    assert lines[1].startswith("dry run, ") and lines[1].endswith(" UTC, insufficient_funds")
    assert len(lines) == 2 + 1 + len(RULES)
