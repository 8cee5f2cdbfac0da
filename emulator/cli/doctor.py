"""`doctor`: whether the books of a data directory or a database balance."""

from __future__ import annotations

import json
from pathlib import Path

import click

from emulator.cli.complaints import WrongUse
from emulator.cli.keeping import chosen, in_a_database


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path(".stripe-emulator"),
    show_default=True,
    help="Data directory.",
)
@in_a_database()
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.pass_context
def doctor(context: click.Context, data: Path, database: str | None, as_json: bool) -> int:
    """Name what does not agree in a data directory: totals and movements, objects and their events, ids and rows."""
    from emulator.catalog import CATALOG
    from emulator.kernel.database.doctor import examined
    from emulator.kernel.database.face import StorageFails
    from emulator.kernel.database.place import NoDatabase

    place = chosen(context, "data")
    if place is None and not data.is_dir():
        raise WrongUse(f"There is no data directory {data}.")
    try:
        tenants, findings = examined(place or data, CATALOG)
    except (NoDatabase, StorageFails) as error:
        raise WrongUse(str(error)) from None
    except OSError as error:
        raise WrongUse(f"Cannot read the data directory {data}: {error}.") from None
    if not as_json:
        for finding in findings:
            click.echo(f"{finding.tenant}: {finding.what}: {finding.detail}")
    if not tenants:
        raise WrongUse(f"There is no world in the {'database' if place else f'data directory {data}'}.")
    if as_json:
        click.echo(json.dumps({"worlds": tenants, "findings": [finding._asdict() for finding in findings]}, indent=2))
        return 1 if findings else 0
    worlds = f"{tenants} world{'' if tenants == 1 else 's'}"
    click.echo(f"{len(findings)} found in {worlds}." if findings else f"The books of {worlds} are whole.")
    return 1 if findings else 0
