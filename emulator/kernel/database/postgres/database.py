"""Worlds in one PostgreSQL database, in tables that all of them share."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import psycopg
from psycopg import errors
from psycopg.pq import ConnStatus
from psycopg_pool import ConnectionPool

from emulator.kernel.database.face import Conflict, Kept, StorageFails, Unsure, WorldGone
from emulator.kernel.database.place import NoDatabase
from emulator.kernel.database.postgres import files, shapes
from emulator.kernel.database.postgres.address import place_of
from emulator.kernel.database.postgres.bell import Bells, SharedBell
from emulator.kernel.database.postgres.drawer import DrawerOfAll
from emulator.kernel.database.postgres.failures import Outage, told
from emulator.kernel.database.postgres.installation import check_that_served, step_down
from emulator.kernel.database.postgres.line import Line
from emulator.kernel.database.postgres.locks import Locks, SharedLock
from emulator.kernel.database.postgres.request_log import RequestTable
from emulator.kernel.database.postgres.session import PostgresSession
from emulator.kernel.database.postgres.standing import Standing
from emulator.kernel.database.postgres.values import TextDumper
from emulator.kernel.database.postgres.world import BEGIN_TO_WRITE, COMMIT, PostgresWorld
from emulator.kernel.database.schema import Schema

HANDLE = re.compile("[0-9a-f]{32}")
COPY = re.compile("([0-9a-f]{32})-[0-9a-f]{32}")
MOST_CONNECTIONS = 24
PATIENCE_SECONDS = 5.0
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": None,
    "application_name": "stripe-emulator",
    "connect_timeout": 5,
    # A server that is gone without a word, as at a failover, is noticed within seconds.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
ATTEMPTS = 5
BEGIN_TO_COPY = b"BEGIN ISOLATION LEVEL REPEATABLE READ"
PLACE = (
    b"INSERT INTO world (handle, copy_of, changed, shape) VALUES ($1, $2, $3, $4) ON CONFLICT (handle) DO UPDATE "
    b"SET changed = excluded.changed, shape = excluded.shape, wakes_at = NULL, measured = NULL "
    b"RETURNING xmax = 0, set_config('emulator.tenant', number::text, true)"
)
# Whoever holds several rows takes them in this order, or two would wait for each other.
HOLD = b"SELECT 1 FROM world WHERE handle IN ($1, $2) ORDER BY handle FOR NO KEY UPDATE"
FOUND = b"SELECT number, shape FROM world WHERE handle = $1"
WAKES = b"UPDATE world SET wakes_at = $2, shape = $3 WHERE handle = $1"


class Placing(PostgresSession):
    """The session in which a world comes to its place."""

    def __init__(self, line: Line, schema: Schema, place: str, handle: str) -> None:
        self.line, self.schema, self.place, self.handle = line, schema, place, handle
        self.wakes_at = None
        self.foreseen = {}


class PostgresDatabase:
    """The worlds of one PostgreSQL database, as one of the processes that serve it sees them."""

    def __init__(self, url: str, records: Iterable[type]) -> None:
        """NoDatabase, in a sentence that says what to do."""
        self.url = url
        self.place = place_of(url)
        self.schema = Schema(records)
        self.shape = shapes.Shape(self.schema)
        self.outage = Outage()
        self.opening = threading.Lock()
        self.guard = threading.Lock()
        self.opened: WeakValueDictionary[str, PostgresWorld] = WeakValueDictionary()
        self.left_alone: dict[str, tuple[Any, ...]] = {}  # worlds, and what the directory said of each then
        check_that_served(url, self.schema)
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # what goes wrong is told by us, once
        self.pool = ConnectionPool(
            url,
            connection_class=Line,
            min_size=1,
            max_size=MOST_CONNECTIONS,
            timeout=PATIENCE_SECONDS,
            configure=step_down,
            kwargs=OPTIONS,
            reconnect_timeout=PATIENCE_SECONDS,  # or it would wait for minutes before it tries again
            open=True,
        )
        try:
            self.asked(shapes.KEEP, self.shape.name, self.shape.content)
        except StorageFails as failure:
            self.pool.close()
            raise NoDatabase(str(failure)) from None
        # What the processes that serve a database have to agree on.
        self.standing = Standing(self.connect)
        self.bells = Bells(self.standing)
        self.locks = Locks(self.standing)
        self.requests = RequestTable(self.connect, self.bells, self.outage, self.place, self.has)

    # Connections

    def connect(self) -> psycopg.Connection[Any]:
        """A connection beside those of worlds; it commits each statement by itself."""
        connection = psycopg.connect(self.url, **OPTIONS)
        connection.adapters.register_dumper(str, TextDumper)
        step_down(connection)
        return connection

    def take(self) -> Line:
        """A connection nobody else uses until it is given back. StorageFails where there is none within some seconds.

        One on which the server has said something unasked has ended: it was restarted, or another has taken over.
        """
        while True:
            try:
                line = self.pool.getconn()
            except Exception as failure:
                self.raise_told(failure)
                raise
            if not line.poll.poll(0):
                self.outage.is_over()
                return line
            line.close()
            self.pool.putconn(line)

    def leave(self, line: Line, last: bytes | None, *, is_change: bool = False) -> None:
        """End a session with its last statement, or undo it, and give its connection back.

        StorageFails, Conflict; Unsure where the connection is lost while a change is being committed.
        """
        try:
            if last is None:
                line.abandon()
            else:
                line.end(last)
                if is_change:
                    self.outage.is_over(has_written=True)
        except BaseException as failure:
            is_lost = line.pgconn.status != ConnStatus.OK or isinstance(failure, errors.OperatorIntervention)
            line.abandon()
            if is_change and is_lost and isinstance(failure, psycopg.Error):
                self.outage.begins(failure, str(told(failure, self.place)))
                raise Unsure(f"The database {self.place} was lost while this was being committed.") from failure
            self.raise_told(failure)
            raise
        finally:
            if not line.may_write:  # the next connection may lead to the one that is written to
                line.close()
            self.pool.putconn(line)

    def raise_told(self, failure: BaseException | None) -> None:
        """Raise what a failure says of what is stored, if it says anything of it."""
        if failure is None:
            return
        meaning = told(failure, self.place)
        if meaning is not failure:
            if isinstance(meaning, StorageFails) and not isinstance(meaning, Conflict) and not self.pool.closed:
                self.outage.begins(failure, str(meaning))
            raise meaning from failure

    @contextmanager
    def asking(self) -> Iterator[Line]:
        """A connection for statements that are about no world in particular. StorageFails."""
        line = self.take()
        try:
            yield line
        except BaseException as failure:
            if line.pgconn.transaction_status or line.pgconn.pipeline_status:
                line.close()
            self.raise_told(failure)
            raise
        finally:
            self.pool.putconn(line)

    def looked(self, sql: bytes, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, in one round trip. StorageFails."""
        with self.asking() as line:
            line.gather()
            answer = line.ask(sql, values)
            line.sync()
            line.pgconn.exit_pipeline_mode()
            return line.rows(answer)

    def asked(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that one statement gives."""
        with self.asking() as line:
            cursor = line.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    # Worlds

    def worlds(self) -> list[Kept]:
        """Every world, the one last written to first."""
        return self.kept("copy_of IS NULL")

    def copies(self, handle: str) -> list[Kept]:
        """The copies of a world that nobody serves, the newest first."""
        return self.kept("copy_of = %s", handle)

    def kept(self, where: str, *values: str) -> list[Kept]:
        """The worlds of which that is true; what was written to since it was last measured is measured anew."""
        stale = self.asked(f"SELECT handle FROM world WHERE {where} AND measured IS DISTINCT FROM changed", *values)
        with self.asking() as line:
            for (handle,) in stale:
                with line.transaction():
                    line.execute(
                        "SELECT set_config('emulator.tenant', number::text, true) FROM world WHERE handle = %s",
                        [handle],
                    )
                    line.execute(
                        "UPDATE world SET bytes = measure_world(), measured = changed WHERE handle = %s", [handle]
                    )
        sql = f"SELECT handle, coalesce(bytes, 0), changed FROM world WHERE {where} ORDER BY changed DESC, handle"
        return [Kept(*row) for row in self.asked(sql, *values)]

    def has(self, handle: str) -> bool:
        """Whether there is such a world."""
        return bool(self.asked("SELECT 1 FROM world WHERE handle = %s", handle))

    def make(self, handle: str, fill: Callable[[PostgresSession], None], *, anew: bool = False) -> None:
        """A new world: nobody meets it before it is committed. What another process has made meanwhile stays."""
        with contextlib.suppress(IsThere), self.placing(handle, BEGIN_TO_WRITE, in_place=anew) as session:
            fill(session)
            session.note_versions()

    def open(self, handle: str) -> PostgresWorld:
        """A world that is there, brought up to date."""
        with self.opening:
            world = self.opened.get(handle)
            if world is None or world.is_gone:
                world = PostgresWorld(self, handle)
                self.bring_up_to_date(world)
                world.shape = self.shape.name
                self.opened[handle] = world
            return world

    def bring_up_to_date(self, world: PostgresWorld) -> None:
        """Have the records of a world be as this program files them. WorldGone, WorldDamaged."""
        if self.shape_of(world.handle) != self.shape.name:
            with world.writing() as session:
                self.shape.refile(session, shapes.shape_of(session, world.handle))
                session.run("UPDATE world SET shape = :shape WHERE handle = :handle", shape=self.shape.name,
                            handle=world.handle)  # fmt: skip

    def shape_of(self, handle: str) -> str:
        """The name of the shape that a world has. WorldGone."""
        for (shape,) in self.asked("SELECT shape FROM world WHERE handle = %s", handle):
            return shape
        raise WorldGone(handle)

    @contextmanager
    def looking(self, handle: str) -> Iterator[PostgresSession]:
        """A look at a world as it is, older or not, that opens and changes nothing."""
        world = PostgresWorld(self, handle)
        if self.shape_of(handle) == self.shape.name:
            with world.reading() as session:
                yield session
            return
        try:
            with world.writing() as session:
                self.shape.refile(session, shapes.shape_of(session, handle))
                yield session
                raise LookedAt
        except LookedAt:
            pass

    def end(self, handle: str) -> None:
        """Whoever has a world in this process has it no more."""
        with self.opening:
            world = self.opened.pop(handle, None)
        if world is not None:
            world.is_gone = True

    @contextmanager
    def placing(
        self, handle: str, begin: bytes, *, in_place: bool = True, beside: str | None = None
    ) -> Iterator[Placing]:
        """A world that comes to its place as a whole; until then everybody meets what was there.

        IsThere where something is and it is not to be in place of that. Nobody writes to the world `beside` meanwhile.
        """
        line = self.take()
        try:
            session = Placing(line, self.schema, self.place, handle)
            copied = COPY.fullmatch(handle)
            line.gather()
            line.send(begin)
            if beside is not None:
                line.send(HOLD, (handle, beside))
            placed = line.ask(PLACE, (handle, copied[1] if copied else None, int(time.time()), self.shape.name))
            ((is_new, _),) = line.rows(placed)
            if not is_new and not in_place:
                raise IsThere
            if not is_new:
                line.send(b"SELECT empty_world()")
            yield session
            line.send(WAKES, (handle, None if copied else session.wakes_at, self.shape.name))
        except BaseException as failure:
            self.leave(line, None)
            self.raise_told(failure)
            raise
        self.leave(line, COMMIT, is_change=True)
        self.end(handle)
        self.attended(handle)

    def copy(self, handle: str, to: str, change: Callable[[PostgresSession], None]) -> None:
        """A world as it is at this moment, as another one.

        Others go on writing to it, unless what is there is written to just then: then all of them wait.
        """
        for attempt in range(ATTEMPTS):
            how: dict[str, Any] = {"beside": handle} if attempt else {}
            try:
                with self.placing(to, BEGIN_TO_WRITE if attempt else BEGIN_TO_COPY, **how) as session:
                    found = session.line.rows(session.line.ask(FOUND, (handle,)))
                    if not found:
                        raise WorldGone(handle)
                    number, shape = found[0]
                    session.line.send(b"SELECT copy_world($1)", (number,))
                    self.shape.refile(session, shape)
                    change(session)
                return
            except Conflict:  # somebody wrote to what was there
                if attempt == ATTEMPTS - 1:
                    raise

    def as_file(self, handle: str, change: Callable[[Any], None]) -> bytes:
        """A world as it is at this moment as the content of one file, as it is where worlds are files."""
        with self.looking(handle) as session:
            return files.written(session, self.schema, change)

    def from_file(self, content: bytes, to: str, change: Callable[[PostgresSession], None]) -> None:
        """The world of such a file as one here."""
        with files.opened(content, self.schema) as file, self.placing(to, BEGIN_TO_WRITE) as session:
            files.copied(file, session, self.schema)
            session.note_versions()
            change(session)

    def delete(self, handle: str) -> None:
        """Forget a world for good."""
        world = PostgresWorld(self, handle)
        try:
            with world.writing() as session:
                session.clear()
                session.run("DELETE FROM world WHERE handle = :handle", handle=handle)
        except WorldGone:
            pass
        self.end(handle)
        if HANDLE.fullmatch(handle):
            self.requests.forget(handle)

    # When to look

    def due(self, now: float) -> list[str]:
        """The worlds that need a look by that moment."""
        try:
            rows = self.asked(
                "SELECT handle, changed, wakes_at FROM world WHERE wakes_at <= %s AND copy_of IS NULL "
                "ORDER BY wakes_at",
                int(now),
            )
        except StorageFails:  # which has been said
            return []
        return [handle for handle, *said in rows if self.left_alone.get(handle) != tuple(said)]

    def leave_alone(self, handle: str) -> None:
        """A world needs no look before something is written to it, by whichever process."""
        with contextlib.suppress(StorageFails):
            for said in self.asked("SELECT changed, wakes_at FROM world WHERE handle = %s", handle):
                self.left_alone[handle] = said

    def attended(self, handle: str) -> None:
        """Something was written to a world."""
        self.left_alone.pop(handle, None)

    # Among processes

    def bell(self, name: str) -> SharedBell:
        """The bell of that name."""
        return self.bells.bell(name)

    def lock(self, name: str) -> SharedLock:
        """A lock of that name."""
        return self.locks.lock(name)

    def drawer(self, name: str, most: int) -> DrawerOfAll:
        """The drawer of that name."""
        return DrawerOfAll(self.asked, name, most)

    def close(self) -> None:
        """Let go of everything."""
        self.requests.close()
        self.standing.close()
        self.pool.close()


class IsThere(Exception):
    """There is such a world already."""


class LookedAt(Exception):
    """An older world has been looked at as it would be, and is left as it is."""
