"""A load of everything at once leaves the server as it was: the short form of bench/endurance.py."""

from __future__ import annotations

import re
import sys

import pytest

from bench import endurance
from bench.endurance import Look, told


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the server's process is looked at in /proc")
def test_a_short_load_of_everything_is_answered_as_it_should_and_leaves_whole_books(monkeypatch, capsys):
    monkeypatch.setattr(endurance, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(sys, "argv", ["endurance", "--minutes", "0.08"])

    assert endurance.main() == 0

    said = capsys.readouterr().out
    assert re.search(r"^files: \d+\.\d : \d+\.\d \(most \d+\.\d\)$", said, re.MULTILINE)
    assert said.endswith("The console: nothing. The doctor: nothing.\n")


def test_what_grows_is_seen():
    looks = [Look(60.0 + at, 70 + at, 9, 40, 1.0, 5.0, 100) for at in range(1, 31)]

    assert list(told(looks))[:2] == ["megabytes: 75.5 : 95.5 (most 100.0)", "threads: 9.0 : 9.0 (most 9.0)"]
