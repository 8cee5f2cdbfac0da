"""The table of version changes, row by row: what a client older than each sees and may send, and newer ones do not.

A test named `test_b1_…` is the test of row B1.
"""

from __future__ import annotations

import io
from typing import Any

import pytest

from emulator.catalog import CATALOG
from emulator.data.api_versions import API_VERSIONS
from emulator.data.version_changes import (
    CHANGES,
    QUESTION,
    TAKEN_BY_EVERY_VERSION,
    without_legal_entity,
)
from emulator.issuing.decline import REASONS
from emulator.kernel import versions
from emulator.kernel.transforms import placed, steps
from tests.client import Client
from tests.connect.shapes import BANK, CONTROLLER, account_of, company, individual, representative
from tests.issuing.holders import ADDRESS, CARDS, SHIPPING, a_card, a_connected_account, a_physical_card
from tests.issuing.purchases import AUTHORIZATIONS, TRANSACTIONS, a_spender, authorize, done, reasons
from tests.receivers import PATIENCE_SECONDS, Reply, receiving

IAUTH = "/v1/issuing/authorizations"
SHIPPING_HELPERS = "/v1/test_helpers/issuing/cards"
OPERATIONS = {route.signature for route in CATALOG.routes}
# The 14 reasons that versions before 2024-06-20 know. Source: stripe-python 9.12.0
OLDER_REASONS = {
    "account_disabled",
    "card_active",
    "card_inactive",
    "cardholder_inactive",
    "cardholder_verification_required",
    "insufficient_funds",
    "not_allowed",
    "spending_controls",
    "suspected_fraud",
    "verification_failed",
    "webhook_approved",
    "webhook_declined",
    "webhook_error",
    "webhook_timeout",
}


PAYMENTS = "/v1/payment_intents"
CONFIRMED = {"payment_method": "pm_card_visa", "return_url": "https://example.com"}
PAID = {
    "amount": 20_00,
    "currency": "usd",
    "confirm": True,
    "payment_method": "pm_card_visa",
    "return_url": "https://example.com",
}


def before(id: str) -> str:
    """The last version that does not have a change."""
    since = next(change.since for change in CHANGES if change.id == id)
    return [version for version in API_VERSIONS if version[:10] < since[:10]][-1]


def since(id: str) -> str:
    """The first version that has a change."""
    return next(change.since for change in CHANGES if change.id == id)


def both(client: Client, id: str) -> tuple[Client, Client]:
    """The client, pinned to the last version without a change and to the first one with it."""
    return client.pinned(before(id)), client.pinned(since(id))


# The table


def test_the_newest_change_stands_first_and_no_id_twice():
    dates = [change.since[:10] for change in CHANGES]

    assert dates == sorted(dates, reverse=True)
    assert len({change.id for change in CHANGES}) == len(CHANGES)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.id)
def test_a_row_is_whole(change):
    assert change.since in API_VERSIONS
    assert change.about.endswith(".") and change.source.startswith("https://")
    assert set(change.operations) <= OPERATIONS
    assert set(change.objects) <= {*CATALOG.records, QUESTION}
    assert bool(change.objects) == bool(change.sees) and (bool(change.operations) or not change.sends)
    assert change.sees or change.sends or change.rules
    assert all(rule.says(sent=False) for rule in change.sees) and all(rule.says(sent=True) for rule in change.sends)


def test_every_row_has_a_test():
    tested = {name.split("_")[1] for name in globals() if name.startswith("test_")}

    assert [change.id for change in CHANGES if change.id.lower() not in tested] == []


def test_changes_of_one_date_come_with_its_first_version():
    for change in CHANGES:
        assert change.since == next(version for version in API_VERSIONS if version[:10] == change.since[:10])


@pytest.mark.parametrize("garbage", ["text", "", ["a", "b"], {"0": "a"}, {"a": {"b": "c"}}, [{"a": "b"}], {}])
def test_whatever_is_sent_where_a_rule_looks_is_left_to_the_parameter_check(garbage):
    for change in CHANGES:
        for rule in change.sends:
            path = [name.split("|")[0] for name in steps(rule.path) if name != "[]"]
            for depth in range(1, len(path) + 1):
                tree = placed({"name": "x"}, path[:depth], garbage)
                for operation in change.operations:
                    assert versions.sent("2014-01-31", operation, tree)["name"] == "x"


# 2026


def test_e2_fraud_is_a_reason_to_reject_for_older_clients(platform):
    older, newer = both(platform, "E2")
    accounts = [a_connected_account(platform, "transfers").account for _ in range(2)]

    rejected = older.made(f"/v1/accounts/{accounts[0]}/reject", reason="fraud")
    refusal = newer.post(f"/v1/accounts/{accounts[1]}/reject", reason="fraud")

    assert rejected["requirements"]["disabled_reason"] == "rejected.fraud"
    assert (refusal.status, refusal.error["param"]) == (400, "reason")
    assert older.post(f"/v1/accounts/{accounts[1]}/reject", reason="fraud_payment_method_tester").status == 200


@pytest.mark.parametrize(
    "reason, seen", [("fraud_other", "fraud"), ("terms_of_service", "terms_of_service"), ("other", "other")]
)
def test_e3_a_rejection_by_the_platform_reads_like_one_by_stripe(platform, reason, seen):
    older, newer = both(platform, "E3")
    account = a_connected_account(platform, "transfers").account
    platform.made(f"/v1/accounts/{account}/reject", reason=reason)

    told = [client.read(f"/v1/accounts/{account}")["requirements"]["disabled_reason"] for client in (older, newer)]

    assert told == [f"rejected.{seen}", f"rejected.platform_{seen}"]


@pytest.mark.parametrize("kind", ["account", "capability", "person"])
def test_e4_errors_are_only_about_what_is_due(kind):
    errors = [{"code": "x", "requirement": name} for name in ("now", "past", "later")]
    requirements = {"currently_due": ["now"], "eventually_due": ["later"], "errors": errors, "past_due": ["past"]}
    body = {"object": kind, "requirements": requirements, "future_requirements": {**requirements, "past_due": []}}

    shown = versions.shown(before("E4"), body)

    assert [error["requirement"] for error in shown["requirements"]["errors"]] == ["now", "past"]
    assert [error["requirement"] for error in shown["future_requirements"]["errors"]] == ["now"]
    assert versions.shown(since("E4"), body) == body


def test_e4_errors_that_are_made_are_told_to_everyone(platform):
    platform.settings(onboarding="verify")
    account = account_of(platform, **individual(id_number="111111111"))["id"]

    told = [client.read(f"/v1/accounts/{account}")["requirements"]["errors"] for client in both(platform, "E4")]

    assert told[0] == told[1] != []


def test_d1_levels_are_called_risk_level(platform):
    older, newer = both(platform, "D1")
    risks = {
        "card_testing_risk": {"risk_level": "elevated"},
        "fraud_risk": {"level": "low"},
        "merchant_dispute_risk": {"risk_level": "highest", "dispute_rate": 2},
    }

    made = authorize(older, a_spender(platform), 1_00, risk_assessment=risks)

    shown = made["risk_assessment"]
    assert (shown["card_testing_risk"]["risk_level"], shown["merchant_dispute_risk"]["risk_level"]) == (
        "elevated",
        "highest",
    )
    assert shown["fraud_risk"]["level"] == "low" and "level" not in shown["card_testing_risk"]
    assert newer.read(f"{IAUTH}/{made['id']}")["risk_assessment"]["card_testing_risk"]["level"] == "elevated"


# 2025


@pytest.mark.parametrize(
    "stored, card_testing, merchant_dispute",
    [
        ("highest", "elevated", "high"),
        ("elevated", "elevated", "elevated"),
        ("normal", "normal", "normal"),
        ("low", "normal", "normal"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_c1_levels_are_told_on_the_older_scales(platform, stored, card_testing, merchant_dispute):
    older, newer = both(platform, "C1")
    risks = {name: {"level": stored} for name in ("card_testing_risk", "merchant_dispute_risk")}
    id = authorize(platform, a_spender(platform), 1_00, risk_assessment=risks)["id"]

    def levels(client):
        shown = client.read(f"{IAUTH}/{id}")["risk_assessment"]
        return [shown[name]["risk_level"] for name in ("card_testing_risk", "merchant_dispute_risk")]

    assert levels(older) == [card_testing, merchant_dispute]
    assert levels(newer) == [stored, stored]


def test_c1_the_older_word_is_understood(platform):
    older, _ = both(platform, "C1")
    risks = {name: {"risk_level": "high"} for name in ("card_testing_risk", "merchant_dispute_risk")}

    id = authorize(older, a_spender(platform), 1_00, risk_assessment=risks)["id"]

    stored = platform.read(f"{IAUTH}/{id}")["risk_assessment"]
    assert [stored[name]["level"] for name in risks] == ["elevated", "highest"]


def test_c4_days_of_the_weekend_are_read_over(platform):
    older, newer = both(platform, "C4")
    schedule = {"interval": "weekly", "weekly_payout_days": ["friday", "saturday", "sunday"]}
    params: dict[str, Any] = {"controller": CONTROLLER, "settings": {"payouts": {"schedule": schedule}}}

    made = older.made("/v1/accounts", **params)
    refusal = newer.post("/v1/accounts", **params)

    assert made["settings"]["payouts"]["schedule"]["weekly_payout_days"] == ["friday"]
    assert refusal.error["param"] == "settings[payouts][schedule][weekly_payout_days][1]"


def test_b1_what_ran_out_reads_as_reversed(platform):
    older, newer = both(platform, "B1")
    id = done(platform, authorize(platform, a_spender(platform), 1_00), "expire")["id"]

    assert [client.read(f"{IAUTH}/{id}")["status"] for client in (older, newer)] == ["reversed", "expired"]
    assert [len(client.read(IAUTH, status="reversed")["data"]) for client in (older, newer)] == [1, 0]
    assert done(older, {"id": id}, "capture")["status"] == "closed"


@pytest.mark.parametrize("approved, reason", [(True, "card_active"), (False, "webhook_error")])
def test_b2_what_the_network_decided_reads_as_the_usual_reason(platform, approved, reason):
    older, newer = both(platform, "B2")
    card = a_spender(platform)
    platform.made("/_emulator/issuing/next_authorization", reason="network_fallback", approved=approved)
    id = authorize(platform, card, 1_00)["id"]

    assert [reasons(client.read(f"{IAUTH}/{id}")) for client in (older, newer)] == [[reason], ["network_fallback"]]


@pytest.mark.parametrize("setting", ["endpoint", "account"])
def test_b3_a_question_accepts_what_any_event_does(platform, setting):
    accepted = []
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    yes = Reply(200, b'{"approved": true}', {"Stripe-Version": before("B3")})
    with receiving(lambda arrived: yes) as receiver:
        card = a_spender(platform)["id"]
        for version in (before("B3"), since("B3")):
            platform.settings(api_version=version if setting == "account" else "")
            own = {"api_version": version} if setting == "endpoint" else {}
            asked = {"url": receiver.url, "enabled_events": [QUESTION]}
            endpoint = platform.made("/v1/webhook_endpoints", **asked, **own)["id"]
            platform.pinned("2020-08-27").made(AUTHORIZATIONS, card=card, amount=1)
            accepted.append(receiver.arrived[-1].headers["accept"])
            platform.delete(f"/v1/webhook_endpoints/{endpoint}")

    assert accepted == ["*/*; q=0.5, application/xml", "application/json"]


def test_b10_political_exposure_is_any_text(platform):
    older, newer = both(platform, "B10")
    persons = f"/v1/accounts/{account_of(platform, business_type='company')['id']}/persons"

    read_over = older.made(persons, first_name="Ada", political_exposure="a mayor's cousin")
    taken = older.made(persons, first_name="Bob", political_exposure="existing")
    refusal = newer.post(persons, first_name="Cy", political_exposure="a mayor's cousin")
    own = older.made(
        "/v1/accounts", controller=CONTROLLER, business_type="individual", individual={"political_exposure": "mayor"}
    )

    assert (read_over.get("political_exposure"), taken["political_exposure"]) == (None, "existing")
    assert refusal.error["param"] == "political_exposure"
    assert own["individual"].get("political_exposure") is None


# 2024


def test_a1_addresses_are_not_validated_unless_asked(platform):
    older, newer = both(platform, "A1")
    asked = {**SHIPPING, "address_validation": {"mode": "normalization_only"}}

    cards = [a_physical_card(client) for client in (older, newer)]
    modes = [card["shipping"]["address_validation"] for card in cards]
    updated = older.made(f"{CARDS}/{cards[1]['id']}", shipping=SHIPPING)["shipping"]["address_validation"]

    assert modes[0] == updated == {"mode": "disabled", "normalized_address": None, "result": None}
    assert modes[1]["mode"] == "validation_and_normalization" and modes[1]["normalized_address"]
    assert a_physical_card(older, shipping=asked)["shipping"]["address_validation"]["mode"] == "normalization_only"
    assert platform.read(f"{CARDS}/{cards[0]['id']}") == cards[0]


def test_a2_what_the_printer_has_got_is_still_pending(platform):
    older, newer = both(platform, "A2")
    card = a_physical_card(platform)["id"]

    refusal = older.post(f"{SHIPPING_HELPERS}/{card}/shipping/submit")
    newer.made(f"{SHIPPING_HELPERS}/{card}/shipping/submit")

    assert refusal.status == 400 and "2024-09-30.acacia" in refusal.error["message"]
    seen = [client.read(f"{CARDS}/{card}")["shipping"]["status"] for client in (older, newer)]
    assert seen == ["pending", "submitted"]


@pytest.mark.parametrize(
    "reason, seen",
    [
        ("card_canceled", "card_inactive"),
        ("card_expired", "card_inactive"),
        ("cardholder_blocked", "cardholder_inactive"),
        ("insecure_authorization_method", "not_allowed"),
        ("pin_blocked", "verification_failed"),
    ],
)
def test_t1_newer_reasons_to_decline_read_as_older_ones(platform, reason, seen):
    older, newer = both(platform, "T1")
    card = a_spender(platform)
    platform.made("/_emulator/issuing/next_authorization", reason=reason)

    id = authorize(platform, card, 1_00)["id"]

    assert [reasons(client.read(f"{IAUTH}/{id}")) for client in (older, newer)] == [[seen], [reason]]


def test_t1_no_reason_but_the_older_ones_is_told(platform):
    told = {
        versions.shown(
            before("T1"), {"object": "issuing.authorization", "request_history": [{**row, "approved": True}]}
        )["request_history"][0]["reason"]
        for row in ({"reason": reason} for reason in REASONS)
    }

    assert told - OLDER_REASONS == {"stripe_internal_error"}  # which was only added, and is told to every version


@pytest.mark.parametrize("way", ["capture", "force capture", "unlinked refund"])
def test_t2_how_much_fuel_was_bought_is_called_volume_decimal(platform, way):
    older, newer = both(platform, "T2")
    card = a_spender(platform)
    details = {"fuel": {"volume_decimal": "12.5", "type": "diesel", "unit": "liter"}}
    path, more = {
        "capture": (f"{AUTHORIZATIONS}/{authorize(platform, card, 5_00)['id']}/capture", {}),
        "force capture": (f"{TRANSACTIONS}/create_force_capture", {"card": card["id"], "amount": 5_00}),
        "unlinked refund": (f"{TRANSACTIONS}/create_unlinked_refund", {"card": card["id"], "amount": 5_00}),
    }[way]

    older.made(path, purchase_details=details, **more)
    refusal = newer.post(path, purchase_details=details, **more)

    told = [
        client.read("/v1/issuing/transactions", expand=["data.purchase_details"])["data"][0]["purchase_details"]["fuel"]
        for client in (older, newer)
    ]
    assert (told[0].get("volume_decimal"), told[0].get("quantity_decimal")) == ("12.5", None)
    assert (told[1].get("volume_decimal"), told[1].get("quantity_decimal")) == (None, "12.5")
    assert refusal.error["param"] == "purchase_details[fuel][volume_decimal]"


def test_t3_authorizations_call_it_so_too(platform):
    older, newer = both(platform, "T3")

    id = authorize(platform, a_spender(platform), 1_00, fuel={"quantity_decimal": "3"})["id"]

    assert older.read(f"{IAUTH}/{id}")["fuel"]["volume_decimal"] == "3"
    assert newer.read(f"{IAUTH}/{id}")["fuel"]["quantity_decimal"] == "3"


@pytest.mark.parametrize(
    "unit, seen", [("kilowatt_hour", "other"), ("imperial_gallon", "other"), ("us_gallon", "us_gallon")]
)
def test_t5_newer_units_of_fuel_read_as_other(platform, unit, seen):
    older, newer = both(platform, "T5")
    made = authorize(platform, a_spender(platform), 1_00, fuel={"unit": unit})

    done(platform, made, "capture", purchase_details={"fuel": {"unit": unit}})

    for client, told in ((older, seen), (newer, unit)):
        bought = client.read("/v1/issuing/transactions", expand=["data.purchase_details"])["data"][0]
        assert bought["purchase_details"]["fuel"]["unit"] == told
        assert client.read(f"{IAUTH}/{made['id']}")["fuel"]["unit"] == told


@pytest.mark.parametrize(
    "capabilities, url, reason, seen",
    [
        (("treasury",), None, "other", "requirements.fields_needed"),
        (("transfers",), "https://inactivity.stripe.com", "paused.inactivity", "rejected.inactivity"),
    ],
)
def test_t7_newer_reasons_of_capabilities_read_as_older_ones(platform, capabilities, url, reason, seen):
    older, newer = both(platform, "T7")
    platform.settings(onboarding="verify")
    said = individual()
    if url is not None:
        said["business_profile"] = {**said["business_profile"], "url": url}
    account = account_of(platform, *capabilities, **said)["id"]

    told = [
        client.read(f"/v1/accounts/{account}/capabilities/{capabilities[0]}")["requirements"]["disabled_reason"]
        for client in (older, newer)
    ]

    assert told == [seen, reason]


# 2023


def test_y1_no_statement_descriptor_is_made(platform):
    older, newer = both(platform, "Y1")
    named = {"controller": CONTROLLER, "business_profile": {"name": "Some Company"}}

    account = older.made("/v1/accounts", **named)
    still = older.made(f"/v1/accounts/{account['id']}", email="a@example.com")
    changed = newer.made(f"/v1/accounts/{account['id']}", email="b@example.com")

    descriptors = [one["settings"]["payments"]["statement_descriptor"] for one in (account, still, changed)]
    assert descriptors == [None, None, "SOME COMPANY"]
    assert newer.made("/v1/accounts", **named)["settings"]["payments"]["statement_descriptor"] == "SOME COMPANY"


# 2022


def test_w1_a_card_of_an_older_client_is_delivered_by_itself(platform):
    older, newer = both(platform, "W1")
    cards = [a_physical_card(client)["id"] for client in (older, newer)]
    platform.clock(advance=10)

    shipments = [platform.read(f"{CARDS}/{card}")["shipping"] for card in cards]

    assert [shipment["status"] for shipment in shipments] == ["delivered", "pending"]
    assert shipments[0]["delivered_at"] == shipments[0]["shipped_at"]
    (event,) = platform.events(type="issuing_card.updated")
    assert event["data"]["previous_attributes"]["shipping"]["status"] == "pending"
    assert event["request"]["id"] is None


def test_w1_it_waits_as_long_as_flows_do_and_helpers_come_first(platform):
    older, _ = both(platform, "W1")
    platform.clock(frozen=True)
    shipped, canceled, waiting = (a_physical_card(older)["id"] for _ in range(3))
    older.made(f"{SHIPPING_HELPERS}/{shipped}/shipping/ship")
    older.made(f"{CARDS}/{canceled}", status="canceled")
    platform.settings(progress="never")
    never = a_physical_card(older)["id"]
    platform.settings(progress="at_once")
    at_once = a_physical_card(older)["id"]

    platform.clock(advance=9)
    early = platform.read(f"{CARDS}/{waiting}")["shipping"]["status"]
    platform.clock(advance=1)

    late = [platform.read(f"{CARDS}/{id}")["shipping"]["status"] for id in (shipped, canceled, waiting, never, at_once)]
    assert early == "pending"
    assert late == ["shipped", "canceled", "delivered", "pending", "delivered"]


def test_w1_a_helper_that_follows_comes_before_what_happens_by_itself(platform):
    older, _ = both(platform, "W1")
    platform.settings(progress="at_once")
    card = a_physical_card(older)["id"]

    failed = older.made(f"{SHIPPING_HELPERS}/{card}/shipping/fail")

    assert failed["shipping"]["status"] == platform.read(f"{CARDS}/{card}")["shipping"]["status"] == "failure"


def test_w1_virtual_cards_and_cards_that_cannot_be_printed_are_not_delivered(platform):
    older, _ = both(platform, "W1")
    bundle = platform.read("/v1/issuing/physical_bundles")["data"][0]["id"]
    design = platform.made(
        "/v1/issuing/personalization_designs", physical_bundle=bundle, carrier_text={"header_title": "Hi"}
    )
    a_card(older)
    in_review = a_physical_card(older, personalization_design=design["id"])["id"]

    platform.clock(advance=60)

    assert design["status"] == "review"
    assert platform.read(f"{CARDS}/{in_review}")["shipping"]["status"] == "pending"
    assert platform.events(type="issuing_card.updated") == []


def test_w2_a_rejected_design_is_no_reason_that_is_told(platform):
    older, newer = both(platform, "W2")
    card = a_physical_card(platform)["id"]
    platform.made(f"/_emulator/issuing/cards/{card}", cancellation_reason="design_rejected")

    told = [client.read(f"{CARDS}/{card}")["cancellation_reason"] for client in (older, newer)]

    assert told == [None, "design_rejected"]


# 2020 and 2019


def test_v2_what_is_due_of_people_is_told_by_their_role_once(platform):
    older, newer = both(platform, "V2")
    platform.settings(onboarding="verify")
    said = company()
    del said["company"]["owners_provided"]
    account = account_of(platform, "transfers", **said)["id"]

    now = newer.read(f"/v1/accounts/{account}")["requirements"]["currently_due"]
    then = older.read(f"/v1/accounts/{account}")["requirements"]
    capability = older.read(f"/v1/accounts/{account}/capabilities/transfers")["requirements"]

    people = [name for name in now if name.startswith(("representative.", "owners.")) or name.endswith("_provided")]
    others = set(now) - set(people)
    assert len(people) > 3
    assert set(then["currently_due"]) == others | {"relationship.owner", "relationship.representative"}
    assert len(then["currently_due"]) == len(set(then["currently_due"]))
    assert {"relationship.owner", "relationship.representative"} <= set(capability["past_due"])


def test_u2_capabilities_are_requested_by_a_list_of_names(platform):
    older, newer = both(platform, "U2")
    asked = {"controller": CONTROLLER, "requested_capabilities": ["transfers", "card_payments"]}

    account = older.made("/v1/accounts", **asked)
    refusal = newer.post("/v1/accounts", **asked)
    more = older.made(f"/v1/accounts/{account['id']}", requested_capabilities=["card_issuing"])

    assert account["capabilities"] == {"card_payments": "active", "transfers": "active"}
    assert more["capabilities"]["card_issuing"] == "active"
    assert (refusal.status, refusal.error["param"]) == (400, "requested_capabilities")
    unknown = older.post("/v1/accounts", controller=CONTROLLER, requested_capabilities=["flying"])
    assert (unknown.status, unknown.error["param"]) == (400, "capabilities[flying]")


def test_u4_the_representative_is_the_account_opener(platform):
    older, newer = both(platform, "U4")
    persons = f"/v1/accounts/{account_of(platform, business_type='company')['id']}/persons"

    made = older.made(persons, first_name="Ada", relationship={"account_opener": True})

    assert made["relationship"]["account_opener"] is True and "representative" not in made["relationship"]
    assert newer.read(f"{persons}/{made['id']}")["relationship"]["representative"] is True
    assert [one["id"] for one in older.read(persons, relationship={"account_opener": True})["data"]] == [made["id"]]
    assert newer.post(persons, relationship={"account_opener": True}).error["code"] == "parameter_unknown"
    assert older.post(persons, relationship={"representative": True}).error["code"] == "parameter_unknown"


def test_u6_an_individual_is_a_legal_entity(platform):
    older, newer = both(platform, "U6")
    entity = {
        "type": "individual",
        "first_name": "Ada",
        "last_name": "Example",
        "dob": {"day": 1, "month": 1, "year": 1902},
        "address": ADDRESS,
        "personal_id_number": "222222222",
        "verification": {"document": "file_identity_document_success"},
    }

    made = older.made(
        "/v1/accounts",
        controller=CONTROLLER,
        legal_entity=entity,
        business_name="Ada's",
        business_url="https://example.com",
        debit_negative_balances=True,
        decline_charge_on={"avs_failure": True},
        payout_schedule={"interval": "manual"},
        requested_capabilities=["transfers"],
        statement_descriptor="ADA",
        support_email="ada@example.com",
    )

    seen = made["legal_entity"]
    assert (seen["type"], seen["first_name"], seen["dob"]["year"]) == ("individual", "Ada", 1902)
    assert seen["address"]["city"] == seen["personal_address"]["city"] == "Springfield"
    assert (seen["personal_id_number_provided"], seen["business_tax_id_provided"]) == (True, False)
    assert seen["verification"]["document"] == "file_identity_document_success"
    assert (made["business_name"], made["business_url"]) == ("Ada's", "https://example.com")
    assert (made["debit_negative_balances"], made["decline_charge_on"]["avs_failure"]) == (True, True)
    assert (made["payout_schedule"]["interval"], made["statement_descriptor"]) == ("manual", "ADA")
    assert made["support_email"] == "ada@example.com"
    assert {"business_type", "company", "individual", "requirements"}.isdisjoint(made)
    assert list(made) == ["id", "object", *sorted(set(made) - {"id", "object"})]
    now = newer.read(f"/v1/accounts/{made['id']}")
    assert (now["business_type"], now["individual"]["first_name"]) == ("individual", "Ada")
    assert now["settings"]["payouts"]["schedule"]["interval"] == "manual"
    assert newer.post("/v1/accounts", controller=CONTROLLER, legal_entity=entity).error["param"] == "legal_entity"


def test_u6_a_company_is_one_too_without_the_person_behind_it(platform):
    older, newer = both(platform, "U6")
    entity = {"type": "company", "business_name": "Acme", "business_tax_id": "222222222", "address": ADDRESS}

    made = older.made("/v1/accounts", controller=CONTROLLER, legal_entity=entity)
    refusal = older.post("/v1/accounts", controller=CONTROLLER, legal_entity={**entity, "first_name": "Ada"})
    untyped = older.post(f"/v1/accounts/{made['id']}", legal_entity={"business_name": "Acme"})

    assert (made["legal_entity"]["business_name"], made["legal_entity"]["business_tax_id_provided"]) == ("Acme", True)
    assert made["legal_entity"]["first_name"] is None
    assert newer.read(f"/v1/accounts/{made['id']}")["company"]["name"] == "Acme"
    assert (refusal.status, refusal.error["param"]) == (400, "legal_entity")
    assert (untyped.status, untyped.error["code"], untyped.error["param"]) == (400, "parameter_unknown", "legal_entity")


def test_u6_what_is_due_is_what_verification_needs(platform):
    older, newer = both(platform, "U6")
    platform.settings(onboarding="verify")
    said = individual(phone=None, dob=None) | {"business_profile": {"mcc": "5734", "name": "Some Company"}}
    del said["individual"]["phone"], said["individual"]["dob"]
    account = account_of(platform, "card_payments", "transfers", **said, external_account=BANK)["id"]

    needed = older.read(f"/v1/accounts/{account}")["verification"]
    due = newer.read(f"/v1/accounts/{account}")["requirements"]

    assert due["disabled_reason"] == "requirements.past_due" and "individual.phone" in due["currently_due"]
    assert needed["disabled_reason"] == "fields_needed"
    assert set(needed["fields_needed"]) == {
        "business_url",
        "legal_entity.dob.day",
        "legal_entity.dob.month",
        "legal_entity.dob.year",
        "legal_entity.phone_number",
    }
    assert needed["due_by"] is None


@pytest.mark.parametrize("verification", ["text", {"document": "file_1", "status": "verified"}])
def test_u6_what_an_individuals_verification_says_besides_its_document_is_refused(platform, verification):
    older, _ = both(platform, "U6")

    refusal = older.post("/v1/accounts", legal_entity={"type": "individual", "verification": verification})

    assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (400, "parameter_unknown", "legal_entity")


@pytest.mark.parametrize("sent", [{"legal_entity": "x"}, {"legal_entity": {}}, {"legal_entity": {"type": {}}}, {}])
def test_u6_what_is_no_legal_entity_is_left_to_the_check(sent):
    assert without_legal_entity(sent) == sent


def test_u6_the_representative_of_a_company_is_no_part_of_the_account(platform):
    older, _ = both(platform, "U6")
    account = account_of(platform, **company())["id"]
    platform.made(f"/v1/accounts/{account}/persons", **representative())

    assert older.read(f"/v1/accounts/{account}")["legal_entity"]["last_name"] is None


# Customers and payment methods


def test_e6_payto_is_read_over_where_a_payment_method_is_changed(platform):
    older, newer = both(platform, "E6")
    customer = platform.made("/v1/customers")["id"]
    path = "/v1/payment_methods/" + platform.made("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]

    changed = older.made(path, payto={"pay_id": "jenny@example.com"}, metadata={"a": "1"})
    refusal = newer.post(path, payto={"pay_id": "jenny@example.com"})

    assert changed["metadata"] == {"a": "1"}
    assert (refusal.status, refusal.error["param"]) == (400, "payto")


def test_b11_naver_pay_is_read_over_where_a_payment_method_is_changed(platform):
    older, newer = both(platform, "B11")
    customer = platform.made("/v1/customers")["id"]
    path = "/v1/payment_methods/" + platform.made("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]

    changed = older.made(path, naver_pay={"funding": "card"}, metadata={"a": "1"})
    refusal = newer.post(path, naver_pay={"funding": "card"})

    assert changed["metadata"] == {"a": "1"}
    assert (refusal.status, refusal.error["param"]) == (400, "naver_pay")


@pytest.mark.parametrize("name, noun", [("coupon", "coupon"), ("promotion_code", "promotion code")])
def test_b7_a_coupon_of_a_customer_is_looked_for_and_there_is_none(platform, name, noun):
    older, newer = both(platform, "B7")

    missing = older.post("/v1/customers", **{name: "SPRING"})
    unknown = newer.post("/v1/customers", **{name: "SPRING"})

    assert (missing.error["message"], missing.error["param"]) == (f"No such {noun}: 'SPRING'", name)
    assert (missing.status, unknown.status, unknown.error["code"]) == (400, 400, "parameter_unknown")
    assert older.made("/v1/customers", **{name: None})["discount"] is None


def test_b8_a_metered_price_needs_no_meter_and_says_how_usage_would_add_up(platform):
    older, newer = both(platform, "B8")
    metered = {"recurring": {"interval": "month", "usage_type": "metered"}}
    sent = {"currency": "usd", "unit_amount": 1, "product_data": {"name": "Gold"}}
    summed = {"recurring": {**metered["recurring"], "aggregate_usage": "sum"}}

    made = older.made("/v1/prices", **sent, **summed)
    refusals = [newer.post("/v1/prices", **sent, **one).error for one in (metered, summed)]

    assert made["recurring"] == {
        "aggregate_usage": None,
        "interval": "month",
        "interval_count": 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "metered",
    }
    assert "aggregate_usage" not in newer.read(f"/v1/prices/{made['id']}")["recurring"]
    assert [one["param"] for one in refusals] == ["recurring[meter]", "recurring[aggregate_usage]"]


def test_p2_a_product_has_features(platform):
    older, newer = both(platform, "P2")
    features = [{"name": "Fast"}]

    product = older.made("/v1/products", name="Gold", features=features)
    path = f"/v1/products/{product['id']}"

    assert (product["features"], "marketing_features" in product) == (features, False)
    assert newer.read(path)["marketing_features"] == features
    assert older.made(path, features=[{"name": "Slow"}])["features"] == [{"name": "Slow"}]
    assert newer.post(path, features=features).error["param"] == "features"


def test_w3_a_customer_has_a_default_currency(platform):
    older, newer = both(platform, "W3")

    customer = older.made("/v1/customers", balance=100)

    assert (customer["default_currency"], customer["currency"]) == ("usd", "usd")
    assert "default_currency" not in newer.read(f"/v1/customers/{customer['id']}")


def test_v1_the_lists_of_a_customer_are_always_there(platform):
    older, newer = both(platform, "V1")

    customer = older.made("/v1/customers")

    for name in ("sources", "subscriptions", "tax_ids"):
        assert customer[name]["url"] == f"/v1/customers/{customer['id']}/{name}"
    assert "sources" not in newer.read(f"/v1/customers/{customer['id']}")


def test_u3_what_a_customer_owes_is_an_account_balance(platform):
    older, newer = both(platform, "U3")

    customer = older.made("/v1/customers", account_balance=100)

    assert (customer["account_balance"], "balance" in customer) == (100, False)
    assert newer.read(f"/v1/customers/{customer['id']}")["balance"] == 100
    assert newer.post("/v1/customers", account_balance=100).error["param"] == "account_balance"


def test_e1_older_clients_name_the_types_that_an_intent_takes(platform):
    older, newer = both(platform, "E1")
    types = {"payment_method_types": ["us_bank_account"]}

    made = older.made("/v1/setup_intents", **types)
    path = f"/v1/setup_intents/{made['id']}"

    assert made["payment_method_types"] == made["allowed_payment_method_types"] == ["us_bank_account"]
    assert older.made(path, payment_method_types=["card"])["payment_method_types"] == ["card"]
    for refusal in (newer.post("/v1/setup_intents", **types), newer.post(path, **types)):
        assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (
            400,
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        )
    both_ways = older.post("/v1/setup_intents", **types, allowed_payment_method_types=["card"])
    assert both_ways.error["code"] == "parameters_exclusive"
    assert older.post("/v1/setup_intents", payment_method_types=["sepa_debit"]).status == 501
    assert older.post("/v1/setup_intents", payment_method_types=["zebra"]).status == 400


def test_y3_an_intent_that_names_no_types_takes_cards_and_needs_no_return_url(platform):
    older, newer = both(platform, "Y3")

    made = older.made("/v1/setup_intents", payment_method="pm_card_visa", confirm=True)
    refusal = newer.post("/v1/setup_intents", payment_method="pm_card_visa", confirm=True)

    assert (made["status"], made["payment_method_types"], made["automatic_payment_methods"]) == (
        "succeeded",
        ["card"],
        None,
    )
    assert refusal.status == 400 and "return_url" in refusal.error["message"]


def test_p1_the_money_of_a_payment_is_booked_at_once_for_older_clients(platform):
    older, newer = both(platform, "P1")

    early = older.made(PAYMENTS, **PAID, expand=["latest_charge"])
    late = newer.made(PAYMENTS, **PAID, expand=["latest_charge"])

    assert (early["capture_method"], late["capture_method"]) == ("automatic", "automatic_async")
    assert early["latest_charge"]["balance_transaction"].startswith("txn_3")
    assert late["latest_charge"]["balance_transaction"] is None
    assert newer.read(f"/v1/charges/{late['latest_charge']['id']}")["balance_transaction"].startswith("txn_3")
    assert platform.event_types()[-1] == "charge.updated"


def test_b4c_what_has_expired_was_canceled_automatically(platform):
    older, newer = both(platform, "B4c")
    held = older.made(PAYMENTS, **PAID, capture_method="manual")

    platform.clock(advance=8 * 86_400)

    assert older.read(f"{PAYMENTS}/{held['id']}")["cancellation_reason"] == "automatic"
    assert newer.read(f"{PAYMENTS}/{held['id']}")["cancellation_reason"] == "expired"


def test_b6_payments_and_charges_have_no_invoice(platform):
    older, newer = both(platform, "B6")

    paid = older.made(PAYMENTS, **PAID, expand=["latest_charge"])

    assert paid["invoice"] is paid["latest_charge"]["invoice"] is None
    assert "invoice" not in newer.read(f"{PAYMENTS}/{paid['id']}")


def test_x1_a_payment_lists_its_charges(platform):
    older, newer = both(platform, "X1")
    made = older.made(PAYMENTS, amount=20_00, currency="usd")
    older.post(f"{PAYMENTS}/{made['id']}/confirm", payment_method="pm_card_chargeDeclined")
    paid = older.made(
        f"{PAYMENTS}/{made['id']}/confirm",
        payment_method="pm_card_visa",
        expand=["charges.data.balance_transaction"],
    )

    assert [one["status"] for one in paid["charges"]["data"]] == ["succeeded", "failed"]
    assert paid["charges"]["data"][0]["balance_transaction"]["net"] == 19_12
    assert older.read(PAYMENTS)["data"][0]["charges"]["total_count"] == 2
    assert "charges" not in newer.read(f"{PAYMENTS}/{made['id']}", expand=["charges"])


def test_x2_a_charge_lists_its_refunds(platform):
    older, newer = both(platform, "X2")
    charge = older.made(PAYMENTS, **PAID)["latest_charge"]
    refund = older.made("/v1/refunds", charge=charge, amount=5_00)

    shown = older.read(f"/v1/charges/{charge}")

    assert [one["id"] for one in shown["refunds"]["data"]] == [refund["id"]]
    assert "refunds" not in newer.read(f"/v1/charges/{charge}")
    assert newer.read(f"/v1/charges/{charge}", expand=["refunds"])["refunds"] == shown["refunds"]


# Before 2019


def test_u7_payments_speak_of_sources(platform):
    older, newer = both(platform, "U7")

    made = older.made(PAYMENTS, amount=20_00, currency="usd", allowed_source_types=["card"])

    assert (made["status"], made["allowed_source_types"]) == ("requires_source", ["card"])
    assert made["next_source_action"] is None and "next_action" not in made
    assert newer.read(f"{PAYMENTS}/{made['id']}")["status"] == "requires_payment_method"
    assert newer.post(PAYMENTS, amount=20_00, currency="usd", allowed_source_types=["card"]).status == 400


def test_u8_files_are_file_uploads(platform):
    older, newer = both(platform, "U8")
    upload = (io.BytesIO(b"\x89PNG"), "x.png")

    made = older.made("/v1/files", purpose="dispute_evidence", file=upload)

    assert made["object"] == older.read("/v1/files")["data"][0]["object"] == "file_upload"
    assert newer.read(f"/v1/files/{made['id']}")["object"] == "file"


@pytest.mark.parametrize("managed, kind", [(True, "custom"), (False, "standard")])
def test_s1a_custom_accounts_are_managed(platform, managed, kind):
    older, newer = both(platform, "S1a")

    made = older.made("/v1/accounts", managed=managed, country="US")

    assert made["managed"] is managed and "type" not in made
    assert newer.read(f"/v1/accounts/{made['id']}")["type"] == kind
    assert newer.post("/v1/accounts", managed=managed).error["param"] == "managed"
    assert older.made("/v1/accounts", type=kind)["managed"] is managed


def test_s1b_events_name_a_user_and_a_request(platform):
    account = a_connected_account(platform, "card_issuing", "transfers")
    with receiving() as older, receiving() as newer:
        for receiver, version in ((older, before("S1b")), (newer, since("S1b"))):
            platform.made(
                "/v1/webhook_endpoints",
                url=receiver.url,
                enabled_events=["topup.created"],
                connect=True,
                api_version=version,
            )
        account.made("/v1/topups", amount=100, currency="usd")
        platform.made("/_emulator/webhooks/drain")
        then, now = older.events[0], newer.events[0]

    assert (then["user_id"], then["request"]) == (account.account, now["request"]["id"])
    assert "account" not in then and now["account"] == account.account
    listed = account.pinned(before("S1b")).events(type="topup.created")[0]
    assert (listed["request"], "user_id" in listed) == (then["request"], False)


# What every version takes


@pytest.mark.parametrize("version", ["2026-10-28.endive", "2022-11-15"])
def test_parameters_that_no_change_gates_are_taken_by_every_version(platform, version):
    client = platform.pinned(version)
    documents = {
        "proof_of_registration": {"files": ["file_identity_document_success"], "signer": {"person": "person_1"}}
    }
    retired = ["transfer.paid", "recipient.created", "payment_method.card_automatically_updated"]

    endpoint = client.made("/v1/webhook_endpoints", url="http://localhost:1", enabled_events=retired)

    assert endpoint["enabled_events"] == retired
    assert client.made("/v1/accounts", controller=CONTROLLER, documents=documents)["id"]
    assert client.read("/v1/balance_transactions", available_on={"gte": 1})["data"] == []
    speed = {"us_bank_account": {"preferred_settlement_speed": "fastest"}}
    payment = client.made(PAYMENTS, amount=100, currency="usd", payment_method_options=speed)
    client.made(f"{PAYMENTS}/{payment['id']}", payment_method_options=speed)
    client.made(f"{PAYMENTS}/{payment['id']}/confirm", **CONFIRMED, payment_method_options=speed)
    assert {one.operation for one in TAKEN_BY_EVERY_VERSION} <= OPERATIONS
