"""Persons: what may be said of the people behind an account, and how they come and go.

Source: https://docs.stripe.com/api/persons, https://docs.stripe.com/connect/handling-api-verification
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.connect.records import accounts
from emulator.connect.records.persons import ROLES, Person
from emulator.connect.requirements import kept
from emulator.connect.reviewing import changing, reading
from emulator.connect.shapes import (
    AddressParams,
    DateParams,
    IdentityDocumentParams,
    JapaneseAddressParams,
    Percent,
    TermsParams,
    documents,
    group,
    merged,
)
from emulator.kernel.conditions import Condition
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
from emulator.kernel.render import Deleted
from emulator.kernel.routes import DELETE, GET, POST, retrieves
from emulator.kernel.world import World

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
# What may be sent


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
    ssn_last_4 = String(pattern=r"[0-9]{4}", says="The last four digits of a Social Security number are four digits.")
    verification = group(additional_document=Hash(IdentityDocumentParams), document=Hash(IdentityDocumentParams))


class PersonParams(IndividualParams):
    """What may be said about any person, at first and later."""

    additional_tos_acceptances = group(account=Hash(TermsParams))
    documents = group(company_authorization=documents(), passport=documents(), visa=documents())
    nationality = Country()
    person_token = String()
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
    us_cfpb_data = group(
        ethnicity_details=group(ethnicity=List(Enum(ETHNICITIES)), ethnicity_other=String()),
        race_details=group(race=List(Enum(RACES)), race_other=String()),
        self_identified_gender=String(),
    )


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


def create(world: World, params: dict[str, Any]) -> Person:
    """Add a person to a company's account. 400 for a second representative, and for an individual's account: its only
    person is there already (our ruling)."""
    account = accounts.of(world)
    if account.business_type == "individual":
        raise invalid(
            "You cannot create persons on an account with `business_type` individual. Update its `individual` instead."
        )
    person = told(Person(world.new_id("person"), world.now, world.account, account.country), params)
    refuse_second_representative(world, person)
    return world.put(person)


def update(world: World, params: dict[str, Any], id: str) -> Person:
    """What was sent is merged with what is known. 400 for a second representative."""
    person = replace(told(world.get(Person, id), params), updated=world.now)
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


ROUTES = [
    GET("/v1/accounts/{account}/persons", reading(lists(Person, narrow=narrow)), PersonListParams),
    POST("/v1/accounts/{account}/persons", changing(create), PersonParams),
    GET("/v1/accounts/{account}/persons/{person}", reading(retrieves(Person))),
    POST("/v1/accounts/{account}/persons/{person}", changing(update), PersonParams),
    DELETE("/v1/accounts/{account}/persons/{person}", changing(delete)),
]
RECORDS = (Person,)
