"""A step: one all-or-nothing change of what is kept of a tenant, or one consistent look at it.

What caused it, when it is, what it announced. It is rolled back as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from emulator.kernel import ids
from emulator.kernel.clock import real_time
from emulator.kernel.database.agenda import Agenda
from emulator.kernel.database.clock_moves import ClockMoves
from emulator.kernel.database.deliveries import Deliveries
from emulator.kernel.database.events import Events
from emulator.kernel.database.face import Session
from emulator.kernel.database.faults import Doses, Faults
from emulator.kernel.database.ledger import Ledger
from emulator.kernel.database.questions import Questions
from emulator.kernel.database.replies import Replies
from emulator.kernel.database.store import Store
from emulator.kernel.database.tallies import Tallies
from emulator.kernel.database.tenant_row import Counters, TenantRow, write_tenant_row
from emulator.kernel.events import Event
from emulator.kernel.requests import Request
from emulator.kernel.rows import Reads

if TYPE_CHECKING:
    from emulator.kernel.catalog import Catalog


Made = TypeVar("Made")


class made_once(Generic[Made]):  # noqa: N801
    """`functools.cached_property` as Python has it from 3.12 on: without a lock, which costs more than what is made."""

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self.make, self.name, self.__doc__ = make, make.__name__, make.__doc__

    def __get__(self, owner: Any, kind: type) -> Made:
        made = owner.__dict__[self.name] = self.make(owner)
        return made


class TakenBack(Exception):
    """A rehearsal is over."""


class Step:
    """The shared state of a step: the session, the time, what caused it, what has been announced."""

    def __init__(
        self, session: Session, catalog: Catalog, row: TenantRow, now: int, request: Request, *, origin: str
    ) -> None:
        self.session = session
        self.catalog = catalog
        self.row = row
        self.time = now
        self.holds_until = math.inf  # when what was read of the clock is no longer so
        self.request = request
        self.origin = origin
        self.settings = row.settings
        self.reads = Reads()
        self.changes = 0  # how often something was written
        self.is_early = False  # whether something that has fallen due has given way to this step
        self.begin()

    def begin(self) -> None:
        """Nothing has happened yet."""
        self.draws = self.row.draws
        self.counters = Counters(self.row)
        self.store = Store(self.session)
        self.deliveries = Deliveries(self.session, self.counters, self.row.subscribers > 0)
        self.seen: dict[str, tuple[str, Any]] = {}
        self.new_ids: set[str] = set()
        self.events: list[tuple[str, Event]] = []
        self.hints: list[str] = []
        self.lets_pass = 0  # seconds, once what it has done is committed

    @made_once
    def ledger(self) -> Ledger:
        """The world's movements and totals."""
        return Ledger(self.session, self.counters)

    @made_once
    def agenda(self) -> Agenda:
        """What falls due."""
        return Agenda(self.session, self.row.next_due_at)

    @made_once
    def clock_moves(self) -> ClockMoves:
        """How the clock has been moved."""
        return ClockMoves(self.session)

    @made_once
    def tallies(self) -> Tallies:
        """The sums that limits ask for."""
        return Tallies(self.session)

    @made_once
    def replies(self) -> Replies:
        """The replies of idempotency keys."""
        return Replies(self.session)

    @made_once
    def happened(self) -> Events:
        """The events of all accounts."""
        return Events(self.session, self.counters)

    @made_once
    def questions(self) -> Questions:
        """The questions."""
        return Questions(self.session)

    @made_once
    def faults(self) -> Faults:
        """The faults that wait for requests."""
        return Faults(self.session)

    @made_once
    def doses(self) -> Doses:
        """The doses of the clinic."""
        return Doses(self.session)

    @property
    def now(self) -> int:
        """The time. What follows from it holds for its second."""
        if self.time < self.holds_until:
            self.holds_until = self.time + 1
        return self.time

    def has_come(self, at: int) -> bool:
        """Whether the clock has reached a time. Where it has, that stays so: it runs forward only."""
        if at > self.time:
            self.holds_until = min(self.holds_until, at)
        return at <= self.time

    def setting(self, name: str) -> Any:
        """A setting of the tenant, or its default."""
        return self.settings.get(name, self.catalog.settings[name].default)

    @property
    def next_due_at(self) -> int | None:
        """When the first item of the agenda falls due, after all that the step has done."""
        return self.agenda.next_due_at if "agenda" in self.__dict__ else self.row.next_due_at

    def draw(self, purpose: str = "") -> int:
        """256 bits from the tenant's generator."""
        self.draws += 1
        return ids.chance(self.row.generator, self.draws, purpose)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """The whole of what a step is for, which may fail and leave the step as it began."""
        try:
            with self.session.attempt():
                yield
        except BaseException:
            self.rolled_back()
            raise

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """What is done only to see what would come of it: at its end all of it is taken back."""
        with suppress(TakenBack), self.attempt():
            yield
            raise TakenBack

    def rolled_back(self) -> None:
        """Forget all that the step has made, read, counted and drawn: the database has taken back what it stood for."""
        for name in self.__dict__.keys() & made_when_asked_for():
            del self.__dict__[name]
        self.changes += 1
        self.begin()

    def save(self) -> None:
        """Keep how far generator, clock and counters have come, and when the world next needs a look."""
        row, counters = self.row, self.counters
        next_due_at = self.next_due_at
        if (
            self.draws != row.draws  # without which no movement and no event has an id
            or counters.deliveries != row.deliveries
            or next_due_at != row.next_due_at
            or self.time > row.last_now
        ):
            write_tenant_row(
                self.session,
                draws=self.draws,
                last_now=max(row.last_now, self.time),
                movements=counters.movements,
                deliveries=counters.deliveries,
                events=counters.events,
                next_due_at=next_due_at,
            )
        if next_due_at is not None and next_due_at != row.next_due_at:
            self.session.wake_by(real_time(next_due_at, row.clock_offset, row.frozen_at))
        if self.deliveries.earliest is not None:
            self.session.wake_by(real_time(self.deliveries.earliest, row.clock_offset, row.frozen_at))
        if "questions" in self.__dict__ and self.questions.earliest is not None:
            self.session.wake_by(self.questions.earliest)


@cache
def made_when_asked_for() -> frozenset[str]:
    """The parts of a step that are made when they are first needed."""
    return frozenset(name for name, value in vars(Step).items() if isinstance(value, made_once))
