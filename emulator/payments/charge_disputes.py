"""Disputes of charges: the holder of a card asks its bank for the money back.

    needs_response ── submit ──▶ under_review ── win ──▶ won
    needs_response, under_review ── lose ──▶ lost
    warning_needs_response ── submit ──▶ warning_under_review          inquiries, which take no money
    warning_needs_response, warning_under_review ── drop ──▶ warning_closed
    warning_needs_response, warning_under_review ── escalate ──▶ needs_response

Test cards are disputed as soon as they have paid. A dispute takes its money and a fee at once, whatever the balance is;
won, it brings both back. The bank decides by the words that test mode knows, as evidence in `uncategorized_text`.
Source: https://docs.stripe.com/api/disputes, https://docs.stripe.com/testing#disputes,
https://docs.stripe.com/disputes/how-disputes-work
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any

from emulator import chart_of_accounts as chart
from emulator import progress
from emulator.connect.records import accounts
from emulator.connect.shapes import group, group_of
from emulator.kernel.dates import DAY
from emulator.kernel.errors import invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Boolean,
    Enum,
    Hash,
    List,
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
from emulator.payments import bank_outcomes, not_built
from emulator.payments import card_test_numbers as cards
from emulator.payments.charge import Charge
from emulator.payments.payment_methods import PaymentMethod

LIFECYCLE = Lifecycle(
    "needs_response",
    {
        "needs_response": {"submit": "under_review", "lose": "lost"},
        "under_review": {"win": "won", "lose": "lost"},
        "warning_needs_response": {
            "submit": "warning_under_review",
            "drop": "warning_closed",
            "escalate": "needs_response",
        },
        "warning_under_review": {"drop": "warning_closed", "escalate": "needs_response"},
        "won": {},
        "lost": {},
        "warning_closed": {},
    },
    says="You cannot {verb} a dispute with status '{status}'.",
)
FEE = 15_00  # minor units of the charge's currency
DAYS_TO_RESPOND, DAYS_OF_INQUIRIES = 9, 120
NETWORK_CODES = {"fraudulent": "10.4", "product_not_received": "13.1"}
# What the bank decides by, and what each word does to a dispute and to an inquiry.
# Source: https://docs.stripe.com/testing#evidence
DECIDES = {
    "winning_evidence": ("win", "drop"),
    "losing_evidence": ("lose", "drop"),
    "escalate_inquiry_evidence": (None, "escalate"),
}
TEXTS = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)


@record(
    "dispute",
    prefix="du",
    other_prefixes=("dp",),
    noun="dispute",
    filters=("charge", "payment_intent"),
    hidden=("case_type", "due_by", "fee", "submitted_at", "submission_count"),
    expands=("charge", "payment_intent", *(f"evidence.{name}" for name in FILES)),
    embeds=("balance_transactions",),
    silent=("is_charge_refundable",),
)
class Dispute:
    """One dispute. Amounts in minor units; `fee` is what Stripe has taken for it, `due_by` when evidence is due."""

    id: str
    created: int
    amount: int
    case_type: str
    charge: str
    currency: str
    due_by: int
    payment_intent: str | None
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)
    fee: int = 0
    intended_submission_method: str | None = None
    is_charge_refundable: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    network_reason_code: str | None = None
    payment_method_details: dict[str, Any] | None = None
    status: str = LIFECYCLE.start
    submission_count: int = 0
    submitted_at: int | None = None

    @property
    def is_inquiry(self) -> bool:
        """Whether the bank only asks, and has taken nothing."""
        return self.status.startswith("warning_")

    def render(self, world: World) -> dict[str, Any]:
        """The dispute with the balance transactions that it has caused."""
        kind = world.catalog.records["balance_transaction"]
        moved = [world.render(kind.of(entry)) for entry in world.entries_of(self.id)]
        members = shown(
            self,
            balance_transactions=moved,
            enhanced_eligibility_types=[],
            evidence={**dict.fromkeys(TEXTS), "enhanced_evidence": {}, **self.evidence},
            evidence_details={
                "due_by": self.due_by,
                "enhanced_eligibility": {},
                "has_evidence": bool(self.evidence),
                "past_due": self.submitted_at is not None and self.submitted_at > self.due_by,
                "submission_count": self.submission_count,
                "submission_method": "manual" if self.submission_count else "not_submitted",
            },
        )
        for name in ("intended_submission_method", "network_reason_code", "payment_method_details"):
            if members[name] is None:
                del members[name]
        return members


# What may be sent

ADDRESS = group_of(
    **{name: String(unset=True) for name in ("city", "country", "line1", "line2", "postal_code", "state")}
)
OF_A_CUSTOMER = (
    "customer_account_id",
    "customer_device_fingerprint",
    "customer_device_id",
    "customer_email_address",
    "customer_purchase_ip",
    "product_description",
)
ENHANCED = group_of(
    mastercard_compliance=group(fee_acknowledged=Boolean()),
    visa_compelling_evidence_3=group(
        disputed_transaction=group(
            **{name: String(unset=True) for name in OF_A_CUSTOMER},
            merchandise_or_services=Enum(("merchandise", "services")),
            shipping_address=Hash(ADDRESS),
        ),
        prior_undisputed_transactions=List(
            group(
                **{name: String(unset=True) for name in OF_A_CUSTOMER},
                charge=String(required=True),
                shipping_address=Hash(ADDRESS),
            )
        ),
    ),
    visa_compliance=group(fee_acknowledged=Boolean()),
)
APPEAL = group_of(
    card=Hash(group_of(reason_for_filing=String(unset=True), supporting_files=List(String(), unset=True)), unset=True)
)
EVIDENCE = group_of(
    **{name: String(unset=True) for name in TEXTS},
    appeal=Hash(APPEAL, unset=True),
    enhanced_evidence=Hash(ENHANCED, unset=True),
)


class UpdateParams(Params):
    """Evidence, and whether it goes to the bank at once."""

    evidence = Hash(EVIDENCE)
    intended_submission_method = Enum(("manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes"))
    metadata = Metadata()
    submit = Boolean()


class DisputeListParams(ListParams):
    """Filters of the list."""

    charge = String()
    created = Range()
    payment_intent = String()


# How one comes about


def of_charge(world: World, charge: Charge) -> None:
    """A charge has brought money: one by a test card that is disputed is disputed a moment later."""
    method = world.find(PaymentMethod, charge.payment_method)
    number = None if method is None else method.number
    if charge.captured and (number in cards.DISPUTED or number == bank_outcomes.DISPUTES):
        world.later(world.now, "payments.charge_disputes.open", about=charge.id)


def open_(world: World, id: str) -> None:
    """The bank asks for the money back, or in an inquiry for an explanation. Nothing, if it has been refunded."""
    charge = world.get(Charge, id)
    if charge.left == 0 or charge.disputed:
        return
    number = world.get(PaymentMethod, str(charge.payment_method)).number or ""
    is_inquiry = number in cards.INQUIRED
    reason = cards.DISPUTED.get(number, "debit_not_authorized")
    code = NETWORK_CODES.get(reason)
    last = world.now - world.now % DAY + (DAYS_TO_RESPOND + 1) * DAY - 1
    dispute = Dispute(
        id=world.new_id(Dispute.prefix, group=charge.id.partition("_")[2][:16]),
        created=world.now,
        amount=charge.left,
        case_type="inquiry" if is_inquiry else "chargeback",
        charge=id,
        currency=charge.currency,
        due_by=last,
        is_charge_refundable=is_inquiry,
        network_reason_code=code,
        payment_intent=charge.payment_intent,
        payment_method_details=details_of(charge, "inquiry" if is_inquiry else "chargeback", code),
        reason=reason,
        status="warning_needs_response" if is_inquiry else "needs_response",
    )
    world.put(dispute)
    if is_inquiry:
        world.emit("charge.dispute.created", dispute)
        world.later(world.now + DAYS_OF_INQUIRIES * DAY, "payments.charge_disputes.expire", about=dispute.id)
        return
    dispute = withdrawn(world, dispute)
    world.emit("charge.dispute.created", dispute)
    world.emit("charge.dispute.funds_withdrawn", dispute)
    if charge.is_of_bank:  # nobody can contest those
        ended(world, dispute, "lose")
    else:
        world.later(last + 1, "payments.charge_disputes.expire", about=dispute.id)


def resolved(world: World, charge: Charge) -> None:
    """A charge has been refunded: once nothing is left of it, an inquiry about it is over.

    Source: https://docs.stripe.com/disputes/how-disputes-work
    """
    for dispute in world.all(Dispute, charge=charge.id):
        if charge.left == 0 and LIFECYCLE.allows(dispute.status, "drop"):
            ended(world, dispute, "drop")


def details_of(charge: Charge, case_type: str, code: str | None) -> dict[str, Any] | None:
    """What a dispute shows of the card."""
    card = (charge.payment_method_details or {}).get("card")
    if card is None:
        return None
    told = {"brand": card["brand"], "case_type": case_type, "network": card["network"], "network_reason_code": code}
    return {"card": told, "type": "card"}


def withdrawn(world: World, dispute: Dispute) -> Dispute:
    """The dispute once its money and the fee are gone."""
    charge = world.get(Charge, dispute.charge)
    fee = fee_of(world)
    movement = chart.withdraw_disputed(
        world.account, dispute.currency, dispute.amount, fee, charge=charge.id, is_of_bank=charge.is_of_bank
    )
    world.move(movement, because=dispute.id)
    world.put(replace(charge, disputed=True))
    return world.put(replace(dispute, fee=fee, is_charge_refundable=False))


def fee_of(world: World) -> int:
    """What Stripe takes of an account for a dispute: nothing where its platform pays all fees and answers for losses.

    Source: https://docs.stripe.com/connect/disputes
    """
    account = accounts.of(world)
    return 0 if account.fees_payer == account.losses_payer == "application" else FEE


# What is done about one


def update(world: World, params: dict[str, Any], id: str) -> Dispute:
    """Give evidence, which goes to the bank at once unless `submit` is false. 400 for evidence that comes too late."""
    before = world.get(Dispute, id)
    sent = params.get("evidence")
    for name in ("appeal", "enhanced_evidence"):
        if sent is not None and name in sent:
            what = {"appeal": "appeals against lost disputes", "enhanced_evidence": "enhanced evidence"}[name]
            raise not_built.not_built(what, param=f"evidence[{name}]")
    submits = params.get("submit", sent is not None)
    if (submits or sent is not None) and not LIFECYCLE.allows(before.status, "submit"):
        raise LIFECYCLE.refusal(before.status, "submit")
    merged = {**before.evidence, **(sent or {})}
    evidence = {name: value for name, value in merged.items() if value is not None}
    method = params.get("intended_submission_method", before.intended_submission_method)
    after = replace(
        before,
        evidence=evidence,
        intended_submission_method=method,
        metadata=merged_metadata(before.metadata, params),
    )
    if submits:
        after = LIFECYCLE.follow(after, "submit", submission_count=before.submission_count + 1, submitted_at=world.now)
    world.put(after)
    world.emit("charge.dispute.updated", after, before=before)
    if submits and evidence.get("uncategorized_text") in DECIDES:
        progress.at_once(world, "payments.charge_disputes.decide", after.id)
    return after


def close(world: World, params: dict[str, Any], id: str) -> Dispute:
    """Accept a dispute: it is lost; an inquiry is over. 400 for one that is decided or under review."""
    dispute = world.get(Dispute, id)
    if dispute.status == "needs_response":
        return ended(world, dispute, "lose")
    if dispute.status == "warning_needs_response":
        return ended(world, dispute, "drop")
    raise invalid(f"You cannot close a dispute with status '{dispute.status}'.")


def decide(world: World, id: str) -> None:
    """The bank has read the evidence."""
    dispute = world.get(Dispute, id)
    verbs = DECIDES.get(dispute.evidence.get("uncategorized_text", ""), (None, None))
    verb = verbs[1 if dispute.is_inquiry else 0]
    if verb == "escalate":
        escalated(world, dispute)
    elif verb is not None:
        ended(world, dispute, verb)


def escalated(world: World, before: Dispute) -> Dispute:
    """An inquiry has become a dispute, which takes the money."""
    world.cancel_due(before.id, "payments.charge_disputes.expire")
    last = world.now - world.now % DAY + (DAYS_TO_RESPOND + 1) * DAY - 1
    charge = world.get(Charge, before.charge)
    after = LIFECYCLE.follow(
        before,
        "escalate",
        amount=charge.left,
        case_type="chargeback",
        due_by=last,
        evidence={},
        payment_method_details=details_of(charge, "chargeback", before.network_reason_code),
        submission_count=0,
        submitted_at=None,
    )
    after = withdrawn(world, world.put(after))
    world.later(last + 1, "payments.charge_disputes.expire", about=after.id)
    world.emit("charge.dispute.updated", after, before=before)
    world.emit("charge.dispute.funds_withdrawn", after)
    return after


def expire(world: World, id: str) -> None:
    """Nobody has answered in time: a dispute is lost, an inquiry is over."""
    dispute = world.get(Dispute, id)
    verb = "drop" if dispute.is_inquiry else "lose"
    if dispute.status == "needs_response" or (dispute.is_inquiry and LIFECYCLE.allows(dispute.status, verb)):
        ended(world, dispute, verb)


def ended(world: World, dispute: Dispute, verb: str) -> Dispute:
    """The dispute is over: `win`, `lose` or `drop`. Won, it brings its money and the fee back."""
    world.cancel_due(dispute.id)
    after = world.put(LIFECYCLE.follow(dispute, verb))
    if verb == "win":
        charge = world.get(Charge, dispute.charge)
        movement = chart.reinstate_disputed(
            world.account,
            dispute.currency,
            dispute.amount,
            dispute.fee,
            charge=charge.id,
            is_of_bank=charge.is_of_bank,
        )
        world.move(movement, because=dispute.id)
        after = world.put(replace(after, fee=0))
        world.emit("charge.dispute.funds_reinstated", after)
    world.emit("charge.dispute.closed", after)
    return after


def audit(world: World) -> Iterator[str]:
    """Disputes whose status does not agree with what they took."""
    for account, one in world.store.every(Dispute):
        taken = 0 if one.status == "won" or one.is_inquiry else one.amount
        payers = chart.payers(one.currency, is_of_bank=one.charge.startswith("py_"))
        moved = world.ledger.moved(payers, flow=one.id, owner=account)
        if moved != taken:
            yield f"{one.id} is {one.status} and over {one.amount}, yet {moved} left"
    disputed = {one.charge for _, one in world.store.every(Dispute) if one.case_type == "chargeback"}
    for _, charge in world.store.every(Charge):
        if charge.disputed != (charge.id in disputed):
            yield f"{charge.id} is disputed: {charge.disputed}, which its disputes do not say"
    yield from world.ledger.orphans(Dispute)


RECORDS = (Dispute,)
WHEN = {
    "payments.charge.captured": of_charge,
    "payments.charge.refunded": resolved,
    "payments.charge.succeeded": of_charge,
}
DUE = {"payments.charge_disputes.expire": expire, "payments.charge_disputes.open": open_}
PROGRESS = {"payments.charge_disputes.decide": decide}
AUDIT = audit
ROUTES = [
    GET("/v1/disputes", lists(Dispute), DisputeListParams),
    GET("/v1/disputes/{dispute}", retrieves(Dispute)),
    POST("/v1/disputes/{dispute}", update, UpdateParams),
    POST("/v1/disputes/{dispute}/close", close),
]
