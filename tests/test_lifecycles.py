"""The arrows drawn in a module's docstring are those of its lifecycle table, so that no drawing can lie.

A drawing is read like this; what stands two blanks behind a state is a remark:

    open ── close, abandon ──▶ closed       several verbs that lead to the same
      ├── grow ──▶ big ── shrink ──▶ open   a branch leaves the state it hangs from
      └── end ───▶ gone
    closed, big ── end ──▶ gone             several states that a verb leads on from
    lost                                    a state without arrows
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import NamedTuple

import pytest

import emulator
from emulator.kernel.lifecycle import Lifecycle

PIECE = re.compile(r"\S+(?: \S+)*")  # what stands between two blanks and the next two
HEAD = re.compile(r"[├└]|[a-z_]+(?:, [a-z_]+)*")
ARROW = re.compile(r" ?─+ (?P<verbs>[a-z][a-z, ]*[a-z]) ─+▶ (?P<state>[a-z_]+)")


class Drawing(NamedTuple):
    """What a drawing shows: its states in the order they appear, and every arrow as (state, verb, next state)."""

    states: list[str]
    arrows: set[tuple[str, str, str]]


def drawing_of(docstring: str) -> Drawing:
    """The first indented block of a docstring, read as a drawing. AssertionError where it cannot be read."""
    states: list[str] = []
    arrows: set[tuple[str, str, str]] = set()
    above: dict[int, str] = {}  # the lowest state in each column

    def appears(state: str, first: int, end: int) -> None:
        states.append(state)
        above.update(dict.fromkeys(range(first, end), state))

    for line in block_of(docstring):
        pieces = list(PIECE.finditer(line.replace("│", " ")))
        for piece in pieces:
            if piece is not pieces[0] and not set(piece[0]) & set("─▶├└"):
                continue  # a remark
            head = HEAD.match(line, piece.start())
            assert head, f"cannot be read: {piece[0]}"
            position = head.end()
            if head[0] in "├└":
                origins = [above[head.start()]]
            else:
                origins = head[0].split(", ")
                for state in re.compile("[a-z_]+").finditer(line, *head.span()):
                    appears(state[0], *state.span())
            while position < piece.end():
                arrow = ARROW.match(line, position)
                assert arrow, f"cannot be read: {piece[0]}"
                arrows |= {(origin, verb, arrow["state"]) for origin in origins for verb in arrow["verbs"].split(", ")}
                appears(arrow["state"], *arrow.span("state"))
                origins, position = [arrow["state"]], arrow.end()
    return Drawing(list(dict.fromkeys(states)), arrows)


def block_of(docstring: str) -> list[str]:
    """The lines of the first block that is indented."""
    lines = docstring.split("\n")
    first = next((number for number, line in enumerate(lines) if line.startswith("    ")), len(lines))
    last = next((number for number in range(first, len(lines)) if not lines[number].startswith("    ")), len(lines))
    return lines[first:last]


def tables() -> dict[str, Lifecycle]:
    """Every lifecycle table, by the module that defines it."""
    found: dict[str, Lifecycle] = {}
    for module in pkgutil.walk_packages(emulator.__path__, "emulator."):
        if module.name.endswith("__main__"):
            continue
        for table in vars(importlib.import_module(module.name)).values():
            if isinstance(table, Lifecycle) and not any(table is other for other in found.values()):
                found[module.name] = table
    return found


TABLES = tables()


@pytest.mark.parametrize("module", TABLES)
def test_the_drawing_of_a_lifecycle_is_its_table(module: str) -> None:
    table = TABLES[module]

    drawing = drawing_of(importlib.import_module(module).__doc__ or "")

    assert drawing.arrows == {
        (status, verb, following) for status, moves in table.moves.items() for verb, following in moves.items()
    }
    assert drawing.states[0] == table.start
    assert set(drawing.states) == set(table.moves)


def test_every_table_is_looked_at() -> None:
    assert len(TABLES) >= 9
    assert "emulator.issuing.cards" in TABLES


def test_a_drawing_is_read_as_it_is_explained_here() -> None:
    assert drawing_of(__doc__ or "") == Drawing(
        ["open", "closed", "big", "gone", "lost"],
        {
            ("open", "close", "closed"),
            ("open", "abandon", "closed"),
            ("open", "grow", "big"),
            ("big", "shrink", "open"),
            ("open", "end", "gone"),
            ("closed", "end", "gone"),
            ("big", "end", "gone"),
        },
    )


@pytest.mark.parametrize(
    "line", ["open ── close ─ closed", "open -> closed", "open ── close ──▶ closed ◀── open", "open ⇄ closed"]
)
def test_what_cannot_be_read_is_no_drawing(line: str) -> None:
    with pytest.raises(AssertionError, match="cannot be read"):
        drawing_of(f"A thing.\n\n    {line}\n")
