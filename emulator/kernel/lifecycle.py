"""Arrows between statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from emulator.kernel.errors import ApiError, invalid


class Lifecycle(NamedTuple):
    """Where a thing starts, and for every status the verbs that lead on: `{status: {verb: next status}}`."""

    start: str
    moves: Mapping[str, Mapping[str, str]]

    def allows(self, status: str, verb: str) -> bool:
        """Whether an arrow is drawn from this status with this verb."""
        return verb in self.moves[status]

    def after(self, status: str, verb: str, refusal: ApiError | None = None) -> str:
        """The status one arrow on. `refusal` (or a 400 `status_transition_invalid`) where no arrow is drawn."""
        if verb not in self.moves[status]:
            raise refusal or invalid(
                f"This object cannot {verb} while its status is '{status}'.", code="status_transition_invalid"
            )
        return self.moves[status][verb]
