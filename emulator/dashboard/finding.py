"""From an id to its page, from anything that somebody types into the search field too, and the page of what has none.

GET /find?q=          leads to the one thing that was meant, or shows what could be
GET /objects/<id>     any object as the API gives it
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response

from emulator.dashboard import formats
from emulator.dashboard.routing import GET, Page
from emulator.dashboard.view import View, name_of
from emulator.kernel.errors import ApiError

FOUND = "/_emulator/objects/"
MOST_LOOKED_AT = 100
SHORTEST_NAME = 2
LAST_FOUR = 4
# Which page shows the object of an id, by what the id begins with.
PLACES = {
    "acct": "/accounts/",
    "evt": "/events/",
    "fa": "/financial_accounts/",
    "iauth": "/authorizations/",
    "ic": "/cards/",
    "ich": "/cardholders/",
    "idp": "/disputes/",
    "req": "/requests/",
    "we": "/endpoints/",
    **dict.fromkeys(("credrev", "debrev", "ibt", "obp", "obt", "po", "rc", "rd", "tr", "tu"), "/flows/"),
}


class Hit(NamedTuple):
    """Something that could be meant."""

    kind: str
    says: str
    id: str
    more: str


def page_of(id: str) -> str:
    """The path of the page that shows an object."""
    return PLACES.get(id.partition("_")[0], "/objects/") + id


def find(view: View) -> Response:
    """Lead to an object by its id; by last four, merchant or name to the one that is meant, or show what could be."""
    asked = view.query("q") or ""
    if "_" in asked and " " not in asked:
        return by_id(view, asked)
    hits = [] if len(asked) < SHORTEST_NAME else [*by_last_four(view, asked), *by_name(view, asked)]
    if len(hits) == 1:
        return view.go(page_of(hits[0].id))
    return view.page("find.html", asked=asked, hits=hits, most=MOST_LOOKED_AT)


def by_id(view: View, id: str) -> Response:
    """Lead to one object, whichever account has it; requests are in a log of their own."""
    if id.startswith("req_"):
        view.quiet.get(f"/_emulator/requests/{id}")
        return view.go(page_of(id))
    found = view.quiet.find(f"{FOUND}{id}")
    if found is None:
        return view.page("find.html", asked=id, hits=[], most=MOST_LOOKED_AT)
    purchase = found["data"].get("authorization") if found["data"]["object"] == "issuing.transaction" else None
    return view.go(page_of(purchase or id), account=found["account"])


def by_last_four(view: View, asked: str) -> list[Hit]:
    """Cards whose numbers end so."""
    digits = asked.lstrip("• ")
    if len(digits) != LAST_FOUR or not digits.isdecimal() or not digits.isascii():
        return []
    cards = view.api.get("/v1/issuing/cards", last4=digits, limit=MOST_LOOKED_AT)["data"]
    return [Hit("Card", f"•• {one['last4']}", one["id"], one["cardholder"]["name"]) for one in cards]


def by_name(view: View, asked: str) -> list[Hit]:
    """Purchases, cardholders and accounts, the newest of each, in whose name it is."""
    wanted = asked.casefold()
    accounts = [
        Hit("Account", name_of(one), one["id"], one["id"])
        for one in view.quiet.get("/v1/accounts", limit=MOST_LOOKED_AT)["data"]
        if wanted in name_of(one).casefold()
    ]
    holders = [
        Hit("Cardholder", one["name"], one["id"], one["status"])
        for one in listed(view, "/v1/issuing/cardholders")
        if wanted in one["name"].casefold()
    ]
    purchases = [
        Hit("Purchase", one["merchant_data"]["name"], one["id"], bought(view, one))
        for one in listed(view, "/v1/issuing/authorizations")
        if wanted in (one["merchant_data"]["name"] or "").casefold()
    ]
    return [*accounts, *holders, *purchases]


def bought(view: View, authorization: dict[str, Any]) -> str:
    """`$25.00, Mon 30 Nov`"""
    amount = authorization["amount"] or authorization["merchant_amount"]
    return f"{formats.amount(amount, authorization['currency'])}, {formats.clock(authorization['created'], view.now)}"


def listed(view: View, path: str) -> list[dict[str, Any]]:
    """The newest of a list; none where the account may not have any."""
    try:
        return view.api.get(path, limit=MOST_LOOKED_AT)["data"]
    except ApiError:
        return []


def anything(view: View, id: str) -> Response:
    """An object that has no page of its own, as the API gives it."""
    found = view.platform.get(f"{FOUND}{id}")
    return view.page("object.html", id=id, account=found["account"], data=found["data"])


PAGES: list[Page] = [GET("/find", find), GET("/objects/<id>", anything)]
