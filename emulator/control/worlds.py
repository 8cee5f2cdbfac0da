"""The worlds of a server: which there are, how large and how old, and an end for one that nobody needs any more.

Looking at them needs no key, and none is told: a world's name is the secret part of one.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.lists import listed
from emulator.kernel.params import Boolean, Params
from emulator.kernel.routes import DELETE, GET
from emulator.kernel.tenants import Tenant, Tenants, copies, masked_name
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


class DeleteParams(Params):
    """Whether its snapshots go too."""

    snapshots = Boolean()


def world(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """The world of this key: how large, how old, how much is in it, and what it started from if that was kept."""
    tenant.settle()
    kept = next(one for one in tenant.tenants.database.worlds() if one.handle == tenant.stored.handle)
    look = glance(tenant.tenants.database, kept, tenant.catalog)
    assert look is not None, "it has just been opened"
    start = copies.snapshot(tenant, copies.START)
    clock = tenant.clock()
    return {
        "object": "emulator.world",
        **look._asdict(),
        "frozen": clock["frozen"],
        "now": clock["now"],
        **contents(tenant),
        "started_from": None if start is None else start.about or start.name,
    }


def contents(tenant: Tenant) -> dict[str, Any]:
    """How many objects of each kind there are, of all accounts, and how many events there have been."""
    with tenant.reading() as step:
        found = {kind.object: step.store.count(kind, ()) for kind in tenant.catalog.stored if kind.has_list}
        return {"counts": {name: found[name] for name in sorted(found) if found[name]}, "events": step.row.events}


def delete(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Forget a world for good: its files go, and whatever waits in it. The key's next request finds a new one.

    Its snapshots stay, and can bring it back, unless they are to go too.
    """
    name = tenant.known_name
    if params.get("snapshots"):
        for one in copies.snapshots(tenant):
            copies.forget(tenant, one.name)
    tenant.tenants.delete(tenant)
    return {"object": "emulator.world", "deleted": True, "name": name}


ROUTES = [
    GET("/_emulator/worlds", worlds, scope="server"),
    GET("/_emulator/world", world, scope="tenant"),
    DELETE("/_emulator/world", delete, DeleteParams, scope="tenant"),
]
