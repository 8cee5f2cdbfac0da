"""`clock`: what time a world has."""

from __future__ import annotations

from typing import Any

import click

from emulator.cli.calling import call, calling
from emulator.cli.complaints import WrongUse
from emulator.cli.spoken import at, moment, span


@click.command()
@click.option("--advance", metavar="SPAN", help="Move forward: 90, 30s, 15m, 6h, 3d, 2w or 1d12h.")
@click.option("--set", "to", metavar="TIME", help="Move forward to unix seconds or 2026-12-31T23:59:59Z.")
@click.option("--freeze/--unfreeze", "frozen", default=None, help="Stop the clock, or let it run again.")
@calling
def clock(advance: str | None, to: str | None, frozen: bool | None, url: str, api_key: str | None) -> None:
    """Show the clock of a world, or move it; what falls due on the way happens."""
    if advance is not None and to is not None:
        raise WrongUse("--advance and --set exclude each other.")
    form: dict[str, Any] = {}
    if advance is not None:
        form["advance"] = span(advance)
    if to is not None:
        form["set"] = moment(to)
    if frozen is not None:
        form["frozen"] = str(frozen).lower()
    story = call(url, api_key, "POST" if form else "GET", "/_emulator/clock", form or None)
    click.echo(f"{at(story['now'])} ({story['now']}), {'frozen' if story['frozen'] else 'running'}")
    if story.get("next_due_at"):
        click.echo(f"something falls due {at(story['next_due_at'])} ({story['next_due_at']})")
