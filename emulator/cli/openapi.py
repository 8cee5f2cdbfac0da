"""`openapi`: what is built, as a document that other tools read."""

from __future__ import annotations

import click
import orjson


@click.command()
@click.option("--url", default="http://127.0.0.1:12111", show_default=True, help="The server that it names.")
def openapi(url: str) -> None:
    """Print an OpenAPI 3.1 document (JSON) of every operation that is built, and of what it checks."""
    from emulator.catalog import CATALOG
    from emulator.openapi import document

    click.echo(orjson.dumps(document(CATALOG, url), option=orjson.OPT_INDENT_2))
