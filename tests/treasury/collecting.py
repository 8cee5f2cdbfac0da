"""What tests about money taken from bank accounts start from."""

from __future__ import annotations

from typing import Any

from tests.client import Client
from tests.treasury.sending import numbers

IBT, HELPERS = "/v1/treasury/inbound_transfers", "/v1/test_helpers/treasury/inbound_transfers"
STAYS = "pm_usBankAccount_processing"
INTENTS = "/v1/setup_intents"


def asked(
    client: Client, target: str, amount: int = 20_00, method: str = "pm_usBankAccount", **params: Any
) -> dict[str, Any]:
    """A transfer from a bank account."""
    return client.made(
        IBT, amount=amount, currency="usd", financial_account=target, origin_payment_method=method, **params
    )


def refused(client: Client, target: str, **params: Any) -> tuple[str | None, str | None, str]:
    """Code, parameter and message of a transfer that is refused."""
    usual = {"amount": 20_00, "currency": "usd", "financial_account": target}
    answer = client.post(IBT, **{**usual, "origin_payment_method": "pm_usBankAccount", **params})
    assert answer.status == 400, answer.json
    assert answer.error["type"] == "invalid_request_error"
    return answer.error.get("code"), answer.error.get("param"), answer.error["message"]


def read(client: Client, transfer: dict[str, Any], **params: Any) -> dict[str, Any]:
    """A transfer as it is now."""
    return client.read(f"{IBT}/{transfer['id']}", **params)


def helped(client: Client, transfer: dict[str, Any], verb: str, **params: Any) -> dict[str, Any]:
    """What a test helper makes of a transfer."""
    return client.made(f"{HELPERS}/{transfer['id']}/{verb}", **params)


def set_up(
    client: Client,
    *directions: str,
    verify: bool = True,
    routing_number: str = "110000000",
    account_number: str = "000123456789",
    **how: Any,
) -> dict[str, Any]:
    """A setup intent for a bank account of the account's own, verified by its micro-deposits where money is taken."""
    intent = client.made(
        INTENTS,
        allowed_payment_method_types=["us_bank_account"],
        confirm=True,
        flow_directions=list(directions),
        payment_method_data={
            "type": "us_bank_account",
            "billing_details": {"name": "Jenny Rosen"},
            "us_bank_account": {
                "account_holder_type": "individual",
                "account_number": account_number,
                "routing_number": routing_number,
            },
        },
        **({"mandate_data": {"customer_acceptance": {"type": "offline"}}} if "inbound" in directions else {}),
        **(how or {"attach_to_self": True}),
    )
    if verify and intent["status"] == "requires_action":
        return client.made(f"{INTENTS}/{intent['id']}/verify_microdeposits", amounts=[32, 45])
    return intent


def saved_account(client: Client, owner: Client, account: str) -> str:
    """A payment method of the client's that is a financial account of the owner's, by its numbers."""
    return set_up(client, "inbound", **numbers(owner, account))["payment_method"]
