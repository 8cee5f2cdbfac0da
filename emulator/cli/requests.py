"""`requests`: what a server was asked, and what it said."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import click

from emulator.cli.calling import as_json, call, calling
from emulator.cli.spoken import at, shown

REQUESTS = "/_emulator/requests"


@click.command()
@click.argument("id", required=False)
@click.option("--status", metavar="CODE", help="404, or 4xx for all of its class.")
@click.option("--path", metavar="PATH", help="/v1/issuing/cards, or /v1/issuing/* for all below.")
@click.option("--method", type=click.Choice(("GET", "POST", "DELETE")), help="Only requests of this method.")
@click.option("--account", metavar="ID", help="Only requests for this connected account.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many, the newest.")
@as_json
@calling
def requests(id: str | None, limit: int, as_json: bool, url: str, api_key: str | None, **filters: str | None) -> None:
    """List the requests that a world was asked, the newest last; of one, by its id, all that is known."""
    if id is not None:
        story = call(url, api_key, "GET", f"{REQUESTS}/{quote(id, safe='')}")
        lines = [f"{name}: {shown(value)}" for name, value in story.items() if value is not None and name != "object"]
    else:
        query = urlencode({"limit": limit, **{name: value for name, value in filters.items() if value is not None}})
        story = call(url, api_key, "GET", f"{REQUESTS}?{query}")
        lines = [request_line(one) for one in reversed(story["data"])]
    click.echo(json.dumps(story, indent=2) if as_json else "\n".join(lines))


def request_line(one: dict[str, Any]) -> str:
    """When, how it ended, what was asked, its id, and why it was refused."""
    said = f": {one['error']['message']}" if one["error"] else ""
    return f"{at(one['created'])}  {one['status']} {one['method']:<6} {one['path']}  {one['id']}{said}"
