"""What somebody else's server answered: to a delivery, or to a question."""

from __future__ import annotations

from typing import NamedTuple

KEPT_BODY = 2_000  # bytes of it that are kept with an attempt


class Answer(NamedTuple):
    """What came of it. Without a status nothing usable came, and `error` says why."""

    status: int | None
    headers: dict[str, str]
    body: bytes
    error: str | None
    timed_out: bool
    duration_ms: int

    @property
    def is_success(self) -> bool:
        """Whether the receiver acknowledged: any 2xx."""
        return self.status is not None and 200 <= self.status < 300
