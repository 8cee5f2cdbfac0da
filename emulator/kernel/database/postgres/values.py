"""Values on their way to PostgreSQL and back, in its binary form: numbers, texts, bytes, and nothing else.

Every number is told to be a `bigint`, however small it is, so that a statement has few forms.
Source: https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any

from psycopg.types.string import StrDumperUnknown

BOOL, BYTEA, CHAR, INT8, INT2, INT4, TEXT = 16, 17, 18, 20, 21, 23, 25
FLOAT4, FLOAT8, UNKNOWN, VARCHAR, NAME, VOID = 700, 701, 705, 1043, 19, 2278
LONG, DOUBLE = struct.Struct(">q"), struct.Struct(">d")
NO_CHARACTER = "\uffff"  # which no text has, since it is none
NOTHING = 0  # the type of NULL: whatever stands in its place


def number(octets: bytes) -> int:
    """A whole number of any size."""
    return int.from_bytes(octets, "big", signed=True)


def fraction(octets: bytes) -> float:
    """A number that need not be whole."""
    return struct.unpack(">d" if len(octets) == DOUBLE.size else ">f", octets)[0]


def text(value: str) -> bytes:
    """A text. PostgreSQL has no character 0: what stands for it is found where it was written, and nowhere else."""
    return value.replace("\0", NO_CHARACTER).encode()


class TextDumper(StrDumperUnknown):
    """The same where psycopg itself sends a statement."""

    def dump(self, obj: str) -> bytes:
        """A text as it is sent."""
        return text(obj)


WRITERS: dict[type, tuple[int, Callable[[Any], bytes | None]]] = {
    int: (INT8, LONG.pack),
    bool: (INT8, LONG.pack),
    str: (TEXT, text),
    bytes: (BYTEA, bytes),
    float: (FLOAT8, DOUBLE.pack),
    type(None): (NOTHING, lambda _: None),
}
READERS: dict[int, Callable[[bytes], Any]] = {
    INT8: number, INT4: number, INT2: number, BOOL: lambda octets: octets != b"\0",
    TEXT: bytes.decode, VARCHAR: bytes.decode, NAME: bytes.decode, UNKNOWN: bytes.decode, CHAR: bytes.decode,
    BYTEA: bytes, FLOAT8: fraction, FLOAT4: fraction, VOID: lambda _: None,
}  # fmt: skip


def written(values: Iterable[Any]) -> tuple[tuple[int, ...], list[bytes | None]]:
    """The types of some values, and the values as they are sent."""
    types, octets = [], []
    for value in values:
        kind, write = WRITERS.get(type(value)) or writer_of(value)
        types.append(kind)
        octets.append(write(value))
    return tuple(types), octets


def writer_of(value: Any) -> tuple[int, Callable[[Any], bytes | None]]:
    """How a value of a narrower type is sent, such as one of an enumeration."""
    return next(writer for kind, writer in WRITERS.items() if isinstance(value, kind))
