"""Every page of the dashboard, with the ids of the demo world: what tests go through one by one."""

from __future__ import annotations

from typing import Any

# By what a page is called. A word in braces is the id of what the demo world has made.
ADDRESSES = {
    "overview": "",
    "terminal": "/terminal",
    "terminal, declined": "/terminal?auth={declined_purchase}",
    "terminal, approved": "/terminal?auth={open_purchase}",
    "categories": "/terminal/categories",
    "purchases": "/authorizations",
    "purchases, none": "/authorizations?status=reversed",
    "purchase, captured": "/authorizations/{captured_purchase}",
    "purchase, open": "/authorizations/{open_purchase}",
    "purchase, declined": "/authorizations/{declined_purchase}",
    "cards": "/cards",
    "card": "/cards/{card}",
    "new card": "/cards/new",
    "cardholders": "/cardholders",
    "cardholder": "/cardholders/{cardholder}",
    "new cardholder": "/cardholders/new",
    "disputes": "/disputes",
    "new dispute": "/disputes/new?transaction={transaction}",
    "dispute": "/disputes/{dispute}",
    "financial accounts": "/financial_accounts",
    "financial account": "/financial_accounts/{financial_account}",
    "transfers": "/flows",
    "transfers, out": "/flows?kind=outbound_transfers",
    "payouts": "/flows?kind=payouts",
    "transfer": "/flows/{transfer}",
    "credit": "/flows/{received_credit}",
    "accounts": "/accounts",
    "account": "/accounts/{account}",
    "events": "/events",
    "events, failed": "/events?failed=1",
    "event": "/events/{event}",
    "endpoints": "/endpoints",
    "endpoint": "/endpoints/{endpoint}",
    "verdict": "/verdict",
    "requests": "/requests",
    "request": "/requests/{request}",
    "faults": "/faults",
    "clock": "/clock",
    "settings": "/settings",
    "an object": "/objects/{transaction}",
    "found": "/find?q=taxi",
    "found, nothing": "/find?q=nobody",
    "worlds": "/worlds",
    "sign in": "/sign_in",
    "not found": "/nothing",
}


def address(name: str, ids: dict[str, Any]) -> str:
    """The address of a page."""
    return "/dashboard" + ADDRESSES[name].format(**ids)
