"""Versions: which changes a pin has not had, and that replies, events, lists and parameters follow from that."""

from __future__ import annotations

import json

import pytest

from emulator.data.version_changes import CHANGES
from emulator.kernel import versions
from emulator.kernel.events import earlier, told
from tests.client import Client
from tests.issuing.holders import SHIPPING, a_connected_account, a_physical_card
from tests.issuing.purchases import AUTHORIZATIONS, a_spender, authorize, done
from tests.receivers import PATIENCE_SECONDS, Reply, receiving

IAUTH = "/v1/issuing/authorizations"
BASIL, ACACIA = "2025-03-31.basil", "2025-02-24.acacia"
YES = Reply(200, b'{"approved": true}', {"Stripe-Version": BASIL})


def expired(client: Client, **purchase: object) -> dict:
    """An authorization that ran out."""
    return done(client, authorize(client, a_spender(client), 10_00, **purchase), "expire")


# Which changes


@pytest.mark.parametrize(
    "version",
    ["2026-10-28.endive", "2026-09-30.endive", "2026-09-30.preview", "2027-01-01.later", "2099-12-31.x;beta=v1"],
)
def test_for_the_newest_version_nothing_is_done(version):
    body = {"object": "issuing.authorization", "status": "expired"}

    assert versions.pin_of(version) is None
    assert versions.shown(version, body) is body
    assert versions.sent(version, "POST /v1/accounts/{account}/reject", body) is body
    assert versions.filters(version, "issuing.authorization", body) is body
    assert versions.headers(version, "issuing_authorization.request", body) is body
    assert told({"object": body}, version)["object"] is body


def test_only_the_date_of_a_version_counts():
    assert versions.pin_of("2025-03-01.dashboard") is versions.pin_of(ACACIA) is versions.pin_of("2025-02-24")
    assert versions.pin_of(f"{ACACIA}; issuing_credit_beta=v3") is versions.pin_of(ACACIA)
    assert versions.pin_of("2025-07-30.basil") is versions.pin_of(BASIL) is not versions.pin_of(ACACIA)
    assert versions.pin_of("2026-02-25.preview") is versions.pin_of("2025-09-30.clover")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.id)
def test_a_version_has_the_changes_of_its_own_date(change):
    assert not versions.predates(change.since, change.id)
    assert versions.predates("2014-01-31", change.id)


def test_there_are_no_more_pins_than_dates_of_changes():
    pins = {id(versions.pin_of(f"{year}-{month:02}-15")) for year in range(2011, 2027) for month in range(1, 13)}

    assert len(pins) <= len({change.since for change in CHANGES}) + 1


# Replies


def test_objects_are_taken_back_at_every_depth_and_metadata_is_left_alone():
    card = {"object": "issuing.card", "shipping": {"status": "submitted"}, "metadata": {"object": "file", "type": "x"}}
    body = {"object": "list", "data": [{"object": "emulator.pair", "both": [card, {"deeper": card}]}], "url": "/"}

    shown = versions.shown("2022-08-01", body)

    first, second = shown["data"][0]["both"]
    assert first["shipping"]["status"] == second["deeper"]["shipping"]["status"] == "pending"
    assert first["metadata"] == card["metadata"]
    assert card["shipping"]["status"] == "submitted"


def test_deleted_objects_are_no_more_than_their_id():
    stub = {"id": "acct_1", "object": "account", "deleted": True}

    assert versions.shown("2015-04-07", stub) == stub


def test_the_header_decides_then_the_accounts_setting(platform):
    id = expired(platform)["id"]

    by_header = platform.pinned(ACACIA).read(f"{IAUTH}/{id}")
    platform.settings(api_version=ACACIA)
    by_setting = platform.read(f"{IAUTH}/{id}")
    over_setting = platform.pinned(BASIL).read(f"{IAUTH}/{id}")

    assert (by_header["status"], by_setting["status"], over_setting["status"]) == ("reversed", "reversed", "expired")
    assert by_setting == by_header


def test_records_stay_as_the_newest_version_has_them(platform):
    id = expired(platform.pinned("2020-08-27"))["id"]

    assert platform.read(f"{IAUTH}/{id}")["status"] == "expired"


def test_lists_expanded_members_and_what_is_embedded_are_of_the_version_too(platform):
    card = a_physical_card(platform, status="active")
    platform.made("/v1/test_helpers/issuing/fund_balance", amount=10_00, currency="usd")
    platform.made(f"/v1/test_helpers/issuing/cards/{card['id']}/shipping/submit")
    made = authorize(platform, card, 1_00)
    done(platform, made, "capture")
    older = platform.pinned("2022-08-01")

    listed = older.read(IAUTH)["data"][0]
    expanded = older.read("/v1/issuing/transactions", expand=["data.card"])["data"][0]

    assert listed["card"]["shipping"]["status"] == expanded["card"]["shipping"]["status"] == "pending"


def test_a_platform_that_acts_for_an_account_keeps_its_own_version(platform):
    account = a_connected_account(platform, "card_issuing", "transfers")
    id = expired(account)["id"]

    platform.settings(api_version=ACACIA)

    assert account.read(f"{IAUTH}/{id}")["status"] == "reversed"


def test_an_older_word_of_a_filter_finds_all_that_is_shown_under_it(platform):
    card = a_spender(platform)
    ran_out = done(platform, authorize(platform, card, 1_00), "expire")["id"]
    given_back = done(platform, authorize(platform, card, 2_00), "reverse")["id"]
    authorize(platform, card, 3_00)

    def found(client, status):
        return {one["id"] for one in client.read(IAUTH, status=status)["data"]}

    assert found(platform.pinned(ACACIA), "reversed") == {ran_out, given_back}
    assert found(platform, "reversed") == found(platform.pinned(BASIL), "reversed") == {given_back}
    assert found(platform, "expired") == {ran_out}


# What is sent


def test_a_parameter_of_older_versions_is_unknown_to_newer_ones_and_the_other_way_round(platform):
    card = a_spender(platform)["id"]
    older = {"card_testing_risk": {"risk_level": "normal"}}
    newer = {"card_testing_risk": {"level": "normal"}}

    for version, taken, refused in (("2026-02-25.clover", older, newer), ("2026-03-25.dahlia", newer, older)):
        client = platform.pinned(version)
        assert client.post(AUTHORIZATIONS, card=card, amount=1, risk_assessment=taken).status == 200
        refusal = client.post(AUTHORIZATIONS, card=card, amount=1, risk_assessment=refused)
        assert (refusal.status, refusal.error["code"]) == (400, "parameter_unknown")
        assert (
            refusal.error["param"] == f"risk_assessment[card_testing_risk][{next(iter(refused['card_testing_risk']))}]"
        )


def test_without_a_header_parameters_are_understood_as_the_accounts_version_has_them(platform):
    card = a_spender(platform)["id"]
    platform.settings(api_version="2025-12-15.clover")

    made = authorize(platform, card, 1_00, risk_assessment={"card_testing_risk": {"risk_level": "normal"}})

    assert made["risk_assessment"]["card_testing_risk"]["risk_level"] == "normal"


def test_a_key_is_repeated_with_the_same_parameters_whatever_the_version_makes_of_them(platform):
    keyed = {"Idempotency-Key": "once", "Stripe-Version": "2022-08-01"}
    account = a_connected_account(platform, "transfers").account

    first = platform.post(f"/v1/accounts/{account}/reject", reason="fraud", headers=keyed)
    again = platform.post(f"/v1/accounts/{account}/reject", reason="fraud", headers=keyed)

    assert (first.status, again.body, again.headers["Idempotent-Replayed"]) == (200, first.body, "true")


def test_the_accounts_version_has_to_be_one(platform):
    refusal = platform.post("/_emulator/settings", api_version="yesterday")

    assert (refusal.status, refusal.error["message"]) == (400, "Invalid Stripe API version: yesterday")
    assert platform.settings(api_version="2026-02-25.preview")["api_version"] == "2026-02-25.preview"


def test_to_look_up_the_accounts_version_moves_nothing_that_gives_way_to_the_request(platform):
    platform.settings(progress="at_once", api_version="2020-08-27")
    card = a_physical_card(platform)["id"]

    again = platform.made(f"/v1/issuing/cards/{card}", shipping=SHIPPING)

    assert again["shipping"]["status"] == "pending"


# Events


def test_an_event_is_rendered_for_the_endpoint_and_for_the_account_else(platform):
    with receiving() as pinned, receiving() as usual:
        for receiver, more in ((pinned, {"api_version": "2024-06-20"}), (usual, {})):
            platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["*"], **more)
        expired(platform)
        platform.made("/_emulator/webhooks/drain")

        told = [receiver.events[-1] for receiver in (pinned, usual)]
        assert [event["api_version"] for event in told] == ["2024-06-20", "2026-10-28.endive"]
        assert [event["data"]["object"]["status"] for event in told] == ["reversed", "expired"]
        assert [event["data"]["previous_attributes"]["status"] for event in told] == ["pending", "pending"]
        assert told[0]["id"] == told[1]["id"]
        assert platform.events()[-1]["data"] == told[1]["data"]


def test_the_event_list_shows_what_was_rendered_when_it_happened(platform):
    platform.settings(api_version=ACACIA)
    expired(platform)

    platform.settings(api_version=BASIL)

    event = platform.pinned("2026-10-28.endive").events(type="issuing_authorization.updated")[-1]
    assert (event["api_version"], event["data"]["object"]["status"]) == (ACACIA, "reversed")
    assert platform.read(f"/v1/events/{event['id']}") == event
    assert platform.read("/_emulator/events/wait", type="issuing_authorization.updated")["data"][-1] == event


def test_what_was_there_before_is_told_in_the_same_version():
    now = {
        "object": "account",
        "requirements": {"past_due": ["external_account"], "disabled_reason": None},
        "type": "custom",
    }
    previous = {
        "requirements": {"past_due": ["owners.dob", "owners.name"], "disabled_reason": "rejected.platform_fraud"}
    }

    in_2020 = told({"object": now, "previous_attributes": previous}, "2020-03-02")
    in_2018 = told({"object": now, "previous_attributes": previous}, "2018-02-28")

    assert in_2020["previous_attributes"] == {
        "requirements": {"past_due": ["relationship.owner"], "disabled_reason": "rejected.fraud"}
    }
    assert in_2018["previous_attributes"] == {"verification": {"disabled_reason": "rejected.fraud"}}


def test_the_object_before_an_update_is_made_whole_hash_by_hash():
    now = {"a": {"b": 1, "c": [1]}, "d": {"e": 1}, "f": None}

    assert earlier(now, {"a": {"b": 2}, "d": None, "f": {"g": 1}}) == {
        "a": {"b": 2, "c": [1]},
        "d": None,
        "f": {"g": 1},
    }


def test_the_reply_after_a_question_is_of_the_requests_version(platform):
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    with receiving(lambda arrived: YES) as receiver:
        platform.made(
            "/v1/webhook_endpoints",
            url=receiver.url,
            enabled_events=["issuing_authorization.request"],
            api_version=BASIL,
        )
        card = a_spender(platform)["id"]
        fuel = {"quantity_decimal": "5", "type": "diesel", "unit": "liter"}

        older = platform.pinned("2022-08-01").made(AUTHORIZATIONS, card=card, amount=1_00, fuel=fuel)
        newer = platform.made(AUTHORIZATIONS, card=card, amount=1_00, fuel=fuel)

        assert older["fuel"]["volume_decimal"] == newer["fuel"]["quantity_decimal"] == "5"
        asked = json.loads(receiver.arrived[0].body)
        assert (asked["api_version"], asked["data"]["object"]["fuel"]["quantity_decimal"]) == (BASIL, "5")


@pytest.mark.parametrize("version", ["2011-01-01", "2024-06-20", "2026-10-28.endive", "2031-05-01.zinnia"])
def test_versions_that_exist_or_could_are_known(version):
    assert versions.is_version(version)


@pytest.mark.parametrize("version", ["", "2019-2-19", "2024-06-21", "latest", "2026-10-28."])
def test_other_texts_are_no_versions(version):
    assert not versions.is_version(version)
