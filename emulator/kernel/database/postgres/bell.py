"""Bells that ring in every process: at once in the one that rings, in the others by LISTEN and NOTIFY.

    ring ─▶ ears of this process ─▶ (after the commit) NOTIFY, what has gathered in one statement ─▶ ears of all others

It is told over the connection that stands, right after the commit and not within: a transaction that notifies has a
lock of the whole database until it has committed, so writers of all worlds would wait for each other. What is not heard
while the connection is away is made up for: everybody is woken when it is there again, and whoever listens looks now
and then without being told.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from emulator.kernel.database.bell import Bell, Ear
from emulator.kernel.database.postgres.standing import CHANNEL, PATIENCE_SECONDS, Standing

LARGEST_PAYLOAD = 7_500  # bytes, of the 8,000 that a server takes
TELL = f"SELECT pg_notify('{CHANNEL}', payload) FROM unnest($1::text[]) AS payload"


class Bells:
    """Every bell of a database, as this process hears and rings them."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.process = secrets.token_hex(8)
        self.guard = threading.Lock()
        self.bells: dict[str, SharedBell] = {}
        self.untold: dict[str, dict[str, None]] = {}  # words by the bell that rang them
        self.listening: dict[str, Callable[[str], None]] = {}  # who hears a bell in the thread that hears it
        standing.hearing.append(self.hear)
        standing.returning.append(self.wake)

    def bell(self, name: str) -> SharedBell:
        """The bell of that name."""
        assert " " not in name, "a name is of one piece, as words are"
        with self.guard:
            if name not in self.bells:
                self.bells[name] = SharedBell(self, name)
            return self.bells[name]

    def tell(self, name: str, word: str) -> None:
        """Have the other processes hear a word: with others that have gathered, in an order that nobody may rely on."""
        with self.guard:
            is_first = not self.untold
            self.untold.setdefault(name, {})[word] = None
        if is_first:
            self.standing.tell(TELL, self.gathered)

    def gathered(self) -> tuple[list[str]]:
        """Everything that has gathered, as payloads."""
        with self.guard:
            untold, self.untold = self.untold, {}
        return ([payload for name, words in untold.items() for payload in self.packed(name, words)],)

    def packed(self, name: str, words: dict[str, None]) -> Iterator[str]:
        """Words in as few payloads as may be."""
        payload = head = f"{self.process} {name}"
        for word in words:
            if len(payload) + len(word) >= LARGEST_PAYLOAD:
                yield payload
                payload = head
            payload += f" {word}"
        yield payload

    def hear(self, payload: str) -> None:
        """What some process has told."""
        process, name, *words = payload.split(" ")
        if process != self.process:
            hear = self.listening.get(name) or self.bell(name).ring_here
            for word in words:
                hear(word)

    def wake(self) -> None:
        """Nobody knows what was told meanwhile: have everybody look."""
        with self.guard:
            bells = list(self.bells.values())
        for bell in bells:
            bell.wake()


class SharedBell(Bell):
    """One of them. The empty word is for this process alone."""

    def __init__(self, bells: Bells, name: str) -> None:
        super().__init__()
        self.bells_of_all, self.name = bells, name

    def ring(self, word: str) -> None:
        """Tell everyone who listens for this word, or for all of them, in every process."""
        self.ring_here(word)
        self.ring_elsewhere(word)

    def ring_elsewhere(self, word: str) -> None:
        """Tell who listens in other processes."""
        if word:
            self.bells_of_all.tell(self.name, word)

    @contextmanager
    def ear(self, word: str | None = None) -> Iterator[Ear]:
        """Someone who listens for the length of a block, from when on nothing is missed that anybody rings."""
        standing = self.bells_of_all.standing
        with super().ear(word) as ear:
            standing.start()
            if not standing.is_lost:
                standing.is_there.wait(PATIENCE_SECONDS)
            yield ear
