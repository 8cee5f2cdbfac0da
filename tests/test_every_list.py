"""Every list: a page asks the database as often for ten rows as for one, and has more only where there is more."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest

from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.connect.bank_test_numbers import NATIONAL
from emulator.data.capabilities import CAPABILITIES
from emulator.data.currencies import CURRENCIES
from emulator.developer.webhook_endpoints import MOST_ENDPOINTS
from emulator.kernel.render import DEEPEST
from emulator.kernel.routes import Route
from emulator.kernel.tenants import Tenant
from tests.balances.paying import PAYOUTS, a_business, ended, paid_out, topped_up
from tests.client import Client
from tests.connect.shapes import ALL, BANK, account_of, company, individual
from tests.contract.operations import unnamed
from tests.issuing.holders import a_card, a_cardholder, a_physical_card
from tests.issuing.purchases import (
    a_spender,
    a_treasury_spender,
    authorize,
    done,
    force_capture,
    fund,
    refund,
)
from tests.statements import Asked, asking
from tests.treasury import worlds
from tests.treasury.collecting import set_up
from tests.treasury.sending import OBP, OBT, helped, paid
from tests.treasury.worlds import connected

IBT = "/v1/treasury/inbound_transfers"
HOME = {"US": "usd", "CA": "cad", "GB": "gbp", "AU": "aud"}
ROUTING = {"US": "110000000", "CA": "11000-000", "GB": "108800", "AU": "110000"}
BANKS = [
    {"country": country, "currency": HOME[country], "routing_number": routing, "account_number": number}
    for country, routing in ROUTING.items()
    for number in NATIONAL[country].split()
]


class Listing(NamedTuple):
    """A list with its filters, as one client reads it, and how it gets one more row."""

    client: Client
    path: str
    add: Callable[[int], Any]
    filters: dict[str, Any] = {}  # noqa: RUF012


def accounts(platform: Client) -> Listing:
    return Listing(
        platform, "/v1/accounts", lambda number: account_of(platform, *ALL, external_account=BANK, **individual())
    )


def capabilities(platform: Client) -> Listing:
    account = f"/v1/accounts/{account_of(platform)['id']}"
    rest = [name for name in CAPABILITIES if name not in ALL and name.endswith("_payments")]
    return Listing(
        platform,
        f"{account}/capabilities",
        lambda number: platform.made(f"{account}/capabilities/{rest[number]}", requested=True),
    )


def persons(platform: Client) -> Listing:
    path = f"/v1/accounts/{account_of(platform, **company())['id']}/persons"
    return Listing(platform, path, lambda number: platform.made(path, first_name=f"Ada {number}"))


def banks(name: str) -> Callable[[Client], Listing]:
    def listing(platform: Client) -> Listing:
        path = f"/v1/accounts/{account_of(platform)['id']}/{name}"
        return Listing(
            platform,
            path,
            lambda number: platform.made(path, external_account={**BANK, **BANKS[number]}),
        )

    return listing


def financial_accounts(platform: Client) -> Listing:
    business = worlds.connected(platform, **individual())

    def add(number: int) -> None:
        id = worlds.opened(business)
        if number >= 2:
            business.made(f"{worlds.ACCOUNTS}/{id}/close")

    return Listing(business, worlds.ACCOUNTS, add)


def of_financial_account(path: str, happens: Callable[[Client, str], Any]) -> Callable[[Client], Listing]:
    """A list of one financial account, to which something happens again and again."""

    def listing(platform: Client) -> Listing:
        business = worlds.connected(platform)
        id = worlds.opened(business)
        if path not in (worlds.TRANSACTIONS, worlds.ENTRIES, worlds.CREDITS):
            worlds.send(business, id, 500_00)
        return Listing(business, path, lambda number: happens(business, id), {"financial_account": id})

    return listing


def undo(client: Client, id: str) -> None:
    """A debit, and its reversal."""
    client.made(worlds.REVERSALS, received_debit=worlds.take(client, id, 1_00)["id"])


def send_back(client: Client, id: str) -> None:
    """A credit, and its reversal."""
    client.made(worlds.CREDIT_REVERSALS, received_credit=worlds.send(client, id, 1_00)["id"])


def transfer_away(client: Client, id: str) -> None:
    """A transfer to a bank that comes back."""
    given = {"amount": 1_00, "currency": "usd", "financial_account": id}
    made = client.made(OBT, destination_payment_method="pm_usBankAccount_processing", **given)
    helped(client, made, "return")


def pay_away(client: Client, id: str) -> None:
    """A payment to a bank that sends it back."""
    helped(client, paid(client, id, 1_00), "return")


def transfer_in(client: Client, id: str) -> None:
    """A transfer from a bank that takes it back."""
    given = {"amount": 1_00, "currency": "usd", "financial_account": id}
    method = set_up(client, "inbound")["payment_method"]
    made = client.made(IBT, origin_payment_method=method, **given)
    for verb in ("succeed", "return"):
        client.made(f"/v1/test_helpers/treasury/inbound_transfers/{made['id']}/{verb}")


def transfer_here(client: Client, id: str) -> None:
    """A transfer from another financial account of the same owner."""
    others = [one["id"] for one in client.read(worlds.ACCOUNTS)["data"] if one["id"] != id]
    source = others[0] if others else worlds.opened(client)
    worlds.send(client, source, 1_00)
    data = {"type": "financial_account", "financial_account": id}
    given = {"amount": 1_00, "currency": "usd", "financial_account": source}
    made = client.made(OBT, destination_payment_method_data=data, **given)
    client.read(f"{OBT}/{made['id']}")


def topups(path: str) -> Callable[[Client], Listing]:
    return lambda platform: Listing(
        platform, path, lambda number: platform.made("/v1/topups", amount=1_00, currency="usd")
    )


def payouts(platform: Client) -> Listing:
    business, _ = a_business(platform)

    def add(number: int) -> None:
        """A payout and its reversal, which name each other."""
        payout = ended(business, paid_out(business, 1_00))
        business.made(f"{PAYOUTS}/{payout['id']}/reverse")

    return Listing(business, PAYOUTS, add)


def transfers(path: str) -> Callable[[Client], Listing]:
    def listing(platform: Client) -> Listing:
        business = connected(topped_up(platform, 1_000_00))
        first = platform.made("/v1/transfers", amount=100_00, currency="usd", destination=business.account)["id"]

        def add(number: int) -> None:
            """A transfer and its reversal, or one more reversal of the first."""
            id = first
            if path == "/v1/transfers" and number:
                id = platform.made("/v1/transfers", amount=2, currency="usd", destination=business.account)["id"]
            platform.made(f"/v1/transfers/{id}/reversals", amount=1)

        return Listing(platform, path.replace("{id}", first), add)

    return listing


def designs(platform: Client) -> Listing:
    bundle = platform.read("/v1/issuing/physical_bundles")["data"][0]["id"]
    path = "/v1/issuing/personalization_designs"
    return Listing(
        platform,
        path,
        lambda number: platform.made(path, physical_bundle=bundle, name=f"n{number}"),
        {"status": "active"},
    )


def cards(platform: Client) -> Listing:
    def add(number: int) -> None:
        lost = a_physical_card(platform, status="active")
        platform.made(f"/v1/issuing/cards/{lost['id']}", status="canceled", cancellation_reason="lost")
        again = {"replacement_for": lost["id"], "replacement_reason": "lost", "cardholder": lost["cardholder"]["id"]}
        a_physical_card(platform, **again)

    return Listing(platform, "/v1/issuing/cards", add, {"status": "inactive"})


def purchase(client: Client, card: dict[str, Any]) -> None:
    """A purchase with a telephone that is collected in part, and partly paid back."""
    asked = authorize(client, card, 10_00, wallet="apple_pay")
    made = done(client, asked, "capture", capture_amount=4_00, close_authorization=False)
    assert refund(client, made["transactions"][0], refund_amount=1_00).status == 200


def purchases(path: str) -> Callable[[Client], Listing]:
    return lambda platform: Listing(platform, path, lambda number: purchase(platform, a_spender(platform, 20_00)))


def treasury_purchases(path: str) -> Callable[[Client], Listing]:
    def listing(platform: Client) -> Listing:
        business, account, _ = a_treasury_spender(platform, 500_00)
        more = {"status": "active", "spending_controls": {"spending_limits": None}, "financial_account": account}
        return Listing(business, path, lambda number: purchase(business, a_card(business, **more)))

    return listing


def tokens(platform: Client) -> Listing:
    card = a_spender(platform, 20_00)
    path = "/v1/issuing/tokens"
    return Listing(
        platform, path, lambda number: authorize(platform, card, 1, wallet="apple_pay"), {"card": card["id"]}
    )


def instructions(platform: Client) -> Listing:
    path = "/v1/issuing/funding_instructions"
    return Listing(platform, path, lambda number: fund(platform, 1_00, CURRENCIES[number]))


def disputes(platform: Client) -> Listing:
    def add(number: int) -> None:
        bought = force_capture(platform, a_spender(platform, 20_00), 10_00)
        file = (io.BytesIO(b"%PDF evidence"), "evidence.pdf")
        proof = platform.made("/v1/files", purpose="dispute_evidence", file=file)["id"]
        evidence = {"explanation": "winning_evidence", "additional_documentation": proof}
        made = platform.made(
            "/v1/issuing/disputes",
            transaction=bought["id"],
            evidence={"reason": "fraudulent", "fraudulent": evidence},
        )
        platform.made(f"/v1/issuing/disputes/{made['id']}/submit")

    return Listing(platform, "/v1/issuing/disputes", add)


def files(platform: Client) -> Listing:
    def add(number: int) -> None:
        file = (io.BytesIO(b"%PDF evidence"), "evidence.pdf")
        platform.made("/v1/files", purpose="dispute_evidence", file=file, file_link_data={"create": True})

    return Listing(platform, "/v1/files", add)


def file_links(platform: Client) -> Listing:
    def add(number: int) -> None:
        file = (io.BytesIO(b"%PDF evidence"), "evidence.pdf")
        platform.made("/v1/files", purpose="dispute_evidence", file=file, file_link_data={"create": True})

    return Listing(platform, "/v1/file_links", add, {"expired": False})


def events(platform: Client) -> Listing:
    platform.made("/v1/webhook_endpoints", url="http://127.0.0.1:9/hook", enabled_events=["*"])
    return Listing(
        platform, "/v1/events", lambda number: a_cardholder(platform), {"type": "issuing_cardholder.created"}
    )


def clocks(platform: Client) -> Listing:
    path = "/v1/test_helpers/test_clocks"
    return Listing(platform, path, lambda number: platform.made(path, frozen_time=1_700_000_000))


def endpoints(platform: Client) -> Listing:
    path = "/v1/webhook_endpoints"
    return Listing(
        platform, path, lambda number: platform.made(path, url="http://127.0.0.1:9/hook", enabled_events=["*"])
    )


def setup_intents(platform: Client) -> Listing:
    path = "/v1/setup_intents"
    return Listing(platform, path, lambda number: platform.made(path, payment_method="pm_card_visa"))


PAID = {"amount": 10_00, "currency": "usd", "confirm": True, "return_url": "https://example.com"}


def payments(path: str, method: str = "pm_card_visa") -> Callable[[Client], Listing]:
    """Payments of customers, or what follows from them."""

    def listing(platform: Client) -> Listing:
        def add(number: int) -> None:
            customer = platform.made("/v1/customers")["id"]
            made = platform.made("/v1/payment_intents", **PAID, payment_method=method, customer=customer)
            if path == "/v1/refunds":
                platform.made(path, payment_intent=made["id"])

        return Listing(platform, path, add)

    return listing


def refunds_of_a_charge(platform: Client) -> Listing:
    charge = platform.made("/v1/payment_intents", **PAID, payment_method="pm_card_visa")["latest_charge"]
    return Listing(
        platform,
        f"/v1/charges/{charge}/refunds",
        lambda number: platform.made("/v1/refunds", charge=charge, amount=1),
    )


def fees(path: str) -> Callable[[Client], Listing]:
    """Fees of direct charges, or what was given back of one."""

    def listing(platform: Client) -> Listing:
        business = connected(platform)

        def charged() -> str:
            sent = {**PAID, "application_fee_amount": 2_00, "payment_method": "pm_card_visa"}
            return business.made("/v1/payment_intents", **sent, capture_method="automatic")["latest_charge"]

        first = charged()
        fee = platform.read("/v1/application_fees")["data"][0]["id"]

        def add(number: int) -> None:
            id = charged() if path == "/v1/application_fees" and number else first
            business.made("/v1/refunds", charge=id, amount=10, refund_application_fee=True)

        return Listing(platform, path.replace("{id}", fee), add)

    return listing


def customer_sources(platform: Client) -> Listing:
    path = f"/v1/customers/{platform.made('/v1/customers')['id']}/sources"
    return Listing(platform, path, lambda number: platform.made(path, source="tok_visa"))


def setup_attempts(platform: Client) -> Listing:
    types = {"allowed_payment_method_types": ["card"]}
    intent = platform.made("/v1/setup_intents", **types)["id"]
    return Listing(
        platform,
        "/v1/setup_attempts",
        lambda number: platform.post(f"/v1/setup_intents/{intent}/confirm", payment_method="pm_card_chargeDeclined"),
        {"setup_intent": intent},
    )


def customers(platform: Client) -> Listing:
    return Listing(platform, "/v1/customers", lambda number: platform.made("/v1/customers", name=f"Customer {number}"))


def methods(path: str) -> Callable[[Client], Listing]:
    """The payment methods of a customer, at `path` with its id."""

    def listing(platform: Client) -> Listing:
        customer = platform.made("/v1/customers", name="Jenny Rosen")["id"]

        def add(number: int) -> None:
            platform.made("/v1/payment_methods/pm_card_visa/attach", customer=customer)

        filters = {} if "{customer}" in path else {"customer": customer}
        return Listing(platform, path.format(customer=customer), add, filters)

    return listing


def products(platform: Client) -> Listing:
    price = {"currency": "usd", "unit_amount": 1_00}
    return Listing(
        platform, "/v1/products", lambda number: platform.made("/v1/products", name="Gold", default_price_data=price)
    )


def payment_links(platform: Client) -> Listing:
    data = {"currency": "usd", "unit_amount": 1_00, "product_data": {"name": "Gold"}}
    line = {"price_data": data, "quantity": 1}
    return Listing(
        platform, "/v1/payment_links", lambda number: platform.made("/v1/payment_links", line_items=[line, line])
    )


def prices(platform: Client) -> Listing:
    tiers = [{"up_to": 10, "unit_amount": 5}, {"up_to": "inf", "unit_amount": 4}]
    sent = {"billing_scheme": "tiered", "currency": "usd", "tiers": tiers, "tiers_mode": "volume"}
    return Listing(
        platform, "/v1/prices", lambda number: platform.made("/v1/prices", product_data={"name": "Gold"}, **sent)
    )


LISTINGS: dict[str, Callable[[Client], Listing]] = {
    "/v1/accounts": accounts,
    "/v1/application_fees": fees("/v1/application_fees"),
    "/v1/application_fees/{id}/refunds": fees("/v1/application_fees/{id}/refunds"),
    "/v1/charges": payments("/v1/charges"),
    "/v1/charges/{charge}/refunds": refunds_of_a_charge,
    "/v1/customers/{customer}/sources": customer_sources,
    "/v1/disputes": payments("/v1/disputes", "pm_card_createDispute"),
    "/v1/payment_intents": payments("/v1/payment_intents"),
    "/v1/refunds": payments("/v1/refunds"),
    "/v1/accounts/{account}/bank_accounts": banks("bank_accounts"),
    "/v1/accounts/{account}/capabilities": capabilities,
    "/v1/accounts/{account}/external_accounts": banks("external_accounts"),
    "/v1/accounts/{account}/persons": persons,
    "/v1/balance/history": topups("/v1/balance/history"),
    "/v1/balance_transactions": topups("/v1/balance_transactions"),
    "/v1/customers": customers,
    "/v1/customers/{customer}/payment_methods": methods("/v1/customers/{customer}/payment_methods"),
    "/v1/events": events,
    "/v1/file_links": file_links,
    "/v1/files": files,
    "/v1/issuing/authorizations": purchases("/v1/issuing/authorizations"),
    "/v1/issuing/authorizations on a financial account": treasury_purchases("/v1/issuing/authorizations"),
    "/v1/issuing/cardholders": lambda platform: Listing(
        platform, "/v1/issuing/cardholders", lambda number: a_cardholder(platform)
    ),
    "/v1/issuing/cards": cards,
    "/v1/issuing/disputes": disputes,
    "/v1/issuing/funding_instructions": instructions,
    "/v1/issuing/personalization_designs": designs,
    "/v1/issuing/tokens": tokens,
    "/v1/issuing/transactions": purchases("/v1/issuing/transactions"),
    "/v1/issuing/transactions on a financial account": treasury_purchases("/v1/issuing/transactions"),
    "/v1/payment_methods": methods("/v1/payment_methods"),
    PAYOUTS: payouts,
    "/v1/payment_links": payment_links,
    "/v1/prices": prices,
    "/v1/products": products,
    "/v1/setup_attempts": setup_attempts,
    "/v1/setup_intents": setup_intents,
    "/v1/test_helpers/test_clocks": clocks,
    "/v1/topups": topups("/v1/topups"),
    "/v1/transfers": transfers("/v1/transfers"),
    "/v1/transfers/{id}/reversals": transfers("/v1/transfers/{id}/reversals"),
    "/v1/treasury/credit_reversals": of_financial_account(worlds.CREDIT_REVERSALS, send_back),
    "/v1/treasury/debit_reversals": of_financial_account(worlds.REVERSALS, undo),
    "/v1/treasury/financial_accounts": financial_accounts,
    "/v1/treasury/inbound_transfers": of_financial_account(IBT, transfer_in),
    "/v1/treasury/outbound_payments": of_financial_account(OBP, pay_away),
    "/v1/treasury/outbound_transfers": of_financial_account(OBT, transfer_away),
    "/v1/treasury/received_credits": of_financial_account(worlds.CREDITS, transfer_here),
    "/v1/treasury/received_debits": of_financial_account(
        worlds.DEBITS, lambda client, id: worlds.take(client, id, 1_00)
    ),
    "/v1/treasury/transaction_entries": of_financial_account(
        worlds.ENTRIES, lambda client, id: worlds.send(client, id, 1_00)
    ),
    "/v1/treasury/transactions": of_financial_account(
        worlds.TRANSACTIONS, lambda client, id: worlds.send(client, id, 1_00)
    ),
    "/v1/webhook_endpoints": endpoints,
}
# The account that can be expanded in its bank accounts counts all of them, and so do transfers, charges and fees.
OF_WHAT_IS_EXPANDED = {
    "/v1/accounts/{account}/bank_accounts",
    "/v1/accounts/{account}/external_accounts",
    "/v1/transfers/{id}/reversals",
    "/v1/application_fees/{id}/refunds",
    "/v1/charges/{charge}/refunds",
}
UNPAGED = {"/v1/accounts/{account}/capabilities"}
# There is one bundle, and nobody can make another; a payment link has the items that it was made with.
OF_ONE = {"/v1/issuing/physical_bundles", "/v1/payment_links/{}/line_items"}


def expandable(listing: Listing) -> list[str]:
    """Everything that a list can be asked to expand."""
    route, _ = CATALOG.table.find("GET", listing.path)  # type: ignore[misc]
    kind: Any = route.returns  # type: ignore[union-attr]
    if kind is None:
        return []
    shown = [path for path, include in kind.includes.items() if include.where == "anywhere"]
    return [f"data.{path}" for path in (*kind.expands, *kind.embeds, *shown) if path.count(".") + 2 <= DEEPEST]


def takes_pages(route: Route) -> bool:
    """Whether an operation has a parameter `limit`, as all lists but one have."""
    return "limit" in route.params._declared_fields  # type: ignore[attr-defined]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Client, Asked]]:
    """A platform of its own, and what its database is asked."""
    with asking() as asked:
        app = create_app(tmp_path)
        yield Client(app, "sk_test_lists"), asked
        app.emulator.close()  # type: ignore[attr-defined]


def test_every_list_is_looked_at() -> None:
    lists = {
        route.path
        for route in CATALOG.routes
        if route.verb == "GET" and route.path.startswith("/v1/") and (route.is_list or takes_pages(route))
    }

    assert {unnamed(path.partition(" ")[0]) for path in LISTINGS} | OF_ONE == {unnamed(path) for path in lists}


class Page(NamedTuple):
    """What came of reading a page: how many rows, whether there are more, and what the database was asked."""

    rows: int
    has_more: bool
    asked: list[str]
    steps: int


def read(listing: Listing, asked: Asked, **params: Any) -> Page:
    """A page, read twice, so that nothing is done for the first time, and made anew each time."""
    nobody_asks = mock.patch.object(Tenant, "look_at_questions", lambda tenant: None)  # as is done now and then
    with nobody_asks, mock.patch.object(Tenant, "revision", lambda tenant: None):
        listing.client.read(listing.path, **listing.filters, **params)
        asked.clear()
        page = listing.client.read(listing.path, **listing.filters, **params)
    return Page(len(page["data"]), page["has_more"], [*asked.statements], asked.steps)


@pytest.mark.parametrize("name", LISTINGS)
def test_a_page_asks_the_database_as_often_for_ten_rows_as_for_one(fresh: tuple[Client, Asked], name: str) -> None:
    platform, asked = fresh
    listing = LISTINGS[name](platform)
    everything = {"expand": expandable(listing)}
    listing.add(0)
    one, one_expanded = read(listing, asked), read(listing, asked, **everything)
    for number in range(1, 10):
        listing.add(number)

    ten, ten_expanded = read(listing, asked), read(listing, asked, **everything)

    assert ten.rows == ten_expanded.rows >= 10 > one.rows
    assert len(ten.asked) == len(one.asked), "\n".join(ten.asked)
    assert len(ten_expanded.asked) == len(one_expanded.asked), "\n".join(ten_expanded.asked)


@pytest.mark.parametrize("name", [name for name in LISTINGS if name not in UNPAGED])
def test_a_page_costs_the_same_however_many_rows_there_are_behind_it(fresh: tuple[Client, Asked], name: str) -> None:
    platform, asked = fresh
    listing = LISTINGS[name](platform)
    few, many = 6, MOST_ENDPOINTS if name == "/v1/webhook_endpoints" else 30
    for number in range(few):
        listing.add(number)
    everything = {"limit": 5, "expand": [] if name in OF_WHAT_IS_EXPANDED else expandable(listing)}
    first = read(listing, asked, **everything)
    for number in range(few, many):
        listing.add(number)

    last = read(listing, asked, **everything)

    assert (first.rows, last.rows, last.has_more) == (5, 5, True)
    assert last.steps < first.steps * 1.2, "\n".join(last.asked)


@pytest.mark.parametrize("name", [name for name in LISTINGS if name not in UNPAGED])
def test_a_list_has_more_only_where_its_page_does_not_show_all(fresh: tuple[Client, Asked], name: str) -> None:
    platform, asked = fresh
    listing = LISTINGS[name](platform)
    for number in range(3):
        listing.add(number)
    rows = read(listing, asked, limit=100).rows

    pages = [read(listing, asked, limit=limit) for limit in (rows - 1, rows, rows + 1)]

    assert [(page.rows, page.has_more) for page in pages] == [(rows - 1, True), (rows, False), (rows, False)]
