"""Any object by its id alone."""

from __future__ import annotations

import pytest

from tests.client import Client
from tests.issuing.purchases import a_spender, a_treasury_spender


def test_an_object_of_a_connected_account_is_found_with_whose_it_is(platform: Client) -> None:
    client, financial_account, card = a_treasury_spender(platform, 5_00)

    found = platform.read(f"/_emulator/objects/{card['id']}")

    assert found["account"] == client.account and found["platform"] != client.account
    assert found["data"] == client.read(f"/v1/issuing/cards/{card['id']}")
    assert platform.read(f"/_emulator/objects/{financial_account}")["data"]["object"] == "treasury.financial_account"


def test_what_is_read_from_the_ledger_is_found_too(platform: Client) -> None:
    a_spender(platform)
    (transaction, *_) = platform.read("/v1/balance_transactions")["data"]

    found = platform.read(f"/_emulator/objects/{transaction['id']}")

    assert found["data"] == transaction and found["account"] == found["platform"]


def test_an_account_belongs_to_its_platform(platform: Client) -> None:
    account = platform.made("/v1/accounts", country="US")["id"]

    found = platform.read(f"/_emulator/objects/{account}")

    assert found["account"] == found["platform"] and found["data"]["id"] == account


@pytest.mark.parametrize("id", ["ic_none", "none", "nextauth_1", "_"])
def test_what_is_no_object_is_not_found(platform: Client, id: str) -> None:
    answer = platform.get(f"/_emulator/objects/{id}")

    assert answer.status == 404 and answer.error["code"] == "resource_missing" and answer.error["param"] == "id"


def test_nothing_of_another_world_is_found(platform: Client, app) -> None:
    card = a_spender(platform)["id"]

    assert Client(app, "sk_test_objects_elsewhere").get(f"/_emulator/objects/{card}").status == 404


def test_no_secret_is_shown(platform: Client) -> None:
    card = a_spender(platform)["id"]
    endpoint = platform.made("/v1/webhook_endpoints", url="https://example.com", enabled_events=["*"])

    assert "number" not in platform.read(f"/_emulator/objects/{card}")["data"]
    assert endpoint["secret"] not in str(platform.read(f"/_emulator/objects/{endpoint['id']}"))
