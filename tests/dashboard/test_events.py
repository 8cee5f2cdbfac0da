"""Events: what became of each, what consumers answered, sending again, endpoints, the verdict."""

from __future__ import annotations

import re

import pytest

from tests.issuing.holders import a_cardholder, a_connected_account
from tests.receivers import Reply, receiving

HOLDER = "issuing_cardholder.created"


@pytest.fixture
def consumer():
    """A server whose answer a test may change."""
    with receiving() as receiver:
        yield receiver


def told(platform, consumer, **more):
    """An endpoint that hears of new cardholders."""
    return platform.made("/v1/webhook_endpoints", url=consumer.url, enabled_events=[HOLDER], **more)


def newest(client):
    """The id of the newest event."""
    return client.events()[-1]["id"]


def test_events_are_listed_with_what_the_consumer_answered(platform, visitor, consumer):
    told(platform, consumer)
    a_cardholder(platform, name="Jenny Rosen")
    platform.made("/_emulator/webhooks/drain")
    consumer.answer = lambda arrived: Reply(500)
    a_cardholder(platform, name="Omar Small")
    platform.made("/_emulator/webhooks/drain")

    visitor.get("/dashboard/events")

    assert re.search(rf"{HOLDER} \d\d:\d\d Omar Small 500 {HOLDER} \d\d:\d\d Jenny Rosen 200", visitor.text)
    visitor.get("/dashboard/events?failed=1")
    assert "Omar Small" in visitor.text and "Jenny Rosen" not in visitor.text


def test_one_event_shows_attempts_answers_payload_and_the_request_that_caused_it(platform, visitor, consumer):
    consumer.answer = lambda arrived: Reply(500, b"<b>KeyError</b>")
    told(platform, consumer)
    holder = a_cardholder(platform)
    platform.made("/_emulator/webhooks/drain")
    event = platform.events()[-1]

    visitor.get(f"/dashboard/events/{event['id']}")

    assert "First attempt. Answered <b>KeyError</b>" in visitor.text
    assert "<b>KeyError" not in visitor.html
    sent = consumer.arrived[0].headers["stripe-signature"]
    assert "Stripe-Signature: " + sent.replace(",", ", ") in visitor.text
    assert "Next attempt in 4 min Move the clock to" in visitor.text or "Next attempt in 5 min" in visitor.text
    links = [link.partition("?")[0] for link in visitor.links()]
    assert f"/dashboard/requests/{event['request']['id']}" in links
    assert f"/dashboard/cardholders/{holder['id']}" in links
    assert f"curl http://127.0.0.1:12111/v1/events/{event['id']}" in visitor.text


def test_an_event_is_sent_again_and_the_answer_is_told(platform, visitor, consumer):
    consumer.answer = lambda arrived: Reply(500)
    told(platform, consumer)
    a_cardholder(platform)
    platform.made("/_emulator/webhooks/drain")
    event = newest(platform)
    visitor.get(f"/dashboard/events/{event}")
    consumer.answer = lambda arrived: Reply(200)

    visitor.post(f"/dashboard/events/{event}/resend")

    assert re.search(r"Sent again\. The answer was 200 in \d+ ms\.", visitor.text)
    assert [one.event["id"] for one in consumer.arrived] == [event, event]
    visitor.post(f"/dashboard/events/{event}/resend")
    assert len(consumer.arrived) == 3


def test_an_event_of_a_connected_account_is_sent_again_to_the_platforms_endpoint(platform, visitor, consumer):
    endpoint = told(platform, consumer, connect=True)
    account = a_connected_account(platform, "card_issuing", "transfers")
    a_cardholder(account)
    event = newest(account)
    visitor.get(f"/dashboard/events/{event}?account={account.account}")

    visitor.post(f"/dashboard/events/{event}/resend?account={account.account}", endpoint=endpoint["id"])

    assert "The answer was 200" in visitor.text
    assert [one.event["account"] for one in consumer.arrived] == [account.account] * 2


def test_who_hears_of_nothing_is_told_how_to_change_that(platform, visitor):
    a_cardholder(platform)

    visitor.get("/dashboard/events")

    assert f"Nobody was told. An endpoint that hears {HOLDER} would be." in visitor.text
    visitor.post(f"/dashboard/events/{newest(platform)}/resend")
    assert "Nobody to send it to." in visitor.text


def test_the_navigation_counts_what_nobody_has_acknowledged(platform, visitor, consumer):
    told(platform, consumer)
    visitor.get("/dashboard/clock")
    assert "unacknowledged" not in visitor.text

    consumer.answer = lambda arrived: Reply(500)
    for _ in range(10):
        a_cardholder(platform)
    platform.made("/_emulator/webhooks/drain")
    visitor.get("/dashboard/clock")

    assert "Events 10 unacknowledged" in visitor.text


def test_a_world_without_events_says_what_makes_one(visitor):
    visitor.get("/dashboard/events")

    assert "No event yet. The first purchase makes several." in visitor.text


def test_the_list_pages_by_cursor_and_asks_a_fixed_number_of_times(platform, visitor):
    for _ in range(27):
        a_cardholder(platform)

    visitor.get("/dashboard/events")
    calls = visitor.html.count("\ncurl ")
    older = next(link for link in visitor.links("/dashboard/events?after="))
    visitor.get(older)

    assert visitor.html.count('<li><a href="/dashboard/events/evt_') == 2
    assert visitor.html.count("\ncurl ") == calls


# Endpoints


def test_an_endpoint_is_made_and_its_secret_told_once(platform, visitor):
    visitor.get("/dashboard/endpoints")

    visitor.post(
        "/dashboard/endpoints", url="http://127.0.0.1:9/hook", types=f"{HOLDER}, issuing_card.created", hears="own"
    )

    made = platform.read("/v1/webhook_endpoints")["data"][0]
    assert (made["url"], made["enabled_events"]) == ("http://127.0.0.1:9/hook", [HOLDER, "issuing_card.created"])
    assert "whsec_" in visitor.text
    visitor.get(f"/dashboard/endpoints/{made['id']}")
    assert "whsec_" not in visitor.text


def test_an_address_that_is_none_is_refused_on_the_page(platform, visitor):
    visitor.get("/dashboard/endpoints")

    visitor.post("/dashboard/endpoints", url="nowhere", types="*", hears="own", back="/dashboard/endpoints")

    assert "Invalid URL: An explicit scheme" in visitor.text
    assert platform.read("/v1/webhook_endpoints")["data"] == []


def test_an_endpoint_is_switched_off_and_on_given_a_secret_and_deleted(platform, visitor, consumer):
    endpoint = told(platform, consumer)
    path = f"/dashboard/endpoints/{endpoint['id']}"
    visitor.get(path)

    visitor.post(path, disabled="true")
    assert platform.read(f"/v1/webhook_endpoints/{endpoint['id']}")["status"] == "disabled"
    visitor.post(path, disabled="false")
    assert platform.read(f"/v1/webhook_endpoints/{endpoint['id']}")["status"] == "enabled"
    visitor.post(f"{path}/roll")
    assert re.search(r"whsec_\w{32} The old one signs for a day more", visitor.text)
    visitor.post(f"{path}/delete")
    assert platform.get(f"/v1/webhook_endpoints/{endpoint['id']}").status == 404
    assert "is told of nothing any more" in visitor.text


def test_deliveries_of_an_endpoint_are_narrowed_by_how_they_stand(platform, visitor, consumer):
    consumer.answer = lambda arrived: Reply(503)
    endpoint = told(platform, consumer)
    a_cardholder(platform)
    platform.made("/_emulator/webhooks/drain")

    visitor.get(f"/dashboard/endpoints/{endpoint['id']}?state=waiting")
    assert "503 in" in visitor.text
    visitor.get(f"/dashboard/endpoints/{endpoint['id']}?state=delivered")
    assert "Nothing that is delivered was sent to it." in visitor.text


def test_the_verdict_names_what_a_consumer_did(platform, visitor, consumer):
    consumer.answer = lambda arrived: Reply(500)
    told(platform, consumer)
    a_cardholder(platform)
    platform.made("/_emulator/webhooks/drain")

    visitor.get("/dashboard/events")
    assert "Verdict on /hook: 1 of 1 attempts failed, 1 events were never acknowledged" in visitor.text
    visitor.get("/dashboard/verdict")
    assert "2 findings" in visitor.text
