"""A purchase that is only tried: how it would end, by which rule and with what held; nothing of it remains.

It is made like any other, told, and taken back: no id is drawn, no event is written, nobody is asked.
"""

from __future__ import annotations

from typing import Any

from emulator.control import why
from emulator.issuing import authorization_helpers, deciding
from emulator.issuing.authorization_helpers import CreateParams
from emulator.issuing.cards import Card
from emulator.issuing.deciding import Verdict
from emulator.issuing.traces import AuthorizationTrace, trace_id
from emulator.kernel.questions import Question
from emulator.kernel.routes import POST
from emulator.kernel.world import World

WOULD_BE_ASKED = "would be asked"


def dry_run(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Tell how a purchase with these parameters would end now, and change nothing. 400 for what a purchase refuses.

    The card may be any of the tenant's accounts' while no account is named. Where no rule objects and somebody answers
    for the account, `asks` is who, and `approved` is null. `hold` is what an approval would set aside.
    """
    owned = world.anywhere(Card, params["card"])
    inside = world.as_account(owned[0]) if owned is not None and world.is_platform else world
    card = inside.get(Card, params["card"], param="card")
    with world.step.rehearsal():
        told = rehearsed(inside, card, params)
    return told


def rehearsed(world: World, card: Card, params: dict[str, Any]) -> dict[str, Any]:
    """What becomes of the purchase, in a step that is taken back."""
    made = authorization_helpers.request(world, card, params)
    asks = None
    if isinstance(made, Question):
        asked = world.step.questions.get(made.event)
        assert asked is not None, "it has just been put"
        asks = asked.subscriber
        made = deciding.conclude(world, asked.about, Verdict(True, "webhook_approved"))
        asks = asks if made.approved else None  # a rule objects to what only an answer could lower
    trace = world.get(AuthorizationTrace, trace_id(made.id)).requests[-1]
    told = why.told(world, trace)
    if asks is not None:
        told["approved"] = told["reason"] = None
        told["outcome"] = f"no rule objects: {asks} would be asked"
        told["rules"][-1] |= {"reason": None, "sentence": f"{asks} would be asked.", "verdict": WOULD_BE_ASKED}
    return {"object": "emulator.dry_run", **told, "asks": asks, "hold": trace["attempt"]["hold"]}


ROUTES = [POST("/_emulator/issuing/authorizations/dry_run", dry_run, CreateParams)]
