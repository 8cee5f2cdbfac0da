"""A tenant: everything behind one set of API keys, in a world of its own.

A write step is alone among those who write to the tenant; a read step is a snapshot and keeps nobody waiting. Nothing
that must survive is held in memory.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from emulator.kernel import ids
from emulator.kernel.clock import NOBODY, Spared, check_calendar, real_time, tenant_time
from emulator.kernel.database.clock_moves import ClockMoves
from emulator.kernel.database.deliveries import Deliveries
from emulator.kernel.database.face import Session, StorageFails, StoredWorld, WorldDamaged, WorldGone
from emulator.kernel.database.store import Store
from emulator.kernel.database.tenant_row import (
    Counters,
    TenantRow,
    add_tenant_row,
    read_tenant_row,
    write_tenant_row,
)
from emulator.kernel.errors import invalid
from emulator.kernel.rates import SETTING, Gate
from emulator.kernel.requests import NOBODY_ASKED, Request
from emulator.kernel.step import Step
from emulator.kernel.tenants.linked_calls import AnyCall, Flight
from emulator.kernel.tenants.memory import Memory
from emulator.kernel.tenants.steps import Entered, Reading, Writing
from emulator.kernel.world import World

if TYPE_CHECKING:
    from emulator.kernel.tenants.tenants import Tenants

Seen = TypeVar("Seen")
LOOK_SECONDS = 0.02  # between two looks whether another process has put its world in place
PATIENCE_SECONDS = 2.0  # how long what objects do by themselves gives way to a request that may follow
log = logging.getLogger("emulator")


class Ran(NamedTuple):
    """A due action that was carried out, or that failed and was set aside."""

    action: str
    failed: bool


class Passed(NamedTuple):
    """A stretch of a clock's time, and what was done on the way; `deliveries` are those whose time came in it."""

    before: int
    after: int
    frozen: bool
    is_switched: bool  # from running to frozen, or back
    ran: list[Ran]
    deliveries: int

    @property
    def is_change(self) -> bool:
        """Whether it is anything but a look at the clock."""
        return self.after > self.before or self.is_switched

    def and_then(self, more: Passed) -> Passed:
        """Both as one."""
        return Passed(
            self.before,
            more.after,
            more.frozen,
            self.is_switched or more.is_switched,
            [*self.ran, *more.ran],
            self.deliveries + more.deliveries,
        )


class Touched(Exception):
    """Something was made in a world already."""


class Tenant:
    """One tenant's world and clock."""

    def __init__(self, tenants: Tenants, handle: str, name: str | None) -> None:
        """`name` is needed where there is no world yet."""
        self.tenants = tenants
        self.catalog = tenants.catalog
        self.handle = handle
        self.known_name = name
        self.guard = threading.Lock()
        self.copying = threading.RLock()  # whoever copies it, or puts another in its place
        self.opened: StoredWorld | None = None
        self.is_deleted = False
        self.was_lost = False  # because another process has deleted it
        self.generation = 0  # as the last step found it
        self.row: TenantRow | None = None  # the same
        self.next_due_at: int | None = None  # as the last step left it
        self.memory = Memory()
        self.handling: list[Flight[Any]] = []
        self.is_settling = False
        self.gate = Gate()
        # From when on, in unix seconds of real time, a question may wait whose asker is gone: nobody has looked yet.
        self.questions_overdue_at = 0.0
        self.watches: list[list[Ran]] = []  # what is carried out while the clock is moved, whoever does it
        self.giving_way: tuple[int, float] | None = None  # which due item the background leaves be, and since when

    @property
    def name(self) -> str:
        """What follows the mode in the tenant's keys."""
        if self.known_name is None:
            with self.session() as session:
                self.known_name = read_tenant_row(session).name
        return self.known_name

    @property
    def stored(self) -> StoredWorld:
        """Its world as it is kept, made if there is none yet, and opened when it is first needed."""
        if self.opened is not None and not self.opened.is_gone:
            return self.opened
        with self.guard:
            is_first = self.opened is None or self.opened.is_gone
            if is_first:
                if self.is_deleted:
                    raise WorldGone(self.handle)
                with self.copying:  # or what is just being put there would be overwritten
                    if not self.tenants.database.has(self.handle):
                        if self.opened is not None:
                            self.tenants.lose(self)
                            raise WorldGone(self.handle)
                        self.make()
                self.opened = self.tenants.database.open(self.handle)
        assert self.opened is not None
        if is_first:
            self.tenants.close_unused()
            for attendant in self.tenants.attendants:
                attendant.opened(self)
        return self.opened

    def seen(self, look: Callable[[Step], Seen]) -> Seen | None:
        """What a look at its world finds; None where there is no world any more, or it cannot be looked at just now."""
        try:
            with self.reading() as step:
                return look(step)
        except WorldGone:
            self.is_lost()
            return None
        except StorageFails:  # which has been said
            return None

    def is_lost(self) -> bool:
        """Whether another process has deleted its world."""
        if not self.is_deleted:
            with suppress(WorldGone, StorageFails):
                assert self.stored is not None
        return self.was_lost

    def keeps_waiting(self, *, writes: bool) -> bool:
        """Whether a step may take long to begin: the world is not open yet, much falls due, or somebody writes."""
        opened, row, next_due = self.opened, self.row, self.next_due_at
        if opened is None or opened.is_gone or opened.is_far or self.is_settling or (writes and opened.is_busy):
            return True
        return row is not None and next_due is not None and next_due <= time_of(row)

    def close(self) -> None:
        """Close its files. Who still has it may go on using it."""
        with self.guard:
            if self.opened is not None:
                self.opened.close()

    # Making, and making anew

    def make(self, *, anew: bool = False) -> None:
        """A new world; what somebody else has made meanwhile stays, unless this is to be in its place."""
        generation = max(self.generation, self.tenants.deleted_generation(self.handle)) + 1
        with self.copying:
            self.tenants.database.make(self.handle, lambda session: self.begin(session, generation).save(), anew=anew)

    def begin(self, session: Session, generation: int) -> Step:
        """The first moment of a world, with its platform account; the step that makes it."""
        assert self.known_name is not None, f"no world is called {self.handle}"
        generator = ids.generator_key(self.tenants.seed, self.known_name)
        platform = ids.object_id("acct", 0, "", ids.chance(generator, 0))
        now = int(time.time())
        row = TenantRow(
            name=self.known_name,
            generator=generator,
            draws=0,
            platform=platform,
            clock_offset=0,
            frozen_at=None,
            last_now=now,
            generation=generation,
            faults=0,
            subscribers=0,
            movements=0,
            deliveries=0,
            events=0,
            created=now,
            settings=self.tenants.settings,
            next_due_at=None,
        )
        add_tenant_row(session, row)
        step = self.step(session, row, now)
        World(step, platform).open_account(platform)
        return step

    def reset(self) -> int:
        """Back to the first moment: same seed, same ids, settings as at first. The new generation's number."""
        with self.replacing():
            return self.begin_again()

    def begin_again(self) -> int:
        """The same while nobody else puts a world in its place."""
        try:
            with self.session(writes=True) as session:
                row = read_tenant_row(session)
                self.known_name = row.name
                again = self.catalog.outliving_reset(World(self.step(session, row, time_of(row)), row.platform))
                session.clear()
                step = self.begin(session, row.generation + 1)
                for put_back in again:
                    put_back(World(step, step.row.platform))
                step.save()
                return row.generation + 1
        except WorldDamaged:
            with self.guard:
                self.make(anew=True)
            self.tenants.said.pop(self.handle, None)
            return self.last_generation()

    @contextmanager
    def replacing(self) -> Iterator[None]:
        """Nobody else puts another world in this one's place, in this process or in another: each has a generation of
        its own.
        """
        lock = self.tenants.database.lock(f"replacing {self.handle}")
        while not lock.take():
            time.sleep(LOOK_SECONDS)
        try:
            yield
        finally:
            lock.release()

    def what_goes_on(self) -> tuple[int, list[Callable[[World], None]]]:
        """The generation of what takes its world's place, and what has to be put into that for those who go on."""
        try:
            with self.tenants.database.looking(self.handle) as session:
                row = read_tenant_row(session)
                again = self.catalog.outliving_reset(World(self.step(session, row, time_of(row)), row.platform))
                return row.generation + 1, again
        except (WorldGone, WorldDamaged):
            known = max(self.generation, self.tenants.deleted_generation(self.handle))
            return known + 1, self.catalog.outliving_reset(None)

    def begun_again(self) -> None:
        """Another world has taken the place of the one there was: nothing that was known of that one counts."""
        self.questions_overdue_at = 0.0
        self.giving_way = None
        self.tenants.said.pop(self.handle, None)
        self.announce(may_be_due=True)

    def last_generation(self) -> int:
        """The number of its generation; of one that cannot be read, the last that anybody knows of."""
        try:
            with self.session() as session:
                return read_tenant_row(session).generation
        except WorldDamaged:
            return max(self.generation, self.tenants.deleted_generation(self.handle) + 1)

    def check(self) -> None:
        """WorldDamaged where the database finds that what is stored is: a reason for what cannot fail to fail."""
        with self.session() as session:
            session.check()

    # Steps

    def session(self, *, writes: bool = False) -> Entered:
        """A session on the world that it has when the session begins, whatever has fallen due there."""
        return Entered(self, writes=writes)

    def step(self, session: Session, row: TenantRow, now: int, request: Request = NOBODY_ASKED) -> Step:
        """A step of a session; it is where its request came to, and at the server's address without one."""
        self.known_name, self.generation = row.name, row.generation
        self.row, self.next_due_at = row, row.next_due_at
        return Step(session, self.catalog, row, now, request, origin=request.origin or self.tenants.origin)

    def reading(
        self, request: Request = NOBODY_ASKED, *, is_settled: bool = False, named: Collection[str] = ()
    ) -> Reading:
        """A consistent look, after what has fallen due has been done; see `writing` for the rest."""
        return Reading(self, request, named, is_settled=is_settled)

    def writing(
        self, request: Request = NOBODY_ASKED, *, is_settled: bool = False, named: Collection[str] = ()
    ) -> Writing:
        """A change that happens as a whole, after what has fallen due has been done. Undone by any exception.

        `is_settled`: it has been, or does not matter here. What the objects in `named` do by themselves gives
        way to it; where any of that is due, the step is `is_early`.
        """
        return Writing(self, request, named, is_settled=is_settled)

    def revision(self) -> object:
        """What stays equal until anything is committed; None where nobody can tell, or a question is looked after."""
        return self.stored.revision() if self.questions_overdue_at > time.time() else None

    def let_through(self, method: str, path: str) -> None:
        """Keep to a sandbox's rate limits in a world that asks for it. 429 beyond them."""
        if self.row is not None and self.row.settings.get(SETTING):
            self.gate.check(method, path)

    # What others wait for

    def announce(self, *, may_be_due: bool) -> None:
        """Wake whoever waits for events of this tenant, and those who deliver them."""
        self.tenants.news.ring(self.handle)
        if may_be_due:
            for attendant in self.tenants.attendants:
                attendant.woken(self)

    def look_at_questions(self) -> None:
        """Have questions concluded that an earlier server left when it died."""
        self.questions_overdue_at = math.inf
        for attendant in self.tenants.attendants:
            attendant.questioned(self)

    def have_looked_at(self) -> None:
        """Have everybody look whether something is to be done now."""
        for attendant in self.tenants.attendants:
            attendant.looks(self)

    def begin_call(self, begin: Callable[[], AnyCall]) -> Flight[AnyCall]:
        """Begin a call that somebody handles from now on: API calls made meanwhile are noted with it."""
        flight: Flight[AnyCall] = Flight()
        with self.guard:
            self.handling = [*self.handling, flight]
        try:
            flight.call = begin()
        except BaseException:
            self.handled(flight)
            raise
        return flight

    def handled(self, flight: Flight[Any]) -> None:
        """It has been answered, or nobody waits for it any more."""
        with self.guard:
            self.handling = [one for one in self.handling if one is not flight]

    def note(self, api_call: dict[str, Any], began: float) -> None:
        """An API call was answered: keep it with every call that a handler is waited for."""
        ended = time.monotonic()
        for flight in self.handling:
            flight.note(api_call, began, ended)

    # Time

    def is_behind(self, step: Step, named: Collection[str] = ()) -> bool:
        """Whether something has fallen due that nobody has done yet, but for what the `named` objects do themselves."""
        if not is_behind(step.row):
            return False
        return not named or step.agenda.first_until(step.now, self.spared(named)) is not None

    def spared(self, named: Collection[str]) -> Spared:
        """What gives way to a request that names these objects."""
        return Spared(self.catalog.progress, named) if named else NOBODY

    def settle(self, named: Collection[str] = ()) -> None:
        """Do what has fallen due, one step per item, in order; what an item adds for now is done too.

        What the `named` objects do by themselves is left.
        """
        with self.session() as session:
            behind = is_behind(read_tenant_row(session))
        try:
            while behind:
                self.is_settling = True
                behind = self.run_next(self.spared(named)) is not None
        finally:
            self.is_settling = False

    def settle_unasked(self) -> None:
        """Do what has fallen due although no request asks for it.

        If all of that is what objects do by themselves, somebody must be there to be told of it, and it waits a little
        for the request that it gives way to: a client that creates an object and goes on to cancel it comes first.
        """
        with self.session() as session:
            step = self.step_for(session)
            item = step.agenda.first_until(step.now) if is_behind(step.row) else None
            if item is None:
                return
            deadline = step.agenda.next_but(self.catalog.progress)
            if deadline is None or deadline > step.now:
                if not step.deliveries.is_anyone_there:
                    return
                if self.giving_way is None or self.giving_way[0] != item.sequence:
                    self.giving_way = item.sequence, time.monotonic()
                if time.monotonic() - self.giving_way[1] < PATIENCE_SECONDS:
                    return
        self.settle()

    def run_next(self, spared: Spared = NOBODY) -> Ran | None:
        """One due item in a step of its own; None when there is none. One that fails is set aside with its reason."""
        failed = False
        with self.session(writes=True) as session:
            row = read_tenant_row(session)
            if not is_behind(row):
                return None
            item = self.step(session, row, time_of(row)).agenda.first_until(time_of(row), spared)
            if item is None:
                return None
            # later than it fell due where it gave way to a request
            step = self.step(session, row, max(item.due_at, row.last_now))
            try:
                with step.attempt():
                    step.agenda.done(item)  # before it runs: what it adds to the agenda may be numbered as it was
                    self.catalog.due[item.action](World(step, item.account), item.about, **item.details)
            except (StorageFails, WorldDamaged):  # nothing of this item's doing: it stays due
                raise
            except Exception as failure:
                log.error("due action %s for %s failed\n%s", item.action, item.about, traceback.format_exc())
                step.agenda.set_aside(item, f"{type(failure).__name__}: {failure}")
                failed = True
            step.save()
            ran = Ran(item.action, failed)
            for watch in self.watches:
                watch.append(ran)
        if step.events:
            self.announce(may_be_due=step.deliveries.has_posted)
        return ran

    def rest(self) -> None:
        """Say when the world next needs a look, now that everything that has fallen due is done or under way."""
        with self.session() as session:
            needs_another = rests_until(self.step_for(session)) <= time.time()
        if not needs_another:
            with self.session(writes=True) as session:
                session.rest_until(rests_until(self.step_for(session)))

    def step_for(self, session: Session, request: Request = NOBODY_ASKED) -> Step:
        """A step of a session as it is, whatever has fallen due."""
        if self.opened is not None and self.opened.is_far:
            self.read_ahead(session, request)
        row = read_tenant_row(session)
        return self.step(session, row, time_of(row), request)

    def read_ahead(self, session: Session, request: Request) -> None:
        """Ask for what a request names, together with the world's row."""
        store = Store(session)
        for named in chain(request.path_values.values(), request.params.values()):
            kind = self.catalog.prefixes.get(named.partition("_")[0]) if isinstance(named, str) else None
            if kind is not None and kind.has_table and kind.look_up is None:
                store.ahead(kind, named)

    def clock(self) -> dict[str, Any]:
        """The clock as the control API shows it; times in unix seconds."""
        with self.session() as session:
            row = read_tenant_row(session)
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
        passed = self.let_pass(advance=advance, to=to, frozen=frozen)
        if to is not None:
            self.begin_now()
        if passed.is_change:
            how = "freeze" if passed.frozen else "unfreeze"
            self.keep_move("set" if to is not None else "advance" if advance else how, passed)
        return self.clock()

    def begin_now(self) -> None:
        """Have a world in which nothing was made yet begin at what its clock shows: when it was opened is chance."""
        with self.writing() as step:
            drawn = step.draws
            if step.row.events or step.row.movements:  # which is quicker to see than that nothing was made
                return
            with suppress(Touched), step.attempt():
                if self.opened_again(step) != drawn:
                    raise Touched

    def keep_move(self, kind: str, passed: Passed) -> None:
        """Keep in the world's own history that its clock was moved."""
        done = Counter(one.action for one in passed.ran if not one.failed)
        with self.session(writes=True) as session:
            ClockMoves(session).add(
                kind,
                int(time.time()),
                passed.before,
                passed.after,
                frozen=passed.frozen,
                deliveries=passed.deliveries,
                done=done,
                failed=sum(one.failed for one in passed.ran),
            )

    def let_pass(self, *, advance: int | None = None, to: int | None = None, frozen: bool | None = None) -> Passed:
        """Move the clock as `move_clock` does, without keeping it as a move; what was done, whoever did it."""
        ran: list[Ran] = []
        self.watches.append(ran)
        try:
            return self.watched(ran, advance=advance, to=to, frozen=frozen)
        finally:
            self.watches = [one for one in self.watches if one is not ran]

    def watched(self, ran: list[Ran], *, advance: int | None, to: int | None, frozen: bool | None) -> Passed:
        """The same, where `ran` is told of everything that is carried out meanwhile."""
        with self.session(writes=True) as session:
            row = read_tenant_row(session)
            now = time_of(row)
            target = to if to is not None else now + (advance or 0)
            if target < now:
                raise invalid(
                    f"The clock runs forward only: it shows {now} and cannot go back to {target}.",
                    param="set" if to is not None else "advance",
                )
            check_calendar(target, "set" if to is not None else "advance")
            was_frozen = row.frozen_at is not None
            keep_frozen = was_frozen if frozen is None else frozen
            deliveries = Deliveries(session, Counters(row), row.subscribers > 0).outstanding(target, after=now)
            write_tenant_row(session, clock_offset=target - int(time.time()), frozen_at=target if keep_frozen else None)
            session.wake_by(0)
        self.settle()
        with self.session(writes=True) as session:
            write_tenant_row(session, last_now=max(read_tenant_row(session).last_now, target))
            session.rest_until(rests_until(self.step_for(session)))
        self.announce(may_be_due=True)
        return Passed(now, target, keep_frozen, keep_frozen != was_frozen, ran, deliveries)

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
            write_tenant_row(step.session, settings=kept)
            step.session.wake_by(0)  # what waited without limit may not any more
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
        for kind in self.catalog.stored:
            for _, record in list(step.store.every(kind)):
                world.forget(record)
        step.draws = 0
        world.open_account(world.platform)
        for put_back in again:
            put_back(world)
        return step.draws

    def all_settings(self) -> dict[str, Any]:
        """Every setting with its value or default."""
        with self.session() as session:
            self.row = read_tenant_row(session)
        chosen = self.row.settings
        return {name: chosen.get(name, setting.default) for name, setting in self.catalog.settings.items()}


def time_of(row: TenantRow) -> int:
    """What a tenant's clock shows."""
    return tenant_time(row.clock_offset, row.frozen_at, row.last_now)


def is_behind(row: TenantRow) -> bool:
    """Whether something has fallen due that nobody has done yet."""
    return row.next_due_at is not None and row.next_due_at <= time_of(row)


def rests_until(step: Step) -> float:
    """The real time at which somebody must next look, by the clock as it is; infinity when nobody need.

    What objects do by themselves needs no look while nobody would be told of it.
    """
    row, next_due = step.row, step.row.next_due_at
    if next_due is not None and not step.deliveries.is_anyone_there:
        next_due = step.agenda.next_but(step.catalog.progress)
    times = [at for at in (next_due, step.deliveries.next_due()) if at is not None]
    wakes = [real_time(at, row.clock_offset, row.frozen_at) for at in times]
    if not row.settings.get("freeze_asks", False):
        wakes += [asked.overdue_at for asked in step.questions.unfinished()]
    return min(wakes, default=math.inf)
