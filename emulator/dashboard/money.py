"""Where the money of an account is: its financial accounts, or the Issuing balance of one that has none."""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.dashboard import charts, formats
from emulator.dashboard.charts import Cash
from emulator.dashboard.view import View
from emulator.kernel.errors import ApiError

MOST_ENTRIES = 100
ENTRIES = "/v1/treasury/transaction_entries"


class Purse(NamedTuple):
    """What can be spent and what is held, in minor units, and where."""

    available: int
    held: int
    currency: str
    where: str
    accounts: list[dict[str, Any]]


def purse(view: View) -> Purse:
    """The money of the account that is looked at: what its financial accounts hold, and its Issuing balance."""
    accounts = [one for one in financial_accounts(view) if one["status"] == "open"]
    currency = accounts[0]["supported_currencies"][0] if accounts else view.currency
    issuing = view.api.get("/v1/balance").get("issuing", {}).get("available", [])
    own = next((one["amount"] for one in issuing if one["currency"] == currency), 0)
    available, held = (
        sum(one["balance"][name].get(currency, 0) for one in accounts) for name in ("cash", "outbound_pending")
    )
    places = [f"in {formats.plural(len(accounts), 'financial account')}"] if accounts else []
    if own or not accounts:
        places.append("on the Issuing balance")
    return Purse(available + own, held, currency, formats.listing(places), accounts)


def financial_accounts(view: View) -> list[dict[str, Any]]:
    """The financial accounts of an account; none where it may have none."""
    try:
        return view.api.get("/v1/treasury/financial_accounts", limit=20)["data"]
    except ApiError:
        return []


def called(account: dict[str, Any]) -> str:
    """What a financial account is called in a list: its last four, or its name."""
    addresses = [one["aba"]["account_number_last4"] for one in account["financial_addresses"] if one["type"] == "aba"]
    return account["nickname"] or (f"•• {addresses[0]}" if addresses else formats.short(account["id"]))


def cash_of(view: View, account: dict[str, Any], declines: list[tuple[int, str]]) -> Cash | None:
    """The chart of a financial account's cash."""
    currency = account["supported_currencies"][0]
    entries = view.api.get(ENTRIES, financial_account=account["id"], limit=MOST_ENTRIES)["data"]
    held = {name: account["balance"][name][currency] for name in ("cash", "outbound_pending")}
    return charts.cash(entries, held, currency, view.now, declines)
