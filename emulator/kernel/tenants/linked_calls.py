"""API calls that the client makes while it handles something of ours: they are kept with the attempt."""

from __future__ import annotations

import time
from typing import Any, Generic, Protocol, TypeVar

from emulator.kernel.deliveries import LinkedCall


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
        self.began_ns = time.time_ns()
        self.noted: list[tuple[float, dict[str, Any]]] = []

    @property
    def calls(self) -> list[LinkedCall]:
        """The API calls, in the order they were answered in."""
        in_order = sorted(self.noted, key=lambda one: one[0])
        return [LinkedCall(self.real_ms(ended), api_call) for ended, api_call in in_order]

    @property
    def ended_ms(self) -> int:
        """When the call was answered, in real time."""
        return self.real_ms(self.call.ended)

    def real_ms(self, at: float) -> int:
        """Monotonic seconds as real time."""
        return (self.began_ns + int((at - self.began) * 1_000_000_000)) // 1_000_000

    def note(self, api_call: dict[str, Any], began: float, ended: float) -> None:
        """Keep an API call if it began after this one did and ended before it was answered, in monotonic seconds.

        The first hundred are kept.
        """
        if len(self.noted) >= MOST_NOTED:
            return
        call = self.__dict__.get("call")
        if began >= self.began and (call is None or call.answer is None or ended <= call.ended):
            self.noted.append((ended, api_call))
