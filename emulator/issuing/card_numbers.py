"""Card numbers and security codes: Luhn-valid, in a range no real card has, never twice in a tenant.

Numbers begin with 4000009990, as those of Stripe's test cards; once that range fills up, with 400000999.
"""

from __future__ import annotations

from typing import Any

from stdnum import luhn

from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.world import World

USUAL_RANGE = "4000009990"
WIDER_RANGE = "400000999"
LENGTH = 16
# So many numbers of the usual range are tried before one of the wider range is taken.
USUAL_TRIES = 20
MOST_TRIES = 200


@record("emulator.card_number", prefix="pan", noun="card number", has_list=False)
class CardNumber:
    """A number that some card of the tenant has. Replacements of a damaged or expired card share it."""

    id: str  # pan_ and the number

    def render(self, world: World) -> dict[str, Any]:
        """Never part of a reply."""
        return shown(self)


def new_number(world: World) -> str:
    """Sixteen digits that no card of the tenant has had, kept so that none will."""
    for attempt in range(MOST_TRIES):
        number = number_from(world.draw("card number"), USUAL_RANGE if attempt < USUAL_TRIES else WIDER_RANGE)
        if world.anywhere(CardNumber, f"pan_{number}") is None:
            world.put(CardNumber(f"pan_{number}"))
            return number
    raise AssertionError(f"the range of card numbers is full after {MOST_TRIES} tries")


def number_from(chance: int, beginning: str) -> str:
    """A whole number with these first digits: the rest by chance, and the check digit."""
    free = LENGTH - 1 - len(beginning)
    digits = f"{beginning}{chance % 10**free:0{free}d}"
    return digits + luhn.calc_check_digit(digits)


def new_cvc(world: World) -> str:
    """Three digits."""
    return f"{world.draw('cvc') % 1000:03d}"
