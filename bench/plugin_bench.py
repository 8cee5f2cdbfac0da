"""What the pytest plugin costs: thousands of tests on many workers, each with a world of its own.

    python -m bench.plugin_bench                  2,000 tests on 16 workers
    python -m bench.plugin_bench --tests 500 --workers 4

A generated project in a folder of its own is run five times: with an empty fixture and with `stripe_world`, few tests
and many of each, so that starting workers and servers is not counted; and many tests that each make a customer and fail
if they see another's. What a test costs is how much longer the whole run takes for it, and how much longer processors
work for it, which other programs on the machine do not change.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).parent.parent
EMPTY = "def test_empty(nothing, number):\n    pass\n"
WORLD = "def test_empty(stripe_world, number):\n    pass\n"
TALK = """
def test_nobody_else_is_here(stripe_world, number):
    make = {"method": "POST", "url": "/v1/customers", "data": {"name": f"number {number}"}}
    made = stripe_world.http.request(**make).json()
    found = stripe_world.http.get("/v1/customers").json()["data"]
    assert [one["name"] for one in found] == [f"number {number}"] and found[0]["id"] == made["id"]
"""
CONFTEST = """
import pytest

@pytest.fixture
def nothing():
    yield object()

def pytest_generate_tests(metafunc):
    metafunc.parametrize("number", range({tests}))
"""


class Took(NamedTuple):
    """A run: seconds that passed, and seconds that processors worked for it."""

    passed: float
    worked: float


def run(test: str, tests: int, workers: int) -> Took:
    """One run of a project. RuntimeError with what pytest printed unless every test has passed."""
    with tempfile.TemporaryDirectory(prefix="plugin-bench-") as folder:
        Path(folder, "conftest.py").write_text(CONFTEST.replace("{tests}", str(tests)))
        Path(folder, "test_project.py").write_text(test)
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        plugins = ["-p", "emulator.pytest_plugin", "-p", "xdist", "-p", "no:cacheprovider"]
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment.pop("STRIPE_EMULATOR_URL", None)
        before, worked = time.perf_counter(), processors()
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *plugins, "-n", str(workers)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        took = Took(time.perf_counter() - before, processors() - worked)
    if ended.returncode or not re.search(rf"^{tests} passed", ended.stdout, re.MULTILINE):
        raise RuntimeError(ended.stdout[-4000:] + ended.stderr[-2000:])
    return took


def processors() -> float:
    """Processor time of all that was started here and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def each(test: str, tests: int, workers: int) -> Took:
    """Milliseconds of one test more, on all workers together."""
    few, many = run(test, workers * 2, workers), run(test, tests, workers)
    print(f"  {workers * 2} tests {few.passed:.1f} s, {tests} tests {many.passed:.1f} s", flush=True)
    return Took(*(1000 * (after - before) / (tests - workers * 2) for before, after in zip(few, many, strict=True)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tests", type=int, default=2_000)
    parser.add_argument("--workers", type=int, default=16)
    options = parser.parse_args()
    costs = {}
    for name, test in (("an empty fixture", EMPTY), ("stripe_world", WORLD)):
        print(name, flush=True)
        costs[name] = each(test, options.tests, options.workers)
    talk = run(TALK, options.tests, options.workers)
    load = f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.0f}"
    print(f"\n{options.tests} tests on {options.workers} workers; {load}\n")
    print("| a test with | ms of the run | ms of processors |\n| --- | ---: | ---: |")
    for name, cost in costs.items():
        print(f"| {name} | {cost.passed:.1f} | {cost.worked:.1f} |")
    empty, world = costs.values()
    print(f"| the difference | {world.passed - empty.passed:.1f} | {world.worked - empty.worked:.1f} |")
    print(f"\n{options.tests} tests that look for one another found nobody, in {talk.passed:.0f} s.")


if __name__ == "__main__":
    main()
