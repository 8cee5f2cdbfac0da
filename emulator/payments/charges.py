"""Charges over the API: reading those that payment intents make, and the older way of making them.

A charge that is made here takes a test token (`tok_visa`), or what a customer has given as a source. Without `capture`
its amount is held for seven days.
Source: https://docs.stripe.com/api/charges, https://docs.stripe.com/payments/charges-api
"""

from __future__ import annotations

from typing import Any

from emulator.connect.shapes import group
from emulator.kernel.errors import exclusive, invalid, missing
from emulator.kernel.ids import group_of as group_of_ids
from emulator.kernel.ids import object_id
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Boolean,
    Currency,
    Email,
    Enum,
    Hash,
    Integer,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    merged_metadata,
)
from emulator.kernel.records import replace
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.payments import amounts, charging, customer_sources, not_built, recipients
from emulator.payments import customer as customers
from emulator.payments.charge import Charge
from emulator.payments.declines import declined
from emulator.payments.payment_intent_params import ShippingParams
from emulator.payments.payment_intents import shipping

NEEDS = {"radar_options": "Radar sessions"}


class DestinationParams(Params):
    """Who is paid, and how much: how `transfer_data` was written before 2018."""

    account = String(required=True)
    amount = Amount()


class CreateParams(Params):
    """What to charge, and whom."""

    amount = Amount(maximum=amounts.LARGEST_SENT)
    application_fee = Integer(minimum=0)
    application_fee_amount = Integer(minimum=0)
    capture = Boolean()
    currency = Currency()
    customer = String()
    description = String()
    destination = Hash(DestinationParams)
    metadata = Metadata()
    on_behalf_of = String()
    radar_options = group(session=String())
    receipt_email = Email()
    shipping = Hash(ShippingParams)
    source = String()
    statement_descriptor = String(max_length=22)
    statement_descriptor_suffix = String(max_length=22)
    transfer_data = group(amount=Amount(), description=String(), destination=String(required=True))
    transfer_group = String()


class CaptureParams(Params):
    """How much of what is held to take."""

    amount = Amount(maximum=amounts.LARGEST_SENT)
    application_fee = Integer(minimum=0)
    application_fee_amount = Integer(minimum=0)
    receipt_email = Email()
    statement_descriptor = String(max_length=22)
    statement_descriptor_suffix = String(max_length=22)
    transfer_data = group(amount=Amount())
    transfer_group = String()


class UpdateParams(Params):
    """What may change of a charge."""

    customer = String()
    description = String()
    fraud_details = group(user_report=Enum(("fraudulent", "safe"), required=True, unset=True))
    metadata = Metadata()
    receipt_email = Email()
    shipping = Hash(ShippingParams)
    transfer_group = String()


class ChargeListParams(ListParams):
    """Filters of the list."""

    created = Range()
    customer = String()
    payment_intent = String()
    transfer_group = String()


def create(world: World, params: dict[str, Any]) -> Charge:
    """Charge a source. 400 for amounts that cannot be charged and for no source, 402 where the bank declines."""
    not_built.refuse(params, NEEDS)
    for name in ("amount", "currency"):
        if name not in params:
            raise missing(name)
    amount, currency = params["amount"], params["currency"]
    amounts.check(amount, currency)
    if "on_behalf_of" in params:
        recipients.settles(world, params["on_behalf_of"])
    customer = customers.known(world, params["customer"], param="customer") if "customer" in params else None
    method = customer_sources.to_charge(world, params.get("source"), customer)
    data = destination_of(world, params)
    fee = params.get("application_fee_amount", params.get("application_fee"))
    refuse_fee(world, fee, amount, data)
    same = ("description", "on_behalf_of", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")
    world.put(method)
    charge = charging.charge(
        world,
        method,
        amount=amount,
        currency=currency,
        group=group_of_ids(object_id("ch", world.now, world.account, 0)),
        captures=params.get("capture", True),
        application_fee_amount=fee,
        customer=None if customer is None else customer.id,
        metadata=merged_metadata({}, params),
        shipping=shipping(params.get("shipping")),
        source=customer_sources.drawn(world, method),
        transfer_data=data,
        transfer_group=params.get("transfer_group"),
        **{name: params.get(name) for name in same},
    )
    decline = charging.declines(method)
    if decline is not None:
        raise declined(decline, keeps_changes=True, charge=charge.id)  # type: ignore[arg-type]
    return charge


def destination_of(world: World, params: dict[str, Any]) -> dict[str, Any] | None:
    """The account that the money is for, and how much of it. 400 for one that cannot be paid."""
    if "destination" in params and "transfer_data" in params:
        raise exclusive("destination", "transfer_data")
    if "destination" in params:
        sent, param = params["destination"], "destination"
        data = {"amount": sent.get("amount"), "destination": sent["account"]}
    elif "transfer_data" in params:
        sent, param = params["transfer_data"], "transfer_data[destination]"
        if "description" in sent:
            raise not_built.not_built("descriptions of transfers that charges make", param="transfer_data[description]")
        data = {"amount": sent.get("amount"), "destination": sent["destination"]}
    else:
        return None
    recipients.receiver(world, data["destination"], param=param)
    refuse_too_much(data, params["amount"], param=f"{param.partition('[')[0]}[amount]")
    return data


def refuse_too_much(data: dict[str, Any] | None, amount: int, *, param: str) -> None:
    """400 for more to transfer than is charged."""
    if data is not None and (data["amount"] or 0) > amount:
        raise invalid("The amount to transfer must not be greater than the amount of the charge.", param=param)


def refuse_fee(world: World, fee: int | None, amount: int, data: dict[str, Any] | None) -> None:
    """400 for a fee that nobody could be charged, beside an amount to transfer, or of more than the whole."""
    param = "application_fee_amount"
    if fee is None:
        return
    if world.is_platform and data is None:
        raise invalid(
            "Can only apply an application_fee when the request is made on behalf of another account (using an OAuth "
            "key, the Stripe-Account header, or the destination parameter).",
            param=param,
        )
    if data is not None and data["amount"] is not None:
        raise exclusive("transfer_data[amount]", param)
    if fee > amount:
        raise invalid(f"The application fee ({fee}) cannot be greater than the amount ({amount}).", param=param)


def capture(world: World, params: dict[str, Any], id: str) -> Charge:
    """Take what is held, or a part of it. 400 for a charge of a payment intent, one that is captured or has failed."""
    held = world.get(Charge, id)
    if held.payment_intent is not None:
        raise invalid(f"This charge was created by the payment intent {held.payment_intent}; capture that one instead.")
    if held.refunded:
        raise invalid(f"Charge {id} has already been refunded.", code="charge_already_refunded")
    if held.status != "succeeded":
        raise invalid(f"Charge {id} is {held.status}, so that it cannot be captured.")
    if held.captured:
        raise invalid(f"Charge {id} has already been captured.", code="charge_already_captured")
    if held.capture_before is not None and held.capture_before <= world.now:
        raise invalid(f"Charge {id} has expired.", code="charge_expired_for_capture")
    amount = params.get("amount", held.amount)
    if amount > held.amount:
        raise invalid(
            f"You cannot capture more than the amount of the charge ({held.amount}).",
            code="amount_too_large",
            param="amount",
        )
    amounts.check(amount, held.currency)
    same = ("receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group")
    changes: dict[str, Any] = {name: params[name] for name in same if name in params}
    fee = params.get("application_fee_amount", params.get("application_fee", held.application_fee_amount))
    data = held.transfer_data
    if "transfer_data" in params:
        if data is None:
            raise missing("transfer_data[destination]")
        data = {**data, **params["transfer_data"]}
        refuse_too_much(data, amount, param="transfer_data[amount]")
    refuse_fee(world, fee, held.amount, data)
    recipients.check(world, data, held.on_behalf_of)
    return charging.captured(world, held, amount, application_fee_amount=fee, transfer_data=data, **changes)


def update(world: World, params: dict[str, Any], id: str) -> Charge:
    """Change what nobody is charged by. 400 for another customer than the one that there is."""
    before = world.get(Charge, id)
    plain = ("description", "receipt_email", "transfer_group")
    changes: dict[str, Any] = {name: params[name] for name in plain if name in params}
    if "customer" in params:
        customer = customers.known(world, params["customer"], param="customer")
        if before.customer not in (None, customer.id):
            raise invalid(f"Charge {id} already belongs to the customer {before.customer}.", param="customer")
        changes["customer"] = customer.id
    if "shipping" in params:
        changes["shipping"] = shipping(params["shipping"])
    if "fraud_details" in params:
        report = params["fraud_details"]["user_report"]
        others = {name: value for name, value in before.fraud_details.items() if name != "user_report"}
        changes["fraud_details"] = others if report is None else {**others, "user_report": report}
    after = world.put(replace(before, metadata=merged_metadata(before.metadata, params), **changes))
    world.emit("charge.updated", after, before=before)
    return after


RECORDS: tuple[type, ...] = ()
ROUTES = [
    POST("/v1/charges", create, CreateParams),
    GET("/v1/charges", lists(Charge), ChargeListParams),
    GET("/v1/charges/{charge}", retrieves(Charge)),
    POST("/v1/charges/{charge}", update, UpdateParams),
    POST("/v1/charges/{charge}/capture", capture, CaptureParams),
]
