"""Sending received credits back."""

from __future__ import annotations

import pytest

from tests.examining import rewrite
from tests.issuing.purchases import AUTHORIZATIONS, findings
from tests.treasury.sending import (
    OBP,
    OBT,
    entries,
    funded,
    numbers,
    paid_within_stripe,
    sent,
    sent_within_stripe,
    told,
)
from tests.treasury.worlds import (
    ACCOUNTS,
    CREDIT_REVERSALS,
    CREDITS,
    TRANSACTIONS,
    balance,
    card_on,
    connected,
    opened,
    own_account,
    send,
    take,
)


def refused(client, **params):
    """Code, parameter and message of a reversal that is refused."""
    answer = client.post(CREDIT_REVERSALS, **params)
    assert answer.status == 400, answer.json
    assert answer.error["type"] == "invalid_request_error"
    return answer.error.get("code"), answer.error.get("param"), answer.error["message"]


def arrived(sender, source, receiver, target, **expand):
    """A credit that somebody else's financial account has sent over the stripe network, and the payment."""
    payment = paid_within_stripe(sender, source, target)
    return receiver.read(CREDITS, financial_account=target, **expand)["data"][0], payment


# What it does


def test_row_11_a_credit_is_held_at_once_and_has_left_right_after_the_reply(platform):
    id = own_account(platform)
    send(platform, id, 50000)
    credit = send(platform, id, 700)
    seen = len(platform.events())

    reversal = platform.made(
        CREDIT_REVERSALS, received_credit=credit["id"], metadata={"k": "v"}, expand=["transaction"]
    )
    told_at_once = platform.events()[seen]["data"]["object"]
    after = platform.read(f"{CREDIT_REVERSALS}/{reversal['id']}", expand=["transaction"])

    held, left = reversal["transaction"], after["transaction"]
    assert (reversal["status"], reversal["status_transitions"]) == ("processing", {"posted_at": None})
    assert (reversal["amount"], reversal["currency"], reversal["network"]) == (700, "usd", "ach")
    assert (reversal["received_credit"], reversal["financial_account"]) == (credit["id"], id)
    assert reversal["metadata"] == {"k": "v"}
    assert (held["status"], held["amount"], held["flow_type"]) == ("open", -700, "credit_reversal")
    assert held["balance_impact"] == {"cash": -700, "inbound_pending": 0, "outbound_pending": 700}
    assert held["description"] == "Jane Austen (6789) | Credit reversal | Stripe Test"
    assert after["status"] == "posted"
    assert after["status_transitions"]["posted_at"] >= reversal["created"]
    assert (left["status"], left["amount"]) == ("posted", -700)
    assert entries(platform, left["id"]) == [("credit_reversal_posting", 0, -700), ("credit_reversal", -700, 700)]
    assert balance(platform, id) == (50000, 0)
    assert told(platform, seen) == ["credit_reversal.created", "credit_reversal.posted"]
    assert told_at_once["status"] == "processing"
    assert findings(platform) == []


def test_while_it_is_processing_the_cash_is_on_its_way_out(platform):
    platform.settings(progress="never")
    id = funded(platform, 700)
    (credit,) = platform.read(CREDITS, financial_account=id)["data"]

    reversal = platform.made(CREDIT_REVERSALS, received_credit=credit["id"])

    assert platform.read(f"{CREDIT_REVERSALS}/{reversal['id']}")["status"] == "processing"
    assert balance(platform, id) == (0, 700)
    assert findings(platform) == []


def test_the_credit_names_its_reversal_and_cannot_be_sent_back_again(platform):
    id = funded(platform)
    (credit,) = platform.read(CREDITS, financial_account=id)["data"]
    reversal = platform.made(CREDIT_REVERSALS, received_credit=credit["id"])

    again = refused(platform, received_credit=credit["id"])

    linked = platform.read(f"{CREDITS}/{credit['id']}")
    assert linked["linked_flows"]["credit_reversal"] == reversal["id"]
    assert linked["reversal_details"] == {**credit["reversal_details"], "restricted_reason": "already_reversed"}
    assert again == (None, "received_credit", "This ReceivedCredit cannot be reversed: already_reversed.")


def test_its_receipt_and_its_transaction_lead_to_it(app, platform):
    id = funded(platform)
    (credit,) = platform.read(CREDITS, financial_account=id)["data"]
    reversal = platform.made(CREDIT_REVERSALS, received_credit=credit["id"])

    page = app.test_client().get(reversal["hosted_regulatory_receipt_url"])
    listed = platform.read(TRANSACTIONS, financial_account=id, expand=["data.flow_details"])["data"][0]

    assert "<h1>Credit reversal</h1>" in page.text
    assert listed["flow_details"]["credit_reversal"]["id"] == reversal["id"]


def test_restrictions_do_not_stop_it(platform):
    id = funded(platform)
    (credit,) = platform.read(CREDITS, financial_account=id)["data"]
    platform.made(f"{ACCOUNTS}/{id}", platform_restrictions={"outbound_flows": "restricted"})

    reversal = platform.made(CREDIT_REVERSALS, received_credit=credit["id"])

    assert platform.read(f"{CREDIT_REVERSALS}/{reversal['id']}")["status"] == "posted"


# What came from another financial account


@pytest.mark.parametrize("sent_by", ["platform", "business"])
def test_what_a_payment_brought_over_the_stripe_network_goes_back_to_where_it_came_from(platform, sent_by):
    business = connected(platform)
    sender, receiver = (platform, business) if sent_by == "platform" else (business, platform)
    source, target = funded(sender), opened(receiver)
    asked = {"expand": ["data.linked_flows.source_flow_details"]}
    credit, payment = arrived(sender, source, receiver, target, **asked)
    seen = {client: len(client.events()) for client in (sender, receiver)}

    reversal = receiver.made(CREDIT_REVERSALS, received_credit=credit["id"])
    receiver.read("/v1/balance")

    back = sender.read(f"{OBP}/{payment['id']}", expand=["returned_details.transaction"])
    second, linked = back["returned_details"]["transaction"], credit["linked_flows"]
    assert (linked["source_flow"], linked["source_flow_type"]) == (payment["id"], "outbound_payment")
    assert linked["source_flow_details"]["outbound_payment"] == {
        **payment,
        "status": "posted",
        "status_transitions": linked["source_flow_details"]["outbound_payment"]["status_transitions"],
    }
    assert (reversal["network"], reversal["status"]) == ("stripe", "processing")
    assert (back["status"], back["returned_details"]["code"]) == ("returned", "declined")
    assert (second["amount"], second["status"], second["financial_account"]) == (20_00, "posted", source)
    assert entries(sender, second["id"]) == [("outbound_payment_return", 20_00, 0)]
    assert (balance(sender, source), balance(receiver, target)) == ((500_00, 0), (0, 0))
    assert told(receiver, seen[receiver]) == ["credit_reversal.created", "credit_reversal.posted"]
    assert told(sender, seen[sender]) == ["outbound_payment.returned"]
    assert sender.read(CREDITS, financial_account=source)["data"][0]["linked_flows"]["source_flow_type"] is None
    assert findings(platform) == []


def test_a_payment_can_be_sent_back_at_any_time_and_from_a_sender_with_restrictions(platform):
    business = connected(platform)
    source, target = funded(platform), opened(business)
    credit, payment = arrived(platform, source, business, target)
    platform.made(f"{ACCOUNTS}/{source}", platform_restrictions={"inbound_flows": "restricted"})
    platform.clock(advance=400 * 86_400)

    business.made(CREDIT_REVERSALS, received_credit=credit["id"])

    assert platform.read(f"{OBP}/{payment['id']}")["status"] == "returned"
    assert balance(platform, source) == (500_00, 0)


def test_what_a_transfer_brought_over_the_stripe_network_stays(platform):
    source, target = funded(platform), opened(platform)
    sent_within_stripe(platform, source, target)
    (credit,) = platform.read(CREDITS, financial_account=target)["data"]

    assert refused(platform, received_credit=credit["id"]) == (
        None,
        "received_credit",
        "This ReceivedCredit cannot be reversed: source_flow_restricted.",
    )
    assert balance(platform, target) == (20_00, 0)


def test_what_a_transfer_brought_over_ach_goes_back_to_where_it_came_from(platform):
    business = connected(platform)
    source, target = funded(business), opened(platform)
    path = f"/v1/accounts/{business.account}/external_accounts"
    details = {"object": "bank_account", "country": "US", "currency": "usd", **numbers(platform, target)}
    bank = platform.made(path, external_account=details)["id"]
    transfer = sent(business, source, method=bank)
    platform.clock(advance=10)
    (credit,) = platform.read(CREDITS, financial_account=target)["data"]

    platform.made(CREDIT_REVERSALS, received_credit=credit["id"])

    back = business.read(f"{OBT}/{transfer['id']}")
    assert credit["linked_flows"]["source_flow"] is None
    assert (back["status"], back["returned_details"]["code"]) == ("returned", "declined")
    assert (balance(business, source), balance(platform, target)) == ((500_00, 0), (0, 0))
    assert findings(platform) == []


@pytest.mark.parametrize("how", ["closed", "gone"])
def test_nothing_is_sent_back_to_an_account_that_has_closed_or_gone(platform, how):
    business = connected(platform)
    source, target = funded(business, 20_00), opened(platform)
    credit, _ = arrived(business, source, platform, target)
    if how == "closed":
        business.made(f"{ACCOUNTS}/{source}/close")
    else:
        assert platform.delete(f"/v1/accounts/{business.account}").status == 200

    found = refused(platform, received_credit=credit["id"])

    assert credit["reversal_details"] == {"deadline": None, "restricted_reason": None}
    assert found == ("account_closed", "received_credit", f"The FinancialAccount {source} is closed.")
    assert balance(platform, target) == (20_00, 0)


# What is refused


@pytest.mark.parametrize("network, reason", [("us_domestic_wire", "network_restricted"), ("rtp", "network_restricted")])
def test_a_network_that_takes_nothing_back_refuses(platform, network, reason):
    credit = send(platform, own_account(platform), 100, network)

    assert refused(platform, received_credit=credit["id"]) == (
        None,
        "received_credit",
        f"This ReceivedCredit cannot be reversed: {reason}.",
    )


def test_a_card_refund_is_not_sent_back(platform):
    business = connected(platform)
    id = funded(business, 100_00)
    card = card_on(business, id)
    bought = business.made(AUTHORIZATIONS, card=card, amount=10_00)["id"]
    purchase = business.made(f"{AUTHORIZATIONS}/{bought}/capture")["transactions"][0]["id"]
    refund = business.made(f"/v1/test_helpers/issuing/transactions/{purchase}/refund")
    newest = business.read(CREDITS, financial_account=id)["data"][0]

    found = refused(business, received_credit=newest["id"])

    assert newest["linked_flows"]["issuing_transaction"] == refund["id"]
    assert found[2] == "This ReceivedCredit cannot be reversed: source_flow_restricted."


def test_a_credit_is_not_sent_back_after_its_deadline_and_up_to_then_it_is(platform):
    platform.clock(frozen=True)
    id = own_account(platform)
    early, late = send(platform, id, 100), send(platform, id, 100)
    deadline = early["reversal_details"]["deadline"]

    platform.clock(set=deadline - 1)
    done = platform.made(CREDIT_REVERSALS, received_credit=early["id"])
    platform.clock(set=deadline)
    found = refused(platform, received_credit=late["id"])

    assert done["status"] == "processing"
    assert found == (None, "received_credit", "This ReceivedCredit cannot be reversed: deadline_passed.")


def test_a_credit_that_failed_is_not_sent_back(platform):
    id = opened(platform)
    platform.made(f"{ACCOUNTS}/{id}", platform_restrictions={"inbound_flows": "restricted"})
    credit = send(platform, id, 100)

    assert refused(platform, received_credit=credit["id"]) == (
        None,
        "received_credit",
        "This ReceivedCredit cannot be reversed: it failed.",
    )


def test_more_than_there_is_cannot_be_sent_back_and_nothing_changes(platform):
    id = opened(platform)
    credit = send(platform, id, 100)
    take(platform, id, 1)
    seen = len(platform.events())

    found = refused(platform, received_credit=credit["id"])

    assert found == (
        "balance_insufficient",
        "amount",
        "The FinancialAccount doesn't have a sufficient balance available.",
    )
    assert balance(platform, id) == (99, 0)
    assert platform.read(f"{CREDITS}/{credit['id']}") == credit
    assert told(platform, seen) == []


def test_a_credit_of_a_closed_account_is_not_sent_back(platform):
    id = opened(platform)
    credit = send(platform, id, 100)
    forwarding = {"type": "payment_method", "payment_method": "pm_usBankAccount"}
    platform.made(f"{ACCOUNTS}/{id}/close", forwarding_settings=forwarding)

    assert refused(platform, received_credit=credit["id"])[:2] == ("account_closed", "received_credit")


@pytest.mark.parametrize(
    "params, code, param",
    [
        ({"received_credit": "rc_x"}, "resource_missing", "received_credit"),
        ({}, "parameter_missing", "received_credit"),
        ({"received_credit": "rc_x", "amount": 1}, "parameter_unknown", "amount"),
    ],
)
def test_wrong_parameters_are_named(platform, params, code, param):
    assert refused(platform, **params)[:2] == (code, param)


# Lists


def test_lists_filter_by_account_credit_and_status(platform):
    id, other = opened(platform), opened(platform)
    credits = [send(platform, account, 100) for account in (id, id, other)]
    first, second, _ = [platform.made(CREDIT_REVERSALS, received_credit=one["id"]) for one in credits]
    platform.settings(progress="never")
    third = platform.made(CREDIT_REVERSALS, received_credit=send(platform, id, 100)["id"])

    def ids(**filters):
        return [one["id"] for one in platform.read(CREDIT_REVERSALS, financial_account=id, **filters)["data"]]

    assert ids() == [third["id"], second["id"], first["id"]]
    assert ids(received_credit=credits[0]["id"]) == [first["id"]]
    assert ids(status="posted") == [second["id"], first["id"]]
    assert ids(status="processing") == [third["id"]]
    assert ids(status="canceled") == []
    assert platform.get(CREDIT_REVERSALS).error["code"] == "parameter_missing"
    assert platform.get(CREDIT_REVERSALS, financial_account=id, status="failed").error["param"] == "status"


def test_the_doctor_names_a_reversal_that_is_not_where_its_money_is(app, platform):
    id = funded(platform, 700)
    (credit,) = platform.read(CREDITS, financial_account=id)["data"]
    reversal = platform.made(CREDIT_REVERSALS, received_credit=credit["id"])["id"]
    platform.read("/v1/balance")
    tenant = app.emulator.tenants.open(platform.key.split("_", 2)[2])
    with tenant.writing() as step:
        for table, old, new in (
            ("treasury_credit_reversal", '"status":"posted"', '"status":"processing"'),
            ("treasury_received_credit", f'"credit_reversal":"{reversal}"', '"credit_reversal":null'),
        ):
            rewrite(step.session, table, old, new)

    found = "\n".join(findings(platform))

    assert f"{reversal} is processing over 700, which its transaction" in found
    assert f"{reversal} sends 700 back, its credit says (None, 700, '{id}')" in found
