"""Data directories that earlier versions have written: opened, read, changed, and found whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.kernel.database.doctor import examine
from emulator.kernel.tenants.copies import exported, imported
from tests.client import Client
from tests.issuing.purchases import authorize, cash_and_pending, done, in_a_step
from tests.kernel.database.older_worlds import KEY, laid_out

CARD = "/v1/issuing/cards"
NOT_THERE_THEN = ("/v1/setup_attempts",)  # and lists only what belongs to something that was not there either
EVERY_LIST = [
    route
    for route in CATALOG.routes
    if route.verb == "GET" and route.is_list and "{" not in route.path and route.path not in NOT_THERE_THEN
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory of schema 2."""
    laid_out(tmp_path)
    return tmp_path


@pytest.fixture
def old(folder: Path) -> Iterator[Client]:
    """The platform of that world."""
    app = create_app(folder)
    yield Client(app, KEY)
    app.emulator.close()  # type: ignore[attr-defined]


def issuer(old: Client) -> Client:
    """The connected account that issues cards there."""
    accounts = [old.acting_as(account["id"]) for account in old.read("/v1/accounts", limit=100)["data"]]
    return next(one for one in accounts if one.read(CARD)["data"] and one.account != old.read("/v1/account")["id"])


def account_of(client: Client) -> str:
    """Its financial account."""
    return client.read("/v1/treasury/financial_accounts")["data"][-1]["id"]


def test_what_was_there_is_read(old: Client) -> None:
    client = issuer(old)
    account = account_of(client)

    assert old.clock()["now"] == 2_000_000_000
    assert cash_and_pending(client, account) == (476_00, 22_00)
    assert [one["status"] for one in client.read("/v1/issuing/authorizations")["data"]] == ["pending", "closed"]
    assert [one["amount"] for one in client.read("/v1/issuing/transactions")["data"]] == [1_00, -3_00]
    assert [one["status"] for one in client.read("/v1/issuing/disputes")["data"]] == ["unsubmitted"]
    assert len(client.read("/v1/treasury/transaction_entries", financial_account=account, limit=100)["data"]) == 9
    assert len(old.read("/_emulator/webhooks/attempts")["data"]) == 4
    assert [one["outcome"] for one in old.read("/_emulator/asks")["data"]] == ["answered", "answered"]
    assert old.settings()["progress_seconds"] == 3600


@pytest.mark.parametrize("route", EVERY_LIST, ids=lambda route: route.path)
def test_everything_that_is_listed_can_be_retrieved(old: Client, route) -> None:
    for account in old.read("/v1/accounts", limit=100)["data"]:
        client = old.acting_as(account["id"])
        named = {}
        if route.path.startswith("/v1/treasury/") and not route.path.endswith("financial_accounts"):
            if not client.read("/v1/treasury/financial_accounts")["data"]:
                continue
            named = {"financial_account": account_of(client)}
        if route.path == "/v1/issuing/tokens":
            issued = client.read(CARD)["data"]
            if not issued:
                continue
            named = {"card": issued[0]["id"]}
        for one in client.read(route.path, limit=100, **named)["data"]:
            path = f"{route.path}/{one.get('id')}"
            if client.app.emulator.tenants.catalog.table.find("GET", path) is not None:  # type: ignore[attr-defined]
                assert client.read(path)["id"] == one["id"]


def test_a_key_of_then_gives_the_reply_of_then(old: Client) -> None:
    client = issuer(old)
    (card,) = client.read(CARD)["data"]

    again = client.post(
        CARD,
        cardholder=card["cardholder"]["id"],
        financial_account=card["financial_account"],
        status="active",
        currency="usd",
        type="virtual",
        headers={"Idempotency-Key": "card-1"},
    )

    assert (again.headers["Idempotent-Replayed"], again.json["id"]) == ("true", card["id"])


def test_life_goes_on_and_the_books_stay_whole(old: Client, folder: Path) -> None:
    client = issuer(old)
    account = account_of(client)
    for endpoint in old.read("/v1/webhook_endpoints")["data"]:
        old.delete(f"/v1/webhook_endpoints/{endpoint['id']}")
    (card,) = client.read(CARD)["data"]
    pending, _ = client.read("/v1/issuing/authorizations")["data"]

    done(client, pending, "capture")
    client.made(f"{CARD}/{card['id']}", metadata={"seen": "yes"})
    old.clock(advance=8 * 24 * 60 * 60)
    more = authorize(client, card["id"], 5_00)

    assert cash_and_pending(client, account) == (471_00, 5_00)
    assert more["status"] == "pending"
    (transfer,) = client.read("/v1/treasury/outbound_transfers", financial_account=account)["data"]
    assert transfer["status"] == "posted"
    assert old.read("/_emulator/due")["data"] == []
    old.app.emulator.close()  # type: ignore[attr-defined]
    assert examine(folder, CATALOG) == []


def test_it_can_be_exported_and_imported(old: Client, tmp_path_factory: pytest.TempPathFactory) -> None:
    tenants = old.app.emulator.tenants  # type: ignore[attr-defined]
    content = exported(tenants.open("old"), "")
    as_it_was_then = laid_out(tmp_path_factory.mktemp("then")).read_bytes()

    for name, file in (("one", content), ("other", as_it_was_then)):
        imported(tenants.open(name), file)
        again = issuer(Client(old.app, f"sk_test_{name}"))
        assert cash_and_pending(again, account_of(again)) == (476_00, 22_00)


def test_what_was_due_then_is_known_by_its_name_of_today(old: Client) -> None:
    with in_a_step(old) as world:
        waiting = world.step.agenda.waiting()

    assert {item.action for item in waiting} == {
        "issuing.authorizations.expire",
        "issuing.disputes.expire",
        "treasury.outbound_transfers.settle",
    }


def test_a_verification_that_waited_then_is_done(tmp_path: Path) -> None:
    with closing(sqlite3.connect(laid_out(tmp_path))) as connection, connection:
        (account,) = connection.execute("SELECT account FROM issuing_card").fetchone()
        connection.execute(
            "INSERT INTO due (due_at, account, action, about, details) VALUES (?, ?, 'onboarding.verify', ?, '{}')",
            (2_000_000_100, account, account),
        )
    app = create_app(tmp_path)
    old = Client(app, KEY)

    with in_a_step(old) as world:
        (waiting,) = (item for item in world.step.agenda.waiting() if item.about == account)
    old.clock(advance=100)

    assert waiting.action == "connect.reviewing.verify"
    with in_a_step(old) as world:
        assert not [item for item in world.step.agenda.waiting() if item.about == account]
    assert old.read("/_emulator/due")["data"] == []
    app.emulator.close()  # type: ignore[attr-defined]


def test_the_doctor_finds_it_whole_as_it_is(folder: Path) -> None:
    assert examine(folder, CATALOG) == []
