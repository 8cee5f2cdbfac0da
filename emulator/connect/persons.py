"""Persons: what may be said of the people behind an account, and how they come and go.

Source: https://docs.stripe.com/api/persons, https://docs.stripe.com/connect/handling-api-verification
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.connect.person_params import PersonParams
from emulator.connect.records import accounts
from emulator.connect.records.persons import ROLES, Person
from emulator.connect.requirements import kept
from emulator.connect.reviewing import changing, reading
from emulator.connect.shapes import group, merged
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import exclusive, invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import Boolean, ListParams, merged_metadata
from emulator.kernel.records import replace
from emulator.kernel.render import Deleted
from emulator.kernel.routes import DELETE, GET, POST, retrieves
from emulator.kernel.world import World

# What may be sent


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


def with_tokens(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """The same with what tokens of persons and of their numbers stand for. 400 for what is sent beside its token."""
    tokens: Any = world.catalog.records["token"]
    if "person_token" in params:
        said = tokens.spent(world, params["person_token"], "person", param="person_token", of_platform=True).content
        refuse_beside("person_token", said, params)
        params = {**params, **said}
    for name in ("id_number", "id_number_secondary"):
        if params.get(name, "").startswith("pii_"):
            number = tokens.spent(world, params[name], "pii", param=name, of_platform=True).content
            params = {**params, name: number.get("id_number", "")}
    return params


def refuse_beside(token: str, said: dict[str, Any], params: dict[str, Any]) -> None:
    """400 for a parameter that a token says already."""
    twice = next((name for name in said if name in params), None)
    if twice is not None:
        raise exclusive(token, twice)


def create(world: World, params: dict[str, Any]) -> Person:
    """Add a person to a company's account. 400 for a second representative, for a token that is unknown or used, and
    for an individual's account: its only person is there already (our ruling)."""
    account = accounts.of(world)
    if account.business_type == "individual":
        raise invalid(
            "You cannot create persons on an account with `business_type` individual. Update its `individual` instead."
        )
    params = with_tokens(world, params)
    person = told(Person(world.new_id("person"), world.now, world.account, account.country), params)
    refuse_second_representative(world, person)
    return world.put(person)


def update(world: World, params: dict[str, Any], id: str) -> Person:
    """What was sent is merged with what is known. 400 for a second representative."""
    person = replace(told(world.get(Person, id), with_tokens(world, params)), updated=world.now)
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
