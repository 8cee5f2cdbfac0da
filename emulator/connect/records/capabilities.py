"""Capabilities: what an account may do.

    unrequested ── request ──▶ inactive ◀──▶ pending ◀──▶ active

A capability is stored from its first request on. How one stands is decided in `requirements`.
Source: https://docs.stripe.com/connect/account-capabilities, https://docs.stripe.com/api/capabilities
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.connect.requirements import Standing, nothing_required
from emulator.data.capabilities import CAPABILITIES
from emulator.kernel.errors import no_such
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.world import World


@record("capability", prefix="capability", noun="capability", hidden=("name",), expands=("account",))
class Capability:
    """One capability of one account. The API shows the name as its id; ours has the account in it."""

    id: str
    account: str
    name: str
    requested: bool = False
    requested_at: int | None = None
    status: str = "unrequested"
    requirements: dict[str, Any] = field(default_factory=nothing_required)

    def render(self, world: World) -> dict[str, Any]:
        """The capability under its own name."""
        members = shown(self, id=self.name, future_requirements=nothing_required())
        del members["livemode"]
        return members

    def standing(self, standing: Standing) -> Capability:
        """The same capability with another standing. Its own members are untouched where nothing differs."""
        return Capability(
            self.id,
            self.account,
            self.name,
            self.requested,
            self.requested_at,
            standing.status,
            standing.requirements,
        )


def status_of(world: World, name: str) -> str:
    """`active`, `inactive`, `pending` or `unrequested`, for the acting account."""
    capability = world.find(Capability, key_of(world.account, name))
    return "unrequested" if capability is None else capability.status


def key_of(account: str, name: str) -> str:
    """The id under which a capability is stored."""
    return f"{account}.{name}"


def of(world: World, name: str) -> Capability:
    """The acting account's capability of that name, requested or not. 404 for a name Stripe does not know."""
    if name not in CAPABILITIES:
        raise no_such(Capability.noun, name, param="capability")
    return world.find(Capability, key_of(world.account, name)) or Capability(
        key_of(world.account, name), world.account, name
    )


def requested(world: World) -> list[Capability]:
    """The acting account's requested capabilities, newest first."""
    return [capability for capability in world.all(Capability) if capability.requested]
