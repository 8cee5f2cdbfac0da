"""Events: what happened, who was told of it, what they answered, sending it again, and the verdict on consumers."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Response
from markupsafe import Markup

from emulator.dashboard import formats
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import MOST_ROWS, View, name_of

DELIVERIES = "/_emulator/webhooks/deliveries"
ATTEMPTS = "/_emulator/webhooks/attempts"
ENDPOINTS = "/v1/webhook_endpoints"
MOST_DELIVERIES = 100
MOST_LINES = 60
MOST_JUDGED = 200  # attempts
PATIENCE_MS = 5_000  # for an answer to what was sent again, before the page is shown
LONGEST_ANSWER = 160
ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth")


class Mark(NamedTuple):
    """What became of an event, in a word."""

    kind: str
    says: str


class Attempt(NamedTuple):
    """One time a delivery was sent."""

    kind: str
    says: str
    more: str
    answered: str
    at: int
    signature: str | None


class Judged(NamedTuple):
    """An endpoint, and what its attempts show."""

    url: str
    path: str
    verdict: dict[str, Any]

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to report."""
        return not self.verdict["findings"]


# The list, and one of it


def index(view: View) -> Response:
    """The events of the account, newest first, and the newest of them whole."""
    found = page_of_events(view)
    return shown(view, found, found["data"][0] if found["data"] else None)


def one(view: View, id: str) -> Response:
    """The same list, with one event chosen."""
    event = view.api.get(f"/v1/events/{id}")
    return shown(view, page_of_events(view), event)


def page_of_events(view: View) -> dict[str, Any]:
    """The events that are asked for."""
    return view.api.get(
        "/v1/events",
        limit=MOST_ROWS,
        type=view.query("type"),
        delivery_success=False if view.query("failed") else None,
        starting_after=view.query("after"),
    )


def shown(view: View, found: dict[str, Any], chosen: dict[str, Any] | None) -> Response:
    """The page, with what became of each event in the list."""
    events = found["data"]
    wanted = [event["id"] for event in events]
    sent = view.platform.get(DELIVERIES, events=wanted, limit=MOST_DELIVERIES)["data"] if wanted else []
    known = endpoints(view)
    marks = {event["id"]: marked([one for one in sent if one["event"] == event["id"]]) for event in events}
    return view.page(
        "events.html",
        chosen=chosen,
        deliveries=deliveries_of(view, chosen) if chosen else [],
        endpoints=known,
        events=[(event, about(event["data"]["object"]), marks[event["id"]]) for event in events],
        filters={"type": view.query("type"), "failed": view.query("failed")},
        older=events[-1]["id"] if found["has_more"] else None,
        says=about(chosen["data"]["object"]) if chosen else "",
        payload=payload(chosen, whole=view.query("whole") is not None) if chosen else None,
        verdicts=judged(view, known),
    )


def marked(sent: list[dict[str, Any]]) -> Mark:
    """What became of an event, from its deliveries: whoever has not acknowledged it comes first."""
    open_ones = [one for one in sent if not one["acknowledged"] and one["state"] != "canceled"]
    if not sent:
        return Mark("faint", "no endpoint")
    one = (open_ones or sent)[0]
    last = one["last_attempt"]
    if last is None:
        return Mark("faint" if one["state"] == "canceled" else "wait", words_of(one["state"]))
    says = str(last["status"] or "no answer")
    if open_ones:
        return Mark("bad", says)
    return Mark("good", f"{last['duration_ms']} ms" if one["reason"] == "question" else says)


def words_of(state: str) -> str:
    """How a delivery stands that was never sent."""
    return {"waiting": "on its way", "asked": "being asked"}.get(state, formats.words(state).lower())


def about(thing: dict[str, Any]) -> str:
    """What an event is about, in words: a merchant and an amount, a name, an amount, an id."""
    merchant = (thing.get("merchant_data") or {}).get("name")
    name = name_of(thing) if thing.get("object") == "account" else thing.get("name")
    amount, currency = thing.get("amount"), thing.get("currency")
    asked = thing.get("pending_request") or {}
    if asked.get("amount") is not None:
        amount = asked["amount"]
    is_money = isinstance(amount, int) and isinstance(currency, str)
    whole = [merchant or name, formats.amount(abs(amount), currency) if is_money else None]
    known = [part for part in whole if isinstance(part, str)]
    return ", ".join(known) or formats.short(thing.get("id") or thing.get("object") or "")


def payload(event: dict[str, Any], *, whole: bool) -> tuple[Markup, int]:
    """An event as the API gives it, the beginning of it or all; and how many lines it has."""
    lines = formats.pretty(event).split("\n")
    kept = lines if whole else lines[:MOST_LINES]
    return Markup("\n").join(kept), len(lines)


# Deliveries


def deliveries_of(view: View, event: dict[str, Any]) -> list[dict[str, Any]]:
    """Who was told of an event, each with its attempts in words."""
    found = view.platform.get(DELIVERIES, event=event["id"])["data"]
    attempts = view.platform.get(ATTEMPTS, event=event["id"])["data"] if found else []
    by_delivery: dict[int, list[dict[str, Any]]] = {
        number: list(some) for number, some in groupby(sorted(attempts, key=place_of), key=lambda one: one["delivery"])
    }
    return [
        {**one, "standing": standing(one), "sent": [attempt(tried) for tried in by_delivery.get(one["delivery"], [])]}
        for one in found
    ]


def place_of(attempt: dict[str, Any]) -> tuple[int, int]:
    """Where an attempt stands among all."""
    return attempt["delivery"], attempt["number"]


def standing(delivery: dict[str, Any]) -> Mark:
    """How a delivery stands."""
    kinds = {"delivered": "good", "given_up": "bad", "canceled": "", "waiting": "wait", "asked": "move"}
    names = {"given_up": "given up", "asked": "being asked"}
    return Mark(kinds[delivery["state"]], names.get(delivery["state"], delivery["state"]))


def attempt(tried: dict[str, Any]) -> Attempt:
    """One attempt in words."""
    number = tried["number"]
    which = ORDINALS[number - 1] if number <= len(ORDINALS) else f"{number}th"
    names = {"resend": "Sent again.", "question": "Asked.", "duplicate": "Sent a second time."}
    more = names.get(tried["reason"], f"{which} attempt.")
    if tried["troubles"]:
        more += f" With {formats.listing([formats.words(name).lower() for name in tried['troubles']])}."
    is_good = tried["status"] is not None and 200 <= tried["status"] < 300
    says = f"{tried['status'] or 'No answer'} in {tried['duration_ms']:,} ms"
    body = tried["response_body"]
    answered = body[:LONGEST_ANSWER] + ("…" if len(body) > LONGEST_ANSWER else "")
    if tried["status"] is None and tried["error"]:
        more, answered = f"{more} {tried['error']}", ""
    return Attempt("good" if is_good else "bad", says, more, answered, tried["created"], tried["signature"])


def resend(view: View, id: str) -> Response:
    """Send an event again, to one endpoint or to all that it concerns, and wait a moment for what they answer."""
    endpoint = view.form("endpoint")
    account = view.account_id
    owner = view.platform if endpoint is None or is_of_platform(view, endpoint) else view.api
    named = account if owner is view.platform else None
    owner.post(f"/v1/events/{id}/retry", webhook_endpoint=endpoint, account=named)
    view.quiet.post("/_emulator/webhooks/drain", timeout_ms=PATIENCE_MS)
    again = [one for one in view.quiet.get(DELIVERIES, event=id)["data"] if one["reason"] == "resend"]
    last = again[-1]["last_attempt"] if again else None
    if not again:
        view.note("wait", "Nobody to send it to.", "No endpoint hears this kind of event.")
    elif last is None:
        view.note("wait", "Sent again.", "It has not been answered yet.")
    else:
        came = f"{last['status']} in {last['duration_ms']} ms" if last["status"] else last["error"]
        view.note("good" if again[-1]["acknowledged"] else "bad", "Sent again.", f"The answer was {came}.")
    return view.go(f"/events/{id}", account=account or view.account["id"])


def is_of_platform(view: View, endpoint: str) -> bool:
    """Whether an endpoint is one that the platform has made."""
    return any(one["id"] == endpoint for one in view.quiet.get(ENDPOINTS, limit=100)["data"])


# The verdict


def endpoints(view: View) -> list[dict[str, Any]]:
    """The endpoints of the platform, and those of the account that is looked at."""
    mine = view.platform.get(ENDPOINTS, limit=100)["data"]
    return mine if view.account_id is None else [*mine, *view.api.get(ENDPOINTS, limit=100)["data"]]


def judged(view: View, known: list[dict[str, Any]]) -> list[Judged]:
    """What the newest attempts show of each endpoint."""
    urls = {one["id"]: one["url"] for one in known}
    found = view.platform.get("/_emulator/webhooks/verdict", limit=MOST_JUDGED)["data"]
    with_urls = [(urls.get(one["webhook_endpoint"]), one) for one in found]
    judgements = [Judged(url or one["webhook_endpoint"], path_of(url), one) for url, one in with_urls]
    return sorted(judgements, key=lambda one: one.is_fine)


def path_of(url: str | None) -> str:
    """What tells an endpoint from others: its path, or its host where it has none."""
    if url is None:
        return "an endpoint that is gone"
    parts = urlsplit(url)
    return parts.path if parts.path not in ("", "/") else parts.netloc


def verdict(view: View) -> Response:
    """What the newest attempts show of every consumer, with the events to look at."""
    return view.page("verdict.html", verdicts=judged(view, endpoints(view)), most=MOST_JUDGED)


PAGES: list[Page] = [
    GET("/events", index),
    GET("/events/<id>", one),
    POST("/events/<id>/resend", resend),
    GET("/verdict", verdict),
]
