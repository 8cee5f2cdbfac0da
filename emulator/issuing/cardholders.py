"""Cardholders: the people and companies that cards are issued to.

    active ⇄ inactive      by the account; cards stay as they are, authorizations are declined
    any ──▶ blocked        by Stripe alone

What is missing makes `requirements.past_due`; a non-null `requirements.disabled_reason` declines every authorization.
Both follow from what is known of the holder and of its account at the moment somebody looks; neither is stored.
A new or changed cardholder is screened for `cardholder_review_seconds` and is `under_review` meanwhile.
Source: https://docs.stripe.com/api/issuing/cardholders, https://docs.stripe.com/issuing/issuing-watchlist
"""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import Any

from emulator.connect import issuing_access
from emulator.connect.records import accounts, capabilities
from emulator.developer.files import File
from emulator.issuing import phone_numbers
from emulator.issuing.addresses import AddressParams, check_state, complete
from emulator.issuing.names import PersonName, PrintedName
from emulator.issuing.spending_controls import CardholderSpendingControlsParams, cardholder_defaults, merged
from emulator.kernel.dates import date_of
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Email,
    Enum,
    Hash,
    Integer,
    List,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    Timestamp,
    merged_metadata,
)
from emulator.kernel.records import record, replace
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.settings import choice, number
from emulator.kernel.world import World

TYPES = ("company", "individual")
LOCALES = ("de", "en", "es", "fr", "it")
YOUNGEST = 13

# What a US program needs of an individual before a card may be activated, in Stripe's order.
# Source: the sample object at https://docs.stripe.com/api/issuing/cardholders/object
TERMS = ("individual.card_issuing.user_terms_acceptance.ip", "individual.card_issuing.user_terms_acceptance.date")
NEEDED_IN_THE_US = (*TERMS, "individual.first_name", "individual.last_name")
# How the refusal of an edit under review goes on.
# Source: https://docs.stripe.com/issuing/connect/cardholders-controls
WAIT_FOR_THE_DECISION = "Stripe will make a decision and update the disabled_reason field."
PROVIDE_WHAT_IS_DUE = (
    "The past_due field contains information that you need to provide before the cardholder can approve authorizations."
)
EMPTY_INDIVIDUAL = {
    "card_issuing": None,
    "dob": None,
    "first_name": None,
    "last_name": None,
    "verification": {"document": {"back": None, "front": None}},
}

SETTINGS = (
    number("cardholder_review_seconds", 0, "How long a created or changed cardholder stays under review."),
    choice(
        "cardholder_terms",
        "by_program",
        ("by_program", "required", "assumed"),
        "Which individuals of US accounts have to accept the authorized user terms: all but those of connected "
        "accounts that have requested treasury, all, or none, since their consent is assumed.",
    ),
)


@record(
    "issuing.cardholder",
    prefix="ich",
    noun="issuing cardholder",
    filters=("email", "phone_number", "status", "type"),
    hidden=("is_in_review", "verdict", "demanded"),
    expands=(
        "individual.verification.document.back",
        "individual.verification.document.front",
    ),
)
class Cardholder:
    """A person or company that cards are issued to."""

    id: str
    created: int
    billing: dict[str, Any]
    name: str
    type: str = "individual"
    status: str = "active"
    company: dict[str, Any] | None = None
    email: str | None = None
    individual: dict[str, Any] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    phone_number: str | None = None
    preferred_locales: list[str] = field(default_factory=list)
    spending_controls: dict[str, Any] = field(default_factory=dict)
    is_in_review: bool = False
    verdict: str | None = None  # a `disabled_reason` that a control call has set
    demanded: list[str] = field(default_factory=list)  # what a control call demands besides the usual

    def render(self, world: World) -> dict[str, Any]:
        """The cardholder as the API shows it."""
        return shown(self, requirements=requirements(world, self))


class BillingParams(Params):
    """Where the cardholder lives."""

    address = Hash(AddressParams, required=True)


class CompanyParams(Params):
    """About a company."""

    tax_id = String()


class TermsParams(Params):
    """When and where the authorized user terms were accepted."""

    date = Timestamp()
    ip = String()
    user_agent = String(unset=True)


class CardIssuingParams(Params):
    """About the card program."""

    user_terms_acceptance = Hash(TermsParams)


class DobParams(Params):
    """A date of birth, whole."""

    day = Integer(required=True, minimum=1, maximum=31)
    month = Integer(required=True, minimum=1, maximum=12)
    year = Integer(required=True, minimum=1900)


class DocumentParams(Params):
    """Uploaded pictures of an identity document."""

    back = String()
    front = String()


class VerificationParams(Params):
    """What proves who somebody is."""

    document = Hash(DocumentParams)


class IndividualParams(Params):
    """About a person."""

    card_issuing = Hash(CardIssuingParams)
    dob = Hash(DobParams)
    first_name = PersonName()
    last_name = PersonName()
    verification = Hash(VerificationParams)


class UpdateParams(Params):
    """What can change. An address must be whole again."""

    billing = Hash(BillingParams)
    company = Hash(CompanyParams)
    email = Email()
    individual = Hash(IndividualParams)
    metadata = Metadata()
    phone_number = String(unset=True)
    preferred_locales = List(Enum(LOCALES), unset=True)
    spending_controls = Hash(CardholderSpendingControlsParams)
    status = Enum(("active", "inactive"))


class NamedParams(Params):
    """What every cardholder has from the start, and keeps."""

    name = PrintedName("cardholder name", required=True)


class CreateParams(UpdateParams, NamedParams):
    """A new cardholder. The order of the bases puts what is required first."""

    billing = Hash(BillingParams, required=True)
    type = Enum(TYPES)


class CardholderListParams(ListParams):
    """Filters of the cardholder list."""

    created = Range()
    email = String()
    phone_number = String()
    status = Enum(("active", "inactive", "blocked"))
    type = Enum(TYPES)


def create(world: World, params: dict[str, Any]) -> Cardholder:
    """Make a cardholder. 400 for a name, state, phone number, document or date of birth that cannot be.

    What a US program still needs is listed in `requirements.past_due`; it does not refuse the cardholder.
    """
    check_documents(world, params)
    issuing_access.check_to_create(world)
    start = Cardholder(
        id=world.new_id("ich"),
        created=world.now,
        billing={},
        name=params["name"],
        type=params.get("type", "individual"),
        spending_controls=cardholder_defaults(),
    )
    cardholder = screened(world, changed(world, start, params))

    world.put(cardholder)
    world.emit("issuing_cardholder.created", cardholder)
    hint_at_terms(world, cardholder)
    return cardholder


def update(world: World, params: dict[str, Any], id: str) -> Cardholder:
    """Change a cardholder. 400 for names and birth dates under review, and for the status of a blocked one."""
    old = world.get(Cardholder, id)
    check_documents(world, params)
    issuing_access.check(world)
    check_review(world, old, params)
    if old.status == "blocked" and "status" in params:
        raise invalid("Cardholders with status 'blocked' cannot be activated or deactivated.", param="status")
    new = changed(world, old, params)
    hint_at_terms(world, new)
    return save(world, old, screened(world, new) if new != old else old)


def save(world: World, old: Cardholder, new: Cardholder) -> Cardholder:
    """Keep a changed cardholder and announce what changed."""
    world.put(new)
    world.emit("issuing_cardholder.updated", new, before=old)
    if new.status != old.status:
        world.tell("issuing.cardholder.status_changed", new)
    return new


def changed(world: World, cardholder: Cardholder, params: dict[str, Any]) -> Cardholder:
    """The cardholder with what was sent. 400 for a state, phone number, date of birth or controls that cannot be."""
    changes: dict[str, Any] = {name: params[name] for name in ("email", "status") if name in params}
    billing = {"address": complete(params["billing"]["address"])} if "billing" in params else cardholder.billing
    if "billing" in params:
        check_state(billing["address"], "billing[address]")
    changes["billing"] = billing
    if "phone_number" in params:
        sent = params["phone_number"]
        changes["phone_number"] = sent and phone_numbers.e164(sent, billing["address"]["country"])
    if "individual" in params:
        check_birth(params["individual"], date_of(world.now))
        changes["individual"] = individual_after(cardholder.individual, params["individual"])
    if "company" in params:
        is_known = bool((cardholder.company or {}).get("tax_id_provided"))
        changes["company"] = {"tax_id_provided": is_known or "tax_id" in params["company"]}
    if "preferred_locales" in params:
        changes["preferred_locales"] = params["preferred_locales"] or []
    if "spending_controls" in params:
        changes["spending_controls"] = merged(
            cardholder.spending_controls,
            params["spending_controls"],
            limits_currency=accounts.of(world).default_currency,
        )
    return replace(cardholder, metadata=merged_metadata(cardholder.metadata, params), **changes)


def individual_after(stored: dict[str, Any] | None, sent: dict[str, Any]) -> dict[str, Any]:
    """What is known of a person: sent members replace stored ones, the others stay."""
    known = {**EMPTY_INDIVIDUAL, **(stored or {})}
    for name in ("dob", "first_name", "last_name"):
        if name in sent:
            known[name] = sent[name]
    terms = sent.get("card_issuing", {}).get("user_terms_acceptance")
    if terms is not None:
        before = (known["card_issuing"] or {}).get("user_terms_acceptance")
        empty = {"date": None, "ip": None, "user_agent": None}
        known["card_issuing"] = {"user_terms_acceptance": {**empty, **(before or {}), **terms}}
    document = sent.get("verification", {}).get("document", {})
    known["verification"] = {"document": {**known["verification"]["document"], **document}}
    return known


# Requirements and review


def screened(world: World, cardholder: Cardholder) -> Cardholder:
    """The cardholder under review for as long as the tenant wants.

    Screening waits for what is missing: only a complete cardholder is under review.
    """
    delay = world.setting("cardholder_review_seconds")
    in_review = delay > 0 and not past_due(world, cardholder)
    if cardholder.is_in_review:
        world.cancel_due(cardholder.id, "issuing.cardholders.finish_review")
    if in_review:
        world.later(world.now + delay, "issuing.cardholders.finish_review", about=cardholder.id)
    return replace(cardholder, is_in_review=in_review)


def finish_review(world: World, id: str) -> None:
    """The screening found nothing."""
    old = world.get(Cardholder, id)
    save(world, old, replace(old, is_in_review=False))


def requirements(world: World, cardholder: Cardholder) -> dict[str, Any]:
    """What is past due for a cardholder, and why its cards decline; null where they do not."""
    due = past_due(world, cardholder)
    reason = cardholder.verdict
    if reason is None and due:
        reason = "requirements.past_due"
    elif reason is None and cardholder.is_in_review:
        reason = "under_review"
    return {"disabled_reason": reason, "past_due": due}


def past_due(world: World, cardholder: Cardholder) -> list[str]:
    """What has yet to be provided: for individuals of US accounts names and terms, and whatever was demanded."""
    missing = missing_in_the_us(world, cardholder)
    if missing:
        passed = let_pass(world, missing)
        missing = [path for path in missing if path not in passed]
    return [*missing, *(path for path in cardholder.demanded if not is_provided(cardholder, path))]


def missing_in_the_us(world: World, cardholder: Cardholder) -> list[str]:
    """Which names and terms an individual of a US account has not given, asked for or not."""
    if cardholder.type != "individual":
        return []
    person = cardholder.individual or EMPTY_INDIVIDUAL
    terms = (person["card_issuing"] or {}).get("user_terms_acceptance") or {}
    given = (terms.get("ip"), terms.get("date"), person["first_name"], person["last_name"])
    if None not in given:
        return []
    missing = [path for path, value in zip(NEEDED_IN_THE_US, given, strict=True) if value is None]
    return missing if accounts.of(world).country == "US" else []


def let_pass(world: World, missing: list[str]) -> list[str]:
    """Of what is missing the terms, if they are not asked for."""
    terms = [path for path in missing if path in TERMS]
    return terms if terms and not are_terms_asked_for(world) else []


def are_terms_asked_for(world: World) -> bool:
    """Whether individuals of the acting account have to accept the authorized user terms, were it a US one.

    The guide to cards on financial accounts makes its cardholder without them. All else says that they are needed.
    Source: https://docs.stripe.com/treasury/connect/account-management/issuing-cards, https://docs.stripe.com/issuing/cards
    """
    rule = world.setting("cardholder_terms")
    if rule == "by_program":
        return world.is_platform or capabilities.status_of(world, "treasury") == "unrequested"
    return rule == "required"


def hint_at_terms(world: World, cardholder: Cardholder) -> None:
    """Say in the request log that terms are missing which nobody asked for here."""
    passed = let_pass(world, missing_in_the_us(world, cardholder))
    if passed:
        world.hint(
            f"{cardholder.id} has not accepted the authorized user terms ({', '.join(passed)}). "
            f"cardholder_terms={world.setting('cardholder_terms')} lets that pass; Stripe may ask for them before a "
            "card can be active."
        )


def is_provided(cardholder: Cardholder, path: str) -> bool:
    """Whether a requirement such as `individual.dob.day` is met."""
    if path == "company.tax_id":
        return bool((cardholder.company or {}).get("tax_id_provided"))
    if path == "individual.verification.document":
        return bool(((cardholder.individual or {}).get("verification") or {}).get("document", {}).get("front"))
    value: Any = {"individual": cardholder.individual}
    for name in path.split("."):
        value = (value or {}).get(name)
    return value is not None


# Refusals


def check_review(world: World, cardholder: Cardholder, params: dict[str, Any]) -> None:
    """400 for another name or date of birth while somebody looks at those that are there.

    What is past due may be given all the same.
    Source: https://docs.stripe.com/issuing/connect/cardholders-controls
    """
    required = requirements(world, cardholder)
    if required["disabled_reason"] != "under_review":
        return
    known = cardholder.individual or EMPTY_INDIVIDUAL
    for name, value in params.get("individual", {}).items():
        is_due = any(path.split(".")[1] == name for path in required["past_due"])
        if name in ("first_name", "last_name", "dob") and value != known[name] and not is_due:
            what = "dob" if name == "dob" else "name"
            next_step = PROVIDE_WHAT_IS_DUE if required["past_due"] else WAIT_FOR_THE_DECISION
            raise invalid(
                f"You can't update the {what} for a cardholder under review. {next_step}", param=f"individual[{name}]"
            )


def check_birth(individual: dict[str, Any], today: date) -> None:
    """400 for a date that is none, and for holders who are not older than thirteen."""
    dob = individual.get("dob")
    if dob is None:
        return
    try:
        born = date(dob["year"], dob["month"], dob["day"])
    except (ValueError, OverflowError):
        raise invalid("Invalid date of birth: there is no such day.", param="individual[dob]") from None
    if (today.year, today.month, today.day) <= (born.year + YOUNGEST, born.month, born.day):
        raise invalid(f"Cardholders must be older than {YOUNGEST} years old.", param="individual[dob]")


def check_documents(world: World, params: dict[str, Any]) -> None:
    """400 for a document that is no uploaded file of purpose `identity_document`."""
    document = params.get("individual", {}).get("verification", {}).get("document", {})
    for side, id in document.items():
        param = f"individual[verification][document][{side}]"
        if world.get(File, id, param=param).purpose != "identity_document":
            raise invalid(f"The file {id} must have the purpose `identity_document`.", param=param)


def no_phone_on_file(cardholder: Cardholder) -> ApiError:
    """400 `cardholder_phone_number_required`. Source: https://docs.stripe.com/issuing/3d-secure"""
    return invalid(
        f"You cannot create a card without a `phone_number` on file for cardholder: {cardholder.id}. Please see "
        "https://stripe.com/docs/issuing/3d-secure.",
        code="cardholder_phone_number_required",
    )


RECORDS = (Cardholder,)
TELLS = ("issuing.cardholder.status_changed",)
DUE = {"issuing.cardholders.finish_review": finish_review}
ROUTES = [
    POST("/v1/issuing/cardholders", create, CreateParams),
    GET("/v1/issuing/cardholders", issuing_access.gated(lists(Cardholder)), CardholderListParams),
    GET("/v1/issuing/cardholders/{cardholder}", issuing_access.gated(retrieves(Cardholder))),
    POST("/v1/issuing/cardholders/{cardholder}", update, UpdateParams),
]
