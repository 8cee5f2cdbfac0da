"""The test cards: their numbers, the tokens that stand for them, and what becomes of an attempt to use one.

No other card is known in test mode. A card that is declined when it is saved says so. Others are saved well and show
only in payments what they are: declined or blocked when charged, disputed, or hard to refund.
Source: https://docs.stripe.com/testing
"""

from __future__ import annotations

from typing import NamedTuple

GENERIC = "Your card was declined."


class Decline(NamedTuple):
    """What the bank says: `code`, the finer `decline_code`, a sentence, and the parameter that it is about."""

    code: str
    decline_code: str | None
    message: str
    param: str | None = None


class Card(NamedTuple):
    """One test card. `fails` names the checks that fail, `authenticates` says that saving it asks the cardholder."""

    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    fails: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()
    authenticates: bool = False


ADDRESS, POSTAL_CODE = "address_line1_check", "address_postal_code_check"
DECLINES = {
    "chargeDeclined": ("4000000000000002", Decline("card_declined", "generic_decline", GENERIC)),
    "chargeDeclinedInsufficientFunds": (
        "4000000000009995",
        Decline("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    ),
    "chargeDeclinedLostCard": ("4000000000009987", Decline("card_declined", "lost_card", GENERIC)),
    "chargeDeclinedStolenCard": ("4000000000009979", Decline("card_declined", "stolen_card", GENERIC)),
    "chargeDeclinedVelocityLimitExceeded": (
        "4000000000006975",
        Decline(
            "card_declined",
            "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        ),
    ),
    "chargeDeclinedExpiredCard": (
        "4000000000000069",
        Decline("expired_card", None, "Your card has expired.", "exp_month"),
    ),
    "chargeDeclinedIncorrectCvc": (
        "4000000000000127",
        Decline("incorrect_cvc", None, "Your card's security code is incorrect.", "cvc"),
    ),
    "chargeDeclinedProcessingError": (
        "4000000000000119",
        Decline(
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    ),
}
BY_TOKEN = {
    "visa": Card("4242424242424242"),
    "us": Card("4242424242424242"),
    "visa_debit": Card("4000056655665556", funding="debit"),
    "mastercard": Card("5555555555554444", "mastercard"),
    "mastercard_debit": Card("5200828282828210", "mastercard", "debit"),
    "mastercard_prepaid": Card("5105105105105100", "mastercard", "prepaid"),
    "amex": Card("378282246310005", "amex"),
    "discover": Card("6011111111111117", "discover"),
    "diners": Card("3056930009020004", "diners"),
    "jcb": Card("3566002020360505", "jcb", country="JP"),
    "unionpay": Card("6200000000000005", "unionpay", country="CN"),
    "ca": Card("4000001240000000", country="CA"),
    "br": Card("4000000760000002", country="BR"),
    "mx": Card("4000004840008001", country="MX"),
    "at": Card("4000000400000008", country="AT"),
    "au": Card("4000000360000006", country="AU"),
    "be": Card("4000000560000004", country="BE"),
    "ch": Card("4000007560000009", country="CH"),
    "de": Card("4000002760000016", country="DE"),
    "dk": Card("4000002080000001", country="DK"),
    "es": Card("4000007240000007", country="ES"),
    "fi": Card("4000002460000001", country="FI"),
    "fr": Card("4000002500000003", country="FR"),
    "gb": Card("4000008260000000", country="GB"),
    "ie": Card("4000003720000005", country="IE"),
    "it": Card("4000003800000008", country="IT"),
    "jp": Card("4000003920000003", country="JP"),
    "nl": Card("4000005280000002", country="NL"),
    "no": Card("4000005780000007", country="NO"),
    "pt": Card("4000006200000007", country="PT"),
    "se": Card("4000007520000008", country="SE"),
    "sg": Card("4000007020000003", country="SG"),
    "bypassPending": Card("4000000000000077"),
    "chargeCustomerFail": Card("4000000000000341"),
    "createDispute": Card("4000000000000259"),
    "createDisputeInquiry": Card("4000000000001976"),
    "createDisputeProductNotReceived": Card("4000000000002685"),
    "pendingRefund": Card("4000000000007726"),
    "refundFail": Card("4000000000005126"),
    "radarBlock": Card("4100000000000019"),
    "riskLevelElevated": Card("4000000000009235"),
    "riskLevelHighest": Card("4000000000004954"),
    "avsFail": Card("4000000000000010", fails=(ADDRESS, POSTAL_CODE)),
    "avsLine1Fail": Card("4000000000000028", fails=(ADDRESS,)),
    "avsZipFail": Card("4000000000000036", fails=(POSTAL_CODE,)),
    "avsUnchecked": Card("4000000000000044", unavailable=(ADDRESS, POSTAL_CODE)),
    "cvcCheckFail": Card("4000000000000101", decline=DECLINES["chargeDeclinedIncorrectCvc"][1]),
    "authenticationRequired": Card("4000002760003184", authenticates=True),
    "authenticationRequiredOnSetup": Card("4000002500003155", authenticates=True),
    "authenticationRequiredSetupForOffSession": Card("4000003800000446"),
    "authenticationRequiredChargeDeclinedInsufficientFunds": Card("4000008260003178", authenticates=True),
    "threeDSecure2Required": Card("4000000000003220", authenticates=True),
    "threeDSecureOptional": Card("4000000000003055"),
    **{name: Card(number, decline=decline) for name, (number, decline) in DECLINES.items()},
    **{f"visa_{name}": Card(number, decline=decline) for name, (number, decline) in DECLINES.items()},
}
# Debit cards for payouts, which have tokens and no payment methods.
# Source: https://docs.stripe.com/connect/testing#debit-card-numbers
FOR_PAYOUTS = {
    "visa_debit_us_transferSuccess": Card("4000056655665556", funding="debit"),
    "visa_debit_us_transferFail": Card("4000056655665572", funding="debit"),
    "visa_debit_us_instantPayoutUnsupported": Card("4000056755665555", funding="debit"),
    "mastercard_debit_us_transferSuccess": Card("5200828282828210", "mastercard", "debit"),
    "discover_debit_us_transferSuccess": Card("6011981111111113", "discover", "debit"),
}
WITHOUT_A_TOKEN = (
    Card("2223003122003222", "mastercard"),
    Card("371449635398431", "amex"),
    Card("6011000990139424", "discover"),
    Card("6011981111111113", "discover", "debit"),
    Card("36227206271667", "diners"),
)
# What is saved well, and declined when it is charged.
DECLINED_WHEN_CHARGED = {
    "4000000000000341": DECLINES["chargeDeclined"][1],
    "4000008260003178": DECLINES["chargeDeclinedInsufficientFunds"][1],
}
# Stripe blocks what it finds too risky, whatever the bank would say.
BLOCKED = ("4100000000000019", "4000000000004954")
RISKS = {**dict.fromkeys(BLOCKED, "highest"), "4000000000009235": "elevated"}
BYPASSES_PENDING = "4000000000000077"
# Why a card is disputed once it was charged; an inquiry asks first.
DISPUTED = {
    "4000000000000259": "fraudulent",
    "4000000000001976": "fraudulent",
    "4000000000002685": "product_not_received",
}
INQUIRED = ("4000000000001976",)
# Whose holder has to authenticate a payment: any; one made while the holder is there; one made while nobody is, unless
# the card was set up for that.
ASKED_ALWAYS = ("4000002760003184", "4000000000003220", "4000008260003178")
ASKED_ON_SESSION = ("4000002500003155", "4000003800000446")
ASKED_UNLESS_SET_UP = ("4000002500003155",)
REFUND_PENDS, REFUND_FAILS = "4000000000007726", "4000000000005126"
BY_NUMBER = {card.number: card for card in (*BY_TOKEN.values(), *FOR_PAYOUTS.values(), *WITHOUT_A_TOKEN)}
# Payment methods and tokens of cards have the same names behind their prefixes.
OF_METHODS, OF_TOKENS = "pm_card_", "tok_"


def behind(token: str, prefix: str) -> Card | None:
    """The card that a token of a kind stands for, or None."""
    known = BY_TOKEN | FOR_PAYOUTS if prefix == OF_TOKENS else BY_TOKEN
    return known.get(token.removeprefix(prefix)) if token.startswith(prefix) else None
