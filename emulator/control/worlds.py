"""The worlds of a server: which there are, how large and how old, and an end for one that nobody needs any more.

Looking at them needs no key, and none is told: a world's name is the secret part of one.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.lists import listed
from emulator.kernel.routes import DELETE, GET
from emulator.kernel.tenants import Tenant, Tenants, masked_name
from emulator.kernel.tenants.glance import glance

MOST_SHOWN = 50


def worlds(tenants: Tenants, params: dict[str, Any]) -> dict[str, Any]:
    """The worlds changed last, newest first, fifty at most. Times are real ones in unix seconds, sizes bytes.

    Opens no world to look at it. `created` is null for one that an early version has made; a damaged one says so in
    `damage` and cannot tell its name.
    """
    kept = tenants.database.worlds()
    looks = (glance(tenants.database, one, tenants.catalog) for one in kept[:MOST_SHOWN])
    rows = [
        {"object": "emulator.world", **look._asdict(), "name": look.name and masked_name(look.name)}
        for look in looks
        if look is not None
    ]
    return listed(rows, "/_emulator/worlds", has_more=len(kept) > MOST_SHOWN)


def delete(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Forget a world for good: its files go, and whatever waits in it. The key's next request finds a new one."""
    name = tenant.known_name
    tenant.tenants.delete(tenant)
    return {"object": "emulator.world", "deleted": True, "name": name}


ROUTES = [
    GET("/_emulator/worlds", worlds, scope="server"),
    DELETE("/_emulator/world", delete, scope="tenant"),
]
