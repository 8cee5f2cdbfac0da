"""`faults`: what the next requests of a world meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from emulator.cli.calling import as_json, call, calling
from emulator.cli.complaints import WrongUse
from emulator.kernel.faults import KINDS

FAULTS = "/_emulator/faults"


@click.command()
@click.argument("kind", required=False, type=click.Choice(KINDS), metavar=f"[{'|'.join(KINDS)}]")
@click.option("--method", type=click.Choice(("GET", "POST", "DELETE")), help="Only requests of this method.")
@click.option("--path", metavar="PATH", help="/v1/issuing/cards/{card}, or /v1/issuing/* for all below.")
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many requests.")
@click.option("--milliseconds", type=click.IntRange(min=1), help="How long a request has to wait.")
@click.option("--jitter-milliseconds", type=click.IntRange(min=1), help="By chance up to so many more.")
@click.option("--probability", type=click.IntRange(1, 100), help="Only so many of a hundred that it meets.")
@click.option("--carried-out", is_flag=True, default=None, help="What a drop strikes is done, and its reply lost.")
@click.option("--clear", is_flag=True, help="Take every fault away.")
@as_json
@calling
def faults(
    kind: str | None, clear: bool, count: int, as_json: bool, url: str, api_key: str | None, **which: Any
) -> None:
    """List the faults that wait for requests, or have the next requests meet one."""
    if clear and kind is not None:
        raise WrongUse("--clear takes faults away; it makes none.")
    if clear:
        story = call(url, api_key, "DELETE", FAULTS)
    elif kind is not None:
        said = {name: str(value).lower() if value is True else value for name, value in which.items()}
        form = {"kind": kind, "count": count, **{name: value for name, value in said.items() if value is not None}}
        story = call(url, api_key, "POST", FAULTS, form)
    else:
        story = call(url, api_key, "GET", FAULTS)
    click.echo(json.dumps(story, indent=2) if as_json else "\n".join(fault_lines(story)))


def fault_lines(story: dict[str, Any]) -> Iterator[str]:
    """The faults, a line each."""
    for one in story["data"]:
        which = f"{one['method'] or 'any'} {one['path'] or 'request'}"
        jitter = f" to {one['milliseconds'] + one['jitter_milliseconds']}" if one["jitter_milliseconds"] else ""
        wait = f" of {one['milliseconds']}{jitter} ms" if one["milliseconds"] else ""
        chance = f", {one['probability']} % of those it meets" if one["probability"] else ""
        done = " once carried out" if one["carried_out"] else ""
        yield f"{one['kind']}{wait}{done}: the next {one['remaining']} of {which}{chance}"
    if not story["data"]:
        yield "No fault waits."
