"""Tokens: how they come to be, who may change them, and how they follow their card."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emulator.issuing.tokens import REASON_CODES, WALLETS, Token
from tests.client import Answer, Client
from tests.issuing.holders import (
    ADDRESS,
    CARDHOLDERS,
    CARDS,
    a_card,
    a_cardholder,
    a_connected_account,
    told,
)
from tests.issuing.purchases import (
    DAY,
    a_spender,
    authorize,
    done,
    findings,
    in_a_step,
    reasons,
    refund,
)
from tests.receivers import PATIENCE_SECONDS, Reply, receiving

TOKENS = "/v1/issuing/tokens"
CREATED = ("issuing_token.created", None)
VERSION = {"Stripe-Version": "2026-10-28.endive"}


def a_reachable_holder(client: Client, **more: Any) -> str:
    """A cardholder whose cards wallets take."""
    return a_cardholder(client, **{"email": "ada@example.com", "phone_number": "+14155550123", **more})["id"]


def a_wallet_card(client: Client, **more: Any) -> dict[str, Any]:
    """An active card with money, which wallets take."""
    return a_spender(client, **{"cardholder": a_reachable_holder(client), **more})


def provisioned(client: Client, card: dict[str, Any], wallet: str | None = "apple_pay", **more: Any) -> dict[str, Any]:
    """What a wallet, or a merchant, is told about a card."""
    asked = {"wallet_provider": wallet} if wallet else {}
    return client.made(f"/_emulator/issuing/cards/{card['id']}/provision", **asked, **more)


def a_token(client: Client, card: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A token of a card in Apple's wallet, active unless it has to be verified."""
    return provisioned(client, card or a_wallet_card(client), **more)["token"]


def set_to(client: Client, token: dict[str, Any], status: str) -> Answer:
    """A change of status through the API."""
    return client.post(f"{TOKENS}/{token['id']}", status=status)


def in_wallet(client: Client, token: dict[str, Any], status: str) -> Answer:
    """What the cardholder does with the token."""
    return client.post(f"/_emulator/issuing/tokens/{token['id']}", status=status)


def status_of(client: Client, token: dict[str, Any]) -> str:
    return client.read(f"{TOKENS}/{token['id']}")["status"]


# A purchase makes one


def test_a_test_purchase_with_a_wallet_makes_a_token_and_names_it(platform: Client) -> None:
    platform.clock(set=2_151_014_400, frozen=True)
    card = a_spender(platform)

    made = authorize(platform, card, 10_00, wallet="google_pay")

    token = platform.read(f"{TOKENS}/{made['token']}")
    assert token == {
        "id": made["token"],
        "object": "issuing.token",
        "card": card["id"],
        "created": 2_151_014_400,
        "device_fingerprint": None,
        "last4": token["last4"],
        "livemode": False,
        "network": "visa",
        "network_updated_at": 2_151_014_400,
        "status": "active",
        "wallet_provider": "google_pay",
    }
    assert token["id"].startswith("intok_")
    assert len(token["last4"]) == 4 and token["last4"].isdigit()
    assert told(platform)[-2:] == [CREATED, ("issuing_authorization.created", None)]


def test_the_token_goes_on_to_capture_and_refund(platform: Client) -> None:
    made = authorize(platform, a_spender(platform), 10_00, wallet="samsung_pay")

    (capture,) = done(platform, made, "capture")["transactions"]
    given_back = refund(platform, capture).json

    for transaction in (capture, given_back):
        assert (transaction["token"], transaction["wallet"]) == (made["token"], "samsung_pay")
    expanded = platform.read(f"/v1/issuing/transactions/{capture['id']}", expand=["token.card"])
    assert (expanded["token"]["id"], expanded["token"]["card"]["id"]) == (made["token"], capture["card"])


def test_each_test_purchase_makes_another_token(platform: Client) -> None:
    card = a_spender(platform)

    first, second = (authorize(platform, card, 1_00, wallet="apple_pay")["token"] for _ in range(2))

    assert [token["id"] for token in platform.read(TOKENS, card=card["id"])["data"]] == [second, first]


def test_a_purchase_without_a_wallet_has_no_token(platform: Client) -> None:
    card = a_spender(platform)

    assert authorize(platform, card, 1_00)["token"] is None
    assert platform.read(TOKENS, card=card["id"])["data"] == []


def test_the_old_helper_makes_tokens_too(platform: Client) -> None:
    card = a_spender(platform)

    made = platform.made(f"{CARDS}/{card['id']}/test/authorizations", wallet="apple_pay")

    assert platform.read(f"{TOKENS}/{made['token']}")["card"] == card["id"]


@pytest.mark.parametrize("status", ["inactive", "canceled"])
def test_a_card_that_is_not_active_is_declined_and_gets_no_token(platform: Client, status: str) -> None:
    card = a_spender(platform)
    platform.made(f"{CARDS}/{card['id']}", status=status)

    declined = authorize(platform, card, 1_00, wallet="apple_pay")

    assert (declined["token"], declined["wallet"]) == (None, "apple_pay")
    assert reasons(declined) == [f"card_{status}"]


def test_a_purchase_that_is_declined_for_another_reason_has_its_token(platform: Client) -> None:
    declined = authorize(platform, a_spender(platform, 1_00), 10_00, wallet="apple_pay")

    assert reasons(declined) == ["insufficient_funds"]
    assert status_of(platform, {"id": declined["token"]}) == "active"


def test_who_decides_in_real_time_is_told_the_token(platform: Client) -> None:
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    with receiving(lambda arrived: Reply(200, b'{"approved": true}', VERSION)) as receiver:
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_authorization.request"])
        made = authorize(platform, a_spender(platform), 10_00, wallet="apple_pay")

    (request,) = platform.events(type="issuing_authorization.request")
    asked = request["data"]["object"]
    assert (asked["token"], asked["wallet"]) == (made["token"], "apple_pay")
    assert made["approved"] is True


def test_a_token_that_is_there_already_can_be_paid_with_instead(platform: Client) -> None:
    platform.settings(wallet_purchases="known_token")
    card = a_wallet_card(platform)
    older, newer = a_token(platform, card), a_token(platform, card)
    other = provisioned(platform, card, "google_pay")["token"]

    assert authorize(platform, card, 1_00, wallet="apple_pay")["token"] == newer["id"]
    assert authorize(platform, card, 1_00, wallet="google_pay")["token"] == other["id"]
    set_to(platform, newer, "suspended")
    assert authorize(platform, card, 1_00, wallet="apple_pay")["token"] == older["id"]
    set_to(platform, older, "deleted")
    without = authorize(platform, card, 1_00, wallet="apple_pay")
    assert (without["token"], without["approved"]) == (None, True)


# A wallet makes one


@pytest.mark.parametrize("wallet", WALLETS)
def test_a_card_can_be_added_to_each_wallet(platform: Client, wallet: str) -> None:
    card = a_wallet_card(platform)

    answer = provisioned(platform, card, wallet)

    assert answer == {
        "object": "emulator.provisioning",
        "card": card["id"],
        "outcome": "approved",
        "reason": None,
        "token": platform.read(f"{TOKENS}/{answer['token']['id']}"),
        "wallet_provider": wallet,
    }
    assert (answer["token"]["status"], answer["token"]["wallet_provider"]) == ("active", wallet)
    assert told(platform)[-1] == CREATED


def test_one_that_has_to_be_verified_waits_for_the_cardholder(platform: Client) -> None:
    answer = provisioned(platform, a_wallet_card(platform), decision="require_auth")
    token = answer["token"]
    refusal = set_to(platform, token, "active")

    verified = in_wallet(platform, token, "active").json

    assert (answer["outcome"], token["status"]) == ("verification_required", "requested")
    assert (refusal.status, refusal.error["param"]) == (400, "status")
    assert verified["status"] == "active"
    assert [kind for kind, _ in told(platform)[-2:]] == ["issuing_token.created", "issuing_token.updated"]


def test_a_decline_makes_no_token_and_no_event(platform: Client) -> None:
    card = a_wallet_card(platform)
    before = len(platform.events())

    answer = provisioned(platform, card, decision="decline")

    assert (answer["outcome"], answer["reason"], answer["token"]) == ("declined", None, None)
    assert platform.read(TOKENS, card=card["id"])["data"] == []
    assert told(platform, before) == []


def refused_wallet(client: Client) -> dict[str, Any]:
    card = a_wallet_card(client)
    client.made(f"/_emulator/issuing/cards/{card['id']}", wallets={"ineligible_reason": "missing_agreement"})
    return card


def of_a_holder(status: str) -> Any:
    def begin(client: Client) -> dict[str, Any]:
        card = a_wallet_card(client)
        client.made(f"/_emulator/issuing/cardholders/{card['cardholder']['id']}", status=status)
        return card

    return begin


def canceled(client: Client) -> dict[str, Any]:
    return client.made(f"{CARDS}/{a_wallet_card(client)['id']}", status="canceled")


def expired(client: Client) -> dict[str, Any]:
    card = a_wallet_card(client)
    client.clock(advance=3 * 365 * DAY)
    return card


@pytest.mark.parametrize(
    "begin, reason",
    [
        (a_card, "card_inactive"),
        (canceled, "card_canceled"),
        (expired, "card_expired"),
        (of_a_holder("inactive"), "cardholder_inactive"),
        (of_a_holder("blocked"), "cardholder_blocked"),
        (a_spender, "missing_cardholder_contact"),
        (refused_wallet, "missing_agreement"),
    ],
)
def test_a_wallet_does_not_take_a_card_that_it_may_not_have(platform: Client, begin: Any, reason: str) -> None:
    answer = provisioned(platform, begin(platform))

    assert (answer["outcome"], answer["reason"], answer["token"]) == ("declined", reason, None)


def test_a_merchant_who_keeps_a_card_has_a_token_without_a_wallet(platform: Client) -> None:
    token = provisioned(platform, a_spender(platform), wallet=None)["token"]

    shown = platform.read(f"{TOKENS}/{token['id']}", expand=["network_data"])

    assert "wallet_provider" not in shown
    assert shown["device_fingerprint"] is None
    assert (shown["network_data"]["device"], shown["network_data"]["wallet_provider"]) == (None, None)


# What the network says


def test_the_networks_data_is_shown_on_request(platform: Client) -> None:
    card = a_wallet_card(platform)
    device = {"name": "Ada's phone", "type": "phone", "device_fingerprint": "f1", "location": "+37.77/-122.42"}

    token = a_token(
        platform,
        card,
        account_trust_score=5,
        card_number_source="app",
        decision="require_auth",
        device=device,
        reason_codes=["account_too_new", "high_risk"],
    )

    shown = platform.read(f"{TOKENS}/{token['id']}", expand=["network_data", "card"])
    visa = shown["network_data"]["visa"]
    assert "network_data" not in token
    assert shown["device_fingerprint"] == "f1"
    assert shown["card"]["id"] == card["id"]
    assert shown["network_data"] == {
        "device": {**device, "ip_address": None, "phone_number": "+14155550123"},
        "type": "visa",
        "visa": {**visa, "token_risk_score": "00"},
        "wallet_provider": {
            "account_id": None,
            "account_trust_score": 5,
            "card_number_source": "app",
            "cardholder_address": {"line1": ADDRESS["line1"], "postal_code": ADDRESS["postal_code"]},
            "cardholder_name": "Ada Example",
            "device_trust_score": None,
            "hashed_account_email_address": None,
            "reason_codes": ["account_too_new", "high_risk"],
            "suggested_decision": "require_auth",
            "suggested_decision_version": None,
        },
    }
    other = platform.read(f"{TOKENS}/{a_token(platform, card)['id']}", expand=["network_data"])["network_data"]["visa"]
    assert other["card_reference_id"] == visa["card_reference_id"]
    assert other["token_reference_id"] != visa["token_reference_id"]


def test_any_reason_code_can_be_given(platform: Client) -> None:
    token = a_token(platform, reason_codes=list(REASON_CODES))

    data = platform.read(f"{TOKENS}/{token['id']}", expand=["network_data"])["network_data"]
    assert data["wallet_provider"]["reason_codes"] == list(REASON_CODES)


def test_the_networks_data_is_gone_after_a_day(platform: Client) -> None:
    token = a_token(platform)
    platform.clock(advance=DAY)

    assert "network_data" not in platform.read(f"{TOKENS}/{token['id']}", expand=["network_data"])


def test_an_update_shows_the_networks_data_and_a_list_does_not(platform: Client) -> None:
    token = a_token(platform)

    updated = platform.made(f"{TOKENS}/{token['id']}", status="suspended", expand=["network_data"])
    refusal = platform.get(TOKENS, card=token["card"], expand=["data.network_data"])

    assert updated["network_data"]["type"] == "visa"
    assert (refusal.status, refusal.error["param"]) == (400, "expand")


def test_the_network_tells_nothing_of_the_token_of_a_test_purchase(platform: Client) -> None:
    token = authorize(platform, a_spender(platform), 1_00, wallet="apple_pay")["token"]

    assert platform.read(f"{TOKENS}/{token}", expand=["network_data"])["network_data"] is None


# Lists


def test_the_list_is_that_of_one_card(platform: Client) -> None:
    card = a_wallet_card(platform)
    suspended, active = a_token(platform, card), a_token(platform, card)
    a_token(platform)
    set_to(platform, suspended, "suspended")

    def listed(**params: Any) -> list[str]:
        return [token["id"] for token in platform.read(TOKENS, card=card["id"], **params)["data"]]

    assert listed() == [active["id"], suspended["id"]]
    assert listed(status="suspended") == [suspended["id"]]
    assert listed(limit=1, starting_after=active["id"]) == [suspended["id"]]
    assert listed(created={"gt": active["created"]}) == []


def test_the_list_needs_a_card_that_is_there(platform: Client) -> None:
    missing, unknown = platform.get(TOKENS), platform.get(TOKENS, card="ic_nope")

    assert (missing.status, missing.error["code"], missing.error["param"]) == (400, "parameter_missing", "card")
    assert (unknown.status, unknown.error["code"], unknown.error["param"]) == (400, "resource_missing", "card")


def test_an_unknown_token_is_missing(platform: Client) -> None:
    answer = platform.get(f"{TOKENS}/intok_nope")

    assert (answer.status, answer.error["param"]) == (404, "token")
    assert answer.error["message"] == "No such issuing token: 'intok_nope'"


# What may be done with them


def test_the_account_suspends_resumes_and_deletes(platform: Client) -> None:
    platform.clock(set=2_151_014_400, frozen=True)
    token = a_token(platform)
    platform.clock(advance=60)

    changes = [set_to(platform, token, status).json for status in ("suspended", "active", "deleted")]

    assert [one["status"] for one in changes] == ["suspended", "active", "deleted"]
    assert changes[0]["network_updated_at"] == token["created"] + 60
    assert told(platform)[-3:] == [
        ("issuing_token.updated", {"network_updated_at": token["created"], "status": "active"}),
        ("issuing_token.updated", {"status": "suspended"}),
        ("issuing_token.updated", {"status": "active"}),
    ]


@pytest.mark.parametrize("status", ["active", "suspended"])
def test_the_same_status_again_is_taken_without_an_event(platform: Client, status: str) -> None:
    token = a_token(platform)
    set_to(platform, token, status)
    since = len(platform.events())

    again = set_to(platform, token, status)

    assert (again.status, again.json["status"]) == (200, status)
    assert told(platform, since) == []


@pytest.mark.parametrize("status", ["active", "suspended", "deleted"])
def test_a_deleted_token_stays_deleted(platform: Client, status: str) -> None:
    token = a_token(platform)
    set_to(platform, token, "deleted")

    for refusal in (set_to(platform, token, status), in_wallet(platform, token, status)):
        assert (refusal.status, refusal.error["param"]) == (400, "status")
        assert refusal.error["message"] == (f"You cannot change the status of this token from 'deleted' to '{status}'.")


def test_what_the_account_has_suspended_only_the_api_resumes(platform: Client) -> None:
    token = a_token(platform)
    in_wallet(platform, token, "suspended")
    set_to(platform, token, "suspended")
    in_wallet(platform, token, "suspended")

    refusal = in_wallet(platform, token, "active")

    assert (refusal.status, refusal.error["param"]) == (400, "status")
    assert set_to(platform, token, "active").json["status"] == "active"


def test_the_cardholder_suspends_resumes_and_takes_it_out_of_the_wallet(platform: Client) -> None:
    token = a_token(platform)

    changes = [in_wallet(platform, token, status).json["status"] for status in ("suspended", "active", "deleted")]

    assert changes == ["suspended", "active", "deleted"]
    assert [kind for kind, _ in told(platform)[-3:]] == ["issuing_token.updated"] * 3


# Following the card


def test_tokens_are_suspended_while_their_card_is_inactive(platform: Client) -> None:
    card = a_wallet_card(platform)
    active, waiting = a_token(platform, card), a_token(platform, card, decision="require_auth")

    platform.made(f"{CARDS}/{card['id']}", status="inactive")
    frozen = [status_of(platform, token) for token in (active, waiting)]
    refusals = set_to(platform, active, "active"), in_wallet(platform, waiting, "active")
    platform.made(f"{CARDS}/{card['id']}", status="active")

    assert frozen == ["suspended", "requested"]
    for refusal in refusals:
        assert (refusal.status, refusal.error["message"]) == (
            400,
            "This token cannot be active while its card or cardholder is not.",
        )
    assert [status_of(platform, token) for token in (active, waiting)] == ["active", "requested"]
    assert [kind for kind, _ in told(platform)[-4:]] == ["issuing_card.updated", "issuing_token.updated"] * 2


def test_tokens_are_suspended_while_their_cardholder_is_inactive(platform: Client) -> None:
    card = a_wallet_card(platform)
    other = a_card(platform, cardholder=card["cardholder"]["id"], status="active")
    tokens = [a_token(platform, card), a_token(platform, other)]

    platform.made(f"{CARDHOLDERS}/{card['cardholder']['id']}", status="inactive")
    frozen = [status_of(platform, token) for token in tokens]
    platform.made(f"{CARDS}/{card['id']}", status="inactive")
    platform.made(f"{CARDHOLDERS}/{card['cardholder']['id']}", status="active")

    assert frozen == ["suspended", "suspended"]
    assert [status_of(platform, token) for token in tokens] == ["suspended", "active"]


@pytest.mark.parametrize("suspend", [set_to, in_wallet])
@pytest.mark.parametrize("first", ["card", "token"])
def test_a_token_that_was_suspended_on_its_own_does_not_come_back_with_its_card(
    platform: Client, suspend: Any, first: str
) -> None:
    card = a_wallet_card(platform)
    token = a_token(platform, card)
    if first == "token":
        suspend(platform, token, "suspended")
    platform.made(f"{CARDS}/{card['id']}", status="inactive")
    if first == "card":
        suspend(platform, token, "suspended")

    platform.made(f"{CARDS}/{card['id']}", status="active")

    assert status_of(platform, token) == "suspended"
    assert suspend(platform, token, "active").json["status"] == "active"


def test_a_canceled_card_takes_its_tokens_with_it(platform: Client) -> None:
    platform.clock(frozen=True)  # or a token may also tell when its network last changed it
    card = a_wallet_card(platform)
    tokens = [a_token(platform, card, decision=decision) for decision in ("approve", "approve", "require_auth")]
    set_to(platform, tokens[1], "suspended")

    platform.made(f"{CARDS}/{card['id']}", status="canceled")

    assert [status_of(platform, token) for token in tokens] == ["deleted"] * 3
    assert told(platform)[-4:] == [
        ("issuing_card.updated", {"status": "active"}),
        ("issuing_token.updated", {"status": "active"}),
        ("issuing_token.updated", {"status": "suspended"}),
        ("issuing_token.updated", {"status": "requested"}),
    ]


def test_a_card_that_ends_by_itself_takes_its_tokens_with_it(platform: Client) -> None:
    card = a_spender(platform, lifecycle_controls={"cancel_after": {"payment_count": 1}})

    made = authorize(platform, card, 10_00, wallet="apple_pay")

    assert (made["card"]["status"], status_of(platform, {"id": made["token"]})) == ("canceled", "deleted")
    assert [kind for kind, _ in told(platform)[-4:]] == [
        "issuing_token.created",
        "issuing_authorization.created",
        "issuing_card.updated",
        "issuing_token.updated",
    ]


def test_the_cards_of_a_rejected_account_take_their_tokens_with_them(platform: Client) -> None:
    client = a_connected_account(platform, "card_issuing", "transfers")
    card = a_wallet_card(client)
    a_token(client, card)

    platform.made(f"/v1/accounts/{client.account}/reject", reason="other")

    assert [kind for kind, _ in told(client)[-2:]] == ["issuing_card.updated", "issuing_token.updated"]
    assert client.events()[-1]["data"]["object"]["status"] == "deleted"


# Replacement


def replacement(client: Client, card: dict[str, Any], reason: str, **more: Any) -> dict[str, Any]:
    return a_card(
        client, cardholder=card["cardholder"]["id"], replacement_for=card["id"], replacement_reason=reason, **more
    )


@pytest.mark.parametrize("reason", ["damaged", "expired"])
def test_tokens_go_to_the_card_that_replaces_theirs_once_that_is_active(platform: Client, reason: str) -> None:
    card = a_wallet_card(platform)
    token, gone = a_token(platform, card), a_token(platform, card)
    set_to(platform, gone, "deleted")
    new = replacement(platform, card, reason)
    before = platform.read(f"{TOKENS}/{token['id']}")["card"]

    platform.made(f"{CARDS}/{new['id']}", status="active")

    moved = platform.read(f"{TOKENS}/{token['id']}")
    assert before == card["id"]
    assert (moved["card"], moved["status"]) == (new["id"], "active")
    assert platform.read(f"{TOKENS}/{gone['id']}")["card"] == card["id"]
    assert [kind for kind, _ in told(platform)[-3:]] == [
        "issuing_card.updated",
        "issuing_token.updated",
        "issuing_card.updated",
    ]
    assert told(platform)[-2][1] == {"card": card["id"]} | (
        {"network_updated_at": token["created"]} if moved["network_updated_at"] != token["created"] else {}
    )


def test_tokens_that_slept_with_the_old_card_wake_on_the_new_one(platform: Client) -> None:
    card = a_wallet_card(platform)
    asleep, suspended = a_token(platform, card), a_token(platform, card)
    set_to(platform, suspended, "suspended")
    platform.made(f"{CARDS}/{card['id']}", status="inactive")

    new = replacement(platform, card, "damaged", status="active")

    assert [one["status"] for one in platform.read(TOKENS, card=new["id"])["data"]] == ["suspended", "active"]
    assert status_of(platform, asleep) == "active"


def test_tokens_do_not_move_where_the_old_card_was_canceled_first(platform: Client) -> None:
    card = a_wallet_card(platform)
    token = a_token(platform, card)
    platform.made(f"{CARDS}/{card['id']}", status="canceled", cancellation_reason="lost")

    new = replacement(platform, card, "lost", status="active")

    assert platform.read(TOKENS, card=new["id"])["data"] == []
    assert status_of(platform, token) == "deleted"


# Elsewhere


def test_tokens_of_connected_accounts_are_their_own(platform: Client) -> None:
    client = a_connected_account(platform, "card_issuing", "transfers")
    token = a_token(client)

    assert set_to(client, token, "suspended").json["status"] == "suspended"
    assert set_to(platform, token, "active").status == 404
    assert in_wallet(platform, token, "active").status == 404


def test_without_issuing_tokens_cannot_be_reached(platform: Client) -> None:
    token = a_token(platform)
    platform.settings(issuing_enabled=False)

    for answer in (
        platform.get(f"{TOKENS}/{token['id']}"),
        platform.get(TOKENS, card=token["card"]),
        set_to(platform, token, "suspended"),
        in_wallet(platform, token, "suspended"),
        platform.post(f"/_emulator/issuing/cards/{token['card']}/provision"),
    ):
        assert answer.status == 400
        assert "not set up to use Issuing" in answer.error["message"]


def test_bad_provisioning_makes_nothing(platform: Client) -> None:
    card = a_wallet_card(platform)
    path = f"/_emulator/issuing/cards/{card['id']}/provision"

    for param, value in (("wallet_provider", "purse"), ("decision", "maybe"), ("device_trust_score", 6)):
        refusal = platform.post(path, **{param: value})
        assert (refusal.status, refusal.error["param"]) == (400, param)
    assert platform.post("/_emulator/issuing/cards/ic_nope/provision").status == 404
    assert platform.read(TOKENS, card=card["id"])["data"] == []


def test_the_doctor_finds_a_token_that_does_not_follow_its_card(platform: Client) -> None:
    card = a_wallet_card(platform)
    token = a_token(platform, card)
    platform.made(f"{CARDS}/{card['id']}", status="canceled")
    healthy = findings(platform)

    with in_a_step(platform) as world:
        found = world.get(Token, token["id"])
        world.put(replace(found, status="active"))

    assert healthy == []
    assert any(
        f"{token['id']} is active, which its card {card['id']} does not let it be" in one for one in findings(platform)
    )
