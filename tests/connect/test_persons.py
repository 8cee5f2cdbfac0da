"""Persons: an individual's one, and those behind a company."""

import pytest

from tests.connect.shapes import account_of, company, representative


@pytest.fixture
def firm(platform):
    """The path of a company's account."""
    return f"/v1/accounts/{account_of(platform, business_type='company')['id']}"


def test_a_person_is_made_read_changed_and_listed(platform, firm):
    person = platform.made(f"{firm}/persons", **representative(nationality="US", metadata={"a": "1"}))

    changed = platform.made(f"{firm}/persons/{person['id']}", last_name="Miller", relationship={"owner": True})

    assert person["relationship"]["representative"] and person["relationship"]["title"] == "CEO"
    assert person["dob"] == {"day": 1, "month": 1, "year": 1902}
    assert person["id_number_provided"] and "id_number" not in person
    assert changed["relationship"]["representative"] and changed["relationship"]["owner"]
    assert (changed["first_name"], changed["last_name"]) == ("Jenny", "Miller")
    assert platform.read(f"{firm}/persons/{person['id']}") == changed
    assert platform.read(f"{firm}/persons")["data"] == [changed]


def test_what_is_rarely_said_appears_once_it_is(platform, firm):
    person = platform.made(f"{firm}/persons", first_name="A")

    changed = platform.made(
        f"{firm}/persons/{person['id']}",
        additional_tos_acceptances={"account": {"date": 1, "ip": "8.8.8.8"}},
        address_kana={"town": "t"},
        documents={"passport": {"files": ["file_1"]}},
        full_name_aliases=["B"],
        id_number_secondary="1",
        person_token=platform.made("/v1/tokens", person={"maiden_name": "C"})["id"],
        registered_address={"city": "c"},
        relationship={"percent_ownership": "12.5"},
        us_cfpb_data={"race_details": {"race": ["asian"]}},
    )

    assert "gender" not in person and "us_cfpb_data" not in person
    assert (changed["full_name_aliases"], changed["maiden_name"]) == (["B"], "C")
    assert changed["id_number_secondary_provided"] is True
    assert changed["registered_address"]["city"] == "c"
    assert changed["relationship"]["percent_ownership"] == 12.5
    assert changed["us_cfpb_data"]["race_details"] == {"race": ["asian"], "race_other": None}


@pytest.mark.parametrize(
    "share, says",
    [
        ("-0.01", "between 0 and 100"),
        ("100.01", "between 0 and 100"),
        ("nan", "between 0 and 100"),
        ("x", "Invalid number: x"),
    ],
)
def test_a_share_that_is_none_is_refused(platform, firm, share, says):
    refusal = platform.post(f"{firm}/persons", relationship={"percent_ownership": share})

    assert (refusal.status, refusal.error["param"]) == (400, "relationship[percent_ownership]")
    assert says in refusal.error["message"]


@pytest.mark.parametrize("share", ["0", "25.5", "100"])
def test_a_share_is_a_percentage(platform, firm, share):
    person = platform.made(f"{firm}/persons", relationship={"percent_ownership": share})

    assert person["relationship"]["percent_ownership"] == float(share)


def test_a_date_of_birth_and_aliases_can_be_unset(platform, firm):
    person = platform.made(f"{firm}/persons", dob={"day": 1, "month": 2, "year": 1990}, full_name_aliases=["B"])

    changed = platform.made(f"{firm}/persons/{person['id']}", dob="", full_name_aliases="")

    assert changed["dob"] == {"day": None, "month": None, "year": None}
    assert "full_name_aliases" not in changed


def test_a_date_of_birth_is_a_day_that_there_was(platform, firm):
    before = platform.read(f"{firm}/persons")

    refusal = platform.post(f"{firm}/persons", dob={"day": 29, "month": 2, "year": 1901})

    assert (refusal.status, refusal.error["param"]) == (400, "dob")
    assert refusal.error["message"] == "Invalid date: there is no such day."
    assert platform.read(f"{firm}/persons") == before
    assert platform.made(f"{firm}/persons", dob={"day": 29, "month": 2, "year": 1904})["dob"]["day"] == 29


def test_persons_are_listed_by_relationship(platform, firm):
    owner = platform.made(f"{firm}/persons", relationship={"owner": True})
    director = platform.made(f"{firm}/persons", relationship={"director": True})
    both = platform.made(f"{firm}/persons", relationship={"owner": True, "director": True})

    def found(**roles):
        return [person["id"] for person in platform.read(f"{firm}/persons", relationship=roles)["data"]]

    assert found(owner=True) == [both["id"], owner["id"]]
    assert found(owner=True, director=True) == [both["id"]]
    assert found(owner=False) == [director["id"]]
    assert found(legal_guardian=True) == []


def test_there_is_one_representative(platform, firm):
    first = platform.made(f"{firm}/persons", **representative())
    other = platform.made(f"{firm}/persons", first_name="B")

    second = platform.post(f"{firm}/persons", **representative())
    promoted = platform.post(f"{firm}/persons/{other['id']}", relationship={"representative": True})

    for refusal in (second, promoted):
        assert refusal.status == 400
        assert refusal.error["param"] == "relationship[representative]"
        assert first["id"] in refusal.error["message"]


def test_the_representative_stays_and_others_can_go(platform, firm):
    boss = platform.made(f"{firm}/persons", **representative())
    other = platform.made(f"{firm}/persons", first_name="B")

    refusal = platform.delete(f"{firm}/persons/{boss['id']}")
    gone = platform.delete(f"{firm}/persons/{other['id']}")

    assert refusal.status == 400
    assert gone.json == {"id": other["id"], "object": "person", "deleted": True}
    assert [person["id"] for person in platform.read(f"{firm}/persons")["data"]] == [boss["id"]]
    missing = platform.get(f"{firm}/persons/{other['id']}")
    assert (missing.status, missing.error["param"]) == (404, "person")
    assert missing.error["message"] == f"No such person: '{other['id']}'"


def test_coming_changing_and_going_is_announced_on_the_account(platform, firm):
    inside = platform.acting_as(firm.rpartition("/")[2])
    person = platform.made(f"{firm}/persons", first_name="A")
    platform.made(f"{firm}/persons/{person['id']}", first_name="B")
    platform.delete(f"{firm}/persons/{person['id']}")

    told = inside.events(type="person.*")

    assert [event["type"] for event in told] == ["person.created", "person.updated", "person.deleted"]
    assert told[1]["data"]["previous_attributes"] == {"first_name": "A"}
    assert told[2]["data"]["object"]["first_name"] == "B"


def test_an_individual_is_a_person_of_the_account(platform):
    account = account_of(platform, business_type="individual", individual={"first_name": "Jenny"})
    path = f"/v1/accounts/{account['id']}"
    person = account["individual"]

    changed = platform.made(f"{path}/persons/{person['id']}", last_name="Rosen")

    assert platform.read(f"{path}/persons")["data"] == [changed]
    within = {name: value for name, value in changed.items() if name != "additional_tos_acceptances"}
    assert platform.read(path)["individual"] == within
    assert platform.post(f"{path}/persons", first_name="Other").status == 400
    assert platform.delete(f"{path}/persons/{person['id']}").status == 400


def test_the_same_person_stays_when_more_is_told_of_the_individual(platform):
    account = account_of(platform, business_type="individual")

    changed = platform.made(f"/v1/accounts/{account['id']}", individual={"first_name": "Jenny"})

    assert changed["individual"]["id"] == account["individual"]["id"]
    assert changed["individual"]["first_name"] == "Jenny"


def test_a_company_shows_no_individual(platform):
    account = account_of(platform, **company(), individual={"first_name": "Jenny"})

    assert "individual" not in account
    assert account["company"]["name"] == "Some Company"


def test_persons_belong_to_one_account(platform, firm):
    other = f"/v1/accounts/{account_of(platform, business_type='company')['id']}"
    person = platform.made(f"{firm}/persons", first_name="A")

    assert platform.get(f"{other}/persons/{person['id']}").status == 404
    assert platform.read(f"{other}/persons")["data"] == []
