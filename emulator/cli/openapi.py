"""`openapi`: what is built, as a document that other tools read."""

from __future__ import annotations

import click
import orjson


@click.command()
@click.option("--url", default="http://127.0.0.1:12111", show_default=True, help="The server that it names.")
@click.option("--control", is_flag=True, help="Only the emulator's own operations, under /_emulator.")
def openapi(url: str, control: bool) -> None:
    """Print an OpenAPI 3.1 document (JSON) of every operation that is built, and of what it checks."""
    from emulator.catalog import CATALOG
    from emulator.openapi import CONTROL, document

    told = document(CATALOG, url, below=CONTROL) if control else document(CATALOG, url)
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
