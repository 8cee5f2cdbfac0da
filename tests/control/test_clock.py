"""The clock's history, its steps, what falls due and why, and running until it is quiet."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from emulator.catalog import CATALOG
from emulator.control.due import TOLD
from emulator.kernel.dates import DAY
from tests.client import Client
from tests.issuing.holders import a_cardholder
from tests.issuing.purchases import a_spender, authorize, done
from tests.receivers import Receiver, Reply, receiving
from tests.treasury.sending import funded, paid
from tests.treasury.worlds import connected

CLOCK, DUE, MOVES = "/_emulator/clock", "/_emulator/clock/due", "/_emulator/clock/moves"
STEP, RUN = "/_emulator/clock/step", "/_emulator/clock/run"
START = 1_927_000_000  # 24 January 2031, 04:26:40 UTC


@pytest.fixture
def world(platform: Client) -> Client:
    """A world whose clock stands still."""
    platform.clock(set=START, frozen=True)
    return platform


def due(client: Client, **params: Any) -> list[dict[str, Any]]:
    """What falls due."""
    return client.read(DUE, **params)["data"]


def failing(receiver: Receiver, client: Client) -> dict[str, Any]:
    """An endpoint that never acknowledges new cardholders."""
    return client.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_cardholder.created"])


# What falls due


def test_each_thing_that_falls_due_says_what_will_happen_and_why(world: Client) -> None:
    card = a_spender(world)
    taxi = authorize(world, card, 18_00, merchant_data={"name": "Golden Gate Taxi"})
    hotel = {"name": "Harbor View Hotel", "category": "hotels_motels_and_resorts"}
    authorize(world, card, 91_50, merchant_data=hotel)

    first, second = due(world)

    assert (first["about"], first["due_at"], first["kind"]) == (taxi["id"], START + 7 * DAY, "deadline")
    assert (first["action"], first["account"]) == ("issuing.authorizations.expire", world.read("/v1/account")["id"])
    assert first["says"] == "A hold of $18.00 expires"
    assert first["why"] == "Golden Gate Taxi, made 24 Jan: what is not captured within 7 days goes back"
    assert second["says"] == "A hold of $91.50 expires" and "31 days" in second["why"]


def test_what_objects_do_by_themselves_is_told_apart_from_deadlines(world: Client) -> None:
    client = connected(world)
    paid(client, funded(client), 12_34)

    (item,) = due(world, account=client.account)

    assert (item["kind"], item["says"]) == ("progress", "An outbound payment of $12.34 is posted or fails")
    assert item["due_at"] == START + 10 and "progress" in item["why"]


def test_a_delivery_that_is_repeated_falls_due_with_what_the_last_attempt_got(world: Client) -> None:
    with receiving(lambda arrived: Reply(500)) as receiver:
        endpoint = failing(receiver, world)
        holder = a_cardholder(world)
        world.made("/_emulator/webhooks/drain")

        (item,) = due(world)

    assert (item["kind"], item["about"], item["due_at"]) == ("delivery", holder["id"], START + 300)
    assert item["says"].startswith("A delivery of issuing_cardholder.created to /") and item["says"].endswith("again")
    assert item["why"] == "second attempt; the last got 500"
    assert item["details"]["webhook_endpoint"] == endpoint["id"]


def test_what_falls_due_can_be_narrowed_and_tells_whether_there_is_more(world: Client) -> None:
    card = a_spender(world)
    first = authorize(world, card, 1_00)
    world.clock(advance=60)
    second = authorize(world, card, 2_00)

    assert [item["about"] for item in due(world, until=START + 7 * DAY)] == [first["id"]]
    assert [item["about"] for item in due(world, about=second["id"])] == [second["id"]]
    page = world.read(DUE, limit=1)
    assert ([item["about"] for item in page["data"]], page["has_more"]) == ([first["id"]], True)


def test_a_hold_that_is_no_more_falls_due_without_anything_to_happen(world: Client) -> None:
    captured = done(world, authorize(world, a_spender(world), 5_00), "capture")

    says = [item["says"] for item in due(world, about=captured["id"])]

    assert says in ([], ["Nothing happens"])


def test_every_action_that_can_fall_due_has_words(world: Client) -> None:
    assert set(CATALOG.due) <= set(TOLD)


def test_what_failed_can_be_tried_again_and_nothing_else_can(world: Client) -> None:
    for id in ("due_1", "due_", "delivery_1", "due_99999999999999999999"):
        assert world.post(f"/_emulator/due/{id}/retry").status == 404


# The history


def test_every_move_of_the_clock_is_kept_with_what_was_done_on_the_way(world: Client) -> None:
    card = a_spender(world)
    authorize(world, card, 1_00)
    authorize(world, card, 2_00)
    world.clock(advance=8 * DAY)
    world.clock(frozen=False)
    world.clock(advance=0)  # only a look

    moves = world.read(MOVES)["data"]

    assert [move["kind"] for move in moves] == ["unfreeze", "advance", "set"]
    advanced = moves[1]
    assert (advanced["from"], advanced["to"], advanced["frozen"]) == (START, START + 8 * DAY, True)
    assert advanced["done"] == [
        {"action": "issuing.authorizations.expire", "count": 2, "says": "2 holds expired"},
    ]
    assert advanced["failed"] == 0 and abs(advanced["at"] - moves[0]["at"]) < 60
    older = world.read(MOVES, starting_after=moves[0]["number"], limit=1)
    assert (older["data"], older["has_more"]) == ([advanced], True)


def test_what_somebody_else_does_while_the_clock_is_moved_is_told_as_well(
    world: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = a_spender(world)
    authorize(world, card, 1_00)
    authorize(world, card, 2_00)
    tenant = world.app.emulator.tenants.open(world.key.removeprefix("sk_test_"))
    settle = tenant.settle

    def settled_meanwhile() -> None:
        background = threading.Thread(target=settle)
        background.start()
        background.join()

    monkeypatch.setattr(tenant, "settle", settled_meanwhile)
    world.clock(advance=8 * DAY)

    assert [one["says"] for one in world.read(MOVES)["data"][0]["done"]] == ["2 holds expired"]


def test_a_reset_forgets_how_the_clock_was_moved(world: Client) -> None:
    world.made("/_emulator/reset")

    assert world.read(MOVES)["data"] == []


# Steps


def test_a_step_leads_to_what_falls_due_next_and_does_it(world: Client) -> None:
    authorization = authorize(world, a_spender(world), 1_00)

    stepped = world.made(STEP)

    assert (stepped["now"], stepped["from"], stepped["frozen"]) == (START + 7 * DAY, START, True)
    assert [one["says"] for one in stepped["done"]] == ["1 hold expired"]
    assert world.read(f"/v1/issuing/authorizations/{authorization['id']}")["status"] == "expired"
    assert world.read(MOVES)["data"][0]["kind"] == "step"


def test_there_is_no_step_where_nothing_falls_due(world: Client) -> None:
    refused = world.post(STEP)

    assert (refused.status, refused.error["message"]) == (400, "Nothing falls due: there is no step to take.")
    assert world.read(CLOCK)["now"] == START


def test_a_step_to_a_delivery_returns_when_it_has_been_answered(world: Client) -> None:
    with receiving(lambda arrived: Reply(500)) as receiver:
        failing(receiver, world)
        a_cardholder(world)
        world.made("/_emulator/webhooks/drain")

        stepped = world.made(STEP)

        assert (stepped["now"], stepped["deliveries"]) == (START + 300, 1)
        assert len(receiver.arrived) == 2


def test_it_runs_until_nothing_falls_due_any_more(world: Client) -> None:
    with receiving(lambda arrived: Reply(500)) as receiver:
        failing(receiver, world)
        a_cardholder(world)
        authorize(world, a_spender(world), 1_00)

        ran = world.made(RUN)

        assert len(receiver.arrived) == 8  # two cardholders, each told four times
    assert ran["finished"] is True and ran["next_due_at"] is None and ran["now"] == START + 7 * DAY
    assert due(world) == []
    (move, *_) = world.read(MOVES)["data"]
    assert (move["kind"], move["from"], move["to"]) == ("run", START, START + 7 * DAY)


def test_it_runs_until_a_time_in_as_many_calls_as_it_takes(world: Client) -> None:
    card = a_spender(world)
    for amount in (1_00, 2_00, 3_00):
        authorize(world, card, amount)
        world.clock(advance=60)
    until = START + 8 * DAY

    first = world.made(RUN, until=until, steps=2)
    second = world.made(RUN, until=until, steps=2)

    assert (first["finished"], first["steps"], first["now"]) == (False, 2, START + 7 * DAY + 60)
    assert (second["finished"], second["steps"], second["now"]) == (True, 1, until)


def test_it_does_not_run_backwards(world: Client) -> None:
    refused = world.post(RUN, until=START - 1)

    assert refused.status == 400 and "runs forward only" in refused.error["message"]


def test_a_world_in_which_nothing_was_made_begins_at_the_time_that_is_set(platform):
    platform.clock(set=2_000_000_000, frozen=True)

    (account,) = platform.read("/v1/treasury/financial_accounts")["data"]
    assert account["created"] == 2_000_000_000
    made = platform.made("/v1/customers", name="Ada")
    platform.clock(set=2_000_000_100)
    assert [one["created"] for one in platform.read("/v1/treasury/financial_accounts")["data"]] == [2_000_000_000]
    assert platform.read(f"/v1/customers/{made['id']}")["created"] == 2_000_000_000


def test_what_makes_no_event_is_not_lost_when_the_time_is_set(platform):
    endpoint = platform.made("/v1/webhook_endpoints", url="https://example.com/", enabled_events=["*"])
    platform.settings(treasury_enabled=True, webhook_retries=False)

    platform.clock(set=2_000_000_000)

    assert [one["id"] for one in platform.read("/v1/webhook_endpoints")["data"]] == [endpoint["id"]]
    assert platform.read("/_emulator/settings")["webhook_retries"] is False
