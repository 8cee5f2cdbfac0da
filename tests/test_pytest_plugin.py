"""The pytest plugin, as a project that has installed it meets it: in a folder and a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from emulator.testing import running

PLUGIN = "emulator.pytest_plugin"
CHECKOUT = Path(__file__).parent.parent


def project(folder: Path, test: str, *arguments: str, ini: str = "", **environment: str) -> str:
    """What pytest prints for a project of one file of tests."""
    (folder / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
    (folder / "test_project.py").write_text(test)
    # Named, since the plugins of this project's own tests would be found too; tests/test_wheel.py has it found.
    plugins = ["-p", PLUGIN, "-p", "xdist", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", *plugins, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        timeout=180,
    )
    return ended.stdout + ended.stderr


def test_a_test_has_a_world_of_its_own_with_nothing_said_before(tmp_path):
    said = project(
        tmp_path,
        """
def test_one(stripe_world):
    card = stripe_world.card(financial_account=stripe_world.financial_account(funded=50_00))
    assert stripe_world.purchase(card, 20_00, merchant="Rocket Bakery").approved
    assert stripe_world.api_key.startswith("sk_test_test_one_") and stripe_world.base_url.startswith("http://127.0.0.1:")

def test_another(stripe_world):
    assert stripe_world.client().v1.accounts.list().data == []
""",
    )

    assert "2 passed" in said


def test_a_failing_test_shows_what_its_world_was_asked_and_refused(tmp_path):
    said = project(
        tmp_path,
        """
import pytest, stripe

def test_it(stripe_world):
    card = stripe_world.card(funded=5_00)
    with pytest.raises(stripe.InvalidRequestError):
        stripe_world.cardholder(type="robot")
    assert stripe_world.purchase(card, 5_01).approved
""",
    )

    shown = said[said.index("stripe-emulator") :]
    assert "1 failed" in said
    assert "POST /v1/issuing/cards 200" in shown
    assert re.search(r"POST /v1/issuing/cardholders 400: .*type", shown)
    assert re.search(r"iauth_\w+ declined by: \$5.01 would be held, and \$5.00 can be spent", shown)
    assert "/_emulator/" not in shown


def test_ids_are_the_same_in_every_run(tmp_path):
    test = "def test_it(stripe_world):\n    print('made', stripe_world.client().v1.customers.create().id)"

    ids = [re.findall(r"made (cus_\w+)", project(tmp_path, test)) for _ in range(2)]

    assert len(ids[0]) == 1 and ids[0][0][-8:] == ids[1][0][-8:]  # its beginning tells the time


def test_an_emulator_that_runs_already_is_used_and_left_as_it_was(tmp_path):
    with running() as url:
        said = project(
            tmp_path,
            "def test_it(stripe_emulator, stripe_world):\n    stripe_world.card()\n    print('at', stripe_emulator)",
            STRIPE_EMULATOR_URL=url,
        )
        worlds = subprocess.run(
            [sys.executable, "-m", "emulator.cli", "worlds", "--url", url],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
        ).stdout

    assert f"at {url}" in said and "1 passed" in said
    assert "test_it" not in worlds


def test_the_server_is_started_with_the_options_of_the_project(tmp_path):
    said = project(
        tmp_path,
        "def test_it(stripe_world):\n    assert stripe_world.client().v1.accounts.retrieve_current().country == 'GB'",
        ini="stripe_emulator_options = --country GB",
    )

    assert "1 passed" in said


def test_each_test_starts_from_the_world_that_the_project_or_a_mark_names(tmp_path):
    said = project(
        tmp_path,
        """
import pytest

def accounts(world):
    return [account.business_profile.name for account in world.client().v1.accounts.list().data]

@pytest.mark.parametrize("number", range(2))
def test_expenses(stripe_world, number):
    assert accounts(stripe_world) == ["Rocket Rides"]
    stripe_world.connected_account()

@pytest.mark.stripe_emulator_fixture("demo")
def test_demo(stripe_world):
    assert accounts(stripe_world) == ["Rocket Bakery"]

@pytest.mark.stripe_emulator_fixture("")
def test_empty(stripe_world):
    assert accounts(stripe_world) == []
""",
        "--strict-markers",
        ini="stripe_emulator_fixture = expense_management",
    )

    assert "4 passed" in said


def test_workers_do_not_meet(tmp_path):
    said = project(
        tmp_path,
        """
import pytest

@pytest.mark.parametrize("number", range(12))
def test_it(stripe_world, number):
    stripe_world.client().v1.customers.create()
    assert len(stripe_world.client().v1.customers.list().data) == 1
""",
        "-n",
        "3",
    )

    assert "12 passed" in said


def test_on_a_database_workers_and_runs_do_not_meet_and_leave_no_world_behind(tmp_path, database):
    test = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it(stripe_world, number):
    assert len(stripe_world.client().v1.accounts.list().data) == 1
    stripe_world.connected_account()
    print("key", stripe_world.api_key)
"""
    ini = f"stripe_emulator_options = --database {database}\nstripe_emulator_fixture = demo"

    said = [project(tmp_path, test, "-n", "2", ini=ini) for _ in range(2)]
    with running("--database", database) as url:
        left = httpx.get(f"{url}/_emulator/worlds", trust_env=False).json()["data"]

    assert all("4 passed" in one for one in said)
    assert len({key for one in said for key in re.findall(r"key (sk_test_\w+)", one)}) == 8
    assert left == []


def test_a_project_that_does_not_use_it_starts_no_server(tmp_path):
    said = project(
        tmp_path,
        """
import sys

def test_it():
    print("loaded", sorted(name for name in sys.modules if name.startswith("emulator")))
""",
    )

    assert f"loaded ['emulator', '{PLUGIN}']" in said
