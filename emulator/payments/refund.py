"""A refund as it is kept and shown: money of a charge that goes back to whoever paid.

    pending ── arrive ──▶ succeeded ── bounce ──▶ failed

Those of cards are `re_…`; those of bank accounts, and what reversals of transfers took back, are `pyr_…`.
Source: https://docs.stripe.com/api/refunds/object
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.world import World

OF_BANKS = "pyr"
LIFECYCLE = Lifecycle(
    "pending",
    {
        "pending": {"arrive": "succeeded"},
        "succeeded": {"bounce": "failed"},
        "failed": {},
    },
)


@record(
    "refund",
    prefix="re",
    other_prefixes=(OF_BANKS,),
    noun="refund",
    filters=("charge", "payment_intent"),
    hidden=("fee_refund",),
    expands=(
        "balance_transaction",
        "charge",
        "customer",
        "failure_balance_transaction",
        "payment_intent",
        "payment_method",
        "source_transfer_reversal",
        "transfer_reversal",
    ),
    expands_beyond=("source_transfer_reversal", "transfer_reversal"),
)
class Refund:
    """One refund. `amount` in minor units; `fee_refund` is what came back of the application fee with it."""

    id: str
    created: int
    amount: int
    charge: str
    currency: str
    balance_transaction: str | None = None
    destination_details: dict[str, Any] | None = None
    failure_balance_transaction: str | None = None
    failure_reason: str | None = None
    fee_refund: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    payment_intent: str | None = None
    pending_reason: str | None = None
    reason: str | None = None
    source_transfer_reversal: str | None = None
    status: str = "succeeded"
    transfer_reversal: str | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The refund of the API, which has no `livemode`. What only some refunds have is left out of the others."""
        members = shown(self, customer=None, customer_account=None, payment_method=None, receipt_number=None)
        for name in ("failure_balance_transaction", "failure_reason", "pending_reason"):
            if members[name] is None:
                del members[name]
        del members["livemode"]
        return members


RECORDS = (Refund,)
