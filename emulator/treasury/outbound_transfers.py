"""Outbound transfers: money leaving for a bank account or another financial account that the same owner holds.

    processing ── post ────▶ posted ── return ──▶ returned
        ├──────── return ───────────────────────▶ returned
        ├──────── fail ────▶ failed
        └──────── cancel ──▶ canceled

What happens to one is what happens to everything on its way out.
Source: https://docs.stripe.com/api/treasury/outbound_transfers and
https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/outbound-transfers
"""

from __future__ import annotations

from typing import Any, ClassVar

from emulator.connect.records import accounts, persons
from emulator.kernel.errors import invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, Hash, ListParams, Params, String
from emulator.kernel.records import record
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import destinations, outbound_flows
from emulator.treasury.access import onboarded
from emulator.treasury.destinations import Destination
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.outbound_flows import OutboundParams

LIFECYCLE = outbound_flows.lifecycle("OutboundTransfer")


@record(
    "treasury.outbound_transfer",
    prefix="obt",
    noun="outbound transfer",
    filters=("financial_account", "status"),
    hidden=("forced", "own_number", "received_credit"),
    expands=("transaction", "returned_details.transaction"),
)
class OutboundTransfer:
    """Money on its way out. Amount in cents.

    `own_number` is the account number at our own bank that it is sent to, `received_credit` where it arrived if that is
    known here, `forced` how it was told to end.
    """

    lifecycle: ClassVar[Lifecycle] = LIFECYCLE
    descriptor: ClassVar[str] = "transfer"

    id: str
    created: int
    amount: int
    currency: str
    description: str | None
    destination_payment_method: str | None
    destination_payment_method_details: dict[str, Any]
    expected_arrival_date: int
    financial_account: str
    metadata: dict[str, str]
    own_number: str | None
    statement_descriptor: str
    status_transitions: dict[str, int | None]
    transaction: str
    forced: dict[str, str] | None = None
    received_credit: str | None = None
    returned_details: dict[str, str] | None = None
    status: str = LIFECYCLE.start
    tracking_details: dict[str, Any] | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The transfer as the API shows it."""
        return outbound_flows.rendered(world, self)


# What may be sent


class DestinationDataParams(Params):
    """A destination that is no payment method."""

    financial_account = String()
    type = Enum(("financial_account",), required=True)


class CreateParams(OutboundParams):
    """How much, from where and to where."""

    destination_payment_method_data = Hash(DestinationDataParams)


class OutboundTransferListParams(ListParams):
    """Filters of the list."""

    financial_account = String(required=True)
    status = Enum(outbound_flows.STATUSES)


def check_wire(world: World, destination: Destination) -> None:
    """400 for a wire that would go to a partly known address.

    The address is the bank account's, or the legal one of the owner where that has none at all. Where neither was ever
    given, nobody was asked for it, and it counts as known (our ruling).
    """
    account = accounts.of(world)
    person = persons.individual(world) if account.business_type == "individual" else None
    legal = (person.said if person is not None else account.company).get("address") or {}
    own = destination.details["billing_details"]["address"]
    address = own if any(own.values()) else {**legal, "country": account.country} if any(legal.values()) else {}
    if address and destinations.lacks(address):
        raise destinations.incomplete_for_wire()


# What then


def create(world: World, params: dict[str, Any]) -> OutboundTransfer:
    """Start a transfer and hold its cash.

    400 without exactly one destination that can take it, if the account is closed or has not the feature for it, for a
    text the network cannot carry, for a wire to an incomplete address, and for more than the cash that is there.
    """
    return outbound_flows.create(world, OutboundTransfer, params, destinations.own(world, params), check_wire)


# What closing an account does with its cash


def sweep(world: World, source: FinancialAccount, amount: int, destination: Destination) -> OutboundTransfer:
    """Send cash away for good: posted at once. 400 for a destination that would not keep it; nothing has changed then.

    The caller has made sure that the cash is there.
    """
    destinations.check_route(world, source, destination, "outbound_transfer")
    why = destination.bank and destinations.bounce(world, destination.bank)
    if why:
        raise invalid(f"The bank account {why}.", param=destination.param)
    return outbound_flows.send(world, outbound_flows.start(world, OutboundTransfer, source, destination, amount))


RECORDS = (OutboundTransfer,)
PROGRESS = {
    "treasury.outbound_transfers.settle": outbound_flows.settle,
    "treasury.outbound_transfers.arrive": outbound_flows.arrive,
    "treasury.outbound_transfers.come_back": outbound_flows.returned_by_bank,
}
AUDIT = outbound_flows.audits(OutboundTransfer)
ROUTES = onboarded(
    [
        GET(
            "/v1/treasury/outbound_transfers",
            lists(OutboundTransfer, require=FinancialAccount),
            OutboundTransferListParams,
        ),
        GET("/v1/treasury/outbound_transfers/{outbound_transfer}", retrieves(OutboundTransfer)),
        POST("/v1/treasury/outbound_transfers", create, CreateParams),
        POST(
            "/v1/treasury/outbound_transfers/{outbound_transfer}/cancel",
            outbound_flows.of_kind(OutboundTransfer, outbound_flows.cancel),
        ),
    ]
)
