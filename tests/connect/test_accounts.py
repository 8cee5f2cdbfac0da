"""Accounts: the platform's own and those it opens, reads, changes and deletes."""

import json

import pytest

from emulator.connect.home_currencies import currency_of
from emulator.connect.platform import NAME
from emulator.connect.records import accounts
from tests.client import Client
from tests.connect.shapes import ADDRESS, ALL, BANK, CONTROLLER, STREET, TERMS, account_of, asking, individual


def test_the_platform_is_a_us_account_with_everything_active(platform):
    own = platform.read("/v1/account")

    assert (own["country"], own["default_currency"], own["type"]) == ("US", "usd", "standard")
    assert own["charges_enabled"] and own["payouts_enabled"] and own["details_submitted"]
    assert own["requirements"]["currently_due"] == []
    assert own["capabilities"] == dict.fromkeys(ALL, "active")
    assert own["settings"]["dashboard"]["display_name"] == NAME
    assert [bank["last4"] for bank in own["external_accounts"]["data"]] == ["6789"]


def test_the_platforms_own_id_in_the_header_or_the_path_means_the_platform(platform):
    own = platform.read("/v1/account")

    assert platform.acting_as(own["id"]).read("/v1/account") == own
    assert platform.read(f"/v1/accounts/{own['id']}") == own


def test_a_capability_is_active_in_the_reply_that_requested_it(platform):
    account = account_of(platform, business_type="individual", individual={"id_number": "111111111"})

    assert account["capabilities"] == dict.fromkeys(ALL, "active")
    assert account["type"] == "none"
    assert account["controller"] == {**CONTROLLER, "is_controller": True, "type": "application"}
    assert account["individual"]["verification"]["status"] == "verified"


@pytest.mark.parametrize("mode", ["instant", "verify"])
@pytest.mark.parametrize("wanted", [("transfers",), ("card_payments", "transfers"), ALL])
def test_a_missing_bank_account_is_past_due_and_stops_payouts_alone(platform, mode, wanted):
    platform.settings(onboarding=mode)

    account = account_of(platform, *wanted, **individual())

    due = account["requirements"]
    assert due["currently_due"] == due["eventually_due"] == due["past_due"] == ["external_account"]
    assert due["disabled_reason"] == "requirements.past_due"
    assert account["capabilities"] == dict.fromkeys(wanted, "active")
    assert account["charges_enabled"] and not account["payouts_enabled"] and not account["details_submitted"]


def test_an_individuals_account_shows_a_company_that_lives_where_they_do(platform):
    account = account_of(platform, business_type="individual", individual={"address": ADDRESS, "phone": "+15555550100"})

    assert account["company"] == {
        "address": {**ADDRESS, "line2": None},
        "directors_provided": True,
        "executives_provided": True,
        "name": None,
        "owners_provided": True,
        "phone": "+15555550100",
        "tax_id_provided": False,
        "verification": {"document": dict.fromkeys(("back", "details", "details_code", "front"))},
    }
    assert account["individual"]["address"] == account["company"]["address"]


@pytest.mark.parametrize("written", ["0000000000", "000-000-0000"])
@pytest.mark.parametrize("country", ["US", "GB"])
def test_the_test_phone_number_is_shown_as_one_of_north_america(platform, written, country):
    said = {"business_type": "individual", "individual": {"phone": written}, "country": country}

    account = account_of(platform, "transfers", **said)

    assert account["individual"]["phone"] == account["company"]["phone"] == "+10000000000"


def test_what_is_said_of_an_individuals_company_is_shown(platform):
    account = account_of(
        platform,
        business_type="individual",
        company={"name": "Bread", "tax_id": "000000000", "phone": "+15555550199"},
        individual={"phone": "+15555550100"},
    )

    company = account["company"]
    assert (company["name"], company["tax_id_provided"], company["phone"]) == ("Bread", True, "+15555550199")


def test_what_was_never_said_is_null_as_in_recorded_replies(platform):
    account = platform.made("/v1/accounts", type="custom", country="US")

    assert account["business_profile"] == dict.fromkeys(accounts.NO_PROFILE)
    assert account["external_accounts"] == {
        "object": "list",
        "data": [],
        "has_more": False,
        "total_count": 0,
        "url": f"/v1/accounts/{account['id']}/external_accounts",
    }
    settings = account["settings"]
    assert settings["card_issuing"] == {"tos_acceptance": {"date": None, "ip": None}}
    assert settings["invoices"] == {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"}
    assert list(settings["payments"]) == [
        "statement_descriptor",
        "statement_descriptor_kana",
        "statement_descriptor_kanji",
    ]
    assert account["tos_acceptance"] == {"date": None, "ip": None, "user_agent": None}


@pytest.mark.parametrize(
    "said, descriptor, prefix",
    [
        (
            {"business_profile": {"name": "Chuck Bartowski", "url": "https://example.com"}},
            "CHUCK BARTOWSKI",
            "CHUCK BART",
        ),
        ({"business_profile": {"url": "https://bread.example.com/a"}}, "BREAD.EXAMPLE.COM", "BREAD.EXAM"),
        ({"business_profile": {"url": "example.com:80"}}, "EXAMPLE.COM", "EXAMPLE.CO"),
        ({"business_profile": {"url": "http://[::1"}}, "[", "["),
        ({"business_type": "company", "company": {"name": "Rosen's Bakery"}}, "ROSENS BAKERY", "ROSENS BAK"),
        (
            {"business_type": "individual", "individual": {"first_name": "Jenny", "last_name": "Rosen"}},
            "JENNY ROSEN",
            "JENNY ROSE",
        ),
        ({"business_profile": {"name": "A name of a good many letters"}}, "A NAME OF A GOOD MANY", "A NAME OF"),
        ({"settings": {"payments": {"statement_descriptor": "Bread"}}}, "Bread", "Bread"),
    ],
)
def test_a_statement_descriptor_is_made_from_the_first_name_that_is_known(platform, said, descriptor, prefix):
    bare = platform.made("/v1/accounts", type="custom", country="US")

    at_once = platform.made("/v1/accounts", type="custom", country="US", **said)
    later = platform.made(f"/v1/accounts/{bare['id']}", **said)
    renamed = platform.made(f"/v1/accounts/{bare['id']}", business_profile={"name": "Other"})

    assert bare["settings"]["payments"]["statement_descriptor"] is None
    for account in (at_once, later, renamed):
        assert account["settings"]["payments"]["statement_descriptor"] == descriptor
        assert account["settings"]["card_payments"]["statement_descriptor_prefix"] == prefix


def test_the_browser_in_which_a_products_terms_were_accepted_is_shown_where_it_was_said(platform):
    told = {
        "card_issuing": {"tos_acceptance": {**TERMS, "user_agent": "Mozilla"}},
        "treasury": {"tos_acceptance": TERMS},
    }

    settings = account_of(platform, settings=told)["settings"]

    assert settings["card_issuing"]["tos_acceptance"] == {**TERMS, "user_agent": "Mozilla"}
    assert settings["treasury"]["tos_acceptance"] == TERMS


def test_an_individual_shows_of_rarely_given_members_what_was_given(platform):
    account = account_of(platform, business_type="individual")
    known = account_of(platform, business_type="individual", individual={"political_exposure": "none"})

    rare = {"additional_tos_acceptances", "nationality", "political_exposure"}
    assert rare & set(account["individual"]) == set()
    assert rare & set(known["individual"]) == {"political_exposure"}
    assert account["individual"]["relationship"]["authorizer"] is False


@pytest.mark.parametrize("kind", ["company", "government_entity", "non_profit"])
def test_a_companys_account_has_no_individual(platform, kind):
    account = account_of(platform, business_type=kind, individual={"first_name": "Jenny"})

    assert account["company"]["owners_provided"] is False
    assert "individual" not in account


@pytest.mark.parametrize("mode", ["instant", "verify"])
@pytest.mark.parametrize("wanted", [("transfers",), ("card_payments", "transfers"), ALL])
def test_an_account_with_a_bank_account_owes_nothing_and_is_paid_out(platform, mode, wanted):
    platform.settings(onboarding=mode)

    account = account_of(platform, *wanted, **individual(), external_account=BANK)

    assert account["requirements"]["currently_due"] == account["requirements"]["past_due"] == []
    assert account["requirements"]["disabled_reason"] is None
    assert account["charges_enabled"] and account["payouts_enabled"] and account["details_submitted"]
    assert account["external_accounts"]["data"][0]["default_for_currency"]
    assert account["external_accounts"]["url"] == f"/v1/accounts/{account['id']}/external_accounts"


def test_numbers_are_said_to_be_there_and_never_shown(platform):
    person, company = {"id_number": "123456789"}, {"tax_id": "987654321", "vat_id": "DE1", "name": "Co"}

    private = account_of(platform, business_type="individual", individual=person)
    firm = account_of(platform, business_type="company", company=company)

    assert private["individual"]["id_number_provided"] and private["individual"]["ssn_last_4_provided"]
    assert firm["company"]["tax_id_provided"] and firm["company"]["vat_id_provided"]
    assert "123456789" not in platform.get(f"/v1/accounts/{private['id']}").body.decode()
    assert "987654321" not in platform.get(f"/v1/accounts/{firm['id']}").body.decode()
    tenant = platform.app.emulator.tenants.open(platform.key.split("_", 2)[2])
    with tenant.stored.reading() as session:
        stored = str(session.all("SELECT data FROM account UNION SELECT data FROM person"))
    assert "123456789" not in stored and "987654321" not in stored


def test_a_parameterless_account_can_charge_and_receive_transfers_at_once(platform):
    platform.settings(onboarding="verify")

    account = platform.made("/v1/accounts")

    assert account["type"] == "standard"
    assert account["capabilities"] == {"card_payments": "active", "transfers": "active"}
    assert account["controller"]["stripe_dashboard"] == {"type": "full"}


@pytest.mark.parametrize(
    "kind, payer, losses, collection, dashboard",
    [(kind, *answers) for kind, answers in accounts.CONTROLLERS.items()],
)
def test_a_type_stands_for_a_controller(platform, kind, payer, losses, collection, dashboard):
    account = platform.made("/v1/accounts", type=kind)

    assert account["type"] == kind
    assert account["controller"] == accounts.controller_of(payer, losses, collection, dashboard)


@pytest.mark.parametrize(
    "country, currency", [("US", "usd"), ("GB", "gbp"), ("DE", "eur"), ("CH", "chf"), ("AR", "usd")]
)
def test_the_default_currency_is_that_of_the_country(platform, country, currency):
    account = account_of(platform, "transfers", country=country)

    assert account["default_currency"] == currency == currency_of(country)


def test_type_and_controller_exclude_each_other(platform):
    refusal = platform.post("/v1/accounts", type="custom", controller=CONTROLLER)

    assert refusal.status == 400
    assert (refusal.error["code"], refusal.error["param"]) == ("parameters_exclusive", "type")


@pytest.mark.parametrize("name", ["card_issuing", "treasury"])
@pytest.mark.parametrize("kind", ["standard", "express"])
def test_issuing_and_treasury_need_an_account_the_platform_answers_for(platform, name, kind):
    refusal = platform.post("/v1/accounts", type=kind, capabilities=asking(name))

    assert refusal.status == 400
    assert refusal.error["param"] == f"capabilities[{name}][requested]"
    assert platform.read("/v1/accounts")["data"] == []


def test_treasury_is_for_us_accounts_only(platform):
    refusal = platform.post("/v1/accounts", type="custom", country="GB", capabilities=asking("treasury", "transfers"))

    assert refusal.status == 400
    assert refusal.error["param"] == "capabilities[treasury][requested]"


def test_terms_are_stripes_own_matter_where_stripe_collects_requirements(platform):
    refusal = platform.post("/v1/accounts", type="standard", tos_acceptance=TERMS)

    assert (refusal.status, refusal.error["param"]) == (400, "tos_acceptance")


def test_cards_and_financial_accounts_work_without_a_bank_account(platform):
    inside = platform.acting_as(account_of(platform, "treasury", "card_issuing")["id"])

    financial_account = inside.made(
        "/v1/treasury/financial_accounts",
        supported_currencies=["usd"],
        features={"card_issuing": {"requested": True}},
    )
    holder = inside.made(
        "/v1/issuing/cardholders", name="Ada Example Bakery", type="company", billing={"address": STREET}
    )
    card = inside.made(
        "/v1/issuing/cards",
        cardholder=holder["id"],
        financial_account=financial_account["id"],
        currency="usd",
        type="virtual",
        status="active",
    )

    own = inside.read("/v1/account")
    assert own["requirements"]["past_due"] == ["external_account"]
    assert not own["charges_enabled"] and not own["payouts_enabled"]
    assert financial_account["active_features"] == ["card_issuing"]
    assert card["status"] == "active"


def test_charges_are_enabled_while_every_requested_part_of_their_way_is_active(platform):
    platform.settings(onboarding="verify")
    said = individual()
    del said["business_profile"]

    received = account_of(platform, "transfers", **said, external_account=BANK)
    halfway = platform.made(f"/v1/accounts/{received['id']}", capabilities=asking("card_payments"))

    assert received["charges_enabled"] and received["payouts_enabled"]
    assert halfway["capabilities"]["card_payments"] == "inactive"
    assert halfway["requirements"]["past_due"] == ["business_profile.mcc", "business_profile.url"]
    assert not halfway["charges_enabled"] and not halfway["payouts_enabled"] and halfway["details_submitted"]


def test_an_unknown_capability_is_an_unknown_parameter(platform):
    refusal = platform.post("/v1/accounts", capabilities=asking("flying"))

    assert refusal.error["code"] == "parameter_unknown"
    assert refusal.error["param"] == "capabilities[flying]"


def test_a_connected_account_opens_no_accounts(platform):
    account = account_of(platform)

    refusal = platform.acting_as(account["id"]).post("/v1/accounts", type="custom")

    assert refusal.status == 400
    assert refusal.error["message"].startswith("You can only create new accounts if you've signed up for Connect")


def test_a_platform_without_support_for_accounts_v1_opens_none_and_keeps_what_it_has(platform):
    known = account_of(platform)["id"]
    platform.settings(accounts_v1_support=False)

    refusal = platform.post("/v1/accounts", type="custom", country="US")

    assert refusal.status == 400
    assert refusal.error["type"] == "invalid_request_error"
    assert refusal.error["message"].startswith(
        "Stripe no longer recommends Accounts v1 for new Connect integrations. Create connected accounts with "
        "POST /v2/core/accounts instead: "
    )
    assert not {"code", "param"} & set(refusal.error)
    assert platform.made(f"/v1/accounts/{known}", email="a@example.com")["email"] == "a@example.com"
    assert [account["id"] for account in platform.read("/v1/accounts")["data"]] == [known]


def test_opening_an_account_is_not_announced(platform):
    account = account_of(platform)

    assert platform.events() == []
    assert platform.acting_as(account["id"]).events(type="account.*") == []


# Reading


def test_accounts_are_listed_newest_first_without_the_platform(platform):
    made = [account_of(platform)["id"] for _ in range(3)]

    page = platform.read("/v1/accounts", limit=2)
    rest = platform.read("/v1/accounts", starting_after=page["data"][-1]["id"])

    assert [account["id"] for account in page["data"] + rest["data"]] == made[::-1]
    assert page["has_more"] and not rest["has_more"]
    assert platform.acting_as(made[0]).read("/v1/accounts")["data"] == []


def test_accounts_are_filtered_by_time(platform):
    first = account_of(platform)
    platform.clock(advance=100)
    second = account_of(platform)

    since = platform.read("/v1/accounts", created={"gt": first["created"]})

    assert [account["id"] for account in since["data"]] == [second["id"]]


@pytest.mark.parametrize("suffix", ["", "/capabilities", "/capabilities/treasury", "/persons", "/external_accounts"])
def test_an_unknown_account_is_refused_like_a_foreign_one(app, platform, suffix):
    foreign = account_of(Client(app, platform.key + "other"))["id"]

    for id in ("acct_nope", foreign):
        refusal = platform.get(f"/v1/accounts/{id}{suffix}")
        masked = "sk_test_" + "*" * (len(platform.key) - 12) + platform.key[-4:]

        assert refusal.status == 403
        assert refusal.error["code"] == "account_invalid"
        assert refusal.error["doc_url"] == "https://stripe.com/docs/error-codes/account-invalid"
        assert refusal.error["message"] == (
            f"The provided key '{masked}' does not have access to account '{id}' (or that account does not exist). "
            "Application access may have been revoked."
        )


def test_a_path_and_a_header_that_name_different_accounts_are_refused(platform):
    one, other = account_of(platform)["id"], account_of(platform)["id"]

    refusal = platform.acting_as(one).get(f"/v1/accounts/{other}")

    assert refusal.status == 400
    assert refusal.error["message"] == (
        "The account specified in the path of /v1/accounts/:account does not match the account specified in the "
        "Stripe-Account header."
    )
    assert platform.acting_as(one).read(f"/v1/accounts/{one}") == platform.read(f"/v1/accounts/{one}")


def test_the_header_makes_the_account_the_current_one(platform):
    account = account_of(platform)

    assert platform.acting_as(account["id"]).read("/v1/account")["id"] == account["id"]


# Changing


def test_what_is_told_later_is_merged_with_what_was_known(platform):
    account = account_of(
        platform,
        business_type="individual",
        business_profile={"mcc": "5734", "support_address": {"city": "Berlin"}},
        individual={"first_name": "Jenny", "address": ADDRESS},
        metadata={"a": "1", "b": "2"},
    )
    path = f"/v1/accounts/{account['id']}"

    changed = platform.made(
        path,
        business_profile={"url": "https://example.com", "support_address": {"country": "DE"}},
        email="new@example.com",
        individual={"last_name": "Rosen", "address": {"city": "Oakland"}},
        metadata={"a": "", "c": "3"},
        settings={"payouts": {"schedule": {"interval": "weekly", "weekly_anchor": "monday"}}},
    )

    assert changed["business_profile"]["mcc"] == "5734"
    assert changed["business_profile"]["support_address"]["city"] == "Berlin"
    assert changed["business_profile"]["support_address"]["country"] == "DE"
    assert changed["individual"]["first_name"] == "Jenny" and changed["individual"]["last_name"] == "Rosen"
    assert changed["individual"]["address"]["line1"] == ADDRESS["line1"]
    assert changed["individual"]["address"]["city"] == "Oakland"
    assert changed["metadata"] == {"b": "2", "c": "3"}
    assert changed["settings"]["payouts"]["schedule"] == {
        "delay_days": 2,
        "interval": "weekly",
        "weekly_anchor": "monday",
    }
    assert platform.read(path) == changed


def test_a_change_is_announced_with_what_it_replaced(platform):
    account = account_of(platform, metadata={"order": "1"})

    platform.made(f"/v1/accounts/{account['id']}", metadata={"order": "2"}, email="a@example.com")

    (event,) = platform.acting_as(account["id"]).events(type="account.*")
    assert event["type"] == "account.updated"
    assert event["data"]["previous_attributes"] == {"email": None, "metadata": {"order": "1"}}
    assert event["data"]["object"]["email"] == "a@example.com"
    assert platform.events(type="account.*") == []


def test_a_change_that_changes_nothing_is_not_announced(platform):
    account = account_of(platform, email="a@example.com")

    platform.made(f"/v1/accounts/{account['id']}", email="a@example.com")

    assert platform.acting_as(account["id"]).events(type="account.*") == []


def test_a_batch_of_changes_is_announced_capabilities_first_and_the_account_last(platform):
    account = account_of(platform, "transfers", business_type="individual", individual={"first_name": "J"})

    platform.made(
        f"/v1/accounts/{account['id']}", capabilities=asking("card_payments"), individual={"first_name": "Jenny"}
    )

    told = platform.acting_as(account["id"]).events(types=["capability.updated", "person.updated", "account.updated"])
    assert [event["type"] for event in told] == ["capability.updated", "person.updated", "account.updated"]
    assert told[0]["data"]["object"]["id"] == "card_payments"
    before = told[0]["data"]["previous_attributes"]
    assert (before["status"], before["requested"], before["requested_at"]) == ("unrequested", False, None)
    assert told[1]["data"]["previous_attributes"] == {"first_name": "J"}
    assert told[2]["data"]["previous_attributes"]["capabilities"] == {"card_payments": None}
    assert told[2]["data"]["previous_attributes"]["individual"] == {"first_name": "J"}


def test_country_and_controller_may_be_repeated_but_not_changed(platform):
    path = f"/v1/accounts/{account_of(platform)['id']}"

    same = platform.post(path, country="US", controller=CONTROLLER)
    country = platform.post(path, country="GB")
    controller = platform.post(path, controller={"losses": {"payments": "stripe"}})

    assert same.status == 200
    assert (country.status, country.error["param"]) == (400, "country")
    assert (controller.status, controller.error["param"]) == (400, "controller[losses]")


@pytest.mark.parametrize(
    "schedule, code, param",
    [
        ({"interval": "weekly"}, "parameter_missing", "weekly_anchor"),
        ({"interval": "monthly"}, "parameter_missing", "monthly_anchor"),
        ({"interval": "daily", "weekly_anchor": "monday"}, None, "weekly_anchor"),
        ({"monthly_anchor": 3}, None, "monthly_anchor"),
    ],
)
def test_a_payout_schedule_needs_the_days_of_its_own_interval(platform, schedule, code, param):
    account = account_of(platform)

    refusal = platform.post(f"/v1/accounts/{account['id']}", settings={"payouts": {"schedule": schedule}})

    assert refusal.status == 400
    assert refusal.error.get("code") == code
    assert refusal.error["param"] == f"settings[payouts][schedule][{param}]"


def test_a_payout_delay_is_a_number_of_days_or_the_fewest(platform):
    path = f"/v1/accounts/{account_of(platform)['id']}"

    week = platform.made(path, settings={"payouts": {"schedule": {"delay_days": 7}}})
    fewest = platform.made(path, settings={"payouts": {"schedule": {"delay_days": "minimum"}}})

    assert week["settings"]["payouts"]["schedule"]["delay_days"] == 7
    assert fewest["settings"]["payouts"]["schedule"]["delay_days"] == 2


def test_everything_that_may_be_said_is_accepted(platform):
    said = {
        "business_profile": {
            "minority_owned_business_designation": ["women_owned_business"],
            "monthly_estimated_revenue": {"amount": 100, "currency": "usd"},
            "specified_commercial_transactions_act_url": "https://example.com/act",
        },
        "business_type": "company",
        "company": {
            "address_kana": {"town": "x"},
            "administrative_address": ADDRESS,
            "directorship_declaration": TERMS,
            "registration_date": {"day": 1, "month": 2, "year": 2020},
            "registration_number": "123",
            "structure": "llc",
            "verification": {"document": {"front": "file_identity_document_success"}},
        },
        "documents": {
            "proof_of_ultimate_beneficial_ownership": {"files": ["file_1"], "signer": {"person": "person_1"}}
        },
        "groups": {"payments_pricing": "group"},
        "settings": {
            "branding": {"icon": "file_1", "primary_color": "#000000"},
            "card_payments": {"decline_on": {"avs_failure": True}, "statement_descriptor_prefix": "CO"},
            "paypay_payments": {
                "site": {"in_development": {"password": "p", "username": "u"}, "type": "in_development"}
            },
            "sepa_debit_payments": {"creditor_id": "DE98ZZZ"},
        },
    }

    account = account_of(platform, "transfers", **said)

    assert account["company"]["structure"] == "llc"
    assert account["company"]["registration_date"] == {"day": 1, "month": 2, "year": 2020}
    assert account["groups"] == {"payments_pricing": "group"}
    assert account["settings"]["card_payments"]["decline_on"] == {"avs_failure": True, "cvc_failure": False}
    site = account["settings"]["paypay_payments"]["site"]
    assert site["in_development"] == {"password_provided": True, "username": "u"}


def test_the_platforms_own_account_is_not_changed_through_the_api(platform):
    own = platform.read("/v1/account")["id"]

    for refusal in (
        platform.post(f"/v1/accounts/{own}", email="a@example.com"),
        platform.delete(f"/v1/accounts/{own}"),
        platform.post(f"/v1/accounts/{own}/reject", reason="other"),
        platform.post(f"/v1/accounts/{own}/capabilities/treasury", requested=False),
    ):
        assert refusal.status == 400
        assert refusal.error["message"].startswith("You cannot use this method on your own account")


# The end


def test_a_deleted_account_is_gone_for_everybody(platform):
    account = account_of(platform)["id"]
    kept = account_of(platform)["id"]

    gone = platform.delete(f"/v1/accounts/{account}")

    assert gone.json == {"id": account, "object": "account", "deleted": True}
    assert [one["id"] for one in platform.read("/v1/accounts")["data"]] == [kept]
    for refusal in (
        platform.get(f"/v1/accounts/{account}"),
        platform.post(f"/v1/accounts/{account}", email="a@example.com"),
        platform.delete(f"/v1/accounts/{account}"),
        platform.acting_as(account).get("/v1/account"),
    ):
        assert (refusal.status, refusal.error["code"]) == (403, "account_invalid")


def test_deleting_an_account_tells_the_platform_as_an_event_of_that_account(platform):
    account = account_of(platform)["id"]

    platform.delete(f"/v1/accounts/{account}")

    tenant = platform.app.emulator.tenants.open(platform.key.split("_", 2)[2])
    with tenant.stored.reading() as session:
        ((told, data),) = session.all("SELECT account, data FROM event WHERE type = 'account.application.deauthorized'")
    assert (told, json.loads(data)["data"]["object"]["object"]) == (account, "application")


def test_a_proof_of_registration_is_taken_with_a_new_account_too(platform):
    proof = {"files": ["file_identity_document_success"], "signer": {"person": "person_1"}}

    made = platform.made("/v1/accounts", controller=CONTROLLER, documents={"proof_of_registration": proof})

    assert "documents" not in made


def test_individual_and_bank_account_can_be_expanded_into(platform):
    account = account_of(platform, external_account=BANK, **individual())

    expanded = platform.get(
        f"/v1/accounts/{account['id']}",
        expand=["external_accounts.data.account", "individual.verification.document.front"],
    )

    assert expanded.status == 200
    assert expanded.json["external_accounts"]["data"][0]["account"]["id"] == account["id"]
