"""Application fees over the API: what a platform has taken of its accounts' charges, and giving it back.

Source: https://docs.stripe.com/api/application_fees, https://docs.stripe.com/api/fee_refunds
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.kernel.conditions import Condition
from emulator.kernel.errors import no_such
from emulator.kernel.lists import lists
from emulator.kernel.params import ListParams, Metadata, Params, Range, String, merged_metadata
from emulator.kernel.records import replace
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.payments.application_fee import ApplicationFee, FeeRefund


class FeeListParams(ListParams):
    """Filters of the list."""

    charge = String()
    created = Range()


class UpdateRefundParams(Params):
    """What may change of a refund."""

    metadata = Metadata()


def of_fee(world: World, params: dict[str, Any], id: str) -> Sequence[Condition]:
    """The refunds of one fee. 404 for one that is not there."""
    return [Condition("fee", "eq", world.get(ApplicationFee, id).id)]


def refund_of(world: World, fee: str, id: str) -> FeeRefund:
    """A refund that a path names. 404 for one of another fee."""
    found = world.get(ApplicationFee, fee)
    refund = world.get(FeeRefund, id)
    if refund.fee != found.id:
        raise no_such(FeeRefund.noun, id, param="id")
    return refund


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
    GET("/v1/application_fees/{fee}/refunds/{id}", retrieve_refund),
    POST("/v1/application_fees/{fee}/refunds/{id}", update_refund, UpdateRefundParams),
]
