"""Events: filters by delivery, and sending one again."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.client import Client
from tests.issuing.holders import a_cardholder, a_connected_account
from tests.receivers import PATIENCE_SECONDS, Arrived, Reply, receiving

ENDPOINTS = "/v1/webhook_endpoints"


def endpoint(client: Client, url: str, **more: Any) -> str:
    """An endpoint for cardholders; its id."""
    return client.made(ENDPOINTS, **{"url": url, "enabled_events": ["issuing_cardholder.created"], **more})["id"]


def happened(client: Client) -> str:
    """A cardholder was created; the id of that event."""
    a_cardholder(client)
    return client.events(type="issuing_cardholder.created")[-1]["id"]


def drained(client: Client) -> dict[str, Any]:
    """Deliver everything that is due."""
    return client.made("/_emulator/webhooks/drain")


def ids(client: Client, **filters: Any) -> list[str]:
    """The ids of the events that a list shows, newest first."""
    return [event["id"] for event in client.read("/v1/events", **filters)["data"]]


def test_the_list_tells_apart_what_all_endpoints_acknowledged(platform):
    unheard = happened(platform)
    with receiving() as receiver:
        endpoint(platform, receiver.url)
        heard = happened(platform)
        drained(platform)
        receiver.answer = lambda arrived: Reply(500)
        failed = happened(platform)
        drained(platform)
        waiting = happened(platform)

        assert ids(platform, delivery_success=True) == [heard, unheard]
        assert ids(platform, delivery_success=False) == [waiting, failed]
        assert ids(platform, delivery_success=False, limit=1) == [waiting]
        assert ids(platform, delivery_success=False, limit=1, starting_after=waiting) == [failed]
        assert ids(platform, delivery_success=True, type="issuing_card.*") == []


def test_pending_webhooks_counts_down_as_endpoints_acknowledge(platform):
    is_counted = threading.Event()

    def answer(arrived: Arrived) -> Reply:
        return Reply(200 if is_counted.wait(PATIENCE_SECONDS) else 500)

    with receiving(answer) as one, receiving(lambda arrived: Reply(500)) as other:
        endpoint(platform, one.url)
        endpoint(platform, other.url)

        event = happened(platform)
        counts = [platform.read(f"/v1/events/{event}")["pending_webhooks"]]
        is_counted.set()
        drained(platform)
        counts.append(platform.read(f"/v1/events/{event}")["pending_webhooks"])
        other.answer = lambda arrived: Reply()
        platform.clock(advance=300)
        drained(platform)
        counts.append(platform.read(f"/v1/events/{event}")["pending_webhooks"])

        assert counts == [2, 1, 0]


def test_an_event_can_be_sent_to_one_endpoint_again(platform):
    with receiving() as one, receiving() as other:
        chosen = endpoint(platform, one.url)
        endpoint(platform, other.url)
        event = happened(platform)
        drained(platform)

        reply = platform.made(f"/v1/events/{event}/retry", webhook_endpoint=chosen)
        drained(platform)

        assert (reply["id"], reply["pending_webhooks"]) == (event, 0)
        assert [len(receiver.arrived) for receiver in (one, other)] == [2, 1]
        lines = platform.read("/_emulator/webhooks/deliveries", event=event)["data"]
        assert [line["reason"] for line in lines] == ["event", "event", "resend"]


def test_without_an_endpoint_named_all_that_hear_it_get_it_again(platform):
    with receiving() as one, receiving() as other:
        endpoint(platform, one.url)
        endpoint(platform, other.url)
        event = happened(platform)
        drained(platform)

        platform.made(f"/v1/events/{event}/retry")
        platform.made(f"/v1/events/{event}/retry", for_stripecli=True)
        drained(platform)

        assert [len(receiver.arrived) for receiver in (one, other)] == [2, 2]


def test_a_resend_that_succeeds_acknowledges_but_does_not_end_the_retries(platform):
    with receiving(lambda arrived: Reply(500)) as receiver:
        endpoint(platform, receiver.url)
        event = happened(platform)
        drained(platform)
        receiver.answer = lambda arrived: Reply()

        platform.made(f"/v1/events/{event}/retry")
        drained(platform)
        acknowledged = platform.read(f"/v1/events/{event}")["pending_webhooks"]
        platform.clock(advance=300)
        drained(platform)

        assert (acknowledged, len(receiver.arrived)) == (0, 3)


def test_the_platform_sends_an_event_of_a_connected_account_again(platform):
    account = a_connected_account(platform, "card_issuing")
    with receiving() as receiver:
        endpoint(platform, receiver.url, connect=True)
        event = happened(account)
        drained(platform)

        unnamed = platform.post(f"/v1/events/{event}/retry")
        named = platform.made(f"/v1/events/{event}/retry", account=account.account)
        stranger = platform.post(f"/v1/events/{event}/retry", account="acct_stranger")
        drained(platform)

        assert (unnamed.status, named["id"], stranger.status) == (404, event, 400)
        assert [one["account"] for one in receiver.events] == [account.account] * 2


@pytest.mark.parametrize("filters", [{"webhook_endpoint": "we_none"}, {"webhook_endpoint": "cliws_none"}])
def test_an_unknown_endpoint_is_named(platform, filters):
    event = happened(platform)

    refusal = platform.post(f"/v1/events/{event}/retry", **filters)

    assert (refusal.status, refusal.error["param"]) == (400, "webhook_endpoint")


def test_a_disabled_endpoint_gets_nothing_again(platform):
    chosen = endpoint(platform, "http://127.0.0.1:9/")
    event = happened(platform)
    platform.made(f"{ENDPOINTS}/{chosen}", disabled=True)

    refusal = platform.post(f"/v1/events/{event}/retry", webhook_endpoint=chosen)

    assert (refusal.status, refusal.error["message"]) == (400, "This webhook endpoint is disabled.")


def test_an_event_older_than_thirty_days_cannot_be_sent_again(platform):
    event = happened(platform)
    platform.clock(advance=31 * 24 * 60 * 60)

    assert platform.post(f"/v1/events/{event}/retry").status == 404
