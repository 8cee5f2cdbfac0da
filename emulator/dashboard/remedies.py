"""What somebody changes so that a declined purchase is approved, and the same purchase once more."""

from __future__ import annotations

from typing import Any

from emulator.dashboard import purchases
from emulator.dashboard.view import View
from emulator.kernel.errors import invalid


def again(authorization: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the same purchase."""
    merchant = {
        name: one
        for name, one in authorization["merchant_data"].items()
        if one and name not in ("category_code", "tax_id")
    }
    sent = {
        "card": authorization["card"]["id"],
        "amount": purchases.asked(authorization),
        "currency": authorization["currency"],
        "authorization_method": authorization["authorization_method"],
        "merchant_data": merchant,
    }
    return {**sent, "wallet": authorization["wallet"]} if authorization["wallet"] else sent


def remedy(view: View, authorization: dict[str, Any], does: str, value: str) -> None:
    """Change what a rule objected to. 400 for what none of ours does."""
    card, category = authorization["card"], authorization["merchant_data"]["category"]
    holder = card["cardholder"]
    if does == "limit":
        owner, interval, limit = value.split(" ")
        whose = (f"/v1/issuing/cards/{card['id']}", card) if owner == "card" else (holder_path(holder), holder)
        raise_limit(view, *whose, interval, int(limit), category)
    elif does == "category":
        allow_category(view, card, category)
    elif does == "outbound":
        path = f"/v1/treasury/financial_accounts/{card['financial_account']}"
        view.api.post(path, platform_restrictions={"outbound_flows": "unrestricted"})
    elif does == "card":
        view.api.post(f"/v1/issuing/cards/{card['id']}", status="active")
    elif does == "cardholder":
        view.api.post(holder_path(holder), status="active")
    elif does == "deposit":
        deposit(view, card["financial_account"], int(value), authorization["currency"])
    else:
        raise invalid(f"Nothing here does {does}.", param="does")


def holder_path(holder: dict[str, Any]) -> str:
    """Where a cardholder is."""
    return f"/v1/issuing/cardholders/{holder['id']}"


def raise_limit(view: View, path: str, owner: dict[str, Any], interval: str, amount: int, category: str | None) -> None:
    """Raise every limit of an interval that looks at a category to an amount at least; one is added where none is."""
    limits = [dict(one) for one in owner["spending_controls"]["spending_limits"] or []]
    meant = [
        one
        for one in limits
        if one["interval"] == interval and (not one["categories"] or category is None or category in one["categories"])
    ]
    for one in meant:
        one["amount"] = max(one["amount"], amount)
    set_limits(view, path, limits if meant else [*limits, {"amount": amount, "interval": interval}])


def set_limits(view: View, path: str, limits: list[dict[str, Any]]) -> None:
    """Put limits in place of those that a card or a cardholder has."""
    shown = [{name: one for name, one in limit.items() if one != []} for limit in limits]
    view.api.post(path, spending_controls={"spending_limits": shown or ""})


def allow_category(view: View, card: dict[str, Any], category: str) -> None:
    """Take a category from those that a card blocks, or add it to those that it allows."""
    controls = card["spending_controls"]
    if controls["allowed_categories"]:
        changed = {"allowed_categories": [*controls["allowed_categories"], category]}
    else:
        changed = {"blocked_categories": [one for one in controls["blocked_categories"] or [] if one != category] or ""}
    view.api.post(f"/v1/issuing/cards/{card['id']}", spending_controls=changed)


def deposit(view: View, account: str | None, amount: int, currency: str) -> None:
    """Bring money to where a card's is: a financial account, or the Issuing balance."""
    if account is None:
        view.api.post("/v1/test_helpers/issuing/fund_balance", amount=amount, currency=currency)
        return
    view.api.post(
        "/v1/test_helpers/treasury/received_credits",
        amount=amount,
        currency=currency,
        financial_account=account,
        network="ach",
    )
