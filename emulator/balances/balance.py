"""The balance: what an account's payments balance and its Issuing balance hold now.

Nothing is stored; every amount is the running total of a book. Money in financial accounts is not part of it.
Source: https://docs.stripe.com/api/balance and https://docs.stripe.com/issuing/funding/balance
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import chart_of_accounts as chart
from emulator.connect.records import accounts, capabilities
from emulator.kernel.routes import GET
from emulator.kernel.world import World


def retrieve(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """The acting account's balance: amounts in minor units, an entry for its default currency even when it is 0.

    `issuing` is there for the platform and for accounts that have asked for `card_issuing`; what cards hold for open
    authorizations has left it. `connect_reserved` is there for the platform.
    """
    body: dict[str, Any] = {
        "object": "balance",
        "available": amounts(world, "available", chart.available),
        "livemode": False,
        "pending": amounts(world, "pending", chart.pending),
    }
    if world.is_platform:
        body["connect_reserved"] = [{"amount": 0, "currency": default_currency(world)}]
    if uses_issuing(world):
        body["issuing"] = {"available": amounts(world, "issuing", chart.issuing)}
    return body


def amounts(world: World, what: str, book: Callable[[str, str], str]) -> list[dict[str, Any]]:
    """One entry per currency that a kind of book was ever used in, the default currency first."""
    used = (name.rpartition(":")[2] for name in world.ledger.books(f"{world.account}:{what}:"))
    held = {
        currency: world.balance(book(world.account, currency))
        for currency in dict.fromkeys((default_currency(world), *used))
    }
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}} for currency, amount in held.items()
    ]


def default_currency(world: World) -> str:
    """The acting account's default currency."""
    return accounts.of(world).default_currency


def uses_issuing(world: World) -> bool:
    """Whether the acting account has an Issuing balance: once it has asked for `card_issuing`, or was funded before."""
    if world.is_platform or capabilities.status_of(world, "card_issuing") != "unrequested":
        return True
    return bool(world.ledger.books(f"{world.account}:issuing:"))


class Told:
    """The balance as an event has it: no record, and without an id."""

    object, is_stored = "balance", False

    def render(self, world: World) -> dict[str, Any]:
        """What the balance is now."""
        return retrieve(world, {})


def tell(world: World, id: str) -> None:
    """Say that money has become available."""
    world.emit("balance.available", Told())


DUE = {"balances.balance.tell": tell}
ROUTES = [GET("/v1/balance", retrieve)]
