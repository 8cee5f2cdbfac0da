"""What v1 and v2 call the same fact about an account or a person, as two tables, and the way from one to the other.

One record answers to both: what is said in v2 is kept as v1 says it, and read back the other way. What only v2 knows
is kept as it was said. Nothing here reads or changes a world.
Source: the reference of both, https://docs.stripe.com/api/accounts and https://docs.stripe.com/api/v2/core/accounts.
Which display name, support address and number is which is put together from their descriptions: our ruling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from emulator.data.accounts_v2 import MERCHANT_CAPABILITIES

CONFIGURATIONS = ("customer", "merchant", "recipient")
BUSINESS, MERCHANT = "identity.business_details", "configuration.merchant"
KINDS_OF_DOCUMENTS = (
    "bank_account_ownership_verification",
    "company_license",
    "company_memorandum_of_association",
    "company_ministerial_decree",
    "company_registration_verification",
    "company_tax_id_verification",
    "proof_of_address",
    "proof_of_registration",
    "proof_of_ultimate_beneficial_ownership",
)
OF_AN_ACCOUNT: dict[str, str] = {
    "contact_email": "email",
    "defaults.currency": "default_currency",
    "defaults.profile.business_url": "business_profile.url",
    "defaults.profile.doing_business_as": "business_profile.name",
    "defaults.profile.product_description": "business_profile.product_description",
    "display_name": "settings.dashboard.display_name",
    "identity.entity_type": "business_type",
    "identity.attestations.directorship_declaration": "company.directorship_declaration",
    "identity.attestations.ownership_declaration": "company.ownership_declaration",
    "identity.attestations.persons_provided.directors": "company.directors_provided",
    "identity.attestations.persons_provided.executives": "company.executives_provided",
    "identity.attestations.persons_provided.owners": "company.owners_provided",
    "identity.attestations.persons_provided.ownership_exemption_reason": "company.ownership_exemption_reason",
    "identity.attestations.representative_declaration": "company.representative_declaration",
    "identity.attestations.terms_of_service.account": "tos_acceptance",
    f"{BUSINESS}.additional_addresses.administrative": "company.administrative_address",
    f"{BUSINESS}.additional_addresses.principal_place_of_business": "company.principal_place_of_business",
    f"{BUSINESS}.address": "company.address",
    f"{BUSINESS}.annual_revenue.amount.currency": "business_profile.annual_revenue.currency",
    f"{BUSINESS}.annual_revenue.amount.value": "business_profile.annual_revenue.amount",
    f"{BUSINESS}.annual_revenue.fiscal_year_end": "business_profile.annual_revenue.fiscal_year_end",
    **{f"{BUSINESS}.documents.{kind}": f"documents.{kind}" for kind in KINDS_OF_DOCUMENTS},
    f"{BUSINESS}.documents.primary_verification.front_back": "company.verification.document",
    f"{BUSINESS}.estimated_worker_count": "business_profile.estimated_worker_count",
    f"{BUSINESS}.monthly_estimated_revenue.amount.currency": "business_profile.monthly_estimated_revenue.currency",
    f"{BUSINESS}.monthly_estimated_revenue.amount.value": "business_profile.monthly_estimated_revenue.amount",
    f"{BUSINESS}.phone": "company.phone",
    f"{BUSINESS}.registered_name": "company.name",
    f"{BUSINESS}.registration_date": "company.registration_date",
    f"{BUSINESS}.script_addresses.kana": "company.address_kana",
    f"{BUSINESS}.script_addresses.kanji": "company.address_kanji",
    f"{BUSINESS}.script_names.kana.registered_name": "company.name_kana",
    f"{BUSINESS}.script_names.kanji.registered_name": "company.name_kanji",
    f"{BUSINESS}.structure": "company.structure",
    f"{MERCHANT}.bacs_debit_payments.display_name": "settings.bacs_debit_payments.display_name",
    f"{MERCHANT}.branding": "settings.branding",
    f"{MERCHANT}.card_payments.decline_on": "settings.card_payments.decline_on",
    f"{MERCHANT}.mcc": "business_profile.mcc",
    f"{MERCHANT}.script_statement_descriptor.kana.descriptor": "settings.payments.statement_descriptor_kana",
    f"{MERCHANT}.script_statement_descriptor.kana.prefix": "settings.card_payments.statement_descriptor_prefix_kana",
    f"{MERCHANT}.script_statement_descriptor.kanji.descriptor": "settings.payments.statement_descriptor_kanji",
    f"{MERCHANT}.script_statement_descriptor.kanji.prefix": "settings.card_payments.statement_descriptor_prefix_kanji",
    f"{MERCHANT}.sepa_debit_payments.creditor_id": "settings.sepa_debit_payments.creditor_id",
    f"{MERCHANT}.statement_descriptor.descriptor": "settings.payments.statement_descriptor",
    f"{MERCHANT}.statement_descriptor.prefix": "settings.card_payments.statement_descriptor_prefix",
    f"{MERCHANT}.support.address": "business_profile.support_address",
    f"{MERCHANT}.support.email": "business_profile.support_email",
    f"{MERCHANT}.support.phone": "business_profile.support_phone",
    f"{MERCHANT}.support.url": "business_profile.support_url",
}
OF_A_PERSON: dict[str, str] = {
    "additional_addresses.registered": "registered_address",
    "additional_terms_of_service.account": "additional_tos_acceptances.account",
    "address": "address",
    "date_of_birth": "dob",
    "documents.company_authorization": "documents.company_authorization",
    "documents.passport": "documents.passport",
    "documents.primary_verification.front_back": "verification.document",
    "documents.secondary_verification.front_back": "verification.additional_document",
    "documents.visa": "documents.visa",
    "email": "email",
    "given_name": "first_name",
    "legal_gender": "gender",
    "phone": "phone",
    "political_exposure": "political_exposure",
    "relationship": "relationship",
    "script_addresses.kana": "address_kana",
    "script_addresses.kanji": "address_kanji",
    "script_names.kana.given_name": "first_name_kana",
    "script_names.kana.surname": "last_name_kana",
    "script_names.kanji.given_name": "first_name_kanji",
    "script_names.kanji.surname": "last_name_kanji",
    "surname": "last_name",
}
# By which name v1 knows a capability, and what v2 calls it in which configuration.
RENAMED = {"ach_debit_payments": "us_bank_account_ach_payments"}
NAMES_OF_MERCHANTS = {RENAMED.get(name, name): name for name in MERCHANT_CAPABILITIES}
TRANSFERS = "stripe_balance.stripe_transfers"
PAYOUTS = "stripe_balance.payouts"


def at(tree: Any, path: str) -> Any:
    """What stands at a dotted path, or None."""
    for name in path.split("."):
        if not isinstance(tree, dict):
            return None
        tree = tree.get(name)
    return tree


def placed(tree: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path."""
    *above, last = path.split(".")
    for name in above:
        tree = tree.setdefault(name, {})
    tree[last] = value


def taken(tree: dict[str, Any], path: str) -> tuple[bool, Any]:
    """Take what was sent at a dotted path out of a tree: whether there was anything, and what.

    A hash above it that was unset as a whole unsets what stands in it too, and stays for the others.
    """
    *above, last = path.split(".")
    for name in above:
        inside = tree.get(name, {})
        if inside is None:
            return True, None
        if not isinstance(inside, dict):
            return False, None
        tree = inside
    return (True, tree.pop(last)) if last in tree else (False, None)


def parted(sent: dict[str, Any], table: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was sent in v2, as v1 says it; and the rest, which only v2 knows."""
    rest = copied(sent)
    known: dict[str, Any] = {}
    for path, name in table.items():
        was_sent, value = taken(rest, path)
        if was_sent:
            placed(known, name, value)
    return known, without_empty(rest)


def as_v2(known: dict[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    """What v1 knows, as v2 says it; what is not known is not there."""
    tree: dict[str, Any] = {}
    for path, name in table.items():
        value = at(known, name)
        if value is not None and value != {}:
            placed(tree, path, value)
    return tree


def copied(tree: Any) -> Any:
    """The same hashes, copied at every depth."""
    return {name: copied(member) for name, member in tree.items()} if isinstance(tree, dict) else tree


def without_empty(tree: dict[str, Any]) -> dict[str, Any]:
    """The same without hashes that have nothing in them."""
    kept = {name: without_empty(member) if isinstance(member, dict) else member for name, member in tree.items()}
    return {name: member for name, member in kept.items() if member != {}}


def by_purpose(addresses: list[dict[str, Any]] | None, purposes: tuple[str, ...]) -> dict[str, Any]:
    """A list of addresses that was sent, as a hash by what they are for: the list replaces all there were."""
    found: dict[str, Any] = dict.fromkeys(purposes)
    for address in addresses or []:
        found[address["purpose"]] = {name: value for name, value in address.items() if name != "purpose"}
    return found


def with_purposes(addresses: dict[str, Any]) -> list[dict[str, Any]]:
    """The other way."""
    return [{**address, "purpose": purpose} for purpose, address in sorted(addresses.items())]


# Capabilities


def capability_of(configuration: str, name: str) -> str:
    """By which name v1 knows a capability of a configuration."""
    return "transfers" if configuration == "recipient" else RENAMED.get(name, name)


def configuration_of(capability: str) -> tuple[str, str] | None:
    """To which configuration a capability of v1 belongs, and its name there; None where v2 has none such."""
    if capability == "transfers":
        return "recipient", TRANSFERS
    if capability in NAMES_OF_MERCHANTS:
        return "merchant", NAMES_OF_MERCHANTS[capability]
    return None


def applied(given: Iterable[str], requested: Iterable[str]) -> list[str]:
    """The configurations of an account: those it was given, and those that its capabilities in v1 belong to."""
    asked = {where[0] for name in requested if (where := configuration_of(name)) is not None}
    return sorted({*given, *asked})


# Requirements

NUMBERS = {"id_number": "us_ssn", "ssn_last_4": "us_ssn_last_4"}
PERSON = re.compile(r"(individual|representative|owners|directors|executives|person_[^.]+)\.(.+)")


def described(key: str, country: str) -> tuple[str, str | None]:
    """A requirement of v1 as v2 describes it, and the person whom it is about if there is one by now."""
    who = PERSON.fullmatch(key)
    if who is not None:
        field = described_field(who[2], country)
        if who[1] == "individual":
            return f"identity.individual.{field}", None
        return (field, who[1]) if who[1].startswith("person_") else (f"{who[1]}.{field}", None)
    if key == "company.tax_id":
        return f"{BUSINESS}.id_numbers" + (".us_ein" if country == "US" else ""), None
    return renamed(key, OF_AN_ACCOUNT), None


def described_field(field: str, country: str) -> str:
    """What is required of a person, as v2 describes it. A document is called what v1 calls it."""
    if field in NUMBERS:
        return f"id_numbers.{NUMBERS[field]}" if country == "US" else "id_numbers"
    return field if field.startswith("verification.") else renamed(field, OF_A_PERSON)


def renamed(key: str, table: Mapping[str, str]) -> str:
    """A key of v1 by its name in v2; by its own where v2 has none, as for a bank account."""
    for path, name in table.items():
        if key == name or key.startswith(name + "."):
            return path + key.removeprefix(name)
    return key
