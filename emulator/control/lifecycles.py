"""What can become of the things that have a status: where each kind starts, and which verbs lead from where to where.

GET /_emulator/lifecycles
"""

from __future__ import annotations

from typing import Any

from emulator.balances import payouts, topups
from emulator.issuing import authorizations, cards, disputes, tokens
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import listed
from emulator.kernel.routes import GET
from emulator.kernel.world import World
from emulator.payments import setup_intents
from emulator.treasury import (
    credit_reversals,
    debit_reversals,
    inbound_transfers,
    outbound_payments,
    outbound_transfers,
)

KINDS: dict[str, Lifecycle] = {
    "issuing.authorization": authorizations.LIFECYCLE,
    "issuing.card": cards.LIFECYCLE,
    "issuing.dispute": disputes.LIFECYCLE,
    "issuing.token": tokens.LIFECYCLE,
    "payout": payouts.LIFECYCLE,
    "setup_intent": setup_intents.LIFECYCLE,
    "topup": topups.LIFECYCLE,
    "treasury.credit_reversal": credit_reversals.LIFECYCLE,
    "treasury.debit_reversal": debit_reversals.LIFECYCLE,
    "treasury.inbound_transfer": inbound_transfers.LIFECYCLE,
    "treasury.outbound_payment": outbound_payments.LIFECYCLE,
    "treasury.outbound_transfer": outbound_transfers.LIFECYCLE,
}


def lifecycles(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Every kind that has one: the first status, and each move as a verb between two."""
    data = [
        {
            "object": "emulator.lifecycle",
            "kind": kind,
            "moves": [
                {"from": status, "to": target, "verb": verb}
                for status, verbs in lifecycle.moves.items()
                for verb, target in verbs.items()
            ],
            "start": lifecycle.start,
        }
        for kind, lifecycle in KINDS.items()
    ]
    return listed(data, world.path)


ROUTES = [GET("/_emulator/lifecycles", lifecycles)]
