"""Same seed, same requests, same bytes: two fresh servers, with their clocks stopped, are compared whole."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from emulator import fixtures
from emulator.app import create_app
from tests.receivers import receiving
from tests.serving import Served

START = 2_000_000_000
KEY = "sk_test_same"
# What a request is known by is chance on purpose, and how far a clock is from the machine's is the machine's affair.
REQUEST_IDS = re.compile(rb"req_[0-9A-Za-z]{14}|(?<=\"offset\": )-?\d+|(?<=//127\.0\.0\.1):\d+")


class Reply(NamedTuple):
    """What was asked, and all that was answered."""

    asked: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Taken:
    """Sends requests and keeps all that comes back."""

    def __init__(self, url: str, key: str = KEY) -> None:
        self.replies: list[Reply] = []
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        self.url = url
        self.http.event_hooks["response"].append(self.keep)

    def keep(self, response: httpx.Response) -> None:
        """Keep one reply, with this server's own address made anybody's."""
        body = REQUEST_IDS.sub(b"req_", response.read()).replace(self.url.encode(), b"http://here")
        headers = [
            (name, REQUEST_IDS.sub(b"req_", value.encode()).decode())
            for name, value in response.headers.items()
            if name not in ("date", "content-length")  # which counts the digits of a port
        ]
        self.replies.append(
            Reply(f"{response.request.method} {response.request.url.path}", response.status_code, headers, body)
        )

    def post(self, path: str, /, **params: Any) -> Any:
        """A POST with flat parameters."""
        return self.http.post(path, data=params).json()

    def everything(self) -> None:
        """Read whatever there is, of every account: objects by lists, money, events, and what is still to come."""
        accounts = [one["id"] for one in self.http.get("/v1/accounts", params={"limit": 100}).json()["data"]]
        for account in [None, *accounts]:
            headers = {"Stripe-Account": account} if account else {}
            for path in LISTS:
                self.http.get(path, params={"limit": 100}, headers=headers)
            places = self.http.get("/v1/treasury/financial_accounts", headers=headers).json().get("data", [])
            for place in places:
                for path in ("transactions", "transaction_entries"):
                    where = {"financial_account": place["id"], "limit": 100}
                    self.http.get(f"/v1/treasury/{path}", params=where, headers=headers)
        for path in (
            "/_emulator/events/wait?timeout_ms=0&limit=100",
            "/_emulator/books",
            "/_emulator/clock/due",
            "/_emulator/clock",
        ):
            self.http.get(path)


LISTS = (
    "/v1/account",
    "/v1/balance",
    "/v1/balance_transactions",
    "/v1/customers",
    "/v1/events",
    "/v1/issuing/authorizations",
    "/v1/issuing/cardholders",
    "/v1/issuing/cards",
    "/v1/issuing/disputes",
    "/v1/issuing/transactions",
    "/v1/payouts",
    "/v1/topups",
    "/v1/treasury/financial_accounts",
    "/v1/webhook_endpoints",
)


def run(folder: Path, seed: int, story: Callable[[Taken], None]) -> list[Reply]:
    """All replies of a story, told to a server of its own."""
    app = create_app(folder, seed=seed)
    try:
        with Served(app) as served:
            taken = Taken(served.url)
            taken.post("/_emulator/clock", set=START, frozen="true")
            taken.replies.clear()
            story(taken)
            taken.everything()
            taken.http.close()
            return taken.replies
    finally:
        app.emulator.close()


def differing(one: list[Reply], other: list[Reply]) -> list[str]:
    """What is not the same in two runs, in lines."""
    found = []
    assert [reply.asked for reply in one] == [reply.asked for reply in other]
    for first, second in zip(one, other, strict=True):
        if first != second:
            texts = [
                [str(reply.status), *map(str, reply.headers), *reply.body.decode().splitlines()]
                for reply in (first, second)
            ]
            found += [first.asked, *list(difflib.unified_diff(*texts, lineterm="", n=1))[:20]]
    return found


def a_world(name: str) -> Callable[[Taken], None]:
    """The story of a world that comes along, and of forty days after it."""

    def story(taken: Taken) -> None:
        fixtures.run(fixtures.read(fixtures.shipped(name)), taken.http, KEY)
        taken.post("/_emulator/clock", advance="40d")

    return story


def payments(taken: Taken) -> None:
    """Payments, payouts, refusals, a repeated key and faults by chance."""
    taken.post("/_emulator/faults", kind="rate_limit", count=10, probability=30, path="/v1/customers")
    for number in range(12):
        taken.post("/v1/customers", name=f"Ada {number}")
    taken.post("/_emulator/faults", kind="server_error", path="/v1/topups")
    for _ in range(2):
        taken.http.post("/v1/topups", data={"amount": 5_000, "currency": "usd"}, headers={"Idempotency-Key": "once"})
    taken.post("/v1/topups", amount=50_000, currency="usd")
    taken.post(
        "/v1/payment_intents",
        amount=2_000,
        currency="usd",
        payment_method="pm_card_visa",
        confirm="true",
        **{"automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never"},
    )
    taken.post("/v1/payouts", amount=1_000, currency="usd")
    taken.post("/v1/payouts", amount="much", currency="usd")
    taken.post("/v1/webhook_endpoints", url="https://example.com/", **{"enabled_events[]": "*"})
    taken.post("/_emulator/clock", advance="7d")
    taken.post("/_emulator/clock/run", until=START + 90 * 86_400)


STORIES = {
    **{name: a_world(name) for name in ("demo", "disputes", "expense_management", "travel", "onboarding")},
    "payments": payments,
}


@pytest.mark.parametrize("story", STORIES)
def test_two_runs_are_the_same_to_the_byte(story, tmp_path):
    runs = [run(tmp_path / str(number), 7, STORIES[story]) for number in range(2)]

    assert len(runs[0]) > 20
    assert differing(*runs) == []


def test_another_seed_makes_other_ids_and_the_same_story(tmp_path):
    runs = [run(tmp_path / str(seed), seed, STORIES["demo"]) for seed in (7, 8)]

    assert [(reply.asked.split("/")[:3], reply.status) for reply in runs[0]] == [
        (reply.asked.split("/")[:3], reply.status) for reply in runs[1]
    ]
    made = [{id for reply in replies for id in re.findall(rb'"id": "(\w+_\w+)"', reply.body)} for replies in runs]
    assert len(made[0]) > 20 and not made[0] & made[1]


def test_what_webhook_endpoints_are_sent_is_the_same_but_for_real_time(tmp_path):
    told = []
    for number in range(2):
        with receiving() as receiver:

            def story(taken: Taken, url: str = receiver.url) -> None:
                taken.post("/v1/webhook_endpoints", url=url, **{"enabled_events[]": "*"})
                payments(taken)
                taken.post("/_emulator/webhooks/drain")

            run(tmp_path / str(number), 7, story)
            told.append([REQUEST_IDS.sub(b"req_", one.body) for one in receiver.arrived])

    assert len(told[0]) > 5 and sorted(told[0]) == sorted(told[1])
    assert all(json.loads(body)["object"] == "event" for body in told[0])
