"""Outbound transfers: money leaving for a bank account or another financial account that the same owner holds.

    processing ── post ────▶ posted ── return ──▶ returned
        ├──────── return ───────────────────────▶ returned
        ├──────── fail ────▶ failed
        └──────── cancel ──▶ canceled

Cash is held at the start, leaves on `post`, and comes back on any other arrow: within the same transaction while it has
not left, in a second one afterwards. Over the stripe network it arrives in the step that posts it, and so it does over
a bank's network where the bank account is a financial account of this tenant.
Source: https://docs.stripe.com/api/treasury/outbound_transfers and
https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/outbound-transfers
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from emulator import banking_days, progress
from emulator import chart_of_accounts as chart
from emulator.connect.records import accounts, persons
from emulator.kernel.dates import DAY
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Currency,
    Enum,
    Hash,
    ListParams,
    Metadata,
    Params,
    String,
    complain,
    merged_metadata,
    shortened,
)
from emulator.kernel.records import record, replace
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import (
    bank_accounts,
    destinations,
    financial_accounts,
    initiating,
    receipts,
    received_credits,
    transactions,
)
from emulator.treasury.access import onboarded
from emulator.treasury.destinations import Destination, DestinationDataParams, DestinationOptionsParams, receiver
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.flows import Notice
from emulator.treasury.received_credits import ReceivedCredit
from emulator.treasury.transactions import Transaction

DEFAULT_DESCRIPTOR = "transfer"
DESCRIPTOR = re.compile(r"[A-Za-z0-9 \-#.$&*]*")
LONGEST_DESCRIPTOR = {"ach": 10, "us_domestic_wire": 140, "stripe": 500}
WIRES_NEED = ("line1", "city", "state", "postal_code")
LIFECYCLE = Lifecycle(
    "processing",
    {
        "processing": {"post": "posted", "return": "returned", "fail": "failed", "cancel": "canceled"},
        "posted": {"return": "returned"},
        "returned": {},
        "failed": {},
        "canceled": {},
    },
    says="This OutboundTransfer cannot transition from {status} to {target}.",
    code="status_transition_invalid",
)
TIMES = ("canceled_at", "failed_at", "posted_at", "returned_at")


@record(
    "treasury.outbound_transfer",
    prefix="obt",
    noun="outbound transfer",
    filters=("financial_account", "status"),
    hidden=("own_number", "received_credit"),
    expands=("transaction", "returned_details.transaction"),
)
class OutboundTransfer:
    """Money on its way out. Amount in cents.

    `own_number` is the account number at our own bank that it is sent to, `received_credit` where it arrived if that is
    known here.
    """

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
    received_credit: str | None = None
    returned_details: dict[str, str] | None = None
    status: str = LIFECYCLE.start
    tracking_details: dict[str, Any] | None = None

    @property
    def network(self) -> str:
        """`ach`, `us_domestic_wire` or `stripe`."""
        return receiver(self.destination_payment_method_details)["network"]

    @property
    def cancelable(self) -> bool:
        """Whether it has not been given to the network yet; over the stripe network it is at once."""
        return self.status == "processing" and self.network != "stripe"

    def render(self, world: World) -> dict[str, Any]:
        """The transfer as the API shows it."""
        return shown(self, cancelable=self.cancelable, hosted_regulatory_receipt_url=receipts.url(world, self.id))


# What may be sent


class Descriptor(String):
    """What the statement of the receiving account may say."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not DESCRIPTOR.fullmatch(text):
            raise complain(
                "The statement descriptor can only include letters, digits, spaces and the characters -#.$&*.",
                "invalid_characters",
            )
        return text


class CreateParams(Params):
    """How much, from where and to where."""

    amount = Amount(required=True)
    currency = Currency(required=True)
    description = String()
    destination_payment_method = String()
    destination_payment_method_data = Hash(DestinationDataParams)
    destination_payment_method_options = Hash(DestinationOptionsParams)
    financial_account = String(required=True)
    metadata = Metadata()
    statement_descriptor = Descriptor()


class OutboundTransferListParams(ListParams):
    """Filters of the list."""

    financial_account = String(required=True)
    status = Enum(("canceled", "failed", "posted", "processing", "returned"))


def check_cash(world: World, source: FinancialAccount, amount: int) -> None:
    """400 `balance_insufficient` for more than there is."""
    if amount > world.balance(chart.cash(source.id)):
        raise invalid(
            "The FinancialAccount doesn't have a sufficient balance available.",
            code="balance_insufficient",
            param="amount",
        )


def check_descriptor(text: str, network: str) -> None:
    """400 for more characters than a network carries."""
    longest = LONGEST_DESCRIPTOR[network]
    if len(text) > longest:
        raise invalid(
            f"Invalid string: {shortened(text)}; must be at most {longest} characters", param="statement_descriptor"
        )


def check_wire_address(world: World) -> None:
    """400 for a wire that would go to a partly known address.

    No bank account that can be named here has an address of its own, so it is the legal one of the owner. Where none
    was ever given, nobody was asked for it, and it counts as known (our ruling).
    """
    account = accounts.of(world)
    person = persons.individual(world) if account.business_type == "individual" else None
    address = (person.said if person is not None else account.company).get("address") or {}
    given = [name for name in WIRES_NEED if address.get(name)]
    if given and len(given) < len(WIRES_NEED):
        raise invalid(
            "A wire needs the name and the complete address of its recipient: line1, city, state, postal_code and "
            "country.",
            code="payment_method_billing_details_address_missing",
        )


# What then


def create(world: World, params: dict[str, Any]) -> OutboundTransfer:
    """Start a transfer and hold its cash.

    400 without exactly one destination that can take it, if the account is closed or has not the feature for it, for a
    text the network cannot carry, for a wire to an incomplete address, and for more than the cash that is there.
    """
    destination = destinations.named(world, params)
    source = financial_accounts.usable(world, params["financial_account"], currency=params["currency"])
    destinations.check_route(world, source, destination)
    descriptor = params.get("statement_descriptor", DEFAULT_DESCRIPTOR)
    check_descriptor(descriptor, destination.network)
    if destination.network == "us_domestic_wire":
        check_wire_address(world)
    check_cash(world, source, params["amount"])

    transfer = start(
        world,
        source,
        destination,
        params["amount"],
        description=params.get("description"),
        descriptor=descriptor,
        metadata=merged_metadata({}, params),
    )
    if destination.account is not None:
        progress.at_once(world, "treasury.outbound_transfers.settle", transfer.id)
    elif ending_of(transfer).verb is not None:
        progress.in_a_while(world, "treasury.outbound_transfers.settle", transfer.id)
    return transfer


def start(
    world: World,
    source: FinancialAccount,
    destination: Destination,
    amount: int,
    *,
    description: str | None = None,
    descriptor: str = DEFAULT_DESCRIPTOR,
    metadata: dict[str, str] | None = None,
) -> OutboundTransfer:
    """Hold the cash of a new transfer in an open transaction, and announce it."""
    id = world.new_id(OutboundTransfer.prefix)
    transaction = transactions.begin(
        world,
        financial_account=source.id,
        flow=id,
        flow_type="outbound_transfer",
        amount=-amount,
        description=statement_line(destination.details, descriptor),
    )
    transactions.carry(world, transaction.id, chart.hold_for_transfer(source.id, amount))
    transfer = world.put(
        OutboundTransfer(
            id=id,
            created=world.now,
            amount=amount,
            currency="usd",
            description=description,
            destination_payment_method=destination.bank.id if destination.bank else None,
            destination_payment_method_details=destination.details,
            expected_arrival_date=banking_days.arrival(world.now, destination.network),
            financial_account=source.id,
            metadata=metadata or {},
            own_number=destination.bank.number if destination.bank else None,
            statement_descriptor=descriptor,
            status_transitions=dict.fromkeys(TIMES),
            transaction=transaction.id,
        )
    )
    world.emit("treasury.outbound_transfer.created", transfer)
    return transfer


def statement_line(details: dict[str, Any], text: str) -> str:
    """How the transactions of a transfer describe themselves."""
    return initiating.statement_line(details, "Outbound transfer", text)


def ending_of(transfer: OutboundTransfer) -> bank_accounts.Ending:
    """How a transfer ends by itself."""
    fingerprint = receiver(transfer.destination_payment_method_details).get("fingerprint", "")
    return bank_accounts.ending("outbound", fingerprint)


def settle(world: World, id: str) -> None:
    """A transfer gets on by itself, in the way that its destination is known for."""
    transfer = world.get(OutboundTransfer, id)
    ending = ending_of(transfer)
    if ending.verb in ("fail", "cancel"):
        give_back(world, transfer, ending.verb)
        return
    if ending.days_late:
        old = transfer.expected_arrival_date
        transfer = world.put(replace(transfer, expected_arrival_date=old + ending.days_late * DAY))
        previous = {"expected_arrival_date": old}
        world.emit("treasury.outbound_transfer.expected_arrival_date_updated", transfer, previous=previous)
    if arrives_nowhere(world, transfer):
        give_back(world, transfer, "fail")
        return
    send(world, transfer)
    if ending.returned is not None:
        progress.at_once(world, "treasury.outbound_transfers.come_back", id, code=ending.returned)


def arrives_nowhere(world: World, transfer: OutboundTransfer) -> bool:
    """Whether the financial account that it goes to over the stripe network has closed in the meantime."""
    return transfer.network == "stripe" and recipient(world, transfer).status == "closed"


def recipient(world: World, transfer: OutboundTransfer) -> FinancialAccount:
    """The financial account that gets it over the stripe network; from a closed one, the one that this forwards to."""
    id = receiver(transfer.destination_payment_method_details)["id"]
    return financial_accounts.forwarded(world, world.get(FinancialAccount, id))


def send(world: World, transfer: OutboundTransfer) -> OutboundTransfer:
    """The money leaves and, where the other side is here, arrives. A bank of ours that cannot take it sends it back."""
    transfer = leave(world, LIFECYCLE.follow(transfer, "post"))
    world.emit("treasury.outbound_transfer.posted", transfer)
    if transfer.network == "stripe":
        return arrived(world, transfer, credit_within_stripe(world, transfer))
    if transfer.own_number is None:
        return transfer
    found = destinations.at_own_bank(world, transfer.own_number)
    credit = credit_over_bank(world, transfer, *found) if found else None
    if credit is not None and credit.status == "succeeded":
        return arrived(world, transfer, credit)
    code = "no_account" if credit is None else credit.failure_code
    progress.at_once(world, "treasury.outbound_transfers.come_back", transfer.id, code=code)
    return transfer


def leave(world: World, transfer: OutboundTransfer) -> OutboundTransfer:
    """What was held leaves the account."""
    movement = chart.post_transfer(transfer.financial_account, transfer.amount, network=transfer.network)
    transactions.carry(world, transfer.transaction, movement, status="posted")
    return world.put(at(world, transfer, "posted_at"))


def arrived(world: World, transfer: OutboundTransfer, credit: ReceivedCredit) -> OutboundTransfer:
    """Remember where it arrived, so that it cannot come back from there as well."""
    return world.put(replace(transfer, received_credit=credit.id))


def credit_within_stripe(world: World, transfer: OutboundTransfer) -> ReceivedCredit:
    """The other financial account gets the money."""
    holder = financial_accounts.holder_name(world)
    notice = Notice(
        transfer.amount,
        "stripe",
        transfer.description or holder,
        initiating.financial_account(transfer.financial_account, holder),
        {"source_flow": transfer.id, "source_flow_type": "outbound_transfer"},
    )
    return received_credits.from_transfer(world, recipient(world, transfer).id, notice)


def credit_over_bank(world: World, transfer: OutboundTransfer, owner: str, account: FinancialAccount) -> ReceivedCredit:
    """A financial account gets the money by its own numbers, or refuses it; a closed one may forward it."""
    source = world.get(FinancialAccount, transfer.financial_account)
    holder = financial_accounts.holder_name(world)
    number = source.account_number if source.has_address else None
    details = initiating.own_bank(holder, number)
    notice = Notice(transfer.amount, transfer.network, transfer.description or holder, details, other_side=transfer.id)
    inside = world.as_account(owner)
    return received_credits.from_bank(inside, destinations.taking(inside, account), notice)


def give_back(world: World, transfer: OutboundTransfer, verb: str) -> OutboundTransfer:
    """End a transfer that has not left: what it held is cash again. `verb` is `fail` or `cancel`."""
    transfer = LIFECYCLE.follow(transfer, verb)
    back = {"fail": chart.fail_transfer, "cancel": chart.cancel_transfer}[verb]
    movement = back(transfer.financial_account, transfer.amount)
    transactions.carry(world, transfer.transaction, movement, amount=0, status="void")
    transfer = world.put(at(world, transfer, f"{transfer.status}_at"))
    world.emit(f"treasury.outbound_transfer.{transfer.status}", transfer)
    return transfer


def come_back(world: World, id: str, code: str) -> OutboundTransfer:
    """The bank sends the money back: a second transaction brings it. What was still held leaves first, untold."""
    before = world.get(OutboundTransfer, id)
    transfer = LIFECYCLE.follow(before, "return")
    if before.status == "processing":
        transfer = leave(world, transfer)
    transaction = transactions.begin(
        world,
        financial_account=transfer.financial_account,
        flow=id,
        flow_type="outbound_transfer",
        amount=transfer.amount,
        description=statement_line(transfer.destination_payment_method_details, transfer.statement_descriptor),
    )
    movement = chart.return_transfer(transfer.financial_account, transfer.amount, network=transfer.network)
    transactions.carry(world, transaction.id, movement, status="posted")
    details = {"code": code, "transaction": transaction.id}
    transfer = world.put(replace(at(world, transfer, "returned_at"), returned_details=details))
    world.emit("treasury.outbound_transfer.returned", transfer)
    return transfer


def wrong_state(says: str) -> ApiError:
    """400 for a transfer that is not where it would have to be."""
    return invalid(says, code="status_transition_invalid")


def at(world: World, transfer: OutboundTransfer, name: str) -> OutboundTransfer:
    """The same transfer with the time of a transition."""
    return replace(transfer, status_transitions={**transfer.status_transitions, name: world.now})


# What is asked of it


def taken_over(world: World, id: str, verb: str) -> OutboundTransfer:
    """A transfer that a request moves on; what it would have done by itself is off. 400 where no arrow is drawn."""
    transfer = world.get(OutboundTransfer, id)
    LIFECYCLE.follow(transfer, verb)
    world.cancel_due(id)
    return transfer


def cancel(world: World, params: dict[str, Any], id: str) -> OutboundTransfer:
    """Give the held cash back. 400 once the transfer is not `cancelable` any more."""
    transfer = world.get(OutboundTransfer, id)
    if transfer.status == "processing" and not transfer.cancelable:
        raise wrong_state("This OutboundTransfer cannot be canceled: over the stripe network it is posted at once.")
    return give_back(world, taken_over(world, id, "cancel"), "cancel")


# What closing an account does with its cash


def sweep(world: World, source: FinancialAccount, amount: int, destination: Destination) -> OutboundTransfer:
    """Send cash away for good: posted at once. 400 for a destination that would not keep it; nothing has changed then.

    The caller has made sure that the cash is there.
    """
    destinations.check_route(world, source, destination)
    why = destination.bank and destinations.bounce(world, destination.bank)
    if why:
        raise invalid(f"The bank account {why}.", param=destination.param)
    return send(world, start(world, source, destination, amount))


def audit(world: World) -> Iterator[str]:
    """Transfers whose status does not agree with what they moved, and money between two financial accounts."""
    for _, transfer in world.store.every(OutboundTransfer):
        cash = world.ledger.moved(chart.cash(transfer.financial_account), flow=transfer.id)
        pending = world.ledger.moved(chart.outbound_pending(transfer.financial_account), flow=transfer.id)
        held = {"processing": transfer.amount}.get(transfer.status, 0)
        gone = transfer.amount if transfer.status in ("processing", "posted") else 0
        if (cash, pending) != (-gone, held):
            yield f"{transfer.id} over {transfer.amount} is {transfer.status}, yet moved {cash} and holds {pending}"
        status = {"processing": "open", "canceled": "void", "failed": "void"}.get(transfer.status, "posted")
        found = world.anywhere(Transaction, transfer.transaction)
        if found is None or found[1].status != status:
            yield f"{transfer.id} is {transfer.status}, its transaction is {found and found[1].status}"
    between = world.balance(chart.in_transit())
    if between:
        yield f"{between} have left one financial account for another and have not arrived"


RECORDS = (OutboundTransfer,)
PROGRESS = {"treasury.outbound_transfers.settle": settle, "treasury.outbound_transfers.come_back": come_back}
AUDIT = audit
ROUTES = onboarded(
    [
        GET(
            "/v1/treasury/outbound_transfers",
            lists(OutboundTransfer, require=FinancialAccount),
            OutboundTransferListParams,
        ),
        GET("/v1/treasury/outbound_transfers/{outbound_transfer}", retrieves(OutboundTransfer)),
        POST("/v1/treasury/outbound_transfers", create, CreateParams),
        POST("/v1/treasury/outbound_transfers/{outbound_transfer}/cancel", cancel),
    ]
)
