"""How a world's clock has been moved: the newest moves, and what was done on the way of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from emulator.kernel.database.face import Session

MOST_KEPT = 1_000
COLUMNS = ("sequence", "kind", "moved_at", "before", "after", "frozen", "deliveries", "done", "failed")


class ClockMoves:
    """The moves of a session's clock. `moved_at` is real time; all other times are the clock's."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(
        self,
        kind: str,
        moved_at: int,
        before: int,
        after: int,
        *,
        frozen: bool,
        deliveries: int,
        done: Mapping[str, int],
        failed: int,
    ) -> None:
        """Keep a move, and let go of those that are too old. `done` is how often each action was carried out."""
        self.session.add(
            "clock_move",
            kind=kind,
            moved_at=moved_at,
            before=before,
            after=after,
            frozen=int(frozen),
            deliveries=deliveries,
            done=orjson.dumps(done, option=orjson.OPT_SORT_KEYS),
            failed=failed,
        )
        self.session.run(
            "DELETE FROM clock_move WHERE sequence <= (SELECT max(sequence) FROM clock_move) - :most", most=MOST_KEPT
        )

    def newest(self, limit: int, *, before: int | None = None) -> list[dict[str, Any]]:
        """The newest moves, the last one first; only those before one where that is given."""
        where = "" if before is None else "WHERE sequence < :place"
        rows = self.session.all(
            f"SELECT {', '.join(COLUMNS)} FROM clock_move {where} ORDER BY sequence DESC LIMIT :most",
            most=limit,
            **({} if before is None else {"place": before}),
        )
        found = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        for one in found:
            one["frozen"], one["done"] = bool(one["frozen"]), orjson.loads(one["done"])
        return found
