"""Where an object is that somebody knows the id of: what kind it is of, and whose.

GET /_emulator/find/{id}
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import ApiError
from emulator.kernel.routes import GET
from emulator.kernel.world import World


def find(world: World, params: dict[str, Any], id: str) -> dict[str, Any]:
    """The kind of an object and its account, whichever account of the tenant it is. 404 where nothing has that id."""
    kind = world.catalog.prefixes.get(id.partition("_")[0])
    found = world.anywhere(kind, id) if kind is not None else None
    if found is None:
        raise ApiError(404, f"Nothing in this world has the id '{id}'.", code="resource_missing", param="id")
    return {"object": "emulator.found", "account": found[0], "id": id, "kind": kind.object}


ROUTES = [GET("/_emulator/find/{id}", find)]
