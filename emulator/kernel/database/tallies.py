"""Exact running sums by scope, period and part, kept in the step that changes them.

A limit asks for the sum of a few rows instead of adding up everything that ever happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from emulator.kernel.database.face import Session
from emulator.kernel.database.queries import among


class Tallies:
    """The sums of a session. Periods are texts that sort by time, such as `d2026-11-23`."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, rows: Iterable[tuple[str, str, str, int]]) -> None:
        """Add amounts to sums: (scope, period, part, amount)."""
        self.session.many("tally", ("scope", "period", "part", "amount"), list(rows), sums=("amount",))

    def sums(self, scopes: Sequence[str], first: str, last: str, parts: Sequence[str] | None = None) -> dict[str, int]:
        """The sum of each scope over a span of periods, both ends included, of some parts or of all."""
        those, values = among("scope", scopes)
        if parts is not None:
            some, named = among("part", parts)
            those, values = f"{those} AND {some}", values | named
        rows = self.session.all(
            f"SELECT scope, CAST(sum(amount) AS BIGINT) FROM tally WHERE {those} AND period >= :first "
            "AND period <= :last GROUP BY scope",
            first=first,
            last=last,
            **values,
        )
        return {**dict.fromkeys(scopes, 0), **dict(rows)}

    def every(self) -> dict[tuple[str, str, str], int]:
        """All sums that are not zero."""
        rows = self.session.all("SELECT scope, period, part, amount FROM tally WHERE amount <> 0")
        return {(scope, period, part): amount for scope, period, part, amount in rows}
