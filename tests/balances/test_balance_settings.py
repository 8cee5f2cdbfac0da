"""Balance settings: one record with the account's own, per account, and refused by name where nothing would follow."""

from __future__ import annotations

import pytest

from tests.balances.paying import a_business
from tests.issuing.holders import told
from tests.treasury.worlds import connected

SETTINGS = "/v1/balance_settings"


def schedule_of(platform, business):
    """The schedule as the account shows it."""
    return platform.read(f"/v1/accounts/{business.account}")["settings"]["payouts"]["schedule"]


def test_an_account_starts_with_these(platform):
    business, _ = a_business(platform)

    assert business.read(SETTINGS) == {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": False,
            "payouts": {
                "automatic_transfer_rules_by_currency": None,
                "minimum_balance_by_currency": None,
                "schedule": {"interval": "daily"},
                "statement_descriptor": None,
                "status": "enabled",
            },
            "settlement_timing": {"delay_days": 2},
        },
    }
    assert platform.read(SETTINGS)["payments"]["debit_negative_balances"] is True
    assert connected(platform).read(SETTINGS)["payments"]["payouts"]["status"] == "enabled"


def test_what_is_said_here_shows_on_the_account_and_both_are_told(platform):
    business, _ = a_business(platform)
    since = len(business.events())

    business.made(
        SETTINGS,
        payments={
            "debit_negative_balances": True,
            "payouts": {
                "minimum_balance_by_currency": {"USD": 50_00, "eur": 1},
                "schedule": {"interval": "weekly", "weekly_payout_days": ["monday", "friday"]},
                "statement_descriptor": "BAKERY",
            },
            "settlement_timing": {"delay_days_override": 7},
        },
    )

    payments = business.read(SETTINGS)["payments"]
    assert payments["debit_negative_balances"] is True
    assert payments["payouts"]["schedule"] == {"interval": "weekly", "weekly_payout_days": ["monday", "friday"]}
    assert payments["payouts"]["minimum_balance_by_currency"] == {"eur": 1, "usd": 50_00}
    assert payments["payouts"]["statement_descriptor"] == "BAKERY"
    assert payments["settlement_timing"] == {"delay_days": 7, "delay_days_override": 7}
    shown = platform.read(f"/v1/accounts/{business.account}")["settings"]["payouts"]
    assert shown == {
        "debit_negative_balances": True,
        "schedule": {"delay_days": 7, "interval": "weekly", "weekly_payout_days": ["monday", "friday"]},
        "statement_descriptor": "BAKERY",
    }
    (account, before), (settings, earlier) = told(business, since)
    assert (account, settings) == ("account.updated", "balance_settings.updated")
    assert before["settings"]["payouts"]["schedule"]["interval"] == "daily"
    assert earlier["payments"]["payouts"]["schedule"] == {"interval": "daily", "weekly_payout_days": None}
    assert earlier["payments"]["settlement_timing"] == {"delay_days": 2, "delay_days_override": None}


def test_what_is_said_of_the_account_shows_here(platform):
    business, _ = a_business(platform)
    path = f"/v1/accounts/{business.account}"

    platform.made(path, settings={"payouts": {"schedule": {"interval": "monthly", "monthly_anchor": 5}}})

    assert business.read(SETTINGS)["payments"]["payouts"]["schedule"] == {
        "interval": "monthly",
        "monthly_payout_days": [5],
    }
    assert [type for type, _ in told(business)[-2:]] == ["balance_settings.updated", "account.updated"]


def test_days_have_two_names_and_the_one_sent_last_counts(platform):
    business, _ = a_business(platform)
    path = f"/v1/accounts/{business.account}"
    anchored = {"interval": "weekly", "weekly_anchor": "monday"}

    platform.made(path, settings={"payouts": {"schedule": anchored}})
    business.made(SETTINGS, payments={"payouts": {"schedule": {"weekly_payout_days": ["friday"]}}})
    assert schedule_of(platform, business) == {"delay_days": 2, "interval": "weekly", "weekly_payout_days": ["friday"]}
    platform.made(path, settings={"payouts": {"schedule": {"weekly_anchor": "tuesday"}}})

    assert schedule_of(platform, business) == {"delay_days": 2, "interval": "weekly", "weekly_anchor": "tuesday"}
    assert business.read(SETTINGS)["payments"]["payouts"]["schedule"]["weekly_payout_days"] == ["tuesday"]


def test_what_is_emptied_is_as_it_was_and_the_rest_stays(platform):
    business, _ = a_business(platform)
    business.made(
        SETTINGS,
        payments={
            "payouts": {"minimum_balance_by_currency": {"eur": 1, "usd": 2}, "statement_descriptor": "BAKERY"},
            "settlement_timing": {"delay_days_override": 31},
        },
    )

    business.made(
        SETTINGS,
        payments={
            "payouts": {"minimum_balance_by_currency": {"eur": None}},
            "settlement_timing": {"delay_days_override": None},
        },
    )
    half = business.read(SETTINGS)["payments"]
    business.made(SETTINGS, payments={"payouts": {"minimum_balance_by_currency": None}})

    assert half["payouts"]["minimum_balance_by_currency"] == {"usd": 2}
    assert half["payouts"]["statement_descriptor"] == "BAKERY"
    assert half["settlement_timing"] == {"delay_days": 2}
    assert business.read(SETTINGS)["payments"]["payouts"]["minimum_balance_by_currency"] is None


def test_a_change_that_changes_nothing_is_not_told(platform):
    business, _ = a_business(platform)
    since = len(business.events())

    business.made(SETTINGS, payments={"payouts": {"schedule": {"interval": "daily"}}})
    business.made(SETTINGS)

    assert told(business, since) == []


PAYOUTS, TIMING = "payments[payouts]", "payments[settlement_timing]"


@pytest.mark.parametrize(
    "sent, status, param",
    [
        ({"payouts": {"schedule": {"interval": "weekly"}}}, 400, f"{PAYOUTS}[schedule][weekly_payout_days]"),
        ({"payouts": {"schedule": {"interval": "monthly"}}}, 400, f"{PAYOUTS}[schedule][monthly_payout_days]"),
        ({"payouts": {"schedule": {"monthly_payout_days": [1]}}}, 400, f"{PAYOUTS}[schedule][monthly_payout_days]"),
        ({"settlement_timing": {"delay_days_override": 1}}, 400, f"{TIMING}[delay_days_override]"),
        ({"settlement_timing": {"delay_days_override": 32}}, 400, f"{TIMING}[delay_days_override]"),
        ({"settlement_timing": {"start_of_day": {"hour": 5}}}, 501, f"{TIMING}[start_of_day]"),
        (
            {"payouts": {"minimum_balance_by_currency": {"usd": -1}}},
            400,
            f"{PAYOUTS}[minimum_balance_by_currency][usd]",
        ),
        (
            {
                "payouts": {
                    "automatic_transfer_rules_by_currency": {"usd": [{"payout_method": "fa", "type": "transfer_all"}]}
                }
            },
            501,
            f"{PAYOUTS}[automatic_transfer_rules_by_currency]",
        ),
        ({"payouts": {"status": "disabled"}}, 400, f"{PAYOUTS}[status]"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(platform, sent, status, param):
    business, _ = a_business(platform)
    before = business.read(SETTINGS)

    refusal = business.post(SETTINGS, payments=sent)

    assert (refusal.status, refusal.error["param"]) == (status, param)
    assert business.read(SETTINGS) == before
