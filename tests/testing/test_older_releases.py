"""The oldest release of the official package that `World` says it works with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import packages

OLDEST = "11.0.0"
CHECKOUT = Path(__file__).parent.parent.parent
STORY = """
import stripe
from emulator.testing import InProcess

with InProcess() as emulator:
    world = emulator.world("sk_test_oldest")
    card = world.card(financial_account=world.financial_account(funded=50_00))
    bought = world.purchase(card, 20_00, capture=True)
    print(stripe.VERSION, bought.status, bought.stripe_account == card.stripe_account != None, len(world.events()) > 5)
"""


@pytest.mark.pypi
def test_the_oldest_release_that_is_named_does() -> None:
    try:
        folder = packages.from_pypi("stripe", OLDEST)
    except packages.Unreachable as reason:
        pytest.skip(str(reason))

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(CHECKOUT)])}
    told = subprocess.run([sys.executable, "-c", STORY], env=environment, capture_output=True, text=True, timeout=120)

    assert told.stdout == f"{OLDEST} closed True True\n", told.stderr
