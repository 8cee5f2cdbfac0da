"""The worlds in fixtures/, and the demo that starts from one of them."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from bench.running import Running
from emulator import fixtures
from emulator.first_steps import DEMO_KEY
from tests.client import Client
from tests.issuing.purchases import findings
from tools import worlds

FILES = sorted((Path(__file__).parent.parent / "fixtures").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_world_can_be_built(app, key, file):
    read = fixtures.read(file)

    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://localhost") as http:
        replies = fixtures.run(read, http, key)

    assert list(replies) == [step.name for step in read.steps]


@pytest.mark.parametrize("name", worlds.WORLDS)
def test_a_written_world_is_what_its_page_makes_of_it(name):
    assert fixtures.shipped(name).read_text() == worlds.written(name)


def test_every_world_says_what_it_is():
    assert [fixtures.read(file).says for file in FILES if not fixtures.read(file).says] == []


def built(app: Flask, key: str, name: str) -> tuple[Client, dict[str, Any]]:
    """A shipped world, and the replies of its steps."""
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://localhost") as http:
        return Client(app, key), fixtures.run(fixtures.read(fixtures.shipped(name)), http, key)


def declines(platform: Client) -> set[str]:
    """The reasons of what was declined, in the words of the API."""
    happened = platform.read("/_emulator/events/wait", type="issuing_authorization.created", timeout_ms=0, limit=100)
    decided = [event["data"]["object"] for event in happened["data"]]
    return {one["request_history"][-1]["reason"] for one in decided if not one["approved"]}


def test_there_is_a_dispute_in_every_state(app, key):
    platform, made = built(app, key, "disputes")
    owner = platform.acting_as(made["account"]["id"])

    found = [one["status"] for one in owner.read("/v1/issuing/disputes", limit=100)["data"]]

    assert set(found) == {"unsubmitted", "submitted", "won", "lost", "expired"} and len(found) == 10
    assert findings(platform) == []


def test_expenses_are_declined_for_their_limits_and_categories(app, key):
    platform, made = built(app, key, "expense_management")
    cards = platform.acting_as(made["account"]["id"]).read("/v1/issuing/cards")["data"]

    assert {card["metadata"]["team"] for card in cards} == {"Engineering", "Sales", "Office"}
    assert declines(platform) == {"spending_controls"}
    assert findings(platform) == []


def test_what_is_restricted_declines_for_its_reason(app, key):
    platform, made = built(app, key, "restricted")

    assert declines(platform) == {"account_disabled", "card_inactive", "cardholder_inactive"}
    assert platform.read(f"/v1/accounts/{made['account_2']['id']}")["requirements"]["disabled_reason"].startswith(
        "rejected"
    )
    assert findings(platform) == []


def test_a_card_of_an_agent_pays_once(app, key):
    platform, made = built(app, key, "agents")
    cards = platform.acting_as(made["account"]["id"]).read("/v1/issuing/cards")["data"]

    assert {(card["metadata"]["task"], card["status"]) for card in cards} == {
        ("done", "canceled"),
        ("over budget", "active"),
        ("waiting", "active"),
    }
    assert declines(platform) == {"card_canceled", "spending_controls"}


def test_of_the_accounts_in_trouble_one_is_through(app, key):
    platform, _ = built(app, key, "onboarding")
    accounts = platform.read("/v1/accounts")["data"]

    able = {account["email"]: account["capabilities"]["card_issuing"] for account in accounts}
    errors = {account["email"]: [one["code"] for one in account["requirements"]["errors"]] for account in accounts}

    assert able == dict.fromkeys(able, "inactive") | {"all.well@example.com": "active"}
    assert errors["address.wrong@example.com"] == ["verification_failed_address_match"]
    assert errors["number.wrong@example.com"] == ["verification_failed_id_number_match"]


def test_a_trip_has_its_flight_its_nights_and_its_fuel(app, key):
    platform, made = built(app, key, "travel")
    owner = platform.acting_as(made["account"]["id"])

    bought = owner.read("/v1/issuing/transactions", limit=100, expand=["data.purchase_details"])["data"]

    told = {name for one in bought for name, value in (one["purchase_details"] or {}).items() if value}
    assert {"flight", "fuel", "lodging"} <= told
    assert "refund" in {one["type"] for one in bought}
    assert findings(platform) == []


def test_a_month_has_passed_with_fifty_cardholders(app, key):
    began = Client(app, key).read("/_emulator/clock")["now"]
    platform, made = built(app, key, "month")
    owner = platform.acting_as(made["account"]["id"])

    holders = [owner.read("/v1/issuing/cardholders", limit=100)["data"]]
    bought = owner.read("/v1/issuing/transactions", limit=100)

    assert len(holders[0]) == 50 and bought["has_more"]
    assert platform.read("/_emulator/clock")["now"] - began >= 30 * 86_400
    assert findings(platform) == []


@pytest.mark.parametrize("name, country, currency", [("uk", "GB", "gbp"), ("eu", "IE", "eur")])
def test_the_worlds_in_europe_are_on_the_platforms_own_account_in_its_currency(app, key, name, country, currency):
    platform = Client(app, key)
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://localhost") as http:
        replies = fixtures.run(fixtures.read(fixtures.shipped(name)), http, key)

    assert platform.read("/v1/account")["country"] == country
    assert [entry["currency"] for entry in platform.read("/v1/balance")["issuing"]["available"]] == [currency]
    assert replies["funding_instructions"]["currency"] == currency
    assert replies["captured_abroad"]["transactions"][0]["merchant_currency"] != currency
    assert platform.read(f"/v1/issuing/disputes/{replies['dispute']['id']}")["status"] == "submitted"
    assert (replies["open_purchase"]["approved"], replies["declined_purchase"]["approved"]) == (True, False)
    assert findings(platform) == []


@pytest.mark.parametrize("country, purchases", [("US", 3), ("GB", 4), ("FR", 3)])
def test_the_demo_prints_a_key_and_three_commands_that_work(country, purchases):
    with the_demo("--country", country) as printed:
        outcomes = [
            subprocess.run(["bash", "-c", on_path(text)], capture_output=True, text=True, timeout=60)
            for text in tried(printed)
        ]

    assert DEMO_KEY in printed
    why, listed, bought = (outcome.stdout for outcome in outcomes)
    assert '"object": "list"' in listed and listed.count('"object": "issuing.authorization"') == purchases
    assert '"approved": true' in bought
    assert why.startswith("declined by: the card blocks merchants of betting_casino_gambling\n")


def test_in_a_database_the_demo_is_built_once_whichever_way_the_database_is_named(database):
    with the_demo("--database", database) as printed:
        first = tried(printed)
        bought = subprocess.run(["bash", "-c", first[2]], capture_output=True, text=True, timeout=60).stdout

    with the_demo("--workers", "2", STRIPE_EMULATOR_DATABASE=database) as printed:
        again = tried(printed)
        why, listed = (
            subprocess.run(["bash", "-c", on_path(text)], capture_output=True, text=True, timeout=60).stdout
            for text in again[:2]
        )

    assert '"approved": true' in bought
    assert [without_address(text) for text in again] == [without_address(text) for text in first]
    assert listed.count('"object": "issuing.authorization"') == 3 + 1  # and what was bought before
    assert why.startswith("declined by: the card blocks merchants of betting_casino_gambling\n")


def test_a_demo_on_a_world_that_is_another_leaves_it_alone_and_says_what_works_on_any(database):
    with Running(database, "--quiet") as server:
        made = httpx.post(f"{server.url}/v1/customers", auth=(DEMO_KEY, ""), data={"name": "Ada"}).json()["id"]

    with the_demo("--database", database) as printed:
        url = re.search(r"Ready: (\S+) ", printed)[1]
        customers = httpx.get(f"{url}/v1/customers", auth=(DEMO_KEY, "")).json()["data"]
        accounts = httpx.get(f"{url}/v1/accounts", auth=(DEMO_KEY, "")).json()["data"]

    assert ([one["id"] for one in customers], accounts) == ([made], [])
    assert "Connected account" not in printed and f"/v1/balance -u {DEMO_KEY}:" in printed


@contextmanager
def the_demo(*options: str, **environment: str) -> Iterator[str]:
    """A demo that runs, and what it printed until all had been said."""
    command = [sys.executable, "-m", "emulator.cli", "demo", "--port", "0", "--quiet", *options]
    demo = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | environment
    )
    patience = threading.Timer(60, demo.kill)
    patience.start()
    try:
        printed = ""
        for line in demo.stdout:
            printed += line
            if "-d amount=2500" in line or "why iauth_…" in line or "could not be built" in line:
                break
        patience.cancel()
        yield printed
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(20)
        demo.stdout.close()


def tried(printed: str) -> list[str]:
    """The commands that it says to try."""
    return re.findall(r"^  # .+\n((?:  .+\n)+)", printed, re.MULTILINE)


def without_address(text: str) -> str:
    """A printed command without the port, which is another one each time."""
    return re.sub(r"127\.0\.0\.1:\d+", "", text)


def on_path(text: str) -> str:
    """A printed command, with `stripe-emulator` found without being installed."""
    return text.replace("stripe-emulator", f"{shlex.quote(sys.executable)} -m emulator.cli")
