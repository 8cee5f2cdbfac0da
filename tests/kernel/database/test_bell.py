"""A bell wakes those who listen for its word, and nobody waits to ring it."""

from __future__ import annotations

import threading

from emulator.kernel.database.bell import Bell
from tests.receivers import PATIENCE_SECONDS


def test_everyone_hears_what_they_listen_for_once():
    bell = Bell()
    with bell.ear() as all_words, bell.ear("a") as one_word:
        bell.ring("a")
        bell.ring("b")
        bell.ring("b")

        assert all_words.listen(PATIENCE_SECONDS) == {"a", "b"}
        assert one_word.listen(PATIENCE_SECONDS) == {"a"}
        assert (all_words.listen(0), one_word.listen(0)) == (set(), set())


def test_what_rang_before_is_not_heard_and_an_ear_that_is_gone_leaves_nothing():
    bell = Bell()
    bell.ring("a")
    with bell.ear("a") as ear, bell.ear("a"):
        assert ear.listen(0) == set()

    bell.ring("a")
    assert bell.ears == {}


def test_who_listens_is_woken():
    bell = Bell()
    heard = []
    is_there = threading.Event()

    def listen() -> None:
        with bell.ear() as ear:
            is_there.set()
            heard.append(ear.listen(PATIENCE_SECONDS))

    listener = threading.Thread(target=listen)
    listener.start()
    is_there.wait(PATIENCE_SECONDS)
    bell.ring("a")
    listener.join(PATIENCE_SECONDS)

    assert heard == [{"a"}]
