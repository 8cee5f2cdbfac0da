"""A charge as it is kept and shown: one attempt to take money from somebody, and what became of it.

    pending ── the bank pays ──▶ succeeded
       └────── it refuses ─────▶ failed

A card succeeds or fails at once. Charges of cards are `ch_…`; those of bank accounts are `py_…`, and so are payments
that an account has received by a transfer, which its balance transactions name.
Source: https://docs.stripe.com/api/charges/object, https://docs.stripe.com/connect/separate-charges-and-transfers and
recorded replies
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.connect.records.accounts import application_of
from emulator.kernel.lists import listed
from emulator.kernel.records import record
from emulator.kernel.render import Include, shown
from emulator.kernel.world import World
from emulator.payments import receipts
from emulator.payments.refund import Refund

OF_BANKS = "py"
SHOWN = 10  # refunds that a charge shows itself
NOBODY: dict[str, Any] = {
    "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}


def fill_refunds(world: World, charge: Charge, rendered: dict[str, Any]) -> None:
    """The newest refunds of a charge."""
    found = world.all(Refund, charge=charge.id)
    url = f"/v1/charges/{charge.id}/refunds"
    rendered["refunds"] = {
        **listed([world.render(one) for one in found[:SHOWN]], url, has_more=len(found) > SHOWN),
        "total_count": len(found),
    }


@record(
    "charge",
    prefix="ch",
    other_prefixes=(OF_BANKS,),
    noun="charge",
    filters=("customer", "payment_intent", "transfer_group"),
    hidden=("available_on", "capture_before"),
    expands=(
        "application_fee",
        "balance_transaction",
        "customer",
        "failure_balance_transaction",
        "on_behalf_of",
        "payment_intent",
        "source_transfer",
        "transfer",
        "transfer_data.destination",
    ),
    expands_beyond=("application_fee", "source_transfer"),
    includes={"refunds": Include(fill_refunds, before="X2")},
    # what is told by the events of a dispute, a transfer or a fee, and receipts
    silent=("amount_refunded", "application_fee", "balance_transaction", "disputed", "transfer", "transfer_group"),
)
class Charge:
    """One charge. Amounts in minor units.

    `available_on` is when its money can be paid out, `capture_before` until when what is only held can be taken; unix
    seconds, None where that does not apply.
    """

    id: str
    created: int
    amount: int
    currency: str
    amount_captured: int = 0
    amount_refunded: int = 0
    application_fee: str | None = None
    application_fee_amount: int | None = None
    available_on: int | None = None
    balance_transaction: str | None = None
    billing_details: dict[str, Any] = field(default_factory=lambda: dict(NOBODY))
    capture_before: int | None = None
    captured: bool = False
    customer: str | None = None
    description: str | None = None
    disputed: bool = False
    failure_balance_transaction: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    fraud_details: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    on_behalf_of: str | None = None
    outcome: dict[str, Any] | None = None
    paid: bool = False
    payment_intent: str | None = None
    payment_method: str | None = None
    payment_method_details: dict[str, Any] | None = None
    receipt_email: str | None = None
    shipping: dict[str, Any] | None = None
    source: dict[str, Any] | None = None
    source_transfer: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    status: str = "pending"
    transfer: str | None = None
    transfer_data: dict[str, Any] | None = None
    transfer_group: str | None = None

    @property
    def is_of_bank(self) -> bool:
        """Whether a bank account pays, or a transfer brought it."""
        return self.id.startswith(f"{OF_BANKS}_")

    @property
    def is_held(self) -> bool:
        """Whether the money is promised, and not taken yet."""
        return self.status == "succeeded" and not self.captured

    @property
    def refunded(self) -> bool:
        """Whether nothing is left of it; what was only held counts as refunded once it was let go by a refund."""
        return 0 < self.amount_refunded >= (self.amount_captured if self.captured else self.amount)

    @property
    def left(self) -> int:
        """What can still be refunded."""
        return (self.amount_captured if self.captured else self.amount) - self.amount_refunded

    def render(self, world: World) -> dict[str, Any]:
        """The charge of the API. `transfer` is there once one goes on to the account that the charge is for."""
        is_received = self.source_transfer is not None
        members = shown(
            self,
            application=application_of(world) if is_received or not world.is_platform else None,
            calculated_statement_descriptor=None,
            receipt_number=None,
            receipt_url=receipts.url(world, self.id) if self.paid and not is_received else None,
            refunded=self.refunded,
            review=None,
        )
        if self.transfer is None:
            del members["transfer"]
        return members


RECORDS = (Charge,)
