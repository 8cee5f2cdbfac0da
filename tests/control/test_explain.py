"""The story of an object as one tree, and a balance as a statement that adds up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.client import Client
from tests.issuing.holders import a_cardholder
from tests.issuing.purchases import a_spender, a_treasury_spender, authorize, done
from tests.receivers import Reply, receiving

BOOKS = "/_emulator/books"
START = 1_927_000_000


def explain(client: Client, id: str) -> dict[str, Any]:
    """The story of an object."""
    return client.read(f"/_emulator/explain/{id}")


def statement(client: Client, book: str, **params: Any) -> dict[str, Any]:
    """A book as a statement."""
    return client.read(f"{BOOKS}/{book}", **params)


@pytest.fixture
def world(platform: Client) -> Client:
    """A world whose clock stands still."""
    platform.clock(set=START, frozen=True)
    return platform


# Objects


def test_the_story_leads_from_the_request_to_what_the_handler_called_back(world: Client) -> None:
    caller = Client(world.app, world.key)

    def handle(arrived: Any) -> Reply:
        event = orjson.loads(arrived.body)
        if event["type"] == "issuing_authorization.created":
            caller.made(f"/v1/issuing/authorizations/{event['data']['object']['id']}", metadata={"seen": "yes"})
        return Reply(200)

    card = a_spender(world)
    with receiving(handle) as receiver:
        types = ["issuing_authorization.created", "issuing_authorization.updated"]
        endpoint = world.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=types)
        authorization = authorize(world, card, 18_00)
        world.made("/_emulator/webhooks/drain")

        story = explain(world, authorization["id"])

    made, updated = story["story"]
    assert (made["request"]["method"], made["request"]["status"]) == ("POST", 200)
    assert made["request"]["path"] == "/v1/test_helpers/issuing/authorizations"
    (event,) = made["events"]
    (delivery,) = event["deliveries"]
    assert (event["type"], delivery["webhook_endpoint"], delivery["state"]) == (
        "issuing_authorization.created",
        endpoint["id"],
        "delivered",
    )
    (attempt,) = delivery["tries"]
    (called,) = attempt["api_calls"]
    assert (called["method"], called["status"], called["request"]) == ("POST", 200, updated["request"]["id"])
    assert updated["events"][0]["changed"] == [
        {"member": "metadata", "from": {"seen": None}, "to": {"seen": "yes"}},
    ]


def test_the_story_has_the_money_what_waits_and_how_it_was_decided(world: Client) -> None:
    authorization = authorize(world, a_spender(world), 18_00)

    story = explain(world, authorization["id"])

    assert story["now"]["amount"] == 18_00
    assert story["decisions"] == ["approved: no rule objects"]
    assert [item["action"] for item in story["waiting"]] == ["issuing.authorizations.expire"]
    (movement,) = story["movements"]
    assert sum(line["amount"] for line in movement["lines"]) == 0
    assert {abs(line["amount"]) for line in movement["lines"]} == {18_00}


def test_what_happens_as_time_passes_has_no_request(world: Client) -> None:
    authorization = authorize(world, a_spender(world), 18_00)
    world.clock(advance=8 * 86_400)

    last = explain(world, authorization["id"])["story"][-1]

    assert last["request"] is None and last["created"] == START + 7 * 86_400
    assert {"member": "status", "from": "pending", "to": "expired"} in last["events"][0]["changed"]


def test_objects_of_every_account_are_explained_and_nothing_else_is(world: Client) -> None:
    client, account, _ = a_treasury_spender(world)
    holder = a_cardholder(client)

    assert explain(world, holder["id"])["account"] == client.account
    assert explain(world, account)["now"]["id"] == account
    for id in ("ich_none", "nonsense", "req_1"):
        assert world.get(f"/_emulator/explain/{id}").status == 404


# Books


def test_a_balance_is_a_statement_of_its_movements_that_adds_up(world: Client) -> None:
    client, account, card = a_treasury_spender(world, 200_00)
    taxi = authorize(client, card, 18_00, merchant_data={"name": "Golden Gate Taxi"})
    world.clock(advance=60)
    done(client, taxi, "capture")

    told = statement(world, f"{account}:cash:usd")

    assert (told["brought_forward"], told["amount"], told["closing"], told["adds_up"]) == (0, 182_00, 182_00, True)
    assert [entry["balance"] for entry in told["entries"]][-1] == 182_00
    assert sum(entry["amount"] for entry in told["entries"]) == told["sum"] == 182_00
    hold = told["entries"][1]
    assert (hold["amount"], hold["flow"], hold["merchant"]) == (-18_00, taxi["id"], "Golden Gate Taxi")
    assert hold["says"].endswith("at Golden Gate Taxi: -$18.00")


def test_a_statement_is_brought_forward_and_paged(world: Client) -> None:
    client, account, card = a_treasury_spender(world, 200_00)
    authorize(client, card, 10_00)
    world.clock(advance=60)
    authorize(client, card, 20_00)
    book = f"{account}:cash:usd"

    later = statement(world, book, since=START + 60)
    earlier = statement(world, book, until=START + 60)
    first = statement(world, book, limit=1)
    rest = statement(world, book, starting_after=first["entries"][-1]["number"])

    assert (later["brought_forward"], later["sum"], later["adds_up"]) == (190_00, -20_00, True)
    assert (earlier["closing"], earlier["adds_up"]) == (190_00, None)
    assert (first["has_more"], first["closing"]) == (True, 200_00)
    assert (rest["brought_forward"], rest["closing"], rest["adds_up"]) == (200_00, 170_00, True)


def test_every_book_of_a_world_adds_up(world: Client) -> None:
    client, _, card = a_treasury_spender(world)
    done(client, authorize(client, card, 18_00), "capture")
    done(world, authorize(world, a_spender(world), 20_00), "capture")

    books = [book for book in world.read(BOOKS)["data"] if book["owner"] not in ("outside", "stripe")]

    assert {book["what"] for book in books} >= {"cash", "outbound_pending", "issuing", "issuing_held"}
    assert all(statement(world, book["book"])["adds_up"] for book in books)


def test_books_are_narrowed_to_an_owner_and_one_that_is_not_there_is_404(world: Client) -> None:
    _, account, _ = a_treasury_spender(world)

    assert {book["owner"] for book in world.read(BOOKS, owner=account)["data"]} == {account}
    for book in ("fa_none:cash:usd", "nonsense", f"{account}:cash"):
        assert world.get(f"{BOOKS}/{book}").status == 404
