"""Account sessions: which components an account is shown, and with which features."""

from __future__ import annotations

import pytest

from emulator.connect.account_sessions import COMPONENTS
from tests.connect.shapes import account_of

SESSIONS = "/v1/account_sessions"
ON = {"enabled": True}


def test_a_session_names_every_component_and_enables_those_that_were_asked_for(platform):
    account = account_of(platform)["id"]

    session = platform.made(SESSIONS, account=account, components={"payments": ON, "issuing_cards_list": ON})

    assert session["client_secret"].startswith("accs_secret__") and session["account"] == account
    assert session["components"].keys() == COMPONENTS.keys()
    enabled = {name for name, component in session["components"].items() if component["enabled"]}
    assert enabled == {"payments", "issuing_cards_list"}
    for name, component in session["components"].items():
        assert component["features"].keys() == set(COMPONENTS[name])
    again = platform.made(SESSIONS, account=account, components={"payments": ON})
    assert again["client_secret"] != session["client_secret"]


def test_features_are_what_was_sent_or_what_they_are_by_default(platform):
    account = account_of(platform)["id"]
    standard = platform.made("/v1/accounts", type="standard")["id"]
    sent = {
        "payments": {**ON, "features": {"dispute_management": False}},
        "payouts": {**ON, "features": {"external_account_collection": False}},
        "issuing_card": {**ON, "features": {"card_management": True}},
    }

    shown = platform.made(SESSIONS, account=account, components=sent)["components"]
    other = platform.made(SESSIONS, account=standard, components={"payouts": ON})["components"]

    assert shown["payments"]["features"] == {
        "capture_payments": True,
        "destination_on_behalf_of_charge_management": False,
        "dispute_management": False,
        "refund_management": True,
        "smart_disputes_management": False,
    }
    assert shown["payouts"]["features"]["disable_stripe_user_authentication"] is True
    assert shown["payouts"]["features"]["standard_payouts"] is False
    assert shown["issuing_card"]["features"]["card_management"] is True
    assert shown["issuing_card"]["features"]["cardholder_management"] is False
    assert other["payouts"]["features"]["standard_payouts"] is True
    assert other["payouts"]["features"]["disable_stripe_user_authentication"] is False


@pytest.mark.parametrize(
    "feature, value", [("disable_stripe_user_authentication", True), ("external_account_collection", False)]
)
def test_some_features_are_for_accounts_whose_platform_asks_for_requirements(platform, feature, value):
    express = platform.made("/v1/accounts", type="express")["id"]
    custom = account_of(platform)["id"]
    components = {"account_onboarding": {**ON, "features": {feature: value}}}

    refusal = platform.post(SESSIONS, account=express, components=components)
    shown = platform.made(SESSIONS, account=custom, components=components)["components"]

    assert (refusal.status, refusal.error["param"]) == (400, f"components[account_onboarding][features][{feature}]")
    assert shown["account_onboarding"]["features"][feature] is value


@pytest.mark.parametrize(
    "component, needs", [("issuing_card", "card_issuing"), ("financial_account_transactions", "treasury")]
)
def test_components_need_their_capability_where_requirements_are_asked_for(platform, component, needs):
    account = account_of(platform, "transfers")["id"]
    lenient = platform.post(SESSIONS, account=account, components={component: ON})
    platform.settings(onboarding="verify")

    strict = platform.post(SESSIONS, account=account, components={component: ON})
    off = platform.post(SESSIONS, account=account, components={component: {"enabled": False}})

    assert (lenient.status, strict.status, off.status) == (200, 400, 200)
    assert needs in strict.error["message"] and strict.error["param"] == f"components[{component}]"


def test_what_is_wrong_with_a_session_is_named(platform):
    account = account_of(platform)["id"]
    own = platform.read("/v1/account")["id"]

    def refusal(**sent):
        answer = platform.post(SESSIONS, **sent)
        return answer.status, answer.error.get("code"), answer.error.get("param")

    assert refusal(components={"payments": ON}) == (400, "parameter_missing", "account")
    assert refusal(account=account) == (400, "parameter_missing", "components")
    assert refusal(account=account, components={"payments": {"features": {}}})[2] in (
        "components[payments][enabled]",
        "components",
    )
    assert refusal(account=account, components={"other": ON}) == (400, "parameter_unknown", "components[other]")
    assert refusal(account="acct_1", components={"payments": ON})[:2] == (403, "account_invalid")
    assert refusal(account=own, components={"payments": ON})[0] == 400
