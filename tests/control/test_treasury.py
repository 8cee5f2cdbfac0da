"""Money that comes and goes in ways, and for reasons, that no public call leads to."""

from __future__ import annotations

import pytest

from emulator.control.treasury import CREDIT_FAILURES, DEBIT_FAILURES
from tests.issuing.purchases import findings
from tests.treasury.sending import funded, told
from tests.treasury.worlds import ACCOUNTS, balance, opened, own_account, take

RECEIVE, TAKE = "/_emulator/treasury/received_credits", "/_emulator/treasury/received_debits"


def given(account, network="ach", **more):
    """Ten dollars over a network."""
    return {"amount": 10_00, "currency": "usd", "financial_account": account, "network": network, **more}


@pytest.mark.parametrize("code", CREDIT_FAILURES)
def test_a_credit_fails_for_any_reason(platform, code):
    account = own_account(platform)
    seen = len(platform.events())

    credit = platform.made(RECEIVE, **given(account, failure_code=code))

    assert (credit["status"], credit["failure_code"], credit["transaction"]) == ("failed", code, None)
    assert balance(platform, account) == (0, 0)
    assert told(platform, seen) == ["received_credit.created", "received_credit.failed"]
    assert platform.read(f"/v1/treasury/received_credits/{credit['id']}") == credit


@pytest.mark.parametrize("code", DEBIT_FAILURES)
def test_a_debit_fails_for_any_reason(platform, code):
    account = funded(platform, 100_00)
    seen = len(platform.events())

    debit = platform.made(TAKE, **given(account, failure_code=code))

    assert (debit["status"], debit["failure_code"], debit["transaction"]) == ("failed", code, None)
    assert balance(platform, account) == (100_00, 0)
    assert told(platform, seen) == ["received_debit.created"]


@pytest.mark.parametrize("network", ["ach", "rtp", "us_domestic_wire"])
def test_without_a_reason_the_account_decides_as_it_does_for_the_test_helpers(platform, network):
    account = opened(platform)
    platform.read("/v1/balance")  # everything due has happened

    credit = platform.made(RECEIVE, **given(account, network))
    platform.made(f"{ACCOUNTS}/{account}", platform_restrictions={"inbound_flows": "restricted"})
    restricted = platform.made(RECEIVE, **given(account, network))

    assert (credit["status"], credit["network"]) == ("succeeded", network)
    assert restricted["failure_code"] == ("account_frozen" if network == "ach" else None)
    assert findings(platform) == []


@pytest.mark.parametrize("type, name", [("balance", "Emulator platform"), ("stripe", "Stripe")])
def test_stripe_and_a_payments_balance_send_over_the_stripe_network(platform, type, name):
    account = own_account(platform)

    credit = platform.made(RECEIVE, **given(account, "stripe", initiating_payment_method_details={"type": type}))

    details = credit["initiating_payment_method_details"]
    assert (credit["status"], credit["network"], details["type"]) == ("succeeded", "stripe", type)
    assert details.get("balance") == ("payments" if type == "balance" else None)
    assert details["billing_details"]["name"] is not None
    assert (name == "Stripe") == (details["billing_details"]["name"] == "Stripe")
    assert credit["linked_flows"]["source_flow_type"] == "other"
    assert credit["reversal_details"] == {"deadline": None, "restricted_reason": "source_flow_restricted"}
    assert balance(platform, account) == (10_00, 0)
    assert findings(platform) == []


def test_the_stripe_network_needs_its_feature_and_no_address(platform):
    without = opened(platform, "intra_stripe_flows")
    banks_only = opened(platform, "financial_addresses.aba")
    platform.read("/v1/balance")

    credit = platform.made(RECEIVE, **given(without, "stripe"))
    debit = platform.made(TAKE, **given(without, "stripe"))
    refused = platform.made(RECEIVE, **given(banks_only, "stripe"))
    unaddressed = platform.post(RECEIVE, **given(without, "ach"))

    assert (credit["status"], debit["status"], refused["failure_code"]) == ("succeeded", "succeeded", "account_frozen")
    assert debit["reversal_details"] == {"deadline": None, "restricted_reason": "source_flow_restricted"}
    assert (unaddressed.status, unaddressed.error["code"]) == (400, "financial_account_capability_not_enabled")


def test_a_debit_takes_no_more_than_there_is(platform):
    account = funded(platform, 9_99)

    debit = platform.made(TAKE, **given(account, "stripe"))

    assert debit["failure_code"] == "insufficient_funds"
    assert take(platform, account, 9_99)["status"] == "succeeded"


@pytest.mark.parametrize("network, type", [("rtp", "balance"), ("ach", "stripe"), ("stripe", "us_bank_account")])
def test_an_other_side_that_a_network_has_not_is_refused(platform, network, type):
    account = own_account(platform)

    refusal = platform.post(RECEIVE, **given(account, network, initiating_payment_method_details={"type": type}))

    assert (refusal.status, refusal.error["param"]) == (400, "initiating_payment_method_details[type]")
    assert f"Over the network {network} money comes from" in refusal.error["message"]
    assert platform.read("/v1/treasury/received_credits", financial_account=account)["data"] == []
