"""Calling operations one after the other for one request, each in a step of its own.

What is called may ask the client first, and time may have to pass before the next call: neither happens within a step.
Every call has the request that makes them as its cause, and is judged like one that a client sends; faults that wait
for requests are not for these.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from emulator.kernel.waiting import Waiting, Work
from emulator.kernel.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.kernel.tenants.tenant import Tenant

Found = TypeVar("Found")


class Carrier(Protocol):
    """Who carries a call out, for a connected account or, without one, for the platform."""

    def __call__(
        self, account: str | None, verb: str, path: str, params: dict[str, Any]
    ) -> Waiting[dict[str, Any]]: ...


class Caller:
    """Calls for one account. `account` is the connected account that the request names, if it names one."""

    def __init__(self, tenant: Tenant, account: str | None, carrier: Carrier) -> None:
        self.tenant = tenant
        self.account = account
        self.carrier = carrier

    def acting_as(self, account: str) -> Caller:
        """The same request, acting for another account."""
        return Caller(self.tenant, account, self.carrier)

    def post(self, path: str, **params: Any) -> Waiting[dict[str, Any]]:
        """What a writing operation answers, as the newest version has it. ApiError where it refuses."""
        return self.carrier(self.account, "POST", path, params)

    def get(self, path: str) -> Waiting[dict[str, Any]]:
        """What a reading operation answers, as the version of the request has it."""
        return self.carrier(self.account, "GET", path, {})

    def look(self, at: Callable[[World], Found]) -> Waiting[Found]:
        """What a function finds in the platform's world as it is."""
        return (yield Work(partial(looked, self.tenant, at)))

    def let_pass(self, seconds: int) -> Waiting[None]:
        """Move the world's clock; what falls due on the way happens."""
        yield Work(partial(self.tenant.move_clock, advance=seconds))


def looked(tenant: Tenant, at: Callable[[World], Found]) -> Found:
    """The same, in a step."""
    with tenant.reading() as step:
        return at(World(step, step.row.platform))
