"""How much of an answer is taken in: so many bytes as they come, and no more than that unpacked."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

LARGEST_ANSWER = 1_000_000
KEPT_HEADERS = 40
PACKED = ("gzip", "x-gzip")  # what a letter says that it understands
GZIP = 31  # zlib's word for it


def gathered(chunks: Iterable[bytes]) -> bytes:
    """What comes, until it ends or is as much as is taken in."""
    body = bytearray()
    for chunk in chunks:
        body += chunk[: LARGEST_ANSWER - len(body)]
        if len(body) >= LARGEST_ANSWER:
            break
    return bytes(body)


def unpacked(body: bytes, encoding: str) -> bytes:
    """A body without its packing, cut where it is too large. ValueError for one that is not packed as it says."""
    if encoding.strip().lower() not in PACKED:
        return body
    unpacked = b""
    while body and len(unpacked) < LARGEST_ANSWER:
        member = zlib.decompressobj(GZIP)
        try:
            unpacked += member.decompress(body, LARGEST_ANSWER - len(unpacked))
        except zlib.error as failure:
            raise ValueError(f"The body is not gzip, as its Content-Encoding says: {failure}.") from None
        body = member.unused_data
    return unpacked
