"""A machine so busy that seconds pass before each request of a test, at will: what a test must not depend on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.client import Answer, Client


@contextmanager
def seconds_before_each_request(seconds: int) -> Iterator[None]:
    """The clock of this process goes on by so much whenever a client of a test asks something. Nobody waits for it."""
    passed = 0
    now, now_ns, send = time.time, time.time_ns, Client.send

    def sent_later(client: Client, *arguments: Any) -> Answer:
        nonlocal passed
        passed += seconds
        return send(client, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + passed)
        patch.setattr(time, "time_ns", lambda: now_ns() + passed * 10**9)
        patch.setattr(Client, "send", sent_later)
        yield
