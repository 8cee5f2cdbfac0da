"""Worlds, webhooks and the clock, as somebody with a failing test uses them: in a real Chromium, wide and narrow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browsers import Tab
from tests.dashboard.conftest import Demo
from tests.dashboard.people import WIDTHS, Person
from tests.receivers import Receiver, Reply, receiving

HEARS = "issuing_authorization.created"
BUY = "/v1/test_helpers/issuing/authorizations"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures of the pages are kept: in a folder that the environment names, else with the test."""
    return Path(os.environ.get("DASHBOARD_PICTURES") or tmp_path / "pictures")


@pytest.fixture
def demo(demo: Demo) -> Demo:
    """The demo world, whose webhooks leave by themselves."""
    demo.app.emulator.background.start()  # type: ignore[attr-defined]
    return demo


@pytest.fixture
def consumer() -> Iterator[Receiver]:
    """A server that answers 500 until a test says otherwise."""
    with receiving(lambda arrived: Reply(500, b'{"error": "<b>KeyError</b>"}')) as receiver:
        yield receiver


def ask(demo: Demo, world: str, verb: str, path: str, account: str | None = None, **params: Any) -> Any:
    """What code elsewhere asks of a world meanwhile."""
    tenant = demo.app.emulator.tenants.open(world)  # type: ignore[attr-defined]
    inside = demo.app.emulator.dashboard.inside  # type: ignore[attr-defined]
    return inside.call(tenant, verb, path, params, account=account, origin=demo.url)


@pytest.mark.parametrize("width", WIDTHS)
def test_from_a_new_world_to_a_failing_webhook_a_week_later_and_back(
    tab: Tab, demo: Demo, consumer: Receiver, width: str, pictures: Path
) -> None:
    person = Person(tab, width)
    person.open(demo.link)
    person.open(f"{demo.url}/dashboard/worlds")
    person.types("name", "shop", within="#new-world")
    person.press("Make it")
    person.reads("The world shop is made.", "made from demo")
    person.sees(pictures, f"laboratory-1-worlds-{width}")

    person.goes_to("Events")
    person.press("Endpoints")
    person.reads("New endpoint", "Types of events")
    person.types("url", consumer.url)
    person.types("types", HEARS)
    person.press("Make it")
    person.reads("Its secret, which is not shown again: whsec_", "Nothing was sent to it.")

    person.goes_to("Terminal")
    person.reads("Blue Fig Coffee")
    person.types("amount", "12.00")
    person.press("Blue Fig Coffee")
    person.press("Swipe")
    person.reads("Approved")

    person.goes_to("Events")
    person.reads(HEARS, "Blue Fig Coffee, $12.00", "500 in", "KeyError", "0 of 1 acknowledged", "Verdict on /hook")
    person.sees(pictures, f"laboratory-2-event-{width}")
    consumer.answer = lambda arrived: Reply(200)
    person.press("Send again")
    person.reads("Sent again. The answer was 200 in", "2 of 2 acknowledged")
    assert [one.event["type"] for one in consumer.arrived] == [HEARS, HEARS]

    person.goes_to("Clock")
    person.reads("A hold of $12.00 expires", "Blue Fig Coffee, made")
    person.press("Frozen")
    person.reads("Frozen. Time stands still until you move it")
    person.open(f"{demo.url}/dashboard/worlds")
    person.types("name", "before the week", within="#keep")
    person.press("Take a snapshot")
    person.reads("Snapshot “before the week” taken.")

    person.goes_to("Clock")
    person.press("+1 week")
    person.reads("2 holds expired", "Moved 7 days forward")
    assert "A hold of $12.00 expires" not in person.text
    person.goes_to("Purchases")
    person.reads("Blue Fig Coffee", "expired")

    person.open(f"{demo.url}/dashboard/worlds")
    person.press("Restore")
    person.press("Restore it")
    person.reads("Restored “before the week”.")
    person.goes_to("Clock")
    person.reads("A hold of $12.00 expires")

    assert person.complaints(demo.host) == []


def test_events_and_the_clock_follow_what_happens_elsewhere(tab: Tab, demo: Demo, consumer: Receiver) -> None:
    person = Person(tab, "wide")
    ask(demo, "demo", "POST", "/v1/webhook_endpoints", url=consumer.url, enabled_events=[HEARS], connect=True)
    person.open(demo.link)
    person.open(f"{demo.url}/dashboard/events")
    person.reads("Live · ")
    tab.run("window.stays = true")

    account, card = demo.made["account"]["id"], demo.made["card"]["id"]
    bought = {"card": card, "amount": 12_34, "merchant_data": {"name": "Tin Roof Hardware"}}
    ask(demo, "demo", "POST", BUY, account=account, **bought)
    person.reads("Tin Roof Hardware, $12.34", "500")
    assert tab.run("window.stays") is True

    person.open(f"{demo.url}/dashboard/clock")
    person.reads("Live · ", "A hold of $12.34 expires")
    tab.run("window.stays = true")
    ask(demo, "demo", "POST", "/_emulator/clock", advance=8 * 86_400, frozen=True)
    person.reads("Moved 8 days forward", "Nothing falls due.", "frozen")
    assert tab.run("window.stays") is True

    assert person.complaints(demo.host) == []
