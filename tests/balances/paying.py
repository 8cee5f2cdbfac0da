"""Accounts that pay out: a connected account with money on its balance, and banks of every kind to send it to."""

from __future__ import annotations

from typing import Any

from tests.client import Client
from tests.treasury.sending import bank_account
from tests.treasury.worlds import connected, opened

PAYOUTS = "/v1/payouts"
GOOD = "000123456789"


def topped_up(client: Client, amount: int, **params: Any) -> Client:
    """The same client with money on a balance: the payments balance, or with `destination_balance` the other one."""
    client.made("/v1/topups", **{"amount": amount, "currency": "usd", **params})
    client.read("/v1/balance")  # where it arrives
    return client


def a_business(platform: Client, amount: int = 100_00, number: str = GOOD) -> tuple[Client, str]:
    """A connected account with money on its payments balance, and its bank account."""
    business = connected(platform)
    bank = bank_account(platform, business, account_number=number)
    return topped_up(business, amount), bank


def a_treasury_business(platform: Client, amount: int = 100_00) -> tuple[Client, str, str]:
    """One whose bank account is its own financial account: the client, the bank account, the financial account."""
    business = connected(platform)
    account = opened(business)
    business.read("/v1/balance")
    path = f"/v1/accounts/{business.account}/external_accounts"
    bank = platform.made(path, external_account={"financial_account": account})["id"]
    return topped_up(business, amount), bank, account


def paid_out(client: Client, amount: int = 20_00, **params: Any) -> dict[str, Any]:
    """A payout, as the reply that creates it shows it."""
    return client.made(PAYOUTS, **{"amount": amount, "currency": "usd", **params})


def ended(client: Client, payout: dict[str, Any], **params: Any) -> dict[str, Any]:
    """The same payout by the next request."""
    return client.read(f"{PAYOUTS}/{payout['id']}", **params)


def available(client: Client, currency: str = "usd") -> int:
    """What the payments balance can pay out."""
    found = {entry["currency"]: entry["amount"] for entry in client.read("/v1/balance")["available"]}
    return found.get(currency, 0)


def issuing(client: Client) -> int:
    """What the Issuing balance can spend."""
    return client.read("/v1/balance")["issuing"]["available"][0]["amount"]
