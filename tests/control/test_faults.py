"""Faults: what a client must survive, for the next so many requests, and nothing else."""

from __future__ import annotations

import socket
import time

import httpx
import pytest
import stripe

from emulator.app import create_app
from emulator.kernel.faults import RATE_LIMITED_REASONS, Fault, covers
from emulator.testing import InProcess
from tests.client import Client
from tests.issuing.holders import BILLING, CARDHOLDERS, CARDS, a_card, a_cardholder
from tests.serving import Served, served
from tests.statements import asking

FAULTS = "/_emulator/faults"
HOLDER = {"name": "Ada Example", "billing": BILLING}


def keyed(key: str = "order-7") -> dict[str, str]:
    """The header of a keyed request."""
    return {"Idempotency-Key": key}


def remaining(client: Client) -> list[int]:
    """How many requests each fault has still to strike."""
    return [fault["remaining"] for fault in client.read(FAULTS)["data"]]


def holders(client: Client) -> int:
    """How many cardholders there are."""
    return len(client.read(CARDHOLDERS)["data"])


# Kinds


def test_a_lock_timeout_strikes_as_often_as_it_should(platform):
    card = a_card(platform)
    since = len(platform.events())
    platform.made(FAULTS, kind="lock_timeout", method="POST", path=CARDS + "/{card}", count=2)

    answers = [platform.post(f"{CARDS}/{card['id']}", status="active") for _ in range(3)]

    assert [answer.status for answer in answers] == [429, 429, 200]
    error = answers[0].error
    assert (error["type"], error["code"]) == ("invalid_request_error", "lock_timeout")
    assert error["doc_url"].endswith("/lock-timeout")
    assert error["message"].startswith("This object cannot be accessed right now because another API request or ")
    assert error["message"].endswith(" make your requests serially or at a lower rate.")
    assert answers[0].headers["Emulator-Fault"] == "lock_timeout"
    assert "Stripe-Should-Retry" not in answers[0].headers
    assert platform.event_types(since) == ["issuing_card.updated"]


@pytest.mark.parametrize("reason", [None, *RATE_LIMITED_REASONS])
def test_a_rate_limit_names_its_reason(platform, reason):
    platform.made(FAULTS, kind="rate_limit", **({"rate_limited_reason": reason} if reason else {}))

    answer = platform.get(CARDS)

    assert (answer.status, answer.error["code"]) == (429, "rate_limit")
    assert answer.error["message"] == (
        "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
    )
    assert answer.headers["Stripe-Rate-Limited-Reason"] == (reason or "global-rate")
    assert "Retry-After" not in answer.headers
    assert platform.get(CARDS).status == 200


def test_a_refused_rate_is_not_remembered_under_the_key(platform):
    platform.made(FAULTS, kind="rate_limit")

    first = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)
    again = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)

    assert (first.status, again.status) == (429, 200)
    assert "Original-Request" not in first.headers and "Idempotent-Replayed" not in again.headers
    assert holders(platform) == 1


def test_a_server_error_is_remembered_under_the_key(platform):
    platform.made(FAULTS, kind="server_error")

    first = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)
    again = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)

    assert first.status == again.status == 500
    assert first.json == {"error": {"message": "An unknown error occurred", "type": "api_error"}}
    assert again.body == first.body
    assert "Stripe-Should-Retry" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Original-Request"] == first.headers["Request-Id"]
    assert holders(platform) == 0
    assert platform.post(CARDHOLDERS, **HOLDER).status == 200


def test_keys_belong_to_the_acting_account_here_too(platform):
    account = platform.made("/v1/accounts", type="custom", country="US", capabilities={})["id"]
    platform.made(FAULTS, kind="server_error")

    struck = platform.acting_as(account).post("/v1/topups", headers=keyed(), amount=1, currency="usd")

    assert struck.status == 500
    assert platform.post("/v1/topups", headers=keyed(), amount=1, currency="usd").status == 200


def test_a_conflict_is_one_of_keys_so_it_strikes_keyed_requests_only(platform):
    platform.made(FAULTS, kind="conflict")

    without = platform.post(CARDHOLDERS, **HOLDER)
    reading = platform.get(CARDHOLDERS, headers=keyed())
    struck = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)
    again = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)

    assert (without.status, reading.status, struck.status, again.status) == (200, 200, 409, 200)
    assert struck.error["code"] == "idempotency_key_in_use"
    assert struck.error["message"] == (
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        "twice, and the other request is still going through): order-7. Please try again later."
    )


def test_a_wait_delays_the_request_and_then_it_is_carried_out(platform):
    platform.made(FAULTS, kind="wait", milliseconds=30, count=2)

    began = time.monotonic()
    holder = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)
    listed = platform.get(CARDHOLDERS)
    took = time.monotonic() - began

    assert (holder.status, [one["id"] for one in listed.json["data"]]) == (200, [holder.json["id"]])
    assert took >= 0.06
    assert remaining(platform) == []


@pytest.mark.parametrize("kind", ["conflict", "lock_timeout", "rate_limit", "server_error"])
@pytest.mark.parametrize("chosen", [True, False])
def test_whether_to_retry_can_be_chosen(platform, kind, chosen):
    platform.made(FAULTS, kind=kind, should_retry=chosen)

    answer = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)

    assert answer.status >= 400
    assert answer.headers["Stripe-Should-Retry"] == str(chosen).lower()


# Whom they strike


@pytest.mark.parametrize(
    "pattern, path, is_meant",
    [
        ("/v1/issuing/cards", "/v1/issuing/cards", True),
        ("/v1/issuing/cards", "/v1/issuing/cards/ic_1", False),
        ("/v1/issuing/cards/{card}", "/v1/issuing/cards/ic_1", True),
        ("/v1/issuing/cards/{card}", "/v1/issuing/cards", False),
        ("/v1/issuing/cards/ic_1", "/v1/issuing/cards/ic_2", False),
        ("/v1/issuing/cards*", "/v1/issuing/cards", True),
        ("/v1/issuing/cards*", "/v1/issuing/cards/ic_1", True),
        ("/v1/issuing/card*", "/v1/issuing/cardholders", True),
        ("/v1/issuing/cards/*", "/v1/issuing/cards", False),
        ("/v1/{product}/cards/*", "/v1/issuing/cards/ic_1/test", True),
        ("/v1/*", "/v1/balance", True),
        ("/v1/issuing/*", "/v1/treasury/transactions", False),
    ],
)
def test_a_path_means(pattern, path, is_meant):
    assert covers(pattern, path) is is_meant


def test_the_oldest_that_matches_strikes_and_only_that_one(platform):
    platform.made(FAULTS, kind="server_error", method="POST", path="/v1/issuing/*")
    platform.made(FAULTS, kind="lock_timeout", path=CARDHOLDERS, count=5)
    platform.made(FAULTS, kind="rate_limit", method="GET", path="/v1/balance")

    answers = [platform.post(CARDHOLDERS, **HOLDER), platform.get(CARDHOLDERS), platform.get(CARDS)]

    assert [answer.status for answer in answers] == [500, 429, 200]
    assert remaining(platform) == [4, 1]


def test_what_validation_refuses_and_what_a_key_repeats_uses_no_fault_up(platform):
    first = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)
    platform.made(FAULTS, kind="server_error")

    invalid = platform.post(CARDHOLDERS, colour="red")
    again = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)
    other = platform.post(CARDHOLDERS, headers=keyed(), name="Grace Example", billing=BILLING)

    assert invalid.error["code"] == "parameter_unknown"
    assert again.body == first.body
    assert other.error["type"] == "idempotency_error"
    assert remaining(platform) == [1]


def test_the_control_api_is_spared_and_takes_them_away(platform):
    platform.made(FAULTS, kind="server_error", count=100)
    platform.made(FAULTS, kind="wait", milliseconds=90_000, count=100)

    assert platform.get("/_emulator/settings").status == 200
    assert remaining(platform) == [100, 100]
    assert platform.delete(FAULTS).json["data"] == []
    assert platform.get(CARDS).status == 200


def test_another_tenant_is_not_struck(platform, app):
    platform.made(FAULTS, kind="server_error")

    assert Client(app, platform.key + "other").get(CARDS).status == 200
    assert platform.get(CARDS).status == 500


def test_they_survive_a_restart_and_end_with_a_reset(tmp_path):
    first = create_app(tmp_path)
    Client(first, "sk_test_faults").made(FAULTS, kind="lock_timeout", count=3)
    first.emulator.close()
    second = create_app(tmp_path)
    client = Client(second, "sk_test_faults")

    assert client.get(CARDS).status == 429
    assert remaining(client) == [2]
    client.made("/_emulator/reset")
    assert client.get(CARDS).status == 200
    second.emulator.close()


def test_without_faults_no_request_asks_for_them(tmp_path):
    with asking() as asked:
        app = create_app(tmp_path)
        client = Client(app, "sk_test_faultless")
        client.read(CARDHOLDERS)
        asked.clear()

        a_cardholder(client)
        client.read(CARDHOLDERS)

        app.emulator.close()
    assert len(asked.statements) > 5
    assert [statement for statement in asked.statements if "FROM fault" in statement] == []


# How they are described


def test_they_are_listed_with_what_is_left(platform):
    made = platform.made(FAULTS, kind="rate_limit", rate_limited_reason="endpoint-rate", path="/v1/issuing/*", count=2)

    assert made == platform.read(FAULTS)
    assert made == {
        "object": "list",
        "data": [
            {
                "object": "emulator.fault",
                "carried_out": None,
                "jitter_milliseconds": None,
                "kind": "rate_limit",
                "met": 0,
                "method": None,
                "milliseconds": None,
                "path": "/v1/issuing/*",
                "probability": None,
                "rate_limited_reason": "endpoint-rate",
                "remaining": 2,
                "should_retry": None,
            }
        ],
        "has_more": False,
        "url": FAULTS,
    }


@pytest.mark.parametrize(
    "params, param",
    [
        ({}, "kind"),
        ({"kind": "explosion"}, "kind"),
        ({"kind": "drop", "should_retry": True}, "should_retry"),
        ({"kind": "wait", "milliseconds": 5, "carried_out": True}, "carried_out"),
        ({"kind": "wait"}, "milliseconds"),
        ({"kind": "wait", "milliseconds": 90_001}, "milliseconds"),
        ({"kind": "wait", "milliseconds": 5, "should_retry": True}, "should_retry"),
        ({"kind": "lock_timeout", "milliseconds": 5}, "milliseconds"),
        ({"kind": "lock_timeout", "rate_limited_reason": "global-rate"}, "rate_limited_reason"),
        ({"kind": "conflict", "method": "GET"}, "method"),
        ({"kind": "lock_timeout", "count": 0}, "count"),
        ({"kind": "lock_timeout", "path": "/v1/issuing"}, "path"),
        ({"kind": "lock_timeout", "path": "/v1/isuing/*"}, "path"),
        ({"kind": "lock_timeout", "path": "/_emulator/clock"}, "path"),
        ({"kind": "lock_timeout", "path": "/v1/invoices"}, "path"),
        ({"kind": "lock_timeout", "path": "/v1/stripecli/sessions"}, "path"),
        ({"kind": "lock_timeout", "path": "/v1/balance", "method": "POST"}, "path"),
    ],
)
def test_a_fault_cannot_be(platform, params, param):
    answer = platform.post(FAULTS, **params)

    assert (answer.status, answer.error["param"]) == (400, param)
    assert remaining(platform) == []


# The official SDK


def test_the_official_sdk_tells_them_apart_and_outlives_a_conflict(platform, app):
    with served(app) as url:
        sdk = stripe.StripeClient(platform.key, base_addresses={"api": url}, max_network_retries=1)
        platform.made(FAULTS, kind="lock_timeout")
        with pytest.raises(stripe.RateLimitError) as limited:
            sdk.v1.issuing.cards.list()
        platform.made(FAULTS, kind="server_error", should_retry=False)
        with pytest.raises(stripe.APIError) as failed:
            sdk.v1.issuing.cards.list()
        platform.made(FAULTS, kind="conflict")
        topup = sdk.v1.topups.create({"amount": 100, "currency": "usd"})

    assert (limited.value.error.code, limited.value.http_status) == ("lock_timeout", 429)
    assert failed.value.http_status == 500
    assert topup.amount == 100
    assert remaining(platform) == []


# Chance


def test_a_fault_with_a_probability_strikes_some_and_the_same_ones_every_time(platform: Client) -> None:
    platform.made("/_emulator/snapshots", name="before")

    def struck() -> list[bool]:
        platform.made(FAULTS, kind="rate_limit", path="/v1/balance", count=1_000, probability=30)
        return [platform.get("/v1/balance").status == 429 for _ in range(100)]

    first = struck()
    (fault,) = platform.read(FAULTS)["data"]
    platform.made("/_emulator/snapshots/before/restore")
    second = struck()

    assert first == second
    assert 15 <= sum(first) <= 45
    assert (fault["remaining"], fault["met"], fault["probability"]) == (1_000 - sum(first), 100, 30)


def test_chance_takes_nothing_from_the_ids_that_follow(platform: Client) -> None:
    platform.clock(frozen=True)
    platform.made("/_emulator/snapshots", name="before")
    plain = a_cardholder(platform)["id"]
    platform.made("/_emulator/snapshots/before/restore")
    platform.made(FAULTS, kind="rate_limit", path="/v1/balance", probability=50)
    for _ in range(5):
        platform.get("/v1/balance")

    assert a_cardholder(platform)["id"] == plain


def test_a_jitter_lies_between_none_and_all_of_it_and_is_the_same_every_time() -> None:
    fault = Fault(1, "wait", None, None, 1, None, None, 100, 50)

    waits = [fault._replace(met=met).wait_seconds(b"seed" * 8) for met in range(200)]

    assert waits == [fault._replace(met=met).wait_seconds(b"seed" * 8) for met in range(200)]
    assert 0.1 <= min(waits) < 0.105 and 0.145 < max(waits) <= 0.15
    assert fault._replace(jitter_milliseconds=None).wait_seconds(b"seed" * 8) == 0.1


@pytest.mark.parametrize(
    "params, param",
    [
        ({"kind": "rate_limit", "jitter_milliseconds": 5}, "jitter_milliseconds"),
        ({"kind": "wait", "milliseconds": 60_000, "jitter_milliseconds": 30_001}, "jitter_milliseconds"),
        ({"kind": "rate_limit", "probability": 0}, "probability"),
        ({"kind": "rate_limit", "probability": 101}, "probability"),
    ],
)
def test_chance_cannot_be(platform: Client, params: dict[str, object], param: str) -> None:
    assert platform.post(FAULTS, **params).error["param"] == param


# Connections that are lost


@pytest.fixture
def shipped(app):
    """The address of the server that comes along."""
    with Served(app) as served:
        yield served.url


def test_a_dropped_request_gets_no_reply_and_has_done_nothing(platform, shipped):
    platform.made(FAULTS, kind="drop", path="/v1/customers")

    with httpx.Client(base_url=shipped, headers={"Authorization": f"Bearer {platform.key}"}) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/v1/customers", data={"name": "Ada"})
        assert http.get("/v1/customers").json()["data"] == []

    logged = platform.read("/_emulator/requests", path="/v1/customers", method="POST")["data"]
    assert [(one["status"], one["hint"]) for one in logged] == [(502, None)]


def test_a_dropped_reply_is_lost_and_what_it_told_of_is_done(platform, shipped):
    platform.made(FAULTS, kind="drop", path="/v1/customers", carried_out=True)

    with httpx.Client(base_url=shipped, headers={"Authorization": f"Bearer {platform.key}"}) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/v1/customers", data={"name": "Ada"})
        assert [one["name"] for one in http.get("/v1/customers").json()["data"]] == ["Ada"]

    logged = platform.read("/_emulator/requests", path="/v1/customers", method="POST")["data"]
    said = "A fault closed the connection before this reply was sent."
    assert [(one["status"], one["hint"]) for one in logged] == [(200, said)]


@pytest.mark.parametrize("carried_out", [False, True])
def test_the_sdk_makes_one_object_whatever_reply_is_lost(platform, shipped, carried_out):
    platform.made(FAULTS, kind="drop", path=CARDHOLDERS, carried_out=carried_out)
    client = stripe.StripeClient(platform.key, base_addresses={"api": shipped}, max_network_retries=1)

    made = client.v1.issuing.cardholders.create(HOLDER)

    assert [one["id"] for one in platform.read(CARDHOLDERS)["data"]] == [made.id]
    assert ("idempotent-replayed" in made.last_response.headers) == carried_out


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_connection_with_many_requests_goes_on_until_one_is_dropped(platform, shipped, carried_out):
    platform.made(FAULTS, kind="drop", path="/v1/customers", carried_out=carried_out)
    port = int(shipped.rpartition(":")[2])
    head = f"Host: localhost\r\nAuthorization: Bearer {platform.key}\r\n\r\n"

    asked = [f"GET {path} HTTP/1.1\r\n{head}" for path in ("/v1/events", "/v1/customers", "/v1/balance")]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("".join(asked).encode())  # at once: what comes after a connection was closed resets it
        replies = b"".join(iter(lambda: connection.recv(65536), b""))

    assert replies.count(b"HTTP/1.1 200 OK") == 1 and b"/v1/events" in replies


@pytest.mark.parametrize("carried_out", [False, True])
def test_where_a_connection_cannot_be_closed_a_502_stands_for_it(platform, carried_out):
    platform.made(FAULTS, kind="drop", path=CARDHOLDERS, carried_out=carried_out)

    lost = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)
    again = platform.post(CARDHOLDERS, headers=keyed(), **HOLDER)

    assert (lost.status, lost.headers["Emulator-Fault"], again.status) == (502, "drop", 200)
    assert lost.error["type"] == "api_error" and "Stripe-Should-Retry" not in lost.headers
    assert ("Idempotent-Replayed" in again.headers) == carried_out
    assert holders(platform) == 1


def test_an_emulator_in_process_loses_connections_too(key):
    with InProcess() as emulator:
        world = emulator.world(key)
        world.fail_next(CARDHOLDERS, kind="drop", count=2)

        with pytest.raises(stripe.APIConnectionError):
            world.client(max_network_retries=0).v1.issuing.cardholders.create(HOLDER)
        made = world.client(max_network_retries=1).v1.issuing.cardholders.create(HOLDER)

        assert [one.id for one in world.client().v1.issuing.cardholders.list().data] == [made.id]
        world.close()
