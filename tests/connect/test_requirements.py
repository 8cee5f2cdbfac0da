"""The rules about requirements, on values alone."""

import pytest

from emulator.connect import requirements
from emulator.connect.requirements import Facts, Standing
from tests.contract import annotations

COMPLETE = {
    "business_type": "individual",
    "tos_acceptance": {"date": 1, "ip": "8.8.8.8"},
    "individual": {
        "address": {"city": "c", "line1": "l", "postal_code": "p", "state": "s"},
        "dob": {"day": 1, "month": 1, "year": 1990},
        "first_name": "f",
        "last_name": "l",
        "phone": "p",
        "ssn_last_4": "provided",
    },
}


def facts(values=COMPLETE, **more):
    return Facts("US", values.get("business_type"), values, **more)


def codes_of_the_api():
    owner = annotations.object_classes()["account"]
    listed = annotations.fields(annotations.fields(owner)["requirements"].name)["errors"].of[0].name
    return set(annotations.fields(listed)["code"].values)


def reasons_of_the_api():
    owner = annotations.object_classes()["capability"]
    return set(annotations.fields(annotations.fields(owner)["requirements"].name)["disabled_reason"].values)


@pytest.mark.parametrize(
    "table",
    [
        requirements.DATES_OF_BIRTH,
        requirements.LINES_1,
        requirements.ID_NUMBERS,
        requirements.LAST_FOURS,
        requirements.TAX_IDS,
        requirements.COMPANY_NAMES,
        requirements.DOCUMENTS,
        requirements.DIRECTORS,
        requirements.SITES,
    ],
)
def test_every_failing_test_value_has_a_code_of_the_api_and_a_reason(table):
    for outcome in table.values():
        assert outcome.later or outcome.code is None or (outcome.code in codes_of_the_api() and outcome.reason)


def test_every_standing_has_a_reason_of_the_api():
    known = reasons_of_the_api()

    assert {"requirements.fields_needed", "paused.inactivity", "other", "pending.review", "rejected.other"} <= known


def test_a_complete_account_is_active():
    assert requirements.standing("transfers", facts(), ["transfers"]) == Standing("active")


@pytest.mark.parametrize("key", requirements.needed("transfers", facts()))
def test_every_needed_field_is_missed_when_it_is_not_there(key):
    *path, last = key.split(".")

    def without(values, names):
        if not names:
            return {name: value for name, value in values.items() if name != last}
        return {**values, names[0]: without(values[names[0]], names[1:])}

    standing = requirements.standing("transfers", facts(without(COMPLETE, path)), ["transfers"])

    assert standing.status == "inactive"
    assert key in standing.due


def test_a_zero_counts_as_provided():
    values = {**COMPLETE, "business_profile": {"annual_revenue": {"amount": 0}, "estimated_worker_count": 0}}

    assert facts(values).has("business_profile.annual_revenue.amount")
    assert facts(values).has("business_profile.estimated_worker_count")


def test_a_value_that_was_verified_is_not_looked_at_again():
    values = {**COMPLETE, "individual": {**COMPLETE["individual"], "ssn_last_4": "0000"}}
    pending = facts(values)
    done = facts(values, verified=frozenset(requirements.being_verified(pending)))

    assert requirements.standing("transfers", pending, ["transfers"]).status == "pending"
    assert requirements.standing("transfers", done, ["transfers"]).status == "active"


def test_a_number_is_kept_only_if_it_is_a_test_value():
    assert requirements.kept("111111111") == "111111111"
    assert requirements.kept("123456789") == "provided"
