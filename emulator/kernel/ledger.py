"""Money that moves: signed lines that sum to zero, and what is written of them.

A movement is only ever added; undoing is moving back. Which books and movements there are is the chart of accounts'
affair. `owner` is whose statement the movement appears on: a financial account, or an account's balance.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Line(NamedTuple):
    """A signed amount of one book, in minor units of the book's currency."""

    book: str
    amount: int


class Movement(NamedTuple):
    """A named way money moves. `owner` is the financial account or balance on whose statement it appears."""

    kind: str
    owner: str
    lines: tuple[Line, ...]
    prefix: str = "trxne"
    details: dict[str, Any] = {}  # noqa: RUF012  (never changed)


class Entry(NamedTuple):
    """A movement as it was written. `details` are what its statement shows besides the money."""

    sequence: int
    id: str
    account: str
    owner: str
    kind: str
    flow: str | None
    flow_type: str | None
    transaction: str | None
    created: int
    details: dict[str, Any]
    lines: tuple[Line, ...]

    @property
    def effective_at(self) -> int:
        """When it reaches the balance: at once, by our ruling."""
        return self.created

    def impact(self, book: str) -> int:
        """What this movement did to one book."""
        return sum(line.amount for line in self.lines if line.book == book)


def moving(kind: str, owner: str, source: str, target: str, amount: int, **details: Any) -> Movement:
    """The common movement: one amount from one book to another. A negative amount goes the other way."""
    return Movement(kind, owner, (Line(source, -amount), Line(target, amount)), details=details)
