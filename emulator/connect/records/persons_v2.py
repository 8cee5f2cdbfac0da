"""Persons as v2 shows them: the same people under v2's names. What was never said of somebody is not there.

Source: https://docs.stripe.com/api/v2/core/persons/object
"""

from __future__ import annotations

from typing import Any

from emulator.connect.correspondence import NUMBERS, OF_A_PERSON, as_v2, with_purposes
from emulator.connect.records.persons import Person
from emulator.kernel import rfc3339
from emulator.kernel.records import face
from emulator.kernel.world import World


@face("v2.core.account_person", noun="person")
class PersonOfV2(Person):
    """Somebody behind an account, as v2 knows them."""

    def render(self, world: World) -> dict[str, Any]:
        """The person without numbers, of which only the kinds are shown."""
        return {**within_account(self), "livemode": False}


def within_account(person: Person) -> dict[str, Any]:
    """The person as the `identity.individual` of their account."""
    said = person.said
    members = as_v2({**said, "documents": person.documents or {}}, OF_A_PERSON)
    if "additional_terms_of_service" in members:
        members["additional_terms_of_service"] = {
            "account": with_times(members["additional_terms_of_service"]["account"])
        }
    if "documents" in members:
        members["documents"] = with_kinds(members["documents"])
    share = said.get("relationship", {}).get("percent_ownership")
    if share is not None:
        members["relationship"] = {**members["relationship"], "percent_ownership": f"{share:g}"}
    return {
        **members,
        "id": person.id,
        "object": PersonOfV2.object,
        "account": person.account,
        "additional_addresses": with_purposes(members.get("additional_addresses", {})),
        "additional_names": said.get("additional_names", []),
        "created": rfc3339.text_of(person.created),
        "id_numbers": id_numbers(person),
        "metadata": person.metadata,
        "nationalities": said.get("nationalities") or [said[name] for name in ("nationality",) if name in said],
        "updated": rfc3339.text_of(person.updated or person.created),
    }


def id_numbers(person: Person) -> list[dict[str, str]]:
    """Which numbers of theirs are known: as said in v2, and those said in v1 whose kind is certain, in the US."""
    told = list(person.said.get("id_numbers", []))
    in_v1 = [NUMBERS[name] for name in sorted(person.numbers) if name in NUMBERS and person.country == "US"]
    return told + [{"type": kind} for kind in in_v1 if kind not in {one["type"] for one in told}]


def with_times(terms: dict[str, Any]) -> dict[str, Any]:
    """When and from where something was accepted, the time as v2 writes it."""
    return {**terms, "date": rfc3339.text_of(terms["date"])} if terms.get("date") is not None else terms


def with_kinds(documents: dict[str, Any]) -> dict[str, Any]:
    """Documents with what they are made of."""
    return {
        name: {**document, "type": "front_back" if "front_back" in document else "files"}
        for name, document in documents.items()
    }
