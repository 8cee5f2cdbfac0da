"""Spending controls: what may be set, what a window is, what counts in it, and that limits hold to the cent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.issuing.authorizations import Authorization, spending_of
from emulator.issuing.spending_controls import (
    CATEGORIES,
    LISTS,
    Window,
    cardholder_defaults,
    count,
    defaults,
    merged,
    window,
)
from emulator.issuing.traces import AuthorizationTrace, trace_id
from emulator.kernel.errors import ApiError
from emulator.kernel.records import replace
from tests.client import Client
from tests.issuing.holders import CARDHOLDERS, CARDS, a_card, a_cardholder, card_params
from tests.issuing.purchases import (
    DAY,
    a_spender,
    another_cardholder,
    authorize,
    done,
    findings,
    force_capture,
    fund,
    in_a_step,
    reasons,
    refund,
)

HOUR = 60 * 60


def at(text: str) -> int:
    """A moment in UTC, such as `2026-11-23 14:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def limited(client: Client, amount: int, interval: str, *categories: str, **more: Any) -> dict[str, Any]:
    """An active card with one limit, on plenty of money."""
    limit = {"amount": amount, "interval": interval, **({"categories": list(categories)} if categories else {})}
    return a_spender(client, 50_000_00, **{"spending_controls": {"spending_limits": [limit]}, **more})


def passes(client: Client, card: dict[str, Any], amount: int, **more: Any) -> bool:
    """Whether an authorization is approved; the only objection may be the controls'."""
    made = authorize(client, card, amount, **more)
    assert reasons(made) in (["card_active"], ["spending_controls"])
    return made["approved"]


# What may be set


def test_a_new_card_may_spend_500_a_day_until_it_is_told_otherwise(platform: Client) -> None:
    usual = a_card(platform)["spending_controls"]
    other = a_card(platform, spending_controls={"blocked_categories": ["bakeries"]})["spending_controls"]
    unlimited = a_card(platform, spending_controls={"spending_limits": None})["spending_controls"]

    assert usual == {
        **dict.fromkeys(LISTS),
        "spending_limits": [{"amount": 500_00, "categories": [], "interval": "daily"}],
        "spending_limits_currency": "usd",
    }
    assert other == {**usual, "blocked_categories": ["bakeries"]}
    assert unlimited == {**usual, "spending_limits": []}


def test_a_new_cardholder_has_no_limits(platform: Client) -> None:
    assert a_cardholder(platform)["spending_controls"] == {
        **{name: [] for name in LISTS},
        "spending_limits": [],
        "spending_limits_currency": None,
    }


PAIRS: list[tuple[str, str, list[str]]] = [
    ("allowed_categories", "blocked_categories", ["bakeries"]),
    ("allowed_merchant_countries", "blocked_merchant_countries", ["US"]),
    ("allowed_card_presences", "blocked_card_presences", ["present"]),
]


@pytest.mark.parametrize("path", [CARDS, CARDHOLDERS])
@pytest.mark.parametrize("allowed, blocked, value", PAIRS)
def test_allowed_and_blocked_exclude_each_other(
    platform: Client, path: str, allowed: str, blocked: str, value: list[str]
) -> None:
    make = a_card if path == CARDS else a_cardholder
    before = make(platform, spending_controls={allowed: value})
    update = f"{path}/{before['id']}"

    both = platform.post(update, spending_controls={allowed: value, blocked: value})
    beside = platform.post(update, spending_controls={blocked: value})
    swapped = platform.post(update, spending_controls={allowed: None, blocked: value})

    for refusal in (both, beside):
        assert (refusal.status, refusal.error["code"]) == (400, "parameters_exclusive")
        assert refusal.error["param"] == f"spending_controls[{blocked}]"
        assert refusal.error["message"] == (
            f"You may only specify one of these parameters: spending_controls[{allowed}], spending_controls[{blocked}]."
        )
    assert swapped.json["spending_controls"][blocked] == value
    assert not swapped.json["spending_controls"][allowed]


def test_each_list_replaces_the_stored_one_and_the_others_stay() -> None:
    stored = merged(defaults("usd"), {"blocked_categories": ["bakeries"], "allowed_card_presences": ["present"]})

    after = merged(
        stored, {"blocked_categories": ["aquariums"], "spending_limits": [{"amount": 1, "interval": "daily"}]}
    )

    assert after == {
        **stored,
        "blocked_categories": ["aquariums"],
        "spending_limits": [{"amount": 1, "categories": [], "interval": "daily"}],
    }
    assert merged(stored, None) == stored
    assert merged(cardholder_defaults(), {"allowed_categories": None})["allowed_categories"] == []
    assert merged(stored, {"blocked_categories": None})["blocked_categories"] is None


def test_merging_never_changes_what_is_stored() -> None:
    stored = defaults("usd")

    with pytest.raises(ApiError):
        merged(stored, {"allowed_categories": ["bakeries"], "blocked_categories": ["bakeries"]})

    assert stored == defaults("usd")


BAD: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"spending_limits": [{"amount": 1}]}, "[spending_limits][0][interval]", "parameter_missing", "Missing required"),
    ({"spending_limits": [{"interval": "daily"}]}, "[spending_limits][0][amount]", "parameter_missing", "Missing"),
    (
        {"spending_limits": [{"amount": -1, "interval": "daily"}]},
        "[spending_limits][0][amount]",
        "parameter_invalid_integer",
        "This value must be greater than or equal to 0.",
    ),
    ({"spending_limits": [{"amount": 1, "interval": "hourly"}]}, "[spending_limits][0][interval]", None, "Invalid"),
    ({"allowed_categories": ["sweets"]}, "[allowed_categories][0]", None, "must be one of ac_refrigeration_repair"),
    ({"allowed_merchant_countries": ["XX"]}, "[allowed_merchant_countries][0]", "country_unsupported", "Country 'XX'"),
    ({"blocked_card_presences": ["absent"]}, "[blocked_card_presences][0]", None, "not_present or present"),
    ({"allowed_categories": "bakeries"}, "[allowed_categories]", None, "Invalid array"),
]


@pytest.mark.parametrize("controls, param, code, message", BAD)
def test_what_makes_no_sense_is_refused(
    platform: Client, controls: dict[str, Any], param: str, code: str | None, message: str
) -> None:
    refusal = platform.post(CARDS, **card_params(platform, spending_controls=controls))

    assert refusal.status == 400
    assert refusal.error["param"] == f"spending_controls{param}"
    assert refusal.error.get("code") == code
    assert message in refusal.error["message"]


def test_the_currency_of_limits_is_a_cardholders_parameter_only(platform: Client) -> None:
    controls = {"spending_limits": [{"amount": 1_00, "interval": "daily"}], "spending_limits_currency": "eur"}

    on_card = platform.post(CARDS, **card_params(platform, spending_controls=controls))
    holder = a_cardholder(platform, spending_controls=controls)

    assert on_card.error["message"] == "Received unknown parameter: spending_controls[spending_limits_currency]"
    assert holder["spending_controls"]["spending_limits_currency"] == "eur"


def test_miscellaneous_is_a_category_no_merchant_has(platform: Client) -> None:
    card = limited(platform, 1_00, "daily", "miscellaneous")

    assert len(CATEGORIES) == 295
    assert passes(platform, card, 50_00)
    refusal = platform.post(
        "/v1/test_helpers/issuing/authorizations",
        card=card["id"],
        amount=1,
        merchant_data={"category": "miscellaneous"},
    )
    assert refusal.error["param"] == "merchant_data[category]"


# Windows


@pytest.mark.parametrize(
    "interval, moment, first, last",
    [
        ("daily", "2026-11-23 23:59", "d2026-11-23", "d2026-11-23"),
        ("daily", "2026-11-24 00:00", "d2026-11-24", "d2026-11-24"),
        ("weekly", "2026-11-21 23:59", "d2026-11-15", "d2026-11-21"),  # a Saturday
        ("weekly", "2026-11-22 00:00", "d2026-11-22", "d2026-11-28"),  # the Sunday after it
        ("weekly", "2027-01-01 12:00", "d2026-12-27", "d2027-01-02"),
        ("monthly", "2026-11-30 23:59", "m2026-11", "m2026-11"),
        ("yearly", "2026-12-31 23:59", "m2026-01", "m2026-12"),
        ("all_time", "2026-11-23 12:00", "all", "all"),
    ],
)
def test_windows_start_at_midnight_utc(interval: str, moment: str, first: str, last: str) -> None:
    assert window(interval, at(moment)) == Window(first, last)


@pytest.mark.parametrize(
    "interval, start, still, again",
    [
        ("daily", "2038-03-10 00:00", "2038-03-10 23:59", "2038-03-11 00:00"),
        ("weekly", "2038-03-07 00:00", "2038-03-13 23:59", "2038-03-14 00:00"),
        ("monthly", "2038-03-01 00:00", "2038-03-31 23:59", "2038-04-01 00:00"),
        ("yearly", "2038-01-01 00:00", "2038-12-31 23:59", "2039-01-01 00:00"),
    ],
)
def test_a_limit_is_used_up_until_its_next_window(
    platform: Client, interval: str, start: str, still: str, again: str
) -> None:
    platform.clock(set=at(start), frozen=True)
    card = limited(platform, 100_00, interval)

    done(platform, authorize(platform, card, 60_00), "capture")
    assert not passes(platform, card, 40_01)
    platform.clock(set=at(still))
    assert not passes(platform, card, 40_01)
    done(platform, authorize(platform, card, 40_00), "capture")
    assert not passes(platform, card, 1)
    platform.clock(set=at(again))
    assert passes(platform, card, 100_00)
    assert not passes(platform, card, 1)
    assert findings(platform) == []


def test_a_limit_of_all_time_never_opens_again(platform: Client) -> None:
    card = limited(platform, 100_00, "all_time")
    done(platform, authorize(platform, card, 60_00), "capture")

    platform.clock(advance=700 * DAY)

    assert not passes(platform, card, 40_01)
    assert passes(platform, card, 40_00)


def test_a_limit_per_authorization_looks_at_each_alone(platform: Client) -> None:
    card = limited(platform, 50_00, "per_authorization")

    assert passes(platform, card, 50_00)
    assert passes(platform, card, 50_00)
    assert not passes(platform, card, 50_01)


def test_a_limit_of_nothing_blocks_everything_but_status_checks(platform: Client) -> None:
    card = limited(platform, 0, "daily")

    assert not passes(platform, card, 1)
    assert passes(platform, card, 0)


def test_an_increment_is_measured_by_the_new_total(platform: Client) -> None:
    single, daily = limited(platform, 50_00, "per_authorization"), limited(platform, 50_00, "daily")

    for card in (single, daily):
        authorization = authorize(platform, card, 30_00)
        too_much = done(platform, authorization, "increment", increment_amount=20_01)
        fitting = done(platform, authorization, "increment", increment_amount=20_00)

        assert (too_much["amount"], too_much["request_history"][-1]["reason"]) == (30_00, "spending_controls")
        assert (fitting["amount"], fitting["request_history"][-1]["reason"]) == (50_00, "card_active")


def test_an_increment_counts_in_the_window_of_what_it_adds_to(platform: Client) -> None:
    platform.clock(set=at("2038-03-10 23:00"), frozen=True)
    card = limited(platform, 50_00, "daily")
    authorization = authorize(platform, card, 40_00)
    platform.clock(set=at("2038-03-11 01:00"))

    too_much = done(platform, authorization, "increment", increment_amount=10_01)
    fitting = done(platform, authorization, "increment", increment_amount=10_00)

    assert too_much["request_history"][-1]["reason"] == "spending_controls"
    assert fitting["amount"] == 50_00
    assert passes(platform, card, 50_00)  # today's window is untouched
    assert findings(platform) == []


# What counts


def test_what_is_given_back_may_be_spent_again_and_refunds_may_not(platform: Client) -> None:
    card = limited(platform, 100_00, "daily")

    authorization = authorize(platform, card, 80_00)
    done(platform, authorization, "reverse", reverse_amount=30_00)
    assert not passes(platform, card, 50_01)
    done(platform, authorization, "reverse")
    assert passes(platform, card, 100_00)

    card = limited(platform, 100_00, "daily")
    done(platform, authorize(platform, card, 70_00), "expire")
    captured = done(platform, authorize(platform, card, 100_00), "capture", capture_amount=60_00)
    assert not passes(platform, card, 40_01)
    refund(platform, captured["transactions"][0])
    assert not passes(platform, card, 40_01)
    assert passes(platform, card, 40_00)
    assert findings(platform) == []


def test_captures_beyond_the_limit_are_never_stopped_and_use_it_up(platform: Client) -> None:
    card = limited(platform, 100_00, "daily")

    done(platform, authorize(platform, card, 90_00), "capture", capture_amount=120_00)
    force_capture(platform, card, 500_00)

    assert not passes(platform, card, 1)
    assert findings(platform) == []


def test_force_captures_count_when_they_arrive(platform: Client) -> None:
    platform.clock(set=at("2038-03-10 12:00"), frozen=True)
    card = limited(platform, 100_00, "daily")
    force_capture(platform, card, 60_00)

    assert not passes(platform, card, 40_01)
    platform.clock(set=at("2038-03-11 00:00"))
    assert passes(platform, card, 40_01)


def test_declined_requests_count_nothing(platform: Client) -> None:
    card = limited(platform, 100_00, "daily")

    assert not passes(platform, card, 100_01)
    assert passes(platform, card, 100_00)


def test_a_limit_with_categories_looks_only_at_spending_in_them(platform: Client) -> None:
    card = limited(platform, 100_00, "monthly", "bakeries", "aquariums")
    bakery, aquarium, taxi = (
        {"merchant_data": {"category": one}} for one in ("bakeries", "aquariums", "taxicabs_limousines")
    )

    assert passes(platform, card, 60_00, **bakery)
    assert passes(platform, card, 500_00, **taxi)
    assert not passes(platform, card, 40_01, **aquarium)
    assert passes(platform, card, 40_00, **aquarium)
    assert passes(platform, card, 500_00, **taxi)
    assert not passes(platform, card, 1, **bakery)


def test_the_strictest_of_several_limits_wins(platform: Client) -> None:
    limits = [
        {"amount": 100_00, "interval": "daily"},
        {"amount": 30_00, "interval": "per_authorization"},
        {"amount": 50_00, "interval": "weekly", "categories": ["bakeries"]},
    ]
    card = a_spender(platform, spending_controls={"spending_limits": limits})
    bakery = {"merchant_data": {"category": "bakeries"}}

    assert not passes(platform, card, 30_01)
    assert passes(platform, card, 30_00, **bakery)
    assert not passes(platform, card, 20_01, **bakery)
    assert passes(platform, card, 30_00)
    assert passes(platform, card, 30_00)
    assert not passes(platform, card, 10_01)


def test_limits_changed_while_money_is_held_look_at_what_is_held(platform: Client) -> None:
    card = limited(platform, 1_000_00, "daily")
    authorize(platform, card, 80_00)

    platform.made(
        f"{CARDS}/{card['id']}", spending_controls={"spending_limits": [{"amount": 100_00, "interval": "weekly"}]}
    )

    assert not passes(platform, card, 20_01)
    assert passes(platform, card, 20_00)


def replacing(client: Client, card: dict[str, Any], reason: str, amount: int = 100_00) -> dict[str, Any]:
    """An active card in place of another one, which may spend an amount in all."""
    if reason == "lost":
        client.made(f"{CARDS}/{card['id']}", status="canceled", cancellation_reason="lost")
    return another(client, card, reason, amount)


def another(client: Client, card: dict[str, Any], reason: str, amount: int = 100_00) -> dict[str, Any]:
    """The same for a card that may have been canceled, or replaced, already."""
    return a_card(
        client,
        cardholder=card["cardholder"]["id"],
        replacement_for=card["id"],
        replacement_reason=reason,
        spending_controls={"spending_limits": [{"amount": amount, "interval": "all_time"}]},
        status="active",
    )


def test_a_card_counts_what_the_cards_have_spent_that_it_replaces_up_the_chain(platform: Client) -> None:
    first = limited(platform, 100_00, "all_time")
    authorize(platform, first, 60_00)
    second = replacing(platform, first, "damaged")
    authorize(platform, second, 10_00)
    third = replacing(platform, second, "lost")

    assert not passes(platform, third, 30_01)
    assert passes(platform, third, 30_00)
    assert findings(platform) == []


def test_two_replacements_of_one_card_count_it_and_not_each_other(platform: Client) -> None:
    lost = limited(platform, 100_00, "all_time")
    authorize(platform, lost, 60_00)
    one = replacing(platform, lost, "lost")
    other = another(platform, lost, "lost")

    assert passes(platform, one, 40_00)
    assert not passes(platform, other, 40_01)
    assert passes(platform, other, 40_00)
    assert not passes(platform, one, 1)
    assert findings(platform) == []


def test_a_card_does_not_count_what_the_one_in_its_place_spends(platform: Client) -> None:
    old = limited(platform, 100_00, "all_time")
    held = authorize(platform, old, 60_00)
    authorize(platform, replacing(platform, old, "lost"), 40_00)

    done(platform, held, "increment", increment_amount=1)  # declined since the card is canceled

    with in_a_step(platform) as world:
        seen = world.get(AuthorizationTrace, trace_id(held["id"])).requests[-1]["attempt"]["card_controls"]
    assert [limit["spent"] for limit in seen["limits"]] == [60_00]


def test_what_becomes_of_a_replaced_cards_purchases_counts_for_the_card_in_its_place(platform: Client) -> None:
    old = limited(platform, 100_00, "all_time")
    more, less = (authorize(platform, old, 20_00) for _ in range(2))
    new = replacing(platform, old, "damaged")

    done(platform, more, "capture", capture_amount=25_00)
    done(platform, less, "reverse", reverse_amount=15_00)
    capture = done(platform, less, "capture")["transactions"][0]
    refund(platform, capture)
    force_capture(platform, old, 10_00)

    assert not passes(platform, new, 60_01)
    assert passes(platform, new, 60_00)
    assert findings(platform) == []


def test_what_earlier_versions_counted_for_the_first_card_of_a_chain_is_given_back_to_it(platform: Client) -> None:
    first = limited(platform, 100_00, "all_time")
    second = replacing(platform, first, "damaged")
    held = authorize(platform, second, 30_00)
    with in_a_step(platform) as world:
        stored = world.get(Authorization, held["id"])
        count(world, spending_of(stored), -30_00)
        counted = world.put(replace(stored, chain=first["id"]))
        count(world, spending_of(counted), 30_00)
    assert findings(platform) == []
    assert not passes(platform, second, 70_01)

    done(platform, held, "reverse", reverse_amount=20_00)

    assert not passes(platform, second, 90_01)
    assert passes(platform, second, 90_00)
    assert findings(platform) == []


def test_a_holders_limits_look_at_all_cards(platform: Client) -> None:
    fund(platform, 1_000_00)
    holder = another_cardholder(
        platform, spending_controls={"spending_limits": [{"amount": 100_00, "interval": "daily"}]}
    )
    one, two = (a_card(platform, cardholder=holder, status="active") for _ in range(2))

    assert passes(platform, one, 70_00)
    assert not passes(platform, two, 30_01)
    platform.made(f"{CARDS}/{one['id']}", status="canceled")
    assert not passes(platform, two, 30_01)
    assert passes(platform, two, 30_00)


def test_a_holders_limits_in_another_currency_are_converted(platform: Client) -> None:
    fund(platform, 1_000_00)
    fund(platform, 1_000_00, "eur")
    controls = {"spending_limits": [{"amount": 80_00, "interval": "daily"}], "spending_limits_currency": "eur"}
    holder = another_cardholder(platform, phone_number="+4915112345678", spending_controls=controls)
    dollars = a_card(platform, cardholder=holder, status="active")
    euros = a_card(platform, cardholder=holder, status="active", currency="eur")

    assert passes(platform, dollars, 50_00)  # 40.00 eur at 0.8
    assert not passes(platform, euros, 40_01)
    assert passes(platform, euros, 40_00)
    assert not passes(platform, dollars, 1)
    assert findings(platform) == []


@pytest.mark.parametrize("interval", ["daily", "per_authorization"])
@pytest.mark.parametrize("currency, worth", [("eur", 80_00), ("gbp", 75_00), ("usd", 100_00)])
def test_a_holders_limit_in_euros_is_worth_the_same_on_every_card_to_the_cent(
    platform: Client, currency: str, worth: int, interval: str
) -> None:
    fund(platform, 1_000_00, currency)
    controls = {"spending_limits": [{"amount": 80_00, "interval": interval}], "spending_limits_currency": "eur"}
    holder = another_cardholder(platform, phone_number="+4915112345678", spending_controls=controls)
    card = a_card(platform, cardholder=holder, status="active", currency=currency)

    assert not passes(platform, card, worth + 1)
    assert passes(platform, card, worth)


# Lists


@pytest.mark.parametrize("owner", ["card", "cardholder"])
@pytest.mark.parametrize(
    "controls, passing, failing",
    [
        (
            {"allowed_categories": ["bakeries"]},
            {"merchant_data": {"category": "bakeries"}},
            {"merchant_data": {"category": "aquariums"}},
        ),
        (
            {"blocked_categories": ["aquariums"]},
            {"merchant_data": {"category": "bakeries"}},
            {"merchant_data": {"category": "aquariums"}},
        ),
        (
            {"allowed_merchant_countries": ["DE", "FR"]},
            {"merchant_data": {"country": "FR"}},
            {"merchant_data": {"country": "Atlantis"}},
        ),
        (
            {"blocked_merchant_countries": ["DE"]},
            {"merchant_data": {"country": "US"}},
            {"merchant_data": {"country": "DE"}},
        ),
        ({"allowed_card_presences": ["present"]}, {"authorization_method": "chip"}, {"authorization_method": "online"}),
        (
            {"blocked_card_presences": ["present"]},
            {"authorization_method": "keyed_in"},
            {"authorization_method": "contactless"},
        ),
    ],
)
def test_lists_of_card_and_holder_decide_who_may_be_paid(
    platform: Client, owner: str, controls: dict[str, Any], passing: dict[str, Any], failing: dict[str, Any]
) -> None:
    if owner == "card":
        card = a_spender(platform, spending_controls=controls)
    else:
        card = a_spender(platform, cardholder=another_cardholder(platform, spending_controls=controls))

    assert passes(platform, card, 1_00, **passing)
    assert not passes(platform, card, 1_00, **failing)


def test_nothing_goes_beyond_the_hidden_cap(platform: Client) -> None:
    card = a_spender(platform, 50_000_00)

    assert passes(platform, card, 10_000_00)
    assert not passes(platform, card, 10_000_01)
    authorization = authorize(platform, card, 9_000_00)
    assert done(platform, authorization, "increment", increment_amount=1_000_01)["amount"] == 9_000_00
    assert done(platform, authorization, "increment", increment_amount=1_000_00)["amount"] == 10_000_00


# The doctor


def test_the_doctor_names_a_tally_that_does_not_add_up(platform: Client) -> None:
    card = replacing(platform, limited(platform, 100_00, "daily"), "damaged")
    authorize(platform, card, 10_00)
    assert findings(platform) == []

    with in_a_step(platform) as world:
        world.tallies.add([(card["id"], "all", "taxicabs_limousines", 1)])

    (finding,) = findings(platform)
    assert f"the spending tally {card['id']} all taxicabs_limousines says 1001" in finding
