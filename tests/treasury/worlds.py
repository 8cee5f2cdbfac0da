"""What Treasury's tests start from: a connected account, and financial accounts with some features."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.client import Client
from tests.issuing.holders import a_card

ACCOUNTS = "/v1/treasury/financial_accounts"
CREDITS = "/v1/treasury/received_credits"
DEBITS = "/v1/treasury/received_debits"
REVERSALS = "/v1/treasury/debit_reversals"
CREDIT_REVERSALS = "/v1/treasury/credit_reversals"
TRANSACTIONS = "/v1/treasury/transactions"
ENTRIES = "/v1/treasury/transaction_entries"
SEND = "/v1/test_helpers/treasury/received_credits"
TAKE = "/v1/test_helpers/treasury/received_debits"
ABA = "financial_addresses.aba"
EVERYTHING = (
    "card_issuing",
    "deposit_insurance",
    ABA,
    "inbound_transfers.ach",
    "intra_stripe_flows",
    "outbound_payments.ach",
    "outbound_payments.us_domestic_wire",
    "outbound_transfers.ach",
    "outbound_transfers.us_domestic_wire",
)


def moment(text: str) -> int:
    """A date or a time in UTC as unix seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def connected(platform: Client, *capabilities: str, **params: Any) -> Client:
    """A connected account of the platform with these capabilities requested, ready to act."""
    wanted = {name: {"requested": True} for name in capabilities or ("treasury", "card_issuing", "transfers")}
    account = platform.made("/v1/accounts", type="custom", country="US", capabilities=wanted, **params)
    return platform.acting_as(account["id"])


def tree(*paths: str, requested: bool = True) -> dict[str, Any]:
    """Dotted feature paths as the hash that the API takes."""
    found: dict[str, Any] = {}
    for path in paths:
        group, _, name = path.rpartition(".")
        (found.setdefault(group, {}) if group else found)[name] = {"requested": requested}
    return found


def opened(client: Client, *paths: str, **params: Any) -> str:
    """The id of a new financial account with these features, all of them when none is named."""
    features = tree(*(paths or EVERYTHING))
    return client.made(ACCOUNTS, supported_currencies=["usd"], features=features, **params)["id"]


def own_account(platform: Client) -> str:
    """The id of the financial account that the platform starts with."""
    return platform.read(ACCOUNTS)["data"][-1]["id"]


def send(client: Client, financial_account: str, amount: int, network: str = "ach", **params: Any) -> dict[str, Any]:
    """A credit from a bank."""
    return client.made(
        SEND, amount=amount, currency="usd", financial_account=financial_account, network=network, **params
    )


def take(client: Client, financial_account: str, amount: int, **params: Any) -> dict[str, Any]:
    """A debit by a bank."""
    return client.made(
        TAKE, amount=amount, currency="usd", financial_account=financial_account, network="ach", **params
    )


def balance(client: Client, financial_account: str) -> tuple[int, int]:
    """Cash and what is on its way out, in cents."""
    found = client.read(f"{ACCOUNTS}/{financial_account}")["balance"]
    assert found["inbound_pending"] == {"usd": 0}
    return found["cash"]["usd"], found["outbound_pending"]["usd"]


def card_on(client: Client, financial_account: str) -> str:
    """The id of an active card that spends from a financial account."""
    return a_card(client, financial_account=financial_account, status="active")["id"]
