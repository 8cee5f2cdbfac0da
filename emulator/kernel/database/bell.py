"""A bell: something has happened, says one thread, and whoever listens hears where."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from emulator.kernel.waiting import Alarm


class Ear:
    """Hears a bell from its making on."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.alarm = Alarm()
        self.words: set[str] = set()

    def hear(self, word: str) -> None:
        """The bell rang."""
        with self.guard:
            self.words.add(word)
        self.alarm.set()

    def listen(self, seconds: float) -> set[str]:
        """The words that the bell has rung since the last time, as soon as there is one or after some seconds."""
        self.alarm.wait(seconds)
        return self.heard()

    def heard(self) -> set[str]:
        """The words that the bell has rung since the last time."""
        self.alarm.clear()
        with self.guard:
            words, self.words = self.words, set()
            return words


class Bell:
    """Rings a word, such as a tenant's name, for every ear that is there; nobody waits for anybody."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.ears: dict[str | None, tuple[Ear, ...]] = {}

    def ring(self, word: str) -> None:
        """Tell everyone who listens for this word, or for all of them."""
        self.ring_here(word)

    def ring_elsewhere(self, word: str) -> None:
        """Tell who listens in other processes: there are none."""

    def ring_here(self, word: str) -> None:
        """Tell who listens in this process."""
        for ear in (*self.ears.get(word, ()), *self.ears.get(None, ())):
            ear.hear(word)

    def wake(self) -> None:
        """Have everyone look who listens: nobody knows whether it has rung."""
        for word, ears in list(self.ears.items()):
            for ear in ears:
                if word is None:
                    ear.alarm.set()
                else:
                    ear.hear(word)

    @contextmanager
    def ear(self, word: str | None = None) -> Iterator[Ear]:
        """Someone who listens for the length of a block, for one word or for all."""
        ear = Ear()
        with self.guard:
            self.ears[word] = (*self.ears.get(word, ()), ear)
        try:
            yield ear
        finally:
            with self.guard:
                left = tuple(one for one in self.ears[word] if one is not ear)
                if left:
                    self.ears[word] = left
                else:
                    del self.ears[word]
