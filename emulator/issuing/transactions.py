"""Transactions: money that merchants have collected with a card, or given back. Final as soon as they exist.

A capture is negative, a refund positive. Neither asks for the card's status, its controls or its balance.
Source: https://docs.stripe.com/issuing/purchases/transactions, https://docs.stripe.com/api/issuing/transactions
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any, NamedTuple

from emulator import chart_of_accounts as chart
from emulator.connect import issuing_access
from emulator.issuing import cards, merchants, purchase_details, purse, spending_controls
from emulator.issuing.cards import Card
from emulator.issuing.exchange_rates import scaled
from emulator.issuing.merchants import MerchantDataParams
from emulator.issuing.purchase_details import PurchaseDetailsParams
from emulator.issuing.purse import Paid
from emulator.issuing.spending_controls import Spending
from emulator.kernel.dates import date_of
from emulator.kernel.errors import invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Currency,
    Enum,
    Hash,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    merged_metadata,
)
from emulator.kernel.records import record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury.received_credits import ReceivedCredit
from emulator.treasury.received_debits import ReceivedDebit

NO_CASH = {"atm_fee": None, "cashback_amount": 0}


def include_purchase_details(world: World, record: Transaction, rendered: dict[str, Any]) -> None:
    """Show what was bought; null where the merchant did not say."""
    rendered["purchase_details"] = record.purchase_details


@record(
    "issuing.transaction",
    prefix="ipi",
    noun="issuing transaction",
    filters=("card", "cardholder", "type", "authorization"),
    hidden=(
        "chain",
        "financial_account",
        "purchase_details",
        "received_credit",
        "received_debit",
        "refunded",
    ),
    expands=(
        "authorization",
        "balance_transaction",
        "card",
        "cardholder",
        "dispute",
        "token",
    ),
    includes={"purchase_details": Include(include_purchase_details)},
)
class Transaction:
    """One capture or refund. Amounts in minor units: `amount` of the card's currency, signed."""

    id: str
    created: int
    type: str
    amount: int
    currency: str
    card: str
    cardholder: str
    financial_account: str | None
    authorization: str | None
    merchant_amount: int
    merchant_currency: str
    merchant_data: dict[str, Any]
    network_data: dict[str, Any]
    amount_details: dict[str, Any]
    purchase_details: dict[str, Any] | None
    token: str | None = None
    wallet: str | None = None
    balance_transaction: str | None = None
    dispute: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    received_credit: str | None = None
    received_debit: str | None = None
    refunded: int = 0  # of a capture, by linked refunds; positive
    chain: str | None = None  # counts for this card instead: where earlier versions have counted it

    @property
    def spending(self) -> Spending:
        """Where a capture without authorization counts against spending limits: when it arrives."""
        category = self.merchant_data["category"]
        return Spending(self.chain or self.card, self.cardholder, self.currency, category, self.created)

    def render(self, world: World) -> dict[str, Any]:
        """The transaction as the API shows it."""
        members = shown(self)
        if self.financial_account is not None:
            members["treasury"] = {"received_credit": self.received_credit, "received_debit": self.received_debit}
        return members


# Posting


class Purchase(NamedTuple):
    """What a transaction is about, as far as it comes from the card or the authorization."""

    card: str
    cardholder: str
    currency: str
    financial_account: str | None
    merchant_currency: str
    merchant_data: dict[str, Any]
    amount_details: dict[str, Any] | None = None
    authorization: str | None = None
    authorization_code: str | None = None
    network_transaction: str | None = None
    token: str | None = None
    wallet: str | None = None


class Posted(NamedTuple):
    """A stored transaction, and what its money came or went by."""

    transaction: Transaction
    paid: Paid


def post(
    world: World,
    type: str,
    purchase: Purchase,
    *,
    amount: int,
    merchant_amount: int,
    details: dict[str, Any] | None = None,
) -> Posted:
    """Move the money of a capture or refund and store its transaction. Amounts are positive. Announces nothing."""
    sign = -1 if type == "capture" else 1
    network = purchase.network_transaction or network_transaction_id(world)
    transaction = Transaction(
        id=world.new_id(Transaction.prefix),
        created=world.now,
        type=type,
        amount=sign * amount,
        currency=purchase.currency,
        card=purchase.card,
        cardholder=purchase.cardholder,
        financial_account=purchase.financial_account,
        authorization=purchase.authorization,
        merchant_amount=sign * merchant_amount,
        merchant_currency=purchase.merchant_currency,
        merchant_data=purchase.merchant_data,
        network_data={
            "authorization_code": purchase.authorization_code,
            "processing_date": date_of(world.now).isoformat(),
            "transaction_id": network,
        },
        amount_details=purchase.amount_details or NO_CASH,
        purchase_details=purchase_details.described(details),
        token=purchase.token,
        wallet=purchase.wallet,
    )
    paid = purse.pay(world, transaction) if type == "capture" else purse.take_back(world, transaction)
    flow = paid.flow.id if paid.flow is not None else None
    transaction = replace(
        transaction,
        balance_transaction=paid.balance_transaction,
        received_debit=flow if type == "capture" else None,
        received_credit=flow if type == "refund" else None,
    )
    return Posted(world.put(transaction), paid)


def network_transaction_id(world: World) -> str:
    """What a card network in test mode calls an authorization."""
    return f"test_{world.draw() % 10**15:015d}"


def announce(world: World, transaction: Transaction) -> None:
    """Tell of a new transaction, and of the receipt that came with it."""
    world.emit("issuing_transaction.created", transaction)
    announce_receipt(world, None, transaction)


def announce_receipt(world: World, before: Transaction | None, after: Transaction) -> None:
    """Tell of a receipt that is new, or another than before."""
    receipt = after.purchase_details and after.purchase_details["receipt"]
    known = before and before.purchase_details and before.purchase_details["receipt"]
    if receipt and receipt != known:
        world.emit("issuing_transaction.purchase_details_receipt_updated", after)


def tell_more(world: World, before: Transaction, details: dict[str, Any]) -> Transaction:
    """Add what a merchant tells of a purchase afterwards; each part that is told replaces what was known of it."""
    told = purchase_details.described(details) or {}
    known = before.purchase_details or told
    after = world.put(replace(before, purchase_details={**known, **{name: told[name] for name in details}}))
    announce_receipt(world, before, after)
    return after


def announce_flow(world: World, posted: Posted) -> None:
    """Tell of the money that reached or left a financial account; comes after the events of Issuing."""
    if posted.paid.flow is None:
        return
    if posted.transaction.type == "capture":
        world.emit("treasury.received_debit.created", posted.paid.flow)
    else:
        world.emit("treasury.received_credit.created", posted.paid.flow)
        world.emit(f"treasury.received_credit.{posted.paid.flow.status}", posted.paid.flow)


# Operations


class UpdateParams(Params):
    """Only metadata can change."""

    metadata = Metadata()


class TransactionListParams(ListParams):
    """Filters of the list."""

    card = String()
    cardholder = String()
    created = Range()
    type = Enum(("capture", "refund"))


class RefundParams(Params):
    """How much the merchant gives back, in minor units of the card's currency."""

    refund_amount = Amount()


class UnlinkedParams(Params):
    """A capture or refund that belongs to no authorization. The amount is positive either way."""

    amount = Amount(required=True)
    card = String(required=True)
    currency = Currency()
    merchant_data = Hash(MerchantDataParams)
    purchase_details = Hash(PurchaseDetailsParams)


def update(world: World, params: dict[str, Any], transaction: str) -> Transaction:
    """Change a transaction's metadata."""
    before = world.get(Transaction, transaction)
    issuing_access.check(world)
    metadata = merged_metadata(before.metadata, params)

    after = world.put(replace(before, metadata=metadata))
    world.emit("issuing_transaction.updated", after, before=before)
    return after


def refund(world: World, params: dict[str, Any], transaction: str) -> Transaction:
    """Let the merchant give back a capture, or a part of it; the new refund.

    What was not refunded yet is the default and the most. 400 for more, where nothing is left, and for refunding a
    refund.
    """
    capture = world.get(Transaction, transaction)
    issuing_access.check(world)
    if capture.type != "capture":
        raise invalid("You cannot refund a transaction of type 'refund'.")
    remaining = -capture.amount - capture.refunded
    if remaining < 1:
        raise invalid(f"This transaction has already been refunded: all of its {-capture.amount}.")
    amount = params.get("refund_amount", remaining)
    if not 1 <= amount <= remaining:
        raise invalid(
            f"You cannot refund {amount} of this transaction: {remaining} of its {-capture.amount} have not been "
            "refunded.",
            param="refund_amount",
        )

    world.put(replace(capture, refunded=capture.refunded + amount))
    posted = post(
        world,
        "refund",
        purchase_of(capture),
        amount=amount,
        merchant_amount=scaled(-capture.merchant_amount, amount, -capture.amount),
    )
    announce(world, posted.transaction)
    announce_flow(world, posted)
    return posted.transaction


def purchase_of(capture: Transaction) -> Purchase:
    """What a linked refund is about: the same as its capture."""
    return Purchase(
        card=capture.card,
        cardholder=capture.cardholder,
        currency=capture.currency,
        financial_account=capture.financial_account,
        merchant_currency=capture.merchant_currency,
        merchant_data=capture.merchant_data,
        authorization=capture.authorization,
        authorization_code=capture.network_data["authorization_code"],
        network_transaction=capture.network_data["transaction_id"],
        token=capture.token,
        wallet=capture.wallet,
    )


def create_force_capture(world: World, params: dict[str, Any]) -> Transaction:
    """Let a merchant collect money nobody authorized, from a card in whatever state."""
    posted = post_unlinked(world, "capture", params)
    transaction = posted.transaction
    spending_controls.count(world, transaction.spending, -transaction.amount)
    announce(world, transaction)
    announce_flow(world, posted)
    cards.count_payment(world, transaction.card)
    return transaction


def create_unlinked_refund(world: World, params: dict[str, Any]) -> Transaction:
    """Let a merchant give money to a card without a purchase it belongs to."""
    posted = post_unlinked(world, "refund", params)
    announce(world, posted.transaction)
    announce_flow(world, posted)
    return posted.transaction


def post_unlinked(world: World, type: str, params: dict[str, Any]) -> Posted:
    """A transaction without authorization. 400 for an unknown card or another currency than the card's."""
    card = world.get(Card, params["card"], param="card")
    issuing_access.check(world)
    check_currency(card, params.get("currency"))

    purchase = Purchase(
        card=card.id,
        cardholder=card.cardholder,
        currency=card.currency,
        financial_account=card.financial_account,
        merchant_currency=card.currency,
        merchant_data=merchants.described(params.get("merchant_data")),
    )
    amount = params["amount"]
    return post(world, type, purchase, amount=amount, merchant_amount=amount, details=params.get("purchase_details"))


def check_currency(card: Card, currency: str | None) -> None:
    """400 for a currency that is not the card's; ours, as the API only says what the default is."""
    if currency not in (None, card.currency):
        raise invalid(
            f"The currency must be the card's: '{card.currency}', but you passed in '{currency}'.", param="currency"
        )


def audit(world: World) -> Iterator[str]:
    """Transactions over another amount than their money, and money whose transaction is gone."""
    for account, transaction in world.store.every(Transaction):
        inside, moved = world.as_account(account), None
        if transaction.financial_account is None:
            entry = world.entry(str(transaction.balance_transaction))
            if entry is not None and (entry.account, entry.owner, entry.flow) == (account, account, transaction.id):
                moved = entry.impact(chart.issuing(account, transaction.currency))
        elif transaction.type == "capture":
            debit = inside.find(ReceivedDebit, transaction.received_debit)
            moved = debit and -debit.amount
        else:
            credit = inside.find(ReceivedCredit, transaction.received_credit)
            moved = credit and credit.amount
        came_by = {"capture": "received_debit"}.get(transaction.type, "received_credit")
        for name in ("received_credit", "received_debit"):
            if getattr(transaction, name) is not None and (transaction.financial_account is None or name != came_by):
                yield f"{transaction.id} has a {name}, by which its money did not come"
        if moved != transaction.amount:
            yield f"{transaction.id} is over {transaction.amount}, its money is {moved}"
    yield from world.ledger.orphans(Transaction)


RECORDS = (Transaction,)
AUDIT = audit
ROUTES = [
    GET("/v1/issuing/transactions", issuing_access.gated(lists(Transaction)), TransactionListParams),
    GET("/v1/issuing/transactions/{transaction}", issuing_access.gated(retrieves(Transaction))),
    POST("/v1/issuing/transactions/{transaction}", update, UpdateParams),
    POST("/v1/test_helpers/issuing/transactions/{transaction}/refund", refund, RefundParams),
    POST("/v1/test_helpers/issuing/transactions/create_force_capture", create_force_capture, UnlinkedParams),
    POST("/v1/test_helpers/issuing/transactions/create_unlinked_refund", create_unlinked_refund, UnlinkedParams),
]
