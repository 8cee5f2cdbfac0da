"""A bounded load of everything at once for a long time: memory, threads, files and latency, which must stay flat.

    python -m bench.endurance [--minutes 30] [--rate 60]

Clients buy, capture, refund, list, read, repeat under keys and are refused, in worlds of which each is deleted after a
while and followed by another; an endpoint is told of everything and asked about purchases. The server's process is
looked at every few seconds (Linux: /proc). What stands before the colon is the median of the first third of the
measured time, after a minute to warm up; what stands behind it that of the last third. Clients that cannot keep to the
rate say so: then the machine is too busy for latencies to mean much.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from bench.http_bench import HOLDER, MOST
from bench.kill_test import AUTHORIZATIONS, QUESTION, TRANSACTIONS, Endpoint
from bench.running import Running, assert_whole

CLIENTS = 6
REQUESTS_OF_A_WORLD = 400
LOOK_SECONDS = 5.0
WARM_UP_SECONDS = 60.0


class Look(NamedTuple):
    """The server at one moment, and the replies since the moment before."""

    at: float
    megabytes: float
    threads: int
    files: int
    p50_ms: float
    p99_ms: float
    requests: int


class Client(threading.Thread):
    """One client, in one world after the other, at its part of the rate."""

    def __init__(self, url: str, number: int, rate: float, endpoint: Endpoint, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.pause = 1 / rate
        self.endpoint = endpoint
        self.over = over
        self.chance = random.Random(number)
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.took_ms: list[float] = []
        self.wrong: str | None = None
        self.worlds = 0
        self.began = time.monotonic()
        self.sent = 0

    def run(self) -> None:
        """World after world until it is over, or something is answered that should not be. The last is the doctor's."""
        try:
            while True:
                self.key = f"sk_test_endurance{self.number}x{self.worlds}"
                self.live()
                self.worlds += 1
                if self.over.is_set():
                    return
                self.ask("DELETE", "/_emulator/world")
        except Exception as failure:
            self.wrong = f"{type(failure).__name__}: {failure}"

    def live(self) -> None:
        """One world: its card, and what happens with it."""
        limit = {"spending_controls[spending_limits][0][amount]": MOST}
        limit["spending_controls[spending_limits][0][interval]"] = "yearly"
        self.ask("POST", "/_emulator/settings", {"on_webhook_failure": "approve"})
        wanted = {"enabled_events[0]": "*", "enabled_events[1]": QUESTION}
        self.ask("POST", "/v1/webhook_endpoints", {"url": f"http://127.0.0.1:{self.endpoint.port}/", **wanted})
        self.ask("POST", "/v1/test_helpers/issuing/fund_balance", {"amount": MOST, "currency": "usd"})
        holder = self.ask("POST", "/v1/issuing/cardholders", HOLDER)["id"]
        card = {"cardholder": holder, "currency": "usd", "type": "virtual", "status": "active", **limit}
        card = self.ask("POST", "/v1/issuing/cards", card)["id"]
        end = self.sent + REQUESTS_OF_A_WORLD
        while self.sent < end and not self.over.is_set():
            self.shop(card, holder)

    def shop(self, card: str, holder: str) -> None:
        """A purchase and what may follow it."""
        key = {"Idempotency-Key": f"key{self.sent}"}
        form = {"card": card, "amount": self.chance.randrange(1, 100_00)}
        bought = self.ask("POST", AUTHORIZATIONS, form, key)
        if bought != self.ask("POST", AUTHORIZATIONS, form, key):
            raise AssertionError("a request that was sent again was answered in another way")
        self.ask("GET", f"/v1/issuing/authorizations/{bought['id']}")
        if bought["approved"] and self.chance.random() < 0.7:
            captured = self.ask("POST", f"{AUTHORIZATIONS}/{bought['id']}/capture")
            self.ask("POST", f"{TRANSACTIONS}/{captured['transactions'][0]['id']}/refund", {"refund_amount": 1})
        self.ask("GET", "/v1/issuing/transactions?limit=10")
        self.ask("POST", f"/v1/issuing/cardholders/{holder}", {"metadata[seen]": self.sent})
        self.ask("POST", "/v1/issuing/cards", {"cardholder": holder}, expected=400)
        self.ask("GET", "/v1/events?limit=5")
        if self.chance.random() < 0.05:
            self.ask("POST", "/_emulator/clock", {"advance": 3_600})

    def ask(
        self,
        verb: str,
        path: str,
        form: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        expected: int = 200,
    ) -> Any:
        """One request in its time. AssertionError for another status than the expected one."""
        self.sent += 1
        ahead = self.began + self.sent * self.pause - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        began = time.perf_counter()
        reply = self.http.request(verb, path, data=form, auth=(self.key, ""), headers=headers)
        if path != AUTHORIZATIONS:  # which wait for the endpoint
            self.took_ms.append((time.perf_counter() - began) * 1000)
        assert reply.status_code == expected, f"{verb} {path}: {reply.status_code} {reply.text}"
        return reply.json()


def looks(pid: int, clients: list[Client], until: float) -> Iterator[Look]:
    """The server every few seconds. AssertionError once a client met something that it should not."""
    began = time.monotonic()
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        for client in clients:
            assert client.wrong is None, client.wrong
        took = sorted(ms for client in clients for ms in taken(client))
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        yield Look(
            time.monotonic() - began,
            int(status["VmRSS"].split()[0]) / 1024,
            int(status["Threads"]),
            len(os.listdir(f"/proc/{pid}/fd")),
            took[len(took) // 2] if took else 0.0,
            took[len(took) * 99 // 100] if took else 0.0,
            len(took),
        )


def taken(client: Client) -> list[float]:
    """How long a client's replies have taken since the last look."""
    took, client.took_ms = client.took_ms, []
    return took


def told(found: list[Look]) -> Iterator[str]:
    """First third against last third."""
    measured = [look for look in found if look.at > WARM_UP_SECONDS] or found
    third = max(1, len(measured) // 3)
    for name in ("megabytes", "threads", "files", "p50_ms", "p99_ms"):
        first, last = ([getattr(look, name) for look in part] for part in (measured[:third], measured[-third:]))
        most = max(getattr(look, name) for look in measured)
        yield f"{name}: {statistics.median(first):.1f} : {statistics.median(last):.1f} (most {most:.1f})"


def main() -> int:
    """Load, look, tell, and examine what is left."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--rate", type=float, default=60, help="requests a second of all clients together")
    chosen = options.parse_args()
    endpoint = Endpoint(random.Random(1))
    over = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with Running(data, "--quiet") as server:
            rate = chosen.rate / CLIENTS
            clients = [Client(server.url, number, rate, endpoint, over) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            found = list(looks(server.process.pid, clients, time.monotonic() + chosen.minutes * 60))
            over.set()
            for client in clients:
                client.join(60)
                assert client.wrong is None, client.wrong
            said = "".join(server.console[1:])
        assert_whole(data)
    endpoint.close()
    sent, worlds = sum(client.sent for client in clients), sum(client.worlds for client in clients)
    print(
        f"{chosen.minutes:g} minutes, {sent} requests ({sent / chosen.minutes / 60:.0f} a second of {chosen.rate:g} "
        f"wanted), {worlds} worlds made, {len(endpoint.arrived)} webhooks and questions."
    )
    print("\n".join(told(found)))
    print(f"The console: {said or 'nothing'}. The doctor: nothing.")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main())
