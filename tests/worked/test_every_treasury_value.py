"""Every value that the official package lists for a member of what moves into or out of a financial account.

One row for each member that has a list: a story makes objects, and together they show the whole list. What never comes
is named in `NEVER` with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.client import Client
from tests.issuing.purchases import DAY, a_treasury_spender, authorize, done, refund
from tests.treasury import collecting
from tests.treasury.sending import (
    WIRE,
    Payments,
    Transfers,
    canceled,
    data_of,
    funded,
    helped,
    paid,
    paid_within_stripe,
    sent,
    sent_within_stripe,
    tracked,
)
from tests.treasury.worlds import (
    CREDIT_REVERSALS,
    CREDITS,
    DEBITS,
    ENTRIES,
    REVERSALS,
    TRANSACTIONS,
    connected,
    opened,
    own_account,
    send,
    take,
)
from tests.worked.test_every_value import lists_of, values_at

CREDIT, DEBIT, INBOUND = "treasury.received_credit", "treasury.received_debit", "treasury.inbound_transfer"
SENT_BACK, UNDONE = "treasury.credit_reversal", "treasury.debit_reversal"
OUTBOUND = {f"treasury.{kind.name}": kind for kind in (Transfers, Payments)}
TRANSACTION, ENTRY = "treasury.transaction", "treasury.transaction_entry"
KINDS = (CREDIT, DEBIT, INBOUND, SENT_BACK, UNDONE, *OUTBOUND, TRANSACTION, ENTRY)
RECEIVE, TAKE = "/_emulator/treasury/received_credits", "/_emulator/treasury/received_debits"
SOURCE = "linked_flows.source_flow_details"
NUMBERS = "destination_payment_method_details.us_bank_account"
Story = Callable[[Client, tuple[str, ...]], Iterable[dict[str, Any]]]
NEVER = {
    (CREDIT, f"{SOURCE}.type", "credit_reversal"): "what was sent back returns its flow, and is no credit besides",
    (CREDIT, f"{SOURCE}.type", "payout"): "payouts are not built",
    (CREDIT, "reversal_details.restricted_reason", "other"): "no case of it is published",
    (DEBIT, "initiating_payment_method_details.financial_account.network", "stripe"): "accounts are debited by banks",
    (DEBIT, "initiating_payment_method_details.type", "financial_account"): "accounts are debited by banks",
    (DEBIT, "reversal_details.restricted_reason", "network_restricted"): "no network of debits is",
    (DEBIT, "reversal_details.restricted_reason", "other"): "no case of it is published",
    (SENT_BACK, "status", "canceled"): "nothing cancels one",
    **{
        (kind, path, "other"): "everything that moves is named"
        for kind in (TRANSACTION, ENTRY)
        for path in ("flow_details.type", "flow_type")
    },
    (ENTRY, "type", "other"): "everything that moves is named",
}
PUBLISHED = {(kind, path): values for kind in KINDS for path, values in lists_of(kind)}
STORIES: dict[tuple[str, str], Story] = {}


def row(kind: str, *paths: str) -> Callable[[Story], Story]:
    """Put a story into the table."""

    def add(told: Story) -> Story:
        for path in paths:
            assert (kind, path) not in STORIES
            STORIES[kind, path] = told
        return told

    return add


def moved(platform: Client, where: str, network: str, **more: Any) -> dict[str, Any]:
    """A dollar that comes to the platform's own account, or is taken from it."""
    return platform.made(
        where, amount=1_00, currency="usd", financial_account=own_account(platform), network=network, **more
    )


for kind, where in ((CREDIT, RECEIVE), (DEBIT, TAKE)):
    STORIES[kind, "failure_code"] = lambda platform, values, where=where: [
        moved(platform, where, "ach", failure_code=value) for value in values
    ]


def arrivals(platform: Client) -> Iterator[dict[str, Any]]:
    """Credits from everywhere."""
    for network in ("ach", "rtp", "us_domestic_wire"):
        yield moved(platform, RECEIVE, network)
    for type in ("balance", "stripe"):
        yield moved(platform, RECEIVE, "stripe", initiating_payment_method_details={"type": type})
    yield moved(platform, RECEIVE, "ach", failure_code="other")
    source, target, business = funded(platform), opened(platform), connected(platform)
    sent_within_stripe(platform, source, target)
    paid_within_stripe(business, funded(business), target)
    yield from platform.read(CREDITS, financial_account=target)["data"]


def purchase(platform: Client) -> tuple[Client, dict[str, Any]]:
    """A business, and what it bought with a card of its financial account."""
    client, _, card = a_treasury_spender(platform)
    return client, done(client, authorize(client, card, 10_00), "capture")["transactions"][0]


@row(
    CREDIT,
    "initiating_payment_method_details.balance",
    "initiating_payment_method_details.financial_account.network",
    "initiating_payment_method_details.type",
    "network",
    "status",
)
def credits(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    yield from arrivals(platform)
    client, bought = purchase(platform)
    back = refund(client, bought).json
    yield client.read(f"{CREDITS}/{back['treasury']['received_credit']}")


@row(CREDIT, f"{SOURCE}.type")
def sources(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for credit in arrivals(platform):
        yield platform.read(f"{CREDITS}/{credit['id']}", expand=[SOURCE])


@row(CREDIT, "reversal_details.restricted_reason")
def obstacles(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    account = own_account(platform)
    old, reversed_ = send(platform, account, 1_00), send(platform, account, 1_00)
    platform.made(CREDIT_REVERSALS, received_credit=reversed_["id"])
    yield moved(platform, RECEIVE, "rtp")
    yield moved(platform, RECEIVE, "stripe")
    platform.clock(advance=7 * DAY)
    for credit in (old, reversed_):
        yield platform.read(f"{CREDITS}/{credit['id']}")


@row(
    DEBIT,
    "initiating_payment_method_details.balance",
    "initiating_payment_method_details.type",
    "initiating_payment_method_details.financial_account.network",
    "network",
    "status",
)
def debits(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    send(platform, own_account(platform), 10_00)
    yield moved(platform, TAKE, "ach")
    for type in ("balance", "stripe"):
        yield moved(platform, TAKE, "stripe", initiating_payment_method_details={"type": type})
    yield moved(platform, TAKE, "ach", failure_code="other")
    client, bought = purchase(platform)
    yield client.read(f"{DEBITS}/{bought['treasury']['received_debit']}")


@row(DEBIT, "reversal_details.restricted_reason")
def obstacles_of_debits(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    account = own_account(platform)
    send(platform, account, 10_00)
    old, undone = take(platform, account, 1_00), take(platform, account, 1_00)
    platform.made(REVERSALS, received_debit=undone["id"])
    yield moved(platform, TAKE, "stripe")
    platform.clock(advance=7 * DAY)
    for debit in (old, undone):
        yield platform.read(f"{DEBITS}/{debit['id']}")


# Inbound transfers


@row(INBOUND, "status", "origin_payment_method_details.type", "origin_payment_method_details.us_bank_account.network")
def transfers(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    account = own_account(platform)
    transfer = collecting.asked(platform, account)
    yield transfer
    yield platform.made(f"{collecting.IBT}/{transfer['id']}/cancel")
    for verb in ("succeed", "fail"):
        yield collecting.helped(platform, collecting.asked(platform, account), verb)


STORIES[INBOUND, "failure_details.code"] = lambda platform, values: [
    collecting.helped(
        platform, collecting.asked(platform, own_account(platform)), "fail", failure_details={"code": value}
    )
    for value in values
]


@row(INBOUND, "origin_payment_method_details.us_bank_account.account_holder_type")
def holders(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    account = own_account(platform)
    yield collecting.asked(platform, account)
    yield collecting.asked(platform, account, method=collecting.set_up(platform, "inbound")["payment_method"])


@row(INBOUND, "origin_payment_method_details.us_bank_account.account_type")
def types(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    account, method = own_account(platform), collecting.set_up(platform, "inbound")["payment_method"]
    for value in values:
        platform.made(f"/v1/payment_methods/{method}", us_bank_account={"account_type": value})
        yield collecting.asked(platform, account, method=method)


# Outbound transfers and payments


def rows_of(kind: str) -> None:
    """What leaves, as a transfer or as a payment."""
    to = "destination_payment_method_details"

    @row(kind, "status", f"{to}.type", f"{to}.financial_account.network", f"{to}.us_bank_account.network")
    def leaving(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        flows, source = OUTBOUND[kind](platform), funded(platform)
        yield flows.begun(source, destination_payment_method_options=WIRE)
        yield flows.within_stripe(source, flows.target(platform)[1])
        yield canceled(platform, flows.begun(source))
        for verb in ("post", "fail", "return"):
            yield helped(platform, flows.begun(source), verb)

    @row(kind, "returned_details.code")
    def returns(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        flows, source = OUTBOUND[kind](platform), funded(platform)
        for value in values:
            yield helped(platform, flows.begun(source), "return", returned_details={"code": value})

    @row(kind, "tracking_details.type")
    def tracks(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        flows, source = OUTBOUND[kind](platform), funded(platform)
        marks = {"ach": {"trace_id": "1"}, "us_domestic_wire": {"imad": "5"}}
        for value in values:
            options = {"us_bank_account": {"network": value}}
            flow = flows.begun(source, destination_payment_method_options=options)
            helped(platform, flow, "post")
            yield tracked(platform, flow, type=value, **{value: marks[value]}).json


for kind in OUTBOUND:
    rows_of(kind)


@row("treasury.outbound_transfer", f"{NUMBERS}.account_holder_type", f"{NUMBERS}.account_type")
def saved_accounts(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    source, method = funded(platform), collecting.set_up(platform, "outbound")["payment_method"]
    for change in (
        {"account_holder_type": "company", "account_type": "savings"},
        {"account_holder_type": "individual", "account_type": "checking"},
    ):
        platform.made(f"/v1/payment_methods/{method}", us_bank_account=change)
        yield sent(platform, source, method=method)


@row("treasury.outbound_payment", f"{NUMBERS}.account_holder_type", f"{NUMBERS}.account_type")
def described_accounts(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    source = funded(platform)
    for holder, type in (("company", "savings"), ("individual", "checking")):
        data = data_of("000123456789")
        data["us_bank_account"].update(account_holder_type=holder, account_type=type)
        yield paid(platform, source, destination_payment_method_data=data)


# Transactions and their entries


def booked(platform: Client, path: str) -> Iterator[dict[str, Any]]:
    """All transactions, or all entries, of a financial account with which everything was done."""
    client, account, card = a_treasury_spender(platform)
    kinds = ("inbound_transfers", "outbound_payments", "outbound_transfers")
    features = {name: {"ach": {"requested": True}} for name in kinds}
    client.made(f"/v1/treasury/financial_accounts/{account}/features", **features)
    authorize(client, card, 1_00)
    done(client, authorize(client, card, 1_00), "capture")
    client.made(REVERSALS, received_debit=take(client, account, 1_00)["id"])
    client.made(CREDIT_REVERSALS, received_credit=send(client, account, 1_00)["id"])
    collected = collecting.helped(client, collecting.asked(client, account, 1_00), "succeed")
    collecting.helped(client, collected, "return")
    for kind in OUTBOUND.values():
        flows = kind(client)
        flows.begun(account, 1_00)
        canceled(client, flows.begun(account, 1_00))
        for verb in ("post", "fail", "return"):
            helped(client, flows.begun(account, 1_00), verb)
    expand = ["data.flow_details"]
    yield from client.read(path, financial_account=account, limit=100, expand=expand)["data"]


for kind, path in ((TRANSACTION, TRANSACTIONS), (ENTRY, ENTRIES)):
    for member in ("flow_details.type", "flow_type", "status" if kind == TRANSACTION else "type"):
        STORIES[kind, member] = lambda platform, values, path=path: booked(platform, path)


# Reversals


@row(SENT_BACK, "network", "status")
def credit_reversals(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    *_, bought, _ = arrivals(platform)
    for credit in (send(platform, own_account(platform), 1_00), bought):
        reversal = platform.made(CREDIT_REVERSALS, received_credit=credit["id"])
        yield reversal
        yield platform.read(f"{CREDIT_REVERSALS}/{reversal['id']}")


@row(UNDONE, "network", "status")
def debit_reversals(platform: Client, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    account = own_account(platform)
    send(platform, account, 1_00)
    reversal = platform.made(REVERSALS, received_debit=take(platform, account, 1_00)["id"])
    yield reversal
    yield platform.read(f"{REVERSALS}/{reversal['id']}")
    client, bought = purchase(platform)
    lost = {"reason": "fraudulent", "fraudulent": {"explanation": "losing_evidence"}}
    debit = bought["treasury"]["received_debit"]
    dispute = client.made("/v1/issuing/disputes", treasury={"received_debit": debit}, evidence=lost)
    submitted = client.made(f"/v1/issuing/disputes/{dispute['id']}/submit")
    yield client.read(f"{REVERSALS}/{submitted['treasury']['debit_reversal']}")


# The table


def test_no_list_of_values_is_left_out() -> None:
    assert set(STORIES) == set(PUBLISHED)
    assert {value for kind, path, value in NEVER} <= {value for values in PUBLISHED.values() for value in values}


@pytest.mark.parametrize("kind, path", STORIES, ids=[f"{kind} {path}" for kind, path in STORIES])
def test_every_value_is_met(platform: Client, kind: str, path: str) -> None:
    published = PUBLISHED[kind, path]

    shown = list(STORIES[kind, path](platform, published))

    met = {value for one in shown for value in values_at(one, path)}
    never = {value for where, member, value in NEVER if (where, member) == (kind, path)}
    assert {one["object"] for one in shown} == {kind}
    assert met == set(published) - never
