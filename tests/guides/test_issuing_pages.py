"""Commands of Stripe's guides to cardholders, cards, purchases and disputes.

They are as printed, but for three: amounts that the test needs, the shipment that the pages on physical cards leave out
and say is required, and the members of a risk assessment, which the official package names otherwise than the page.
Source: https://docs.stripe.com/issuing/integration-guides/b2b-payments, https://docs.stripe.com/issuing/testing,
https://docs.stripe.com/issuing/cards, https://docs.stripe.com/issuing/connect/cardholders-and-cards,
https://docs.stripe.com/issuing/cards/replacements, https://docs.stripe.com/issuing/cards/physical/personalization-designs,
https://docs.stripe.com/issuing/purchases/transactions, https://docs.stripe.com/issuing/controls/fraud-challenges,
https://docs.stripe.com/api/issuing/disputes/update, https://docs.stripe.com/api/issuing/funding_instructions
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.guides.pages import Page

COMPANY = """
curl https://api.stripe.com/v1/issuing/cardholders \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d name="Company Card" \\
  --data-urlencode email="company@example.com" \\
  --data-urlencode phone_number="+18008675309" \\
  -d status=active \\
  -d type=company \\
  -d "billing[address][line1]"="123 Main Street" \\
  -d "billing[address][city]"="San Francisco" \\
  -d "billing[address][state]"=CA \\
  -d "billing[address][postal_code]"=94111 \\
  -d "billing[address][country]"=US
"""
CARD = """
curl https://api.stripe.com/v1/issuing/cards \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d currency=usd \\
  -d type=virtual \\
  -d cardholder="{{ISSUINGCARDHOLDER_ID}}"
"""
ACTIVATION = """
curl https://api.stripe.com/v1/issuing/cards/{{ISSUINGCARD_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d status=active
"""
AUTHORIZATION = """
curl https://api.stripe.com/v1/test_helpers/issuing/authorizations \\
  -u "<<YOUR_SECRET_KEY>>:" \\
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
CAPTURE = """
curl -X POST https://api.stripe.com/v1/test_helpers/issuing/authorizations/{{ISSUINGAUTHORIZATION_ID}}/capture \\
  -u "<<YOUR_SECRET_KEY>>:"
"""
FUNDS = """
curl https://api.stripe.com/v1/test_helpers/issuing/fund_balance \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d amount=10000 \\
  -d currency=usd
"""


@pytest.fixture
def spender(page: Page) -> Page:
    """A platform with a funded Issuing balance and a company's active card."""
    page.made("ISSUINGCARDHOLDER_ID", COMPANY)
    page.made("ISSUINGCARD_ID", CARD)
    page.curl(ACTIVATION)
    page.curl(FUNDS)
    return page


def bought(page: Page) -> dict[str, Any]:
    """A captured purchase, and its transaction to be named."""
    page.made("ISSUINGAUTHORIZATION_ID", AUTHORIZATION)
    captured = page.curl(CAPTURE)
    page.ids["TRANSACTION_ID"] = captured["transactions"][0]["id"]
    return captured


# Cardholders and cards


def test_a_company_pays_with_a_virtual_card(page):
    holder = page.made("ISSUINGCARDHOLDER_ID", COMPANY)
    card = page.made("ISSUINGCARD_ID", CARD)
    activated = page.curl(ACTIVATION)
    page.curl(FUNDS)
    authorization = page.made("ISSUINGAUTHORIZATION_ID", AUTHORIZATION)
    captured = page.curl(CAPTURE)

    assert holder["requirements"] == {"disabled_reason": None, "past_due": []}
    assert (card["status"], activated["status"]) == ("inactive", "active")
    assert (authorization["status"], authorization["transactions"]) == ("pending", [])
    assert (captured["status"], captured["transactions"][0]["amount"]) == ("closed", -10_00)


def test_terms_are_past_due_until_they_are_accepted_and_the_card_is_activated(page):
    holder = page.made(
        "ISSUINGCARDHOLDER_ID",
        """
curl https://api.stripe.com/v1/issuing/cardholders \\
  -u "<<YOUR_SECRET_KEY>>:" \\
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
  -d "billing[address][line1]"="510 Townsend Street" \\
  -d "billing[address][city]"="San Francsico" \\
  -d "billing[address][state]"=CA \\
  -d "billing[address][postal_code]"=94111 \\
  -d "billing[address][country]"=US
""",
    )
    page.made("ISSUINGCARD_ID", CARD)
    refused = page.reply(ACTIVATION)
    accepted = page.curl("""
curl https://api.stripe.com/v1/issuing/cardholders/{{ISSUINGCARDHOLDER_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d "individual[card_issuing][user_terms_acceptance][date]"=1470266163 \\
  -d "individual[card_issuing][user_terms_acceptance][ip]"="91.121.146.224"
""")
    activated = page.curl(ACTIVATION)

    assert set(holder["requirements"]["past_due"]) == {
        "individual.card_issuing.user_terms_acceptance.date",
        "individual.card_issuing.user_terms_acceptance.ip",
    }
    assert holder["requirements"]["disabled_reason"] == "requirements.past_due"
    assert refused["error"]["message"].startswith("This cardholder has outstanding requirements")
    assert accepted["requirements"] == {"disabled_reason": None, "past_due": []}
    assert activated["status"] == "active"


def test_cards_of_a_connected_account_are_listed_deactivated_and_canceled(page):
    page.ids["CONNECTED_ACCOUNT_ID"] = page.curl("""
curl https://api.stripe.com/v1/accounts \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d country=US \\
  -d type=custom \\
  -d "capabilities[transfers][requested]"=true \\
  -d "capabilities[card_issuing][requested]"=true
""")["id"]
    acting = '  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\\n'
    holder = page.made("ISSUINGCARDHOLDER_ID", COMPANY.replace("  -d name", acting + "  -d name"))
    card = page.made("CARD_ID", CARD.replace("  -d currency", acting + "  -d currency"))

    statuses = []
    for page.ids["STATUS"] in ("active", "inactive", "canceled"):
        changed = page.curl("""
curl https://api.stripe.com/v1/issuing/cards/{{CARD_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d status={{STATUS}}
""")
        statuses.append(changed["status"])
    holders = page.curl("""
curl https://api.stripe.com/v1/issuing/cardholders \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}"
""")
    cards = page.curl("""
curl -G https://api.stripe.com/v1/issuing/cards \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -H "Stripe-Account: {{CONNECTED_ACCOUNT_ID}}" \\
  -d cardholder={{ISSUINGCARDHOLDER_ID}}
""")

    assert statuses == ["active", "inactive", "canceled"]
    assert [item["id"] for item in holders["data"]] == [holder["id"]]
    assert [item["id"] for item in cards["data"]] == [card["id"]]


def test_cards_that_are_expired_or_lost_are_replaced(spender):
    spender.ids["REASON"] = "expired"
    replacement = """
curl https://api.stripe.com/v1/issuing/cards \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d cardholder={{ISSUINGCARDHOLDER_ID}} \\
  -d currency=usd \\
  -d type=virtual \\
  -d replacement_for={{ISSUINGCARD_ID}} \\
  -d replacement_reason={{REASON}}
"""
    same_number = spender.curl(replacement)
    lost = spender.curl("""
curl https://api.stripe.com/v1/issuing/cards/{{ISSUINGCARD_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d status=canceled \\
  -d cancellation_reason=lost
""")
    spender.ids["REASON"] = "lost"
    new_number = spender.curl(replacement)

    assert same_number["last4"] == lost["last4"] != new_number["last4"]
    assert (lost["status"], lost["cancellation_reason"]) == ("canceled", "lost")


def test_a_physical_card_is_printed_with_a_design_and_shipped(spender, tmp_path):
    logo = tmp_path / "logo.png"
    logo.write_bytes(b"\x89PNG\r\n\x1a\n")
    spender.ids["LOGO"] = str(logo)
    spender.made(
        "FILE_ID",
        """
curl https://files.stripe.com/v1/files \\
  -u <<YOUR_SECRET_KEY>>: \\
  -F "file"="@{{LOGO}}" \\
  -F "purpose"="issuing_logo"
""",
    )
    spender.ids["PHYSICAL_BUNDLE_ID"] = spender.curl("""
curl https://api.stripe.com/v1/issuing/physical_bundles \\
  -u "<<YOUR_SECRET_KEY>>:"
""")["data"][0]["id"]
    design = spender.made(
        "DESIGN_ID",
        """
curl https://api.stripe.com/v1/issuing/personalization_designs \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d physical_bundle={{PHYSICAL_BUNDLE_ID}} \\
  -d card_logo={{FILE_ID}} \\
  -d "carrier_text[header_title]"=Hello \\
  -d lookup_key="My lookup key" \\
  -d transfer_lookup_key=true
""",
    )
    activated = spender.curl("""
curl -X POST https://api.stripe.com/v1/test_helpers/issuing/personalization_designs/{{DESIGN_ID}}/activate \\
  -u "<<YOUR_SECRET_KEY>>:"
""")
    preferred = spender.curl("""
curl https://api.stripe.com/v1/issuing/personalization_designs/{{DESIGN_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d "preferences[is_default]"=true
""")
    card = spender.made(
        "CARD_ID",
        """
curl https://api.stripe.com/v1/issuing/cards \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d cardholder={{ISSUINGCARDHOLDER_ID}} \\
  -d currency=usd \\
  -d type=physical \\
  -d second_line="My Business Name" \\
  -d "shipping[name]"="Jenny Rosen" \\
  -d "shipping[address][line1]"="1234 Main Street" \\
  -d "shipping[address][city]"="San Francisco" \\
  -d "shipping[address][state]"=CA \\
  -d "shipping[address][postal_code]"=94111 \\
  -d "shipping[address][country]"=US
""",
    )
    statuses = [card["shipping"]["status"]]
    for spender.ids["STEP"] in ("submit", "ship", "deliver", "return"):
        shipped = spender.curl("""
curl -X POST https://api.stripe.com/v1/test_helpers/issuing/cards/{{CARD_ID}}/shipping/{{STEP}} \\
  -u "<<YOUR_SECRET_KEY>>:"
""")
        statuses.append(shipped["shipping"]["status"])

    assert (design["status"], activated["status"]) == ("review", "active")
    assert preferred["preferences"]["is_default"] is True
    assert (card["personalization_design"], card["second_line"]) == (design["id"], "My Business Name")
    assert statuses == ["pending", "submitted", "shipped", "delivered", "returned"]


def test_a_card_spends_in_one_category_up_to_a_limit(spender):
    spender.made(
        "ISSUINGCARD_ID",
        """
curl https://api.stripe.com/v1/issuing/cards \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d cardholder={{ISSUINGCARDHOLDER_ID}} \\
  -d currency=usd \\
  -d type=virtual \\
  -d status=active \\
  -d "spending_controls[allowed_categories][]"=taxicabs_limousines \\
  -d "spending_controls[spending_limits][0][amount]"=1500 \\
  -d "spending_controls[spending_limits][0][interval]"=monthly
""",
    )

    first, second = (spender.curl(AUTHORIZATION) for _ in range(2))
    elsewhere = spender.curl(AUTHORIZATION.replace("taxicabs_limousines", "bakeries"))

    assert first["approved"] is True
    assert second["request_history"][0]["reason"] == "spending_controls"
    assert elsewhere["request_history"][0]["reason"] == "spending_controls"


# Purchases


def test_a_purchase_is_refunded_and_a_card_credited_without_one(spender):
    bought(spender)
    refund = spender.curl("""
curl -X POST https://api.stripe.com/v1/test_helpers/issuing/transactions/{{TRANSACTION_ID}}/refund \\
  -u "<<YOUR_SECRET_KEY>>:"
""")
    unlinked, forced = (
        spender.curl(f"""
curl https://api.stripe.com/v1/test_helpers/issuing/transactions/{helper} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d card={{{{ISSUINGCARD_ID}}}} \\
  -d amount=1000
""")
        for helper in ("create_unlinked_refund", "create_force_capture")
    )

    assert (refund["type"], refund["amount"]) == ("refund", 10_00)
    assert (unlinked["type"], unlinked["amount"], unlinked["authorization"]) == ("refund", 10_00, None)
    assert (forced["type"], forced["amount"], forced["authorization"]) == ("capture", -10_00, None)


def test_a_risky_purchase_is_let_through_once_its_cardholder_has_confirmed_it(spender):
    spender.curl("""
curl https://api.stripe.com/_emulator/settings \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d fraud_challenges=true
""")
    risky = """
curl https://api.stripe.com/v1/test_helpers/issuing/authorizations \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d amount=2300 \\
  -d card={{ISSUINGCARD_ID}} \\
  -d "risk_assessment[fraud_risk][level]"=highest \\
  -d "risk_assessment[fraud_risk][score]"=95
"""
    declined = spender.made("AUTHORIZATION_ID", risky)
    spender.curl("""
curl https://api.stripe.com/v1/test_helpers/issuing/authorizations/{{AUTHORIZATION_ID}}/fraud_challenges/respond \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d confirmed=true
""")
    again = spender.curl(risky)

    assert declined["request_history"][0]["reason"] == "suspected_fraud"
    assert (again["approved"], again["verified_by_fraud_challenge"]) == (True, True)


def test_a_dispute_is_filed_and_its_evidence_replaced(spender):
    bought(spender)
    filed = spender.made(
        "DISPUTE_ID",
        """
curl https://api.stripe.com/v1/issuing/disputes \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d transaction={{TRANSACTION_ID}} \\
  -d "evidence[reason]"=fraudulent \\
  -d "evidence[fraudulent][explanation]"="This transaction is fraudulent."
""",
    )
    changed = spender.curl("""
curl https://api.stripe.com/v1/issuing/disputes/{{DISPUTE_ID}} \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d "evidence[reason]"=not_received \\
  -d "evidence[not_received][expected_at]"=1590000000 \\
  -d "evidence[not_received][explanation]"= \\
  -d "evidence[not_received][product_description]"="Baseball cap" \\
  -d "evidence[not_received][product_type]"=merchandise
""")
    listed = spender.curl("""
curl -G https://api.stripe.com/v1/issuing/disputes \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d limit=3
""")

    assert (filed["status"], filed["evidence"]["reason"]) == ("unsubmitted", "fraudulent")
    assert changed["evidence"] == {
        "reason": "not_received",
        "not_received": {
            "additional_documentation": None,
            "expected_at": 1590000000,
            "explanation": None,
            "product_description": "Baseball cap",
            "product_type": "merchandise",
        },
    }
    assert listed["data"] == [changed]


def test_the_balance_is_funded_in_euros_and_tells_where_to_send_them(page):
    instructions = page.curl("""
curl https://api.stripe.com/v1/test_helpers/issuing/fund_balance \\
  -u "<<YOUR_SECRET_KEY>>:" \\
  -d amount=4242 \\
  -d currency=eur
""")

    assert (instructions["object"], instructions["currency"]) == ("funding_instructions", "eur")
    assert instructions["bank_transfer"]["financial_addresses"][0]["supported_networks"] == ["sepa"]
