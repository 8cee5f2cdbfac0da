"""What a world costs: to make, to keep, to have lie idle, and to find again among ten thousand.

    python -m bench.worlds_bench [--worlds 300] [--idle 1000] [--many 10000] [--seconds 10] [--objects 10000]

Worlds are made by their keys' first use, in this process. The idle ones are served with everything that goes on in the
background; what is shown is how much of one core that takes. The many are names of one file, since a start looks at
every name and no world but those for which something is due.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.clock_bench import Client
from bench.http_bench import HOLDER, machine, write
from emulator.app import create_app


class Row(NamedTuple):
    """One figure and what we aim for."""

    name: str
    value: float
    unit: str
    aim: float

    @property
    def line(self) -> str:
        """As a row of the table."""
        return f"| {self.name} | {self.value:.2f} {self.unit} | ≤ {self.aim:g} {self.unit} |"


def made(folder: Path, worlds: int) -> list[Row]:
    """Make so many worlds: how long each takes, and how much room once the server has ended."""
    app = create_app(folder)
    times = []
    for number in range(worlds):
        began = time.perf_counter()
        app.emulator.tenants.open(f"bench{number}").stored  # type: ignore[attr-defined]  # noqa: B018
        times.append((time.perf_counter() - began) * 1000)
    app.emulator.close()  # type: ignore[attr-defined]
    size = sum(file.stat().st_size for file in folder.iterdir())
    return [
        Row("a new world", statistics.median(times), "ms", 3),
        Row("a new world on disk", size / worlds / 1e6, "MB", 0.15),
    ]


def idle(folder: Path, worlds: int, seconds: float) -> Row:
    """How much of a core so many worlds take in which nothing happens."""
    app = create_app(folder)
    for number in range(worlds):
        app.emulator.tenants.open(f"idle{number}").stored  # type: ignore[attr-defined]  # noqa: B018
    app.emulator.background.start()  # type: ignore[attr-defined]
    time.sleep(2)  # what follows from making them is over
    began = time.process_time()
    time.sleep(seconds)
    share = (time.process_time() - began) / seconds * 100
    app.emulator.close()  # type: ignore[attr-defined]
    return Row(f"{worlds:,} idle worlds, of a core", share, "%", 1)


def found(folder: Path, worlds: int) -> Row:
    """How long it takes to open a directory of so many worlds, until the first of them answers."""
    app = create_app(folder)
    app.emulator.tenants.open("many").stored  # type: ignore[attr-defined]  # noqa: B018
    app.emulator.close()  # type: ignore[attr-defined]
    (file,) = folder.glob("*.sqlite")
    for number in range(worlds - 1):
        os.link(file, folder / f"{hashlib.sha256(str(number).encode()).hexdigest()[:32]}.sqlite")
    began = time.perf_counter()
    app = create_app(folder)
    answer = app.test_client().get("/v1/balance", headers={"Authorization": "Bearer sk_test_many"})
    taken = time.perf_counter() - began
    assert answer.status_code == 200, answer.data
    app.emulator.close()  # type: ignore[attr-defined]
    return Row(f"a start among {worlds:,} worlds, to the first answer", taken, "s", 2)


def copied(folder: Path, objects: int) -> list[Row]:
    """How long it takes to keep a world of so many objects, bring it back, and fork it, beside copying its file."""
    app = create_app(folder)
    client = Client(app, "large")
    holder = client.post("/v1/issuing/cardholders", **HOLDER)["id"]
    for _ in range(objects - 1):
        client.post("/v1/issuing/cards", cardholder=holder, currency="usd", type="virtual")
    database = app.emulator.tenants.database  # type: ignore[attr-defined]
    (kept,) = (one for one in database.worlds() if one.bytes > 1_000_000)
    database.open(kept.handle).fold()
    file = folder / f"{kept.handle}.sqlite"
    copying, saving, restoring, forking = (
        median_ms(one)
        for one in (
            partial(shutil.copyfile, file, folder / "copied"),
            partial(client.post, "/_emulator/snapshots", name="large", replace="true"),
            partial(client.post, "/_emulator/snapshots/large/restore"),
            partial(client.post, "/_emulator/fork", key="sk_test_fork", replace="true"),
        )
    )
    app.emulator.close()  # type: ignore[attr-defined]
    return [
        Row(f"{what} of {objects:,} objects, in copies of its file", taken / copying, "×", 5)
        for what, taken in (("a snapshot", saving), ("a restore", restoring), ("a fork", forking))
    ]


def median_ms(action: Callable[[], object]) -> float:
    """How long something takes that is done a few times."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        action()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--worlds", type=int, default=300)
    options.add_argument("--idle", type=int, default=1_000)
    options.add_argument("--many", type=int, default=10_000)
    options.add_argument("--objects", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--write", action="store_true", help="also into docs/performance.md")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [
            *made(folder / "made", chosen.worlds),
            idle(folder / "idle", chosen.idle, chosen.seconds),
            found(folder / "many", chosen.many),
            *copied(folder / "copied", chosen.objects),
        ]
    table = "\n".join(["| what | measured | aim |", "| --- | ---: | ---: |", *(row.line for row in rows)])
    report = f"{machine()}.\n\n{table}\n"
    print(report)
    if chosen.write:
        write(report, "worlds bench")


if __name__ == "__main__":
    main()
