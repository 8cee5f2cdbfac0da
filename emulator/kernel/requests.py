"""What is said of a request: in the step that it causes, on the console, and in the request log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

CLASS_PREFIX = re.compile(r"[^_]*_[^_]*_")
NO_VALUES: Mapping[str, str] = MappingProxyType({})


class Key(NamedTuple):
    """A key that opens a tenant. `kind` is `sk`, `rk` or `pk`, and `ek` for an ephemeral one.

    `tenant` is the tenant's name; of a key that acts for one account, ephemeral or of OAuth, the handle of its world.
    """

    kind: str
    tenant: str
    text: str
    account: str | None = None  # the one that the key acts for, where it is not the platform's

    @property
    def masked(self) -> str:
        """The key as messages may show it."""
        return masked(self.text)


def masked(text: str) -> str:
    """Class prefix and last four characters stay; a star for each other character."""
    if len(text) <= 4:
        return "*" * len(text)
    prefix = CLASS_PREFIX.match(text)
    kept = prefix[0] if prefix and prefix.end() <= len(text) - 4 else ""
    return kept + "*" * (len(text) - len(kept) - 4) + text[-4:]


class Request(NamedTuple):
    """What caused a step, as far as a step may know it; nothing of it when nothing a client sent did.

    `path_values` are the ids in the path by their names, `params` what was sent besides, `origin` is where the client
    found us, `version` the one that the request names itself.
    """

    id: str | None = None
    idempotency_key: str | None = None
    path: str = ""
    path_values: Mapping[str, str] = NO_VALUES
    origin: str | None = None
    version: str | None = None
    key: Key | None = None
    params: Mapping[str, Any] = NO_VALUES

    @property
    def cause(self) -> dict[str, str | None]:
        """The request as its events name it."""
        return {"id": self.id, "idempotency_key": self.idempotency_key}


NOBODY_ASKED = Request()


class Recorded(NamedTuple):
    """What was sent and answered, for a world that has it kept. `now` is what its clock showed, `key` a kind of key."""

    now: int
    key: str | None
    params: Any
    reply: bytes


class RequestLine(NamedTuple):
    """What the console and the request log say of one request.

    `reason` is there for refusals, `hint` for what passed here and may surprise at Stripe. `began_ms` and `ended_ms`
    are real time, and `replayed` says that the reply was an earlier one's.
    """

    request_id: str
    method: str
    path: str
    status: int
    operation: str
    reason: str | None
    account: str | None
    duration_ms: float
    tenant: str | None
    user_agent: str
    error: dict[str, Any] | None
    created: int
    world: str | None = None  # its handle
    api_version: str | None = None
    idempotency_key: str | None = None
    ip_address: str = ""
    hint: str | None = None
    recorded: Recorded | None = None
    began_ms: int = 0
    ended_ms: int = 0
    replayed: bool = False


class LoggedRequest(NamedTuple):
    """One answered request. `created` is real time in unix seconds; `error` is the reply's error without its URL.

    `hint` is there for what passed here and may surprise at Stripe. `recorded` is what was sent and answered, where its
    world has that kept: `now` by the world's clock, `key` (the kind of the key that it came with), `params`, `reply`,
    and in `left_out` which of the two were too large to be kept.
    """

    sequence: int
    id: str
    created: int
    method: str
    path: str
    status: int
    operation: str
    account: str | None
    api_version: str | None
    idempotency_key: str | None
    ip_address: str
    user_agent: str
    duration_ms: float
    reason: str | None
    hint: str | None
    error: dict[str, Any] | None
    recorded: dict[str, Any] | None = None

    def render(self, *, in_list: bool = False) -> dict[str, Any]:
        """The request as the control API shows it; in lists without what was sent and answered."""
        members = self._asdict()
        del members["sequence"]
        if in_list:
            del members["recorded"]
        return {"id": self.id, "object": "emulator.request", **dict(sorted(members.items()))}
