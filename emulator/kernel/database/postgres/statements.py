"""The kernel's SQL in PostgreSQL's words: values are numbered there and not named, and every key begins with the world.

A table that is in the order of creation gets the next number of its world, as SQLite gives it: whoever writes is alone
among those who write to the world.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from emulator.kernel.database.schema import quoted

# What is quoted is left as it is, and `::` is no name.
NAMED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|::|:([A-Za-z_]\w*)")


class Statement(NamedTuple):
    """A statement with `$1`, `$2`, …, and the names of the values in that order."""

    sql: bytes
    names: tuple[str, ...]


@lru_cache(maxsize=4096)
def statement(sql: str) -> Statement:
    """A statement with `:name` as one with numbers."""
    names: dict[str, int] = {}

    def numbered(match: re.Match[str]) -> str:
        name = match[1]
        return match[0] if name is None else f"${names.setdefault(name, len(names) + 1)}"

    return Statement(NAMED.sub(numbered, sql).encode(), tuple(names))


@lru_cache(maxsize=1024)
def insert_sql(table: str, columns: tuple[str, ...], is_numbered: bool) -> bytes:
    """A new row of these columns, in this order."""
    return inserted(table, columns, is_numbered).encode()


@lru_cache(maxsize=1024)
def upsert_sql(
    table: str, keys: tuple[str, ...], keep: tuple[str, ...], columns: tuple[str, ...], is_numbered: bool
) -> bytes:
    """A new row of these columns, or other values for the one that has the keys."""
    changes = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in columns if name not in (*keys, *keep))
    what = f"UPDATE SET {changes}" if changes else "NOTHING"
    those = ", ".join(map(quoted, keys))
    return f"{inserted(table, columns, is_numbered)} ON CONFLICT (tenant, {those}) DO {what}".encode()


@lru_cache(maxsize=64)
def sum_sql(table: str, columns: tuple[str, ...], sums: tuple[str, ...], is_numbered: bool) -> bytes:
    """A new row of these columns, or more in the sums of the one that has the keys."""
    keys = ", ".join(quoted(name) for name in columns if name not in sums)
    changes = ", ".join(f"{quoted(name)} = {table}.{quoted(name)} + excluded.{quoted(name)}" for name in sums)
    return f"{inserted(table, columns, is_numbered)} ON CONFLICT (tenant, {keys}) DO UPDATE SET {changes}".encode()


def inserted(table: str, columns: tuple[str, ...], is_numbered: bool) -> str:
    """A new row, of whichever world the session is."""
    names = [quoted(name) for name in columns]
    values = [f"${place}" for place in range(1, len(columns) + 1)]
    if is_numbered and "sequence" not in columns:
        names.append("sequence")
        values.append(f"(SELECT coalesce(max(sequence), 0) + 1 FROM {table})")
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(values)})"
