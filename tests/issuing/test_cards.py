"""Cards: what is asked of them, which arrows may be taken, what shows on request only, what ends them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from stdnum import luhn

from emulator.connect.issuing_countries import card_currency
from emulator.issuing import cards
from emulator.issuing.cards import LIFECYCLE, expiry
from emulator.kernel.errors import ApiError
from emulator.kernel.world import World
from emulator.treasury.financial_accounts import FinancialAccount
from tests.issuing.holders import (
    ADDRESS,
    BILLING,
    BRITISH_ADDRESS,
    CARDHOLDERS,
    CARDS,
    GERMAN_ADDRESS,
    SHIPPING,
    a_card,
    a_cardholder,
    a_connected_account,
    a_physical_card,
    card_params,
    told,
)
from tests.issuing.purchases import authorize, fund

NOW = 2_004_000_000  # July 2033
NO_LISTS = {
    f"{word}_{what}": None
    for word in ("allowed", "blocked")
    for what in ("card_presences", "categories", "merchant_countries")
}
DAILY_500 = [{"amount": 500_00, "categories": [], "interval": "daily"}]


def refused(client, **params):
    """The refusal of a new card; nothing was made."""
    params = card_params(client, **params)
    before = len(client.events()), len(client.read(CARDS)["data"])
    answer = client.post(CARDS, **params)
    assert answer.status == 400, answer.json
    assert (len(client.events()), len(client.read(CARDS)["data"])) == before
    return answer.error


def changed(client, card, **params):
    """The reply to an update."""
    return client.post(f"{CARDS}/{card['id']}", **params)


# What a card is


def test_a_virtual_card_that_says_little_of_itself(platform):
    platform.clock(set=NOW, frozen=True)
    holder = a_cardholder(platform)

    card = platform.made(CARDS, cardholder=holder["id"], currency="usd", type="virtual")

    wallet = {"eligible": False, "ineligible_reason": "missing_cardholder_contact"}
    assert card == {
        "id": card["id"],
        "object": "issuing.card",
        "brand": "Visa",
        "cancellation_reason": None,
        "cardholder": holder,
        "created": NOW,
        "currency": "usd",
        "exp_month": 6,
        "exp_year": 2036,
        "last4": card["last4"],
        "latest_fraud_warning": None,
        "lifecycle_controls": None,
        "livemode": False,
        "metadata": {},
        "personalization_design": None,
        "replaced_by": None,
        "replacement_for": None,
        "replacement_reason": None,
        "second_line": None,
        "shipping": None,
        "spending_controls": {**NO_LISTS, "spending_limits": DAILY_500, "spending_limits_currency": "usd"},
        "status": "inactive",
        "type": "virtual",
        "wallets": {"apple_pay": wallet, "google_pay": wallet, "primary_account_identifier": None},
    }
    assert card["id"].startswith("ic_") and len(card["last4"]) == 4
    assert told(platform, 1) == [("issuing_card.created", None)]
    assert platform.events()[-1]["data"]["object"] == card


def test_a_physical_card_has_the_default_design_and_a_shipment(platform):
    design = platform.read("/v1/issuing/personalization_designs")["data"][0]

    card = a_physical_card(platform, second_line="Example Inc.", metadata={"seat": "4"}, pin={"encrypted_number": "e"})

    assert (card["type"], card["personalization_design"]) == ("physical", design["id"])
    assert card["shipping"]["status"] == "pending" and card["second_line"] == "Example Inc."
    assert card["metadata"] == {"seat": "4"} and "pin" not in card
    expanded = platform.read(f"{CARDS}/{card['id']}", expand=["personalization_design"])
    assert expanded["personalization_design"]["name"] == "Standard"


def test_the_holder_in_a_card_is_the_holder_as_it_is_now(platform):
    card = a_card(platform)

    holder = platform.made(f"{CARDHOLDERS}/{card['cardholder']['id']}", email="ada@example.com")

    assert platform.read(f"{CARDS}/{card['id']}")["cardholder"] == holder
    assert platform.read(f"{CARDS}/{card['id']}", expand=["cardholder"])["cardholder"] == holder


@pytest.mark.parametrize(
    "contact, reason",
    [
        ({}, "missing_cardholder_contact"),
        ({"email": "ada@example.com"}, None),
        ({"phone_number": "+14155550123"}, None),
        ({"email": "ada@example.com", "phone_number": "+14155550123"}, None),
    ],
)
def test_wallets_need_a_holder_who_can_be_reached_by_mail_or_phone(platform, contact, reason):
    card = a_card(platform, cardholder=a_cardholder(platform, **contact)["id"])

    wallet = {"eligible": reason is None, "ineligible_reason": reason}
    assert card["wallets"] == {"apple_pay": wallet, "google_pay": wallet, "primary_account_identifier": None}


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp"])
def test_the_default_limit_is_500_a_day_in_every_currency(platform, currency):
    controls = a_card(platform, currency=currency)["spending_controls"]

    assert controls["spending_limits"] == DAILY_500
    assert controls["spending_limits_currency"] == currency


def test_an_explicit_list_of_limits_replaces_the_default(platform):
    limits = [{"amount": 0, "interval": "per_authorization", "categories": ["bakeries"]}]

    card = a_card(platform, spending_controls={"spending_limits": limits})
    unlimited = a_card(platform, spending_controls={"spending_limits": None})

    assert card["spending_controls"]["spending_limits"] == limits
    assert unlimited["spending_controls"]["spending_limits"] == []


# Number and security code


@pytest.mark.parametrize("make", [a_card, a_physical_card])
def test_number_and_code_are_shown_on_request_by_the_retrieve_endpoint(platform, make):
    card = make(platform)

    plain = platform.read(f"{CARDS}/{card['id']}")
    asked = platform.read(f"{CARDS}/{card['id']}", expand=["number", "cvc"])

    assert plain == card and "number" not in card and "cvc" not in card
    assert asked["number"].startswith("4000009990") and asked["number"][-4:] == card["last4"]
    assert luhn.is_valid(asked["number"]) and len(asked["number"]) == 16
    assert len(asked["cvc"]) == 3 and asked["cvc"].isdigit()
    assert {**asked, "number": None, "cvc": None} == {**card, "number": None, "cvc": None}


@pytest.mark.parametrize("name", ["number", "cvc"])
def test_number_and_code_are_refused_everywhere_else(platform, name):
    params = card_params(platform)
    card = platform.made(CARDS, **params)

    at_create = platform.post(CARDS, **params, expand=[name])
    at_update = platform.post(f"{CARDS}/{card['id']}", expand=[name])
    in_list = platform.get(CARDS, expand=[f"data.{name}"])

    for answer, path in ((at_create, name), (at_update, name), (in_list, f"data.{name}")):
        assert (answer.status, answer.error["param"]) == (400, "expand")
        assert answer.error["message"] == f"This property cannot be expanded ({path})."
        assert "code" not in answer.error
    assert len(platform.read(CARDS)["data"]) == 1


def test_another_card_does_not_show_its_number_through_this_one(platform):
    lost = a_card(platform)
    changed(platform, lost, status="canceled", cancellation_reason="lost")
    params = {"cardholder": lost["cardholder"]["id"], "replacement_for": lost["id"], "replacement_reason": "lost"}
    new = a_card(platform, **params)

    asked = platform.read(f"{CARDS}/{new['id']}", expand=["replacement_for.number"])

    assert asked["replacement_for"]["id"] == lost["id"] and "number" not in asked["replacement_for"]


def test_numbers_are_unique_in_a_tenant(platform):
    connected = a_connected_account(platform, "card_issuing", "transfers")
    numbers = []

    for client in (platform, connected):
        holder = a_cardholder(client)["id"]
        for _ in range(20):
            card = a_card(client, cardholder=holder)
            numbers.append(client.read(f"{CARDS}/{card['id']}", expand=["number"])["number"])

    assert len(set(numbers)) == 40


def test_events_never_tell_a_number(platform):
    card = a_card(platform)
    number = platform.read(f"{CARDS}/{card['id']}", expand=["number"])["number"]

    assert number not in str(platform.events())


# Expiry


@pytest.mark.parametrize(
    "now, expected",
    [
        (datetime(2026, 7, 15, tzinfo=UTC), (6, 2029)),
        (datetime(2021, 7, 31, tzinfo=UTC), (6, 2024)),
        (datetime(2026, 1, 1, tzinfo=UTC), (12, 2028)),
        (datetime(2026, 2, 1, tzinfo=UTC), (1, 2029)),
    ],
)
def test_a_card_is_valid_for_35_more_months(now, expected):
    assert expiry({}, int(now.timestamp())) == expected


@pytest.mark.parametrize(
    "month, year, is_taken",
    [(7, 2033, False), (8, 2033, True), (6, 2038, True), (7, 2038, False), (12, 2020, False), (1, 34, False)],
)
def test_a_chosen_expiry_lies_one_month_to_five_years_ahead(platform, month, year, is_taken):
    platform.clock(set=NOW, frozen=True)

    answer = platform.post(CARDS, **card_params(platform, exp_month=month, exp_year=year))

    assert (answer.status == 200) is is_taken
    if is_taken:
        assert (answer.json["exp_month"], answer.json["exp_year"]) == (month, year)
    else:
        assert answer.error["param"] == "exp_year" and "code" not in answer.error


@pytest.mark.parametrize("sent, missing", [("exp_month", "exp_year"), ("exp_year", "exp_month")])
def test_a_chosen_expiry_is_whole(platform, sent, missing):
    error = refused(platform, **{sent: 12 if sent == "exp_month" else 2030})

    assert (error["code"], error["param"]) == ("parameter_missing", missing)


# What it cannot be


@pytest.mark.parametrize("name", ["currency", "type"])
def test_currency_and_type_are_required(platform, name):
    params = {"currency": "usd", "type": "virtual"}
    del params[name]

    error = platform.post(CARDS, **params).error

    assert (error["code"], error["param"]) == ("parameter_missing", name)


def test_a_card_needs_a_cardholder(platform):
    error = platform.post(CARDS, currency="usd", type="virtual").error

    assert error["message"] == "There is no default cardholder for this account"
    assert "code" not in error and "param" not in error


@pytest.mark.parametrize(
    "name, id, message",
    [
        ("cardholder", "ich_nope", "No such issuing cardholder: 'ich_nope'"),
        ("financial_account", "fa_nope", "No such financial account: 'fa_nope'"),
        ("personalization_design", "ipcd_nope", "No such personalization design: 'ipcd_nope'"),
        ("replacement_for", "ic_nope", "No such issuing card: 'ic_nope'"),
    ],
)
def test_what_a_card_names_must_exist(platform, name, id, message):
    error = refused(platform, **{name: id})

    assert (error["code"], error["param"], error["message"]) == ("resource_missing", name, message)


def test_an_object_of_another_account_does_not_exist(platform):
    holder = a_cardholder(platform)
    connected = a_connected_account(platform, "card_issuing", "transfers")

    error = connected.post(CARDS, cardholder=holder["id"], currency="usd", type="virtual").error

    assert (error["code"], error["param"]) == ("resource_missing", "cardholder")


@pytest.mark.parametrize(
    "params, param",
    [
        ({"currency": "cad"}, "currency"),
        ({"status": "canceled"}, "status"),
        ({"replacement_reason": "fulfillment_error"}, "replacement_reason"),
        ({"second_line": "x" * 25}, "second_line"),
        ({"second_line": "50% off"}, "second_line"),
        ({"shipping": SHIPPING}, "shipping"),
        ({"type": "physical", "shipping": SHIPPING, "exp_month": 1, "exp_year": 2030}, "exp_year"),
        (
            {"type": "physical", "shipping": SHIPPING, "lifecycle_controls": {"cancel_after": {"payment_count": 1}}},
            "lifecycle_controls",
        ),
        (
            {"lifecycle_controls": {"cancel_after": {"payment_count": 0}}},
            "lifecycle_controls[cancel_after][payment_count]",
        ),
        (
            {"spending_controls": {"spending_limits_currency": "usd"}},
            "spending_controls[spending_limits_currency]",
        ),
        (
            {"spending_controls": {"allowed_categories": ["bakeries"], "blocked_categories": ["florists"]}},
            "spending_controls[blocked_categories]",
        ),
    ],
)
def test_a_card_cannot_be(platform, params, param):
    assert refused(platform, **params)["param"] == param


@pytest.mark.parametrize("missing", ["shipping", "name", "address", "city", "country", "line1", "postal_code"])
def test_a_physical_card_needs_somewhere_to_go(platform, missing):
    shipping = {"name": "Ada", "address": dict(SHIPPING["address"])}
    shipping.pop(missing, None)
    shipping.get("address", {}).pop(missing, None)

    error = refused(platform, type="physical", **({} if missing == "shipping" else {"shipping": shipping}))

    path = {"shipping": "shipping", "name": "shipping[name]", "address": "shipping[address]"}
    assert (error["code"], error["param"]) == (
        "parameter_missing",
        path.get(missing, f"shipping[address][{missing}]"),
    )


@pytest.mark.parametrize(
    "country, currency, home",
    [
        ("US", "usd", ADDRESS),
        ("DE", "eur", GERMAN_ADDRESS),
        ("FR", "eur", GERMAN_ADDRESS),
        ("GB", "gbp", BRITISH_ADDRESS),
    ],
)
def test_a_card_is_in_the_currency_of_the_accounts_country(platform, country, currency, home):
    client = a_connected_account(platform, "card_issuing", "transfers", country=country)
    holder = a_cardholder(client, phone_number="+14155550123", billing={"address": home})["id"]

    assert a_card(client, cardholder=holder, currency=currency)["currency"] == currency
    for other in {"usd", "eur", "gbp"} - {currency}:
        assert refused(client, cardholder=holder, currency=other)["param"] == "currency"


def test_outside_the_us_a_holder_needs_a_phone_number(platform):
    german = a_connected_account(platform, "card_issuing", "transfers", country="DE")
    holder = german.made(CARDHOLDERS, name="Ada", billing={"address": GERMAN_ADDRESS})

    error = german.post(CARDS, cardholder=holder["id"], currency="eur", type="virtual").error

    assert error["code"] == "cardholder_phone_number_required"
    assert error["message"] == (
        f"You cannot create a card without a `phone_number` on file for cardholder: {holder['id']}. Please see "
        "https://stripe.com/docs/issuing/3d-secure."
    )


def living_in(client, country, **more):
    """A cardholder of that country, for whom nothing else is missing."""
    home = {"line1": "1 Main Street", "city": "Springfield", "postal_code": "12345", "country": country}
    return a_cardholder(client, phone_number="+14155550123", billing={"address": home}, **more)


# Where the account is and whether it is the platform's own: homes of holders who may have its cards, and who may not.
HOMES = {
    ("US", True): ("US ES GB", "BR FR CA"),
    ("US", False): ("US", "BR ES GB"),
    ("GB", True): ("GB", "US IE ES"),
    ("GB", False): ("GB", "US IE GM"),
    ("IE", True): ("IE ES NO BG", "US GB CH"),
    ("FR", False): ("FR DE IS", "US GB BD"),
}


@pytest.mark.parametrize("country, is_own", HOMES)
def test_a_card_is_for_a_holder_who_lives_where_the_account_may_issue_cards(platform, country, is_own):
    platform.settings(platform_country=country if is_own else "US")
    client = platform if is_own else a_connected_account(platform, "card_issuing", "transfers", country=country)
    allowed, elsewhere = (homes.split() for homes in HOMES[country, is_own])

    for home in allowed:
        holder = living_in(client, home)["id"]
        assert a_card(client, cardholder=holder, currency=card_currency(country))["cardholder"]["id"] == holder
    for home in elsewhere:
        holder = living_in(client, home)["id"]
        error = refused(client, cardholder=holder, currency=card_currency(country))
        assert error["message"] == f"Cardholder cannot have a billing address country of {home}."
        assert error.keys() == {"message", "request_log_url", "type"}


def test_where_a_holder_lives_is_told_before_what_is_past_due_or_missing(platform):
    british = a_connected_account(platform, "card_issuing", "transfers", country="GB")
    nowhere = {"line1": "1 Rua", "city": "Rio", "postal_code": "20000", "country": "BR"}
    platform.settings(cardholder_review_seconds=60)
    of_platform = platform.made(CARDHOLDERS, name="Ada", billing={"address": nowhere})["id"]
    without_phone = british.made(CARDHOLDERS, name="Ada", billing={"address": nowhere})["id"]

    for client, holder, currency in ((platform, of_platform, "usd"), (british, without_phone, "gbp")):
        error = refused(client, cardholder=holder, currency=currency, status="active")
        assert error["message"] == "Cardholder cannot have a billing address country of BR."


def test_that_refusal_is_remembered_under_its_idempotency_key(platform):
    holder = living_in(platform, "BR")["id"]
    keyed = {"headers": {"Idempotency-Key": "abroad"}, "cardholder": holder, "currency": "usd", "type": "virtual"}

    refusal = platform.post(CARDS, **keyed)
    again = platform.post(CARDS, **keyed)

    assert refusal.status == again.status == 400
    assert refusal.headers["Idempotency-Key"] == "abroad"
    assert refusal.headers["Original-Request"] == refusal.headers["Request-Id"]
    assert refusal.headers["Stripe-Should-Retry"] == "false"
    assert again.headers["Idempotent-Replayed"] == "true" and again.json == refusal.json


def test_a_holder_who_moved_abroad_keeps_the_card_and_gets_no_other_in_its_place(platform):
    card = a_card(platform, status="active")
    holder = card["cardholder"]["id"]
    platform.made(f"{CARDHOLDERS}/{holder}", billing={"address": {**GERMAN_ADDRESS, "country": "BR"}})

    error = refused(platform, cardholder=holder, replacement_for=card["id"], replacement_reason="damaged")
    frozen = changed(platform, card, status="inactive")
    thawed = changed(platform, card, status="active")

    assert error["message"] == "Cardholder cannot have a billing address country of BR."
    assert platform.read(f"{CARDS}/{card['id']}")["replaced_by"] is None
    assert (frozen.json["status"], thawed.json["status"]) == ("inactive", "active")


def test_what_is_past_due_prevents_activation_at_the_start_and_later(platform):
    holder = platform.made(CARDHOLDERS, name="Ada", billing=BILLING)
    card = a_card(platform, cardholder=holder["id"])
    message = "This cardholder has outstanding requirements preventing them from activating an issued card"

    at_create = refused(platform, cardholder=holder["id"], status="active")
    at_update = changed(platform, card, status="active")

    assert (at_create["message"], at_create["param"]) == (message, "status")
    assert (at_update.status, at_update.error["message"], at_update.error["param"]) == (400, message, "status")


@pytest.mark.parametrize("kind", ["individual", "company"])
def test_a_card_of_a_holder_under_review_can_be_active_and_declines_until_the_review_is_over(platform, kind):
    platform.clock(set=NOW, frozen=True)
    platform.settings(cardholder_review_seconds=5)
    fund(platform, 100_00)
    holder = a_cardholder(platform, type=kind)

    card = a_card(platform, cardholder=holder["id"], status="active")
    early = authorize(platform, card, 10_00)
    platform.clock(advance=5)
    later = authorize(platform, card, 10_00)

    assert holder["requirements"] == {"disabled_reason": "under_review", "past_due": []}
    assert (card["status"], card["cardholder"]["requirements"]) == ("active", holder["requirements"])
    assert early["request_history"][0]["reason"] == "cardholder_verification_required"
    assert later["approved"] and later["card"]["cardholder"]["requirements"]["disabled_reason"] is None


def test_a_card_is_activated_under_review(platform):
    platform.settings(cardholder_review_seconds=60)
    card = a_card(platform)

    assert changed(platform, card, status="active").json["status"] == "active"


# Financial accounts


def a_financial_account(client, **more):
    """A financial account for cards."""
    return client.made(
        "/v1/treasury/financial_accounts",
        **{"supported_currencies": ["usd"], "features": {"card_issuing": {"requested": True}}, **more},
    )


@pytest.fixture
def connected(platform):
    """A connected account with Issuing and Treasury."""
    return a_connected_account(platform, "card_issuing", "treasury", "transfers")


def test_a_card_on_a_financial_account_says_so(connected):
    first, second = a_financial_account(connected), a_financial_account(connected)

    card = a_card(connected, financial_account=first["id"])
    moved = changed(connected, card, financial_account=second["id"]).json

    assert card["financial_account"] == first["id"] and moved["financial_account"] == second["id"]
    assert told(connected)[-1] == ("issuing_card.updated", {"financial_account": first["id"]})


def test_a_card_that_joins_a_financial_account_had_none(connected):
    account = a_financial_account(connected)
    card = a_card(connected)

    changed(connected, card, financial_account=account["id"])

    assert told(connected)[-1] == ("issuing_card.updated", {"financial_account": None})


def test_the_feature_must_have_been_requested(connected):
    account = a_financial_account(connected, features={"intra_stripe_flows": {"requested": True}})

    error = refused(connected, financial_account=account["id"])

    assert (error["code"], error["param"]) == ("financial_account_capability_not_enabled", "financial_account")
    assert error["message"] == f"The FinancialAccount {account['id']} does not have the card_issuing feature active."


def test_the_feature_must_not_be_restricted(platform):
    client = a_connected_account(platform, "treasury", "transfers")
    account = a_financial_account(client)
    path = f"/v1/accounts/{client.account}/capabilities/card_issuing"
    tenant = platform.app.emulator.tenants.open(platform.key.split("_", 2)[2])

    with tenant.reading() as step, pytest.raises(ApiError) as refusal:
        world = World(step, client.account)
        found = world.get(FinancialAccount, account["id"])
        cards.check_financial_account(world, found, "usd", "currency")

    assert refusal.value.code == "financial_account_capability_restricted"
    assert refusal.value.param == "financial_account"
    assert platform.made(path, requested=True)["status"] == "active"
    assert a_card(client, financial_account=account["id"])["financial_account"] == account["id"]


def test_a_financial_account_must_be_open(connected):
    account = a_financial_account(connected)
    connected.made(f"/v1/treasury/financial_accounts/{account['id']}/close")

    error = refused(connected, financial_account=account["id"])

    assert (error["code"], error["param"]) == ("account_closed", "financial_account")


def test_a_platforms_own_financial_account_has_no_cards(platform):
    account = platform.read("/v1/treasury/financial_accounts")["data"][0]

    error = refused(platform, financial_account=account["id"])

    assert error["param"] == "financial_account" and "code" not in error


def test_a_financial_account_holds_usd(platform):
    tenant = platform.app.emulator.tenants.open(platform.key.split("_", 2)[2])
    client = a_connected_account(platform, "card_issuing", "treasury", "transfers")
    account = a_financial_account(client)

    with tenant.reading() as step, pytest.raises(ApiError) as refusal:
        world = World(step, client.account)
        found = world.get(FinancialAccount, account["id"])
        cards.check_financial_account(world, found, "eur", "currency")

    assert refusal.value.code == "financial_account_balance_does_not_support_currency"
    assert refusal.value.param == "currency"


def test_the_same_conditions_hold_when_a_card_is_moved(connected):
    card, account = a_card(connected), a_financial_account(connected, features={})

    answer = changed(connected, card, financial_account=account["id"])

    assert (answer.status, answer.error["code"]) == (400, "financial_account_capability_not_enabled")


# Status


@pytest.mark.parametrize("status, target", list(product(LIFECYCLE.moves, LIFECYCLE.moves)))
def test_only_drawn_arrows_can_be_followed(platform, status, target):
    card = a_card(platform, status="active")
    if status != "active":
        changed(platform, card, status=status)
    before = len(platform.events())

    answer = changed(platform, card, status=target)

    if status == "canceled":
        assert (answer.status, answer.error["param"]) == (400, "status")
        assert answer.error["message"] == "Cards with status 'canceled' cannot be updated."
        assert "code" not in answer.error
    else:
        assert answer.json["status"] == target and answer.json["cancellation_reason"] is None
        expected = [] if status == target else [("issuing_card.updated", {"status": status})]
        assert told(platform, before) == expected
    if status == "canceled" or status == target:
        assert told(platform, before) == []


@pytest.mark.parametrize("reason", ["lost", "stolen"])
def test_a_card_is_canceled_for_a_reason(platform, reason):
    card = a_card(platform)

    canceled = changed(platform, card, status="canceled", cancellation_reason=reason).json

    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", reason)
    assert told(platform)[-1] == ("issuing_card.updated", {"cancellation_reason": None, "status": "inactive"})


@pytest.mark.parametrize("params", [{}, {"status": "active"}, {"status": "inactive"}])
def test_a_reason_goes_with_a_cancellation(platform, params):
    card = a_card(platform)

    answer = changed(platform, card, cancellation_reason="lost", **params)

    assert (answer.status, answer.error["param"]) == (400, "cancellation_reason")


@pytest.mark.parametrize("reason", ["design_rejected", "fulfillment_error", "damaged"])
def test_stripes_own_reasons_are_not_taken(platform, reason):
    answer = changed(platform, a_card(platform), status="canceled", cancellation_reason=reason)

    assert answer.error["message"] == "Invalid cancellation_reason: must be one of lost or stolen"


def test_only_the_metadata_of_a_canceled_card_can_be_changed(platform):
    card = a_card(platform)
    changed(platform, card, status="canceled")

    metadata = changed(platform, card, metadata={"note": "gone"})

    assert metadata.json["metadata"] == {"note": "gone"}
    assert told(platform)[-1] == ("issuing_card.updated", {"metadata": {"note": None}})


@pytest.mark.parametrize(
    "params, param",
    [
        ({"status": "active", "cancellation_reason": "lost"}, "status"),
        ({"cancellation_reason": "lost"}, "cancellation_reason"),
        ({"pin": {"encrypted_number": "e"}}, "pin"),
        ({"shipping": SHIPPING, "metadata": {"a": "b"}}, "shipping"),
        ({"spending_controls": {"spending_limits": None}}, "spending_controls"),
    ],
)
def test_a_canceled_card_is_not_updated(platform, params, param):
    card = a_card(platform)
    canceled = changed(platform, card, status="canceled").json

    answer = changed(platform, card, **params)

    assert (answer.status, answer.error["param"]) == (400, param)
    assert answer.error["message"] == "Cards with status 'canceled' cannot be updated."
    assert platform.read(f"{CARDS}/{card['id']}") == canceled


# Other changes


def test_controls_are_replaced_one_list_at_a_time_and_limits_as_a_whole(platform):
    limits = [{"amount": 1_00, "categories": [], "interval": "daily"}, {"amount": 9_00, "interval": "monthly"}]
    card = a_card(platform, spending_controls={"allowed_categories": ["bakeries"], "spending_limits": limits})
    new_limits = [{"amount": 2_00, "categories": ["florists"], "interval": "weekly"}]

    updated = changed(
        platform,
        card,
        spending_controls={"blocked_merchant_countries": ["RU"], "spending_limits": new_limits},
    ).json

    assert updated["spending_controls"] == {
        **NO_LISTS,
        "allowed_categories": ["bakeries"],
        "blocked_merchant_countries": ["RU"],
        "spending_limits": new_limits,
        "spending_limits_currency": "usd",
    }
    assert told(platform)[-1] == (
        "issuing_card.updated",
        {
            "spending_controls": {
                "blocked_merchant_countries": None,
                "spending_limits": [limits[0], {**limits[1], "categories": []}],
            }
        },
    )


def test_a_stored_list_bars_its_opposite_unless_the_same_request_clears_it(platform):
    card = a_card(platform, spending_controls={"allowed_categories": ["bakeries"]})

    refusal = changed(platform, card, spending_controls={"blocked_categories": ["florists"]})
    swapped = changed(
        platform, card, spending_controls={"allowed_categories": None, "blocked_categories": ["florists"]}
    )

    assert (refusal.status, refusal.error["code"]) == (400, "parameters_exclusive")
    assert swapped.json["spending_controls"]["allowed_categories"] is None
    assert swapped.json["spending_controls"]["blocked_categories"] == ["florists"]


def test_a_pin_is_taken_and_never_shown_nor_announced(platform):
    card = a_card(platform)
    before = len(platform.events())

    updated = changed(platform, card, pin={"encrypted_number": "eyJhbGciOiJSU0EifQ.secret"})

    assert updated.json == card and b"secret" not in updated.body
    assert len(platform.events()) == before


@pytest.mark.parametrize(
    "name",
    ["cardholder", "currency", "type", "exp_month", "exp_year", "second_line", "lifecycle_controls", "replacement_for"],
)
def test_what_is_set_at_the_start_cannot_be_updated(platform, name):
    error = changed(platform, a_card(platform), **{name: "x"}).error

    assert (error["code"], error["message"]) == ("parameter_unknown", f"Received unknown parameter: {name}")


def test_a_shipment_can_be_changed_until_it_is_submitted(platform):
    card = a_physical_card(platform)

    moved = changed(platform, card, shipping={**SHIPPING, "name": "Grace", "service": "express"}).json
    event = told(platform)[-1]
    platform.made(f"/v1/test_helpers/issuing/cards/{card['id']}/shipping/submit")
    refusal = changed(platform, card, shipping=SHIPPING)

    assert (moved["shipping"]["name"], moved["shipping"]["service"]) == ("Grace", "express")
    assert event == (
        "issuing_card.updated",
        {"shipping": {"name": "Ada Example", "require_signature": False, "service": "standard"}},
    )
    assert (refusal.status, refusal.error["param"]) == (400, "shipping")


@pytest.mark.parametrize("params", [{"shipping": SHIPPING}, {"personalization_design": "default"}])
def test_a_virtual_card_gets_no_shipment_and_no_design(platform, params):
    if "personalization_design" in params:
        params = {"personalization_design": platform.read("/v1/issuing/personalization_designs")["data"][0]["id"]}

    at_create = refused(platform, **params)
    at_update = changed(platform, a_card(platform), **params)

    assert at_create["param"] == at_update.error["param"] == next(iter(params))


def test_a_bundle_says_whether_its_cards_have_a_second_line(platform):
    (bundle,) = platform.read("/v1/issuing/physical_bundles")["data"]
    path = f"/_emulator/issuing/physical_bundles/{bundle['id']}"
    with_line, without = a_physical_card(platform, second_line="Example Inc."), a_physical_card(platform)
    sent = card_params(platform, type="physical", shipping=SHIPPING)
    design = {"personalization_design": without["personalization_design"]}

    platform.made(path, features={"second_line": "unsupported"})
    unsupported = platform.post(CARDS, **sent, second_line="Example Inc.")
    unsupported_later = changed(platform, with_line, **design)
    fine = [platform.post(CARDS, **sent), platform.post(CARDS, **sent, second_line=None)]
    fine.append(changed(platform, without, **design))
    platform.made(path, features={"second_line": "required"})
    required = [platform.post(CARDS, **sent), platform.post(CARDS, **sent, second_line=None)]
    required_later = changed(platform, without, **design)
    fine += [platform.post(CARDS, **sent, second_line="Example Inc."), changed(platform, with_line, **design)]
    fine.append(changed(platform, without, metadata={"a": "1"}))

    assert {answer.status for answer in fine} == {200}
    for answer, param, verb in [
        (unsupported, "second_line", "does not support"),
        (unsupported_later, "personalization_design", "does not support"),
        *[(answer, "second_line", "requires") for answer in required],
        (required_later, "personalization_design", "requires"),
    ]:
        assert (answer.status, answer.error["param"]) == (400, param)
        assert answer.error["message"] == f"The physical bundle {bundle['id']} {verb} second_line."


def test_a_virtual_card_has_a_second_line_whatever_bundles_say(platform):
    (bundle,) = platform.read("/v1/issuing/physical_bundles")["data"]
    for support in ("unsupported", "required"):
        platform.made(f"/_emulator/issuing/physical_bundles/{bundle['id']}", features={"second_line": support})

        assert a_card(platform, second_line="Example Inc.")["second_line"] == "Example Inc."
        assert a_card(platform)["second_line"] is None


def test_a_platforms_design_prints_by_the_platforms_bundle(platform):
    connected = a_connected_account(platform, "card_issuing", "transfers")
    (bundle,) = platform.read("/v1/issuing/physical_bundles")["data"]
    platform.made(f"/_emulator/issuing/physical_bundles/{bundle['id']}", features={"second_line": "unsupported"})
    design = platform.read("/v1/issuing/personalization_designs")["data"][0]["id"]
    sent = card_params(connected, type="physical", shipping=SHIPPING, second_line="Example Inc.")

    refused = connected.post(CARDS, **sent, personalization_design=design)

    assert (refused.status, refused.error["param"]) == (400, "second_line")
    assert connected.post(CARDS, **sent).status == 200  # its own default has a bundle of its own


def test_a_physical_card_can_get_another_design(platform):
    bundle = platform.read("/v1/issuing/physical_bundles")["data"][0]["id"]
    card = a_physical_card(platform)
    design = platform.made("/v1/issuing/personalization_designs", physical_bundle=bundle)["id"]

    updated = changed(platform, card, personalization_design=design)

    assert updated.json["personalization_design"] == design
    assert told(platform)[-1] == (
        "issuing_card.updated",
        {"personalization_design": card["personalization_design"]},
    )


def test_an_update_that_changes_nothing_tells_nobody(platform):
    card = a_card(platform, metadata={"a": "b"})
    before = len(platform.events())

    same = changed(platform, card, metadata={"a": "b"}, status="inactive")

    assert same.json == card and len(platform.events()) == before


def test_an_inactive_holder_leaves_its_cards_as_they_are(platform):
    card = a_card(platform, status="active")

    platform.made(f"{CARDHOLDERS}/{card['cardholder']['id']}", status="inactive")

    assert platform.read(f"{CARDS}/{card['id']}")["status"] == "active"
    assert platform.event_types()[-1] == "issuing_cardholder.updated"


# Lifecycle controls


def payments(client, card, count):
    """Count payments of a card, each in a step of its own."""
    tenant = client.app.emulator.tenants.open(client.key.split("_", 2)[2])
    for _ in range(count):
        with tenant.writing() as step:
            cards.count_payment(World(step, client.account or step.row.platform), card["id"])


def test_a_card_cancels_itself_at_its_count_of_payments(platform):
    card = a_card(platform, status="active", lifecycle_controls={"cancel_after": {"payment_count": 3}})
    before = len(platform.events())

    payments(platform, card, 2)
    still = platform.read(f"{CARDS}/{card['id']}")
    payments(platform, card, 1)
    over = platform.read(f"{CARDS}/{card['id']}")

    assert still == card
    assert over == {**card, "status": "canceled"} and over["cancellation_reason"] is None
    assert told(platform, before) == [("issuing_card.updated", {"status": "active"})]


def test_a_card_without_controls_counts_nothing(platform):
    card = a_card(platform, status="active")

    payments(platform, card, 3)

    assert platform.read(f"{CARDS}/{card['id']}") == card


def test_a_canceled_card_is_not_canceled_again(platform):
    card = a_card(platform, status="active", lifecycle_controls={"cancel_after": {"payment_count": 1}})
    payments(platform, card, 1)
    before = len(platform.events())

    payments(platform, card, 1)

    assert len(platform.events()) == before


# Lists


def test_cards_are_listed_newest_first_and_by_every_filter(platform):
    platform.clock(set=NOW, frozen=True)
    ada, grace = a_cardholder(platform)["id"], a_cardholder(platform)["id"]
    first = a_card(platform, cardholder=ada, status="active", exp_month=9, exp_year=2034)
    platform.clock(advance=10)
    second = a_card(platform, cardholder=grace)
    third = a_physical_card(platform, cardholder=grace)
    changed(platform, third, status="canceled")

    def listed(**filters):
        return [card["id"] for card in platform.read(CARDS, **filters)["data"]]

    assert listed() == [third["id"], second["id"], first["id"]]
    assert listed(cardholder=grace) == listed(created={"gt": NOW}) == [third["id"], second["id"]]
    assert listed(exp_month=9) == listed(exp_year=2034) == listed(status="active") == listed(created=NOW)
    assert listed(cardholder=ada) == listed(last4=first["last4"], cardholder=ada) == [first["id"]]
    assert listed(personalization_design=third["personalization_design"]) == listed(type="physical") == [third["id"]]
    assert listed(status="canceled") == [third["id"]] and listed(status="inactive") == [second["id"]]
    assert listed(cardholder="ich_nope") == [] and listed(exp_year=1999) == []
    assert listed(ending_before=second["id"]) == [third["id"]]


@pytest.mark.parametrize(
    "filters, param, code",
    [
        ({"status": "gone"}, "status", None),
        ({"type": "metal"}, "type", None),
        ({"exp_month": "x"}, "exp_month", "parameter_invalid_integer"),
        ({"financial_account": "fa_1"}, "financial_account", "parameter_unknown"),
        ({"starting_after": "ic_nope"}, "starting_after", "resource_missing"),
    ],
)
def test_a_list_refuses_what_it_does_not_know(platform, filters, param, code):
    answer = platform.get(CARDS, **filters)

    assert (answer.status, answer.error["param"], answer.error.get("code")) == (400, param, code)


@pytest.mark.parametrize("id", ["ic_nope", "nope"])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_an_unknown_card_is_missing(platform, verb, id):
    answer = getattr(platform, verb)(f"{CARDS}/{id}")

    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "resource_missing", "card")
    assert answer.error["message"] == f"No such issuing card: '{id}'"
