"""When money of a payments balance can be paid out: what is pending becomes available on its day.

Each movement that leaves something pending says when that ends. Nothing of it is a balance transaction: those say by
`available_on` what they have become. A minute after money has become available, `balance.available` says so.
Source: https://docs.stripe.com/payouts#standard-payout-timing and recorded replies
"""

from __future__ import annotations

from emulator import chart_of_accounts as chart
from emulator.connect.records import accounts
from emulator.kernel.dates import DAY
from emulator.kernel.world import World

SECONDS_UNTIL_TOLD = 60


def day_available(world: World) -> int:
    """When money that comes to an account now can be paid out: 00:00 UTC after as many days as its payout schedule
    says; unix seconds."""
    return world.now - world.now % DAY + accounts.of(world).delay_days * DAY


def wait(world: World, flow: str, currency: str, amount: int, available_on: int) -> None:
    """See to it that what a flow left pending, or with a negative amount took from there, does not stay so for ever.

    Money that is available at once is told of.
    """
    if available_on > world.now:
        world.later(available_on, "payments.funds.arrive", about=flow, currency=currency, amount=amount)
    elif amount > 0:
        announce(world)


def arrive(world: World, id: str, currency: str, amount: int) -> None:
    """The day has come."""
    world.move(chart.become_available(id, world.account, currency, amount), because=id)
    announce(world)


def announce(world: World) -> None:
    """Tell of the available money in a minute, once for all that comes meanwhile."""
    world.cancel_due(world.account, "balances.balance.tell")
    world.later(world.now + SECONDS_UNTIL_TOLD, "balances.balance.tell", about=world.account)


DUE = {"payments.funds.arrive": arrive}
RECORDS: tuple[type, ...] = ()
