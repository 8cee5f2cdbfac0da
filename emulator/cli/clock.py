"""`clock`: what time a world has, what falls due, and how to get there."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from emulator.cli.calling import as_json, call, calling, said
from emulator.cli.complaints import WrongUse
from emulator.cli.spoken import at, moment, span

CLOCK = "/_emulator/clock"
STEPS_A_CALL = 25


@click.group(invoke_without_command=True)
@click.option("--advance", metavar="SPAN", help="Move forward: 90, 30s, 15m, 6h, 3d, 2w or 1d12h.")
@click.option("--set", "to", metavar="TIME", help="Move forward to unix seconds or 2026-12-31T23:59:59Z.")
@click.option("--freeze/--unfreeze", "frozen", default=None, help="Stop the clock, or let it run again.")
@as_json
@calling
@click.pass_context
def clock(
    context: click.Context,
    advance: str | None,
    to: str | None,
    frozen: bool | None,
    as_json: bool,
    url: str,
    api_key: str | None,
) -> None:
    """Show the clock of a world, or move it; what falls due on the way happens."""
    if context.invoked_subcommand is not None:
        given = [name for name in context.params if is_given(context, name)]
        if given:
            raise WrongUse(f"What is given to `clock {context.invoked_subcommand}` stands behind it.")
        return
    if advance is not None and to is not None:
        raise WrongUse("--advance and --set exclude each other.")
    form: dict[str, Any] = {}
    if advance is not None:
        form["advance"] = span(advance)
    if to is not None:
        form["set"] = moment(to)
    if frozen is not None:
        form["frozen"] = str(frozen).lower()
    story = call(url, api_key, "POST" if form else "GET", CLOCK, form or None)
    said(story, as_json, clock_lines(story))


def is_given(context: click.Context, name: str) -> bool:
    """Whether an option stands on the command line."""
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


@clock.command()
@as_json
@calling
def step(as_json: bool, url: str, api_key: str | None) -> None:
    """Move on to what falls due next, and do it."""
    story = call(url, api_key, "POST", f"{CLOCK}/step", {})
    said(story, as_json, (*done_lines(story), *clock_lines(story)))


@clock.command()
@click.option("--until", metavar="TIME", help="Unix seconds or 2026-12-31; until nothing falls due any more without.")
@as_json
@calling
def run(until: str | None, as_json: bool, url: str, api_key: str | None) -> None:
    """Go from one thing that falls due to the next, and do each, until a time or until nothing is left.

    Shows how far it has come where a terminal is there.
    """
    form = {"steps": STEPS_A_CALL, **({} if until is None else {"until": moment(until)})}
    begun = call(url, api_key, "GET", CLOCK)["now"]
    length = None if until is None else max(form["until"] - begun, 0)
    parts: list[dict[str, Any]] = []
    with click.progressbar(length=length or 0, label="running", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        while not parts or not parts[-1]["finished"]:
            part = call(url, api_key, "POST", f"{CLOCK}/run", form)
            parts.append(part)
            if not as_json:
                for line in done_lines(part):
                    click.echo(line)
            bar.update(part["now"] - part["from"])
    said(as_one(parts), as_json, clock_lines(parts[-1]))


def as_one(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """A run that took several calls, told as one."""
    done = Counter[str]()
    for part in parts:
        done.update({one["action"]: one["count"] for one in part["done"]})
    sums = {name: sum(part[name] for part in parts) for name in ("deliveries", "failed", "steps")}
    counts = [{"action": action, "count": count} for action, count in sorted(done.items())]
    return {**parts[-1], **sums, "done": counts, "from": parts[0]["from"]}


@clock.command()
@click.option("--until", metavar="TIME", help="Only what falls due by then.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How much of it.")
@as_json
@calling
def due(until: str | None, limit: int, as_json: bool, url: str, api_key: str | None) -> None:
    """List what falls due, the first first, each with why."""
    query = f"?limit={limit}" + (f"&until={moment(until)}" if until is not None else "")
    story = call(url, api_key, "GET", f"{CLOCK}/due{query}")
    said(story, as_json, due_lines(story))


@clock.command()
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="How many.")
@as_json
@calling
def moves(limit: int, as_json: bool, url: str, api_key: str | None) -> None:
    """List how the clock has been moved, the last move first, and what was done on the way."""
    story = call(url, api_key, "GET", f"{CLOCK}/moves?limit={limit}")
    said(story, as_json, move_lines(story))


def clock_lines(story: dict[str, Any]) -> Iterator[str]:
    """What the clock shows, and when something falls due."""
    yield f"{at(story['now'])} ({story['now']}), {'frozen' if story['frozen'] else 'running'}"
    if story.get("next_due_at"):
        yield f"something falls due {at(story['next_due_at'])} ({story['next_due_at']})"


def done_lines(story: dict[str, Any]) -> Iterator[str]:
    """What was done on the way."""
    yield from (one["says"] for one in story["done"])
    if story["deliveries"]:
        yield f"{counted(story['deliveries'], 'delivery', 'deliveries')} tried again"
    if story["failed"]:
        yield f"{story['failed']} failed and set aside: {CLOCK.replace('clock', 'due')} says why"


def due_lines(story: dict[str, Any]) -> Iterator[str]:
    """What falls due, a line each."""
    for one in story["data"]:
        yield f"{at(one['due_at'])}  {one['says']}: {one['why']} ({one['about']})"
    if story["has_more"]:
        yield "and more, later"
    if not story["data"]:
        yield "Nothing falls due."


def move_lines(story: dict[str, Any]) -> Iterator[str]:
    """The moves, a line each."""
    for one in story["data"]:
        done = ", ".join(done_lines(one)) or "nothing was due"
        way = f"{at(one['from'])} -> {at(one['to'])}" if one["to"] > one["from"] else at(one["to"])
        yield f"{one['kind']:<8} {way}: {done}"
    if not story["data"]:
        yield "The clock has not been moved."


def counted(count: int, one: str, many: str) -> str:
    """`1 delivery`"""
    return f"{count} {one if count == 1 else many}"
