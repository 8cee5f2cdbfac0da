"""The `stripe-emulator` command.

`serve` and `demo` run a server; `doctor` reads a data directory or a database, and `database` makes one ready; every
other command is a client that speaks HTTP to a running server. What a person did wrong is one sentence on stderr and
exit code 2; what the server refused, or the doctor found, is exit code 1.
"""

from __future__ import annotations

import sys

import click

from emulator import __version__
from emulator.cli.clock import clock
from emulator.cli.completion import completion
from emulator.cli.database import database
from emulator.cli.doctor import doctor
from emulator.cli.events import events, listen
from emulator.cli.explain import books, changes, explain
from emulator.cli.faults import faults
from emulator.cli.meter import meter
from emulator.cli.openapi import openapi
from emulator.cli.purchase import purchase
from emulator.cli.record import record
from emulator.cli.requests import requests
from emulator.cli.routes import routes
from emulator.cli.script import script
from emulator.cli.seed import seed
from emulator.cli.serving import demo, serve
from emulator.cli.snapshot import export_, fork, import_, snapshot
from emulator.cli.why import why
from emulator.cli.worlds import reset, settings, worlds

COMMANDS = (
    serve,
    demo,
    worlds,
    purchase,
    script,
    why,
    explain,
    books,
    changes,
    clock,
    events,
    listen,
    requests,
    record,
    meter,
    faults,
    settings,
    reset,
    seed,
    snapshot,
    fork,
    export_,
    import_,
    routes,
    openapi,
    doctor,
    database,
    completion,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="stripe-emulator")
def cli() -> None:
    """A local, stateful emulator of Stripe Issuing, Treasury and Connect."""


for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = cli.main(standalone_mode=False, prog_name="stripe-emulator")
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = 2
    except click.ClickException as error:
        click.echo(f"stripe-emulator: {error.format_message()}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
