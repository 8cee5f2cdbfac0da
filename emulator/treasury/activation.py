"""Which features a financial account can have, and what decides the state each is in.

The decision looks at the account that owns it (rejected or not, its capabilities), at the platform's restrictions, at
what was activated before, and at nothing else. The first rule that objects gives the status and its reason.
Source: https://docs.stripe.com/treasury/account-management/financial-account-features
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from emulator.kernel.params import Boolean, Hash, Params

INBOUND, OUTBOUND = "inbound_flows", "outbound_flows"
UNRESTRICTED = {INBOUND: "unrestricted", OUTBOUND: "unrestricted"}


class Feature(NamedTuple):
    """One thing a financial account can be able to do: the capability of its owner that it needs, and the flows whose
    restriction touches it."""

    path: str
    capability: str
    flows: tuple[str, ...] = ()


FEATURES = {
    feature.path: feature
    for feature in (
        Feature("card_issuing", "card_issuing"),
        Feature("deposit_insurance", "treasury"),
        Feature("financial_addresses.aba", "treasury", (INBOUND, OUTBOUND)),
        Feature("inbound_transfers.ach", "treasury", (INBOUND,)),
        Feature("intra_stripe_flows", "treasury", (INBOUND, OUTBOUND)),
        Feature("outbound_payments.ach", "treasury", (OUTBOUND,)),
        Feature("outbound_payments.us_domestic_wire", "treasury", (OUTBOUND,)),
        Feature("outbound_transfers.ach", "treasury", (OUTBOUND,)),
        Feature("outbound_transfers.us_domestic_wire", "treasury", (OUTBOUND,)),
    )
}
# Features that a bank has to set up first; all others are there at once.
TAKES_A_WHILE = frozenset({"financial_addresses.aba"})


class Standing(NamedTuple):
    """Everything the decision may look at. `capabilities` maps names to statuses, `restrictions` flows to theirs."""

    is_closed: bool
    is_rejected: bool
    capabilities: Mapping[str, str]
    restrictions: Mapping[str, str]
    activated: Sequence[str]


class State(NamedTuple):
    """The status of a feature and why it is not `active`."""

    status: str
    details: tuple[dict[str, str | None], ...] = ()

    @property
    def is_activating(self) -> bool:
        """Whether it becomes active by itself."""
        return any(detail["code"] == "activating" for detail in self.details)


class Rule(NamedTuple):
    """A sentence, and the objection that follows where it does not hold (None where it does)."""

    says: str
    objection: Callable[[Feature, Standing], State | None]


def because(code: str, resolution: str | None = None) -> tuple[dict[str, str | None], ...]:
    """One reason; `resolution` is what the user can do about it."""
    return ({"code": code, "resolution": resolution},)


def unless_closed(feature: Feature, standing: Standing) -> State | None:
    return State("restricted", because("financial_account_closed")) if standing.is_closed else None


def unless_rejected(feature: Feature, standing: Standing) -> State | None:
    return State("restricted", because("rejected_other", "contact_stripe")) if standing.is_rejected else None


def with_capability(feature: Feature, standing: Standing) -> State | None:
    return CAPABILITY_OBJECTIONS.get(standing.capabilities[feature.capability])


def unless_restricted(feature: Feature, standing: Standing) -> State | None:
    flows = [flow for flow in feature.flows if standing.restrictions[flow] == "restricted"]
    details = [
        {"code": "restricted_by_platform", "resolution": "remove_restriction", "restriction": flow} for flow in flows
    ]
    return State("restricted", tuple(details)) if details else None


def once_set_up(feature: Feature, standing: Standing) -> State | None:
    waits = feature.path in TAKES_A_WHILE and feature.path not in standing.activated
    return State("pending", because("activating")) if waits else None


# What a capability that is not active means for a feature that needs it.
CAPABILITY_OBJECTIONS = {
    "unrequested": State("restricted", because("capability_not_requested", "provide_information")),
    "inactive": State("restricted", because("requirements_past_due", "provide_information")),
    "pending": State("pending", because("requirements_pending_verification")),
}
RULES = (
    Rule("the financial account is open", unless_closed),
    Rule("its owner has not been rejected", unless_rejected),
    Rule("its owner has the capability that the feature needs", with_capability),
    Rule("the platform restricts none of the flows of the feature", unless_restricted),
    Rule("the bank has set it up", once_set_up),
)


def state_of(feature: Feature, standing: Standing) -> State:
    """The state of a requested feature. Pure: the same standing always meets the same answer."""
    objections = (rule.objection(feature, standing) for rule in RULES)
    return next((objection for objection in objections if objection is not None), State("active"))


def states_of(requested: Sequence[str], standing: Standing) -> dict[str, State]:
    """The state of every requested feature, in Stripe's order."""
    return {path: state_of(feature, standing) for path, feature in FEATURES.items() if path in requested}


def as_object(states: Mapping[str, State]) -> dict[str, Any]:
    """The features object of the API. What was never requested is absent."""
    tree: dict[str, Any] = {"object": "treasury.financial_account_features"}
    for path, state in states.items():
        group, dot, name = path.rpartition(".")
        toggle = {"requested": True, "status": state.status, "status_details": list(state.details)}
        if dot:
            tree.setdefault(group, {})[name] = toggle
        else:
            tree[path] = toggle
    return tree


# What may be sent


class Toggle(Params):
    """Whether a feature is wanted."""

    requested = Boolean(required=True)


class AddressFeatures(Params):
    """Features that give an account an address at a bank."""

    aba = Hash(Toggle)


class AchFeatures(Params):
    """Features of money pulled in."""

    ach = Hash(Toggle)


class OutboundFeatures(Params):
    """Features of money sent out."""

    ach = Hash(Toggle)
    us_domestic_wire = Hash(Toggle)


class FeaturesParams(Params):
    """The tree of features, each leaf a toggle."""

    card_issuing = Hash(Toggle)
    deposit_insurance = Hash(Toggle)
    financial_addresses = Hash(AddressFeatures)
    inbound_transfers = Hash(AchFeatures)
    intra_stripe_flows = Hash(Toggle)
    outbound_payments = Hash(OutboundFeatures)
    outbound_transfers = Hash(OutboundFeatures)


def toggled(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, bool]]:
    """The paths in a sent tree of features, and whether each is wanted."""
    for name, inner in tree.items():
        if "requested" in inner:
            yield above + name, inner["requested"]
        else:
            yield from toggled(inner, f"{above}{name}.")


def requested_after(stored: Sequence[str], tree: Mapping[str, Any]) -> list[str]:
    """The requested features once a sent tree is merged in, in Stripe's order."""
    wanted = {**dict.fromkeys(stored, True), **dict(toggled(tree))}
    return [path for path in FEATURES if wanted.get(path)]
