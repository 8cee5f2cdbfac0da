"""The platform's own account in every country where cards are issued, and when its country can be chosen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from stdnum import iban

from emulator.app import create_app
from emulator.connect.issuing_countries import COUNTRIES, EEA, EURO_AREA, card_currency, homes
from emulator.connect.platform import account_number
from emulator.developer.cli_sessions import Session
from tests.client import Client
from tests.connect.shapes import CONTROLLER
from tests.issuing.purchases import findings

SESSIONS = "/v1/stripecli/sessions"
TREASURY = "/v1/treasury/financial_accounts"


def of_country(platform: Client, country: str) -> Client:
    """A platform that has just been told where it is."""
    platform.settings(platform_country=country)
    return platform


def test_cards_are_issued_in_two_countries_and_the_euro_area():
    assert len(COUNTRIES) == len(set(COUNTRIES)) == 22
    assert {country: card_currency(country) for country in ("US", "GB", "IE")} == {
        "US": "usd",
        "GB": "gbp",
        "IE": "eur",
    }


def test_holders_live_in_the_accounts_country_or_for_europe_anywhere_in_the_economic_area():
    assert homes("US") == {"US"}
    assert homes("GB") == {"GB"}
    assert {homes(country) for country in EURO_AREA} == {EEA}
    assert len(EEA) == 30
    assert set(EURO_AREA) < EEA


@pytest.mark.parametrize("country", COUNTRIES)
def test_the_platform_is_wherever_cards_are_issued(platform, country):
    own = of_country(platform, country).read("/v1/account")

    currency = card_currency(country)
    (bank,) = own["external_accounts"]["data"]
    assert (own["country"], own["default_currency"]) == (country, currency)
    assert own["company"]["address"]["country"] == country
    assert own["charges_enabled"] and own["payouts_enabled"] and own["details_submitted"]
    assert own["requirements"]["currently_due"] == []
    assert own["capabilities"]["card_issuing"] == "active"
    assert (bank["country"], bank["currency"], bank["default_for_currency"]) == (country, currency, True)
    assert bank["last4"] == account_number(country)[-4:]
    assert findings(platform) == []


@pytest.mark.parametrize("country", EURO_AREA)
def test_its_bank_account_in_the_euro_area_has_a_number_that_is_one(country):
    number = account_number(country)

    assert number.startswith(country) and iban.is_valid(number)


def test_every_balance_begins_in_the_currency_of_the_country(platform):
    balance = of_country(platform, "GB").read("/v1/balance")

    assert [entry["currency"] for entry in balance["available"]] == ["gbp"]
    assert [entry["currency"] for entry in balance["connect_reserved"]] == ["gbp"]
    assert [entry["currency"] for entry in balance["issuing"]["available"]] == ["gbp"]


def test_accounts_that_do_not_say_where_they_are_are_where_their_platform_is(platform):
    account = of_country(platform, "FR").made("/v1/accounts", controller=CONTROLLER)

    assert (account["country"], account["default_currency"]) == ("FR", "eur")


# Treasury is for the US alone


def test_abroad_there_is_no_treasury(platform):
    refusal = of_country(platform, "IE").get(TREASURY)

    assert "treasury" not in platform.read("/v1/account")["capabilities"]
    assert refusal.status == 400
    assert refusal.error["message"].startswith(f"Unrecognized request URL (GET: {TREASURY}).")


def test_abroad_no_account_can_ask_for_treasury(platform):
    of_country(platform, "GB")
    wanted = {"treasury": {"requested": True}}

    refusal = platform.post("/v1/accounts", country="US", controller=CONTROLLER, capabilities=wanted)

    assert (refusal.status, refusal.error["param"]) == (400, "capabilities[treasury][requested]")
    assert platform.read("/v1/accounts")["data"] == []


def test_no_account_asks_for_cards_where_none_are_issued(platform):
    wanted = {"card_issuing": {"requested": True}}

    refusal = platform.post("/v1/accounts", country="AU", controller=CONTROLLER, capabilities=wanted)

    assert (refusal.status, refusal.error["param"]) == (400, "capabilities[card_issuing][requested]")
    assert refusal.error["message"] == "The `card_issuing` capability is not available for accounts in AU."


# When it can be chosen


def test_a_country_where_no_cards_are_issued_is_refused(platform):
    refusal = platform.post("/_emulator/settings", platform_country="AU")

    assert (refusal.status, refusal.error["param"]) == (400, "platform_country")
    assert platform.read("/v1/account")["country"] == "US"


THINGS = {
    "an account": ("/v1/accounts", {"controller": CONTROLLER}),
    "a webhook endpoint": ("/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/", "enabled_events": ["*"]}),
    "funding instructions": (
        "/v1/issuing/funding_instructions",
        {"currency": "gbp", "funding_type": "bank_transfer", "bank_transfer": {"type": "gb_bank_transfer"}},
    ),
    "money": ("/v1/topups", {"amount": 1_00, "currency": "gbp"}),
}


@pytest.mark.parametrize("thing", THINGS)
def test_once_anything_is_there_the_country_stays_until_a_reset(platform, thing):
    of_country(platform, "GB")
    path, params = THINGS[thing]
    made = platform.made(path, **params)
    before = platform.read("/v1/account")

    refusal = platform.post("/_emulator/settings", platform_country="IE", cardholder_review_seconds=5)

    assert (refusal.status, refusal.error["param"]) == (400, "platform_country")
    assert "reset" in refusal.error["message"].lower()
    assert platform.read("/v1/account") == before
    assert "id" not in made or platform.read(f"{path}/{made['id']}")["id"] == made["id"]
    settings = platform.read("/_emulator/settings")
    assert (settings["platform_country"], settings["cardholder_review_seconds"]) == ("GB", 0)

    platform.made("/_emulator/reset")
    assert of_country(platform, "IE").read("/v1/account")["country"] == "IE"


def test_the_same_country_can_be_set_again_at_any_time(platform):
    of_country(platform, "GB").made("/v1/accounts", controller=CONTROLLER)

    assert platform.settings(platform_country="GB")["platform_country"] == "GB"
    assert len(platform.read("/v1/accounts")["data"]) == 1


def test_reading_and_refusals_make_nothing(platform):
    platform.read(TREASURY)
    platform.read("/v1/events")
    platform.post("/v1/issuing/cards", currency="usd", type="virtual", headers={"Idempotency-Key": "once"})

    assert of_country(platform, "GB").read("/v1/account")["country"] == "GB"


def test_clock_other_settings_and_who_listens_stay_when_the_country_is_chosen(platform, monkeypatch):
    tenants = platform.app.emulator.tenants
    monkeypatch.setattr(tenants, "websocket_url", "ws://127.0.0.1:9")
    platform.clock(set=2_004_000_000, frozen=True)
    platform.settings(cardholder_review_seconds=7)
    platform.made(SESSIONS, device_name="laptop", websocket_features=["webhooks"])

    of_country(platform, "FR")

    assert platform.read("/_emulator/clock")["now"] == 2_004_000_000
    assert platform.read("/v1/account")["created"] == 2_004_000_000
    assert platform.read("/_emulator/settings")["cardholder_review_seconds"] == 7
    with tenants.open(platform.key.removeprefix("sk_test_")).reading() as step:
        assert [session.device_name for _, session in step.store.every(Session)] == ["laptop"]


# What the server says


@pytest.fixture
def served(tmp_path: Path) -> Iterator[object]:
    """Applications over one folder, each with a country of its own; one at a time."""
    apps = []

    def open_with(country: str | None) -> Client:
        while apps:
            apps.pop().emulator.close()
        apps.append(create_app(tmp_path, settings={"platform_country": country} if country else None))
        return Client(apps[0], f"sk_test_served{next(NUMBERS)}")

    yield open_with
    while apps:
        apps.pop().emulator.close()


NUMBERS = itertools.count()


def test_new_worlds_begin_in_the_servers_country_and_go_back_to_it(served):
    world = served("GB")
    assert world.read("/v1/account")["country"] == "GB"

    world.settings(platform_country="FR")
    assert world.read("/v1/account")["country"] == "FR"

    world.settings(platform_country=None)
    assert world.read("/v1/account")["country"] == "GB"

    world.settings(platform_country="US")
    world.made("/v1/accounts", controller=CONTROLLER)
    world.made("/_emulator/reset")
    assert world.read("/v1/account")["country"] == "GB"
    assert world.read("/_emulator/settings")["platform_country"] == "GB"


def test_a_world_begun_by_the_server_and_one_told_so_are_alike(served):
    begun = served("GB").read("/v1/account")
    other = served(None)
    key = other.key

    told = Client(other.app, key)
    told.settings(platform_country="GB")

    def shape(account):
        return {name: value for name, value in account.items() if name not in ("id", "created", "external_accounts")}

    assert shape(told.read("/v1/account")) == shape(begun)


def test_worlds_that_are_there_keep_their_country_whatever_the_server_says_later(served):
    old = served(None)
    old.made("/v1/accounts", controller=CONTROLLER)
    key = old.key

    later = Client(served("GB").app, key)

    assert later.read("/v1/account")["country"] == "US"
    assert later.settings(cardholder_review_seconds=5)["platform_country"] == "US"
    assert later.read("/v1/account")["country"] == "US"
