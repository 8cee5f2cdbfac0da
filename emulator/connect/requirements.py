"""What each capability asks of an account, and what the documented test values do, as data.

Nothing here reads or changes a world. `Facts` is all the rules may look at; `standing` says how a capability stands.
Fields are named by dotted paths, as the requirements of the API name them.
Source: https://docs.stripe.com/connect/required-verification-information, https://docs.stripe.com/connect/testing,
https://docs.stripe.com/issuing/connect. What payments need in the US is as recorded replies list it; which fields other
capabilities and countries need is put together from guides: our ruling.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

# What is needed

TERMS = ("tos_acceptance.date", "tos_acceptance.ip")
PROFILE = ("business_profile.mcc", "business_profile.url")
DATE_OF_BIRTH = ("dob.day", "dob.month", "dob.year")
ADDRESS = ("address.line1", "address.city", "address.state", "address.postal_code")
NAMES = ("first_name", "last_name")
PERSON = (*NAMES, *DATE_OF_BIRTH, *ADDRESS, "phone", "ssn_last_4")
# Of owners all the rest is asked for eventually.
OWNER = (*NAMES, "email")
COMPANY = ("company.name", "company.phone", "company.tax_id", *(f"company.{field}" for field in ADDRESS))

# Beside what every capability needs.
NEEDED_BY: dict[str, tuple[str, ...]] = {
    "card_payments": PROFILE,
    "card_issuing": (
        *PROFILE,
        "business_profile.annual_revenue.amount",
        "business_profile.annual_revenue.currency",
        "business_profile.annual_revenue.fiscal_year_end",
        "business_profile.estimated_worker_count",
        "settings.card_issuing.tos_acceptance.date",
        "settings.card_issuing.tos_acceptance.ip",
    ),
    "treasury": (*PROFILE, "settings.treasury.tos_acceptance.date", "settings.treasury.tos_acceptance.ip"),
}
MORE_OF_A_PERSON: dict[str, tuple[str, ...]] = {
    "card_issuing": ("email", "id_number"),
    "treasury": ("email", "id_number"),
}
# What does as well, as the requirements say themselves; of persons without their name before it.
ALTERNATIVES = {
    "business_profile.url": "business_profile.product_description",
    "ssn_last_4": "verification.document",
}
ONLY_IN_THE_US = frozenset({"ssn_last_4", "id_number", "address.state"})


# What test values do


class Outcome(NamedTuple):
    """What becomes of a value: it fails with a code, or it is verified later. Neither: it is verified at once."""

    code: str | None = None
    reason: str = ""
    later: bool = False


LATER = Outcome(later=True)
NO_MATCH = "The identity information you entered cannot be verified. Please correct any errors or upload a document."
NO_ID_MATCH = "The ID number you entered does not match the name. Please correct it."
NO_ADDRESS_MATCH = "The address you entered cannot be verified. Please correct it or upload a document."
NO_TAX_MATCH = "The business name and tax ID you entered could not be matched. Please correct them."
NO_DOCUMENT = "The document could not be verified."
NO_NAME_MATCH = "The business name could not be verified."
PASSED_DOCUMENT = "file_identity_document_success"

# First lines that stand for a whole address.
FULL_MATCHES = frozenset({"address_full_match", "address_full_match_sync"})
DATES_OF_BIRTH = {
    (1901, 1, 1): LATER,
    (1900, 1, 1): Outcome("verification_failed_keyed_identity", NO_MATCH),
}
LINES_1 = {
    "address_full_match": LATER,
    "address_full_match_sync": Outcome(),
    "address_no_match": Outcome("verification_failed_address_match", NO_ADDRESS_MATCH),
    "address_line1_no_match": Outcome("verification_failed_address_match", NO_ADDRESS_MATCH),
}
ID_NUMBERS = {
    "000000000": LATER,
    "111111111": Outcome("verification_failed_id_number_match", NO_ID_MATCH),
    "222222222": Outcome(),
}
LAST_FOURS = {"0000": LATER, "1111": Outcome("verification_failed_id_number_match", NO_ID_MATCH)}
TAX_IDS = {
    "000000000": LATER,
    "000000001": LATER,
    "111111111": Outcome("verification_failed_tax_id_match", NO_TAX_MATCH),
    "111111112": Outcome("verification_failed_tax_id_not_issued", "The tax ID you entered has not been issued."),
    "222222222": Outcome(),
}
COMPANY_NAMES = {
    "mismatch_business_name": Outcome("verification_failed_name_match", NO_NAME_MATCH),
    "disallowed_name": Outcome("invalid_company_name_denylisted", "The company name is not allowed."),
}
DOCUMENTS = {"file_identity_document_failure": Outcome("verification_document_failed_other", NO_DOCUMENT)}
DIRECTORS = {
    "mismatch_director": Outcome("verification_directors_mismatch", "The directors do not match the register."),
    "missing_director": Outcome("verification_missing_directors", "A director in the register is missing."),
    "extraneous_director": Outcome("verification_extraneous_directors", "A director is not in the register."),
}
SITES = {
    "inaccessible": Outcome("invalid_url_website_inaccessible", "The website cannot be reached."),
    "disallowed": Outcome("invalid_url_denylisted", "The website is not allowed."),
    "geoblocked": Outcome("invalid_url_website_inaccessible_geoblocked", "The website is blocked in some regions."),
    "missing": Outcome("invalid_url_website_empty", "The website is empty."),
    "mismatch": Outcome("invalid_url_website_business_information_mismatch", "The website names another business."),
    "problem": Outcome("invalid_url_website_other", "The website could not be verified."),
    "passwordprotected": Outcome(
        "invalid_url_website_inaccessible_password_protected", "The website is protected by a password."
    ),
    "underconstruction": Outcome(
        "invalid_url_website_incomplete_under_construction", "The website is under construction."
    ),
}
INACTIVE_SITE = "https://inactivity.stripe.com"
# Numbers that are told apart; any other is as good as another, and not kept.
TOLD_APART = frozenset(ID_NUMBERS) | frozenset(LAST_FOURS) | frozenset(TAX_IDS)


def kept(number: str) -> str:
    """What is stored of a number that may never be read back: a test value, or only that there was one."""
    return number if number in TOLD_APART else "provided"


# What is known


class Facts(NamedTuple):
    """All that decides about an account's capabilities.

    `values` are the account's members as nested hashes, beside them `individual`, `representative`, the owners by their
    ids, and the numbers that are never shown. `verified` names the values whose later verification has been done.
    """

    country: str
    business_type: str | None
    values: dict[str, Any]
    representative: str | None = None
    owners: Sequence[str] = ()
    directors: Sequence[tuple[str, str]] = ()
    verified: frozenset[str] = frozenset()

    def at(self, key: str) -> Any:
        """The value of a dotted path, or None."""
        value: Any = self.values
        for name in key.split("."):
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    def has(self, key: str) -> bool:
        """Whether a field, or what makes it needless, is provided."""
        if key == "company.owners_provided":
            return bool(self.at(key)) or bool(self.owners)
        who, inside, _ = key.partition(".address.")
        if inside and self.at(f"{who}.address.line1") in FULL_MATCHES:
            return True
        as_well = (key, alternative(key) or key, key.replace(".ssn_last_4", ".id_number"))
        return any(self.at(name) is not None for name in as_well)

    def published(self, key: str) -> str:
        """A key as the API names it: the representative by the person's id once there is one."""
        if self.representative is not None and key.startswith("representative."):
            return self.representative + key.removeprefix("representative")
        return key

    @property
    def person(self) -> str | None:
        """Under which name the person to be verified stands."""
        if self.business_type is None:
            return None
        return "individual" if self.business_type == "individual" else "representative"


class Finding(NamedTuple):
    """A value that is not verified: which fields are due again, or are still being looked at."""

    source: str
    keys: tuple[str, ...]
    outcome: Outcome
    blocks: str = "capabilities"  # or only "payouts"

    @property
    def errors(self) -> list[dict[str, str]]:
        """The entry in `requirements.errors`."""
        code, reason, _ = self.outcome
        return [{"code": code, "reason": reason, "requirement": self.keys[0]}] if code is not None else []


def alternative(key: str) -> str | None:
    """The field that does as well as this one, or None."""
    who, _, field = key.partition(".")
    if field in ALTERNATIVES:
        return f"{who}.{ALTERNATIVES[field]}"
    return ALTERNATIVES.get(key)


def needed(capability: str, facts: Facts) -> list[str]:
    """The fields a capability needs of this account, whether provided or not."""
    keys = ["business_type", *TERMS, *NEEDED_BY.get(capability, ())]
    if facts.person is None:
        # Nobody knows yet whose account it is: only who opens it is asked for, in the US no more than a name.
        fields: tuple[str, ...] = NAMES if facts.country == "US" else (*PERSON, "email")
        keys += [f"representative.{field}" for field in fields]
    elif facts.person == "individual":
        fields = (*PERSON, *MORE_OF_A_PERSON.get(capability, ()), *(() if facts.country == "US" else ("email",)))
        keys += [f"individual.{field}" for field in fields]
    else:
        fields = (*PERSON, "email", *MORE_OF_A_PERSON.get(capability, ()), "relationship.title")
        keys += [*COMPANY, *(f"representative.{field}" for field in fields)]
        if names_its_owners(facts):
            keys += ["company.owners_provided", "representative.relationship.executive"]
            keys += [f"{owner}.{field}" for owner in owners(facts) for field in OWNER]
    return [key for key in dict.fromkeys(keys) if is_known_in(facts.country, key)]


def needed_eventually(facts: Facts) -> list[str]:
    """The fields that any capability needs of this account some day, and does without until then."""
    return [f"{owner}.{field}" for owner in owners(facts) for field in PERSON] if names_its_owners(facts) else []


def names_its_owners(facts: Facts) -> bool:
    """Whether the account belongs to a company whose owners have to be named."""
    return facts.business_type == "company" and facts.country == "US"


def owners(facts: Facts) -> Sequence[str]:
    """Under which names a company's owners stand: `owners` until one is named, unless there are said to be no more."""
    return facts.owners or (() if facts.has("company.owners_provided") else ("owners",))


def is_known_in(country: str, key: str) -> bool:
    """Whether accounts of the country have such a field at all."""
    return country == "US" or key.partition(".")[2] not in ONLY_IN_THE_US


def findings(facts: Facts) -> list[Finding]:
    """Everything that is wrong with the provided values, or still being verified."""
    found = [finding for finding in looked_at(facts) if finding.outcome.code is not None or finding.outcome.later]
    return [
        finding._replace(keys=tuple(facts.published(key) for key in finding.keys if is_known_in(facts.country, key)))
        for finding in found
        if not (finding.outcome.later and mark(facts, finding) in facts.verified)
    ]


def mark(facts: Facts, finding: Finding) -> str:
    """The name under which a value counts as verified."""
    return f"{finding.source}={facts.at(finding.source)}"


def being_verified(facts: Facts) -> list[str]:
    """The marks of all values that a later verification is about."""
    return [mark(facts, finding) for finding in looked_at(facts) if finding.outcome.later]


def looked_at(facts: Facts) -> Iterator[Finding]:
    """Every test value that was provided, with its outcome."""
    if facts.person is not None:
        yield from of_person(facts, facts.person)
    if facts.person == "representative":
        yield from of_company(facts)
        for person, name in facts.directors:
            if name in DIRECTORS:
                yield Finding(f"{person}.first_name", (f"{person}.first_name",), DIRECTORS[name])
    site = str(facts.at("business_profile.url")).rstrip("/")
    outcome = SITES.get(site.removeprefix("https://").removesuffix(".stripe.com"))
    if outcome is not None and site.startswith("https://") and site.endswith(".stripe.com"):
        yield Finding("business_profile.url", ("business_profile.url",), outcome)


def of_person(facts: Facts, who: str) -> Iterator[Finding]:
    """Date of birth, address, numbers and documents of the person behind the account.

    A date of birth is never due or looked at itself, a document is. One that passes heals its field: `document` the
    date of birth, `additional_document` the address.
    """
    born = facts.at(f"{who}.dob") or {}
    outcome = DATES_OF_BIRTH.get((born.get("year"), born.get("month"), born.get("day")))
    document, additional = f"{who}.verification.document", f"{who}.verification.additional_document"
    if outcome is not None and facts.at(f"{document}.front") != PASSED_DOCUMENT:
        yield Finding(f"{who}.dob", (document,), outcome)
    line1 = facts.at(f"{who}.address.line1")
    if line1 in LINES_1 and facts.at(f"{additional}.front") != PASSED_DOCUMENT:
        keys = address_keys(who, line1) if LINES_1[line1].later else (*address_keys(who, line1), additional)
        yield Finding(f"{who}.address.line1", keys, LINES_1[line1])
    for field, values in (("id_number", ID_NUMBERS), ("ssn_last_4", LAST_FOURS)):
        outcome = values.get(facts.at(f"{who}.{field}"))
        if outcome is not None:
            yield Finding(f"{who}.{field}", (f"{who}.{field}",), outcome)
    for field in (document, additional):
        outcome = DOCUMENTS.get(facts.at(f"{field}.front"))
        if outcome is not None:
            yield Finding(f"{field}.front", (field,), outcome)


def of_company(facts: Facts) -> Iterator[Finding]:
    """Name, tax id and address of the company. An address without a match stops payouts only; one with a match is
    verified at once."""
    for field, values in (("name", COMPANY_NAMES), ("tax_id", TAX_IDS)):
        outcome = values.get(facts.at(f"company.{field}"))
        if outcome is not None:
            yield Finding(f"company.{field}", (f"company.{field}",), outcome)
    line1 = facts.at("company.address.line1")
    if line1 in LINES_1 and line1 not in FULL_MATCHES:
        blocks = "payouts" if line1 == "address_no_match" else "capabilities"
        yield Finding("company.address.line1", address_keys("company", line1), LINES_1[line1], blocks)


def address_keys(who: str, line1: str) -> tuple[str, ...]:
    """Which address fields are due again, or looked at: the first line where it alone is wrong, else all of them."""
    fields = ADDRESS[:1] if line1 == "address_no_match" else ADDRESS
    return tuple(f"{who}.{field}" for field in fields)


# What follows


class Standing(NamedTuple):
    """How a capability stands and why.

    `due` is in currently, eventually and past due alike, `eventually` not due yet; some fields have `alternatives`.
    """

    status: str
    disabled_reason: str | None = None
    due: tuple[str, ...] = ()
    eventually: tuple[str, ...] = ()
    alternatives: tuple[dict[str, list[str]], ...] = ()
    pending: tuple[str, ...] = ()
    errors: tuple[dict[str, str], ...] = ()

    @property
    def requirements(self) -> dict[str, Any]:
        """The `requirements` hash of the capability."""
        return {
            **nothing_required(),
            "alternatives": list(self.alternatives),
            "currently_due": list(self.due),
            "disabled_reason": self.disabled_reason,
            "errors": list(self.errors),
            "eventually_due": sorted({*self.due, *self.eventually}),
            "past_due": list(self.due),
            "pending_verification": list(self.pending),
        }


def alternatives(country: str, due: Iterable[str]) -> tuple[dict[str, list[str]], ...]:
    """What does as well as some of these fields, as the API says it: in the US, recorded German replies name none."""
    found = [(key, alternative(key)) for key in sorted(due)] if country == "US" else []
    return tuple({"alternative_fields_due": [other], "original_fields_due": [key]} for key, other in found if other)


def standing(capability: str, facts: Facts, requested: Collection[str]) -> Standing:
    """Missing fields first, then failing values, then values still being verified, else active. Pure."""
    keys = needed(capability, facts)
    concerning = [finding for finding in findings(facts) if concerns(finding, keys)]
    failing = [finding for finding in concerning if not finding.outcome.later]
    missing = [facts.published(key) for key in keys if not facts.has(key)]
    eventually = tuple(facts.published(key) for key in needed_eventually(facts) if not facts.has(key))
    due = tuple(sorted({*missing, *(key for finding in failing for key in finding.keys)}))
    errors = tuple(error for finding in failing for error in finding.errors)
    pending = tuple(sorted({key for finding in concerning if finding.outcome.later for key in finding.keys}))
    instead = alternatives(facts.country, {*due, *eventually})
    owed = Standing("active", None, due, eventually, instead, pending, errors)
    if due:
        return owed._replace(status="inactive", disabled_reason="requirements.fields_needed")
    if str(facts.at("business_profile.url")).rstrip("/") == INACTIVE_SITE:
        return Standing("inactive", "paused.inactivity")
    if capability == "treasury" and "transfers" not in requested:
        return Standing("inactive", "other")
    return owed._replace(status="pending", disabled_reason="pending.review") if pending else owed


def concerns(finding: Finding, keys: Sequence[str]) -> bool:
    """Whether a finding stands in the way of a capability: the business's site does only where it is needed."""
    if finding.blocks == "payouts":
        return False
    return finding.source != "business_profile.url" or "business_profile.url" in keys


def stopping_payouts(facts: Facts) -> list[Finding]:
    """What stops payouts without stopping a capability."""
    return [finding for finding in findings(facts) if finding.blocks == "payouts"]


def details_complete(facts: Facts) -> bool:
    """Whether terms are accepted and the fields that every capability needs are there."""
    return facts.person is not None and all(facts.has(key) for key in needed("transfers", facts))


def unique(hashes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """These hashes in their order, each once."""
    return [one for position, one in enumerate(hashes) if one not in hashes[:position]]


def nothing_required() -> dict[str, Any]:
    """A `requirements` hash that asks for nothing."""
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }
