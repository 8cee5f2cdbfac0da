"""Charges over the API: the older way of making them, reading and changing them, and what is held."""

from __future__ import annotations

import pytest

from tests.payments.paying import CHARGES, DAY, balance, intent, paid, said_by_doctor
from tests.treasury.worlds import connected

CUSTOMERS = "/v1/customers"


def charged(client, **params):
    """A charge of a test token."""
    return client.made(CHARGES, **{"amount": 20_00, "currency": "usd", "source": "tok_visa", **params})


def test_a_token_is_charged_and_its_card_is_the_source(platform):
    made = charged(platform, description="Rocket", metadata={"a": "1"}, expand=["balance_transaction"])

    assert (made["status"], made["paid"], made["captured"], made["payment_intent"]) == ("succeeded", True, True, None)
    assert made["balance_transaction"]["net"] == 19_12
    assert (made["source"]["object"], made["source"]["brand"]) == ("card", "Visa")
    assert made["payment_method"] == made["source"]["id"] and made["payment_method"].startswith("card_")
    assert platform.event_types() == ["charge.succeeded"]
    assert platform.read(CHARGES)["data"][0]["id"] == made["id"]
    assert said_by_doctor(platform) == []


def test_a_customers_default_source_is_charged(platform):
    customer = platform.made(CUSTOMERS, source="tok_mastercard")

    made = platform.made(CHARGES, amount=20_00, currency="usd", customer=customer["id"])

    assert made["source"]["id"] == customer["default_source"]
    assert platform.read(CHARGES, customer=customer["id"])["data"][0]["id"] == made["id"]


@pytest.mark.parametrize(
    "params, status, param, code",
    [
        ({"amount": None}, 400, "amount", None),
        ({"amount": 1}, 400, "amount", "amount_too_small"),
        ({"source": "tok_nothing"}, 400, "source", "resource_missing"),
        ({"source": "src_x"}, 501, "source", None),
        ({"customer": "cus_x"}, 400, "customer", "resource_missing"),
        ({"application_fee_amount": 1}, 400, "application_fee_amount", None),
        ({"transfer_data": {"destination": "acct_x"}}, 400, "transfer_data[destination]", "resource_missing"),
        ({"destination": {"account": "acct_x"}}, 400, "destination", "resource_missing"),
        ({"radar_options": {"session": "x"}}, 501, "radar_options", None),
        ({"on_behalf_of": "acct_x"}, 400, "on_behalf_of", "resource_missing"),
    ],
)
def test_bad_charges_are_refused(platform, params, status, param, code):
    refusal = platform.post(CHARGES, **{"amount": 20_00, "currency": "usd", "source": "tok_visa", **params})

    assert (refusal.status, refusal.error["param"]) == (status, param)
    assert code is None or refusal.error["code"] == code


def test_nobody_is_charged_without_a_source(platform):
    customer = platform.made(CUSTOMERS)["id"]

    without = platform.post(CHARGES, amount=20_00, currency="usd")
    inactive = platform.post(CHARGES, amount=20_00, currency="usd", customer=customer)

    assert (without.error["code"], without.error["param"]) == ("parameter_missing", "source")
    assert (inactive.status, inactive.error["code"]) == (400, "missing")


def test_a_declined_token_leaves_a_failed_charge(platform):
    refusal = platform.post(CHARGES, amount=20_00, currency="usd", source="tok_chargeDeclined")

    failed = platform.read(f"{CHARGES}/{refusal.error['charge']}")

    assert (refusal.status, refusal.error["decline_code"]) == (402, "generic_decline")
    assert (failed["status"], failed["outcome"]["type"]) == ("failed", "issuer_declined")
    assert platform.event_types() == ["charge.failed"]


def test_what_is_held_is_captured_in_part_once(platform):
    held = charged(platform, capture=False)

    taken = platform.made(f"{CHARGES}/{held['id']}/capture", amount=5_00)
    again = platform.post(f"{CHARGES}/{held['id']}/capture")

    assert (held["captured"], held["balance_transaction"]) == (False, None)
    assert (taken["captured"], taken["amount_captured"], taken["refunded"]) == (True, 5_00, False)
    assert (again.status, again.error["code"]) == (400, "charge_already_captured")
    assert balance(platform) == (0, 5_00 - 45)
    assert platform.event_types()[-1] == "charge.captured"


def test_what_is_held_is_let_go_by_a_refund_or_after_seven_days(platform):
    refunded, expired = (charged(platform, capture=False)["id"] for _ in range(2))

    refund = platform.made("/v1/refunds", charge=refunded)
    platform.clock(advance=7 * DAY)

    assert (refund["amount"], refund["balance_transaction"]) == (20_00, None)
    assert platform.read(f"{CHARGES}/{refunded}")["refunded"] is True
    assert platform.event_types()[-1] == "charge.expired"
    codes = [platform.post(f"{CHARGES}/{id}/capture").error["code"] for id in (refunded, expired)]
    assert codes == ["charge_already_refunded", "charge_expired_for_capture"]
    assert platform.post("/v1/refunds", charge=expired).error["code"] == "charge_not_refundable"
    assert balance(platform) == (0, 0)
    assert said_by_doctor(platform) == []


@pytest.mark.parametrize("params, param", [({"amount": 20_01}, "amount"), ({"application_fee_amount": 1}, None)])
def test_a_capture_that_cannot_be_is_refused(platform, params, param):
    held = charged(platform, capture=False)

    refusal = platform.post(f"{CHARGES}/{held['id']}/capture", **params)

    assert refusal.status == 400 and refusal.error.get("param") in (param, "application_fee_amount")
    assert platform.read(f"{CHARGES}/{held['id']}") == held


def test_a_charge_of_an_intent_is_captured_by_the_intent(platform):
    held = intent(platform, payment_method="pm_card_visa", confirm=True, capture_method="manual")

    refusal = platform.post(f"{CHARGES}/{held['latest_charge']}/capture")

    assert refusal.status == 400 and held["id"] in refusal.error["message"]


def test_what_nobody_is_charged_by_can_change(platform):
    customer = platform.made(CUSTOMERS)["id"]
    made = paid(platform)["latest_charge"]
    address = {"line1": "1 Main Street", "country": "US"}

    after = platform.made(
        f"{CHARGES}/{made}",
        customer=customer,
        description="Late",
        fraud_details={"user_report": "safe"},
        metadata={"a": "1"},
        receipt_email="a@example.com",
        shipping={"name": "Ada", "address": address},
        transfer_group="g",
    )

    assert (after["customer"], after["description"], after["receipt_email"]) == (customer, "Late", "a@example.com")
    assert (after["fraud_details"], after["metadata"]) == ({"user_report": "safe"}, {"a": "1"})
    assert after["shipping"]["address"]["line1"] == "1 Main Street" and after["shipping"]["carrier"] is None
    assert platform.event_types()[-1] == "charge.updated"
    other = platform.made(CUSTOMERS)["id"]
    assert platform.post(f"{CHARGES}/{made}", customer=other).error["param"] == "customer"
    assert platform.read(CHARGES, transfer_group="g")["data"][0]["id"] == made


def test_an_older_destination_is_paid(platform):
    business = connected(platform)

    made = charged(platform, destination={"account": business.account}, application_fee=3_00)

    assert made["transfer_group"] == f"group_{made['id']}"
    assert (balance(platform), balance(business)) == ((0, 3_00 - 88), (0, 17_00))


def test_a_transfer_can_be_of_a_charge_and_waits_with_it(platform):
    business = connected(platform)
    charge = paid(platform)["latest_charge"]
    sent = {"currency": "usd", "destination": business.account, "source_transaction": charge}

    transfer = platform.made("/v1/transfers", **sent, amount=12_00)
    rest = platform.post("/v1/transfers", **sent, amount=8_01)
    euros = platform.post("/v1/transfers", **{**sent, "currency": "eur"}, amount=1_00)

    assert transfer["transfer_group"] == f"group_{charge}"
    assert platform.read(f"{CHARGES}/{charge}")["transfer_group"] == f"group_{charge}"
    assert (rest.error["param"], euros.error["param"]) == ("source_transaction", "source_transaction")
    assert (balance(platform), balance(business)) == ((0, 19_12 - 12_00), (0, 12_00))
    back = platform.made(f"/v1/transfers/{transfer['id']}/reversals", amount=2_00)
    assert back["source_refund"] is None
    platform.clock(advance=3 * DAY)
    assert (balance(platform), balance(business)) == ((19_12 - 10_00, 0), (10_00, 0))
    assert said_by_doctor(platform) == []


def test_no_more_of_a_charge_is_sent_on_than_is_charged_or_captured(platform):
    data = {"destination": connected(platform).account}
    held = charged(platform, capture=False, transfer_data=data, application_fee_amount=15_00)

    charging = platform.post(
        CHARGES, amount=20_00, currency="usd", source="tok_visa", transfer_data={**data, "amount": 20_01}
    )
    capture = platform.post(
        f"{CHARGES}/{held['id']}/capture",
        amount=10_00,
        application_fee_amount=0,
        transfer_data={"amount": 10_01},
    )
    platform.made(f"{CHARGES}/{held['id']}/capture", amount=10_00)

    assert [one.error["param"] for one in (charging, capture)] == ["transfer_data[amount]"] * 2
    assert [one["amount"] for one in platform.read("/v1/application_fees")["data"]] == [10_00]


def test_what_lies_with_the_other_account_can_be_expanded_all_the_same(platform):
    business = connected(platform)
    made = paid(platform, transfer_data={"destination": business.account}, application_fee_amount=3_00)
    platform.made("/v1/refunds", payment_intent=made["id"], reverse_transfer=True, refund_application_fee=True)
    inside = "transfer.destination_payment"

    charge = platform.read(
        f"{CHARGES}/{made['latest_charge']}",
        expand=[inside, f"{inside}.balance_transaction", f"{inside}.application_fee", "transfer.destination"],
    )
    payment = business.read(
        f"{CHARGES}/{charge['transfer']['destination_payment']['id']}",
        expand=["application_fee.balance_transaction", "refunds", "source_transfer.source_transaction"],
    )
    (reversal,) = platform.read(
        f"/v1/transfers/{charge['transfer']['id']}/reversals",
        expand=["data.destination_payment_refund.balance_transaction"],
    )["data"]
    (refund,) = business.read("/v1/refunds", expand=["data.transfer_reversal", "data.source_transfer_reversal"])["data"]
    (fee,) = platform.read("/v1/application_fees", expand=["data.charge.balance_transaction"])["data"]

    got = charge["transfer"]["destination_payment"]
    assert (got["balance_transaction"]["net"], got["application_fee"]["amount"]) == (17_00, 3_00)
    assert charge["transfer"]["destination"]["id"] == business.account
    assert payment["application_fee"]["balance_transaction"]["net"] == 3_00
    assert payment["source_transfer"]["source_transaction"]["id"] == charge["id"]
    assert payment["refunds"]["data"][0]["id"] == refund["id"]
    assert reversal["destination_payment_refund"]["balance_transaction"]["net"] == -17_00
    assert refund["transfer_reversal"] == refund["source_transfer_reversal"]
    assert refund["transfer_reversal"]["id"] == reversal["id"]
    assert fee["charge"]["balance_transaction"]["net"] == 17_00


def test_nothing_is_transferred_of_a_charge_that_was_refunded(platform):
    business = connected(platform)
    charge = paid(platform)["latest_charge"]
    platform.made("/v1/refunds", charge=charge)

    refusal = platform.post("/v1/transfers", currency="usd", destination=business.account, source_transaction=charge)

    assert (refusal.status, refusal.error["param"]) == (400, "source_transaction")
    assert platform.read("/v1/transfers")["data"] == []


def test_what_is_searched_and_counted_in_lists_of_others_is_refused_by_name(platform):
    made = intent(platform)["id"]

    for verb, path in (
        ("GET", "/v1/charges/search"),
        ("GET", "/v1/payment_intents/search"),
        ("POST", f"/v1/payment_intents/{made}/increment_authorization"),
        ("POST", f"/v1/payment_intents/{made}/apply_customer_balance"),
        ("POST", f"/v1/payment_intents/{made}/verify_microdeposits"),
        ("GET", f"/v1/payment_intents/{made}/amount_details_line_items"),
    ):
        assert platform.send(verb, path, {}, None).status == 501
