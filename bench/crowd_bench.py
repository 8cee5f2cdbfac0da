"""Whether a crowd that holds connections open is noticed by those who work.

    python -m bench.crowd_bench [--idle 5000] [--stalled 1000] [--rounds 3] [--seconds 4] [--write]

Eight clients read, buy and list, with nobody else there and in the midst of the crowd, in turn, so that what slows the
machine for a while slows both. Of the idle half have never said anything, half have asked once; of those that stall two
in five stop in their headers, two in five in a body, and one in five asks for much and reads nothing. What these ask
for is work that has to be done; it is measured once it is, and before the server gives up on those who stall.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import math
import re
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from bench.http_bench import PAGE, World, machine, new_world, write
from bench.load_client import Result, Script, request, run
from bench.running import Running
from emulator.server import allow_many_files

REPORT = Path(__file__).parent.parent / "docs" / "reliability.md"
KEY = "sk_test_crowd"
SHORT = request("GET", "/v1/balance", KEY)
LONG = request("GET", "/v1/issuing/authorizations?limit=10", KEY)
HEAD_WITHOUT_END = b"GET /v1/balance HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bea"
BODY_WITHOUT_END = request("POST", "/v1/customers", KEY, {"name": "Jenny Rosen"})[:-5]
TIMES_UNREAD = 30
UNREAD_BYTES = 4096
WAIT_SECONDS = 60


class Crowd:
    """Connections that are held open, for the length of a block."""

    def __init__(self, port: int, *, idle: int, stalled: int) -> None:
        self.port = port
        self.stack = contextlib.ExitStack()
        self.idle, self.in_heads, self.in_bodies, self.unread = idle, stalled * 2 // 5, stalled * 2 // 5, stalled // 5

    def __enter__(self) -> Self:
        self.waiting = [self.opened() for _ in range(self.idle)]
        for line in self.waiting[::2]:
            assert status_on(line, SHORT) == 200
        self.heads = [self.opened(HEAD_WITHOUT_END) for _ in range(self.in_heads)]
        self.bodies = [self.opened(BODY_WITHOUT_END) for _ in range(self.in_bodies)]
        self.readers = [self.opened(LONG * TIMES_UNREAD, UNREAD_BYTES) for _ in range(self.unread)]
        return self

    def __exit__(self, *failure: object) -> None:
        self.stack.close()

    def opened(self, said: bytes = b"", buffer: int | None = None) -> socket.socket:
        """A connection on which that much was said; `buffer` is how much of the replies its system takes unread."""
        line = self.stack.enter_context(socket.socket())
        line.settimeout(WAIT_SECONDS)
        if buffer is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        line.connect(("127.0.0.1", self.port))
        line.sendall(said)
        return line

    def answered(self) -> int:
        """How many of the idle are answered when they ask in the end."""
        return sum(status_on(line, SHORT) == 200 for line in self.waiting)


def status_on(line: socket.socket, said: bytes) -> int:
    """The status of the reply to one request."""
    line.sendall(said)
    reply = b""
    while b"\r\n\r\n" not in reply:
        part = line.recv(65536)
        if not part:
            return 0
        reply += part
    head, _, body = reply.partition(b"\r\n\r\n")
    announced = re.search(rb"content-length: (\d+)", head)
    assert announced is not None
    while len(body) < int(announced[1]):
        body += line.recv(65536)
    return int(head.split()[1])


def resident_mb(pid: int) -> float:
    """How much memory a process has. Linux."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def come_to_rest(pid: int) -> None:
    """Wait until a process has little to do: until nobody who reads nothing can be sent any more. Linux."""
    worked = [-math.inf]
    while len(worked) < 10 or worked[-1] - worked[-10] > 5:  # hundredths of a second
        time.sleep(0.1)
        worked.append(sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])))


class Told(NamedTuple):
    """What was seen: of the eight alone and in the crowd, and the server's memory in MB."""

    alone: list[Result]
    crowded: list[Result]
    before: float
    crowd: float
    answered: int


def works(world: World) -> Iterator[Callable[[], Script]]:
    """What the eight do, one after the other."""
    return itertools.cycle([world.retrieve_anew, world.authorize, world.list_of_ten_anew, world.authorize])


def measure(idle: int, stalled: int, rounds: int, seconds: float) -> Told:
    """Alone and in the crowd, in turn."""
    alone: list[Result] = []
    crowded: list[Result] = []
    memory: list[float] = []
    answered = []
    with Running(None, "--quiet") as server:
        world = new_world(server.url, KEY)
        world.load(10 * PAGE)
        works_on = works(world)

        def eight() -> Result:
            return run(world.port, lambda: next(works_on)(), seconds=seconds)

        eight()
        before = resident_mb(server.process.pid)
        for _ in range(rounds):
            alone.append(eight())
            with Crowd(server.port, idle=idle, stalled=stalled) as crowd:
                gc.freeze()  # or we look through our side of the crowd while we measure
                come_to_rest(server.process.pid)
                crowded.append(eight())
                memory.append(resident_mb(server.process.pid))
                answered.append(crowd.answered())
            gc.unfreeze()
    return Told(alone, crowded, before, max(memory), min(answered))


def report(told: Told, idle: int, stalled: int, seconds: float) -> str:
    """The table that goes into docs/reliability.md."""

    def line(name: str, runs: list[Result]) -> str:
        rate, p50, p99 = (statistics.median(figures) for figures in list(zip(*runs, strict=True))[:3])
        return f"| {name} | {rate:,.0f} | {p50:.1f} | {p99:.1f} |"

    return "\n".join(
        [
            f"{machine()}; the median of {len(told.alone)} rounds of {seconds:g} s each.",
            "",
            "| eight who read, buy and list | per second | p50 ms | p99 ms |",
            "| --- | ---: | ---: | ---: |",
            line("alone", told.alone),
            line(f"beside {idle:,} that are idle and {stalled:,} that stall", told.crowded),
            "",
            f"The server's memory: {told.before:.0f} MB before, {told.crowd:.0f} MB at most with the crowd. Of the "
            f"{idle:,} idle ones {told.answered:,} were answered when they asked in the end.",
            "",
        ]
    )


def main() -> None:
    """Measure and print; with --write also into docs/reliability.md."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--idle", type=int, default=5_000)
    options.add_argument("--stalled", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    allow_many_files()
    told = measure(chosen.idle, chosen.stalled, chosen.rounds, chosen.seconds)
    text = report(told, chosen.idle, chosen.stalled, chosen.seconds)
    print(text)
    if chosen.write:
        write(text, "crowd bench", REPORT)


if __name__ == "__main__":
    main()
