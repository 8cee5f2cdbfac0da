"""Tokens: what stands for a card in somebody's wallet, or at a merchant who keeps it.

    requested ── verify ──▶ active      by the cardholder alone, with a code
    active ── suspend ──▶ suspended ── resume ──▶ active
    requested, active, suspended ── delete ──▶ deleted

A token follows its card: it is suspended while card or cardholder are not active, deleted with the card, and goes to
the card that replaces a damaged or expired one. What the account has suspended through the API stays so until the API
resumes it. In test mode a purchase with `wallet` makes a token of its own; other tokens come from `provision`, which
does what a cardholder with a telephone would do.
Source: https://docs.stripe.com/issuing/controls/token-management, https://docs.stripe.com/api/issuing/tokens
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from emulator.connect import issuing_access
from emulator.issuing import cards
from emulator.issuing.cardholders import Cardholder
from emulator.issuing.cards import Card
from emulator.kernel.dates import DAY, date_of
from emulator.kernel.errors import invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, Hash, Integer, List, ListParams, Params, Range, String
from emulator.kernel.records import record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.settings import choice
from emulator.kernel.world import World

WALLETS = ("apple_pay", "google_pay", "samsung_pay")
DECISIONS = {"approve": "approved", "decline": "declined", "require_auth": "verification_required"}
LIFECYCLE = Lifecycle(
    "requested",
    {
        "requested": {"verify": "active", "delete": "deleted"},
        "active": {"suspend": "suspended", "delete": "deleted"},
        "suspended": {"resume": "active", "delete": "deleted"},
        "deleted": {},
    },
    says="You cannot change the status of this token from '{status}' to '{target}'.",
    param="status",
)
VERBS = {"active": "resume", "suspended": "suspend", "deleted": "delete"}
# How long the card network's data on a new token can be read.
# Source: https://docs.stripe.com/api/issuing/tokens/object#issuing_token_object-network_data
NETWORK_DATA_SHOWN_FOR = DAY
# By whom Visa was asked for the token; numbers of ours.
REQUESTORS = {"apple_pay": "40000000001", "google_pay": "40000000002", "samsung_pay": "40000000003"}
A_MERCHANT = "40000000009"
REASON_CODES = (
    "account_card_too_new",
    "account_recently_changed",
    "account_too_new",
    "account_too_new_since_launch",
    "additional_device",
    "data_expired",
    "defer_id_v_decision",
    "device_recently_lost",
    "good_activity_history",
    "has_suspended_tokens",
    "high_risk",
    "inactive_account",
    "long_account_tenure",
    "low_account_score",
    "low_device_score",
    "low_phone_number_score",
    "network_service_error",
    "outside_home_territory",
    "provisioning_cardholder_mismatch",
    "provisioning_device_and_cardholder_mismatch",
    "provisioning_device_mismatch",
    "same_device_no_prior_authentication",
    "same_device_successful_prior_authentication",
    "software_update",
    "suspicious_activity",
    "too_many_different_cardholders",
    "too_many_recent_attempts",
    "too_many_recent_tokens",
)

SETTINGS = (
    choice(
        "wallet_purchases",
        "new_token",
        ("new_token", "known_token"),
        "Which token a test authorization with `wallet` names: a new one each time, as in Stripe's test mode, or the "
        "newest active one of that card and wallet, if there is one.",
    ),
)


def include_network_data(world: World, token: Token, rendered: dict[str, Any]) -> None:
    """Show what the card network said when the token was made, for a day; null for tokens of test purchases."""
    if world.now < token.created + NETWORK_DATA_SHOWN_FOR:
        rendered["network_data"] = token.network_data


@record(
    "issuing.token",
    prefix="intok",
    noun="issuing token",
    filters=("card", "status", "wallet_provider"),
    hidden=("network_data", "suspended_by"),
    expands=("card",),
    includes={"network_data": Include(include_network_data, where="not lists")},
)
class Token:
    """One token of one card. `suspended_by` says who may resume it: `platform`, `wallet`, or its `card` by itself."""

    id: str
    created: int
    card: str
    last4: str
    network_updated_at: int
    status: str
    wallet_provider: str | None
    device_fingerprint: str | None = None
    network: str = "visa"
    network_data: dict[str, Any] | None = None
    suspended_by: str | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The token as the API shows it; that of a merchant has no wallet."""
        members = shown(self)
        if self.wallet_provider is None:
            del members["wallet_provider"]
        return members


class UpdateParams(Params):
    """What is to become of a token."""

    status = Enum(("active", "deleted", "suspended"), required=True)


class TokenListParams(ListParams):
    """Filters of the list, which is always that of one card."""

    card = String(required=True)
    created = Range()
    status = Enum(("active", "deleted", "requested", "suspended"))


class DeviceParams(Params):
    """The device that the card is added to."""

    device_fingerprint = String()
    ip_address = String()
    location = String()
    name = String()
    phone_number = String()
    type = Enum(("other", "phone", "watch"))


class ProvisionParams(Params):
    """Which wallet the card is added to, how that ends, and what the network says of it; a merchant keeps it without.

    `decision` is `approve` unless sent. Scores go from 1, the worst, to 5.
    """

    wallet_provider = Enum(WALLETS)
    decision = Enum(tuple(DECISIONS))
    account_id = String()
    account_trust_score = Integer(minimum=1, maximum=5)
    card_number_source = Enum(("app", "manual", "on_file", "other"))
    device = Hash(DeviceParams)
    device_trust_score = Integer(minimum=1, maximum=5)
    reason_codes = List(Enum(REASON_CODES))


class InWalletParams(Params):
    """What the cardholder does in the wallet: verifies or resumes the token, suspends it, or takes it out."""

    status = Enum(("active", "deleted", "suspended"), required=True)


# How they come to be


def for_purchase(world: World, card: Card, wallet: str | None) -> str | None:
    """The token that a test purchase is made with, or None.

    Each makes one of its own, of which the network tells nothing. A card that cannot be in a wallet has none.
    Source: https://docs.stripe.com/issuing/controls/token-management
    """
    if wallet is None:
        return None
    if world.setting("wallet_purchases") == "known_token":
        known = world.all(Token, card=card.id, wallet_provider=wallet, status="active")
        return known[0].id if known else None
    return add(world, card, "active", wallet_provider=wallet).id if is_usable(world, card) else None


def provision(world: World, params: dict[str, Any], card: str) -> dict[str, Any]:
    """Add a card to a wallet, or have a merchant keep it: approved, declined, or to be verified first.

    A card that its wallet may not take is declined whatever was decided, and `reason` says why. A decline makes no
    token and no event.
    """
    found = world.get(Card, card)
    issuing_access.check(world)
    wallet, decision = params.get("wallet_provider"), params.get("decision", "approve")
    reason = obstacle(world, found, wallet)
    if reason is not None:
        decision = "decline"
    token = None
    if decision != "decline":
        data = network_data(world, found, params)
        token = add(
            world,
            found,
            "active" if decision == "approve" else LIFECYCLE.start,
            device_fingerprint=data["device"] and data["device"]["device_fingerprint"],
            network_data=data,
            wallet_provider=wallet,
        )
    return {
        "object": "emulator.provisioning",
        "card": found.id,
        "outcome": DECISIONS[decision],
        "reason": reason,
        "token": token and world.render(token),
        "wallet_provider": wallet,
    }


def add(world: World, card: Card, status: str, **more: Any) -> Token:
    """A new token, kept and announced."""
    token = Token(
        id=world.new_id(Token.prefix),
        created=world.now,
        card=card.id,
        last4=f"{world.draw('token') % 10**4:04}",
        network_updated_at=world.now,
        status=status,
        **more,
    )
    world.put(token)
    world.emit("issuing_token.created", token)
    return token


def obstacle(world: World, card: Card, wallet: str | None) -> str | None:
    """Why a card can be in no wallet, or in none for people; None if it can."""
    holder = world.get(Cardholder, card.cardholder)
    if card.status != "active":
        return f"card_{card.status}"
    if (card.exp_year, card.exp_month) < date_of(world.now).timetuple()[:2]:
        return "card_expired"
    if holder.status != "active":
        return f"cardholder_{holder.status}"
    return cards.wallets(card, holder)["apple_pay"]["ineligible_reason"] if wallet is not None else None


def network_data(world: World, card: Card, params: dict[str, Any]) -> dict[str, Any]:
    """What the network tells of a new token: what was sent, what is known of the holder, null for all else.

    A merchant has neither wallet nor device.
    """
    wallet = params.get("wallet_provider")
    holder = world.get(Cardholder, card.cardholder)
    device = reported = None
    if wallet is not None:
        device = dict.fromkeys(DeviceParams.shared().fields)
        device |= {
            "device_fingerprint": f"{world.draw('device') % 16**40:040x}",
            "phone_number": holder.phone_number,
            **params.get("device", {}),
        }
        address = holder.billing["address"]
        reported = {
            "account_id": params.get("account_id"),
            "account_trust_score": params.get("account_trust_score"),
            "card_number_source": params.get("card_number_source"),
            "cardholder_address": {"line1": address["line1"], "postal_code": address["postal_code"]},
            "cardholder_name": holder.name,
            "device_trust_score": params.get("device_trust_score"),
            "hashed_account_email_address": None,
            "reason_codes": params.get("reason_codes"),
            "suggested_decision": params.get("decision", "approve"),
            "suggested_decision_version": None,
        }
    return {
        "device": device,
        "type": "visa",
        "visa": {
            "card_reference_id": f"V-{hashlib.sha256(card.number.encode()).hexdigest()[:22]}",
            "token_reference_id": f"{world.draw('token') % 16**32:032x}",
            "token_requestor_id": REQUESTORS.get(wallet, A_MERCHANT),  # type: ignore[arg-type]
            "token_risk_score": "00",  # not scored
        },
        "wallet_provider": reported,
    }


# What becomes of them


def update(world: World, params: dict[str, Any], token: str) -> Token:
    """Suspend, resume or delete a token. 400 where no arrow is drawn, and to resume it while its card is not active."""
    old = world.get(Token, token)
    issuing_access.check(world)
    return save(world, old, changed(world, old, params["status"], VERBS, by="platform"))


def set_in_wallet(world: World, params: dict[str, Any], token: str) -> Token:
    """Do what the cardholder can do in the wallet. 400 besides for resuming what the account has suspended."""
    old = world.get(Token, token)
    issuing_access.check(world)
    if params["status"] == "active" and old.suspended_by == "platform":
        raise invalid("This token was suspended through the API, and only the API can resume it.", param="status")
    verbs = {**VERBS, "active": "verify"} if old.status == "requested" else VERBS
    return save(world, old, changed(world, old, params["status"], verbs, by="wallet"))


def changed(world: World, token: Token, status: str, verbs: dict[str, str], *, by: str) -> Token:
    """The token with another status, or the same again. Whoever suspends it last says who may resume it."""
    if status != token.status or status == "deleted":
        status = LIFECYCLE.after(token.status, verbs[status])
    if status == "active" and not is_usable(world, world.get(Card, token.card)):
        raise invalid("This token cannot be active while its card or cardholder is not.", param="status")
    keeper = "platform" if token.suspended_by == "platform" else by
    return replace(token, status=status, suspended_by=keeper if status == "suspended" else None)


def save(world: World, old: Token, new: Token) -> Token:
    """Keep a token and announce what changed, if anything has that shows."""
    if (new.status, new.card) != (old.status, old.card):
        new = replace(new, network_updated_at=world.now)
    world.put(new)
    world.emit("issuing_token.updated", new, before=old)
    return new


# Following the card


def is_usable(world: World, card: Card) -> bool:
    """Whether tokens of this card can be active: the card is, and so is its holder."""
    return card.status == "active" and world.get(Cardholder, card.cardholder).status == "active"


def like_card(world: World, token: Token, card: Card) -> Token:
    """The token as its card lets it be: deleted with it, suspended while it is not active, and back after that."""
    if card.is_over and token.status != "deleted":
        return LIFECYCLE.follow(token, "delete", suspended_by=None)
    if token.status == "active" and not is_usable(world, card):
        return LIFECYCLE.follow(token, "suspend", suspended_by="card")
    if token.suspended_by == "card" and is_usable(world, card):
        return LIFECYCLE.follow(token, "resume", suspended_by=None)
    return token


def follow_card(world: World, card: Card) -> None:
    """Have a card's tokens follow its status, the oldest first."""
    for token in reversed(world.all(Token, card=card.id)):
        follow(world, token, token, card)


def follow_cardholder(world: World, holder: Cardholder) -> None:
    """Have the tokens of all cards of a holder follow the holder's status."""
    for card in reversed(world.all(Card, cardholder=holder.id)):
        follow_card(world, card)


def move(world: World, original: Card, replacement: Card) -> None:
    """Take the tokens of a damaged or expired card over to the one that replaces it, before the old one is canceled."""
    for token in reversed(world.all(Token, card=original.id)):
        if token.status != "deleted":
            follow(world, token, replace(token, card=replacement.id), replacement)


def follow(world: World, old: Token, new: Token, card: Card) -> None:
    """Keep a token as its card lets it be."""
    following = like_card(world, new, card)
    if following != old:
        save(world, old, following)


def audit(world: World) -> Iterator[str]:
    """Tokens that are not as their cards let them be."""
    for account, token in world.store.every(Token):
        inside = world.as_account(account)
        card = inside.find(Card, token.card)
        if card is None:
            yield f"{token.id} is of {token.card}, which is not there"
        elif like_card(inside, token, card) != token:
            yield f"{token.id} is {token.status}, which its card {card.id} does not let it be"
        if (token.status == "suspended") != (token.suspended_by is not None):
            yield f"{token.id} is {token.status}, and suspended by {token.suspended_by}"


RECORDS = (Token,)
WHEN = {
    "issuing.card.status_changed": follow_card,
    "issuing.card.replaced": move,
    "issuing.cardholder.status_changed": follow_cardholder,
}
AUDIT = audit
ROUTES = [
    GET("/v1/issuing/tokens", issuing_access.gated(lists(Token, require=Card)), TokenListParams),
    GET("/v1/issuing/tokens/{token}", issuing_access.gated(retrieves(Token))),
    POST("/v1/issuing/tokens/{token}", update, UpdateParams),
    POST("/_emulator/issuing/cards/{card}/provision", provision, ProvisionParams),
    POST("/_emulator/issuing/tokens/{token}", set_in_wallet, InWalletParams),
]
