"""External accounts: the bank accounts that an account is paid out to.

The first one of a currency is its default, and one of each currency always is. No number is kept but test numbers,
which decide how a payout ends, and those of our own financial accounts.
Source: https://docs.stripe.com/api/external_accounts
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from emulator.kernel.ids import base62
from emulator.kernel.lists import listed
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.world import World

WITHOUT_INSTANT_PAYOUTS = "000888888883"
# What test mode calls the bank of every account number that it takes, and the routing number of the tokens.
TEST_BANK, TEST_ROUTING_NUMBER = "STRIPE TEST BANK", "110000000"
# The emulator's own; no bank has it.
OF_FINANCIAL_ACCOUNTS = "000000001"
NOTHING_REQUIRED: dict[str, list[str]] = {
    "currently_due": [],
    "errors": [],
    "past_due": [],
    "pending_verification": [],
}


@record(
    "bank_account",
    prefix="ba",
    noun="external account",
    filters=("currency",),
    can_go=True,
    hidden=("created", "number", "documents", "financial_account"),
    expands=("account",),
    silent=("default_for_currency",),
)
class BankAccount:
    """A bank account that payouts can go to. `number` is kept only if it is a documented test number or one of ours.

    One that is a financial account of the same owner names it, and is verified from the start.
    """

    id: str
    created: int
    account: str
    country: str
    currency: str
    last4: str
    fingerprint: str
    routing_number: str | None
    number: str | None
    account_holder_name: str | None = None
    account_holder_type: str | None = None
    account_type: str | None = None
    bank_name: str = TEST_BANK
    default_for_currency: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    status: str = "new"
    documents: dict[str, Any] | None = None
    financial_account: str | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The bank account, its number hidden but for the last digits."""
        instant = self.currency == "usd" and self.number != WITHOUT_INSTANT_PAYOUTS
        members = shown(
            self,
            available_payout_methods=["standard", "instant"] if instant else ["standard"],
            future_requirements=NOTHING_REQUIRED,
            requirements=NOTHING_REQUIRED,
        )
        del members["livemode"]
        return members


def fingerprint(country: str, routing: str | None, number: str) -> str:
    """Sixteen characters that are the same for the same bank account."""
    digest = hashlib.sha256(f"{country}:{routing or ''}:{number}".encode()).digest()
    return base62(int.from_bytes(digest[:16]), 16)


def everyone(world: World) -> list[BankAccount]:
    """The external accounts of the acting account, newest first."""
    return world.all(BankAccount)


def first_page(accounts: Sequence[BankAccount], account: str, world: World) -> dict[str, Any]:
    """The list object inside an account: the newest ten, and how many there are."""
    newest = [world.render(one) for one in accounts[:10]]
    page = listed(newest, f"/v1/accounts/{account}/external_accounts", has_more=len(accounts) > 10)
    return {**page, "total_count": len(accounts)}
