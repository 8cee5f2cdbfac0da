"""Replacement: a card in place of another one, by the reason it is replaced.

A card that replaces a damaged or expired one has its number; activating it cancels the original. One that replaces a
lost or stolen card has a new number, and the original is canceled before. What the cards spent that a card replaces, up
the chain, counts for its limits too.
Source: https://docs.stripe.com/issuing/cards/replacements
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.kernel.errors import invalid, missing
from emulator.kernel.world import World

if TYPE_CHECKING:
    from emulator.issuing.cards import Card

# How an original has to be, and whether the new card keeps its number, by the reason it is replaced.
SAME_NUMBER = frozenset({"damaged", "expired"})
NEW_NUMBER = frozenset({"lost", "stolen"})


def check(original: Card | None, params: dict[str, Any]) -> None:
    """400 unless the original fits the reason: in use if damaged or expired, canceled as lost or stolen before."""
    if original is None:
        if "replacement_reason" in params:
            raise missing("replacement_for")
        return
    reason = params.get("replacement_reason")
    if reason is None:
        raise missing("replacement_reason")
    for name in ("cardholder", "currency"):
        if params[name] != getattr(original, name):
            raise invalid(f"A replacement must have the same {name} as the card it replaces.", param=name)
    if reason in SAME_NUMBER and original.is_over:
        raise invalid(
            f"Cards with status 'canceled' cannot be replaced with reason '{reason}'.", param="replacement_for"
        )
    if reason in NEW_NUMBER and not (original.is_over and original.cancellation_reason == reason):
        raise invalid(
            f"Cards replaced with reason '{reason}' must be canceled with cancellation_reason '{reason}' first.",
            param="replacement_for",
        )


def lineage(world: World, card: Card) -> list[str]:
    """The card and those it replaces, one after the other: whose spending its limits count.

    Source: https://docs.stripe.com/issuing/controls/spending-controls
    """
    found = [card.id]
    while card.replacement_for is not None:
        card = world.get(type(card), card.replacement_for)
        found.append(card.id)
    return found
