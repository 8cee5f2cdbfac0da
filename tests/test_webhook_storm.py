"""A bad receiver and a killed server lose no event: the short form of bench/webhook_storm.py."""

from __future__ import annotations

import random

from bench.webhook_storm import Storm


def test_every_event_arrives_in_order_although_the_server_is_killed_and_the_receiver_fails(tmp_path):
    told = Storm(tmp_path / "data", events=300, kills=2, chance=random.Random(5)).run()

    assert told.arrivals >= told.events == 300
    assert told.failed > 0
