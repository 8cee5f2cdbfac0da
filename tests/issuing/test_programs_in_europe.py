"""Programs that issue cards on the platform's own account in Europe, without Connect: euros and pounds end to end."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from stdnum import iban

from tests.client import Client
from tests.issuing.holders import CARDHOLDERS, CARDS
from tests.issuing.purchases import AUTHORIZATIONS, TRANSACTIONS, findings

DISPUTES = "/v1/issuing/disputes"
INSTRUCTIONS = "/v1/issuing/funding_instructions"


class Program(NamedTuple):
    """Where a program is, and what follows from it."""

    country: str
    currency: str
    transfer: str
    phone_number: str
    home: dict[str, str]
    worth_of_100_dollars: int  # minor units of the card's currency


PROGRAMS = (
    Program(
        "GB",
        "gbp",
        "gb_bank_transfer",
        "020 7946 0123",
        {"line1": "1 High Street", "city": "London", "postal_code": "N1 1AA", "country": "GB"},
        75_00,
    ),
    Program(
        "DE",
        "eur",
        "eu_bank_transfer",
        "030 901820",
        {"line1": "Hauptstr. 1", "city": "Berlin", "postal_code": "10115", "country": "DE"},
        80_00,
    ),
    Program(
        "IE",
        "eur",
        "eu_bank_transfer",
        "+33 1 99 00 12 34",
        {"line1": "2 rue Longue", "city": "Lyon", "postal_code": "69001", "country": "FR"},
        80_00,
    ),
)


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.country)
def program(request: pytest.FixtureRequest) -> Program:
    """One program after the other."""
    return request.param


@pytest.fixture
def account(platform: Client, program: Program) -> Client:
    """The platform's own account, where the program is."""
    platform.settings(platform_country=program.country)
    return platform


def a_holder(account: Client, program: Program, **more: Any) -> dict[str, Any]:
    """Somebody who lives where the program may issue cards: no terms are asked for, a phone number is."""
    phone_number = program.phone_number
    billing = {"address": program.home}
    return account.made(CARDHOLDERS, name="Ada Example", phone_number=phone_number, billing=billing, **more)


def a_spender(account: Client, program: Program, **more: Any) -> dict[str, Any]:
    """An active card with some money behind it."""
    account.made("/v1/test_helpers/issuing/fund_balance", amount=500_00, currency=program.currency)
    holder = more.pop("cardholder", None) or a_holder(account, program)["id"]
    return account.made(
        CARDS, **{"cardholder": holder, "currency": program.currency, "type": "virtual", "status": "active", **more}
    )


def issuing(account: Client) -> list[tuple[int, str]]:
    """What the Issuing balance can spend in each currency."""
    return [(entry["amount"], entry["currency"]) for entry in account.read("/v1/balance")["issuing"]["available"]]


def test_nothing_is_past_due_for_a_holder_who_says_no_more_than_name_phone_and_home(account, program):
    holder = a_holder(account, program)

    assert holder["requirements"] == {"disabled_reason": None, "past_due": []}
    assert holder["phone_number"].startswith("+")


def test_limits_of_holders_and_cards_are_in_the_currency_of_the_country(account, program):
    limits = {"spending_limits": [{"amount": 30_00, "interval": "daily"}]}

    holder = a_holder(account, program, spending_controls=limits)
    card = a_spender(account, program, cardholder=holder["id"])

    assert holder["spending_controls"]["spending_limits_currency"] == program.currency
    assert card["spending_controls"]["spending_limits_currency"] == program.currency
    approved = [
        account.made(AUTHORIZATIONS, card=card["id"], amount=amount)["approved"] for amount in (20_00, 10_01, 10_00)
    ]
    assert approved == [True, False, True]


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp"])
def test_cards_are_in_the_currency_of_the_country_and_no_other(account, program, currency):
    holder = a_holder(account, program)["id"]

    answer = account.post(CARDS, cardholder=holder, currency=currency, type="virtual")

    if currency == program.currency:
        assert answer.json["currency"] == currency
    else:
        assert (answer.status, answer.error["param"]) == (400, "currency")


def test_a_holder_without_a_phone_number_gets_no_card(account, program):
    holder = account.made(CARDHOLDERS, name="Ada Example", billing={"address": program.home})["id"]

    refusal = account.post(CARDS, cardholder=holder, currency=program.currency, type="virtual")

    assert (refusal.status, refusal.error["code"]) == (400, "cardholder_phone_number_required")


def test_a_physical_card_goes_by_a_carrier_of_the_country(account, program):
    holder, home = a_holder(account, program)["id"], program.home
    card = account.made(
        CARDS,
        cardholder=holder,
        currency=program.currency,
        type="physical",
        shipping={"name": "Ada Example", "address": home},
    )

    shipped = account.made(f"/v1/test_helpers/issuing/cards/{card['id']}/shipping/ship")

    assert shipped["shipping"]["carrier"] == {"gbp": "royal_mail", "eur": "dhl"}[program.currency]


def test_the_balance_is_funded_by_a_bank_transfer_of_the_country(account, program):
    asked = {"currency": program.currency, "funding_type": "bank_transfer", "bank_transfer": {"type": program.transfer}}

    transfer = account.made(INSTRUCTIONS, **asked)["bank_transfer"]

    (address,) = transfer["financial_addresses"]
    assert transfer["type"] == program.transfer
    if program.country == "GB":
        assert (transfer["country"], address["type"], address["supported_networks"]) == (
            "GB",
            "sort_code",
            ["bacs", "fps"],
        )
        assert len(address["sort_code"]["sort_code"]) == 6 and len(address["sort_code"]["account_number"]) == 8
    else:
        assert (address["type"], address["supported_networks"]) == ("iban", ["sepa"])
        assert iban.is_valid(address["iban"]["iban"])
    assert account.made("/v1/test_helpers/issuing/fund_balance", amount=1, currency=program.currency) == {
        **account.read(INSTRUCTIONS)["data"][0]
    }


def test_a_top_up_of_the_issuing_balance_arrives_in_its_currency(account, program):
    topup = account.made("/v1/topups", amount=50_00, currency=program.currency, destination_balance="issuing")

    assert account.read(f"/v1/topups/{topup['id']}")["status"] == "succeeded"
    assert issuing(account) == [(50_00, program.currency)]


def test_a_purchase_abroad_is_converted_held_captured_refunded_and_disputed(account, program):
    card = a_spender(account, program)
    worth = program.worth_of_100_dollars

    bought = account.made(
        AUTHORIZATIONS,
        card=card["id"],
        merchant_amount=100_00,
        merchant_currency="usd",
        merchant_data={"category": "bakeries", "name": "Bread", "city": "Oakland", "state": "CA", "country": "US"},
    )
    assert (bought["amount"], bought["currency"]) == (worth, program.currency)
    assert (bought["merchant_amount"], bought["merchant_currency"]) == (100_00, "usd")
    assert issuing(account) == [(500_00 - worth, program.currency)]

    captured = account.made(f"{AUTHORIZATIONS}/{bought['id']}/capture")
    (capture,) = captured["transactions"]
    assert (capture["amount"], capture["currency"]) == (-worth, program.currency)
    assert (capture["merchant_amount"], capture["merchant_currency"]) == (-100_00, "usd")
    assert issuing(account) == [(500_00 - worth, program.currency)]

    refund = account.made(f"{TRANSACTIONS}/{capture['id']}/refund", refund_amount=15_00)
    assert (refund["amount"], refund["currency"]) == (15_00, program.currency)

    evidence = {"reason": "not_received", "not_received": {"explanation": "winning_evidence"}}
    dispute = account.made(DISPUTES, transaction=capture["id"], evidence=evidence)
    account.made(f"{DISPUTES}/{dispute['id']}/submit")
    won = account.read(f"{DISPUTES}/{dispute['id']}")
    assert (won["status"], won["amount"], won["currency"]) == ("won", worth - 15_00, program.currency)
    assert issuing(account) == [(500_00, program.currency)]
    assert {row["currency"] for row in account.read("/v1/balance_transactions", limit=100)["data"]} == {
        program.currency
    }
    assert findings(account) == []
