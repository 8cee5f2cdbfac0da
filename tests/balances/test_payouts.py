"""Payouts: to bank accounts and financial accounts, canceled, failed, reversed; and what every balance says of it."""

from itertools import product

import pytest

from emulator.balances.payouts import FAILURES, LIFECYCLE, Payout
from emulator.connect import bank_test_numbers
from emulator.kernel.errors import ApiError
from tests.balances.paying import (
    GOOD,
    PAYOUTS,
    a_business,
    a_treasury_business,
    available,
    ended,
    issuing,
    paid_out,
    topped_up,
)
from tests.examining import examine_tenant, rewrite
from tests.treasury.sending import bank_account, numbers
from tests.treasury.worlds import balance as balance_of
from tests.treasury.worlds import connected, opened

DAY = 86_400
VERBS = sorted({verb for moves in LIFECYCLE.moves.values() for verb in moves})
TRANSACTIONS = "/v1/balance_transactions"
CREDITS, DEBITS = "/v1/treasury/received_credits", "/v1/treasury/received_debits"
INSUFFICIENT = (
    "You have insufficient funds in your Stripe account for this transfer. Your {} balance is too low. You can use "
    "the /v1/balance endpoint to view your Stripe balance (for more details, see stripe.com/docs/api#balance)."
)


def transactions(client, **filters):
    """Type, net and balance of the account's balance transactions, oldest first, without the top-up."""
    found = client.read(TRANSACTIONS, **filters)["data"]
    return [(one["type"], one["net"], one["balance_type"]) for one in reversed(found) if one["type"] != "topup"]


def doctor(client):
    tenant = client.app.emulator.tenants.open(client.key.removeprefix("sk_test_"))
    return list(examine_tenant(tenant))


# To banks


def test_a_payout_leaves_the_balance_in_the_reply_and_is_paid_by_the_next_request(platform):
    business, bank = a_business(platform)
    business.clock(set=2_000_000_000, frozen=True)
    told = len(business.events())

    payout = paid_out(business, 30_00, description="Rent", metadata={"a": 1}, statement_descriptor="BAKERY")

    assert payout == {
        "id": payout["id"],
        "object": "payout",
        "amount": 30_00,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": 2_000_000_000 // DAY * DAY,
        "automatic": False,
        "balance_transaction": payout["balance_transaction"],
        "created": 2_000_000_000,
        "currency": "usd",
        "description": "Rent",
        "destination": bank,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {"a": "1"},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": "BAKERY",
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    paid = ended(business, payout, expand=["destination", "balance_transaction"])
    assert (paid["status"], paid["destination"]["id"]) == ("paid", bank)
    taken = paid["balance_transaction"]
    assert (taken["type"], taken["net"], taken["fee"], taken["source"]) == ("payout", -30_00, 0, payout["id"])
    assert (taken["status"], taken["available_on"], taken["description"]) == ("available", taken["created"], "Rent")
    assert available(business) == 70_00
    created, updated, last = business.events()[told:]
    assert [created["type"], updated["type"], last["type"]] == ["payout.created", "payout.updated", "payout.paid"]
    assert updated["data"]["previous_attributes"] == {"status": "pending"}
    assert (created["data"]["object"], last["data"]["object"]["status"]) == (payout, "paid")


def test_the_whole_balance_can_be_paid_out_as_the_sample_does(platform):
    business, _ = a_business(platform, 50_00)

    entry = business.read("/v1/balance")["available"][0]
    payout = business.made(PAYOUTS, amount=entry["amount"], currency=entry["currency"])

    assert ended(business, payout)["status"] == "paid"
    assert available(business) == 0
    assert doctor(platform) == []


def test_the_platform_pays_out_to_its_own_bank_and_sees_the_source_balance(platform):
    topped_up(platform, 40_00)

    payout = paid_out(platform)

    assert payout["source_balance"] is None
    assert ended(platform, payout)["status"] == "paid"
    assert available(platform) == 20_00


def test_an_instant_payout_arrives_when_it_was_created(platform):
    business, _ = a_business(platform)

    payout = paid_out(business, method="instant")

    assert (payout["method"], payout["arrival_date"]) == ("instant", payout["created"])
    assert ended(business, payout)["status"] == "paid"


def test_the_bank_account_can_be_chosen(platform):
    business, first = a_business(platform)
    other = bank_account(platform, business, account_number="000888888883")

    assert paid_out(business)["destination"] == first
    assert paid_out(business, destination=other)["destination"] == other


@pytest.mark.parametrize(
    "country, currency, number, code",
    [
        *(
            (country, {"US": "usd", "GB": "gbp", "CA": "cad"}[country], number, why)
            for country in ("US", "GB", "CA")
            for number, why in zip(
                bank_test_numbers.NATIONAL[country].split(), bank_test_numbers.REFUSALS, strict=False
            )
        ),
        ("DE", "eur", "DE89370400440532013000", None),
        ("DE", "eur", "DE62370400440532013001", "no_account"),
        ("DE", "eur", "DE89370400440532013002", "account_closed"),
        ("FR", "eur", "FR1420041010050500013M02606", None),
        ("FR", "eur", "FR8420041010050500013M02607", "no_account"),
        ("FR", "eur", "FR89370400440532013005", "invalid_currency"),
    ],
)
def test_every_test_number_ends_a_payout_as_it_is_published(platform, country, currency, number, code):
    business = connected(platform)
    routing = {"US": "110000000", "GB": "108800", "CA": "11000-000"}.get(country)
    sent = {"object": "bank_account", "country": country, "currency": currency, "account_number": number}
    path = f"/v1/accounts/{business.account}/external_accounts"
    bank = platform.made(path, external_account={**sent, **({"routing_number": routing} if routing else {})})["id"]
    topped_up(business, 50_00, currency=currency)
    told = len(business.events())

    payout = paid_out(business, currency=currency)
    after = ended(business, payout, expand=["failure_balance_transaction"])

    kept = business.read(f"{path}/{bank}")
    if code is None:
        assert (after["status"], available(business, currency), kept["status"]) == ("paid", 30_00, "new")
        return
    assert (after["status"], after["failure_code"], after["failure_message"]) == ("failed", code, FAILURES[code])
    back = after["failure_balance_transaction"]
    assert (back["type"], back["net"], back["source"]) == ("payout_failure", 20_00, payout["id"])
    assert back["reporting_category"] == "payout_reversal"
    assert (available(business, currency), kept["status"]) == (50_00, "errored")
    types = ["payout.created", "payout.failed", "account.external_account.updated"]
    assert business.event_types(told) == types
    assert business.events()[-1]["data"]["previous_attributes"] == {"status": "new"}
    assert doctor(platform) == []


def test_a_failed_bank_account_is_marked_once_and_fails_the_next_payout_too(platform):
    business, _ = a_business(platform, number="000111111116")

    first, second = (ended(business, paid_out(business)) for _ in range(2))

    assert [first["failure_code"], second["failure_code"]] == ["no_account", "no_account"]
    assert business.event_types().count("account.external_account.updated") == 1


def test_what_is_removed_afterwards_is_still_named(platform):
    business, bank = a_business(platform)
    payout = paid_out(business)
    path = f"/v1/accounts/{business.account}/external_accounts"
    other = bank_account(platform, business, account_number="000888888883")
    platform.made(f"{path}/{other}", default_for_currency=True)

    assert platform.delete(f"{path}/{bank}").status == 200

    assert ended(business, payout, expand=["destination"])["destination"] == bank
    assert doctor(platform) == []


# The Issuing balance


def test_the_issuing_balance_is_paid_out_where_that_is_said(platform):
    business, _ = a_business(platform, 5_00)
    topped_up(business, 60_00, destination_balance="issuing")

    payout = paid_out(business, 40_00, source_balance="issuing")

    assert payout["source_balance"] == "issuing"
    assert ended(business, payout)["status"] == "paid"
    assert (issuing(business), available(business)) == (20_00, 5_00)
    assert transactions(business) == [("payout", -40_00, "issuing")]


@pytest.mark.parametrize(
    "sent, kind",
    [
        ({"amount": 100_01}, "card"),
        ({"amount": 1, "source_type": "bank_account"}, "bank account"),
        ({"amount": 1, "source_type": "fpx"}, "fpx"),
        ({"amount": 1, "source_balance": "issuing"}, "issuing"),
        ({"amount": 1, "currency": "eur"}, "card"),
    ],
)
def test_more_than_there_is_cannot_be_paid_out(platform, sent, kind):
    business, _ = a_business(platform)
    path = f"/v1/accounts/{business.account}/external_accounts"
    iban = {"country": "DE", "currency": "eur", "account_number": "DE89370400440532013000"}
    platform.made(path, external_account={"object": "bank_account", **iban})

    refusal = business.post(PAYOUTS, **{"currency": "usd", **sent})

    assert (refusal.status, refusal.error["code"]) == (400, "balance_insufficient")
    assert refusal.error["message"] == INSUFFICIENT.format(kind)
    assert "param" not in refusal.error
    assert (available(business), business.read(PAYOUTS)["data"]) == (100_00, [])


# To financial accounts


def test_a_payout_arrives_at_the_financial_account_as_a_received_credit(platform):
    business, bank, account = a_treasury_business(platform)
    told = len(business.events())

    payout = paid_out(business, 30_00)

    assert (payout["destination"], balance_of(business, account)) == (bank, (30_00, 0))
    (credit,) = business.read(CREDITS, financial_account=account, linked_flows={"source_flow_type": "payout"})["data"]
    details = credit["initiating_payment_method_details"]
    assert (credit["network"], details["type"], details["balance"]) == ("stripe", "balance", "payments")
    linked = credit["linked_flows"]
    assert (linked["source_flow"], linked["source_flow_type"]) == (payout["id"], "payout")
    assert credit["reversal_details"] == {"deadline": None, "restricted_reason": "source_flow_restricted"}
    shown = business.read(f"{CREDITS}/{credit['id']}", expand=["linked_flows.source_flow_details"])
    source = shown["linked_flows"]["source_flow_details"]
    assert (source["type"], source["payout"]["id"], source["payout"]["status"]) == ("payout", payout["id"], "paid")
    assert business.event_types(told) == [
        "payout.created",
        "treasury.received_credit.created",
        "treasury.received_credit.succeeded",
        "payout.updated",
        "payout.paid",
    ]
    assert available(business) == 70_00
    assert doctor(platform) == []


def test_money_on_its_way_to_a_financial_account_is_accounted_for(platform):
    business, _, account = a_treasury_business(platform)
    platform.settings(progress="never")

    payout = paid_out(business, 30_00)

    assert (available(business), balance_of(business, account)) == (70_00, (0, 0))
    assert ended(business, payout)["status"] == "pending"
    assert doctor(platform) == []


@pytest.mark.parametrize(
    "change, params, code",
    [
        ("", {"platform_restrictions": {"inbound_flows": "restricted"}}, "account_frozen"),
        ("/close", {}, "account_closed"),
    ],
)
def test_a_financial_account_that_takes_nothing_fails_the_payout(platform, change, params, code):
    business, _, account = a_treasury_business(platform)
    business.made(f"/v1/treasury/financial_accounts/{account}{change}", **params)

    after = ended(business, paid_out(business, 30_00))

    assert (after["status"], after["failure_code"]) == ("failed", code)
    assert (available(business), balance_of(business, account)) == (100_00, (0, 0))
    assert business.read(CREDITS, financial_account=account)["data"] == []
    assert doctor(platform) == []


def test_a_payout_to_the_numbers_of_somebody_elses_financial_account_arrives_there_over_ach(platform):
    other = connected(platform)
    account = opened(other)
    other.read("/v1/balance")
    business = connected(platform)
    bank_account(platform, business, **numbers(other, account))
    topped_up(business, 50_00)

    payout = ended(business, paid_out(business))

    assert (payout["status"], balance_of(other, account), available(business)) == ("paid", (20_00, 0), 30_00)
    (credit,) = other.read(CREDITS, financial_account=account)["data"]
    assert (credit["network"], credit["linked_flows"]["source_flow"]) == ("ach", None)
    reversal = business.made(f"{PAYOUTS}/{payout['id']}/reverse")
    assert (ended(business, reversal)["status"], balance_of(other, account)) == ("paid", (0, 0))
    assert doctor(platform) == []


def test_numbers_that_no_financial_account_has_any_more_fail_the_payout(platform):
    other = connected(platform)
    account = opened(other)
    other.read("/v1/balance")
    business = connected(platform)
    bank_account(platform, business, **numbers(other, account))
    topped_up(business, 50_00)
    platform.delete(f"/v1/accounts/{other.account}")

    payout = ended(business, paid_out(business))

    assert (payout["status"], payout["failure_code"], available(business)) == ("failed", "no_account", 50_00)


# Time


def test_by_the_calendar_of_banks_a_payout_is_in_transit_until_they_open(platform):
    business, _ = a_business(platform)
    platform.settings(progress="banking_dates")
    friday = 2_000_764_800 + 18 * 3600  # 2033-05-27, before Memorial Day
    platform.clock(set=friday, frozen=True)
    told = len(business.events())

    payout = paid_out(business)

    assert payout["arrival_date"] == 2_000_764_800 + 4 * DAY  # Tuesday
    assert ended(business, payout)["status"] == "pending"
    platform.clock(advance=12 * 3600)
    assert ended(business, payout)["status"] == "in_transit"
    platform.clock(advance=3 * DAY)
    assert ended(business, payout)["status"] == "in_transit"
    platform.clock(advance=DAY)
    assert ended(business, payout)["status"] == "paid"
    types = ["payout.created", "payout.updated", "payout.updated", "payout.paid"]
    assert business.event_types(told) == types


@pytest.mark.parametrize("to", ["instant", "financial account"])
def test_what_no_bank_carries_does_not_wait_for_one(platform, to):
    if to == "instant":
        business, _ = a_business(platform)
    else:
        business, _, _ = a_treasury_business(platform)
    platform.settings(progress="banking_dates")

    payout = paid_out(business, **({"method": "instant"} if to == "instant" else {}))

    assert ended(business, payout)["status"] == "paid"


# Canceling and reversing


@pytest.mark.parametrize("progress", ["delay", "never"])
def test_a_pending_payout_can_be_canceled_and_its_money_is_back(platform, progress):
    business, _ = a_business(platform)
    platform.settings(progress=progress)
    told = len(business.events())
    payout = paid_out(business)

    canceled = business.made(f"{PAYOUTS}/{payout['id']}/cancel", expand=["failure_balance_transaction"])

    assert canceled["status"] == "canceled"
    assert canceled["failure_balance_transaction"]["type"] == "payout_cancel"
    assert available(business) == 100_00
    assert transactions(business) == [("payout", -20_00, "payments"), ("payout_cancel", 20_00, "payments")]
    assert business.event_types(told) == ["payout.created", "payout.canceled"]
    assert doctor(platform) == []


def test_a_reversal_is_a_payout_of_its_own_that_brings_the_money_back_once_it_is_paid(platform):
    business, _ = a_business(platform)
    payout = paid_out(business, description="Rent")
    ended(business, payout)
    told = len(business.events())

    reversal = business.made(f"{PAYOUTS}/{payout['id']}/reverse", metadata={"why": "mistake"})

    assert (reversal["amount"], reversal["original_payout"]) == (-20_00, payout["id"])
    assert (reversal["status"], reversal["balance_transaction"]) == ("pending", None)
    assert reversal["metadata"] == {"why": "mistake"}
    after = ended(business, reversal, expand=["balance_transaction", "original_payout"])
    assert (after["status"], after["balance_transaction"]["net"]) == ("paid", 20_00)
    assert after["original_payout"]["reversed_by"] == reversal["id"]
    assert available(business) == 100_00
    assert business.event_types(told) == ["payout.created", "payout.updated", "payout.updated", "payout.paid"]
    assert business.events()[told + 1]["data"]["previous_attributes"] == {"reversed_by": None}
    assert doctor(platform) == []


def test_the_reversal_of_a_payout_to_a_financial_account_is_a_received_debit(platform):
    business, _, account = a_treasury_business(platform)
    payout = ended(business, paid_out(business, 30_00))

    reversal = business.made(f"{PAYOUTS}/{payout['id']}/reverse")

    assert ended(business, reversal)["status"] == "paid"
    (debit,) = business.read(DEBITS, financial_account=account)["data"]
    assert (debit["linked_flows"]["payout"], debit["network"], debit["amount"]) == (reversal["id"], "stripe", 30_00)
    assert (available(business), balance_of(business, account)) == (100_00, (0, 0))
    assert doctor(platform) == []


def test_a_reversal_fails_where_the_financial_account_has_not_the_cash(platform):
    business, _, account = a_treasury_business(platform)
    payout = ended(business, paid_out(business, 30_00))
    business.made(
        "/v1/test_helpers/treasury/received_debits",
        financial_account=account,
        amount=10_00,
        currency="usd",
        network="ach",
    )

    reversal = business.made(f"{PAYOUTS}/{payout['id']}/reverse")

    after = ended(business, reversal)
    assert (after["status"], after["failure_code"]) == ("failed", "insufficient_funds")
    assert after["failure_balance_transaction"] is None
    assert (available(business), balance_of(business, account)) == (70_00, (20_00, 0))
    assert doctor(platform) == []


def test_only_connected_accounts_have_their_payouts_reversed_and_only_from_the_us_and_canada(platform):
    topped_up(platform, 40_00)
    own = ended(platform, paid_out(platform))
    business = connected(platform)
    path = f"/v1/accounts/{business.account}/external_accounts"
    iban = {"country": "DE", "currency": "eur", "account_number": "DE89370400440532013000"}
    platform.made(path, external_account={"object": "bank_account", **iban})
    topped_up(business, 40_00, currency="eur")
    abroad = ended(business, paid_out(business, currency="eur"))

    for client, payout in ((platform, own), (business, abroad)):
        refusal = client.post(f"{PAYOUTS}/{payout['id']}/reverse")
        assert (refusal.status, refusal.error["message"].startswith("You can only reverse payouts")) == (400, True)


# Reading and refusing


def test_only_the_metadata_can_change(platform):
    business, _ = a_business(platform)
    payout = ended(business, paid_out(business, metadata={"a": 1, "b": 2}))

    changed = business.made(f"{PAYOUTS}/{payout['id']}", metadata={"a": None, "c": 3})
    refusal = business.post(f"{PAYOUTS}/{payout['id']}", description="x")

    assert changed["metadata"] == {"b": "2", "c": "3"}
    last = business.events()[-1]
    assert (last["type"], last["data"]["previous_attributes"]) == (
        "payout.updated",
        {"metadata": {"a": "1", "c": None}},
    )
    assert refusal.error["code"] == "parameter_unknown"


def test_payouts_are_listed_by_destination_status_and_dates(platform):
    business, bank = a_business(platform)
    other = bank_account(platform, business, account_number="000111111116")
    paid, failed = paid_out(business)["id"], paid_out(business, destination=other)["id"]

    def listed(**filters):
        return [payout["id"] for payout in business.read(PAYOUTS, **filters)["data"]]

    assert listed() == [failed, paid]
    assert listed(destination=bank) == listed(status="paid") == [paid]
    assert listed(status="failed") == [failed]
    assert listed(arrival_date={"gt": 2**40}) == listed(created={"lt": 1}) == listed(status="in_transit") == []


def test_a_manual_payout_has_no_list_of_what_it_paid_out(platform):
    business, _ = a_business(platform)
    payout = paid_out(business)

    refusal = business.get(TRANSACTIONS, payout=payout["id"])
    unknown = business.get(TRANSACTIONS, payout="po_nobody")

    says = "Balance transaction history can only be filtered on automatic transfers, not manual."
    assert (refusal.status, refusal.error["message"]) == (400, says)
    assert (unknown.status, unknown.error["code"], unknown.error["param"]) == (400, "resource_missing", "payout")


@pytest.mark.parametrize(
    "params, param, code",
    [
        ({"amount": 0}, "amount", "parameter_invalid_integer"),
        ({"amount": -5}, "amount", "parameter_invalid_integer"),
        ({"amount": None}, "amount", "parameter_invalid_empty"),
        ({"currency": "xxx"}, "currency", None),
        ({"destination": "ba_nobody"}, "destination", "resource_missing"),
        ({"method": "fast"}, "method", None),
        ({"source_type": "cash"}, "source_type", None),
        ({"source_balance": "payments"}, "source_balance", None),
        ({"statement_descriptor": "x" * 23}, "statement_descriptor", None),
        ({"metadata": "x"}, "metadata", None),
        ({"foo": 1}, "foo", "parameter_unknown"),
    ],
)
def test_bad_payouts_are_refused(platform, params, param, code):
    topped_up(platform, 10_00)

    refusal = platform.post(PAYOUTS, **{"amount": 1_00, "currency": "usd", **params})

    assert (refusal.status, refusal.error["param"], refusal.error.get("code")) == (400, param, code)
    assert (available(platform), platform.read(PAYOUTS)["data"]) == (10_00, [])


def test_a_financial_account_of_api_v2_is_not_there_to_be_paid_out_to(platform):
    topped_up(platform, 10_00)

    refusal = platform.post(PAYOUTS, amount=1_00, currency="usd", payout_method="fa_1")

    assert (refusal.status, refusal.error["param"]) == (501, "payout_method")


def test_without_a_bank_account_of_the_currency_there_is_nowhere_to_pay_out_to(platform):
    business = topped_up(connected(platform), 10_00)

    refusal = business.post(PAYOUTS, amount=1_00, currency="usd")

    assert refusal.status == 400
    assert refusal.error["message"] == "Sorry, you don't have any external accounts in that currency (usd)."


def test_a_bank_account_takes_no_other_currency_than_its_own(platform):
    business, bank = a_business(platform)

    refusal = business.post(PAYOUTS, amount=1_00, currency="eur", destination=bank)

    assert (refusal.status, refusal.error["param"]) == (400, "destination")


def test_while_payouts_are_not_enabled_none_is_made(platform):
    business, _ = a_business(platform)
    platform.made(f"/v1/accounts/{business.account}/reject", reason="fraud_other")

    refusal = business.post(PAYOUTS, amount=1_00, currency="usd")

    assert (refusal.status, refusal.error["code"]) == (400, "payouts_not_allowed")
    assert available(business) == 100_00


def test_an_instant_payout_needs_a_bank_that_takes_it_and_has_a_limit(platform):
    business, slow = a_business(platform, 20_000_00, "000888888883")
    fast = bank_account(platform, business, account_number=GOOD)

    unsupported = business.post(PAYOUTS, amount=1_00, currency="usd", method="instant", destination=slow)
    large = business.post(PAYOUTS, amount=9_999_01, currency="usd", method="instant", destination=fast)
    just = business.post(PAYOUTS, amount=9_999_00, currency="usd", method="instant", destination=fast)

    assert (unsupported.status, unsupported.error["code"]) == (400, "instant_payouts_unsupported")
    says = "Instant Payouts to bank accounts are only supported for amounts less than or equal to $9999"
    assert (large.error["message"], large.error.get("code"), large.error.get("param")) == (says, None, None)
    assert just.status == 200


@pytest.mark.parametrize("status, verb", list(product(LIFECYCLE.moves, VERBS)))
def test_only_drawn_arrows_can_be_followed(status, verb):
    payout = Payout("po_1", 0, 1, 0, "usd", None, "ba_1", "standard", None, "card", None, status=status)
    if verb in LIFECYCLE.moves[status]:
        assert LIFECYCLE.follow(payout, verb).status == LIFECYCLE.moves[status][verb]
    else:
        with pytest.raises(ApiError, match=f"You cannot {verb} a payout with status '{status}'."):
            LIFECYCLE.follow(payout, verb)


def test_the_doctor_sees_a_payout_that_contradicts_the_books(platform):
    business, _, _ = a_treasury_business(platform)
    payout = ended(business, paid_out(business))
    tenant = platform.app.emulator.tenants.open(platform.key.removeprefix("sk_test_"))
    with tenant.writing() as step:
        rewrite(step.session, "payout", "paid", "pending", status="pending")

    found = [finding.detail for finding in examine_tenant(tenant)]

    assert "stripe:payouts:usd holds 0, payouts on their way to financial accounts say 2000" in found
    assert f"{payout['id']} has the status 'pending', its last event says 'paid'" in found


# Debit cards


def a_card(platform, business, token="tok_visa_debit_us_transferSuccess"):
    """A debit card of an account, by its token."""
    return platform.made(f"/v1/accounts/{business.account}/external_accounts", external_account=token)["id"]


@pytest.mark.parametrize("method", ["instant", "standard"])
def test_a_payout_to_a_debit_card_arrives(platform, method):
    business, _ = a_business(platform)
    card = a_card(platform, business)

    payout = paid_out(business, method=method, destination=card)

    assert (payout["type"], payout["destination"], payout["method"]) == ("card", card, method)
    assert ended(business, payout, expand=["destination"])["destination"]["object"] == "card"
    assert (ended(business, payout)["status"], available(business)) == ("paid", 80_00)


def test_a_card_that_takes_no_payouts_gives_the_money_back_and_is_marked(platform):
    business, _ = a_business(platform)
    card = a_card(platform, business, "tok_visa_debit_us_transferFail")

    failed = ended(business, paid_out(business, destination=card))

    assert (failed["status"], failed["failure_code"], available(business)) == ("failed", "could_not_process", 100_00)
    account = platform.read(f"/v1/accounts/{business.account}/external_accounts/{card}")
    assert account["status"] == "errored"
    assert "account.external_account.updated" in business.event_types()


def test_a_card_may_take_no_instant_payouts_and_none_can_be_reversed(platform):
    business, _ = a_business(platform)
    slow = a_card(platform, business, "tok_visa_debit_us_instantPayoutUnsupported")

    refusal = business.post(PAYOUTS, amount=1_00, currency="usd", method="instant", destination=slow)
    payout = paid_out(business, 1_00, destination=slow)
    reversal = business.post(f"{PAYOUTS}/{ended(business, payout)['id']}/reverse")

    assert (refusal.status, refusal.error["code"]) == (400, "instant_payouts_unsupported")
    assert reversal.error["message"].startswith("You can only reverse payouts to bank accounts")


def test_the_default_of_a_currency_may_be_a_card(platform):
    business, _ = a_business(platform)
    path = f"/v1/accounts/{business.account}/external_accounts"
    card = platform.made(path, external_account="tok_visa_debit", default_for_currency=True)["id"]

    assert paid_out(business)["destination"] == card
