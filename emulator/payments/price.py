"""A price as it is kept and shown: what a product costs, once or again and again.

Amounts are minor units of their currency, and a decimal text where a unit costs a fraction of one. What is recurring is
kept and shown; there are no subscriptions here that would bill by it.
Source: https://docs.stripe.com/api/prices/object
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal as Exact
from typing import Any

from emulator.connect.shapes import group, group_of
from emulator.kernel.errors import ApiError, exclusive, invalid, missing
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
    Metadata,
    Params,
)
from emulator.kernel.records import record
from emulator.kernel.render import Include, shown
from emulator.kernel.world import World
from emulator.payments import not_built
from emulator.payments.product import Product

INTERVALS = ("day", "month", "week", "year")
LONGEST_INTERVALS = {"day": 1095, "month": 36, "week": 156, "year": 3}  # three years
BEHAVIORS = ("exclusive", "inclusive", "unspecified")
USAGE_TYPES = ("licensed", "metered")
FREE = {"minimum": 0, "maximum": 99_999_999}


def fill_product(world: World, price: Price, rendered: dict[str, Any]) -> None:
    """The product whole: its id may be one that was chosen, which says nothing of what it is of."""
    product = world.find(Product, price.product)
    if product is not None:
        rendered["product"] = world.render(product)


def fill_tiers(world: World, price: Price, rendered: dict[str, Any]) -> None:
    """The tiers of a price that has some."""
    if price.tiers is not None:
        rendered["tiers"] = price.tiers


def fill_options(world: World, price: Price, rendered: dict[str, Any]) -> None:
    """What it costs in each currency, its own included."""
    own = {
        "custom_unit_amount": price.custom_unit_amount,
        "tax_behavior": price.tax_behavior,
        "unit_amount": price.unit_amount,
        "unit_amount_decimal": price.unit_amount_decimal,
    }
    if price.tiers is not None:
        own["tiers"] = price.tiers
    rendered["currency_options"] = {price.currency: own, **price.currency_options}


@record(
    "price",
    prefix="price",
    noun="price",
    filters=(
        "active",
        "currency",
        "interval",
        "is_inline",
        "lookup_key",
        "product",
        "type",
        "usage_type",
    ),
    unindexed=("active", "currency", "interval", "is_inline", "type", "usage_type"),
    hidden=("currency_options", "is_inline", "tiers"),
    includes={
        "currency_options": Include(fill_options),
        "product": Include(fill_product),
        "tiers": Include(fill_tiers),
    },
)
class Price:
    """What a product costs. `unit_amount` in minor units; None where a unit costs a fraction, or nobody has said yet.

    An inline one was made with what it is a price for, and no list shows it.
    """

    id: str
    created: int
    currency: str
    product: str
    active: bool = True
    billing_scheme: str = "per_unit"
    currency_options: dict[str, Any] = field(default_factory=dict)
    custom_unit_amount: dict[str, int | None] | None = None
    is_inline: bool = False
    lookup_key: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    nickname: str | None = None
    recurring: dict[str, Any] | None = None
    tax_behavior: str = "unspecified"
    tiers: list[dict[str, Any]] | None = None
    tiers_mode: str | None = None
    transform_quantity: dict[str, Any] | None = None
    unit_amount: int | None = None
    unit_amount_decimal: str | None = None

    @property
    def type(self) -> str:
        """`recurring` or `one_time`."""
        return "one_time" if self.recurring is None else "recurring"

    @property
    def interval(self) -> str | None:
        """How often it recurs."""
        return None if self.recurring is None else self.recurring["interval"]

    @property
    def usage_type(self) -> str | None:
        """How the quantity of a recurring one is found."""
        return None if self.recurring is None else self.recurring["usage_type"]

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API."""
        return shown(self, type=self.type)


# What may be said of amounts


class UpTo(Integer, Enum):
    """The last unit of a tier; `inf` for a tier without end, which loads as 0."""

    def __init__(self) -> None:
        super().__init__(minimum=1, values=("inf",), required=True)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        return 0 if value == "inf" else super()._deserialize(value, attr, data, **kwargs)


CustomAmountParams = group_of(
    enabled=Boolean(required=True), maximum=Amount(), minimum=Amount(), preset=Amount(minimum=0)
)
TierParams = group_of(
    flat_amount=Amount(**FREE),
    flat_amount_decimal=Decimal(whole_digits=8),
    unit_amount=Amount(**FREE),
    unit_amount_decimal=Decimal(whole_digits=8),
    up_to=UpTo(),
)


class OptionParams(Params):
    """What it costs in another currency."""

    custom_unit_amount = Hash(CustomAmountParams)
    tax_behavior = Enum(BEHAVIORS)
    tiers = List(Hash(TierParams))
    unit_amount = Amount(**FREE)
    unit_amount_decimal = Decimal(whole_digits=8)


class DefaultPriceParams(Params):
    """The price that a new product has from its beginning."""

    currency = Currency(required=True)
    currency_options = ByCurrency(Hash(OptionParams))
    custom_unit_amount = Hash(CustomAmountParams)
    metadata = Metadata()
    recurring = group(interval=Enum(INTERVALS, required=True), interval_count=Integer(minimum=1))
    tax_behavior = Enum(BEHAVIORS)
    unit_amount = Amount(**FREE)
    unit_amount_decimal = Decimal(whole_digits=8)


# What follows from what was said


def inactive(param: str) -> ApiError:
    """400 for a price that is archived, where something is to be sold at it."""
    return invalid("The price specified is inactive. This field only accepts active prices.", param=param)


def amounts(sent: dict[str, Any], *, tiered: bool, path: str = "") -> dict[str, Any]:
    """What a price or one of its other currencies costs, as records keep it. 400 for what does not go together.

    `path` is where it was sent, for refusals.
    """
    at = (lambda name: f"{path}[{name}]") if path else (lambda name: name)
    given = [
        name
        for name in ("unit_amount", "unit_amount_decimal", "custom_unit_amount", "tiers")
        if sent.get(name) is not None
    ]
    if len(given) > 1:
        raise exclusive(*(at(name) for name in given))
    if tiered:
        if given != ["tiers"]:
            raise missing(at("tiers"))
        return {"tiers": tiers(sent["tiers"], at("tiers"))}
    if given == ["tiers"]:
        raise invalid("Tiers need the billing_scheme `tiered`.", param=at("tiers"))
    if not given:
        raise invalid(
            "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.", param=at("unit_amount")
        )
    if given == ["custom_unit_amount"]:
        return {"custom_unit_amount": chosen_by_customers(sent["custom_unit_amount"], at("custom_unit_amount"))}
    return dict(zip(("unit_amount", "unit_amount_decimal"), both(sent, "unit_amount", at), strict=True))


def both(sent: dict[str, Any], name: str, at: Any) -> tuple[int | None, str | None]:
    """An amount as the whole number it may be, and as a decimal text. 400 for a negative one."""
    exact = Exact(sent[f"{name}_decimal"] if f"{name}_decimal" in sent else sent[name])
    if exact < 0:
        raise invalid("This value must be greater than or equal to 0.", param=at(f"{name}_decimal"))
    text = f"{exact:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return (int(exact) if exact == int(exact) else None), text


def chosen_by_customers(sent: dict[str, Any], path: str) -> dict[str, int | None]:
    """Between which amounts a customer may choose. 400 unless it is switched on, and for bounds out of order."""
    if not sent["enabled"]:
        raise invalid("Leave `custom_unit_amount` out where customers do not choose.", param=f"{path}[enabled]")
    low, preset, high = sent.get("minimum"), sent.get("preset"), sent.get("maximum")
    there = [amount for amount in (low, preset, high) if amount is not None]
    if there != sorted(there):
        raise invalid("The preset amount must be between `minimum` and `maximum`.", param=path)
    return {"maximum": high, "minimum": low, "preset": preset}


def tiers(sent: list[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    """Tiers as they are shown. 400 for ends that do not rise, a last one that ends, and one without a price."""
    found, before = [], 0
    for number, tier in enumerate(sent):
        is_last = number == len(sent) - 1
        where = f"{path}[{number}]"
        end = tier["up_to"]
        if is_last != (end == 0):
            says = "The last tier must have `inf` as its `up_to`, and no other tier can."
            raise invalid(says, param=f"{where}[up_to]")
        if not is_last and end <= before:
            raise invalid("Each tier must end behind the one before it.", param=f"{where}[up_to]")
        before = end
        shown_tier: dict[str, Any] = {"up_to": end or None}
        for name in ("flat_amount", "unit_amount"):
            at = lambda member, where=where: f"{where}[{member}]"  # noqa: E731
            if name in tier and f"{name}_decimal" in tier:
                raise exclusive(at(name), at(f"{name}_decimal"))
            is_said = name in tier or f"{name}_decimal" in tier
            shown_tier[name], shown_tier[f"{name}_decimal"] = both(tier, name, at) if is_said else (None, None)
        if shown_tier["flat_amount_decimal"] is None and shown_tier["unit_amount_decimal"] is None:
            raise invalid("Each tier needs a `unit_amount` or a `flat_amount`.", param=where)
        found.append(shown_tier)
    return found


def options(sent: dict[str, Any], currency: str, *, tiered: bool, path: str) -> dict[str, Any]:
    """What it costs in other currencies, as it is shown. 400 for the currency of the price itself."""
    if currency in sent:
        raise invalid(
            "You are specifying a currency option that matches the top-level currency for this price. Please remove "
            "this currency option and it will be added automatically on creation.",
            param=path,
        )
    nothing = {"custom_unit_amount": None, "unit_amount": None, "unit_amount_decimal": None}
    return {
        name: {
            **nothing,
            "tax_behavior": option.get("tax_behavior", "unspecified"),
            **amounts(option, tiered=tiered, path=f"{path}[{name}]"),
        }
        for name, option in sent.items()
    }


def recurring(world: World, sent: dict[str, Any] | None, path: str) -> dict[str, Any] | None:
    """How a price recurs, in full. 400 for more than three years, and for metered usage without a meter in newer
    versions; 501 for meters, which belong to billing."""
    if sent is None:
        return None
    if "meter" in sent:
        raise not_built.not_built("billing meters", param=f"{path}[meter]")
    interval, count = sent["interval"], sent.get("interval_count", 1)
    if count > LONGEST_INTERVALS[interval]:
        raise invalid(
            f"The interval of a price can be three years at most, which is {LONGEST_INTERVALS[interval]} {interval}s.",
            param=f"{path}[interval_count]",
        )
    if sent.get("usage_type") == "metered" and not world.predates("B8"):
        raise invalid("A price of usage_type `metered` needs a meter.", param=f"{path}[meter]")
    return {"meter": None, "trial_period_days": None, "usage_type": "licensed", **sent, "interval_count": count}


def of_product(world: World, product: str, sent: dict[str, Any], *, path: str = "", **own: Any) -> Price:
    """A new price of a product, not stored yet: what every way of making one has in common."""
    at = f"{path}[{{}}]".format if path else str
    tiered = sent.get("billing_scheme") == "tiered"
    return Price(
        id=world.new_id(Price.prefix),
        created=world.now,
        currency=sent["currency"],
        product=product,
        billing_scheme="tiered" if tiered else "per_unit",
        currency_options=options(
            sent.get("currency_options", {}), sent["currency"], tiered=tiered, path=at("currency_options")
        ),
        recurring=recurring(world, sent.get("recurring"), at("recurring")),
        tax_behavior=sent.get("tax_behavior", "unspecified"),
        **amounts(sent, tiered=tiered, path=path),
        **own,
    )
