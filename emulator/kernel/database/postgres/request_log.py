"""The request log in the database: one table for the logs of all worlds, and of what belongs to none.

Each process writes what it has answered in batches, off every reply's path and without waiting for the disk. The lines
of a world are numbered in the order in which they become visible, so whoever tails it misses none: a batch takes its
numbers from the world's counter, which it has to itself until it is committed. Who reads a log has the other processes
write what they have gathered first.
"""

from __future__ import annotations

import contextlib
import secrets
import select
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

from emulator.kernel.conditions import Condition
from emulator.kernel.database import request_log
from emulator.kernel.database.face import StorageFails
from emulator.kernel.database.postgres.bell import Bells
from emulator.kernel.database.postgres.failures import Outage, told
from emulator.kernel.database.postgres.standing import PROCESSES, Connection
from emulator.kernel.database.postgres.statements import statement
from emulator.kernel.database.queries import COMPARISONS, clause
from emulator.kernel.database.request_log import (
    COLUMNS,
    FILTERS,
    RequestLog,
    read,
    row_of,
)
from emulator.kernel.deliveries import LinkedCall
from emulator.kernel.requests import LoggedRequest, RequestLine
from emulator.kernel.routes import STRIPES

NOBODYS = ""  # the world of what belongs to none
MOST_IDLE_CONNECTIONS = 4
PATIENCE_SECONDS = 3.0  # with the other processes
COUNT = (
    "INSERT INTO request_count (world, last) VALUES ($1, $2) "
    "ON CONFLICT (world) DO UPDATE SET last = request_count.last + excluded.last RETURNING last"
)
OWN_COLUMNS = ("world", "sequence", "process", "began_ms", "ended_ms", "replayed")
MARKS = ", ".join(f"${place}" for place in range(1, len(OWN_COLUMNS) + len(COLUMNS) + 1))
ADD = f"INSERT INTO request ({', '.join((*OWN_COLUMNS, *COLUMNS))}) VALUES ({MARKS})"
PRUNE = "DELETE FROM request WHERE world = $1 AND sequence <= $2"
STRIP = "UPDATE request SET recorded = NULL WHERE world = $1 AND sequence <= $2 AND recorded IS NOT NULL"
ELSEWHERE = (
    "SELECT began_ms, ended_ms, method, path, replayed, id, status FROM request WHERE world = $1 AND process <> $2 "
    "AND ended_ms BETWEEN $3 AND $4 AND began_ms >= $3 ORDER BY ended_ms, sequence"
)
# Several write what they have answered when they come to it; a client's requests follow one another, whoever answers.
ANSWERED = ("ended_ms", "began_ms", "sequence")
AT = f"SELECT {', '.join(ANSWERED)} FROM request WHERE world = :world AND sequence ="
SERVING = (
    "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted "
    f"AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    f"AND classid = {PROCESSES[0]} AND objid = {PROCESSES[1]} AND objsubid = 2"
)


class RequestTable(RequestLog):
    """The request logs of one database."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        bells: Bells,
        outage: Outage,
        place: str,
        is_there: Callable[[str], bool],
    ) -> None:
        """`connect` opens a connection that commits each statement by itself; `is_there` asks for a world."""
        super().__init__(bells.bell("requests"))
        self.connect = connect
        self.bells = bells
        self.outage = outage
        self.place = place
        self.is_there = is_there
        self.idle: deque[Connection] = deque()
        self.is_over = False
        bells.listening["flush"] = self.hear

    # Writing

    def has_world(self, handle: str) -> bool:
        """Whether there is such a world."""
        return self.is_there(handle)

    def keep(self, handle: str | None, lines: Sequence[RequestLine]) -> None:
        """Add lines to a log, and let go of those that are too old. StorageFails."""
        world = handle or NOBODYS
        with self.borrowed() as connection, connection.transaction(), connection.cursor() as cursor:
            ((last,),) = cursor.execute(COUNT, [world, len(lines)])
            first = last - len(lines) + 1
            cursor.executemany(ADD, [self.row(world, first + place, line) for place, line in enumerate(lines)])
            cursor.execute(PRUNE, [world, last - request_log.MOST_KEPT])
            if any(line.recorded is not None for line in lines):
                cursor.execute(STRIP, [world, last - request_log.MOST_RECORDED])

    def row(self, world: str, sequence: int, line: RequestLine) -> list[Any]:
        """A line as a row."""
        own = (world, sequence, self.bells.process, line.began_ms, line.ended_ms, line.replayed)
        return [*own, *row_of(line)]

    def remove(self, handle: str) -> None:
        """Have a world without a log."""
        with self.borrowed() as connection, connection.transaction():
            connection.execute("DELETE FROM request WHERE world = $1", [handle])
            connection.execute("DELETE FROM request_count WHERE world = $1", [handle])

    def end(self) -> None:
        """Let go of the connections."""
        self.is_over = True
        with contextlib.suppress(IndexError):
            while True:
                self.idle.pop().close()

    # Among processes

    def flush(self, seconds: float = 5) -> None:
        """Return when what any process has answered so far is in the database, or after some seconds."""
        super().flush(seconds)
        with contextlib.suppress(StorageFails):  # then nobody writes anything
            self.have_flushed(min(seconds, PATIENCE_SECONDS))

    def have_flushed(self, seconds: float) -> bool:
        """Have the others write what they have gathered, and wait until each has said that it did; whether any is.

        StorageFails.
        """
        others = self.bells.standing.ask(SERVING) - 1
        if others < 1:
            return False
        token = secrets.token_hex(8)
        until = time.monotonic() + seconds
        with self.bells.bell("flushed").ear() as ear:
            self.bells.bell("flush").ring(token)
            answered: set[str] = set()
            while len(answered) < others and (left := until - time.monotonic()) > 0:
                answered |= {word for word in ear.listen(left) if word.startswith(token)}
        return True

    def hear(self, token: str) -> None:
        """Another process wants to read: write what has gathered, and say so then."""
        reached = Flushed(self.bells, f"{token}.{self.bells.process}")
        if self.writer is None:
            reached.set()
        else:
            self.waiting.put(reached)
            self.hurry.set()

    # Reading

    def select(
        self,
        handle: str | None,
        conditions: Iterable[Condition] = (),
        *,
        limit: int,
        oldest_first: bool = False,
        as_written: bool = False,
    ) -> list[LoggedRequest]:
        """Requests that meet all conditions, newest first unless said otherwise, by the clocks of those who answered.

        StorageFails.
        """
        conditions = list(conditions)
        places = [] if as_written else [one for one in conditions if one.column == "sequence"]
        where, values = clause([one for one in conditions if one not in places], FILTERS)
        for number, (_, operator, sequence) in enumerate(places):
            where += f" AND ({', '.join(ANSWERED)}) {COMPARISONS[operator]} ({AT} :place{number})"
            values[f"place{number}"] = sequence
        direction = "ASC" if oldest_first else "DESC"
        order = ", ".join(f"{column} {direction}" for column in (ANSWERED[-1:] if as_written else ANSWERED))
        sql = (
            f"SELECT sequence, {', '.join(COLUMNS)} FROM request WHERE world = :world AND {where} "
            f"ORDER BY {order} LIMIT :most"
        )
        stated = statement(sql)
        values |= {"world": handle or NOBODYS, "most": limit}
        rows = self.rows(stated.sql, [values[name] for name in stated.names])
        return [LoggedRequest(*row[:-2], *map(read, row[-2:])) for row in rows]

    def elsewhere(self, handle: str, spans: Sequence[tuple[int, int]]) -> list[list[LinkedCall]]:
        """API calls of a world that other processes began and answered within each of these spans."""
        if not spans or not self.have_flushed(PATIENCE_SECONDS):
            return [[] for _ in spans]
        first, last = min(began for began, _ in spans), max(ended for _, ended in spans)
        rows = self.rows(ELSEWHERE, [handle, self.bells.process, first, last])
        calls = [
            (began, LinkedCall(ended, linked(*told))) for began, ended, *told in rows if told[1].startswith(STRIPES)
        ]
        return [[call for at, call in calls if began <= at and call.ended_ms <= ended] for began, ended in spans]

    def rows(self, sql: str | bytes, values: list[Any]) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with self.borrowed() as connection:
            return connection.execute(sql, values).fetchall()

    @contextmanager
    def borrowed(self) -> Iterator[Connection]:
        """A connection nobody else uses meanwhile. StorageFails."""
        connection = None
        try:
            connection = self.ready()
            yield connection
        except psycopg.Error as failure:
            meaning = told(failure, self.place)
            if isinstance(meaning, StorageFails):
                self.outage.begins(failure, str(meaning))
            raise meaning from failure
        finally:
            if connection is not None:
                self.give_back(connection)

    def ready(self) -> Connection:
        """A connection that waits for its next use, or a new one."""
        while self.idle:
            with contextlib.suppress(IndexError):  # another thread was quicker
                connection = self.idle.pop()
                if is_alive(connection):
                    return connection
                connection.close()
        connection = self.connect()
        connection.cursor_factory = psycopg.RawCursor
        connection.execute("SET synchronous_commit = off")  # what a server that crashes loses of a log, it may lose
        return connection

    def give_back(self, connection: Connection) -> None:
        """Let others use it."""
        if connection.closed or self.is_over or len(self.idle) >= MOST_IDLE_CONNECTIONS:
            connection.close()
        else:
            self.idle.append(connection)


class Flushed(NamedTuple):
    """Says to other processes that what was gathered has been written."""

    bells: Bells
    word: str

    def set(self) -> None:
        """It has been."""
        self.bells.bell("flushed").ring(self.word)


def is_alive(connection: Connection) -> bool:
    """Whether a connection that has been waiting is still there: the server has said nothing on it, a farewell say."""
    return not connection.closed and not select.select([connection.pgconn.socket], [], [], 0)[0]


def linked(method: str, path: str, replayed: bool, id: str, status: int) -> dict[str, Any]:
    """An API call as it is kept with what its caller was handling."""
    return {"method": method, "path": path, "replayed": replayed, "request": id, "status": status}
