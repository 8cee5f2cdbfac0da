"""Mandates: that the owner of a bank account allows money to be taken from it.

    pending ── the bank account is verified ──▶ active
       └────── verification fails, or is given up ──▶ inactive

A setup intent makes one where money is to be taken, and so does a payment intent that takes it.
Source: https://docs.stripe.com/api/mandates
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import missing
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


def agree(
    world: World,
    sent: dict[str, Any],
    method: Any,
    options: dict[str, Any],
    on_behalf_of: str | None,
    *,
    single_use: dict[str, Any] | None = None,
) -> Mandate:
    """The mandate that the owner of a bank account gives now. 400 for one given online that does not say from where."""
    kind = sent["type"]
    param = f"mandate_data[customer_acceptance][{kind}]"
    if kind == "online":
        for name in ("ip_address", "user_agent"):
            if name not in sent.get("online", {}):
                raise missing(f"{param}[{name}]")
    acceptance = {
        "accepted_at": sent.get("accepted_at", world.now),
        kind: sent.get(kind, {}),
        "type": kind,
    }
    is_on_paper = (options.get("mandate_options") or {}).get("collection_method")
    details = {"collection_method": "paper"} if is_on_paper else {}
    return world.put(
        Mandate(
            id=world.new_id("mandate"),
            created=world.now,
            customer_acceptance=acceptance,
            on_behalf_of=on_behalf_of,
            payment_method=method.id,
            payment_method_details={"type": "us_bank_account", "us_bank_account": details},
            single_use=single_use,
            status="active" if method.is_verified else "pending",
            type="single_use" if single_use else "multi_use",
        )
    )


def change(world: World, id: str | None, status: str) -> None:
    """Give a mandate, if there is one, another status, and say so."""
    old = world.find(Mandate, id)
    if old is None or old.status == status:
        return
    new = world.put(replace(old, status=status))
    world.emit("mandate.updated", new, before=old)


RECORDS = (Mandate,)
ROUTES = [GET("/v1/mandates/{mandate}", retrieves(Mandate))]
