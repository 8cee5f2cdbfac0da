"""What was bought: fuel and fleet data, flights, nights, receipts, as merchants sometimes tell the card network.

Decimal quantities are echoed as they were sent, except on receipts, where Stripe answers with numbers.
Source: https://docs.stripe.com/api/issuing/transactions/object#issuing_transaction_object-purchase_details
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP
from decimal import Decimal as Number
from typing import Any

from emulator.kernel.params import Boolean, Decimal, Enum, Hash, Integer, List, Params, String, Timestamp

# Nothing on a receipt is larger than a purchase can be, and their product still is a number that JSON readers hold.
LARGEST_COST = 99_999_999
LONGEST_QUANTITY = 7


# What may be sent


class CardholderPromptDataParams(Params):
    """What the cardholder typed at the pump."""

    driver_id = String()
    odometer = Integer()
    unspecified_id = String()
    user_id = String()
    vehicle_number = String()


class FuelBreakdownParams(Params):
    """The fuel's part of a fleet purchase, or the rest's."""

    gross_amount_decimal = Decimal()


class TaxBreakdownParams(Params):
    """The taxes within a fleet purchase."""

    local_amount_decimal = Decimal()
    national_amount_decimal = Decimal()


class ReportedBreakdownParams(Params):
    """How the total of a fleet purchase came about."""

    fuel = Hash(FuelBreakdownParams)
    non_fuel = Hash(FuelBreakdownParams)
    tax = Hash(TaxBreakdownParams)


class FleetParams(Params):
    """A purchase with a fleet card."""

    cardholder_prompt_data = Hash(CardholderPromptDataParams)
    purchase_type = Enum(("fuel_and_non_fuel_purchase", "fuel_purchase", "non_fuel_purchase"))
    reported_breakdown = Hash(ReportedBreakdownParams)
    service_type = Enum(("full_service", "non_fuel_transaction", "self_service"))


class FuelParams(Params):
    """Fuel that was dispensed; the unit's cost is in cents."""

    industry_product_code = String()
    quantity_decimal = Decimal()
    type = Enum(("diesel", "other", "unleaded_plus", "unleaded_regular", "unleaded_super"))
    unit = Enum(
        (
            "charging_minute",
            "imperial_gallon",
            "kilogram",
            "kilowatt_hour",
            "liter",
            "other",
            "pound",
            "us_gallon",
        )
    )
    unit_cost_decimal = Decimal()


class FlightSegmentParams(Params):
    """One leg of a flight."""

    arrival_airport_code = String(max_length=3)
    carrier = String()
    departure_airport_code = String(max_length=3)
    flight_number = String()
    service_class = String()
    stopover_allowed = Boolean()


class FlightParams(Params):
    """A flight."""

    departure_at = Timestamp()
    passenger_name = String()
    refundable = Boolean()
    segments = List(Hash(FlightSegmentParams))
    travel_agency = String()


class LodgingParams(Params):
    """A stay."""

    check_in_at = Timestamp()
    nights = Integer()


class ReceiptParams(Params):
    """One line of a receipt; amounts in minor units."""

    description = String(max_length=26)
    quantity = Decimal(whole_digits=LONGEST_QUANTITY)
    total = Integer(minimum=-LARGEST_COST, maximum=LARGEST_COST)
    unit_cost = Integer(minimum=-LARGEST_COST, maximum=LARGEST_COST)


class PurchaseDetailsParams(Params):
    """Everything a merchant may tell with a capture or refund."""

    fleet = Hash(FleetParams)
    flight = Hash(FlightParams)
    fuel = Hash(FuelParams)
    lodging = Hash(LodgingParams)
    receipt = List(Hash(ReceiptParams))
    reference = String()


# What is shown


def described(sent: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Purchase details as transactions show them: every key, null where nothing was sent."""
    if not sent:
        return None
    flight, lodging = sent.get("flight"), sent.get("lodging")
    return {
        "fleet": fleet(sent.get("fleet")),
        "flight": None
        if flight is None
        else {
            **complete(FlightParams, flight),
            "segments": None
            if "segments" not in flight
            else [complete(FlightSegmentParams, segment) for segment in flight["segments"]],
        },
        "fuel": dispensed(sent.get("fuel")),
        "lodging": None if lodging is None else complete(LodgingParams, lodging),
        "receipt": None if "receipt" not in sent else [receipt_line(line) for line in sent["receipt"]],
        "reference": sent.get("reference"),
    }


def fleet(sent: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Fleet data with every key."""
    if sent is None:
        return None
    prompts, breakdown = sent.get("cardholder_prompt_data"), sent.get("reported_breakdown")
    parts = ReportedBreakdownParams.shared().fields
    return {
        **complete(FleetParams, sent),
        "cardholder_prompt_data": None if prompts is None else complete(CardholderPromptDataParams, prompts),
        "reported_breakdown": None
        if breakdown is None
        else {
            name: complete(parts[name].inner_params, breakdown[name]) if name in breakdown else None for name in parts
        },
    }


def fleet_prompted(sent: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Fleet data as authorizations show it: with the deprecated `alphanumeric_id`, which no parameter fills."""
    shown = fleet(sent)
    if shown is None or shown["cardholder_prompt_data"] is None:
        return shown
    return {**shown, "cardholder_prompt_data": {"alphanumeric_id": None, **shown["cardholder_prompt_data"]}}


def fuel(sent: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Fuel as authorizations show it: null where nothing was sent."""
    return None if sent is None else complete(FuelParams, sent)


def dispensed(sent: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Fuel as transactions show it, where three of the keys are never null."""
    shown = fuel(sent)
    if shown is None:
        return None
    # The published type has no nulls here; what stands for "not said" is our ruling.
    usual = {"type": "other", "unit": "other", "unit_cost_decimal": "0"}
    return {**shown, **{name: shown[name] or value for name, value in usual.items()}}


def receipt_line(sent: Mapping[str, Any]) -> dict[str, Any]:
    """One line of a receipt: the quantity as a number, and a total where quantity and unit cost give one."""
    line = complete(ReceiptParams, sent)
    if line["quantity"] is None:
        return line
    quantity = Number(line["quantity"])
    if line["total"] is None and line["unit_cost"] is not None:
        line["total"] = int((quantity * line["unit_cost"]).quantize(Number(1), ROUND_HALF_UP))
    line["quantity"] = int(quantity) if quantity == quantity.to_integral_value() else float(quantity)
    return line


def complete(params: type[Params], sent: Mapping[str, Any]) -> dict[str, Any]:
    """A hash with every key its parameters have, null where nothing was sent."""
    return {name: sent.get(name) for name in params.shared().fields}
