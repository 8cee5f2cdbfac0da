"""Webhook endpoints: who is told of what, what became of it, off and on, a new secret, and new ones."""

from __future__ import annotations

from typing import Any

from flask import Response

from emulator.dashboard import events
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import MOST_ROWS, Api, View

URL = events.ENDPOINTS
STATES = (
    ("", "All"),
    ("waiting", "Waiting"),
    ("delivered", "Delivered"),
    ("given_up", "Given up"),
    ("canceled", "Canceled"),
)
EVERYTHING = "*"


def index(view: View) -> Response:
    """The endpoints of the platform and of the account that is looked at, and a form for another."""
    mine = view.platform.get(URL, limit=100)["data"]
    theirs = view.api.get(URL, limit=100)["data"] if view.account_id else []
    return view.page("endpoints.html", mine=mine, theirs=theirs)


def create(view: View) -> Response:
    """A new endpoint; its secret is told once, on the page that follows."""
    types = (view.form("types") or EVERYTHING).replace(",", " ").split()
    hears = view.form("hears")
    owner = view.api if hears == "theirs" else view.platform
    made = owner.post(
        URL, url=view.form("url") or "", enabled_events=types, connect=True if hears == "connected" else None
    )
    view.note("good", "It is told from now on.", f"Its secret, which is not shown again: {made['secret']}")
    return view.go(f"/endpoints/{made['id']}")


def one(view: View, id: str) -> Response:
    """One endpoint, and what became of what it was sent."""
    owner, endpoint = owned(view, id)
    state = view.query("state")
    found = view.platform.get(
        events.DELIVERIES, webhook_endpoint=id, state=state, limit=MOST_ROWS, starting_after=view.query("after")
    )
    rows = [(sent, events.standing(sent)) for sent in found["data"]]
    return view.page(
        "endpoint.html",
        endpoint=endpoint,
        is_ours=owner is view.platform,
        rows=rows,
        state=state or "",
        states=STATES,
        older=found["data"][-1]["delivery"] if found["has_more"] else None,
    )


def owned(view: View, id: str) -> tuple[Api, dict[str, Any]]:
    """Who has made an endpoint, and the endpoint. 404 for one that neither platform nor account has."""
    found = view.platform.find(f"{URL}/{id}")
    if found is not None:
        return view.platform, found
    return view.api, view.api.get(f"{URL}/{id}")


def update(view: View, id: str) -> Response:
    """Off, or on again."""
    owner, _ = owned(view, id)
    changed = owner.post(f"{URL}/{id}", disabled=view.form("disabled"))
    if changed["status"] == "disabled":
        view.note("wait", "Switched off.", "It is told of nothing until it is on again.")
    else:
        view.note("good", "Switched on.", "It is told of what happens from now on.")
    return view.go(f"/endpoints/{id}")


def roll(view: View, id: str) -> Response:
    """A new secret. The old one signs besides for a day of the world's clock."""
    owner, _ = owned(view, id)
    changed = owner.post(f"/_emulator/webhook_endpoints/{id}/roll_secret")
    view.note(
        "good", "A new secret, which is not shown again:", f"{changed['secret']} The old one signs for a day more."
    )
    return view.go(f"/endpoints/{id}")


def delete(view: View, id: str) -> Response:
    """Forget it, and what is on its way to it."""
    owner, endpoint = owned(view, id)
    owner.delete(f"{URL}/{id}")
    view.note("good", "Deleted.", f"{endpoint['url']} is told of nothing any more.")
    return view.go("/endpoints")


PAGES: list[Page] = [
    GET("/endpoints", index),
    POST("/endpoints", create),
    GET("/endpoints/<id>", one),
    POST("/endpoints/<id>", update),
    POST("/endpoints/<id>/roll", roll),
    POST("/endpoints/<id>/delete", delete),
]
