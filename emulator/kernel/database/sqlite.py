"""Worlds in SQLite, one file each, served by one process.

A table is made with the first row that is written to it, so a world costs little before its first object. Until then a
query finds an empty table in its place: the statement is prefixed with a common table expression of that name, which
shadows nothing, since nothing is there.

When a world next needs a look stands in the header of its file, as the `application_id`, so that a directory of ten
thousand worlds is looked through without opening one.
"""

from __future__ import annotations

import contextlib
import heapq
import math
import os
import re
import shutil
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import orjson

from emulator.kernel.database import folding
from emulator.kernel.database.bell import Bell
from emulator.kernel.database.directory_lock import DirectoryLock
from emulator.kernel.database.drawer import Drawer
from emulator.kernel.database.face import Kept, NoWorld, WorldDamaged, WorldGone
from emulator.kernel.database.files import PROBE, Troubles, check_that_filled, parts_of, remove, told
from emulator.kernel.database.migrations import check_that_known, is_current, migrate, shrink, version_of
from emulator.kernel.database.request_log import RequestFiles
from emulator.kernel.database.schema import SCHEMA_VERSION, Schema, Table, quoted
from emulator.kernel.database.tables import made

MOST_IDLE_CONNECTIONS = 16
HANDLE = re.compile("[0-9a-f]{32}")
COPY = re.compile("([0-9a-f]{32})-[0-9a-f]{32}")
MISSING = re.compile(r"no such table: (?:main\.)?(\w+)")
WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)")
# Half of what SQLite takes. A change writes whole pages, one for each table and index that it touches; a purchase 35.
BYTES_OF_A_PAGE = 2048
NEVER, AT_ONCE, LATEST = 0, 1, 2**31 - 1
# Where a header has the size of a page, the version of the format for writing and reading, the number of pages, the
# user version and the application id. Source: https://www.sqlite.org/fileformat.html
MAGIC, PAGE_SIZE, FORMATS, PAGES, USER_VERSION, APPLICATION_ID, HEADER = b"SQLite format 3\0", 16, 18, 28, 60, 68, 100
WRITE_AHEAD = b"\2\2"
COUNTED_BY_SQLITE = "sqlite_sequence"  # its own table in worlds that began with an early version


class SqliteSession:
    """A session on one connection, by its one cursor; `wakes_at` is what it says of the next look."""

    world: SqliteWorld | None = None  # what it is a session of, where that has a file
    revision = None

    def __init__(self, cursor: sqlite3.Cursor, schema: Schema, absent: dict[str, str], wakes_at: int) -> None:
        self.cursor = cursor
        self.schema = schema
        self.absent = absent  # statements that name a table which is not there, and what is executed instead
        self.is_cleared = False
        self.wakes_at = wakes_at

    def one(self, sql: str, **values: Any) -> tuple[Any, ...] | None:
        """The first row that a query gives, or None."""
        try:
            return self.cursor.execute(self.absent.get(sql, sql), values).fetchone()
        except sqlite3.OperationalError as failure:
            missing_table(failure, self.schema)
            return self.execute(sql, values).fetchone()

    def all(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Every row that a query gives."""
        try:
            return self.cursor.execute(self.absent.get(sql, sql), values).fetchall()
        except sqlite3.OperationalError as failure:
            missing_table(failure, self.schema)
            return self.execute(sql, values).fetchall()

    def ahead(self, sql: str, **values: Any) -> None:
        """Nothing is gained by asking early."""

    def run(self, sql: str, **values: Any) -> None:
        """Change rows."""
        self.execute(sql, values)

    def changed(self, sql: str, **values: Any) -> int:
        """Change rows; how many were."""
        return max(self.execute(sql, values).rowcount, 0)

    def add(self, table: str, **row: Any) -> None:
        """A new row."""
        self.write(table, insert_sql(table, tuple(row)), row)

    def many(
        self, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], *, sums: tuple[str, ...] = ()
    ) -> None:
        """New rows of these columns, or more in the sums of those that have the keys already."""
        sql = sum_sql(table, columns, sums) if sums else insert_sql(table, columns)
        try:
            self.cursor.executemany(sql, rows)
        except sqlite3.OperationalError as failure:
            self.make(missing_table(failure, self.schema))
            self.cursor.executemany(sql, rows)

    def put(self, table: str, keys: tuple[str, ...], *, keep: tuple[str, ...] = (), **row: Any) -> None:
        """A new row, or the values of the one that has these keys already, but for those it keeps."""
        self.write(table, upsert_sql(table, keys, keep, tuple(row)), row)

    def write(self, table: str, sql: str, row: dict[str, Any]) -> None:
        """Write a row, whether its table is there or not."""
        values = tuple(row.values())
        try:
            self.cursor.execute(sql, values)
        except sqlite3.OperationalError as failure:
            self.make(missing_table(failure, self.schema))
            self.cursor.execute(sql, values)

    def execute(self, sql: str, values: dict[str, Any]) -> sqlite3.Cursor:
        """One statement, whether its tables are there or not."""
        executed = self.absent.get(sql, sql)
        try:
            return self.cursor.execute(executed, values)
        except sqlite3.OperationalError as failure:
            table = missing_table(failure, self.schema)
        written = WRITES.match(sql)
        if written is None or written[1] != table:
            self.absent[sql] = with_empty(self.schema.tables[table], executed)
        elif sql.startswith("INSERT"):
            self.make(table)
        else:
            return self.cursor.execute("SELECT 1 WHERE 1 = 0")
        return self.execute(sql, values)

    def make(self, table: str) -> None:
        """Make a table. What was executed in its absence is not any more."""
        for statement in made(self.schema.tables[table]):
            self.cursor.execute(statement)
        self.absent = {}
        kind = self.schema.records.get(table)
        if kind is not None and kind.version > 1:
            self.put("record_version", ("name",), name=table, version=kind.version)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What may fail without ending the session; but a disk that is full may have undone all of it already."""
        wakes_at = self.wakes_at
        self.cursor.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException as failure:
            if self.cursor.connection.in_transaction:
                self.cursor.execute("ROLLBACK TO attempt")
                self.cursor.execute("RELEASE attempt")
            self.wakes_at = wakes_at
            raise_told(failure, self.world)
            raise
        self.cursor.execute("RELEASE attempt")

    def clear(self) -> None:
        """Forget everything."""
        for table in tables_in(self.cursor.connection):
            self.cursor.execute(f'DROP TABLE "{table}"')
        self.absent, self.is_cleared = {}, True
        self.rest_until(math.inf)

    def wake_by(self, at: float) -> None:
        """This world needs a look at that moment, if not before."""
        if at == math.inf:
            return
        moment = max(AT_ONCE, min(math.floor(at), LATEST))
        if self.wakes_at == NEVER or moment < self.wakes_at:
            self.set_wake(moment)

    def rest_until(self, at: float) -> None:
        """This world needs no look before that moment."""
        self.set_wake(NEVER if at == math.inf else max(AT_ONCE, min(math.floor(at), LATEST)))

    def set_wake(self, moment: int) -> None:
        """Write it into the header, where it is not there already."""
        if moment != self.wakes_at:
            self.cursor.execute(f"PRAGMA application_id = {moment}")
            self.wakes_at = moment

    def check(self) -> None:
        """Have SQLite look through the whole file."""
        verdict = self.cursor.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            failure = sqlite3.DatabaseError(" ".join(verdict.split()))
            raise_told(failure, self.world)
            raise failure


@lru_cache(maxsize=512)
def insert_sql(table: str, columns: tuple[str, ...]) -> str:
    """A new row of these columns, in this order."""
    return f"INSERT INTO {table} ({', '.join(map(quoted, columns))}) VALUES ({', '.join('?' * len(columns))})"


@lru_cache(maxsize=512)
def upsert_sql(table: str, keys: tuple[str, ...], keep: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """A new row of these columns, or other values for the one that has the keys."""
    changes = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in columns if name not in (*keys, *keep))
    what = f"UPDATE SET {changes}" if changes else "NOTHING"
    return f"{insert_sql(table, columns)} ON CONFLICT ({', '.join(keys)}) DO {what}"


@lru_cache(maxsize=64)
def sum_sql(table: str, columns: tuple[str, ...], sums: tuple[str, ...]) -> str:
    """A new row of these columns, or more in the sums of the one that has the keys."""
    keys = ", ".join(name for name in columns if name not in sums)
    changes = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    return f"{insert_sql(table, columns)} ON CONFLICT ({keys}) DO UPDATE SET {changes}"


def missing_table(failure: sqlite3.OperationalError, schema: Schema) -> str:
    """The table whose absence made a statement fail; any other failure is raised again."""
    found = MISSING.search(str(failure))
    if found is None or found[1] not in schema.tables:
        raise failure
    return found[1]


def with_empty(table: Table, sql: str) -> str:
    """A statement that finds a table empty which is not there."""
    columns = ", ".join(f'NULL AS "{name}"' for name in table.columns)
    empty = f"WITH {table.name} AS (SELECT {columns} WHERE 1 = 0)"
    return f"{empty}, {sql.removeprefix('WITH ')}" if sql.startswith("WITH ") else f"{empty} {sql}"


class SqliteWorld:
    """A world's file: connections that wait for their next use, and the lock of those who write.

    SQLite finds what was written ahead by the name of the file, and removes it by that name with the last connection.
    So nobody opens or closes one, which `moving` is for, while another file comes to that name or this one goes.
    """

    is_far = False

    def __init__(self, database: SqliteDatabase, handle: str) -> None:
        self.database = database
        self.handle = handle
        self.file = database.file_of(handle)
        self.lock, self.watching = threading.Lock(), threading.Lock()
        self.moving = database.moving(handle)
        self.idle: list[sqlite3.Cursor] = []
        self.watch: sqlite3.Cursor | None = None  # a connection that commits nothing
        self.is_closed = self.is_gone = False
        self.damage: WorldDamaged | None = None
        self.absent: dict[str, str] = {}  # what those who write know to be absent; one of them at a time
        self.commits = 0  # since it was last asked to be folded back
        connection = None
        try:
            check_that_filled(self.file)
            connection = self.connect()
            migrate(connection, database.schema)
            self.wakes_at = wake_of(connection)
        except FileNotFoundError:
            raise WorldGone(handle) from None
        except BaseException as failure:
            if connection is not None:
                connection.close()
            raise self.told(failure) from failure
        self.give_back(connection.cursor())

    @property
    def is_busy(self) -> bool:
        """Whether somebody writes."""
        return self.lock.locked()

    def connect(self) -> sqlite3.Connection:
        """A new connection that commits only when told to. WorldGone where the world is not there any more."""
        with self.moving:
            return self.connected()

    def connected(self) -> sqlite3.Connection:
        """The same while nothing moves."""
        if self.is_gone:
            raise WorldGone(self.handle)
        address = f"{self.file.absolute().as_uri()}?mode=rw"
        try:
            connection = sqlite3.connect(
                address, uri=True, isolation_level=None, check_same_thread=False, timeout=60, cached_statements=512
            )
        except sqlite3.OperationalError:
            if not self.file.exists():
                raise WorldGone(self.handle) from None
            raise
        try:
            synchronous = "FULL" if self.database.durable else "NORMAL"
            connection.executescript(
                f"PRAGMA synchronous = {synchronous}; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; "
                "PRAGMA case_sensitive_like = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_mode = WAL;"
            )
        except BaseException:
            connection.close()
            raise
        return connection

    def take(self) -> sqlite3.Cursor:
        """A connection nobody else uses until it is given back, by the one cursor that we have of it. WorldDamaged."""
        if self.damage is not None:
            raise WorldDamaged(*self.damage.args)
        try:
            return self.idle.pop()
        except IndexError:
            return self.connect().cursor()

    def give_back(self, cursor: sqlite3.Cursor) -> None:
        """Let others use a connection; what was not committed is undone, by closing it where it cannot do that."""
        try:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
        except sqlite3.Error:
            self.disconnect(cursor)
            return
        if self.is_closed or self.damage or len(self.idle) >= MOST_IDLE_CONNECTIONS:
            self.disconnect(cursor)
        else:
            self.idle.append(cursor)

    def disconnect(self, cursor: sqlite3.Cursor) -> None:
        """Close a connection."""
        with self.moving:
            cursor.connection.close()

    def told(self, failure: BaseException) -> BaseException:
        """A failure as what it says of the file. Damage that was met once is what everybody is told from then on.

        A file that is removed while somebody opens it looks to SQLite like a disk that fails.
        """
        if isinstance(failure, sqlite3.Error) and (self.is_gone or not self.file.exists()):
            return WorldGone(self.handle)
        meaning = self.database.troubles.told(failure, self.file)
        if isinstance(meaning, WorldDamaged):
            self.damage = meaning
        return meaning

    def fold(self) -> None:
        """Fold back what was written ahead, while others read and write. What hinders it, the next write will tell.

        What they write meanwhile is not among it. So where much has gathered they wait for a second, short turn that
        takes the rest, after which the log begins anew; otherwise it would grow for as long as somebody writes.
        """
        if self.is_closed or self.is_gone:
            return
        with contextlib.suppress(sqlite3.Error, WorldGone, WorldDamaged):
            cursor = self.take()
            try:
                _, written, _ = cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if written > folding.TOO_MANY_PAGES:
                    with self.lock:
                        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            finally:
                self.give_back(cursor)

    def reading(self) -> Reading:
        """A look at one moment."""
        return Reading(self)

    def writing(self) -> Writing:
        """A change, alone among those who write."""
        return Writing(self)

    def revision(self) -> object:
        """A number of SQLite's own, which tells a connection that others have committed something, by its connection.

        What hinders it, a look will tell. Source: https://www.sqlite.org/pragma.html#pragma_data_version
        """
        try:
            with self.watching:
                if self.is_closed or self.damage is not None:
                    return None
                if self.watch is None:
                    self.watch = self.take()
                return self.watch, self.watch.execute("PRAGMA data_version").fetchone()[0]
        except (sqlite3.Error, WorldGone):
            return None

    def close(self) -> None:
        """Let go of the file. Who still has the world may use it: connections then close after each use."""
        with self.lock, self.watching:
            self.is_closed = True
            while self.idle:
                self.disconnect(self.idle.pop())
            if self.watch is not None:
                self.disconnect(self.watch)
                self.watch = None

    def end(self) -> None:
        """The world is no more, though another may come in its place."""
        self.is_gone = True
        self.close()


class Reading(SqliteSession):
    """A look at one moment of a world, for the length of a block.

    What is absent at that moment may be there at the next, so what one look finds absent says nothing to another.
    """

    world: SqliteWorld

    def __init__(self, world: SqliteWorld) -> None:
        self.world = world
        self.schema = world.database.schema
        self.absent = {}

    def __enter__(self) -> Reading:
        cursor = None
        try:
            self.cursor = cursor = self.world.take()
            cursor.execute("BEGIN")
        except BaseException as failure:
            if cursor is not None:
                self.world.give_back(cursor)
            raise self.world.told(failure) from failure
        return self

    def __exit__(self, kind: Any, failure: BaseException | None, trace: Any) -> None:
        try:
            if failure is None:
                self.cursor.execute("COMMIT")  # less work than to roll back
        finally:
            self.world.give_back(self.cursor)
        raise_told(failure, self.world)


class Writing(SqliteSession):
    """A change of a world, for the length of a block; undone by any exception."""

    world: SqliteWorld

    def __init__(self, world: SqliteWorld) -> None:
        self.world = world

    def __enter__(self) -> Writing:
        world = self.world
        world.lock.acquire()
        cursor = None
        try:
            cursor = world.take()
            super().__init__(cursor, world.database.schema, world.absent, world.wakes_at)
            cursor.execute("BEGIN IMMEDIATE")
        except BaseException as failure:
            if cursor is not None:
                world.give_back(cursor)
            world.lock.release()
            raise world.told(failure) from failure
        return self

    def __exit__(self, kind: Any, failure: BaseException | None, trace: Any) -> None:
        try:
            if failure is None:
                self.commit()
        except sqlite3.Error as refusal:
            raise_told(refusal, self.world)
            raise
        finally:
            self.world.give_back(self.cursor)
            self.world.lock.release()
        raise_told(failure, self.world)

    def commit(self) -> None:
        """Have the change happen, and tell the world what there is now."""
        self.cursor.execute("COMMIT")
        if self.is_cleared:
            with contextlib.suppress(sqlite3.OperationalError):  # somebody still reads the world as it was
                shrink(self.cursor.connection)
        self.world.absent = self.absent
        self.world.commits += 1
        if self.world.commits >= folding.MANY_COMMITS:
            self.world.commits = 0
            self.world.database.folding.ask(self.world)
        if self.wakes_at != self.world.wakes_at:
            self.world.wakes_at = self.wakes_at
            self.world.database.wake(self.world.handle, self.wakes_at)


def raise_told(failure: BaseException | None, world: SqliteWorld | None) -> None:
    """Raise what a failure says of the world's file, if it says anything of it."""
    if world is not None and isinstance(failure, sqlite3.Error | orjson.JSONDecodeError):
        meaning = world.told(failure)
        if meaning is not failure:
            raise meaning from failure


class Lock:
    """A lock among the threads of the one process."""

    def __init__(self, database: SqliteDatabase, name: str) -> None:
        self.database = database
        self.name = name
        self.is_held = False

    def take(self) -> bool:
        """Take it unless somebody has it."""
        with self.database.guard:
            self.is_held = self.name not in self.database.held
            self.database.held.add(self.name)
            return self.is_held

    def release(self) -> None:
        """Let another have it."""
        with self.database.guard:
            if self.is_held:
                self.database.held.discard(self.name)
            self.is_held = False


class SqliteDatabase:
    """The worlds of one directory, which is locked against every other process."""

    def __init__(
        self, directory: Path, records: Iterable[type], *, durable: bool = False, is_locked: bool = False
    ) -> None:
        """`is_locked`: whoever starts us holds the lock already. DirectoryInUse, OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        self.folder_lock = None if is_locked else DirectoryLock(directory)
        self.directory = directory
        self.place = str(directory)
        self.durable = durable
        self.schema = Schema(records)
        self.template: bytes | None = None
        self.guard, self.opening = threading.Lock(), threading.Lock()
        self.moved: WeakValueDictionary[str, threading.RLock] = WeakValueDictionary()  # type: ignore[valid-type]
        self.bells: dict[str, Bell] = {}
        self.drawers: dict[str, Drawer] = {}
        self.held: set[str] = set()
        self.opened: WeakValueDictionary[str, SqliteWorld] = WeakValueDictionary()
        self.wakes: dict[str, int] = {}
        self.queue: list[tuple[int, str]] = []
        self.troubles = Troubles(directory)
        self.folding = folding.Folding()
        self.requests = RequestFiles(directory, self.troubles)
        try:
            self.look_through()
        except BaseException:
            self.close()
            raise

    def file_of(self, handle: str) -> Path:
        """Where a world lies."""
        return self.directory / f"{handle}.sqlite"

    def moving(self, handle: str) -> threading.RLock:  # type: ignore[valid-type]
        """What is held while files of a world come or go, and while a connection to them is opened or closed."""
        with self.guard:
            return self.moved.setdefault(handle, threading.RLock())

    def opened_to_read(self, handle: str) -> sqlite3.Connection:
        """A connection to a world as it is that can change nothing in it."""
        with self.moving(handle):
            connection = opened_to_read(self.file_of(handle))
            try:
                connection.execute("PRAGMA schema_version").fetchone()  # what was written ahead is opened by it
            except BaseException:
                connection.close()
                raise
            return connection

    def look_through(self) -> None:
        """Note when each world needs a look. One that cannot be read needs one, so that somebody hears of it."""
        for handle, file in files_in(self.directory):
            self.wake(handle, wakes_at_of(file))

    # Worlds

    def worlds(self) -> list[Kept]:
        """Every world, the one last written to first."""
        there: set[str] = set()
        sizes: dict[str, int] = {}
        changes: dict[str, float] = {}
        try:
            entries = list(os.scandir(self.directory))
        except OSError as failure:
            raise self.troubles.told(failure, self.directory / PROBE) from failure
        for entry in entries:
            handle, _, kind = entry.name.partition(".")
            if HANDLE.fullmatch(handle):
                with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                    state = entry.stat()
                    sizes[handle] = sizes.get(handle, 0) + state.st_size
                    if kind == "sqlite":
                        there.add(handle)
                    if kind == "sqlite" or (kind == "sqlite-wal" and state.st_size):
                        changes[handle] = max(state.st_mtime, changes.get(handle, 0))
        found = [Kept(handle, sizes[handle], changes[handle]) for handle in there]
        return sorted(found, key=lambda kept: (-kept.changed, kept.handle))

    def copies(self, handle: str) -> list[Kept]:
        """The copies of a world that nobody serves, the newest first."""
        found = []
        try:
            for entry in os.scandir(self.directory):
                name, _, kind = entry.name.partition(".")
                copied = COPY.fullmatch(name)
                if copied is not None and copied[1] == handle and kind == "sqlite":
                    with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                        state = entry.stat()
                        found.append(Kept(name, state.st_size, state.st_mtime))
        except OSError as failure:
            raise self.troubles.told(failure, self.directory / PROBE) from failure
        return sorted(found, key=lambda kept: (-kept.changed, kept.handle))

    def has(self, handle: str) -> bool:
        """Whether there is such a world."""
        file = self.file_of(handle)
        try:
            is_one = HANDLE.fullmatch(handle) or COPY.fullmatch(handle)
            return is_one is not None and file.stat() is not None
        except FileNotFoundError:
            return False
        except OSError as failure:  # which is no reason to make another in its place
            raise self.troubles.told(failure, file) from failure

    def make(self, handle: str, fill: Callable[[SqliteSession], None], *, anew: bool = False) -> None:
        """A new world, in place of whatever was there. It is made in memory and put there whole."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
            fresh.execute(f"PRAGMA page_size = {BYTES_OF_A_PAGE}")
            if self.template is not None:
                fresh.deserialize(self.template)
            fresh.execute("BEGIN")
            session = SqliteSession(fresh.cursor(), self.schema, {}, NEVER)
            fill(session)
            fresh.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            fresh.execute("COMMIT")
            with self.drafting(handle) as draft:
                self.write(draft, fresh)
            if self.template is None:
                self.template = emptied(fresh)
        self.wake(handle, session.wakes_at)

    def open(self, handle: str) -> SqliteWorld:
        """A world that is there, brought up to date: the same as long as anybody has it, since it knows its tables."""
        with self.opening:
            world = self.opened.get(handle)
            if world is None:
                world = self.opened[handle] = SqliteWorld(self, handle)
            world.is_closed = False
            return world

    @contextmanager
    def looking(self, handle: str) -> Iterator[SqliteSession]:
        """A look at a world as it is, older or not, that opens and changes nothing."""
        file = self.file_of(handle)
        if not file.exists():
            raise WorldGone(handle)
        world = self.opened.get(handle)
        if world is not None and world.damage is not None:
            raise WorldDamaged(*world.damage.args)
        with looking(file, self.schema, partial(self.opened_to_read, handle)) as session:
            yield session

    def end(self, handle: str) -> None:
        """Whoever has a world has it no more. Called while nobody opens one."""
        world = self.opened.pop(handle, None)
        if world is not None:
            world.end()

    def copy(self, handle: str, to: str, change: Callable[[SqliteSession], None]) -> None:
        """A world as it is at this moment, as another one."""
        source = self.file_of(handle)
        is_served = HANDLE.fullmatch(handle) is not None
        with self.drafting(to, source) as draft:
            if not is_served:  # nobody writes to it
                shutil.copyfile(source, draft)
            with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
                copy.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")  # what fails goes as a whole
                if is_served:
                    with closing(self.opened_to_read(handle)) as stored:
                        stored.backup(copy)
                wakes_at = self.changed(copy, change)
            self.make_sure_of(draft)
        self.woken(to, wakes_at)

    def changed(self, copy: sqlite3.Connection, change: Callable[[SqliteSession], None]) -> int:
        """Bring a copy up to date and change it; when it needs a look."""
        migrate(copy, self.schema)
        copy.execute("BEGIN")
        session = SqliteSession(copy.cursor(), self.schema, {}, wake_of(copy))
        change(session)
        copy.execute("COMMIT")
        return session.wakes_at

    def woken(self, handle: str, moment: int) -> None:
        """Note when a world that was just put there needs a look; of copies that nobody serves none does."""
        if HANDLE.fullmatch(handle):
            self.wake(handle, moment)

    def make_sure_of(self, draft: Path) -> None:
        """Have a file survive the loss of power, where that is wanted."""
        if self.durable:
            with draft.open("rb") as written:
                os.fsync(written.fileno())

    def as_file(self, handle: str, change: Callable[[SqliteSession], None]) -> bytes:
        """A world as it is at this moment as the content of one file."""
        source = self.file_of(handle)
        try:
            with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
                with closing(self.opened_to_read(handle)) as stored:
                    stored.backup(copy)
                self.changed(copy, change)
                return copy.serialize()
        except sqlite3.Error as failure:
            if not source.exists():
                raise WorldGone(handle) from None
            raise self.troubles.told(failure, source) from failure

    def from_file(self, content: bytes, to: str, change: Callable[[SqliteSession], None]) -> None:
        """The world of such a file as one here. Nothing of it is believed before SQLite has looked through it."""
        with self.drafting(to) as draft:
            draft.write_bytes(content)
            with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
                try:
                    copy.executescript("PRAGMA trusted_schema = OFF; PRAGMA journal_mode = DELETE;")
                    check_that_ours(copy, self.schema)
                    wakes_at = self.changed(copy, change)
                except (sqlite3.Error, orjson.JSONDecodeError) as failure:
                    raise NoWorld(" ".join(str(failure).split())) from failure
            self.make_sure_of(draft)
        self.woken(to, wakes_at)

    @contextmanager
    def drafting(self, handle: str, source: Path | None = None) -> Iterator[Path]:
        """A world written beside its place and put there when it is whole; what is left of one that is not goes.

        What cannot be read on the way is the `source`, if there is one.
        """
        file = self.file_of(handle)
        draft = file.with_suffix(".new")
        try:
            remove(draft)  # which a killed server may have left
            yield draft
            with self.opening:  # or somebody could open what is about to be replaced
                self.end(handle)
                with self.moving(handle):
                    for rest in parts_of(file)[1:]:
                        rest.unlink(missing_ok=True)
                    draft.replace(file)
        except BaseException as failure:
            with contextlib.suppress(OSError):
                remove(draft)
            raise self.troubles.told(failure, source or file) from failure

    def write(self, draft: Path, world: sqlite3.Connection) -> None:
        """A world that was made in memory as a file that is written ahead of."""
        content = bytearray(world.serialize())
        content[FORMATS : FORMATS + len(WRITE_AHEAD)] = WRITE_AHEAD
        with draft.open("wb") as written:
            written.write(content)
            if self.durable:
                written.flush()
                os.fsync(written.fileno())

    def delete(self, handle: str) -> None:
        """Remove a world's files."""
        file = self.file_of(handle)
        try:
            with self.opening:
                self.end(handle)
                with self.moving(handle):
                    remove(file)
            if HANDLE.fullmatch(handle):
                self.requests.forget(handle)
        except OSError as failure:
            raise self.troubles.told(failure, file) from failure
        self.wake(handle, NEVER)

    # When to look

    def wake(self, handle: str, moment: int) -> None:
        """Note when a world next needs a look."""
        with self.guard:
            if moment == NEVER:
                self.wakes.pop(handle, None)
            else:
                self.wakes[handle] = moment
                heapq.heappush(self.queue, (moment, handle))

    def due(self, now: float) -> list[str]:
        """The worlds that need a look by that moment. They do until they say otherwise."""
        self.troubles.look()
        found: dict[str, int] = {}
        with self.guard:
            while self.queue and self.queue[0][0] <= now:
                moment, handle = heapq.heappop(self.queue)
                if self.wakes.get(handle) == moment:
                    found[handle] = moment
            for handle, moment in found.items():
                heapq.heappush(self.queue, (moment, handle))
        return list(found)

    def leave_alone(self, handle: str) -> None:
        """A world needs no look before something is written to it."""
        self.wake(handle, NEVER)

    # Among threads

    def bell(self, name: str) -> Bell:
        """The bell of that name."""
        with self.guard:
            return self.bells.setdefault(name, Bell())

    def lock(self, name: str) -> Lock:
        """A lock of that name."""
        return Lock(self, name)

    def drawer(self, name: str, most: int) -> Drawer:
        """The drawer of that name."""
        with self.guard:
            return self.drawers.setdefault(name, Drawer(most))

    def close(self) -> None:
        """Let go of the directory."""
        self.folding.close()
        self.requests.close()
        if self.folder_lock is not None:
            self.folder_lock.release()


def files_in(directory: Path) -> Iterator[tuple[str, Path]]:
    """The worlds in a directory, by their handles; whatever else is there is not ours."""
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        handle, _, kind = entry.name.partition(".")
        if kind == "sqlite" and HANDLE.fullmatch(handle):
            yield handle, directory / entry.name


def check_that_ours(file: sqlite3.Connection, schema: Schema) -> None:
    """DatabaseError for a file that is damaged, or has anything in it that no world has."""
    verdict = file.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    check_that_known(file)
    for kind, name in file.execute("SELECT type, name FROM sqlite_master"):
        if kind not in ("table", "index") or (kind == "table" and name not in (*schema.tables, COUNTED_BY_SQLITE)):
            raise sqlite3.DatabaseError(f"it has a {kind} {name}, which no world of this version has")


def wakes_at_of(file: Path) -> int:
    """When a world needs a look, as the header of its file says: at once where nobody can say."""
    try:
        if parts_of(file)[1].exists():  # written ahead by a server that was killed: the header may be behind
            with closing(opened_to_read(file)) as connection:
                return wake_of(connection) if version_of(connection) == SCHEMA_VERSION else AT_ONCE
        with file.open("rb") as opened:
            header, size = opened.read(HEADER), os.fstat(opened.fileno()).st_size
    except (OSError, sqlite3.Error):
        return AT_ONCE
    if len(header) < HEADER or not header.startswith(MAGIC) or size < length_of(header):
        return AT_ONCE
    (version,) = struct.unpack_from(">i", header, USER_VERSION)
    (wakes_at,) = struct.unpack_from(">i", header, APPLICATION_ID)
    return wakes_at if version == SCHEMA_VERSION else AT_ONCE


def length_of(header: bytes) -> int:
    """How long a file says that it is; a page of 1 byte stands for one of 65,536."""
    page_size, (pages,) = struct.unpack_from(">H", header, PAGE_SIZE)[0], struct.unpack_from(">I", header, PAGES)
    return (65_536 if page_size == 1 else page_size) * pages


def wake_of(connection: sqlite3.Connection) -> int:
    """When a world needs a look, as its header says."""
    return connection.execute("PRAGMA application_id").fetchone()[0]


def opened_to_read(file: Path) -> sqlite3.Connection:
    """A connection to a world that can change nothing in it."""
    address = f"{file.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=60)


def tables_in(world: sqlite3.Connection) -> list[str]:
    """The tables of a world, SQLite's own aside."""
    return [
        name
        for (name,) in world.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if not name.startswith("sqlite_")
    ]


def emptied(world: sqlite3.Connection) -> bytes:
    """A world's tables without a row, to make the next one from."""
    for table in tables_in(world):
        world.execute(f'DELETE FROM "{table}"')
    world.execute("PRAGMA application_id = 0")
    world.execute("VACUUM")
    return world.serialize()


@contextmanager
def looking(
    file: Path, schema: Schema, connect: Callable[[], sqlite3.Connection] | None = None
) -> Iterator[SqliteSession]:
    """A look at a world that changes nothing, not even the shape of an older one. WorldDamaged, StorageFails."""
    try:
        check_that_filled(file)
        with contextlib.ExitStack() as stack:
            stored = stack.enter_context(closing(connect() if connect else opened_to_read(file)))
            if not is_current(stored, schema):
                copy = stack.enter_context(closing(sqlite3.connect(":memory:", isolation_level=None)))
                stored.backup(copy)
                migrate(copy, schema)
                stored = copy
            stored.execute("BEGIN")
            yield SqliteSession(stored.cursor(), schema, {}, NEVER)
    except (sqlite3.Error, OSError, orjson.JSONDecodeError) as failure:
        raise told(failure, file) from failure
