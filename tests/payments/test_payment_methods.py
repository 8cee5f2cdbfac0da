"""Payment methods: cards and US bank accounts, made, attached, changed and detached."""

from __future__ import annotations

import pytest
from stdnum import luhn

from emulator.connect import bank_test_numbers
from emulator.payments import card_test_numbers as cards
from emulator.payments.bank_tokens import TOKENS
from tests.client import Client
from tests.issuing.holders import a_connected_account, previous

METHODS = "/v1/payment_methods"
BANK = {
    "type": "us_bank_account",
    "billing_details": {"name": "Jenny Rosen"},
    "us_bank_account": {
        "account_holder_type": "individual",
        "account_number": "000123456789",
        "routing_number": "110000000",
    },
}
CARD = {"type": "card", "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}}


@pytest.fixture
def customer(platform) -> str:
    """A customer of the platform."""
    return platform.made("/v1/customers", name="Jenny Rosen")["id"]


def test_a_bank_account_shows_what_its_bank_is_and_hides_its_number(platform):
    made = platform.made(METHODS, **BANK, metadata={"a": "1"})

    assert made["us_bank_account"] == {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": made["us_bank_account"]["fingerprint"],
        "last4": "6789",
        "networks": {"preferred": "ach", "supported": ["ach", "us_domestic_wire"]},
        "routing_number": "110000000",
        "status_details": {},
    }
    assert (made["type"], made["customer"], made["metadata"], "card" in made) == (
        "us_bank_account",
        None,
        {"a": "1"},
        False,
    )
    assert platform.read(f"{METHODS}/{made['id']}") == made
    assert platform.events() == []


@pytest.mark.parametrize(
    "capabilities, networks", [(("transfers",), ["ach"]), (("transfers", "treasury"), ["ach", "us_domestic_wire"])]
)
def test_only_an_account_with_treasury_can_pay_a_bank_account_by_wire(platform, capabilities, networks):
    account = a_connected_account(platform, *capabilities)

    made = account.made(METHODS, **BANK)

    assert made["us_bank_account"]["networks"]["supported"] == networks


@pytest.mark.parametrize(
    "changes, param, code",
    [
        ({"routing_number": "110000001"}, "us_bank_account[routing_number]", "routing_number_invalid"),
        ({"account_number": "12x"}, "us_bank_account[account_number]", "account_number_invalid"),
        ({"account_number": "123456789012345678"}, "us_bank_account[account_number]", "account_number_invalid"),
    ],
)
def test_numbers_that_no_bank_has_are_refused(platform, changes, param, code):
    refusal = platform.post(METHODS, **{**BANK, "us_bank_account": {**BANK["us_bank_account"], **changes}})

    assert (refusal.status, refusal.error["param"], refusal.error["code"]) == (400, param, code)


@pytest.mark.parametrize(
    "sent, param",
    [
        ({}, "type"),
        ({"type": "card"}, "card"),
        ({"type": "card", "card": {"cvc": "123"}}, "card[number]"),
        ({"type": "us_bank_account", "us_bank_account": BANK["us_bank_account"]}, "billing_details[name]"),
        ({**BANK, "us_bank_account": {"account_number": "000123456789"}}, "us_bank_account[routing_number]"),
    ],
)
def test_what_a_payment_method_needs_is_named(platform, sent, param):
    refusal = platform.post(METHODS, **sent)

    assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (400, "parameter_missing", param)


@pytest.mark.parametrize(
    "sent, param",
    [
        ({"type": "sepa_debit", "sepa_debit": {"iban": "DE89370400440532013000"}}, "type"),
        (
            {**BANK, "us_bank_account": {"financial_connections_account": "fca_1"}},
            "us_bank_account[financial_connections_account]",
        ),
        ({**CARD, "radar_options": {"session": "rse_1"}}, "radar_options"),
    ],
)
def test_what_is_not_built_says_so(platform, sent, param):
    refusal = platform.post(METHODS, **sent)

    assert (refusal.status, refusal.error["param"]) == (501, param)


def test_a_card_is_made_by_its_number_or_by_a_test_token(platform):
    billing = {"address": {"line1": "1 Main Street", "postal_code": "94111", "country": "US"}}
    numbered = platform.made(METHODS, **CARD, billing_details=billing)
    tokened = platform.made(METHODS, type="card", card={"token": "tok_visa"})

    assert {name: numbered["card"][name] for name in ("brand", "exp_month", "exp_year", "last4", "funding")} == {
        "brand": "visa",
        "exp_month": 12,
        "exp_year": 2034,
        "last4": "4242",
        "funding": "credit",
    }
    assert set(numbered["card"]["checks"].values()) == {"unchecked"}
    assert tokened["card"]["fingerprint"] == numbered["card"]["fingerprint"]
    assert "us_bank_account" not in numbered


@pytest.mark.parametrize(
    "changes, code, decline_code, param",
    [
        ({"number": "4111111111111111"}, "card_declined", "test_mode_live_card", ""),
        ({"number": "4242424242424241"}, "incorrect_number", None, "number"),
        ({"exp_month": 13}, "invalid_expiry_month", None, "exp_month"),
        ({"exp_year": 2020}, "invalid_expiry_year", None, "exp_year"),
    ],
)
def test_a_card_that_cannot_be_is_a_card_error(platform, changes, code, decline_code, param):
    refusal = platform.post(METHODS, type="card", card={**CARD["card"], **changes})

    assert (refusal.status, refusal.error["type"], refusal.error["code"]) == (402, "card_error", code)
    assert (refusal.error.get("decline_code"), refusal.error["param"]) == (decline_code, param)


def test_an_unknown_token_of_a_card_is_missing(platform):
    refusal = platform.post(METHODS, type="card", card={"token": "tok_nope"})

    assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (400, "resource_missing", "card[token]")


def test_attaching_makes_it_the_customers_and_checks_the_card(platform, customer):
    card = platform.made(METHODS, **CARD, billing_details={"address": {"postal_code": "94111"}})["id"]

    attached = platform.made(f"{METHODS}/{card}/attach", customer=customer, expand=["customer"])

    assert attached["customer"]["id"] == customer
    assert attached["card"]["checks"] == {
        "address_line1_check": None,
        "address_postal_code_check": "pass",
        "cvc_check": "pass",
    }
    assert platform.event_types()[-1] == "payment_method.attached"
    assert platform.made(f"{METHODS}/{card}/attach", customer=customer)["customer"] == customer
    assert platform.event_types().count("payment_method.attached") == 1


@pytest.mark.parametrize("token", [*(f"pm_card_{name}" for name in cards.BY_TOKEN), *TOKENS])
def test_every_test_token_becomes_a_payment_method_where_it_is_attached(platform, customer, token):
    known = cards.behind(token, cards.OF_METHODS)
    first = platform.post(f"{METHODS}/{token}/attach", customer=customer)
    second = platform.post(f"{METHODS}/{token}/attach", customer=customer)

    if known is not None and known.decline is not None:
        assert (first.status, first.error["code"]) == (402, known.decline.code)
        assert first.error.get("decline_code") == known.decline.decline_code
        assert first.error["param"] == (known.decline.param or "")
        assert platform.read(f"/v1/customers/{customer}/payment_methods")["data"] == []
    elif token == "pm_usBankAccount_failMicrodeposits":
        assert (first.status, first.error["code"]) == (400, "bank_account_unverified")
    else:
        assert (first.status, second.status) == (200, 200), first.json
        assert first.json["id"] != second.json["id"]
        number = known.number if known else TOKENS[token]
        assert first.json[first.json["type"]]["last4"] == number[-4:]


def test_the_test_cards_are_numbers_that_can_be():
    assert all(luhn.is_valid(number) for number in cards.BY_NUMBER)
    assert set(TOKENS.values()) <= set(bank_test_numbers.of("US"))


@pytest.mark.parametrize(
    "token, checks",
    [
        ("pm_card_avsFail", ("fail", "fail")),
        ("pm_card_avsLine1Fail", ("fail", "pass")),
        ("pm_card_avsZipFail", ("pass", "fail")),
        ("pm_card_avsUnchecked", ("unavailable", "unavailable")),
    ],
)
def test_some_cards_fail_the_checks_of_an_address(platform, customer, token, checks):
    number = cards.BY_TOKEN[token.removeprefix("pm_card_")].number
    card = platform.made(
        METHODS,
        type="card",
        card={**CARD["card"], "number": number},
        billing_details={"address": {"line1": "1 Main Street", "postal_code": "94111"}},
    )["id"]

    attached = platform.made(f"{METHODS}/{card}/attach", customer=customer)

    found = attached["card"]["checks"]
    assert (found["address_line1_check"], found["address_postal_code_check"]) == checks


def test_a_bank_account_that_nobody_verified_is_not_attached(platform, customer):
    bank = platform.made(METHODS, **BANK)["id"]

    refusal = platform.post(f"{METHODS}/{bank}/attach", customer=customer)

    assert (refusal.status, refusal.error["code"]) == (400, "bank_account_unverified")
    assert platform.read(f"{METHODS}/{bank}")["customer"] is None


def test_what_is_attached_is_nobody_elses_and_what_was_detached_is_of_no_use(platform, customer):
    other = platform.made("/v1/customers")["id"]
    card = platform.made(f"{METHODS}/pm_card_visa/attach", customer=customer)["id"]

    taken = platform.post(f"{METHODS}/{card}/attach", customer=other)
    detached = platform.made(f"{METHODS}/{card}/detach")
    again = platform.post(f"{METHODS}/{card}/attach", customer=customer)
    twice = platform.post(f"{METHODS}/{card}/detach")

    assert taken.error["message"] == "The payment method you provided has already been attached to a customer."
    assert (detached["customer"], previous(platform.events()[-1])) == (None, {"customer": customer})
    assert (again.status, again.error["code"]) == (400, "payment_method_unexpected_state")
    assert twice.error["message"] == (
        "The payment method you provided is not attached to a customer so detachment is impossible."
    )


def test_a_payment_method_that_is_attached_can_be_changed(platform, customer):
    card = platform.made(f"{METHODS}/pm_card_visa/attach", customer=customer)
    path = f"{METHODS}/{card['id']}"

    changed = platform.made(
        path,
        billing_details={"name": "Jenny", "address": {"city": "Springfield"}},
        card={"exp_month": 1, "exp_year": 2040},
        allow_redisplay="always",
        metadata={"a": "1"},
    )
    expired = platform.post(path, card={"exp_year": 2020})

    assert (changed["card"]["exp_month"], changed["card"]["exp_year"]) == (1, 2040)
    assert changed["billing_details"]["address"]["city"] == "Springfield"
    assert previous(platform.events()[-1]) == {
        "allow_redisplay": "unspecified",
        "billing_details": {"address": {"city": None}, "name": None},
        "card": {"exp_month": card["card"]["exp_month"], "exp_year": card["card"]["exp_year"]},
        "metadata": {"a": None},
    }
    assert (expired.status, expired.error["code"]) == (402, "invalid_expiry_year")
    cleared = platform.made(path, billing_details={"address": None, "name": None})
    assert set(cleared["billing_details"]["address"].values()) == {None}


def test_what_is_nobodys_or_of_another_type_cannot_be_changed(platform, customer):
    loose = platform.made(METHODS, **BANK)["id"]
    bank = platform.made(f"{METHODS}/pm_usBankAccount/attach", customer=customer)["id"]

    free = platform.post(f"{METHODS}/{loose}", metadata={"a": "1"})
    other = platform.post(f"{METHODS}/{bank}", card={"exp_month": 1})
    changed = platform.made(f"{METHODS}/{bank}", us_bank_account={"account_type": "savings"})

    assert free.error["message"] == "You must save this PaymentMethod to a customer before you can update it."
    assert (other.status, other.error["param"]) == (400, "card")
    assert changed["us_bank_account"]["account_type"] == "savings"


def test_lists_are_of_one_customer_or_of_the_account_itself(platform, customer):
    card = platform.made(f"{METHODS}/pm_card_visa/attach", customer=customer)["id"]
    bank = platform.made(f"{METHODS}/pm_usBankAccount/attach", customer=customer)["id"]
    platform.made(METHODS, **BANK)

    assert [one["id"] for one in platform.read(METHODS, customer=customer)["data"]] == [bank, card]
    assert [one["id"] for one in platform.read(METHODS, customer=customer, type="card")["data"]] == [card]
    assert platform.read(METHODS)["data"] == platform.read(METHODS, customer="cus_nope")["data"] == []


def test_a_connected_account_gets_a_copy_of_a_payment_method_of_its_platform(platform, customer):
    account = a_connected_account(platform, "transfers")
    card = platform.made(f"{METHODS}/pm_card_visa/attach", customer=customer)

    copy = account.made(METHODS, customer=customer, payment_method=card["id"])
    wrong = account.post(METHODS, customer="cus_nope", payment_method=card["id"])
    own = platform.post(METHODS, customer=customer, payment_method=card["id"])

    assert copy["id"] != card["id"] and copy["customer"] is None
    assert copy["card"]["fingerprint"] == card["card"]["fingerprint"]
    assert (wrong.status, wrong.error["param"], own.status) == (400, "customer", 400)


def test_a_browser_may_make_one_with_a_publishable_key_and_read_none(app, key, platform):
    browser = Client(app, key.replace("sk_", "pk_"))

    made = browser.made(METHODS, **CARD)
    refusal = browser.get(f"{METHODS}/{made['id']}")

    assert platform.read(f"{METHODS}/{made['id']}") == made
    assert (refusal.status, refusal.error["code"]) == (401, "secret_key_required")


def test_a_token_is_no_payment_method_by_itself(platform):
    refusal = platform.get(f"{METHODS}/pm_card_visa")

    assert (refusal.status, refusal.error["message"]) == (404, "No such PaymentMethod: 'pm_card_visa'")
    assert refusal.error["param"] == "payment_method"
