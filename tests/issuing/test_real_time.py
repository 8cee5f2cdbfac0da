"""The client's endpoint decides: every answer it may give, and every way not to give one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from bench.http_bench import HOLDER
from bench.running import Running
from emulator.app import create_app
from tests.client import Client
from tests.issuing.purchases import AUTHORIZATIONS, a_spender, a_treasury_spender, fund
from tests.receivers import PATIENCE_SECONDS, Arrived, Receiver, Reply, receiving

ENDPOINTS = "/v1/webhook_endpoints"
REQUEST = "issuing_authorization.request"
VERSION = {"Stripe-Version": "2022-08-01"}
IAUTH = "/v1/issuing/authorizations"


@pytest.fixture
def platform(platform: Client) -> Client:
    """A platform whose endpoint has all the time it needs: the machine may be slow. Tests of silence set a limit."""
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    return platform


def says(body: Any, status: int = 200, headers: dict[str, str] = VERSION) -> Reply:
    """An answer with a JSON body."""
    return Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)


def asking(client: Client, receiver: Receiver, **more: Any) -> dict[str, Any]:
    """Register the receiver for the question."""
    return client.made(ENDPOINTS, url=receiver.url, enabled_events=[REQUEST], **more)


def decided(client: Client, answer: Callable[[Arrived], Reply] | Reply, **request: Any) -> dict[str, Any]:
    """One purchase of 10.00 whose endpoint answers like this."""
    respond = answer if callable(answer) else lambda arrived: answer
    with receiving(respond) as receiver:
        endpoint = asking(client, receiver)
        card = a_spender(client)
        authorization = client.made(AUTHORIZATIONS, **{"card": card["id"], "amount": 10_00, **request})
        client.delete(f"{ENDPOINTS}/{endpoint['id']}")
        return authorization


def outcome(authorization: dict[str, Any]) -> tuple[bool, str, str, str | None]:
    """Approved, status, and the last reason with its message."""
    last = authorization["request_history"][-1]
    assert last["approved"] == (authorization["approved"] or last["approved"])
    return last["approved"], authorization["status"], last["reason"], last["reason_message"]


def balance(client: Client) -> int:
    """What the Issuing balance has available."""
    return client.read("/v1/balance")["issuing"]["available"][0]["amount"]


# Answers that count


def test_a_yes_approves_and_holds(platform):
    authorization = decided(platform, says({"approved": True}))

    assert outcome(authorization) == (True, "pending", "webhook_approved", None)
    assert (authorization["amount"], authorization["pending_request"]) == (10_00, None)
    assert balance(platform) == 490_00


def test_a_no_declines_and_holds_nothing(platform):
    authorization = decided(platform, says({"approved": False}))

    assert outcome(authorization) == (False, "closed", "webhook_declined", None)
    assert (authorization["amount"], balance(platform)) == (10_00, 500_00)


def test_the_question_comes_before_the_decision_and_only_to_the_one_who_is_asked(platform):
    with receiving() as everything:
        platform.made(ENDPOINTS, url=everything.url, enabled_events=["*"])

        decided(platform, says({"approved": True}))
        platform.made("/_emulator/webhooks/drain")

        assert platform.event_types()[-2:] == [REQUEST, "issuing_authorization.created"]
        assert REQUEST not in everything.types
        assert "issuing_authorization.created" in everything.types


def test_the_question_shows_an_undecided_authorization_and_is_signed(platform):
    with receiving(lambda arrived: says({"approved": True})) as receiver:
        secret = asking(platform, receiver)["secret"]
        card = a_spender(platform)

        platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00, is_amount_controllable=True)

        (asked,) = receiver.arrived
        event = stripe.Webhook.construct_event(asked.body, asked.headers["stripe-signature"], secret)
        shown = asked.event["data"]["object"]
        assert (event.type, asked.headers["accept"]) == (REQUEST, "application/json")
        assert (shown["status"], shown["approved"], shown["amount"], shown["merchant_amount"]) == (
            "pending",
            False,
            0,
            0,
        )
        assert (shown["request_history"], shown["balance_transactions"]) == ([], [])
        assert shown["card"]["cardholder"]["id"] == shown["cardholder"]
        assert shown["pending_request"] == {
            "amount": 10_00,
            "amount_details": {"atm_fee": None, "cashback_amount": None},
            "currency": "usd",
            "is_amount_controllable": True,
            "merchant_amount": 10_00,
            "merchant_currency": "usd",
            "network_risk_score": 10,
        }
        assert platform.events(type=REQUEST)[0]["pending_webhooks"] == 0


def test_the_answer_chooses_the_amount_where_it_may(platform):
    chosen = decided(platform, says({"approved": True, "amount": 4_00}), is_amount_controllable=True)
    ignored = decided(platform, says({"approved": True, "amount": 4_00}))

    assert (chosen["amount"], chosen["request_history"][0]["amount"]) == (4_00, 4_00)
    assert (ignored["amount"], ignored["approved"]) == (10_00, True)


@pytest.mark.parametrize(
    "amount, message",
    [
        (10_01, "amount exceeds the requested amount."),
        (0, "amount must be positive."),
        ("5", "Invalid integer: amount."),
        (1_00, "amount is less than the cashback amount."),
    ],
)
def test_an_amount_that_cannot_be_held_makes_the_answer_unusable(platform, amount, message):
    authorization = decided(
        platform,
        says({"approved": True, "amount": amount}),
        is_amount_controllable=True,
        amount_details={"cashback_amount": 2_00},
    )

    assert outcome(authorization) == (False, "closed", "webhook_error", message)


@pytest.mark.parametrize(
    "metadata, is_taken",
    [
        ({"k" * 40: "v"}, True),
        ({"k" * 41: "v"}, False),
        ({"k": "v" * 500}, True),
        ({"k": "v" * 501}, False),
        ({f"k{n}": "v" for n in range(50)}, True),
        ({f"k{n}": "v" for n in range(51)}, False),
    ],
)
def test_metadata_of_the_answer_has_the_bounds_of_the_api(platform, metadata, is_taken):
    authorization = decided(platform, says({"approved": True, "metadata": metadata}))

    assert (authorization["approved"], authorization["metadata"]) == (is_taken, metadata if is_taken else {})


def test_metadata_of_the_answer_is_merged_and_wins(platform):
    other = Client(platform.app, platform.key)

    def answer(arrived: Arrived) -> Reply:
        id = arrived.event["data"]["object"]["id"]
        other.made(f"{IAUTH}/{id}", metadata={"order": "1", "from": "the API"})
        return says({"approved": True, "metadata": {"order": "7", "count": 2}})

    authorization = decided(platform, answer)

    assert authorization["metadata"] == {"order": "7", "from": "the API", "count": "2"}


def test_a_no_may_ask_for_a_fraud_challenge(platform):
    with receiving(lambda arrived: says({"approved": False, "send_fraud_challenges": ["sms"]})) as receiver:
        asking(platform, receiver)
        card = a_spender(platform)

        made = platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00, expand=["fraud_challenges"])

        assert [one["channel"] for one in made["fraud_challenges"]] == ["sms"]


def test_a_yes_is_checked_against_the_rules_again(platform):
    other = Client(platform.app, platform.key)

    def answer(arrived: Arrived) -> Reply:
        other.made(f"/v1/issuing/cards/{arrived.event['data']['object']['card']['id']}", status="inactive")
        return says({"approved": True})

    authorization = decided(platform, answer)

    assert outcome(authorization) == (False, "closed", "card_inactive", None)
    assert balance(platform) == 500_00


# Answers that do not count


@pytest.mark.parametrize(
    "reply, message",
    [
        (says({"approved": True}, headers={}), "Invalid Stripe API version: "),
        (says({"approved": True}, headers={"Stripe-Version": "soon"}), "Invalid Stripe API version: soon"),
        (says(b"approved: yes"), "Response body is not valid JSON."),
        (says({}), "Missing required parameter: approved."),
        (says([True]), "Missing required parameter: approved."),
        (says({"approved": "yes"}), "Invalid boolean: approved."),
        (says({"approved": True, "metadata": "x"}), "Invalid object: metadata."),
        (says({"approved": True, "metadata": {"x": ["y"]}}), "Invalid object: metadata."),
        (
            says({"approved": True, "metadata": {str(n): "v" for n in range(51)}}),
            "Metadata can have up to 50 keys, but you've set 51.",
        ),
        (
            says({"approved": True, "metadata": {"x" * 41: "y"}}),
            "Invalid metadata: keys have up to 40 characters, values up to 500.",
        ),
        (says({"approved": True}, status=500), "Unexpected response status: 500."),
        (says({"approved": True}, status=201), "Unexpected response status: 201."),
        (
            says({"approved": True}, status=302, headers={**VERSION, "Location": "http://127.0.0.1:9/"}),
            "Unexpected response status: 302.",
        ),
    ],
)
def test_an_answer_that_cannot_be_used_declines_and_says_why(platform, reply, message):
    authorization = decided(platform, reply)

    assert outcome(authorization) == (False, "closed", "webhook_error", message)
    assert balance(platform) == 500_00


def test_a_refused_connection_counts_as_silence(platform):
    receiver = Receiver()
    receiver.close()
    asking(platform, receiver)
    card = a_spender(platform)

    authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00)

    assert outcome(authorization) == (False, "closed", "webhook_timeout", None)


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(drip=True, headers=VERSION), Reply(200, b"", VERSION)])
def test_silence_declines_when_the_time_is_up(platform, reply):
    platform.settings(real_time_timeout_ms=150)

    authorization = decided(platform, reply)

    assert outcome(authorization) == (False, "closed", "webhook_timeout", None)


@pytest.mark.parametrize("reply, reason", [(says({}), "webhook_error"), (Reply(hang=True), "webhook_timeout")])
def test_the_account_may_choose_to_approve_when_no_usable_answer_comes(platform, reply, reason):
    if reply.hang:
        platform.settings(real_time_timeout_ms=150)
    platform.settings(on_webhook_failure="approve")

    authorization = decided(platform, reply)

    assert outcome(authorization)[:3] == (True, "pending", reason)
    assert balance(platform) == 490_00


def test_questions_are_never_put_twice(platform):
    with receiving(lambda arrived: Reply(500)) as receiver:
        asking(platform, receiver)
        card = a_spender(platform)
        platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00)

        platform.clock(advance=48 * 60 * 60)
        platform.made("/_emulator/webhooks/drain")

        assert receiver.types == [REQUEST]


def test_a_question_that_is_sent_again_goes_to_the_one_who_was_asked(platform):
    with receiving(lambda arrived: says({"approved": True})) as receiver, receiving() as other, receiving() as every:
        asking(platform, receiver)
        asking(platform, other)
        platform.made(ENDPOINTS, url=every.url, enabled_events=["*"])
        card = a_spender(platform)
        platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00)

        platform.made(f"/v1/events/{platform.events(type=REQUEST)[0]['id']}/retry")
        platform.made("/_emulator/webhooks/drain")

        assert [one.types.count(REQUEST) for one in (receiver, other, every)] == [2, 0, 0]


# Through the API


@pytest.mark.parametrize(
    "verb, approved, reason", [("approve", True, "webhook_approved"), ("decline", False, "webhook_declined")]
)
def test_the_handler_may_decide_through_the_api_and_its_answer_no_longer_counts(platform, verb, approved, reason):
    other = Client(platform.app, platform.key)
    replies = []

    def answer(arrived: Arrived) -> Reply:
        replies.append(other.made(f"{IAUTH}/{arrived.event['data']['object']['id']}/{verb}", metadata={"by": "api"}))
        return says({"approved": not approved, "metadata": {"by": "body"}})

    authorization = decided(platform, answer)

    assert outcome(authorization)[::2] == (approved, reason)
    assert (authorization["approved"], authorization["metadata"]) == (approved, {"by": "api"})
    assert replies == [authorization]
    assert [event["type"] for event in platform.events()].count("issuing_authorization.created") == 1


def test_an_empty_answer_waits_for_the_api_call(platform):
    answered = threading.Event()
    other = Client(platform.app, platform.key)
    late: list[threading.Thread] = []

    def approve_later(id: str) -> None:
        answered.wait(PATIENCE_SECONDS)
        other.made(f"{IAUTH}/{id}/approve")

    def answer(arrived: Arrived) -> Reply:
        late.append(threading.Thread(target=approve_later, args=(arrived.event["data"]["object"]["id"],)))
        late[0].start()
        threading.Timer(0.1, answered.set).start()
        return Reply(200, b"")

    authorization = decided(platform, answer)

    assert outcome(authorization) == (True, "pending", "webhook_approved", None)
    late[0].join(PATIENCE_SECONDS)


def test_the_api_may_choose_the_amount_where_the_request_lets_it(platform):
    other = Client(platform.app, platform.key)
    seen = []

    def answer(arrived: Arrived) -> Reply:
        shown = arrived.event["data"]["object"]
        seen.append(other.post(f"{IAUTH}/{shown['id']}/approve", amount=3_00))
        return says({"approved": True})

    controllable = decided(platform, answer, is_amount_controllable=True)
    fixed = decided(platform, answer)

    assert (controllable["amount"], fixed["amount"]) == (3_00, 10_00)
    assert [one.status for one in seen] == [200, 400]
    assert seen[1].error["param"] == "amount"


def test_outside_the_window_nobody_decides_through_the_api(platform):
    authorization = decided(platform, says({"approved": True}))

    refusals = [platform.post(f"{IAUTH}/{authorization['id']}/{verb}") for verb in ("approve", "decline")]

    assert {(one.status, one.error["message"]) for one in refusals} == {
        (400, "This authorization is no longer pending a decision.")
    }


# While we wait


def test_while_we_wait_the_handler_sees_everything_and_helpers_are_refused(platform):
    other = Client(platform.app, platform.key)
    seen: dict[str, Any] = {}

    def answer(arrived: Arrived) -> Reply:
        id = arrived.event["data"]["object"]["id"]
        seen["retrieved"] = other.read(f"{IAUTH}/{id}")
        seen["listed"] = [one["id"] for one in other.read(IAUTH, status="pending")["data"]]
        seen["balance"] = balance(other)
        seen["capture"] = other.post(f"{AUTHORIZATIONS}/{id}/capture").error["message"]
        seen["reverse"] = other.post(f"{AUTHORIZATIONS}/{id}/reverse").error["message"]
        return says({"approved": True})

    authorization = decided(platform, answer)

    assert (seen["retrieved"]["status"], seen["retrieved"]["approved"]) == ("pending", False)
    assert seen["retrieved"]["pending_request"]["amount"] == 10_00
    assert (seen["listed"], seen["balance"]) == ([authorization["id"]], 500_00)
    assert seen["capture"] == seen["reverse"] == "This authorization is awaiting a decision."


def test_two_may_wait_on_one_card_and_the_second_finds_the_money_gone(platform):
    both = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def answer(arrived: Arrived) -> Reply:
        both.wait()
        return says({"approved": True})

    with receiving(answer) as receiver:
        asking(platform, receiver)
        card = a_spender(platform, funds=15_00)
        made: list[dict[str, Any]] = []

        def buy() -> None:
            made.append(Client(platform.app, platform.key).made(AUTHORIZATIONS, card=card["id"], amount=10_00))

        buyers = [threading.Thread(target=buy) for _ in range(2)]
        for buyer in buyers:
            buyer.start()
        for buyer in buyers:
            buyer.join(PATIENCE_SECONDS)

    assert sorted(one["request_history"][0]["reason"] for one in made) == ["insufficient_funds", "webhook_approved"]
    assert balance(platform) == 5_00


def test_increments_are_asked_too(platform):
    with receiving(lambda arrived: says({"approved": True})) as receiver:
        asking(platform, receiver)
        card = a_spender(platform)
        first = platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00)

        more = platform.made(f"{AUTHORIZATIONS}/{first['id']}/increment", increment_amount=5_00)
        receiver.answer = lambda arrived: says({"approved": False})
        refused = platform.made(f"{AUTHORIZATIONS}/{first['id']}/increment", increment_amount=2_00)

        asked = receiver.events[1]["data"]["object"]
        assert (asked["amount"], asked["pending_request"]["amount"]) == (10_00, 5_00)
        assert (more["amount"], refused["amount"], refused["approved"]) == (15_00, 15_00, True)
        assert [one["reason"] for one in refused["request_history"]] == [
            "webhook_approved",
            "webhook_approved",
            "webhook_declined",
        ]
        assert platform.event_types()[-4:] == [REQUEST, "issuing_authorization.updated"] * 2


def test_a_rule_that_objects_asks_nobody(platform):
    with receiving(lambda arrived: says({"approved": True})) as receiver:
        asking(platform, receiver)
        card = a_spender(platform, funds=5_00)

        authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00)

        assert outcome(authorization)[2] == "insufficient_funds"
        assert receiver.arrived == []


# Who is asked


def test_an_endpoint_for_everything_is_not_asked(platform):
    with receiving() as receiver:
        platform.made(ENDPOINTS, url=receiver.url, enabled_events=["*"])
        card = a_spender(platform)

        authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00)

        assert outcome(authorization)[2] == "card_active"
        assert REQUEST not in platform.event_types()


def test_the_oldest_enabled_endpoint_is_asked_alone(platform):
    with receiving() as disabled, receiving() as second, receiving() as third:
        for receiver in (disabled, second, third):
            receiver.answer = lambda arrived: says({"approved": True})
        off = asking(platform, disabled)
        platform.made(f"{ENDPOINTS}/{off['id']}", disabled=True)
        asking(platform, second)
        asking(platform, third)
        card = a_spender(platform)

        platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00)

        assert [len(one.arrived) for one in (disabled, second, third)] == [0, 1, 0]


def test_for_a_connected_account_the_platform_is_asked_before_the_account_itself(platform):
    with receiving(lambda arrived: says({"approved": True})) as own, receiving() as connect, receiving() as platforms:
        connect.answer = platforms.answer = own.answer
        client, _, card = a_treasury_spender(platform)
        asking(client, own)
        alone = client.made(AUTHORIZATIONS, card=card["id"], amount=1_00)
        asking(platform, platforms)
        asking(platform, connect, connect=True)

        both = client.made(AUTHORIZATIONS, card=card["id"], amount=1_00)

        assert [len(one.arrived) for one in (own, connect, platforms)] == [1, 1, 0]
        assert (alone["approved"], both["approved"]) == (True, True)
        assert "account" not in own.events[0]
        assert (connect.events[0]["account"], connect.events[0]["context"]) == (client.account, client.account)


# Thirty at once, against a real server


def test_thirty_questions_at_once_whose_handlers_all_call_back_are_all_answered(tmp_path):
    at_once = threading.Barrier(30, timeout=60)
    with Running(tmp_path / "data", "--quiet") as server:

        def answer(arrived: Arrived) -> Reply:
            at_once.wait()
            shown = arrived.event["data"]["object"]
            with server_client(server) as http:
                assert http.get(f"{IAUTH}/{shown['id']}").json()["pending_request"]["amount"] == 1_00
                assert http.post(f"{IAUTH}/{shown['id']}", data={"metadata[seen]": "yes"}).status_code == 200
            return says({"approved": True})

        with receiving(answer) as receiver, server_client(server) as http:
            card = real_card(http)
            # The machine may be slow; only a handler that finds no thread at all would never end.
            assert http.post("/_emulator/settings", data={"real_time_timeout_ms": 60_000}).status_code == 200
            http.post(ENDPOINTS, data={"url": receiver.url, "enabled_events[]": REQUEST})
            replies: list[dict[str, Any]] = []

            def buy() -> None:
                with server_client(server) as own:
                    replies.append(own.post(AUTHORIZATIONS, data={"card": card, "amount": 1_00}).json())

            buyers = [threading.Thread(target=buy) for _ in range(30)]
            for buyer in buyers:
                buyer.start()
            for buyer in buyers:
                buyer.join(120)

            assert [one["request_history"][0]["reason"] for one in replies] == ["webhook_approved"] * 30
            assert all(one["metadata"] == {"seen": "yes"} for one in replies)
            told = http.get("/_emulator/asks").json()
            assert (told["asked"], told["answered"]) == (30, 30)


def test_a_server_that_is_killed_while_it_waits_concludes_at_its_next_start(tmp_path):
    key = {"Idempotency-Key": "purchase"}
    with receiving(lambda arrived: Reply(hang=True)) as receiver:
        with Running(tmp_path / "data", "--quiet") as server, server_client(server) as http:
            card = real_card(http)
            assert http.post("/_emulator/settings", data={"real_time_timeout_ms": 20_000}).status_code == 200
            http.post(ENDPOINTS, data={"url": receiver.url, "enabled_events[]": REQUEST})
            request = {"card": card, "amount": 1_00}
            lost: list[Exception] = []

            def buy() -> None:
                try:
                    http.post(AUTHORIZATIONS, data=request, headers=key)
                except httpx.HTTPError as failure:
                    lost.append(failure)

            buyer = threading.Thread(target=buy)
            buyer.start()
            receiver.wait_for(1)
            server.kill()
            buyer.join(60)
        let_time_pass(tmp_path / "data")

        with Running(tmp_path / "data", "--quiet") as again, server_client(again) as http:
            wanted = {"type": "issuing_authorization.created", "timeout_ms": 20_000}
            (event,) = http.get("/_emulator/events/wait", params=wanted).json()["data"]
            repeated = http.post(AUTHORIZATIONS, data=request, headers=key)

        assert len(lost) == 1
        assert event["data"]["object"]["request_history"][0]["reason"] == "webhook_timeout"
        assert repeated.headers["Idempotent-Replayed"] == "true"
        assert repeated.json()["request_history"] == event["data"]["object"]["request_history"]
        assert len(receiver.arrived) == 1


def let_time_pass(data: Path) -> None:
    """Move the moment of every question back by a minute, in a world that no server has open."""
    application = create_app(data)
    with application.emulator.tenants.open("real").stored.writing() as session:  # type: ignore[attr-defined]
        session.run("UPDATE ask SET asked_at_ms = asked_at_ms - :passed", passed=60_000)
    application.emulator.close()  # type: ignore[attr-defined]


def server_client(server: Running) -> httpx.Client:
    """A client of a real server."""
    return httpx.Client(base_url=server.url, auth=("sk_test_real", ""), timeout=120, trust_env=False)


def real_card(http: httpx.Client) -> str:
    """Money and a card that may pay, on a real server; the card's id."""

    def made(path: str, form: dict[str, Any]) -> dict[str, Any]:
        reply = http.post(path, data=form)
        assert reply.status_code == 200, reply.text
        return reply.json()

    made("/v1/test_helpers/issuing/fund_balance", {"amount": 100_00, "currency": "usd"})
    holder = made("/v1/issuing/cardholders", HOLDER)
    card = {"cardholder": holder["id"], "currency": "usd", "type": "virtual", "status": "active"}
    return made("/v1/issuing/cards", card)["id"]


def test_funding_just_in_time_comes_too_late(platform):
    other = Client(platform.app, platform.key)

    def answer(arrived: Arrived) -> Reply:
        fund(other, 100_00)
        return says({"approved": True})

    with receiving(answer) as receiver:
        asking(platform, receiver)
        card = a_spender(platform, funds=0)

        authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=10_00)

        assert outcome(authorization)[2] == "insufficient_funds"
        assert receiver.arrived == []
