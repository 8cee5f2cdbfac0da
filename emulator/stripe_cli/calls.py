"""An event, or a question, on its way to a listener."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

from emulator.kernel import ids
from emulator.kernel.webhooks.call import Call
from emulator.kernel.webhooks.letter import Letter
from emulator.stripe_cli.lines import Line

EVENT_ID = re.compile(rb'"id": "(evt_[0-9A-Za-z_]+)"')


class ListenerCall(Call):
    """One event for one listener. It ends when the CLI acknowledges; a question, when the user's server answers.

    While the CLI is away it waits, for as long as the session's queue is kept.
    """

    def __init__(self, session_id: str, letter: Letter, timeout_ms: int, on_change: Callable[[], None]) -> None:
        self.sent_at: float | None = None
        super().__init__(None, letter, timeout_ms, on_change)  # type: ignore[arg-type]  # no HTTP is spoken
        self.session_id = session_id
        self.began_at_ms = time.time_ns() // 1_000_000
        self.line: Line | None = None
        self.conversations = (f"wc_{conversation_id()}", f"wc_{conversation_id()}")
        self.is_question = letter.is_question

    @property
    def event_id(self) -> str:
        """The event in the letter."""
        found = EVENT_ID.search(self.letter.body)
        return found[1].decode() if found else ""

    @property
    def timeout_ms(self) -> int:
        """How long after its beginning the CLI must have acknowledged; while it is away the time does not run."""
        if self.sent_at is None:
            return self.elapsed_ms + self.limit_ms
        return round((self.sent_at - self.began) * 1000) + self.limit_ms

    @timeout_ms.setter
    def timeout_ms(self, limit_ms: int) -> None:
        self.limit_ms = limit_ms

    def sent(self) -> None:
        """Both copies have left."""
        self.sent_at = time.monotonic()
        self.was_sent = True
        self.on_change()

    def interrupted(self) -> None:
        """The line closed before an answer came."""
        self.sent_at = None


def conversation_id() -> str:
    """24 random characters; conversations are told apart, never reproduced."""
    return ids.base62(int.from_bytes(os.urandom(18)), 24)
