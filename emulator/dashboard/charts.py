"""Charts as SVG whose lengths are attributes: no script and no inline style draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from emulator.dashboard import formats
from emulator.dashboard.formats import DAY

LINES = 4
MOST_LABELS = 6


class Cash(NamedTuple):
    """The cash of an account over time: paths in a box of 1000 by 100, and what stands beside it."""

    available: str
    below: str
    total: str
    now: tuple[str, str]
    marks: list[tuple[str, str]]
    y: list[str]
    x: list[str]
    says: str


Marks = Sequence[tuple[int, str]]


def cash(
    entries: Sequence[dict[str, Any]],
    held: dict[str, int],
    currency: str,
    now: int,
    declines: Marks,
) -> Cash | None:
    """What an account held, back from now through its newest entries; None where nothing ever moved.

    `held` is what it holds: `cash` and `outbound_pending`. `declines` are times and words.
    """
    if not entries:
        return None
    points, cash, pending = [(now, held["cash"], held["outbound_pending"])], held["cash"], held["outbound_pending"]
    for entry in sorted(entries, key=lambda one: one["created"], reverse=True):
        points.append((entry["created"], cash, pending))
        cash -= entry["balance_impact"]["cash"]
        pending -= entry["balance_impact"]["outbound_pending"]
    points.append((points[-1][0], cash, pending))
    points.reverse()
    return drawn(points, currency, now, declines)


def drawn(points: list[tuple[int, int, int]], currency: str, now: int, declines: Marks) -> Cash:
    """Points of time, cash and what is held, oldest first, as steps."""
    first, last, below = span(points[0][0], now)
    top = nice(max(max(available + max(pending, 0), available) for _, available, pending in points))

    def x(at: int) -> str:
        return f"{1000 * (at - first) / (last - first):.1f}"

    def y(value: int) -> str:
        return f"{100 - 100 * max(value, 0) / top:.2f}"

    def steps(values: list[tuple[int, int]]) -> str:
        at_once = {x(at): y(value) for at, value in values}  # of what happened at once the last counts
        (first_x, first_y), *others = at_once.items()
        moves = [f"M{first_x} {y(values[0][1])}V{first_y}"]
        before, last_x = first_y, list(at_once)[-1]
        for place, height in others:
            if height != before or place == last_x:
                moves.append(f"H{place}V{height}")
            before = height
        return "".join(moves)

    available = steps([(at, value) for at, value, _ in points])
    total = steps([(at, value + pending) for at, value, pending in points])
    most_at, most = max(((at, value) for at, value, _ in points), key=lambda one: one[1])
    ends = points[-1][1]
    return Cash(
        available,
        f"{available}V100H{x(points[0][0])}z",
        total,
        (f"{(now - first) / (last - first):.2%}", f"{100 - 100 * max(ends, 0) / top:.1f}%"),
        [(f"{(at - first) / (last - first):.2%}", says) for at, says in declines if first <= at <= now],
        [formats.amount(top * line // LINES, currency).removesuffix(".00") for line in range(LINES, -1, -1)],
        below,
        f"Cash was {formats.amount(most, currency)} at most, on {formats.weekday(most_at)}, and is "
        f"{formats.amount(ends, currency)} now." + (" Declines are marked on the base line." if declines else ""),
    )


def span(began: int, now: int) -> tuple[int, int, list[str]]:
    """From when to when a chart goes, and the words below it: whole days, or less where everything is of one day."""
    if now - began < DAY:
        margin = max((now - began) // 10, 1)
        first, last = began - margin, now + margin
        third = (last - first) // 3
        return first, last, [f"{formats.moment(first + part * third):%H:%M:%S}" for part in range(3)]
    first = formats.day_of(began)
    days = (formats.day_of(now) - first) // DAY + 1
    step = -(-days // MOST_LABELS)
    parts = -(-days // step)
    return first, first + parts * step * DAY, [label(first + part * step * DAY, days) for part in range(parts)]


def label(at: int, days: int) -> str:
    """A day below the chart: `Thu 26` among few, `26 Nov` among many."""
    moment = formats.moment(at)
    return f"{moment:%a} {moment.day}" if days <= MOST_LABELS else f"{moment.day} {moment:%b}"


def nice(value: int) -> int:
    """A round number above a value, which four lines divide into round parts."""
    step = 4_00
    while True:
        for factor in (1, 2, 3, 5, 7):
            if step * factor >= value:
                return step * factor
        step *= 10
