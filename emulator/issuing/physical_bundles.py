"""Physical bundles: the plastic, carrier and envelope that physical cards are made of. Stripe makes them, not the API.

Every account starts with one standard bundle on which everything is optional.
Source: https://docs.stripe.com/api/issuing/physical_bundles
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.connect import issuing_access
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, ListParams
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, retrieves
from emulator.kernel.world import World

STATUSES = ("active", "inactive", "review")
TYPES = ("custom", "standard")
FEATURES = ("card_logo", "carrier_text", "second_line")
STANDARD = dict.fromkeys(FEATURES, "optional")


@record("issuing.physical_bundle", prefix="ics", noun="physical bundle", filters=("status", "type"))
class PhysicalBundle:
    """What cards are made of. `features` says which of a design's parts are `optional`, `required`, `unsupported`."""

    id: str
    name: str = "Standard"
    features: dict[str, str] = field(default_factory=lambda: STANDARD)
    status: str = "active"
    type: str = "standard"

    def render(self, world: World) -> dict[str, Any]:
        """The bundle as the API shows it."""
        return shown(self)


class BundleListParams(ListParams):
    """Filters of the bundle list."""

    status = Enum(STATUSES)
    type = Enum(TYPES)


def open_account(world: World) -> None:
    """Give a new account its bundle."""
    world.put(PhysicalBundle(world.new_id("ics")))


RECORDS = (PhysicalBundle,)
WHEN = {"account.opened": open_account}
ROUTES = [
    GET("/v1/issuing/physical_bundles", issuing_access.gated(lists(PhysicalBundle)), BundleListParams),
    GET("/v1/issuing/physical_bundles/{physical_bundle}", issuing_access.gated(retrieves(PhysicalBundle))),
]
