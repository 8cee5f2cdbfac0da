"""Persons: the people behind an account.

An individual's account has one, who is also its `individual`; a company's account has a representative and may have
owners, directors and executives. Numbers that identify a person are never shown again, only that they were given.
Source: https://docs.stripe.com/api/persons, https://docs.stripe.com/connect/handling-api-verification
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from emulator.connect.requirements import kept
from emulator.connect.shapes import (
    NO_ADDRESS,
    NO_DOCUMENT,
    NO_TERMS,
    AddressParams,
    DateParams,
    IdentityDocumentParams,
    JapaneseAddressParams,
    Percent,
    TermsParams,
    documents,
    group,
    merged,
    phone_number,
)
from emulator.kernel.errors import invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Boolean,
    Country,
    Email,
    Enum,
    Hash,
    List,
    ListParams,
    Metadata,
    Params,
    String,
    merged_metadata,
)
from emulator.kernel.records import replace
from emulator.kernel.render import Deleted, shown
from emulator.kernel.routes import retrieves
from emulator.kernel.store import Condition
from emulator.kernel.world import World

ROLES = ("authorizer", "director", "executive", "legal_guardian", "owner", "representative")
ETHNICITIES = (
    "cuban",
    "hispanic_or_latino",
    "mexican",
    "not_hispanic_or_latino",
    "other_hispanic_or_latino",
    "prefer_not_to_answer",
    "puerto_rican",
)
RACES = (
    "african_american",
    "american_indian_or_alaska_native",
    "asian",
    "asian_indian",
    "black_or_african_american",
    "chinese",
    "ethiopian",
    "filipino",
    "guamanian_or_chamorro",
    "haitian",
    "jamaican",
    "japanese",
    "korean",
    "native_hawaiian",
    "native_hawaiian_or_other_pacific_islander",
    "nigerian",
    "other_asian",
    "other_black_or_african_american",
    "other_pacific_islander",
    "prefer_not_to_answer",
    "samoan",
    "somali",
    "vietnamese",
    "white",
)
# Shown only once given.
OFTEN_ABSENT = (
    "address_kana",
    "address_kanji",
    "first_name_kana",
    "first_name_kanji",
    "full_name_aliases",
    "gender",
    "last_name_kana",
    "last_name_kanji",
    "maiden_name",
    "nationality",
    "political_exposure",
    "registered_address",
    "us_cfpb_data",
)


def nothing_required() -> dict[str, Any]:
    """A person's `requirements` hash that asks for nothing."""
    names = ("alternatives", "currently_due", "errors", "eventually_due", "past_due", "pending_verification")
    return {name: [] for name in names}


@dataclass(frozen=True)
class Person:
    """Somebody behind an account. `said` is what was sent about them, `numbers` the marks of what is never shown."""

    object: ClassVar[str] = "person"
    prefix: ClassVar[str] = "person"
    noun: ClassVar[str] = "person"
    filters: ClassVar[tuple[str, ...]] = ROLES
    hidden: ClassVar[tuple[str, ...]] = (
        "country",
        "documents",
        "is_individual",
        "numbers",
        "person_token",
        "said",
        "status",
    )
    expands: ClassVar[tuple[str, ...]] = (
        "verification.additional_document.back",
        "verification.additional_document.front",
        "verification.document.back",
        "verification.document.front",
    )
    embeds: ClassVar[tuple[str, ...]] = ()
    includes: ClassVar[dict[str, Any]] = {}

    id: str
    created: int
    account: str
    country: str
    said: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    documents: dict[str, Any] | None = None
    person_token: str | None = None
    is_individual: bool = False
    status: str = "unverified"
    requirements: dict[str, Any] = field(default_factory=nothing_required)

    def has_role(self, role: str) -> bool:
        """Whether the person stands in a relationship such as `owner` to the account."""
        return bool(self.said.get("relationship", {}).get(role))

    @property
    def authorizer(self) -> bool:
        """List filter."""
        return self.has_role("authorizer")

    @property
    def director(self) -> bool:
        """List filter."""
        return self.has_role("director")

    @property
    def executive(self) -> bool:
        """List filter."""
        return self.has_role("executive")

    @property
    def legal_guardian(self) -> bool:
        """List filter."""
        return self.has_role("legal_guardian")

    @property
    def owner(self) -> bool:
        """List filter."""
        return self.has_role("owner")

    @property
    def representative(self) -> bool:
        """List filter. An individual represents their own account."""
        return self.is_individual or self.has_role("representative")

    @property
    def facts(self) -> dict[str, Any]:
        """What the rules about requirements look at."""
        return {**self.said, **self.numbers}

    def render(self, world: World) -> dict[str, Any]:
        """The person without numbers; what is rarely given is absent until it is."""
        said = self.said
        roles = said.get("relationship", {})
        given = said.get("verification", {})
        members = shown(
            self,
            additional_tos_acceptances={
                "account": {**NO_TERMS, **said.get("additional_tos_acceptances", {}).get("account", {})}
            },
            address={**NO_ADDRESS, "country": self.country, **said.get("address", {})},
            dob=said.get("dob") or {"day": None, "month": None, "year": None},
            email=said.get("email"),
            first_name=said.get("first_name"),
            future_requirements=nothing_required(),
            id_number_provided="id_number" in self.numbers,
            last_name=said.get("last_name"),
            phone=phone_number(said.get("phone")),
            relationship={
                "authorizer": self.has_role("authorizer"),
                "director": self.director,
                "executive": self.executive,
                "legal_guardian": self.legal_guardian,
                "owner": self.owner,
                "percent_ownership": roles.get("percent_ownership"),
                "representative": self.representative,
                "title": roles.get("title"),
            },
            ssn_last_4_provided="ssn_last_4" in self.numbers or "id_number" in self.numbers,
            verification={
                "additional_document": {**NO_DOCUMENT, **given.get("additional_document", {})},
                "details": None,
                "details_code": None,
                "document": {**NO_DOCUMENT, **given.get("document", {})},
                "status": self.status,
            },
        )
        members |= {name: said[name] for name in OFTEN_ABSENT if said.get(name) is not None}
        for name in ("address_kana", "address_kanji"):
            if name in members:
                members[name] = {**NO_ADDRESS, "town": None, **members[name]}
        if "registered_address" in members:
            members["registered_address"] = {**NO_ADDRESS, **members["registered_address"]}
        if "id_number_secondary" in self.numbers:
            members["id_number_secondary_provided"] = True
        if "us_cfpb_data" in members:
            members["us_cfpb_data"] = disclosed(members["us_cfpb_data"])
        del members["livemode"]
        return members

    def within_account(self, world: World) -> dict[str, Any]:
        """The person as the `individual` of their account, which shows their terms itself."""
        members = self.render(world)
        del members["additional_tos_acceptances"]
        return members


def disclosed(data: dict[str, Any]) -> dict[str, Any]:
    """Demographic data with every member in place."""
    ethnicity, race = data.get("ethnicity_details", {}), data.get("race_details", {})
    return {
        "ethnicity_details": {
            "ethnicity": ethnicity.get("ethnicity"),
            "ethnicity_other": ethnicity.get("ethnicity_other"),
        },
        "race_details": {"race": race.get("race"), "race_other": race.get("race_other")},
        "self_identified_gender": data.get("self_identified_gender"),
    }


# What may be sent


SSN_LAST_4 = {"pattern": r"[0-9]{4}", "says": "The last four digits of a Social Security number are four digits."}


class IndividualParams(Params):
    """What may be said about the person of an individual's account."""

    address = Hash(AddressParams)
    address_kana = Hash(JapaneseAddressParams)
    address_kanji = Hash(JapaneseAddressParams)
    dob = Hash(DateParams, unset=True)
    email = Email()
    first_name = String(max_length=100)
    first_name_kana = String()
    first_name_kanji = String()
    full_name_aliases = List(String(max_length=300), unset=True)
    gender = String()
    id_number = String()
    id_number_secondary = String()
    last_name = String(max_length=100)
    last_name_kana = String()
    last_name_kanji = String()
    maiden_name = String()
    metadata = Metadata()
    phone = String()
    political_exposure = Enum(("existing", "none"))
    registered_address = Hash(AddressParams)
    relationship = group(
        director=Boolean(),
        executive=Boolean(),
        owner=Boolean(),
        percent_ownership=Percent(unset=True),
        title=String(),
    )
    ssn_last_4 = String(**SSN_LAST_4)
    verification = group(additional_document=Hash(IdentityDocumentParams), document=Hash(IdentityDocumentParams))


class PersonParams(Params):
    """What may be said about a person, at first and later."""

    additional_tos_acceptances = group(account=Hash(TermsParams))
    address = Hash(AddressParams)
    address_kana = Hash(JapaneseAddressParams)
    address_kanji = Hash(JapaneseAddressParams)
    dob = Hash(DateParams, unset=True)
    documents = group(company_authorization=documents(), passport=documents(), visa=documents())
    email = Email()
    first_name = String(max_length=100)
    first_name_kana = String()
    first_name_kanji = String()
    full_name_aliases = List(String(max_length=300), unset=True)
    gender = String()
    id_number = String()
    id_number_secondary = String()
    last_name = String(max_length=100)
    last_name_kana = String()
    last_name_kanji = String()
    maiden_name = String()
    metadata = Metadata()
    nationality = Country()
    person_token = String()
    phone = String()
    political_exposure = Enum(("existing", "none"))
    registered_address = Hash(AddressParams)
    relationship = group(
        authorizer=Boolean(),
        director=Boolean(),
        executive=Boolean(),
        legal_guardian=Boolean(),
        owner=Boolean(),
        percent_ownership=Percent(unset=True),
        representative=Boolean(),
        title=String(),
    )
    ssn_last_4 = String(**SSN_LAST_4)
    us_cfpb_data = group(
        ethnicity_details=group(ethnicity=List(Enum(ETHNICITIES)), ethnicity_other=String()),
        race_details=group(race=List(Enum(RACES)), race_other=String()),
        self_identified_gender=String(),
    )
    verification = group(additional_document=Hash(IdentityDocumentParams), document=Hash(IdentityDocumentParams))


class PersonListParams(ListParams):
    """Persons who stand in all of these relationships."""

    relationship = group(**{role: Boolean() for role in ROLES})


# What happens


NUMBERS = ("id_number", "id_number_secondary", "ssn_last_4")
APART = frozenset({*NUMBERS, "metadata", "documents", "person_token"})


def told(person: Person, params: dict[str, Any]) -> Person:
    """The same person after what was sent about them."""
    numbers = {name: kept(params[name]) for name in NUMBERS if name in params}
    return replace(
        person,
        said=merged(person.said, {name: value for name, value in params.items() if name not in APART}),
        numbers={**person.numbers, **numbers},
        metadata=merged_metadata(person.metadata, params),
        documents=merged(person.documents or {}, params["documents"]) if "documents" in params else person.documents,
        person_token=params.get("person_token", person.person_token),
    )


def everyone(world: World) -> list[Person]:
    """The persons of the acting account, newest first."""
    return world.all(Person)


def individual(world: World) -> Person | None:
    """The person who is the acting account's `individual`, or None."""
    return next((person for person in everyone(world) if person.is_individual), None)


def create(world: World, params: dict[str, Any], country: str) -> Person:
    """A new person of the acting account. 400 for a second representative."""
    person = told(Person(world.new_id("person"), world.now, world.account, country), params)
    refuse_second_representative(world, person)
    return world.put(person)


def update(world: World, params: dict[str, Any], id: str) -> Person:
    """What was sent is merged with what is known. 400 for a second representative."""
    person = told(world.get(Person, id), params)
    refuse_second_representative(world, person)
    return world.put(person)


def delete(world: World, params: dict[str, Any], id: str) -> Deleted:
    """Forget a person. 400 for the representative.

    Source: https://docs.stripe.com/api/persons/delete
    """
    person = world.get(Person, id)
    if person.representative:
        raise invalid("The representative of an account cannot be deleted. Please name another person first.")
    world.forget(person)
    return Deleted(person)


def refuse_second_representative(world: World, person: Person) -> None:
    """400 when somebody else already represents the account."""
    others = [
        other for other in world.all(Person, representative=True) if other.id != person.id and not other.is_individual
    ]
    if person.representative and others:
        raise invalid(
            f"This account already has a representative: {others[0].id}. An account can have only one.",
            param="relationship[representative]",
        )


def narrow(world: World, params: dict[str, Any]) -> Sequence[Condition]:
    """The relationships asked for."""
    roles = params.pop("relationship", {})
    return [Condition(role, "eq", wanted) for role, wanted in roles.items()]


retrieve = retrieves(Person)
listed = lists(Person, narrow=narrow)

RECORDS = (Person,)
