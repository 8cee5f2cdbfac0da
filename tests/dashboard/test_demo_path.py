"""The demo, as somebody without code gives it: in a real Chromium, on a wide screen and on a narrow one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browsers import Tab, until
from tests.dashboard.conftest import Demo
from tests.dashboard.people import WIDTHS, Person


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures of the pages are kept: in a folder that the environment names, else with the test."""
    return Path(os.environ.get("DASHBOARD_PICTURES") or tmp_path / "pictures")


@pytest.mark.parametrize("width", WIDTHS)
def test_from_the_first_swipe_to_a_refusal_by_restriction(tab: Tab, demo: Demo, width: str, pictures: Path) -> None:
    person = Person(tab, width)

    person.open(demo.link)
    person.reads("Overview", "Rocket Bakery", "Cash available", "$939.50")
    person.sees(pictures, f"path-1-overview-{width}")

    person.press("Swipe a card")
    person.types("amount", "480.00")
    person.press("Harbor View Hotel")
    person.press("Swipe")
    person.reads("declined", "Over the monthly limit", "$480.00 does not fit beside the $60.50 spent", "$500.00")
    person.reads("Declined: $480.00")  # on the cardholder's phone
    person.sees(pictures, f"path-2-declined-{width}")

    person.press("Raise it to $1,000, swipe again")
    person.reads("held", "Approved")
    person.press("Capture")
    person.reads("Captured $480.00.", "$480.00 at Harbor View Hotel", "What happened")
    assert person.path.startswith("/dashboard/authorizations/iauth_")

    person.types("amount", "38")
    person.press("Refund")
    person.reads("Refunded.", "$442.00")
    person.sees(pictures, f"path-3-refunded-{width}")

    person.press("Dispute the capture")
    person.chooses("outcome", "won")
    person.press("Dispute it")
    person.reads("Disputed.", "unsubmitted")
    person.press("Submit it")
    person.reads("Won.", "Money came back")
    person.sees(pictures, f"path-4-won-{width}")

    person.goes_to("Financial accounts")
    person.press("•• 7340")
    person.reads("Adds up", "Features")
    person.press("Restrict outbound flows")
    person.reads("Outbound flows are restricted.")
    person.sees(pictures, f"path-5-restricted-{width}")

    person.press("Swipe and see")
    person.press("Blue Fig Coffee")
    person.press("Swipe")
    person.reads("declined", "Outbound flows are restricted", "Lift the restriction, swipe again")
    person.press("Lift the restriction, swipe again")
    person.reads("Approved", "held")

    assert person.complaints(demo.host) == []


def test_a_page_follows_what_happens_without_being_loaded_again(tab: Tab, demo: Demo) -> None:
    person = Person(tab, "wide")
    person.open(demo.link)
    person.reads("Live · ", "1 open authorization")
    tab.run("window.stays = true")

    inside = demo.app.emulator.dashboard.inside
    tenant = demo.app.emulator.tenants.open("demo")
    account, card = demo.made["account"]["id"], demo.made["card"]["id"]
    sent = {"card": card, "amount": 12_34, "merchant_data": {"name": "Tin Roof Hardware"}}
    path = "/v1/test_helpers/issuing/authorizations"
    inside.call(tenant, "POST", path, sent, account=account, origin=demo.url)

    person.reads("Tin Roof Hardware", "$12.34", "2 open authorizations")
    assert tab.run("window.stays") is True
    assert person.complaints(demo.host) == []


def test_the_search_field_is_a_key_away_and_leads_to_the_object(tab: Tab, demo: Demo) -> None:
    person = Person(tab, "wide")
    person.open(demo.link)
    person.reads("Overview")

    tab.ask("Input.dispatchKeyEvent", type="keyDown", key="/", text="/")
    tab.ask("Input.insertText", text=demo.made["card"]["id"])
    tab.ask("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r")

    person.reads("Card •• ", "Show number and CVC")
    assert person.path == f"/dashboard/cards/{demo.made['card']['id']}"
    assert person.complaints(demo.host) == []


def test_what_somebody_opened_and_stands_on_outlives_a_swap(tab: Tab, demo: Demo) -> None:
    person = Person(tab, "wide")
    person.open(demo.link)
    person.open(f"{demo.url}/dashboard/financial_accounts/{demo.made['financial_account']['id']}")
    person.reads("Live · ", "Change")
    person.press("Change")
    tab.run("document.querySelector('#money details summary').focus(); window.first = document.getElementById('money')")

    inside, tenant = demo.app.emulator.dashboard.inside, demo.app.emulator.tenants.open("demo")
    sent = {"card": demo.made["card"]["id"], "amount": 12_34, "merchant_data": {"name": "Tin Roof Hardware"}}
    path, account = "/v1/test_helpers/issuing/authorizations", demo.made["account"]["id"]
    inside.call(tenant, "POST", path, sent, account=account, origin=demo.url)
    person.reads("Tin Roof Hardware")

    until(lambda: tab.run("document.getElementById('money') !== window.first"))
    until(lambda: tab.run("document.querySelector('#money details').open"))
    until(lambda: tab.run("document.activeElement === document.querySelector('#money details summary')"))
