"""Deciding: gather what is known of a request, ask the rules, and write down how it ends.

Where somebody else is to be asked too, the undecided request is stored with its `pending_request` and concluded later,
when everything is gathered and asked again: an undecided request holds no money.
Source: https://docs.stripe.com/issuing/purchases/authorizations
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from emulator.connect import issuing_access
from emulator.data.currencies import THREE_DECIMAL, ZERO_DECIMAL
from emulator.data.merchant_categories import CODES
from emulator.issuing import (
    cardholders,
    cards,
    decline,
    fraud_challenges,
    merchants,
    next_authorization,
    purse,
    replacement,
    spending_controls,
    traces,
)
from emulator.issuing.authorizations import LIFECYCLE, Authorization, announce, presence, spending_of
from emulator.issuing.cardholders import Cardholder
from emulator.issuing.cards import PENNY_AUTHORIZATION, Card
from emulator.issuing.decline import Attempt, Rule
from emulator.issuing.exchange_rates import scaled
from emulator.issuing.fraud_challenges import FraudVerification
from emulator.kernel.dates import DAY, date_of
from emulator.kernel.params import Enum, List, merged_metadata
from emulator.kernel.questions import Question
from emulator.kernel.records import replace
from emulator.kernel.settings import Setting, number
from emulator.kernel.world import World
from emulator.treasury.financial_accounts import FinancialAccount

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
    world: World, authorization: Authorization, ask: Callable[[World, Authorization], Question | None]
) -> Authorization | Question:
    """Decide the pending request by the rules, and do what follows. The authorization need not be stored yet.

    Where no rule objects, `ask` may put the question to somebody else; then `conclude` ends the request later.
    """
    read_ahead(world, authorization)
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
    return settle(world, authorization, attempt, objections, verdict)


def conclude(world: World, authorization_id: str, verdict: Verdict) -> Authorization:
    """End the pending request of a stored authorization with somebody's verdict; a decided one stays as it is.

    Everything is read afresh and the rules are asked again: one that objects now declines although the verdict
    approves.
    """
    authorization = world.get(Authorization, authorization_id)
    if not authorization.is_undecided:
        return authorization
    read_ahead(world, authorization)
    usual = amount_to_hold(world, authorization)
    is_chosen = verdict.amount is not None and authorization.pending_request["is_amount_controllable"]
    attempt = gather(world, authorization, verdict.amount if is_chosen else usual)
    objections = decline.objections(attempt)
    if verdict.approved and objections:
        verdict = Verdict(False, objections[0].reason, metadata=verdict.metadata)
    return settle(world, authorization, attempt, objections, verdict, question=world.asked_about(authorization_id))


def read_ahead(world: World, authorization: Authorization) -> None:
    """Say what is going to be gathered."""
    world.ahead(Card, authorization.card)
    world.ahead(Cardholder, authorization.cardholder)
    world.ahead(FinancialAccount, authorization.financial_account)
    world.ahead(FraudVerification, fraud_challenges.verification_id(authorization.card))
    world.balance_ahead(purse.book(world, authorization.financial_account, authorization.currency))


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
        issuing_capability=issuing_access.capability(world),
        card_status=card.status,
        card_valid_through=f"{card.exp_year:04}-{card.exp_month:02}",
        month=date_of(world.now).isoformat()[:7],
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
        card_issuing_feature=account.status_of("card_issuing") if account else None,
        outbound_flows=account.platform_restrictions["outbound_flows"] if account else None,
        merchant_category=merchant["category"],
        merchant_country=merchant["country"],
        merchant_is_prohibited=merchant["category"] in world.setting("prohibited_merchant_categories"),
        card_presence=presence(authorization.authorization_method),
        card_controls=spending_controls.seen_card_controls(
            world, card.spending_controls, spending, replacement.lineage(world, card)
        ),
        cardholder_controls=spending_controls.seen_holder_controls(world, holder.spending_controls, spending),
    )


def fraud_risk(authorization: Authorization) -> str | None:
    """The level of fraud risk that the request came with."""
    assessed = (authorization.risk_assessment or {}).get("fraud_risk")
    return assessed["level"] if assessed else None


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
    world: World,
    undecided: Authorization,
    attempt: Attempt,
    objections: Sequence[Rule],
    verdict: Verdict,
    *,
    question: str | None = None,
) -> Authorization:
    """Write a decision down: history, hold or decline, trace, event.

    `objections` are the rules that say no, whoever decided; `question` is the event of who was asked.
    """
    is_first = not undecided.approved
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
            world.later(world.now + DAY, "issuing.authorizations.expire_challenge", about=undecided.id)

    after = world.put(replace(undecided, **changes))
    traces.keep_trace(world, after, attempt, objections, entry, question)
    if is_first:
        world.emit("issuing_authorization.created", after)
        if after.is_counted:
            cards.count_payment(world, after.card)
    else:
        announce(world, replace(undecided, pending_request=None), after)
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
