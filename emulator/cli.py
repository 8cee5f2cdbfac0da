"""The `stripe-emulator` command.

`serve` and `demo` run a server; `doctor` reads a data directory; every other command is a client that speaks HTTP to
a running server. What a person did wrong is one sentence on stderr and exit code 2; what the server refused, or the
doctor found, is exit code 1.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from emulator import __version__, first_steps
from emulator.connect.issuing_countries import COUNTRIES
from emulator.first_steps import DEFAULT_URL, DEMO_KEY

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class WrongUse(click.ClickException):
    """Something the person at the keyboard can put right, as one sentence. Exit code 2."""

    exit_code = 2


class Refused(click.ClickException):
    """What the server said no to, in its words. Exit code 1."""

    exit_code = 1


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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="stripe-emulator")
def cli() -> None:
    """A local, stateful emulator of Stripe Issuing, Treasury and Connect."""


# Running a server


def serving(command: Any) -> Any:
    """The options that `serve` and `demo` share."""
    for option in reversed(
        (
            click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
            click.option(
                "--port", type=click.IntRange(0, 65535), default=12111, show_default=True, help="0 picks a free one."
            ),
            click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes."),
            click.option("--seed", type=int, default=0, show_default=True, help="Where ids and chance start from."),
            click.option("--durable", is_flag=True, help="Survive power loss too, at the price of slower writes."),
            click.option("--quiet", is_flag=True, help="No line per request."),
            click.option(
                "--websocket-port",
                type=click.IntRange(0, 65535),
                default=None,
                help="Port for `stripe listen` and `stripe logs tail`.  [default: port + 10]",
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


@cli.command()
@serving
@click.option(
    "--data", type=click.Path(path_type=Path), default=None, help="Data directory.  [default: .stripe-emulator]"
)
@click.option("--memory", is_flag=True, help="Forget everything at exit.")
def serve(data: Path | None, memory: bool, **options: Any) -> None:
    """Serve the API until interrupted."""
    if memory and data is not None:
        raise WrongUse("--memory and --data exclude each other.")
    if data is not None and not data.name:
        raise WrongUse(f"A data directory needs a folder of its own, not {data}.")
    start(None if memory else data or Path(".stripe-emulator"), None, **options)


@cli.command()
@serving
def demo(country: str | None, **options: Any) -> None:
    """Serve a world that has something in it, in memory, and say what to try first.

    In the US it is a connected account's, elsewhere one on the platform's own account.
    """
    world = {None: "demo", "US": "demo", "GB": "uk"}.get(country, "eu")
    start(None, partial(build_demo, world), country=country, **options)


def start(data: Path | None, when_ready: Any, **options: Any) -> None:
    """Run the server; what hinders it is one sentence."""
    if options.pop("workers") > 1:
        raise WrongUse(
            "One process serves a world that is kept in files; several come with a shared database, which this version "
            "does not have yet."
        )
    from emulator.server import CannotServe, ServerOptions
    from emulator.server import serve as run_server

    try:
        run_server(ServerOptions(data=data, **options), when_ready)
    except CannotServe as error:
        raise WrongUse(str(error)) from None


def build_demo(world: str, url: str) -> None:
    """Fill a server that has just started with a world, and print the key and what to try."""
    from emulator import fixtures
    from emulator.server import OURSELVES

    try:
        file = replace(fixtures.read(fixtures.shipped(world)), settings={})  # the server is where it was told to be
        with http_client(url) as http:
            http.headers["User-Agent"] = OURSELVES
            replies = fixtures.run(file, http, DEMO_KEY)
    except (fixtures.FixtureError, OSError, *http_errors()) as error:
        click.echo(f"stripe-emulator: The demo world could not be built: {error}", err=True)
        return
    click.echo(demo_text(url, replies))
    sys.stdout.flush()


def demo_text(url: str, replies: dict[str, Any]) -> str:
    """The key and the first three commands, with the ids of this very world."""
    account, card, declined = replies.get("account", {}).get("id"), replies["card"], replies["declined_purchase"]["id"]
    commands = first_steps.in_the_demo(
        url, account=account, card=card["id"], currency=card["currency"], declined=declined
    )
    tried = "\n\n".join(f"# {one.says}\n{one.line}" for one in commands)
    connected = f"Connected account:  {account}\n" if account else ""
    return f"""
API key:            {DEMO_KEY}
{connected}In a browser:       {url}

Try, in another terminal:

{textwrap.indent(tried, "  ")}
"""


# Clients of a running server


class ServerUrl(click.ParamType):
    """Where a server is, as people write it: `localhost:12111` and a slash at the end are understood too."""

    name = "url"

    def convert(self, value: str, param: Any, ctx: Any) -> str:
        """The address with its scheme, without the slash."""
        url = (value if "://" in value else f"http://{value}").rstrip("/")
        if not re.fullmatch(r"https?://[^\s/]\S*", url, re.IGNORECASE):
            raise WrongUse(f"A server's address reads {DEFAULT_URL}, not {value}.")
        return url


def calling(command: Any) -> Any:
    """The options of a command that calls a server."""
    command = click.option(
        "--url",
        envvar="STRIPE_EMULATOR_URL",
        type=ServerUrl(),
        default=DEFAULT_URL,
        show_default=True,
        help="Where the server is.",
    )(command)
    return click.option("--api-key", envvar="STRIPE_API_KEY", help="Whose world.  [env: STRIPE_API_KEY]")(command)


@cli.command()
@click.argument("id")
@calling
def why(id: str, url: str, api_key: str | None) -> None:
    """Say in a line why an authorization was approved or declined; then every rule, and what it saw."""
    click.echo("\n".join(why_lines(call(url, api_key, "GET", f"/_emulator/why/{quote(id, safe='')}"))))


def why_lines(story: dict[str, Any]) -> Iterator[str]:
    """Each request of an authorization, the newest first: its outcome, hints, and its rules in order.

    What has been printed is not printed again: facts are named without their value, and of earlier requests only the
    rules are shown that saw something else or came to another verdict.
    """
    printed: dict[str, Any] = {}
    told: list[tuple[Any, ...]] = []
    for request in reversed(story["requests"]):
        if told:
            yield ""
        yield request["outcome"]
        message = f" ({request['reason_message']})" if request["reason_message"] else ""
        yield f"{'' if told else story['id'] + ', '}{at(request['created'])}, {request['reason']}{message}"
        yield from (f"hint: {hint}" for hint in request["hints"])
        rules = [(rule["says"], rule["verdict"], facts_of(rule, request)) for rule in request["rules"]]
        for number, rule in enumerate(rules, 1):
            if rule not in told:
                says, verdict, saw = rule
                facts = ", ".join(name if printed.get(name) == value else f"{name}={value}" for name, value in saw)
                printed |= saw
                yield f"{number:>4}. {verdict:<12} {says}" + (f" [{facts}]" if facts else "")
        same = sum(rule in told for rule in rules)
        if same:
            yield f"      {same} more as above"
        told += rules


def facts_of(rule: dict[str, Any], request: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a rule looked at, and what it saw there."""
    return tuple((fact, shown(request["saw"][fact])) for fact in rule["looks_at"])


@cli.command()
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


@cli.command()
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


@cli.command()
@calling
def reset(url: str, api_key: str | None) -> None:
    """Forget everything in a world and start it anew."""
    call(url, api_key, "POST", "/_emulator/reset", {})
    click.echo("The world is new.")


@cli.command()
@click.argument("files", nargs=-1, metavar="FILE|NAME...")
@click.option("--list", "listed", is_flag=True, help="Name the worlds that come with the emulator.")
@click.option("--stripe-account", metavar="ID", help="Act for this connected account.")
@calling
def seed(files: tuple[str, ...], listed: bool, stripe_account: str | None, url: str, api_key: str | None) -> None:
    """Run files in the Stripe CLI's fixture syntax against a server, in order.

    A name such as `demo` means a world that comes with the emulator.
    """
    from emulator import fixtures

    if listed:
        for name in fixtures.shipped_names():
            click.echo(f"{name:<12} {fixtures.read(fixtures.shipped(name)).says}".rstrip())
        return
    if not files:
        raise WrongUse("Name a file, or a world that `stripe-emulator seed --list` names.")
    key = needed(api_key)

    def report(step: fixtures.Step, response: Any) -> None:
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
        except fixtures.FixtureError as error:
            raise Refused(f"{path}: {error}") from None


def fixture_file(name: str) -> Path:
    """A file of that name, else the world of that name that comes with the emulator."""
    from emulator import fixtures

    path = Path(name)
    if path.is_file() or name not in fixtures.shipped_names():
        if not path.exists() and not path.suffix:
            raise WrongUse(f"There is no file {name}, and `stripe-emulator seed --list` names no such world.")
        return path
    return fixtures.shipped(name)


# Looking without a server


@cli.command()
@click.option("--built", is_flag=True, help="Only what is served.")
@click.option("--version", metavar="VERSION", help="Instead, what differs for clients that pin this API version.")
def routes(built: bool, version: str | None) -> None:
    """Print every published operation: built, or answered 501 by name."""
    from emulator.catalog import CATALOG
    from emulator.data.routes import ROUTES as PUBLISHED

    if version is not None:
        click.echo("\n".join(differing(version)))
        return
    served = {(route.verb, route.path): route.name for route in CATALOG.routes}
    for verb, path in sorted({*PUBLISHED, *served}, key=lambda operation: (operation[1], operation[0])):
        name = served.get((verb, path))
        if name or not built:
            click.echo(f"{'built' if name else '  501'}  {verb:<6} {path}" + (f"  {name}" if name else ""))


def differing(version: str) -> Iterator[str]:
    """What clients that pin a version see and may send otherwise than those of the newest one, change by change."""
    from emulator.data.api_versions import DEFAULT
    from emulator.kernel.keys import is_version
    from emulator.kernel.versions import lacking

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


@cli.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path(".stripe-emulator"),
    show_default=True,
    help="Data directory.",
)
def doctor(data: Path) -> int:
    """Recompute every total in a data directory from the movements, and name what differs."""
    from emulator.catalog import CATALOG
    from emulator.kernel.doctor import examine
    from emulator.kernel.migrations import NewerData

    if not data.is_dir():
        raise WrongUse(f"There is no data directory {data}.")
    tenants = len(list(data.glob("*.sqlite")))
    try:
        findings = examine(data, CATALOG)
    except NewerData as error:
        raise WrongUse(str(error)) from None
    except (OSError, sqlite3.Error) as error:
        raise WrongUse(f"Cannot read the data directory {data}: {error}.") from None
    for finding in findings:
        click.echo(f"{finding.tenant}: {finding.what}: {finding.detail}")
    if not tenants:
        raise WrongUse(f"There is no world in the data directory {data}.")
    worlds = f"{tenants} world{'' if tenants == 1 else 's'}"
    click.echo(f"{len(findings)} found in {worlds}." if findings else f"The books of {worlds} are whole.")
    return 1 if findings else 0


# What the commands share


def needed(api_key: str | None) -> str:
    """The key, or how to give one."""
    if not api_key:
        raise WrongUse("No API key: set STRIPE_API_KEY or give --api-key, for instance sk_test_demo.")
    if not api_key.isascii() or not api_key.isprintable():
        raise WrongUse("An API key has no characters beyond ASCII and no line breaks.")
    return api_key


def call(url: str, api_key: str | None, method: str, path: str, form: dict[str, Any] | None = None) -> dict[str, Any]:
    """One request to a running server; its JSON. WrongUse when there is none, Refused in the server's words."""
    headers = {"Authorization": f"Bearer {needed(api_key)}"}
    with reaching(url), http_client(url) as http:
        response = http.request(method, path, data=form, headers=headers)
    try:
        body = response.json()
        if response.status_code >= 400:
            raise Refused(body["error"]["message"])
    except (ValueError, KeyError, TypeError):
        raise WrongUse(f"What answers at {url} is not this emulator.") from None
    return body


def http_client(url: str) -> Any:
    """An HTTP client for one server; proxies of the environment are not asked about it."""
    import httpx

    return httpx.Client(base_url=url, timeout=80, trust_env=False)


def http_errors() -> tuple[type[Exception], ...]:
    """What httpx raises when a server cannot be reached or named."""
    import httpx

    return (httpx.HTTPError, httpx.InvalidURL)


@contextlib.contextmanager
def reaching(url: str) -> Iterator[None]:
    """Say in one sentence that nobody answers."""
    try:
        yield
    except http_errors():
        plain = " (the emulator speaks plain http)" if url.lower().startswith("https:") else ""
        raise WrongUse(f"No server answers at {url}{plain}; start one with `stripe-emulator serve`.") from None


def span(text: str) -> int:
    """Seconds in `90`, `30s`, `3d` or `1d12h`."""
    if text.isdecimal():
        return int(text)
    if not re.fullmatch(r"(\d+[smhdw])+", text):
        raise WrongUse(f"A span reads 90, 30s, 15m, 6h, 3d, 2w or 1d12h, not {text}.")
    return sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text))


def moment(text: str) -> int:
    """Unix seconds in `1767225599` or an ISO 8601 time, which is UTC unless it says otherwise."""
    if text.isdecimal():
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"A time reads 1798761599 or 2026-12-31T23:59:59Z, not {text}.") from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def at(seconds: int) -> str:
    """Unix seconds for a person."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def shown(value: Any) -> str:
    """A JSON value on a line; text without quotes."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    main()
