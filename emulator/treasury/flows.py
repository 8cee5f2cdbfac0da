"""What received credits and received debits share: money that comes or is taken without the owner asking for it.

Whether one succeeds is decided when it arrives and never changes. One that fails moves nothing. A kind of record says
of itself, as class variables, its `sign` (1 where cash grows, -1 where it shrinks) and the `flows` it can be linked to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from emulator import banking_days
from emulator.kernel.ledger import Movement
from emulator.kernel.params import Amount, Currency, Hash, Params, String
from emulator.kernel.records import replace
from emulator.kernel.world import World
from emulator.treasury import features, financial_accounts, initiating, transactions
from emulator.treasury.financial_accounts import ABA, FinancialAccount
from emulator.treasury.initiating import InitiatingParams

DEFAULT_DESCRIPTION = "Stripe Test"
DAYS_TO_REVERSE = 2


class Notice(NamedTuple):
    """What the other side says of money that it sends or takes. `amount` in cents, positive."""

    amount: int
    network: str
    description: str
    details: dict[str, Any]  # the initiating payment method
    linked_flows: dict[str, str | None] = {}  # noqa: RUF012  (never changed)
    other_side: str | None = None  # the flow of this tenant behind it, where a bank stands between and does not tell


class FromBankParams(Params):
    """Money that a bank sends or takes, as the test helpers are told."""

    amount = Amount(required=True)
    currency = Currency(required=True)
    description = String()
    financial_account = String(required=True)
    initiating_payment_method_details = Hash(InitiatingParams)


def by_bank(params: dict[str, Any]) -> Notice:
    """What a bank says, by the parameters of a test helper."""
    sent = params.get("initiating_payment_method_details", {}).get("us_bank_account")
    description = params.get("description", DEFAULT_DESCRIPTION)
    return Notice(params["amount"], params["network"], description, initiating.bank_account(sent))


def failure(world: World, account: FinancialAccount, network: str, direction: str | None) -> str | None:
    """Why an account does not take part in what somebody wants of it over a network, or None.

    Banks need its address. Restricting one direction does not stop the other; without one no restriction stops it.
    """
    if financial_accounts.is_owner_rejected(world):
        return "account_frozen"
    if account.status == "closed":
        return "account_closed"
    feature = "intra_stripe_flows" if network == "stripe" else ABA
    return None if features.allows(world, account, feature, direction) else "account_frozen"


def succeeded(world: World, kind: type[Any], movement: Movement, notice: Notice) -> Any:
    """A flow that moves money of the account whose movement it is, with a posted transaction. Announces nothing."""
    id = world.new_id(kind.prefix)
    transaction = transactions.begin(
        world,
        financial_account=movement.owner,
        flow=id,
        flow_type=kind.object.rpartition(".")[2],
        amount=kind.sign * notice.amount,
        description=initiating.statement_line(notice.details, kind.noun.capitalize(), notice.description),
    )
    transactions.carry(world, transaction.id, movement, status="posted")
    return kept(world, kind, id, movement.owner, notice, status="succeeded", transaction=transaction.id)


def failed(world: World, kind: type[Any], account: FinancialAccount, notice: Notice, why: str) -> Any:
    """A flow that could not be, kept as such. Nothing moves."""
    id = world.new_id(kind.prefix)
    return kept(world, kind, id, account.id, notice, status="failed", failure_code=why)


def kept(
    world: World,
    kind: type[Any],
    id: str,
    financial_account: str,
    notice: Notice,
    *,
    status: str,
    failure_code: str | None = None,
    transaction: str | None = None,
) -> Any:
    """The record of a flow, stored."""
    return world.put(
        kind(
            id=id,
            created=world.now,
            amount=notice.amount,
            currency="usd",
            description=notice.description,
            failure_code=failure_code,
            financial_account=financial_account,
            initiating_payment_method_details=notice.details,
            linked_flows={**dict.fromkeys(kind.flows), **notice.linked_flows},
            network=notice.network,
            other_side=notice.other_side,
            status=status,
            transaction=transaction,
        )
    )


def link(world: World, flow: Any, **ids: str) -> Any:
    """Remember which flows have come of a flow."""
    return world.put(replace(flow, linked_flows={**flow.linked_flows, **ids}))


def at_the_other_side(world: World, flow: Any) -> tuple[str, Any] | None:
    """The flow of this tenant that has caused a flow, after its owner; None where the other side is not here."""
    id = flow.other_side or flow.linked_flows.get("source_flow")
    kind = world.catalog.prefixes.get(id.partition("_")[0]) if id else None
    return world.anywhere(kind, id) if kind else None


def deadline(flow: Any) -> int | None:
    """Until when a flow can be turned back: those over ACH alone; unix seconds."""
    return banking_days.midnight_after(flow.created, DAYS_TO_REVERSE) if flow.network == "ach" else None


def audits(kind: type[Any]) -> Callable[[World], Iterator[str]]:
    """The audit of a kind: flows that their transaction does not agree with."""

    def audit(world: World) -> Iterator[str]:
        for account, flow in world.store.every(kind):
            status = "posted" if flow.status == "succeeded" else None
            yield from transactions.differing(world, account, flow, status=status, amount=kind.sign * flow.amount)

    return audit
