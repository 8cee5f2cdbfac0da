"""A tenant's steps: a look or a change of its world, taken once nothing that has fallen due is left undone."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from types import TracebackType
from typing import TYPE_CHECKING

from emulator.kernel.database.face import Session, WorldGone
from emulator.kernel.requests import Request
from emulator.kernel.step import Step

if TYPE_CHECKING:
    from emulator.kernel.tenants.tenant import Tenant


class Entered:
    """A session on a tenant's world, for the length of a block: on the one that is there when it begins, since another
    may take its place while it is being waited for. WorldGone, WorldDamaged, StorageFails.
    """

    __slots__ = ("tenant", "writes", "held")

    def __init__(self, tenant: Tenant, *, writes: bool) -> None:
        self.tenant = tenant
        self.writes = writes

    def __enter__(self) -> Session:
        while True:
            world = self.tenant.stored
            self.held = world.writing() if self.writes else world.reading()
            try:
                return self.held.__enter__()
            except WorldGone:
                if not world.is_gone:
                    raise

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.held.__exit__(kind, failure, trace)


class Reading:
    """A consistent look, for the length of a block; see `Tenant.writing` for `named`."""

    __slots__ = ("tenant", "request", "named", "is_settled", "session", "step")

    writes = False

    def __init__(
        self, tenant: Tenant, request: Request, named: Collection[str] = (), *, is_settled: bool = False
    ) -> None:
        self.tenant = tenant
        self.request = request
        self.named = named
        self.is_settled = is_settled

    def __enter__(self) -> Step:
        tenant = self.tenant
        if not self.is_settled and tenant.questions_overdue_at <= time.time():
            tenant.look_at_questions()
        while True:
            step = self.begun(tenant.session(writes=self.writes))
            if step is not None:
                return step
            tenant.settle(self.named)

    def begun(self, session: Entered) -> Step | None:
        """The step of a session that begins; None, and the session has ended, where something is to be done first."""
        entered = session.__enter__()
        try:
            step = self.tenant.step_for(entered, self.request)
            may_go_on = self.may_go_on(step)
        except BaseException:
            session.__exit__(*sys.exc_info())
            raise
        if not may_go_on:
            session.__exit__(None, None, None)
            return None
        self.session, self.step = session, step
        return step

    def may_go_on(self, step: Step) -> bool:
        """Whether everything that comes before this step has been done."""
        return self.is_settled or not self.tenant.is_behind(step, self.named)

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.__exit__(kind, failure, trace)


class Writing(Reading):
    """A change that happens as a whole, for the length of a block; undone by any exception."""

    __slots__ = ()

    writes = True

    def may_go_on(self, step: Step) -> bool:
        """The same, unless that does not matter to this change. What gives way to it makes the step early."""
        if self.is_settled:
            return True
        step.is_early = self.tenant.is_behind(step)
        return not step.is_early or (len(self.named) > 0 and super().may_go_on(step))

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        step = self.step
        if failure is None:
            try:
                step.save()
            except BaseException:
                self.session.__exit__(*sys.exc_info())
                raise
        self.session.__exit__(kind, failure, trace)
        if failure is not None:
            return
        self.tenant.next_due_at = step.next_due_at
        if step.events or step.deliveries.has_posted:
            self.tenant.announce(may_be_due=step.deliveries.has_posted)
