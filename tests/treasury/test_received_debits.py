"""Money that is taken from a financial account."""

from __future__ import annotations

import pytest

from emulator.treasury.received_debits import ReceivedDebit, reversal_details
from tests.treasury.worlds import (
    ACCOUNTS,
    DEBITS,
    TAKE,
    TRANSACTIONS,
    balance,
    card_on,
    connected,
    opened,
    own_account,
    send,
    take,
)

DAY = 24 * 60 * 60


def test_a_debit_lowers_cash_and_has_a_posted_transaction(platform):
    id = own_account(platform)
    send(platform, id, 500_00)
    seen = len(platform.events())

    debit = take(platform, id, 50_00, description="Rent")

    assert balance(platform, id) == (450_00, 0)
    assert (debit["status"], debit["failure_code"], debit["amount"]) == ("succeeded", None, 50_00)
    assert debit["linked_flows"] == dict.fromkeys(ReceivedDebit.flows)
    transaction = platform.read(f"{TRANSACTIONS}/{debit['transaction']}", expand=["entries"])
    assert (transaction["status"], transaction["amount"]) == ("posted", -50_00)
    assert transaction["balance_impact"] == {"cash": -50_00, "inbound_pending": 0, "outbound_pending": 0}
    assert [entry["type"] for entry in transaction["entries"]["data"]] == ["received_debit"]
    assert transaction["description"] == "Jane Austen (6789) | Received debit | Rent"
    assert platform.event_types(seen) == ["treasury.received_debit.created"]


def test_row_9_a_debit_beyond_the_cash_fails_and_moves_nothing(platform):
    id = own_account(platform)
    send(platform, id, 50000)
    seen = len(platform.events())

    debit = take(platform, id, 60000)

    assert (debit["status"], debit["failure_code"]) == ("failed", "insufficient_funds")
    assert debit["transaction"] is None
    assert debit["reversal_details"] is None
    assert debit["hosted_regulatory_receipt_url"] is None
    assert balance(platform, id) == (50000, 0)
    assert platform.event_types(seen) == ["treasury.received_debit.created"]


def test_all_the_cash_can_be_taken(platform):
    id = own_account(platform)
    send(platform, id, 100)

    assert take(platform, id, 100)["status"] == "succeeded"
    assert balance(platform, id) == (0, 0)


@pytest.mark.parametrize("flow, code", [("outbound_flows", "account_frozen"), ("inbound_flows", None)])
def test_only_outbound_restrictions_keep_money_in(platform, flow, code):
    id = own_account(platform)
    send(platform, id, 100)
    platform.made(f"{ACCOUNTS}/{id}", platform_restrictions={flow: "restricted"})

    debit = take(platform, id, 100)

    assert debit["failure_code"] == code
    assert balance(platform, id) == ((100, 0) if code else (0, 0))


def test_a_closed_account_gives_nothing(platform):
    id = opened(platform)
    platform.made(f"{ACCOUNTS}/{id}/close")

    assert take(platform, id, 100)["failure_code"] == "account_closed"


def test_a_rejected_account_is_frozen(platform):
    business = connected(platform)
    id = opened(business)
    send(business, id, 100)
    platform.made(f"/v1/accounts/{business.account}/reject", reason="fraud_other")

    assert take(business, id, 100)["failure_code"] == "account_frozen"
    assert balance(business, id) == (100, 0)


def test_an_account_without_an_address_cannot_be_debited(platform):
    id = opened(platform, "card_issuing")

    refused = platform.post(TAKE, amount=1, currency="usd", financial_account=id, network="ach")

    assert refused.status == 400
    assert refused.error["code"] == "financial_account_capability_not_enabled"
    assert refused.error["param"] == "financial_account"


@pytest.mark.parametrize(
    "change, code, param",
    [
        ({"amount": -1}, "parameter_invalid_integer", "amount"),
        ({"currency": "eur"}, "financial_account_balance_does_not_support_currency", "currency"),
        ({"network": "rtp"}, None, "network"),
        ({"financial_account": "fa_x"}, "resource_missing", "financial_account"),
        ({"customer": "cus_1"}, "parameter_unknown", "customer"),
    ],
)
def test_a_wrong_parameter_is_named(platform, change, code, param):
    given = {"amount": 1, "currency": "usd", "financial_account": own_account(platform), "network": "ach"}

    refused = platform.post(TAKE, **{**given, **change})

    assert refused.status == 400
    assert (refused.error.get("code"), refused.error["param"]) == (code, param)


def test_lists_need_an_account_and_filter_by_status(platform):
    id = own_account(platform)
    send(platform, id, 100)
    good, failed = take(platform, id, 60), take(platform, id, 60)

    def ids(**filters):
        return [debit["id"] for debit in platform.read(DEBITS, financial_account=id, **filters)["data"]]

    assert ids() == [failed["id"], good["id"]]
    assert ids(status="succeeded") == [good["id"]]
    assert ids(status="failed") == [failed["id"]]
    missing, unknown = platform.get(DEBITS), platform.get(DEBITS, financial_account="fa_x")
    assert (missing.error["code"], unknown.error["code"]) == ("parameter_missing", "resource_missing")


def test_an_unknown_debit_is_missing(platform):
    refused = platform.get(f"{DEBITS}/rd_x")

    assert (refused.status, refused.error["message"]) == (404, "No such received debit: 'rd_x'")


def a_debit(network, reversal=None, status="succeeded"):
    return ReceivedDebit(
        id="rd_1",
        created=0,
        amount=1,
        currency="usd",
        description="",
        failure_code=None,
        financial_account="fa_1",
        initiating_payment_method_details={},
        linked_flows={**dict.fromkeys(ReceivedDebit.flows), "debit_reversal": reversal},
        network=network,
        status=status,
        transaction="trxn_1",
    )


@pytest.mark.parametrize(
    "debit, now, expected",
    [
        (a_debit("ach"), 4 * DAY - 1, {"deadline": 4 * DAY, "restricted_reason": None}),
        (a_debit("ach"), 4 * DAY, {"deadline": 4 * DAY, "restricted_reason": "deadline_passed"}),
        (a_debit("ach", "debrev_1"), 0, {"deadline": 4 * DAY, "restricted_reason": "already_reversed"}),
        (a_debit("card"), 0, {"deadline": None, "restricted_reason": "source_flow_restricted"}),
        (a_debit("stripe"), 0, {"deadline": None, "restricted_reason": "source_flow_restricted"}),
        (a_debit("card", "debrev_1"), 0, {"deadline": None, "restricted_reason": "already_reversed"}),
        (a_debit("ach", status="failed"), 0, None),
    ],
)
def test_what_can_be_undone_and_until_when(debit, now, expected):
    assert reversal_details(debit, now) == expected


def test_a_card_capture_is_a_debit_over_the_card_network_and_may_overdraw(platform):
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)

    capture = business.made(
        "/v1/test_helpers/issuing/transactions/create_force_capture", amount=5_00, card=card, currency="usd"
    )

    debit = business.read(f"{DEBITS}/{capture['treasury']['received_debit']}", expand=["transaction.flow_details"])
    assert (debit["network"], debit["status"], debit["amount"]) == ("card", "succeeded", 5_00)
    assert debit["initiating_payment_method_details"]["issuing_card"] == card
    assert debit["linked_flows"]["issuing_transaction"] == capture["id"]
    assert debit["reversal_details"] == {"deadline": None, "restricted_reason": "source_flow_restricted"}
    assert debit["transaction"]["flow_details"]["received_debit"]["id"] == debit["id"]
    assert balance(business, id) == (-5_00, 0)
