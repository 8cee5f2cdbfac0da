"""Whether the server answers, and whether anything was set aside."""

from __future__ import annotations

from typing import Any

from emulator import __version__
from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenants
from emulator.openapi import CONTROL, document


def health(tenants: Tenants, params: dict[str, Any]) -> dict[str, Any]:
    """Version, and where the data is. Needs no key."""
    return {"object": "emulator.health", "data": tenants.database.place, "status": "ok", "version": __version__}


def described(tenants: Tenants, params: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the emulator's own operations. Needs no key."""
    return document(tenants.catalog, tenants.origin, below=CONTROL)


ROUTES = [
    GET("/_emulator/health", health, scope="server"),
    GET("/_emulator/openapi", described, scope="server"),
]
