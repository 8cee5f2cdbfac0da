"""Any object by its id alone: whose it is, and what its owner would read.

GET /_emulator/objects/ic_…
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import ApiError
from emulator.kernel.routes import GET
from emulator.kernel.world import World

OUR_OWN = ("emulator.", "stripecli.")  # what is kept beside Stripe's objects


def find(world: World, params: dict[str, Any], id: str) -> dict[str, Any]:
    """An object of Stripe's and the account of the tenant that it belongs to. 404 for an id that nothing has."""
    owned = world.of_id(id)
    if owned is None or owned[1].object.startswith(OUR_OWN):
        raise ApiError(404, f"Nothing in this world has the id '{id}'.", code="resource_missing", param="id")
    account, found = owned
    return {
        "object": "emulator.found",
        "account": account,
        "data": world.as_account(account).render(found),
        "platform": world.platform,
    }


ROUTES = [GET("/_emulator/objects/{id}", find)]
