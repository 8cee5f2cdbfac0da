"""What happened to an object and what came of it, as one tree; and how a balance came about, as a statement.

    GET /_emulator/explain/{id}          request → changes → events → deliveries → what their handlers called meanwhile
    GET /_emulator/books                 every book that money was ever in, with what it holds now
    GET /_emulator/books/{book}          the movements behind one, as a statement that adds up

A book is `<owner>:<what>:<currency>`, such as `fa_…:cash:usd` or `acct_…:issuing:usd`; `emulator/chart_of_accounts.py`
names them all.
"""

from __future__ import annotations

from typing import Any

from emulator.control.why import told as told_request
from emulator.issuing.authorizations import Authorization
from emulator.issuing.exchange_rates import written
from emulator.issuing.traces import AuthorizationTrace, trace_id
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, no_such
from emulator.kernel.events import Event
from emulator.kernel.ledger import Entry
from emulator.kernel.lists import LARGEST_PAGE, listed
from emulator.kernel.params import Integer, Params, String, Timestamp
from emulator.kernel.requests import LoggedRequest
from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenant
from emulator.kernel.world import World

MOST_EVENTS = 1_000
TOLD_OF_ATTEMPTS = ("number", "created", "status", "error", "duration_ms", "api_calls")


class BooksParams(Params):
    """Only the books of an owner: a financial account or an account."""

    owner = String()


class StatementParams(Params):
    """From a moment on, up to another, which is not included; so many entries of it, after the entry of a number."""

    limit = Integer(minimum=1, maximum=1_000)
    since = Timestamp()
    starting_after = Integer(minimum=1)
    until = Timestamp()


def explain(tenant: Tenant, params: dict[str, Any], id: str) -> dict[str, Any]:
    """The story of an object: each request that changed it, what it changed, whom that was told and what they did.

    What happened without a request, as time passed, has none. Of whoever owns it in this world. 404 for what is not
    there and nothing was told of.
    """
    with tenant.reading() as step:
        world = World(step, step.row.platform)
        found = world.of_id(id)
        events = [event for _, event in step.happened.arrived(0, MOST_EVENTS, about=id)]
        if found is None and not events:
            raise ApiError(404, f"Nothing is known of '{id}'.", code="resource_missing", param="id")
        account = found[0] if found is not None else step.happened.arrived(0, 1, about=id)[0][0]
        owner = world.as_account(account)
        deliveries = step.deliveries.select([Condition("about", "eq", id)])
        attempts = {one["event"]: step.deliveries.attempts(event=one["event"]) for one in deliveries}
        chapters = [chapter(one, deliveries, attempts) for one in by_cause(events)]
        told = {
            "object": "emulator.explanation",
            "id": id,
            "account": account,
            "now": owner.render(found[1]) if found is not None else None,
            "movements": [moved(entry) for entry in reversed(step.ledger.entries([Condition("flow", "eq", id)]))],
            "waiting": [one._asdict() for one in step.agenda.waiting(about=id)],
            "decisions": decisions(owner, id),
        }
    log = tenant.tenants.request_log
    log.flush()
    for one in chapters:
        logged = log.find(tenant.handle, one["request"]["id"]) if one["request"] is not None else None
        if logged is not None:
            one["request"] = sent(logged)
    return {**told, "story": chapters}


def by_cause(events: list[Event]) -> list[list[Event]]:
    """Events in their order, those of one request together."""
    found: list[list[Event]] = []
    for event in events:
        request = event.request["id"]
        if found and request is not None and found[-1][0].request["id"] == request:
            found[-1].append(event)
        else:
            found.append([event])
    return found


def chapter(
    events: list[Event], deliveries: list[dict[str, Any]], attempts: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """What one cause has done to an object, and what came of it."""
    request = events[0].request
    return {
        "created": events[0].created,
        "request": dict(request) if request["id"] is not None else None,
        "events": [
            {
                "id": event.id,
                "type": event.type,
                "changed": changes(event),
                "deliveries": [
                    {
                        **{name: one[name] for name in ("delivery", "webhook_endpoint", "url", "state", "attempts")},
                        "tries": [
                            {name: attempt[name] for name in TOLD_OF_ATTEMPTS}
                            for attempt in attempts[event.id]
                            if attempt["delivery"] == one["delivery"]
                        ],
                    }
                    for one in deliveries
                    if one["event"] == event.id
                ],
            }
            for event in events
        ],
    }


def changes(event: Event) -> list[dict[str, Any]]:
    """What an event says that changed, member by member; of one that tells of no change before it, nothing."""
    return [
        {"member": name, "from": before, "to": event.data["object"].get(name)}
        for name, before in event.data.get("previous_attributes", {}).items()
    ]


def sent(logged: LoggedRequest) -> dict[str, Any]:
    """A request as the log has it, in short."""
    return {
        "id": logged.id,
        "idempotency_key": logged.idempotency_key,
        "method": logged.method,
        "path": logged.path,
        "operation": logged.operation,
        "status": logged.status,
        "duration_ms": logged.duration_ms,
    }


def moved(entry: Entry) -> dict[str, Any]:
    """One movement with all its lines."""
    return {
        "id": entry.id,
        "created": entry.created,
        "kind": entry.kind,
        "lines": [{"book": line.book, "amount": line.amount} for line in entry.lines],
    }


def decisions(world: World, id: str) -> list[str] | None:
    """How the requests of an authorization were decided, a line each; None for anything else."""
    trace = world.find(AuthorizationTrace, trace_id(id))
    return None if trace is None else [told_request(world, one)["outcome"] for one in trace.requests]


# Books


def books(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Every book that money was ever in, of all accounts, with what it holds now."""
    beginning = f"{params['owner']}:" if "owner" in params else ""
    data = [shown(name, amount) for name, amount in world.ledger.books(beginning).items()]
    return listed(data, world.path)


def shown(name: str, amount: int) -> dict[str, Any]:
    """One book; `amount` in minor units."""
    owner, what, currency = name.split(":")
    return {
        "object": "emulator.book",
        "amount": amount,
        "book": name,
        "currency": currency,
        "owner": owner,
        "what": what,
    }


def statement(world: World, params: dict[str, Any], book: str) -> dict[str, Any]:
    """How a book came to hold what it holds: brought forward, the movements oldest first, and what they leave.

    `adds_up` says whether what was brought forward and the entries make what the book holds, where they reach to now.
    404 for a book in which no money ever was.
    """
    held = world.ledger.books(book).get(book)
    if held is None:
        raise no_such("book", book, param="book")
    owner, _, currency = book.split(":")
    limit = params.get("limit", LARGEST_PAGE)
    brought, found = world.ledger.statement(
        book,
        owner,
        since=params.get("since"),
        until=params.get("until"),
        after=params.get("starting_after"),
        limit=limit + 1,
    )
    entries, has_more = found[:limit], len(found) > limit
    merchants = world.step.reads.together(lambda entry: merchant(world, entry), entries)
    balance, rows = brought, []
    for entry, name in zip(entries, merchants, strict=True):
        amount = entry.impact(book)
        balance += amount
        rows.append(line(entry, amount, balance, currency, name))
    reaches_now = not has_more and "until" not in params
    return {
        **shown(book, held),
        "object": "emulator.book_statement",
        "adds_up": balance == held if reaches_now else None,
        "brought_forward": brought,
        "closing": balance,
        "entries": rows,
        "has_more": has_more,
        "sum": balance - brought,
    }


def line(entry: Entry, amount: int, balance: int, currency: str, name: str | None) -> dict[str, Any]:
    """One entry of a statement, with what the book held after it."""
    words = entry.kind.replace("_", " ")
    sign = "+" if amount > 0 else ""
    return {
        "id": entry.id,
        "amount": amount,
        "balance": balance,
        "created": entry.created,
        "flow": entry.flow,
        "kind": entry.kind,
        "merchant": name,
        "number": entry.sequence,
        "says": f"{words}{f' at {name}' if name else ''}: {sign}{written(amount, currency)}",
        "transaction": entry.transaction,
    }


def merchant(world: World, entry: Entry) -> str | None:
    """At which merchant a movement's purchase was, if it is one's."""
    found = world.anywhere(Authorization, entry.flow) if (entry.flow or "").startswith("iauth_") else None
    return found[1].merchant_data["name"] if found is not None else None


ROUTES = [
    GET("/_emulator/explain/{id}", explain, scope="tenant"),
    GET("/_emulator/books", books, BooksParams),
    GET("/_emulator/books/{book}", statement, StatementParams),
]
