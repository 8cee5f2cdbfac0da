"""Subscribers, deliveries and attempts as they are stored; what they are is told in `kernel/deliveries.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import orjson

from emulator.kernel import clinic
from emulator.kernel.answers import KEPT_BODY, Answer
from emulator.kernel.conditions import Condition
from emulator.kernel.database.face import Session
from emulator.kernel.database.faults import Doses
from emulator.kernel.database.queries import among, clause
from emulator.kernel.database.tenant_row import Counters
from emulator.kernel.deliveries import (
    ANY_ORDER,
    ASKED_ALL,
    ASKED_FOR_CONNECTED,
    IN_ORDER,
    RETRY_AFTER_SECONDS,
    Parcel,
    Sent,
    Subscriber,
)
from emulator.kernel.events import Event
from emulator.kernel.records import revive

SUBSCRIBER_COLUMNS = ", ".join(Subscriber._fields)
PARCEL = (
    "SELECT delivery.sequence, delivery.account, event.data, reason, attempts, delivery.created, troubles "
    "FROM delivery JOIN event ON event.id = delivery.event "
)
CONCERNED = (
    "(hears = 'all' OR (hears = 'own' AND account = :account) OR "
    "(hears = 'connected' AND account <> :account AND account = (SELECT platform FROM tenant)))"
)
ATTEMPT_COLUMNS = {
    "sequence": "attempt.sequence",
    "delivery": "delivery",
    "event": "event",
    "type": "type",
    "account": "account",
    "webhook_endpoint": "subscriber",
    "reason": "reason",
    "number": "number",
    "created": "attempt.created",
    "began_at_ms": "began_ms",
    "duration_ms": "duration_ms",
    "status": "status",
    "response_headers": "headers",
    "response_body": "body",
    "error": "error",
    "troubles": "attempt.troubles",
    "api_calls": "calls",
    "signature": "signature",
}
# A delivery with what it is of, whom it is for, and its last attempt.
DELIVERIES = (
    "SELECT delivery.sequence AS sequence, delivery.event AS event, delivery.type AS type, "
    "delivery.account AS account, event.about AS about, delivery.subscriber AS subscriber, subscriber.url AS url, "
    "reason, state, "
    "delivery.created AS created, attempts, acknowledged, due_at, attempt.created AS last_created, "
    "attempt.status AS last_status, attempt.error AS last_error, attempt.duration_ms AS last_duration_ms "
    "FROM delivery LEFT JOIN event ON event.id = delivery.event "
    "LEFT JOIN subscriber ON subscriber.id = delivery.subscriber "
    "LEFT JOIN attempt ON attempt.delivery = delivery.sequence AND attempt.number = delivery.attempts"
)
DELIVERY_COLUMNS = {
    "delivery": "sequence",
    "event": "event",
    "type": "type",
    "account": "account",
    "about": "about",
    "webhook_endpoint": "subscriber",
    "url": "url",
    "reason": "reason",
    "state": "state",
    "created": "created",
    "attempts": "attempts",
    "acknowledged": "acknowledged",
    "next_attempt_at": "due_at",
    "last_created": "last_created",
    "last_status": "last_status",
    "last_error": "last_error",
    "last_duration_ms": "last_duration_ms",
}
LAST_ATTEMPT = ("created", "status", "error", "duration_ms")
DELIVERY_FILTERS = frozenset(("sequence", "event", "type", "account", "about", "subscriber", "state", "due_at"))
DELIVERY_ORDERS = frozenset(("sequence", "sequence DESC", "due_at, sequence"))


class Deliveries:
    """What a session knows of deliveries. `earliest` is when the first that it has added is due, 0 being at once.

    The tenant's row tells how many subscribe, so that most events, which nobody hears, ask no further.
    """

    def __init__(self, session: Session, counters: Counters, is_anyone_there: bool) -> None:
        self.session = session
        self.counters = counters
        self.is_anyone_there = is_anyone_there
        self.earliest: int | None = None

    @property
    def has_posted(self) -> bool:
        """Whether there is something new to carry."""
        return self.earliest is not None

    # Subscribers

    def subscribe(self, subscriber: Subscriber, types: Iterable[str]) -> None:
        """Tell this one of events of these types from now on (`*`: of all that are not asked for by name)."""
        self.is_anyone_there = True
        row = subscriber._asdict()
        row |= {"enabled": int(subscriber.enabled), "retries": int(subscriber.retries)}
        row["secrets"] = orjson.dumps(subscriber.secrets)
        self.session.put("subscriber", ("id",), **row)
        self.session.run("DELETE FROM wanted WHERE subscriber = :id", id=subscriber.id)
        for type in sorted(set(types)):
            self.session.add("wanted", type=type, subscriber=subscriber.id)
        self.recount()
        self.session.wake_by(0)  # what objects do by themselves waited for somebody who is told of it

    def unsubscribe(self, id: str) -> None:
        """Forget a subscriber; what was on its way to it is canceled."""
        for table, column in (("wanted", "subscriber"), ("subscriber", "id"), ("clinic", "scope")):
            self.session.run(f"DELETE FROM {table} WHERE {column} = :id", id=id)
        self.session.run("UPDATE delivery SET state = 'canceled' WHERE subscriber = :id AND state = 'waiting'", id=id)
        self.recount()

    def recount(self) -> None:
        """Have the tenant's row tell how many subscribe."""
        self.session.run("UPDATE tenant SET subscribers = (SELECT count(*) FROM subscriber)")

    def subscribers(self) -> list[Subscriber]:
        """Everyone, the oldest first."""
        rows = self.session.all(f"SELECT {SUBSCRIBER_COLUMNS} FROM subscriber ORDER BY sequence")
        return [subscriber_of(row) for row in rows]

    def wanted(self, id: str) -> set[str]:
        """The types that one is told of."""
        return {type for (type,) in self.session.all("SELECT type FROM wanted WHERE subscriber = :id", id=id)}

    def subscriber(self, id: str) -> Subscriber | None:
        """One of them, or None."""
        row = self.session.one(f"SELECT {SUBSCRIBER_COLUMNS} FROM subscriber WHERE id = :id", id=id)
        return subscriber_of(row) if row else None

    def hearers(self, type: str, account: str) -> list[tuple[str, bool]]:
        """Ids of the enabled subscribers that an event of this account concerns, and whether each retries."""
        if not self.is_anyone_there:
            return []
        return self.session.all(  # type: ignore[return-value]
            "SELECT subscriber.id, subscriber.retries FROM subscriber WHERE enabled = 1 AND "
            f"id IN (SELECT subscriber FROM wanted WHERE type IN (:type, '*')) AND {CONCERNED} ORDER BY sequence",
            type=type,
            account=account,
        )

    def one_to_ask(self, type: str, account: str) -> Subscriber | None:
        """Who answers questions of this type for an account: exactly one, or None.

        The platform's Connect endpoints come before the account's own, endpoints before others, older before newer;
        only those that name the type. Our ruling: Stripe lets the account choose one in its Dashboard.
        """
        if not self.is_anyone_there:
            return None
        row = self.session.one(
            f"SELECT {SUBSCRIBER_COLUMNS} FROM subscriber WHERE enabled = 1 AND "
            f"(answers = {ASKED_ALL} OR (answers = {ASKED_FOR_CONNECTED} AND account <> :account)) AND "
            f"id IN (SELECT subscriber FROM wanted WHERE type = :type) AND {CONCERNED} "
            "ORDER BY kind <> 'endpoint', hears = 'own', sequence LIMIT 1",
            type=type,
            account=account,
        )
        return subscriber_of(row) if row else None

    # Deliveries

    def post(self, account: str, event: Event, generator: bytes) -> None:
        """Have an event delivered to everyone whom it concerns."""
        hearers = self.hearers(event.type, account)
        if not hearers:
            return
        doses = Doses(self.session).all()
        for subscriber, _ in hearers:
            dose = doses.get(subscriber) or doses.get(clinic.TENANT)
            if dose is None:
                self.add(subscriber, account, event, "event")
            else:
                self.post_with_troubles(subscriber, account, event, clinic.draw(dose, generator, subscriber, event.id))

    def post_with_troubles(self, subscriber: str, account: str, event: Event, troubles: dict[str, Any]) -> None:
        """A delivery as the clinic wants it. What was held back for the next event leaves after that one.

        What was held for a minute in vain is due, and may be on its way already.
        """
        held = self.session.all(
            "SELECT sequence FROM delivery WHERE subscriber = :subscriber AND state = 'waiting' AND held = 1 "
            "AND due_at > :now",
            subscriber=subscriber,
            now=event.created,
        )
        late = troubles.get("delay")
        holds = bool(troubles.get("reorder")) and late is None and not held
        due_at = None if late is None and not holds else event.created + (late or clinic.HELD_SECONDS)
        self.add(subscriber, account, event, "event", troubles=troubles, due_at=due_at, held=holds)
        for (sequence,) in held:
            self.session.run(
                f"UPDATE delivery SET sequence = :number, lane = {IN_ORDER}, due_at = 0, held = 0 "
                "WHERE sequence = :sequence",
                number=self.counters.next_delivery(),
                sequence=sequence,
            )
        if troubles.get("duplicate"):
            self.add(subscriber, account, event, "duplicate", due_at=due_at)

    def add(
        self,
        subscriber: str,
        account: str,
        event: Event,
        reason: str,
        *,
        state: str = "waiting",
        due_at: int | None = None,
        troubles: dict[str, Any] | None = None,
        held: bool = False,
        now: int | None = None,
    ) -> int:
        """One delivery; its number. Without a time it is due at once, in the order of events."""
        sequence = self.counters.next_delivery()
        if state == "waiting":
            self.earliest = min(due_at or 0, self.earliest if self.earliest is not None else due_at or 0)
        self.session.add(
            "delivery",
            sequence=sequence,
            event=event.id,
            account=account,
            type=event.type,
            subscriber=subscriber,
            reason=reason,
            state=state,
            lane=IN_ORDER if due_at is None else ANY_ORDER,
            created=event.created if now is None else now,
            due_at=due_at or 0,
            attempts=0,
            acknowledged=0,
            held=int(held),
            troubles=orjson.dumps(troubles) if troubles else None,
        )
        return sequence

    def resend(self, subscriber: str, account: str, event: Event, now: int) -> None:
        """Send an event once more, now. One attempt; neither it nor its success ends the automatic retries."""
        self.add(subscriber, account, event, "resend", due_at=now, now=now)

    def asked(self, event: str) -> str | None:
        """Who was asked by an event that is a question; None for every other event."""
        row = self.session.one(
            "SELECT subscriber FROM delivery WHERE event = :event AND reason = 'question'", event=event
        )
        return row[0] if row else None

    def pending(self, events: Sequence[str]) -> dict[str, int]:
        """How many receivers have yet to acknowledge each of these events."""
        those, values = among("event", events)
        rows = self.session.all(
            "SELECT event, count(*) FROM delivery WHERE acknowledged = 0 AND reason IN ('event', 'question') "
            f"AND state <> 'canceled' AND {those} GROUP BY event",
            **values,
        )
        return {**dict.fromkeys(events, 0), **dict(rows)}

    # Sending

    def due_lanes(self, now: int) -> list[tuple[str, int]]:
        """Subscribers that something is due for, and in which lane."""
        return self.session.all(  # type: ignore[return-value]
            "SELECT DISTINCT subscriber, lane FROM delivery WHERE state = 'waiting' AND due_at <= :now", now=now
        )

    def outstanding(self, now: int, *, after: int = -1) -> int:
        """How many deliveries are due and unanswered; only those that fell due `after` a time where that is given."""
        row = self.session.one(
            "SELECT count(*) FROM delivery WHERE state = 'waiting' AND due_at <= :now AND due_at > :after",
            now=now,
            after=after,
        )
        assert row is not None
        return row[0]

    def next_due(self, *, after: int = -1) -> int | None:
        """When the next delivery that still waits falls due; the next `after` a time where that is given."""
        row = self.session.one(
            "SELECT min(due_at) FROM delivery WHERE state = 'waiting' AND due_at > :after", after=after
        )
        assert row is not None
        return row[0]

    def drop_disabled(self, now: int) -> None:
        """No further attempts for what falls due while its subscriber is disabled or gone."""
        self.session.run(
            "UPDATE delivery SET state = 'given_up' WHERE state = 'waiting' AND due_at <= :now "
            "AND subscriber NOT IN (SELECT id FROM subscriber WHERE enabled = 1)",
            now=now,
        )

    def due(self, subscriber: str, lane: int, now: int, limit: int) -> list[Parcel]:
        """The next deliveries of one lane, in order."""
        rows = self.session.all(
            f"{PARCEL} WHERE subscriber = :subscriber AND state = 'waiting' AND lane = :lane AND due_at <= :now "
            "ORDER BY due_at, delivery.sequence LIMIT :most",
            subscriber=subscriber,
            lane=lane,
            now=now,
            most=limit,
        )
        return [self.parcel(row) for row in rows]

    def question(self, sequence: int) -> Parcel:
        """The delivery that carries a question."""
        row = self.session.one(f"{PARCEL} WHERE delivery.sequence = :sequence", sequence=sequence)
        assert row is not None
        return self.parcel(row)

    def parcel(self, row: tuple[Any, ...]) -> Parcel:
        """A delivery with its event."""
        sequence, account, data, reason, attempts, created, troubles = row
        event = revive(Event, data)
        pending = max(1, self.pending([event.id])[event.id])
        return Parcel(
            sequence, account, event, reason, attempts, created, pending, orjson.loads(troubles) if troubles else {}
        )

    def record(self, subscriber: Subscriber, sent: Sequence[Sent], now: int, *, retries: bool = True) -> int | None:
        """Keep attempts that have ended, and what follows from each; when the first of them is tried again, if any.

        What somebody else has carried out meanwhile, since he who did was taken for dead, is not kept again.
        """
        next_due = None
        known = self.attempted([one.parcel.sequence for one in sent])
        for one in sent:
            parcel, answer = one.parcel, one.answer
            number = parcel.attempts + 1
            if known.get(parcel.sequence) != parcel.attempts:
                continue
            self.session.add(
                "attempt",
                delivery=parcel.sequence,
                number=number,
                created=now,
                began_ms=one.began_ms,
                **told(answer),
                troubles=orjson.dumps(parcel.troubles) if parcel.troubles and not parcel.attempts else None,
                calls=orjson.dumps([call.told for call in sorted(one.calls, key=ended_at)]) if one.calls else None,
                signature=one.signature,
            )
            if answer.is_success:
                self.session.run(
                    "UPDATE delivery SET attempts = :number, acknowledged = 1, "
                    "state = CASE state WHEN 'canceled' THEN state ELSE 'delivered' END WHERE sequence = :sequence",
                    number=number,
                    sequence=parcel.sequence,
                )
                if parcel.reason in ("resend", "duplicate"):
                    self.session.run(
                        "UPDATE delivery SET acknowledged = 1 WHERE event = :event AND subscriber = :subscriber",
                        event=parcel.event.id,
                        subscriber=subscriber.id,
                    )
                continue
            again = retries and subscriber.retries and parcel.reason == "event" and number <= len(RETRY_AFTER_SECONDS)
            due_at = parcel.created + RETRY_AFTER_SECONDS[number - 1] if again else 0
            if again:
                next_due = due_at if next_due is None else min(next_due, due_at)
            self.session.run(
                f"UPDATE delivery SET attempts = :number, lane = {ANY_ORDER}, due_at = :due_at, held = 0, "
                f"state = {WAITS_AGAIN if again else GIVEN_UP} WHERE sequence = :sequence",
                number=number,
                due_at=due_at,
                sequence=parcel.sequence,
            )
        return next_due

    def attempted(self, sequences: Sequence[int]) -> dict[int, int]:
        """How often each of these deliveries has been attempted."""
        those, values = among("sequence", sequences)
        return dict(self.session.all(f"SELECT sequence, attempts FROM delivery WHERE {those}", **values))  # type: ignore[arg-type]

    def unanswered(self, sequence: int) -> None:
        """The question that a delivery carries will get no answer any more."""
        self.session.run(
            "UPDATE delivery SET state = 'given_up' WHERE sequence = :sequence AND state = 'asked'", sequence=sequence
        )

    def amend(self, subscriber: str, event: str, since_ms: int, answer: Answer) -> bool:
        """An attempt that began then got its real answer after it was acknowledged. False if there is none yet."""
        amended = self.session.changed(
            "UPDATE attempt SET duration_ms = :duration_ms, status = :status, headers = :headers, body = :body, "
            "error = :error WHERE sequence = "
            "(SELECT max(attempt.sequence) FROM attempt JOIN delivery ON delivery.sequence = attempt.delivery "
            "WHERE subscriber = :subscriber AND event = :event AND began_ms >= :since_ms)",
            **told(answer),
            subscriber=subscriber,
            event=event,
            since_ms=since_ms - 1_000,
        )
        return amended == 1

    # Reading

    def select(
        self, conditions: Iterable[Condition] = (), *, limit: int | None = None, order: str = "sequence"
    ) -> list[dict[str, Any]]:
        """The deliveries that meet all conditions, each with its last attempt.

        Oldest first by `sequence`, newest first by `sequence DESC`, by the time of the next attempt by `due_at`.
        """
        assert order in DELIVERY_ORDERS, order
        where, values = clause(conditions, DELIVERY_FILTERS)
        sql = (
            f"SELECT {', '.join(DELIVERY_COLUMNS.values())} FROM ({DELIVERIES}) AS kept WHERE {where} ORDER BY {order}"
        )
        if limit is not None:
            sql, values = f"{sql} LIMIT :most", {**values, "most": limit}
        return [delivery_of(row) for row in self.session.all(sql, **values)]

    def attempts(
        self,
        *,
        subscriber: str | None = None,
        event: str | None = None,
        after: int = 0,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[dict[str, Any]]:
        """Every attempt, in the order they ended. `created` is on the tenant's clock, `began_at_ms` real time."""
        filters = {"subscriber": subscriber, "event": event}
        where = [f"delivery.{column} = :{column}" for column, value in filters.items() if value is not None]
        sql = (
            f"SELECT {', '.join(ATTEMPT_COLUMNS.values())} FROM attempt "
            "JOIN delivery ON delivery.sequence = attempt.delivery "
            f"WHERE {' AND '.join(['attempt.sequence > :after', *where])} "
            f"ORDER BY attempt.sequence {'DESC' if newest_first else 'ASC'}"
        )
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        return [attempt_of(row) for row in self.session.all(sql, after=after, **filters)]

    def newest_attempt(self) -> int:
        """The number of the last attempt so far; 0 when there is none."""
        row = self.session.one("SELECT coalesce(max(sequence), 0) FROM attempt")
        assert row is not None
        return row[0]

    def faults(self) -> list[str]:
        """Stored facts that contradict each other, as sentences for the doctor."""
        checks = (
            (
                "SELECT subscribers FROM tenant WHERE subscribers <> (SELECT count(*) FROM subscriber)",
                "the world's row counts {} subscribers, and there are others",
            ),
            (
                "SELECT sequence FROM delivery WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.id = delivery.event)",
                "delivery {} is of an event that is not there",
            ),
            (
                "SELECT sequence FROM delivery WHERE state = 'waiting' "
                "AND subscriber NOT IN (SELECT id FROM subscriber)",
                "delivery {} waits for a subscriber that is not there",
            ),
            (
                "SELECT delivery.sequence FROM delivery JOIN event ON event.id = delivery.event "
                "WHERE event.account <> delivery.account OR event.type <> delivery.type "
                "OR (reason IN ('event', 'question', 'duplicate') AND event.created <> delivery.created)",
                "delivery {} says otherwise of its event than the event itself",
            ),
            (
                "SELECT sequence FROM delivery WHERE reason NOT IN ('event', 'question', 'duplicate', 'resend') "
                "OR state NOT IN ('waiting', 'asked', 'delivered', 'given_up', 'canceled') OR lane NOT IN (0, 1) "
                "OR held NOT IN (0, 1) OR acknowledged NOT IN (0, 1) OR (state = 'delivered' AND acknowledged = 0)",
                "delivery {} is in a state that there is not",
            ),
            (
                "SELECT delivery.sequence FROM delivery JOIN attempt ON attempt.delivery = delivery.sequence "
                "WHERE acknowledged = 0 AND status >= 200 AND status < 300",
                "delivery {} was acknowledged and does not know of it",
            ),
            (
                "SELECT sequence FROM attempt WHERE number <> (SELECT count(*) FROM attempt AS earlier "
                "WHERE earlier.delivery = attempt.delivery AND earlier.sequence <= attempt.sequence)",
                "attempt {} has another number than its place",
            ),
            (
                "SELECT type FROM wanted WHERE subscriber NOT IN (SELECT id FROM subscriber)",
                "somebody who is not there wants {}",
            ),
            (
                "SELECT scope FROM clinic WHERE scope <> '' AND scope NOT IN (SELECT id FROM subscriber)",
                "the clinic treats {}, who is not there",
            ),
            (
                "SELECT sequence FROM attempt WHERE delivery NOT IN (SELECT sequence FROM delivery)",
                "attempt {} belongs to no delivery",
            ),
            (
                "SELECT sequence FROM delivery WHERE attempts <> "
                "(SELECT count(*) FROM attempt WHERE attempt.delivery = delivery.sequence)",
                "delivery {} counts other attempts than there are",
            ),
        )
        return [says.format(row[0]) for sql, says in checks for row in self.session.all(sql)]


def delivery_of(row: tuple[Any, ...]) -> dict[str, Any]:
    """A delivery as the control API shows it."""
    shown = dict(zip(DELIVERY_COLUMNS, row, strict=True))
    shown["acknowledged"] = bool(shown["acknowledged"])
    shown["next_attempt_at"] = shown["next_attempt_at"] if shown["state"] == "waiting" else None
    last = {name: shown.pop(f"last_{name}") for name in LAST_ATTEMPT}
    return {"object": "emulator.webhook_delivery", **shown, "last_attempt": last if shown["attempts"] else None}


ended_at = attrgetter("ended_ms")
WAITS_AGAIN = "state"
GIVEN_UP = "CASE state WHEN 'canceled' THEN state ELSE 'given_up' END"


def subscriber_of(row: tuple[Any, ...]) -> Subscriber:
    """A stored subscriber."""
    return Subscriber(*row[:4], bool(row[4]), row[5], bool(row[6]), row[7], row[8], orjson.loads(row[9]))


def told(answer: Answer) -> dict[str, Any]:
    """What is kept of an answer."""
    return {
        "duration_ms": answer.duration_ms,
        "status": answer.status,
        "headers": orjson.dumps(answer.headers),
        "body": answer.body[:KEPT_BODY],
        "error": answer.error,
    }


def attempt_of(row: tuple[Any, ...]) -> dict[str, Any]:
    """An attempt as the control API shows it."""
    shown = dict(zip(ATTEMPT_COLUMNS, row, strict=True))
    shown["object"] = "emulator.webhook_attempt"
    shown["response_headers"] = orjson.loads(shown["response_headers"])
    shown["response_body"] = shown["response_body"].decode("utf-8", "replace")
    shown["troubles"] = orjson.loads(shown["troubles"]) if shown["troubles"] else {}
    shown["api_calls"] = orjson.loads(shown["api_calls"]) if shown["api_calls"] else []
    return shown
