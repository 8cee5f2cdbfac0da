"""Replacement: every reason, what it demands of the original, what the new card keeps, and the chain they form."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from emulator.issuing.cards import Card
from emulator.kernel.world import World
from tests.examining import examine_tenant
from tests.issuing.holders import CARDS, a_card, a_cardholder, told

REASONS = ("damaged", "expired", "lost", "stolen")
# How the original is: as it was made, and as it was canceled.
STATES = {
    "inactive": {},
    "active": {"status": "active"},
    "canceled": {"status": "canceled"},
    "canceled lost": {"status": "canceled", "cancellation_reason": "lost"},
    "canceled stolen": {"status": "canceled", "cancellation_reason": "stolen"},
}
ALLOWED = {
    "damaged": {"inactive", "active"},
    "expired": {"inactive", "active"},
    "lost": {"canceled lost"},
    "stolen": {"canceled stolen"},
}


def secrets(client, card):
    """Number and security code of a card."""
    shown = client.read(f"{CARDS}/{card['id']}", expand=["number", "cvc"])
    return shown["number"], shown["cvc"]


def replaced(client, card, reason, **more):
    """The reply to a request for a replacement."""
    params = {"cardholder": card["cardholder"]["id"], "currency": card["currency"], "type": "virtual", **more}
    return client.post(CARDS, replacement_for=card["id"], replacement_reason=reason, **params)


def brought_to(client, state):
    """A card in one of the states above."""
    card = a_card(client)
    return client.made(f"{CARDS}/{card['id']}", **STATES[state])


@pytest.mark.parametrize("reason, state", list(product(REASONS, STATES)))
def test_a_reason_fits_the_state_of_the_original_or_is_refused(platform, reason, state):
    original = brought_to(platform, state)

    answer = replaced(platform, original, reason)

    if state in ALLOWED[reason]:
        new = answer.json
        assert (new["replacement_for"], new["replacement_reason"]) == (original["id"], reason)
        assert platform.read(f"{CARDS}/{original['id']}") == {**original, "replaced_by": new["id"]}
    else:
        assert (answer.status, answer.error["param"]) == (400, "replacement_for")
        assert platform.read(f"{CARDS}/{original['id']}") == original


@pytest.mark.parametrize("reason", REASONS)
def test_only_a_damaged_or_expired_card_hands_its_number_on(platform, reason):
    original = brought_to(platform, f"canceled {reason}" if reason in ("lost", "stolen") else "active")

    new = replaced(platform, original, reason).json

    (old_number, old_cvc), (new_number, new_cvc) = secrets(platform, original), secrets(platform, new)
    assert (new_number == old_number) is (reason in ("damaged", "expired"))
    assert (new["last4"] == original["last4"]) or reason in ("lost", "stolen")
    assert new_cvc != old_cvc


def test_the_expiry_of_a_replacement_counts_from_today(platform):
    platform.clock(set=2_004_000_000, frozen=True)
    original = a_card(platform)
    platform.clock(advance=365 * 86_400)

    new = replaced(platform, original, "expired").json

    assert (original["exp_month"], original["exp_year"]) == (6, 2036)
    assert (new["exp_month"], new["exp_year"]) == (6, 2037)


def test_a_replacement_inherits_neither_controls_nor_status(platform):
    holder = a_cardholder(platform)["id"]
    controls = {"blocked_categories": ["bakeries"], "spending_limits": None}
    original = a_card(platform, cardholder=holder, status="active", spending_controls=controls)

    new = replaced(platform, original, "damaged").json

    assert new["status"] == "inactive"
    assert new["spending_controls"]["blocked_categories"] is None
    assert new["spending_controls"]["spending_limits"][0]["amount"] == 500_00


def test_a_replacement_is_announced_before_its_original(platform):
    original = a_card(platform, status="active")
    before = len(platform.events())

    replaced(platform, original, "damaged")

    assert told(platform, before) == [
        ("issuing_card.created", None),
        ("issuing_card.updated", {"replaced_by": None}),
    ]


@pytest.mark.parametrize("reason", ["damaged", "expired"])
def test_activating_a_replacement_cancels_the_original(platform, reason):
    original = a_card(platform, status="active")
    new = replaced(platform, original, reason).json
    before = len(platform.events())

    platform.made(f"{CARDS}/{new['id']}", status="active")

    old = platform.read(f"{CARDS}/{original['id']}")
    assert (old["status"], old["cancellation_reason"]) == ("canceled", None)
    assert told(platform, before) == [
        ("issuing_card.updated", {"status": "inactive"}),
        ("issuing_card.updated", {"status": "active"}),
    ]
    updated = [event["data"]["object"]["id"] for event in platform.events()[before:]]
    assert updated == [new["id"], original["id"]]


def test_a_replacement_that_starts_active_cancels_the_original_at_once(platform):
    original = a_card(platform, status="active")
    before = len(platform.events())

    new = replaced(platform, original, "damaged", status="active").json

    assert new["status"] == "active"
    assert platform.read(f"{CARDS}/{original['id']}")["status"] == "canceled"
    assert told(platform, before) == [
        ("issuing_card.created", None),
        ("issuing_card.updated", {"replaced_by": None}),
        ("issuing_card.updated", {"status": "active"}),
    ]


def test_activating_the_replacement_of_a_lost_card_changes_nothing_else(platform):
    original = brought_to(platform, "canceled lost")
    new = replaced(platform, original, "lost").json
    before = len(platform.events())

    platform.made(f"{CARDS}/{new['id']}", status="active")

    assert told(platform, before) == [("issuing_card.updated", {"status": "inactive"})]


def test_an_original_canceled_in_the_meantime_stays_as_it_is(platform):
    original = a_card(platform, status="active")
    new = replaced(platform, original, "damaged").json
    platform.made(f"{CARDS}/{original['id']}", status="canceled", cancellation_reason="stolen")

    platform.made(f"{CARDS}/{new['id']}", status="active")

    assert platform.read(f"{CARDS}/{original['id']}")["cancellation_reason"] == "stolen"


def test_the_latest_replacement_is_the_one_an_original_names(platform):
    original = a_card(platform, status="active")
    first = replaced(platform, original, "damaged").json

    second = replaced(platform, original, "damaged").json

    assert platform.read(f"{CARDS}/{original['id']}")["replaced_by"] == second["id"]
    assert told(platform)[-1] == ("issuing_card.updated", {"replaced_by": first["id"]})


def test_a_chain_is_known_by_its_first_card(platform):
    first = a_card(platform, status="active")
    second = replaced(platform, first, "damaged", status="active").json
    platform.made(f"{CARDS}/{second['id']}", status="canceled", cancellation_reason="lost")
    third = replaced(platform, second, "lost").json

    tenant = platform.app.emulator.tenants.open(platform.key.split("_", 2)[2])
    with tenant.reading() as step:
        world = World(step, step.row.platform)
        chains = {world.get(Card, card["id"]).chain for card in (first, second, third)}

    assert chains == {first["id"]}


@pytest.mark.parametrize("name", ["cardholder", "currency"])
def test_a_replacement_is_for_the_same_holder_and_in_the_same_currency(platform, name):
    original = a_card(platform)
    other = {"cardholder": a_cardholder(platform)["id"], "currency": "eur"}[name]

    answer = replaced(platform, original, "damaged", **{name: other})

    assert (answer.status, answer.error["param"]) == (400, name)


@pytest.mark.parametrize(
    "sent, missing", [("replacement_for", "replacement_reason"), ("replacement_reason", "replacement_for")]
)
def test_original_and_reason_go_together(platform, sent, missing):
    original = a_card(platform)
    params = {"cardholder": original["cardholder"]["id"], "currency": "usd", "type": "virtual"}
    value = {"replacement_for": original["id"], "replacement_reason": "damaged"}[sent]

    error = platform.post(CARDS, **params, **{sent: value}).error

    assert (error["code"], error["param"]) == ("parameter_missing", missing)


def test_links_of_a_chain_can_be_expanded(platform):
    original = a_card(platform, status="active")
    new = replaced(platform, original, "damaged").json

    old = platform.read(f"{CARDS}/{original['id']}", expand=["replaced_by.replacement_for"])

    assert old["replaced_by"]["id"] == new["id"]
    assert old["replaced_by"]["replacement_for"]["id"] == original["id"]


def test_the_doctor_finds_nothing_wrong_with_a_chain(platform):
    first = a_card(platform, status="active")
    second = replaced(platform, first, "damaged", status="active").json
    replaced(platform, second, "expired")

    tenant = platform.app.emulator.tenants.open(platform.key.split("_", 2)[2])
    assert list(examine_tenant(tenant)) == []


def test_the_doctor_names_a_card_whose_original_does_not_know_it(platform):
    first = a_card(platform, status="active")
    new = replaced(platform, first, "damaged").json
    tenant = platform.app.emulator.tenants.open(platform.key.split("_", 2)[2])

    with tenant.writing() as step:
        world = World(step, step.row.platform)
        world.put(replace(world.get(Card, first["id"]), replaced_by=None))

    found = [finding.detail for finding in examine_tenant(tenant)]
    assert found == [
        f"{new['id']} replaces a card that does not know of it",
        f"{first['id']} has the replaced_by None, its last event says '{new['id']}'",
    ]
