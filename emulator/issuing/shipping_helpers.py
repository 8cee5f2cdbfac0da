"""What happens to a physical card on its way, made to happen: the five test helpers of shipments.

Source: https://docs.stripe.com/issuing/cards/physical/testing
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.connect import issuing_access
from emulator.issuing import shipping
from emulator.issuing.cards import Card, save
from emulator.issuing.personalization_designs import PersonalizationDesign
from emulator.kernel.errors import invalid
from emulator.kernel.records import replace
from emulator.kernel.routes import POST
from emulator.kernel.world import World


def moves(verb: str) -> Callable[..., Card]:
    """The operation that takes one arrow of a card's shipment."""

    def operation(world: World, params: dict[str, Any], id: str) -> Card:
        card = world.get(Card, id)
        issuing_access.check(world)
        if card.shipping is None:
            raise invalid("Virtual cards are not shipped.", param="card")
        chance = world.draw("tracking") if verb == "ship" else 0
        shipment = shipping.moved_on(card.shipping, verb, currency=card.currency, now=world.now, chance=chance)
        if verb == "ship":
            check_design(world, card)
        return save(world, card, replace(card, shipping=shipment))

    operation.__name__ = f"{verb}_card"
    operation.__doc__ = f"Have a card's shipment {verb}. 400 where its status has no such arrow, and for virtual cards."
    return operation


def submit_card(world: World, params: dict[str, Any], id: str) -> Card:
    """Have a card's shipment submitted. 400 for requests of versions before 2024-09-30.acacia."""
    if world.predates("A2"):
        raise invalid(
            f"Submitting a card's shipment is not supported on api version {world.version}. Update your API version, "
            "or set the API Version of this request to 2024-09-30.acacia or greater."
        )
    return moves("submit")(world, params, id)


def is_printable(world: World, card: Card) -> bool:
    """Whether the card's design, if it has one, is through its review."""
    found = world.anywhere(PersonalizationDesign, card.personalization_design)
    return found is None or found[1].status != "review"


def check_design(world: World, card: Card) -> None:
    """400 while the card's design is not approved: it cannot be printed."""
    if not is_printable(world, card):
        raise invalid("This card cannot be shipped while its personalization design is in status 'review'.")


def arrive(world: World, id: str) -> None:
    """A card made by a client older than these helpers is delivered by itself, if it can be and still waits."""
    card = world.get(Card, id)
    if card.shipping["status"] != shipping.LIFECYCLE.start or not is_printable(world, card):
        return
    shipment = card.shipping
    for verb in ("ship", "deliver"):
        chance = world.draw("tracking") if verb == "ship" else 0
        shipment = shipping.moved_on(shipment, verb, currency=card.currency, now=world.now, chance=chance)
    save(world, card, replace(card, shipping=shipment))


PROGRESS = {"issuing.shipping_helpers.arrive": arrive}
ROUTES = [
    POST("/v1/test_helpers/issuing/cards/{card}/shipping/deliver", moves("deliver")),
    POST("/v1/test_helpers/issuing/cards/{card}/shipping/fail", moves("fail")),
    POST("/v1/test_helpers/issuing/cards/{card}/shipping/return", moves("return")),
    POST("/v1/test_helpers/issuing/cards/{card}/shipping/ship", moves("ship")),
    POST("/v1/test_helpers/issuing/cards/{card}/shipping/submit", submit_card),
]
