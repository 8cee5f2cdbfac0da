"""Processes and the database server die at random moments: the short forms of bench/postgres_kill and webhook_storm."""

from __future__ import annotations

import random

from bench.postgres_kill import play
from bench.webhook_storm import Storm
from tests.databases import postgres_server


def test_nothing_acknowledged_is_lost_and_nothing_happens_twice_whoever_is_killed():
    with postgres_server() as server:
        told = list(play(3, server, random.Random(3)))

    assert len(told) == 4  # and what arrived
    assert len({line.split(": ")[1] for line in told[:3]}) == 3  # another thing each time


def test_every_event_arrives_in_order_although_processes_are_killed_and_the_receiver_fails(postgres):
    url = postgres.database()

    told = Storm(url, events=300, kills=3, chance=random.Random(5), processes=3).run()

    assert told.arrivals >= told.events == 300
    assert told.failed > 0
    postgres.drop(url)
