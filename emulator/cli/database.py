"""`database`: a PostgreSQL database made ready for worlds, brought up to date, and looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from emulator.cli.complaints import Refused, WrongUse
from emulator.cli.keeping import in_a_database


@click.group()
def database() -> None:
    """Make a PostgreSQL database ready for worlds, bring it up to date, or check it."""


@database.command("init")
@in_a_database(required=True)
def init(database: str) -> None:
    """Make the schema, and the role that servers act as; again and again if you like.

    The address is that of a user who owns the database and may make roles. Servers are given the same, or that of a
    user who was granted the role.
    """
    with installing() as installation:
        made = installation.install(database, schema())
        place = installation.place_of(database)
    click.echo(f"{place} is ready: {counted(made)} made." if made else f"{place} was ready.")


@database.command("upgrade")
@in_a_database(required=True)
def upgrade(database: str) -> None:
    """Add what this version of the emulator keeps and an older one did not. Stop the servers first."""
    with installing() as installation:
        made = installation.install(database, schema(), is_there=True)
        place = installation.place_of(database)
    click.echo("\n".join((*made, f"{place} is up to date.")))


@database.command("check")
@in_a_database(required=True)
def check(database: str) -> None:
    """Say whether this version of the emulator can serve a database."""
    with installing(Refused) as installation:
        installation.check_that_served(database, schema())
        place = installation.place_of(database)
    click.echo(f"{place} can be served.")


@contextmanager
def installing(complaint: type[click.ClickException] = WrongUse) -> Iterator[Any]:
    """What knows how; a database that cannot be used is one sentence."""
    from emulator.kernel.database.place import NoDatabase, installation

    try:
        yield installation()
    except NoDatabase as refusal:
        raise complaint(str(refusal)) from None


def schema() -> Any:
    """Every table of this version."""
    from emulator.catalog import CATALOG
    from emulator.kernel.database.schema import Schema

    return Schema(CATALOG.records.values())


def counted(made: list[str]) -> str:
    """`82 tables, the role stripe_emulator and the schema stripe_emulator`."""
    tables = [what for what in made if what.startswith("the table ")]
    rest = [what for what in made if what not in tables]
    told = [*([f"{len(tables)} tables"] if tables else []), *rest]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
