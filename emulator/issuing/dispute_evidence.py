"""What a cardholder's side brings forward in a dispute: one hash of evidence per reason.

Evidence for several reasons may be kept; the dispute shows the hash of its reason only, whole, with null for what is
missing. Which of it Stripe insists on is not published: we insist on the reason and its explanation, and on the
fuller list below when the tenant's setting asks for that.
Source: https://docs.stripe.com/api/issuing/disputes and https://docs.stripe.com/issuing/purchases/disputes
"""

from __future__ import annotations

from typing import Any

from emulator.developer import files
from emulator.issuing.transactions import Transaction
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.params import Boolean, Enum, Hash, Params, String, Timestamp
from emulator.kernel.settings import switch
from emulator.kernel.world import World

LONGEST_TEXT = 2500
FILE_PURPOSE = "dispute_evidence"
FILES = ("additional_documentation", "card_statement", "cash_receipt", "check_image")
PROOFS_OF_PAYMENT = ("original_transaction", "card_statement", "cash_receipt", "check_image")
PRODUCT_TYPES = ("merchandise", "service")
RETURN_STATUSES = ("merchant_rejected", "successful")
SETTINGS = (
    switch(
        "dispute_evidence_complete",
        False,
        "Whether submitting a dispute needs everything believed to be needed for its reason, not just an explanation.",
    ),
)


class CanceledParams(Params):
    """The order was canceled."""

    additional_documentation = String(unset=True)
    canceled_at = Timestamp(unset=True)
    cancellation_policy_provided = Boolean(unset=True)
    cancellation_reason = String(max_length=LONGEST_TEXT, unset=True)
    expected_at = Timestamp(unset=True)
    explanation = String(max_length=LONGEST_TEXT, unset=True)
    product_description = String(max_length=LONGEST_TEXT, unset=True)
    product_type = Enum(PRODUCT_TYPES, unset=True)
    return_status = Enum(RETURN_STATUSES, unset=True)
    returned_at = Timestamp(unset=True)


class DuplicateParams(Params):
    """It was paid for twice; `original_transaction` is the payment that stands."""

    additional_documentation = String(unset=True)
    card_statement = String(unset=True)
    cash_receipt = String(unset=True)
    check_image = String(unset=True)
    explanation = String(max_length=LONGEST_TEXT, unset=True)
    original_transaction = String()


class FraudulentParams(Params):
    """The cardholder did not make this purchase."""

    additional_documentation = String(unset=True)
    explanation = String(max_length=LONGEST_TEXT, unset=True)


class MerchandiseNotAsDescribedParams(Params):
    """What came is not what was ordered."""

    additional_documentation = String(unset=True)
    explanation = String(max_length=LONGEST_TEXT, unset=True)
    received_at = Timestamp(unset=True)
    return_description = String(max_length=LONGEST_TEXT, unset=True)
    return_status = Enum(RETURN_STATUSES, unset=True)
    returned_at = Timestamp(unset=True)


class NoValidAuthorizationParams(Params):
    """The merchant collected without an authorization that held."""

    additional_documentation = String(unset=True)
    explanation = String(max_length=LONGEST_TEXT, unset=True)


class NotReceivedParams(Params):
    """What was ordered never came."""

    additional_documentation = String(unset=True)
    expected_at = Timestamp(unset=True)
    explanation = String(max_length=LONGEST_TEXT, unset=True)
    product_description = String(max_length=LONGEST_TEXT, unset=True)
    product_type = Enum(PRODUCT_TYPES, unset=True)


class OtherParams(Params):
    """None of the other reasons."""

    additional_documentation = String(unset=True)
    explanation = String(max_length=LONGEST_TEXT, unset=True)
    product_description = String(max_length=LONGEST_TEXT, unset=True)
    product_type = Enum(PRODUCT_TYPES, unset=True)


class ServiceNotAsDescribedParams(Params):
    """The service was not what was agreed."""

    additional_documentation = String(unset=True)
    canceled_at = Timestamp(unset=True)
    cancellation_reason = String(max_length=LONGEST_TEXT, unset=True)
    explanation = String(max_length=LONGEST_TEXT, unset=True)
    received_at = Timestamp(unset=True)


REASONS: dict[str, type[Params]] = {
    "canceled": CanceledParams,
    "duplicate": DuplicateParams,
    "fraudulent": FraudulentParams,
    "merchandise_not_as_described": MerchandiseNotAsDescribedParams,
    "no_valid_authorization": NoValidAuthorizationParams,
    "not_received": NotReceivedParams,
    "other": OtherParams,
    "service_not_as_described": ServiceNotAsDescribedParams,
}
# What is shown as the reason until one has been sent: the API has no null there.
SHOWN_WITHOUT_REASON = "other"
# Beside the explanation, what is believed to be needed; `duplicate` needs any one proof of payment.
NEEDED: dict[str, tuple[str, ...]] = {
    "canceled": (
        "canceled_at",
        "cancellation_policy_provided",
        "cancellation_reason",
        "expected_at",
        "product_type",
    ),
    "duplicate": (),
    "fraudulent": (),
    "merchandise_not_as_described": ("received_at", "return_status", "return_description", "returned_at"),
    "no_valid_authorization": (),
    "not_received": ("expected_at", "product_description", "product_type"),
    "other": (),
    "service_not_as_described": ("canceled_at", "cancellation_reason", "received_at"),
}
NEEDED_FOR_CANCELED_MERCHANDISE = ("return_status", "returned_at")
EXPANDS = tuple(
    f"evidence.{reason}.{name}"
    for reason, schema in REASONS.items()
    for name in FILES
    if name in schema.shared().fields
)


class EvidenceParams(Params):
    """Evidence for any of the reasons, and the reason that counts."""

    canceled = Hash(CanceledParams, unset=True)
    duplicate = Hash(DuplicateParams, unset=True)
    fraudulent = Hash(FraudulentParams, unset=True)
    merchandise_not_as_described = Hash(MerchandiseNotAsDescribedParams, unset=True)
    no_valid_authorization = Hash(NoValidAuthorizationParams, unset=True)
    not_received = Hash(NotReceivedParams, unset=True)
    other = Hash(OtherParams, unset=True)
    reason = Enum(tuple(REASONS))
    service_not_as_described = Hash(ServiceNotAsDescribedParams, unset=True)


def check(world: World, sent: dict[str, Any], disputed: Transaction) -> None:
    """400 for a file that is unknown or of another purpose, or an original transaction that cannot be one."""
    for reason in REASONS:
        for name, value in (sent.get(reason) or {}).items():
            param = f"evidence[{reason}][{name}]"
            if name in FILES and value is not None:
                files.of_purpose(world, value, FILE_PURPOSE, param=param)
            elif name == "original_transaction":
                original = world.get(Transaction, value, param=param)
                if original.id == disputed.id or original.card != disputed.card:
                    raise invalid(
                        f"The original transaction must be another transaction of the card {disputed.card}.",
                        param=param,
                    )


def merged(stored: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The evidence after a request: given fields set, emptied fields and hashes gone, the others as they were. Pure."""
    evidence = dict(stored)
    for name, value in sent.items():
        if name == "reason":
            evidence[name] = value
            continue
        fields = {} if value is None else {**stored.get(name, {}), **value}
        evidence[name] = {field: given for field, given in fields.items() if given is not None}
    return evidence


def shown(evidence: dict[str, Any]) -> dict[str, Any]:
    """The evidence as the API shows it: the reason, and the whole hash of that reason. Pure."""
    reason = evidence.get("reason") or SHOWN_WITHOUT_REASON
    given = evidence.get(reason, {})
    return {"reason": reason, reason: {name: given.get(name) for name in REASONS[reason].shared().fields}}


def explanation(evidence: dict[str, Any]) -> str | None:
    """The explanation that goes with the reason."""
    return evidence.get(evidence.get("reason"), {}).get("explanation")


def missing(evidence: dict[str, Any], *, complete: bool) -> str | None:
    """The first thing that submitting still needs, such as `fraudulent.explanation`, or None. Pure."""
    reason = evidence.get("reason")
    if reason is None:
        return "reason"
    given = evidence.get(reason, {})
    needed = ["explanation"]
    if complete:
        needed += NEEDED[reason]
        if reason == "canceled" and given.get("product_type") == "merchandise":
            needed += NEEDED_FOR_CANCELED_MERCHANDISE
        if reason == "duplicate" and not any(name in given for name in PROOFS_OF_PAYMENT):
            needed.append(PROOFS_OF_PAYMENT[0])
    return next((f"{reason}.{name}" for name in needed if name not in given), None)


def refused(what: str) -> ApiError:
    """400 for evidence that is missing, named as `missing` names it."""
    path = "".join(f"[{name}]" for name in what.split("."))
    return invalid(f"Missing required evidence: {what}.", param=f"evidence{path}", code="parameter_missing")
