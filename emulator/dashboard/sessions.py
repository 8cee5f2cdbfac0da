"""Who has signed in: a session for each browser, opened by a link that works once or by giving a key once.

A session is in the memory of the server and ends with it; servers that share a database share their sessions. Its
cookie is random and says nothing; no key and no name of a world is ever in one. Every form carries the session's token,
since a cookie is sent by whoever sends the browser.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

MOST_SESSIONS = 200


class Note(NamedTuple):
    """What a page says of an action that led to it. `kind` is `good`, `wait`, `bad`, `move`, or empty."""

    kind: str
    says: str
    more: str = ""


@dataclass
class Session:
    """One browser. `worlds` are the handles it may look into; one who `owns` the server may look into all."""

    id: str
    token: str
    owns: bool = False
    worlds: list[str] = field(default_factory=list)
    world: str | None = None  # the one that is looked at
    accounts: dict[str, str] = field(default_factory=dict)  # which account of each world is
    theme: str | None = None
    notes: list[Note] = field(default_factory=list)
    kept: bytes = field(default=b"", compare=False, repr=False)

    def content(self) -> bytes:
        """All of it but the id."""
        members = {name: value for name, value in self.__dict__.items() if name not in ("id", "kept")}
        return json.dumps(members).encode()

    def may_see(self, handle: str) -> bool:
        """Whether a world is open to it."""
        return self.owns or handle in self.worlds

    def open(self, handle: str) -> None:
        """Look into a world from now on."""
        if handle not in self.worlds:
            self.worlds.append(handle)
        self.world = handle


def same(one: str, other: str) -> bool:
    """Whether two secrets are one, in a time that tells nothing of how far they agree."""
    return secrets.compare_digest(one.encode(), other.encode())


class Drawer(Protocol):
    """Where small things are kept."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, content: bytes) -> None: ...

    def replace(self, key: str, content: bytes) -> None: ...

    def take(self, key: str) -> bytes | None: ...


class Sessions:
    """Every session of a server, and the links that open one; of all servers of a database that they share."""

    def __init__(self, links: Drawer, there: Drawer) -> None:
        """What is kept in the drawers opens nothing to whoever reads it there."""
        self.links = links
        self.there = there

    def link(self) -> str:
        """A code that signs in whoever started the server, once."""
        code = secrets.token_urlsafe(24)
        self.links.put(mark_of(code), b"")
        return code

    def follow(self, code: str) -> Session | None:
        """The session that a link opens, or None for one that was followed before or never was."""
        return None if self.links.take(mark_of(code)) is None else self.begin(owns=True)

    def begin(self, *, owns: bool = False) -> Session:
        """A new session. Where there are too many, the one that was used least lately ends."""
        session = Session(secrets.token_urlsafe(24), secrets.token_urlsafe(24), owns)
        self.keep(session)
        return session

    def renewed(self, old: Session | None) -> Session:
        """A session of a new id that may see what an old one may: a cookie can be set by any server of this machine."""
        session = self.begin(owns=old is not None and old.owns)
        if old is not None:
            session.worlds, session.accounts = old.worlds, old.accounts
            self.keep(session)
            self.end(old)
        return session

    def find(self, id: str | None) -> Session | None:
        """The session of a cookie."""
        if id is None:
            return None
        content = self.there.get(mark_of(id))
        if content is None:
            return None
        members = json.loads(content)
        notes = [Note(*note) for note in members.pop("notes")]
        session = Session(id, **members, notes=notes)
        session.kept = content
        return session

    def keep(self, session: Session) -> None:
        """Have the next request find a session as it is now, unless it was signed out meanwhile."""
        content = session.content()
        if content != session.kept:
            (self.there.replace if session.kept else self.there.put)(mark_of(session.id), content)
            session.kept = content

    def end(self, session: Session) -> None:
        """Sign out."""
        self.there.take(mark_of(session.id))


def mark_of(secret: str) -> str:
    """What a secret is kept by."""
    return hashlib.sha256(secret.encode()).hexdigest()
