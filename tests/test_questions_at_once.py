"""Five hundred questions that are open at one moment: the first half of bench/questions_bench.py."""

from __future__ import annotations

from collections import Counter

from bench.questions_bench import allow_many_files, held
from bench.running import Running


def test_five_hundred_questions_are_open_at_one_moment_and_all_are_answered_while_others_are_too(tmp_path):
    allow_many_files()

    with Running(tmp_path / "data", "--quiet") as server:
        storm = held(server, 500)

    assert storm.most_open == 500
    assert storm.reasons == Counter(webhook_approved=500)
    assert storm.waits  # of somebody else, who read meanwhile
