"""Stored replies of keyed requests, and fingerprints that tell whether a repeat is the same request.

Source: https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/api-v2-overview
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from emulator.kernel.database.replies import FINGERPRINT_BYTES, StoredReply
from emulator.kernel.errors import ApiError, invalid, key_in_use

LONGEST_KEY = 255


def check_key(key: str) -> None:
    """400 for an empty or overlong `Idempotency-Key`."""
    if key == "":
        raise invalid("Idempotency Key must be a non-empty string.")
    if len(key) > LONGEST_KEY:
        raise invalid(f"Idempotency Key must be at most {LONGEST_KEY} characters.")


def fingerprint(path: str, tree: dict[str, Any]) -> bytes:
    """What a repeated request must share with the first: path and parameters, whatever their order."""
    text = orjson.dumps([path, tree], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=file_digest)
    return hashlib.blake2b(text, digest_size=FINGERPRINT_BYTES).digest()


def file_digest(upload: Any) -> str:
    """An uploaded file counts by its content."""
    return hashlib.blake2b(upload.content, digest_size=16).hexdigest()


def agreed(stored: StoredReply, key: str, path: str, mark: bytes) -> StoredReply:
    """The stored reply, if this request may have it. 400 `idempotency_error` or 409 otherwise."""
    if stored.path != path:
        raise ApiError(
            400,
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{path}' vs '{stored.path}'). Try using a key other than '{key}' if you meant to execute a different "
            "request.",
            type="idempotency_error",
        )
    if stored.fingerprint != mark:
        raise ApiError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
            f"using a key other than '{key}' if you meant to execute a different request.",
            type="idempotency_error",
        )
    if stored.status is None:
        raise key_in_use(key)
    return stored
