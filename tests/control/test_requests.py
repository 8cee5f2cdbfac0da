"""The log of answered requests."""

from urllib.parse import urlencode

import pytest

from emulator.kernel.database import request_log
from tests.client import Client, flat


def listed(platform, **filters):
    return platform.read(f"/_emulator/requests?{urlencode(list(flat(filters)))}")


def paths(platform, **filters):
    return [one["path"] for one in listed(platform, **filters)["data"]]


def test_every_request_of_a_tenant_is_in_its_log_newest_first(platform):
    platform.get("/v1/events", headers={"User-Agent": "Stripe/v1 PythonBindings/16.1.0"})
    platform.get("/v1/nope")

    newest, oldest = platform.read("/_emulator/requests")["data"]

    assert (newest["path"], newest["status"], newest["method"]) == ("/v1/nope", 404, "GET")
    assert (oldest["path"], oldest["status"], oldest["error"], oldest["reason"]) == ("/v1/events", 200, None, None)
    assert oldest["user_agent"] == "Stripe/v1 PythonBindings/16.1.0"
    assert oldest["duration_ms"] > 0 and oldest["ip_address"] == "127.0.0.1"


def test_requests_that_were_answered_within_one_millisecond_are_in_their_order_too(platform):
    for _ in range(4):
        ids = [platform.get("/v1/events/evt_1").headers["Request-Id"] for _ in range(100)]

        assert [one["id"] for one in listed(platform, limit=100)["data"]] == ids[::-1]


def test_the_address_in_a_refusal_leads_to_the_request_and_its_error(platform):
    refusal = platform.get("/v1/events", limit="many", headers={"Stripe-Version": "2024-06-20"})
    address = refusal.error["request_log_url"]

    logged = platform.read(address.removeprefix("http://localhost"))

    assert logged["id"] == refusal.headers["Request-Id"]
    assert logged["object"] == "emulator.request"
    assert logged["api_version"] == "2024-06-20"
    assert logged["error"] == {name: text for name, text in refusal.error.items() if name != "request_log_url"}


def test_a_post_is_logged_with_its_idempotency_key_and_without_its_body(platform):
    platform.post("/_emulator/clock", advance=5, headers={"Idempotency-Key": "once"})

    logged = platform.read("/_emulator/requests", method="POST")["data"][0]

    assert (logged["operation"], logged["idempotency_key"]) == ("control.clock.move", "once")
    assert "advance" not in str(logged)


def test_a_request_with_characters_that_no_text_should_have_is_logged_too(platform):
    platform.get("/v1/events/a%00b")

    logged = platform.read("/_emulator/requests")["data"][0]

    assert (logged["operation"], logged["status"]) == ("developer.events.retrieve", 404)
    assert (logged["path"][:12], logged["path"][-1]) == ("/v1/events/a", "b")


def test_what_looks_like_a_secret_is_masked(platform):
    platform.get("/v1/events/4242424242424242")
    platform.get("/v1/events/sk_live_51abcdef")
    platform.get("/v1/events/seti_1_secret_abcdef")

    setup, key, card = platform.read("/_emulator/requests")["data"]

    assert card["path"] == "/v1/events/****4242"
    assert card["error"]["message"] == "No such event: '****4242'"
    assert key["path"] == "/v1/events/sk_live_****"
    assert setup["reason"] == "No such event: 'seti_1_secret_****'"


def test_tenants_do_not_see_each_others_requests(app, platform):
    Client(app, f"{platform.key}other").get("/v1/events")

    assert platform.read("/_emulator/requests")["data"] == []


def test_requests_without_a_usable_key_are_kept_apart(app, platform):
    refused = app.test_client().get("/v1/balance?who=1", headers={"Authorization": "Bearer sk_live_51abcdefghijklmnop"})

    logged = platform.read("/_emulator/requests", unowned=True)["data"][0]

    assert (logged["id"], logged["status"]) == (refused.headers["Request-Id"], 401)
    assert logged["path"] == "/v1/balance"
    assert logged["error"]["message"] == "Invalid API Key provided: sk_live_****"


@pytest.mark.parametrize(
    "filters, expected",
    [
        ({"method": "POST"}, ["/_emulator/clock"]),
        ({"path": "/v1/events"}, ["/v1/events"]),
        ({"path": "/v1/events/*"}, ["/v1/events/evt_1"]),
        ({"path": "/v1_*"}, []),
        ({"status": "404"}, ["/v1/events/evt_1"]),
        ({"status": "4xx"}, ["/v1/events/evt_1"]),
        ({"operation": "control.clock.move"}, ["/_emulator/clock"]),
        ({"account": "acct_none"}, []),
        ({"created": {"lt": 5}}, []),
        ({"created": {"gte": 5}}, ["/_emulator/clock", "/v1/events/evt_1", "/v1/events"]),
    ],
)
def test_the_log_can_be_filtered(platform, filters, expected):
    platform.get("/v1/events")
    platform.get("/v1/events/evt_1")
    platform.clock(advance=1)

    assert paths(platform, **filters) == expected


def test_the_log_is_read_in_pages_both_ways(platform):
    for number in range(5):
        platform.get(f"/v1/events/evt_{number}")
    ids = [one["id"] for one in platform.read("/_emulator/requests")["data"]]

    first = listed(platform, limit=2, path="/v1/*")
    older = listed(platform, limit=2, path="/v1/*", starting_after=ids[1])
    newer = listed(platform, limit=2, path="/v1/*", ending_before=ids[4])

    assert [one["id"] for one in first["data"]] == ids[:2] and first["has_more"]
    assert [one["id"] for one in older["data"]] == ids[2:4] and older["has_more"]
    assert [one["id"] for one in newer["data"]] == ids[2:4] and newer["has_more"]


@pytest.mark.parametrize(
    "filters, param",
    [({"starting_after": "req_none"}, "starting_after"), ({"status": "9xx"}, "status"), ({"method": "LOOK"}, "method")],
)
def test_a_filter_that_means_nothing_is_refused(platform, filters, param):
    answer = platform.get("/_emulator/requests", **filters)

    assert (answer.status, answer.error["param"]) == (400, param)


def test_an_unknown_request_is_not_found(platform):
    assert platform.get("/_emulator/requests/req_none").status == 404


def test_only_the_newest_requests_are_kept(platform, monkeypatch):
    monkeypatch.setattr(request_log, "MOST_KEPT", 3)
    for number in range(6):
        platform.get(f"/v1/events/evt_{number}")

    assert paths(platform) == ["/v1/events/evt_5", "/v1/events/evt_4", "/v1/events/evt_3"]


def test_the_log_outlives_a_reset_of_the_world(platform):
    platform.get("/v1/events/evt_before")

    platform.made("/_emulator/reset")

    assert paths(platform, path="/v1/*") == ["/v1/events/evt_before"]


def test_a_log_of_another_shape_is_begun_anew(app, platform):
    platform.get("/v1/events/evt_before")
    paths(platform)
    tenants = app.emulator.tenants
    file = tenants.request_log.file_of(tenants.open(platform.key.removeprefix("sk_test_")).handle)
    connection = request_log.opened(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    assert paths(platform) == []
