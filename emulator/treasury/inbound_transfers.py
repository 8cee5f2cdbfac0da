"""Inbound transfers: money taken from a bank account that the same owner holds, over ACH.

    processing ── succeed ──▶ succeeded ── return ──▶ returned    which is shown as succeeded, with `returned`
        ├──────── fail ─────▶ failed
        └──────── cancel ───▶ canceled

Nothing moves, and there is no transaction, before `succeed`. What has arrived can be taken back by the bank: that is a
received debit, with a transaction of its own. Where the bank account is a financial account of this tenant, the money
leaves it as a received debit in the step that succeeds, and comes back to it as the reversal of that debit.
Source: https://docs.stripe.com/api/treasury/inbound_transfers and
https://docs.stripe.com/treasury/moving-money/financial-accounts/into/inbound-transfers
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator import banking_days, progress
from emulator import chart_of_accounts as chart
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Amount, Currency, Enum, ListParams, Metadata, Params, String, merged_metadata
from emulator.kernel.records import record, replace
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import (
    bank_accounts,
    debit_reversals,
    destinations,
    features,
    financial_accounts,
    initiating,
    next_flow,
    receipts,
    received_debits,
    transactions,
)
from emulator.treasury.access import onboarded
from emulator.treasury.activation import INBOUND
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.flows import Notice
from emulator.treasury.outbound_flows import Descriptor
from emulator.treasury.received_debits import ReceivedDebit

NETWORK = "ach"
FEATURE = "inbound_transfers.ach"
DEFAULT_DESCRIPTOR, LONGEST_DESCRIPTOR = "transfer", 10
LIFECYCLE = Lifecycle(
    "processing",
    {
        "processing": {"succeed": "succeeded", "fail": "failed", "cancel": "canceled"},
        "succeeded": {"return": "returned"},
        "returned": {},
        "failed": {},
        "canceled": {},
    },
    says="This InboundTransfer cannot transition from {status} to {target}.",
    code="status_transition_invalid",
)
TIMES = ("canceled_at", "failed_at", "succeeded_at")
TAKEN_BACK = "debit_not_authorized"


@record(
    "treasury.inbound_transfer",
    prefix="ibt",
    noun="inbound transfer",
    filters=("financial_account", "status"),
    hidden=("forced", "origin_debit", "own_number"),
    silent=("failure_details", "linked_flows", "returned"),  # no event tells that the money was taken back
    expands=("transaction", "origin_payment_method_details.us_bank_account.mandate"),
)
class InboundTransfer:
    """Money on its way in. Amount in cents.

    `own_number` is the account number at our own bank that it is taken from, `origin_debit` the debit of the financial
    account there, `forced` how it was told to end.
    """

    id: str
    created: int
    amount: int
    currency: str
    description: str | None
    financial_account: str
    linked_flows: dict[str, str | None]
    metadata: dict[str, str]
    origin_payment_method: str
    origin_payment_method_details: dict[str, Any]
    own_number: str | None
    statement_descriptor: str
    status_transitions: dict[str, int | None]
    failure_details: dict[str, str] | None = None
    forced: dict[str, str] | None = None
    origin_debit: str | None = None
    returned: bool = False
    status: str = LIFECYCLE.start
    transaction: str | None = None

    @property
    def stage(self) -> str:
        """Where it is in its life: what its status does not say is whether the money was taken back."""
        return "returned" if self.returned else self.status

    def render(self, world: World) -> dict[str, Any]:
        """The transfer as the API shows it."""
        return shown(
            self,
            cancelable=self.status == "processing",
            hosted_regulatory_receipt_url=receipts.url(world, self.id),
        )


# What may be sent


class CreateParams(Params):
    """How much, from where and to where."""

    amount = Amount(required=True)
    currency = Currency(required=True)
    description = String()
    financial_account = String(required=True)
    metadata = Metadata()
    origin_payment_method = String(required=True)
    statement_descriptor = Descriptor(max_length=LONGEST_DESCRIPTOR)


class InboundTransferListParams(ListParams):
    """Filters of the list."""

    financial_account = String(required=True)
    status = Enum(("canceled", "failed", "processing", "succeeded"))


# What then


def create(world: World, params: dict[str, Any]) -> InboundTransfer:
    """Ask a bank for money.

    400 for a bank account that is not the owner's, not set up for it or not verified, if the account is closed or
    cannot take it, and for money from the account itself.
    """
    param = "origin_payment_method"
    bank = bank_accounts.origin(world, params[param], param=param)
    target = financial_accounts.usable(world, params["financial_account"], currency=params["currency"])
    financial_accounts.require_open(target, param="financial_account")
    features.require_flow(world, target, FEATURE, INBOUND)
    found = destinations.at_own_bank(world, bank.number)
    if found is not None and found[1].id == target.id:
        raise invalid("Money cannot be transferred to the account that it comes from.", param=param)

    details = bank.details(NETWORK)
    transfer = world.put(
        InboundTransfer(
            id=world.new_id(InboundTransfer.prefix),
            created=world.now,
            amount=params["amount"],
            currency="usd",
            description=params.get("description"),
            financial_account=target.id,
            forced=next_flow.taken(world, "inbound_transfer", target.id),
            linked_flows={"received_debit": None},
            metadata=merged_metadata({}, params),
            origin_payment_method=bank.id,
            origin_payment_method_details={
                **details,
                "us_bank_account": {**details["us_bank_account"], "mandate": bank.mandate},
            },
            own_number=bank.number,
            statement_descriptor=params.get("statement_descriptor", DEFAULT_DESCRIPTOR),
            status_transitions=dict.fromkeys(TIMES),
        )
    )
    world.emit("treasury.inbound_transfer.created", transfer)
    if ending_of(transfer).verb is not None:
        collected = banking_days.collected(world.now, NETWORK)
        progress.in_a_while(world, "treasury.inbound_transfers.settle", transfer.id, by_bank=collected)
    return transfer


def ending_of(transfer: InboundTransfer) -> bank_accounts.Ending:
    """How a transfer ends by itself."""
    fingerprint = transfer.origin_payment_method_details["us_bank_account"]["fingerprint"]
    return next_flow.ending_of(transfer, bank_accounts.ending("inbound", fingerprint))


def settle(world: World, id: str) -> None:
    """A transfer gets on by itself, in the way that its origin is known for."""
    transfer = world.get(InboundTransfer, id)
    ending = ending_of(transfer)
    if ending.failed is not None:
        fail(world, transfer, ending.failed)
        return
    if world.get(FinancialAccount, transfer.financial_account).status == "closed":
        fail(world, transfer, "account_closed")
        return
    collect(world, transfer)
    if ending.returned is not None:
        late = banking_days.opening(world.now, banking_days.DAYS_TO_RETURN)
        progress.at_once(world, "treasury.inbound_transfers.come_back", id, by_bank=late, code=ending.returned)


def collect(world: World, transfer: InboundTransfer) -> InboundTransfer:
    """The bank gives the money, and it arrives. A bank of ours that refuses fails the transfer with its reason."""
    if transfer.own_number is not None:
        debit = debited(world, transfer)
        if debit is None or debit.status == "failed":
            return fail(world, transfer, "no_account" if debit is None else debit.failure_code)
        transfer = replace(transfer, origin_debit=debit.id)
    transaction = transactions.begin(
        world,
        financial_account=transfer.financial_account,
        flow=transfer.id,
        flow_type="inbound_transfer",
        amount=transfer.amount,
        description=described(transfer),
    )
    movement = chart.collect_transfer(transfer.financial_account, transfer.amount)
    transactions.carry(world, transaction.id, movement, status="posted")
    return follow(world, replace(transfer, transaction=transaction.id), "succeed")


def described(transfer: InboundTransfer) -> str:
    """How the transaction of a transfer describes itself: by the name of the sender, as in the guide's example."""
    details = transfer.origin_payment_method_details
    label = initiating.statement_line(details, "Inbound transfer", transfer.statement_descriptor)
    return details["billing_details"]["name"] or label


def debited(world: World, transfer: InboundTransfer) -> ReceivedDebit | None:
    """The debit of the financial account that a transfer takes money from, which may have failed; None for none."""
    found = destinations.at_own_bank(world, transfer.own_number)
    if found is None:
        return None
    owner, origin = found
    target = world.get(FinancialAccount, transfer.financial_account)
    holder = financial_accounts.holder_name(world)
    details = initiating.own_bank(holder, target.account_number if target.has_address else None)
    notice = Notice(transfer.amount, NETWORK, transfer.description or holder, details, other_side=transfer.id)
    return received_debits.from_bank(world.as_account(owner), origin, notice)


def fail(world: World, transfer: InboundTransfer, code: str) -> InboundTransfer:
    """The bank does not give the money."""
    return follow(world, replace(transfer, failure_details={"code": code}), "fail")


def follow(world: World, transfer: InboundTransfer, verb: str) -> InboundTransfer:
    """Take the arrow to a status, and announce it."""
    status = LIFECYCLE.after(transfer.stage, verb)
    times = {**transfer.status_transitions, f"{status}_at": world.now}
    transfer = world.put(replace(transfer, status=status, status_transitions=times))
    world.emit(f"treasury.inbound_transfer.{status}", transfer)
    return transfer


def come_back(world: World, id: str, code: str) -> InboundTransfer:
    """The bank takes the money back: a debit of the account, and where the bank is ours the reversal of its debit.

    No event tells it of the transfer itself.
    """
    transfer = world.get(InboundTransfer, id)
    LIFECYCLE.after(transfer.stage, "return")
    details = transfer.origin_payment_method_details
    notice = Notice(
        transfer.amount,
        NETWORK,
        transfer.description or details["billing_details"]["name"] or "",
        initiating.known_bank(details),
        {"inbound_transfer": id},
    )
    target = world.get(FinancialAccount, transfer.financial_account)
    debit = received_debits.from_return(world, target, notice)
    if debit.status == "failed":
        return transfer
    transfer = world.put(
        replace(
            transfer,
            failure_details={"code": code},
            linked_flows={"received_debit": debit.id},
            returned=True,
        )
    )
    origin = debit_of_origin(world, transfer)
    if origin is not None and origin[1].linked_flows["debit_reversal"] is None:
        debit_reversals.by_bank(world.as_account(origin[0]), origin[1])
    return transfer


def debit_of_origin(world: World, transfer: InboundTransfer) -> tuple[str, ReceivedDebit] | None:
    """The debit of the financial account that the money was taken from, after its owner; None where it is not ours."""
    return world.anywhere(ReceivedDebit, transfer.origin_debit)


def reversed_at_origin(world: World, id: str) -> None:
    """The owner of the financial account that the money was taken from has had the debit reversed: it goes back."""
    owned = world.anywhere(InboundTransfer, id)
    if owned is not None and owned[1].stage == "succeeded":
        come_back(world.as_account(owned[0]), id, TAKEN_BACK)


def wrong_state(says: str) -> ApiError:
    """400 for a transfer that is not where it would have to be."""
    return invalid(says, code="status_transition_invalid")


# What is asked of it


def taken_over(world: World, id: str, verb: str) -> InboundTransfer:
    """A transfer that a request moves on; what it would have done by itself is off. 400 where no arrow is drawn."""
    transfer = world.get(InboundTransfer, id)
    LIFECYCLE.after(transfer.stage, verb)
    world.cancel_due(id)
    return transfer


def cancel(world: World, params: dict[str, Any], id: str) -> InboundTransfer:
    """Ask the bank no more. 400 once the transfer is not `cancelable`."""
    return follow(world, taken_over(world, id, "cancel"), "cancel")


def audit(world: World) -> Iterator[str]:
    """Transfers that their transactions, the debit that took the money back, or the one at their origin contradict."""
    for account, transfer in world.store.every(InboundTransfer):
        status = "posted" if transfer.status == "succeeded" else None
        yield from transactions.differing(world, account, transfer, status=status, amount=transfer.amount)
        back = world.as_account(account).find(ReceivedDebit, transfer.linked_flows["received_debit"])
        taken = back is not None and (back.linked_flows["inbound_transfer"], back.amount, back.status)
        if taken != ((transfer.id, transfer.amount, "succeeded") if transfer.returned else False):
            yield f"{transfer.id} is {transfer.stage}, the debit that took its money back says {taken}"
        if (transfer.failure_details is not None) != (transfer.stage in ("failed", "returned")):
            yield f"{transfer.id} is {transfer.stage}, its reason for that {transfer.failure_details}"
        origin = debit_of_origin(world, transfer)
        if transfer.origin_debit is not None and (origin is None or origin[1].amount != transfer.amount):
            yield f"{transfer.id} over {transfer.amount} is not what {transfer.origin_debit} took from its origin"


RECORDS = (InboundTransfer,)
PROGRESS = {"treasury.inbound_transfers.settle": settle, "treasury.inbound_transfers.come_back": come_back}
WHEN = {"treasury.received_debit.reversed": reversed_at_origin}
AUDIT = audit
ROUTES = onboarded(
    [
        GET(
            "/v1/treasury/inbound_transfers",
            lists(InboundTransfer, require=FinancialAccount),
            InboundTransferListParams,
        ),
        GET("/v1/treasury/inbound_transfers/{id}", retrieves(InboundTransfer)),
        POST("/v1/treasury/inbound_transfers", create, CreateParams),
        POST("/v1/treasury/inbound_transfers/{inbound_transfer}/cancel", cancel),
    ]
)
