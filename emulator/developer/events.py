"""Events, as the API lists them: for thirty days, newest first.

Source: https://docs.stripe.com/api/events
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.data.event_types import EVENT_TYPES
from emulator.kernel.errors import exclusive, no_such
from emulator.kernel.events import KEPT_SECONDS, Event
from emulator.kernel.lists import lists
from emulator.kernel.params import Boolean, List, ListParams, Range, String
from emulator.kernel.routes import GET
from emulator.kernel.store import Condition
from emulator.kernel.world import World

RECORDS = (Event,)


class EventListParams(ListParams):
    """Filters of the event list. `type` may end in `*`."""

    created = Range()
    delivery_success = Boolean()
    type = String()
    types = List(String(), most=20)


def narrow(world: World, params: dict[str, Any]) -> Sequence[Condition]:
    """Only what is still kept, of the types asked for."""
    if "type" in params and "types" in params:
        raise exclusive("type", "types")
    conditions = [Condition("created", "gt", world.now - KEPT_SECONDS)]
    wanted, listed = params.pop("type", None), params.pop("types", None)
    if wanted is not None and wanted.endswith("*"):
        conditions.append(Condition("type", "in", [type for type in EVENT_TYPES if type.startswith(wanted[:-1])]))
    elif wanted is not None:
        conditions.append(Condition("type", "eq", wanted))
    if listed is not None:
        conditions.append(Condition("type", "in", listed))
    return conditions


def retrieve(world: World, params: dict[str, Any], id: str) -> Event:
    """Read one event. 404 once it is older than thirty days."""
    event = world.get(Event, id)
    if event.created <= world.now - KEPT_SECONDS:
        raise no_such(Event.noun, id, param="id")
    return event


ROUTES = [
    GET("/v1/events", lists(Event, narrow=narrow), EventListParams),
    GET("/v1/events/{id}", retrieve),
]
