"""`kill -9` at random moments: nothing that was acknowledged may be lost, nothing may happen twice.

    python -m bench.kill_test [--rounds 50] [--seed 1]

Each round: writers make, change, buy, capture, refund and reverse, every request with an idempotency key, while an
endpoint that fails now and then is sent every event, and is asked about every purchase, for which it takes its time;
after at least 20 acknowledgements, and a random moment later, every process of the server is killed. After the restart

- every question that was open is concluded, by `on_webhook_failure`;
- every request that was sent is sent again with its key: an acknowledged one gives the same bytes;
- every acknowledged object is there, and its creation has exactly one event;
- every approved purchase has its movement, every capture and refund its own, and none of them a second time;
- the doctor finds the books whole.

At the end the endpoint is well again, the clock moves through the retries, and every event has arrived there.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg

from bench.http_bench import HOLDER, MOST
from bench.postgres import ADMINISTRATOR
from bench.running import Running, assert_whole
from bench.webhook_storm import Receiver
from emulator.kernel.database.postgres.tables import SCHEMA
from emulator.kernel.deliveries import RETRY_AFTER_SECONDS

KEY = "sk_test_kill"
WRITERS = 6
LEAST_ACKNOWLEDGED = 20
QUESTION = "issuing_authorization.request"
ANSWERS_WITHIN_SECONDS, SLOWEST_ANSWER_SECONDS = 1.0, 0.3
AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"
TRANSACTIONS = "/v1/test_helpers/issuing/transactions"
UNBALANCED = "SELECT {0} FROM line GROUP BY {0} HAVING sum(amount) <> 0"
FLOWS = "SELECT flow FROM movement WHERE flow IS NOT NULL"


class Sent(NamedTuple):
    """One request that left, and the reply's bytes if one came back."""

    path: str
    form: dict[str, Any]
    idempotency_key: str
    body: bytes | None
    reply: dict[str, Any] | None


Work = Generator[tuple[str, dict[str, Any]], dict[str, Any], None]


def errand(shared_card: str) -> Work:
    """What one writer does over and over: paths and forms out, replies in."""
    holder = yield "/v1/issuing/cardholders", HOLDER
    yield f"/v1/issuing/cardholders/{holder['id']}", {"metadata[visited]": "yes"}
    card = yield (
        "/v1/issuing/cards",
        {"cardholder": holder["id"], "currency": "usd", "type": "virtual", "status": "active"},
    )
    for spender in (card["id"], shared_card):
        purchase = yield AUTHORIZATIONS, {"card": spender, "amount": 12_34, "currency": "usd"}
        yield f"{AUTHORIZATIONS}/{purchase['id']}/capture", {"capture_amount": 5_00, "close_authorization": "false"}
        captured = yield f"{AUTHORIZATIONS}/{purchase['id']}/capture", {}
        yield f"{TRANSACTIONS}/{captured['transactions'][0]['id']}/refund", {"refund_amount": 1_50}
        given_back = yield AUTHORIZATIONS, {"card": spender, "amount": 2_00, "currency": "usd"}
        yield f"{AUTHORIZATIONS}/{given_back['id']}/reverse", {}
    yield AUTHORIZATIONS, {"card": card["id"], "amount": 9_999_00, "currency": "usd"}  # over the limit: declined


class Endpoint(Receiver):
    """A receiver that takes its time over questions."""

    def take(self, body: bytes, signed: str) -> tuple[int, float]:
        """Keep what came; how to answer, and after how many seconds."""
        status, seconds = super().take(body, signed)
        is_question = QUESTION.encode() in body
        return status, self.chance.uniform(0, SLOWEST_ANSWER_SECONDS) if is_question else seconds


class Writer(threading.Thread):
    """Runs errands until the server is gone, and keeps what it sent."""

    def __init__(self, url: str, name: str, shared_card: str, count: threading.Semaphore) -> None:
        super().__init__(daemon=True, name=name)
        self.url = url
        self.shared_card = shared_card
        self.count = count
        self.sent: list[Sent] = []
        self.surprise: str | None = None

    def run(self) -> None:
        """Errand after errand; the first broken connection ends it."""
        with client(self.url) as http:
            while self.surprise is None:
                work = errand(self.shared_card)
                request = next(work)
                while request is not None:
                    reply = self.send(http, *request)
                    if reply is None:
                        return
                    try:
                        request = work.send(reply)
                    except StopIteration:
                        request = None

    def send(self, http: httpx.Client, path: str, form: dict[str, Any]) -> dict[str, Any] | None:
        """One keyed request; None when the server is gone or answers something that it should not."""
        key = f"{self.name}-{len(self.sent)}"
        try:
            response = http.post(path, data=form, headers={"Idempotency-Key": key})
        except httpx.HTTPError:
            self.sent.append(Sent(path, form, key, None, None))
            return None
        self.sent.append(Sent(path, form, key, response.content, response.json()))
        if response.status_code != 200:
            self.surprise = f"{path}: {response.status_code} {response.text}"
            return None
        self.count.release()
        return response.json()


def client(url: str) -> httpx.Client:
    """An HTTP client with the key of the world that is killed."""
    return httpx.Client(base_url=url, auth=(KEY, ""), timeout=60, trust_env=False)


def prepare(url: str, endpoint: Receiver) -> str:
    """Fund the world, have the endpoint told and asked, and make the card that all writers share."""
    with client(url) as http:

        def made(path: str, form: dict[str, Any]) -> dict[str, Any]:
            reply = http.post(path, data=form)
            assert reply.status_code == 200, f"{path}: {reply.text}"
            return reply.json()

        limit_ms = int(ANSWERS_WITHIN_SECONDS * 1000)
        made("/_emulator/settings", {"on_webhook_failure": "approve", "real_time_timeout_ms": limit_ms})
        wanted = {"enabled_events[0]": "*", "enabled_events[1]": QUESTION}
        made("/v1/webhook_endpoints", {"url": f"http://127.0.0.1:{endpoint.port}/", **wanted})
        made("/v1/test_helpers/issuing/fund_balance", {"amount": MOST, "currency": "usd"})
        holder = made("/v1/issuing/cardholders", HOLDER)
        card = made(
            "/v1/issuing/cards",
            {
                "cardholder": holder["id"],
                "currency": "usd",
                "type": "virtual",
                "status": "active",
                "spending_controls[spending_limits][0][amount]": MOST,
                "spending_controls[spending_limits][0][interval]": "yearly",
            },
        )
        return card["id"]


def play(rounds: int, folder: Path, chance: random.Random) -> Iterator[str]:
    """Kill and check, round after round, in one data directory; a line about each. AssertionError on any loss."""
    endpoint = Endpoint(random.Random(chance.random()))
    try:
        shared_card, seen = "", ""
        for number in range(rounds):
            began_ms = time.time() * 1000
            with raging(folder) as running:
                shared_card = shared_card or prepare(running.url, endpoint)
                count = threading.Semaphore(0)
                writers = [Writer(running.url, f"round{number}-{n}", shared_card, count) for n in range(WRITERS)]
                for writer in writers:
                    writer.start()
                for _ in range(LEAST_ACKNOWLEDGED):
                    assert count.acquire(timeout=60), surprises(writers, running)
                time.sleep(chance.uniform(0, 0.4))
            for writer in writers:
                writer.join(60)
                assert writer.surprise is None, surprises(writers, running)
            sent = [one for writer in writers for one in writer.sent]
            with Running(folder, "--quiet") as restarted:
                questions = concluded(restarted.url, began_ms)
                seen = check(restarted.url, folder, sent, seen)
            answered = sum(one.body is not None for one in sent)
            cut_off = f"{len(sent) - answered} cut off, {questions} of them with an open question"
            yield f"round {number + 1}: {answered} acknowledged, {cut_off}, all there"
        with Running(folder, "--quiet") as restarted:
            yield f"{arrived(restarted.url, endpoint)} events, every one of which arrived"
    finally:
        endpoint.close()


@contextlib.contextmanager
def raging(folder: Path) -> Iterator[Running]:
    """A server that is killed at the end."""
    running = Running(folder, "--quiet")
    try:
        yield running
    finally:
        running.kill()


def concluded(url: str, since_ms: float) -> int:
    """Wait until no question is open; how many were left without an answer. AssertionError where one stays open."""
    until = time.monotonic() + 30 * ANSWERS_WITHIN_SECONDS
    with client(url) as http:
        while True:
            asks = http.get("/_emulator/asks", params={"limit": 100}).json()["data"]
            if all(ask["outcome"] is not None for ask in asks):
                return sum(ask["duration_ms"] is None and ask["asked_at_ms"] >= since_ms for ask in asks)
            assert time.monotonic() < until, f"questions stay open: {asks}"
            time.sleep(0.05)


def arrived(url: str, endpoint: Receiver) -> int:
    """Let everything arrive that failed before; how many events there are. AssertionError where one is missing."""
    endpoint.is_well = True
    with client(url) as http:
        for seconds in (0, *RETRY_AFTER_SECONDS):
            http.post("/_emulator/clock", data={"advance": seconds}).raise_for_status()
            drained = http.post("/_emulator/webhooks/drain", data={"timeout_ms": 600_000}, timeout=700).json()
            assert drained["drained"], drained
        events = {event["id"] for event in all_events(http) if event["type"] != QUESTION}  # which are put once
    got = {id for id, _, _ in endpoint.arrived}
    assert events <= got, f"{len(events - got)} of {len(events)} events never arrived"
    return len(events)


def surprises(writers: list[Writer], running: Running) -> str:
    """What the writers met, and what the server said of it."""
    return "\n".join([*(str(writer.surprise) for writer in writers), *running.console[-40:]])


def check(url: str, worlds: Path | str, sent: list[Sent], seen: str) -> str:
    """Everything that was acknowledged is there, once, and the books are whole. From an event to the newest one."""
    with client(url) as http:
        repeated = [repeat(http, one) for one in sent]
        effects = Counter(effect for one in repeated for effect in effects_on(one))
        for one in repeated:
            held_by_path(http, one, effects)
        events = all_events(http, seen)
    created = Counter(
        event["data"]["object"]["id"]
        for event in events
        if event["type"] in ("issuing_cardholder.created", "issuing_card.created", "issuing_authorization.created")
    )
    causes = Counter(event["request"]["idempotency_key"] for event in events if event["type"].endswith(".created"))
    for one in repeated:
        assert one.reply is not None
        is_creation = one.path in ("/v1/issuing/cardholders", "/v1/issuing/cards", AUTHORIZATIONS)
        assert not is_creation or created[one.reply["id"]] == 1, f"{one.path}: {created[one.reply['id']]} events"
        assert not is_creation or causes[one.idempotency_key] == 1, one.idempotency_key
    check_movements(worlds, repeated)
    assert_whole(worlds)
    return events[0]["id"]


def repeat(http: httpx.Client, one: Sent) -> Sent:
    """The same request again, with its key: the same bytes if it was ever answered, and a success in any case."""
    response = http.post(one.path, data=one.form, headers={"Idempotency-Key": one.idempotency_key})
    assert response.status_code == 200, f"{one.path}: {response.text}"
    if one.body is not None:
        assert response.content == one.body, f"{one.path}: {one.idempotency_key} gives other bytes"
        assert response.headers.get("Idempotent-Replayed") == "true"
    return one._replace(body=response.content, reply=response.json())


def effects_on(one: Sent) -> Iterator[str]:
    """The authorization that a capture or a refund has added a transaction to."""
    assert one.reply is not None
    if one.path.endswith("/capture"):
        yield one.reply["id"]
    elif one.path.endswith("/refund"):
        yield one.reply["authorization"]


def held_by_path(http: httpx.Client, one: Sent, effects: Counter[str]) -> None:
    """The object of a reply can be read, has gone no way back, and was captured and refunded as often as was asked."""
    assert one.reply is not None
    place = {
        "issuing.cardholder": "/v1/issuing/cardholders/",
        "issuing.card": "/v1/issuing/cards/",
        "issuing.authorization": "/v1/issuing/authorizations/",
        "issuing.transaction": "/v1/issuing/transactions/",
    }[one.reply["object"]]
    found = http.get(place + one.reply["id"])
    assert found.status_code == 200, found.text
    stored = found.json()
    assert stored["created"] == one.reply["created"]
    if one.reply["object"] == "issuing.authorization":
        assert len(stored["transactions"]) == effects[stored["id"]], f"{stored['id']}: {effects[stored['id']]} expected"
        assert stored["approved"] == one.reply["approved"]
        assert one.reply["status"] == "pending" or stored["status"] == one.reply["status"]


def all_events(http: httpx.Client, seen: str = "") -> list[dict[str, Any]]:
    """Every event of the world after one that was seen, newest first."""
    events: list[dict[str, Any]] = []
    has_more = True
    while has_more:
        after = {"starting_after": events[-1]["id"]} if events else {}
        page = http.get("/v1/events", params={"limit": 100, **after}).json()
        ids = [event["id"] for event in page["data"]]
        events += page["data"][: ids.index(seen)] if seen in ids else page["data"]
        has_more = page["has_more"] and seen not in ids
    return events


def check_movements(worlds: Path | str, sent: list[Sent]) -> None:
    """Read the ledger with SQL of its own: each purchase's hold, each capture's spending, all in balance."""
    unbalanced, flows = ledger_in_database(worlds) if isinstance(worlds, str) else ledger_in_folder(worlds)
    assert not unbalanced, f"movements {unbalanced} do not sum to zero"
    lines = Counter(flows)
    for one in sent:
        assert one.reply is not None
        if one.reply["object"] == "issuing.transaction":
            assert lines[one.reply["id"]], f"{one.reply['id']} moved nothing"
        if one.reply["object"] == "issuing.authorization" and one.reply["approved"]:
            assert lines[one.reply["id"]], f"{one.reply['id']} moved nothing"
            for transaction in one.reply["transactions"]:
                assert lines[transaction["id"]], f"{transaction['id']} moved nothing"


def ledger_in_folder(folder: Path) -> tuple[list[Any], list[str]]:
    """Movements that do not sum to zero, and the flow of every one, of all worlds in a folder."""
    unbalanced, flows = [], []
    for file in folder.glob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            unbalanced += connection.execute(UNBALANCED.format("movement")).fetchall()
            flows += [flow for (flow,) in connection.execute(FLOWS)]
    return unbalanced, flows


def ledger_in_database(url: str) -> tuple[list[Any], list[str]]:
    """The same of all worlds in a database, as somebody sees it who may see everything."""
    with psycopg.connect(url, user=ADMINISTRATOR) as connection:
        connection.execute(f"SET search_path = {SCHEMA}")
        unbalanced = connection.execute(UNBALANCED.format("tenant, movement")).fetchall()
        return unbalanced, [flow for (flow,) in connection.execute(FLOWS)]


def main() -> None:
    """Play the rounds and say so."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in play(chosen.rounds, Path(folder) / "data", random.Random(chosen.seed)):
            print(line, flush=True)
    print(f"{chosen.rounds} rounds: nothing lost, nothing twice, the books whole.")


if __name__ == "__main__":
    main()
