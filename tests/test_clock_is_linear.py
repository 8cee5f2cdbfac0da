"""Moving a clock over what falls due: each thing costs the same, however many there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.clock_bench import Measured, moved, table
from emulator.app import create_app
from tests.statements import asking


@pytest.mark.parametrize("what", ["statements", "steps"])
def test_twice_as_many_open_objects_cost_the_database_twice_as_much(tmp_path: Path, what: str) -> None:
    cost = {}
    for objects in (60, 120):
        with asking() as asked:
            app = create_app(tmp_path / str(objects))
            measured = moved(app, f"linear{objects}", objects, 90, begun=asked.clear)
            cost[objects] = {"statements": len(asked.statements), "steps": asked.steps, "due": measured.due}
            app.emulator.close()  # type: ignore[attr-defined]

    small, large = cost[60], cost[120]
    assert (small["due"], large["due"]) == (70, 140)
    assert 1.9 < large[what] / small[what] < 2.1


def test_the_table_says_how_much_more_the_larger_world_took() -> None:
    text = table([Measured(1_000, 1_166, 2.0), Measured(2_000, 2_333, 4.2)], 90)

    assert "| 1,000 | 1,166 | 2.00 s | 1.72 ms |" in text
    assert "Twice the objects: 2.10 × the time" in text
