"""The questions that were put to the client's endpoint, how long its handler took, and what Stripe would have said."""

from __future__ import annotations

from typing import Any

from emulator.control.answers import STRIPES_LIMIT_MS
from emulator.kernel.lists import LARGEST_PAGE, listed
from emulator.kernel.params import Integer, Params
from emulator.kernel.questions import StoredQuestion
from emulator.kernel.routes import GET
from emulator.kernel.world import World


class AsksParams(Params):
    """How many of the newest to show."""

    limit = Integer(minimum=1, maximum=LARGEST_PAGE)


def asks(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """The newest questions, and how many of all would have missed the two seconds that Stripe gives.

    One that was never answered counts as missed, whatever the limit was here.
    """
    limit = params.get("limit", LARGEST_PAGE)
    found = world.step.questions.newest(limit + 1)
    return {
        **listed([shown(one) for one in found[:limit]], world.path, has_more=len(found) > limit),
        "limit_ms": STRIPES_LIMIT_MS,
        **world.step.questions.tallied(STRIPES_LIMIT_MS),
    }


def shown(asked: StoredQuestion) -> dict[str, Any]:
    """One question."""
    is_late = asked.finished and (asked.duration_ms is None or asked.duration_ms > STRIPES_LIMIT_MS)
    return {
        "object": "emulator.ask",
        "about": asked.about,
        "account": asked.account,
        "asked_at_ms": asked.asked_at_ms,
        "created": asked.created,
        "duration_ms": asked.duration_ms,
        "event": asked.event,
        "missed_the_limit": is_late,
        "outcome": asked.outcome,
        "timeout_ms": asked.timeout_ms,
        "type": asked.type,
        "webhook_endpoint": asked.subscriber,
    }


ROUTES = [GET("/_emulator/asks", asks, AsksParams)]
