"""What belongs to another account is simply not there: in every path of every built operation, and in parameters."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulator.catalog import CATALOG
from emulator.kernel.routes import Route
from emulator.kernel.world import World
from emulator.payments.application_fee import ApplicationFee, FeeRefund
from tests.balances.paying import GOOD, paid_out, topped_up
from tests.client import Client
from tests.issuing.holders import (
    BILLING,
    CARDHOLDERS,
    CARDS,
    a_card,
    a_cardholder,
    a_connected_account,
    a_physical_card,
)
from tests.issuing.purchases import (
    AUTHORIZATIONS,
    TRANSACTIONS,
    a_spender,
    a_treasury_spender,
    authorize,
    done,
    force_capture,
    fund,
)
from tests.payments.test_payment_methods import CARD
from tests.payments.test_setup_intents import CUSTOMERS, INTENTS, waiting
from tests.schemas import required_sample
from tests.test_bad_requests import state
from tests.treasury.sending import OBP, bank_account, data_of, paid
from tests.treasury.worlds import opened, send

DISPUTES, DESIGNS = "/v1/issuing/disputes", "/v1/issuing/personalization_designs"
OUTBOUND_TRANSFERS = "/v1/treasury/outbound_transfers"
INBOUND_TRANSFERS = "/v1/treasury/inbound_transfers"
ROUTES = [
    route
    for route in CATALOG.routes
    if route.path.startswith("/v1/") and "{" in route.path and not route.path.startswith("/v1/accounts/")
]


# What the second variable of a path stands for that is not named after it.
INSIDE = {
    "/v1/application_fees/{fee}/refunds/{id}": "refunds of v1/application_fees",
    "/v1/customers/{customer}/sources/{id}": "sources of v1/customers",
    "/v1/customers/{customer}/sources/{id}/verify": "sources of v1/customers",
    "/v1/transfers/{transfer}/reversals/{id}": "reversals of v1/transfers",
}


def collection(path: str) -> str:
    """What a path is about: the part before its first variable, test helpers and the past left out."""
    start = path.split("/{")[0].replace("/test_helpers", "").replace("/balance/history", "/balance_transactions")
    return start.rpartition("/")[0].rpartition("/")[2] + "/" + start.rpartition("/")[2]


def filled(path: str, ids: dict[str, str]) -> str:
    """A path with an id for each variable: that of the collection before it."""
    names = re.findall(r"\{([^}]+)\}", path)
    values = [ids[collection(path)], *(ids[INSIDE.get(path, f"v1/{name}s")] for name in names[1:])]
    return path.format(**dict(zip(names, values, strict=True)))


def belongings(platform: Client) -> tuple[Client, dict[str, str]]:
    """An account with one object of every kind, by the collection it is in."""
    client, account, card = a_treasury_spender(platform)
    bank_account(platform, client, account_number=GOOD)
    authorization = done(client, authorize(client, card, 1000), "capture")
    purchase = authorization["transactions"][0]
    debit = purchase["treasury"]["received_debit"]
    evidence = {"reason": "fraudulent", "fraudulent": {"explanation": "Not mine."}}
    dispute = client.made(DISPUTES, treasury={"received_debit": debit}, evidence=evidence)
    submitted = client.made(f"{DISPUTES}/{dispute['id']}/submit")
    fund(client, 1000)
    topped_up(client, 1_00)
    kinds = ("inbound_transfers", "outbound_payments", "outbound_transfers")
    features = {name: {"ach": {"requested": True}} for name in kinds}
    client.made(f"/v1/treasury/financial_accounts/{account}/features", **features)
    sent = {"amount": 1, "currency": "usd", "financial_account": account}
    customer = client.made(CUSTOMERS, payment_method="pm_card_visa")["id"]
    intent = waiting(client, customer=customer)
    price = client.made("/v1/prices", currency="usd", unit_amount=1, product_data={"name": "Gold"})

    own = platform.read("/v1/account")["id"]
    transfer = client.made("/v1/transfers", amount=2, currency="usd", destination=own)["id"]
    disputed = {"payment_method": "pm_card_createDisputeInquiry", "return_url": "https://example.com"}
    payment = client.made(
        "/v1/payment_intents", amount=1_00, currency="usd", confirm=True, capture_method="automatic", **disputed
    )

    def newest(path: str, **params: Any) -> str:
        return client.read(path, **params)["data"][0]["id"]

    return client, {
        "issuing/authorizations": authorization["id"],
        "issuing/cardholders": card["cardholder"]["id"],
        "issuing/cards": a_physical_card(client)["id"],
        "issuing/disputes": dispute["id"],
        "issuing/personalization_designs": newest(DESIGNS),
        "issuing/physical_bundles": newest("/v1/issuing/physical_bundles"),
        "issuing/tokens": authorize(client, card, 1, wallet="apple_pay")["token"],
        "issuing/transactions": purchase["id"],
        "treasury/credit_reversals": client.made(
            "/v1/treasury/credit_reversals", received_credit=send(client, account, 1)["id"]
        )["id"],
        "treasury/debit_reversals": submitted["treasury"]["debit_reversal"],
        "treasury/financial_accounts": account,
        "treasury/inbound_transfers": client.made(INBOUND_TRANSFERS, **sent, origin_payment_method="pm_usBankAccount")[
            "id"
        ],
        "treasury/outbound_payments": paid(client, account, 1)["id"],
        "treasury/outbound_transfers": client.made(
            OUTBOUND_TRANSFERS, **sent, destination_payment_method="pm_usBankAccount"
        )["id"],
        "treasury/received_credits": newest("/v1/treasury/received_credits", financial_account=account),
        "treasury/received_debits": debit,
        "treasury/transaction_entries": newest("/v1/treasury/transaction_entries", financial_account=account),
        "treasury/transactions": newest("/v1/treasury/transactions", financial_account=account),
        **fees_of(client),
        "v1/charges": payment["latest_charge"],
        "v1/disputes": newest("/v1/disputes"),
        "v1/payment_intents": payment["id"],
        "v1/refunds": client.made("/v1/refunds", charge=payment["latest_charge"], amount=1)["id"],
        "sources of v1/customers": client.made(f"{CUSTOMERS}/{customer}/sources", source="tok_visa")["id"],
        "v1/balance_transactions": newest("/v1/balance_transactions"),
        "v1/customers": customer,
        "v1/ephemeral_keys": client.made("/v1/ephemeral_keys", issuing_card=card["id"])["id"],
        "v1/events": newest("/v1/events"),
        "v1/file_links": client.made("/v1/file_links", file=a_file(client, "dispute_evidence"))["id"],
        "v1/files": a_file(client),
        "v1/mandates": intent["mandate"],
        "v1/payouts": paid_out(topped_up(client, 1_00), 1_00)["id"],
        "v1/transfers": transfer,
        "reversals of v1/transfers": client.made(f"/v1/transfers/{transfer}/reversals", amount=1)["id"],
        "v1/payment_links": client.made("/v1/payment_links", line_items=[{"price": price["id"], "quantity": 1}])["id"],
        "v1/prices": price["id"],
        "v1/products": price["product"],
        "v1/payment_methods": newest("/v1/payment_methods", customer=customer),
        "v1/setup_intents": intent["id"],
        "v1/test_clocks": client.made("/v1/test_helpers/test_clocks", frozen_time=1_700_000_000)["id"],
        "v1/tokens": client.made("/v1/tokens", pii={"id_number": "000000000"})["id"],
        "v1/topups": client.made("/v1/topups", amount=1, currency="usd")["id"],
        "v1/webhook_endpoints": client.made(
            "/v1/webhook_endpoints", url="http://127.0.0.1:9/hook", enabled_events=["topup.created"]
        )["id"],
    }


def fees_of(client: Client) -> dict[str, str]:
    """An application fee and its refund, put where only an account that is its own platform has them."""
    tenant = client.app.emulator.tenants.open(client.key.removeprefix("sk_test_"))  # type: ignore[attr-defined]
    with tenant.writing() as inside:
        world = World(inside, str(client.account))
        fee = world.new_id("fee")
        world.put(ApplicationFee(fee, world.now, 1, world.now, "ch_x", "usd", None, world.account))
        refund = world.put(FeeRefund(world.new_id("fr"), world.now, 1, "usd", fee))
    return {"v1/application_fees": fee, "refunds of v1/application_fees": refund.id}


def a_file(client: Client, purpose: str = "identity_document") -> str:
    """The id of an uploaded file."""
    return client.made("/v1/files", purpose=purpose, file=(b"\x89PNG\r\n\x1a\n", "picture.png"))["id"]


def test_an_object_of_another_account_is_missing_in_every_path(platform: Client) -> None:
    owner, ids = belongings(platform)
    stranger = a_connected_account(platform, "treasury", "card_issuing", "transfers")
    platform.clock(frozen=True)
    stranger.read("/v1/balance")  # everything due has happened
    before = state(stranger)

    wrong = {}
    for route in ROUTES:
        answer = stranger.send(route.verb, filled(route.path, ids), required_sample(route.params), None)
        if (answer.status, answer.error.get("code"), answer.error.get("param")) != (
            404,
            "resource_missing",
            named(route),
        ):
            wrong[f"{route.verb} {route.path}"] = answer.status, answer.json

    assert wrong == {}
    assert state(stranger) == before
    assert {collection(route.path) for route in ROUTES} | set(INSIDE.values()) == set(ids)
    assert all(owner.get(filled(route.path, ids)).status == 200 for route in ROUTES if route.verb == "GET")


def named(route: Route) -> str:
    """What refusals of a route name: the first variable of its path, and `id` for a customer."""
    found = re.search(r"\{([^}]+)\}", route.path)
    assert found is not None
    return "id" if found[1] == "customer" else found[1]


def test_an_object_of_another_account_is_missing_in_parameters(platform: Client) -> None:
    owner, ids = belongings(platform)
    ids["number"] = owner.read(CARDS, type="virtual")["data"][0]["id"]
    logo, evidence = a_file(owner, "issuing_logo"), a_file(owner, "dispute_evidence")
    stranger = a_connected_account(platform, "treasury", "card_issuing", "transfers")
    own = {"cardholder": a_cardholder(stranger)["id"], "currency": "usd", "type": "virtual"}
    bundle = stranger.read("/v1/issuing/physical_bundles")["data"][0]["id"]
    card = a_spender(stranger)
    purchase = force_capture(stranger, card, 1000)
    customer, method = stranger.made(CUSTOMERS), stranger.made("/v1/payment_methods", **CARD)
    own_account = opened(stranger)
    stranger.read("/v1/balance")
    before = state(stranger)

    def document(id: str) -> dict[str, Any]:
        return {"individual": {"verification": {"document": {"front": id}}}}

    cases: list[tuple[str, str, dict[str, Any]]] = [
        (CARDS, "cardholder", {**own, "cardholder": ids["issuing/cardholders"]}),
        (CARDS, "financial_account", {**own, "financial_account": ids["treasury/financial_accounts"]}),
        (CARDS, "replacement_for", {**own, "replacement_for": ids["number"], "replacement_reason": "damaged"}),
        (CARDS, "personalization_design", {**own, "personalization_design": ids["issuing/personalization_designs"]}),
        (f"{CARDS}/{card['id']}", "financial_account", {"financial_account": ids["treasury/financial_accounts"]}),
        (
            CARDHOLDERS,
            "individual[verification][document][front]",
            {
                "name": "Ada",
                "billing": BILLING,
                **document(ids["v1/files"]),
            },
        ),
        (AUTHORIZATIONS, "card", {"card": ids["number"], "amount": 1}),
        (f"{TRANSACTIONS}/create_force_capture", "card", {"card": ids["number"], "amount": 1}),
        (f"{TRANSACTIONS}/create_unlinked_refund", "card", {"card": ids["number"], "amount": 1}),
        (DISPUTES, "transaction", {"transaction": ids["issuing/transactions"]}),
        (DISPUTES, "treasury[received_debit]", {"treasury": {"received_debit": ids["treasury/received_debits"]}}),
        (
            DISPUTES,
            "evidence[duplicate][original_transaction]",
            {
                "transaction": purchase["id"],
                "evidence": {"duplicate": {"original_transaction": ids["issuing/transactions"]}},
            },
        ),
        (
            DISPUTES,
            "evidence[fraudulent][additional_documentation]",
            {
                "transaction": purchase["id"],
                "evidence": {"fraudulent": {"additional_documentation": evidence}},
            },
        ),
        ("/v1/ephemeral_keys", "issuing_card", {"issuing_card": ids["issuing/cards"]}),
        ("/v1/ephemeral_keys", "customer", {"customer": ids["v1/customers"]}),
        ("/v1/file_links", "file", {"file": evidence}),
        (DESIGNS, "physical_bundle", {"physical_bundle": ids["issuing/physical_bundles"]}),
        (DESIGNS, "card_logo", {"physical_bundle": bundle, "card_logo": logo}),
        (
            "/v1/test_helpers/treasury/received_credits",
            "financial_account",
            {
                "amount": 1,
                "currency": "usd",
                "network": "ach",
                "financial_account": ids["treasury/financial_accounts"],
            },
        ),
        (
            "/v1/test_helpers/treasury/received_debits",
            "financial_account",
            {
                "amount": 1,
                "currency": "usd",
                "network": "ach",
                "financial_account": ids["treasury/financial_accounts"],
            },
        ),
        (CUSTOMERS, "test_clock", {"test_clock": ids["v1/test_clocks"]}),
        ("/v1/test_helpers/test_clocks", "customer", {"frozen_time": 1_700_000_000, "customer": ids["v1/customers"]}),
        (
            "/v1/payouts",
            "destination",
            {
                "amount": 1,
                "currency": "usd",
                "destination": owner.read(f"/v1/accounts/{owner.account}/external_accounts")["data"][0]["id"],
            },
        ),
        (CUSTOMERS, "payment_method", {"payment_method": ids["v1/payment_methods"]}),
        (
            f"{CUSTOMERS}/{customer['id']}",
            "invoice_settings[default_payment_method]",
            {"invoice_settings": {"default_payment_method": ids["v1/payment_methods"]}},
        ),
        (f"/v1/payment_methods/{method['id']}/attach", "customer", {"customer": ids["v1/customers"]}),
        (INTENTS, "customer", {"customer": ids["v1/customers"]}),
        (INTENTS, "payment_method", {"payment_method": ids["v1/payment_methods"]}),
        ("/v1/treasury/debit_reversals", "received_debit", {"received_debit": ids["treasury/received_debits"]}),
        ("/v1/treasury/credit_reversals", "received_credit", {"received_credit": ids["treasury/received_credits"]}),
        (
            OUTBOUND_TRANSFERS,
            "financial_account",
            {
                "amount": 1,
                "currency": "usd",
                "financial_account": ids["treasury/financial_accounts"],
                "destination_payment_method": "pm_usBankAccount",
            },
        ),
        (
            INBOUND_TRANSFERS,
            "financial_account",
            {
                "amount": 1,
                "currency": "usd",
                "financial_account": ids["treasury/financial_accounts"],
                "origin_payment_method": "pm_usBankAccount",
            },
        ),
        (
            INBOUND_TRANSFERS,
            "origin_payment_method",
            {
                "amount": 1,
                "currency": "usd",
                "financial_account": ids["treasury/financial_accounts"],
                "origin_payment_method": ids["v1/payment_methods"],
            },
        ),
        *[
            (OBP, param, {"amount": 1, "currency": "usd", "financial_account": account, **sent})
            for account, param, sent in (
                (
                    ids["treasury/financial_accounts"],
                    "financial_account",
                    {"destination_payment_method_data": data_of("000123456789")},
                ),
                (
                    own_account,
                    "customer",
                    {
                        "customer": ids["v1/customers"],
                        "destination_payment_method": "pm_usBankAccount",
                    },
                ),
                (
                    own_account,
                    "destination_payment_method",
                    {
                        "customer": customer["id"],
                        "destination_payment_method": ids["v1/payment_methods"],
                    },
                ),
            )
        ],
    ]
    wrong = {}
    for path, param, sent in cases:
        answer = stranger.post(path, **sent)
        if (answer.status, answer.error.get("code"), answer.error.get("param")) != (400, "resource_missing", param):
            wrong[f"{path} {param}"] = answer.status, answer.json

    assert wrong == {}
    assert state(stranger) == before


def test_a_list_of_the_tokens_of_another_accounts_card_is_refused(platform: Client) -> None:
    _, ids = belongings(platform)
    stranger = a_connected_account(platform, "card_issuing", "transfers")

    answer = stranger.get("/v1/issuing/tokens", card=ids["issuing/cards"])

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "resource_missing", "card")


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/treasury/{kind}"
        for kind in (
            "transactions",
            "transaction_entries",
            "received_credits",
            "received_debits",
            "credit_reversals",
            "debit_reversals",
            "inbound_transfers",
            "outbound_payments",
            "outbound_transfers",
        )
    ],
)
def test_a_list_of_another_accounts_money_is_refused(platform: Client, path: str) -> None:
    _, ids = belongings(platform)
    stranger = a_connected_account(platform, "treasury", "card_issuing", "transfers")

    answer = stranger.get(path, financial_account=ids["treasury/financial_accounts"])

    assert (answer.status, answer.error["code"], answer.error["param"]) == (
        400,
        "resource_missing",
        "financial_account",
    )


def test_filters_that_name_nothing_of_the_account_find_nothing(platform: Client) -> None:
    _, ids = belongings(platform)
    stranger = a_connected_account(platform, "card_issuing", "transfers")
    authorize(stranger, a_card(stranger, **{"status": "active"}), 1)

    for path, name in (
        ("/v1/issuing/authorizations", "card"),
        ("/v1/issuing/authorizations", "cardholder"),
        ("/v1/issuing/transactions", "card"),
        ("/v1/issuing/transactions", "cardholder"),
        ("/v1/issuing/cards", "cardholder"),
        (DISPUTES, "transaction"),
    ):
        foreign = ids[f"issuing/{name}s"]
        assert stranger.read(path, **{name: foreign})["data"] == []
        assert stranger.read(path, **{name: "nope"})["data"] == []
