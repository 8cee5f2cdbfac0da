"""What banks make of an outbound transfer in test mode: post it, fail it, return it, and say what the network calls it.

Source: https://docs.stripe.com/api/treasury/outbound_transfers/test_mode_post
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import invalid
from emulator.kernel.params import Enum, Hash, Params, String
from emulator.kernel.records import replace
from emulator.kernel.routes import POST
from emulator.kernel.world import World
from emulator.treasury import outbound_transfers
from emulator.treasury.access import onboarded
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.outbound_transfers import (
    OutboundTransfer,
    arrives_nowhere,
    come_back,
    give_back,
    send,
    taken_over,
    wrong_state,
)

RETURN_CODES = (
    "account_closed",
    "account_frozen",
    "bank_account_restricted",
    "bank_ownership_changed",
    "declined",
    "incorrect_account_holder_name",
    "invalid_account_number",
    "invalid_currency",
    "no_account",
    "other",
)


class AchTrackingParams(Params):
    """How the money can be found on its way over ACH."""

    trace_id = String(required=True)


class WireTrackingParams(Params):
    """How the money can be found on its way as a wire."""

    chips = String()
    imad = String()
    omad = String()


class TrackingDetailsParams(Params):
    """How the money can be found on its way."""

    ach = Hash(AchTrackingParams)
    type = Enum(("ach", "us_domestic_wire"), required=True)
    us_domestic_wire = Hash(WireTrackingParams)


class TrackingParams(Params):
    """What the network calls a transfer."""

    tracking_details = Hash(TrackingDetailsParams, required=True)


class ReturnedDetailsParams(Params):
    """Why the money comes back."""

    code = Enum(RETURN_CODES)


class ReturnParams(Params):
    """Why the money comes back."""

    returned_details = Hash(ReturnedDetailsParams)


def post(world: World, params: dict[str, Any], id: str) -> OutboundTransfer:
    """The bank has taken the money. 400 unless the transfer is processing."""
    transfer = world.get(OutboundTransfer, id)
    if transfer.status == "processing" and arrives_nowhere(world, transfer):
        raise wrong_state("This OutboundTransfer cannot be posted: the FinancialAccount that it goes to is closed.")
    return send(world, taken_over(world, id, "post"))


def fail(world: World, params: dict[str, Any], id: str) -> OutboundTransfer:
    """The transfer cannot be carried out, and its cash comes back. 400 unless it is processing."""
    return give_back(world, taken_over(world, id, "fail"), "fail")


def return_(world: World, params: dict[str, Any], id: str) -> OutboundTransfer:
    """The bank sends the money back. 400 unless the transfer is posted or processing.

    400 too where it has arrived in a financial account of this tenant, and where the account it came from has closed.
    """
    transfer = world.get(OutboundTransfer, id)
    if transfer.status == "posted" and transfer.received_credit is not None:
        raise wrong_state(
            f"This OutboundTransfer cannot be returned: the money has arrived, as {transfer.received_credit}."
        )
    outbound_transfers.LIFECYCLE.follow(transfer, "return")
    source = world.get(FinancialAccount, transfer.financial_account)
    if source.status == "closed":
        raise invalid(
            f"This OutboundTransfer cannot be returned: the FinancialAccount {source.id} is closed.",
            code="account_closed",
        )
    taken_over(world, id, "return")
    return come_back(world, id, params.get("returned_details", {}).get("code", "declined"))


def track(world: World, params: dict[str, Any], id: str) -> OutboundTransfer:
    """Say what the network calls a transfer.

    400 while it can still be canceled, when it has failed or was canceled, and for another network than its own.
    """
    transfer = world.get(OutboundTransfer, id)
    sent = params["tracking_details"]
    if transfer.cancelable or transfer.status in ("failed", "canceled"):
        how = "can still be canceled" if transfer.cancelable else f"is {transfer.status}"
        raise wrong_state(f"The tracking details of this OutboundTransfer cannot be set: it {how}.")
    if sent["type"] != transfer.network:
        raise invalid(
            f"This OutboundTransfer is sent over the network {transfer.network}, not {sent['type']}.",
            param="tracking_details[type]",
        )
    for name in ("ach", "us_domestic_wire"):
        if name in sent and name != transfer.network:
            raise invalid(
                f"This OutboundTransfer is sent over the network {transfer.network}, not {name}.",
                param=f"tracking_details[{name}]",
            )

    tracked = world.put(replace(transfer, tracking_details=tracking(sent)))
    if tracked.tracking_details != transfer.tracking_details:
        previous = {"tracking_details": transfer.tracking_details}
        world.emit("treasury.outbound_transfer.tracking_details_updated", tracked, previous=previous)
    return tracked


def tracking(sent: dict[str, Any]) -> dict[str, Any]:
    """Sent tracking details as they are shown: of a wire every mark, null where it has none."""
    if sent["type"] == "us_domestic_wire":
        marks = sent.get("us_domestic_wire", {})
        return {"type": sent["type"], "us_domestic_wire": {name: marks.get(name) for name in ("chips", "imad", "omad")}}
    return dict(sent)


ROUTES = onboarded(
    [
        POST("/v1/test_helpers/treasury/outbound_transfers/{outbound_transfer}", track, TrackingParams),
        POST("/v1/test_helpers/treasury/outbound_transfers/{outbound_transfer}/post", post),
        POST("/v1/test_helpers/treasury/outbound_transfers/{outbound_transfer}/fail", fail),
        POST("/v1/test_helpers/treasury/outbound_transfers/{outbound_transfer}/return", return_, ReturnParams),
    ]
)
