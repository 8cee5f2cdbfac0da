"""`script`: what merchants of a kind do with a card, from the first request to the last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from emulator.cli.calling import acting, as_json, call, calling
from emulator.cli.complaints import WrongUse
from emulator.cli.spoken import assigned, at, shown

SCRIPTS = "/_emulator/issuing/scripts"


@click.command()
@click.argument("name", required=False)
@click.argument("details", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--card", metavar="ID", help="The card that is to pay.")
@click.option("--move-clock", is_flag=True, help="Let the time pass that lies between the steps.")
@as_json
@acting
@calling
def script(
    name: str | None,
    details: tuple[str, ...],
    card: str | None,
    move_clock: bool,
    as_json: bool,
    stripe_account: str | None,
    url: str,
    api_key: str | None,
) -> None:
    """Play a merchant's script with a card: hotel, fuel_pump, card_testing and others.

    Without a name, list the scripts with their parameters and what these usually are.
    """
    known = call(url, api_key, "GET", SCRIPTS)
    if name is None:
        click.echo(json.dumps(known, indent=2) if as_json else "\n".join(list_lines(known["data"])))
        return
    if name not in [one["name"] for one in known["data"]]:
        raise WrongUse(f"There is no script {name}; `stripe-emulator script` lists them.")
    if card is None:
        raise WrongUse("Say which card is to pay: --card ic_…")
    form: dict[str, Any] = {"card": card, **assigned(details)}
    if move_clock:
        form["move_clock"] = "true"
    run = call(url, api_key, "POST", f"{SCRIPTS}/{quote(name, safe='')}", form, account=stripe_account)
    click.echo(json.dumps(run, indent=2) if as_json else "\n".join(run_lines(run)))


def list_lines(scripts: list[dict[str, Any]]) -> Iterator[str]:
    """Each script, and below it its parameters with their usual values."""
    for one in scripts:
        yield f"{one['name']:<15} {one['says']}"
        usual = [f"{each['name']}={shown(each['usual'])}" for each in one["parameters"] if each["usual"] is not None]
        yield f"{'':<15} {' '.join(usual)}".rstrip()


def run_lines(run: dict[str, Any]) -> Iterator[str]:
    """How it ended, its steps with their verdicts, what was made, and what happens to that later."""
    yield run["outcome"]
    for step in run["steps"]:
        yield f"{at(step['at'])}  {step['says']}" + (f": {step['verdict']}" if step["verdict"] else "")
    for made in run["objects"]:
        status = f" {made['status']}" if made.get("status") else ""
        yield f"{made['object']} {made['id']}{status} {made['amount']} {made['currency']}"
    for item in run["falls_due"]:
        yield f"{at(item['at'])}  {item['action']} falls due for {item['object']}"
