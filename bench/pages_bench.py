"""The dashboard's pages: how long the server takes for each, in a world of few purchases and in one of many.

    python -m bench.pages_bench [--large 100000] [--write]

Every purchase is of one card: the worst case for whatever adds them up. A page is asked for ten times over one
connection; the median counts. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from bench.http_bench import World, machine, new_world, say, write
from bench.running import Running

SMALL, TIMES = 20, 10
AIM_MS = 100
PAGES = {
    "overview": "",
    "terminal": "/terminal",
    "purchases, the newest": "/authorizations",
    "a purchase": "/authorizations/{authorization}",
    "cards": "/cards",
    "a card": "/cards/{card}",
    "events": "/events",
    "requests": "/requests",
    "clock": "/clock",
    "worlds": "/worlds",
}


def visited(world: World, url: str) -> dict[str, float]:
    """The milliseconds of each page, of somebody who has signed in; also of the oldest page of purchases."""
    with httpx.Client(base_url=f"{url}/dashboard", follow_redirects=True, timeout=60, trust_env=False) as http:
        token = re.search(r'name="token" value="([^"]+)"', http.get("/sign_in").text)[1]  # type: ignore[index]
        http.post("/sign_in", data={"token": token, "key": world.key}, headers={"Origin": url})
        api = {"auth": (world.key, ""), "params": {"limit": "1"}}
        newest = http.get(f"{url}/v1/issuing/authorizations", **api).json()["data"][0]["id"]  # type: ignore[arg-type]
        ids = {"authorization": newest, "card": world.card}
        return {name: median_ms(http, path.format(**ids)) for name, path in PAGES.items()}


def median_ms(http: httpx.Client, path: str) -> float:
    """Of so many visits, from the request to the last byte."""
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        reply = http.get(f"{http.base_url}".rstrip("/") + path)
        taken.append((time.perf_counter() - began) * 1000)
        assert reply.status_code == 200 and "/sign_in" not in str(reply.url), f"{path}: {reply.status_code}"
    return statistics.median(taken)


def table(small: dict[str, float], large: dict[str, float], size: int) -> str:
    """The table."""
    lines = [
        f"{machine()}; the median of {TIMES} visits.",
        "",
        f"| page | {SMALL} purchases | {size:,} purchases | aim |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {name} | {small[name]:.0f} ms | {large[name]:.0f} ms | ≤ {AIM_MS} ms |" for name in PAGES),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, and say or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Running(Path(folder) / "data", "--quiet")
        try:
            worlds = {size: new_world(server.url, f"sk_test_pages{size}") for size in (SMALL, asked.large)}
            for size, world in worlds.items():
                world.load(size)
            small, large = (visited(world, server.url) for world in worlds.values())
        finally:
            server.stop()
    report = table(small, large, asked.large)
    say(report)
    if asked.write:
        write(report, "pages bench")


if __name__ == "__main__":
    main()
