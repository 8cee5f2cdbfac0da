"""Where a card's money is: the account's Issuing balance, or the financial account the card is attached to.

On the Issuing balance every step is a balance transaction. On a financial account a hold is a Treasury transaction of
the authorization, and each capture or refund arrives as a ReceivedDebit or ReceivedCredit with one of its own.
Source: https://docs.stripe.com/issuing/funding/balance and
https://docs.stripe.com/treasury/account-management/issuing-cards
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from emulator import chart_of_accounts as chart
from emulator.kernel.world import World
from emulator.treasury import initiating, received_credits, received_debits
from emulator.treasury import transactions as treasury_transactions
from emulator.treasury.flows import Notice
from emulator.treasury.received_credits import ReceivedCredit
from emulator.treasury.received_debits import ReceivedDebit

if TYPE_CHECKING:
    from emulator.issuing.authorizations import Authorization
    from emulator.issuing.transactions import Transaction


class Paid(NamedTuple):
    """What a capture or refund left behind: a balance transaction's id, or the financial account's flow."""

    balance_transaction: str | None = None
    flow: ReceivedDebit | ReceivedCredit | None = None


def spendable(world: World, financial_account: str | None, currency: str) -> int:
    """What a card can spend now, in minor units."""
    return world.balance(book(world, financial_account, currency))


def book(world: World, financial_account: str | None, currency: str) -> str:
    """Where that is."""
    if financial_account is None:
        return chart.issuing(world.account, currency)
    return chart.cash(financial_account, currency)


def hold(world: World, authorization: Authorization, amount: int) -> str | None:
    """Set money aside for an authorization, beside what is held already.

    The id of its Treasury transaction, or None on the Issuing balance. Nothing is held for an amount of zero.
    """
    account = authorization.financial_account
    if amount == 0:
        return authorization.treasury_transaction
    if account is None:
        movement = chart.hold_on_issuing(world.account, authorization.currency, amount)
        world.move(movement, because=authorization.id, flow_type="issuing_authorization")
        return None
    transaction, held = authorization.treasury_transaction, authorization.held + amount
    if transaction is None or authorization.held == 0:  # a void transaction takes no more entries
        transaction = treasury_transactions.begin(
            world,
            financial_account=account,
            flow=authorization.id,
            flow_type="issuing_authorization",
            amount=-held,
            description=authorization.merchant_data["name"],
        ).id
    treasury_transactions.carry(world, transaction, chart.hold_for_authorization(account, amount), amount=-held)
    return transaction


def release(world: World, authorization: Authorization, amount: int, why: str) -> None:
    """Give held money back. `why` is `capture`, `reversal`, `expiration` or `amount update`."""
    if amount == 0:
        return
    assert amount <= authorization.held, f"{authorization.id} holds {authorization.held}, not {amount}"
    account = authorization.financial_account
    if account is None:
        movement = chart.release_on_issuing(world.account, authorization.currency, amount, why)
        world.move(movement, because=authorization.id, flow_type="issuing_authorization")
        return
    remaining = authorization.held - amount
    assert authorization.treasury_transaction is not None, f"{authorization.id} holds money of no transaction"
    treasury_transactions.carry(
        world,
        authorization.treasury_transaction,
        chart.release_authorization(account, amount),
        amount=-remaining,
        status=None if remaining else "void",
    )


def pay(world: World, transaction: Transaction) -> Paid:
    """Let the merchant collect a capture. Always succeeds: the balance may go below zero."""
    amount = -transaction.amount
    if transaction.financial_account is None:
        movement = chart.capture_from_issuing(world.account, transaction.currency, amount, None)
        entry = world.move(movement, because=transaction.id, flow_type="issuing_transaction")
        return Paid(balance_transaction=entry.id)
    debit = received_debits.from_card_capture(world, transaction.financial_account, by_merchant(transaction))
    return Paid(flow=debit)


def take_back(world: World, transaction: Transaction) -> Paid:
    """Receive a refund from the merchant. Restrictions of a financial account do not stop it."""
    if transaction.financial_account is None:
        movement = chart.refund_to_issuing(world.account, transaction.currency, transaction.amount, None)
        entry = world.move(movement, because=transaction.id, flow_type="issuing_transaction")
        return Paid(balance_transaction=entry.id)
    credit = received_credits.from_card_refund(world, transaction.financial_account, by_merchant(transaction))
    return Paid(flow=credit)


def by_merchant(transaction: Transaction) -> Notice:
    """What the card network says to the financial account of a capture or refund."""
    return Notice(
        abs(transaction.amount),
        "card",
        transaction.merchant_data["name"] or "",
        initiating.issuing_card(transaction.card),
        {"issuing_authorization": transaction.authorization, "issuing_transaction": transaction.id},
    )
