"""The tenant as a whole: its settings, and a fresh start."""

from __future__ import annotations

from typing import Any

from emulator.kernel.routes import GET, POST
from emulator.kernel.settings import AnySetting
from emulator.kernel.tenants import Tenant


def settings(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Every setting with its value."""
    return {"object": "emulator.settings", **tenant.all_settings()}


def change_settings(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Change settings; an empty value puts one back to its default. 400 for a value it cannot take."""
    return {"object": "emulator.settings", **tenant.change_settings(params)}


def reset(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Forget everything: same seed, same ids, default settings."""
    return {"object": "emulator.reset", "generation": tenant.reset()}


ROUTES = [
    GET("/_emulator/settings", settings, scope="tenant"),
    POST("/_emulator/settings", change_settings, AnySetting, scope="tenant"),
    POST("/_emulator/reset", reset, scope="tenant"),
]
