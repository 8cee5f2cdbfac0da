"""Ephemeral keys: made with a browser's nonce, good for one card, one version and one hour."""

import logging
import re

import pytest

from tests.client import Client
from tests.issuing.holders import CARDS, a_card, a_connected_account, a_physical_card
from tests.schemas import required_sample

KEYS, NONCES = "/v1/ephemeral_keys", "/v1/ephemeral_key_nonces"
HOUR = 3600
SHOWN = {"expand": ["number", "cvc"]}
RECORDED_FORM = re.compile(r"ek_test_[0-9A-Za-z]+_00[0-9A-Za-z]{8}\Z")


@pytest.fixture
def browser(app, key):
    """What a page knows: the publishable key."""
    return Client(app, key.replace("sk_test_", "pk_test_"))


def holding(client, key):
    """Somebody who has the secret of an ephemeral key and nothing else."""
    return Client(client.app, key["secret"])


def a_key(client, card=None, **more):
    """A key for a card, a new one unless one is given."""
    return client.made(KEYS, issuing_card=(card or a_card(client))["id"], **more)


def test_a_browser_shows_a_card_with_the_three_calls_of_stripe_js(platform, browser):
    card = a_card(platform)
    nonces = browser.made(NONCES)

    key = platform.made(KEYS, issuing_card=card["id"], nonce=nonces["public_nonce"])
    shown = holding(browser, key).read(
        f"{CARDS}/{card['id']}", ephemeral_key_private_nonce=nonces["private_nonce"], **SHOWN
    )

    assert shown["number"].endswith(card["last4"]) and len(shown["cvc"]) == 3
    assert {name: value for name, value in shown.items() if name not in ("number", "cvc")} == card


def test_a_key_has_the_members_and_the_form_of_recorded_ones(platform):
    card = a_card(platform)

    key = platform.made(KEYS, issuing_card=card["id"])

    assert key == {
        "id": key["id"],
        "object": "ephemeral_key",
        "associated_objects": [{"id": card["id"], "type": "issuing.card"}],
        "created": key["created"],
        "expires": key["created"] + HOUR,
        "livemode": False,
        "secret": key["secret"],
    }
    assert key["id"].startswith("ephkey_1") and RECORDED_FORM.match(key["secret"])
    assert platform.event_types()[-1] == "issuing_card.created"


def test_nonces_come_in_pairs_and_no_two_are_alike(platform, browser):
    first, second = browser.made(NONCES), platform.made(NONCES)

    assert first.keys() == {"object", "public_nonce", "private_nonce"}
    assert first["public_nonce"].startswith("ephkn_pub_")
    assert len({*first.values(), *second.values()}) == 4 + len({"ephemeral_key_nonce"})


def test_a_key_made_without_a_nonce_shows_its_card_without_one(platform):
    card = a_physical_card(platform)

    assert "number" in holding(platform, a_key(platform, card)).read(f"{CARDS}/{card['id']}", **SHOWN)


def test_a_key_acts_for_the_connected_account_that_it_was_made_for(platform, browser):
    business = a_connected_account(platform, "card_issuing", "transfers")
    card = a_card(business)
    nonces = browser.acting_as(business.account).made(NONCES)
    key = business.made(KEYS, issuing_card=card["id"], nonce=nonces["public_nonce"])
    sent = {"ephemeral_key_private_nonce": nonces["private_nonce"], **SHOWN}

    alone = holding(browser, key)
    named = alone.acting_as(business.account)
    other = alone.acting_as(platform.read("/v1/account")["id"])

    assert alone.read(f"{CARDS}/{card['id']}", **sent) == named.read(f"{CARDS}/{card['id']}", **sent)
    assert (other.get(f"{CARDS}/{card['id']}", **sent).status, other.get("/v1/balance").status) == (403, 403)


# Its card alone


def test_nothing_but_its_card_is_open_to_a_key(platform):
    card, another = a_card(platform), a_card(platform)
    key = a_key(platform, card)
    holder = holding(platform, key)

    refused = [
        holder.get(f"{CARDS}/{another['id']}", **SHOWN),
        holder.get(CARDS),
        holder.post(f"{CARDS}/{card['id']}", status="active"),
        holder.get(f"/v1/issuing/cardholders/{card['cardholder']['id']}"),
        holder.post(NONCES),
        holder.post(KEYS, issuing_card=card["id"]),
        holder.delete(f"{KEYS}/{key['id']}"),
        holder.post("/_emulator/clock", advance=1),
        holder.post("/_emulator/reset"),
    ]

    assert {answer.status for answer in refused} == {403}
    assert refused[0].error["message"].endswith("Having more permissions would allow this request to continue.")
    assert platform.read(f"{CARDS}/{card['id']}") == card


def test_every_other_operation_is_shut_to_a_key(app, platform):
    card = a_card(platform)
    holder = holding(platform, a_key(platform, card))
    catalog = app.emulator.tenants.catalog
    card_only = ("GET", f"{CARDS}/{{card}}")

    answers = {
        (route.verb, route.path): holder.send(
            route.verb, re.sub(r"{[^}]+}", card["id"], route.path), required_sample(route.params), None
        ).status
        for route in catalog.routes
        if route.scope != "server"
    }

    assert {operation for operation, status in answers.items() if status != 403} == {card_only}


@pytest.mark.parametrize("seconds, status", [(HOUR - 1, 200), (HOUR, 401)])
def test_a_key_ends_after_an_hour_of_its_worlds_clock(platform, seconds, status):
    platform.clock(frozen=True)
    card = a_card(platform)
    holder = holding(platform, a_key(platform, card))
    platform.clock(advance=seconds)

    answer = holder.get(f"{CARDS}/{card['id']}", **SHOWN)

    assert answer.status == status
    if status == 401:
        assert answer.error["code"] == "api_key_expired"
        assert answer.error["message"].startswith("Expired API Key provided: ek_test_*")


def test_a_deleted_key_opens_nothing_and_is_gone(platform):
    card = a_card(platform)
    key = a_key(platform, card)

    deleted = platform.delete(f"{KEYS}/{key['id']}")
    answer = holding(platform, key).get(f"{CARDS}/{card['id']}")
    again = platform.delete(f"{KEYS}/{key['id']}")

    assert deleted.json == {name: value for name, value in key.items() if name != "secret"}
    assert (answer.status, answer.error["message"][:25]) == (401, "Invalid API Key provided:")
    assert (again.status, again.error["code"], again.error["param"]) == (404, "resource_missing", "key")


def test_a_key_of_a_world_that_began_anew_or_never_was_opens_nothing(app, platform):
    key = a_key(platform)
    stranger = holding(Client(app, "sk_test_nobody_was_here"), {"secret": key["secret"][:-8] + "00000000"})
    platform.made("/_emulator/reset")
    reset = holding(platform, key)
    platform.delete("/_emulator/world")
    deleted = holding(platform, key)

    for client in (stranger, reset, deleted):
        assert client.get(f"{CARDS}/ic_1").status == 401


@pytest.mark.parametrize(
    "text", ["ek_test_", "ek_test_abc", "ek_test_YWNjdF8x_0012345678", "ek_live_YWNjdF8x_0012345678"]
)
def test_what_has_not_the_form_of_a_key_is_invalid(app, text):
    answer = Client(app, text).get(f"{CARDS}/ic_1")

    assert (answer.status, answer.error["message"][:24]) == (401, "Invalid API Key provided")


# The version


@pytest.mark.parametrize("version", ["2020-03-02", "2022-08-01"])
def test_a_key_is_of_the_version_that_made_it(platform, version):
    card = a_card(platform)
    key = a_key(platform.pinned(version), card)
    holder, path = holding(platform, key), f"{CARDS}/{card['id']}"

    same, none = holder.pinned(version).get(path, **SHOWN), holder.get(path, **SHOWN)
    other = holder.pinned("2024-06-20").get(path, **SHOWN)

    assert same.json == none.json == platform.pinned(version).read(path, **SHOWN)
    assert {answer.headers["Stripe-Version"] for answer in (same, none)} == {version}
    assert (other.status, other.error["message"]) == (
        400,
        f"This ephemeral key was made with the API version {version}, and opens nothing with 2024-06-20: send the same "
        "Stripe-Version with both requests.",
    )


def test_without_a_version_a_key_is_of_the_accounts_default(platform):
    platform.settings(api_version="2020-03-02")
    card = a_card(platform)

    key = a_key(platform, card)
    platform.settings(api_version="2026-10-28.endive")

    assert holding(platform, key).get(f"{CARDS}/{card['id']}").headers["Stripe-Version"] == "2020-03-02"


# The nonce


def test_a_key_opens_its_card_only_with_the_other_half_of_its_nonce(platform, browser):
    card = a_card(platform)
    nonces, others = browser.made(NONCES), browser.made(NONCES)
    holder = holding(platform, a_key(platform, card, nonce=nonces["public_nonce"]))

    for sent in ({}, {"ephemeral_key_private_nonce": others["private_nonce"]}, {"ephemeral_key_private_nonce": "x"}):
        answer = holder.get(f"{CARDS}/{card['id']}", **SHOWN, **sent)
        assert (answer.status, answer.error["param"]) == (400, "ephemeral_key_private_nonce")
        assert nonces["private_nonce"] not in answer.error["message"]
    for _ in range(2):  # one element after the other asks
        holder.read(f"{CARDS}/{card['id']}", ephemeral_key_private_nonce=nonces["private_nonce"])


def test_a_private_nonce_does_not_go_with_a_key_made_without_one(platform, browser):
    card = a_card(platform)
    nonces = browser.made(NONCES)

    answer = holding(platform, a_key(platform, card)).get(
        f"{CARDS}/{card['id']}", ephemeral_key_private_nonce=nonces["private_nonce"]
    )

    assert (answer.status, answer.error["param"]) == (400, "ephemeral_key_private_nonce")


def test_a_nonce_makes_one_key(platform, browser):
    card, nonces = a_card(platform), browser.made(NONCES)
    a_key(platform, card, nonce=nonces["public_nonce"])

    again = platform.post(KEYS, issuing_card=card["id"], nonce=nonces["public_nonce"])

    assert (again.status, again.error["param"]) == (400, "nonce")
    assert again.error["message"] == "This nonce has made an ephemeral key already; a nonce is good for one."


def test_a_nonce_of_another_account_and_a_private_one_make_no_key(platform, browser):
    card = a_card(platform)
    business = a_connected_account(platform, "card_issuing", "transfers")
    elsewhere, here = browser.acting_as(business.account).made(NONCES), browser.made(NONCES)

    for nonce in (elsewhere["public_nonce"], here["private_nonce"], "nonce_1"):
        answer = platform.post(KEYS, issuing_card=card["id"], nonce=nonce)
        assert (answer.status, answer.error["param"]) == (400, "nonce")


def test_where_any_nonce_will_do_a_key_made_with_one_opens_its_card(platform):
    platform.settings(ephemeral_keys_any_nonce=True)
    card = a_card(platform)
    holder = holding(platform, a_key(platform, card, nonce="made up by a test"))

    for sent in ({}, {"ephemeral_key_private_nonce": "another"}):
        assert "number" in holder.read(f"{CARDS}/{card['id']}", **SHOWN, **sent)


# What it is made for


def test_a_key_for_a_customer_is_made_and_opens_nothing_that_is_built(platform):
    customer = platform.made("/v1/customers", name="Jenny Rosen")["id"]

    key = platform.made(KEYS, customer=customer)
    answer = holding(platform, key).get(f"/v1/customers/{customer}")

    assert key["associated_objects"] == [{"id": customer, "type": "customer"}]
    assert (answer.status, answer.error["message"]) == (
        501,
        "This emulator has nothing that the ephemeral key of a customer opens.",
    )


@pytest.mark.parametrize(
    "sent, status, code, param",
    [
        ({}, 400, "parameter_missing", None),
        ({"issuing_card": "ic_nope"}, 400, "resource_missing", "issuing_card"),
        ({"issuing_card": "ich_nope"}, 400, "resource_missing", "issuing_card"),
        ({"customer": "cus_nope"}, 400, "resource_missing", "customer"),
        ({"customer": "cus_1", "issuing_card": "ic_1"}, 400, "parameters_exclusive", "issuing_card"),
        ({"verification_session": "vs_1"}, 501, None, "verification_session"),
        ({"issuing_card": "ic_1", "card": "ic_1"}, 400, "parameter_unknown", "card"),
    ],
)
def test_bad_requests_make_no_key(platform, sent, status, code, param):
    answer = platform.post(KEYS, **sent)

    assert (answer.status, answer.error.get("code"), answer.error.get("param")) == (status, code, param)


def test_a_deleted_customer_and_a_nonce_for_a_customer_are_refused(platform, browser):
    gone, there = (platform.made("/v1/customers")["id"] for _ in range(2))
    platform.delete(f"/v1/customers/{gone}")

    deleted = platform.post(KEYS, customer=gone)
    with_nonce = platform.post(KEYS, customer=there, nonce=browser.made(NONCES)["public_nonce"])

    assert (deleted.error["code"], deleted.error["param"]) == ("resource_missing", "customer")
    assert (with_nonce.status, with_nonce.error["param"]) == (400, "nonce")


def test_a_publishable_key_makes_nonces_and_no_keys(platform, browser):
    card = a_card(platform)

    assert browser.post(KEYS, issuing_card=card["id"]).error["code"] == "secret_key_required"
    assert browser.get(f"{CARDS}/{card['id']}").error["code"] == "secret_key_required"


# In a browser, and in logs


def test_pages_may_send_keys_where_browsers_call_and_nowhere_else(app):
    def allowed(verb, path):
        headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": verb}
        answer = app.test_client().options(path, headers=headers)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
        return "Authorization" in answer.headers.get("Access-Control-Allow-Headers", "").split(", ")

    assert allowed("GET", f"{CARDS}/ic_1") and allowed("POST", NONCES)
    assert not any(
        [allowed("POST", KEYS), allowed("POST", f"{CARDS}/ic_1"), allowed("GET", CARDS), allowed("GET", "/v1/nothing")]
    )


def test_neither_key_nor_nonces_are_logged(app, platform, browser, caplog):
    caplog.set_level(logging.DEBUG)
    card, nonces = a_card(platform), browser.made(NONCES)
    key = a_key(platform, card, nonce=nonces["public_nonce"])
    holder = holding(platform, key)

    holder.get(f"{CARDS}/{card['id']}", ephemeral_key_private_nonce=nonces["private_nonce"])
    holder.get(f"{CARDS}/{card['id']}", ephemeral_key_private_nonce="wrong")
    holder.get(f"{CARDS}/{key['secret']}")
    logged = platform.get("/_emulator/requests", limit=100)

    assert {200, 400, 403} <= {line["status"] for line in logged.json["data"]}
    for text in (caplog.text, logged.body.decode()):
        assert not any(secret in text for secret in (key["secret"], nonces["public_nonce"], nonces["private_nonce"]))


# Expanding what is there


def test_what_cannot_be_expanded_is_left_out_where_that_is_asked_for(platform):
    card = a_card(platform)
    asked = {"expand": ["number", "cvc", "pin.number", "nothing"]}

    refused = platform.get(f"{CARDS}/{card['id']}", **asked)
    shown = platform.read(f"{CARDS}/{card['id']}", safe_expands=True, **asked)

    assert refused.error["message"] == "This property cannot be expanded (nothing)."
    assert platform.get(f"{CARDS}/{card['id']}", safe_expands=False, **asked).status == 400
    assert shown.keys() - card.keys() == {"number", "cvc", "pin"}


def test_the_pin_of_a_card_is_that_of_test_mode_until_one_is_set(platform):
    card = a_card(platform)
    holder, path = holding(platform, a_key(platform, card)), f"{CARDS}/{card['id']}"

    first = holder.read(path, expand=["pin.number"])["pin"]
    platform.made(path, pin={"encrypted_number": "secret"})
    then = holder.read(path, expand=["pin.number"])["pin"]

    assert (first, then) == ({"number": "0000"}, {"number": None})
    assert "pin" not in holder.read(path)
    assert platform.get(CARDS, expand=["data.pin.number"]).status == 400
