"""Stripe's two sample platforms from the registration of a business to its deletion, each as its user goes through it.

Their calls are in `sample_apps.js`, through releases of the official stripe-node, and in `sample_apps.py`, through the
official package for Python; here is who registers, is onboarded, looks at a card, buys, is paid and leaves.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask import Flask

from emulator.app import create_app
from tests import packages
from tests.browsers import Tab, browsing, chromium, until
from tests.client import Client
from tests.clients.sample_apps import APPS
from tests.issuing.purchases import findings
from tests.serving import Served, served

HERE = Path(__file__).parent
RELEASES = ("stripe-node 20.2.0", "stripe-node 23.1.0")  # what the samples pin, and the newest
COUNTRIES = {"US": "embedded-finance", "GB": "expense-management", "DE": "expense-management"}
CURRENCIES = {"US": "usd", "GB": "gbp", "DE": "eur"}
HOMES: dict[str, dict[str, Any]] = {
    "US": {
        "phone": "+12025550123",
        "address": {
            "line1": "123 Main Street",
            "city": "San Francisco",
            "state": "CA",
            "postal_code": "94111",
            "country": "US",
        },
    },
    "GB": {
        "phone": "+447911123456",
        "address": {
            "line1": "1 High Street",
            "city": "London",
            "state": "LND",
            "postal_code": "N1 1AA",
            "country": "GB",
        },
    },
    "DE": {
        "phone": "+493012345678",
        "address": {"line1": "Allee 1", "city": "Berlin", "state": "BE", "postal_code": "10115", "country": "DE"},
    },
}
EMAIL = "owner@example.com"
FIVE_DAYS = 5 * 86400


class Refused(Exception):
    """What an app answers where it cannot do what it is asked for."""


class Place(NamedTuple):
    """An emulator in this process, and where it is reached."""

    app: Flask
    url: str


class User:
    """Somebody who uses an app, and what they can see of the emulator meanwhile."""

    def __init__(
        self, at: Place, key: str, country: str, send: Callable[[str, dict[str, Any]], dict[str, Any]]
    ) -> None:
        self.app, self.url = at
        self.key, self.country, self.send = key, country, send
        self.account = ""
        self.tab: Tab | None = None

    def asks(self, route: str, **params: Any) -> dict[str, Any]:
        """What a route of the app answers about the business of this user."""
        return self.send(route, {"account": self.account, **params} if self.account else params)

    def control(self, path: str, **params: Any) -> Any:
        """What the emulator's own API answers."""
        answer = httpx.post(f"{self.url}/_emulator/{path}", auth=(self.key, ""), data=params, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pays(self, url: str) -> None:
        """What a customer does who is sent to a payment link: take the first test card, and pay."""
        if self.tab is None:
            with httpx.Client(follow_redirects=True, trust_env=False) as http:
                page = http.get(url)
                ((there, form),) = re.findall(
                    r'action="([^"]+)">\s*<input type="hidden" name="form" value="([^"]+)"', page.text
                )
                sent = {"form": form, "email": "jenny.rosen@example.com", "name": "Jenny Rosen", "card": "visa"}
                answer = http.post(str(page.url.join(there)), data=sent)
            assert answer.status_code == 200 and "Thank" in answer.text, answer.text
            return
        tab = self.tab
        tab.ask("Page.navigate", url=url)
        until(lambda: "Bread" in tab.run("document.body?.innerText ?? ''"))
        tab.run("document.querySelector('#card').value = 'visa'; document.querySelector('#pay').click()")
        until(lambda: "Thank" in tab.run("document.body?.innerText ?? ''"))

    def waits(self, seconds: int) -> None:
        """Let so much time pass in this world."""
        self.control("clock", advance=seconds)

    def now(self) -> int:
        """What time it is there."""
        return self.control("clock", advance=0)["now"]

    def reads_card(self, card: str) -> str:
        """The number of a card, by the requests that Stripe.js sends for a page."""
        version = {"Stripe-Version": "2022-08-01", "Stripe-Account": self.account}
        shown = (self.key.replace("sk_", "pk_"), "")
        with httpx.Client(base_url=f"{self.url}/v1", headers=version, trust_env=False) as page:
            nonces = page.post("/ephemeral_key_nonces", auth=shown).json()
            secret = self.asks("card_keys", card=card, nonce=nonces["public_nonce"])["secret"]
            sent = {"ephemeral_key_private_nonce": nonces["private_nonce"], "expand[0]": "number", "expand[1]": "cvc"}
            answer = page.get(f"/issuing/cards/{card}", params=sent, headers={"Authorization": f"Bearer {secret}"})
        return answer.json()["number"]


# The apps, running


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The server as it is shipped."""
    app = create_app(tmp_path_factory.mktemp("shipped") / "data")
    with Served(app) as server:
        yield Place(app, server.url)
    app.emulator.close()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One whose replies are held against the contract."""
    app = create_app(tmp_path_factory.mktemp("checked") / "data")
    with served(app) as url:
        yield Place(app, url)
    app.emulator.close()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def in_node(shipped: Place) -> Iterator[Callable[[str], Any]]:
    """What sends a line to the process of a release, which is started once, and gives back its answer."""
    with ExitStack() as ends:

        @cache
        def started(release: str) -> subprocess.Popen[str]:
            node = shutil.which("node")
            if node is None:
                pytest.skip("node is not installed, so stripe-node cannot be tried")
            try:
                folder = packages.from_npm("stripe", release)
            except packages.Unreachable as reason:
                pytest.skip(str(reason))
            command = [node, str(HERE / "sample_apps.js"), str(folder), *shipped.url.removeprefix("http://").split(":")]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            ends.enter_context(process)
            ends.callback(process.stdin.close)  # type: ignore[union-attr]
            return process

        def answer(release: str, line: str) -> str:
            process = started(release)
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(line + "\n")
            process.stdin.flush()
            return process.stdout.readline()

        yield answer


@pytest.fixture(params=[*(pytest.param(one, marks=pytest.mark.npm) for one in RELEASES), "stripe-python"])
def client(request: pytest.FixtureRequest) -> str:
    """What the apps speak through."""
    return request.param


@pytest.fixture
def user(request: pytest.FixtureRequest, client: str, key: str, way: str) -> Iterator[User]:
    """A user of the app for a country; who is onboarded on our pages has a browser."""
    made = a_user(request, client, key)
    user = next(made)
    if way == "hosted":
        user.tab = request.getfixturevalue("tab")
    yield user
    next(made, None)


def a_user(request: pytest.FixtureRequest, client: str, key: str) -> Iterator[User]:
    """Through the app in this process, or in that of a release of stripe-node."""
    country, name = request.param, COUNTRIES[request.param]
    if client == "stripe-python":
        at = request.getfixturevalue("checked")
        app = APPS[name](at.url, key)

        def in_python(route: str, params: dict[str, Any]) -> dict[str, Any]:
            try:
                return getattr(app, route)(**params)
            except ValueError as no:
                raise Refused(f"{route}: {no}") from None

        yield User(at, key, country, in_python)
        app.close()
        return
    ask = request.getfixturevalue("in_node")

    def in_node(route: str, params: dict[str, Any]) -> dict[str, Any]:
        line = json.dumps({"app": name, "route": route, "key": key, "params": params})
        said = json.loads(ask(client.split()[1], line))
        if "error" in said:
            raise Refused(f"{route}: {said['error']}")
        return said["data"]

    yield User(request.getfixturevalue("shipped"), key, country, in_node)


# A browser


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of a real browser."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed, so nobody can visit the pages")
    with browsing(program, tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The front end of the apps, whose page for cards loads Stripe.js from the emulator that its address names."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            place = urlsplit(self.path)
            body = place.path
            if place.path == "/card":
                emulator = parse_qs(place.query)["at"][0]
                body = f'<!doctype html><script src="{emulator}/v3/"></script><div id="card"></div>'
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def is_onboarded_in(tab: Tab, site: str, url: str) -> int:
    """Go through the pages of hosted onboarding as they are filled in, until back at the app. How many there were."""
    tab.ask("Page.navigate", url=url)
    pages = 0
    while True:
        until(lambda: tab.run(f"document.readyState === 'complete' && location.href !== {json.dumps(url)}"))
        if tab.run("location.href") == f"{site}/":
            return pages
        at = tab.run("document.title = 'seen', location.pathname")
        assert at.startswith("/setup/"), at
        tab.run("document.querySelector('button').click()")
        until(lambda: tab.run("document.readyState === 'complete' && document.title !== 'seen'"))
        pages += 1


def sees_card(user: User, tab: Tab, site: str, card: str) -> str:
    """The number that a page of the app shows with Issuing Elements."""
    tab.open(f"{site}/card?at={user.url}")
    options = json.dumps({"stripeAccount": user.account, "apiVersion": "2022-08-01"})
    tab.run(f"window.stripe = Stripe('{user.key.replace('sk_', 'pk_')}', {options}); 0")
    nonce = tab.run(f"stripe.createEphemeralKeyNonce({{issuingCard: '{card}'}})")["nonce"]
    secret = user.asks("card_keys", card=card, nonce=nonce)["secret"]
    given = json.dumps({"issuingCard": card, "nonce": nonce, "ephemeralKeySecret": secret})
    tab.run(
        f"""new Promise((resolve) => {{
            const element = stripe.elements().create('issuingCardNumberDisplay', {given});
            element.on('ready', resolve);
            element.mount('#card');
        }}).then(() => 0)"""
    )
    return tab.texts()[0].replace(" ", "")


# What its user does


def registers(user: User) -> None:
    """A business signs up, and logs in."""
    user.account = user.asks("register", country=user.country, email=EMAIL)["account"]
    seen = user.asks("login")
    assert (seen["name"], seen["country"], seen["currency"]) == (None, user.country, CURRENCIES[user.country])


def is_ready(user: User) -> None:
    """Nothing but a bank account is asked for any more."""
    currency = CURRENCIES[user.country]
    assert user.asks("login") == {
        "name": "Rocket Bread",
        "country": user.country,
        "currency": currency,
        "outstanding": [],
    }


def is_onboarded(user: User, way: str, site: str) -> None:
    """What the app knows goes to Stripe: all of it, or the terms are accepted on the page that the link leads to."""
    about = {"country": user.country, "email": EMAIL, "site": site, "skip": way == "demo"}
    redirect = user.asks("onboard", **about)["redirect"]
    if way == "demo":
        assert redirect == "/"
    else:
        assert is_onboarded_in(user.tab, site, redirect) == 1


def gets_cards(user: User) -> str:
    """A cardholder with a physical card and a virtual one, which is the one given back."""
    currency = CURRENCIES[user.country]
    holder = user.asks("cardholders", **HOMES[user.country])
    assert (holder["name"], holder["due"]) == ("Lovelace", [])
    virtual, physical = (
        user.asks("cards", cardholder=holder["id"], currency=currency, type=type) for type in ("virtual", "physical")
    )
    assert (virtual["status"], physical["status"]) == ("active", "inactive")
    for status in ("active", "inactive"):
        assert user.asks("switch_card_status", card=physical["id"], status=status)["status"] == status
    return virtual["id"]


def sees(user: User, card: str, site: str) -> None:
    """The card's number, in a browser where there is one."""
    number = user.reads_card(card)
    assert number.startswith("4000") and len(number) == 16
    if user.tab is not None:
        assert sees_card(user, user.tab, site, card) == number


def buys(user: User, card: str) -> None:
    """Three purchases: without being asked, then approved and declined by the platform's endpoint."""
    bought = {"card": card, "currency": CURRENCIES[user.country]}
    alone = user.asks("create_authorization", **bought)
    user.asks("decide", approves=True)
    approved = user.asks("create_authorization", **bought)
    user.asks("decide", approves=False)
    declined = user.asks("create_authorization", **bought)

    assert alone == {"approved": True, "reason": "card_active", "status": "closed"}
    assert approved == {"approved": True, "reason": "webhook_approved", "status": "closed"}
    assert declined == {"approved": False, "reason": "webhook_declined"}
    assert user.asks("card_lists", card=card) == {
        "cardholders": ["Ada Example"],
        "cards": ["physical", "virtual"],
        "authorizations": [False, True, True],
        "last": "Rocket Rides",
        "holder": "Ada Example",
        "spent": 20_00,
    }


def is_paid(user: User) -> None:
    """A customer pays ten dollars, pounds or euros, which can be paid out days later."""
    currency = CURRENCIES[user.country]
    first, second = (user.asks("create_payment_link", currency=currency) for _ in range(2))
    assert (first["reused"], second["reused"]) == (False, True)
    user.pays(second["url"])
    assert user.asks("test_data") == {"bank": user.tab is not None, "available": 0, "currency": currency}
    user.waits(FIVE_DAYS)


def is_paid_out(user: User, country: str) -> int:
    """What can be paid out goes to the bank account, which the app adds where there is none. How much it was."""
    currency = CURRENCIES[user.country]
    seen = user.asks("test_data")
    if not seen["bank"]:
        assert user.asks("add_external_account", currency=currency) == {"currency": currency, "country": country}
    payout = user.asks("create_payout", currency=currency)
    assert payout == {"amount": seen["available"], "status": "pending"}
    assert user.asks("test_data")["available"] == 0
    with pytest.raises(Refused, match="There is nothing to pay out"):
        user.asks("create_payout", currency=currency)
    return seen["available"]


def leaves(user: User) -> None:
    """The account is gone, and with it what the platform may do for it. All adds up."""
    assert user.asks("delete_account") == {"deleted": True, "afterwards": "account_invalid"}
    assert findings(Client(user.app, user.key)) == []


ONBOARDING = pytest.mark.parametrize(
    "way, onboarding", [("demo", "instant"), ("demo", "verify"), ("hosted", "instant"), ("hosted", "verify")]
)


@ONBOARDING
@pytest.mark.parametrize("user", ["US"], indirect=True)
def test_a_business_with_a_financial_account(user: User, way: str, onboarding: str, site: str) -> None:
    user.control("settings", onboarding=onboarding)
    registers(user)
    is_onboarded(user, way, site)
    is_ready(user)

    user.asks("create_receivedcredit")
    card = gets_cards(user)
    sees(user, card, site)
    buys(user, card)
    is_paid(user)
    paid_out = is_paid_out(user, "US")
    sent = [("ach", "post"), ("us_domestic_wire", "post"), ("ach", "fail"), ("ach", "processing")]
    statuses = [user.asks("send_money", network=network, result=result)["status"] for network, result in sent]

    assert statuses == ["posted", "posted", "failed", "processing"]
    assert user.asks("create_account_session") == {"secret": "string"}
    receipt, none = "string", "undefined"
    arrived = [["received_credit", paid_out, "posted", receipt]] if way == "demo" else []  # else at the user's bank
    assert user.asks("overview", now=user.now()) == {
        "cash": 500_00 - 20_00 - 15_00 + sum(amount for _, amount, *_ in arrived),
        "pending": 5_00,
        "last": 9 + len(arrived),
        "chart": 9 + len(arrived),
        "rows": [
            ["outbound_payment", -5_00, "open", receipt],
            ["outbound_payment", 0, "void", receipt],
            ["outbound_payment", -5_00, "posted", receipt],
            ["outbound_payment", -5_00, "posted", receipt],
            *arrived,
            *[["received_debit", -10_00, "posted", receipt], ["issuing_authorization", 0, "void", none]] * 2,
            ["received_credit", 500_00, "posted", receipt],
        ],
    }
    leaves(user)


@ONBOARDING
@pytest.mark.parametrize("user", ["GB", "DE"], indirect=True)
def test_a_business_with_an_issuing_balance(user: User, way: str, onboarding: str, site: str) -> None:
    user.control("settings", onboarding=onboarding, platform_country=user.country)
    registers(user)
    is_onboarded(user, way, site)
    is_ready(user)

    currency = CURRENCIES[user.country]
    address = user.asks("create_funding_instructions", country=user.country, currency=currency)
    assert address == {"type": "sort_code" if user.country == "GB" else "iban", "number": "string"}
    with pytest.raises(Refused, match="There is no money"):
        user.asks("create_authorization", card="ic_none", currency=currency)
    user.asks("fund_issuing_balance", currency=currency)
    card = gets_cards(user)
    sees(user, card, site)
    buys(user, card)
    is_paid(user)
    paid_out = is_paid_out(user, "GB")

    assert user.asks("overview", now=user.now()) == {
        "issuing": 480_00,
        "available": 0,
        "rows": [
            ["payout", -paid_out],
            ["charge", 10_00],
            *[["issuing_transaction", -10_00]] * 2,
            ["topup", 500_00],
        ],
    }
    leaves(user)
