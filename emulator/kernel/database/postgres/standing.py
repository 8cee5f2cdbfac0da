"""The one connection that stands as long as its process: what is listened to, and the locks that are held, hang on it.

A thread of its own has it. Whoever wants something of it hands that over; what has gathered goes out one after the
other, so that a lock which was let go is free before it is asked for again. A process that dies loses the connection,
and with it every lock; so does one that is cut off from the database, which begins anew as soon as it can. A session
must be the same server's throughout: pgbouncer may stand between in its session mode only.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

import psycopg

from emulator.kernel.database.face import StorageFails

Connection = psycopg.Connection[Any]
CHANNEL = "stripe_emulator"
PROCESSES = (731_402_118, 1)  # the lock that every process shares which serves a database, in two numbers
AGAIN_SECONDS = 0.5  # after which a connection is tried anew
BEAT_SECONDS = 5.0  # after which one that is silent is asked whether it is still there
PATIENCE_SECONDS = 2.0  # of those who need an answer while there is no connection
log = logging.getLogger("emulator")


class Asked(NamedTuple):
    """A statement and its values, or what gives them when it is executed; and what its first value becomes of.

    One without an answer is executed over the next connection where this one is lost.
    """

    sql: str
    values: tuple[Any, ...] | Callable[[], tuple[Any, ...]]
    answer: Future[Any] | None


class Standing:
    """The connection, the thread that has it, and what is said over it."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        """`connect` opens a connection that commits each statement by itself."""
        self.connect = connect
        self.guard = threading.Lock()
        self.asked: deque[Asked] = deque()
        self.hearing: list[Callable[[str], None]] = []  # who is told what comes over the channel
        self.returning: list[Callable[[], None]] = []  # who is told that there is a connection again
        self.number = 0  # of the connection that there is; what hangs on an earlier one is lost
        self.is_there = threading.Event()
        self.is_lost = False
        self.is_closing = False
        self.thread: threading.Thread | None = None
        self.process = 0
        self.waking, self.woken = socket.socketpair()
        self.waking.setblocking(False)
        self.woken.setblocking(False)

    def ask(self, sql: str, *values: Any) -> Any:
        """The first value of the first row. StorageFails where there is no connection, or none any more."""
        self.connected()
        return self.begin(sql, *values).result()

    def connected(self) -> int:
        """The number of the connection that there is. StorageFails where there is none."""
        self.start()
        if not self.is_there.is_set() and (self.is_lost or not self.is_there.wait(PATIENCE_SECONDS)):
            raise unreachable()
        return self.number

    def begin(self, sql: str, *values: Any) -> Future[Any]:
        """The same where somebody waits later, or nobody: it means nothing once the connection is lost."""
        answer: Future[Any] = Future()
        self.hand_over(Asked(sql, values, answer))
        return answer

    def tell(self, sql: str, values: Callable[[], tuple[Any, ...]]) -> None:
        """Have it executed, now or once there is a connection again; nobody waits."""
        self.start()
        self.hand_over(Asked(sql, values, None))

    def hand_over(self, asked: Asked) -> None:
        """Have the thread see to it."""
        with self.guard:
            if self.is_closing:
                raise unreachable()
            self.asked.append(asked)
        self.wake()

    def wake(self) -> None:
        """Have the thread look."""
        with contextlib.suppress(OSError):  # it is going to look already, or has ended
            self.waking.send(b"\0")

    def start(self) -> None:
        """Have the thread run, in this process: one that was forked has none."""
        if self.thread is None or self.process != os.getpid():
            with self.guard:
                if (self.thread is None or self.process != os.getpid()) and not self.is_closing:
                    self.process = os.getpid()
                    self.thread = threading.Thread(target=self.run, name="standing connection", daemon=True)
                    self.thread.start()

    def close(self) -> None:
        """Say what is left to say, and let go of the connection with all that hangs on it."""
        with self.guard:
            self.is_closing = True
        self.wake()
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join(timeout=5)
        self.refuse_all()

    # The thread

    def run(self) -> None:
        """Have a connection, again and again."""
        while not self.is_closing:
            try:
                with self.connect() as connection:
                    connection.cursor_factory = psycopg.RawCursor
                    connection.execute(f"LISTEN {CHANNEL}")
                    connection.execute("SELECT pg_advisory_lock_shared($1::int, $2::int)", PROCESSES)
                    connection.add_notify_handler(lambda note: self.hear(note.payload))
                    self.begun()
                    self.serve(connection)
            except (psycopg.Error, OSError):
                self.lose()
                self.rest(AGAIN_SECONDS)
        self.is_there.clear()

    def begun(self) -> None:
        """There is a connection, perhaps again."""
        with self.guard:
            self.number += 1
        is_again, self.is_lost = self.number > 1, False
        self.is_there.set()
        if is_again:
            for told in self.returning:
                told()

    def lose(self) -> None:
        """There is no connection any more: what hung on it is lost, and nobody is answered."""
        with self.guard:
            self.number += self.is_there.is_set()  # at once: nobody may believe that he still holds something
        self.is_there.clear()
        self.is_lost = True
        self.refuse_all()

    def refuse_all(self) -> None:
        """Nobody is answered any more; what nobody waits for goes on waiting."""
        with self.guard:
            waiting = [asked for asked in self.asked if asked.answer is not None]
            self.asked = deque(asked for asked in self.asked if asked.answer is None)
        for asked in waiting:
            assert asked.answer is not None
            asked.answer.set_exception(unreachable())

    def serve(self, connection: Connection) -> None:
        """Say what there is to say and hear what comes, as long as the connection stands."""
        with selectors.DefaultSelector() as selector:
            selector.register(connection.pgconn.socket, selectors.EVENT_READ)
            selector.register(self.woken, selectors.EVENT_READ)
            while True:
                self.say(connection)
                if self.is_closing:
                    return
                if not selector.select(BEAT_SECONDS):
                    connection.execute("SELECT 1")
                self.drain()
                connection.pgconn.consume_input()
                while (note := connection.pgconn.notifies()) is not None:
                    self.hear(note.extra.decode())

    def say(self, connection: Connection) -> None:
        """Execute what has been handed over, in order."""
        while self.asked:
            asked = self.asked[0]
            if callable(asked.values):
                asked = self.asked[0] = asked._replace(values=asked.values())
            try:
                row = connection.execute(asked.sql, asked.values).fetchone()
            except psycopg.Error as failure:
                if connection.closed or connection.broken:
                    raise
                self.done(asked, failure)
            else:
                self.done(asked, None, row[0] if row is not None else None)

    def done(self, asked: Asked, failure: psycopg.Error | None, value: Any = None) -> None:
        """It has been executed, or refused by the server."""
        with self.guard:
            self.asked.popleft()
        if asked.answer is None:
            if failure is not None:
                log.error("the database refused %s: %s", asked.sql, failure)
        elif failure is not None:
            asked.answer.set_exception(StorageFails(f"The database refused what it was asked: {failure}."))
        else:
            asked.answer.set_result(value)

    def hear(self, payload: str) -> None:
        """Something came over the channel."""
        for told in self.hearing:
            told(payload)

    def drain(self) -> None:
        """Take in that we were woken."""
        with contextlib.suppress(BlockingIOError):
            while self.woken.recv(4096):
                continue

    def rest(self, seconds: float) -> None:
        """Let some time pass, unless it is closed meanwhile."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.woken, selectors.EVENT_READ)
            if not self.is_closing:
                selector.select(seconds)
        self.drain()


def unreachable() -> StorageFails:
    """There is no connection at this moment."""
    return StorageFails("The database cannot be reached.")
