"""A world in a PostgreSQL database, and the sessions on it.

Whoever writes has the world's row of the directory until the end: one after the other in each world, and nobody waits
for those who write to another. In one process they line up before they take a connection. What reads is a snapshot.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from emulator.kernel.database.face import StorageFails, WorldDamaged, WorldGone
from emulator.kernel.database.postgres.line import Line
from emulator.kernel.database.postgres.session import PostgresSession

if TYPE_CHECKING:
    from emulator.kernel.database.postgres.database import PostgresDatabase

BEGIN_TO_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
BEGIN_TO_WRITE = b"BEGIN ISOLATION LEVEL READ COMMITTED"
ENTER = (
    b"SELECT wakes_at, changed, shape, xmin::text, set_config('emulator.tenant', number::text, true) FROM world "
    b"WHERE handle = $1"
)
REVISION = b"SELECT xmin::text FROM world WHERE handle = $1"
ENTER_ALONE = ENTER + b" FOR NO KEY UPDATE"
LEAVE = b"UPDATE world SET wakes_at = $2, changed = $3 WHERE handle = $1"
COMMIT, ROLLBACK = b"COMMIT", b"ROLLBACK"


class PostgresWorld:
    """A world, as one process knows it."""

    is_far = True

    def __init__(self, database: PostgresDatabase, handle: str) -> None:
        self.database = database
        self.handle = handle
        self.lock = threading.Lock()
        self.is_gone = False
        self.shape: str | None = None  # how its records are, as far as that is known

    @property
    def is_busy(self) -> bool:
        """Whether somebody in this process writes."""
        return self.lock.locked()

    def reading(self) -> Reading:
        """A look at one moment."""
        return Reading(self)

    def writing(self) -> Writing:
        """A change, alone among those who write."""
        return Writing(self)

    def revision(self) -> object:
        """The number of the transaction that was the last to change anything; None where there is no world any more.

        What hinders it, a look will tell. Source: https://www.postgresql.org/docs/current/ddl-system-columns.html
        """
        try:
            found = self.database.looked(REVISION, self.handle)
        except StorageFails:
            return None
        return found[0][0] if found else None

    def take(self) -> Line:
        """A connection nobody else uses until it is given back. WorldGone where the world is no more."""
        if self.is_gone:
            raise WorldGone(self.handle)
        return self.database.take()

    def close(self) -> None:
        """Nothing is open while nobody uses it."""


class Entered(PostgresSession):
    """A session within one world, for the length of a block."""

    begin: bytes
    enter: bytes

    def __init__(self, world: PostgresWorld) -> None:
        self.world = world
        self.schema = world.database.schema
        self.place = world.database.place
        self.is_within = False  # whether it is known that the world is there

    def start(self) -> None:
        """Begin, as soon as somebody asks something."""
        self.line = line = self.world.take()
        line.gather()
        line.send(self.begin)
        self.entered = line.ask(self.enter, (self.world.handle,))
        self.foreseen = {}

    def all(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Every row that a query gives. WorldGone, WorldDamaged."""
        rows = super().all(sql, **values)
        if not self.is_within:
            self.come_in()
        return rows

    def come_in(self) -> None:
        """See what the directory says of the world. WorldGone where it says nothing: what was asked found nothing.

        WorldDamaged where another program has brought it into another shape.
        """
        found = self.line.rows(self.entered)
        self.is_within = True
        if not found:
            self.world.is_gone = True
            raise WorldGone(self.world.handle)
        wakes_at, changed, shape, self.revision, _ = found[0]
        if self.world.shape not in (None, shape):
            self.world.is_gone = True  # this one is; whoever opens it again sees whether it can
            raise WorldDamaged(
                f"Another version of the emulator has written this world in the database {self.place} anew: servers of "
                "two versions cannot share it."
            )
        self.told(wakes_at, changed)

    def told(self, wakes_at: int | None, changed: int) -> None:
        """What the directory says."""


class Reading(Entered):
    """A look at one moment of a world."""

    begin, enter = BEGIN_TO_READ, ENTER

    def __enter__(self) -> Reading:
        self.start()
        return self

    def __exit__(self, kind: Any, failure: BaseException | None, trace: Any) -> None:
        self.world.database.leave(self.line, COMMIT if failure is None else None)
        self.world.database.raise_told(failure)


class Writing(Entered):
    """A change of a world, undone by any exception."""

    begin, enter = BEGIN_TO_WRITE, ENTER_ALONE

    def __enter__(self) -> Writing:
        self.world.lock.acquire()
        try:
            self.start()
        except BaseException:
            self.world.lock.release()
            raise
        return self

    def told(self, wakes_at: int | None, changed: int) -> None:
        """When it was to be looked at, and when it was last written to."""
        self.wakes_at = self.woke_at = wakes_at
        self.changed_at = changed

    def wake_by(self, at: float) -> None:
        """This world needs a look at that moment, if not before."""
        if not self.is_within:
            self.come_in()
        super().wake_by(at)

    def rest_until(self, at: float) -> None:
        """This world needs no look before that moment."""
        if not self.is_within:
            self.come_in()
        super().rest_until(at)

    def __exit__(self, kind: Any, failure: BaseException | None, trace: Any) -> None:
        database, world = self.world.database, self.world
        try:
            if failure is None and not self.is_within:
                self.come_in()
            if failure is None:
                now = int(time.time())
                if self.wakes_at != self.woke_at or self.has_written:  # which makes another revision
                    self.line.send(LEAVE, (world.handle, self.wakes_at, now if self.has_written else self.changed_at))
        except BaseException as trouble:
            database.leave(self.line, None)
            database.raise_told(trouble)
            raise
        else:
            database.leave(self.line, COMMIT if failure is None else None, is_change=self.has_written)
        finally:
            world.lock.release()
        if failure is None:
            database.attended(world.handle)
        database.raise_told(failure)
