"""The dashboard: pages for a person who looks at a world, below `/dashboard`. docs/dashboard.md says how one is added.

    request ─▶ doors.py ─▶ session? ─no─▶ sign in
                              └─ token of the form? ─▶ the page's function ─▶ calls in this process ─▶ template

Every page works without a script. With one, regions are swapped when the stream tells that something has happened.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

from flask import Flask, Response, g, redirect, request
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.local import LocalProxy

from emulator.dashboard import (
    accounts,
    authorizations,
    cardholders,
    cards,
    clock,
    disputes,
    endpoints,
    events,
    faults,
    financial_accounts,
    finding,
    flows,
    formats,
    live,
    overview,
    preferences,
    requests,
    settings,
    signing_in,
    terminal,
    worlds,
)
from emulator.dashboard.house import Caller, House
from emulator.dashboard.routing import Page
from emulator.dashboard.sessions import Session, same
from emulator.dashboard.view import ROOT, View
from emulator.kernel.errors import ApiError
from emulator.kernel.tenants import Tenants
from emulator.kernel.waiting import told

MODULES = (
    overview,
    terminal,
    authorizations,
    cards,
    cardholders,
    disputes,
    financial_accounts,
    flows,
    accounts,
    events,
    endpoints,
    requests,
    faults,
    clock,
    settings,
    finding,
    worlds,
    preferences,
)
STATIC = Path(__file__).parent / "static"
FILES = {"dashboard.css": "text/css", "dashboard.js": "text/javascript", "htmx.min.js": "text/javascript"}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Compiled(BytecodeCache):
    """Templates as they were compiled, for every application of this process."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template's code, if another application has compiled it."""
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template's code."""
        assert bucket.code is not None
        self.kept[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


def mount(app: Flask, tenants: Tenants, inside: Caller) -> House:
    """Serve the pages. Comes before the pipeline, which answers every path that nobody else has."""
    house = House(tenants, inside)
    marks = {name: hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12] for name in FILES}
    environment = app.jinja_env
    environment.bytecode_cache = COMPILED
    environment.filters |= {
        name: getattr(formats, name)
        for name in ("amount", "listing", "percent", "plural", "pretty", "short", "span", "typed", "words")
    }
    environment.globals |= {
        "dict": dict,
        "formats": formats,
        "page_of": finding.page_of,
        "static": lambda name: f"{ROOT}/static/{name}?v={marks[name]}",
        "stream": live.PATH,
        "view": LocalProxy(lambda: g.view),
    }
    environment.trim_blocks = environment.lstrip_blocks = True
    for name in ("ui", "parts"):
        environment.globals[name] = environment.get_template(f"dashboard/{name}.html").module
    app.add_url_rule(f"{ROOT}/static/<name>", "file of the dashboard", file, provide_automatic_options=False)
    app.add_url_rule(live.PATH, "stream of the dashboard", partial(stream, house), provide_automatic_options=False)
    for verb, path, function in (
        ("GET", f"{ROOT}/sign_in", signing_in.form),
        ("POST", f"{ROOT}/sign_in", signing_in.by_key),
        ("POST", f"{ROOT}/sign_out", signing_in.out),
    ):
        whole = partial(guarded, house, function)
        app.add_url_rule(path, f"{verb} {path}", whole, methods=[verb], provide_automatic_options=False)
    app.add_url_rule(f"{ROOT}/", "with a slash", lambda: redirect(ROOT, 308), provide_automatic_options=False)
    for page in (page for module in MODULES for page in module.PAGES):
        answer = partial(answered, house, page)
        app.add_url_rule(f"{ROOT}{page.path}", page.name, answer, methods=[page.verb], provide_automatic_options=False)
    for verb in ("GET", "POST"):
        app.add_url_rule(
            f"{ROOT}/<path:path>",
            f"{verb} nothing",
            partial(answered, house, Page(verb, "", nothing, stands_alone=True)),
            methods=[verb],
            provide_automatic_options=False,
        )
    return house


# Requests


def answered(house: House, page: Page, **values: str) -> Response:
    """What a page answers to whoever has signed in; everybody else is led to do so."""
    code = request.args.get("code")
    if page.path == "" and page.verb == "GET" and code is not None and "path" not in values:
        return signing_in.by_link(house, code)
    session = session_of(house)
    if session is None:
        return dressed(signing_in.first(page.verb))
    return guarded(house, partial(of_session, session=session, page=page, values=values), session=session)


def of_session(house: House, *, session: Session, page: Page, values: dict[str, str]) -> Response:
    """The same, once it is known who asks. ApiError for what is refused."""
    if page.verb == "POST" and not same(request.form.get("token", ""), session.token):
        raise ApiError(403, "This form is of an earlier session. Open the page again and repeat it.")
    view = g.view = View(house, session, house.world_of(session))
    if view.chosen is None and not page.stands_alone:
        return redirect(f"{ROOT}/worlds", 303)  # type: ignore[return-value]
    if page.stands_alone and page.verb == "GET":
        return alone(view, page, values)
    try:
        return page.function(view, *values.values())
    except ApiError as refusal:
        if page.verb != "POST":
            raise
        code = f", {refusal.code}" if refusal.code else ""
        view.note("bad", refusal.message, f"Refused with {refusal.status}{code}.")
        return view.back()


def alone(view: View, page: Page, values: dict[str, str]) -> Response:
    """A page that needs no world, also where the one that was chosen cannot be read."""
    try:
        return page.function(view, *values.values())
    except Exception:
        if view.chosen is None:
            raise
        g.view = View(view.house, view.session, None)
        return page.function(g.view, *values.values())


def guarded(house: House, function: Any, *, session: Session | None = None) -> Response:
    """What a function answers; what goes wrong is a page as well."""
    try:
        response = dressed(function(house))
        if session is not None:
            house.sessions.keep(session)
        return response
    except Exception as failure:
        refusal = house.inside.refusal_of(failure, request.method, request.path)
        if refusal is None:
            return failed(house, session, 500, "An error on our side, not on yours. The console of the server has it.")
        return failed(house, session, refusal.status, refusal.message)


def failed(house: House, session: Session | None, status: int, says: str) -> Response:
    """A page that says what went wrong. It asks nothing of the world, which may be why."""
    g.view = View(house, session or Session("", ""), None)
    return dressed(g.view.page("error.html", answers=status, says=says, number=status))


def nothing(view: View, path: str) -> Response:
    """404."""
    raise ApiError(404, f"There is no page called {path}.")


def dressed(response: Response) -> Response:
    """With the headers that every page has."""
    response.headers.extend({name: value for name, value in HEADERS.items() if name not in response.headers})
    return response


def session_of(house: House) -> Session | None:
    """Who asks, by the cookie."""
    return house.sessions.find(request.cookies.get(signing_in.cookie_name(request.host)))


# Files and the stream


def file(name: str) -> Response:
    """A file of ours, which never changes under the address that pages give it."""
    if name not in FILES:
        return Response("There is no such file.\n", 404, HEADERS, "text/plain")
    headers = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response((STATIC / name).read_bytes(), headers=headers, mimetype=FILES[name])


def stream(house: House) -> Response:
    """The stream over WSGI, where it has a thread of its own."""
    pieces = live.told(house, request.headers, request.host, request.query_string.decode())
    if pieces is None:
        return Response("Sign in first.\n", 401, HEADERS, "text/plain")
    return Response(told(pieces), headers=live.HEADERS, direct_passthrough=True)
