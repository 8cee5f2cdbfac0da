"""`events` and `listen`: what has happened in a world, and what happens from now on."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import click

from emulator.cli.calling import call, calling
from emulator.cli.complaints import WrongUse
from emulator.cli.spoken import at

WAIT = "/_emulator/events/wait"
ENDPOINTS = "/v1/webhook_endpoints"
QUESTION = "issuing_authorization.request"
PAGE = 100
LOOK_MS = 30_000
DRAIN_MS = 5_000
typed = click.option("--type", "type", metavar="TYPE", help="Only events of this type; issuing_* means all of Issuing.")
about = click.option("--object", "object_id", metavar="ID", help="Only events about this object.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print each event whole, one on a line.")


@click.command()
@typed
@about
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the newest.")
@as_json
@calling
def events(type: str | None, object_id: str | None, limit: int, as_json: bool, url: str, api_key: str | None) -> None:
    """List what has happened in a world, in all its accounts, the newest last."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = happened(url, api_key, type=type, object=object_id, after=after, timeout_ms=0, limit=PAGE)
        found = [*found, *page["data"]][-limit:]
        if not page["has_more"]:
            break
        after = found[-1]["id"]
    for event in found:
        click.echo(json.dumps(event) if as_json else event_line(event))


@click.command()
@typed
@about
@click.option("--forward-to", metavar="URL", help="Have the server post each event here, signed.")
@click.option("--ask", is_flag=True, help=f"Let that address decide purchases, too ({QUESTION}).")
@click.option("--count", type=click.IntRange(min=1), default=None, help="Stop after so many.")
@as_json
@calling
def listen(
    type: str | None,
    object_id: str | None,
    forward_to: str | None,
    ask: bool,
    count: int | None,
    as_json: bool,
    url: str,
    api_key: str | None,
) -> None:
    """Print events as they happen, until interrupted.

    With --forward-to, two webhook endpoints are made, for the platform's events and those of its connected accounts.
    Their secrets are printed first, and they are removed at the end.
    """
    if ask and forward_to is None:
        raise WrongUse("--ask needs to know whom: --forward-to.")
    newest = happened(url, api_key, timeout_ms=0, limit=PAGE)
    while newest["has_more"]:
        newest = happened(url, api_key, after=newest["data"][-1]["id"], timeout_ms=0, limit=PAGE)
    after = newest["data"][-1]["id"] if newest["data"] else None
    made = forwarding(url, api_key, forward_to, type, ask) if forward_to is not None else []
    try:
        click.echo("Ready: events are printed as they happen.", err=True)
        seen = 0
        while count is None or seen < count:
            page = happened(url, api_key, type=type, object=object_id, after=after, timeout_ms=LOOK_MS, limit=1)
            for event in page["data"]:
                after, seen = event["id"], seen + 1
                click.echo(json.dumps(event) if as_json else event_line(event))
        if made:  # the last of them are on their way
            call(url, api_key, "POST", "/_emulator/webhooks/drain", {"timeout_ms": DRAIN_MS})
    finally:
        for endpoint in made:
            call(url, api_key, "DELETE", f"{ENDPOINTS}/{endpoint}")


def forwarding(url: str, api_key: str | None, to: str, type: str | None, ask: bool) -> list[str]:
    """The ids of two endpoints at an address: for the platform's events, and for those of connected accounts."""
    wanted = ["*" if type is None or type.endswith("*") else type, *([QUESTION] if ask else [])]
    ids = []
    for connect, whose in (("false", "the platform"), ("true", "connected accounts")):
        form = {"url": to, "connect": connect, "enabled_events[]": wanted}
        made = call(url, api_key, "POST", ENDPOINTS, form)
        ids.append(made["id"])
        click.echo(f"signed with {made['secret']} for events of {whose}", err=True)
    return ids


def happened(url: str, api_key: str | None, **params: Any) -> dict[str, Any]:
    """A page of events, oldest first."""
    query = urlencode({name: value for name, value in params.items() if value is not None})
    return call(url, api_key, "GET", f"{WAIT}?{query}")


def event_line(event: dict[str, Any]) -> str:
    """`2026-11-27 05:25:05 UTC  issuing_card.created  ic_…  acct_…`"""
    parts = [at(event["created"]), event["type"], event["data"]["object"].get("id"), event.get("account"), event["id"]]
    return "  ".join(part for part in parts if part)
