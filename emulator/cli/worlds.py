"""`worlds`, `settings` and `reset`: a world as a whole."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from emulator.cli.calling import as_json, call, calling, finding, said
from emulator.cli.complaints import Refused
from emulator.cli.spoken import ago, assigned, shown
from emulator.first_steps import DEMO_KEY


@click.command()
@click.argument("changes", nargs=-1, metavar="[NAME=VALUE]...")
@as_json
@calling
def settings(changes: tuple[str, ...], as_json: bool, url: str, api_key: str | None) -> None:
    """Show the settings of a world, or change some; `name=` puts one back to its default.

    A list is given as `name[]=one name[]=other`.
    """
    form = assigned(changes)
    story = call(url, api_key, "POST" if form else "GET", "/_emulator/settings", form or None)
    rows = [f"{name}={'' if value is None else shown(value)}" for name, value in story.items() if name != "object"]
    said(story, as_json, rows)


@click.command()
@click.option("--to-start", is_flag=True, help="Go back to what it was once it had been seeded.")
@as_json
@calling
def reset(to_start: bool, as_json: bool, url: str, api_key: str | None) -> None:
    """Forget everything in a world and start it anew."""
    story = call(url, api_key, "POST", "/_emulator/reset", {"to": "start"} if to_start else {})
    said(story, as_json, "The world is what it was at its start." if to_start else "The world is new.")


@click.group(invoke_without_command=True)
@as_json
@finding
@click.pass_context
def worlds(context: click.Context, as_json: bool, url: str) -> None:
    """List the worlds of a server with their sizes and ages, the one last written to first.

    Of a name, which is the secret part of a key, only the beginning is told.
    """
    context.obj = url
    if context.invoked_subcommand is None:
        story = call(url, DEMO_KEY, "GET", "/_emulator/worlds")
        lines = [world_line(world, time.time()) for world in story["data"]]
        if lines or as_json:
            said(story, as_json, lines)


@worlds.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--snapshots", is_flag=True, help="Their snapshots too.")
@as_json
@click.pass_obj
def delete_worlds(url: str, names: tuple[str, ...], snapshots: bool, as_json: bool) -> None:
    """Forget worlds for good, by what follows `sk_test_` in their keys. Their snapshots stay."""
    from emulator.kernel.tenants.tenants import handle_of

    listed = call(url, DEMO_KEY, "GET", "/_emulator/worlds")
    there = {world["id"] for world in listed["data"]}
    for name in names:
        if handle_of(name) not in there and not listed["has_more"]:
            raise Refused(f"There is no world called {name}.")
    path = "/_emulator/world" + ("?snapshots=true" if snapshots else "")
    told = []
    for name in names:
        told.append(call(url, f"sk_test_{name}", "DELETE", path))
        if not as_json:
            click.echo(f"{name} is forgotten.")
    if as_json:
        click.echo(json.dumps(told, indent=2))


def world_line(world: dict[str, Any], now: float) -> str:
    """`ci…, 0.3 MB, 12 objects, made 3d ago, last written 2h ago`"""
    if world["damage"] is not None:
        return world["damage"]
    parts = [world["name"], f"{world['size'] / 1e6:.1f} MB", f"{world['objects']} objects"]
    if world["created"] is not None:
        parts.append(f"made {ago(now - world['created'])}")
    return ", ".join([*parts, f"last written {ago(now - world['changed'])}"])
