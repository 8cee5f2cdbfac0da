"""The review in mode `verify`: what is required, what test values do, and when."""

import pytest

from tests.connect.shapes import (
    ADDRESS,
    ALL,
    BANK,
    PROFILE,
    SETTINGS,
    TERMS,
    account_of,
    asking,
    company,
    individual,
    representative,
)


@pytest.fixture
def strict(platform):
    """The platform of a tenant where requirements decide."""
    platform.settings(onboarding="verify")
    return platform


def test_an_account_of_which_nothing_is_known_owes_everything(strict):
    account = account_of(strict)

    due = account["requirements"]
    assert account["capabilities"] == dict.fromkeys(ALL, "inactive")
    assert due["disabled_reason"] == "requirements.past_due"
    assert {"business_type", "external_account", "tos_acceptance.date"} <= set(due["past_due"])
    assert due["currently_due"] == due["eventually_due"] == due["past_due"]
    assert not account["details_submitted"] and not account["charges_enabled"]


EMPTY = [
    "business_profile.mcc",
    "business_profile.url",
    "business_type",
    "external_account",
    "representative.first_name",
    "representative.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
]
URL_OR_DESCRIPTION = {
    "alternative_fields_due": ["business_profile.product_description"],
    "original_fields_due": ["business_profile.url"],
}


def test_an_empty_us_account_for_payments_owes_what_recorded_ones_owe(strict):
    account = strict.made(
        "/v1/accounts", type="custom", country="US", capabilities=asking("card_payments", "transfers")
    )

    due = account["requirements"]
    assert due["currently_due"] == due["eventually_due"] == due["past_due"] == EMPTY
    assert due["alternatives"] == [URL_OR_DESCRIPTION]
    assert due["disabled_reason"] == "requirements.past_due"
    assert account["capabilities"] == {"card_payments": "inactive", "transfers": "inactive"}
    assert not account["charges_enabled"] and not account["payouts_enabled"] and not account["details_submitted"]


def test_an_empty_account_elsewhere_is_asked_for_all_of_who_opens_it(strict):
    account = account_of(strict, "card_payments", "transfers", country="DE")

    person = ("address.city", "address.line1", "address.postal_code", "dob.day", "dob.month", "dob.year")
    asked = [f"representative.{field}" for field in (*person, "email", "first_name", "last_name", "phone")]
    assert account["requirements"]["past_due"] == sorted({*EMPTY, *asked})
    assert account["requirements"]["alternatives"] == []


def test_who_opens_an_account_may_be_told_before_its_business_type(strict):
    account = account_of(strict, "transfers", individual={"first_name": "Jenny", "last_name": "Rosen"})

    assert account["requirements"]["past_due"] == [
        "business_type",
        "external_account",
        "tos_acceptance.date",
        "tos_acceptance.ip",
    ]


def test_a_us_individual_owes_the_last_digits_and_no_email_for_payments(strict):
    account = account_of(
        strict, "card_payments", "transfers", business_type="individual", tos_acceptance=TERMS, external_account=BANK
    )

    due = account["requirements"]
    person = ("city", "line1", "postal_code", "state")
    assert due["past_due"] == [
        "business_profile.mcc",
        "business_profile.url",
        *(f"individual.address.{field}" for field in person),
        "individual.dob.day",
        "individual.dob.month",
        "individual.dob.year",
        "individual.first_name",
        "individual.last_name",
        "individual.phone",
        "individual.ssn_last_4",
    ]
    for_issuing = strict.made(f"/v1/accounts/{account['id']}", capabilities=asking("card_issuing"))
    assert {"individual.email", "individual.id_number"} <= set(for_issuing["requirements"]["past_due"])


REPRESENTATIVE = [
    *(f"address.{field}" for field in ("city", "line1", "postal_code", "state")),
    "dob.day",
    "dob.month",
    "dob.year",
    "email",
    "first_name",
    "last_name",
    "phone",
    "relationship.executive",
    "relationship.title",
    "ssn_last_4",
]
OF_OWNERS = [field for field in REPRESENTATIVE if not field.startswith("relationship.")]


def nobody(**members):
    """Everything a US company must tell, all persons aside."""
    said = company(**members)
    del said["company"]["owners_provided"]
    return said


def test_a_us_company_without_persons_owes_what_recorded_ones_owe(strict):
    account = account_of(strict, "card_payments", "transfers", **nobody(), external_account=BANK)

    due = account["requirements"]
    now = ["company.owners_provided", *(f"owners.{field}" for field in ("email", "first_name", "last_name"))]
    representative_owes = [f"representative.{field}" for field in REPRESENTATIVE]
    assert due["currently_due"] == due["past_due"] == [*now, *representative_owes]
    owners_owe = [f"owners.{field}" for field in OF_OWNERS]
    assert due["eventually_due"] == ["company.owners_provided", *owners_owe, *representative_owes]
    assert due["alternatives"] == [
        {"alternative_fields_due": [f"{who}.verification.document"], "original_fields_due": [f"{who}.ssn_last_4"]}
        for who in ("owners", "representative")
    ]


def test_an_owner_who_was_named_owes_the_rest_eventually_and_stops_nothing(strict):
    account = account_of(strict, "transfers", **nobody(), external_account=BANK)
    path = f"/v1/accounts/{account['id']}"
    strict.made(f"{path}/persons", **representative())

    owner = strict.made(
        f"{path}/persons", first_name="Ada", last_name="L", email="a@example.com", relationship={"owner": True}
    )

    due = strict.read(path)["requirements"]
    rest = [field for field in OF_OWNERS if field not in ("email", "first_name", "last_name")]
    document = {"alternative_fields_due": ["verification.document"], "original_fields_due": ["ssn_last_4"]}
    assert owner["requirements"]["eventually_due"] == rest
    assert owner["requirements"]["alternatives"] == [document]
    assert owner["requirements"]["currently_due"] == owner["requirements"]["past_due"] == []
    assert (due["past_due"], due["eventually_due"]) == ([], [f"{owner['id']}.{field}" for field in rest])
    assert strict.read(path)["capabilities"] == {"transfers": "active"}
    assert strict.read(path)["payouts_enabled"]


def test_an_owner_whose_name_is_missing_is_due_under_their_id(strict):
    account = account_of(strict, "transfers", **nobody(), external_account=BANK)
    path = f"/v1/accounts/{account['id']}"
    strict.made(f"{path}/persons", **representative())

    owner = strict.made(f"{path}/persons", first_name="Ada", relationship={"owner": True})

    assert strict.read(path)["requirements"]["past_due"] == [f"{owner['id']}.email", f"{owner['id']}.last_name"]
    assert strict.read(path)["capabilities"] == {"transfers": "inactive"}


def test_a_document_does_for_the_last_digits(strict):
    said = individual(verification={"document": {"front": "file_identity_document_success"}})
    del said["individual"]["id_number"]

    account = account_of(strict, "transfers", **said, external_account=BANK)

    assert account["requirements"]["past_due"] == account["requirements"]["alternatives"] == []


def test_an_individual_who_told_everything_is_verified_at_once(strict):
    account = account_of(strict, **individual(), external_account=BANK)

    assert account["capabilities"] == dict.fromkeys(ALL, "active")
    assert account["requirements"]["currently_due"] == []
    assert account["individual"]["verification"]["status"] == "verified"
    assert account["details_submitted"] and account["charges_enabled"] and account["payouts_enabled"]


def test_what_is_missing_is_named_and_cured_by_telling_it(strict):
    said = individual()
    del said["tos_acceptance"]
    account = account_of(strict, **said)
    assert account["requirements"]["past_due"] == ["external_account", "tos_acceptance.date", "tos_acceptance.ip"]

    cured = strict.made(f"/v1/accounts/{account['id']}", tos_acceptance=TERMS)

    assert cured["requirements"]["past_due"] == ["external_account"]
    told = strict.acting_as(account["id"]).events(types=["capability.updated", "account.updated"])
    assert [event["type"] for event in told] == ["capability.updated"] * 4 + ["account.updated"]
    assert told[0]["data"]["previous_attributes"]["status"] == "inactive"
    assert told[-1]["data"]["previous_attributes"]["capabilities"] == dict.fromkeys(ALL, "inactive")


def test_the_samples_onboarding_payload_leaves_only_the_bank_account(strict):
    account = account_of(strict, business_type="individual", individual={"id_number": "000000000"})

    strict.made(
        f"/v1/accounts/{account['id']}",
        business_type="individual",
        business_profile=PROFILE,
        company={"name": "Some Company", "tax_id": "000000000"},
        individual={
            "address": ADDRESS,
            "dob": {"day": 1, "month": 1, "year": 1901},
            "email": "jenny@example.com",
            "first_name": "Jenny",
            "last_name": "Rosen",
            "phone": "000-000-0000",
        },
        settings=SETTINGS,
        tos_acceptance=TERMS,
    )

    settled = strict.read(f"/v1/accounts/{account['id']}")
    assert settled["requirements"]["currently_due"] == ["external_account"]
    assert settled["capabilities"] == dict.fromkeys(ALL, "active")


LATER = {
    "address": {**ADDRESS, "line1": "address_full_match"},
    "dob": {"day": 1, "month": 1, "year": 1901},
    "id_number": "000000000",
}
LOOKED_AT = [
    "address.city",
    "address.line1",
    "address.postal_code",
    "address.state",
    "id_number",
    "verification.document",
]


def test_asynchronous_values_are_pending_until_the_next_due_step(strict):
    account = account_of(strict, **individual(**LATER), external_account=BANK)
    inside = strict.acting_as(account["id"])

    settled = strict.read(f"/v1/accounts/{account['id']}")

    due = account["requirements"]
    assert account["capabilities"] == dict.fromkeys(ALL, "pending")
    assert due["disabled_reason"] == "requirements.pending_verification"
    assert due["pending_verification"] == [f"individual.{field}" for field in LOOKED_AT]
    assert due["currently_due"] == due["eventually_due"] == due["past_due"] == []
    assert account["details_submitted"] and not account["charges_enabled"] and not account["payouts_enabled"]
    assert account["individual"]["verification"]["status"] == "pending"
    assert account["individual"]["requirements"]["pending_verification"] == LOOKED_AT
    assert settled["charges_enabled"] and settled["payouts_enabled"]
    assert settled["capabilities"] == dict.fromkeys(ALL, "active")
    assert settled["individual"]["verification"]["status"] == "verified"
    told = inside.events(types=["capability.updated", "person.updated", "account.updated"])
    assert [event["type"] for event in told] == ["capability.updated"] * 4 + ["person.updated", "account.updated"]
    assert all(event["request"] == {"id": None, "idempotency_key": None} for event in told)
    assert told[0]["data"]["previous_attributes"]["status"] == "pending"


@pytest.mark.parametrize(
    "value, looked_at",
    [
        ({"dob": LATER["dob"]}, ["individual.verification.document"]),
        ({"address": LATER["address"]}, [f"individual.{field}" for field in LOOKED_AT[:4]]),
        ({"id_number": LATER["id_number"]}, ["individual.id_number"]),
    ],
)
def test_each_asynchronous_value_has_fields_of_its_own_looked_at(strict, value, looked_at):
    account = account_of(strict, **individual(**value), external_account=BANK)

    assert account["requirements"]["pending_verification"] == looked_at


def test_what_is_past_due_goes_before_what_is_being_verified(strict):
    account = account_of(strict, **individual(**LATER))

    due = account["requirements"]
    assert due["disabled_reason"] == "requirements.past_due"
    assert (due["past_due"], len(due["pending_verification"])) == (["external_account"], 6)
    assert account["capabilities"] == dict.fromkeys(ALL, "pending")
    assert not account["details_submitted"]


@pytest.mark.parametrize("line1", ["address_full_match", "address_full_match_sync"])
@pytest.mark.parametrize("country", ["US", "DE", "GB"])
def test_the_token_of_a_match_stands_for_the_whole_address(strict, country, line1):
    said = individual(address={"country": country, "line1": line1})

    account = account_of(strict, "transfers", country=country, external_account=BANK, **said)

    assert account["requirements"]["past_due"] == []
    assert account["individual"]["address"]["city"] is None
    looked_at = [f"individual.{field}" for field in LOOKED_AT[:4] if country == "US" or field != "address.state"]
    assert account["requirements"]["pending_verification"] == (looked_at if line1 == "address_full_match" else [])
    settled = strict.read(f"/v1/accounts/{account['id']}")
    assert settled["capabilities"] == {"transfers": "active"} and settled["payouts_enabled"]


def test_an_address_outside_the_us_that_fails_has_no_state_to_tell_again(strict):
    said = individual(address={**ADDRESS, "country": "DE", "line1": "address_line1_no_match"})

    account = account_of(strict, "transfers", country="DE", external_account=BANK, **said)

    assert account["requirements"]["past_due"] == [
        "individual.address.city",
        "individual.address.line1",
        "individual.address.postal_code",
        "individual.verification.additional_document",
    ]


def test_a_pending_capability_says_what_it_waits_for(strict):
    strict.settings(progress="never")
    account = account_of(strict, **individual(id_number="000000000"))

    capability = strict.read(f"/v1/accounts/{account['id']}/capabilities/treasury")

    assert capability["status"] == "pending"
    assert capability["requirements"]["disabled_reason"] == "pending.review"
    assert capability["requirements"]["pending_verification"] == ["individual.id_number"]


@pytest.mark.parametrize(
    "person, due_again, code",
    [
        (
            {"dob": {"day": 1, "month": 1, "year": 1900}},
            "individual.verification.document",
            "verification_failed_keyed_identity",
        ),
        (
            {"address": {**ADDRESS, "line1": "address_no_match"}},
            "individual.address.line1",
            "verification_failed_address_match",
        ),
        (
            {"address": {**ADDRESS, "line1": "address_line1_no_match"}},
            "individual.address.postal_code",
            "verification_failed_address_match",
        ),
        ({"id_number": "111111111"}, "individual.id_number", "verification_failed_id_number_match"),
        (
            {"verification": {"document": {"front": "file_identity_document_failure"}}},
            "individual.verification.document",
            "verification_document_failed_other",
        ),
    ],
)
def test_a_failing_value_makes_its_field_due_again_with_an_error(strict, person, due_again, code):
    account = account_of(strict, **individual(**person))

    due = account["requirements"]
    assert account["capabilities"] == dict.fromkeys(ALL, "inactive")
    assert due_again in due["currently_due"] and due_again in due["past_due"]
    assert [error["code"] for error in due["errors"]] == [code]
    assert account["individual"]["verification"]["status"] == "unverified"
    assert account["individual"]["requirements"]["errors"][0]["code"] == code
    capability = strict.read(f"/v1/accounts/{account['id']}/capabilities/transfers")
    assert capability["requirements"]["disabled_reason"] == "requirements.fields_needed"


def test_documents_heal_a_date_of_birth_and_an_address(strict):
    bad = {"dob": {"day": 1, "month": 1, "year": 1900}, "address": {**ADDRESS, "line1": "address_no_match"}}
    account = account_of(strict, **individual(**bad), external_account=BANK)
    both = {"individual.verification.document", "individual.verification.additional_document"}
    assert both <= set(account["requirements"]["past_due"])
    front = {"front": "file_identity_document_success"}

    healed = strict.made(
        f"/v1/accounts/{account['id']}", individual={"verification": {"document": front, "additional_document": front}}
    )

    assert healed["requirements"]["past_due"] == []
    assert healed["capabilities"] == dict.fromkeys(ALL, "active")


def test_a_failing_value_is_healed_by_another(strict):
    account = account_of(strict, **individual(id_number="111111111"))

    healed = strict.made(f"/v1/accounts/{account['id']}", individual={"id_number": "222222222"})

    assert healed["capabilities"] == dict.fromkeys(ALL, "active")
    assert healed["requirements"]["errors"] == []


@pytest.mark.parametrize(
    "site, code",
    [
        ("inaccessible", "invalid_url_website_inaccessible"),
        ("disallowed", "invalid_url_denylisted"),
        ("geoblocked", "invalid_url_website_inaccessible_geoblocked"),
        ("missing", "invalid_url_website_empty"),
        ("mismatch", "invalid_url_website_business_information_mismatch"),
        ("problem", "invalid_url_website_other"),
        ("passwordprotected", "invalid_url_website_inaccessible_password_protected"),
        ("underconstruction", "invalid_url_website_incomplete_under_construction"),
    ],
)
def test_a_site_that_fails_stops_only_what_needs_a_site(strict, site, code):
    said = individual()
    said["business_profile"] = {**PROFILE, "url": f"https://{site}.stripe.com"}

    account = account_of(strict, "card_issuing", "transfers", **said, external_account=BANK)

    assert account["capabilities"] == {"card_issuing": "inactive", "transfers": "active"}
    assert account["requirements"]["past_due"] == ["business_profile.url"]
    assert [error["code"] for error in account["requirements"]["errors"]] == [code]


def test_a_site_without_activity_pauses_the_capabilities(strict):
    said = individual()
    said["business_profile"] = {**PROFILE, "url": "https://inactivity.stripe.com"}

    account = account_of(strict, **said)

    capability = strict.read(f"/v1/accounts/{account['id']}/capabilities/card_issuing")
    assert capability["status"] == "inactive"
    assert capability["requirements"]["disabled_reason"] == "paused.inactivity"


def test_transfers_stand_while_card_payments_miss_what_they_alone_need(strict):
    said = individual()
    said["business_profile"] = {"url": PROFILE["url"]}

    account = account_of(strict, "card_payments", "transfers", **said, external_account=BANK)

    assert account["capabilities"] == {"card_payments": "inactive", "transfers": "active"}
    assert account["requirements"]["past_due"] == ["business_profile.mcc"]
    assert account["details_submitted"] and not account["charges_enabled"] and not account["payouts_enabled"]


def test_treasury_needs_transfers(strict):
    account = account_of(strict, "treasury", **individual())
    assert account["capabilities"] == {"treasury": "inactive"}

    both = strict.made(f"/v1/accounts/{account['id']}", capabilities=asking("transfers"))

    assert both["capabilities"] == {"transfers": "active", "treasury": "active"}


def test_a_product_description_does_for_a_site_and_an_id_number_for_its_last_digits(strict):
    said = individual()
    said["business_profile"] = {name: value for name, value in PROFILE.items() if name != "url"}

    account = account_of(strict, **said, external_account=BANK)

    assert account["requirements"]["past_due"] == []


def test_a_company_needs_a_representative(strict):
    account = account_of(strict, **company(), external_account=BANK)
    due = account["requirements"]["past_due"]
    assert account["capabilities"] == dict.fromkeys(ALL, "inactive")
    assert due and all(key.startswith("representative.") for key in due)

    person = strict.made(f"/v1/accounts/{account['id']}/persons", **representative(email="a@example.com"))

    assert person["verification"]["status"] == "verified"
    complete = strict.read(f"/v1/accounts/{account['id']}")
    assert complete["capabilities"] == dict.fromkeys(ALL, "active")
    assert complete["details_submitted"]


def test_what_a_representative_has_not_told_is_due_under_their_id(strict):
    account = account_of(strict, **company(), external_account=BANK)
    untold = {name: value for name, value in representative().items() if name != "email"}
    untold["relationship"] = {"representative": True}

    person = strict.made(f"/v1/accounts/{account['id']}/persons", **untold)

    assert strict.read(f"/v1/accounts/{account['id']}")["requirements"]["past_due"] == [
        f"{person['id']}.email",
        f"{person['id']}.relationship.executive",
        f"{person['id']}.relationship.title",
    ]
    assert person["requirements"]["currently_due"] == ["email", "relationship.executive", "relationship.title"]
    assert person["verification"]["status"] == "unverified"


def test_owners_are_named_or_said_to_be_complete(strict):
    account = account_of(strict, **company(owners_provided=False))
    unsaid = account_of(strict, **{**company(), "company": {"name": "x"}})
    path = f"/v1/accounts/{unsaid['id']}"
    owning = {"representative": True, "executive": True, "title": "CEO", "owner": True}
    strict.made(f"{path}/persons", **representative(relationship=owning))

    assert "company.owners_provided" in account["requirements"]["past_due"]
    assert "company.owners_provided" in unsaid["requirements"]["past_due"]
    assert "company.owners_provided" not in strict.read(path)["requirements"]["past_due"]


@pytest.mark.parametrize(
    "members, due_again, code",
    [
        ({"name": "mismatch_business_name"}, "company.name", "verification_failed_name_match"),
        ({"name": "disallowed_name"}, "company.name", "invalid_company_name_denylisted"),
        ({"tax_id": "111111111"}, "company.tax_id", "verification_failed_tax_id_match"),
        ({"tax_id": "111111112"}, "company.tax_id", "verification_failed_tax_id_not_issued"),
        (
            {"address": {**ADDRESS, "line1": "address_line1_no_match"}},
            "company.address.line1",
            "verification_failed_address_match",
        ),
    ],
)
def test_a_company_that_cannot_be_verified_owes_the_field_again(strict, members, due_again, code):
    account = account_of(strict, **company(**members))
    strict.made(f"/v1/accounts/{account['id']}/persons", **representative())

    stopped = strict.read(f"/v1/accounts/{account['id']}")

    assert stopped["capabilities"] == dict.fromkeys(ALL, "inactive")
    assert due_again in stopped["requirements"]["past_due"]
    assert [error["code"] for error in stopped["requirements"]["errors"]] == [code]


def test_a_companys_address_without_a_match_stops_payouts_only(strict):
    address = {**ADDRESS, "line1": "address_no_match"}
    account = account_of(strict, **company(address=address), external_account=BANK)
    strict.made(f"/v1/accounts/{account['id']}/persons", **representative())

    stopped = strict.read(f"/v1/accounts/{account['id']}")

    assert stopped["charges_enabled"] and not stopped["payouts_enabled"]
    assert stopped["capabilities"] == dict.fromkeys(ALL, "active")
    assert stopped["requirements"]["past_due"] == ["company.address.line1"]


@pytest.mark.parametrize(
    "name, code",
    [
        ("mismatch_director", "verification_directors_mismatch"),
        ("missing_director", "verification_missing_directors"),
        ("extraneous_director", "verification_extraneous_directors"),
    ],
)
def test_directors_are_compared_with_the_register(strict, name, code):
    account = account_of(strict, **company())
    path = f"/v1/accounts/{account['id']}"
    strict.made(f"{path}/persons", **representative())

    director = strict.made(f"{path}/persons", first_name=name, relationship={"director": True})

    assert director["requirements"]["currently_due"] == ["first_name"]
    assert director["requirements"]["errors"][0]["code"] == code
    assert strict.read(path)["capabilities"] == dict.fromkeys(ALL, "inactive")


def test_an_account_outside_the_us_has_no_social_security_number(strict):
    said = individual()
    del said["individual"]["id_number"]

    account = account_of(strict, "card_issuing", "transfers", country="GB", **said)

    assert account["capabilities"] == {"card_issuing": "active", "transfers": "active"}


def test_a_rejection_goes_before_everything_else(strict):
    account = account_of(strict, **individual())

    rejected = strict.made(f"/v1/accounts/{account['id']}/reject", reason="other")

    assert rejected["capabilities"] == dict.fromkeys(ALL, "inactive")
    assert rejected["requirements"]["disabled_reason"] == "rejected.platform_other"


def test_verification_finds_nothing_left_of_an_account_deleted_meanwhile(strict):
    account = account_of(strict, **individual(id_number="000000000"))

    gone = strict.delete(f"/v1/accounts/{account['id']}")

    assert gone.status == 200
    assert strict.read("/_emulator/due")["data"] == []


def test_the_mode_is_looked_up_at_every_change(platform):
    account = account_of(platform)
    platform.settings(onboarding="verify")

    changed = platform.made(f"/v1/accounts/{account['id']}", metadata={"a": "1"})

    assert changed["capabilities"] == dict.fromkeys(ALL, "inactive")
