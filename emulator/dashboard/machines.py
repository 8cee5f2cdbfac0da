"""Status machines as drawings: where a thing has been, where it is, and where it may go. Pure: moves in, shapes out."""

from __future__ import annotations

from typing import Any, NamedTuple

WIDTH, HEIGHT, ROUND = 92, 28, 14
COLUMN, ROW, EDGE = 178, 53, 2
HEAD = 5  # of an arrow


class Box(NamedTuple):
    """One status. `kind` is `here`, `been` or empty."""

    name: str
    kind: str
    x: int
    y: int


class Arrow(NamedTuple):
    """One move, as a path with a head, and the place of its verb. `kind` is `been` or empty."""

    kind: str
    path: str
    verb: str
    x: int
    y: int


class Machine(NamedTuple):
    """A whole drawing."""

    width: int
    height: int
    boxes: list[Box]
    arrows: list[Arrow]
    says: str


def drawn(lifecycle: dict[str, Any], been: list[str], noun: str) -> Machine:
    """The machine of a thing that has been through some statuses, the last of which it has now."""
    moves = [(one["from"], one["to"], one["verb"]) for one in lifecycle["moves"] if one["from"] != one["to"]]
    columns = in_columns(lifecycle["start"], moves)
    tallest = max(len(column) for column in columns)
    longest = [(a, b, verb) for a, b, verb in moves if depth(columns, b) - depth(columns, a) > 1]
    places = {
        name: (EDGE + number * COLUMN, EDGE + round((tallest - len(column)) * ROW / 2) + row * ROW)
        for number, column in enumerate(columns)
        for row, name in enumerate(column)
    }
    boxes = [
        Box(name, "here" if name == been[-1] else "been" if name in been else "", x, y)
        for name, (x, y) in places.items()
    ]
    taken = set(zip(been, been[1:], strict=False))
    bottom = EDGE + (tallest - 1) * ROW + HEIGHT
    arrows = []
    for a, b, verb in moves:
        around = (a, b, verb) in longest
        arrows.append(
            arrow(places[a], places[b], verb, kind="been" if (a, b) in taken else "", around=around, bottom=bottom)
        )
    height = bottom + (26 if longest else EDGE)
    width = EDGE * 2 + (len(columns) - 1) * COLUMN + WIDTH
    return Machine(width, height, boxes, arrows, told(moves, been, noun))


def in_columns(start: str, moves: list[tuple[str, str, str]]) -> list[list[str]]:
    """The statuses in columns: each stands right of whatever leads to it. The one that leads on is in the middle."""
    depths = {start: 0}
    for _ in moves:
        for a, b, _ in moves:
            if a in depths:
                depths[b] = max(depths.get(b, 0), depths[a] + 1)
    columns: list[list[str]] = [[] for _ in range(max(depths.values()) + 1)]
    for name, place in depths.items():
        columns[place].append(name)
    leading = {a for a, _, _ in moves}
    for column in columns:
        ends = [name for name in column if name not in leading]
        on = [name for name in column if name in leading]
        half = len(ends) // 2
        column[:] = [*ends[:half], *on, *ends[half:]]
    return columns


def depth(columns: list[list[str]], name: str) -> int:
    """Which column a status is in."""
    return next(number for number, column in enumerate(columns) if name in column)


def arrow(start: tuple[int, int], end: tuple[int, int], verb: str, *, kind: str, around: bool, bottom: int) -> Arrow:
    """A move between two boxes; below all others where some stand between them."""
    x0, y0, x1, y1 = start[0] + WIDTH, start[1] + HEIGHT // 2, end[0], end[1] + HEIGHT // 2
    if around:
        left, right, low = start[0] + WIDTH // 2, end[0] + WIDTH // 2, bottom + 12
        line = f"M{left} {start[1] + HEIGHT}V{low - 8}q0 8 8 8H{right - 8}q8 0 8-8V{end[1] + HEIGHT}"
        head = f"M{right - 4} {end[1] + HEIGHT + HEAD}l4-5 4 5"
        return Arrow(kind, f"{line}{head}", verb, (left + right) // 2, low + 8)
    head = f"M{x1 - HEAD} {y1 - 4}l5 4-5 4"
    if y0 == y1:
        return Arrow(kind, f"M{x0} {y0}H{x1}{head}", verb, (x0 + x1) // 2, y0 - 8)
    middle = x0 + 28
    line = f"M{x0} {y0}h8C{middle} {y0} {middle - 10} {y1} {middle + 16} {y1}H{x1}"
    return Arrow(kind, f"{line}{head}", verb, (middle + 16 + x1) // 2, y1 - 8)


def told(moves: list[tuple[str, str, str]], been: list[str], noun: str) -> str:
    """The drawing in a sentence, for those who do not see it."""
    before, here = been[:-1], been[-1]
    said = f"Status machine of {noun}: "
    said += f"{', then '.join(before)} was followed by {here}, its present status" if before else f"it is {here}"
    next_ones = list(dict.fromkeys(b for a, b, _ in moves if a == here))
    if not next_ones:
        return f"{said}; nothing follows"
    return f"{said}; it may still become {' or '.join(next_ones)}"
