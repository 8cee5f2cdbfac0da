"""What tests of payments share: intents that are paid, and what is on balances afterwards."""

from __future__ import annotations

from typing import Any

from tests.client import Client
from tests.examining import examine_tenant

INTENTS, CHARGES, REFUNDS, DISPUTES = "/v1/payment_intents", "/v1/charges", "/v1/refunds", "/v1/disputes"
TRANSACTIONS, FEES = "/v1/balance_transactions", "/v1/application_fees"
CARDS_ONLY = {"allowed_payment_method_types": ["card"]}
BANKS_ONLY = {"allowed_payment_method_types": ["us_bank_account"]}
OFFLINE = {"customer_acceptance": {"type": "offline"}}
DAY = 24 * 60 * 60


def intent(client: Client, amount: int = 20_00, **more: Any) -> dict[str, Any]:
    """An intent that takes cards."""
    return client.made(INTENTS, **{"amount": amount, "currency": "usd", **CARDS_ONLY, **more})


def paid(client: Client, amount: int = 20_00, method: str = "pm_card_visa", **more: Any) -> dict[str, Any]:
    """An intent that a card has paid, once its money is booked."""
    made = intent(client, amount, payment_method=method, confirm=True, **more)
    return client.read(f"{INTENTS}/{made['id']}")


def declined(client: Client, method: str, **more: Any) -> dict[str, Any]:
    """The error of an intent that a card does not pay."""
    refusal = client.post(
        INTENTS, **{"amount": 20_00, "currency": "usd", **CARDS_ONLY, "payment_method": method, "confirm": True, **more}
    )
    assert refusal.status == 402, refusal.json
    return refusal.error


def debited(client: Client, token: str = "pm_usBankAccount_success", **more: Any) -> dict[str, Any]:
    """An intent that waits for a bank."""
    sent = {"amount": 20_00, "currency": "usd", **BANKS_ONLY, "payment_method": token, "confirm": True}
    return client.made(INTENTS, **{**sent, "mandate_data": OFFLINE, **more})


def balance(client: Client, currency: str = "usd") -> tuple[int, int]:
    """What is available, and what is pending."""
    found = client.read("/v1/balance")
    return tuple(  # type: ignore[return-value]
        sum(one["amount"] for one in found[what] if one["currency"] == currency) for what in ("available", "pending")
    )


def said_by_doctor(client: Client) -> list[str]:
    """Everything that the doctor finds wrong."""
    tenant = client.app.emulator.tenants.open(client.key.removeprefix("sk_test_"))
    return list(examine_tenant(tenant))
