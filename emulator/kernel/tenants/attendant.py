"""Who attends to the worlds of a server beside requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from emulator.kernel.tenants.tenant import Tenant


def nothing(tenant: Tenant) -> None:
    """Whoever has nothing to do about a tenant."""


class Attendant(NamedTuple):
    """What somebody does about a tenant, and when. Each returns soon; what takes long, a thread of its own does.

    `opened`: its world has been opened. `questioned`: the first step since then is about to be taken, and an earlier
    server may have died waiting for answers. `woken`: a step that something may have to be delivered of was committed.
    `looks`: its time has come, or somebody waits until nothing is left to do. `deleted`: its world is no more.
    """

    opened: Callable[[Tenant], None] = nothing
    questioned: Callable[[Tenant], None] = nothing
    woken: Callable[[Tenant], None] = nothing
    looks: Callable[[Tenant], None] = nothing
    deleted: Callable[[Tenant], None] = nothing
