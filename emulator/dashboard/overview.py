"""The overview of a world: is it alive, what happened today, what needs somebody?"""

from __future__ import annotations

from flask import Response

from emulator.dashboard.routing import GET, Page
from emulator.dashboard.view import View


def overview(view: View) -> Response:
    """Figures, cash, purchases of today, declines by reason, what falls due."""
    return view.page("overview.html")


PAGES: list[Page] = [GET("", overview)]
