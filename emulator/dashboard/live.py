"""What happens in a world, told to the pages that look at it, by server-sent events.

    id: 2.118                the world's generation and the last event told of: a page that comes back goes on there
    data: any event authorization iauth_… card

Each word says what changed: a kind of object, an id, `event`, `clock`, `attempt` when webhooks were answered, `reset`,
and `any`. A page swaps the regions that listen for one of them. At most twice a second something is told, however
much happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from werkzeug.http import parse_cookie

from emulator.dashboard.house import House
from emulator.dashboard.signing_in import cookie_name
from emulator.kernel.events import Event
from emulator.kernel.step import Step
from emulator.kernel.tenants import Tenant
from emulator.kernel.waiting import Alarm, Piece, Wait, Waiting, Work

PATH = "/dashboard/stream"
HEADERS = [
    ("Cache-Control", "no-store"),
    ("Content-Type", "text/event-stream; charset=utf-8"),
    ("X-Accel-Buffering", "no"),
    ("X-Content-Type-Options", "nosniff"),
]
BEAT_SECONDS = 15.0  # after which something is said although nothing happened, so that a closed line is noticed
BREATH_SECONDS = 0.5
MOST_EVENTS = 100


def told(house: House, headers: Mapping[str, str], host: str, query: str) -> Waiting[None] | None:
    """The stream of the world that a session looks at; None for who has not signed in."""
    session = house.sessions.find(parse_cookie(headers.get("cookie", "")).get(cookie_name(host)))
    tenant = None if session is None else house.world_of(session)
    if tenant is None:
        return None
    after = headers.get("last-event-id") or parse_qs(query).get("after", [None])[0]
    return happenings(house, tenant, after)


def happenings(house: House, tenant: Tenant, after: str | None) -> Waiting[None]:
    """Everything that happens from now on, or after what was told of last."""
    seen = Seen(tenant, after)
    with house.tenants.news.ear(tenant.handle) as ear:
        yield Piece(b"retry: 2000\n\n")
        while not tenant.is_deleted:
            words = yield Work(seen.look)
            yield Piece(said(seen.place, words) if words else b":\n\n")
            yield Wait(Alarm(), BREATH_SECONDS)
            yield Wait(ear.alarm, BEAT_SECONDS)


class Seen:
    """What a stream has told of so far."""

    def __init__(self, tenant: Tenant, after: str | None) -> None:
        self.tenant = tenant
        self.place = after
        self.clock: tuple[int | None, ...] | None = None

    def look(self) -> list[str]:
        """Words for what is new; none at the first look of a page that has just been made, nor of what is gone."""
        return self.tenant.seen(self.words) or []

    def words(self, step: Step) -> list[str]:
        """The same, for the world as a step finds it."""
        row = step.row
        before, self.place = self.place, f"{row.generation}.{row.events}"
        clock_before, self.clock = self.clock, (row.clock_offset, row.frozen_at, row.next_due_at)
        if before is None:
            return []
        generation, _, number = before.partition(".")
        if generation != str(row.generation) or not number.isdecimal():
            return ["any", "reset"]
        first = max(int(number), row.events - MOST_EVENTS)
        found = [event for _, event in step.happened.arrived(first, MOST_EVENTS)]
        words = [word for event in found for word in words_of(event)]
        if clock_before not in (None, self.clock):
            words.append("clock")
        if not found and clock_before is not None:
            words.append("attempt")
        return list(dict.fromkeys(["any", *words])) if words else []


def words_of(event: Event) -> list[str]:
    """What an event is about: a kind, and an id where it has one."""
    kind = event.type.rpartition(".")[0].rpartition(".")[2].removeprefix("issuing_")
    return ["event", kind, *([event.about] if event.about else [])]


def said(place: str | None, words: list[str]) -> bytes:
    """Some words as a server-sent event."""
    return f"id: {place}\ndata: {' '.join(words)}\n\n".encode()
