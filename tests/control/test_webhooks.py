"""The inbox for those who have no server, and what drain and the lists of attempts tell."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.client import Client
from tests.issuing.holders import a_card, a_cardholder, a_connected_account
from tests.receivers import Reply, receiving

WAIT = "/_emulator/events/wait"


def types(reply: dict[str, Any]) -> list[str]:
    """The types of what came."""
    return [event["type"] for event in reply["data"]]


def test_what_has_happened_already_is_there_at_once(platform):
    a_card(platform)

    assert types(platform.read(WAIT)) == ["issuing_cardholder.created", "issuing_card.created"]
    assert types(platform.read(WAIT, type="issuing_card.created")) == ["issuing_card.created"]
    assert types(platform.read(WAIT, type="issuing_card*", limit=1)) == ["issuing_cardholder.created"]
    assert platform.read(WAIT, type="issuing_card*", limit=1)["has_more"] is True


def test_after_an_event_only_later_ones_count(platform):
    card = a_card(platform)
    first = platform.read(WAIT)["data"][0]["id"]

    assert types(platform.read(WAIT, after=first)) == ["issuing_card.created"]
    assert types(platform.read(WAIT, object=card["id"])) == ["issuing_card.created"]
    assert platform.get(WAIT, after="evt_none").status == 400


def test_it_waits_until_something_happens(platform):
    waiting = threading.Event()
    came: list[dict[str, Any]] = []
    other = Client(platform.app, platform.key)

    def wait() -> None:
        waiting.set()
        came.append(other.read(WAIT, type="issuing_cardholder.created", timeout_ms=20_000))

    waiter = threading.Thread(target=wait)
    waiter.start()
    waiting.wait(20)
    holder = a_cardholder(platform)
    waiter.join(20)

    assert [event["data"]["object"]["id"] for event in came[0]["data"]] == [holder["id"]]


def test_it_comes_back_empty_when_time_runs_out(platform):
    began = time.monotonic()

    assert platform.read(WAIT, type="issuing_card.created", timeout_ms=30)["data"] == []
    assert time.monotonic() - began < 5


def test_events_of_connected_accounts_say_whose_they_are(platform):
    account = a_connected_account(platform, "card_issuing")
    a_cardholder(account)
    a_cardholder(platform)

    theirs = platform.read(WAIT, type="issuing_cardholder.created", account=account.account)["data"]
    both = platform.read(WAIT, type="issuing_cardholder.created")["data"]

    assert [(event["account"], event["context"]) for event in theirs] == [(account.account, account.account)]
    assert ["account" in event for event in both] == [True, False]


def test_attempts_and_deliveries_tell_what_became_of_an_event(platform):
    with receiving(lambda arrived: Reply(500, b"no", {"X-Why": "tired"})) as receiver:
        endpoint = platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["*"])
        a_cardholder(platform)
        event = platform.events()[0]

        drain = platform.made("/_emulator/webhooks/drain")

        (attempt,) = platform.read("/_emulator/webhooks/attempts", event=event["id"])["data"]
        assert (attempt["status"], attempt["response_body"], attempt["response_headers"]["x-why"]) == (
            500,
            "no",
            "tired",
        )
        assert (attempt["webhook_endpoint"], attempt["number"], attempt["reason"]) == (endpoint["id"], 1, "event")
        assert attempt["duration_ms"] >= 0 and attempt["created"] >= event["created"]
        (line,) = platform.read("/_emulator/webhooks/deliveries", event=event["id"])["data"]
        assert (line["state"], line["attempts"], line["next_attempt_at"]) == ("waiting", 1, event["created"] + 300)
        assert drain == {
            "object": "emulator.drain",
            "drained": True,
            "failed": 1,
            "next_attempt_at": event["created"] + 300,
            "succeeded": 0,
            "waiting": 1,
        }
        assert platform.read("/_emulator/webhooks/attempts", webhook_endpoint="we_none")["data"] == []


def test_an_attempt_keeps_the_signature_that_was_sent(platform: Client) -> None:
    with receiving() as receiver:
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_cardholder.created"])
        a_cardholder(platform)
        platform.made("/_emulator/webhooks/drain")

        attempt = platform.read("/_emulator/webhooks/attempts")["data"][0]

    assert attempt["signature"] == receiver.arrived[0].headers["stripe-signature"]


# Deliveries of all events


def test_deliveries_of_all_events_are_one_list_with_the_last_attempt_of_each(platform: Client) -> None:
    platform.clock(frozen=True)
    with receiving(lambda arrived: Reply(500)) as receiver:
        endpoint = platform.made(
            "/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_cardholder.created"]
        )
        holders = [a_cardholder(platform) for _ in range(3)]
        platform.made("/_emulator/webhooks/drain")

        found = platform.read("/_emulator/webhooks/deliveries")

    assert [one["about"] for one in found["data"]] == [holder["id"] for holder in reversed(holders)]
    newest = found["data"][0]
    assert (newest["type"], newest["webhook_endpoint"], newest["url"]) == (
        "issuing_cardholder.created",
        endpoint["id"],
        endpoint["url"],
    )
    assert (newest["state"], newest["attempts"], newest["next_attempt_at"]) == ("waiting", 1, newest["created"] + 300)
    assert (newest["last_attempt"]["status"], newest["last_attempt"]["created"]) == (500, newest["created"])


@pytest.mark.parametrize(
    "params, places, has_more",
    [
        ({"limit": 2}, [3, 2], True),
        ({"limit": 2, "starting_after": 2}, [1], False),
        ({"limit": 1, "ending_before": 1}, [2], True),
        ({"state": "waiting"}, [3, 2, 1], False),
        ({"state": "delivered"}, [], False),
        ({"type": "issuing_cardholder.*"}, [3, 2, 1], False),
        ({"type": "issuing_card.*"}, [], False),
        ({"webhook_endpoint": "we_none"}, [], False),
    ],
)
def test_the_list_of_deliveries_is_paged_and_narrowed(
    platform: Client, params: dict[str, Any], places: list[int], has_more: bool
) -> None:
    platform.made("/v1/webhook_endpoints", url="http://127.0.0.1:9/hook", enabled_events=["issuing_cardholder.created"])
    for _ in range(3):
        a_cardholder(platform)

    page = platform.read("/_emulator/webhooks/deliveries", **params)

    assert ([one["delivery"] for one in page["data"]], page["has_more"]) == (places, has_more)


def test_deliveries_of_some_events_are_asked_for_at_once(platform: Client) -> None:
    platform.made("/v1/webhook_endpoints", url="http://127.0.0.1:9/hook", enabled_events=["issuing_cardholder.created"])
    for _ in range(3):
        a_cardholder(platform)
    newest, _, oldest = platform.read("/v1/events")["data"]

    found = platform.read("/_emulator/webhooks/deliveries", events=[oldest["id"], newest["id"], "evt_none"])

    assert [one["event"] for one in found["data"]] == [newest["id"], oldest["id"]]


def test_deliveries_cannot_be_paged_both_ways_at_once(platform: Client) -> None:
    refused = platform.get("/_emulator/webhooks/deliveries", starting_after=1, ending_before=3)

    assert refused.status == 400
