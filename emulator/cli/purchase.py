"""`purchase`: a card is to pay, and the verdict; with `--dry-run` only the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from emulator.cli.calling import acting, as_json, call, calling
from emulator.cli.spoken import assigned
from emulator.cli.why import why_lines

PURCHASE = "/_emulator/issuing/scripts/purchase"
DRY_RUN = "/_emulator/issuing/authorizations/dry_run"


@click.command()
@click.argument("details", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--card", required=True, metavar="ID", help="The card that is to pay.")
@click.option("--amount", required=True, type=int, help="In minor units of the card's currency.")
@click.option("--category", metavar="WORD", help="The merchant's category, such as eating_places_restaurants.")
@click.option("--capture", is_flag=True, help="Have the merchant collect it, too.")
@click.option("--dry-run", is_flag=True, help="Only say how it would end, rule by rule; nothing changes.")
@as_json
@acting
@calling
def purchase(
    details: tuple[str, ...],
    card: str,
    amount: int,
    category: str | None,
    capture: bool,
    dry_run: bool,
    as_json: bool,
    stripe_account: str | None,
    url: str,
    api_key: str | None,
) -> None:
    """Pay with a card, and print why that was approved or declined.

    Everything that a test authorization takes can be given besides: merchant_data[country]=FR, wallet=apple_pay.
    """
    form: dict[str, Any] = {"card": card, "amount": amount, **assigned(details)}
    if category is not None:
        form["merchant_data[category]"] = category
    if capture and not dry_run:
        form["capture"] = "true"
    story = call(url, api_key, "POST", DRY_RUN if dry_run else PURCHASE, form, account=stripe_account)
    if as_json:
        click.echo(json.dumps(story, indent=2))
    else:
        click.echo("\n".join(why_lines({"id": "dry run", "requests": [story]}) if dry_run else purchase_lines(story)))


def purchase_lines(run: dict[str, Any]) -> Iterator[str]:
    """The verdict, then what was made."""
    yield run["steps"][0]["verdict"]
    yield from (f"{made['object']} {made['id']}" for made in run["objects"])
