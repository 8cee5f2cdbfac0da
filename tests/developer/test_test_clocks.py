"""Test clocks: times of their own, customers that go with them, and on request the world's clock moved along."""

import pytest

from emulator.developer.test_clocks import FARTHEST_SECONDS, KEPT_SECONDS
from emulator.kernel.clock import LATEST
from tests.issuing.holders import a_connected_account
from tests.issuing.purchases import findings

CLOCKS, CUSTOMERS = "/v1/test_helpers/test_clocks", "/v1/customers"
START = 1_700_000_000
DAY = 24 * 60 * 60


def a_clock(client, **more):
    """A test clock."""
    return client.made(CLOCKS, **{"frozen_time": START, **more})


def test_a_clock_stands_at_the_time_it_was_made_with(platform):
    now = platform.clock(frozen=True)["now"]

    clock = a_clock(platform, name="Renewal")

    assert clock == {
        "id": clock["id"],
        "object": "test_helpers.test_clock",
        "created": now,
        "deletes_after": now + KEPT_SECONDS,
        "frozen_time": START,
        "livemode": False,
        "name": "Renewal",
        "status": "ready",
        "status_details": {},
    }
    assert clock["id"].startswith("clock_1")
    assert platform.read(f"{CLOCKS}/{clock['id']}") == clock
    assert platform.read(CLOCKS)["data"] == [clock]


def test_a_clock_advances_and_has_arrived_by_the_next_request(platform):
    now = platform.clock(frozen=True)["now"]
    clock = a_clock(platform)

    moving = platform.made(f"{CLOCKS}/{clock['id']}/advance", frozen_time=START + DAY)
    there = platform.read(f"{CLOCKS}/{clock['id']}")

    assert (moving["status"], moving["frozen_time"]) == ("advancing", START)
    assert moving["status_details"] == {"advancing": {"target_frozen_time": START + DAY}}
    assert there == {**clock, "frozen_time": START + DAY}
    assert platform.event_types() == [
        "test_helpers.test_clock.created",
        "test_helpers.test_clock.advancing",
        "test_helpers.test_clock.ready",
    ]
    assert [event["data"]["object"] for event in platform.events()] == [clock, moving, there]
    assert platform.read("/_emulator/clock")["now"] == now


@pytest.mark.parametrize(
    "seconds, status", [(-1, 400), (0, 400), (1, 200), (FARTHEST_SECONDS, 200), (FARTHEST_SECONDS + 1, 400)]
)
def test_a_clock_runs_forward_and_two_years_at_most(platform, seconds, status):
    clock = a_clock(platform)

    answer = platform.post(f"{CLOCKS}/{clock['id']}/advance", frozen_time=START + seconds)

    assert answer.status == status
    if status == 400:
        assert answer.error["param"] == "frozen_time"
        assert platform.read(f"{CLOCKS}/{clock['id']}") == clock


@pytest.mark.parametrize(
    "sent, code, param",
    [
        ({}, "parameter_missing", "frozen_time"),
        ({"frozen_time": "soon"}, "parameter_invalid_integer", "frozen_time"),
        ({"frozen_time": START, "customer": "cus_nope"}, "resource_missing", "customer"),
        ({"frozen_time": START, "status": "ready"}, "parameter_unknown", "status"),
    ],
)
def test_bad_clocks_are_refused(platform, sent, code, param):
    answer = platform.post(CLOCKS, **sent)

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, code, param)
    assert platform.read(CLOCKS)["data"] == []


def test_each_account_has_its_own(platform):
    clock = a_clock(platform)
    business = a_connected_account(platform, "transfers")

    answer = business.post(f"{CLOCKS}/{clock['id']}/advance", frozen_time=START + 1)

    assert (answer.status, answer.error["param"]) == (404, "test_clock")
    assert business.post(CUSTOMERS, test_clock=clock["id"]).error["param"] == "test_clock"
    assert business.read(CLOCKS)["data"] == []


# Customers


def test_customers_of_a_clock_are_listed_by_it_alone(platform):
    clock, other = a_clock(platform)["id"], a_clock(platform)["id"]
    first, free = platform.made(CUSTOMERS, test_clock=clock), platform.made(CUSTOMERS)

    def ids(**filters):
        return [one["id"] for one in platform.read(CUSTOMERS, **filters)["data"]]

    assert (first["test_clock"], free["test_clock"]) == (clock, None)
    assert (ids(), ids(test_clock=clock), ids(test_clock=other)) == ([free["id"]], [first["id"]], [])
    assert platform.read(f"{CUSTOMERS}/{first['id']}", expand=["test_clock"])["test_clock"]["id"] == clock


def test_a_clock_may_begin_with_a_customer_that_has_none(platform):
    customer = platform.made(CUSTOMERS)["id"]

    clock = a_clock(platform, customer=customer)["id"]
    again = platform.post(CLOCKS, frozen_time=START, customer=customer)

    assert platform.read(f"{CUSTOMERS}/{customer}")["test_clock"] == clock
    assert platform.events()[-1]["data"]["previous_attributes"] == {"test_clock": None}
    assert (again.status, again.error["message"], again.error["param"]) == (
        400,
        f"The customer {customer} is attached to the test clock {clock}.",
        "customer",
    )


def test_a_deleted_customer_begins_no_clock(platform):
    customer = platform.made(CUSTOMERS)["id"]
    platform.delete(f"{CUSTOMERS}/{customer}")

    assert platform.post(CLOCKS, frozen_time=START, customer=customer).error["code"] == "resource_missing"


def test_customers_go_with_their_clock(platform):
    clock = a_clock(platform)["id"]
    customer, free = platform.made(CUSTOMERS, test_clock=clock)["id"], platform.made(CUSTOMERS)["id"]

    stub = platform.delete(f"{CLOCKS}/{clock}")

    assert stub.json == {"id": clock, "object": "test_helpers.test_clock", "deleted": True}
    assert platform.get(f"{CLOCKS}/{clock}").status == 404
    assert platform.read(f"{CUSTOMERS}/{customer}") == {"id": customer, "object": "customer", "deleted": True}
    assert platform.read(f"{CUSTOMERS}/{free}")["id"] == free
    assert platform.event_types()[-2:] == ["customer.deleted", "test_helpers.test_clock.deleted"]
    assert findings(platform) == []


@pytest.mark.parametrize("seconds, is_there", [(KEPT_SECONDS - 1, True), (KEPT_SECONDS, False)])
def test_a_clock_goes_by_itself_after_thirty_days_of_its_world(platform, seconds, is_there):
    platform.clock(frozen=True)
    clock = a_clock(platform)["id"]
    platform.clock(advance=seconds)

    assert platform.get(f"{CLOCKS}/{clock}").status == (200 if is_there else 404)
    assert ("test_helpers.test_clock.deleted" in platform.event_types()) is not is_there


def test_a_clock_that_is_deleted_while_it_advances_does_not_arrive(platform):
    clock = a_clock(platform)["id"]
    platform.made(f"{CLOCKS}/{clock}/advance", frozen_time=START + 1)
    platform.delete(f"{CLOCKS}/{clock}")
    platform.clock(advance=DAY)

    assert platform.event_types()[-1] == "test_helpers.test_clock.deleted"
    assert platform.read("/_emulator/due")["data"] == []


# The world's clock


def test_advancing_moves_the_world_along_where_that_is_asked_for(platform):
    platform.settings(test_clocks_move_the_world=True)
    now = platform.clock(frozen=True)["now"]
    file = platform.made("/v1/files", purpose="dispute_evidence", file=(b"%PDF", "a.pdf"))["id"]
    link = platform.made("/v1/file_links", file=file, expires_at=now + 60)["id"]
    clock = a_clock(platform)["id"]

    moving = platform.made(f"{CLOCKS}/{clock}/advance", frozen_time=START + 60)

    assert moving["status"] == "advancing"
    assert platform.read("/_emulator/clock")["now"] == now + 60
    assert platform.read(f"/v1/file_links/{link}")["expired"]
    assert platform.events()[-1]["created"] == now


def test_a_repeated_request_moves_the_world_once(platform):
    platform.settings(test_clocks_move_the_world=True)
    now = platform.clock(frozen=True)["now"]
    clock = a_clock(platform)["id"]

    for _ in range(2):
        platform.post(f"{CLOCKS}/{clock}/advance", frozen_time=START + 60, headers={"Idempotency-Key": "once"})

    assert platform.read("/_emulator/clock")["now"] == now + 60


def test_the_world_is_not_moved_where_no_calendar_reaches(platform):
    platform.settings(test_clocks_move_the_world=True)
    platform.clock(frozen=True, set=LATEST - 59)
    clock = a_clock(platform)

    answer = platform.post(f"{CLOCKS}/{clock['id']}/advance", frozen_time=START + 60)

    assert (answer.status, answer.error["param"]) == (400, "frozen_time")
    assert platform.read(f"{CLOCKS}/{clock['id']}") == clock
    assert platform.read("/_emulator/clock")["now"] == LATEST - 59
