"""What banks make of money on its way out in test mode: post it, fail it, return it, and say what the network calls it.

Source: https://docs.stripe.com/api/treasury/outbound_transfers/test_mode_post and
https://docs.stripe.com/api/treasury/outbound_payments/test_mode_post
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.params import Enum, Hash, Params, String
from emulator.kernel.records import replace
from emulator.kernel.routes import POST
from emulator.kernel.world import World
from emulator.treasury.access import onboarded
from emulator.treasury.bank_accounts import RETURN_CODES
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.outbound_flows import (
    Flow,
    announce,
    arrives_nowhere,
    come_back,
    give_back,
    is_cancelable,
    name_of,
    network_of,
    of_kind,
    send,
    taken_over,
    wrong_state,
)
from emulator.treasury.outbound_payments import OutboundPayment
from emulator.treasury.outbound_transfers import OutboundTransfer


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
    """What the network calls it."""

    tracking_details = Hash(TrackingDetailsParams, required=True)


class ReturnedDetailsParams(Params):
    """Why the money comes back."""

    code = Enum(RETURN_CODES)


class ReturnParams(Params):
    """Why the money comes back."""

    returned_details = Hash(ReturnedDetailsParams)


def post(world: World, params: dict[str, Any], flow: Flow) -> Flow:
    """The bank has taken the money. 400 unless it is processing."""
    if flow.status == "processing" and arrives_nowhere(world, flow):
        raise wrong_state(f"This {name_of(flow)} cannot be posted: the FinancialAccount that it goes to is closed.")
    return send(world, taken_over(world, flow, "post"))


def fail(world: World, params: dict[str, Any], flow: Flow) -> Flow:
    """It cannot be carried out, and its cash comes back. 400 unless it is processing."""
    return give_back(world, taken_over(world, flow, "fail"), "fail")


def return_(world: World, params: dict[str, Any], flow: Flow) -> Flow:
    """The bank sends the money back.

    400 unless it is processing or posted, if the money has arrived in a financial account here, and if the account
    that it comes from has closed.
    """
    if flow.status == "posted" and flow.received_credit is not None:
        raise wrong_state(f"This {name_of(flow)} cannot be returned: the money has arrived, as {flow.received_credit}.")
    flow.lifecycle.follow(flow, "return")
    source = world.get(FinancialAccount, flow.financial_account)
    if source.status == "closed":
        raise invalid(
            f"This {name_of(flow)} cannot be returned: the FinancialAccount {source.id} is closed.",
            code="account_closed",
        )
    taken_over(world, flow, "return")
    return come_back(world, flow.id, params.get("returned_details", {}).get("code", "declined"))


def track(world: World, params: dict[str, Any], flow: Flow) -> Flow:
    """Say what the network calls it.

    400 while it can still be canceled, when it has failed or was canceled, and for another network than its own.
    """
    sent, network = params["tracking_details"], network_of(flow)
    if is_cancelable(flow) or flow.status in ("failed", "canceled"):
        how = "can still be canceled" if is_cancelable(flow) else f"is {flow.status}"
        raise wrong_state(f"The tracking details of this {name_of(flow)} cannot be set: it {how}.")
    if sent["type"] != network:
        raise on_another_network(flow, sent["type"], "type")
    for name in ("ach", "us_domestic_wire"):
        if name in sent and name != network:
            raise on_another_network(flow, name, name)

    tracked = world.put(replace(flow, tracking_details=tracking(sent)))
    if tracked.tracking_details != flow.tracking_details:
        announce(world, tracked, "tracking_details_updated", tracking_details=flow.tracking_details)
    return tracked


def on_another_network(flow: Flow, network: str, param: str) -> ApiError:
    """400 for what a network says that the money does not go over."""
    return invalid(
        f"This {name_of(flow)} is sent over the network {network_of(flow)}, not {network}.",
        param=f"tracking_details[{param}]",
    )


def tracking(sent: dict[str, Any]) -> dict[str, Any]:
    """Sent tracking details as they are shown: of a wire every mark, null where it has none."""
    if sent["type"] == "us_domestic_wire":
        marks = sent.get("us_domestic_wire", {})
        return {"type": sent["type"], "us_domestic_wire": {name: marks.get(name) for name in ("chips", "imad", "omad")}}
    return dict(sent)


ROUTES = onboarded(
    [
        POST(
            "/v1/test_helpers/treasury/outbound_payments/{id}",
            of_kind(OutboundPayment, track),
            TrackingParams,
        ),
        POST("/v1/test_helpers/treasury/outbound_payments/{id}/post", of_kind(OutboundPayment, post)),
        POST("/v1/test_helpers/treasury/outbound_payments/{id}/fail", of_kind(OutboundPayment, fail)),
        POST(
            "/v1/test_helpers/treasury/outbound_payments/{id}/return",
            of_kind(OutboundPayment, return_),
            ReturnParams,
        ),
        POST(
            "/v1/test_helpers/treasury/outbound_transfers/{outbound_transfer}",
            of_kind(OutboundTransfer, track),
            TrackingParams,
        ),
        POST(
            "/v1/test_helpers/treasury/outbound_transfers/{outbound_transfer}/post",
            of_kind(OutboundTransfer, post),
        ),
        POST(
            "/v1/test_helpers/treasury/outbound_transfers/{outbound_transfer}/fail",
            of_kind(OutboundTransfer, fail),
        ),
        POST(
            "/v1/test_helpers/treasury/outbound_transfers/{outbound_transfer}/return",
            of_kind(OutboundTransfer, return_),
            ReturnParams,
        ),
    ]
)
