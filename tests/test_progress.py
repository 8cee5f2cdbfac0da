"""Whatever a reply called pending or processing: a helper or a cancel that follows comes before what happens by itself.

Each flow with `progress=at_once`, so that its own next step is due when the request arrives.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from emulator.app import create_app
from tests.client import Client
from tests.connect.shapes import account_of, individual
from tests.issuing.purchases import a_spender, findings, force_capture
from tests.serving import Served
from tests.treasury.sending import (
    HELPERS,
    OBP,
    OBP_HELPERS,
    OBT,
    WIRE,
    funded,
    paid,
    paid_within_stripe,
    sent,
    sent_within_stripe,
)
from tests.treasury.worlds import connected, opened

FRAUD = {"reason": "fraudulent", "fraudulent": {"explanation": "winning_evidence"}}


def topup(platform: Client) -> tuple[Client, str, str]:
    return platform, "/v1/topups", platform.made("/v1/topups", amount=20_00, currency="usd")["id"]


def bouncing_topup(platform: Client) -> tuple[Client, str, str]:
    source = "btok_us_verified_noAccount"
    return platform, "/v1/topups", platform.made("/v1/topups", amount=20_00, currency="usd", source=source)["id"]


def transfer(platform: Client, method: str = "pm_usBankAccount", **params: Any) -> tuple[Client, str, str]:
    client = connected(platform)
    return client, OBT, sent(client, funded(client), method=method, **params)["id"]


def wire(platform: Client) -> tuple[Client, str, str]:
    return transfer(platform, destination_payment_method_options=WIRE)


def transfer_that_fails(platform: Client) -> tuple[Client, str, str]:
    return transfer(platform, "pm_usBankAccount_accountClosed")


def stripe_transfer(platform: Client) -> tuple[Client, str, str]:
    client = connected(platform)
    return client, OBT, sent_within_stripe(client, funded(client), opened(client))["id"]


def payment(platform: Client, number: str = "000123456789", **params: Any) -> tuple[Client, str, str]:
    client = connected(platform)
    return client, OBP, paid(client, funded(client), number=number, **params)["id"]


def payment_by_wire(platform: Client) -> tuple[Client, str, str]:
    return payment(platform, destination_payment_method_options=WIRE)


def payment_that_fails(platform: Client) -> tuple[Client, str, str]:
    return payment(platform, "000111111113")


def stripe_payment(platform: Client) -> tuple[Client, str, str]:
    client = connected(platform)
    return client, OBP, paid_within_stripe(client, funded(client), opened(connected(platform)))["id"]


def dispute(platform: Client) -> tuple[Client, str, str]:
    purchase = force_capture(platform, a_spender(platform), 10_00)["id"]
    id = platform.made("/v1/issuing/disputes", transaction=purchase, evidence=FRAUD)["id"]
    platform.made(f"/v1/issuing/disputes/{id}/submit")
    return platform, "/v1/issuing/disputes", id


CANCEL_TOPUP = "/v1/topups/{id}/cancel"
CANCEL = OBT + "/{id}/cancel"
POST, FAIL, RETURN = (f"{HELPERS}/{{id}}/{verb}" for verb in ("post", "fail", "return"))
CANCEL_PAYMENT = OBP + "/{id}/cancel"
POST_PAYMENT, FAIL_PAYMENT, RETURN_PAYMENT = (f"{OBP_HELPERS}/{{id}}/{verb}" for verb in ("post", "fail", "return"))
DECIDE = "/_emulator/issuing/disputes/{id}/decide"
FLOWS = [
    (topup, CANCEL_TOPUP, {}, "canceled"),
    (bouncing_topup, CANCEL_TOPUP, {}, "canceled"),
    *[
        (begin, *rest)
        for begin in (transfer, wire, transfer_that_fails)
        for rest in (
            (CANCEL, {}, "canceled"),
            (POST, {}, "posted"),
            (FAIL, {}, "failed"),
            (RETURN, {"returned_details": {"code": "no_account"}}, "returned"),
        )
    ],
    *[
        (begin, *rest)
        for begin in (payment, payment_by_wire, payment_that_fails)
        for rest in (
            (CANCEL_PAYMENT, {}, "canceled"),
            (POST_PAYMENT, {}, "posted"),
            (FAIL_PAYMENT, {}, "failed"),
            (RETURN_PAYMENT, {"returned_details": {"code": "no_account"}}, "returned"),
        )
    ],
    (stripe_payment, POST_PAYMENT, {}, "posted"),
    (stripe_payment, FAIL_PAYMENT, {}, "failed"),
    (stripe_payment, RETURN_PAYMENT, {}, "returned"),
    (stripe_transfer, POST, {}, "posted"),
    (stripe_transfer, FAIL, {}, "failed"),
    (stripe_transfer, RETURN, {}, "returned"),
    (dispute, DECIDE, {"outcome": "lost"}, "lost"),
]


@pytest.mark.parametrize("begin, path, params, status", FLOWS)
def test_it_comes_first_and_nothing_more_happens_by_itself(platform, begin, path, params, status):
    platform.settings(progress="at_once")
    client, objects, id = begin(platform)

    moved = client.post(path.format(id=id), **params)

    assert (moved.status, moved.json.get("status")) == (200, status), moved.json
    assert client.read(f"{objects}/{id}")["status"] == status
    assert findings(platform) == []


@pytest.mark.parametrize(
    "begin, status", [(topup, "pending"), (transfer, "processing"), (stripe_transfer, "processing")]
)
def test_a_request_with_a_bad_parameter_takes_nothing_away(platform, begin, status):
    platform.settings(progress="at_once")
    client, objects, id = begin(platform)
    path = CANCEL_TOPUP if begin is topup else FAIL

    bad = client.post(path.format(id=id), zebra="1", headers={"Idempotency-Key": "k1"})
    moved = client.post(path.format(id=id))

    assert (bad.status, bad.error["code"]) == (400, "parameter_unknown")
    assert moved.status == 200, moved.json


def test_a_transfer_over_the_stripe_network_told_as_processing_can_be_posted_whatever_the_setting(platform):
    client, _, id = stripe_transfer(platform)

    posted = client.made(POST.format(id=id))

    assert posted["status"] == "posted"
    types = [kind for kind in client.event_types() if "outbound_transfer" in kind]
    assert types == ["treasury.outbound_transfer.created", "treasury.outbound_transfer.posted"]


def test_what_cannot_be_canceled_has_been_posted_when_that_is_said(platform):
    client, _, id = stripe_transfer(platform)

    refusal = client.post(CANCEL.format(id=id))

    assert refusal.error["message"] == "This OutboundTransfer cannot transition from posted to canceled."
    assert client.read(f"{OBT}/{id}")["status"] == "posted"


def test_a_request_that_needs_the_object_as_it_will_be_finds_it_so(platform):
    _, _, id = topup(platform)

    reversed_ = platform.made(f"/_emulator/topups/{id}/reverse")

    assert reversed_["status"] == "reversed"
    assert findings(platform) == []


def test_a_bank_that_is_about_to_send_money_back_may_be_told_why(platform):
    client = connected(platform)
    id = sent(client, funded(client), method="pm_usBankAccount_invalidCurrency")["id"]
    assert client.clock(advance=10) and client.read(f"{OBT}/{id}")["returned_details"]["code"] == "invalid_currency"

    other = sent(client, funded(client), method="pm_usBankAccount_invalidCurrency")["id"]
    returned = client.made(RETURN.format(id=other), returned_details={"code": "account_frozen"})

    assert returned["returned_details"]["code"] == "account_frozen"


def test_it_comes_first_too_where_it_is_the_first_thing_that_a_server_is_asked(tmp_path, key):
    before = create_app(tmp_path)
    id = Client(before, key).made("/v1/topups", amount=20_00, currency="usd")["id"]
    before.emulator.close()
    after = create_app(tmp_path)

    with Served(after) as server:
        reply = httpx.post(f"{server.url}/v1/topups/{id}/cancel", auth=(key, ""))
    after.emulator.close()

    assert reply.json()["status"] == "canceled", reply.text


def test_what_is_being_verified_can_be_replaced_before_it_has_been(platform):
    platform.settings(onboarding="verify")
    account = account_of(platform, "transfers", **individual(id_number="000000000"))
    inside = platform.acting_as(account["id"])

    platform.made(f"/v1/accounts/{account['id']}", individual={"id_number": "111111111"})

    assert account["capabilities"] == {"transfers": "pending"}
    told = [event["data"]["object"]["status"] for event in inside.events(type="capability.updated")]
    assert told == ["inactive"]


def test_money_that_arrives_by_itself_can_be_spent_by_the_next_request(platform):
    card = a_spender(platform, funds=0)
    platform.made("/v1/topups", amount=20_00, currency="usd", destination_balance="issuing")

    purchase = platform.made("/v1/test_helpers/issuing/authorizations", card=card["id"], amount=20_00)

    assert purchase["approved"] is True
