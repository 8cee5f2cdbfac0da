"""How fast: requests per second and p99 over HTTP, beside bare Flask and one bare SQLite insert.

    python -m bench.http_bench [--rounds 5] [--seconds 2] [--large 100000] [--write]

Every world is one card, one cardholder and one account under a yearly limit. The large one is loaded through the
API. The small one is made anew for every round, so that what a round writes does not make it large. Rounds are
interleaved: what slows the machine for a while slows every row. Beside the rates of eight clients stands how long one
waits who is alone.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import os
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx

from bench.load_client import Result, Script, request, run
from bench.running import Running

REPORT = Path(__file__).parent.parent / "docs" / "performance.md"
SMALL = 1_000
PAGE = 10
CONNECTIONS = 8
MOST = 999_999_99  # the most that one funding or one limit may say; enough for some 600,000 purchases
PURCHASE = 1_50
YEARLY = {
    "spending_controls[spending_limits][0][amount]": MOST,
    "spending_controls[spending_limits][0][interval]": "yearly",
}
ADDRESS = {
    "billing[address][line1]": "123 Main Street",
    "billing[address][city]": "San Francisco",
    "billing[address][state]": "CA",
    "billing[address][postal_code]": "94111",
    "billing[address][country]": "US",
}
HOLDER = {
    "name": "Jenny Rosen",
    "type": "individual",
    "email": "jenny.rosen@example.com",
    "phone_number": "+18008675309",
    "status": "active",
    **ADDRESS,
    "individual[first_name]": "Jenny",
    "individual[last_name]": "Rosen",
    "individual[card_issuing][user_terms_acceptance][date]": 1_700_000_000,
    "individual[card_issuing][user_terms_acceptance][ip]": "203.0.113.7",
}
PORTS = itertools.cycle(range(1, 60_000))
ALONE = ", one client"
MOST_OF_P50 = 8  # of a write by one client: how many times its median the slowest of a hundred may take
AUTHORIZATION_ID = re.compile(rb'"id": ?"(iauth_\w+)"')


class World(NamedTuple):
    """A tenant with one active card and the money behind it."""

    port: int
    key: str
    card: str

    def load(self, authorizations: int) -> None:
        """Buy that many times."""
        run(self.port, self.authorize, units=authorizations, connections=CONNECTIONS)

    def purchase(self) -> bytes:
        """The request that authorizes once."""
        form = {"card": self.card, "amount": PURCHASE, "currency": "usd"}
        return request("POST", "/v1/test_helpers/issuing/authorizations", self.key, form)

    def retrieve(self) -> Script:
        """Read the card, as it was read before."""
        yield request("GET", f"/v1/issuing/cards/{self.card}", self.key)

    def retrieve_anew(self) -> Script:
        """Read the card."""
        yield request("GET", f"/v1/issuing/cards/{self.card}", self.key, **another_host())

    def create_cardholder(self) -> Script:
        """Make a cardholder."""
        yield request("POST", "/v1/issuing/cardholders", self.key, HOLDER)

    def list_of_ten(self) -> Script:
        """Read the newest page of authorizations, as it was read before."""
        yield request("GET", "/v1/issuing/authorizations?limit=10", self.key)

    def list_of_ten_anew(self) -> Script:
        """Read the newest page of authorizations."""
        yield request("GET", "/v1/issuing/authorizations?limit=10", self.key, **another_host())

    def authorize(self) -> Script:
        """Buy."""
        yield self.purchase()

    def authorize_and_capture(self) -> Script:
        """Buy, then capture: two requests."""
        body = yield self.purchase()
        found = AUTHORIZATION_ID.search(body)
        assert found, body[:300]
        path = f"/v1/test_helpers/issuing/authorizations/{found[1].decode()}/capture"
        yield request("POST", path, self.key, {})


def another_host() -> dict[str, str]:
    """A header that makes a request one that nobody has sent: of the same world and server, by another address.

    So the reply is made as it is after a write, and the write is not measured with it.
    """
    return {"host": f"127.0.0.1:{next(PORTS)}"}


class Row(NamedTuple):
    """One row of the table: what is done, what it is held against, and the share of that which we aim for."""

    name: str
    script: Callable[[World], Script]
    against: str
    aim: float | None


ROWS = (
    Row("retrieve a card, first time since a write", World.retrieve_anew, "hello", 0.85),
    Row("retrieve a card, nothing written since", World.retrieve, "hello", 0.85),
    Row("create a cardholder", World.create_cardholder, "insert", 0.7),
    Row("list of 10, first time since a write", World.list_of_ten_anew, "hello", 0.45),
    Row("list of 10, nothing written since", World.list_of_ten, "hello", 0.45),
    Row("authorize", World.authorize, "insert", 0.42),
    Row("authorize + capture", World.authorize_and_capture, "insert", None),
)


def new_world(url: str, key: str) -> World:
    """A funded tenant with an active card; card, cardholder and account each count towards a yearly limit."""
    with httpx.Client(base_url=url, auth=(key, ""), timeout=60, trust_env=False) as http:

        def post(path: str, form: dict[str, object]) -> dict[str, str]:
            reply = http.post(path, data=form)
            if reply.status_code != 200:
                raise SystemExit(f"POST {path}: {reply.status_code} {reply.text}")
            return reply.json()

        post("/v1/test_helpers/issuing/fund_balance", {"amount": MOST, "currency": "usd"})
        holder = post("/v1/issuing/cardholders", {**HOLDER, **YEARLY})
        card = post(
            "/v1/issuing/cards",
            {"cardholder": holder["id"], "currency": "usd", "type": "virtual", "status": "active", **YEARLY},
        )
    return World(int(url.rpartition(":")[2]), key, card["id"])


@contextlib.contextmanager
def bare_server(folder: Path) -> Iterator[int]:
    """The bare applications on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "bench.bare_apps", str(port), str(folder / "bare.sqlite")])
    try:
        for _ in range(200):
            time.sleep(0.05)
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request("GET", "/hello")
                connection.getresponse().read()
                break
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def measure(folder: Path, rounds: int, seconds: float, large: int) -> dict[tuple[str, int], Result]:
    """The median run of every row at both sizes; the bare rows stand under size 0."""
    runs: dict[tuple[str, int], list[Result]] = {}

    def keep(name: str, size: int, port: int, script: Callable[[], Script]) -> None:
        runs.setdefault((name, size), []).append(run(port, script, seconds=seconds, connections=CONNECTIONS))
        if size != large:
            alone = run(port, script, seconds=seconds, connections=1)
            runs.setdefault((f"{name}{ALONE}", size), []).append(alone)

    def hello() -> Script:
        yield request("GET", "/hello", "sk_test_bare")

    def insert() -> Script:
        yield request("POST", "/insert", "sk_test_bare", {"name": "Jenny Rosen"})

    with Running(folder / "data", "--quiet") as server, bare_server(folder) as bare_port:
        big = new_world(server.url, "sk_test_large")
        began = time.perf_counter()
        big.load(large)
        say(f"loaded {large:,} authorizations in {time.perf_counter() - began:.0f} s")
        for number in range(rounds):
            small = new_world(server.url, f"sk_test_small{number}")
            small.load(SMALL)
            big.load(PAGE)  # else its newest page would hold the captured purchases of the last round
            keep("hello", 0, bare_port, hello)
            keep("insert", 0, bare_port, insert)
            worlds = [(small, SMALL), (big, large)]
            for place, row in enumerate(ROWS):
                # neither size always comes first
                for world, size in worlds if (number + place) % 2 else worlds[::-1]:
                    keep(row.name, size, world.port, lambda row=row, world=world: row.script(world))
            say(f"round {number + 1} of {rounds} done")
    return {name: median_of(results) for name, results in runs.items()}


def median_of(results: list[Result]) -> Result:
    """Every figure's median over the runs."""
    return Result(*(statistics.median(figures) for figures in zip(*results, strict=True)))


def table(measured: dict[tuple[str, int], Result], large: int) -> str:
    """The markdown that goes into docs/performance.md."""
    lines = [
        "| what | objects | per second | p50 ms | p99 ms | against | ratio | aim |",
        "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |",
    ]

    def line(name: str, size: int, against: str = "", aim: float | None = None) -> str:
        result = measured[name, size]
        ratio = f"{result.per_second / measured[against, 0].per_second:.2f}" if against else ""
        figures = f"{result.per_second:,.0f} | {result.p50_ms:.2f} | {result.p99_ms:.2f}"
        title = {"hello": "bare Flask: hello", "insert": "bare Flask: one committed insert"}.get(name, name)
        shown_aim = f"≥ {aim}" if aim else ""
        return f"| {title} | {f'{size:,}' if size else ''} | {figures} | {against} | {ratio} | {shown_aim} |"

    lines += [line("hello", 0), line("insert", 0)]
    for row in ROWS:
        lines += [line(row.name, SMALL, row.against, row.aim), line(row.name, large, row.against, row.aim)]
    lines += ["", *alone(measured)]
    lines += ["", f"From {SMALL:,} to {large:,} objects, per second:", ""]
    lines += [
        f"- {row.name}: {measured[row.name, large].per_second / measured[row.name, SMALL].per_second - 1:+.0%}"
        for row in ROWS
    ]
    return "\n".join(lines)


def alone(measured: dict[tuple[str, int], Result]) -> list[str]:
    """How long one client waits who is alone with the server."""
    lines = [
        f"| one client, {SMALL:,} objects | p50 ms | p99 ms | p99 / p50 | aim |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    bare = [("bare Flask: hello", "hello", 0, ""), ("bare Flask: one committed insert", "insert", 0, "")]
    ours = [(row.name, row.name, SMALL, f"≤ {MOST_OF_P50}" if row.against == "insert" else "") for row in ROWS]
    for title, name, size, aim in [*bare, *ours]:
        seen = measured[f"{name}{ALONE}", size]
        times = seen.p99_ms / seen.p50_ms
        lines.append(f"| {title} | {seen.p50_ms:.2f} | {seen.p99_ms:.2f} | {times:.1f} | {aim} |")
    return lines


def machine() -> str:
    """What it ran on."""
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def write(report: str, name: str = "bench", page: Path = REPORT) -> None:
    """Put a table between its marks in docs/performance.md, or in another page."""
    text = page.read_text()
    before, mark, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    assert mark and end, f"{page} has lost its marks"
    page.write_text(f"{before}{mark}{report}\n{end}{after}")


def say(text: str) -> None:
    """Progress, apart from the table."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print; with --write also into docs/performance.md."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=2)
    options.add_argument("--large", type=int, default=100_000)
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), chosen.rounds, chosen.seconds, chosen.large)
    report = (
        f"{machine()}; {CONNECTIONS} keep-alive connections from one client process; the median of {chosen.rounds} "
        f"interleaved runs of {chosen.seconds:g} s each.\n\n{table(measured, chosen.large)}\n"
    )
    print(report)
    if chosen.write:
        write(report)


if __name__ == "__main__":
    main()
