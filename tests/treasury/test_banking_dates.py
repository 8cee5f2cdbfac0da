"""Money on its way by the calendar of banks, where the setting `progress` says `banking_dates`."""

from __future__ import annotations

import pytest

from tests.issuing.purchases import findings
from tests.treasury import collecting
from tests.treasury.sending import (
    BOUNCES,
    WIRE,
    Payments,
    Transfers,
    bank_account,
    canceled,
    data_of,
    funded,
    helped,
    numbers,
    paid,
    read,
    sent,
    told,
)
from tests.treasury.worlds import ACCOUNTS, CREDITS, REVERSALS, balance, connected, moment, opened, send, take


@pytest.fixture
def banks(platform):
    """Moves the clock of a world that follows the banks to a time in UTC."""

    def at(text):
        platform.clock(set=moment(text), frozen=True)

    at("2033-01-03T15:00")
    platform.settings(progress="banking_dates")
    return at


@pytest.fixture(params=[Transfers, Payments], ids=lambda kind: kind.name)
def flows(request, platform):
    return request.param(platform)


@pytest.mark.parametrize(
    "begun, options, submitted",
    [
        ("2033-05-18T15:00", {}, "2033-05-19T00:30"),  # Wednesday at 20:30 in New York
        ("2033-05-18T15:00", WIRE, "2033-05-18T21:00"),  # at 17:00
        ("2033-05-18T20:59", WIRE, "2033-05-18T21:00"),
        ("2033-05-18T21:00", WIRE, "2033-05-19T21:00"),
        ("2033-05-19T00:29", {}, "2033-05-19T00:30"),
        ("2033-05-19T00:30", {}, "2033-05-20T00:30"),
        ("2033-05-21T15:00", {}, "2033-05-24T00:30"),  # Saturday: Monday evening
        ("2033-05-28T15:00", WIRE, "2033-05-31T21:00"),  # before Memorial Day
        ("2033-03-12T02:00", {}, "2033-03-15T00:30"),  # Friday at 21:00 in winter: Monday at 20:30 in summer
        ("2033-11-05T15:00", {}, "2033-11-08T01:30"),  # Saturday in summer: Monday in winter
    ],
)
def test_it_is_posted_when_banks_send_it_out_and_can_be_canceled_until_then(
    platform, banks, flows, begun, options, submitted
):
    source = funded(platform)
    banks(begun)
    flow = flows.begun(source, destination_payment_method_options=options or {"us_bank_account": {"network": "ach"}})

    platform.clock(set=moment(submitted) - 1)
    before = read(platform, flow)
    platform.clock(advance=1)
    after = read(platform, flow)

    assert (before["status"], before["cancelable"]) == ("processing", True)
    assert (after["status"], after["cancelable"]) == ("posted", False)
    assert after["status_transitions"]["posted_at"] == moment(submitted)
    assert findings(platform) == []


def test_it_comes_back_when_the_other_bank_has_had_its_days(platform, banks, flows):
    source = funded(platform)
    banks("2033-05-18T15:00")  # Wednesday
    flow = flows.begun(source, number=BOUNCES)
    seen = len(platform.events())

    banks("2033-05-23T12:29")  # it arrived on Thursday: Monday, a minute before banks open
    before = read(platform, flow)
    banks("2033-05-23T12:30")
    after = read(platform, flow)

    assert (before["status"], after["status"]) == ("posted", "returned")
    assert (after["returned_details"]["code"], balance(platform, source)) == ("no_account", (500_00, 0))
    assert told(platform, seen) == [f"{flows.name}.posted", f"{flows.name}.returned"]


@pytest.mark.parametrize(
    "number, status", [("000000000234", "failed"), ("000000000123", "canceled"), ("000000000009", "processing")]
)
def test_what_banks_do_not_send_out_ends_at_the_same_hour(platform, banks, flows, number, status):
    source = funded(platform)
    banks("2033-05-18T15:00")
    flow = flows.begun(source, number=number)

    banks("2033-05-19T00:29")
    before = read(platform, flow)["status"]
    banks("2033-05-19T00:30")

    assert (before, read(platform, flow)["status"]) == ("processing", status)


def test_over_the_stripe_network_money_moves_on_any_day_at_any_hour(platform, banks, flows):
    source, (owner, target) = funded(platform), flows.target(platform)
    banks("2033-05-22T03:00")  # Saturday night

    flow = flows.within_stripe(source, target)

    assert read(platform, flow)["status"] == "posted"
    assert balance(owner, target) == (20_00, 0)


def test_a_helper_and_a_cancel_do_not_wait_for_banks(platform, banks, flows):
    source = funded(platform)
    banks("2033-05-22T03:00")
    posted, withdrawn = flows.begun(source), flows.begun(source)

    helped(platform, posted, "post")
    canceled(platform, withdrawn)
    banks("2033-06-22T03:00")

    assert (read(platform, posted)["status"], read(platform, withdrawn)["status"]) == ("posted", "canceled")


# To financial accounts by their numbers


def to_numbers(platform, kind, other, target):
    """A business that sends money to the numbers of a financial account, what it sends it from, and how."""
    business = connected(platform)
    source, found = funded(business), numbers(other, target)
    if kind == "payment":
        data = data_of(found["account_number"], found["routing_number"])
        return business, source, lambda **more: paid(business, source, destination_payment_method_data=data, **more)
    bank = bank_account(platform, business, **found)
    return business, source, lambda **more: sent(business, source, method=bank, **more)


@pytest.mark.parametrize("kind", ["transfer", "payment"])
def test_what_is_sent_to_the_numbers_of_a_financial_account_arrives_when_banks_open(platform, banks, kind):
    other = connected(platform)
    target = opened(other)
    business, source, begun = to_numbers(platform, kind, other, target)
    banks("2033-05-20T15:00")  # Friday

    ach, wire = begun(), begun(destination_payment_method_options=WIRE)

    banks("2033-05-20T21:00")
    assert balance(other, target) == (20_00, 0)  # the wire, on the same day
    banks("2033-05-23T12:29")
    assert read(business, ach)["status"] == "posted"
    assert balance(other, target) == (20_00, 0)
    banks("2033-05-23T12:30")
    assert balance(other, target) == (40_00, 0)
    assert {read(business, one)["status"] for one in (ach, wire)} == {"posted"}
    assert [one["created"] for one in other.read(CREDITS, financial_account=target)["data"]] == [
        moment("2033-05-23T12:30"),
        moment("2033-05-20T21:00"),
    ]
    assert findings(platform) == []


@pytest.mark.parametrize("kind", ["transfer", "payment"])
def test_what_a_financial_account_does_not_take_comes_back_days_later(platform, banks, kind):
    other = connected(platform)
    target = opened(other)
    business, source, begun = to_numbers(platform, kind, other, target)
    other.made(f"{ACCOUNTS}/{target}/close")
    banks("2033-05-18T15:00")  # Wednesday

    flow = begun()

    banks("2033-05-23T12:29")
    assert (read(business, flow)["status"], balance(business, source)) == ("posted", (480_00, 0))
    banks("2033-05-23T12:30")
    assert (read(business, flow)["status"], balance(business, source)) == ("returned", (500_00, 0))
    assert findings(platform) == []


@pytest.mark.parametrize("kind", ["transfer", "payment"])
def test_what_is_returned_before_it_arrives_does_not_arrive(platform, banks, kind):
    other = connected(platform)
    target = opened(other)
    business, source, begun = to_numbers(platform, kind, other, target)
    banks("2033-05-18T15:00")
    flow = begun()
    banks("2033-05-19T00:30")

    helped(business, flow, "return")
    banks("2033-06-18T15:00")

    assert (balance(business, source), balance(other, target)) == ((500_00, 0), (0, 0))
    assert findings(platform) == []


def test_what_would_come_back_to_an_account_that_has_closed_stays_with_the_bank(platform, banks, flows):
    source, onwards = funded(platform, 20_00), opened(platform)
    banks("2033-05-18T15:00")
    flow = flows.begun(source, number=BOUNCES)
    banks("2033-05-19T00:30")
    platform.made(f"{ACCOUNTS}/{source}/close")

    banks("2033-06-18T15:00")

    assert read(platform, flow)["status"] == "posted"
    assert (balance(platform, source), balance(platform, onwards)) == ((0, 0), (0, 0))
    assert findings(platform) == []


# Money on its way in


@pytest.mark.parametrize(
    "begun, collected",
    [
        ("2033-05-16T15:00", "2033-05-20T12:30"),  # Monday: Friday, at half past eight in New York
        ("2033-05-17T00:29", "2033-05-20T12:30"),
        ("2033-05-17T00:30", "2033-05-23T12:30"),
        ("2033-05-20T15:00", "2033-05-26T12:30"),
        ("2033-05-21T15:00", "2033-05-27T12:30"),  # Saturday
        ("2033-05-25T15:00", "2033-06-01T12:30"),  # over Memorial Day
        ("2033-03-09T15:00", "2033-03-15T12:30"),  # from winter into summer
    ],
)
def test_money_that_a_bank_was_asked_for_is_there_on_the_fourth_banking_day(platform, banks, begun, collected):
    account = opened(platform)
    banks(begun)
    transfer = collecting.asked(platform, account)

    platform.clock(set=moment(collected) - 1)
    before = read(platform, transfer)
    platform.clock(advance=1)
    after = read(platform, transfer)

    assert (before["status"], before["cancelable"]) == ("processing", True)
    assert (after["status"], after["status_transitions"]["succeeded_at"]) == ("succeeded", moment(collected))
    assert balance(platform, account) == (20_00, 0)


def test_a_bank_takes_back_what_it_gave_two_banking_days_later(platform, banks):
    account = opened(platform)
    banks("2033-05-16T15:00")
    transfer = collecting.asked(platform, account, method="pm_usBankAccount_dispute")

    banks("2033-05-24T12:29")  # it was there on Friday: Tuesday, a minute before banks open
    before = read(platform, transfer)["returned"]
    banks("2033-05-24T12:30")

    assert (before, read(platform, transfer)["returned"]) == (False, True)
    assert balance(platform, account) == (0, 0)
    assert findings(platform) == []


# What no bank has an hour for


def test_everything_else_gets_on_as_without_the_setting(platform, banks):
    banks("2033-05-22T03:00")
    account = funded(platform)
    topup = platform.made("/v1/topups", amount=20_00, currency="usd")
    debit = take(platform, account, 1_00)
    reversal = platform.made(REVERSALS, received_debit=debit["id"])
    credit = send(platform, account, 1_00)

    assert platform.read(f"/v1/topups/{topup['id']}")["status"] == "succeeded"
    assert platform.read(f"{REVERSALS}/{reversal['id']}")["status"] == "succeeded"
    assert credit["status"] == "succeeded"
