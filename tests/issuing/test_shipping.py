"""Shipments: the arrows between their statuses, what each writes down, and the five helpers."""

from __future__ import annotations

from itertools import product

import pytest

from emulator.issuing.shipping import LIFECYCLE, moved_on, started
from emulator.kernel.errors import ApiError
from tests.issuing.holders import ADDRESS, CARDS, SHIPPING, a_card, a_physical_card, previous, told

HELPERS = {"submit": "submitted", "ship": "shipped", "deliver": "delivered", "return": "returned", "fail": "failure"}
ALLOWED_FROM = {
    "submit": {"pending"},
    "ship": {"pending", "submitted"},
    "deliver": {"shipped"},
    "return": {"shipped", "delivered"},
    "fail": {"pending", "submitted", "shipped"},
}
WAY_TO = {
    "pending": [],
    "submitted": ["submit"],
    "shipped": ["ship"],
    "delivered": ["ship", "deliver"],
    "returned": ["ship", "return"],
    "failure": ["fail"],
    "canceled": ["cancel"],
}


def moved(platform, card, verb, **more):
    """The reply to one shipping helper."""
    return platform.post(f"/v1/test_helpers/issuing/cards/{card['id']}/shipping/{verb}", **more)


@pytest.mark.parametrize("status, verb", list(product(LIFECYCLE.moves, HELPERS)))
def test_only_drawn_arrows_can_be_followed(platform, status, verb):
    card = a_physical_card(platform)
    for step in WAY_TO[status]:
        if step == "cancel":
            platform.made(f"{CARDS}/{card['id']}", status="canceled")
        else:
            assert moved(platform, card, step).status == 200

    answer = moved(platform, card, verb)

    if status in ALLOWED_FROM[verb]:
        assert answer.json["shipping"]["status"] == HELPERS[verb]
    else:
        assert answer.status == 400 and "code" not in answer.error
        assert repr(status) in answer.error["message"] and repr(HELPERS[verb]) in answer.error["message"]


def test_the_table_of_arrows_is_the_helpers_and_cancel():
    drawn = {(status, verb) for status, verbs in LIFECYCLE.moves.items() for verb in verbs if verb != "cancel"}

    assert drawn == {(status, verb) for verb, statuses in ALLOWED_FROM.items() for status in statuses}
    assert {status for status in LIFECYCLE.moves if LIFECYCLE.allows(status, "cancel")} == {"pending", "submitted"}


def test_a_shipment_starts_pending_with_what_was_not_said_at_its_default(platform):
    shipment = a_physical_card(platform)["shipping"]

    assert shipment == {
        "address": {**ADDRESS, "line2": None},
        "address_validation": {
            "mode": "validation_and_normalization",
            "normalized_address": {
                "city": "SPRINGFIELD",
                "country": "US",
                "line1": "1 MAIN STREET",
                "line2": None,
                "postal_code": "62701",
                "state": "IL",
            },
            "result": "likely_deliverable",
        },
        "business_name": None,
        "carrier": None,
        "customs": None,
        "delivered_at": None,
        "eta": None,
        "name": "Ada Example",
        "phone_number": None,
        "require_signature": False,
        "service": "standard",
        "shipped_at": None,
        "status": "pending",
        "tracking_number": None,
        "tracking_url": None,
        "type": "individual",
    }


def test_a_shipment_keeps_everything_that_was_said(platform):
    said = {
        **SHIPPING,
        "business_name": "Example Inc.",
        "customs": {"eori_number": "GB123456789000"},
        "phone_number": "+14155550123",
        "require_signature": False,
        "service": "priority",
        "type": "bulk",
    }

    shipment = a_physical_card(platform, shipping=said)["shipping"]

    assert {name: shipment[name] for name in said if name != "address"} == {
        name: value for name, value in said.items() if name != "address"
    }


@pytest.mark.parametrize("service, signed", [("standard", False), ("express", True), ("priority", True)])
def test_a_signature_is_required_of_all_but_standard_shipments(service, signed):
    assert started({**SHIPPING, "service": service})["require_signature"] is signed


@pytest.mark.parametrize(
    "mode, is_normalized, result",
    [
        ("disabled", False, None),
        ("normalization_only", True, None),
        ("validation_and_normalization", True, "likely_deliverable"),
    ],
)
def test_an_address_is_validated_as_asked(mode, is_normalized, result):
    validation = started({**SHIPPING, "address_validation": {"mode": mode}})["address_validation"]

    assert validation["mode"] == mode and validation["result"] == result
    assert (validation["normalized_address"] is not None) is is_normalized


@pytest.mark.parametrize("currency, carrier", [("usd", "usps"), ("gbp", "royal_mail"), ("eur", "dhl")])
def test_a_standard_shipment_goes_by_the_post_of_the_currency_untracked(currency, carrier):
    shipped = moved_on(started(SHIPPING), "ship", currency=currency, now=1_000, chance=42)

    assert (shipped["carrier"], shipped["tracking_number"], shipped["tracking_url"]) == (carrier, None, None)
    assert shipped["shipped_at"] == 1_000 and shipped["eta"] == 1_000 + 8 * 86_400


@pytest.mark.parametrize("service", ["express", "priority"])
@pytest.mark.parametrize("currency, carrier", [("usd", "fedex"), ("gbp", "dhl"), ("eur", "dhl")])
def test_a_faster_shipment_goes_by_fedex_or_in_europe_dhl_and_can_be_tracked(currency, carrier, service):
    shipped = moved_on(started({**SHIPPING, "service": service}), "ship", currency=currency, now=1_000, chance=42)

    assert (shipped["carrier"], shipped["tracking_number"]) == (carrier, "000000000042")
    assert carrier in shipped["tracking_url"]
    assert shipped["tracking_url"].endswith("000000000042")
    assert 1_000 < shipped["eta"] < 1_000 + 8 * 86_400


def test_each_helper_sends_one_event_with_what_it_changed(platform):
    platform.clock(set=2_000_000_000, frozen=True)
    card = a_physical_card(platform)
    before = len(platform.events())

    for verb in ("submit", "ship", "deliver", "return"):
        assert moved(platform, card, verb).json["object"] == "issuing.card"

    unshipped = {"carrier": None, "eta": None, "shipped_at": None}
    assert told(platform, before) == [
        ("issuing_card.updated", {"shipping": {"status": "pending"}}),
        ("issuing_card.updated", {"shipping": {**unshipped, "status": "submitted"}}),
        ("issuing_card.updated", {"shipping": {"delivered_at": None, "status": "shipped"}}),
        ("issuing_card.updated", {"shipping": {"status": "delivered"}}),
    ]
    shipment = platform.read(f"{CARDS}/{card['id']}")["shipping"]
    assert shipment["shipped_at"] == shipment["delivered_at"] == 2_000_000_000


@pytest.mark.parametrize("verb", HELPERS)
def test_a_virtual_card_is_not_shipped(platform, verb):
    card = a_card(platform)

    answer = moved(platform, card, verb)

    assert (answer.status, answer.error["param"]) == (400, "card")
    assert card["shipping"] is None


@pytest.mark.parametrize("verb", HELPERS)
def test_an_unknown_card_is_not_shipped(platform, verb):
    answer = moved(platform, {"id": "ic_nope"}, verb)

    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "resource_missing", "card")
    assert answer.error["message"] == "No such issuing card: 'ic_nope'"


@pytest.mark.parametrize("version, status", [("2024-06-20", 400), ("2024-09-30.acacia", 200)])
def test_submit_needs_a_version_that_knows_it(platform, version, status):
    card = a_physical_card(platform)

    answer = moved(platform, card, "submit", headers={"Stripe-Version": version})

    assert answer.status == status
    if status == 400:
        assert version in answer.error["message"] and "2024-09-30.acacia" in answer.error["message"]


def test_a_card_whose_design_is_in_review_waits(platform):
    bundle = platform.read("/v1/issuing/physical_bundles")["data"][0]["id"]
    design = platform.made(
        "/v1/issuing/personalization_designs", physical_bundle=bundle, carrier_text={"header_title": "Hello"}
    )
    card = a_physical_card(platform, personalization_design=design["id"])

    refusal = moved(platform, card, "ship")
    platform.made(f"/v1/test_helpers/issuing/personalization_designs/{design['id']}/activate")
    accepted = moved(platform, card, "ship")

    assert refusal.status == 400 and "'review'" in refusal.error["message"]
    assert accepted.json["shipping"]["status"] == "shipped"


def test_canceling_a_card_before_it_left_stops_its_shipment(platform):
    card = a_physical_card(platform)

    canceled = platform.made(f"{CARDS}/{card['id']}", status="canceled")

    assert canceled["shipping"]["status"] == "canceled"
    assert previous(platform.events()[-1]) == {"shipping": {"status": "pending"}, "status": "inactive"}


def test_canceling_a_card_stops_the_shipment_that_the_same_request_changes(platform):
    card = a_physical_card(platform)
    elsewhere = {"name": "Grace Example", "address": ADDRESS}

    canceled = platform.made(f"{CARDS}/{card['id']}", status="canceled", shipping=elsewhere)

    assert (canceled["shipping"]["name"], canceled["shipping"]["status"]) == ("Grace Example", "canceled")
    assert moved(platform, card, "ship").status == 400


def test_canceling_a_card_that_is_on_its_way_does_not_stop_it(platform):
    card = a_physical_card(platform)
    moved(platform, card, "ship")

    canceled = platform.made(f"{CARDS}/{card['id']}", status="canceled")

    assert canceled["shipping"]["status"] == "shipped"


def test_a_card_can_be_activated_wherever_it_is(platform):
    card = a_physical_card(platform)

    assert platform.made(f"{CARDS}/{card['id']}", status="active")["status"] == "active"


def test_a_shipment_that_no_arrow_leaves_is_refused_without_a_change():
    with pytest.raises(ApiError):
        moved_on({**started(SHIPPING), "status": "returned"}, "deliver", currency="usd", now=1, chance=1)
