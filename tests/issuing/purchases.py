"""What tests about purchases start from: money, a card that may pay, and the steps of a purchase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from emulator.kernel.wire.keys import key_of
from emulator.kernel.world import World
from tests.client import Answer, Client
from tests.examining import examine_tenant
from tests.issuing.holders import a_card, a_cardholder, a_connected_account

AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"
TRANSACTIONS = "/v1/test_helpers/issuing/transactions"
FINANCIAL_ACCOUNTS = "/v1/treasury/financial_accounts"
DAY = 24 * 60 * 60
NO_LIMITS = {"spending_limits": None}
# What the test helpers of authorizations cannot do without.
NEEDED: dict[str, dict[str, Any]] = {
    "increment": {"increment_amount": 1_00},
    "finalize_amount": {"final_amount": 1_00},
}


def fund(client: Client, amount: int, currency: str = "usd") -> None:
    """Put money into the Issuing balance."""
    client.made("/v1/test_helpers/issuing/fund_balance", amount=amount, currency=currency)


def a_spender(client: Client, funds: int = 500_00, **more: Any) -> dict[str, Any]:
    """An active card without limits, on an Issuing balance with some money."""
    if funds:
        fund(client, funds)
    return a_card(client, **{"status": "active", "spending_controls": NO_LIMITS, **more})


def a_treasury_spender(platform: Client, funds: int = 200_00, **more: Any) -> tuple[Client, str, dict[str, Any]]:
    """A connected account with a funded financial account, and an active card without limits on it."""
    client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
    account = client.made(
        FINANCIAL_ACCOUNTS,
        supported_currencies=["usd"],
        features={
            "card_issuing": {"requested": True},
            "financial_addresses": {"aba": {"requested": True}},
        },
    )["id"]
    if funds:
        receive(client, account, funds)
    card = a_card(client, **{"status": "active", "spending_controls": NO_LIMITS, "financial_account": account, **more})
    return client, account, card


def receive(client: Client, account: str, amount: int) -> None:
    """Have a bank send money to a financial account."""
    client.made(
        "/v1/test_helpers/treasury/received_credits",
        amount=amount,
        currency="usd",
        financial_account=account,
        network="ach",
    )


def authorize(client: Client, card: dict[str, Any] | str, amount: int | None = None, **more: Any) -> dict[str, Any]:
    """A request for a card, approved or not."""
    id = card if isinstance(card, str) else card["id"]
    if amount is not None:
        more["amount"] = amount
    return client.made(AUTHORIZATIONS, card=id, **more)


def helper(client: Client, authorization: dict[str, Any], verb: str, **params: Any) -> Answer:
    """One of the test helpers on an authorization."""
    return client.post(f"{AUTHORIZATIONS}/{authorization['id']}/{verb}", **params)


def done(client: Client, authorization: dict[str, Any], verb: str, **params: Any) -> dict[str, Any]:
    """A test helper that must succeed; the authorization afterwards."""
    answer = helper(client, authorization, verb, **params)
    assert answer.status == 200, answer.json
    return answer.json


def refund(client: Client, transaction: dict[str, Any], **params: Any) -> Answer:
    """A refund of a capture."""
    return client.post(f"{TRANSACTIONS}/{transaction['id']}/refund", **params)


def force_capture(client: Client, card: dict[str, Any], amount: int, **more: Any) -> dict[str, Any]:
    """A capture without authorization."""
    return client.made(f"{TRANSACTIONS}/create_force_capture", card=card["id"], amount=amount, **more)


def available(client: Client, currency: str = "usd") -> int:
    """What the Issuing balance can spend."""
    shown = client.read("/v1/balance")["issuing"]["available"]
    return next((one["amount"] for one in shown if one["currency"] == currency), 0)


def cash_and_pending(client: Client, account: str) -> tuple[int, int]:
    """What a financial account can spend, and what it has promised."""
    balance = client.read(f"{FINANCIAL_ACCOUNTS}/{account}")["balance"]
    return balance["cash"]["usd"], balance["outbound_pending"]["usd"]


def balance_rows(client: Client) -> list[tuple[str, int]]:
    """Type and amount of every balance transaction, oldest first."""
    rows = client.read("/v1/balance_transactions", limit=100)["data"]
    return [(row["type"], row["amount"]) for row in reversed(rows)]


def reasons(authorization: dict[str, Any]) -> list[str]:
    """Why each request was decided as it was."""
    return [entry["reason"] for entry in authorization["request_history"]]


def another_cardholder(client: Client, **more: Any) -> str:
    """The id of a new cardholder."""
    return a_cardholder(client, **more)["id"]


@contextmanager
def in_a_step(client: Client) -> Iterator[World]:
    """The world of the client's account during one step, for what no operation brings about."""
    tenant = client.app.emulator.tenants.open(key_of(f"Bearer {client.key}").tenant)  # type: ignore[attr-defined]
    with tenant.writing() as step:
        yield World(step, client.account or step.row.platform)


def why(client: Client, authorization: dict[str, Any]) -> dict[str, Any]:
    """What the emulator says of an authorization's decisions."""
    return client.read(f"/_emulator/why/{authorization['id']}")


def findings(client: Client) -> list[str]:
    """What the doctor finds wrong with the client's tenant."""
    tenant = client.app.emulator.tenants.open(key_of(f"Bearer {client.key}").tenant)  # type: ignore[attr-defined]
    return [f"{finding.what}: {finding.detail}" for finding in examine_tenant(tenant)]
