"""Who is at the other end of money that came or went by itself: the hash that credits and debits share.

Source: https://docs.stripe.com/api/treasury/received_credits/object
"""

from __future__ import annotations

from typing import Any

from emulator.connect.records.external_accounts import OF_FINANCIAL_ACCOUNTS, TEST_BANK, TEST_ROUTING_NUMBER
from emulator.kernel.params import Enum, Hash, Params, String

# The bank account that Stripe's test helpers use when none is given.
HOLDER, LAST4 = "Jane Austen", "6789"
NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


class BankAccountParams(Params):
    """A bank account at the other end."""

    account_holder_name = String()
    account_number = String(pattern=r"[0-9]{4,17}")
    routing_number = String(pattern=r"[0-9]{9}")


class InitiatingParams(Params):
    """Who sent or took the money, as the test helpers take it."""

    type = Enum(("us_bank_account",), required=True)
    us_bank_account = Hash(BankAccountParams)


def billing(name: str | None) -> dict[str, Any]:
    """What is known of the other side: its name at most."""
    return {"address": NO_ADDRESS, "email": None, "name": name}


def bank_account(sent: dict[str, str] | None = None) -> dict[str, Any]:
    """A bank account, the test one as far as nothing else was sent."""
    sent = sent or {}
    return {
        "type": "us_bank_account",
        "billing_details": billing(sent.get("account_holder_name", HOLDER)),
        "us_bank_account": {
            "bank_name": TEST_BANK,
            "last4": sent.get("account_number", LAST4)[-4:],
            "routing_number": sent.get("routing_number", TEST_ROUTING_NUMBER),
        },
    }


def known_bank(details: dict[str, Any]) -> dict[str, Any]:
    """The bank account that the details of another flow show."""
    bank = details["us_bank_account"]
    return {**details, "us_bank_account": {name: bank[name] for name in ("bank_name", "last4", "routing_number")}}


def issuing_card(card: str) -> dict[str, Any]:
    """A card that a merchant charged or refunded."""
    return {"type": "issuing_card", "billing_details": billing(None), "issuing_card": card}


def financial_account(id: str, holder: str) -> dict[str, Any]:
    """Another financial account, over the stripe network."""
    return {
        "type": "financial_account",
        "billing_details": billing(holder),
        "financial_account": {"id": id, "network": "stripe"},
    }


def payments_balance(holder: str) -> dict[str, Any]:
    """The payments balance of an account."""
    return {"type": "balance", "balance": "payments", "billing_details": billing(holder)}


def stripe() -> dict[str, Any]:
    """Stripe itself."""
    return {"type": "stripe", "billing_details": billing("Stripe")}


def own_bank(holder: str, account_number: str | None) -> dict[str, Any]:
    """A financial account as banks see it: by its numbers, or by its holder alone where it has none."""
    return {
        "type": "us_bank_account",
        "billing_details": billing(holder),
        "us_bank_account": {
            "bank_name": TEST_BANK,
            "last4": account_number and account_number[-4:],
            "routing_number": account_number and OF_FINANCIAL_ACCOUNTS,
        },
    }


def statement_line(details: dict[str, Any], label: str, text: str) -> str:
    """How a transaction describes itself: `Jane Austen (6789) | Received credit | Rent`, without what is unknown."""
    name = details["billing_details"]["name"]
    last4 = details.get("us_bank_account", {}).get("last4")
    who = f"{name} ({last4})" if name and last4 else name
    return " | ".join(part for part in (who, label, text) if part)
