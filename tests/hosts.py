"""Hosts of their own on one machine: network namespaces, joined by a switch. Only root may make them, and on Linux."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest

NUMBERS = itertools.count()


class Host(NamedTuple):
    """A network namespace: its name, its address, and how a command is run within it."""

    name: str
    address: str
    within: tuple[str, ...]


class Network(NamedTuple):
    """Hosts, and the address that this machine has among them."""

    address: str
    range: str
    hosts: list[Host]


def ip(*words: str) -> None:
    """Run `ip`. Skips where that is not allowed."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no network namespace can be made here: ip {' '.join(words)}: {done.stderr.strip()}")


@contextmanager
def network(count: int) -> Iterator[Network]:
    """So many hosts, each with nothing but its own address; gone at the end."""
    if shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs root and `ip`: it makes network namespaces")
    mark = f"{os.getpid() % 100_000}x{next(NUMBERS)}"  # names of interfaces have 15 characters at most
    prefix = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
    switch = f"se{mark}"
    with ExitStack() as stack:
        ip("link", "add", switch, "type", "bridge")
        stack.callback(subprocess.run, ["ip", "link", "delete", switch], check=True)
        ip("address", "add", f"{prefix}.1/24", "dev", switch)
        ip("link", "set", switch, "up")
        hosts = []
        for number in range(2, count + 2):
            name, outside, inside = f"se{mark}h{number}", f"se{mark}o{number}", f"se{mark}i{number}"
            ip("netns", "add", name)
            stack.callback(subprocess.run, ["ip", "netns", "delete", name], check=True)
            ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name)
            ip("link", "set", outside, "master", switch, "up")
            within = ("ip", "netns", "exec", name)
            ip("-n", name, "address", "add", f"{prefix}.{number}/24", "dev", inside)
            ip("-n", name, "link", "set", inside, "up")
            ip("-n", name, "link", "set", "lo", "up")
            hosts.append(Host(name, f"{prefix}.{number}", within))
        yield Network(f"{prefix}.1", f"{prefix}.0/24", hosts)
