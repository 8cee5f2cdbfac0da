"""The statement of a financial account: it begins with what was there, and adds up."""

from __future__ import annotations

import pytest

from tests.client import Client
from tests.issuing.purchases import DAY, a_treasury_spender, authorize, cash_and_pending, done

NOON = 2_147_169_600  # Fri 15 Jan 2038, 12:00 UTC
MIDNIGHT = NOON - 12 * 3600


def statement(client: Client, account: str, **params: object) -> dict:
    return client.read(f"/_emulator/treasury/financial_accounts/{account}/statement", **params)


@pytest.fixture
def spender(platform):
    """A connected account, its financial account with 200.00, and its card, at noon of a frozen day."""
    platform.clock(set=NOON, frozen=True)
    return a_treasury_spender(platform)


def test_a_statement_tells_the_balance_after_each_entry_and_adds_up(spender):
    client, account, card = spender
    done(client, authorize(client, card, 30_00), "capture")
    authorize(client, card, 5_00)

    told = statement(client, account)

    assert (told["since"], told["until"]) == (MIDNIGHT, MIDNIGHT + DAY)
    assert told["opening"] == {"cash": 0, "outbound_pending": 0}
    assert [(one["type"], one["balance"]["cash"], one["balance"]["outbound_pending"]) for one in told["data"]] == [
        ("received_credit", 200_00, 0),
        ("issuing_authorization_hold", 170_00, 30_00),
        ("issuing_authorization_release", 200_00, 0),
        ("received_debit", 170_00, 0),
        ("issuing_authorization_hold", 165_00, 5_00),
    ]
    assert told["data"][1]["description"] == "Rocket Rides"
    assert (told["closing"]["cash"], told["closing"]["outbound_pending"]) == cash_and_pending(client, account)


def test_what_a_day_begins_with_is_what_the_day_before_ended_with(platform, spender):
    client, account, card = spender
    authorize(client, card, 30_00)
    platform.clock(advance=DAY)
    authorize(client, card, 5_00)

    first, second = statement(client, account, since=MIDNIGHT), statement(client, account)

    assert first["closing"] == second["opening"] == {"cash": 170_00, "outbound_pending": 30_00}
    assert len(second["data"]) == 1
    assert statement(client, account, since=MIDNIGHT - DAY)["closing"] == {"cash": 0, "outbound_pending": 0}


def test_a_long_day_is_told_in_parts_that_follow_on_each_other(spender):
    client, account, card = spender
    for amount in (1_00, 2_00, 3_00):
        authorize(client, card, amount)

    first = statement(client, account, limit=2)
    second = statement(client, account, limit=2, starting_after=first["data"][-1]["id"])

    assert (first["has_more"], second["has_more"]) == (True, False)
    assert first["closing"] == second["opening"] == {"cash": 199_00, "outbound_pending": 1_00}
    assert second["closing"] == {"cash": 194_00, "outbound_pending": 6_00}


def test_an_entry_of_another_account_is_no_place_to_go_on_from(spender):
    client, account, _ = spender

    for cursor in ("trxne_none", "fa_1"):
        reply = client.get(f"/_emulator/treasury/financial_accounts/{account}/statement", starting_after=cursor)
        assert (reply.status, reply.error["param"]) == (400, "starting_after")
    assert client.get("/_emulator/treasury/financial_accounts/fa_none/statement").status == 404
