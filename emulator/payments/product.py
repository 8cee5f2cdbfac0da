"""A product as it is kept and shown: something that is sold, at one or more prices.

Source: https://docs.stripe.com/api/products/object
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.connect.shapes import group_of
from emulator.kernel.errors import ApiError, invalid, unbuilt
from emulator.kernel.params import Boolean, Enum, Hash, List, Metadata, Param, Params, String, complain, shown
from emulator.kernel.records import record
from emulator.kernel.render import shown as members_of
from emulator.kernel.world import World

TYPES = ("good", "service")
MOST_IMAGES, MOST_FEATURES = 8, 15
# Of a statement descriptor: what it cannot contain.
NOT_ON_STATEMENTS = "<>\\\"'"


@record(
    "product",
    prefix="prod",
    noun="product",
    path_param="id",
    filters=("active", "shippable", "type", "url"),
    expands=("default_price",),
)
class Product:
    """Something that is sold. Its id may be one of the platform's own choosing."""

    id: str
    created: int
    name: str
    updated: int
    active: bool = True
    attributes: list[str] = field(default_factory=list)
    default_price: str | None = None
    description: str | None = None
    images: list[str] = field(default_factory=list)
    marketing_features: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    package_dimensions: dict[str, float] | None = None
    shippable: bool | None = None
    statement_descriptor: str | None = None
    tax_code: str | None = None
    tax_details: dict[str, Any] | None = None
    type: str = "service"
    unit_label: str | None = None
    url: str | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API."""
        return members_of(self)


# What may be said of one


class Measure(Param):
    """A length in inches or a weight in ounces, with at most two decimal places."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        try:
            measure = float(value)
        except (TypeError, ValueError):
            raise complain(f"Invalid number: {shown(value)}") from None
        if not 0 < measure < 1_000_000 or round(measure, 2) != measure:
            raise complain("This value must be greater than 0 and have at most 2 decimal places.")
        return measure


class StatementDescriptor(String):
    """What stands on a statement of a card: at most 22 characters, one of them a letter."""

    def __init__(self) -> None:
        super().__init__(max_length=22)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        wrong = next((mark for mark in NOT_ON_STATEMENTS if mark in text), None)
        if wrong is not None:
            raise complain(f"The statement descriptor cannot contain {wrong}")
        if not any(letter.isalpha() for letter in text):
            raise complain("The statement descriptor must contain at least one letter.")
        return text


class TaxCode(String):
    """A tax code of Stripe's: the word `txcd_` and eight digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(pattern="txcd_[0-9]{8}", says="Invalid tax code: it must look like txcd_99999999.", **kwargs)


class DimensionsParams(Params):
    """How large and how heavy a parcel is."""

    height = Measure(required=True)
    length = Measure(required=True)
    weight = Measure(required=True)
    width = Measure(required=True)


class FeatureParams(Params):
    """A line of a pricing table."""

    name = String(required=True, max_length=80)


class TaxDetailsParams(Params):
    """How a product is taxed. Kept; nothing here computes a tax."""

    performance_location = String()
    tax_code = TaxCode(unset=True)


# Letters, digits, hyphens and underscores: of an id that is chosen.
CHOSEN_ID = {"pattern": "[A-Za-z0-9_-]{1,255}", "says": "A product's id has letters, digits, - and _ only."}

InlineParams = group_of(
    active=Boolean(),
    id=String(**CHOSEN_ID),
    metadata=Metadata(),
    name=String(required=True),
    statement_descriptor=StatementDescriptor(),
    tax_code=TaxCode(),
    tax_details=Hash(TaxDetailsParams),
    unit_label=String(),
)


class NewParams(Params):
    """A new product, prices aside."""

    active = Boolean()
    description = String(max_length=40_000)
    id = String(**CHOSEN_ID)
    images = List(String(), most=MOST_IMAGES)
    marketing_features = List(Hash(FeatureParams), most=MOST_FEATURES)
    metadata = Metadata()
    name = String(required=True)
    package_dimensions = Hash(DimensionsParams)
    shippable = Boolean()
    statement_descriptor = StatementDescriptor()
    tax_code = TaxCode()
    tax_details = Hash(TaxDetailsParams)
    type = Enum(TYPES)
    unit_label = String()
    url = String()


# What happens


def id_of(world: World, chosen: str | None) -> str:
    """The id of a new product. 400 for one that the account has a product of; 501 where another account of the world
    has one of it, since an id names one object here."""
    if chosen is None:
        return world.new_id(Product.prefix)
    found = world.anywhere(Product, chosen)
    if found is None:
        return chosen
    if found[0] == world.account:
        raise already_exists()
    raise unbuilt(
        f"Another account of this world has a product {chosen}; this emulator keeps one product of an id in a world. "
        "Choose another id, or none.",
        param="id",
    )


def already_exists() -> ApiError:
    """400 for an id that is taken."""
    return invalid("Product already exists.", code="resource_already_exists", param="id")


def details_of(sent: dict[str, Any] | None) -> dict[str, Any] | None:
    """The tax details in full, whatever of them was sent."""
    return None if sent is None else {"performance_location": None, "tax_code": None, **sent}
