"""The rows of a page, drawn together: what they read is read for all of them at once.

    draw each row ──▶ all are drawn: done
                └───▶ some came to something unread ──▶ read it for all of these, a statement for each kind of read,
                                                        and draw them again from their beginning

Rows read the same things one after the other: their card, its holder, what a book holds. So a page costs as many
statements as one row of it does, and no resource has to say beforehand what its rows will read. Drawing changes
nothing, which is why it can begin again; it reads before it computes where that matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

Row = TypeVar("Row")
Drawn = TypeVar("Drawn")
Many = Callable[..., Mapping[Any, Any]]


class Unread(Exception):
    """A row came to something that has not been read yet; its arguments are the read and the key."""


class Reads:
    """What a step reads. While rows are drawn it is read for all of them together, else at once."""

    def __init__(self) -> None:
        self.known: dict[tuple[Any, ...], dict[Any, Any]] | None = None

    def one(self, many: Many, *where: Any, key: Any) -> Any:
        """What `many(*where, [key])` gives for the key. Raises Unread while rows are drawn and it is not known yet."""
        if self.known is None:
            return many(*where, [key])[key]
        read = (many, *where)
        try:
            return self.known[read][key]
        except KeyError:
            raise Unread(read, key) from None

    def ahead(self, many: Many, *where: Any, keys: Iterable[Any]) -> Mapping[Any, Any]:
        """Read for several keys at once. What is known of this read by then, by key."""
        assert self.known is not None
        known = self.known.setdefault((many, *where), {})
        wanted = [key for key in dict.fromkeys(keys) if key not in known]
        if wanted:
            found = many(*where, wanted)
            known.update({key: found[key] for key in wanted})
        return known

    def together(
        self, draw: Callable[[Row], Drawn], rows: Sequence[Row], first: Callable[[Sequence[Row]], None] | None = None
    ) -> list[Drawn]:
        """What `draw` makes of each row, in their order. `first` may read ahead what it knows they will come to."""
        undrawn = dict(enumerate(rows))
        drawn: dict[int, Drawn] = {}
        self.known = {}
        try:
            if first is not None:
                first(rows)
            while undrawn:
                unread: dict[tuple[Any, ...], dict[Any, None]] = {}
                for number, row in undrawn.items():
                    try:
                        drawn[number] = draw(row)
                    except Unread as came_to:
                        read, key = came_to.args
                        unread.setdefault(read, {})[key] = None
                for read, keys in unread.items():
                    self.ahead(*read, keys=keys)
                undrawn = {number: row for number, row in undrawn.items() if number not in drawn}
        finally:
            self.known = None
        return [drawn[number] for number in sorted(drawn)]
