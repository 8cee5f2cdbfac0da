"""What pages let one do, without a script: swipe, change what objected, capture, refund, dispute, restrict, raise."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from emulator.dashboard import terminal
from emulator.data.merchant_categories import CODES
from tests.client import Client
from tests.dashboard.visitors import Visitor
from tests.issuing.holders import a_physical_card
from tests.issuing.purchases import a_spender, a_treasury_spender, authorize, cash_and_pending, done
from tests.receivers import Reply, receiving

Spender = tuple[Client, str, dict]
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def spender(platform: Client) -> Spender:
    """A connected account, its financial account with 200.00, and its card."""
    return a_treasury_spender(platform)


@pytest.fixture
def visitor(app: Flask, platform: Client, spender: Spender) -> Visitor:
    """Somebody who looks into that world."""
    return Visitor(app, platform.key)


def swiped(visitor: Visitor, card: dict, amount: str = "10.00", **more: str) -> Visitor:
    """A swipe at the terminal."""
    visitor.get("/dashboard/terminal")
    sent = {"card": card["id"], "amount": amount, "currency": "usd", "merchant": "1", "how": "chip", **more}
    visitor.post("/dashboard/terminal/swipe", **sent)
    return visitor


def remedied(visitor: Visitor) -> str:
    """Press the button that changes what objected; what it is called."""
    form = re.search(
        r'name="auth" value="(\w+)"><input type="hidden" name="value" value="([^"]*)">'
        r'<button class="btn[^"]*" name="does" value="(\w+)">([^<]+)',
        visitor.html,
    )
    assert form is not None, visitor.text
    visitor.post("/dashboard/terminal/again", auth=form[1], value=form[2], does=form[3])
    return form[4]


# The terminal


def test_a_swipe_leads_to_the_rules_that_were_asked(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender

    swiped(visitor, card, "12.34")

    assert "held" in visitor.text and "$12.34" in visitor.text
    assert "28 rules were asked, in this order" in visitor.text
    assert "Paid: $12.34" in visitor.text  # the cardholder's phone
    bought = client.read("/v1/issuing/authorizations")["data"][0]
    assert (bought["amount"], bought["authorization_method"]) == (12_34, "chip")
    assert bought["merchant_data"]["name"] == "Blue Fig Coffee"


@pytest.mark.parametrize(
    "more, member, value",
    [
        ({"cvc_check": "true"}, ("verification_data", "cvc_check"), "mismatch"),
        ({"expiry_check": "true"}, ("verification_data", "expiry_check"), "mismatch"),
        ({"how": "keyed"}, ("authorization_method",), "keyed_in"),
        ({"how": "wallet"}, ("wallet",), "apple_pay"),
        ({"how": "atm"}, ("merchant_data", "category"), "automated_cash_disburse"),
        ({"country": "fr"}, ("merchant_data", "country"), "FR"),
        ({"category": "5462"}, ("merchant_data", "category"), "bakeries"),
        ({"category": "Car washes"}, ("merchant_data", "category"), "car_washes"),
        ({"merchant": "own", "name": "Corner Shop"}, ("merchant_data", "name"), "Corner Shop"),
        ({"currency": "eur"}, ("merchant_currency",), "eur"),
    ],
)
def test_everything_that_can_be_said_of_a_swipe_is_said(visitor, spender, more, member, value) -> None:
    client, _, card = spender

    swiped(visitor, card, **more)

    found = client.read("/v1/issuing/authorizations")["data"][0]
    for name in member:
        found = found[name]
    assert found == value


def test_every_category_is_understood_by_its_name_and_its_code() -> None:
    for name, code in CODES.items():
        assert terminal.category_of(name) == name
        assert CODES[terminal.category_of(code)] == code


def test_an_offline_sale_is_captured_without_asking(visitor: Visitor, spender: Spender) -> None:
    client, account, card = spender

    swiped(visitor, card, "20.00", offline="true")

    assert "Captured $20.00 without asking." in visitor.text
    assert cash_and_pending(client, account) == (180_00, 0)


@pytest.mark.parametrize("amount", ["", "ten", "1.005"])
def test_what_is_no_amount_is_refused_in_words(visitor: Visitor, spender: Spender, amount: str) -> None:
    swiped(visitor, spender[2], amount)

    assert "is no amount in USD." in visitor.text
    assert spender[0].read("/v1/issuing/authorizations")["data"] == []


def test_a_limit_that_objects_is_raised_and_the_same_purchase_made_again(visitor, platform, spender) -> None:
    client, _, card = spender
    limits = {"spending_limits": [{"amount": 50_00, "interval": "monthly"}, {"amount": 500_00, "interval": "daily"}]}
    client.made(f"/v1/issuing/cards/{card['id']}", spending_controls=limits)
    swiped(visitor, card, "60.00")
    assert "Over the monthly limit" in visitor.text and "Card’s controls object" in visitor.text

    says = remedied(visitor)

    assert says == "Raise it to $100, swipe again"
    assert "held" in visitor.text
    changed = client.read(f"/v1/issuing/cards/{card['id']}")["spending_controls"]["spending_limits"]
    assert [(one["interval"], one["amount"]) for one in changed] == [("monthly", 100_00), ("daily", 500_00)]


def test_what_else_objects_is_changed_too(visitor: Visitor, spender: Spender) -> None:
    client, account, card = spender
    path = f"/v1/issuing/cards/{card['id']}"
    client.made(path, spending_controls={"spending_limits": None, "blocked_categories": ["eating_places_restaurants"]})
    swiped(visitor, card)
    assert "The category is blocked" in visitor.text
    assert remedied(visitor) == "Allow the category, swipe again"
    assert "held" in visitor.text

    client.made(path, status="inactive")
    swiped(visitor, card)
    assert remedied(visitor) == "Activate the card, swipe again"
    assert "held" in visitor.text

    client.made(f"/v1/treasury/financial_accounts/{account}", platform_restrictions={"outbound_flows": "restricted"})
    swiped(visitor, card)
    assert "Outbound flows are restricted" in visitor.text
    assert remedied(visitor) == "Lift the restriction, swipe again"
    assert "held" in visitor.text

    swiped(visitor, card, "400.00")
    assert "Not enough money" in visitor.text
    assert remedied(visitor) == "Deposit $500, swipe again"
    assert "held" in visitor.text


def test_a_cardholders_limit_is_raised_on_the_cardholder(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender
    holder = f"/v1/issuing/cardholders/{card['cardholder']['id']}"
    controls = {
        "spending_limits": [{"amount": 5_00, "interval": "per_authorization"}],
        "spending_limits_currency": "usd",
    }
    client.made(holder, spending_controls=controls)

    swiped(visitor, card, "150.00")
    assert "Over the limit per purchase" in visitor.text and "Cardholder’s controls object" in visitor.text
    remedied(visitor)

    assert "held" in visitor.text
    assert client.read(holder)["spending_controls"]["spending_limits"][0]["amount"] == 200_00


def test_a_fraud_challenge_is_answered_on_the_phone(visitor: Visitor, platform: Client, spender: Spender) -> None:
    client, _, card = spender
    client.settings(fraud_challenges=True)
    client.made(f"/v1/issuing/cardholders/{card['cardholder']['id']}", phone_number="+18008675309")
    swiped(visitor, card, risk="highest")
    assert "Did you try to pay $10.00 at Blue Fig Coffee?" in visitor.text
    bought = client.read("/v1/issuing/authorizations")["data"][0]["id"]

    visitor.post("/dashboard/terminal/answer", id=bought, answer="yes")

    assert "Vouched for." in visitor.text and "Did you try" not in visitor.text
    swiped(visitor, card, risk="highest")
    assert "held" in visitor.text


@pytest.mark.parametrize("script", terminal.SCRIPT_NAMES)
def test_every_script_can_be_played(visitor: Visitor, spender: Spender, script: str) -> None:
    client, account, card = spender
    client.made(f"/v1/issuing/cards/{card['id']}", spending_controls={"spending_limits": None})
    visitor.get("/dashboard/financial_accounts")
    visitor.post(f"/dashboard/financial_accounts/{account}/receive", amount="900", network="ach")
    visitor.get("/dashboard/terminal")

    visitor.post("/dashboard/terminal/script", script=script, card=card["id"], move_clock="true")

    assert f"{terminal.SCRIPT_NAMES[script]}: played to its end." in visitor.text


def test_every_script_of_the_api_has_a_button_or_is_a_swipe(platform: Client) -> None:
    there = {one["name"] for one in platform.read("/_emulator/issuing/scripts")["data"]}

    assert there == set(terminal.SCRIPT_NAMES) | {"purchase"}


# Purchases


def test_a_purchase_offers_what_may_happen_next_and_only_that(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender
    bought = authorize(client, card, 40_00)
    page = f"/dashboard/authorizations/{bought['id']}"

    def offered() -> set[str]:
        visitor.get(page)
        return set(re.findall(r'name="do" value="(\w+)"', visitor.html)) | set(
            re.findall(r'class="btn[^>]*>(Refund|Dispute)<', visitor.html)
        )

    assert offered() == {"capture", "increment", "reverse", "expire"}
    visitor.post(f"{page}/next", do="increment", amount="5")
    assert "Asked for $5.00 more." in visitor.text and "+$5.00" in visitor.text
    visitor.post(f"{page}/next", do="reverse", amount="3")
    assert "Reversed $3.00." in visitor.text and "Reversed in part" in visitor.text
    visitor.post(f"{page}/next", do="capture", amount="20")
    assert "Captured $20.00." in visitor.text and "partly captured" in visitor.text
    assert offered() == {"capture", "increment", "reverse", "expire", "Refund", "Dispute"}
    visitor.post(f"{page}/next", do="expire")
    assert offered() == {"Refund", "Dispute"}
    transaction = client.read(f"/v1/issuing/authorizations/{bought['id']}")["transactions"][0]["id"]
    visitor.post(f"{page}/refund", transaction=transaction, amount="")
    assert "refunded" in visitor.text
    assert offered() == set()


def test_a_refusal_is_a_notice_on_the_page_that_the_action_was_on(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender
    bought = authorize(client, card, 40_00)
    page = f"/dashboard/authorizations/{bought['id']}"
    visitor.get(page)

    visitor.post(f"{page}/next", do="reverse", amount="999999", back=page)

    assert visitor.page.request.path == page
    assert "Refused with 400" in visitor.text
    visitor.get(page)
    assert "Refused with" not in visitor.text  # said once


def test_what_a_merchant_is_called_is_text(visitor: Visitor, spender: Spender) -> None:
    client, account, card = spender
    bought = authorize(client, card, 1_00, merchant_data={"name": HOSTILE, "city": HOSTILE})

    pages = f"/authorizations/{bought['id']}", f"/cards/{card['id']}", f"/financial_accounts/{account}"
    for path in ("", "/terminal", f"/terminal?auth={bought['id']}", "/authorizations", *pages, f"/find?q={HOSTILE}"):
        visitor.get(f"/dashboard{path}")
        assert visitor.page.status_code == 200
        assert "<script>" not in visitor.html, path


def test_lists_page_by_cursor_and_ask_as_often_whatever_there_is(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender
    client.made(f"/v1/issuing/cards/{card['id']}", spending_controls={"spending_limits": None})
    for _ in range(30):
        authorize(client, card, 1_00)
    visitor.get("/dashboard/authorizations")
    first = re.findall(r"/authorizations/(iauth_\w+)\"", visitor.html)
    older = next(link for link in visitor.links() if "after=" in link)

    visitor.get(older)

    second = re.findall(r"/authorizations/(iauth_\w+)\"", visitor.html)
    assert (len(first), len(second)) == (25, 5)
    assert not set(first) & set(second)
    assert 'id="purchases"' not in visitor.html  # what has been paged to does not move


# Cards


def test_the_number_of_a_card_is_shown_to_who_asks_and_nowhere_else(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender
    number = client.read(f"/v1/issuing/cards/{card['id']}", expand=["number", "cvc"])
    written = " ".join(number["number"][place : place + 4] for place in (0, 4, 8, 12))
    for path in ("/cards", f"/cards/{card['id']}"):
        visitor.get(f"/dashboard{path}")
        assert number["number"] not in visitor.html and written not in visitor.html

    reply = visitor.post(f"/dashboard/cards/{card['id']}/number")

    assert number["number"] in visitor.html and number["cvc"] in visitor.text
    assert reply.headers["Cache-Control"] == "no-store"
    visitor.get(f"/dashboard/cards/{card['id']}")
    assert number["number"] not in visitor.html


def test_a_card_is_frozen_activated_and_canceled(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender
    page = f"/dashboard/cards/{card['id']}"
    for status, says in (("inactive", "Frozen."), ("active", "Active."), ("canceled", "Canceled.")):
        visitor.get(page)
        visitor.post(page, status=status, back=page)
        assert says in visitor.text
        assert client.read(f"/v1/issuing/cards/{card['id']}")["status"] == status
    assert "Nothing: it is canceled." in visitor.text


def test_limits_are_shown_as_bars_set_and_removed(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender
    limits = [{"amount": 100_00, "interval": "monthly"}, {"amount": 500_00, "interval": "daily"}]
    client.made(f"/v1/issuing/cards/{card['id']}", spending_controls={"spending_limits": limits})
    authorize(client, card, 80_00)
    page = f"/dashboard/cards/{card['id']}"

    visitor.get(page)
    assert "$80.00 of $100.00" in visitor.text and '<rect class="wait" width="80.00%"' in visitor.html

    visitor.post(f"/dashboard/limits/{card['id']}", interval="monthly", amount="250", back=page)
    assert "$80.00 of $250.00" in visitor.text
    visitor.post(f"/dashboard/limits/{card['id']}", interval="daily", amount="", back=page)
    kept = client.read(f"/v1/issuing/cards/{card['id']}")["spending_controls"]["spending_limits"]
    assert [(one["interval"], one["amount"]) for one in kept] == [("monthly", 250_00)]


def test_a_cardholder_and_a_card_are_made_without_code(visitor: Visitor, spender: Spender) -> None:
    client, account, _ = spender
    visitor.get("/dashboard/cardholders/new")
    visitor.post("/dashboard/cardholders/new", name="Ada Example", email="ada@example.com")
    assert "Made Ada Example." in visitor.text
    holder = client.read("/v1/issuing/cardholders")["data"][0]
    assert holder["name"] == "Ada Example" and holder["requirements"]["past_due"] == []

    sent = {"cardholder": holder["id"], "currency": "usd", "amount": "300", "financial_account": account}
    visitor.post("/dashboard/cards/new", type="physical", **sent)

    assert "Made card" in visitor.text
    card = client.read("/v1/issuing/cards")["data"][0]
    assert (card["type"], card["status"], card["shipping"]["status"]) == ("physical", "inactive", "pending")
    visitor.post(f"/dashboard/cards/{card['id']}/shipping", do="ship", back=f"/dashboard/cards/{card['id']}")
    assert "The shipment is shipped." in visitor.text
    visitor.post(f"/dashboard/cards/{card['id']}/shipping", do="explode", back=f"/dashboard/cards/{card['id']}")
    assert "Nothing here does explode." in visitor.text


def test_a_cardholder_is_deactivated_and_blocked_for_good(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender
    holder = card["cardholder"]["id"]
    page = f"/dashboard/cardholders/{holder}"
    for status in ("inactive", "active", "blocked"):
        visitor.get(page)
        visitor.post(page, status=status)
        assert f"The cardholder is {status}." in visitor.text
    assert "Nothing: it is blocked for good." in visitor.text


# Money


def test_a_statement_adds_up_and_can_be_taken_along(visitor: Visitor, spender: Spender) -> None:
    client, account, card = spender
    done(client, authorize(client, card, 30_00, merchant_data={"name": "=1+1"}), "capture")

    visitor.get(f"/dashboard/financial_accounts/{account}")

    assert "✓ Adds up: $0.00 + $170.00 = $170.00" in visitor.text
    link = next(link for link in visitor.links() if "statement.csv" in link)
    lines = visitor.get(link).get_data(as_text=True).splitlines()
    assert len(lines) == 5 and lines[0].startswith("time,entry,type")
    assert '"\'=1+1"' in lines[2]  # no spreadsheet takes it for a formula
    assert lines[-1].endswith(",-3000,0,17000")


def test_a_day_that_has_passed_is_told_with_what_it_began_and_ended_with(visitor, platform, spender) -> None:
    client, account, card = spender
    platform.clock(frozen=True)
    before = visitor.get(f"/dashboard/financial_accounts/{account}").get_data(as_text=True)
    yesterday = next(re.finditer(r"day=(\d{4}-\d\d-\d\d)", before))[1]

    visitor.get(f"/dashboard/financial_accounts/{account}?day={yesterday}")
    assert "✓ Adds up: $0.00 + $0.00 = $0.00" in visitor.text
    visitor.get(f"/dashboard/financial_accounts/{account}?day=soon")
    assert "soon is no day" in visitor.text


def test_flows_are_restricted_by_a_switch_and_opened_again(visitor: Visitor, spender: Spender) -> None:
    client, account, _ = spender
    page = f"/dashboard/financial_accounts/{account}"
    visitor.get(page)
    for value, says in (("restricted", "Outbound flows are restricted."), ("unrestricted", "Outbound flows are open.")):
        visitor.post(f"{page}/restrict", outbound_flows=value)
        assert says in visitor.text
        shown = client.read(f"/v1/treasury/financial_accounts/{account}")["platform_restrictions"]
        assert shown["outbound_flows"] == value


def test_a_feature_is_asked_for_and_given_up(visitor: Visitor, spender: Spender) -> None:
    client, account, _ = spender
    page = f"/dashboard/financial_accounts/{account}"
    visitor.get(page)

    visitor.post(f"{page}/features", feature="inbound_transfers.ach on")
    assert "Inbound by ACH asked for." in visitor.text
    visitor.post(f"{page}/features", feature="inbound_transfers.ach off")
    assert "Inbound by ACH given up." in visitor.text
    visitor.post(f"{page}/features", feature="teleport on", back=page)
    assert "There is no feature called teleport." in visitor.text


def test_money_comes_in_and_goes_out(visitor: Visitor, spender: Spender) -> None:
    client, account, _ = spender
    page = f"/dashboard/financial_accounts/{account}"
    features = {"outbound_payments": {"ach": {"requested": True}}}
    client.made(f"/v1/treasury/financial_accounts/{account}/features", **features)
    visitor.get(page)

    visitor.post(f"{page}/receive", amount="25.00", network="ach")
    assert "Received credit of $25.00: succeeded." in visitor.text
    visitor.post(f"{page}/send", amount="40.00", name="Jenny Rosen")

    assert "Sent $40.00." in visitor.text and "Outbound payment" in visitor.text
    assert cash_and_pending(client, account) == (185_00, 40_00)


# Disputes


@pytest.mark.parametrize("outcome, says", [("won", "Won."), ("lost", "Lost."), ("open", "Submitted.")])
def test_a_dispute_goes_from_the_capture_to_its_verdict(visitor, spender, outcome, says) -> None:
    client, _, card = spender
    captured = done(client, authorize(client, card, 30_00), "capture")
    visitor.get(f"/dashboard/authorizations/{captured['id']}")
    visitor.get(next(link for link in visitor.links() if "/disputes/new" in link))
    moved = captured["transactions"][0]["id"]

    visitor.post("/dashboard/disputes/new", transaction=moved, amount="30.00", reason="not_received", outcome=outcome)
    assert "unsubmitted" in visitor.text and "Not received" in visitor.text
    dispute = client.read("/v1/issuing/disputes")["data"][0]["id"]
    visitor.post(f"/dashboard/disputes/{dispute}/submit")

    assert says in visitor.text
    if outcome == "open":
        visitor.post(f"/dashboard/disputes/{dispute}/decide", outcome="lost")
        assert "the merchant keeps the money" in visitor.text


# Which account, and finding


def test_an_account_is_named_in_links_where_there_are_several(
    visitor: Visitor, platform: Client, spender: Spender
) -> None:
    client, _, card = spender
    visitor.get("/dashboard")
    assert not any("account=" in link for link in visitor.links())
    other, _, other_card = a_treasury_spender(platform)

    visitor.get(f"/dashboard/cards?account={client.account}")
    assert card["id"] in visitor.html and other_card["id"] not in visitor.html
    assert all(f"account={client.account}" in link for link in visitor.links("/dashboard/cards/ic_"))
    visitor.get("/dashboard/cards")  # the one looked at last
    assert card["id"] in visitor.html
    visitor.get(f"/dashboard/find?q={other_card['id']}")
    assert visitor.page.request.path == f"/dashboard/cards/{other_card['id']}"
    assert f"account={other.account}" in visitor.page.request.query_string.decode()
    visitor.get("/dashboard/cards?account=acct_nobodys")
    assert visitor.page.status_code == 403


def test_the_platforms_own_cards_can_be_looked_at(app: Flask, platform: Client) -> None:
    card = a_spender(platform, 70_00)
    visitor = Visitor(app, platform.key)

    visitor.get("/dashboard")
    assert "$70.00" in visitor.text and "on the Issuing balance" in visitor.text
    swiped(visitor, card, "10.00")
    assert "held" in visitor.text


def test_search_leads_by_id_last_four_and_merchant(visitor: Visitor, spender: Spender) -> None:
    client, account, card = spender
    bought = done(client, authorize(client, card, 5_00), "capture")
    leads = {
        bought["id"]: f"/dashboard/authorizations/{bought['id']}",
        bought["transactions"][0]["id"]: f"/dashboard/authorizations/{bought['id']}",
        card["last4"]: f"/dashboard/cards/{card['id']}",
        card["cardholder"]["id"]: f"/dashboard/cardholders/{card['cardholder']['id']}",
        account: f"/dashboard/financial_accounts/{account}",
    }

    for words, path in leads.items():
        visitor.get(f"/dashboard/find?q={words}")
        assert visitor.page.request.path == path, words
    visitor.get("/dashboard/find?q=rocket rides")
    assert visitor.page.request.path == f"/dashboard/authorizations/{bought['id']}"


def test_a_world_without_anything_says_what_to_do_next(app: Flask, key: str) -> None:
    visitor = Visitor(app, key)

    for path, says in {
        "": "No purchase yet.",
        "/terminal": "No card yet.",
        "/authorizations": "No purchase here.",
        "/cards": "No card here.",
        "/cards/new": "there is none that is active",
        "/cardholders": "No cardholder here.",
        "/disputes": "No dispute.",
    }.items():
        visitor.get(f"/dashboard{path}")
        assert visitor.page.status_code == 200, visitor.text
        assert says in visitor.text, path


def test_what_a_page_asked_for_stands_at_its_foot_without_the_key(visitor: Visitor, platform, spender) -> None:
    client, _, card = spender

    visitor.get(f"/dashboard/cards/{card['id']}")

    path = f"http://127.0.0.1:12111/v1/issuing/cards/{card['id']}"
    line = f"curl {path} -u \"$STRIPE_API_KEY:\" -H 'Stripe-Account: {client.account}'"
    assert line in visitor.text
    assert platform.key not in visitor.html


def test_one_region_is_answered_alone(visitor: Visitor, spender: Spender) -> None:
    client, _, card = spender
    authorize(client, card, 5_00)

    visitor.get("/dashboard/authorizations", HX_Request="true", HX_Target="purchases")

    assert visitor.html.lstrip().startswith("<section") and "<h1>" not in visitor.html
    assert visitor.get("/dashboard/authorizations", HX_Request="true", HX_Target="nothing").status_code == 204


def test_a_physical_card_offers_what_its_shipment_may_do(visitor: Visitor, platform: Client, spender: Spender) -> None:
    client = spender[0]
    card = a_physical_card(client)
    visitor.get(f"/dashboard/cards/{card['id']}")

    assert "Ship" in visitor.text and "Activate" in visitor.text


def test_events_that_nobody_acknowledged_are_counted_beside_the_navigation(visitor, platform, spender) -> None:
    client, _, card = spender
    visitor.get("/dashboard")
    assert "unacknowledged" not in visitor.text
    with receiving(lambda _: Reply(500)) as receiver:
        hears = {"enabled_events": ["issuing_authorization.created"], "connect": True}
        platform.made("/v1/webhook_endpoints", url=receiver.url, **hears)
        for _ in range(2):
            authorize(client, card, 1_00)
        platform.made("/_emulator/webhooks/drain")

    visitor.get("/dashboard")

    assert "Events 2 unacknowledged" in visitor.text
    assert "Your endpoint /hook is not acknowledging. 2 events unacknowledged; the last answer was 500." in (
        visitor.text
    )
    assert any(link.endswith("/events?failed=1") for link in visitor.links())


def test_the_busiest_pages_stay_small(visitor: Visitor, spender: Spender) -> None:
    client, account, card = spender
    client.clock(frozen=True)
    client.made(f"/v1/issuing/cards/{card['id']}", spending_controls={"spending_limits": None})
    for number in range(30):
        authorize(client, card, 1_00, merchant_data={"name": f"Merchant of a long name {number}"})

    for path in ("", "/authorizations", f"/cards/{card['id']}", f"/financial_accounts/{account}", "/events", "/clock"):
        visitor.get(f"/dashboard{path}")
        assert len(visitor.page.get_data()) <= 30_000, path
