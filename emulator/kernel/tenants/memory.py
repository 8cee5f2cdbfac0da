"""Replies that are given again, because nothing can have changed since they were made.

Whoever waits for something asks for the same again and again. What a reading operation answers follows from the
request, from what is stored, and from the clock as far as it was looked at (`Step.holds_until`): until something is
committed, and until the clock has come so far, the same request has the same bytes. They are kept from the second time
on, so that who asks once pays for no more than a look into a dictionary. Nothing is kept where nobody can tell whether
something was committed (`StoredWorld.revision`), and while faults wait for requests.

In PostgreSQL that is asked of the database each time, and only where there is a reply to be given again. One that is
found to be too old is forgotten, so that who reads a world that changes all the time does not pay twice for it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from emulator.kernel.clock import tenant_time
from emulator.kernel.database.tenant_row import TenantRow
from emulator.kernel.step import Step

MOST_REPLIES = 256
MOST_BYTES = 512 * 1024


class Made(NamedTuple):
    """A reply: its bytes, whom it was made for, its world's version and row, and from when until when it holds."""

    body: bytes
    account: str | None
    version: str | None
    row: TenantRow
    since: int
    until: float

    @property
    def holds(self) -> bool:
        """Whether the clock has not come anywhere that matters to it."""
        return self.since <= tenant_time(self.row.clock_offset, self.row.frozen_at, self.row.last_now) < self.until


class Memory:
    """What a world was asked of late, and what it answered at one revision: None for what it was asked once."""

    def __init__(self) -> None:
        self.revision: object = None
        self.replies: OrderedDict[Hashable, Made | None] = OrderedDict()
        self.bytes = 0
        self.guard = threading.Lock()

    def is_known(self, asked: Hashable) -> bool:
        """Whether a request has come before; it has from now on."""
        if asked in self.replies:
            return True
        with self.guard:
            self.note(asked, None)
        return False

    def recall(self, asked: Hashable, revision: object) -> Made | None:
        """The reply to a request, if there is one that holds."""
        made = self.replies.get(asked) if revision == self.revision else None
        return made if made is not None and made.holds else None

    def has(self, asked: Hashable) -> bool:
        """Whether there is a reply to a request, of whichever revision."""
        return self.replies.get(asked) is not None

    def forget(self, asked: Hashable) -> None:
        """There is none any more."""
        with self.guard:
            self.note(asked, None)

    def keep(
        self, asked: Hashable, revision: object, body: bytes, step: Step, *, account: str | None, version: str | None
    ) -> None:
        """Keep what a step answered that began after its world had come to a revision, or knows at which it began.

        Where something was committed between the two, nobody will ask for that revision again.
        """
        if revision is None:
            revision = step.session.revision
        if step.row.faults or revision is None:
            return
        due = step.row.next_due_at  # which has to be done before anybody looks again
        until = step.holds_until if due is None else min(due, step.holds_until)
        with self.guard:
            if revision != self.revision:
                self.revision, self.bytes = revision, 0
                self.replies.clear()
            self.note(asked, Made(body, account, version, step.row, step.time, until))

    def note(self, asked: Hashable, made: Made | None) -> None:
        """Have a request stand last, and the first give way to it that there is no room for."""
        self.bytes += size_of(made) - size_of(self.replies.pop(asked, None))
        self.replies[asked] = made
        while len(self.replies) > MOST_REPLIES or self.bytes > MOST_BYTES:
            self.bytes -= size_of(self.replies.popitem(last=False)[1])


def size_of(made: Made | None) -> int:
    """The bytes that it takes."""
    return len(made.body) if made is not None else 0
