"""Shipments of physical cards: where one starts, what can happen to it, and what that writes down.

    pending ── submit ──▶ submitted
    pending, submitted ── ship ──▶ shipped ── deliver ──▶ delivered
    shipped, delivered ── return ──▶ returned
    pending, submitted, shipped ── fail ──▶ failure
    pending, submitted ── cancel ──▶ canceled              the card was canceled before it left

Source: https://docs.stripe.com/issuing/cards/physical/testing
"""

from __future__ import annotations

from typing import Any

from emulator.issuing.addresses import AddressParams, complete, normalized
from emulator.kernel.dates import DAY
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.params import Boolean, Enum, Hash, Params, String

LIFECYCLE = Lifecycle(
    "pending",
    {
        "pending": {"submit": "submitted", "ship": "shipped", "fail": "failure", "cancel": "canceled"},
        "submitted": {"ship": "shipped", "fail": "failure", "cancel": "canceled"},
        "shipped": {"deliver": "delivered", "return": "returned", "fail": "failure"},
        "delivered": {"return": "returned"},
        "returned": {},
        "failure": {},
        "canceled": {},
    },
    says="A shipment can only become '{target}' from status {origins}; this one's status is '{status}'.",
)
SERVICES = ("express", "priority", "standard")
VALIDATION_MODES = ("disabled", "normalization_only", "validation_and_normalization")
# Days on the way by service. Our ruling, after the estimates of https://docs.stripe.com/issuing/cards/physical
DAYS_ON_THE_WAY = {"standard": 8, "express": 4, "priority": 2}
# Who carries cards of a currency: untracked as standard, tracked otherwise. Our ruling: only the names are published.
CARRIERS = {"usd": ("usps", "fedex"), "gbp": ("royal_mail", "dhl"), "eur": ("dhl", "dhl")}
TRACKING_URLS = {
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id=",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr=",
}


class AddressValidationParams(Params):
    """What to do with the address."""

    mode = Enum(VALIDATION_MODES, required=True)


class CustomsParams(Params):
    """For shipments that cross a customs border."""

    eori_number = String()


class ShippingParams(Params):
    """Where and how to ship a card."""

    address = Hash(AddressParams, required=True)
    address_validation = Hash(AddressValidationParams)
    business_name = String()
    customs = Hash(CustomsParams)
    name = String(required=True)
    phone_number = String()
    require_signature = Boolean()
    service = Enum(SERVICES)
    type = Enum(("bulk", "individual"))


def started(sent: dict[str, Any]) -> dict[str, Any]:
    """A shipment that waits to be submitted, from what was sent."""
    service = sent.get("service", "standard")
    address = complete(sent["address"])
    return {
        "address": address,
        "address_validation": validated(address, sent.get("address_validation", {}).get("mode")),
        "business_name": sent.get("business_name"),
        "carrier": None,
        "customs": {"eori_number": sent["customs"].get("eori_number")} if "customs" in sent else None,
        "delivered_at": None,
        "eta": None,
        "name": sent["name"],
        "phone_number": sent.get("phone_number"),
        "require_signature": sent.get("require_signature", service != "standard"),
        "service": service,
        "shipped_at": None,
        "status": LIFECYCLE.start,
        "tracking_number": None,
        "tracking_url": None,
        "type": sent.get("type", "individual"),
    }


def validated(address: dict[str, str | None], mode: str | None) -> dict[str, Any]:
    """What address validation says: every address is likely deliverable, and is normalized unless that is disabled."""
    mode = mode or "validation_and_normalization"
    return {
        "mode": mode,
        "normalized_address": None if mode == "disabled" else normalized(address),
        "result": "likely_deliverable" if mode == "validation_and_normalization" else None,
    }


def moved_on(shipment: dict[str, Any], verb: str, *, currency: str, now: int, chance: int) -> dict[str, Any]:
    """The shipment of a card in some currency, one arrow on. Pure. 400 that names both statuses where none is drawn."""
    moved = {**shipment, "status": LIFECYCLE.after(shipment["status"], verb)}
    if verb == "ship":
        moved["shipped_at"] = now
        moved["eta"] = now + DAYS_ON_THE_WAY[shipment["service"]] * DAY
        moved["carrier"], faster = CARRIERS[currency]
        if shipment["service"] != "standard":
            tracking = f"{chance % 10**12:012d}"
            moved.update(carrier=faster, tracking_number=tracking, tracking_url=TRACKING_URLS[faster] + tracking)
    elif verb == "deliver":
        moved["delivered_at"] = now
    return moved
