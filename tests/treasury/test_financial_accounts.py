"""Financial accounts: opening, changing, closing, and what each refuses."""

from __future__ import annotations

import pytest

from tests.treasury.worlds import (
    ABA,
    ACCOUNTS,
    EVERYTHING,
    balance,
    card_on,
    connected,
    opened,
    own_account,
    send,
    tree,
)


def test_the_platform_starts_with_one_account_that_can_do_everything_and_has_no_money(platform):
    found = platform.read(ACCOUNTS)["data"]

    assert len(found) == 1
    assert found[0]["is_default"] is True
    assert found[0]["active_features"] == list(EVERYTHING)
    assert balance(platform, found[0]["id"]) == (0, 0)
    assert platform.events() == []


def test_a_connected_account_starts_with_none(platform):
    business = connected(platform)

    assert business.read(ACCOUNTS)["data"] == []


def test_a_new_account_is_open_empty_and_shows_what_it_was_given(platform):
    business = connected(platform)

    account = business.made(
        ACCOUNTS,
        supported_currencies=["USD"],
        nickname="Rent",
        metadata={"team": "blue"},
        features=tree("card_issuing"),
    )

    assert account["status"] == "open"
    assert account["status_details"] == {"closed": None}
    assert account["country"] == "US"
    assert account["supported_currencies"] == ["usd"]
    assert account["nickname"] == "Rent"
    assert account["metadata"] == {"team": "blue"}
    assert account["platform_restrictions"] == {"inbound_flows": "unrestricted", "outbound_flows": "unrestricted"}
    assert account["active_features"] == ["card_issuing"]
    assert account["financial_addresses"] == []
    assert "features" not in account
    assert account["is_default"] is True
    assert business.event_types() == ["treasury.financial_account.created"]


def test_an_address_is_pending_in_the_reply_and_there_right_afterwards(platform):
    business = connected(platform)

    account = business.made(ACCOUNTS, supported_currencies=["usd"], features=tree(ABA, "card_issuing"))
    later = business.read(f"{ACCOUNTS}/{account['id']}")

    assert (account["pending_features"], account["active_features"]) == ([ABA], ["card_issuing"])
    assert account["financial_addresses"] == []
    assert (later["pending_features"], later["active_features"]) == ([], ["card_issuing", ABA])
    address = later["financial_addresses"][0]
    assert address["supported_networks"] == ["ach", "us_domestic_wire"]
    assert address["aba"]["routing_number"] == "000000001"
    assert "account_number" not in address["aba"]
    changed = business.events()[-1]
    assert changed["type"] == "treasury.financial_account.features_status_updated"
    assert changed["data"]["previous_attributes"] == {"active_features": ["card_issuing"], "pending_features": [ABA]}
    assert changed["data"]["object"]["active_features"] == ["card_issuing", ABA]
    assert changed["request"] == {"id": None, "idempotency_key": None}


def test_the_account_number_is_shown_only_when_asked_for(platform):
    business = connected(platform)
    id = opened(business)

    one = business.read(f"{ACCOUNTS}/{id}", expand=["financial_addresses.aba.account_number"])
    listed = business.read(ACCOUNTS, expand=["data.financial_addresses.aba.account_number"])["data"][0]

    number = one["financial_addresses"][0]["aba"]["account_number"]
    assert len(number) == 16
    assert number.startswith("4242")
    assert one["financial_addresses"][0]["aba"]["account_number_last4"] == number[-4:]
    assert listed["financial_addresses"][0]["aba"]["account_number"] == number


def test_account_numbers_differ(platform):
    asked = "financial_addresses.aba.account_number"
    for _ in range(2):
        opened(platform)

    accounts = platform.read(ACCOUNTS, expand=[f"data.{asked}"])["data"]

    assert len({account["financial_addresses"][0]["aba"]["account_number"] for account in accounts}) == 3


def test_an_address_bears_the_legal_name_of_its_owner(platform):
    person = connected(platform, business_type="individual", individual={"first_name": "Ada", "last_name": "Example"})
    company = connected(platform, business_type="company", company={"name": "Example Ltd"})

    names = []
    for business in (person, company):
        id = opened(business)
        names.append(business.read(f"{ACCOUNTS}/{id}")["financial_addresses"][0]["aba"]["account_holder_name"])

    assert names == ["Ada Example", "Example Ltd"]


def test_features_are_shown_with_the_account_only_when_asked_for_and_never_in_lists(platform):
    business = connected(platform)
    id = opened(business, "card_issuing")

    shown = business.read(f"{ACCOUNTS}/{id}", expand=["features"])
    refused = business.get(ACCOUNTS, expand=["data.features"])

    assert shown["features"] == {
        "object": "treasury.financial_account_features",
        "card_issuing": {"requested": True, "status": "active", "status_details": []},
    }
    assert refused.status == 400
    assert refused.error["message"] == "This property cannot be expanded (data.features)."


def test_only_the_first_account_is_the_default(platform):
    business = connected(platform)
    first, second = opened(business), opened(business)

    assert business.read(f"{ACCOUNTS}/{first}")["is_default"] is True
    assert business.read(f"{ACCOUNTS}/{second}")["is_default"] is False


def test_an_account_without_the_treasury_capability_cannot_open_one(platform):
    business = connected(platform, "transfers")

    refused = business.post(ACCOUNTS, supported_currencies=["usd"])

    assert refused.status == 400
    assert refused.error["code"] == "capability_not_active"
    assert refused.error["message"] == f"The account {business.account} has not requested the `treasury` capability."
    assert "param" not in refused.error
    assert business.read(ACCOUNTS)["data"] == []


def test_a_fourth_open_account_is_refused_and_a_closed_one_makes_room(platform):
    business = connected(platform)
    first, *_ = [opened(business) for _ in range(3)]

    refused = business.post(ACCOUNTS, supported_currencies=["usd"])
    business.made(f"{ACCOUNTS}/{first}/close")
    after = business.post(ACCOUNTS, supported_currencies=["usd"])

    assert refused.status == 400
    assert refused.error["message"] == "You have reached the maximum number of financial accounts (3)."
    assert "code" not in refused.error
    assert after.status == 200


@pytest.mark.parametrize(
    "params, code, param",
    [
        ({}, "parameter_missing", "supported_currencies"),
        ({"supported_currencies": ["eur"]}, None, "supported_currencies"),
        ({"supported_currencies": ["usd"], "nickname": "   "}, "parameter_invalid_string_blank", "nickname"),
        ({"supported_currencies": ["usd"], "nickname": "x" * 250}, None, "nickname"),
        (
            {"supported_currencies": ["usd"], "platform_restrictions": {"inbound_flows": "closed"}},
            None,
            "platform_restrictions[inbound_flows]",
        ),
        (
            {
                "supported_currencies": ["usd"],
                "features": {"card_issuing": {}, "financial_addresses": {"aba": {"x": 1}}},
            },
            "parameter_unknown",
            "features[financial_addresses][aba][x]",
        ),
        (
            {"supported_currencies": ["usd"], "features": {"card_issuing": {"requested": "yes"}}},
            None,
            "features[card_issuing][requested]",
        ),
        (
            {"supported_currencies": ["usd"], "forwarding_settings": {"type": "x"}},
            "parameter_unknown",
            "forwarding_settings",
        ),
    ],
)
def test_a_wrong_parameter_is_named(platform, params, code, param):
    refused = platform.post(ACCOUNTS, **params)

    assert refused.status == 400
    assert (refused.error.get("code"), refused.error["param"]) == (code, param)
    assert len(platform.read(ACCOUNTS)["data"]) == 1


def test_a_nickname_is_unset_by_an_empty_text_and_may_have_249_characters(platform):
    id = opened(platform, nickname="x" * 249)

    after = platform.made(f"{ACCOUNTS}/{id}", nickname="")

    assert after["nickname"] is None


def test_lists_filter_by_status_and_creation_and_hold_closed_accounts_too(platform):
    platform.clock(frozen=True)
    business = connected(platform)
    first = opened(business)
    platform.clock(advance=60)
    second = opened(business)
    business.made(f"{ACCOUNTS}/{first}/close")
    created = business.read(f"{ACCOUNTS}/{second}")["created"]

    def ids(**filters):
        return [account["id"] for account in business.read(ACCOUNTS, **filters)["data"]]

    assert ids() == [second, first]
    assert ids(status="closed") == [first]
    assert ids(status="open") == [second]
    assert ids(created={"gte": created}) == [second]
    assert ids(created={"lt": created}) == [first]


def test_an_account_of_somebody_else_is_missing(platform):
    business, other = connected(platform), connected(platform)
    id = opened(business)

    refused = other.get(f"{ACCOUNTS}/{id}")

    assert refused.status == 404
    assert refused.error["code"] == "resource_missing"
    assert refused.error["param"] == "financial_account"
    assert refused.error["message"] == f"No such financial account: '{id}'"


def test_metadata_is_merged_and_no_event_tells_of_it(platform):
    business = connected(platform)
    id = opened(business, "card_issuing", metadata={"a": "1", "b": "2"})
    seen = len(business.events())

    after = business.made(f"{ACCOUNTS}/{id}", metadata={"a": "", "c": "3"})

    assert after["metadata"] == {"b": "2", "c": "3"}
    assert business.event_types(seen) == []


# Closing


def test_closing_an_empty_account_restricts_what_it_could_do(platform):
    business = connected(platform)
    id = opened(business, ABA, "card_issuing")
    seen = len(business.events())

    closed = business.made(f"{ACCOUNTS}/{id}/close")

    assert closed["status"] == "closed"
    assert closed["status_details"] == {"closed": {"reasons": ["closed_by_platform"]}}
    assert (closed["active_features"], closed["pending_features"]) == ([], [])
    assert closed["restricted_features"] == ["card_issuing", ABA]
    assert business.event_types(seen) == [
        "treasury.financial_account.closed",
        "treasury.financial_account.features_status_updated",
    ]
    assert "previous_attributes" not in business.events()[-2]["data"]
    assert business.events()[-1]["data"]["previous_attributes"] == {
        "active_features": ["card_issuing", ABA],
        "restricted_features": [],
    }


def test_closing_twice_is_refused(platform):
    id = opened(platform)
    platform.made(f"{ACCOUNTS}/{id}/close")

    refused = platform.post(f"{ACCOUNTS}/{id}/close")

    assert refused.status == 400
    assert refused.error["code"] == "status_transition_invalid"


def test_row_15_an_account_with_money_does_not_close_without_forwarding(platform):
    id = own_account(platform)
    send(platform, id, 500_00)

    refused = platform.post(f"{ACCOUNTS}/{id}/close")

    assert refused.status == 400
    assert refused.error["type"] == "invalid_request_error"
    assert "balance is not zero" in refused.error["message"]
    assert "code" not in refused.error
    assert platform.read(f"{ACCOUNTS}/{id}")["status"] == "open"
    assert balance(platform, id) == (500_00, 0)


def test_an_empty_account_closes_with_forwarding_and_later_credits_reach_the_target(platform):
    id, target = own_account(platform), opened(platform)
    forwarding = {"type": "financial_account", "financial_account": target}
    platform.made(f"{ACCOUNTS}/{id}/close", forwarding_settings=forwarding)

    credit = send(platform, id, 700)

    assert (credit["status"], credit["financial_account"]) == ("succeeded", target)
    assert balance(platform, target) == (700, 0)


def test_closed_accounts_that_forward_to_each_other_take_no_money(platform):
    first, second = own_account(platform), opened(platform)
    for id, target in ((first, second), (second, first)):
        forwarding = {"type": "financial_account", "financial_account": target}
        platform.made(f"{ACCOUNTS}/{id}", forwarding_settings=forwarding)
    for id in (first, second):
        platform.made(f"{ACCOUNTS}/{id}/close")

    credit = send(platform, first, 700)

    assert (credit["failure_code"], credit["financial_account"]) == ("account_closed", first)


def test_forwarding_settings_kept_by_an_update_count_when_the_account_closes(platform):
    id, target = own_account(platform), opened(platform)
    kept = platform.made(
        f"{ACCOUNTS}/{id}", forwarding_settings={"type": "financial_account", "financial_account": target}
    )
    send(platform, id, 1)

    answer = platform.post(f"{ACCOUNTS}/{id}/close")

    assert "forwarding_settings" not in kept
    assert (answer.status, answer.json["status"]) == (200, "closed")
    assert (balance(platform, id), balance(platform, target)) == ((0, 0), (1, 0))


def test_money_cannot_be_forwarded_to_nowhere(platform):
    id, closed = own_account(platform), opened(platform)
    platform.made(f"{ACCOUNTS}/{closed}/close")

    def refusal(**settings):
        error = platform.post(f"{ACCOUNTS}/{id}/close", forwarding_settings=settings).error
        return error.get("code"), error["param"]

    target = "forwarding_settings[financial_account]"
    assert refusal(financial_account=closed) == ("parameter_missing", "forwarding_settings[type]")
    assert refusal(type="financial_account") == ("parameter_missing", target)
    method = "forwarding_settings[payment_method]"
    bank = platform.read("/v1/account")["external_accounts"]["data"][0]["id"]
    assert refusal(type="payment_method") == ("parameter_missing", method)
    assert refusal(type="payment_method", payment_method="pm_x") == ("resource_missing", method)
    assert refusal(type="payment_method", payment_method=bank) == ("bank_account_unverified", method)
    assert refusal(type="financial_account", financial_account="fa_x") == ("resource_missing", target)
    assert refusal(type="financial_account", financial_account=id) == (None, target)
    assert refusal(type="financial_account", financial_account=closed) == (None, target)
    assert platform.read(f"{ACCOUNTS}/{id}")["status"] == "open"


def test_an_open_transaction_keeps_an_account_open(platform):
    business = connected(platform)
    id = opened(business)
    send(business, id, 50_00)
    card = card_on(business, id)
    business.made("/v1/test_helpers/issuing/authorizations", amount=50_00, card=card, currency="usd")
    business.made(f"/v1/issuing/cards/{card}", status="canceled")

    refused = business.post(f"{ACCOUNTS}/{id}/close")

    assert refused.status == 400
    assert "Transaction that is still open" in refused.error["message"]


def test_a_card_that_is_not_canceled_keeps_an_account_open(platform):
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)

    active = business.post(f"{ACCOUNTS}/{id}/close")
    business.made(f"/v1/issuing/cards/{card}", status="inactive")
    inactive = business.post(f"{ACCOUNTS}/{id}/close")
    business.made(f"/v1/issuing/cards/{card}", status="canceled")
    canceled = business.post(f"{ACCOUNTS}/{id}/close")

    assert (active.status, inactive.status, canceled.status) == (400, 400, 200)
    assert "a card attached to it is not canceled" in active.error["message"]


def test_an_account_whose_cash_is_negative_does_not_close(platform):
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)
    business.made("/v1/test_helpers/issuing/transactions/create_force_capture", amount=5_00, card=card, currency="usd")
    business.made(f"/v1/issuing/cards/{card}", status="canceled")

    refused = business.post(f"{ACCOUNTS}/{id}/close")

    assert balance(business, id) == (-5_00, 0)
    assert refused.status == 400
    assert "cash balance is negative" in refused.error["message"]


def test_of_a_closed_account_only_metadata_and_nickname_change(platform):
    id = opened(platform)
    platform.made(f"{ACCOUNTS}/{id}/close")

    renamed = platform.made(f"{ACCOUNTS}/{id}", nickname="Old", metadata={"kept": "yes"})
    restricted = platform.post(f"{ACCOUNTS}/{id}", platform_restrictions={"inbound_flows": "restricted"})
    requested = platform.post(f"{ACCOUNTS}/{id}/features", card_issuing={"requested": True})

    assert (renamed["nickname"], renamed["metadata"]) == ("Old", {"kept": "yes"})
    assert (restricted.status, requested.status) == (400, 400)
    assert "is closed" in restricted.error["message"]
    assert "is closed" in requested.error["message"]


def test_a_rejected_accounts_financial_accounts_close_with_that_reason(platform):
    business = connected(platform)
    id = opened(business, "card_issuing")
    platform.made(f"/v1/accounts/{business.account}/reject", reason="terms_of_service")

    closed = business.read(f"{ACCOUNTS}/{id}")

    assert closed["status"] == "closed"
    assert closed["status_details"] == {"closed": {"reasons": ["account_rejected"]}}
    assert "treasury.financial_account.closed" in business.event_types()


def test_where_treasury_is_switched_off_its_addresses_do_not_exist(platform):
    platform.settings(treasury_enabled=False)

    refused = platform.get("/v1/treasury/transactions", financial_account="fa_x")

    assert refused.status == 400
    assert refused.error["message"].startswith("Unrecognized request URL (GET: /v1/treasury/transactions). Please see")
    assert "Have you onboarded to Treasury?" in refused.error["message"]
