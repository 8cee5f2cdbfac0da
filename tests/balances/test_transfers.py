"""Transfers: from a platform's balance to a connected account's, and back by reversals."""

import pytest

from tests.balances.paying import available, topped_up
from tests.examining import examine_tenant, rewrite
from tests.payments.paying import paid
from tests.treasury.worlds import connected

TRANSFERS, TRANSACTIONS = "/v1/transfers", "/v1/balance_transactions"


def transferred(platform, business, amount=30_00, **params):
    """A transfer to a business."""
    sent = {"amount": amount, "currency": "usd", "destination": business.account, **params}
    return platform.made(TRANSFERS, **sent)


def reversed_(platform, transfer, **params):
    """A reversal of a transfer."""
    return platform.made(f"{TRANSFERS}/{transfer['id']}/reversals", **params)


def doctor(platform):
    tenant = platform.app.emulator.tenants.open(platform.key.removeprefix("sk_test_"))
    return list(examine_tenant(tenant))


def test_a_transfer_arrives_at_once_and_is_a_balance_transaction_on_both_sides(platform):
    business = connected(topped_up(platform, 100_00))

    transfer = transferred(platform, business, description="Share", metadata={"a": 1}, transfer_group="order")

    assert transfer == {
        "id": transfer["id"],
        "object": "transfer",
        "amount": 30_00,
        "amount_reversed": 0,
        "balance_transaction": transfer["balance_transaction"],
        "created": transfer["created"],
        "currency": "usd",
        "description": "Share",
        "destination": business.account,
        "destination_payment": transfer["destination_payment"],
        "livemode": False,
        "metadata": {"a": "1"},
        "reversals": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"{TRANSFERS}/{transfer['id']}/reversals",
        },
        "reversed": False,
        "source_transaction": None,
        "source_type": "card",
        "transfer_group": "order",
    }
    assert (available(platform), available(business)) == (70_00, 30_00)
    given = platform.read(f"{TRANSACTIONS}/{transfer['balance_transaction']}")
    (got,) = business.read(TRANSACTIONS, expand=["data.source"])["data"]
    assert (given["type"], given["net"], given["source"]) == ("transfer", -30_00, transfer["id"])
    assert (given["status"], given["available_on"], given["description"]) == ("available", given["created"], "Share")
    assert (got["type"], got["reporting_category"], got["net"], got["fee"]) == ("payment", "charge", 30_00, 0)
    payment = got["source"]
    assert payment["id"] == transfer["destination_payment"]
    assert (payment["object"], payment["source_transfer"], payment["paid"]) == ("charge", transfer["id"], True)
    assert payment["payment_method_details"] == {"type": "stripe_account", "stripe_account": {}}
    assert (payment["balance_transaction"], payment["refunded"]) == (got["id"], False)
    assert platform.event_types()[-1] == "transfer.created"
    assert platform.events()[-1]["data"]["object"] == transfer
    assert doctor(platform) == []


def test_a_transfer_comes_back_in_parts_until_nothing_is_left(platform):
    business = connected(topped_up(platform, 100_00))
    transfer = transferred(platform, business)

    part = reversed_(platform, transfer, amount=10_00, metadata={"why": "half"}, description="Sorry")
    rest = reversed_(platform, transfer)

    assert part == {
        "id": part["id"],
        "object": "transfer_reversal",
        "amount": 10_00,
        "balance_transaction": part["balance_transaction"],
        "created": part["created"],
        "currency": "usd",
        "destination_payment_refund": part["destination_payment_refund"],
        "metadata": {"why": "half"},
        "source_refund": None,
        "transfer": transfer["id"],
    }
    after = platform.read(f"{TRANSFERS}/{transfer['id']}")
    assert (after["amount_reversed"], after["reversed"]) == (30_00, True)
    assert (after["reversals"]["data"], after["reversals"]["total_count"]) == ([rest, part], 2)
    assert (available(platform), available(business)) == (100_00, 0)
    back = platform.read(f"{TRANSACTIONS}/{part['balance_transaction']}")
    assert (back["type"], back["net"], back["source"]) == ("transfer_refund", 10_00, part["id"])
    assert (back["reporting_category"], back["description"]) == ("transfer_reversal", "Sorry")
    refunds = business.read(TRANSACTIONS, type="payment_refund", expand=["data.source.charge"])["data"]
    assert [(one["net"], one["reporting_category"]) for one in refunds] == [(-20_00, "refund"), (-10_00, "refund")]
    refund = refunds[1]["source"]
    assert refunds[1]["description"] == "REFUND FOR PAYMENT"
    assert refund["id"] == part["destination_payment_refund"]
    assert refund["source_transfer_reversal"] == refund["transfer_reversal"] == part["id"]
    assert (refund["charge"]["amount_refunded"], refund["charge"]["refunded"]) == (30_00, True)
    assert platform.event_types()[-3:] == ["transfer.created", "transfer.reversed", "transfer.reversed"]
    assert doctor(platform) == []


@pytest.mark.parametrize("sent", [{"amount": 20_01}, {"amount": 30_00}])
def test_no_more_comes_back_than_is_left(platform, sent):
    business = connected(topped_up(platform, 100_00))
    transfer = transferred(platform, business)
    reversed_(platform, transfer, amount=10_00)

    refusal = platform.post(f"{TRANSFERS}/{transfer['id']}/reversals", **sent)

    assert (refusal.status, refusal.error["param"]) == (400, "amount")
    assert (available(platform), available(business)) == (80_00, 20_00)


def test_what_the_destination_has_not_any_more_does_not_come_back(platform):
    business = connected(topped_up(platform, 100_00))
    transfer = transferred(platform, business)
    business.made(TRANSFERS, amount=20_00, currency="usd", destination=platform.read("/v1/account")["id"])

    refusal = platform.post(f"{TRANSFERS}/{transfer['id']}/reversals")

    assert (refusal.status, refusal.error["code"]) == (400, "balance_insufficient")
    assert (available(platform), available(business)) == (90_00, 10_00)
    assert platform.read(f"{TRANSFERS}/{transfer['id']}")["amount_reversed"] == 0


def test_a_connected_account_transfers_to_its_platform_alone(platform):
    business, other = topped_up(connected(platform), 50_00), connected(platform)
    own = platform.read("/v1/account")["id"]

    transfer = business.made(TRANSFERS, amount=20_00, currency="usd", destination=own)
    refusals = [
        business.post(TRANSFERS, amount=1, currency="usd", destination=id) for id in (other.account, business.account)
    ]

    assert (available(business), available(platform)) == (30_00, 20_00)
    assert business.read(f"{TRANSFERS}/{transfer['id']}")["destination"] == own
    assert [(one.status, one.error["code"], one.error["param"]) for one in refusals] == [
        (400, "resource_missing", "destination")
    ] * 2
    assert doctor(platform) == []


def test_an_account_without_parameters_can_receive_transfers_at_once(platform):
    account = topped_up(platform, 50_00).made("/v1/accounts")["id"]

    assert platform.made(TRANSFERS, amount=10_00, currency="usd", destination=account)["amount"] == 10_00


def test_an_account_without_the_capability_cannot(platform):
    topped_up(platform, 50_00)
    account = platform.made("/v1/accounts", type="custom", country="US")["id"]

    refusal = platform.post(TRANSFERS, amount=10_00, currency="usd", destination=account)

    assert (refusal.status, refusal.error["code"]) == (400, "insufficient_capabilities_for_transfer")
    assert refusal.error["message"] == (
        "Your destination account needs to have at least one of the following capabilities enabled: transfers, "
        "crypto_transfers, legacy_payments"
    )
    assert "param" not in refusal.error


def test_transfers_are_listed_by_destination_group_and_time_and_reversals_by_their_transfer(platform):
    first, second = connected(topped_up(platform, 100_00)), connected(platform)
    one, other = transferred(platform, first, transfer_group="a"), transferred(platform, second, transfer_group="b")
    part = reversed_(platform, one, amount=1_00)["id"]

    def listed(path=TRANSFERS, **filters):
        return [row["id"] for row in platform.read(path, **filters)["data"]]

    assert listed() == [other["id"], one["id"]]
    assert listed(destination=first.account) == listed(transfer_group="a") == [one["id"]]
    assert listed(created={"lt": 1}) == []
    assert listed(f"{TRANSFERS}/{one['id']}/reversals") == [part]
    assert listed(f"{TRANSFERS}/{other['id']}/reversals") == []


def test_description_and_metadata_can_change_and_a_reversals_metadata_without_an_event(platform):
    business = connected(topped_up(platform, 100_00))
    transfer = transferred(platform, business, metadata={"a": 1})
    reversal = reversed_(platform, transfer, amount=1_00)
    path = f"{TRANSFERS}/{transfer['id']}"

    changed = platform.made(path, description="Rent", metadata={"a": 2})
    noted = platform.made(f"{path}/reversals/{reversal['id']}", metadata={"b": 1})

    assert (changed["description"], changed["metadata"], noted["metadata"]) == ("Rent", {"a": "2"}, {"b": "1"})
    last = platform.events()[-1]
    previous = {"description": None, "metadata": {"a": "1"}}
    assert (last["type"], last["data"]["previous_attributes"]) == ("transfer.updated", previous)
    assert platform.read(f"{path}/reversals/{reversal['id']}") == noted
    assert doctor(platform) == []


def test_a_last_reversal_gives_back_its_own_share_of_the_fee(platform):
    business = connected(platform)
    paid(platform, transfer_data={"destination": business.account})
    paid(platform, 100_00, transfer_data={"destination": business.account}, application_fee_amount=10_00)
    transfer, _ = platform.read("/v1/transfers")["data"]
    reversed_(platform, transfer, amount=60_00)

    reversed_(platform, transfer, refund_application_fee=True)

    assert platform.read("/v1/application_fees")["data"][0]["amount_refunded"] == 4_00
    assert doctor(platform) == []


def test_a_reversal_is_found_at_its_own_transfer_alone(platform):
    business = connected(topped_up(platform, 100_00))
    one, other = transferred(platform, business), transferred(platform, business)
    reversal = reversed_(platform, one, amount=1_00)["id"]

    refusal = platform.get(f"{TRANSFERS}/{other['id']}/reversals/{reversal}")

    assert (refusal.status, refusal.error["param"]) == (404, "id")


def test_more_than_the_balance_holds_is_refused(platform):
    business = connected(topped_up(platform, 10_00))
    sent = {"currency": "usd", "destination": business.account}

    refusals = [
        platform.post(TRANSFERS, amount=10_01, **sent),
        platform.post(TRANSFERS, amount=1, source_type="bank_account", **sent),
        platform.post(TRANSFERS, **{**sent, "amount": 1, "currency": "eur"}),
    ]

    assert [(one.status, one.error["code"]) for one in refusals] == [(400, "balance_insufficient")] * 3
    assert refusals[0].error["message"].startswith("You have insufficient available funds in your Stripe account.")
    assert (available(platform), available(business)) == (10_00, 0)


@pytest.mark.parametrize(
    "params, status, param, code",
    [
        ({"amount": 0}, 400, "amount", "parameter_invalid_integer"),
        ({"currency": "xxx"}, 400, "currency", None),
        ({"destination": "acct_nobody"}, 400, "destination", "resource_missing"),
        ({"source_type": "cash"}, 400, "source_type", None),
        ({"metadata": "x"}, 400, "metadata", None),
        ({"foo": 1}, 400, "foo", "parameter_unknown"),
        ({"source_transaction": "ch_1"}, 400, "source_transaction", "resource_missing"),
    ],
)
def test_bad_transfers_are_refused(platform, params, status, param, code):
    business = connected(topped_up(platform, 10_00))

    refusal = platform.post(TRANSFERS, **{"amount": 1, "currency": "usd", "destination": business.account, **params})

    assert (refusal.status, refusal.error["param"], refusal.error.get("code")) == (status, param, code)
    assert platform.read(TRANSFERS)["data"] == []


def test_without_a_charge_the_amount_has_to_be_said(platform):
    refusal = platform.post(TRANSFERS, currency="usd", destination=connected(platform).account)

    assert (refusal.error["code"], refusal.error["param"]) == ("parameter_missing", "amount")


def test_the_doctor_sees_a_transfer_that_contradicts_the_books(platform):
    transfer = transferred(platform, connected(topped_up(platform, 50_00)))
    tenant = platform.app.emulator.tenants.open(platform.key.removeprefix("sk_test_"))
    with tenant.writing() as step:
        rewrite(step.session, "transfer", "3000", "3001")

    found = [finding.detail for finding in examine_tenant(tenant)]

    assert f"{transfer['id']} is over 3001, yet 3000 left" in found
