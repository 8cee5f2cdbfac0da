"""Exact running sums by scope, period and part, kept in the step that changes them.

A limit asks for the sum of a few rows instead of adding up everything that ever happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from emulator.kernel.database.face import Session

OF_ALL = "SELECT coalesce(sum(amount), 0) FROM tally WHERE scope = :scope AND period >= :first AND period <= :last"


@cache
def names(parts: int) -> tuple[str, ...]:
    """What so many parts are called in a statement."""
    return tuple(f"part{number}" for number in range(parts))


@cache
def of_some(parts: int) -> str:
    """The sum of so many parts."""
    return f"{OF_ALL} AND part IN ({', '.join(f':{name}' for name in names(parts))})"


class Tallies:
    """The sums of a session. Periods are texts that sort by time, such as `d2026-11-23`."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, rows: Iterable[tuple[str, str, str, int]]) -> None:
        """Add amounts to sums: (scope, period, part, amount)."""
        self.session.many("tally", ("scope", "period", "part", "amount"), list(rows), sums=("amount",))

    def sum(self, scope: str, first: str, last: str, parts: Sequence[str] | None = None) -> int:
        """The sum over a span of periods, both ends included, of some parts or of all."""
        if parts is None:
            row = self.session.one(OF_ALL, scope=scope, first=first, last=last)
        elif not parts:
            return 0
        else:
            named = dict(zip(names(len(parts)), parts, strict=True))
            row = self.session.one(of_some(len(parts)), scope=scope, first=first, last=last, **named)
        assert row is not None
        return int(row[0])

    def every(self) -> dict[tuple[str, str, str], int]:
        """All sums that are not zero."""
        rows = self.session.all("SELECT scope, period, part, amount FROM tally WHERE amount <> 0")
        return {(scope, period, part): amount for scope, period, part, amount in rows}
