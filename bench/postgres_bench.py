"""What PostgreSQL costs and what more processes bring, beside one process over files.

    python -m bench.postgres_bench [--rounds 3] [--seconds 2] [--write]

First the rows of bench/http_bench.py in small worlds, one process each, the two in turn. Then purchases by one, two and
four processes on one database: each in a world of its own, and all in one. Last, what one operation asks of the
database, counted on the wire between them: statements, and how often somebody waits for an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.http_bench import CONNECTIONS, ROWS, SMALL, World, machine, median_of, new_world, say, write
from bench.load_client import Result, run
from bench.postgres import PostgresServer, prepare
from bench.running import Running

REPORT = Path(__file__).parent.parent / "docs" / "postgresql.md"
PROCESSES = (1, 2, 4)
# Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
PROTOCOL, EXECUTE, QUERY = (3 << 16).to_bytes(4), b"E", b"Q"
REPEATED = 31  # whatever else happens at the same time is not in the median


class Wire:
    """What goes over the connections of one server to its database, counted on the way."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.counts: Counter[str] = Counter()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        listening = asyncio.run_coroutine_threadsafe(asyncio.start_server(self.pass_on, "127.0.0.1", 0), self.loop)
        self.listening_port = listening.result().sockets[0].getsockname()[1]

    async def pass_on(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """One connection, both ways, until either ends."""
        server, to_server = await asyncio.open_connection("127.0.0.1", self.port)
        has_answered = True
        sent = bytearray()
        is_started = False

        async def ask() -> None:
            nonlocal has_answered, is_started
            while piece := await client.read(65_536):
                self.counts["round trips"] += has_answered
                has_answered = False
                sent.extend(piece)
                while len(sent) >= (
                    5 if is_started else 8
                ):  # a message is its type and its length; until it is let in, a client says no type
                    start = 1 if is_started else 0
                    length = start + int.from_bytes(sent[start : start + 4])
                    if len(sent) < length:
                        break
                    self.counts["statements"] += is_started and sent[:1] in (EXECUTE, QUERY)
                    is_started = is_started or sent[4:8] == PROTOCOL
                    del sent[:length]
                to_server.write(piece)
            to_server.close()

        async def answer() -> None:
            nonlocal has_answered
            while piece := await server.read(65_536):
                has_answered = True
                to_client.write(piece)
            to_client.close()

        await asyncio.gather(ask(), answer(), return_exceptions=True)


@contextmanager
def processes(url: str, number: int) -> Iterator[list[int]]:
    """The ports of so many processes."""
    with ExitStack() as stack, ThreadPoolExecutor(number) as starting:
        started = list(starting.map(lambda _: Running(url, "--quiet"), range(number)))
        for one in started:
            stack.callback(one.stop)
        yield [one.port for one in started]


def beside_files(server: PostgresServer, rounds: int, seconds: float) -> str:
    """The rows of one process over files and of one on the database."""
    runs: dict[tuple[str, str], list[Result]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        Running(Path(folder) / "data", "--quiet") as files,
        Running(server.database(), "--quiet") as shared,
    ):
        for number in range(rounds):
            worlds = {}
            for where, one in {"SQLite": files, "PostgreSQL": shared}.items():
                worlds[where] = new_world(one.url, f"sk_test_round{number}")
                worlds[where].load(SMALL)
            for place, row in enumerate(ROWS):
                for where, world in sorted(worlds.items(), reverse=bool((number + place) % 2)):
                    done = run(world.port, lambda row=row, world=world: row.script(world), seconds=seconds)
                    runs.setdefault((row.name, where), []).append(done)
            say(f"round {number + 1} of {rounds} done")
    lines = [
        "| what | SQLite: per second | p50 ms | PostgreSQL: per second | p50 ms | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in ROWS:
        there, here = median_of(runs[row.name, "SQLite"]), median_of(runs[row.name, "PostgreSQL"])
        lines.append(
            f"| {row.name} | {there.per_second:,.0f} | {there.p50_ms:.2f} | {here.per_second:,.0f} | "
            f"{here.p50_ms:.2f} | {here.per_second / there.per_second:.2f} |"
        )
    return "\n".join(lines)


def several(server: PostgresServer, rounds: int, seconds: float) -> str:
    """Purchases and reads by several processes, each in a world of its own and all in one."""
    runs: dict[tuple[str, int, bool], list[Result]] = {}
    rows = {"authorize": World.authorize, "retrieve a card": World.retrieve}
    for number in range(rounds):
        for count in PROCESSES:
            with processes(server.database(), count) as ports:
                urls = [f"http://127.0.0.1:{port}" for port in ports]
                worlds = [new_world(url, f"sk_test_own{place}") for place, url in enumerate(urls)]
                for is_one in (False, True):
                    among = worlds[:1] if is_one else worlds
                    for name, script in rows.items():
                        turns = itertools.cycle(among)
                        done = run(
                            ports, lambda script=script, turns=turns: script(next(turns)), seconds=seconds,
                            connections=CONNECTIONS,
                        )  # fmt: skip
                        runs.setdefault((name, count, is_one), []).append(done)
        say(f"round {number + 1} of {rounds} with several processes done")
    lines = [
        "| what | processes | worlds of their own: per second | p99 ms | one world: per second | p99 ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in rows:
        for count in PROCESSES:
            own, one = median_of(runs[name, count, False]), median_of(runs[name, count, True])
            lines.append(
                f"| {name} | {count} | {own.per_second:,.0f} | {own.p99_ms:.2f} | {one.per_second:,.0f} | "
                f"{one.p99_ms:.2f} |"
            )
    return "\n".join(lines)


def asked(server: PostgresServer) -> str:
    """What one operation asks of the database."""
    wire = Wire(server.port)
    url = server.database().replace(f":{server.port}/", f":{wire.listening_port}/")
    lines = ["| what | statements | round trips |", "| --- | ---: | ---: |"]
    with Running(url, "--quiet") as running:
        world = new_world(running.url, "sk_test_asked")
        for row in ROWS:
            counts: list[Counter[str]] = []
            for _ in range(REPEATED):
                wire.counts.clear()
                run(world.port, lambda row=row: row.script(world), units=1, connections=1)
                counts.append(wire.counts.copy())
            figures = [statistics.median(count[what] for count in counts) for what in ("statements", "round trips")]
            lines.append(f"| {row.name} | {figures[0]:g} | {figures[1]:g} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print; with --write also into docs/postgresql.md."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=2)
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    with PostgresServer(prepare) as server:
        version = server.administer("SHOW server_version")[0][0].partition(" ")[0]
        tables = [
            beside_files(server, chosen.rounds, chosen.seconds),
            several(server, chosen.rounds, chosen.seconds),
            asked(server),
        ]
    report = (
        f"{machine()}, PostgreSQL {version} and the client on the same machine, without `fsync`; {CONNECTIONS} "
        f"keep-alive connections; the median of {chosen.rounds} interleaved runs of {chosen.seconds:g} s each.\n\n"
        + "\n\n".join(tables)
        + "\n"
    )
    print(report)
    if chosen.write:
        write(report, "postgres bench", REPORT)


if __name__ == "__main__":
    main()
