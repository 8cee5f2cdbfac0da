"""What known clients send, in their order: the Stripe CLI's triggers, a production integration.

Stripe's two sample apps have a folder of their own: tests/clients.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.client import Client
from tests.issuing.holders import CARDHOLDERS, CARDS, told
from tests.issuing.purchases import AUTHORIZATIONS, TRANSACTIONS, authorize, done, fund
from tests.receivers import PATIENCE_SECONDS, Arrived, Reply, receiving

# The Stripe CLI's triggers. Source: https://github.com/stripe/stripe-cli/tree/master/pkg/fixtures/triggers

CLI_TERMS = {"user_terms_acceptance": {"date": 1470266163, "ip": "91.121.146.224"}}
CLI_HOLDER = {
    "name": "Jenny Rosen",
    "type": "individual",
    "individual": {"first_name": "Jenny", "last_name": "Rosen", "card_issuing": CLI_TERMS},
}
US_HOME = {
    "line1": "123 Main Street",
    "city": "San Francisco",
    "state": "CA",
    "postal_code": "94111",
    "country": "US",
}
SPANISH_HOME = {"line1": "Calle Mayor 1", "city": "Madrid", "state": "M", "postal_code": "28013", "country": "ES"}
BRITISH_HOME = {"line1": "1 High Street", "city": "London", "state": "LND", "postal_code": "N1 1AA", "country": "GB"}
PLACES = {
    "us": ("usd", {"billing": {"address": US_HOME}}),
    "eu": ("eur", {"billing": {"address": SPANISH_HOME}, "phone_number": "+34911234567"}),
    "gb": ("gbp", {"billing": {"address": BRITISH_HOME}, "phone_number": "+447911123456"}),
}


def trigger_card(platform: Client, place: str, **more: Any) -> dict[str, Any]:
    """The card that a trigger makes first."""
    currency, where = PLACES[place]
    holder = platform.made(CARDHOLDERS, **CLI_HOLDER, **where)
    assert holder["requirements"] == {"disabled_reason": None, "past_due": []}
    return platform.made(CARDS, currency=currency, type="virtual", cardholder=holder["id"], **more)


@pytest.mark.parametrize("place", PLACES)
def test_the_triggers_of_cardholders_and_cards(platform: Client, place: str) -> None:
    card = trigger_card(platform, place)

    assert (card["status"], card["currency"]) == ("inactive", PLACES[place][0])
    assert told(platform) == [("issuing_cardholder.created", None), ("issuing_card.created", None)]


@pytest.mark.parametrize("place", PLACES)
def test_the_trigger_of_authorizations(platform: Client, place: str) -> None:
    card = trigger_card(platform, place, status="active")
    currency = {} if place == "us" else {"held_currency": PLACES[place][0]}

    authorization = platform.made(
        f"{CARDS}/{card['id']}/test/authorizations", held_amount=100, authorization_method="online", **currency
    )

    # Nothing was funded, so nothing is approved; the trigger asks for no more than a reply.
    assert (authorization["amount"], authorization["currency"]) == (100, PLACES[place][0])
    assert authorization["request_history"][0]["reason"] == "insufficient_funds"
    assert told(platform)[-1] == ("issuing_authorization.created", None)


def test_the_triggers_of_transactions(platform: Client) -> None:
    card = trigger_card(platform, "us")
    capture = platform.made(f"{TRANSACTIONS}/create_force_capture", card=card["id"], amount=100, currency="usd")
    changed = platform.made(f"/v1/issuing/transactions/{capture['id']}", metadata={"order_id": 6735})

    assert (capture["amount"], capture["authorization"]) == (-100, None)
    assert changed["metadata"] == {"order_id": "6735"}
    assert told(platform)[2:] == [
        ("issuing_transaction.created", None),
        ("issuing_transaction.updated", {"metadata": {"order_id": None}}),
    ]


def test_the_trigger_of_receipts(platform: Client) -> None:
    card = trigger_card(platform, "us", status="active")

    capture = platform.made(
        f"{TRANSACTIONS}/create_force_capture",
        card=card["id"],
        amount=100,
        currency="usd",
        merchant_data={
            "category": "taxicabs_limousines",
            "city": "San Francisco",
            "country": "US",
            "name": "Rocket Rides",
            "network_id": "1234567890",
            "postal_code": "94107",
        },
        purchase_details={"receipt": [{"description": "Test", "quantity": 1, "unit_cost": 10000}]},
        expand=["purchase_details"],
    )

    assert capture["purchase_details"]["receipt"] == [
        {"description": "Test", "quantity": 1, "total": 10000, "unit_cost": 10000}
    ]
    assert capture["merchant_data"]["postal_code"] == "94107"
    assert told(platform)[2:] == [
        ("issuing_transaction.created", None),
        ("issuing_transaction.purchase_details_receipt_updated", None),
    ]


def test_the_triggers_of_accounts_and_topups(platform: Client) -> None:
    account = platform.made("/v1/accounts", type="standard")
    platform.made(f"/v1/accounts/{account['id']}", metadata={"foo": "bar"})
    changed = platform.acting_as(account["id"]).events()[-1]
    assert (changed["type"], changed["data"]["previous_attributes"]) == ("account.updated", {"metadata": {"foo": None}})

    gone = platform.made("/v1/accounts", type="standard")
    with receiving() as receiver:
        events = ["account.application.deauthorized"]
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=events, connect=True)
        deleted = platform.delete(f"/v1/accounts/{gone['id']}")
        platform.made("/_emulator/webhooks/drain")
    assert deleted.json == {"id": gone["id"], "object": "account", "deleted": True}
    assert [(event["type"], event["account"]) for event in receiver.events] == [(*events, gone["id"])]

    platform.made("/v1/topups", amount=2000, currency="usd", description="(created by Stripe CLI)")
    assert platform.event_types()[-2:] == ["topup.created", "topup.succeeded"]

    assert platform.post("/v1/accounts").status == 200  # as the triggers of transfers do, without a body


# A production integration. Source: https://github.com/hackclub/hcb


def test_a_handler_writes_metadata_while_it_is_asked(platform: Client) -> None:
    holder = platform.made(
        CARDHOLDERS, **CLI_HOLDER, billing={"address": US_HOME}, email="a@example.com", phone_number="+12025550123"
    )
    fund(platform, 50000)
    card = platform.made(CARDS, cardholder=holder["id"], currency="usd", type="virtual", status="active")
    secrets: list[str] = []
    seen: list[dict[str, Any]] = []

    def handler(arrived: Arrived) -> Reply:
        event = stripe.Webhook.construct_event(arrived.body, arrived.headers["stripe-signature"], secrets[0])
        inside = Client(platform.app, platform.key)
        asked = event["data"]["object"]["id"]
        seen.append(inside.made(f"/v1/issuing/authorizations/{asked}", metadata={"decided_by": "hcb", "order": "1"}))
        seen.append(inside.read(f"{CARDS}/{card['id']}"))
        answer = b'{"approved": true, "metadata": {"order": "7"}}'
        return Reply(200, answer, {"Stripe-Version": "2022-08-01", "Content-Type": "application/json"})

    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    with receiving(handler) as receiver:
        events = ["issuing_authorization.request"]
        secrets.append(platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=events)["secret"])
        since = len(platform.events())
        authorization = authorize(platform, card, 1000)

    undecided, whole = seen
    assert (undecided["status"], undecided["approved"], undecided["amount"]) == ("pending", False, 0)
    assert undecided["pending_request"]["amount"] == 1000
    assert whole["id"] == card["id"]
    assert authorization["metadata"] == {"decided_by": "hcb", "order": "7"}
    assert (authorization["approved"], authorization["pending_request"]) == (True, None)
    assert authorization["request_history"][0]["reason"] == "webhook_approved"
    assert told(platform, since) == [
        ("issuing_authorization.request", None),
        ("issuing_authorization.updated", {"metadata": {"decided_by": None, "order": None}}),
        ("issuing_authorization.created", None),
    ]


def test_a_physical_card_is_ordered_and_the_holders_phone_number_is_cleared(platform: Client) -> None:
    holder = platform.made(
        CARDHOLDERS, **CLI_HOLDER, billing={"address": US_HOME}, email="a@example.com", phone_number="(202) 555-0123"
    )
    assert holder["phone_number"] == "+12025550123"
    card = platform.made(
        CARDS,
        cardholder=holder["id"],
        currency="usd",
        type="physical",
        status="inactive",
        second_line="Hack Club",
        shipping={
            "name": "Jenny Rosen",
            "service": "standard",
            "address": US_HOME,
            "address_validation": {"mode": "validation_and_normalization"},
        },
    )
    assert (card["second_line"], card["shipping"]["status"], card["shipping"]["service"]) == (
        "Hack Club",
        "pending",
        "standard",
    )
    assert card["personalization_design"].startswith("ipcd_")
    shipped = platform.made(f"/v1/test_helpers/issuing/cards/{card['id']}/shipping/ship")["shipping"]
    assert (shipped["status"], shipped["carrier"]) == ("shipped", "usps")
    assert datetime.fromtimestamp(shipped["eta"], UTC) > datetime.fromtimestamp(shipped["shipped_at"], UTC)

    cleared = platform.made(f"{CARDHOLDERS}/{holder['id']}", phone_number="")

    assert cleared["phone_number"] is None
    assert told(platform)[-1] == ("issuing_cardholder.updated", {"phone_number": "+12025550123"})
    wallets = platform.read(f"{CARDS}/{card['id']}")["wallets"]
    assert wallets["apple_pay"] == {"eligible": True, "ineligible_reason": None}  # the e-mail is still there


def test_a_purchase_that_is_sent_twice_is_made_once(platform: Client) -> None:
    holder = platform.made(CARDHOLDERS, **CLI_HOLDER, billing={"address": US_HOME})
    fund(platform, 50000)
    card = platform.made(CARDS, cardholder=holder["id"], currency="usd", type="virtual", status="active")
    key = {"Idempotency-Key": "a-uuid"}

    first = platform.post(AUTHORIZATIONS, headers=key, card=card["id"], amount=1000)
    retried = platform.post(AUTHORIZATIONS, headers=key, card=card["id"], amount=1000)
    done(platform, first.json, "capture")

    assert retried.body == first.body
    assert platform.read("/v1/balance")["issuing"]["available"][0]["amount"] == 49000
