"""What somebody prefers: the theme."""

from __future__ import annotations

from flask import Response

from emulator.dashboard.routing import POST, Page
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


PAGES: list[Page] = [POST("/theme", theme, stands_alone=True)]
