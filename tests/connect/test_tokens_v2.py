"""Tokens of accounts and persons in v2: what a browser said, used once by a server."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.client import Client
from tests.serving import Served

ACCOUNTS, TOKENS = "/v2/core/accounts", "/v2/core/account_tokens"
HOUR = 3600
SAID: dict[str, Any] = {
    "contact_email": "ada@example.com",
    "display_name": "Ada",
    "identity": {
        "attestations": {"terms_of_service": {"account": {"shown_and_accepted": True}}},
        "business_details": {"registered_name": "Ada Inc.", "id_numbers": [{"type": "us_ein", "value": "000000000"}]},
        "entity_type": "company",
    },
}
SHOWN = {"include": ["identity"]}
# The platform asks for what is required, so that terms can be accepted through it.
OURS = {
    "dashboard": "none",
    "defaults": {"responsibilities": {"fees_collector": "application", "losses_collector": "application"}},
    "identity": {"country": "US"},
}


@pytest.fixture
def browser(app, key) -> Client:
    """What a page knows: the publishable key."""
    return Client(app, key.replace("sk_test_", "pk_test_"))


@pytest.fixture
def firm(platform) -> str:
    """The path of a company's account."""
    made = platform.made(ACCOUNTS, **{**OURS, "identity": {"country": "US"}})
    return f"{ACCOUNTS}/{made['id']}"


def test_an_account_is_opened_with_what_a_browser_said(platform, browser):
    token = browser.made(TOKENS, **SAID)

    account = platform.made(ACCOUNTS, account_token=token["id"], **OURS, **SHOWN)

    assert token == {
        "id": token["id"],
        "object": "v2.core.account_token",
        "created": token["created"],
        "expires_at": token["expires_at"],
        "livemode": False,
        "used": False,
    }
    assert token["id"].startswith("accttok_1")
    assert (account["contact_email"], account["display_name"]) == ("ada@example.com", "Ada")
    identity = account["identity"]
    assert (identity["country"], identity["business_details"]["registered_name"]) == ("US", "Ada Inc.")
    assert identity["attestations"]["terms_of_service"]["account"]["ip"] == "127.0.0.1"
    assert platform.read(f"{TOKENS}/{token['id']}") == {**token, "used": True}


def test_what_nobody_agreed_to_is_not_agreed_to(platform, browser):
    said = {"terms_of_service": {"account": {"shown_and_accepted": False}}}
    said |= {"ownership_declaration": {"attested": True}, "directorship_declaration": {"attested": False}}
    token = browser.made(TOKENS, identity={"attestations": said})["id"]

    account = platform.made(ACCOUNTS, account_token=token, **OURS, **SHOWN)

    attested = account["identity"]["attestations"]
    assert attested["ownership_declaration"]["ip"] == "127.0.0.1"
    assert not (attested.get("directorship_declaration") or {}).get("ip")
    assert not ((attested.get("terms_of_service") or {}).get("account") or {}).get("ip")


def test_an_account_is_changed_with_a_token_and_keeps_the_rest(platform, browser, firm):
    platform.made(firm, contact_email="old@example.com", metadata={"a": "1"})
    token = browser.made(TOKENS, contact_email="new@example.com")["id"]

    account = platform.made(firm, account_token=token, metadata={"b": "2"})

    assert (account["contact_email"], account["metadata"]) == ("new@example.com", {"a": "1", "b": "2"})


def test_a_token_works_once_for_an_hour_and_says_nothing_twice(platform, browser, firm):
    platform.clock(frozen=True)
    used, late, doubled = (browser.made(TOKENS, **SAID)["id"] for _ in range(3))
    platform.made(firm, account_token=used)

    def refusal(**params: Any) -> tuple[int, str]:
        answer = platform.post(firm, **params)
        return answer.status, answer.error["code"]

    assert refusal(account_token=used) == (400, "token_already_used")
    assert refusal(account_token="accttok_nothing") == (400, "resource_missing")
    assert refusal(account_token=doubled, display_name="B") == (400, "parameters_exclusive")
    assert refusal(account_token=doubled, identity={"entity_type": "company"}) == (400, "parameters_exclusive")
    assert platform.read(f"{TOKENS}/{doubled}")["used"] is False
    platform.clock(advance=HOUR)
    assert refusal(account_token=late) == (400, "invalid_request")


def test_what_is_no_part_of_a_token_is_refused(browser):
    for params in ({"identity": {"country": "US"}}, {"metadata": {"a": "1"}}, {"configuration": {}}):
        assert browser.post(TOKENS, **params).status == 400


def test_a_person_is_added_and_changed_with_what_a_browser_said(platform, browser, firm):
    first = browser.made(f"{firm}/person_tokens", given_name="Ada", relationship={"owner": True})
    second = browser.made(f"{firm}/person_tokens", surname="Lovelace")

    person = platform.made(f"{firm}/persons", person_token=first["id"], email="ada@example.com")
    person = platform.made(f"{firm}/persons/{person['id']}", person_token=second["id"])

    assert first["object"] == "v2.core.account_person_token" and first["id"].startswith("perstok_1")
    assert (person["given_name"], person["surname"], person["email"]) == ("Ada", "Lovelace", "ada@example.com")
    assert person["relationship"]["owner"]
    assert platform.read(f"{firm}/person_tokens/{first['id']}")["used"]
    again = platform.post(f"{firm}/persons", person_token=first["id"])
    assert (again.status, again.error["code"]) == (400, "token_already_used")
    third = browser.made(f"{firm}/person_tokens", given_name="B")["id"]
    both = platform.post(f"{firm}/persons", person_token=third, given_name="C")
    assert (both.status, both.error["code"]) == (400, "parameters_exclusive")


def test_a_token_of_a_person_is_of_its_account_alone(platform, firm):
    token = platform.made(f"{firm}/person_tokens", given_name="Ada")["id"]
    made = platform.made(ACCOUNTS, identity={"country": "US", "entity_type": "company"})
    other = f"{ACCOUNTS}/{made['id']}"

    assert platform.get(f"{other}/person_tokens/{token}").status == 404
    assert platform.post(f"{other}/persons", person_token=token).status == 400


def test_stripe_python_makes_and_uses_tokens(app, key, platform):
    with Served(app) as server:
        client = stripe.StripeClient(key, base_addresses={"api": server.url})
        token = client.v2.core.account_tokens.create({"display_name": "Ada"})
        account = client.v2.core.accounts.create({"account_token": token.id, "identity": {"country": "us"}})
        used = client.v2.core.account_tokens.retrieve(token.id)

    assert (account.display_name, used.used) == ("Ada", True)
