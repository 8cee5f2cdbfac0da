"""Stored replies of keyed requests. Keys belong to the acting account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from emulator.kernel.database.face import Session
from emulator.kernel.dates import DAY

KEPT_SECONDS = DAY
KEPT_SECONDS_OF_V2 = 30 * DAY
FINGERPRINT_BYTES = 16


class StoredReply(NamedTuple):
    """The reply that a key was first answered with; status None while the first request still runs."""

    path: str
    fingerprint: bytes
    request_id: str
    created: int
    status: int | None
    body: bytes | None


class Replies:
    """The replies of a session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def find(self, account: str, key: str, now: int) -> StoredReply | None:
        """What is remembered under a key: for a day, or for thirty if it was used with v2."""
        row = self.session.one(
            "SELECT path, fingerprint, request_id, created, status, body FROM idempotent_reply "
            "WHERE account = :account AND key = :key AND created > :too_old",
            account=account,
            key=key,
            too_old=now - KEPT_SECONDS_OF_V2,
        )
        stored = StoredReply(*row) if row else None
        return stored if stored and stored.created > now - kept_seconds(stored.path) else None

    def keep(self, account: str, key: str, reply: StoredReply) -> None:
        """Remember a reply, or that its request is running, and let go of what is too old to be asked for."""
        self.session.put("idempotent_reply", ("account", "key"), account=account, key=key, **reply._asdict())
        self.session.run(
            "DELETE FROM idempotent_reply WHERE created <= :too_old "
            "AND (created <= :too_old_of_v2 OR path NOT LIKE '/v2/%')",
            too_old=reply.created - KEPT_SECONDS,
            too_old_of_v2=reply.created - KEPT_SECONDS_OF_V2,
        )

    def faults(self) -> Iterator[str]:
        """Replies that could not be given again, as sentences for the doctor."""
        sql = "SELECT key, path, fingerprint, request_id, status, body FROM idempotent_reply"
        for key, path, fingerprint, request_id, status, body in self.session.all(sql):
            is_well = path.startswith("/") and len(fingerprint) == FINGERPRINT_BYTES and request_id.startswith("req_")
            if not is_well or (status is not None and not (200 <= status < 600 and is_json(body))):
                yield f"the reply under the idempotency key {key} is none"

    def forget_running(self) -> None:
        """Let the keys of requests be used again that nobody answers any more, but for those whose question is open."""
        self.session.run(
            "DELETE FROM idempotent_reply WHERE status IS NULL AND NOT EXISTS (SELECT 1 FROM ask WHERE finished = 0 "
            "AND ask.account = idempotent_reply.account AND ask.idempotency_key = idempotent_reply.key)"
        )

    def forget(self, account: str, key: str, request_id: str | None) -> None:
        """Let a key be used again that a request has used, unless another has by now."""
        self.session.run(
            "DELETE FROM idempotent_reply WHERE account = :account AND key = :key AND request_id = :request_id",
            account=account,
            key=key,
            request_id=request_id,
        )


def kept_seconds(path: str) -> int:
    """How long a key stands for what it was used with."""
    return KEPT_SECONDS_OF_V2 if path.startswith("/v2/") else KEPT_SECONDS


def is_json(body: bytes | None) -> bool:
    """Whether a reply can be read."""
    try:
        orjson.loads(body or b"")
    except ValueError:
        return False
    return True
