"""What test helpers make of outbound transfers."""

from __future__ import annotations

import pytest

from emulator.treasury.outbound_transfer_helpers import RETURN_CODES
from tests.issuing.purchases import findings
from tests.treasury.sending import (
    HELPERS,
    OBT,
    WAIT,
    WIRE,
    funded,
    helped,
    read,
    sent,
    sent_within_stripe,
    told,
)
from tests.treasury.worlds import (
    ACCOUNTS,
    balance,
    opened,
)

# Moving one on


def test_a_helper_comes_before_what_a_transfer_would_do_by_itself(platform):
    source = funded(platform)
    posted = sent(platform, source, method="pm_usBankAccount_noAccount")
    canceled = sent(platform, source)
    seen = len(platform.events())

    helped(platform, posted, "post")
    platform.made(f"{OBT}/{canceled['id']}/cancel")
    platform.clock(advance=10 * WAIT)

    assert (read(platform, posted)["status"], read(platform, canceled)["status"]) == ("posted", "canceled")
    assert told(platform, seen) == ["outbound_transfer.posted", "outbound_transfer.canceled"]


def test_a_return_while_processing_posts_untold_and_is_declined_unless_told_otherwise(platform):
    source = funded(platform)
    transfer = sent(platform, source)
    seen = len(platform.events())

    back = helped(platform, transfer, "return")

    times = back["status_transitions"]
    assert (back["status"], back["returned_details"]["code"]) == ("returned", "declined")
    assert times["posted_at"] is not None and times["returned_at"] is not None
    assert told(platform, seen) == ["outbound_transfer.returned"]
    assert balance(platform, source) == (500_00, 0)
    assert findings(platform) == []


@pytest.mark.parametrize("code", RETURN_CODES)
def test_every_published_code_can_be_returned(platform, code):
    transfer = sent(platform, funded(platform))

    assert helped(platform, transfer, "return", returned_details={"code": code})["returned_details"]["code"] == code


def test_an_account_that_closed_in_the_meantime_gets_nothing(platform):
    platform.settings(progress="never")
    source, target = funded(platform), opened(platform)
    transfer = sent_within_stripe(platform, source, target)
    platform.made(f"{ACCOUNTS}/{target}/close")

    posted = platform.post(f"{HELPERS}/{transfer['id']}/post")
    failed = helped(platform, transfer, "fail")

    assert (posted.status, posted.error["code"]) == (400, "status_transition_invalid")
    assert failed["status"] == "failed"
    assert balance(platform, source) == (500_00, 0)


# Tracking


def track(client, transfer, **details):
    return client.post(f"{HELPERS}/{transfer['id']}", tracking_details=details)


def test_tracking_details_are_set_once_the_transfer_has_been_sent(platform):
    transfer = sent(platform, funded(platform))
    early = track(platform, transfer, type="ach", ach={"trace_id": "1"})
    helped(platform, transfer, "post")
    seen = len(platform.events())

    first = track(platform, transfer, type="ach", ach={"trace_id": "1"}).json
    track(platform, transfer, type="ach", ach={"trace_id": "1"})
    second = track(platform, transfer, type="ach", ach={"trace_id": "2"}).json

    assert (early.status, early.error["code"]) == (400, "status_transition_invalid")
    assert first["tracking_details"] == {"type": "ach", "ach": {"trace_id": "1"}}
    assert second["tracking_details"] == {"type": "ach", "ach": {"trace_id": "2"}}
    assert told(platform, seen) == ["outbound_transfer.tracking_details_updated"] * 2
    assert [event["data"]["previous_attributes"] for event in platform.events()[-2:]] == [
        {"tracking_details": None},
        {"tracking_details": {"type": "ach", "ach": {"trace_id": "1"}}},
    ]


def test_tracking_details_are_those_of_the_transfers_network(platform):
    source = funded(platform)
    wire = sent(platform, source, destination_payment_method_options=WIRE)
    ach = sent(platform, source)
    within = sent_within_stripe(platform, source, opened(platform))
    platform.clock(advance=WAIT)

    done = track(platform, wire, type="us_domestic_wire", us_domestic_wire={"imad": "5"}).json
    wrong = [
        track(platform, wire, type="ach", ach={"trace_id": "1"}),
        track(platform, within, type="ach", ach={"trace_id": "1"}),
        track(platform, ach, type="ach", ach={"trace_id": "1"}, us_domestic_wire={"imad": "5"}),
    ]

    marks = {"chips": None, "imad": "5", "omad": None}
    assert done["tracking_details"] == {"type": "us_domestic_wire", "us_domestic_wire": marks}
    assert [(one.status, one.error["param"]) for one in wrong] == [
        (400, "tracking_details[type]"),
        (400, "tracking_details[type]"),
        (400, "tracking_details[us_domestic_wire]"),
    ]
