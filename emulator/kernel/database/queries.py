"""Pieces of SQL that lists are made of: conditions, and pages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from emulator.kernel.conditions import Condition, Place
from emulator.kernel.deliveries import UNACKNOWLEDGED

COMPARISONS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
NAMED = {
    UNACKNOWLEDGED: (
        "SELECT event FROM delivery WHERE acknowledged = 0 AND reason IN ('event', 'question') AND state <> 'canceled'"
    ),
}


def among(column: str, values: Collection[Any], name: str | None = None) -> tuple[str, dict[str, Any]]:
    """A column has one of these values, and the values by name; of no values none is it."""
    sql, names = among_sql(column, name or column, len(values))
    return sql, dict(zip(names, values, strict=True))


@lru_cache(maxsize=512)
def among_sql(column: str, name: str, count: int) -> tuple[str, tuple[str, ...]]:
    """A column has one of so many values, and the names of those."""
    names = tuple(f"{name}_{place}" for place in range(count))
    return (f'"{column}" IN ({", ".join(f":{one}" for one in names)})' if names else "1 = 0"), names


def clause(conditions: Iterable[Condition], columns: frozenset[str]) -> tuple[str, dict[str, Any]]:
    """A WHERE clause over these columns, and its values."""
    parts: list[str] = []
    values: dict[str, Any] = {}
    conditions = list(conditions)
    # Of the few that another query names the rest is asked. An index of that would lead through every row there is.
    is_of_few = any(one.operator == "within" for one in conditions)
    for number, (name, operator, given) in enumerate(conditions):
        assert name in columns, f"no such column: {name}"
        comparison = COMPARISONS.get(operator)
        if comparison is not None:
            column = f'coalesce("{name}", NULL)' if is_of_few else f'"{name}"'
            parts.append(f"{column} {comparison} :v{number}")
            values[f"v{number}"] = int(given) if isinstance(given, bool) else given
        elif operator == "in":
            part, named = among(name, given, f"v{number}")
            parts.append(part)
            values |= named
        elif operator == "like":
            parts.append(f"\"{name}\" LIKE :v{number} ESCAPE '\\'")
            values[f"v{number}"] = given
        else:
            query = NAMED.get(given) or f"SELECT id FROM {given.table}"
            parts.append(f'"{name}" {"IN" if operator == "within" else "NOT IN"} ({query})')
    return " AND ".join(parts) or "1 = 1", values


def paged(
    key: str,
    older_than: Place | None,
    newer_than: Place | None,
    limit: int | None,
    grouped: str | None = None,
) -> tuple[str, dict[str, Any]]:
    """What follows a WHERE clause: where to go on from, the order (newest first, or oldest), how many; and values."""
    sql, values, order = "", {}, "DESC"
    if older_than is not None:
        sql += f"AND ({key}, sequence) < (:older_key, :older_sequence) "
        values |= {"older_key": older_than.key, "older_sequence": older_than.sequence}
    if newer_than is not None:
        sql, order = sql + f"AND ({key}, sequence) > (:newer_key, :newer_sequence) ", "ASC"
        values |= {"newer_key": newer_than.key, "newer_sequence": newer_than.sequence}
    groups = f"{grouped} {order}, " if grouped else ""
    sql += f"ORDER BY {groups}{key} {order}, sequence {order}"
    return (sql if limit is None else f"{sql} LIMIT {int(limit)}"), values
