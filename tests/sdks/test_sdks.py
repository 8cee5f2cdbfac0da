"""Releases of the official SDKs as people have them in production, against a real server: a whole card programme each.

Each sends with its own encoder: stripe-python before 12.0.1 writes booleans as `True` and `False`, old releases of
stripe-node know no Treasury, and each expects replies and errors of its own day.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.running import Running
from tests import packages

PATIENCE_SECONDS = 120
HERE = Path(__file__).parent
SAW: dict[str, Any] = {
    "authorized": [True, 10_00, "Café & Söhne"],
    "capabilities": dict.fromkeys(("card_issuing", "card_payments", "transfers", "treasury"), "active"),
    "capability": ["card_payments", True, "active"],
    "captured": ["closed", -12_00],
    "card": ["active", True],
    "cash": 100_00,  # 12.00 captured, 2.00 refunded, 10.00 won back
    "disputed": ["won", 10_00],
    "event": ["issuing_card.created", True, True],
    "features": ["card_issuing", "financial_addresses.aba", "inbound_transfers.ach"],
    "file": ["dispute_evidence", 17, "evidence.pdf", "pdf"],
    "incremented": [True, 15_00],
    "paged": ["3", "2", "1"],
    "refunded": ["refund", 2_00],
    "repeated": True,
}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server for all releases; each has a key of its own."""
    with Running(tmp_path_factory.mktemp("sdks") / "data", "--quiet") as running:
        yield running


def seen(command: list[str], **environment: str) -> dict[str, Any]:
    """What a programme saw; the test fails with what it printed where it did not come to its end."""
    ended = subprocess.run(
        command,
        env={**os.environ, "NO_PROXY": "*", **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.pypi
@pytest.mark.parametrize("release", ["5.5.1", "8.11.1", "11.6.1"])
def test_a_card_programme_with_this_release_of_stripe_python(server: Running, key: str, release: str) -> None:
    try:
        folder = packages.from_pypi("stripe", release)
    except packages.Unreachable as reason:
        pytest.skip(str(reason))

    saw = seen([sys.executable, str(HERE / "smoke.py"), server.url, key], PYTHONPATH=str(folder))

    refused = {
        "forgery": "SignatureVerificationError",
        "refusal": ["InvalidRequestError", "currency", "parameter_missing"],
    }
    assert saw == {**SAW, **refused, "release": release}


@pytest.mark.npm
@pytest.mark.parametrize("release", ["8.222.0", "12.18.0", "17.7.0", "20.4.1", "23.1.0"])
def test_a_card_programme_with_this_release_of_stripe_node(server: Running, key: str, release: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so stripe-node cannot be tried")
    try:
        folder = packages.from_npm("stripe", release)
    except packages.Unreachable as reason:
        pytest.skip(str(reason))

    saw = seen([node, str(HERE / "smoke.js"), str(folder), "127.0.0.1", str(server.port), key])

    refused = {
        "forgery": "StripeSignatureVerificationError",
        "refusal": ["StripeInvalidRequestError", "currency", "parameter_missing"],
    }
    assert saw == {**SAW, **refused, "release": release}


@pytest.mark.npm
@pytest.mark.parametrize(
    "release, stranger", [("20.4.1", "StripeAuthenticationError"), ("23.1.0", "StripeInvalidClientError")]
)
def test_an_account_connected_over_oauth_with_this_release_of_stripe_node(
    server: Running, key: str, release: str, stranger: str
) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so stripe-node cannot be tried")
    try:
        folder = packages.from_npm("stripe", release)
    except packages.Unreachable as reason:
        pytest.skip(str(reason))
    application = httpx.get(f"{server.url}/_emulator/application", auth=(key, "")).json()
    form = {"redirect_uri": "http://localhost/back", "scope": "read_write", "decision": "connect"}
    connected = httpx.post(application["authorize_url"], data=form)
    code = connected.headers["Location"].rpartition("code=")[2]

    saw = seen(
        [node, str(HERE / "oauth.js"), str(folder), "127.0.0.1", str(server.port), key, application["client_id"], code]
    )

    assert saw == {
        "asked": ["/oauth/authorize", True],
        "account": True,
        "more": ["read_write", "bearer"],
        "left": True,
        "errors": [
            ["StripeInvalidGrantError", 400],
            [stranger, 401],
            ["StripeAuthenticationError", 401],
            ["StripePermissionError", 403],
        ],
    }


@pytest.mark.npm
@pytest.mark.parametrize("release", ["20.4.1", "23.1.0"])
def test_an_account_of_v2_with_this_release_of_stripe_node(server: Running, key: str, release: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so stripe-node cannot be tried")
    try:
        folder = packages.from_npm("stripe", release)
    except packages.Unreachable as reason:
        pytest.skip(str(reason))

    saw = seen([node, str(HERE / "accounts_v2.js"), str(folder), "127.0.0.1", str(server.port), key])

    assert saw == {
        "capability": "active",
        "name": "Ada Inc.",
        "due": ["external_account"],
        "metadata": {"b": "2"},
        "collects": "application",
        "share": "0.8",
        "link": ["v2.core.account_link", "account_onboarding"],
        "listed": [["customer"], ["merchant", "recipient"]],
        "treasury": "active",
        "gone": True,
        "closed": True,
        "errors": [[404, "not_found"], [400, "invalid_request"], [400, "invalid_request"]],
    }
