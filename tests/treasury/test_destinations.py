"""Who may get money that leaves a financial account, and whose numbers they are."""

from __future__ import annotations

import pytest

from emulator.treasury.bank_accounts import TOKENS
from tests.issuing.purchases import findings
from tests.treasury.sending import (
    HELPERS,
    OBT,
    WAIT,
    WIRE,
    bank_account,
    funded,
    helped,
    numbers,
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
    EVERYTHING,
    balance,
    connected,
    opened,
    tree,
)

# Which ones


def test_every_test_token_is_taken(platform):
    source = funded(platform)

    last4 = {name: sent(platform, source, 1, name)["destination_payment_method_details"] for name in TOKENS}

    assert {name: details["us_bank_account"]["last4"] for name, details in last4.items()} == {
        name: number[-4:] for name, number in TOKENS.items()
    }


def test_a_transfer_without_destination_is_incomplete(platform):
    answer = platform.post(OBT, amount=1, currency="usd", financial_account=funded(platform))

    assert (answer.status, answer.error["code"], answer.error["param"]) == (
        400,
        "parameter_missing",
        "destination_payment_method",
    )


@pytest.mark.parametrize(
    "missing, params",
    [
        ("outbound_transfers.ach", {}),
        ("outbound_transfers.us_domestic_wire", {"destination_payment_method_options": WIRE}),
    ],
)
def test_every_network_needs_its_feature(platform, missing, params):
    source = funded(platform, 500_00, *(path for path in EVERYTHING if path != missing))

    code, param, message = refused(platform, source, **params)

    assert (code, param) == ("financial_account_capability_not_enabled", "financial_account")
    assert message == f"The FinancialAccount {source} does not have the {missing} feature active."


def test_options_may_be_unset(platform):
    transfer = sent(platform, funded(platform), destination_payment_method_options={"us_bank_account": None})

    assert transfer["destination_payment_method_details"]["us_bank_account"]["network"] == "ach"


def test_each_side_needs_to_be_able_to_in_its_own_direction_only(platform):
    source, target = funded(platform), opened(platform)
    bare = opened(connected(platform))
    path = "destination_payment_method_data[financial_account]"

    def refusal(from_, to):
        data = {"type": "financial_account", "financial_account": to}
        return refused(platform, from_, destination_payment_method_data=data)[:2]

    def restrict(account, **flows):
        open_ = {"inbound_flows": "unrestricted", "outbound_flows": "unrestricted"}
        platform.made(f"{ACCOUNTS}/{account}", platform_restrictions={**open_, **flows})

    assert refusal(source, source) == (None, path)
    assert refusal(source, bare) == (None, path)
    restrict(source, outbound_flows="restricted")
    assert refusal(source, target) == ("financial_account_capability_restricted", "financial_account")
    restrict(source, inbound_flows="restricted")
    restrict(target, inbound_flows="restricted")
    assert refusal(source, target) == ("financial_account_capability_restricted", path)
    restrict(target, outbound_flows="restricted")
    sent_within_stripe(platform, source, target)
    assert balance(platform, target) == (20_00, 0)
    platform.made(f"{ACCOUNTS}/{target}/features", intra_stripe_flows={"requested": False})
    assert refusal(source, target) == ("financial_account_capability_not_enabled", path)


def test_a_closed_account_gets_nothing(platform):
    source, target = funded(platform), opened(platform)
    platform.made(f"{ACCOUNTS}/{target}/close")
    data = {"type": "financial_account", "financial_account": target}

    code, param, _ = refused(platform, source, destination_payment_method_data=data)

    assert (code, param) == ("account_closed", "destination_payment_method_data[financial_account]")


# External accounts


def test_an_external_account_gets_money_without_being_verified(platform):
    business = connected(platform)
    source = funded(business)
    bank = bank_account(platform, business, account_number="000123456789", account_holder_name="Ada Example")

    transfer = sent(business, source, method=bank)
    platform.clock(advance=WAIT)

    details = transfer["destination_payment_method_details"]
    assert transfer["destination_payment_method"] == bank
    assert details["billing_details"]["name"] == "Ada Example"
    assert (details["us_bank_account"]["last4"], details["us_bank_account"]["account_type"]) == ("6789", "checking")
    assert read(business, transfer)["status"] == "posted"


@pytest.mark.parametrize(
    "number, status",
    [
        ("000111111116", "returned"),
        ("000000000009", "processing"),
        ("000000000234", "failed"),
        ("000222222227", "posted"),
    ],
)
def test_an_external_account_ends_transfers_as_its_number_says(platform, number, status):
    business = connected(platform)
    source = funded(business)
    bank = bank_account(platform, business, account_number=number)

    transfer = sent(business, source, method=bank)
    platform.clock(advance=WAIT)

    assert read(business, transfer)["status"] == status
    assert findings(platform) == []


def test_an_external_account_abroad_or_of_somebody_else_is_refused(platform):
    business, other = connected(platform), connected(platform)
    source = funded(business)
    path = f"/v1/accounts/{business.account}/external_accounts"
    abroad = {"object": "bank_account", "account_number": "00012345", "country": "GB", "routing_number": "108800"}
    british = platform.made(path, external_account=abroad)["id"]
    theirs = bank_account(platform, other, account_number="000123456789")

    assert refused(business, source, destination_payment_method=british)[:2] == (
        "payment_method_unsupported_type",
        "destination_payment_method",
    )
    assert refused(business, source, destination_payment_method=theirs)[:2] == (
        "resource_missing",
        "destination_payment_method",
    )


# To financial accounts by their numbers


@pytest.mark.parametrize("network", ["ach", "us_domestic_wire"])
def test_money_sent_to_the_numbers_of_a_financial_account_arrives_there(platform, network):
    business, other = connected(platform), connected(platform)
    source, target = funded(business), opened(other)
    bank = bank_account(platform, business, **numbers(other, target))
    options = {"us_bank_account": {"network": network}}
    seen = len(business.events()), len(other.events())

    transfer = sent(business, source, method=bank, description="Rent", destination_payment_method_options=options)
    platform.clock(advance=WAIT)

    (credit,) = other.read(CREDITS, financial_account=target)["data"]
    assert (balance(business, source), balance(other, target)) == ((480_00, 0), (20_00, 0))
    assert (credit["network"], credit["status"], credit["description"]) == (network, "succeeded", "Rent")
    assert (credit["linked_flows"]["source_flow"], credit["linked_flows"]["source_flow_type"]) == (None, None)
    sender = credit["initiating_payment_method_details"]
    assert sender["type"] == "us_bank_account"
    assert sender["us_bank_account"]["last4"] == numbers(business, source)["account_number"][-4:]
    assert told(business, seen[0]) == ["outbound_transfer.created", "outbound_transfer.posted"]
    assert told(other, seen[1]) == ["received_credit.created", "received_credit.succeeded"]
    again = business.post(f"{HELPERS}/{transfer['id']}/return")
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
    bank = bank_account(platform, business, **found)
    if why == "closed":
        other.made(f"{ACCOUNTS}/{target}/close")
    if why == "restricted":
        other.made(f"{ACCOUNTS}/{target}", platform_restrictions={"inbound_flows": "restricted"})
    if why == "given up":
        other.made(f"{ACCOUNTS}/{target}/features", **tree(ABA, requested=False))
    seen = len(other.events())

    transfer = sent(business, source, method=bank)
    posted = helped(business, transfer, "post")

    back = read(business, transfer)
    assert posted["status"] == "posted"
    assert (back["status"], back["returned_details"]["code"]) == ("returned", code)
    assert (balance(business, source), balance(other, target)) == ((500_00, 0), (0, 0))
    reached = code != "no_account"
    assert told(other, seen) == (["received_credit.created", "received_credit.failed"] if reached else [])
    assert findings(platform) == []


def test_money_cannot_be_sent_to_ones_own_numbers(platform):
    business = connected(platform)
    source = funded(business)
    bank = bank_account(platform, business, **numbers(business, source))

    assert refused(business, source, destination_payment_method=bank)[:2] == (None, "destination_payment_method")


def test_numbers_that_were_given_up_and_taken_back_are_reached_again(platform):
    business, other = connected(platform), connected(platform)
    source, target = funded(business), opened(other)
    bank = bank_account(platform, business, **numbers(other, target))
    for requested in (False, True):
        other.made(f"{ACCOUNTS}/{target}/features", **tree(ABA, requested=requested))

    helped(business, sent(business, source, method=bank), "post")

    assert balance(other, target) == (20_00, 0)
