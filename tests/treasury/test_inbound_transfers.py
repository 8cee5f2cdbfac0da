"""Money that a financial account takes from a bank account of the same owner."""

from __future__ import annotations

from itertools import product

import pytest

from emulator.kernel.errors import ApiError
from emulator.treasury.inbound_transfers import LIFECYCLE
from tests.examining import rewrite
from tests.issuing.purchases import findings
from tests.treasury.collecting import IBT, STAYS, asked, helped, read, refused, saved_account, set_up
from tests.treasury.sending import WAIT, bank_account, entries, funded, told
from tests.treasury.worlds import ACCOUNTS, DEBITS, ENTRIES, TRANSACTIONS, balance, connected, opened

# What it is


def test_a_new_transfer_is_processing_and_has_moved_nothing(platform):
    platform.clock(frozen=True)
    target = opened(platform)
    platform.read("/v1/balance")  # everything due has happened
    seen = len(platform.events())

    transfer = asked(platform, target, description="Savings", metadata={"k": "v"})

    details = transfer["origin_payment_method_details"]
    assert (transfer["status"], transfer["cancelable"], transfer["amount"]) == ("processing", True, 20_00)
    assert (transfer["transaction"], transfer["returned"], transfer["failure_details"]) == (None, False, None)
    assert transfer["linked_flows"] == {"received_debit": None}
    assert transfer["status_transitions"] == {"canceled_at": None, "failed_at": None, "succeeded_at": None}
    assert (transfer["description"], transfer["metadata"]) == ("Savings", {"k": "v"})
    assert transfer["statement_descriptor"] == "transfer"
    assert transfer["origin_payment_method"] == "pm_usBankAccount"
    assert (details["type"], details["billing_details"]["name"]) == ("us_bank_account", "Jane Austen")
    assert (details["us_bank_account"]["last4"], details["us_bank_account"]["network"]) == ("6789", "ach")
    assert details["us_bank_account"]["mandate"] is None
    assert balance(platform, target) == (0, 0)
    assert platform.read(TRANSACTIONS, financial_account=target)["data"] == []
    assert told(platform, seen) == ["inbound_transfer.created"]
    assert "previous_attributes" not in platform.events()[-1]["data"]


def test_its_receipt_and_its_transaction_lead_to_it(app, platform):
    target = opened(platform)
    transfer = helped(platform, asked(platform, target), "succeed")

    page = app.test_client().get(transfer["hosted_regulatory_receipt_url"])
    listed = platform.read(TRANSACTIONS, financial_account=target, expand=["data.flow_details"])["data"][0]

    assert page.status_code == 200
    assert "<h1>Inbound transfer</h1>" in page.text
    assert "<td>ach</td>" in page.text
    assert listed["flow_details"] == {"type": "inbound_transfer", "inbound_transfer": transfer}
    assert listed["description"] == "Jane Austen"


# Getting on by itself


@pytest.mark.parametrize(
    "method, status, cash, code, events",
    [
        ("pm_usBankAccount", "succeeded", 20_00, None, ["succeeded"]),
        ("pm_usBankAccount_success", "succeeded", 20_00, None, ["succeeded"]),
        ("pm_usBankAccount_processing", "processing", 0, None, []),
        ("pm_usBankAccount_internalFailure", "failed", 0, "other", ["failed"]),
        ("pm_usBankAccount_noAccount", "failed", 0, "no_account", ["failed"]),
        ("pm_usBankAccount_accountClosed", "failed", 0, "account_closed", ["failed"]),
        ("pm_usBankAccount_invalidAccountNumber", "failed", 0, "invalid_account_number", ["failed"]),
        ("pm_usBankAccount_insufficientFunds", "failed", 0, "insufficient_funds", ["failed"]),
        ("pm_usBankAccount_debitNotAuthorized", "failed", 0, "debit_not_authorized", ["failed"]),
        ("pm_usBankAccount_invalidCurrency", "failed", 0, "invalid_currency", ["failed"]),
        ("pm_usBankAccount_canceledByUser", "succeeded", 20_00, None, ["succeeded"]),
        ("pm_usBankAccount_expectedArrivalDateUpdated", "succeeded", 20_00, None, ["succeeded"]),
    ],
)
def test_the_test_tokens_end_as_documented(platform, method, status, cash, code, events):
    target = opened(platform)
    platform.read("/v1/balance")
    seen = len(platform.events())

    transfer = asked(platform, target, method=method)
    waiting = read(platform, transfer)["status"]
    platform.clock(advance=WAIT)

    done = read(platform, transfer)
    assert waiting == "processing"
    assert (done["status"], done["cancelable"], done["returned"]) == (status, status == "processing", False)
    assert done["failure_details"] == (code and {"code": code})
    assert balance(platform, target) == (cash, 0)
    assert told(platform, seen) == [f"inbound_transfer.{name}" for name in ("created", *events)]
    assert (done["transaction"] is not None) == (status == "succeeded")
    assert findings(platform) == []


def test_a_disputed_transfer_succeeds_and_is_taken_back(platform):
    target = opened(platform)
    platform.read("/v1/balance")
    seen = len(platform.events())
    transfer = asked(platform, target, method="pm_usBankAccount_dispute")

    platform.clock(advance=WAIT)

    done = read(platform, transfer)
    debit = platform.read(f"{DEBITS}/{done['linked_flows']['received_debit']}")
    assert (done["status"], done["returned"]) == ("succeeded", True)
    assert done["failure_details"] == {"code": "debit_not_authorized"}
    assert debit["linked_flows"]["inbound_transfer"] == transfer["id"]
    assert balance(platform, target) == (0, 0)
    assert told(platform, seen) == [
        "inbound_transfer.created",
        "inbound_transfer.succeeded",
        "received_debit.created",
    ]
    assert platform.events()[-2]["data"]["object"]["returned"] is False
    assert findings(platform) == []


@pytest.mark.parametrize(
    "progress, at_once, later", [("at_once", "succeeded", "succeeded"), ("never", *["processing"] * 2)]
)
def test_the_setting_says_how_transfers_get_on(platform, progress, at_once, later):
    target = opened(platform)
    platform.settings(progress=progress)

    transfer = asked(platform, target)

    assert transfer["status"] == "processing"
    assert read(platform, transfer)["status"] == at_once
    platform.clock(advance=WAIT)
    assert read(platform, transfer)["status"] == later


def test_a_restriction_does_not_stop_what_is_on_its_way(platform):
    target = opened(platform)
    transfer = asked(platform, target)
    platform.made(f"{ACCOUNTS}/{target}", platform_restrictions={"inbound_flows": "restricted"})

    platform.clock(advance=WAIT)

    assert read(platform, transfer)["status"] == "succeeded"


def test_an_account_whose_owner_was_rejected_meanwhile_gets_nothing(platform):
    business = connected(platform)
    target = opened(business)
    transfer = asked(business, target)
    platform.made(f"/v1/accounts/{business.account}/reject", reason="fraud_other")

    platform.clock(advance=WAIT)

    done = read(business, transfer)
    assert (done["status"], done["failure_details"]) == ("failed", {"code": "account_closed"})
    assert balance(business, target) == (0, 0)


# The worked rows


def test_rows_12_and_13_a_transfer_arrives_and_is_taken_back(platform):
    target = funded(platform, 50000)

    transfer = asked(platform, target, 100)
    assert (transfer["status"], transfer["transaction"]) == ("processing", None)
    assert balance(platform, target) == (50000, 0)

    platform.clock(advance=WAIT)
    done = read(platform, transfer, expand=["transaction"])
    assert (done["status"], done["transaction"]["status"], done["transaction"]["amount"]) == (
        "succeeded",
        "posted",
        100,
    )
    assert done["transaction"]["balance_impact"] == {"cash": 100, "inbound_pending": 0, "outbound_pending": 0}
    assert entries(platform, done["transaction"]["id"]) == [("inbound_transfer", 100, 0)]
    assert balance(platform, target) == (50100, 0)

    back = helped(platform, transfer, "return")
    debit = platform.read(f"{DEBITS}/{back['linked_flows']['received_debit']}", expand=["transaction"])
    assert (back["status"], back["returned"], back["transaction"]) == (
        "succeeded",
        True,
        done["transaction"]["id"],
    )
    assert (debit["status"], debit["network"], debit["amount"]) == ("succeeded", "ach", 100)
    assert debit["linked_flows"]["inbound_transfer"] == transfer["id"]
    assert debit["reversal_details"] == {"deadline": None, "restricted_reason": "source_flow_restricted"}
    assert (debit["transaction"]["amount"], debit["transaction"]["flow"]) == (-100, debit["id"])
    assert entries(platform, debit["transaction"]["id"]) == [("inbound_transfer_return", -100, 0)]
    assert balance(platform, target) == (50000, 0)
    assert findings(platform) == []


@pytest.mark.parametrize("verb, time", [("succeed", "succeeded_at"), ("fail", "failed_at"), ("cancel", "canceled_at")])
def test_a_transfer_tells_when_it_ended_not_when_it_began(platform, verb, time):
    platform.clock(frozen=True)
    transfer = asked(platform, opened(platform))
    platform.clock(advance=5)

    ended = platform.made(f"{IBT}/{transfer['id']}/cancel") if verb == "cancel" else helped(platform, transfer, verb)

    began = transfer["created"]
    assert ended["status_transitions"] == {**transfer["status_transitions"], time: began + 5}


def test_a_canceled_transfer_has_never_moved_anything(platform):
    target = opened(platform)
    transfer = asked(platform, target)

    canceled = platform.made(f"{IBT}/{transfer['id']}/cancel")
    platform.clock(advance=WAIT)

    assert (canceled["status"], canceled["cancelable"], canceled["transaction"]) == ("canceled", False, None)
    assert read(platform, transfer)["status"] == "canceled"
    assert platform.read(ENTRIES, financial_account=target)["data"] == []


# Where it may come from


def test_money_is_taken_from_a_bank_account_that_was_set_up_for_it(platform):
    target = opened(platform)
    intent = set_up(platform, "inbound", account_number="000222222227")

    transfer = asked(
        platform,
        target,
        method=intent["payment_method"],
        expand=["origin_payment_method_details.us_bank_account.mandate"],
    )
    platform.clock(advance=WAIT)

    bank = transfer["origin_payment_method_details"]["us_bank_account"]
    assert transfer["origin_payment_method"] == intent["payment_method"]
    assert transfer["origin_payment_method_details"]["billing_details"]["name"] == "Jenny Rosen"
    assert (bank["last4"], bank["account_holder_type"]) == ("2227", "individual")
    assert (bank["mandate"]["id"], bank["mandate"]["status"]) == (intent["mandate"], "active")
    assert read(platform, transfer)["failure_details"] == {"code": "insufficient_funds"}


def test_a_bank_account_is_the_accounts_own_set_up_for_this_direction_and_verified(platform):
    target = opened(platform)
    customer = platform.made("/v1/customers")["id"]
    card = platform.made("/v1/payment_methods", type="card", card={"token": "tok_visa"})["id"]
    methods = {
        "only to send": set_up(platform, "outbound")["payment_method"],
        "a customer's": set_up(platform, "inbound", customer=customer)["payment_method"],
        "waiting": set_up(platform, "inbound", verify=False)["payment_method"],
        "a card": card,
    }

    found = {name: refused(platform, target, origin_payment_method=method) for name, method in methods.items()}

    assert {name: (code, param) for name, (code, param, _) in found.items()} == {
        "only to send": ("payment_method_unexpected_state", "origin_payment_method"),
        "a customer's": ("payment_method_unexpected_state", "origin_payment_method"),
        "waiting": ("bank_account_unverified", "origin_payment_method"),
        "a card": ("payment_method_unsupported_type", "origin_payment_method"),
    }
    assert "`attach_to_self` and `inbound` among its `flow_directions`" in found["only to send"][2]
    assert found["waiting"][2] == (
        f"Money can be taken from a verified bank account only: {methods['waiting']} is not."
    )


def test_an_external_account_gives_money_only_where_it_is_verified(platform):
    business = connected(platform)
    target, other = opened(business), funded(business, 100_00)
    plain = bank_account(platform, business, account_number="000123456789")
    path = f"/v1/accounts/{business.account}/external_accounts"
    own = business.made(path, external_account={"object": "bank_account", "financial_account": other})["id"]

    code, param, _ = refused(business, target, origin_payment_method=plain)
    transfer = helped(business, asked(business, target, method=own), "succeed")

    assert (code, param) == ("bank_account_unverified", "origin_payment_method")
    assert transfer["status"] == "succeeded"
    assert (balance(business, target), balance(business, other)) == ((20_00, 0), (80_00, 0))


@pytest.mark.parametrize("method", ["pm_usBankAccount_failMicrodeposits"])
def test_the_token_that_cannot_be_verified_gives_nothing(platform, method):
    assert refused(platform, opened(platform), origin_payment_method=method)[0] == "bank_account_unverified"


# From a financial account of this tenant


def test_money_from_a_financial_account_leaves_it_as_a_debit(platform):
    business = connected(platform)
    source, target = funded(platform, 100_00), opened(business)
    method = saved_account(business, platform, source)
    transfer = asked(business, target, method=method, description="Pocket money")
    seen = len(platform.events())

    platform.clock(advance=WAIT)

    (debit,) = platform.read(DEBITS, financial_account=source)["data"]
    assert read(business, transfer)["status"] == "succeeded"
    assert (balance(platform, source), balance(business, target)) == ((80_00, 0), (20_00, 0))
    assert (debit["status"], debit["network"], debit["description"]) == ("succeeded", "ach", "Pocket money")
    assert debit["initiating_payment_method_details"]["type"] == "us_bank_account"
    assert debit["linked_flows"]["inbound_transfer"] is None
    assert debit["reversal_details"]["restricted_reason"] is None
    assert "received_debit.created" in told(platform, seen)
    assert findings(platform) == []


@pytest.mark.parametrize(
    "trouble, code",
    [("too little", "insufficient_funds"), ("restricted", "account_frozen"), ("closed", "account_closed")],
)
def test_a_financial_account_that_does_not_let_money_go_fails_the_transfer(platform, trouble, code):
    source, target = funded(platform, 10_00 if trouble == "too little" else 100_00), opened(platform)
    method = saved_account(platform, platform, source)
    transfer = asked(platform, target, method=method)
    if trouble == "restricted":
        platform.made(f"{ACCOUNTS}/{source}", platform_restrictions={"outbound_flows": "restricted"})
    if trouble == "closed":
        forwarding = {"type": "payment_method", "payment_method": "pm_usBankAccount"}
        platform.made(f"{ACCOUNTS}/{source}/close", forwarding_settings=forwarding)
    before = balance(platform, source)

    platform.clock(advance=WAIT)

    done = read(platform, transfer)
    (debit,) = platform.read(DEBITS, financial_account=source)["data"]
    assert (done["status"], done["failure_details"]) == ("failed", {"code": code})
    assert (debit["status"], debit["failure_code"]) == ("failed", code)
    assert (balance(platform, source), balance(platform, target)) == (before, (0, 0))
    assert findings(platform) == []


def test_a_number_that_nobody_has_fails_the_transfer(platform):
    target = opened(platform)
    method = set_up(platform, "inbound", routing_number="000000001", account_number="4242000000000000")
    transfer = asked(platform, target, method=method["payment_method"])

    platform.clock(advance=WAIT)

    assert read(platform, transfer)["failure_details"] == {"code": "no_account"}


def test_what_is_taken_back_returns_to_the_financial_account_that_it_came_from(platform):
    source, target = funded(platform, 100_00), opened(platform)
    transfer = asked(platform, target, method=saved_account(platform, platform, source))
    helped(platform, transfer, "succeed")
    seen = len(platform.events())

    back = helped(platform, transfer, "return")

    (debit,) = platform.read(DEBITS, financial_account=source)["data"]
    reversal = platform.read(f"/v1/treasury/debit_reversals/{debit['linked_flows']['debit_reversal']}")
    assert back["returned"] is True
    assert (reversal["status"], reversal["amount"]) == ("succeeded", 20_00)
    assert (balance(platform, source), balance(platform, target)) == ((100_00, 0), (0, 0))
    assert told(platform, seen) == ["received_debit.created", "debit_reversal.created", "debit_reversal.completed"]
    assert findings(platform) == []


def test_a_debit_that_its_owner_has_reversed_returns_the_transfer(platform):
    business = connected(platform)
    source, target = funded(platform, 100_00), opened(business)
    transfer = asked(business, target, method=saved_account(business, platform, source))
    helped(business, transfer, "succeed")
    (debit,) = platform.read(DEBITS, financial_account=source)["data"]

    reversal = platform.made("/v1/treasury/debit_reversals", received_debit=debit["id"])

    done = read(business, transfer)
    assert platform.read(f"/v1/treasury/debit_reversals/{reversal['id']}")["status"] == "succeeded"
    assert (done["returned"], done["failure_details"]) == (True, {"code": "debit_not_authorized"})
    assert (balance(platform, source), balance(business, target)) == ((100_00, 0), (0, 0))
    assert findings(platform) == []


def test_a_closed_account_cannot_give_back_what_its_origin_has_reversed(platform):
    source, target = funded(platform, 100_00), opened(platform)
    transfer = asked(platform, target, method=saved_account(platform, platform, source))
    helped(platform, transfer, "succeed")
    forwarding = {"type": "payment_method", "payment_method": "pm_usBankAccount"}
    platform.made(f"{ACCOUNTS}/{target}/close", forwarding_settings=forwarding)
    (debit,) = platform.read(DEBITS, financial_account=source)["data"]

    platform.made("/v1/treasury/debit_reversals", received_debit=debit["id"])

    done = read(platform, transfer)
    (refused_debit,) = platform.read(DEBITS, financial_account=target)["data"]
    assert (done["returned"], done["linked_flows"]) == (False, {"received_debit": None})
    assert (refused_debit["status"], refused_debit["failure_code"]) == ("failed", "account_closed")
    assert (balance(platform, source), balance(platform, target)) == ((100_00, 0), (0, 0))
    assert findings(platform) == []


def test_money_is_not_taken_from_the_account_it_goes_to(platform):
    target = funded(platform, 100_00)
    method = saved_account(platform, platform, target)

    code, param, message = refused(platform, target, origin_payment_method=method)

    assert (code, param) == (None, "origin_payment_method")
    assert message == "Money cannot be transferred to the account that it comes from."


# What is refused


@pytest.mark.parametrize(
    "params, code, param",
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": -1}, "parameter_invalid_integer", "amount"),
        ({"currency": "eur"}, "financial_account_balance_does_not_support_currency", "currency"),
        ({"statement_descriptor": "Größe"}, "invalid_characters", "statement_descriptor"),
        ({"statement_descriptor": "x" * 11}, None, "statement_descriptor"),
        ({"origin_payment_method": "pm_1abc"}, "resource_missing", "origin_payment_method"),
        ({"origin_payment_method": "ba_1abc"}, "resource_missing", "origin_payment_method"),
        ({"origin_payment_method": "pm_card_visa"}, "payment_method_unsupported_type", "origin_payment_method"),
        ({"financial_account": "fa_nope"}, "resource_missing", "financial_account"),
        ({"submission": "same_day"}, "parameter_unknown", "submission"),
    ],
)
def test_a_wrong_transfer_is_refused_by_name_and_changes_nothing(platform, params, code, param):
    target = opened(platform)
    platform.read("/v1/balance")
    seen = len(platform.events())

    found = refused(platform, target, **params)

    assert found[:2] == (code, param)
    assert told(platform, seen) == []
    assert platform.read(IBT, financial_account=target)["data"] == []


def test_restricted_inbound_flows_refuse_a_transfer_and_outbound_ones_do_not(platform):
    target, other = opened(platform), opened(platform)
    platform.made(f"{ACCOUNTS}/{target}", platform_restrictions={"inbound_flows": "restricted"})
    platform.made(f"{ACCOUNTS}/{other}", platform_restrictions={"outbound_flows": "restricted"})

    code, param, message = refused(platform, target)

    assert (code, param) == ("financial_account_capability_restricted", "financial_account")
    assert message == f"The FinancialAccount {target} does not have the inbound_transfers.ach feature active."
    assert asked(platform, other)["status"] == "processing"


def test_an_account_without_the_feature_or_closed_takes_nothing(platform):
    without, closed = opened(platform, "intra_stripe_flows"), opened(platform)
    platform.made(f"{ACCOUNTS}/{closed}/close")

    assert refused(platform, without)[:2] == ("financial_account_capability_not_enabled", "financial_account")
    assert refused(platform, closed) == (
        "account_closed",
        "financial_account",
        f"The FinancialAccount {closed} is closed.",
    )


def test_an_account_with_a_transfer_on_its_way_does_not_close(platform):
    target = opened(platform)
    transfer = asked(platform, target)

    answer = platform.post(f"{ACCOUNTS}/{target}/close")
    platform.made(f"{IBT}/{transfer['id']}/cancel")

    assert answer.status == 400
    assert "it has an InboundTransfer that is still processing" in answer.error["message"]
    assert platform.made(f"{ACCOUNTS}/{target}/close")["status"] == "closed"


# Lists and statuses


def test_lists_filter_by_account_and_status(platform):
    platform.clock(frozen=True)
    target, other = opened(platform), opened(platform)
    first, second = asked(platform, target), asked(platform, target, method=STAYS)
    third = asked(platform, target)
    asked(platform, other)
    helped(platform, first, "succeed")
    helped(platform, first, "return")
    helped(platform, third, "fail")

    def ids(**filters):
        return [one["id"] for one in platform.read(IBT, financial_account=target, **filters)["data"]]

    assert ids() == [third["id"], second["id"], first["id"]]
    assert ids(status="succeeded") == [first["id"]]
    assert ids(status="processing") == [second["id"]]
    assert ids(status="failed") == [third["id"]]
    assert ids(status="canceled") == []
    assert ids(limit=1, starting_after=third["id"]) == [second["id"]]
    assert platform.get(IBT).error["code"] == "parameter_missing"
    assert platform.get(IBT, financial_account=target, status="returned").error["param"] == "status"


@pytest.mark.parametrize("stage, verb", list(product(LIFECYCLE.moves, ("succeed", "fail", "cancel", "return"))))
def test_only_drawn_arrows_can_be_followed(stage, verb):
    if verb in LIFECYCLE.moves[stage]:
        assert LIFECYCLE.after(stage, verb) == LIFECYCLE.moves[stage][verb]
    else:
        with pytest.raises(ApiError) as refusal:
            LIFECYCLE.after(stage, verb)
        assert refusal.value.code == "status_transition_invalid"


def test_the_doctor_names_a_transfer_that_is_not_where_its_money_is(app, platform):
    processing, returned = (asked(platform, opened(platform), method=STAYS) for _ in range(2))
    helped(platform, returned, "succeed")
    helped(platform, returned, "return")
    tenant = app.emulator.tenants.open(platform.key.split("_", 2)[2])
    with tenant.writing() as step:
        for old, new in (
            ('"status":"processing"', '"status":"succeeded"'),
            ('"returned":true', '"returned":false'),
        ):
            rewrite(step.session, "treasury_inbound_transfer", old, new)

    found = "\n".join(findings(platform))

    assert f"{processing['id']} is succeeded over 2000, which its transaction None contradicts" in found
    assert f"{returned['id']} is succeeded, the debit that took its money back says" in found
