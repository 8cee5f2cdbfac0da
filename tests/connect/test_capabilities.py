"""Capabilities: requested, read, listed, given back."""

import pytest

from emulator.connect import capabilities
from tests.connect.shapes import CONTROLLER, account_of, asking, individual


def test_a_requested_capability_names_its_account_and_time(platform):
    account = account_of(platform)

    capability = platform.read(f"/v1/accounts/{account['id']}/capabilities/treasury")

    assert capability["id"] == "treasury"
    assert capability["account"] == account["id"]
    assert capability["requested"] and capability["requested_at"] == account["created"]
    assert capability["status"] == "active"
    assert capability["requirements"]["currently_due"] == []


def test_an_unrequested_capability_can_be_read(platform):
    account = account_of(platform, "transfers")

    capability = platform.read(f"/v1/accounts/{account['id']}/capabilities/us_bank_account_ach_payments")

    assert (capability["requested"], capability["requested_at"], capability["status"]) == (False, None, "unrequested")


def test_an_unrequested_capability_shows_what_it_would_need(platform):
    platform.settings(onboarding="verify")
    account = account_of(platform, "transfers", **individual(id_number="222222222"))
    bare = account_of(platform, "transfers")

    complete = platform.read(f"/v1/accounts/{account['id']}/capabilities/card_issuing")
    missing = platform.read(f"/v1/accounts/{bare['id']}/capabilities/card_issuing")

    assert complete["requirements"]["currently_due"] == []
    assert "settings.card_issuing.tos_acceptance.date" in missing["requirements"]["currently_due"]
    assert missing["status"] == "unrequested" and missing["requirements"]["disabled_reason"] is None


def test_the_list_has_what_was_requested_and_what_issuing_leans_on(platform):
    account = account_of(platform, "transfers")
    platform.made(f"/v1/accounts/{account['id']}/capabilities/sepa_debit_payments", requested=True)

    page = platform.read(f"/v1/accounts/{account['id']}/capabilities")

    named = {one["id"]: one["status"] for one in page["data"]}
    assert named == {
        "sepa_debit_payments": "active",
        "transfers": "active",
        **dict.fromkeys(set(capabilities.RELEVANT) - {"transfers"}, "unrequested"),
    }
    assert list(named)[:2] == ["sepa_debit_payments", "transfers"]
    assert page["url"] == f"/v1/accounts/{account['id']}/capabilities" and not page["has_more"]


def test_the_list_takes_no_paging(platform):
    refusal = platform.get(f"/v1/accounts/{account_of(platform)['id']}/capabilities", limit=1)

    assert refusal.error["code"] == "parameter_unknown"


def test_requesting_one_makes_it_active_and_tells_so(platform):
    account = account_of(platform, "transfers")

    capability = platform.made(f"/v1/accounts/{account['id']}/capabilities/card_issuing", requested=True)

    assert capability["status"] == "active"
    assert platform.read(f"/v1/accounts/{account['id']}")["capabilities"]["card_issuing"] == "active"
    told = platform.acting_as(account["id"]).events(types=["capability.updated", "account.updated"])
    assert [event["type"] for event in told] == ["capability.updated", "account.updated"]
    assert told[0]["data"]["previous_attributes"] == {
        "requested": False,
        "requested_at": None,
        "status": "unrequested",
    }


@pytest.mark.parametrize("kind", [{"type": "custom"}, {"controller": CONTROLLER}])
def test_a_bare_account_asks_for_capabilities_later_and_is_served(platform, kind):
    bare = platform.made("/v1/accounts", country="US", **kind)
    inside = platform.acting_as(bare["id"])

    account = platform.made(f"/v1/accounts/{bare['id']}", capabilities=asking("treasury", "card_issuing"))

    assert bare["capabilities"] == {} and bare["requirements"]["past_due"] == ["external_account"]
    assert account["capabilities"] == {"card_issuing": "active", "treasury": "active"}
    assert account["requirements"]["past_due"] == ["external_account"]
    assert inside.event_types() == ["capability.updated", "capability.updated", "account.updated"]
    opened = inside.made(
        "/v1/treasury/financial_accounts",
        supported_currencies=["usd"],
        features={"card_issuing": {"requested": True}, "intra_stripe_flows": {"requested": True}},
    )
    assert (opened["status"], opened["active_features"]) == ("open", ["card_issuing", "intra_stripe_flows"])


def test_requesting_twice_changes_nothing(platform):
    account = account_of(platform, "transfers")
    path = f"/v1/accounts/{account['id']}/capabilities/transfers"
    before = platform.read(path)
    platform.clock(advance=10)

    assert platform.made(path, requested=True) == before
    assert platform.made(path) == before
    assert platform.acting_as(account["id"]).events(type="capability.updated") == []


@pytest.mark.parametrize("name", sorted(capabilities.PERMANENT))
def test_an_active_one_of_the_permanent_four_cannot_be_given_back(platform, name):
    account = account_of(platform)

    refusal = platform.post(f"/v1/accounts/{account['id']}/capabilities/{name}", requested=False)

    assert (refusal.status, refusal.error["param"]) == (400, "requested")
    assert platform.read(f"/v1/accounts/{account['id']}")["capabilities"][name] == "active"


def test_an_inactive_one_can_be_given_back(platform):
    platform.settings(onboarding="verify")
    account = account_of(platform)

    capability = platform.made(f"/v1/accounts/{account['id']}/capabilities/treasury", requested=False)

    assert (capability["requested"], capability["status"]) == (False, "unrequested")
    assert "treasury" not in platform.read(f"/v1/accounts/{account['id']}")["capabilities"]


def test_others_can_be_given_back_while_active(platform):
    account = account_of(platform, "transfers", "us_bank_account_ach_payments")

    changed = platform.made(
        f"/v1/accounts/{account['id']}", capabilities={"us_bank_account_ach_payments": {"requested": False}}
    )

    assert changed["capabilities"] == {"transfers": "active"}


def test_a_name_stripe_does_not_know_is_not_found(platform):
    refusal = platform.get(f"/v1/accounts/{account_of(platform)['id']}/capabilities/flying")

    assert (refusal.status, refusal.error["code"]) == (404, "resource_missing")
    assert refusal.error["param"] == "capability"
    assert refusal.error["message"] == "No such capability: 'flying'"


def test_the_account_behind_a_capability_can_be_expanded(platform):
    account = account_of(platform)

    capability = platform.read(f"/v1/accounts/{account['id']}/capabilities/treasury", expand=["account"])

    assert capability["account"]["id"] == account["id"]


def test_an_account_acting_for_itself_can_expand_itself(platform):
    account = account_of(platform)
    itself = platform.acting_as(account["id"])

    capability = itself.read(f"/v1/accounts/{account['id']}/capabilities/treasury", expand=["account"])

    assert capability["account"] == itself.read("/v1/account")


def test_capabilities_decide_about_the_features_of_financial_accounts(platform):
    account = account_of(platform, "transfers", "treasury")
    inside = platform.acting_as(account["id"])
    financial_account = inside.made(
        "/v1/treasury/financial_accounts",
        supported_currencies=["usd"],
        features={"card_issuing": {"requested": True}},
    )
    assert financial_account["restricted_features"] == ["card_issuing"]

    platform.made(f"/v1/accounts/{account['id']}/capabilities/card_issuing", requested=True)

    read = inside.read(f"/v1/treasury/financial_accounts/{financial_account['id']}")
    assert read["active_features"] == ["card_issuing"]
    assert inside.event_types()[-3:] == [
        "capability.updated",
        "account.updated",
        "treasury.financial_account.features_status_updated",
    ]


def test_issuing_can_be_requested_only_where_the_platform_has_it(platform):
    account = account_of(platform, "transfers")
    has_it = account_of(platform, "card_issuing", "transfers")
    platform.settings(issuing_enabled=False)
    capability, wanted = "/v1/accounts/{}/capabilities/card_issuing", {"card_issuing": {"requested": True}}

    refusals = [
        platform.post(capability.format(account["id"]), requested=True),
        platform.post(f"/v1/accounts/{account['id']}", capabilities=wanted),
        platform.post("/v1/accounts", type="custom", country="US", capabilities=wanted),
    ]

    for refused in refusals:
        assert refused.status == 400
        assert refused.error["message"] == (
            "card_issuing can only be requested if your platform has been onboarded on Stripe Issuing already."
        )
        assert not {"code", "param"} & set(refused.error)
    assert platform.read(capability.format(account["id"]))["status"] == "unrequested"
    assert platform.post(capability.format(has_it["id"]), requested=True).status == 200
    assert platform.post("/v1/accounts", type="custom", country="US", capabilities={}).status == 200
