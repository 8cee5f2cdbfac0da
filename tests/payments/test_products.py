"""Products: made, changed, found, archived and deleted."""

from __future__ import annotations

import pytest

from tests.issuing.holders import a_connected_account, told

PRODUCTS, PRICES = "/v1/products", "/v1/prices"


def test_a_product_is_made_as_the_cli_makes_one(platform):
    platform.clock(set=2_000_000_000, frozen=True)

    product = platform.made(PRODUCTS, name="myproduct", description="(created by Stripe CLI)")

    assert product == {
        "id": product["id"],
        "object": "product",
        "active": True,
        "attributes": [],
        "created": 2_000_000_000,
        "default_price": None,
        "description": "(created by Stripe CLI)",
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": "myproduct",
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "tax_details": None,
        "type": "service",
        "unit_label": None,
        "updated": 2_000_000_000,
        "url": None,
    }
    assert platform.read(f"{PRODUCTS}/{product['id']}") == product
    assert platform.event_types() == ["product.created"]


def test_everything_that_can_be_said_of_a_product_is_kept(platform):
    said = {
        "active": False,
        "id": "gold-plan",
        "images": ["https://example.com/a.png"],
        "marketing_features": [{"name": "Fast"}],
        "metadata": {"a": "1"},
        "package_dimensions": {"height": 1.5, "length": 2.0, "weight": 0.25, "width": 3.0},
        "shippable": True,
        "statement_descriptor": "GOLD",
        "tax_code": "txcd_10000000",
        "type": "good",
        "unit_label": "seat",
        "url": "https://example.com/gold",
    }

    product = platform.made(PRODUCTS, name="Gold", tax_details={"tax_code": "txcd_10000000"}, **said)

    assert {name: product[name] for name in said} == said
    assert product["tax_details"] == {"performance_location": None, "tax_code": "txcd_10000000"}


def test_a_change_is_told_and_one_that_changes_nothing_is_not(platform):
    platform.clock(set=2_000_000_000, frozen=True)
    product = platform.made(PRODUCTS, name="Gold", description="Shiny", images=["https://example.com/a.png"])
    platform.clock(advance=60)
    path = f"{PRODUCTS}/{product['id']}"

    changed = platform.made(path, description=None, images=None, metadata={"foo": "bar"}, active=False)
    again = platform.made(path, active=False)

    assert (changed["description"], changed["images"], changed["metadata"]) == (None, [], {"foo": "bar"})
    assert (changed["updated"], again) == (2_000_000_060, changed)
    assert told(platform)[1:] == [
        (
            "product.updated",
            {
                "active": True,
                "description": "Shiny",
                "images": ["https://example.com/a.png"],
                "metadata": {"foo": None},
                "updated": 2_000_000_000,
            },
        )
    ]


def test_a_product_comes_with_its_default_price(platform):
    product = platform.made(
        PRODUCTS,
        name="Gold",
        default_price_data={"currency": "usd", "unit_amount": 10_00, "recurring": {"interval": "month"}},
        expand=["default_price"],
    )

    price = product["default_price"]
    assert (price["product"], price["unit_amount"], price["type"]) == (product["id"], 10_00, "recurring")
    assert platform.event_types() == ["product.created", "price.created"]
    assert platform.read(PRICES, product=product["id"])["data"] == [price]


def test_another_price_of_the_product_can_become_the_default(platform):
    product = platform.made(PRODUCTS, name="Gold")["id"]
    own = platform.made(PRICES, product=product, currency="usd", unit_amount=1)["id"]
    archived = platform.made(PRICES, product=product, currency="usd", unit_amount=1, active=False)["id"]
    other = platform.made(PRICES, product_data={"name": "Silver"}, currency="usd", unit_amount=1)["id"]
    path = f"{PRODUCTS}/{product}"

    refusals = [platform.post(path, default_price=one).error for one in (other, archived, "price_x")]

    assert [(one["param"], one["message"]) for one in refusals] == [
        ("default_price", f"The price {other} is not of the product {product}."),
        ("default_price", "The price specified is inactive. This field only accepts active prices."),
        ("default_price", "No such price: 'price_x'"),
    ]
    assert platform.made(path, default_price=own)["default_price"] == own


def test_only_a_product_without_prices_can_be_deleted(platform):
    product = platform.made(PRODUCTS, name="Gold")["id"]
    priced = platform.made(PRICES, product_data={"name": "Silver"}, currency="usd", unit_amount=1)["product"]

    gone = platform.delete(f"{PRODUCTS}/{product}").json
    refusal = platform.delete(f"{PRODUCTS}/{priced}")

    assert gone == {"id": product, "object": "product", "deleted": True}
    assert platform.get(f"{PRODUCTS}/{product}").status == 404
    assert refusal.status == 400
    assert refusal.error["message"] == (
        "This product cannot be deleted because it has one or more user-created prices."
    )
    assert [one["id"] for one in platform.read(PRODUCTS)["data"]] == [priced]
    assert platform.event_types()[-1] == "product.deleted"


def test_an_id_of_ones_own_names_one_product(platform):
    platform.made(PRODUCTS, name="Gold", id="gold")
    other = a_connected_account(platform)

    taken, elsewhere = platform.post(PRODUCTS, name="Gold", id="gold"), other.post(PRODUCTS, name="Gold", id="gold")
    platform.delete(f"{PRODUCTS}/gold")

    assert (taken.status, taken.error["code"], taken.error["param"]) == (400, "resource_already_exists", "id")
    assert (elsewhere.status, elsewhere.error["param"]) == (501, "id")
    assert other.made(PRODUCTS, name="Gold", id="gold")["id"] == "gold"
    assert platform.post(PRODUCTS, name="Gold", id="a gold plan").error["param"] == "id"


def test_a_price_shows_a_product_of_a_chosen_id(platform):
    platform.made(PRODUCTS, name="Gold", id="gold")
    price = platform.made(PRICES, product="gold", currency="usd", unit_amount=1)["id"]

    assert platform.read(f"{PRICES}/{price}", expand=["product"])["product"]["name"] == "Gold"
    listed = platform.read(PRICES, expand=["data.product.default_price"])["data"]
    assert [one["product"]["id"] for one in listed] == ["gold"]


def test_products_are_found_by_what_they_are(platform):
    plain = platform.made(PRODUCTS, name="A")["id"]
    good = platform.made(PRODUCTS, name="B", type="good", shippable=True, url="https://example.com")["id"]
    archived = platform.made(PRODUCTS, name="C", active=False)["id"]

    def ids(**filters):
        return [one["id"] for one in platform.read(PRODUCTS, **filters)["data"]]

    assert ids() == [archived, good, plain]
    assert ids(active=True) == [good, plain]
    assert ids(active=False) == [archived]
    assert ids(shippable=True) == ids(type="good") == ids(url="https://example.com") == [good]
    assert ids(ids=[plain, archived, "prod_x"]) == [archived, plain]
    assert platform.get(PRODUCTS, ids=[plain], starting_after=good).error["param"] == "ids"


@pytest.mark.parametrize(
    "sent, param",
    [
        (
            {"package_dimensions": {"height": 1, "length": 1, "weight": 1, "width": "0.001"}},
            "package_dimensions[width]",
        ),
        ({"package_dimensions": {"height": 0, "length": 1, "weight": 1, "width": 1}}, "package_dimensions[height]"),
        (
            {"package_dimensions": {"height": "tall", "length": 1, "weight": 1, "width": 1}},
            "package_dimensions[height]",
        ),
        ({"package_dimensions": {"height": "nan", "length": 1, "weight": 1, "width": 1}}, "package_dimensions[height]"),
        ({"statement_descriptor": "<GOLD>"}, "statement_descriptor"),
        ({"statement_descriptor": "1234"}, "statement_descriptor"),
        ({"tax_code": "books"}, "tax_code"),
        ({"default_price_data": {"currency": "usd"}}, "default_price_data[unit_amount]"),
        (
            {"default_price_data": {"currency": "usd", "unit_amount": 1, "unit_amount_decimal": "1"}},
            "default_price_data[unit_amount_decimal]",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(platform, sent, param):
    refusal = platform.post(PRODUCTS, name="Gold", **sent)

    assert (refusal.status, refusal.error["param"]) == (400, param)
    assert platform.read(PRODUCTS)["data"] == platform.read(PRICES)["data"] == []


def test_searching_products_is_not_built(platform):
    refusal = platform.get(f"{PRODUCTS}/search", query="active:'true'")

    assert refusal.status == 501


def test_products_belong_to_the_account_that_sells_them(platform):
    other = a_connected_account(platform)
    product = other.made(PRODUCTS, name="Bread")["id"]

    assert platform.get(f"{PRODUCTS}/{product}").status == 404
    assert platform.read(PRODUCTS)["data"] == []
