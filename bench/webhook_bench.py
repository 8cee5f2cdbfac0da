"""What talking back costs: an authorization whose endpoint decides, and deliveries beside bare posts.

    python -m bench.webhook_bench [--units 1000] [--events 2000] [--rounds 5] [--write]

The receiver is a process of its own that answers at once. Authorizations go through a real server, one after the
other; deliveries are a backlog that is drained in this process, so that nothing else is measured. What it is held
against runs in the same round, and the figures are medians of rounds.
"""

from __future__ import annotations

import argparse
import os
import platform
import socketserver
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench.http_bench import HOLDER
from bench.running import Running
from emulator.app import create_app

YES = b'{"approved": true}'
REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nStripe-Version: 2026-10-28.endive\r\n"
    b"Content-Length: " + str(len(YES)).encode() + b"\r\n\r\n" + YES
)
REPORT = Path(__file__).parent.parent / "docs" / "performance.md"
BARE = "bare httpx, a connection each"  # what a delivery does too
AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"


class NoOp(socketserver.BaseRequestHandler):
    """Reads one request after the other and says yes."""

    def handle(self) -> None:
        buffer = b""
        while True:
            head, found, rest = buffer.partition(b"\r\n\r\n")
            if found:
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                if len(rest) >= length:
                    buffer = rest[length:]
                    self.request.sendall(REPLY)
                    continue
            chunk = self.request.recv(65_536)
            if not chunk:
                return
            buffer += chunk


class Server(socketserver.ThreadingTCPServer):
    """A thread per connection."""

    daemon_threads = True
    request_queue_size = 128


def receive() -> None:
    """Be the receiver; the port goes to stdout."""
    with Server(("127.0.0.1", 0), NoOp) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


def authorized(http: httpx.Client, units: int) -> list[float]:
    """Milliseconds that each of so many authorizations took."""

    def made(path: str, form: dict[str, Any]) -> dict[str, Any]:
        reply = http.post(path, data=form)
        assert reply.status_code == 200, reply.text
        return reply.json()

    made("/v1/test_helpers/issuing/fund_balance", {"amount": 900_000_00, "currency": "usd"})
    holder = made("/v1/issuing/cardholders", HOLDER)
    card = made(
        "/v1/issuing/cards",
        {
            "cardholder": holder["id"],
            "currency": "usd",
            "type": "virtual",
            "status": "active",
            "spending_controls[spending_limits][0][amount]": 900_000_00,
            "spending_controls[spending_limits][0][interval]": "yearly",
        },
    )
    took = []
    for _ in range(units):
        began = time.perf_counter()
        approved = made(AUTHORIZATIONS, {"card": card["id"], "amount": 1_00})["approved"]
        took.append((time.perf_counter() - began) * 1000)
        assert approved
    return sorted(took)


def purchases(port: int, units: int) -> dict[str, list[float]]:
    """The same purchases without an endpoint, and with one that is asked."""
    with tempfile.TemporaryDirectory() as folder, Running(Path(folder) / "data", "--quiet") as server:
        rows = {}
        for name, key in (("without an endpoint", "sk_test_alone"), ("its endpoint asked", "sk_test_asked")):
            with httpx.Client(base_url=server.url, auth=(key, ""), timeout=60, trust_env=False) as http:
                if key == "sk_test_asked":
                    asked = {"url": f"http://127.0.0.1:{port}/", "enabled_events[]": "issuing_authorization.request"}
                    http.post("/v1/webhook_endpoints", data=asked).raise_for_status()
                rows[name] = authorized(http, units)
    return rows


def deliveries(port: int, events: int) -> dict[str, float]:
    """Events delivered per second, beside bare posts of the same size."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Path(folder))
        http, key = app.test_client(), {"Authorization": "Bearer sk_test_bench"}
        endpoint = {"url": f"http://127.0.0.1:{port}/", "enabled_events[]": "issuing_cardholder.updated"}
        assert http.post("/v1/webhook_endpoints", data=endpoint, headers=key).status_code == 200
        holder = http.post("/v1/issuing/cardholders", data=HOLDER, headers=key).get_json()["id"]
        for number in range(events):
            http.post(f"/v1/issuing/cardholders/{holder}", data={"metadata[number]": number}, headers=key)
        body = http.get("/v1/events?limit=1", headers=key).get_data()
        began = time.perf_counter()
        drained = http.post("/_emulator/webhooks/drain", headers=key).get_json()
        ours = events / (time.perf_counter() - began)
        assert drained["succeeded"] == events
        app.emulator.close()  # type: ignore[attr-defined]
    bare = {}
    for name, kept in ((BARE, 0), ("bare httpx, one connection", 1)):
        with httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=kept)) as client:
            began = time.perf_counter()
            for _ in range(events):
                client.post(f"http://127.0.0.1:{port}/", content=body)
            bare[name] = events / (time.perf_counter() - began)
    return {"delivered, signed, recorded": ours, **bare}


def report(rounds: list[tuple[dict[str, list[float]], dict[str, float]]], units: int, events: int) -> str:
    """Two tables, medians of the rounds; each row beside the one that it is held against."""
    lines = [
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores; the "
        f"median of {len(rounds)} rounds of {units:,} purchases each, and of {events:,} events.",
        "",
        "| authorize, one client | p50 ms | p99 ms | p50 beside it |",
        "| --- | ---: | ---: | ---: |",
    ]
    baseline = 0.0
    for name in rounds[0][0]:
        half = statistics.median(took[name][len(took[name]) // 2] for took, _ in rounds)
        worst = statistics.median(took[name][int(len(took[name]) * 0.99)] for took, _ in rounds)
        baseline = baseline or half
        lines.append(f"| {name} | {half:.1f} | {worst:.1f} | {half / baseline:.2f} |")
    lines += ["", "| one endpoint | per second | beside it |", "| --- | ---: | ---: |"]
    rates = {name: statistics.median(rate[name] for _, rate in rounds) for name in rounds[0][1]}
    lines += [f"| {name} | {rate:,.0f} | {rate / rates[BARE]:.2f} |" for name, rate in rates.items()]
    return "\n".join(lines)


def write(text: str) -> None:
    """Put the tables between their marks in docs/performance.md."""
    page = REPORT.read_text()
    before, mark, rest = page.partition("<!-- webhook bench -->\n")
    _, end, after = rest.partition("<!-- /webhook bench -->")
    assert mark and end, f"{REPORT} has lost its marks"
    REPORT.write_text(f"{before}{mark}{text}\n\n{end}{after}")


def main() -> None:
    """Measure and print; with --write also into docs/performance.md."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--units", type=int, default=1_000)
    options.add_argument("--events", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--write", action="store_true")
    options.add_argument("--receive", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.receive:
        receive()
        return
    command = [sys.executable, "-m", "bench.webhook_bench", "--receive"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout is not None
            port = int(receiver.stdout.readline())
            rounds = [(purchases(port, chosen.units), deliveries(port, chosen.events)) for _ in range(chosen.rounds)]
        finally:
            receiver.kill()
    text = report(rounds, chosen.units, chosen.events)
    print(text)
    if chosen.write:
        write(text)


if __name__ == "__main__":
    main()
