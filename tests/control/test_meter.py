"""The rate limits of a sandbox: what a world's requests would have taken there, and a world that keeps to them."""

from __future__ import annotations

from emulator.kernel.rates import Gate
from tests.client import Client
from tests.issuing.holders import BILLING, CARDHOLDERS

METER = "/_emulator/meter"


def test_the_meter_tells_what_the_limits_make_of_the_requests(platform):
    for _ in range(50):
        platform.get("/v1/events")
    for _ in range(3):
        platform.post("/v1/payouts", amount=1, currency="usd")
    platform.read("/_emulator/clock")

    told = platform.read(METER)

    assert (told["requests"], told["complete"], told["seconds_in_a_sandbox"]) == (53, True, 2.12)
    limits = {limit["name"]: (limit["per_second"], limit["requests"], limit["seconds"]) for limit in told["limits"]}
    assert limits.pop("all requests") == (25, 53, 2.12)
    assert limits.pop("payouts created") == (15, 3, 0.2)
    assert all(requests == 0 for _, requests, _ in limits.values())
    assert 0 < told["seconds_here"] < 60


def test_the_meter_counts_from_a_request_on(platform):
    ids = [platform.get("/v1/events").headers["Request-Id"] for _ in range(5)]

    assert platform.read(METER, since=ids[3])["requests"] == 2
    assert platform.get(METER, since="req_nope").error["param"] == "since"


def test_a_world_that_was_asked_nothing_took_no_time(platform):
    told = platform.read(METER)

    assert (told["requests"], told["seconds_here"], told["seconds_in_a_sandbox"]) == (0, 0, 0)


def tenant_of(platform: Client):
    return platform.app.emulator.tenants.open(platform.key.removeprefix("sk_test_"))


def test_a_world_that_is_told_to_keeps_to_them_and_what_it_refuses_changes_nothing(platform):
    now = [0.0]
    tenant_of(platform).gate = Gate(lambda: now[0])
    platform.settings(rate_limits=True)

    answers = [platform.post(CARDHOLDERS, name="Ada Example", billing=BILLING) for _ in range(27)]
    now[0] += 1

    assert [answer.status for answer in answers] == [200] * 25 + [429] * 2
    assert answers[-1].error["code"] == "rate_limit"
    assert answers[-1].headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert len(platform.read(CARDHOLDERS, limit=100)["data"]) == 25
    assert platform.read(METER)["requests"] == 26


def test_what_is_refused_is_not_remembered_under_its_key(platform):
    now = [0.0]
    tenant_of(platform).gate = Gate(lambda: now[0])
    platform.settings(rate_limits=True)
    for _ in range(25):
        platform.get("/v1/events")
    keyed = {"Idempotency-Key": "once"}

    first = platform.post(CARDHOLDERS, headers=keyed, name="Ada Example", billing=BILLING)
    now[0] += 1
    again = platform.post(CARDHOLDERS, headers=keyed, name="Ada Example", billing=BILLING)

    assert (first.status, again.status) == (429, 200)
    assert "Idempotent-Replayed" not in again.headers


def test_the_emulators_own_operations_and_other_worlds_have_no_limit(app, platform):
    tenant_of(platform).gate = Gate(lambda: 0.0)
    platform.settings(rate_limits=True)
    for _ in range(25):
        platform.get("/v1/events")

    assert platform.get("/v1/events").status == 429
    assert platform.get("/_emulator/clock").status == 200
    assert Client(app, f"{platform.key}other").get("/v1/events").status == 200


def test_without_the_setting_nothing_is_counted(platform):
    tenant_of(platform).gate = None

    assert {platform.get("/v1/events").status for _ in range(30)} == {200}
