"""What test helpers make of money on its way out, whichever kind it is."""

from __future__ import annotations

import pytest

from emulator.treasury.bank_accounts import RETURN_CODES
from tests.issuing.purchases import findings
from tests.treasury.sending import (
    BOUNCES,
    WAIT,
    WIRE,
    Payments,
    Transfers,
    canceled,
    funded,
    helped,
    path_of,
    read,
    told,
    tracked,
)
from tests.treasury.worlds import ACCOUNTS, balance


@pytest.fixture(params=[Transfers, Payments], ids=lambda kind: kind.name)
def flows(request, platform):
    return request.param(platform)


# Moving one on


def test_a_helper_comes_before_what_a_flow_would_do_by_itself(platform, flows):
    platform.clock(frozen=True)
    source = funded(platform)
    posted, withdrawn = flows.begun(source, number=BOUNCES), flows.begun(source)
    seen = len(platform.events())

    helped(platform, posted, "post")
    canceled(platform, withdrawn)
    platform.clock(advance=10 * WAIT)

    assert (read(platform, posted)["status"], read(platform, withdrawn)["status"]) == ("posted", "canceled")
    assert told(platform, seen) == [f"{flows.name}.posted", f"{flows.name}.canceled"]


def test_a_return_while_processing_posts_untold_and_is_declined_unless_told_otherwise(platform, flows):
    source = funded(platform)
    flow = flows.begun(source)
    seen = len(platform.events())

    back = helped(platform, flow, "return")

    times = back["status_transitions"]
    assert (back["status"], back["returned_details"]["code"]) == ("returned", "declined")
    assert times["posted_at"] is not None and times["returned_at"] is not None
    assert told(platform, seen) == [f"{flows.name}.returned"]
    assert balance(platform, source) == (500_00, 0)
    assert findings(platform) == []


@pytest.mark.parametrize("code", RETURN_CODES)
def test_every_published_code_can_be_returned(platform, flows, code):
    flow = flows.begun(funded(platform))

    assert helped(platform, flow, "return", returned_details={"code": code})["returned_details"]["code"] == code


def test_an_account_that_closed_in_the_meantime_gets_nothing(platform, flows):
    platform.settings(progress="never")
    source, (owner, target) = funded(platform), flows.target(platform)
    flow = flows.within_stripe(source, target)
    owner.made(f"{ACCOUNTS}/{target}/close")

    posted = platform.post(f"/v1/test_helpers/{path_of(flow)}/{flow['id']}/post")
    failed = helped(platform, flow, "fail")

    assert (posted.status, posted.error["code"]) == (400, "status_transition_invalid")
    assert failed["status"] == "failed"
    assert balance(platform, source) == (500_00, 0)


# Tracking


def test_tracking_details_are_set_once_the_money_has_been_sent(platform, flows):
    flow = flows.begun(funded(platform))
    early = tracked(platform, flow, type="ach", ach={"trace_id": "1"})
    helped(platform, flow, "post")
    seen = len(platform.events())

    first = tracked(platform, flow, type="ach", ach={"trace_id": "1"}).json
    tracked(platform, flow, type="ach", ach={"trace_id": "1"})
    second = tracked(platform, flow, type="ach", ach={"trace_id": "2"}).json

    assert (early.status, early.error["code"]) == (400, "status_transition_invalid")
    assert early.error["message"] == (
        f"The tracking details of this {flows.refusals_say} cannot be set: it can still be canceled."
    )
    assert first["tracking_details"] == {"type": "ach", "ach": {"trace_id": "1"}}
    assert second["tracking_details"] == {"type": "ach", "ach": {"trace_id": "2"}}
    assert told(platform, seen) == [f"{flows.name}.tracking_details_updated"] * 2
    assert [event["data"]["previous_attributes"] for event in platform.events()[-2:]] == [
        {"tracking_details": None},
        {"tracking_details": {"type": "ach", "ach": {"trace_id": "1"}}},
    ]


def test_tracking_details_are_those_of_the_network(platform, flows):
    source = funded(platform)
    wire = flows.begun(source, destination_payment_method_options=WIRE)
    ach = flows.begun(source)
    within = flows.within_stripe(source, flows.target(platform)[1])
    platform.clock(advance=WAIT)

    done = tracked(platform, wire, type="us_domestic_wire", us_domestic_wire={"imad": "5"}).json
    wrong = [
        tracked(platform, wire, type="ach", ach={"trace_id": "1"}),
        tracked(platform, within, type="ach", ach={"trace_id": "1"}),
        tracked(platform, ach, type="ach", ach={"trace_id": "1"}, us_domestic_wire={"imad": "5"}),
    ]

    marks = {"chips": None, "imad": "5", "omad": None}
    assert done["tracking_details"] == {"type": "us_domestic_wire", "us_domestic_wire": marks}
    assert [(one.status, one.error["param"]) for one in wrong] == [
        (400, "tracking_details[type]"),
        (400, "tracking_details[type]"),
        (400, "tracking_details[us_domestic_wire]"),
    ]
