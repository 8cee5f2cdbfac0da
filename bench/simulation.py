"""One seed, some worlds, hundreds of operations, and everything that can go wrong around them.

    python -m bench.simulation [--seeds 100] [--first 1] [--steps 150]
    python -m bench.simulation --first 17 --seeds 1       what a failure prints, to see it again

Each step is one request of one tenant, with an idempotency key, or something that happens to all: the connection drops
before the reply has come, and the client sends the request again; the receiver of webhooks fails, hangs up or recovers;
the clock moves; the server stops and starts; it is killed, so that the next one begins with the files as they were at
that moment. After every step

- no answer was a 5xx, and a request sent again under its key had the same bytes;
- in the world that was touched every movement sums to zero, every total is what its lines say, and no spendable balance
  is negative that may not be; the doctor finds nothing every `EXAMINED_EVERY` steps, after each start, and at the end;
- no other world has a new event.

At the end the receiver is well, the clock moves through the retries, and every event has arrived that has not failed at
each of its four attempts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from flask import Flask
from werkzeug.test import Client

from emulator import fixtures
from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.kernel.database.doctor import examine, examine_session
from emulator.kernel.deliveries import RETRY_AFTER_SECONDS
from emulator.kernel.tenants import Tenant as StoredTenant
from emulator.openapi import FORM

TENANTS, STEPS = 3, 150
EXAMINED_EVERY = 25
START = 2_000_000_000  # a Wednesday in May 2033
HOUR, DAY = 3_600, 86_400
KEYS_KEPT_SECONDS = 20 * HOUR  # less than keys are kept, which is a day
ISSUING, TREASURY = "/v1/test_helpers/issuing", "/v1/test_helpers/treasury"
AUTHORIZATIONS = f"{ISSUING}/authorizations"
QUESTION = "issuing_authorization.request"
REQUESTED = {"requested": True}


class Violated(Exception):
    """Something that must always hold did not."""


class Reply(NamedTuple):
    """What a keyed request was answered, and when."""

    path: str
    form: dict[str, Any]
    key: str
    status: int
    body: bytes
    at: int


class Tenant:
    """One world as its client sees it: what it has made, and what it was answered."""

    def __init__(self, name: str) -> None:
        self.key = f"sk_test_{name}"
        self.account: str | None = None
        self.financial_account = ""
        self.ids: dict[str, list[str]] = defaultdict(list)
        self.replies: list[Reply] = []
        self.now = START
        self.sent = 0
        self.events = 0


class Simulation:
    """One run of one seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.folder = folder / "0"
        self.starts = 0
        self.mood = "well"
        self.arrived: set[str] = set()
        self.did: Counter[str] = Counter()
        self.tenants = [Tenant(f"simulated{seed}x{number}") for number in range(TENANTS)]
        self.app: Flask
        self.http: Client

    # The server

    def start(self) -> None:
        """A server over the folder, whose receivers are in this process."""
        self.app = create_app(self.folder, seed=self.seed)
        self.emulator = self.app.emulator  # type: ignore[attr-defined]
        self.emulator.postman.client.http = httpx.Client(transport=httpx.MockTransport(self.receive))
        self.http = self.app.test_client()
        self.starts += 1

    def restart(self) -> None:
        """It stops as it is told to, and starts again."""
        self.emulator.close()
        self.start()

    def kill(self) -> None:
        """It is gone in the middle of things: the next one finds what was written by then."""
        left = self.folder.parent / str(self.starts)
        shutil.copytree(self.folder, left, ignore=shutil.ignore_patterns("*.requests.db*"))  # which is written beside
        self.emulator.close()
        self.folder = left
        self.start()

    def receive(self, request: httpx.Request) -> httpx.Response:
        """What the receiver of webhooks does; chance is drawn from the request, since attempts have no order."""
        id = json.loads(request.content)["id"]
        drawn = hashlib.sha256(f"{self.seed} {id} {self.mood}".encode()).digest()[0]
        if self.mood == "gone" or (self.mood == "bad" and drawn < 64):
            raise httpx.ConnectError("nobody is there")
        if self.mood == "bad" and drawn < 160:
            return httpx.Response(500, stream=httpx.ByteStream(b""))
        self.arrived.add(id)
        yes = httpx.ByteStream(json.dumps({"approved": drawn % 4 > 0}).encode())
        return httpx.Response(200, stream=yes, headers={"Content-Type": "application/json"})

    # Requests

    def send(self, tenant: Tenant, verb: str, path: str, form: dict[str, Any], **headers: str) -> Any:
        """One request. Violated for a 5xx."""
        if tenant.account is not None and not path.startswith(("/_emulator", "/v1/accounts")):
            headers["Stripe-Account"] = tenant.account
        headers["Authorization"] = f"Bearer {tenant.key}"
        content = urlencode(list(fixtures.pairs(form, {})))
        place = {"data": content, "content_type": FORM} if verb == "POST" else {"query_string": content}
        reply = self.http.open(path, method=verb, headers=headers, **place)
        if reply.status_code >= 500:
            raise Violated(f"{verb} {path} {form}: {reply.status_code} {reply.get_data()[:500]!r}")
        return reply

    def post(self, tenant: Tenant, path: str, form: dict[str, Any]) -> Any:
        """A keyed request over a connection that may drop. Its reply, once it has come."""
        tenant.sent += 1
        headers = {"Idempotency-Key": f"key{tenant.sent}"}
        first = self.send(tenant, "POST", path, form, **headers)
        kept = Reply(path, form, headers["Idempotency-Key"], first.status_code, first.get_data(), tenant.now)
        tenant.replies.append(kept)
        if self.chance.random() < 0.1:
            self.did["dropped on the way back"] += 1
            self.again(tenant, kept)
        return first

    def again(self, tenant: Tenant, kept: Reply) -> None:
        """The same request with its key. Violated where it is answered in any other way."""
        repeated = self.send(tenant, "POST", kept.path, kept.form, **{"Idempotency-Key": kept.key})
        is_remembered = repeated.headers.get("Idempotent-Replayed") == "true"
        is_validation = kept.status == 400 and not is_remembered  # what was never carried out is judged anew
        if not is_validation and (repeated.status_code, repeated.get_data()) != (kept.status, kept.body):
            raise Violated(f"{kept.path} {kept.form} with {kept.key} was {kept.body!r}, now {repeated.get_data()!r}")

    def made(self, tenant: Tenant, path: str, **form: Any) -> dict[str, Any]:
        """A request that must succeed."""
        reply = self.post(tenant, path, form)
        if reply.status_code != 200:
            raise Violated(f"{path} {form}: {reply.get_data()!r}")
        return self.learn(tenant, reply)

    def tried(self, tenant: Tenant, path: str, **form: Any) -> None:
        """A request that may be refused."""
        reply = self.post(tenant, path, form)
        self.did["succeeded" if reply.status_code == 200 else "refused"] += 1
        self.learn(tenant, reply)

    def learn(self, tenant: Tenant, reply: Any) -> dict[str, Any]:
        """Keep the id of what came, and of the transactions in it."""
        body = reply.get_json()
        for one in (body, *body.get("transactions", ())):
            if isinstance(one, dict) and "id" in one and one["id"] not in tenant.ids[one["object"]]:
                tenant.ids[one["object"]].append(one["id"])
        return body

    # What may happen

    def prepare(self, tenant: Tenant) -> None:
        """A connected account with a financial account, two cards, an endpoint, and a clock that stands still."""
        self.send(tenant, "POST", "/_emulator/clock", {"set": START, "frozen": True})
        self.send(tenant, "POST", "/_emulator/settings", {"on_webhook_failure": "approve"})
        wanted = ["*", QUESTION] if self.chance.random() < 0.5 else ["*"]
        endpoint = {"url": "http://127.0.0.1:9/", "connect": True, "enabled_events": wanted}
        self.send(tenant, "POST", "/v1/webhook_endpoints", endpoint)
        capabilities = dict.fromkeys(("transfers", "treasury", "card_issuing"), REQUESTED)
        controller = {
            "fees": {"payer": "application"},
            "losses": {"payments": "application"},
            "requirement_collection": "application",
            "stripe_dashboard": {"type": "none"},
        }
        account = self.made(tenant, "/v1/accounts", country="US", controller=controller, capabilities=capabilities)
        tenant.account = account["id"]
        ways = {name: {"ach": REQUESTED} for name in ("inbound_transfers", "outbound_payments", "outbound_transfers")}
        features = {"card_issuing": REQUESTED, "financial_addresses": {"aba": REQUESTED}, **ways}
        path = "/v1/treasury/financial_accounts"
        tenant.financial_account = self.made(tenant, path, supported_currencies=["usd"], features=features)["id"]
        terms = {"user_terms_acceptance": {"date": START - DAY, "ip": "198.51.100.7"}}
        address = {"line1": "1 A St", "city": "Oakland", "state": "CA", "postal_code": "94601", "country": "US"}
        holder = self.made(
            tenant,
            "/v1/issuing/cardholders",
            name="Jenny Rosen",
            individual={"first_name": "Jenny", "last_name": "Rosen", "card_issuing": terms},
            billing={"address": address},
        )["id"]
        for purse in ({}, {"financial_account": tenant.financial_account}):
            card = {"cardholder": holder, "currency": "usd", "type": "virtual", "status": "active", **purse}
            self.made(tenant, "/v1/issuing/cards", **card)
        self.fund(tenant)

    def amount(self) -> int:
        """Mostly small, sometimes more than there is."""
        return self.chance.choice([1, self.chance.randrange(1, 50_00), self.chance.randrange(1, 900_00)])

    def one(self, tenant: Tenant, kind: str) -> str:
        """An id of some kind; one that nothing has where there is none."""
        return self.chance.choice(tenant.ids[kind] or ["none_1"])

    def fund(self, tenant: Tenant) -> None:
        """Money from outside, into both purses."""
        amount = self.chance.randrange(100_00, 900_00)
        self.tried(tenant, f"{ISSUING}/fund_balance", amount=amount, currency="usd")
        to = {"financial_account": tenant.financial_account, "currency": "usd", "network": "ach"}
        self.tried(tenant, f"{TREASURY}/received_credits", amount=amount, **to)

    def buy(self, tenant: Tenant) -> None:
        """A purchase."""
        self.tried(tenant, AUTHORIZATIONS, card=self.one(tenant, "issuing.card"), amount=self.amount())

    def go_on(self, tenant: Tenant) -> None:
        """What may become of a purchase."""
        verb, name = self.chance.choice(
            [("capture", "capture_amount"), ("reverse", "reverse_amount"), ("increment", "increment_amount"),
             ("capture", ""), ("expire", "")]
        )  # fmt: skip
        form = {name: self.amount()} if name else {}
        self.tried(tenant, f"{AUTHORIZATIONS}/{self.one(tenant, 'issuing.authorization')}/{verb}", **form)

    def give_back(self, tenant: Tenant) -> None:
        """A refund of what was captured, or a dispute."""
        transaction = self.one(tenant, "issuing.transaction")
        if self.chance.random() < 0.6:
            self.tried(tenant, f"{ISSUING}/transactions/{transaction}/refund", refund_amount=self.amount())
            return
        words = self.chance.choice(["winning_evidence", "losing_evidence"])
        evidence = {"reason": "fraudulent", "fraudulent": {"explanation": words}}
        self.tried(tenant, "/v1/issuing/disputes", transaction=transaction, evidence=evidence)
        self.tried(tenant, f"/v1/issuing/disputes/{self.one(tenant, 'issuing.dispute')}/submit")

    def pay(self, tenant: Tenant) -> None:
        """Money to a bank, or from one, and what becomes of it."""
        kind = self.chance.choice(["outbound_transfer", "inbound_transfer"])
        form = {"amount": self.amount(), "currency": "usd", "financial_account": tenant.financial_account}
        name = "destination_payment_method" if kind == "outbound_transfer" else "origin_payment_method"
        self.tried(tenant, f"/v1/treasury/{kind}s", **form, **{name: "pm_usBankAccount_processing"})
        verbs = ("post", "fail", "return") if kind == "outbound_transfer" else ("succeed", "fail", "return")
        id = self.one(tenant, f"treasury.{kind}")
        self.tried(tenant, f"{TREASURY}/{kind}s/{id}/{self.chance.choice(verbs)}")

    def change(self, tenant: Tenant) -> None:
        """Cards and flows that are opened and closed; most are opened, or nothing would happen any more."""
        status = self.chance.choice(["active", "active", "active", "inactive"])
        self.tried(tenant, f"/v1/issuing/cards/{self.one(tenant, 'issuing.card')}", status=status)
        flows = self.chance.choice(["unrestricted", "unrestricted", "restricted"])
        path = f"/v1/treasury/financial_accounts/{tenant.financial_account}"
        self.tried(tenant, path, platform_restrictions={"outbound_flows": flows})

    def repeat(self, tenant: Tenant) -> None:
        """An old request again, under its key."""
        fresh = [kept for kept in tenant.replies if kept.at > tenant.now - KEYS_KEPT_SECONDS]
        if fresh:
            self.again(tenant, self.chance.choice(fresh))

    def let_pass(self, tenant: Tenant) -> None:
        """Time passes."""
        seconds = self.chance.choice([1, 60, HOUR, DAY, 8 * DAY])
        tenant.now += seconds
        self.send(tenant, "POST", "/_emulator/clock", {"advance": seconds})

    def deliver(self, tenant: Tenant) -> None:
        """What is due for the endpoint is carried there; how it takes it changes before."""
        self.mood = self.chance.choice(["well", "bad", "gone"])
        self.carry(tenant)

    def carry(self, tenant: Tenant) -> None:
        """Carry what is due, to its end."""
        self.emulator.postman.visit(self.world_of(tenant))
        drained = self.send(tenant, "POST", "/_emulator/webhooks/drain", {"timeout_ms": 30_000}).get_json()
        if not drained["drained"]:
            raise Violated(f"deliveries are not carried to their end: {drained}")

    # What must hold

    def hold_against(self, tenant: Tenant) -> None:
        """Money in the world that was touched, and the quiet of the others. Violated."""
        with self.world_of(tenant).reading() as step:
            wrong = [f"{book} says {kept}, its lines {summed}" for book, kept, summed in step.ledger.differing_totals()]
            wrong += [f"movement {one} is out by {by}" for one, by in step.ledger.unbalanced_movements()]
            wrong += list(step.ledger.faults())
        if wrong:
            raise Violated(f"{tenant.key}: {wrong}")
        for other in self.tenants:
            with self.world_of(other).reading() as step:
                events = step.row.events
            if other is not tenant and events != other.events:
                raise Violated(
                    f"{other.key} has {events} events instead of {other.events}, while {tenant.key} was used"
                )
            other.events = events

    def world_of(self, tenant: Tenant) -> StoredTenant:
        """The tenant as the server has it."""
        return self.emulator.tenants.open(tenant.key.removeprefix("sk_test_"))

    def examine(self, tenant: Tenant) -> None:
        """The doctor. Violated with what it finds."""
        with self.world_of(tenant).stored.reading() as session:
            findings = list(examine_session(session, CATALOG))
        if findings:
            raise Violated(f"the doctor: {findings}")

    def run(self, steps: int) -> None:
        """The whole of it. Violated."""
        self.start()
        try:
            for tenant in self.tenants:
                self.prepare(tenant)
                self.hold_against(tenant)
            for number in range(steps):
                tenant = self.chance.choice(self.tenants)
                (do,) = self.chance.choices([do for do, _ in self.deeds()], [often for _, often in self.deeds()])
                self.did[do.__name__] += 1
                if do in (self.restart, self.kill):
                    do()  # type: ignore[call-arg]
                    for one in self.tenants:
                        self.examine(one)
                else:
                    do(tenant)
                self.hold_against(tenant)
                if number % EXAMINED_EVERY == EXAMINED_EVERY - 1:
                    self.examine(tenant)
            self.mood = "well"
            for tenant in self.tenants:
                self.settle(tenant)
        finally:
            self.emulator.close()
        findings = examine(self.folder, CATALOG)
        if findings:
            raise Violated(f"the doctor: {findings}")

    def deeds(self) -> list[tuple[Callable[[Tenant], None], int]]:
        """What may happen, and how often beside the others."""
        return [
            (self.buy, 30), (self.go_on, 30), (self.give_back, 10), (self.pay, 12), (self.fund, 5), (self.change, 4),
            (self.repeat, 8), (self.let_pass, 5), (self.deliver, 3), (self.restart, 2), (self.kill, 2),
        ]  # type: ignore[list-item]  # fmt: skip

    def settle(self, tenant: Tenant) -> None:
        """Everything arrives in the end but what has failed as often as is tried. Violated for any other event."""
        for seconds in (0, *RETRY_AFTER_SECONDS):
            self.send(tenant, "POST", "/_emulator/clock", {"advance": seconds})
            self.carry(tenant)
        events = {event["id"] for event in self.events(tenant) if event["type"] != QUESTION}  # which are put once
        for id in events - self.arrived:
            tried = self.send(tenant, "GET", "/_emulator/webhooks/deliveries", {"event": id}).get_json()["data"]
            if any(one["attempts"] <= len(RETRY_AFTER_SECONDS) for one in tried):
                raise Violated(f"the event {id} of {tenant.key} never arrived, and was not tried to the end: {tried}")
            self.did["events given up"] += 1
        self.did["events"] += len(events)

    def events(self, tenant: Tenant) -> Iterator[dict[str, Any]]:
        """Every event of the connected account."""
        after: dict[str, Any] = {}
        while True:
            page = self.send(tenant, "GET", "/v1/events", {"limit": 100, **after}).get_json()
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}


def simulated(seed: int, steps: int = STEPS) -> Counter[str]:
    """One seed; what it did. Violated, with the command that shows it again."""
    with tempfile.TemporaryDirectory(prefix="stripe-emulator-simulation-") as folder:
        simulation = Simulation(seed, Path(folder))
        try:
            simulation.run(steps)
        except Violated as failure:
            again = f"python -m bench.simulation --first {seed} --seeds 1 --steps {steps}"
            raise Violated(f"{failure}\nTo see it again: {again}") from None
    return simulation.did


def main() -> int:
    """Run seed after seed; 1 at the first that fails."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=100)
    options.add_argument("--first", type=int, default=1)
    options.add_argument("--steps", type=int, default=STEPS)
    chosen = options.parse_args()
    did: Counter[str] = Counter()
    began = time.monotonic()
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        try:
            did += simulated(seed, chosen.steps)
        except Violated as failure:
            print(f"Seed {seed}: {failure}", file=sys.stderr)
            return 1
    print(f"{chosen.seeds} seeds of {chosen.steps} steps hold ({time.monotonic() - began:.0f} s): {dict(did)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
