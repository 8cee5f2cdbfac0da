"""Mandates: that the owner of a bank account allows money to be taken from it.

    pending ── the bank account is verified ──▶ active
       └────── verification fails, or is given up ──▶ inactive

A setup intent makes one where money is to be taken; there is no other way.
Source: https://docs.stripe.com/api/mandates
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.records import record, replace
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, retrieves
from emulator.kernel.world import World


@record("mandate", prefix="mandate", noun="mandate", has_list=False, hidden=("created",), expands=("payment_method",))
class Mandate:
    """A permission, for once (`single_use`, an amount in minor units) or for good."""

    id: str
    created: int
    customer_acceptance: dict[str, Any]
    payment_method: str
    payment_method_details: dict[str, Any]
    status: str
    type: str
    on_behalf_of: str | None = None
    single_use: dict[str, Any] | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The mandate, with the one hash that its type names."""
        members = shown(self)
        for name in ("on_behalf_of", "single_use"):
            if members[name] is None:
                del members[name]
        return members if self.single_use else {**members, "multi_use": {}}


def change(world: World, id: str | None, status: str) -> None:
    """Give a mandate, if there is one, another status, and say so."""
    old = world.find(Mandate, id)
    if old is None or old.status == status:
        return
    new = world.put(replace(old, status=status))
    world.emit("mandate.updated", new, before=old)


RECORDS = (Mandate,)
ROUTES = [GET("/v1/mandates/{mandate}", retrieves(Mandate))]
