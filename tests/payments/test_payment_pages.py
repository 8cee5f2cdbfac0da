"""The pages that payment links lead to: what they show, and paying there, over HTTP and in a real Chromium."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from emulator.app import create_app
from emulator.payments import card_test_numbers, payment_pages
from tests.browsers import browsing, chromium, until
from tests.client import Client
from tests.payments.paying import CHARGES, DISPUTES, INTENTS, balance, said_by_doctor
from tests.payments.test_payment_links import LINKS, PRICES, linked, price
from tests.serving import Served
from tests.treasury.worlds import connected

THANKS = "https://example.com/thanks?session={CHECKOUT_SESSION_ID}&x=y"


class Payer:
    """Somebody with a browser that runs no script."""

    def __init__(self, client: Client) -> None:
        self.http = client.app.test_client()
        self.at = ""
        self.answer: TestResponse

    def opens(self, url: str) -> Payer:
        """Open an address, and where it leads on this server."""
        return self.followed(self.http.get(urlsplit(url).path), url)

    def pays(self, card: str = "bypassPending", **changes: Any) -> Payer:
        """Hand the form in as it is filled, but for these changes; with None a field is left out."""
        sent = {**self.fields, "card": card, **changes}
        return self.sends({name: value for name, value in sent.items() if value is not None})

    def sends(self, fields: dict[str, Any]) -> Payer:
        """Send these fields to where the form goes."""
        return self.followed(self.http.post(self.action, data=fields), self.action)

    def followed(self, answer: TestResponse, url: str) -> Payer:
        """What came, at the end of all redirects on this server."""
        self.answer, self.at = answer, url
        to = answer.headers.get("Location", "")
        return self.opens(to) if urlsplit(to).path.startswith(("/buy/", "/authenticate/")) else self

    @property
    def text(self) -> str:
        """The page."""
        return self.answer.text

    @property
    def led_to(self) -> str | None:
        """The address of somebody else's that the browser goes to."""
        return self.answer.headers.get("Location") if self.answer.status_code == 303 else None

    @property
    def action(self) -> str:
        """Where the form goes."""
        (found,) = re.findall(r'<form method="post" action="([^"]+)"', self.text)
        return unescape(found)

    @property
    def fields(self) -> dict[str, str]:
        """Every field of the form with what is in it."""
        found = re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', self.text)
        return {unescape(name): unescape(value) for name, value in found}


@pytest.fixture
def payer(platform) -> Payer:
    return Payer(platform)


def newest(client: Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """The newest payment intent and the newest charge."""
    return client.read(INTENTS)["data"][0], client.read(CHARGES)["data"][0]


def test_a_payment_is_told_of_and_its_money_is_there(platform, payer):
    link = linked(
        platform, metadata={"of": "link"}, payment_intent_data={"description": "Gold", "metadata": {"a": "1"}}
    )

    paid = payer.opens(link["url"]).pays(email="ada@example.com", name="Ada")

    assert (paid.answer.status_code, "Your payment was successful." in paid.text) == (200, True)
    intent, charge = newest(platform)
    assert (intent["status"], intent["amount_received"], intent["currency"]) == ("succeeded", 10_00, "usd")
    assert (intent["description"], intent["metadata"]) == ("Gold", {"a": "1"})
    assert (charge["payment_intent"], charge["description"], charge["metadata"]) == (intent["id"], "Gold", {"a": "1"})
    assert (charge["billing_details"]["email"], charge["billing_details"]["name"]) == ("ada@example.com", "Ada")
    assert platform.event_types()[-4:] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]
    assert balance(platform) == (10_00 - 59, 0)
    assert said_by_doctor(platform) == []


def test_the_page_shows_what_is_for_sale_and_what_anybody_wrote_is_escaped(platform, payer):
    gold = price(platform, product_data={"name": "<b>Gold</b> & Silver"})
    link = platform.made(
        LINKS, line_items=[{"price": gold, "quantity": 2}], custom_text={"submit": {"message": "<i>!"}}
    )

    shown = payer.opens(link["url"])

    assert "2 × &lt;b&gt;Gold&lt;/b&gt; &amp; Silver" in shown.text and "$20.00 usd" in shown.text
    assert "&lt;i&gt;!" in shown.text
    assert "<script" not in shown.text
    assert "script-src" not in shown.answer.headers["Content-Security-Policy"]
    assert shown.answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("address", ["/buy/nothing", "/buy/page/nothing"])
def test_an_address_that_is_none_is_not_found(platform, address):
    assert platform.http.get(address).status_code == 404


@pytest.mark.parametrize("card", list(payment_pages.CARDS))
def test_every_card_of_the_page_does_what_its_choice_says(platform, payer, card):
    link, says = linked(platform), payment_pages.CARDS[card]

    after = payer.opens(link["url"]).pays(card)

    (intent,) = platform.read(INTENTS)["data"]
    test = card_test_numbers.BY_TOKEN[card]
    if "3D Secure" in says:
        assert "3D Secure 2 test page" in after.text and intent["status"] == "requires_action"
    elif "declined" in says or "blocked" in says:
        assert after.answer.status_code == 402
        assert intent["status"] == "requires_payment_method"
        assert intent["last_payment_error"]["message"].replace("'", "&#39;") in after.text
        if test.decline is not None:
            assert intent["last_payment_error"]["code"] == test.decline.code
    else:
        assert "Your payment was successful." in after.text and intent["status"] == "succeeded"
    assert bool(platform.read(DISPUTES)["data"]) == ("disputed" in says or "asked about" in says)


def test_after_a_decline_another_card_pays_the_same_intent(platform, payer):
    link = linked(platform, restrictions={"completed_sessions": {"limit": 1}})

    declined = payer.opens(link["url"]).pays("chargeDeclinedInsufficientFunds", email="ada@example.com")
    assert declined.fields["email"] == "ada@example.com"
    paid = declined.pays("visa")

    (intent,) = platform.read(INTENTS)["data"]
    assert (intent["status"], paid.answer.status_code) == ("succeeded", 200)
    assert [one["status"] for one in platform.read(CHARGES)["data"]] == ["succeeded", "failed"]
    assert "charge.failed" in platform.event_types() and "payment_intent.payment_failed" in platform.event_types()


def test_the_bank_asks_and_the_payer_comes_back(platform, payer):
    says = {"custom_message": "<Ta!>"}
    link = linked(platform, after_completion={"type": "hosted_confirmation", "hosted_confirmation": says})

    asked = payer.opens(link["url"]).pays("threeDSecure2Required")
    there = asked.at
    failed = payer.http.post(f"{urlsplit(there).path}/fail")
    back = payer.opens(unescape(re.findall(r'href="([^"]+)"', failed.text)[0]))
    assert "failed authentication" in back.text
    asked = back.pays("threeDSecure2Required")
    completed = payer.http.post(f"{urlsplit(asked.at).path}/complete")
    done = payer.opens(unescape(re.findall(r'href="([^"]+)"', completed.text)[0]))

    assert "&lt;Ta!&gt;" in done.text
    assert newest(platform)[0]["status"] == "succeeded"
    assert "payment_intent.requires_action" in platform.event_types()


def test_a_form_works_once(platform, payer):
    link = linked(platform)
    shown = payer.opens(link["url"])
    action, sent = shown.action, {**shown.fields, "card": "chargeDeclined"}
    payer.sends(sent)

    again = payer.http.post(action, data={**sent, "card": "visa"})
    forged = payer.http.post(action, data={**sent, "card": "visa", "form": "form_other"})

    assert again.status_code == forged.status_code == 409
    assert [one["status"] for one in platform.read(CHARGES)["data"]] == ["failed"]


def test_who_sends_a_form_that_has_paid_is_shown_so_and_pays_no_more(platform, payer):
    link = linked(platform)
    shown = payer.opens(link["url"])
    action, sent = shown.action, {**shown.fields, "card": "visa"}
    payer.sends(sent)

    again = payer.http.post(action, data=sent)

    assert (again.status_code, again.headers["Location"]) == (303, action)
    assert len(platform.read(CHARGES)["data"]) == 1


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"email": "nobody"}, "email"),
        ({"card": "none"}, "card"),
        ({"form": None}, "form"),
    ],
)
def test_what_is_missing_or_wrong_is_refused_and_nothing_is_charged(platform, payer, changes, says):
    link = linked(platform)

    refused = payer.opens(link["url"]).pays(**changes)

    assert (refused.answer.status_code, says in refused.text) == (400, True)
    assert platform.read(INTENTS)["data"] == []


def test_how_many_may_be_chosen_within_bounds(platform, payer):
    adjustable = {"enabled": True, "minimum": 1, "maximum": 5}
    line = {"price": price(platform), "quantity": 1, "adjustable_quantity": adjustable}
    link = platform.made(LINKS, line_items=[line], expand=["line_items"])
    field = f"quantities[{link['line_items']['data'][0]['id']}]"

    too_many = payer.opens(link["url"]).pays(**{field: "6"})
    assert (too_many.answer.status_code, "between 1 and 5" in too_many.text) == (400, True)
    too_many.pays(**{field: "3"})

    assert [one["amount"] for one in platform.read(INTENTS)["data"]] == [30_00]


def test_an_amount_may_be_chosen_where_the_price_says_so(platform, payer):
    custom = {"enabled": True, "minimum": 5_00, "maximum": 50_00, "preset": 20_00}
    gift = platform.made(PRICES, product_data={"name": "Gift"}, currency="usd", custom_unit_amount=custom)
    link = platform.made(LINKS, line_items=[{"price": gift["id"], "quantity": 1}], expand=["line_items"])
    field = f"amounts[{link['line_items']['data'][0]['id']}]"

    shown = payer.opens(link["url"])
    assert shown.fields[field] == "20.00"
    for wrong in ("4.99", "x", "7.001", "NaN", "1e99"):
        shown = shown.pays(**{field: wrong})
        assert shown.answer.status_code == 400, wrong
    shown.pays(**{field: "7.50"})

    assert [one["amount"] for one in platform.read(INTENTS)["data"]] == [7_50]


def test_a_link_is_paid_as_often_as_it_may_be(platform, payer):
    link = linked(platform, restrictions={"completed_sessions": {"limit": 2}}, inactive_message="<Sold out>")
    late = Payer(platform).opens(link["url"])

    for count in (1, 2):
        payer.opens(link["url"]).pays()
        restrictions = platform.read(f"{LINKS}/{link['id']}")["restrictions"]
        assert restrictions == {"completed_sessions": {"count": count, "limit": 2}}
    third, too_late = payer.opens(link["url"]), late.pays()

    for refused in (third, too_late):
        assert "&lt;Sold out&gt;" in refused.text and "<form" not in refused.text
    assert len(platform.read(CHARGES)["data"]) == 2


def test_an_inactive_link_sells_nothing_any_more_not_even_where_its_page_is_open(platform, payer):
    link = linked(platform)
    opened = Payer(platform).opens(link["url"])
    platform.made(f"{LINKS}/{link['id']}", active=False)

    for shown in (payer.opens(link["url"]), opened.pays()):
        assert "no longer active" in shown.text and "<form" not in shown.text
    assert platform.read(INTENTS)["data"] == []


def test_after_the_payment_the_browser_is_led_to_where_the_link_says(platform, payer):
    link = linked(platform, after_completion={"type": "redirect", "redirect": {"url": THANKS}})

    done = payer.opens(link["url"]).pays()

    assert re.fullmatch(r"https://example\.com/thanks\?session=cs_test_\w+&x=y", str(done.led_to))


def test_a_destination_is_paid_less_the_fee_of_the_platform(platform, payer):
    business = connected(platform)
    link = linked(
        platform,
        application_fee_amount=1_00,
        on_behalf_of=business.account,
        transfer_data={"destination": business.account},
    )

    payer.opens(link["url"]).pays()

    intent, charge = newest(platform)
    assert intent["transfer_data"] == {"amount": None, "destination": business.account}
    assert (intent["on_behalf_of"], intent["application_fee_amount"]) == (business.account, 1_00)
    assert platform.read(f"/v1/transfers/{charge['transfer']}")["destination"] == business.account
    assert sum(balance(business)) == 9_00
    assert said_by_doctor(platform) == []


def test_a_link_of_a_connected_account_pays_that_account(platform, payer):
    business = connected(platform)
    link = linked(business, application_fee_amount=50)

    payer.opens(link["url"]).pays()

    intent, charge = newest(business)
    assert (intent["status"], charge["application_fee_amount"]) == ("succeeded", 50)
    assert platform.read(INTENTS)["data"] == []
    assert [one["amount"] for one in platform.read("/v1/application_fees")["data"]] == [50]


def test_a_customer_is_made_where_the_link_says_so(platform, payer):
    always = linked(platform, customer_creation="always")
    reusing = linked(platform, payment_intent_data={"setup_future_usage": "off_session"})

    for link in (linked(platform), always, reusing):
        payer.opens(link["url"]).pays(email="ada@example.com")

    second, first = platform.read("/v1/customers")["data"]
    assert first["email"] == second["email"] == "ada@example.com"
    assert [one["customer"] for one in platform.read(INTENTS)["data"]] == [second["id"], first["id"], None]
    methods = platform.read(f"/v1/customers/{second['id']}/payment_methods")["data"]
    assert [one["type"] for one in methods] == ["card"]


def test_what_is_only_held_is_paid_for_whoever_pays(platform, payer):
    link = linked(platform, payment_intent_data={"capture_method": "manual"})

    paid = payer.opens(link["url"]).pays()

    assert "Your payment was successful." in paid.text
    assert newest(platform)[0]["status"] == "requires_capture"


def test_cards_of_a_brand_that_the_link_does_not_take_cannot_be_chosen(platform, payer):
    options = {"card": {"restrictions": {"brands_blocked": ["american_express", "mastercard"]}}}
    link = linked(platform, payment_method_options=options)

    shown = payer.opens(link["url"])
    assert "amex" not in shown.text and "mastercard" not in shown.text
    refused = shown.pays("amex")

    assert (refused.answer.status_code, "brand is not accepted" in refused.text) == (400, True)
    assert platform.read(INTENTS)["data"] == []


@pytest.mark.parametrize("more, says", [({"payment_method_types": ["us_bank_account"]}, "takes no cards")])
def test_a_link_that_nothing_here_can_pay_says_so(platform, payer, more, says):
    shown = payer.opens(linked(platform, **more)["url"])

    assert says in shown.text and "<form" not in shown.text


def test_a_link_of_a_recurring_price_says_that_there_are_no_subscriptions(platform, payer):
    monthly = price(platform, recurring={"interval": "month"})
    link = platform.made(LINKS, line_items=[{"price": monthly, "quantity": 1}])

    shown = payer.opens(link["url"])

    assert "begins a subscription" in shown.text and "<form" not in shown.text


def test_what_is_too_little_to_charge_is_said_on_the_page(platform, payer):
    link = platform.made(LINKS, line_items=[{"price": price(platform, unit_amount=1), "quantity": 1}])

    refused = payer.opens(link["url"]).pays()

    assert (refused.answer.status_code, "Amount must be at least" in refused.text) == (400, True)
    assert platform.read(INTENTS)["data"] == []


@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
def test_in_a_real_browser_a_link_is_paid_after_a_decline_and_3d_secure(tmp_path: Path) -> None:
    app = create_app(tmp_path / "data")
    platform = Client(app, "sk_test_buying")
    path = urlsplit(linked(platform)["url"]).path
    with Served(app) as server, browsing(str(chromium()), tmp_path / "home") as tab:

        def says(text: str) -> bool:
            return text in tab.run("document.body ? document.body.innerText : ''")

        def choose(card: str) -> None:
            tab.run(f"document.querySelector('#card').value = '{card}'")
            tab.run("document.querySelector('#pay').click()")

        tab.open(server.url + path)
        choose("chargeDeclined")
        until(lambda: says("Your card was declined."))
        choose("threeDSecure2Required")
        until(lambda: tab.run("document.querySelector('#test-source-authorize-3ds') !== null"))
        tab.run("document.querySelector('#test-source-authorize-3ds').click()")
        until(lambda: says("Your payment was successful."))
        said = tab.said
    intent = newest(platform)[0]
    app.emulator.close()  # type: ignore[attr-defined]

    assert (intent["status"], said) == ("succeeded", [])
