"""The worlds of a server. Looking at them needs no key, and none is told: a world's name is the secret part of one."""

from __future__ import annotations

from typing import Any

from emulator.kernel.glance import glance
from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenants, stamp_of

MOST_SHOWN = 50


def worlds(tenants: Tenants, params: dict[str, Any]) -> dict[str, Any]:
    """The worlds changed last, newest first, fifty at most. Times are real ones in unix seconds, sizes bytes."""
    files = sorted(tenants.files(), key=stamp_of, reverse=True)
    seen = [look for file in files[:MOST_SHOWN] if (look := glance(file, tenants.catalog)) is not None]
    rows = [{"object": "emulator.world", **look._asdict(), "name": masked_name(look.name)} for look in seen]
    return {"object": "list", "data": rows, "has_more": len(files) > MOST_SHOWN, "url": "/_emulator/worlds"}


def masked_name(name: str) -> str:
    """As much of a world's name as tells its owner which it is: a quarter of it, four characters at most."""
    return name[: min(len(name) // 4, 4)] + "…"


ROUTES = [GET("/_emulator/worlds", worlds, scope="server")]
