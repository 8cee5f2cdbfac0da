"""`kill -9` under load loses nothing that was acknowledged: the short form of bench/kill_test.py."""

from __future__ import annotations

import random

from bench.kill_test import play


def test_nothing_acknowledged_is_lost_and_nothing_happens_twice_when_the_server_is_killed(tmp_path, place_of_worlds):
    rounds = list(play(2, place_of_worlds(tmp_path / "data"), random.Random(7)))

    assert len(rounds) == 3  # and what arrived
