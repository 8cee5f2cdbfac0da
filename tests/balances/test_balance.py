"""The balance: what is there at the start, and what funding does to it."""

import pytest

from tests.issuing.holders import a_connected_account


def test_a_new_platform_has_one_entry_of_everything_at_zero(platform):
    balance = platform.read("/v1/balance")

    nothing = [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}]
    assert balance == {
        "object": "balance",
        "available": nothing,
        "connect_reserved": [{"amount": 0, "currency": "usd"}],
        "issuing": {"available": nothing},
        "livemode": False,
        "pending": nothing,
    }


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp", "jpy"])
def test_funding_the_issuing_balance_shows_there_and_nowhere_else(platform, currency):
    platform.made("/v1/test_helpers/issuing/fund_balance", amount=500_00, currency=currency)

    balance = platform.read("/v1/balance")

    held = {entry["currency"]: entry["amount"] for entry in balance["issuing"]["available"]}
    assert held == {"usd": 0, currency: 500_00}
    assert [entry["amount"] for entry in balance["available"] + balance["pending"]] == [0, 0]


def test_the_default_currency_comes_first(platform):
    for currency in ("eur", "aud", "usd"):
        platform.made("/v1/test_helpers/issuing/fund_balance", amount=1, currency=currency)

    entries = platform.read("/v1/balance")["issuing"]["available"]

    assert [entry["currency"] for entry in entries] == ["usd", "aud", "eur"]


def test_the_balance_has_nothing_to_expand(platform):
    refusal = platform.get("/v1/balance", expand=["issuing"])

    assert refusal.status == 400
    assert refusal.error["param"] == "expand"


def test_a_connected_account_has_an_issuing_balance_once_it_asks_for_cards(platform):
    plain = a_connected_account(platform, "transfers", country="GB")
    issuer = a_connected_account(platform, "transfers", "card_issuing", country="GB")

    nothing = [{"amount": 0, "currency": "gbp", "source_types": {"card": 0}}]
    assert plain.read("/v1/balance") == {
        "object": "balance",
        "available": nothing,
        "livemode": False,
        "pending": nothing,
    }
    assert issuer.read("/v1/balance")["issuing"] == {"available": nothing}


def test_balances_of_accounts_are_apart(platform):
    account = a_connected_account(platform, "card_issuing", "transfers")
    account.made("/v1/test_helpers/issuing/fund_balance", amount=1_00, currency="usd")

    (entry,) = account.read("/v1/balance_transactions")["data"]

    assert account.read("/v1/balance")["issuing"]["available"][0]["amount"] == 1_00
    assert platform.read("/v1/balance")["issuing"]["available"][0]["amount"] == 0
    assert platform.read("/v1/balance_transactions")["data"] == []
    assert platform.get(f"/v1/balance_transactions/{entry['id']}").status == 404
