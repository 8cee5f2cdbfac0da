"""Tokens: what they stand for, what they show, and that each works once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client
from tests.connect.shapes import CONTROLLER, JENNY, TERMS, account_of, company
from tests.payments.test_payment_methods import METHODS

TOKENS = "/v1/tokens"
NUMBER, ROUTING = "bank_account[account_number]", "bank_account[routing_number]"
CARD: dict[str, Any] = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
BANK: dict[str, Any] = {"country": "US", "account_number": "000123456789", "routing_number": "110000000"}


def a_token(client: Client, **what: Any) -> str:
    """The id of a new token."""
    return client.made(TOKENS, **what)["id"]


def test_a_card_token_shows_the_card_and_not_its_number(platform):
    address = {"address_line1": "1 Main St", "address_zip": "94111", "address_country": "US", "name": "Jenny Rosen"}

    token = platform.made(TOKENS, card={**CARD, **address})

    assert token["id"].startswith("tok_") and (token["type"], token["used"]) == ("card", False)
    card = token["card"]
    assert card["id"].startswith("card_")
    assert (card["brand"], card["last4"], card["funding"], card["exp_year"]) == ("Visa", "4242", "credit", 2040)
    checks = [card[name] for name in ("cvc_check", "address_line1_check", "address_zip_check")]
    assert (card["name"], checks) == ("Jenny Rosen", ["unchecked"] * 3)
    assert platform.read(f"{TOKENS}/{token['id']}") == token
    assert CARD["number"] not in str(token)


def test_a_bank_token_shows_the_bank_account(platform):
    token = platform.made(TOKENS, bank_account={**BANK, "account_holder_name": "Jenny", "account_type": "savings"})

    assert token["id"].startswith("btok_") and token["type"] == "bank_account"
    bank = token["bank_account"]
    assert (bank["last4"], bank["bank_name"], bank["status"]) == ("6789", "STRIPE TEST BANK", "new")
    assert (bank["account_holder_name"], bank["account_type"], bank["currency"]) == ("Jenny", "savings", "usd")


@pytest.mark.parametrize(
    "what, prefix, type",
    [
        ({"account": {"business_type": "individual", "individual": {"first_name": "J"}}}, "ct", "account"),
        ({"person": {"first_name": "J", "relationship": {"owner": True}}}, "cpt", "person"),
        ({"pii": {"id_number": "000000000"}}, "pii", "pii"),
        ({"cvc_update": {"cvc": "123"}}, "cvctok", "cvc_update"),
    ],
)
def test_other_tokens_tell_nothing_of_what_they_stand_for(platform, what, prefix, type):
    token = platform.made(TOKENS, **what)

    assert token["id"].startswith(f"{prefix}_")
    assert token == {
        "id": token["id"],
        "object": "token",
        "client_ip": None,
        "created": token["created"],
        "livemode": False,
        "type": type,
        "used": False,
    }
    assert platform.read(f"{TOKENS}/{token['id']}") == token


@pytest.mark.parametrize(
    "sent, status, code, param",
    [
        ({}, 400, None, None),
        ({"card": CARD, "bank_account": BANK}, 400, "parameters_exclusive", "card"),
        ({"card": {**CARD, "number": "4111111111111111"}}, 402, "card_declined", ""),
        ({"card": {**CARD, "number": "1234"}}, 402, "incorrect_number", "number"),
        ({"card": {**CARD, "exp_year": 2020}}, 402, "invalid_expiry_year", "exp_year"),
        ({"card": {**CARD, "cvc": "12345"}}, 400, None, "card[cvc]"),
        ({"card": {"number": CARD["number"]}}, 400, "parameter_missing", "card[exp_month]"),
        ({"card": "card_1"}, 400, None, "card"),
        ({"card": "card_1", "customer": "cus_1"}, 501, None, "customer"),
        ({"bank_account": {**BANK, "account_number": "123456789"}}, 400, "account_number_invalid", NUMBER),
        ({"bank_account": {**BANK, "routing_number": "1"}}, 400, "routing_number_invalid", ROUTING),
        ({"bank_account": {"country": "US"}}, 400, "parameter_missing", NUMBER),
        ({"bank_account": {**BANK, "payment_method": "pm_1"}}, 501, None, "bank_account[payment_method]"),
        ({"person": {"person_token": "cpt_1"}}, 400, "parameter_unknown", "person[person_token]"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_token_is_named(platform, sent, status, code, param):
    refusal = platform.post(TOKENS, **sent)

    assert (refusal.status, refusal.error.get("code"), refusal.error.get("param")) == (status, code, param)


def test_browsers_make_tokens_with_the_publishable_key(platform):
    browser = Client(platform.app, platform.key.replace("sk_", "pk_"))

    token = a_token(browser, card=CARD)

    assert platform.made(METHODS, type="card", card={"token": token})["card"]["last4"] == "4242"
    assert browser.get(f"{TOKENS}/{token}").error["code"] == "secret_key_required"


# What they are used for


def test_a_token_works_once(platform):
    path = f"/v1/accounts/{account_of(platform)['id']}/external_accounts"
    token = platform.made(TOKENS, bank_account=BANK)

    bank = platform.made(path, external_account=token["id"])
    again = platform.post(path, external_account=token["id"])

    assert bank["id"] == token["bank_account"]["id"]
    assert platform.read(f"{TOKENS}/{token['id']}")["used"] is True
    assert (again.status, again.error["code"]) == (400, "token_already_used")
    assert again.error["message"] == f"You cannot use a Stripe token more than once: {token['id']}."


def test_a_refused_request_uses_no_token_up(platform):
    path = f"/v1/accounts/{account_of(platform)['id']}/external_accounts"
    platform.made(path, external_account="btok_us_verified")
    token = a_token(platform, bank_account=BANK)

    assert platform.post(path, external_account=token).error["code"] == "bank_account_exists"
    assert platform.read(f"{TOKENS}/{token}")["used"] is False


def test_tokens_of_the_platform_and_of_the_account_itself_will_do_for_its_external_accounts(platform):
    business = platform.acting_as(account_of(platform)["id"])
    path = f"/v1/accounts/{business.account}/external_accounts"
    debit = {**CARD, "number": "4000056655665556", "currency": "usd"}

    own = platform.made(path, external_account=a_token(business, card=debit))
    platforms = platform.made(path, external_account=a_token(platform, card=debit))

    assert own["account"] == platforms["account"] == business.account
    foreign = platform.acting_as(account_of(platform)["id"])
    refusal = platform.post(path, external_account=a_token(foreign, card=debit))
    assert refusal.error["code"] == "resource_missing"


def test_a_payment_method_is_made_of_a_token_with_its_holder_and_address(platform):
    token = a_token(
        platform, card={**CARD, "name": "Jenny Rosen", "address_line1": "1 Main St", "address_zip": "94111"}
    )

    method = platform.made(METHODS, type="card", card={"token": token}, billing_details={"email": "j@example.com"})

    billing = method["billing_details"]
    assert (billing["name"], billing["email"], billing["address"]["line1"]) == (
        "Jenny Rosen",
        "j@example.com",
        "1 Main St",
    )
    assert (method["card"]["exp_month"], method["card"]["exp_year"]) == (12, 2040)
    again = platform.post(METHODS, type="card", card={"token": token})
    assert again.error["code"] == "token_already_used"
    assert platform.made(METHODS, type="card", card={"token": "tok_mastercard"})["card"]["brand"] == "mastercard"
    bank = platform.post(METHODS, type="card", card={"token": a_token(platform, bank_account=BANK)})
    assert (bank.status, bank.error["param"]) == (400, "card[token]")


def test_an_account_is_opened_by_a_token_with_accepted_terms(platform):
    said = {"business_type": "individual", "individual": JENNY, "tos_shown_and_accepted": True}
    token = a_token(platform, account=said)

    account = platform.made("/v1/accounts", controller=CONTROLLER, account_token=token)

    assert account["individual"]["first_name"] == "Jenny" and account["individual"]["id_number_provided"]
    assert account["tos_acceptance"]["date"] is not None
    assert platform.read(f"{TOKENS}/{token}")["used"] is True


def test_an_account_token_is_refused_without_terms_or_beside_what_it_says(platform):
    silent = a_token(platform, account={"business_type": "company"})
    accepted = a_token(platform, account={"business_type": "company", "tos_shown_and_accepted": True})
    paths = {"controller": CONTROLLER}

    no_terms = platform.post("/v1/accounts", account_token=silent, **paths)
    twice = platform.post("/v1/accounts", account_token=accepted, tos_acceptance=TERMS, **paths)
    not_mine = platform.post("/v1/accounts", type="express", account_token=accepted)
    other = platform.post("/v1/accounts", account_token="tok_visa", **paths)

    assert "tos_shown_and_accepted" in no_terms.error["message"]
    assert (twice.error["code"], twice.error["param"]) == ("parameters_exclusive", "tos_acceptance")
    assert not_mine.error["param"] == "tos_acceptance"
    assert other.error["param"] == "account_token"
    assert platform.read(f"{TOKENS}/{accepted}")["used"] is False


def test_an_update_and_persons_take_tokens_too(platform):
    account = account_of(platform, **company())["id"]
    path = f"/v1/accounts/{account}"

    changed = platform.made(path, account_token=a_token(platform, account={"company": {"name": "Renamed"}}))
    person = platform.made(
        f"{path}/persons",
        person_token=a_token(platform, person={**JENNY, "relationship": {"representative": True}}),
        metadata={"a": "1"},
    )
    later = platform.made(
        f"{path}/persons/{person['id']}",
        id_number=a_token(platform, pii={"id_number": "222222222"}),
        person_token=a_token(platform, person={"email": "new@example.com"}),
    )

    assert changed["company"]["name"] == "Renamed"
    assert (person["first_name"], person["relationship"]["representative"]) == ("Jenny", True)
    assert (later["email"], later["id_number_provided"], later["metadata"]) == ("new@example.com", True, {"a": "1"})
    twice = platform.post(f"{path}/persons", first_name="A", person_token=a_token(platform, person={"first_name": "B"}))
    assert twice.error["code"] == "parameters_exclusive"


def test_the_number_of_a_pii_token_is_verified_like_any_other(platform):
    platform.settings(onboarding="verify")
    number = a_token(platform, pii={"id_number": "111111111"})

    account = account_of(platform, business_type="individual", individual={**JENNY, "id_number": number})

    assert "individual.id_number" in account["requirements"]["currently_due"]
    codes = {error["code"] for error in account["requirements"]["errors"]}
    assert codes == {"verification_failed_id_number_match"}


def test_test_tokens_are_found_nowhere_and_work_again_and_again(platform):
    assert platform.get(f"{TOKENS}/tok_visa").status == 404
    for _ in range(2):
        assert platform.made(METHODS, type="card", card={"token": "tok_visa"})["card"]["last4"] == "4242"
