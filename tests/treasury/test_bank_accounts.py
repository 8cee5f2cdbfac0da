"""Which payment methods a financial account can send money to."""

from __future__ import annotations

import pytest

from tests.treasury.sending import OBT, WIRE, funded

BANK = {
    "type": "us_bank_account",
    "billing_details": {"name": "Jenny Rosen"},
    "us_bank_account": {
        "account_holder_type": "individual",
        "account_number": "000111111116",
        "routing_number": "110000000",
    },
}
BANKS_ONLY = {"allowed_payment_method_types": ["us_bank_account"]}
AGREED = {"customer_acceptance": {"type": "offline"}}


def saved(client, **how) -> str:
    """A bank account that a setup intent has saved."""
    return client.made("/v1/setup_intents", **BANKS_ONLY, payment_method_data=BANK, confirm=True, **how)[
        "payment_method"
    ]


def test_money_is_sent_to_a_bank_account_that_was_set_up_for_it(platform):
    source = funded(platform)
    method = saved(platform, attach_to_self=True, flow_directions=["outbound"])

    transfer = platform.made(
        OBT, financial_account=source, amount=20_00, currency="usd", destination_payment_method=method
    )

    details = transfer["destination_payment_method_details"]
    assert transfer["destination_payment_method"] == method
    assert (details["billing_details"]["name"], details["us_bank_account"]["last4"]) == ("Jenny Rosen", "1116")
    platform.clock(advance=60)
    ended = platform.read(f"{OBT}/{transfer['id']}")
    assert (ended["status"], ended["returned_details"]["code"]) == ("returned", "no_account")


def test_a_bank_account_of_a_customer_or_of_nobody_is_not_ones_own(platform):
    source = funded(platform)
    customer = platform.made("/v1/customers")["id"]
    of_customer = saved(platform, customer=customer, flow_directions=["outbound"])
    of_nobody = platform.made("/v1/payment_methods", **BANK)["id"]

    for method in (of_customer, of_nobody):
        refusal = platform.post(
            OBT, financial_account=source, amount=20_00, currency="usd", destination_payment_method=method
        )
        assert (refusal.status, refusal.error["code"]) == (400, "payment_method_unexpected_state")
        assert refusal.error["param"] == "destination_payment_method"


@pytest.mark.parametrize("verify", [False, True])
def test_one_that_was_set_up_to_take_money_from_is_not_sent_any(platform, verify):
    source = funded(platform)
    intent = platform.made(
        "/v1/setup_intents",
        **BANKS_ONLY,
        attach_to_self=True,
        confirm=True,
        flow_directions=["inbound"],
        mandate_data=AGREED,
        payment_method_data=BANK,
    )
    if verify:
        platform.made(f"/v1/setup_intents/{intent['id']}/verify_microdeposits", amounts=[32, 45])

    refusal = platform.post(
        OBT,
        financial_account=source,
        amount=20_00,
        currency="usd",
        destination_payment_method=intent["payment_method"],
    )

    assert (refusal.status, refusal.error["code"]) == (400, "payment_method_unexpected_state")


def test_a_card_is_no_bank_account(platform):
    source = funded(platform)
    card = platform.made("/v1/payment_methods", type="card", card={"token": "tok_visa"})["id"]

    refusal = platform.post(
        OBT, financial_account=source, amount=20_00, currency="usd", destination_payment_method=card
    )

    assert (refusal.status, refusal.error["code"]) == (400, "payment_method_unsupported_type")


def test_a_saved_bank_account_is_wired_to_at_its_own_address(platform):
    source = funded(platform)
    method = saved(platform, attach_to_self=True, flow_directions=["outbound"])
    whole = {"line1": "1 Main Street", "city": "Oakland", "state": "CA", "postal_code": "94601", "country": "US"}

    def wire():
        return platform.post(
            OBT,
            financial_account=source,
            amount=20_00,
            currency="usd",
            destination_payment_method=method,
            destination_payment_method_options=WIRE,
        )

    unknown = wire()
    platform.made(f"/v1/payment_methods/{method}", billing_details={"address": {"line1": "1 Main Street"}})
    half = wire()
    platform.made(f"/v1/payment_methods/{method}", billing_details={"address": whole, "email": "jenny@example.com"})
    known = wire()

    assert unknown.status == 200
    assert (half.status, half.error["code"]) == (400, "payment_method_billing_details_address_missing")
    assert known.json["destination_payment_method_details"]["billing_details"] == {
        "address": {**whole, "line2": None},
        "email": "jenny@example.com",
        "name": "Jenny Rosen",
    }
