"""Micro-deposits: one cent sent to a bank account, whose owner proves it by the code in its description.

In test mode nothing is sent, and what is answered decides. Either kind of proof is taken.
Source: https://docs.stripe.com/payments/ach-direct-debit/set-up-payment#test-account-numbers
"""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from emulator.banking_days import days_after
from emulator.kernel.errors import ApiError
from emulator.kernel.render import Content
from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenants, token_of
from emulator.kernel.world import World

DAY = 24 * 60 * 60
DAYS_TO_VERIFY = 10
KIND = "descriptor_code"
BANK_TIME = "America/Los_Angeles"
# How often a proof may be wrong, and what each means.
TRIES = {"amounts": 3, "descriptor_code": 10}
RIGHT = ([32, 45], "SM11AA")
EXCEEDED = ([10, 11], "SM33CC")
TOO_LATE = ([40, 41], "SM44DD")
PREFIX = "payment_method_microdeposit_"
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Verify your bank account</title></head>
<body>
<h1>Verify your bank account</h1>
<p>{bank} ····{last4}, {id}: {status}.</p>
<p>No money has moved. Send one of these to <code>POST /v1/setup_intents/{id}/verify_microdeposits</code>:</p>
<ul>
<li><code>descriptor_code=SM11AA</code>, or <code>amounts[]=32</code> and <code>amounts[]=45</code>: verified</li>
<li><code>descriptor_code=SM33CC</code>, or <code>amounts[]=10</code> and <code>amounts[]=11</code>: too often</li>
<li><code>descriptor_code=SM44DD</code>, or <code>amounts[]=40</code> and <code>amounts[]=41</code>: too late</li>
<li>anything else: it does not match</li>
</ul>
</body>
</html>
"""


class Mistake(NamedTuple):
    """Why a bank account is not verified."""

    code: str
    message: str


FAILED = Mistake(f"{PREFIX}failed", "Microdeposit transfers failed. Please check the account and routing numbers.")
TOO_OFTEN = Mistake(
    f"{PREFIX}verification_attempts_exceeded", "You have exceeded the number of allowed verification attempts."
)
TIMEOUT = Mistake(
    f"{PREFIX}verification_timeout",
    "Microdeposit verification timed out. The bank account was not verified within the required 10-day period.",
)


def mismatch(proof: str, left: int) -> Mistake:
    """What is said of a proof that is wrong."""
    texts = {
        "amounts": "The amounts provided do not match the amounts that were sent to the bank account.",
        "descriptor_code": (
            "The descriptor code provided does not match the descriptor code that was sent to the bank account."
        ),
    }
    return Mistake(
        f"{PREFIX}verification_{proof}_mismatch", f"{texts[proof]} You have {left} verification attempts remaining."
    )


def arrival(now: int) -> int:
    """Midnight in the bank's time at the start of the next banking day; unix seconds."""
    zone = ZoneInfo(BANK_TIME)
    day = days_after(datetime.fromtimestamp(now, zone).date(), 1)
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def url(world: World, id: str) -> str:
    """Where the owner of the bank account can read what to do."""
    return world.url("/microdeposit/" + token_of(world, id))


def read(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """The page behind such an address. 404 for a token that names nothing."""
    named = tenants.named_by(token)
    if named is None:
        raise nothing_here()
    tenant, id = named
    kinds = tenants.catalog.records
    with tenant.reading() as step:
        world = World(step, step.row.platform)
        found = world.anywhere(kinds["setup_intent"], id)
        method = world.anywhere(kinds["payment_method"], found[1].payment_method) if found else None
        if found is None or method is None or method[1].us_bank_account is None:
            raise nothing_here()
        bank, status = method[1].us_bank_account, found[1].status
    facts = {"bank": bank["bank_name"], "last4": bank["last4"], "id": id, "status": status.replace("_", " ")}
    return Content(PAGE.format(**{name: escape(text) for name, text in facts.items()}).encode(), "text/html")


def nothing_here() -> ApiError:
    """404 for an address that leads nowhere."""
    return ApiError(404, "There is no bank account to verify at this address.")


ROUTES = [GET("/microdeposit/{token}", read, scope="server")]
