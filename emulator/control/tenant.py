"""The tenant as a whole: its settings, and a fresh start."""

from __future__ import annotations

from typing import Any

from emulator.control import snapshots
from emulator.kernel.params import Enum, Params
from emulator.kernel.routes import GET, POST
from emulator.kernel.settings import AnySetting
from emulator.kernel.tenants import Tenant


def settings(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Every setting with its value."""
    return {"object": "emulator.settings", **tenant.all_settings()}


def change_settings(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Change settings; an empty value puts one back to its default. 400 for a value it cannot take."""
    return {"object": "emulator.settings", **tenant.change_settings(params)}


class ResetParams(Params):
    """Back to what: to nothing, or to what it started from once it was seeded (the snapshot `start`)."""

    to = Enum(("empty", "start"))


def reset(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Forget everything: same seed, same ids, default settings. Or go back to the start, which a snapshot has kept."""
    if params.get("to") == "start":
        return {"object": "emulator.reset", "generation": snapshots.reset_to_start(tenant)["generation"]}
    return {"object": "emulator.reset", "generation": tenant.reset()}


ROUTES = [
    GET("/_emulator/settings", settings, scope="tenant"),
    POST("/_emulator/settings", change_settings, AnySetting, scope="tenant"),
    POST("/_emulator/reset", reset, ResetParams, scope="tenant"),
]
