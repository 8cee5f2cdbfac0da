"""`serve` and `demo`: a server, with nothing in it or with a world to look at."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import click

from emulator import first_steps
from emulator.cli.calling import http_client, http_errors
from emulator.cli.complaints import WrongUse
from emulator.cli.keeping import chosen, in_a_database
from emulator.connect.issuing_countries import COUNTRIES
from emulator.first_steps import DEMO_KEY


def serving(command: Any) -> Any:
    """The options that `serve` and `demo` share."""
    for option in reversed(
        (
            click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
            click.option(
                "--port", type=click.IntRange(0, 65535), default=12111, show_default=True, help="0 picks a free one."
            ),
            click.option(
                "--workers",
                type=click.IntRange(1, 64),
                default=1,
                show_default=True,
                help="Processes; more than one share a --database.",
            ),
            click.option("--seed", type=int, default=0, show_default=True, help="Where ids and chance start from."),
            click.option("--durable", is_flag=True, help="Survive power loss too, at the price of slower writes."),
            click.option("--quiet", is_flag=True, help="No line per request."),
            click.option(
                "--allow-host",
                multiple=True,
                metavar="NAME",
                help="A name by which the server may be called, besides localhost; * for any. Repeatable.",
            ),
            click.option("--websocket-port", type=click.IntRange(0, 65535), default=None, hidden=True),
            click.option(
                "--stop-with-stdin",
                is_flag=True,
                help="Stop when the standard input ends, so that no server outlives the program that started it.",
            ),
            click.option(
                "--unix-socket",
                type=click.Path(path_type=Path),
                default=None,
                help="Also listen here, for STRIPE_CLI_UNIX_SOCKET.",
            ),
            click.option(
                "--country",
                type=click.Choice(COUNTRIES, case_sensitive=False),
                metavar="CODE",
                default=None,
                help="Country of the platform in new worlds: US, GB or one of the euro area.  [default: US]",
            ),
        )
    ):
        command = option(command)
    return command


@click.command()
@serving
@click.option(
    "--data", type=click.Path(path_type=Path), default=None, help="Data directory.  [default: .stripe-emulator]"
)
@in_a_database()
@click.option("--memory", is_flag=True, help="Forget everything at exit.")
@click.pass_context
def serve(context: click.Context, data: Path | None, memory: bool, database: str | None, **options: Any) -> None:
    """Serve the API until interrupted."""
    if memory and data is not None:
        raise WrongUse("--memory and --data exclude each other.")
    if data is not None and not data.name:
        raise WrongUse(f"A data directory needs a folder of its own, not {data}.")
    place = chosen(context, "data", "memory")
    start(None if memory or place else data or Path(".stripe-emulator"), None, database=place, **options)


@click.command()
@serving
@in_a_database()
def demo(country: str | None, **options: Any) -> None:
    """Serve a world that has something in it, in memory or in a database, and say what to try first.

    In the US it is a connected account's, elsewhere one on the platform's own account. In a database it is built once:
    a demo that is started again goes on with what is there.
    """
    world = {None: "demo", "US": "demo", "GB": "uk"}.get(country, "eu")
    start(None, partial(build_demo, world), country=country, **options)


def start(data: Path | None, when_ready: Any, **options: Any) -> None:
    """Run the server; what hinders it is one sentence."""
    if options["workers"] > 1 and options.get("database") is None:
        raise WrongUse("One process serves worlds that are kept in files: several share a database (--database URL).")
    if options.pop("websocket_port") is not None:
        click.echo("--websocket-port is not needed any more: WebSockets come in on the server's own port.", err=True)
    if options.pop("stop_with_stdin"):
        threading.Thread(target=stop_with, args=(sys.stdin.buffer,), daemon=True).start()
    from emulator.server import CannotServe, ServerOptions
    from emulator.server import serve as run_server

    try:
        run_server(ServerOptions(data=data, **options), when_ready)
    except CannotServe as error:
        raise WrongUse(str(error)) from None


def stop_with(stream: BinaryIO) -> None:
    """Stop as SIGTERM does once a stream has ended."""
    while stream.read(4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def build_demo(world: str, url: str, dashboard: str) -> None:
    """Fill a server that has just started with a world, if it has none yet, and print the key and what to try."""
    from emulator import fixtures
    from emulator.server import OURSELVES

    try:
        with http_client(url) as http:
            http.headers.update({"User-Agent": OURSELVES, "Authorization": f"Bearer {DEMO_KEY}"})
            if told(http, "/_emulator/world")["events"] == 0:
                file = fixtures.read(fixtures.shipped(world))
                fixtures.run(replace(file, settings={}), http, DEMO_KEY)  # the server is where it was told to be
            purchases = told(http, "/_emulator/events/wait", type="issuing_authorization.created", timeout_ms=0)["data"]
    except (fixtures.FixtureError, OSError, *http_errors()) as error:
        click.echo(f"stripe-emulator: The demo world could not be built: {error}", err=True)
        return
    click.echo(demo_text(url, dashboard, purchases))
    sys.stdout.flush()


def told(http: Any, path: str, **asked: Any) -> Any:
    """What a server says. An error of httpx where it refuses."""
    return http.get(path, params=asked).raise_for_status().json()


def demo_text(url: str, dashboard: str, purchases: list[dict[str, Any]]) -> str:
    """The key, the way into the dashboard, and the first three commands, with the ids of this very world.

    `purchases` are the events of its first ones. Where none was at a casino, the world is not the demo's, and the
    commands are those for any.
    """
    account, commands = None, first_steps.in_any_world(url)
    for event in purchases:
        purchase = event["data"]["object"]
        card, category = purchase["card"], purchase["merchant_data"]["category"]
        if not purchase["approved"] and category == "betting_casino_gambling":
            account = event.get("account")
            commands = first_steps.in_the_demo(
                url, account=account, card=card["id"], currency=card["currency"], declined=purchase["id"]
            )
            break
    tried = "\n\n".join(f"# {one.says}\n{one.line}" for one in commands)
    connected = f"Connected account:  {account}\n" if account else ""
    return f"""
API key:            {DEMO_KEY}
{connected}Dashboard:          {dashboard}

Try, in another terminal:

{textwrap.indent(tried, "  ")}
"""
