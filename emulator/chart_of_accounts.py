"""Every book and every named way money can move.

A book is `<owner>:<what>:<currency>`. The owner is a financial account (`fa_…`), an account (`acct_…`), `stripe` for
what is between two of them, or `outside`: the banks and card networks that money comes from and goes to. All amounts
are minor units of the book's currency.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.ledger import Line, Movement, moving

# Books


def cash(financial_account: str, currency: str = "usd") -> str:
    """What a financial account can spend now."""
    return f"{financial_account}:cash:{currency}"


def outbound_pending(financial_account: str, currency: str = "usd") -> str:
    """What a financial account still holds but has promised to something on its way out."""
    return f"{financial_account}:outbound_pending:{currency}"


def issuing(account: str, currency: str) -> str:
    """What an account's Issuing balance can spend now."""
    return f"{account}:issuing:{currency}"


def issuing_held(account: str, currency: str) -> str:
    """What approved authorizations hold of an Issuing balance."""
    return f"{account}:issuing_held:{currency}"


def available(account: str, currency: str) -> str:
    """What an account's payments balance can pay out now."""
    return f"{account}:available:{currency}"


def pending(account: str, currency: str) -> str:
    """What an account's payments balance will be able to pay out later."""
    return f"{account}:pending:{currency}"


def minimum(account: str, currency: str) -> str:
    """What an account's payments balance keeps while an automatic payout takes the rest."""
    return f"{account}:minimum:{currency}"


def balance_books(account: str, balance_type: str, currency: str) -> tuple[str, ...]:
    """The books that make up an account's balance of a type: `issuing` or `payments`. Holds have left the former."""
    if balance_type == "issuing":
        return (issuing(account, currency),)
    return available(account, currency), pending(account, currency)


def banks(currency: str) -> str:
    """The banking system outside."""
    return f"outside:banks:{currency}"


def card_networks(currency: str) -> str:
    """Merchants, behind the card networks."""
    return f"outside:card_networks:{currency}"


def in_transit(currency: str = "usd") -> str:
    """What has left one financial account for another over the stripe network. It arrives in the same step."""
    return f"stripe:in_transit:{currency}"


def payouts_in_transit(currency: str = "usd") -> str:
    """What payouts have taken from balances for financial accounts, and have not brought there yet."""
    return f"stripe:payouts:{currency}"


def transfers_in_transit(currency: str) -> str:
    """What has left one balance for another by a transfer. It arrives in the same step."""
    return f"stripe:transfers:{currency}"


def fees_in_transit(currency: str) -> str:
    """What charges have set aside for their platform. It arrives in the same step."""
    return f"stripe:application_fees:{currency}"


def processor(currency: str) -> str:
    """Stripe itself, which keeps fees for what it does."""
    return f"outside:processor:{currency}"


def payers(currency: str, *, is_of_bank: bool) -> str:
    """Where the money of charges comes from and goes back to."""
    return banks(currency) if is_of_bank else card_networks(currency)


def due(account: str, currency: str, available_on: int, now: int) -> str:
    """The book of a payments balance that money belongs to: what can be paid out only later is pending."""
    return pending(account, currency) if available_on > now else available(account, currency)


def beyond(network: str) -> str:
    """Where money of a financial account goes and comes from over a network: `ach`, `us_domestic_wire` or `stripe`."""
    return in_transit() if network == "stripe" else banks("usd")


# Financial accounts: each movement is a Treasury entry of the type it is named after


def receive_credit(financial_account: str, amount: int) -> Movement:
    """A bank sends money to a financial account."""
    return moving("received_credit", financial_account, banks("usd"), cash(financial_account), amount)


def receive_within_stripe(financial_account: str, amount: int) -> Movement:
    """Another financial account sends money over the stripe network."""
    return moving("received_credit", financial_account, in_transit(), cash(financial_account), amount)


def receive_payout(financial_account: str, amount: int) -> Movement:
    """A payout of its owner arrives at a financial account."""
    return moving("received_credit", financial_account, payouts_in_transit(), cash(financial_account), amount)


def give_payout_back(financial_account: str, amount: int) -> Movement:
    """The reversal of a payout takes from a financial account what that had brought."""
    return moving("received_debit", financial_account, cash(financial_account), payouts_in_transit(), amount)


def receive_debit(financial_account: str, amount: int) -> Movement:
    """A bank takes money from a financial account."""
    return moving("received_debit", financial_account, cash(financial_account), banks("usd"), amount)


def collect_transfer(financial_account: str, amount: int) -> Movement:
    """What an inbound transfer has taken from a bank account arrives."""
    return moving("inbound_transfer", financial_account, banks("usd"), cash(financial_account), amount)


def return_collected(financial_account: str, amount: int) -> Movement:
    """A bank takes back what an inbound transfer had brought; cash may go below zero."""
    return moving("inbound_transfer_return", financial_account, cash(financial_account), banks("usd"), amount)


def hold_outbound(flow_type: str, financial_account: str, amount: int) -> Movement:
    """Set cash aside for something on its way out: `flow_type` is `outbound_transfer` or `outbound_payment`."""
    books = cash(financial_account), outbound_pending(financial_account)
    return moving(flow_type, financial_account, *books, amount)


def post_outbound(flow_type: str, financial_account: str, amount: int, *, network: str) -> Movement:
    """What was on its way out leaves."""
    books = outbound_pending(financial_account), beyond(network)
    return moving(f"{flow_type}_posting", financial_account, *books, amount)


def cancel_outbound(flow_type: str, financial_account: str, amount: int) -> Movement:
    """Give back what was held for something that was canceled."""
    books = outbound_pending(financial_account), cash(financial_account)
    return moving(f"{flow_type}_cancellation", financial_account, *books, amount)


def fail_outbound(flow_type: str, financial_account: str, amount: int) -> Movement:
    """Give back what was held for something that failed."""
    books = outbound_pending(financial_account), cash(financial_account)
    return moving(f"{flow_type}_failure", financial_account, *books, amount)


def return_outbound(flow_type: str, financial_account: str, amount: int, *, network: str) -> Movement:
    """What had left comes back."""
    books = beyond(network), cash(financial_account)
    return moving(f"{flow_type}_return", financial_account, *books, amount)


def hold_for_reversal(financial_account: str, amount: int) -> Movement:
    """Set cash aside to send a received credit back."""
    books = cash(financial_account), outbound_pending(financial_account)
    return moving("credit_reversal", financial_account, *books, amount)


def post_reversal(financial_account: str, amount: int, *, network: str) -> Movement:
    """What was received leaves again."""
    books = outbound_pending(financial_account), beyond(network)
    return moving("credit_reversal_posting", financial_account, *books, amount)


def hold_for_authorization(financial_account: str, amount: int) -> Movement:
    """Set cash aside for an approved card authorization."""
    books = cash(financial_account), outbound_pending(financial_account)
    return moving("issuing_authorization_hold", financial_account, *books, amount)


def release_authorization(financial_account: str, amount: int) -> Movement:
    """Give back cash that was held for a card authorization."""
    books = outbound_pending(financial_account), cash(financial_account)
    return moving("issuing_authorization_release", financial_account, *books, amount)


def capture_from_cash(financial_account: str, amount: int) -> Movement:
    """A merchant collects a card payment from a financial account; cash may go below zero."""
    return moving("received_debit", financial_account, cash(financial_account), card_networks("usd"), amount)


def refund_to_cash(financial_account: str, amount: int) -> Movement:
    """A merchant gives a card payment back to a financial account."""
    return moving("received_credit", financial_account, card_networks("usd"), cash(financial_account), amount)


def reverse_debit(financial_account: str, amount: int, *, network: str) -> Movement:
    """A debit is undone: by the bank, or by the card network when a dispute is won."""
    source = card_networks("usd") if network == "card" else banks("usd")
    return moving("debit_reversal", financial_account, source, cash(financial_account), amount)


def take_back_advance(financial_account: str, amount: int) -> Movement:
    """A provisional credit for a dispute is withdrawn because the dispute was lost."""
    return moving("debit_reversal", financial_account, cash(financial_account), card_networks("usd"), amount)


# Issuing balance: each movement is a balance transaction of the type it is named after


def balance_movement(kind: str, account: str, lines: tuple[Line, ...], description: str | None) -> Movement:
    """A movement that appears as a balance transaction of an account's Issuing balance."""
    return Movement(kind, account, lines, prefix="txn", details={"balance_type": "issuing", "description": description})


def issuing_movement(
    kind: str, account: str, currency: str, source: str, target: str, amount: int, description: str | None
) -> Movement:
    """The common one: one amount from one book to another, in the card's currency."""
    lines = (Line(source, -amount), Line(target, amount))
    movement = balance_movement(kind, account, lines, description)
    return movement._replace(details={**movement.details, "currency": currency})


def hold_on_issuing(account: str, currency: str, amount: int) -> Movement:
    """Set Issuing balance aside for an approved authorization."""
    books = issuing(account, currency), issuing_held(account, currency)
    return issuing_movement("issuing_authorization_hold", account, currency, *books, amount, "Hold for authorization")


def release_on_issuing(account: str, currency: str, amount: int, why: str) -> Movement:
    """Give held Issuing balance back. `why` is `capture`, `reversal`, `expiration` or `amount update`."""
    books = issuing_held(account, currency), issuing(account, currency)
    description = f"Released hold for authorization due to {why}"
    return issuing_movement("issuing_authorization_release", account, currency, *books, amount, description)


def capture_from_issuing(account: str, currency: str, amount: int, description: str | None) -> Movement:
    """A merchant collects a card payment from the Issuing balance, which may go below zero."""
    books = issuing(account, currency), card_networks(currency)
    return issuing_movement("issuing_transaction", account, currency, *books, amount, description)


def refund_to_issuing(account: str, currency: str, amount: int, description: str | None) -> Movement:
    """A merchant gives a card payment back to the Issuing balance."""
    books = card_networks(currency), issuing(account, currency)
    return issuing_movement("issuing_transaction", account, currency, *books, amount, description)


def win_dispute_on_issuing(account: str, currency: str, amount: int) -> Movement:
    """The network returns disputed money."""
    books = card_networks(currency), issuing(account, currency)
    return issuing_movement("issuing_dispute", account, currency, *books, amount, "Dispute won")


def credit_dispute_provisionally(account: str, currency: str, amount: int) -> Movement:
    """An advance on a dispute's outcome."""
    books = card_networks(currency), issuing(account, currency)
    kind = "issuing_dispute_provisional_credit"
    return issuing_movement(kind, account, currency, *books, amount, "Provisional credit for dispute")


def withdraw_provisional_credit(account: str, currency: str, amount: int) -> Movement:
    """The advance on a dispute is taken back when it is resolved."""
    books = issuing(account, currency), card_networks(currency)
    kind = "issuing_dispute_provisional_credit_reversal"
    return issuing_movement(kind, account, currency, *books, amount, "Provisional credit for dispute withdrawn")


def fund_issuing(account: str, currency: str, amount: int, description: str | None) -> Movement:
    """A bank sends money to the Issuing balance."""
    books = banks(currency), issuing(account, currency)
    return issuing_movement("topup", account, currency, *books, amount, description)


def take_back_topup(account: str, currency: str, balance_type: str, amount: int, description: str | None) -> Movement:
    """A bank takes back money that it had sent to a balance; `balance_type` is `issuing` or `payments`."""
    book = issuing(account, currency) if balance_type == "issuing" else available(account, currency)
    movement = issuing_movement("topup_reversal", account, currency, book, banks(currency), amount, description)
    return movement._replace(details={**movement.details, "balance_type": balance_type})


def fund_payments(account: str, currency: str, amount: int, description: str | None) -> Movement:
    """A bank sends money to the payments balance."""
    books = banks(currency), available(account, currency)
    return payments_movement("topup", account, currency, *books, amount, description)


def pay_out(
    account: str,
    currency: str,
    balance_type: str,
    amount: int,
    description: str | None,
    *,
    to: str,
    available_on: int | None = None,
) -> Movement:
    """A balance gives money away: `to` the banks, or on its way to a financial account."""
    book = balance_books(account, balance_type, currency)[0]
    movement = issuing_movement("payout", account, currency, book, to, amount, description)
    later = {} if available_on is None else {"available_on": available_on}
    return movement._replace(details={**movement.details, "balance_type": balance_type, **later})


def keep_minimum(account: str, currency: str, amount: int) -> Movement:
    """Part of a balance is held back from the automatic payout that is being made."""
    books = available(account, currency), minimum(account, currency)
    return payments_movement("payout_minimum_balance_hold", account, currency, *books, amount, None)


def release_minimum(account: str, currency: str, amount: int) -> Movement:
    """What was held back from an automatic payout is available again, right after it."""
    books = minimum(account, currency), available(account, currency)
    return payments_movement("payout_minimum_balance_release", account, currency, *books, amount, None)


def take_payout_back(
    kind: str, account: str, currency: str, balance_type: str, amount: int, description: str | None, *, source: str
) -> Movement:
    """What was paid out comes back from its `source`: the `kind` is `payout_cancel`, `payout_failure`, or `payout`
    for the payout that reverses another."""
    book = balance_books(account, balance_type, currency)[0]
    movement = issuing_movement(kind, account, currency, source, book, amount, description)
    return movement._replace(details={**movement.details, "balance_type": balance_type})


def payments_movement(
    kind: str, account: str, currency: str, source: str, target: str, amount: int, description: str | None
) -> Movement:
    """A movement that appears as a balance transaction of an account's payments balance."""
    movement = issuing_movement(kind, account, currency, source, target, amount, description)
    return movement._replace(details={**movement.details, "balance_type": "payments"})


def transfer_away(
    account: str, currency: str, amount: int, description: str | None, available_on: int, now: int
) -> Movement:
    """A balance gives money to that of another account."""
    books = due(account, currency, available_on, now), transfers_in_transit(currency)
    movement = payments_movement("transfer", account, currency, *books, amount, description)
    return on_its_day(movement, available_on)


def receive_transfer(
    account: str, currency: str, amount: int, available_on: int, now: int, *, fee: int = 0, application: str = ""
) -> Movement:
    """A balance gets what a transfer brings, and sets aside a fee for the platform."""
    lines = collected(
        transfers_in_transit(currency), due(account, currency, available_on, now), currency, amount, application_fee=fee
    )
    movement = balance_movement("payment", account, lines, None)
    details = charged(currency, available_on, application_fee=fee, application=application)
    return movement._replace(details={**movement.details, **details})


def give_transfer_back(
    account: str, currency: str, amount: int, available_on: int, now: int, *, fee: int = 0, application: str = ""
) -> Movement:
    """The reversal of a transfer takes from a balance what that had brought, but for a `fee` that comes back."""
    book = due(account, currency, available_on, now)
    lines = collected(transfers_in_transit(currency), book, currency, -amount, application_fee=-fee)
    movement = balance_movement("payment_refund", account, lines, "REFUND FOR PAYMENT")
    details = charged(currency, available_on, application_fee=-fee, application=application)
    return movement._replace(details={**movement.details, **details})


def take_transfer_back(
    account: str, currency: str, amount: int, description: str | None, available_on: int, now: int
) -> Movement:
    """A balance gets back what it had given away by a transfer."""
    books = transfers_in_transit(currency), due(account, currency, available_on, now)
    movement = payments_movement("transfer_refund", account, currency, *books, amount, description)
    return on_its_day(movement, available_on)


# Charges. `available_on` is when what they bring can be paid out; a refund before that day takes it from there.


def on_its_day(movement: Movement, available_on: int) -> Movement:
    """The same movement, its balance transaction with the day on which it counts."""
    return movement._replace(details={**movement.details, "available_on": available_on})


def collected(
    source: str, target: str, currency: str, amount: int, *, fee: int = 0, application_fee: int = 0
) -> tuple[Line, ...]:
    """Money from a source, less what is kept of it: a fee of Stripe's and one of the platform's."""
    lines = (
        Line(source, -amount),
        Line(target, amount - fee - application_fee),
        Line(processor(currency), fee),
        Line(fees_in_transit(currency), application_fee),
    )
    return tuple(line for line in lines if line.amount or line.book in (source, target))


def charged(
    currency: str, available_on: int, *, fee: int = 0, application_fee: int = 0, application: str = ""
) -> dict[str, Any]:
    """What a balance transaction shows of the fees in it."""
    kinds = (
        (application_fee, application, "Application fee", "application_fee"),
        (fee, None, "Stripe processing fees", "stripe_fee"),
    )
    return {
        "available_on": available_on,
        "balance_type": "payments",
        "currency": currency,
        "fee": fee + application_fee,
        "fee_details": [
            {"amount": part, "application": whose, "currency": currency, "description": says, "type": type}
            for part, whose, says, type in kinds
            if part
        ],
    }


def collect_payment(
    account: str,
    currency: str,
    amount: int,
    description: str | None,
    available_on: int,
    now: int,
    *,
    is_of_bank: bool,
    fee: int,
    application_fee: int = 0,
    application: str = "",
) -> Movement:
    """Somebody pays by card, or from a bank account: a balance gets what the fees leave of it."""
    lines = collected(
        payers(currency, is_of_bank=is_of_bank),
        due(account, currency, available_on, now),
        currency,
        amount,
        fee=fee,
        application_fee=application_fee,
    )
    movement = balance_movement("payment" if is_of_bank else "charge", account, lines, description)
    details = charged(currency, available_on, fee=fee, application_fee=application_fee, application=application)
    return movement._replace(details={**movement.details, **details})


def refund_payment(
    account: str,
    currency: str,
    amount: int,
    available_on: int,
    now: int,
    *,
    is_of_bank: bool,
    application_fee: int = 0,
    application: str = "",
) -> Movement:
    """Money goes back to whoever paid. Stripe keeps its fee; what comes back of the platform's lessens the refund."""
    source, book = payers(currency, is_of_bank=is_of_bank), due(account, currency, available_on, now)
    lines = collected(source, book, currency, -amount, application_fee=-application_fee)
    kind, noun = ("payment_refund", "PAYMENT") if is_of_bank else ("refund", "CHARGE")
    movement = balance_movement(kind, account, lines, f"REFUND FOR {noun}")
    details = charged(currency, available_on, application_fee=-application_fee, application=application)
    return movement._replace(details={**movement.details, **details})


def bounce_refund(account: str, currency: str, amount: int, *, is_of_bank: bool) -> Movement:
    """A refund that its bank cannot place comes back."""
    books = payers(currency, is_of_bank=is_of_bank), available(account, currency)
    return payments_movement("refund_failure", account, currency, *books, amount, "REFUND FAILURE")


def withdraw_disputed(account: str, currency: str, amount: int, fee: int, *, charge: str, is_of_bank: bool) -> Movement:
    """A bank takes disputed money back, and Stripe a fee for it. The balance may go below zero."""
    source = payers(currency, is_of_bank=is_of_bank)
    lines = collected(source, available(account, currency), currency, -amount, fee=fee)
    movement = balance_movement("adjustment", account, lines, f"Chargeback withdrawal for {charge}")
    details = disputed(currency, fee)
    return movement._replace(details={**movement.details, **details})


def reinstate_disputed(
    account: str, currency: str, amount: int, fee: int, *, charge: str, is_of_bank: bool
) -> Movement:
    """A dispute is won: its money comes back, and the fee with it."""
    source = payers(currency, is_of_bank=is_of_bank)
    lines = collected(source, available(account, currency), currency, amount, fee=-fee)
    movement = balance_movement("adjustment", account, lines, f"Chargeback reversal for {charge}")
    return movement._replace(details={**movement.details, **disputed(currency, -fee)})


def disputed(currency: str, fee: int) -> dict[str, Any]:
    """What a balance transaction of a dispute shows of the fee in it."""
    detail = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Dispute fee",
        "type": "stripe_fee",
    }
    return {
        "balance_type": "payments",
        "currency": currency,
        "fee": fee,
        "fee_details": [detail] if fee else [],
    }


def receive_application_fee(account: str, currency: str, amount: int, available_on: int, now: int) -> Movement:
    """A platform gets its fee."""
    books = fees_in_transit(currency), due(account, currency, available_on, now)
    movement = payments_movement("application_fee", account, currency, *books, amount, None)
    return on_its_day(movement, available_on)


def give_application_fee_back(account: str, currency: str, amount: int, available_on: int, now: int) -> Movement:
    """A platform gives its fee back."""
    books = due(account, currency, available_on, now), fees_in_transit(currency)
    movement = payments_movement("application_fee_refund", account, currency, *books, amount, None)
    return on_its_day(movement, available_on)


def receive_application_fee_back(account: str, currency: str, amount: int, available_on: int, now: int) -> Movement:
    """An account gets back what its platform had taken of a charge, without a refund of the charge."""
    books = fees_in_transit(currency), due(account, currency, available_on, now)
    movement = payments_movement("adjustment", account, currency, *books, amount, "Application fee refund")
    return on_its_day(movement, available_on)


def become_available(flow: str, account: str, currency: str, amount: int) -> Movement:
    """What a flow had left pending can be paid out. It is on no statement but the flow's own."""
    lines = (Line(pending(account, currency), -amount), Line(available(account, currency), amount))
    return Movement("funds_available", flow, lines, prefix="avail", details={"currency": currency})
