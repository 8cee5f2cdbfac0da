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
from emulator.cli import DEMO_KEY

FILES = sorted((Path(__file__).parent.parent / "fixtures").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_world_can_be_built(app, key, file):
    read = fixtures.read(file)

    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://emulator") as http:
        replies = fixtures.run(read, http, key)

    assert list(replies) == [step.name for step in read.steps]


def test_every_world_says_what_it_is():
    assert [fixtures.read(file).says for file in FILES if not fixtures.read(file).says] == []


def test_the_demo_prints_a_key_and_three_commands_that_work(tmp_path):
    command = [sys.executable, "-m", "emulator.cli", "demo", "--port", "0", "--quiet"]
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
    assert '"object": "list"' in listed and listed.count('"object": "issuing.authorization"') == 3
    assert '"approved": true' in bought
    assert "betting_casino_gambling" in why


def on_path(text: str) -> str:
    """A printed command, with `stripe-emulator` found without being installed."""
    return text.replace("stripe-emulator", f"{shlex.quote(sys.executable)} -m emulator.cli")
