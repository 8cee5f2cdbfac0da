"""Payouts: money that leaves a balance for a bank account of the same owner, or for a financial account.

    pending ── send ──▶ in_transit ── arrive ──▶ paid
       │                    └── fail ──▶ failed
       ├── arrive ──▶ paid
       ├── fail ────▶ failed
       └── cancel ──▶ canceled

The money leaves the balance in the reply that creates a payout, and has arrived by the next request; what has failed
or was canceled is back in it. With the setting `progress=banking_dates` banks take their days, and a payout that they
have is in transit. The test numbers of external accounts decide how a payout ends. A reversal is a payout of its own
with a negative amount: the bank account is debited, and the money is back in the balance once that is paid.
Source: https://docs.stripe.com/api/payouts, https://docs.stripe.com/payouts and
https://docs.stripe.com/treasury/moving-money/payouts
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from typing import Any

from emulator import banking_days, progress
from emulator import chart_of_accounts as chart
from emulator.connect.records import accounts, capabilities, external_accounts
from emulator.connect.records.cards import Card
from emulator.connect.records.external_accounts import OF_FINANCIAL_ACCOUNTS, BankAccount, ExternalAccount
from emulator.kernel.conditions import Condition
from emulator.kernel.dates import date_of, midnight
from emulator.kernel.errors import ApiError, invalid, unbuilt
from emulator.kernel.ledger import Entry
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Currency,
    Enum,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    merged_metadata,
)
from emulator.kernel.records import record, replace
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import destinations, financial_accounts, flows, initiating, received_credits, received_debits
from emulator.treasury.activation import INBOUND
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.flows import Notice

LIFECYCLE = Lifecycle(
    "pending",
    {
        "pending": {"send": "in_transit", "arrive": "paid", "fail": "failed", "cancel": "canceled"},
        "in_transit": {"arrive": "paid", "fail": "failed"},
        "paid": {},
        "failed": {},
        "canceled": {},
    },
    says="You cannot {verb} a payout with status '{status}'.",
)
UNTRACED = {"status": "pending", "value": None}
MOST_AT_ONCE = 9_999_00  # of an instant payout
CAN_BE_REVERSED = ("US", "CA")
# What `failure_message` says. Source: https://docs.stripe.com/api/payouts/failures
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "could_not_process": "The bank could not process this payout.",
    "debit_not_authorized": "Debit transactions are not approved on your bank account. (Stripe requires bank accounts "
    "to be set up for both credit and debit payouts.)",
    "insufficient_funds": "Your Stripe account has insufficient funds to cover the payout.",
    "invalid_currency": "The bank was unable to process this payout because of its currency. This is probably because "
    "the bank account cannot accept payments in that currency.",
    "no_account": "The bank account details on file are probably incorrect. No bank account could be located with "
    "those details.",
}


@record(
    "payout",
    prefix="po",
    noun="payout",
    filters=("arrival_date", "automatic", "currency", "destination", "status"),
    unindexed=("currency",),
    hidden=("contains", "financial_account", "left_out", "looked_through", "number_of_others", "outcome"),
    expands=("balance_transaction", "destination", "failure_balance_transaction", "original_payout", "reversed_by"),
)
class Payout:
    """One payout. `amount` in minor units, negative for one that reverses another.

    How it ends is decided by where it goes: `outcome` is why the bank refuses it, `financial_account` the one of the
    owner's that it arrives at, `number_of_others` the number of somebody else's. `source_balance` is `issuing` or None
    for the payments balance; it is in no published type, yet in recorded replies of platforms.

    An automatic one pays balance transactions out: those that it `contains`. It has looked through the ledger as far
    as the movement `looked_through`, and what was not available by then it has `left_out` for a later one.
    """

    id: str
    created: int
    amount: int
    arrival_date: int
    currency: str
    description: str | None
    destination: str
    method: str
    source_balance: str | None
    source_type: str
    statement_descriptor: str | None
    financial_account: str | None = None
    number_of_others: str | None = None
    outcome: str | None = None
    automatic: bool = False
    balance_transaction: str | None = None
    contains: list[str] = field(default_factory=list)
    failure_balance_transaction: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    left_out: list[str] = field(default_factory=list)
    looked_through: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    original_payout: str | None = None
    reconciliation_status: str = "not_applicable"
    reversed_by: str | None = None
    status: str = LIFECYCLE.start
    trace_id: dict[str, str | None] = field(default_factory=lambda: dict(UNTRACED))

    @property
    def balance_type(self) -> str:
        """Which balance the money is of."""
        return self.source_balance or "payments"

    @property
    def is_reversal(self) -> bool:
        """Whether it brings back what another payout has paid."""
        return self.original_payout is not None

    @property
    def outside(self) -> str:
        """The book that the money goes to, and comes back from."""
        return chart.payouts_in_transit(self.currency) if self.financial_account else chart.banks(self.currency)

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API. Connected accounts see `source_balance` only where they have sent it."""
        kind = Card.object if self.destination.startswith(f"{Card.prefix}_") else BankAccount.object
        members = shown(self, application_fee=None, application_fee_amount=None, payout_method=None, type=kind)
        if self.source_balance is None and not world.is_platform:
            del members["source_balance"]
        return members


# What may be sent


class CreateParams(Params):
    """How much to pay out, from which balance and where to."""

    amount = Amount(required=True)
    currency = Currency(required=True)
    description = String()
    destination = String()
    metadata = Metadata()
    method = Enum(("instant", "standard"))
    payout_method = String()
    source_balance = Enum(("issuing",))
    source_type = Enum(("bank_account", "card", "fpx"))
    statement_descriptor = String(max_length=22)


class UpdateParams(Params):
    """What may change of a payout; a reversal can be given the same."""

    metadata = Metadata()


class PayoutListParams(ListParams):
    """Filters of the list."""

    arrival_date = Range()
    created = Range()
    destination = String()
    status = String()


# What then


def create(world: World, params: dict[str, Any]) -> Payout:
    """Pay money out of a balance.

    400 without a bank account of that currency, while payouts are not enabled, for an instant payout that the bank
    does not take or that is too large, and for more than the balance holds. 501 for financial accounts of API v2.
    """
    if "payout_method" in params:
        raise unbuilt("This emulator has no financial accounts of API v2 to pay out to.", param="payout_method")
    currency, method = params["currency"], params.get("method", "standard")
    bank = chosen(world, currency, params.get("destination"))
    check_enabled(world)
    if method == "instant":
        check_instant(world, bank, params["amount"])
    balance_type = params.get("source_balance", "payments")
    source_type = params.get("source_type", "card")
    check_funds(world, params["amount"], currency, balance_type, source_type)

    return start(
        world,
        bank,
        amount=params["amount"],
        currency=currency,
        description=params.get("description"),
        metadata=merged_metadata({}, params),
        method=method,
        source_balance=params.get("source_balance"),
        source_type=source_type,
        statement_descriptor=params.get("statement_descriptor"),
    )


def chosen(world: World, currency: str, id: str | None) -> ExternalAccount:
    """The external account of that id, or the default of the currency. 400 where it is not there or of another one."""
    if id is not None:
        bank = external_accounts.get(world, id, param="destination")
        if bank.currency != currency:
            raise invalid(
                f"The external account {id} is paid out to in {bank.currency}, not in {currency}.", param="destination"
            )
        return bank
    found = default_of(world, currency)
    if found is None:
        raise invalid(f"Sorry, you don't have any external accounts in that currency ({currency}).")
    return found


def default_of(world: World, currency: str) -> ExternalAccount | None:
    """The external account that is paid out to in a currency, unless another one is named."""
    mine = external_accounts.of_currency(world, currency)
    return next((one for one in mine if one.default_for_currency), None)


def check_enabled(world: World) -> None:
    """400 `payouts_not_allowed` while the account's payouts are not enabled."""
    if not is_enabled(world):
        raise invalid(
            f"Payouts are not enabled for the account {world.account}: see its `requirements` and `capabilities`.",
            code="payouts_not_allowed",
        )


def is_enabled(world: World) -> bool:
    """Whether the acting account may be paid out. That a bank account is missing is told of by itself."""
    account, requested = accounts.of(world), capabilities.requested(world)
    return account.may_be_paid_out(requested, account.requirements(requested, has_bank=True))


def check_instant(world: World, bank: ExternalAccount, amount: int) -> None:
    """400 for a bank or card that takes no instant payouts, and for one that is too large."""
    if "instant" not in bank.available_payout_methods:
        raise invalid(
            f"The external account {bank.id} does not support instant payouts.",
            code="instant_payouts_unsupported",
            param="method",
        )
    if amount > MOST_AT_ONCE:
        kind = "debit cards" if isinstance(bank, Card) else "bank accounts"
        raise invalid(f"Instant Payouts to {kind} are only supported for amounts less than or equal to $9999")


def check_funds(world: World, amount: int, currency: str, balance_type: str, source_type: str) -> None:
    """400 `balance_insufficient` for more than there is. All money of a balance came as that of cards."""
    book = chart.balance_books(world.account, balance_type, currency)[0]
    if source_type == "card" and amount <= world.balance(book):
        return
    kind = "issuing" if balance_type == "issuing" else source_type.replace("_", " ")
    raise insufficient(kind)


def insufficient(kind: str) -> ApiError:
    """400 for more than a `kind` of balance holds."""
    return invalid(
        f"You have insufficient funds in your Stripe account for this transfer. Your {kind} balance is too low. You "
        "can use the /v1/balance endpoint to view your Stripe balance (for more details, see "
        "stripe.com/docs/api#balance).",
        code="balance_insufficient",
    )


def start(world: World, bank: ExternalAccount, *, amount: int, currency: str, method: str, **own: Any) -> Payout:
    """Take money out of a balance, and announce it; it gets on by itself."""
    payout = planned(world, bank, amount=amount, currency=currency, method=method, **own)
    return begun(world, replace(payout, balance_transaction=taken(world, payout).id))


def planned(world: World, bank: ExternalAccount, *, amount: int, currency: str, method: str, **own: Any) -> Payout:
    """A payout to a bank account, of which nothing has been done yet."""
    payout = Payout(
        id=world.new_id(Payout.prefix),
        created=world.now,
        amount=amount,
        arrival_date=0,
        currency=currency,
        destination=bank.id,
        financial_account=bank.financial_account,
        method=method,
        number_of_others=bank.number if bank.routing_number == OF_FINANCIAL_ACCOUNTS else None,
        outcome=bank.refuses,
        **own,
    )
    return replace(payout, arrival_date=arrival_of(world, payout))


def taken(world: World, payout: Payout, *, available_on: int | None = None) -> Entry:
    """Take what a payout is over out of the balance."""
    movement = chart.pay_out(
        world.account,
        payout.currency,
        payout.balance_type,
        payout.amount,
        payout.description,
        to=payout.outside,
        available_on=available_on,
    )
    return world.move(movement, because=payout.id)


def begun(world: World, payout: Payout) -> Payout:
    """A new payout, announced and on its way."""
    world.put(payout)
    world.emit("payout.created", payout)
    submitted = banking_days.sent_out(world.now, "ach") if takes_days(payout) else None
    progress.at_once(world, "balances.payouts.settle", payout.id, by_bank=submitted)
    return payout


def takes_days(payout: Payout) -> bool:
    """Whether banks carry it, and not at once."""
    return payout.method == "standard" and payout.financial_account is None


def arrival_of(world: World, payout: Payout) -> int:
    """When a payout is expected: an instant one now, others today; by the calendar of banks where that is asked for."""
    if payout.method == "instant":
        return world.now
    if takes_days(payout) and world.setting("progress") == "banking_dates":
        return banking_days.arrival(world.now, "ach")
    return midnight(date_of(world.now))


def update(world: World, params: dict[str, Any], id: str) -> Payout:
    """Change the metadata."""
    before = world.get(Payout, id)
    return changed(world, before, replace(before, metadata=merged_metadata(before.metadata, params)))


def changed(world: World, before: Payout, after: Payout) -> Payout:
    """A payout that is not as it was, told."""
    world.put(after)
    world.emit("payout.updated", after, before=before)
    return after


def cancel(world: World, params: dict[str, Any], id: str) -> Payout:
    """Give the money back to the balance. 400 once a payout is not pending, for an automatic one and for a reversal."""
    payout = world.get(Payout, id)
    if payout.automatic or payout.is_reversal:
        kind = "an automatic payout" if payout.automatic else "a payout that reverses another"
        raise invalid(f"You cannot cancel {kind}.")
    payout = LIFECYCLE.follow(payout, "cancel")
    world.cancel_due(id)
    payout = world.put(given_back(world, payout, "payout_cancel"))
    world.emit("payout.canceled", payout)
    return payout


def given_back(world: World, payout: Payout, kind: str) -> Payout:
    """The same payout after its money is back in the balance. `kind` is `payout_cancel` or `payout_failure`."""
    movement = chart.take_payout_back(
        kind,
        world.account,
        payout.currency,
        payout.balance_type,
        payout.amount,
        payout.description,
        source=payout.outside,
    )
    return replace(payout, failure_balance_transaction=world.move(movement, because=payout.id).id)


def reverse(world: World, params: dict[str, Any], id: str) -> Payout:
    """Debit the bank account for what was paid out to it: a new payout with a negative amount.

    400 for the platform's own payouts, for bank accounts outside the US and Canada, for one that has not been sent,
    has failed, was canceled or reversed, and for a reversal.
    """
    original = world.get(Payout, id)
    bank = world.find(BankAccount, original.destination)
    if world.is_platform:
        raise invalid("You can only reverse payouts of connected accounts.")
    if original.is_reversal:
        raise invalid("You cannot reverse a payout that reverses another.")
    if original.status == "pending":
        raise invalid("You cannot reverse a payout with status 'pending'. Cancel it instead.")
    if original.status not in ("in_transit", "paid"):
        raise invalid(f"You cannot reverse a payout with status '{original.status}'.")
    if original.reversed_by is not None:
        raise invalid(f"This payout has already been reversed by {original.reversed_by}.")
    if bank is None or bank.country not in CAN_BE_REVERSED:
        raise invalid("You can only reverse payouts to bank accounts in the US and Canada that are still there.")

    reversal = Payout(
        id=world.new_id(Payout.prefix),
        created=world.now,
        amount=-original.amount,
        arrival_date=0,
        currency=original.currency,
        description=original.description,
        destination=original.destination,
        financial_account=original.financial_account,
        number_of_others=original.number_of_others,
        metadata=merged_metadata({}, params),
        method="standard",
        original_payout=original.id,
        source_balance=original.source_balance,
        source_type=original.source_type,
        statement_descriptor=original.statement_descriptor,
    )
    reversal = begun(world, replace(reversal, arrival_date=arrival_of(world, reversal)))
    changed(world, original, replace(original, reversed_by=reversal.id))
    return reversal


def settle(world: World, id: str) -> None:
    """A payout gets on by itself: it is sent, where banks take their time, or ends."""
    payout = world.get(Payout, id)
    opening = banking_days.opening(payout.arrival_date)
    if payout.status == "pending" and takes_days(payout) and progress.waiting_time(world, opening):
        changed(world, payout, LIFECYCLE.follow(payout, "send"))
        progress.at_once(world, "balances.payouts.settle", id, by_bank=opening)
        return
    why = debited(world, payout) if payout.is_reversal else delivered(world, payout)
    known = {"reconciliation_status": "completed"} if payout.automatic else {}
    if why is not None:
        ended = fail(world, payout, why, **known)
    else:
        ended = LIFECYCLE.follow(payout, "arrive", **known)
        if payout.is_reversal:
            ended = collected(world, ended)
        changed(world, payout, ended)
        world.emit("payout.paid", ended)
    if payout.automatic:
        world.emit("payout.reconciliation_completed", ended)


def delivered(world: World, payout: Payout) -> str | None:
    """Bring the money to who gets it; why that does not take it, or None."""
    if payout.financial_account is not None:
        account = world.get(FinancialAccount, payout.financial_account)
        account = financial_accounts.forwarded(world, account)
        why = flows.failure(world, account, "stripe", INBOUND)
        if why is None:
            notice = notice_of(world, payout, "stripe", source_flow=payout.id, source_flow_type="payout")
            received_credits.by_payout(world, account.id, notice)
        return why
    if payout.number_of_others is None:
        return payout.outcome
    found = destinations.at_own_bank(world, payout.number_of_others)
    if found is None:
        return "no_account"
    inside = world.as_account(found[0])
    account = destinations.taking(inside, found[1])
    return received_credits.from_bank(inside, account, notice_of(world, payout, "ach")).failure_code


def debited(world: World, payout: Payout) -> str | None:
    """Take back what a reversed payout has brought; why that cannot be had, or None. Banks give it."""
    if payout.financial_account is not None:
        account = world.get(FinancialAccount, payout.financial_account)
        notice = notice_of(world, payout, "stripe", payout=payout.id)
        return received_debits.by_payout_reversal(world, account, notice).failure_code
    if payout.number_of_others is None:
        return None
    found = destinations.at_own_bank(world, payout.number_of_others)
    if found is None:
        return "no_account"
    return received_debits.from_bank(world.as_account(found[0]), found[1], notice_of(world, payout, "ach")).failure_code


def notice_of(world: World, payout: Payout, network: str, /, **linked: str | None) -> Notice:
    """What a financial account is told of a payout."""
    holder = financial_accounts.holder_name(world)
    details = initiating.payments_balance(holder)
    return Notice(abs(payout.amount), network, payout.description or holder, details, linked)


def collected(world: World, payout: Payout) -> Payout:
    """The same reversal after its money has come to the balance."""
    movement = chart.take_payout_back(
        "payout",
        world.account,
        payout.currency,
        payout.balance_type,
        -payout.amount,
        payout.description,
        source=payout.outside,
    )
    return replace(payout, balance_transaction=world.move(movement, because=payout.id).id)


def fail(world: World, payout: Payout, why: str, **known: Any) -> Payout:
    """Whoever was to get the money did not: it is back in the balance, and the external account is marked."""
    failed = LIFECYCLE.follow(payout, "fail", failure_code=why, failure_message=FAILURES[why], **known)
    if not payout.is_reversal:
        failed = given_back(world, failed, "payout_failure")
    world.put(failed)
    world.emit("payout.failed", failed)
    bank = external_accounts.find(world, payout.destination)
    if bank is not None and not payout.is_reversal and bank.status != "errored":
        marked = world.put(replace(bank, status="errored"))
        world.emit("account.external_account.updated", marked, before=bank)
    return failed


def net_of(entry: Entry) -> int:
    """What a movement did to its owner's payments balance."""
    books = chart.balance_books(entry.account, "payments", entry.details["currency"])
    return sum(entry.impact(book) for book in books)


def audit(world: World) -> Iterator[str]:
    """Payouts whose status does not agree with what left a balance because of them, or is on its way."""
    under_way: Counter[str] = Counter()
    for account, payout in world.store.every(Payout):
        is_gone = payout.status in (("paid",) if payout.is_reversal else ("pending", "in_transit", "paid"))
        books = chart.balance_books(account, payout.balance_type, payout.currency)
        moved = world.ledger.moved(*books, flow=payout.id)
        if moved != (-payout.amount if is_gone else 0):
            yield f"{payout.id} is {payout.status}, yet {-moved} of its {payout.amount} {payout.currency} moved"
        contained = world.ledger.entries([Condition("id", "in", payout.contains)]) if payout.contains else []
        paid = sum(map(net_of, contained))
        if len(contained) != len(payout.contains) or paid != (payout.amount if payout.automatic else 0):
            yield f"{payout.id} is over {payout.amount}, yet what it contains comes to {paid}"
        if payout.financial_account and not payout.is_reversal and payout.status in ("pending", "in_transit"):
            under_way[payout.currency] += payout.amount
    for book, held in world.ledger.books("stripe:payouts:").items():
        expected = under_way[book.rpartition(":")[2]]
        if held != expected:
            yield f"{book} holds {held}, payouts on their way to financial accounts say {expected}"
    yield from world.ledger.orphans(Payout)


RECORDS = (Payout,)
PROGRESS = {"balances.payouts.settle": settle}
AUDIT = audit
ROUTES = [
    POST("/v1/payouts", create, CreateParams),
    GET("/v1/payouts", lists(Payout), PayoutListParams),
    GET("/v1/payouts/{payout}", retrieves(Payout)),
    POST("/v1/payouts/{payout}", update, UpdateParams),
    POST("/v1/payouts/{payout}/cancel", cancel),
    POST("/v1/payouts/{payout}/reverse", reverse, UpdateParams),
]
