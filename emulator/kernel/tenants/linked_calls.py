"""API calls that the client makes while it handles something of ours: they are kept with the attempt."""

from __future__ import annotations

import time
from typing import Any, Generic, Protocol, TypeVar


class Answerable(Protocol):
    """A call to the client: its answer once there is one, and when that came, in monotonic seconds."""

    answer: Any
    ended: float


AnyCall = TypeVar("AnyCall", bound=Answerable)
MOST_NOTED = 100  # of one call: where hundreds are handled at once, each may be what any of the API calls was made for


class Flight(Generic[AnyCall]):
    """A call on its way, and the API calls that were made while its receiver handled it.

    It is there before the call is, since a receiver can be quicker than the thread that began the call.
    """

    call: AnyCall

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.noted: list[tuple[float, dict[str, Any]]] = []

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The API calls, in the order they were answered in."""
        return [api_call for _, api_call in sorted(self.noted, key=lambda one: one[0])]

    def note(self, api_call: dict[str, Any], began: float, ended: float) -> None:
        """Keep an API call if it began after this one did and ended before it was answered, in monotonic seconds.

        The first hundred are kept.
        """
        if len(self.noted) >= MOST_NOTED:
            return
        call = self.__dict__.get("call")
        if began >= self.began and (call is None or call.answer is None or ended <= call.ended):
            self.noted.append((ended, api_call))
