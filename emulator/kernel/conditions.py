"""What a list asks for: comparisons of columns, and places to go on from."""

from __future__ import annotations

from typing import Any, NamedTuple


class Condition(NamedTuple):
    """One comparison of a column: `Condition("created", "gte", 1700000000)`.

    `in` takes a list, `like` a pattern; `within` and `outside` take a record class and mean the ids of its records,
    or the name of one of the database's own queries.
    """

    column: str
    operator: str
    value: Any


class Place(NamedTuple):
    """Where a record stands in a list: its sort key and its order of creation."""

    key: int
    sequence: int


def matching(column: str, pattern: str) -> Condition:
    """A column is that text; one that ends in `*` stands for all that begin like it."""
    if not pattern.endswith("*"):
        return Condition(column, "eq", pattern)
    beginning = pattern[:-1]
    for special in "\\%_":
        beginning = beginning.replace(special, "\\" + special)
    return Condition(column, "like", f"{beginning}%")
