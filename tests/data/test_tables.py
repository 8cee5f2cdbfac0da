"""The committed tables agree with the packages that publish them."""

import importlib.util
from pathlib import Path
from typing import get_args, get_type_hints

import iso18245
import pytest
import stripe

from emulator.data import api_versions, capabilities, countries, currencies, event_types, merchant_categories, routes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate_data", ROOT / "tools" / "generate_data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def written(generator):
    return generator.tables()


NAMES = (
    "accounts_v2.py",
    "api_versions.py",
    "capabilities.py",
    "countries.py",
    "currencies.py",
    "event_types.py",
    "merchant_categories.py",
    "routes.py",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_table_is_what_the_generator_writes_today(written, name):
    assert (ROOT / "emulator" / "data" / name).read_text(encoding="utf-8") == written[name]


def test_every_generated_table_is_committed_and_nothing_else(written):
    by_hand = {"__init__.py", "version_changes.py"}
    committed = {path.name for path in (ROOT / "emulator" / "data").glob("*.py")} - by_hand

    assert committed == set(written) == set(NAMES)


def test_routes_are_unique_and_sorted():
    assert len(set(routes.ROUTES)) == len(routes.ROUTES) == 650
    assert list(routes.ROUTES) == sorted(routes.ROUTES, key=lambda r: (r[1], ("GET", "POST", "DELETE").index(r[0])))
    assert all(path.startswith(("/v1/", "/v2/")) and not path.endswith("/") for _, path in routes.ROUTES)
    assert sum(path.startswith("/v1/") for _, path in routes.ROUTES) == 559


@pytest.mark.parametrize(
    "route",
    [
        ("GET", "/v1/account"),
        ("POST", "/v1/files"),
        ("GET", "/v1/issuing/cards/{card}"),
        ("POST", "/v1/test_helpers/issuing/authorizations/{authorization}/fraud_challenges/respond"),
        ("GET", "/v1/treasury/inbound_transfers/{id}"),
        ("POST", "/v1/treasury/inbound_transfers/{inbound_transfer}/cancel"),
        ("DELETE", "/v1/accounts/{account}/external_accounts/{id}"),
        ("GET", "/v1/charges/{charge}/refunds"),
        ("GET", "/v1/balance_settings"),
        ("POST", "/v2/core/accounts/{id}/close"),
    ],
)
def test_routes_keep_the_names_of_the_package_for_their_variables(route):
    assert route in routes.ROUTES


def test_every_merchant_category_has_the_code_of_the_public_lists():
    listed = {
        iso18245.get_mcc(code).stripe_code: code
        for code in merchant_categories.CODES.values()
        if code not in {"5262", "5552", "7800", "7801", "7802", "9406", "9702"}
    }

    differing = {name: code for name, code in listed.items() if merchant_categories.CODES[name] != code}

    assert differing == {}
    assert len(merchant_categories.CODES) == 294 and len(listed) == 287


def test_no_two_merchant_categories_share_a_code():
    codes = list(merchant_categories.CODES.values())

    assert len(set(codes)) == len(codes)
    assert all(len(code) == 4 and code.isdigit() for code in codes)


def test_the_merchant_categories_are_those_a_card_can_be_limited_to():
    from stripe.params.issuing._card_create_params import CardCreateParamsSpendingControls

    accepted = literals(get_type_hints(CardCreateParamsSpendingControls)["allowed_categories"])

    assert set(accepted) - set(merchant_categories.CODES) == {"miscellaneous"}
    assert set(merchant_categories.CODES) <= set(accepted)


def test_event_types_are_those_of_the_package_in_its_order():
    assert list(event_types.EVENT_TYPES) == literals(get_type_hints(stripe.Event)["type"])
    assert len(event_types.EVENT_TYPES) == 275


def test_an_endpoint_may_enable_every_event_type_and_the_wildcard(generator):
    accepted = generator.fields_of("params/_webhook_endpoint_create_params.py", "WebhookEndpointCreateParams")

    assert set(generator.choices(accepted["enabled_events"])) == {*event_types.EVENT_TYPES, "*"}


def test_api_versions_end_with_the_one_the_package_sends():
    assert api_versions.DEFAULT == stripe.api_version == api_versions.API_VERSIONS[-1] == "2026-10-28.endive"
    assert api_versions.API_VERSIONS[0] == "2011-01-01"
    assert list(api_versions.API_VERSIONS) == sorted(set(api_versions.API_VERSIONS))


def test_capabilities_are_those_of_the_account():
    shown = [name for name in get_type_hints(stripe.Account.Capabilities) if name in capabilities.CAPABILITIES]

    assert shown == [name for name in capabilities.CAPABILITIES if name in shown]
    assert {"card_issuing", "treasury", "transfers", "us_bank_account_ach_payments"} <= set(capabilities.CAPABILITIES)


def test_currencies_begin_with_usd_and_have_their_decimals():
    assert currencies.CURRENCIES[:3] == ("usd", "aed", "afn")
    assert len(set(currencies.CURRENCIES)) == len(currencies.CURRENCIES)
    assert set(currencies.CURRENCIES) >= currencies.ZERO_DECIMAL | currencies.THREE_DECIMAL
    assert not currencies.ZERO_DECIMAL & currencies.THREE_DECIMAL
    assert "jpy" in currencies.ZERO_DECIMAL and "kwd" in currencies.THREE_DECIMAL


def test_countries_are_the_249_of_iso_and_three_of_stripe():
    assert len(countries.COUNTRIES) == 252
    assert {"US", "GB", "DE", "XK", "CU"} <= countries.COUNTRIES
    assert not {"ZZ", "EU", "UK"} & countries.COUNTRIES


def literals(annotation) -> list[str]:
    """Every string among the nested arguments of an annotation, in order."""
    if isinstance(annotation, str):
        return [annotation]
    return [value for part in get_args(annotation) for value in literals(part)]
