"""Disputes: what is claimed and by what evidence, and how the network decided."""

from __future__ import annotations

from typing import Any

from flask import Response

from emulator.dashboard import formats, purchases
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import MOST_ROWS, View
from emulator.kernel.errors import invalid

URL = "/v1/issuing/disputes"
STATUSES = (
    ("", "All"),
    ("unsubmitted", "Unsubmitted"),
    ("submitted", "Submitted"),
    ("won", "Won"),
    ("lost", "Lost"),
    ("expired", "Expired"),
)
REASONS = (
    "fraudulent",
    "not_received",
    "merchandise_not_as_described",
    "service_not_as_described",
    "duplicate",
    "canceled",
    "no_valid_authorization",
    "other",
)
# What an explanation has to be for test mode to decide.
OUTCOMES = {"won": "winning_evidence", "lost": "losing_evidence"}


def index(view: View) -> Response:
    """The disputes of an account, newest first."""
    status = view.query("status")
    found = view.api.get(URL, limit=MOST_ROWS, status=status, starting_after=view.query("after"))
    return view.page(
        "disputes.html",
        disputes=found["data"],
        statuses=STATUSES,
        status=status or "",
        older=found["data"][-1]["id"] if found["has_more"] else None,
    )


def new(view: View) -> Response:
    """A form for a dispute of a capture."""
    moved = view.api.get(f"/v1/issuing/transactions/{view.query('transaction')}")
    left = abs(moved["amount"])
    if moved["authorization"] is not None:
        bought = view.api.get(f"/v1/issuing/authorizations/{moved['authorization']}")
        left = min(left, purchases.amounts(bought).kept)
    return view.page("dispute_new.html", moved=moved, left=left, reasons=reasons())


def reasons() -> list[tuple[str, str]]:
    """The reasons in words."""
    return [(one, formats.words(one)) for one in REASONS]


def made(view: View) -> Response:
    """File a dispute; it is not submitted yet."""
    moved = view.api.get(f"/v1/issuing/transactions/{view.form('transaction')}")
    debit = (moved["treasury"] or {}).get("received_debit")
    named = {"treasury": {"received_debit": debit}} if debit else {"transaction": moved["id"]}
    text = view.form("amount")
    value = formats.minor(text, moved["currency"]) if text else None
    if text and value is None:
        raise invalid(f"{text} is no amount in {moved['currency'].upper()}.", param="amount")
    dispute = view.api.post(URL, **named, amount=value, evidence=evidence(view))
    view.note("wait", "Disputed.", "Its evidence can still change. Submit it to have the network decide.")
    return view.go(f"/disputes/{dispute['id']}")


def evidence(view: View) -> dict[str, Any]:
    """A reason, and an explanation that decides where one is chosen."""
    reason = view.form("reason") or "fraudulent"
    if reason not in REASONS:
        raise invalid(f"There is no reason called {reason}.", param="reason")
    explanation = OUTCOMES.get(view.form("outcome") or "") or view.form("explanation") or "Explained by the cardholder."
    return {"reason": reason, reason: {"explanation": explanation}}


def one(view: View, id: str) -> Response:
    """A dispute: where it stands, its evidence, and what may happen next."""
    dispute = view.api.get(f"{URL}/{id}")
    moved = view.api.get(f"/v1/issuing/transactions/{dispute['transaction']}")
    happened = view.platform.get("/_emulator/events/wait", object=id, timeout_ms=0, limit=50)["data"]
    reason = dispute["evidence"]["reason"]
    shown = {name: value for name, value in (dispute["evidence"].get(reason) or {}).items() if value is not None}
    return view.page(
        "dispute.html",
        dispute=dispute,
        moved=moved,
        reason=reason,
        shown=shown,
        timeline=timeline(dispute, happened),
        due=view.platform.get("/_emulator/clock/due", about=id)["data"],
        reasons=reasons(),
    )


def timeline(dispute: dict[str, Any], events: list[dict[str, Any]]) -> list[tuple[int, str, str, str]]:
    """What happened to it: time, kind of entry, title and text."""
    texts = {
        "issuing_dispute.created": ("", "Filed", "with its first evidence"),
        "issuing_dispute.updated": ("", "Changed", "its evidence or what is known of it"),
        "issuing_dispute.submitted": ("move", "Submitted", "the network decides"),
        "issuing_dispute.funds_reinstated": ("good", "Money came back", "credited where the card is paid from"),
        "issuing_dispute.funds_rescinded": ("bad", "Money was taken again", "the network decided otherwise"),
    }
    closed = {
        "won": ("good", "Won", "the cardholder keeps the money"),
        "lost": ("bad", "Lost", "the merchant keeps the money"),
        "expired": ("wait", "Expired", "it was not submitted in time"),
    }
    entries = []
    for event in events:
        if event["type"] == "issuing_dispute.closed":
            status = event["data"]["object"]["status"]
            kind, title, text = closed.get(status, ("", formats.words(status), ""))
        else:
            usual = ("", formats.words(event["type"].rpartition(".")[2]), "")
            kind, title, text = texts.get(event["type"], usual)
        entries.append((event["created"], kind, title, text))
    return entries


def changed(view: View, id: str) -> Response:
    """Change the evidence of one that is not submitted."""
    view.api.post(f"{URL}/{id}", evidence=evidence(view))
    view.note("good", "Evidence kept.")
    return view.go(f"/disputes/{id}")


def submitted(view: View, id: str) -> Response:
    """Submit it; test mode decides by its explanation."""
    view.api.post(f"{URL}/{id}/submit")
    now = view.api.get(f"{URL}/{id}")
    says = {
        "won": ("good", "Won.", "The money is back where the card is paid from."),
        "lost": ("bad", "Lost.", f"{formats.words(now.get('loss_reason'))}. The merchant keeps the money."),
    }
    view.note(*says.get(now["status"], ("move", "Submitted.", "The network decides.")))
    return view.go(f"/disputes/{id}")


def decided(view: View, id: str) -> Response:
    """Have the network decide one that waits for it."""
    now = view.api.post(f"/_emulator/issuing/disputes/{id}/decide", outcome=view.form("outcome"))
    view.note("good" if now["status"] == "won" else "bad", f"{formats.words(now['status'])}.")
    return view.go(f"/disputes/{id}")


PAGES: list[Page] = [
    GET("/disputes", index),
    GET("/disputes/new", new),
    POST("/disputes/new", made),
    GET("/disputes/<id>", one),
    POST("/disputes/<id>", changed),
    POST("/disputes/<id>/submit", submitted),
    POST("/disputes/<id>/decide", decided),
]
