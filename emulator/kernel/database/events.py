"""Events as they happen: written once, numbered, and read by whoever waits for them."""

from __future__ import annotations

from typing import Any

import orjson

from emulator.kernel.database.face import Session
from emulator.kernel.database.tenant_row import Counters, gaps
from emulator.kernel.events import Event
from emulator.kernel.records import revive


class Events:
    """The events of a session, of all accounts."""

    def __init__(self, session: Session, counters: Counters) -> None:
        self.session = session
        self.counters = counters

    def write(self, account: str, event: Event) -> None:
        """Add an event of an account."""
        self.session.add(
            "event",
            sequence=self.counters.next_event(),
            id=event.id,
            account=account,
            created=event.created,
            type=event.type,
            about=event.about,
            data=orjson.dumps(event),
        )

    def last_of_each(self) -> list[tuple[str, Event]]:
        """The last event of each object, with its account."""
        rows = self.session.all(
            "SELECT account, data FROM event WHERE sequence IN "
            "(SELECT max(sequence) FROM event WHERE about IS NOT NULL GROUP BY about) ORDER BY sequence"
        )
        return [(account, revive(Event, data)) for account, data in rows]

    def faults(self) -> list[str]:
        """Events that are gone, as sentences for the doctor. They are numbered without a gap."""
        return [f"event number {number} is gone" for number in gaps(self.session, "event", self.counters.events)]

    def place_of(self, id: str) -> int | None:
        """Where an event stands among all events of the tenant, or None where there is no such event."""
        row = self.session.one("SELECT sequence FROM event WHERE id = :id", id=id)
        return row[0] if row else None

    def arrived(
        self, after: int, limit: int, *, type: str | None = None, about: str | None = None, account: str | None = None
    ) -> list[tuple[str, Event]]:
        """Events of any account after a place, oldest first, with their accounts. `type` may end in `*`."""
        where, values = ["sequence > :after"], dict[str, Any](after=after, limit=limit)
        if type is not None and type.endswith("*"):
            where.append("substr(type, 1, CAST(:length AS INTEGER)) = :type")
            values |= {"length": len(type) - 1, "type": type[:-1]}
        elif type is not None:
            where.append("type = :type")
            values["type"] = type
        for column, value in (("about", about), ("account", account)):
            if value is not None:
                where.append(f"{column} = :{column}")
                values[column] = value
        sql = f"SELECT account, data FROM event WHERE {' AND '.join(where)} ORDER BY sequence LIMIT :limit"
        return [(row[0], revive(Event, row[1])) for row in self.session.all(sql, **values)]
