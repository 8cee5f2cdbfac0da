"""Authorizations: a merchant asks whether a card may pay; what is said yes to is held until the merchant collects it.

    pending ── decline ──────────▶ closed       nothing is held
       ├────── approve ──────────▶ pending      the amount is held
       ├────── increment ────────▶ pending      more is held
       ├────── finalize ─────────▶ pending      what was really bought is held
       ├────── reverse in part ──▶ pending
       ├────── reverse ──────────▶ reversed
       ├────── capture in part ──▶ pending
       ├────── capture ──────────▶ closed
       ├────── settle ───────────▶ closed       what is left after captures in part runs out
       └────── expire ───────────▶ expired      by the clock, or by a test
    closed ── capture, capture in part ──▶ closed     merchants may collect more
    expired ── capture ──▶ closed                     or be late
       └────── capture in part ──▶ expired

Undecided and approved are no statuses: both are `pending`, and `approved` tells them apart. How a request is decided is
told in `deciding`, what merchants do with an authorization in test mode in `authorization_helpers`.
Source: https://docs.stripe.com/issuing/purchases/authorizations, https://docs.stripe.com/api/issuing/authorizations
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from typing import Any

from emulator import chart_of_accounts as chart
from emulator.balances import balance_transactions
from emulator.connect import issuing_access
from emulator.issuing import (
    fraud_challenges,
    purse,
    spending_controls,
)
from emulator.issuing.cards import Card
from emulator.issuing.spending_controls import Spending
from emulator.issuing.transactions import Transaction
from emulator.kernel.dates import DAY
from emulator.kernel.events import differences
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Enum, ListParams, Metadata, Params, Range, String, merged_metadata
from emulator.kernel.records import record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury.transactions import Transaction as TreasuryTransaction

LIFECYCLE = Lifecycle(
    "pending",
    {
        "pending": {
            "approve": "pending",
            "decline": "closed",
            "capture": "closed",
            "capture in part": "pending",
            "increment": "pending",
            "finalize": "pending",
            "reverse in part": "pending",
            "reverse": "reversed",
            "expire": "expired",
            "settle": "closed",
        },
        "closed": {"capture": "closed", "capture in part": "closed"},
        "expired": {"capture": "closed", "capture in part": "expired"},
        "reversed": {},
    },
)
METHODS_WITH_THE_CARD = frozenset({"chip", "contactless", "swipe"})


def include_fraud_challenges(world: World, record: Authorization, rendered: dict[str, Any]) -> None:
    """Show the fraud challenges; null where none was ever sent."""
    rendered["fraud_challenges"] = record.fraud_challenges or None


@record(
    "issuing.authorization",
    prefix="iauth",
    noun="issuing authorization",
    filters=("card", "cardholder", "status"),
    hidden=(
        "captured",
        "chain",
        "financial_account",
        "fraud_disputability_likelihood",
        "held",
        "is_counted",
        "requested_details",
        "risk_assessment",
        "treasury_transaction",
    ),
    expands=("cardholder", "token"),
    embeds=("balance_transactions", "card", "transactions"),
    includes={"fraud_challenges": Include(include_fraud_challenges)},
)
class Authorization:
    """One authorization. Amounts in minor units: `amount`, `held` and `captured` of the card's currency.

    It is undecided while `pending_request` is not null: the first request if it is not `approved`, else an increment.
    """

    id: str
    created: int
    card: str
    cardholder: str
    currency: str
    financial_account: str | None  # where the card's money was when this began
    amount_details: dict[str, Any]
    requested_details: dict[str, Any]  # the same as requests show it
    authorization_method: str
    fleet: dict[str, Any] | None
    fuel: dict[str, Any] | None
    merchant_currency: str
    merchant_data: dict[str, Any]
    network_data: dict[str, Any]
    pending_request: dict[str, Any] | None
    verification_data: dict[str, Any]
    wallet: str | None
    risk_assessment: dict[str, Any] | None
    fraud_disputability_likelihood: str | None
    amount: int = 0
    merchant_amount: int = 0
    approved: bool = False
    status: str = LIFECYCLE.start
    metadata: dict[str, str] = field(default_factory=dict)
    request_history: list[dict[str, Any]] = field(default_factory=list)
    fraud_challenges: list[dict[str, Any]] = field(default_factory=list)
    verified_by_fraud_challenge: bool = False
    token: str | None = None
    held: int = 0
    captured: int = 0
    is_counted: bool = False  # towards the card's lifecycle controls
    treasury_transaction: str | None = None
    chain: str | None = None  # counts for this card instead: where earlier versions have counted it

    @property
    def is_undecided(self) -> bool:
        """Whether somebody is still being asked."""
        return self.pending_request is not None

    @property
    def is_open(self) -> bool:
        """Whether it was approved and still waits for its capture."""
        return self.approved and self.status == "pending"

    def render(self, world: World) -> dict[str, Any]:
        """The authorization as the API shows it: card, balance transactions and transactions whole, as they are now."""
        transactions = world.all(Transaction, authorization=self.id) if self.captured else []
        # Money of a financial account makes no balance transactions.
        moved = world.entries_of(self.id) if self.approved and self.financial_account is None else []
        card = world.render(world.get(Card, self.card))
        members = shown(
            self,
            balance_transactions=balance_transactions.drawn(world, moved),
            card=card,
            card_presence=presence(self.authorization_method),
            transactions=[world.render(transaction) for transaction in transactions],
        )
        if not self.fraud_challenges:
            del members["fraud_challenges"]
        if self.risk_assessment is not None:
            members["risk_assessment"] = self.risk_assessment
        if self.financial_account is not None:
            oldest_first = transactions[::-1]
            members["treasury"] = {
                "received_credits": [one.received_credit for one in oldest_first if one.received_credit],
                "received_debits": [one.received_debit for one in oldest_first if one.received_debit],
                "transaction": self.treasury_transaction,
            }
        return members

    def own_members(self) -> dict[str, Any]:
        """What it shows of itself: what `previous_attributes` are about."""
        return {name: value for name, value in self.__dict__.items() if name not in self.hidden}


def presence(method: str) -> str:
    """Whether the card was there, which follows from how its details were given."""
    return "present" if method in METHODS_WITH_THE_CARD else "not_present"


def spending_of(authorization: Authorization) -> Spending:
    """Where this authorization counts against spending limits: in the windows in which it was created.

    An increment is checked against, and counts in, the same windows as what it adds to.
    """
    return Spending(
        authorization.chain or authorization.card,
        authorization.cardholder,
        authorization.currency,
        authorization.merchant_data["category"],
        authorization.created,
    )


def announce(world: World, before: Authorization, after: Authorization) -> None:
    """Tell of a change, unless nothing of the authorization itself has changed."""
    previous = differences(before.own_members(), after.own_members())
    if previous:
        world.emit("issuing_authorization.updated", after, previous=previous)


# Changing what is held


def change(
    world: World,
    before: Authorization,
    verb: str,
    *,
    hold: int = 0,
    release: int = 0,
    why: str = "",
    captured: int = 0,
    **changes: Any,
) -> Authorization:
    """Take an arrow: hold more or give held money back, count what was captured, store the rest. Announces nothing."""
    status = LIFECYCLE.after(before.status, verb)
    purse.release(world, before, release, why)
    transaction = purse.hold(world, before, hold)
    added = hold - release
    spending_controls.count(world, spending_of(before), captured + added)
    if status != before.status:
        world.cancel_due(before.id, "issuing.authorizations.expire")
    after = replace(
        before,
        status=status,
        held=before.held + added,
        captured=before.captured + captured,
        treasury_transaction=transaction,
        **changes,
    )
    return world.put(after)


def expire(world: World, before: Authorization) -> Authorization:
    """Give everything back because no capture came, or no further one. The amount stays visible."""
    after = change(world, before, end_without_capture(before, "expire"), release=before.held, why="expiration")
    announce(world, before, after)
    return after


def end_without_capture(authorization: Authorization, verb: str) -> str:
    """The arrow that reversing or expiring takes; where something was captured already it is closed instead."""
    return "settle" if authorization.captured else verb


def expire_when_due(world: World, id: str) -> None:
    """Expire an authorization whose time has come. One that is just being asked about has another day."""
    authorization = world.get(Authorization, id)
    if authorization.is_undecided:
        world.later(world.now + DAY, "issuing.authorizations.expire", about=id)
    elif authorization.is_open:
        expire(world, authorization)


def expire_challenge(world: World, id: str) -> None:
    """Close a fraud challenge that nobody answered."""
    before = world.get(Authorization, id)
    if any(fraud_challenges.is_pending(challenge) for challenge in before.fraud_challenges):
        after = world.put(replace(before, fraud_challenges=fraud_challenges.moved(before.fraud_challenges, "expire")))
        announce(world, before, after)


# Operations


class UpdateParams(Params):
    """Only metadata can change."""

    metadata = Metadata()


class AuthorizationListParams(ListParams):
    """Filters of the list."""

    card = String()
    cardholder = String()
    created = Range()
    status = Enum(("closed", "expired", "pending", "reversed"))


def update(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Change an authorization's metadata, in whatever state it is, undecided too."""
    before = world.get(Authorization, authorization)
    issuing_access.check(world)
    metadata = merged_metadata(before.metadata, params)

    after = world.put(replace(before, metadata=metadata))
    announce(world, before, after)
    return after


# Doctor


def treasury_held(world: World, account: str, authorization: Authorization) -> int | None:
    """What an authorization's Treasury transaction holds, or None where it names another than the last it has."""
    its_own = world.as_account(account).all(TreasuryTransaction, flow=authorization.id)
    if authorization.treasury_transaction != (its_own[0].id if its_own else None):
        return None
    return its_own[0].balance_impact["outbound_pending"] if its_own else 0


def audit(world: World) -> Iterator[str]:
    """Spending tallies, holds and captured totals that are not what the authorizations and transactions add up to."""
    tallies: Counter[tuple[str, str, str]] = Counter()
    held: Counter[str] = Counter()
    collected: Counter[str] = Counter()

    def spent(spending: Spending, amount: int) -> None:
        for *key, part in spending_controls.tally_rows(spending, amount):
            tallies[tuple(key)] += part

    for _, transaction in world.store.every(Transaction):
        if transaction.type == "capture" and transaction.authorization is None:
            spent(transaction.spending, -transaction.amount)
        elif transaction.type == "capture":
            collected[transaction.authorization] -= transaction.amount
    for account, authorization in world.store.every(Authorization):
        spent(spending_of(authorization), authorization.captured + authorization.held)
        if authorization.financial_account is None:
            if authorization.treasury_transaction is not None:
                yield f"{authorization.id} is of no financial account, and has a Treasury transaction"
            book = chart.issuing_held(account, authorization.currency)
            held[book] += authorization.held
            moved = world.ledger.moved(book, flow=authorization.id, owner=account)
            if moved != authorization.held:
                yield f"{authorization.id} says it holds {authorization.held}, its movements say {moved}"
        elif treasury_held(world, account, authorization) != authorization.held:
            yield f"{authorization.id} says it holds {authorization.held}, its Treasury transaction says otherwise"
        if authorization.captured != collected[authorization.id]:
            yield (
                f"{authorization.id} says {authorization.captured} was captured, its transactions say "
                f"{collected[authorization.id]}"
            )
    kept = {key: amount for key, amount in world.tallies.every().items() if key[0].startswith(("ic_", "ich_"))}
    for key in sorted(kept.keys() | tallies.keys()):
        if kept.get(key, 0) != tallies[key]:
            yield f"the spending tally {' '.join(key)} says {kept.get(key, 0)}, its authorizations say {tallies[key]}"
    for book, amount in held.items():
        if world.balance(book) != amount:
            yield f"{book} says {world.balance(book)}, the authorizations hold {amount}"


RECORDS = (Authorization,)
DUE = {"issuing.authorizations.expire": expire_when_due, "issuing.authorizations.expire_challenge": expire_challenge}
AUDIT = audit
ROUTES = [
    GET("/v1/issuing/authorizations", issuing_access.gated(lists(Authorization)), AuthorizationListParams),
    GET("/v1/issuing/authorizations/{authorization}", issuing_access.gated(retrieves(Authorization))),
    POST("/v1/issuing/authorizations/{authorization}", update, UpdateParams),
]
