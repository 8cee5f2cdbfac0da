"""Persons of v2: those of v1 under other names."""

from __future__ import annotations

import pytest

from tests.connect.shapes import account_of, representative
from tests.connect.test_accounts_v2 import ACCOUNTS, opened


@pytest.fixture
def firm(platform):
    """The path of a company's account."""
    return f"{ACCOUNTS}/{opened(platform, identity={'entity_type': 'company'})['id']}"


ADA = {
    "additional_addresses": [{"country": "US", "line1": "2 Main St", "purpose": "registered"}],
    "additional_names": [{"full_name": "A. Example", "purpose": "alias"}],
    "address": {"city": "Oakland", "country": "US", "line1": "1 Main St"},
    "date_of_birth": {"day": 1, "month": 1, "year": 1902},
    "documents": {"primary_verification": {"front_back": {"front": "file_1"}, "type": "front_back"}},
    "email": "ada@example.com",
    "given_name": "Ada",
    "id_numbers": [{"type": "us_ssn_last_4", "value": "0000"}],
    "legal_gender": "female",
    "metadata": {"a": "1"},
    "nationalities": ["US", "GB"],
    "phone": "0000000000",
    "political_exposure": "none",
    "relationship": {"owner": True, "percent_ownership": "0.8", "representative": True, "title": "CEO"},
    "script_names": {"kana": {"given_name": "x"}},
    "surname": "Example",
}


def test_a_person_is_made_read_changed_and_listed(platform, firm):
    person = platform.made(f"{firm}/persons", **ADA)
    platform.clock(advance=60)

    changed = platform.made(f"{firm}/persons/{person['id']}", surname="Miller", relationship={"executive": True})

    given = {name: value for name, value in person.items() if name not in ("id", "object", "account", "livemode")}
    assert person["updated"] == given.pop("updated") == given.pop("created")
    assert given == {**ADA, "id_numbers": [{"type": "us_ssn_last_4"}]}
    assert person["object"] == "v2.core.account_person" and firm.endswith(person["account"])
    assert (changed["given_name"], changed["surname"]) == ("Ada", "Miller")
    assert changed["relationship"] == {**ADA["relationship"], "executive": True}
    assert changed["updated"] > changed["created"]
    assert platform.read(f"{firm}/persons/{person['id']}") == changed
    assert platform.read(f"{firm}/persons") == {"data": [changed], "next_page_url": None, "previous_page_url": None}


def test_what_v2_is_told_of_a_person_v1_knows(platform, firm):
    person = platform.made(f"{firm}/persons", **ADA)

    known = platform.read(f"/v1/accounts/{person['account']}/persons/{person['id']}")

    assert (known["first_name"], known["last_name"], known["nationality"]) == ("Ada", "Example", "US")
    assert known["dob"] == ADA["date_of_birth"] and known["gender"] == "female"
    assert known["ssn_last_4_provided"] and not known["id_number_provided"]
    assert known["registered_address"]["line1"] == "2 Main St"
    assert known["relationship"]["percent_ownership"] == 0.8
    assert known["verification"]["document"]["front"] == "file_1"


def test_what_v1_is_told_of_a_person_v2_shows(platform):
    account = account_of(platform, business_type="company")["id"]
    person = platform.made(f"/v1/accounts/{account}/persons", **representative(nationality="US"))

    shown = platform.read(f"{ACCOUNTS}/{account}/persons/{person['id']}")

    assert (shown["given_name"], shown["surname"], shown["nationalities"]) == ("Jenny", "Rosen", ["US"])
    assert shown["id_numbers"] == [{"type": "us_ssn"}]
    assert shown["relationship"] == {"executive": True, "representative": True, "title": "CEO"}


def test_null_unsets(platform, firm):
    person = platform.made(f"{firm}/persons", **ADA)
    gone = dict.fromkeys(("additional_addresses", "address", "date_of_birth", "documents", "nationalities", "phone"))

    changed = platform.made(f"{firm}/persons/{person['id']}", **gone, metadata={"a": None})

    assert changed["additional_addresses"] == changed["nationalities"] == []
    assert not {"address", "date_of_birth", "phone"} & set(changed)
    assert changed["metadata"] == {}
    known = platform.read(f"/v1/accounts/{person['account']}/persons/{person['id']}")
    assert "nationality" not in known and known["phone"] is None


def test_an_account_has_one_representative(platform, firm):
    first = platform.made(f"{firm}/persons", relationship={"representative": True})
    other = platform.made(f"{firm}/persons", given_name="B")

    for path in (f"{firm}/persons", f"{firm}/persons/{other['id']}"):
        refusal = platform.post(path, relationship={"representative": True})
        assert (refusal.status, refusal.error["code"]) == (400, "additional_representative_not_allowed")
    assert platform.delete(f"{firm}/persons/{first['id']}").status == 400
    assert platform.delete(f"{firm}/persons/{other['id']}").json == {"id": other["id"], "object": other["object"]}
    assert [one["id"] for one in platform.read(f"{firm}/persons")["data"]] == [first["id"]]


def test_an_individual_is_the_only_person_of_their_account(platform):
    individual = {"given_name": "Ada", "metadata": {"a": "1"}}
    account = opened(platform, identity={"entity_type": "individual", "individual": individual}, include=["identity"])

    refusal = platform.post(f"{ACCOUNTS}/{account['id']}/persons", given_name="B")
    (person,) = platform.read(f"{ACCOUNTS}/{account['id']}/persons")["data"]

    assert refusal.error["code"] == "individual_additional_person_not_allowed"
    assert account["identity"]["individual"] == {name: value for name, value in person.items() if name != "livemode"}
    assert (person["given_name"], person["metadata"]) == ("Ada", {"a": "1"})


@pytest.mark.parametrize(
    "params, code, says",
    [
        ({"foo": 1}, "parameter_unknown", "foo"),
        ({"address": {"city": "x"}}, "parameter_missing", "address[country]"),
        ({"additional_names": [{}]}, "parameter_missing", "additional_names[0][purpose]"),
        ({"date_of_birth": {"day": 40, "month": 1, "year": 1902}}, "invalid_request", "date_of_birth[day]"),
        ({"date_of_birth": {"day": 31, "month": 2, "year": 1902}}, "invalid_request", "no such day"),
        ({"email": "x"}, "email_invalid", "email"),
        ({"given_name": "x" * 101}, "invalid_request", "given_name"),
        ({"id_numbers": [{"type": "us_ssn_last_4", "value": "12345"}]}, "id_number_invalid", "id_numbers[0][value]"),
        ({"legal_gender": "x"}, "invalid_request", "legal_gender"),
        ({"nationalities": ["XX"]}, "country_unsupported", "nationalities[0]"),
        ({"relationship": {"percent_ownership": "100.1"}}, "invalid_request", "between 0 and 100"),
        ({"relationship": {"percent_ownership": 0.8}}, "invalid_request", "Invalid decimal"),
        ({"relationship": {"owner": "true"}}, "invalid_request", "Invalid boolean"),
    ],
)
def test_what_cannot_be_is_refused_with_the_parameter_that_says_it(platform, firm, params, code, says):
    answer = platform.post(f"{firm}/persons", **params)

    assert (answer.status, answer.error["code"]) == (400, code)
    assert says in answer.error["message"]
    assert platform.read(f"{firm}/persons")["data"] == []


def test_a_person_of_another_account_is_not_found(platform, firm):
    other = f"{ACCOUNTS}/{opened(platform, identity={'entity_type': 'company'})['id']}"
    person = platform.made(f"{other}/persons", given_name="B")

    for verb in ("GET", "POST", "DELETE"):
        answer = platform.send(verb, f"{firm}/persons/{person['id']}", {}, None)
        assert (answer.status, answer.error["code"]) == (404, "not_found")


def test_v1_is_told_of_persons_of_v2(platform, firm):
    person = platform.made(f"{firm}/persons", given_name="Ada")
    platform.made(f"{firm}/persons/{person['id']}", given_name="B")
    platform.delete(f"{firm}/persons/{person['id']}")

    types = platform.acting_as(person["account"]).event_types()
    assert [kind for kind in types if kind.startswith("person.")] == [
        "person.created",
        "person.updated",
        "person.deleted",
    ]
