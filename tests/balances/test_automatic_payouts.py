"""Automatic payouts: on the days of a schedule, of everything available, linked to what they contain."""

from __future__ import annotations

import pytest

from tests.balances.paying import GOOD, PAYOUTS, a_business, available, ended, paid_out, topped_up
from tests.balances.test_balance_settings import SETTINGS
from tests.balances.test_payouts import doctor
from tests.issuing.holders import told
from tests.treasury.sending import bank_account
from tests.treasury.worlds import moment

DAY = 86_400
TRANSACTIONS = "/v1/balance_transactions"
WEDNESDAY = moment("2037-03-04T12:00:00")
NO_ACCOUNT = "000111111116"


def scheduled(client, interval="daily", **more):
    """The same client, paid out by a schedule from now on."""
    minimum = {"minimum_balance_by_currency": more.pop("minimum")} if "minimum" in more else {}
    client.made(SETTINGS, payments={"payouts": {"schedule": {"interval": interval, **more}, **minimum}})
    return client


@pytest.fixture
def midweek(platform):
    """A platform whose clock stands at noon of a Wednesday."""
    platform.clock(set=WEDNESDAY, frozen=True)
    return platform


def automatic(client):
    """The account's automatic payouts, newest first."""
    return [payout for payout in client.read(PAYOUTS, limit=100)["data"] if payout["automatic"]]


def contained(client, payout, **filters):
    """Type and net of what a payout paid out, oldest first."""
    found = client.read(TRANSACTIONS, payout=payout["id"], limit=100, **filters)["data"]
    return [(one["type"], one["net"]) for one in reversed(found)]


def test_the_next_morning_everything_available_is_paid_out(midweek):
    business, bank = a_business(midweek, 100_00)
    scheduled(business)
    since = len(business.events())

    midweek.clock(set=moment("2037-03-05T01:00:00"))

    (payout,) = automatic(business)
    assert payout == {
        **payout,
        "amount": 100_00,
        "arrival_date": moment("2037-03-05"),
        "automatic": True,
        "created": moment("2037-03-05T01:00:00"),
        "description": "STRIPE PAYOUT",
        "destination": bank,
        "method": "standard",
        "reconciliation_status": "completed",
        "source_type": "card",
        "status": "paid",
    }
    assert available(business) == 0
    assert told(business, since) == [
        ("payout.created", None),
        ("payout.updated", {"reconciliation_status": "in_progress", "status": "pending"}),
        ("payout.paid", None),
        ("payout.reconciliation_completed", None),
    ]
    created = business.events()[since]["data"]["object"]
    assert (created["status"], created["reconciliation_status"]) == ("pending", "in_progress")
    own = business.read(f"{TRANSACTIONS}/{payout['balance_transaction']}")
    assert (own["type"], own["reporting_category"], own["available_on"]) == ("payout", "payout", moment("2037-03-06"))
    assert own["status"] == "available"
    assert doctor(midweek) == []


def test_a_payout_names_the_balance_transactions_that_it_contains(midweek):
    business, _ = a_business(midweek, 100_00)
    scheduled(business)
    topped_up(business, 20_00)
    paid_out(business, 5_00)
    midweek.clock(advance=DAY)
    topped_up(business, 7_00)
    midweek.clock(advance=DAY)

    second, first = automatic(business)

    assert contained(business, first) == [
        ("topup", 100_00),
        ("topup", 20_00),
        ("payout", -5_00),
        ("payout", -115_00),
    ]
    assert contained(business, second) == [("topup", 7_00), ("payout", -7_00)]
    assert contained(business, first, type="topup") == [("topup", 100_00), ("topup", 20_00)]
    assert doctor(midweek) == []


def test_nothing_is_paid_out_while_nobody_has_chosen_a_schedule_or_it_is_manual(midweek):
    silent, _ = a_business(midweek)
    manual = scheduled(a_business(midweek)[0], "manual")
    changed_mind = scheduled(scheduled(a_business(midweek)[0]), "manual")
    delayed, _ = a_business(midweek)
    delayed.made(SETTINGS, payments={"settlement_timing": {"delay_days_override": 5}})

    midweek.clock(advance=30 * DAY)

    for business in (silent, manual, changed_mind, delayed):
        assert (automatic(business), available(business)) == ([], 100_00)


def test_a_schedule_of_the_account_pays_out_too_on_its_own_days(midweek):
    business, _ = a_business(midweek)
    weekly = {"interval": "weekly", "weekly_anchor": "friday"}
    midweek.made(f"/v1/accounts/{business.account}", settings={"payouts": {"schedule": weekly}})

    for _ in range(20):
        topped_up(business, 1_00)
        midweek.clock(advance=DAY)

    created = [payout["created"] for payout in reversed(automatic(business))]
    assert created == [moment(f"2037-03-{day}T01:00:00") for day in ("06", "13", "20")]


def test_a_new_account_may_come_with_a_schedule(midweek):
    bank = {"object": "bank_account", "country": "US", "account_number": "000123456789", "routing_number": "110000000"}
    account = midweek.made(
        "/v1/accounts",
        type="custom",
        country="US",
        capabilities={"transfers": {"requested": True}},
        external_account=bank,
        settings={"payouts": {"schedule": {"interval": "daily"}}},
    )["id"]
    business = topped_up(midweek.acting_as(account), 3_00)

    midweek.clock(advance=DAY)

    assert [payout["amount"] for payout in automatic(business)] == [3_00]


def test_the_platform_has_a_schedule_of_its_own(midweek):
    topped_up(scheduled(midweek), 9_00)

    midweek.clock(advance=DAY)

    (payout,) = automatic(midweek)
    assert (payout["amount"], payout["source_balance"]) == (9_00, None)


def test_a_minimum_balance_stays_and_is_held_for_the_moment_of_the_payout(midweek):
    business, _ = a_business(midweek, 1_000_00)
    scheduled(business, minimum={"usd": 100_00})

    midweek.clock(advance=DAY)

    (first,) = automatic(business)
    assert (first["amount"], available(business)) == (900_00, 100_00)
    assert contained(business, first) == [
        ("topup", 1_000_00),
        ("payout_minimum_balance_hold", -100_00),
        ("payout", -900_00),
    ]
    topped_up(business, 50_00)
    midweek.clock(advance=DAY)
    second = automatic(business)[0]
    assert contained(business, second) == [
        ("payout_minimum_balance_release", 100_00),
        ("topup", 50_00),
        ("payout_minimum_balance_hold", -100_00),
        ("payout", -50_00),
    ]
    midweek.clock(advance=5 * DAY)
    assert (len(automatic(business)), available(business)) == (2, 100_00)
    assert doctor(midweek) == []


def test_each_currency_with_a_bank_account_is_paid_out(midweek):
    business, _ = a_business(midweek, 10_00)
    bank_account(midweek, business, country="GB", currency="gbp", routing_number="108800", account_number="00012345")
    topped_up(scheduled(business), 5_00, currency="gbp")
    topped_up(business, 4_00, currency="eur")

    midweek.clock(advance=DAY)

    paid = {payout["currency"]: payout["amount"] for payout in automatic(business)}
    assert (paid, available(business, "eur")) == ({"gbp": 5_00, "usd": 10_00}, 4_00)


def test_one_that_fails_stops_the_others_until_the_bank_account_is_updated(midweek):
    business, bank = a_business(midweek, 10_00, number=NO_ACCOUNT)
    scheduled(business)
    since = len(business.events())
    midweek.clock(advance=DAY)

    (failed,) = automatic(business)
    assert (failed["status"], failed["failure_code"]) == ("failed", "no_account")
    assert [type for type, _ in told(business, since)] == [
        "payout.created",
        "payout.failed",
        "account.external_account.updated",
        "payout.reconciliation_completed",
    ]
    midweek.clock(advance=7 * DAY)
    assert (len(automatic(business)), available(business)) == (1, 10_00)
    path = f"/v1/accounts/{business.account}/external_accounts/{bank}"
    assert midweek.read(path)["status"] == "errored"
    assert midweek.made(path, metadata={"a": "1"})["status"] == "errored"

    assert midweek.made(path, account_holder_name="Jenny Rosen")["status"] == "new"
    midweek.clock(advance=DAY)

    again = automatic(business)[0]
    assert contained(business, again) == [("payout_failure", 10_00), ("payout", -10_00)]
    assert contained(business, failed) == [("topup", 10_00), ("payout", -10_00)]
    assert doctor(midweek) == []


def test_another_bank_account_takes_the_place_of_one_that_failed(midweek):
    business, _ = a_business(midweek, 10_00, number=NO_ACCOUNT)
    scheduled(business)
    midweek.clock(advance=DAY)

    path = f"/v1/accounts/{business.account}/external_accounts"
    other = {"object": "bank_account", "country": "US", "account_number": GOOD, "routing_number": "110000000"}
    midweek.made(path, external_account=other, default_for_currency=True)
    midweek.clock(advance=DAY)

    assert [payout["status"] for payout in automatic(business)] == ["paid", "failed"]


def test_an_account_that_may_not_be_paid_out_waits(midweek):
    business, _ = a_business(midweek, 10_00)
    scheduled(business)
    midweek.made(f"/v1/accounts/{business.account}/reject", reason="fraud_other")

    midweek.clock(advance=DAY)

    assert (automatic(business), available(business)) == ([], 10_00)


def test_an_account_that_is_gone_is_not_paid_out(midweek):
    business, _ = a_business(midweek, 10_00)
    scheduled(business)
    midweek.delete(f"/v1/accounts/{business.account}")

    midweek.clock(advance=7 * DAY)

    assert doctor(midweek) == []


def test_an_automatic_payout_cannot_be_canceled(midweek):
    midweek.settings(progress="never")
    business, _ = a_business(midweek, 10_00)
    midweek.settings(progress="at_once")
    topped_up(business, 10_00)
    midweek.settings(progress="never")
    scheduled(business)
    midweek.clock(advance=DAY)

    (payout,) = automatic(business)
    refusal = business.post(f"{PAYOUTS}/{payout['id']}/cancel")

    assert payout["status"] == "pending"
    assert (refusal.status, refusal.error["message"]) == (400, "You cannot cancel an automatic payout.")


def test_by_the_calendar_of_banks_one_is_on_its_way_until_they_open(midweek):
    midweek.settings(progress="banking_dates")
    business, _ = a_business(midweek, 10_00)
    scheduled(business)

    midweek.clock(set=moment("2037-03-05T02:00:00"))
    (payout,) = automatic(business)
    midweek.clock(set=moment("2037-03-06T14:00:00"))
    later = ended(business, payout)

    assert (payout["status"], payout["reconciliation_status"]) == ("in_transit", "in_progress")
    assert payout["arrival_date"] == moment("2037-03-05")
    assert (later["status"], later["reconciliation_status"]) == ("paid", "completed")
