"""Features over the API: requesting them, giving them up, and what changes them."""

from __future__ import annotations

from tests.treasury.worlds import ABA, ACCOUNTS, EVERYTHING, card_on, connected, opened, tree

UPDATED = "treasury.financial_account.features_status_updated"
ACTIVE = {"requested": True, "status": "active", "status_details": []}


def summaries(client, id):
    account = client.read(f"{ACCOUNTS}/{id}")
    return account["active_features"], account["pending_features"], account["restricted_features"]


def test_features_are_requested_and_given_up_at_their_own_address(platform):
    business = connected(platform)
    id = opened(business, "card_issuing")

    requested = business.made(f"{ACCOUNTS}/{id}/features", **tree("deposit_insurance", "outbound_payments.ach"))
    given_up = business.made(f"{ACCOUNTS}/{id}/features", **tree("card_issuing", requested=False))

    assert requested == {
        "object": "treasury.financial_account_features",
        "card_issuing": ACTIVE,
        "deposit_insurance": ACTIVE,
        "outbound_payments": {"ach": ACTIVE},
    }
    assert "card_issuing" not in given_up
    assert business.read(f"{ACCOUNTS}/{id}/features") == given_up
    assert summaries(business, id) == (["deposit_insurance", "outbound_payments.ach"], [], [])


def test_each_change_of_the_lists_is_announced_with_what_they_were(platform):
    business = connected(platform)
    id = opened(business, "card_issuing")

    business.made(f"{ACCOUNTS}/{id}/features", **tree("deposit_insurance"))
    business.made(f"{ACCOUNTS}/{id}/features", **tree("deposit_insurance"))

    changed = [event for event in business.events() if event["type"] == UPDATED]
    assert [event["data"]["previous_attributes"] for event in changed] == [{"active_features": ["card_issuing"]}]
    assert changed[0]["data"]["object"]["active_features"] == ["card_issuing", "deposit_insurance"]


def test_an_update_of_the_account_changes_features_too(platform):
    business = connected(platform)
    id = opened(business, "card_issuing", "deposit_insurance")

    account = business.made(
        f"{ACCOUNTS}/{id}",
        features={**tree("card_issuing", requested=False), **tree("intra_stripe_flows")},
        expand=["features"],
    )

    assert account["active_features"] == ["deposit_insurance", "intra_stripe_flows"]
    assert set(account["features"]) == {"object", "deposit_insurance", "intra_stripe_flows"}


def test_the_older_way_to_request_cards_works_on_updates_only(platform):
    business = connected(platform)
    id = opened(business, "deposit_insurance")
    older = {"access": {"requested": True}}

    account = business.made(f"{ACCOUNTS}/{id}", card_issuing=older, treasury=older)
    refused = business.post(ACCOUNTS, supported_currencies=["usd"], card_issuing=older)

    assert account["active_features"] == ["card_issuing", "deposit_insurance"]
    assert (refused.status, refused.error["param"]) == (400, "card_issuing")


def test_a_feature_whose_capability_was_never_requested_is_restricted(platform):
    business = connected(platform, "treasury", "transfers")
    id = opened(business, "card_issuing", "deposit_insurance")

    features = business.read(f"{ACCOUNTS}/{id}/features")

    assert summaries(business, id) == (["deposit_insurance"], [], ["card_issuing"])
    assert features["card_issuing"] == {
        "requested": True,
        "status": "restricted",
        "status_details": [{"code": "capability_not_requested", "resolution": "provide_information"}],
    }


def test_a_capability_requested_later_activates_the_feature(platform):
    business = connected(platform, "treasury", "transfers")
    id = opened(business, "card_issuing")

    platform.made(f"/v1/accounts/{business.account}/capabilities/card_issuing", requested=True)

    assert summaries(business, id) == (["card_issuing"], [], [])
    changed = business.events()[-1]
    assert changed["type"] == UPDATED
    assert changed["data"]["previous_attributes"] == {"active_features": [], "restricted_features": ["card_issuing"]}


def test_an_account_that_still_owes_information_has_its_features_restricted(platform):
    platform.settings(onboarding="verify")
    business = connected(platform)
    id = opened(business, ABA, "card_issuing")

    features = business.read(f"{ACCOUNTS}/{id}/features")

    assert summaries(business, id) == ([], [], ["card_issuing", ABA])
    assert features["financial_addresses"]["aba"]["status_details"] == [
        {"code": "requirements_past_due", "resolution": "provide_information"}
    ]
    assert business.read(f"{ACCOUNTS}/{id}")["financial_addresses"] == []


def test_restricting_flows_restricts_what_they_touch_and_says_which(platform):
    business = connected(platform)
    id = opened(business)

    business.made(f"{ACCOUNTS}/{id}", platform_restrictions={"outbound_flows": "restricted"})

    account = business.read(f"{ACCOUNTS}/{id}", expand=["features"])
    assert account["platform_restrictions"] == {"inbound_flows": "unrestricted", "outbound_flows": "restricted"}
    assert account["active_features"] == ["card_issuing", "deposit_insurance", "inbound_transfers.ach"]
    assert account["restricted_features"] == [
        ABA,
        "intra_stripe_flows",
        "outbound_payments.ach",
        "outbound_payments.us_domestic_wire",
        "outbound_transfers.ach",
        "outbound_transfers.us_domestic_wire",
    ]
    assert account["features"]["outbound_transfers"]["ach"]["status_details"] == [
        {"code": "restricted_by_platform", "resolution": "remove_restriction", "restriction": "outbound_flows"}
    ]
    assert len(account["financial_addresses"]) == 1
    changed = business.events()[-1]
    assert changed["type"] == UPDATED
    assert changed["data"]["previous_attributes"] == {"active_features": list(EVERYTHING), "restricted_features": []}


def test_restrictions_are_lifted_one_by_one(platform):
    business = connected(platform)
    both = {"inbound_flows": "restricted", "outbound_flows": "restricted"}
    id = opened(business, "intra_stripe_flows", platform_restrictions=both)

    after = business.made(f"{ACCOUNTS}/{id}", platform_restrictions={"outbound_flows": "unrestricted"})

    assert after["platform_restrictions"] == {"inbound_flows": "restricted", "outbound_flows": "unrestricted"}
    features = business.read(f"{ACCOUNTS}/{id}/features")
    details = features["intra_stripe_flows"]["status_details"]
    assert [detail["restriction"] for detail in details] == ["inbound_flows"]


def test_an_address_given_up_disappears_and_comes_back_with_its_number(platform):
    business = connected(platform)
    id = opened(business, ABA)
    asked = {"expand": ["financial_addresses.aba.account_number"]}
    before = business.read(f"{ACCOUNTS}/{id}", **asked)["financial_addresses"]

    without = business.made(f"{ACCOUNTS}/{id}", features=tree(ABA, requested=False))
    again = business.made(f"{ACCOUNTS}/{id}", features=tree(ABA), **asked)

    assert without["financial_addresses"] == []
    assert again["active_features"] == [ABA]
    assert again["financial_addresses"] == before


def test_cards_that_are_active_keep_their_feature(platform):
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)

    by_update = business.post(f"{ACCOUNTS}/{id}", features=tree("card_issuing", requested=False))
    by_features = business.post(f"{ACCOUNTS}/{id}/features", **tree("card_issuing", requested=False))
    business.made(f"/v1/issuing/cards/{card}", status="inactive")
    after = business.post(f"{ACCOUNTS}/{id}/features", **tree("card_issuing", requested=False))

    assert (by_update.status, by_update.error["param"]) == (400, "features[card_issuing][requested]")
    assert (by_features.status, by_features.error["param"]) == (400, "card_issuing[requested]")
    assert after.status == 200


def test_a_leaf_must_say_whether_it_is_requested(platform):
    id = opened(platform)

    refused = platform.post(f"{ACCOUNTS}/{id}/features", card_issuing={"access": "true"})

    assert (refused.status, refused.error["param"]) == (400, "card_issuing[access]")


def test_features_of_an_unknown_account_are_missing(platform):
    for answer in (platform.get(f"{ACCOUNTS}/fa_x/features"), platform.post(f"{ACCOUNTS}/fa_x/features")):
        assert (answer.status, answer.error["param"]) == (404, "financial_account")
