"""Persons: the people behind an account.

An individual's account has one, who is also its `individual`; a company's account has a representative and may have
owners, directors and executives. Numbers that identify a person are never shown again, only that they were given.
Source: https://docs.stripe.com/api/persons, https://docs.stripe.com/connect/handling-api-verification
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.connect.shapes import NO_ADDRESS, NO_DOCUMENT, NO_TERMS, phone_number
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.world import World

ROLES = ("authorizer", "director", "executive", "legal_guardian", "owner", "representative")
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


@record(
    "person",
    prefix="person",
    noun="person",
    filters=ROLES,
    hidden=(
        "country",
        "documents",
        "is_individual",
        "numbers",
        "person_token",
        "said",
        "status",
        "updated",
    ),
    expands=(
        "verification.additional_document.back",
        "verification.additional_document.front",
        "verification.document.back",
        "verification.document.front",
    ),
)
class Person:
    """Somebody behind an account. `said` is what was sent about them, `numbers` the marks of what is never shown."""

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
    updated: int | None = None
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


def everyone(world: World) -> list[Person]:
    """The persons of the acting account, newest first."""
    return world.all(Person)


def individual(world: World) -> Person | None:
    """The person who is the acting account's `individual`, or None."""
    return next((person for person in everyone(world) if person.is_individual), None)
