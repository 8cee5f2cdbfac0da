"""`kill -9` for processes that share a database, and for the database, at random moments: nothing acknowledged is lost.

    python -m bench.postgres_kill [--rounds 50] [--seed 1] [--processes 3]

Writers do what those of bench/kill_test.py do, through a load balancer, and never give up: what is cut off, or refused
with a 503 because the database is away, is sent again with its key. In each round one of these happens, at a random
moment after some acknowledgements: one process dies, or all but one, or all, or the database server, or it is
restarted. A process that died is replaced after the others have been seen to answer; a database server is started again
and nothing else is. Then, with what has acknowledged at least as much again, everything is checked that the kill test
checks: open questions are concluded, bytes repeated, objects and events there once, movements once, the books whole.
At the end every event has arrived.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from bench.fleet import Fleet
from bench.kill_test import WRITERS, Endpoint, Sent, Writer, arrived, check, concluded, prepare
from bench.postgres import PostgresServer
from bench.postgres import prepare as with_schema

ACKNOWLEDGED_BETWEEN = 20
LONGEST_WAIT_SECONDS = 60
PAUSE_SECONDS = 0.05


class Persistent(Writer):
    """A writer that sends again whatever was not answered, until it is told to stop."""

    def __init__(self, url: str, name: str, shared_card: str, count: threading.Semaphore) -> None:
        super().__init__(url, name, shared_card, count)
        self.is_over = threading.Event()
        self.repeated: Counter[str] = Counter()
        self.longest = 0.0

    def send(self, http: httpx.Client, path: str, form: dict[str, Any]) -> dict[str, Any] | None:
        """One keyed request, as often as it takes; None when it is time to stop, or something came that should not."""
        if self.is_over.is_set():
            return None
        key = f"{self.name}-{len(self.sent)}"
        began = time.monotonic()
        while time.monotonic() < began + LONGEST_WAIT_SECONDS:
            try:
                response = http.post(path, data=form, headers={"Idempotency-Key": key})
            except httpx.HTTPError as failure:
                self.repeated[type(failure).__name__] += 1
                time.sleep(PAUSE_SECONDS)
                continue
            if response.status_code == 503 and "Retry-After" in response.headers:
                self.repeated["503"] += 1
                time.sleep(PAUSE_SECONDS)
                continue
            if response.status_code == 409 and response.json()["error"].get("code") == "idempotency_key_in_use":
                self.repeated["409"] += 1  # a question that it asked is still open
                time.sleep(PAUSE_SECONDS)
                continue
            self.longest = max(self.longest, time.monotonic() - began)
            self.sent.append(Sent(path, form, key, response.content, response.json()))
            if response.status_code != 200:
                self.surprise = f"{path}: {response.status_code} {response.text}"
                return None
            self.count.release()
            return response.json()
        self.surprise = f"{path}: nobody answers for {LONGEST_WAIT_SECONDS} s; {dict(self.repeated)}"
        return None


class Havoc:
    """A database server and processes on it, and what can befall them."""

    def __init__(self, server: PostgresServer, processes: int, chance: random.Random) -> None:
        self.server = server
        self.url = server.database()
        self.chance = chance
        self.fleet = Fleet(self.url, processes)
        self.dead: list[int] = []

    @property
    def blows(self) -> list[Callable[[], str]]:
        """What can happen."""
        return [self.one_dies, self.all_but_one_die, self.all_die, self.database_dies, self.database_restarts]

    def die(self, numbers: list[int]) -> None:
        for number in numbers:
            self.fleet.kill(number)
        self.dead += numbers

    def one_dies(self) -> str:
        self.die([self.chance.randrange(len(self.fleet.processes))])
        return "one process was killed"

    def all_but_one_die(self) -> str:
        self.die(self.chance.sample(range(len(self.fleet.processes)), len(self.fleet.processes) - 1))
        return "all processes but one were killed"

    def all_die(self) -> str:
        self.die(list(range(len(self.fleet.processes))))
        self.revive()
        return "all processes were killed"

    def database_dies(self) -> str:
        self.server.kill()
        time.sleep(self.chance.uniform(0, 2))
        self.server.start()
        return "the database server was killed"

    def database_restarts(self) -> str:
        self.server.restart()
        return "the database server was restarted"

    def revive(self) -> None:
        """Processes in the place of those that died."""
        while self.dead:
            self.fleet.start_again(self.dead.pop())

    def close(self) -> None:
        self.fleet.close()


def play(rounds: int, server: PostgresServer, chance: random.Random, processes: int = 3) -> Iterator[str]:
    """Kill and check, round after round, in one world; a line about each. AssertionError on any loss."""
    endpoint = Endpoint(random.Random(chance.random()))
    havoc = Havoc(server, processes, chance)
    try:
        url = havoc.fleet.url
        shared_card = prepare(url, endpoint)
        seen, blows = "", []
        for number in range(rounds):
            blows = blows or chance.sample(havoc.blows, len(havoc.blows))
            began_ms = time.time() * 1000
            count = threading.Semaphore(0)
            writers = [Persistent(url, f"round{number}-{n}", shared_card, count) for n in range(WRITERS)]
            for writer in writers:
                writer.start()
            wait_for_more(count, writers, havoc)
            time.sleep(chance.uniform(0, 0.4))
            happened = blows.pop()()
            wait_for_more(count, writers, havoc)  # with whoever is left
            havoc.revive()
            for writer in writers:
                writer.is_over.set()
            for writer in writers:
                writer.join(2 * LONGEST_WAIT_SECONDS)
                assert writer.surprise is None and not writer.is_alive(), told(writers, havoc)
            sent = [one for writer in writers for one in writer.sent]
            questions = concluded(url, began_ms)
            seen = check(url, havoc.url, sent, seen)
            repeated = sum((writer.repeated for writer in writers), Counter())
            longest = max(writer.longest for writer in writers)
            yield (
                f"round {number + 1}: {happened}: {len(sent)} acknowledged, {sum(repeated.values())} sent again "
                f"({', '.join(f'{times} {what}' for what, times in sorted(repeated.items())) or 'none'}), the longest "
                f"after {longest:.1f} s; {questions} questions without an answer; all there, once"
            )
        yield f"{arrived(url, endpoint)} events, every one of which arrived"
    finally:
        havoc.close()
        endpoint.close()


def wait_for_more(count: threading.Semaphore, writers: list[Persistent], havoc: Havoc) -> None:
    """Wait for some acknowledgements more."""
    for _ in range(ACKNOWLEDGED_BETWEEN):
        assert count.acquire(timeout=LONGEST_WAIT_SECONDS), told(writers, havoc)


def told(writers: list[Persistent], havoc: Havoc) -> str:
    """What the writers met, and what the servers said of it."""
    consoles = [line for one in havoc.fleet.processes for line in one.console[-20:]]
    return "\n".join([*(str(writer.surprise) for writer in writers), *consoles])


def main() -> None:
    """Play the rounds and say so."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--processes", type=int, default=3)
    chosen = options.parse_args()
    with PostgresServer(with_schema) as server:
        for line in play(chosen.rounds, server, random.Random(chosen.seed), chosen.processes):
            print(line, flush=True)
    print(f"{chosen.rounds} rounds: nothing lost, nothing twice, the books whole.")


if __name__ == "__main__":
    main()
