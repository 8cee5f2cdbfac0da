"""Who has signed in: a session for each browser, opened by a link that works once or by giving a key once.

A session is in the memory of the server and ends with it. Its cookie is random and says nothing; no key and no name of
a world is ever in one. Every form carries the session's token, since a cookie is sent by whoever sends the browser.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

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


class Sessions:
    """Every session of a server, and the links that open one."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.links: set[str] = set()
        self.there: OrderedDict[str, Session] = OrderedDict()

    def link(self) -> str:
        """A code that signs in whoever started the server, once."""
        code = secrets.token_urlsafe(24)
        self.links.add(code)
        return code

    def follow(self, code: str) -> Session | None:
        """The session that a link opens, or None for one that was followed before or never was."""
        with self.guard:
            known = next((one for one in self.links if same(one, code)), None)
            if known is None:
                return None
            self.links.discard(known)
        return self.begin(owns=True)

    def begin(self, *, owns: bool = False) -> Session:
        """A new session. Where there are too many, the one that was used least lately ends."""
        session = Session(secrets.token_urlsafe(24), secrets.token_urlsafe(24), owns)
        with self.guard:
            self.there[session.id] = session
            while len(self.there) > MOST_SESSIONS:
                self.there.popitem(last=False)
        return session

    def renewed(self, old: Session | None) -> Session:
        """A session of a new id that may see what an old one may: a cookie can be set by any server of this machine."""
        session = self.begin(owns=old is not None and old.owns)
        if old is not None:
            session.worlds, session.accounts = old.worlds, old.accounts
            self.end(old)
        return session

    def find(self, id: str | None) -> Session | None:
        """The session of a cookie."""
        if id is None:
            return None
        with self.guard:
            session = self.there.get(id)
            if session is not None:
                self.there.move_to_end(id)
            return session

    def end(self, session: Session) -> None:
        """Sign out."""
        with self.guard:
            self.there.pop(session.id, None)
