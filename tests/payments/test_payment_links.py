"""Payment links: what they sell, and what can be said of them."""

from __future__ import annotations

import pytest

from tests.issuing.holders import told
from tests.treasury.worlds import connected

LINKS, PRICES, PRODUCTS = "/v1/payment_links", "/v1/prices", "/v1/products"


def price(client, **params):
    """The id of a price of a product that is made with it."""
    sent = {"product_data": {"name": "Gold & Silver"}, "currency": "usd", "unit_amount": 10_00, **params}
    return client.made(PRICES, **sent)["id"]


def linked(client, **params):
    """A link to one of a thing for ten dollars."""
    return client.made(LINKS, **{"line_items": [{"price": price(client), "quantity": 1}], **params})


def test_a_link_is_made_as_the_sample_does(platform):
    item = {"price": price(platform), "quantity": 1, "adjustable_quantity": {"enabled": True}}

    link = platform.made(LINKS, line_items=[item])

    assert link == {
        "id": link["id"],
        "object": "payment_link",
        "active": True,
        "after_completion": {"hosted_confirmation": {"custom_message": None}, "type": "hosted_confirmation"},
        "allow_promotion_codes": False,
        "application": None,
        "application_fee_amount": None,
        "application_fee_percent": None,
        "automatic_tax": {"enabled": False, "liability": None},
        "billing_address_collection": "auto",
        "consent_collection": None,
        "currency": "usd",
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer_creation": "if_required",
        "inactive_message": None,
        "invoice_creation": link["invoice_creation"],
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "on_behalf_of": None,
        "payment_intent_data": None,
        "payment_method_collection": "always",
        "payment_method_options": None,
        "payment_method_types": None,
        "phone_number_collection": {"enabled": False},
        "restrictions": None,
        "shipping_address_collection": None,
        "shipping_options": [],
        "submit_type": "auto",
        "subscription_data": None,
        "tax_id_collection": {"enabled": False, "required": "never"},
        "transfer_data": None,
        "url": link["url"],
    }
    assert platform.read(f"{LINKS}/{link['id']}") == link
    assert platform.event_types()[-1] == "payment_link.created"


def test_what_a_link_sells_is_listed_and_shown_when_asked_for(platform):
    dear = price(platform, currency_options={"eur": {"unit_amount": 9_00}})
    data = {"currency": "eur", "unit_amount_decimal": "0.5", "product_data": {"name": "Seeds", "unit_label": "seed"}}
    items = [{"price": dear, "quantity": 2}, {"price_data": data, "quantity": 101}]

    link = platform.made(LINKS, currency="eur", line_items=items, expand=["line_items"])

    listed = platform.read(f"{LINKS}/{link['id']}/line_items")["data"]
    assert sorted(one["description"] for one in listed) == ["Gold & Silver", "Seeds"]
    first, second = link["line_items"]["data"]
    assert first == {
        "id": first["id"],
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": 18_00,
        "amount_tax": 0,
        "amount_total": 18_00,
        "currency": "eur",
        "description": "Gold & Silver",
        "metadata": {},
        "price": platform.read(f"{PRICES}/{dear}"),
        "quantity": 2,
    }
    assert (second["amount_total"], second["price"]["unit_amount_decimal"]) == (51, "0.5")
    assert [one["id"] for one in platform.read(PRICES)["data"]] == [dear]  # inline prices are in no list


def test_everything_that_can_be_said_is_kept(platform):
    business = connected(platform)
    said = {
        "allow_promotion_codes": True,
        "application_fee_amount": 1_00,
        "billing_address_collection": "required",
        "customer_creation": "always",
        "inactive_message": "Gone",
        "metadata": {"a": "1"},
        "on_behalf_of": business.account,
        "payment_method_types": ["card"],
        "phone_number_collection": {"enabled": True},
        "shipping_address_collection": {"allowed_countries": ["US", "DE"]},
        "submit_type": "donate",
    }

    link = linked(
        platform,
        after_completion={"type": "redirect", "redirect": {"url": "https://example.com/thanks"}},
        custom_fields=[{"key": "size", "label": {"type": "custom", "custom": "Size"}, "type": "text"}],
        custom_text={"submit": {"message": "Now!"}},
        name_collection={"individual": {"enabled": True}},
        payment_intent_data={"description": "Gold", "metadata": {"b": "2"}},
        restrictions={"completed_sessions": {"limit": 5}},
        transfer_data={"destination": business.account},
        **said,
    )

    assert {name: link[name] for name in said} == said
    assert link["after_completion"] == {"type": "redirect", "redirect": {"url": "https://example.com/thanks"}}
    nothing = {"default_value": None, "maximum_length": None, "minimum_length": None}
    (field,) = link["custom_fields"]
    assert field == {
        "key": "size",
        "label": {"type": "custom", "custom": "Size"},
        "optional": False,
        "text": nothing,
        "type": "text",
    }
    assert link["custom_text"]["submit"] == {"message": "Now!"}
    assert link["name_collection"] == {"individual": {"enabled": True, "optional": False}}
    assert (link["payment_intent_data"]["description"], link["payment_intent_data"]["metadata"]) == ("Gold", {"b": "2"})
    assert link["restrictions"] == {"completed_sessions": {"count": 0, "limit": 5}}
    assert link["transfer_data"] == {"amount": None, "destination": business.account}
    whole = platform.read(f"{LINKS}/{link['id']}", expand=["on_behalf_of", "transfer_data.destination"])
    assert whole["on_behalf_of"]["id"] == whole["transfer_data"]["destination"]["id"] == business.account


def test_a_link_is_changed_and_told(platform):
    link = linked(platform, inactive_message="Gone", expand=["line_items"])
    path, (item,) = f"{LINKS}/{link['id']}", link["line_items"]["data"]

    changed = platform.made(
        path,
        active=False,
        inactive_message=None,
        metadata={"foo": "bar"},
        line_items=[{"id": item["id"], "quantity": 3, "adjustable_quantity": {"enabled": True, "maximum": 5}}],
    )

    assert (changed["active"], changed["inactive_message"], changed["metadata"]) == (False, None, {"foo": "bar"})
    (line,) = platform.read(f"{path}/line_items")["data"]
    assert (line["quantity"], line["amount_total"]) == (3, 30_00)
    assert line["adjustable_quantity"] == {"enabled": True, "maximum": 5, "minimum": 0}
    assert told(platform)[-1] == (
        "payment_link.updated",
        {"active": True, "inactive_message": "Gone", "metadata": {"foo": None}},
    )
    assert [one["id"] for one in platform.read(LINKS, active=False)["data"]] == [link["id"]]
    assert platform.read(LINKS, active=True)["data"] == []


def test_a_link_of_a_connected_account_names_the_application(platform):
    business = connected(platform)

    link = linked(business, application_fee_amount=50)

    assert link["application"].startswith("ca_")
    assert platform.get(f"{LINKS}/{link['id']}").status == 404


ONE = {"quantity": 1}


@pytest.mark.parametrize(
    "sent, status, param",
    [
        ({"line_items": [ONE]}, 400, "line_items[0]"),
        ({"line_items": [{**ONE, "price": "price_x"}]}, 400, "line_items[0][price]"),
        (
            {"line_items": [{**ONE, "price_data": {"currency": "usd", "unit_amount": 1}}]},
            400,
            "line_items[0][price_data][product]",
        ),
        ({"currency": "eur"}, 400, "line_items[0]"),
        ({"application_fee_amount": 1}, 400, "application_fee_amount"),
        ({"transfer_data": {"destination": "acct_x"}}, 400, "transfer_data[destination]"),
        ({"on_behalf_of": "acct_x"}, 400, "on_behalf_of"),
        ({"after_completion": {"type": "redirect"}}, 400, "after_completion[redirect]"),
        (
            {"after_completion": {"type": "redirect", "redirect": {"url": "javascript:alert(1)"}}},
            400,
            "after_completion[redirect][url]",
        ),
        (
            {"custom_fields": [{"key": "a", "label": {"type": "custom", "custom": "A"}, "type": "dropdown"}]},
            400,
            "custom_fields[0][dropdown]",
        ),
        ({"automatic_tax": {"enabled": True}}, 501, "automatic_tax[enabled]"),
        ({"invoice_creation": {"enabled": True}}, 501, "invoice_creation[enabled]"),
        ({"shipping_options": [{"shipping_rate": "shr_1"}]}, 501, "shipping_options"),
        ({"subscription_data": {"trial_period_days": 7}}, 501, "subscription_data"),
        ({"tax_id_collection": {"enabled": True}}, 501, "tax_id_collection[enabled]"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(platform, sent, status, param):
    before = price(platform)

    refusal = platform.post(LINKS, **{"line_items": [{**ONE, "price": before}], **sent})

    assert (refusal.status, refusal.error["param"]) == (status, param)
    assert platform.read(LINKS)["data"] == []


@pytest.mark.parametrize(
    "bounds, quantity, param",
    [
        ({"minimum": 5, "maximum": 4}, 4, "line_items[0][adjustable_quantity][minimum]"),
        ({"minimum": 100}, 100, "line_items[0][adjustable_quantity][minimum]"),
        ({"minimum": 2, "maximum": 4}, 1, "line_items[0][quantity]"),
        ({"minimum": 2, "maximum": 4}, 5, "line_items[0][quantity]"),
    ],
)
def test_a_quantity_that_nobody_could_choose_is_refused(platform, bounds, quantity, param):
    sold = price(platform)
    link = platform.made(LINKS, line_items=[{**ONE, "price": sold}])
    (line,) = platform.read(f"{LINKS}/{link['id']}/line_items")["data"]
    sent = {"adjustable_quantity": {"enabled": True, **bounds}, "quantity": quantity}

    made = platform.post(LINKS, line_items=[{"price": sold, **sent}])
    changed = platform.post(f"{LINKS}/{link['id']}", line_items=[{"id": line["id"], **sent}])

    assert [(one.status, one.error["param"]) for one in (made, changed)] == [(400, param)] * 2
    assert platform.read(f"{LINKS}/{link['id']}/line_items")["data"] == [line]


def test_a_fee_does_not_stand_beside_an_amount_to_transfer(platform):
    account = connected(platform).account
    to = {"destination": account, "amount": 5}

    refusal = platform.post(
        LINKS, line_items=[{**ONE, "price": price(platform)}], transfer_data=to, application_fee_amount=1
    )

    assert (refusal.status, refusal.error["param"]) == (400, "application_fee_amount")


def test_a_recurring_price_makes_a_link_to_a_subscription_as_the_cli_does(platform):
    monthly = price(platform, recurring={"interval": "month"})

    link = platform.made(LINKS, line_items=[{**ONE, "price": monthly}])

    assert (link["invoice_creation"], link["subscription_data"]["trial_period_days"]) == (None, None)


def test_only_active_prices_can_be_sold_and_none_in_tiers(platform):
    archived = price(platform, active=False)
    packed = price(platform, transform_quantity={"divide_by": 10, "round": "up"})
    gone = platform.read(f"{PRICES}/{price(platform)}")
    platform.made(f"{PRODUCTS}/{gone['product']}", active=False)

    refusals = [platform.post(LINKS, line_items=[{**ONE, "price": one}]) for one in (archived, packed, gone["id"])]

    assert [(one.status, one.error["param"]) for one in refusals] == [
        (400, "line_items[0][price]"),
        (501, "line_items[0]"),
        (400, "line_items[0]"),
    ]
    assert refusals[0].error["message"] == "The price specified is inactive. This field only accepts active prices."


def test_a_line_of_another_link_cannot_be_changed_here(platform):
    link, other = linked(platform), linked(platform, expand=["line_items"])
    line = other["line_items"]["data"][0]["id"]

    refusal = platform.post(f"{LINKS}/{link['id']}", line_items=[{"id": line, "quantity": 2}])

    assert (refusal.status, refusal.error["param"]) == (400, "line_items[0][id]")
