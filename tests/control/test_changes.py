"""What changed between two snapshots, since one, and since a request."""

from __future__ import annotations

from tests.client import Client
from tests.issuing.holders import a_cardholder
from tests.issuing.purchases import a_spender, authorize, done

CHANGES, SNAPSHOTS = "/_emulator/changes", "/_emulator/snapshots"


def snapshot(client: Client, name: str) -> None:
    client.made(SNAPSHOTS, name=name)


def test_what_is_new_and_different_since_a_snapshot_is_told_object_by_object(platform: Client) -> None:
    holder = a_cardholder(platform)
    snapshot(platform, "before")
    platform.made(f"/v1/issuing/cardholders/{holder['id']}", metadata={"team": "red"})
    other = a_cardholder(platform)

    told = platform.read(CHANGES, since="before")

    assert [one["id"] for one in told["created"]] == [other["id"]]
    (changed,) = told["changed"]
    assert (changed["id"], changed["object"]) == (holder["id"], "issuing.cardholder")
    assert changed["changed"] == [{"member": "metadata", "from": {"team": None}, "to": {"team": "red"}}]
    assert (told["deleted"], told["books"]) == ([], [])


def test_between_two_snapshots_books_tell_what_they_gained(platform: Client) -> None:
    card = a_spender(platform, 100_00)
    snapshot(platform, "before")
    authorization = authorize(platform, card, 10_00)
    snapshot(platform, "after")
    done(platform, authorization, "capture")

    told = platform.read(CHANGES, since="before", until="after")

    moved = {row["book"].split(":")[1]: row["to"] - row["from"] for row in told["books"]}
    assert moved == {"issuing": -10_00, "issuing_held": 10_00}
    assert authorization["id"] in [one["id"] for one in told["created"]]
    assert platform.read(CHANGES, since="after", until="before")["deleted"] == told["created"]


def test_since_a_request_it_is_what_events_have_told(platform: Client) -> None:
    holder = a_cardholder(platform)
    first = platform.events()[-1]["request"]["id"]
    for team in ("red", "blue"):
        platform.made(f"/v1/issuing/cardholders/{holder['id']}", metadata={"team": team})
    other = a_cardholder(platform)

    told = platform.read(CHANGES, since_request=first)

    (changed,) = told["changed"]
    assert (changed["id"], changed["events"]) == (holder["id"], ["issuing_cardholder.updated"] * 2)
    assert changed["changed"] == [{"member": "metadata", "from": {"team": None}, "to": {"team": "blue"}}]
    assert [one["id"] for one in told["created"]] == [other["id"]]


def test_secrets_are_in_no_difference(platform: Client) -> None:
    snapshot(platform, "before")
    card = a_spender(platform)

    told = platform.get(CHANGES, since="before")

    number = platform.read(f"/v1/issuing/cards/{card['id']}", expand=["number"])["number"]
    assert number.encode() not in told.body


def test_what_cannot_be_compared_is_refused(platform: Client) -> None:
    a_cardholder(platform)

    refusals = [
        platform.get(CHANGES),
        platform.get(CHANGES, since="none"),
        platform.get(CHANGES, since="none", since_request="req_1"),
        platform.get(CHANGES, since_request="req_none"),
        platform.get(CHANGES, since_request="req_none", until="x"),
    ]

    assert [refusal.status for refusal in refusals] == [400] * len(refusals)
