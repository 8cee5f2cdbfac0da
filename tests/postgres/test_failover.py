"""The primary of a database dies and its standby takes over: no server is restarted, nothing acknowledged is lost."""

from __future__ import annotations

import random
import threading
import time

import httpx

from bench.fleet import Fleet
from bench.kill_test import WRITERS, Endpoint, arrived, check, concluded, prepare
from bench.postgres import PostgresServer
from bench.postgres_kill import LONGEST_WAIT_SECONDS, Persistent
from tests.databases import postgres_server
from tests.patience import wait_until

MORE = 30  # acknowledgements


def test_requests_wait_are_refused_and_go_on_when_a_standby_is_promoted_and_nothing_acknowledged_is_lost() -> None:
    with postgres_server() as primary, PostgresServer(follows=primary) as standby:
        url = primary.url_with(standby, primary.database())
        endpoint = Endpoint(random.Random(7))
        try:
            with Fleet(url, 2) as fleet:
                shared_card = prepare(fleet.url, endpoint)
                began_ms, count = time.time() * 1000, threading.Semaphore(0)
                writers = [Persistent(fleet.url, f"writer{n}", shared_card, count) for n in range(WRITERS)]
                for writer in writers:
                    writer.start()
                acknowledged(count)

                primary.kill()
                refused = wait_until(lambda: refusal(fleet.url))
                wait_until(lambda: any(writer.repeated["503"] for writer in writers))
                standby.promote()
                drain(count)
                acknowledged(count)
                for writer in writers:
                    writer.is_over.set()
                for writer in writers:
                    writer.join(2 * LONGEST_WAIT_SECONDS)
                    assert writer.surprise is None and not writer.is_alive(), writer.surprise

                assert (refused.status_code, refused.json()["error"]["type"]) == (503, "api_error")
                assert int(refused.headers["Retry-After"]) > 0
                assert standby.administer("SELECT pg_is_in_recovery()") == [(False,)]
                concluded(fleet.url, began_ms)
                check(fleet.url, url, [one for writer in writers for one in writer.sent], "")
                assert int(arrived(fleet.url, endpoint)) > 0
        finally:
            endpoint.close()


def refusal(url: str) -> httpx.Response | None:
    """What a request meets while there is nobody who can be written to."""
    reply = httpx.get(f"{url}/v1/balance", auth=("sk_test_elsewhere", ""), timeout=60, trust_env=False)
    return reply if reply.status_code != 200 else None


def acknowledged(count: threading.Semaphore) -> None:
    """Wait for some acknowledgements more."""
    for _ in range(MORE):
        assert count.acquire(timeout=LONGEST_WAIT_SECONDS), "nobody is answered any more"


def drain(count: threading.Semaphore) -> None:
    """Forget the acknowledgements that there have been."""
    while count.acquire(blocking=False):
        continue
