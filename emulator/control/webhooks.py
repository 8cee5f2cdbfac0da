"""Webhooks, for tests: wait until everything is delivered, read what was attempted, roll a secret.

POST /_emulator/webhooks/drain                      returns when everything due has been answered
GET  /_emulator/webhooks/attempts                   every attempt: status, duration, answer, error
GET  /_emulator/webhooks/deliveries                 what became of events, endpoint by endpoint
GET  /_emulator/events/wait?type=…&timeout_ms=…     an inbox for those who have no server
POST /_emulator/webhook_endpoints/{id}/roll_secret  a new secret; the old one signs too for a while
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from emulator.developer import webhook_endpoints
from emulator.developer.webhook_endpoints import WebhookEndpoint
from emulator.kernel.conditions import Condition, matching
from emulator.kernel.dates import DAY
from emulator.kernel.errors import exclusive, no_such
from emulator.kernel.events import Event
from emulator.kernel.lists import LARGEST_PAGE, listed
from emulator.kernel.params import Enum, Integer, List, Params, String
from emulator.kernel.render import ordered
from emulator.kernel.routes import GET, POST
from emulator.kernel.tenants import Tenant
from emulator.kernel.waiting import Wait, Waiting, Work
from emulator.kernel.world import World

LOOK_SECONDS = 0.1
LOOK_WHILE_DRAINING_SECONDS = 0.02


class DrainParams(Params):
    """How long to wait at most, in milliseconds of real time."""

    timeout_ms = Integer(minimum=0, maximum=600_000)


class WaitParams(Params):
    """What to wait for. `after` is the last event already seen; `object` the id of what the event is about.

    `type` may end in `*`. Without `account` events of all accounts count.
    """

    account = String()
    after = String()
    limit = Integer(minimum=1, maximum=LARGEST_PAGE)
    object = String()
    timeout_ms = Integer(minimum=0, maximum=60_000)
    type = String()


class AttemptsParams(Params):
    """Filters of the attempts; the newest `limit` of them, oldest first."""

    event = String()
    limit = Integer(minimum=1, maximum=1000)
    webhook_endpoint = String()


class DeliveriesParams(Params):
    """Of which event or events, of which kind (`type` may end in `*`), about which object, to whom, how they stand.

    Without one event it is the newest `limit` of them; `starting_after` and `ending_before` are numbers of deliveries.
    """

    about = String()
    account = String()
    ending_before = Integer(minimum=1)
    event = String()
    events = List(String(), most=LARGEST_PAGE)
    limit = Integer(minimum=1, maximum=LARGEST_PAGE)
    starting_after = Integer(minimum=1)
    state = Enum(("asked", "canceled", "delivered", "given_up", "waiting"))
    type = String()
    webhook_endpoint = String()


class RollParams(Params):
    """How many seconds of the tenant's clock the old secret still signs: a day, as at Stripe, or less."""

    overlap_seconds = Integer(minimum=0, maximum=DAY)


def drain(tenant: Tenant, params: dict[str, Any]) -> Waiting[dict[str, Any]]:
    """Return once everything that is due has been answered, what handlers cause meanwhile included.

    Retries that wait for a later time are not due; move the clock first. `drained` is false when time ran out.
    """
    until = time.monotonic() + params.get("timeout_ms", 60_000) / 1000
    with tenant.reading() as step:
        before = step.deliveries.newest_attempt()
    with tenant.tenants.news.ear(tenant.handle) as ear:
        while not (is_drained := (yield Work(partial(all_is_answered, tenant)))) and time.monotonic() <= until:
            yield Wait(ear.alarm, LOOK_WHILE_DRAINING_SECONDS)
    with tenant.reading() as step:
        ended = step.deliveries.attempts(after=before)
        waiting, next_attempt_at = step.deliveries.outstanding(2**62), step.deliveries.next_due()
    succeeded = sum(one["status"] is not None and 200 <= one["status"] < 300 for one in ended)
    return {
        "object": "emulator.drain",
        "drained": is_drained,
        "failed": len(ended) - succeeded,
        "next_attempt_at": next_attempt_at,
        "succeeded": succeeded,
        "waiting": waiting,
    }


def all_is_answered(tenant: Tenant) -> bool:
    """Whether nothing is due that somebody has not answered yet; what is has been sent on its way."""
    with tenant.reading() as step:
        if not step.deliveries.outstanding(step.now):
            return True
    tenant.have_looked_at()
    return False


def wait(tenant: Tenant, params: dict[str, Any]) -> Waiting[dict[str, Any]]:
    """The events that match, oldest first, as soon as there is one; an empty list when time ran out.

    Without `after` what has happened already counts.
    """
    until = time.monotonic() + params.get("timeout_ms", 5_000) / 1000
    after: int | None = 0
    if "after" in params:
        with tenant.reading() as step:
            after = step.happened.place_of(params["after"])
    if after is None:
        raise no_such(Event.noun, params["after"], param="after", status=400)
    with tenant.tenants.news.ear(tenant.handle) as ear:
        while True:
            found = yield Work(partial(arrived, tenant, params, after))
            left = until - time.monotonic()
            if found["data"] or left <= 0:
                return found
            yield Wait(ear.alarm, min(left, LOOK_SECONDS))  # the clock moves too


def arrived(tenant: Tenant, params: dict[str, Any], after: int) -> dict[str, Any]:
    """The events that match and came after one, by now."""
    limit = params.get("limit", LARGEST_PAGE)
    with tenant.reading() as step:
        found = step.happened.arrived(
            after, limit + 1, type=params.get("type"), about=params.get("object"), account=params.get("account")
        )
        world = World(step, step.row.platform)
        data = step.reads.together(partial(seen_by_platform, world), found[:limit])
    return listed(data, "/_emulator/events/wait", has_more=len(found) > limit)


def seen_by_platform(world: World, happened: tuple[str, Event]) -> dict[str, Any]:
    """An event as the platform's webhook endpoints read it: with its account where that is a connected one."""
    account, event = happened
    members = {**world.render(event)}
    if account != world.platform:
        members["account"] = members["context"] = account
    return ordered(members)


def attempts(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """The newest attempts to deliver, of all accounts of the tenant, oldest first. `has_more` tells of older ones."""
    limit = params.get("limit", LARGEST_PAGE)
    found = world.step.deliveries.attempts(
        subscriber=params.get("webhook_endpoint"), event=params.get("event"), limit=limit + 1, newest_first=True
    )
    return listed(found[:limit][::-1], world.path, has_more=len(found) > limit)


def deliveries(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """What became of one event, a line for each receiver and each time it was sent again; or the newest of all events.

    Those of one event come oldest first, all others newest first. Each tells its last attempt.
    """
    if "starting_after" in params and "ending_before" in params:
        raise exclusive("ending_before", "starting_after")
    conditions = [
        Condition(column, "eq", params[name])
        for name, column in (("about", "about"), ("account", "account"), ("event", "event"), ("state", "state"))
        if name in params
    ]
    if "webhook_endpoint" in params:
        conditions.append(Condition("subscriber", "eq", params["webhook_endpoint"]))
    if "events" in params:
        conditions.append(Condition("event", "in", params["events"]))
    if "type" in params:
        conditions.append(matching("type", params["type"]))
    for cursor, operator in (("starting_after", "lt"), ("ending_before", "gt")):
        if cursor in params:
            conditions.append(Condition("sequence", operator, params[cursor]))
    limit = params.get("limit", LARGEST_PAGE)
    oldest_first = "event" in params or "ending_before" in params
    order = "sequence" if oldest_first else "sequence DESC"
    found = world.step.deliveries.select(conditions, limit=limit + 1, order=order)
    data = found[:limit]
    if "ending_before" in params and "event" not in params:
        data.reverse()
    return listed(data, world.path, has_more=len(found) > limit)


def roll_secret(world: World, params: dict[str, Any], webhook_endpoint: str) -> dict[str, Any]:
    """A new secret for an endpoint, shown once. Stripe offers this in its Dashboard only."""
    secret = webhook_endpoints.roll(world, webhook_endpoint, params.get("overlap_seconds", DAY))
    return {**world.render(world.get(WebhookEndpoint, webhook_endpoint)), "secret": secret}


ROUTES = [
    POST("/_emulator/webhooks/drain", drain, DrainParams, scope="tenant"),
    GET("/_emulator/webhooks/attempts", attempts, AttemptsParams),
    GET("/_emulator/webhooks/deliveries", deliveries, DeliveriesParams),
    GET("/_emulator/events/wait", wait, WaitParams, scope="tenant"),
    POST("/_emulator/webhook_endpoints/{webhook_endpoint}/roll_secret", roll_secret, RollParams),
]
