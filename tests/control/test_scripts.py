"""Merchant scripts: the objects and the money of each, what was declined, and the time between the steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from emulator.catalog import CATALOG
from emulator.control.scripts import SCRIPTS
from emulator.kernel.clock import LATEST
from tests.client import Client
from tests.issuing.holders import a_card
from tests.issuing.purchases import (
    DAY,
    a_spender,
    a_treasury_spender,
    available,
    cash_and_pending,
    findings,
    fund,
    reasons,
)
from tests.issuing.test_real_time import asking, says
from tests.receivers import PATIENCE_SECONDS, Arrived, Reply, receiving
from tests.test_bad_requests import bad_requests, state

URL = "/_emulator/issuing/scripts"
ROUTES = [route for route in CATALOG.routes if route.path.startswith(f"{URL}/")]
JANUARY_31ST = int(datetime(2030, 1, 31, 12, tzinfo=UTC).timestamp())


def play(client: Client, name: str, card: dict[str, Any], **params: Any) -> dict[str, Any]:
    """A run of a script."""
    return client.made(f"{URL}/{name}", card=card["id"], **params)


def kinds(run: dict[str, Any]) -> list[tuple[str, str | None, int]]:
    """Kind, status and amount of everything that a run made."""
    return [(made["object"].partition(".")[2], made.get("status"), made["amount"]) for made in run["objects"]]


def verdicts(run: dict[str, Any]) -> list[str]:
    """How the requests of a run were decided, in a word."""
    return [step["verdict"].partition(" ")[0].rstrip(":") for step in run["steps"] if step["verdict"]]


# One script after the other: parameters, what it makes, and what is left of 5,000.00

STORIES: list[tuple[str, dict[str, Any], list[tuple[str, str | None, int]], int]] = [
    ("purchase", {"amount": 10_00}, [("authorization", "pending", 10_00)], 4_990_00),
    (
        "purchase",
        {"amount": 10_00, "capture": True, "wallet": "apple_pay"},
        [("authorization", "closed", 10_00), ("transaction", None, -10_00)],
        4_990_00,
    ),
    ("hotel", {}, [("authorization", "closed", 450_00), ("transaction", None, -450_00)], 4_550_00),
    (
        "hotel",
        {"amount": 100_00, "increment_amount": 20_00, "release_amount": 0},
        [("authorization", "closed", 120_00), ("transaction", None, -120_00)],
        4_880_00,
    ),
    ("fuel_pump", {}, [("authorization", "closed", 45_00), ("transaction", None, -45_00)], 4_955_00),
    ("restaurant", {}, [("authorization", "closed", 50_00), ("transaction", None, -60_00)], 4_940_00),
    (
        "airline",
        {"amount": 100_00},
        [
            ("authorization", "closed", 100_00),
            ("transaction", None, -33_34),
            ("transaction", None, -33_33),
            ("transaction", None, -33_33),
        ],
        4_900_00,
    ),
    ("ride", {}, [("authorization", "closed", 20_00), ("transaction", None, -20_00)], 4_980_00),
    ("atm", {}, [("authorization", "closed", 103_00), ("transaction", None, -103_00)], 4_897_00),
    (
        "subscription",
        {"months": 2, "move_clock": True},
        [("authorization", "closed", 15_00), ("transaction", None, -15_00)] * 2,
        4_970_00,
    ),
    ("offline", {}, [("transaction", None, -25_00)], 4_975_00),
    (
        "card_testing",
        {"count": 3},
        [("authorization", "closed", 1_00)] * 2 + [("authorization", "pending", 1_00)],
        4_999_00,
    ),
    (
        "chargeback",
        {},
        [("authorization", "closed", 120_00), ("transaction", None, -120_00), ("dispute", "won", 120_00)],
        5_000_00,
    ),
    (
        "chargeback",
        {"outcome": "lost"},
        [("authorization", "closed", 120_00), ("transaction", None, -120_00), ("dispute", "lost", 120_00)],
        4_880_00,
    ),
    (
        "late_refund",
        {"move_clock": True, "refund_amount": 30_00},
        [("authorization", "closed", 80_00), ("transaction", None, -80_00), ("transaction", None, 30_00)],
        4_950_00,
    ),
    ("cross_currency", {}, [("authorization", "closed", 125_00), ("transaction", None, -127_50)], 4_872_50),
]


@pytest.mark.parametrize("name, params, made, left", STORIES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_script_makes_these_objects_and_moves_this_money(
    platform: Client, name: str, params: dict[str, Any], made: list[tuple[str, str | None, int]], left: int
) -> None:
    card = a_spender(platform, 5_000_00)

    run = play(platform, name, card, **params)

    assert (run["outcome"], run["finished"]) == ("played to its end", True)
    assert kinds(run) == made
    assert available(platform) == left
    assert run["objects"] == [read(platform, one) for one in run["objects"]]
    assert findings(platform) == []


def read(client: Client, shown: dict[str, Any]) -> dict[str, Any]:
    """An object as the API shows it."""
    return client.read(f"/v1/issuing/{shown['object'].partition('.')[2]}s/{shown['id']}")


def test_every_script_has_a_story_and_is_listed_with_what_it_takes(platform: Client) -> None:
    listed = platform.read(URL)["data"]

    assert [one["name"] for one in listed] == [script.name for script in SCRIPTS]
    assert {name for name, *_ in STORIES} == {script.name for script in SCRIPTS}
    for one, route in zip(listed, ROUTES, strict=True):
        assert one["url"] == route.path
        assert [each["name"] for each in one["parameters"]] == list(route.params.shared().fields)
        usual = {each["name"]: each["usual"] for each in one["parameters"] if each["usual"] is not None}
        assert route.params.parse({"card": "ic_1", **usual})  # they are what may be sent
        assert [each["name"] for each in one["parameters"] if each["required"]] == ["card"]


@pytest.mark.parametrize("name", [script.name for script in SCRIPTS])
def test_a_script_plays_on_a_financial_account_too(platform: Client, name: str) -> None:
    client, account, card = a_treasury_spender(platform, 5_000_00)
    more = {"move_clock": True} if "move_clock" in dict(usual(platform, name)) else {}
    amount = {"amount": 10_00} if name == "purchase" else {}

    run = play(platform, name, card, **more, **amount)

    spent = sum(one["amount"] for one in run["objects"] if one["object"] == "issuing.transaction")
    won = sum(one["amount"] for one in run["objects"] if one["object"] == "issuing.dispute")
    held = sum(one["amount"] for one in run["objects"] if one.get("status") == "pending")
    assert (run["finished"], run["account"]) == (True, client.account)
    assert cash_and_pending(client, account) == (5_000_00 + spent + won - held, held)
    assert findings(platform) == []


@pytest.mark.parametrize("name", [script.name for script in SCRIPTS])
def test_with_its_usual_values_a_script_fits_into_the_limits_that_a_new_card_has(platform: Client, name: str) -> None:
    fund(platform, 5_000_00)
    card = a_card(platform, status="active")
    more = {"move_clock": True} if name in ("subscription", "late_refund") else {}
    amount = {"amount": 10_00} if name == "purchase" else {}

    run = play(platform, name, card, **more, **amount)

    wrong_cvcs = 9 if name == "card_testing" else 0
    assert run["finished"] is True
    assert verdicts(run)[:wrong_cvcs] == ["declined"] * wrong_cvcs
    assert set(verdicts(run)[wrong_cvcs:]) <= {"approved"}


def usual(client: Client, name: str) -> list[tuple[str, Any]]:
    """The parameters of a script with their usual values."""
    (script,) = (one for one in client.read(URL)["data"] if one["name"] == name)
    return [(each["name"], each["usual"]) for each in script["parameters"]]


# What merchants tell


def test_a_merchant_can_be_changed_key_by_key(platform: Client) -> None:
    run = play(platform, "restaurant", a_spender(platform), merchant_data={"name": "Chez Ada", "country": "FR"})

    merchant = run["objects"][0]["merchant_data"]
    assert (merchant["name"], merchant["country"]) == ("Chez Ada", "FR")
    assert merchant["category"] == "eating_places_restaurants"


def test_details_of_what_was_bought_are_told(platform: Client) -> None:
    card = a_spender(platform, 5_000_00)

    def details(name: str, **params: Any) -> list[dict[str, Any]]:
        made = play(platform, name, card, **params)["objects"][1:]
        return [
            platform.read(f"/v1/issuing/transactions/{one['id']}", expand=["purchase_details"])["purchase_details"]
            for one in made
        ]

    (stay,) = details("hotel", nights=4)
    flights = details("airline", tickets=2)

    assert stay["lodging"]["nights"] == 4
    assert [one["flight"]["passenger_name"] for one in flights] == ["Passenger 1", "Passenger 2"]
    fuel = play(platform, "fuel_pump", card)["objects"][0]
    assert fuel["fuel"]["type"] == "unleaded_regular"
    assert [entry["amount"] for entry in fuel["request_history"]] == [100_00]
    assert play(platform, "atm", card)["objects"][1]["amount_details"]["atm_fee"] == 3_00


def test_cvcs_are_tried_out_until_one_is_right(platform: Client) -> None:
    card = a_spender(platform)

    guessed = play(platform, "card_testing", card, count=6)
    failed = play(platform, "card_testing", card, count=2, guessed=False)

    assert verdicts(guessed) == ["declined"] * 5 + ["approved"]
    assert verdicts(failed) == ["declined"] * 2 and failed["finished"]
    risks = [one["risk_assessment"]["card_testing_risk"] for one in guessed["objects"]]
    assert [risk["level"] for risk in risks] == ["normal", *["elevated"] * 3, *["highest"] * 2]
    assert [risk["invalid_credentials_decline_rate_past_hour"] for risk in risks] == [0, 50, 66, 75, 80, 83]


@pytest.mark.parametrize("drift, collected", [("0", 125_00), ("-10", 112_50), ("2.5", 128_13), ("0.004", 125_01)])
def test_the_rate_drifts_until_the_capture(platform: Client, drift: str, collected: int) -> None:
    run = play(platform, "cross_currency", a_spender(platform), drift_percent=drift)

    authorization, transaction = run["objects"]
    assert (authorization["merchant_amount"], authorization["merchant_currency"]) == (100_00, "eur")
    assert (authorization["amount"], transaction["amount"]) == (125_00, -collected)


# What is declined


def test_a_script_ends_with_the_purchase_that_it_needs_and_says_why(platform: Client) -> None:
    run = play(platform, "hotel", a_spender(platform, 300_00))

    assert run["finished"] is False
    assert run["outcome"] == "declined by: $400.00 would be held, and $300.00 can be spent"
    assert [step["verdict"] for step in run["steps"]] == [run["outcome"]]
    assert kinds(run) == [("authorization", "closed", 400_00)]


def test_an_increment_that_is_declined_is_told_and_not_charged(platform: Client) -> None:
    hotel = play(platform, "hotel", a_spender(platform, 450_00))
    ride = play(platform, "ride", a_spender(platform, 0), amount=90_00, increment_amount=15_00)

    assert verdicts(hotel) == ["approved", "declined"] and kinds(hotel)[1] == ("transaction", None, -350_00)
    assert verdicts(ride) == ["approved", "declined", "declined"] and kinds(ride)[1] == ("transaction", None, -90_00)
    assert hotel["finished"] and ride["finished"]


def test_a_subscription_ends_with_the_first_charge_that_is_declined(platform: Client) -> None:
    run = play(platform, "subscription", a_spender(platform, 40_00), months=12, move_clock=True)

    assert verdicts(run) == ["approved", "approved", "declined"]
    assert run["outcome"].startswith("declined by: $15.00 would be held")


def test_whoever_answers_for_the_account_is_asked_about_each_request(platform: Client) -> None:
    card = a_spender(platform, 5_000_00)

    def answer(arrived: Arrived) -> Reply:
        amount = orjson.loads(arrived.body)["data"]["object"]["pending_request"]["amount"]
        return says({"approved": amount > 150_00})

    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    with receiving(answer) as receiver:
        endpoint = asking(platform, receiver)
        run = play(platform, "hotel", card)

        assert len(receiver.arrived) == 2
    assert verdicts(run) == ["approved", "declined"] and run["finished"]
    assert f"declined by: {endpoint['id']}" in run["steps"][1]["verdict"]
    assert reasons(run["objects"][0]) == ["webhook_approved", "webhook_declined"]


def test_what_is_refused_later_ends_it_and_what_was_done_before_stands(platform: Client) -> None:
    card = a_spender(platform)
    platform.clock(set=LATEST - DAY - 60)  # the third night is one too many

    run = play(platform, "hotel", a_spender(platform, cardholder=card["cardholder"]["id"]), move_clock=True)

    assert run["finished"] is False and run["outcome"].startswith("refused: The clock counts seconds and ends with ")
    assert verdicts(run) == ["approved", "approved"]
    assert kinds(run) == [("authorization", "pending", 500_00)]


def test_what_happens_later_by_itself_is_told_with_its_time(platform: Client) -> None:
    platform.clock(set=JANUARY_31ST, frozen=True)
    platform.settings(dispute_decision_seconds=60)
    card = a_spender(platform)

    disputed = play(platform, "chargeback", card)
    held = play(platform, "purchase", card, amount=10_00)
    done = play(platform, "restaurant", card)

    dispute, authorization = disputed["objects"][-1], held["objects"][0]
    assert disputed["finished"] is True and dispute["status"] == "submitted"
    decision = {"action": "issuing.disputes.decide", "at": JANUARY_31ST + 60, "object": dispute["id"]}
    expiry = {"action": "issuing.authorizations.expire", "at": JANUARY_31ST + 7 * DAY, "object": authorization["id"]}
    assert (disputed["falls_due"], held["falls_due"], done["falls_due"]) == ([decision], [expiry], [])


# Time


def test_no_time_passes_in_a_hotel_unless_the_clock_may_be_moved(platform: Client) -> None:
    platform.clock(set=JANUARY_31ST, frozen=True)
    card = a_spender(platform, 5_000_00)

    at_once = play(platform, "hotel", card)
    slowly = play(platform, "hotel", card, move_clock=True)

    assert {step["at"] for step in at_once["steps"]} == {JANUARY_31ST}
    assert [(step["at"] - JANUARY_31ST) // DAY for step in slowly["steps"]] == [0, 1, 1, 3, 3, 3]
    assert platform.read("/_emulator/clock")["now"] == JANUARY_31ST + 3 * DAY


def test_a_subscription_is_charged_on_the_same_day_or_the_last_of_the_month(platform: Client) -> None:
    platform.clock(set=JANUARY_31ST, frozen=True)

    run = play(platform, "subscription", a_spender(platform), months=4, move_clock=True)

    charged = [datetime.fromtimestamp(one["created"], UTC) for one in run["objects"] if "request_history" in one]
    assert [(day.month, day.day, day.hour) for day in charged] == [(1, 31, 12), (2, 28, 12), (3, 31, 12), (4, 30, 12)]


def test_what_falls_due_between_the_steps_happens(platform: Client) -> None:
    card = a_spender(platform)
    other = platform.made("/v1/test_helpers/issuing/authorizations", card=card["id"], amount=10_00)

    play(platform, "late_refund", card, days=8, move_clock=True)

    assert platform.read(f"/v1/issuing/authorizations/{other['id']}")["status"] == "expired"


@pytest.mark.parametrize("name", ["subscription", "late_refund"])
def test_what_takes_months_is_refused_on_a_clock_that_stays(platform: Client, name: str) -> None:
    card = a_spender(platform)
    before = state(platform)

    refusal = platform.post(f"{URL}/{name}", card=card["id"])

    assert (refusal.status, refusal.error["param"]) == (400, "move_clock")
    assert "send move_clock=true" in refusal.error["message"] and state(platform) == before
    assert play(platform, "subscription", card, months=1)["finished"] is True


# Refusals

TOO_MUCH = 99_999_999


@pytest.mark.parametrize(
    "name, params, param",
    [
        ("purchase", {}, "amount"),
        ("purchase", {"amount": 10_00, "currency": "eur"}, "currency"),
        ("hotel", {"currency": "eur"}, "currency"),
        ("hotel", {"release_amount": 400_00}, "release_amount"),
        ("hotel", {"amount": TOO_MUCH}, "increment_amount"),
        ("restaurant", {"amount": TOO_MUCH}, "tip_amount"),
        ("airline", {"amount": 2}, "tickets"),
        ("ride", {"amount": TOO_MUCH}, "increment_amount"),
        ("atm", {"amount": TOO_MUCH}, "atm_fee"),
        ("offline", {"currency": "eur"}, "currency"),
        ("late_refund", {"refund_amount": 80_01, "move_clock": True}, "refund_amount"),
        ("cross_currency", {"drift_percent": "100.1"}, "drift_percent"),
        ("cross_currency", {"merchant_amount": 79_999_999}, "drift_percent"),
        ("cross_currency", {"merchant_amount": TOO_MUCH, "drift_percent": "-90"}, "merchant_amount"),
    ],
)
def test_what_a_script_cannot_do_to_its_end_it_does_not_begin(
    platform: Client, name: str, params: dict[str, Any], param: str
) -> None:
    card = a_spender(platform)
    before = state(platform)

    refusal = platform.post(f"{URL}/{name}", card=card["id"], **params)

    assert (refusal.status, refusal.error["param"]) == (400, param), refusal.json
    assert state(platform) == before


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path.rpartition("/")[2])
def test_every_bad_parameter_is_named_and_nothing_changes(platform: Client, route: Any) -> None:
    before = state(platform)

    for params, param, code, message in bad_requests(route):
        answer = platform.post(route.path, **params)

        assert (answer.status, answer.error.get("param"), answer.error.get("code")) == (400, param, code), params
        assert answer.error["message"].startswith(message)
    assert state(platform) == before


def test_a_card_is_looked_for_in_all_accounts_unless_one_is_named(platform: Client) -> None:
    client, _, card = a_treasury_spender(platform)
    own = a_spender(platform)

    run = play(platform, "restaurant", card)
    foreign = client.post(f"{URL}/restaurant", card=own["id"])
    unknown = platform.post(f"{URL}/restaurant", card="ic_nope")

    assert (run["account"], run["finished"]) == (client.account, True)
    for refusal in (foreign, unknown):
        assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (400, "resource_missing", "card")


def test_a_script_that_nobody_knows_is_an_unknown_address(platform: Client) -> None:
    assert platform.post(f"{URL}/casino", card="ic_1").status == 404
