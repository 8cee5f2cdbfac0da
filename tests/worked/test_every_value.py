"""Every value that the official package lists for a member of an Issuing object is met, by a way that is documented.

One row for each member that has a list: a story makes objects, and together they show the whole list. What never comes
is named in `NEVER` with its reason; `request_history.reason` has its own table in `test_reasons.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.client import Client
from tests.contract import annotations
from tests.contract.annotations import ClassName, Type
from tests.issuing.holders import (
    BILLING,
    CARDHOLDERS,
    CARDS,
    SHIPPING,
    a_card,
    a_cardholder,
    a_physical_card,
)
from tests.issuing.purchases import AUTHORIZATIONS, DAY, a_spender, authorize, done, force_capture, refund

KINDS = ("issuing.cardholder", "issuing.card", "issuing.authorization", "issuing.transaction", "issuing.dispute")
TOKEN = "issuing.token"
DISPUTES, TOKENS = "/v1/issuing/disputes", "/v1/issuing/tokens"
SHIPMENTS, CONTROL = "/v1/test_helpers/issuing/cards", "/_emulator/issuing"
Story = Callable[[Client, tuple[str, ...]], Iterable[dict[str, Any]]]
NEVER = {
    (TOKEN, "network", "mastercard"): "cards are Visa cards",
    (TOKEN, "network_data.type", "mastercard"): "cards are Visa cards",
    (TOKEN, "network_data.wallet_provider.suggested_decision", "decline"): "a card that is declined has no token",
}
ELSEWHERE = {("issuing.authorization", "request_history.reason"): "test_reasons.py"}


# What is published


def lists_of(kind: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The members of an object that have a list of values, by their dotted path; embedded objects are their own."""
    for name, type in annotations.fields(annotations.object_classes()[kind]).items():
        if name != "object":
            yield from lists_in(type, name)


def lists_in(type: Type, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The same below one member."""
    if type.kind == "enum":
        yield path, tuple(str(value) for value in type.values)
    elif type.kind in ("list", "either"):
        for option in type.of:
            yield from lists_in(option, path)
    elif isinstance(type.name, ClassName) and annotations.object_name(type.name) is None:
        for name, inner in annotations.fields(type.name).items():
            yield from lists_in(inner, f"{path}.{name}")


def values_at(shown: Any, path: str) -> Iterator[str]:
    """What stands at a dotted path of a reply, in every element of the lists on the way."""
    if isinstance(shown, list):
        for element in shown:
            yield from values_at(element, path)
    elif not path:
        yield from () if shown is None else (shown,)
    elif isinstance(shown, dict):
        name, _, rest = path.partition(".")
        yield from values_at(shown.get(name), rest)


PUBLISHED = {(kind, path): values for kind in (*KINDS, TOKEN) for path, values in lists_of(kind)}
STORIES: dict[tuple[str, str], Story] = {}


def row(kind: str, *paths: str) -> Callable[[Story], Story]:
    """Put a story into the table."""

    def add(told: Story) -> Story:
        for path in paths:
            assert (kind, path) not in STORIES
            STORIES[kind, path] = told
        return told

    return add


def each(kind: str, path: str, make: Callable[[Client, str], dict[str, Any]]) -> None:
    """A row whose objects are made one by one, of one value each."""
    STORIES[kind, path] = lambda platform, values: [make(platform, value) for value in values]


# Cardholders


def controlled(kind: str, make: Callable[..., dict[str, Any]]) -> None:
    """The rows about the spending controls of cardholders or cards."""

    def controls(name: str, told: Callable[[tuple[str, ...]], Any]) -> None:
        STORIES[kind, f"spending_controls.{name}"] = lambda platform, values: [
            make(platform, spending_controls={name.partition(".")[0]: told(values)})
        ]

    limit = {"amount": 1, "interval": "daily"}
    for name in ("allowed_categories", "blocked_categories", "allowed_card_presences", "blocked_card_presences"):
        controls(name, list)
    controls("spending_limits.categories", lambda values: [{**limit, "categories": list(values)}])
    controls("spending_limits.interval", lambda values: [{**limit, "interval": one} for one in values])


controlled("issuing.cardholder", a_cardholder)
controlled("issuing.card", a_card)
each("issuing.cardholder", "preferred_locales", lambda client, one: a_cardholder(client, preferred_locales=[one]))
each(
    "issuing.cardholder",
    "type",
    lambda client, one: client.made(CARDHOLDERS, name="Ada Example", billing=BILLING, type=one),
)


@row("issuing.cardholder", "status")
def statuses_of_holders(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    holder = a_cardholder(platform)
    yield holder
    yield platform.made(f"{CARDHOLDERS}/{holder['id']}", status="inactive")
    yield platform.made(f"{CONTROL}/cardholders/{holder['id']}", status="blocked")


@row("issuing.cardholder", "requirements.disabled_reason", "requirements.past_due")
def requirements(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    yield platform.made(CARDHOLDERS, name="Ada Example", billing=BILLING)
    holder = a_cardholder(platform)
    demands = [one for one in values if one.startswith(("company.", "individual.dob", "individual.verification"))]
    if demands:
        yield platform.made(f"{CONTROL}/cardholders/{holder['id']}", requirements={"past_due": demands})
    for reason in ("listed", "rejected.listed"):
        yield platform.made(f"{CONTROL}/cardholders/{holder['id']}", requirements={"disabled_reason": reason})
    platform.settings(cardholder_review_seconds=5)
    yield a_cardholder(platform)


# Cards


@row("issuing.card", "status")
def statuses_of_cards(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    card = a_card(platform)
    yield card
    for status in ("active", "canceled"):
        yield platform.made(f"{CARDS}/{card['id']}", status=status)


def canceled_for(platform: Client, reason: str) -> dict[str, Any]:
    card = a_card(platform)["id"]
    if reason in ("lost", "stolen"):
        return platform.made(f"{CARDS}/{card}", status="canceled", cancellation_reason=reason)
    return platform.made(f"{CONTROL}/cards/{card}", cancellation_reason=reason)


def replaced_for(platform: Client, reason: str) -> dict[str, Any]:
    card = canceled_for(platform, reason) if reason in ("lost", "stolen") else a_card(platform)
    asked = "damaged" if reason == "fulfillment_error" else reason
    new = a_card(platform, cardholder=card["cardholder"]["id"], replacement_for=card["id"], replacement_reason=asked)
    return new if asked == reason else platform.made(f"{CONTROL}/cards/{new['id']}", replacement_reason=reason)


each("issuing.card", "cancellation_reason", canceled_for)
each("issuing.card", "replacement_reason", replaced_for)
each("issuing.card", "type", lambda client, one: a_physical_card(client) if one == "physical" else a_card(client))
each(
    "issuing.card",
    "latest_fraud_warning.type",
    lambda client, one: client.made(f"{CONTROL}/cards/{a_card(client)['id']}", latest_fraud_warning={"type": one}),
)


@row("issuing.card", "wallets.apple_pay.ineligible_reason", "wallets.google_pay.ineligible_reason")
def wallets(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    card = a_card(platform)
    yield card
    for reason in ("missing_agreement", "unsupported_region"):
        yield platform.made(f"{CONTROL}/cards/{card['id']}", wallets={"ineligible_reason": reason})


each(
    "issuing.card",
    "shipping.service",
    lambda client, one: a_physical_card(client, shipping={**SHIPPING, "service": one}),
)
each("issuing.card", "shipping.type", lambda client, one: a_physical_card(client, shipping={**SHIPPING, "type": one}))
each(
    "issuing.card",
    "shipping.address_validation.mode",
    lambda client, one: a_physical_card(client, shipping={**SHIPPING, "address_validation": {"mode": one}}),
)
each(
    "issuing.card",
    "shipping.address_validation.result",
    lambda client, one: client.made(
        f"{CONTROL}/cards/{a_physical_card(client)['id']}", shipping={"address_validation": {"result": one}}
    ),
)
each(
    "issuing.card",
    "shipping.carrier",
    lambda client, one: client.made(f"{CONTROL}/cards/{a_physical_card(client)['id']}", shipping={"carrier": one}),
)


@row("issuing.card", "shipping.status")
def shipments(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    card, lost, canceled = (a_physical_card(platform)["id"] for _ in range(3))
    yield platform.read(f"{CARDS}/{card}")
    for verb in ("submit", "ship", "deliver", "return"):
        yield platform.made(f"{SHIPMENTS}/{card}/shipping/{verb}")
    yield platform.made(f"{SHIPMENTS}/{lost}/shipping/fail")
    yield platform.made(f"{CARDS}/{canceled}", status="canceled")


# Authorizations


def asked(path: str, **more: Any) -> None:
    """A row about a member that a test authorization sends as it is."""
    first, *inner = path.split(".")

    def make(platform: Client, value: str) -> dict[str, Any]:
        sent: Any = value
        for name in reversed(inner):
            sent = {name: sent, **more}
        return authorize(platform, a_spender(platform), 10_00, **{first: sent})

    each("issuing.authorization", path, make)


asked("authorization_method")
asked("fleet.purchase_type")
asked("fleet.service_type")
asked("fuel.type")
asked("fuel.unit")
for check in ("address_line1_check", "address_postal_code_check", "cvc_check", "expiry_check"):
    asked(f"verification_data.{check}")
asked("verification_data.three_d_secure.result")
for part, other in (("claimed_by", {"type": "unknown"}), ("type", {"claimed_by": "issuer"})):
    each(
        "issuing.authorization",
        f"verification_data.authentication_exemption.{part}",
        lambda client, one, part=part, other=other: authorize(
            client,
            a_spender(client),
            10_00,
            verification_data={"authentication_exemption": {part: one, **other}},
        ),
    )


@row("issuing.authorization", "card_presence")
def presences(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    card = a_spender(platform)
    for method in ("chip", "online"):
        yield authorize(platform, card, 1_00, authorization_method=method)


@row("issuing.authorization", "status")
def statuses_of_authorizations(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    card = a_spender(platform)
    yield authorize(platform, card, 1_00)
    for verb in ("capture", "expire", "reverse"):
        yield done(platform, authorize(platform, card, 1_00), verb)


@row(
    "issuing.authorization",
    "fraud_challenges.channel",
    "fraud_challenges.status",
    "fraud_challenges.undeliverable_reason",
)
def challenges(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    platform.settings(fraud_challenges=True)

    def challenged(**more: Any) -> dict[str, Any]:
        card = a_spender(platform, cardholder=a_cardholder(platform, **more)["id"])
        return authorize(platform, card, 10_00, risk_assessment={"fraud_risk": {"level": "highest"}})

    for confirmed in (True, False):
        asked = challenged(phone_number="+12025550123")
        yield asked
        yield platform.made(f"{AUTHORIZATIONS}/{asked['id']}/fraud_challenges/respond", confirmed=confirmed)
    waiting = challenged(phone_number="+12025550123")["id"]
    platform.clock(advance=DAY)
    yield platform.read(f"/v1/issuing/authorizations/{waiting}")
    yield challenged()
    yield challenged(phone_number="+4930123456")


# Transactions


@row("issuing.transaction", "type")
def types_of_transactions(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    capture = force_capture(platform, a_spender(platform), 10_00)
    yield capture
    yield refund(platform, capture).json


each(
    "issuing.transaction",
    "wallet",
    lambda client, one: done(client, authorize(client, a_spender(client), 10_00, wallet=one), "capture")[
        "transactions"
    ][0],
)


# Disputes


def a_dispute(platform: Client, **evidence: Any) -> dict[str, Any]:
    """A dispute of a purchase of its own, not submitted."""
    purchase = force_capture(platform, a_spender(platform), 10_00)
    return platform.made(DISPUTES, transaction=purchase["id"], evidence=evidence)


def submitted(platform: Client) -> dict[str, Any]:
    dispute = a_dispute(platform, reason="other", other={"explanation": "Neither."})
    return platform.made(f"{DISPUTES}/{dispute['id']}/submit")


def decided(platform: Client, outcome: str, **more: Any) -> dict[str, Any]:
    path = f"{CONTROL}/disputes/{submitted(platform)['id']}/decide"
    return platform.made(path, outcome=outcome, **more)


@row("issuing.dispute", "status")
def statuses_of_disputes(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    dispute = a_dispute(platform)
    yield dispute
    yield submitted(platform)
    for explanation in ("winning_evidence", "losing_evidence"):
        sent = a_dispute(platform, reason="fraudulent", fraudulent={"explanation": explanation})["id"]
        platform.made(f"{DISPUTES}/{sent}/submit")
        yield platform.read(f"{DISPUTES}/{sent}")
    platform.clock(advance=110 * DAY)
    yield platform.read(f"{DISPUTES}/{dispute['id']}")


each("issuing.dispute", "loss_reason", lambda client, one: decided(client, "lost", loss_reason=one))
each("issuing.dispute", "evidence.reason", lambda client, one: a_dispute(client, reason=one))
for reason, member in (
    ("canceled", "product_type"),
    ("canceled", "return_status"),
    ("merchandise_not_as_described", "return_status"),
    ("not_received", "product_type"),
    ("other", "product_type"),
):
    each(
        "issuing.dispute",
        f"evidence.{reason}.{member}",
        lambda client, one, reason=reason, member=member: a_dispute(client, reason=reason, **{reason: {member: one}}),
    )


# Tokens


def a_token(platform: Client, **more: Any) -> dict[str, Any]:
    """A token in a wallet, with what the network says of it."""
    card = a_card(platform, cardholder=a_cardholder(platform, email="a@example.com")["id"], status="active")
    made = platform.made(f"{CONTROL}/cards/{card['id']}/provision", **{"wallet_provider": "apple_pay", **more})
    return platform.read(f"{TOKENS}/{made['token']['id']}", expand=["network_data"])


@row(TOKEN, "network", "network_data.type")
def networks(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    yield a_token(platform)


@row(TOKEN, "status")
def statuses_of_tokens(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    token = a_token(platform, decision="require_auth")
    yield token
    yield platform.made(f"{CONTROL}/tokens/{token['id']}", status="active")
    for status in ("suspended", "deleted"):
        yield platform.made(f"{TOKENS}/{token['id']}", status=status)


@row(TOKEN, "network_data.wallet_provider.suggested_decision")
def decisions(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    yield a_token(platform)
    yield a_token(platform, decision="require_auth")


each(TOKEN, "wallet_provider", lambda client, one: a_token(client, wallet_provider=one))
each(TOKEN, "network_data.device.type", lambda client, one: a_token(client, device={"type": one}))
each(
    TOKEN,
    "network_data.wallet_provider.card_number_source",
    lambda client, one: a_token(client, card_number_source=one),
)
STORIES[TOKEN, "network_data.wallet_provider.reason_codes"] = lambda platform, values: [
    a_token(platform, reason_codes=list(values))
]


# The table


def test_no_list_of_values_is_left_out() -> None:
    assert {*STORIES, *ELSEWHERE} == set(PUBLISHED)
    assert not STORIES.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize("kind, path", STORIES, ids=[f"{kind} {path}" for kind, path in STORIES])
def test_every_value_is_met(platform: Client, kind: str, path: str) -> None:
    published = PUBLISHED[kind, path]

    shown = list(STORIES[kind, path](platform, published))

    met = {value for one in shown for value in values_at(one, path)}
    never = {value for where, member, value in NEVER if (where, member) == (kind, path)}
    assert {one["object"] for one in shown} == {kind}
    assert met == set(published) - never
