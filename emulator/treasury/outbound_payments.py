"""Outbound payments: money leaving for the bank account, or the financial account, of somebody else.

    processing ── post ────▶ posted ── return ──▶ returned
        ├──────── return ───────────────────────▶ returned
        ├──────── fail ────▶ failed
        └──────── cancel ──▶ canceled

What happens to one is what happens to everything on its way out.
Source: https://docs.stripe.com/api/treasury/outbound_payments and
https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/outbound-payments
"""

from __future__ import annotations

from typing import Any, ClassVar

from emulator.connect.shapes import group
from emulator.kernel.errors import missing
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Boolean, Email, Enum, Hash, ListParams, Metadata, Params, Range, String
from emulator.kernel.records import record
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.payments.payment_methods import BillingAddressParams, NewUsBankAccountParams
from emulator.treasury import destinations, outbound_flows
from emulator.treasury.access import onboarded
from emulator.treasury.destinations import Destination
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.outbound_flows import OutboundParams

LIFECYCLE = outbound_flows.lifecycle("OutboundPayment")
NOBODY_PRESENT = {"ip_address": None, "present": False}


@record(
    "treasury.outbound_payment",
    prefix="obp",
    noun="outbound payment",
    filters=("customer", "financial_account", "status"),
    hidden=("forced", "own_number", "received_credit"),
    expands=("transaction", "returned_details.transaction"),
)
class OutboundPayment:
    """Money on its way out. Amount in cents.

    `own_number` is the account number at our own bank that it is sent to, `received_credit` where it arrived if that is
    known here, `forced` how it was told to end.
    """

    lifecycle: ClassVar[Lifecycle] = LIFECYCLE
    descriptor: ClassVar[str] = "payment"

    id: str
    created: int
    amount: int
    currency: str
    customer: str | None
    description: str | None
    destination_payment_method: str | None
    destination_payment_method_details: dict[str, Any]
    end_user_details: dict[str, Any]
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
        """The payment as the API shows it."""
        return outbound_flows.rendered(world, self)


# What may be sent


class PayeeParams(Params):
    """Who is paid."""

    address = Hash(BillingAddressParams, unset=True)
    email = Email(unset=True)
    name = String(unset=True)
    phone = String(unset=True)


class DestinationDataParams(Params):
    """A destination that is no payment method, and becomes none."""

    billing_details = Hash(PayeeParams)
    financial_account = String()
    metadata = Metadata()
    type = Enum(("financial_account", "us_bank_account"), required=True)
    us_bank_account = Hash(NewUsBankAccountParams)


class CreateParams(OutboundParams):
    """How much, from where, and who gets it on whose behalf."""

    customer = String()
    destination_payment_method_data = Hash(DestinationDataParams)
    end_user_details = group(ip_address=String(), present=Boolean(required=True))


class OutboundPaymentListParams(ListParams):
    """Filters of the list."""

    created = Range()
    customer = String()
    financial_account = String(required=True)
    status = Enum(outbound_flows.STATUSES)


def check_wire(world: World, destination: Destination) -> None:
    """400 for a wire to somebody whose name or address is not wholly known."""
    payee = destination.details["billing_details"]
    if not payee["name"] or destinations.lacks(payee["address"]):
        raise destinations.incomplete_for_wire()


# What then


def create(world: World, params: dict[str, Any]) -> OutboundPayment:
    """Start a payment and hold its cash.

    400 without exactly one destination that can take it, for a payment method of another customer than the one named,
    without the address of an end user who is present, if the account is closed or has not the feature for it, for a
    text the network cannot carry, for a wire to an incomplete address, and for more than the cash that is there.
    """
    end_user = {**NOBODY_PRESENT, **params.get("end_user_details", {})}
    if end_user["present"] and end_user["ip_address"] is None:
        raise missing("end_user_details[ip_address]")
    return outbound_flows.create(
        world,
        OutboundPayment,
        params,
        destinations.of_others(world, params),
        check_wire,
        customer=params.get("customer"),
        end_user_details=end_user,
    )


RECORDS = (OutboundPayment,)
PROGRESS = {
    "treasury.outbound_payments.settle": outbound_flows.settle,
    "treasury.outbound_payments.arrive": outbound_flows.arrive,
    "treasury.outbound_payments.come_back": outbound_flows.returned_by_bank,
}
AUDIT = outbound_flows.audits(OutboundPayment)
ROUTES = onboarded(
    [
        GET(
            "/v1/treasury/outbound_payments",
            lists(OutboundPayment, require=FinancialAccount),
            OutboundPaymentListParams,
        ),
        GET("/v1/treasury/outbound_payments/{id}", retrieves(OutboundPayment)),
        POST("/v1/treasury/outbound_payments", create, CreateParams),
        POST(
            "/v1/treasury/outbound_payments/{id}/cancel",
            outbound_flows.of_kind(OutboundPayment, outbound_flows.cancel),
        ),
    ]
)
