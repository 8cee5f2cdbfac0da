"""The contract check finds every kind of difference, and nothing in what is right."""

import json
import os
from copy import deepcopy
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import stripe

from . import ALLOWED, EXTRA_PARAMS, Recorder, annotations, complaints, flat, published_params, published_reply, replies
from .annotations import Type
from .operations import operations

SHARED_CONTROLS = {
    "allowed_card_presences": None,
    "allowed_categories": ["taxicabs_limousines"],
    "allowed_merchant_countries": None,
    "blocked_card_presences": None,
    "blocked_categories": None,
    "blocked_merchant_countries": ["RU"],
    "spending_limits": [{"amount": 500_00, "categories": None, "interval": "daily"}],
    "spending_limits_currency": "usd",
}
CARDHOLDER = {
    "id": "ich_1",
    "object": "issuing.cardholder",
    "billing": {
        "address": {
            "city": "Springfield",
            "country": "US",
            "line1": "1 Main Street",
            "line2": None,
            "postal_code": "62701",
            "state": "IL",
        }
    },
    "company": None,
    "created": 1_800_000_000,
    "email": None,
    "individual": None,
    "livemode": False,
    "metadata": {"team": "blue"},
    "name": "Ada Example",
    "phone_number": None,
    "preferred_locales": [],
    "requirements": {"disabled_reason": None, "past_due": []},
    "spending_controls": SHARED_CONTROLS,
    "status": "active",
    "type": "individual",
}
CARD = {
    "id": "ic_1",
    "object": "issuing.card",
    "brand": "Visa",
    "cancellation_reason": None,
    "cardholder": CARDHOLDER,
    "created": 1_800_000_000,
    "currency": "usd",
    "exp_month": 9,
    "exp_year": 2029,
    "last4": "4242",
    "latest_fraud_warning": None,
    "lifecycle_controls": None,
    "livemode": False,
    "metadata": {},
    "personalization_design": None,
    "replaced_by": None,
    "replacement_for": None,
    "replacement_reason": None,
    "second_line": None,
    "shipping": None,
    "spending_controls": SHARED_CONTROLS,
    "status": "active",
    "type": "virtual",
    "wallets": {
        "apple_pay": {"eligible": True, "ineligible_reason": None},
        "google_pay": {"eligible": True, "ineligible_reason": None},
        "primary_account_identifier": None,
    },
}
HOLD = {
    "id": "txn_1",
    "object": "balance_transaction",
    "amount": -12_34,
    "available_on": 1_800_000_000,
    "balance_type": "issuing",
    "created": 1_800_000_000,
    "currency": "usd",
    "description": "Hold for authorization",
    "exchange_rate": None,
    "fee": 0,
    "fee_details": [],
    "net": -12_34,
    "reporting_category": "issuing_authorization_hold",
    "source": "iauth_1",
    "status": "available",
    "type": "issuing_authorization_hold",
}
AUTHORIZATION = {
    "id": "iauth_1",
    "object": "issuing.authorization",
    "amount": 12_34,
    "amount_details": {"atm_fee": None, "cashback_amount": 0},
    "approved": True,
    "authorization_method": "online",
    "balance_transactions": [HOLD],
    "card": CARD,
    "card_presence": "not_present",
    "cardholder": "ich_1",
    "created": 1_800_000_000,
    "currency": "usd",
    "fleet": None,
    "fuel": {
        "industry_product_code": None,
        "quantity_decimal": "5.0",
        "type": "diesel",
        "unit": "liter",
        "unit_cost_decimal": "180",
    },
    "livemode": False,
    "merchant_amount": 12_34,
    "merchant_currency": "usd",
    "merchant_data": {
        "category": "taxicabs_limousines",
        "category_code": "4121",
        "city": "Springfield",
        "country": "US",
        "name": "Rides",
        "network_id": "1234567890",
        "postal_code": "62701",
        "state": "IL",
        "tax_id": None,
        "terminal_id": "99999999",
        "url": None,
    },
    "metadata": {},
    "network_data": None,
    "pending_request": None,
    "request_history": [
        {
            "amount": 12_34,
            "amount_details": None,
            "approved": True,
            "authorization_code": "S12345",
            "created": 1_800_000_000,
            "currency": "usd",
            "merchant_amount": 12_34,
            "merchant_currency": "usd",
            "network_risk_score": 10,
            "reason": "card_active",
            "reason_message": None,
            "requested_at": 1_800_000_000,
        }
    ],
    "status": "pending",
    "token": None,
    "transactions": [],
    "verification_data": {
        "address_line1_check": "not_provided",
        "address_postal_code_check": "not_provided",
        "authentication_exemption": None,
        "cvc_check": "not_provided",
        "expiry_check": "match",
        "postal_code": None,
        "three_d_secure": None,
    },
    "verified_by_fraud_challenge": False,
    "wallet": None,
}
PAGE = {"object": "list", "data": [AUTHORIZATION], "has_more": False, "url": "/v1/issuing/authorizations"}
EVENT = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2026-10-28.endive",
    "created": 1_800_000_000,
    "data": {"object": CARD, "previous_attributes": {"status": "inactive"}},
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": "req_1", "idempotency_key": None},
    "type": "issuing_card.updated",
}
ERROR = {
    "error": {
        "code": "resource_missing",
        "doc_url": "https://stripe.com/docs/error-codes/resource-missing",
        "message": "No such issuing card: 'ic_x'",
        "param": "card",
        "type": "invalid_request_error",
    }
}
PERSON_STUB = {"id": "person_1", "object": "person", "deleted": True}
FEATURES = {
    "object": "treasury.financial_account_features",
    "card_issuing": {"requested": True, "status": "active", "status_details": []},
}
RECEIVED_FROM_BANK = {
    "type": "us_bank_account",
    "billing_details": {"address": CARDHOLDER["billing"]["address"], "email": None, "name": None},
    "us_bank_account": {"bank_name": "STRIPE TEST BANK", "last4": "6789", "routing_number": "110000000"},
}


def changed(reply: dict, path: str, value: object) -> dict:
    """A copy of a reply with one field, named by its dotted path, set to another value."""
    copy = deepcopy(reply)
    place = copy
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in steps:
        place = place[step]
    place[last] = value
    return copy


def without(reply: dict, path: str) -> dict:
    copy = deepcopy(reply)
    place = copy
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in steps:
        place = place[step]
    del place[last]
    return copy


@pytest.mark.parametrize(
    "reply",
    [AUTHORIZATION, CARD, CARDHOLDER, PAGE, EVENT, ERROR, PERSON_STUB, FEATURES],
    ids=lambda reply: str(reply)[:40],
)
def test_a_reply_as_published_has_no_complaints(reply):
    assert complaints(reply) == []


PLANTED = {
    "unknown field": (changed(CARD, "emergency_contact", None), ["issuing.card.emergency_contact: unknown field"]),
    "unknown field two objects deep": (
        changed(AUTHORIZATION, "card.cardholder.requirements.note", "x"),
        ["issuing.authorization.card.cardholder.requirements.note: unknown field"],
    ),
    "missing required field": (without(CARD, "brand"), ["issuing.card.brand: missing"]),
    "missing nullable field": (without(CARD, "second_line"), ["issuing.card.second_line: missing"]),
    "missing field in a list": (
        without(AUTHORIZATION, "request_history.0.reason_message"),
        ["issuing.authorization.request_history[0].reason_message: missing"],
    ),
    "null where not allowed": (
        changed(CARD, "currency", None),
        ["issuing.card.currency: null where a string was expected"],
    ),
    "null instead of a hash": (
        changed(CARDHOLDER, "billing", None),
        ["issuing.cardholder.billing: null where a hash was expected"],
    ),
    "null metadata": (changed(CARD, "metadata", None), ["issuing.card.metadata: null where a hash was expected"]),
    "number in metadata": (
        changed(CARD, "metadata.seats", 3),
        ["issuing.card.metadata[seats]: an integer 3 where a string was expected"],
    ),
    "string for an integer": (
        changed(CARD, "exp_year", "2029"),
        ["issuing.card.exp_year: a string '2029' where an integer was expected"],
    ),
    "boolean for an integer": (
        changed(CARD, "exp_month", True),
        ["issuing.card.exp_month: a boolean True where an integer was expected"],
    ),
    "fraction for an integer": (
        changed(AUTHORIZATION, "amount", 12.34),
        ["issuing.authorization.amount: a number 12.34 where an integer was expected"],
    ),
    "integer for a boolean": (
        changed(CARD, "livemode", 0),
        ["issuing.card.livemode: an integer 0 where a boolean was expected"],
    ),
    "number for a decimal in a string": (
        changed(AUTHORIZATION, "fuel.quantity_decimal", 5.0),
        ["issuing.authorization.fuel.quantity_decimal: a number 5.0 where a decimal in a string was expected"],
    ),
    "words for a decimal in a string": (
        changed(AUTHORIZATION, "fuel.quantity_decimal", "five"),
        ["issuing.authorization.fuel.quantity_decimal: a string 'five' where a decimal in a string was expected"],
    ),
    "hash for a list": (
        changed(AUTHORIZATION, "transactions", {}),
        ["issuing.authorization.transactions: a hash {} where a list was expected"],
    ),
    "choice outside the list": (
        changed(CARD, "status", "blocked"),
        ["issuing.card.status: a string 'blocked' is none of active, canceled, inactive"],
    ),
    "choice outside the list, in a list": (
        changed(CARDHOLDER, "preferred_locales", ["pt"]),
        ["issuing.cardholder.preferred_locales[0]: a string 'pt' is none of de, en, es, fr, it"],
    ),
    "empty id for a reference": (
        changed(AUTHORIZATION, "cardholder", ""),
        ["issuing.authorization.cardholder: a string '' where an id or an object was expected"],
    ),
    "another object for a reference": (
        changed(AUTHORIZATION, "cardholder", CARD),
        ["issuing.authorization.cardholder.object: 'issuing.card' where 'issuing.cardholder' was expected"],
    ),
    "fault inside an expanded reference": (
        changed(AUTHORIZATION, "cardholder", without(CARDHOLDER, "name")),
        ["issuing.authorization.cardholder.name: missing"],
    ),
    "id where the object is embedded": (
        changed(AUTHORIZATION, "card", "ic_1"),
        ["issuing.authorization.card: a string 'ic_1' where issuing.card was expected"],
    ),
    "unknown object": ({"id": "x_1", "object": "issuing.wallet"}, ["issuing.wallet.object: 'issuing.wallet' is no"]),
    "no object at all": ({"id": "x_1"}, ["reply.object: missing in a hash"]),
    "list without a url": (without(PAGE, "url"), ["list.url: missing"]),
    "list with a count": (changed(PAGE, "total_count", 1), ["list.total_count: unknown field"]),
    "list with a full address": (
        changed(PAGE, "url", "http://127.0.0.1/v1/issuing/authorizations"),
        ["list.url: 'http://127.0.0.1/v1/issuing/authorizations' is no path of v1"],
    ),
    "list whose data is none": (changed(PAGE, "data", {}), ["list.data: a hash {} where a list was expected"]),
    "fault inside a list": (changed(PAGE, "data.0.approved", None), ["list.data[0].approved: null where a boolean"]),
    "stub with more": (changed(PERSON_STUB, "email", None), ["person.email: in a deleted stub"]),
    "stub that is not deleted": (
        changed(PERSON_STUB, "deleted", False),
        ["person.deleted: a boolean False where true was expected"],
    ),
    "stub without an id": (without(PERSON_STUB, "id"), ["person.id: missing"]),
    "fault inside an event": (
        without(EVENT, "data.object.cardholder.email"),
        ["event.data.object.cardholder.email: missing"],
    ),
    "expansion inside an event": (
        changed(
            changed(EVENT, "type", "issuing_authorization.created"),
            "data",
            {"object": changed(AUTHORIZATION, "cardholder", CARDHOLDER)},
        ),
        ["event.data.object.cardholder: expanded inside an event"],
    ),
    "unknown event type": (changed(EVENT, "type", "issuing_card.lost"), ["event.type: a string 'issuing_card.lost'"]),
    "previous attribute of no field": (
        changed(EVENT, "data.previous_attributes", {"state": "inactive"}),
        ["event.data.previous_attributes.state: unknown field"],
    ),
    "previous attribute of no field, in a hash": (
        changed(EVENT, "data.previous_attributes", {"spending_controls": {"limits": None}}),
        ["event.data.previous_attributes.spending_controls.limits: unknown field"],
    ),
    "previous attribute that the field never was": (
        changed(EVENT, "data.previous_attributes", {"exp_year": "2028", "status": "lost"}),
        [
            "event.data.previous_attributes.exp_year: a string '2028' where an integer was expected",
            "event.data.previous_attributes.status: a string 'lost' is none of",
        ],
    ),
    "previous array in part": (
        changed(EVENT, "data.previous_attributes", {"spending_controls": {"spending_limits": [{"amount": 1}]}}),
        [
            "event.data.previous_attributes.spending_controls.spending_limits[0].categories: missing",
            "event.data.previous_attributes.spending_controls.spending_limits[0].interval: missing",
        ],
    ),
    "event about another object": (
        changed(EVENT, "data.object", CARDHOLDER),
        ["event.data.object.object: 'issuing.cardholder' in an event of type 'issuing_card.updated'"],
    ),
    "event without an object": (changed(EVENT, "data", {}), ["event.data.object: missing"]),
    "error of an unknown type": (changed(ERROR, "error.type", "oops"), ["error.type: 'oops' is none of api_error"]),
    "error without a message": (without(ERROR, "error.message"), ["error.message: missing"]),
    "error with a null": (
        changed(ERROR, "error.param", None),
        ["error.param: null, where Stripe leaves the key out", "error.param: null where a text was expected"],
    ),
    "error with a dotted parameter": (
        changed(ERROR, "error.param", "billing.address"),
        ["error.param: 'billing.address' is not in bracket notation"],
    ),
    "error of an unknown code": (
        {"error": {**ERROR["error"], "code": "too_odd", "doc_url": "https://stripe.com/docs/error-codes/too-odd"}},
        ["error.code: 'too_odd' is no error code of the package"],
    ),
    "error without documentation": (without(ERROR, "error.doc_url"), ["error.doc_url: None where 'https://stripe.com"]),
    "error with documentation but no code": (
        without(ERROR, "error.code"),
        ["error.doc_url: present without a documented code"],
    ),
    "error with a member of its own": (
        changed(ERROR, "error.z_hint", "x"),
        ["error.z_hint: unknown field"],
    ),
    "error out of order": (
        {"error": {"type": "api_error", "message": "Sorry."}},
        ["error: members out of alphabetical order: type, message"],
    ),
    "something beside an error": (changed(ERROR, "id", "x"), ["error: 'id' beside the error"]),
    "error in a word": ({"error": "invalid_grant"}, ["error: a string 'invalid_grant' where a hash was expected"]),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found_and_nothing_else(name):
    reply, expected = PLANTED[name]

    found = complaints(reply)

    assert len(found) == len(expected)
    assert all(said.startswith(begins) for said, begins in zip(found, expected, strict=True)), found


@pytest.mark.parametrize(
    "reference", ["ich_2", CARDHOLDER, {"id": "ich_2", "object": "issuing.cardholder", "deleted": True}]
)
def test_a_reference_may_be_an_id_the_object_or_its_deleted_stub(reference):
    assert complaints(changed(AUTHORIZATION, "cardholder", reference)) == []


def test_keys_shown_only_when_asked_for_may_be_absent_or_present():
    assert complaints(without(CARD, "last4")) == ["issuing.card.last4: missing"]
    assert complaints({**CARD, "number": "4000009990000054", "cvc": "123"}) == []


def test_the_hash_that_a_type_names_must_be_there_and_the_others_need_not():
    owner = annotations.fields(annotations.object_classes()["treasury.received_credit"])
    check = replies.hash_of(owner["initiating_payment_method_details"].name, "treasury.received_credit:x", False)

    assert check(RECEIVED_FROM_BANK) is None
    assert check(without(RECEIVED_FROM_BANK, "us_bank_account")) == [".us_bank_account: missing, though type names it"]
    assert check({**RECEIVED_FROM_BANK, "type": "balance", "balance": "payments"}) is None


def test_features_never_requested_may_be_absent():
    assert complaints({"object": "treasury.financial_account_features"}) == []
    assert complaints(without(FEATURES, "card_issuing.status_details")) == [
        "treasury.financial_account_features.card_issuing.status_details: missing"
    ]


def test_an_expected_class_is_insisted_on():
    assert complaints(CARD, stripe.issuing.Card) == []
    assert complaints(CARD, "issuing.card") == []
    assert complaints(PAGE, stripe.issuing.Authorization) == []
    assert complaints(CARD, stripe.issuing.Cardholder) == [
        "reply.object: 'issuing.card' where 'issuing.cardholder' was expected"
    ]
    assert complaints(PAGE, "issuing.card")[0].startswith("list.data[0].object: 'issuing.authorization' where")


def test_an_error_without_a_documented_code_needs_no_documentation():
    body = {"error": {"message": "Too deep.", "param": "expand", "type": "invalid_request_error"}}

    assert complaints(body) == []
    assert complaints({"error": {"code": "property_expansion_max_depth", **body["error"]}}) == []


def test_an_exception_in_the_list_silences_its_complaint_and_no_other(monkeypatch):
    rows = tuple(
        type(ALLOWED[0])(what, where, "a test", choices)
        for what, where, choices in [
            ("extra", "issuing.card:pin", ()),
            ("null", "issuing.card:brand", ()),
            ("value", "issuing.card:status", ("melted",)),
            ("absent", "issuing.card:wallets.*_pay.ineligible_reason", ()),
        ]
    )
    monkeypatch.setattr(replies, "ALLOWED", rows)
    replies.permitted.cache_clear()
    check = replies.hash_of(annotations.object_classes()["issuing.card"], "issuing.card:", False)
    card = {
        **CARD,
        "pin": None,
        "brand": None,
        "status": "melted",
        "number": None,
        "cvc": None,
        "financial_account": None,
    }

    silenced = check(
        without(without(card, "wallets.apple_pay.ineligible_reason"), "wallets.google_pay.ineligible_reason")
    )
    others = check({**card, "pins": None, "last4": None, "status": "frozen", "type": "melted", "wallets": {}})
    replies.permitted.cache_clear()

    assert silenced is None
    assert len(others) == 7


def test_every_exception_names_a_field_of_the_package():
    fields = set()
    for name, owner in annotations.object_classes().items():
        fields |= places(f"{name}:", owner)
    unused = [
        row.where for row in ALLOWED if row.what != "extra" and not any(fnmatchcase(f, row.where) for f in fields)
    ]

    assert unused == []
    assert all(row.why and row.what in ("absent", "null", "extra", "value") for row in ALLOWED)
    assert all(bool(row.choices) == (row.what == "value") for row in ALLOWED)


def places(where: str, owner: annotations.ClassName) -> set[str]:
    """The places exceptions are looked up by: every field of a resource, at every depth within it."""
    found = set()
    for name, kind in annotations.fields(owner).items():
        found.add(replies.inside(where, name))
        for hashed in hashes(kind):
            if annotations.object_name(hashed) is None:
                found |= places(replies.inside(where, name), hashed)
    return found


def hashes(kind: Type) -> list[annotations.ClassName]:
    if kind.kind == "class":
        return [kind.name]
    return [name for inner in kind.of for name in hashes(inner)]


def test_every_class_of_the_package_can_be_checked():
    unmoved = [name for name in annotations.object_classes() if replies.resource(name)({"object": name}) is None]

    assert unmoved == ["v2.core.account_person", "treasury.financial_account_features"]  # those that may be empty


def test_published_parameters_come_with_their_nested_hashes_and_choices():
    card = published_params("POST", "/v1/issuing/cards")
    at = flat(card)

    assert card["currency"].required and not card["cardholder"].required
    assert card["type"].choices == ("physical", "virtual")
    assert card["shipping"].kinds == {"hash"}
    assert at["shipping[address][line1]"].required and not at["shipping[address][line2]"].required
    assert at["spending_controls[spending_limits][][amount]"].kinds == {"integer"}
    assert at["spending_controls[allowed_categories][]"].choices[:2] == (
        "ac_refrigeration_repair",
        "accounting_bookkeeping_services",
    )
    assert at["expand[]"].kinds == {"string"}


def test_published_parameters_say_what_an_empty_value_unsets():
    update = published_params("POST", "/v1/issuing/cards/{any_name}")

    assert update["metadata"].empty and update["metadata"].kinds == {"map"}
    assert not update["status"].empty and "" not in update["status"].choices


def test_a_range_filter_is_a_number_or_a_hash():
    created = published_params("get", "/v1/issuing/cards")["created"]

    assert created.kinds == {"integer", "hash"}
    assert set(created.members) == {"gt", "gte", "lt", "lte"}


def test_alternative_hashes_are_put_together():
    external = published_params("POST", "/v1/accounts/{account}/external_accounts")["external_account"]

    assert external.required and external.kinds == {"string", "hash"}
    assert external.members["object"].required and not external.members["account_number"].required


def test_every_published_operation_has_parameters_and_a_reply():
    replies_of = {operation: published_reply(*operation) for operation in operations()}

    assert all(published_params(verb, path) is not None for verb, path in operations())
    assert {operation for operation, reply in replies_of.items() if not reply.objects} == {
        ("GET", "/v1/quotes/{}/pdf"),
        ("POST", "/v2/billing/meter_event_stream"),
        # What is deleted is told by its id in v2.
        ("DELETE", "/v2/core/accounts/{}/persons/{}"),
        ("DELETE", "/v2/core/event_destinations/{}"),
    }
    assert replies_of["GET", "/v1/issuing/cards"] == (True, {"issuing.card"})
    assert replies_of["DELETE", "/v1/accounts/{}/external_accounts/{}"] == (False, {"bank_account", "card"})


def test_an_operation_that_is_not_published_is_refused():
    with pytest.raises(KeyError):
        published_params("POST", "/v1/issuing/settlements")


def test_every_additional_parameter_is_indeed_additional():
    for extra in EXTRA_PARAMS:
        published = flat(published_params(extra.verb, extra.path))
        if extra.choice:
            assert extra.choice not in published[extra.param].choices
        else:
            assert extra.param not in published


def test_the_recorder_passes_what_is_right_and_remembers_what_it_saw():
    recorder = Recorder()
    built = [("GET", "/v1/issuing/authorizations"), ("GET", "/v1/issuing/cards/{card}"), ("POST", "/v1/issuing/cards")]

    recorder.record("GET", "/v1/issuing/authorizations", 200, json.dumps(PAGE).encode())
    recorder.record("get", "/v1/issuing/cards/{id}", 200, CARD)
    recorder.record("POST", "/v1/issuing/cards", 400, ERROR)

    assert recorder.complaints == []
    assert recorder.unseen(built) == [("POST", "/v1/issuing/cards")]


def test_members_out_of_order_are_found_at_every_depth():
    shuffled = changed(CARD, "wallets", dict(reversed(CARD["wallets"].items())))

    found = Recorder().record("GET", "/v1/issuing/cards", 200, {**PAGE, "data": [shuffled]})

    assert found == [
        ".data[0].wallets: members out of order: primary_account_identifier, google_pay, apple_pay",
    ]
    assert Recorder().record("GET", "/v1/issuing/cards", 200, dict(reversed({**PAGE, "data": []}.items()))) == [
        ": members out of order: url, has_more, data, object"
    ]


def test_what_was_not_there_before_is_null_and_hashes_are_told_in_part():
    previous = {
        "metadata": {"seats": None, "team": "red"},
        "shipping": None,
        "spending_controls": {"spending_limits": []},
    }

    assert complaints(changed(EVENT, "data.previous_attributes", previous)) == []


def test_an_empty_list_and_a_refusal_do_not_count_as_seen():
    recorder = Recorder()

    recorder.record("GET", "/v1/issuing/authorizations", 200, {**PAGE, "data": []})
    recorder.record("GET", "/v1/issuing/cards/{card}", 404, ERROR)

    assert recorder.complaints == []
    assert recorder.populated == set()


@pytest.mark.parametrize(
    "verb, path, status, body, says",
    [
        ("GET", "/v1/issuing/cards/{card}", 200, without(CARD, "brand"), "issuing.card.brand: missing"),
        ("GET", "/v1/issuing/cards/{card}", 200, CARDHOLDER, "issuing.cardholder: where issuing.card is published"),
        ("GET", "/v1/issuing/cards/{card}", 200, PAGE, "list: where issuing.card is published"),
        ("GET", "/v1/issuing/cards", 200, CARD, "issuing.card: where a page of issuing.card is published"),
        ("GET", "/v1/issuing/cards", 200, PAGE, "issuing.authorization: where issuing.card is published"),
        ("GET", "/v1/issuing/cards", 200, ERROR, "status 200 with an error"),
        ("GET", "/v1/issuing/cards", 404, CARD, "status 404 with no error"),
        ("GET", "/v1/issuing/cards", 200, [], "reply: a list [] where an object was expected"),
    ],
)
def test_the_recorder_complains_with_the_operation(verb, path, status, body, says):
    recorder = Recorder()

    said = recorder.record(verb, path, status, body)

    assert said == [says]
    assert recorder.complaints == [(verb, path, status, says)]


# What Stripe's sample objects show differently. They are older than the package, and stubbed in places.
OUT_OF_SCOPE = {"customer_session", "issuing.settlement", "payment_method_configuration", "payment_method_domain"}
SAMPLES_DIFFER = (
    ("*.transfer_data.destination.*", "an account cut down to two fields"),
    ("*.source.*", "a source as it was before sources were replaced"),
    ("*.shipping.*", "an empty hash"),
    ("*.metadata: null*", "null in samples; an object in every recorded reply"),
    ("account_session.components.*: missing", "components newer than the sample"),
    ("event.data.object.*", "a plan of an older version"),
    ("*.individual.card_issuing: missing", "recorded replies have it"),
    ("payment_intent.processing.card: missing*", "a type without its hash"),
    ("payment_intent.allowed_payment_method_types: missing", "newer than the sample"),
    ("setup_intent.allowed_payment_method_types: missing", "newer than the sample"),
    ("payment_link.*.account: missing, though type names it", "a type without its hash"),
    ("payment_method.card.wallet.link: missing*", "a type without its hash"),
    ("payment_intent_amount_details_line_item.payment_method_options.*: missing", "an empty hash"),
    ("person.*: missing", "a person without most fields"),
    ("topup.payment_method*: missing", "newer than the sample"),
    ("treasury.financial_account.*: missing", "newer than the sample"),
    ("treasury.outbound_*.tracking_details.ach: missing*", "a type without its hash"),
    ("treasury.outbound_payment.*.us_bank_account: missing*", "a type without its hash"),
)


def test_stripes_own_sample_objects_differ_only_where_we_know():
    place = os.environ.get("STRIPE_SAMPLE_OBJECTS")
    if not place or not Path(place).is_file():
        pytest.skip("STRIPE_SAMPLE_OBJECTS names no file of Stripe's sample objects")
    samples = json.loads(Path(place).read_text(encoding="utf-8"))

    said = [line for name, sample in samples.items() if name not in OUT_OF_SCOPE for line in complaints(sample)]
    unknown = [line for line in said if not any(fnmatchcase(line, pattern) for pattern, _ in SAMPLES_DIFFER)]
    unused = [pattern for pattern, _ in SAMPLES_DIFFER if not any(fnmatchcase(line, pattern) for line in said)]

    assert unknown == [] and unused == []
