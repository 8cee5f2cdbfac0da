"""The form of hosted onboarding: a field for each requirement, filled with a value that passes, and what is made of it.

Nothing here reads or changes a world. Fields are named as requirements name them; a requirement that is no value of its
own, such as `external_account` or accepted terms, has the fields that satisfy it.
Source: https://docs.stripe.com/connect/testing for the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.connect import bank_test_numbers, platform

# Where an account's own members end and its persons begin.
ROLES = {
    "representative": {"representative": True},
    "owners": {"owner": True},
    "directors": {"director": True},
    "executives": {"executive": True},
}
OF_PERSONS = ("individual", *ROLES)
ACCEPTED = ".accepted"
BUSINESS_TYPES = ("individual", "company", "non_profit", "government_entity")
TRUE_OR_FALSE = ("true", "false")
# Values that are verified at once, by the last members of a field's name.
VALUES = {
    "business_profile.mcc": "5734",
    "business_profile.name": "Rosen Goods",
    "business_profile.product_description": "Goods of all kinds.",
    "business_profile.support_email": "support@example.com",
    "business_profile.support_phone": "0000000000",
    "business_profile.url": "https://accessible.stripe.com",
    "annual_revenue.amount": "0",
    "business_profile.estimated_worker_count": "1",
    "company.name": "Rosen Goods",
    "company.tax_id": "222222222",
    "address.line1": "address_full_match_sync",
    "dob.day": "1",
    "dob.month": "1",
    "dob.year": "1902",
    "email": "jenny.rosen@example.com",
    "first_name": "Jenny",
    "last_name": "Rosen",
    "id_number": "222222222",
    "phone": "0000000000",
    "relationship.title": "CEO",
    "relationship.percent_ownership": "100",
    "ssn_last_4": "2222",
    "document.front": "file_identity_document_success",
    "additional_document.front": "file_identity_document_success",
}
CHOICES = {
    "business_type": BUSINESS_TYPES,
    "owners_provided": TRUE_OR_FALSE,
    "directors_provided": TRUE_OR_FALSE,
    "executives_provided": TRUE_OR_FALSE,
    "relationship.executive": TRUE_OR_FALSE,
    "relationship.director": TRUE_OR_FALSE,
    "relationship.owner": TRUE_OR_FALSE,
}
PLACES = {
    "GB": {"city": "London", "postal_code": "SW1A 1AA"},
    "US": {"city": "San Francisco", "postal_code": "94111", "state": "CA"},
}
ELSEWHERE = {"city": "Capital", "postal_code": "10115"}
BANK = ("country", "currency", "routing_number", "account_number")
# What an account that may update itself is shown besides what is due.
OFTEN_UPDATED = (
    "email",
    "business_profile.name",
    "business_profile.url",
    "business_profile.product_description",
    "business_profile.support_email",
    "business_profile.support_phone",
)
OF_COMPANIES = (
    "company.name",
    "company.phone",
    "company.address.line1",
    "company.address.city",
    "company.address.postal_code",
)
OF_INDIVIDUALS = tuple(
    f"individual.{name}"
    for name in ("first_name", "last_name", "email", "phone", "address.line1", "address.city", "address.postal_code")
)


@dataclass(frozen=True)
class Field:
    """One field of the form. `kind` is `text`, `choice` or `terms`; `says` is what is wrong with what was there."""

    name: str
    value: str
    kind: str = "text"
    choices: tuple[str, ...] = ()
    says: str = ""

    @property
    def label(self) -> str:
        """The name as people read it: `dob.day` of an individual as `Individual dob day`."""
        words = self.name.removesuffix(ACCEPTED).replace(".", " ").replace("_", " ")
        return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class About:
    """Whose form it is: what values depend on."""

    country: str
    currency: str
    year: int


def fields(due: Iterable[str], about: About, errors: Mapping[str, str], known: Mapping[str, str]) -> list[Field]:
    """The fields for these requirements, in the order of their names: filled with what is `known`, else what passes."""
    found: dict[str, Field] = {}
    for key in due:
        for name in names_of(key):
            kind = "terms" if name.endswith(ACCEPTED) else "choice" if ending(name, CHOICES) else "text"
            choices = ending(name, CHOICES) or ()
            value = known.get(name) or default(name, about) or (choices[0] if choices else "")
            found[name] = Field(name, value, kind, choices, errors.get(key, ""))
    return sorted(found.values(), key=lambda field: place(field.name))


def place(name: str) -> tuple[Any, ...]:
    """Where a field stands: the kind of business first, the bank account and the terms last."""
    order = ("business_type", "email", "business_profile", "company", "individual", "representative")
    last = ("external_account", "tos_acceptance", "settings")
    first = name.partition(".")[0]
    rank = order.index(first) if first in order else 50 + last.index(first) if first in last else 20
    inside = list(VALUES)
    known = next((position for position, suffix in enumerate(inside) if name.endswith(suffix)), len(inside))
    return rank, first, known, name


def names_of(key: str) -> tuple[str, ...]:
    """The fields that satisfy a requirement."""
    if key == "external_account":
        return tuple(f"{key}.{name}" for name in BANK)
    if key.endswith(("tos_acceptance.date", "tos_acceptance.ip")):
        return (key.rpartition(".")[0] + ACCEPTED,)
    if key.endswith((".document", ".additional_document")):
        return (f"{key}.front",)
    return (key,)


def ending(name: str, table: Mapping[str, Any]) -> Any:
    """What a table has for a name, or for the last members of it; None if it has nothing."""
    rest = name
    while rest:
        if rest in table:
            return table[rest]
        rest = rest.partition(".")[2]
    return None


def default(name: str, about: About) -> str:
    """A value that passes; empty where none is known."""
    first, _, last = name.rpartition(".")
    if first == "external_account":
        return bank(about).get(last, "")
    if first.endswith("address") and last in ("city", "postal_code", "state"):
        return PLACES.get(about.country, ELSEWHERE).get(last, "")
    if name.endswith("annual_revenue.currency"):
        return about.currency
    if name.endswith("annual_revenue.fiscal_year_end"):
        return f"{about.year - 1}-12-31"
    return ending(name, VALUES) or ""


def bank(about: About) -> dict[str, str]:
    """A test bank account of the country, as far as we know its numbers."""
    numbers = bank_test_numbers.of(about.country)
    return {
        "country": about.country,
        "currency": about.currency,
        "routing_number": platform.ROUTING_NUMBERS.get(about.country, ""),
        "account_number": platform.IBANS.get(about.country) or (numbers[0] if numbers else ""),
    }


# What is made of what was filled in


@dataclass(frozen=True)
class Told:
    """What an account said on the page, as parameters of the API: of itself, of persons by id, and of new persons."""

    account: dict[str, Any]
    persons: dict[str, dict[str, Any]]
    newcomers: list[dict[str, Any]]


def told(values: Mapping[str, str], *, business_type: str | None, now: int, ip: str) -> Told:
    """The parameters that the fields come to. What was left empty is not said.

    Who represents an individual's account is the individual; so is whoever opens one, until it is known whose it is.
    """
    tree: dict[str, Any] = {}
    for name, value in values.items():
        if name.endswith(ACCEPTED):
            terms = {"date": str(now), "ip": ip}
            for member, said in terms.items() if value else ():
                put(tree, f"{name.removesuffix(ACCEPTED)}.{member}", said)
        elif value.strip():
            put(tree, name, value.strip())
    if "external_account" in tree:
        tree["external_account"]["object"] = "bank_account"
    if tree.get("business_type", business_type) in (None, "individual") and "representative" in tree:
        tree["individual"] = {**tree.pop("representative"), **tree.get("individual", {})}
    persons = {name: tree.pop(name) for name in list(tree) if name.startswith("person_")}
    newcomers = [
        {**tree[role], "relationship": {**tree[role].get("relationship", {}), **relationship}}
        for role, relationship in ROLES.items()
        if tree.get(role)
    ]
    account = {name: value for name, value in tree.items() if name not in ROLES}
    return Told(account, persons, newcomers)


def put(tree: dict[str, Any], name: str, value: str) -> None:
    """Put a value where its dotted name says."""
    *path, last = name.split(".")
    for part in path:
        tree = tree.setdefault(part, {})
    tree[last] = value
