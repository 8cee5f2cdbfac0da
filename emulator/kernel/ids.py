"""Seeded ids with Stripe's prefixes: same seed, same requests, same ids.

An id is its prefix, six base-62 digits that grow with time (today they begin with `1`), the last ten characters of
the owning account's id, and eight from the tenant's generator. Older families keep fourteen from the generator.
"""

from __future__ import annotations

import hashlib
import hmac
import random
from functools import lru_cache

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
REQUESTS = random.Random()
CHARACTERS = bytes(
    ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256)
)  # one for each byte, some a little oftener
SHORT_FAMILIES = frozenset({"cus", "prod", "si", "ipcd", "ics", "tmc"})


def base62(number: int, length: int) -> str:
    """The last `length` base-62 digits of a number."""
    number %= 62**length  # small numbers are divided faster
    pairs = []
    for _ in range((length + 1) // 2):
        number, pair = divmod(number, 3844)
        pairs.append(PAIRS[pair])
    return "".join(reversed(pairs))[-length:]


def eight_of(draw: int) -> str:
    """Its last eight base-62 digits, as `base62` has them, at a third of the cost: every id ends so."""
    high, low = divmod(draw % 62**8, 62**4)
    return PAIRS[high // 62**2] + PAIRS[high % 62**2] + PAIRS[low // 62**2] + PAIRS[low % 62**2]


def chance(key: bytes, counter: int, purpose: str = "") -> int:
    """256 reproducible bits for the `counter`-th draw of the generator with this key."""
    drawn = keyed(key).copy()
    drawn.update(f"{purpose}:{counter}".encode())
    return int.from_bytes(drawn.digest())


@lru_cache(maxsize=256)
def keyed(key: bytes) -> hmac.HMAC:
    """A generator before its first draw; whoever draws takes a copy."""
    return hmac.new(key, digestmod="sha256")


def generator_key(seed: int, tenant: str) -> bytes:
    """The key of a tenant's generator, so that tenants of one server do not share ids."""
    return hmac.digest(str(seed).encode(), tenant.encode(), hashlib.sha256)


def object_id(prefix: str, now: int, account: str, draw: int) -> str:
    """An id such as `ic_1Pgag5B7WZ01zgkWephORn8N`."""
    if prefix in SHORT_FAMILIES:
        return f"{prefix}_{base62(draw, 14)}"
    if prefix == "acct":
        return f"acct_1{base62(draw, 15)}"
    return beginning(prefix, now, account) + eight_of(draw)


@lru_cache(maxsize=256)
def beginning(prefix: str, now: int, account: str) -> str:
    """What the ids have in common that an account gives to one kind of object within a second."""
    return f"{prefix}_{base62(now, 6)}{account[-10:]}"


def group_of(id: str) -> str:
    """What all ids that belong to one payment begin with, behind their prefixes: a `3` and fifteen more characters.

    They share the time and the account of the first of them. Source: recorded replies
    """
    return "3" + id.partition("_")[2][1:16]


def id_in_group(prefix: str, group: str, draw: int) -> str:
    """An id that belongs to a payment, such as `ch_3Pgag5B7WZ01zgkWephORn8N`."""
    return f"{prefix}_{group}{eight_of(draw)}"


def request_id() -> str:
    """`req_` and fourteen random characters; requests are told apart, never reproduced."""
    return "req_" + REQUESTS.randbytes(14).translate(CHARACTERS).decode()
