"""The commands of the guide "Working with Stripe Issuing cards", as printed and in the order of the page.

The account was made before by one of the two ways that make one Treasury can use, and has an empty financial account.
What the page leads to (a purchase, the refusal while outbound flows are restricted, a capture, a refund, disputes) goes
on with the commands of the pages it names, for the connected account.
Source: https://docs.stripe.com/treasury/account-management/issuing-cards, https://docs.stripe.com/issuing/testing,
https://docs.stripe.com/issuing/purchases/transactions, https://docs.stripe.com/issuing/purchases/disputes
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, product
from types import SimpleNamespace
from typing import Any

import pytest

from tests.guides.pages import Page
from tests.serving import served

NUMBERS = count(1)
ACCOUNTS = {
    "custom": """
curl https://api.stripe.com/v1/accounts \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d type=custom \\
  -d country=US
""",
    "controller": """
curl https://api.stripe.com/v1/accounts \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d country=US \\
  -d "controller[stripe_dashboard][type]"=none \\
  -d "controller[fees][payer]"=application \\
  -d "controller[losses][payments]"=application \\
  -d "controller[requirement_collection]"=application
""",
}
FINANCIAL_ACCOUNT = """
curl https://api.stripe.com/v1/treasury/financial_accounts \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}" \\
  -d "supported_currencies[]"=usd \\
  -d "features[financial_addresses][aba][requested]"=true
"""
RECEIVED_CREDIT = """
curl https://api.stripe.com/v1/test_helpers/treasury/received_credits \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}" \\
  -d financial_account={{TREASURYFINANCIALACCOUNT_ID}} \\
  -d network=ach \\
  -d amount=10000 \\
  -d currency=usd
"""

# The page itself

CAPABILITIES = """
curl https://api.stripe.com/v1/accounts/{{CONNECTED_ACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d "capabilities[treasury][requested]=true" \\
  -d "capabilities[card_issuing][requested]=true" \\
  -d "capabilities[transfers][requested]=true"
"""
FEATURES = """
curl https://api.stripe.com/v1/treasury/financial_accounts/{{TREASURYFINANCIALACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}" \\
  -d "treasury[access][requested]=true" \\
  -d "card_issuing[access][requested]=true"
"""
CARDHOLDER = """
curl https://api.stripe.com/v1/issuing/cardholders \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}" \\
  -d name="Jenny Rosen" \\
  --data-urlencode email="jenny.rosen@example.com" \\
  --data-urlencode phone_number="+18008675309" \\
  -d status=active \\
  -d type=individual \\
  -d "individual[first_name]"=Jenny \\
  -d "individual[last_name]"=Rosen \\
  -d "individual[dob][day]"=1 \\
  -d "individual[dob][month]"=11 \\
  -d "individual[dob][year]"=1981 \\
  -d "billing[address][line1]"="1234 Main Street" \\
  -d "billing[address][city]"="San Francisco" \\
  -d "billing[address][state]"=CA \\
  -d "billing[address][postal_code]"=94111 \\
  -d "billing[address][country]"=US
"""
CARD = """
curl https://api.stripe.com/v1/issuing/cards \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}" \\
  -d cardholder={{CARDHOLDER_ID}} \\
  -d financial_account="{{TREASURYFINANCIALACCOUNT_ID}}" \\
  -d currency=usd \\
  -d type=virtual \\
  -d status=active
"""

# What it leads to

AUTHORIZATION = """
curl https://api.stripe.com/v1/test_helpers/issuing/authorizations \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}" \\
  -d card="{{ISSUINGCARD_ID}}" \\
  -d amount=1000 \\
  -d authorization_method=chip \\
  -d "merchant_data[category]"=taxicabs_limousines \\
  -d "merchant_data[city]"="San Francisco" \\
  -d "merchant_data[country]"=US \\
  -d "merchant_data[name]"="Rocket Rides" \\
  -d "merchant_data[network_id]"=1234567890 \\
  -d "merchant_data[postal_code]"=94107 \\
  -d "merchant_data[state]"=CA
"""
OUTBOUND_FLOWS = """
curl https://api.stripe.com/v1/treasury/financial_accounts/{{TREASURYFINANCIALACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}" \\
  -d "platform_restrictions[outbound_flows]"={{FLOWS}}
"""
CAPTURE = """
curl -X POST https://api.stripe.com/v1/test_helpers/issuing/authorizations/{{ISSUINGAUTHORIZATION_ID}}/capture \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}"
"""
REFUND = """
curl -X POST https://api.stripe.com/v1/test_helpers/issuing/transactions/{{TRANSACTION_ID}}/refund \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}"
"""
DISPUTE = """
curl https://api.stripe.com/v1/issuing/disputes \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}" \\
  -d "treasury[received_debit]"={{RECEIVED_DEBIT_ID}} \\
  -d "evidence[reason]"=fraudulent \\
  -d "evidence[fraudulent][explanation]"={{EXPLANATION}}
"""
SUBMIT = """
curl -X POST https://api.stripe.com/v1/issuing/disputes/{{DISPUTE_ID}}/submit \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}"
"""
RETRIEVED_DISPUTE = """
curl https://api.stripe.com/v1/issuing/disputes/{{DISPUTE_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}"
"""
RETRIEVED_FINANCIAL_ACCOUNT = """
curl https://api.stripe.com/v1/treasury/financial_accounts/{{TREASURYFINANCIALACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTEDACCOUNT_ID}}"
"""
REQUESTS = """
curl https://api.stripe.com/_emulator/requests?operation=issuing.cardholders.create \\
  -u "<<YOUR_SECRET_KEY>>:"
"""


def followed(page: Page, account: str) -> SimpleNamespace:
    """The replies to all commands, one after the other, and the balance after each movement of money."""
    told = SimpleNamespace(balances={})

    def money(moment: str) -> None:
        balance = page.curl(RETRIEVED_FINANCIAL_ACCOUNT)["balance"]
        told.balances[moment] = balance["cash"]["usd"], balance["outbound_pending"]["usd"]

    def bought() -> dict[str, Any]:
        page.made("ISSUINGAUTHORIZATION_ID", AUTHORIZATION)
        return page.curl(CAPTURE)

    page.ids["CONNECTED_ACCOUNT_ID"] = page.made("CONNECTEDACCOUNT_ID", ACCOUNTS[account])["id"]
    told.account = page.curl(CAPABILITIES)
    page.made("TREASURYFINANCIALACCOUNT_ID", FINANCIAL_ACCOUNT)
    told.financial_account = page.curl(FEATURES)
    told.cardholder = page.made("CARDHOLDER_ID", CARDHOLDER)
    told.card = page.made("ISSUINGCARD_ID", CARD)

    page.curl(RECEIVED_CREDIT)
    told.authorization = page.made("ISSUINGAUTHORIZATION_ID", AUTHORIZATION)
    money("authorized")
    page.ids["FLOWS"] = "restricted"
    told.restricted = page.curl(OUTBOUND_FLOWS)
    told.refused = page.curl(AUTHORIZATION)
    money("refused")
    told.captured = page.curl(CAPTURE)
    money("captured")
    page.ids["TRANSACTION_ID"] = told.captured["transactions"][0]["id"]
    told.refund = page.curl(REFUND)
    money("refunded")
    page.ids["FLOWS"] = "unrestricted"
    page.curl(OUTBOUND_FLOWS)

    told.disputes = {}
    for explanation in ("winning_evidence", "losing_evidence"):
        page.ids["EXPLANATION"] = explanation
        page.ids["RECEIVED_DEBIT_ID"] = bought()["treasury"]["received_debits"][0]
        page.made("DISPUTE_ID", DISPUTE)
        submitted = page.curl(SUBMIT)
        told.disputes[explanation] = submitted, page.curl(RETRIEVED_DISPUTE)
        money(explanation)
    told.requests = page.curl(REQUESTS)["data"]
    return told


def new_key(account: str) -> str:
    """A key without a world: where tests are shared out anew while they run, their fixture is made more than once."""
    return f"sk_test_guide_{account}{next(NUMBERS)}"


@pytest.fixture(scope="module", params=product(ACCOUNTS, ("process", "contract")), ids="-".join)
def told(request: pytest.FixtureRequest, app: Any, process: str) -> Iterator[SimpleNamespace]:
    """The page followed for one kind of account: on a server as users run it, and on one whose replies are checked."""
    account, server = request.param
    key = new_key(account)
    if server == "process":
        yield followed(Page(process, key), account)
    else:
        with served(app) as address:
            yield followed(Page(address, key), account)


def test_the_capabilities_are_active_in_the_reply_that_requests_them(told):
    assert told.account["capabilities"] == {"card_issuing": "active", "transfers": "active", "treasury": "active"}


def test_the_reply_of_the_financial_account_names_card_issuing_among_its_features(told):
    features = told.financial_account["active_features"] + told.financial_account["pending_features"]

    assert "card_issuing" in features
    assert told.financial_account["restricted_features"] == []


def test_a_cardholder_without_user_terms_is_active_and_owes_nothing(told):
    holder = told.cardholder

    assert (holder["status"], holder["type"]) == ("active", "individual")
    assert holder["individual"]["dob"] == {"day": 1, "month": 11, "year": 1981}
    assert holder["individual"]["card_issuing"] is None
    assert (holder["email"], holder["phone_number"]) == ("jenny.rosen@example.com", "+18008675309")
    assert holder["requirements"] == {"disabled_reason": None, "past_due": []}


def test_the_request_log_says_that_the_terms_were_let_pass(told):
    assert [line["hint"].partition(" (")[0] for line in told.requests] == [
        f"{told.cardholder['id']} has not accepted the authorized user terms"
    ]


def test_the_card_is_active_on_the_financial_account_and_may_enter_wallets(told):
    assert (told.card["status"], told.card["type"], told.card["currency"]) == ("active", "virtual", "usd")
    assert told.card["financial_account"] == told.financial_account["id"]
    assert told.card["cardholder"] == told.cardholder
    assert told.card["wallets"]["apple_pay"]["eligible"] and told.card["wallets"]["google_pay"]["eligible"]


def test_a_purchase_is_approved_and_holds_cash(told):
    assert (told.authorization["approved"], told.authorization["status"]) == (True, "pending")
    assert told.balances["authorized"] == (90_00, 10_00)


def test_a_purchase_is_refused_while_outbound_flows_are_restricted(told):
    assert told.restricted["platform_restrictions"]["outbound_flows"] == "restricted"
    assert (told.refused["approved"], told.refused["status"]) == (False, "closed")
    assert told.refused["request_history"][0]["reason"] == "account_disabled"
    assert told.balances["refused"] == told.balances["authorized"]


def test_an_earlier_purchase_is_captured_all_the_same_and_refunded(told):
    assert told.captured["status"] == "closed"
    assert told.balances["captured"] == (90_00, 0)
    assert (told.refund["type"], told.refund["amount"]) == ("refund", 10_00)
    assert told.balances["refunded"] == (100_00, 0)


@pytest.mark.parametrize(
    "explanation, status, cash", [("winning_evidence", "won", 100_00), ("losing_evidence", "lost", 90_00)]
)
def test_a_dispute_ends_as_its_evidence_says(told, explanation, status, cash):
    submitted, decided = told.disputes[explanation]

    assert (submitted["status"], decided["status"]) == ("submitted", status)
    assert told.balances[explanation] == (cash, 0)
