"""Transfers: money that goes from a platform's balance to that of a connected account, and back by reversals.

It arrives in the same step, as a payment that the destination has received. A connected account can transfer to its
platform too. Reversals take it back, in parts if that is wanted, while the destination still has it. A charge with a
destination is followed by a transfer, and its refund, if that is wanted, by a reversal. What is transferred of a charge
whose money is pending is pending at its destination too, until the same day.
Source: https://docs.stripe.com/api/transfers, https://docs.stripe.com/api/transfer_reversals and
https://docs.stripe.com/connect/separate-charges-and-transfers
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any

from emulator import chart_of_accounts as chart
from emulator.connect.records.accounts import application_of
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, invalid, missing, no_such
from emulator.kernel.lists import listed, lists
from emulator.kernel.params import (
    Amount,
    Boolean,
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
from emulator.payments import amounts, application_fee, funds
from emulator.payments.application_fee import ApplicationFee
from emulator.payments.charge import OF_BANKS as OF_PAYMENTS
from emulator.payments.charge import Charge
from emulator.payments.charging import SentOn, TakenBack
from emulator.payments.recipients import receiver
from emulator.payments.refund import OF_BANKS as OF_REFUNDS
from emulator.payments.refund import Refund

SOURCE = "source_transaction"
SHOWN = 10  # reversals that a transfer shows itself
TOO_LITTLE = (
    "You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance "
    "by creating Charges using the 4000000000000077 test card. See: https://stripe.com/docs/testing#available-balance"
)


@record(
    "transfer",
    prefix="tr",
    noun="transfer",
    filters=("destination", "source_transaction", "transfer_group"),
    hidden=("available_on",),
    expands=("balance_transaction", "destination", "destination_payment", "source_transaction"),
    expands_beyond=("destination_payment",),
    embeds=("reversals",),
)
class Transfer:
    """One transfer. `amount` in minor units; `available_on` is the day of what it is of, None for money at hand."""

    id: str
    created: int
    amount: int
    currency: str
    description: str | None
    destination: str
    destination_payment: str
    source_type: str
    transfer_group: str | None
    amount_reversed: int = 0
    available_on: int | None = None
    balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    source_transaction: str | None = None

    @property
    def left(self) -> int:
        """What of it has not been reversed."""
        return self.amount - self.amount_reversed

    def render(self, world: World) -> dict[str, Any]:
        """The transfer with its newest reversals."""
        found = world.all(TransferReversal, transfer=self.id)
        rows = [world.render(reversal) for reversal in found[:SHOWN]]
        page = listed(rows, f"/v1/transfers/{self.id}/reversals", has_more=len(found) > SHOWN)
        return shown(
            self,
            reversals={**page, "total_count": len(found)},
            reversed=self.left == 0,
        )


@record(
    "transfer_reversal",
    prefix="trr",
    noun="transfer reversal",
    filters=("transfer",),
    expands=("balance_transaction", "destination_payment_refund", "source_refund", "transfer"),
    expands_beyond=("destination_payment_refund",),
    silent=("metadata",),
)
class TransferReversal:
    """What came back of a transfer at once."""

    id: str
    created: int
    amount: int
    currency: str
    destination_payment_refund: str
    transfer: str
    balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    source_refund: str | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The reversal, which has no `livemode`."""
        members = shown(self)
        del members["livemode"]
        return members


# What may be sent


class CreateParams(Params):
    """How much, and to which account."""

    amount = Amount()
    currency = Currency(required=True)
    description = String()
    destination = String(required=True)
    metadata = Metadata()
    source_transaction = String()
    source_type = Enum(("bank_account", "card", "fpx"))
    transfer_group = String()


class UpdateParams(Params):
    """What may change of a transfer."""

    description = String()
    metadata = Metadata()


class TransferListParams(ListParams):
    """Filters of the list."""

    created = Range()
    destination = String()
    transfer_group = String()


class ReverseParams(Params):
    """How much to take back: all that is left, unless said otherwise; and whether the fee goes back in proportion."""

    amount = Amount()
    description = String(unset=True)
    metadata = Metadata()
    refund_application_fee = Boolean()


class UpdateReversalParams(Params):
    """What may change of a reversal."""

    metadata = Metadata()


# What then


def create(world: World, params: dict[str, Any]) -> Transfer:
    """Move money to another account's balance.

    400 for an account that is not the other side of this platform or cannot receive transfers, for more than the
    balance holds, and for more than a `source_transaction` has left.
    """
    source = world.get(Charge, params["source_transaction"], param="source_transaction") if SOURCE in params else None
    if source is None and "amount" not in params:
        raise missing("amount")
    there = receiver(world, params["destination"], param="destination")
    currency = params["currency"]
    amount = params["amount"] if source is None else part_of(world, source, params)
    available_on = None if source is None else source.available_on
    source_type = params.get("source_type", "card")
    book = chart.due(world.account, currency, available_on or world.now, world.now)
    if source_type != "card" or (available_on or 0) <= world.now and amount > world.balance(book):
        raise insufficient(TOO_LITTLE)
    group = params.get("transfer_group")
    if source is not None:
        group = group or source.transfer_group or f"group_{source.id}"
        world.put(replace(source, transfer_group=group))
    transfer = Transfer(
        id=world.new_id(Transfer.prefix),
        created=world.now,
        amount=amount,
        available_on=available_on,
        currency=currency,
        description=params.get("description"),
        destination=there.account,
        destination_payment=there.new_id(OF_PAYMENTS),
        metadata=merged_metadata({}, params),
        source_transaction=None if source is None else source.id,
        source_type=source_type,
        transfer_group=group,
    )
    return sent(world, transfer)


def part_of(world: World, source: Charge, params: dict[str, Any]) -> int:
    """How much of a charge is transferred: all that it has brought, or what is said. 400 for more than is left."""
    if source.currency != params["currency"]:
        raise invalid(
            f"The currency of source_transaction's balance transaction ({source.currency}) must be the same as the "
            f"transfer currency ({params['currency']})",
            param=SOURCE,
        )
    if source.balance_transaction is None:
        raise invalid(f"Charge {source.id} has not brought any money that could be transferred.", param=SOURCE)
    sent_before = sum(one.left for one in world.all(Transfer, source_transaction=source.id))
    amount = params.get("amount", source.left)
    if not 0 < amount <= source.left - sent_before:
        raise invalid(
            "Transfers using this transaction as a source must not exceed the source amount of "
            f"{source.left}. (Note: There is already {sent_before} in transfers using this source.)",
            param=SOURCE,
        )
    return amount


def sent(
    world: World, transfer: Transfer, *, fee: str | None = None, fee_amount: int = 0, group: str | None = None
) -> Transfer:
    """The transfer once its money has left, and has arrived; a fee of what it brings is the platform's."""
    there = world.as_account(transfer.destination)
    amount, currency, day = transfer.amount, transfer.currency, transfer.available_on or world.now
    away = chart.transfer_away(world.account, currency, amount, transfer.description, day, world.now)
    entry = world.move(away, because=transfer.id, group=group)
    payment = Charge(
        id=transfer.destination_payment,
        created=world.now,
        amount=amount,
        amount_captured=amount,
        application_fee=fee,
        application_fee_amount=fee_amount or None,
        available_on=transfer.available_on,
        captured=True,
        currency=currency,
        paid=True,
        payment_method_details={"type": "stripe_account", "stripe_account": {}},
        source_transfer=transfer.id,
        status="succeeded",
    )
    application = application_of(world)
    arriving = chart.receive_transfer(
        there.account, currency, amount, day, world.now, fee=fee_amount, application=application
    )
    got = there.move(arriving, because=payment.id)
    there.put(replace(payment, balance_transaction=got.id))
    if transfer.available_on is not None:
        funds.wait(world, transfer.id, currency, -amount, transfer.available_on)
        funds.wait(there, payment.id, currency, amount - fee_amount, transfer.available_on)
    transfer = world.put(replace(transfer, balance_transaction=entry.id))
    world.emit("transfer.created", transfer)
    return transfer


def send_on(world: World, charge: Charge, on: SentOn) -> None:
    """A charge was made for another account: what it brings goes there, but for a fee that the platform keeps."""
    transfer = Transfer(
        id=on.transfer,
        created=world.now,
        amount=on.amount,
        available_on=charge.available_on,
        currency=charge.currency,
        description=None,
        destination=on.destination,
        destination_payment=on.payment,
        source_transaction=charge.id,
        source_type="card",
        transfer_group=charge.transfer_group,
    )
    sent(world, transfer, fee=on.fee, fee_amount=on.fee_amount, group=on.group)


def insufficient(says: str) -> ApiError:
    """400 for more than a balance holds."""
    return invalid(says, code="balance_insufficient")


def update(world: World, params: dict[str, Any], id: str) -> Transfer:
    """Change the description or the metadata."""
    before = world.get(Transfer, id)
    after = world.put(
        replace(
            before,
            description=params.get("description", before.description),
            metadata=merged_metadata(before.metadata, params),
        )
    )
    world.emit("transfer.updated", after, before=before)
    return after


def reverse(world: World, params: dict[str, Any], id: str) -> TransferReversal:
    """Take a transfer back, or a part of it.

    400 for more than is left of it, once nothing is, and for more than the destination's balance holds.
    """
    transfer = world.get(Transfer, id)
    if transfer.left == 0:
        raise invalid(f"Transfer {id} has already been fully reversed.")
    amount = params.get("amount", transfer.left)
    if amount > transfer.left:
        raise invalid(
            f"The reversal amount ({amount}) is greater than the unreversed amount of the transfer ({transfer.left}).",
            param="amount",
        )
    start = TransferReversal(
        id=world.new_id(TransferReversal.prefix),
        created=world.now,
        amount=amount,
        currency=transfer.currency,
        destination_payment_refund=world.as_account(transfer.destination).new_id(OF_REFUNDS),
        metadata=merged_metadata({}, params),
        transfer=id,
    )
    fee = fee_back(world, transfer, amount) if params.get("refund_application_fee") else 0
    return taken_back(world, transfer, start, fee=fee, description=params.get("description"))


def fee_back(world: World, transfer: Transfer, amount: int) -> int:
    """How much of the platform's fee goes back with a reversal: its share, if so much is left."""
    payment = world.as_account(transfer.destination).get(Charge, transfer.destination_payment)
    fee = world.find(ApplicationFee, payment.application_fee)
    if fee is None:
        return 0
    return min(fee.left, amounts.share(fee.amount, transfer.amount, transfer.amount_reversed, amount))


def taken_back(
    world: World, transfer: Transfer, reversal: TransferReversal, *, fee: int, description: str | None = None
) -> TransferReversal:
    """The reversal once its money is back, less the `fee` that the platform gives back with it.

    400 for more than the destination's balance holds.
    """
    there, currency, amount = world.as_account(transfer.destination), transfer.currency, reversal.amount
    day = max(transfer.available_on or 0, world.now)
    if amount - fee > there.balance(chart.due(there.account, currency, day, world.now)):
        raise insufficient(
            f"The account {there.account} does not have enough funds available to reverse this transfer."
        )
    payment = there.get(Charge, transfer.destination_payment)
    refund = Refund(
        id=reversal.destination_payment_refund,
        created=world.now,
        amount=amount,
        charge=payment.id,
        currency=currency,
        source_transfer_reversal=reversal.id,
        transfer_reversal=reversal.id,
    )
    application = application_of(world)
    giving = chart.give_transfer_back(there.account, currency, amount, day, world.now, fee=fee, application=application)
    given = there.move(giving, because=refund.id)
    there.put(replace(refund, balance_transaction=given.id))
    there.put(replace(payment, amount_refunded=payment.amount_refunded + amount))
    back = chart.take_transfer_back(world.account, currency, amount, description, day, world.now)
    entry = world.move(back, because=reversal.id)
    funds.wait(there, refund.id, currency, fee - amount, day)
    funds.wait(world, reversal.id, currency, amount, day)
    if fee:
        application_fee.give_back(world, world.get(ApplicationFee, str(payment.application_fee)), fee)
    reversal = world.put(replace(reversal, balance_transaction=entry.id))
    reversed_ = world.put(replace(transfer, amount_reversed=transfer.amount_reversed + amount))
    world.emit("transfer.reversed", reversed_, before=transfer)
    return reversal


def take_back(world: World, refund: Refund, back: TakenBack) -> None:
    """A refund takes back what its charge had sent on. 400 for more than the destination's balance holds."""
    transfer = world.get(Transfer, back.transfer)
    start = TransferReversal(
        id=back.reversal,
        created=world.now,
        amount=back.amount,
        currency=transfer.currency,
        destination_payment_refund=world.as_account(transfer.destination).new_id(OF_REFUNDS),
        source_refund=refund.id,
        transfer=transfer.id,
    )
    taken_back(world, transfer, start, fee=back.fee)


def of_transfer(world: World, params: dict[str, Any], id: str) -> Sequence[Condition]:
    """The reversals of one transfer. 404 for one that is not there."""
    return [Condition("transfer", "eq", world.get(Transfer, id).id)]


def reversal_of(world: World, transfer: str, id: str) -> TransferReversal:
    """A reversal that a path names. 404 for one of another transfer."""
    found = world.get(Transfer, transfer)
    reversal = world.get(TransferReversal, id)
    if reversal.transfer != found.id:
        raise no_such(TransferReversal.noun, id, param="id")
    return reversal


def retrieve_reversal(world: World, params: dict[str, Any], transfer: str, id: str) -> TransferReversal:
    """Read one reversal of a transfer."""
    return reversal_of(world, transfer, id)


def update_reversal(world: World, params: dict[str, Any], transfer: str, id: str) -> TransferReversal:
    """Change the metadata of a reversal. There is no event for it."""
    reversal = reversal_of(world, transfer, id)
    return world.put(replace(reversal, metadata=merged_metadata(reversal.metadata, params)))


retrieve_reversal.is_retrieve = True  # type: ignore[attr-defined]


def audit(world: World) -> Iterator[str]:
    """Transfers, reversals and payments that do not agree with what they moved, or with one another."""
    for account, transfer in world.store.every(Transfer):
        inside = world.as_account(account)
        books = chart.balance_books(account, "payments", transfer.currency)
        moved = world.ledger.moved(*books, flow=transfer.id)
        if moved != -transfer.amount:
            yield f"{transfer.id} is over {transfer.amount}, yet {-moved} left"
        back = sum(one.amount for one in inside.all(TransferReversal, transfer=transfer.id))
        if back != transfer.amount_reversed:
            yield f"{transfer.id} says that {transfer.amount_reversed} came back, its reversals {back}"
        payment = world.as_account(transfer.destination).find(Charge, transfer.destination_payment)
        says = payment and (payment.source_transfer, payment.amount, payment.currency, payment.amount_refunded)
        if says != (transfer.id, transfer.amount, transfer.currency, transfer.amount_reversed):
            yield f"{transfer.id} is not what {transfer.destination_payment} has received: {says}"
    for account, one in world.store.every(TransferReversal):
        moved = world.ledger.moved(*chart.balance_books(account, "payments", one.currency), flow=one.id)
        if moved != one.amount:
            yield f"{one.id} is over {one.amount}, yet moved {moved}"
    for account, one in world.store.every(Charge):
        if one.source_transfer is not None:
            moved = world.ledger.moved(*chart.balance_books(account, "payments", one.currency), flow=one.id)
            if moved != one.amount - (one.application_fee_amount or 0):
                yield f"{one.id} is over {one.amount}, yet moved {moved}"
    for book, held in world.ledger.books("stripe:transfers:").items():
        if held:
            yield f"{book} holds {held}, and transfers arrive at once"
    for kind in (Transfer, TransferReversal):
        yield from world.ledger.orphans(kind)


RECORDS = (Transfer, TransferReversal)
WHEN = {"payments.charge.sent_on": send_on, "payments.refund.takes_back": take_back}
AUDIT = audit
ROUTES = [
    POST("/v1/transfers", create, CreateParams),
    GET("/v1/transfers", lists(Transfer), TransferListParams),
    GET("/v1/transfers/{transfer}", retrieves(Transfer)),
    POST("/v1/transfers/{transfer}", update, UpdateParams),
    POST("/v1/transfers/{id}/reversals", reverse, ReverseParams),
    GET("/v1/transfers/{id}/reversals", lists(TransferReversal, narrow=of_transfer), ListParams),
    GET("/v1/transfers/{transfer}/reversals/{id}", retrieve_reversal),
    POST("/v1/transfers/{transfer}/reversals/{id}", update_reversal, UpdateReversalParams),
]
