"""A switch: how the next authorization of a card, or of the account, is to end, whatever the rules would say.

Some reasons of Stripe's list have no cause that a test could bring about, such as a blocked PIN or an outage. What is
asked for here is used up by one authorization and asks no webhook.
"""

from __future__ import annotations

from typing import Any

from emulator.issuing.cards import Card
from emulator.issuing.decline import REASONS
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid
from emulator.kernel.params import Boolean, Enum, Params, String
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.routes import POST
from emulator.kernel.world import World

ANY_CARD = "any"


@record("emulator.next_authorization", prefix="nextauth", noun="next authorization", filters=("card",))
class NextAuthorization:
    """One outcome that waits for its authorization. `card` is an id, or `any`."""

    id: str
    created: int
    card: str
    reason: str
    approved: bool

    def render(self, world: World) -> dict[str, Any]:
        """What will happen, and to which card; null for whichever comes first."""
        return shown(self, card=None if self.card == ANY_CARD else self.card)


class NextAuthorizationParams(Params):
    """Which outcome. Without a card the account's next authorization has it."""

    card = String()
    reason = Enum(tuple(REASONS), required=True)
    approved = Boolean()


def choose(world: World, params: dict[str, Any]) -> NextAuthorization:
    """Choose how the next authorization ends. 400 for a reason that cannot go with `approved`."""
    if "card" in params:
        world.get(Card, params["card"], param="card")
    usual = REASONS[params["reason"]]
    approved = params.get("approved", bool(usual))
    if usual is not None and approved != usual:
        meaning = "an approval" if usual else "a decline"
        raise invalid(f"The reason '{params['reason']}' always stands for {meaning}.", param="approved")

    chosen = NextAuthorization(
        world.new_id("nextauth"), world.now, params.get("card", ANY_CARD), params["reason"], approved
    )
    return world.put(chosen)


def waiting(world: World, card: str) -> NextAuthorization | None:
    """The oldest outcome that waits for an authorization of this card, or None."""
    conditions = [Condition("account", "eq", world.account), Condition("card", "in", [card, ANY_CARD])]
    found = world.store.select(NextAuthorization, conditions)
    return found[-1] if found else None


RECORDS = (NextAuthorization,)
ROUTES = [POST("/_emulator/issuing/next_authorization", choose, NextAuthorizationParams)]
