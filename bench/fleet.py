"""Processes that serve the same worlds, behind a small load balancer: several on one database, or one over a folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.proxy import Proxy
from bench.running import Running


class Fleet:
    """Servers from their making until `close`; `url` leads to the next one with every request."""

    def __init__(self, worlds: Path | str, processes: int = 3, *options: str) -> None:
        """Start them all."""
        self.worlds = worlds
        self.options = ("--quiet", *options)
        with ThreadPoolExecutor(processes) as starting:
            self.processes = list(starting.map(lambda _: self.started(), range(processes)))
        self.proxy = Proxy([("127.0.0.1", one.port) for one in self.processes])
        self.url = self.proxy.url

    def started(self) -> Running:
        """One process more."""
        return Running(self.worlds, *self.options)

    def kill(self, number: int) -> None:
        """`kill -9` for one of them."""
        self.processes[number].kill()

    def start_again(self, number: int) -> None:
        """Another process in the place of one that was killed."""
        self.processes[number] = again = self.started()
        self.proxy.servers[number] = ("127.0.0.1", again.port)

    def close(self) -> None:
        """Stop them all."""
        self.proxy.close()
        for one in self.processes:
            one.stop()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()
