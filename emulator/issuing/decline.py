"""Why an authorization is declined: every rule, in the order it is asked.

Stripe documents that all of these come before the real-time webhook, not their order among each other; the order is
our ruling. All that a rule may look at is in one `Attempt`; it never reaches for the world. The attempt is kept with
the authorization, so that anybody can ask the rules again and get the same answer.

Source: https://docs.stripe.com/issuing/controls/real-time-authorizations and
https://docs.stripe.com/issuing/purchases/authorizations#authorization-handling (the reasons)
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from emulator.issuing.exchange_rates import written
from emulator.issuing.spending_controls import (
    HIDDEN_CAP,
    listed,
    lowest_single_limit,
    spent_when,
    telling_window,
    within_single_limits,
    within_windows,
)

# Every value of `request_history[].reason`, and whether it goes with an approval (True), a decline, or either (None).
REASONS: dict[str, bool | None] = {
    "account_disabled": False,
    "card_active": True,
    "card_canceled": False,
    "card_expired": False,
    "card_inactive": False,
    "cardholder_blocked": False,
    "cardholder_inactive": False,
    "cardholder_verification_required": False,
    "insecure_authorization_method": False,
    "insufficient_funds": False,
    "network_fallback": None,
    "not_allowed": False,
    "pin_blocked": False,
    "spending_controls": False,
    "stripe_internal_error": False,
    "suspected_fraud": False,
    "verification_failed": False,
    "webhook_approved": True,
    "webhook_declined": False,
    "webhook_error": None,
    "webhook_timeout": None,
}


class Attempt(NamedTuple):
    """All that is known when a request is decided. Amounts in minor units of the card's currency."""

    amount: int  # asked for with this request
    total: int  # of the authorization if this request is approved
    hold: int  # to be set aside if this request is approved
    spendable: int  # where the card's money is
    currency: str
    forced_reason: str | None  # what the emulator was told to end the request with
    forced_approved: bool
    issuing_capability: str
    card_status: str
    card_valid_through: str  # the last month, such as 2029-05
    month: str  # the present one
    pin_blocked: bool
    cardholder_status: str
    cardholder_disabled_reason: str | None
    cvc_check: str
    expiry_check: str
    three_d_secure: str | None
    fraud_risk: str | None
    verified_by_fraud_challenge: bool
    financial_account: str | None
    financial_account_status: str | None
    card_issuing_feature: str | None
    outbound_flows: str | None
    merchant_category: str
    merchant_country: str
    merchant_is_prohibited: bool
    card_presence: str
    card_controls: dict[str, Any]
    cardholder_controls: dict[str, Any]


class Rule(NamedTuple):
    """One question. `reason` is what Stripe puts into `request_history[].reason` when the answer is no.

    `objection` says in words what it objected to: what was found in place of what `says` wants. A rule that compares
    amounts gives them by name as `numbers`, and says with `agreement` what it found where it allows; None where there
    was nothing to compare.
    """

    says: str
    looks_at: tuple[str, ...]
    allows: Callable[[Attempt], bool]
    reason: str
    objection: Callable[[Attempt], str]
    agreement: Callable[[Attempt], str | None] = lambda attempt: None
    numbers: Callable[[Attempt], dict[str, Any] | None] = lambda attempt: None

    def sentence(self, attempt: Attempt) -> str:
        """What it found, for a person."""
        found = (self.agreement(attempt) or self.says) if self.allows(attempt) else self.objection(attempt)
        return f"{found[0].upper()}{found[1:]}."


def on_financial_account(
    says: str, fact: str, allows: Callable[[Attempt], bool], objection: Callable[[Attempt], str]
) -> Rule:
    """A rule that only cards on a financial account can break. The reason is our ruling: none is published."""
    return Rule(
        says,
        ("financial_account", fact),
        lambda a: a.financial_account is None or allows(a),
        "account_disabled",
        objection,
    )


def failed_checks(attempt: Attempt) -> str:
    """Which verifications failed."""
    failed = {
        "the CVC does not match": attempt.cvc_check == "mismatch",
        "the expiry date does not match": attempt.expiry_check == "mismatch",
        "3-D Secure failed": attempt.three_d_secure == "failed",
    }
    return " and ".join(says for says, is_so in failed.items() if is_so)


def controls_of(owner: str) -> tuple[Rule, ...]:
    """What the spending controls of a card or its holder ask."""
    controls = f"{owner}_controls"
    seen: Callable[[Attempt], dict[str, Any]] = attrgetter(controls)

    def list_rule(says: str, fact: str, kind: str, what: str) -> Rule:
        value_of: Callable[[Attempt], str] = attrgetter(fact)
        allowed, blocked = f"allowed_{kind}", f"blocked_{kind}"

        def allows(attempt: Attempt) -> bool:
            lists = seen(attempt)
            return listed(lists.get(allowed), lists.get(blocked), value_of(attempt))

        def objection(attempt: Attempt) -> str:
            value = value_of(attempt)
            verb = "blocks" if value in seen(attempt).get(blocked, ()) else "does not allow"
            return f"the {owner} {verb} {what} {value}"

        return Rule(says, (fact, controls), allows, "spending_controls", objection)

    return (
        list_rule(
            f"the {owner}'s controls allow a card that is present, or absent, like this",
            "card_presence",
            "card_presences",
            "purchases with the card",
        ),
        list_rule(
            f"the {owner}'s controls allow merchants of this country",
            "merchant_country",
            "merchant_countries",
            "merchants in",
        ),
        list_rule(
            f"the {owner}'s controls allow merchants of this category",
            "merchant_category",
            "categories",
            "merchants of",
        ),
        Rule(
            f"the total is within the {owner}'s limits per authorization",
            ("total", controls),
            lambda a: within_single_limits(seen(a), a.total),
            "spending_controls",
            lambda a: f"a total of {of_limit(owner, lowest_single_limit(seen(a)), a, 'is above')}",
            lambda a: most_told(a, lambda most: f"the total of {of_limit(owner, most, a, 'is within')}", seen(a)),
            lambda a: compared("total", a.total, lowest_single_limit(seen(a)), a.currency),
        ),
        Rule(
            f"the amount fits beside what was spent in the {owner}'s windows",
            ("amount", controls),
            lambda a: within_windows(seen(a), a.amount),
            "spending_controls",
            lambda a: beside_what_was_spent(owner, seen(a), a) or "",
            lambda a: beside_what_was_spent(owner, seen(a), a),
            lambda a: window_numbers(seen(a), a),
        ),
    )


def of_limit(owner: str, most: int | None, attempt: Attempt, verb: str) -> str:
    """A total beside a limit per authorization."""
    total, limit = written(attempt.total, attempt.currency), written(most or 0, attempt.currency)
    return f"{total} {verb} the {owner}'s limit of {limit} per authorization"


def most_told(attempt: Attempt, says: Callable[[int], str], controls: dict[str, Any]) -> str | None:
    """What is said of the lowest limit per authorization, where there is one."""
    most = lowest_single_limit(controls)
    return None if most is None else says(most)


def beside_what_was_spent(owner: str, controls: dict[str, Any], attempt: Attempt) -> str | None:
    """Whether an amount fits into the window of a limit, and into which; None where no limit has a window."""
    limit = telling_window(controls, attempt.amount)
    if limit is None:
        return None
    most, spent, amount = (written(one, attempt.currency) for one in (limit["amount"], limit["spent"], attempt.amount))
    fits = within_windows(controls, attempt.amount)
    which = "limit" if limit["interval"] == "all_time" else f"{limit['interval']} limit"
    if limit["spent"] == 0:
        verb = "is within" if fits else "is above"
        return f"{amount} {verb} the {owner}'s {which} of {most}, and nothing was spent {spent_when(limit)}"
    verb = "fits" if fits else "does not fit"
    return f"{amount} {verb} beside the {spent} spent {spent_when(limit)}: the {owner}'s {which} is {most}"


def window_numbers(controls: dict[str, Any], attempt: Attempt) -> dict[str, Any] | None:
    """The numbers of that sentence."""
    limit = telling_window(controls, attempt.amount)
    if limit is None:
        return None
    told = compared("amount", attempt.amount, limit["amount"], attempt.currency, spent=limit["spent"])
    return {**(told or {}), "interval": limit["interval"], "since": limit.get("since")}


def compared(
    name: str, asked: int, most: int | None, currency: str, *, spent: int = 0, limit: str = "limit"
) -> dict[str, Any] | None:
    """What is asked for beside the most there may be, in minor units: what is left before it, and what is too much."""
    if most is None:
        return None
    used = {"spent": spent} if spent or name == "amount" else {}
    left = max(most - spent, 0)
    return {name: asked, **used, limit: most, "left": left, "over": max(asked - left, 0), "currency": currency}


RULES: tuple[Rule, ...] = (
    Rule(
        "the account may issue cards",
        ("issuing_capability",),
        lambda a: a.issuing_capability == "active",
        "account_disabled",
        lambda a: f"the account's capability card_issuing is {a.issuing_capability}",
    ),
    Rule(
        "the card is not canceled",
        ("card_status",),
        lambda a: a.card_status != "canceled",
        "card_canceled",
        lambda a: "the card is canceled",
    ),
    Rule(
        "the card has not expired",
        ("card_valid_through", "month"),
        lambda a: a.month <= a.card_valid_through,
        "card_expired",
        lambda a: f"the card was valid through {a.card_valid_through}, and this is {a.month}",
    ),
    Rule(
        "the PIN is not blocked",
        ("pin_blocked",),
        lambda a: not a.pin_blocked,
        "pin_blocked",
        lambda a: "the card's PIN is blocked",
    ),
    Rule(
        "the card is active",
        ("card_status",),
        lambda a: a.card_status == "active",
        "card_inactive",
        lambda a: f"the card is {a.card_status}",
    ),
    Rule(
        "the cardholder is not inactive",
        ("cardholder_status",),
        lambda a: a.cardholder_status != "inactive",
        "cardholder_inactive",
        lambda a: "the cardholder is inactive",
    ),
    Rule(
        "the cardholder is not blocked",
        ("cardholder_status",),
        lambda a: a.cardholder_status != "blocked",
        "cardholder_blocked",
        lambda a: "the cardholder is blocked",
    ),
    Rule(
        "the cardholder meets all requirements",
        ("cardholder_disabled_reason",),
        lambda a: a.cardholder_disabled_reason is None,
        "cardholder_verification_required",
        lambda a: f"the cardholder's requirements are not met ({a.cardholder_disabled_reason})",
    ),
    # That a wrong CVC declines is documented; a wrong expiry date and a failed 3-D Secure are our reading.
    # A wrong address is only told to the webhook.
    Rule(
        "neither CVC, expiry date nor 3-D Secure failed",
        ("cvc_check", "expiry_check", "three_d_secure"),
        lambda a: "mismatch" not in (a.cvc_check, a.expiry_check) and a.three_d_secure != "failed",
        "verification_failed",
        failed_checks,
    ),
    Rule(
        "no stronger authentication is required",
        ("three_d_secure",),
        lambda a: a.three_d_secure != "required",
        "insecure_authorization_method",
        lambda a: "3-D Secure is required, and was not tried",
    ),
    Rule(
        "the risk of fraud is not the highest, or the cardholder has vouched for this merchant",
        ("fraud_risk", "verified_by_fraud_challenge"),
        lambda a: a.fraud_risk != "highest" or a.verified_by_fraud_challenge,
        "suspected_fraud",
        lambda a: "the risk of fraud is the highest",
    ),
    on_financial_account(
        "the financial account is open",
        "financial_account_status",
        lambda a: a.financial_account_status == "open",
        lambda a: f"the financial account {a.financial_account} is {a.financial_account_status or 'gone'}",
    ),
    on_financial_account(
        "the financial account's card_issuing feature is active",
        "card_issuing_feature",
        lambda a: a.card_issuing_feature == "active",
        lambda a: (
            f"the feature card_issuing of the financial account {a.financial_account} is "
            f"{a.card_issuing_feature or 'not requested'}"
        ),
    ),
    on_financial_account(
        "the financial account's outbound flows are not restricted",
        "outbound_flows",
        lambda a: a.outbound_flows != "restricted",
        lambda a: f"the outbound flows of the financial account {a.financial_account} are restricted",
    ),
    Rule(
        "the merchant's category is not prohibited",
        ("merchant_category", "merchant_is_prohibited"),
        lambda a: not a.merchant_is_prohibited,
        "not_allowed",
        lambda a: f"merchants of {a.merchant_category} are prohibited",
    ),
    *controls_of("card"),
    *controls_of("cardholder"),
    Rule(
        f"the total is within the {HIDDEN_CAP // 100:,} that no authorization exceeds",
        ("total",),
        lambda a: a.total <= HIDDEN_CAP,
        "spending_controls",
        lambda a: (
            f"a total of {written(a.total, a.currency)} is above the {written(HIDDEN_CAP, a.currency)} that no "
            "authorization exceeds"
        ),
        lambda a: (
            f"the total of {written(a.total, a.currency)} is within the {written(HIDDEN_CAP, a.currency)} that no "
            "authorization exceeds"
        ),
        lambda a: compared("total", a.total, HIDDEN_CAP, a.currency),
    ),
    Rule(
        "the money to be held is there",
        ("hold", "spendable"),
        lambda a: a.hold == 0 or a.hold <= a.spendable,
        "insufficient_funds",
        lambda a: f"{written(a.hold, a.currency)} would be held, and {written(a.spendable, a.currency)} can be spent",
        lambda a: f"{written(a.hold, a.currency)} would be held, and {written(a.spendable, a.currency)} can be spent",
        lambda a: compared("hold", a.hold, a.spendable, a.currency, limit="spendable"),
    ),
)

# Asked before all others; its reason is the one the emulator was told.
SWITCH = Rule(
    "nobody told the emulator how to end this request",
    ("forced_reason", "forced_approved"),
    lambda a: a.forced_reason is None,
    "",
    lambda a: f"the emulator was told to end it with {a.forced_reason}",
)


def objections(attempt: Attempt) -> list[Rule]:
    """Every rule that says no, in order; the first one declines. Pure: the same attempt meets the same answer."""
    if attempt.forced_reason is not None:
        return [] if attempt.forced_approved else [SWITCH._replace(reason=attempt.forced_reason)]
    return [rule for rule in RULES if not rule.allows(attempt)]


def objection(attempt: Attempt) -> Rule | None:
    """The first rule that says no, or None."""
    return next(iter(objections(attempt)), None)


class Judged(NamedTuple):
    """A rule, and its verdict on a request that has ended.

    `allows`, `objects` (the one that declined), `would object` (had it been asked), or `decides` for a request whose
    end was chosen beforehand, after which nothing is asked.
    """

    rule: Rule
    verdict: str


def explained(attempt: Attempt, reason: str) -> list[Judged]:
    """Every rule in order with its verdict on a request that ended with a reason."""
    if attempt.forced_reason is not None:
        return [Judged(SWITCH._replace(reason=attempt.forced_reason), "decides")]
    verdicts = {rule.says: "would object" for rule in objections(attempt)}
    first = objection(attempt)
    if first is not None and first.reason == reason:
        verdicts[first.says] = "objects"
    return [Judged(rule, verdicts.get(rule.says, "allows")) for rule in (SWITCH, *RULES)]
