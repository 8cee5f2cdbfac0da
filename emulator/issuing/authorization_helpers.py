"""What merchants and cardholders do with an authorization in test mode: ask for one, capture, reverse, let it expire.

Source: https://docs.stripe.com/issuing/testing, https://docs.stripe.com/api/issuing/authorizations/test_mode_create
"""

from __future__ import annotations

from typing import Any

from emulator.connect import issuing_access
from emulator.issuing import (
    authorizations,
    cards,
    fraud_challenges,
    merchants,
    purchase_details,
    real_time,
    tokens,
    transactions,
)
from emulator.issuing.authorizations import (
    Authorization,
    announce,
    change,
    end_without_capture,
)
from emulator.issuing.cards import Card
from emulator.issuing.exchange_rates import converted, scaled
from emulator.issuing.merchants import MerchantDataParams
from emulator.issuing.purchase_details import FleetParams, FuelParams, PurchaseDetailsParams
from emulator.issuing.transactions import Purchase
from emulator.kernel.errors import ApiError, invalid, missing
from emulator.kernel.params import (
    Amount,
    Boolean,
    Currency,
    Decimal,
    Enum,
    Hash,
    Integer,
    Params,
    String,
)
from emulator.kernel.questions import Question
from emulator.kernel.records import replace
from emulator.kernel.routes import POST
from emulator.kernel.world import World

LARGEST = 99_999_999
LEGACY_AMOUNT = 1_00
CHECKS = ("match", "mismatch", "not_provided")
LEVELS = ("elevated", "highest", "low", "normal", "not_assessed", "unknown")
# What test mode fills in.
VERIFIED = {
    "address_line1_check": "not_provided",
    "address_postal_code_check": "not_provided",
    "authentication_exemption": None,
    "cvc_check": "not_provided",
    "expiry_check": "match",
    "postal_code": "94103",
    "three_d_secure": None,
}
# What the card network says of every authorization in test mode.
NETWORK_RISK_SCORE = 10
NETWORK = {"acquiring_institution_id": "123456", "system_trace_audit_number": "1234567890"}


# What may be sent


class AmountDetailsParams(Params):
    """Parts of the amount, in minor units of the card's currency."""

    atm_fee = Amount(minimum=0)
    cashback_amount = Amount(minimum=0)


class NetworkDataParams(Params):
    """What the card network says."""

    acquiring_institution_id = String()


class CardTestingRiskParams(Params):
    """Whether somebody is trying out card numbers; rates in percent."""

    invalid_account_number_decline_rate_past_hour = Integer(minimum=0, maximum=100)
    invalid_credentials_decline_rate_past_hour = Integer(minimum=0, maximum=100)
    level = Enum(LEVELS, required=True)


class FraudRiskParams(Params):
    """How likely fraud is. Only the level decides."""

    level = Enum(LEVELS, required=True)
    score = Decimal()


class MerchantDisputeRiskParams(Params):
    """How likely a dispute is; the rate in percent."""

    dispute_rate = Integer(minimum=0, maximum=100)
    level = Enum(LEVELS, required=True)


class RiskAssessmentParams(Params):
    """What Stripe is to think of the request."""

    card_testing_risk = Hash(CardTestingRiskParams)
    fraud_risk = Hash(FraudRiskParams)
    merchant_dispute_risk = Hash(MerchantDisputeRiskParams)


class AuthenticationExemptionParams(Params):
    """Why no strong authentication was needed."""

    claimed_by = Enum(("acquirer", "issuer"), required=True)
    type = Enum(("low_value_transaction", "transaction_risk_analysis", "unknown"), required=True)


class ThreeDSecureParams(Params):
    """How 3-D Secure ended."""

    result = Enum(("attempt_acknowledged", "authenticated", "failed", "required"), required=True)


class VerificationDataParams(Params):
    """What was checked of what the cardholder typed."""

    address_line1_check = Enum(CHECKS)
    address_postal_code_check = Enum(CHECKS)
    authentication_exemption = Hash(AuthenticationExemptionParams)
    cvc_check = Enum(CHECKS)
    expiry_check = Enum(CHECKS)
    three_d_secure = Hash(ThreeDSecureParams)


class RequestParams(Params):
    """A merchant's request. Amounts in minor units, `amount` of the card's currency."""

    amount = Amount(minimum=0)
    amount_details = Hash(AmountDetailsParams)
    authorization_method = Enum(("chip", "contactless", "keyed_in", "online", "swipe"))
    currency = Currency()
    fleet = Hash(FleetParams)
    fraud_disputability_likelihood = Enum(("neutral", "unknown", "very_likely", "very_unlikely"))
    fuel = Hash(FuelParams)
    is_amount_controllable = Boolean()
    merchant_amount = Amount(minimum=0)
    merchant_currency = Currency()
    merchant_data = Hash(MerchantDataParams)
    network_data = Hash(NetworkDataParams)
    risk_assessment = Hash(RiskAssessmentParams)
    verification_data = Hash(VerificationDataParams)
    wallet = Enum(("apple_pay", "google_pay", "samsung_pay"))


class WhichCardParams(Params):
    """The card that is to pay."""

    card = String(required=True)


class CreateParams(RequestParams, WhichCardParams):
    """A request for a card. The order of the bases puts what is required first."""


class LegacyParams(RequestParams):
    """A request as the Stripe CLI's triggers send it, the card in the path."""

    held_amount = Amount(minimum=0)
    held_currency = Currency()


class CaptureParams(Params):
    """What a merchant collects, in minor units, and whether that was all."""

    capture_amount = Amount()
    close_authorization = Boolean()
    purchase_details = Hash(PurchaseDetailsParams)


class FinalizeParams(Params):
    """What fuel really cost, in minor units."""

    final_amount = Amount(minimum=0, required=True)
    fleet = Hash(FleetParams)
    fuel = Hash(FuelParams)


class IncrementParams(Params):
    """What a merchant asks for besides, in minor units."""

    increment_amount = Amount(required=True)
    is_amount_controllable = Boolean()


class ReverseParams(Params):
    """What a merchant gives back, in minor units."""

    reverse_amount = Amount()


class RespondParams(Params):
    """Whether the purchase was the cardholder's."""

    confirmed = Boolean(required=True)


# Asking


def create(world: World, params: dict[str, Any]) -> Authorization | Question:
    """Ask whether a card may pay. Answers 200 when declined, too. 400 for an unknown card or an impossible amount."""
    card = world.get(Card, params["card"], param="card")
    return request(world, card, params)


def create_legacy(world: World, params: dict[str, Any], card: str) -> Authorization | Question:
    """The same under its old URL, with `held_amount` for `amount` and one unit of the currency when nothing is sent."""
    found = world.get(Card, card)
    asked = {**params}
    if "held_amount" in asked:
        asked.setdefault("amount", asked.pop("held_amount"))
    elif "merchant_amount" not in asked:
        asked.setdefault("amount", LEGACY_AMOUNT)
    if "held_currency" in asked:
        asked.setdefault("currency", asked["held_currency"])
    return request(world, found, asked)


def request(world: World, card: Card, params: dict[str, Any]) -> Authorization | Question:
    """Check what a merchant sent, then have it decided."""
    issuing_access.check(world)
    transactions.check_currency(card, params.get("currency"))
    amount, merchant_amount, merchant_currency = amounts(card.currency, params)
    details = params.get("amount_details") or {}
    for name, part in details.items():
        if part > amount:
            raise invalid(f"The {name} must not be greater than the amount.", param=f"amount_details[{name}]")
    requested = {"atm_fee": details.get("atm_fee"), "cashback_amount": details.get("cashback_amount")}

    authorization = Authorization(
        id=world.new_id(Authorization.prefix),
        created=world.now,
        card=card.id,
        cardholder=card.cardholder,
        currency=card.currency,
        financial_account=card.financial_account,
        amount_details={**requested, "cashback_amount": requested["cashback_amount"] or 0},
        requested_details=requested,
        authorization_method=params.get("authorization_method", "online"),
        fleet=purchase_details.fleet_prompted(params.get("fleet")),
        fuel=purchase_details.fuel(params.get("fuel")),
        merchant_currency=merchant_currency,
        merchant_data=merchants.described(params.get("merchant_data")),
        network_data={
            **NETWORK,
            **params.get("network_data", {}),
            "transaction_id": transactions.network_transaction_id(world),
        },
        pending_request=pending_request(
            amount=amount,
            details=requested,
            currency=card.currency,
            is_amount_controllable=params.get("is_amount_controllable", False),
            merchant_amount=merchant_amount,
            merchant_currency=merchant_currency,
        ),
        token=tokens.for_purchase(world, card, params.get("wallet")),
        verification_data={**VERIFIED, **params.get("verification_data", {})},
        wallet=params.get("wallet"),
        risk_assessment=assessed(params.get("risk_assessment")),
        fraud_disputability_likelihood=params.get("fraud_disputability_likelihood"),
    )
    return real_time.decide(world, authorization)


def assessed(sent: dict[str, Any] | None) -> dict[str, Any] | None:
    """A risk assessment as the authorization shows it: every key, and the score as a number."""
    if sent is None:
        return None
    risks = RiskAssessmentParams.shared().fields
    shown = {
        name: purchase_details.complete(risks[name].inner_params, sent[name]) if name in sent else None  # type: ignore[attr-defined]
        for name in risks
    }
    if "score" in sent.get("fraud_risk", {}):
        shown["fraud_risk"]["score"] = float(sent["fraud_risk"]["score"])  # type: ignore[index]
    return shown


def amounts(currency: str, params: dict[str, Any]) -> tuple[int, int, str]:
    """Amount, merchant's amount and merchant's currency: what is missing of them is converted from what was sent."""
    merchant_currency = params.get("merchant_currency", currency)
    if "amount" not in params and "merchant_amount" not in params:
        raise missing("amount")
    if "amount" not in params:
        amount = converted(params["merchant_amount"], merchant_currency, currency)
        if amount > LARGEST:
            raise invalid(
                f"This value must be less than or equal to {LARGEST} {currency} (it currently is '{amount}').",
                param="merchant_amount",
            )
        return amount, params["merchant_amount"], merchant_currency
    amount = params["amount"]
    return amount, params.get("merchant_amount", converted(amount, currency, merchant_currency)), merchant_currency


def pending_request(
    *,
    amount: int,
    details: dict[str, Any],
    currency: str,
    is_amount_controllable: bool,
    merchant_amount: int,
    merchant_currency: str,
) -> dict[str, Any]:
    """What waits for a decision, as authorizations show it until they are decided."""
    return {
        "amount": amount,
        "amount_details": details,
        "currency": currency,
        "is_amount_controllable": is_amount_controllable,
        "merchant_amount": merchant_amount,
        "merchant_currency": merchant_currency,
        "network_risk_score": NETWORK_RISK_SCORE,
    }


def open_one(world: World, id: str, verb: str) -> Authorization:
    """An approved authorization that still waits for its capture. 400 for any other, naming what it cannot do."""
    authorization = world.get(Authorization, id)
    issuing_access.check(world)
    if authorization.is_undecided:
        raise awaiting_decision()
    if not authorization.is_open:
        raise invalid(f"You cannot {verb} an authorization with status '{authorization.status}'.")
    return authorization


def awaiting_decision() -> ApiError:
    """400: somebody is still being asked."""
    return invalid("This authorization is awaiting a decision.")


def increment(world: World, params: dict[str, Any], authorization: str) -> Authorization | Question:
    """Ask for more. Declined, it changes nothing but the history. 400 unless it is open."""
    before = open_one(world, authorization, "increment")

    amount = params["increment_amount"]
    pending = pending_request(
        amount=amount,
        details={"atm_fee": None, "cashback_amount": None},
        currency=before.currency,
        is_amount_controllable=params.get("is_amount_controllable", False),
        merchant_amount=in_merchant_currency(before, amount),
        merchant_currency=before.merchant_currency,
    )
    return real_time.decide(world, replace(before, pending_request=pending))


def in_merchant_currency(authorization: Authorization, amount: int) -> int:
    """An amount in the merchant's currency, at the rate of the authorization."""
    if authorization.amount == 0:
        return converted(amount, authorization.currency, authorization.merchant_currency)
    return scaled(authorization.merchant_amount, amount, authorization.amount)


# Collecting


def capture(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Let the merchant collect: all or a part, more than was authorized, or long after. 400 if declined or reversed.

    By default what was authorized; in the middle of captures in part, what is still held.
    """
    before = world.get(Authorization, authorization)
    issuing_access.check(world)
    if before.is_undecided:
        raise awaiting_decision()
    if not before.approved:
        raise invalid("You cannot capture an authorization that was declined.")
    if not authorizations.LIFECYCLE.allows(before.status, "capture"):
        raise invalid(f"You cannot capture an authorization with status '{before.status}'.")
    usual = before.held if before.is_open and before.captured and before.held else before.amount
    amount = params.get("capture_amount", usual)
    if amount < 1:
        raise invalid("This authorization has no amount to capture: capture_amount is needed.", param="capture_amount")

    is_last = params.get("close_authorization", True)
    after = change(
        world,
        before,
        "capture" if is_last else "capture in part",
        release=before.held if is_last else min(before.held, amount),
        why="capture",
        captured=amount,
        is_counted=True,
    )
    posted = transactions.post(
        world,
        "capture",
        purchase_of(before),
        amount=amount,
        merchant_amount=in_merchant_currency(before, amount),
        details=params.get("purchase_details"),
    )
    transactions.announce(world, posted.transaction)
    announce(world, before, after)
    transactions.announce_flow(world, posted)
    if not before.is_counted:
        cards.count_payment(world, before.card)
    return after


def purchase_of(authorization: Authorization) -> Purchase:
    """What a capture is about."""
    codes = [entry["authorization_code"] for entry in authorization.request_history if entry["approved"]]
    return Purchase(
        card=authorization.card,
        cardholder=authorization.cardholder,
        currency=authorization.currency,
        financial_account=authorization.financial_account,
        merchant_currency=authorization.merchant_currency,
        merchant_data=authorization.merchant_data,
        amount_details=authorization.amount_details,
        authorization=authorization.id,
        authorization_code=codes[0],
        network_transaction=authorization.network_data["transaction_id"],
        token=authorization.token,
        wallet=authorization.wallet,
    )


def finalize_amount(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Set the amount to what was really bought; nobody is asked whether the money is there. 400 unless it is open."""
    before = open_one(world, authorization, "finalize")

    final = params["final_amount"]
    changes: dict[str, Any] = {"amount": final, "merchant_amount": in_merchant_currency(before, final)}
    if "fleet" in params:
        changes["fleet"] = purchase_details.fleet_prompted(params["fleet"])
    if "fuel" in params:
        changes["fuel"] = purchase_details.fuel(params["fuel"])
    after = change(
        world,
        before,
        "finalize",
        hold=max(final - before.held, 0),
        release=max(before.held - final, 0),
        why="amount update",
        **changes,
    )
    announce(world, before, after)
    return after


# Giving back


def reverse(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Give back what is held, or a part of it. 400 unless it is open, and for more than is held."""
    before = open_one(world, authorization, "reverse")
    amount = params.get("reverse_amount", before.held)
    if amount > before.held:
        raise invalid(
            f"You cannot reverse {amount} of this authorization: it holds {before.held}.", param="reverse_amount"
        )

    is_whole = amount == before.held
    left = before.captured if is_whole else before.amount - amount
    after = change(
        world,
        before,
        end_without_capture(before, "reverse") if is_whole else "reverse in part",
        release=amount,
        why="reversal",
        amount=left,
        merchant_amount=in_merchant_currency(before, left),
    )
    announce(world, before, after)
    return after


def expire(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Let it run out now. 400 unless it is open."""
    return authorizations.expire(world, open_one(world, authorization, "expire"))


# Answering


def respond(world: World, params: dict[str, Any], authorization: str) -> Authorization:
    """Answer the pending fraud challenge: yes lets the card pay at that merchant for a day, no marks it with a warning.

    The declined authorization stays declined. 400 where nothing is pending.
    """
    before = world.get(Authorization, authorization)
    issuing_access.check(world)
    if not any(fraud_challenges.is_pending(challenge) for challenge in before.fraud_challenges):
        raise invalid("This authorization has no pending fraud challenge.")

    answered = fraud_challenges.moved(before.fraud_challenges, "verify" if params["confirmed"] else "reject")
    world.cancel_due(before.id, "issuing.authorizations.expire_challenge")
    after = world.put(replace(before, fraud_challenges=answered))
    if params["confirmed"]:
        fraud_challenges.vouch(world, before.card, before.merchant_data)
    announce(world, before, after)
    if not params["confirmed"]:
        card = world.get(Card, before.card)
        warning = {"started_at": world.now, "type": "user_indicated_fraud"}
        cards.save(world, card, replace(card, latest_fraud_warning=warning))
    return after


HELPERS = "/v1/test_helpers/issuing/authorizations"
ROUTES = [
    POST(HELPERS, create, CreateParams),
    POST(HELPERS + "/{authorization}/capture", capture, CaptureParams),
    POST(HELPERS + "/{authorization}/expire", expire),
    POST(HELPERS + "/{authorization}/finalize_amount", finalize_amount, FinalizeParams),
    POST(HELPERS + "/{authorization}/fraud_challenges/respond", respond, RespondParams),
    POST(HELPERS + "/{authorization}/increment", increment, IncrementParams),
    POST(HELPERS + "/{authorization}/reverse", reverse, ReverseParams),
    POST("/v1/issuing/cards/{card}/test/authorizations", create_legacy, LegacyParams),
]
