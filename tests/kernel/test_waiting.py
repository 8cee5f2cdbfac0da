"""One generator of waits, two drivers: a thread that waits, and a loop that has others to answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator.kernel.waiting import Alarm, Piece, Wait, Waiting, Work, awaited, driven, elsewhere, told

PATIENCE_SECONDS = 20
Drive = Callable[[Waiting[object]], object]


@pytest.fixture(params=["thread", "loop"])
def drive(request: pytest.FixtureRequest) -> Iterator[Drive]:
    """Both ways of waiting."""
    with ThreadPoolExecutor(2) as pool:
        yield driven if request.param == "thread" else lambda waiting: asyncio.run(awaited(waiting, pool))


def test_a_wait_ends_when_another_thread_rings(drive):
    alarm, is_waiting = Alarm(), threading.Event()

    def waiting() -> Waiting[str]:
        threading.Thread(target=lambda: is_waiting.wait(PATIENCE_SECONDS) and alarm.set()).start()
        is_waiting.set()
        yield Wait(alarm, PATIENCE_SECONDS)
        return "rung"

    assert drive(waiting()) == "rung"


def test_a_ring_before_the_wait_is_not_lost_and_rings_once(drive):
    alarm = Alarm()

    def waiting() -> Waiting[bool]:
        alarm.set()
        yield Wait(alarm, PATIENCE_SECONDS)
        return alarm.is_set()

    assert drive(waiting()) is False


def test_a_wait_ends_without_a_ring_too(drive):
    def waiting() -> Waiting[str]:
        yield Wait(Alarm(), 0.001)
        return "time ran out"

    assert drive(waiting()) == "time ran out"


def test_what_work_gives_comes_back_and_what_it_raises_can_be_caught(drive):
    def fails() -> None:
        raise ValueError("as it happens")

    def waiting() -> Waiting[tuple[int, str]]:
        number = yield Work(lambda: 7)
        try:
            yield Work(fails)
        except ValueError as failure:
            return number, str(failure)
        raise AssertionError("it did not fail")

    assert drive(waiting()) == (7, "as it happens")


def test_what_nobody_catches_reaches_who_waits(drive):
    def waiting() -> Waiting[None]:
        yield Work(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        drive(waiting())


def test_work_may_itself_turn_out_to_wait(drive):
    def later() -> Waiting[str]:
        yield Wait(Alarm(), 0.001)
        return "in the end"

    assert drive(elsewhere(later)) == "in the end"
    assert drive(elsewhere(lambda: "at once")) == "at once"


def test_a_loop_goes_on_while_work_is_done():
    may_end = threading.Event()

    async def both() -> list[object]:
        with ThreadPoolExecutor(1) as pool:
            work = asyncio.create_task(awaited(elsewhere(lambda: may_end.wait(PATIENCE_SECONDS)), pool))
            await asyncio.sleep(0)
            may_end.set()
            return [await work]

    assert asyncio.run(both()) == [True]


def test_an_alarm_that_rings_after_its_loop_has_ended_rings_for_nobody():
    alarm = Alarm()

    def waiting() -> Waiting[None]:
        yield Wait(alarm, 0.001)

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(awaited(waiting(), pool))

    alarm.set()
    assert alarm.is_set()


def in_pieces() -> Waiting[str]:
    """Two pieces, with a wait and some work between."""
    yield Piece(b"one")
    yield Wait(Alarm(), 0.001)
    yield Piece((yield Work(lambda: b"two")))
    return "all told"


def test_pieces_are_handed_on_as_they_come_by_either():
    async def on_a_loop() -> tuple[list[bytes], str]:
        heard: list[bytes] = []

        async def hear(piece: bytes) -> None:
            heard.append(piece)

        with ThreadPoolExecutor(1) as pool:
            return heard, await awaited(in_pieces(), pool, hear)

    assert list(told(in_pieces())) == [b"one", b"two"]
    assert asyncio.run(on_a_loop()) == ([b"one", b"two"], "all told")
    assert driven(in_pieces()) == "all told"


def test_who_stops_listening_ends_what_is_told():
    ended = threading.Event()

    def endless() -> Waiting[None]:
        try:
            while True:
                yield Piece(b"on and on")
        finally:
            ended.set()

    telling = told(endless())
    next(telling)
    telling.close()

    assert ended.is_set()
