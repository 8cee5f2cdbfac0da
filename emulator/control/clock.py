"""The tenant's clock: read it, move it forward, freeze it, step to what falls due next, and how it has been moved.

    GET  /_emulator/clock         what it shows, and when something next falls due
    POST /_emulator/clock         advance, set, freeze or unfreeze it
    POST /_emulator/clock/step    on to what falls due next, which is done; deliveries are waited for
    POST /_emulator/clock/run     step by step until a time, or until nothing falls due any more
    GET  /_emulator/clock/moves   its history, the last move first

What falls due is told by `control/due.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

from emulator.control import due, webhooks
from emulator.kernel.clock import LATEST
from emulator.kernel.errors import exclusive, invalid
from emulator.kernel.lists import DEFAULT_PAGE, LARGEST_PAGE, listed
from emulator.kernel.params import Boolean, Integer, Params, Span, Timestamp
from emulator.kernel.routes import GET, POST
from emulator.kernel.tenants import Passed, Tenant
from emulator.kernel.waiting import Waiting, Work
from emulator.kernel.world import World

MOST_STEPS = 1_000
PATIENCE_MS = 30_000  # for the deliveries of one step


class ClockParams(Params):
    """How to move the clock: by seconds or a span such as `1d12h`, or to a time. `frozen` stops it or lets it run."""

    advance = Span(minimum=0)
    set = Timestamp()
    frozen = Boolean()


class RunParams(Params):
    """How far: until a time, or without one until nothing falls due any more. So many steps at most, 1,000 at first."""

    until = Timestamp()
    steps = Integer(minimum=1, maximum=MOST_STEPS)


class MovesParams(Params):
    """How many of the newest moves, and before which one, by its number."""

    limit = Integer(minimum=1, maximum=LARGEST_PAGE)
    starting_after = Integer(minimum=1)


def read(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """What the clock shows, and when something next falls due; what is due has been done."""
    tenant.settle()
    return tenant.clock()


def move(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Move the clock and do what falls due on the way. 400 for a time that has passed."""
    if "advance" in params and "set" in params:
        raise exclusive("advance", "set")
    return tenant.move_clock(advance=params.get("advance"), to=params.get("set"), frozen=params.get("frozen"))


def step(tenant: Tenant, params: dict[str, Any]) -> Waiting[dict[str, Any]]:
    """Move on to what falls due next, do it, and wait until what is then to be delivered has been answered.

    400 where nothing falls due: the clock stays where it is.
    """
    at = yield Work(partial(next_moment, tenant))
    if at is None:
        raise invalid("Nothing falls due: there is no step to take.")
    passed = yield from on_to(tenant, at)
    return (yield Work(partial(ended, tenant, "step", passed, 1)))


def run(tenant: Tenant, params: dict[str, Any]) -> Waiting[dict[str, Any]]:
    """Step through everything that falls due until a time, or until nothing does any more.

    `finished` is false when the steps were used up first: call again to go on. 400 for a time that has passed.
    """
    until, most = params.get("until"), params.get("steps", MOST_STEPS)
    passed: Passed = yield Work(partial(tenant.let_pass, to=None))  # what is due already is done first
    if until is not None and not passed.after <= until <= LATEST:
        yield Work(partial(tenant.let_pass, to=until))  # which refuses it
    taken = 0
    while (at := (yield Work(partial(next_moment, tenant)))) is not None and (until is None or at <= until):
        if taken == most:
            return (yield Work(partial(ended, tenant, "run", passed, taken, finished=False)))
        passed = passed.and_then((yield from on_to(tenant, at)))
        taken += 1
    if until is not None:
        passed = passed.and_then((yield Work(partial(at_least, tenant, until))))
    return (yield Work(partial(ended, tenant, "run", passed, taken)))


def next_moment(tenant: Tenant) -> int | None:
    """When something next falls due; what is due has been done. Deliveries that somebody keeps waiting do not count."""
    with tenant.reading() as step:
        times = (step.row.next_due_at, step.deliveries.next_due(after=step.now))
    return min((at for at in times if at is not None), default=None)


def on_to(tenant: Tenant, at: int) -> Waiting[Passed]:
    """Move the clock to a time, if it does not show a later one, and wait until what is due then was delivered."""
    passed = yield Work(partial(at_least, tenant, at))
    yield from webhooks.drain(tenant, {"timeout_ms": PATIENCE_MS})
    return passed


def at_least(tenant: Tenant, at: int) -> Passed:
    """Move the clock to a time, or leave it where it shows a later one, since it runs."""
    return tenant.let_pass(to=max(at, tenant.clock()["now"]))


def ended(tenant: Tenant, kind: str, passed: Passed, steps: int, *, finished: bool = True) -> dict[str, Any]:
    """The clock after some steps, which are kept as one move, and what was done."""
    if passed.is_change:
        tenant.keep_move(kind, passed)
    done = Counter(one.action for one in passed.ran if not one.failed)
    return {
        **tenant.clock(),
        "deliveries": passed.deliveries,
        "done": tallied(done.items()),
        "failed": sum(one.failed for one in passed.ran),
        "finished": finished,
        "from": passed.before,
        "steps": steps,
    }


def moves(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """How the clock has been moved, the last move first, and what was done on the way of each.

    `deliveries` are those that fell due on the way, `done` what objects did and deadlines ended. Only the newest
    thousand moves are kept.
    """
    limit = params.get("limit", DEFAULT_PAGE)
    found = world.step.clock_moves.newest(limit + 1, before=params.get("starting_after"))
    return listed([shown(one) for one in found[:limit]], world.path, has_more=len(found) > limit)


def shown(one: dict[str, Any]) -> dict[str, Any]:
    """One move. `at` is real time; `from` and `to` are what the clock showed."""
    return {
        "object": "emulator.clock_move",
        "at": one["moved_at"],
        "deliveries": one["deliveries"],
        "done": tallied(one["done"].items()),
        "failed": one["failed"],
        "from": one["before"],
        "frozen": one["frozen"],
        "kind": one["kind"],
        "number": one["sequence"],
        "to": one["after"],
    }


def tallied(done: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """How often each action was carried out, with a line about it."""
    return [{"action": action, "count": count, "says": due.counted(action, count)} for action, count in sorted(done)]


ROUTES = [
    GET("/_emulator/clock", read, scope="tenant"),
    POST("/_emulator/clock", move, ClockParams, scope="tenant"),
    POST("/_emulator/clock/step", step, scope="tenant"),
    POST("/_emulator/clock/run", run, RunParams, scope="tenant"),
    GET("/_emulator/clock/moves", moves, MovesParams),
]
