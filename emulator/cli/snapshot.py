"""`snapshot`, `fork`, `export` and `import`: a world as a whole, kept and brought back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from emulator.cli.calling import as_json, call, calling, fetched, said
from emulator.cli.complaints import WrongUse
from emulator.cli.spoken import ago, at

SNAPSHOTS = "/_emulator/snapshots"


@click.group()
def snapshot() -> None:
    """Keep a world as it is, and have it be that again: the way back in time, too."""


@snapshot.command("create")
@click.argument("name")
@click.option("--about", metavar="TEXT", help="What it is.")
@click.option("--replace", is_flag=True, help="Put it in the place of an earlier one of that name.")
@as_json
@calling
def create(name: str, about: str | None, replace: bool, as_json: bool, url: str, api_key: str | None) -> None:
    """Keep the world as it is now under a name."""
    form = {"name": name, **({"about": about} if about else {}), **({"replace": "true"} if replace else {})}
    story = call(url, api_key, "POST", SNAPSHOTS, form)
    said(story, as_json, f"{snapshot_line(story)} kept")


@snapshot.command("list")
@as_json
@calling
def kept(as_json: bool, url: str, api_key: str | None) -> None:
    """List the snapshots of a world, the newest first."""
    story = call(url, api_key, "GET", SNAPSHOTS)
    lines = [f"{snapshot_line(one)}, {ago(time.time() - one['created'])}" for one in story["data"]]
    said(story, as_json, "\n".join(lines) or "No snapshot was taken.")


@snapshot.command("restore")
@click.argument("name")
@as_json
@calling
def restore(name: str, as_json: bool, url: str, api_key: str | None) -> None:
    """Have the world be again what it was. What waits in the present one goes."""
    story = call(url, api_key, "POST", f"{SNAPSHOTS}/{quote(name, safe='')}/restore", {})
    said(story, as_json, f"The world is {name} again, at {at(story['now'])}.")


@snapshot.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@as_json
@calling
def delete(names: tuple[str, ...], as_json: bool, url: str, api_key: str | None) -> None:
    """Delete snapshots; with --json a line for each."""
    for name in names:
        story = call(url, api_key, "DELETE", f"{SNAPSHOTS}/{quote(name, safe='')}")
        click.echo(json.dumps(story) if as_json else f"{name} is deleted.")


@click.command()
@click.argument("key")
@click.option("--replace", is_flag=True, help="Put it in the place of the world that the key has.")
@as_json
@calling
def fork(key: str, replace: bool, as_json: bool, url: str, api_key: str | None) -> None:
    """Make the world of another KEY as this one is now."""
    form = {"key": key, **({"replace": "true"} if replace else {})}
    story = call(url, api_key, "POST", "/_emulator/fork", form)
    said(story, as_json, f"{key} has a world of its own that is as this one.")


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_json
@calling
def export_(file: Path, as_json: bool, url: str, api_key: str | None) -> None:
    """Write the world into a FILE, a SQLite database; secrets of webhooks are in it."""
    content = fetched(url, api_key, "/_emulator/world/export")
    try:
        file.write_bytes(content)
    except OSError as error:
        raise WrongUse(f"Cannot write {file}: {(error.strerror or str(error)).lower()}.") from None
    story = {"object": "emulator.export", "bytes": len(content), "file": str(file)}
    said(story, as_json, f"{file}: {len(content):,} bytes")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_json
@calling
def import_(file: Path, as_json: bool, url: str, api_key: str | None) -> None:
    """Have the world be that of a FILE, in place of what it is now."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise WrongUse(f"Cannot read {file}: {(error.strerror or str(error)).lower()}.") from None
    story = call(url, api_key, "POST", "/_emulator/world/import", file=(file.name, content))
    said(story, as_json, f"The world is that of {file}, at {at(story['now'])}.")


def snapshot_line(one: dict[str, Any]) -> str:
    """`before (with a card): at 2026-11-30 21:00:00 UTC, 96 objects, 212 KB`"""
    about = f" ({one['about']})" if one["about"] else ""
    return f"{one['name']}{about}: at {at(one['now'])}, {one['objects']} objects, {one['size'] / 1000:.0f} KB"
