"""The contract under versions that real platforms pin: a story told to each, and errors planted to be found.

Besides, every reply that the suite sees is told again as clients of these versions would have been told it.
"""

from __future__ import annotations

from typing import Any

import pytest

from emulator.data.api_versions import DEFAULT
from tests.client import Client
from tests.connect.shapes import BANK, account_of, individual
from tests.contract import Recorder
from tests.contract.older import OLDEST, ROWS, SAMPLED, Named, as_today, told_again
from tests.issuing.holders import a_physical_card, card_params
from tests.issuing.purchases import NO_LIMITS, a_treasury_spender, authorize, done, fund
from tests.receivers import receiving

EXPIRED = {"object": "issuing.authorization", "status": "expired"}
SUBMITTED = {"object": "issuing.card", "shipping": {"status": "submitted"}}


@pytest.fixture(params=SAMPLED)
def pinned(request: pytest.FixtureRequest, platform: Client) -> Client:
    """A platform that pins one of the versions. Its every reply is held against the contract of that version."""
    platform.settings(api_version=request.param)
    return platform.pinned(request.param)


# A story


def test_accounts_from_opening_to_rejection(pinned: Client) -> None:
    pinned.settings(onboarding="verify")
    account = account_of(pinned, **individual(id_number="111111111"), external_account=BANK)["id"]
    pinned.made(f"/v1/accounts/{account}", individual={"id_number": "222222222"})
    company = account_of(pinned, "transfers", business_type="company")["id"]
    pinned.made(f"/v1/accounts/{company}/persons", first_name="Ada", relationship={"owner": True})

    rejected = pinned.made(f"/v1/accounts/{account}/reject", reason="fraud")

    assert rejected["requirements"]["disabled_reason"] == "rejected.fraud"
    for id in (account, company):
        pinned.read(f"/v1/accounts/{id}")
        pinned.read(f"/v1/accounts/{id}/capabilities")
        pinned.read(f"/v1/accounts/{id}/persons")
        assert pinned.acting_as(id).events() or id == company
    pinned.read("/v1/accounts", expand=["data.individual"])


def test_cards_from_the_printer_to_their_end(pinned: Client) -> None:
    card = a_physical_card(pinned, status="active", spending_controls=NO_LIMITS)["id"]
    Client.post(pinned, f"/v1/test_helpers/issuing/cards/{card}/shipping/submit", headers={"Stripe-Version": DEFAULT})

    assert pinned.read(f"/v1/issuing/cards/{card}")["shipping"]["status"] == "pending"
    pinned.made(f"/_emulator/issuing/cards/{card}", cancellation_reason="design_rejected")
    assert pinned.read("/v1/issuing/cards", expand=["data.cardholder"])["data"][0]["status"] == "canceled"
    assert {event["api_version"] for event in pinned.events()} == {pinned.version}


@pytest.mark.parametrize(
    "reason",
    ["card_canceled", "cardholder_blocked", "insecure_authorization_method", "network_fallback", "pin_blocked"],
)
def test_purchases_that_end_in_every_way(pinned: Client, reason: str) -> None:
    fund(pinned, 500_00)
    card = pinned.made("/v1/issuing/cards", **card_params(pinned, status="active", spending_controls=NO_LIMITS))
    pinned.made("/_emulator/issuing/next_authorization", reason=reason)
    with receiving() as receiver:
        pinned.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["*"])
        authorize(pinned, card, 1_00)
        done(pinned, authorize(pinned, card, 2_00, fuel={"unit": "kilowatt_hour"}), "expire")
        done(pinned, authorize(pinned, card, 3_00), "reverse")
        captured = done(pinned, authorize(pinned, card, 4_00), "capture", purchase_details={"fuel": {"unit": "pound"}})
        pinned.made("/_emulator/webhooks/drain")
        told = [event["api_version"] for event in receiver.events]

    pinned.read(f"/v1/issuing/authorizations/{captured['id']}", expand=["cardholder"])
    page = pinned.read("/v1/issuing/authorizations", status="reversed")
    pinned.read("/v1/issuing/transactions", expand=["data.authorization", "data.purchase_details"])
    pinned.read("/v1/balance_transactions", expand=["data.source"])
    assert len(page["data"]) == (1 if pinned.version >= "2025-03-31" else 2)
    assert set(told) == {pinned.version} and len(told) > 6


def test_financial_accounts_and_what_moves_on_them(pinned: Client) -> None:
    client, account, card = a_treasury_spender(pinned)
    made = authorize(client, card, 10_00)
    done(client, made, "capture")

    client.read(f"/v1/treasury/financial_accounts/{account}", expand=["features"])
    client.read("/v1/treasury/transactions", financial_account=account, expand=["data.flow_details"])
    assert client.read(f"/v1/issuing/authorizations/{made['id']}")["treasury"]["transaction"]
    assert client.events(type="issuing_authorization.*")


# The checks themselves


@pytest.mark.parametrize(
    "reply, version, said",
    [
        (
            EXPIRED,
            "2025-02-24.acacia",
            "issuing.authorization:status: 'expired' is of 2025-03-31, unknown to 2025-02-24",
        ),
        (
            {"object": "list", "data": [{"card": SUBMITTED}]},
            "2022-08-01",
            "issuing.card:shipping.status: 'submitted' is of 2024-09-30, unknown to 2022-08-01",
        ),
        (
            {"object": "issuing.authorization", "fuel": {"quantity_decimal": "1"}},
            "2022-08-01",
            "issuing.authorization:fuel.quantity_decimal: a name of 2024-06-20, unknown to 2022-08-01",
        ),
        (
            {"object": "account", "requirements": {"past_due": ["url", "owners.email"]}},
            "2020-03-02",
            "account:requirements.past_due[]: 'owners.email' is of 2020-08-27, unknown to 2020-03-02",
        ),
        (
            {"object": "event", "api_version": "2022-08-01", "data": {"object": SUBMITTED}},
            DEFAULT,
            "issuing.card:shipping.status: 'submitted' is of 2024-09-30, unknown to 2022-08-01",
        ),
        (
            {
                "object": "event",
                "api_version": "2022-08-01",
                "data": {"object": {"object": "issuing.authorization"}, "previous_attributes": {"status": "expired"}},
            },
            DEFAULT,
            "issuing.authorization:status: 'expired' is of 2025-03-31, unknown to 2022-08-01",
        ),
    ],
)
def test_what_a_version_never_knew_is_found(reply: Any, version: str, said: str) -> None:
    assert as_today(reply, version)[1] == [said]
    assert as_today(reply, DEFAULT)[1] == ([said] if reply["object"] == "event" else [])


def test_older_names_and_words_are_retold_in_todays() -> None:
    reply = {
        "object": "issuing.authorization",
        "metadata": {"object": "issuing.card"},
        "risk_assessment": {"merchant_dispute_risk": {"risk_level": "high"}},
    }

    retold, said = as_today(reply, "2022-08-01")

    assert retold == {**reply, "risk_assessment": {"merchant_dispute_risk": {"level": "highest"}}}
    assert said == []


def test_a_reply_that_is_not_taken_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.kernel.versions.shown", lambda version, body: body)

    assert len(told_again(EXPIRED, "2022-08-01")) == 1


def test_the_recorder_holds_a_reply_against_its_own_version() -> None:
    assert any("unknown to" in one for one in Recorder().record("GET", "/v1/x", 200, EXPIRED, "2022-08-01"))
    assert not any("unknown to" in one for one in Recorder().record("GET", "/v1/x", 200, EXPIRED, DEFAULT))
    assert Recorder().record("GET", "/v1/x", 200, {"object": "file_upload"}, "2015-04-07") == []


def test_the_rows_reach_back_to_the_oldest_version_and_are_of_todays_contract() -> None:
    assert all(OLDEST <= row.since <= DEFAULT for row in ROWS)
    assert all(row.older != row.where.rpartition(".")[2] for row in ROWS if isinstance(row, Named))
    assert all(version >= OLDEST for version in SAMPLED)
