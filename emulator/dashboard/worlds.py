"""Worlds: those that this session may look into, and the way into another."""

from __future__ import annotations

from typing import Any

from flask import Response

from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import View
from emulator.kernel.errors import ApiError
from emulator.kernel.tenants.glance import Glance, glance

MOST_SHOWN = 50


def worlds(view: View) -> Response:
    """Every world of the server for who started it; for others those whose keys they gave."""
    return view.page("worlds.html", worlds=[shown(view, one) for one in looks(view)])


def looks(view: View) -> list[Glance]:
    """The worlds changed last, newest first."""
    tenants = view.house.tenants
    there = (kept for kept in tenants.database.worlds() if view.session.may_see(kept.handle))
    found = (glance(tenants.database, kept, tenants.catalog) for kept, _ in zip(there, range(MOST_SHOWN), strict=False))
    return [one for one in found if one is not None]


def shown(view: View, look: Glance) -> dict[str, Any]:
    """One world as the page has it."""
    is_here = view.chosen is not None and look.id == view.chosen.handle
    return {**look._asdict(), "is_here": is_here}


def opened(view: View) -> Response:
    """Look into another world."""
    handle = view.form("world") or ""
    tenant = view.house.tenants.behind(handle) if view.session.may_see(handle) else None
    if tenant is None:
        raise ApiError(404, "There is no such world any more.")
    view.house.open(view.session, tenant)
    view.chosen = None  # links from here are of the other world
    return view.go("")


PAGES: list[Page] = [
    GET("/worlds", worlds, stands_alone=True),
    POST("/worlds/open", opened, stands_alone=True),
]
