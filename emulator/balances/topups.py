"""Top-ups: money that an account's bank sends to its payments balance, or to its Issuing balance.

    pending ── arrive ──▶ succeeded ── reverse ──▶ reversed
       ├── bounce ─▶ failed
       └── cancel ─▶ canceled

A top-up is pending in the reply that creates it and has arrived by the next request. The bank takes arrived money
back only when the emulator is told so.
Source: https://docs.stripe.com/api/topups and https://docs.stripe.com/issuing/funding/balance
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator import chart_of_accounts as chart
from emulator import progress
from emulator.connect import bank_test_numbers, issuing_access
from emulator.kernel.errors import exclusive, no_such
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Currency,
    Enum,
    Hash,
    Integer,
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
from emulator.payments.tokens import Token

LIFECYCLE = Lifecycle(
    "pending",
    {
        "pending": {"arrive": "succeeded", "bounce": "failed", "cancel": "canceled"},
        "succeeded": {"reverse": "reversed"},
        "failed": {},
        "canceled": {},
        "reversed": {},
    },
    says="You cannot {verb} a top-up with status '{status}'.",
)
# The code of the ACH return that a refusal comes as: recorded replies have `R03` beside `no_account`. The network has
# none for a wrong currency, so there the word stands for both.
RETURN_CODES = {
    "no_account": "R03",
    "account_closed": "R02",
    "insufficient_funds": "R01",
    "debit_not_authorized": "R29",
    "invalid_currency": "invalid_currency",
}


@record(
    "topup",
    prefix="tu",
    noun="topup",
    filters=("amount", "status"),
    hidden=("outcome",),
    expands=("balance_transaction", "payment_method"),
    silent=("description", "metadata"),
)
class Topup:
    """One top-up. `amount` in minor units; `destination_balance` is `issuing`, or None for the payments balance.

    `destination_balance` is in no published type, yet in every recorded reply: clients tell top-ups apart by it.
    """

    id: str
    created: int
    amount: int
    currency: str
    description: str | None
    destination_balance: str | None
    expected_availability_date: int
    metadata: dict[str, str]
    outcome: str | None
    payment_method_options: dict[str, Any] | None
    statement_descriptor: str | None
    transfer_group: str | None
    balance_transaction: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    initiated_by: str = "user"
    payment_method: str | None = None
    source: None = None
    status: str = LIFECYCLE.start

    @property
    def balance_type(self) -> str:
        """Which balance the money is for."""
        return self.destination_balance or "payments"

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API."""
        return shown(self)


class UsBankAccountParams(Params):
    """How a US bank account is debited."""

    network = Enum(("ach",), required=True)


class PaymentMethodOptionsParams(Params):
    """Options of the payment method's type."""

    us_bank_account = Hash(UsBankAccountParams)


class CreateParams(Params):
    """What to bring in, and to which balance."""

    amount = Amount(required=True)
    currency = Currency(required=True)
    description = String()
    metadata = Metadata()
    payment_method = String()
    payment_method_options = Hash(PaymentMethodOptionsParams)
    source = String()
    statement_descriptor = String(max_length=15)
    transfer_group = String()
    destination_balance = Enum(("issuing",))


class UpdateParams(Params):
    """What may change of a top-up."""

    description = String()
    metadata = Metadata()


class TopupListParams(ListParams):
    """Filters of the list."""

    amount = Range(Integer())
    created = Range()
    status = Enum(("canceled", "failed", "pending", "succeeded"))


def create(world: World, params: dict[str, Any]) -> Topup:
    """Announce money from the bank: that of a token, or without one the account's own.

    400 for a token that is unknown, used or of a card, for any other source, for a payment method, which nothing is
    debited by here, and for the Issuing balance of an account that cannot use Issuing.
    """
    if "source" in params and "payment_method" in params:
        raise exclusive("payment_method", "source")
    if "payment_method" in params:
        raise no_such("PaymentMethod", params["payment_method"], param="payment_method", status=400)
    if params.get("destination_balance") == "issuing":
        issuing_access.check_to_create(world)
    outcome = outcome_of(world, params["source"]) if "source" in params else None

    options = params.get("payment_method_options")
    topup = world.put(
        Topup(
            id=world.new_id(Topup.prefix),
            created=world.now,
            amount=params["amount"],
            currency=params["currency"],
            description=params.get("description"),
            destination_balance=params.get("destination_balance"),
            expected_availability_date=world.now,
            metadata=merged_metadata({}, params),
            outcome=outcome,
            payment_method_options=options and {"us_bank_account": options.get("us_bank_account")},
            statement_descriptor=params.get("statement_descriptor"),
            transfer_group=params.get("transfer_group"),
        )
    )
    world.emit("topup.created", topup)
    progress.at_once(world, "balances.topups.settle", topup.id)
    return topup


def outcome_of(world: World, source: str) -> str | None:
    """Why the bank behind a token gives nothing, by its test number; None where it does. The token is used up.

    Source: https://docs.stripe.com/connect/testing
    """
    if not source.startswith(("btok_", "tok_")):
        raise no_such("source", source, param="source", status=400)
    bank = Token.spent(world, source, "bank_account", param="source").bank_account
    return bank_test_numbers.refusal(bank.country, bank.number) if bank.number else None


def update(world: World, params: dict[str, Any], id: str) -> Topup:
    """Change the description or the metadata. There is no event for it."""
    topup = world.get(Topup, id)
    description = params.get("description", topup.description)
    return world.put(replace(topup, description=description, metadata=merged_metadata(topup.metadata, params)))


def cancel(world: World, params: dict[str, Any], id: str) -> Topup:
    """Stop a top-up that has not arrived. 400 for any other."""
    topup = LIFECYCLE.follow(world.get(Topup, id), "cancel")
    world.cancel_due(id)
    world.put(topup)
    world.emit("topup.canceled", topup)
    return topup


def settle(world: World, id: str) -> None:
    """The bank has sent the money, or has refused to."""
    topup = world.get(Topup, id)
    if topup.outcome is not None:
        code = RETURN_CODES[topup.outcome]
        failed = LIFECYCLE.follow(topup, "bounce", failure_code=code, failure_message=topup.outcome)
        world.put(failed)
        world.emit("topup.failed", failed)
        return
    topup = LIFECYCLE.follow(topup, "arrive")
    fund = chart.fund_issuing if topup.balance_type == "issuing" else chart.fund_payments
    entry = world.move(fund(world.account, topup.currency, topup.amount, topup.description), because=id)
    topup = world.put(replace(topup, balance_transaction=entry.id))
    world.emit("topup.succeeded", topup)


def reverse(world: World, params: dict[str, Any], id: str) -> Topup:
    """The emulator's switch: the bank takes arrived money back, whatever the balance is. 400 unless it has arrived."""
    topup = LIFECYCLE.follow(world.get(Topup, id), "reverse")
    movement = chart.take_back_topup(world.account, topup.currency, topup.balance_type, topup.amount, topup.description)
    world.move(movement, because=id)
    world.put(topup)
    world.emit("topup.reversed", topup)
    return topup


def audit(world: World) -> Iterator[str]:
    """Top-ups whose status does not agree with what came in because of them."""
    for account, topup in world.store.every(Topup):
        arrived = {"succeeded": topup.amount, "reversed": 0}.get(topup.status, 0)
        books = chart.balance_books(account, topup.balance_type, topup.currency)
        moved = world.ledger.moved(*books, flow=topup.id)
        if moved != arrived:
            yield f"{topup.id} is {topup.status}, yet {moved} of its {topup.amount} {topup.currency} moved"
    yield from world.ledger.orphans(Topup)


RECORDS = (Topup,)
PROGRESS = {"balances.topups.settle": settle}
AUDIT = audit
ROUTES = [
    POST("/v1/topups", create, CreateParams),
    GET("/v1/topups", lists(Topup), TopupListParams),
    GET("/v1/topups/{topup}", retrieves(Topup)),
    POST("/v1/topups/{topup}", update, UpdateParams),
    POST("/v1/topups/{topup}/cancel", cancel),
    POST("/_emulator/topups/{topup}/reverse", reverse),
]
