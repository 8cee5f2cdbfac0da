"""Disputes: the cardholder's side asks for the money of a purchase back.

    unsubmitted ── submit ──▶ submitted ── win ───▶ won
        └── expire ─▶ expired      └────── lose ──▶ lost

Nothing moves before the network decides, unless provisional credits are switched on. An explanation that reads
`winning_evidence` or `losing_evidence` decides a dispute right after it is submitted, unless flows do not move by
themselves; any other leaves it to the emulator's own switch. What is won comes back to where the card's money is: as a
balance transaction of the Issuing balance, or as a DebitReversal on the financial account.
Source: https://docs.stripe.com/api/issuing/disputes and https://docs.stripe.com/issuing/purchases/disputes
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator import chart_of_accounts as chart
from emulator import progress
from emulator.balances import balance_transactions
from emulator.connect import issuing_access
from emulator.issuing import dispute_evidence
from emulator.issuing.dispute_evidence import EvidenceParams
from emulator.issuing.transactions import Transaction
from emulator.kernel.dates import DAY
from emulator.kernel.errors import exclusive, invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Amount, Enum, Hash, ListParams, Metadata, Params, Range, String, merged_metadata
from emulator.kernel.records import record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.settings import number, switch
from emulator.kernel.world import World
from emulator.treasury import debit_reversals
from emulator.treasury.debit_reversals import DebitReversal
from emulator.treasury.received_debits import ReceivedDebit

FILING_WINDOW = 110 * DAY
# Cards here are Visa cards, whose window for this one reason is shorter.
NO_AUTHORIZATION_WINDOW = 65 * DAY
LIFECYCLE = Lifecycle(
    "unsubmitted",
    {
        "unsubmitted": {"submit": "submitted", "expire": "expired"},
        "submitted": {"win": "won", "lose": "lost"},
        "won": {},
        "lost": {},
        "expired": {},
    },
    says="You cannot {verb} a dispute with status '{status}'.",
)
VERBS = {"won": "win", "lost": "lose"}
# While one of these stands, a transaction cannot be disputed again.
STANDING = ("unsubmitted", "submitted", "won")
DECIDING_EXPLANATIONS = {"winning_evidence": "won", "losing_evidence": "lost"}
LOSS_REASONS = (
    "cardholder_authentication_issuer_liability",
    "eci5_token_transaction_with_tavv",
    "excess_disputes_in_timeframe",
    "has_not_met_the_minimum_dispute_amount_requirements",
    "invalid_duplicate_dispute",
    "invalid_incorrect_amount_dispute",
    "invalid_no_authorization",
    "invalid_use_of_disputes",
    "merchandise_delivered_or_shipped",
    "merchandise_or_service_as_described",
    "not_cancelled",
    "other",
    "refund_issued",
    "submitted_beyond_allowable_time_limit",
    "transaction_3ds_required",
    "transaction_approved_after_prior_fraud_dispute",
    "transaction_authorized",
    "transaction_electronically_read",
    "transaction_qualifies_for_visa_easy_payment_service",
    "transaction_unattended",
)
SETTINGS = (
    *dispute_evidence.SETTINGS,
    number("dispute_decision_seconds", 0, "How long after its submission a dispute is decided by its explanation."),
    switch("dispute_provisional_credits", False, "Whether a submitted dispute is credited until it is decided."),
)


def include_balance_transactions(world: World, dispute: Dispute, rendered: dict[str, Any]) -> None:
    """Put what the dispute did to the Issuing balance into it, newest first."""
    rendered["balance_transactions"] = balance_transactions.drawn(world, world.entries_of(dispute.id))


@record(
    "issuing.dispute",
    prefix="idp",
    noun="issuing dispute",
    filters=("status", "transaction"),
    hidden=("is_credited", "loss_reason", "treasury"),
    expands=("transaction", *dispute_evidence.EXPANDS),
    includes={"balance_transactions": Include(include_balance_transactions)},
)
class Dispute:
    """One dispute of one transaction. `amount` in minor units, positive.

    `is_credited` while a provisional credit is out. `evidence` is kept as `dispute_evidence.merged` makes it.
    """

    id: str
    created: int
    amount: int
    currency: str
    evidence: dict[str, Any]
    metadata: dict[str, str]
    transaction: str
    treasury: dict[str, str | None] | None
    is_credited: bool = False
    loss_reason: str | None = None
    status: str = LIFECYCLE.start

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API: `treasury` on financial accounts only, `loss_reason` only while lost."""
        more = {"treasury": self.treasury, "loss_reason": self.loss_reason}
        present = {name: value for name, value in more.items() if value is not None}
        return shown(self, evidence=dispute_evidence.shown(self.evidence), **present)


class TreasuryParams(Params):
    """The debit of a financial account that is disputed."""

    received_debit = String(required=True)


class CreateParams(Params):
    """What to dispute, how much of it, and why."""

    amount = Amount()
    evidence = Hash(EvidenceParams)
    metadata = Metadata()
    transaction = String()
    treasury = Hash(TreasuryParams)


class UpdateParams(Params):
    """What may change before submission, and the metadata."""

    amount = Amount()
    evidence = Hash(EvidenceParams)
    metadata = Metadata()


class SubmitParams(Params):
    """Metadata only: evidence is sent before."""

    metadata = Metadata()


class DisputeListParams(ListParams):
    """Filters of the list."""

    created = Range()
    status = Enum(("expired", "lost", "submitted", "unsubmitted", "won"))
    transaction = String()


class DecideParams(Params):
    """How the network decides."""

    outcome = Enum(("won", "lost"), required=True)
    loss_reason = Enum(LOSS_REASONS)


def create(world: World, params: dict[str, Any]) -> Dispute:
    """File a dispute without submitting it. Without an amount, all that can be disputed.

    400 for anything but a capture, a financial account's payment that is not named by its debit, a transaction past
    its filing window or with a dispute that stands, and for more than was captured and not refunded.
    """
    disputed, named_by = to_dispute(world, params)
    if disputed.type != "capture":
        raise invalid("Only a transaction of type 'capture' can be disputed.", param=named_by)
    if world.now >= disputed.created + FILING_WINDOW:
        raise invalid("The filing window of this transaction has passed: 110 days since its capture.", param=named_by)
    if any(other.status in STANDING for other in world.all(Dispute, transaction=disputed.id)):
        raise invalid(
            f"A dispute already exists for the transaction '{disputed.id}'.",
            param=named_by,
            code="resource_already_exists",
        )
    amount = checked_amount(params, disputed)
    dispute_evidence.check(world, params.get("evidence", {}), disputed)
    issuing_access.check(world)

    debit = disputed.received_debit
    dispute = Dispute(
        id=world.new_id(Dispute.prefix),
        created=world.now,
        amount=amount,
        currency=disputed.currency,
        evidence=dispute_evidence.merged({}, params.get("evidence", {})),
        metadata=merged_metadata({}, params),
        transaction=disputed.id,
        treasury=None if debit is None else {"debit_reversal": None, "received_debit": debit},
    )
    world.put(dispute)
    linked = world.put(replace(disputed, dispute=dispute.id))
    world.later(disputed.created + FILING_WINDOW, "issuing.disputes.expire", dispute.id)
    world.emit("issuing_dispute.created", dispute)
    world.emit("issuing_transaction.updated", linked, before=disputed)
    return dispute


def to_dispute(world: World, params: dict[str, Any]) -> tuple[Transaction, str]:
    """The transaction that a request names, and the parameter that does."""
    if "transaction" in params and "treasury" in params:
        raise exclusive("transaction", "treasury")
    if "transaction" in params:
        disputed = world.get(Transaction, params["transaction"], param="transaction")
        if disputed.financial_account is not None:
            raise invalid(
                "This transaction belongs to a financial account; dispute it by its ReceivedDebit, with "
                "treasury[received_debit].",
                param="transaction",
            )
        return disputed, "transaction"
    if "treasury" in params:
        named_by = "treasury[received_debit]"
        debit = world.get(ReceivedDebit, params["treasury"]["received_debit"], param=named_by)
        disputed = world.find(Transaction, debit.linked_flows["issuing_transaction"])
        if disputed is None:
            raise invalid("Only a ReceivedDebit of an Issuing transaction can be disputed.", param=named_by)
        return disputed, named_by
    raise invalid(
        "One of the following params should be provided for this request: transaction or treasury.",
        param="transaction",
        code="parameter_missing",
    )


def checked_amount(params: dict[str, Any], disputed: Transaction) -> int:
    """The amount asked for, else all there is. 400 beyond what was captured and not refunded."""
    most = -disputed.amount - disputed.refunded
    amount = params.get("amount", most)
    if most < 1:
        raise invalid("Nothing of this transaction is left to dispute: all of it was refunded.", param="amount")
    if amount > most:
        raise invalid(
            f"You cannot dispute {amount} of this transaction: {most} of its {-disputed.amount} were not refunded.",
            param="amount",
        )
    return amount


def update(world: World, params: dict[str, Any], id: str) -> Dispute:
    """Change amount and evidence of a dispute that is not submitted yet, and metadata at any time."""
    dispute = world.get(Dispute, id)
    for name in ("amount", "evidence"):
        if name in params and dispute.status != "unsubmitted":
            raise invalid(f"You cannot change the {name} of a dispute with status '{dispute.status}'.", param=name)
    disputed = world.get(Transaction, dispute.transaction)
    issuing_access.check(world)
    amount = checked_amount(params, disputed) if "amount" in params else dispute.amount
    dispute_evidence.check(world, params.get("evidence", {}), disputed)

    changed = replace(
        dispute,
        amount=amount,
        evidence=dispute_evidence.merged(dispute.evidence, params.get("evidence", {})),
        metadata=merged_metadata(dispute.metadata, params),
    )
    world.put(changed)
    world.emit("issuing_dispute.updated", changed, before=dispute)
    return changed


def submit(world: World, params: dict[str, Any], id: str) -> Dispute:
    """Send a dispute to the network. 400 without its evidence, outside its filing window, or a second time.

    400 too for more than what is left after refunds that came since it was filed, and where the financial account
    was closed meanwhile.
    """
    dispute = LIFECYCLE.follow(world.get(Dispute, id), "submit")
    issuing_access.check(world)
    lacking = dispute_evidence.missing(dispute.evidence, complete=world.setting("dispute_evidence_complete"))
    if lacking is not None:
        raise dispute_evidence.refused(lacking)
    disputed = world.get(Transaction, dispute.transaction)
    checked_amount({"amount": dispute.amount}, disputed)  # a merchant may have refunded meanwhile
    filed_late = world.now >= disputed.created + NO_AUTHORIZATION_WINDOW
    if dispute.evidence["reason"] == "no_valid_authorization" and filed_late:
        raise invalid(
            "The filing window for the reason 'no_valid_authorization' has passed: 65 days since the capture.",
            param="evidence[reason]",
        )
    debit = None if dispute.treasury is None else world.get(ReceivedDebit, dispute.treasury["received_debit"])
    if debit is not None:
        debit_reversals.check_open(world, debit, param=None)

    world.cancel_due(id, "issuing.disputes.expire")
    reversal = None
    if debit is not None:
        reversal = debit_reversals.open_for_dispute(world, debit, dispute.id, dispute.amount)
        dispute = replace(dispute, treasury={**dispute.treasury, "debit_reversal": reversal.id})
    is_credited = world.setting("dispute_provisional_credits")
    dispute = replace(dispute, is_credited=is_credited, metadata=merged_metadata(dispute.metadata, params))
    world.put(dispute)
    world.emit("issuing_dispute.submitted", dispute)
    if reversal is not None:
        world.emit("treasury.debit_reversal.created", reversal)
    if is_credited:
        credit_provisionally(world, dispute)
    outcome = DECIDING_EXPLANATIONS.get(dispute_evidence.explanation(dispute.evidence) or "")
    if outcome is not None:
        progress.after(world, world.setting("dispute_decision_seconds"), "issuing.disputes.decide", id, outcome=outcome)
    return dispute


def credit_provisionally(world: World, dispute: Dispute) -> None:
    """Advance the disputed amount until the dispute is decided."""
    if dispute.treasury is None:
        movement = chart.credit_dispute_provisionally(world.account, dispute.currency, dispute.amount)
        world.move(movement, because=dispute.id)
        world.emit("issuing_dispute.funds_reinstated", dispute)
        return
    reversal = debit_reversals.advance_credit(world, dispute.treasury["debit_reversal"])
    world.emit("issuing_dispute.funds_reinstated", dispute)
    world.emit("treasury.debit_reversal.initial_credit_granted", reversal)


def decide(world: World, params: dict[str, Any], id: str) -> Dispute:
    """The emulator's switch: the network decides a submitted dispute. 400 for any other."""
    if "loss_reason" in params and params["outcome"] == "won":
        raise invalid("A dispute that is won has no loss_reason.", param="loss_reason")
    dispute = LIFECYCLE.follow(world.get(Dispute, id), VERBS[params["outcome"]])
    world.cancel_due(id)
    return concluded(world, dispute, params.get("loss_reason"))


def decide_by_evidence(world: World, id: str, outcome: str) -> None:
    """The network decides as the explanation asked for."""
    concluded(world, LIFECYCLE.follow(world.get(Dispute, id), VERBS[outcome]), None)


def concluded(world: World, dispute: Dispute, loss_reason: str | None) -> Dispute:
    """Move the money of a dispute that has just been won or lost, and announce how it ended."""
    is_won = dispute.status == "won"
    was_credited = dispute.is_credited
    dispute = replace(dispute, is_credited=False, loss_reason=None if is_won else loss_reason or "other")
    reversal = None
    if dispute.treasury is not None:
        end = debit_reversals.win if is_won else debit_reversals.lose
        reversal = end(world, dispute.treasury["debit_reversal"])
    else:
        if was_credited:
            withdrawal = chart.withdraw_provisional_credit(world.account, dispute.currency, dispute.amount)
            world.move(withdrawal, because=dispute.id)
        if is_won:
            returned = chart.win_dispute_on_issuing(world.account, dispute.currency, dispute.amount)
            world.move(returned, because=dispute.id)
    world.put(dispute)
    if is_won and not was_credited:
        world.emit("issuing_dispute.funds_reinstated", dispute)
    if not is_won and was_credited:
        world.emit("issuing_dispute.funds_rescinded", dispute)
    world.emit("issuing_dispute.closed", dispute)
    if reversal is not None:
        world.emit("treasury.debit_reversal.completed", reversal)
    return dispute


def expire(world: World, id: str) -> None:
    """The filing window passed without a submission."""
    dispute = world.put(LIFECYCLE.follow(world.get(Dispute, id), "expire"))
    world.emit("issuing_dispute.closed", dispute)


def audit(world: World) -> Iterator[str]:
    """Disputes whose status does not agree with the money that moved because of them."""
    for account, dispute in world.store.every(Dispute):
        is_paid = dispute.status == "won" or dispute.is_credited
        if dispute.treasury is None:
            moved = world.ledger.moved(chart.issuing(account, dispute.currency), flow=dispute.id)
            if moved != (dispute.amount if is_paid else 0):
                yield f"{dispute.id} is {dispute.status}, yet {moved} of its {dispute.amount} {dispute.currency} moved"
        elif dispute.treasury["debit_reversal"] is not None:
            found = world.anywhere(DebitReversal, dispute.treasury["debit_reversal"])
            expected = {"won": "succeeded", "lost": "failed"}.get(dispute.status, "processing")
            if found is None or found[1].status != expected:
                yield f"{dispute.id} is {dispute.status}, yet its debit reversal is not {expected}"
    yield from world.ledger.orphans(Dispute)


RECORDS = (Dispute,)
DUE = {"issuing.disputes.expire": expire}
PROGRESS = {"issuing.disputes.decide": decide_by_evidence}
AUDIT = audit
ROUTES = [
    POST("/v1/issuing/disputes", create, CreateParams),
    GET("/v1/issuing/disputes", issuing_access.gated(lists(Dispute)), DisputeListParams),
    GET("/v1/issuing/disputes/{dispute}", issuing_access.gated(retrieves(Dispute))),
    POST("/v1/issuing/disputes/{dispute}", update, UpdateParams),
    POST("/v1/issuing/disputes/{dispute}/submit", submit, SubmitParams),
    POST("/_emulator/issuing/disputes/{dispute}/decide", decide, DecideParams),
]
