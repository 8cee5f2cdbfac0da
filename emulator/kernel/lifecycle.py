"""Arrows between statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.records import AnyRecord, replace


class Lifecycle(NamedTuple):
    """Where a thing starts, and for every status the verbs that lead on: `{status: {verb: next status}}`.

    `says` is what a client reads where no arrow is drawn, with the `code` and the `param` of that refusal. It may name
    the `{verb}`, the `{status}`, the `{target}` that the verb leads to from elsewhere, and the `{origins}` it has.
    """

    start: str
    moves: Mapping[str, Mapping[str, str]]
    says: str = "This object cannot {verb} while its status is '{status}'."
    code: str | None = None
    param: str | None = None

    def allows(self, status: str, verb: str) -> bool:
        """Whether an arrow is drawn from this status with this verb."""
        return verb in self.moves[status]

    def after(self, status: str, verb: str) -> str:
        """The status one arrow on. 400 where no arrow is drawn."""
        if not self.allows(status, verb):
            raise self.refusal(status, verb)
        return self.moves[status][verb]

    def follow(self, record: AnyRecord, verb: str, /, **changes: Any) -> AnyRecord:
        """The same record one arrow on, with other changes that come with it. Pure. 400 where no arrow is drawn."""
        return replace(record, status=self.after(record.status, verb), **changes)

    def refusal(self, status: str, verb: str) -> ApiError:
        """400 for an arrow that is not drawn."""
        origins = [origin for origin, verbs in self.moves.items() if verb in verbs]
        says = self.says.format(
            verb=verb,
            status=status,
            target=self.moves[origins[0]][verb],
            origins=" or ".join(f"'{origin}'" for origin in origins),
        )
        return invalid(says, code=self.code, param=self.param)
