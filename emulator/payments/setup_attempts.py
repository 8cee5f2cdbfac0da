"""Setup attempts: each confirmation of a setup intent, and what came of it.

Source: https://docs.stripe.com/api/setup_attempts
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.conditions import Condition
from emulator.kernel.lists import lists
from emulator.kernel.params import ListParams, Range, String
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.routes import GET
from emulator.kernel.world import World


@record(
    "setup_attempt",
    prefix="setatt",
    noun="setup attempt",
    filters=("setup_intent",),
    expands=("customer", "on_behalf_of", "payment_method", "setup_intent"),
)
class SetupAttempt:
    """One attempt: `requires_action`, `succeeded`, `failed` with its error, or `abandoned`."""

    id: str
    created: int
    attach_to_self: bool | None
    customer: str | None
    flow_directions: list[str] | None
    on_behalf_of: str | None
    payment_method: str
    payment_method_details: dict[str, Any]
    setup_intent: str
    status: str
    usage: str
    setup_error: dict[str, Any] | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The attempt as the API shows it."""
        members = shown(self, application=None, customer_account=None)
        if self.attach_to_self is None:
            del members["attach_to_self"]
        return members


class SetupAttemptListParams(ListParams):
    """Those of one setup intent."""

    setup_intent = String(required=True)
    created = Range()


def of_an_intent(world: World, params: dict[str, Any], *path: str) -> list[Condition]:
    """No more conditions, but 400 for an intent that is unknown."""
    world.get(world.catalog.records["setup_intent"], params["setup_intent"], param="setup_intent")
    return []


RECORDS = (SetupAttempt,)
ROUTES = [GET("/v1/setup_attempts", lists(SetupAttempt, narrow=of_an_intent), SetupAttemptListParams)]
