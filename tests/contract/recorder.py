"""Every reply of a test session, held against the contract, and what was never seen."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from . import older, v2
from .operations import operations, published_reply, unnamed
from .replies import complaints, disorder


class Complaint(NamedTuple):
    verb: str
    path: str
    status: int
    says: str


class Recorder:
    """Collects replies; a session ends well when `complaints` is empty and `unseen(built)` is too."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []
        self.populated: set[tuple[str, str]] = set()  # (verb, path template without names) seen succeeding with content

    def record(
        self, verb: str, path: str, status: int, body: dict | bytes | str, version: str | None = None
    ) -> list[str]:
        """Check one reply of an operation, `path` being its template, and remember it. Gives back its complaints.

        Operations that the package does not publish are checked by their `object` alone. A reply to a client that pins
        a `version` is held against the contract of that version; of one that is too old only the order is looked at.
        Versions do not matter to v2, whose replies have shapes of their own.
        """
        reply = json.loads(body) if isinstance(body, bytes | str) else body
        found: list[str] = []
        if path.startswith("/v2/"):
            found = v2.complaints(verb.upper(), path, status, reply)
        elif status != 200 or version is None or version[:10] >= older.OLDEST:
            retold, found = older.as_today(reply, version) if version is not None else (reply, [])
            found += self._judge(verb.upper(), path, status, retold)
        if status == 200 and (verb.upper(), unnamed(path)) in operations():
            found += disorder(reply)
        self.complaints += [Complaint(verb.upper(), path, status, said) for said in found]
        pages = ("list", "search_result", None)
        empty = isinstance(reply, dict) and reply.get("object") in pages and reply.get("data") == []
        if status == 200 and not empty:
            self.populated.add((verb.upper(), unnamed(path)))
        return found

    def unseen(self, built: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of the built operations never seen succeeding with content: a list needs at least one element."""
        return [(verb, path) for verb, path in built if (verb.upper(), unnamed(path)) not in self.populated]

    def _judge(self, verb: str, path: str, status: int, reply: object) -> list[str]:
        found = complaints(reply)
        if not isinstance(reply, dict):
            return found
        if ("error" in reply) != (status >= 400):
            found.append(f"status {status} with {'an error' if 'error' in reply else 'no error'}")
        if status >= 400 or "error" in reply or (verb, unnamed(path)) not in operations():
            return found
        return found + misplaced(reply, verb, path)


def misplaced(reply: dict, verb: str, path: str) -> list[str]:
    """Complaints about an object that is not the one this operation publishes."""
    many, objects = published_reply(verb, path)
    name = reply.get("object")
    if many != (name in ("list", "search_result")):
        return [f"{name}: where {'a page of ' if many else ''}{', '.join(sorted(objects))} is published"]
    shown = reply.get("data") if many else [reply]
    kinds = {item.get("object") for item in shown if isinstance(item, dict)} if isinstance(shown, list) else set()
    return [f"{kind}: where {', '.join(sorted(objects))} is published" for kind in sorted(map(str, kinds - objects))]
