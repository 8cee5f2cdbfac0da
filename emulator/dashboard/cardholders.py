"""Cardholders: who they are, what is demanded of them, what all their cards may spend together."""

from __future__ import annotations

from typing import Any

from flask import Response

from emulator.dashboard import cards
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import View

URL = "/v1/issuing/cardholders"
MOST_HOLDERS = 25
STATUSES = (("", "All"), ("active", "Active"), ("inactive", "Inactive"), ("blocked", "Blocked"))
# An address that every country's cardholders begin with, to be changed by whoever minds.
STREETS = {
    "US": {"line1": "354 Oyster Point Blvd", "city": "South San Francisco", "state": "CA", "postal_code": "94080"},
    "GB": {"line1": "1 High Street", "city": "London", "postal_code": "N1 1AA"},
    "DE": {"line1": "Hauptstr. 1", "city": "Berlin", "postal_code": "10115"},
}
ELSEWHERE = {"line1": "1 Main Street", "city": "Capital", "postal_code": "10000"}


def index(view: View) -> Response:
    """The cardholders of an account."""
    status = view.query("status")
    found = view.api.get(URL, limit=MOST_HOLDERS, status=status, starting_after=view.query("after"))
    return view.page(
        "cardholders.html",
        holders=found["data"],
        statuses=STATUSES,
        status=status or "",
        older=found["data"][-1]["id"] if found["has_more"] else None,
    )


def one(view: View, id: str) -> Response:
    """A cardholder with the limits and the cards."""
    holder = view.api.get(f"{URL}/{id}")
    limits = view.api.get(f"/_emulator/issuing/cardholders/{id}/limits")
    currency = limits["currency"] or view.currency
    found = view.api.get("/v1/issuing/cards", cardholder=id, limit=cards.MOST_CARDS)["data"]
    return view.page(
        "cardholder.html",
        holder=holder,
        limits=[cards.told(limit, currency) for limit in limits["limits"]],
        blocked=cards.controls(holder),
        cards=found,
        intervals=cards.INTERVALS.items(),
    )


def changed(view: View, id: str) -> Response:
    """Activate or deactivate a cardholder; blocking is for good, and only Stripe's to do."""
    status = view.form("status") or ""
    if status == "blocked":
        view.api.post(f"/_emulator/issuing/cardholders/{id}", status=status)
    else:
        view.api.post(f"{URL}/{id}", status=status)
    view.note("good" if status == "active" else "wait", f"The cardholder is {status}.")
    return view.go(f"/cardholders/{id}")


def new(view: View) -> Response:
    """A form for a cardholder."""
    return view.page("cardholder_new.html")


def made(view: View) -> Response:
    """Make a cardholder, with an address of the account's country."""
    country = view.account.get("country") or "US"
    first, _, last = (view.form("name") or "").partition(" ")
    person: dict[str, Any] = {
        "first_name": first,
        "last_name": last or first,
        "card_issuing": {"user_terms_acceptance": {"date": view.now, "ip": "203.0.113.7"}},
    }
    holder = view.api.post(
        URL,
        name=view.form("name"),
        email=view.form("email"),
        phone_number=view.form("phone_number"),
        type="individual",
        individual=person,
        billing={"address": {**STREETS.get(country, ELSEWHERE), "country": country}},
    )
    view.note("good", f"Made {holder['name']}.", "Now a card can be made for the cardholder.")
    return view.go("/cards/new", cardholder=holder["id"])


PAGES: list[Page] = [
    GET("/cardholders", index),
    GET("/cardholders/new", new),
    POST("/cardholders/new", made),
    GET("/cardholders/<id>", one),
    POST("/cardholders/<id>", changed),
]
