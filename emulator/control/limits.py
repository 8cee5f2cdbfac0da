"""How much a card and its holder may still spend: every limit with what was spent in its window and what is left.

    GET /_emulator/issuing/cards/{card}/limits
    GET /_emulator/issuing/cardholders/{cardholder}/limits

A limit for some categories counts what was spent at merchants of these. Refunds give no allowance back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.issuing import replacement, spending_controls
from emulator.issuing.cardholders import Cardholder
from emulator.issuing.cards import Card
from emulator.kernel.routes import GET
from emulator.kernel.world import World


def of_card(world: World, params: dict[str, Any], card: str) -> dict[str, Any]:
    """The limits of a card, in its currency. What cards spent that it replaces counts too."""
    found = world.get(Card, card)
    lineage = replacement.lineage(world, found)
    limits = [
        counted(world, limit, lambda limit: spending_controls.spent_on_cards(world, lineage, limit, world.now))
        for limit in found.spending_controls["spending_limits"]
    ]
    return told(found.id, found.currency, limits)


def of_cardholder(world: World, params: dict[str, Any], cardholder: str) -> dict[str, Any]:
    """The limits of a cardholder, in their own currency: what all cards of it spent counts, converted."""
    found = world.get(Cardholder, cardholder)
    currency = found.spending_controls["spending_limits_currency"]
    limits = [
        counted(
            world,
            limit,
            lambda limit: spending_controls.spent_by_holder(world, found.id, limit, currency, world.now),
        )
        for limit in found.spending_controls["spending_limits"]
    ]
    return told(found.id, currency, limits)


def counted(world: World, limit: Mapping[str, Any], spent: Callable[[Mapping[str, Any]], int]) -> dict[str, Any]:
    """One limit. One per authorization has no window in which anything could have been spent."""
    shown = {"amount": limit["amount"], "categories": limit["categories"], "interval": limit["interval"]}
    if limit["interval"] == "per_authorization":
        return {**shown, "left": limit["amount"], "since": None, "spent": None}
    used = spent(limit)
    since = spending_controls.first_day(limit["interval"], world.now)
    return {**shown, "left": max(limit["amount"] - used, 0), "since": since, "spent": used}


def told(about: str, currency: str | None, limits: list[dict[str, Any]]) -> dict[str, Any]:
    """All limits of one owner; `since` is the day on which a window began."""
    return {"object": "emulator.limits", "about": about, "currency": currency, "limits": limits}


ROUTES = [
    GET("/_emulator/issuing/cards/{card}/limits", of_card),
    GET("/_emulator/issuing/cardholders/{cardholder}/limits", of_cardholder),
]
