"""External accounts: the bank accounts and debit cards that an account is paid out to.

The first one of a currency is its default, and one of each currency always is. No number is kept but test numbers,
which decide how a payout ends, and those of our own financial accounts. The cards stand in `cards`.
Source: https://docs.stripe.com/api/external_accounts
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from emulator.connect import bank_test_numbers
from emulator.connect.records.cards import Card
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

    @property
    def available_payout_methods(self) -> list[str]:
        """How money can be paid out to it."""
        is_instant = self.currency == "usd" and self.number != WITHOUT_INSTANT_PAYOUTS
        return ["standard", "instant"] if is_instant else ["standard"]

    @property
    def refuses(self) -> str | None:
        """Why its bank takes no payouts, or None."""
        return bank_test_numbers.refusal(self.country, self.number) if self.number else None

    def render(self, world: World) -> dict[str, Any]:
        """The bank account, its number hidden but for the last digits."""
        members = shown(
            self,
            available_payout_methods=self.available_payout_methods,
            future_requirements=NOTHING_REQUIRED,
            requirements=NOTHING_REQUIRED,
        )
        del members["livemode"]
        return members


ExternalAccount = BankAccount | Card


def fingerprint(country: str, routing: str | None, number: str) -> str:
    """Sixteen characters that are the same for the same bank account."""
    digest = hashlib.sha256(f"{country}:{routing or ''}:{number}".encode()).digest()
    return base62(int.from_bytes(digest[:16]), 16)


def everyone(world: World) -> list[ExternalAccount]:
    """The external accounts of the acting account, newest first."""
    cards = [card for card in world.all(Card) if card.is_external]
    return sorted([*world.all(BankAccount), *cards], key=lambda one: one.created, reverse=True)


def of_currency(world: World, currency: str) -> list[ExternalAccount]:
    """Those of them that are paid out to in a currency."""
    return [one for one in everyone(world) if one.currency == currency]


def find(world: World, id: str | None) -> ExternalAccount | None:
    """The acting account's external account of that id, or None."""
    card = world.find(Card, id)
    return card if card is not None and card.is_external else world.find(BankAccount, id)


def get(world: World, id: str, *, param: str | None = None) -> ExternalAccount:
    """The same. 404 where it has none, 400 when `param` names the parameter that the id came in."""
    return find(world, id) or world.get(BankAccount, id, param=param)


def first_page(accounts: Sequence[ExternalAccount], account: str, world: World) -> dict[str, Any]:
    """The list object inside an account: the newest ten, and how many there are."""
    newest = [world.render(one) for one in accounts[:10]]
    page = listed(newest, f"/v1/accounts/{account}/external_accounts", has_more=len(accounts) > 10)
    return {**page, "total_count": len(accounts)}
