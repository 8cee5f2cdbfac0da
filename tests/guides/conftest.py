"""Servers for the guides: a process of its own, as users run it, and one whose replies are held to the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from bench.running import Running
from tests.guides.pages import Page
from tests.serving import served


@pytest.fixture(scope="package")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `stripe-emulator serve`."""
    with Running(tmp_path_factory.mktemp("guides") / "data") as running:
        yield running.url


@pytest.fixture
def page(app: Flask, key: str) -> Iterator[Page]:
    """A page whose commands go to a server in this process; every reply is checked."""
    with served(app) as address:
        yield Page(address, key)
