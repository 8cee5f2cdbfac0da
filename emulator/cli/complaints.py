"""What a command says when it cannot go on, and the exit code it ends with."""

from __future__ import annotations

import click


class WrongUse(click.ClickException):
    """Something the person at the keyboard can put right, as one sentence. Exit code 2."""

    exit_code = 2


class Refused(click.ClickException):
    """What the server said no to, in its words. Exit code 1."""

    exit_code = 1
