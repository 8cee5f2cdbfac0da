"""Test clocks: times that stand still until they are advanced, each with customers of its own.

    ready ── advance ──▶ advancing ── arrive ──▶ ready

A clock advances as soon as the reply has been given, which the tenant's next request finds done. Stripe's move what
subscriptions do, and nothing of Issuing or Treasury. So do these, unless `test_clocks_move_the_world` says that the
world's clock, by which everything here happens, moves on by the same span.
Source: https://docs.stripe.com/api/test_clocks and https://docs.stripe.com/billing/testing/test-clocks
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.dates import DAY
from emulator.kernel.errors import invalid, no_such
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Params, String, Timestamp
from emulator.kernel.records import record
from emulator.kernel.render import Deleted, shown
from emulator.kernel.routes import DELETE, GET, POST, retrieves
from emulator.kernel.settings import switch
from emulator.kernel.world import World

KEPT_SECONDS = 30 * DAY
# Without subscriptions, of which there are none here.
FARTHEST_SECONDS = 2 * 365 * DAY
LIFECYCLE = Lifecycle(
    "ready",
    {"ready": {"advance": "advancing"}, "advancing": {"arrive": "ready"}},
    says="This test clock is still advancing; wait until its status is 'ready'.",
)
MOVES_THE_WORLD = "test_clocks_move_the_world"


@record("test_helpers.test_clock", prefix="clock", noun="test clock", can_go=True)
class TestClock:
    """A clock. All times in unix seconds; `target` is where it advances to, while it does."""

    id: str
    created: int
    deletes_after: int
    frozen_time: int
    name: str | None = None
    status: str = LIFECYCLE.start
    target: int | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The clock as the API shows it."""
        body = shown(self, status_details={})
        target = body.pop("target")
        if target is not None:
            body["status_details"] = {"advancing": {"target_frozen_time": target}}
        return body


class CreateParams(Params):
    """A time to begin with, and a customer to begin with."""

    customer = String()
    frozen_time = Timestamp(required=True)
    name = String()


class AdvanceParams(Params):
    """Where to go."""

    frozen_time = Timestamp(required=True)


def create(world: World, params: dict[str, Any]) -> TestClock:
    """Make a clock that stands at a time. 400 for a customer that is not there, or has a clock already."""
    if "customer" in params:
        check_customer(world, params["customer"])

    clock = TestClock(
        id=world.new_id(TestClock.prefix),
        created=world.now,
        deletes_after=world.now + KEPT_SECONDS,
        frozen_time=params["frozen_time"],
        name=params.get("name"),
    )
    world.put(clock)
    world.later(clock.deletes_after, "developer.test_clocks.end", clock.id)
    world.emit("test_helpers.test_clock.created", clock)
    if "customer" in params:
        world.tell("developer.test_clock.attached", clock, params["customer"])
    return clock


def check_customer(world: World, id: str) -> None:
    """400 for a customer that is not there, or has a clock already."""
    kind = world.catalog.records["customer"]
    customer = world.get(kind, id, param="customer")
    if customer.is_deleted:
        raise no_such(kind.noun, id, param="customer", status=400)
    if customer.test_clock is not None:
        raise invalid(f"The customer {id} is attached to the test clock {customer.test_clock}.", param="customer")


def advance(world: World, params: dict[str, Any], id: str) -> TestClock:
    """Begin to move a clock to a later time, two years on at most; 400 for any other, and while it moves."""
    clock = world.get(TestClock, id)
    target = params["frozen_time"]
    LIFECYCLE.after(clock.status, "advance")
    if target <= clock.frozen_time:
        raise invalid(
            f"A test clock runs forward only: it shows {clock.frozen_time} and cannot go to {target}.",
            param="frozen_time",
        )
    if target - clock.frozen_time > FARTHEST_SECONDS:
        raise invalid("A test clock cannot be advanced by more than two years at once.", param="frozen_time")
    if world.setting(MOVES_THE_WORLD):
        world.let_pass(target - clock.frozen_time, param="frozen_time")

    moving = world.put(LIFECYCLE.follow(clock, "advance", target=target))
    world.later(world.now, "developer.test_clocks.arrive", id)
    world.emit("test_helpers.test_clock.advancing", moving)
    return moving


def arrive(world: World, id: str) -> None:
    """A clock shows the time that it was advanced to."""
    clock = world.get(TestClock, id)
    there = world.put(LIFECYCLE.follow(clock, "arrive", frozen_time=clock.target, target=None))
    world.emit("test_helpers.test_clock.ready", there)


def delete(world: World, params: dict[str, Any], id: str) -> Deleted:
    """Delete a clock, and its customers with it."""
    return deleted(world, world.get(TestClock, id))


def end(world: World, id: str) -> None:
    """A clock that nobody deleted goes by itself."""
    deleted(world, world.get(TestClock, id))


def deleted(world: World, clock: TestClock) -> Deleted:
    """The same, whoever wants it gone."""
    world.cancel_due(clock.id)
    world.tell("developer.test_clock.deleted", clock)
    world.forget(clock)
    world.emit("test_helpers.test_clock.deleted", clock)
    return Deleted(clock)


RECORDS = (TestClock,)
TELLS = ("developer.test_clock.attached", "developer.test_clock.deleted")
DUE = {"developer.test_clocks.arrive": arrive, "developer.test_clocks.end": end}
SETTINGS = (
    switch(
        MOVES_THE_WORLD,
        False,
        "Whether advancing a test clock moves the world's clock on by the same span, with all that falls due.",
    ),
)
ROUTES = [
    POST("/v1/test_helpers/test_clocks", create, CreateParams),
    GET("/v1/test_helpers/test_clocks", lists(TestClock)),
    GET("/v1/test_helpers/test_clocks/{test_clock}", retrieves(TestClock)),
    DELETE("/v1/test_helpers/test_clocks/{test_clock}", delete),
    POST("/v1/test_helpers/test_clocks/{test_clock}/advance", advance, AdvanceParams),
]
