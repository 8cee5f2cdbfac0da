"""Refunds: money of a charge goes back to whoever paid, at once or after a while, and may come back itself.

    pending ── arrive ──▶ succeeded ── bounce ──▶ failed

Those of cards succeed at once, but for two test cards: one whose refunds take a while, and one whose refunds fail
afterwards. Those to bank accounts arrive by the next request. A refund takes what the charge had sent on back from its
destination, and what the platform had kept of it, only where it says so.
Source: https://docs.stripe.com/api/refunds, https://docs.stripe.com/refunds, https://docs.stripe.com/testing#refunds
and recorded replies
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from emulator import chart_of_accounts as chart
from emulator import progress
from emulator.connect.records.accounts import application_of
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, exclusive, invalid, no_such
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Boolean,
    Currency,
    Email,
    Enum,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    merged_metadata,
)
from emulator.kernel.records import replace
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.payments import amounts, application_fee, charging, funds, not_built
from emulator.payments import card_test_numbers as cards
from emulator.payments.application_fee import ApplicationFee
from emulator.payments.charge import Charge
from emulator.payments.charging import TakenBack
from emulator.payments.payment_intents import PaymentIntent
from emulator.payments.payment_methods import PaymentMethod
from emulator.payments.refund import LIFECYCLE, OF_BANKS, Refund

OF_BALANCES = {
    "currency": "refunds from cash balances of customers",
    "customer": "refunds from cash balances of customers",
    "instructions_email": "refunds that ask their receiver where to",
    "origin": "refunds from cash balances of customers",
}


# What may be sent


class CreateParams(Params):
    """What goes back of which charge."""

    amount = Amount()
    charge = String()
    currency = Currency()
    customer = String()
    instructions_email = Email()
    metadata = Metadata()
    origin = Enum(("customer_balance",))
    payment_intent = String()
    reason = Enum(("duplicate", "fraudulent", "requested_by_customer"))
    refund_application_fee = Boolean()
    reverse_transfer = Boolean()


class UpdateParams(Params):
    """What may change of a refund."""

    metadata = Metadata()


class RefundListParams(ListParams):
    """Filters of the list."""

    charge = String()
    created = Range()
    payment_intent = String()


# What happens


def create(world: World, params: dict[str, Any]) -> Refund:
    """Give money of a charge back.

    400 for a charge that brought none, of which nothing is left or less than is asked for, or that is disputed; for a
    transfer or a fee to take back where there is none, and a transfer that its destination no longer has.
    """
    not_built.refuse(params, OF_BALANCES)
    charge = charge_of(world, params)
    refuse_unpaid(charge, world.now)
    amount = params.get("amount", charge.left)
    refuse_more(charge, amount)
    back = transfer_back(world, charge, amount) if params.get("reverse_transfer") else None
    fee = fee_back(world, charge, amount) if params.get("refund_application_fee") else None
    if fee is not None and charge.transfer is not None and back is None:
        raise not_built.not_built(
            "refunds of the fee of a charge whose transfer stays; send reverse_transfer too",
            param="refund_application_fee",
        )
    method = world.find(PaymentMethod, charge.payment_method)
    number = None if method is None or charge.is_of_bank else method.number
    waits = charge.is_of_bank or number == cards.REFUND_PENDS
    group = charge.id.partition("_")[2][:16]
    refund = Refund(
        id=world.new_id(OF_BANKS if charge.is_of_bank else Refund.prefix, group=group),
        created=world.now,
        amount=amount,
        charge=charge.id,
        currency=charge.currency,
        destination_details=destination(charge),
        metadata=merged_metadata({}, params),
        payment_intent=charge.payment_intent,
        pending_reason="processing" if waits else None,
        reason=params.get("reason"),
        status="pending" if waits else "succeeded",
    )
    if not charge.captured:
        charging.let_go(world, charge)
    else:
        refund = with_money(world, charge, refund, None if back is not None else fee, group)
    if back is not None:
        taken = TakenBack(world.new_id("trr", group=group), back[0], back[1], 0 if fee is None else fee[1])
        refund = replace(refund, transfer_reversal=taken.reversal)
        world.put(refund)
        world.tell("payments.refund.takes_back", refund, taken)
    world.put(refund)
    after = world.put(replace(charge, amount_refunded=charge.amount_refunded + amount))
    world.emit("refund.created", refund)
    world.emit("charge.refunded", after, before=charge)
    world.tell("payments.charge.refunded", after)
    if waits:
        progress.at_once(world, "payments.refunds.arrive", refund.id)
    elif number == cards.REFUND_FAILS:
        progress.at_once(world, "payments.refunds.bounce", refund.id)
    return refund


def charge_of(world: World, params: dict[str, Any]) -> Charge:
    """The charge that is named, or the one that paid the intent that is. 400 for neither, and for both that differ."""
    if "charge" in params:
        charge = world.get(Charge, params["charge"], param="charge")
        if params.get("payment_intent", charge.payment_intent) != charge.payment_intent:
            raise exclusive("charge", "payment_intent")
        return charge
    if "payment_intent" not in params:
        raise ApiError(
            400,
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
            param="charge",
        )
    intent = world.get(PaymentIntent, params["payment_intent"], param="payment_intent")
    charge = world.find(Charge, intent.latest_charge)
    if charge is None or intent.status != "succeeded":
        raise invalid(f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.")
    return charge


def refuse_unpaid(charge: Charge, now: int) -> None:
    """400 for a charge that nothing can be given back of."""
    if charge.source_transfer is not None:
        raise invalid(
            f"Charge {charge.id} was created by a transfer; reverse {charge.source_transfer} instead.",
            code="charge_not_refundable",
        )
    if charge.status != "succeeded":
        raise invalid(
            f"Charge {charge.id} is {charge.status}, so that it cannot be refunded.", code="charge_not_refundable"
        )
    if not charge.captured and charge.payment_intent is not None:
        raise invalid(
            f"Charge {charge.id} has not been captured. Cancel {charge.payment_intent} to let its amount go.",
            code="charge_not_refundable",
        )
    if charge.is_held and (charge.capture_before or 0) <= now:
        raise invalid(
            f"Charge {charge.id} has expired, and nothing of it is held any more.", code="charge_not_refundable"
        )
    if charge.disputed:
        raise invalid(f"Charge {charge.id} has been charged back; cannot issue a refund.", code="charge_disputed")
    if charge.left == 0:
        raise invalid(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")


def refuse_more(charge: Charge, amount: int) -> None:
    """400 for more than is left of a charge, and for a part of what is only held."""
    if amount > charge.left:
        whole = amounts.plain(charge.left, charge.currency)
        what = "charge amount" if charge.amount_refunded == 0 else "unrefunded amount on charge"
        raise invalid(
            f"Refund amount ({amounts.plain(amount, charge.currency)}) is greater than {what} ({whole})", param="amount"
        )
    if not charge.captured and amount != charge.amount:
        raise invalid("A charge that has not been captured can only be refunded as a whole.", param="amount")


def transfer_back(world: World, charge: Charge, amount: int) -> tuple[str, int]:
    """Which transfer is reversed with a refund, and how much of it: its share. 400 where no more so much is left, but
    for the last refund, which takes what there is."""
    transfer: Any = world.find(world.catalog.records["transfer"], charge.transfer)
    if transfer is None:
        raise invalid(f"Charge {charge.id} does not have an associated transfer to reverse.", param="reverse_transfer")
    share = amounts.share(transfer.amount, charge.amount_captured, charge.amount_refunded, amount)
    share = min(share, transfer.left) if amount == charge.left else share
    if not 0 < share <= transfer.left:
        raise invalid(f"Transfer {transfer.id} does not have so much left to reverse.", param="reverse_transfer")
    return transfer.id, share


def fee_back(world: World, charge: Charge, amount: int) -> tuple[ApplicationFee, int]:
    """Which fee is given back with a refund, and how much of it: its share, if so much is left."""
    found = world.anywhere(ApplicationFee, charge.application_fee)
    if found is None:
        raise invalid(f"Charge {charge.id} has no application fee to refund.", param="refund_application_fee")
    fee = found[1]
    share = amounts.share(fee.amount, charge.amount_captured, charge.amount_refunded, amount)
    return fee, min(share, fee.left)


def destination(charge: Charge) -> dict[str, Any]:
    """Where the money goes."""
    if charge.is_of_bank:
        return {"type": "us_bank_transfer", "us_bank_transfer": {"reference": None, "reference_status": "pending"}}
    card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"card": card if charge.captured else {"type": "reversal"}, "type": "card"}


def with_money(
    world: World, charge: Charge, refund: Refund, fee: tuple[ApplicationFee, int] | None, group: str
) -> Refund:
    """The refund once its money has left the balance, less what the platform gives back of its fee.

    It comes out of what is pending as long as the charge's own money is, then out of what is available, which may go
    below zero.
    """
    platforms = 0 if fee is None else fee[1]
    day = max(charge.available_on or 0, world.now)
    movement = chart.refund_payment(
        world.account,
        charge.currency,
        refund.amount,
        day,
        world.now,
        is_of_bank=charge.is_of_bank,
        application_fee=platforms,
        application=application_of(world),
    )
    entry = world.move(movement, because=refund.id, group=group)
    funds.wait(world, refund.id, charge.currency, platforms - refund.amount, day)
    if fee is not None and platforms:
        given = application_fee.give_back(world.as_account(world.platform), fee[0], platforms)
        refund = replace(refund, fee_refund=given.id)
    return replace(refund, balance_transaction=entry.id)


def update(world: World, params: dict[str, Any], id: str) -> Refund:
    """Change the metadata."""
    before = world.get(Refund, id)
    after = world.put(replace(before, metadata=merged_metadata(before.metadata, params)))
    told(world, before, after)
    return after


def told(world: World, before: Refund, after: Refund) -> None:
    """Say that a refund is not as it was, under both of its names."""
    world.emit("charge.refund.updated", after, before=before)
    world.emit("refund.updated", after, before=before)


def cancel(world: World, params: dict[str, Any], id: str) -> Refund:
    """Always 400: no refund here waits for its receiver to say where to, and no other can be canceled."""
    refund = world.get(Refund, id)
    raise invalid(
        f"Refund {id} has a status of {refund.status}. Only refunds with a status of requires_action can be canceled."
    )


def arrive(world: World, id: str) -> None:
    """The refund has reached whoever paid."""
    before = world.get(Refund, id)
    after = world.put(LIFECYCLE.follow(before, "arrive", pending_reason=None))
    told(world, before, after)


def bounce(world: World, id: str) -> None:
    """The bank cannot place the refund, and its money comes back."""
    before = world.get(Refund, id)
    charge = world.get(Charge, before.charge)
    movement = chart.bounce_refund(world.account, before.currency, before.amount, is_of_bank=charge.is_of_bank)
    entry = world.move(movement, because=id, group=id.partition("_")[2][:16])
    after = world.put(
        LIFECYCLE.follow(before, "bounce", failure_balance_transaction=entry.id, failure_reason="unknown")
    )
    left = world.put(replace(charge, amount_refunded=charge.amount_refunded - before.amount))
    world.emit("charge.refund.updated", after, before=before)
    world.emit("refund.failed", after)
    world.emit("charge.updated", left, before=charge)


def of_charge(world: World, params: dict[str, Any], charge: str) -> Sequence[Condition]:
    """The refunds of one charge. 404 for one that is not there."""
    return [Condition("charge", "eq", world.get(Charge, charge).id)]


def retrieve_of_charge(world: World, params: dict[str, Any], charge: str, id: str) -> Refund:
    """Read one refund of a charge. 404 for one of another charge."""
    found = world.get(Charge, charge)
    refund = world.get(Refund, id)
    if refund.charge != found.id:
        raise no_such(Refund.noun, id, param="refund")
    return refund


retrieve_of_charge.is_retrieve = True  # type: ignore[attr-defined]


def audit(world: World) -> Iterator[str]:
    """Refunds that do not agree with what they moved, and charges that do not agree with their refunds."""
    for account, one in world.store.every(Refund):
        if one.source_transfer_reversal is not None:
            continue
        is_of_bank = one.charge.startswith("py_")
        moved = world.ledger.moved(chart.payers(one.currency, is_of_bank=is_of_bank), flow=one.id, owner=account)
        given = one.amount if one.balance_transaction is not None and one.status != "failed" else 0
        if moved != given:
            yield f"{one.id} is {one.status} and over {one.amount}, yet {moved} left"
    for account, charge in world.store.every(Charge):
        if charge.source_transfer is not None:
            continue
        refunds = world.as_account(account).all(Refund, charge=charge.id)
        back = sum(one.amount for one in refunds if one.status != "failed")
        if back != charge.amount_refunded:
            yield f"{charge.id} says that {charge.amount_refunded} was refunded, its refunds {back}"
    yield from world.ledger.orphans(Refund)


RECORDS: tuple[type, ...] = ()
PROGRESS = {"payments.refunds.arrive": arrive, "payments.refunds.bounce": bounce}
AUDIT = audit
ROUTES = [
    POST("/v1/refunds", create, CreateParams),
    GET("/v1/refunds", lists(Refund), RefundListParams),
    GET("/v1/refunds/{refund}", retrieves(Refund)),
    POST("/v1/refunds/{refund}", update, UpdateParams),
    POST("/v1/refunds/{refund}/cancel", cancel),
    GET("/v1/charges/{charge}/refunds", lists(Refund, narrow=of_charge)),
    GET("/v1/charges/{charge}/refunds/{refund}", retrieve_of_charge),
]
