"""Customers: whom an account sends money to or takes it from, and the payment methods they have given.

Deleting one detaches its payment methods. Billing is not here: no subscriptions, discounts, tax ids or cash
balances, and what would make one is refused as not built.
Source: https://docs.stripe.com/api/customers
"""

from __future__ import annotations

from typing import Any

from emulator.connect.records import accounts
from emulator.connect.shapes import NO_ADDRESS, group, group_of
from emulator.developer.test_clocks import TestClock
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid, no_such, unknown_parameters
from emulator.kernel.lists import Page, lists, page
from emulator.kernel.params import (
    Boolean,
    Email,
    Enum,
    Hash,
    Integer,
    List,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    merged_metadata,
)
from emulator.kernel.records import replace
from emulator.kernel.render import Deleted
from emulator.kernel.routes import DELETE, GET, POST
from emulator.kernel.world import World
from emulator.payments import customer_sources, not_built, payment_methods
from emulator.payments.customer import NO_INVOICE_SETTINGS, Customer, known
from emulator.payments.other_methods import TYPES
from emulator.payments.payment_methods import REDISPLAY, PaymentMethod
from emulator.payments.tax_id_types import TAX_ID_TYPES

NEEDS = {
    "cash_balance": "cash balances of customers",
    "tax": "automatic tax",
    "tax_id_data": "tax ids of customers",
}
NEEDS_OF_UPDATES = {
    "cash_balance": NEEDS["cash_balance"],
    "tax": NEEDS["tax"],
}


COUPONS = ("coupon", "promotion_code")


# What may be sent


class AddressParams(Params):
    """Where a customer lives; any text will do for the country."""

    city = String(unset=True)
    country = String(unset=True)
    line1 = String(unset=True)
    line2 = String(unset=True)
    postal_code = String(unset=True)
    state = String(unset=True)


class CustomFieldParams(Params):
    """A line of one's own on every invoice."""

    name = String(required=True, max_length=40)
    value = String(required=True, max_length=140)


class InvoiceSettingsParams(Params):
    """What invoices of the customer start with."""

    custom_fields = List(Hash(CustomFieldParams), unset=True, most=4)
    default_payment_method = String(unset=True)
    footer = String(unset=True)
    rendering_options = Hash(
        group_of(
            amount_tax_display=Enum(("exclude_tax", "include_inclusive_tax"), unset=True), template=String(unset=True)
        ),
        unset=True,
    )


class ShippingParams(Params):
    """Whom and where to send things."""

    address = Hash(AddressParams, required=True)
    name = String(required=True)
    phone = String(unset=True)


class CustomerParams(Params):
    """What can be said of a new customer and of one that is there."""

    address = Hash(AddressParams, unset=True)
    balance = Integer()
    business_name = String(unset=True, max_length=150)
    cash_balance = group(
        settings=group(reconciliation_mode=Enum(("automatic", "manual", "merchant_default"))),
    )
    description = String(unset=True)
    email = Email(unset=True)
    individual_name = String(unset=True, max_length=150)
    invoice_prefix = String(
        pattern="[A-Z0-9]{3,12}", says="The invoice prefix must have 3 to 12 uppercase letters or digits."
    )
    invoice_settings = Hash(InvoiceSettingsParams)
    metadata = Metadata()
    name = String(unset=True)
    next_invoice_sequence = Integer(minimum=1)
    phone = String(unset=True)
    preferred_locales = List(String())
    shipping = Hash(ShippingParams, unset=True)
    source = String()
    tax_exempt = Enum(("exempt", "none", "reverse"), unset=True)
    validate = Boolean()
    coupon = String(unset=True)
    promotion_code = String(unset=True)


class CreateParams(CustomerParams):
    """A new customer."""

    payment_method = String()
    tax = group(ip_address=String(unset=True), validate_location=Enum(("deferred", "immediately")))
    tax_id_data = List(Hash(group_of(type=Enum(TAX_ID_TYPES, required=True), value=String(required=True))))
    test_clock = String()


class UpdateParams(CustomerParams):
    """What may change."""

    default_source = String()
    tax = group(ip_address=String(unset=True), validate_location=Enum(("auto", "deferred", "immediately")))


class CustomerListParams(ListParams):
    """Filters of the list. The address must be written as the customer's is."""

    created = Range()
    email = String()
    test_clock = String()


class MethodListParams(ListParams):
    """Filters of a customer's payment methods."""

    allow_redisplay = Enum(REDISPLAY)
    type = Enum(TYPES)


# What happens


def create(world: World, params: dict[str, Any]) -> Customer:
    """Make a customer, with a payment method attached if one is named.

    400 for a default payment method that is not the customer's, 402 for a payment method that its bank declines.
    """
    refuse_coupons(world, params)
    not_built.refuse(params, NEEDS)
    clock = world.get(TestClock, params["test_clock"], param="test_clock").id if "test_clock" in params else None
    prefix = f"{world.draw('invoice') % 16**8:08X}"
    start = Customer(id=world.new_id("cus"), created=world.now, invoice_prefix=prefix, test_clock=clock)
    method = params.get("payment_method")
    attached = payment_methods.savable(world, method, start.id, param="payment_method") if method is not None else None
    customer = changed(world, start, params, attached)
    world.put(customer)
    world.emit("customer.created", customer)
    if "source" in params:
        customer_sources.add(world, customer, params["source"], {}, param="source")
        customer = world.get(Customer, customer.id)
    if attached is not None:
        payment_methods.attach_to(world, attached, customer.id)
    return customer


def update(world: World, params: dict[str, Any], id: str) -> Customer:
    """Change a customer. 400 for a default payment method that is not the customer's."""
    old = known(world, id)
    refuse_coupons(world, params)
    not_built.refuse(params, NEEDS_OF_UPDATES)
    new = world.put(changed(world, old, params))
    if "source" in params:
        new = world.put(replace(new, default_source=None))
        customer_sources.add(world, new, params["source"], {}, param="source")
        new = world.get(Customer, id)
    world.emit("customer.updated", new, before=old)
    return new


def refuse_coupons(world: World, params: dict[str, Any]) -> None:
    """400 for coupons: there are none, and newer clients do not know the parameters."""
    sent = [name for name in COUPONS if name in params]
    if sent and not world.predates("B7"):
        raise unknown_parameters(sent)
    for name in sent:
        if params[name] is not None:
            raise no_such(name.replace("_", " "), params[name], param=name, status=400)


def changed(
    world: World, customer: Customer, params: dict[str, Any], attached: PaymentMethod | None = None
) -> Customer:
    """The customer with what was sent. `attached` is a payment method that it is about to get."""
    plain = (
        "balance",
        "business_name",
        "description",
        "email",
        "individual_name",
        "invoice_prefix",
        "name",
        "next_invoice_sequence",
        "phone",
        "preferred_locales",
    )
    changes: dict[str, Any] = {name: params[name] for name in plain if name in params}
    if params.get("balance") and customer.currency is None:
        changes["currency"] = accounts.of(world).default_currency
    if "address" in params:
        changes["address"] = params["address"] and {**NO_ADDRESS, **params["address"]}
    if "shipping" in params:
        sent = params["shipping"]
        changes["shipping"] = sent and {"phone": None, **sent, "address": {**NO_ADDRESS, **sent["address"]}}
    if "tax_exempt" in params:
        changes["tax_exempt"] = params["tax_exempt"] or "none"
    if "default_source" in params:
        changes["default_source"] = customer_sources.known(world, customer, params["default_source"]).id
    if "invoice_settings" in params:
        changes["invoice_settings"] = invoice_settings(world, customer, params["invoice_settings"], attached)
    return replace(customer, metadata=merged_metadata(customer.metadata, params), **changes)


def invoice_settings(
    world: World, customer: Customer, sent: dict[str, Any], attached: PaymentMethod | None
) -> dict[str, Any]:
    """The settings of invoices with what was sent. 400 for a default payment method that is not the customer's."""
    settings = {**NO_INVOICE_SETTINGS, **customer.invoice_settings, **sent}
    param = "invoice_settings[default_payment_method]"
    wanted = sent.get("default_payment_method")
    if wanted is not None:
        if attached is not None and wanted in (attached.id, attached.token):
            settings["default_payment_method"] = attached.id
        elif world.get(PaymentMethod, wanted, param=param).customer != customer.id:
            raise invalid(
                f"The customer does not have a payment method with the ID {wanted}. The payment method must be "
                "attached to the customer.",
                code="resource_missing",
                param=param,
            )
    options = settings["rendering_options"]
    if options is not None:
        settings["rendering_options"] = {"amount_tax_display": None, "template": None, **options}
    return settings


def retrieve(world: World, params: dict[str, Any], id: str) -> Customer:
    """Read one customer; of a deleted one only that it is. 404 when the account never had one of that id."""
    return world.get(Customer, id)


retrieve.is_retrieve = True  # type: ignore[attr-defined]


def delete(world: World, params: dict[str, Any], id: str) -> Deleted:
    """Delete a customer for good, and detach its payment methods."""
    return Deleted(gone(world, known(world, id)))


def gone(world: World, customer: Customer) -> Customer:
    """What is left of a customer."""
    for method in world.all(PaymentMethod, customer=customer.id):
        payment_methods.let_go(world, method)
    world.emit("customer.deleted", customer)
    return world.put(replace(customer, default_source=None, is_deleted=True))


def attach_to_clock(world: World, clock: TestClock, id: str) -> None:
    """A test clock was made with a customer that had none."""
    old = known(world, id)
    new = world.put(replace(old, test_clock=clock.id))
    world.emit("customer.updated", new, before=old)


def go_with_clock(world: World, clock: TestClock) -> None:
    """The customers of a test clock go with it."""
    for customer in world.all(Customer, clock=clock.id, is_deleted=False):
        gone(world, customer)


def without_deleted(world: World, params: dict[str, Any], *path: str) -> list[Condition]:
    """Only customers that are there, and only those of the test clock that is named, or of none."""
    return [Condition("is_deleted", "eq", False), Condition("clock", "eq", params.pop("test_clock", None) or "")]


def list_methods(world: World, params: dict[str, Any], customer: str) -> Page:
    """The payment methods attached to a customer, newest first. 404 for a customer that is not there."""
    known(world, customer)
    return page(world, PaymentMethod, params, [Condition("customer", "eq", customer)])


list_methods.returns = PaymentMethod  # type: ignore[attr-defined]
list_methods.is_list = True  # type: ignore[attr-defined]


def retrieve_method(world: World, params: dict[str, Any], customer: str, id: str) -> PaymentMethod:
    """Read one payment method of a customer. 404 for one that is not attached to it."""
    known(world, customer)
    found = world.find(PaymentMethod, id)
    if found is None or found.customer != customer:
        raise no_such(PaymentMethod.noun, id, param="payment_method")
    return found


retrieve_method.is_retrieve = True  # type: ignore[attr-defined]


RECORDS: tuple[type, ...] = ()
WHEN = {"developer.test_clock.attached": attach_to_clock, "developer.test_clock.deleted": go_with_clock}
ROUTES = [
    GET("/v1/customers", lists(Customer, narrow=without_deleted), CustomerListParams),
    POST("/v1/customers", create, CreateParams),
    GET("/v1/customers/{customer}", retrieve),
    POST("/v1/customers/{customer}", update, UpdateParams),
    DELETE("/v1/customers/{customer}", delete),
    GET("/v1/customers/{customer}/payment_methods", list_methods, MethodListParams),
    GET("/v1/customers/{customer}/payment_methods/{payment_method}", retrieve_method),
]
