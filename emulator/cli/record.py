"""`record`: what was asked of a world as a test, a script or a file of fixtures."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import click

from emulator.cli.calling import call, calling, fetched
from emulator.cli.complaints import WrongUse

FORMATS = ("pytest", "curl", "fixtures")


@click.command()
@click.option("--start/--stop", "begins", default=None, help="Have what is sent and answered kept, or no longer.")
@click.option("--as", "form", type=click.Choice(FORMATS), default="pytest", show_default=True, help="What to write.")
@click.option("--since", metavar="ID", help="The first request; the first since --start without.")
@click.option("--until", metavar="ID", help="The last request; the newest without.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file to write, not the terminal.")
@calling
def record(
    begins: bool | None,
    form: str,
    since: str | None,
    until: str | None,
    output: Path | None,
    url: str,
    api_key: str | None,
) -> None:
    """Write the requests that a world was asked since --start as a test that passes against another world."""
    if begins is not None:
        call(url, api_key, "POST", "/_emulator/settings", {"record_requests": str(begins).lower()})
        click.echo(
            "What is sent and answered is kept from now on; `stripe-emulator record` writes it as a test."
            if begins
            else "Nothing more is kept. What was is written by `stripe-emulator record`."
        )
        return
    span = {name: value for name, value in (("since", since), ("until", until)) if value is not None}
    text = fetched(url, api_key, f"/_emulator/requests/export?{urlencode({'format': form, **span})}")
    if output is None:
        click.echo(text.decode(), nl=False)
        return
    try:
        output.write_bytes(text)
    except OSError as error:
        raise WrongUse(f"Cannot write {output}: {(error.strerror or str(error)).lower()}.") from None
    click.echo(f"{output}: {len(text.splitlines())} lines")
