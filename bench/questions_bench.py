"""Many questions open at once: purchases whose endpoint calls the API back before it answers, and nobody is late.

    python -m bench.questions_bench [--questions 500] [--calls 1] [--think 1]

Two ways, each in a world of its own:

- *held*: the endpoint answers nobody before it has been asked about all of them, so that all are open at that moment.
  Then each handler looks at its purchase; one half answers yes, the other approves through the API and says nothing.
  Asking about so many may take longer than the two seconds that Stripe gives, so a minute is given.
- *thinking*: with Stripe's limit the endpoint thinks for a second. As many are open at once as begin meanwhile.

Clients and receiver are one process on one loop, as cheap as they can be, so that the server is what is measured. It
prints how many purchases were approved by the endpoint, how many questions were open at once, how long all of it took,
and how long somebody else waited meanwhile who only reads; it fails where one was not approved, or was late.
"""

from __future__ import annotations

import argparse
import asyncio
import json
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

HELD_LIMIT_MS = 60_000
NOTHING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
REASON = re.compile(rb'"reason": "(\w+)"')
OPEN = re.compile(rb'"pending_request": \{')
AUTHORIZATIONS = "/v1/issuing/authorizations"


class Storm:
    """So many purchases at once, and the endpoint that is asked about them."""

    def __init__(self, world: World, questions: int) -> None:
        self.port = world.port
        self.world = world
        self.questions = questions
        self.open = self.most_open = self.asked = 0
        self.took = 0.0
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
        """Be the endpoint."""
        self.answering.add(asyncio.current_task())
        event = json.loads(await body_of(reader))
        self.asked += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        said = await self.handle(event["data"]["object"]["id"], self.asked)
        self.open -= 1
        writer.write(said)
        writer.close()

    async def handle(self, authorization: str, number: int) -> bytes:
        """What the endpoint answers about a purchase."""
        raise NotImplementedError

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

    async def rage(self) -> None:
        """All of it."""
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0, backlog=2048)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        form = {"url": url, "enabled_events[0]": "issuing_authorization.request"}
        await self.exchange(request("POST", "/v1/webhook_endpoints", self.world.key, form))
        bystander = asyncio.create_task(self.read())
        began = time.perf_counter()
        await asyncio.gather(*(self.buy() for _ in range(self.questions)))
        self.took = time.perf_counter() - began
        bystander.cancel()
        while self.open:  # answers that were too late are still on their way
            await asyncio.sleep(0.05)
        server.close()

    @property
    def told(self) -> str:
        """What came of it."""
        waits = sorted(self.waits)
        return (
            f"{self.questions} purchases in {self.took:.1f} s, {self.most_open} questions open at once: "
            f"{dict(self.reasons)}; a bystander read {len(waits)} times and waited {waits[len(waits) // 2]:.0f} ms "
            f"(median), {waits[-1]:.0f} ms at most"
        )


class Held(Storm):
    """Nobody is answered before all have been asked about."""

    def __init__(self, world: World, questions: int) -> None:
        super().__init__(world, questions)
        self.all_are_open = asyncio.Event()

    async def rage(self) -> None:
        """All of it."""
        form = {"real_time_timeout_ms": HELD_LIMIT_MS}
        await self.exchange(request("POST", "/_emulator/settings", self.world.key, form))
        await super().rage()

    async def handle(self, authorization: str, number: int) -> bytes:
        """Wait for the others, look at the purchase, and say yes or have said it through the API."""
        if self.open == self.questions:
            self.all_are_open.set()
        await self.all_are_open.wait()
        path = f"{AUTHORIZATIONS}/{authorization}"
        shown = await self.exchange(request("GET", path, self.world.key))
        if not OPEN.search(shown):
            self.reasons["decided before it was answered"] += 1
        if number % 2:
            return REPLY
        await self.exchange(request("POST", f"{path}/approve", self.world.key, {}))
        return NOTHING


class Thinking(Storm):
    """The endpoint calls back and thinks."""

    def __init__(self, world: World, questions: int, calls: int, think: float) -> None:
        super().__init__(world, questions)
        self.calls = calls
        self.think = think

    async def handle(self, authorization: str, number: int) -> bytes:
        """Look so many times at the card, think, approve."""
        for _ in range(self.calls):
            await self.exchange(request("GET", f"/v1/issuing/cards/{self.world.card}", self.world.key))
        await asyncio.sleep(self.think)
        return REPLY


async def body_of(reader: asyncio.StreamReader) -> bytes:
    """The body of one message."""
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))


def allow_many_files() -> None:
    """A connection for each purchase, its question and what the handler asks."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(16_384, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)


def held(server: Running, questions: int) -> Held:
    """So many questions open at one moment, and what came of them."""
    storm = Held(new_world(server.url, "sk_test_held"), questions)
    asyncio.run(storm.rage())
    return storm


def thinking(server: Running, questions: int, calls: int, think: float) -> Thinking:
    """So many with Stripe's limit, and what came of them."""
    world = new_world(server.url, "sk_test_questions")
    world.load(CONNECTIONS)
    storm = Thinking(world, questions, calls, think)
    asyncio.run(storm.rage())
    return storm


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--questions", type=int, default=500)
    options.add_argument("--calls", type=int, default=1)
    options.add_argument("--think", type=float, default=1, help="seconds that the endpoint takes besides")
    chosen = options.parse_args()
    allow_many_files()
    with tempfile.TemporaryDirectory() as folder, Running(Path(folder), "--quiet") as server:
        storms = [
            held(server, chosen.questions),
            thinking(server, chosen.questions, chosen.calls, chosen.think),
        ]
    for storm in storms:
        print(f"{type(storm).__name__.lower()}: {storm.told}")
    if any(storm.reasons != Counter(webhook_approved=chosen.questions) for storm in storms):
        raise SystemExit("Not all of them were approved by the endpoint.")
    if storms[0].most_open != chosen.questions:
        raise SystemExit("Not all of those that were held were open at once.")


if __name__ == "__main__":
    main()
