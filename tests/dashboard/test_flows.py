"""Money on its way: lists by kind, statuses drawn, and what may happen next and nothing else."""

from __future__ import annotations

import re

import pytest

from emulator.dashboard import flows
from emulator.treasury.bank_accounts import RETURN_CODES
from tests.balances.paying import a_business, ended, paid_out, topped_up
from tests.treasury.collecting import STAYS, asked
from tests.treasury.sending import funded, helped, paid, sent, sent_within_stripe
from tests.treasury.worlds import opened, send


def buttons(visitor):
    """What may happen next."""
    return re.findall(r'action="/dashboard/flows/[^/"]+/(\w+)', visitor.html)


def look(visitor, flow, **query):
    """Open the page of a movement."""
    account = f"?account={query['account']}" if query else ""
    visitor.get(f"/dashboard/flows/{flow['id']}{account}")
    assert visitor.page.status_code == 200


def test_an_outbound_transfer_is_posted_and_returned_with_a_reason(platform, visitor):
    flow = sent(platform, funded(platform))
    look(visitor, flow)
    assert buttons(visitor) == ["post", "return", "fail", "cancel"]
    assert "it is processing; it may still become posted or returned or failed or canceled" in visitor.html

    visitor.post(f"/dashboard/flows/{flow['id']}/post")
    assert "It is posted." in visitor.text
    assert buttons(visitor) == ["return"]

    visitor.post(f"/dashboard/flows/{flow['id']}/return", code="account_closed")
    assert "Returned with account_closed" in visitor.text
    assert buttons(visitor) == []
    assert "posted was followed by returned" in visitor.html.replace("processing, then posted", "posted")


@pytest.mark.parametrize("verb, status", [("fail", "failed"), ("cancel", "canceled")])
def test_an_outbound_payment_fails_or_is_canceled(platform, visitor, verb, status):
    flow = paid(platform, funded(platform))
    look(visitor, flow)

    visitor.post(f"/dashboard/flows/{flow['id']}/{verb}")

    assert platform.read(f"/v1/treasury/outbound_payments/{flow['id']}")["status"] == status
    assert buttons(visitor) == []


def test_money_that_has_arrived_here_offers_no_return(platform, visitor):
    source, target = funded(platform), opened(platform)
    flow = sent_within_stripe(platform, source, target)
    helped(platform, flow, "post")

    look(visitor, flow)

    assert buttons(visitor) == []


def test_an_inbound_transfer_succeeds_and_is_returned(platform, visitor):
    flow = asked(platform, opened(platform), method=STAYS)
    look(visitor, flow)
    assert buttons(visitor) == ["succeed", "fail", "cancel"]

    visitor.post(f"/dashboard/flows/{flow['id']}/succeed")
    assert buttons(visitor) == ["return"]

    visitor.post(f"/dashboard/flows/{flow['id']}/return")
    assert "It is returned." in visitor.text
    assert buttons(visitor) == []


def test_an_inbound_transfer_fails_for_the_reason_that_is_chosen(platform, visitor):
    flow = asked(platform, opened(platform), method=STAYS)
    look(visitor, flow)

    visitor.post(f"/dashboard/flows/{flow['id']}/fail", code="no_account")

    assert "Failed with no_account" in visitor.text


def test_a_received_credit_is_sent_back(platform, visitor):
    credit = send(platform, opened(platform), 50_00)
    look(visitor, credit)
    assert buttons(visitor) == ["reverse"]

    visitor.post(f"/dashboard/flows/{credit['id']}/reverse")

    assert visitor.page.request.path.startswith("/dashboard/flows/credrev_")
    look(visitor, credit)
    assert buttons(visitor) == []


def test_a_refusal_of_the_operation_is_told_and_changes_nothing(platform, visitor):
    flow = sent(platform, funded(platform))
    look(visitor, flow)
    helped(platform, flow, "fail")

    visitor.post(f"/dashboard/flows/{flow['id']}/post", back=f"/dashboard/flows/{flow['id']}")

    assert "This OutboundTransfer cannot transition from failed to posted." in visitor.text


def test_a_payout_is_canceled_or_reversed(platform, visitor):
    business, _ = a_business(platform)
    platform.settings(progress="never")
    first = paid_out(business)
    look(visitor, first, account=business.account)
    assert buttons(visitor) == ["cancel"]
    visitor.post(f"/dashboard/flows/{first['id']}/cancel?account={business.account}")
    assert "It is canceled." in visitor.text

    platform.settings(progress="at_once")
    second = ended(business, paid_out(business))
    look(visitor, second, account=business.account)
    assert buttons(visitor) == ["reverse"]
    visitor.post(f"/dashboard/flows/{second['id']}/reverse?account={business.account}")
    assert business.read(f"/v1/payouts/{second['id']}")["reversed_by"] is not None


def test_a_top_up_is_taken_back_by_the_bank(platform, visitor):
    topped_up(platform, 50_00)
    topup = platform.read("/v1/topups")["data"][0]
    look(visitor, topup)
    assert buttons(visitor) == ["reverse"]

    visitor.post(f"/dashboard/flows/{topup['id']}/reverse")

    assert platform.read(f"/v1/topups/{topup['id']}")["status"] == "reversed"


def test_a_transfer_between_accounts_is_reversed(platform, visitor):
    business, _ = a_business(platform)
    topped_up(platform, 50_00)
    transfer = platform.made("/v1/transfers", amount=20_00, currency="usd", destination=business.account)
    at_platform = platform.read("/v1/account")["id"]
    look(visitor, transfer, account=at_platform)
    assert buttons(visitor) == ["reverse"]

    visitor.post(f"/dashboard/flows/{transfer['id']}/reverse?account={at_platform}")

    assert platform.read(f"/v1/transfers/{transfer['id']}")["reversed"] is True
    assert business.account == transfer["destination"]


def test_movements_are_listed_of_all_kinds_and_of_one(platform, visitor):
    source = funded(platform)
    flow = sent(platform, source)

    visitor.get(f"/dashboard/flows?fa={source}")
    assert re.search(r"Outbound transfer .* open −\$20\.00", visitor.text)
    assert re.search(r"Received credit .* posted \+\$500\.00", visitor.text)

    visitor.get(f"/dashboard/flows?fa={source}&kind=outbound_transfers")
    assert f"/dashboard/flows/{flow['id']}" in visitor.links()
    assert "Received credit" not in visitor.text


def test_each_kind_has_a_list(platform, visitor):
    for kind in flows.BY_NAME:
        visitor.get(f"/dashboard/flows?kind={kind}")

        assert visitor.page.status_code == 200, kind
    assert visitor.get("/dashboard/flows?kind=nothing").status_code == 404
    assert visitor.get("/dashboard/flows/ic_1").status_code == 404


def test_the_reasons_of_a_bank_are_those_that_the_api_knows():
    assert [code for code, _ in flows.RETURN_CODES if code] == list(RETURN_CODES)
