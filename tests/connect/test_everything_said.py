"""Every published parameter of accounts and persons is kept and given back, or named here as what is never shown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulator.connect.account_params import CreateParams, UpdateParams
from emulator.connect.person_params import PersonParams
from emulator.connect.shapes import Percent
from emulator.kernel.params import Hash, Params
from tests.client import Client
from tests.connect.shapes import account_of
from tests.schemas import flattened, sample

# Said in a way of its own, which tests of its own are about.
APART = re.compile(
    r"type|account_token|person_token|controller|country|capabilities\[|external_account|metadata|documents\[|"
    r"individual\[metadata|settings\[payouts\]\[schedule\]|settings\[paypay_payments\]|"
    r"settings\[invoices\]\[default_account_tax_ids\]"
)
# What is never shown again, and what tells that it was said.
PROVIDED = {
    "id_number": "id_number_provided",
    "id_number_secondary": "id_number_secondary_provided",
    "ssn_last_4": "ssn_last_4_provided",
    "tax_id": "tax_id_provided",
    "vat_id": "vat_id_provided",
}
NEVER_SHOWN = {"company[registration_number]"}
COMPANY, INDIVIDUAL = {"business_type": "company"}, {"business_type": "individual"}


def leaves(schema: type[Params]) -> list[Any]:
    """The parameters that hold a value, those aside that are said in a way of their own."""
    return [one for one in flattened(schema) if not isinstance(one.field, Hash) and not APART.match(one.path)]


def parts(path: str) -> list[str]:
    """The names in a bracket path."""
    return re.findall(r"[^\[\]]+", path)


def sent(schema: type[Params], path: str) -> tuple[dict[str, Any], Any]:
    """A request that says this one thing, with what has to go with it; and the value."""
    tree: dict[str, Any] = {}
    here, members = tree, schema.shared().fields
    *hashes, last = parts(path)
    for name in hashes:
        here = here.setdefault(name, {})
        members = members[name].schema.fields
        here |= {other: sample(field) for other, field in members.items() if field.required}
    here[last] = "12.5" if isinstance(members[last], Percent) else sample(members[last])
    return tree, here[last]


def at(shown: Any, path: str) -> Any:
    """What a reply has where a request had it, or that it was provided."""
    *hashes, last = parts(path)
    for name in hashes:
        shown = shown[name]
    return shown[PROVIDED.get(last, last)]


def expected(path: str, value: Any) -> Any:
    """What is shown of a value."""
    last = parts(path)[-1]
    return True if last in PROVIDED else float(value) if last == "percent_ownership" else value


def check(schema: type[Params], path: str, shown: dict[str, Any], value: Any) -> None:
    """A reply says what was said."""
    if path in NEVER_SHOWN:
        assert parts(path)[-1] not in at(shown, path.rpartition("[")[0])
        return
    assert at(shown, path) == expected(path, value)


ACCOUNTS = [one.path for one in leaves(UpdateParams) if not one.path.endswith("[]")]


@pytest.mark.parametrize("path", ACCOUNTS)
def test_whatever_is_said_of_an_account_is_given_back(platform: Client, path: str) -> None:
    kind = INDIVIDUAL if path.startswith("individual") else COMPANY
    tree, value = sent(UpdateParams, path)

    opened = account_of(platform, "transfers", **{**kind, **tree})
    account = account_of(platform, "transfers", **kind)["id"]
    changed = platform.made(f"/v1/accounts/{account}", **tree)
    read = platform.read(f"/v1/accounts/{account}")

    for shown in (opened, changed, read):
        check(UpdateParams, path, shown, value)


PERSONS = [one.path for one in leaves(PersonParams) if not one.path.endswith("[]")]


@pytest.mark.parametrize("path", PERSONS)
def test_whatever_is_said_of_a_person_is_given_back(platform: Client, path: str) -> None:
    persons = f"/v1/accounts/{account_of(platform, 'transfers', **COMPANY)['id']}/persons"
    tree, value = sent(PersonParams, path)

    made = platform.made(persons, **tree)
    person = platform.made(persons, first_name="Other")["id"] if "[representative]" not in path else made["id"]
    changed = platform.made(f"{persons}/{person}", **tree)
    read = platform.read(f"{persons}/{person}")

    for shown in (made, changed, read):
        check(PersonParams, path, shown, value)


def test_create_and_update_take_the_same_but_for_what_is_known_to_differ() -> None:
    create, update = ({one.path for one in flattened(schema)} for schema in (CreateParams, UpdateParams))

    assert create - update == {"type"}
    assert {path.partition("[]")[0] for path in update - create} == {"settings[invoices][default_account_tax_ids]"}
