"""Refunds: money that goes back, what is taken back with it, and refunds that fail."""

from __future__ import annotations

import pytest

from tests.payments.paying import (
    CHARGES,
    DAY,
    FEES,
    REFUNDS,
    TRANSACTIONS,
    balance,
    debited,
    intent,
    paid,
    said_by_doctor,
)
from tests.treasury.worlds import connected


def test_a_charge_is_refunded_in_parts_until_nothing_is_left(platform):
    made = paid(platform)
    charge = made["latest_charge"]

    part = platform.made(REFUNDS, charge=charge, amount=5_00, reason="duplicate", metadata={"a": "1"})
    rest = platform.made(REFUNDS, payment_intent=made["id"], expand=["balance_transaction", "charge"])
    again = platform.post(REFUNDS, charge=charge)

    assert (part["status"], part["reason"], part["metadata"]) == ("succeeded", "duplicate", {"a": "1"})
    assert part["destination_details"] == {
        "card": {
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        },
        "type": "card",
    }
    money = rest["balance_transaction"]
    assert (rest["amount"], money["type"], money["net"], money["fee"]) == (15_00, "refund", -15_00, 0)
    assert (rest["charge"]["amount_refunded"], rest["charge"]["refunded"]) == (20_00, True)
    assert (again.error["code"], again.error["message"]) == (
        "charge_already_refunded",
        f"Charge {charge} has already been refunded.",
    )
    assert balance(platform) == (0, -88)
    assert platform.event_types()[-4:] == ["refund.created", "charge.refunded"] * 2
    assert [one["id"] for one in platform.read(REFUNDS, charge=charge)["data"]] == [rest["id"], part["id"]]
    assert len(platform.read(REFUNDS, payment_intent=made["id"])["data"]) == 2
    assert len(platform.read(f"{CHARGES}/{charge}/refunds")["data"]) == 2
    assert platform.read(f"{CHARGES}/{charge}/refunds/{part['id']}") == part
    assert said_by_doctor(platform) == []


def test_a_refund_comes_out_of_what_the_charge_left_pending_and_later_out_of_what_is_available(platform):
    early, late = (paid(platform)["latest_charge"] for _ in range(2))

    platform.made(REFUNDS, charge=early)
    platform.clock(advance=3 * DAY)
    before = balance(platform)
    platform.made(REFUNDS, charge=late)

    assert (before, balance(platform)) == ((19_12 - 88, 0), (-88 - 88, 0))


def test_messages_about_too_much_name_both_amounts(platform):
    charge = paid(platform, 10_00)["latest_charge"]

    whole = platform.post(REFUNDS, charge=charge, amount=10_01)
    platform.made(REFUNDS, charge=charge, amount=5_00)
    part = platform.post(REFUNDS, charge=charge, amount=6_00)

    assert whole.error["message"] == "Refund amount ($10.01) is greater than charge amount ($10.00)"
    assert part.error["message"] == "Refund amount ($6.00) is greater than unrefunded amount on charge ($5.00)"
    assert (part.error["param"], "code" in part.error) == ("amount", False)


@pytest.mark.parametrize(
    "params, status, param, code",
    [
        ({}, 400, "charge", "parameter_missing"),
        ({"charge": "ch_x"}, 400, "charge", "resource_missing"),
        ({"payment_intent": "pi_x"}, 400, "payment_intent", "resource_missing"),
        ({"amount": -1}, 400, "amount", "parameter_invalid_integer"),
        ({"reason": "bored"}, 400, "reason", None),
        ({"origin": "customer_balance"}, 501, "origin", None),
        ({"customer": "cus_x"}, 501, "customer", None),
    ],
)
def test_bad_refunds_are_refused(platform, params, status, param, code):
    refusal = platform.post(REFUNDS, **params)

    assert (refusal.status, refusal.error["param"]) == (status, param)
    assert code is None or refusal.error["code"] == code


def test_what_brought_no_money_cannot_be_refunded(platform):
    waiting = debited(platform, "pm_usBankAccount_processing")
    held = intent(platform, payment_method="pm_card_visa", confirm=True, capture_method="manual")
    nothing = intent(platform)

    for params, says in (
        ({"charge": waiting["latest_charge"]}, "is pending"),
        ({"charge": held["latest_charge"]}, "has not been captured"),
        ({"payment_intent": held["id"]}, "does not have a successful charge"),
        ({"payment_intent": nothing["id"]}, "does not have a successful charge"),
        ({"charge": paid(platform)["latest_charge"], "reverse_transfer": True}, "does not have an associated transfer"),
        ({"charge": paid(platform)["latest_charge"], "refund_application_fee": True}, "no application fee"),
    ):
        refusal = platform.post(REFUNDS, **params)
        assert refusal.status == 400 and says in refusal.error["message"]
    two = paid(platform), paid(platform)
    both = platform.post(REFUNDS, charge=two[0]["latest_charge"], payment_intent=two[1]["id"])
    assert both.error["code"] == "parameters_exclusive"


def test_a_disputed_charge_cannot_be_refunded(platform):
    charge = paid(platform, method="pm_card_createDispute")["latest_charge"]

    refusal = platform.post(REFUNDS, charge=charge)

    assert (refusal.error["code"], refusal.error["message"]) == (
        "charge_disputed",
        f"Charge {charge} has been charged back; cannot issue a refund.",
    )


def test_a_refund_can_change_its_metadata_and_never_be_canceled(platform):
    refund = platform.made(REFUNDS, charge=paid(platform)["latest_charge"])

    after = platform.made(f"{REFUNDS}/{refund['id']}", metadata={"a": "1"})
    refusal = platform.post(f"{REFUNDS}/{refund['id']}/cancel")

    assert after["metadata"] == {"a": "1"}
    assert platform.event_types()[-2:] == ["charge.refund.updated", "refund.updated"]
    assert refusal.status == 400 and "requires_action" in refusal.error["message"]
    assert platform.read(f"{REFUNDS}/{refund['id']}") == after


def test_refunds_of_one_test_card_take_a_while(platform):
    refund = platform.made(REFUNDS, charge=paid(platform, method="pm_card_pendingRefund")["latest_charge"])

    after = platform.read(f"{REFUNDS}/{refund['id']}")

    assert (refund["status"], refund["pending_reason"]) == ("pending", "processing")
    assert (after["status"], "pending_reason" in after) == ("succeeded", False)
    assert platform.event_types()[-1] == "refund.updated"


def test_refunds_of_another_fail_afterwards_and_the_money_is_back(platform):
    charge = paid(platform, method="pm_card_refundFail")["latest_charge"]
    refund = platform.made(REFUNDS, charge=charge)

    after = platform.read(f"{REFUNDS}/{refund['id']}", expand=["failure_balance_transaction"])

    money = after["failure_balance_transaction"]
    assert (refund["status"], after["status"], after["failure_reason"]) == ("succeeded", "failed", "unknown")
    assert (money["type"], money["net"]) == ("refund_failure", 20_00)
    assert platform.read(f"{CHARGES}/{charge}")["amount_refunded"] == 0
    assert platform.event_types()[-3:] == ["charge.refund.updated", "refund.failed", "charge.updated"]
    assert sum(balance(platform)) == 19_12
    assert said_by_doctor(platform) == []


def test_a_refund_to_a_bank_account_arrives_by_the_next_request(platform):
    charge = debited(platform)["latest_charge"]
    platform.read("/v1/balance")

    refund = platform.made(REFUNDS, charge=charge)

    assert refund["id"].startswith("pyr_3") and refund["status"] == "pending"
    assert platform.read(f"{REFUNDS}/{refund['id']}", expand=["balance_transaction"])["status"] == "succeeded"
    assert balance(platform) == (-16, 0)


def test_a_refund_takes_back_transfer_and_fee_in_proportion(platform):
    business = connected(platform)
    made = paid(platform, transfer_data={"destination": business.account}, application_fee_amount=4_00)
    sent = {"payment_intent": made["id"], "reverse_transfer": True, "refund_application_fee": True}

    part = platform.made(REFUNDS, **sent, amount=5_00, expand=["transfer_reversal"])

    assert (part["transfer_reversal"]["amount"], part["transfer_reversal"]["source_refund"]) == (5_00, part["id"])
    assert (balance(platform), balance(business)) == ((0, 3_00 - 88), (0, 16_00 - 5_00 + 1_00))
    (fee,) = platform.read(FEES)["data"]
    assert (fee["amount_refunded"], fee["refunded"], fee["refunds"]["data"][0]["amount"]) == (1_00, False, 1_00)
    back = fee["refunds"]["data"][0]
    assert platform.read(f"{FEES}/{fee['id']}/refunds")["data"] == [back]
    assert platform.read(f"{FEES}/{fee['id']}/refunds/{back['id']}") == back
    changed = platform.made(f"{FEES}/{fee['id']}/refunds/{back['id']}", metadata={"a": "1"})
    assert (changed["metadata"], platform.event_types()[-1]) == ({"a": "1"}, "application_fee.refund.updated")
    platform.made(REFUNDS, **sent)
    assert (balance(platform), balance(business)) == ((0, -88), (0, 0))
    assert platform.read(f"{FEES}/{fee['id']}")["refunded"] is True
    assert said_by_doctor(platform) == []


def test_a_last_refund_takes_back_its_own_share_and_not_that_of_refunds_before_it(platform):
    business = connected(platform)
    made = paid(platform, 100_00, transfer_data={"destination": business.account}, application_fee_amount=10_00)
    platform.made(REFUNDS, payment_intent=made["id"], amount=60_00)

    rest = platform.made(
        REFUNDS,
        payment_intent=made["id"],
        reverse_transfer=True,
        refund_application_fee=True,
        expand=["transfer_reversal"],
    )

    assert (rest["amount"], rest["transfer_reversal"]["amount"]) == (40_00, 40_00)
    assert platform.read(FEES)["data"][0]["amount_refunded"] == 4_00
    assert balance(business) == (0, 90_00 - 40_00 + 4_00)
    assert said_by_doctor(platform) == []


def test_the_fee_of_a_direct_charge_comes_back_with_the_refunds_that_say_so(platform):
    business = connected(platform)
    charge = paid(business, 100_00, application_fee_amount=10_00)["latest_charge"]
    business.made(REFUNDS, charge=charge, amount=75_00)

    business.made(REFUNDS, charge=charge, refund_application_fee=True)

    assert platform.read(FEES)["data"][0]["amount_refunded"] == 2_50


@pytest.mark.parametrize("parts", [(33, 33, 35), (1, 50, 50), (100, 1)])
def test_what_goes_back_in_parts_is_in_the_end_what_came_in_a_currency_without_minor_units_too(platform, parts):
    business = connected(platform)
    sent_on = {"transfer_data": {"destination": business.account}, "application_fee_amount": 7}
    made = paid(platform, 101, currency="jpy", **sent_on)

    for part in parts:
        platform.made(
            REFUNDS, payment_intent=made["id"], amount=part, reverse_transfer=True, refund_application_fee=True
        )

    assert (balance(business, "jpy"), balance(platform, "jpy")) == ((0, 0), (0, -33))
    assert platform.read(FEES)["data"][0]["refunded"] is True
    assert said_by_doctor(platform) == []


def test_a_refund_leaves_transfer_and_fee_alone_unless_it_says_so(platform):
    business = connected(platform)
    charge = paid(platform, transfer_data={"destination": business.account})["latest_charge"]

    platform.made(REFUNDS, charge=charge)

    assert (balance(platform), balance(business)) == ((0, -20_00 - 88), (0, 20_00))


def test_a_refund_is_refused_where_the_destination_no_longer_has_the_money(platform):
    business = connected(platform)
    made = paid(platform, method="pm_card_bypassPending", transfer_data={"destination": business.account})
    business.made("/v1/transfers", amount=20_00, currency="usd", destination=platform.read("/v1/account")["id"])
    before = balance(platform)

    refusal = platform.post(REFUNDS, payment_intent=made["id"], reverse_transfer=True)

    assert (refusal.status, refusal.error["code"]) == (400, "balance_insufficient")
    assert balance(platform) == before
    assert platform.read(f"{CHARGES}/{made['latest_charge']}")["amount_refunded"] == 0


def test_the_refund_of_a_direct_charge_may_bring_the_fee_back(platform):
    business = connected(platform)
    charge = paid(business, application_fee_amount=4_00)["latest_charge"]

    refund = business.made(REFUNDS, charge=charge, refund_application_fee=True, expand=["balance_transaction"])

    money = refund["balance_transaction"]
    assert (money["amount"], money["fee"], money["net"]) == (-20_00, -4_00, -16_00)
    assert (balance(business), balance(platform)) == ((0, -88), (0, 0))
    assert platform.event_types()[-1] == "application_fee.refunded"


def test_what_a_transfer_brought_is_refunded_by_its_reversal(platform):
    business = connected(platform)
    paid(platform, method="pm_card_bypassPending")
    transfer = platform.made("/v1/transfers", amount=10_00, currency="usd", destination=business.account)

    refusal = business.post(REFUNDS, charge=transfer["destination_payment"])

    assert refusal.status == 400 and transfer["id"] in refusal.error["message"]


def test_a_platform_gives_its_fee_back_without_a_refund(platform):
    business = connected(platform)
    paid(business, application_fee_amount=4_00)
    (fee,) = platform.read(FEES)["data"]
    path = f"{FEES}/{fee['id']}/refunds"
    before = balance(business)

    part = platform.made(path, amount=1_00, metadata={"a": "1"}, expand=["balance_transaction", "fee"])
    rest = platform.made(path)

    assert (part["amount"], rest["amount"], part["metadata"]) == (1_00, 3_00, {"a": "1"})
    assert (part["balance_transaction"]["net"], part["balance_transaction"]["type"]) == (
        -1_00,
        "application_fee_refund",
    )
    assert (part["fee"]["amount_refunded"], part["fee"]["refunded"]) == (1_00, False)
    assert balance(platform) == (0, 0)
    assert balance(business) == (before[0], before[1] + 4_00)
    got = business.read(TRANSACTIONS, source=rest["id"])["data"]
    assert [(one["amount"], one["type"], one["description"]) for one in got] == [
        (3_00, "adjustment", "Application fee refund")
    ]
    assert platform.event_types()[-2:] == ["application_fee.refunded"] * 2
    assert said_by_doctor(platform) == []


def test_no_more_of_a_fee_goes_back_than_is_left(platform):
    business = connected(platform)
    charge = paid(business, application_fee_amount=4_00)["latest_charge"]
    path = f"{FEES}/{platform.read(FEES)['data'][0]['id']}/refunds"
    platform.made(path, amount=1_00)

    more = platform.post(path, amount=3_01)
    assert (more.status, more.error["param"]) == (400, "amount")
    assert more.error["message"] == (
        "Refund amount ($3.01) is greater than unrefunded amount on application fee ($3.00)"
    )
    business.made(REFUNDS, charge=charge, refund_application_fee=True)
    again = platform.post(path)

    assert (again.status, "already been refunded" in again.error["message"]) == (400, True)
    assert platform.read(path.removesuffix("/refunds"))["amount_refunded"] == 4_00
    assert said_by_doctor(platform) == []
