"""External accounts: where an account is paid out to."""

import pytest

from emulator.connect import bank_test_numbers
from emulator.treasury import bank_accounts
from tests.connect.shapes import ADDRESS, BANK, account_of

EURO_BANK = {"object": "bank_account", "account_number": "DE89370400440532013000", "country": "DE", "currency": "eur"}


@pytest.fixture
def path(platform):
    """The external accounts of a fresh account."""
    return f"/v1/accounts/{account_of(platform)['id']}/external_accounts"


def test_the_first_of_a_currency_is_its_default(platform, path):
    first = platform.made(path, external_account=BANK, metadata={"a": "1"})
    second = platform.made(path, external_account={**BANK, "account_number": "000111111116"})
    euro = platform.made(path, external_account=EURO_BANK)

    assert [bank["default_for_currency"] for bank in (first, second, euro)] == [True, False, True]
    assert (first["last4"], first["routing_number"], first["status"]) == ("6789", "110000000", "new")
    assert first["metadata"] == {"a": "1"}
    assert [bank["id"] for bank in platform.read(path)["data"]] == [euro["id"], second["id"], first["id"]]
    assert platform.read(path, object="card")["data"] == []
    assert len(platform.read(path, object="bank_account", limit=2)["data"]) == 2


@pytest.mark.parametrize("count, has_more", [(9, False), (10, False), (11, True)])
def test_an_account_shows_its_newest_ten(platform, path, count, has_more):
    numbers = bank_test_numbers.NATIONAL["US"].split()[:count]
    for number in numbers:
        platform.made(path, external_account={**BANK, "account_number": number})

    shown = platform.read(path.removesuffix("/external_accounts"))["external_accounts"]

    newest = [number[-4:] for number in reversed(numbers)][:10]
    assert ([bank["last4"] for bank in shown["data"]], shown["has_more"]) == (newest, has_more)
    assert shown["url"] == path


def test_another_one_can_become_the_default(platform, path):
    first = platform.made(path, external_account=BANK)
    second = platform.made(path, external_account={**BANK, "account_number": "000111111116"})

    changed = platform.made(f"{path}/{second['id']}", default_for_currency=True, account_holder_name="Jenny")

    assert changed["default_for_currency"] and changed["account_holder_name"] == "Jenny"
    assert not platform.read(f"{path}/{first['id']}")["default_for_currency"]
    taken = platform.post(f"{path}/{second['id']}", default_for_currency=False)
    assert (taken.status, taken.error["param"]) == (400, "default_for_currency")


def test_the_default_cannot_be_deleted_and_others_can(platform, path):
    first = platform.made(path, external_account=BANK)
    second = platform.made(path, external_account={**BANK, "account_number": "000111111116"})

    refusal = platform.delete(f"{path}/{first['id']}")
    gone = platform.delete(f"{path}/{second['id']}")

    assert refusal.status == 400
    assert refusal.error["message"].startswith("You cannot delete the default external account")
    assert gone.json == {"id": second["id"], "object": "bank_account", "deleted": True}
    assert platform.get(f"{path}/{second['id']}").status == 404


@pytest.mark.parametrize("length, is_taken", [(3, False), (4, True), (34, True), (35, False)])
def test_an_account_number_has_4_to_34_characters(platform, path, length, is_taken):
    numbers = {"account_number": "1" * length, "country": "JP", "currency": "jpy", "routing_number": "1100000"}

    answer = platform.post(path, external_account={**BANK, **numbers})

    assert answer.status == (200 if is_taken else 400)
    assert answer.error.get("param") == (None if is_taken else "external_account[account_number]")


def test_the_same_numbers_are_taken_once_and_have_one_fingerprint(platform, path):
    first = platform.made(path, external_account=BANK)
    elsewhere = account_of(platform, external_account=BANK)["external_accounts"]["data"][0]

    again = platform.post(path, external_account=BANK)

    assert (again.status, again.error["code"]) == (400, "bank_account_exists")
    assert elsewhere["fingerprint"] == first["fingerprint"]


@pytest.mark.parametrize(
    "changes, code, param",
    [
        ({"routing_number": "110000001"}, "routing_number_invalid", "external_account[routing_number]"),
        ({"routing_number": "1"}, "routing_number_invalid", "external_account[routing_number]"),
        ({"account_number": "12x45"}, "account_number_invalid", "external_account[account_number]"),
        ({"account_number": "1"}, "account_number_invalid", "external_account[account_number]"),
        ({"country": "JP", "account_number": "123"}, "account_number_invalid", "external_account[account_number]"),
        ({"country": "GB", "routing_number": "1088"}, "routing_number_invalid", "external_account[routing_number]"),
    ],
)
def test_numbers_no_bank_has_are_refused(platform, path, changes, code, param):
    refusal = platform.post(path, external_account={**BANK, **changes})

    assert refusal.status == 400
    assert (refusal.error["code"], refusal.error["param"]) == (code, param)


@pytest.mark.parametrize(
    "bank, instead",
    [
        ({"account_number": "123456789"}, "000123456789"),
        ({"country": "AU", "account_number": "123456789", "routing_number": "062000"}, "000123456"),
        ({"country": "GB", "account_number": "12345678", "routing_number": "200000"}, "00012345"),
        ({"country": "DE", "account_number": "DE02120300000000202051"}, "DE89370400440532013000"),
        ({"country": "FR", "account_number": "FR7630006000011234567890189"}, "FR1420041010050500013M02606"),
    ],
)
def test_numbers_of_real_banks_are_refused_as_test_mode_does(platform, path, bank, instead):
    sent = {**BANK, **bank}
    refusals = [
        platform.post(path, external_account=sent),
        platform.post(path.removesuffix("/external_accounts"), external_account=sent),
        platform.post("/v1/accounts", type="custom", external_account=sent),
    ]

    for refusal in refusals:
        assert refusal.status == 400
        assert refusal.error["code"] == "account_number_invalid"
        assert refusal.error["param"] == "external_account[account_number]"
        assert refusal.error["message"] == (
            f"You must use a test bank account number in test mode. Try {instead} or see more options at "
            "https://stripe.com/docs/connect/testing#account-numbers."
        )
    assert platform.read(path)["data"] == []
    assert len(platform.read("/v1/accounts")["data"]) == 1


LISTED = sorted({*bank_test_numbers.NATIONAL, *bank_test_numbers.OWN_IBANS})


@pytest.mark.parametrize("country", LISTED)
def test_every_test_number_of_a_country_is_taken(platform, path, country):
    bank = {name: value for name, value in BANK.items() if name != "routing_number" or country == "US"}
    numbers = bank_test_numbers.of(country)

    for number in numbers:
        platform.made(path, external_account={**bank, "country": country, "account_number": number})

    assert len(set(numbers)) == len(numbers) >= 6
    assert len(platform.read(path, limit=100)["data"]) == len(numbers)


def test_what_a_national_number_means_is_the_same_everywhere():
    unknown = {country: bank_test_numbers.NATIONAL[country].split()[1] for country in bank_test_numbers.NATIONAL}

    assert {bank_test_numbers.refusal(country, number) for country, number in unknown.items()} == {"no_account"}
    assert bank_test_numbers.refusal("US", "000123456789") is None
    assert bank_test_numbers.refusal("US", "000888888883") is None
    assert bank_test_numbers.refusal("DE", "DE62370400440532013001") == "no_account"
    assert bank_test_numbers.refusal("DE", "DE89370400440532013000") is None


@pytest.mark.parametrize("country", sorted(bank_test_numbers.OWN_IBANS))
def test_the_german_test_ibans_count_behind_the_code_of_any_country_with_ibans(country):
    assert {f"{country}89370400440532013000", f"{country}62370400440532013001"} < set(bank_test_numbers.of(country))


def test_the_numbers_behind_the_test_tokens_of_outbound_transfers_are_test_numbers():
    assert set(bank_accounts.TOKENS.values()) <= set(bank_test_numbers.of("US"))


def test_an_iban_may_be_written_with_spaces_and_small_letters(platform, path):
    added = platform.made(path, external_account={**EURO_BANK, "account_number": "de89 3704 0044 0532 0130 00"})

    assert added["last4"] == "3000"


def test_a_country_without_published_test_numbers_takes_any(platform, path):
    bank = {**BANK, "country": "JP", "currency": "jpy", "account_number": "7654321", "routing_number": "1100000"}

    assert platform.made(path, external_account=bank)["last4"] == "4321"


@pytest.mark.parametrize("name", ["account_number", "country", "routing_number"])
def test_what_a_us_bank_account_needs_is_named(platform, path, name):
    refusal = platform.post(path, external_account={key: value for key, value in BANK.items() if key != name})

    assert (refusal.error["code"], refusal.error["param"]) == ("parameter_missing", f"external_account[{name}]")


def test_a_british_account_has_a_sort_code(platform, path):
    bank = {"object": "bank_account", "account_number": "00012345", "country": "GB", "routing_number": "108800"}

    added = platform.made(path, external_account=bank)

    assert (added["currency"], added["available_payout_methods"]) == ("gbp", ["standard"])


def test_test_tokens_stand_for_bank_accounts(platform, path):
    added = platform.made(path, external_account="btok_us_verified_noAccount")
    unknown = platform.post(path, external_account="btok_nope")

    assert added["last4"] == "1116"
    assert (unknown.status, unknown.error["code"], unknown.error["param"]) == (
        400,
        "resource_missing",
        "external_account",
    )
    assert unknown.error["message"] == "No such token: 'btok_nope'"


CARD = {"object": "card", "currency": "usd", "cvc": "123", "exp_month": 12, "exp_year": 2040}
DEBIT = {**CARD, "number": "4000056655665556"}


def test_a_debit_card_is_an_external_account_beside_bank_accounts(platform, path):
    bank = platform.made(path, external_account=BANK)

    card = platform.made(path, external_account={**DEBIT, "name": "Jenny", "address_zip": "94111"}, metadata={"a": "1"})

    assert (card["object"], card["brand"], card["funding"], card["last4"]) == ("card", "Visa", "debit", "5556")
    assert (card["account"], card["name"], card["cvc_check"]) == (path.split("/")[3], "Jenny", "unchecked")
    assert (card["currency"], card["default_for_currency"], card["metadata"]) == ("usd", False, {"a": "1"})
    assert card["available_payout_methods"] == ["standard", "instant"]
    assert "customer" not in card and "number" not in card
    assert {one["id"] for one in platform.read(path)["data"]} == {bank["id"], card["id"]}
    assert platform.read(path, object="card")["data"] == [card] == [platform.read(f"{path}/{card['id']}")]
    assert platform.read(path, object="bank_account")["data"] == [bank]
    shown = platform.read(path.removesuffix("/external_accounts"))["external_accounts"]["data"]
    assert {one["id"] for one in shown} == {bank["id"], card["id"]}


def test_a_debit_card_alone_is_the_default_and_is_all_that_is_due(platform, path):
    account = path.removesuffix("/external_accounts")
    inside = platform.acting_as(path.split("/")[3])
    seen = len(inside.events())

    card = platform.made(path, external_account="tok_visa_debit")

    assert card["default_for_currency"]
    assert platform.read(account)["requirements"]["currently_due"] == []
    assert inside.event_types(seen) == ["account.external_account.created", "account.updated"]


def test_a_cards_expiry_holder_and_address_can_be_changed_and_a_banks_members_not(platform, path):
    platform.made(path, external_account=BANK)
    card = platform.made(path, external_account=DEBIT)
    inside = platform.acting_as(path.split("/")[3])
    seen = len(inside.events())

    changed = platform.made(f"{path}/{card['id']}", exp_month="1", exp_year="2041", name="J", address_line1="1 Main St")
    default = platform.made(f"{path}/{card['id']}", default_for_currency=True)
    refusal = platform.post(f"{path}/{card['id']}", account_holder_name="J")

    assert (changed["exp_month"], changed["exp_year"], changed["name"]) == (1, 2041, "J")
    assert default["default_for_currency"] and refusal.error["param"] == "account_holder_name"
    assert [one["default_for_currency"] for one in platform.read(path, object="bank_account")["data"]] == [False]
    assert inside.event_types(seen)[0] == "account.external_account.updated"
    assert platform.delete(f"{path}/{platform.read(path, object='bank_account')['data'][0]['id']}").status == 200
    assert platform.delete(f"{path}/{card['id']}").status == 400  # the default


def test_a_deleted_card_is_gone_and_told_of(platform, path):
    platform.made(path, external_account=BANK)
    card = platform.made(path, external_account=DEBIT)
    inside = platform.acting_as(path.split("/")[3])

    gone = platform.delete(f"{path}/{card['id']}").json

    assert gone == {"id": card["id"], "object": "card", "deleted": True}
    assert platform.get(f"{path}/{card['id']}").status == 404
    assert "account.external_account.deleted" in inside.event_types()


@pytest.mark.parametrize(
    "sent, status, code, param",
    [
        ("tok_visa", 400, "invalid_card_type", "external_account"),
        ("tok_mastercard_prepaid", 400, "invalid_card_type", "external_account"),
        ({**CARD, "number": "4242424242424242"}, 400, "invalid_card_type", "external_account"),
        ({**CARD, "number": "4111111111111111"}, 402, "card_declined", ""),
        ({**CARD, "number": "4111111111111112"}, 402, "incorrect_number", "number"),
        ({**DEBIT, "exp_year": 2020}, 402, "invalid_expiry_year", "exp_year"),
        ({**DEBIT, "exp_month": 13}, 402, "invalid_expiry_month", "exp_month"),
        ({name: value for name, value in DEBIT.items() if name != "currency"}, 400, "parameter_missing", "currency"),
        ({name: value for name, value in DEBIT.items() if name != "number"}, 400, "parameter_missing", "number"),
        ("tok_nope", 400, "resource_missing", "external_account"),
    ],
)
def test_only_debit_cards_of_test_mode_are_taken(platform, path, sent, status, code, param):
    refusal = platform.post(path, external_account=sent)

    assert (refusal.status, refusal.error["code"]) == (status, code)
    assert refusal.error.get("param", "").removeprefix("external_account[").rstrip("]") == param
    assert platform.read(path)["data"] == []


def test_pages_go_through_banks_and_cards_together(platform, path):
    made = []
    for number in bank_test_numbers.NATIONAL["US"].split()[:3]:
        made.append(platform.made(path, external_account={**BANK, "account_number": number})["id"])
        platform.clock(advance=1)
        made.append(platform.made(path, external_account=DEBIT)["id"])
        platform.clock(advance=1)

    first = platform.read(path, limit=4)
    rest = platform.read(path, limit=4, starting_after=first["data"][-1]["id"])
    back = platform.read(path, limit=2, ending_before=rest["data"][0]["id"])

    assert [one["id"] for one in first["data"] + rest["data"]] == made[::-1]
    assert (first["has_more"], rest["has_more"], back["has_more"]) == (True, False, True)
    assert [one["id"] for one in back["data"]] == made[::-1][2:4]
    assert platform.get(path, starting_after="ba_nope").error["code"] == "resource_missing"
    assert platform.get(path, starting_after=made[0], ending_before=made[1]).status == 400


def test_a_cards_members_are_refused_on_a_bank_account(platform, path):
    bank = platform.made(path, external_account=BANK)

    refusal = platform.post(f"{path}/{bank['id']}", exp_month="1")

    assert (refusal.status, refusal.error["param"]) == (400, "exp_month")


def test_a_financial_account_of_ones_own_is_verified(platform, path):
    inside = platform.acting_as(path.split("/")[3])
    features = {"financial_addresses": {"aba": {"requested": True}}, "intra_stripe_flows": {"requested": True}}
    made = inside.made("/v1/treasury/financial_accounts", supported_currencies=["usd"], features=features)["id"]
    inside.read(f"/v1/treasury/financial_accounts/{made}")

    added = platform.made(path, external_account={"financial_account": made})

    assert added["status"] == "verified"
    assert added["routing_number"] == "000000001"


def test_the_numbers_of_a_financial_account_are_known_as_its_own_only_while_it_has_its_address(platform, path):
    inside = platform.acting_as(path.split("/")[3])
    address = "financial_addresses.aba.account_number"
    features = {"financial_addresses": {"aba": {"requested": True}}, "intra_stripe_flows": {"requested": True}}
    made = inside.made("/v1/treasury/financial_accounts", supported_currencies=["usd"], features=features)["id"]
    shown = inside.read(f"/v1/treasury/financial_accounts/{made}", expand=[address])["financial_addresses"][0]["aba"]
    numbers = {"account_number": shown["account_number"], "routing_number": shown["routing_number"]}

    own = platform.made(path, external_account={**BANK, **numbers})
    second = platform.made(path, external_account=BANK, default_for_currency=True)
    platform.delete(f"{path}/{own['id']}")
    given_up = {"financial_addresses": {"aba": {"requested": False}}}
    inside.made(f"/v1/treasury/financial_accounts/{made}/features", **given_up)
    nobodys = platform.made(path, external_account={**BANK, **numbers})

    assert [bank["status"] for bank in (own, second, nobodys)] == ["verified", "new", "new"]


def test_a_financial_account_needs_its_feature(platform, path):
    inside = platform.acting_as(path.split("/")[3])
    bare = inside.made("/v1/treasury/financial_accounts", supported_currencies=["usd"])["id"]

    refusal = platform.post(path, external_account={"financial_account": bare})
    unknown = platform.post(path, external_account={"financial_account": "fa_nope"})

    assert (refusal.status, refusal.error["code"]) == (400, "financial_account_capability_not_enabled")
    assert refusal.error["param"] == "external_account[financial_account]"
    assert (unknown.status, unknown.error["param"]) == (400, "external_account[financial_account]")


def test_a_financial_account_whose_feature_is_restricted_is_refused_as_restricted(platform, path):
    inside = platform.acting_as(path.split("/")[3])
    features = {"financial_addresses": {"aba": {"requested": True}}, "intra_stripe_flows": {"requested": True}}
    made = inside.made("/v1/treasury/financial_accounts", supported_currencies=["usd"], features=features)["id"]
    inside.made(f"/v1/treasury/financial_accounts/{made}", platform_restrictions={"inbound_flows": "restricted"})

    refusal = platform.post(path, external_account={"financial_account": made})

    assert (refusal.status, refusal.error["code"]) == (400, "financial_account_capability_restricted")


def test_every_change_is_announced_and_the_account_with_it(platform, path):
    inside = platform.acting_as(path.split("/")[3])
    platform.made(path, external_account=BANK)
    other = platform.made(path, external_account={**BANK, "account_number": "000111111116"})
    platform.made(f"{path}/{other['id']}", metadata={"a": "1"})
    platform.delete(f"{path}/{other['id']}")

    told = [event["type"] for event in inside.events(type="account.*")]

    assert told == [
        "account.external_account.created",
        "account.updated",
        "account.external_account.created",
        "account.updated",
        "account.external_account.updated",
        "account.updated",
        "account.external_account.deleted",
        "account.updated",
    ]
    first = inside.events(type="account.updated")[0]["data"]["previous_attributes"]
    owed = dict.fromkeys(("currently_due", "eventually_due", "past_due"), ["external_account"])
    assert first["requirements"] == {**owed, "disabled_reason": "requirements.past_due"}
    assert (first["payouts_enabled"], first["details_submitted"]) == (False, False)


def test_an_update_of_the_account_replaces_the_default_of_the_currency(platform, path):
    platform.made(path, external_account=BANK)
    euro = platform.made(path, external_account=EURO_BANK)

    changed = platform.made(path.removesuffix("/external_accounts"), external_account="btok_us_verified_noAccount")

    assert sorted(bank["last4"] for bank in changed["external_accounts"]["data"]) == ["1116", euro["last4"]]
    assert all(bank["default_for_currency"] for bank in changed["external_accounts"]["data"])


def test_an_empty_external_account_removes_them(platform, path):
    platform.made(path, external_account=BANK)

    changed = platform.made(path.removesuffix("/external_accounts"), external_account="")

    assert changed["external_accounts"]["data"] == []
    assert not changed["payouts_enabled"]


def test_the_older_name_of_the_list_serves_the_same(platform, path):
    older = path.replace("external_accounts", "bank_accounts")
    bank = platform.made(older, external_account=BANK)
    other = platform.made(older, external_account={**BANK, "account_number": "000111111116"})

    assert platform.read(f"{older}/{bank['id']}") == platform.read(f"{path}/{bank['id']}")
    assert platform.made(f"{older}/{bank['id']}", metadata={"a": "1"})["metadata"] == {"a": "1"}
    assert platform.read(older)["url"] == older
    assert platform.delete(f"{older}/{other['id']}").json["deleted"]


@pytest.mark.parametrize("name", ["external_accounts", "bank_accounts"])
def test_the_account_of_each_can_be_expanded_in_the_list(platform, path, name):
    platform.made(path, external_account=BANK)

    (bank,) = platform.read(path.replace("external_accounts", name), expand=["data.account"])["data"]

    assert bank["account"]["object"] == "account"


def test_a_company_in_no_need_of_checking_has_an_address_of_its_country(platform):
    account = account_of(platform, business_type="company", company={"address": {"city": ADDRESS["city"]}})

    assert account["company"]["address"]["country"] == "US"
