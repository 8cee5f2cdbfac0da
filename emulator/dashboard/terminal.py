"""The terminal: swipe a card at a merchant and see who decides what; beside it the cardholder's phone."""

from __future__ import annotations

from typing import Any

from flask import Response

from emulator.dashboard import explaining, formats, purchases, remedies
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import View
from emulator.data.merchant_categories import CODES
from emulator.kernel.errors import invalid

AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"
SCRIPTS = "/_emulator/issuing/scripts"
MOST_CARDS = 50
MOST_PUSHES = 6
OWN = "own"
MERCHANTS = (
    {"name": "Flour Mill", "category": "grocery_stores_supermarkets", "city": "Oakland", "country": "US"},
    {"name": "Blue Fig Coffee", "category": "eating_places_restaurants", "city": "San Francisco", "country": "US"},
    {"name": "Golden Gate Taxi", "category": "taxicabs_limousines", "city": "San Francisco", "country": "US"},
    {"name": "Harbor View Hotel", "category": "hotels_motels_and_resorts", "city": "Seattle", "country": "US"},
    {"name": "Lucky Sevens", "category": "betting_casino_gambling", "city": "Las Vegas", "country": "US"},
)
# How somebody pays: the words, and what the network says of it.
WAYS = {
    "chip": ("Chip", {"authorization_method": "chip"}),
    "tap": ("Tap", {"authorization_method": "contactless"}),
    "wallet": ("Wallet", {"authorization_method": "contactless", "wallet": "apple_pay"}),
    "online": ("Online", {"authorization_method": "online"}),
    "atm": ("ATM", {"authorization_method": "chip"}),
    "keyed": ("Keyed", {"authorization_method": "keyed_in"}),
}
ATM = "automated_cash_disburse"
CURRENCIES = ("usd", "eur", "gbp", "chf", "jpy")
RISKS = ("normal", "elevated", "highest")
TAKE_TIME = ("hotel", "late_refund", "subscription")
SCRIPT_NAMES = {
    "hotel": "Hotel stay",
    "fuel_pump": "Fuel pump",
    "restaurant": "Tip",
    "airline": "Airline tickets",
    "ride": "Ride",
    "atm": "Cash machine",
    "subscription": "Subscription",
    "offline": "Offline sale",
    "card_testing": "Stolen card",
    "chargeback": "Chargeback",
    "late_refund": "Late refund",
    "cross_currency": "Abroad",
}


def terminal(view: View) -> Response:
    """What can be swiped, what came of the last swipe, and what the cardholder's phone shows."""
    cards = view.api.get("/v1/issuing/cards", limit=MOST_CARDS)["data"]
    shown = view.query("auth")
    last = view.api.get(f"/v1/issuing/authorizations/{shown}", expand=["fraud_challenges"]) if shown else None
    wanted = last["card"]["id"] if last else view.query("card")
    card = next((one for one in cards if one["id"] == wanted), None) or next(iter(cards), None)
    told = view.platform.find(f"/_emulator/why/{shown}") if last else None
    explained = explaining.explained(told["requests"][-1], last["currency"]) if last and told else None
    return view.page(
        "terminal.html",
        card=card,
        cards=[(one["id"], named(one)) for one in cards],
        currencies=[(code, code.upper()) for code in CURRENCIES],
        explained=explained,
        form=form_of(view, last, card),
        last=last,
        merchants=[*((str(number), one["name"]) for number, one in enumerate(MERCHANTS)), (OWN, "Another …")],
        pushes=pushes(view, card),
        remedy=explaining.remedy(explained, last["currency"]) if last and explained else None,
        risks=[(name, formats.words(name)) for name in RISKS],
        scripts=SCRIPT_NAMES.items(),
        standing=purchases.standing(last) if last else None,
        ways=[(name, says) for name, (says, _) in WAYS.items()],
    )


def named(card: dict[str, Any]) -> str:
    """A card in the list: whose, its last four, and its status where it is not active."""
    status = "" if card["status"] == "active" else f", {card['status']}"
    return f"{card['cardholder']['name']} •• {card['last4']}{status}"


def form_of(view: View, last: dict[str, Any] | None, card: dict[str, Any] | None) -> dict[str, Any]:
    """What the form begins with: the last purchase, or a coffee."""
    currency = card["currency"] if card else "usd"
    if last is None:
        return {"amount": "10.00", "currency": currency, "merchant": "1", "how": "online", **MERCHANTS[1]}
    merchant = last["merchant_data"]
    number = next((str(n) for n, one in enumerate(MERCHANTS) if one["name"] == merchant["name"]), OWN)
    method, wallet = last["authorization_method"], last["wallet"]
    usual = {"authorization_method": method, **({"wallet": wallet} if wallet else {})}
    how = (
        "atm" if merchant["category"] == ATM else next((n for n, (_, sent) in WAYS.items() if sent == usual), "online")
    )
    return {
        "amount": formats.typed(purchases.asked(last), last["currency"]),
        "currency": last["currency"],
        "merchant": number,
        "how": how,
        **{name: merchant[name] or "" for name in ("name", "category", "city", "country")},
    }


# The phone


def pushes(view: View, card: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What the cardholder's phone shows, newest first: payments, refusals, questions about fraud."""
    if card is None:
        return []
    shown_too = ["data.fraud_challenges"]
    bought = view.api.get("/v1/issuing/authorizations", card=card["id"], limit=MOST_PUSHES, expand=shown_too)["data"]
    found = []
    for one in bought:
        shown, where = purchases.standing(one), one["merchant_data"]["name"]
        verb = {"declined": "Declined", "being asked": "Asking"}.get(shown.word, "Paid")
        push = {"at": one["created"], "from": f"{view.account_name} card", "id": one["id"], "asks": False}
        money = formats.amount(shown.amount, one["currency"])
        found.append({**push, "title": f"{verb}: {money}", "text": f"{where}, card •• {card['last4']}"})
        found += [refund(view, one, moved) for moved in one["transactions"] if moved["type"] == "refund"]
        if is_asked(one):
            text = f"Did you try to pay {money} at {where}?"
            found.append({**push, "from": "Text message", "title": "", "text": text, "asks": True})
    return sorted(found, key=lambda push: (push["at"], push["asks"]), reverse=True)[:MOST_PUSHES]


def refund(view: View, authorization: dict[str, Any], moved: dict[str, Any]) -> dict[str, Any]:
    """Money that a merchant gave back."""
    return {
        "at": moved["created"],
        "from": f"{view.account_name} card",
        "id": authorization["id"],
        "asks": False,
        "title": f"Refunded: {formats.amount(abs(moved['amount']), moved['currency'])}",
        "text": authorization["merchant_data"]["name"],
    }


def is_asked(authorization: dict[str, Any]) -> bool:
    """Whether the cardholder is asked if a declined purchase was theirs."""
    return any(one["status"] == "pending" for one in authorization.get("fraud_challenges") or ())


def answer(view: View) -> Response:
    """The cardholder says whether a purchase was theirs."""
    id, confirmed = view.form("id"), view.form("answer") == "yes"
    view.api.post(f"{AUTHORIZATIONS}/{id}/fraud_challenges/respond", confirmed=confirmed)
    says = "Vouched for." if confirmed else "Disowned."
    more = "The next purchase at this merchant is not held for fraud." if confirmed else "The purchase stays declined."
    view.note("good" if confirmed else "wait", says, more)
    return view.go("/terminal", auth=id)


# Swiping


def swipe(view: View) -> Response:
    """Pay, and lead to what came of it. 400 for what is no amount."""
    card = view.api.get(f"/v1/issuing/cards/{view.form('card')}")
    currency = view.form("currency") or card["currency"]
    value = formats.minor(view.form("amount") or "", currency)
    if value is None:
        raise invalid(f"{view.form('amount') or 'Nothing'} is no amount in {currency.upper()}.", param="amount")
    how = view.form("how") or "online"
    number = view.form("merchant") or OWN
    merchant = dict(MERCHANTS[int(number)]) if number.isdecimal() and int(number) < len(MERCHANTS) else {}
    typed = {name: view.form(name) for name in ("name", "city")} if not merchant else {}
    chosen = {"category": category_of(view.form("category")), "country": (view.form("country") or "").upper()}
    merchant |= {name: one for name, one in {**typed, **chosen}.items() if one}
    if how == "atm" and not view.form("category"):
        merchant["category"] = ATM
    money = (
        {"amount": value} if currency == card["currency"] else {"merchant_amount": value, "merchant_currency": currency}
    )
    if view.form("offline"):
        return sold_offline(view, card, merchant, value)
    sent = {"card": card["id"], "currency": card["currency"], "merchant_data": merchant, **money, **WAYS[how][1]}
    checks = {name: "mismatch" for name in ("cvc_check", "expiry_check") if view.form(name)}
    if view.form("three_d_secure"):
        checks["three_d_secure"] = {"result": view.form("three_d_secure")}
    if checks:
        sent["verification_data"] = checks
    if view.form("risk") in RISKS[1:]:
        sent["risk_assessment"] = {"fraud_risk": {"level": view.form("risk")}}
    return bought(view, sent)


def category_of(text: str | None) -> str | None:
    """A category by its name or its code, as somebody types it; what is none is left to the API to refuse."""
    if text is None:
        return None
    word = text.strip().lower().partition(" · ")[0].replace(" ", "_")
    return next((name for name, code in CODES.items() if word in (name, code)), word)


def categories(view: View) -> Response:
    """Every category, for a field that asks for them once somebody types into it."""
    return view.page("categories.html", categories=CODES.items())


def bought(view: View, sent: dict[str, Any]) -> Response:
    """Make a purchase, and lead to what came of it."""
    made = view.api.post(AUTHORIZATIONS, **sent)
    return view.go("/terminal", auth=made["id"], fragment="result")


def sold_offline(view: View, card: dict[str, Any], merchant: dict[str, Any], value: int) -> Response:
    """What was sold while nobody could be asked is captured, and nobody decides."""
    made = view.api.post(
        "/v1/test_helpers/issuing/transactions/create_force_capture",
        card=card["id"],
        amount=value,
        currency=card["currency"],
        merchant_data=merchant,
    )
    money = formats.amount(value, card["currency"])
    view.note("good", f"Captured {money} without asking.", "A sale that was made offline cannot be declined.")
    return view.go("/terminal", card=card["id"], transaction=made["id"])


def remedied(view: View) -> Response:
    """Change what a rule objected to, and make the same purchase again."""
    last = view.api.get(f"/v1/issuing/authorizations/{view.form('auth')}")
    remedies.remedy(view, last, view.form("does") or "", view.form("value") or "")
    return bought(view, remedies.again(last))


def captured(view: View) -> Response:
    """Have the merchant collect, and show the purchase."""
    id = view.form("auth")
    made = view.api.post(f"{AUTHORIZATIONS}/{id}/capture")
    money = formats.amount(purchases.amounts(made).captured, made["currency"])
    view.note("good", f"Captured {money}.", "The hold is released and the money has left.")
    return view.go(f"/authorizations/{id}")


def played(view: View) -> Response:
    """Play a merchant's script, and lead to what it made."""
    name = view.form("script") or ""
    if name not in SCRIPT_NAMES:
        raise invalid(f"There is no script called {name}.", param="script")
    sent: dict[str, Any] = {"card": view.form("card")}
    if name in TAKE_TIME:
        sent["move_clock"] = bool(view.form("move_clock"))
    if name == "subscription" and not sent["move_clock"]:
        sent["months"] = 1
    if name == "late_refund" and not sent["move_clock"]:
        raise invalid("Between its purchase and its refund lie months: allow it to move the clock.", param="move_clock")
    told = view.api.post(f"{SCRIPTS}/{name}", **sent)
    steps = [f"{one['says']}{' (' + one['verdict'] + ')' if one['verdict'] else ''}" for one in told["steps"]]
    view.note(
        "good" if told["finished"] else "wait", f"{SCRIPT_NAMES[name]}: {told['outcome']}.", "; ".join(steps) + "."
    )
    made = next((one["id"] for one in told["objects"] if one["object"] == "issuing.authorization"), None)
    return view.go(f"/authorizations/{made}") if made else view.go("/terminal", card=view.form("card"))


PAGES: list[Page] = [
    GET("/terminal", terminal),
    GET("/terminal/categories", categories),
    POST("/terminal/swipe", swipe),
    POST("/terminal/again", remedied),
    POST("/terminal/capture", captured),
    POST("/terminal/answer", answer),
    POST("/terminal/script", played),
]
