"""Evidence as such: what is kept, what is shown, what is missing."""

import pytest

from emulator.issuing.dispute_evidence import (
    EXPANDS,
    FILES,
    NEEDED,
    REASONS,
    EvidenceParams,
    explanation,
    merged,
    missing,
    shown,
)

COMPLETE = {
    "canceled": {
        "explanation": "x",
        "canceled_at": 1,
        "cancellation_policy_provided": False,
        "cancellation_reason": "x",
        "expected_at": 1,
        "product_type": "service",
    },
    "duplicate": {"explanation": "x", "original_transaction": "ipi_1"},
    "fraudulent": {"explanation": "x"},
    "merchandise_not_as_described": {
        "explanation": "x",
        "received_at": 1,
        "return_status": "successful",
        "return_description": "x",
        "returned_at": 1,
    },
    "no_valid_authorization": {"explanation": "x"},
    "not_received": {"explanation": "x", "expected_at": 1, "product_description": "x", "product_type": "service"},
    "other": {"explanation": "x"},
    "service_not_as_described": {
        "explanation": "x",
        "canceled_at": 1,
        "cancellation_reason": "x",
        "received_at": 1,
    },
}


def test_there_is_a_hash_and_a_list_of_needs_for_every_reason():
    assert set(REASONS) == set(NEEDED) == set(COMPLETE)
    assert list(EvidenceParams.shared().fields) == sorted([*REASONS, "reason"])


@pytest.mark.parametrize("reason", REASONS)
def test_only_the_hash_of_the_reason_is_shown_and_that_one_whole(reason):
    evidence = {"reason": reason, **COMPLETE}

    whole = {name: COMPLETE[reason].get(name) for name in REASONS[reason].shared().fields}
    assert shown(evidence) == {"reason": reason, reason: whole}
    assert all(f"evidence.{reason}.{name}" in EXPANDS for name in whole if name in FILES)


def test_without_a_reason_other_is_shown():
    assert shown({})["reason"] == "other"
    assert set(shown({})["other"].values()) == {None}
    assert explanation({"other": {"explanation": "x"}}) is None


def test_fields_are_merged_and_emptied_ones_go():
    first = merged({}, {"reason": "other", "other": {"explanation": "a", "product_type": "service"}})
    second = merged(first, {"other": {"explanation": None}, "fraudulent": {"explanation": "b"}})
    third = merged(second, {"other": None, "reason": "fraudulent"})

    assert first == {"reason": "other", "other": {"explanation": "a", "product_type": "service"}}
    assert second == {"reason": "other", "other": {"product_type": "service"}, "fraudulent": {"explanation": "b"}}
    assert third == {"reason": "fraudulent", "other": {}, "fraudulent": {"explanation": "b"}}
    assert explanation(third) == "b"


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_needs_its_explanation_and_completely_everything_on_its_list(reason):
    evidence = {"reason": reason, reason: COMPLETE[reason]}

    assert missing(evidence, complete=False) is None
    assert missing(evidence, complete=True) is None
    assert missing({"reason": reason}, complete=False) == f"{reason}.explanation"
    assert missing({"reason": reason, "explanation": "x"}, complete=False) == f"{reason}.explanation"
    for name in COMPLETE[reason]:
        lacking = {"reason": reason, reason: {key: value for key, value in COMPLETE[reason].items() if key != name}}
        assert missing(lacking, complete=True) == f"{reason}.{name}"
        assert missing(lacking, complete=False) == (f"{reason}.explanation" if name == "explanation" else None)


def test_nothing_can_be_submitted_without_a_reason():
    assert missing(COMPLETE, complete=False) == missing({}, complete=True) == "reason"


def test_canceled_merchandise_has_to_say_how_its_return_went():
    given = {**COMPLETE["canceled"], "product_type": "merchandise"}

    assert missing({"reason": "canceled", "canceled": given}, complete=True) == "canceled.return_status"
    given |= {"return_status": "successful"}
    assert missing({"reason": "canceled", "canceled": given}, complete=True) == "canceled.returned_at"
    given |= {"returned_at": 1}
    assert missing({"reason": "canceled", "canceled": given}, complete=True) is None


@pytest.mark.parametrize("proof", ["original_transaction", "card_statement", "cash_receipt", "check_image"])
def test_any_one_proof_of_payment_shows_a_duplicate(proof):
    assert missing({"reason": "duplicate", "duplicate": {"explanation": "x", proof: "y"}}, complete=True) is None
