"""What a newcomer is told to try: the commands that `demo` prints, and those of the front page."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

DEFAULT_URL = "http://127.0.0.1:12111"
DEMO_KEY = "sk_test_demo"


class Command(NamedTuple):
    """A command to paste into a shell, and what it is for."""

    says: str
    line: str


def in_any_world(url: str) -> list[Command]:
    """Three commands that work on any server, whatever its worlds hold."""
    return [
        Command("any test key opens a world of its own", f"curl {url}/v1/balance -u {DEMO_KEY}:"),
        Command("fill this one: an account, money, a card, three purchases", ours(url, "seed demo")),
        Command("why was the last purchase declined? With the id that was printed last", ours(url, "why iauth_…")),
    ]


def in_the_demo(url: str, *, account: str | None, card: str, currency: str, declined: str) -> list[Command]:
    """Three commands with the ids of a demo world; `account` is None where the card is the platform's own."""
    as_account = f"-u {DEMO_KEY}:" + (f" -H 'Stripe-Account: {account}'" if account else "")
    return [
        Command("why was the purchase at a casino declined?", ours(url, f"why {declined}")),
        Command(
            "what has been bought with the card so far",
            f"curl {url}/v1/issuing/authorizations {as_account} -G -d card={card}",
        ),
        Command(
            "buy something",
            f"curl {url}/v1/test_helpers/issuing/authorizations {as_account} \\\n"
            f"  -d card={card} -d amount=2500 -d currency={currency}",
        ),
    ]


def ours(url: str, words: str) -> str:
    """A call of our own command; the address is left out where the command finds the server without."""
    where = "" if url == DEFAULT_URL else f" --url {url}"
    return f"STRIPE_API_KEY={DEMO_KEY} {own_name()} {words}{where}"


def own_name() -> str:
    """How this command can be called again: by name where that is found, else by the path it was called by."""
    called = Path(sys.argv[0])
    found = shutil.which("stripe-emulator") is not None or called.name != "stripe-emulator"
    return "stripe-emulator" if found else shlex.quote(str(called.absolute()))
