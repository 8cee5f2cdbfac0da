"""Account links of v2: for one use case each, to the same pages as those of v1."""

from __future__ import annotations

import pytest
import stripe

from tests.connect.shapes import account_of
from tests.connect.test_account_links import AGAIN, BACK, Visitor
from tests.connect.test_accounts_v2 import ACCOUNTS, opened
from tests.serving import served

LINKS = "/v2/core/account_links"
WAYS = {"refresh_url": AGAIN, "return_url": BACK}


def onboarding(**more):
    """A use case."""
    return {"type": "account_onboarding", "account_onboarding": {**WAYS, **more}}


def test_a_link_lasts_five_minutes_and_says_what_it_is_for(platform):
    platform.clock(set=2_147_155_200, frozen=True)
    account = opened(platform, dashboard="express")["id"]
    use_case = onboarding(configurations=["merchant"], collection_options={"fields": "eventually_due"})

    link = platform.made(LINKS, account=account, use_case=use_case)

    assert "/setup/e/" in link.pop("url")
    assert link == {
        "object": "v2.core.account_link",
        "account": account,
        "created": "2038-01-15T08:00:00.000Z",
        "expires_at": "2038-01-15T08:05:00.000Z",
        "livemode": False,
        "use_case": use_case,
    }


def test_the_page_asks_for_what_is_due_and_leads_back(platform, app):
    platform.settings(onboarding="verify")
    account = opened(platform, identity={"entity_type": "individual"})["id"]
    url = platform.made(LINKS, account=account, use_case=onboarding())["url"]

    visitor = Visitor(app).visit(url).submit()

    assert visitor.led_to == BACK
    shown = platform.read(f"{ACCOUNTS}/{account}", include=["requirements", "identity"])
    assert [one for one in shown["requirements"]["entries"] if one["awaiting_action_from"] == "user"] == []
    assert shown["identity"]["individual"]["given_name"]
    assert Visitor(app).visit(url).led_to == AGAIN


def test_a_link_that_leads_nowhere_says_that_it_is_done(platform, app):
    account = opened(platform, identity={"entity_type": "individual"})["id"]
    use_case = {"type": "account_onboarding", "account_onboarding": {"refresh_url": AGAIN}}
    visitor = Visitor(app).visit(platform.made(LINKS, account=account, use_case=use_case)["url"])

    visitor.submit()

    assert (visitor.answer.status_code, visitor.led_to) == (200, None)
    assert "That is all." in visitor.answer.text


def test_an_account_updates_itself_only_without_a_dashboard(platform):
    update = {"type": "account_update", "account_update": WAYS}
    plain, express = opened(platform)["id"], opened(platform, dashboard="express")["id"]

    assert platform.made(LINKS, account=plain, use_case=update)["use_case"] == update
    refusal = platform.post(LINKS, account=express, use_case=update)
    assert refusal.status == 400 and refusal.error["message"].endswith("(use_case[type])")


@pytest.mark.parametrize(
    "use_case, code, says",
    [
        ({}, "parameter_missing", "use_case[type]"),
        ({"type": "x"}, "invalid_request", "use_case[type]"),
        ({"type": "account_onboarding"}, "parameter_missing", "use_case[account_onboarding]"),
        ({"type": "account_onboarding", "account_update": WAYS}, "invalid_request", "use_case[account_update]"),
        ({**onboarding(), "account_update": WAYS}, "invalid_request", "use_case[account_update]"),
        ({"type": "account_onboarding", "account_onboarding": {}}, "parameter_missing", "refresh_url"),
        (onboarding(return_url="x"), "url_invalid", "return_url"),
        (onboarding(configurations=["storer"]), "invalid_request", "[configurations][0]"),
        (onboarding(configurations=["customer"]), "invalid_request", "[configurations][0]"),
        (onboarding(collection_options={"fields": "x"}), "invalid_request", "[collection_options][fields]"),
        (onboarding(foo=1), "parameter_unknown", "use_case[account_onboarding][foo]"),
    ],
)
def test_what_cannot_be_is_refused_with_the_parameter_that_says_it(platform, use_case, code, says):
    account = opened(platform)["id"]

    answer = platform.post(LINKS, account=account, use_case=use_case)

    assert (answer.status, answer.error["code"]) == (400, code), answer.json
    assert says in answer.error["message"]


def test_there_is_no_link_for_the_platform_a_closed_account_and_one_that_is_not_there(platform):
    own, closed = platform.read("/v1/account")["id"], opened(platform)["id"]
    platform.made(f"{ACCOUNTS}/{closed}/close", applied_configurations=["merchant", "recipient"])

    refusals = [platform.post(LINKS, account=id, use_case=onboarding()) for id in (own, closed, "acct_nobody")]

    assert [refusal.status for refusal in refusals] == [400, 400, 404]
    assert refusals[2].error == {"code": "not_found", "message": "No such account: 'acct_nobody'"}


def test_the_official_sdk_makes_one_for_an_account_of_v1(platform, app, key):
    account = account_of(platform)["id"]

    with served(app) as url:
        client = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)
        link = client.v2.core.account_links.create({"account": account, "use_case": onboarding()})

    assert link.object == "v2.core.account_link" and link.use_case.account_onboarding.return_url == BACK
    assert "/setup/" in link.url
