"""Payments that an account has received by a transfer, and what of them went back with its reversals.

The receiving account has them as charges and refunds of its own, `py_…` and `pyr_…`, which its balance transactions
name. Other charges and refunds are not built, and neither are the operations that read these.
Source: https://docs.stripe.com/connect/separate-charges-and-transfers
"""

from __future__ import annotations

from typing import Any

from emulator.connect.records.accounts import application_of
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.world import World

NOBODY: dict[str, Any] = {
    "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}
# What a charge of a card would say here.
NOT_OF_PAYMENTS = (
    "application_fee",
    "application_fee_amount",
    "calculated_statement_descriptor",
    "customer",
    "description",
    "failure_balance_transaction",
    "failure_code",
    "failure_message",
    "on_behalf_of",
    "outcome",
    "payment_intent",
    "payment_method",
    "receipt_email",
    "receipt_number",
    "receipt_url",
    "review",
    "shipping",
    "source",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
)


@record(
    "charge",
    prefix="py",
    noun="charge",
    has_list=False,
    expands=("balance_transaction", "source_transfer"),
    silent=("amount_refunded",),
)
class ReceivedPayment:
    """Money of a transfer as its destination has it. Amounts in minor units."""

    id: str
    created: int
    amount: int
    currency: str
    source_transfer: str
    amount_refunded: int = 0
    balance_transaction: str | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The charge of the API, as recorded replies have it."""
        return shown(
            self,
            **dict.fromkeys(NOT_OF_PAYMENTS),
            amount_captured=self.amount,
            application=application_of(world.platform),
            billing_details=NOBODY,
            captured=True,
            disputed=False,
            fraud_details={},
            metadata={},
            paid=True,
            payment_method_details={"type": "stripe_account", "stripe_account": {}},
            refunded=self.amount_refunded == self.amount,
            status="succeeded",
        )


@record(
    "refund",
    prefix="pyr",
    noun="refund",
    has_list=False,
    expands=("balance_transaction", "charge", "source_transfer_reversal", "transfer_reversal"),
)
class PaymentRefund:
    """What a reversal took back of such a payment."""

    id: str
    created: int
    amount: int
    charge: str
    currency: str
    source_transfer_reversal: str
    transfer_reversal: str
    balance_transaction: str | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The refund of the API, which has no `livemode`."""
        members = shown(
            self,
            customer=None,
            customer_account=None,
            destination_details=None,
            metadata={},
            payment_intent=None,
            payment_method=None,
            reason=None,
            receipt_number=None,
            status="succeeded",
        )
        del members["livemode"]
        return members


RECORDS = (ReceivedPayment, PaymentRefund)
