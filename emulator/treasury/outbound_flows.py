"""What outbound transfers and outbound payments share: money that leaves a financial account because its owner says so.

Cash is held at the start, leaves on `post`, and comes back on any other arrow: within the same transaction while it has
not left, in a second one afterwards. Over the stripe network it arrives in the step that posts it, and so it does over
a bank's network where the bank account is a financial account of this tenant. A kind of record says of itself, as class
variables, its `lifecycle` and the `descriptor` that statements show where none was sent.
Source: https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from emulator import banking_days, progress
from emulator import chart_of_accounts as chart
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.params import (
    Amount,
    Currency,
    Hash,
    Metadata,
    Params,
    String,
    complain,
    merged_metadata,
    shortened,
)
from emulator.kernel.records import replace
from emulator.kernel.render import shown
from emulator.kernel.routes import Operation
from emulator.kernel.world import World
from emulator.treasury import (
    bank_accounts,
    destinations,
    financial_accounts,
    initiating,
    next_flow,
    receipts,
    received_credits,
    transactions,
)
from emulator.treasury.destinations import Destination, DestinationOptionsParams, receiver
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.flows import Notice
from emulator.treasury.received_credits import ReceivedCredit
from emulator.treasury.transactions import Transaction

DESCRIPTOR = re.compile(r"[A-Za-z0-9 \-#.$&*]*")
LONGEST_DESCRIPTOR = {"ach": 10, "us_domestic_wire": 140, "stripe": 500}
STATUSES = ("canceled", "failed", "posted", "processing", "returned")
TIMES = ("canceled_at", "failed_at", "posted_at", "returned_at")
MOVES = {
    "processing": {"post": "posted", "return": "returned", "fail": "failed", "cancel": "canceled"},
    "posted": {"return": "returned"},
    "returned": {},
    "failed": {},
    "canceled": {},
}
Flow = Any  # an outbound transfer or an outbound payment


def lifecycle(name: str) -> Lifecycle:
    """The arrows of a kind, which refusals call by its name."""
    says = f"This {name} cannot transition from {{status}} to {{target}}."
    return Lifecycle("processing", MOVES, says=says, code="status_transition_invalid")


# What it is


def flow_type(kind: type[Flow]) -> str:
    """`outbound_transfer` or `outbound_payment`, as transactions and entries call it."""
    return kind.object.rpartition(".")[2]


def name_of(flow: Flow) -> str:
    """What refusals call a flow: `OutboundTransfer` or `OutboundPayment`."""
    return type(flow).__name__


def found(world: World, id: str) -> Flow:
    """A flow of the acting account, whichever kind it is of."""
    return world.get(world.catalog.prefixes[id.partition("_")[0]], id)


def network_of(flow: Flow) -> str:
    """`ach`, `us_domestic_wire` or `stripe`."""
    return receiver(flow.destination_payment_method_details)["network"]


def is_cancelable(flow: Flow) -> bool:
    """Whether it has not been given to the network yet; over the stripe network it is at once."""
    return flow.status == "processing" and network_of(flow) != "stripe"


def rendered(world: World, flow: Flow) -> dict[str, Any]:
    """A flow as the API shows it."""
    return shown(flow, cancelable=is_cancelable(flow), hosted_regulatory_receipt_url=receipts.url(world, flow.id))


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


class OutboundParams(Params):
    """How much, from where and to where. A kind says of its own what a destination without payment method is."""

    amount = Amount(required=True)
    currency = Currency(required=True)
    description = String()
    destination_payment_method = String()
    destination_payment_method_options = Hash(DestinationOptionsParams)
    financial_account = String(required=True)
    metadata = Metadata()
    statement_descriptor = Descriptor()


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


# What then


def create(
    world: World,
    kind: type[Flow],
    params: dict[str, Any],
    destination: Destination,
    check_wire: Callable[[World, Destination], None],
    **own: Any,
) -> Flow:
    """Start a flow and hold its cash; it gets on by itself. `own` are the members that only its kind has.

    400 if the account is closed or has not the feature for it, for a text the network cannot carry, for what
    `check_wire` refuses, and for more than the cash that is there.
    """
    source = financial_accounts.usable(world, params["financial_account"], currency=params["currency"])
    destinations.check_route(world, source, destination, flow_type(kind))
    descriptor = params.get("statement_descriptor", kind.descriptor)
    check_descriptor(descriptor, destination.network)
    if destination.network == "us_domestic_wire":
        check_wire(world, destination)
    check_cash(world, source, params["amount"])

    flow = start(
        world,
        kind,
        source,
        destination,
        params["amount"],
        description=params.get("description"),
        statement_descriptor=descriptor,
        metadata=merged_metadata({}, params),
        forced=next_flow.taken(world, flow_type(kind), source.id) if destination.bank else None,
        **own,
    )
    if destination.account is not None:
        progress.at_once(world, action(kind, "settle"), flow.id)
    elif ending_of(flow).verb is not None:
        submitted = banking_days.sent_out(world.now, destination.network)
        progress.in_a_while(world, action(kind, "settle"), flow.id, by_bank=submitted)
    return flow


def start(
    world: World, kind: type[Flow], source: FinancialAccount, destination: Destination, amount: int, **own: Any
) -> Flow:
    """Hold the cash of a new flow in an open transaction, and announce it."""
    id = world.new_id(kind.prefix)
    members = {"description": None, "metadata": {}, "statement_descriptor": kind.descriptor, **own}
    transaction = transactions.begin(
        world,
        financial_account=source.id,
        flow=id,
        flow_type=flow_type(kind),
        amount=-amount,
        description=statement_line(kind, destination.details, members["statement_descriptor"]),
    )
    transactions.carry(world, transaction.id, chart.hold_outbound(flow_type(kind), source.id, amount))
    flow = world.put(
        kind(
            id=id,
            created=world.now,
            amount=amount,
            currency="usd",
            destination_payment_method=destination.bank.id if destination.bank else None,
            destination_payment_method_details=destination.details,
            expected_arrival_date=banking_days.arrival(world.now, destination.network),
            financial_account=source.id,
            own_number=destination.bank.number if destination.bank else None,
            status_transitions=dict.fromkeys(TIMES),
            transaction=transaction.id,
            **members,
        )
    )
    announce(world, flow, "created")
    return flow


def statement_line(kind: type[Flow], details: dict[str, Any], text: str) -> str:
    """How the transactions of a flow describe themselves."""
    return initiating.statement_line(details, kind.noun.capitalize(), text)


def action(kind: type[Flow], name: str) -> str:
    """What a due action of a kind is called."""
    return f"treasury.{flow_type(kind)}s.{name}"


def announce(world: World, flow: Flow, what: str, **previous: Any) -> None:
    """Tell what has happened to a flow, with the values that it had before."""
    world.emit(f"{flow.object}.{what}", flow, previous=previous or None)


def ending_of(flow: Flow) -> bank_accounts.Ending:
    """How a flow ends by itself."""
    fingerprint = receiver(flow.destination_payment_method_details).get("fingerprint", "")
    return next_flow.ending_of(flow, bank_accounts.ending("outbound", fingerprint))


def settle(world: World, id: str) -> None:
    """A flow gets on by itself, in the way that its destination is known for."""
    flow = found(world, id)
    ending = ending_of(flow)
    if ending.verb in ("fail", "cancel"):
        give_back(world, flow, ending.verb)
        return
    if ending.days_late:
        old = flow.expected_arrival_date
        late = banking_days.midnight_after(old, ending.days_late)
        flow = world.put(replace(flow, expected_arrival_date=late))
        announce(world, flow, "expected_arrival_date_updated", expected_arrival_date=old)
    if arrives_nowhere(world, flow):
        give_back(world, flow, "fail")
        return
    if ending.returned is None:
        send(world, flow)
    else:
        sent_back(world, posted(world, flow), ending.returned)


def arrives_nowhere(world: World, flow: Flow) -> bool:
    """Whether the financial account that it goes to over the stripe network has closed or gone in the meantime."""
    if network_of(flow) != "stripe":
        return False
    inside, account = recipient(world, flow)
    return account.status == "closed" or not world.may_act(inside.account)


def recipient(world: World, flow: Flow) -> tuple[World, FinancialAccount]:
    """Who gets it over the stripe network, as its owner sees it; from a closed one, the one that this forwards to."""
    known = world.anywhere(FinancialAccount, receiver(flow.destination_payment_method_details)["id"])
    assert known is not None, f"{flow.id} goes to a financial account that is not there"
    inside = world.as_account(known[0])
    return inside, financial_accounts.forwarded(inside, known[1])


def send(world: World, flow: Flow) -> Flow:
    """The money leaves and, where the other side is here, arrives: over a bank's network when banks say so."""
    flow = posted(world, flow)
    if network_of(flow) == "stripe":
        return arrived(world, flow, credit_within_stripe(world, flow))
    if flow.own_number is None:
        return flow
    opening = banking_days.opening(flow.expected_arrival_date)
    if progress.waiting_time(world, opening):
        progress.at_once(world, action(type(flow), "arrive"), flow.id, by_bank=opening)
        return flow
    return arrive(world, flow.id)


def posted(world: World, flow: Flow) -> Flow:
    """What was held leaves the account, and that is announced."""
    flow = leave(world, flow.lifecycle.follow(flow, "post"))
    announce(world, flow, "posted")
    return flow


def arrive(world: World, id: str) -> Flow:
    """The money reaches a financial account of ours by its numbers, or is sent back because that cannot take it."""
    flow = found(world, id)
    owned = destinations.at_own_bank(world, flow.own_number)
    credit = credit_over_bank(world, flow, *owned) if owned else None
    if credit is not None and credit.status == "succeeded":
        return arrived(world, flow, credit)
    sent_back(world, flow, "no_account" if credit is None else credit.failure_code)
    return flow


def sent_back(world: World, flow: Flow, code: str) -> None:
    """A bank will send the money back: banks have until the second banking day after its arrival."""
    late = banking_days.opening(flow.expected_arrival_date, banking_days.DAYS_TO_RETURN)
    progress.at_once(world, action(type(flow), "come_back"), flow.id, by_bank=late, code=code)


def leave(world: World, flow: Flow) -> Flow:
    """What was held leaves the account."""
    kind, network = flow_type(type(flow)), network_of(flow)
    movement = chart.post_outbound(kind, flow.financial_account, flow.amount, network=network)
    transactions.carry(world, flow.transaction, movement, status="posted")
    return world.put(at(world, flow, "posted_at"))


def arrived(world: World, flow: Flow, credit: ReceivedCredit) -> Flow:
    """Remember where it arrived, so that it cannot come back from there as well."""
    return world.put(replace(flow, received_credit=credit.id))


def credit_within_stripe(world: World, flow: Flow) -> ReceivedCredit:
    """The other financial account gets the money."""
    holder = financial_accounts.holder_name(world)
    notice = Notice(
        flow.amount,
        "stripe",
        flow.description or holder,
        initiating.financial_account(flow.financial_account, holder),
        {"source_flow": flow.id, "source_flow_type": flow_type(type(flow))},
    )
    inside, account = recipient(world, flow)
    return received_credits.within_stripe(inside, account.id, notice)


def credit_over_bank(world: World, flow: Flow, owner: str, account: FinancialAccount) -> ReceivedCredit:
    """A financial account gets the money by its own numbers, or refuses it; a closed one may forward it."""
    source = world.get(FinancialAccount, flow.financial_account)
    holder = financial_accounts.holder_name(world)
    number = source.account_number if source.has_address else None
    details = initiating.own_bank(holder, number)
    notice = Notice(flow.amount, network_of(flow), flow.description or holder, details, other_side=flow.id)
    inside = world.as_account(owner)
    return received_credits.from_bank(inside, destinations.taking(inside, account), notice)


def give_back(world: World, flow: Flow, verb: str) -> Flow:
    """End a flow that has not left: what it held is cash again. `verb` is `fail` or `cancel`."""
    flow = flow.lifecycle.follow(flow, verb)
    back = {"fail": chart.fail_outbound, "cancel": chart.cancel_outbound}[verb]
    movement = back(flow_type(type(flow)), flow.financial_account, flow.amount)
    transactions.carry(world, flow.transaction, movement, amount=0, status="void")
    flow = world.put(at(world, flow, f"{flow.status}_at"))
    announce(world, flow, flow.status)
    return flow


def returned_by_bank(world: World, id: str, code: str) -> None:
    """A bank sends the money back; it keeps it where the account that it came from has closed since."""
    source = world.get(FinancialAccount, found(world, id).financial_account)
    if source.status == "open":
        come_back(world, id, code)


def come_back(world: World, id: str, code: str) -> Flow:
    """Who got the money sends it back: a second transaction brings it. What was still held leaves first, untold."""
    before = found(world, id)
    flow = before.lifecycle.follow(before, "return")
    if before.status == "processing":
        flow = leave(world, flow)
    kind = type(flow)
    transaction = transactions.begin(
        world,
        financial_account=flow.financial_account,
        flow=id,
        flow_type=flow_type(kind),
        amount=flow.amount,
        description=statement_line(kind, flow.destination_payment_method_details, flow.statement_descriptor),
    )
    movement = chart.return_outbound(flow_type(kind), flow.financial_account, flow.amount, network=network_of(flow))
    transactions.carry(world, transaction.id, movement, status="posted")
    details = {"code": code, "transaction": transaction.id}
    flow = world.put(replace(at(world, flow, "returned_at"), returned_details=details))
    announce(world, flow, "returned")
    return flow


def wrong_state(says: str) -> ApiError:
    """400 for a flow that is not where it would have to be."""
    return invalid(says, code="status_transition_invalid")


def at(world: World, flow: Flow, name: str) -> Flow:
    """The same flow with the time of a transition."""
    return replace(flow, status_transitions={**flow.status_transitions, name: world.now})


# What is asked of it


def of_kind(kind: type[Flow], operation: Callable[..., Flow]) -> Operation:
    """An operation on flows as one on those of a kind."""

    @functools.wraps(operation)
    def on_one(world: World, params: dict[str, Any], id: str) -> Flow:
        return operation(world, params, world.get(kind, id))

    on_one.__name__ = f"{operation.__name__.strip('_')}_{flow_type(kind)}"
    on_one.returns = kind  # type: ignore[attr-defined]
    return on_one


def taken_over(world: World, flow: Flow, verb: str) -> Flow:
    """A flow that a request moves on; what it would have done by itself is off. 400 where no arrow is drawn."""
    flow.lifecycle.follow(flow, verb)
    world.cancel_due(flow.id)
    return flow


def cancel(world: World, params: dict[str, Any], flow: Flow) -> Flow:
    """Give the held cash back. 400 once it is not `cancelable` any more."""
    if flow.status == "processing" and not is_cancelable(flow):
        raise wrong_state(f"This {name_of(flow)} cannot be canceled: over the stripe network it is posted at once.")
    return give_back(world, taken_over(world, flow, "cancel"), "cancel")


def audits(kind: type[Flow]) -> Callable[[World], Iterator[str]]:
    """The audit of a kind: flows whose status does not agree with what they moved, or with their transaction."""

    def audit(world: World) -> Iterator[str]:
        for _, flow in world.store.every(kind):
            cash = world.ledger.moved(chart.cash(flow.financial_account), flow=flow.id)
            pending = world.ledger.moved(chart.outbound_pending(flow.financial_account), flow=flow.id)
            held = {"processing": flow.amount}.get(flow.status, 0)
            gone = flow.amount if flow.status in ("processing", "posted") else 0
            if (cash, pending) != (-gone, held):
                yield f"{flow.id} over {flow.amount} is {flow.status}, yet moved {cash} and holds {pending}"
            status = {"processing": "open", "canceled": "void", "failed": "void"}.get(flow.status, "posted")
            owned = world.anywhere(Transaction, flow.transaction)
            if owned is None or owned[1].status != status:
                yield f"{flow.id} is {flow.status}, its transaction is {owned and owned[1].status}"

    return audit


def audit(world: World) -> Iterator[str]:
    """Money between two financial accounts."""
    between = world.balance(chart.in_transit())
    if between:
        yield f"{between} have left one financial account for another and have not arrived"


AUDIT = audit
