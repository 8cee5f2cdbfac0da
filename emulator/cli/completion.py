"""`completion`: what a shell needs to complete our commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_STRIPE_EMULATOR_COMPLETE"  # what click looks for, made of the command's name


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that completes commands and options: eval "$(stripe-emulator completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None, "click knows these shells"
    root = context.find_root()
    click.echo(kind(root.command, {}, "stripe-emulator", VARIABLE).source())
