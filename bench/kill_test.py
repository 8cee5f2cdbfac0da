"""`kill -9` at random moments: nothing that was acknowledged may be lost, nothing may happen twice.

    python -m bench.kill_test [--rounds 50] [--seed 1]

Each round: writers make, change, buy, capture, refund and reverse, every request with an idempotency key; after at
least 20 acknowledgements, and a random moment later, every process of the server is killed. After the restart

- every request that was sent is sent again with its key: an acknowledged one gives the same bytes;
- every acknowledged object is there, and its creation has exactly one event;
- every approved purchase has its movement, every capture and refund its own, and none of them a second time;
- the doctor finds the books whole.
"""

from __future__ import annotations

import argparse
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

from bench.http_bench import HOLDER, MOST
from bench.running import Running
from emulator.catalog import CATALOG
from emulator.kernel.database.doctor import examine

KEY = "sk_test_kill"
WRITERS = 6
LEAST_ACKNOWLEDGED = 20
AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"
TRANSACTIONS = "/v1/test_helpers/issuing/transactions"


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


def prepare(url: str) -> str:
    """Fund the world and make the card that all writers share."""
    with client(url) as http:

        def made(path: str, form: dict[str, Any]) -> dict[str, Any]:
            reply = http.post(path, data=form)
            assert reply.status_code == 200, f"{path}: {reply.text}"
            return reply.json()

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
    shared_card = ""
    for number in range(rounds):
        running = Running(folder, "--quiet")
        try:
            shared_card = shared_card or prepare(running.url)
            count = threading.Semaphore(0)
            writers = [Writer(running.url, f"round{number}-{n}", shared_card, count) for n in range(WRITERS)]
            for writer in writers:
                writer.start()
            for _ in range(LEAST_ACKNOWLEDGED):
                assert count.acquire(timeout=60), surprises(writers, running)
            time.sleep(chance.uniform(0, 0.4))
        finally:
            running.kill()
        for writer in writers:
            writer.join(60)
            assert writer.surprise is None, surprises(writers, running)
        sent = [one for writer in writers for one in writer.sent]
        with Running(folder, "--quiet") as restarted:
            check(restarted.url, folder, sent)
        acknowledged = sum(one.body is not None for one in sent)
        yield f"round {number + 1}: {acknowledged} acknowledged, {len(sent) - acknowledged} cut off, all there"


def surprises(writers: list[Writer], running: Running) -> str:
    """What the writers met, and what the server said of it."""
    return "\n".join([*(str(writer.surprise) for writer in writers), *running.console[-40:]])


def check(url: str, folder: Path, sent: list[Sent]) -> None:
    """Everything that was acknowledged is there, once, and the books are whole."""
    with client(url) as http:
        repeated = [repeat(http, one) for one in sent]
        effects = Counter(effect for one in repeated for effect in effects_on(one))
        for one in repeated:
            held_by_path(http, one, effects)
        events = all_events(http)
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
    check_movements(folder, repeated)
    findings = examine(folder, CATALOG)
    assert not findings, findings


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


def all_events(http: httpx.Client) -> list[dict[str, Any]]:
    """Every event of the world, newest first."""
    events: list[dict[str, Any]] = []
    has_more = True
    while has_more:
        after = {"starting_after": events[-1]["id"]} if events else {}
        page = http.get("/v1/events", params={"limit": 100, **after}).json()
        events += page["data"]
        has_more = page["has_more"]
    return events


def check_movements(folder: Path, sent: list[Sent]) -> None:
    """Read the ledger with SQL of its own: each purchase's hold, each capture's spending, all in balance."""
    lines: Counter[str] = Counter()
    for file in folder.glob("*.sqlite"):
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            unbalanced = connection.execute(
                "SELECT movement FROM line GROUP BY movement HAVING sum(amount) <> 0 LIMIT 1"
            ).fetchone()
            assert unbalanced is None, f"movement {unbalanced} does not sum to zero"
            lines.update(flow for (flow,) in connection.execute("SELECT flow FROM movement WHERE flow IS NOT NULL"))
        finally:
            connection.close()
    for one in sent:
        assert one.reply is not None
        if one.reply["object"] == "issuing.transaction":
            assert lines[one.reply["id"]], f"{one.reply['id']} moved nothing"
        if one.reply["object"] == "issuing.authorization" and one.reply["approved"]:
            assert lines[one.reply["id"]], f"{one.reply['id']} moved nothing"
            for transaction in one.reply["transactions"]:
                assert lines[transaction["id"]], f"{transaction['id']} moved nothing"


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
