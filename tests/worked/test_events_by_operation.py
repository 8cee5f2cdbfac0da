"""Operation by operation: which events it causes, in which order, and what they say was there before.

Every row of the table is a story in three parts: what is there beforehand, then one operation, then what must have
been told. What the last event shows is what a retrieve answers afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from emulator.data.event_types import EVENT_TYPES
from emulator.kernel.events import tells_previous
from tests.balances.paying import a_business, a_treasury_business, ended, paid_out
from tests.client import Client
from tests.issuing.holders import (
    ADDRESS,
    BILLING,
    CARDHOLDERS,
    CARDS,
    PERSON,
    TERMS,
    a_card,
    a_cardholder,
    a_connected_account,
    a_physical_card,
    previous,
    told,
)
from tests.issuing.purchases import (
    AUTHORIZATIONS,
    DAY,
    TRANSACTIONS,
    a_spender,
    a_treasury_spender,
    another_cardholder,
    authorize,
    done,
    force_capture,
    fund,
    refund,
)
from tests.receivers import PATIENCE_SECONDS, Receiver, Reply, receiving
from tests.treasury.sending import Payments, Transfers, canceled, helped, tracked
from tests.treasury.worlds import opened, send, take

Told = list[tuple[str, dict[str, Any] | None]]
Story = Callable[[Client], Iterator[Any]]

IAUTH, IPI, DISPUTES = "/v1/issuing/authorizations", "/v1/issuing/transactions", "/v1/issuing/disputes"
DESIGNS, DESIGN_HELPERS = "/v1/issuing/personalization_designs", "/v1/test_helpers/issuing/personalization_designs"
SHIPPING_HELPERS = "/v1/test_helpers/issuing/cards"
PHONE = "+12025550123"
RISKY = {"risk_assessment": {"fraud_risk": {"level": "highest"}}}
PAGE = "hosted_regulatory_receipt_url"
RECEIPT = {"receipt": [{"description": "Coffee", "quantity": "1", "unit_cost": 1000, "total": 1000}]}
EVIDENCE = {"reason": "fraudulent", "fraudulent": {"explanation": "Not mine."}}
WINNING = {"reason": "fraudulent", "fraudulent": {"explanation": "winning_evidence"}}
LOSING = {"reason": "fraudulent", "fraudulent": {"explanation": "losing_evidence"}}
PENDING = ("issuing_authorization.updated", {"status": "pending"})
TRANSACTION = ("issuing_transaction.created", None)
RECEIPT_TOLD = ("issuing_transaction.purchase_details_receipt_updated", None)
DEBIT = ("treasury.received_debit.created", None)
CREDIT: Told = [("treasury.received_credit.created", None), ("treasury.received_credit.succeeded", None)]
PAID: Told = [("payout.updated", {"status": "pending"}), ("payout.paid", None)]
CANCELED = ("issuing_card.updated", {"status": "active"})
# Where a retrieve finds the object that an event is about.
PLACES = {
    "issuing.authorization": IAUTH,
    "issuing.card": CARDS,
    "issuing.cardholder": CARDHOLDERS,
    "issuing.dispute": DISPUTES,
    "issuing.personalization_design": DESIGNS,
    "issuing.token": "/v1/issuing/tokens",
    "issuing.transaction": IPI,
    "application_fee": "/v1/application_fees",
    "charge": "/v1/charges",
    "dispute": "/v1/disputes",
    "payment_intent": "/v1/payment_intents",
    "refund": "/v1/refunds",
    "customer": "/v1/customers",
    "mandate": "/v1/mandates",
    "payment_method": "/v1/payment_methods",
    "setup_intent": "/v1/setup_intents",
    "test_helpers.test_clock": "/v1/test_helpers/test_clocks",
    "bank_account": "/v1/accounts/{account}/external_accounts",
    "payout": "/v1/payouts",
    "payment_link": "/v1/payment_links",
    "price": "/v1/prices",
    "product": "/v1/products",
    "topup": "/v1/topups",
    "transfer": "/v1/transfers",
    "treasury.credit_reversal": "/v1/treasury/credit_reversals",
    "treasury.debit_reversal": "/v1/treasury/debit_reversals",
    "treasury.financial_account": "/v1/treasury/financial_accounts",
    "treasury.inbound_transfer": "/v1/treasury/inbound_transfers",
    "treasury.outbound_payment": "/v1/treasury/outbound_payments",
    "treasury.outbound_transfer": "/v1/treasury/outbound_transfers",
    "treasury.received_credit": "/v1/treasury/received_credits",
    "treasury.received_debit": "/v1/treasury/received_debits",
}
# What goes on changing without an event: when it is returned no type says so.
TOLD_TOO_EARLY = ("charge", "treasury.inbound_transfer")

STORIES: dict[str, Story] = {}


def story(name: str) -> Callable[[Story], Story]:
    """Put a story into the table."""

    def add(told: Story) -> Story:
        assert name not in STORIES
        STORIES[name] = told
        return told

    return add


# Cardholders


@story("create cardholder")
def create_cardholder(platform: Client) -> Iterator[Any]:
    yield platform
    a_cardholder(platform)
    yield [("issuing_cardholder.created", None)]


@story("create cardholder that is reviewed")
def create_reviewed_cardholder(platform: Client) -> Iterator[Any]:
    platform.settings(cardholder_review_seconds=5)
    yield platform
    made = a_cardholder(platform)
    assert made["requirements"] == {"disabled_reason": "under_review", "past_due": []}
    platform.clock(advance=5)
    yield [
        ("issuing_cardholder.created", None),
        ("issuing_cardholder.updated", {"requirements": {"disabled_reason": "under_review"}}),
    ]


@story("update cardholder")
def update_cardholder(platform: Client) -> Iterator[Any]:
    holder = another_cardholder(platform, email="a@example.com", metadata={"a": "1", "b": "2"})
    yield platform
    platform.made(
        f"{CARDHOLDERS}/{holder}",
        status="inactive",
        email="b@example.com",
        phone_number=PHONE,
        metadata={"a": "3", "b": None, "c": "4"},
        billing={"address": {**ADDRESS, "line1": "2 Main Street"}},
    )
    yield [
        (
            "issuing_cardholder.updated",
            {
                "billing": {"address": {"line1": "1 Main Street"}},
                "email": "a@example.com",
                "metadata": {"a": "1", "b": "2", "c": None},
                "phone_number": None,
                "status": "active",
            },
        )
    ]


@story("update cardholder so that nothing is past due any more")
def cure_cardholder(platform: Client) -> Iterator[Any]:
    holder = platform.made(CARDHOLDERS, name="Ada Example", billing=BILLING)
    yield platform
    platform.made(f"{CARDHOLDERS}/{holder['id']}", individual=PERSON)
    yield [
        (
            "issuing_cardholder.updated",
            {
                "individual": None,
                "requirements": {
                    "disabled_reason": "requirements.past_due",
                    "past_due": [
                        "individual.card_issuing.user_terms_acceptance.ip",
                        "individual.card_issuing.user_terms_acceptance.date",
                        "individual.first_name",
                        "individual.last_name",
                    ],
                },
            },
        )
    ]


@story("update cardholder who is reviewed again")
def update_reviewed_cardholder(platform: Client) -> Iterator[Any]:
    holder = another_cardholder(platform)
    platform.settings(cardholder_review_seconds=5)
    yield platform
    platform.made(f"{CARDHOLDERS}/{holder}", email="b@example.com")
    platform.clock(advance=5)
    yield [
        ("issuing_cardholder.updated", {"email": None, "requirements": {"disabled_reason": None}}),
        ("issuing_cardholder.updated", {"requirements": {"disabled_reason": "under_review"}}),
    ]


@story("update cardholder, nothing changes")
def update_cardholder_with_nothing(platform: Client) -> Iterator[Any]:
    holder = another_cardholder(platform, email="a@example.com", individual={**PERSON, "card_issuing": TERMS})
    yield platform
    platform.made(f"{CARDHOLDERS}/{holder}", email="a@example.com", status="active")
    platform.made(f"{CARDHOLDERS}/{holder}")
    yield []


# Cards


@story("create card")
def create_card(platform: Client) -> Iterator[Any]:
    holder = another_cardholder(platform)
    yield platform
    a_card(platform, cardholder=holder)
    a_card(platform, cardholder=holder, status="active")
    yield [("issuing_card.created", None), ("issuing_card.created", None)]


@story("create a replacement")
def create_replacement(platform: Client) -> Iterator[Any]:
    card = a_card(platform, status="active")
    yield platform
    replace_card(platform, card, "damaged")
    yield [("issuing_card.created", None), ("issuing_card.updated", {"replaced_by": None})]


@story("create a replacement of a lost card")
def create_replacement_of_a_lost_card(platform: Client) -> Iterator[Any]:
    card = a_card(platform, status="active")
    platform.made(f"{CARDS}/{card['id']}", status="canceled", cancellation_reason="lost")
    yield platform
    replace_card(platform, card, "lost", status="active")
    yield [("issuing_card.created", None), ("issuing_card.updated", {"replaced_by": None})]


@story("create a replacement that is active at once")
def create_active_replacement(platform: Client) -> Iterator[Any]:
    card = a_card(platform, status="active")
    yield platform
    replace_card(platform, card, "expired", status="active")
    yield [("issuing_card.created", None), ("issuing_card.updated", {"replaced_by": None}), CANCELED]


@story("activate the replacement of a damaged card")
def activate_replacement(platform: Client) -> Iterator[Any]:
    card = a_card(platform, status="active")
    new = replace_card(platform, card, "damaged")
    yield platform
    platform.made(f"{CARDS}/{new['id']}", status="active")
    assert [event["data"]["object"]["id"] for event in platform.events()[-2:]] == [new["id"], card["id"]]
    yield [("issuing_card.updated", {"status": "inactive"}), CANCELED]


def replace_card(client: Client, card: dict[str, Any], reason: str, **more: Any) -> dict[str, Any]:
    """A replacement of a card."""
    holder = card["cardholder"]["id"]
    return a_card(client, cardholder=holder, replacement_for=card["id"], replacement_reason=reason, **more)


@story("update card: freeze")
def freeze_card(platform: Client) -> Iterator[Any]:
    card = a_card(platform, status="active")
    yield platform
    platform.made(f"{CARDS}/{card['id']}", status="inactive")
    yield [("issuing_card.updated", {"status": "active"})]


@story("update card: cancel as stolen")
def cancel_card(platform: Client) -> Iterator[Any]:
    card = a_card(platform)
    yield platform
    platform.made(f"{CARDS}/{card['id']}", status="canceled", cancellation_reason="stolen")
    yield [("issuing_card.updated", {"cancellation_reason": None, "status": "inactive"})]


@story("update card: controls and metadata")
def update_card(platform: Client) -> Iterator[Any]:
    card = a_card(platform, metadata={"a": "1"})
    yield platform
    platform.made(
        f"{CARDS}/{card['id']}",
        metadata={"b": "2"},
        spending_controls={
            "allowed_categories": ["bakeries"],
            "spending_limits": [{"amount": 1, "interval": "monthly"}],
        },
    )
    default = {"amount": 50000, "categories": [], "interval": "daily"}
    yield [
        (
            "issuing_card.updated",
            {"metadata": {"b": None}, "spending_controls": {"allowed_categories": None, "spending_limits": [default]}},
        )
    ]


@story("update card: another financial account")
def move_card(platform: Client) -> Iterator[Any]:
    client, account, card = a_treasury_spender(platform)
    other = client.made(
        "/v1/treasury/financial_accounts",
        supported_currencies=["usd"],
        features={"card_issuing": {"requested": True}},
    )
    yield client
    client.made(f"{CARDS}/{card['id']}", financial_account=other["id"])
    yield [("issuing_card.updated", {"financial_account": account})]


@story("update card, nothing changes")
def update_card_with_nothing(platform: Client) -> Iterator[Any]:
    card = a_card(platform, metadata={"a": "1"})
    yield platform
    platform.made(f"{CARDS}/{card['id']}", status="inactive", metadata={"a": "1"})
    platform.made(f"{CARDS}/{card['id']}", pin={"encrypted_number": "secret"})
    yield []


# Test clocks


@story("advance a test clock")
def advance_test_clock(platform: Client) -> Iterator[Any]:
    path = "/v1/test_helpers/test_clocks"
    yield platform
    clock = platform.made(path, frozen_time=1_700_000_000)["id"]
    platform.made(f"{path}/{clock}/advance", frozen_time=1_700_000_001)
    yield [(f"test_helpers.test_clock.{status}", None) for status in ("created", "advancing", "ready")]


# Tokens

TOKEN = ("issuing_token.created", None)


def in_a_wallet(client: Client, card: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A token of a card, of a new one unless one is given."""
    card = card or a_wallet_card(client)
    asked = {"wallet_provider": "apple_pay", **more}
    return client.made(f"/_emulator/issuing/cards/{card['id']}/provision", **asked)["token"]


def a_wallet_card(client: Client) -> dict[str, Any]:
    """An active card that wallets take, on a tenant whose clock stands still."""
    client.clock(frozen=True)
    return a_card(client, cardholder=another_cardholder(client, email="a@example.com"), status="active")


@story("add a card to a wallet")
def add_to_wallet(platform: Client) -> Iterator[Any]:
    card = a_wallet_card(platform)
    yield platform
    in_a_wallet(platform, card)
    yield [TOKEN]


@story("add a card to a wallet that verifies its cardholder")
def verify_in_wallet(platform: Client) -> Iterator[Any]:
    card = a_wallet_card(platform)
    yield platform
    token = in_a_wallet(platform, card, decision="require_auth")
    assert token["status"] == "requested"
    platform.clock(advance=7)
    platform.made(f"/_emulator/issuing/tokens/{token['id']}", status="active")
    yield [
        TOKEN,
        ("issuing_token.updated", {"network_updated_at": token["network_updated_at"], "status": "requested"}),
    ]


@story("add a card to a wallet, declined")
def declined_by_wallet(platform: Client) -> Iterator[Any]:
    card = a_wallet_card(platform)
    yield platform
    platform.made(f"/_emulator/issuing/cards/{card['id']}/provision", wallet_provider="apple_pay", decision="decline")
    yield []


@story("update token: suspend, resume, delete")
def update_token(platform: Client) -> Iterator[Any]:
    token = in_a_wallet(platform)
    yield platform
    for status in ("suspended", "active", "deleted"):
        platform.made(f"/v1/issuing/tokens/{token['id']}", status=status)
    yield [("issuing_token.updated", {"status": status}) for status in ("active", "suspended", "active")]


@story("test authorization with a wallet")
def authorize_with_wallet(platform: Client) -> Iterator[Any]:
    card = a_spender(platform)
    yield platform
    authorize(platform, card, 1000, wallet="apple_pay")
    yield [TOKEN, ("issuing_authorization.created", None)]


@story("update card: freeze and thaw one with tokens")
def freeze_tokens(platform: Client) -> Iterator[Any]:
    card = a_wallet_card(platform)
    in_a_wallet(platform, card)
    yield platform
    for status in ("inactive", "active"):
        platform.made(f"{CARDS}/{card['id']}", status=status)
    yield [
        ("issuing_card.updated", {"status": "active"}),
        ("issuing_token.updated", {"status": "active"}),
        ("issuing_card.updated", {"status": "inactive"}),
        ("issuing_token.updated", {"status": "suspended"}),
    ]


@story("update cardholder: inactive, with tokens")
def freeze_tokens_of_holder(platform: Client) -> Iterator[Any]:
    card = a_wallet_card(platform)
    in_a_wallet(platform, card)
    yield platform
    platform.made(f"{CARDHOLDERS}/{card['cardholder']['id']}", status="inactive")
    yield [("issuing_cardholder.updated", {"status": "active"}), ("issuing_token.updated", {"status": "active"})]


@story("update card: cancel one with tokens")
def cancel_tokens(platform: Client) -> Iterator[Any]:
    card = a_wallet_card(platform)
    in_a_wallet(platform, card)
    yield platform
    platform.made(f"{CARDS}/{card['id']}", status="canceled")
    yield [CANCELED, ("issuing_token.updated", {"status": "active"})]


@story("activate the replacement of a damaged card with tokens")
def move_tokens(platform: Client) -> Iterator[Any]:
    card = a_wallet_card(platform)
    in_a_wallet(platform, card)
    new = replace_card(platform, card, "damaged")
    yield platform
    platform.made(f"{CARDS}/{new['id']}", status="active")
    yield [
        ("issuing_card.updated", {"status": "inactive"}),
        ("issuing_token.updated", {"card": card["id"]}),
        CANCELED,
    ]


# Shipments


@story("the shipping helpers")
def ship_card(platform: Client) -> Iterator[Any]:
    card = a_physical_card(platform)
    yield platform
    for verb in ("submit", "ship", "deliver", "return"):
        platform.made(f"{SHIPPING_HELPERS}/{card['id']}/shipping/{verb}")
    yield [
        ("issuing_card.updated", {"shipping": {"status": "pending"}}),
        (
            "issuing_card.updated",
            {"shipping": {"carrier": None, "eta": None, "shipped_at": None, "status": "submitted"}},
        ),
        ("issuing_card.updated", {"shipping": {"delivered_at": None, "status": "shipped"}}),
        ("issuing_card.updated", {"shipping": {"status": "delivered"}}),
    ]


@story("the shipping helper for a failure")
def lose_card(platform: Client) -> Iterator[Any]:
    card = a_physical_card(platform)
    yield platform
    platform.made(f"{SHIPPING_HELPERS}/{card['id']}/shipping/fail")
    yield [("issuing_card.updated", {"shipping": {"status": "pending"}})]


@story("cancel a card that was not shipped")
def cancel_before_shipping(platform: Client) -> Iterator[Any]:
    card = a_physical_card(platform, status="active")
    yield platform
    platform.made(f"{CARDS}/{card['id']}", status="canceled")
    yield [("issuing_card.updated", {"shipping": {"status": "pending"}, "status": "active"})]


# Authorizations


@story("test authorization")
def create_authorization(platform: Client) -> Iterator[Any]:
    card = a_spender(platform)
    yield platform
    authorize(platform, card, 1000)
    yield [("issuing_authorization.created", None)]


@story("test authorization that a rule declines")
def declined_authorization(platform: Client) -> Iterator[Any]:
    card = a_spender(platform, 0)
    yield platform
    assert authorize(platform, card, 1000)["approved"] is False
    yield [("issuing_authorization.created", None)]


@story("test authorization that reaches the lifecycle count")
def last_payment(platform: Client) -> Iterator[Any]:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 2}})
    authorize(platform, card, 1000)
    yield platform
    authorize(platform, card, 1000)
    yield [("issuing_authorization.created", None), CANCELED]


def asked(platform: Client, answer: bytes = b'{"approved": true}') -> Iterator[Receiver]:
    """An endpoint that answers for the account while the story lasts."""
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    with receiving(lambda arrived: Reply(200, answer, {"Stripe-Version": "2026-10-28.endive"})) as receiver:
        events = ["issuing_authorization.request"]
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=events)
        yield receiver


@story("test authorization that an endpoint decides")
def asked_authorization(platform: Client) -> Iterator[Any]:
    card = a_spender(platform)
    for _ in asked(platform):
        yield platform
        authorize(platform, card, 1000)
        yield [("issuing_authorization.request", None), ("issuing_authorization.created", None)]


@story("test authorization that an endpoint declines")
def asked_and_declined(platform: Client) -> Iterator[Any]:
    card = a_spender(platform)
    for _ in asked(platform, b'{"approved": false}'):
        yield platform
        authorize(platform, card, 1000)
        yield [("issuing_authorization.request", None), ("issuing_authorization.created", None)]


@story("increment that an endpoint decides")
def asked_increment(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 1000)
    for _ in asked(platform):
        yield platform
        done(platform, authorization, "increment", increment_amount=500)
        history = authorization["request_history"]
        yield [
            ("issuing_authorization.request", None),
            (
                "issuing_authorization.updated",
                {"amount": 1000, "merchant_amount": 1000, "request_history": history},
            ),
        ]


@story("increment")
def increment(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 1000)
    yield platform
    done(platform, authorization, "increment", increment_amount=500)
    history = authorization["request_history"]
    yield [
        ("issuing_authorization.updated", {"amount": 1000, "merchant_amount": 1000, "request_history": history}),
    ]


@story("increment that is declined")
def declined_increment(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform, 1000), 1000)
    yield platform
    after = done(platform, authorization, "increment", increment_amount=500)
    assert [entry["approved"] for entry in after["request_history"]] == [True, False]
    yield [("issuing_authorization.updated", {"request_history": authorization["request_history"]})]


@story("finalize_amount")
def finalize(platform: Client) -> Iterator[Any]:
    pump = {"category": "automated_fuel_dispensers"}
    authorization = authorize(platform, a_spender(platform), 100, merchant_data=pump)
    assert authorization["amount"] == 10000
    yield platform
    done(
        platform,
        authorization,
        "finalize_amount",
        final_amount=2500,
        fleet={"purchase_type": "fuel_purchase"},
        fuel={"type": "diesel"},
    )
    before = {"amount": 10000, "fleet": None, "fuel": None, "merchant_amount": 10000}
    yield [("issuing_authorization.updated", before)]


@story("reverse")
def reverse(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 500)
    yield platform
    done(platform, authorization, "reverse", reverse_amount=100)
    done(platform, authorization, "reverse")
    yield [
        ("issuing_authorization.updated", {"amount": 500, "merchant_amount": 500}),
        ("issuing_authorization.updated", {"amount": 400, "merchant_amount": 400, "status": "pending"}),
    ]


@story("reverse what is left after a capture in part")
def reverse_the_rest(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 1000)
    done(platform, authorization, "capture", capture_amount=600, close_authorization=False)
    yield platform
    done(platform, authorization, "reverse")
    yield [("issuing_authorization.updated", {"amount": 1000, "merchant_amount": 1000, "status": "pending"})]


@story("expire")
def expire(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 1000)
    yield platform
    done(platform, authorization, "expire")
    yield [PENDING]


@story("expiry by the clock")
def expire_by_the_clock(platform: Client) -> Iterator[Any]:
    card = a_spender(platform)
    authorize(platform, card, 1000)
    authorize(platform, card, 1000)
    yield platform
    platform.clock(advance=7 * DAY)
    yield [PENDING, PENDING]


def a_challenged_authorization(platform: Client) -> dict[str, Any]:
    """One that was declined as suspected fraud, with a challenge on its way."""
    platform.settings(fraud_challenges=True)
    holder = another_cardholder(platform, phone_number=PHONE)
    return authorize(platform, a_spender(platform, cardholder=holder), 1000, **RISKY)


CHALLENGE = [{"channel": "sms", "status": "pending", "undeliverable_reason": None}]


@story("fraud respond: it was the cardholder")
def confirm(platform: Client) -> Iterator[Any]:
    authorization = a_challenged_authorization(platform)
    yield platform
    done(platform, authorization, "fraud_challenges/respond", confirmed=True)
    yield [("issuing_authorization.updated", {"fraud_challenges": CHALLENGE})]


@story("fraud respond: it was not the cardholder")
def deny(platform: Client) -> Iterator[Any]:
    authorization = a_challenged_authorization(platform)
    yield platform
    done(platform, authorization, "fraud_challenges/respond", confirmed=False)
    yield [
        ("issuing_authorization.updated", {"fraud_challenges": CHALLENGE}),
        ("issuing_card.updated", {"latest_fraud_warning": None}),
    ]


@story("a fraud challenge that nobody answers")
def unanswered(platform: Client) -> Iterator[Any]:
    a_challenged_authorization(platform)
    yield platform
    platform.clock(advance=DAY)
    yield [("issuing_authorization.updated", {"fraud_challenges": CHALLENGE})]


@story("update authorization")
def update_authorization(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 1000)
    yield platform
    platform.made(f"{IAUTH}/{authorization['id']}", metadata={"order": "7"})
    platform.made(f"{IAUTH}/{authorization['id']}", metadata={"order": "7"})
    platform.made(f"{IAUTH}/{authorization['id']}", metadata={"order": "8"})
    yield [
        ("issuing_authorization.updated", {"metadata": {"order": None}}),
        ("issuing_authorization.updated", {"metadata": {"order": "7"}}),
    ]


# Captures and refunds


@story("capture")
def capture(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 1000)
    yield platform
    done(platform, authorization, "capture")
    yield [TRANSACTION, PENDING]


@story("capture with a receipt")
def capture_with_receipt(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 1000)
    yield platform
    done(platform, authorization, "capture", purchase_details=RECEIPT)
    yield [TRANSACTION, RECEIPT_TOLD, PENDING]


@story("capture on a financial account, with a receipt")
def capture_on_financial_account(platform: Client) -> Iterator[Any]:
    client, _, card = a_treasury_spender(platform)
    authorization = authorize(client, card, 1000)
    yield client
    done(client, authorization, "capture", purchase_details=RECEIPT)
    yield [TRANSACTION, RECEIPT_TOLD, PENDING, DEBIT]


@story("capture in part")
def capture_in_part(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 1000)
    yield platform
    done(platform, authorization, "capture", capture_amount=600, close_authorization=False)
    yield [TRANSACTION]


@story("capture of a closed authorization")
def capture_again(platform: Client) -> Iterator[Any]:
    authorization = authorize(platform, a_spender(platform), 1000)
    done(platform, authorization, "capture")
    yield platform
    done(platform, authorization, "capture", capture_amount=100)
    yield [TRANSACTION]


@story("capture that reaches the lifecycle count")
def last_capture(platform: Client) -> Iterator[Any]:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 1}})
    authorization = authorize(platform, card, 100)
    yield platform
    done(platform, authorization, "capture")
    yield [TRANSACTION, PENDING, CANCELED]


@story("force capture")
def capture_by_force(platform: Client) -> Iterator[Any]:
    card = a_card(platform)
    yield platform
    force_capture(platform, card, 1000)
    yield [TRANSACTION]


@story("force capture with a receipt, on a financial account, that reaches the lifecycle count")
def everything_by_force(platform: Client) -> Iterator[Any]:
    controls = {"cancel_after": {"payment_count": 1}}
    client, _, card = a_treasury_spender(platform, lifecycle_controls=controls)
    yield client
    force_capture(client, card, 1000, purchase_details=RECEIPT)
    yield [TRANSACTION, RECEIPT_TOLD, DEBIT, CANCELED]


@story("unlinked refund with a receipt")
def refund_unlinked_with_receipt(platform: Client) -> Iterator[Any]:
    card = a_spender(platform)
    yield platform
    platform.made(f"{TRANSACTIONS}/create_unlinked_refund", card=card["id"], amount=1000, purchase_details=RECEIPT)
    yield [TRANSACTION, RECEIPT_TOLD]


@story("a receipt that comes after the purchase, again, and another one")
def late_receipt(platform: Client) -> Iterator[Any]:
    purchase = force_capture(platform, a_spender(platform), 1000)
    yield platform
    other = {"receipt": [{"description": "Tea"}]}
    for details in ({"reference": "R1"}, RECEIPT, RECEIPT, other):
        platform.made(f"/_emulator/issuing/transactions/{purchase['id']}", purchase_details=details)
    yield [RECEIPT_TOLD, RECEIPT_TOLD]


@story("refund")
def give_back(platform: Client) -> Iterator[Any]:
    capture = force_capture(platform, a_spender(platform), 1000)
    yield platform
    refund(platform, capture)
    yield [TRANSACTION]


@story("refund on a financial account")
def give_back_to_financial_account(platform: Client) -> Iterator[Any]:
    client, _, card = a_treasury_spender(platform)
    authorization = done(client, authorize(client, card, 1000), "capture")
    yield client
    refund(client, authorization["transactions"][0])
    yield [TRANSACTION, *CREDIT]


@story("unlinked refund")
def give(platform: Client) -> Iterator[Any]:
    card = a_card(platform)
    yield platform
    platform.made(f"{TRANSACTIONS}/create_unlinked_refund", card=card["id"], amount=1000)
    yield [TRANSACTION]


@story("unlinked refund on a financial account")
def give_to_financial_account(platform: Client) -> Iterator[Any]:
    client, _, card = a_treasury_spender(platform)
    yield client
    client.made(f"{TRANSACTIONS}/create_unlinked_refund", card=card["id"], amount=1000)
    yield [TRANSACTION, *CREDIT]


@story("update transaction")
def update_transaction(platform: Client) -> Iterator[Any]:
    capture = force_capture(platform, a_spender(platform), 1000)
    yield platform
    platform.made(f"{IPI}/{capture['id']}", metadata={"order_id": "6735"})
    platform.made(f"{IPI}/{capture['id']}", metadata={"order_id": "6735"})
    platform.made(f"{IPI}/{capture['id']}", metadata={"order_id": None})
    yield [
        ("issuing_transaction.updated", {"metadata": {"order_id": None}}),
        ("issuing_transaction.updated", {"metadata": {"order_id": "6735"}}),
    ]


# Disputes


def a_dispute(client: Client, capture: dict[str, Any], evidence: dict[str, Any] = EVIDENCE) -> dict[str, Any]:
    """An unsubmitted dispute of a capture."""
    debit = capture.get("treasury", {}).get("received_debit")
    named = {"treasury": {"received_debit": debit}} if debit else {"transaction": capture["id"]}
    return client.made(DISPUTES, evidence=evidence, **named)


def submit(client: Client, dispute: dict[str, Any]) -> dict[str, Any]:
    """The dispute, sent to the network."""
    return client.made(f"{DISPUTES}/{dispute['id']}/submit")


FILED: Told = [("issuing_dispute.created", None), ("issuing_transaction.updated", {"dispute": None})]
SUBMITTED = ("issuing_dispute.submitted", None)
REINSTATED = ("issuing_dispute.funds_reinstated", None)
ENDED = ("issuing_dispute.closed", None)
REVERSING, REVERSED = ("treasury.debit_reversal.created", None), ("treasury.debit_reversal.completed", None)


@story("dispute create")
def file_dispute(platform: Client) -> Iterator[Any]:
    capture = force_capture(platform, a_spender(platform), 1000)
    yield platform
    a_dispute(platform, capture)
    yield FILED


@story("dispute update")
def update_dispute(platform: Client) -> Iterator[Any]:
    dispute = a_dispute(platform, force_capture(platform, a_spender(platform), 1000))
    yield platform
    changed = {"amount": 700, "evidence": {"fraudulent": {"explanation": "Stolen."}}, "metadata": {"a": "1"}}
    platform.made(f"{DISPUTES}/{dispute['id']}", **changed)
    platform.made(f"{DISPUTES}/{dispute['id']}", **changed)
    yield [
        (
            "issuing_dispute.updated",
            {"amount": 1000, "evidence": {"fraudulent": {"explanation": "Not mine."}}, "metadata": {"a": None}},
        )
    ]


@story("dispute submit")
def submit_dispute(platform: Client) -> Iterator[Any]:
    dispute = a_dispute(platform, force_capture(platform, a_spender(platform), 1000))
    yield platform
    submit(platform, dispute)
    yield [SUBMITTED]


@story("dispute won")
def win_dispute(platform: Client) -> Iterator[Any]:
    dispute = a_dispute(platform, force_capture(platform, a_spender(platform), 1000), WINNING)
    yield platform
    submit(platform, dispute)
    yield [SUBMITTED, REINSTATED, ENDED]


@story("dispute lost")
def lose_dispute(platform: Client) -> Iterator[Any]:
    dispute = a_dispute(platform, force_capture(platform, a_spender(platform), 1000), LOSING)
    yield platform
    submit(platform, dispute)
    yield [SUBMITTED, ENDED]


@story("dispute that is never submitted")
def expire_dispute(platform: Client) -> Iterator[Any]:
    a_dispute(platform, force_capture(platform, a_spender(platform), 1000))
    yield platform
    platform.clock(advance=110 * DAY)
    yield [ENDED]


@story("dispute won on a financial account")
def win_dispute_on_financial_account(platform: Client) -> Iterator[Any]:
    client, _, card = a_treasury_spender(platform)
    dispute = a_dispute(client, force_capture(client, card, 1000), WINNING)
    yield client
    submit(client, dispute)
    yield [SUBMITTED, REVERSING, REINSTATED, ENDED, REVERSED]


@story("dispute lost on a financial account")
def lose_dispute_on_financial_account(platform: Client) -> Iterator[Any]:
    client, _, card = a_treasury_spender(platform)
    dispute = a_dispute(client, force_capture(client, card, 1000), LOSING)
    yield client
    submit(client, dispute)
    yield [SUBMITTED, REVERSING, ENDED, REVERSED]


@story("dispute with a provisional credit, won")
def win_with_advance(platform: Client) -> Iterator[Any]:
    platform.settings(dispute_provisional_credits=True)
    dispute = a_dispute(platform, force_capture(platform, a_spender(platform), 1000), WINNING)
    yield platform
    submit(platform, dispute)
    yield [SUBMITTED, REINSTATED, ENDED]


@story("dispute with a provisional credit on a financial account, lost")
def lose_with_advance(platform: Client) -> Iterator[Any]:
    platform.settings(dispute_provisional_credits=True)
    client, _, card = a_treasury_spender(platform)
    dispute = a_dispute(client, force_capture(client, card, 1000), LOSING)
    yield client
    submit(client, dispute)
    yield [
        SUBMITTED,
        REVERSING,
        REINSTATED,
        ("treasury.debit_reversal.initial_credit_granted", None),
        ("issuing_dispute.funds_rescinded", None),
        ENDED,
        REVERSED,
    ]


# Designs


def a_design(client: Client, **more: Any) -> dict[str, Any]:
    """A design of the account's own."""
    bundle = client.read("/v1/issuing/physical_bundles")["data"][0]["id"]
    return client.made(DESIGNS, **{"physical_bundle": bundle, **more})


@story("design create")
def create_design(platform: Client) -> Iterator[Any]:
    yield platform
    a_design(platform, name="Blue", carrier_text={"header_title": "Hello"})
    yield []


@story("design update")
def update_design(platform: Client) -> Iterator[Any]:
    design = a_design(platform, name="Blue")
    yield platform
    platform.made(f"{DESIGNS}/{design['id']}", name="Green", lookup_key="green")
    platform.made(f"{DESIGNS}/{design['id']}", name="Green", lookup_key="green")
    yield [("issuing_personalization_design.updated", {"lookup_key": None, "name": "Blue"})]


@story("design becomes the default")
def change_default_design(platform: Client) -> Iterator[Any]:
    former = platform.read(DESIGNS)["data"][0]
    design = a_design(platform)
    yield platform
    platform.made(f"{DESIGNS}/{design['id']}", preferences={"is_default": True})
    assert [event["data"]["object"]["id"] for event in platform.events()[-2:]] == [design["id"], former["id"]]
    yield [
        ("issuing_personalization_design.updated", {"preferences": {"is_default": False}}),
        ("issuing_personalization_design.updated", {"preferences": {"is_default": True}}),
    ]


@story("design helpers")
def move_design(platform: Client) -> Iterator[Any]:
    design = a_design(platform, carrier_text={"header_title": "Hello"})
    yield platform
    helpers = f"{DESIGN_HELPERS}/{design['id']}"
    for verb in ("activate", "activate", "deactivate", "deactivate", "activate"):  # the same again tells nobody
        platform.made(f"{helpers}/{verb}")
    platform.made(f"{helpers}/reject", rejection_reasons={"carrier_text": ["other"]})
    yield [
        (f"issuing_personalization_design.{status}", None)
        for status in ("activated", "deactivated", "activated", "rejected")
    ]


@story("design changed after its rejection")
def change_rejected_design(platform: Client) -> Iterator[Any]:
    design = a_design(platform, carrier_text={"header_title": "Hello"})
    platform.made(f"{DESIGN_HELPERS}/{design['id']}/reject", rejection_reasons={"carrier_text": ["other"]})
    yield platform
    platform.made(f"{DESIGNS}/{design['id']}", carrier_text={"header_title": "Hi"})
    yield [
        (
            "issuing_personalization_design.updated",
            {
                "carrier_text": {"header_title": "Hello"},
                "rejection_reasons": {"carrier_text": ["other"]},
                "status": "rejected",
            },
        )
    ]


# Funding


@story("top-up")
def top_up(platform: Client) -> Iterator[Any]:
    yield platform
    platform.made("/v1/topups", amount=1000, currency="usd", destination_balance="issuing")
    yield [("topup.created", None), ("topup.succeeded", None)]


@story("product with a price, both noted")
def sell(platform: Client) -> Iterator[Any]:
    platform.clock(frozen=True)
    yield platform
    price = platform.made("/v1/prices", currency="usd", unit_amount=1, product_data={"name": "Gold"})
    platform.clock(advance=5)
    platform.made(f"/v1/products/{price['product']}", metadata={"foo": "bar"})
    platform.made(f"/v1/prices/{price['id']}", metadata={"foo": "bar"})
    link = platform.made("/v1/payment_links", line_items=[{"price": price["id"], "quantity": 1}])
    platform.made(f"/v1/payment_links/{link['id']}", active=False)
    yield [
        ("product.created", None),
        ("price.created", None),
        ("product.updated", {"metadata": {"foo": None}, "updated": price["created"]}),
        ("price.updated", {"metadata": {"foo": None}}),
        ("payment_link.created", None),
        ("payment_link.updated", {"active": True}),
    ]


@story("payout, noted and reversed")
def pay_out(platform: Client) -> Iterator[Any]:
    client, _ = a_business(platform)
    yield client
    payout = paid_out(client, metadata={"order": "1"})
    ended(client, payout)
    client.made(f"/v1/payouts/{payout['id']}", metadata={"order": "2"})
    reversal = client.made(f"/v1/payouts/{payout['id']}/reverse")
    ended(client, reversal)
    yield [
        ("payout.created", None),
        *PAID,
        ("payout.updated", {"metadata": {"order": "1"}}),
        ("payout.created", None),
        ("payout.updated", {"reversed_by": None}),
        ("payout.updated", {"status": "pending", "balance_transaction": None}),
        ("payout.paid", None),
    ]


@story("automatic payout")
def pay_out_by_itself(platform: Client) -> Iterator[Any]:
    client, _ = a_business(platform)
    client.made("/v1/balance_settings", payments={"payouts": {"schedule": {"interval": "daily"}}})
    yield client
    client.made("/v1/balance_settings", payments={"payouts": {"minimum_balance_by_currency": {"usd": 50_00}}})
    client.clock(advance=5 * DAY)  # of which one at least is a day of banks
    yield [
        ("balance_settings.updated", {"payments": {"payouts": {"minimum_balance_by_currency": None}}}),
        ("payout.created", None),
        ("payout.updated", {"reconciliation_status": "in_progress", "status": "pending"}),
        ("payout.paid", None),
        ("payout.reconciliation_completed", None),
    ]


@story("payout canceled")
def cancel_payout(platform: Client) -> Iterator[Any]:
    client, _ = a_business(platform)
    yield client
    client.made(f"/v1/payouts/{paid_out(client)['id']}/cancel")
    yield [("payout.created", None), ("payout.canceled", None)]


@story("payout that the bank refuses")
def fail_payout(platform: Client) -> Iterator[Any]:
    client, _ = a_business(platform, number="000111111113")
    yield client
    ended(client, paid_out(client))
    yield [
        ("payout.created", None),
        ("payout.failed", None),
        ("account.external_account.updated", {"status": "new"}),
    ]


@story("payout to a financial account, and its reversal")
def pay_out_to_financial_account(platform: Client) -> Iterator[Any]:
    client, _, _ = a_treasury_business(platform)
    yield client
    payout = ended(client, paid_out(client))
    ended(client, client.made(f"/v1/payouts/{payout['id']}/reverse"))
    yield [
        ("payout.created", None),
        *CREDIT,
        *PAID,
        ("payout.created", None),
        ("payout.updated", {"reversed_by": None}),
        DEBIT,
        ("payout.updated", {"status": "pending", "balance_transaction": None}),
        ("payout.paid", None),
    ]


@story("transfer, described and reversed in part")
def transfer(platform: Client) -> Iterator[Any]:
    business, _ = a_business(platform)
    own = platform.read("/v1/account")["id"]
    yield business
    made = business.made("/v1/transfers", amount=2_00, currency="usd", destination=own)
    business.made(f"/v1/transfers/{made['id']}", description="Share")
    business.made(f"/v1/transfers/{made['id']}/reversals", amount=50)
    yield [
        ("transfer.created", None),
        ("transfer.updated", {"description": None}),
        ("transfer.reversed", {"amount_reversed": 0}),
    ]


@story("fund_balance and funding instructions")
def fund_by_helper(platform: Client) -> Iterator[Any]:
    yield platform
    fund(platform, 1000)
    yield []


# Financial accounts


@story("open a financial account")
def open_account(platform: Client) -> Iterator[Any]:
    client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
    yield client
    opened(client, "card_issuing")
    yield [("treasury.financial_account.created", None)]


@story("a credit that fails")
def fail_to_receive(platform: Client) -> Iterator[Any]:
    client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
    account = opened(client)
    yield client
    where = {"financial_account": account, "failure_code": "account_closed"}
    client.made("/_emulator/treasury/received_credits", amount=1000, currency="usd", network="ach", **where)
    yield [("treasury.received_credit.created", None), ("treasury.received_credit.failed", None)]


# Outbound transfers and payments


def a_sender(platform: Client) -> tuple[Client, str]:
    """A connected account with a funded financial account that can do everything."""
    client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
    account = opened(client)
    send(client, account, 100_00)
    return client, account


def leaving(kind: type[Transfers], status: str, previous: Any = None) -> tuple[str, Any]:
    """An event of a kind of flow."""
    return f"treasury.{kind.name}.{status}", previous


def leaving_stories(kind: type[Transfers], name: str) -> None:
    """What a kind of flow tells of."""

    def says(status: str, previous: Any = None) -> tuple[str, Any]:
        return leaving(kind, status, previous)

    def by_itself(how: str, number: str, *then: str) -> None:
        """A flow that gets on by itself."""

        @story(f"{name}{how}")
        def begin(platform: Client) -> Iterator[Any]:
            client, account = a_sender(platform)
            yield client
            kind(client).begun(account, number=number)
            client.clock(advance=10)
            yield [says("created"), *map(says, then)]

    by_itself("", "000123456789", "posted")
    by_itself(" that stays on its way", "000000000009")
    by_itself(" that fails", "000000000234", "failed")
    by_itself(" that is canceled", "000000000123", "canceled")
    by_itself(" that comes back", "000111111116", "posted", "returned")

    @story(f"{name} that arrives later")
    def arrive_later(platform: Client) -> Iterator[Any]:
        client, account = a_sender(platform)
        yield client
        flow = kind(client).begun(account, number="000123457890")
        client.clock(advance=10)
        previous = {"expected_arrival_date": flow["expected_arrival_date"]}
        yield [says("created"), says("expected_arrival_date_updated", previous), says("posted")]

    @story(f"{name}, the helpers")
    def help_flows(platform: Client) -> Iterator[Any]:
        platform.clock(frozen=True)
        client, account = a_sender(platform)
        posted, returned, failed, withdrawn = [kind(client).begun(account) for _ in range(4)]
        yield client
        canceled(client, withdrawn)
        helped(client, failed, "fail")
        helped(client, returned, "return")
        helped(client, posted, "post")
        tracked(client, posted, type="ach", ach={"trace_id": "1"})
        helped(client, posted, "return")
        yield [
            *map(says, ("canceled", "failed", "returned", "posted")),
            says("tracking_details_updated", {"tracking_details": None}),
            says("returned"),
        ]

    @story(f"{name} within Stripe")
    def within_stripe(platform: Client) -> Iterator[Any]:
        client, account = a_sender(platform)
        owner, other = kind(client).target(platform)
        client.read("/v1/balance")  # everything due has happened
        yield client
        kind(client).within_stripe(account, other)
        client.read("/v1/balance")
        yield [says("created"), says("posted"), *(CREDIT if owner is client else [])]


leaving_stories(Transfers, "outbound transfer")
leaving_stories(Payments, "outbound payment")


@story("outbound payment within Stripe, as its receiver is told")
def payment_arrives(platform: Client) -> Iterator[Any]:
    client, account = a_sender(platform)
    owner, other = Payments(client).target(platform)
    client.read("/v1/balance")  # everything due has happened
    yield owner
    Payments(client).within_stripe(account, other)
    owner.read("/v1/balance")
    yield CREDIT


@story("financial account closed, its cash forwarded")
def close_with_cash(platform: Client) -> Iterator[Any]:
    client, account = a_sender(platform)
    other = opened(client)
    client.read("/v1/balance")  # everything due has happened
    features = client.read(f"/v1/treasury/financial_accounts/{account}")["active_features"]
    yield client
    forwarding = {"type": "financial_account", "financial_account": other}
    client.made(f"/v1/treasury/financial_accounts/{account}/close", forwarding_settings=forwarding)
    yield [
        leaving(Transfers, "created"),
        leaving(Transfers, "posted"),
        *CREDIT,
        ("treasury.financial_account.closed", None),
        (
            "treasury.financial_account.features_status_updated",
            {"active_features": features, "restricted_features": []},
        ),
    ]


# Reversals


SENT_BACK: Told = [("treasury.credit_reversal.created", None), ("treasury.credit_reversal.posted", None)]


@story("credit reversal")
def send_back(platform: Client) -> Iterator[Any]:
    client, account = a_sender(platform)
    (credit,) = client.read("/v1/treasury/received_credits", financial_account=account)["data"]
    yield client
    client.made("/v1/treasury/credit_reversals", received_credit=credit["id"])
    client.read("/v1/balance")
    yield SENT_BACK


def paid_within_stripe(platform: Client) -> tuple[Client, Client, str]:
    """Who has paid another account of the platform, who has got it, and the credit."""
    client, account = a_sender(platform)
    owner, other = Payments(client).target(platform)
    Payments(client).within_stripe(account, other)
    return client, owner, owner.read("/v1/treasury/received_credits", financial_account=other)["data"][0]["id"]


@story("credit reversal of an outbound payment, as its sender is told")
def tell_sender(platform: Client) -> Iterator[Any]:
    client, owner, credit = paid_within_stripe(platform)
    yield client
    owner.made("/v1/treasury/credit_reversals", received_credit=credit)
    client.read("/v1/balance")
    yield [leaving(Payments, "returned")]


@story("credit reversal of an outbound payment, as its receiver is told")
def tell_receiver(platform: Client) -> Iterator[Any]:
    _, owner, credit = paid_within_stripe(platform)
    yield owner
    owner.made("/v1/treasury/credit_reversals", received_credit=credit)
    owner.read("/v1/balance")
    yield SENT_BACK


@story("debit reversal")
def undo_debit(platform: Client) -> Iterator[Any]:
    client, account = a_sender(platform)
    debit = take(client, account, 1000)
    yield client
    client.made("/v1/treasury/debit_reversals", received_debit=debit["id"])
    client.read("/v1/balance")
    yield [("treasury.debit_reversal.created", None), ("treasury.debit_reversal.completed", None)]


# Inbound transfers


IBT, IBT_HELPERS = "/v1/treasury/inbound_transfers", "/v1/test_helpers/treasury/inbound_transfers"


def collected(status: str) -> tuple[str, None]:
    """The event of an inbound transfer's status, which says nothing of what was before."""
    return f"treasury.inbound_transfer.{status}", None


def collect(client: Client, account: str, method: str = "pm_usBankAccount") -> str:
    """The id of an inbound transfer."""
    given = {"amount": 1000, "currency": "usd", "financial_account": account}
    return client.made(IBT, origin_payment_method=method, **given)["id"]


def inbound_story(name: str, *told: tuple[str, Any], method: str) -> None:
    """A transfer that gets on by itself."""

    @story(name)
    def begin(platform: Client) -> Iterator[Any]:
        client, account = a_sender(platform)
        yield client
        collect(client, account, method)
        client.clock(advance=10)
        yield [collected("created"), *told]


inbound_story("inbound transfer", collected("succeeded"), method="pm_usBankAccount")
inbound_story("inbound transfer that stays on its way", method="pm_usBankAccount_processing")
inbound_story("inbound transfer that fails", collected("failed"), method="pm_usBankAccount_noAccount")
inbound_story("inbound transfer that is disputed", collected("succeeded"), DEBIT, method="pm_usBankAccount_dispute")


@story("inbound transfer, the helpers")
def help_inbound_transfers(platform: Client) -> Iterator[Any]:
    platform.clock(frozen=True)
    client, account = a_sender(platform)
    succeeded, failed, canceled = [collect(client, account) for _ in range(3)]
    yield client
    client.made(f"{IBT}/{canceled}/cancel")
    client.made(f"{IBT_HELPERS}/{failed}/fail")
    client.made(f"{IBT_HELPERS}/{succeeded}/succeed")
    client.made(f"{IBT_HELPERS}/{succeeded}/return")
    yield [*(collected(status) for status in ("canceled", "failed", "succeeded")), DEBIT]


# Customers and payment methods


CUSTOMERS, METHODS = "/v1/customers", "/v1/payment_methods"


def with_a_card(client: Client) -> tuple[str, str]:
    """A customer and a card of its own."""
    customer = client.made(CUSTOMERS)["id"]
    return customer, client.made(f"{METHODS}/pm_card_visa/attach", customer=customer)["id"]


@story("create customer with a payment method")
def create_customer(platform: Client) -> Iterator[Any]:
    yield platform
    platform.made(CUSTOMERS, payment_method="pm_card_visa")
    yield [("customer.created", None), ("payment_method.attached", None)]


@story("update customer")
def update_customer(platform: Client) -> Iterator[Any]:
    customer = platform.made(CUSTOMERS, name="Jenny")["id"]
    yield platform
    platform.made(f"{CUSTOMERS}/{customer}", name="Jenny Rosen", metadata={"a": "1"})
    yield [("customer.updated", {"metadata": {"a": None}, "name": "Jenny"})]


@story("detach the default payment method")
def detach_default(platform: Client) -> Iterator[Any]:
    customer, card = with_a_card(platform)
    platform.made(f"{CUSTOMERS}/{customer}", invoice_settings={"default_payment_method": card})
    yield platform
    platform.made(f"{METHODS}/{card}/detach")
    yield [
        ("payment_method.detached", {"customer": customer}),
        ("customer.updated", {"invoice_settings": {"default_payment_method": card}}),
    ]


@story("update payment method")
def update_payment_method(platform: Client) -> Iterator[Any]:
    _, card = with_a_card(platform)
    yield platform
    platform.made(f"{METHODS}/{card}", billing_details={"name": "Jenny"})
    yield [("payment_method.updated", {"billing_details": {"name": None}})]


# Setup intents


INTENTS = "/v1/setup_intents"
BANKS_ONLY = {"allowed_payment_method_types": ["us_bank_account"]}
BANK = {
    "type": "us_bank_account",
    "billing_details": {"name": "Jenny Rosen"},
    "us_bank_account": {"account_number": "000123456789", "routing_number": "110000000"},
}
AGREED = {"mandate_data": {"customer_acceptance": {"type": "offline"}}}
NO_LONGER_PENDING = ("mandate.updated", {"status": "pending"})


def waiting(client: Client) -> str:
    """An intent of a customer whose bank account waits to be verified."""
    customer = client.made(CUSTOMERS)["id"]
    made = client.made(INTENTS, **BANKS_ONLY, **AGREED, customer=customer, payment_method_data=BANK, confirm=True)
    return made["id"]


@story("setup intent confirmed, its bank account to be verified")
def confirm_bank(platform: Client) -> Iterator[Any]:
    yield platform
    platform.made(INTENTS, **BANKS_ONLY, **AGREED, payment_method_data=BANK, confirm=True)
    yield [("setup_intent.created", None), ("setup_intent.requires_action", None)]


@story("setup intent verified")
def verify_bank(platform: Client) -> Iterator[Any]:
    intent = waiting(platform)
    yield platform
    platform.made(f"{INTENTS}/{intent}/verify_microdeposits", descriptor_code="SM11AA")
    yield [("payment_method.attached", None), NO_LONGER_PENDING, ("setup_intent.succeeded", None)]


@story("setup intent not verified in time")
def verify_too_late(platform: Client) -> Iterator[Any]:
    waiting(platform)
    yield platform
    platform.clock(advance=10 * DAY)
    yield [NO_LONGER_PENDING, ("setup_intent.setup_failed", None)]


@story("setup intent canceled")
def cancel_intent(platform: Client) -> Iterator[Any]:
    intent = waiting(platform)
    yield platform
    platform.made(f"{INTENTS}/{intent}/cancel")
    yield [NO_LONGER_PENDING, ("setup_intent.canceled", None)]


# Payments


PAYMENTS = "/v1/payment_intents"
PAYING = {"amount": 20_00, "currency": "usd", "confirm": True, "return_url": "https://example.com"}
BOOKED = ("charge.updated", {"balance_transaction": None})


@story("payment that succeeds, and is refunded")
def pay_and_refund(platform: Client) -> Iterator[Any]:
    yield platform
    made = platform.made(PAYMENTS, **PAYING, payment_method="pm_card_visa")
    platform.made("/v1/refunds", payment_intent=made["id"])
    yield [
        ("payment_intent.created", None),
        ("charge.succeeded", None),
        ("payment_intent.succeeded", None),
        BOOKED,
        ("refund.created", None),
        ("charge.refunded", {"amount_refunded": 0, "refunded": False}),
    ]


@story("payment that is declined")
def pay_declined(platform: Client) -> Iterator[Any]:
    yield platform
    platform.post(PAYMENTS, **PAYING, payment_method="pm_card_chargeDeclined")
    yield [("payment_intent.created", None), ("charge.failed", None), ("payment_intent.payment_failed", None)]


@story("payment that is held and captured in part")
def hold_and_capture(platform: Client) -> Iterator[Any]:
    yield platform
    held = platform.made(PAYMENTS, **PAYING, payment_method="pm_card_visa", capture_method="manual")
    platform.made(f"{PAYMENTS}/{held['id']}/capture", amount_to_capture=5_00)
    yield [
        ("payment_intent.created", None),
        ("charge.succeeded", None),
        ("payment_intent.amount_capturable_updated", {"amount_capturable": 0}),
        ("charge.captured", {"amount_captured": 0, "balance_transaction": None, "captured": False}),
        ("payment_intent.succeeded", None),
    ]


@story("payment that waits for its cardholder, and is canceled")
def ask_and_cancel(platform: Client) -> Iterator[Any]:
    yield platform
    made = platform.made(PAYMENTS, **PAYING, payment_method="pm_card_threeDSecure2Required")
    platform.made(f"{PAYMENTS}/{made['id']}/cancel")
    yield [
        ("payment_intent.created", None),
        ("payment_intent.requires_action", None),
        ("payment_intent.canceled", None),
    ]


@story("payment that is disputed, and lost")
def pay_and_lose(platform: Client) -> Iterator[Any]:
    yield platform
    platform.made(PAYMENTS, **PAYING, payment_method="pm_card_createDispute")
    dispute = platform.read("/v1/disputes")["data"][0]["id"]
    platform.made(f"/v1/disputes/{dispute}/close")
    yield [
        ("payment_intent.created", None),
        ("charge.succeeded", None),
        ("payment_intent.succeeded", None),
        BOOKED,
        ("charge.dispute.created", None),
        ("charge.dispute.funds_withdrawn", None),
        ("charge.dispute.closed", None),
    ]


# The table


@pytest.mark.parametrize("name", STORIES)
def test_an_operation_tells_exactly_this(platform: Client, name: str) -> None:
    parts = STORIES[name](platform)
    client = next(parts)
    earlier = {event["id"] for event in client.events()}

    expected = next(parts)

    new = [event for event in client.events() if event["id"] not in earlier]
    assert [(event["type"], previous(event)) for event in new] == expected
    objects = [event["data"]["object"] for event in new]
    told_last = {shown["id"]: shown for shown in objects if "id" in shown}  # balance settings have none
    for shown in told_last.values():
        if shown["object"] not in TOLD_TOO_EARLY:
            place = PLACES[shown["object"]].format(account=client.account)
            assert alone(client.read(f"{place}/{shown['id']}")) == alone(shown)
    assert next(parts, None) is None


def alone(shown: dict[str, Any]) -> dict[str, Any]:
    """An object without those inside of it, which may have changed since, and wherever it may be looked at.

    What moves by itself is told with the server's own address, a request with the one that it came to.
    """
    values = {name: value for name, value in shown.items() if not (isinstance(value, dict) and "object" in value)}
    receipt = values.get(PAGE)
    return values if receipt is None else {**values, PAGE: urlsplit(receipt).path}


def test_every_event_of_issuing_and_treasury_has_its_operation(app: Flask, key: str) -> None:
    told_of = set()
    for number, begin in enumerate(STORIES.values()):
        parts = begin(Client(app, f"{key}x{number}"))
        next(parts)
        told_of |= {type for type, _ in next(parts)}
        assert next(parts, None) is None

    published = {type for type in EVENT_TYPES if type.startswith(("issuing_", "treasury."))}
    assert len(published) == 22 + 30
    assert published - told_of == set()


def test_the_page_of_events_names_each_once_and_says_which_tell_what_was_before() -> None:
    page = Path(__file__).parents[2] / "docs" / "events.md"
    rows = re.findall(r"^\| `([a-z_.]+)`( \*)? \| \S.* \|$", page.read_text(), re.MULTILINE)

    told_by_us = [type for type in EVENT_TYPES if type.startswith(("issuing_", "treasury."))]
    of_accounts = [type for type in EVENT_TYPES if type.startswith(("account.", "capability.", "person."))]
    assert [type for type, _ in rows] == told_by_us + of_accounts
    assert {type for type, mark in rows if mark} == {type for type, _ in rows if tells_previous(type)}


# The envelope


def test_an_event_names_the_request_that_caused_it_and_the_clock_causes_none(platform: Client) -> None:
    card = a_spender(platform)

    reply = platform.post(AUTHORIZATIONS, card=card["id"], amount=1000, headers={"Idempotency-Key": "order-7"})
    platform.clock(advance=7 * DAY)

    created, expired = platform.events(types=["issuing_authorization.created", "issuing_authorization.updated"])
    assert created["request"] == {"id": reply.headers["Request-Id"], "idempotency_key": "order-7"}
    assert expired["request"] == {"id": None, "idempotency_key": None}
    assert expired["created"] == created["created"] + 7 * DAY


def test_a_replayed_request_tells_nothing_again(platform: Client) -> None:
    card = a_spender(platform)
    first = platform.post(AUTHORIZATIONS, card=card["id"], amount=1000, headers={"Idempotency-Key": "order-7"})
    since = len(platform.events())

    again = platform.post(AUTHORIZATIONS, card=card["id"], amount=1000, headers={"Idempotency-Key": "order-7"})

    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert told(platform, since) == []
