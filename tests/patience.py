"""Waiting for what happens in other threads and processes: as long as it takes, and not longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from tests.receivers import PATIENCE_SECONDS

LOOK_SECONDS = 0.01


def wait_until(holds: Callable[[], Any]) -> Any:
    """What a claim comes to as soon as it holds. AssertionError where it does not within some seconds."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not (found := holds()):
        assert time.monotonic() < until, "it does not hold, and nobody waits any longer"
        threading.Event().wait(LOOK_SECONDS)
    return found
