"""Sources of customers: cards saved in the older way."""

from __future__ import annotations

import pytest

from emulator.kernel.records import replace
from emulator.kernel.world import World
from emulator.payments.customer import Customer
from tests.payments.paying import paid, said_by_doctor

CUSTOMERS = "/v1/customers"


@pytest.fixture
def sources(platform) -> str:
    """Where the sources of a customer are found."""
    return f"{CUSTOMERS}/{platform.made(CUSTOMERS)['id']}/sources"


def test_the_doctor_does_not_look_for_test_tokens(platform, sources):
    platform.made(sources, source="tok_chargeCustomerFail")  # as long as an id

    assert said_by_doctor(platform) == []


def test_the_first_source_is_the_default_until_it_is_deleted(platform, sources):
    customer = sources.removesuffix("/sources")
    first = platform.made(sources, source="tok_visa", metadata={"a": "1"})
    second = platform.made(sources, source="tok_amex")

    assert (first["object"], first["brand"], first["last4"]) == ("card", "Visa", "4242")
    assert first["id"].startswith("card_") and first["metadata"] == {"a": "1"}
    assert platform.read(customer)["default_source"] == first["id"]
    assert platform.read(customer, expand=["default_source"])["default_source"] == first
    shown = platform.read(customer, expand=["sources"])["sources"]
    assert [one["id"] for one in shown["data"]] == [second["id"], first["id"]]
    assert platform.delete(f"{sources}/{first['id']}").json == {"id": first["id"], "object": "card", "deleted": True}
    assert platform.read(customer)["default_source"] == second["id"]
    assert platform.get(f"{sources}/{first['id']}").status == 404
    assert [type for type in platform.event_types() if "source" in type] == [
        "customer.source.created",
        "customer.source.created",
        "customer.source.deleted",
    ]
    assert said_by_doctor(platform) == []


def test_sources_are_listed_and_changed(platform, sources):
    made = platform.made(sources, source="tok_visa")
    path = f"{sources}/{made['id']}"

    after = platform.made(path, name="Ada", address_line1="1 Main Street", exp_month="12", metadata={"b": "2"})

    assert (after["name"], after["address_line1"], after["exp_month"]) == ("Ada", "1 Main Street", 12)
    assert platform.read(path) == after
    assert platform.read(sources)["data"] == platform.read(sources, object="card")["data"] == [after]
    assert platform.read(sources, object="bank_account")["data"] == []
    assert platform.event_types()[-1] == "customer.source.updated"


@pytest.mark.parametrize(
    "params, status, param",
    [
        ({"account_holder_name": "Ada"}, 400, "account_holder_name"),
        ({"exp_month": "x"}, 400, "exp_month"),
        ({"exp_year": "2000"}, 402, "exp_year"),
    ],
)
def test_what_a_card_cannot_become_is_refused(platform, sources, params, status, param):
    made = platform.made(sources, source="tok_visa")

    refusal = platform.post(f"{sources}/{made['id']}", **params)

    assert (refusal.status, refusal.error["param"]) == (status, param)
    assert platform.read(f"{sources}/{made['id']}") == made


@pytest.mark.parametrize(
    "token, status", [("tok_nothing", 400), ("btok_us_verified", 501), ("src_x", 501), ("tok_chargeDeclined", 402)]
)
def test_what_is_no_test_card_cannot_be_saved(platform, sources, token, status):
    refusal = platform.post(sources, source=token)

    assert refusal.status == status
    assert platform.read(sources)["data"] == []


def test_a_source_pays_an_intent_too(platform, sources):
    customer = sources.split("/")[3]
    made = platform.made(sources, source="tok_visa")

    assert paid(platform, method=made["id"], customer=customer)["status"] == "succeeded"


def test_only_bank_accounts_can_be_verified(platform, sources):
    made = platform.made(sources, source="tok_visa")

    assert platform.post(f"{sources}/{made['id']}/verify", amounts=[32, 45]).status == 400


def test_a_customer_begins_with_a_source_and_changes_its_default(platform):
    customer = platform.made(CUSTOMERS, source="tok_visa")
    path = f"{CUSTOMERS}/{customer['id']}"
    other = platform.made(f"{path}/sources", source="tok_amex")["id"]

    changed = platform.made(path, default_source=other)
    replaced = platform.made(path, source="tok_jcb")

    assert changed["default_source"] == other != customer["default_source"]
    assert replaced["default_source"] not in (other, customer["default_source"])
    assert platform.post(path, default_source="card_x").error["param"] == "default_source"


def test_sources_of_another_customer_are_not_found(platform, sources):
    made = platform.made(sources, source="tok_visa")
    other = platform.made(CUSTOMERS)["id"]

    for verb in ("GET", "POST", "DELETE"):
        refusal = platform.send(verb, f"{CUSTOMERS}/{other}/sources/{made['id']}", {}, None)
        assert (refusal.status, refusal.error["code"]) == (404, "resource_missing")


def test_a_source_that_is_detached_or_deleted_is_no_default_any_more(platform, sources):
    customer = sources.removesuffix("/sources")
    first, second = (platform.made(sources, source=token)["id"] for token in ("tok_visa", "tok_amex"))
    platform.made(customer, invoice_settings={"default_payment_method": second})

    platform.made(f"/v1/payment_methods/{first}/detach")
    after_first = platform.read(customer)
    platform.delete(f"{sources}/{second}")
    after_second = platform.read(customer)

    assert (after_first["default_source"], after_second["default_source"]) == (second, None)
    assert after_second["invoice_settings"]["default_payment_method"] is None
    assert said_by_doctor(platform) == []


def test_a_customer_with_sources_is_deleted_whole(platform, sources):
    platform.made(sources, source="tok_visa")

    platform.delete(sources.removesuffix("/sources"))

    assert said_by_doctor(platform) == []


def test_the_doctor_names_a_default_that_is_no_source_of_the_customer(platform, sources):
    customer = sources.split("/")[3]
    platform.made(sources, source="tok_visa")
    tenant = platform.app.emulator.tenants.open(platform.key.removeprefix("sk_test_"))
    with tenant.writing() as step:
        world = World(step, step.row.platform)
        world.put(replace(world.get(Customer, customer), default_source="card_other"))

    assert any("card_other" in said.detail for said in said_by_doctor(platform))


def test_a_source_is_shown_whole_where_a_payment_names_it(platform, sources):
    customer = sources.split("/")[3]
    made = platform.made(sources, source="tok_visa")
    path = f"{CUSTOMERS}/{customer}"
    platform.made(path, invoice_settings={"default_payment_method": made["id"]})

    intent = paid(platform, method=made["id"], customer=customer)
    shown = platform.read(f"/v1/payment_intents/{intent['id']}", expand=["payment_method"])["payment_method"]
    preferred = platform.read(path, expand=["invoice_settings.default_payment_method"])["invoice_settings"]

    assert (shown["id"], shown["object"], shown["customer"]) == (made["id"], "payment_method", customer)
    assert preferred["default_payment_method"] == shown == platform.read(f"/v1/payment_methods/{made['id']}")
    assert platform.read(f"/_emulator/objects/{made['id']}")["data"] == shown


CARD = {
    "number": "5555555555554444",
    "exp_month": 12,
    "exp_year": 2040,
    "cvc": "123",
    "name": "Ada",
    "address_zip": "1",
}


def test_a_token_that_was_made_becomes_a_source_once(platform, sources):
    token = platform.made("/v1/tokens", card=CARD)

    made = platform.made(sources, source=token["id"])
    again = platform.post(sources, source=token["id"])

    assert (made["id"], made["brand"], made["exp_year"]) == (token["card"]["id"], "MasterCard", 2040)
    assert (made["name"], made["address_zip"], made["address_zip_check"]) == ("Ada", "1", "pass")
    assert platform.read(f"/v1/tokens/{token['id']}")["used"] is True
    assert (again.status, again.error["code"]) == (400, "token_already_used")
    assert said_by_doctor(platform) == []


@pytest.mark.parametrize("way", ["charge", "customer"])
def test_charges_and_customers_take_tokens_that_were_made(platform, way):
    token = platform.made("/v1/tokens", card=CARD)["id"]

    if way == "charge":
        source = platform.made("/v1/charges", amount=10_00, currency="usd", source=token)["source"]
    else:
        source = platform.made(CUSTOMERS, source=token, expand=["default_source"])["default_source"]

    assert (source["last4"], source["name"]) == ("4444", "Ada")
    assert platform.read(f"/v1/tokens/{token}")["used"] is True


def test_a_token_is_not_used_up_by_what_is_refused(platform):
    token = platform.made("/v1/tokens", card=CARD)["id"]
    person = platform.made("/v1/tokens", pii={"id_number": "000000000"})["id"]

    too_little = platform.post("/v1/charges", amount=1, currency="usd", source=token)
    fee_of_nobody = platform.post("/v1/charges", amount=1_00, currency="usd", source=token, application_fee_amount=1)
    other_type = platform.post("/v1/charges", amount=1_00, currency="usd", source=person)

    assert [one.status for one in (too_little, fee_of_nobody, other_type)] == [400, 400, 400]
    assert platform.read(f"/v1/tokens/{token}")["used"] is False
