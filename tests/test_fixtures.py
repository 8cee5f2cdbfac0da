"""The worlds in fixtures/, and the demo that starts from one of them."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from emulator import fixtures
from emulator.first_steps import DEMO_KEY
from tests.client import Client
from tests.issuing.purchases import findings

FILES = sorted((Path(__file__).parent.parent / "fixtures").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_world_can_be_built(app, key, file):
    read = fixtures.read(file)

    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://emulator") as http:
        replies = fixtures.run(read, http, key)

    assert list(replies) == [step.name for step in read.steps]


def test_every_world_says_what_it_is():
    assert [fixtures.read(file).says for file in FILES if not fixtures.read(file).says] == []


@pytest.mark.parametrize("name, country, currency", [("uk", "GB", "gbp"), ("eu", "IE", "eur")])
def test_the_worlds_in_europe_are_on_the_platforms_own_account_in_its_currency(app, key, name, country, currency):
    platform = Client(app, key)
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://emulator") as http:
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
    command = [sys.executable, "-m", "emulator.cli", "demo", "--port", "0", "--quiet", "--country", country]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        printed = ""
        for line in demo.stdout:
            printed += line
            if "-d amount=2500" in line or "could not be built" in line:
                break
        tried = re.findall(r"^  # .+\n((?:  .+\n)+)", printed, re.MULTILINE)
        outcomes = [
            subprocess.run(["bash", "-c", on_path(text)], capture_output=True, text=True, timeout=60) for text in tried
        ]
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(20)

    assert DEMO_KEY in printed
    why, listed, bought = (outcome.stdout for outcome in outcomes)
    assert '"object": "list"' in listed and listed.count('"object": "issuing.authorization"') == purchases
    assert '"approved": true' in bought
    assert why.startswith("declined by: the card blocks merchants of betting_casino_gambling\n")


def on_path(text: str) -> str:
    """A printed command, with `stripe-emulator` found without being installed."""
    return text.replace("stripe-emulator", f"{shlex.quote(sys.executable)} -m emulator.cli")
