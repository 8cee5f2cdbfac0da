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

Undecided and approved are no statuses: both are `pending`, and `approved` tells them apart. A request is decided in
this order: gather what is known, ask the rules, and conclude. Where somebody else is to be asked too, the undecided
request is stored with its `pending_request` and concluded later, when everything is gathered and asked again: an
undecided request holds no money.

Source: https://docs.stripe.com/issuing/purchases/authorizations, https://docs.stripe.com/api/issuing/authorizations
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

from emulator import chart_of_accounts as chart
from emulator.balances import balance_transactions
from emulator.connect import capabilities
from emulator.data.currencies import THREE_DECIMAL, ZERO_DECIMAL
from emulator.data.merchant_categories import CODES
from emulator.issuing import (
    access,
    cardholders,
    cards,
    decline,
    fraud_challenges,
    merchants,
    next_authorization,
    purse,
    spending_controls,
)
from emulator.issuing.cardholders import Cardholder
from emulator.issuing.cards import PENNY_AUTHORIZATION, Card
from emulator.issuing.decline import Attempt
from emulator.issuing.exchange_rates import scaled
from emulator.issuing.spending_controls import Spending
from emulator.issuing.transactions import Transaction
from emulator.kernel.asks import Ask
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.events import differences
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Amount, Enum, List, ListParams, Metadata, Params, Range, String, merged_metadata
from emulator.kernel.records import replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.settings import Setting, number
from emulator.kernel.store import Condition
from emulator.kernel.world import World
from emulator.treasury import features
from emulator.treasury.financial_accounts import FinancialAccount
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
# What the card network says of every authorization in test mode.
NETWORK_RISK_SCORE = 10
# A fuel pump asks for one unit of a currency with cents, and more is held.
# Source: https://docs.stripe.com/issuing/purchases/authorizations#fuel-dispensers
FUEL_STATUS_CHECK = 1_00

SETTINGS = (
    number(
        "fuel_hold_amount",
        100_00,
        "What is held, in minor units, when a fuel dispenser asks for a status check of one unit.",
    ),
    Setting(
        "prohibited_merchant_categories",
        [],
        List(Enum(tuple(CODES))),
        "Merchant categories at which every authorization is declined with the reason not_allowed.",
    ),
)


def include_fraud_challenges(world: World, record: Authorization, rendered: dict[str, Any]) -> None:
    """Show the fraud challenges; null where none was ever sent."""
    rendered["fraud_challenges"] = record.fraud_challenges or None


@dataclass(frozen=True)
class Authorization:
    """One authorization. Amounts in minor units: `amount`, `held` and `captured` of the card's currency.

    It is undecided while `pending_request` is not null: the first request if it is not `approved`, else an increment.
    """

    object: ClassVar[str] = "issuing.authorization"
    prefix: ClassVar[str] = "iauth"
    noun: ClassVar[str] = "issuing authorization"
    filters: ClassVar[tuple[str, ...]] = ("card", "cardholder", "status")
    hidden: ClassVar[tuple[str, ...]] = (
        "captured",
        "chain",
        "financial_account",
        "fraud_disputability_likelihood",
        "held",
        "is_counted",
        "requested_details",
        "risk_assessment",
        "treasury_transaction",
    )
    expands: ClassVar[tuple[str, ...]] = ("cardholder", "token")
    embeds: ClassVar[tuple[str, ...]] = ("balance_transactions", "card", "transactions")
    includes: ClassVar[dict[str, Include]] = {"fraud_challenges": Include(include_fraud_challenges)}

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
        members = shown(
            self,
            balance_transactions=self.balance_transactions(world),
            card=world.get(Card, self.card).render(world),
            card_presence=presence(self.authorization_method),
            transactions=[transaction.render(world) for transaction in transactions],
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

    def balance_transactions(self, world: World) -> list[dict[str, Any]]:
        """Holds and releases on the Issuing balance, newest first; money of a financial account makes none."""
        if not self.approved or self.financial_account is not None:
            return []
        return balance_transactions.caused_by(world, self.id)

    def own_members(self) -> dict[str, Any]:
        """What it shows of itself: what `previous_attributes` are about."""
        return {name: value for name, value in self.__dict__.items() if name not in self.hidden}


def presence(method: str) -> str:
    """Whether the card was there, which follows from how its details were given."""
    return "present" if method in METHODS_WITH_THE_CARD else "not_present"


# Deciding


class Verdict(NamedTuple):
    """What somebody who was asked has answered, or what stands for an answer that did not come.

    `amount` is what to hold instead of what was requested, where that can be chosen.
    """

    approved: bool
    reason: str
    amount: int | None = None
    metadata: dict[str, str | None] | None = None
    reason_message: str | None = None
    send_fraud_challenges: bool = False


def decide(
    world: World, authorization: Authorization, ask: Callable[[World, Authorization], Ask | None]
) -> Authorization | Ask:
    """Decide the pending request by the rules, and do what follows. The authorization need not be stored yet.

    Where no rule objects, `ask` may put the question to somebody else; then `conclude` ends the request later.
    """
    chosen = None if authorization.approved else next_authorization.waiting(world, authorization.card)
    request, hold = authorization.pending_request, amount_to_hold(world, authorization)
    # Whoever is asked may choose a smaller hold than a fuel dispenser's usual one, so that one need not be there yet.
    attempt = gather(world, authorization, request["amount"] if request["is_amount_controllable"] else hold, chosen)
    objections = decline.objections(attempt)
    question = ask(world, authorization) if not objections and chosen is None else None
    if question is not None:
        return question
    if attempt.hold != hold:
        attempt = attempt._replace(hold=hold)
        objections = decline.objections(attempt)
    if objections:
        verdict = Verdict(False, objections[0].reason)
    else:
        verdict = Verdict(True, attempt.forced_reason or "card_active")

    if chosen is not None:
        world.forget(chosen)
    return settle(world, authorization, attempt, verdict)


def conclude(world: World, authorization_id: str, verdict: Verdict) -> Authorization:
    """End the pending request of a stored authorization with somebody's verdict; a decided one stays as it is.

    Everything is read afresh and the rules are asked again: one that objects now declines although the verdict
    approves.
    """
    authorization = world.get(Authorization, authorization_id)
    if not authorization.is_undecided:
        return authorization
    usual = amount_to_hold(world, authorization)
    is_chosen = verdict.amount is not None and authorization.pending_request["is_amount_controllable"]
    attempt = gather(world, authorization, verdict.amount if is_chosen else usual)
    objections = decline.objections(attempt) if verdict.approved else []
    if objections:
        verdict = Verdict(False, objections[0].reason, metadata=verdict.metadata)
    return settle(world, authorization, attempt, verdict, question=world.asked_about(authorization_id))


def gather(
    world: World,
    authorization: Authorization,
    hold: int,
    chosen: next_authorization.NextAuthorization | None = None,
) -> Attempt:
    """All that the rules may look at, as it stands now. `hold` is what an approval would set aside."""
    card = world.get(Card, authorization.card)
    holder = world.get(Cardholder, authorization.cardholder)
    account = world.find(FinancialAccount, authorization.financial_account)
    merchant, checks = authorization.merchant_data, authorization.verification_data
    spending = spending_of(authorization)
    requested = authorization.pending_request["amount"]
    return Attempt(
        amount=requested,
        total=authorization.amount + requested,
        hold=hold,
        spendable=purse.spendable(world, authorization.financial_account, authorization.currency),
        currency=authorization.currency,
        forced_reason=chosen.reason if chosen else None,
        forced_approved=chosen.approved if chosen else False,
        issuing_capability=issuing_capability(world),
        card_status=card.status,
        card_valid_through=f"{card.exp_year:04}-{card.exp_month:02}",
        month=f"{datetime.fromtimestamp(world.now, UTC):%Y-%m}",
        pin_blocked=card.pin_blocked,
        cardholder_status=holder.status,
        cardholder_disabled_reason=cardholders.requirements(world, holder)["disabled_reason"],
        cvc_check=checks["cvc_check"],
        expiry_check=checks["expiry_check"],
        three_d_secure=checks["three_d_secure"]["result"] if checks["three_d_secure"] else None,
        fraud_risk=fraud_risk(authorization),
        verified_by_fraud_challenge=authorization.verified_by_fraud_challenge
        or fraud_challenges.is_vouched_for(world, card.id, merchant),
        financial_account=authorization.financial_account,
        financial_account_status=account.status if account else None,
        card_issuing_feature=features.status_of(world, account, "card_issuing") if account else None,
        outbound_flows=account.platform_restrictions["outbound_flows"] if account else None,
        merchant_category=merchant["category"],
        merchant_country=merchant["country"],
        merchant_is_prohibited=merchant["category"] in world.setting("prohibited_merchant_categories"),
        card_presence=presence(authorization.authorization_method),
        card_controls=spending_controls.seen_card_controls(
            world, card.spending_controls, spending, cards.lineage(world, card)
        ),
        cardholder_controls=spending_controls.seen_holder_controls(world, holder.spending_controls, spending),
    )


def issuing_capability(world: World) -> str:
    """Whether the account may issue cards; the platform's own always may unless Issuing is switched off."""
    if not world.setting("issuing_enabled"):
        return "inactive"
    return "active" if world.is_platform else capabilities.status_of(world, "card_issuing")


def fraud_risk(authorization: Authorization) -> str | None:
    """The level of fraud risk that the request came with."""
    assessed = (authorization.risk_assessment or {}).get("fraud_risk")
    return assessed["level"] if assessed else None


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


def amount_to_hold(world: World, authorization: Authorization) -> int:
    """What an approval of the pending request sets aside when nobody chooses another amount."""
    requested = authorization.pending_request["amount"]
    is_status_check = (
        not authorization.approved
        and requested == FUEL_STATUS_CHECK
        and authorization.merchant_data["category"] == merchants.FUEL_DISPENSERS
        and authorization.currency not in ZERO_DECIMAL | THREE_DECIMAL
    )
    return world.setting("fuel_hold_amount") if is_status_check else requested


def unusable_amount(authorization: Authorization, amount: int) -> str | None:
    """Why an amount cannot be held in place of the requested one, or None. Fuel pumps may hold more than they ask."""
    request = authorization.pending_request
    if amount < 1:
        return "amount must be positive."
    if amount > request["amount"] and authorization.merchant_data["category"] != merchants.FUEL_DISPENSERS:
        return "amount exceeds the requested amount."
    if amount < (request["amount_details"]["cashback_amount"] or 0):
        return "amount is less than the cashback amount."
    return None


def settle(
    world: World, undecided: Authorization, attempt: Attempt, verdict: Verdict, *, question: str | None = None
) -> Authorization:
    """Write a decision down: history, hold or decline, trace, event. `question` is the event of who was asked."""
    is_first = not undecided.approved
    before = replace(undecided, pending_request=None)
    entry = history_entry(world, undecided, attempt, verdict)
    changes: dict[str, Any] = {
        "pending_request": None,
        "request_history": [*undecided.request_history, entry],
        "metadata": merged_metadata(undecided.metadata, {"metadata": verdict.metadata or {}}),
        "verified_by_fraud_challenge": attempt.verified_by_fraud_challenge
        if is_first
        else undecided.verified_by_fraud_challenge,
    }
    if verdict.approved:
        changes |= {
            "status": LIFECYCLE.after(undecided.status, "approve" if is_first else "increment"),
            "approved": True,
            "amount": undecided.amount + entry["amount"],
            "merchant_amount": undecided.merchant_amount + entry["merchant_amount"],
            "held": undecided.held + entry["amount"],
            "treasury_transaction": purse.hold(world, undecided, entry["amount"]),
            "is_counted": undecided.is_counted or (is_first and entry["amount"] > PENNY_AUTHORIZATION),
        }
        spending_controls.count(world, spending_of(undecided), entry["amount"])
        if not is_first:
            world.cancel_due(undecided.id, "issuing.authorizations.expire")
        wait = merchants.seconds_to_capture(undecided.merchant_data["category"])
        world.later(world.now + wait, "issuing.authorizations.expire", about=undecided.id)
    elif is_first:
        changes |= {
            "status": LIFECYCLE.after(undecided.status, "decline"),
            "amount": entry["amount"],
            "merchant_amount": entry["merchant_amount"],
        }
    if not verdict.approved and is_challenged(world, verdict):
        challenge = fraud_challenges.sent_to(world.get(Cardholder, undecided.cardholder).phone_number)
        changes["fraud_challenges"] = [*undecided.fraud_challenges, challenge]
        if fraud_challenges.is_pending(challenge):
            world.later(world.now + fraud_challenges.DAY, "issuing.authorizations.expire_challenge", about=undecided.id)

    after = world.put(replace(undecided, **changes))
    keep_trace(world, after, attempt, entry, question)
    if is_first:
        world.emit("issuing_authorization.created", after)
        if after.is_counted:
            cards.count_payment(world, after.card)
    else:
        announce(world, before, after)
    return after


def history_entry(world: World, undecided: Authorization, attempt: Attempt, verdict: Verdict) -> dict[str, Any]:
    """One row of `request_history`: what was held, or what was refused; of an increment only what it adds."""
    request = undecided.pending_request
    amount = attempt.hold if verdict.approved else request["amount"]
    return {
        "amount": amount,
        "amount_details": request["amount_details"],
        "approved": verdict.approved,
        "authorization_code": f"S{world.draw() % 10**5:05}" if verdict.approved else None,
        "created": world.now,
        "currency": request["currency"],
        "merchant_amount": scaled(request["merchant_amount"], amount, request["amount"]),
        "merchant_currency": request["merchant_currency"],
        "network_risk_score": request["network_risk_score"],
        "reason": verdict.reason,
        "reason_message": verdict.reason_message,
        "requested_at": world.now,
    }


def is_challenged(world: World, verdict: Verdict) -> bool:
    """Whether a decline sends the cardholder a fraud challenge: always when asked for, else by the setting."""
    by_setting = verdict.reason == "suspected_fraud" and world.setting("fraud_challenges")
    return verdict.send_fraud_challenges or by_setting


def announce(world: World, before: Authorization, after: Authorization) -> None:
    """Tell of a change, unless nothing of the authorization itself has changed."""
    previous = differences(before.own_members(), after.own_members())
    if previous:
        world.emit("issuing_authorization.updated", after, previous=previous)


# What rules saw


@dataclass(frozen=True)
class AuthorizationTrace:
    """What the rules were told at each request of one authorization, and which of them objected."""

    object: ClassVar[str] = "emulator.authorization_trace"
    prefix: ClassVar[str] = "why"
    is_listed: ClassVar[bool] = False
    noun: ClassVar[str] = "authorization trace"
    filters: ClassVar[tuple[str, ...]] = ()
    hidden: ClassVar[tuple[str, ...]] = ()
    expands: ClassVar[tuple[str, ...]] = ()
    embeds: ClassVar[tuple[str, ...]] = ()
    includes: ClassVar[dict[str, Any]] = {}

    id: str
    created: int
    requests: list[dict[str, Any]]

    def render(self, world: World) -> dict[str, Any]:
        """As stored; `GET /_emulator/why/{id}` tells it."""
        return shown(self)


def trace_id(authorization: str) -> str:
    """Where the trace of an authorization is kept."""
    return f"why_{authorization}"


def keep_trace(
    world: World, authorization: Authorization, attempt: Attempt, entry: dict[str, Any], question: str | None
) -> None:
    """Add a decision to what is known of an authorization's decisions."""
    outcome = {name: entry[name] for name in ("approved", "created", "reason", "reason_message")}
    objections = [rule.says for rule in decline.objections(attempt)]
    request = {**outcome, "attempt": attempt._asdict(), "objections": objections, "question": question}
    known = (
        world.find(AuthorizationTrace, trace_id(authorization.id)) if len(authorization.request_history) > 1 else None
    )
    earlier = known.requests if known is not None else []
    world.put(AuthorizationTrace(trace_id(authorization.id), authorization.created, [*earlier, request]))


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
        world.later(world.now + merchants.DAY, "issuing.authorizations.expire", about=id)
    elif authorization.is_open:
        expire(world, authorization)


def expire_challenge(world: World, id: str) -> None:
    """Close a fraud challenge that nobody answered."""
    before = world.get(Authorization, id)
    if any(fraud_challenges.is_pending(challenge) for challenge in before.fraud_challenges):
        after = world.put(replace(before, fraud_challenges=fraud_challenges.moved(before.fraud_challenges, "expire")))
        announce(world, before, after)


def refuse_unless_open(authorization: Authorization, verb: str) -> None:
    """400 for a helper that needs an approved authorization which still waits for its capture."""
    if authorization.is_undecided:
        raise awaiting_decision()
    if not authorization.is_open:
        raise invalid(f"You cannot {verb} an authorization with status '{authorization.status}'.")


def awaiting_decision() -> ApiError:
    """400: somebody is still being asked."""
    return invalid("This authorization is awaiting a decision.")


# Operations


class UpdateParams(Params):
    """Only metadata can change."""

    metadata = Metadata()


class ApproveParams(Params):
    """A yes within the window. `amount`, in minor units, only where the request lets it be chosen."""

    amount = Amount()
    metadata = Metadata()


class DeclineParams(Params):
    """A no within the window."""

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
    access.check(world)
    metadata = merged_metadata(before.metadata, params)

    after = world.put(replace(before, metadata=metadata))
    announce(world, before, after)
    return after


def approve(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Approve an undecided request (deprecated at Stripe). 400 outside the window, and for an amount not to choose."""
    pending = being_asked(world, authorization)
    amount = params.get("amount")
    if amount is not None:
        if not pending.pending_request["is_amount_controllable"]:
            raise invalid("The amount of this authorization cannot be controlled.", param="amount")
        complaint = unusable_amount(pending, amount)
        if complaint:
            raise invalid(complaint, param="amount")
    world.decided(authorization, "approved through the API")
    return conclude(world, authorization, Verdict(True, "webhook_approved", amount, metadata_of(pending, params)))


def decline_request(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Decline an undecided request (deprecated at Stripe). 400 outside the window."""
    pending = being_asked(world, authorization)
    world.decided(authorization, "declined through the API")
    return conclude(world, authorization, Verdict(False, "webhook_declined", metadata=metadata_of(pending, params)))


def metadata_of(authorization: Authorization, params: dict[str, Any]) -> dict[str, str | None] | None:
    """The metadata changes of a request; an emptied `metadata` takes every key away."""
    if params.get("metadata", {}) is None:
        return dict.fromkeys(authorization.metadata)
    return params.get("metadata")


def being_asked(world: World, id: str) -> Authorization:
    """An authorization within the window for its decision. 400 outside of it."""
    authorization = world.get(Authorization, id)
    if not authorization.is_undecided:
        raise invalid("This authorization is no longer pending a decision.")
    return authorization


# Doctor


def treasury_held(world: World, account: str, authorization: Authorization) -> int | None:
    """What an authorization's Treasury transaction holds, or None for one that is gone or of something else."""
    if authorization.treasury_transaction is None:
        return 0
    found = world.as_account(account).find(TreasuryTransaction, authorization.treasury_transaction)
    return found.balance_impact["outbound_pending"] if found and found.flow == authorization.id else None


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
            book = chart.issuing_held(account, authorization.currency)
            held[book] += authorization.held
            entries = world.ledger.entries(
                [Condition("flow", "eq", authorization.id), Condition("owner", "eq", account)]
            )
            moved = sum(entry.impact(book) for entry in entries)
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


RECORDS = (Authorization, AuthorizationTrace)
DUE = {"issuing.authorizations.expire": expire_when_due, "issuing.authorizations.expire_challenge": expire_challenge}
AUDIT = audit
ROUTES = [
    GET("/v1/issuing/authorizations", access.gated(lists(Authorization)), AuthorizationListParams),
    GET("/v1/issuing/authorizations/{authorization}", access.gated(retrieves(Authorization))),
    POST("/v1/issuing/authorizations/{authorization}", update, UpdateParams),
    POST("/v1/issuing/authorizations/{authorization}/approve", approve, ApproveParams),
    POST("/v1/issuing/authorizations/{authorization}/decline", decline_request, DeclineParams),
]
