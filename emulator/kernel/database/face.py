"""One face to the database, few verbs. Whoever is behind it, the kernel's SQL is the same.

    Database ── open(handle) ─▶ StoredWorld ── reading(), writing() ─▶ Session

A *handle* is what a world is called here: 32 hexadecimal digits that tell nothing of its name. SQL is written once, in
what SQLite and PostgreSQL both speak: values by name (`:amount`), `ON CONFLICT`, row values, no rowid, no number that
only the database knows. Texts are compared byte by byte. Booleans are kept as 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from emulator.kernel.database.request_log import RequestLog
    from emulator.kernel.waiting import Alarm


class WorldGone(Exception):
    """The world has been deleted."""


class WorldDamaged(Exception):
    """What is stored of a world cannot be read; in a sentence. It can be made anew, or deleted; others go on.

    That it was written by a newer version of this program is no damage, but comes to the same.
    """


class StorageFails(Exception):
    """Where the worlds are kept cannot be used at this moment; in a sentence. Nothing was changed, and it may pass."""


class Unsure(StorageFails):
    """The database was lost while a change was being committed; in a sentence. Nobody can say whether it happened."""


class Conflict(StorageFails):
    """Somebody else changed the same at the same moment; in a sentence. Nothing was changed: try it again."""


class NoWorld(Exception):
    """A file that is said to hold a world and holds none that this program can take; in a sentence, why."""


class Kept(NamedTuple):
    """A world as a list of all shows it: its size in bytes with its log, and when it was last written to."""

    handle: str
    bytes: int
    changed: float


class Session(Protocol):
    """One consistent look at a world, or one change of it that happens as a whole or not at all."""

    revision: object  # of the world where it began, once anything was asked; None where the world alone can tell

    def one(self, sql: str, **values: Any) -> tuple[Any, ...] | None:
        """The first row that a query gives, or None."""

    def all(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Every row that a query gives."""

    def ahead(self, sql: str, **values: Any) -> None:
        """This query is likely to come: where every one is waited for, it may be answered together with the next."""

    def run(self, sql: str, **values: Any) -> None:
        """Change rows."""

    def changed(self, sql: str, **values: Any) -> int:
        """Change rows; how many were, for which the database is waited for."""

    def add(self, table: str, **row: Any) -> None:
        """A new row."""

    def many(
        self, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], *, sums: tuple[str, ...] = ()
    ) -> None:
        """New rows of these columns. Where one with the same key is there, what is in `sums` is added to what it has.

        A key is then whatever of the columns is no sum.
        """

    def put(self, table: str, keys: tuple[str, ...], *, keep: tuple[str, ...] = (), **row: Any) -> None:
        """A new row, or the values of the one that has these keys already, but for those it keeps."""

    def attempt(self) -> AbstractContextManager[None]:
        """What may fail without ending the session: an exception undoes what was done in the block, and goes on."""

    def clear(self) -> None:
        """Forget everything; what is written afterwards is the world."""

    def wake_by(self, at: float) -> None:
        """This world needs a look at that moment of real time, in unix seconds, if not before."""

    def rest_until(self, at: float) -> None:
        """This world needs no look before that moment: `math.inf` when nothing waits."""

    def check(self) -> None:
        """WorldDamaged where the database itself finds something wrong with what is stored."""


class StoredWorld(Protocol):
    """One world. Sessions that read see what had been committed when they began, and keep nobody waiting."""

    handle: str
    is_gone: bool  # it has been deleted, or another has taken its place
    is_busy: bool  # somebody writes: whoever wants to has to wait
    is_far: bool  # another program keeps it, which every session waits for

    def reading(self) -> AbstractContextManager[Session]:
        """A look at one moment. WorldGone, WorldDamaged, StorageFails."""

    def writing(self) -> AbstractContextManager[Session]:
        """A change, alone among those who write; undone by any exception. WorldGone, WorldDamaged, StorageFails."""

    def revision(self) -> object:
        """What stays equal until anybody, in whatever process, has committed anything; None where nobody can tell.

        It costs much less than a look, and where the world `is_far` nearly as much: one round trip.
        """

    def close(self) -> None:
        """Let go of files and connections. Who still has it may go on using it."""


class Ear(Protocol):
    """Hears a bell from its making on."""

    alarm: Alarm  # rung when there is something to hear

    def heard(self) -> set[str]:
        """The words rung since the last time."""

    def listen(self, seconds: float) -> set[str]:
        """The words rung since the last time, as soon as there is one or after some seconds."""


class Bell(Protocol):
    """Tells everyone who listens, in every process that serves the database, and waits for nobody.

    A word is of one piece. What is told to other processes may be lost while one cannot reach the database: who listens
    there is woken when that is over, and looks now and then without being told.
    """

    def ring(self, word: str) -> None:
        """Something has happened to what the word names."""

    def ring_here(self, word: str) -> None:
        """The same, for who listens in this process."""

    def ring_elsewhere(self, word: str) -> None:
        """The same, for who listens in another."""

    def ear(self, word: str | None = None) -> AbstractContextManager[Ear]:
        """Someone who listens for the length of a block, for one word or for all."""


class Lock(Protocol):
    """Held by one at a time among all processes that serve the database; one that dies holds it no more.

    Nor does one that is cut off from the database.
    """

    is_held: bool  # whether it is still ours

    def take(self) -> bool:
        """Take it unless somebody has it; whether it is ours now. StorageFails."""

    def release(self) -> None:
        """Let another have it."""


class Drawer(Protocol):
    """Small things of one kind that belong to no world, for every process. Of too many the least lately used go."""

    def get(self, key: str) -> bytes | None:
        """What is kept under a key. StorageFails."""

    def put(self, key: str, content: bytes) -> None:
        """Keep something under a key, in place of what was. StorageFails."""

    def replace(self, key: str, content: bytes) -> None:
        """Keep something in place of what is there; nothing where nothing is, or is any more. StorageFails."""

    def take(self, key: str) -> bytes | None:
        """What was kept under a key, which nobody else is given any more. StorageFails."""


class Database(Protocol):
    """Every world that one server keeps."""

    place: str  # where that is, for people
    requests: RequestLog

    def worlds(self) -> list[Kept]:
        """Every world, the one last written to first. StorageFails."""

    def has(self, handle: str) -> bool:
        """Whether there is such a world. StorageFails."""

    def make(self, handle: str, fill: Callable[[Session], None], *, anew: bool = False) -> None:
        """A new world: nobody ever meets it half filled. StorageFails.

        What somebody else has made meanwhile stays, unless this is to be in place of whatever is there.
        """

    def open(self, handle: str) -> StoredWorld:
        """A world that is there, brought up to date. WorldGone, WorldDamaged, StorageFails."""

    def looking(self, handle: str) -> AbstractContextManager[Session]:
        """A look at a world as it is, older or not, that opens and changes nothing.

        WorldGone, WorldDamaged, StorageFails.
        """

    def copy(self, handle: str, to: str, change: Callable[[Session], None]) -> None:
        """A world as it is at this moment, as another one, changed before anybody meets it.

        WorldDamaged, StorageFails.
        """

    def copies(self, handle: str) -> list[Kept]:
        """The copies of a world that nobody serves, the newest first: their handles are its own, `-` and another."""

    def as_file(self, handle: str, change: Callable[[Session], None]) -> bytes:
        """A world as it is at this moment as the content of one file, changed before anybody has it.

        WorldGone, WorldDamaged, StorageFails.
        """

    def from_file(self, content: bytes, to: str, change: Callable[[Session], None]) -> None:
        """The world of such a file as one here, brought up to date, and changed before anybody meets it.

        NoWorld, StorageFails.
        """

    def delete(self, handle: str) -> None:
        """Forget a world for good."""

    def due(self, now: float) -> list[str]:
        """The worlds that need a look by that moment of real time."""

    def leave_alone(self, handle: str) -> None:
        """A world needs no look before something is written to it."""

    def bell(self, name: str) -> Bell:
        """The bell of that name."""

    def lock(self, name: str) -> Lock:
        """A lock of that name."""

    def drawer(self, name: str, most: int) -> Drawer:
        """The drawer of that name, for so many things."""

    def close(self) -> None:
        """Let go of everything."""
