"""What an operation may see and change during a step.

A world is a step seen by one account; `world.as_account(id)` is the same step seen by another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from emulator.kernel import ids, versions
from emulator.kernel.clock import check_calendar
from emulator.kernel.conditions import Condition, Place
from emulator.kernel.database.acting import ActingAccounts
from emulator.kernel.database.ledger import Ledger
from emulator.kernel.database.tallies import Tallies
from emulator.kernel.deliveries import Subscriber
from emulator.kernel.errors import no_such
from emulator.kernel.events import Event, differences, tells_previous
from emulator.kernel.ledger import Entry, Movement
from emulator.kernel.questions import Question
from emulator.kernel.records import AnyRecord, Kind
from emulator.kernel.render import NOTHING, Rendered, ordered
from emulator.kernel.step import Step


class World:
    """One account's view of a step."""

    def __init__(self, step: Step, account: str) -> None:
        self.step = step
        self.account = account
        self.store = step.store
        self.catalog = step.catalog
        self.renderings: dict[int, tuple[Any, int, Rendered]] = {}  # by identity, with the change they were made after

    @property
    def ledger(self) -> Ledger:
        """The tenant's movements and totals."""
        return self.step.ledger

    @property
    def tallies(self) -> Tallies:
        """The tenant's sums that limits ask for."""
        return self.step.tallies

    # Where we are, and when

    @property
    def now(self) -> int:
        """What the tenant's clock shows, in unix seconds."""
        return self.step.now

    def has_come(self, at: int) -> bool:
        """Whether the clock has reached a time."""
        return self.step.has_come(at)

    @property
    def path(self) -> str:
        """The path of the request, as lists repeat it."""
        return self.step.request.path

    def url(self, path: str) -> str:
        """A path of this server as an address: where the request came to, or where it listens when nobody asked."""
        return self.step.origin + path

    @property
    def version(self) -> str:
        """The API version the request is judged by: the one it names, or the tenant's."""
        return self.step.request.version or self.setting("api_version")

    @property
    def names_version(self) -> bool:
        """Whether the request says which version it is of, as SDKs do and the Stripe CLI and guides do not."""
        return self.step.request.version is not None

    def predates(self, change: str) -> bool:
        """Whether that version is older than a change of `emulator/data/version_changes.py`."""
        return versions.predates(self.version, change)

    @property
    def masked_key(self) -> str:
        """The API key of the request as refusals may show it; empty when nobody asked."""
        return self.step.request.key.masked if self.step.request.key is not None else ""

    @property
    def is_publishable(self) -> bool:
        """Whether the key of the request is one that anybody may read, so that it needs a client secret besides."""
        return self.step.request.key is not None and self.step.request.key.kind == "pk"

    @property
    def platform(self) -> str:
        """The id of the account that the API keys belong to."""
        return self.step.row.platform

    @property
    def is_platform(self) -> bool:
        """Whether this is the platform's own view."""
        return self.account == self.platform

    def as_account(self, account: str) -> World:
        """The same step, seen by another account of the tenant."""
        return self if account == self.account else World(self.step, account)

    def setting(self, name: str) -> Any:
        """A setting of the tenant, or its default."""
        return self.step.setting(name)

    # Records

    def get(self, record: type[AnyRecord], id: str, *, param: str | None = None) -> AnyRecord:
        """This account's record of that id. 404 `resource_missing`; 400 when `param` names the parameter it came in."""
        found = self.anywhere(record, id)
        if found is not None and found[0] == self.account:
            return found[1]
        if param is not None:
            raise no_such(record.noun, id, param=param, status=400)
        names = [name for name, value in self.step.request.path_values.items() if value == id]
        raise no_such(record.noun, id, param=record.path_param or (names[-1] if names else "id"))

    def find(self, record: type[AnyRecord], id: str | None) -> AnyRecord | None:
        """This account's record of that id, or None."""
        found = self.anywhere(record, id)
        return found[1] if found is not None and found[0] == self.account else None

    def anywhere(self, record: type[AnyRecord], id: str | None) -> tuple[str, AnyRecord] | None:
        """The owning account and the record, whoever owns it, or None."""
        if id is None:
            return None
        if record.look_up is not None:
            return record.look_up(self, id)
        seen = self.step.seen.get(id)
        if seen is not None and type(seen[1]) is record:
            return seen
        found = self.stored(record, id)
        if found is not None:
            self.step.seen[id] = found
        return found

    def ahead(self, record: Kind, id: str | None) -> None:
        """Say that this record is going to be asked for, so that nobody waits for it alone."""
        if id is not None and id not in self.step.seen and self.step.reads.known is None:
            self.store.ahead(record, id)

    def stored(self, record: type[AnyRecord], id: str) -> tuple[str, AnyRecord] | None:
        """The owning account and the record as the database has it, or None."""
        if self.step.reads.known is None:
            return self.store.get(record, id)
        return self.step.reads.one(self.store.get_many, record, key=id)

    def all(self, record: type[AnyRecord], **equals: Any) -> list[AnyRecord]:
        """This account's records whose filters have these values, newest first."""
        *others, last = self.conditions(equals)
        return self.step.reads.one(self.store.select_each, record, tuple(others), last.column, key=last.value)

    def select(self, record: type[AnyRecord], conditions: Sequence[Condition], **paging: Any) -> list[AnyRecord]:
        """Records that meet all conditions, newest first, from wherever their kind is kept."""
        if record.is_stored:
            return self.store.select(record, conditions, **paging)
        return record.look_through(self, conditions, **paging)

    def place(self, record: Kind, id: str, key: str = "created") -> Place | None:
        """Where a record of this account stands in lists sorted by `key`, or None."""
        if record.is_stored:
            return self.store.place(record, id, self.account, key)
        return record.place_of(self, id, key)

    def count(self, record: Kind, **equals: Any) -> int:
        """How many of this account's records have these values."""
        return self.store.count(record, self.conditions(equals))

    def conditions(self, equals: dict[str, Any]) -> list[Condition]:
        """Equalities within this account."""
        return [Condition("account", "eq", self.account), *(Condition(name, "eq", equals[name]) for name in equals)]

    def put(self, record: AnyRecord) -> AnyRecord:
        """Store a new or replaced record as this account's."""
        self.step.changes += 1
        self.store.put(self.account, record)
        self.step.seen[record.id] = (self.account, record)
        return record

    def forget(self, record: Any) -> None:
        """Remove a record for good."""
        self.step.changes += 1
        self.store.delete(type(record), record.id)
        self.step.seen.pop(record.id, None)

    def new_id(self, prefix: str, *, group: str | None = None) -> str:
        """A fresh id of this account with Stripe's prefix; in a group, one that looks like the others of it."""
        draw = self.step.draw()
        if group is not None:
            id = ids.id_in_group(prefix, group, draw)
        else:
            id = ids.object_id(prefix, self.now, self.account, draw)
        self.step.new_ids.add(id)
        return id

    def draw(self, purpose: str = "") -> int:
        """256 bits of the tenant's reproducible chance."""
        return self.step.draw(purpose)

    # Money

    def move(
        self,
        movement: Movement,
        *,
        because: str | None,
        flow_type: str | None = None,
        transaction: str | None = None,
        group: str | None = None,
    ) -> Entry:
        """Write a movement into the ledger, caused by the flow `because`."""
        self.step.changes += 1
        return self.ledger.write(
            movement,
            id=self.new_id(movement.prefix, group=group),
            account=self.account,
            flow=because,
            flow_type=flow_type,
            transaction=transaction,
            now=self.now,
        )

    def balance(self, book: str) -> int:
        """What a book holds now, in minor units."""
        return self.step.reads.one(self.ledger.totals, key=book)

    def balance_ahead(self, book: str) -> None:
        """Say that this is going to be asked for, so that nobody waits for it alone."""
        self.ledger.ahead(book)

    def entry(self, id: str) -> Entry | None:
        """A movement by its id, whoever owns it, or None."""
        return self.step.reads.one(self.ledger.entries_by_id, key=id)

    def entries_of(self, flow: str) -> list[Entry]:
        """The movements on this account's own statement that a flow caused, newest first."""
        if flow in self.step.new_ids:  # which nothing before this step can have moved
            return self.ledger.written_of(self.account, flow)
        return self.step.reads.one(self.ledger.entries_by_flow, self.account, key=flow)

    # Events

    def emit(
        self, type: str, record: Any, *, before: Any = None, previous: dict[str, Any] | None = None
    ) -> Event | None:
        """Announce that something happened to a record; call it after `put` and `move`.

        For `*.updated` types `before` is the record as it was (or `previous` the old values themselves); an update
        that changed nothing visible is not announced.
        """
        data: dict[str, Any] = {"object": self.render(record)}
        if tells_previous(type):
            if before is not None:
                previous = {**differences(self.own_members(before), self.own_members(record)), **(previous or {})}
            if not previous:
                return None
            data["previous_attributes"] = ordered(previous)
        event = self.new_event(type, data)
        self.step.deliveries.post(self.account, event, self.step.row.generator)
        return event

    def new_event(self, type: str, data: dict[str, Any]) -> Event:
        """Write an event of this account."""
        event = Event(self.new_id("evt"), self.now, type, self.setting("api_version"), data, self.step.request.cause)
        self.step.happened.write(self.account, event)
        self.step.events.append((self.account, event))
        return event

    def ask(self, type: str, record: Any, *, to: Subscriber, timeout_ms: int) -> Question:
        """Put a question about a record to one subscriber once this step is committed; call it after `put`.

        The operation returns what this returns. `ANSWERS[type]` decides, in a step of its own.
        """
        event = self.new_event(type, {"object": self.render(record)})
        delivery = self.step.deliveries.add(to.id, self.account, event, "question", state="asked")
        return self.step.questions.add(event, self.account, record.id, to, delivery, timeout_ms)

    def decided(self, about: str, outcome: str) -> None:
        """The open question about an object, if there is one, has been decided without its answer."""
        asked = self.step.questions.open_about(about)
        if asked is not None:
            self.step.questions.decide(asked.event, outcome)

    def asked_about(self, about: str) -> str | None:
        """The event of the newest question about an object, or None."""
        return self.step.questions.last_about(about)

    def who_answers(self, type: str) -> Subscriber | None:
        """Who is asked questions of this type about this account's objects, or None."""
        return self.step.deliveries.one_to_ask(type, self.account)

    def own_members(self, record: Any) -> dict[str, Any]:
        """What a record shows of itself, embedded objects left out."""
        return {name: value for name, value in self.render(record).items() if name not in record.embeds}

    def pending_webhooks(self, event: str) -> int:
        """How many receivers have yet to acknowledge an event."""
        return self.step.reads.one(self.step.deliveries.pending, key=event)

    def hint(self, text: str) -> None:
        """Say something about a request that is answered all the same. It stands with its line in the request log."""
        self.step.hints.append(text)

    # Rendering

    def render(self, record: Any) -> Rendered:
        """A record as JSON, nothing expanded; made once while nothing in the step changes.

        An object is rendered for its event and for the reply, a card for each of its authorizations on a page. The
        rendering is this account's, since some objects look different to others.
        """
        changes = self.step.changes
        known = self.renderings.get(id(record))
        if known is not None and known[0] is record and known[1] == changes:
            return known[2]
        kept = record.__dict__ if record.is_stored else NOTHING
        rendered = Rendered(ordered(record.render(self), kept))
        self.renderings[id(record)] = record, changes, rendered
        return rendered

    def rows(self, records: Sequence[AnyRecord], draw: Callable[[AnyRecord], dict[str, Any]]) -> list[dict[str, Any]]:
        """What `draw` makes of each record of a page, with as many statements as it takes for one."""
        return self.step.reads.together(draw, records, self.read_embedded)

    def read_embedded(self, records: Sequence[Any]) -> None:
        """Read what these records embed by its id, and what that embeds: rows need not be drawn again for it."""
        ids: dict[Kind, list[str]] = {}
        for record in records:
            for name in record.embeds:
                id = getattr(record, name, None)
                kind = self.catalog.prefixes.get(id.partition("_")[0]) if isinstance(id, str) else None
                if kind is not None and kind.look_up is None:
                    ids.setdefault(kind, []).append(id)
        for kind, some in ids.items():
            found = self.step.reads.ahead(self.store.get_many, kind, keys=some)
            self.read_embedded([owned[1] for owned in found.values() if owned is not None])

    def of_id(self, id: str) -> tuple[str, Any] | None:
        """The owning account and the record of an id, whatever kind that is of, or None."""
        prefix = id.partition("_")[0]
        kind = self.catalog.prefixes.get(prefix)
        found = self.anywhere(kind, id) if kind is not None else None
        if found is None and prefix in self.catalog.sharing:
            return next(filter(None, (self.anywhere(other, id) for other in self.catalog.sharing[prefix])), None)
        return found

    def owner_of(self, id: str | None) -> World:
        """Whose an object is, seen from inside; the acting account where it is nobody's."""
        found = self.of_id(str(id))
        return self if found is None or found[0] == self.account else self.as_account(found[0])

    def resolved(self, id: str) -> Any:
        """The object an id stands for, rendered, if this account may read it; else the id."""
        found = self.of_id(id)
        # A connected account is its platform's record, and may read itself all the same.
        if found is None or self.account not in (found[0], id):
            return id
        return self.render(found[1])

    # Time

    def later(self, at: int, action: str, about: str, **details: Any) -> None:
        """Have a named action run for an object once the tenant's clock reaches `at`."""
        assert action in self.catalog.due, f"no module offers the due action {action}"
        self.step.agenda.add(at, self.account, action, about, details)

    def let_pass(self, seconds: int, *, param: str) -> None:
        """Have the tenant's clock move on once this step is committed, with what falls due on the way.

        400 where no calendar reaches so far; `param` is what asks for it.
        """
        check_calendar(self.now + seconds, param)
        self.step.lets_pass = seconds

    def cancel_due(self, about: str, action: str | None = None) -> int:
        """Take back what waits for an object; how many items that were."""
        return self.step.agenda.cancel(about, action)

    # Elsewhere

    def tell(self, what: str, *about: Any) -> None:
        """Do what follows, in other modules, from something that has happened to the acting account or to `about`."""
        assert what in self.catalog.cascades, f"no module says that it tells of {what}"
        for follow in self.catalog.cascades[what]:
            follow(self, *about)

    # Accounts

    def open_account(self, account: str) -> World:
        """Let an account act in this tenant, and give it what every account starts with."""
        ActingAccounts(self.step.session).let(account, True)
        inside = self.as_account(account)
        inside.tell("account.opened")
        return inside

    def reopen_account(self, account: str) -> None:
        """Let an account act again that was closed; it has what it had."""
        ActingAccounts(self.step.session).let(account, True)

    def close_account(self, account: str) -> None:
        """Let an account act no more; what it owned becomes unreachable."""
        ActingAccounts(self.step.session).let(account, False)

    def may_act(self, account: str) -> bool:
        """Whether an account of this tenant can be acted for."""
        return ActingAccounts(self.step.session).may(account)
