"""Money that leaves a financial account for another account of the same owner."""

from __future__ import annotations

from itertools import product

import pytest

from emulator.kernel.errors import ApiError
from emulator.treasury.outbound_transfers import LIFECYCLE, OutboundTransfer
from tests.examining import rewrite
from tests.issuing.purchases import findings
from tests.treasury.sending import (
    HELPERS,
    OBT,
    STAYS,
    WAIT,
    WIRE,
    entries,
    funded,
    helped,
    read,
    refused,
    sent,
    sent_within_stripe,
    told,
)
from tests.treasury.worlds import (
    ABA,
    ACCOUNTS,
    CREDITS,
    TRANSACTIONS,
    balance,
    connected,
    moment,
    opened,
)

# What it is


def test_a_new_transfer_is_processing_and_shows_what_was_asked_for(platform):
    source = funded(platform)
    platform.clock(set=2_000_000_000, frozen=True)  # Wednesday, 18 May 2033, 03:33 in London
    seen = len(platform.events())

    transfer = sent(platform, source, description="Rent", metadata={"k": "v"}, expand=["transaction"])

    details = transfer["destination_payment_method_details"]
    assert (transfer["status"], transfer["cancelable"], transfer["amount"]) == ("processing", True, 20_00)
    assert transfer["destination_payment_method"] == "pm_usBankAccount"
    assert (transfer["description"], transfer["metadata"]) == ("Rent", {"k": "v"})
    assert transfer["statement_descriptor"] == "transfer"
    assert (transfer["returned_details"], transfer["tracking_details"]) == (None, None)
    assert set(transfer["status_transitions"].values()) == {None}
    assert set(transfer["status_transitions"]) == {"canceled_at", "failed_at", "posted_at", "returned_at"}
    assert (details["type"], details["billing_details"]["name"]) == ("us_bank_account", "Jane Austen")
    assert details["us_bank_account"]["network"] == "ach"
    assert (details["us_bank_account"]["last4"], details["us_bank_account"]["routing_number"]) == ("6789", "110000000")
    assert transfer["transaction"]["description"] == "Jane Austen (6789) | Outbound transfer | transfer"
    assert (transfer["transaction"]["status"], transfer["transaction"]["amount"]) == ("open", -20_00)
    assert balance(platform, source) == (480_00, 20_00)
    assert told(platform, seen) == ["outbound_transfer.created"]
    assert "previous_attributes" not in platform.events()[-1]["data"]


def test_its_receipt_and_its_transaction_lead_to_it(app, platform):
    source = funded(platform)
    transfer = sent(platform, source)

    page = app.test_client().get(transfer["hosted_regulatory_receipt_url"])
    listed = platform.read(TRANSACTIONS, financial_account=source, expand=["data.flow_details"])["data"][0]

    assert page.status_code == 200
    assert "<h1>Outbound transfer</h1>" in page.text
    assert "<td>ach</td>" in page.text
    assert listed["flow_details"] == {"type": "outbound_transfer", "outbound_transfer": transfer}


# Getting on by itself


@pytest.mark.parametrize(
    "method, status, after, events",
    [
        ("pm_usBankAccount", "posted", (480_00, 0), ["posted"]),
        ("pm_usBankAccount_processing", "processing", (480_00, 20_00), []),
        ("pm_usBankAccount_internalFailure", "failed", (500_00, 0), ["failed"]),
        ("pm_usBankAccount_canceledByUser", "canceled", (500_00, 0), ["canceled"]),
        (
            "pm_usBankAccount_expectedArrivalDateUpdated",
            "posted",
            (480_00, 0),
            ["expected_arrival_date_updated", "posted"],
        ),
        ("pm_usBankAccount_noAccount", "returned", (500_00, 0), ["posted", "returned"]),
        ("pm_usBankAccount_accountClosed", "returned", (500_00, 0), ["posted", "returned"]),
        ("pm_usBankAccount_invalidAccountNumber", "returned", (500_00, 0), ["posted", "returned"]),
        ("pm_usBankAccount_invalidCurrency", "returned", (500_00, 0), ["posted", "returned"]),
        ("pm_usBankAccount_insufficientFunds", "posted", (480_00, 0), ["posted"]),
        ("pm_usBankAccount_debitNotAuthorized", "posted", (480_00, 0), ["posted"]),
        ("pm_usBankAccount_dispute", "posted", (480_00, 0), ["posted"]),
    ],
)
def test_the_test_tokens_end_as_documented(platform, method, status, after, events):
    source = funded(platform)
    seen = len(platform.events())

    transfer = sent(platform, source, method=method)
    waiting = read(platform, transfer)["status"]
    platform.clock(advance=WAIT)

    done = read(platform, transfer)
    assert waiting == "processing"
    assert (done["status"], done["cancelable"]) == (status, status == "processing")
    assert balance(platform, source) == after
    assert told(platform, seen) == [f"outbound_transfer.{name}" for name in ("created", *events)]
    if status == "returned":
        code = {"noAccount": "no_account", "accountClosed": "account_closed"}
        code.update({"invalidAccountNumber": "invalid_account_number", "invalidCurrency": "invalid_currency"})
        assert done["returned_details"]["code"] == code[method.partition("_us")[2].partition("_")[2]]
    assert findings(platform) == []


@pytest.mark.parametrize(
    "created, expected, later",
    [
        ("2033-05-18T15:00", "2033-05-19", "2033-05-20"),
        ("2033-05-19T15:00", "2033-05-20", "2033-05-23"),  # over the weekend
        ("2033-05-26T15:00", "2033-05-27", "2033-05-31"),  # and Memorial Day
    ],
)
def test_a_later_arrival_is_on_the_next_banking_day_and_tells_the_date_before(platform, created, expected, later):
    source = funded(platform)
    platform.clock(set=moment(created), frozen=True)
    transfer = sent(platform, source, method="pm_usBankAccount_expectedArrivalDateUpdated")
    platform.clock(advance=WAIT)

    updated, posted = platform.events()[-2:]

    assert transfer["expected_arrival_date"] == moment(expected)
    assert updated["data"]["previous_attributes"] == {"expected_arrival_date": moment(expected)}
    assert updated["data"]["object"]["expected_arrival_date"] == moment(later)
    assert posted["data"]["object"]["expected_arrival_date"] == moment(later)
    assert "previous_attributes" not in posted["data"]


@pytest.mark.parametrize("progress, at_once, later", [("at_once", "posted", "posted"), ("never", *["processing"] * 2)])
def test_the_setting_says_how_transfers_get_on(platform, progress, at_once, later):
    source = funded(platform)
    platform.settings(progress=progress)

    transfer = sent(platform, source)

    assert transfer["status"] == "processing"
    assert read(platform, transfer)["status"] == at_once
    platform.clock(advance=WAIT)
    assert read(platform, transfer)["status"] == later


def test_a_restriction_does_not_stop_what_is_on_its_way(platform):
    source = funded(platform)
    transfer = sent(platform, source)
    platform.made(f"{ACCOUNTS}/{source}", platform_restrictions={"outbound_flows": "restricted"})

    platform.clock(advance=WAIT)

    assert read(platform, transfer)["status"] == "posted"


# The worked rows


def test_rows_2_to_4_a_transfer_is_posted_and_comes_back(platform):
    source = funded(platform, 50000)

    transfer = sent(platform, source, 2000, STAYS)
    opened_ = platform.read(f"{TRANSACTIONS}/{transfer['transaction']}")
    assert balance(platform, source) == (48000, 2000)
    assert (opened_["status"], opened_["amount"]) == ("open", -2000)
    assert opened_["balance_impact"] == {"cash": -2000, "inbound_pending": 0, "outbound_pending": 2000}

    posted = helped(platform, transfer, "post", expand=["transaction"])
    assert balance(platform, source) == (48000, 0)
    assert (posted["status"], posted["transaction"]["status"]) == ("posted", "posted")
    assert posted["transaction"]["amount"] == -2000
    assert posted["transaction"]["balance_impact"] == {"cash": -2000, "inbound_pending": 0, "outbound_pending": 0}
    assert posted["status_transitions"]["posted_at"] is not None
    assert entries(platform, transfer["transaction"]) == [
        ("outbound_transfer_posting", 0, -2000),
        ("outbound_transfer", -2000, 2000),
    ]

    back = helped(
        platform,
        transfer,
        "return",
        returned_details={"code": "no_account"},
        expand=["transaction", "returned_details.transaction"],
    )
    second = back["returned_details"]["transaction"]
    assert balance(platform, source) == (50000, 0)
    assert (back["status"], back["returned_details"]["code"]) == ("returned", "no_account")
    assert (back["transaction"]["status"], back["transaction"]["amount"]) == ("posted", -2000)
    assert second["id"] != transfer["transaction"]
    assert (second["status"], second["amount"], second["flow"]) == ("posted", 2000, transfer["id"])
    assert second["balance_impact"] == {"cash": 2000, "inbound_pending": 0, "outbound_pending": 0}
    assert entries(platform, second["id"]) == [("outbound_transfer_return", 2000, 0)]
    assert findings(platform) == []


def test_row_5_a_canceled_transfer_leaves_a_void_transaction(platform):
    source = funded(platform, 50000)
    transfer = sent(platform, source, 1000, STAYS)

    canceled = platform.made(f"{OBT}/{transfer['id']}/cancel", expand=["transaction"])

    transaction = canceled["transaction"]
    assert (canceled["status"], canceled["cancelable"]) == ("canceled", False)
    assert canceled["status_transitions"]["canceled_at"] is not None
    assert balance(platform, source) == (50000, 0)
    assert (transaction["status"], transaction["amount"]) == ("void", 0)
    assert transaction["balance_impact"] == {"cash": 0, "inbound_pending": 0, "outbound_pending": 0}
    assert transaction["status_transitions"]["void_at"] is not None
    assert entries(platform, transaction["id"]) == [
        ("outbound_transfer_cancellation", 1000, -1000),
        ("outbound_transfer", -1000, 1000),
    ]
    assert findings(platform) == []


def test_a_failed_transfer_gives_its_cash_back(platform):
    source = funded(platform, 50000)
    transfer = sent(platform, source, 1000)

    failed = helped(platform, transfer, "fail", expand=["transaction"])

    assert (failed["status"], failed["transaction"]["status"]) == ("failed", "void")
    assert failed["status_transitions"]["failed_at"] is not None
    assert balance(platform, source) == (50000, 0)
    assert entries(platform, transfer["transaction"])[0] == ("outbound_transfer_failure", 1000, -1000)


@pytest.mark.parametrize(
    "verb, time, transaction_time",
    [("post", "posted_at", "posted_at"), ("fail", "failed_at", "void_at"), ("cancel", "canceled_at", "void_at")],
)
def test_a_transfer_and_its_transaction_tell_when_they_ended_not_when_they_began(
    platform, verb, time, transaction_time
):
    platform.clock(frozen=True)
    transfer = sent(platform, funded(platform), method=STAYS)
    began = transfer["created"]
    platform.clock(advance=90)

    path = f"{OBT}/{transfer['id']}/cancel" if verb == "cancel" else f"{HELPERS}/{transfer['id']}/{verb}"
    ended = platform.made(path, expand=["transaction"])

    assert ended["status_transitions"] == {**transfer["status_transitions"], time: began + 90}
    assert ended["transaction"]["created"] == began
    times = {"posted_at": None, "void_at": None, transaction_time: began + 90}
    assert ended["transaction"]["status_transitions"] == times


def test_a_transfer_that_comes_back_tells_both_times(platform):
    platform.clock(frozen=True)
    transfer = sent(platform, funded(platform), method=STAYS)
    began = transfer["created"]
    platform.clock(advance=90)
    helped(platform, transfer, "post")
    platform.clock(advance=90)

    back = helped(platform, transfer, "return", expand=["returned_details.transaction"])

    times = {"posted_at": began + 90, "returned_at": began + 180}
    assert back["status_transitions"] == {**transfer["status_transitions"], **times}
    second = back["returned_details"]["transaction"]
    assert second["created"] == second["status_transitions"]["posted_at"] == began + 180


def test_row_14_restricted_flows_refuse_a_transfer(platform):
    source = funded(platform, 50000)
    restricted = platform.made(f"{ACCOUNTS}/{source}", platform_restrictions={"outbound_flows": "restricted"})

    code, param, message = refused(platform, source, amount=1)

    assert (code, param) == ("financial_account_capability_restricted", "financial_account")
    assert message == f"The FinancialAccount {source} does not have the outbound_transfers.ach feature active."
    assert balance(platform, source) == (50000, 0)
    assert restricted["restricted_features"] == [
        ABA,
        "intra_stripe_flows",
        "outbound_payments.ach",
        "outbound_payments.us_domestic_wire",
        "outbound_transfers.ach",
        "outbound_transfers.us_domestic_wire",
    ]


# What is refused


@pytest.mark.parametrize(
    "params, code, param",
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": 500_01}, "balance_insufficient", "amount"),
        ({"currency": "eur"}, "financial_account_balance_does_not_support_currency", "currency"),
        ({"statement_descriptor": "Größe"}, "invalid_characters", "statement_descriptor"),
        ({"statement_descriptor": "a,b"}, "invalid_characters", "statement_descriptor"),
        ({"statement_descriptor": "x" * 11}, None, "statement_descriptor"),
        (
            {"statement_descriptor": "x" * 141, "destination_payment_method_options": WIRE},
            None,
            "statement_descriptor",
        ),
        ({"destination_payment_method": "pm_1abc"}, "resource_missing", "destination_payment_method"),
        ({"destination_payment_method": "ba_1abc"}, "resource_missing", "destination_payment_method"),
        (
            {"destination_payment_method": "pm_card_visa"},
            "payment_method_unsupported_type",
            "destination_payment_method",
        ),
        ({"destination_payment_method": "pm_usBankAccount_nope"}, "resource_missing", "destination_payment_method"),
        ({"financial_account": "fa_nope"}, "resource_missing", "financial_account"),
        (
            {"destination_payment_method_options": {"us_bank_account": {"network": "rtp"}}},
            None,
            "destination_payment_method_options[us_bank_account][network]",
        ),
        (
            {"destination_payment_method_data": {"type": "us_bank_account"}},
            None,
            "destination_payment_method_data[type]",
        ),
        (
            {"destination_payment_method_data": {"type": "financial_account"}},
            "parameter_missing",
            "destination_payment_method_data[financial_account]",
        ),
        (
            {"destination_payment_method_data": {"type": "financial_account", "financial_account": "fa_nope"}},
            "resource_missing",
            "destination_payment_method_data[financial_account]",
        ),
        (
            {
                "destination_payment_method": "pm_usBankAccount",
                "destination_payment_method_data": {"type": "financial_account", "financial_account": "fa_nope"},
            },
            "parameters_exclusive",
            "destination_payment_method",
        ),
    ],
)
def test_a_wrong_transfer_is_refused_by_name_and_changes_nothing(platform, params, code, param):
    source = funded(platform)
    seen = len(platform.events())

    found = refused(platform, source, **params)

    assert found[:2] == (code, param)
    assert balance(platform, source) == (500_00, 0)
    assert told(platform, seen) == []
    assert platform.read(OBT, financial_account=source)["data"] == []


def test_the_words_of_refusals(platform):
    source = funded(platform)

    assert refused(platform, source, amount=500_01)[2] == (
        "The FinancialAccount doesn't have a sufficient balance available."
    )
    assert refused(platform, source, destination_payment_method="pm_x")[2] == "No such PaymentMethod: 'pm_x'"
    assert refused(platform, source, statement_descriptor="x" * 11)[2] == (
        "Invalid string: xxxx...xxxx; must be at most 10 characters"
    )
    assert refused(platform, source, amount=0)[2] == "This value must be greater than or equal to 1."


def test_a_closed_account_sends_nothing(platform):
    source = opened(platform)
    platform.made(f"{ACCOUNTS}/{source}/close")

    code, param, message = refused(platform, source)

    assert (code, param) == ("account_closed", "financial_account")
    assert message == f"The FinancialAccount {source} is closed."


def test_statement_descriptors_are_as_long_as_their_network_carries(platform):
    source, other = funded(platform), opened(platform)

    ach = sent(platform, source, statement_descriptor="Rent-#.$&*")
    wire = sent(platform, source, statement_descriptor="x" * 140, destination_payment_method_options=WIRE)
    stripe = sent_within_stripe(platform, source, other, statement_descriptor="x" * 500)

    assert [len(one["statement_descriptor"]) for one in (ach, wire, stripe)] == [10, 140, 500]
    transaction = platform.read(f"{TRANSACTIONS}/{ach['transaction']}")
    assert transaction["description"] == "Jane Austen (6789) | Outbound transfer | Rent-#.$&*"


def test_a_wire_is_not_sent_to_half_an_address(platform):
    half = {"line1": "1 Main Street"}
    whole = {"line1": "1 Main Street", "city": "Oakland", "state": "CA", "postal_code": "94601"}
    sources = {}
    for name, address in (("half", half), ("whole", whole)):
        company = {"name": "Example Ltd", "address": address}
        business = connected(platform, business_type="company", company=company)
        sources[name] = business, funded(business)

    business, source = sources["half"]
    code, param, message = refused(business, source, destination_payment_method_options=WIRE)
    done = sent(*sources["whole"], destination_payment_method_options=WIRE)

    assert (code, param) == ("payment_method_billing_details_address_missing", None)
    assert "complete address" in message
    assert sent(business, source)["status"] == "processing"  # which only wires need
    assert done["destination_payment_method_details"]["us_bank_account"]["network"] == "us_domestic_wire"


# Within Stripe


def test_money_reaches_another_financial_account_right_after_the_reply(platform):
    source, target = funded(platform), opened(platform)
    seen = len(platform.events())

    transfer = sent_within_stripe(platform, source, target, description="Savings")
    moved = balance(platform, source), balance(platform, target)

    after = read(platform, transfer)
    (credit,) = platform.read(CREDITS, financial_account=target, expand=["data.transaction"])["data"]
    assert (transfer["status"], transfer["cancelable"], transfer["destination_payment_method"]) == (
        "processing",
        False,
        None,
    )
    details = transfer["destination_payment_method_details"]
    assert details["financial_account"] == {"id": target, "network": "stripe"}
    assert moved == ((480_00, 0), (20_00, 0))
    assert after["status"] == "posted"
    assert (credit["network"], credit["status"], credit["description"]) == ("stripe", "succeeded", "Savings")
    assert credit["initiating_payment_method_details"]["financial_account"] == {"id": source, "network": "stripe"}
    assert credit["linked_flows"]["source_flow"] == transfer["id"]
    assert credit["linked_flows"]["source_flow_type"] == "outbound_transfer"
    assert credit["reversal_details"] == {"deadline": None, "restricted_reason": "source_flow_restricted"}
    assert (credit["transaction"]["status"], credit["transaction"]["amount"]) == ("posted", 20_00)
    assert entries(platform, transfer["transaction"])[0] == ("outbound_transfer_posting", 0, -20_00)
    assert told(platform, seen) == [
        "outbound_transfer.created",
        "outbound_transfer.posted",
        "received_credit.created",
        "received_credit.succeeded",
    ]
    assert findings(platform) == []


def test_the_credit_leads_back_to_the_transfer(platform):
    source, target = funded(platform), opened(platform)
    transfer = sent_within_stripe(platform, source, target)

    filters = {"linked_flows": {"source_flow_type": "outbound_transfer"}}
    asked = ["data.linked_flows.source_flow_details"]
    (credit,) = platform.read(CREDITS, financial_account=target, expand=asked, **filters)["data"]

    details = credit["linked_flows"]["source_flow_details"]
    assert details == {"type": "outbound_transfer", "outbound_transfer": read(platform, transfer)}


# Lists and statuses


def test_lists_filter_by_account_and_status(platform):
    platform.clock(frozen=True)
    source, other = funded(platform), funded(platform)
    first, second = sent(platform, source), sent(platform, source, method=STAYS)
    sent(platform, other)
    helped(platform, first, "post")

    def ids(**filters):
        return [one["id"] for one in platform.read(OBT, financial_account=source, **filters)["data"]]

    assert ids() == [second["id"], first["id"]]
    assert ids(status="posted") == [first["id"]]
    assert ids(status="processing") == [second["id"]]
    assert ids(status="returned") == []
    assert ids(limit=1, starting_after=second["id"]) == [first["id"]]
    assert platform.get(OBT).error["code"] == "parameter_missing"
    assert platform.get(OBT, financial_account="fa_x").error["code"] == "resource_missing"
    assert platform.get(OBT, financial_account=source, status="open").error["param"] == "status"


def test_an_unknown_transfer_is_missing(platform):
    refusal = platform.get(f"{OBT}/obt_x")

    assert (refusal.status, refusal.error["param"]) == (404, "outbound_transfer")
    assert refusal.error["message"] == "No such outbound transfer: 'obt_x'"


@pytest.mark.parametrize("status, verb", list(product(LIFECYCLE.moves, ("post", "return", "fail", "cancel"))))
def test_only_drawn_arrows_can_be_followed(status, verb):
    details = {"type": "us_bank_account", "us_bank_account": {"network": "ach"}}
    transfer = OutboundTransfer(
        id="obt_1",
        created=0,
        amount=1,
        currency="usd",
        description=None,
        destination_payment_method=None,
        destination_payment_method_details=details,
        expected_arrival_date=0,
        financial_account="fa_1",
        metadata={},
        own_number=None,
        statement_descriptor="transfer",
        status_transitions={},
        transaction="trxn_1",
        status=status,
    )
    if verb in LIFECYCLE.moves[status]:
        assert LIFECYCLE.follow(transfer, verb).status == LIFECYCLE.moves[status][verb]
    else:
        with pytest.raises(ApiError) as refusal:
            LIFECYCLE.follow(transfer, verb)
        assert refusal.value.code == "status_transition_invalid"


@pytest.mark.parametrize(
    "created, network, expected",
    [
        ("2033-05-18T15:00", "ach", "2033-05-19"),
        ("2033-05-18T15:00", "us_domestic_wire", "2033-05-18"),
        ("2033-05-19T00:31", "ach", "2033-05-20"),  # 20:31 in New York, after the cutoff
        ("2033-05-20T15:00", "ach", "2033-05-23"),
    ],
)
def test_the_expected_arrival_is_what_banks_make_of_the_tenants_time(platform, created, network, expected):
    source = funded(platform)
    platform.clock(set=moment(created), frozen=True)

    options = {"us_bank_account": {"network": network}}
    transfer = sent(platform, source, destination_payment_method_options=options)

    assert transfer["expected_arrival_date"] == moment(expected)


def test_the_doctor_names_a_transfer_that_is_not_where_its_money_is(app, platform):
    transfer = sent(platform, funded(platform))
    tenant = app.emulator.tenants.open(platform.key.split("_", 2)[2])
    with tenant.writing() as step:
        rewrite(step.session, "treasury_outbound_transfer", 'processing"', 'posted"')
        step.session.run("INSERT INTO total (book, amount) VALUES ('stripe:in_transit:usd', 7)")

    found = "\n".join(findings(platform))

    assert f"{transfer['id']} over 2000 is posted, yet moved -2000 and holds 2000" in found
    assert f"{transfer['id']} is posted, its transaction is open" in found
    assert "7 have left one financial account for another and have not arrived" in found
