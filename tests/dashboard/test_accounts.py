"""Accounts: how far each has come, what is asked of it, and the way through onboarding."""

from __future__ import annotations

import re

import pytest

from tests.issuing.holders import a_connected_account


@pytest.fixture
def asked_for_much(platform):
    """An account that has told nothing yet, in a world that asks."""
    platform.settings(onboarding="verify")
    account = platform.made(
        "/v1/accounts",
        type="custom",
        country="US",
        business_type="individual",
        capabilities={"transfers": {"requested": True}},
        business_profile={"name": "Rocket Rides"},
    )
    return account["id"]


def test_accounts_are_listed_with_how_far_they_have_come(platform, visitor, asked_for_much):
    visitor.get("/dashboard/accounts")

    assert re.search(r"Rocket Rides .* incomplete \d+ things to provide before transfers can be used\.", visitor.text)
    assert "The platform itself" in visitor.text


def test_a_world_without_accounts_says_where_to_get_one(visitor):
    visitor.get("/dashboard/accounts")

    assert "No connected account." in visitor.text


def test_an_account_shows_what_is_asked_of_it_and_by_whom(visitor, asked_for_much):
    visitor.get(f"/dashboard/accounts/{asked_for_much}")

    assert "Past due" in visitor.text or "Due now" in visitor.text
    assert "individual. first_name" in visitor.text
    assert "transfers" in visitor.text and "inactive" in visitor.text
    assert "No bank account yet. Payouts need one." in visitor.text


def test_onboarding_is_completed_on_the_page_that_accounts_see_and_leads_back(platform, visitor, asked_for_much):
    visitor.get(f"/dashboard/accounts/{asked_for_much}")
    visitor.post(f"/dashboard/accounts/{asked_for_much}/onboard", follow=False)
    assert visitor.page.status_code == 303
    path = visitor.page.location.removeprefix("http://127.0.0.1:12111")
    assert path.startswith("/setup/c/")

    for _ in range(6):
        visitor.get(path)
        if not visitor.page.request.path.startswith("/setup/"):
            break
        path = visitor.page.request.path
        fields = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', visitor.html))
        reply = visitor.client.post(path, base_url="http://127.0.0.1:12111", data=fields)
        path = reply.headers.get("Location", path).removeprefix("http://127.0.0.1:12111")
        if path.startswith("/dashboard"):
            break

    visitor.get(path)
    assert visitor.page.request.path == f"/dashboard/accounts/{asked_for_much}"
    assert platform.read(f"/v1/accounts/{asked_for_much}")["requirements"]["currently_due"] == []
    assert "Rocket Rides complete" in visitor.text


def test_a_capability_is_asked_for(platform, visitor):
    account = a_connected_account(platform, "transfers")
    visitor.get(f"/dashboard/accounts/{account.account}")

    visitor.post(f"/dashboard/accounts/{account.account}/capabilities/card_issuing", requested="true")

    assert "card_issuing is active." in visitor.text
    assert platform.read(f"/v1/accounts/{account.account}")["capabilities"]["card_issuing"] == "active"


def test_another_account_is_looked_at_from_here(platform, visitor):
    first, second = (a_connected_account(platform, "card_issuing", "transfers") for _ in range(2))
    visitor.get("/dashboard/accounts")

    visitor.get(f"/dashboard/accounts?account={first.account}")
    assert f"/dashboard?account={second.account}" in visitor.links()
    visitor.get(f"/dashboard/accounts?account={second.account}")
    assert f"/dashboard?account={first.account}" in visitor.links()


def test_the_platform_has_a_page_too(platform, visitor):
    own = platform.read("/v1/account")["id"]

    visitor.get(f"/dashboard/accounts/{own}")

    assert visitor.page.status_code == 200
    assert "Complete onboarding" not in visitor.text
