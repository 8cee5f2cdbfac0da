"""What known clients send, in their order: the Stripe CLI's triggers, Stripe's sample app, a production integration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.client import Client
from tests.issuing.holders import ADDRESS, CARDHOLDERS, CARDS, TERMS, told
from tests.issuing.purchases import AUTHORIZATIONS, TRANSACTIONS, authorize, done, findings, fund
from tests.receivers import Arrived, Reply, receiving

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


# Stripe's sample app for Issuing and Treasury. Source: https://github.com/stripe-samples/issuing-treasury


def sample_account(platform: Client, country: str, *capabilities: str) -> Client:
    """What the sign-up of the sample app does, and what its onboarding form sends."""
    account = platform.made(
        "/v1/accounts",
        type="custom",
        country=country,
        email="owner@example.com",
        capabilities={name: {"requested": True} for name in (*capabilities, "card_issuing", "transfers")},
        business_type="individual",
        business_profile={"name": "Bread", "mcc": "5734"},
    )
    currency = account["default_currency"]
    accepted = {"date": 1_700_000_000, "ip": "198.51.100.7"}
    settings = {"card_issuing": {"tos_acceptance": accepted}}
    if "treasury" in capabilities:
        settings["treasury"] = {"tos_acceptance": accepted}
    onboarded = platform.made(
        f"/v1/accounts/{account['id']}",
        business_type="individual",
        business_profile={
            "name": "Bread",
            "mcc": "5734",
            "product_description": "Some product",
            "url": "https://accessible.stripe.com",
            "annual_revenue": {"amount": 0, "currency": currency, "fiscal_year_end": "2023-12-31"},
            "estimated_worker_count": 1,
        },
        company={"name": "Bread", "tax_id": "000000000"},
        individual={
            "address": {
                "line1": "address_full_match",
                "city": "South San Francisco",
                "state": "CA",
                "postal_code": "94080",
                "country": country,
            },
            "dob": {"day": 1, "month": 1, "year": 1901},
            "email": "owner@example.com",
            "first_name": "Ada",
            "last_name": "Example",
            "phone": "000-000-0000",
            **({"id_number": "000000000"} if country == "US" else {}),
        },
        tos_acceptance=accepted,
        settings=settings,
    )
    client = platform.acting_as(onboarded["id"])
    read = platform.read(f"/v1/accounts/{onboarded['id']}")
    assert set(read["requirements"]["currently_due"]) <= {"external_account"}
    assert read["capabilities"]["card_issuing"] == "active"
    assert (read["business_profile"]["name"], read["country"]) == ("Bread", country)
    return client


def test_the_sample_app_with_a_financial_account(platform: Client) -> None:
    platform.settings(onboarding="verify")
    client = sample_account(platform, "US", "treasury")
    client.made(
        "/v1/treasury/financial_accounts",
        supported_currencies=["usd"],
        features={
            "card_issuing": {"requested": True},
            "deposit_insurance": {"requested": True},
            "financial_addresses": {"aba": {"requested": True}},
            "inbound_transfers": {"ach": {"requested": True}},
            "intra_stripe_flows": {"requested": True},
            "outbound_payments": {"ach": {"requested": True}, "us_domestic_wire": {"requested": True}},
            "outbound_transfers": {"ach": {"requested": True}, "us_domestic_wire": {"requested": True}},
        },
    )
    account = client.read("/v1/treasury/financial_accounts")["data"][0]
    assert account["balance"]["cash"] == account["balance"]["outbound_pending"] == {"usd": 0}

    # The test data page: money arrives, and can be seen with its bank coordinates.
    client.made(
        "/v1/test_helpers/treasury/received_credits",
        amount=50000,
        currency="usd",
        financial_account=account["id"],
        network="ach",
    )
    expanded = client.read("/v1/treasury/financial_accounts", expand=["data.financial_addresses.aba.account_number"])[
        "data"
    ][0]
    assert expanded["financial_addresses"][0]["aba"]["account_number"].endswith(
        expanded["financial_addresses"][0]["aba"]["account_number_last4"]
    )
    assert expanded["balance"]["cash"]["usd"] == 50000

    # Cardholders, cards.
    assert client.read(CARDHOLDERS, limit=100)["data"] == client.read(CARDS, limit=100)["data"] == []
    holder = client.made(
        CARDHOLDERS,
        type="individual",
        name="Ada Example",
        email="ada@example.com",
        billing={"address": ADDRESS},
        individual={"first_name": "Ada", "last_name": "Example", "card_issuing": TERMS},
    )
    virtual = client.made(
        CARDS,
        financial_account=account["id"],
        cardholder=holder["id"],
        currency="usd",
        type="virtual",
        status="active",
    )
    physical = client.made(
        CARDS,
        financial_account=account["id"],
        cardholder=holder["id"],
        currency="usd",
        type="physical",
        status="inactive",
        shipping={"name": "Ada Example", "service": "standard", "type": "individual", "address": ADDRESS},
    )
    assert [card["id"] for card in client.read(CARDS, limit=100)["data"]] == [physical["id"], virtual["id"]]
    assert client.read(CARDHOLDERS, limit=100)["data"] == [holder]
    assert client.read(f"{CARDS}/{virtual['id']}", expand=["cardholder"])["cardholder"] == holder
    assert client.made(f"{CARDS}/{physical['id']}", status="active")["status"] == "active"
    assert client.made(f"{CARDS}/{physical['id']}", status="inactive")["status"] == "inactive"

    # Its test purchases name nothing but amount, currency and card, and are captured whole.
    authorization = client.made(AUTHORIZATIONS, amount=1000, currency="usd", card=virtual["id"])
    captured = client.made(f"{AUTHORIZATIONS}/{authorization['id']}/capture")
    assert (authorization["approved"], authorization["status"], captured["status"]) == (True, "pending", "closed")
    assert authorization["merchant_data"]["name"]
    assert client.read("/v1/issuing/authorizations", card=virtual["id"])["data"] == [captured]
    assert client.read("/v1/issuing/authorizations", card=physical["id"])["data"] == []

    # The dashboard: what happened lately, with receipts.
    day = {"gte": captured["created"] - 86400, "lte": captured["created"] + 86400}
    rows = client.read(
        "/v1/treasury/transactions",
        financial_account=account["id"],
        limit=100,
        created=day,
        expand=["data.flow_details"],
    )["data"]
    assert [(row["flow_type"], row["amount"], row["status"]) for row in rows] == [
        ("received_debit", -1000, "posted"),
        ("issuing_authorization", 0, "void"),
        ("received_credit", 50000, "posted"),
    ]
    for row in rows:
        details = row["flow_details"]
        assert details["type"] == row["flow_type"]
        if row["flow_type"] != "issuing_authorization":
            assert "/regulatory-receipt/" in details[row["flow_type"]]["hosted_regulatory_receipt_url"]
    assert len(client.read("/v1/treasury/transactions", financial_account=account["id"], limit=10)["data"]) == 3
    assert client.read("/v1/treasury/financial_accounts")["data"][0]["balance"]["cash"]["usd"] == 49000

    # The page that sends money, and what it lets its user decide in test mode.
    pages = (("ach", "post", "posted"), ("us_domestic_wire", "post", "posted"), ("ach", "fail", "failed"))
    for network, verb, status in pages:
        payment = client.made(
            "/v1/treasury/outbound_payments",
            financial_account=account["id"],
            amount=500,
            currency="usd",
            statement_descriptor="Descriptor",
            destination_payment_method_data={
                "type": "us_bank_account",
                "us_bank_account": {
                    "account_holder_type": "individual",
                    "routing_number": "110000000",
                    "account_number": "000000000009",
                },
                "billing_details": {
                    "email": "ada@example.com",
                    "phone": "7135551212",
                    "name": "Ada",
                    "address": ADDRESS,
                },
            },
            destination_payment_method_options={"us_bank_account": {"network": network}},
        )
        moved = client.made(f"/v1/test_helpers/treasury/outbound_payments/{payment['id']}/{verb}")
        assert (payment["status"], moved["status"]) == ("processing", status)
    assert client.read("/v1/treasury/financial_accounts")["data"][0]["balance"]["cash"]["usd"] == 48000

    platform.delete(f"/v1/accounts/{client.account}")
    assert client.get("/v1/balance").status == 403


@pytest.mark.parametrize(
    "country, currency, transfer", [("DE", "eur", "eu_bank_transfer"), ("GB", "gbp", "gb_bank_transfer")]
)
def test_the_sample_app_with_an_issuing_balance(platform: Client, country: str, currency: str, transfer: str) -> None:
    client = sample_account(platform, country)
    instructions = client.made(
        "/v1/issuing/funding_instructions",
        currency=currency,
        funding_type="bank_transfer",
        bank_transfer={"type": transfer},
    )
    assert instructions["bank_transfer"]["type"] == transfer
    assert client.read("/v1/issuing/funding_instructions")["data"] == [instructions]
    assert client.read("/v1/balance")["issuing"]["available"][0]["amount"] == 0
    client.made("/v1/test_helpers/issuing/fund_balance", amount=50000, currency=currency)
    balance = client.read("/v1/balance")
    assert balance["available"][0]["amount"] == 0
    assert balance["issuing"]["available"][0] == {
        "amount": 50000,
        "currency": currency,
        "source_types": {"card": 50000},
    }

    home = SPANISH_HOME if currency == "eur" else BRITISH_HOME
    phone = "+34911234567" if currency == "eur" else "+447911123456"
    holder = client.made(
        CARDHOLDERS,
        type="individual",
        name="Ada Example",
        email="ada@example.com",
        phone_number=phone,
        billing={"address": home},
        individual={"first_name": "Ada", "last_name": "Example", "card_issuing": TERMS},
    )
    card = client.made(CARDS, cardholder=holder["id"], currency=currency, type="virtual", status="active")
    authorization = client.made(AUTHORIZATIONS, amount=1000, currency=currency, card=card["id"])
    client.made(f"{AUTHORIZATIONS}/{authorization['id']}/capture")

    now = authorization["created"]
    rows = client.read("/v1/balance_transactions", created={"gte": now - 86400, "lte": now + 86400}, limit=100)["data"]
    assert [(row["type"], row["amount"], row["currency"]) for row in rows] == [
        ("issuing_transaction", -1000, currency),
        ("issuing_authorization_release", 1000, currency),
        ("issuing_authorization_hold", -1000, currency),
        ("topup", 50000, currency),
    ]
    assert client.read("/v1/balance")["issuing"]["available"][0]["amount"] == 49000
    assert platform.read("/v1/balance")["issuing"]["available"][0]["amount"] == 0
    assert findings(client) == []


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
