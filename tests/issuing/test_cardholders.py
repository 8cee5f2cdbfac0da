"""Cardholders: what is asked of them, what is missing, what is under review, and who hears of it."""

from __future__ import annotations

import io

import pytest

from tests.examining import examine_tenant
from tests.issuing.holders import (
    ADDRESS,
    BILLING,
    CARDHOLDERS,
    CARDS,
    GERMAN_ADDRESS,
    PERSON,
    TERMS,
    a_card,
    a_cardholder,
    a_connected_account,
    told,
)

PAST_DUE = [
    "individual.card_issuing.user_terms_acceptance.ip",
    "individual.card_issuing.user_terms_acceptance.date",
    "individual.first_name",
    "individual.last_name",
]
NO_CONTROLS = {
    **{
        f"{word}_{what}": []
        for word in ("allowed", "blocked")
        for what in ("card_presences", "categories", "merchant_countries")
    },
    "spending_limits": [],
    "spending_limits_currency": None,
}
NOW = 2_000_000_000  # 18 May 2033


def refused(client, **params):
    """The refusal of a new cardholder."""
    answer = client.post(CARDHOLDERS, **{"name": "Ada Example", "billing": BILLING, **params})
    assert answer.status == 400, answer.json
    return answer.error


# What a cardholder is


def test_a_cardholder_that_says_little_of_itself(platform):
    holder = platform.made(CARDHOLDERS, name="Ada Example", billing={"address": {**ADDRESS, "state": "CA"}})

    assert holder == {
        "id": holder["id"],
        "object": "issuing.cardholder",
        "billing": {"address": {**ADDRESS, "line2": None, "state": "CA"}},
        "company": None,
        "created": holder["created"],
        "email": None,
        "individual": None,
        "livemode": False,
        "metadata": {},
        "name": "Ada Example",
        "phone_number": None,
        "preferred_locales": [],
        "requirements": {"disabled_reason": "requirements.past_due", "past_due": PAST_DUE},
        "spending_controls": NO_CONTROLS,
        "status": "active",
        "type": "individual",
    }
    assert holder["id"].startswith("ich_") and len(holder["id"]) == 28
    assert platform.read(f"{CARDHOLDERS}/{holder['id']}") == holder


def test_a_cardholder_that_says_everything(platform):
    holder = platform.made(
        CARDHOLDERS,
        name="Example Inc.",
        billing={"address": {**ADDRESS, "line2": "Suite 5"}},
        type="company",
        company={"tax_id": "000000000"},
        email="ada@example.com",
        phone_number="(415) 555-0123",
        individual={**PERSON, "dob": {"day": 29, "month": 2, "year": 1992}},
        preferred_locales=["fr", "en"],
        status="inactive",
        spending_controls={"blocked_categories": ["dating_escort_services"]},
        metadata={"team": "blue"},
    )

    assert holder["company"] == {"tax_id_provided": True}
    assert (holder["email"], holder["phone_number"]) == ("ada@example.com", "+14155550123")
    assert holder["individual"] == {
        "card_issuing": {"user_terms_acceptance": {"date": 1_700_000_000, "ip": "198.51.100.7", "user_agent": None}},
        "dob": {"day": 29, "month": 2, "year": 1992},
        "first_name": "Ada",
        "last_name": "Example",
        "verification": {"document": {"back": None, "front": None}},
    }
    assert holder["preferred_locales"] == ["fr", "en"]
    assert (holder["status"], holder["type"], holder["metadata"]) == ("inactive", "company", {"team": "blue"})
    assert holder["spending_controls"] == {**NO_CONTROLS, "blocked_categories": ["dating_escort_services"]}


def test_everything_about_a_person_is_there_once_anything_is(platform):
    holder = platform.made(CARDHOLDERS, name="Ada", billing=BILLING, individual={"first_name": "Ada"})

    assert holder["individual"] == {
        "card_issuing": None,
        "dob": None,
        "first_name": "Ada",
        "last_name": None,
        "verification": {"document": {"back": None, "front": None}},
    }


def test_limits_of_a_cardholder_are_in_the_accounts_currency_unless_it_says_another(platform):
    limits = [{"amount": 100_00, "interval": "daily"}]

    usual = a_cardholder(platform, spending_controls={"spending_limits": limits})
    other = a_cardholder(platform, spending_controls={"spending_limits": limits, "spending_limits_currency": "eur"})

    assert usual["spending_controls"]["spending_limits"] == [{"amount": 100_00, "categories": [], "interval": "daily"}]
    assert usual["spending_controls"]["spending_limits_currency"] == "usd"
    assert other["spending_controls"]["spending_limits_currency"] == "eur"


# What it cannot be


@pytest.mark.parametrize("missing", ["name", "billing", "city", "country", "line1", "postal_code"])
def test_a_missing_parameter_is_named(platform, missing):
    params = {"name": "Ada Example", "billing": {"address": dict(ADDRESS)}}
    params.pop(missing, None)
    params.get("billing", {}).get("address", {}).pop(missing, None)

    error = platform.post(CARDHOLDERS, **params).error

    path = f"billing[address][{missing}]" if missing in ADDRESS else missing
    assert (error["code"], error["param"]) == ("parameter_missing", path)
    assert error["message"] == f"Missing required param: {path}."


@pytest.mark.parametrize(
    "params, param, message",
    [
        ({"name": "a" * 25}, "name", "Invalid string: aaaa...aaaa; must be at most 24 characters"),
        ({"name": "Ada*"}, "name", "Invalid cardholder name: Ada*."),
        ({"name": ""}, "name", "You passed an empty string for 'name'."),
        ({"individual": {"first_name": "R2D2"}}, "individual[first_name]", "Invalid first_name: R2D2."),
        ({"individual": {"last_name": "-"}}, "individual[last_name]", "Invalid last_name: -."),
        ({"phone_number": "call me"}, "phone_number", "Invalid phone number: call me"),
        ({"email": "nobody"}, "email", "Invalid email address: nobody"),
        ({"billing": {"address": {**ADDRESS, "country": "XX"}}}, "billing[address][country]", "Country 'XX' is unk"),
        ({"billing": {"address": {**ADDRESS, "line2": ""}}}, "billing[address][line2]", "You passed an empty string"),
        ({"status": "blocked"}, "status", "Invalid status: must be one of active or inactive"),
        ({"type": "robot"}, "type", "Invalid type: must be one of company or individual"),
        ({"preferred_locales": ["pt"]}, "preferred_locales[0]", "Invalid preferred_locales[0]: must be one of de, "),
        ({"individual": {"dob": {"day": 1, "month": 1}}}, "individual[dob][year]", "Missing required param: "),
        ({"individual": {"dob": {"day": 31, "month": 2, "year": 1990}}}, "individual[dob]", "Invalid date of birth"),
        ({"individual": {"dob": {"day": 1, "month": 2, "year": 2**40}}}, "individual[dob]", "Invalid date of birth"),
    ],
)
def test_a_cardholder_cannot_be(platform, params, param, message):
    error = refused(platform, **params)

    assert error["param"] == param and error["message"].startswith(message)
    assert platform.events() == []


@pytest.mark.parametrize("state", ["ZZ", "Bavaria", "US-ZZ", "C"])
def test_a_us_billing_address_is_in_a_state_of_the_us(platform, state):
    billing = {"address": {**ADDRESS, "state": state}}
    holder = a_cardholder(platform)

    refusals = [
        refused(platform, billing=billing),
        platform.post(f"{CARDHOLDERS}/{holder['id']}", billing=billing).error,
    ]

    for refusal in refusals:
        assert refusal["param"] == "billing[address][state]" and "code" not in refusal
        assert refusal["message"] == f"Invalid state: {state} is not a state of the country US."
    assert platform.read(f"{CARDHOLDERS}/{holder['id']}") == holder


@pytest.mark.parametrize("state", ["CA", "ca", "US-CA", "California", "puerto rico", "AE", None])
def test_a_state_is_kept_as_it_was_written(platform, state):
    address = {**ADDRESS, "state": state} if state else {name: ADDRESS[name] for name in GERMAN_ADDRESS}

    assert a_cardholder(platform, billing={"address": address})["billing"]["address"]["state"] == state


def test_a_state_outside_the_us_is_any_text(platform):
    holder = a_cardholder(platform, billing={"address": {**GERMAN_ADDRESS, "state": "ZZ"}})

    assert holder["billing"]["address"]["state"] == "ZZ"


@pytest.mark.parametrize("born, is_taken", [((17, 5, 2020), True), ((18, 5, 2020), False), ((19, 5, 2020), False)])
def test_a_cardholder_is_older_than_thirteen(platform, born, is_taken):
    platform.clock(set=NOW, frozen=True)
    dob = dict(zip(("day", "month", "year"), born, strict=True))

    answer = platform.post(CARDHOLDERS, name="Ada", billing=BILLING, individual={"dob": dob})

    assert (answer.status == 200) is is_taken
    if not is_taken:
        assert answer.error["param"] == "individual[dob]"
        assert answer.error["message"] == "Cardholders must be older than 13 years old."


def test_allowed_and_blocked_cannot_stand_together(platform):
    controls = {"allowed_categories": ["bakeries"], "blocked_categories": ["florists"]}

    error = refused(platform, spending_controls=controls)

    assert (error["code"], error["param"]) == ("parameters_exclusive", "spending_controls[blocked_categories]")


def test_a_document_is_an_uploaded_identity_document(platform):
    def uploaded(purpose):
        return platform.made("/v1/files", purpose=purpose, file=(io.BytesIO(b"\x89PNG front"), "front.png"))["id"]

    front, logo = uploaded("identity_document"), uploaded("business_logo")
    holder = a_cardholder(platform, individual={**PERSON, "verification": {"document": {"front": front}}})
    wrong = refused(platform, individual={"verification": {"document": {"back": logo}}})
    missing = refused(platform, individual={"verification": {"document": {"back": "file_nope"}}})

    assert holder["individual"]["verification"]["document"] == {"back": None, "front": front}
    assert wrong["param"] == missing["param"] == "individual[verification][document][back]"
    assert "code" not in wrong and missing["code"] == "resource_missing"
    expanded = platform.read(f"{CARDHOLDERS}/{holder['id']}", expand=["individual.verification.document.front"])
    assert expanded["individual"]["verification"]["document"]["front"]["object"] == "file"


# What is missing, and what cures it


def test_each_requirement_is_met_by_what_it_names(platform):
    holder = platform.made(CARDHOLDERS, name="Ada Example", billing=BILLING)
    cures = [
        {"card_issuing": {"user_terms_acceptance": {"ip": "198.51.100.7"}}},
        {"card_issuing": {"user_terms_acceptance": {"date": 1_700_000_000}}},
        {"first_name": "Ada"},
        {"last_name": "Example"},
    ]

    for met, cure in enumerate(cures, start=1):
        holder = platform.made(f"{CARDHOLDERS}/{holder['id']}", individual=cure)

        reason = None if met == 4 else "requirements.past_due"
        assert holder["requirements"] == {"disabled_reason": reason, "past_due": PAST_DUE[met:]}
    assert holder["status"] == "active"


def test_nothing_is_required_of_companies(platform):
    holder = platform.made(CARDHOLDERS, name="Example Inc.", billing=BILLING, type="company")

    assert holder["requirements"] == {"disabled_reason": None, "past_due": []}


def test_nothing_is_required_outside_the_us(platform):
    german = a_connected_account(platform, "card_issuing", "transfers", country="DE")

    holder = german.made(CARDHOLDERS, name="Ada Example", billing={"address": GERMAN_ADDRESS})

    assert holder["requirements"] == {"disabled_reason": None, "past_due": []}


# Terms


NAMED = {"first_name": "Ada", "last_name": "Example"}
BANKED = ("card_issuing", "transfers", "treasury")
UNBANKED = ("card_issuing", "transfers")


def logged_hints(platform):
    """The hints in the tenant's request log, oldest first."""
    lines = platform.read("/_emulator/requests?limit=100")["data"]
    return [line["hint"] for line in reversed(lines) if line["hint"] is not None]


@pytest.mark.parametrize("acting", ["platform", "banked", "unbanked", "german"])
@pytest.mark.parametrize("rule", ["by_program", "required", "assumed"])
def test_terms_are_asked_for_as_the_tenant_wants(platform, rule, acting):
    platform.settings(cardholder_terms=rule)
    accounts = {
        "platform": lambda: platform,
        "banked": lambda: a_connected_account(platform, *BANKED),
        "unbanked": lambda: a_connected_account(platform, *UNBANKED),
        "german": lambda: a_connected_account(platform, *UNBANKED, country="DE"),
    }

    requirements = a_cardholder(accounts[acting](), individual=NAMED)["requirements"]

    asked = acting != "german" and (rule == "required" or (rule == "by_program" and acting != "banked"))
    assert requirements == {
        "disabled_reason": "requirements.past_due" if asked else None,
        "past_due": PAST_DUE[:2] if asked else [],
    }


def test_names_are_past_due_where_terms_are_not(platform):
    banked = a_connected_account(platform, *BANKED)

    holder = banked.made(CARDHOLDERS, name="Ada Example", billing=BILLING)

    assert holder["requirements"] == {"disabled_reason": "requirements.past_due", "past_due": PAST_DUE[2:]}


def test_companies_never_need_terms(platform):
    platform.settings(cardholder_terms="required")

    holder = platform.made(CARDHOLDERS, name="Example Inc.", billing=BILLING, type="company")

    assert holder["requirements"]["past_due"] == []


def test_requesting_treasury_lifts_the_requirement_from_holders_that_are_there(platform):
    account = a_connected_account(platform, *UNBANKED)
    holder = a_cardholder(account, individual=NAMED)
    card = a_card(account, cardholder=holder["id"])
    refused = account.post(f"{CARDS}/{card['id']}", status="active")

    platform.made(f"/v1/accounts/{account.account}/capabilities/treasury", requested=True)
    changed = account.made(f"{CARDHOLDERS}/{holder['id']}", email="ada@example.com")

    assert refused.error["param"] == "status"
    assert holder["requirements"]["past_due"] == PAST_DUE[:2]
    assert changed["requirements"] == {"disabled_reason": None, "past_due": []}
    assert told(account)[-1] == ("issuing_cardholder.updated", {"email": None})
    assert account.made(f"{CARDS}/{card['id']}", status="active")["status"] == "active"


def test_treasury_need_not_be_active_and_given_back_brings_the_requirement_back(platform):
    account = a_connected_account(platform, *UNBANKED)
    holder = a_cardholder(account, individual=NAMED)
    platform.settings(onboarding="verify")
    treasury = f"/v1/accounts/{account.account}/capabilities/treasury"

    requested = platform.made(treasury, requested=True)
    without = account.read(f"{CARDHOLDERS}/{holder['id']}")
    platform.made(treasury, requested=False)

    assert requested["status"] == "inactive" and without["requirements"]["past_due"] == []
    assert account.read(f"{CARDHOLDERS}/{holder['id']}") == holder


def test_the_setting_counts_from_the_moment_it_is_changed(platform):
    account = a_connected_account(platform, *BANKED)
    card = a_card(account, cardholder=a_cardholder(account, individual=NAMED)["id"], status="active")
    attempt = {"card": card["id"], "amount": 1}

    platform.settings(cardholder_terms="required")
    asked = account.read(f"{CARDS}/{card['id']}")
    declined = account.made("/v1/test_helpers/issuing/authorizations", **attempt)
    platform.settings(cardholder_terms=None)

    assert asked["cardholder"]["requirements"]["past_due"] == PAST_DUE[:2] and asked["status"] == "active"
    assert declined["request_history"][0]["reason"] == "cardholder_verification_required"
    assert account.read(f"{CARDS}/{card['id']}") == card


def test_a_holder_without_terms_is_reviewed_where_none_are_asked_for(platform):
    platform.clock(set=NOW, frozen=True)
    platform.settings(cardholder_review_seconds=5, cardholder_terms="assumed")
    holder = a_cardholder(platform, individual=NAMED)

    platform.settings(cardholder_terms="required")
    asked = platform.read(f"{CARDHOLDERS}/{holder['id']}")
    platform.clock(advance=5)

    assert holder["requirements"]["disabled_reason"] == "under_review"
    assert asked["requirements"]["disabled_reason"] == "requirements.past_due"
    assert platform.event_types() == ["issuing_cardholder.created"]  # the end of the review changed nothing to see


@pytest.mark.parametrize("rule", ["by_program", "assumed"])
def test_the_request_log_hints_at_terms_that_nobody_asked_for(platform, rule):
    platform.settings(cardholder_terms=rule)
    account = a_connected_account(platform, *BANKED)
    ip = {"card_issuing": {"user_terms_acceptance": {"ip": "198.51.100.7"}}}

    holder = a_cardholder(account, individual=NAMED)
    account.made(f"{CARDHOLDERS}/{holder['id']}", individual=ip)

    assert logged_hints(platform) == [
        f"{holder['id']} has not accepted the authorized user terms ({', '.join(missing)}). cardholder_terms={rule} "
        "lets that pass; Stripe may ask for them before a card can be active."
        for missing in (PAST_DUE[:2], PAST_DUE[1:2])
    ]


def test_there_is_no_hint_where_terms_are_given_asked_for_or_unknown(platform):
    banked = a_connected_account(platform, *BANKED)

    a_cardholder(banked)
    a_cardholder(banked, type="company", individual=NAMED)
    a_cardholder(platform, individual=NAMED)
    a_cardholder(a_connected_account(platform, *UNBANKED, country="DE"), individual=NAMED)
    banked.post(CARDHOLDERS, name="Ada*", billing=BILLING)

    assert logged_hints(platform) == []


# What changes


def test_an_update_changes_what_it_names_and_says_what_was_there(platform):
    holder = a_cardholder(platform, email="ada@example.com", metadata={"a": "1", "b": "2"})

    changed = platform.made(
        f"{CARDHOLDERS}/{holder['id']}",
        email="ada@example.org",
        phone_number="+14155550123",
        status="inactive",
        metadata={"a": "3", "c": "4"},
        individual={
            "dob": {"day": 1, "month": 2, "year": 1990},
            "card_issuing": {"user_terms_acceptance": {"ip": "::1"}},
        },
        billing={"address": GERMAN_ADDRESS},
        company={"tax_id": "1"},
        preferred_locales=["de"],
        spending_controls={"allowed_merchant_countries": ["US"]},
    )

    assert told(platform, 1) == [
        (
            "issuing_cardholder.updated",
            {
                "billing": {
                    "address": {**{name: ADDRESS[name] for name in GERMAN_ADDRESS}, "state": "IL"},
                },
                "company": None,
                "email": "ada@example.com",
                "individual": {
                    "card_issuing": {"user_terms_acceptance": {"ip": TERMS["user_terms_acceptance"]["ip"]}},
                    "dob": None,
                },
                "metadata": {"a": "1", "c": None},
                "phone_number": None,
                "preferred_locales": [],
                "spending_controls": {"allowed_merchant_countries": []},
                "status": "active",
            },
        )
    ]
    assert platform.events()[-1]["data"]["object"] == changed
    assert changed["metadata"] == {"a": "3", "b": "2", "c": "4"}
    assert changed["individual"]["first_name"] == "Ada" and changed["name"] == "Ada Example"


def test_an_update_that_changes_nothing_tells_nobody(platform):
    holder = a_cardholder(platform, email="ada@example.com")

    same = platform.made(f"{CARDHOLDERS}/{holder['id']}", email="ada@example.com", status="active")

    assert same == holder
    assert platform.event_types() == ["issuing_cardholder.created"]


@pytest.mark.parametrize("name", ["name", "type"])
def test_what_is_set_at_the_start_cannot_be_updated(platform, name):
    holder = a_cardholder(platform)

    error = platform.post(f"{CARDHOLDERS}/{holder['id']}", **{name: "company"}).error

    assert (error["code"], error["message"]) == ("parameter_unknown", f"Received unknown parameter: {name}")


def test_an_address_is_replaced_as_a_whole(platform):
    holder = a_cardholder(platform)

    error = platform.post(f"{CARDHOLDERS}/{holder['id']}", billing={"address": {"city": "Berlin"}}).error

    assert (error["code"], error["param"]) == ("parameter_missing", "billing[address][country]")


def test_a_phone_number_is_cleared_by_an_empty_text(platform):
    holder = a_cardholder(platform, phone_number="+14155550123")

    assert platform.made(f"{CARDHOLDERS}/{holder['id']}", phone_number=None)["phone_number"] is None


@pytest.mark.parametrize("name", ["email", "status"])
def test_other_texts_cannot_be_cleared(platform, name):
    holder = a_cardholder(platform)

    error = platform.post(f"{CARDHOLDERS}/{holder['id']}", **{name: None}).error

    assert (error["code"], error["param"]) == ("parameter_invalid_empty", name)


def test_locales_lists_and_limits_are_cleared_by_an_empty_text(platform):
    controls = {"allowed_categories": ["bakeries"], "spending_limits": [{"amount": 1, "interval": "daily"}]}
    holder = a_cardholder(platform, preferred_locales=["de"], spending_controls=controls)

    cleared = platform.made(
        f"{CARDHOLDERS}/{holder['id']}",
        preferred_locales=None,
        spending_controls={"allowed_categories": None, "spending_limits": None},
    )

    assert cleared["preferred_locales"] == []
    assert cleared["spending_controls"] == {**NO_CONTROLS, "spending_limits_currency": "usd"}


def test_a_user_agent_is_cleared_by_an_empty_text(platform):
    terms = {**TERMS["user_terms_acceptance"], "user_agent": "curl"}
    holder = a_cardholder(platform, individual={**PERSON, "card_issuing": {"user_terms_acceptance": terms}})

    cleared = platform.made(
        f"{CARDHOLDERS}/{holder['id']}",
        individual={"card_issuing": {"user_terms_acceptance": {"user_agent": None}}},
    )

    kept = cleared["individual"]["card_issuing"]["user_terms_acceptance"]
    assert kept == {"date": 1_700_000_000, "ip": "198.51.100.7", "user_agent": None}


# Review


def test_a_cardholder_is_clear_at_once_unless_the_tenant_wants_a_review(platform):
    assert a_cardholder(platform)["requirements"] == {"disabled_reason": None, "past_due": []}
    assert platform.event_types() == ["issuing_cardholder.created"]


def test_a_review_ends_by_the_clock_and_is_announced(platform):
    platform.clock(set=NOW, frozen=True)
    platform.settings(cardholder_review_seconds=5)
    holder = a_cardholder(platform)

    platform.clock(advance=4)
    waiting = platform.read(f"{CARDHOLDERS}/{holder['id']}")
    platform.clock(advance=1)
    cleared = platform.read(f"{CARDHOLDERS}/{holder['id']}")

    created, ended = platform.events()
    assert holder["requirements"] == waiting["requirements"] == {"disabled_reason": "under_review", "past_due": []}
    assert created["data"]["object"]["requirements"]["disabled_reason"] == "under_review"
    assert cleared["requirements"]["disabled_reason"] is None
    assert told(platform, 1) == [("issuing_cardholder.updated", {"requirements": {"disabled_reason": "under_review"}})]
    assert ended["created"] == NOW + 5
    assert ended["request"] == {"id": None, "idempotency_key": None}


def test_every_change_starts_the_review_again(platform):
    platform.clock(set=NOW, frozen=True)
    platform.settings(cardholder_review_seconds=5)
    holder = a_cardholder(platform)
    platform.clock(advance=3)
    platform.made(f"{CARDHOLDERS}/{holder['id']}", email="ada@example.com")

    platform.clock(advance=3)
    waiting = platform.read(f"{CARDHOLDERS}/{holder['id']}")
    platform.clock(advance=2)

    assert waiting["requirements"]["disabled_reason"] == "under_review"
    assert platform.read(f"{CARDHOLDERS}/{holder['id']}")["requirements"]["disabled_reason"] is None
    assert len(platform.events()) == 3


def test_a_cleared_cardholder_is_under_review_again_after_a_change(platform):
    platform.clock(set=NOW, frozen=True)
    platform.settings(cardholder_review_seconds=5)
    holder = a_cardholder(platform)
    platform.clock(advance=5)

    platform.made(f"{CARDHOLDERS}/{holder['id']}", email="ada@example.com")

    assert told(platform, 2) == [
        ("issuing_cardholder.updated", {"email": None, "requirements": {"disabled_reason": None}})
    ]


def test_what_is_missing_comes_before_the_review(platform):
    platform.clock(set=NOW, frozen=True)
    platform.settings(cardholder_review_seconds=5)
    holder = platform.made(CARDHOLDERS, name="Ada Example", billing=BILLING)

    cured = platform.made(f"{CARDHOLDERS}/{holder['id']}", individual=PERSON)
    platform.clock(advance=5)

    assert holder["requirements"]["disabled_reason"] == "requirements.past_due"
    assert cured["requirements"] == {"disabled_reason": "under_review", "past_due": []}
    assert platform.read(f"{CARDHOLDERS}/{holder['id']}")["requirements"]["disabled_reason"] is None


@pytest.mark.parametrize(
    "change, param, what",
    [
        ({"first_name": "Grace"}, "individual[first_name]", "name"),
        ({"last_name": "Hopper"}, "individual[last_name]", "name"),
        ({"dob": {"day": 9, "month": 12, "year": 1906}}, "individual[dob]", "dob"),
    ],
)
def test_names_and_birth_dates_cannot_be_edited_under_review(platform, change, param, what):
    platform.settings(cardholder_review_seconds=60)
    holder = a_cardholder(platform)

    answer = platform.post(f"{CARDHOLDERS}/{holder['id']}", individual=change)

    assert (answer.status, answer.error["param"]) == (400, param)
    assert answer.error["message"] == (
        f"You can't update the {what} for a cardholder under review. Stripe will make a decision and update the "
        "disabled_reason field."
    )
    assert "code" not in answer.error


def test_the_refusal_speaks_of_past_due_where_something_is_missing(platform):
    holder = platform.made(CARDHOLDERS, name="Ada Example", billing=BILLING, individual={"first_name": "Ada"})
    platform.made(f"/_emulator/issuing/cardholders/{holder['id']}", requirements={"disabled_reason": "under_review"})

    error = platform.post(f"{CARDHOLDERS}/{holder['id']}", individual={"first_name": "Grace"}).error

    assert error["message"] == (
        "You can't update the name for a cardholder under review. The past_due field contains information that you "
        "need to provide before the cardholder can approve authorizations."
    )


def test_what_is_past_due_can_be_provided_under_review(platform):
    holder = a_cardholder(platform)
    demanded = {"disabled_reason": "under_review", "past_due": ["individual.dob.day"]}
    platform.made(f"/_emulator/issuing/cardholders/{holder['id']}", requirements=demanded)
    born = {"day": 10, "month": 12, "year": 1990}

    changed = platform.made(f"{CARDHOLDERS}/{holder['id']}", individual={"dob": born})

    assert changed["requirements"] == {"disabled_reason": "under_review", "past_due": []}


def test_the_same_name_and_everything_else_can_be_sent_under_review(platform):
    platform.settings(cardholder_review_seconds=60)
    holder = a_cardholder(platform)

    changed = platform.made(f"{CARDHOLDERS}/{holder['id']}", individual=PERSON, email="ada@example.com")

    assert changed["email"] == "ada@example.com"


# Lists


def test_cardholders_are_listed_newest_first_and_by_every_filter(platform):
    platform.clock(set=NOW, frozen=True)
    ada = a_cardholder(platform, email="ada@example.com", phone_number="+14155550123")
    platform.clock(advance=10)
    company = a_cardholder(platform, type="company", status="inactive")
    platform.made(f"/_emulator/issuing/cardholders/{company['id']}", status="blocked")
    platform.clock(advance=10)
    idle = a_cardholder(platform, status="inactive")

    def listed(**filters):
        return [holder["id"] for holder in platform.read(CARDHOLDERS, **filters)["data"]]

    assert listed() == [idle["id"], company["id"], ada["id"]]
    assert listed(email="ada@example.com") == listed(phone_number="+14155550123") == [ada["id"]]
    assert listed(status="active") == listed(created={"lte": NOW}) == [ada["id"]]
    assert listed(status="blocked") == listed(type="company") == listed(created=NOW + 10) == [company["id"]]
    assert listed(status="inactive") == listed(created={"gt": NOW + 10}) == [idle["id"]]
    assert listed(type="individual", limit=1) == [idle["id"]]
    assert listed(starting_after=idle["id"], limit=1) == [company["id"]]


@pytest.mark.parametrize(
    "filters, param", [({"status": "gone"}, "status"), ({"starting_after": "ich_nope"}, "starting_after")]
)
def test_a_list_refuses_what_it_does_not_know(platform, filters, param):
    answer = platform.get(CARDHOLDERS, **filters)

    assert (answer.status, answer.error["param"]) == (400, param)


def test_an_unknown_cardholder_is_missing(platform):
    answer = platform.get(f"{CARDHOLDERS}/ich_nope")

    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "resource_missing", "cardholder")
    assert answer.error["message"] == "No such issuing cardholder: 'ich_nope'"


def test_the_doctor_finds_nothing_wrong_with_any_of_them(platform):
    platform.settings(cardholder_review_seconds=60)
    a_cardholder(platform)
    platform.made(CARDHOLDERS, name="Ada Example", billing=BILLING)

    tenant = platform.app.emulator.tenants.open(platform.key.split("_", 2)[2])
    assert list(examine_tenant(tenant)) == []
