"""Signing in: by the link that the server printed, once, or by giving the key of a world, once."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from flask import Response, g, redirect, request

from emulator import __version__, first_steps
from emulator.dashboard.house import House
from emulator.dashboard.sessions import Session, same
from emulator.dashboard.view import ROOT, View, own_path
from emulator.kernel.errors import ApiError

FORM = "dashboard_form"  # the cookie that a form to sign in has to come with


def cookie_name(host: str) -> str:
    """The cookie of a session; servers on several ports of one host each have their own."""
    return f"dashboard_{host.rpartition(':')[2] if ':' in host else '80'}"


def by_link(house: House, code: str) -> Response:
    """Sign in whoever has the link. Who has followed it before is still signed in."""
    session = house.sessions.follow(code)
    if session is not None:
        return begun(session, ROOT)
    if house.sessions.find(request.cookies.get(cookie_name(request.host))) is not None:
        return redirect(ROOT, 303)  # type: ignore[return-value]
    return redirect(f"{ROOT}/sign_in?used=1", 303)  # type: ignore[return-value]


def first(verb: str) -> Response:
    """Lead to the form, and from there back to the page that was asked for."""
    if "HX-Request" in request.headers:
        return Response("", 401, {"HX-Refresh": "true"})
    asked = request.full_path.rstrip("?")
    query = f"?{urlencode({'next': asked})}" if verb == "GET" and asked != ROOT else ""
    return redirect(f"{ROOT}/sign_in{query}", 303)  # type: ignore[return-value]


def form(house: House, refusal: str | None = None, status: int = 200) -> Response:
    """The form, and what a newcomer wants to know first."""
    view = g.view = View(house, Session("", secrets.token_urlsafe(24)), None)
    response = view.page(
        "sign_in.html",
        answers=status,
        commands=first_steps.in_any_world(view.origin),
        next=own_path(request.values.get("next")),
        refusal=refusal,
        used="used" in request.args,
        version=__version__,
    )
    response.set_cookie(FORM, view.session.token, path=f"{ROOT}/sign_in", httponly=True, samesite="Strict")
    return response


def by_key(house: House) -> Response:
    """Sign in with a key. It is forgotten at once; the session keeps which world it opens."""
    token = request.cookies.get(FORM, "")
    if not token or not same(request.form.get("token", ""), token):
        return form(house, "This form was too old. Give the key again.", 403)
    try:
        tenant = house.inside.opened_by(request.form.get("key", "").strip())
    except ApiError as refusal:
        return form(house, refusal.message, refusal.status)
    session = house.sessions.renewed(house.sessions.find(request.cookies.get(cookie_name(request.host))))
    house.open(session, tenant)
    return begun(session, own_path(request.form.get("next")) or ROOT)


def begun(session: Session, path: str) -> Response:
    """Lead to a page with the session's cookie."""
    response: Response = redirect(path, 303)  # type: ignore[assignment]
    name = cookie_name(request.host)
    response.set_cookie(name, session.id, path=ROOT, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def out(house: House) -> Response:
    """Sign out."""
    session = house.sessions.find(request.cookies.get(cookie_name(request.host)))
    if session is not None:
        if not same(request.form.get("token", ""), session.token):
            raise ApiError(403, "This form is of an earlier session. Open the page again and repeat it.")
        house.sessions.end(session)
    response: Response = redirect(f"{ROOT}/sign_in", 303)  # type: ignore[assignment]
    response.delete_cookie(cookie_name(request.host), path=ROOT)
    return response
