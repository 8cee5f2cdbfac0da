"""Commands of Stripe's guides to financial accounts and to the money that moves into and out of them, as printed.

Source: https://docs.stripe.com/treasury/examples/financial-accounts,
https://docs.stripe.com/treasury/account-management/financial-accounts,
https://docs.stripe.com/treasury/account-management/financial-account-features,
https://docs.stripe.com/treasury/account-management/testing-financial-account-integration,
https://docs.stripe.com/treasury/account-management/working-with-balances-and-transactions,
https://docs.stripe.com/treasury/moving-money/financial-accounts/into/received-credits,
https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/received-debits,
https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/debit-reversals,
https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/outbound-transfers
"""

from __future__ import annotations

import pytest

from tests.guides.pages import Page

EVERY_FEATURE = {
    "card_issuing",
    "deposit_insurance",
    "financial_addresses.aba",
    "inbound_transfers.ach",
    "intra_stripe_flows",
    "outbound_payments.ach",
    "outbound_payments.us_domestic_wire",
    "outbound_transfers.ach",
    "outbound_transfers.us_domestic_wire",
}


@pytest.fixture
def owner(page: Page) -> Page:
    """A platform whose custom account, which has card payments already, has requested what the guides ask for."""
    page.made(
        "CONNECTED_ACCOUNT_ID",
        """
curl https://api.stripe.com/v1/accounts \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d country=US \\
  -d type=custom \\
  -d "capabilities[card_payments][requested]"=true
""",
    )
    account = page.curl("""
curl https://api.stripe.com/v1/accounts/{{CONNECTED_ACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d "capabilities[treasury][requested]"=true \\
  -d "capabilities[card_issuing][requested]"=true \\
  -d "capabilities[us_bank_account_ach_payments][requested]"=true
""")
    assert account["capabilities"] == dict.fromkeys(account["capabilities"], "active")
    return page


@pytest.fixture
def opened(owner: Page) -> Page:
    """The same with a financial account that has requested every feature."""
    account = owner.made(
        "FINANCIAL_ACCOUNT_ID",
        """
curl https://api.stripe.com/v1/treasury/financial_accounts \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "supported_currencies[]"=usd \\
  -d "features[card_issuing][requested]"=true \\
  -d "features[deposit_insurance][requested]"=true \\
  -d "features[financial_addresses][aba][requested]"=true \\
  -d "features[inbound_transfers][ach][requested]"=true \\
  -d "features[intra_stripe_flows][requested]"=true \\
  -d "features[outbound_payments][ach][requested]"=true \\
  -d "features[outbound_payments][us_domestic_wire][requested]"=true \\
  -d "features[outbound_transfers][ach][requested]"=true \\
  -d "features[outbound_transfers][us_domestic_wire][requested]"=true
""",
    )
    assert set(account["active_features"] + account["pending_features"]) == EVERY_FEATURE
    assert "card_issuing" in account["active_features"] and "financial_addresses.aba" in account["pending_features"]
    return owner


@pytest.fixture
def funded(opened: Page) -> Page:
    """The same with money in it."""
    credit = opened.made(
        "RECEIVED_CREDIT_ID",
        """
curl https://api.stripe.com/v1/test_helpers/treasury/received_credits \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d financial_account={{FINANCIAL_ACCOUNT_ID}} \\
  -d network=ach \\
  -d amount=1234 \\
  -d currency=usd
""",
    )
    assert (credit["status"], credit["amount"], credit["network"]) == ("succeeded", 12_34, "ach")
    return opened


def money(page: Page) -> tuple[int, int]:
    """Cash and outbound pending."""
    balance = page.curl("""
curl https://api.stripe.com/v1/treasury/financial_accounts/{{FINANCIAL_ACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}"
""")["balance"]
    return balance["cash"]["usd"], balance["outbound_pending"]["usd"]


# Financial accounts


def test_a_company_has_a_virtual_and_a_physical_card_on_the_financial_account(opened):
    holder = opened.made(
        "ISSUINGCARDHOLDER_ID",
        """
curl https://api.stripe.com/v1/issuing/cardholders \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d name="Jenny Bath Remodeling" \\
  -d type=company \\
  --data-urlencode email="jenny@example.com" \\
  --data-urlencode phone_number="+18008675309" \\
  -d status=active \\
  -d "billing[address][line1]"="1234 Main Street" \\
  -d "billing[address][city]"="San Francisco" \\
  -d "billing[address][state]"=CA \\
  -d "billing[address][postal_code]"=94111 \\
  -d "billing[address][country]"=US
""",
    )
    card = opened.curl("""
curl https://api.stripe.com/v1/issuing/cards \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d currency=usd \\
  -d type=virtual \\
  -d cardholder="{{ISSUINGCARDHOLDER_ID}}" \\
  -d financial_account="{{FINANCIAL_ACCOUNT_ID}}"
""")
    physical = opened.curl("""
curl https://api.stripe.com/v1/issuing/cards \
  -u "<<YOUR_SECRET_KEY>>:" \
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \
  -d currency=usd \
  -d type=physical \
  -d cardholder="{{ISSUINGCARDHOLDER_ID}}" \
  -d financial_account="{{FINANCIAL_ACCOUNT_ID}}" \
  -d status=active \
  -d "shipping[name]"="Jenny Bath Remodeling" \
  -d "shipping[address][line1]"="1234 Main Street" \
  -d "shipping[address][city]"="San Francisco" \
  -d "shipping[address][state]"=CA \
  -d "shipping[address][postal_code]"=94111 \
  -d "shipping[address][country]"=US
""")

    assert (holder["status"], holder["type"], holder["individual"]) == ("active", "company", None)
    assert holder["requirements"] == {"disabled_reason": None, "past_due": []}
    assert (card["status"], card["financial_account"]) == ("inactive", opened.ids["FINANCIAL_ACCOUNT_ID"])
    assert (physical["status"], physical["financial_account"]) == ("active", opened.ids["FINANCIAL_ACCOUNT_ID"])
    assert physical["shipping"]["status"] == "pending"


def test_features_are_requested_read_and_removed(owner):
    owner.made(
        "FINANCIAL_ACCOUNT_ID",
        """
curl https://api.stripe.com/v1/treasury/financial_accounts \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "expand[]"="financial_addresses.aba.account_number" \\
  -d "supported_currencies[]"=usd
""",
    )

    requested = owner.curl("""
curl https://api.stripe.com/v1/treasury/financial_accounts/{{FINANCIAL_ACCOUNT_ID}}/features \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "card_issuing[requested]"=true \\
  -d "deposit_insurance[requested]"=true \\
  -d "financial_addresses[aba][requested]"=true \\
  -d "inbound_transfers[ach][requested]"=true \\
  -d "intra_stripe_flows[requested]"=true \\
  -d "outbound_payments[ach][requested]"=true \\
  -d "outbound_payments[us_domestic_wire][requested]"=true \\
  -d "outbound_transfers[ach][requested]"=true \\
  -d "outbound_transfers[us_domestic_wire][requested]"=true
""")
    read = owner.curl("""
curl https://api.stripe.com/v1/treasury/financial_accounts/{{FINANCIAL_ACCOUNT_ID}}/features \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}"
""")
    removed = owner.curl("""
curl https://api.stripe.com/v1/treasury/financial_accounts/{{FINANCIAL_ACCOUNT_ID}}/features \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "card_issuing[requested]"=false
""")

    assert requested["financial_addresses"]["aba"]["status"] == "pending"
    assert requested["financial_addresses"]["aba"]["status_details"][0]["code"] == "activating"
    assert read["card_issuing"] == {"requested": True, "status": "active", "status_details": []}
    assert read["financial_addresses"]["aba"]["status"] == "active"
    assert "card_issuing" not in removed and "deposit_insurance" in removed


def test_outbound_flows_are_restricted_and_the_features_that_need_them_with_them(opened):
    restricted = opened.curl("""
curl https://api.stripe.com/v1/treasury/financial_accounts/{{FINANCIAL_ACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "platform_restrictions[outbound_flows]"=restricted
""")

    assert restricted["platform_restrictions"] == {"inbound_flows": "unrestricted", "outbound_flows": "restricted"}
    assert {"financial_addresses.aba", "intra_stripe_flows", "outbound_payments.ach", "outbound_transfers.ach"} <= set(
        restricted["restricted_features"]
    )
    assert {"deposit_insurance", "inbound_transfers.ach"} <= set(restricted["active_features"])


def test_a_financial_account_is_labelled_and_shows_its_number_on_request(opened):
    labelled = opened.curl("""
curl https://api.stripe.com/v1/treasury/financial_accounts/{{FINANCIAL_ACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "metadata[key]"=value
""")
    read = opened.curl("""
curl -G https://api.stripe.com/v1/treasury/financial_accounts/{{FINANCIAL_ACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "expand[]"="financial_addresses.aba.account_number"
""")

    assert labelled["metadata"] == {"key": "value"}
    address = read["financial_addresses"][0]["aba"]
    assert address["account_number"].endswith(address["account_number_last4"])
    assert address["routing_number"] == "000000001"


def test_an_account_is_onboarded_with_test_values_and_its_financial_account_closed(page):
    page.made(
        "CONNECTED_ACCOUNT_ID",
        """
curl https://api.stripe.com/v1/accounts \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d country=US \\
  -d type=custom \\
  -d business_type=company \\
  -d "capabilities[card_payments][requested]"=true \\
  -d "capabilities[transfers][requested]"=true \\
  -d "capabilities[treasury][requested]"=true
""",
    )
    page.made(
        "FINANCIAL_ACCOUNT_ID",
        """
curl https://api.stripe.com/v1/treasury/financial_accounts \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "supported_currencies[]"=usd \\
  -d "features[financial_addresses][aba][requested]"=true
""",
    )
    account = page.curl("""
curl https://api.stripe.com/v1/accounts/{{CONNECTED_ACCOUNT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d "tos_acceptance[date]"=1547923073 \\
  -d "tos_acceptance[ip]"="172.18.80.19" \\
  -d "business_profile[mcc]"=5045 \\
  --data-urlencode "business_profile[url]"="https://bestcookieco.com" \\
  -d "company[address][city]"=Schenectady \\
  -d "company[address][line1]"="123 State St" \\
  -d "company[address][postal_code]"=12345 \\
  -d "company[address][state]"=NY \\
  -d "company[tax_id]"=000000000 \\
  -d "company[name]"="The Best Cookie Co" \\
  -d "company[phone]"=8888675309 \\
  -d "individual[first_name]"=Jenny \\
  -d "individual[last_name]"=Rosen
""")
    closed = page.curl("""
curl https://api.stripe.com/v1/treasury/financial_accounts/{{FINANCIAL_ACCOUNT_ID}}/close \\
  -u <<YOUR_SECRET_KEY>>: \\
  -X "POST" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}"
""")

    assert account["company"]["name"] == "The Best Cookie Co" and account["tos_acceptance"]["date"] == 1547923073
    assert (closed["status"], closed["active_features"]) == ("closed", [])
    assert closed["status_details"] == {"closed": {"reasons": ["closed_by_platform"]}}
    assert closed["restricted_features"] == ["financial_addresses.aba"]


# Money


def test_received_credits_are_read_and_listed(funded):
    read = funded.curl("""
curl -G https://api.stripe.com/v1/treasury/received_credits/{{RECEIVED_CREDIT_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "expand[]"=transaction
""")
    failed = funded.curl("""
curl -G https://api.stripe.com/v1/treasury/received_credits \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d financial_account={{FINANCIAL_ACCOUNT_ID}} \\
  -d status=failed
""")

    assert (read["transaction"]["object"], read["transaction"]["status"]) == ("treasury.transaction", "posted")
    assert failed["data"] == []


def test_a_received_debit_is_reversed(funded):
    debit = funded.made(
        "RECEIVED_DEBIT_ID",
        """
curl https://api.stripe.com/v1/test_helpers/treasury/received_debits \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d financial_account={{FINANCIAL_ACCOUNT_ID}} \\
  -d network=ach \\
  -d amount=1000 \\
  -d currency=usd
""",
    )
    reversal = funded.made(
        "DEBIT_REVERSAL_ID",
        """
curl https://api.stripe.com/v1/treasury/debit_reversals \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d received_debit={{RECEIVED_DEBIT_ID}} \\
  -d "metadata[reason]"=Because
""",
    )
    read = funded.curl("""
curl https://api.stripe.com/v1/treasury/debit_reversals/{{DEBIT_REVERSAL_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}"
""")
    listed = funded.curl("""
curl -G https://api.stripe.com/v1/treasury/debit_reversals \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d financial_account={{FINANCIAL_ACCOUNT_ID}} \\
  -d limit=3
""")
    before = funded.curl("""
curl -G https://api.stripe.com/v1/treasury/received_debits \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d financial_account={{FINANCIAL_ACCOUNT_ID}} \\
  -d limit=1 \\
  -d ending_before={{RECEIVED_DEBIT_ID}}
""")

    assert debit["status"] == "succeeded"
    assert (reversal["status"], reversal["metadata"]) == ("processing", {"reason": "Because"})
    assert read["status"] == "succeeded" and [item["id"] for item in listed["data"]] == [reversal["id"]]
    assert before["data"] == []
    assert money(funded) == (12_34, 0)


TRANSFER = """
curl https://api.stripe.com/v1/treasury/outbound_transfers \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d financial_account="{{FINANCIAL_ACCOUNT_ID}}" \\
  -d amount=1000 \\
  -d currency=usd \\
  -d destination_payment_method="{{PAYMENTMETHOD_ID}}" \\
  -d statement_descriptor="Test xfer" \\
  -d "destination_payment_method_options[us_bank_account][network]"=ach
"""


def test_an_outbound_transfer_is_read_canceled_and_listed(funded):
    funded.ids["PAYMENTMETHOD_ID"] = "pm_usBankAccount"
    sent = funded.made("OUTBOUND_TRANSFER_ID", TRANSFER)
    held = money(funded)

    read = funded.curl("""
curl -G https://api.stripe.com/v1/treasury/outbound_transfers/{{OUTBOUND_TRANSFER_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d "expand[]"=transaction
""")
    canceled = funded.curl("""
curl -X POST https://api.stripe.com/v1/treasury/outbound_transfers/{{OUTBOUND_TRANSFER_ID}}/cancel \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}"
""")
    older = funded.curl("""
curl -G https://api.stripe.com/v1/treasury/outbound_transfers \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d financial_account="{{FINANCIAL_ACCOUNT_ID}}" \\
  -d limit=3 \\
  -d starting_after={{OUTBOUND_TRANSFER_ID}}
""")

    assert (sent["status"], sent["cancelable"], sent["statement_descriptor"]) == ("processing", True, "Test xfer")
    assert held == (2_34, 10_00)
    assert read["transaction"]["amount"] == -10_00
    assert (canceled["status"], canceled["cancelable"]) == ("canceled", False)
    assert older["data"] == [] and money(funded) == (12_34, 0)


@pytest.mark.parametrize("verb, status", [("post", "posted"), ("fail", "failed"), ("return", "returned")])
def test_the_helpers_move_a_transfer_to_the_state_they_are_named_after(funded, verb, status):
    funded.ids |= {"PAYMENTMETHOD_ID": "pm_usBankAccount_processing", "VERB": verb}
    funded.made("OUTBOUND_TRANSFER_ID", TRANSFER)

    moved = funded.curl("""
curl -X POST https://api.stripe.com/v1/test_helpers/treasury/outbound_transfers/{{OUTBOUND_TRANSFER_ID}}/{{VERB}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}"
""")

    assert moved["status"] == status
    assert money(funded) == ((2_34, 0) if verb == "post" else (12_34, 0))


def test_transactions_and_their_entries_are_listed(funded):
    transactions = funded.curl("""
curl -G https://api.stripe.com/v1/treasury/transactions \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d financial_account={{FINANCIAL_ACCOUNT_ID}} \\
  -d limit=3 \\
  -d status=posted \\
  -d order_by=created
""")
    long_ago = funded.curl("""
curl -G https://api.stripe.com/v1/treasury/transaction_entries \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d financial_account={{FINANCIAL_ACCOUNT_ID}} \\
  -d order_by=created \\
  -d "created[lt]"=1234567890
""")

    assert [item["flow"] for item in transactions["data"]] == [funded.ids["RECEIVED_CREDIT_ID"]]
    assert long_ago["data"] == []
