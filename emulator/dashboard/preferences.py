"""What every page has around it: the theme that somebody prefers, and the world's clock."""

from __future__ import annotations

from flask import Response, request

from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import ROOT, View

THEMES = ("auto", "light", "dark")
COOKIE = "dashboard_theme"
A_YEAR = 365 * 24 * 3600


def theme(view: View) -> Response:
    """Light, dark, or as the system has it. In a cookie, so that no page flickers."""
    chosen = view.form("theme")
    response = view.back()
    if chosen in THEMES:
        response.set_cookie(COOKIE, chosen, max_age=A_YEAR, path=ROOT, samesite="Lax", httponly=True)
    return response


def now(view: View) -> Response:
    """The clock in the top bar, which asks for itself when it was moved; whoever else comes here is led to its page."""
    return view.page("layout.html") if "HX-Request" in request.headers else view.go("/clock")


PAGES: list[Page] = [GET("/now", now), POST("/theme", theme, stands_alone=True)]
