"""Customers: made, changed, found by e-mail, and gone."""

from __future__ import annotations

import pytest

from emulator.data.api_versions import API_VERSIONS
from tests.issuing.holders import a_connected_account, previous, told

CUSTOMERS = "/v1/customers"


def test_a_customer_is_made_changed_and_announced(platform):
    made = platform.made(
        CUSTOMERS,
        name="Jenny Rosen",
        email="jenny@example.com",
        address={"line1": "1 Main Street"},
        shipping={"name": "Jenny", "address": {"country": "anywhere"}},
        metadata={"a": "1"},
    )

    changed = platform.made(
        f"{CUSTOMERS}/{made['id']}", email="j@example.com", phone="+12025550123", name=None, metadata={"b": "2"}
    )

    assert made["id"].startswith("cus_") and len(made["invoice_prefix"]) == 8
    assert made["address"] == {
        **dict.fromkeys(("city", "country", "line2", "postal_code", "state")),
        "line1": "1 Main Street",
    }
    assert (made["shipping"]["phone"], made["shipping"]["address"]["country"]) == (None, "anywhere")
    assert (made["tax_exempt"], made["balance"], made["currency"], made["customer_account"]) == ("none", 0, None, None)
    assert (changed["name"], changed["metadata"]) == (None, {"a": "1", "b": "2"})
    assert platform.read(f"{CUSTOMERS}/{made['id']}") == changed
    assert told(platform) == [
        ("customer.created", None),
        (
            "customer.updated",
            {"email": "jenny@example.com", "metadata": {"b": None}, "name": "Jenny Rosen", "phone": None},
        ),
    ]


def test_a_change_that_changes_nothing_is_not_announced(platform):
    customer = platform.made(CUSTOMERS, name="Jenny")["id"]

    platform.made(f"{CUSTOMERS}/{customer}", name="Jenny")

    assert platform.event_types() == ["customer.created"]


def test_customers_are_found_by_the_address_they_were_made_with(platform):
    first = platform.made(CUSTOMERS, email="a@example.com")["id"]
    platform.made(CUSTOMERS, email="b@example.com")
    second = platform.made(CUSTOMERS, email="a@example.com")["id"]

    def ids(**filters):
        return [one["id"] for one in platform.read(CUSTOMERS, **filters)["data"]]

    assert ids(email="a@example.com") == [second, first]
    assert ids(email="A@example.com") == []
    assert ids(email="a@example.com", limit=1, starting_after=second) == [first]
    assert len(ids()) == 3 and ids(test_clock="clock_1") == []


def test_a_deleted_customer_is_a_stub_to_readers_and_nobody_to_all_else(platform):
    customer = platform.made(CUSTOMERS, name="Jenny")["id"]
    card = platform.made("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
    stub = {"id": customer, "object": "customer", "deleted": True}

    gone = platform.delete(f"{CUSTOMERS}/{customer}")

    assert gone.json == platform.read(f"{CUSTOMERS}/{customer}") == stub
    assert platform.read(CUSTOMERS)["data"] == []
    for answer in (
        platform.post(f"{CUSTOMERS}/{customer}", name="x"),
        platform.delete(f"{CUSTOMERS}/{customer}"),
        platform.get(f"{CUSTOMERS}/{customer}/payment_methods"),
    ):
        assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "resource_missing", "id")
    refusal = platform.post("/v1/payment_methods/pm_card_visa/attach", customer=customer)
    assert (refusal.status, refusal.error["message"]) == (400, f"No such customer: '{customer}'")
    assert platform.read(f"/v1/payment_methods/{card}")["customer"] is None
    assert told(platform)[2:] == [("payment_method.detached", {"customer": customer}), ("customer.deleted", None)]
    assert platform.events()[-1]["data"]["object"]["name"] == "Jenny"


@pytest.mark.parametrize("version", API_VERSIONS)
def test_a_deleted_customer_is_a_stub_to_clients_of_every_version(platform, version):
    customer = platform.made(CUSTOMERS)["id"]
    stub = platform.delete(f"{CUSTOMERS}/{customer}").json
    pinned = {"headers": {"Stripe-Version": version}}

    whole = platform.get(f"{CUSTOMERS}/{customer}", **pinned)
    expanded = platform.get(f"{CUSTOMERS}/{customer}", expand=["sources"], **pinned)

    assert whole.json == stub
    assert expanded.json == stub or expanded.status == 400


def test_customers_belong_to_their_account(platform):
    account = a_connected_account(platform, "transfers")
    customer = account.made(CUSTOMERS, name="Jenny")["id"]

    assert platform.read(CUSTOMERS)["data"] == []
    assert platform.get(f"{CUSTOMERS}/{customer}").status == 404
    assert account.read(f"{CUSTOMERS}/{customer}")["name"] == "Jenny"


def test_a_customer_is_made_with_a_payment_method_that_becomes_the_default(platform):
    made = platform.made(
        CUSTOMERS,
        payment_method="pm_card_visa",
        invoice_settings={"default_payment_method": "pm_card_visa", "footer": "Thanks"},
        expand=["invoice_settings.default_payment_method"],
    )

    default = made["invoice_settings"]["default_payment_method"]
    assert (default["customer"], default["card"]["last4"]) == (made["id"], "4242")
    assert platform.read(f"{CUSTOMERS}/{made['id']}/payment_methods")["data"] == [default]
    assert platform.event_types() == ["customer.created", "payment_method.attached"]


def test_a_declined_card_makes_no_customer(platform):
    refusal = platform.post(CUSTOMERS, payment_method="pm_card_chargeDeclined")

    assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (402, "card_declined", "")
    assert platform.read(CUSTOMERS)["data"] == [] and platform.events() == []


def test_only_a_payment_method_of_the_customer_can_be_its_default(platform):
    customer, other = (platform.made(CUSTOMERS)["id"] for _ in range(2))
    card = platform.made("/v1/payment_methods/pm_card_visa/attach", customer=other)["id"]

    refusals = [
        platform.post(f"{CUSTOMERS}/{customer}", invoice_settings={"default_payment_method": id})
        for id in (card, "pm_nope")
    ]

    for refusal in refusals:
        assert (refusal.status, refusal.error["code"]) == (400, "resource_missing")
        assert refusal.error["param"] == "invoice_settings[default_payment_method]"


def test_a_balance_is_in_the_currency_of_the_account(platform):
    made = platform.made(CUSTOMERS, balance=-5_00, expand=["invoice_credit_balance"])

    assert (made["balance"], made["currency"], made["invoice_credit_balance"]) == (-5_00, "usd", {"usd": -5_00})


def test_lists_of_a_customer_are_shown_when_asked_for(platform):
    plain = platform.made(CUSTOMERS)
    whole = platform.read(f"{CUSTOMERS}/{plain['id']}", expand=["sources", "subscriptions", "tax_ids"])

    assert not {"sources", "subscriptions", "tax_ids"} & set(plain)
    for name in ("sources", "subscriptions", "tax_ids"):
        assert whole[name] == {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"{CUSTOMERS}/{plain['id']}/{name}",
        }


@pytest.mark.parametrize(
    "sent, param",
    [
        ({"tax": {"ip_address": "8.8.8.8"}}, "tax"),
        ({"tax_id_data": [{"type": "eu_vat", "value": "DE123456789"}]}, "tax_id_data"),
        ({"cash_balance": {"settings": {"reconciliation_mode": "manual"}}}, "cash_balance"),
    ],
)
def test_what_belongs_to_billing_is_refused_as_not_built(platform, sent, param):
    refusal = platform.post(CUSTOMERS, **sent)

    assert (refusal.status, refusal.error["param"]) == (501, param)
    assert platform.read(CUSTOMERS)["data"] == []


def test_a_payment_method_is_read_through_its_customer_only(platform):
    customer, other = (platform.made(CUSTOMERS)["id"] for _ in range(2))
    card = platform.made("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
    platform.made("/v1/payment_methods/pm_usBankAccount/attach", customer=customer)

    cards = platform.read(f"{CUSTOMERS}/{customer}/payment_methods", type="card")["data"]
    refusal = platform.get(f"{CUSTOMERS}/{other}/payment_methods/{card}")

    assert [one["id"] for one in cards] == [card]
    assert platform.read(f"{CUSTOMERS}/{customer}/payment_methods/{card}") == cards[0]
    assert (refusal.status, refusal.error["param"]) == (404, "payment_method")


def test_an_event_says_what_was_there_before_a_default_was_detached(platform):
    customer = platform.made(CUSTOMERS)["id"]
    card = platform.made("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
    platform.made(f"{CUSTOMERS}/{customer}", invoice_settings={"default_payment_method": card})

    platform.made(f"/v1/payment_methods/{card}/detach")

    detached, updated = platform.events()[-2:]
    assert (detached["type"], previous(detached)) == ("payment_method.detached", {"customer": customer})
    assert updated["type"] == "customer.updated"
    assert previous(updated) == {"invoice_settings": {"default_payment_method": card}}
