"""What cannot be answered at once is a generator of waits: one code, whoever drives it.

    yield Wait(alarm, seconds)        goes on when the alarm is rung, or after so many seconds
    result = yield Work(function)     has something done where it keeps nobody waiting, and goes on with what came of it
    yield Piece(content)              hands on a part of what is told bit by bit
    return result

`driven` waits in the thread that calls it, as WSGI has it, and so does `told`, which gives the pieces. `awaited` waits
in a loop that has others to answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Executor
from functools import partial
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Alarm(threading.Event):
    """Rung (`set`) by any thread, for the one who waits for it, be that a thread or a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.wake: Callable[[], object] | None = None  # what has a loop look

    def set(self) -> None:
        """Ring."""
        super().set()
        wake = self.wake
        if wake is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                wake()


class Wait(NamedTuple):
    """Until the alarm is rung, some seconds at most. It is silent again afterwards."""

    alarm: Alarm
    seconds: float


class Work(NamedTuple):
    """What may take long, or has to wait for a lock."""

    function: Callable[[], Any]


class Piece(NamedTuple):
    """A part of what is told bit by bit, to be handed on at once."""

    content: bytes


Waiting = Generator[Wait | Work | Piece, Any, T]


def elsewhere(function: Callable[[], T | Waiting[T]]) -> Waiting[T]:
    """What a function gives that is called where it keeps nobody waiting, itself a generator of waits or not."""
    result = yield Work(function)
    return (yield from result) if isinstance(result, Generator) else result


def driven(waiting: Waiting[T]) -> T:
    """What comes of it in the end; this thread waits."""
    telling = told(waiting)
    try:
        while True:
            next(telling)
    except StopIteration as end:
        return end.value


def told(waiting: Waiting[T]) -> Generator[bytes, None, T]:
    """Its pieces as they come; this thread waits between them."""
    go_on: Callable[[], Wait | Work | Piece] = partial(next, waiting)
    try:
        while True:
            asked = go_on()
            go_on = partial(next, waiting)
            if isinstance(asked, Piece):
                yield asked.content
            elif isinstance(asked, Wait):
                asked.alarm.wait(asked.seconds)
                asked.alarm.clear()
            else:
                try:
                    result = asked.function()
                except Exception as failure:
                    go_on = partial(waiting.throw, failure)
                else:
                    go_on = partial(waiting.send, result)
    except StopIteration as end:
        return end.value
    finally:
        waiting.close()  # whoever listened may have gone


async def awaited(waiting: Waiting[T], pool: Executor, hand_on: Callable[[bytes], Awaitable[None]] | None = None) -> T:
    """What comes of it in the end; the loop goes on meanwhile, and what may take long is done in the pool."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    wake = partial(loop.call_soon_threadsafe, woken.set)
    go_on: Callable[[], Wait | Work | Piece] = partial(next, waiting)
    try:
        while True:
            asked = go_on()
            if isinstance(asked, Piece):
                assert hand_on is not None, "nobody listens to what is told bit by bit"
                await hand_on(asked.content)
                go_on = partial(next, waiting)
                continue
            if isinstance(asked, Wait):
                asked.alarm.wake = wake
                if not asked.alarm.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(asked.seconds):
                            await woken.wait()
                woken.clear()
                asked.alarm.clear()
                go_on = partial(next, waiting)
                continue
            try:
                result = await loop.run_in_executor(pool, asked.function)
            except Exception as failure:
                go_on = partial(waiting.throw, failure)
            else:
                go_on = partial(waiting.send, result)
    except StopIteration as end:
        return end.value
