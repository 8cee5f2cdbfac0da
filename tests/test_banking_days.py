"""When banks settle."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from emulator.banking_days import arrival, collected, is_banking_day, midnight_after, opening, sent_out


@pytest.mark.parametrize(
    "day, settles",
    [
        (date(2026, 7, 3), True),  # Independence Day falls on the Saturday after it
        (date(2026, 7, 4), False),
        (date(2027, 7, 5), False),  # here it falls on a Sunday and is kept on Monday
        (date(2026, 11, 26), False),
        (date(2026, 11, 27), True),
        (date(2026, 11, 28), False),
    ],
)
def test_banks_rest_on_weekends_and_on_the_holidays_of_the_federal_reserve(day, settles):
    assert is_banking_day(day) is settles


@pytest.mark.parametrize(
    "start, days, expected",
    [
        ("2024-07-26T00:34", 2, "2024-07-30"),  # Stripe's published sample
        ("2024-07-26T23:59", 2, "2024-07-30"),
        ("2026-11-25T12:00", 2, "2026-11-30"),  # over Thanksgiving and a weekend
        ("2026-12-31T12:00", 1, "2027-01-04"),
    ],
)
def test_days_are_counted_from_the_date_in_utc(start, days, expected):
    begun = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp())

    found = datetime.fromtimestamp(midnight_after(begun, days), UTC)

    assert found.isoformat() == f"{expected}T00:00:00+00:00"


@pytest.mark.parametrize(
    "sent, ach, wire",
    [
        ("2026-06-01T15:00", "2026-06-02", "2026-06-01"),  # Monday
        ("2026-06-02T15:00", "2026-06-03", "2026-06-02"),
        ("2026-06-03T15:00", "2026-06-04", "2026-06-03"),
        ("2026-06-04T15:00", "2026-06-05", "2026-06-04"),
        ("2026-06-05T15:00", "2026-06-08", "2026-06-05"),
        ("2026-06-06T15:00", "2026-06-09", "2026-06-08"),  # Saturday
        ("2026-06-07T15:00", "2026-06-09", "2026-06-08"),
        ("2022-03-28T15:06", "2022-03-29", "2022-03-28"),  # the published sample
        ("2026-06-01T20:59", "2026-06-02", "2026-06-01"),  # a minute before 17:00 in New York
        ("2026-06-01T21:00", "2026-06-02", "2026-06-02"),
        ("2026-06-02T00:29", "2026-06-02", "2026-06-02"),  # a minute before 20:30 there
        ("2026-06-02T00:30", "2026-06-03", "2026-06-02"),
        ("2026-01-06T01:29", "2026-01-06", "2026-01-06"),  # the same in winter
        ("2026-01-06T01:30", "2026-01-07", "2026-01-06"),
        ("2026-06-06T00:30", "2026-06-09", "2026-06-08"),  # Friday after both cutoffs
        ("2026-11-25T15:00", "2026-11-27", "2026-11-25"),  # before Thanksgiving
        ("2026-11-26T15:00", "2026-11-30", "2026-11-27"),
    ],
)
def test_money_arrives_by_the_cutoffs_and_holidays_of_its_network(sent, ach, wire):
    moment = int(datetime.fromisoformat(sent).replace(tzinfo=UTC).timestamp())

    found = [
        datetime.fromtimestamp(arrival(moment, network), UTC).isoformat() for network in ("ach", "us_domestic_wire")
    ]

    assert found == [f"{ach}T00:00:00+00:00", f"{wire}T00:00:00+00:00"]
    assert datetime.fromtimestamp(arrival(moment, "stripe"), UTC).isoformat() == f"{sent[:10]}T00:00:00+00:00"


@pytest.mark.parametrize(
    "told, ach, wire",
    [
        ("2026-06-01T15:00", "2026-06-02T00:30", "2026-06-01T21:00"),  # Monday, 20:30 and 17:00 in summer
        ("2026-01-05T15:00", "2026-01-06T01:30", "2026-01-05T22:00"),  # the same in winter
        ("2026-06-02T00:29", "2026-06-02T00:30", "2026-06-02T21:00"),
        ("2026-06-02T00:30", "2026-06-03T00:30", "2026-06-02T21:00"),
        ("2026-06-06T15:00", "2026-06-09T00:30", "2026-06-08T21:00"),  # Saturday
        ("2026-03-07T02:00", "2026-03-10T00:30", "2026-03-09T21:00"),  # Friday evening; on Sunday summer time begins
        ("2026-10-31T15:00", "2026-11-03T01:30", "2026-11-02T22:00"),  # Saturday; on Sunday it ends
        ("2026-11-26T15:00", "2026-11-28T01:30", "2026-11-27T22:00"),  # Thanksgiving
    ],
)
def test_banks_send_out_at_their_cutoff_in_new_york_whatever_the_time_of_year(told, ach, wire):
    moment = int(datetime.fromisoformat(told).replace(tzinfo=UTC).timestamp())

    found = [datetime.fromtimestamp(sent_out(moment, network), UTC) for network in ("ach", "us_domestic_wire")]

    assert [one.strftime("%Y-%m-%dT%H:%M") for one in found] == [ach, wire]


@pytest.mark.parametrize(
    "date_, days, expected",
    [
        ("2026-06-02", 0, "2026-06-02T12:30"),
        ("2026-01-06", 0, "2026-01-06T13:30"),
        ("2026-06-05", 1, "2026-06-08T12:30"),
        ("2026-03-06", 1, "2026-03-09T12:30"),  # summer time began in between
        ("2026-11-25", 2, "2026-11-30T13:30"),
    ],
)
def test_banks_open_at_half_past_eight_in_new_york(date_, days, expected):
    midnight = int(datetime.fromisoformat(date_).replace(tzinfo=UTC).timestamp())

    found = datetime.fromtimestamp(opening(midnight, days), UTC)

    assert found.strftime("%Y-%m-%dT%H:%M") == expected


@pytest.mark.parametrize(
    "asked, expected",
    [
        ("2026-06-01T15:00", "2026-06-05T12:30"),  # Monday: Friday
        ("2026-06-02T15:00", "2026-06-08T12:30"),
        ("2026-06-03T15:00", "2026-06-09T12:30"),
        ("2026-06-04T15:00", "2026-06-10T12:30"),
        ("2026-06-05T15:00", "2026-06-11T12:30"),
        ("2026-06-06T15:00", "2026-06-12T12:30"),  # Saturday: Friday
        ("2026-06-07T15:00", "2026-06-12T12:30"),
        ("2026-11-24T15:00", "2026-12-01T13:30"),  # over Thanksgiving
    ],
)
def test_what_a_bank_was_asked_for_is_there_on_the_fourth_banking_day(asked, expected):
    moment = int(datetime.fromisoformat(asked).replace(tzinfo=UTC).timestamp())

    found = datetime.fromtimestamp(collected(moment, "ach"), UTC)

    assert found.strftime("%Y-%m-%dT%H:%M") == expected
