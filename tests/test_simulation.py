"""Some worlds at once with everything that can go wrong around them: the short form of bench/simulation.py."""

from __future__ import annotations

import pytest

from bench.simulation import Violated, simulated
from emulator.kernel.database.ledger import Ledger

LONG, SHORT = range(1, 21), range(21, 101)


@pytest.mark.parametrize("seed", LONG)
def test_money_replies_and_neighbours_are_as_they_should_whatever_happens_around_them(seed: int) -> None:
    did = simulated(seed)

    assert did["succeeded"] > 50
    assert did["restart"] + did["kill"] > 0


@pytest.mark.parametrize("seed", SHORT)
def test_they_are_in_a_short_history_too(seed: int) -> None:
    assert simulated(seed, steps=50)["succeeded"] > 15


def test_a_seed_does_the_same_again() -> None:
    assert simulated(3, steps=20) == simulated(3, steps=20)


def test_a_failure_says_with_which_command_it_is_seen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "differing_totals", lambda ledger: iter([("cash", 1, 2)]))

    with pytest.raises(Violated) as failure:
        simulated(3, steps=5)

    assert "cash says 1, its lines 2" in str(failure.value)
    assert str(failure.value).endswith("To see it again: python -m bench.simulation --first 3 --seeds 1 --steps 5")
