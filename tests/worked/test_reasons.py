"""Every published `request_history[].reason`, brought about through the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, get_args, get_type_hints

import pytest
from stripe.issuing import Authorization

from tests.client import Client
from tests.issuing.holders import BILLING, CARDHOLDERS, CARDS, a_card, a_connected_account
from tests.issuing.purchases import (
    FINANCIAL_ACCOUNTS,
    a_spender,
    a_treasury_spender,
    authorize,
    available,
    cash_and_pending,
    fund,
    why,
)
from tests.receivers import PATIENCE_SECONDS, Reply, receiving

# The package says Union[Literal[…], str]: what is published today, and whatever may come.
PUBLISHED = frozenset(get_args(get_args(get_type_hints(Authorization.RequestHistory)["reason"])[0]))
VERSION = {"Stripe-Version": "2026-10-28.endive"}
Story = Callable[[Client], tuple[Client, dict[str, Any]]]
STORIES: list[tuple[str, bool, str, Story]] = []  # reason, approved, how, what happens


def reason(name: str, how: str, *, approved: bool = False) -> Callable[[Story], Story]:
    """Put a story into the table."""

    def add(told: Story) -> Story:
        STORIES.append((name, approved, how, told))
        return told

    return add


# Stripe decides alone


@reason("card_active", "nothing objects", approved=True)
def nothing_objects(platform: Client) -> tuple[Client, dict[str, Any]]:
    authorization = authorize(platform, a_spender(platform, 10_00), 10_00)
    assert available(platform) == 0
    return platform, authorization


# The account


@reason("account_disabled", "the capability was lost")
def capability_lost(platform: Client) -> tuple[Client, dict[str, Any]]:
    client = a_connected_account(platform, "card_issuing", "transfers")
    card = a_spender(client)
    platform.settings(onboarding="verify")  # what the account never told is asked for from now on
    platform.made(f"/v1/accounts/{client.account}", business_profile={"name": "Bread"})
    assert platform.read(f"/v1/accounts/{client.account}")["capabilities"]["card_issuing"] == "inactive"
    return client, authorize(client, card, 10_00)


@reason("account_disabled", "the financial account's feature was given up")
def feature_given_up(platform: Client) -> tuple[Client, dict[str, Any]]:
    client, account, card = a_treasury_spender(platform)
    client.made(f"{CARDS}/{card['id']}", status="inactive")
    client.made(f"{FINANCIAL_ACCOUNTS}/{account}/features", card_issuing={"requested": False})
    client.made(f"{CARDS}/{card['id']}", status="active")
    authorization = authorize(client, card, 10_00)
    assert cash_and_pending(client, account) == (200_00, 0)
    return client, authorization


@reason("account_disabled", "outbound flows are restricted")
def restricted(platform: Client) -> tuple[Client, dict[str, Any]]:
    client, account, card = a_treasury_spender(platform)
    client.made(f"{FINANCIAL_ACCOUNTS}/{account}", platform_restrictions={"outbound_flows": "restricted"})
    return client, authorize(client, card, 10_00)


# The card


@reason("card_inactive", "never activated")
def never_activated(platform: Client) -> tuple[Client, dict[str, Any]]:
    fund(platform, 500_00)
    return platform, authorize(platform, a_card(platform), 10_00)


@reason("card_inactive", "frozen")
def frozen(platform: Client) -> tuple[Client, dict[str, Any]]:
    card = a_spender(platform)
    platform.made(f"{CARDS}/{card['id']}", status="inactive")
    return platform, authorize(platform, card, 10_00)


@reason("card_canceled", "canceled")
def canceled(platform: Client) -> tuple[Client, dict[str, Any]]:
    card = a_spender(platform)
    platform.made(f"{CARDS}/{card['id']}", status="canceled")
    return platform, authorize(platform, card, 10_00)


@reason("card_canceled", "its last payment was made")
def used_up(platform: Client) -> tuple[Client, dict[str, Any]]:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 1}})
    assert authorize(platform, card, 10_00)["approved"]
    return platform, authorize(platform, card, 10_00)


@reason("card_expired", "its last month is over")
def expired(platform: Client) -> tuple[Client, dict[str, Any]]:
    platform.clock(set=4_070_908_800, frozen=True)  # the first of January 2099
    card = a_spender(platform, exp_month=3, exp_year=2099)
    platform.clock(set=4_078_684_799)  # the last second of March
    assert authorize(platform, card, 10_00)["approved"]
    platform.clock(set=4_078_684_800)
    return platform, authorize(platform, card, 10_00)


@reason("pin_blocked", "too many wrong PINs, by the emulator's switch")
def pin_blocked(platform: Client) -> tuple[Client, dict[str, Any]]:
    card = a_spender(platform)
    platform.made(f"/_emulator/issuing/cards/{card['id']}", pin_blocked=True)
    return platform, authorize(platform, card, 10_00)


# Its holder


@reason("cardholder_inactive", "set inactive")
def holder_inactive(platform: Client) -> tuple[Client, dict[str, Any]]:
    card = a_spender(platform)
    platform.made(f"{CARDHOLDERS}/{card['cardholder']['id']}", status="inactive")
    return platform, authorize(platform, card, 10_00)


@reason("cardholder_blocked", "by Stripe, by the emulator's switch")
def holder_blocked(platform: Client) -> tuple[Client, dict[str, Any]]:
    card = a_spender(platform)
    platform.made(f"/_emulator/issuing/cardholders/{card['cardholder']['id']}", status="blocked")
    return platform, authorize(platform, card, 10_00)


@reason("cardholder_verification_required", "under review")
def holder_under_review(platform: Client) -> tuple[Client, dict[str, Any]]:
    platform.clock(frozen=True)
    platform.settings(cardholder_review_seconds=5)
    card = a_spender(platform)
    declined = authorize(platform, card, 10_00)
    platform.clock(advance=5)
    assert authorize(platform, card, 10_00)["approved"]
    return platform, authorize_again(platform, declined)


def authorize_again(client: Client, declined: dict[str, Any]) -> dict[str, Any]:
    """The same purchase while the holder is being looked at once more."""
    client.made(f"{CARDHOLDERS}/{declined['cardholder']}", email="new@example.com")
    return authorize(client, declined["card"]["id"], 10_00)


@reason("cardholder_verification_required", "something is demanded, by the emulator's switch")
def holder_owes_a_document(platform: Client) -> tuple[Client, dict[str, Any]]:
    card = a_spender(platform)
    demand = {"past_due": ["individual.verification.document"]}
    platform.made(f"/_emulator/issuing/cardholders/{card['cardholder']['id']}", requirements=demand)
    return platform, authorize(platform, card, 10_00)


@reason("card_inactive", "an incomplete holder has no active card")
def holder_incomplete(platform: Client) -> tuple[Client, dict[str, Any]]:
    fund(platform, 500_00)
    holder = platform.made(CARDHOLDERS, name="Ada Example", billing=BILLING)["id"]
    assert platform.post(CARDS, cardholder=holder, currency="usd", type="virtual", status="active").status == 400
    return platform, authorize(platform, a_card(platform, cardholder=holder), 10_00)


# The request


def sent(name: str, how: str, **more: Any) -> None:
    """A reason that comes from what the request says."""

    @reason(name, how)
    def request(platform: Client) -> tuple[Client, dict[str, Any]]:
        return platform, authorize(platform, a_spender(platform), 10_00, **more)


sent("verification_failed", "the CVC does not match", verification_data={"cvc_check": "mismatch"})
sent("verification_failed", "the expiry date does not match", verification_data={"expiry_check": "mismatch"})
sent("verification_failed", "3-D Secure failed", verification_data={"three_d_secure": {"result": "failed"}})
sent(
    "insecure_authorization_method",
    "3-D Secure is required",
    verification_data={"three_d_secure": {"result": "required"}},
)
sent("suspected_fraud", "the risk is the highest", risk_assessment={"fraud_risk": {"level": "highest"}})


@reason("not_allowed", "a prohibited category")
def prohibited(platform: Client) -> tuple[Client, dict[str, Any]]:
    platform.settings(prohibited_merchant_categories=["betting_casino_gambling"])
    shop = {"category": "betting_casino_gambling"}
    return platform, authorize(platform, a_spender(platform), 10_00, merchant_data=shop)


def limited(how: str, *, holder: bool = False, **controls: Any) -> None:
    """A decline by one control of the card, or of its holder."""

    @reason("spending_controls", f"{how}, of the {'holder' if holder else 'card'}")
    def request(platform: Client) -> tuple[Client, dict[str, Any]]:
        card = a_spender(platform, **({} if holder else {"spending_controls": {"spending_limits": None, **controls}}))
        if holder:
            platform.made(f"{CARDHOLDERS}/{card['cardholder']['id']}", spending_controls=controls)
        return platform, authorize(platform, card, 10_00)


for of_holder in (False, True):
    limited("allowed categories", holder=of_holder, allowed_categories=["bakeries"])
    limited("blocked categories", holder=of_holder, blocked_categories=["taxicabs_limousines"])
    limited("allowed countries", holder=of_holder, allowed_merchant_countries=["DE"])
    limited("blocked countries", holder=of_holder, blocked_merchant_countries=["US"])
    limited("allowed presences", holder=of_holder, allowed_card_presences=["present"])
    limited("blocked presences", holder=of_holder, blocked_card_presences=["not_present"])
    for interval in ("per_authorization", "daily", "weekly", "monthly", "yearly", "all_time"):
        limit = {"amount": 9_99, "interval": interval, "categories": ["taxicabs_limousines"]}
        limited(f"a limit {interval}", holder=of_holder, spending_limits=[limit])


# The money


@reason("insufficient_funds", "of the Issuing balance")
def drained(platform: Client) -> tuple[Client, dict[str, Any]]:
    authorization = authorize(platform, a_spender(platform, 9_99), 10_00)
    assert available(platform) == 9_99
    return platform, authorization


@reason("insufficient_funds", "of the financial account, whatever the Issuing balance holds")
def drained_account(platform: Client) -> tuple[Client, dict[str, Any]]:
    client, account, card = a_treasury_spender(platform, 9_99)
    fund(client, 500_00)
    authorization = authorize(client, card, 10_00)
    assert cash_and_pending(client, account) == (9_99, 0)
    return client, authorization


# The emulator's switch


def switched(name: str, approved: bool) -> None:
    """An outcome that only the emulator can bring about."""

    @reason(name, "by the emulator's switch", approved=approved)
    def request(platform: Client) -> tuple[Client, dict[str, Any]]:
        card = a_spender(platform)
        platform.made("/_emulator/issuing/next_authorization", reason=name, approved=approved)
        return platform, authorize(platform, card, 10_00)


switched("network_fallback", approved=False)
switched("network_fallback", approved=True)
switched("stripe_internal_error", approved=False)


# The client decides


@contextmanager
def answering(platform: Client, reply: Reply, fallback: str = "decline") -> Iterator[dict[str, Any]]:
    """A card that is decided about by an endpoint that answers like this, or hangs for longer than it may."""
    platform.settings(on_webhook_failure=fallback, real_time_timeout_ms=200 if reply.hang else PATIENCE_SECONDS * 1000)
    with receiving(lambda arrived: reply) as receiver:
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_authorization.request"])
        yield a_spender(platform)


def answered(name: str, how: str, reply: Reply, *, approved: bool, fallback: str = "decline") -> None:
    """A reason that comes from what the endpoint answers."""

    @reason(name, how, approved=approved)
    def request(platform: Client) -> tuple[Client, dict[str, Any]]:
        with answering(platform, reply, fallback) as card:
            return platform, authorize(platform, card, 10_00)


answered("webhook_approved", "the answer is yes", Reply(200, b'{"approved": true}', VERSION), approved=True)
answered("webhook_declined", "the answer is no", Reply(200, b'{"approved": false}', VERSION), approved=False)
for outcome, approves in (("decline", False), ("approve", True)):
    answered(
        "webhook_error", f"no JSON, then {outcome}", Reply(200, b"yes", VERSION), approved=approves, fallback=outcome
    )
    answered("webhook_timeout", f"silence, then {outcome}", Reply(hang=True), approved=approves, fallback=outcome)


# The table


def test_no_published_reason_is_left_out() -> None:
    assert {name for name, *_ in STORIES} == PUBLISHED


@pytest.mark.parametrize("name, approved, how, story", STORIES, ids=[f"{row[0]}: {row[2]}" for row in STORIES])
def test_the_reason_is_met(platform: Client, name: str, approved: bool, how: str, story: Story) -> None:
    client, authorization = story(platform)

    entry = authorization["request_history"][-1]
    assert (entry["reason"], entry["approved"]) == (name, approved)
    assert (entry["authorization_code"] is not None) == approved
    assert (authorization["approved"], authorization["status"]) == (approved, "pending" if approved else "closed")
    assert authorization["amount"] == entry["amount"] == 10_00
    assert authorization == client.read(f"/v1/issuing/authorizations/{authorization['id']}")
    assert len(authorization["balance_transactions"]) == (1 if approved else 0)
    assert client.events()[-1]["type"] == "issuing_authorization.created"
    told = why(client, authorization)["requests"][-1]
    assert (told["reason"], told["approved"]) == (name, approved)
