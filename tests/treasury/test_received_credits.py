"""Money that arrives at a financial account."""

from __future__ import annotations

import pytest

from emulator.treasury.received_credits import ReceivedCredit, reversal_details
from tests.treasury.worlds import (
    ABA,
    ACCOUNTS,
    CREDITS,
    ENTRIES,
    SEND,
    TRANSACTIONS,
    balance,
    card_on,
    connected,
    opened,
    own_account,
    send,
    tree,
)

DAY = 24 * 60 * 60


def test_row_1_a_credit_raises_cash_and_has_a_posted_transaction_with_one_entry(platform):
    business = connected(platform)
    id = opened(business)
    seen = len(business.events())

    credit = send(business, id, 50000)

    assert balance(business, id) == (50000, 0)
    assert (credit["status"], credit["failure_code"], credit["amount"]) == ("succeeded", None, 50000)
    transaction = business.read(f"{TRANSACTIONS}/{credit['transaction']}", expand=["entries"])
    assert (transaction["status"], transaction["amount"]) == ("posted", 50000)
    assert transaction["balance_impact"] == {"cash": 50000, "inbound_pending": 0, "outbound_pending": 0}
    assert [entry["type"] for entry in transaction["entries"]["data"]] == ["received_credit"]
    assert (transaction["flow"], transaction["flow_type"]) == (credit["id"], "received_credit")
    assert transaction["status_transitions"] == {"posted_at": credit["created"], "void_at": None}
    assert transaction["description"] == "Jane Austen (6789) | Received credit | Stripe Test"
    assert business.event_types(seen) == ["treasury.received_credit.created", "treasury.received_credit.succeeded"]
    assert business.events()[-1]["data"]["object"] == credit


def test_a_credit_without_details_comes_from_the_usual_test_account(platform):
    credit = send(platform, own_account(platform), 1)

    assert credit["description"] == "Stripe Test"
    assert credit["initiating_payment_method_details"] == {
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": None,
            "name": "Jane Austen",
        },
        "type": "us_bank_account",
        "us_bank_account": {"bank_name": "STRIPE TEST BANK", "last4": "6789", "routing_number": "110000000"},
    }
    assert credit["linked_flows"] == dict.fromkeys(ReceivedCredit.flows)
    assert "source_flow_details" not in credit["linked_flows"]


def test_a_credit_shows_who_it_was_said_to_come_from(platform):
    bank = {"account_holder_name": "Ada Example", "account_number": "000123454321", "routing_number": "110000000"}
    credit = send(
        platform,
        own_account(platform),
        1,
        description="Rent",
        initiating_payment_method_details={"type": "us_bank_account", "us_bank_account": bank},
        expand=["transaction"],
    )

    assert credit["initiating_payment_method_details"]["us_bank_account"]["last4"] == "4321"
    assert credit["transaction"]["description"] == "Ada Example (4321) | Received credit | Rent"


def test_the_flow_behind_a_credit_is_shown_when_asked_for(platform):
    credit = send(platform, own_account(platform), 1)

    shown = platform.read(f"{CREDITS}/{credit['id']}", expand=["linked_flows.source_flow_details"])

    assert shown["linked_flows"]["source_flow_details"] is None


@pytest.mark.parametrize("network", ["ach", "us_domestic_wire", "rtp"])
def test_outbound_restrictions_do_not_keep_money_out(platform, network):
    id = own_account(platform)
    platform.made(f"{ACCOUNTS}/{id}", platform_restrictions={"outbound_flows": "restricted"})

    assert send(platform, id, 100, network)["status"] == "succeeded"


@pytest.mark.parametrize(
    "network, status", [("ach", "failed"), ("us_domestic_wire", "succeeded"), ("rtp", "succeeded")]
)
def test_inbound_restrictions_keep_ach_out_and_let_wires_in(platform, network, status):
    id = own_account(platform)
    platform.made(f"{ACCOUNTS}/{id}", platform_restrictions={"inbound_flows": "restricted"})
    seen = len(platform.events())

    credit = send(platform, id, 100, network)

    assert credit["status"] == status
    assert balance(platform, id) == ((100, 0) if status == "succeeded" else (0, 0))
    assert platform.event_types(seen) == ["treasury.received_credit.created", f"treasury.received_credit.{status}"]


def test_a_credit_that_failed_moved_nothing_and_says_why(platform):
    id = own_account(platform)
    platform.made(f"{ACCOUNTS}/{id}", platform_restrictions={"inbound_flows": "restricted"})

    credit = send(platform, id, 100)

    assert (credit["status"], credit["failure_code"]) == ("failed", "account_frozen")
    assert credit["transaction"] is None
    assert credit["reversal_details"] is None
    assert credit["hosted_regulatory_receipt_url"] is None
    assert platform.read(TRANSACTIONS, financial_account=id)["data"] == []
    assert platform.read(ENTRIES, financial_account=id)["data"] == []


def test_a_closed_account_takes_no_money(platform):
    id = opened(platform)
    platform.made(f"{ACCOUNTS}/{id}/close")

    credit = send(platform, id, 100)

    assert (credit["status"], credit["failure_code"]) == ("failed", "account_closed")
    assert balance(platform, id) == (0, 0)


def test_a_rejected_account_is_frozen(platform):
    business = connected(platform)
    id = opened(business)
    platform.made(f"/v1/accounts/{business.account}/reject", reason="fraud_other")

    credit = send(business, id, 100)

    assert (credit["status"], credit["failure_code"]) == ("failed", "account_frozen")


def test_an_account_without_an_address_cannot_be_sent_to(platform):
    id = opened(platform, "card_issuing")
    given_up = opened(platform, ABA)
    platform.made(f"{ACCOUNTS}/{given_up}/features", **tree(ABA, requested=False))

    for account in (id, given_up):
        refused = platform.post(SEND, amount=1, currency="usd", financial_account=account, network="ach")

        assert refused.status == 400
        assert refused.error["code"] == "financial_account_capability_not_enabled"
        assert refused.error["param"] == "financial_account"
        expected = f"The FinancialAccount {account} does not have the financial_addresses.aba feature active."
        assert refused.error["message"] == expected
        assert platform.read(CREDITS, financial_account=account)["data"] == []


@pytest.mark.parametrize(
    "change, code, param",
    [
        ({"amount": None}, "parameter_invalid_empty", "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": "1.5"}, "parameter_invalid_integer", "amount"),
        ({"currency": "eur"}, "financial_account_balance_does_not_support_currency", "currency"),
        ({"currency": "xyz"}, None, "currency"),
        ({"network": "card"}, None, "network"),
        ({"financial_account": "fa_x"}, "resource_missing", "financial_account"),
        ({"initiating_payment_method_details": {"type": "card"}}, None, "initiating_payment_method_details[type]"),
        ({"metadata": {"a": "b"}}, "parameter_unknown", "metadata"),
    ],
)
def test_a_wrong_parameter_is_named(platform, change, code, param):
    given = {"amount": 1, "currency": "usd", "financial_account": own_account(platform), "network": "ach"}

    refused = platform.post(SEND, **{**given, **change})

    assert refused.status == 400
    assert (refused.error.get("code"), refused.error["param"]) == (code, param)


@pytest.mark.parametrize("name", ["amount", "currency", "financial_account", "network"])
def test_each_required_parameter_is_missed(platform, name):
    given = {"amount": 1, "currency": "usd", "financial_account": "fa_x", "network": "ach"}
    del given[name]

    refused = platform.post(SEND, **given)

    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, "parameter_missing", name)


def test_somebody_elses_account_cannot_be_named(platform):
    business, other = connected(platform), connected(platform)
    id = opened(business)

    refused = other.post(SEND, amount=1, currency="usd", financial_account=id, network="ach")

    assert (refused.status, refused.error["code"]) == (400, "resource_missing")
    assert refused.error["message"] == f"No such financial account: '{id}'"


def test_lists_need_an_account_and_filter_by_status_and_source(platform):
    id, other = own_account(platform), opened(platform)
    good = send(platform, id, 1)
    send(platform, other, 1)
    platform.made(f"{ACCOUNTS}/{id}", platform_restrictions={"inbound_flows": "restricted"})
    failed = send(platform, id, 2)

    def ids(**filters):
        return [credit["id"] for credit in platform.read(CREDITS, financial_account=id, **filters)["data"]]

    assert ids() == [failed["id"], good["id"]]
    assert ids(status="succeeded") == [good["id"]]
    assert ids(status="failed") == [failed["id"]]
    assert ids(linked_flows={"source_flow_type": "payout"}) == []
    missing, unknown = platform.get(CREDITS), platform.get(CREDITS, financial_account="fa_x")
    assert (missing.status, missing.error["code"]) == (400, "parameter_missing")
    assert (unknown.status, unknown.error["code"]) == (400, "resource_missing")
    assert missing.error["param"] == unknown.error["param"] == "financial_account"


def test_lists_expand_transactions(platform):
    id = own_account(platform)
    credit = send(platform, id, 1)

    shown = platform.read(CREDITS, financial_account=id, expand=["data.transaction"])["data"][0]

    assert shown["transaction"]["id"] == credit["transaction"]
    assert shown["transaction"]["object"] == "treasury.transaction"


def test_an_unknown_credit_is_missing(platform):
    refused = platform.get(f"{CREDITS}/rc_x")

    assert (refused.status, refused.error["param"]) == (404, "id")
    assert refused.error["message"] == "No such received credit: 'rc_x'"


def a_credit(network, source=None, reversal=None, status="succeeded"):
    return ReceivedCredit(
        id="rc_1",
        created=0,
        amount=1,
        currency="usd",
        description="",
        failure_code=None,
        financial_account="fa_1",
        initiating_payment_method_details={},
        linked_flows={**dict.fromkeys(ReceivedCredit.flows), "source_flow_type": source, "credit_reversal": reversal},
        network=network,
        status=status,
        transaction="trxn_1",
    )


# The first of January 1970 is a holiday too; the second banking day after it is the 5th, a Monday.
@pytest.mark.parametrize(
    "credit, now, deadline, reason",
    [
        (a_credit("ach"), 4 * DAY - 1, 4 * DAY, None),
        (a_credit("ach"), 4 * DAY, 4 * DAY, "deadline_passed"),
        (a_credit("ach", reversal="credrev_1"), 0, 4 * DAY, "already_reversed"),
        (a_credit("us_domestic_wire"), 0, None, "network_restricted"),
        (a_credit("rtp"), 0, None, "network_restricted"),
        (a_credit("stripe", "outbound_payment"), 0, None, None),
        (a_credit("stripe", "outbound_transfer"), 0, None, "source_flow_restricted"),
        (a_credit("stripe", "payout"), 0, None, "source_flow_restricted"),
        (a_credit("card"), 0, None, "source_flow_restricted"),
    ],
)
def test_what_can_be_sent_back_and_until_when(credit, now, deadline, reason):
    assert reversal_details(credit, now) == {"deadline": deadline, "restricted_reason": reason}


def test_what_failed_has_nothing_to_send_back():
    assert reversal_details(a_credit("ach", status="failed"), 0) is None


def test_the_deadline_passes_with_the_clock(platform):
    credit = send(platform, own_account(platform), 1)

    platform.clock(set=credit["reversal_details"]["deadline"])

    after = platform.read(f"{CREDITS}/{credit['id']}")
    assert credit["reversal_details"]["restricted_reason"] is None
    assert after["reversal_details"]["restricted_reason"] == "deadline_passed"


def test_a_card_refund_arrives_over_the_card_network_even_where_inbound_flows_are_restricted(platform):
    business = connected(platform)
    id = opened(business)
    send(business, id, 100_00)
    card = card_on(business, id)
    business.made(f"{ACCOUNTS}/{id}", platform_restrictions={"inbound_flows": "restricted"})

    refund = business.made(
        "/v1/test_helpers/issuing/transactions/create_unlinked_refund", amount=3_00, card=card, currency="usd"
    )

    credit = business.read(f"{CREDITS}/{refund['treasury']['received_credit']}")
    assert (credit["network"], credit["status"]) == ("card", "succeeded")
    assert credit["initiating_payment_method_details"]["type"] == "issuing_card"
    assert credit["initiating_payment_method_details"]["issuing_card"] == card
    assert credit["linked_flows"]["issuing_transaction"] == refund["id"]
    assert balance(business, id) == (103_00, 0)


def test_a_card_refund_to_a_closed_account_fails(platform):
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)
    business.made(f"/v1/issuing/cards/{card}", status="canceled")
    business.made(f"{ACCOUNTS}/{id}/close")
    seen = len(business.events())

    refund = business.made(
        "/v1/test_helpers/issuing/transactions/create_unlinked_refund", amount=3_00, card=card, currency="usd"
    )

    credit = business.read(f"{CREDITS}/{refund['treasury']['received_credit']}")
    assert (credit["status"], credit["failure_code"]) == ("failed", "account_closed")
    assert balance(business, id) == (0, 0)
    assert business.event_types(seen)[-2:] == ["treasury.received_credit.created", "treasury.received_credit.failed"]
