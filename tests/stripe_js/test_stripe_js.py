"""Our Stripe.js: a front end on another origin shows a card with Issuing Elements, in a real Chromium."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from emulator.app import create_app
from emulator.stripe_js import FOLDER, PAGES, ancestors
from tests.browsers import Tab, browsing, chromium, until
from tests.client import Client
from tests.issuing.holders import CARDS, a_card, a_connected_account
from tests.serving import Served

KEYS = "/v1/ephemeral_keys"
KEY = "sk_test_front_end"
SHOWN = ("Number", "Expiry", "Cvc", "Pin")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    """The emulator, and where browsers find it."""
    app = create_app(tmp_path_factory.mktemp("front") / "data")
    with Served(app) as server:
        yield app, server.url
    app.emulator.close()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of a real browser."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed, so the front end cannot be tried in one")
    with browsing(program, tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="module")
def front_end(world: tuple[Flask, str]) -> Iterator[str]:
    """The page of somebody's own front end, on a port of its own, which is another origin."""
    body = f'<!doctype html><script src="{world[1]}/v3/"></script><div id="a"></div><div id="b"></div>'

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(tab: Tab, front_end: str) -> Tab:
    """The front end, just loaded."""
    tab.said.clear()
    tab.open(front_end)
    return tab


@pytest.fixture
def platform(world: tuple[Flask, str]) -> Client:
    """The server side of the front end."""
    return Client(world[0], KEY)


def begun(page: Tab, **options: Any) -> None:
    """Stripe.js with the publishable key."""
    page.run(f"window.stripe = Stripe('{KEY.replace('sk_', 'pk_')}', {json.dumps(options)}); 0")


def nonce_of(page: Tab, card: dict[str, Any]) -> str:
    """The nonce that the page makes."""
    asked = f"stripe.createEphemeralKeyNonce({{issuingCard: '{card['id']}'}})"
    made = page.run(asked)
    assert made.keys() == {"nonce"}
    return made["nonce"]


def key_for(client: Client, card: dict[str, Any], page: Tab) -> dict[str, str]:
    """What the page gets from its server, as elements take it."""
    nonce = nonce_of(page, card)
    secret = client.made(KEYS, issuing_card=card["id"], nonce=nonce)["secret"]
    return {"nonce": nonce, "ephemeralKeySecret": secret}


def mounted(page: Tab, type: str, **options: Any) -> None:
    """An element of the page, shown."""
    page.run(
        f"""new Promise((resolve) => {{
            const element = stripe.elements().create('{type}', {json.dumps(options)});
            element.on('ready', resolve);
            element.mount('#a');
        }}).then(() => 0)"""
    )


def when_ready(script: str) -> str:
    """A script that is over once `element` shows what it is about."""
    return f"new Promise((resolve) => {{ element.once('ready', resolve); {script}; }}).then(() => 0)"


def details(client: Client, card: dict[str, Any]) -> list[str]:
    """What there is to see of a card."""
    whole = client.read(f"{CARDS}/{card['id']}", expand=["number", "cvc"])
    number = " ".join(whole["number"][at : at + 4] for at in range(0, 16, 4))
    return [number, f"{whole['exp_month']:02}/{whole['exp_year'] % 100:02}", whole["cvc"], "0000"]


@pytest.mark.parametrize("version", ["2020-03-02", "2022-08-01"])
def test_elements_with_nonce_and_secret_show_the_card_and_the_page_cannot_look_into_them(platform, page, version):
    card = a_card(platform)
    begun(page, apiVersion=version)
    given = key_for(platform.pinned(version), card, page)

    for name in SHOWN:
        mounted(page, f"issuingCard{name}Display", issuingCard=card["id"], **given)

    assert page.texts() == details(platform, card)
    assert page.run("[...document.querySelectorAll('#a iframe')].every((frame) => frame.contentDocument === null)")
    assert page.said == []


def test_elements_without_a_key_show_the_card_that_was_retrieved_before(platform, page):
    card = a_card(platform)
    begun(page)
    given = key_for(platform, card, page)

    answer = page.run(f"stripe.retrieveIssuingCard('{card['id']}', {json.dumps(given)})")
    for name in SHOWN:
        mounted(page, f"issuingCard{name}Display", issuingCard=card["id"], style={"base": {"color": "rgb(1, 2, 3)"}})

    assert answer == {"issuingCard": card}
    assert page.texts() == details(platform, card)
    (first, *_) = page.frames("/v3/element")
    assert page.inside(first, "getComputedStyle(document.querySelector('span')).color") == "rgb(1, 2, 3)"


def test_a_card_of_a_connected_account_is_shown(platform, page):
    business = a_connected_account(platform, "card_issuing", "transfers")
    card = a_card(business)
    begun(page, stripeAccount=business.account)

    mounted(page, "issuingCardNumberDisplay", issuingCard=card["id"], **key_for(business, card, page))

    assert page.texts() == details(business, card)[:1]


def test_a_key_of_another_nonce_shows_nothing_and_says_why(platform, page):
    card = a_card(platform)
    begun(page)
    given = key_for(platform, card, page)

    other = {**given, "nonce": nonce_of(page, card)}
    refused = page.run(f"stripe.retrieveIssuingCard('{card['id']}', {json.dumps(other)})")
    unknown = page.run(f"stripe.retrieveIssuingCard('{card['id']}', {json.dumps({**given, 'nonce': 'mine'})})")

    assert refused["error"]["param"] == "ephemeral_key_private_nonce"
    assert unknown["error"]["message"] == "This nonce was not made by createEphemeralKeyNonce() of this page."


def test_an_element_that_cannot_show_its_card_says_so_on_the_console(platform, page):
    card = a_card(platform)
    begun(page)

    page.run(f"stripe.elements().create('issuingCardCvcDisplay', {{issuingCard: '{card['id']}'}}).mount('#a')")

    until(lambda: page.run("0") == 0 and page.said)
    assert page.said == [
        "Stripe.js of the emulator: issuingCardCvcDisplay: Give the element an ephemeralKeySecret and nonce, or call "
        "retrieveIssuingCard() before."
    ]
    assert page.texts() == [""]


def test_elements_can_be_updated_taken_away_and_put_elsewhere(platform, page):
    first, second = a_card(platform), a_card(platform)
    begun(page)
    keys = [{"issuingCard": card["id"], **key_for(platform, card, page)} for card in (first, second)]
    page.run(
        f"""new Promise((resolve) => {{
            window.element = stripe.elements().create('issuingCardNumberDisplay', {json.dumps(keys[0])});
            element.once('ready', resolve);
            element.mount(document.querySelector('#a'));
        }}).then(() => 0)"""
    )

    page.run(when_ready(f"element.update({json.dumps(keys[1])})"))
    updated = page.texts()
    page.run("element.unmount()")
    away = page.texts()
    page.run(when_ready("element.mount('#b')"))

    assert (updated, away, page.texts()) == (details(platform, second)[:1], [], details(platform, second)[:1])
    assert page.run("document.querySelectorAll('#b iframe').length") == 1
    page.run("element.destroy()")
    assert page.texts() == []


def test_a_copy_button_copies_and_says_that_it_was_clicked(platform, page):
    card = a_card(platform)
    page.ask("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    begun(page)
    given = {"issuingCard": card["id"], "toCopy": "number", **key_for(platform, card, page)}
    page.run(
        f"""new Promise((resolve) => {{
            const element = stripe.elements().create('issuingCardCopyButton', {json.dumps(given)});
            window.clicked = new Promise((click) => element.on('click', click)).then((said) => said.elementType);
            element.on('ready', resolve);
            element.mount('#a');
        }}).then(() => 0)"""
    )

    page.click("#a iframe")

    assert (page.run("clicked"), page.said) == ("issuingCardCopyButton", [])
    page.run("window.focus()")  # which has been the frame's
    assert page.run("navigator.clipboard.readText()") == details(platform, card)[0].replace(" ", "")


@pytest.mark.parametrize(
    "script, says",
    [
        ("Stripe()", "Missing value for Stripe(): apiKey should be a string."),
        ("Stripe('pk_live_1')", "The emulator takes publishable test keys: pk_test_…"),
        (
            "stripe.elements().create('payment')",
            "The emulator's Stripe.js has Issuing Elements alone; it does not have the element payment.",
        ),
        (
            "stripe.elements().create('issuingAddToWalletButton')",
            "The emulator's Stripe.js has Issuing Elements alone; it does not have the element "
            "issuingAddToWalletButton.",
        ),
        (
            "stripe.elements().create('issuingCardCvcDisplay')",
            "elements.create('issuingCardCvcDisplay') needs the option issuingCard.",
        ),
        (
            "stripe.elements().create('issuingCardCopyButton', {issuingCard: 'ic_1', toCopy: 'name'})",
            "The option toCopy must be one of expiry, cvc, number, pin.",
        ),
        (
            "stripe.elements().create('issuingCardCvcDisplay', {issuingCard: 'ic_1'}).mount('#nowhere')",
            "There is nothing at '#nowhere' to mount an element into.",
        ),
        ("stripe.createEphemeralKeyNonce()", "createEphemeralKeyNonce() needs an issuingCard."),
        ("stripe.retrieveIssuingCard('ic_1')", "retrieveIssuingCard() needs an ephemeralKeySecret."),
        (
            "stripe.confirmPayment()",
            "The emulator's Stripe.js has Issuing Elements alone; it does not have confirmPayment.",
        ),
    ],
)
def test_what_is_wrong_or_not_there_is_an_integration_error(page, script, says):
    begun(page)

    caught = page.run(
        f"(async () => {{ try {{ await {script}; }} catch (error) {{ return [error.name, error.message]; }} }})()"
    )

    assert caught == ["IntegrationError", says]


def test_react_and_the_loader_take_it_for_stripe(page):
    begun(page)

    wanted = ["elements", "createToken", "createPaymentMethod", "confirmCardPayment", "_registerWrapper"]
    assert page.run(f"{wanted}.every((name) => typeof stripe[name] === 'function') && Stripe.version") == 3


def test_the_demonstration_shows_the_newest_card_of_a_world(world, platform, tab):
    card = a_card(platform)
    tab.said.clear()
    tab.open(f"{world[1]}/issuing-elements")

    tab.run(f"document.querySelector('#world').value = '{KEY.removeprefix('sk_test_')}'; 0")
    tab.run("document.querySelector('button').click()")

    until(lambda: len(tab.texts()) == len(SHOWN) and all(tab.texts()))
    assert tab.texts() == details(platform, card)
    assert (tab.run("document.querySelector('#said').textContent"), tab.said) == ("", [])


def test_the_demonstration_says_what_is_wrong(world, tab):
    tab.open(f"{world[1]}/issuing-elements")

    tab.run("document.querySelector('#world').value = 'empty_world'; 0")
    tab.run("document.querySelector('button').click()")

    until(lambda: tab.run("document.querySelector('#said').textContent"))
    assert tab.run("document.querySelector('#said').textContent").startswith("There is no card yet")


# Without a browser


def test_every_file_is_served_and_may_only_use_our_own_origin(app):
    assert {*PAGES.values()} == {file.name for file in FOLDER.iterdir() if file.suffix in (".html", ".js")}
    for path, file in PAGES.items():
        answer = app.test_client().get(path)

        assert (answer.status_code, answer.text) == (200, (FOLDER / file).read_text())
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors http://localhost:*" in answer.headers["Content-Security-Policy"]
        assert answer.mimetype == ("text/javascript" if Path(file).suffix == ".js" else "text/html")
        assert app.test_client().post(path).status_code == 404


def test_only_pages_of_this_machine_and_of_hosts_that_are_let_in_have_the_frames():
    own, more = ancestors(()).split(), ancestors({"app.test", "127.0.0.1"}).split()

    assert {"http://localhost:*", "https://localhost:*", "http://127.0.0.1:*", "http://*.localhost:*"} < set(own)
    assert set(more) - set(own) == {"http://app.test:*", "https://app.test:*"} and len(more) == len(set(more))
    assert ancestors({"*"}) == "*"
