"""The search field leads to the one thing that was meant, whatever account has it, or shows what could be."""

from __future__ import annotations

from tests.issuing.holders import a_cardholder, a_connected_account
from tests.issuing.purchases import a_spender, authorize


def test_an_id_leads_to_the_page_of_its_object_and_account(platform, visitor):
    account = a_connected_account(platform, "card_issuing", "transfers")
    a_connected_account(platform, "card_issuing", "transfers")
    holder = a_cardholder(account)

    visitor.get(f"/dashboard/find?q={holder['id']}", follow=False)

    assert visitor.page.location == f"/dashboard/cardholders/{holder['id']}?account={account.account}"


def test_an_object_without_a_page_of_its_own_is_shown_as_the_api_gives_it(platform, visitor):
    customer = platform.made("/v1/customers", name="<i>Jenny</i>")

    visitor.get(f"/dashboard/find?q={customer['id']}")

    assert visitor.page.request.path == f"/dashboard/objects/{customer['id']}"
    assert '"<i>Jenny</i>"' in visitor.text and "<i>Jenny" not in visitor.html


def test_a_request_is_found_in_the_log(platform, visitor):
    request = platform.get("/v1/balance").headers["Request-Id"]

    visitor.get(f"/dashboard/find?q={request}", follow=False)

    assert visitor.page.location == f"/dashboard/requests/{request}"


def test_last_four_lead_to_the_card(platform, visitor):
    card = a_spender(platform)

    visitor.get(f"/dashboard/find?q={card['last4']}", follow=False)

    assert visitor.page.location == f"/dashboard/cards/{card['id']}"


def test_a_merchant_that_several_purchases_have_is_a_choice_of_them(platform, visitor):
    card = a_spender(platform)
    for _ in range(2):
        authorize(platform, card, 12_00, merchant_data={"name": "Blue Fig Coffee"})

    visitor.get("/dashboard/find?q=blue fig")

    assert "2 results" in visitor.text
    assert "Blue Fig Coffee Purchase" in visitor.text


def test_what_nothing_has_is_said_to_be_nothing(visitor):
    for asked in ("ic_none", "7608", "nobody", ""):
        visitor.get(f"/dashboard/find?q={asked}")

        assert visitor.page.status_code == 200
        assert "Nothing of that name." in visitor.text
