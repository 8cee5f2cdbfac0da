"""Events → deliveries → attempts: what is written of them in a tenant's database.

    waiting ── 2xx ──────────▶ delivered
       ├── last attempt failed, or the endpoint is disabled ─▶ given_up
       └── the endpoint was deleted ─▶ canceled
    asked ── any answer ─────▶ delivered or given_up          (the one who was asked a question; never sent again)

A *subscriber* is told of events: a webhook endpoint, or anything else for which a transport is registered with the
postman. A delivery is one event on its way to one subscriber, written in the step that caused the event; so either
both are there after a crash or neither. An attempt is one time it was sent.

First attempts leave in the order of events, per subscriber. Whatever else is due (retries, resends, what the clinic
delayed) leaves in any order and holds nothing back.
Source: https://docs.stripe.com/webhooks
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from emulator.data.api_versions import DEFAULT
from emulator.kernel import clinic, ids, signing, versions
from emulator.kernel.events import Event, told
from emulator.kernel.outgoing import Answer, Letter
from emulator.kernel.render import ordered
from emulator.kernel.store import marks, revive

IN_ORDER, ANY_ORDER = 0, 1
ASKED_NOTHING, ASKED_ALL, ASKED_FOR_CONNECTED = 0, 1, 2
# Source: three retries over a few hours in test mode, https://docs.stripe.com/webhooks; the spacing is our ruling.
RETRY_AFTER_SECONDS = (5 * 60, 60 * 60, 3 * 60 * 60)
KEPT_BODY = 2_000
EVERYTHING = "*"
ACCEPT = "*/*; q=0.5, application/xml"
ACCEPT_AN_ANSWER = "application/json"
USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
IS_PENDING = "acknowledged = 0 AND reason IN ('event', 'question') AND state <> 'canceled'"
UNACKNOWLEDGED = f"SELECT event FROM delivery WHERE {IS_PENDING}"
SUBSCRIBER_COLUMNS = "id, kind, account, hears, enabled, answers, retries, url, api_version, secrets"


class Subscriber(NamedTuple):
    """Someone who is told of events.

    `hears` is `own` (events of `account`), `connected` (those of the accounts connected to the platform `account`)
    or `all` (both). `answers` is what it can be asked: `ASKED_NOTHING`, `ASKED_ALL` or, of what it hears, only what is
    about connected accounts, `ASKED_FOR_CONNECTED`. `retries` says whether a failed delivery is tried again. `kind`
    names the transport. `secrets` are `{"secret", "expires_at"}`, the newest first.
    """

    id: str
    kind: str
    account: str
    hears: str
    enabled: bool
    answers: int
    retries: bool
    url: str
    api_version: str | None
    secrets: list[dict[str, Any]]


class Parcel(NamedTuple):
    """A delivery that is due, with what is needed to send it."""

    sequence: int
    account: str
    event: Event
    reason: str
    attempts: int
    created: int
    pending: int
    troubles: dict[str, Any]


class Sent(NamedTuple):
    """One attempt that has ended. `began_ms` is real time; `calls` are the API calls that were made meanwhile."""

    parcel: Parcel
    answer: Answer
    began_ms: int
    calls: list[dict[str, Any]]


class Outbox:
    """Subscribers, deliveries and attempts behind one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.has_posted = False
        self.has_subscribers: bool | None = None

    # Subscribers

    def subscribe(self, subscriber: Subscriber, types: Iterable[str]) -> None:
        """Tell this one of events of these types from now on (`*`: of all that are not asked for by name)."""
        self.has_subscribers = True
        values = (*subscriber[:9], orjson.dumps(subscriber.secrets))
        columns = SUBSCRIBER_COLUMNS.split(", ")
        self.connection.execute(
            f"INSERT INTO subscriber ({SUBSCRIBER_COLUMNS}) VALUES ({', '.join('?' * len(columns))}) "
            f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in columns[1:])}",
            values,
        )
        self.connection.execute("DELETE FROM wanted WHERE subscriber = ?", (subscriber.id,))
        self.connection.executemany(
            "INSERT INTO wanted (type, subscriber) VALUES (?, ?)", [(type, subscriber.id) for type in set(types)]
        )

    def unsubscribe(self, id: str) -> None:
        """Forget a subscriber; what was on its way to it is canceled."""
        for table, column in (("wanted", "subscriber"), ("subscriber", "id"), ("clinic", "scope")):
            self.connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (id,))
        self.connection.execute(
            "UPDATE delivery SET state = 'canceled' WHERE subscriber = ? AND state = 'waiting'", (id,)
        )

    def is_anyone_there(self) -> bool:
        """Whether anyone subscribes at all, which a step looks up once: most worlds have no endpoint."""
        if self.has_subscribers is None:
            self.has_subscribers = self.connection.execute("SELECT 1 FROM subscriber LIMIT 1").fetchone() is not None
        return self.has_subscribers

    def subscribers(self) -> list[Subscriber]:
        """Everyone, the oldest first."""
        rows = self.connection.execute(f"SELECT {SUBSCRIBER_COLUMNS} FROM subscriber ORDER BY sequence")
        return [subscriber_of(row) for row in rows]

    def subscriber(self, id: str) -> Subscriber | None:
        """One of them, or None."""
        row = self.connection.execute(f"SELECT {SUBSCRIBER_COLUMNS} FROM subscriber WHERE id = ?", (id,)).fetchone()
        return subscriber_of(row) if row else None

    def hearers(self, type: str, account: str) -> list[tuple[str, bool]]:
        """Ids of the enabled subscribers that an event of this account concerns, and whether each retries."""
        if not self.is_anyone_there():
            return []
        return self.connection.execute(
            "SELECT subscriber.id, subscriber.retries FROM subscriber WHERE enabled AND "
            "id IN (SELECT subscriber FROM wanted WHERE type IN (?, '*')) AND " + CONCERNED + " ORDER BY sequence",
            (type, account, account),
        ).fetchall()

    def one_to_ask(self, type: str, account: str) -> Subscriber | None:
        """Who answers questions of this type for an account: exactly one, or None.

        The platform's Connect endpoints come before the account's own, endpoints before others, older before newer;
        only those that name the type. Our ruling: Stripe lets the account choose one in its Dashboard.
        """
        if not self.is_anyone_there():
            return None
        row = self.connection.execute(
            f"SELECT {SUBSCRIBER_COLUMNS} FROM subscriber WHERE enabled AND "
            f"(answers = {ASKED_ALL} OR (answers = {ASKED_FOR_CONNECTED} AND account <> ?)) AND "
            "id IN (SELECT subscriber FROM wanted WHERE type = ?) AND " + CONCERNED + " "
            "ORDER BY kind <> 'endpoint', hears = 'own', sequence LIMIT 1",
            (account, type, account, account),
        ).fetchone()
        return subscriber_of(row) if row else None

    # Deliveries

    def post(self, account: str, event: Event, generator: bytes) -> None:
        """Have an event delivered to everyone whom it concerns. Costs one look per step where nobody subscribes."""
        hearers = self.hearers(event.type, account)
        if not hearers:
            return
        self.has_posted = True
        doses = clinic.doses(self.connection)
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
        held = self.connection.execute(
            "SELECT sequence, event, account, type, created, troubles FROM delivery "
            "WHERE subscriber = ? AND state = 'waiting' AND held AND due_at > ?",
            (subscriber, event.created),
        ).fetchall()
        late = troubles.get("delay")
        holds = bool(troubles.get("reorder")) and late is None and not held
        due_at = None if late is None and not holds else event.created + (late or clinic.HELD_SECONDS)
        self.add(subscriber, account, event, "event", troubles=troubles, due_at=due_at, held=holds)
        for sequence, *row in held:
            self.connection.execute("DELETE FROM delivery WHERE sequence = ?", (sequence,))
            self.connection.execute(
                "INSERT INTO delivery (event, account, type, created, troubles, subscriber, reason, state, lane, "
                "due_at, attempts, acknowledged, held) VALUES (?, ?, ?, ?, ?, ?, 'event', 'waiting', 0, 0, 0, 0, 0)",
                (*row, subscriber),
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
        lane = IN_ORDER if due_at is None else ANY_ORDER
        return self.connection.execute(
            "INSERT INTO delivery (event, account, type, created, troubles, subscriber, reason, state, lane, due_at, "
            "attempts, acknowledged, held) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)",
            (
                event.id,
                account,
                event.type,
                event.created if now is None else now,
                orjson.dumps(troubles) if troubles else None,
                subscriber,
                reason,
                state,
                lane,
                due_at or 0,
                held,
            ),
        ).lastrowid  # type: ignore[return-value]

    def resend(self, subscriber: str, account: str, event: Event, now: int) -> None:
        """Send an event once more, now. One attempt; neither it nor its success ends the automatic retries."""
        self.has_posted = True
        self.add(subscriber, account, event, "resend", due_at=now, now=now)

    def asked(self, event: str) -> str | None:
        """Who was asked by an event that is a question; None for every other event."""
        row = self.connection.execute(
            "SELECT subscriber FROM delivery WHERE event = ? AND reason = 'question'", (event,)
        ).fetchone()
        return row[0] if row else None

    def pending(self, events: Sequence[str]) -> dict[str, int]:
        """How many receivers have yet to acknowledge each of these events."""
        sql = f"SELECT event, count(*) FROM delivery WHERE {IS_PENDING} AND event IN ({marks(events)}) GROUP BY event"
        return {**dict.fromkeys(events, 0), **dict(self.connection.execute(sql, events))}

    # Sending

    def due_lanes(self, now: int) -> list[tuple[str, int]]:
        """Subscribers that something is due for, and in which lane."""
        return self.connection.execute(
            "SELECT DISTINCT subscriber, lane FROM delivery WHERE state = 'waiting' AND due_at <= ?", (now,)
        ).fetchall()

    def outstanding(self, now: int) -> int:
        """How many deliveries are due and unanswered."""
        return self.connection.execute(
            "SELECT count(*) FROM delivery WHERE state = 'waiting' AND due_at <= ?", (now,)
        ).fetchone()[0]

    def next_due(self) -> int | None:
        """When the next delivery that still waits falls due."""
        return self.connection.execute("SELECT min(due_at) FROM delivery WHERE state = 'waiting'").fetchone()[0]

    def drop_disabled(self, now: int) -> None:
        """No further attempts for what falls due while its subscriber is disabled or gone."""
        self.connection.execute(
            "UPDATE delivery SET state = 'given_up' WHERE state = 'waiting' AND due_at <= ? "
            "AND subscriber NOT IN (SELECT id FROM subscriber WHERE enabled)",
            (now,),
        )

    def due(self, subscriber: str, lane: int, now: int, limit: int) -> list[Parcel]:
        """The next deliveries of one lane, in order."""
        rows = self.connection.execute(
            "SELECT delivery.sequence, delivery.account, event.data, reason, attempts, delivery.created, troubles "
            "FROM delivery JOIN event ON event.id = delivery.event "
            "WHERE subscriber = ? AND state = 'waiting' AND lane = ? AND due_at <= ? "
            "ORDER BY due_at, delivery.sequence LIMIT ?",
            (subscriber, lane, now, limit),
        ).fetchall()
        return [self.parcel(row) for row in rows]

    def question(self, sequence: int) -> Parcel:
        """The delivery that carries a question."""
        return self.parcel(
            self.connection.execute(
                "SELECT delivery.sequence, delivery.account, event.data, reason, attempts, delivery.created, troubles "
                "FROM delivery JOIN event ON event.id = delivery.event WHERE delivery.sequence = ?",
                (sequence,),
            ).fetchone()
        )

    def parcel(self, row: tuple[Any, ...]) -> Parcel:
        """A delivery with its event."""
        sequence, account, data, reason, attempts, created, troubles = row
        event = revive(Event, data)
        pending = max(1, self.pending([event.id])[event.id])
        return Parcel(
            sequence, account, event, reason, attempts, created, pending, orjson.loads(troubles) if troubles else {}
        )

    def record(self, subscriber: Subscriber, sent: Sequence[Sent], now: int, *, retries: bool = True) -> int | None:
        """Keep attempts that have ended, and what follows from each; when the first of them is tried again, if any."""
        next_due = None
        for one in sent:
            parcel, answer = one.parcel, one.answer
            number = parcel.attempts + 1
            self.connection.execute(
                "INSERT INTO attempt (delivery, number, created, began_ms, duration_ms, status, headers, body, error, "
                "troubles, calls) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    parcel.sequence,
                    number,
                    now,
                    one.began_ms,
                    answer.duration_ms,
                    answer.status,
                    orjson.dumps(answer.headers),
                    answer.body[:KEPT_BODY],
                    answer.error,
                    orjson.dumps(parcel.troubles) if parcel.troubles and not parcel.attempts else None,
                    orjson.dumps(one.calls) if one.calls else None,
                ),
            )
            if answer.is_success:
                self.connection.execute(
                    "UPDATE delivery SET attempts = ?, acknowledged = 1, "
                    "state = CASE state WHEN 'canceled' THEN state ELSE 'delivered' END WHERE sequence = ?",
                    (number, parcel.sequence),
                )
                if parcel.reason in ("resend", "duplicate"):
                    self.connection.execute(
                        "UPDATE delivery SET acknowledged = 1 WHERE event = ? AND subscriber = ?",
                        (parcel.event.id, subscriber.id),
                    )
                continue
            again = retries and subscriber.retries and parcel.reason == "event" and number <= len(RETRY_AFTER_SECONDS)
            due_at = parcel.created + RETRY_AFTER_SECONDS[number - 1] if again else 0
            if again:
                next_due = due_at if next_due is None else min(next_due, due_at)
            self.connection.execute(
                "UPDATE delivery SET attempts = ?, lane = ?, due_at = ?, held = 0, "
                "state = CASE WHEN state = 'canceled' OR ? THEN state ELSE 'given_up' END WHERE sequence = ?",
                (number, ANY_ORDER, due_at, again, parcel.sequence),
            )
        return next_due

    def unanswered(self, sequence: int) -> None:
        """The question that a delivery carries will get no answer any more."""
        self.connection.execute(
            "UPDATE delivery SET state = 'given_up' WHERE sequence = ? AND state = 'asked'", (sequence,)
        )

    def amend(self, subscriber: str, event: str, since_ms: int, answer: Answer) -> bool:
        """An attempt that began then got its real answer after it was acknowledged. False if there is none yet."""
        return (
            self.connection.execute(
                "UPDATE attempt SET duration_ms = ?, status = ?, headers = ?, body = ?, error = ? WHERE sequence = "
                "(SELECT max(attempt.sequence) FROM attempt JOIN delivery ON delivery.sequence = attempt.delivery "
                "WHERE subscriber = ? AND event = ? AND began_ms >= ?)",
                (
                    answer.duration_ms,
                    answer.status,
                    orjson.dumps(answer.headers),
                    answer.body[:KEPT_BODY],
                    answer.error,
                    subscriber,
                    event,
                    since_ms - 1_000,
                ),
            ).rowcount
            == 1
        )

    # Reading

    def deliveries(self, event: str) -> list[dict[str, Any]]:
        """What became of one event, a line per subscriber."""
        rows = self.connection.execute(
            "SELECT sequence, subscriber, reason, state, attempts, due_at FROM delivery WHERE event = ? "
            "ORDER BY sequence",
            (event,),
        )
        names = ("delivery", "webhook_endpoint", "reason", "state", "attempts", "next_attempt_at")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for one in found:
            one["next_attempt_at"] = one["next_attempt_at"] if one["state"] == "waiting" else None
        return found

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
        where, values = ["attempt.sequence > ?"], [after]
        for column, value in (("subscriber", subscriber), ("event", event)):
            if value is not None:
                where.append(f"delivery.{column} = ?")
                values.append(value)  # type: ignore[arg-type]
        sql = (
            "SELECT attempt.sequence, delivery, event, type, account, subscriber, reason, number, attempt.created, "
            "began_ms, duration_ms, status, headers, body, error, attempt.troubles, calls FROM attempt "
            f"JOIN delivery ON delivery.sequence = attempt.delivery WHERE {' AND '.join(where)} "
            f"ORDER BY attempt.sequence {'DESC' if newest_first else 'ASC'}"
        )
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        return [attempt_of(row) for row in self.connection.execute(sql, values)]

    def newest_attempt(self) -> int:
        """The number of the last attempt so far; 0 when there is none."""
        return self.connection.execute("SELECT coalesce(max(sequence), 0) FROM attempt").fetchone()[0]

    def faults(self) -> list[str]:
        """Stored facts that contradict each other, as sentences for the doctor."""
        checks = (
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
                "SELECT sequence FROM attempt WHERE delivery NOT IN (SELECT sequence FROM delivery)",
                "attempt {} belongs to no delivery",
            ),
            (
                "SELECT sequence FROM delivery WHERE attempts <> "
                "(SELECT count(*) FROM attempt WHERE attempt.delivery = delivery.sequence)",
                "delivery {} counts other attempts than there are",
            ),
        )
        return [says.format(row[0]) for sql, says in checks for row in self.connection.execute(sql)]


CONCERNED = (
    "(hears = 'all' OR (hears = 'own' AND account = ?) OR "
    "(hears = 'connected' AND account <> ? AND account = (SELECT platform FROM tenant)))"
)


def subscriber_of(row: tuple[Any, ...]) -> Subscriber:
    """A stored subscriber."""
    return Subscriber(*row[:4], bool(row[4]), row[5], bool(row[6]), row[7], row[8], orjson.loads(row[9]))


ATTEMPT_MEMBERS = (
    "sequence",
    "delivery",
    "event",
    "type",
    "account",
    "webhook_endpoint",
    "reason",
    "number",
    "created",
    "began_at_ms",
    "duration_ms",
    "status",
    "response_headers",
    "response_body",
    "error",
    "troubles",
    "api_calls",
)


def attempt_of(row: tuple[Any, ...]) -> dict[str, Any]:
    """An attempt as the control API shows it."""
    shown = dict(zip(ATTEMPT_MEMBERS, row, strict=True))
    shown["object"] = "emulator.webhook_attempt"
    shown["response_headers"] = orjson.loads(shown["response_headers"])
    shown["response_body"] = shown["response_body"].decode("utf-8", "replace")
    shown["troubles"] = orjson.loads(shown["troubles"]) if shown["troubles"] else {}
    shown["api_calls"] = orjson.loads(shown["api_calls"]) if shown["api_calls"] else []
    return shown


def letter(subscriber: Subscriber, parcel: Parcel, now: int, *, is_question: bool = False) -> Letter:
    """What is posted: the event as this subscriber reads it, signed anew for every attempt.

    `now` is the tenant's clock and tells which secrets have expired. Who is no endpoint may choose the newest version
    when it arrives. Troubles spoil the first attempt only, so that a retry can succeed.
    """
    troubles = {} if parcel.attempts else parcel.troubles
    version = troubles.get("older_api_version") or subscriber.api_version or parcel.event.api_version
    usual = written(subscriber, parcel, now, version, troubles, is_question)
    if subscriber.kind == "endpoint" or versions.pin_of(version) is None:
        return usual
    return usual._replace(newest=written(subscriber, parcel, now, DEFAULT, troubles, is_question))


def written(
    subscriber: Subscriber, parcel: Parcel, now: int, version: str, troubles: dict[str, Any], is_question: bool
) -> Letter:
    """The letter in one version. The signature's time is real time, since consumers compare it with theirs."""
    body = payload(subscriber, parcel, version)
    secrets = [one["secret"] for one in subscriber.secrets if one["expires_at"] is None or one["expires_at"] > now]
    signed_at = int(time.time()) - (clinic.STALE_SECONDS if troubles.get("stale_signature") else 0)
    if troubles.get("wrong_signature"):
        secrets = ["whsec_" + ids.base62(int.from_bytes(secret.encode(), "big") + 1, 32) for secret in secrets]
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": USER_AGENT,
        "Accept": ACCEPT,
        "Accept-Encoding": "gzip",
        "Cache-Control": "no-cache",
        "Stripe-Signature": signing.header(secrets, signed_at, body),
    }
    if is_question:
        headers = versions.headers(version, parcel.event.type, {**headers, "Accept": ACCEPT_AN_ANSWER})
    sent = body[: len(body) // 2] if troubles.get("truncated_body") else body
    return Letter(subscriber.url, headers, sent, is_question)


def payload(subscriber: Subscriber, parcel: Parcel, version: str) -> bytes:
    """The event's bytes in one version. Subscribers to several accounts read which account it happened on."""
    members: dict[str, Any] = {**parcel.event.__dict__, "object": "event", "livemode": False}
    members["pending_webhooks"] = parcel.pending
    members["api_version"] = version
    members["data"] = told(parcel.event.data, version)
    if parcel.account != subscriber.account:
        members["account"] = members["context"] = parcel.account
    return orjson.dumps(versions.shown(version, ordered(members)), option=orjson.OPT_INDENT_2)
