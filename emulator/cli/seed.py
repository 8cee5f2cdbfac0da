"""`seed`: files in the Stripe CLI's fixture syntax, run against a server."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import click

from emulator.cli.calling import acting, call, calling, http_client, needed, reaching
from emulator.cli.complaints import Refused, WrongUse


@click.command()
@click.argument("files", nargs=-1, metavar="FILE|NAME...")
@click.option("--list", "listed", is_flag=True, help="Name the worlds that come with the emulator.")
@click.option("--json", "as_json", is_flag=True, help="Print the replies by the names of their steps, or the list.")
@acting
@calling
def seed(
    files: tuple[str, ...], listed: bool, as_json: bool, stripe_account: str | None, url: str, api_key: str | None
) -> None:
    """Run files in the Stripe CLI's fixture syntax against a server, in order.

    A name such as `demo` means a world that comes with the emulator. What was made in a fresh world is kept as its
    start, to which `reset --to-start` leads back.
    """
    from emulator import fixtures

    if listed:
        if as_json:
            told = {name: fixtures.read(fixtures.shipped(name)).says for name in fixtures.shipped_names()}
            click.echo(json.dumps(told, indent=2))
            return
        for name in fixtures.shipped_names():
            click.echo(f"{name:<12} {fixtures.read(fixtures.shipped(name)).says}".rstrip())
        return
    if not files:
        raise WrongUse("Name a file, or a world that `stripe-emulator seed --list` names.")
    key = needed(api_key)

    is_fresh = call(url, key, "GET", "/_emulator/world")["events"] == 0

    answered: dict[str, Any] = {}

    def report(step: fixtures.Step, response: Any) -> None:
        if as_json:
            return
        with contextlib.suppress(ValueError):
            click.echo(f"{step.name}: {response.status_code} {response.json().get('id', '')}".rstrip())

    for path in [fixture_file(name) for name in files]:
        try:
            file = fixtures.read(path)
        except OSError as error:
            raise WrongUse(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from None
        except fixtures.FixtureError as error:
            raise WrongUse(str(error)) from None
        try:
            with reaching(url), http_client(url) as http:
                replies = fixtures.run(file, http, key, stripe_account=stripe_account, on_reply=report)
            fixtures.write_environment(file, replies)
            answered |= replies
        except fixtures.FixtureError as error:
            raise Refused(f"{path}: {error}") from None
    if as_json:
        click.echo(json.dumps(answered, indent=2))
    if is_fresh:
        start = {"name": "start", "about": " ".join(Path(name).stem for name in files)[:500], "replace": "true"}
        call(url, key, "POST", "/_emulator/snapshots", start)


def fixture_file(name: str) -> Path:
    """A file of that name, else the world of that name that comes with the emulator."""
    from emulator import fixtures

    path = Path(name)
    if path.is_file() or name not in fixtures.shipped_names():
        if not path.exists() and not path.suffix:
            raise WrongUse(f"There is no file {name}, and `stripe-emulator seed --list` names no such world.")
        return path
    return fixtures.shipped(name)
