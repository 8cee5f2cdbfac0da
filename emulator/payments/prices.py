"""Prices: made for a product, found by it or by a lookup key, archived with `active`. Amounts never change.

A lookup key is of one price at a time, and can be taken over by another.
Source: https://docs.stripe.com/api/prices
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.connect.shapes import group
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import exclusive, invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Boolean,
    ByCurrency,
    Currency,
    Decimal,
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
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.payments import price
from emulator.payments.price import (
    BEHAVIORS,
    FREE,
    INTERVALS,
    USAGE_TYPES,
    CustomAmountParams,
    OptionParams,
    Price,
    TierParams,
)
from emulator.payments.product import InlineParams, Product, details_of, id_of

LONGEST_LOOKUP_KEY = 200


# What may be sent


class RecurringParams(Params):
    """How it recurs."""

    interval = Enum(INTERVALS, required=True)
    interval_count = Integer(minimum=1)
    meter = String()
    trial_period_days = Integer(minimum=0)
    usage_type = Enum(USAGE_TYPES)


class CreateParams(Params):
    """A new price, for a product that is there or one that is made with it."""

    active = Boolean()
    billing_scheme = Enum(("per_unit", "tiered"))
    currency = Currency(required=True)
    currency_options = ByCurrency(Hash(OptionParams))
    custom_unit_amount = Hash(CustomAmountParams)
    lookup_key = String(max_length=LONGEST_LOOKUP_KEY)
    metadata = Metadata()
    nickname = String()
    product = String()
    product_data = Hash(InlineParams)
    recurring = Hash(RecurringParams)
    tax_behavior = Enum(BEHAVIORS)
    tiers = List(Hash(TierParams))
    tiers_mode = Enum(("graduated", "volume"))
    transfer_lookup_key = Boolean()
    transform_quantity = group(divide_by=Integer(required=True, minimum=1), round=Enum(("down", "up"), required=True))
    unit_amount = Amount(**FREE)
    unit_amount_decimal = Decimal(whole_digits=8)


class UpdateParams(Params):
    """What may change."""

    active = Boolean()
    currency_options = ByCurrency(Hash(OptionParams, unset=True), unset=True)
    lookup_key = String(max_length=LONGEST_LOOKUP_KEY)
    metadata = Metadata()
    nickname = String()
    tax_behavior = Enum(BEHAVIORS)
    transfer_lookup_key = Boolean()


class PriceListParams(ListParams):
    """Filters of the list."""

    active = Boolean()
    created = Range()
    currency = Currency()
    lookup_keys = List(String(), most=10)
    product = String()
    recurring = group(interval=Enum(INTERVALS), meter=String(), usage_type=Enum(USAGE_TYPES))
    type = Enum(("one_time", "recurring"))


# What happens


def create(world: World, params: dict[str, Any]) -> Price:
    """Make a price, and its product where that is described instead of named.

    400 for neither or both, for a product that is not there, for amounts that do not go together, and for a lookup key
    that another price has and that is not to be transferred.
    """
    if "product" in params and "product_data" in params:
        raise exclusive("product", "product_data")
    if "product" not in params and "product_data" not in params:
        raise invalid("You must specify either `product` or `product_data` when creating a price.", param="product")
    tiered = params.get("billing_scheme") == "tiered"
    if tiered != ("tiers_mode" in params):
        raise invalid("`tiers_mode` goes with the billing_scheme `tiered`, and has to.", param="tiers_mode")
    if tiered and "transform_quantity" in params:
        raise exclusive("tiers", "transform_quantity")
    product = world.get(Product, params["product"], param="product") if "product" in params else None
    new = None if product is not None else described(world, params["product_data"])
    holder = key_holder(world, params)
    made = price.of_product(
        world,
        (product or new).id,  # type: ignore[union-attr]  # one of them is there
        params,
        active=params.get("active", True),
        lookup_key=params.get("lookup_key"),
        metadata=merged_metadata({}, params),
        nickname=params.get("nickname"),
        tiers_mode=params.get("tiers_mode"),
        transform_quantity=params.get("transform_quantity"),
    )

    if new is not None:
        world.put(new)
        world.emit("product.created", new)
    give_up_key(world, holder)
    world.put(made)
    world.emit("price.created", made)
    return made


def described(world: World, sent: dict[str, Any]) -> Product:
    """The product that is made with its price."""
    id = id_of(world, sent.get("id"))
    plain = ("active", "name", "statement_descriptor", "tax_code", "unit_label")
    return Product(
        id=id,
        created=world.now,
        updated=world.now,
        metadata=merged_metadata({}, sent),
        tax_details=details_of(sent.get("tax_details")),
        **{name: sent[name] for name in plain if name in sent},
    )


def key_holder(world: World, params: dict[str, Any], but: str | None = None) -> Price | None:
    """Another price that has the lookup key that was sent. 400 unless it is to be transferred."""
    key = params.get("lookup_key")
    holder = next(iter(world.all(Price, lookup_key=key)), None) if key is not None else None
    if holder is None or holder.id == but:
        return None
    if not params.get("transfer_lookup_key"):
        raise invalid(f"A price (`{holder.id}`) already uses that lookup key.", param="lookup_key")
    return holder


def give_up_key(world: World, holder: Price | None) -> None:
    """A price hands its lookup key over."""
    if holder is not None:
        changed(world, holder, replace(holder, lookup_key=None))


def changed(world: World, before: Price, after: Price) -> Price:
    """A price that is not as it was, told."""
    world.put(after)
    world.emit("price.updated", after, before=before)
    return after


def update(world: World, params: dict[str, Any], id: str) -> Price:
    """Change what is not an amount of the price's own currency.

    400 for archiving the default price of its product, for a tax behavior that was decided before, and for a lookup key
    that another price has and that is not to be transferred.
    """
    old = world.get(Price, id)
    if params.get("active") is False and old.active and world.get(Product, old.product).default_price == id:
        raise invalid("This price cannot be archived because it is the default price of its product.", param="active")
    behavior = params.get("tax_behavior", old.tax_behavior)
    if behavior != old.tax_behavior and old.tax_behavior != "unspecified":
        raise invalid(f"The tax_behavior of this price is {old.tax_behavior} for good.", param="tax_behavior")
    others = options_after(old, params)
    holder = key_holder(world, params, but=id)

    give_up_key(world, holder)
    new = replace(
        old,
        **{name: params[name] for name in ("active", "lookup_key", "nickname") if name in params},
        currency_options=others,
        metadata=merged_metadata(old.metadata, params),
        tax_behavior=behavior,
    )
    return changed(world, old, new)


def options_after(old: Price, params: dict[str, Any]) -> dict[str, Any]:
    """The other currencies after an update: those sent are set, those emptied gone. 400 for the price's own."""
    if "currency_options" not in params:
        return old.currency_options
    sent = params["currency_options"]
    if sent is None:
        return {}
    stated = {currency: option for currency, option in sent.items() if option is not None}
    tiered = old.billing_scheme == "tiered"
    new = price.options(stated, old.currency, tiered=tiered, path="currency_options")
    kept = {currency: option for currency, option in old.currency_options.items() if currency not in sent}
    return {**kept, **new}


def narrow(world: World, params: dict[str, Any]) -> Sequence[Condition]:
    """Active prices unless it is said which, found by their lookup keys and how they recur; none that are inline."""
    params.setdefault("active", True)
    found = [Condition("is_inline", "eq", False)]
    if "lookup_keys" in params:
        found.append(Condition("lookup_key", "in", params.pop("lookup_keys")))
    recurring = params.pop("recurring", {})
    if "meter" in recurring:  # which no price here has
        found.append(Condition("id", "in", []))
    found += [Condition(name, "eq", recurring[name]) for name in ("interval", "usage_type") if name in recurring]
    return found


RECORDS = (Price,)
ROUTES = [
    POST("/v1/prices", create, CreateParams),
    GET("/v1/prices", lists(Price, narrow=narrow), PriceListParams),
    GET("/v1/prices/{price}", retrieves(Price)),
    POST("/v1/prices/{price}", update, UpdateParams),
]
