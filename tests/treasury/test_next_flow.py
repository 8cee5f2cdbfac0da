"""How the next transfer or payment ends, as the emulator was told."""

from __future__ import annotations

import pytest

from emulator.treasury.bank_accounts import FAILURE_CODES, RETURN_CODES
from emulator.treasury.next_flow import FLOWS
from tests.contract.annotations import ClassName, fields
from tests.issuing.purchases import findings
from tests.treasury import collecting
from tests.treasury.sending import (
    WAIT,
    Payments,
    Transfers,
    bank_account,
    canceled,
    funded,
    helped,
    numbers,
    paid,
    read,
    sent,
    told,
)
from tests.treasury.worlds import ACCOUNTS, balance, connected, opened

NEXT = "/_emulator/treasury/next_flow"


class Collected(Transfers):
    """Inbound transfers of a client's."""

    name = "inbound_transfer"

    def begun(self, source, amount=20_00, **params):
        return collecting.asked(self.client, source, amount, **params)


KINDS = {kind.name: kind for kind in (Transfers, Payments, Collected)}
EVERY_END = [
    (flow_type, status, code)
    for flow_type, endings in FLOWS.items()
    for status, forced in endings.items()
    for code in dict.fromkeys(forced.codes or (None,))
]


def code_of(flow):
    """Why a flow failed or was returned."""
    return (flow.get("failure_details") or flow.get("returned_details") or {}).get("code")


def status_of(flow):
    """The status; of an inbound transfer that was taken back it stays `succeeded`."""
    return "returned" if flow.get("returned") else flow["status"]


@pytest.mark.parametrize("flow_type, status, code", EVERY_END)
def test_the_next_flow_ends_as_the_emulator_was_told_and_the_one_after_it_as_usual(platform, flow_type, status, code):
    platform.clock(frozen=True)
    kind, account = KINDS[flow_type](platform), funded(platform)
    chosen = platform.made(NEXT, flow_type=flow_type, status=status, **({"code": code} if code else {}))

    forced, free = kind.begun(account), kind.begun(account)
    first = read(platform, forced)["status"]
    platform.clock(advance=WAIT)
    platform.read("/v1/balance")  # what comes back has come back

    ended, usual = read(platform, forced), read(platform, free)
    assert (chosen["flow_type"], chosen["status"], chosen["code"]) == (flow_type, status, code)
    assert (chosen["object"], chosen["financial_account"]) == ("emulator.next_flow", None)
    assert first == "processing"
    assert (status_of(ended), code_of(ended)) == (status, code)
    assert (usual["status"], code_of(usual)) == ("succeeded" if flow_type == "inbound_transfer" else "posted", None)
    moved = 20_00 if flow_type == "inbound_transfer" else -20_00
    assert balance(platform, account) == (500_00 + moved, 0)
    assert findings(platform) == []


@pytest.mark.parametrize(
    "flow_type, status, code",
    [
        ("outbound_payment", "returned", "declined"),
        ("outbound_transfer", "returned", "declined"),
        ("outbound_transfer", "failed", None),
        ("inbound_transfer", "failed", "other"),
        ("inbound_transfer", "returned", "other"),
    ],
)
def test_without_a_code_it_is_the_one_of_the_test_helpers(platform, flow_type, status, code):
    kind, account = KINDS[flow_type](platform), funded(platform)
    assert platform.made(NEXT, flow_type=flow_type, status=status)["code"] == code

    flow = kind.begun(account)
    platform.clock(advance=WAIT)
    platform.read("/v1/balance")

    assert code_of(read(platform, flow)) == code


@pytest.mark.parametrize(
    "module, path, codes",
    [
        ("_outbound_payment", ("OutboundPayment", "ReturnedDetails"), RETURN_CODES),
        ("_outbound_transfer", ("OutboundTransfer", "ReturnedDetails"), RETURN_CODES),
        ("_inbound_transfer", ("InboundTransfer", "FailureDetails"), FAILURE_CODES),
    ],
)
def test_the_codes_are_those_of_the_official_package(module, path, codes):
    published = fields(ClassName(f"stripe.treasury.{module}", path))["code"]

    assert set(published.values) == set(codes)


def test_an_ending_waits_for_its_account_its_type_and_a_bank(platform):
    source, other = funded(platform), funded(platform)
    business = connected(platform)
    elsewhere = funded(business)
    platform.made(NEXT, flow_type="outbound_payment", status="failed", financial_account=source)

    others = [
        (platform, paid(platform, other)),
        (platform, sent(platform, source)),
        (platform, Payments(platform).within_stripe(source, opened(business))),
        (business, paid(business, elsewhere)),
    ]
    mine = paid(platform, source)
    platform.clock(advance=WAIT)

    assert [read(client, one)["status"] for client, one in others] == ["posted"] * 4
    assert read(platform, mine)["status"] == "failed"


def test_several_endings_are_used_up_one_after_the_other(platform):
    source = funded(platform)
    for status in ("failed", "canceled"):
        platform.made(NEXT, flow_type="outbound_transfer", status=status)

    flows = [sent(platform, source) for _ in range(3)]
    platform.clock(advance=WAIT)

    assert [read(platform, one)["status"] for one in flows] == ["failed", "canceled", "posted"]


def test_a_flow_that_is_refused_uses_none_up(platform):
    source = funded(platform, 20_00)
    platform.made(NEXT, flow_type="outbound_payment", status="failed")
    data = {"type": "us_bank_account", "us_bank_account": {"routing_number": "110000000"}}
    usual = {"financial_account": source, "currency": "usd", "amount": 20_00}

    for bad in ({"destination_payment_method_data": data}, {"amount": 20_01}, {"zebra": 1}):
        assert platform.post("/v1/treasury/outbound_payments", **{**usual, **bad}).status == 400
    payment = paid(platform, source)
    platform.clock(advance=WAIT)

    assert read(platform, payment)["status"] == "failed"


def test_it_comes_before_what_a_test_number_means(platform):
    source = funded(platform)
    platform.made(NEXT, flow_type="outbound_payment", status="returned", code="account_frozen")

    payment = paid(platform, source, number="000000000009")
    seen = len(platform.events())
    platform.clock(advance=WAIT)

    assert code_of(read(platform, payment)) == "account_frozen"
    assert told(platform, seen) == ["outbound_payment.posted", "outbound_payment.returned"]


@pytest.mark.parametrize("kind", [Transfers, Payments], ids=lambda kind: kind.name)
def test_a_helper_and_a_cancel_still_come_first(platform, kind):
    source = funded(platform)
    for _ in range(2):
        platform.made(NEXT, flow_type=kind.name, status="failed")
    posted, withdrawn = kind(platform).begun(source), kind(platform).begun(source)

    helped(platform, posted, "post")
    canceled(platform, withdrawn)
    platform.clock(advance=10 * WAIT)

    assert (read(platform, posted)["status"], read(platform, withdrawn)["status"]) == ("posted", "canceled")


def test_what_is_told_to_come_back_does_not_arrive_in_a_financial_account_here(platform):
    business, other = connected(platform), connected(platform)
    source, target = funded(business), opened(other)
    bank = bank_account(platform, business, **numbers(other, target))
    business.made(NEXT, flow_type="outbound_transfer", status="returned", code="other")

    transfer = sent(business, source, method=bank)
    platform.clock(advance=WAIT)

    assert code_of(read(business, transfer)) == "other"
    assert (balance(business, source), balance(other, target)) == ((500_00, 0), (0, 0))
    assert findings(platform) == []


@pytest.mark.parametrize(
    "params, code, param",
    [
        ({"status": "failed"}, "parameter_missing", "flow_type"),
        ({"flow_type": "outbound_payment"}, "parameter_missing", "status"),
        ({"flow_type": "received_credit", "status": "failed"}, None, "flow_type"),
        ({"flow_type": "outbound_payment", "status": "posted"}, None, "status"),
        ({"flow_type": "inbound_transfer", "status": "canceled"}, None, "status"),
        ({"flow_type": "outbound_payment", "status": "failed", "code": "no_account"}, None, "code"),
        ({"flow_type": "outbound_payment", "status": "returned", "code": "insufficient_funds"}, None, "code"),
        ({"flow_type": "inbound_transfer", "status": "failed", "code": "declined"}, None, "code"),
        ({"flow_type": "outbound_payment", "status": "returned", "code": "zebra"}, None, "code"),
        (
            {"flow_type": "outbound_payment", "status": "failed", "financial_account": "fa_nope"},
            "resource_missing",
            "financial_account",
        ),
    ],
)
def test_an_ending_that_cannot_be_is_refused_and_none_waits(platform, params, code, param):
    source = funded(platform)

    refusal = platform.post(NEXT, **params)
    payment = paid(platform, source)
    platform.clock(advance=WAIT)

    assert (refusal.status, refusal.error.get("code"), refusal.error["param"]) == (400, code, param)
    assert read(platform, payment)["status"] == "posted"


def test_no_ending_waits_for_a_closed_account_or_somebody_elses(platform):
    account, theirs = opened(platform), opened(connected(platform))
    platform.made(f"{ACCOUNTS}/{account}/close")

    def refusal(id):
        answer = platform.post(NEXT, flow_type="outbound_payment", status="failed", financial_account=id)
        return answer.status, answer.error["code"], answer.error["param"]

    assert refusal(account) == (400, "account_closed", "financial_account")
    assert refusal(theirs) == (400, "resource_missing", "financial_account")
