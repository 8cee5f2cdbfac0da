"""Transfers: money that goes from a platform's balance to that of a connected account, and back by reversals.

It arrives in the same step, as a payment that the destination has received. A connected account can transfer to its
platform too. Reversals take it back, in parts if that is wanted, while the destination still has it.
Source: https://docs.stripe.com/api/transfers, https://docs.stripe.com/api/transfer_reversals and
https://docs.stripe.com/connect/separate-charges-and-transfers
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any

from emulator import chart_of_accounts as chart
from emulator.balances.received_payments import PaymentRefund, ReceivedPayment
from emulator.connect.records import capabilities
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, invalid, missing, no_such, unbuilt
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

SHOWN = 10  # reversals that a transfer shows itself
CAN_RECEIVE = ("transfers", "legacy_payments")
TOO_LITTLE = (
    "You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance "
    "by creating Charges using the 4000000000000077 test card. See: https://stripe.com/docs/testing#available-balance"
)


@record(
    "transfer",
    prefix="tr",
    noun="transfer",
    filters=("destination", "transfer_group"),
    expands=("balance_transaction", "destination", "destination_payment"),
    embeds=("reversals",),
)
class Transfer:
    """One transfer. `amount` in minor units."""

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
    balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

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
            source_transaction=None,
        )


@record(
    "transfer_reversal",
    prefix="trr",
    noun="transfer reversal",
    filters=("transfer",),
    expands=("balance_transaction", "destination_payment_refund", "transfer"),
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

    def render(self, world: World) -> dict[str, Any]:
        """The reversal, which has no `livemode`."""
        members = shown(self, source_refund=None)
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
    """How much to take back: all that is left, unless said otherwise. There are no application fees to refund."""

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

    400 for an account that is not the other side of this platform or cannot receive transfers, and for more than the
    balance holds. 501 with `source_transaction`, since charges are not built.
    """
    if "source_transaction" in params:
        raise unbuilt(
            "This emulator does not build charges yet, so no transfer can have a source_transaction.",
            param="source_transaction",
        )
    if "amount" not in params:
        raise missing("amount")
    there = receiver(world, params["destination"])
    amount, currency = params["amount"], params["currency"]
    source_type = params.get("source_type", "card")
    if source_type != "card" or amount > world.balance(chart.available(world.account, currency)):
        raise insufficient(TOO_LITTLE)

    description = params.get("description")
    transfer = Transfer(
        id=world.new_id(Transfer.prefix),
        created=world.now,
        amount=amount,
        currency=currency,
        description=description,
        destination=there.account,
        destination_payment=there.new_id(ReceivedPayment.prefix),
        metadata=merged_metadata({}, params),
        source_type=source_type,
        transfer_group=params.get("transfer_group"),
    )
    sent = world.move(chart.transfer_away(world.account, currency, amount, description), because=transfer.id)
    payment = ReceivedPayment(transfer.destination_payment, world.now, amount, currency, transfer.id)
    got = there.move(chart.receive_transfer(there.account, currency, amount), because=payment.id)
    there.put(replace(payment, balance_transaction=got.id))
    transfer = world.put(replace(transfer, balance_transaction=sent.id))
    world.emit("transfer.created", transfer)
    return transfer


def receiver(world: World, account: str) -> World:
    """Who gets the money: a connected account of the platform, or the platform itself. 400 for anybody else."""
    is_there = world.may_act(account) and account != world.account
    if not is_there or not (world.is_platform or account == world.platform):
        raise no_such("destination", account, param="destination", status=400)
    there = world.as_account(account)
    if not any(capabilities.status_of(there, name) == "active" for name in CAN_RECEIVE):
        raise invalid(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers, "
            "crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    return there


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
    there, currency = world.as_account(transfer.destination), transfer.currency
    if amount > there.balance(chart.available(there.account, currency)):
        raise insufficient(
            f"The account {there.account} does not have enough funds available to reverse this transfer."
        )

    reversal = TransferReversal(
        id=world.new_id(TransferReversal.prefix),
        created=world.now,
        amount=amount,
        currency=currency,
        destination_payment_refund=there.new_id(PaymentRefund.prefix),
        metadata=merged_metadata({}, params),
        transfer=id,
    )
    refund = PaymentRefund(
        id=reversal.destination_payment_refund,
        created=world.now,
        amount=amount,
        charge=transfer.destination_payment,
        currency=currency,
        source_transfer_reversal=reversal.id,
        transfer_reversal=reversal.id,
    )
    given = there.move(chart.give_transfer_back(there.account, currency, amount), because=refund.id)
    there.put(replace(refund, balance_transaction=given.id))
    payment = there.get(ReceivedPayment, transfer.destination_payment)
    there.put(replace(payment, amount_refunded=payment.amount_refunded + amount))
    back = chart.take_transfer_back(world.account, currency, amount, params.get("description"))
    entry = world.move(back, because=reversal.id)
    reversal = world.put(replace(reversal, balance_transaction=entry.id))
    reversed_ = world.put(replace(transfer, amount_reversed=transfer.amount_reversed + amount))
    world.emit("transfer.reversed", reversed_, before=transfer)
    return reversal


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
        moved = world.ledger.moved(chart.available(account, transfer.currency), flow=transfer.id)
        if moved != -transfer.amount:
            yield f"{transfer.id} is over {transfer.amount}, yet {-moved} left"
        back = sum(one.amount for one in inside.all(TransferReversal, transfer=transfer.id))
        if back != transfer.amount_reversed:
            yield f"{transfer.id} says that {transfer.amount_reversed} came back, its reversals {back}"
        payment = world.as_account(transfer.destination).find(ReceivedPayment, transfer.destination_payment)
        says = payment and (payment.source_transfer, payment.amount, payment.currency, payment.amount_refunded)
        if says != (transfer.id, transfer.amount, transfer.currency, transfer.amount_reversed):
            yield f"{transfer.id} is not what {transfer.destination_payment} has received: {says}"
    for kind, sign in ((ReceivedPayment, 1), (TransferReversal, 1), (PaymentRefund, -1)):
        for account, one in world.store.every(kind):
            moved = world.ledger.moved(chart.available(account, one.currency), flow=one.id)
            if moved != sign * one.amount:
                yield f"{one.id} is over {one.amount}, yet moved {moved}"
    for book, held in world.ledger.books("stripe:transfers:").items():
        if held:
            yield f"{book} holds {held}, and transfers arrive at once"
    for kind in (Transfer, TransferReversal, ReceivedPayment, PaymentRefund):
        yield from world.ledger.orphans(kind)


RECORDS = (Transfer, TransferReversal)
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
