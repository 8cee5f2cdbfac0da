"""What test helpers make of inbound transfers."""

from __future__ import annotations

import pytest

from emulator.treasury.bank_accounts import FAILURE_CODES
from tests.issuing.purchases import findings
from tests.treasury.collecting import HELPERS, asked, helped, read, saved_account
from tests.treasury.sending import WAIT, funded, told
from tests.treasury.worlds import ACCOUNTS, DEBITS, balance, opened, take

FORWARDING = {"type": "payment_method", "payment_method": "pm_usBankAccount"}


def test_a_helper_comes_before_what_a_transfer_would_do_by_itself(platform):
    platform.clock(frozen=True)
    target = opened(platform)
    failed, succeeded = asked(platform, target), asked(platform, target, method="pm_usBankAccount_dispute")
    seen = len(platform.events())

    platform.clock(advance=WAIT - 1)
    helped(platform, failed, "fail")
    helped(platform, succeeded, "succeed")
    platform.clock(advance=10 * WAIT)

    assert (read(platform, failed)["status"], read(platform, succeeded)["returned"]) == ("failed", False)
    assert told(platform, seen) == ["inbound_transfer.failed", "inbound_transfer.succeeded"]


def test_a_failure_is_other_unless_told_otherwise(platform):
    failed = helped(platform, asked(platform, opened(platform)), "fail")

    assert (failed["status"], failed["failure_details"], failed["transaction"]) == ("failed", {"code": "other"}, None)


@pytest.mark.parametrize("code", FAILURE_CODES)
def test_every_published_code_can_be_the_reason(platform, code):
    transfer = asked(platform, opened(platform))

    assert helped(platform, transfer, "fail", failure_details={"code": code})["failure_details"] == {"code": code}


def test_a_code_that_is_not_published_is_refused(platform):
    platform.clock(frozen=True)
    transfer = asked(platform, opened(platform))

    refusal = platform.post(f"{HELPERS}/{transfer['id']}/fail", failure_details={"code": "could_not_process"})

    assert (refusal.status, refusal.error["param"]) == (400, "failure_details[code]")
    assert read(platform, transfer)["status"] == "processing"


def test_a_return_takes_what_is_not_there_any_more(platform):
    target = opened(platform)
    transfer = helped(platform, asked(platform, target), "succeed")
    take(platform, target, 15_00)
    platform.made(f"{ACCOUNTS}/{target}", platform_restrictions={"outbound_flows": "restricted"})

    back = helped(platform, transfer, "return")

    assert (back["returned"], back["failure_details"]) == (True, {"code": "other"})
    assert balance(platform, target) == (-15_00, 0)
    assert findings(platform) == []


def test_a_closed_account_neither_gets_nor_gives_back(platform):
    target = opened(platform)
    transfer = helped(platform, asked(platform, target), "succeed")
    platform.made(f"{ACCOUNTS}/{target}/close", forwarding_settings=FORWARDING)

    refusal = platform.post(f"{HELPERS}/{transfer['id']}/return")

    assert (refusal.status, refusal.error["code"]) == (400, "account_closed")
    assert refusal.error["message"] == (
        f"This InboundTransfer cannot be returned: the FinancialAccount {target} is closed."
    )
    assert read(platform, transfer)["returned"] is False


def test_a_financial_account_that_cannot_give_the_money_lets_no_helper_succeed(platform):
    platform.clock(frozen=True)
    source, target = funded(platform, 10_00), opened(platform)
    transfer = asked(platform, target, method=saved_account(platform, platform, source))

    refusal = platform.post(f"{HELPERS}/{transfer['id']}/succeed")

    assert (refusal.status, refusal.error["code"]) == (400, "status_transition_invalid")
    assert refusal.error["message"] == (
        "This InboundTransfer cannot succeed: its origin does not give the money (insufficient_funds)."
    )
    assert platform.read(DEBITS, financial_account=source)["data"] == []
    assert helped(platform, transfer, "fail")["status"] == "failed"


def test_what_its_origin_gets_back_already_is_not_returned_as_well(platform):
    source, target = funded(platform, 100_00), opened(platform)
    transfer = asked(platform, target, method=saved_account(platform, platform, source))
    helped(platform, transfer, "succeed")
    platform.settings(progress="never")
    (debit,) = platform.read(DEBITS, financial_account=source)["data"]
    reversal = platform.made("/v1/treasury/debit_reversals", received_debit=debit["id"])["id"]

    refusal = platform.post(f"{HELPERS}/{transfer['id']}/return")

    assert (refusal.status, refusal.error["code"]) == (400, "status_transition_invalid")
    assert refusal.error["message"] == (
        f"This InboundTransfer cannot be returned: its origin gets the money back as {reversal}."
    )


def test_an_origin_that_has_closed_gets_nothing_back(platform):
    source, target = funded(platform, 100_00), opened(platform)
    transfer = asked(platform, target, method=saved_account(platform, platform, source))
    helped(platform, transfer, "succeed")
    platform.made(f"{ACCOUNTS}/{source}/close", forwarding_settings=FORWARDING)

    refusal = platform.post(f"{HELPERS}/{transfer['id']}/return")

    assert (refusal.status, refusal.error["code"]) == (400, "account_closed")
    assert refusal.error["message"] == (
        f"This InboundTransfer cannot be returned: the FinancialAccount {source} is closed."
    )
