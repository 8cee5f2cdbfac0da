"""Charging a payment method: whether its bank pays, and where the money goes.

`charge` is the one way in. A card is declined or pays at once; a bank account pays later. What is captured is booked:
less Stripe's fee and the platform's it is pending until its day (see `funds`), and with a destination it goes on to
another account. What is only held can be captured for seven days.
Source: https://docs.stripe.com/api/charges, https://docs.stripe.com/testing,
https://docs.stripe.com/connect/destination-charges and recorded replies
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from emulator import chart_of_accounts as chart
from emulator import progress
from emulator.banking_days import collected as day_collected
from emulator.connect.records import accounts
from emulator.connect.records.accounts import application_of
from emulator.kernel.dates import DAY
from emulator.kernel.records import replace
from emulator.kernel.world import World
from emulator.payments import application_fee, bank_outcomes, funds, payment_methods
from emulator.payments import card_test_numbers as cards
from emulator.payments.application_fee import ApplicationFee, FeeRefund
from emulator.payments.bank_outcomes import Refusal
from emulator.payments.card_test_numbers import Decline
from emulator.payments.charge import OF_BANKS, Charge
from emulator.payments.payment_methods import PaymentMethod

DAYS_TO_CAPTURE = 7
# Stripe's fee: a share of the amount and a fixed part, of cards; of bank accounts a share up to a limit. Minor units.
CARD_SHARE, CARD_FIXED = Decimal("0.029"), 30
BANK_SHARE, BANK_MOST = Decimal("0.008"), 5_00
BLOCKED = Decline("card_declined", "fraudulent", cards.GENERIC)
COMPLETE = "Payment complete."
NO_DETAILS = "The bank did not return any further details with this decline."


class SentOn(NamedTuple):
    """What of a charge goes on to another account, and the ids that this is known by. `fee` is the platform's."""

    transfer: str
    destination: str
    payment: str
    amount: int
    group: str
    fee: str | None = None
    fee_amount: int = 0


class TakenBack(NamedTuple):
    """What a refund takes back of such a transfer, less what the platform gives back of its fee."""

    reversal: str
    transfer: str
    amount: int
    fee: int


def charge(
    world: World,
    method: PaymentMethod,
    *,
    amount: int,
    currency: str,
    group: str,
    captures: bool = True,
    books_at_once: bool = True,
    mandate: str | None = None,
    three_d_secure: dict[str, Any] | None = None,
    **more: Any,
) -> Charge:
    """One attempt to take money by a payment method; `more` are other members of the charge.

    A charge that fails says so, and nobody is refused here: see `declines`. With `captures` a card is charged, else
    the amount is held. With `books_at_once` the money is there when this returns, else by the next request.
    """
    is_of_bank = method.type == "us_bank_account"
    start = Charge(
        id=world.new_id(OF_BANKS if is_of_bank else Charge.prefix, group=group),
        created=world.now,
        amount=amount,
        currency=currency,
        billing_details=method.billing_details,
        payment_method=method.id,
        **more,
    )
    if is_of_bank:
        return debited(world, start, method, mandate)
    return carded(world, start, method, captures=captures, at_once=books_at_once, three_d_secure=three_d_secure)


def declines(method: PaymentMethod) -> Decline | None:
    """What the bank of a card says against charging it, or Stripe itself; None if nothing. Pure."""
    if method.type != "card" or method.number is None:
        return None
    card = cards.BY_NUMBER[method.number]
    return BLOCKED if card.number in cards.BLOCKED else card.decline or cards.DECLINED_WHEN_CHARGED.get(card.number)


def carded(
    world: World, start: Charge, method: PaymentMethod, *, captures: bool, at_once: bool, three_d_secure: Any
) -> Charge:
    """The charge of a card."""
    decline = declines(method)
    made = replace(start, outcome=outcome_of(method, decline))
    if decline is not None:
        failed = replace(
            made,
            failure_code=decline.code,
            failure_message=decline.message,
            payment_method_details=card_details(method, start, three_d_secure),
            status="failed",
        )
        world.put(failed)
        world.emit("charge.failed", failed)
        return failed
    paid = replace(made, paid=True, status="succeeded")
    if not captures:
        deadline = world.now + DAYS_TO_CAPTURE * DAY
        paid = replace(paid, capture_before=deadline)
        world.later(deadline, "payments.charging.expire", about=paid.id)
    paid = replace(paid, payment_method_details=card_details(method, paid, three_d_secure))
    return begun(world, paid, captures=captures, at_once=at_once)


def begun(world: World, paid: Charge, *, captures: bool, at_once: bool = True) -> Charge:
    """A charge that has been paid, or whose amount is held: booked at once, or by the next request."""
    if captures:
        paid = replace(paid, amount_captured=paid.amount, captured=True)
        paid = with_money(world, world.put(paid)) if at_once else paid
    paid = world.put(paid)
    world.emit("charge.succeeded", paid)
    if captures and not at_once:
        world.later(world.now, "payments.charging.book", about=paid.id)
    world.tell("payments.charge.succeeded", paid)
    return paid


def outcome_of(method: PaymentMethod, decline: Decline | None) -> dict[str, Any]:
    """What is said of how an attempt to charge a card ended."""
    risk = cards.RISKS.get(method.number or "", "normal")
    said: dict[str, Any] = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": risk,
        "seller_message": COMPLETE,
        "type": "authorized",
    }
    if decline is BLOCKED:
        return {
            **said,
            "network_status": "not_sent_to_network",
            "reason": "highest_risk_level",
            "seller_message": "Stripe blocked this payment as too risky.",
            "type": "blocked",
        }
    if decline is not None:
        return {
            **said,
            "network_status": "declined_by_network",
            "reason": decline.decline_code or decline.code,
            "seller_message": NO_DETAILS,
            "type": "issuer_declined",
        }
    return said


def card_details(method: PaymentMethod, charge: Charge, three_d_secure: Any = None) -> dict[str, Any]:
    """What a charge shows of the card."""
    checked = payment_methods.with_checks(method).card
    assert checked is not None, f"{method.id} is no card"
    same = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    details = {
        **{name: checked[name] for name in same},
        "amount_authorized": charge.amount if charge.paid else None,
        "authorization_code": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": checked["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": charge.amount, "status": "unavailable"},
        "regulated_status": checked["regulated_status"],
        "three_d_secure": three_d_secure,
        "transaction_link_id": None,
    }
    if charge.capture_before is not None:
        details["capture_before"] = charge.capture_before
    return {"card": details, "type": "card"}


# Bank accounts


def debited(world: World, start: Charge, method: PaymentMethod, mandate: str | None) -> Charge:
    """The charge of a bank account, which waits for the bank. How that ends is decided by the account's number."""
    bank = method.us_bank_account
    assert bank is not None, f"{method.id} is no bank account"
    same = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
    details = {**{name: bank[name] for name in same}, "mandate": mandate, "payment_reference": None}
    pending = world.put(
        replace(
            start,
            amount_captured=start.amount,
            captured=True,
            payment_method_details={"type": "us_bank_account", "us_bank_account": details},
        )
    )
    world.emit("charge.pending", pending)
    if method.number not in bank_outcomes.STAYS:
        by_bank = day_collected(world.now, "ach")
        progress.at_once(world, "payments.charging.clear", pending.id, by_bank=by_bank)
    return pending


def clear(world: World, id: str) -> None:
    """The bank has paid, or has refused to."""
    pending = world.get(Charge, id)
    method = world.get(PaymentMethod, str(pending.payment_method))
    refusal = bank_outcomes.of(method.number)
    said = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "not_assessed",
        "seller_message": COMPLETE,
        "type": "authorized",
    }
    if refusal is None:
        begun(world, replace(pending, outcome=said, paid=True, status="succeeded"), captures=True)
    else:
        failed = world.put(refused(pending, refusal, said))
        world.emit("charge.failed", failed)
        world.tell("payments.charge.failed", failed)


def refused(pending: Charge, refusal: Refusal, said: dict[str, Any]) -> Charge:
    """A charge that its bank has refused. Pure."""
    return replace(
        pending,
        failure_code=refusal.code,
        failure_message=refusal.message,
        outcome={
            **said,
            "network_status": "declined_by_network",
            "reason": refusal.code,
            "seller_message": NO_DETAILS,
            "type": "issuer_declined",
        },
        status="failed",
    )


# Money


def fee_of(world: World, charge: Charge) -> int:
    """What Stripe keeps of a charge, in minor units; nothing of accounts whose platform pays all fees.

    Custom and Express accounts, whose payer is `application_custom` or `application_express`, pay for their charges.
    Source: https://docs.stripe.com/connect/direct-charges-fee-payer-behavior
    """
    if not world.is_platform and accounts.of(world).fees_payer == "application":
        return 0
    if charge.is_of_bank:
        return min(rounded(charge.amount_captured * BANK_SHARE), BANK_MOST)
    return rounded(charge.amount_captured * CARD_SHARE) + CARD_FIXED


def rounded(amount: Decimal) -> int:
    """The nearest whole amount, half up."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def day_of(world: World, charge: Charge) -> int:
    """When the money of a charge can be paid out; some test cards, and bank accounts, have it there at once."""
    number = None if charge.is_of_bank else world.get(PaymentMethod, str(charge.payment_method)).number
    is_there = charge.is_of_bank or number == cards.BYPASSES_PENDING
    return world.now if is_there else funds.day_available(world)


def book(world: World, id: str) -> None:
    """The money of a charge is there, a moment after it was charged."""
    before = world.get(Charge, id)
    after = world.put(with_money(world, before))
    told = ("application_fee", "balance_transaction", "transfer")
    previous = {name: None for name in told if getattr(before, name) != getattr(after, name)}
    world.emit("charge.updated", after, previous=previous)


def with_money(world: World, charge: Charge) -> Charge:
    """The charge once its captured amount is booked, fees are taken and what is for another account has gone there.

    The platform's fee is what was captured at most. Source: https://docs.stripe.com/api/payment_intents/capture
    """
    day, group = day_of(world, charge), charge.id.partition("_")[2][:16]
    amount, currency = charge.amount_captured, charge.currency
    is_sent_on = charge.transfer_data is not None
    fee, platforms = fee_of(world, charge), min(charge.application_fee_amount or 0, amount)
    direct = 0 if is_sent_on else platforms
    platform = world.as_account(world.platform)
    fee_id = platform.new_id(ApplicationFee.prefix) if platforms else None
    movement = chart.collect_payment(
        world.account,
        currency,
        amount,
        charge.description,
        day,
        world.now,
        is_of_bank=charge.is_of_bank,
        fee=fee,
        application_fee=direct,
        application=application_of(world),
    )
    entry = world.move(movement, because=charge.id, group=group)
    funds.wait(world, charge.id, currency, amount - fee - direct, day)
    charge = replace(charge, application_fee=fee_id, available_on=day, balance_transaction=entry.id)
    payer, origin = (world.account, charge.id), None
    if is_sent_on:
        assert charge.transfer_data is not None
        destination = charge.transfer_data["destination"]
        part = charge.transfer_data["amount"]
        on = SentOn(
            transfer=world.new_id("tr", group=group),
            destination=destination,
            payment=world.as_account(destination).new_id(OF_BANKS),
            amount=amount if part is None else min(part, amount),
            group=group,
            fee=fee_id,
            fee_amount=platforms,
        )
        charge = replace(charge, transfer=on.transfer, transfer_group=charge.transfer_group or f"group_{charge.id}")
        payer, origin = (destination, on.payment), charge.id
        world.put(charge)
        world.tell("payments.charge.sent_on", charge, on)
    if fee_id is not None:
        application_fee.take(platform, fee_id, *payer, currency, platforms, day, originating_transaction=origin)
    return charge


# Later


def captured(world: World, held: Charge, amount: int, **changes: Any) -> Charge:
    """The charge once an amount that was held, or a part of it, is taken; the rest is let go."""
    world.cancel_due(held.id, "payments.charging.expire")
    taken = world.put(replace(held, amount_captured=amount, captured=True, **changes))
    after = world.put(with_money(world, taken))
    world.emit("charge.captured", after, before=held)
    world.tell("payments.charge.captured", after)
    return after


def let_go(world: World, held: Charge) -> None:
    """What was held is not needed any more."""
    world.cancel_due(held.id, "payments.charging.expire")


def expire(world: World, id: str) -> None:
    """Nobody has captured in time what was held."""
    held = world.get(Charge, id)
    if held.is_held and not held.refunded:
        world.emit("charge.expired", held)
        world.tell("payments.charge.expired", held)


def audit(world: World) -> Iterator[str]:
    """Charges that do not agree with what they moved."""
    for account, one in world.store.every(Charge):
        if one.source_transfer is not None:
            continue
        moved = world.ledger.moved(chart.payers(one.currency, is_of_bank=one.is_of_bank), flow=one.id, owner=account)
        taken = one.amount_captured if one.balance_transaction is not None else 0
        if -moved != taken:
            yield f"{one.id} has taken {taken}, yet {-moved} came"
    for account, fee in world.store.every(ApplicationFee):
        books = chart.balance_books(account, "payments", fee.currency)
        if world.ledger.moved(*books, flow=fee.id) != fee.amount:
            yield f"{fee.id} is over {fee.amount}, which is not what it moved"
        refunds = world.as_account(account).all(FeeRefund, fee=fee.id)
        for refund in refunds:
            if world.ledger.moved(*books, flow=refund.id) != -refund.amount or refund.currency != fee.currency:
                yield f"{refund.id} is over {refund.amount} {refund.currency}, which is not what it moved"
        if sum(refund.amount for refund in refunds) != fee.amount_refunded:
            yield f"{fee.id} says that {fee.amount_refunded} was given back, which its refunds do not"
    for name, held in world.ledger.books("stripe:application_fees:").items():
        if held:
            yield f"{name} holds {held}, and application fees arrive at once"
    for kind in (Charge, ApplicationFee, FeeRefund):
        yield from world.ledger.orphans(kind)


TELLS = (
    "payments.charge.captured",
    "payments.charge.expired",
    "payments.charge.failed",
    "payments.charge.refunded",
    "payments.charge.sent_on",
    "payments.charge.succeeded",
    "payments.refund.takes_back",
)
DUE = {"payments.charging.book": book, "payments.charging.expire": expire}
PROGRESS = {"payments.charging.clear": clear}
AUDIT = audit
