"""The clock of a world: what falls due and why, steps to it, what was moved so far, and what failed at its time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Response

from emulator.dashboard import formats
from emulator.dashboard.finding import page_of
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import View
from emulator.kernel.errors import ApiError

MOST_DUE = 25
MOST_MOVES = 10
PATIENCE_MS = 3_000  # for what is delivered after a move, before the page is shown
ADVANCES = ((60, "+1 min"), (3_600, "+1 h"), (86_400, "+1 day"), (604_800, "+1 week"))
NOTABLE_SECONDS = 2
PICKER = "%Y-%m-%dT%H:%M"


class Item(NamedTuple):
    """One line of what falls due, which may stand for several deliveries to one endpoint."""

    at: int
    says: str
    why: str
    page: str
    account: str | None


class Moved(NamedTuple):
    """One move of the clock, in words."""

    at: int
    kind: str
    says: str
    more: str


def clock(view: View) -> Response:
    """What it shows, and what that brings."""
    due = view.platform.get("/_emulator/clock/due", limit=MOST_DUE)
    now = view.platform.get("/_emulator/clock")
    moves = view.platform.get("/_emulator/clock/moves", limit=MOST_MOVES)["data"]
    items = list(lines(due["data"]))
    return view.page(
        "clock.html",
        advances=ADVANCES,
        beside=beside(now["now"], formats.real_now()),
        days=[(day, list(some)) for day, some in groupby(items, key=lambda item: formats.day_of(item.at))],
        failed=view.platform.get("/_emulator/due")["data"],
        frozen=now["frozen"],
        has_more=due["has_more"],
        items=items,
        moves=[in_words(one) for one in moves],
        now=now["now"],
        tomorrow=f"{formats.moment(formats.day_of(now['now']) + formats.DAY + 9 * formats.HOUR):{PICKER}}",
        earliest=f"{formats.moment(now['now']):{PICKER}}",
    )


def lines(due: Iterable[dict[str, Any]]) -> Iterator[Item]:
    """What falls due, deliveries to one endpoint at one moment together."""
    for (at, to, _), some in groupby(due, key=of_one_line):
        group = list(some)
        first = group[0]
        if to is None:
            yield Item(at, first["says"], first["why"], page_of(first["about"]), first["account"])
        elif len(group) == 1:
            yield Item(at, first["says"], first["why"], page_of(first["details"]["event"]), first["account"])
        else:
            says = f"{len(group)} deliveries to {urlsplit(to).path or '/'} are tried again"
            yield Item(at, says, first["why"], "/events", first["account"])


def of_one_line(one: dict[str, Any]) -> tuple[int, str | None, str]:
    """What is told in one line: deliveries by their endpoint and attempt, all else by itself."""
    if one["kind"] == "delivery":
        return one["due_at"], one["details"]["url"] or "", one["why"]
    return one["due_at"], None, one["id"]


def beside(now: int, real: int) -> str:
    """How far the clock is from real time."""
    ahead = now - real
    if abs(ahead) < NOTABLE_SECONDS:
        return "as real time"
    return f"{formats.span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} real time"


def in_words(move: dict[str, Any]) -> Moved:
    """A move as the history has it."""
    passed = move["to"] - move["from"]
    stopped = "Frozen" if move["frozen"] else "Let run"
    says = f"Moved {formats.span(passed)} forward" if passed else stopped
    happened = what_happened(move)
    kind = "bad" if move["failed"] else "good" if happened else ""
    return Moved(move["to"], kind, says, happened or ("nothing was due" if passed else ""))


def what_happened(move: dict[str, Any]) -> str:
    """What was done on the way, in words; empty for nothing."""
    parts = [one["says"] for one in move["done"]]
    if move["deliveries"]:
        were = "delivery was" if move["deliveries"] == 1 else "deliveries were"
        parts.append(f"{move['deliveries']:,} {were} due")
    if move["failed"]:
        parts.append(f"{move['failed']:,} failed")
    return "; ".join(parts)


# Actions


def step(view: View) -> Response:
    """On to what falls due next."""
    return moved(view, view.platform.post("/_emulator/clock/step"))


def move(view: View) -> Response:
    """By some seconds, or to a time. The clock of a world runs forward only."""
    now, to, advance = view.now, view.form("to"), view.form("advance")
    at = view.form("set")
    if advance is not None:
        view.platform.post("/_emulator/clock", advance=advance)
    elif at is not None:
        view.platform.post("/_emulator/clock", set=picked(at))
    else:
        is_past = to is not None and to.isdecimal() and int(to) < now
        view.platform.post("/_emulator/clock", set=now if is_past else to)
    view.quiet.post("/_emulator/webhooks/drain", timeout_ms=PATIENCE_MS)
    return moved(view, view.platform.get("/_emulator/clock"))


def picked(text: str) -> int:
    """A time as a field for one has it, in UTC. 400 for anything else."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise ApiError(400, f"{text} is not a time. Write one as 2026-12-01T09:00.") from None


def moved(view: View, clock: dict[str, Any]) -> Response:
    """Tell where the clock is now, and what was done on the way."""
    last = view.quiet.get("/_emulator/clock/moves", limit=1)["data"]
    happened = what_happened(last[0]) if last else ""
    more = f"{happened[:1].upper()}{happened[1:]}." if happened else "Nothing was due on the way."
    kind = "bad" if last and last[0]["failed"] else "good"
    view.note(kind, f"Moved to {formats.dated(clock['now'], clock['now'])}.", more)
    return view.back()


def freeze(view: View) -> Response:
    """Stop the clock, or let it run."""
    is_frozen = view.platform.post("/_emulator/clock", frozen=view.form("frozen"))["frozen"]
    if is_frozen:
        view.note("good", "Frozen.", "Time stands still until you move it.")
    else:
        view.note("good", "The clock runs.", "From here on a second here is a real one.")
    return view.back()


def retry(view: View, id: str) -> Response:
    """Try again what failed at its time."""
    left = view.platform.post(f"/_emulator/due/{id}/retry")["data"]
    if any(one["id"] == id for one in left):
        view.note("bad", "It failed again.", "Its reason is below.")
    else:
        view.note("good", "Done.", "What had failed at its time has been carried out.")
    return view.go("/clock")


PAGES: list[Page] = [
    GET("/clock", clock),
    POST("/clock/step", step),
    POST("/clock/move", move),
    POST("/clock/freeze", freeze),
    POST("/clock/due/<id>/retry", retry),
]
