"""What a world has been told to get wrong: faults that wait for requests, and doses of the clinic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from emulator.kernel.clinic import TROUBLES
from emulator.kernel.database.face import Session
from emulator.kernel.faults import KINDS, Fault

COLUMNS = (
    "sequence, kind, method, path, remaining, should_retry, rate_limited_reason, milliseconds, jitter_milliseconds, "
    "probability, met, carried_out"
)


class Faults:
    """The faults of a session. The tenant's row tells how many wait, so that most requests look no further."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def waiting(self) -> list[Fault]:
        """The faults that wait, oldest first."""
        rows = self.session.all(f"SELECT {COLUMNS} FROM fault ORDER BY sequence")
        return [Fault(*row[:5], said(row[5]), *row[6:-1], said(row[-1])) for row in rows]

    def contradictions(self) -> Iterator[str]:
        """Stored facts that contradict each other, as sentences for the doctor."""
        if self.session.one("SELECT 1 FROM tenant WHERE faults <> (SELECT count(*) FROM fault)"):
            yield "the world's row counts other faults than there are"
        for fault in self.waiting():
            if fault.kind not in KINDS or fault.remaining < 1:
                yield f"a fault is of the kind {fault.kind}, {fault.remaining} times"

    def arm(self, fault: Fault) -> None:
        """Have a fault wait."""
        row = fault._asdict()
        del row["sequence"]
        self.session.add("fault", **row)
        self.recount()

    def disarm(self) -> None:
        """Take every fault away."""
        self.session.run("DELETE FROM fault")
        self.recount()

    def take(self, method: str, path: str, generator: bytes, *, keyed: bool) -> Fault | None:
        """The fault that strikes a request, counted; or None. Of those that meet it, the oldest that chance draws."""
        for fault in self.waiting():
            if fault.strikes(method, path, keyed=keyed):
                self.session.run("UPDATE fault SET met = met + 1 WHERE sequence = :sequence", sequence=fault.sequence)
                if not fault.is_drawn(generator):
                    continue
                self.session.run(
                    "UPDATE fault SET remaining = remaining - 1 WHERE sequence = :sequence", sequence=fault.sequence
                )
                self.session.run("DELETE FROM fault WHERE remaining = 0")
                self.recount()
                return fault
        return None

    def recount(self) -> None:
        """Have the tenant's row tell how many wait."""
        self.session.run("UPDATE tenant SET faults = (SELECT count(*) FROM fault)")


def said(stored: int | None) -> bool | None:
    """Yes, no, or nothing said."""
    return None if stored is None else bool(stored)


class Doses:
    """The clinic's doses of a session, by subscriber; the tenant's own under an empty name."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def all(self) -> dict[str, dict[str, Any]]:
        """Every dose."""
        return {scope: orjson.loads(data) for scope, data in self.session.all("SELECT scope, data FROM clinic")}

    def prescribe(self, scope: str, dose: dict[str, Any]) -> None:
        """Set the dose of a subscriber or of the tenant; one without troubles is taken away."""
        self.session.run("DELETE FROM clinic WHERE scope = :scope", scope=scope)
        if any(dose.get(name) for name in TROUBLES):
            self.session.add("clinic", scope=scope, data=orjson.dumps(dose))
