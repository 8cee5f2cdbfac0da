"""Fixtures of the pages' tests: visitors without a script, and a real browser at a server with the demo world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask

from emulator import fixtures
from emulator.app import create_app
from emulator.cli.calling import http_client
from emulator.first_steps import DEMO_KEY
from tests.browsers import Tab, browsing, chromium
from tests.client import Client
from tests.dashboard.visitors import Visitor
from tests.serving import Served


class Demo(NamedTuple):
    """A server as it is shipped, with the demo world in it."""

    app: Flask
    url: str
    host: str
    made: dict[str, Any]

    @property
    def link(self) -> str:
        """The address that signs in, once."""
        return f"{self.url}{self.app.emulator.dashboard.link()}"  # type: ignore[attr-defined]


@pytest.fixture
def visitor(app: Flask, platform: Client) -> Visitor:
    """Somebody who looks into the world of `platform`."""
    platform.read("/v1/balance")
    return Visitor(app, platform.key)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """The demo world, served."""
    app = create_app(tmp_path / "data")
    with Served(app) as server:
        file = replace(fixtures.read(fixtures.shipped("demo")), settings={})
        with http_client(server.url) as http:
            made = fixtures.run(file, http, DEMO_KEY)
        yield Demo(app, server.url, server.options.address, made)
    app.emulator.close()


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of a real browser."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed, so the pages cannot be tried in one")
    with browsing(program, tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo world with a dispute in it too, served, for tests that only look."""
    app = create_app(tmp_path_factory.mktemp("told") / "data")
    with Served(app) as server:
        file = replace(fixtures.read(fixtures.shipped("demo")), settings={})
        with http_client(server.url) as http:
            made = fixtures.run(file, http, DEMO_KEY)
            http.auth, http.headers["Stripe-Account"] = (DEMO_KEY, ""), made["account"]["id"]
            transaction = made["captured_purchase"]["transactions"][0]
            debit = {"treasury[received_debit]": transaction["treasury"]["received_debit"]}
            evidence = {"evidence[reason]": "fraudulent", "evidence[fraudulent][explanation]": "winning_evidence"}
            made["transaction"] = transaction
            made["dispute"] = http.post("/v1/issuing/disputes", data={**debit, **evidence}).json()
            hears = {"url": "http://127.0.0.1:9/hook", "enabled_events[]": "treasury.outbound_transfer.created"}
            made["endpoint"] = http.post("/v1/webhook_endpoints", data=hears).json()
            of = {"financial_account": made["financial_account"]["id"]}
            leaving = {"amount": "1500", "currency": "usd", "destination_payment_method": "pm_usBankAccount", **of}
            made["transfer"] = http.post("/v1/treasury/outbound_transfers", data=leaving).json()
            made["received_credit"] = http.get("/v1/treasury/received_credits", params=of).json()["data"][0]
            made["event"] = http.get("/v1/events").json()["data"][0]
            made["request"] = {"id": http.post("/v1/issuing/cards").headers["Request-Id"]}
        yield Demo(app, server.url, server.options.address, made)
    app.emulator.close()
