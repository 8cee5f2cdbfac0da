"""Exact running sums by scope, period and part, kept in the step that changes them.

A limit asks for the sum of a few rows instead of adding up everything that ever happened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence


class Tallies:
    """Sums behind one connection. Periods are texts that sort by time, such as `d2026-11-23`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def add(self, rows: Iterable[tuple[str, str, str, int]]) -> None:
        """Add amounts to sums: (scope, period, part, amount)."""
        self.connection.executemany(
            "INSERT INTO tally (scope, period, part, amount) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (scope, period, part) DO UPDATE SET amount = amount + excluded.amount",
            rows,
        )

    def sum(self, scope: str, first: str, last: str, parts: Sequence[str] | None = None) -> int:
        """The sum over a span of periods, both ends included, of some parts or of all."""
        sql = "SELECT coalesce(sum(amount), 0) FROM tally WHERE scope = ? AND period >= ? AND period <= ?"
        values: list[str] = [scope, first, last]
        if parts is not None:
            sql += f" AND part IN ({', '.join('?' * len(parts))})"
            values += parts
        return self.connection.execute(sql, values).fetchone()[0]

    def every(self) -> dict[tuple[str, str, str], int]:
        """All sums that are not zero."""
        rows = self.connection.execute("SELECT scope, period, part, amount FROM tally WHERE amount != 0")
        return {(scope, period, part): amount for scope, period, part, amount in rows}
