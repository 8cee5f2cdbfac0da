"""Many questions open at once: purchases whose endpoint calls the API back before it answers, and nobody is late.

    python -m bench.questions_bench [--questions 500] [--calls 1] [--think 1]

Clients and receiver are one process on one loop, as cheap as they can be, so that the server is what is measured. It
prints how many purchases were approved by the endpoint, how many questions were open at once, how long all of it took,
and how long somebody else waited meanwhile who only reads; it fails where one was not approved.

How many are open at once is how many begin while the endpoint thinks. Of one that answers at once few are ever open:
what handlers ask goes before the next purchase.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.http_bench import CONNECTIONS, World, new_world
from bench.load_client import request
from bench.running import Running
from bench.webhook_bench import REPLY

KEY = "sk_test_questions"
REASON = re.compile(rb'"reason": "(\w+)"')


class Storm:
    """So many purchases at once, and the endpoint that is asked about them."""

    def __init__(self, port: int, world: World, calls: int, think: float) -> None:
        self.port = port
        self.world = world
        self.calls = calls
        self.think = think
        self.open = self.most_open = 0
        self.reasons: Counter[str] = Counter()
        self.waits: list[float] = []
        self.answering: set[asyncio.Task[None] | None] = set()  # a server forgets those whose client has gone

    async def exchange(self, sent: bytes) -> bytes:
        """One request on a connection of its own; the reply's body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        body = await body_of(reader)
        writer.close()
        return body

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be the endpoint: call back, then approve."""
        self.answering.add(asyncio.current_task())
        await body_of(reader)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        for _ in range(self.calls):
            await self.exchange(request("GET", f"/v1/issuing/cards/{self.world.card}", KEY))
        await asyncio.sleep(self.think)
        writer.write(REPLY)
        self.open -= 1
        writer.close()

    async def buy(self) -> None:
        """One purchase."""
        found = REASON.search(await self.exchange(self.world.purchase()))
        self.reasons[found[1].decode() if found else "refused"] += 1

    async def read(self) -> None:
        """Somebody else, who reads again and again."""
        while True:
            began = time.perf_counter()
            await self.exchange(request("GET", "/v1/balance", "sk_test_bystander"))
            self.waits.append((time.perf_counter() - began) * 1000)

    async def rage(self, questions: int) -> float:
        """All of it; the seconds it took."""
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0, backlog=2048)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        form = {"url": url, "enabled_events[0]": "issuing_authorization.request"}
        await self.exchange(request("POST", "/v1/webhook_endpoints", KEY, form))
        bystander = asyncio.create_task(self.read())
        began = time.perf_counter()
        await asyncio.gather(*(self.buy() for _ in range(questions)))
        took = time.perf_counter() - began
        bystander.cancel()
        while self.open:  # answers that were too late are still on their way
            await asyncio.sleep(0.05)
        server.close()
        return took


async def body_of(reader: asyncio.StreamReader) -> bytes:
    """The body of one message."""
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--questions", type=int, default=500)
    options.add_argument("--calls", type=int, default=1)
    options.add_argument("--think", type=float, default=1, help="seconds that the endpoint takes besides")
    chosen = options.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(16_384, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with tempfile.TemporaryDirectory() as folder, Running(Path(folder), "--quiet") as server:
        world = new_world(server.url, KEY)
        world.load(CONNECTIONS)
        storm = Storm(server.port, world, chosen.calls, chosen.think)
        took = asyncio.run(storm.rage(chosen.questions))
    waits = sorted(storm.waits)
    print(
        f"{chosen.questions} purchases in {took:.1f} s, {storm.most_open} questions open at once: {dict(storm.reasons)}"
    )
    print(f"a bystander waited {waits[len(waits) // 2]:.0f} ms (median), {waits[-1]:.0f} ms at most")
    if storm.reasons != Counter(webhook_approved=chosen.questions):
        raise SystemExit("Not all of them were approved by the endpoint.")


if __name__ == "__main__":
    main()
