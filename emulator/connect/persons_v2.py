"""Persons in v2: the people behind an account under v2's names. They are the persons of v1.

Source: https://docs.stripe.com/api/v2/core/persons
"""

from __future__ import annotations

from typing import Any

from emulator.connect import persons
from emulator.connect.accounts_v2 import changed, reached
from emulator.connect.params_v2 import CreatePersonParams, UpdatePersonParams
from emulator.connect.records import accounts_v2
from emulator.connect.records.persons import Person
from emulator.connect.records.persons_v2 import PersonOfV2
from emulator.connect.records.tokens_v2 import PersonToken, spent
from emulator.connect.reviewing import conclude
from emulator.connect.telling_v2 import person_as_v1
from emulator.kernel.errors import invalid
from emulator.kernel.lists import Page, lists
from emulator.kernel.params import PageParams
from emulator.kernel.render import Deleted
from emulator.kernel.routes import DELETE, GET, POST
from emulator.kernel.world import World

ONLY_ONE = "The person of an account with `identity.entity_type` individual is its `identity.individual`: change that."


def list_persons(world: World, params: dict[str, Any], account_id: str) -> Page:
    """List the persons of an account, newest first."""
    return every_person(reached(world, account_id), params)


every_person = lists(PersonOfV2)
list_persons.is_list = True  # type: ignore[attr-defined]
list_persons.returns = PersonOfV2  # type: ignore[attr-defined]


def retrieve(world: World, params: dict[str, Any], account_id: str, id: str) -> PersonOfV2:
    """Read one person. 404 when the account has none of that id."""
    return reached(world, account_id).get(PersonOfV2, id)


def create(world: World, params: dict[str, Any], account_id: str) -> PersonOfV2:
    """Add a person to a company's account. 400 for a second representative, for a token that is unknown or used, and
    for an individual's account."""
    inside, before = changed(world, account_id)
    params = with_token(inside, params)
    if accounts_v2.of(inside).business_type == "individual":
        raise invalid(ONLY_ONE, code="individual_additional_person_not_allowed")
    refuse_second_representative(inside, params, None)
    person = persons.create(inside, person_as_v1(params))
    conclude(inside, before)
    return inside.get(PersonOfV2, person.id)


def update(world: World, params: dict[str, Any], account_id: str, id: str) -> PersonOfV2:
    """What was sent is merged with what is known. 400 for a second representative."""
    inside, before = changed(world, account_id)
    inside.get(PersonOfV2, id)
    params = with_token(inside, params)
    refuse_second_representative(inside, params, id)
    persons.update(inside, person_as_v1(params), id)
    conclude(inside, before)
    return inside.get(PersonOfV2, id)


def delete(world: World, params: dict[str, Any], account_id: str, id: str) -> Deleted:
    """Forget a person. 400 for the representative."""
    inside, before = changed(world, account_id)
    person = inside.get(PersonOfV2, id)
    persons.delete(inside, {}, id)
    conclude(inside, before)
    return Deleted(person)


def refuse_second_representative(world: World, params: dict[str, Any], id: str | None) -> None:
    """400 when somebody else already represents the account."""
    if not (params.get("relationship") or {}).get("representative"):
        return
    others = [one.id for one in world.all(Person, representative=True) if one.id != id and not one.is_individual]
    if others:
        raise invalid(
            f"This account already has a representative: {others[0]}. An account can have only one.",
            param="relationship[representative]",
            code="additional_representative_not_allowed",
        )


def with_token(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """The same with what a person token stands for. 400 for what is sent beside it."""
    if "person_token" not in params:
        return params
    sent = {name: value for name, value in params.items() if name != "person_token"}
    said = spent(world, PersonToken, params["person_token"], param="person_token")
    persons.refuse_beside("person_token", said, sent)
    return {**sent, **said}


ROUTES = [
    GET("/v2/core/accounts/{account_id}/persons", list_persons, PageParams),
    POST("/v2/core/accounts/{account_id}/persons", create, CreatePersonParams),
    GET("/v2/core/accounts/{account_id}/persons/{id}", retrieve),
    POST("/v2/core/accounts/{account_id}/persons/{id}", update, UpdatePersonParams),
    DELETE("/v2/core/accounts/{account_id}/persons/{id}", delete),
]
RECORDS = (PersonOfV2,)
