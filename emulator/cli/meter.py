"""`meter`: how long a sandbox would have taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import click

from emulator.cli.calling import as_json, call, calling


@click.command()
@click.option("--since", metavar="ID", help="Count from this request on.")
@as_json
@calling
def meter(since: str | None, as_json: bool, url: str, api_key: str | None) -> None:
    """Say how long the requests of a world took, and how long a sandbox's rate limits would have made them take."""
    query = f"?{urlencode({'since': since})}" if since is not None else ""
    story = call(url, api_key, "GET", f"/_emulator/meter{query}")
    click.echo(json.dumps(story, indent=2) if as_json else "\n".join(meter_lines(story)))


def meter_lines(story: dict[str, Any]) -> Iterator[str]:
    """What it comes to, and each limit that anything counts towards."""
    here, there = story["seconds_here"], story["seconds_in_a_sandbox"]
    yield f"{story['requests']} requests took {here:g} s here; in a sandbox they take {there:g} s at least."
    for limit in story["limits"]:
        if limit["requests"]:
            yield f"{limit['requests']:>6} {limit['name']}, {limit['per_second']} a second: {limit['seconds']:g} s"
    if not story["complete"]:
        yield "Only the newest 10,000 requests are counted: the log keeps no more."
