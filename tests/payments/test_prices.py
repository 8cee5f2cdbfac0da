"""Prices: what they may cost, how they are found, and what may change of them."""

from __future__ import annotations

import pytest

from tests.issuing.holders import told

PRODUCTS, PRICES = "/v1/products", "/v1/prices"
DEAR = {"currency": "usd", "unit_amount": 15_00}


def priced(platform, **params):
    """A price of a product that is made with it."""
    return platform.made(PRICES, **{"product_data": {"name": "Gold"}, "currency": "usd", **params})


def test_a_price_is_made_with_its_product_as_the_sample_does(platform):
    platform.clock(set=2_000_000_000, frozen=True)
    assert platform.read(PRICES, limit=1, active=True, type="one_time")["data"] == []

    price = platform.made(PRICES, unit_amount=10_00, currency="usd", product_data={"name": "Some Product"})

    assert price == {
        "id": price["id"],
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": 2_000_000_000,
        "currency": "usd",
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": price["product"],
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": 10_00,
        "unit_amount_decimal": "1000",
    }
    assert platform.read(PRICES, limit=1, active=True, type="one_time")["data"] == [price]
    assert platform.read(f"{PRODUCTS}/{price['product']}")["name"] == "Some Product"
    assert platform.event_types() == ["product.created", "price.created"]


@pytest.mark.parametrize(
    "sent, whole, text",
    [
        ({"unit_amount": 0}, 0, "0"),
        ({"unit_amount": 1500}, 1500, "1500"),
        ({"unit_amount_decimal": "1500.00"}, 1500, "1500"),
        ({"unit_amount_decimal": "0.250"}, None, "0.25"),
        ({"unit_amount_decimal": "0.000000000001"}, None, "0.000000000001"),
        ({"unit_amount_decimal": "100"}, 100, "100"),
    ],
)
def test_a_fraction_of_a_cent_is_a_decimal_alone(platform, sent, whole, text):
    price = priced(platform, **sent)

    assert (price["unit_amount"], price["unit_amount_decimal"]) == (whole, text)


def test_what_recurs_is_kept(platform):
    monthly = priced(platform, unit_amount=1, recurring={"interval": "month"})
    trial = priced(platform, unit_amount=1, recurring={"interval": "year", "interval_count": 3, "trial_period_days": 7})

    usual = {"meter": None, "trial_period_days": None, "usage_type": "licensed"}
    assert monthly["recurring"] == {**usual, "interval": "month", "interval_count": 1}
    assert trial["recurring"] == {**usual, "interval": "year", "interval_count": 3, "trial_period_days": 7}
    assert monthly["type"] == trial["type"] == "recurring"


def test_tiers_are_shown_when_asked_for(platform):
    tiers = [{"up_to": 10, "unit_amount": 5_00}, {"up_to": "inf", "flat_amount": 1_00, "unit_amount_decimal": "2.5"}]

    price = priced(platform, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers)

    assert (price["unit_amount"], price["tiers_mode"], "tiers" in price) == (None, "graduated", False)
    none = dict.fromkeys(("flat_amount", "flat_amount_decimal", "unit_amount", "unit_amount_decimal"))
    assert platform.read(f"{PRICES}/{price['id']}", expand=["tiers"])["tiers"] == [
        {**none, "up_to": 10, "unit_amount": 5_00, "unit_amount_decimal": "500"},
        {**none, "up_to": None, "flat_amount": 1_00, "flat_amount_decimal": "100", "unit_amount_decimal": "2.5"},
    ]


def test_other_currencies_are_shown_when_asked_for_beside_its_own(platform):
    price = priced(platform, unit_amount=10_00, currency_options={"EUR": {"unit_amount": 9_00}})
    path = f"{PRICES}/{price['id']}"

    def options():
        return platform.read(path, expand=["currency_options"])["currency_options"]

    def plain(amount):
        text = str(amount)
        behavior = {"custom_unit_amount": None, "tax_behavior": "unspecified"}
        return {**behavior, "unit_amount": amount, "unit_amount_decimal": text}

    assert "currency_options" not in price
    assert options() == {"eur": plain(9_00), "usd": plain(10_00)}
    platform.made(path, currency_options={"gbp": {"unit_amount": 8_00}, "eur": None})
    assert options() == {"gbp": plain(8_00), "usd": plain(10_00)}
    platform.made(path, currency_options=None)
    assert options() == {"usd": plain(10_00)}


def test_customers_may_choose_the_amount(platform):
    price = priced(platform, custom_unit_amount={"enabled": True, "minimum": 1_00, "preset": 5_00})

    assert price["custom_unit_amount"] == {"maximum": None, "minimum": 1_00, "preset": 5_00}
    assert (price["unit_amount"], price["unit_amount_decimal"]) == (None, None)


def test_a_lookup_key_is_of_one_price_until_another_takes_it_over(platform):
    first = priced(platform, unit_amount=1, lookup_key="gold")["id"]
    second = priced(platform, unit_amount=2)["id"]

    refusals = [
        platform.post(PRICES, product_data={"name": "Gold"}, **DEAR, lookup_key="gold"),
        platform.post(f"{PRICES}/{second}", lookup_key="gold"),
    ]
    taken = platform.made(f"{PRICES}/{second}", lookup_key="gold", transfer_lookup_key=True)

    for refusal in refusals:
        assert (refusal.status, refusal.error["param"]) == (400, "lookup_key")
        assert refusal.error["message"] == f"A price (`{first}`) already uses that lookup key."
    assert taken["lookup_key"] == "gold"
    assert platform.read(f"{PRICES}/{first}")["lookup_key"] is None
    assert [one["id"] for one in platform.read(PRICES, lookup_keys=["gold", "silver"])["data"]] == [second]
    assert told(platform)[-2:] == [("price.updated", {"lookup_key": "gold"}), ("price.updated", {"lookup_key": None})]
    assert platform.made(f"{PRICES}/{second}", lookup_key="gold")["lookup_key"] == "gold"


def test_prices_are_found_by_what_they_are_and_archived_ones_only_when_asked_for(platform):
    once = priced(platform, unit_amount=1)
    monthly = priced(platform, unit_amount=1, recurring={"interval": "month"})
    euros = priced(platform, unit_amount=1, currency="eur")
    archived = priced(platform, unit_amount=1, active=False)

    def ids(**filters):
        return [one["id"] for one in platform.read(PRICES, **filters)["data"]]

    assert ids() == ids(active=True) == [euros["id"], monthly["id"], once["id"]]
    assert ids(active=False) == [archived["id"]]
    assert ids(currency="eur") == [euros["id"]]
    assert ids(product=once["product"]) == [once["id"]]
    assert ids(type="recurring") == ids(recurring={"interval": "month", "usage_type": "licensed"}) == [monthly["id"]]
    assert ids(recurring={"interval": "year"}) == ids(recurring={"meter": "mtr_1"}) == []


def test_what_is_no_amount_may_change(platform):
    price = priced(platform, unit_amount=1)["id"]

    changed = platform.made(
        f"{PRICES}/{price}", nickname="Dear", metadata={"foo": "bar"}, tax_behavior="exclusive", active=False
    )

    assert (changed["nickname"], changed["metadata"], changed["active"]) == ("Dear", {"foo": "bar"}, False)
    assert told(platform)[-1] == (
        "price.updated",
        {"active": True, "metadata": {"foo": None}, "nickname": None, "tax_behavior": "unspecified"},
    )
    refusal = platform.post(f"{PRICES}/{price}", tax_behavior="inclusive")
    assert (refusal.status, refusal.error["param"]) == (400, "tax_behavior")
    assert platform.post(f"{PRICES}/{price}", unit_amount=2).error["code"] == "parameter_unknown"


def test_the_default_price_of_a_product_cannot_be_archived(platform):
    product = platform.made(PRODUCTS, name="Gold", default_price_data=DEAR)

    refusal = platform.post(f"{PRICES}/{product['default_price']}", active=False)

    assert (refusal.status, refusal.error["param"]) == (400, "active")
    assert refusal.error["message"] == ("This price cannot be archived because it is the default price of its product.")


ENDLESS = {"up_to": "inf", "unit_amount": 1}
TIERED = {"billing_scheme": "tiered", "tiers_mode": "volume"}


@pytest.mark.parametrize(
    "sent, param",
    [
        ({"unit_amount": 1, "product": None, "product_data": None}, "product"),
        ({"unit_amount": 1, "product": "prod_x"}, "product_data"),
        ({"unit_amount": 1, "product": "prod_x", "product_data": None}, "product"),
        ({}, "unit_amount"),
        ({"unit_amount": 1, "unit_amount_decimal": "1"}, "unit_amount_decimal"),
        ({"unit_amount": 1, "custom_unit_amount": {"enabled": True}}, "custom_unit_amount"),
        ({"unit_amount_decimal": "-1"}, "unit_amount_decimal"),
        ({"custom_unit_amount": {"enabled": False}}, "custom_unit_amount[enabled]"),
        ({"custom_unit_amount": {"enabled": True, "minimum": 2, "maximum": 1}}, "custom_unit_amount"),
        ({"unit_amount": 1, "currency_options": {"usd": {"unit_amount": 1}}}, "currency_options"),
        (
            {"unit_amount": 1, "currency_options": {"eur": {"tax_behavior": "exclusive"}}},
            "currency_options[eur][unit_amount]",
        ),
        ({"unit_amount": 1, "currency_options": {"euro": {"unit_amount": 1}}}, "currency_options[euro]"),
        ({"unit_amount": 1, "currency_options": {"eur": {"unit_amount": -1}}}, "currency_options[eur][unit_amount]"),
        ({"unit_amount": 1, "tiers_mode": "volume"}, "tiers_mode"),
        ({"unit_amount": 1, "billing_scheme": "tiered"}, "tiers_mode"),
        ({"tiers": [ENDLESS]}, "tiers"),
        ({"unit_amount": 1, **TIERED}, "tiers"),
        ({**TIERED, "tiers": [ENDLESS], "transform_quantity": {"divide_by": 2, "round": "up"}}, "transform_quantity"),
        ({**TIERED, "tiers": [{"up_to": 5, "unit_amount": 1}]}, "tiers[0][up_to]"),
        ({**TIERED, "tiers": [ENDLESS, ENDLESS]}, "tiers[0][up_to]"),
        (
            {**TIERED, "tiers": [{"up_to": 5, "unit_amount": 1}, {"up_to": 5, "unit_amount": 1}, ENDLESS]},
            "tiers[1][up_to]",
        ),
        ({**TIERED, "tiers": [{"up_to": 0, "unit_amount": 1}, ENDLESS]}, "tiers[0][up_to]"),
        ({**TIERED, "tiers": [{"up_to": "inf"}]}, "tiers[0]"),
        ({**TIERED, "tiers": [{**ENDLESS, "unit_amount_decimal": "1"}]}, "tiers[0][unit_amount_decimal]"),
        ({"unit_amount": 1, "recurring": {"interval": "year", "interval_count": 4}}, "recurring[interval_count]"),
        ({"unit_amount": 1, "recurring": {"interval": "month", "usage_type": "metered"}}, "recurring[meter]"),
    ],
)
def test_what_does_not_go_together_is_refused_and_nothing_is_made(platform, sent, param):
    named = {"product_data": {"name": "Gold"}, "currency": "usd", **sent}
    refusal = platform.post(PRICES, **{name: value for name, value in named.items() if value is not None})

    assert (refusal.status, refusal.error["param"]) == (400, param)
    assert platform.read(PRODUCTS)["data"] == platform.read(PRICES)["data"] == []


def test_meters_and_searching_are_not_built(platform):
    recurring = {"interval": "month", "usage_type": "metered", "meter": "mtr_1"}

    metered = platform.post(PRICES, product_data={"name": "Gold"}, **DEAR, recurring=recurring)

    assert (metered.status, metered.error["param"]) == (501, "recurring[meter]")
    assert platform.get(f"{PRICES}/search", query="active:'true'").status == 501
