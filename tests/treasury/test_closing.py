"""Closing a financial account that has money in it."""

from __future__ import annotations

import pytest

from tests.issuing.purchases import findings
from tests.test_bad_requests import state
from tests.treasury.sending import HELPERS, OBT, bank_account, numbers
from tests.treasury.worlds import ABA, ACCOUNTS, CREDITS, EVERYTHING, TRANSACTIONS, balance, connected, opened, send

SWEPT = ["treasury.outbound_transfer.created", "treasury.outbound_transfer.posted"]
ARRIVED = ["treasury.received_credit.created", "treasury.received_credit.succeeded"]
CLOSED = ["treasury.financial_account.closed", "treasury.financial_account.features_status_updated"]


def to_account(id):
    """Settings that name a financial account."""
    return {"type": "financial_account", "financial_account": id}


def to_bank(id):
    """Settings that name a bank account."""
    return {"type": "payment_method", "payment_method": id}


def funded(client, *paths):
    """An account with 500.00 in it."""
    id = opened(client, *paths)
    send(client, id, 500_00)
    return id


def refusal(client, id, settings):
    """How closing is refused; nothing has changed then."""
    client.read("/_emulator/clock")  # everything due has happened
    before = state(client)
    answer = client.post(f"{ACCOUNTS}/{id}/close", forwarding_settings=settings)
    assert answer.status == 400, answer.json
    assert answer.error["type"] == "invalid_request_error"
    assert state(client) == before
    return answer.error.get("code"), answer.error.get("param"), answer.error["message"]


def test_cash_goes_to_the_other_financial_account_before_the_account_closes(platform):
    business = connected(platform)
    id, target = funded(business), opened(business)
    business.read(f"{ACCOUNTS}/{target}")
    seen = len(business.events())

    closed = business.made(f"{ACCOUNTS}/{id}/close", forwarding_settings=to_account(target))

    (transfer,) = business.read(OBT, financial_account=id)["data"]
    (credit,) = business.read(CREDITS, financial_account=target)["data"]
    transaction = business.read(f"{TRANSACTIONS}/{transfer['transaction']}")
    assert (closed["status"], closed["balance"]["cash"]) == ("closed", {"usd": 0})
    assert (balance(business, id), balance(business, target)) == ((0, 0), (500_00, 0))
    assert (transfer["amount"], transfer["status"], transfer["destination_payment_method"]) == (500_00, "posted", None)
    assert transfer["destination_payment_method_details"]["financial_account"]["network"] == "stripe"
    assert credit["linked_flows"]["source_flow"] == transfer["id"]
    assert (transaction["status"], transaction["amount"]) == ("posted", -500_00)
    assert business.event_types(seen) == [*SWEPT, *ARRIVED, *CLOSED]
    assert business.events()[seen]["data"]["object"]["status"] == "processing"
    assert findings(platform) == []


@pytest.mark.parametrize("progress", ["delay", "at_once", "never"])
def test_cash_goes_to_the_bank_account_over_ach_at_once(platform, progress):
    platform.settings(progress=progress)
    business = connected(platform)
    id = funded(business)
    business.read(f"{ACCOUNTS}/{id}")
    seen = len(business.events())

    business.made(f"{ACCOUNTS}/{id}/close", forwarding_settings=to_bank("pm_usBankAccount"))

    (transfer,) = business.read(OBT, financial_account=id)["data"]
    assert (transfer["amount"], transfer["status"]) == (500_00, "posted")
    assert transfer["destination_payment_method"] == "pm_usBankAccount"
    assert transfer["destination_payment_method_details"]["us_bank_account"]["network"] == "ach"
    assert balance(business, id) == (0, 0)
    assert business.event_types(seen) == [*SWEPT, *CLOSED]
    assert findings(platform) == []


def test_cash_goes_to_a_financial_account_that_is_an_external_account(platform):
    business = connected(platform)
    id, target = funded(business), opened(business)
    bank = bank_account(platform, business, **numbers(business, target))

    business.made(f"{ACCOUNTS}/{id}/close", forwarding_settings=to_bank(bank))

    (credit,) = business.read(CREDITS, financial_account=target)["data"]
    assert (credit["network"], credit["status"]) == ("ach", "succeeded")
    assert (balance(business, id), balance(business, target)) == ((0, 0), (500_00, 0))
    assert findings(platform) == []


def test_an_empty_account_closes_without_a_transfer(platform):
    business = connected(platform)
    id = opened(business)

    business.made(f"{ACCOUNTS}/{id}/close", forwarding_settings=to_bank("pm_usBankAccount"))

    assert business.read(OBT, financial_account=id)["data"] == []


def test_a_target_that_does_not_take_money_keeps_the_account_open(platform):
    business = connected(platform)
    id, target = funded(business), opened(business)
    account, bank = "forwarding_settings[financial_account]", "forwarding_settings[payment_method]"
    own = bank_account(platform, business, **numbers(business, target))
    cannot = f"The financial account {id} cannot be closed: its cash cannot be forwarded."

    for token in ("processing", "internalFailure", "canceledByUser", "noAccount", "accountClosed", "invalidCurrency"):
        method = f"pm_usBankAccount_{token}"
        says = f"{cannot} The bank account {method} does not take money."
        assert refusal(business, id, to_bank(method)) == (None, bank, says)
    business.made(f"{ACCOUNTS}/{target}", platform_restrictions={"inbound_flows": "restricted"})
    says = f"{cannot} The FinancialAccount {target} does not have the intra_stripe_flows feature active."
    assert refusal(business, id, to_account(target)) == (None, account, says)
    assert refusal(business, id, to_bank(own)) == (None, bank, f"{cannot} The bank account {own} does not take money.")
    business.made(f"{ACCOUNTS}/{target}/close")
    assert refusal(business, id, to_account(target))[:2] == (None, account)
    assert refusal(business, id, to_bank(own))[:2] == (None, bank)


def test_an_account_that_cannot_send_money_stays_open(platform):
    business = connected(platform)
    id, target = funded(business, ABA), opened(business)

    found = refusal(business, id, to_account(target))

    assert found == (
        None,
        None,
        f"The financial account {id} cannot be closed: its cash cannot be forwarded. The FinancialAccount {id} does "
        "not have the intra_stripe_flows feature active.",
    )


def test_an_account_that_may_not_send_money_stays_open(platform):
    business = connected(platform)
    id = funded(business, *EVERYTHING)
    business.made(f"{ACCOUNTS}/{id}", platform_restrictions={"outbound_flows": "restricted"})

    code, param, message = refusal(business, id, to_bank("pm_usBankAccount"))

    assert (code, param) == (None, None)
    assert message.endswith("does not have the outbound_transfers.ach feature active.")


def test_a_target_kept_by_an_update_that_has_closed_since_is_refused(platform):
    business = connected(platform)
    id, target = funded(business), opened(business)
    business.made(f"{ACCOUNTS}/{id}", forwarding_settings=to_account(target))
    business.made(f"{ACCOUNTS}/{target}/close")

    answer = business.post(f"{ACCOUNTS}/{id}/close")

    assert (answer.status, answer.error["param"]) == (400, "forwarding_settings[financial_account]")
    assert balance(business, id) == (500_00, 0)


def test_a_transfer_that_is_processing_keeps_an_account_open(platform):
    business = connected(platform)
    id, target = funded(business), opened(business)
    method = "pm_usBankAccount_processing"
    business.made(OBT, amount=1, currency="usd", financial_account=id, destination_payment_method=method)

    found = refusal(business, id, to_account(target))

    assert found[2] == f"The financial account {id} cannot be closed: it has a Transaction that is still open."


def test_what_a_closed_account_has_sent_does_not_come_back(platform):
    business = connected(platform)
    id = funded(business)
    business.made(f"{ACCOUNTS}/{id}/close", forwarding_settings=to_bank("pm_usBankAccount"))
    (transfer,) = business.read(OBT, financial_account=id)["data"]

    answer = business.post(f"{HELPERS}/{transfer['id']}/return")

    assert (answer.status, answer.error["code"]) == (400, "account_closed")
    assert balance(business, id) == (0, 0)
