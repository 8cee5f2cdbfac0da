"""`routes`: what is built, and what differs for clients that pin an older version."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from emulator.cli.complaints import WrongUse


@click.command()
@click.option("--built", is_flag=True, help="Only what is served.")
@click.option("--version", metavar="VERSION", help="Instead, what differs for clients that pin this API version.")
@click.option("--json", "as_json", is_flag=True, help="Print the operations as JSON.")
def routes(built: bool, version: str | None, as_json: bool) -> None:
    """Print every published operation: built, or answered 501 by name."""
    from emulator.catalog import CATALOG
    from emulator.data.routes import ROUTES as PUBLISHED

    if version is not None:
        if as_json:
            raise WrongUse("--json is for the operations; what differs for a version is told in words alone.")
        click.echo("\n".join(differing(version)))
        return
    served = {(route.verb, route.path): route.name for route in CATALOG.routes}
    every = sorted({*PUBLISHED, *served}, key=lambda operation: (operation[1], operation[0]))
    shown = [(verb, path, served.get((verb, path))) for verb, path in every if not built or (verb, path) in served]
    if as_json:
        told = [{"verb": verb, "path": path, "built": name is not None, "name": name} for verb, path, name in shown]
        click.echo(json.dumps(told, indent=2))
        return
    for verb, path, name in shown:
        click.echo(f"{'built' if name else '  501'}  {verb:<6} {path}" + (f"  {name}" if name else ""))


def differing(version: str) -> Iterator[str]:
    """What clients that pin a version see and may send otherwise than those of the newest one, change by change."""
    from emulator.data.api_versions import DEFAULT
    from emulator.kernel.versions import is_version, lacking

    if not is_version(version):
        raise WrongUse(f"There is no API version {version}: give one such as 2024-06-20 or {DEFAULT}.")
    changes = lacking(version)
    if not changes:
        yield f"Nothing differs for clients that pin {version}: it is as new as {DEFAULT}."
        return
    yield f"What is different for clients that pin {version}, the newest change first:"
    for change in changes:
        yield f"\n{change.since}  {change.about}"
        for where, what in change.says:
            yield f"  {where}:"
            yield from (f"    {line}" for line in what)
