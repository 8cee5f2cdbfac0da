"""A world's time. It is real time plus an offset, or frozen, and runs forward only.

What falls due as it moves is one queue of named actions, each run in a step of its own with `world.now` at its due
time, before the tenant's next request.

Deadlines come before everything. What an object does by itself (*progress*) gives way to one request: that which names
the object in order to change it, since its client was told how the object stood before.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from typing import Any, NamedTuple

from emulator.kernel.errors import invalid

LATEST = 4_102_444_800 - 1  # where every clock ends: 31 December 2099


class Due(NamedTuple):
    """A named action that waits for its time. `about` is the id of the object it concerns."""

    sequence: int
    due_at: int
    account: str
    action: str
    about: str
    details: dict[str, Any]


class Spared(NamedTuple):
    """What is left alone although it is due: these actions, for these objects."""

    actions: Collection[str] = ()
    objects: Collection[str] = ()


NOBODY = Spared()


def check_calendar(target: int, param: str) -> None:
    """400 for a time that no calendar here reaches, such as milliseconds for seconds."""
    if target > LATEST:
        raise invalid(
            f"The clock counts seconds and ends with the year 2099: {target} is later.",
            param=param,
        )


def marks(values: Collection[str]) -> str:
    """As many question marks as there are values."""
    return ", ".join("?" * len(values))


def tenant_time(offset: int, frozen_at: int | None, last_now: int) -> int:
    """Unix seconds on a tenant's clock; never earlier than what it has already shown."""
    now = frozen_at if frozen_at is not None else int(time.time()) + offset
    return max(now, last_now)


def real_time(at: int, offset: int, frozen_at: int | None) -> float:
    """The moment of real time at which a tenant's clock shows a time as it runs now; never while it stands still."""
    if frozen_at is not None:
        return 0 if at <= frozen_at else math.inf
    return at - offset
