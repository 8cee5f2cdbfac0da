"""Every refusal that clients match on, as one table: status, type, code, param and message, byte for byte.

Every row is a story in two parts: what is there beforehand, then one request that is refused. A refusal changes
nothing, tells nothing, and carries the address of its request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from flask import Flask

from tests.client import Answer, Client
from tests.issuing.holders import (
    ADDRESS,
    BILLING,
    BRITISH_ADDRESS,
    CARDHOLDERS,
    CARDS,
    GERMAN_ADDRESS,
    PERSON,
    TERMS,
    a_card,
    a_connected_account,
    card_params,
)
from tests.issuing.purchases import (
    AUTHORIZATIONS,
    FINANCIAL_ACCOUNTS,
    TRANSACTIONS,
    a_spender,
    a_treasury_spender,
    another_cardholder,
    authorize,
    done,
    force_capture,
    helper,
)
from tests.receivers import PATIENCE_SECONDS, Arrived, Reply, receiving
from tests.test_bad_requests import state
from tests.treasury.sending import OBP, OBT, data_of
from tests.treasury.worlds import ABA, opened, send

IAUTH, DISPUTES = "/v1/issuing/authorizations", "/v1/issuing/disputes"
INSTRUCTIONS = "/v1/issuing/funding_instructions"
NOT_SET_UP = (
    "Your account is not set up to use Issuing. Please visit https://dashboard.stripe.com/issuing/overview to get "
    "started."
)
OUTSTANDING = "This cardholder has outstanding requirements preventing them from activating an issued card"
UNRECOGNIZED = (
    "If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure "
    "you passed a valid (non-empty) identifier in your code. Please see https://stripe.com/docs or we can help at "
    "https://support.stripe.com/."
)
EMPTY = (
    "You passed an empty string for '{0}'. We assume empty values are an attempt to unset a parameter; however '{0}' "
    "cannot be unset. You should remove '{0}' from your request or supply a non-empty value."
)

Story = Callable[[Client], Iterator[Any]]


class Refusal(NamedTuple):
    """What must come back. In the message, {id} stands for what the story yields last."""

    message: str
    code: str | None = None
    param: str | None = None
    status: int = 400
    type: str = "invalid_request_error"


ROWS: list[tuple[str, Refusal, Story]] = []


def row(situation: str, refusal: Refusal) -> Callable[[Story], Story]:
    """Put a story into the table."""

    def add(story: Story) -> Story:
        ROWS.append((situation, refusal, story))
        return story

    return add


# Unknown objects, unknown addresses


def missing_in_path(path: str, noun: str, param: str, id: str = "nope", verb: str = "GET") -> None:
    """An id in the path that names nothing."""

    @row(f"{verb} {path} of an unknown object", Refusal(f"No such {noun}: '{id}'", "resource_missing", param, 404))
    def story(platform: Client) -> Iterator[Any]:
        yield platform
        yield platform.send(verb, path.replace("{id}", id), {}, None)


missing_in_path("/v1/issuing/cards/{id}", "issuing card", "card", "ic_nope")
missing_in_path("/v1/issuing/cards/{id}", "issuing card", "card")
missing_in_path("/v1/issuing/cards/{id}", "issuing card", "card", verb="POST")
missing_in_path("/v1/issuing/cards/{id}/test/authorizations", "issuing card", "card", verb="POST")
missing_in_path("/v1/test_helpers/issuing/cards/{id}/shipping/ship", "issuing card", "card", verb="POST")
missing_in_path("/v1/issuing/cardholders/{id}", "issuing cardholder", "cardholder", "ich_nope")
missing_in_path("/v1/issuing/cardholders/{id}", "issuing cardholder", "cardholder", verb="POST")
missing_in_path("/v1/issuing/authorizations/{id}", "issuing authorization", "authorization", "iauth_nope")
missing_in_path("/v1/issuing/authorizations/{id}/approve", "issuing authorization", "authorization", verb="POST")
missing_in_path("/v1/issuing/transactions/{id}", "issuing transaction", "transaction", "ipi_nope")
missing_in_path("/v1/test_helpers/issuing/transactions/{id}/refund", "issuing transaction", "transaction", verb="POST")
missing_in_path("/v1/issuing/disputes/{id}", "issuing dispute", "dispute", "idp_nope")
missing_in_path("/v1/issuing/disputes/{id}/submit", "issuing dispute", "dispute", verb="POST")
missing_in_path("/v1/issuing/personalization_designs/{id}", "personalization design", "personalization_design")
missing_in_path("/v1/issuing/physical_bundles/{id}", "physical bundle", "physical_bundle", "ics_nope")
for helper_verb, sent in {
    "capture": {},
    "expire": {},
    "finalize_amount": {"final_amount": 1},
    "fraud_challenges/respond": {"confirmed": True},
    "increment": {"increment_amount": 1},
    "reverse": {},
}.items():

    def unknown_authorization(platform: Client, verb: str = helper_verb, sent: dict[str, Any] = sent) -> Iterator[Any]:
        yield platform
        yield platform.post(f"{AUTHORIZATIONS}/iauth_nope/{verb}", **sent)

    unknown = Refusal("No such issuing authorization: 'iauth_nope'", "resource_missing", "authorization", 404)
    row(f"{helper_verb} of an unknown authorization", unknown)(unknown_authorization)


@row("a card of another account", Refusal("No such issuing card: '{id}'", "resource_missing", "card", 404))
def foreign_card(platform: Client) -> Iterator[Any]:
    card = a_card(platform)
    stranger = a_connected_account(platform, "card_issuing", "transfers")
    yield stranger
    yield stranger.get(f"{CARDS}/{card['id']}")
    yield card["id"]


def missing_in_parameter(path: str, noun: str, param: str, id: str, **sent: Any) -> None:
    """An id in a parameter that names nothing."""

    @row(f"an unknown {param} of {path}", Refusal(f"No such {noun}: '{id}'", "resource_missing", param))
    def story(platform: Client) -> Iterator[Any]:
        yield platform
        yield platform.post(path, **sent)


missing_in_parameter(
    CARDS, "issuing cardholder", "cardholder", "ich_nope", cardholder="ich_nope", currency="usd", type="virtual"
)
missing_in_parameter(AUTHORIZATIONS, "issuing card", "card", "ic_nope", card="ic_nope", amount=1)
missing_in_parameter(
    f"{TRANSACTIONS}/create_force_capture", "issuing card", "card", "ic_nope", card="ic_nope", amount=1
)
missing_in_parameter(
    f"{TRANSACTIONS}/create_unlinked_refund", "issuing card", "card", "ic_nope", card="ic_nope", amount=1
)
missing_in_parameter(DISPUTES, "issuing transaction", "transaction", "ipi_nope", transaction="ipi_nope")
missing_in_parameter(
    DISPUTES,
    "received debit",
    "treasury[received_debit]",
    "rd_nope",
    treasury={"received_debit": "rd_nope"},
)
missing_in_parameter(
    CARDHOLDERS,
    "file",
    "individual[verification][document][front]",
    "file_nope",
    name="Ada",
    billing=BILLING,
    individual={"verification": {"document": {"front": "file_nope"}}},
)


def unknown_url(verb: str, path: str) -> None:
    """An address that Stripe does not publish."""

    @row(f"{verb} {path}", Refusal(f"Unrecognized request URL ({verb}: {path}). {UNRECOGNIZED}", status=404))
    def story(platform: Client) -> Iterator[Any]:
        yield platform
        yield platform.send(verb, path, {}, None)


unknown_url("GET", "/v1/issuing/settlements")
unknown_url("GET", "/v1/issuing/settlements/ise_1")
unknown_url("POST", "/v1/issuing/settlements/ise_1")
unknown_url("GET", "/v1/issuing/cards/ic_1/details")
unknown_url("DELETE", "/v1/issuing/cards/ic_1")
unknown_url("POST", "/v1/balance_transfers")


# Parameters


def refused(situation: str, refusal: Refusal, path: str, **sent: Any) -> None:
    """A request that is refused for what it sends, whatever there is."""

    @row(situation, refusal)
    def story(platform: Client) -> Iterator[Any]:
        yield platform
        yield platform.post(path, **sent)


HOLDER = {"name": "Ada", "billing": BILLING}
CATEGORIES = (
    "ac_refrigeration_repair, accounting_bookkeeping_services, advertising_services, agricultural_cooperative, "
    "airlines_air_carriers, airports_flying_fields, ambulance_services, amusement_parks_carnivals, "
    "antique_reproductions, antique_shops, ..., or wrecking_and_salvage_yards"
)
refused(
    "a wrong merchant category",
    Refusal(f"Invalid merchant_data[category]: must be one of {CATEGORIES}", param="merchant_data[category]"),
    AUTHORIZATIONS,
    card="ic_nope",
    amount=1,
    merchant_data={"category": "moon"},
)
refused(
    "a wrong status of two",
    Refusal("Invalid status: must be one of active or inactive", param="status"),
    CARDHOLDERS,
    **HOLDER,
    status="blocked",
)
refused(
    "a wrong service of three",
    Refusal("Invalid shipping[service]: must be one of express, priority, or standard", param="shipping[service]"),
    CARDS,
    currency="usd",
    type="physical",
    shipping={"service": "slow", "name": "Ada", "address": ADDRESS},
)
refused(
    "an unknown parameter",
    Refusal(
        "Received unknown parameter: spending_controls[spending_limits_currency]",
        "parameter_unknown",
        "spending_controls[spending_limits_currency]",
    ),
    CARDS,
    currency="usd",
    type="virtual",
    spending_controls={"spending_limits_currency": "usd"},
)
refused(
    "a missing parameter",
    Refusal("Missing required param: card.", "parameter_missing", "card"),
    AUTHORIZATIONS,
    amount=1,
)
refused(
    "a missing name",
    Refusal("Missing required param: name.", "parameter_missing", "name"),
    CARDHOLDERS,
    billing=BILLING,
)
refused(
    "a missing part of the address",
    Refusal("Missing required param: billing[address][line1].", "parameter_missing", "billing[address][line1]"),
    CARDHOLDERS,
    name="Ada",
    billing={"address": {"city": "Springfield", "postal_code": "62701", "country": "US"}},
)
refused(
    "a bad integer",
    Refusal("Invalid integer: abc", "parameter_invalid_integer", "amount"),
    AUTHORIZATIONS,
    card="ic_nope",
    amount="abc",
)
refused(
    "a negative amount",
    Refusal("This value must be greater than or equal to 0.", "parameter_invalid_integer", "amount"),
    AUTHORIZATIONS,
    card="ic_nope",
    amount=-1,
)
refused(
    "a name that is too long",
    Refusal("Invalid string: abcd...wxyz; must be at most 24 characters", param="name"),
    CARDHOLDERS,
    name="abcdefghijklmnopqrstuvwxyz",
    billing=BILLING,
)
TOO_LONG = "abcd" + "x" * 4990 + "wxyz123"
TOO_LONG_EMAIL = "abcd" + "x" * 500 + "@wxy.zabc"
for path, param, sent in (
    (CARDHOLDERS, "email", {"name": "Ada", "billing": BILLING, "email": TOO_LONG_EMAIL}),
    ("/v1/accounts", "email", {"email": TOO_LONG_EMAIL}),
    (
        CARDHOLDERS,
        "individual[first_name]",
        {"name": "Ada", "billing": BILLING, "individual": {"first_name": TOO_LONG}},
    ),
    (CARDHOLDERS, "individual[last_name]", {"name": "Ada", "billing": BILLING, "individual": {"last_name": TOO_LONG}}),
    (AUTHORIZATIONS, "merchant_data[name]", {"card": "ic_nope", "merchant_data": {"name": TOO_LONG}}),
    (
        f"{TRANSACTIONS}/create_force_capture",
        "merchant_data[name]",
        {"card": "ic_nope", "amount": 1, "merchant_data": {"name": TOO_LONG}},
    ),
):
    ending, longest = ("zabc", 512) if param == "email" else ("z123", 5000)
    refused(
        f"{path}: {param} is too long",
        Refusal(f"Invalid string: abcd...{ending}; must be at most {longest} characters", param=param),
        path,
        **sent,
    )
refused(
    "an empty name",
    Refusal(EMPTY.format("name"), "parameter_invalid_empty", "name"),
    CARDHOLDERS,
    name="",
    billing=BILLING,
)
refused(
    "an empty second line of the address",
    Refusal(EMPTY.format("billing[address][line2]"), "parameter_invalid_empty", "billing[address][line2]"),
    CARDHOLDERS,
    name="Ada",
    billing={"address": {**ADDRESS, "line2": ""}},
)

PAIRS = {
    "card_presences": ("present", "not_present"),
    "categories": ("bakeries", "florists"),
    "merchant_countries": ("US", "DE"),
}
for kind, (one, other) in PAIRS.items():
    allowed, blocked = f"spending_controls[allowed_{kind}]", f"spending_controls[blocked_{kind}]"
    exclusive = Refusal(
        f"You may only specify one of these parameters: {allowed}, {blocked}.", "parameters_exclusive", blocked
    )
    both = {f"allowed_{kind}": [one], f"blocked_{kind}": [other]}
    refused(f"both {kind} of a cardholder", exclusive, CARDHOLDERS, **HOLDER, spending_controls=both)

    def both_of_a_card(platform: Client, both: dict[str, Any] = both) -> Iterator[Any]:
        sent = card_params(platform, spending_controls=both)
        yield platform
        yield platform.post(CARDS, **sent)

    def one_after_the_other(platform: Client, both: dict[str, Any] = both) -> Iterator[Any]:
        first, second = ({name: value} for name, value in both.items())
        card = a_card(platform, spending_controls=first)
        yield platform
        yield platform.post(f"{CARDS}/{card['id']}", spending_controls=second)

    row(f"both {kind} of a card", exclusive)(both_of_a_card)
    row(f"both {kind} of a card, one after the other", exclusive)(one_after_the_other)

refused(
    "a dispute named twice",
    Refusal("You may only specify one of these parameters: transaction, treasury.", "parameters_exclusive", "treasury"),
    DISPUTES,
    transaction="ipi_1",
    treasury={"received_debit": "rd_1"},
)
refused(
    "a dispute of nothing",
    Refusal(
        "One of the following params should be provided for this request: transaction or treasury.",
        "parameter_missing",
        "transaction",
    ),
    DISPUTES,
)


# Who may use Issuing


def without_issuing(situation: str, verb: str, path: str, **sent: Any) -> None:
    """Something on a tenant whose Issuing is switched off."""

    @row(f"without Issuing: {situation}", Refusal(NOT_SET_UP))
    def story(platform: Client) -> Iterator[Any]:
        platform.settings(issuing_enabled=False)
        yield platform
        yield platform.send(verb, path, sent, None)


without_issuing("list cards", "GET", CARDS)
without_issuing("list cardholders", "GET", CARDHOLDERS)
without_issuing("list authorizations", "GET", IAUTH)
without_issuing("list transactions", "GET", "/v1/issuing/transactions")
without_issuing("list disputes", "GET", DISPUTES)
without_issuing("list designs", "GET", "/v1/issuing/personalization_designs")
without_issuing("list bundles", "GET", "/v1/issuing/physical_bundles")
without_issuing("create a cardholder", "POST", CARDHOLDERS, **HOLDER)
without_issuing("fund the balance", "POST", "/v1/test_helpers/issuing/fund_balance", amount=1, currency="usd")


@row("without Issuing: create a card", Refusal(NOT_SET_UP))
def card_without_issuing(platform: Client) -> Iterator[Any]:
    sent = card_params(platform)
    platform.settings(issuing_enabled=False)
    yield platform
    yield platform.post(CARDS, **sent)


@row("without Issuing: authorize", Refusal(NOT_SET_UP))
def authorization_without_issuing(platform: Client) -> Iterator[Any]:
    card = a_card(platform)
    platform.settings(issuing_enabled=False)
    yield platform
    yield platform.post(AUTHORIZATIONS, card=card["id"], amount=1)


@row(
    "without Issuing: an unknown card is missing",
    Refusal("No such issuing card: 'ic_nope'", "resource_missing", "card", 404),
)
def missing_without_issuing(platform: Client) -> Iterator[Any]:
    platform.settings(issuing_enabled=False)
    yield platform
    yield platform.get(f"{CARDS}/ic_nope")


NO_CAPABILITY = Refusal("The account {id} does not have the `card_issuing` capability active.", "capability_not_active")


def without_capability(situation: str, path: str, **sent: Any) -> None:
    """Something created on a connected account that may not issue cards."""

    @row(f"without card_issuing: {situation}", NO_CAPABILITY)
    def story(platform: Client) -> Iterator[Any]:
        client = a_connected_account(platform, "transfers")
        yield client
        yield client.post(path, **sent)
        yield client.account


without_capability("a cardholder", CARDHOLDERS, **HOLDER)


@row("without card_issuing: a design", NO_CAPABILITY)
def design_without_capability(platform: Client) -> Iterator[Any]:
    client = a_connected_account(platform, "transfers")
    bundle = client.read("/v1/issuing/physical_bundles")["data"][0]["id"]
    yield client
    yield client.post("/v1/issuing/personalization_designs", physical_bundle=bundle)
    yield client.account


@row("without card_issuing: funding instructions", NO_CAPABILITY)
def instructions_without_capability(platform: Client) -> Iterator[Any]:
    client = a_connected_account(platform, "transfers", country="DE")
    yield client
    transfer = {"type": "eu_bank_transfer"}
    yield client.post(INSTRUCTIONS, currency="eur", funding_type="bank_transfer", bank_transfer=transfer)
    yield client.account


@row("without card_issuing any more: a card", NO_CAPABILITY)
def card_without_capability(platform: Client) -> Iterator[Any]:
    client = a_connected_account(platform, "card_issuing", "transfers")
    sent = card_params(client)
    platform.settings(onboarding="verify")
    platform.made(f"/v1/accounts/{client.account}", business_profile={"name": "Bread"})
    yield client
    yield client.post(CARDS, **sent)
    yield client.account


# Cardholders


@row("an incomplete holder, a card that is to be active", Refusal(OUTSTANDING, param="status"))
def active_card_of_incomplete_holder(platform: Client) -> Iterator[Any]:
    holder = platform.made(CARDHOLDERS, **HOLDER)["id"]
    sent = card_params(platform, cardholder=holder, status="active")
    yield platform
    yield platform.post(CARDS, **sent)


@row("an incomplete holder, a card to be activated", Refusal(OUTSTANDING, param="status"))
def activated_card_of_incomplete_holder(platform: Client) -> Iterator[Any]:
    holder = platform.made(CARDHOLDERS, **HOLDER)["id"]
    card = a_card(platform, cardholder=holder)
    yield platform
    yield platform.post(f"{CARDS}/{card['id']}", status="active")


for country, currency, home in (
    ("DE", "eur", GERMAN_ADDRESS),
    ("GB", "gbp", BRITISH_ADDRESS),
):

    def no_phone(
        platform: Client, country: str = country, currency: str = currency, home: dict[str, str] = home
    ) -> Iterator[Any]:
        client = a_connected_account(platform, "card_issuing", "transfers", country=country)
        holder = another_cardholder(client, billing={"address": home})
        yield client
        yield client.post(CARDS, cardholder=holder, currency=currency, type="virtual")
        yield holder

    no_phone_on_file = Refusal(
        "You cannot create a card without a `phone_number` on file for cardholder: {id}. Please see "
        "https://stripe.com/docs/issuing/3d-secure.",
        "cardholder_phone_number_required",
    )
    row(f"a holder without phone in {country}", no_phone_on_file)(no_phone)


@row(
    "a holder who lives where no card can be issued", Refusal("Cardholder cannot have a billing address country of BR.")
)
def no_home(platform: Client) -> Iterator[Any]:
    holder = another_cardholder(platform, billing={"address": {**GERMAN_ADDRESS, "country": "BR"}})
    yield platform
    yield platform.post(CARDS, cardholder=holder, currency="usd", type="virtual")


refused(
    "no cardholder",
    Refusal("There is no default cardholder for this account"),
    CARDS,
    currency="usd",
    type="virtual",
)


def under_review(field: str, says: str, value: Any) -> None:
    """Something that cannot change while somebody looks at it."""
    message = (
        f"You can't update the {says} for a cardholder under review. Stripe will make a decision and update the "
        "disabled_reason field."
    )

    @row(f"a holder under review, {field}", Refusal(message, param=f"individual[{field}]"))
    def story(platform: Client) -> Iterator[Any]:
        platform.settings(cardholder_review_seconds=60)
        holder = another_cardholder(platform)
        yield platform
        yield platform.post(f"{CARDHOLDERS}/{holder}", individual={field: value})


under_review("first_name", "name", "Grace")
under_review("last_name", "name", "Hopper")
under_review("dob", "dob", {"day": 9, "month": 12, "year": 1906})


@row(
    "a holder who is too young",
    Refusal("Cardholders must be older than 13 years old.", param="individual[dob]"),
)
def too_young(platform: Client) -> Iterator[Any]:
    platform.clock(set=4_070_908_800)  # the first of January 2099
    dob = {"day": 1, "month": 1, "year": 2086}
    yield platform
    yield platform.post(CARDHOLDERS, **HOLDER, individual={**PERSON, "card_issuing": TERMS, "dob": dob})


# Cards


def canceled(field: str, value: Any) -> None:
    """A change to a canceled card."""

    @row(f"a canceled card, {field}", Refusal("Cards with status 'canceled' cannot be updated.", param=field))
    def story(platform: Client) -> Iterator[Any]:
        card = a_card(platform)
        platform.made(f"{CARDS}/{card['id']}", status="canceled")
        yield platform
        yield platform.post(f"{CARDS}/{card['id']}", **{field: value})


canceled("status", "active")
canceled("status", "inactive")
canceled("status", "canceled")
canceled("spending_controls", {"allowed_categories": ["bakeries"]})
canceled("pin", {"encrypted_number": "secret"})


@row(
    "a financial account of another account",
    Refusal("No such financial account: '{id}'", "resource_missing", "financial_account"),
)
def foreign_financial_account(platform: Client) -> Iterator[Any]:
    _, account, _ = a_treasury_spender(platform)
    stranger = a_connected_account(platform, "card_issuing", "treasury", "transfers")
    sent = card_params(stranger, financial_account=account)
    yield stranger
    yield stranger.post(CARDS, **sent)
    yield account


@row(
    "a financial account without card_issuing",
    Refusal(
        "The FinancialAccount {id} does not have the card_issuing feature active.",
        "financial_account_capability_not_enabled",
        "financial_account",
    ),
)
def financial_account_without_feature(platform: Client) -> Iterator[Any]:
    client = a_connected_account(platform, "card_issuing", "treasury", "transfers")
    account = client.made(FINANCIAL_ACCOUNTS, supported_currencies=["usd"])["id"]
    sent = card_params(client, financial_account=account)
    yield client
    yield client.post(CARDS, **sent)
    yield account


# Helpers in the wrong state

STATES: dict[str, tuple[str, Callable[[Client, dict[str, Any]], Any]]] = {
    "closed": ("closed", lambda client, one: done(client, one, "capture")),
    "reversed": ("reversed", lambda client, one: done(client, one, "reverse")),
    "expired": ("expired", lambda client, one: done(client, one, "expire")),
}
VERBS: dict[str, tuple[str, dict[str, Any]]] = {
    "reverse": ("reverse", {}),
    "increment": ("increment", {"increment_amount": 1}),
    "finalize_amount": ("finalize", {"final_amount": 1}),
    "expire": ("expire", {}),
}


def wrong_state(
    name: str, path: str, message: str, bring: Callable[[Client, dict[str, Any]], Any], **sent: Any
) -> None:
    """A helper on an authorization that has come to an end."""

    @row(f"{path} of a {name} authorization", Refusal(message))
    def story(platform: Client) -> Iterator[Any]:
        authorization = authorize(platform, a_spender(platform), 10_00)
        bring(platform, authorization)
        yield platform
        yield helper(platform, authorization, path, **sent)


def declined(platform: Client) -> dict[str, Any]:
    """An authorization that a rule declined."""
    return authorize(platform, a_card(platform), 10_00)


for state_name, (status, bring) in STATES.items():
    for path, (verb, sent) in VERBS.items():
        wrong_state(state_name, path, f"You cannot {verb} an authorization with status '{status}'.", bring, **sent)
wrong_state("reversed", "capture", "You cannot capture an authorization with status 'reversed'.", STATES["reversed"][1])
wrong_state(
    "pending",
    "fraud_challenges/respond",
    "This authorization has no pending fraud challenge.",
    lambda *_: None,
    confirmed=True,
)


@row("capture of a declined authorization", Refusal("You cannot capture an authorization that was declined."))
def capture_declined(platform: Client) -> Iterator[Any]:
    authorization = declined(platform)
    yield platform
    yield helper(platform, authorization, "capture")


for path, (verb, sent) in VERBS.items():

    def on_declined(platform: Client, path: str = path, sent: dict[str, Any] = sent) -> Iterator[Any]:
        authorization = declined(platform)
        yield platform
        yield helper(platform, authorization, path, **sent)

    row(f"{path} of a declined authorization", Refusal(f"You cannot {verb} an authorization with status 'closed'."))(
        on_declined
    )

for verb in ("approve", "decline"):

    def outside_the_window(platform: Client, verb: str = verb) -> Iterator[Any]:
        authorization = authorize(platform, a_spender(platform), 10_00)
        yield platform
        yield platform.post(f"{IAUTH}/{authorization['id']}/{verb}")

    row(f"{verb} outside the window", Refusal("This authorization is no longer pending a decision."))(
        outside_the_window
    )


@row("a shipment of a virtual card", Refusal("Virtual cards are not shipped.", param="card"))
def ship_virtual(platform: Client) -> Iterator[Any]:
    card = a_card(platform)
    yield platform
    yield platform.post(f"/v1/test_helpers/issuing/cards/{card['id']}/shipping/ship")


@row("a refund of a refund", Refusal("You cannot refund a transaction of type 'refund'."))
def refund_of_refund(platform: Client) -> Iterator[Any]:
    back = platform.made(f"{TRANSACTIONS}/{force_capture(platform, a_spender(platform), 1)['id']}/refund")
    yield platform
    yield platform.post(f"{TRANSACTIONS}/{back['id']}/refund")


def disputed_then_refunded(amount: int, message: str) -> None:
    """A dispute of 10.00 that is submitted after the merchant has given some of it back."""

    @row(f"a dispute submitted after a refund of {amount}", Refusal(message, param="amount"))
    def story(platform: Client) -> Iterator[Any]:
        capture = force_capture(platform, a_spender(platform), 10_00)
        evidence = {"reason": "fraudulent", "fraudulent": {"explanation": "winning_evidence"}}
        dispute = platform.made(DISPUTES, transaction=capture["id"], evidence=evidence)
        platform.made(f"{TRANSACTIONS}/{capture['id']}/refund", refund_amount=amount)
        yield platform
        yield platform.post(f"{DISPUTES}/{dispute['id']}/submit")


disputed_then_refunded(1, "You cannot dispute 1000 of this transaction: 999 of its 1000 were not refunded.")
disputed_then_refunded(10_00, "Nothing of this transaction is left to dispute: all of it was refunded.")


# Outbound transfers and payments


def outbound_refused(path: str, situation: str, refusal: Refusal, closed: bool = False, **sent: Any) -> None:
    """What leaves a financial account with 1.00 in it that may send over ACH; {id} is that account."""

    @row(f"{path.removeprefix('/v1/treasury/')}, {situation}", refusal)
    def story(platform: Client) -> Iterator[Any]:
        client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
        account = opened(client, ABA, "outbound_payments.ach", "outbound_transfers.ach")
        if closed:
            client.made(f"{FINANCIAL_ACCOUNTS}/{account}/close")
        else:
            send(client, account, 1_00)
        usual: dict[str, Any] = {"amount": 1_00, "currency": "usd", "financial_account": account}
        if path == OBT:
            usual["destination_payment_method"] = "pm_usBankAccount"
        elif "destination_payment_method" not in sent:
            usual["destination_payment_method_data"] = data_of("000123456789")
        yield client
        yield client.post(path, **{**usual, **sent})
        yield account


for outbound, noun, variable in ((OBT, "outbound transfer", "outbound_transfer"), (OBP, "outbound payment", "id")):
    missing_in_path(f"{outbound}/{{id}}", noun, variable, "obt_nope")
    missing_in_path(f"{outbound}/{{id}}/cancel", noun, variable, verb="POST")
    for outbound_verb in ("post", "fail", "return"):
        helper_path = f"{outbound.replace('/v1', '/v1/test_helpers')}/{{id}}/{outbound_verb}"
        missing_in_path(helper_path, noun, variable, verb="POST")
    outbound_refused(
        outbound,
        "too little cash",
        Refusal("The FinancialAccount doesn't have a sufficient balance available.", "balance_insufficient", "amount"),
        amount=1_01,
    )
    outbound_refused(
        outbound,
        "a network without its feature",
        Refusal(
            f"The FinancialAccount {{id}} does not have the {outbound.rpartition('/')[2]}.us_domestic_wire feature "
            "active.",
            "financial_account_capability_not_enabled",
            "financial_account",
        ),
        destination_payment_method_options={"us_bank_account": {"network": "us_domestic_wire"}},
    )
    outbound_refused(
        outbound,
        "two destinations",
        Refusal(
            "You may only specify one of these parameters: destination_payment_method, "
            "destination_payment_method_data.",
            "parameters_exclusive",
            "destination_payment_method",
        ),
        destination_payment_method="pm_usBankAccount",
        destination_payment_method_data={"type": "financial_account", "financial_account": "fa_nope"},
    )
    outbound_refused(
        outbound,
        "another currency",
        Refusal(
            "The FinancialAccount {id} does not support the currency eur.",
            "financial_account_balance_does_not_support_currency",
            "currency",
        ),
        currency="eur",
    )
    outbound_refused(
        outbound,
        "a closed account",
        Refusal("The FinancialAccount {id} is closed.", "account_closed", "financial_account"),
        closed=True,
    )
outbound_refused(
    OBT,
    "an unknown payment method",
    Refusal("No such PaymentMethod: 'pm_nope'", "resource_missing", "destination_payment_method"),
    destination_payment_method="pm_nope",
)
outbound_refused(
    OBP,
    "a payment method without its customer",
    Refusal("Missing required param: customer.", "parameter_missing", "customer"),
    destination_payment_method="pm_usBankAccount",
)
outbound_refused(
    OBP,
    "an end user without address",
    Refusal(
        "Missing required param: end_user_details[ip_address].", "parameter_missing", "end_user_details[ip_address]"
    ),
    end_user_details={"present": True},
)


# Credit reversals

missing_in_path("/v1/treasury/credit_reversals/{id}", "credit reversal", "credit_reversal", "credrev_nope")
refused(
    "a reversal of an unknown credit",
    Refusal("No such received credit: 'rc_nope'", "resource_missing", "received_credit"),
    "/v1/treasury/credit_reversals",
    received_credit="rc_nope",
)


# Inbound transfers

IBT = "/v1/treasury/inbound_transfers"
missing_in_path(f"{IBT}/{{id}}", "inbound transfer", "id", "ibt_nope")
missing_in_path(f"{IBT}/{{id}}/cancel", "inbound transfer", "inbound_transfer", verb="POST")
for inbound_verb in ("succeed", "fail", "return"):
    missing_in_path(f"/v1/test_helpers{IBT[3:]}/{{id}}/{inbound_verb}", "inbound transfer", "id", verb="POST")


def inbound_refused(situation: str, refusal: Refusal, *features: str, closed: bool = False, **sent: Any) -> None:
    """A transfer to a financial account of a business that can take it; {id} is that account."""

    @row(f"an inbound transfer, {situation}", refusal)
    def story(platform: Client) -> Iterator[Any]:
        client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
        account = opened(client, *(features or ("inbound_transfers.ach",)))
        if closed:
            client.made(f"{FINANCIAL_ACCOUNTS}/{account}/close")
        usual = {"amount": 1_00, "currency": "usd", "origin_payment_method": "pm_usBankAccount"}
        yield client
        yield client.post(IBT, **{**usual, "financial_account": account, **sent})
        yield account


inbound_refused(
    "without its feature",
    Refusal(
        "The FinancialAccount {id} does not have the inbound_transfers.ach feature active.",
        "financial_account_capability_not_enabled",
        "financial_account",
    ),
    ABA,
)
inbound_refused(
    "to a closed account",
    Refusal("The FinancialAccount {id} is closed.", "account_closed", "financial_account"),
    closed=True,
)
inbound_refused(
    "from an unknown payment method",
    Refusal("No such PaymentMethod: 'pm_nope'", "resource_missing", "origin_payment_method"),
    origin_payment_method="pm_nope",
)
inbound_refused(
    "in another currency",
    Refusal(
        "The FinancialAccount {id} does not support the currency eur.",
        "financial_account_balance_does_not_support_currency",
        "currency",
    ),
    currency="eur",
)


# The rest

refused(
    "funding instructions in the US",
    Refusal("A Funding Instruction is not currently supported for US"),
    INSTRUCTIONS,
    currency="usd",
    funding_type="bank_transfer",
    bank_transfer={"type": "eu_bank_transfer"},
)


@row(
    "a number that cannot be expanded in a list",
    Refusal("This property cannot be expanded (data.number).", param="expand"),
)
def expand_number_in_list(platform: Client) -> Iterator[Any]:
    a_card(platform)
    yield platform
    yield platform.get(CARDS, expand=["data.number"])


@row(
    "a number that cannot be expanded on create", Refusal("This property cannot be expanded (number).", param="expand")
)
def expand_number_on_create(platform: Client) -> Iterator[Any]:
    sent = card_params(platform, expand=["number"])
    yield platform
    yield platform.post(CARDS, **sent)


@row("a member that cannot be expanded", Refusal("This property cannot be expanded (brand).", param="expand"))
def expand_brand(platform: Client) -> Iterator[Any]:
    card = a_card(platform)
    yield platform
    yield platform.get(f"{CARDS}/{card['id']}", expand=["brand"])


@row(
    "an idempotency key with other parameters",
    Refusal(
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a "
        "key other than 'order-7' if you meant to execute a different request.",
        type="idempotency_error",
    ),
)
def other_parameters(platform: Client) -> Iterator[Any]:
    card = a_spender(platform)
    key = {"Idempotency-Key": "order-7"}
    assert platform.post(AUTHORIZATIONS, headers=key, card=card["id"], amount=1).status == 200
    yield platform
    yield platform.post(AUTHORIZATIONS, headers=key, card=card["id"], amount=2)


@row(
    "two requests on one object at once",
    Refusal(
        "This object cannot be accessed right now because another API request or Stripe process is currently accessing "
        "it. If you see this error intermittently, retry the request. If you see this error frequently and are making "
        "multiple concurrent requests to a single object, make your requests serially or at a lower rate.",
        "lock_timeout",
        status=429,
    ),
)
def locked(platform: Client) -> Iterator[Any]:
    card = a_card(platform)
    platform.made("/_emulator/faults", kind="lock_timeout", method="POST", path=CARDS + "/{card}", count=2)
    yield platform
    yield platform.post(f"{CARDS}/{card['id']}", status="active")


# The table


@pytest.mark.parametrize("situation, refusal, story", ROWS, ids=[row[0] for row in ROWS])
def test_it_is_refused_like_this(platform: Client, situation: str, refusal: Refusal, story: Story) -> None:
    parts = story(platform)
    client = next(parts)
    client.read("/_emulator/clock")  # everything due has happened
    before = state(client)

    answer: Answer = next(parts)
    named = next(parts, "")

    error = dict(answer.error)
    assert answer.status == refusal.status, answer.json
    assert error.pop("request_log_url").endswith(f"/_emulator/requests/{answer.headers['Request-Id']}")
    expected = {"message": refusal.message.replace("{id}", named), "type": refusal.type}
    if refusal.param:
        expected["param"] = refusal.param
    if refusal.code:
        expected["code"] = refusal.code
        expected["doc_url"] = "https://stripe.com/docs/error-codes/" + refusal.code.replace("_", "-")
    assert error == expected
    assert state(client) == before


# What takes more than one request


def test_the_same_key_while_the_first_request_is_running(platform: Client) -> None:
    card = a_spender(platform)
    purchase = {"headers": {"Idempotency-Key": "order-7"}, "card": card["id"], "amount": 10_00}
    meanwhile: list[Answer] = []

    def handler(arrived: Arrived) -> Reply:
        meanwhile.append(Client(platform.app, platform.key).post(AUTHORIZATIONS, **purchase))
        return Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})

    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    with receiving(handler) as receiver:
        events = ["issuing_authorization.request"]
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=events)
        first = platform.post(AUTHORIZATIONS, **purchase)
        again = platform.post(AUTHORIZATIONS, **purchase)

    (conflict,) = meanwhile
    assert conflict.status == 409
    assert conflict.error["code"] == "idempotency_key_in_use"
    assert conflict.error["type"] == "invalid_request_error"
    assert conflict.error["message"] == (
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        "twice, and the other request is still going through): order-7. Please try again later."
    )
    assert (first.status, again.body) == (200, first.body)
    assert len(platform.read(IAUTH)["data"]) == 1


@pytest.mark.parametrize("path", ["/v1/issuing/cards", "/v1/test_helpers/issuing/fund_balance", "/v1/nothing"])
@pytest.mark.parametrize("prefix", ["sk_live_", "rk_live_"])
def test_a_live_key_on_any_path(app: Flask, prefix: str, path: str) -> None:
    secret = prefix + "0123456789abcdefghijWXYZ"

    answer = Client(app, secret).get(path)

    assert answer.status == 401
    assert set(answer.error) == {"message", "type"}
    assert answer.error["message"].startswith(f"Invalid API Key provided: {prefix}")
    assert answer.error["message"].endswith("WXYZ")
    assert secret.encode() not in answer.body


def test_expanding_what_is_whole_already_succeeds(platform: Client) -> None:
    card = a_spender(platform)
    authorization = authorize(platform, card, 10_00)

    assert platform.read(f"{CARDS}/{card['id']}", expand=["cardholder"]) == card
    listed = platform.read(CARDS, expand=["data.cardholder"])["data"]
    assert listed == [card]
    assert platform.read(f"{IAUTH}/{authorization['id']}", expand=["card.cardholder", "balance_transactions"]) == (
        authorization
    )
