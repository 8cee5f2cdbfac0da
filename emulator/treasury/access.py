"""Who may use Treasury: platforms in the US that have it switched on, and their connected accounts.

Source: the refusal that accounts without Treasury get, as reported by users of the official packages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

from emulator.kernel.errors import ApiError
from emulator.kernel.routes import Route
from emulator.kernel.settings import switch
from emulator.kernel.world import World

SETTINGS = (switch("treasury_enabled", True, "Whether the platform has been onboarded on Stripe Treasury."),)


def onboarded(routes: Sequence[Route]) -> list[Route]:
    """The same routes, refused while the tenant's Treasury is switched off, and where its platform is abroad."""
    return [replace(route, operation=gated(route)) for route in routes]


def gated(route: Route) -> Any:
    """A route's operation behind the switch."""

    @wraps(route.operation)
    def operation(world: World, params: dict[str, Any], *path: str) -> Any:
        if not world.setting("treasury_enabled") or world.setting("platform_country") != "US":
            raise not_onboarded(route.verb, world.path)
        return route.operation(world, params, *path)

    return operation


def not_onboarded(verb: str, path: str) -> ApiError:
    """What accounts without Treasury are told: 400, not the 404 of other unknown addresses."""
    return ApiError(
        400,
        f"Unrecognized request URL ({verb}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/. (Hint: Have you onboarded to Treasury? You can learn more about the steps needed "
        "at https://stripe.com/docs/treasury/access)",
    )
