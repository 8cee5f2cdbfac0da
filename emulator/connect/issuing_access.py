"""Who may use Issuing: tenants that have it switched on, and accounts whose `card_issuing` capability is active.

The platform's own account always has it. Reads and changes of what exists go on when a capability is lost.
Source: https://docs.stripe.com/issuing/connect
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from emulator.connect.records import capabilities
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.world import World


def check(world: World) -> None:
    """400 while the tenant's Issuing is switched off."""
    if not world.setting("issuing_enabled"):
        raise not_set_up()


def capability(world: World) -> str:
    """How the acting account's `card_issuing` stands: the platform's own is active unless Issuing is switched off."""
    if not world.setting("issuing_enabled"):
        return "inactive"
    return "active" if world.is_platform else capabilities.status_of(world, "card_issuing")


def check_to_create(world: World) -> None:
    """400 while Issuing is off, or while the acting connected account's `card_issuing` capability is not active."""
    check(world)
    if capability(world) != "active":
        raise invalid(
            f"The account {world.account} does not have the `card_issuing` capability active.",
            code="capability_not_active",
        )


def not_set_up() -> ApiError:
    """The refusal that accounts without Issuing get."""
    return invalid(
        "Your account is not set up to use Issuing. Please visit https://dashboard.stripe.com/issuing/overview to get "
        "started."
    )


def gated(reading: Callable[..., Any]) -> Callable[..., Any]:
    """The same reading operation, refused while Issuing is off; what the path names is looked up before that."""

    @wraps(reading)
    def operation(world: World, params: dict[str, Any], *path: str) -> Any:
        found = reading(world, params, *path)
        check(world)
        return found

    return operation
