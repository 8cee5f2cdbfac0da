"""A reply is given again only where it would be the same bytes if it were made anew."""

from __future__ import annotations

import itertools
import math
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from emulator.kernel.tenants import Tenant
from emulator.kernel.tenants.memory import MOST_BYTES, MOST_REPLIES
from emulator.kernel.webhooks import asker
from emulator.kernel.wire.pipeline import Pipeline
from tests.client import Client
from tests.issuing.holders import a_card

DAY = 86_400
AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"
OWN_LOG = re.compile(rb"/_emulator/requests/req_\w+")
KEYS = itertools.count(1)


@pytest.fixture(autouse=True)
def unquestioned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks every other second for questions of other servers, after which a reply is made anew."""
    monkeypatch.setattr(asker, "LOOK_FOR_OTHERS_SECONDS", math.inf)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The paths whose reading operations ran in a block."""
    ran: list[str] = []
    performed = Pipeline.performed

    def noted(self: Pipeline, world: Any, route: Any, params: Any, expand: Any, exchange: Any) -> Any:
        ran.append(exchange.path)
        return performed(self, world, route, params, expand, exchange)

    with patch.object(Pipeline, "performed", noted):
        yield ran


def told(client: Client, path: str, params: dict[str, Any]) -> bytes:
    """A reply, without the id of its own request, which a refusal has in it."""
    return OWN_LOG.sub(b"", client.get(path, **params).body)


def made_anew(client: Client, path: str, params: dict[str, Any]) -> bytes:
    """What a request is answered by a server that remembers nothing."""
    with patch.object(Tenant, "revision", lambda tenant: None):
        return told(client, path, params)


def tenant_of(client: Client) -> Tenant:
    """Whose world a client's key opens."""
    return client.app.emulator.tenants.open(client.key.removeprefix("sk_test_"))  # type: ignore[attr-defined]


def with_a_card(client: Client) -> str:
    """A frozen world with money and a card; the card's id."""
    client.made("/_emulator/clock", frozen=True)
    client.made("/v1/test_helpers/issuing/fund_balance", amount=1_000_00, currency="usd")
    return a_card(client, status="active")["id"]


class Memories(RuleBasedStateMachine):
    """Changes of every kind between reads of every kind; each read is compared with one that remembers nothing."""

    app: Flask
    given_again = 0

    @initialize()
    def begin(self) -> None:
        """A world of its own."""
        self.client = Client(self.app, f"sk_test_memory{next(KEYS)}")
        self.card = with_a_card(self.client)
        self.account = self.client.made("/v1/accounts", type="custom", country="US")["id"]
        self.client.made("/_emulator/snapshots", name="first")
        self.pinned, self.is_account = False, False

    def reads(self) -> list[tuple[str, dict[str, Any]]]:
        """What is read, each twice and once more anew."""
        return [
            ("/v1/issuing/authorizations", {"limit": 3}),
            ("/v1/issuing/authorizations", {"limit": 2, "expand": ["data.transactions.data.balance_transaction"]}),
            (f"/v1/issuing/cards/{self.card}", {}),
            ("/v1/balance", {}),
            ("/v1/balance_transactions", {"limit": 5}),
            ("/v1/charges", {"limit": 2, "expand": ["data.balance_transaction"]}),
            ("/v1/events", {"limit": 3}),
            ("/v1/payment_intents", {"limit": 1}),
            ("/v2/core/accounts", {}),
        ]

    @rule(amount=st.integers(1, 2_000_00))
    def buy(self, amount: int) -> None:
        """A purchase, approved or not."""
        self.client.post(AUTHORIZATIONS, card=self.card, amount=amount, currency="usd")

    @rule()
    def capture(self) -> None:
        """The newest purchase, if it can be."""
        newest = self.client.read("/v1/issuing/authorizations", limit=1)["data"]
        if newest:
            self.client.post(f"{AUTHORIZATIONS}/{newest[0]['id']}/capture")

    @rule()
    def charge(self) -> None:
        """A payment whose money is there only some days later."""
        self.client.post(
            "/v1/payment_intents",
            amount=5_00,
            currency="usd",
            payment_method="pm_card_visa",
            confirm=True,
            automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
        )

    @rule(status=st.sampled_from(["active", "inactive"]))
    def switch(self, status: str) -> None:
        """The card off or on; the same again changes a row all the same."""
        self.client.post(f"/v1/issuing/cards/{self.card}", status=status)

    @rule(seconds=st.sampled_from([1, 60, DAY, 8 * DAY]))
    def advance(self, seconds: int) -> None:
        """Time passes, and things fall due."""
        self.client.made("/_emulator/clock", advance=seconds)

    @rule(freeze=st.booleans())
    def let_run(self, freeze: bool) -> None:
        """The clock runs, or stands."""
        self.client.made("/_emulator/clock", frozen=freeze)

    @rule(version=st.sampled_from(["2024-06-20", "2025-03-31.basil"]))
    def set_version(self, version: str) -> None:
        """What a world's clients are answered by who name no version."""
        self.client.made("/_emulator/settings", api_version=version)

    @rule()
    def restore(self) -> None:
        """Back to the beginning."""
        self.client.made("/_emulator/snapshots/first/restore")

    @rule()
    def look(self) -> None:
        """Nothing but another look."""

    @invariant()
    def what_is_given_again_is_what_would_be_made(self) -> None:
        """For the platform, a connected account and an older version."""
        clients = (self.client, self.client.acting_as(self.account), self.client.pinned("2024-06-20"))
        for client, (path, params) in itertools.product(clients, self.reads()):
            if path.startswith("/v2/") and client is not self.client:
                continue
            told(client, path, params), told(client, path, params)
            before = made_anew(client, path, params)
            with counted() as ran:
                remembered = told(client, path, params)
            type(self).given_again += not ran

            assert remembered in (before, made_anew(client, path, params))  # another, if a second has begun


def test_a_reply_that_is_given_again_is_what_would_be_made_anew(app: Flask) -> None:
    machine = type("Machine", (Memories,), {"app": app})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=4,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

    assert machine.given_again > 300


def test_a_read_that_is_repeated_runs_twice_and_no_more(platform: Client) -> None:
    card = with_a_card(platform)

    with counted() as ran:
        bodies = {platform.get(f"/v1/issuing/cards/{card}").body for _ in range(5)}

    assert (len(ran), len(bodies)) == (2, 1)


def test_a_request_that_differs_in_anything_is_another(platform: Client) -> None:
    card = with_a_card(platform)
    path = f"/v1/issuing/cards/{card}"
    account = platform.made("/v1/accounts", type="custom", country="US")["id"]
    for _ in range(3):
        platform.get(path)

    with counted() as ran:
        expanded = platform.get(path, expand=["replaced_by"]).status
        elsewhere = platform.acting_as(account).get(path).status
        older = platform.pinned("2024-06-20").get(path).status
        restricted = Client(platform.app, platform.key.replace("sk_", "rk_")).get(path).status

    assert (expanded, elsewhere, older, restricted) == (200, 404, 200, 200)
    assert ran == [path] * 4


def test_each_reply_has_a_request_id_and_a_line_in_the_log_of_its_own(platform: Client) -> None:
    path = f"/v1/issuing/cards/{with_a_card(platform)}"

    ids = [platform.get(path).headers["Request-Id"] for _ in range(4)]

    lines = platform.read("/_emulator/requests", limit=4)["data"]
    assert len(set(ids)) == 4
    assert [line["id"] for line in lines] == ids[::-1]
    assert {(line["operation"], line["status"]) for line in lines} == {("issuing.cards.retrieve", 200)}


def test_what_is_pending_becomes_available_without_a_write(platform: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.made(
        "/v1/payment_intents",
        amount=5_00,
        currency="usd",
        payment_method="pm_card_visa",
        confirm=True,
        automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
    )

    def status() -> str:
        return platform.read("/v1/balance_transactions")["data"][0]["status"]

    before = [status() for _ in range(3)]
    real = time.time
    monkeypatch.setattr("emulator.kernel.clock.time.time", lambda: real() + 10 * DAY)

    assert (before, status()) == (["pending"] * 3, "available")


def test_a_fault_strikes_what_was_asked_before(platform: Client) -> None:
    path = f"/v1/issuing/cards/{with_a_card(platform)}"
    for _ in range(3):
        platform.get(path)

    platform.made("/_emulator/faults", kind="server_error", path=path)

    assert [platform.get(path).status for _ in range(3)] == [500, 200, 200]


def test_while_faults_wait_nothing_is_given_again(platform: Client) -> None:
    path = f"/v1/issuing/cards/{with_a_card(platform)}"
    platform.made("/_emulator/faults", kind="server_error", path="/v1/events")

    with counted() as ran:
        statuses = [platform.get(path).status for _ in range(4)]

    assert (statuses, len(ran)) == ([200] * 4, 4)


def test_a_question_that_nobody_asks_any_more_is_looked_after_before(platform: Client) -> None:
    path = f"/v1/issuing/cards/{with_a_card(platform)}"
    for _ in range(3):
        platform.get(path)
    began = time.time()
    tenant_of(platform).questions_overdue_at = began - 1

    with counted() as ran:
        platform.get(path), platform.get(path)

    assert len(ran) == 1
    assert tenant_of(platform).questions_overdue_at > began


def test_what_was_committed_while_a_reply_was_made_counts(platform: Client) -> None:
    path = f"/v1/issuing/cards/{with_a_card(platform)}"
    platform.get(path)
    performed = Pipeline.performed

    def overtaken(self: Pipeline, *said: Any) -> Any:
        result = performed(self, *said)
        with patch.object(Pipeline, "performed", performed):
            platform.made(path, status="inactive")
        return result

    with patch.object(Pipeline, "performed", overtaken):
        before = platform.read(path)["status"]

    assert (before, platform.read(path)["status"]) == ("active", "inactive")


def test_who_is_limited_is_limited_in_what_is_given_again(platform: Client) -> None:
    path = f"/v1/issuing/cards/{with_a_card(platform)}"
    platform.made("/_emulator/settings", rate_limits=True)

    statuses = {platform.get(path).status for _ in range(200)}

    assert statuses == {200, 429}


def test_a_world_that_is_changed_by_another_program_is_read_anew(platform: Client) -> None:
    path = f"/v1/issuing/cards/{with_a_card(platform)}"
    for _ in range(3):
        platform.get(path)
    file = tenant_of(platform).stored.file  # type: ignore[attr-defined]

    with closing(sqlite3.connect(file)) as another, another:
        another.execute("UPDATE issuing_card SET data = replace(data, '\"active\"', '\"inactive\"')")

    assert platform.read(path)["status"] == "inactive"


def test_a_look_at_the_clock_holds_for_its_second_and_a_time_that_has_yet_to_come_until_then(
    platform: Client,
) -> None:
    with tenant_of(platform).reading() as step:
        looks = [
            (step.has_come(step.time), step.holds_until),
            (step.has_come(step.time + 9), step.holds_until),
            (step.has_come(step.time + 99), step.holds_until),
            (step.now, step.holds_until),
        ]

    time = step.time
    assert looks == [(True, math.inf), (False, time + 9), (False, time + 9), (time, time + 1)]


def test_what_is_due_before_is_done_before(platform: Client) -> None:
    card = with_a_card(platform)
    platform.made(AUTHORIZATIONS, card=card, amount=1_00, currency="usd")
    path = "/v1/issuing/authorizations"
    before = [platform.read(path)["data"][0]["status"] for _ in range(3)]
    real = time.time
    platform.made("/_emulator/clock", frozen=False)
    [platform.get(path) for _ in range(3)]

    with patch("emulator.kernel.clock.time.time", lambda: real() + 8 * DAY):
        after = platform.read(path)["data"][0]["status"]

    assert (before, after) == (["pending"] * 3, "expired")


def test_what_has_headers_of_its_own_is_not_kept(platform: Client) -> None:
    file = platform.made("/v1/files", purpose="dispute_evidence", file=(b"%PDF-1.4 a receipt", "a.pdf"))

    served = [platform.get(f"/v1/files/{file['id']}/contents") for _ in range(4)]

    assert {(one.body, one.headers["Content-Type"]) for one in served} == {
        (b"%PDF-1.4 a receipt", served[0].headers["Content-Type"])
    }
    assert not any(tenant_of(platform).memory.replies.values())


def test_an_event_is_gone_after_its_time_though_nothing_was_written(
    platform: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_card(platform)
    path = f"/v1/events/{platform.read('/v1/events')['data'][0]['id']}"
    before = [platform.get(path).status for _ in range(3)]
    real = time.time
    monkeypatch.setattr("emulator.kernel.clock.time.time", lambda: real() + 40 * DAY)

    assert (before, platform.get(path).status) == ([200] * 3, 404)


def test_what_the_control_api_says_is_not_kept(platform: Client) -> None:
    tenant = tenant_of(platform)
    with_a_card(platform)

    for _ in range(3):
        platform.get("/_emulator/books")

    assert tenant.memory.replies == {}


def test_memory_is_bounded_and_what_came_first_gives_way(platform: Client) -> None:
    tenant = tenant_of(platform)
    with_a_card(platform)
    memory = tenant.memory
    memory.replies.clear()

    for number in range(MOST_REPLIES + 10):
        memory.is_known(number)
    noted = list(memory.replies)
    with tenant.reading() as step:
        for number in range(20):
            memory.keep(number, 1, bytes(MOST_BYTES // 10), step, account=None, version=None)

    assert noted == list(range(10, MOST_REPLIES + 10))
    assert list(memory.replies) == list(range(10, 20))
    assert memory.bytes == MOST_BYTES // 10 * 10


def test_what_is_larger_than_all_memory_is_not_kept(platform: Client) -> None:
    tenant = tenant_of(platform)
    with_a_card(platform)
    memory = tenant.memory
    memory.replies.clear()

    with tenant.reading() as step:
        memory.keep("much", 1, bytes(MOST_BYTES + 1), step, account=None, version=None)

    assert (memory.replies, memory.bytes) == ({}, 0)
