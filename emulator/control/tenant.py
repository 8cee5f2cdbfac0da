"""The tenant as a whole: its settings and what they mean, and a fresh start."""

from __future__ import annotations

from typing import Any

from emulator.control import snapshots
from emulator.kernel.lists import listed
from emulator.kernel.params import Enum, Params
from emulator.kernel.routes import GET, POST
from emulator.kernel.settings import AnySetting, Setting
from emulator.kernel.tenants import Tenant


def settings(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Every setting with its value."""
    return {"object": "emulator.settings", **tenant.all_settings()}


def meanings(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """What each setting is for, what it is, what it was at first, and what it may be."""
    values, first = tenant.all_settings(), tenant.tenants.settings
    data = [
        explained(one, values[name], first.get(name, one.default))
        for name, one in sorted(tenant.catalog.settings.items())
    ]
    return listed(data, "/_emulator/settings/meanings")


def explained(setting: Setting, value: Any, first: Any) -> dict[str, Any]:
    """One setting. `values` are its words where it has some; one that `founds` is set before anything is made."""
    kind = "choice" if isinstance(setting.kind, Enum) else type(setting.kind).__name__.lower()
    return {
        "object": "emulator.setting",
        "default": first,
        "founds": setting.founds,
        "kind": kind,
        "name": setting.name,
        "says": setting.says,
        "value": value,
        "values": list(setting.kind.values) if isinstance(setting.kind, Enum) else None,
    }


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
    GET("/_emulator/settings/meanings", meanings, scope="tenant"),
    POST("/_emulator/settings", change_settings, AnySetting, scope="tenant"),
    POST("/_emulator/reset", reset, ResetParams, scope="tenant"),
]
