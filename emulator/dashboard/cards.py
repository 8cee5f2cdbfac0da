"""Cards, drawn as cards, and their holders: who may spend how much, how much is left, what they may not do."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response

from emulator.dashboard import formats, money, purchases, remedies
from emulator.dashboard.authorizations import explained_in_short
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import View
from emulator.kernel.errors import invalid

URL = "/v1/issuing/cards"
HOLDERS = "/v1/issuing/cardholders"
SHIPPING = "/v1/test_helpers/issuing/cards"
MOST_CARDS = 9
MOST_HOLDERS = 25
MOST_PURCHASES = 10
STATUSES = (("", "All"), ("active", "Active"), ("inactive", "Inactive"), ("canceled", "Canceled"))
INTERVALS = {
    "per_authorization": "Per purchase",
    "daily": "Today",
    "weekly": "This week",
    "monthly": "This month",
    "yearly": "This year",
    "all_time": "Ever",
}
# What may be done with a shipment, by its status.
SHIPMENTS = {
    "pending": (("submit", "Print it"), ("ship", "Ship")),
    "submitted": (("ship", "Ship"), ("fail", "Lose it")),
    "shipped": (("deliver", "Deliver"), ("return", "Return"), ("fail", "Lose it")),
    "delivered": (("return", "Return"),),
}


def index(view: View) -> Response:
    """The cards of an account, with their limits and what may be done with them."""
    status = view.query("status")
    found = view.api.get(URL, limit=MOST_CARDS, status=status, starting_after=view.query("after"))
    return view.page(
        "cards.html",
        cards=[shown(view, card) for card in found["data"]],
        statuses=STATUSES,
        status=status or "",
        older=found["data"][-1]["id"] if found["has_more"] else None,
    )


def shown(view: View, card: dict[str, Any]) -> dict[str, Any]:
    """A card with what its limits have left."""
    limits = view.api.get(f"/_emulator/issuing/cards/{card['id']}/limits")
    return {
        "card": card,
        "limits": [told(limit, card["currency"]) for limit in limits["limits"]],
        "blocked": controls(card),
        "shipments": SHIPMENTS.get((card["shipping"] or {}).get("status"), ()) if card["status"] != "canceled" else (),
        "wallets": wallets(card),
    }


def told(limit: dict[str, Any], currency: str | None) -> dict[str, Any]:
    """A limit as a bar has it."""
    name = INTERVALS[limit["interval"]]
    if limit["interval"] == "monthly" and limit["since"]:
        name = f"{date.fromisoformat(limit['since']):%B}"
    where = formats.listing([formats.words(one).lower() for one in limit["categories"]])
    return {**limit, "name": f"{name}, {where}" if where else name, "currency": currency}


def controls(owner: dict[str, Any]) -> list[tuple[str, str]]:
    """What is allowed or blocked, in words."""
    lists = owner["spending_controls"]
    return [
        (formats.words(name), formats.listing([formats.words(one).lower() if len(one) > 2 else one for one in value]))
        for name, value in lists.items()
        if isinstance(value, list) and value and name != "spending_limits"
    ]


def wallets(card: dict[str, Any]) -> str:
    """Whether a card may enter digital wallets."""
    there = card.get("wallets") or {}
    names = {"apple_pay": "Apple Pay", "google_pay": "Google Pay"}
    able = [says for name, says in names.items() if (there.get(name) or {}).get("eligible")]
    return formats.listing(able) or "none"


def one(view: View, id: str, number: dict[str, Any] | None = None) -> Response:
    """A card: its drawing, limits that can be raised, what it may not do, and its purchases."""
    card = view.api.get(f"{URL}/{id}")
    found = view.api.get("/v1/issuing/authorizations", card=id, limit=MOST_PURCHASES)["data"]
    return view.page(
        "card.html",
        **shown(view, card),
        intervals=INTERVALS.items(),
        number=number,
        rows=[(bought, *standing(view, bought)) for bought in found],
    )


def standing(view: View, bought: dict[str, Any]) -> tuple[purchases.Standing, str]:
    """How a purchase stands, and why it was declined."""
    stands = purchases.standing(bought)
    return stands, explained_in_short(view, bought) if stands.word == "declined" else ""


def number(view: View, id: str) -> Response:
    """Show the number and the code of a card: the answer to this one request has them, and no other."""
    return one(view, id, number=view.quiet_own.get(f"{URL}/{id}", expand=["number", "cvc"]))


def changed(view: View, id: str) -> Response:
    """Activate, freeze or cancel a card."""
    status = view.form("status") or ""
    says = {"active": "Active.", "inactive": "Frozen.", "canceled": "Canceled."}
    more = {
        "active": "It pays again.",
        "inactive": "Purchases are declined until it is active.",
        "canceled": "It cannot be used again.",
    }
    view.api.post(f"{URL}/{id}", status=status)
    view.note("bad" if status == "canceled" else "good", says.get(status, "Changed."), more.get(status, ""))
    return view.back()


def shipped(view: View, id: str) -> Response:
    """Have a shipment get on."""
    verb = view.form("do") or ""
    if verb not in {name for verbs in SHIPMENTS.values() for name, _ in verbs}:
        raise invalid(f"Nothing here does {verb}.", param="do")
    after = view.api.post(f"{SHIPPING}/{id}/shipping/{verb}")
    view.note("move", f"The shipment is {after['shipping']['status']}.")
    return view.back()


def limited(view: View, id: str) -> Response:
    """Set, raise or remove a limit of a card or of a cardholder."""
    is_card = id.startswith("ic_")
    path = f"{URL}/{id}" if is_card else f"{HOLDERS}/{id}"
    owner = view.api.get(path)
    currency = owner["currency"] if is_card else owner["spending_controls"]["spending_limits_currency"] or view.currency
    interval, text = view.form("interval") or "", view.form("amount")
    value = formats.minor(text or "", currency)
    if text and value is None:
        raise invalid(f"{text} is no amount in {currency.upper()}.", param="amount")
    kept = [dict(limit) for limit in owner["spending_controls"]["spending_limits"] or []]
    others = [limit for limit in kept if limit["interval"] != interval or limit["categories"]]
    added = [] if value is None else [{"amount": value, "interval": interval}]
    remedies.set_limits(view, path, [*others, *added])
    what = INTERVALS.get(interval, interval).lower()
    says = "Removed." if value is None else f"{formats.amount(value, currency)} {what}."
    view.note("good", f"Limit: {says}", "It counts from the next purchase on.")
    return view.back()


# Making one


def new(view: View) -> Response:
    """A form for a card."""
    holders = view.api.get(HOLDERS, limit=100, status="active")["data"]
    accounts = [account for account in money.financial_accounts(view) if account["status"] == "open"]
    return view.page(
        "card_new.html",
        holders=[(holder["id"], holder["name"]) for holder in holders],
        chosen=view.query("cardholder"),
        accounts=[(account["id"], money.called(account)) for account in accounts],
    )


def made(view: View) -> Response:
    """Make a card."""
    text, currency = view.form("amount"), view.form("currency") or view.currency
    value = formats.minor(text, currency) if text else None
    if text and value is None:
        raise invalid(f"{text} is no amount in {currency.upper()}.", param="amount")
    sent: dict[str, Any] = {}
    if value is not None:
        sent["spending_controls"] = {"spending_limits": [{"amount": value, "interval": "monthly"}]}
    kind = view.form("type") or "virtual"
    if kind == "physical":
        holder = view.api.get(f"{HOLDERS}/{view.form('cardholder')}")
        address = {name: one for name, one in holder["billing"]["address"].items() if one}
        sent["shipping"] = {"name": holder["name"], "address": address}
    card = view.api.post(
        URL,
        cardholder=view.form("cardholder"),
        currency=currency,
        financial_account=view.form("financial_account"),
        status="active" if kind == "virtual" else "inactive",
        type=kind,
        **sent,
    )
    view.note("good", f"Made card •• {card['last4']}.", "Swipe it at the terminal.")
    return view.go(f"/cards/{card['id']}")


PAGES: list[Page] = [
    GET("/cards", index),
    GET("/cards/new", new),
    POST("/cards/new", made),
    GET("/cards/<id>", one),
    POST("/cards/<id>", changed),
    POST("/cards/<id>/number", number),
    POST("/cards/<id>/shipping", shipped),
    POST("/limits/<id>", limited),
]
