"""Accounts of v2: opened, told more, managed through v1 where only v1 can, and closed."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from emulator.connect.records.accounts_v2 import CONFIGURATIONS
from emulator.data.accounts_v2 import MERCHANT_CAPABILITIES
from tests.client import Client
from tests.connect.shapes import BANK, TERMS, account_of
from tests.serving import served

ACCOUNTS = "/v2/core/accounts"
RESPONSIBLE = {"responsibilities": {"fees_collector": "application", "losses_collector": "application"}}
ASKING = {"requested": True}
MERCHANT = {"capabilities": {"card_payments": ASKING}}
RECIPIENT = {"capabilities": {"stripe_balance": {"stripe_transfers": ASKING}}}
RESTRICTED = {
    "status": "restricted",
    "status_details": [{"code": "requirements_past_due", "resolution": "provide_info"}],
}
ACTIVE = {"status": "active", "status_details": []}
INCLUDED = [
    *(f"configuration.{name}" for name in CONFIGURATIONS),
    "defaults",
    "future_requirements",
    "identity",
    "requirements",
]


def opened(platform: Client, country: str = "US", **more: Any) -> dict[str, Any]:
    """A merchant and recipient without a dashboard, for whom the platform answers."""
    params = {
        "configuration": {"merchant": MERCHANT, "recipient": RECIPIENT},
        "dashboard": "none",
        "defaults": RESPONSIBLE,
        "identity": {"country": country, **more.pop("identity", {})},
    }
    return platform.made(ACCOUNTS, **params | more)


def refused(platform: Client, path: str = ACCOUNTS, **params: Any) -> tuple[str, str]:
    """Code and message of a refusal, after which there are as many accounts as before."""
    before = platform.read("/v1/accounts", limit=100)["data"]
    answer = platform.post(path, **params)
    assert answer.status == 400, answer.json
    assert platform.read("/v1/accounts", limit=100)["data"] == before
    return answer.error["code"], answer.error["message"]


# As recorded


def test_an_account_is_opened_as_recorded_replies_have_it(platform):
    platform.settings(onboarding="verify")

    account = platform.made(
        ACCOUNTS,
        configuration={
            "merchant": {
                **MERCHANT,
                "statement_descriptor": {"descriptor": "ADA"},
                "support": {"address": {"country": "de", "city": "Berlin"}, "email": "help@example.com"},
            },
            "recipient": RECIPIENT,
        },
        contact_email="ada@example.com",
        dashboard="express",
        defaults=RESPONSIBLE,
        identity={"country": "de", "entity_type": "company"},
        include=["configuration.merchant", "configuration.recipient", "identity"],
    )

    assert account.pop("id").startswith("acct_") and account.pop("created").endswith(".000Z")
    assert account == {
        "object": "v2.core.account",
        "applied_configurations": ["merchant", "recipient"],
        "closed": False,
        "configuration": {
            "customer": None,
            "merchant": {
                "applied": True,
                "capabilities": {"card_payments": RESTRICTED, "stripe_balance": {"payouts": RESTRICTED}},
                "card_payments": {"decline_on": {"avs_failure": False, "cvc_failure": False}},
                "statement_descriptor": {"descriptor": "ADA", "prefix": None},
                "support": {
                    "address": {
                        "city": "Berlin",
                        "country": "DE",
                        "line1": None,
                        "line2": None,
                        "postal_code": None,
                        "state": None,
                        "town": None,
                    },
                    "email": "help@example.com",
                    "phone": None,
                    "url": None,
                },
            },
            "recipient": {
                "applied": True,
                "capabilities": {"stripe_balance": {"payouts": RESTRICTED, "stripe_transfers": RESTRICTED}},
            },
        },
        "contact_email": "ada@example.com",
        "contact_phone": None,
        "dashboard": "express",
        "defaults": None,
        "display_name": None,
        "future_requirements": None,
        "identity": {
            "attestations": {
                "persons_provided": {
                    "directors": False,
                    "executives": False,
                    "owners": False,
                    "ownership_exemption_reason": None,
                }
            },
            "business_details": None,
            "country": "DE",
            "entity_type": "company",
            "individual": None,
        },
        "livemode": False,
        "metadata": {},
        "requirements": None,
    }


def test_nothing_is_shown_that_is_not_included(platform):
    account = opened(platform)

    bare = platform.read(f"{ACCOUNTS}/{account['id']}")
    whole = platform.read(f"{ACCOUNTS}/{account['id']}", include=INCLUDED)

    names = ("configuration", "defaults", "future_requirements", "identity", "requirements")
    assert bare == account and {bare[name] for name in names} == {None}
    assert all(whole[name] is not None for name in names)
    assert whole["configuration"]["customer"] is None
    assert whole["future_requirements"]["entries"] == []


# One record with v1


def test_what_v2_is_told_v1_knows(platform):
    account = opened(
        platform,
        contact_email="ada@example.com",
        display_name="Ada's",
        metadata={"a": "1"},
        identity={
            "entity_type": "company",
            "attestations": {
                "persons_provided": {"owners": True},
                "terms_of_service": {"account": {"date": "2023-11-14T22:13:20Z", "ip": "8.8.8.8"}},
            },
            "business_details": {
                "address": {"city": "Oakland", "country": "us"},
                "annual_revenue": {"amount": {"value": 5, "currency": "usd"}, "fiscal_year_end": "2024-12-31"},
                "documents": {"proof_of_address": {"type": "files", "files": ["file_1"]}},
                "estimated_worker_count": 3,
                "id_numbers": [{"type": "us_ein", "value": "000000000"}],
                "phone": "0000000000",
                "registered_name": "Ada Inc.",
                "structure": "llc",
            },
        },
        configuration={
            "merchant": {**MERCHANT, "mcc": "5734", "support": {"phone": "1"}, "branding": {"primary_color": "#000000"}}
        },
    )
    defaults = {"profile": {"business_url": "https://example.com", "doing_business_as": "Ada"}}
    platform.made(f"{ACCOUNTS}/{account['id']}", defaults=defaults)

    known = platform.read(f"/v1/accounts/{account['id']}")

    assert (known["type"], known["email"], known["metadata"]) == ("none", "ada@example.com", {"a": "1"})
    assert known["controller"]["requirement_collection"] == "application"
    assert known["tos_acceptance"] == {**TERMS, "user_agent": None}
    assert known["company"]["name"] == "Ada Inc." and known["company"]["tax_id_provided"]
    assert (known["company"]["structure"], known["company"]["owners_provided"]) == ("llc", True)
    assert known["company"]["address"]["city"] == "Oakland"
    profile = known["business_profile"]
    assert (profile["mcc"], profile["url"], profile["name"]) == ("5734", "https://example.com", "Ada")
    assert profile["annual_revenue"] == {"amount": 5, "currency": "usd", "fiscal_year_end": "2024-12-31"}
    assert (profile["estimated_worker_count"], profile["support_phone"]) == (3, "1")
    assert known["settings"]["dashboard"]["display_name"] == "Ada's"
    assert known["settings"]["branding"]["primary_color"] == "#000000"
    assert known["capabilities"] == {"card_payments": "active"}


def test_what_v1_is_told_v2_shows(platform):
    account = account_of(
        platform,
        "card_payments",
        "transfers",
        "treasury",
        business_type="company",
        business_profile={"mcc": "5734", "name": "Ada", "support_email": "help@example.com"},
        company={"name": "Ada Inc.", "tax_id": "000000000", "vat_id": "1", "address": {"city": "Oakland"}},
        email="ada@example.com",
        settings={"payments": {"statement_descriptor": "ADA"}},
        tos_acceptance=TERMS,
    )

    shown = platform.read(f"{ACCOUNTS}/{account['id']}", include=INCLUDED)

    merchant, identity = shown["configuration"]["merchant"], shown["identity"]
    assert shown["applied_configurations"] == ["merchant", "recipient"]
    assert (shown["contact_email"], shown["display_name"], shown["dashboard"]) == ("ada@example.com", "Ada", "none")
    assert shown["defaults"]["profile"] == {"doing_business_as": "Ada"}
    assert shown["defaults"]["responsibilities"] == {
        "fees_collector": "application",
        "losses_collector": "application",
        "requirements_collector": "application",
    }
    assert (merchant["mcc"], merchant["statement_descriptor"]["descriptor"]) == ("5734", "ADA")
    assert merchant["support"]["email"] == "help@example.com"
    assert identity["business_details"] == {
        "address": {"city": "Oakland"},
        "id_numbers": [{"registrar": None, "type": "us_ein"}],
        "registered_name": "Ada Inc.",
    }
    assert identity["attestations"]["terms_of_service"]["account"]["date"] == "2023-11-14T22:13:20.000Z"


def test_issuing_and_treasury_are_asked_for_in_v1_of_an_account_opened_in_v2(platform):
    account = opened(platform, identity={"entity_type": "individual"})["id"]

    for name in ("treasury", "card_issuing"):
        asked = platform.made(f"/v1/accounts/{account}/capabilities/{name}", requested=True)
        assert asked["status"] == "active"
    inside = platform.acting_as(account)
    features = {"card_issuing": {"requested": True}}
    bank = inside.made("/v1/treasury/financial_accounts", supported_currencies=["usd"], features=features)

    assert bank["active_features"] == ["card_issuing"]
    shown = platform.read(f"{ACCOUNTS}/{account}", include=["configuration.merchant", "configuration.recipient"])
    assert list(shown["configuration"]["merchant"]["capabilities"]) == ["card_payments", "stripe_balance"]
    assert shown["applied_configurations"] == ["merchant", "recipient"]


@pytest.mark.parametrize("name", ["card_creator", "card_issuing", "issuing", "storer", "treasury"])
def test_a_configuration_for_issuing_is_refused_with_where_to_ask_for_it(platform, name):
    code, message = refused(platform, configuration={name: {"capabilities": {}}})

    assert code == "invalid_request"
    assert message.startswith("Accounts v2 has no Issuing or Treasury workflows.")
    assert "POST /v1/accounts/{account}/capabilities/{capability}" in message
    assert f"(configuration[{name}])" in message


@pytest.mark.parametrize("configuration", ["merchant", "recipient"])
@pytest.mark.parametrize("name", ["card_issuing", "treasury"])
def test_a_capability_that_only_v1_has_is_refused_with_where_to_ask_for_it(platform, configuration, name):
    _, message = refused(platform, configuration={configuration: {"capabilities": {name: ASKING}}})

    assert message.startswith("Accounts v2 has no Issuing or Treasury workflows.")
    assert f"(configuration[{configuration}][capabilities][{name}])" in message


@pytest.mark.parametrize(
    "configuration, param",
    [
        ({"customer": {"capabilities": {"automatic_indirect_tax": ASKING}}}, "automatic_indirect_tax"),
        ({"recipient": {"capabilities": {"bank_accounts": {"local": ASKING}}}}, "bank_accounts"),
        ({"recipient": {"capabilities": {"cards": ASKING}}}, "cards"),
    ],
)
def test_what_belongs_to_other_products_is_refused_by_name(platform, configuration, param):
    answer = platform.post(ACCOUNTS, configuration=configuration, identity={"country": "US"})

    assert (answer.status, answer.error["code"]) == (501, "not_implemented")
    assert answer.error["message"].endswith(f"[capabilities][{param}] out.")
    assert answer.headers["Emulator-Not-Implemented"] == "true"
    assert platform.read(ACCOUNTS)["data"] == []


@pytest.mark.parametrize(
    "params",
    [
        {"configuration": {"customer": {"automatic_indirect_tax": {"validate_location": "auto"}}}},
        {"configuration": {"customer": {"billing": {"default_payment_method": "pm_1"}}}},
        {"defaults": {"payout_methods": {"default": "x"}}},
        {"identity": {"attestations": {"terms_of_service": {"money_manager": {"ip": "8.8.8.8"}}}}},
    ],
)
def test_what_is_not_built_is_refused_by_name_of_an_account_too(platform, params):
    account = opened(platform)

    answer = platform.post(f"{ACCOUNTS}/{account['id']}", **params)

    assert (answer.status, answer.error["code"]) == (501, "not_implemented")
    assert platform.read(f"{ACCOUNTS}/{account['id']}") == account


@pytest.mark.parametrize("name", MERCHANT_CAPABILITIES)
def test_every_capability_of_a_merchant_can_be_asked_for(platform, name):
    configuration = {"merchant": {"capabilities": {name: ASKING}}}

    account = opened(platform, configuration=configuration, include=["configuration.merchant"])

    assert account["configuration"]["merchant"]["capabilities"][name] == ACTIVE


# Opening


@pytest.mark.parametrize("name", ["merchant", "recipient"])
def test_who_is_to_have_money_has_to_be_somewhere(platform, name):
    assert refused(platform, configuration={name: {}})[0] == "identity_country_required"


def test_a_customer_may_be_anywhere_until_it_is_told_where(platform):
    customer = platform.made(ACCOUNTS, configuration={"customer": {}}, include=["identity", "defaults"])

    path = f"{ACCOUNTS}/{customer['id']}"
    assert platform.post(path, configuration={"merchant": MERCHANT}).error["code"] == "identity_country_required"
    told = platform.made(path, identity={"country": "gb"}, include=["identity", "defaults"])
    assert (customer["identity"]["country"], customer["defaults"]["currency"]) == (None, None)
    assert (told["identity"]["country"], told["defaults"]["currency"]) == ("GB", "gbp")
    elsewhere = platform.post(path, identity={"country": "DE"})
    assert "The country of an account cannot be changed: it is GB." in elsewhere.error["message"]


def test_a_customer_is_shown_as_it_was_said(platform):
    said = {
        "automatic_indirect_tax": {"exempt": "none"},
        "billing": {"invoice": {"prefix": "ADA", "custom_fields": [{"name": "a", "value": "b"}]}},
        "shipping": {"name": "Ada", "address": {"city": "Oakland"}},
    }

    account = platform.made(ACCOUNTS, configuration={"customer": said}, include=["configuration.customer"])
    changed = platform.made(
        f"{ACCOUNTS}/{account['id']}",
        configuration={"customer": {"shipping": {"name": None, "phone": "1"}}},
        include=["configuration.customer"],
    )

    assert account["configuration"]["customer"] == {**said, "applied": True, "capabilities": None}
    assert changed["configuration"]["customer"]["shipping"] == {"address": {"city": "Oakland"}, "phone": "1"}


@pytest.mark.parametrize(
    "dashboard, losses, collects",
    [("none", "application", "application"), ("none", "stripe", "stripe"), ("express", "application", "stripe")],
)
def test_who_collects_requirements_follows_from_dashboard_and_losses(platform, dashboard, losses, collects):
    responsible = {"responsibilities": {"fees_collector": "stripe", "losses_collector": losses}}

    account = opened(platform, dashboard=dashboard, defaults=responsible, include=["defaults"])

    assert account["defaults"]["responsibilities"] == {
        "fees_collector": "stripe",
        "losses_collector": losses,
        "requirements_collector": collects,
    }
    assert platform.read(f"/v1/accounts/{account['id']}")["controller"]["fees"]["payer"] == "account"


def test_without_a_word_stripe_answers_for_a_merchant_who_has_the_whole_dashboard(platform):
    params = {"configuration": {"merchant": MERCHANT}, "identity": {"country": "US"}}

    account = platform.made(ACCOUNTS, **params, include=["defaults"])

    assert (account["dashboard"], account["defaults"]["responsibilities"]["losses_collector"]) == ("full", "stripe")


def test_terms_are_accepted_for_nobody_whose_requirements_stripe_collects(platform):
    terms = {"attestations": {"terms_of_service": {"account": {"date": "2023-11-14T22:13:20Z", "ip": "8.8.8.8"}}}}

    _, message = refused(platform, dashboard="express", defaults=RESPONSIBLE, identity={"country": "US", **terms})

    assert "(identity[attestations][terms_of_service][account])" in message


def test_a_connected_account_opens_none(platform):
    account = opened(platform)

    answer = platform.acting_as(account["id"]).post(ACCOUNTS, identity={"country": "US"})

    assert answer.status == 400 and "signed up for Connect" in answer.error["message"]


def test_accounts_are_opened_in_v2_where_v1_opens_none_any_more(platform):
    platform.settings(accounts_v1_support=False)

    assert "POST /v2/core/accounts instead" in platform.post("/v1/accounts", country="US").error["message"]
    assert opened(platform)["closed"] is False


# Requirements


def test_what_is_due_is_named_as_v2_names_it(platform):
    platform.settings(onboarding="verify")
    account = opened(platform, identity={"entity_type": "individual"}, include=["requirements"])

    entries = {entry["description"]: entry for entry in account["requirements"]["entries"]}

    assert set(entries) == {
        "configuration.merchant.mcc",
        "defaults.profile.business_url",
        "external_account",
        "identity.attestations.terms_of_service.account.date",
        "identity.attestations.terms_of_service.account.ip",
        *(f"identity.individual.address.{name}" for name in ("city", "line1", "postal_code", "state")),
        *(f"identity.individual.date_of_birth.{name}" for name in ("day", "month", "year")),
        "identity.individual.given_name",
        "identity.individual.id_numbers.us_ssn_last_4",
        "identity.individual.phone",
        "identity.individual.surname",
    }
    assert entries["configuration.merchant.mcc"] == {
        "awaiting_action_from": "user",
        "description": "configuration.merchant.mcc",
        "errors": [],
        "impact": {
            "restricts_capabilities": [
                {"capability": "card_payments", "configuration": "merchant", "deadline": {"status": "past_due"}}
            ]
        },
        "minimum_deadline": {"status": "past_due"},
        "reference": None,
        "requested_reasons": [{"code": "routine_onboarding"}],
    }
    restricted = entries["external_account"]["impact"]["restricts_capabilities"]
    assert [(one["configuration"], one["capability"]) for one in restricted] == [
        ("merchant", "stripe_balance.payouts"),
        ("recipient", "stripe_balance.payouts"),
    ]
    assert account["requirements"]["summary"] == {"minimum_deadline": {"status": "past_due", "time": None}}
    (url, ssn) = account["requirements"]["alternatives"]
    assert url == {
        "options": [
            {
                "entries": [
                    {
                        "awaiting_action_from": "user",
                        "description": "defaults.profile.product_description",
                        "errors": [],
                        "reference": None,
                    }
                ]
            }
        ],
        "original_entries": [{"description": "defaults.profile.business_url", "reference": None}],
    }
    assert ssn["original_entries"][0]["description"] == "identity.individual.id_numbers.us_ssn_last_4"
    assert ssn["options"][0]["entries"][0]["description"] == "identity.individual.verification.document"


def test_what_only_treasury_asks_for_is_not_asked_for_in_v2(platform):
    platform.settings(onboarding="verify")
    account = opened(platform)["id"]
    before = platform.read(f"{ACCOUNTS}/{account}", include=["requirements"])["requirements"]

    platform.made(f"/v1/accounts/{account}/capabilities/treasury", requested=True)

    due = platform.read(f"/v1/accounts/{account}")["requirements"]["past_due"]
    assert "settings.treasury.tos_acceptance.date" in due
    assert platform.read(f"{ACCOUNTS}/{account}", include=["requirements"])["requirements"] == before


def test_a_company_is_onboarded_through_v2_alone(platform):
    platform.settings(onboarding="verify")
    account = opened(platform, identity={"entity_type": "company"})["id"]
    path = f"{ACCOUNTS}/{account}"
    accepted = {"date": "2023-11-14T22:13:20Z", "ip": "8.8.8.8"}
    street = {"line1": "1 Main St", "city": "Oakland", "state": "CA", "postal_code": "94111", "country": "us"}

    platform.made(
        path,
        configuration={"merchant": {"mcc": "5734"}},
        defaults={"profile": {"business_url": "https://accessible.stripe.com"}},
        identity={
            "attestations": {
                "persons_provided": {"owners": True},
                "terms_of_service": {"account": accepted},
            },
            "business_details": {
                "address": street,
                "id_numbers": [{"type": "us_ein", "value": "222222222"}],
                "phone": "0000000000",
                "registered_name": "Ada Inc.",
            },
        },
    )
    platform.made(
        f"{path}/persons",
        address=street,
        date_of_birth={"day": 1, "month": 1, "year": 1902},
        email="ada@example.com",
        given_name="Ada",
        id_numbers=[{"type": "us_ssn", "value": "222222222"}],
        phone="0000000000",
        relationship={"representative": True, "executive": True, "title": "CEO"},
        surname="Example",
    )
    shown = platform.read(path, include=INCLUDED)
    platform.made(f"/v1/accounts/{account}/external_accounts", external_account=BANK)
    paid_out = platform.read(path, include=["configuration.merchant", "requirements"])

    assert [entry["description"] for entry in shown["requirements"]["entries"]] == ["external_account"]
    assert shown["configuration"]["merchant"]["capabilities"]["card_payments"] == ACTIVE
    assert shown["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"] == ACTIVE
    assert shown["configuration"]["merchant"]["capabilities"]["stripe_balance"]["payouts"] == RESTRICTED
    assert paid_out["configuration"]["merchant"]["capabilities"]["stripe_balance"]["payouts"] == ACTIVE
    assert paid_out["requirements"] == {"alternatives": [], "entries": [], "summary": {"minimum_deadline": None}}


def test_what_is_being_verified_waits_for_stripe(platform):
    platform.settings(onboarding="verify", progress="never")
    account = account_of(platform, "transfers", business_type="individual")["id"]
    path = f"{ACCOUNTS}/{account}"
    platform.made(
        path,
        identity={
            "attestations": {"terms_of_service": {"account": {"date": "2023-11-14T22:13:20Z", "ip": "8.8.8.8"}}},
            "individual": {
                "address": {"line1": "address_full_match", "country": "US"},
                "date_of_birth": {"day": 1, "month": 1, "year": 1901},
                "email": "ada@example.com",
                "given_name": "Ada",
                "id_numbers": [{"type": "us_ssn", "value": "000000000"}],
                "phone": "0000000000",
                "surname": "Example",
            },
        },
    )

    shown = platform.read(path, include=["requirements", "configuration.recipient"])

    waiting = [one for one in shown["requirements"]["entries"] if one["awaiting_action_from"] == "stripe"]
    assert "identity.individual.id_numbers.us_ssn" in [one["description"] for one in waiting]
    assert {one["requested_reasons"][0]["code"] for one in waiting} == {"routine_verification"}
    assert shown["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"] == {
        "status": "pending",
        "status_details": [{"code": "requirements_pending_verification", "resolution": "no_resolution"}],
    }


def test_a_rejected_account_has_rejected_capabilities(platform):
    account = opened(platform)["id"]

    platform.made(f"/v1/accounts/{account}/reject", reason="fraud_other")

    shown = platform.read(f"{ACCOUNTS}/{account}", include=["configuration.merchant"])
    rejected = {
        "status": "rejected",
        "status_details": [{"code": "rejected_platform_fraud", "resolution": "no_resolution"}],
    }
    assert shown["configuration"]["merchant"]["capabilities"] == {
        "card_payments": rejected,
        "stripe_balance": {"payouts": rejected},
    }


# Changing


def test_null_unsets_and_what_is_not_mentioned_stays(platform):
    account = opened(
        platform,
        contact_phone="1",
        defaults={
            **RESPONSIBLE,
            "locales": ["de"],
            "profile": {"doing_business_as": "A", "business_url": "https://b.co"},
        },
        identity={
            "business_details": {
                "additional_addresses": [{"purpose": "administrative", "line1": "x"}],
                "annual_revenue": {"fiscal_year_end": "2024-12-31"},
                "registered_name": "Ada",
            }
        },
        metadata={"a": "1", "b": "2"},
    )

    changed = platform.made(
        f"{ACCOUNTS}/{account['id']}",
        contact_phone=None,
        defaults={"locales": None, "profile": {"doing_business_as": None}},
        identity={"business_details": {"additional_addresses": None, "annual_revenue": None}},
        include=["defaults", "identity"],
        metadata={"a": None},
    )

    assert (account["contact_phone"], changed["contact_phone"]) == ("1", None)
    assert changed["metadata"] == {"b": "2"}
    assert "locales" not in changed["defaults"]
    assert changed["defaults"]["profile"] == {"business_url": "https://b.co"}
    assert changed["identity"]["business_details"] == {"registered_name": "Ada"}
    assert platform.read(f"/v1/accounts/{account['id']}")["business_profile"]["annual_revenue"] is None


def test_terms_can_be_taken_back(platform):
    accepted = {"account": {"date": "2023-11-14T22:13:20Z", "ip": "8.8.8.8"}}
    account = opened(platform, identity={"attestations": {"terms_of_service": accepted}})["id"]

    terms = {"attestations": {"terms_of_service": {"account": None}}}
    changed = platform.made(f"{ACCOUNTS}/{account}", identity=terms, include=["identity"])

    assert "terms_of_service" not in changed["identity"]["attestations"]
    assert platform.read(f"/v1/accounts/{account}")["tos_acceptance"]["date"] is None


def test_a_configuration_is_added_and_given_up(platform):
    account = opened(platform, configuration={"recipient": RECIPIENT})
    path = f"{ACCOUNTS}/{account['id']}"

    both = platform.made(path, configuration={"merchant": MERCHANT, "customer": {}})
    left = platform.made(path, configuration={"merchant": {"applied": False}}, include=["configuration.merchant"])
    again = platform.made(path, configuration={"merchant": {"applied": True}}, include=["configuration.merchant"])

    assert account["applied_configurations"] == ["recipient"]
    assert both["applied_configurations"] == ["customer", "merchant", "recipient"]
    assert left["applied_configurations"] == ["customer", "recipient"]
    assert left["configuration"]["merchant"]["applied"] is False
    assert left["configuration"]["merchant"]["capabilities"] is None
    assert again["applied_configurations"] == ["customer", "merchant", "recipient"]
    assert again["configuration"]["merchant"]["applied"] is True
    assert platform.read(f"/v1/accounts/{account['id']}")["capabilities"] == {"transfers": "active"}


def test_asking_for_a_capability_in_v1_brings_its_configuration(platform):
    account = platform.made(ACCOUNTS, configuration={"customer": {}}, identity={"country": "US"})["id"]

    platform.made(f"/v1/accounts/{account}/capabilities/transfers", requested=True)

    assert platform.read(f"{ACCOUNTS}/{account}")["applied_configurations"] == ["customer", "recipient"]
    assert [one["id"] for one in platform.read(ACCOUNTS, applied_configurations=["recipient"])["data"]] == [account]


def test_who_answers_for_an_account_is_settled_once_money_moves(platform):
    customer = platform.made(ACCOUNTS, configuration={"customer": {}}, identity={"country": "US"})["id"]

    path = f"{ACCOUNTS}/{customer}"
    merchant = platform.made(path, configuration={"merchant": MERCHANT}, dashboard="none", defaults=RESPONSIBLE)
    other = platform.post(path, dashboard="express")
    same = platform.made(path, dashboard="none", defaults=RESPONSIBLE)

    assert (merchant["dashboard"], same["dashboard"]) == ("none", "none")
    assert other.status == 400 and other.error["message"].endswith("(dashboard)")
    stripes = {"responsibilities": {"fees_collector": "stripe", "losses_collector": "stripe"}}
    assert platform.post(path, defaults=stripes).error["message"].endswith("(defaults[responsibilities])")


def test_a_permanent_capability_is_not_given_back(platform):
    account = opened(platform)["id"]

    wish = {"merchant": {"capabilities": {"card_payments": {"requested": False}}}}
    answer = platform.post(f"{ACCOUNTS}/{account}", configuration=wish)

    assert answer.status == 400
    assert "(configuration[merchant][capabilities][card_payments][requested])" in answer.error["message"]


def test_v1_is_told_of_what_changes_in_v2(platform):
    account = opened(platform, configuration={"recipient": RECIPIENT})["id"]
    inside = platform.acting_as(account)

    platform.made(f"{ACCOUNTS}/{account}", contact_email="ada@example.com", configuration={"merchant": MERCHANT})

    capability, updated = inside.events()
    assert (capability["type"], capability["data"]["object"]["id"]) == ("capability.updated", "card_payments")
    assert updated["type"] == "account.updated"
    assert updated["data"]["object"]["object"] == "account"
    assert updated["data"]["previous_attributes"]["email"] is None


def test_an_account_reads_and_changes_itself_and_no_other(platform):
    account, other = opened(platform)["id"], opened(platform)["id"]
    inside = platform.acting_as(account)

    changed = inside.made(f"{ACCOUNTS}/{account}", display_name="Ada", include=["identity"])
    by_context = platform.get(f"{ACCOUNTS}/{account}", headers={"Stripe-Context": account}, include=["identity"])

    assert (changed["display_name"], changed["identity"]["country"]) == ("Ada", "US")
    assert by_context.json == changed
    assert inside.get(f"{ACCOUNTS}/{other}").error == {"code": "not_found", "message": f"No such account: '{other}'"}
    assert inside.read(ACCOUNTS)["data"] == []


# Refusals


@pytest.mark.parametrize(
    "params, code, says",
    [
        ({"foo": 1}, "parameter_unknown", "foo"),
        ({"contact_email": "x"}, "email_invalid", "contact_email"),
        ({"contact_email": ""}, "invalid_request", "contact_email"),
        ({"contact_email": 5}, "invalid_request", "contact_email"),
        ({"dashboard": "half"}, "invalid_request", "must be one of express, full, or none"),
        ({"defaults": []}, "invalid_request", "defaults"),
        ({"defaults": {"currency": "xxx"}}, "invalid_request", "Invalid currency"),
        ({"defaults": {"locales": ["xx"]}}, "invalid_request", "defaults[locales][0]"),
        ({"defaults": {"responsibilities": {"fees_collector": "stripe"}}}, "parameter_missing", "losses_collector"),
        ({"identity": {"country": "XX"}}, "country_unsupported", "identity[country]"),
        ({"identity": {"entity_type": "x"}}, "invalid_request", "identity[entity_type]"),
        ({"identity": {"individual": {"date_of_birth": {"day": 1}}}}, "parameter_missing", "[month]"),
        ({"identity": {"individual": {"address": {"city": "x"}}}}, "parameter_missing", "[address][country]"),
        ({"identity": {"business_details": {"estimated_worker_count": True}}}, "parameter_invalid_integer", "true"),
        (
            {"identity": {"business_details": {"id_numbers": [{"type": "x", "value": "1"}]}}},
            "invalid_request",
            "[type]",
        ),
        ({"configuration": {"merchant": {"mcc": "12"}}}, "invalid_request", "four digits"),
        ({"configuration": {"merchant": {"capabilities": {"x": ASKING}}}}, "parameter_unknown", "[capabilities][x]"),
        (
            {"configuration": {"merchant": {"capabilities": {"card_payments": {}}}}},
            "parameter_missing",
            "[card_payments][requested]",
        ),
        (
            {"configuration": {"merchant": {"capabilities": {"card_payments": {"requested": "true"}}}}},
            "invalid_request",
            "Invalid boolean: true",
        ),
        ({"configuration": {"merchant": {"statement_descriptor": {"descriptor": "x" * 23}}}}, "invalid_request", "22"),
        ({"configuration": {"merchant": None}}, "invalid_request", "configuration[merchant]"),
        ({"metadata": {"a": ""}}, "invalid_request", "metadata[a]"),
        ({"include": ["configuration"]}, "invalid_request", "Invalid include[0]"),
        ({"expand": ["x"]}, "parameter_unknown", "expand"),
    ],
)
def test_what_cannot_be_is_refused_with_the_parameter_that_says_it(platform, params, code, says):
    told, message = refused(platform, **params)

    assert told == code and says in message


def test_a_number_that_is_none_of_its_kind_is_refused(platform):
    individual = {"id_numbers": [{"type": "us_ssn_last_4", "value": "12"}]}

    code, message = refused(platform, identity={"country": "US", "individual": individual})

    assert code == "id_number_invalid" and "(identity[individual][id_numbers][0][value])" in message


def test_a_form_is_no_json(platform):
    headers = {"Authorization": f"Bearer {platform.key}"}

    form = platform.http.post(ACCOUNTS, data={"contact_email": "ada@example.com"}, headers=headers)

    assert form.status_code == 400 and "application/json" in form.json["error"]["message"]


@pytest.mark.parametrize("verb, end", [("GET", ""), ("POST", ""), ("POST", "/close"), ("GET", "/persons")])
def test_an_account_that_is_not_there_is_not_found(platform, verb, end):
    answer = platform.send(verb, f"{ACCOUNTS}/acct_nobody{end}", {}, None)

    assert (answer.status, answer.error) == (404, {"code": "not_found", "message": "No such account: 'acct_nobody'"})


@pytest.mark.parametrize("verb, end", [("GET", ""), ("POST", ""), ("POST", "/close"), ("POST", "/persons")])
def test_a_customer_of_v1_is_no_account(platform, verb, end):
    customer = platform.made("/v1/customers")["id"]

    answer = platform.send(verb, f"{ACCOUNTS}/{customer}{end}", {}, None)

    assert (answer.status, answer.error["code"]) == (400, "v1_customer_instead_of_v2_account")


def test_accounts_of_v1_are_refused_where_that_is_set(platform):
    old, new = account_of(platform)["id"], opened(platform)["id"]

    platform.settings(v1_accounts_in_v2="refused")

    assert platform.get(f"{ACCOUNTS}/{old}").error == {
        "code": "v1_account_instead_of_v2_account",
        "message": "V1 Account ID cannot be used in V2 Account APIs.",
    }
    assert platform.get(f"{ACCOUNTS}/{new}").status == 200
    assert [one["id"] for one in platform.read(ACCOUNTS)["data"]] == [new]


def test_the_platforms_own_account_is_read_and_not_changed(platform):
    own = platform.read("/v1/account")["id"]

    shown = platform.read(f"{ACCOUNTS}/{own}", include=INCLUDED)

    assert shown["identity"]["country"] == "US"
    for path in (f"{ACCOUNTS}/{own}", f"{ACCOUNTS}/{own}/close", f"{ACCOUNTS}/{own}/persons"):
        assert platform.post(path).status == 400
    assert platform.read(ACCOUNTS)["data"] == []


# Closing


def test_a_closed_account_is_read_in_v2_and_reached_no_more(platform):
    account = opened(platform)
    path = f"{ACCOUNTS}/{account['id']}"

    closed = platform.made(f"{path}/close", applied_configurations=["recipient", "merchant"])

    assert closed == {**account, "closed": True}
    assert platform.read(path, include=INCLUDED)["identity"]["country"] == "US"
    assert platform.get(f"/v1/accounts/{account['id']}").error["code"] == "account_invalid"
    assert platform.acting_as(account["id"]).get("/v1/account").error["code"] == "account_invalid"
    for changing in (path, f"{path}/close", f"{path}/persons"):
        refusal = platform.post(changing)
        assert refusal.status == 400 and "is closed" in refusal.error["message"]
    assert platform.read("/v1/accounts")["data"] == []


@pytest.mark.parametrize("named", [[], ["merchant"], ["customer", "merchant", "recipient"]])
def test_all_configurations_have_to_be_named_to_close_an_account(platform, named):
    account = opened(platform)["id"]

    answer = platform.post(f"{ACCOUNTS}/{account}/close", applied_configurations=named)

    assert answer.status == 400 and "merchant, recipient" in answer.error["message"]
    assert platform.read(f"{ACCOUNTS}/{account}")["closed"] is False


def test_closing_an_account_tells_the_platform_as_an_event_of_that_account(platform):
    account = opened(platform)["id"]

    platform.made(f"{ACCOUNTS}/{account}/close", applied_configurations=["merchant", "recipient"])

    tenant = platform.app.emulator.tenants.open(platform.key.split("_", 2)[2])
    with tenant.stored.reading() as session:
        rows = session.all("SELECT account FROM event WHERE type = 'account.application.deauthorized'")
    assert rows == [(account,)]


def test_an_account_deleted_in_v1_is_gone_from_v2(platform):
    account = opened(platform)["id"]

    platform.delete(f"/v1/accounts/{account}")

    assert platform.get(f"{ACCOUNTS}/{account}").status == 404
    assert platform.read(ACCOUNTS)["data"] == platform.read(ACCOUNTS, closed=True)["data"] == []


# Lists


def test_lists_lead_from_page_to_page(platform):
    made = [opened(platform)["id"] for _ in range(5)][::-1]

    first = platform.read(ACCOUNTS, limit=2)
    second = platform.get(first["next_page_url"]).json
    third = platform.get(second["next_page_url"]).json
    back = platform.get(third["previous_page_url"]).json

    pages = [[one["id"] for one in page["data"]] for page in (first, second, third, back)]
    assert pages == [made[:2], made[2:4], made[4:], made[2:4]]
    assert first["previous_page_url"] is None and third["next_page_url"] is None


def test_lists_show_those_with_all_configurations_that_are_open_or_closed(platform):
    both = opened(platform)["id"]
    merchant = opened(platform, configuration={"merchant": MERCHANT})["id"]
    closed = opened(platform, configuration={"merchant": MERCHANT})["id"]
    customer = platform.made(ACCOUNTS, configuration={"customer": {}})["id"]
    platform.made(f"{ACCOUNTS}/{closed}/close", applied_configurations=["merchant"])

    def listed(**filters: Any) -> list[str]:
        return [one["id"] for one in platform.read(ACCOUNTS, **filters)["data"]]

    assert listed() == listed(closed=False) == [customer, merchant, both]
    assert listed(applied_configurations=["merchant"]) == [merchant, both]
    assert listed(applied_configurations=["merchant", "recipient"]) == [both]
    assert listed(applied_configurations=["customer", "recipient"]) == []
    assert listed(closed=True) == listed(closed=True, applied_configurations=["merchant"]) == [closed]


# Keys


def test_a_key_gives_the_same_account_again_and_is_free_after_a_refusal(platform):
    headers = {"Idempotency-Key": "k"}
    wrong = platform.post(ACCOUNTS, headers=headers, configuration={"merchant": {}})

    params = {"configuration": {"merchant": {}}, "identity": {"country": "US"}}
    first = platform.post(ACCOUNTS, headers=headers, **params)
    second = platform.post(ACCOUNTS, headers=headers, **params)
    other = platform.post(ACCOUNTS, headers=headers, configuration={"customer": {}})

    assert wrong.status == 400
    assert (first.status, first.body) == (second.status, second.body)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert other.error["type"] == "idempotency_error"
    assert len(platform.read(ACCOUNTS)["data"]) == 1


# The official SDK


def test_the_official_sdk_opens_changes_lists_and_closes_accounts(app, key):
    with served(app) as url:
        client = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)
        accounts = client.v2.core.accounts
        account = accounts.create(
            {
                "configuration": {"merchant": MERCHANT, "recipient": RECIPIENT},
                "contact_email": "ada@example.com",
                "dashboard": "none",
                "defaults": RESPONSIBLE,
                "identity": {"country": "us", "entity_type": "company"},
                "include": ["configuration.merchant", "identity", "requirements"],
            }
        )
        person = accounts.persons.create(
            account.id, {"given_name": "Ada", "relationship": {"owner": True, "percent_ownership": "0.8"}}
        )
        changed = accounts.update(account.id, {"display_name": "Ada", "include": ["defaults"]})
        accounts.create({"configuration": {"customer": {}}})
        listed = [one.id for one in accounts.list({"limit": 1}).auto_paging_iter()]
        with pytest.raises(stripe.StripeError) as missing:
            accounts.retrieve("acct_nobody")
        gone = accounts.persons.delete(account.id, person.id)
        closed = accounts.close(account.id, {"applied_configurations": ["merchant", "recipient"]})
        open_ones = accounts.list({"closed": False}).data

    assert account.configuration.merchant.capabilities.card_payments.status == "active"
    assert account.identity.entity_type == "company"
    assert account.requirements.entries[0].description == "external_account"
    assert str(person.relationship.percent_ownership) == "0.8"
    assert changed.defaults.responsibilities.requirements_collector == "application"
    assert len(listed) == 2 and account.id in listed
    assert (missing.value.http_status, missing.value.code) == (404, "not_found")
    assert (gone.id, gone.object) == (person.id, "v2.core.account_person")
    assert closed.closed is True and len(open_ones) == 1
