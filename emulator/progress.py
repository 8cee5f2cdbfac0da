"""How flows that move by themselves get on: one rule for the whole emulator, with a setting of the tenant.

Real test mode answers with the first state and changes it a little later. So do we, on the tenant's clock (our ruling):
flows that test helpers can move wait `progress_seconds`; all others move as soon as the reply has been given, which
the tenant's next request finds done. `at_once` moves every flow so; `never` leaves all of them to helpers. With
`banking_dates` what a bank does waits for the day and the hour at which it would be done; all else is as with `delay`.

What a reply called pending or processing gives way to a helper or a cancel that follows: modules offer such actions as
`PROGRESS`, and the kernel lets the request that would change the object come first.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.settings import choice, number
from emulator.kernel.world import World

SETTINGS = (
    choice(
        "progress",
        "delay",
        ("delay", "at_once", "banking_dates", "never"),
        "How flows move by themselves: those that helpers can move after progress_seconds and the others at once, "
        "all at once, what banks do on the days and at the hours of US banks, or none.",
    ),
    number("progress_seconds", 10, "How long a flow that test helpers can move waits before it moves by itself."),
)


def after(world: World, seconds: int, action: str, about: str, **details: Any) -> None:
    """Have a flow take its next step once a time of its own has passed, unless none moves by itself."""
    if world.setting("progress") != "never":
        world.later(world.now + seconds, action, about, **details)


def at_once(world: World, action: str, about: str, *, by_bank: int | None = None, **details: Any) -> None:
    """Have a flow that no helper moves take its next step before the tenant's next request.

    `by_bank` is when a bank would have taken it; unix seconds.
    """
    after(world, waiting_time(world, by_bank), action, about, **details)


def in_a_while(world: World, action: str, about: str, *, by_bank: int | None = None, **details: Any) -> None:
    """Have a flow that helpers can move take its next step when they have had their time, or `by_bank`."""
    follows_banks = world.setting("progress") == "banking_dates" and by_bank is not None
    if world.setting("progress") == "at_once" or follows_banks:
        at_once(world, action, about, by_bank=by_bank, **details)
    else:
        after(world, world.setting("progress_seconds"), action, about, **details)


def waiting_time(world: World, by_bank: int | None) -> int:
    """How many seconds what is due at once has to wait for a bank; none unless the setting says so."""
    if world.setting("progress") != "banking_dates" or by_bank is None:
        return 0
    return max(by_bank - world.now, 0)
