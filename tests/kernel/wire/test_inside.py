"""Calls from within: judged as a client's are, without a socket, and told of where they change something."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from emulator.kernel.errors import ApiError
from emulator.kernel.tenants import Tenant
from emulator.kernel.wire.inside import Inside
from tests.connect.shapes import account_of
from tests.issuing.purchases import AUTHORIZATIONS, a_spender

ORIGIN = "http://127.0.0.1:12111"


class Within:
    """One world, called from within."""

    def __init__(self, app: Flask, key: str) -> None:
        self.inside = Inside(app.emulator.pipeline, "us")  # type: ignore[attr-defined]
        self.tenant: Tenant = self.inside.opened_by(key)

    def call(self, verb: str, path: str, account: str | None = None, **params: Any) -> Any:
        return self.inside.call(self.tenant, verb, path, params, account=account, origin=ORIGIN)


@pytest.fixture
def within(app: Flask, key: str) -> Within:
    return Within(app, key)


def test_what_it_answers_is_what_a_client_hears(within, platform):
    made = within.call("POST", "/v1/customers", name="Jenny", metadata={"a": 1}, tax_exempt=None)

    assert platform.read(f"/v1/customers/{made['id']}") == made
    assert within.call("GET", "/v1/customers", limit=1) == platform.read("/v1/customers", limit=1)
    assert made["metadata"] == {"a": "1"}


def test_every_scope_of_operation_can_be_called(within, platform):
    card = a_spender(platform)["id"]

    bought = within.call("POST", AUTHORIZATIONS, card=card, amount=5_00)
    played = within.call("POST", "/_emulator/issuing/scripts/purchase", card=card, amount=1_00, capture=True)
    moved = within.call("POST", "/_emulator/clock", advance=60)

    assert bought["status"] == "pending"
    assert played["finished"] is True
    assert moved["object"] == "emulator.clock"
    assert within.call("GET", "/_emulator/health")["status"] == "ok"
    assert within.call("GET", f"/_emulator/why/{bought['id']}")["outcome"].startswith("approved")


def test_it_acts_for_an_account_if_the_world_has_it(within, platform):
    account = account_of(platform, "transfers")["id"]

    assert within.call("GET", "/v1/account", account=account)["id"] == account
    with pytest.raises(ApiError) as refused:
        within.call("GET", "/v1/account", account="acct_nobodys")
    assert refused.value.status == 403


@pytest.mark.parametrize(
    "verb, path, params, status",
    [
        ("GET", "/v1/customers/cus_none", {}, 404),
        ("POST", "/v1/customers", {"colour": "red"}, 400),
        ("GET", "/v1/nothing", {}, 404),
        ("GET", "/v1/climate/products", {}, 404),
    ],
)
def test_it_is_refused_what_a_client_is(within, verb, path, params, status):
    with pytest.raises(ApiError) as refused:
        within.call(verb, path, **params)

    assert refused.value.status == status


def test_what_changes_something_is_in_the_request_log_and_what_reads_is_not(within, platform):
    made = within.call("POST", "/v1/customers", name="Jenny")
    within.call("GET", f"/v1/customers/{made['id']}")
    with pytest.raises(ApiError):
        within.call("POST", f"/v1/customers/{made['id']}", colour="red")

    logged = [one for one in platform.read("/_emulator/requests")["data"] if one["user_agent"] == "us"]

    assert [(one["method"], one["status"]) for one in logged] == [("POST", 400), ("POST", 200)]
    event = platform.read("/v1/events", type="customer.created")["data"][0]
    assert event["request"]["id"] == logged[1]["id"]


def test_faults_are_not_for_these(within, platform):
    platform.made("/_emulator/faults", kind="server_error", count=1)

    assert within.call("POST", "/v1/customers", name="Jenny")["object"] == "customer"
    assert platform.read("/_emulator/faults")["data"][0]["remaining"] == 1


@pytest.mark.parametrize("key_given", ["", "pk_test_1", "sk_live_1", "nonsense"])
def test_only_a_secret_test_key_opens_a_world(app, key_given):
    with pytest.raises(ApiError) as refused:
        Inside(app.emulator.pipeline, "us").opened_by(key_given)

    assert refused.value.status == 401
