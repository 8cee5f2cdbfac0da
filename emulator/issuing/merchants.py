"""Merchants: what an authorization says of the seller, and what Stripe fills in where a test says nothing.

Source: https://docs.stripe.com/issuing/purchases/authorizations and replies of test mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.data.merchant_categories import CODES
from emulator.kernel.dates import DAY
from emulator.kernel.params import Enum, Params, String

FUEL_DISPENSERS = "automated_fuel_dispensers"

# What test mode fills in; name and category are those of Stripe's published sample objects.
ROCKET_RIDES: dict[str, str | None] = {
    "category": "taxicabs_limousines",
    "category_code": CODES["taxicabs_limousines"],
    "city": "San Francisco",
    "country": "US",
    "name": "Rocket Rides",
    "network_id": "1234567890",
    "postal_code": "94103",
    "state": "CA",
    "tax_id": None,
    "terminal_id": "99999999",
    "url": "https://rocketrides.io/",
}

# Who may take up to 31 days to capture. The documentation names hotels, airlines, car rental, cruise lines and the
# like; which categories these are is our reading.
SLOW_CATEGORIES = frozenset(
    {
        "airlines_air_carriers",
        "car_rental_agencies",
        "cruise_lines",
        "hotels_motels_and_resorts",
        "recreational_vehicle_rentals",
        "sporting_recreation_camps",
        "timeshares",
        "trailer_parks_campgrounds",
        "truck_utility_trailer_rentals",
    }
)


class MerchantDataParams(Params):
    """What a test may say of the seller."""

    category = Enum(tuple(CODES))
    city = String()
    country = String()
    name = String()
    network_id = String()
    postal_code = String()
    state = String()
    terminal_id = String()
    url = String()


def described(sent: Mapping[str, Any] | None) -> dict[str, str | None]:
    """A seller as objects show it: what was sent, and the usual values for the rest."""
    if not sent:
        return ROCKET_RIDES
    seller = {**ROCKET_RIDES, **sent}
    return {**seller, "category_code": CODES[seller["category"]]}


def seconds_to_capture(category: str) -> int:
    """How long an approved authorization waits for its capture before it expires.

    Source: https://docs.stripe.com/issuing/purchases/authorizations
    """
    return (31 if category in SLOW_CATEGORIES else 7) * DAY
