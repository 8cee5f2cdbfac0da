"""A tenant: everything behind one set of API keys, in a database of its own.

One process serves a data directory. A write step holds the tenant's lock and begins immediately; a read step is a
snapshot without a lock. Nothing that must survive is held in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import sqlite3
import threading
import time
import traceback
import zlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from emulator.kernel import ids
from emulator.kernel.asks import Asks
from emulator.kernel.bell import Bell
from emulator.kernel.catalog import Catalog
from emulator.kernel.clock import Agenda, Due, Spared, tenant_time
from emulator.kernel.directory_lock import DirectoryInUse, DirectoryLock
from emulator.kernel.errors import invalid
from emulator.kernel.migrations import SCHEMA_VERSION, NewerData, migrate, version_of
from emulator.kernel.outbox import Outbox
from emulator.kernel.outgoing import Call, Flight
from emulator.kernel.request_log import RequestLog
from emulator.kernel.store import table_of
from emulator.kernel.store import version_of as version_of_record
from emulator.kernel.world import Request, Step, TenantRow, World, read_tenant_row

if TYPE_CHECKING:
    from emulator.kernel.postman import Postman

__all__ = ["DirectoryInUse", "NewerData", "Tenant", "Tenants"]

MOST_OPEN_TENANTS = 200
FILES_OF_A_TENANT = 7  # three for each connection that waits for its next request
FILES_FOR_THE_REST = 160  # connections of clients, request logs, deliveries
MOST_IDLE_CONNECTIONS = 16
LONGEST_TURN = 0.05
LATEST = 4_102_444_800 - 1  # where every clock ends: 31 December 2099
PATIENCE_SECONDS = 2.0  # how long what objects do by themselves gives way to a request that may follow
MOST_LONG_POLLS = 16  # each holds one of the server's 64 threads
log = logging.getLogger("emulator")


class Tenants:
    """The tenants of one data directory, opened as their keys appear."""

    def __init__(
        self,
        directory: Path,
        catalog: Catalog,
        *,
        seed: int = 0,
        durable: bool = False,
        is_locked: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`is_locked`: whoever starts us holds the directory's lock already. DirectoryInUse where another does."""
        directory.mkdir(parents=True, exist_ok=True)
        self.lock = None if is_locked else DirectoryLock(directory)
        self.directory = directory
        self.catalog = catalog
        self.seed = seed
        self.durable = durable
        self.settings = dict(settings or {})  # what new worlds have in place of the defaults
        self.most_open = places(most_files())
        self.news = Bell()  # names of tenants in which something happened
        self.template = new_template(catalog)
        self.template_lock = threading.Lock()
        self.guard = threading.Lock()
        self.turn = Turn()
        self.open_ones: OrderedDict[Path, Tenant] = OrderedDict()
        self.rests: dict[Path, Rest] = {}
        self.request_log = RequestLog(directory)
        self.origin = "http://127.0.0.1:12111"  # in addresses that no request asks for; the server tells its own
        self.websocket_url: str | None = None
        self.postman: Postman | None = None
        self.long_polls = threading.BoundedSemaphore(MOST_LONG_POLLS)
        self.when_something_may_be_due: list[Callable[[Tenant], None]] = []
        self.when_questions_are_open: list[Callable[[Tenant], None]] = []
        self.at_each_tick: list[Callable[[Tenant], None]] = []
        try:
            for file in self.files():
                refuse_newer(file)
        except BaseException:
            self.close()
            raise

    def files(self) -> list[Path]:
        """The databases in the directory."""
        return sorted(self.directory.glob("*.sqlite"))

    def open(self, name: str) -> Tenant:
        """The tenant of that name, made if there is none yet."""
        return self.open_file(file_of(self.directory, name), name)

    def behind(self, stem: str) -> Tenant | None:
        """The tenant whose database file has that stem, as addresses without a key carry it; or None."""
        file = self.directory / f"{stem}.sqlite"
        return self.open_file(file) if file.is_file() else None

    def open_file(self, file: Path, name: str | None = None) -> Tenant:
        """The tenant in a database file. Tenants long unused are closed to keep few files open."""
        tenant = self.open_ones.get(file)
        if tenant is not None:
            with contextlib.suppress(KeyError):  # closed by another thread this very moment
                self.open_ones.move_to_end(file)
            return tenant
        unused = []
        with self.guard:
            tenant = self.open_ones.get(file)
            if tenant is None:
                tenant = Tenant(self, file, name)
                self.open_ones[file] = tenant
                while len(self.open_ones) > self.most_open:
                    unused.append(self.open_ones.popitem(last=False)[1])
        for oldest in unused:  # outside the guard: one that is being written to has others wait for it alone
            oldest.close()
        return tenant

    def all(self) -> Iterator[Tenant]:
        """Every tenant of the directory."""
        for file in self.files():
            yield self.open_file(file)

    def tick(self) -> None:
        """Run what has fallen due, whichever tenant it belongs to, and let others look at the tenant too.

        A tenant whose files have not changed since the last look, and for whom nothing has fallen due since, rests.
        """
        for file in self.files():
            stamp = stamp_of(file)
            rest = self.rests.get(file)
            if rest is not None and rest.stamp == stamp and time.time() < rest.until:
                continue
            tenant = self.open_file(file)
            tenant.settle_unasked()
            for look in self.at_each_tick:
                look(tenant)
            self.rests[file] = Rest(stamp, tenant.rests_until())

    def close(self) -> None:
        """Close every database."""
        self.request_log.close()
        with self.guard:
            while self.open_ones:
                self.open_ones.popitem()[1].close()
        if self.lock is not None:
            self.lock.release()


class Turn:
    """Requests are answered one after the other, which is faster than at once.

    SQLite lets the interpreter go at every statement, and each time a thread that waits for it is switched to. A
    courtesy, not a lock: who has waited for `LONGEST_TURN` seconds goes anyway, so that nobody can wait in a circle,
    and who is about to wait for somebody else leaves first.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.holder: int | None = None

    def take(self) -> None:
        """Wait for one's turn, but not long."""
        if self.lock.acquire(timeout=LONGEST_TURN):
            self.holder = threading.get_ident()

    def leave(self) -> None:
        """Let the next one go, if it is this thread's turn."""
        if self.holder == threading.get_ident():
            self.holder = None
            self.lock.release()


class Rest(NamedTuple):
    """A tenant that needs no look before `until` (real time), unless its files change."""

    stamp: tuple[int, int]
    until: float


def most_files() -> float:
    """How many files this process may have open; as many as it likes where the system does not count them."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return math.inf if most == resource.RLIM_INFINITY else most


def places(most_files: float) -> int:
    """How many tenants may be open at once in a process that may open so many files."""
    return int(max(2, min(MOST_OPEN_TENANTS, (most_files - FILES_FOR_THE_REST) // FILES_OF_A_TENANT)))


def stamp_of(file: Path) -> tuple[int, int]:
    """What changes whenever anything is written to a database: time and size of its newest file."""
    for newest in (file.with_name(file.name + "-wal"), file):
        with contextlib.suppress(FileNotFoundError):
            state = newest.stat()
            return state.st_mtime_ns, state.st_size
    return 0, 0


class Tenant:
    """One tenant's database, lock and clock."""

    def __init__(self, tenants: Tenants, file: Path, name: str | None) -> None:
        self.tenants = tenants
        self.catalog = tenants.catalog
        self.file = file
        self.stem = file.stem
        self.thread_lock = threading.Lock()
        self.idle: list[sqlite3.Connection] = []
        self.closed = False
        self.guard = threading.Lock()
        self.handling: list[Flight] = []
        self.has_open_asks = True  # until somebody has looked: an earlier server may have died waiting
        self.giving_way: tuple[int, float] | None = None  # which due item the background leaves be, and since when
        with self.locked():
            self.prepare(name)
        with self.connection() as connection:
            self.name = read_tenant_row(connection).name

    # Connections and locks

    def connect(self) -> sqlite3.Connection:
        """A new connection that commits only when told to."""
        connection = sqlite3.connect(
            self.file, isolation_level=None, check_same_thread=False, timeout=60, cached_statements=512
        )
        synchronous = "FULL" if self.tenants.durable else "NORMAL"
        connection.executescript(
            f"PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA temp_store = MEMORY; "
            "PRAGMA cache_size = -16000; PRAGMA case_sensitive_like = ON; PRAGMA wal_autocheckpoint = 4000;"
        )
        return connection

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection nobody else uses meanwhile."""
        try:
            connection = self.idle.pop()
        except IndexError:
            connection = self.connect()
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.rollback()
            if self.closed or len(self.idle) >= MOST_IDLE_CONNECTIONS:
                connection.close()
            else:
                self.idle.append(connection)

    def locked(self) -> threading.Lock:
        """Alone among the threads that write to this tenant, for the length of a block."""
        return self.thread_lock

    def close(self) -> None:
        """Close its files. Who still has it may use it: connections then close after each use."""
        with self.thread_lock:
            self.closed = True
            while self.idle:
                self.idle.pop().close()

    # Making, migrating, resetting

    def prepare(self, name: str | None) -> None:
        """Make the database, or bring an older one up to date. Under the lock."""
        with self.connection() as connection:
            if version_of(connection) == 0:
                assert name is not None, f"{self.file} is no tenant's database"
                self.begin_anew(connection, name, generation=1)
            elif not is_current(connection, self.catalog):
                migrate(connection, tuple(self.catalog.records.values()))
                connection.execute(f"PRAGMA application_id = {mark_of(self.catalog)}")

    def begin_anew(self, connection: sqlite3.Connection, name: str, *, generation: int) -> None:
        """An empty world with its platform account, written over whatever was there. Under the lock.

        It is made in memory and copied in one transaction: neither a reader nor a crash ever meets half a world.
        """
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
            with self.tenants.template_lock:
                self.tenants.template.backup(fresh)
            generator = ids.generator_key(self.tenants.seed, name)
            platform = ids.object_id("acct", 0, "", ids.chance(generator, 0))
            now = int(time.time())
            fresh.execute("BEGIN IMMEDIATE")
            fresh.execute(
                "INSERT INTO tenant (name, generator, draws, platform, clock_offset, frozen_at, last_now, generation, "
                "settings) VALUES (?, ?, 0, ?, 0, NULL, ?, ?, ?)",
                (name, generator, platform, now, generation, orjson.dumps(self.tenants.settings)),
            )
            step = self.step(fresh, read_tenant_row(fresh), now)
            World(step, platform).open_account(platform)
            step.save_tenant()
            fresh.execute("COMMIT")
            fresh.backup(connection)

    def reset(self) -> int:
        """Back to the first moment: same seed, same ids, settings as at first. The new generation's number."""
        with self.locked(), self.connection() as connection:
            row = read_tenant_row(connection)
            before = World(self.step(connection, row, time_of(row)), row.platform)
            again = self.catalog.outliving_reset(before)
            self.begin_anew(connection, row.name, generation=row.generation + 1)
            row = read_tenant_row(connection)
            after = World(self.step(connection, row, time_of(row)), row.platform)
            for put_back in again:
                put_back(after)
            return row.generation

    # Steps

    def step(
        self,
        connection: sqlite3.Connection,
        row: TenantRow,
        now: int,
        request: Request = Request(),  # noqa: B008
        *,
        origin: str | None = None,
        **where: Any,
    ) -> Step:
        """A step on a connection; `origin` is where its request came to, and the server's address without one."""
        return Step(connection, self.catalog, row, now, request, origin=origin or self.tenants.origin, **where)

    @contextmanager
    def reading(
        self,
        request: Request = Request(),  # noqa: B008
        *,
        named: Collection[str] = (),
        **where: Any,
    ) -> Iterator[Step]:
        """A consistent look, after what has fallen due has been done; see `writing` for `named`."""
        if self.has_open_asks:
            self.look_at_asks()
        with self.connection() as connection:
            connection.execute("BEGIN")
            row = read_tenant_row(connection)
            if is_behind(row):
                connection.execute("ROLLBACK")
                self.settle(named)
                connection.execute("BEGIN")
                row = read_tenant_row(connection)
            yield self.step(connection, row, time_of(row), request, **where)
            connection.execute("COMMIT")

    @contextmanager
    def writing(
        self,
        request: Request = Request(),  # noqa: B008
        *,
        named: Collection[str] = (),
        **where: Any,
    ) -> Iterator[Step]:
        """A change that commits as a whole, after what has fallen due has been done. Undone by any exception.

        What the objects in `named` do by themselves gives way to it; where any of that is due, the step is `is_early`.
        """
        if self.has_open_asks:
            self.look_at_asks()
        with self.locked(), self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            row = read_tenant_row(connection)
            if is_behind(row):
                connection.execute("ROLLBACK")
                self.settle_under_lock(connection, named)
                connection.execute("BEGIN IMMEDIATE")
                row = read_tenant_row(connection)
            step = self.step(connection, row, time_of(row), request, **where)
            step.is_early = is_behind(row)
            yield step
            step.save_tenant()
            connection.execute("COMMIT")
        if step.events or step.outbox.has_posted:
            self.announce(may_be_due=step.outbox.has_posted)

    # What others wait for

    def announce(self, *, may_be_due: bool) -> None:
        """Wake whoever waits for events of this tenant, and those who deliver them."""
        self.tenants.news.ring(self.stem)
        if may_be_due:
            for wake in self.tenants.when_something_may_be_due:
                wake(self)

    def look_at_asks(self) -> None:
        """Have questions concluded that an earlier server left when it died."""
        self.has_open_asks = False
        for look in self.tenants.when_questions_are_open:
            look(self)

    def handle(self, begin: Callable[[], Call]) -> Flight:
        """Begin a call that somebody handles from now on: API calls made meanwhile are noted with it."""
        flight = Flight()
        with self.guard:
            self.handling = [*self.handling, flight]
        try:
            flight.call = begin()
        except BaseException:
            self.handled(flight)
            raise
        return flight

    def handled(self, flight: Flight) -> None:
        """It has been answered, or nobody waits for it any more."""
        with self.guard:
            self.handling = [one for one in self.handling if one is not flight]

    def note(self, api_call: dict[str, Any], began: float) -> None:
        """An API call was answered: keep it with every call that a handler is waited for."""
        ended = time.monotonic()
        for flight in self.handling:
            flight.note(api_call, began, ended)

    # Time

    def settle(self, named: Collection[str] = ()) -> None:
        """Do what has fallen due, one step per item, in order, but for what the `named` objects do by themselves."""
        with self.connection() as connection:
            if not is_behind(read_tenant_row(connection)):
                return
        with self.locked(), self.connection() as connection:
            self.settle_under_lock(connection, named)

    def settle_unasked(self) -> None:
        """Do what has fallen due although no request asks for it.

        If all of that is what objects do by themselves, somebody must be there to be told of it, and it waits a little
        for the request that it gives way to: a client that creates an object and goes on to cancel it comes first.
        """
        with self.connection() as connection:
            row = read_tenant_row(connection)
            item = Agenda(connection).first_until(time_of(row)) if is_behind(row) else None
            if item is None:
                return
            deadline = Agenda(connection).next_but(self.catalog.progress)
            if deadline is None or deadline > time_of(row):
                if not Outbox(connection).is_anyone_there():
                    return
                if self.giving_way is None or self.giving_way[0] != item.sequence:
                    self.giving_way = item.sequence, time.monotonic()
                if time.monotonic() - self.giving_way[1] < PATIENCE_SECONDS:
                    return
        self.settle()

    def rests_until(self) -> float:
        """The real time at which something next falls due, by the clock as it is; infinity when nothing will."""
        with self.connection() as connection:
            if Asks(connection).unfinished():
                return 0
            row, outbox, next_due = read_tenant_row(connection), Outbox(connection), None
            if row.next_due_at is not None:
                is_told = outbox.is_anyone_there()
                next_due = row.next_due_at if is_told else Agenda(connection).next_but(self.catalog.progress)
            waiting = [next_due, outbox.next_due()]
        times = [at for at in waiting if at is not None]
        if not times:
            return math.inf
        wait = min(times) - time_of(row)
        return time.time() + max(wait, 0) if row.frozen_at is None or wait <= 0 else math.inf

    def settle_under_lock(self, connection: sqlite3.Connection, named: Collection[str] = ()) -> None:
        """Run due items until none is left; what an item adds for now is run too. Under the lock."""
        spared = Spared(self.catalog.progress, named)
        while is_behind(row := read_tenant_row(connection)):
            item = Agenda(connection).first_until(time_of(row), spared)
            if item is None:
                return
            self.run(connection, row, item)

    def run(self, connection: sqlite3.Connection, row: TenantRow, item: Due) -> None:
        """One due item in a step of its own. One that fails is set aside with its reason, never tried again."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            step = self.step(connection, row, max(item.due_at, row.last_now))  # later where it gave way to a request
            self.catalog.due[item.action](World(step, item.account), item.about, **item.details)
            step.agenda.done(item)
            step.save_tenant()
            connection.execute("COMMIT")
            if step.events:
                self.announce(may_be_due=step.outbox.has_posted)
        except Exception as failure:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            log.error("due action %s for %s failed\n%s", item.action, item.about, traceback.format_exc())
            connection.execute("BEGIN IMMEDIATE")
            Agenda(connection).set_aside(item, f"{type(failure).__name__}: {failure}")
            connection.execute("COMMIT")

    def clock(self) -> dict[str, Any]:
        """The clock as the control API shows it; times in unix seconds."""
        with self.connection() as connection:
            row = read_tenant_row(connection)
        return {
            "object": "emulator.clock",
            "frozen": row.frozen_at is not None,
            "next_due_at": row.next_due_at,
            "now": time_of(row),
            "offset": row.clock_offset,
        }

    def move_clock(
        self, *, advance: int | None = None, to: int | None = None, frozen: bool | None = None
    ) -> dict[str, Any]:
        """Move the clock forward, or freeze and unfreeze it, and do what falls due.

        400 for a time that has passed, and for one that no calendar here reaches, such as milliseconds for seconds.
        """
        with self.locked(), self.connection() as connection:
            row = read_tenant_row(connection)
            now = time_of(row)
            target = to if to is not None else now + (advance or 0)
            if target < now:
                raise invalid(
                    f"The clock runs forward only: it shows {now} and cannot go back to {target}.",
                    param="set" if to is not None else "advance",
                )
            if target > LATEST:
                raise invalid(
                    f"The clock counts seconds and ends with the year 2099: {target} is later.",
                    param="set" if to is not None else "advance",
                )
            keep_frozen = row.frozen_at is not None if frozen is None else frozen
            offset = target - int(time.time())
            connection.execute(
                "UPDATE tenant SET clock_offset = ?, frozen_at = ?, last_now = min(last_now, ?)",
                (offset, target if keep_frozen else None, target),
            )
            self.settle_under_lock(connection)
            connection.execute("UPDATE tenant SET last_now = max(last_now, ?)", (target,))
        self.announce(may_be_due=True)
        return self.clock()

    # Settings

    def change_settings(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Set some settings; None puts one back to what it was at first. All settings as they are now.

        400 for a change of one that founds the world once anything was made in it.
        """
        with self.writing() as step:
            first = self.tenants.settings
            kept = {name: first.get(name) if value is None else value for name, value in changes.items()}
            kept = {name: value for name, value in {**step.settings, **kept}.items() if value is not None}
            for name, setting in self.catalog.settings.items():
                default = setting.default
                if setting.founds and kept.get(name, default) != step.settings.get(name, default):
                    self.found_again(step, kept, name)
            step.connection.execute("UPDATE tenant SET settings = ?", (orjson.dumps(kept),))
        return self.all_settings()

    def found_again(self, step: Step, settings: dict[str, Any], name: str) -> None:
        """Begin the world as other settings have it. 400, naming the setting, once anything was made in it.

        Whatever is made draws from the generator, so an untouched world has drawn no more than one just opened.
        """
        drawn = step.draws
        if self.opened_again(step) != drawn:
            raise invalid(
                f"The {name} can only be set before anything is made in a world. Reset it first "
                "(`stripe-emulator reset`, or POST /_emulator/reset).",
                param=name,
            )
        step.settings = settings
        self.opened_again(step)

    def opened_again(self, step: Step) -> int:
        """Open the platform's account in place of every record there is; how often that drew from the generator."""
        world = World(step, step.row.platform)
        again = self.catalog.outliving_reset(world)
        for kind in self.catalog.records.values():
            if getattr(kind, "is_stored", True):
                for _, record in list(step.store.every(kind)):
                    world.forget(record)
        step.draws = 0
        world.open_account(world.platform)
        for put_back in again:
            put_back(world)
        return step.draws

    def all_settings(self) -> dict[str, Any]:
        """Every setting with its value or default."""
        with self.connection() as connection:
            chosen = read_tenant_row(connection).settings
        return {name: chosen.get(name, setting.default) for name, setting in self.catalog.settings.items()}


def stem_of(name: str) -> str:
    """What a tenant's files are called, 32 hexadecimal digits that tell nothing of its name."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


@lru_cache(maxsize=4096)
def file_of(directory: Path, name: str) -> Path:
    """Where a tenant's database lies."""
    return directory / f"{stem_of(name)}.sqlite"


def time_of(row: TenantRow) -> int:
    """What a tenant's clock shows."""
    return tenant_time(row.clock_offset, row.frozen_at, row.last_now)


def is_behind(row: TenantRow) -> bool:
    """Whether something has fallen due that nobody has done yet."""
    return row.next_due_at is not None and row.next_due_at <= time_of(row)


def new_template(catalog: Catalog) -> sqlite3.Connection:
    """An empty database with every table, to copy new tenants from."""
    template = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(template, tuple(catalog.records.values()))
    template.execute(f"PRAGMA application_id = {mark_of(catalog)}")
    return template


def mark_of(catalog: Catalog) -> int:
    """A number that changes when any record gains a table, a column or another meaning."""
    kinds = catalog.records.values()
    shape = sorted((table_of(kind), kind.filters, version_of_record(kind)) for kind in kinds)  # type: ignore[attr-defined]
    return zlib.crc32(repr(shape).encode()) & 0x7FFFFFFF


def schema_mark(connection: sqlite3.Connection) -> int:
    """The mark of the catalog that last prepared a database."""
    return connection.execute("PRAGMA application_id").fetchone()[0]


def is_current(connection: sqlite3.Connection, catalog: Catalog) -> bool:
    """Whether a database has exactly the tables of this program."""
    return version_of(connection) == SCHEMA_VERSION and schema_mark(connection) == mark_of(catalog)


def opened_to_read(file: Path) -> sqlite3.Connection:
    """A connection to a database that can change nothing in it."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=60)


def refuse_newer(file: Path) -> None:
    """NewerData when a database was written by a newer version of this program."""
    with closing(opened_to_read(file)) as connection:
        if version_of(connection) > SCHEMA_VERSION:
            raise NewerData(
                f"{file.name} was written by a newer version of the emulator; use that version or another folder."
            )
