"""Why a purchase ended as it did, in the words of a page: a headline, the rules in groups, and what would change it.

Everything comes from `GET /_emulator/why/{id}`. Pure: a reply in, words out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.dashboard import formats

# What the groups are called, by the first fact that tells whose rule it is.
GROUPS = {
    "card_controls": "Card’s controls",
    "cardholder_controls": "Cardholder’s controls",
    "forced_reason": "Emulator",
    "issuing_capability": "Account",
    "card_status": "Card",
    "card_valid_through": "Card",
    "pin_blocked": "Card",
    "cardholder_status": "Cardholder",
    "cardholder_disabled_reason": "Cardholder",
    "cvc_check": "Verification and fraud",
    "three_d_secure": "Verification and fraud",
    "fraud_risk": "Verification and fraud",
    "financial_account": "Financial account",
    "merchant_is_prohibited": "Merchant",
    "total": "Ceiling and money",
    "hold": "Ceiling and money",
}
ENDPOINT = "Whoever answers for the account"
AMOUNTS = ("amount", "hold", "spendable", "total")
OBJECTS = ("objects", "decides")
# What an objection is called in a line of a few words, by the fact of its rule.
HEADLINES = {
    "issuing_capability": "The account may not issue cards",
    "pin_blocked": "The PIN is blocked",
    "card_valid_through": "The card has expired",
    "cardholder_disabled_reason": "The cardholder has requirements due",
    "cvc_check": "CVC, expiry date or 3-D Secure failed",
    "three_d_secure": "Stronger authentication is required",
    "fraud_risk": "Fraud risk is the highest",
    "financial_account_status": "The financial account is not open",
    "card_issuing_feature": "The financial account may not issue cards",
    "outbound_flows": "Outbound flows are restricted",
    "merchant_is_prohibited": "The merchant’s category is prohibited",
    "hold": "Not enough money",
    "merchant_category": "The category is not allowed",
    "merchant_country": "The country is not allowed",
    "card_presence": "Paying this way is not allowed",
}
BY_REASON = {
    "card_active": "Approved",
    "card_canceled": "The card is canceled",
    "card_inactive": "The card is inactive",
    "cardholder_blocked": "The cardholder is blocked",
    "cardholder_inactive": "The cardholder is inactive",
    "webhook_approved": "Your endpoint approved",
    "webhook_declined": "Your endpoint declined",
    "webhook_error": "Your endpoint’s answer cannot be used",
    "webhook_timeout": "No answer came in time",
}
WINDOWS = {
    "all_time": "limit of all time",
    "daily": "daily limit",
    "monthly": "monthly limit",
    "weekly": "weekly limit",
    "yearly": "yearly limit",
}


class Line(NamedTuple):
    """One rule: what it found, what it looked at, and how it judged."""

    says: str
    saw: str
    verdict: str


class Group(NamedTuple):
    """Rules that stand together."""

    name: str
    lines: list[Line]
    kind: str  # good, bad, or empty for what came after an objection
    says: str


class Remedy(NamedTuple):
    """The one action that would change the outcome: what it does, and what it needs to know."""

    does: str
    says: str
    value: str = ""


class Explained(NamedTuple):
    """One request of an authorization."""

    approved: bool
    headline: str
    sentence: str
    reason: str
    count: int
    groups: list[Group]
    objection: dict[str, Any] | None
    objecting: str
    asked: bool  # whether somebody who answers for the account was
    hints: list[str]


def explained(request: dict[str, Any], currency: str) -> Explained:
    """One request as `why` tells it."""
    rules = request["rules"]
    found = next((rule for rule in rules if rule["verdict"] in OBJECTS), None)
    told = next((rule for rule in rules if not rule["looks_at"]), None)
    return Explained(
        request["approved"],
        headline(request, found),
        found["sentence"] if found is not None else (told or {}).get("sentence") or "No rule objects.",
        request["reason"],
        len(rules),
        grouped(request, currency),
        found,
        group_of(found) if found is not None else "",
        told is not None,
        request["hints"],
    )


def headline(request: dict[str, Any], found: dict[str, Any] | None) -> str:
    """How a request ended, in a few words."""
    if found is None or not found["looks_at"]:
        return BY_REASON.get(request["reason"], formats.words(request["reason"]))
    facts, numbers = found["looks_at"], found["numbers"] or {}
    if "forced_reason" in facts:
        return f"You chose this: {formats.words(request['reason']).lower()}"
    interval = numbers.get("interval")
    if interval in WINDOWS:
        return f"Over the {WINDOWS[interval]}"
    if "total" in facts:
        return "Over the limit per purchase" if len(facts) > 1 else "Over the most that a purchase may be"
    says = next((HEADLINES[fact] for fact in facts if fact in HEADLINES), BY_REASON.get(request["reason"], ""))
    return says.replace("not allowed", "blocked") if " blocks " in found["sentence"] else says


def group_of(rule: dict[str, Any]) -> str:
    """To whom a rule belongs."""
    facts = rule["looks_at"]
    return next((GROUPS[fact] for fact in GROUPS if fact in facts), ENDPOINT)


def grouped(request: dict[str, Any], currency: str) -> list[Group]:
    """The rules in their order, those that follow each other and belong together in one group.

    The rule that objects has a group of its own; what comes after it was not asked.
    """
    groups: list[tuple[str, list[dict[str, Any]]]] = []
    for rule in request["rules"]:
        name, objects = group_of(rule), rule["verdict"] in OBJECTS
        if not groups or groups[-1][0] != name or objects or groups[-1][1][-1]["verdict"] in OBJECTS:
            groups.append((name, []))
        groups[-1][1].append(rule)
    shown, is_over = [], False
    for name, rules in groups:
        lines = [Line(line["sentence"], saw(line, request["saw"], currency), line["verdict"]) for line in rules]
        if rules[0]["verdict"] in OBJECTS:
            objects = not request["approved"]
            kind, says, is_over = ("bad", "objects", True) if objects else ("good", "decides", True)
        elif is_over:
            against = sum(line["verdict"] == "would object" for line in rules)
            kind, says = "", counted(len(rules) - against, "would have allowed", against)
        else:
            kind, says = "good", f"{formats.plural(len(rules), 'rule')} {'allows' if len(rules) == 1 else 'allow'}"
        shown.append(Group(name, lines, kind, says))
    return shown


def counted(allow: int, says: str, against: int) -> str:
    """What rules would have said that were not asked."""
    parts = [f"{allow} {says}"] if allow or not against else []
    return ", ".join([*parts, *([f"{against} would object too"] if against else [])])


def saw(rule: dict[str, Any], facts: dict[str, Any], currency: str) -> str:
    """What a rule looked at, as names and values of the API."""
    return ", ".join(f"{name} {fact(name, facts[name], currency)}" for name in rule["looks_at"])


def fact(name: str, value: Any, currency: str) -> str:
    """One fact."""
    if isinstance(value, dict):
        lists = [f"{key.replace('_', ' ')}: {', '.join(one)}" for key, one in value.items() if key != "limits"]
        count = len(value.get("limits", []))
        return "; ".join([*lists, *([formats.plural(count, "limit")] if count else [])]) or "none set"
    if name in AMOUNTS:
        return formats.amount(value, currency)
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)


def remedy(found: Explained, currency: str) -> Remedy | None:
    """What a single action would change so that the same purchase is approved; None where none of ours would."""
    rule = found.objection
    if rule is None or found.approved:
        return None
    facts, numbers = rule["looks_at"], rule["numbers"] or {}
    owner = "card" if "card_controls" in facts else "cardholder" if "cardholder_controls" in facts else ""
    if owner and numbers:
        needed = numbers.get("spent", 0) + numbers.get("amount", numbers.get("total", 0))
        limit = round_above(needed)
        interval = numbers.get("interval", "per_authorization")
        shown = formats.amount(limit, currency).removesuffix(".00")
        return Remedy("limit", f"Raise it to {shown}, swipe again", f"{owner} {interval} {limit}")
    if owner == "card" and "merchant_category" in facts:
        return Remedy("category", "Allow the category, swipe again")
    if "outbound_flows" in facts:
        return Remedy("outbound", "Lift the restriction, swipe again")
    if found.reason in ("card_inactive", "pin_blocked"):
        return Remedy("card", "Activate the card, swipe again")
    if found.reason == "cardholder_inactive":
        return Remedy("cardholder", "Activate the cardholder, swipe again")
    if found.reason == "insufficient_funds" and numbers:
        missing = round_above(numbers["hold"] - numbers["spendable"])
        shown = formats.amount(missing, currency).removesuffix(".00")
        return Remedy("deposit", f"Deposit {shown}, swipe again", str(missing))
    return None


def round_above(value: int) -> int:
    """The next round amount that is enough: 100.00, 200.00, 500.00, 1,000.00 …"""
    step = 100_00
    while True:
        for factor in (1, 2, 5):
            if step * factor >= value:
                return step * factor
        step *= 10
