"""What only Stripe decides about cardholders, cards and bundles, set by hand: nothing in the public API leads there.

Each call changes an object that is there, and announces it with the object's own `.updated` event. What
merchants tell of a purchase afterwards is said here too.
"""

from __future__ import annotations

from typing import Any

from emulator.issuing import cardholders, cards, transactions
from emulator.issuing.cardholders import Cardholder
from emulator.issuing.cards import Card
from emulator.issuing.physical_bundles import STATUSES, TYPES, PhysicalBundle
from emulator.issuing.purchase_details import PurchaseDetailsParams
from emulator.issuing.transactions import Transaction
from emulator.kernel.errors import invalid
from emulator.kernel.params import Boolean, Enum, Hash, List, Params
from emulator.kernel.records import replace
from emulator.kernel.routes import POST
from emulator.kernel.world import World

VERDICTS = ("listed", "rejected.listed", "under_review")
# Everything that can be past due, the four that are computed for US individuals left out.
DEMANDS = (
    "company.tax_id",
    "individual.dob.day",
    "individual.dob.month",
    "individual.dob.year",
    "individual.verification.document",
)
FRAUD_WARNINGS = (
    "card_testing_exposure",
    "fraud_dispute_filed",
    "third_party_reported",
    "user_indicated_fraud",
)
WALLET_OBSTACLES = ("missing_agreement", "missing_cardholder_contact", "unsupported_region")
CARRIERS = ("correos", "dhl", "fedex", "royal_mail", "usps")
ADDRESS_RESULTS = ("indeterminate", "likely_deliverable", "likely_undeliverable")


class RequirementsParams(Params):
    """`disabled_reason` is the outcome of a screening, until it is unset; `past_due` is demanded besides the usual."""

    disabled_reason = Enum(VERDICTS, unset=True)
    past_due = List(Enum(DEMANDS), unset=True)


class CardholderParams(Params):
    """What to set on a cardholder."""

    requirements = Hash(RequirementsParams)
    status = Enum(("active", "inactive", "blocked"))


class FraudWarningParams(Params):
    """A fraud warning as of now."""

    type = Enum(FRAUD_WARNINGS, required=True)


class AddressValidationParams(Params):
    """What the carrier's address check said."""

    result = Enum(ADDRESS_RESULTS, required=True)


class ShippingParams(Params):
    """What is known of the shipment."""

    address_validation = Hash(AddressValidationParams)
    carrier = Enum(CARRIERS)


class WalletsParams(Params):
    """Why the card may not enter digital wallets, until it is unset."""

    ineligible_reason = Enum(WALLET_OBSTACLES, required=True, unset=True)


class CardParams(Params):
    """What to set on a card.

    `cancellation_reason` cancels it. `pin_blocked` is what too many wrong PINs do: the card becomes inactive, and
    `status=active` unblocks it.
    """

    cancellation_reason = Enum(("design_rejected", "fulfillment_error"))
    latest_fraud_warning = Hash(FraudWarningParams, unset=True)
    pin_blocked = Boolean()
    replacement_reason = Enum(("fulfillment_error",))
    shipping = Hash(ShippingParams)
    wallets = Hash(WalletsParams)


class FeaturesParams(Params):
    """What designs on a bundle can have."""

    card_logo = Enum(("optional", "required", "unsupported"))
    carrier_text = Enum(("optional", "required", "unsupported"))
    second_line = Enum(("optional", "required", "unsupported"))


class BundleParams(Params):
    """What to set on a physical bundle. Bundles have no events."""

    features = Hash(FeaturesParams)
    status = Enum(STATUSES)
    type = Enum(TYPES)


class TransactionParams(Params):
    """What a merchant tells of a purchase that was collected before."""

    purchase_details = Hash(PurchaseDetailsParams, required=True)


def set_cardholder(world: World, params: dict[str, Any], id: str) -> Cardholder:
    """Block a cardholder, put it on a list, hold its review, or demand more of it."""
    old = world.get(Cardholder, id)
    sent = params.get("requirements", {})
    new = replace(
        old,
        demanded=(sent["past_due"] or []) if "past_due" in sent else old.demanded,
        status=params.get("status", old.status),
        verdict=sent.get("disabled_reason", old.verdict),
    )
    return cardholders.save(world, old, new)


def set_card(world: World, params: dict[str, Any], id: str) -> Card:
    """Cancel a card on Stripe's behalf, block its PIN, warn of fraud, or change what is known of shipment and wallets.

    400 for the shipment of a virtual card, and for the replacement reason of a card that replaces none.
    """
    old = world.get(Card, id)
    if "shipping" in params and old.shipping is None:
        raise invalid("Virtual cards are not shipped.", param="shipping")
    if "replacement_reason" in params and old.replacement_for is None:
        raise invalid("This card does not replace another one.", param="replacement_reason")
    new = old
    if params.get("pin_blocked") and old.status == "active":
        new = cards.with_status(new, "inactive")
    if "cancellation_reason" in params:
        new = replace(cards.with_status(new, "canceled"), cancellation_reason=params["cancellation_reason"])
    if "latest_fraud_warning" in params:
        warning = params["latest_fraud_warning"]
        new = replace(new, latest_fraud_warning=warning and {"started_at": world.now, "type": warning["type"]})
    if "shipping" in params:
        new = replace(new, shipping=shipment_with(new.shipping or {}, params["shipping"]))
    if "wallets" in params:
        new = replace(new, wallet_obstacle=params["wallets"]["ineligible_reason"])
    new = replace(
        new,
        pin_blocked=params.get("pin_blocked", old.pin_blocked),
        replacement_reason=params.get("replacement_reason", old.replacement_reason),
    )
    return cards.save(world, old, new)


def shipment_with(shipment: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The shipment with another carrier, or another outcome of the address check."""
    checked = {**shipment["address_validation"], **sent.get("address_validation", {})}
    return {**shipment, "address_validation": checked, "carrier": sent.get("carrier", shipment["carrier"])}


def set_bundle(world: World, params: dict[str, Any], id: str) -> PhysicalBundle:
    """Make a bundle custom, retire it, put it under review, or change what designs on it can have."""
    old = world.get(PhysicalBundle, id)
    return world.put(
        replace(
            old,
            features={**old.features, **params.get("features", {})},
            status=params.get("status", old.status),
            type=params.get("type", old.type),
        )
    )


def set_transaction(world: World, params: dict[str, Any], id: str) -> Transaction:
    """Let the merchant tell more of a purchase, or tell it otherwise. A receipt that is new or another is announced."""
    return transactions.tell_more(world, world.get(Transaction, id), params["purchase_details"])


ROUTES = [
    POST("/_emulator/issuing/cardholders/{cardholder}", set_cardholder, CardholderParams),
    POST("/_emulator/issuing/cards/{card}", set_card, CardParams),
    POST("/_emulator/issuing/physical_bundles/{physical_bundle}", set_bundle, BundleParams),
    POST("/_emulator/issuing/transactions/{transaction}", set_transaction, TransactionParams),
]
