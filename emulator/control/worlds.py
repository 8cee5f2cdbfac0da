"""The worlds of a server. Looking at them needs no key, and none is told: a world's name is the secret part of one."""

from __future__ import annotations

from typing import Any

from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenants
from emulator.kernel.tenants.glance import glance

MOST_SHOWN = 50


def worlds(tenants: Tenants, params: dict[str, Any]) -> dict[str, Any]:
    """The worlds changed last, newest first, fifty at most. Times are real ones in unix seconds, sizes bytes."""
    kept = tenants.database.worlds()
    looks = (glance(tenants.database, one, tenants.catalog) for one in kept[:MOST_SHOWN])
    seen = [look for look in looks if look is not None]
    rows = [{"object": "emulator.world", **look._asdict(), "name": masked_name(look.name)} for look in seen]
    return {"object": "list", "data": rows, "has_more": len(kept) > MOST_SHOWN, "url": "/_emulator/worlds"}


def masked_name(name: str) -> str:
    """As much of a world's name as tells its owner which it is: a quarter of it, four characters at most."""
    return name[: min(len(name) // 4, 4)] + "…"


ROUTES = [GET("/_emulator/worlds", worlds, scope="server")]
