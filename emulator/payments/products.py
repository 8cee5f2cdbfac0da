"""Products: what an account sells. Each may have a default price, which can be made together with it.

Deleting is for products without prices; others are archived with `active`.
Source: https://docs.stripe.com/api/products
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Boolean,
    Enum,
    Hash,
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
from emulator.kernel.routes import DELETE, GET, POST, retrieves
from emulator.kernel.world import World
from emulator.payments import price
from emulator.payments.price import DefaultPriceParams, Price
from emulator.payments.product import (
    MOST_FEATURES,
    MOST_IMAGES,
    TYPES,
    DimensionsParams,
    FeatureParams,
    NewParams,
    Product,
    StatementDescriptor,
    TaxCode,
    TaxDetailsParams,
    details_of,
    id_of,
)

PLAIN = (
    "active",
    "default_price",
    "description",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "type",
    "unit_label",
    "url",
)
LISTS = ("images", "marketing_features")


# What may be sent


class CreateParams(NewParams):
    """A new product, with its default price where that is to be made too."""

    default_price_data = Hash(DefaultPriceParams)


class UpdateParams(Params):
    """What may change."""

    active = Boolean()
    default_price = String()
    description = String(max_length=40_000, unset=True)
    images = List(String(), most=MOST_IMAGES, unset=True)
    marketing_features = List(Hash(FeatureParams), most=MOST_FEATURES, unset=True)
    metadata = Metadata()
    name = String()
    package_dimensions = Hash(DimensionsParams, unset=True)
    shippable = Boolean()
    statement_descriptor = StatementDescriptor()
    tax_code = TaxCode(unset=True)
    tax_details = Hash(TaxDetailsParams, unset=True)
    unit_label = String(unset=True)
    url = String(unset=True)


class ProductListParams(ListParams):
    """Filters of the list."""

    active = Boolean()
    created = Range()
    ids = List(String())
    shippable = Boolean()
    type = Enum(TYPES)
    url = String()


# What happens


def create(world: World, params: dict[str, Any]) -> Product:
    """Make a product. 400 for an id that is taken, and for a default price that cannot be."""
    start = Product(id_of(world, params.get("id")), world.now, params["name"], updated=world.now)
    sent = params.get("default_price_data")
    made = None
    if sent is not None:
        metadata = merged_metadata({}, sent)
        made = price.of_product(world, start.id, sent, path="default_price_data", metadata=metadata)
        start = replace(start, default_price=made.id)
    product = world.put(said(start, params))
    if made is not None:
        world.put(made)
    world.emit("product.created", product)
    if made is not None:
        world.emit("price.created", made)
    return product


def said(product: Product, params: dict[str, Any]) -> Product:
    """The same product after what was sent about it."""
    details = {"tax_details": details_of(params["tax_details"])} if "tax_details" in params else {}
    return replace(
        product,
        **{name: params[name] for name in PLAIN if name in params},
        **{name: params[name] or [] for name in LISTS if name in params},
        **details,
        metadata=merged_metadata(product.metadata, params),
    )


def update(world: World, params: dict[str, Any], id: str) -> Product:
    """Change a product. 400 for a default price that is not the product's, or archived."""
    old = world.get(Product, id)
    if "default_price" in params:
        chosen = world.get(Price, params["default_price"], param="default_price")
        if chosen.product != id:
            raise invalid(f"The price {chosen.id} is not of the product {id}.", param="default_price")
        if not chosen.active:
            raise invalid(
                "The price specified is inactive. This field only accepts active prices.", param="default_price"
            )
    new = said(old, params)
    if new == old:
        return old
    new = world.put(replace(new, updated=world.now))
    world.emit("product.updated", new, before=old)
    return new


def delete(world: World, params: dict[str, Any], id: str) -> Deleted:
    """Delete a product. 400 while it has prices."""
    product = world.get(Product, id)
    if world.count(Price, product=id):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.")
    world.forget(product)
    world.emit("product.deleted", product)
    return Deleted(product)


def narrow(world: World, params: dict[str, Any]) -> Sequence[Condition]:
    """`ids` names products, and goes with no cursor: 400."""
    ids = params.pop("ids", None)
    if ids is None:
        return []
    if "starting_after" in params or "ending_before" in params:
        raise invalid("You cannot use `ids` together with `starting_after` or `ending_before`.", param="ids")
    return [Condition("id", "in", ids)]


RECORDS = (Product,)
ROUTES = [
    POST("/v1/products", create, CreateParams),
    GET("/v1/products", lists(Product, narrow=narrow), ProductListParams),
    GET("/v1/products/{id}", retrieves(Product)),
    POST("/v1/products/{id}", update, UpdateParams),
    DELETE("/v1/products/{id}", delete),
]
