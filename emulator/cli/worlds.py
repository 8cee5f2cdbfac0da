"""`settings` and `reset`: a world as a whole."""

from __future__ import annotations

from typing import Any

import click

from emulator.cli.calling import call, calling
from emulator.cli.complaints import WrongUse
from emulator.cli.spoken import shown


@click.command()
@click.argument("changes", nargs=-1, metavar="[NAME=VALUE]...")
@calling
def settings(changes: tuple[str, ...], url: str, api_key: str | None) -> None:
    """Show the settings of a world, or change some; `name=` puts one back to its default.

    A list is given as `name[]=one name[]=other`.
    """
    form: dict[str, Any] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or not name:
            raise WrongUse(f"A change reads name=value, not {change}.")
        form.setdefault(name, []).append(value)
    story = call(url, api_key, "POST" if form else "GET", "/_emulator/settings", form or None)
    for name, value in story.items():
        if name != "object":
            click.echo(f"{name}={'' if value is None else shown(value)}")


@click.command()
@calling
def reset(url: str, api_key: str | None) -> None:
    """Forget everything in a world and start it anew."""
    call(url, api_key, "POST", "/_emulator/reset", {})
    click.echo("The world is new.")
