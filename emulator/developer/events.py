"""Events, as the API lists them: for thirty days, newest first. And sending one to its receivers again.

Source: https://docs.stripe.com/api/events
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.data.event_types import EVENT_TYPES
from emulator.kernel.conditions import Condition
from emulator.kernel.deliveries import UNACKNOWLEDGED
from emulator.kernel.errors import exclusive, invalid, no_such
from emulator.kernel.events import KEPT_SECONDS, Event
from emulator.kernel.lists import lists
from emulator.kernel.params import Boolean, List, ListParams, Params, Range, String
from emulator.kernel.routes import GET, POST
from emulator.kernel.world import World

RECORDS = (Event,)


class EventListParams(ListParams):
    """Filters of the event list. `type` may end in `*`."""

    created = Range()
    delivery_success = Boolean()
    type = String()
    types = List(String(), most=20)


class RetryParams(Params):
    """Whom to send an event to again: one endpoint, the CLI's listeners, or by default all that it concerns.

    `account` is the connected account that the event happened on. What the Stripe CLI sends; not a published operation.
    """

    account = String()
    for_stripecli = Boolean()
    webhook_endpoint = String()


def narrow(world: World, params: dict[str, Any]) -> Sequence[Condition]:
    """Only what is still kept, of the types asked for."""
    if "type" in params and "types" in params:
        raise exclusive("type", "types")
    conditions = [Condition("created", "gt", world.now - KEPT_SECONDS)]
    acknowledged = params.pop("delivery_success", None)
    if acknowledged is not None:
        conditions.append(Condition("id", "outside" if acknowledged else "within", UNACKNOWLEDGED))
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


def retry(world: World, params: dict[str, Any], id: str) -> Event:
    """Send an event again, once, now. Its automatic retries and `pending_webhooks` stay as they are.

    Of the endpoints only the one that was asked gets a question again, unless another is named.
    """
    account = params.get("account", world.account)
    if account != world.account and not (world.is_platform and world.may_act(account)):
        raise no_such("account", account, param="account", status=400)
    event = retrieve(world.as_account(account), {}, id)
    deliveries = world.step.deliveries

    if "webhook_endpoint" in params:
        chosen = deliveries.subscriber(params["webhook_endpoint"])
        if chosen is None or chosen.account != world.account or chosen.kind != "endpoint":
            raise no_such("webhook endpoint", params["webhook_endpoint"], param="webhook_endpoint", status=400)
        if not chosen.enabled:
            raise invalid("This webhook endpoint is disabled.", param="webhook_endpoint")
        receivers = [chosen.id]
    else:
        hearers = [deliveries.subscriber(hearer) for hearer, _ in deliveries.hearers(event.type, account)]
        only_listeners = params.get("for_stripecli", False)
        asked = deliveries.asked(event.id)
        receivers = [
            one.id
            for one in hearers
            if one and (one.kind != "endpoint" or (not only_listeners and asked in (None, one.id)))
        ]
    for receiver in receivers:
        deliveries.resend(receiver, account, event, world.now)
    return event


ROUTES = [
    GET("/v1/events", lists(Event, narrow=narrow), EventListParams),
    GET("/v1/events/{id}", retrieve),
    POST("/v1/events/{id}/retry", retry, RetryParams),
]
