"""Events to a receiver that fails, is slow and is restarted, while the server is killed: none lost, none invented.

    python -m bench.webhook_storm [--events 10000] [--kills 20] [--seed 1] [--processes 3]

With `--processes` so many share a database, and every kill is of one of them.

Writers cause the events with idempotency keys and repeat what a kill cut off. The tenant's clock stands still
meanwhile, so that everything that arrives is a first attempt, or one repeated because it had not been recorded when
the server was killed. Then the receiver recovers, the clock moves through the retries, and

- every event of the account has arrived at least once, and acknowledged;
- nothing arrived that is no event, and every signature is right;
- first attempts arrived in the order of events;
- the doctor finds the books whole.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from bench.fleet import Fleet
from bench.http_bench import HOLDER
from bench.postgres import PostgresServer, prepare
from bench.running import assert_whole
from emulator.kernel.deliveries import RETRY_AFTER_SECONDS
from emulator.kernel.webhooks.signing import signature

KEY = "sk_test_storm"
TYPE = "issuing_cardholder.updated"
WRITERS = 4
SLOWEST_SECONDS = 0.03
YES = b'{"approved": true}'  # which means something to questions only


class Told(NamedTuple):
    """What a storm came to."""

    events: int
    arrivals: int
    repeated: int
    failed: int
    kills: int
    restarts: int
    seconds: float


class Receiver:
    """A webhook receiver that behaves badly until it is told to recover."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.is_well = False
        self.guard = threading.Lock()
        self.arrived: list[tuple[str, bytes, str]] = []
        self.failed = 0
        self.port = 0
        self.server: ThreadingHTTPServer | None = None
        self.open()

    def open(self) -> None:
        """Listen, on the same port every time."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, seconds = receiver.take(body, self.headers["Stripe-Signature"])
                if seconds:
                    time.sleep(seconds)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(YES)))
                self.end_headers()
                self.wfile.write(YES)

            def log_message(self, *args: Any) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A server that was killed hung up."""

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        """Refuse connections."""
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()

    def take(self, body: bytes, signed: str) -> tuple[int, float]:
        """Keep what came; how to answer, and after how many seconds."""
        with self.guard:
            id = json.loads(body)["id"]
            self.arrived.append((id, body, signed))
            if self.is_well:
                return 200, 0.0
            mood = self.chance.random()
            self.failed += mood < 0.1
            return (500 if mood < 0.1 else 200), (self.chance.uniform(0, SLOWEST_SECONDS) if mood > 0.9 else 0.0)


class Storm:
    """One run in one data directory, or in one database with several processes."""

    def __init__(
        self, worlds: Path | str, events: int, kills: int, chance: random.Random, *, processes: int = 1
    ) -> None:
        self.worlds = worlds
        self.events = events
        self.kills = kills
        self.chance = chance
        self.receiver = Receiver(random.Random(chance.random()))
        self.fleet = Fleet(worlds, processes)
        self.done = 0
        self.restarts = 0
        self.surprise: str | None = None
        self.next_number = iter(range(events))
        self.guard = threading.Lock()
        self.secret = ""
        self.holder = ""

    def client(self) -> httpx.Client:
        """A client of whoever serves."""
        return httpx.Client(base_url=self.fleet.url, auth=(KEY, ""), timeout=60, trust_env=False)

    def prepare(self) -> None:
        """A clock that stands still, an endpoint, a cardholder."""
        with self.client() as http:

            def made(path: str, form: dict[str, Any]) -> dict[str, Any]:
                reply = http.post(path, data=form)
                assert reply.status_code == 200, f"{path}: {reply.text}"
                return reply.json()

            made("/_emulator/clock", {"frozen": "true"})
            endpoint = {"url": f"http://127.0.0.1:{self.receiver.port}/", "enabled_events[]": TYPE}
            self.secret = made("/v1/webhook_endpoints", endpoint)["secret"]
            self.holder = made("/v1/issuing/cardholders", HOLDER)["id"]

    def write(self) -> None:
        """Cause events until there are enough; what a kill cuts off is repeated with its key."""
        with self.guard:
            number = next(self.next_number, None)
        while number is not None and self.surprise is None:
            try:
                with self.client() as http:
                    while number is not None:
                        reply = http.post(
                            f"/v1/issuing/cardholders/{self.holder}",
                            data={"metadata[number]": number},
                            headers={"Idempotency-Key": f"number-{number}"},
                        )
                        if reply.status_code != 200:
                            self.surprise = reply.text
                            return
                        with self.guard:
                            self.done += 1
                            number = next(self.next_number, None)
            except httpx.HTTPError:
                time.sleep(0.05)  # and then the same again

    def rage(self) -> None:
        """Kill a server and restart the receiver at random moments, until every event has been caused."""
        marks = sorted(self.chance.sample(range(1, self.events), self.kills))
        for position, mark in enumerate(marks):
            self.wait_until(lambda mark=mark: self.done >= mark)
            victim = self.chance.randrange(len(self.fleet.processes))
            self.fleet.kill(victim)
            if position % 4 == 1:
                self.receiver.close()
            self.fleet.start_again(victim)
            if position % 4 == 1:
                time.sleep(0.2)  # deliveries are refused meanwhile
                self.receiver.open()
                self.restarts += 1
        self.wait_until(lambda: self.done >= self.events)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait. AssertionError when a writer met something it should not."""
        until = time.monotonic() + 600
        while not is_so():
            assert self.surprise is None, self.surprise
            assert time.monotonic() < until, f"stuck at {self.done} of {self.events}"
            time.sleep(0.005)

    def settle(self) -> int:
        """Let everything arrive; how many arrivals there were before the clock moved."""
        with self.client() as http:

            def drain() -> None:
                reply = http.post("/_emulator/webhooks/drain", data={"timeout_ms": 600_000}, timeout=700).json()
                assert reply["drained"], reply

            drain()
            in_the_storm = len(self.receiver.arrived)
            self.receiver.is_well = True
            for seconds in RETRY_AFTER_SECONDS:
                http.post("/_emulator/clock", data={"advance": seconds}).raise_for_status()
                drain()
        return in_the_storm

    def check(self, in_the_storm: int) -> None:
        """Every event arrived, nothing else did, in order, and the books are whole. AssertionError otherwise."""
        with self.client() as http:
            events = listed(http, TYPE)
            unacknowledged = http.get("/v1/events", params={"delivery_success": "false"}).json()["data"]
        assert len(events) == self.events, f"{len(events)} events of {self.events} requests"
        assert unacknowledged == [], f"{len(unacknowledged)} or more were never acknowledged"
        arrived = {id for id, _, _ in self.receiver.arrived}
        assert arrived == set(events), f"{len(set(events) - arrived)} lost, {len(arrived - set(events))} invented"
        place = {id: number for number, id in enumerate(events)}
        first = list(dict.fromkeys(id for id, _, _ in self.receiver.arrived[:in_the_storm]))
        for earlier, later in zip(first, first[1:], strict=False):
            assert place[earlier] < place[later], f"event {place[later]} came after event {place[earlier]}"
        for id, body, signed in self.receiver.arrived:
            parts = dict(part.split("=", 1) for part in signed.split(","))
            assert parts["v1"] == signature(self.secret, int(parts["t"]), body), f"{id} is signed wrongly"

    def run(self) -> Told:
        """The whole storm."""
        began = time.monotonic()
        try:
            self.prepare()
            writers = [threading.Thread(target=self.write, daemon=True) for _ in range(WRITERS)]
            for writer in writers:
                writer.start()
            self.rage()
            for writer in writers:
                writer.join(60)
            in_the_storm = self.settle()
            self.check(in_the_storm)
        finally:
            self.fleet.close()
            self.receiver.close()
        assert_whole(self.worlds)
        arrivals = len(self.receiver.arrived)
        repeated = in_the_storm - len({id for id, _, _ in self.receiver.arrived[:in_the_storm]})
        seconds = time.monotonic() - began
        return Told(self.events, arrivals, repeated, self.receiver.failed, self.kills, self.restarts, seconds)


def listed(http: httpx.Client, type: str) -> list[str]:
    """The ids of every event of a type, oldest first."""
    ids: list[str] = []
    has_more = True
    while has_more:
        after = {"starting_after": ids[-1]} if ids else {}
        page = http.get("/v1/events", params={"type": type, "limit": 100, **after}).json()
        ids += [event["id"] for event in page["data"]]
        has_more = page["has_more"]
    return ids[::-1]


def main() -> None:
    """Run a storm and say what came of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=10_000)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--processes", type=int, default=1)
    chosen = options.parse_args()
    with contextlib.ExitStack() as stack:
        worlds: Path | str = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        if chosen.processes > 1:
            worlds = stack.enter_context(PostgresServer(prepare)).database()
        told = Storm(worlds, chosen.events, chosen.kills, random.Random(chosen.seed), processes=chosen.processes).run()
        print(
            f"{told.events} events, {chosen.processes} processes, {told.kills} kills, {told.restarts} restarts of the "
            f"receiver, {told.seconds:.0f} s: {told.arrivals} arrivals ({told.failed} answered with 500, "
            f"{told.repeated} repeated after a kill); every event arrived, none was invented, first attempts came in "
            "order."
        )


if __name__ == "__main__":
    main()
