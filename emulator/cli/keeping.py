"""Where worlds are kept, as commands are told: in a folder, or in a PostgreSQL database."""

from __future__ import annotations

from typing import Any

import click

from emulator.cli.complaints import WrongUse

VARIABLE = "STRIPE_EMULATOR_DATABASE"
FORM = "postgresql://user:password@host:port/name"


def address(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """A database's address. It is not repeated where it is none: it may have a password."""
    from emulator.kernel.database.place import is_url

    if given is not None and not is_url(given):
        raise WrongUse(f"--database (or {VARIABLE}) is an address, {FORM}.")
    return given


def in_a_database(*, required: bool = False) -> Any:
    """The option that names a database, also by a variable: what stands in a command line, others can see."""
    return click.option(
        "--database",
        envvar=VARIABLE,
        metavar="URL",
        callback=address,
        required=required,
        help=f"PostgreSQL database, {FORM}.  [env: {VARIABLE}]",
    )


def is_said(context: click.Context, option: str) -> bool:
    """Whether an option stands in the command line itself, and so is meant whatever the environment says."""
    return context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE


def chosen(context: click.Context, *others: str) -> str | None:
    """The database that a command is to use; None where one of the other options is meant. WrongUse for both."""
    database = context.params["database"]
    named = [option for option in others if is_said(context, option)]
    if database is not None and named:
        if is_said(context, "database"):
            raise WrongUse(f"--database and --{named[0]} exclude each other.")
        return None
    return database
