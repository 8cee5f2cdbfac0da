"""Money that leaves a financial account for somebody else."""

from __future__ import annotations

import pytest

from emulator.payments.bank_tokens import TOKENS
from emulator.treasury.outbound_flows import MOVES
from emulator.treasury.outbound_payments import LIFECYCLE
from tests.issuing.purchases import findings
from tests.payments.test_setup_intents import CUSTOMERS
from tests.treasury.sending import (
    OBP,
    PAYEE,
    STAYS,
    WAIT,
    WIRE,
    canceled,
    data_of,
    entries,
    funded,
    helped,
    numbers,
    paid,
    paid_within_stripe,
    payment_refused,
    read,
    told,
)
from tests.treasury.worlds import (
    ABA,
    ACCOUNTS,
    CREDITS,
    EVERYTHING,
    TRANSACTIONS,
    balance,
    connected,
    moment,
    opened,
    own_account,
    send,
    tree,
)

DATA = "destination_payment_method_data"
NUMBERS = f"{DATA}[us_bank_account]"
METHODS = "/v1/payment_methods"


def a_customer(client):
    return client.made(CUSTOMERS)["id"]


def attached(client, customer, token="pm_usBankAccount"):
    """The id of a customer's bank account."""
    return client.made(f"{METHODS}/{token}/attach", customer=customer)["id"]


# What it is


def test_a_new_payment_is_processing_and_shows_what_was_asked_for(platform):
    source = funded(platform)
    platform.clock(set=2_000_000_000, frozen=True)  # late on Tuesday, 17 May 2033, in New York
    seen = len(platform.events())

    payment = paid(platform, source, description="Rent", metadata={"k": "v"}, expand=["transaction"])

    details = payment["destination_payment_method_details"]
    assert (payment["status"], payment["cancelable"], payment["amount"]) == ("processing", True, 20_00)
    assert (payment["customer"], payment["destination_payment_method"]) == (None, None)
    assert payment["end_user_details"] == {"ip_address": None, "present": False}
    assert (payment["description"], payment["metadata"]) == ("Rent", {"k": "v"})
    assert payment["statement_descriptor"] == "payment"
    assert payment["expected_arrival_date"] == moment("2033-05-19")
    assert (payment["returned_details"], payment["tracking_details"]) == (None, None)
    assert payment["status_transitions"] == dict.fromkeys(("canceled_at", "failed_at", "posted_at", "returned_at"))
    assert details["billing_details"] == {
        "address": {**PAYEE["address"], "line2": None},
        "email": "ada@example.com",
        "name": "Ada Example",
    }
    assert details["us_bank_account"] == {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "fingerprint": details["us_bank_account"]["fingerprint"],
        "last4": "6789",
        "network": "ach",
        "routing_number": "110000000",
    }
    assert payment["transaction"]["description"] == "Ada Example (6789) | Outbound payment | payment"
    assert (payment["transaction"]["status"], payment["transaction"]["amount"]) == ("open", -20_00)
    assert balance(platform, source) == (480_00, 20_00)
    assert told(platform, seen) == ["outbound_payment.created"]


def test_its_receipt_and_its_transaction_lead_to_it(app, platform):
    source = funded(platform)
    payment = paid(platform, source)

    page = app.test_client().get(payment["hosted_regulatory_receipt_url"])
    listed = platform.read(TRANSACTIONS, financial_account=source, expand=["data.flow_details"])["data"][0]

    assert page.status_code == 200
    assert "<h1>Outbound payment</h1>" in page.text
    assert listed["flow_details"] == {"type": "outbound_payment", "outbound_payment": payment}


def test_a_payment_is_lawful_in_the_same_ways_as_a_transfer():
    assert LIFECYCLE.moves is MOVES
    assert str(LIFECYCLE.refusal("failed", "post").message) == (
        "This OutboundPayment cannot transition from failed to posted."
    )


# Getting on by itself


@pytest.mark.parametrize(
    "number, status, after, events",
    [
        ("000123456789", "posted", (480_00, 0), ["posted"]),
        ("000888888883", "posted", (480_00, 0), ["posted"]),
        ("000000000009", "processing", (480_00, 20_00), []),
        ("000000000234", "failed", (500_00, 0), ["failed"]),
        ("000000000123", "canceled", (500_00, 0), ["canceled"]),
        ("000123457890", "posted", (480_00, 0), ["expected_arrival_date_updated", "posted"]),
        ("000111111116", "returned", (500_00, 0), ["posted", "returned"]),
        ("000111111113", "returned", (500_00, 0), ["posted", "returned"]),
        ("000111111119", "returned", (500_00, 0), ["posted", "returned"]),
        ("000444444440", "returned", (500_00, 0), ["posted", "returned"]),
        ("000222222227", "posted", (480_00, 0), ["posted"]),
    ],
)
def test_the_test_numbers_end_as_documented(platform, number, status, after, events):
    source = funded(platform)
    seen = len(platform.events())

    payment = paid(platform, source, number=number)
    waiting = read(platform, payment)["status"]
    platform.clock(advance=WAIT)

    done = read(platform, payment)
    assert waiting == "processing"
    assert (done["status"], done["cancelable"]) == (status, status == "processing")
    assert balance(platform, source) == after
    assert told(platform, seen) == [f"outbound_payment.{name}" for name in ("created", *events)]
    if status == "returned":
        codes = {"116": "no_account", "113": "account_closed", "119": "invalid_account_number"}
        assert done["returned_details"]["code"] == codes.get(number[-3:], "invalid_currency")
    assert findings(platform) == []


def test_a_later_arrival_tells_the_date_before(platform):
    source = funded(platform)
    platform.clock(set=moment("2033-05-20T15:00"), frozen=True)  # a Friday
    payment = paid(platform, source, number="000123457890")
    platform.clock(advance=WAIT)

    later, _ = platform.events()[-2:]

    old = payment["expected_arrival_date"]
    assert later["data"]["previous_attributes"] == {"expected_arrival_date": old}
    assert later["data"]["object"]["expected_arrival_date"] == moment("2033-05-24")


# The worked rows


def test_rows_2_to_4_a_payment_is_posted_and_comes_back(platform):
    source = funded(platform, 50000)

    payment = paid(platform, source, 2000, "000000000009", expand=["transaction"])
    assert balance(platform, source) == (48000, 2000)
    assert (payment["transaction"]["status"], payment["transaction"]["amount"]) == ("open", -2000)
    impact = {"cash": -2000, "inbound_pending": 0, "outbound_pending": 2000}
    assert payment["transaction"]["balance_impact"] == impact

    posted = helped(platform, payment, "post", expand=["transaction"])
    assert balance(platform, source) == (48000, 0)
    assert (posted["status"], posted["transaction"]["status"]) == ("posted", "posted")
    assert posted["transaction"]["balance_impact"] == {"cash": -2000, "inbound_pending": 0, "outbound_pending": 0}
    assert entries(platform, posted["transaction"]["id"]) == [
        ("outbound_payment_posting", 0, -2000),
        ("outbound_payment", -2000, 2000),
    ]

    paths = ["transaction", "returned_details.transaction"]
    back = helped(platform, payment, "return", returned_details={"code": "no_account"}, expand=paths)
    second = back["returned_details"]["transaction"]
    assert balance(platform, source) == (50000, 0)
    assert (back["status"], back["returned_details"]["code"]) == ("returned", "no_account")
    assert (back["transaction"]["status"], back["transaction"]["amount"]) == ("posted", -2000)
    assert second["id"] != back["transaction"]["id"]
    assert (second["status"], second["amount"], second["flow"]) == ("posted", 2000, payment["id"])
    assert entries(platform, second["id"]) == [("outbound_payment_return", 2000, 0)]
    assert findings(platform) == []


def test_row_5_a_canceled_payment_leaves_a_void_transaction(platform):
    source = funded(platform, 50000)
    payment = paid(platform, source, 1000, "000000000009")

    ended = canceled(platform, payment, expand=["transaction"])

    transaction = ended["transaction"]
    assert (ended["status"], ended["cancelable"]) == ("canceled", False)
    assert ended["status_transitions"]["canceled_at"] is not None
    assert balance(platform, source) == (50000, 0)
    assert (transaction["status"], transaction["amount"]) == ("void", 0)
    assert entries(platform, transaction["id"]) == [
        ("outbound_payment_cancellation", 1000, -1000),
        ("outbound_payment", -1000, 1000),
    ]
    assert findings(platform) == []


def test_a_failed_payment_gives_its_cash_back(platform):
    source = funded(platform, 50000)
    payment = paid(platform, source, 1000)

    failed = helped(platform, payment, "fail", expand=["transaction"])

    assert (failed["status"], failed["transaction"]["status"]) == ("failed", "void")
    assert balance(platform, source) == (50000, 0)
    assert entries(platform, failed["transaction"]["id"])[0] == ("outbound_payment_failure", 1000, -1000)


def test_row_14_restricted_flows_refuse_a_payment(platform):
    source = funded(platform, 50000)
    platform.made(f"{ACCOUNTS}/{source}", platform_restrictions={"outbound_flows": "restricted"})

    code, param, message = payment_refused(platform, source, amount=1)

    assert (code, param) == ("financial_account_capability_restricted", "financial_account")
    assert message == f"The FinancialAccount {source} does not have the outbound_payments.ach feature active."
    assert balance(platform, source) == (50000, 0)


@pytest.mark.parametrize("network", ["ach", "us_domestic_wire"])
def test_every_network_needs_its_feature(platform, network):
    needed = f"outbound_payments.{network}"
    source = funded(platform, 500_00, *(path for path in EVERYTHING if path != needed))

    options = {"us_bank_account": {"network": network}}
    code, param, message = payment_refused(platform, source, destination_payment_method_options=options)

    assert (code, param) == ("financial_account_capability_not_enabled", "financial_account")
    assert message == f"The FinancialAccount {source} does not have the {needed} feature active."


# Customers


def test_a_customers_bank_account_is_paid_as_its_owner_is_known(platform):
    platform.clock(frozen=True)
    source, customer = funded(platform), a_customer(platform)
    method = attached(platform, customer)
    address = {**PAYEE["address"], "line2": "Floor 2"}
    platform.made(f"{METHODS}/{method}", billing_details={"name": "Ada Example", "address": address})

    payment = paid(platform, source, destination_payment_method=method, customer=customer)
    wire = paid(
        platform,
        source,
        destination_payment_method=method,
        customer=customer,
        destination_payment_method_options=WIRE,
    )

    details = payment["destination_payment_method_details"]
    assert (payment["customer"], payment["destination_payment_method"]) == (customer, method)
    assert details["billing_details"] == {"address": address, "email": None, "name": "Ada Example"}
    assert details["us_bank_account"]["network"] == "ach"
    assert wire["destination_payment_method_details"]["us_bank_account"]["network"] == "us_domestic_wire"
    assert read(platform, payment)["status"] == "processing"


@pytest.mark.parametrize("token", TOKENS)
def test_the_test_tokens_pay_any_customer(platform, token):
    source, customer = funded(platform), a_customer(platform)

    payment = paid(platform, source, destination_payment_method=token, customer=customer)

    details = payment["destination_payment_method_details"]
    assert (payment["destination_payment_method"], payment["customer"]) == (token, customer)
    assert details["us_bank_account"]["last4"] == TOKENS[token][-4:]


def test_a_payment_method_needs_the_customer_whose_it_is(platform):
    source, customer, other = funded(platform), a_customer(platform), a_customer(platform)
    method, card = attached(platform, customer), attached(platform, customer, "pm_card_visa")
    loose = platform.made(METHODS, **{**data_of("000123456789")})["id"]
    gone = a_customer(platform)
    platform.delete(f"{CUSTOMERS}/{gone}")

    def refusal(method, **more):
        return payment_refused(platform, source, destination_payment_method=method, **more)[:2]

    assert refusal(method) == ("parameter_missing", "customer")
    assert refusal("pm_usBankAccount") == ("parameter_missing", "customer")
    assert refusal(method, customer=other) == ("payment_method_unexpected_state", "customer")
    assert refusal(method, customer="cus_nope") == ("resource_missing", "customer")
    assert refusal("pm_usBankAccount", customer=gone) == ("resource_missing", "customer")
    unexpected = ("payment_method_unexpected_state", "destination_payment_method")
    assert refusal(loose, customer=customer) == unexpected
    unsupported = ("payment_method_unsupported_type", "destination_payment_method")
    assert refusal(card, customer=customer) == refusal("pm_card_visa", customer=customer) == unsupported
    assert refusal("pm_1abc", customer=customer) == ("resource_missing", "destination_payment_method")
    assert payment_refused(platform, source, customer="cus_nope")[:2] == ("resource_missing", "customer")
    assert balance(platform, source) == (500_00, 0)


def test_the_accounts_own_bank_account_is_nobody_elses(platform):
    business = connected(platform)
    path = f"/v1/accounts/{business.account}/external_accounts"
    bank = {"object": "bank_account", "country": "US", "currency": "usd", "routing_number": "110000000"}
    own = platform.made(path, external_account={**bank, "account_number": "000123456789"})["id"]

    code, param, _ = payment_refused(
        business, funded(business), destination_payment_method=own, customer=a_customer(business)
    )

    assert (code, param) == ("payment_method_unexpected_state", "destination_payment_method")


# Described in place


def test_what_is_described_in_place_is_saved_nowhere(platform):
    source, customer = funded(platform), a_customer(platform)
    data = data_of("000123456789", metadata={"a": "1"})
    data["us_bank_account"].update(account_type="savings", account_holder_type="company")

    payment = paid(platform, source, customer=customer, **{DATA: data})

    details = payment["destination_payment_method_details"]["us_bank_account"]
    assert (payment["customer"], payment["destination_payment_method"]) == (customer, None)
    assert (details["account_type"], details["account_holder_type"]) == ("savings", "company")
    assert platform.read(METHODS, customer=customer)["data"] == []


def test_nobody_has_to_say_who_is_paid_over_ach(platform):
    data = {name: value for name, value in data_of("000123456789").items() if name != "billing_details"}

    payment = paid(platform, funded(platform), expand=["transaction"], **{DATA: data})

    assert payment["destination_payment_method_details"]["billing_details"]["name"] is None
    assert payment["transaction"]["description"] == "Outbound payment | payment"


@pytest.mark.parametrize(
    "params, code, param",
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": 500_01}, "balance_insufficient", "amount"),
        ({"currency": "eur"}, "financial_account_balance_does_not_support_currency", "currency"),
        ({"financial_account": "fa_nope"}, "resource_missing", "financial_account"),
        ({"statement_descriptor": "a,b"}, "invalid_characters", "statement_descriptor"),
        ({"statement_descriptor": "x" * 11}, None, "statement_descriptor"),
        ({"purpose": "payroll"}, "parameter_unknown", "purpose"),
        ({DATA: {"type": "us_bank_account"}}, "parameter_missing", f"{DATA}[us_bank_account]"),
        ({DATA: {"type": "financial_account"}}, "parameter_missing", f"{DATA}[financial_account]"),
        ({DATA: {"type": "card"}}, None, f"{DATA}[type]"),
        ({DATA: {"billing_details": {"name": "Ada"}}}, "parameter_missing", f"{DATA}[type]"),
        (
            {DATA: data_of("000123456789", "110000001")},
            "routing_number_invalid",
            f"{NUMBERS}[routing_number]",
        ),
        ({DATA: data_of("12")}, "account_number_invalid", f"{NUMBERS}[account_number]"),
        (
            {DATA: {"type": "us_bank_account", "us_bank_account": {"routing_number": "110000000"}}},
            "parameter_missing",
            f"{NUMBERS}[account_number]",
        ),
        (
            {DATA: {"type": "us_bank_account", "us_bank_account": {"account_number": "000123456789"}}},
            "parameter_missing",
            f"{NUMBERS}[routing_number]",
        ),
        (
            {DATA: {"type": "financial_account", "financial_account": "fa_nope"}},
            "resource_missing",
            f"{DATA}[financial_account]",
        ),
        (
            {DATA: data_of("000123456789"), "destination_payment_method": "pm_usBankAccount"},
            "parameters_exclusive",
            "destination_payment_method",
        ),
        ({"end_user_details": {"present": True}}, "parameter_missing", "end_user_details[ip_address]"),
        ({"end_user_details": {"ip_address": "192.0.2.1"}}, "parameter_missing", "end_user_details[present]"),
        (
            {"destination_payment_method_options": {"us_bank_account": {"network": "rtp"}}},
            None,
            "destination_payment_method_options[us_bank_account][network]",
        ),
    ],
)
def test_a_wrong_payment_is_refused_by_name_and_changes_nothing(platform, params, code, param):
    source = funded(platform)
    seen = len(platform.events())

    found = payment_refused(platform, source, **params)

    assert found[:2] == (code, param)
    assert balance(platform, source) == (500_00, 0)
    assert told(platform, seen) == []
    assert platform.read(OBP, financial_account=source)["data"] == []


def test_a_payment_without_destination_is_incomplete(platform):
    answer = platform.post(OBP, amount=1, currency="usd", financial_account=funded(platform))

    assert (answer.status, answer.error["code"]) == (400, "parameter_missing")
    assert answer.error["param"] == "destination_payment_method"


def test_a_closed_account_pays_nobody(platform):
    source = opened(platform)
    platform.made(f"{ACCOUNTS}/{source}/close")

    assert payment_refused(platform, source)[:2] == ("account_closed", "financial_account")


def test_an_end_user_is_present_from_an_address(platform):
    present = {"present": True, "ip_address": "192.0.2.1"}

    payment = paid(platform, funded(platform), end_user_details=present)
    absent = paid(platform, funded(platform), end_user_details={"present": False})

    assert payment["end_user_details"] == present
    assert absent["end_user_details"] == {"present": False, "ip_address": None}


@pytest.mark.parametrize("without", ["name", "line1", "city", "state", "postal_code", "country", "address"])
def test_a_wire_needs_to_know_whom_it_goes_to(platform, without):
    source = funded(platform)
    address = {name: value for name, value in PAYEE["address"].items() if name != without}
    payee = {**PAYEE, "address": address}
    data = data_of("000123456789", billing_details={name: one for name, one in payee.items() if name != without})

    code, param, message = payment_refused(platform, source, destination_payment_method_options=WIRE, **{DATA: data})

    assert (code, param) == ("payment_method_billing_details_address_missing", None)
    assert "complete address" in message
    assert paid(platform, source, **{DATA: data})["status"] == "processing"  # which only wires need
    assert balance(platform, source) == (480_00, 20_00)


def test_a_test_token_has_no_address_that_a_wire_could_go_to(platform):
    code, param, _ = payment_refused(
        platform,
        funded(platform),
        destination_payment_method="pm_usBankAccount",
        customer=a_customer(platform),
        destination_payment_method_options=WIRE,
    )

    assert (code, param) == ("payment_method_billing_details_address_missing", None)


def test_a_wire_carries_a_longer_text(platform):
    text = "x" * 140

    wire = paid(platform, funded(platform), statement_descriptor=text, destination_payment_method_options=WIRE)

    assert wire["statement_descriptor"] == text
    assert wire["destination_payment_method_details"]["us_bank_account"]["network"] == "us_domestic_wire"


# Within Stripe


def test_money_reaches_the_financial_account_of_somebody_else_right_after_the_reply(platform):
    business, other = connected(platform), connected(platform)
    source, target = funded(business), opened(other)
    other.read("/v1/balance")  # everything due has happened
    seen = len(business.events()), len(other.events())

    payment = paid_within_stripe(business, source, target, description="Savings")
    moved = balance(business, source), balance(other, target)

    after = read(business, payment)
    (credit,) = other.read(CREDITS, financial_account=target, expand=["data.transaction"])["data"]
    assert (payment["status"], payment["cancelable"]) == ("processing", False)
    details = payment["destination_payment_method_details"]
    assert details["financial_account"] == {"id": target, "network": "stripe"}
    assert moved == ((480_00, 0), (20_00, 0))
    assert after["status"] == "posted"
    assert (credit["network"], credit["status"], credit["description"]) == ("stripe", "succeeded", "Savings")
    assert credit["initiating_payment_method_details"]["financial_account"] == {"id": source, "network": "stripe"}
    assert credit["linked_flows"]["source_flow"] == payment["id"]
    assert credit["linked_flows"]["source_flow_type"] == "outbound_payment"
    assert credit["reversal_details"] == {"deadline": None, "restricted_reason": None}
    assert (credit["transaction"]["status"], credit["transaction"]["amount"]) == ("posted", 20_00)
    assert told(business, seen[0]) == ["outbound_payment.created", "outbound_payment.posted"]
    assert told(other, seen[1]) == ["received_credit.created", "received_credit.succeeded"]
    assert findings(platform) == []


def test_a_platform_pays_its_connected_accounts_and_is_paid_by_them(platform):
    business = connected(platform)
    own, theirs = own_account(platform), opened(business)
    send(platform, own, 100_00)

    paid_within_stripe(platform, own, theirs, 60_00)
    there = balance(platform, own), balance(business, theirs)
    paid_within_stripe(business, theirs, own, 10_00)

    assert there == ((40_00, 0), (60_00, 0))
    assert (balance(platform, own), balance(business, theirs)) == ((50_00, 0), (50_00, 0))
    assert findings(platform) == []


def test_ones_own_financial_account_is_reached_by_a_transfer_only(platform):
    source, target = funded(platform), opened(platform)
    data = {"type": "financial_account", "financial_account": target}

    code, param, message = payment_refused(platform, source, **{DATA: data})

    assert (code, param) == (None, f"{DATA}[financial_account]")
    assert message == (
        f"The FinancialAccount {target} belongs to the same account. Use an OutboundTransfer to send money to it."
    )


def test_each_side_needs_to_be_able_to_in_its_own_direction_only(platform):
    business, other = connected(platform), connected(platform)
    source, target = funded(business), opened(other)
    path = f"{DATA}[financial_account]"

    def refusal():
        data = {"type": "financial_account", "financial_account": target}
        return payment_refused(business, source, **{DATA: data})[:2]

    def restrict(client, account, **flows):
        open_ = {"inbound_flows": "unrestricted", "outbound_flows": "unrestricted"}
        client.made(f"{ACCOUNTS}/{account}", platform_restrictions={**open_, **flows})

    restrict(business, source, outbound_flows="restricted")
    assert refusal() == ("financial_account_capability_restricted", "financial_account")
    restrict(business, source, inbound_flows="restricted")
    restrict(other, target, inbound_flows="restricted")
    assert refusal() == ("financial_account_capability_restricted", path)
    restrict(other, target, outbound_flows="restricted")
    paid_within_stripe(business, source, target)
    assert balance(other, target) == (20_00, 0)
    other.made(f"{ACCOUNTS}/{target}/features", intra_stripe_flows={"requested": False})
    assert refusal() == ("financial_account_capability_not_enabled", path)


def test_a_closed_account_of_somebody_else_gets_nothing(platform):
    other = connected(platform)
    target = opened(other)
    other.made(f"{ACCOUNTS}/{target}/close")
    data = {"type": "financial_account", "financial_account": target}

    code, param, _ = payment_refused(platform, funded(platform), **{DATA: data})

    assert (code, param) == ("account_closed", f"{DATA}[financial_account]")


def test_what_is_on_its_way_to_an_account_that_closes_goes_where_that_forwards_to(platform):
    platform.settings(progress="never")
    business, other = connected(platform), connected(platform)
    source, target, onwards = funded(business), opened(other), opened(other)
    payment = paid_within_stripe(business, source, target)
    settings = {"type": "financial_account", "financial_account": onwards}
    other.made(f"{ACCOUNTS}/{target}/close", forwarding_settings=settings)

    helped(business, payment, "post")

    assert balance(other, onwards) == (20_00, 0)
    assert findings(platform) == []


def test_what_is_on_its_way_to_an_account_that_is_gone_fails(platform):
    business, other = connected(platform), connected(platform)
    source, target = funded(business), opened(other)
    platform.settings(progress="never")
    payment = paid_within_stripe(business, source, target)
    platform.delete(f"/v1/accounts/{other.account}")

    refusal = business.post(f"/v1/test_helpers/treasury/outbound_payments/{payment['id']}/post")

    assert (refusal.status, refusal.error["code"]) == (400, "status_transition_invalid")
    assert helped(business, payment, "fail")["status"] == "failed"
    assert balance(business, source) == (500_00, 0)


# To financial accounts by their numbers


@pytest.mark.parametrize("network", ["ach", "us_domestic_wire"])
def test_money_sent_to_the_numbers_of_a_financial_account_arrives_there(platform, network):
    business, other = connected(platform), connected(platform)
    source, target = funded(business), opened(other)
    found = numbers(other, target)
    data = data_of(found["account_number"], found["routing_number"])
    options = {"us_bank_account": {"network": network}}

    payment = paid(business, source, destination_payment_method_options=options, **{DATA: data})
    platform.clock(advance=WAIT)

    (credit,) = other.read(CREDITS, financial_account=target)["data"]
    assert read(business, payment)["status"] == "posted"
    assert (balance(business, source), balance(other, target)) == ((480_00, 0), (20_00, 0))
    assert (credit["network"], credit["status"], credit["linked_flows"]["source_flow"]) == (network, "succeeded", None)
    again = business.post(f"/v1/test_helpers/treasury/outbound_payments/{payment['id']}/return")
    assert (again.status, again.error["code"]) == (400, "status_transition_invalid")
    assert findings(platform) == []


@pytest.mark.parametrize(
    "why, code",
    [
        ("closed", "account_closed"),
        ("restricted", "account_frozen"),
        ("none", "no_account"),
        ("given up", "no_account"),
    ],
)
def test_what_a_financial_account_does_not_take_comes_back(platform, why, code):
    business, other = connected(platform), connected(platform)
    source, target = funded(business), opened(other)
    found = {**numbers(other, target), **({"account_number": "4242000000000000"} if why == "none" else {})}
    if why == "closed":
        other.made(f"{ACCOUNTS}/{target}/close")
    if why == "restricted":
        other.made(f"{ACCOUNTS}/{target}", platform_restrictions={"inbound_flows": "restricted"})
    if why == "given up":
        other.made(f"{ACCOUNTS}/{target}/features", **tree(ABA, requested=False))

    payment = paid(business, source, **{DATA: data_of(found["account_number"], found["routing_number"])})
    platform.clock(advance=WAIT)

    back = read(business, payment)
    assert (back["status"], back["returned_details"]["code"]) == ("returned", code)
    assert (balance(business, source), balance(other, target)) == ((500_00, 0), (0, 0))
    assert findings(platform) == []


def test_money_cannot_be_paid_to_ones_own_numbers(platform):
    source = funded(platform)
    found = numbers(platform, source)

    data = data_of(found["account_number"], found["routing_number"])

    assert payment_refused(platform, source, **{DATA: data})[:2] == (None, DATA)


# Lists


def test_payments_are_listed_by_account_customer_status_and_time(platform):
    platform.clock(set=2_000_000_000, frozen=True)
    source, customer = funded(platform), a_customer(platform)
    first = paid(platform, source, destination_payment_method=STAYS, customer=customer)
    platform.clock(advance=60)
    second = paid(platform, source, number="000000000009")
    paid(platform, funded(platform))
    helped(platform, first, "post")

    def ids(**filters):
        return [one["id"] for one in platform.read(OBP, financial_account=source, **filters)["data"]]

    assert ids() == [second["id"], first["id"]]
    assert ids(customer=customer) == [first["id"]]
    assert ids(customer="cus_nope") == []
    assert ids(status="posted") == [first["id"]]
    assert ids(status="processing") == [second["id"]]
    assert ids(created={"lt": 2_000_000_060}) == [first["id"]]
    assert ids(created=2_000_000_060) == [second["id"]]
    assert ids(limit=1, starting_after=second["id"]) == [first["id"]]
    assert platform.get(OBP).error["code"] == "parameter_missing"
    assert platform.get(OBP, financial_account=source, status="open").error["param"] == "status"


def test_an_unknown_payment_is_missing_and_so_is_a_transfer_by_its_id(platform):
    refusal = platform.get(f"{OBP}/obp_x")
    transfer = platform.post(f"{OBP}/obt_x/cancel")

    assert (refusal.status, refusal.error["param"]) == (404, "id")
    assert refusal.error["message"] == "No such outbound payment: 'obp_x'"
    assert (transfer.status, transfer.error["message"]) == (404, "No such outbound payment: 'obt_x'")
