"""Search: by an id, the last four of a card, or a merchant, to the page of what was meant."""

from __future__ import annotations

from flask import Response

from emulator.dashboard.routing import GET, Page
from emulator.dashboard.view import View

# The page of an object by its kind.
PAGES_OF = {
    "account": "/accounts/{}",
    "event": "/events/{}",
    "issuing.authorization": "/authorizations/{}",
    "issuing.card": "/cards/{}",
    "issuing.cardholder": "/cardholders/{}",
    "issuing.dispute": "/disputes/{}",
    "treasury.financial_account": "/financial_accounts/{}",
    "treasury.inbound_transfer": "/flows/{}",
    "treasury.outbound_payment": "/flows/{}",
    "treasury.outbound_transfer": "/flows/{}",
    "treasury.received_credit": "/flows/{}",
    "treasury.received_debit": "/flows/{}",
    "treasury.credit_reversal": "/flows/{}",
    "treasury.debit_reversal": "/flows/{}",
    "webhook_endpoint": "/events?endpoint={}",
}
MOST_LOOKED_AT = 100


def find(view: View) -> Response:
    """Lead to what was meant, or show what may have been."""
    words = view.query("q") or ""
    if words.startswith("req_"):
        return view.go(f"/requests/{words}")
    found = view.platform.find(f"/_emulator/find/{words}") if "_" in words and "/" not in words else None
    if found is not None:
        return led(view, found)
    cards = (
        view.api.get("/v1/issuing/cards", last4=words, limit=10)["data"] if len(words) == 4 and words.isdigit() else []
    )
    if len(cards) == 1:
        return view.go(f"/cards/{cards[0]['id']}")
    bought = view.api.get("/v1/issuing/authorizations", limit=MOST_LOOKED_AT)["data"] if words else []
    meant = [one for one in bought if words.lower() in one["merchant_data"]["name"].lower()]
    return view.page("find.html", words=words, cards=cards, purchases=meant[:25], looked_at=len(bought))


def led(view: View, found: dict[str, str]) -> Response:
    """Lead to the page of an object, of whichever account it is; what has none is shown as it is."""
    id, account = found["id"], found["account"]
    if found["kind"] == "issuing.transaction":
        moved = view.house.inside.call(
            view.tenant, "GET", f"/v1/issuing/transactions/{id}", {}, account=whose(view, account), origin=view.origin
        )
        found = {
            **found,
            "id": moved["authorization"] or id,
            "kind": "issuing.authorization" if moved["authorization"] else "",
        }
    path = PAGES_OF.get(found["kind"])
    if path is None:
        return view.page("find.html", words=id, cards=[], purchases=[], looked_at=0, found=found)
    account = found["id"] if found["kind"] == "account" else account
    return view.go(path.format(found["id"]), account=account)


def whose(view: View, account: str) -> str | None:
    """Whom a call has to act for: None for the platform itself."""
    return None if account == view.platform_account["id"] else account


PAGES: list[Page] = [GET("/find", find)]
