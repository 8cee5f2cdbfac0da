"""Application fees: what a platform takes of the charges of its connected accounts, and gives back with refunds.

They are the platform's. A direct charge pays its fee out of what it brings; a charge with a destination has that pay
it out of what is sent on. A refund gives the fee back where it says so, in proportion; the platform may give it back
without one, too.
Source: https://docs.stripe.com/api/application_fees, https://docs.stripe.com/api/fee_refunds and
https://docs.stripe.com/connect/direct-charges#collect-fees
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator import chart_of_accounts as chart
from emulator.connect.records.accounts import application_of
from emulator.kernel.lists import listed
from emulator.kernel.records import record, replace
from emulator.kernel.render import shown
from emulator.kernel.world import World
from emulator.payments import funds

SHOWN = 10  # refunds that a fee shows itself


@record(
    "application_fee",
    prefix="fee",
    noun="application fee",
    filters=("charge",),
    hidden=("available_on", "payer"),
    expands=("account", "balance_transaction", "charge", "originating_transaction"),
    expands_beyond=("charge",),
    embeds=("refunds",),
)
class ApplicationFee:
    """What a platform took of one charge. Amounts in minor units; `payer` is the account whose charge it was."""

    id: str
    created: int
    amount: int
    available_on: int
    charge: str
    currency: str
    originating_transaction: str | None
    payer: str
    amount_refunded: int = 0
    balance_transaction: str | None = None

    @property
    def left(self) -> int:
        """What of it has not been given back."""
        return self.amount - self.amount_refunded

    def render(self, world: World) -> dict[str, Any]:
        """The fee with its newest refunds."""
        found = world.all(FeeRefund, fee=self.id)
        url = f"/v1/application_fees/{self.id}/refunds"
        page = listed([world.render(one) for one in found[:SHOWN]], url, has_more=len(found) > SHOWN)
        return shown(
            self,
            account=self.payer,
            application=application_of(world),
            fee_source={"charge": self.originating_transaction or self.charge, "type": "charge"},
            refunded=self.left == 0,
            refunds=page,
        )


@record(
    "fee_refund",
    prefix="fr",
    noun="fee refund",
    filters=("fee",),
    expands=("balance_transaction", "fee"),
)
class FeeRefund:
    """What was given back of an application fee at once."""

    id: str
    created: int
    amount: int
    currency: str
    fee: str
    balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def render(self, world: World) -> dict[str, Any]:
        """The refund, which has no `livemode`."""
        members = shown(self)
        del members["livemode"]
        return members


def take(
    platform: World,
    id: str,
    account: str,
    charge: str,
    currency: str,
    amount: int,
    available_on: int,
    *,
    originating_transaction: str | None,
) -> ApplicationFee:
    """The platform gets what a charge of an account has set aside for it."""
    fee = ApplicationFee(
        id=id,
        created=platform.now,
        amount=amount,
        available_on=available_on,
        charge=charge,
        currency=currency,
        originating_transaction=originating_transaction,
        payer=account,
    )
    movement = chart.receive_application_fee(platform.account, currency, amount, available_on, platform.now)
    entry = platform.move(movement, because=id)
    fee = platform.put(replace(fee, balance_transaction=entry.id))
    funds.wait(platform, id, currency, amount, available_on)
    platform.emit("application_fee.created", fee)
    return fee


def give_back(platform: World, fee: ApplicationFee, amount: int, metadata: dict[str, str] | None = None) -> FeeRefund:
    """The platform gives back a part of a fee. Who asks has made sure that so much is left of it, and sees to it that
    somebody gets it."""
    id = platform.new_id(FeeRefund.prefix)
    refund = FeeRefund(id, platform.now, amount, fee.currency, fee.id, metadata=metadata or {})
    on = max(fee.available_on, platform.now)
    movement = chart.give_application_fee_back(platform.account, fee.currency, amount, on, platform.now)
    entry = platform.move(movement, because=refund.id)
    refund = platform.put(replace(refund, balance_transaction=entry.id))
    funds.wait(platform, refund.id, fee.currency, -amount, on)
    after = platform.put(replace(fee, amount_refunded=fee.amount_refunded + amount))
    platform.emit("application_fee.refunded", after)
    return refund


RECORDS = (ApplicationFee, FeeRefund)
