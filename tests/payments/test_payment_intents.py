"""Payment intents: sums that cards and bank accounts pay, at once or later, and what is held first."""

from __future__ import annotations

import re

import pytest

from emulator.data.api_versions import DEFAULT
from emulator.payments import card_test_numbers as cards
from emulator.payments.payment_intents import LIFECYCLE
from tests.payments.paying import (
    BANKS_ONLY,
    CARDS_ONLY,
    CHARGES,
    DAY,
    INTENTS,
    OFFLINE,
    balance,
    debited,
    declined,
    intent,
    paid,
    said_by_doctor,
)
from tests.payments.test_payment_methods import BANK, CARD
from tests.treasury.worlds import connected

CUSTOMERS = "/v1/customers"
CVC_TOKEN = {"card": {"cvc_token": "x"}}


@pytest.fixture
def customer(platform) -> str:
    """A customer of the platform."""
    return platform.made(CUSTOMERS, name="Jenny Rosen")["id"]


def path_of(made: dict, verb: str = "") -> str:
    """Where an intent is found, or what is done with it."""
    return f"{INTENTS}/{made['id']}" + (f"/{verb}" if verb else "")


def public(client, made):
    """The client of a browser, and what it proves with that it may ask about an intent."""
    return type(client)(client.app, client.key.replace("sk_test", "pk_test")), {"client_secret": made["client_secret"]}


# Paying


def test_an_intent_goes_from_nothing_to_money_on_its_day(platform):
    made = intent(platform, description="Rocket", metadata={"order": "1"})
    chosen = platform.made(path_of(made), payment_method="pm_card_visa")
    confirmed = platform.made(path_of(made, "confirm"), expand=["latest_charge"])
    before = balance(platform)
    charge = platform.read(f"{CHARGES}/{confirmed['latest_charge']['id']}", expand=["balance_transaction"])
    money = charge["balance_transaction"]
    platform.clock(set=money["available_on"])

    assert [one["status"] for one in (made, chosen, confirmed)] == [
        "requires_payment_method",
        "requires_confirmation",
        "succeeded",
    ]
    assert re.fullmatch(rf"{made['id']}_secret_[0-9A-Za-z]{{25}}", made["client_secret"])
    assert (confirmed["amount_received"], confirmed["amount_capturable"]) == (20_00, 0)
    assert confirmed["latest_charge"]["balance_transaction"] is None
    assert (charge["paid"], charge["captured"], charge["amount_captured"]) == (True, True, 20_00)
    assert (charge["description"], charge["metadata"]) == ("Rocket", {"order": "1"})
    assert charge["payment_method_details"]["card"]["checks"]["cvc_check"] == "pass"
    assert (money["amount"], money["fee"], money["net"], money["type"]) == (20_00, 88, 19_12, "charge")
    assert (money["status"], money["source"], money["description"]) == ("pending", charge["id"], "Rocket")
    assert money["available_on"] == money["created"] - money["created"] % DAY + 2 * DAY
    assert (before, balance(platform)) == ((0, 19_12), (19_12, 0))
    assert platform.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]
    assert said_by_doctor(platform) == []


def test_what_belongs_to_one_payment_has_ids_that_look_alike(platform):
    made = paid(platform)
    charge = platform.read(f"{CHARGES}/{made['latest_charge']}")
    refund = platform.made("/v1/refunds", charge=charge["id"])

    ids = [made["id"], charge["id"], charge["balance_transaction"], refund["id"], refund["balance_transaction"]]

    assert [id.partition("_")[0] for id in ids] == ["pi", "ch", "txn", "re", "txn"]
    assert len({id.partition("_")[2][:16] for id in ids}) == 1
    assert made["id"].startswith("pi_3")


def test_money_of_the_card_that_bypasses_pending_is_there_at_once_and_told_of_in_a_minute(platform):
    paid(platform, method="pm_card_bypassPending")

    assert balance(platform) == (19_12, 0)
    assert "balance.available" not in platform.event_types()
    platform.clock(advance=60)
    told = platform.events(type="balance.available")
    assert told[0]["data"]["object"]["available"][0]["amount"] == 19_12


@pytest.mark.parametrize("way", ["the account", "balance settings"])
def test_the_delay_of_an_account_decides_when_its_money_is_available(platform, way):
    business = connected(platform)
    if way == "the account":
        settings = {"payouts": {"schedule": {"delay_days": 7}}}
        platform.made(f"/v1/accounts/{business.account}", settings=settings)
    else:
        business.made("/v1/balance_settings", payments={"settlement_timing": {"delay_days_override": 7}})

    days = []
    for client in (business, platform):
        charge = client.read(f"{CHARGES}/{paid(client)['latest_charge']}", expand=["balance_transaction"])
        money = charge["balance_transaction"]
        days.append((money["available_on"] - (money["created"] - money["created"] % DAY)) // DAY)

    assert days == [7, 2]
    platform.clock(advance=6 * DAY)
    assert balance(business)[0] == 0 < balance(platform)[0]
    platform.clock(advance=DAY)
    assert balance(business)[0] > 0


def test_what_becomes_available_on_one_day_is_told_of_once(platform):
    for _ in range(3):
        paid(platform)

    platform.clock(advance=3 * DAY)

    assert balance(platform) == (3 * 19_12, 0)
    assert len(platform.events(type="balance.available")) == 1


@pytest.mark.parametrize(
    "name", ["visa", "mastercard", "amex", "visa_debit", "gb", "jp", "avsFail", "riskLevelElevated"]
)
def test_a_test_card_pays(platform, name):
    made = paid(platform, method=f"pm_card_{name}")

    charge = platform.read(f"{CHARGES}/{made['latest_charge']}")

    assert (made["status"], charge["outcome"]["type"]) == ("succeeded", "authorized")
    assert charge["payment_method_details"]["card"]["brand"] == cards.BY_TOKEN[name].brand
    assert charge["outcome"]["risk_level"] == ("elevated" if name == "riskLevelElevated" else "normal")


DECLINED = {
    **{name: decline for name, (_, decline) in cards.DECLINES.items()},
    "cvcCheckFail": cards.DECLINES["chargeDeclinedIncorrectCvc"][1],
    "chargeCustomerFail": cards.DECLINES["chargeDeclined"][1],
}


@pytest.mark.parametrize("name", DECLINED)
def test_a_test_card_is_declined_and_the_intent_says_why(platform, name):
    error = declined(platform, f"pm_card_{name}")
    decline = DECLINED[name]
    charge = platform.read(f"{CHARGES}/{error['charge']}")

    assert (error["type"], error["code"], error["message"]) == ("card_error", decline.code, decline.message)
    assert (error.get("decline_code"), error.get("param")) == (decline.decline_code, decline.param)
    made = platform.read(f"{INTENTS}/{error['payment_intent']['id']}")
    assert made == error["payment_intent"]
    assert (made["status"], made["payment_method"]) == ("requires_payment_method", None)
    assert made["latest_charge"] == made["last_payment_error"]["charge"] == charge["id"]
    assert (charge["status"], charge["paid"], charge["failure_code"]) == ("failed", False, decline.code)
    assert charge["outcome"]["type"] == "issuer_declined"
    assert platform.event_types() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    assert balance(platform) == (0, 0)
    assert said_by_doctor(platform) == []


@pytest.mark.parametrize("name", ["radarBlock", "riskLevelHighest"])
def test_a_card_that_is_too_risky_is_blocked(platform, name):
    error = declined(platform, f"pm_card_{name}")

    outcome = platform.read(f"{CHARGES}/{error['charge']}")["outcome"]

    assert (error["code"], error["decline_code"]) == ("card_declined", "fraudulent")
    assert (outcome["type"], outcome["network_status"]) == ("blocked", "not_sent_to_network")


def test_a_declined_intent_is_paid_by_another_card(platform):
    made = declined(platform, "pm_card_chargeDeclined")["payment_intent"]

    again = platform.made(path_of(made, "confirm"), payment_method="pm_card_visa")

    assert (again["status"], again["last_payment_error"]) == ("succeeded", None)
    charges = platform.read(CHARGES, payment_intent=made["id"])["data"]
    assert [one["status"] for one in charges] == ["succeeded", "failed"]


def test_a_card_that_nobody_has_saved_is_used_up_by_its_payment(platform, customer):
    method = platform.made("/v1/payment_methods", **CARD)["id"]
    paid(platform, method=method)

    refusal = platform.post(INTENTS, amount=20_00, currency="usd", **CARDS_ONLY, payment_method=method)

    assert (refusal.status, refusal.error["code"]) == (400, "payment_method_unexpected_state")


def test_a_payment_saves_the_card_for_the_customer_where_it_is_to_be_used_again(platform, customer):
    made = paid(platform, customer=customer, setup_future_usage="off_session")

    again = paid(platform, customer=customer, method=made["payment_method"], off_session=True)

    assert platform.read(f"{CUSTOMERS}/{customer}/payment_methods")["data"][0]["id"] == made["payment_method"]
    assert again["status"] == "succeeded"
    assert platform.event_types()[1:4] == ["payment_intent.created", "charge.succeeded", "payment_method.attached"]


def test_a_card_of_another_customer_is_refused(platform, customer):
    other = platform.made(CUSTOMERS, payment_method="pm_card_visa")
    method = platform.read(f"{CUSTOMERS}/{other['id']}/payment_methods")["data"][0]["id"]

    refusal = platform.post(INTENTS, amount=20_00, currency="usd", **CARDS_ONLY, payment_method=method)

    assert (refusal.status, refusal.error["param"]) == (400, "payment_method")


def test_a_browser_reads_and_confirms_with_the_client_secret_alone(platform):
    made = intent(platform, metadata={"secret": "1"})
    browser, proof = public(platform, made)

    read = browser.read(path_of(made), **proof)
    confirmed = browser.made(path_of(made, "confirm"), **proof, payment_method="pm_card_visa")

    assert confirmed["status"] == "succeeded"
    assert "metadata" not in read and "latest_charge" not in confirmed
    assert browser.get(path_of(made)).error["param"] == "client_secret"
    wrong = browser.get(path_of(made), client_secret=f"{made['id']}_secret_x")
    assert (wrong.status, wrong.error["param"]) == (400, "client_secret")


def test_a_browser_cannot_confirm_what_only_the_account_may(platform):
    made = intent(platform, confirmation_method="manual")
    browser, proof = public(platform, made)

    refusal = browser.post(path_of(made, "confirm"), **proof, payment_method="pm_card_visa")

    assert (refusal.status, refusal.error["code"]) == (400, "payment_intent_invalid_parameter")
    assert platform.made(path_of(made, "confirm"), payment_method="pm_card_visa")["status"] == "succeeded"


def test_methods_that_may_lead_away_need_to_know_where_to_come_back(platform):
    sent = {"amount": 20_00, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}

    refusal = platform.pinned(DEFAULT).post(INTENTS, **sent)

    assert refusal.status == 400 and "return_url" in refusal.error["message"]
    assert platform.made(INTENTS, **sent)["status"] == "succeeded"  # as the Stripe CLI asks, which names no version
    assert platform.made(INTENTS, **sent, return_url="https://example.com")["status"] == "succeeded"
    never = {"enabled": True, "allow_redirects": "never"}
    assert platform.made(INTENTS, **sent, automatic_payment_methods=never)["status"] == "succeeded"
    assert platform.made(INTENTS, **sent, off_session=True)["status"] == "succeeded"


# Holding


def test_what_is_held_is_captured_whole(platform):
    held = intent(platform, payment_method="pm_card_visa", confirm=True, capture_method="manual")
    charge = platform.read(f"{CHARGES}/{held['latest_charge']}")
    before = balance(platform)

    captured = platform.made(path_of(held, "capture"))

    assert (held["status"], held["amount_capturable"], held["amount_received"]) == ("requires_capture", 20_00, 0)
    assert (charge["captured"], charge["amount_captured"], charge["balance_transaction"]) == (False, 0, None)
    assert charge["payment_method_details"]["card"]["capture_before"] == charge["created"] + 7 * DAY
    assert (captured["status"], captured["amount_capturable"], captured["amount_received"]) == ("succeeded", 0, 20_00)
    assert (before, balance(platform)) == ((0, 0), (0, 19_12))
    assert platform.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]
    assert said_by_doctor(platform) == []


def test_a_part_of_what_is_held_is_captured_and_the_rest_let_go(platform):
    held = intent(platform, payment_method="pm_card_visa", confirm=True, capture_method="manual")

    captured = platform.made(path_of(held, "capture"), amount_to_capture=5_00, metadata={"a": "1"})
    charge = platform.read(f"{CHARGES}/{held['latest_charge']}")

    assert (captured["amount_received"], captured["amount"]) == (5_00, 20_00)
    assert (charge["amount"], charge["amount_captured"], charge["amount_refunded"]) == (20_00, 5_00, 0)
    assert charge["refunded"] is False and charge["metadata"] == {"a": "1"}
    assert balance(platform) == (0, 5_00 - 45)


@pytest.mark.parametrize(
    "params, param",
    [({"amount_to_capture": 20_01}, "amount_to_capture"), ({"application_fee_amount": 1}, "application_fee_amount")],
)
def test_a_capture_that_cannot_be_is_refused_and_changes_nothing(platform, params, param):
    held = intent(platform, payment_method="pm_card_visa", confirm=True, capture_method="manual")

    refusal = platform.post(path_of(held, "capture"), **params)

    assert (refusal.status, refusal.error["param"]) == (400, param)
    assert platform.read(path_of(held)) == held


def test_what_nobody_captures_in_time_is_let_go(platform):
    held = intent(platform, payment_method="pm_card_visa", confirm=True, capture_method="manual")

    platform.clock(advance=7 * DAY)
    after = platform.read(path_of(held))

    assert (after["status"], after["cancellation_reason"], after["amount_capturable"]) == ("canceled", "expired", 0)
    assert platform.event_types()[-2:] == ["charge.expired", "payment_intent.canceled"]
    assert balance(platform) == (0, 0)


def test_what_is_held_is_let_go_by_a_cancel(platform):
    platform.clock(frozen=True)
    held = intent(platform, payment_method="pm_card_visa", confirm=True, capture_method="manual")

    canceled = platform.made(path_of(held, "cancel"), cancellation_reason="fraudulent")
    platform.clock(advance=8 * DAY)
    charge = platform.read(f"{CHARGES}/{held['latest_charge']}")

    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "fraudulent")
    assert canceled["canceled_at"] == canceled["created"]
    assert (charge["captured"], charge["refunded"], charge["amount_refunded"]) == (False, False, 0)
    assert platform.event_types()[-1] == "payment_intent.canceled"


# 3D Secure


def page_of(client, made):
    """The page that an intent sends its payer to, as a browser without a key gets it."""
    action = made["next_action"]
    url = action["redirect_to_url"]["url"] if "redirect_to_url" in action else action["use_stripe_sdk"]["stripe_js"]
    path = url.removeprefix("http://localhost")
    return path, client.app.test_client()


@pytest.mark.parametrize("name", ["authenticationRequired", "authenticationRequiredOnSetup", "threeDSecure2Required"])
def test_the_holder_of_a_card_authenticates_on_a_page_of_ours(platform, name):
    asking = intent(
        platform, payment_method=f"pm_card_{name}", confirm=True, return_url="https://example.com/back?order=1"
    )
    path, browser = page_of(platform, asking)

    page = browser.get(path)
    back = browser.post(f"{path}/complete")
    after = platform.read(path_of(asking), expand=["latest_charge"])

    assert (asking["status"], asking["latest_charge"]) == ("requires_action", None)
    assert asking["next_action"]["redirect_to_url"]["return_url"] == "https://example.com/back?order=1"
    assert page.status_code == 200 and asking["id"] in page.get_data(as_text=True)
    target = f"https://example.com/back?order=1&amp;payment_intent={asking['id']}"
    assert target in back.get_data(as_text=True) and "redirect_status=succeeded" in back.get_data(as_text=True)
    assert (after["status"], after["next_action"]) == ("succeeded", None)
    secure = after["latest_charge"]["payment_method_details"]["card"]["three_d_secure"]
    assert (secure["result"], secure["authentication_flow"]) == ("authenticated", "challenge")
    assert platform.event_types()[:4] == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


def test_a_holder_who_fails_has_paid_nothing(platform):
    asking = intent(platform, payment_method="pm_card_threeDSecure2Required", confirm=True)
    path, browser = page_of(platform, asking)

    said = browser.post(f"{path}/fail").get_data(as_text=True)
    after = platform.read(path_of(asking))

    assert "requires payment method" in said
    assert (after["status"], after["latest_charge"], after["payment_method"]) == ("requires_payment_method", None, None)
    assert after["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert after["last_payment_error"]["type"] == "invalid_request_error"
    assert platform.event_types()[-1] == "payment_intent.payment_failed"


def test_a_bank_may_decline_what_its_holder_has_authenticated(platform):
    name = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    asking = intent(platform, payment_method=name, confirm=True)
    path, browser = page_of(platform, asking)

    browser.post(f"{path}/complete")
    after = platform.read(path_of(asking))

    assert after["status"] == "requires_payment_method"
    assert after["last_payment_error"]["decline_code"] == "insufficient_funds"


def test_a_payment_that_the_account_confirms_waits_for_it_after_the_holder(platform):
    asking = intent(
        platform, payment_method="pm_card_authenticationRequired", confirm=True, confirmation_method="manual"
    )
    path, browser = page_of(platform, asking)

    browser.post(f"{path}/complete")

    assert platform.read(path_of(asking))["status"] == "requires_confirmation"
    assert platform.made(path_of(asking, "confirm"))["status"] == "succeeded"


def test_a_page_that_leads_nowhere_is_404_and_one_that_is_done_says_so(platform):
    asking = intent(platform, payment_method="pm_card_threeDSecure2Required", confirm=True)
    path, browser = page_of(platform, asking)
    browser.post(f"{path}/complete")

    assert "does not wait" in browser.get(path).get_data(as_text=True)
    assert browser.post(f"{path}/fail").status_code == 200
    assert platform.read(path_of(asking))["status"] == "succeeded"
    assert [browser.get(f"/authenticate/{token}").status_code for token in ("x", path[-12:])] == [404, 404]


@pytest.mark.parametrize("name", ["authenticationRequired", "authenticationRequiredOnSetup"])
@pytest.mark.parametrize(
    "how", [{"off_session": True}, {"off_session": "recurring"}, {"error_on_requires_action": True}]
)
def test_a_payment_that_nobody_can_authenticate_is_declined(platform, name, how):
    error = declined(platform, f"pm_card_{name}", **how)

    assert error["code"] == error["decline_code"] == "authentication_required"
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert "charge" not in error


def test_a_card_that_was_set_up_pays_while_its_holder_is_away(platform, customer):
    asking = intent(
        platform,
        payment_method="pm_card_authenticationRequiredOnSetup",
        confirm=True,
        customer=customer,
        setup_future_usage="off_session",
    )
    path, browser = page_of(platform, asking)
    browser.post(f"{path}/complete")
    method = platform.read(f"{CUSTOMERS}/{customer}/payment_methods")["data"][0]["id"]

    away = paid(platform, method=method, customer=customer, off_session=True)

    assert away["status"] == "succeeded"
    there = intent(platform, payment_method=method, customer=customer, confirm=True)
    assert there["status"] == "requires_action"


def test_an_account_can_ask_for_authentication(platform):
    asking = intent(
        platform,
        payment_method="pm_card_visa",
        confirm=True,
        payment_method_options={"card": {"request_three_d_secure": "any"}},
    )

    assert asking["status"] == "requires_action"
    assert platform.made(path_of(asking, "cancel"))["status"] == "canceled"


# Bank accounts


def test_a_bank_account_pays_by_the_next_request(platform):
    waiting = debited(platform, expand=["latest_charge"])
    done = platform.read(path_of(waiting), expand=["latest_charge.balance_transaction"])

    assert (waiting["status"], waiting["processing"]) == ("processing", None)
    charge = waiting["latest_charge"]
    assert charge["id"].startswith("py_3")
    assert (charge["status"], charge["paid"], charge["captured"], charge["outcome"]) == ("pending", False, True, None)
    assert (charge["amount_captured"], charge["balance_transaction"], charge["receipt_url"]) == (20_00, None, None)
    bank = charge["payment_method_details"]["us_bank_account"]
    assert platform.read(f"/v1/mandates/{bank['mandate']}")["status"] == "active"
    money = done["latest_charge"]["balance_transaction"]
    assert (done["status"], done["latest_charge"]["outcome"]["risk_level"]) == ("succeeded", "not_assessed")
    assert (money["type"], money["fee"], money["status"]) == ("payment", 16, "available")
    assert balance(platform) == (20_00 - 16, 0)
    assert platform.event_types() == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert said_by_doctor(platform) == []


@pytest.mark.parametrize(
    "token, code",
    [
        ("accountClosed", "account_closed"),
        ("noAccount", "no_account"),
        ("insufficientFunds", "insufficient_funds"),
        ("debitNotAuthorized", "debit_not_authorized"),
        ("invalidCurrency", "payment_method_currency_mismatch"),
        ("invalidAccountNumber", "account_number_invalid"),
        ("weeklyLimitExceeded", "charge_exceeds_source_limit"),
    ],
)
def test_a_bank_refuses_by_the_test_number(platform, token, code):
    waiting = debited(platform, f"pm_usBankAccount_{token}")
    after = platform.read(path_of(waiting), expand=["latest_charge"])

    assert (after["status"], after["last_payment_error"]["code"]) == ("requires_payment_method", code)
    assert (after["latest_charge"]["status"], after["latest_charge"]["failure_code"]) == ("failed", code)
    assert platform.event_types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    assert said_by_doctor(platform) == []


def test_a_bank_account_may_stay_undecided(platform):
    waiting = debited(platform, "pm_usBankAccount_processing")
    platform.clock(advance=30 * DAY)

    assert platform.read(path_of(waiting))["status"] == "processing"
    refusal = platform.post(path_of(waiting, "cancel"))
    assert (refusal.status, refusal.error["code"]) == (400, "payment_intent_unexpected_state")


def test_a_bank_account_needs_a_mandate_dollars_and_to_be_verified(platform):
    sent = {"amount": 20_00, **BANKS_ONLY, "confirm": True}

    without = platform.post(INTENTS, **sent, currency="usd", payment_method="pm_usBankAccount_success")
    euros = platform.post(
        INTENTS, **sent, currency="eur", payment_method="pm_usBankAccount_success", mandate_data=OFFLINE
    )
    unverified = platform.post(INTENTS, **sent, currency="usd", payment_method_data=BANK, mandate_data=OFFLINE)

    assert (without.status, without.error["code"]) == (400, "payment_intent_mandate_invalid")
    assert (euros.status, euros.error["param"]) == (400, "currency")
    assert (unverified.status, unverified.error["param"]) == (501, "payment_method")


# Bad input and wrong states


@pytest.mark.parametrize(
    "params, status, param, code",
    [
        ({"amount": 49}, 400, "amount", "amount_too_small"),
        ({"amount": 29, "currency": "gbp"}, 400, "amount", "amount_too_small"),
        ({"amount": 49, "currency": "jpy"}, 400, "amount", "amount_too_small"),
        ({"amount": 0}, 400, "amount", "parameter_invalid_integer"),
        ({"amount": -1}, 400, "amount", "parameter_invalid_integer"),
        ({"amount": 100_000_000}, 400, None, "amount_too_large"),
        ({"currency": "xxx"}, 400, "currency", None),
        ({"customer": "cus_x"}, 400, "customer", "resource_missing"),
        ({"payment_method": "pm_x"}, 400, "payment_method", "resource_missing"),
        ({"payment_method": "pm_usBankAccount_success"}, 400, "payment_method", None),
        ({"return_url": "https://example.com"}, 400, "return_url", None),
        ({"off_session": True}, 400, "off_session", None),
        ({"off_session": "sometimes", "confirm": True}, 400, "off_session", None),
        ({"off_session": ["one_off"], "confirm": True}, 400, "off_session", None),
        ({"on_behalf_of": "acct_x"}, 400, "on_behalf_of", "resource_missing"),
        ({"application_fee_amount": 1}, 400, "application_fee_amount", None),
        ({"transfer_data": {"destination": "acct_x"}}, 400, "transfer_data[destination]", "resource_missing"),
        ({"statement_descriptor": "x" * 23}, 400, "statement_descriptor", None),
        ({"capture_method": "later"}, 400, "capture_method", None),
        ({"confirmation_token": "ctoken_x"}, 501, "confirmation_token", None),
        ({"customer_account": "acct_x"}, 501, "customer_account", None),
        ({"hooks": {"inputs": {"tax": {"calculation": "taxcalc_x"}}}}, 501, "hooks", None),
        ({"amount_details": {"tax": {"total_tax_amount": 1}}}, 501, "amount_details", None),
        (
            {"payment_method_options": {"card": {"cvc_token": "x"}}},
            501,
            "payment_method_options[card][cvc_token]",
            None,
        ),
    ],
)
def test_bad_intents_are_refused(platform, params, status, param, code):
    refusal = platform.post(INTENTS, **{"amount": 20_00, "currency": "usd", **CARDS_ONLY, **params})

    assert (refusal.status, refusal.error.get("param")) == (status, param)
    assert code is None or refusal.error["code"] == code
    assert platform.read(INTENTS)["data"] == []


def test_amounts_say_their_bounds_in_the_currency(platform):
    small = platform.post(INTENTS, amount=1, currency="eur", **CARDS_ONLY)
    large = platform.post(INTENTS, amount=100_000_000, currency="usd", **CARDS_ONLY)

    assert small.error["message"] == "Amount must be at least €0.50 eur"
    assert large.error["message"] == "Amount must be no more than $999,999.99"


def in_state(client, status):
    """An intent of a status."""
    made = intent(client)
    if status == "requires_payment_method":
        return made
    if status == "canceled":
        return client.made(path_of(made, "cancel"))
    if status == "processing":
        return debited(client, "pm_usBankAccount_processing")
    more = {
        "requires_action": {"payment_method": "pm_card_threeDSecure2Required", "confirm": True},
        "requires_capture": {"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"},
        "requires_confirmation": {"payment_method": "pm_card_visa"},
        "succeeded": {"payment_method": "pm_card_visa", "confirm": True},
    }
    return intent(client, **more[status])


ALLOWED = {
    "cancel": ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"),
    "capture": ("requires_capture",),
    "confirm": ("requires_payment_method", "requires_confirmation", "requires_action"),
    "": ("requires_payment_method", "requires_confirmation", "requires_action"),
}


@pytest.mark.parametrize("status", LIFECYCLE.moves)
@pytest.mark.parametrize("verb", ALLOWED)
def test_only_what_a_status_allows_can_be_done(platform, status, verb):
    made = in_state(platform, status)
    params = {"confirm": {"payment_method": "pm_card_visa"}, "": {"amount": 30_00}}.get(verb, {})

    reply = platform.post(path_of(made, verb), **params)

    assert made["status"] == status
    if status in ALLOWED[verb]:
        assert reply.status == 200
    else:
        assert (reply.status, reply.error["code"]) == (400, "payment_intent_unexpected_state")
        assert reply.error["payment_intent"] == platform.read(path_of(made))


def test_what_nobody_is_charged_by_may_always_change(platform):
    made = paid(platform)

    after = platform.made(path_of(made), description="Late", metadata={"a": "1"}, transfer_group="g")

    assert (after["description"], after["metadata"], after["transfer_group"]) == ("Late", {"a": "1"}, "g")


def test_intents_are_listed_by_customer(platform, customer):
    mine = intent(platform, customer=customer)
    intent(platform)

    assert [one["id"] for one in platform.read(INTENTS, customer=customer)["data"]] == [mine["id"]]
    assert len(platform.read(INTENTS)["data"]) == 2


def test_a_key_that_was_used_pays_once(platform):
    sent = {"amount": 20_00, "currency": "usd", **CARDS_ONLY, "payment_method": "pm_card_visa", "confirm": True}

    first, second = (platform.post(INTENTS, headers={"Idempotency-Key": "once"}, **sent) for _ in range(2))

    assert first.json == second.json
    assert len(platform.read(CHARGES)["data"]) == 1


# Connected accounts


def test_a_direct_charge_is_the_accounts_own_and_its_fee_the_platforms(platform):
    business = connected(platform)
    made = paid(business, application_fee_amount=2_00)
    charge = business.read(f"{CHARGES}/{made['latest_charge']}", expand=["balance_transaction"])
    (fee,) = platform.read("/v1/application_fees", expand=["data.balance_transaction"])["data"]

    money = charge["balance_transaction"]
    assert (money["amount"], money["fee"], money["net"]) == (20_00, 2_00 + 88, 18_00 - 88)
    assert [one["type"] for one in money["fee_details"]] == ["application_fee", "stripe_fee"]
    assert charge["application_fee"] == fee["id"] and charge["application"] == fee["application"]
    assert (fee["account"], fee["charge"], fee["amount"]) == (business.account, charge["id"], 2_00)
    assert fee["balance_transaction"]["type"] == "application_fee"
    assert (balance(business), balance(platform)) == ((0, 18_00 - 88), (0, 2_00))
    assert platform.event_types()[-1] == "application_fee.created"
    assert platform.get(f"{CHARGES}/{charge['id']}").status == 404
    assert said_by_doctor(platform) == []


@pytest.mark.parametrize(
    "payer, losses, dashboard, fee, of_dispute",
    [
        ("account", "stripe", "full", 88, 15_00),
        ("application", "stripe", "full", 0, 15_00),
        ("application", "application", "none", 0, 0),
        ("application_custom", None, None, 88, 15_00),
        ("application_express", None, None, 88, 15_00),
    ],
)
def test_who_pays_stripes_fees_of_a_direct_charge_is_said_by_the_controller(
    platform, payer, losses, dashboard, fee, of_dispute
):
    kind = {"type": payer.removeprefix("application_")}
    if losses is not None:
        collects = "application" if dashboard == "none" else "stripe"
        kind = {
            "controller": {
                "fees": {"payer": payer},
                "losses": {"payments": losses},
                "requirement_collection": collects,
                "stripe_dashboard": {"type": dashboard},
            }
        }
    asked = {name: {"requested": True} for name in ("card_payments", "transfers")}
    account = platform.made("/v1/accounts", country="US", capabilities=asked, **kind)
    business = platform.acting_as(account["id"])

    paid(business)
    after = balance(business)
    paid(business, method="pm_card_createDispute")
    business.read("/v1/balance")

    assert account["controller"]["fees"]["payer"] == payer
    assert after == (0, 20_00 - fee)
    assert balance(business) == (-20_00 - of_dispute, 2 * (20_00 - fee))
    assert balance(platform) == (0, 0)
    assert said_by_doctor(platform) == []


def test_a_charge_with_a_destination_goes_there_but_for_the_fee(platform):
    business = connected(platform)
    made = paid(platform, transfer_data={"destination": business.account}, application_fee_amount=3_00)
    charge = platform.read(f"{CHARGES}/{made['latest_charge']}", expand=["transfer", "application_fee"])
    transfer = charge["transfer"]
    payment = business.read(f"{CHARGES}/{transfer['destination_payment']}", expand=["balance_transaction"])

    assert made["transfer_group"] == charge["transfer_group"] == transfer["transfer_group"] == f"group_{made['id']}"
    assert (transfer["amount"], transfer["source_transaction"]) == (20_00, charge["id"])
    assert transfer["id"][3:19] == made["id"][3:19]
    assert (payment["amount"], payment["source_transfer"]) == (20_00, transfer["id"])
    money = payment["balance_transaction"]
    assert (money["net"], money["fee"], money["status"]) == (17_00, 3_00, "pending")
    assert (charge["application_fee"]["charge"], charge["application_fee"]["originating_transaction"]) == (
        payment["id"],
        charge["id"],
    )
    assert (balance(platform), balance(business)) == ((0, 3_00 - 88), (0, 17_00))
    platform.clock(advance=3 * DAY)
    assert (balance(platform), balance(business)) == ((3_00 - 88, 0), (17_00, 0))
    assert said_by_doctor(platform) == []


def test_a_part_of_a_charge_goes_to_its_destination(platform):
    business = connected(platform)
    paid(platform, transfer_data={"destination": business.account, "amount": 12_00}, on_behalf_of=business.account)

    assert (balance(platform), balance(business)) == ((0, 8_00 - 88), (0, 12_00))


@pytest.mark.parametrize(
    "params, param",
    [
        ({"transfer_data": {"amount": 20_01}}, "transfer_data[amount]"),
        ({"application_fee_amount": 20_01}, "application_fee_amount"),
        ({"transfer_data": {"amount": 1}, "application_fee_amount": 1}, "application_fee_amount"),
    ],
)
def test_more_than_a_charge_cannot_go_on(platform, params, param):
    business = connected(platform)
    data = {"destination": business.account, **params.get("transfer_data", {})}

    refusal = platform.post(INTENTS, amount=20_00, currency="usd", **CARDS_ONLY, **{**params, "transfer_data": data})

    assert (refusal.status, refusal.error["param"]) == (400, param)


def test_an_account_that_cannot_receive_transfers_is_no_destination(platform):
    business = connected(platform, "card_issuing")

    refusal = platform.post(
        INTENTS, amount=20_00, currency="usd", **CARDS_ONLY, transfer_data={"destination": business.account}
    )

    assert refusal.error["code"] == "insufficient_capabilities_for_transfer"


def test_a_held_charge_takes_its_fee_when_it_is_captured(platform):
    business = connected(platform)
    held = intent(business, payment_method="pm_card_visa", confirm=True, capture_method="manual")

    business.made(path_of(held, "capture"), amount_to_capture=10_00, application_fee_amount=1_00)

    assert (balance(business), balance(platform)) == ((0, 9_00 - 59), (0, 1_00))


@pytest.mark.parametrize("sends_on", [False, True])
def test_the_fee_of_a_part_that_is_captured_is_that_part_at_most(platform, sends_on):
    business = connected(platform)
    client, more = (platform, {"transfer_data": {"destination": business.account}}) if sends_on else (business, {})
    sent = {"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual", **more}
    held = intent(client, application_fee_amount=8_00, **sent)

    client.made(path_of(held, "capture"), amount_to_capture=5_00)

    (fee,) = platform.read("/v1/application_fees")["data"]
    charge = client.read(f"{CHARGES}/{held['latest_charge']}")
    assert (fee["amount"], charge["application_fee_amount"]) == (5_00, 8_00)
    assert balance(business) == (0, 0 if sends_on else -45)  # Stripe's own fee of a direct charge
    assert said_by_doctor(platform) == []


@pytest.mark.parametrize("amount", [{"amount": 10_00}, {"transfer_data": {"amount": 20_01}}])
def test_an_intent_never_comes_to_send_on_more_than_is_paid(platform, amount):
    made = intent(platform, transfer_data={"destination": connected(platform).account, "amount": 15_00})

    refusal = platform.post(f"{INTENTS}/{made['id']}", **amount)

    assert (refusal.status, refusal.error["param"]) == (400, "transfer_data[amount]")


def test_no_more_is_sent_on_than_is_captured(platform):
    data = {"destination": connected(platform).account, "amount": 15_00}
    held = [
        intent(platform, payment_method="pm_card_visa", confirm=True, capture_method="manual", transfer_data=data)
        for _ in range(2)
    ]

    refusal = platform.post(path_of(held[0], "capture"), amount_to_capture=10_00, transfer_data={"amount": 10_01})
    platform.made(path_of(held[1], "capture"), amount_to_capture=10_00)

    assert (refusal.status, refusal.error["param"]) == (400, "transfer_data[amount]")
    assert [one["amount"] for one in platform.read("/v1/transfers")["data"]] == [10_00]


@pytest.mark.parametrize("named", ["transfer_data", "on_behalf_of"])
def test_nothing_is_paid_for_an_account_that_is_gone(platform, named):
    business = connected(platform)
    whom = {"transfer_data": {"destination": business.account}, "on_behalf_of": business.account}
    waiting = intent(platform, payment_method="pm_card_visa", **{named: whom[named]})
    held = intent(
        platform, payment_method="pm_card_visa", confirm=True, capture_method="manual", **{named: whom[named]}
    )
    platform.delete(f"/v1/accounts/{business.account}")

    refusals = [
        platform.post(path_of(waiting, "confirm")),
        platform.post(path_of(held, "capture")),
        platform.post(INTENTS, amount=20_00, currency="usd", **{named: whom[named]}),
    ]

    assert [one.status for one in refusals] == [400] * 3
    assert {one.error["code"] for one in refusals} == {"resource_missing"}
    assert balance(platform) == (0, 0)


@pytest.mark.parametrize(
    "path, sent",
    [
        (INTENTS, {"amount": 20_00, "currency": "usd"}),
        (CHARGES, {"amount": 20_00, "currency": "usd", "source": "tok_visa"}),
        ("/v1/setup_intents", {}),
    ],
)
def test_a_platform_alone_is_paid_on_behalf_of_an_account_and_never_of_itself(platform, path, sent):
    one, other = connected(platform), connected(platform)

    neighbour = one.post(path, **sent, on_behalf_of=other.account)
    itself = one.post(path, **sent, on_behalf_of=one.account)
    platforms = platform.post(path, **sent, on_behalf_of=platform.read("/v1/account")["id"])

    assert (neighbour.error["code"], neighbour.error["param"]) == ("resource_missing", "on_behalf_of")
    for refusal in (itself, platforms):
        assert (refusal.status, refusal.error["param"]) == (400, "on_behalf_of")
        assert refusal.error["message"] == "The 'on_behalf_of' param cannot be set to your own account."


def test_a_browser_learns_no_more_from_a_refusal(platform):
    made = intent(platform, metadata={"margin": "90"}, transfer_data={"destination": connected(platform).account})
    browser, proof = public(platform, made)

    read = browser.read(path_of(made), **proof)
    declined = browser.post(path_of(made, "confirm"), payment_method="pm_card_chargeDeclined", **proof)
    nothing = browser.post(path_of(made, "confirm"), **proof)

    assert (declined.status, nothing.status) == (402, 400)
    for refusal in (declined, nothing):
        assert refusal.error["payment_intent"].keys() == read.keys()
    assert "metadata" in platform.post(path_of(made, "confirm")).error["payment_intent"]


def test_the_balance_holds_every_currency_that_was_charged(platform):
    paid(platform, currency="eur")

    assert (balance(platform, "eur"), balance(platform)) == ((0, 19_12), (0, 0))


def test_a_receipt_opens_without_a_key(platform):
    made = paid(platform, description="<Rocket>", expand=["latest_charge"])
    charge = platform.read(f"{CHARGES}/{made['latest_charge']}")
    browser = platform.app.test_client()

    page = browser.get(charge["receipt_url"].removeprefix("http://localhost")).get_data(as_text=True)

    assert "$20.00 usd" in page and "&lt;Rocket&gt;" in page
    assert browser.get("/receipts/x").status_code == 404
