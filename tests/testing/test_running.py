"""A server for as long as somebody needs it."""

from __future__ import annotations

import subprocess
import sys
import time

import httpx
import pytest

from emulator.testing import CannotStart, World, running

PATIENCE_SECONDS = 20


def answers(url: str) -> bool:
    """Whether anybody does."""
    try:
        return httpx.get(f"{url}/_emulator/health", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_server_runs_with_its_options_and_stops():
    with running("--country", "GB") as url:
        assert World(url, "sk_test_running").client().v1.accounts.retrieve_current().country == "GB"

    assert not answers(url)


def test_what_hinders_it_is_said():
    with pytest.raises(CannotStart, match="Cannot listen on 203.0.113.1"), running("--host", "203.0.113.1"):
        pass


def test_it_ends_with_whoever_started_it_however_that_ends():
    started = (
        "import os\nfrom emulator.testing import running\nserver = running()\nprint(server.__enter__(), flush=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", started + "os._exit(1)"], capture_output=True, text=True, timeout=60)
    url = ended.stdout.strip()

    until = time.monotonic() + PATIENCE_SECONDS
    while answers(url) and time.monotonic() < until:
        time.sleep(0.05)

    assert url.startswith("http://") and not answers(url)


def test_it_is_in_memory_unless_a_database_is_named_to_it(database, monkeypatch):
    monkeypatch.setenv("STRIPE_EMULATOR_DATABASE", database)
    with running() as url:
        World(url, "sk_test_running").client().v1.customers.create()

    with running(f"--database={database}") as url:
        before = len(World(url, "sk_test_running").client().v1.customers.list().data)
        World(url, "sk_test_running").client().v1.customers.create()
    with running("--database", database) as url:
        after = len(World(url, "sk_test_running").client().v1.customers.list().data)

    assert (before, after) == (0, 1)
