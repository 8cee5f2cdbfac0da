"""Exact running sums by scope, period and part, kept in the step that changes them.

A limit asks for the sum of a few rows instead of adding up everything that ever happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from emulator.kernel.database.face import Session


class Tallies:
    """The sums of a session. Periods are texts that sort by time, such as `d2026-11-23`."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, rows: Iterable[tuple[str, str, str, int]]) -> None:
        """Add amounts to sums: (scope, period, part, amount)."""
        self.session.many("tally", ("scope", "period", "part", "amount"), list(rows), sums=("amount",))

    def sum(self, scope: str, first: str, last: str, parts: Sequence[str] | None = None) -> int:
        """The sum over a span of periods, both ends included, of some parts or of all."""
        sql = (
            "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM tally "
            "WHERE scope = :scope AND period >= :first AND period <= :last"
        )
        named = {f"part{n}": part for n, part in enumerate(parts or ())}
        if parts is not None:
            sql += f" AND part IN ({', '.join(f':{name}' for name in named)})" if named else " AND 1 = 0"
        row = self.session.one(sql, scope=scope, first=first, last=last, **named)
        assert row is not None
        return row[0]

    def every(self) -> dict[tuple[str, str, str], int]:
        """All sums that are not zero."""
        rows = self.session.all("SELECT scope, period, part, amount FROM tally WHERE amount <> 0")
        return {(scope, period, part): amount for scope, period, part, amount in rows}
