"""Undoing debits: on request over ACH, by a dispute over the card network."""

from __future__ import annotations

from itertools import product

import pytest

from emulator.kernel.errors import ApiError
from emulator.treasury.debit_reversals import LIFECYCLE
from tests.treasury.worlds import (
    ACCOUNTS,
    DEBITS,
    REVERSALS,
    TRANSACTIONS,
    balance,
    card_on,
    connected,
    opened,
    own_account,
    send,
    take,
)


def test_row_10_a_debit_is_undone_right_after_the_reply(platform):
    id = own_account(platform)
    send(platform, id, 50000)
    debit = take(platform, id, 5000)
    seen = len(platform.events())

    reversal = platform.made(REVERSALS, received_debit=debit["id"], metadata={"why": "fraud"})
    after = platform.read(f"{REVERSALS}/{reversal['id']}")

    assert (reversal["status"], reversal["status_transitions"]) == ("processing", {"completed_at": None})
    assert reversal["network"] == "ach"
    assert reversal["linked_flows"] == {"issuing_dispute": None}
    assert reversal["metadata"] == {"why": "fraud"}
    assert after["status"] == "succeeded"
    assert after["status_transitions"]["completed_at"] >= reversal["created"]
    assert balance(platform, id) == (50000, 0)
    assert platform.event_types(seen) == ["treasury.debit_reversal.created", "treasury.debit_reversal.completed"]
    told = platform.events()[-1]["data"]["object"]
    assert (told["id"], told["status"]) == (after["id"], "succeeded")


def test_while_it_is_processing_its_transaction_is_open_and_has_moved_nothing(platform):
    id = own_account(platform)
    send(platform, id, 50000)
    debit = take(platform, id, 5000)

    reversal = platform.made(REVERSALS, received_debit=debit["id"], expand=["transaction.entries"])
    after = platform.read(f"{TRANSACTIONS}/{reversal['transaction']['id']}", expand=["entries"])

    before = reversal["transaction"]
    assert (before["status"], before["amount"], before["flow_type"]) == ("open", 5000, "debit_reversal")
    assert before["balance_impact"] == {"cash": 0, "inbound_pending": 0, "outbound_pending": 0}
    assert before["entries"]["data"] == []
    assert (after["status"], after["amount"]) == ("posted", 5000)
    assert after["balance_impact"] == {"cash": 5000, "inbound_pending": 0, "outbound_pending": 0}
    assert [entry["type"] for entry in after["entries"]["data"]] == ["debit_reversal"]
    assert after["description"] == "Jane Austen (6789) | Debit reversal | Stripe Test"


def test_the_debit_names_its_reversal_and_cannot_be_undone_again(platform):
    id = own_account(platform)
    send(platform, id, 100)
    debit = take(platform, id, 100)
    reversal = platform.made(REVERSALS, received_debit=debit["id"])

    refused = platform.post(REVERSALS, received_debit=debit["id"])

    linked = platform.read(f"{DEBITS}/{debit['id']}")
    assert linked["linked_flows"]["debit_reversal"] == reversal["id"]
    assert linked["reversal_details"]["restricted_reason"] == "already_reversed"
    assert refused.status == 400
    assert refused.error["message"] == "This ReceivedDebit cannot be reversed: already_reversed."
    assert refused.error["param"] == "received_debit"
    assert "code" not in refused.error
    assert balance(platform, id) == (100, 0)


def test_a_debit_cannot_be_undone_after_its_deadline(platform):
    id = own_account(platform)
    send(platform, id, 100)
    debit = take(platform, id, 100)

    platform.clock(set=debit["reversal_details"]["deadline"])
    refused = platform.post(REVERSALS, received_debit=debit["id"])

    assert refused.error["message"] == "This ReceivedDebit cannot be reversed: deadline_passed."


def test_a_debit_that_failed_cannot_be_undone(platform):
    debit = take(platform, own_account(platform), 100)

    refused = platform.post(REVERSALS, received_debit=debit["id"])

    assert (refused.status, refused.error["param"]) == (400, "received_debit")


def test_a_debit_of_a_closed_account_cannot_be_undone(platform):
    id = opened(platform)
    send(platform, id, 100)
    debit = take(platform, id, 100)
    platform.made(f"{ACCOUNTS}/{id}/close")

    refused = platform.post(REVERSALS, received_debit=debit["id"])

    assert (refused.status, refused.error["code"]) == (400, "account_closed")


def test_an_unknown_or_missing_debit_is_named(platform):
    unknown, missing = platform.post(REVERSALS, received_debit="rd_x"), platform.post(REVERSALS)

    assert (unknown.status, unknown.error["code"], unknown.error["param"]) == (
        400,
        "resource_missing",
        "received_debit",
    )
    assert (missing.status, missing.error["code"], missing.error["param"]) == (
        400,
        "parameter_missing",
        "received_debit",
    )


def test_lists_speak_of_older_statuses_and_of_resolutions(platform):
    id = own_account(platform)
    send(platform, id, 200)
    first, second = take(platform, id, 100), take(platform, id, 100)
    done = platform.made(REVERSALS, received_debit=first["id"])["id"]
    platform.settings(progress="never")
    waiting = platform.made(REVERSALS, received_debit=second["id"])["id"]

    def ids(**filters):
        return [one["id"] for one in platform.read(REVERSALS, financial_account=id, **filters)["data"]]

    assert ids() == [waiting, done]
    assert ids(status="processing") == [waiting]
    assert ids(status="completed") == [done]
    assert ids(status="canceled") == []
    assert ids(resolution="won") == [done]
    assert ids(resolution="lost") == []
    assert ids(status="processing", resolution="won") == []
    assert ids(received_debit=first["id"]) == [done]
    assert platform.get(REVERSALS, financial_account=id, status="succeeded").error["param"] == "status"
    assert platform.get(REVERSALS).error["code"] == "parameter_missing"
    assert platform.get(REVERSALS, financial_account="fa_x").error["code"] == "resource_missing"


def test_an_unknown_reversal_is_missing(platform):
    refused = platform.get(f"{REVERSALS}/debrev_x")

    assert (refused.status, refused.error["param"]) == (404, "debit_reversal")
    assert refused.error["message"] == "No such debit reversal: 'debrev_x'"


def disputed(business, explanation):
    """A submitted dispute over 700 of a capture of 1000; the account and the dispute."""
    id = opened(business)
    send(business, id, 20000)
    card = card_on(business, id)
    authorization = business.made("/v1/test_helpers/issuing/authorizations", amount=1000, card=card, currency="usd")
    business.made(f"/v1/test_helpers/issuing/authorizations/{authorization['id']}/capture")
    debit = business.read(DEBITS, financial_account=id)["data"][0]
    dispute = business.made(
        "/v1/issuing/disputes",
        amount=700,
        treasury={"received_debit": debit["id"]},
        evidence={"reason": "fraudulent", "fraudulent": {"explanation": explanation}},
    )
    return id, business.made(f"/v1/issuing/disputes/{dispute['id']}/submit"), debit["id"]


def test_a_card_debit_is_not_undone_on_request(platform):
    business = connected(platform)
    _, _, debit = disputed(business, "mine")

    refused = business.post(REVERSALS, received_debit=debit)

    assert refused.status == 400
    assert refused.error["param"] == "received_debit"


def test_a_dispute_opens_a_reversal_that_waits_for_the_decision(platform):
    business = connected(platform)
    id, dispute, debit = disputed(business, "mine")

    reversal = business.read(f"{REVERSALS}/{dispute['treasury']['debit_reversal']}", expand=["transaction"])

    assert (reversal["status"], reversal["network"], reversal["amount"]) == ("processing", "card", 700)
    assert reversal["received_debit"] == debit
    assert reversal["linked_flows"] == {"issuing_dispute": dispute["id"]}
    assert reversal["transaction"]["status"] == "open"
    assert business.read(f"{DEBITS}/{debit}")["linked_flows"]["debit_reversal"] == reversal["id"]
    assert balance(business, id) == (19000, 0)


@pytest.mark.parametrize("credited", [False, True])
@pytest.mark.parametrize(
    "explanation, status, cash, posted",
    [("winning_evidence", "succeeded", 19700, "posted"), ("losing_evidence", "failed", 19000, "void")],
)
def test_the_decision_ends_the_reversal(platform, credited, explanation, status, cash, posted):
    business = connected(platform)
    platform.settings(dispute_provisional_credits=credited)
    id, dispute, _ = disputed(business, explanation)
    business.clock(advance=24 * 60 * 60)

    reversal = business.read(f"{REVERSALS}/{dispute['treasury']['debit_reversal']}", expand=["transaction.entries"])

    assert reversal["status"] == status
    assert reversal["status_transitions"]["completed_at"] is not None
    assert reversal["transaction"]["status"] == posted
    assert reversal["transaction"]["amount"] == (700 if posted == "posted" else 0)
    impacts = [entry["balance_impact"]["cash"] for entry in reversal["transaction"]["entries"]["data"]]
    expected = {("posted", False): [700], ("posted", True): [700], ("void", False): [], ("void", True): [-700, 700]}
    assert impacts == expected[posted, credited]
    assert balance(business, id) == (cash, 0)
    granted = "treasury.debit_reversal.initial_credit_granted" in business.event_types()
    assert granted is credited


@pytest.mark.parametrize(
    "explanation, transaction_time", [("winning_evidence", "posted_at"), ("losing_evidence", "void_at")]
)
@pytest.mark.parametrize("credited", [False, True])
def test_a_reversal_and_its_transaction_tell_when_the_decision_came(platform, credited, explanation, transaction_time):
    platform.clock(frozen=True)
    platform.settings(dispute_provisional_credits=credited, dispute_decision_seconds=90)
    business = connected(platform)
    _, dispute, _ = disputed(business, explanation)
    platform.clock(advance=90)

    reversal = business.read(f"{REVERSALS}/{dispute['treasury']['debit_reversal']}", expand=["transaction"])

    assert reversal["status_transitions"] == {"completed_at": reversal["created"] + 90}
    times = {"posted_at": None, "void_at": None, transaction_time: reversal["created"] + 90}
    assert reversal["transaction"]["status_transitions"] == times


@pytest.mark.parametrize("status, verb", list(product(LIFECYCLE.moves, ("succeed", "fail"))))
def test_only_drawn_arrows_can_be_followed(status, verb):
    if verb in LIFECYCLE.moves[status]:
        assert LIFECYCLE.after(status, verb) in LIFECYCLE.moves
    else:
        with pytest.raises(ApiError):
            LIFECYCLE.after(status, verb)


def test_an_account_whose_debit_is_being_reversed_does_not_close(platform):
    platform.settings(progress="never")
    id = own_account(platform)
    send(platform, id, 5000)
    debit = take(platform, id, 5000)
    platform.made(REVERSALS, received_debit=debit["id"])

    refused = platform.post(f"{ACCOUNTS}/{id}/close")

    assert refused.status == 400
    assert refused.error["message"] == (
        f"The financial account {id} cannot be closed: it has a DebitReversal that is still processing."
    )
    assert platform.read(f"{ACCOUNTS}/{id}")["status"] == "open"


def test_nor_does_one_that_waits_for_the_decision_of_a_dispute(platform):
    business = connected(platform)
    id, _, _ = disputed(business, "mine")
    for card in business.read("/v1/issuing/cards")["data"]:
        business.made(f"/v1/issuing/cards/{card['id']}", status="canceled")

    refused = business.post(f"{ACCOUNTS}/{id}/close")

    assert refused.error["message"].endswith("it has a DebitReversal that is still processing.")
