"""Payment links: an address at which whoever is sent there sees what is for sale, and pays (see `payment_pages`).

A link of recurring prices would begin a subscription, so that nothing can be paid there. Invoices, taxes, shipping
rates and optional items are not built, and what would need them is refused by name; there are no promotion codes that
anybody could be allowed.
Source: https://docs.stripe.com/api/payment-link, https://docs.stripe.com/payment-links/api
"""

from __future__ import annotations

from dataclasses import field
from decimal import ROUND_HALF_UP
from decimal import Decimal as Exact
from typing import Any

from emulator.connect.records.accounts import application_of
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import exclusive, invalid, missing, no_such
from emulator.kernel.lists import listed, lists
from emulator.kernel.params import Boolean, ListParams, merged_metadata
from emulator.kernel.records import record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.tenants import token_of
from emulator.kernel.world import World
from emulator.payments import not_built, price, recipients
from emulator.payments.payment_link_params import CreateParams, UpdateParams
from emulator.payments.payment_page import PaymentPage
from emulator.payments.price import Price
from emulator.payments.product import Product, details_of

PATH = "/buy/"  # of the pages that links lead to
SHOWN = 10  # line items that a link shows itself
NO_INVOICE: dict[str, Any] = {
    "enabled": False,
    "invoice_data": {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": None,
        "metadata": {},
        "rendering_options": None,
    },
}
NO_SUBSCRIPTION: dict[str, Any] = {
    "description": None,
    "invoice_settings": {"issuer": {"type": "self"}},
    "metadata": {},
    "trial_period_days": None,
    "trial_settings": None,
}
TEXTS = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
CONSENTS = ("payment_method_reuse_agreement", "promotions", "terms_of_service")
OF_INTENTS = (
    "capture_method",
    "description",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
OF_FIELDS: dict[str, dict[str, Any]] = {
    "dropdown": {"default_value": None},
    "numeric": {"default_value": None, "maximum_length": None, "minimum_length": None},
    "text": {"default_value": None, "maximum_length": None, "minimum_length": None},
}
# What is kept as it was sent.
PLAIN = (
    "active",
    "allow_promotion_codes",
    "application_fee_amount",
    "billing_address_collection",
    "customer_creation",
    "inactive_message",
    "on_behalf_of",
    "payment_method_collection",
    "payment_method_options",
    "payment_method_types",
    "phone_number_collection",
    "shipping_address_collection",
    "submit_type",
)
ONLY_FOR_CONNECT = (
    "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an OAuth "
    "key or Stripe-Account header) or destination payment (using `transfer_data[destination]`)."
)


@record(
    "item",
    prefix="li",
    noun="item",
    filters=("payment_link",),
    hidden=("created", "payment_link"),
    embeds=("price",),
)
class LineItem:
    """Something that a link sells, how many of it and at which price."""

    id: str
    created: int
    currency: str
    payment_link: str
    price: str
    quantity: int
    adjustable_quantity: dict[str, Any] | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The item of the API with its price whole."""
        found = world.get(Price, self.price)
        product = world.find(Product, found.product)
        total = cost(found, self.currency, self.quantity)
        members = shown(
            self,
            amount_discount=0,
            amount_subtotal=total,
            amount_tax=0,
            amount_total=total,
            description=product.name if product is not None else None,
            metadata={},
            price=world.render(found),
        )
        del members["livemode"]
        return members


def cost(of: Price, currency: str, quantity: int, chosen: int | None = None) -> int:
    """What so many units cost, in minor units; where customers choose the amount, that, or what they are offered."""
    unit = amount_in(of, currency, "unit_amount_decimal")
    if unit is None:
        offered = (amount_in(of, currency, "custom_unit_amount") or {}).get("preset") or 0
        unit = offered if chosen is None else chosen
    return int((Exact(unit) * quantity).to_integral_value(ROUND_HALF_UP))


def amount_in(of: Price, currency: str, name: str) -> Any:
    """One way to say what a price is, in a currency that it has."""
    return getattr(of, name) if currency == of.currency else of.currency_options[currency][name]


def items_of(world: World, link: str) -> list[LineItem]:
    """What a link sells, in its order."""
    return list(reversed(world.all(LineItem, payment_link=link)))


def fill_items(world: World, link: PaymentLink, rendered: dict[str, Any]) -> None:
    """The first ten of what it sells."""
    found = items_of(world, link.id)
    rows = [world.render(item) for item in found[:SHOWN]]
    rendered["line_items"] = listed(rows, f"/v1/payment_links/{link.id}/line_items", has_more=len(found) > SHOWN)


@record(
    "payment_link",
    prefix="plink",
    noun="payment link",
    filters=("active",),
    unindexed=("active",),
    hidden=("is_recurring", "limit"),
    expands=("on_behalf_of", "transfer_data.destination"),
    includes={"line_items": Include(fill_items)},
)
class PaymentLink:
    """A link. `limit` is how often it may be paid at most; a recurring one would begin a subscription."""

    id: str
    created: int
    currency: str
    active: bool = True
    after_completion: dict[str, Any] = field(default_factory=dict)
    allow_promotion_codes: bool = False
    application: str | None = None
    application_fee_amount: int | None = None
    billing_address_collection: str = "auto"
    consent_collection: dict[str, Any] | None = None
    custom_fields: list[dict[str, Any]] = field(default_factory=list)
    custom_text: dict[str, Any] = field(default_factory=dict)
    customer_creation: str = "if_required"
    inactive_message: str | None = None
    is_recurring: bool = False
    limit: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    name_collection: dict[str, Any] | None = None
    on_behalf_of: str | None = None
    payment_intent_data: dict[str, Any] | None = None
    payment_method_collection: str = "always"
    payment_method_options: dict[str, Any] | None = None
    payment_method_types: list[str] | None = None
    phone_number_collection: dict[str, Any] = field(default_factory=lambda: {"enabled": False})
    shipping_address_collection: dict[str, Any] | None = None
    submit_type: str = "auto"
    transfer_data: dict[str, Any] | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API, which does not tell when it was made."""
        members = shown(
            self,
            application_fee_percent=None,
            automatic_tax={"enabled": False, "liability": None},
            custom_text={**dict.fromkeys(TEXTS), **self.custom_text},
            invoice_creation=None if self.is_recurring else NO_INVOICE,
            managed_payments=None,
            restrictions=None if self.limit is None else {"completed_sessions": self.completed(world)},
            shipping_options=[],
            subscription_data=NO_SUBSCRIPTION if self.is_recurring else None,
            tax_id_collection={"enabled": False, "required": "never"},
            url=world.url(PATH + token_of(world, self.id)),
        )
        for name in ("created", "name_collection"):
            if name == "created" or self.name_collection is None:
                del members[name]
        return members

    def completed(self, world: World) -> dict[str, Any]:
        """How often it was paid, and how often it may be."""
        paid = world.all(PaymentPage, is_paid=True, payment_link=self.id)
        return {"count": len(paid), "limit": self.limit}


# What may be sent, besides `payment_link_params`


class LinkListParams(ListParams):
    """Filters of the list."""

    active = Boolean()


# What happens


def create(world: World, params: dict[str, Any]) -> PaymentLink:
    """Make a link to what is for sale.

    400 for a price that is not there or archived, for prices of several currencies, for a fee without an account that
    it is taken from, and for a destination that cannot be paid; 501 for what other products would do.
    """
    refuse(params)
    link = PaymentLink(world.new_id(PaymentLink.prefix), world.now, "")
    sold = [chosen(world, item, f"line_items[{number}]", link) for number, item in enumerate(params["line_items"])]
    currency = params.get("currency", sold[0].price.currency)
    for number, one in enumerate(sold):
        if currency != one.price.currency and currency not in one.price.currency_options:
            raise invalid(
                f"The price {one.price.id} has no amount in {currency}; all items of a link share one currency.",
                param=f"line_items[{number}]",
            )
    application = None if world.is_platform else application_of(world)
    recurs = any(one.price.recurring is not None for one in sold)
    link = replace(link, currency=currency, application=application, is_recurring=recurs)
    link = said(world, link, params)

    for one in sold:
        if one.is_new_product:
            world.put(one.product)
            world.emit("product.created", one.product)
        if one.price.is_inline:
            world.put(one.price)
            world.emit("price.created", one.price)
        world.put(replace(one.item, currency=currency))
    world.put(link)
    world.emit("payment_link.created", link)
    return link


def refuse(params: dict[str, Any]) -> None:
    """501 for what needs what is not built, by name."""
    switches = {
        "automatic_tax[enabled]": params.get("automatic_tax", {}).get("enabled"),
        "invoice_creation[enabled]": params.get("invoice_creation", {}).get("enabled"),
        "managed_payments[enabled]": params.get("managed_payments", {}).get("enabled"),
        "optional_items": params.get("optional_items"),
        "shipping_options": params.get("shipping_options"),
        "subscription_data": params.get("subscription_data"),
        "application_fee_percent": params.get("application_fee_percent"),
        "tax_id_collection[enabled]": params.get("tax_id_collection", {}).get("enabled"),
    }
    not_built.refuse(
        {name: value for name, value in switches.items() if value},
        {
            "automatic_tax[enabled]": "automatic tax",
            "invoice_creation[enabled]": "invoices",
            "managed_payments[enabled]": "managed payments",
            "optional_items": "optional items of payment links",
            "shipping_options": "shipping rates",
            "subscription_data": "subscriptions",
            "application_fee_percent": "subscriptions",
            "tax_id_collection[enabled]": "tax ids",
        },
    )


class Sold:
    """One line of a new link: its item, the price and product it is of, and whether the product is made with it."""

    def __init__(self, item: LineItem, price: Price, product: Product, *, is_new_product: bool) -> None:
        self.item, self.price, self.product, self.is_new_product = item, price, product, is_new_product


def chosen(world: World, sent: dict[str, Any], path: str, link: PaymentLink) -> Sold:
    """One line of a new link, nothing of it stored. 400 for a price that cannot be sold at, 501 for one in tiers."""
    if "price" in sent and "price_data" in sent:
        raise exclusive(f"{path}[price]", f"{path}[price_data]")
    is_new_product = False
    if "price_data" in sent:
        data, where = sent["price_data"], f"{path}[price_data]"
        if "product" in data and "product_data" in data:
            raise exclusive(f"{where}[product]", f"{where}[product_data]")
        if "product" in data:
            product = world.get(Product, data["product"], param=f"{where}[product]")
        elif "product_data" in data:
            product, is_new_product = described(world, data["product_data"]), True
        else:
            raise missing(f"{where}[product]")
        found = price.of_product(world, product.id, data, path=where, is_inline=True)
    elif "price" in sent:
        found = world.get(Price, sent["price"], param=f"{path}[price]")
        if not found.active:
            raise price.inactive(f"{path}[price]")
        product = world.get(Product, found.product)
    else:
        raise invalid("You must provide either price or price_data for each line item.", param=path)
    if not product.active:
        raise invalid(f"The product {product.id} is archived, so nothing of it can be sold.", param=path)
    if found.transform_quantity is not None or found.tiers is not None:
        raise not_built.not_built("payment links of prices in tiers or packages", param=path)
    item = LineItem(
        id=world.new_id(LineItem.prefix),
        created=world.now,
        currency=found.currency,
        payment_link=link.id,
        price=found.id,
        quantity=sent["quantity"],
        adjustable_quantity=adjusted(sent.get("adjustable_quantity"), path),
    )
    refuse_quantity(item, path)
    return Sold(item, found, product, is_new_product=is_new_product)


def described(world: World, sent: dict[str, Any]) -> Product:
    """The product that is made with its line."""
    plain = ("description", "images", "name", "tax_code", "unit_label")
    return Product(
        id=world.new_id(Product.prefix),
        created=world.now,
        updated=world.now,
        metadata=merged_metadata({}, sent),
        tax_details=details_of(sent.get("tax_details")),
        **{name: sent[name] for name in plain if name in sent},
    )


def adjusted(sent: dict[str, Any] | None, path: str) -> dict[str, Any] | None:
    """How many may be bought; null unless that is for whoever pays to say. 400 for a least that is above the most."""
    if sent is None or not sent["enabled"]:
        return None
    bounds = {"maximum": 99, "minimum": 0, **sent}
    if bounds["minimum"] > bounds["maximum"]:
        raise invalid(
            f"The minimum quantity ({bounds['minimum']}) cannot be greater than the maximum ({bounds['maximum']}).",
            param=f"{path}[adjustable_quantity][minimum]",
        )
    return bounds


def refuse_quantity(item: LineItem, path: str) -> None:
    """400 for a quantity to begin with that nobody could choose."""
    bounds = item.adjustable_quantity
    if bounds is not None and not bounds["minimum"] <= item.quantity <= bounds["maximum"]:
        raise invalid(
            f"The quantity ({item.quantity}) must be from {bounds['minimum']} to {bounds['maximum']}, as "
            "adjustable_quantity says.",
            param=f"{path}[quantity]",
        )


def said(world: World, link: PaymentLink, params: dict[str, Any]) -> PaymentLink:
    """The same link after what was sent about it."""
    new = replace(
        link,
        **{name: params[name] for name in PLAIN if name in params},
        metadata=merged_metadata(link.metadata, params),
        after_completion=completion(params.get("after_completion"), link.after_completion),
    )
    if "consent_collection" in params:
        new = replace(new, consent_collection={**dict.fromkeys(CONSENTS), **params["consent_collection"]})
    if "custom_fields" in params:
        fields = [shown_field(one, f"custom_fields[{n}]") for n, one in enumerate(params["custom_fields"] or [])]
        new = replace(new, custom_fields=fields)
    if "custom_text" in params:
        new = replace(new, custom_text={**link.custom_text, **params["custom_text"]})
    if "name_collection" in params:
        asked = params["name_collection"]
        new = replace(new, name_collection=asked and {kind: {"optional": False, **asked[kind]} for kind in asked})
    if "payment_intent_data" in params:
        new = replace(new, payment_intent_data=of_intents(link.payment_intent_data, params["payment_intent_data"]))
    if "restrictions" in params:
        limited = params["restrictions"]
        new = replace(new, limit=limited["completed_sessions"]["limit"] if limited else None)
    if "transfer_data" in params:
        new = replace(new, transfer_data=params["transfer_data"] and {"amount": None, **params["transfer_data"]})
    if new.on_behalf_of is not None and params.get("on_behalf_of"):
        recipients.settles(world, new.on_behalf_of)
    if new.transfer_data is not None and "transfer_data" in params:
        recipients.receiver(world, new.transfer_data["destination"], param="transfer_data[destination]")
    if new.application_fee_amount and world.is_platform and new.transfer_data is None:
        raise invalid(ONLY_FOR_CONNECT, param="application_fee_amount")
    if new.application_fee_amount and new.transfer_data is not None and new.transfer_data["amount"] is not None:
        raise exclusive("transfer_data[amount]", "application_fee_amount")
    return new


def completion(sent: dict[str, Any] | None, known: dict[str, Any]) -> dict[str, Any]:
    """What happens when it was paid: a text, or another page. 400 for another page without its address."""
    if sent is None:
        return known or {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": None}}
    if sent["type"] == "redirect":
        if "redirect" not in sent:
            raise missing("after_completion[redirect]")
        return {"type": "redirect", "redirect": sent["redirect"]}
    says = {"custom_message": None, **sent.get("hosted_confirmation", {})}
    return {"type": "hosted_confirmation", "hosted_confirmation": says}


def shown_field(sent: dict[str, Any], path: str) -> dict[str, Any]:
    """A field of one's own in full. 400 for a choice without its options."""
    kind = sent["type"]
    if kind == "dropdown" and kind not in sent:
        raise missing(f"{path}[dropdown]")
    return {
        "key": sent["key"],
        "label": sent["label"],
        "optional": sent.get("optional", False),
        "type": kind,
        kind: {**OF_FIELDS[kind], **sent.get(kind, {})},
    }


def of_intents(known: dict[str, Any] | None, sent: dict[str, Any]) -> dict[str, Any]:
    """What payment intents of the link start with, in full."""
    before = known or {**dict.fromkeys(OF_INTENTS), "metadata": {}}
    plain = {name: value for name, value in sent.items() if name != "metadata"}
    return {**before, **plain, "metadata": merged_metadata(before["metadata"], sent)}


def update(world: World, params: dict[str, Any], id: str) -> PaymentLink:
    """Change a link; of what it sells only how many. 400 for a line that it has not; 501 as for a new one."""
    refuse(params)
    old = world.get(PaymentLink, id)
    new = said(world, old, params)
    lines = []
    for number, sent in enumerate(params.get("line_items", [])):
        item = world.find(LineItem, sent["id"])
        if item is None or item.payment_link != id:
            raise no_such(LineItem.noun, sent["id"], param=f"line_items[{number}][id]", status=400)
        path, more = f"line_items[{number}]", {}
        if "adjustable_quantity" in sent:
            more = {"adjustable_quantity": adjusted(sent["adjustable_quantity"], path)}
        lines.append(replace(item, quantity=sent.get("quantity", item.quantity), **more))
        refuse_quantity(lines[-1], path)

    for line in lines:
        world.put(line)
    world.put(new)
    world.emit("payment_link.updated", new, before=old)
    return new


def of_link(world: World, params: dict[str, Any], id: str) -> list[Condition]:
    """The lines of one link. 404 for one that is not there."""
    return [Condition("payment_link", "eq", world.get(PaymentLink, id).id)]


RECORDS = (PaymentLink, LineItem)
ROUTES = [
    POST("/v1/payment_links", create, CreateParams),
    GET("/v1/payment_links", lists(PaymentLink), LinkListParams),
    GET("/v1/payment_links/{payment_link}", retrieves(PaymentLink)),
    POST("/v1/payment_links/{payment_link}", update, UpdateParams),
    GET("/v1/payment_links/{payment_link}/line_items", lists(LineItem, narrow=of_link), ListParams),
]
