"""Setup intents: cards and bank accounts saved for later, for a customer or for the account itself."""

from __future__ import annotations

import re

import pytest

from emulator.data.api_versions import DEFAULT
from emulator.payments import microdeposits
from tests.client import Client
from tests.issuing.holders import a_connected_account, previous, told
from tests.payments.test_payment_methods import BANK, CARD, METHODS

INTENTS, ATTEMPTS, CUSTOMERS = "/v1/setup_intents", "/v1/setup_attempts", "/v1/customers"
NO_REDIRECTS = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
BANKS_ONLY = {"allowed_payment_method_types": ["us_bank_account"]}
OFFLINE = {"customer_acceptance": {"type": "offline"}}
ONLINE = {"customer_acceptance": {"type": "online", "online": {"ip_address": "8.8.8.8", "user_agent": "curl"}}}
DAY = 24 * 60 * 60


@pytest.fixture
def customer(platform) -> str:
    """A customer of the platform."""
    return platform.made(CUSTOMERS, name="Jenny Rosen")["id"]


def waiting(client: Client, **more) -> dict:
    """An intent whose bank account waits to be verified."""
    return client.made(INTENTS, **BANKS_ONLY, payment_method_data=BANK, confirm=True, mandate_data=OFFLINE, **more)


def path_of(intent: dict, verb: str = "") -> str:
    """Where an intent is found, or what is done with it."""
    return f"{INTENTS}/{intent['id']}" + (f"/{verb}" if verb else "")


# Making and changing


def test_an_intent_goes_from_nothing_to_a_saved_card(platform, customer):
    made = platform.made(INTENTS, customer=customer, **NO_REDIRECTS, metadata={"a": "1"})
    chosen = platform.made(path_of(made), payment_method="pm_card_visa")
    saved = platform.made(path_of(made, "confirm"), expand=["payment_method", "latest_attempt", "customer"])

    assert [one["status"] for one in (made, chosen, saved)] == [
        "requires_payment_method",
        "requires_confirmation",
        "succeeded",
    ]
    assert re.fullmatch(rf"{made['id']}_secret_[0-9A-Za-z]{{31}}", made["client_secret"])
    assert (made["payment_method_types"], made["allowed_payment_method_types"]) == (["card", "us_bank_account"], None)
    assert (made["usage"], made["flow_directions"], "attach_to_self" in made) == ("off_session", None, False)
    assert saved["payment_method"]["customer"] == saved["customer"]["id"] == customer
    assert saved["payment_method"]["card"]["checks"]["cvc_check"] == "pass"
    assert (saved["latest_attempt"]["status"], saved["mandate"]) == ("succeeded", None)
    assert told(platform)[1:] == [
        ("setup_intent.created", None),
        ("payment_method.attached", None),
        ("setup_intent.succeeded", None),
    ]
    attempts = platform.read(ATTEMPTS, setup_intent=made["id"], expand=["data.setup_intent"])["data"]
    assert [one["setup_intent"]["id"] for one in attempts] == [made["id"]]


def test_an_intent_names_the_methods_it_takes(platform):
    allowed = platform.made(INTENTS, allowed_payment_method_types=["us_bank_account", "link"])
    excluded = platform.made(INTENTS, excluded_payment_method_types=["card"])
    off = platform.made(INTENTS, automatic_payment_methods={"enabled": False})
    unbuilt = platform.post(INTENTS, allowed_payment_method_types=["sepa_debit"])

    assert (allowed["payment_method_types"], allowed["automatic_payment_methods"]) == (["us_bank_account"], None)
    assert allowed["allowed_payment_method_types"] == ["us_bank_account", "link"]
    assert excluded["payment_method_types"] == ["us_bank_account"]
    assert off["payment_method_types"] == ["card"]
    assert unbuilt.status == 501
    refusal = platform.post(path_of(allowed), payment_method="pm_card_visa")
    assert (refusal.status, refusal.error["param"]) == (400, "payment_method")


@pytest.mark.parametrize(
    "sent, param, code, status",
    [
        ({"customer": "cus_nope"}, "customer", "resource_missing", 400),
        ({"payment_method": "pm_nope"}, "payment_method", "resource_missing", 400),
        ({"on_behalf_of": "acct_nope"}, "on_behalf_of", "resource_missing", 400),
        ({"mandate_data": OFFLINE}, "mandate_data", None, 400),
        ({"return_url": "https://example.com"}, "return_url", None, 400),
        (
            {"payment_method": "pm_card_visa", "payment_method_data": BANK},
            "payment_method_data",
            "parameters_exclusive",
            400,
        ),
        ({"confirmation_token": "ctoken_1"}, "confirmation_token", None, 501),
        ({"payment_method_configuration": "pmc_1"}, "payment_method_configuration", None, 501),
        (
            {"payment_method_options": {"us_bank_account": {"verification_method": "instant"}}},
            "payment_method_options[us_bank_account][verification_method]",
            None,
            501,
        ),
        (
            {"payment_method_data": {"type": "sepa_debit", "sepa_debit": {"iban": "DE1"}}},
            "payment_method_data[type]",
            None,
            501,
        ),
    ],
)
def test_what_cannot_be_set_up_is_refused_and_leaves_nothing(platform, sent, param, code, status):
    refusal = platform.post(INTENTS, **sent)

    assert (refusal.status, refusal.error["param"], refusal.error.get("code")) == (status, param, code)
    assert platform.read(INTENTS)["data"] == [] and platform.events() == []


def test_a_customer_and_the_account_itself_exclude_each_other(platform, customer):
    refusal = platform.post(INTENTS, customer=customer, attach_to_self=True)
    intent = platform.made(INTENTS, customer=customer)

    later = platform.post(path_of(intent), attach_to_self=True)

    for one in (refusal, later):
        assert (one.status, one.error["code"]) == (400, "parameters_exclusive")


def test_a_payment_method_of_a_customer_needs_that_customer(platform, customer):
    card = platform.made(f"{METHODS}/pm_card_visa/attach", customer=customer)["id"]

    refusal = platform.post(INTENTS, payment_method=card)

    assert (refusal.status, refusal.error["param"]) == (400, "payment_method")
    assert customer in refusal.error["message"]
    assert platform.made(INTENTS, payment_method=card, customer=customer)["status"] == "requires_confirmation"


def test_where_methods_may_redirect_somebody_says_where_to_come_back(platform):
    newest = platform.pinned(DEFAULT)
    refusal = newest.post(INTENTS, payment_method="pm_card_visa", confirm=True)
    let_off = platform.made(INTENTS, payment_method="pm_card_visa", confirm=True)
    there = platform.made(INTENTS, payment_method="pm_card_visa", confirm=True, return_url="https://example.com")

    assert refusal.status == 400 and refusal.error["message"].startswith("A `return_url` must be specified because")
    assert let_off["status"] == there["status"] == "succeeded"
    assert [one["id"] for one in platform.read(INTENTS)["data"]] == [there["id"], let_off["id"]]


def test_an_intent_without_a_payment_method_cannot_be_confirmed(platform):
    intent = platform.made(INTENTS, **NO_REDIRECTS)

    refusal = platform.post(path_of(intent, "confirm"))

    assert (refusal.status, refusal.error["code"]) == (400, "setup_intent_unexpected_state")
    assert refusal.error["setup_intent"] == platform.read(path_of(intent))


def test_lists_are_of_a_customer_a_payment_method_or_the_account_itself(platform, customer):
    of_customer = platform.made(INTENTS, customer=customer, payment_method="pm_card_visa")
    own = platform.made(INTENTS, attach_to_self=True)

    def ids(**filters):
        return [one["id"] for one in platform.read(INTENTS, **filters)["data"]]

    assert ids() == [own["id"], of_customer["id"]]
    assert ids(customer=customer) == ids(payment_method=of_customer["payment_method"]) == [of_customer["id"]]
    assert ids(attach_to_self=True) == [own["id"]]


# Cards


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize(
    "token, code, decline_code, param",
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline", None),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", None),
        ("pm_card_cvcCheckFail", "incorrect_cvc", None, "cvc"),
    ],
)
def test_a_declined_card_leaves_the_intent_without_one_and_the_failure_on_record(
    platform, customer, token, code, decline_code, param, keyed
):
    intent = platform.made(INTENTS, customer=customer, payment_method=token, **NO_REDIRECTS)
    headers = {"Idempotency-Key": "once"} if keyed else {}

    refusal = platform.post(path_of(intent, "confirm"), headers=headers)

    error = refusal.error
    assert (refusal.status, error["type"], error["code"]) == (402, "card_error", code)
    assert (error.get("decline_code"), error.get("param")) == (decline_code, param)
    now = platform.read(path_of(intent))
    assert error["setup_intent"] == now
    assert (now["status"], now["payment_method"]) == ("requires_payment_method", None)
    assert error["payment_method"]["id"] == intent["payment_method"]
    assert now["last_setup_error"]["payment_method"] == error["payment_method"]
    assert {name: now["last_setup_error"][name] for name in ("code", "message", "type")} == {
        "code": code,
        "message": error["message"],
        "type": "card_error",
    }
    attempt = platform.read(ATTEMPTS, setup_intent=intent["id"])["data"][0]
    assert (attempt["id"], attempt["status"]) == (now["latest_attempt"], "failed")
    assert attempt["setup_error"] == now["last_setup_error"]
    assert platform.event_types()[-2:] == ["setup_intent.created", "setup_intent.setup_failed"]
    if keyed:
        again = platform.post(path_of(intent, "confirm"), headers=headers)
        assert (again.body, again.headers["Idempotent-Replayed"]) == (refusal.body, "true")
    assert platform.made(path_of(intent, "confirm"), payment_method="pm_card_visa")["last_setup_error"] is None


def test_an_intent_confirmed_when_it_is_made_stays_though_its_card_is_declined(platform):
    refusal = platform.post(INTENTS, payment_method="pm_card_chargeDeclined", confirm=True, **NO_REDIRECTS)

    assert refusal.status == 402
    assert [one["id"] for one in platform.read(INTENTS)["data"]] == [refusal.error["setup_intent"]["id"]]
    assert platform.event_types() == ["setup_intent.created", "setup_intent.setup_failed"]


def test_a_card_that_only_payments_would_decline_is_saved(platform, customer):
    intent = platform.made(
        INTENTS, customer=customer, payment_method="pm_card_chargeCustomerFail", confirm=True, **NO_REDIRECTS
    )

    assert intent["status"] == "succeeded"


def asked_about(platform, **params):
    """An intent whose card's holder is asked, and the path of the page for that."""
    sent = {"payment_method": "pm_card_authenticationRequired", "confirm": True, **NO_REDIRECTS, **params}
    intent = platform.made(INTENTS, **sent)
    action = intent["next_action"]
    url = action["redirect_to_url"]["url"] if "redirect_to_url" in action else action["use_stripe_sdk"]["stripe_js"]
    return intent, url.removeprefix("http://localhost")


@pytest.mark.parametrize("name", ["authenticationRequired", "authenticationRequiredOnSetup", "threeDSecure2Required"])
def test_the_holder_of_a_card_authenticates_that_it_is_saved(platform, customer, name):
    asked, path = asked_about(
        platform, customer=customer, payment_method=f"pm_card_{name}", return_url="https://example.com/back"
    )

    page = platform.http.get(path).get_data(as_text=True)
    back = platform.http.post(f"{path}/complete").get_data(as_text=True)
    after = platform.read(path_of(asked), expand=["latest_attempt", "payment_method"])

    assert (asked["status"], asked["next_action"]["type"]) == ("requires_action", "redirect_to_url")
    assert asked["next_action"]["redirect_to_url"]["return_url"] == "https://example.com/back"
    assert f"Setup {asked['id']}." in page
    assert f"https://example.com/back?setup_intent={asked['id']}&amp;setup_intent_client_secret={asked['id']}" in back
    assert "redirect_status=succeeded" in back
    assert (after["status"], after["next_action"]) == ("succeeded", None)
    assert after["payment_method"]["customer"] == customer
    assert after["latest_attempt"]["status"] == "succeeded"
    assert after["latest_attempt"]["payment_method_details"]["card"]["three_d_secure"]["result"] == "authenticated"
    assert [name for name in platform.event_types() if name.startswith("setup_intent.")] == [
        "setup_intent.created",
        "setup_intent.requires_action",
        "setup_intent.succeeded",
    ]


def test_a_holder_who_fails_has_saved_nothing(platform):
    asked, path = asked_about(platform)

    said = platform.http.post(f"{path}/fail").get_data(as_text=True)
    after = platform.read(path_of(asked), expand=["latest_attempt"])

    assert "requires payment method" in said
    assert (after["status"], after["payment_method"]) == ("requires_payment_method", None)
    assert after["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    assert after["last_setup_error"]["type"] == "invalid_request_error"
    assert after["latest_attempt"]["status"] == "failed"
    assert platform.event_types()[-1] == "setup_intent.setup_failed"
    assert "does not wait" in platform.http.get(path).get_data(as_text=True)
    assert platform.http.post(f"{path}/complete").status_code == 200
    assert platform.read(path_of(asked))["status"] == "requires_payment_method"


def test_while_the_holder_of_a_card_is_asked_nothing_else_is_proof(platform):
    asked, _ = asked_about(platform)

    refusal = platform.post(path_of(asked, "verify_microdeposits"), descriptor_code="SM11AA")
    canceled = platform.made(path_of(asked, "cancel"))

    assert (refusal.status, refusal.error["code"]) == (400, "setup_intent_unexpected_state")
    assert (canceled["status"], canceled["next_action"]) == ("canceled", None)


def test_the_owner_of_a_bank_account_is_not_asked_as_the_holder_of_a_card(platform, customer):
    waiting = platform.made(
        INTENTS, customer=customer, payment_method_data=BANK, confirm=True, mandate_data=OFFLINE, **NO_REDIRECTS
    )
    address = waiting["next_action"]["verify_with_microdeposits"]["hosted_verification_url"]
    path = f"/authenticate/{address.rpartition('/')[2]}"

    assert "does not wait" in platform.http.get(path).get_data(as_text=True)
    assert platform.http.post(f"{path}/complete").status_code == 200
    assert platform.read(path_of(waiting)) == waiting


def test_an_account_can_have_the_holder_of_any_card_asked(platform):
    asked, path = asked_about(
        platform,
        payment_method="pm_card_visa",
        payment_method_options={"card": {"request_three_d_secure": "any"}},
    )

    assert asked["payment_method_options"]["card"]["request_three_d_secure"] == "any"
    platform.http.post(f"{path}/complete")
    assert platform.read(path_of(asked))["status"] == "succeeded"


# Bank accounts


def test_a_bank_account_that_money_is_only_sent_to_is_saved_at_once(platform):
    account = a_connected_account(platform, "transfers", "treasury")

    intent = account.made(
        INTENTS,
        attach_to_self=True,
        flow_directions=["outbound"],
        **BANKS_ONLY,
        payment_method_data=BANK,
        confirm=True,
        expand=["payment_method"],
    )

    assert (intent["status"], intent["mandate"], intent["attach_to_self"]) == ("succeeded", None, True)
    assert intent["payment_method"]["customer"] is None
    assert account.read(METHODS)["data"] == [intent["payment_method"]]
    assert account.event_types() == ["setup_intent.created", "setup_intent.succeeded"]


def test_taking_money_needs_a_mandate(platform):
    refusal = platform.post(INTENTS, **BANKS_ONLY, payment_method_data=BANK, confirm=True)

    assert (refusal.status, refusal.error["code"]) == (400, "setup_intent_mandate_invalid")
    assert refusal.error["setup_intent"]["status"] == "requires_confirmation"
    assert platform.read(INTENTS)["data"] == []


def test_a_bank_account_waits_until_its_owner_proves_it(platform, customer):
    platform.clock(frozen=True)
    platform.clock(set=1_922_108_400)  # 2030-11-28, 15:00 UTC, Thanksgiving
    intent = waiting(platform, customer=customer, flow_directions=["inbound", "outbound"])

    assert (intent["status"], intent["flow_directions"]) == ("requires_action", ["inbound", "outbound"])
    action = intent["next_action"]["verify_with_microdeposits"]
    assert (intent["next_action"]["type"], action["microdeposit_type"]) == (
        "verify_with_microdeposits",
        "descriptor_code",
    )
    assert action["arrival_date"] == 1_922_169_600  # the next day, 00:00 Pacific
    assert platform.read(f"{METHODS}/{intent['payment_method']}")["customer"] is None
    mandate = platform.read(f"/v1/mandates/{intent['mandate']}", expand=["payment_method"])
    assert (mandate["status"], mandate["type"], mandate["multi_use"]) == ("pending", "multi_use", {})
    assert mandate["payment_method"]["id"] == intent["payment_method"]
    assert mandate["customer_acceptance"] == {"accepted_at": 1_922_108_400, "offline": {}, "type": "offline"}

    verified = platform.made(path_of(intent, "verify_microdeposits"), descriptor_code="SM11AA", expand=["mandate"])

    assert (verified["status"], verified["next_action"], verified["mandate"]["status"]) == (
        "succeeded",
        None,
        "active",
    )
    assert platform.read(f"{METHODS}/{intent['payment_method']}")["customer"] == customer
    assert told(platform) == [
        ("setup_intent.created", None),
        ("setup_intent.requires_action", None),
        ("payment_method.attached", None),
        ("mandate.updated", {"status": "pending"}),
        ("setup_intent.succeeded", None),
    ]
    again = platform.post(path_of(intent, "verify_microdeposits"), amounts=[32, 45])
    assert (again.status, again.error["code"]) == (400, "payment_method_bank_account_already_verified")


def test_a_verified_bank_account_is_saved_again_without_a_new_proof_or_mandate(platform, customer):
    intent = waiting(platform, customer=customer)
    platform.made(path_of(intent, "verify_microdeposits"), amounts=[45, 32])

    again = platform.made(
        INTENTS, **BANKS_ONLY, customer=customer, payment_method=intent["payment_method"], confirm=True
    )

    assert (again["status"], again["mandate"]) == ("succeeded", intent["mandate"])


def test_the_tokens_of_bank_accounts_are_verified_already(platform, customer):
    intent = platform.made(
        INTENTS,
        **BANKS_ONLY,
        customer=customer,
        payment_method="pm_usBankAccount",
        confirm=True,
        mandate_data=ONLINE,
        expand=["mandate"],
    )

    assert (intent["status"], intent["mandate"]["status"]) == ("succeeded", "active")
    assert intent["mandate"]["customer_acceptance"]["online"] == {"ip_address": "8.8.8.8", "user_agent": "curl"}
    assert platform.event_types()[1:] == ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]


def test_a_permission_for_once_says_for_how_much(platform):
    intent = waiting(platform, single_use={"amount": 5_00, "currency": "usd"})

    mandate = platform.read(f"/v1/mandates/{intent['mandate']}")

    assert intent["single_use_mandate"] == intent["mandate"]
    assert (mandate["type"], mandate["single_use"]) == ("single_use", {"amount": 5_00, "currency": "usd"})
    assert "multi_use" not in mandate


@pytest.mark.parametrize(
    "sent, tries, name",
    [
        ({"amounts": [1, 2]}, 3, "amounts"),
        ({"descriptor_code": "SM00XX"}, 10, "descriptor_code"),
    ],
)
def test_a_proof_may_be_wrong_only_so_often(platform, sent, tries, name):
    intent = waiting(platform)
    path = path_of(intent, "verify_microdeposits")

    refusals = [platform.post(path, **sent) for _ in range(tries)]

    for tried, refusal in enumerate(refusals[:-1], start=1):
        assert (refusal.status, refusal.error["code"]) == (
            400,
            f"payment_method_microdeposit_verification_{name}_mismatch",
        )
        assert refusal.error["message"].endswith(f"You have {tries - tried} verification attempts remaining.")
        assert refusal.error["setup_intent"]["status"] == "requires_action"
    last = refusals[-1].error
    assert last["code"] == "payment_method_microdeposit_verification_attempts_exceeded"
    assert last["setup_intent"] == platform.read(path_of(intent))
    assert (last["setup_intent"]["status"], last["setup_intent"]["payment_method"]) == ("requires_payment_method", None)
    assert platform.read(f"/v1/mandates/{intent['mandate']}")["status"] == "inactive"
    assert told(platform)[-2:] == [("mandate.updated", {"status": "pending"}), ("setup_intent.setup_failed", None)]


@pytest.mark.parametrize("sent", [{"amounts": [10, 11]}, {"descriptor_code": "SM33CC"}])
def test_one_proof_is_one_too_many_by_itself(platform, sent):
    intent = waiting(platform)

    refusal = platform.post(path_of(intent, "verify_microdeposits"), **sent)

    assert refusal.error["code"] == "payment_method_microdeposit_verification_attempts_exceeded"
    assert platform.read(path_of(intent))["last_setup_error"]["code"] == refusal.error["code"]


@pytest.mark.parametrize("sent", [{"amounts": [40, 41]}, {"descriptor_code": "SM44DD"}])
def test_a_proof_that_comes_too_late_fails_the_intent_after_the_reply(platform, sent):
    intent = waiting(platform)

    reply = platform.made(path_of(intent, "verify_microdeposits"), **sent)

    assert reply["status"] == "requires_action"
    failed = platform.read(path_of(intent))
    assert failed["status"] == "requires_payment_method"
    assert failed["last_setup_error"]["code"] == "payment_method_microdeposit_verification_timeout"
    assert platform.event_types()[-1] == "setup_intent.setup_failed"


def test_nobody_who_waits_ten_days_verifies_anything(platform):
    intent = waiting(platform)

    platform.clock(advance=10 * DAY - 60)
    before = platform.read(path_of(intent))["status"]
    platform.clock(advance=60)

    assert (before, platform.read(path_of(intent))["status"]) == ("requires_action", "requires_payment_method")


def test_some_bank_accounts_get_no_micro_deposits(platform):
    bank = {**BANK, "us_bank_account": {**BANK["us_bank_account"], "account_number": "000666666661"}}
    intent = platform.made(INTENTS, **BANKS_ONLY, payment_method_data=bank, confirm=True, mandate_data=OFFLINE)

    refusal = platform.post(path_of(intent, "verify_microdeposits"), amounts=[32, 45])

    assert (refusal.status, refusal.error["code"]) == (400, "payment_method_microdeposit_failed")
    assert platform.read(path_of(intent))["status"] == "requires_payment_method"


@pytest.mark.parametrize(
    "sent, code",
    [({}, "parameter_missing"), ({"amounts": [32, 45], "descriptor_code": "SM11AA"}, "parameters_exclusive")],
)
def test_a_proof_is_of_one_kind(platform, sent, code):
    intent = waiting(platform)

    refusal = platform.post(path_of(intent, "verify_microdeposits"), **sent)

    assert (refusal.status, refusal.error["code"]) == (400, code)


def test_only_what_waits_can_be_verified(platform):
    intent = platform.made(INTENTS)

    refusal = platform.post(path_of(intent, "verify_microdeposits"), amounts=[32, 45])

    assert (refusal.status, refusal.error["code"]) == (400, "setup_intent_unexpected_state")


def test_who_agrees_online_says_from_where(platform):
    intent = platform.made(INTENTS, **BANKS_ONLY, payment_method_data=BANK)

    refusal = platform.post(path_of(intent, "confirm"), mandate_data={"customer_acceptance": {"type": "online"}})

    assert (refusal.status, refusal.error["code"]) == (400, "parameter_missing")
    assert refusal.error["param"] == "mandate_data[customer_acceptance][online][ip_address]"


def test_another_payment_method_gives_up_the_one_that_waits(platform):
    intent = waiting(platform)

    changed = platform.made(path_of(intent), payment_method_data=BANK)

    assert (changed["status"], changed["mandate"], changed["next_action"]) == ("requires_confirmation", None, None)
    assert changed["payment_method"] != intent["payment_method"]
    assert platform.read(f"/v1/mandates/{intent['mandate']}")["status"] == "inactive"
    attempt = platform.read(ATTEMPTS, setup_intent=intent["id"])["data"][0]
    assert attempt["status"] == "abandoned"


def test_the_page_of_a_bank_account_says_what_to_send(app, platform):
    intent = waiting(platform)
    address = intent["next_action"]["verify_with_microdeposits"]["hosted_verification_url"]

    page = app.test_client().get(address.removeprefix("http://localhost"))

    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert intent["id"] in page.text and "SM11AA" in page.text and "6789" in page.text
    assert app.test_client().get("/microdeposit/nonsense").status_code == 404


def test_micro_deposits_arrive_on_banking_days():
    friday = 1_795_791_600  # 2026-11-27, 15:00 UTC

    assert microdeposits.arrival(friday) == 1_796_025_600  # Monday, 00:00 Pacific


# Ends


def test_an_intent_is_given_up_once(platform):
    intent = waiting(platform)

    canceled = platform.made(path_of(intent, "cancel"), cancellation_reason="abandoned")
    again = platform.post(path_of(intent, "cancel"))

    assert (canceled["status"], canceled["cancellation_reason"], canceled["next_action"]) == (
        "canceled",
        "abandoned",
        None,
    )
    assert told(platform)[-2:] == [("mandate.updated", {"status": "pending"}), ("setup_intent.canceled", None)]
    assert (again.status, again.error["code"]) == (400, "setup_intent_unexpected_state")
    assert again.error["message"] == "You cannot cancel this SetupIntent because it it already canceled."
    assert again.error["setup_intent"] == canceled
    platform.clock(advance=11 * DAY)
    assert platform.read(path_of(intent)) == canceled


def test_what_has_succeeded_stays_so(platform):
    intent = platform.made(INTENTS, payment_method="pm_card_visa", confirm=True, **NO_REDIRECTS)

    canceled = platform.post(path_of(intent, "cancel"))
    confirmed = platform.post(path_of(intent, "confirm"))
    changed = platform.post(path_of(intent), payment_method="pm_card_visa")

    assert canceled.error["message"] == (
        "You cannot cancel this SetupIntent because it has a status of succeeded. Only a SetupIntent with one of the "
        "following statuses may be canceled: requires_payment_method, requires_confirmation, requires_action."
    )
    assert confirmed.error["message"] == "You cannot confirm this SetupIntent because it has already succeeded."
    assert {one.error["code"] for one in (canceled, confirmed, changed)} == {"setup_intent_unexpected_state"}
    assert platform.made(path_of(intent), metadata={"a": "1"})["metadata"] == {"a": "1"}


def test_an_unknown_intent_is_missing_by_its_own_name(platform):
    refusal = platform.get(f"{INTENTS}/seti_nope")

    assert (refusal.status, refusal.error["message"]) == (404, "No such setupintent: 'seti_nope'")
    assert (refusal.error["code"], refusal.error["param"]) == ("resource_missing", "intent")


def test_attempts_are_those_of_an_intent_that_is_known(platform):
    refusal = platform.get(ATTEMPTS, setup_intent="seti_nope")

    assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (400, "resource_missing", "setup_intent")


# Browsers


def test_a_browser_confirms_and_reads_with_the_client_secret(app, key, platform, customer):
    intent = platform.made(INTENTS, customer=customer, **NO_REDIRECTS, metadata={"secret": "x"})
    browser = app.test_client()
    headers = {"Authorization": f"Bearer {key.replace('sk_', 'pk_')}"}
    secret = {"client_secret": intent["client_secret"]}

    card = browser.post(METHODS, data={"type": "card", "card[token]": "tok_visa"}, headers=headers).get_json()["id"]
    confirmed = browser.post(path_of(intent, "confirm"), data={**secret, "payment_method": card}, headers=headers)
    read = browser.get(path_of(intent), query_string=secret, headers=headers)

    assert (confirmed.status_code, confirmed.get_json()["status"]) == (200, "succeeded")
    assert read.get_json() == confirmed.get_json()
    assert not {"customer", "metadata", "mandate", "latest_attempt", "payment_method_options"} & set(read.get_json())
    event = platform.events(type="setup_intent.succeeded")[0]
    assert event["data"]["object"]["metadata"] == {"secret": "x"}
    assert platform.read(f"{METHODS}/{card}")["customer"] == customer


def test_a_browser_learns_no_more_from_a_refusal(app, key, platform):
    intent = platform.made(INTENTS, metadata={"secret": "x"}, **NO_REDIRECTS)
    proof = {"client_secret": intent["client_secret"]}
    headers = {"Authorization": f"Bearer {key.replace('sk_', 'pk_')}"}
    path, http = path_of(intent, "confirm"), app.test_client()

    read = http.get(path_of(intent), query_string=proof, headers=headers).get_json()
    declined = http.post(path, data={**proof, "payment_method": "pm_card_chargeDeclined"}, headers=headers)
    nothing = http.post(path_of(intent, "confirm"), data=proof, headers=headers)

    assert (declined.status_code, nothing.status_code) == (402, 400)
    for refusal in (declined, nothing):
        assert refusal.get_json()["error"]["setup_intent"].keys() == read.keys()


def test_a_browser_gets_nowhere_without_the_client_secret(app, key, platform):
    intent = platform.made(INTENTS)
    browser = Client(app, key.replace("sk_", "pk_"))

    none = browser.get(path_of(intent))
    wrong = browser.get(path_of(intent), client_secret=f"{intent['id']}_secret_x")
    update = browser.post(path_of(intent), description="x")

    assert (none.status, none.error["code"], none.error["param"]) == (400, "parameter_missing", "client_secret")
    assert (wrong.status, wrong.error["code"], wrong.error["param"]) == (400, "resource_missing", "client_secret")
    assert (update.status, update.error["code"]) == (401, "secret_key_required")


def test_events_of_a_mandate_say_what_it_was(platform):
    intent = waiting(platform)

    platform.made(path_of(intent, "verify_microdeposits"), descriptor_code="sm11aa")

    event = platform.events(type="mandate.updated")[0]
    assert (event["data"]["object"]["status"], previous(event)) == ("active", {"status": "pending"})
    assert platform.get("/v1/mandates/mandate_nope").error["param"] == "mandate"


def test_a_numbered_card_is_saved_too(platform, customer):
    card = platform.made(METHODS, **CARD)["id"]

    intent = platform.made(INTENTS, customer=customer, payment_method=card, confirm=True, **NO_REDIRECTS)

    assert (intent["status"], intent["payment_method"]) == ("succeeded", card)
