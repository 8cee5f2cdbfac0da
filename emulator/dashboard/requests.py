"""Requests: what your code sent, what came of it, why it was refused, and the same again as a command."""

from __future__ import annotations

import json
import shlex
from http import HTTPStatus
from typing import Any

from flask import Response
from markupsafe import Markup

from emulator.dashboard import formats
from emulator.dashboard.routing import GET, Page
from emulator.dashboard.view import MOST_ROWS, View

URL = "/_emulator/requests"
MOST_LINES = 80  # of a reply
OUTCOMES = (("", "All"), ("2xx", "Accepted"), ("4xx", "Refused"), ("5xx", "Failed"))
METHODS = (("", "Any"), ("GET", "GET"), ("POST", "POST"), ("DELETE", "DELETE"))
KINDS = {2: "good", 4: "bad", 5: "bad"}


def index(view: View) -> Response:
    """The log of a world, newest first. Its times are real ones, whatever the world's clock shows."""
    wanted = {name: view.query(name) for name in ("status", "method", "path")}
    found = view.platform.get(URL, limit=MOST_ROWS, starting_after=view.query("after"), **wanted)
    return view.page(
        "requests.html",
        methods=METHODS,
        now=formats.real_now(),
        older=found["data"][-1]["id"] if found["has_more"] else None,
        outcomes=OUTCOMES,
        rows=[(one, kind_of(one["status"])) for one in found["data"]],
        wanted=wanted,
    )


def one(view: View, id: str) -> Response:
    """One request: what it was, what it was answered, and which page shows what it was about."""
    request = view.platform.get(f"{URL}/{id}")
    recorded = request["recorded"] or {}
    reply = recorded.get("reply")
    return view.page(
        "request.html",
        again=as_curl(view, request),
        kind=kind_of(request["status"]),
        meaning=meaning(request["status"]),
        now=formats.real_now(),
        params=recorded.get("params"),
        records=view.quiet.get("/_emulator/settings")["record_requests"],
        reply=None if reply is None else begun(reply),
        objects=[part for part in request["path"].split("/") if "_" in part and part.rpartition("_")[2].isalnum()][-1:],
        request=request,
    )


def begun(reply: Any) -> tuple[Markup, int]:
    """The beginning of a reply, and how many lines it has."""
    lines = formats.pretty(reply).split("\n")
    return Markup("\n").join(lines[:MOST_LINES]), len(lines)


def kind_of(status: int) -> str:
    """What a status means, as a kind of badge."""
    return KINDS.get(status // 100, "")


def meaning(status: int) -> str:
    """What a status is called."""
    return next((one.phrase for one in HTTPStatus if one == status), "")


def as_curl(view: View, request: dict[str, Any]) -> str:
    """The request as a command, with the key that the reader has; what was sent with it where that was kept."""
    parts = [f"curl {shlex.quote(view.origin + request['path'])}", '-u "$STRIPE_API_KEY:"']
    sent = (request["recorded"] or {}).get("params") or {}
    is_json = request["path"].startswith("/v2/") and request["method"] != "GET"
    pairs = [] if is_json else [f"-d {shlex.quote(f'{name}={value}')}" for name, value in formats.flat(sent)]
    if request["method"] == "GET" and pairs:
        parts.append("-G")
    elif request["method"] != "GET" and not (request["method"] == "POST" and sent):
        parts.append(f"-X {request['method']}")
    headers = {
        "Stripe-Account": request["account"],
        "Stripe-Version": request["api_version"],
        "Idempotency-Key": request["idempotency_key"],
    }
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items() if value is not None]
    parts += pairs
    if is_json and sent:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(sent))}"]
    return " \\\n  ".join(parts)


PAGES: list[Page] = [GET("/requests", index), GET("/requests/<id>", one)]
