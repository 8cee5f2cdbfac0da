"""Faults: refusals and delays for the requests to come, and troubles for webhooks on their way."""

from __future__ import annotations

from typing import Any

from flask import Response

from emulator.dashboard import events, formats
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import View

URL = "/_emulator/faults"
CLINIC = "/_emulator/webhooks/clinic"
KINDS = (
    ("server_error", "Fails: 500, an unknown error"),
    ("rate_limit", "Refused: 429, too many requests"),
    ("lock_timeout", "Refused: 429, the object is in use"),
    ("conflict", "Refused: 409, its idempotency key is in use"),
    ("wait", "Waits before it is carried out"),
    ("drop", "Loses its connection, and is not carried out"),
    ("drop_after", "Is carried out, and its reply is lost"),
)
METHODS = (("", "Any method"), ("POST", "POST"), ("GET", "GET"), ("DELETE", "DELETE"))
TROUBLES = (
    ("delay", "Delayed", "the first attempt comes later on the clock"),
    ("drop", "Dropped", "the first attempt never arrives, the retry does"),
    ("duplicate", "Duplicated", "the same event arrives twice"),
    ("reorder", "Out of order", "it arrives after the event that follows it"),
    ("wrong_signature", "Wrong signature", "signed with another secret"),
    ("stale_signature", "Stale signature", "signed ten minutes ago"),
    ("truncated_body", "Cut short", "half of the body is missing"),
    ("older_api_version", "Older version", "the event is of an earlier version of the API"),
)


def index(view: View) -> Response:
    """What waits, and forms for more."""
    known = events.endpoints(view)
    urls = {one["id"]: one["url"] for one in known}
    doses = view.platform.get(CLINIC)["data"]
    return view.page(
        "faults.html",
        doses=[(dose, urls.get(dose["webhook_endpoint"]), in_words(dose)) for dose in doses],
        endpoints=[("", "Every endpoint"), *((one["id"], one["url"]) for one in known)],
        faults=[(one, shown_as(one)) for one in view.platform.get(URL)["data"]],
        kinds=KINDS,
        methods=METHODS,
        troubles=TROUBLES,
    )


def shown_as(fault: dict[str, Any]) -> tuple[str, str]:
    """What a fault does: `Waits before it is carried out`, and more closely: `2,000 ms and up to 500 more, of 20 %`"""
    kind = f"{fault['kind']}_after" if fault["carried_out"] else fault["kind"]
    time = f"{fault['milliseconds']:,} ms" if fault["milliseconds"] else ""
    if fault["jitter_milliseconds"]:
        time += f" and up to {fault['jitter_milliseconds']:,} more"
    share = f"{fault['probability']} % of them" if fault["probability"] else ""
    return dict(KINDS)[kind], ", ".join(filter(None, (time, share)))


def in_words(dose: dict[str, Any]) -> str:
    """`20 % delayed, 5 % dropped`"""
    parts = [f"{dose[name]} % {label.lower()}" for name, label, _ in TROUBLES if dose.get(name)]
    return formats.listing(parts)


def arm(view: View) -> Response:
    """Have a fault wait for the next so many requests."""
    kind = view.form("kind") or ""
    count = view.form("count") or "1"
    view.platform.post(
        URL,
        kind=kind.removesuffix("_after"),
        carried_out=True if kind == "drop_after" else None,
        count=count,
        method=view.form("method"),
        path=view.form("path"),
        milliseconds=view.form("milliseconds") if kind == "wait" else None,
        jitter_milliseconds=view.form("jitter_milliseconds") if kind == "wait" else None,
        probability=view.form("probability"),
    )
    which = f"the next {count} requests" if count != "1" else "the next request"
    where = f"{view.form('method') or ''} {view.form('path') or ''}".strip()
    view.note("wait", "It waits.", f"It strikes {which}{f' of {where}' if where else ''}. Pages here are spared.")
    return view.go("/faults")


def disarm(view: View) -> Response:
    """Take every fault away."""
    view.platform.delete(URL)
    view.note("good", "No fault waits any more.")
    return view.go("/faults")


def prescribe(view: View) -> Response:
    """Give webhooks troubles, of one endpoint or of all."""
    rates = {name: view.form(name) for name, _, _ in TROUBLES}
    view.platform.post(CLINIC, webhook_endpoint=view.form("endpoint"), **rates)
    view.note("wait", "Set.", "Events strike trouble from now on; the verdict tells what your consumer made of it.")
    return view.go("/faults")


def discharge(view: View) -> Response:
    """Take all troubles away."""
    view.platform.delete(CLINIC)
    view.note("good", "Webhooks are well again.")
    return view.go("/faults")


PAGES: list[Page] = [
    GET("/faults", index),
    POST("/faults", arm),
    POST("/faults/discard", disarm),
    POST("/faults/clinic", prescribe),
    POST("/faults/clinic/discharge", discharge),
]
