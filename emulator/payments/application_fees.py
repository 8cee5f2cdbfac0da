"""Application fees over the API: what a platform has taken of its accounts' charges, and giving it back.

Source: https://docs.stripe.com/api/application_fees, https://docs.stripe.com/api/fee_refunds
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator import chart_of_accounts as chart
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid, no_such
from emulator.kernel.lists import lists
from emulator.kernel.params import Amount, ListParams, Metadata, Params, Range, String, merged_metadata
from emulator.kernel.records import replace
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.payments import amounts, application_fee, funds
from emulator.payments.application_fee import ApplicationFee, FeeRefund


class FeeListParams(ListParams):
    """Filters of the list."""

    charge = String()
    created = Range()


class RefundParams(Params):
    """How much of the fee goes back: all that is left, unless said otherwise."""

    amount = Amount()
    metadata = Metadata()


class UpdateRefundParams(Params):
    """What may change of a refund."""

    metadata = Metadata()


def of_fee(world: World, params: dict[str, Any], id: str) -> Sequence[Condition]:
    """The refunds of one fee. 404 for one that is not there."""
    return [Condition("fee", "eq", world.get(ApplicationFee, id).id)]


def refund(world: World, params: dict[str, Any], id: str) -> FeeRefund:
    """Give a fee back to the account that paid it, or a part of it. 400 for more than is left of it."""
    fee = world.get(ApplicationFee, id)
    amount = params.get("amount", fee.left)
    if fee.left == 0:
        raise invalid(f"Application fee {id} has already been refunded.")
    if amount > fee.left:
        asked, left = (amounts.plain(one, fee.currency) for one in (amount, fee.left))
        raise invalid(
            f"Refund amount ({asked}) is greater than unrefunded amount on application fee ({left})", param="amount"
        )
    given = application_fee.give_back(world, fee, amount, merged_metadata({}, params))
    payer, day = world.as_account(fee.payer), max(fee.available_on, world.now)
    movement = chart.receive_application_fee_back(payer.account, fee.currency, amount, day, world.now)
    payer.move(movement, because=given.id)
    funds.wait(payer, given.id, fee.currency, amount, day)
    return given


def refund_of(world: World, fee: str, id: str) -> FeeRefund:
    """A refund that a path names. 404 for one of another fee."""
    found = world.get(ApplicationFee, fee)
    given = world.get(FeeRefund, id)
    if given.fee != found.id:
        raise no_such(FeeRefund.noun, id, param="id")
    return given


def retrieve_refund(world: World, params: dict[str, Any], fee: str, id: str) -> FeeRefund:
    """Read one refund of a fee."""
    return refund_of(world, fee, id)


def update_refund(world: World, params: dict[str, Any], fee: str, id: str) -> FeeRefund:
    """Change the metadata of a refund, and say so."""
    before = refund_of(world, fee, id)
    after = world.put(replace(before, metadata=merged_metadata(before.metadata, params)))
    world.emit("application_fee.refund.updated", after, before=before)
    return after


retrieve_refund.is_retrieve = True  # type: ignore[attr-defined]

RECORDS: tuple[type, ...] = ()
ROUTES = [
    GET("/v1/application_fees", lists(ApplicationFee), FeeListParams),
    GET("/v1/application_fees/{id}", retrieves(ApplicationFee)),
    GET("/v1/application_fees/{id}/refunds", lists(FeeRefund, narrow=of_fee)),
    POST("/v1/application_fees/{id}/refunds", refund, RefundParams),
    GET("/v1/application_fees/{fee}/refunds/{id}", retrieve_refund),
    POST("/v1/application_fees/{fee}/refunds/{id}", update_refund, UpdateRefundParams),
]
