"""Questions to the client: nothing is locked, one decision is made, and nothing is left open by a crash."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from emulator.app import create_app
from emulator.kernel.answers import Answer
from emulator.kernel.tenants import Tenant
from emulator.kernel.webhooks.asker import Asked
from tests.client import Client
from tests.examining import examine_tenant
from tests.issuing.purchases import AUTHORIZATIONS, a_spender
from tests.patience import wait_until
from tests.receivers import PATIENCE_SECONDS, Receiver, Reply, receiving

ENDPOINTS = "/v1/webhook_endpoints"
STRIPES_LIMIT_MS = 2_000
REQUEST = "issuing_authorization.request"
YES = Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})
NO = YES._replace(body=b'{"approved": false}')
KEYED = {"Idempotency-Key": "purchase-1"}


class Died(BaseException):
    """Stands for `kill -9`: nothing of ours catches it."""


def tenant_of(client: Client) -> Tenant:
    """The tenant behind a client."""
    return client.app.emulator.tenants.open(client.key.split("_", 2)[2])  # type: ignore[attr-defined]


def asks(client: Client) -> dict[str, Any]:
    """What the control API says of the questions."""
    return client.read("/_emulator/asks")


def ready(client: Client, url: str) -> str:
    """An endpoint that is asked, with time to answer unless the world has been told otherwise, and a card that may pay;
    the card's id.
    """
    if client.read("/_emulator/settings")["real_time_timeout_ms"] == STRIPES_LIMIT_MS:
        client.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    client.made(ENDPOINTS, url=url, enabled_events=[REQUEST])
    return a_spender(client)["id"]


@contextmanager
def process(directory: Path) -> Iterator[Flask]:
    """An application over a folder, until its process ends."""
    app = create_app(directory)
    try:
        yield app
    finally:
        app.emulator.close()  # type: ignore[attr-defined]


def died_waiting(client: Client, card: str, monkeypatch: pytest.MonkeyPatch, **request: Any) -> None:
    """A purchase whose process is killed after the question was committed."""

    def die(*anything: object) -> None:
        raise Died

    asker = client.app.emulator.asker  # type: ignore[attr-defined]
    monkeypatch.setattr(asker, "answered", die)
    with pytest.raises(Died):
        client.post(AUTHORIZATIONS, card=card, amount=10_00, **request)
    monkeypatch.undo()


def let_time_pass(client: Client, milliseconds: int = 60_000) -> None:
    """Move the moment of every question back, since real time cannot be moved."""
    tenant = tenant_of(client)
    with tenant.stored.writing() as session:
        session.run("UPDATE ask SET asked_at_ms = asked_at_ms - :passed", passed=milliseconds)
        session.wake_by(0)
    tenant.questions_overdue_at -= milliseconds / 1000


# Idempotency


def test_a_repeat_while_we_wait_is_told_to_come_back_and_later_gets_the_same_bytes(platform):
    other = Client(platform.app, platform.key)
    meanwhile = []

    def answer(arrived: object) -> Reply:
        for key in ("purchase-1", "another"):
            meanwhile.append(other.post(AUTHORIZATIONS, card="ic_none", amount=1, headers={"Idempotency-Key": key}))
        meanwhile.append(other.post(AUTHORIZATIONS, card=card, amount=10_00, headers=KEYED))
        return YES

    with receiving(answer) as receiver:
        card = ready(platform, receiver.url)

        first = platform.post(AUTHORIZATIONS, card=card, amount=10_00, headers=KEYED)
        again = platform.post(AUTHORIZATIONS, card=card, amount=10_00, headers=KEYED)

        mismatch, unrelated, running = meanwhile
        assert (mismatch.status, mismatch.error["type"]) == (400, "idempotency_error")
        assert (unrelated.status, unrelated.error["code"]) == (400, "resource_missing")
        assert (running.status, running.error["code"]) == (409, "idempotency_key_in_use")
        assert running.headers["Idempotency-Key"] == "purchase-1" and "Original-Request" not in running.headers
        assert (first.status, again.body, again.headers["Idempotent-Replayed"]) == (200, first.body, "true")
        assert again.headers["Original-Request"] == first.headers["Request-Id"] == first.headers["Original-Request"]
        assert len(receiver.arrived) == 1


def test_the_reply_is_expanded_as_the_request_asked(platform):
    with receiving(lambda arrived: YES) as receiver:
        card = ready(platform, receiver.url)

        made = platform.made(AUTHORIZATIONS, card=card, amount=10_00, expand=["cardholder"])
        refused = platform.post(AUTHORIZATIONS, card=card, amount=10_00, expand=["zebra"])

        assert made["cardholder"]["object"] == "issuing.cardholder"
        assert (refused.status, len(receiver.arrived)) == (400, 1)


def test_the_events_of_the_decision_name_the_request_that_asked(platform):
    with receiving(lambda arrived: YES) as receiver:
        card = ready(platform, receiver.url)

        reply = platform.post(AUTHORIZATIONS, card=card, amount=10_00, headers=KEYED)

        causes = [event["request"] for event in platform.events()[-2:]]
        assert causes == [{"id": reply.headers["Request-Id"], "idempotency_key": "purchase-1"}] * 2


# Crashes


def test_the_next_start_concludes_what_a_killed_process_left(tmp_path, monkeypatch):
    with receiving() as receiver:
        with process(tmp_path) as first:
            client = Client(first, "sk_test_killed")
            card = ready(client, receiver.url)
            died_waiting(client, card, monkeypatch, headers=KEYED)
            let_time_pass(client)

        with process(tmp_path) as second:
            client = Client(second, "sk_test_killed")
            (authorization,) = client.read("/v1/issuing/authorizations")["data"]
            repeated = client.post(AUTHORIZATIONS, card=card, amount=10_00, headers=KEYED)

            assert (authorization["status"], authorization["approved"]) == ("closed", False)
            assert authorization["request_history"][0]["reason"] == "webhook_timeout"
            assert (repeated.json, repeated.headers["Idempotent-Replayed"]) == (authorization, "true")
            assert client.event_types()[-2:] == [REQUEST, "issuing_authorization.created"]
            assert (asks(client)["asked"], asks(client)["missed_the_limit"]) == (1, 1)
            assert list(examine_tenant(tenant_of(client))) == []


def test_before_its_time_is_up_a_question_stays_open_after_a_crash(tmp_path, monkeypatch):
    with receiving() as receiver:
        with process(tmp_path) as first:
            client = Client(first, "sk_test_early")
            client.settings(real_time_timeout_ms=20_000)
            card = ready(client, receiver.url)
            died_waiting(client, card, monkeypatch, headers=KEYED)

        with process(tmp_path) as second:
            other = Client(second, "sk_test_early")
            early = other.read("/v1/issuing/authorizations")["data"][0]
            running = other.post(AUTHORIZATIONS, card=card, amount=10_00, headers=KEYED)
            let_time_pass(other)
            late = other.read("/v1/issuing/authorizations")["data"][0]

            assert (early["status"], early["pending_request"]["amount"], running.status) == ("pending", 10_00, 409)
            assert (late["status"], late["pending_request"]) == ("closed", None)


def test_a_tick_finds_that_the_deadline_has_passed(tmp_path, monkeypatch):
    with receiving() as receiver, process(tmp_path) as app:
        client = Client(app, "sk_test_tick")
        card = ready(client, receiver.url)
        died_waiting(client, card, monkeypatch)
        let_time_pass(client)

        app.emulator.tenants.tick()  # type: ignore[attr-defined]

        assert client.read("/v1/issuing/authorizations")["data"][0]["status"] == "closed"


def test_a_question_decided_through_the_api_is_finished_although_its_asker_died(tmp_path, monkeypatch):
    with receiving() as receiver, process(tmp_path) as app:
        client = Client(app, "sk_test_decided")
        card = ready(client, receiver.url)
        died_waiting(client, card, monkeypatch, headers=KEYED)
        id = client.read("/v1/issuing/authorizations")["data"][0]["id"]

        approved = client.made(f"/v1/issuing/authorizations/{id}/approve")
        let_time_pass(client)
        app.emulator.tenants.tick()  # type: ignore[attr-defined]
        repeated = client.post(AUTHORIZATIONS, card=card, amount=10_00, headers=KEYED)

        assert approved["approved"] is True
        assert (repeated.json, repeated.headers["Idempotent-Replayed"]) == (approved, "true")
        assert asks(client)["data"][0]["outcome"] == "approved through the API"


def test_a_conclusion_that_fails_is_reported_once_and_frees_its_key(platform, monkeypatch, caplog):
    def fail(*anything: object) -> None:
        raise RuntimeError("a bug of ours")

    with receiving(lambda arrived: YES) as receiver:
        card = ready(platform, receiver.url)
        with monkeypatch.context() as patch, caplog.at_level(logging.ERROR, "emulator"):
            patch.setitem(platform.app.emulator.tenants.catalog.answers, REQUEST, fail)  # type: ignore[attr-defined]
            broken = platform.post(AUTHORIZATIONS, card=card, amount=10_00, headers=KEYED)
        let_time_pass(platform)
        platform.app.emulator.tenants.tick()  # type: ignore[attr-defined]

        again = platform.post(AUTHORIZATIONS, card=card, amount=10_00, headers=KEYED)

        assert (broken.status, again.status, again.json["approved"]) == (500, 200, True)
        assert "a bug of ours" in caplog.text
        assert asks(platform)["data"][1]["outcome"] == "failed: RuntimeError"


def test_a_world_that_is_reset_meanwhile_lets_the_request_go(platform):
    other = Client(platform.app, platform.key)

    def answer(arrived: object) -> Reply:
        other.made("/_emulator/reset")
        return YES

    with receiving(answer) as receiver:
        card = ready(platform, receiver.url)

        refusal = platform.post(AUTHORIZATIONS, card=card, amount=10_00)

        assert (refusal.status, refusal.error["message"]) == (
            400,
            "The world was reset while this request waited for an answer.",
        )
        assert platform.read("/v1/issuing/authorizations")["data"] == []


def test_what_was_asked_before_a_reset_does_not_decide_what_the_same_purchase_asks_after_it(platform):
    other = Client(platform.app, platform.key)
    second_is_there, first_is_over = threading.Event(), threading.Event()
    after: list[dict[str, Any]] = []

    def again() -> None:
        other.clock(set=2_000_000_000, frozen=True)  # ids tell the second
        after.append(other.made(AUTHORIZATIONS, card=ready(other, receiver.url), amount=10_00))

    def answer(arrived: Any) -> Reply:
        if len(receiver.arrived) > 1:
            second_is_there.set()
            first_is_over.wait(PATIENCE_SECONDS)
            return NO
        other.made("/_emulator/reset")
        purchase.start()
        second_is_there.wait(PATIENCE_SECONDS)
        return YES

    purchase = threading.Thread(target=again)
    with receiving(answer) as receiver:
        platform.clock(set=2_000_000_000, frozen=True)
        platform.settings(real_time_timeout_ms=20_000)
        first = platform.post(AUTHORIZATIONS, card=ready(platform, receiver.url), amount=10_00)
        first_is_over.set()
        purchase.join(PATIENCE_SECONDS)

        assert len({event["id"] for event in receiver.events}) == 1
        assert (first.status, [one["reason"] for one in after[0]["request_history"]]) == (400, ["webhook_declined"])


def test_the_doctor_names_a_key_that_waits_for_nobody(platform):
    platform.post(ENDPOINTS, url="http://x.test", enabled_events=["*"], headers=KEYED)
    with tenant_of(platform).stored.writing() as session:
        session.run("UPDATE idempotent_reply SET status = NULL")

    findings = [finding.detail for finding in examine_tenant(tenant_of(platform))]

    assert findings == ["the idempotency key purchase-1 waits for a reply that nobody will give"]


# Waiting


def test_frozen_questions_wait_beyond_their_time_and_count_as_missed(platform):
    platform.settings(real_time_timeout_ms=50, freeze_asks=True)
    release = threading.Event()

    def answer(arrived: object) -> Reply:
        release.wait(0.3)
        return YES

    with receiving(answer) as receiver:
        card = ready(platform, receiver.url)

        authorization = platform.made(AUTHORIZATIONS, card=card, amount=10_00)

        told = asks(platform)["data"][0]
        assert authorization["approved"] is True
        assert told["duration_ms"] >= 250 and told["timeout_ms"] == 50


def test_what_nobody_asks_any_more_and_the_api_has_decided_is_not_waited_for_however_frozen(platform, monkeypatch):
    platform.settings(real_time_timeout_ms=50, freeze_asks=True)
    with receiving(lambda arrived: YES) as receiver, ThreadPoolExecutor(1) as pool:
        card = ready(platform, receiver.url)
        monkeypatch.setitem(platform.app.emulator.postman.reaches, "endpoint", lambda id: False)
        buying = pool.submit(Client(platform.app, platform.key).made, AUTHORIZATIONS, card=card, amount=10_00)
        (purchase,) = wait_until(lambda: platform.read("/v1/issuing/authorizations")["data"])

        platform.made(f"/v1/issuing/authorizations/{purchase['id']}/approve")

        assert buying.result(PATIENCE_SECONDS)["approved"] is True
        assert receiver.arrived == []


def test_thawing_ends_the_wait(platform):
    platform.settings(real_time_timeout_ms=50, freeze_asks=True)
    other = Client(platform.app, platform.key)

    def answer(arrived: object) -> Reply:
        other.settings(freeze_asks=False)
        return Reply(hang=True)

    with receiving(answer) as receiver:
        card = ready(platform, receiver.url)

        authorization = platform.made(AUTHORIZATIONS, card=card, amount=10_00)

        assert authorization["request_history"][0]["reason"] == "webhook_timeout"


def test_how_long_handlers_took_is_kept_with_how_many_would_have_missed_stripes_limit(platform):
    with receiving(lambda arrived: YES) as receiver:
        card = ready(platform, receiver.url)
        for _ in range(3):
            platform.made(AUTHORIZATIONS, card=card, amount=1_00)
        with tenant_of(platform).stored.writing() as session:
            session.run("UPDATE ask SET duration_ms = CASE delivery WHEN 2 THEN 2500 ELSE 5 END")
        platform.settings(real_time_timeout_ms=50)
        receiver.answer = lambda arrived: Reply(hang=True)
        platform.made(AUTHORIZATIONS, card=card, amount=1_00)

        told = asks(platform)

        assert (told["asked"], told["answered"], told["missed_the_limit"]) == (4, 3, 2)
        assert told["limit_ms"] == STRIPES_LIMIT_MS
        assert [one["missed_the_limit"] for one in told["data"]] == [True, False, True, False]
        assert [one["timeout_ms"] for one in told["data"]] == [50, *[PATIENCE_SECONDS * 1000] * 3]
        assert [one["outcome"] for one in told["data"]] == ["timeout", "answered", "answered", "answered"]


@pytest.mark.parametrize("took_ms, is_missed", [(1_999, False), (2_000, False), (2_001, True)])
def test_an_answer_after_exactly_two_seconds_is_in_time(platform, took_ms, is_missed):
    with receiving(lambda arrived: YES) as receiver:
        platform.made(AUTHORIZATIONS, card=ready(platform, receiver.url), amount=1_00)
        with tenant_of(platform).stored.writing() as session:
            session.run("UPDATE ask SET duration_ms = :took_ms", took_ms=took_ms)

        told = asks(platform)

        assert (told["missed_the_limit"], told["data"][0]["missed_the_limit"]) == (int(is_missed), is_missed)


def test_an_endpoint_that_cannot_be_reached_is_not_said_to_have_answered(platform):
    receiver = Receiver()
    receiver.close()
    card = ready(platform, receiver.url)

    platform.made(AUTHORIZATIONS, card=card, amount=1_00)

    assert (asks(platform)["answered"], asks(platform)["missed_the_limit"]) == (0, 1)
    assert asks(platform)["data"][0]["outcome"] == "no answer"


def test_an_empty_answer_that_no_api_call_follows_counts_as_missed(platform):
    with receiving(lambda arrived: Reply(200, b"")) as receiver:
        card = ready(platform, receiver.url)
        platform.settings(real_time_timeout_ms=50)

        platform.made(AUTHORIZATIONS, card=card, amount=1_00)

        assert (asks(platform)["answered"], asks(platform)["missed_the_limit"]) == (0, 1)
        assert asks(platform)["data"][0]["outcome"] == "timeout"


def test_the_attempt_of_a_question_is_kept_like_any_other_with_the_calls_made_meanwhile(platform):
    other = Client(platform.app, platform.key)

    def answer(arrived: object) -> Reply:
        other.read("/v1/balance")
        return YES

    with receiving(answer) as receiver:
        card = ready(platform, receiver.url)

        platform.made(AUTHORIZATIONS, card=card, amount=10_00)

        (attempt,) = platform.read("/_emulator/webhooks/attempts")["data"]
        assert (attempt["reason"], attempt["status"], attempt["type"]) == ("question", 200, REQUEST)
        assert [(call["method"], call["path"]) for call in attempt["api_calls"]] == [("GET", "/v1/balance")]


def test_an_answer_that_comes_while_somebody_else_concluded_changes_nothing(platform):
    asker = platform.app.emulator.asker  # type: ignore[attr-defined]

    def answer(arrived: Any) -> Reply:
        question = Asked(arrived.event["id"], arrived.event["request"]["id"])
        asker.conclude(tenant_of(platform), question, Answer(None, {}, b"", "late", True, 0), None)
        return YES

    with receiving(answer) as receiver:
        card = ready(platform, receiver.url)

        authorization = platform.made(AUTHORIZATIONS, card=card, amount=10_00)

        assert [one["reason"] for one in authorization["request_history"]] == ["webhook_timeout"]
        assert platform.event_types().count("issuing_authorization.created") == 1
